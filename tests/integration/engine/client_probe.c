/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file client_probe.c  Pushes commands to servers and checks the responses: client_probe CASE
 *  [NUMBER], which is added to those of servers.
 *
 *  Ends with 0 when all was as it should be.  CASES.md tells which case of the specification each
 * is.
 */
#include <dirent.h>
#include <jansson.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "multims/client.h"
#include "multims/task.h"

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

enum { LARGE = 64 << 20 };

/* ---- what servers can do ---- */

static mms_status sleep_unit(mms_job *job, const mms_value *request, mms_value *answer,
                             mms_error *err)
{
    const double s = json_number_value(json_object_get(request, "seconds"));
    const struct timespec time = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};

    (void)job, (void)answer;
    if (!json_is_number(json_object_get(request, "seconds")))
        return mms_fail(err, MMS_ERR_ARG, "seconds must be a number");
    nanosleep(&time, NULL);
    return MMS_OK;
}

static mms_status add_unit(mms_job *job, const mms_value *request, mms_value *answer,
                           mms_error *err)
{
    (void)job, (void)err;
    json_object_set_new(answer, "sum",
                        json_integer(json_integer_value(json_object_get(request, "a")) +
                                     json_integer_value(json_object_get(request, "b"))));
    return MMS_OK;
}

/* Counts the commands of a server: its state. */
static mms_status count_unit(mms_job *job, const mms_value *request, mms_value *answer,
                             mms_error *err)
{
    int *count = mms_job_kept(job, "count");
    mms_status st = MMS_OK;

    (void)request;
    if (!count) {
        count = calloc(1, sizeof *count);
        st = mms_job_keep(job, "count", count, free, err);
    }
    if (st == MMS_OK)
        json_object_set_new(answer, "count", json_integer(++*count));
    return st;
}

static mms_status large_unit(mms_job *job, const mms_value *request, mms_value *answer,
                             mms_error *err)
{
    char *const text = malloc(LARGE + 1);

    (void)job, (void)err;
    usleep((useconds_t)(1e6 * json_number_value(json_object_get(request, "seconds"))));
    memset(text, 'x', LARGE);
    text[LARGE] = '\0';
    json_object_set_new(answer, "text", json_string(text));
    free(text);
    return MMS_OK;
}

static mms_status exit_unit(mms_job *job, const mms_value *request, mms_value *answer,
                            mms_error *err)
{
    (void)job, (void)request, (void)answer, (void)err;
    printf("last words\n");
    fflush(stdout);
    _exit(3);
}

static mms_status signal_unit(mms_job *job, const mms_value *request, mms_value *answer,
                              mms_error *err)
{
    const int number = (int)json_integer_value(json_object_get(request, "signal"));

    (void)job, (void)answer, (void)err;
    signal(number, SIG_DFL); /* a sanitizer may catch it */
    raise(number);
    return MMS_OK;
}

/* Takes so much memory for a moment. */
static mms_status take_unit(mms_job *job, const mms_value *request, mms_value *answer,
                            mms_error *err)
{
    const size_t size = (size_t)json_integer_value(json_object_get(request, "mib")) << 20;
    char *const room = malloc(size);

    (void)job;
    if (!room)
        return mms_fail(err, MMS_ERR_MEM, "no room");
    memset(room, 1, size);
    usleep(500000);
    json_object_set_new(answer, "byte", json_integer(room[size / 2]));
    free(room);
    return MMS_OK;
}

/* Takes processor time for so long. */
static mms_status work_unit(mms_job *job, const mms_value *request, mms_value *answer,
                            mms_error *err)
{
    const double s = json_number_value(json_object_get(request, "seconds"));
    const time_t begin = time(NULL);

    (void)job, (void)answer, (void)err;
    while ((double)(time(NULL) - begin) < s)
        continue;
    return MMS_OK;
}

/* Tells 1 to n on the way, then one that is too large. */
static mms_status partials_unit(mms_job *job, const mms_value *request, mms_value *answer,
                                mms_error *err)
{
    const int n = (int)json_integer_value(json_object_get(request, "n"));
    mms_status st = MMS_OK;
    char *text;

    for (int i = 1; st == MMS_OK && i <= n; i++)
        st = mms_job_partial(job, json_pack("{s:i}", "i", i), err);
    if (st != MMS_OK || !(text = malloc(2 << 20)))
        return st;
    memset(text, 'x', (2 << 20) - 1);
    text[(2 << 20) - 1] = '\0';
    json_object_set_new(
        answer, "refused",
        json_boolean(mms_job_partial(job, json_string(text), err) == MMS_ERR_RANGE));
    free(text);
    return MMS_OK;
}

static mms_status spin_unit(mms_job *job, const mms_value *request, mms_value *answer,
                            mms_error *err)
{
    (void)job, (void)request, (void)answer, (void)err;
    for (volatile int i = 0; i >= 0;)
        continue;
    return MMS_OK;
}

static mms_status pid_unit(mms_job *job, const mms_value *request, mms_value *answer,
                           mms_error *err)
{
    (void)job, (void)request, (void)err;
    json_object_set_new(answer, "pid", json_integer(getpid()));
    return MMS_OK;
}

/* The process that looks after the worker: of a rank, that rank. */
static mms_status parent_unit(mms_job *job, const mms_value *request, mms_value *answer,
                              mms_error *err)
{
    (void)job, (void)request, (void)err;
    json_object_set_new(answer, "pid", json_integer(getppid()));
    return MMS_OK;
}

static mms_status empty_unit(mms_job *job, const mms_value *request, mms_value *answer,
                             mms_error *err)
{
    (void)job, (void)request, (void)answer;
    return mms_fail(err, MMS_ERR_EMPTY, "nothing is selected");
}

static mms_status client_unit(mms_job *job, const mms_value *request, mms_value *answer,
                              mms_error *err)
{
    mms_client *mine;
    const mms_status st = mms_client_open(NULL, &mine, err);

    (void)job, (void)request, (void)answer;
    mms_client_close(&mine);
    return st;
}

static const mms_unit_kind kinds[] = {
    {"empty", empty_unit},       {"client", client_unit}, {"sleep", sleep_unit},
    {"add", add_unit},           {"count", count_unit},   {"large", large_unit},
    {"exit", exit_unit},         {"signal", signal_unit}, {"spin", spin_unit},
    {"pid", pid_unit},           {"parent", parent_unit}, {"work", work_unit},
    {"partials", partials_unit}, {"take", take_unit},     {NULL, NULL},
};

/* Our kinds, and those that texts and verbs need. */
static mms_unit_kind *all_kinds(void)
{
    mms_unit_kind *const tasks = mms_task_units();
    const size_t ours = sizeof kinds / sizeof *kinds - 1;
    size_t n = 0;

    CHECK(tasks);
    while (tasks[n].name)
        n++;
    mms_unit_kind *const all = malloc((ours + n + 1) * sizeof *all);
    CHECK(all);
    memcpy(all, kinds, ours * sizeof *all);
    memcpy(all + ours, tasks, (n + 1) * sizeof *all);
    free(tasks);
    return all;
}

/* ---- how cases push and look ---- */

static mms_client *client;
static mms_value *kept; /* an array of what is freed at the end */
static int base; /* added to the numbers of servers: under MPI 1 is local, 2 and 3 are ranks' */

/* Own a value to the end of the program. */
static mms_value *keep(mms_value *value)
{
    json_array_append_new(kept, value);
    return value;
}

static mms_command task(const char *kind, const char *parameters)
{
    mms_command command = MMS_COMMAND_INIT;
    mms_value *value = NULL;

    command.kind = kind;
    if (parameters)
        CHECK(mms_value_parse(parameters, &value, NULL) == MMS_OK);
    if (value)
        command.parameters = keep(value);
    return command;
}

static int64_t push(mms_command command, int target)
{
    const int server = target + base;
    int64_t id;
    mms_error err;

    if (mms_client_push(client, &command, target ? 1 : 0, &server, &id, &err) != MMS_OK) {
        fprintf(stderr, "push: %s\n", err.msg);
        exit(1);
    }
    return id;
}

static mms_value *get(int64_t id)
{
    mms_value *list;
    mms_error err;

    if (mms_client_responses(client, 1, &id, true, 60, &list, &err) != MMS_OK) {
        fprintf(stderr, "responses: %s\n", err.msg);
        exit(1);
    }
    CHECK(json_array_size(list) == 1);
    return json_array_get(keep(list), 0);
}

static mms_value *run(mms_command command, int target)
{
    return get(push(command, target));
}

static const char *text(const mms_value *response, const char *key)
{
    const char *const s = json_string_value(json_object_get(response, key));
    return s ? s : "";
}

static int64_t result(const mms_value *response, const char *key)
{
    CHECK(json_is_true(json_object_get(response, "successful")));
    return json_integer_value(json_object_get(json_object_get(response, "ret"), key));
}

static void failed(const mms_value *response, const char *class, const char *words)
{
    CHECK(json_is_false(json_object_get(response, "successful")));
    CHECK(json_is_null(json_object_get(response, "ret")));
    CHECK(!strncmp(text(response, "traceback"), "Traceback (", 11));
    if (!strstr(text(response, "traceback"), words))
        fprintf(stderr, "%s\n", text(response, "traceback"));
    CHECK(strstr(text(response, "traceback"), words));
    if (strcmp(text(json_object_get(response, "error"), "class"), class))
        fprintf(stderr, "%s\n", text(response, "traceback"));
    CHECK(!strcmp(text(json_object_get(response, "error"), "class"), class));
}

