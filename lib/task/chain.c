/** @file chain.c  Transform blocks: from cells to spectra and back (transform-numerics 2). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "chain_priv.h"

const mms_kind_column mms_kind_columns[MMS_MAX_KINDS] = {{"DATA", MMS_KIND_DATA},
                                                         {"CORRECTED_DATA", MMS_KIND_CORRECTED},
                                                         {"MODEL_DATA", MMS_KIND_MODEL},
                                                         {"FLOAT_DATA", MMS_KIND_FLOAT}};

static const mms_column spectrum_columns[MMS_SPARE_ARRAYS] = {
    {.name = "WEIGHT_SPECTRUM", .dtype = MMS_DT_FLOAT, .ndim = 2, .manager = "", .group = ""},
    {.name = "SIGMA_SPECTRUM", .dtype = MMS_DT_FLOAT, .ndim = 2, .manager = "", .group = ""}};

struct mms_chain {
    unsigned kinds;
    mms_numerics numerics;
    mms_weight_rule rule;
    bool in_spectrum, out_spectra, time_averaged;
    int64_t nwindow, nddid;
    mms_spectral_plan **plans; /**< by window; NULL: its spectra stay */
    int32_t *window_of;        /**< by DDID */
};

static int64_t integer(const mms_value *value, const char *key)
{
    return json_integer_value(json_object_get(value, key));
}

/** The channels' frequencies do not matter to apply: the client has prepared the window's row. */
static mms_status prepare_window(const mms_chain *c, const mms_value *window,
                                 mms_spectral_plan **plan, mms_error *err)
{
    mms_spectral_opts opts = MMS_SPECTRAL_OPTS_INIT;
    const mms_value *ranges = json_object_get(window, "ranges");
    const int64_t nchan = integer(window, "nchan");
    double *zeros = mms_alloc(nchan, sizeof *zeros);
    mms_channels *list = mms_alloc((int64_t)json_array_size(ranges), sizeof *list);
    const mms_spectral_axis axis = {nchan, zeros, zeros, zeros, zeros, 0, 0};
    size_t i;
    mms_value *range;
    mms_status st = MMS_OK;

    opts.spw = (int32_t)integer(window, "spw");
    opts.chanbin = integer(window, "chanbin");
    opts.hanning = json_is_true(json_object_get(window, "hanning"));
    opts.numerics = c->numerics;
    opts.kinds = c->kinds;
    opts.weight_spectrum = c->in_spectrum;
    opts.time_averaged = c->time_averaged;
    opts.ranges = list;
    opts.nrange = (int64_t)json_array_size(ranges);
    if (!zeros || !list)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "spw %d: out of memory", (int)opts.spw));
    json_array_foreach(ranges, i, range) list[i] =
        (mms_channels){opts.spw, (int32_t)json_integer_value(json_array_get(range, 0)),
                       (int32_t)json_integer_value(json_array_get(range, 1)),
                       (int32_t)json_integer_value(json_array_get(range, 2))};
    if (opts.chanbin > 0 || opts.hanning)
        st = mms_spectral_prepare(&axis, &opts, plan, err);
done:
    free(zeros);
    free(list);
    return st;
}

static mms_status read_windows(mms_chain *c, const mms_value *windows, mms_error *err)
{
    size_t i, k;
    mms_value *window, *ddid;

    c->nwindow = (int64_t)json_array_size(windows);
    c->plans = mms_alloc(c->nwindow, sizeof(void *));
    json_array_foreach(windows, i, window) json_array_foreach(
        json_object_get(window, "ddids"), k, ddid) if (json_integer_value(ddid) >= c->nddid)
        c->nddid = json_integer_value(ddid) + 1;
    c->window_of = mms_alloc(c->nddid, sizeof *c->window_of);
    if (!c->plans || !c->window_of)
        return mms_fail(err, MMS_ERR_MEM, "windows: out of memory");
    json_array_foreach(windows, i, window)
    {
        json_array_foreach(json_object_get(window, "ddids"), k, ddid)
            c->window_of[json_integer_value(ddid)] = (int32_t)i;
        const mms_status st = prepare_window(c, window, &c->plans[i], err);
        if (st != MMS_OK)
            return st;
    }
    return MMS_OK;
}

