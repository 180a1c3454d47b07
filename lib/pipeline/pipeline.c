/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file pipeline.c  Steps one after the other: prepared, described, sent, and applied to blocks.
 */
#include "pipeline_priv.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "ms/columns.h"
#include "separate_priv.h"

static const mms_step_kind *const kinds[] = {
#define STEP(name) &mms_step_##name,
#include "steps.def"
#undef STEP
};

enum { MOST_STEPS = MMS_COUNT_OF(kinds) };

struct mms_pipeline {
    int nstep;
    mms_step *steps[MOST_STEPS];
    mms_form forms[MOST_STEPS + 1]; /**< forms[i]: before step i */
    mms_notes notes;
    int base; /**< the first step on rows as they are transformed: after the one that makes rows */
};

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "pipeline: out of memory");
}

mms_status mms_notes_add(mms_notes *notes, char *text, mms_error *err)
{
    const mms_status st =
        text ? mms_grow(&notes->texts, &notes->capacity, notes->n + 1, sizeof *notes->texts, err)
             : out_of_memory(err);

    if (st == MMS_OK)
        notes->texts[notes->n++] = text;
    else
        free(text);
    return st;
}

void mms_notes_end(mms_notes *notes)
{
    for (int64_t i = 0; i < notes->n; i++)
        free(notes->texts[i]);
    free(notes->texts);
    *notes = (mms_notes){0};
}

mms_status mms_pipeline_create(mms_form *form, mms_pipeline **out, mms_error *err)
{
    mms_pipeline *p = *out = mms_alloc(1, sizeof *p);

    if (!p)
        return out_of_memory(err);
    p->forms[0] = *form;
    *form = (mms_form){0};
    return MMS_OK;
}

void mms_pipeline_free(mms_pipeline **pipeline)
{
    mms_pipeline *p = *pipeline;

    *pipeline = NULL;
    if (!p)
        return;
    for (int i = 0; i < p->nstep; i++)
        p->steps[i]->kind->close(p->steps[i]);
    for (int i = 0; i <= p->nstep; i++)
        mms_form_end(&p->forms[i]);
    mms_notes_end(&p->notes);
    free(p);
}

/** Whether the kind's place in steps.def is after that of all steps that are there. */
static bool comes_next(const mms_pipeline *p, const mms_step_kind *kind)
{
    int i = 0;

    for (int k = 0; k < p->nstep; k++)
        while (i < MOST_STEPS && kinds[i++] != p->steps[k]->kind)
            ;
    while (i < MOST_STEPS && kinds[i] != kind)
        i++;
    return i < MOST_STEPS;
}

mms_status mms_pipeline_add(mms_pipeline *p, mms_step *step, mms_error *err)
{
    mms_form *in = &p->forms[p->nstep], *out = in + 1;

    if (!comes_next(p, step->kind)) {
        const mms_status st = mms_fail(err, MMS_ERR_INTERNAL, "pipeline: step %s has no place here",
                                       step->kind->name);
        step->kind->close(step);
        return st;
    }
    p->steps[p->nstep++] = step;
    if (step->kind->open_rows)
        p->base = p->nstep;
    const mms_status st = mms_form_copy(in, out, err);
    return st == MMS_OK ? step->kind->prepare(step, in, out, &p->notes, err) : st;
}

mms_status mms_pipeline_open(mms_pipeline *p, mms_ms *ms, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int i = 0; st == MMS_OK && i < p->nstep; i++)
        if (p->steps[i]->kind->open)
            st = p->steps[i]->kind->open(p->steps[i], ms, err);
    return st;
}

const mms_form *mms_pipeline_in(const mms_pipeline *p)
{
    return &p->forms[0];
}

const mms_form *mms_pipeline_out(const mms_pipeline *p)
{
    return &p->forms[p->nstep];
}

const mms_step *mms_pipeline_find(const mms_pipeline *p, const char *name)
{
    for (int i = 0; p && i < p->nstep; i++)
        if (!strcmp(p->steps[i]->kind->name, name))
            return p->steps[i];
    return NULL;
}

