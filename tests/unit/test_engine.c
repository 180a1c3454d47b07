/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_engine.c  lib/engine with local workers: answers, failures, crashes, stop signals. */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/engine_priv.h"
#include "engine/journal.h"
#include "multims/engine.h"
#include "multims/log.h"

/* ---- kinds of units, run in workers ---- */

static int64_t number(const mms_value *request)
{
    return json_integer_value(json_object_get(request, "n"));
}

static mms_status echo(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job, (void)err;
    json_object_set_new(answer, "echo", json_deep_copy(request));
    return MMS_OK;
}

static mms_status sleep_ms(mms_job *job, const mms_value *request, mms_value *answer,
                           mms_error *err)
{
    const struct timespec time = {number(request) / 1000, number(request) % 1000 * 1000000};

    (void)answer, (void)err;
    mms_job_progress(job, 1, 2);
    nanosleep(&time, NULL);
    return MMS_OK;
}

/* Unit 3 fails; the others take their time. */
static mms_status fail_third(mms_job *job, const mms_value *request, mms_value *answer,
                             mms_error *err)
{
    (void)job, (void)answer;
    if (number(request) == 3)
        return mms_fail(err, MMS_ERR_SPACE, "DATA: disk full");
    usleep(20000);
    return MMS_OK;
}

static mms_status empty_odd(mms_job *job, const mms_value *request, mms_value *answer,
                            mms_error *err)
{
    (void)job;
    json_object_set_new(answer, "rows", json_integer(number(request)));
    return number(request) % 2 ? mms_fail(err, MMS_ERR_EMPTY, "no rows") : MMS_OK;
}

static mms_status crash(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    const char *const how = json_string_value(json_object_get(request, "how"));

    (void)job, (void)answer, (void)err;
    if (!how)
        return MMS_OK;
    if (!strcmp(how, "kill"))
        raise(SIGKILL);
    if (!strcmp(how, "abort")) {
        fprintf(stderr, "  the last words\n");
        abort();
    }
    exit(7);
}

static mms_status many(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    mms_value *list = json_array();

    (void)job, (void)err;
    for (int64_t i = 0; i < number(request); i++)
        json_array_append_new(list, json_integer(i));
    json_object_set_new(answer, "list", list);
    return MMS_OK;
}

/* Tell who works here, then stay. */
static mms_status stay(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    FILE *file = fopen(json_string_value(json_object_get(request, "file")), "w");

    (void)job, (void)answer, (void)err;
    if (file) {
        fprintf(file, "%d\n", (int)getpid());
        fclose(file);
    }
    sleep(30);
    return MMS_OK;
}

/* Take processor time for n seconds of it. */
static mms_status work(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job, (void)answer, (void)err;
    while (clock() < number(request) * CLOCKS_PER_SEC)
        continue;
    return MMS_OK;
}

static mms_status talk(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job, (void)request, (void)answer;
    mms_log(MMS_LOG_INFO, "talk", "said");
    mms_log(MMS_LOG_DEBUG, "talk", "not wanted");
    return mms_fail(err, MMS_ERR_IO, "no UTF-8: \xff");
}

static int64_t ended = 0;

static void end_counter(void *counter)
{
    ended++;
    free(counter);
}

/* Answer how many units of this worker had this name since it was first kept, and how many things
 * have been ended; fail where asked to. */
static mms_status count_kept(mms_job *job, const mms_value *request, mms_value *answer,
                             mms_error *err)
{
    const char *const name = json_string_value(json_object_get(request, "name"));
    int64_t *counter = mms_job_kept(job, name);
    mms_status st = MMS_OK;

    if (!counter) {
        counter = calloc(1, sizeof *counter);
        st = counter ? mms_job_keep(job, name, counter, end_counter, err) : MMS_ERR_MEM;
    }
    if (st != MMS_OK)
        return st;
    json_object_set_new(answer, "units", json_integer(++*counter));
    json_object_set_new(answer, "ended", json_integer(ended));
    return json_object_get(request, "empty") ? mms_fail(err, MMS_ERR_EMPTY, "as asked") : MMS_OK;
}

