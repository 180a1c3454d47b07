/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file continuum.c  The step that subtracts polynomials in frequency (transform-numerics 7.1). */
#include "transform/continuum.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "continuum_groups_priv.h"
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
    mms_continuum_terms *terms;   /**< of each, where rows are fitted together */
    mms_continuum_groups *groups; /**< of the part whose rows were seen */
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
    for (int64_t i = 0; c->terms && i < c->n; i++) {
        free((void *)c->terms[i].term);
        free((void *)c->terms[i].fitted);
    }
    mms_continuum_groups_free(&c->groups);
    free(c->terms);
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
    c->terms = mms_alloc(n, sizeof *c->terms);
    c->goodness = mms_goodness_new();
    ok = c->windows && c->fits && c->spws && c->terms && c->goodness;
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

static bool gathers(const mms_step *step)
{
    const continuum *c = (const continuum *)step;

    return c->how.across_windows || c->how.solint_s > 0;
}

/** The lowest and the highest frequency of the windows that are fitted with one. */
static void find_range(const continuum *c, const mms_form *in, int64_t one, double *low,
                       double *high)
{
    const bool all = c->how.across_windows;

    *low = *high = in->windows[c->windows[one].window].axis.freq_hz[0];
    for (int64_t i = all ? 0 : one; i < (all ? c->n : one + 1); i++) {
        const mms_spectral_axis *axis = &in->windows[c->windows[i].window].axis;
        for (int64_t k = 0; k < axis->nchan; k++) {
            *low = axis->freq_hz[k] < *low ? axis->freq_hz[k] : *low;
            *high = axis->freq_hz[k] > *high ? axis->freq_hz[k] : *high;
        }
    }
}

/** What the fits of several rows need of a window. */
static mms_status make_terms(continuum *c, const mms_form *in, int64_t i, mms_error *err)
{
    const mms_spectral_axis *axis = &in->windows[c->windows[i].window].axis;
    const int64_t nterm = c->windows[i].order + 1;
    double *const term = mms_alloc(nterm * axis->nchan, sizeof *term), low, high;
    uint8_t *const fitted = mms_alloc(axis->nchan, 1);
    int64_t first = -1, last = -1;

    c->terms[i] = (mms_continuum_terms){axis->nchan, nterm, 0, term, fitted};
    if (!term || !fitted)
        return out_of_memory(err);
    find_range(c, in, i, &low, &high);
    mms_continuum_chebyshev(axis->nchan, axis->freq_hz, low, high, nterm, term);
    for (int64_t k = 0; k < axis->nchan; k++) {
        fitted[k] = c->windows[i].fitted[k] == '1';
        first = fitted[k] && first < 0 ? k : first;
        last = fitted[k] ? k : last;
    }
    c->terms[i].span = last - first + 1;
    return MMS_OK;
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
        st = gathers(step) ? make_terms(c, in, i, err)
                           : mms_continuum_create(&opts, &c->fits[i], err);
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
    *out = json_pack("{so sI sb sb sb sb sb sf}", "windows", windows, "niter",
                     (json_int_t)c->how.niter, "keeps_fit", (int)c->how.keeps_fit, "writes_model",
                     (int)c->how.writes_model, "plain", (int)c->how.plain, "across_windows",
                     (int)c->how.across_windows, "across_scans", (int)c->how.across_scans,
                     "solint_s", c->how.solint_s);
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
    int keeps_fit, writes_model, plain, windows_too, scans_too;
    double solint_s;
    mms_value *list;
    mms_status st = MMS_OK;

    *out = NULL;
    if (json_unpack_ex((mms_value *)value, &error, 0, "{so sI sb sb sb sb sb sF}", "windows", &list,
                       "niter", &niter, "keeps_fit", &keeps_fit, "writes_model", &writes_model,
                       "plain", &plain, "across_windows", &windows_too, "across_scans", &scans_too,
                       "solint_s", &solint_s) != 0)
        return mms_fail(err, MMS_ERR_INTERNAL, "step continuum: %s", error.text);
    how = (mms_continuum_how){niter,       keeps_fit, writes_model, plain,
                              windows_too, scans_too, solint_s};
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
    double *coefficient;                       /**< of a group */
    float *written;                            /**< MODEL_DATA of the group, or NULL */
    const int32_t *scan, *antenna1, *antenna2; /**< of the rows; scan NULL: not judged */
    const double *time_s;
    const int32_t *field, *array, *observation;
} work;

