/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file trial_step.c  A step for tests: data times two, weights by a quarter.  What a new step
 * costs is this file and one line in steps.def. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "pipeline/step_priv.h"

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    (void)step;
    (void)in;
    (void)out;
    return mms_notes_add(notes, strdup("everything is doubled"), err);
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    (void)step;
    *out = json_object();
    return *out ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "trial: out of memory");
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    (void)value;
    *out = mms_alloc(1, sizeof **out);
    if (!*out)
        return mms_fail(err, MMS_ERR_MEM, "trial: out of memory");
    (*out)->kind = &mms_step_trial;
    return MMS_OK;
}

static void end(mms_step *step)
{
    free(step);
}

static char *describe(const mms_step *step)
{
    (void)step;
    return strdup("data times two");
}

static bool acts(const mms_step *step, int64_t window)
{
    (void)step;
    (void)window;
    return true;
}

static void row(const mms_step *step, const mms_row_call *call, const mms_spectrum *in,
                mms_spectrum *out)
{
    const int64_t n = in->nchan * in->ncorr;

    (void)step;
    for (int i = 0; i < in->ncolumn; i++)
        for (int64_t k = 0; k < n * (in->column[i].real ? 1 : 2); k++)
            ((float *)out->column[i].data)[k] = 2 * ((const float *)in->column[i].data)[k];
    for (int64_t k = 0; k < n; k++)
        out->flag[k] = in->flag && in->flag[k];
    for (int s = 0; s < MMS_NSOURCE; s++)
        for (int64_t k = 0; mms_weights_are_carried(call->choice, (mms_weight_source)s) && k < n;
             k++) {
            out->weights[s][k] = in->weights[s][k] / 4;
            out->weight_flag[s][k] = in->weight_flag[s] && in->weight_flag[s][k];
        }
}

const mms_step_kind mms_step_trial = {.name = "trial",
                                      .prepare = prepare,
                                      .encode = encode,
                                      .decode = decode,
                                      .close = end,
                                      .describe = describe,
                                      .acts = acts,
                                      .row = row};