static const mms_unit_kind kinds[] = {
    {"kept", count_kept}, {"echo", echo},   {"sleep", sleep_ms}, {"fail", fail_third},
    {"empty", empty_odd}, {"crash", crash}, {"many", many},      {"talk", talk},
    {"stay", stay},       {"work", work},   {NULL, NULL}};

/* ---- a run of units ---- */

enum { MAX_UNITS = 200 };

struct batch {
    int64_t n;
    mms_value *units[MAX_UNITS];
    char names[MAX_UNITS][32];
    const char *name_list[MAX_UNITS];
    mms_answer answers[MAX_UNITS];
    mms_error err;
};

static mms_engine *open_engine(int workers)
{
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    mms_engine *engine;

    opts.workers = workers;
    assert_int_equal(mms_engine_open(&opts, &engine, NULL), MMS_OK);
    assert_int_equal(mms_engine_workers(engine), workers);
    return engine;
}

static void fill(struct batch *b, int64_t n)
{
    memset(b, 0, sizeof *b);
    b->n = n;
    for (int64_t i = 0; i < n; i++) {
        b->units[i] = json_pack("{s:I}", "n", (json_int_t)i);
        snprintf(b->names[i], sizeof b->names[i], "sub-MS x.%04d.ms", (int)i);
        b->name_list[i] = b->names[i];
    }
}

static mms_status run_batch(mms_engine *engine, const char *kind, struct batch *b)
{
    return mms_engine_run(engine, kind, b->n, b->name_list, b->units, b->answers, &b->err);
}

static void end(struct batch *b)
{
    mms_answers_free(b->n, b->answers);
    for (int64_t i = 0; i < b->n; i++)
        mms_value_free(&b->units[i]);
}

/* Every child has been collected when an engine is closed. */
static void close_engine(mms_engine *engine)
{
    mms_engine_close(&engine);
    assert_null(engine);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* ---- tests ---- */

static void answers_do_not_depend_on_workers(void **state)
{
    static const int counts[] = {1, 2, 3, 5};
    static struct batch b;

    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        mms_engine *engine = open_engine(counts[c]);
        fill(&b, MAX_UNITS);
        assert_int_equal(run_batch(engine, "echo", &b), MMS_OK);
        for (int64_t i = 0; i < b.n; i++) {
            assert_int_equal(b.answers[i].status, MMS_OK);
            assert_true(json_equal(json_object_get(b.answers[i].value, "echo"), b.units[i]));
            assert_in_range(b.answers[i].worker, 1, counts[c]);
        }
        end(&b);
        close_engine(engine);
    }
}

static void fewer_units_than_workers(void **state)
{
    mms_engine *engine = open_engine(5);
    static struct batch b;

    (void)state;
    for (int64_t n = 0; n < 3; n++) {
        fill(&b, n);
        assert_int_equal(run_batch(engine, "echo", &b), MMS_OK);
        end(&b);
    }
    close_engine(engine);
}

/* Requests and answers beyond what a socket holds, both ways at once. */
static void large_messages_pass(void **state)
{
    mms_engine *engine = open_engine(2);
    static struct batch b;
    char *text = malloc(3000001);

    (void)state;
    memset(text, 'x', 3000000);
    text[3000000] = '\0';
    fill(&b, 4);
    for (int64_t i = 0; i < b.n; i++)
        json_object_set_new(b.units[i], "text", json_string(text));
    assert_int_equal(run_batch(engine, "echo", &b), MMS_OK);
    for (int64_t i = 0; i < b.n; i++)
        assert_true(json_equal(json_object_get(b.answers[i].value, "echo"), b.units[i]));
    end(&b);
    free(text);

    fill(&b, 2);
    json_object_set_new(b.units[1], "n", json_integer(500000));
    assert_int_equal(run_batch(engine, "many", &b), MMS_OK);
    assert_int_equal(json_array_size(json_object_get(b.answers[1].value, "list")), 500000);
    end(&b);
    close_engine(engine);
}

