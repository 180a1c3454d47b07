/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file weights.c  The last step: WEIGHT, SIGMA and the spectra of the output
 *  (transform-numerics 0.5, 0.6). */
#include <jansson.h>
#include <stdlib.h>

#include "base/base_priv.h"
#include "step_priv.h"

typedef struct weights {
    mms_step step;
    mms_weight_rule rule;
} weights;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "weights: out of memory");
}

mms_status mms_weights_step(mms_step **out, mms_error *err)
{
    weights *w = mms_alloc(1, sizeof *w);

    *out = NULL;
    if (!w)
        return out_of_memory(err);
    w->step.kind = &mms_step_weights;
    *out = &w->step;
    return MMS_OK;
}

static void end(mms_step *step)
{
    free(step);
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    (void)notes;
    (void)err;
    ((weights *)step)->rule = mms_split_weight_rule(in->kinds, in->renamed);
    out->weight_spectrum = in->out_spectra;
    return MMS_OK;
}

mms_weight_rule mms_weights_rule(const mms_step *step)
{
    return ((const weights *)step)->rule;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    (void)step;
    *out = json_object();
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    (void)value;
    return mms_weights_step(out, err);
}

const mms_step_kind mms_step_weights = {
    .name = "weights", .prepare = prepare, .encode = encode, .decode = decode, .close = end};