static void still_works(int server)
{
    CHECK(result(run(task("add", "{\"a\": 1, \"b\": 2}"), server), "sum") == 3);
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double seconds(void)
{
    return seconds_of(CLOCK_MONOTONIC);
}

/* ---- cases ---- */

static void keys(void)
{
    static const char *const names[] = {
        "command",          "parameters", "mode",       "id",        "server",
        "status",           "ret",        "successful", "traceback", "command_start_time",
        "command_stop_time"};
    mms_value *const good = run(task("add", "{\"a\": 2, \"b\": 40}"), 0);
    mms_value *const bad = run(task("sleep", "{\"seconds\": \"a\"}"), 1);

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK(json_object_get(good, names[i]));
        CHECK(json_object_get(bad, names[i]));
    }
    CHECK(!strcmp(text(good, "status"), "response received"));
    CHECK(json_is_null(json_object_get(good, "traceback")));
    CHECK(result(good, "sum") == 42);
    failed(bad, "value", "ValueError: ");
    CHECK(json_integer_value(json_object_get(good, "id")) == 1);
    CHECK(json_integer_value(json_object_get(bad, "id")) == 2);
}

/* 2.7: what a response has beside the keys of mpi4casa's; of one that died, too. */
static void additions(void)
{
    const mms_value *const good = run(task("sleep", "{\"seconds\": 0.1}"), 1);
    const mms_value *const bad = run(task("signal", "{\"signal\": 11}"), 1);
    const mms_value *const usage = json_object_get(good, "usage");
    const mms_value *const error = json_object_get(bad, "error");
    char host[256] = "";

    CHECK(!gethostname(host, sizeof host - 1) && !strcmp(text(good, "host"), host));
    CHECK(json_integer_value(json_object_get(good, "attempt")) == 1);
    CHECK(json_integer_value(json_object_get(good, "pid")) > 1);
    CHECK(json_real_value(json_object_get(good, "queue_s")) >= 0);
    CHECK(json_real_value(json_object_get(usage, "wall_s")) >= 0.1);
    CHECK(json_real_value(json_object_get(usage, "cpu_user_s")) >= 0);
    CHECK(json_real_value(json_object_get(usage, "cpu_sys_s")) >= 0);
    CHECK(json_integer_value(json_object_get(usage, "max_rss_kib")) > 1000);
    CHECK(json_is_integer(json_object_get(usage, "read_bytes")));
    CHECK(json_is_integer(json_object_get(usage, "write_bytes")));
    CHECK(!json_object_get(good, "error") && !json_object_get(bad, "usage"));
    CHECK(!strcmp(text(error, "class"), "crash") && !strcmp(text(error, "code"), "WORKER"));
    CHECK(!strcmp(text(error, "host"), host) && strstr(text(error, "message"), "signal 11"));
    CHECK(json_integer_value(json_object_get(error, "signal")) == 11);
    CHECK(json_is_false(json_object_get(error, "retryable")));
    CHECK(json_number_value(json_object_get(good, "command_start_time")) <=
          json_number_value(json_object_get(good, "command_stop_time")));
}

/* C01 to C24 with units in place of expressions: any, one and two targets, blocking or later. */
static void targets(void)
{
    const int both[2] = {base + 1, base + 2};
    const mms_command add = task("add", "{\"a\": 1, \"b\": 2}");
    int64_t ids[2];
    mms_value *list;
    mms_error err;

    still_works(0);
    still_works(1);
    CHECK(mms_client_run(client, &add, 2, both, &list, &err) == MMS_OK);
    keep(list);
    for (int i = 0; i < 2; i++) {
        CHECK(result(json_array_get(list, (size_t)i), "sum") == 3);
        CHECK(json_integer_value(json_object_get(json_array_get(list, (size_t)i), "server")) ==
              base + i + 1);
    }
    CHECK(mms_client_push(client, &add, 2, both, ids, &err) == MMS_OK);
    CHECK(ids[1] == ids[0] + 1);
    CHECK(mms_client_responses(client, 2, ids, false, 0, &list, &err) == MMS_OK);
    keep(list);
    CHECK(json_array_size(list) <= 2);
    CHECK(mms_client_responses(client, 2, ids, true, 60, &list, &err) == MMS_OK);
    keep(list);
    CHECK(json_array_size(list) == 2);
}

/* A022 to A024, A027: ids of any order, some twice, some pending; a limit passes; get twice. */
static void getting(void)
{
    const int64_t slow = push(task("sleep", "{\"seconds\": 1}"), 1);
    const int64_t fast = push(task("add", "{\"a\": 1, \"b\": 2}"), 2);
    const int64_t ids[4] = {fast, slow, fast, slow};
    mms_value *list;
    mms_error err;

    get(fast);
    CHECK(mms_client_responses(client, 4, ids, false, 0, &list, &err) == MMS_OK);
    CHECK(json_array_size(keep(list)) == 2);
    CHECK(mms_client_responses(client, 4, ids, true, 0.1, &list, &err) == MMS_ERR_WORKER);
    CHECK(json_array_size(keep(list)) == 2 && strstr(err.msg, "within 0.1 s"));
    CHECK(mms_client_responses(client, 4, ids, true, 60, &list, &err) == MMS_OK);
    for (int i = 0; i < 4; i++)
        CHECK(json_integer_value(json_object_get(json_array_get(list, (size_t)i), "id")) == ids[i]);
    keep(list);
    CHECK(json_equal(get(slow), get(slow)));
    CHECK(mms_client_responses(client, 0, NULL, true, 0, &list, &err) == MMS_OK);
    CHECK(json_array_size(keep(list)) == 0);
}

static void refusals(void)
{
    const int wrong[3] = {1, mms_client_servers(client) + 1, 0};
    const mms_command add = task("add", NULL);
    const mms_command none = MMS_COMMAND_INIT;
    int64_t ids[3], unknown = 99;
    mms_value *list;
    mms_error err;

    char text[64];

    CHECK(mms_client_push(client, &add, 2, wrong, ids, &err) == MMS_ERR_ARG);
    snprintf(text, sizeof text, "Server #%d does not exist", wrong[1]);
    CHECK(!strcmp(err.msg, text));
    CHECK(mms_client_push(client, &add, 1, wrong + 2, ids, &err) == MMS_ERR_ARG);
    CHECK(!strcmp(err.msg, "Server #0 does not exist"));
    CHECK(mms_client_push(client, &none, 0, NULL, ids, &err) == MMS_ERR_ARG);
    CHECK(mms_client_push(client, &add, -1, wrong, ids, &err) == MMS_ERR_ARG);
    CHECK(mms_client_push(client, &add, 2, NULL, ids, &err) == MMS_ERR_ARG);
    CHECK(mms_client_responses(client, 1, &unknown, true, 1, &list, &err) == MMS_ERR_ARG);
    CHECK(push(add, 1) == 1); /* no id was used */
    failed(run(task("nothing", NULL), 1), "internal", "no such kind of work: nothing");
}

/* C49: a server runs its commands in the order of pushing, others don't wait, state is its own. */
static void fifo(void)
{
    const double begin = seconds();
    int64_t ids[20], slow;

    slow = push(task("sleep", "{\"seconds\": 3}"), 1);
    for (int i = 0; i < 20; i++)
        ids[i] = push(task("count", NULL), 1);
    CHECK(result(run(task("count", NULL), 2), "count") == 1);
    CHECK(seconds() - begin < 2.7);
    for (int i = 0; i < 20; i++)
        CHECK(result(get(ids[i]), "count") == i + 1);
    CHECK(json_is_true(json_object_get(get(slow), "successful")));
    CHECK(json_is_true(json_object_get(get(slow), "successful"))); /* a response stays */
}

static void programs(void)
{
    static const char *const good[] = {"sh", "-c", "echo out; echo err >&2", NULL};
    static const char *const bad[] = {"sh", "-c", "echo oh no >&2; exit 7", NULL};
    static const char *const absent[] = {"no-such-program", NULL};
    static const char *const no_program[] = {"/etc/passwd", NULL};
    static const char *const dies[] = {"sh", "-c", "kill -SEGV $$", NULL};
    mms_command command = MMS_COMMAND_INIT;
    mms_value *response;

    command.argv = good;
    response = run(command, 1);
    CHECK(result(response, "exit") == 0);
    CHECK(!strcmp(text(json_object_get(response, "ret"), "stdout_tail"), "out\n"));
    CHECK(!strcmp(text(json_object_get(response, "ret"), "stderr_tail"), "err\n"));
    CHECK(!strcmp(text(response, "command"), "sh -c echo out; echo err >&2"));
    command.argv = bad;
    failed(run(command, 1), "crash", "sh ended with status 7: oh no");
    command.argv = absent;
    failed(run(command, 1), "notfound", "IOError: program no-such-program");
    command.argv = no_program;
    failed(run(command, 1), "permission", "IOError: ");
    command.argv = dies;
    response = run(command, 1);
    failed(response, "crash", "WorkerError: ");
    CHECK(json_integer_value(json_object_get(json_object_get(response, "error"), "signal")) == 11);
    still_works(1);
}

/* A055, A058: 100 MiB of lines hold nothing up, and only the last is kept; a reader that goes ends
 * the writer. */
static void floods(void)
{
    static const char *const flood[] = {
        "sh", "-c", "yes 0123456789 | head -c 104857600; echo; echo the end", NULL};
    static const char *const pipe[] = {"sh", "-c", "yes | head -n 1; exit 0", NULL};
    mms_command command = MMS_COMMAND_INIT;

    command.argv = flood;
    const int64_t id = push(command, 1);
    still_works(2);
    const mms_value *const response = get(id);
    const char *const tail = text(json_object_get(response, "ret"), "stdout_tail");
    CHECK(strlen(tail) <= 8192 && strlen(tail) > 9 &&
          !strcmp(tail + strlen(tail) - 8, "the end\n"));
    CHECK(json_integer_value(json_object_get(response, "exit")) == 0);
    command.argv = pipe;
    CHECK(!strcmp(text(json_object_get(run(command, 1), "ret"), "stdout_tail"), "y\n"));
    still_works(1);
}

static void large(void)
{
    const double begin = seconds();
    mms_value *const response = run(task("large", NULL), 2);

    CHECK(json_string_length(json_object_get(json_object_get(response, "ret"), "text")) == LARGE);
    CHECK(seconds() - begin < 120);
    still_works(2);
}

static void exits(void)
{
    failed(run(task("exit", NULL), 1), "crash", "last words");
    still_works(1);
    still_works(2);
}