static void first_failure_ends_the_run(void **state)
{
    mms_engine *engine = open_engine(2);
    static struct batch b;
    int64_t done = 0;
    char said[80];

    (void)state;
    fill(&b, 50);
    assert_int_equal(run_batch(engine, "fail", &b), MMS_ERR_SPACE);
    snprintf(said, sizeof said, "sub-MS x.0003.ms: worker %d: DATA: disk full",
             b.answers[3].worker);
    assert_string_equal(b.err.msg, said);
    assert_int_equal(b.err.code, MMS_ERR_SPACE);
    assert_int_equal(b.answers[3].status, MMS_ERR_SPACE);
    assert_string_equal(b.answers[3].error.msg, "DATA: disk full");
    for (int64_t i = 0; i < b.n; i++)
        done += b.answers[i].status == MMS_OK;
    assert_in_range(done, 2, 10);
    assert_int_equal(b.answers[49].status, MMS_ERR_STOPPED);
    end(&b);

    fill(&b, 10); /* the engine goes on with new workers */
    assert_int_equal(run_batch(engine, "echo", &b), MMS_OK);
    end(&b);
    close_engine(engine);
}

/* A104: the run goes on until two have failed. */
static void a_threshold_of_failures(void **state)
{
    mms_engine *engine = open_engine(1);
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
    static struct batch b;
    int64_t failed = 0, stopped = 0;

    (void)state;
    rules.keep_going = true;
    rules.threshold = 2;
    mms_engine_set_rules(engine, &rules);
    fill(&b, 10);
    for (int64_t i = 0; i < b.n; i++)
        if (i != 1)
            json_object_set_new(b.units[i], "n", json_integer(3));
    assert_int_equal(run_batch(engine, "fail", &b), MMS_ERR_SPACE);
    for (int64_t i = 0; i < b.n; i++) {
        failed += b.answers[i].status == MMS_ERR_SPACE;
        stopped += b.answers[i].status == MMS_ERR_STOPPED;
    }
    assert_int_equal(failed, 2);
    assert_int_equal(stopped, 7);
    assert_int_equal(b.answers[1].status, MMS_OK);
    end(&b);
    close_engine(engine);
}

static void empty_is_no_failure(void **state)
{
    mms_engine *engine = open_engine(3);
    static struct batch b;

    (void)state;
    fill(&b, 9);
    assert_int_equal(run_batch(engine, "empty", &b), MMS_OK);
    for (int64_t i = 0; i < b.n; i++) {
        assert_int_equal(b.answers[i].status, i % 2 ? MMS_ERR_EMPTY : MMS_OK);
        assert_int_equal(json_integer_value(json_object_get(b.answers[i].value, "rows")), i);
    }
    assert_string_equal(b.answers[1].error.msg, "no rows");
    end(&b);
    close_engine(engine);
}

static void a_worker_keeps_one_thing(void **state)
{
    static const struct {
        const char *name;
        bool empty;
        int64_t units, ended;
    } cases[] = {{"a", false, 1, 0}, {"a", false, 2, 0}, {"b", false, 1, 1}, {"b", true, 2, 1},
                 {"b", false, 1, 2}, {"a", false, 1, 3}, {"a", false, 2, 3}};
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    mms_value *units[MMS_COUNT_OF(cases)];
    const char *names[MMS_COUNT_OF(cases)];
    mms_answer answers[MMS_COUNT_OF(cases)];
    mms_engine *engine;
    mms_error err;

    (void)state;
    opts.workers = 1;
    for (int64_t i = 0; i < MMS_COUNT_OF(cases); i++) {
        names[i] = cases[i].name;
        units[i] = json_pack("{ss}", "name", cases[i].name);
        if (cases[i].empty)
            json_object_set_new(units[i], "empty", json_true());
    }
    assert_int_equal(mms_engine_open(&opts, &engine, &err), MMS_OK);
    assert_int_equal(
        mms_engine_run(engine, "kept", MMS_COUNT_OF(cases), names, units, answers, &err), MMS_OK);
    for (int64_t i = 0; i < MMS_COUNT_OF(cases); i++) {
        const mms_value *value = answers[i].value;
        assert_int_equal(json_integer_value(json_object_get(value, "units")), cases[i].units);
        assert_int_equal(json_integer_value(json_object_get(value, "ended")), cases[i].ended);
        json_decref(units[i]);
    }
    mms_answers_free(MMS_COUNT_OF(cases), answers);
    mms_engine_close(&engine);
}

