/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_report.c  The result of the task each: what became of every part. */
#include <assert.h>
#include <inttypes.h>

#include "each_priv.h"

/* Whether a unit ended by itself and failed: others were stopped, or never begun. */
static bool has_failed(const mms_answer *a)
{
    return a->status != MMS_OK && a->status != MMS_ERR_STOPPED;
}

/* Whether an earlier run has done it. */
static bool is_skipped(const mms_answer *a)
{
    return a->status == MMS_OK && !a->worker;
}

static mms_value *describe(const struct mms_each_work *w, int64_t part, const mms_answer *a)
{
    mms_value *const value = json_pack("{s:o, s:o}", "name", mms_text_value(w->names[part]), "vis",
                                       mms_text_value(w->paths[part]));
    const char *const state = is_skipped(a)         ? "skipped"
                              : a->status == MMS_OK ? "done"
                              : has_failed(a)       ? "failed"
                              : a->worker           ? "stopped"
                                                    : "not run";

    json_object_set_new(value, "state", json_string(state));
    if (a->status != MMS_OK && *a->error.msg)
        json_object_set_new(value, "message", mms_text_value(a->error.msg));
    if (a->worker)
        json_object_set_new(value, "worker", json_integer(a->worker));
    (void)json_object_update(value, a->value);
    return value;
}

/* Fill result and return how many parts are done. */
static int64_t fill_result(const struct mms_each_work *w, mms_value *result)
{
    mms_value *const parts = json_array();
    int64_t done = 0, failed = 0, skipped = 0;

    for (int64_t i = 0; i < w->n; i++) {
        const mms_answer *const a = &w->answers[i];
        skipped += is_skipped(a);
        done += a->status == MMS_OK && !is_skipped(a);
        failed += has_failed(a);
        json_array_append_new(parts, describe(w, i, a));
    }
    assert(done + failed + skipped <= w->n); /* no part is counted twice */
    json_object_set_new(result, "program", mms_each_list(&w->words.texts));
    json_object_set_new(result, "parts", parts);
    json_object_set_new(result, "done", json_integer(done));
    json_object_set_new(result, "skipped", json_integer(skipped));
    json_object_set_new(result, "failed", json_integer(failed));
    json_object_set_new(result, "unfinished", json_integer(w->n - done - failed - skipped));
    return done + skipped;
}

bool mms_each_is_repeatable(const struct mms_each *p)
{
    return p->staged || p->retries > 0;
}

/* Whoever was ended with its program can't tell what that has done. */
static void explain(const struct mms_each_work *w)
{
    for (int64_t i = 0; i < w->n && !mms_each_is_repeatable(w->p); i++) {
        mms_answer *const a = &w->answers[i];
        if (a->status != MMS_ERR_WORKER || a->value)
            continue;
        mms_error why = a->error;
        (void)!mms_fail(&a->error, a->status,
                        "%s; it is not begun again, as its program may have changed the part: with "
                        "--staged it would have been, or with --retries",
                        why.msg);
    }
}

mms_status mms_each_conclude(struct mms_each_work *w, mms_status st, mms_value *result,
                             mms_error *err)
{
    int64_t done, failed = 0;

    explain(w);
    done = fill_result(w, result);
    for (int64_t i = 0; i < w->n; i++)
        if (has_failed(&w->answers[i])) {
            mms_log(MMS_LOG_ERROR, "each", "%s: %s", w->names[i], w->answers[i].error.msg);
            failed++;
        }
    mms_journal_end(&w->journal, st != MMS_OK || !failed ? st : MMS_ERR_DIFFERS, done < w->n, NULL);
    if (st == MMS_ERR_STOPPED || !failed)
        return st;
    return mms_fail(err, MMS_ERR_DIFFERS, "%" PRId64 " of %" PRId64 " parts failed", failed, w->n);
}

void mms_each_print(const mms_value *result, FILE *out)
{
    static const char *const counts[] = {"done", "skipped", "failed", "unfinished"};
    const char *comma = "";

    fprintf(out, "%zu parts: ", json_array_size(json_object_get(result, "parts")));
    for (int64_t i = 0; i < MMS_COUNT_OF(counts); i++) {
        const json_int_t n = json_integer_value(json_object_get(result, counts[i]));
        if (n || !i) {
            fprintf(out, "%s%" JSON_INTEGER_FORMAT " %s", comma, n, counts[i]);
            comma = ", ";
        }
    }
    fputc('\n', out);
}
