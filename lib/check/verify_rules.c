/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_rules.c  What becomes of a source's cells under a request: ids, cuts, weights.
 *
 *  Written apart from the code that makes the output, so that one can show the other wrong. */
#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "against_priv.h"

mms_status mms_rank_make(mms_ids ids, mms_rank *rank, mms_error *err)
{
    *rank = (mms_rank){.given = ids.given};
    if (!ids.given)
        return MMS_OK;
    for (int64_t i = 0; i < ids.n; i++)
        rank->n = ids.ids[i] >= rank->n ? (int64_t)ids.ids[i] + 1 : rank->n;
    rank->of = mms_alloc(rank->n, sizeof *rank->of);
    if (!rank->of)
        return mms_fail(err, MMS_ERR_MEM, "selected ids: out of memory");
    for (int64_t i = 0; i < rank->n; i++)
        rank->of[i] = -1;
    for (int64_t i = 0; i < ids.n; i++)
        rank->of[ids.ids[i]] = (int32_t)i;
    return MMS_OK;
}

int64_t mms_rank_of(const mms_rank *rank, int64_t id)
{
    if (id < 0 || !rank->given)
        return id;
    return id < rank->n && rank->of[id] >= 0 ? rank->of[id] : -2;
}

bool mms_numbers_rows_of(const char *column, const char *table)
{
    const char *const end = column + strlen(column) - 3;
    const size_t n = (size_t)(end - column);
    const char *const plain = strncmp(table, "LOFAR_", 6) ? table : table + 6;

    return end > column && !strcmp(end, "_ID") &&
           ((strlen(table) == n && !strncmp(column, table, n)) ||
            (strlen(plain) == n && !strncmp(column, plain, n)));
}

const mms_rank *mms_rules_rank(const mms_rules *rules, const char *table, const char *column)
{
    static const struct {
        const char *column;
        mms_kind kind;
        bool main; /**< in the main table, too */
    } known[] = {{"DATA_DESC_ID", MMS_KIND_DD, true},
                 {"FIELD_ID", MMS_KIND_FIELD, true},
                 {"ANTENNA1", MMS_KIND_ANTENNA, true},
                 {"ANTENNA2", MMS_KIND_ANTENNA, true},
                 {"OBSERVATION_ID", MMS_KIND_OBSERVATION, true},
                 {"ARRAY_ID", MMS_KIND_ARRAY, true},
                 {"STATE_ID", MMS_KIND_STATE, true},
                 {"ANTENNA_ID", MMS_KIND_ANTENNA, false},
                 {"SPECTRAL_WINDOW_ID", MMS_KIND_SPW, false},
                 {"SOURCE_ID", MMS_KIND_SOURCE, false}};

    if (!strcmp(table, "HISTORY"))
        return NULL; // it tells of the source
    for (int64_t i = 0; i < MMS_COUNT_OF(known); i++)
        if (!strcmp(known[i].column, column) && (known[i].main || *table))
            return rules->ranks[known[i].kind].given ? &rules->ranks[known[i].kind] : NULL;
    for (int64_t i = 0; *table && i < rules->nref; i++)
        if (mms_numbers_rows_of(column, rules->refs[i].table))
            return &rules->refs[i].rank;
    return NULL;
}

mms_status mms_kept_channels(const mms_selection *selection, int32_t spw, int32_t **channels,
                             int64_t *n, mms_error *err)
{
    int64_t nrange, capacity = 0;
    const mms_channels *const ranges = mms_selection_named_channels(selection, &nrange);

    *channels = NULL;
    *n = 0;
    for (int64_t i = 0; mms_selection_cuts_channels(selection) && i < nrange; i++) {
        if (ranges[i].spw != spw)
            continue;
        for (int32_t c = ranges[i].first; c <= ranges[i].last; c += ranges[i].step) {
            const mms_status st = mms_grow(channels, &capacity, *n + 1, sizeof **channels, err);
            if (st != MMS_OK)
                return st;
            (*channels)[(*n)++] = c;
        }
    }
    return MMS_OK;
}

/** Which axes of a cell are cut, and what is left of them. */
typedef struct axes {
    int32_t chan, corr; /**< -1: none */
} axes;