static void check_crash(const char *how, const char *want)
{
    mms_engine *engine = open_engine(1);
    static struct batch b;

    fill(&b, 4);
    json_object_set_new(b.units[2], "how", json_string(how));
    assert_int_equal(run_batch(engine, "crash", &b), MMS_ERR_WORKER);
    assert_string_equal(b.err.msg, want);
    assert_int_equal(b.answers[1].status, MMS_OK);
    assert_int_equal(b.answers[2].status, MMS_ERR_WORKER);
    end(&b);
    fill(&b, 4);
    assert_int_equal(run_batch(engine, "echo", &b), MMS_OK);
    end(&b);
    close_engine(engine);
}

static void crash_names_unit_worker_and_cause(void **state)
{
    (void)state;
    check_crash("kill", "sub-MS x.0002.ms: worker 1 was killed by signal 9 (Killed)");
    check_crash("abort",
                "sub-MS x.0002.ms: worker 1 was killed by signal 6 (Aborted): the last words");
    check_crash("exit", "sub-MS x.0002.ms: worker 1 ended with exit status 7");
}

static void unknown_kind_is_an_error(void **state)
{
    mms_engine *engine = open_engine(1);
    static struct batch b;

    (void)state;
    fill(&b, 1);
    assert_int_equal(run_batch(engine, "nonsense", &b), MMS_ERR_INTERNAL);
    assert_string_equal(b.err.msg, "sub-MS x.0000.ms: worker 1: no such kind of work: nonsense");
    end(&b);
    close_engine(engine);
}

/* ---- who runs the units ---- */

static mms_status tell_process(mms_job *job, const mms_value *request, mms_value *answer,
                               mms_error *err)
{
    (void)request;
    mms_job_progress(job, 1, 2);
    mms_log(MMS_LOG_INFO, "here", "said");
    json_object_set_new(answer, "pid", json_integer(getpid()));
    return number(request) == 2 ? mms_fail(err, MMS_ERR_SPACE, "DATA: disk full") : MMS_OK;
}

static const mms_unit_kind own_kinds[] = {{"pid", tell_process}, {NULL, NULL}};

static int64_t pid_of(const struct batch *b, int64_t unit)
{
    return json_integer_value(json_object_get(b->answers[unit].value, "pid"));
}

static void keep_line(void *ctx, mms_level level, const char *scope, const char *text);

static void units_run_in_this_process_when_asked_to(void **state)
{
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    static struct batch b;
    mms_engine *engine;
    char line[256] = "";

    (void)state;
    opts.in_process = true;
    opts.kinds = own_kinds; /* none of those that the workers of this program serve */
    opts.workers = 3;
    assert_int_equal(mms_engine_open(&opts, &engine, NULL), MMS_OK);
    assert_int_equal(mms_engine_workers(engine), 1);
    fill(&b, 2);
    mms_log_to(keep_line, line, MMS_LOG_INFO);
    assert_int_equal(run_batch(engine, "pid", &b), MMS_OK);
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    assert_string_equal(line, "2|here|said");
    assert_int_equal(pid_of(&b, 0), getpid());
    assert_int_equal(pid_of(&b, 1), getpid());
    end(&b);
    fill(&b, 4);
    assert_int_equal(run_batch(engine, "pid", &b), MMS_ERR_SPACE);
    assert_string_equal(b.err.msg, "sub-MS x.0002.ms: worker 1: DATA: disk full");
    assert_int_equal(b.answers[3].status, MMS_ERR_STOPPED);
    end(&b);
    close_engine(engine);
}