static void crashes(void)
{
    const mms_value *status;

    failed(run(task("signal", "{\"signal\": 11}"), 1), "crash", "signal 11");
    failed(run(task("signal", "{\"signal\": 6}"), 1), "crash", "signal 6");
    failed(run(task("signal", "{\"signal\": 9}"), 1), "killed", "signal 9");
    still_works(1);
    status = json_array_get(keep(mms_client_status(client)), (size_t)base);
    CHECK(!strncmp(text(status, "last_error"), "killed: ", 8) && *text(status, "version"));
    CHECK(json_number_value(json_object_get(status, "cpu_s")) > 0 &&
          json_number_value(json_object_get(status, "rss_mib")) > 0);
}

static void endless(void)
{
    mms_command spin = task("spin", NULL);
    const double begin = seconds();
    const int64_t id = push(spin, 1);
    mms_error err;

    still_works(2);
    CHECK(mms_client_cancel(client, 1, &id, &err) == MMS_OK);
    failed(get(id), "cancelled", "EngineError: ");
    spin.limit_s = 0.3;
    failed(run(spin, 1), "timeout", "Timeout: it took longer than its limit of ");
    still_works(1);
    CHECK(seconds() - begin < 120);
}

/* A063: what takes processor time goes on, a command or a program; what does nothing is ended, a
 * program, too, after whose lines its worker looks meanwhile. */
static void stalls(void)
{
    static const char *const busy[] = {"sh", "-c",
                                       "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done", NULL};
    static const char *const away[] = {
        "setsid", "-w", "sh", "-c", "i=0; while [ $i -lt 3000000 ]; do i=$((i+1)); done", NULL};
    static const char *const idle[] = {"sleep", "600", NULL};
    mms_command work = task("work", "{\"seconds\": 3}");
    mms_command nap = task("sleep", "{\"seconds\": 600}");
    mms_command program = MMS_COMMAND_INIT;

    work.stall_s = nap.stall_s = program.stall_s = 1;
    const int64_t works = push(work, 1);
    failed(run(nap, 2), "stalled", "Timeout: ");
    program.argv = idle;
    failed(run(program, 2), "stalled", "nothing of it moved for 1 s: sleep was stopped");
    CHECK(json_is_true(json_object_get(get(works), "successful")));
    program.argv = busy;
    CHECK(result(run(program, 1), "exit") == 0);
    program.argv = away; /* which leaves the worker's session */
    CHECK(result(run(program, 1), "exit") == 0);
    nap = task("sleep", "{\"seconds\": 2}"); /* no limit */
    CHECK(json_is_true(json_object_get(run(nap, 1), "successful")));
    still_works(2);
}

/* A065: a command that takes more memory than it may is ended; the next one runs. */
static void little_memory(void)
{
    static const char *const words[] = {"sh", "-c",
                                        "head -c 400000000 /dev/zero | tail -n 1 | wc -c", NULL};
    static const char *const away[] = {
        "setsid", "-w", "sh", "-c", "head -c 400000000 /dev/zero | tail -n 1 | wc -c", NULL};
    mms_command small = task("take", "{\"mib\": 10}"), large = task("take", "{\"mib\": 400}");
    mms_command program = MMS_COMMAND_INIT;

    CHECK(json_is_true(json_object_get(run(large, 1), "successful")));
    small.memory = large.memory = program.memory = 100 << 20;
    const int64_t id = push(small, 2);
    failed(run(large, 1), "memory", "was ended, as it took more than 100 MiB of memory");
    still_works(1);
    program.argv = words;
    failed(run(program, 1), "memory", "sh was ended, as it took more than 100 MiB of memory");
    program.argv = away;
    failed(run(program, 1), "memory", "setsid was ended, as it took more than 100 MiB of memory");
    still_works(1);
    CHECK(json_is_true(json_object_get(get(id), "successful")));
    program.memory = 0;
    CHECK(result(run(program, 1), "exit") == 0);
}

/* A program gets time to end, and a queued command is cancelled at once. */
static void cancel(void)
{
    static const char *const loop[] = {"sh", "-c",
                                       "trap 'echo bye; exit 4' TERM; while :; do "
                                       "sleep 0.05; done",
                                       NULL};
    static const char *const deaf[] = {"sh", "-c", "trap '' TERM; while :; do sleep 0.05; done",
                                       NULL};
    mms_command command = MMS_COMMAND_INIT;
    int64_t ids[2];
    mms_value *response;
    mms_error err;

    command.argv = loop;
    ids[0] = push(command, 1);
    ids[1] = push(task("add", NULL), 1);
    sleep(1);
    CHECK(mms_client_cancel(client, 2, ids, &err) == MMS_OK);
    CHECK(!strcmp(text(get(ids[1]), "status"), "cancelled"));
    response = get(ids[0]);
    failed(response, "cancelled", "EngineError: sh was stopped");
    CHECK(strstr(text(json_object_get(json_object_get(response, "error"), "value"), "stdout_tail"),
                 "bye"));
    CHECK(mms_client_cancel(client, 2, ids, &err) == MMS_OK); /* they have ended */
    command.argv = deaf;
    ids[0] = push(command, 1);
    sleep(1);
    CHECK(mms_client_cancel(client, 1, ids, &err) == MMS_OK);
    failed(get(ids[0]), "cancelled", "EngineError: sh was stopped");
    still_works(1);
}

/* Children of a process: workers and spare ones. */
static int read_children(pid_t parent, int *pids, int most)
{
    char path[64];
    FILE *file;
    int n = 0;

    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    CHECK((file = fopen(path, "r")));
    while (n < most && fscanf(file, "%d", &pids[n]) == 1)
        n++;
    fclose(file);
    return n;
}

static pid_t worker_of(int server)
{
    return (pid_t)result(run(task("pid", NULL), server), "pid");
}

/* Whether a process has ended, and nobody has collected it. */
static bool is_zombie(pid_t pid)
{
    char path[64], state = 'Z';
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if ((file = fopen(path, "r"))) {
        CHECK(fscanf(file, "%*d (%*[^)]) %c", &state) == 1);
        fclose(file);
    }
    return state == 'Z';
}

/* What workers are forked of, beside that of server 1; not the one that was before. */
static pid_t wait_for_spare(pid_t parent, pid_t worker, pid_t before)
{
    int pids[8];

    for (int i = 0; i < 500; i++) {
        const int n = read_children(parent, pids, 8);
        for (int k = 0; k < n; k++)
            if (pids[k] != worker && pids[k] != before && !is_zombie(pids[k]))
                return pids[k];
        mms_client_poll(client);
        usleep(20000);
    }
    fprintf(stderr, "no spare\n");
    exit(1);
}

/* Kill a process and wait until it is dead, collected or not. */
static void kill_surely(pid_t pid)
{
    char path[64], state = 'R';
    FILE *file;

    kill(pid, SIGKILL);
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    for (int i = 0; i < 1000 && state != 'Z' && (file = fopen(path, "r")); i++) {
        CHECK(fscanf(file, "%*d (%*[^)]) %c", &state) == 1);
        fclose(file);
        usleep(5000);
    }
}

/* Where one spare after the other dies none is started more than once a second. */
static void dying_spares(pid_t parent, pid_t worker, pid_t before)
{
    const time_t begin = time(NULL);

    for (int i = 0; i < 4; i++) {
        before = wait_for_spare(parent, worker, before);
        kill_surely(before);
    }
    CHECK(time(NULL) - begin >= 2);
}

/* Another worker is forked of a warm process when one dies (A089), however many do one after the
 * other; that process is replaced when it dies itself, or is passed over when it is stopped. */
static void spares(void)
{
    const pid_t parent = (pid_t)result(run(task("parent", NULL), 1), "pid");
    const pid_t first = wait_for_spare(parent, worker_of(1), 0);
    pid_t worker = worker_of(1), second;

    kill_surely(first); /* not yet seen: the next one is started as if there were none */
    CHECK(worker_of(1) == worker);
    failed(run(task("signal", "{\"signal\": 9}"), 1), "killed", "signal 9");
    second = wait_for_spare(parent, worker_of(1), first);
    for (int i = 0; i < 10; i++) {
        worker = worker_of(1);
        failed(run(task("signal", "{\"signal\": 11}"), 1), "crash", "signal 11");
        CHECK(worker_of(1) != worker);
    }
    kill(second, SIGSTOP);
    failed(run(task("signal", "{\"signal\": 11}"), 1), "crash", "signal 11");
    still_works(1);
    dying_spares(parent, worker_of(1), 0);
}

static int64_t count_entries(const char *folder)
{
    DIR *const list = opendir(folder);
    int64_t n = 0;

    while (list && readdir(list))
        n++;
    CHECK(list);
    closedir(list);
    return n;
}

/* A060: nothing is left of them when the client is closed. */
static void fifty_fresh(void)
{
    mms_command command = task("pid", NULL);
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    int64_t ids[50];
    mms_error err;
    int pids[8];

    mms_client_close(&client);
    const int64_t files = count_entries("/proc/self/fd");
    opts.servers = 2;
    CHECK(mms_client_open(&opts, &client, &err) == MMS_OK);
    command.fresh = true;
    for (int i = 0; i < 50; i++)
        ids[i] = push(command, i % 3);
    for (int i = 0; i < 50; i++)
        for (int k = 0; k < i; k++)
            CHECK(result(get(ids[i]), "pid") != result(get(ids[k]), "pid"));
    CHECK(mms_client_finish(client, true, -1, &err) == MMS_OK);
    mms_client_close(&client);
    CHECK(read_children(getpid(), pids, 8) == 0);
    CHECK(count_entries("/proc/self/fd") <= files);
}

/* A fresh command has a process of its own, which the next one keeps; what was before ends. */
static void fresh(void)
{
    const pid_t parent = (pid_t)result(run(task("parent", NULL), 1), "pid"), first = worker_of(1);
    mms_command command = task("pid", NULL);
    pid_t second = 0, before;
    int pids[8];

    command.fresh = true;
    for (int i = 0; i < 5; i++) {
        before = second;
        second = (pid_t)result(run(command, 1), "pid");
        CHECK(second != first && second != before);
    }
    CHECK(worker_of(1) == second);
    for (int i = 0; i < 100; i++) {
        mms_client_poll(client);
        usleep(20000);
    }
    CHECK(read_children(parent, pids, 8) <= 2); /* it and its spare */
    fifty_fresh();
}

