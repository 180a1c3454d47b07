/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file host.c  A program that uses the engine and never calls mms_engine_serve().
 *
 *  host open: opens an engine as if nothing were the matter.  host here: runs units itself.
 *  host task WORD…: partition, with these words.  Prints the error and ends with 1 after one. */
#include <stdio.h>
#include <string.h>

#include "multims/engine.h"
#include "multims/task.h"

static mms_status nothing(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    (void)job, (void)request, (void)answer, (void)err;
    return MMS_OK;
}

static const mms_unit_kind kinds[] = {{"nothing", nothing}, {NULL, NULL}};

static mms_status run_unit(bool here, mms_error *err)
{
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    const char *const name = "unit";
    mms_engine *engine = NULL;
    mms_value *unit = NULL;
    mms_answer answer = {0};
    mms_status st;

    opts.in_process = here;
    if (here)
        opts.kinds = kinds;
    MMS_TRY(mms_value_parse("{}", &unit, err));
    MMS_TRY(mms_engine_open(&opts, &engine, err));
    st = mms_engine_run(engine, "nothing", 1, &name, &unit, &answer, err);
done:
    mms_answers_free(1, &answer);
    mms_engine_close(&engine);
    mms_value_free(&unit);
    return st;
}

static mms_status run_partition(int nwords, const char *const *words, mms_error *err)
{
    mms_run run = {.task = mms_task_find("partition"), .workers = 2, .quiet = true};
    mms_value *result = NULL;
    mms_args *args = NULL;
    mms_status st;

    MMS_TRY(mms_args_parse(run.task, nwords, words, &args, err));
    MMS_TRY(mms_value_parse("{}", &result, err));
    run.params = mms_args_values(args);
    run.given = mms_args_given(args);
    st = run.task->run(&run, mms_args_struct(args), result, err);
done:
    mms_engine_close(&run.engine);
    mms_value_free(&result);
    mms_args_free(&args);
    return st;
}

int main(int argc, char **argv)
{
    const char *const mode = argc > 1 ? argv[1] : "";
    mms_error err = {0};
    mms_status st;

    if (!strcmp(mode, "task"))
        st = run_partition(argc - 2, (const char *const *)argv + 2, &err);
    else
        st = run_unit(!strcmp(mode, "here"), &err);
    if (st != MMS_OK)
        fprintf(stderr, "%s\n", err.msg);
    return st == MMS_OK ? 0 : 1;
}