/* What a unit keeps ends with the engine when nothing else ends it. */
static void what_is_kept_in_this_process_ends_with_the_engine(void **state)
{
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    static struct batch b;
    mms_engine *engine;
    const int64_t ended_before = ended;

    (void)state;
    opts.in_process = true; /* with the kinds that mms_engine_serve() got */
    assert_int_equal(mms_engine_open(&opts, &engine, NULL), MMS_OK);
    fill(&b, 2);
    for (int64_t i = 0; i < 2; i++)
        json_object_set_new(b.units[i], "name", json_string("a"));
    assert_int_equal(run_batch(engine, "kept", &b), MMS_OK);
    assert_int_equal(ended, ended_before);
    end(&b);
    close_engine(engine);
    assert_int_equal(ended, ended_before + 1);
}

static void workers_run_the_program_that_is_named(void **state)
{
    static const struct {
        const char *program, *want;
    } cases[] = {
        {"/proc/self/exe", ""},
        {"/no/such/program", "sub-MS x.0000.ms: cannot start a worker, /no/such/program: No such "
                             "file or directory"},
        {"/bin/true", "sub-MS x.0000.ms: worker 1 ended with exit status 0"},
    };
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    static struct batch b;
    mms_engine *engine;

    (void)state;
    opts.workers = 1;
    for (int64_t i = 0; i < MMS_COUNT_OF(cases); i++) {
        opts.program = cases[i].program;
        assert_int_equal(mms_engine_open(&opts, &engine, NULL), MMS_OK);
        fill(&b, 1);
        assert_int_equal(run_batch(engine, "echo", &b) == MMS_OK, !*cases[i].want);
        assert_string_equal(b.err.msg, cases[i].want);
        end(&b);
        close_engine(engine);
    }
}

/* Of two units the one that does nothing, or takes too long, is ended, and is not tried again; the
 * other one goes on. */
static void a_hung_unit_is_ended(void **state)
{
    static const struct {
        double limit_s, stall_s;
        const char *words;
    } cases[] = {{0.5, 0, "worker 1 was ended: its unit took longer than timelimit"},
                 {0, 0.5, "its unit did nothing for as long as stalllimit says"},
                 {3600, 3600, NULL}};
    static struct batch b;
    mms_engine *engine;

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(cases); i++) {
        mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
        mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
        const bool hangs = cases[i].words;
        opts.workers = 2;
        opts.limit_s = cases[i].limit_s;
        opts.stall_s = cases[i].stall_s;
        rules.keep_going = rules.repeatable = true;
        assert_int_equal(mms_engine_open(&opts, &engine, NULL), MMS_OK);
        mms_engine_set_rules(engine, &rules);
        fill(&b, 2);
        json_object_set_new(b.units[0], "n", json_integer(hangs ? 60000 : 300));
        json_object_set_new(b.units[0], "bytes", json_integer(2)); // it begins first
        assert_int_equal(run_batch(engine, "sleep", &b), MMS_OK);
        assert_int_equal(b.answers[0].status, hangs ? MMS_ERR_WORKER : MMS_OK);
        if (hangs)
            assert_non_null(strstr(b.answers[0].error.msg, cases[i].words));
        assert_int_equal(b.answers[1].status, MMS_OK);
        assert_int_equal(json_array_size(mms_engine_tried_again(engine)), 0);
        end(&b);
        close_engine(engine);
    }
}

/* However short the limit, time has to pass. */
static void what_has_just_begun_does_not_hang(void **state)
{
    const mms_still still = {.limit_s = 1e-300};

    (void)state;
    assert_false(mms_still_is(&still));
}