/* Stop a process that server 1 depends on: the server times out, refuses commands, and answers when
 * it goes on (C51, C52). */
static void freeze(pid_t pid)
{
    const mms_command add = task("add", "{\"a\": 1, \"b\": 2}");
    const int64_t id = push(task("sleep", "{\"seconds\": 0.2}"), 1);
    const int64_t waits = push(add, 1);
    const int first = base + 1;
    char words[64];
    int64_t refused;
    mms_value *response;
    bool done;
    mms_error err;

    kill(pid, SIGSTOP);
    response = get(id);
    snprintf(words, sizeof words, "Timeout of assigned server n# %d", first);
    failed(response, "timeout", words);
    CHECK(!strcmp(text(response, "status"), "timeout"));
    CHECK(!json_object_get(response, "command_start_time"));
    CHECK(mms_client_check(client, 1, &id, &done, &err) == MMS_ERR_WORKER && done);
    CHECK(strstr(err.msg, "Exception executing command in server ") && strstr(err.msg, "Timeout"));
    CHECK(mms_client_push(client, &add, 1, &first, &refused, &err) == MMS_ERR_ARG);
    snprintf(words, sizeof words, "Server #%d has timed out", first);
    CHECK(!strcmp(err.msg, words));
    still_works(0);
    CHECK(json_is_true(
        json_object_get(json_array_get(keep(mms_client_status(client)), (size_t)base), "timeout")));
    kill(pid, SIGCONT);
    for (int i = 0; i < 100 && strcmp(text(get(id), "status"), "response received"); i++)
        usleep(50000);
    CHECK(json_is_true(json_object_get(get(id), "successful")));
    /* the server is looked at now and then: it counts as stopped for a while */
    for (int i = 0; i < 100 && strcmp(text(get(waits), "status"), "response received"); i++)
        usleep(50000);
    CHECK(result(get(waits), "sum") == 3);
    still_works(1);
}

static void frozen(void)
{
    freeze((pid_t)result(run(task("pid", NULL), 1), "pid"));
}

static int count_timed_out(void)
{
    const mms_value *const status = keep(mms_client_status(client));
    const mms_value *server;
    size_t i;
    int n = 0;

    json_array_foreach(status, i, server) n += json_is_true(json_object_get(server, "timeout"));
    return n;
}

/* A083: all are stopped: who waits for any server is told so, and goes on when they do. */
static void all_frozen(void)
{
    enum { MOST = 16 };
    const int n = mms_client_servers(client);
    pid_t pids[MOST];
    mms_value *list;
    mms_status st = MMS_OK;
    int64_t id = 0;
    mms_error err;

    CHECK(n <= MOST);
    for (int s = 1; s <= n; s++) { /* all, also those before base */
        const mms_command pid = task("pid", NULL);
        CHECK(mms_client_push(client, &pid, 1, &s, &id, &err) == MMS_OK);
        pids[s - 1] = (pid_t)result(get(id), "pid");
    }
    for (int s = 0; s < n; s++)
        kill(pids[s], SIGSTOP);
    for (int i = 0; i < 10 && st != MMS_ERR_WORKER; i++) { /* one may seem to be back once more */
        for (int k = 0; k < 400 && count_timed_out() < n; k++)
            usleep(50000);
        id = push(task("add", "{\"a\": 1, \"b\": 2}"), 0);
        st = mms_client_responses(client, 1, &id, true, 60, &list, &err);
        keep(list);
    }
    CHECK(st == MMS_ERR_WORKER && strstr(err.msg, "all have timed out"));
    CHECK(mms_client_finish(client, true, 60, &err) == MMS_ERR_WORKER);
    for (int s = 0; s < n; s++)
        kill(pids[s], SIGCONT);
    for (int i = 0;
         i < 200 && mms_client_responses(client, 1, &id, true, 60, &list, &err) != MMS_OK; i++) {
        keep(list);
        usleep(50000);
    }
    CHECK(result(json_array_get(keep(list), 0), "sum") == 3);
}

/* Under MPI: the rank itself is stopped, its worker is not. */
static void frozen_rank(void)
{
    const pid_t rank = (pid_t)result(run(task("parent", NULL), 1), "pid");

    CHECK(rank != getpid());
    freeze(rank);
}

/* A stopped rank stays stopped: the program ends all the same. */
static void lost_rank(void)
{
    const pid_t rank = (pid_t)result(run(task("parent", NULL), 1), "pid");
    const int64_t id = push(task("add", "{\"a\": 1, \"b\": 2}"), 1);

    get(id);
    kill(rank, SIGSTOP);
    failed(get(push(task("add", "{\"a\": 1, \"b\": 2}"), 1)), "timeout", "Timeout");
    still_works(0);
}

/* A client that is busy for long, or is stopped, condemns nobody (C54). */
static void busy_client(void)
{
    const int64_t id = push(task("add", "{\"a\": 1, \"b\": 2}"), 1);

    usleep(1500000); /* three times the time-out */
    CHECK(result(get(id), "sum") == 3);
    for (const double begin = seconds(); seconds() - begin < 0.5; usleep(20000))
        CHECK(count_timed_out() == 0); /* for some heartbeats */
    still_works(1);
}

static void tables(void)
{
    const int64_t id = push(task("sleep", "{\"seconds\": 0.5}"), 2);
    mms_value *const status = keep(mms_client_status(client));
    const mms_value *const second = json_array_get(status, (size_t)base + 1);

    CHECK((int)json_array_size(status) == mms_client_servers(client));
    CHECK(json_is_true(json_object_get(second, "busy")));
    CHECK(!strcmp(text(second, "state"), "busy"));
    CHECK(json_integer_value(json_object_get(second, "request")) == id);
    CHECK(!strcmp(text(second, "command"), "sleep"));
    CHECK(json_is_false(json_object_get(json_array_get(status, (size_t)base), "busy")));
    CHECK(!strcmp(text(json_array_get(status, (size_t)base), "state"), "idle"));
    CHECK(json_object_get(second, "ping_time") && json_object_get(second, "pong_time"));
    CHECK(!strcmp(text(json_array_get(keep(mms_client_commands(client)), 0), "status"),
                  "request sent"));
    get(id);
    CHECK(!strcmp(text(json_array_get(keep(mms_client_commands(client)), 0), "status"),
                  "response received"));
    failed(run(task("signal", "{\"signal\": 11}"), 2), "crash", "signal 11");
    const mms_value *const after =
        json_array_get(keep(mms_client_status(client)), (size_t)base + 1);
    CHECK(json_integer_value(json_object_get(after, "commands_done")) == 2);
    CHECK(json_integer_value(json_object_get(after, "commands_failed")) == 1);
    CHECK(json_is_null(json_object_get(after, "request")));
}

static void many(void)
{
    enum { N = 2000 };
    int64_t ids[N];
    const double begin = seconds();

    for (int i = 0; i < N; i++)
        ids[i] = push(task("add", "{\"a\": 1, \"b\": 2}"), i % 3);
    for (int i = 0; i < N; i++)
        CHECK(result(get(ids[i]), "sum") == 3);
    fprintf(stderr, "%.0f commands/s\n", N / (seconds() - begin));
}

static mms_command words(const char *text)
{
    mms_command command = MMS_COMMAND_INIT;
    command.text = text;
    return command;
}

static const mms_value *of_server(const mms_value *map, int server)
{
    char key[16];
    snprintf(key, sizeof key, "%d", server + base);
    return json_object_get(map, key);
}

static mms_value *variable(const char *name, int64_t n, const int *servers)
{
    mms_value *map;
    mms_error err;

    if (mms_client_get_var(client, name, n, servers, &map, &err) != MMS_OK) {
        fprintf(stderr, "%s: %s\n", name, err.msg);
        exit(1);
    }
    return keep(map);
}

/* C55: the convenience layer's push, pull, pgc, odo, check_job and get_status. */
static void convenience(void)
{
    const int both[2] = {base + 1, base + 2};
    mms_value *value, *map, *server;
    char host[256] = "", *table;
    int64_t ids[2];
    bool done;
    int nlines = 0;
    size_t i;
    mms_error err;

    CHECK(!gethostname(host, sizeof host - 1));
    json_array_foreach(keep(mms_client_status(client)), i, server)
    {
        CHECK(json_integer_value(json_object_get(server, "rank")) == (int64_t)i + 1);
        CHECK(!strcmp(text(server, "processor"), host));
    }
    CHECK(i == (size_t)mms_client_servers(client));
    CHECK(mms_value_parse("{\"a\": 33, \"b\": {\"test\": 29.2}}", &value, NULL) == MMS_OK);
    CHECK(mms_client_set_vars(client, keep(value), 2, both, &err) == MMS_OK);
    map = variable("a", 2, both);
    CHECK(json_object_size(map) == 2);
    CHECK(json_integer_value(of_server(map, 1)) == 33);
    CHECK(json_real_value(of_server(variable("b['test']", 2, both), 2)) == 29.2);
    CHECK(json_real_value(json_object_get(of_server(variable("b", 2, both), 1), "test")) == 29.2);
    CHECK(mms_value_parse("{\"c\": false, \"d\": \"bla\"}", &value, NULL) == MMS_OK);
    CHECK(mms_client_set_vars(client, keep(value), 0, NULL, &err) == MMS_OK);
    map = variable("d", 0, NULL);
    CHECK((int)json_object_size(map) == mms_client_servers(client));
    CHECK(!strcmp(json_string_value(of_server(map, 2)), "bla"));
    CHECK(json_is_false(of_server(variable("c", 0, NULL), 1)));
    ids[0] = push(words("ya=3"), 1);
    ids[1] = push(words("ya='b'"), 2);
    for (done = false; !done; usleep(1000))
        CHECK(mms_client_check(client, 2, ids, &done, &err) == MMS_OK);
    map = variable("ya", 2, both);
    CHECK(json_integer_value(of_server(map, 1)) == 3);
    CHECK(!strcmp(json_string_value(of_server(map, 2)), "b"));
    CHECK(mms_client_get_var(client, "1/0", 2, both, &map, &err) == MMS_ERR_WORKER);
    CHECK(strstr(err.msg, "Exception executing command in server "));
    CHECK(strstr(err.msg, "ZeroDivisionError:"));
    CHECK(!map);
    CHECK(strchr(err.msg, '\n') &&
          strstr(strstr(err.msg, "ZeroDivisionError:") + 1, "ZeroDivisionError:")); /* of both */
    ids[0] = push(words("sleep(seconds=0.05)"), 0); /* do_and_record without a target */
    ids[1] = push(words("chdir(path='/')"), 1);
    for (done = false; !done; usleep(1000))
        CHECK(mms_client_check(client, 2, ids, &done, &err) == MMS_OK);
    CHECK(!strcmp(json_string_value(of_server(variable("getcwd()", 2, both), 1)), "/"));
    table = mms_client_table(client);
    for (const char *s = table; (s = strchr(s, '\n')); s++)
        nlines++;
    CHECK(nlines == 1 + (int)json_array_size(keep(mms_client_commands(client))));
    free(table);
}

