/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file derive.c  The step that makes what a renamed data column brings with it (design D19): one
 *  of WEIGHT and SIGMA, with its spectrum, follows from the other. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/keys_priv.h"
#include "ms/columns.h"
#include "row_block_priv.h"

/** How one follows from the other. */
typedef struct derivation {
    const char *word, *from, *from_spectrum, *to, *to_spectrum;
    bool repeats; /**< a spectrum that is not there is the row's value in each channel */
    void (*formula)(int64_t n, const float *in, float *out);
    const char *text;
} derivation;

static const derivation derivations[] = {
    {"sigma", MMS_COL_WEIGHT, MMS_COL_WEIGHT_SPECTRUM, MMS_COL_SIGMA, MMS_COL_SIGMA_SPECTRUM, true,
     mms_weight_to_sigma, "SIGMA = 1/sqrt(WEIGHT)"},
    {"weight", MMS_COL_SIGMA, MMS_COL_SIGMA_SPECTRUM, MMS_COL_WEIGHT, MMS_COL_WEIGHT_SPECTRUM,
     false, mms_sigma_to_weight, "WEIGHT = 1/SIGMA^2"}};

typedef struct derive_step {
    mms_step step;
    const derivation *d;
} derive_step;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "derive: out of memory");
}

mms_status mms_derive_step(const char *word, mms_step **out, mms_error *err)
{
    derive_step *s;

    *out = NULL;
    for (int64_t i = 0; i < MMS_COUNT_OF(derivations); i++) {
        if (strcmp(derivations[i].word, word))
            continue;
        s = mms_alloc(1, sizeof *s);
        if (!s)
            return out_of_memory(err);
        *s = (derive_step){{&mms_step_derive}, &derivations[i]};
        *out = &s->step;
        return MMS_OK;
    }
    return mms_fail(err, MMS_ERR_INTERNAL, "step derive: \"%s\" is not derived", word);
}

static void end(mms_step *step)
{
    free(step);
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    (void)step;
    (void)in;
    (void)out;
    (void)notes;
    (void)err;
    return MMS_OK;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    *out = json_pack("{ss}", "to", ((const derive_step *)step)->d->word);
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    mms_keys k = {.value = value};
    const char *word = mms_keys_text(&k, "to");
    const mms_status st = mms_keys_end(&k, "step derive", err);

    *out = NULL;
    return st == MMS_OK ? mms_derive_step(word, out, err) : st;
}

static char *describe(const mms_step *step)
{
    return strdup(((const derive_step *)step)->d->text);
}

static bool needs(const mms_step *step, const char *column)
{
    (void)step;
    return mms_column_role_of(column) == MMS_ROLE_WEIGHTS;
}

static mms_status enter(const mms_step *step, const mms_block *block, mms_group *group,
                        mms_arena *arena, mms_error *err)
{
    const derivation *d = ((const derive_step *)step)->d;
    const mms_cells *from = mms_group_defined(block, group, d->from),
                    *to = mms_group_defined(block, group, d->to);
    const mms_cells *in = mms_group_defined(block, group, d->from_spectrum);
    const mms_cells *out = mms_group_defined(block, group, d->to_spectrum);

    (void)arena;
    (void)err;
    if (from && to && from->nvalue == to->nvalue)
        d->formula(group->nrow * from->nvalue, from->data, to->data);
    if (out && in && in->nvalue == out->nvalue)
        d->formula(group->nrow * in->nvalue, in->data, out->data);
    else if (d->repeats && out && from && out->ndim == 2 && out->shape[1] == from->nvalue)
        for (int64_t r = 0; r < group->nrow; r++) {
            float *const spectrum = (float *)out->data + r * out->nvalue;
            d->formula(from->nvalue, (const float *)from->data + r * from->nvalue, spectrum);
            mms_repeat_channels(out->shape[0], from->nvalue, spectrum, spectrum);
        }
    return MMS_OK;
}

const mms_step_kind mms_step_derive = {.name = "derive",
                                       .any_ddid = true,
                                       .prepare = prepare,
                                       .encode = encode,
                                       .decode = decode,
                                       .close = end,
                                       .describe = describe,
                                       .needs = needs,
                                       .enter = enter};