void mms_pipeline_report(const mms_pipeline *p, mms_value *answer)
{
    for (int i = 0; p && i < p->nstep; i++)
        if (p->steps[i]->kind->report)
            p->steps[i]->kind->report(p->steps[i], answer);
}

int mms_pipeline_row_steps(const mms_pipeline *p)
{
    int n = 0;

    for (int i = 0; p && i < p->nstep; i++)
        n += p->steps[i]->kind->open_rows != NULL;
    return n;
}

const mms_step *mms_pipeline_row_step(const mms_pipeline *p, int which, const mms_form **in)
{
    int i = 0;

    assert(which >= 0 && which < mms_pipeline_row_steps(p));
    while (!p->steps[i]->kind->open_rows || which-- > 0)
        i++;
    *in = &p->forms[i];
    return p->steps[i];
}

int64_t mms_pipeline_rows_per_row(const mms_pipeline *p)
{
    const mms_step *step = p ? mms_pipeline_find(p, "separate") : NULL;
    return step ? mms_separate_step_separation(step)->nspw : 1;
}

const mms_notes *mms_pipeline_notes(const mms_pipeline *p)
{
    return &p->notes;
}

mms_value *mms_pipeline_describe(const mms_pipeline *p)
{
    mms_value *list = json_array();

    for (int i = 0; i < p->nstep; i++) {
        char *text = p->steps[i]->kind->describe ? p->steps[i]->kind->describe(p->steps[i]) : NULL;
        if (text)
            json_array_append_new(list, mms_text_value(text));
        free(text);
    }
    return list;
}

/* ---- codec ------------------------------------------------------------------------------------*/

mms_status mms_pipeline_encode(const mms_pipeline *p, mms_value **out, mms_error *err)
{
    mms_value *form = NULL, *steps = json_array();
    mms_status st;

    *out = NULL;
    MMS_TRY(mms_form_encode(&p->forms[0], &form, err));
    for (int i = 0; i < p->nstep; i++) {
        mms_value *step;
        MMS_TRY(p->steps[i]->kind->encode(p->steps[i], &step, err));
        json_object_set_new(step, "name", mms_text_value(p->steps[i]->kind->name));
        json_array_append_new(steps, step);
    }
    *out = json_pack("{sOsO}", "form", form, "steps", steps);
    MMS_TRY(*out ? MMS_OK : out_of_memory(err));
done:
    mms_value_free(&form);
    mms_value_free(&steps);
    return st;
}

static mms_status decode_step(const mms_value *value, mms_step **out, mms_error *err)
{
    const char *name = json_string_value(json_object_get(value, "name"));

    for (int i = 0; name && i < MOST_STEPS; i++)
        if (!strcmp(kinds[i]->name, name))
            return kinds[i]->decode(value, out, err);
    return mms_fail(err, MMS_ERR_INTERNAL, "pipeline: no step %s", name ? name : "is named");
}

mms_status mms_pipeline_decode(const mms_value *value, mms_pipeline **out, mms_error *err)
{
    mms_form form = {0};
    size_t i;
    mms_value *step;
    mms_status st;

    *out = NULL;
    MMS_TRY(mms_form_decode(json_object_get(value, "form"), &form, err));
    MMS_TRY(mms_pipeline_create(&form, out, err));
    json_array_foreach(json_object_get(value, "steps"), i, step)
    {
        mms_step *made;
        MMS_TRY(decode_step(step, &made, err));
        MMS_TRY(mms_pipeline_add(*out, made, err));
    }
done:
    mms_form_end(&form);
    if (st != MMS_OK)
        mms_pipeline_free(out);
    return st;
}

/* ---- apply ------------------------------------------------------------------------------------*/

/** The form of the rows that are transformed one by one. */
static const mms_form *base_form(const mms_pipeline *p)
{
    return &p->forms[p->base];
}