/* The table as text: a line for each command that was ever pushed, those that run first. */
static void table(void)
{
    char *text, host[256] = "";

    run(words("True"), 1);
    run(words("1/0"), 1);
    const mms_value *const no = json_object_get(run(words("False"), 1), "ret");
    CHECK(json_is_false(no));
    const int64_t running = push(task("sleep", "{\"seconds\": 0.5}"), 2);
    const int64_t queued = push(task("add", NULL), 2);
    text = mms_client_table(client);
    CHECK(!strncmp(text, "JOB ID  SERVER  HOSTNAME ", 25));
    CHECK(!gethostname(host, sizeof host - 1) && strstr(text, host));
    CHECK(!strncmp(strchr(text, '\n') + 1, "4 ", 2));
    CHECK(strstr(text, "completed - False"));
    CHECK(strstr(text, "completed - True") && strstr(text, "exception raised"));
    CHECK(strstr(text, "holding queue") && strstr(text, "request sent") && strstr(text, "N/A"));
    free(text);
    CHECK(mms_client_wait_sent(client, 1, &queued, 30, NULL) == MMS_OK);
    get(running);
    get(queued);
    CHECK(mms_client_wait_sent(client, 1, &queued, 0, NULL) == MMS_OK); /* or later */
}

/* C53: a server is no client (and a client no server: of mms_engine_serve() it alone returns). */
static void wrong_role(void)
{
    failed(run(task("client", NULL), 1), "value",
           "MPICommandClient can only be instantiated at master MPI process");
    still_works(1);
}

static const mms_value *of_all(mms_value *map)
{
    CHECK((int)json_object_size(keep(map)) == mms_client_servers(client));
    return of_server(map, 2);
}

/* C72: threads of servers, one by one, all at once. */
static void threads(void)
{
    static const int numbers[] = {4, 8, 2};
    static const char *const words[] = {"sh", "-c", "echo $OMP_NUM_THREADS", NULL};
    mms_command program = MMS_COMMAND_INIT;
    mms_value *map;
    mms_error err;

    for (size_t i = 0; i < 3; i++) {
        CHECK(mms_client_set_threads(client, numbers[i], 0, NULL, &err) == MMS_OK);
        CHECK(mms_client_get_threads(client, 0, NULL, &map, &err) == MMS_OK);
        CHECK(json_integer_value(of_all(map)) == numbers[i]);
    }
    const int second = base + 2;
    CHECK(mms_client_set_threads(client, 7, 1, &second, &err) == MMS_OK);
    program.argv = words;
    CHECK(strstr(text(json_object_get(run(program, 2), "ret"), "stdout_tail"), "7\n"));
    CHECK(strstr(text(json_object_get(run(program, 1), "ret"), "stdout_tail"), "2\n"));
    failed(run(task("signal", "{\"signal\": 11}"), 2), "crash", "killed by signal");
    CHECK(strstr(text(json_object_get(run(program, 2), "ret"), "stdout_tail"), "7\n"));
    CHECK(mms_client_set_threads(client, 0, 1, &second, &err) == MMS_ERR_WORKER);
    CHECK(strstr(err.msg, "ValueError"));
}

static int64_t number_of(mms_status st, mms_value *map, int n)
{
    CHECK(st == MMS_OK && (int)json_object_size(map) == n);
    return json_integer_value(of_server(keep(map), 1));
}

/* C73, C74: memory and cores, of one server and of all. */
static void memory_of(int n, const int *targets)
{
    const int count = n ? n : mms_client_servers(client);
    mms_value *map;
    mms_status st;
    mms_error err;

    st = mms_client_get_memory_total(client, false, n, targets, &map, &err);
    const int64_t physical = number_of(st, map, count);
    CHECK(physical > 256);
    CHECK(mms_client_set_memory_total(client, n ? 4 : 8, n, targets, &err) == MMS_OK);
    st = mms_client_get_memory_total(client, true, n, targets, &map, &err);
    CHECK(number_of(st, map, count) == (n ? 4096 : 8192));
    st = mms_client_get_memory_total(client, false, n, targets, &map, &err);
    CHECK(number_of(st, map, count) == physical);
    CHECK(mms_client_set_memory_total(client, -1, n, targets, &err) == MMS_OK);
    st = mms_client_get_memory_total(client, true, n, targets, &map, &err);
    CHECK(number_of(st, map, count) == physical);
    CHECK(mms_client_set_memory_fraction(client, 50, n, targets, &err) == MMS_OK);
    st = mms_client_get_memory_total(client, true, n, targets, &map, &err);
    CHECK(number_of(st, map, count) == physical / 2);
    CHECK(mms_client_set_memory_fraction(client, -1, n, targets, &err) == MMS_OK);
    st = mms_client_get_ncpus(client, false, n, targets, &map, &err);
    const int64_t cpus = number_of(st, map, count);
    CHECK(mms_client_set_ncpus(client, 3, n, targets, &err) == MMS_OK);
    st = mms_client_get_ncpus(client, true, n, targets, &map, &err);
    CHECK(number_of(st, map, count) == 3);
    st = mms_client_get_ncpus(client, false, n, targets, &map, &err);
    CHECK(number_of(st, map, count) == cpus);
    CHECK(mms_client_set_ncpus(client, -1, n, targets, &err) == MMS_OK);
    st = mms_client_get_ncpus(client, true, n, targets, &map, &err);
    CHECK(number_of(st, map, count) == cpus);
}

static int64_t memory_told(bool configured)
{
    const int first = base + 1;
    mms_value *map;
    mms_error err;
    const mms_status st = mms_client_get_memory_total(client, configured, 1, &first, &map, &err);

    return number_of(st, map, 1);
}

/* The units that casampi tells memory in, as recorded. */
static void casas_units(void)
{
    const int64_t mib = memory_told(false);

    failed(run(words("set_memory_unit('GiB')"), 1), "value", "GiB is not known: MiB or casa");
    run(words("set_memory_unit('casa')"), 1);
    const int64_t kib = memory_told(false);
    CHECK(kib / 1024 == mib && memory_told(true) == kib);
    run(words("set_memory_total(4)"), 1);
    CHECK(memory_told(true) == 4096 && memory_told(false) == kib);
    run(words("set_memory_fraction(50)"), 1);
    CHECK(memory_told(true) == kib / 2);
    run(words("set_memory_total(-1)"), 1);
    CHECK(memory_told(true) == kib);
    run(words("set_memory_unit('MiB')"), 1);
    CHECK(memory_told(true) == mib);
}

static void memory_and_cores(void)
{
    const int first = base + 1;

    casas_units();

    memory_of(1, &first);
    memory_of(0, NULL);
}

/* ---- logs ---- */

static int count_in(const char *path, const char *words)
{
    char line[8192];
    FILE *const file = fopen(path, "re");
    int n = 0;

    while (file && fgets(line, sizeof line, file))
        n += strstr(line, words) != NULL;
    if (file)
        fclose(file);
    return n;
}

/* Lines with words in the files of this folder whose names begin with prefix; *nfiles of them. */
static int count_in_files(const char *prefix, const char *words, int *nfiles)
{
    DIR *const folder = opendir(".");
    const struct dirent *entry;
    int n = 0;

    *nfiles = 0;
    while ((entry = readdir(folder)))
        if (!strncmp(entry->d_name, prefix, strlen(prefix))) {
            n += count_in(entry->d_name, words);
            ++*nfiles;
        }
    closedir(folder);
    return n;
}

static void open_with_log(const char *log, const char *mode)
{
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    mms_error err;

    mms_client_close(&client);
    opts.servers = 2;
    opts.mode = mms_command_mode;
    opts.log = log;
    opts.log_mode = mode;
    if (mms_client_open(&opts, &client, &err) != MMS_OK) {
        fprintf(stderr, "%s\n", err.msg);
        exit(1);
    }
}

/* C69: what a filter names is in no log, and in those of servers without it. */
static void log_filters(void)
{
    const char *const null = "MSSelectionNullSelection";
    int nfiles;
    mms_error err;

    open_with_log("c69.log", "separated");
    CHECK(mms_client_set_log_filters(client, 0, NULL, &err) == MMS_OK);
    failed(run(task("empty", NULL), 1), "nullselection", null);
    failed(run(task("empty", NULL), 2), "nullselection", null);
    CHECK(count_in_files("c69.log-server-", null, &nfiles) == 2 && nfiles >= 2);
    CHECK(mms_client_set_log_filters(client, 1, &null, &err) == MMS_OK);
    failed(run(task("empty", NULL), 1), "nullselection", null);
    CHECK(count_in_files("c69.log-server-", null, &nfiles) == 2);
    open_with_log("usual.log", "separated");
    failed(run(task("empty", NULL), 1), "nullselection", null);
    CHECK(count_in_files("usual.log", null, &nfiles) == 0 && nfiles >= 2);
}