/** One of its rows, and the fit that is for it. */
typedef struct place {
    int64_t row, at; /**< of the group, of the block */
    int64_t fit;
} place;

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

/** Which entry of the report a row belongs to. */
static mms_goodness_key key_of(const work *w, const place *p)
{
    const int64_t at = p->at;

    return (mms_goodness_key){.field = w->field[at],
                              .scan = w->scan[at],
                              .spw = w->c->spws[p->fit],
                              .time_s = w->c->last_rows ? w->time_s[at] : 0,
                              .rank = (int64_t)w->antenna1[at] << 32 | w->antenna2[at]};
}

/** Add the chi squared of a row to the others.  A series without a point gives way to any other of
 *  its time. */
static mms_status judge_row(const work *w, const mms_continuum_row *row, mms_goodness_key key,
                            mms_error *err)
{
    const int64_t rank = key.rank;
    mms_status st = MMS_OK;

    mms_goodness_lock(w->c->goodness);
    for (key.corr = 0; key.corr < row->ncorr && st == MMS_OK; key.corr++) {
        const double *found = row->chi2 + (int64_t)key.corr * row->nfloat;
        const bool none = found[0] < 0;
        const double chi2[2] = {none ? 0 : found[0], row->nfloat > 1 && !none ? found[1] : 0};
        key.rank = none ? -1 : rank;
        st = mms_goodness_add(w->c->goodness, key, chi2, err);
    }
    mms_goodness_unlock(w->c->goodness);
    return st;
}

static int32_t id_at(const int32_t *ids, int64_t at)
{
    return ids ? ids[at] : 0;
}

/** What tells rows apart that are fitted together. */
static mms_continuum_key group_key(const work *w, const place *p)
{
    return (mms_continuum_key){.field = w->field[p->at],
                               .scan = id_at(w->scan, p->at),
                               .array = id_at(w->array, p->at),
                               .observation = id_at(w->observation, p->at),
                               .antenna1 = id_at(w->antenna1, p->at),
                               .antenna2 = id_at(w->antenna2, p->at),
                               .ncorr = (int32_t)w->in.ncorr,
                               .window = (int32_t)w->c->windows[p->fit].window,
                               .time_s = w->time_s ? w->time_s[p->at] : 0};
}

/** The polynomial of the row's group; *fitted: it has one. */
static mms_status evaluate(const work *w, const place *p, float *model, bool *fitted,
                           mms_error *err)
{
    const mms_continuum_key key = group_key(w, p);
    const mms_status st = mms_continuum_groups_find(w->c->groups, &key, w->coefficient, err);

    *fitted = st == MMS_OK && !isnan(w->coefficient[0]);
    if (*fitted)
        mms_continuum_evaluate(&w->c->terms[p->fit], w->in.ncorr, w->coefficient, model);
    else
        memset(model, 0, (size_t)(2 * w->in.nchan * w->in.ncorr) * sizeof *model);
    return st;
}

static mms_status fit_row(work *w, const place *p, const mms_spectra_column *column, mms_error *err)
{
    const mms_spectra *in = &w->in;
    const int64_t r = p->row;
    const int nfloat = column->real ? 1 : 2;
    const int64_t n = in->nchan * in->ncorr;
    float *const data = (float *)column->data + r * n * nfloat;
    mms_continuum_row row = {.ncorr = in->ncorr,
                             .nfloat = nfloat,
                             .data = data,
                             .flag = in->flag + r * n,
                             .chi2 = w->chi2};
    float *const model = w->written ? w->written + r * n * nfloat : w->model;
    bool fitted = false;
    mms_status st = MMS_OK;

    take_weights(w, column->kind, r, &row);
    if (w->c->groups)
        st = evaluate(w, p, model, &fitted, err);
    else
        fitted = mms_continuum_fit(w->c->fits[p->fit], &row, model, w->scratch);
    if (w->scan && !w->c->groups)
        st = judge_row(w, &row, key_of(w, p), err);
    if (!fitted && w->c->how.plain) // as CASA's old task
        memset(in->flag + r * n, 1, (size_t)n);
    for (int64_t i = 0; i < n * nfloat; i++)
        data[i] = w->c->how.keeps_fit ? model[i] : data[i] - model[i];
    return st;
}