/** The form that they get: rows are cut into windows after that. */
static const mms_form *row_form(const mms_pipeline *p)
{
    const bool cut = mms_pipeline_find(p, "separate") != NULL;
    return &p->forms[p->nstep - cut];
}

static bool acts(const mms_pipeline *p, int i, int64_t window)
{
    return p->steps[i]->kind->row && p->steps[i]->kind->acts(p->steps[i], window);
}

/** Whether the data columns are transformed; without that weights alone are. */
static bool transforms_data(const mms_pipeline *p)
{
    for (int i = 0; i < p->nstep; i++)
        if (p->steps[i]->kind->cells)
            return true;
    for (int i = 0; i < p->nstep; i++)
        for (int64_t w = 0; w < base_form(p)->nwindow; w++)
            if (acts(p, i, w))
                return true;
    return row_form(p)->time_averaged;
}

const mms_form *mms_pipeline_base(const mms_pipeline *p)
{
    return base_form(p);
}

bool mms_pipeline_acts(const mms_pipeline *p, int64_t window)
{
    bool any = false;

    for (int i = 0; i < p->nstep; i++)
        for (int64_t w = 0; w < base_form(p)->nwindow; w++)
            any = any || ((window < 0 || w == window) && acts(p, i, w));
    return any;
}

bool mms_pipeline_mixes(const mms_pipeline *p, int64_t window)
{
    bool mixed = false;

    for (int i = 0; i < p->nstep; i++)
        mixed = mixed || (acts(p, i, window) && p->steps[i]->kind->mixes &&
                          p->steps[i]->kind->mixes(p->steps[i], window));
    return mixed;
}

bool mms_pipeline_needs(const mms_pipeline *p, const char *column)
{
    const mms_column_role role = mms_column_role_of(column);

    for (int i = 0; i < p->nstep; i++)
        if (p->steps[i]->kind->needs && p->steps[i]->kind->needs(p->steps[i], column))
            return true;
    if (transforms_data(p))
        return true;
    return (role == MMS_ROLE_FLAGS || role == MMS_ROLE_WEIGHTS) && base_form(p)->kinds != 0;
}

bool mms_pipeline_reads(const mms_pipeline *p, const char *column)
{
    const unsigned weighed = MMS_KIND_BIT(MMS_KIND_DATA) | MMS_KIND_BIT(MMS_KIND_FLOAT);

    return !strcmp(column, MMS_COL_SIGMA_SPECTRUM) &&
           ((p->forms[0].kinds & weighed) || p->forms[0].row_means) &&
           (transforms_data(p) || mms_pipeline_row_steps(p) > 0);
}

/** A group's cells while they are transformed. */
typedef struct work {
    const mms_pipeline *pipeline;
    mms_arena *arena;
    int64_t window;
    int nacting, acting[MOST_STEPS]; /**< steps that change rows of the window */
    mms_weight_choice choice;
    mms_spectra in, out;
    mms_row_call calls[MOST_STEPS];
    mms_spectrum rows[MOST_STEPS + 1]; /**< one row before and after each acting step */
    float *spare;
} work;

static mms_status make(const work *w, int64_t bytes, void *out, mms_error *err)
{
    void *memory = mms_arena_get(w->arena, bytes, 1);

    memcpy(out, &memory, sizeof memory);
    return memory ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "block: out of memory");
}

/** Windows that are cut from one want the spectra, of which WEIGHT and SIGMA are means. */
static bool writes_spectra(const mms_pipeline *p)
{
    return row_form(p)->out_spectra || mms_pipeline_find(p, "separate");
}