/* A unit that works is not taken for one that hangs. */
static void a_busy_unit_goes_on(void **state)
{
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    static struct batch b;
    mms_engine *engine;

    (void)state;
    opts.workers = 1;
    opts.stall_s = 0.8;
    assert_int_equal(mms_engine_open(&opts, &engine, NULL), MMS_OK);
    fill(&b, 1);
    json_object_set_new(b.units[0], "n", json_integer(2));
    assert_int_equal(run_batch(engine, "work", &b), MMS_OK);
    end(&b);
    close_engine(engine);
}

/* ---- events ---- */

struct events {
    int64_t n;
    mms_value *of[64];
};

static void keep_event(void *ctx, const char *scope, const mms_value *event)
{
    struct events *const events = ctx;

    assert_string_equal(scope, "engine");
    if (events->n < 64)
        events->of[events->n++] = json_deep_copy(event);
}

static int64_t count_events(const struct events *events, const char *name, const char *unit)
{
    int64_t n = 0;

    for (int64_t i = 0; i < events->n; i++)
        n += !strcmp(mms_text_of(events->of[i], "ev"), name) &&
             (!unit || !strcmp(mms_text_of(events->of[i], "unit"), unit));
    return n;
}

static void a_run_tells_its_events(void **state)
{
    mms_engine *engine = open_engine(2);
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
    struct events events = {0};
    static struct batch b;

    (void)state;
    rules.keep_going = rules.repeatable = true;
    mms_engine_set_rules(engine, &rules);
    fill(&b, 3);
    json_object_set_new(b.units[1], "how", json_string("kill"));
    mms_log_events_to(keep_event, &events);
    assert_int_equal(run_batch(engine, "crash", &b), MMS_OK);
    mms_log_events_to(NULL, NULL);
    assert_int_equal(b.answers[1].status, MMS_ERR_WORKER);
    assert_string_equal(mms_text_of(events.of[0], "ev"), "begin");
    assert_string_equal(mms_text_of(events.of[events.n - 1], "ev"), "end");
    assert_int_equal(count_events(&events, "plan", NULL), 3);
    assert_int_equal(count_events(&events, "dispatch", NULL), 4);
    assert_int_equal(count_events(&events, "response", NULL), 3);
    assert_int_equal(count_events(&events, "retry", "sub-MS x.0001.ms"), 1);
    assert_int_equal(count_events(&events, "dispatch", "sub-MS x.0001.ms"), 2);
    for (int64_t i = 0; i < events.n; i++)
        mms_value_free(&events.of[i]);
    end(&b);
    close_engine(engine);
}

/* ---- log lines ---- */

static void keep_line(void *ctx, mms_level level, const char *scope, const char *text)
{
    (void)level;
    snprintf(ctx, 256, "%s|%s|%s", (char[2]){(char)('0' + level)}, scope, text);
}

static void log_lines_travel_with_the_worker(void **state)
{
    mms_engine *engine = open_engine(1);
    static struct batch b;
    char line[256] = "";

    (void)state;
    fill(&b, 1);
    mms_log_to(keep_line, line, MMS_LOG_INFO);
    assert_int_equal(run_batch(engine, "talk", &b), MMS_ERR_IO);
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    assert_string_equal(line, "2|talk|worker 1: said");
    assert_string_equal(b.err.msg, "sub-MS x.0000.ms: worker 1: no UTF-8: \\xFF");
    end(&b);
    close_engine(engine);
}

static double seconds(void)
{
    return (double)mms_now_ns() / 1e9;
}

/* Whether process pid runs; a zombie that init has not collected does not. */
static bool runs(int pid)
{
    char path[64], kind = 'X';
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if ((file = fopen(path, "r"))) {
        if (fscanf(file, "%*d (%*[^)]) %c", &kind) != 1)
            kind = 'X';
        fclose(file);
    }
    return kind != 'X' && kind != 'Z';
}

static int wait_for_pid(const char *path)
{
    int pid = 0;

    for (int i = 0; i < 3000 && pid == 0; i++) {
        FILE *file = fopen(path, "r");
        if (file && fscanf(file, "%d\n", &pid) != 1)
            pid = 0;
        if (file)
            fclose(file);
        usleep(10000);
    }
    return pid;
}

