/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file regrid.c  The step that interpolates spectra to another grid of frequencies
 *  (transform-numerics 6.5, 6.6). */
#include "regrid_priv.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "ms/columns.h"

typedef struct regrid {
    mms_step step;
    int64_t n;
    mms_regrid_window *windows;
    mms_regrid_opts opts;
    mms_frames *frames; /**< NULL until it is opened, or where no window moves */
    const mms_form *in; /**< borrowed from the pipeline */
} regrid;

/** One time stamp and field of a group. */
typedef struct moment {
    double time_s;
    int32_t field;
    mms_interpolation *interpolation;
} moment;

/** What the rows of a group have in common. */
typedef struct seen {
    int64_t n;
    moment *moments;
    int32_t *of; /**< [row of the group] */
    void *scratch;
} seen;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "regridding: out of memory");
}

/* ---- the step ---------------------------------------------------------------------------------*/

static void end(mms_step *step)
{
    regrid *g = (regrid *)step;

    mms_frames_free(&g->frames);
    for (int64_t i = 0; g->windows && i < g->n; i++)
        mms_axis_end(&g->windows[i].axis);
    free(g->windows);
    free(g);
}

mms_status mms_regrid_step(const mms_regrid_opts *opts, int64_t n, const mms_regrid_window *windows,
                           mms_step **out, mms_error *err)
{
    regrid *g = mms_alloc(1, sizeof *g);
    mms_status st;

    *out = NULL;
    if (!g)
        return out_of_memory(err);
    *g = (regrid){.step.kind = &mms_step_regrid, .n = n, .opts = *opts};
    g->windows = mms_alloc(n, sizeof *g->windows);
    st = g->windows ? MMS_OK : out_of_memory(err);
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        g->windows[i] = windows[i];
        st = mms_axis_copy(&windows[i].axis, &g->windows[i].axis, err);
    }
    if (st == MMS_OK)
        *out = &g->step;
    else
        end(&g->step);
    return st;
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    regrid *g = (regrid *)step;
    mms_status st = MMS_OK;

    (void)notes;
    if (g->n != in->nwindow)
        return mms_fail(err, MMS_ERR_INTERNAL,
                        "step regrid: grids of %" PRId64 " of %" PRId64 " windows", g->n,
                        in->nwindow);
    g->in = in;
    for (int64_t i = 0; st == MMS_OK && i < g->n; i++) {
        st = mms_window_set_axis(&out->windows[i], &g->windows[i].axis, err);
        out->windows[i].changed = true;
        if (g->windows[i].moves)
            out->windows[i].frame = g->opts.frames.outframe;
    }
    return st;
}

