/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_simulated.c  Client, queue and runs with many servers, which are simulated: matching
 *  (job-engine 1.7), order of costs, keys, what is counted, servers that freeze. */
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/queue_priv.h"
#include "multims/client.h"
#include "multims/log.h"
#include "simulated_world.h"

enum { MANY = 1000 };

static double some_seconds(const char *frame, size_t size)
{
    (void)size;
    return 0.1 + sim_chance(mms_frame_request_of(frame));
}

static double one_second(const char *frame, size_t size)
{
    (void)frame, (void)size;
    return 1;
}

/* What the unit itself says: bytes are milliseconds. */
static double seconds_of_bytes(const char *frame, size_t size)
{
    mms_frame f;
    double bytes;

    assert_int_equal(mms_frame_decode(frame, size, &f, NULL), MMS_OK);
    bytes =
        (double)json_integer_value(json_object_get(json_object_get(f.body, "request"), "bytes"));
    mms_value_free(&f.body);
    return 1e-3 * bytes;
}

static mms_client *open_client(int nservers, sim_seconds *seconds, const mms_value *totals)
{
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    mms_client *client;
    mms_error err;

    sim_begin(nservers, 1e-4, seconds);
    opts.totals = totals;
    assert_int_equal(mms_client_open(&opts, &client, &err), MMS_OK);
    assert_int_equal(mms_client_servers(client), nservers);
    return client;
}

static void close_client(mms_client *client)
{
    mms_client_close(&client);
    sim_end();
}

static int64_t push(mms_client *client, int target, const char *key, const mms_value *needs)
{
    mms_command command = MMS_COMMAND_INIT;
    int64_t id;
    mms_error err;

    command.kind = "unit";
    command.key = key;
    command.needs = needs;
    assert_int_equal(mms_client_push(client, &command, target != 0, &target, &id, &err), MMS_OK);
    return id;
}

static int64_t wait_for_all(mms_client *client)
{
    int64_t n = 0, id = 1;
    mms_error err;

    while (id) {
        assert_int_equal(mms_client_next(client, -1, &id, &err), MMS_OK);
        n += id != 0;
    }
    return n;
}

static int server_of(mms_client *client, int64_t id)
{
    mms_value *responses;
    mms_error err;

    assert_int_equal(mms_client_responses(client, 1, &id, false, 0, &responses, &err), MMS_OK);
    const int server =
        (int)json_integer_value(json_object_get(json_array_get(responses, 0), "server"));
    mms_value_free(&responses);
    return server;
}

/* A thousand servers, a third of the commands names one (A067): each is answered once, one is in
 * hand at a time, and a server gets its own in the order of pushing. */
static void test_a_thousand_servers(void **state)
{
    enum { N = 12000 };
    mms_client *const client = open_client(MANY, some_seconds, NULL);
    static int targets[N + 1];
    const uint64_t *got;
    int64_t count = 0;

    (void)state;
    for (int i = 1; i <= N; i++) {
        targets[i] =
            sim_chance((uint64_t)i) < 0.33 ? 1 + (int)(sim_chance((uint64_t)(i + N)) * MANY) : 0;
        assert_int_equal(push(client, targets[i], NULL, NULL), i);
    }
    assert_int_equal(wait_for_all(client), N);
    assert_int_equal(sim_overlaps(), 0);
    for (int s = 1; s <= MANY; s++) {
        uint64_t before = 0;
        const int64_t n = sim_order(s, &got);
        for (int64_t i = 0; i < n; i++) {
            assert_true(!targets[got[i]] || targets[got[i]] == s);
            if (targets[got[i]]) {
                assert_true(got[i] > before);
                before = got[i];
            }
        }
        count += n;
    }
    assert_int_equal(count, N);
    close_client(client);
}

/* No server idles while work waits: with tasks of 1 s in ten rounds the whole takes ten seconds. */
static void test_efficiency(void **state)
{
    mms_client *const client = open_client(MANY, one_second, NULL);

    (void)state;
    for (int i = 0; i < 10 * MANY; i++)
        push(client, 0, NULL, NULL);
    assert_int_equal(wait_for_all(client), 10 * MANY);
    assert_true(sim_work() / (MANY * sim_now()) > 0.95);
    close_client(client);
}

/* Untargeted commands go to the last server that is free, as mpi4casa has it (1.7). */
static void test_last_free_first(void **state)
{
    mms_client *const client = open_client(6, one_second, NULL);
    const int64_t first = push(client, 0, NULL, NULL), second = push(client, 6, NULL, NULL);
    const int64_t third = push(client, 0, NULL, NULL);

    (void)state;
    wait_for_all(client);
    assert_int_equal(server_of(client, first), 6);
    assert_int_equal(server_of(client, second), 6);
    assert_int_equal(server_of(client, third), 5);
    close_client(client);
}

