/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file continuum.c  The step that subtracts polynomials in frequency (transform-numerics 7.1). */
#include "transform/continuum.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "goodness_priv.h"
#include "ms/columns.h"
#include "pipeline_priv.h"
#include "transform/transform.h"

typedef struct continuum {
    mms_step step;
    mms_continuum_how how;
    int64_t n;
    mms_continuum_window *windows;
    mms_continuum **fits; /**< of each, once prepared */
    unsigned kinds;       /**< data columns that are fitted */
    int32_t *spws;        /**< of each window */
    mms_goodness *goodness;
    bool last_rows; /**< as CASA, the report looks at the last row of each time stamp alone */
} continuum;

static const mms_column model_column = {
    .name = MMS_COL_MODEL_DATA, .dtype = MMS_DT_COMPLEX, .ndim = 2, .manager = "", .group = ""};

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "continuum: out of memory");
}

static void end(mms_step *step)
{
    continuum *c = (continuum *)step;

    for (int64_t i = 0; c->windows && i < c->n; i++)
        free((void *)c->windows[i].fitted);
    for (int64_t i = 0; c->fits && i < c->n; i++)
        mms_continuum_free(&c->fits[i]);
    free(c->windows);
    free(c->fits);
    free(c->spws);
    mms_goodness_free(&c->goodness);
    free(c);
}

mms_status mms_continuum_step(const mms_continuum_how *how, int64_t n,
                              const mms_continuum_window *windows, mms_step **out, mms_error *err)
{
    continuum *c = mms_alloc(1, sizeof *c);
    bool ok;

    *out = NULL;
    if (!c)
        return out_of_memory(err);
    *c = (continuum){.step.kind = &mms_step_continuum, .how = *how, .n = n};
    c->windows = mms_alloc(n, sizeof *c->windows);
    c->fits = mms_alloc(n, sizeof(mms_continuum *));
    c->spws = mms_alloc(n, sizeof *c->spws);
    c->goodness = mms_goodness_new();
    ok = c->windows && c->fits && c->spws && c->goodness;
    for (int64_t i = 0; ok && i < n; i++) {
        c->windows[i] = windows[i];
        c->windows[i].fitted = strdup(windows[i].fitted);
        ok = c->windows[i].fitted != NULL;
    }
    if (ok)
        *out = &c->step;
    else
        end(&c->step);
    return ok ? MMS_OK : out_of_memory(err);
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    continuum *c = (continuum *)step;
    mms_status st = MMS_OK;

    (void)out;
    (void)notes;
    c->kinds = in->kinds;
    c->last_rows = in->numerics == MMS_NUMERICS_CASA;
    for (int64_t i = 0; st == MMS_OK && i < c->n; i++) {
        const mms_continuum_window *w = &c->windows[i];
        if (w->window >= in->nwindow ||
            (int64_t)strlen(w->fitted) != in->windows[w->window].axis.nchan)
            return mms_fail(err, MMS_ERR_INTERNAL, "step continuum: window %" PRId64, w->window);
        const mms_spectral_axis *axis = &in->windows[w->window].axis;
        c->spws[i] = in->windows[w->window].spw;
        const mms_continuum_opts opts = {.nchan = axis->nchan,
                                         .freq_hz = axis->freq_hz,
                                         .fitted = w->fitted,
                                         .order = w->order,
                                         .niter = c->how.niter,
                                         .plain = c->how.plain,
                                         .numerics = in->numerics};
        st = mms_continuum_create(&opts, &c->fits[i], err);
    }
    return st;
}

/* ---- codec ------------------------------------------------------------------------------------*/

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    const continuum *c = (const continuum *)step;
    mms_value *windows = json_array();

    for (int64_t i = 0; i < c->n; i++) {
        const mms_continuum_window *w = &c->windows[i];
        json_array_append_new(windows, json_pack("{sI si sI ss}", "window", (json_int_t)w->window,
                                                 "field", (int)w->field, "order",
                                                 (json_int_t)w->order, "fitted", w->fitted));
    }
    *out = json_pack("{so sI sb sb sb}", "windows", windows, "niter", (json_int_t)c->how.niter,
                     "keeps_fit", (int)c->how.keeps_fit, "writes_model", (int)c->how.writes_model,
                     "plain", (int)c->how.plain);
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode_window(mms_value *value, mms_continuum_window *w, mms_error *err)
{
    json_error_t error;
    json_int_t window, order;
    int field;

    if (json_unpack_ex(value, &error, 0, "{sI si sI ss}", "window", &window, "field", &field,
                       "order", &order, "fitted", &w->fitted) != 0)
        return mms_fail(err, MMS_ERR_INTERNAL, "step continuum: %s", error.text);
    w->window = window;
    w->field = field;
    w->order = order;
    return MMS_OK;
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    mms_continuum_window *windows = NULL;
    mms_continuum_how how;
    json_error_t error;
    json_int_t niter;
    int keeps_fit, writes_model, plain;
    mms_value *list;
    mms_status st = MMS_OK;

    *out = NULL;
    if (json_unpack_ex((mms_value *)value, &error, 0, "{so sI sb sb sb}", "windows", &list, "niter",
                       &niter, "keeps_fit", &keeps_fit, "writes_model", &writes_model, "plain",
                       &plain) != 0)
        return mms_fail(err, MMS_ERR_INTERNAL, "step continuum: %s", error.text);
    how = (mms_continuum_how){niter, keeps_fit, writes_model, plain};
    const int64_t n = (int64_t)json_array_size(list);
    windows = mms_alloc(n, sizeof *windows);
    if (!windows)
        st = out_of_memory(err);
    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        st = decode_window(json_array_get(list, (size_t)i), &windows[i], err);
    if (st == MMS_OK)
        st = mms_continuum_step(&how, n, windows, out, err);
    free(windows);
    return st;
}