/* C70: at DEBUG the engine's own words are in no log of the default priority; unknown levels. */
static void log_level(void)
{
    int nfiles;
    mms_error err;

    open_with_log("c70.log", "separated");
    run(words("1+1"), 1);
    CHECK(count_in_files("c70.log-server-",
                         "Going to evaluate command request with id# 1 as an "
                         "expression via eval: 1+1",
                         &nfiles) == 1);
    CHECK(count_in("c70.log", "Command request with id 1 successfully handled by server n#") == 1);
    CHECK(mms_client_set_log_level(client, "DEBUG", &err) == MMS_OK);
    run(words("2+2"), 1);
    CHECK(count_in_files("c70.log", "2+2", &nfiles) == 0);
    CHECK(mms_client_set_log_level(client, "NORMAL", &err) == MMS_OK);
    run(words("3+3"), 1);
    CHECK(count_in_files("c70.log", "3+3", &nfiles) == 2);
    CHECK(mms_client_set_log_level(client, "LOUD", &err) == MMS_ERR_ARG);
    CHECK(strstr(err.msg, "Unknown log level LOUD, recognized levels are: DEBUG, DEBUG1"));
}

/* Who is there, what waits, and what nobody has answered at the end, as mpi4casa says it. */
static void log_texts(void)
{
    int nfiles;

    open_with_log("said.log", NULL);
    const int64_t ids[2] = {push(task("sleep", "{\"seconds\": 30}"), 1),
                            push(task("add", NULL), 1)};
    mms_client_tell_pending(client, 2, ids);
    mms_client_close(&client);
    CHECK(count_in_files("said.log", "\tINFO\tclient::open::multims@", &nfiles) >= 2);
    CHECK(count_in("said.log", "Server with rank ") >= 1 &&
          count_in("said.log", " with PID ") >= 1);
    CHECK(count_in("said.log", "is in request sent state assigned to server ") == 1);
    CHECK(count_in("said.log", "is in holding queue state assigned to server ") == 1);
    CHECK(count_in("said.log", "\tSEVERE\tclient::close::multims@") == 2);
    CHECK(count_in("said.log", "Sending start service signal to all servers") == 1 &&
          count_in("said.log", "Received response from all servers to start service signal") == 1);
    CHECK(count_in("said.log", "Aborting command request with id# 2: {") == 1);
    CHECK(count_in("said.log", "All services stopped") == 1);
    const int nclients = count_in("said.log", " as MPIClient using MPI version ");
    CHECK(nclients <= 1 && nclients >= base);
    const int nservers = count_in("said.log", " as MPIServer using MPI version ");
    CHECK(count_in("said.log", "MPI Enabled at host ") == nservers + nclients);
    CHECK(count_in("said.log", "Starting services...") == nservers);
    char banner[400], host[256] = "";
    CHECK(!gethostname(host, sizeof host - 1));
    for (int rank = 0; rank <= nservers && nclients; rank++) {
        snprintf(banner, sizeof banner,
                 "\tMPI Enabled at host %s with rank %d as %s using MPI version ", host, rank,
                 rank ? "MPIServer" : "MPIClient");
        CHECK(count_in("said.log", banner) == 1);
    }
    CHECK(count_in("said.log", "Going to finalize MPI environment") == nclients);
}

/* A007, A008: commands are refused before it is started and after it was stopped, in words; what
 * was answered stays, what was not is cancelled. */
static void life(void)
{
    const mms_command add = task("add", "{\"a\": 1, \"b\": 2}");
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    int64_t id, done;
    mms_value *ones;
    mms_error err;

    mms_client_close(&client);
    opts.servers = 2;
    opts.unstarted = true;
    opts.log = "life.log";
    CHECK(mms_client_open(&opts, &client, &err) == MMS_OK);
    CHECK(mms_client_get_state(client) == MMS_CLIENT_UNSTARTED);
    CHECK(mms_client_push(client, &add, 0, NULL, &id, &err) == MMS_ERR_ARG);
    CHECK(!strcmp(err.msg, "Services not started"));
    mms_client_stop(client);
    CHECK(count_in("life.log", "\tWARN\tclient::push::multims@") == 1);
    CHECK(count_in("life.log", "Services not started") == 2);
    mms_client_start(client);
    mms_client_start(client);
    CHECK(mms_client_get_state(client) == MMS_CLIENT_STARTED);
    CHECK(count_in("life.log", "All services started") == 1);
    still_works(1);
    done = push(add, 1);
    CHECK(result(get(done), "sum") == 3);
    id = push(task("sleep", "{\"seconds\": 600}"), 1);
    mms_client_stop(client);
    CHECK(mms_client_get_state(client) == MMS_CLIENT_STOPPED);
    CHECK(result(get(done), "sum") == 3);
    failed(get(id), "cancelled", "EngineError: the client was stopped");
    CHECK(mms_client_push(client, &add, 0, NULL, &id, &err) == MMS_ERR_ARG);
    CHECK(!strcmp(err.msg, "MPICommandClient life cycle finalized"));
    mms_client_start(client);
    mms_client_stop(client);
    CHECK(mms_client_get_state(client) == MMS_CLIENT_STOPPED);
    CHECK(count_in("life.log", "\tINFO\tclient::start::multims@") == 1);
    CHECK(count_in("life.log", "MPICommandClient life cycle finalized") == 3);
    const mms_value *const server = json_array_get(keep(mms_client_status(client)), 0);
    CHECK(!strcmp(text(server, "state"), "stopped"));
    CHECK(json_is_false(json_object_get(server, "busy")));
    CHECK(json_is_null(json_object_get(server, "request")));
    CHECK(mms_client_fd(client) >= 0);
    mms_client_close(&client);
    opts.unstarted = false; /* C50: then there is another */
    opts.mode = mms_command_mode;
    CHECK(mms_client_open(&opts, &client, &err) == MMS_OK);
    mms_command sum = words("a+b");
    CHECK(mms_value_parse("{\"a\": 1, \"b\": 1}", &ones, NULL) == MMS_OK);
    sum.parameters = keep(ones);
    CHECK(json_integer_value(json_object_get(run(sum, 1), "ret")) == 2);
}

/* What is refused, and a server that does not answer for a while, are in the log, too. */
static void frozen_log(void)
{
    const int none = 99;
    const mms_command add = task("add", "{\"a\": 1, \"b\": 2}");
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    mms_command wrong = words(")(");
    int64_t id;
    mms_error err;

    mms_client_close(&client);
    opts.servers = 2;
    opts.frozen_s = 0.5;
    opts.mode = mms_command_mode;
    opts.log = "frozen.log";
    CHECK(mms_client_open(&opts, &client, &err) == MMS_OK);
    CHECK(mms_client_push(client, &add, 1, &none, &id, &err) == MMS_ERR_ARG);
    CHECK(mms_client_push(client, &wrong, 0, NULL, &id, &err) == MMS_ERR_ARG);
    CHECK(mms_client_push(client, &wrong, 0, NULL, &id, NULL) == MMS_ERR_ARG);
    const pid_t pid = worker_of(1);
    kill(pid, SIGSTOP);
    id = push(add, 1);
    failed(get(id), "timeout", "Timeout of assigned server");
    kill(pid, SIGCONT);
    for (int i = 0; i < 100 && strcmp(text(get(id), "status"), "response received"); i++)
        usleep(50000);
    CHECK(result(get(id), "sum") == 3);
    for (int i = 0; i < 100 && count_timed_out(); i++)
        usleep(50000);
    still_works(1);
    CHECK(count_in("frozen.log", "\tSEVERE\tclient::push::multims@") == 3);
    CHECK(count_in("frozen.log", "Server #99 does not exist") == 1);
    CHECK(count_in("frozen.log", "it will be rejected: )(") == 2);
    CHECK(count_in("frozen.log", ", but the server has timed out") >= 1);
    CHECK(count_in("frozen.log", "\tWARN\tclient::monitor::multims@") >= 1);
}

/* All lines have the form of CASA's, and are in the order of time. */
static void check_lines(const char *path)
{
    char line[8192], before[20] = "";
    FILE *const file = fopen(path, "re");
    regex_t form;

    CHECK(file && !regcomp(&form,
                           "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\t[A-Z]+[1-5]?\t"
                           "[a-z]+::[a-z]+::multims@[^\t:]+:(MPIClient|MPIServer-[0-9]+)[+]?\t",
                           REG_EXTENDED));
    while (fgets(line, sizeof line, file)) {
        if (regexec(&form, line, 0, NULL, 0))
            fprintf(stderr, "%s", line);
        CHECK(!regexec(&form, line, 0, NULL, 0));
        CHECK(strncmp(before, line, 19) <= 0);
        memcpy(before, line, 19);
    }
    regfree(&form);
    fclose(file);
}

/* Modes, and the form of a line. */
static void log_modes(void)
{
    char host[256] = "", name[600];
    int nfiles;

    open_with_log("one.log", NULL);
    failed(run(words("absent+1"), 1), "name", "NameError");
    CHECK(count_in_files("one.log", "\tSEVERE\tserver::eval::multims@", &nfiles) == 3 &&
          nfiles == 1);
    CHECK(count_in("one.log", ":MPIServer-") > 2 && count_in("one.log", ":MPIClient\t") > 2);
    CHECK(count_in("one.log", ":MPIClient+\t") > 0);
    check_lines("one.log");
    open_with_log("two.log", "redirect");
    run(words("1+1"), 1);
    CHECK(count_in_files("two.log-server-", ":MPIServer-", &nfiles) > 2 && nfiles >= 1);
    CHECK(count_in("two.log", ":MPIServer-") == 0);
    gethostname(host, sizeof host - 1);
    check_lines("two.log");
    snprintf(name, sizeof name, "two.log-server-%d-host-%s-pid-", base + 1, host);
    CHECK(count_in_files(name, "INFO\tserver::eval::multims@", &nfiles) > 1);
}

/* Wait with poll(2) and nothing else; returns how often it woke. */
static int poll_for(mms_event *event)
{
    struct pollfd fd = {.fd = mms_event_fd(event), .events = POLLIN};
    int woke = 0;

    while (!mms_event_is_set(event)) {
        CHECK(poll(&fd, 1, 30000) == 1);
        woke++;
    }
    CHECK(poll(&fd, 1, 0) == 1);
    return woke;
}

