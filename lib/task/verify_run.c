/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_run.c  A set verified in pieces, by as many workers as it is worth. */
#include <stdlib.h>

#include "check/verify_pieces.h"
#include "task_priv.h"
#include "uvh5/side_priv.h"
#include "verify_priv.h"

/** Run the pieces, the tables first, then the rows, in workers. */
static mms_status run_pieces(mms_run *run, const char *vis, const mms_verify_opts *opts, int64_t n,
                             mms_value *result, mms_error *err)
{
    mms_value **const units = mms_alloc(n + 1, sizeof(void *));
    const char **const names = mms_alloc(n + 1, sizeof(void *));
    const mms_value **const results = mms_alloc(n + 1, sizeof(void *));
    mms_answer *const answers = mms_alloc(n + 1, sizeof *answers);
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
    mms_status st = units && names && results && answers
                        ? MMS_OK
                        : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", vis);

    for (int64_t i = 0; st == MMS_OK && i <= n; i++) {
        const mms_verify_piece piece = {i == 0, i > 0, i > 0 ? i - 1 : 0, n};
        names[i] = vis;
        units[i] = mms_verify_order_encode(vis, opts, piece);
        if (!units[i])
            st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", vis);
    }
    rules.repeatable = true;
    mms_engine_set_rules(run->engine, &rules);
    if (st == MMS_OK)
        st = mms_engine_run(run->engine, run->task->name, n + 1, names, units, answers, err);
    for (int64_t i = 0; st == MMS_OK && i <= n; i++)
        results[i] = answers[i].value;
    if (st == MMS_OK)
        st = mms_verify_join(n + 1, results, opts->show, result, err);
    mms_answers_free(answers ? n + 1 : 0, answers);
    mms_values_free(n + 1, units);
    free(names);
    free(results);
    free(answers);
    return st;
}

mms_status mms_verify_run(mms_run *run, const char *vis, const mms_verify_opts *opts,
                          mms_value *result, mms_error *err)
{
    int64_t n = *opts->against ? mms_verify_pieces(vis, INT64_MAX) : 1;
    mms_status st;

    if (n > 1) {
        MMS_TRY(mms_run_engine(run, err));
        n = mms_verify_pieces(vis, mms_engine_workers(run->engine));
    }
    if (n > 1) {
        st = run_pieces(run, vis, opts, n, result, err);
        if (st == MMS_OK || st == MMS_ERR_DIFFERS || st == MMS_ERR_STOPPED)
            goto done;
    }
    st = mms_verify(vis, opts, result, err); // where a piece failed: tells what is found until then
done:
    return st;
}

mms_status mms_verify_unit(mms_job *job, const mms_value *request, mms_value *answer,
                           mms_error *err)
{
    mms_verify_order order;
    mms_status st;

    if (!json_object_get(request, "tables"))
        return mms_uvh5_judge_unit(job, request, answer, err);
    MMS_TRY(mms_verify_order_decode(request, &order, err));
    st = mms_verify_make(order.path, &order.opts, order.piece, answer, err);
    if (st == MMS_ERR_DIFFERS)
        st = MMS_OK; // the answer says so
done:
    return st;
}