static axes find_axes(const char *column, int32_t ndim)
{
    static const struct {
        const char *column;
        int32_t chan, corr; /**< from the end: -1 is the last; 0: none */
    } known[] = {{"DATA", -2, -1},           {"CORRECTED_DATA", -2, -1},
                 {"MODEL_DATA", -2, -1},     {"FLOAT_DATA", -2, -1},
                 {"LAG_DATA", -2, -1},       {"FLAG", -2, -1},
                 {"FLAG_CATEGORY", -2, -1},  {"WEIGHT_SPECTRUM", -2, -1},
                 {"SIGMA_SPECTRUM", -2, -1}, {"CORRECTED_WEIGHT_SPECTRUM", -2, -1},
                 {"IMAGING_WEIGHT", -1, 0},  {"WEIGHT", 0, -1},
                 {"SIGMA", 0, -1},           {"VIDEO_POINT", 0, -1},
                 {"CHAN_FREQ", -1, 0},       {"CHAN_WIDTH", -1, 0},
                 {"EFFECTIVE_BW", -1, 0},    {"RESOLUTION", -1, 0},
                 {"CORR_TYPE", 0, -1},       {"CORR_PRODUCT", 0, -2}};

    for (int64_t i = 0; i < MMS_COUNT_OF(known); i++)
        if (!strcmp(known[i].column, column))
            return (axes){known[i].chan ? ndim + known[i].chan : -1,
                          known[i].corr ? ndim + known[i].corr : -1};
    return (axes){-1, -1};
}

static bool fits(const mms_shape *shape, int32_t axis, int64_t want)
{
    return axis < 0 || want == 0 || shape->size[axis] == want;
}

/** Whether cells stay that could be cut: those without values, and bystanders of the data that have
 *  not the shape of their window. */
static bool stays(const mms_rules *rules, const char *column, axes cut, const mms_shape *shape)
{
    static const char *const bystanders[] = {"FLAG_CATEGORY", "CORRECTED_WEIGHT_SPECTRUM",
                                             "IMAGING_WEIGHT", "VIDEO_POINT"};
    bool is_bystander = false;

    for (int64_t i = 0; i < MMS_COUNT_OF(bystanders); i++)
        is_bystander = is_bystander || !strcmp(bystanders[i], column);
    return mms_shape_elements(shape) == 0 ||
           (is_bystander &&
            !(fits(shape, cut.chan, rules->nchan_in) && fits(shape, cut.corr, rules->ncorr_in)));
}

static bool follows(const mms_rules *rules, const char *column)
{
    return !*rules->table && rules->followers && json_object_get(rules->followers, column);
}

/** The axes of a cell that are cut. */
static axes axes_of(const mms_rules *rules, const char *column, const mms_shape *shape)
{
    axes cut = find_axes(column, shape->ndim);

    if (follows(rules, column))
        return shape->ndim == 2 && shape->size[0] == rules->nchan_in &&
                       shape->size[1] == rules->ncorr_in
                   ? (axes){0, 1}
                   : (axes){-1, -1};
    if (shape->ndim < 1 || stays(rules, column, cut, shape))
        return (axes){-1, -1};
    if (!strcmp(column, "LAG_DATA") && !fits(shape, cut.chan, rules->nchan_in))
        cut.chan = -1; // lags that are no channels
    return cut;
}

void mms_rules_shape(void *ctx, const char *column, mms_shape *shape)
{
    const mms_rules *const rules = ctx;
    const axes cut = axes_of(rules, column, shape);

    if (cut.chan >= 0 && rules->nchan)
        shape->size[cut.chan] = rules->nchan;
    if (cut.corr >= 0 && rules->ncorr)
        shape->size[cut.corr] = rules->ncorr;
}

/** A cell as [outer][chan][corr][inner bytes]; an axis that is not cut has length 1 or is outer. */
typedef struct cell_layout {
    int64_t outer, nchan, ncorr, inner;
} cell_layout;