static char *describe(const mms_step *step)
{
    const continuum *c = (const continuum *)step;
    int64_t order = 0;

    for (int64_t i = 0; i < c->n; i++)
        order = c->windows[i].order > order ? c->windows[i].order : order;
    return mms_format("%s of order %s%" PRId64 " by frequency",
                      c->how.keeps_fit ? "fit of a polynomial" : "subtraction of a polynomial",
                      c->n > 1 ? "up to " : "", order);
}

/* ---- rows -------------------------------------------------------------------------------------*/

/** A group while it is fitted. */
typedef struct work {
    const continuum *c;
    mms_spectra in;
    float *row_weight, *weight; /**< of a row */
    float *model;               /**< of a row */
    void *scratch;
    double *chi2;                              /**< of a row */
    float *written;                            /**< MODEL_DATA of the group, or NULL */
    const int32_t *scan, *antenna1, *antenna2; /**< of the rows; scan NULL: not judged */
    const double *time_s;
} work;

/** The number of a field's fit in a window; -1: its rows stay. */
static int64_t find_fit(const continuum *c, int64_t window, int32_t field)
{
    for (int64_t i = 0; i < c->n; i++)
        if (c->windows[i].window == window &&
            (c->windows[i].field < 0 || c->windows[i].field == field))
            return i;
    return -1;
}

/** The weights of row r: those of SIGMA for DATA. */
static void take_weights(work *w, mms_data_kind kind, int64_t r, mms_continuum_row *row)
{
    const mms_spectra *in = &w->in;
    const int64_t n = in->nchan * in->ncorr;

    row->row_weight = in->weight + r * in->ncorr;
    row->weight = in->weight_spectrum ? in->weight_spectrum + r * n : NULL;
    if (kind != MMS_KIND_DATA)
        return;
    mms_sigma_to_weight(in->ncorr, in->sigma + r * in->ncorr, w->row_weight);
    row->row_weight = w->row_weight;
    row->weight = NULL;
    if (in->sigma_spectrum) {
        mms_sigma_to_weight(n, in->sigma_spectrum + r * n, w->weight);
        row->weight = w->weight;
    }
}

/** Add the chi squared of a row to the others. */
static mms_status judge_row(const work *w, const mms_continuum_row *row, mms_goodness_key key,
                            mms_error *err)
{
    mms_status st = MMS_OK;

    mms_goodness_lock(w->c->goodness);
    for (key.corr = 0; key.corr < row->ncorr && st == MMS_OK; key.corr++) {
        const double *found = row->chi2 + (int64_t)key.corr * row->nfloat;
        const double chi2[2] = {found[0], row->nfloat > 1 ? found[1] : 0};
        st = mms_goodness_add(w->c->goodness, key, chi2, err);
    }
    mms_goodness_unlock(w->c->goodness);
    return st;
}

static mms_status fit_row(work *w, int64_t fit, const mms_spectra_column *column, int64_t r,
                          mms_goodness_key key, mms_error *err)
{
    const mms_spectra *in = &w->in;
    const int nfloat = column->real ? 1 : 2;
    const int64_t n = in->nchan * in->ncorr;
    float *const data = (float *)column->data + r * n * nfloat;
    mms_continuum_row row = {.ncorr = in->ncorr,
                             .nfloat = nfloat,
                             .data = data,
                             .flag = in->flag + r * n,
                             .chi2 = w->chi2};
    float *const model = w->written ? w->written + r * n * nfloat : w->model;
    mms_status st = MMS_OK;

    take_weights(w, column->kind, r, &row);
    mms_continuum_fit(w->c->fits[fit], &row, model, w->scratch);
    if (w->scan)
        st = judge_row(w, &row, key, err);
    for (int64_t i = 0; i < n * nfloat; i++)
        data[i] = w->c->how.keeps_fit ? model[i] : data[i] - model[i];
    return st;
}