mms_status mms_chain_open(const mms_value *value, mms_chain **out, mms_error *err)
{
    mms_chain *c = calloc(1, sizeof *c);
    mms_status st;

    *out = c;
    if (!c)
        return mms_fail(err, MMS_ERR_MEM, "chain: out of memory");
    c->kinds = (unsigned)integer(value, "kinds");
    c->numerics =
        json_is_true(json_object_get(value, "exact")) ? MMS_NUMERICS_EXACT : MMS_NUMERICS_CASA;
    c->rule = (mms_weight_rule)integer(value, "rule");
    c->in_spectrum = json_is_true(json_object_get(value, "in_spectrum"));
    c->time_averaged = json_object_get(value, "time") != NULL;
    c->out_spectra = json_is_true(json_object_get(value, "out_spectra"));
    st = read_windows(c, json_object_get(value, "windows"), err);
    if (st != MMS_OK)
        mms_chain_close(out);
    return st;
}

void mms_chain_close(mms_chain **chain)
{
    mms_chain *c = *chain;

    *chain = NULL;
    if (!c)
        return;
    for (int64_t i = 0; c->plans && i < c->nwindow; i++)
        mms_spectral_plan_free(&c->plans[i]);
    free(c->plans);
    free(c->window_of);
    free(c);
}

/** Whether the data columns are transformed; without that weights alone are. */
static bool transforms_data(const mms_chain *c)
{
    for (int64_t i = 0; i < c->nwindow; i++)
        if (c->plans[i])
            return true;
    return c->time_averaged;
}

bool mms_chain_needs(const mms_chain *c, const char *column)
{
    static const char *const always[] = {"FLAG", "WEIGHT", "SIGMA", "WEIGHT_SPECTRUM",
                                         "SIGMA_SPECTRUM"};

    if (transforms_data(c))
        return true;
    for (int64_t i = 0; i < MMS_COUNT_OF(always); i++)
        if (!strcmp(column, always[i]))
            return c->kinds != 0;
    return false;
}

static mms_cells *find_defined(const mms_block *block, const mms_group *group, const char *column)
{
    mms_cells *c = mms_cells_find(group->arrays, block->narray, column);
    return c && c->ndim >= 0 ? c : NULL;
}

/** The data of a column's cells, which have n values each; a missing column is NULL unless needed.
 */
static mms_status data_of(const mms_block *block, const mms_group *group, const char *column,
                          int64_t n, bool needed, void *out, mms_error *err)
{
    const mms_cells *c = find_defined(block, group, column);

    memset(out, 0, sizeof(void *));
    if (!c)
        return needed ? mms_fail(err, MMS_ERR_TABLE,
                                 "DATA_DESC_ID %" PRId32 ": %s has no value in a "
                                 "row",
                                 group->ddid, column)
                      : MMS_OK;
    if (c->nvalue != n)
        return mms_fail(err, MMS_ERR_SHAPE,
                        "DATA_DESC_ID %" PRId32 ": %s has %" PRId64
                        " values where FLAG asks for %" PRId64,
                        group->ddid, column, c->nvalue, n);
    memcpy(out, &c->data, sizeof c->data);
    return MMS_OK;
}

