/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file tasks.c  The list of tasks, and what a run needs besides its parameters. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/blackbox_priv.h"
#include "command_priv.h"
#include "task_priv.h"

/* Those of plug-ins come last. */
static const mms_task *all[MMS_OWN_TASKS + MMS_MOST_PLUGIN_TASKS + 1];

const mms_task *const *mms_tasks(void)
{
    int64_t n = 0;

    for (const mms_task *const *t = mms_tasks_own; *t; t++)
        all[n++] = *t;
    for (const mms_task *const *t = mms_plugin_tasks(); *t; t++)
        all[n++] = *t; /* a server may have loaded more */
    return all;
}

const mms_task *mms_task_find(const char *name)
{
    return mms_task_find_in(mms_tasks(), name);
}

bool mms_task_has_parameter(const char *verb, const char *name)
{
    const mms_task *const task = mms_task_find(verb);

    for (const mms_param *p = task ? task->params : NULL; p && p->name; p++)
        if (!strcmp(p->name, name))
            return true;
    return false;
}

bool mms_task_is_in_place(const char *verb)
{
    const mms_task *const task = mms_task_find(verb);
    return task && task->in_place;
}

/* The kinds of unit that belong to no verb; a verb's has its name. */
#define UNIT(name, run) {name, run},
static const mms_unit_kind shared[] = {
#include "units.def"
};
#undef UNIT

mms_unit_kind *mms_task_units(void)
{
    mms_unit_kind *kinds = mms_alloc(MMS_COUNT_OF(all) + MMS_COUNT_OF(shared) + 1, sizeof *kinds);
    int64_t n = 0;

    for (const mms_task *const *t = mms_tasks(); kinds && *t; t++)
        if ((*t)->unit)
            kinds[n++] = (mms_unit_kind){(*t)->name, (*t)->unit};
    for (int64_t i = 0; kinds && i < MMS_COUNT_OF(shared); i++)
        kinds[n++] = shared[i];
    return kinds;
}

const char *mms_build_info(void)
{
    return "multims " MULTIMS_VERSION " (built with casacore " MULTIMS_CASACORE_VERSION
           ", " MULTIMS_MPI_NAME ", " MULTIMS_HDF5_NAME ")";
}

/* Where a crash is told of, nobody has asked for workers, and nothing ends a unit before its time.
 */
static bool may_stay(const mms_run *run)
{
    return run->small && mms_blackbox_get()->watched && !getenv("MULTIMS_TRANSPORT") &&
           !mms_engine_launcher() && !(run->limit_s > 0) && !(run->stall_s > 0);
}

mms_status mms_run_engine(mms_run *run, mms_error *err)
{
    mms_engine_opts opts = MMS_ENGINE_OPTS_INIT;
    mms_unit_kind *kinds;
    char *program = NULL;
    mms_status st = MMS_OK;

    if (run->engine)
        return MMS_OK;
    opts.workers = run->workers;
    opts.retries = run->retries;
    opts.worker_timeout_s = run->worker_timeout_s;
    opts.time_left_s = run->time_left_s;
    opts.limit_s = run->limit_s;
    opts.stall_s = run->stall_s;
    opts.status_file = run->status_file;
    opts.progress = !run->quiet;
    opts.scope = run->task->name;
    opts.in_process = may_stay(run);
    opts.kinds = kinds = mms_task_units();
    if (!kinds)
        return mms_fail(err, MMS_ERR_MEM, "engine: out of memory");
    if (mms_engine_needs_program())
        st = mms_worker_program(&program, err);
    opts.program = program;
    if (st == MMS_OK)
        st = mms_engine_open(&opts, &run->engine, err);
    free(program);
    free(kinds);
    return st;
}