static mms_status make_room(work *w, mms_arena *arena, mms_error *err)
{
    const int64_t n = w->in.nchan * w->in.ncorr;
    int64_t most = 0;

    for (int64_t i = 0; i < w->c->n; i++) {
        const int64_t bytes = mms_continuum_scratch(w->c->fits[i]);
        most = bytes > most ? bytes : most;
    }
    w->scratch = mms_arena_get(arena, most, 1);
    w->model = mms_arena_get(arena, 2 * n, sizeof(float));
    w->weight = mms_arena_get(arena, n, sizeof(float));
    w->row_weight = mms_arena_get(arena, w->in.ncorr, sizeof(float));
    w->chi2 = mms_arena_get(arena, 2 * w->in.ncorr, sizeof(double));
    if (w->c->how.writes_model)
        w->written = mms_arena_zeros(arena, 2 * n * w->in.nrow, sizeof(float));
    return w->scratch && w->model && w->weight && w->row_weight && w->chi2 &&
                   (w->written || !w->c->how.writes_model)
               ? MMS_OK
               : out_of_memory(err);
}

/** The polynomials beside what is left of the data. */
static void add_model(const work *w, mms_block *block, mms_group *group)
{
    mms_cells *c = mms_cells_find(group->arrays, block->narray, MMS_COL_MODEL_DATA);

    if (!c)
        c = &group->arrays[block->narray];
    *c = (mms_cells){.column = &model_column,
                     .name = MMS_COL_MODEL_DATA,
                     .ndim = 2,
                     .shape = {w->in.nchan, w->in.ncorr},
                     .nvalue = w->in.nchan * w->in.ncorr,
                     .data = w->written};
}

static const void *scalar_of(const mms_block *block, const char *name)
{
    const mms_cells *c = mms_cells_find(block->scalars, block->nscalar, name);
    return c ? c->data : NULL;
}

/** What tells rows apart in the report: of one that needs it. */
static void find_keys(work *w, const mms_block *block)
{
    w->scan = scalar_of(block, MMS_COL_SCAN_NUMBER);
    w->antenna1 = scalar_of(block, MMS_COL_ANTENNA1);
    w->antenna2 = scalar_of(block, MMS_COL_ANTENNA2);
    w->time_s = scalar_of(block, MMS_COL_TIME);
    if (!w->antenna1 || !w->antenna2 || !w->time_s)
        w->scan = NULL;
}

static mms_goodness_key key_of(const work *w, int64_t at, int32_t field, int64_t fit)
{
    const continuum *c = w->c;

    if (!w->scan)
        return (mms_goodness_key){.field = field};
    return (mms_goodness_key){.field = field,
                              .scan = w->scan[at],
                              .spw = c->spws[fit],
                              .time_s = c->last_rows ? w->time_s[at] : 0,
                              .rank = (int64_t)w->antenna1[at] << 32 | w->antenna2[at]};
}

static mms_status fit_cells(const mms_step *step, int64_t window, mms_block *block,
                            mms_group *group, mms_arena *arena, mms_error *err)
{
    work w = {.c = (const continuum *)step};
    const mms_cells *field = mms_cells_find(block->scalars, block->nscalar, MMS_COL_FIELD_ID);
    int64_t row = 0;
    mms_status st;

    MMS_TRY(field ? MMS_OK
                  : mms_fail(err, MMS_ERR_NOT_FOUND, "uvcontsub needs the column FIELD_ID"));
    find_keys(&w, block);
    MMS_TRY(mms_group_spectra(block, group, w.c->kinds, true, &w.in, err));
    MMS_TRY(make_room(&w, arena, err));
    for (int64_t i = 0; i < group->nrange; i++)
        for (int64_t k = 0; k < group->rows[i].count; k++, row++) {
            const int64_t at = group->rows[i].first + k;
            const int32_t id = ((const int32_t *)field->data)[at];
            const int64_t fit = find_fit(w.c, window, id);
            for (int c = 0; fit >= 0 && c < w.in.ncolumn; c++)
                MMS_TRY(fit_row(&w, fit, &w.in.column[c], row, key_of(&w, at, id, fit), err));
        }
    if (w.written)
        add_model(&w, block, group);
done:
    return st;
}

static void report(const mms_step *step, mms_value *answer)
{
    mms_value *found = mms_goodness_take(((const continuum *)step)->goodness);

    if (found)
        json_object_set_new(answer, "goodness", found);
}

const mms_step_kind mms_step_continuum = {.name = "continuum",
                                          .prepare = prepare,
                                          .encode = encode,
                                          .decode = decode,
                                          .close = end,
                                          .describe = describe,
                                          .report = report,
                                          .cells = fit_cells};