static mms_status make_room(work *w, mms_arena *arena, mms_error *err)
{
    const int64_t n = w->in.nchan * w->in.ncorr;
    int64_t most = 1;

    for (int64_t i = 0; !gathers(&w->c->step) && i < w->c->n; i++) {
        const int64_t bytes = mms_continuum_scratch(w->c->fits[i]);
        most = bytes > most ? bytes : most;
    }
    w->scratch = mms_arena_get(arena, most, 1);
    w->model = mms_arena_get(arena, 2 * n, sizeof(float));
    w->weight = mms_arena_get(arena, n, sizeof(float));
    w->row_weight = mms_arena_get(arena, w->in.ncorr, sizeof(float));
    w->chi2 = mms_arena_get(arena, 2 * w->in.ncorr, sizeof(double));
    w->coefficient =
        mms_arena_get(arena, 2 * MMS_CONTINUUM_CORRS * w->c->terms[0].nterm, sizeof(double));
    if (w->c->how.writes_model)
        w->written = mms_arena_zeros(arena, 2 * n * w->in.nrow, sizeof(float));
    return w->scratch && w->model && w->weight && w->row_weight && w->chi2 && w->coefficient &&
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
    w->field = scalar_of(block, MMS_COL_FIELD_ID);
    w->array = scalar_of(block, MMS_COL_ARRAY_ID);
    w->observation = scalar_of(block, MMS_COL_OBSERVATION_ID);
    if (!w->antenna1 || !w->antenna2 || !w->time_s)
        w->scan = NULL;
}

/** Do the same for each row that a fit is for. */
static mms_status do_rows(work *w, int64_t window, const mms_block *block, const mms_group *group,
                          mms_status (*row)(work *, const place *, const mms_spectra_column *,
                                            mms_error *),
                          mms_arena *arena, mms_error *err)
{
    place p = {0};
    mms_status st;

    find_keys(w, block);
    MMS_TRY(w->field ? MMS_OK
                     : mms_fail(err, MMS_ERR_NOT_FOUND, "uvcontsub needs the column FIELD_ID"));
    MMS_TRY(mms_group_spectra(block, group, w->c->kinds, true, &w->in, err));
    MMS_TRY(make_room(w, arena, err));
    for (int64_t i = 0; i < group->nrange; i++)
        for (int64_t k = 0; k < group->rows[i].count; k++, p.row++) {
            p.at = group->rows[i].first + k;
            p.fit = find_fit(w->c, window, w->field[p.at]);
            for (int c = 0; p.fit >= 0 && c < w->in.ncolumn; c++)
                MMS_TRY(row(w, &p, &w->in.column[c], err));
        }
done:
    return st;
}

static mms_status fit_cells(const mms_step *step, int64_t window, mms_block *block,
                            mms_group *group, mms_arena *arena, mms_error *err)
{
    work w = {.c = (const continuum *)step};
    mms_status st = do_rows(&w, window, block, group, fit_row, arena, err);

    if (st == MMS_OK && w.written)
        add_model(&w, block, group);
    return st;
}

/* ---- rows that are fitted together ------------------------------------------------------------*/

static mms_status gather_begin(mms_step *step, const char *near, int64_t memory, mms_error *err)
{
    continuum *c = (continuum *)step;

    mms_continuum_groups_free(&c->groups);
    return mms_continuum_groups_create(near, memory, c->terms[0].nterm, &c->how, &c->groups, err);
}

static mms_status gather_row(work *w, const place *p, const mms_spectra_column *column,
                             mms_error *err)
{
    const int64_t at = p->row * w->in.nchan * w->in.ncorr;
    const mms_continuum_key key = group_key(w, p);
    mms_continuum_row row = {0};

    if (column->real)
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "continuum: FLOAT_DATA of several rows");
    take_weights(w, column->kind, p->row, &row);
    return mms_continuum_groups_add(w->c->groups, &key, &w->c->terms[p->fit],
                                    (const float *)column->data + 2 * at, w->in.flag + at,
                                    row.row_weight, err);
}

static mms_status gather(mms_step *step, int64_t window, mms_block *block, mms_group *group,
                         mms_arena *arena, mms_error *err)
{
    work w = {.c = (const continuum *)step};

    return do_rows(&w, window, block, group, gather_row, arena, err);
}

static mms_status gather_end(mms_step *step, mms_error *err)
{
    return mms_continuum_groups_solve(((continuum *)step)->groups, err);
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
                                          .gathers = gathers,
                                          .gather_begin = gather_begin,
                                          .gather = gather,
                                          .gather_end = gather_end,
                                          .cells = fit_cells};