mms_status mms_group_spectra(const mms_block *block, const mms_group *group, unsigned kinds,
                             bool spectra, mms_spectra *x, mms_error *err)
{
    const mms_cells *flag = find_defined(block, group, "FLAG");
    mms_status st;

    if (!flag || flag->ndim != 2)
        return mms_fail(err, MMS_ERR_TABLE, "DATA_DESC_ID %" PRId32 ": FLAG has no value in a row",
                        group->ddid);
    *x = (mms_spectra){.nrow = group->nrow, .nchan = flag->shape[0], .ncorr = flag->shape[1]};
    const int64_t n = x->nchan * x->ncorr;
    x->flag = flag->data;
    MMS_TRY(data_of(block, group, "WEIGHT", x->ncorr, true, &x->weight, err));
    MMS_TRY(data_of(block, group, "SIGMA", x->ncorr, true, &x->sigma, err));
    for (int i = 0; i < MMS_MAX_KINDS; i++) {
        const mms_kind_column *k = &mms_kind_columns[i];
        mms_spectra_column *c = &x->column[x->ncolumn];
        if (!(kinds & MMS_KIND_BIT(k->kind)))
            continue;
        *c = (mms_spectra_column){k->kind, k->kind == MMS_KIND_FLOAT, NULL};
        MMS_TRY(data_of(block, group, k->column, n, true, &c->data, err));
        x->ncolumn++;
    }
    if (spectra) {
        MMS_TRY(data_of(block, group, "WEIGHT_SPECTRUM", n, false, &x->weight_spectrum, err));
        MMS_TRY(data_of(block, group, "SIGMA_SPECTRUM", n, false, &x->sigma_spectrum, err));
    }
done:
    return st;
}

/** A group's cells while they are transformed. */
typedef struct work {
    const mms_chain *chain;
    mms_reader *reader;
    mms_block *block;
    mms_group *group;
    const mms_spectral_plan *plan; /**< NULL: weights alone change */
    mms_spectra in, out;
} work;

static mms_cells *find(const work *w, const char *column)
{
    return find_defined(w->block, w->group, column);
}

static mms_status make(const work *w, int64_t bytes, void *out, mms_error *err)
{
    void *memory = mms_reader_scratch(w->reader, bytes);

    memcpy(out, &memory, sizeof memory);
    return memory ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "block: out of memory");
}

/** Arrays of nchan channels for the output; a plain split writes data and flags in place. */
static mms_status make_out(work *w, int64_t nchan, bool data, mms_error *err)
{
    mms_spectra *out = &w->out;
    const int64_t row = w->in.nrow * w->in.ncorr, cells = row * nchan;
    mms_status st;

    *out = w->in;
    out->nchan = nchan;
    out->weight_spectrum = out->sigma_spectrum = NULL;
    for (int i = 0; data && i < out->ncolumn; i++)
        MMS_TRY(make(w, cells * (out->column[i].real ? 4 : 8), &out->column[i].data, err));
    if (data)
        MMS_TRY(make(w, cells, &out->flag, err));
    MMS_TRY(make(w, row * 4, &out->weight, err));
    MMS_TRY(make(w, row * 4, &out->sigma, err));
    if (w->chain->out_spectra) {
        MMS_TRY(make(w, cells * 4, &out->weight_spectrum, err));
        MMS_TRY(make(w, cells * 4, &out->sigma_spectrum, err));
    }
    return MMS_OK;
done:
    return st;
}

static void set_cells(mms_cells *c, int32_t ndim, int64_t nchan, int64_t ncorr, void *data)
{
    c->ndim = ndim;
    c->shape[0] = ndim == 2 ? nchan : ncorr;
    c->shape[1] = ndim == 2 ? ncorr : 0;
    c->nvalue = ndim == 2 ? nchan * ncorr : ncorr;
    c->data = data;
}