static cell_layout layout_of(axes cut, const mms_shape *shape, size_t size)
{
    cell_layout l = {1, 1, 1, (int64_t)size};
    const int32_t first = cut.chan >= 0 ? cut.chan : cut.corr;
    const int32_t last = cut.corr >= 0 ? cut.corr : cut.chan;

    for (int32_t i = 0; i < shape->ndim; i++) {
        if (i == cut.chan)
            l.nchan = shape->size[i];
        else if (i == cut.corr)
            l.ncorr = shape->size[i];
        else if (i < first)
            l.outer *= shape->size[i];
        else if (i > last)
            l.inner *= shape->size[i];
    }
    return l;
}

static void cut_cells(const mms_rules *rules, axes cut, const mms_shape *shape, size_t size,
                      int64_t n, const uint8_t *in, uint8_t *out)
{
    const cell_layout l = layout_of(cut, shape, size);
    const bool some_chans = cut.chan >= 0 && rules->nchan;
    const bool some_corrs = cut.corr >= 0 && rules->ncorr;
    const int64_t nchan = some_chans ? rules->nchan : l.nchan;
    const int64_t ncorr = some_corrs ? rules->ncorr : l.ncorr;

    for (int64_t o = 0; o < n * l.outer; o++)
        for (int64_t c = 0; c < nchan; c++)
            for (int64_t p = 0; p < ncorr; p++, out += l.inner) {
                const int64_t chan = some_chans ? rules->chans[c] : c;
                const int64_t corr = some_corrs ? rules->corrs[p] : p;
                if (chan >= l.nchan || corr >= l.ncorr) {
                    memset(out, 0, (size_t)l.inner); // the source lacks it: a difference
                    continue;
                }
                const int64_t at = ((o * l.nchan + chan) * l.ncorr + corr) * l.inner;
                memcpy(out, in + at, (size_t)l.inner);
            }
}

/** Values of the weights' other form, in single precision. */
static void derive(const mms_rules *rules, int64_t n, float *values)
{
    for (int64_t i = 0; i < n; i++) {
        const double v = (double)values[i];
        if (rules->sigma)
            values[i] = values[i] > FLT_MIN ? (float)(1.0 / sqrt(v)) : -1.0f;
        else
            values[i] = values[i] > FLT_MIN ? (float)(1.0 / (v * v)) : 0.0f;
    }
}

static bool is_derived(const mms_rules *rules, const char *column)
{
    const char *const one = rules->sigma ? "SIGMA" : "WEIGHT";
    const char *const spectrum = rules->sigma ? "SIGMA_SPECTRUM" : "WEIGHT_SPECTRUM";

    return (rules->sigma || rules->weight) &&
           (!strcmp(column, one) || (!strcmp(column, spectrum) && !rules->spectra_stay));
}

bool mms_rules_changes(void *ctx, const char *column)
{
    const mms_rules *const rules = ctx;
    const axes cut = find_axes(column, MMS_MAX_DIM);

    return (follows(rules, column) && (rules->nchan || rules->ncorr)) ||
           (cut.chan >= 0 && rules->nchan) || (cut.corr >= 0 && rules->ncorr) ||
           is_derived(rules, column) || mms_rules_rank(rules, rules->table, column);
}

void mms_rules_cells(void *ctx, const char *column, const mms_shape *shape, mms_dtype dtype,
                     int64_t n, const void *in, void *out)
{
    const mms_rules *const rules = ctx;
    const axes cut = axes_of(rules, column, shape);
    const mms_rank *const rank = mms_rules_rank(rules, rules->table, column);
    mms_shape kept = *shape;

    mms_rules_shape(ctx, column, &kept);
    if (rank && dtype == MMS_DT_INT && shape->ndim == 0) {
        for (int64_t i = 0; i < n; i++)
            ((int32_t *)out)[i] = (int32_t)mms_rank_of(rank, ((const int32_t *)in)[i]);
        return;
    }
    if (cut.chan >= 0 || cut.corr >= 0)
        cut_cells(rules, cut, shape, mms_dtype_size(dtype), n, in, out);
    else
        memcpy(out, in, (size_t)(n * mms_shape_elements(shape)) * mms_dtype_size(dtype));
    if (is_derived(rules, column) && dtype == MMS_DT_FLOAT)
        derive(rules, n * mms_shape_elements(&kept), out);
}
