/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file engine_figures.c  Figures of the engine (spec job-engine 9.1) as JSON on stdout; see
 *  engine_figures.py, which runs it alone and under mpirun. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "multims/client.h"
#include "multims/task.h"

enum { MOST = 4000 };

static mms_status no_op(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job, (void)request, (void)answer, (void)err;
    return MMS_OK;
}

/* The process of the worker, and the one that looks after it: of a rank, that rank. */
static mms_status pids(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job, (void)request, (void)err;
    json_object_set_new(answer, "worker", json_integer(getpid()));
    json_object_set_new(answer, "parent", json_integer(getppid()));
    return MMS_OK;
}

static mms_status crash(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job, (void)request, (void)answer, (void)err;
    signal(SIGSEGV, SIG_DFL);
    raise(SIGSEGV);
    return MMS_OK;
}

static mms_client *client;
static mms_value *result;
static int server;

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "engine_figures: %s\n", what);
    exit(1);
}

static double once(const mms_command *command)
{
    const double begin = now_s();
    mms_value *responses = NULL;
    mms_error err;

    demand(mms_client_run(client, command, 1, &server, &responses, &err) == MMS_OK, "a command");
    mms_value_free(&responses);
    return now_s() - begin;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Median and 95 % of n round trips, in milliseconds, with pauses between. */
static void round_trips(const char *name, const mms_command *command, int n, int gap_us)
{
    static double times[MOST];

    once(command);
    for (int i = 0; i < n; i++) {
        usleep((useconds_t)(gap_us + (i * 7919) % (gap_us + 1)));
        times[i] = 1e3 * once(command);
    }
    qsort(times, (size_t)n, sizeof *times, compare);
    json_object_set_new(result, name,
                        json_pack("{s:f, s:f, s:i}", "p50_ms", times[n / 2], "p95_ms",
                                  times[n * 95 / 100], "n", n));
}

/* Commands a second, pushed without waiting. */
static void throughput(const char *name, const mms_command *command, int n)
{
    int64_t *const ids = calloc((size_t)n, sizeof *ids);
    const double begin = now_s();
    mms_value *responses = NULL;
    mms_error err;

    demand(ids != NULL, "memory");
    for (int i = 0; i < n; i++)
        demand(mms_client_push(client, command, 1, &server, &ids[i], &err) == MMS_OK, "a push");
    demand(mms_client_responses(client, n, ids, true, -1, &responses, &err) == MMS_OK, "answers");
    json_object_set_new(result, name,
                        json_pack("{s:f, s:i}", "per_s", n / (now_s() - begin), "n", n));
    mms_value_free(&responses);
    free(ids);
}

static double cpu_s(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static void idle_client(void)
{
    const double cpu = cpu_s(), begin = now_s();

    while (now_s() - begin < 5) {
        mms_client_poll(client);
        usleep(100000);
    }
    json_object_set_new(result, "P8 idle client",
                        json_pack("{s:f}", "percent", 100 * (cpu_s() - cpu) / (now_s() - begin)));
}

/* ---- an idle server: the worker, its spare, and, under MPI, the rank ---- */

enum { MOST_PROCESSES = 8 };

/* The processes of server; returns how many there are. */
static int processes_of_server(int *list)
{
    mms_command command = MMS_COMMAND_INIT;
    mms_value *responses = NULL, *ret;
    char path[64];
    mms_error err;
    FILE *file;
    int n = 0;

    command.kind = "pids";
    demand(mms_client_run(client, &command, 1, &server, &responses, &err) == MMS_OK, "pids");
    ret = json_object_get(json_array_get(responses, 0), "ret");
    const int worker = (int)json_integer_value(json_object_get(ret, "worker"));
    const int parent = (int)json_integer_value(json_object_get(ret, "parent"));
    mms_value_free(&responses);
    list[n++] = worker;
    if (parent == (int)getpid())
        return n;
    list[n++] = parent;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
    file = fopen(path, "r");
    demand(file != NULL, "children of a rank");
    while (n < MOST_PROCESSES && fscanf(file, "%d", &list[n]) == 1)
        n += list[n] != worker;
    fclose(file);
    return n;
}

/* Seconds on a processor; source: proc(5). */
static double cpu_of(int pid)
{
    char path[64];
    double ns = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    if ((file = fopen(path, "r"))) {
        demand(fscanf(file, "%lf", &ns) == 1, path);
        fclose(file);
    }
    return 1e-9 * ns;
}

static double private_mib(int pid)
{
    char path[64], line[256];
    long long kib, sum = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Private_Clean: %lld", &kib) == 1 ||
            sscanf(line, "Private_Dirty: %lld", &kib) == 1)
            sum += kib;
    if (file)
        fclose(file);
    return (double)sum / 1024;
}

static void idle_server(void)
{
    int list[MOST_PROCESSES];
    double cpu = 0;

    for (int i = 0; i < 20; i++) { /* until there is a spare */
        mms_client_poll(client);
        usleep(50000);
    }
    const int n = processes_of_server(list);
    usleep(2000000);
    for (int i = 0; i < n; i++)
        cpu -= cpu_of(list[i]);
    const double begin = now_s();
    while (now_s() - begin < 20) {
        mms_client_poll(client);
        usleep(1000000);
    }
    for (int i = 0; i < n; i++)
        cpu += cpu_of(list[i]);
    json_object_set_new(result, "P7 idle server",
                        json_pack("{s:f}", "percent", 100 * cpu / (now_s() - begin)));
    mms_value *const memory = json_pack("{s:f}", "worker_mib", private_mib(list[0]));
    if (n > 1)
        json_object_set_new(memory, "rank_mib", json_real(private_mib(list[1])));
    if (n > 2)
        json_object_set_new(memory, "spare_mib", json_real(private_mib(list[2])));
    json_object_set_new(result, "P12 private memory", memory);
}

/* A no-op on all servers at once, and back. */
static void ping_all(void)
{
    const mms_command empty = {.size = sizeof empty, .kind = "no_op"};
    const int n = mms_client_servers(client);
    int *const all = calloc((size_t)n, sizeof *all);
    double times[20];
    mms_value *responses = NULL;
    mms_error err;

    demand(all != NULL, "memory");
    for (int s = 0; s < n; s++)
        all[s] = s + 1;
    for (int i = 0; i < 20; i++) {
        const double begin = now_s();
        demand(mms_client_run(client, &empty, n, all, &responses, &err) == MMS_OK, "ping all");
        times[i] = 1e3 * (now_s() - begin);
        mms_value_free(&responses);
    }
    qsort(times, 20, sizeof *times, compare);
    json_object_set_new(
        result, "P14 all servers",
        json_pack("{s:f, s:f, s:i}", "p50_ms", times[10], "p95_ms", times[19], "servers", n));
    free(all);
}

static mms_command unit(const char *kind)
{
    mms_command command = MMS_COMMAND_INIT;

    command.kind = kind;
    return command;
}

/* Medians of commands that crash, and of the next ones on their server, a while after the others.
 */
static void crashes(const mms_command *broken, const mms_command *empty)
{
    enum { N = 9 };
    double answered[N], next[N];

    for (int i = 0; i < N; i++) {
        const double begin = now_s();
        while (now_s() - begin < 1.2) {
            mms_client_poll(client);
            usleep(20000);
        }
        answered[i] = 1e3 * once(broken);
        next[i] = 1e3 * once(empty);
    }
    qsort(answered, N, sizeof *answered, compare);
    qsort(next, N, sizeof *next, compare);
    json_object_set_new(result, "P19 crash",
                        json_pack("{s:f, s:f, s:f, s:f}", "answered_ms", answered[N / 2], "next_ms",
                                  next[N / 2], "best_answered_ms", answered[0], "best_next_ms",
                                  next[0]));
}

/* The next commands of a server whose workers crash one after the other, from its start on. */
static void crashes_in_a_row(void)
{
    enum { N = 10 };
    const mms_command broken = unit("crash"), empty = unit("no_op");
    double next[N], first;

    for (int i = 0; i < N; i++) {
        (void)once(&broken);
        next[i] = 1e3 * once(&empty);
    }
    first = next[0];
    qsort(next, N, sizeof *next, compare);
    json_object_set_new(result, "P19 crashes in a row",
                        json_pack("{s:f, s:f, s:f}", "first_ms", first, "p50_ms", next[N / 2],
                                  "most_ms", next[N - 1]));
}

static mms_command text(const char *words)
{
    mms_command command = MMS_COMMAND_INIT;

    command.text = words;
    return command;
}

static void measure(void)
{
    static const char *const words[] = {"true", NULL};
    const mms_command empty = unit("no_op"), broken = unit("crash"), sum = text("1+1");
    mms_command program = MMS_COMMAND_INIT, fresh = unit("no_op");

    program.argv = words;
    round_trips("P1 no-op", &empty, 500, 5000);
    round_trips("P2 eval 1+1", &sum, 300, 3000);
    fresh.fresh = true;
    round_trips("P3 fresh no-op", &fresh, 50, 100000);
    throughput("P3 fresh no-ops", &fresh, 100);
    round_trips("P4 program true", &program, 200, 1000);
    throughput("P5 no-ops", &empty, 2000);
    throughput("P6 eval 1+1", &sum, 1000);
    idle_client();
    idle_server();
    ping_all();
    crashes(&broken, &empty);
}

/* The kinds of all tasks, for texts, and ours. */
static mms_unit_kind *all_kinds(void)
{
    mms_unit_kind *const known = mms_task_units();
    int n = 0;

    demand(known != NULL, "memory");
    while (known[n].name)
        n++;
    mms_unit_kind *const all = calloc((size_t)n + 4, sizeof *all);
    demand(all != NULL, "memory");
    memcpy(all, known, (size_t)n * sizeof *all);
    all[n] = (mms_unit_kind){"no_op", no_op};
    all[n + 1] = (mms_unit_kind){"crash", crash};
    all[n + 2] = (mms_unit_kind){"pids", pids};
    free(known);
    return all;
}

int main(void)
{
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    mms_unit_kind *const kinds = all_kinds();
    const double begin = now_s();
    mms_error err;
    int status;

    if (mms_engine_serve(kinds, &status))
        return status;
    result = json_object();
    opts.servers = 2;
    opts.mode = mms_command_mode;
    demand(mms_client_open(&opts, &client, &err) == MMS_OK, "no client");
    server = mms_client_servers(client);
    const mms_command first = unit("no_op");
    (void)once(&first);
    json_object_set_new(result, "P13 start", json_pack("{s:f}", "ms", 1e3 * (now_s() - begin)));
    crashes_in_a_row();
    measure();
    const double stop = now_s();
    mms_client_close(&client);
    mms_engine_shutdown(0);
    json_object_set_new(result, "P13 stop", json_pack("{s:f}", "ms", 1e3 * (now_s() - stop)));
    json_dumpf(result, stdout, JSON_INDENT(1));
    json_decref(result);
    free(kinds);
    return 0;
}