/** Cells that the chain does not know lose their values when the channels change. */
static mms_status clear_others(work *w, mms_error *err)
{
    mms_cells *category = find(w, "FLAG_CATEGORY"), *imaging = find(w, "IMAGING_WEIGHT");
    mms_cells *corrected = find(w, "CORRECTED_WEIGHT_SPECTRUM");

    if (imaging)
        imaging->ndim = -1;
    if (corrected)
        corrected->ndim = -1;
    if (!category || category->ndim != 3 || w->in.nchan == w->out.nchan)
        return MMS_OK;
    category->shape[1] = w->out.nchan; // [N][K][C], all F (transform-numerics 8)
    category->nvalue = category->shape[0] * w->out.nchan * w->out.ncorr;
    const mms_status st = make(w, category->nvalue * w->in.nrow, &category->data, err);
    if (st == MMS_OK)
        memset(category->data, 0, (size_t)(category->nvalue * w->in.nrow));
    return st;
}

/** The spectra go to the column of the input, or to one that is added. */
static mms_cells *spectrum_cells(work *w, int which)
{
    mms_cells *c = mms_cells_find(w->group->arrays, w->block->narray, spectrum_columns[which].name);

    if (c)
        return c;
    for (int i = 0; i < MMS_SPARE_ARRAYS; i++) {
        c = &w->group->arrays[w->block->narray + i];
        if (!c->column || c->column == &spectrum_columns[which])
            break;
    }
    c->column = &spectrum_columns[which];
    c->name = c->column->name;
    return c;
}

static const char *column_of(mms_data_kind kind)
{
    int i = 0;
    while (mms_kind_columns[i].kind != kind)
        i++;
    return mms_kind_columns[i].column;
}

static void scatter(work *w)
{
    const mms_spectra *out = &w->out;
    void *const spectra[MMS_SPARE_ARRAYS] = {out->weight_spectrum, out->sigma_spectrum};

    for (int i = 0; i < out->ncolumn; i++)
        set_cells(find(w, column_of(out->column[i].kind)), 2, out->nchan, out->ncorr,
                  out->column[i].data);
    set_cells(find(w, "FLAG"), 2, out->nchan, out->ncorr, out->flag);
    set_cells(find(w, "WEIGHT"), 1, 0, out->ncorr, out->weight);
    set_cells(find(w, "SIGMA"), 1, 0, out->ncorr, out->sigma);
    for (int i = 0; i < MMS_SPARE_ARRAYS; i++) {
        mms_cells *left = find(w, spectrum_columns[i].name);
        if (w->chain->out_spectra)
            set_cells(spectrum_cells(w, i), 2, out->nchan, out->ncorr, spectra[i]);
        else if (left)
            left->name = NULL; // made by the time average, not asked for
    }
}

static mms_status transform_group(work *w, mms_error *err)
{
    const mms_chain *c = w->chain;
    void *scratch;
    mms_status st;

    w->plan = c->plans[c->window_of[w->group->ddid]];
    MMS_TRY(mms_group_spectra(w->block, w->group, transforms_data(c) ? c->kinds : 0,
                              c->in_spectrum || c->time_averaged, &w->in, err));
    MMS_TRY(
        make_out(w, w->plan ? mms_spectral_nchan_out(w->plan) : w->in.nchan, w->plan != NULL, err));
    if (w->plan) {
        MMS_TRY(make(w, mms_spectral_scratch(w->plan, w->in.ncorr), &scratch, err));
        MMS_TRY(mms_spectral_apply(w->plan, &w->in, &w->out, scratch, err));
        MMS_TRY(clear_others(w, err));
    } else
        mms_split_weights(c->rule, c->numerics, &w->in, &w->out);
    scatter(w);
done:
    return st;
}

mms_status mms_chain_apply(const mms_chain *chain, mms_reader *reader, mms_block *block,
                           mms_error *err)
{
    mms_status st = MMS_OK;
    int64_t added = 0;

    for (int64_t i = 0; st == MMS_OK && i < block->ngroup; i++) {
        work w = {.chain = chain, .reader = reader, .block = block, .group = &block->groups[i]};
        if (chain->kinds)
            st = transform_group(&w, err);
        for (added = 0; added < MMS_SPARE_ARRAYS; added++)
            if (!w.group->arrays[block->narray + added].column)
                break;
    }
    block->narray += added; // the same in each group
    return st;
}