/* The server that had a key last has it again if it is free (A069). */
static void test_keys(void **state)
{
    enum { N = 40 };
    mms_client *const client = open_client(N + 8, one_second, NULL);
    int64_t first[N], second[N];
    int same = 0;
    char key[32];

    (void)state;
    for (int i = 0; i < N; i++) {
        snprintf(key, sizeof key, "x.%04d.ms", i);
        first[i] = push(client, 0, key, NULL);
    }
    wait_for_all(client);
    for (int i = N - 1; i >= 0; i--) {
        snprintf(key, sizeof key, "x.%04d.ms", i);
        second[i] = push(client, 0, key, NULL);
    }
    wait_for_all(client);
    for (int i = 0; i < N; i++)
        same += server_of(client, first[i]) == server_of(client, second[i]);
    assert_true(same >= N * 9 / 10);
    close_client(client);
}

static int64_t push_only(mms_client *client, const char *key)
{
    mms_command command = MMS_COMMAND_INIT;
    mms_error err;
    int64_t id;

    command.kind = "unit";
    command.key = key;
    command.key_only = true;
    assert_int_equal(mms_client_push(client, &command, 0, NULL, &id, &err), MMS_OK);
    return id;
}

/* A key that has its server for good waits for it, though others are free (A070). */
static void test_keys_of_one_server(void **state)
{
    enum { N = 12, SERVERS = 5 };
    const char *const bytes = "caf\xe9.ms"; /* a path is not always UTF-8 */
    mms_client *const client = open_client(SERVERS, one_second, NULL);
    int64_t ids[N], other, again;
    int home[3];

    (void)state;
    other = push(client, 0, "c", NULL);
    wait_for_all(client);
    for (int i = 0; i < N; i++)
        ids[i] = push_only(client, (const char *const[]){"a", bytes, "c"}[i % 3]);
    wait_for_all(client);
    for (int k = 0; k < 3; k++)
        home[k] = server_of(client, ids[k]);
    for (int i = 0; i < N; i++)
        assert_int_equal(server_of(client, ids[i]), home[i % 3]);
    assert_true(home[0] != home[1]);
    assert_int_equal(home[2], server_of(client, other)); /* where it was before */
    again = push_only(client, bytes);
    wait_for_all(client);
    assert_int_equal(server_of(client, again), home[1]);
    close_client(client);
}

/* Sixteen writers, two of which may write at once; others don't wait for them (A072); what needs
 * more than there is is refused (A073). */
static void test_what_is_counted(void **state)
{
    mms_value *const totals = json_pack("{s:i, s:i}", "disk", 2, "cores", 8);
    mms_value *const one = json_pack("{s:i}", "disk", 1), *const nine =
                                                              json_pack("{s:i}", "cores", 9);
    mms_value *const other = json_pack("{s:i}", "tape", 1);
    mms_client *const client = open_client(32, one_second, totals);
    mms_command command = MMS_COMMAND_INIT;
    mms_error err;
    int64_t id;

    (void)state;
    for (int i = 0; i < 16; i++)
        push(client, 0, NULL, one);
    wait_for_all(client);
    assert_int_equal(sim_most_at_once(), 2);
    assert_true(sim_now() > 7.9 && sim_now() < 9);
    for (int i = 0; i < 16; i++)
        push(client, 0, NULL, i % 2 ? one : NULL);
    mms_client_poll(client);
    assert_int_equal(sim_most_at_once(), 10);
    wait_for_all(client);
    command.kind = "unit";
    command.needs = nine;
    assert_int_equal(mms_client_push(client, &command, 0, NULL, &id, &err), MMS_ERR_ARG);
    assert_non_null(strstr(err.msg, "9 of cores"));
    command.needs = other;
    assert_int_equal(mms_client_push(client, &command, 0, NULL, &id, &err), MMS_ERR_ARG);
    close_client(client);
    json_decref(totals);
    json_decref(one);
    json_decref(nine);
    json_decref(other);
}

