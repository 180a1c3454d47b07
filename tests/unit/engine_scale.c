/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file engine_scale.c  engine_scale [SERVERS REQUESTS]: figures of the engine's client with many
 * servers, which are simulated (spec job-engine 9.2): P9 to P11, P16 to P18.  JSON on stdout. */
#include <jansson.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "engine/journal.h"
#include "engine/queue_priv.h"
#include "multims/client.h"
#include "simulated_world.h"

static mms_value *result;

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "engine_scale: %s\n", what);
    exit(1);
}

static double cpu_s(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

static double wall_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Bytes that are allocated. */
static double held(void)
{
    const struct mallinfo2 info = mallinfo2();

    return (double)info.uordblks + (double)info.hblkhd;
}

static double about_ten_seconds(const char *frame, size_t size)
{
    (void)size;
    return 5 + 10 * sim_chance(mms_frame_request_of(frame));
}

static double half_a_second(const char *frame, size_t size)
{
    (void)frame, (void)size;
    return 0.5;
}

/* P9: the choice alone, half of the commands name a server. */
static void decisions(int nservers, int64_t n)
{
    mms_queue *queue;
    int64_t id, count = 0;
    int server;

    demand(mms_queue_open(nservers, NULL, &queue, NULL) == MMS_OK, "memory");
    for (int64_t i = 1; i <= n; i++) {
        const int target =
            sim_chance((uint64_t)i) < 0.5 ? 0 : 1 + (int)(sim_chance((uint64_t)(i + n)) * nservers);
        demand(mms_queue_add(queue, i, target, NULL, NULL, NULL) == MMS_OK, "memory");
    }
    for (int s = 1; s <= nservers; s++)
        mms_queue_set_free(queue, s, true);
    const double begin = cpu_s();
    while (mms_queue_next(queue, &id, &server)) {
        mms_queue_end(queue, id, server);
        mms_queue_set_free(queue, (int)(1 + count % nservers), true);
        count++;
    }
    json_object_set_new(result, "P9 decision",
                        json_pack("{s:f, s:i, s:I}", "us", 1e6 * (cpu_s() - begin) / (double)count,
                                  "servers", nservers, "queued", (json_int_t)n));
    mms_queue_close(&queue);
}

static int64_t push(mms_client *client, const mms_value *parameters)
{
    mms_command command = MMS_COMMAND_INIT;
    mms_error err;
    int64_t id;

    command.kind = "unit";
    command.parameters = parameters;
    demand(mms_client_push(client, &command, 0, NULL, &id, &err) == MMS_OK, "a push");
    return id;
}

static mms_client *open_client(int nservers, sim_seconds *seconds)
{
    mms_client *client;
    mms_error err;

    sim_begin(nservers, 1e-4, seconds);
    demand(mms_client_open(NULL, &client, &err) == MMS_OK, "no client");
    return client;
}

/* P10, P11: what a queued command and its response take; bodies of 256 bytes, all equal or not. */
static void memory(int64_t n, bool equal)
{
    mms_client *client = open_client(1000, half_a_second);
    const double body_bytes = equal ? 0 : 256;
    char body[257];
    mms_error err;
    int64_t id = 1;

    memset(body, 'x', 256);
    body[256] = '\0';
    const double before = held();
    for (int64_t i = 0; i < n; i++) {
        if (!equal)
            body[snprintf(body, 200, "%lld", (long long)i)] = 'x';
        mms_value *const parameters = json_pack("{s:s}", "body", body);
        push(client, parameters);
        json_decref(parameters);
    }
    const double queued = held();
    while (id)
        demand(mms_client_next(client, -1, &id, &err) == MMS_OK, "answers");
    const double answered = held();
    json_object_set_new(result, equal ? "P10 queued request, equal bodies" : "P10 queued request",
                        json_pack("{s:f, s:I}", "bytes beside its body",
                                  (queued - before) / (double)n - body_bytes, "n", (json_int_t)n));
    json_object_set_new(
        result, equal ? "P11 stored response, equal bodies" : "P11 stored response",
        json_pack("{s:f}", "bytes beside its body", (answered - before) / (double)n - body_bytes));
    mms_client_close(&client);
    sim_end();
}

/* P17: tasks of 5 to 15 s, pushed 20 a server ahead and forgotten when they have ended. */
static void scale(int nservers, int64_t n)
{
    mms_client *client = open_client(nservers, about_ten_seconds);
    const double begin = wall_s(), cpu = cpu_s();
    int64_t pushed = 0, id = 1;
    mms_error err;

    while (pushed < n && pushed < 20 * (int64_t)nservers) {
        push(client, NULL);
        pushed++;
    }
    for (int64_t ended = 0; ended < n; ended++) {
        demand(mms_client_next(client, -1, &id, &err) == MMS_OK && id, "an answer");
        demand(mms_client_forget(client, 1, &id, &err) == MMS_OK, "forget");
        if (pushed < n) {
            push(client, NULL);
            pushed++;
        }
    }
    json_object_set_new(result, "P17 scale",
                        json_pack("{s:f, s:f, s:f, s:i, s:I}", "wall_s", wall_s() - begin, "cpu_s",
                                  cpu_s() - cpu, "efficiency", sim_work() / (nservers * sim_now()),
                                  "servers", nservers, "requests", (json_int_t)n));
    mms_client_close(&client);
    sim_end();
}

/* P18: servers that each finish a command every half second, for 20 s of simulated time. */
static void saturation(int nservers)
{
    mms_client *client = open_client(nservers, half_a_second);
    const double cpu = cpu_s();
    int64_t pushed = 0, id = 1;
    mms_error err;

    for (; pushed < 2 * nservers; pushed++)
        push(client, NULL);
    while (sim_now() < 20) {
        demand(mms_client_next(client, -1, &id, &err) == MMS_OK && id, "an answer");
        demand(mms_client_forget(client, 1, &id, &err) == MMS_OK, "forget");
        push(client, NULL);
        pushed++;
    }
    json_object_set_new(result, "P18 saturation",
                        json_pack("{s:f, s:i, s:f}", "percent of a core",
                                  100 * (cpu_s() - cpu) / sim_now(), "servers", nservers,
                                  "commands a second", (double)pushed / sim_now()));
    mms_client_close(&client);
    sim_end();
}

/* P16: records of units that are done. */
static void journal(int64_t n)
{
    char folder[] = "engine_scale_XXXXXX", output[64], unit[32];
    mms_value *const key = json_object(), *const answer =
                                              json_pack("{s:i, s:i}", "rows", 1, "bytes", 2);
    mms_journal *j;
    mms_error err;

    demand(mkdtemp(folder) != NULL, "a folder");
    snprintf(output, sizeof output, "%s/x.mms", folder);
    const mms_journal_opts opts = {.output = output, .task = "bench", .request = key, .key = key};
    demand(mms_journal_open(&opts, &j, &err) == MMS_OK && j, "a journal");
    const double cpu = cpu_s();
    for (int64_t i = 0; i < n; i++) {
        snprintf(unit, sizeof unit, "x.%06d.ms", (int)i);
        mms_journal_add(j, "dispatch", json_pack("{s:s, s:i}", "unit", unit, "worker", 1));
        mms_journal_done(j, unit, NULL, answer, NULL, 1);
    }
    json_object_set_new(result, "P16 journal",
                        json_pack("{s:f, s:I}", "us a record",
                                  1e6 * (cpu_s() - cpu) / (2.0 * (double)n), "records",
                                  (json_int_t)(2 * n)));
    mms_journal_end(&j, MMS_OK, false, NULL);
    (void)!mms_remove_tree(folder, NULL);
    json_decref(key);
    json_decref(answer);
}

int main(int argc, char **argv)
{
    const int nservers = argc > 1 ? atoi(argv[1]) : 1024;
    const int64_t n = argc > 2 ? atoll(argv[2]) : 1000000;

    result = json_object();
    decisions(nservers, n);
    memory(n < 1000000 ? n : 1000000, true);
    memory(n < 1000000 ? n : 1000000, false);
    saturation(nservers < 1000 ? nservers : 1000);
    scale(nservers, n);
    journal(n < 10000 ? n : 10000);
    json_dumpf(result, stdout, JSON_INDENT(1));
    json_decref(result);
    return 0;
}
