/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file engine_probe.c  Runs units through the engine, alone or under a launcher, and checks the
 *  answers.
 *
 *  engine_probe MODE [UNITS]: echo, fail, crash, empty, large, nothing, idle, wait.  Prints one
 * line of result; ends with 0 when all was as it should be, 1 when not, 5 for an expected failure.
 */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "multims/engine.h"
#include "multims/log.h"

enum { MAX_UNITS = 1000, EXPECTED_FAILURE = 5, LARGE = 2000000 };

static int64_t number(const mms_value *request)
{
    return json_integer_value(json_object_get(request, "n"));
}

static mms_status square(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    const int64_t n = number(request);

    (void)job, (void)err;
    printf("a worker prints\n"); /* must not reach the client's stdout */
    json_object_set_new(answer, "square", json_integer(n * n));
    json_object_set_new(answer, "text", json_deep_copy(json_object_get(request, "text")));
    return MMS_OK;
}

static mms_status fail(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job, (void)answer;
    if (number(request) == 0)
        return mms_fail(err, MMS_ERR_SPACE, "DATA: disk full");
    sleep(30); /* killed long before */
    return MMS_OK;
}

static mms_status crash(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job, (void)answer, (void)err;
    if (number(request) == 2)
        raise(SIGKILL);
    return MMS_OK;
}

static mms_status empty(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job;
    json_object_set_new(answer, "square", json_integer(number(request) * number(request)));
    return number(request) % 2 ? mms_fail(err, MMS_ERR_EMPTY, "no rows") : MMS_OK;
}

static mms_status stay(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    char path[4096];

    (void)job, (void)answer, (void)err;
    snprintf(path, sizeof path, "%s/begun%d", getenv("ENGINE_CHECK"), (int)number(request));
    fclose(fopen(path, "w")); /* the test waits for it */
    sleep(60);
    return MMS_OK;
}

static const mms_unit_kind kinds[] = {{"echo", square}, {"large", square}, {"fail", fail},
                                      {"crash", crash}, {"empty", empty},  {"wait", stay},
                                      {NULL, NULL}};

static mms_value *make_unit(const char *mode, int64_t i)
{
    mms_value *unit = json_pack("{s:I}", "n", (json_int_t)i);
    char *text;

    if (strcmp(mode, "large"))
        return unit;
    text = malloc(LARGE + 1);
    memset(text, 'a' + (int)(i % 26), LARGE);
    text[LARGE] = '\0';
    json_object_set_new(unit, "text", json_string(text));
    free(text);
    return unit;
}

/* How many answers are not those of the units. */
static int wrong_answers(int64_t n, mms_value *const *units, const mms_answer *answers)
{
    int wrong = 0;

    for (int64_t i = 0; i < n; i++) {
        const mms_value *const text = json_object_get(units[i], "text");
        if (json_integer_value(json_object_get(answers[i].value, "square")) != i * i)
            wrong++;
        else if (text && !json_equal(text, json_object_get(answers[i].value, "text")))
            wrong++;
    }
    return wrong;
}

static double cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static int run(const char *mode, int64_t n, int workers)
{
    static mms_value *units[MAX_UNITS];
    static char names[MAX_UNITS][24];
    static const char *name_list[MAX_UNITS];
    static mms_answer answers[MAX_UNITS];
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    mms_engine *engine;
    mms_error err = {0};
    mms_status st;
    int wrong = 0;

    opts.workers = workers;
    if (mms_engine_open(&opts, &engine, &err) != MMS_OK)
        return 1;
    for (int64_t i = 0; i < n; i++) {
        units[i] = make_unit(mode, i);
        snprintf(names[i], sizeof names[i], "unit %d", (int)i);
        name_list[i] = names[i];
    }
    st = mms_engine_run(engine, mode, n, name_list, units, answers, &err);
    if (st == MMS_OK && strcmp(mode, "crash"))
        wrong = wrong_answers(n, units, answers);
    printf("%s workers=%d wrong=%d status=%s %s\n", mode, mms_engine_workers(engine), wrong,
           mms_status_name(st), err.msg);
    mms_answers_free(n, answers);
    for (int64_t i = 0; i < n; i++)
        mms_value_free(&units[i]);
    mms_engine_close(&engine);
    return st == MMS_OK ? wrong > 0 : EXPECTED_FAILURE;
}

static void print_line(void *ctx, mms_level level, const char *scope, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%s %s: %s\n", mms_level_name(level), scope, text);
}

int main(int argc, char **argv)
{
    const char *const mode = argc > 1 ? argv[1] : "echo";
    const int64_t n = argc > 2 ? atoi(argv[2]) : 10;
    int status;

    if (mms_engine_serve(kinds, &status)) {
        if (!strcmp(mode, "idle")) /* a rank that waited: how much it worked meanwhile */
            fprintf(stderr, "rank used %.3f s\n", cpu_seconds());
        return status;
    }
    mms_stop_catch();
    mms_log_to(print_line, NULL, MMS_LOG_INFO);
    if (n > MAX_UNITS)
        return 1;
    status = 0;
    if (!strcmp(mode, "idle"))
        sleep(3);
    else if (strcmp(mode, "nothing"))
        status = run(mode, n, argc > 3 ? atoi(argv[3]) : 0);
    mms_engine_shutdown(status);
    return status;
}