/** Arrays of nchan channels for the output; data and flags that no step changes stay in place. */
static mms_status make_out(work *w, mms_error *err)
{
    const mms_form *form = row_form(w->pipeline);
    mms_spectra *out = &w->out;
    mms_status st;

    *out = w->in;
    out->nchan = w->nacting ? form->windows[w->window].axis.nchan : w->in.nchan;
    out->weight_spectrum = out->sigma_spectrum = NULL;
    const int64_t row = w->in.nrow * w->in.ncorr, cells = row * out->nchan;
    for (int i = 0; w->nacting && i < out->ncolumn; i++)
        MMS_TRY(make(w, cells * (out->column[i].real ? 4 : 8), &out->column[i].data, err));
    if (w->nacting)
        MMS_TRY(make(w, cells, &out->flag, err));
    MMS_TRY(make(w, row * 4, &out->weight, err));
    MMS_TRY(make(w, row * 4, &out->sigma, err));
    if (writes_spectra(w->pipeline)) {
        MMS_TRY(make(w, cells * 4, &out->weight_spectrum, err));
        MMS_TRY(make(w, cells * 4, &out->sigma_spectrum, err));
    }
    return MMS_OK;
done:
    return st;
}

/** Room for one row between the acting steps; the last one writes into the output. */
static mms_status make_rows(work *w, mms_error *err)
{
    void *memory;
    mms_status st;

    MMS_TRY(make(w, mms_spectrum_open_bytes(w->in.nchan, w->in.ncorr), &memory, err));
    mms_spectrum_start(&w->choice, memory, &w->in, &w->rows[0]);
    for (int k = 0; k < w->nacting; k++) {
        mms_spectrum *s = &w->rows[k + 1];
        *s = w->rows[k];
        s->nchan = w->pipeline->forms[w->acting[k] + 1].windows[w->window].axis.nchan;
        const int64_t cells = s->nchan * s->ncorr;
        MMS_TRY(make(w, mms_spectrum_bytes(&w->choice, s->nchan, s->ncorr), &memory, err));
        mms_spectrum_make(&w->choice, memory, s);
        for (int i = 0; k + 1 < w->nacting && i < s->ncolumn; i++)
            MMS_TRY(make(w, cells * (s->column[i].real ? 4 : 8), &s->column[i].data, err));
    }
    MMS_TRY(make(w, w->out.nchan * w->out.ncorr * 4, &w->spare, err));
done:
    return st;
}

/** What each acting step needs for the rows of the group. */
static mms_status see_group(work *w, const mms_block *block, const mms_group *group, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int k = 0; st == MMS_OK && k < w->nacting; k++) {
        const mms_step *step = w->pipeline->steps[w->acting[k]];
        mms_row_call *call = &w->calls[k];
        *call = (mms_row_call){.window = w->window, .choice = &w->choice};
        if (step->kind->see)
            st = step->kind->see(step, w->window, block, group, w->arena, &call->seen, err);
    }
    return st;
}

static void forget_group(const work *w)
{
    for (int k = 0; k < w->nacting; k++) {
        const mms_step *step = w->pipeline->steps[w->acting[k]];
        if (step->kind->forget)
            step->kind->forget(step, w->calls[k].seen);
    }
}

static void transform_row(work *w, int64_t r)
{
    mms_spectrum *last = &w->rows[w->nacting];
    const int64_t cells = last->nchan * last->ncorr;

    assert(last->nchan == w->out.nchan && last->ncorr == w->out.ncorr);
    mms_spectrum_open(&w->choice, &w->in, r, &w->rows[0]);
    for (int i = 0; i < last->ncolumn; i++)
        last->column[i].data =
            (float *)w->out.column[i].data + r * cells * (last->column[i].real ? 1 : 2);
    last->flag = w->out.flag + r * cells;
    for (int k = 0; k < w->nacting; k++) {
        const mms_step *step = w->pipeline->steps[w->acting[k]];
        w->calls[k].row = r;
        step->kind->row(step, &w->calls[k], &w->rows[k], &w->rows[k + 1]);
    }
    mms_spectrum_close(&w->choice, last, &w->out, r, w->spare);
}

