/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cut.c  The step that leaves out channels and correlations that are not selected.  The form
 *  tells of selected channels from the beginning: grids are laid over them. */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/keys_priv.h"
#include "step_priv.h"

typedef struct cut_step {
    mms_step step;
    int64_t n;
    mms_cut *cuts; /**< by DDID; of those that are not cut 0 */
} cut_step;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "cut: out of memory");
}

static void end(mms_step *step)
{
    cut_step *c = (cut_step *)step;

    for (int64_t i = 0; i < c->n; i++) {
        free((void *)c->cuts[i].chans);
        free((void *)c->cuts[i].corrs);
    }
    free(c->cuts);
    free(c);
}

/** A step for n DDIDs, none of which is cut yet. */
static cut_step *make(int64_t n)
{
    cut_step *c = mms_alloc(1, sizeof *c);

    if (!c)
        return NULL;
    *c = (cut_step){.step.kind = &mms_step_cut, .n = n, .cuts = mms_alloc(n, sizeof *c->cuts)};
    if (c->cuts)
        return c;
    free(c);
    return NULL;
}

static int32_t *copy(int64_t n, const int32_t *values)
{
    int32_t *list = mms_alloc(n, sizeof *list);

    for (int64_t i = 0; list && i < n; i++)
        list[i] = values[i];
    return list;
}

mms_status mms_cut_step(int64_t n, const mms_cut *cuts, mms_step **out, mms_error *err)
{
    cut_step *c = make(n);
    bool starved = !c;

    *out = NULL;
    for (int64_t i = 0; c && i < n; i++) {
        c->cuts[i] = cuts[i];
        c->cuts[i].chans = copy(cuts[i].nchan, cuts[i].chans);
        c->cuts[i].corrs = copy(cuts[i].ncorr, cuts[i].corrs);
        starved = starved || !c->cuts[i].chans || !c->cuts[i].corrs;
    }
    if (starved) {
        if (c)
            end(&c->step);
        return out_of_memory(err);
    }
    *out = &c->step;
    return MMS_OK;
}

const mms_cut *mms_cut_step_of(const mms_step *step, int32_t ddid)
{
    const cut_step *c = (const cut_step *)step;

    return c && ddid >= 0 && ddid < c->n ? &c->cuts[ddid] : NULL;
}

bool mms_cut_step_cuts(const mms_step *step, const char *column)
{
    const cut_step *c = (const cut_step *)step;

    for (int64_t i = 0; c && i < c->n; i++)
        if ((c->cuts[i].nchan && mms_column_has_channels(column)) ||
            (c->cuts[i].ncorr && mms_column_has_correlations(column)))
            return true;
    return false;
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    cut_step *c = (cut_step *)step;

    (void)out;
    (void)notes;
    (void)err;
    for (int64_t i = 0; i < c->n; i++)
        c->cuts[i].followers = (const char *const *)in->followers;
    return MMS_OK;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    const cut_step *c = (const cut_step *)step;
    mms_value *cuts = json_array();

    for (int64_t i = 0; i < c->n; i++) {
        const mms_cut *cut = &c->cuts[i];
        json_array_append_new(cuts, json_pack("{si si so so}", "nchan_in", (int)cut->nchan_in,
                                              "ncorr_in", (int)cut->ncorr_in, "chans",
                                              mms_int32s_value(cut->nchan, cut->chans), "corrs",
                                              mms_int32s_value(cut->ncorr, cut->corrs)));
    }
    *out = json_pack("{so}", "cuts", cuts);
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode_cut(const mms_value *value, mms_cut *cut, mms_error *err)
{
    mms_keys k = {.value = value};

    cut->nchan_in = (int32_t)mms_keys_integer(&k, "nchan_in");
    cut->ncorr_in = (int32_t)mms_keys_integer(&k, "ncorr_in");
    cut->chans = mms_keys_integers(&k, mms_keys_get(&k, "chans"), &cut->nchan);
    cut->corrs = mms_keys_integers(&k, mms_keys_get(&k, "corrs"), &cut->ncorr);
    return mms_keys_end(&k, "step cut", err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    mms_keys k = {.value = value};
    const mms_value *list = mms_keys_get(&k, "cuts");
    cut_step *c = make((int64_t)json_array_size(list));
    mms_status st;

    *out = NULL;
    k.starved = !c;
    MMS_TRY(mms_keys_end(&k, "step cut", err));
    for (int64_t i = 0; i < c->n; i++)
        MMS_TRY(decode_cut(json_array_get(list, (size_t)i), &c->cuts[i], err));
    *out = &c->step;
    return MMS_OK;
done:
    if (c)
        end(&c->step);
    return st;
}

/** Scalars are in no group, and all arrays come in blocks: cells of other shapes are refused. */
static bool needs(const mms_step *step, const char *column)
{
    (void)step;
    (void)column;
    return true;
}

static mms_status enter(const mms_step *step, const mms_block *block, mms_group *group,
                        mms_arena *arena, mms_error *err)
{
    const cut_step *c = (const cut_step *)step;
    mms_status st = MMS_OK;

    assert(group->ddid >= 0 && group->ddid < c->n);
    for (int64_t i = 0; st == MMS_OK && i < block->narray; i++)
        st = mms_cut_cells(&group->arrays[i], group->nrow, &c->cuts[group->ddid], arena, err);
    return st;
}

const mms_step_kind mms_step_cut = {.name = "cut",
                                    .prepare = prepare,
                                    .encode = encode,
                                    .decode = decode,
                                    .close = end,
                                    .needs = needs,
                                    .enter = enter};