/* ---- partial results, the end ---- */

struct seen {
    int64_t id;
    int count;
    bool in_order;
};

static void see(void *ctx, int64_t id, const mms_value *value)
{
    struct seen *const seen = ctx;

    seen->in_order = seen->in_order && id == seen->id &&
                     json_integer_value(json_object_get(value, "i")) == ++seen->count;
}

static void open_again(int servers, mms_take_partial *partial, void *ctx)
{
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    mms_error err;

    mms_client_close(&client);
    opts.servers = servers;
    opts.mode = mms_command_mode;
    opts.partial = partial;
    opts.ctx = ctx;
    CHECK(mms_client_open(&opts, &client, &err) == MMS_OK);
}

/* A050: 100 partial results in order before the response, which counts them; nobody has to take
 * them. */
static void partials(void)
{
    struct seen seen = {.id = 1, .in_order = true};
    const mms_value *response;

    open_again(2, see, &seen);
    response = run(task("partials", "{\"n\": 100}"), 1);
    CHECK(seen.count == 100 && seen.in_order);
    CHECK(json_integer_value(json_object_get(response, "partials")) == 100);
    CHECK(json_is_true(json_object_get(json_object_get(response, "ret"), "refused")));
    CHECK(!json_object_get(run(task("add", NULL), 1), "partials"));
    open_again(2, NULL, NULL);
    CHECK(json_integer_value(json_object_get(run(task("partials", "{\"n\": 3}"), 2), "partials")) ==
          3);
    still_works(2);
}

/* A015: what runs ends, what is queued ends, too, or is cancelled; FORCE is the close (log_texts).
 */
static void finish(void)
{
    mms_command nap = task("sleep", "{\"seconds\": 1}");
    int64_t ids[4];
    mms_error err;

    for (int i = 0; i < 4; i++)
        ids[i] = push(nap, i % 2 + 1);
    CHECK(mms_client_finish(client, true, 0.05, &err) == MMS_ERR_WORKER);
    CHECK(mms_client_finish(client, true, 60, &err) == MMS_OK);
    for (int i = 0; i < 4; i++)
        CHECK(json_is_true(json_object_get(get(ids[i]), "successful")));
    for (int i = 0; i < 4; i++)
        ids[i] = push(nap, i % 2 + 1);
    CHECK(mms_client_wait_sent(client, 2, ids, 60, &err) == MMS_OK);
    CHECK(mms_client_finish(client, false, 60, &err) == MMS_OK);
    for (int i = 0; i < 2; i++)
        CHECK(json_is_true(json_object_get(get(ids[i]), "successful")));
    for (int i = 2; i < 4; i++)
        CHECK(!strcmp(text(get(ids[i]), "status"), "cancelled"));
    CHECK(mms_client_finish(client, true, -1, &err) == MMS_OK); /* nothing is left */
}

/* A server that has timed out is not waited for at the end. */
static void finish_frozen(void)
{
    const pid_t pid = worker_of(1);
    mms_error err;

    kill(pid, SIGSTOP);
    const int64_t stuck = push(task("add", "{\"a\": 1, \"b\": 2}"), 1);
    const int64_t other = push(task("sleep", "{\"seconds\": 0.2}"), 2);
    CHECK(mms_client_finish(client, true, 60, &err) == MMS_OK);
    CHECK(json_is_true(json_object_get(get(other), "successful")));
    CHECK(!strcmp(text(get(stuck), "status"), "timeout"));
    kill(pid, SIGCONT);
}

/* Events wake a program that polls, also those of commands that ended before. */
static void events(void)
{
    int64_t ids[2];
    mms_event *event, *late;
    mms_error err;

    ids[0] = push(task("sleep", "{\"seconds\": 0.4}"), 1);
    ids[1] = push(task("add", "{\"a\": 1, \"b\": 2}"), 2);
    CHECK(mms_client_event(client, 2, ids, &event, &err) == MMS_OK);
    CHECK(mms_event_wait(event, 0, &err) == MMS_ERR_WORKER);
    const double begin = seconds();
    CHECK(poll_for(event) < 200);
    CHECK(seconds() - begin < 25);
    CHECK(mms_client_event(client, 2, ids, &late, &err) == MMS_OK);
    CHECK(poll_for(late) == 0);
    struct pollfd quiet = {.fd = mms_client_fd(client), .events = POLLIN};
    int tries = 0;
    do
        mms_client_poll(client);
    while (poll(&quiet, 1, 0) && ++tries < 100);
    CHECK(tries < 100); /* nothing runs, nothing wakes, but answers of ranks to pings */
    mms_event_free(&late);
    ids[0] = push(task("sleep", "{\"seconds\": 30}"), 1);
    CHECK(mms_client_event(client, 1, ids, &late, &err) == MMS_OK);
    CHECK(mms_client_cancel(client, 1, ids, &err) == MMS_OK);
    poll_for(late);
    ids[0] = 999;
    mms_event *none;
    CHECK(mms_client_event(client, 1, ids, &none, &err) == MMS_ERR_ARG && !none);
    mms_client_close(&client);
    CHECK(mms_event_is_set(late) && mms_event_wait(event, 1, &err) == MMS_OK);
    mms_event_free(&event);
    mms_event_free(&late);
}

/* A group is in request and response. */
static void groups(void)
{
    mms_command command = task("add", NULL);

    command.group = "first";
    const int64_t id = push(command, 1);
    CHECK(!strcmp(text(get(id), "group"), "first"));
    CHECK(!strcmp(text(json_array_get(keep(mms_client_commands(client)), 0), "group"), "first"));
    CHECK(!json_object_get(run(task("add", NULL), 1), "group"));
}

/* In the order in which they end, each once; what is forgotten is not known. */
static void next(void)
{
    const int64_t slow = push(task("sleep", "{\"seconds\": 0.4}"), 1);
    const int64_t fast = push(task("add", NULL), 2);
    const int64_t gone = push(task("add", NULL), 2);
    mms_value *list;
    int64_t id;
    mms_error err;

    CHECK(mms_client_forget(client, 1, &slow, &err) == MMS_ERR_ARG);
    CHECK(mms_client_next(client, 30, &id, &err) == MMS_OK && id == fast);
    get(gone);
    CHECK(mms_client_forget(client, 1, &gone, &err) == MMS_OK);
    CHECK(mms_client_responses(client, 1, &gone, false, 0, &list, &err) == MMS_ERR_ARG);
    CHECK(mms_client_next(client, 0.05, &id, &err) == MMS_ERR_WORKER && id == 0);
    CHECK(mms_client_next(client, 30, &id, &err) == MMS_OK && id == slow);
    CHECK(mms_client_next(client, 30, &id, &err) == MMS_OK && id == 0);
    CHECK(json_array_size(keep(mms_client_commands(client))) == 2);
}

/* A029: 10,000 that are told as they end, each once. */
static void next_of_many(void)
{
    enum { N = 10000 };
    const mms_command add = task("add", "{\"a\": 1, \"b\": 2}");
    static bool seen[N + 1];
    int64_t id = 0;
    mms_error err;

    for (int i = 1; i <= N; i++)
        CHECK(push(add, i % 3) == i);
    for (int i = 0; i < N; i++) {
        CHECK(mms_client_next(client, 60, &id, &err) == MMS_OK && id >= 1 && id <= N && !seen[id]);
        seen[id] = true;
    }
    CHECK(mms_client_next(client, 60, &id, &err) == MMS_OK && id == 0);
}

/* A105: bodies there and back, of sizes at which something changes. */
static void bodies(void)
{
    static const int sizes[] = {0,       1,       65535,   65536,   65537,  1048500,
                                1048576, 1048577, 8388607, 8388608, 8388609};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *const sent = malloc((size_t)sizes[i] + 1);
        mms_command command = words("t");
        for (int k = 0; k < sizes[i]; k++)
            sent[k] = (char)('a' + k % 26);
        sent[sizes[i]] = '\0';
        mms_value *const parameters = json_pack("{s:s}", "t", sent);
        command.parameters = parameters;
        const mms_value *const response = run(command, (int)i % 2 + 1);
        CHECK(!strcmp(text(response, "ret"), sent));
        CHECK(!strcmp(text(json_object_get(response, "parameters"), "t"), sent));
        json_decref(parameters);
        free(sent);
        json_array_clear(kept);
    }
    mms_value *const zero = json_pack("{s:s#}", "t", "a\0b", 3);
    mms_command command = words("t");
    command.parameters = zero;
    CHECK(json_string_length(json_object_get(run(command, 1), "ret")) == 3); /* A038 */
    json_decref(zero);
}

/* C50: a client is no singleton; another one works beside the first, and after it has ended. */
static void second_client(void)
{
    mms_client *const first = client;
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    mms_error err;

    opts.servers = 2;
    still_works(1);
    CHECK(mms_client_open(&opts, &client, &err) == MMS_OK);
    still_works(1);
    mms_client_close(&client);
    client = first;
    still_works(1);
}

static int64_t resident_pages(void)
{
    long long size, resident = 0;
    FILE *const file = fopen("/proc/self/statm", "r");

    CHECK(file && fscanf(file, "%lld %lld", &size, &resident) == 2);
    fclose(file);
    return resident;
}

static bool has_ended(int64_t id)
{
    mms_value *const all = mms_client_commands(client);
    const bool ended =
        !strcmp(text(json_array_get(all, (size_t)id - 1), "status"), "response received");

    json_decref(all);
    return ended;
}

/* A106: two servers answer 64 MiB at once, a third one, of four ranks a rank, too, does its
 * commands meanwhile.  The numbers are for the reader. */