/** The steps that change rows of the window, and the weights that they need. */
static void find_acting(work *w)
{
    const mms_form *form = row_form(w->pipeline);
    bool means = false;

    for (int i = 0; i < w->pipeline->nstep; i++)
        if (acts(w->pipeline, i, w->window)) {
            w->acting[w->nacting++] = i;
            means = means || w->pipeline->steps[i]->kind->takes_means;
        }
    const bool weighted = base_form(w->pipeline)->weight_spectrum || form->time_averaged;
    w->choice = mms_choose_weights(form->kinds, means && weighted, form->time_averaged);
}

static mms_status check_channels(const work *w, int32_t ddid, mms_error *err)
{
    const int64_t want = base_form(w->pipeline)->windows[w->window].axis.nchan;

    return w->in.nchan == want || !w->nacting
               ? MMS_OK
               : mms_fail(err, MMS_ERR_SHAPE,
                          "DATA_DESC_ID %d: a row has %lld channels, its window has %lld",
                          (int)ddid, (long long)w->in.nchan, (long long)want);
}

static mms_status change_cells(const work *w, mms_block *block, mms_group *group, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int i = w->pipeline->base; st == MMS_OK && i < w->pipeline->nstep; i++) {
        const mms_step *step = w->pipeline->steps[i];
        if (step->kind->cells)
            st = step->kind->cells(step, w->window, block, group, w->arena, err);
    }
    return st;
}

/** See mms_form.row_means. */
static void take_means(const work *w)
{
    const mms_spectra *in = &w->in;
    const unsigned corrected = MMS_KIND_BIT(MMS_KIND_CORRECTED);
    const bool weights = base_form(w->pipeline)->kinds & corrected;
    const bool sigmas = base_form(w->pipeline)->kinds != corrected;
    const int64_t n = in->nchan * in->ncorr;

    for (int64_t r = 0; r < in->nrow; r++) {
        if (weights && in->weight_spectrum)
            mms_mean_spectrum(in->nchan, in->ncorr, in->weight_spectrum + r * n, in->flag + r * n,
                              in->weight + r * in->ncorr);
        if (sigmas && in->sigma_spectrum)
            mms_mean_spectrum(in->nchan, in->ncorr, in->sigma_spectrum + r * n, in->flag + r * n,
                              in->sigma + r * in->ncorr);
    }
}

static void set_flag_rows(const work *w, const mms_block *block, const mms_group *group)
{
    const mms_cells *flag_row = mms_cells_find(block->scalars, block->nscalar, MMS_COL_FLAG_ROW);
    const int64_t n = w->in.nchan * w->in.ncorr;
    int64_t row = 0;

    for (int64_t i = 0; flag_row && i < group->nrange; i++)
        for (int64_t k = 0; k < group->rows[i].count; k++, row++)
            if (!memchr(w->in.flag + row * n, 0, (size_t)n))
                ((uint8_t *)flag_row->data)[group->rows[i].first + k] = 1;
}

static mms_status transform_group(work *w, mms_block *block, mms_group *group, mms_error *err)
{
    const mms_pipeline *p = w->pipeline;
    const mms_form *form = row_form(p);
    mms_status st;

    assert(group->ddid >= 0 && group->ddid < base_form(p)->nddid);
    w->window = base_form(p)->window_of[group->ddid];
    MMS_TRY(change_cells(w, block, group, err));
    find_acting(w);
    MMS_TRY(mms_group_spectra(
        block, group, transforms_data(p) ? form->kinds : 0,
        base_form(p)->weight_spectrum || form->time_averaged || form->combined, &w->in, err));
    MMS_TRY(check_channels(w, group->ddid, err));
    if (base_form(p)->row_means) {
        take_means(w);
        set_flag_rows(w, block, group);
    }
    MMS_TRY(make_out(w, err));
    if (w->nacting) {
        MMS_TRY(make_rows(w, err));
        MMS_TRY(see_group(w, block, group, err));
        for (int64_t r = 0; r < w->in.nrow; r++)
            transform_row(w, r);
        MMS_TRY(mms_group_clear_others(block, group, w->in.nchan, &w->out, w->arena, err));
    } else
        mms_split_weights(mms_weights_rule(mms_pipeline_find(p, "weights")), form->numerics, &w->in,
                          &w->out);
    if (mms_pipeline_mixes(p, w->window))
        mms_group_clear(block, group, (const char *const *)base_form(p)->followers);
    mms_group_scatter(block, group, &w->out, writes_spectra(p));
done:
    forget_group(w);
    return st;
}