/* One that needs all of a thing is not overtaken for ever by those that need a little (A068). */
static void test_large_needs(void **state)
{
    enum { SMALL = 3000 };
    mms_value *const totals = json_pack("{s:i}", "memory", 10);
    mms_value *const all = json_pack("{s:i}", "memory", 10), *const few =
                                                                 json_pack("{s:i}", "memory", 1);
    mms_client *const client = open_client(20, some_seconds, totals);
    int64_t large, id = 0, before = -1;
    mms_error err;

    (void)state;
    for (int i = 0; i < 10; i++)
        push(client, 0, NULL, few);
    large = push(client, 0, NULL, all);
    for (int i = 0; i < SMALL; i++)
        push(client, 0, NULL, few);
    for (; id != large; before++)
        assert_int_equal(mms_client_next(client, -1, &id, &err), MMS_OK);
    assert_in_range(before, 10, 10 + MMS_QUEUE_BYPASS);
    assert_int_equal(wait_for_all(client), 10 + SMALL - before);
    close_client(client);
    json_decref(totals);
    json_decref(all);
    json_decref(few);
}

/* Freeze server 7 so many seconds after the start, and return when that is noticed. */
static double freeze_after(mms_client *client, int seconds)
{
    mms_value *responses = NULL;
    int64_t id;
    mms_error err;

    for (int i = 0; i < seconds; i++)
        push(client, 7, NULL, NULL);
    wait_for_all(client);
    const double begin = sim_now();
    sim_freeze(7, begin + 100);
    id = push(client, 7, NULL, NULL);
    assert_int_equal(mms_client_responses(client, 1, &id, true, -1, &responses, &err), MMS_OK);
    assert_string_equal(json_string_value(json_object_get(json_array_get(responses, 0), "status")),
                        "timeout");
    mms_value_free(&responses);
    return sim_now() - begin;
}

/* A frozen server is noticed within 35 s whatever the number of servers and the moment, and comes
 * back (P20). */
static void test_a_frozen_server(void **state)
{
    const mms_command command = {.size = sizeof command, .kind = "unit"};
    const int target = 7;
    int64_t refused;
    mms_error err;

    (void)state;
    for (int seconds = 1; seconds <= 6; seconds++) {
        mms_client *const client = open_client(MANY, one_second, NULL);
        const double noticed = freeze_after(client, seconds);
        mms_value *const status = mms_client_status(client);
        print_message("frozen after %d s: noticed after %.1f s\n", seconds, noticed);
        assert_true(noticed > 30 && noticed < 35);
        for (int s = 1; s <= MANY; s++)
            assert_true(json_is_true(json_object_get(json_array_get(status, (size_t)s - 1),
                                                     "timeout")) == (s == 7));
        json_decref(status);
        assert_int_equal(mms_client_push(client, &command, 1, &target, &refused, &err),
                         MMS_ERR_ARG);
        assert_int_equal(wait_for_all(client), 1);
        assert_true(sim_now() > 100);
        close_client(client);
    }
}

/* Answers that come twice, the second while their server has another command, count once (A101). */
static void test_repeated_answers(void **state)
{
    enum { N = 2000, SERVERS = 20, UNITS = 60 };
    mms_client *const client = open_client(SERVERS, some_seconds, NULL);
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    mms_value *units[UNITS];
    mms_answer answers[UNITS];
    const char *names[UNITS];
    mms_engine *engine;
    mms_error err;

    (void)state;
    sim_repeat_answers();
    for (int i = 0; i < N; i++)
        push(client, i % 3 ? 0 : 1 + i % SERVERS, NULL, NULL);
    assert_int_equal(wait_for_all(client), N);
    assert_int_equal(sim_overlaps(), 0);
    close_client(client);

    for (int i = 0; i < UNITS; i++) {
        units[i] = json_object();
        names[i] = "unit";
    }
    sim_begin(SERVERS, 1e-4, some_seconds);
    sim_repeat_answers();
    assert_int_equal(mms_engine_open(&opts, &engine, &err), MMS_OK);
    assert_int_equal(mms_engine_run(engine, "unit", UNITS, names, units, answers, &err), MMS_OK);
    assert_int_equal(sim_overlaps(), 0);
    mms_answers_free(UNITS, answers);
    mms_engine_close(&engine);
    sim_end();
    for (int i = 0; i < UNITS; i++)
        mms_value_free(&units[i]);
}

/* ---- runs: the largest first ---- */

/* What the same rule gives by hand: each to whoever is free first. */
static double largest_first(int64_t n, const double *sorted, int nservers)
{
    double *const busy = calloc((size_t)nservers, sizeof *busy), end = 0;

    for (int64_t i = 0; i < n; i++) {
        int least = 0;
        for (int s = 1; s < nservers; s++)
            least = busy[s] < busy[least] ? s : least;
        busy[least] += sorted[i];
        end = busy[least] > end ? busy[least] : end;
    }
    free(busy);
    return end;
}