static void worker_dies_with_its_client(void **state)
{
    char path[] = "multims-test-engine-XXXXXX";
    static struct batch b;

    (void)state;
    close(mkstemp(path));
    fill(&b, 1);
    json_object_set_new(b.units[0], "file", json_string(path));
    const pid_t client = fork();
    if (client == 0) {
        mms_engine *engine = open_engine(1);
        _exit(run_batch(engine, "stay", &b) == MMS_OK);
    }
    const int worker = wait_for_pid(path);
    unlink(path);
    end(&b);
    assert_true(worker > 0 && runs(worker));
    assert_int_equal(kill(client, SIGKILL), 0);
    assert_int_equal(waitpid(client, NULL, 0), client);
    for (int i = 0; i < 2000 && runs(worker); i++)
        usleep(10000);
    assert_false(runs(worker));
}

/* Runs last: the signal stays noted in this process. */
static void stop_signal_ends_the_run(void **state)
{
    mms_engine *engine = open_engine(2);
    static struct batch b;
    const double begin = seconds();

    (void)state;
    mms_stop_catch();
    assert_int_equal(mms_stop_signal(), 0);
    fill(&b, 3);
    for (int64_t i = 0; i < b.n; i++)
        json_object_set_new(b.units[i], "n", json_integer(20000));
    const pid_t killer = fork();
    if (killer == 0) {
        usleep(300000);
        kill(getppid(), SIGTERM);
        _exit(0);
    }
    assert_int_equal(run_batch(engine, "sleep", &b), MMS_ERR_STOPPED);
    assert_string_equal(b.err.msg, "stopped by signal 15 (Terminated)");
    assert_int_equal(mms_stop_signal(), SIGTERM);
    assert_true(seconds() - begin < 15); /* units take 20 */
    end(&b);
    assert_int_equal(waitpid(killer, NULL, 0), killer);
    close_engine(engine);
}

/* A frame arrives in pieces; other bytes are no frame. */
static void frames_are_put_together(void **state)
{
    mms_inbox inbox = {0};
    mms_message message;
    mms_frame frame;
    const char *data;
    size_t size;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(
        mms_frame_encode(MMS_FRAME_EVENT, 7, json_pack("{s:i}", "n", 3), &message, NULL), MMS_OK);
    assert_int_equal(message.size, MMS_FRAME_HEADER + 7);
    assert_memory_equal(message.data, "MMS1\x0d\0\0\0\7\0\0\0\0\0\0\0", 16);
    for (size_t i = 0; i < message.size; i++) {
        assert_int_equal(write(ends[1], message.data + i, 1), 1);
        assert_int_equal(mms_inbox_read(&inbox, ends[0]), 1);
        assert_int_equal(mms_inbox_next(&inbox, &data, &size, NULL), MMS_OK);
        assert_int_equal(data != NULL, i == message.size - 1);
    }
    assert_int_equal(mms_frame_decode(data, size, &frame, NULL), MMS_OK);
    assert_int_equal(frame.type, MMS_FRAME_EVENT);
    assert_int_equal(frame.request, 7);
    assert_int_equal(number(frame.body), 3);
    mms_value_free(&frame.body);

    message.data[0] = 'X';
    assert_int_equal(write(ends[1], message.data, message.size), message.size);
    assert_int_equal(mms_inbox_read(&inbox, ends[0]), message.size);
    assert_int_equal(mms_inbox_next(&inbox, &data, &size, NULL), MMS_ERR_WORKER);
    free(message.data);
    free(inbox.data);
    close(ends[0]);
    close(ends[1]);
}