mms_status mms_pipeline_enter(const mms_pipeline *p, mms_arena *arena, mms_block *block,
                              mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t g = 0; g < block->ngroup; g++)
        for (int i = 0; st == MMS_OK && i < p->nstep; i++) {
            const mms_step *step = p->steps[i];
            if (step->kind->enter)
                st = step->kind->enter(step, block, &block->groups[g], arena, err);
        }
    return st;
}

bool mms_pipeline_by_ddid(const mms_pipeline *p)
{
    for (int i = 0; i < p->nstep; i++)
        if (!p->steps[i]->kind->any_ddid)
            return true;
    return false;
}

mms_status mms_pipeline_apply(const mms_pipeline *p, mms_arena *arena, mms_block *block,
                              mms_error *err)
{
    mms_status st = MMS_OK;
    int64_t added = 0;

    for (int64_t i = 0; st == MMS_OK && i < block->ngroup; i++) {
        work w = {.pipeline = p, .arena = arena};
        if (base_form(p)->kinds)
            st = transform_group(&w, block, &block->groups[i], err);
        for (added = 0; added < MMS_SPARE_ARRAYS; added++)
            if (!block->groups[i].arrays[block->narray + added].column)
                break;
    }
    block->narray += added; // the same in each group
    return st;
}

/* ---- rows that are seen before
 * -----------------------------------------------------------------*/

/** The step that gathers, or NULL; there is one at most. */
static mms_step *gathering(const mms_pipeline *p)
{
    for (int i = 0; p && i < p->nstep; i++)
        if (p->steps[i]->kind->gathers && p->steps[i]->kind->gathers(p->steps[i]))
            return p->steps[i];
    return NULL;
}

bool mms_pipeline_gathers(const mms_pipeline *p)
{
    return gathering(p) != NULL;
}

mms_status mms_pipeline_gather_begin(mms_pipeline *p, const char *near, int64_t memory,
                                     mms_error *err)
{
    mms_step *const step = gathering(p);

    return step->kind->gather_begin(step, near, memory, err);
}

mms_status mms_pipeline_gather(mms_pipeline *p, mms_arena *arena, mms_block *block, mms_error *err)
{
    mms_step *const step = gathering(p);
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < block->ngroup; i++) {
        mms_group *const group = &block->groups[i];
        const int64_t window = base_form(p)->window_of[group->ddid];
        st = step->kind->gather(step, window, block, group, arena, err);
    }
    return st;
}

mms_status mms_pipeline_gather_end(mms_pipeline *p, mms_error *err)
{
    mms_step *const step = gathering(p);

    return step->kind->gather_end(step, err);
}

mms_status mms_pipeline_separate(const mms_pipeline *p, mms_arena *arena, mms_block **block,
                                 mms_error *err)
{
    static const char *const spectra[] = {MMS_COL_WEIGHT_SPECTRUM, MMS_COL_SIGMA_SPECTRUM};
    const mms_step *step = mms_pipeline_find(p, "separate");
    mms_status st;

    if (!step)
        return MMS_OK;
    st = mms_block_separate(mms_separate_step_separation(step), arena, block, err);
    for (int64_t g = 0; st == MMS_OK && !row_form(p)->out_spectra && g < (*block)->ngroup; g++)
        for (int64_t i = 0; i < MMS_COUNT_OF(spectra); i++) {
            mms_cells *c = mms_cells_find((*block)->groups[g].arrays, (*block)->narray, spectra[i]);
            if (c)
                c->name = NULL; // made for the means alone
        }
    return st;
}