static void larges(void)
{
    const int64_t before = resident_pages();
    const int other = base && mms_client_servers(client) < 4 ? 1 - base : 3;
    double worst = 0, worst_cpu = 0;
    int64_t ids[2], n = 0;

    if (!base)
        open_again(3, NULL, NULL);
    for (int i = 0; i < 2; i++)
        ids[i] = push(task("large", NULL), i + 1);
    for (; !has_ended(ids[0]) || !has_ended(ids[1]); n++) {
        const double begin = seconds(), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
        still_works(other);
        const double took = seconds() - begin,
                     took_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        worst = took > worst ? took : worst;
        worst_cpu = took_cpu > worst_cpu ? took_cpu : worst_cpu;
    }
    fprintf(stderr,
            "%d commands meanwhile, each after %.0f ms and %.0f ms of processor time at most, %.0f "
            "MiB more memory\n",
            (int)n, 1e3 * worst, 1e3 * worst_cpu, (double)(resident_pages() - before) / 256);
    for (int i = 0; i < 2; i++)
        CHECK(json_string_length(json_object_get(json_object_get(get(ids[i]), "ret"), "text")) ==
              LARGE);
    still_works(1);
}

/* A rank that is stopped while it sends a large result holds up no other's. */
static void frozen_sender(void)
{
    const mms_command waits = task("large", "{\"seconds\": 5}");
    const pid_t rank = (pid_t)result(run(task("parent", NULL), 1), "pid");
    const int64_t before = resident_pages(), id = push(task("large", NULL), 1);
    const int64_t other = push(waits, 2);

    while (resident_pages() - before < 2048) /* 8 MiB of it */
        mms_client_poll(client);
    kill(rank, SIGSTOP);
    CHECK(json_is_true(json_object_get(get(other), "successful")));
    kill(rank, SIGCONT);
    for (int i = 0; i < 400 && strcmp(text(get(id), "status"), "response received"); i++)
        usleep(50000);
    CHECK(json_is_true(json_object_get(get(id), "successful")));
}

/* P11: results beyond what may be kept in memory are in a file, until they are asked for. */
static void spill(void)
{
    enum { N = 4 };
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    int64_t ids[N];
    mms_error err;

    mms_client_close(&client);
    opts.servers = 2;
    opts.kept_bytes = 1 << 20;
    CHECK(mms_client_open(&opts, &client, &err) == MMS_OK);
    still_works(1);
    const int64_t before = resident_pages();
    for (int i = 0; i < N; i++)
        ids[i] = push(task("large", NULL), i % 2 + 1);
    CHECK(mms_client_finish(client, true, 60, &err) == MMS_OK);
    still_works(1);
    still_works(2);
    const double mib = (double)(resident_pages() - before) / 256;
    fprintf(stderr, "%.0f MiB more memory for %d results of 64 MiB\n", mib, (int)N);
    CHECK(mib < 3 * 64);
    for (int i = 0; i < N; i++) {
        CHECK(json_string_length(json_object_get(json_object_get(get(ids[i]), "ret"), "text")) ==
              LARGE);
        json_array_clear(kept);
    }
    CHECK(mms_client_forget(client, N, ids, &err) == MMS_OK);
    still_works(1);
}

/* 3.6: a push waits while too many are queued. */
static void full_queue(void)
{
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    int64_t ids[30];
    mms_error err;

    mms_client_close(&client);
    opts.servers = 2;
    opts.most_queued = 5;
    CHECK(mms_client_open(&opts, &client, &err) == MMS_OK);
    for (int i = 0; i < 30; i++) {
        mms_value *commands, *command;
        size_t k;
        int nqueued = 0;
        ids[i] = push(task("sleep", "{\"seconds\": 0.01}"), i % 3);
        commands = mms_client_commands(client);
        json_array_foreach(commands, k, command) nqueued +=
            !strcmp(text(command, "status"), "holding queue");
        json_decref(commands);
        CHECK(nqueued <= 5);
    }
    for (int i = 0; i < 30; i++)
        CHECK(json_is_true(json_object_get(get(ids[i]), "successful")));
}

/* Push up to so many ahead, kill a worker now and then from within or without, take what ends. */
static int64_t soak_round(int n, unsigned *seed, int64_t *nlost)
{
    enum { AHEAD = 50, MOST = 64 };
    int pids[MOST];
    int64_t npushed = 0, nended = 0, id;
    mms_error err;

    for (; nended < n; nended++) {
        for (; npushed < n && npushed - nended < AHEAD; npushed++) {
            const int chance = rand_r(seed) % 500;
            const int nchildren = chance == 1 ? read_children(getpid(), pids, MOST) : 0;
            push(chance == 0 ? task("signal", "{\"signal\": 9}")
                             : task("add", "{\"a\": 1, \"b\": 2}"),
                 rand_r(seed) % 3);
            if (nchildren > 0 && !base)
                kill(pids[rand_r(seed) % nchildren], SIGKILL);
        }
        CHECK(mms_client_next(client, 60, &id, &err) == MMS_OK && id > 0);
        const mms_value *const response = get(id);
        if (json_is_true(json_object_get(response, "successful")))
            CHECK(result(response, "sum") == 3);
        else
            failed(response, "killed", "WorkerError: ");
        *nlost += json_is_false(json_object_get(response, "successful"));
        CHECK(mms_client_forget(client, 1, &id, &err) == MMS_OK);
        json_array_clear(kept);
    }
    return nended;
}

/* Descriptors beside the two of each worker and spare. */
static int64_t other_files(void)
{
    int pids[64];

    return count_entries("/proc/self/fd") - 2 * read_children(getpid(), pids, 64);
}

/* No command is lost, and nothing leaks: descriptors, processes, memory. */
static void soak(void)
{
    const char *const wanted = getenv("PROBE_SOAK");
    const int n = wanted ? atoi(wanted) : 3000;
    unsigned seed = 13;
    int64_t nlost = 0;
    int pids[64];

    CHECK(soak_round(n / 10, &seed, &nlost) == n / 10); /* all that is made once is there */
    const int64_t files = other_files(), pages = resident_pages();
    CHECK(soak_round(n, &seed, &nlost) == n);
    still_works(1);
    still_works(2);
    CHECK(other_files() <= files);
    CHECK(read_children(getpid(), pids, 64) <= 2 * mms_client_servers(client) + 2);
    fprintf(stderr, "%d commands, %d lost their worker, %+d KiB\n", n, (int)nlost,
            (int)(4 * (resident_pages() - pages)));
    CHECK(nlost > 0);
    CHECK(4096 * (resident_pages() - pages) < ((int64_t)4 << 20) + (int64_t)n * 300);
}

/* A verb on a server of multims-worker, in this folder. */
static void verbs(void)
{
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    char *program;
    mms_value *response;
    mms_error err;

    CHECK(mms_worker_program(&program, &err) == MMS_OK);
    mms_client_close(&client);
    opts.servers = 2;
    opts.program = program;
    CHECK(mms_client_open(&opts, &client, &err) == MMS_OK);
    response = run(
        task("call", "{\"task\": \"simulate\", \"parameters\": {\"outputvis\": \"probe.ms\"}}"), 1);
    if (!json_is_true(json_object_get(response, "successful")))
        fprintf(stderr, "%s\n", text(response, "traceback"));
    CHECK(json_is_true(json_object_get(response, "successful")));
    response =
        run(task("call", "{\"task\": \"info\", \"parameters\": {\"vis\": \"probe.ms\"}}"), 2);
    CHECK(result(response, "rows") > 0);
    failed(run(task("call", "{\"task\": \"info\", \"parameters\": {\"vis\": \"no.ms\"}}"), 1),
           "notfound", "Visibility data set not found");
    failed(run(task("call", "{\"task\": \"nothing\"}"), 1), "value", "unknown task nothing");
    failed(run(task("call", "{}"), 1), "value", "the request must be");
    free(program);
}

/* A009: a program that ends in the middle takes its servers along. */
static void leaves(void)
{
    still_works(1);
    push(task("sleep", "{\"seconds\": 600}"), 2);
    exit(0);
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"keys", keys},
    {"additions", additions},
    {"targets", targets},
    {"refusals", refusals},
    {"getting", getting},
    {"leaves", leaves},
    {"fifo", fifo},
    {"programs", programs},
    {"large", large},
    {"floods", floods},
    {"exits", exits},
    {"crashes", crashes},
    {"spares", spares},
    {"life", life},
    {"little_memory", little_memory},
    {"fresh", fresh},
    {"endless", endless},
    {"cancel", cancel},
    {"frozen", frozen},
    {"all_frozen", all_frozen},
    {"tables", tables},
    {"many", many},
    {"verbs", verbs},
    {"convenience", convenience},
    {"table", table},
    {"wrong_role", wrong_role},
    {"threads", threads},
    {"memory_and_cores", memory_and_cores},
    {"log_filters", log_filters},
    {"log_level", log_level},
    {"log_modes", log_modes},
    {"log_texts", log_texts},
    {"groups", groups},
    {"stalls", stalls},
    {"partials", partials},
    {"larges", larges},
    {"spill", spill},
    {"next_of_many", next_of_many},
    {"bodies", bodies},
    {"full_queue", full_queue},
    {"frozen_log", frozen_log},
    {"finish", finish},
    {"finish_frozen", finish_frozen},
    {"events", events},
    {"next", next},
    {"second_client", second_client},
    {"soak", soak},
    {"frozen_rank", frozen_rank},
    {"frozen_sender", frozen_sender},
    {"lost_rank", lost_rank},
    {"busy_client", busy_client},
};

int main(int argc, char **argv)
{
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    mms_error err;
    mms_unit_kind *const served = all_kinds();
    int status;

    if (mms_engine_serve(served, &status)) {
        free(served);
        return status;
    }
    kept = json_array();
    opts.servers = 2;
    opts.frozen_s = 0.5;
    opts.mode = mms_command_mode;
    if (mms_client_open(&opts, &client, &err) != MMS_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    base = argc > 2 ? atoi(argv[2]) : 0;
    status = 2;
    for (size_t i = 0; argc >= 2 && i < sizeof cases / sizeof *cases; i++)
        if (!strcmp(cases[i].name, argv[1])) {
            cases[i].run();
            status = 0;
        }
    mms_value_free(&kept);
    mms_client_close(&client);
    mms_engine_shutdown(status);
    free(served);
    return status;
}