static int downwards(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

/* 200 units, log-normal with sigma 1, on 15 servers (P15, A066). */
static void run_of_costs(uint64_t seed)
{
    enum { N = 200, SERVERS = 15 };
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    mms_value *units[N];
    mms_answer answers[N];
    const char *names[N];
    double sorted[N];
    mms_engine *engine;
    mms_error err;

    for (int i = 0; i < N; i++) {
        const double u = sim_chance(seed + 2 * (uint64_t)i),
                     v = sim_chance(seed + 2 * (uint64_t)i + 1);
        const double normal = sqrt(-2 * log(1 - u)) * cos(2 * 3.14159265358979 * v);
        const int64_t ms = 1 + (int64_t)(10000 * exp(normal));
        sorted[i] = 1e-3 * (double)ms;
        units[i] = json_pack("{s:I}", "bytes", (json_int_t)ms);
        names[i] = "unit";
    }
    qsort(sorted, N, sizeof *sorted, downwards);
    sim_begin(SERVERS, 1e-4, seconds_of_bytes);
    assert_int_equal(mms_engine_open(&opts, &engine, &err), MMS_OK);
    assert_int_equal(mms_engine_workers(engine), SERVERS);
    assert_int_equal(mms_engine_run(engine, "unit", N, names, units, answers, &err), MMS_OK);
    assert_true(sim_now() < 1.01 * largest_first(N, sorted, SERVERS) + 0.1);
    mms_answers_free(N, answers);
    mms_engine_close(&engine);
    sim_end();
    for (int i = 0; i < N; i++)
        mms_value_free(&units[i]);
}

static void test_largest_first(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++)
        run_of_costs(1000 * seed);
}

/* ---- runs: the time to go ---- */

/* Costs are ten times what they should be. */
static double tenth_of_bytes(const char *frame, size_t size)
{
    return 0.1 * seconds_of_bytes(frame, size);
}

struct forecasts {
    int n;
    double at[64], left[64];
};

static void take_forecast(void *ctx, mms_level level, const char *scope, const char *text)
{
    struct forecasts *const f = ctx;
    const char *const comma = strrchr(text, ',');
    int minutes, seconds;

    (void)level, (void)scope;
    if (f->n == 64 || !comma || sscanf(comma, ", %d:%d to go", &minutes, &seconds) != 2)
        return;
    f->at[f->n] = sim_now();
    f->left[f->n++] = 60 * minutes + seconds;
}

/* Progress is lines, also where somebody looks on. */
static void use_no_terminal(void)
{
    const int nothing = open("/dev/null", O_WRONLY);

    if (isatty(STDERR_FILENO))
        assert_int_equal(dup2(nothing, STDERR_FILENO), STDERR_FILENO);
    close(nothing);
}

/* Whatever unit costs have, the time to go is that of the run, at half time and before (A076). */
static void test_wrong_costs(void **state)
{
    enum { N = 1200, SERVERS = 15 };
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    struct forecasts f = {0};
    mms_value *units[N];
    mms_answer answers[N];
    const char *names[N];
    mms_engine *engine;
    mms_error err;

    (void)state;
    use_no_terminal();
    for (int i = 0; i < N; i++) {
        units[i] =
            json_pack("{s:I}", "bytes", (json_int_t)(5000 + 10000 * sim_chance((uint64_t)i)));
        names[i] = "unit";
    }
    mms_log_to(take_forecast, &f, MMS_LOG_INFO);
    sim_begin(SERVERS, 1e-4, tenth_of_bytes);
    opts.progress = true;
    assert_int_equal(mms_engine_open(&opts, &engine, &err), MMS_OK);
    assert_int_equal(mms_engine_run(engine, "unit", N, names, units, answers, &err), MMS_OK);
    const double whole = sim_now();
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    assert_true(whole > 60 && f.n > 8);
    for (int i = 0; i < f.n; i++)
        assert_true(f.at[i] < 0.1 * whole || f.at[i] > 0.6 * whole ||
                    fabs(f.left[i] - (whole - f.at[i])) < 0.2 * (whole - f.at[i]));
    mms_answers_free(N, answers);
    mms_engine_close(&engine);
    sim_end();
    for (int i = 0; i < N; i++)
        mms_value_free(&units[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thousand_servers), cmocka_unit_test(test_efficiency),
        cmocka_unit_test(test_last_free_first),    cmocka_unit_test(test_keys),
        cmocka_unit_test(test_keys_of_one_server), cmocka_unit_test(test_what_is_counted),
        cmocka_unit_test(test_large_needs),        cmocka_unit_test(test_a_frozen_server),
        cmocka_unit_test(test_repeated_answers),   cmocka_unit_test(test_largest_first),
        cmocka_unit_test(test_wrong_costs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