/* What the one who gets it need not read stands behind the JSON. */
static void a_text_may_stand_behind(void **state)
{
    mms_message message;
    mms_frame frame;

    (void)state;
    assert_int_equal(mms_frame_encode_with(MMS_FRAME_EVENT, 8, json_pack("{s:i}", "n", 4), "[1,2]",
                                           &message, NULL),
                     MMS_OK);
    assert_int_equal(mms_frame_decode(message.data, message.size, &frame, NULL), MMS_OK);
    assert_int_equal(number(frame.body), 4);
    assert_int_equal(frame.nbeside, 5);
    assert_memory_equal(frame.beside, "[1,2]", 5);
    mms_value_free(&frame.body);
    message.data[16] = 13; /* more than there is */
    assert_int_equal(mms_frame_decode(message.data, message.size, &frame, NULL), MMS_ERR_WORKER);
    assert_null(frame.body);
    free(message.data);
}

static void progress_is_a_line_now_and_then(void **state)
{
    mms_progress p;
    char line[256] = "";
    double rate;

    (void)state;
    mms_log_to(keep_line, line, MMS_LOG_INFO);
    mms_progress_begin(&p, "partition", true, 4, 2e9);
    p.terminal = false;
    mms_progress_show(&p);
    assert_string_equal(line, ""); /* a short run says nothing */
    p.begin_ns -= 100000000000;    /* 100 s ago */
    p.next_ns = 0;
    p.units_done = 1;
    p.bytes_done = 5e8;
    mms_progress_show(&p);
    assert_int_equal(sscanf(line, "2|partition|25 %%, 1 of 4, %lf MB/s, 5:0", &rate), 1);
    assert_float_equal(rate, 5.0, 0.5);
    line[0] = '\0';
    mms_progress_show(&p);
    assert_string_equal(line, "");
    p.next_ns = 0;
    p.bytes_before = 3e8; /* an earlier run did this much */
    mms_progress_show(&p);
    assert_int_equal(sscanf(line, "2|partition|25 %%, 1 of 4, %lf MB/s, 12:", &rate), 1);
    assert_float_equal(rate, 2.0, 0.2);
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
}

/* No limit: a loaded machine is no error; the number is for the reader. */
static void round_trip_is_short(void **state)
{
    mms_engine *engine = open_engine(1);
    static struct batch b;
    double begin;

    (void)state;
    fill(&b, MAX_UNITS);
    assert_int_equal(run_batch(engine, "echo", &b), MMS_OK); /* the worker is there afterwards */
    mms_answers_free(b.n, b.answers);
    begin = seconds();
    assert_int_equal(run_batch(engine, "echo", &b), MMS_OK);
    print_message("round trip %.1f us\n", (seconds() - begin) / MAX_UNITS * 1e6);
    end(&b);
    close_engine(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_do_not_depend_on_workers),
        cmocka_unit_test(fewer_units_than_workers),
        cmocka_unit_test(large_messages_pass),
        cmocka_unit_test(first_failure_ends_the_run),
        cmocka_unit_test(a_threshold_of_failures),
        cmocka_unit_test(empty_is_no_failure),
        cmocka_unit_test(a_worker_keeps_one_thing),
        cmocka_unit_test(crash_names_unit_worker_and_cause),
        cmocka_unit_test(unknown_kind_is_an_error),
        cmocka_unit_test(units_run_in_this_process_when_asked_to),
        cmocka_unit_test(what_is_kept_in_this_process_ends_with_the_engine),
        cmocka_unit_test(workers_run_the_program_that_is_named),
        cmocka_unit_test(a_hung_unit_is_ended),
        cmocka_unit_test(what_has_just_begun_does_not_hang),
        cmocka_unit_test(a_busy_unit_goes_on),
        cmocka_unit_test(a_run_tells_its_events),
        cmocka_unit_test(log_lines_travel_with_the_worker),
        cmocka_unit_test(worker_dies_with_its_client),
        cmocka_unit_test(frames_are_put_together),
        cmocka_unit_test(a_text_may_stand_behind),
        cmocka_unit_test(progress_is_a_line_now_and_then),
        cmocka_unit_test(round_trip_is_short),
        cmocka_unit_test(stop_signal_ends_the_run),
    };
    int exit_status;

    if (mms_engine_serve(kinds, &exit_status))
        return exit_status;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