/** In the worker: the directions of the fields. */
static mms_status open_step(mms_step *step, mms_ms *ms, mms_error *err)
{
    regrid *g = (regrid *)step;

    for (int64_t i = 0; i < g->n; i++)
        if (g->windows[i].moves)
            return mms_frames_create(ms, &g->opts.frames, &g->frames, err);
    return MMS_OK;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    const regrid *g = (const regrid *)step;
    mms_value *windows = json_array();

    for (int64_t i = 0; i < g->n; i++) {
        const mms_regrid_window *w = &g->windows[i];
        json_array_append_new(windows, json_pack("{so sf sb sb}", "axis", mms_axis_encode(&w->axis),
                                                 "weight_scale", w->weight_scale, "wide",
                                                 (int)w->wide, "moves", (int)w->moves));
    }
    *out = json_pack("{so si si so}", "windows", windows, "method", (int)g->opts.method, "numerics",
                     (int)g->opts.numerics, "frames", mms_frames_encode(&g->opts.frames));
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode_window(mms_value *value, mms_regrid_window *w, mms_error *err)
{
    mms_value *axis;
    json_error_t error;
    int wide, moves;

    if (json_unpack_ex(value, &error, 0, "{so sF sb sb}", "axis", &axis, "weight_scale",
                       &w->weight_scale, "wide", &wide, "moves", &moves) != 0)
        return mms_fail(err, MMS_ERR_INTERNAL, "step regrid: %s", error.text);
    w->wide = wide;
    w->moves = moves;
    return mms_axis_decode(axis, &w->axis, err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    mms_value *list = json_object_get(value, "windows");
    const int64_t n = (int64_t)json_array_size(list);
    mms_regrid_window *windows = mms_alloc(n, sizeof *windows);
    mms_regrid_opts opts = {
        .method = (mms_interpolation_method)json_integer_value(json_object_get(value, "method")),
        .numerics = (mms_numerics)json_integer_value(json_object_get(value, "numerics"))};
    mms_status st = windows ? MMS_OK : out_of_memory(err);

    *out = NULL;
    if (st == MMS_OK)
        st = mms_frames_decode(json_object_get(value, "frames"), &opts.frames, err);
    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        st = decode_window(json_array_get(list, (size_t)i), &windows[i], err);
    if (st == MMS_OK)
        st = mms_regrid_step(&opts, n, windows, out, err);
    for (int64_t i = 0; windows && i < n; i++)
        mms_axis_end(&windows[i].axis);
    free(windows);
    return st;
}

static char *describe(const mms_step *step)
{
    static const char *const methods[] = {"nearest", "linear", "cubic", "spline", "fftshift"};
    const regrid *g = (const regrid *)step;

    for (int64_t i = 0; i < g->n; i++)
        if (g->windows[i].moves)
            return mms_format("regridding to %s by %s interpolation",
                              mms_frame_name(g->opts.frames.outframe), methods[g->opts.method]);
    return mms_format("regridding by %s interpolation", methods[g->opts.method]);
}

static bool acts(const mms_step *step, int64_t window)
{
    (void)step;
    (void)window;
    return true;
}

/* ---- rows -------------------------------------------------------------------------------------*/

/** The last step of outframe SOURCE. */
static void add_source(const mms_frames *frames, double now_m_s, mms_frame_route *route)
{
    const mms_frames_opts *o = mms_frames_asked(frames);

    if (o->outframe == MMS_FRAME_SOURCE)
        route->factor[route->n++] = mms_source_factor(now_m_s, o->velocity_m_s, o->numerics);
}

mms_status mms_regrid_reference(mms_frames *frames, int32_t inframe, mms_frame_route *route,
                                mms_error *err)
{
    const mms_status st = mms_frames_reference(frames, inframe, route, err);

    if (st == MMS_OK)
        add_source(frames, mms_frames_asked(frames)->velocity_m_s, route);
    return st;
}

static mms_status row_route(mms_frames *frames, int32_t inframe, const moment *m,
                            mms_frame_route *route, mms_error *err)
{
    double velocity;
    const mms_status st =
        mms_frames_row(frames, inframe, m->time_s, m->field, route, &velocity, err);

    if (st == MMS_OK)
        add_source(frames, velocity, route);
    return st;
}

/** Aim at the frequencies that the window's channels have at a moment; fftshift aims at those of
 * the reference time, and shifts by the rest.
 *  @param freq_hz  [nchan] scratch */
static mms_status aim(const regrid *g, int64_t window, const moment *m, double *freq_hz,
                      mms_error *err)
{
    const mms_spectral_axis *axis = &g->in->windows[window].axis;
    const int32_t frame = g->in->windows[window].frame;
    const int64_t middle = g->windows[window].axis.nchan / 2;
    const int64_t centre = middle < axis->nchan ? middle : axis->nchan - 1;
    mms_frame_route now = {0}, reference = {0};
    double now_hz;
    mms_status st;

    if (g->windows[window].moves)
        MMS_TRY(row_route(g->frames, frame, m, &now, err));
    if (g->windows[window].moves && g->opts.method == MMS_FFTSHIFT)
        MMS_TRY(mms_regrid_reference(g->frames, frame, &reference, err));
    mms_shift_frequencies(now.n, now.factor, axis->nchan, axis->freq_hz, freq_hz);
    now_hz = freq_hz[centre];
    if (g->opts.method == MMS_FFTSHIFT)
        mms_shift_frequencies(reference.n, reference.factor, axis->nchan, axis->freq_hz, freq_hz);
    MMS_TRY(mms_interpolation_aim(m->interpolation, freq_hz, err));
    if (g->opts.method == MMS_FFTSHIFT)
        MMS_TRY(mms_interpolation_shift(m->interpolation, now_hz, freq_hz[centre], err));
done:
    return st;
}

static mms_status make_moment(const regrid *g, int64_t window, mms_arena *arena, moment *m,
                              mms_error *err)
{
    const mms_regrid_window *w = &g->windows[window];
    const mms_interpolation_opts opts = {.size = sizeof opts,
                                         .method = g->opts.method,
                                         .spw = g->in->windows[window].spw,
                                         .nchan_in = g->in->windows[window].axis.nchan,
                                         .nchan_out = w->axis.nchan,
                                         .freq_hz = w->axis.freq_hz,
                                         .width_hz = w->axis.width_hz,
                                         .wide = w->wide,
                                         .numerics = g->opts.numerics};
    double *freq_hz = mms_arena_get(arena, opts.nchan_in, sizeof *freq_hz);
    mms_status st;

    MMS_TRY(freq_hz ? MMS_OK : out_of_memory(err));
    MMS_TRY(mms_interpolation_create(&opts, &m->interpolation, err));
    MMS_TRY(aim(g, window, m, freq_hz, err));
done:
    return st == MMS_OK ? st
                        : mms_wrap(err, st, "spw %" PRId32 ", field %" PRId32,
                                   g->in->windows[window].spw, m->field);
}

static void forget(const mms_step *step, void *context)
{
    seen *s = context;

    (void)step;
    for (int64_t i = 0; s && i < s->n; i++)
        mms_interpolation_free(&s->moments[i].interpolation);
}

/** The moment of a row, made where it is the first; rows of a moment mostly follow each other. */
static mms_status find_moment(const regrid *g, int64_t window, mms_arena *arena, seen *s,
                              const moment *key, int32_t *at, mms_error *err)
{
    int64_t i = s->n - 1;

    while (i >= 0 && g->windows[window].moves &&
           (s->moments[i].time_s != key->time_s || s->moments[i].field != key->field))
        i--;
    if (i < 0) {
        i = s->n++;
        s->moments[i] = *key;
        *at = (int32_t)i;
        return make_moment(g, window, arena, &s->moments[i], err);
    }
    *at = (int32_t)i;
    return MMS_OK;
}

static mms_status make_scratch(seen *s, const mms_group *group, const mms_block *block,
                               mms_arena *arena, mms_error *err)
{
    const mms_cells *flag = mms_cells_find(group->arrays, block->narray, MMS_COL_FLAG);
    int64_t most = 0;

    for (int64_t i = 0; i < s->n; i++) {
        const int64_t n = mms_interpolation_scratch(s->moments[i].interpolation, flag->shape[1]);
        most = n > most ? n : most;
    }
    s->scratch = mms_arena_get(arena, most, 1);
    return s->scratch ? MMS_OK : out_of_memory(err);
}

static mms_status see(const mms_step *step, int64_t window, const mms_block *block,
                      const mms_group *group, mms_arena *arena, void **out, mms_error *err)
{
    const regrid *g = (const regrid *)step;
    const mms_cells *time = mms_cells_find(block->scalars, block->nscalar, MMS_COL_TIME);
    const mms_cells *field = mms_cells_find(block->scalars, block->nscalar, MMS_COL_FIELD_ID);
    seen *s = mms_arena_zeros(arena, 1, sizeof *s);
    int64_t row = 0;
    mms_status st = MMS_OK;

    if (s)
        *s = (seen){0, mms_arena_zeros(arena, group->nrow, sizeof(moment)),
                    mms_arena_get(arena, group->nrow, sizeof(int32_t)), NULL};
    if (!s || !s->moments || !s->of)
        return out_of_memory(err);
    if (!time || !field)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "regridding needs the columns TIME and FIELD_ID");
    *out = s;
    for (int64_t i = 0; i < group->nrange; i++)
        for (int64_t k = 0; st == MMS_OK && k < group->rows[i].count; k++, row++) {
            const int64_t at = group->rows[i].first + k;
            const moment key = {((const double *)time->data)[at],
                                ((const int32_t *)field->data)[at], NULL};
            st = find_moment(g, window, arena, s, &key, &s->of[row], err);
        }
    return st == MMS_OK ? make_scratch(s, group, block, arena, err) : st;
}

static void row(const mms_step *step, const mms_row_call *call, const mms_spectrum *in,
                mms_spectrum *out)
{
    const regrid *g = (const regrid *)step;
    const seen *s = call->seen;
    const mms_regrid_window *w = &g->windows[call->window];

    mms_regrid_row(s->moments[s->of[call->row]].interpolation, w->moves ? w->weight_scale : 1.0,
                   call->choice, in, out, s->scratch);
}

const mms_step_kind mms_step_regrid = {.name = "regrid",
                                       .prepare = prepare,
                                       .encode = encode,
                                       .decode = decode,
                                       .open = open_step,
                                       .close = end,
                                       .describe = describe,
                                       .acts = acts,
                                       .mixes = acts,
                                       .see = see,
                                       .forget = forget,
                                       .row = row};
