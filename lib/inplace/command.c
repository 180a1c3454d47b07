/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file command.c  One flag command: its parameters, its selection, its channels and products. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base_priv.h"
#include "flag_priv.h"
#include "ms/columns.h"
#include "ms/model.h"
#include "multims/log.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

/* ---- the set ----------------------------------------------------------------------------------*/

/** A sub-table, borrowed: it stays open with the set, so that casacore has it for whoever opens it
 *  again.  *table is NULL where it is missing and optional. */
static mms_status use_table(mms_flag_set *set, const char *name, bool optional, mms_table **table,
                            mms_error *err)
{
    const char *path = mms_ms_subtable(set->ms, name);
    mms_status st;

    *table = NULL;
    if (!path)
        return optional ? MMS_OK
                        : mms_fail(err, MMS_ERR_NOT_FOUND, "%s has no sub-table %s",
                                   mms_ms_path(set->ms), name);
    assert(set->ntable < MMS_COUNT_OF(set->tables));
    st = mms_table_open(path, MMS_TABLE_READ, table, err);
    if (st == MMS_OK)
        set->tables[set->ntable++] = *table;
    return st;
}

static mms_status read_texts(mms_table *table, const char *column, mms_value **texts,
                             mms_error *err)
{
    mms_status st = MMS_OK;

    *texts = json_array();
    for (int64_t i = 0; table && i < mms_table_nrow(table); i++) {
        mms_value *text = NULL;
        MMS_TRY(mms_table_get_cell(table, column, i, &text, err));
        json_array_append_new(*texts, text);
    }
done:
    return st;
}

static mms_status read_antennas(mms_flag_set *set, mms_error *err)
{
    mms_table *table;
    mms_value *cell = NULL;
    mms_status st;

    MMS_TRY(use_table(set, "ANTENNA", false, &table, err));
    MMS_TRY(read_texts(table, "NAME", &set->antennas, err));
    set->nantenna = mms_table_nrow(table);
    MMS_TRY(mms_table_get_doubles(table, "DISH_DIAMETER", &set->diameters, err));
    set->positions = mms_alloc(set->nantenna, sizeof *set->positions);
    MMS_TRY(set->positions ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < set->nantenna; i++) {
        MMS_TRY(mms_table_get_cell(table, "POSITION", i, &cell, err));
        for (size_t k = 0; k < 3; k++)
            set->positions[i][k] = json_number_value(json_array_get(cell, k));
        mms_value_free(&cell);
    }
done:
    return st;
}

/** The names of fields, and the types of processors where there are any. */
static mms_status read_names(mms_flag_set *set, mms_error *err)
{
    mms_table *fields, *processors;
    mms_status st;

    MMS_TRY(use_table(set, "FIELD", false, &fields, err));
    MMS_TRY(read_texts(fields, "NAME", &set->fields, err));
    MMS_TRY(use_table(set, "PROCESSOR", true, &processors, err));
    MMS_TRY(read_texts(processors, "TYPE", &set->processors, err));
done:
    return st;
}

static mms_status read_window(mms_table *pols, int32_t pol, mms_flag_window *w, mms_error *err)
{
    mms_value *types = NULL;
    mms_status st = mms_table_get_cell(pols, "CORR_TYPE", pol, &types, err);

    if (st == MMS_OK && (json_array_size(types) < 1 || json_array_size(types) > 8))
        st = mms_fail(err, MMS_ERR_SHAPE, "%s: row %d has %zu correlations", mms_table_path(pols),
                      pol, json_array_size(types));
    w->ncorr = st == MMS_OK ? (int32_t)json_array_size(types) : 0;
    for (int32_t i = 0; i < w->ncorr; i++)
        w->names[i] =
            mms_correlation_name((int32_t)json_integer_value(json_array_get(types, (size_t)i)));
    mms_value_free(&types);
    return st;
}

static mms_status read_windows(mms_flag_set *set, mms_error *err)
{
    mms_table *dds, *spws, *pols;
    int32_t *spw = NULL, *pol = NULL, *nchan = NULL;
    mms_status st;

    MMS_TRY(use_table(set, "DATA_DESCRIPTION", false, &dds, err));
    MMS_TRY(use_table(set, "SPECTRAL_WINDOW", false, &spws, err));
    MMS_TRY(use_table(set, "POLARIZATION", false, &pols, err));
    MMS_TRY(mms_table_get_ints(dds, "SPECTRAL_WINDOW_ID", &spw, err));
    MMS_TRY(mms_table_get_ints(dds, "POLARIZATION_ID", &pol, err));
    MMS_TRY(mms_table_get_ints(spws, "NUM_CHAN", &nchan, err));
    set->nwindow = mms_table_nrow(dds);
    set->windows = mms_alloc(set->nwindow, sizeof *set->windows);
    MMS_TRY(set->windows ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < set->nwindow; i++) {
        if (spw[i] < 0 || spw[i] >= mms_table_nrow(spws) || pol[i] < 0 ||
            pol[i] >= mms_table_nrow(pols))
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE,
                             "%s: row %" PRId64 " names spw %d and polarization %d, which are not "
                             "there",
                             mms_table_path(dds), i, spw[i], pol[i]));
        set->windows[i].spw = spw[i];
        set->windows[i].nchan = nchan[spw[i]];
        MMS_TRY(read_window(pols, pol[i], &set->windows[i], err));
    }
done:
    free(spw);
    free(pol);
    free(nchan);
    return st;
}

mms_status mms_flag_set_open(mms_ms *ms, mms_flag_set *set, mms_error *err)
{
    mms_status st;

    *set = (mms_flag_set){.ms = ms};
    MMS_TRY(read_windows(set, err));
    MMS_TRY(read_antennas(set, err));
    MMS_TRY(read_names(set, err));
    set->field_table = strdup(mms_ms_subtable(ms, "FIELD"));
    MMS_TRY(set->field_table ? MMS_OK : no_memory(err));
done:
    return st;
}

void mms_flag_set_close(mms_flag_set *set)
{
    for (int64_t i = 0; i < set->ntable; i++)
        mms_table_drop(&set->tables[i]);
    free(set->windows);
    free(set->positions);
    free(set->diameters);
    free(set->field_table);
    mms_value_free(&set->antennas);
    mms_value_free(&set->fields);
    mms_value_free(&set->processors);
    *set = (mms_flag_set){0};
}

/* ---- parameters -------------------------------------------------------------------------------*/

static double number_of(const mms_value *v, const char *key)
{
    return json_number_value(json_object_get(v, key));
}

static bool truth_of(const mms_value *v, const char *key)
{
    return json_is_true(json_object_get(v, key));
}

static mms_flag_mode mode_of(const char *word)
{
    static const char *const words[] = {"manual", "unflag",    "clip",   "quack",
                                        "shadow", "elevation", "tfcrop", "rflag",
                                        "antint", "extend",    "summary"};
    int64_t i = 0;

    while (i < MMS_COUNT_OF(words) - 1 && strcmp(words[i], word) != 0)
        i++;
    return (mms_flag_mode)i;
}

static void read_clip(mms_flag_command *c)
{
    const mms_value *limits = json_object_get(c->value, "clipminmax");

    c->clip.limited = json_array_size(limits) == 2;
    c->clip.low = json_number_value(json_array_get(limits, 0));
    c->clip.high = json_number_value(json_array_get(limits, 1));
    c->clip.outside = truth_of(c->value, "clipoutside");
    c->clip.zeros = truth_of(c->value, "clipzeros");
}

static char *read_quack(mms_flag_command *c)
{
    static const char *const words[] = {"beg", "endb", "end", "tail"};
    const char *mode = mms_text_of(c->value, "quackmode");
    int i = 0;

    c->interval_s = number_of(c->value, "quackinterval");
    c->increment = truth_of(c->value, "quackincrement");
    if (!(c->interval_s > 0))
        return strdup("Parameter 'quackinterval' must be greater than zero.");
    while (i < 4 && strcmp(words[i], mode) != 0)
        i++;
    if (i == 4)
        return mms_format("Unsupported quack mode: %s. Supported modes: beg,endb,end,tail "
                          "(following AIPS convention)",
                          mode);
    c->quack = (mms_flag_quack)i;
    return NULL;
}

static char *unknown_word(const mms_flag_command *c, const char *key, const char *allowed)
{
    return mms_format("Unsupported %s: %s. Supported: %s", key, mms_text_of(c->value, key),
                      allowed);
}

static char *read_tfcrop(mms_flag_command *c)
{
    const char *timefit = mms_text_of(c->value, "timefit"),
               *freqfit = mms_text_of(c->value, "freqfit");
    const char *along = mms_text_of(c->value, "flagdimension");
    const char *stats = mms_text_of(c->value, "usewindowstats");
    mms_flag_tfcrop *t = &c->tfcrop;

    t->timecutoff = (float)number_of(c->value, "timecutoff");
    t->freqcutoff = (float)number_of(c->value, "freqcutoff");
    t->timepoly = !strcmp(timefit, "poly");
    t->freqpoly = !strcmp(freqfit, "poly");
    t->maxnpieces = (int32_t)number_of(c->value, "maxnpieces");
    t->halfwin = (int32_t)number_of(c->value, "halfwin");
    t->time = strstr(along, "time") != NULL;
    t->freq = strstr(along, "freq") != NULL;
    t->timefirst = !strcmp(along, "timefreq");
    t->sum = !strcmp(stats, "sum") || !strcmp(stats, "both");
    t->std = !strcmp(stats, "std") || !strcmp(stats, "both");
    if (!t->timepoly && strcmp(timefit, "line") != 0)
        return unknown_word(c, "timefit", "line,poly");
    if (!t->freqpoly && strcmp(freqfit, "line") != 0)
        return unknown_word(c, "freqfit", "line,poly");
    if (strcmp(along, "freqtime") != 0 && !t->timefirst && strcmp(along, "time") != 0 &&
        strcmp(along, "freq") != 0)
        return unknown_word(c, "flagdimension", "freqtime,timefreq,time,freq");
    if (!t->sum && !t->std && strcmp(stats, "none") != 0)
        return unknown_word(c, "usewindowstats", "none,sum,std,both");
    if (t->maxnpieces < 1 || t->maxnpieces > 9)
        return mms_format("Unsupported maxnpieces: %d. Allowed range is 1 through 9",
                          t->maxnpieces);
    if (t->halfwin < 1 || t->halfwin > 3)
        return mms_format("Unsupported halfwin: %d. Allowed values are 1, 2, 3", t->halfwin);
    return NULL;
}

static char *read_extend(mms_flag_command *c)
{
    mms_flag_extend *e = &c->extend;

    e->pols = truth_of(c->value, "extendpols");
    e->around = truth_of(c->value, "growaround");
    e->neartime = truth_of(c->value, "flagneartime");
    e->nearfreq = truth_of(c->value, "flagnearfreq");
    e->growtime = number_of(c->value, "growtime");
    e->growfreq = number_of(c->value, "growfreq");
    if (!(e->growtime >= 0 && e->growtime <= 100))
        return mms_format("Unsupported value for growtime:%g. Allowed range is 0.0 through 100.0",
                          e->growtime);
    if (!(e->growfreq >= 0 && e->growfreq <= 100))
        return mms_format("Unsupported value for growfreq:%g. Allowed range is 0.0 through 100.0",
                          e->growfreq);
    return NULL;
}

static char *read_antint(const mms_flag_set *set, mms_flag_command *c)
{
    const char *name = mms_text_of(c->value, "antint_ref_antenna");

    c->minchanfrac = number_of(c->value, "minchanfrac");
    for (c->ref_antenna = 0; c->ref_antenna < (int32_t)set->nantenna; c->ref_antenna++) {
        const char *is = json_string_value(json_array_get(set->antennas, (size_t)c->ref_antenna));
        if (is && !strcmp(is, name))
            return NULL;
    }
    return mms_format("The antenna requested (%s) could not be found in the input dataset", name);
}

static void read_rflag(mms_flag_command *c)
{
    c->rflag.winsize = (int32_t)number_of(c->value, "winsize");
    c->rflag.spectralmax = number_of(c->value, "spectralmax");
    c->rflag.spectralmin = number_of(c->value, "spectralmin");
    c->timedevscale = number_of(c->value, "timedevscale");
    c->freqdevscale = number_of(c->value, "freqdevscale");
    c->calculate = truth_of(c->value, "calculate");
}

static char *read_mode(const mms_flag_set *set, mms_flag_command *c)
{
    switch (c->mode) {
    case MMS_FLAG_CLIP:
        read_clip(c);
        return NULL;
    case MMS_FLAG_QUACK:
        return read_quack(c);
    case MMS_FLAG_TFCROP:
        return read_tfcrop(c);
    case MMS_FLAG_RFLAG:
        read_rflag(c);
        return c->rflag.winsize < 1
                   ? mms_format("Unsupported winsize: %d. It must be 1 or more", c->rflag.winsize)
                   : NULL;
    case MMS_FLAG_ANTINT:
        return read_antint(set, c);
    case MMS_FLAG_EXTEND:
        return read_extend(c);
    default:
        c->autocorr = truth_of(c->value, "autocorr");
        c->tolerance_m = number_of(c->value, "tolerance");
        c->lower_deg = number_of(c->value, "lowerlimit");
        c->upper_deg = number_of(c->value, "upperlimit");
        return NULL;
    }
}

/* ---- data column and products -----------------------------------------------------------------*/

static bool looks_at_data(const mms_flag_command *c)
{
    return c->mode == MMS_FLAG_CLIP || c->mode == MMS_FLAG_TFCROP || c->mode == MMS_FLAG_RFLAG;
}

/** The columns of the set that a datacolumn needs. */
static bool find_columns(const char *word, const char *columns[2])
{
    static const struct {
        const char *word, *first, *second;
    } known[] = {{MMS_COL_DATA, MMS_COL_DATA, NULL},
                 {"CORRECTED", MMS_COL_CORRECTED_DATA, NULL},
                 {MMS_COL_CORRECTED_DATA, MMS_COL_CORRECTED_DATA, NULL},
                 {"MODEL", MMS_COL_MODEL_DATA, NULL},
                 {MMS_COL_MODEL_DATA, MMS_COL_MODEL_DATA, NULL},
                 {MMS_COL_FLOAT_DATA, MMS_COL_FLOAT_DATA, NULL},
                 {"RESIDUAL", MMS_COL_CORRECTED_DATA, MMS_COL_MODEL_DATA},
                 {"RESIDUAL_DATA", MMS_COL_DATA, MMS_COL_MODEL_DATA},
                 {MMS_COL_WEIGHT, MMS_COL_WEIGHT, NULL},
                 {MMS_COL_WEIGHT_SPECTRUM, MMS_COL_WEIGHT_SPECTRUM, NULL}};

    for (int64_t i = 0; i < MMS_COUNT_OF(known); i++)
        if (!strcasecmp(known[i].word, word)) {
            columns[0] = known[i].first;
            columns[1] = known[i].second;
            return true;
        }
    return false;
}

static mms_status check_column(const mms_flag_set *set, mms_flag_command *c, mms_error *err)
{
    const char *columns[3] = {NULL}, *mode = mms_text_of(c->value, "mode");
    bool is_virtual;
    mms_status st = MMS_OK;

    c->column = looks_at_data(c) ? mms_text_of(c->value, "datacolumn") : MMS_COL_DATA;
    if (!find_columns(c->column, columns))
        return mms_fail(err, MMS_ERR_ARG,
                        "Failed to parse parameters for mode %s: datacolumn \"%s\" is not one of "
                        "DATA, CORRECTED, MODEL, RESIDUAL, RESIDUAL_DATA, FLOAT_DATA, "
                        "WEIGHT, WEIGHT_SPECTRUM",
                        mode, c->column);
    if (mms_names_have(columns, MMS_COL_MODEL_DATA))
        MMS_TRY(mms_ms_use_model(set->ms, &is_virtual, err));
    for (int i = 0; i < 2; i++)
        if (columns[i] && !mms_ms_find_column(set->ms, columns[i])) {
            mms_log(MMS_LOG_WARN, "flagdata", "Data column %s does not exist in input data",
                    columns[i]);
            return mms_fail(err, MMS_ERR_NOT_FOUND,
                            "Failed to parse parameters for mode %s: %s has no column %s", mode,
                            mms_ms_path(set->ms), columns[i]);
        }
done:
    return st;
}

/** Whether residuals of CORRECTED_DATA are asked for, and only that is missing. */
static bool lacks_corrected_alone(const mms_flag_set *set, const mms_flag_command *c)
{
    return !strcasecmp(c->column, "RESIDUAL") && mms_ms_find_column(set->ms, MMS_COL_MODEL_DATA) &&
           !mms_ms_find_column(set->ms, MMS_COL_CORRECTED_DATA);
}

static bool is_real_column(const char *word)
{
    return !strcasecmp(word, MMS_COL_FLOAT_DATA) || !strcasecmp(word, MMS_COL_WEIGHT) ||
           !strcasecmp(word, MMS_COL_WEIGHT_SPECTRUM);
}

static mms_status read_expression(mms_flag_command *c, mms_error *err)
{
    const char *text = mms_text_of(c->value, "correlation");
    const mms_status st = mms_flag_expression_read(text, &c->expression, err);

    if (st != MMS_OK)
        return st;
    if (is_real_column(c->column)) {
        if (c->expression.given && c->expression.operation != MMS_FLAG_REAL)
            mms_log(MMS_LOG_WARN, "flagdata",
                    "Unsupported visibility expression: %s; selecting REAL by default.", text);
        c->expression.operation = MMS_FLAG_REAL;
    } else if (!c->expression.given && *text && c->mode != MMS_FLAG_RFLAG) {
        mms_log(MMS_LOG_WARN, "flagdata",
                "Unsupported complex operator: %s; using ABS by default. Supported expressions: "
                "REAL,IMAG,ARG,ABS,NORM.",
                text);
    }
    return MMS_OK;
}

/** Where a window has the product at word; Q, U and V are none that CASA selects. */
static int32_t find_product(const mms_flag_window *w, const char *word, size_t length)
{
    for (int32_t i = 0; i < w->ncorr; i++)
        if (strlen(w->names[i]) == length && !strncasecmp(w->names[i], word, length) &&
            !strchr("QUV", *w->names[i]))
            return i;
    return -1;
}

static bool has_product(const mms_flag_set *set, const char *word, size_t length)
{
    for (int64_t i = 0; i < set->nwindow; i++)
        if (find_product(&set->windows[i], word, length) >= 0)
            return true;
    return false;
}

/** The correlations that a list of products names in a window: none where it lacks one of those
 *  that there are in the set. */
static int32_t cut_products(const mms_flag_set *set, const char *list, const mms_flag_window *w,
                            uint8_t *corr)
{
    int32_t n = 0;

    memset(corr, *list == '\0', (size_t)w->ncorr);
    for (const char *word = list; *word;) {
        const size_t length = strcspn(word, ", ;");
        const int32_t i = find_product(w, word, length);
        if (i < 0 && has_product(set, word, length))
            return 0;
        if (i >= 0)
            corr[i] = 1;
        word += length + strspn(word + length, ", ;");
    }
    for (int32_t i = 0; i < w->ncorr; i++)
        n += corr[i];
    return n;
}

/** Warn of products that no window has; a problem when none is left. */
static char *check_products(const mms_flag_set *set, const char *list)
{
    bool any = !*list;

    for (const char *word = list; *word;) {
        const size_t length = strcspn(word, ", ;");
        const bool there = has_product(set, word, length);
        if (!there)
            mms_log(MMS_LOG_WARN, "flagdata", "Correlation product [%.*s] not available",
                    (int)length, word);
        any = any || there;
        word += length + strspn(word + length, ", ;");
    }
    return any ? NULL
               : mms_format("None of the requested correlation products (%s) is available", list);
}

/** The same, and a problem when no window has all that there are. */
static char *check_selected_products(const mms_flag_set *set, const char *list)
{
    uint8_t corr[8];
    char *const problem = check_products(set, list);

    for (int64_t i = 0; !problem && i < set->nwindow; i++)
        if (cut_products(set, list, &set->windows[i], corr) > 0)
            return NULL;
    return problem
               ? problem
               : mms_format("Poln. expression error: No match for polarization ID(s) (named %s)",
                            list);
}

mms_status mms_flag_command_cut(const mms_flag_set *set, mms_flag_command *c, int32_t ddid,
                                mms_flag_cut **out, mms_error *err)
{
    const mms_flag_window *w = &set->windows[ddid];
    mms_flag_cut *cut = *out = &c->cuts[ddid];
    const mms_channels *const ranges = c->channels;

    assert(ddid >= 0 && ddid < set->nwindow);
    if (cut->known)
        return MMS_OK;
    cut->channel = mms_alloc(w->nchan, 1);
    cut->corr = mms_alloc(w->ncorr, 1);
    if (!cut->channel || !cut->corr)
        return no_memory(err);
    memset(cut->channel, c->nchannel == 0, (size_t)w->nchan);
    for (int64_t i = 0; i < c->nchannel; i++) // steps are ignored, as CASA does
        for (int32_t k = ranges[i].first; ranges[i].spw == w->spw && k <= ranges[i].last; k++)
            if (k >= 0 && k < w->nchan)
                cut->channel[k] = 1;
    for (int32_t k = 0; k < w->nchan; k++)
        cut->nchan += cut->channel[k];
    cut->ncorr = cut_products(
        set, c->automatic || looks_at_data(c) ? "" : mms_text_of(c->value, "correlation"), w,
        cut->corr);
    cut->known = true;
    return MMS_OK;
}

/* ---- averages ---------------------------------------------------------------------------------*/

static bool is_spw_selected(const mms_flag_command *c, int32_t spw)
{
    for (int64_t i = 0; i < c->nchannel; i++)
        if (c->channels[i].spw == spw)
            return true;
    return c->nchannel == 0;
}

/** How many selected windows have a smaller number. */
static size_t place_of_spw(const mms_flag_set *set, const mms_flag_command *c, int32_t spw)
{
    size_t place = 0;

    for (int32_t lower = 0; lower < spw; lower++)
        for (int64_t i = 0; i < set->nwindow; i++)
            if (set->windows[i].spw == lower && is_spw_selected(c, lower)) {
                place++;
                break;
            }
    return place;
}

static mms_status read_chanbin(const mms_flag_set *set, mms_flag_command *c, mms_error *err)
{
    const mms_value *bins = json_object_get(c->value, "chanbin");
    size_t named = 0;

    for (int64_t i = 0; i < set->nwindow; i++) {
        const int32_t spw = set->windows[i].spw;
        const size_t place = place_of_spw(set, c, spw);
        const mms_value *bin = json_array_size(bins) > 1    ? json_array_get(bins, place)
                               : json_array_size(bins) == 1 ? json_array_get(bins, 0)
                                                            : bins;
        const double width = json_number_value(bin);
        if (!is_spw_selected(c, spw))
            continue;
        named = place + 1 > named ? place + 1 : named;
        if (!json_is_number(bin) || !(width >= 1 && width <= INT32_MAX))
            return mms_fail(err, MMS_ERR_ARG,
                            "parameter chanbin: there is no number of channels, 1 or more, for "
                            "spectral window %d: give one number, or one for each window",
                            spw);
        c->chanbins[i] = (int32_t)width;
    }
    if (json_array_size(bins) > 1 && json_array_size(bins) != named)
        return mms_fail(err, MMS_ERR_ARG, "parameter chanbin has %zu numbers, for %zu windows",
                        json_array_size(bins), named);
    return MMS_OK;
}

static mms_status read_averages(const mms_flag_set *set, mms_flag_command *c, mms_error *err)
{
    const bool chan = truth_of(c->value, "channelavg");

    if (!(c->timebin_s > 0) && !chan)
        return MMS_OK;
    if (c->timebin_s > 0 && !strncasecmp(c->column, MMS_COL_WEIGHT, 6))
        return mms_fail(
            err, MMS_ERR_UNSUPPORTED,
            "Failed to parse parameters for mode %s: datacolumn %s can't be averaged in "
            "time",
            mms_text_of(c->value, "mode"), c->column);
    c->chanbins = mms_alloc(set->nwindow, sizeof *c->chanbins);
    if (!c->chanbins)
        return no_memory(err);
    for (int64_t i = 0; i < set->nwindow; i++)
        c->chanbins[i] = 1;
    return chan ? read_chanbin(set, c, err) : MMS_OK;
}

/* ---- the command ------------------------------------------------------------------------------*/

/** Put the selection of a command, as text, into select. */
static mms_select selection_of(const mms_value *v)
{
    mms_select s = {0};

    for (int i = 0; i < MMS_SELECT_COUNT; i++)
        *mms_select_at(&s, i) = mms_text_of(v, mms_select_name(i));
    s.correlation = "";
    return s;
}

/** Leave out the items of one expression that match nothing, if others are left.
 *  @param kind  which of mms_select it is */
static mms_status tolerate(mms_ms *ms, int kind, const char **expression, char **kept,
                           mms_error *err)
{
    char *text = strdup(*expression), *rest = NULL;
    mms_select alone = {0};
    mms_text good = {0};

    if (!text)
        return no_memory(err);
    for (char *item = strtok_r(text, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        mms_selection *selection = NULL;
        mms_error why;
        *mms_select_at(&alone, kind) = item;
        if (mms_selection_create(ms, &alone, &selection, &why) == MMS_OK)
            mms_text_add(&good, "%s%s", good.length ? "," : "", item);
        else
            mms_log(MMS_LOG_WARN, "flagdata", "%s", why.msg);
        mms_selection_free(&selection);
    }
    free(text);
    *kept = good.text;
    if (good.text)
        *expression = good.text;
    return MMS_OK;
}

/** Whether an expression is a list of names of which CASA leaves out those that are not there:
 *  windows, and of a command that is alone antennas and intents. */
static bool is_tolerant(int kind, const char *expression, bool alone)
{
    const char *const name = mms_select_name(kind);

    return strchr(expression, ',') &&
           (!strcmp(name, "spw") || (alone && !strcmp(name, "intent")) ||
            (alone && !strcmp(name, "antenna") && !strpbrk(expression, "&;!")));
}

/** Resolve a selection, without names that are not there where others are. */
static mms_status select_rows(mms_ms *ms, const mms_value *value, mms_flag_command *out,
                              mms_error *err)
{
    mms_select select = selection_of(value);
    char *kept[MMS_SELECT_COUNT] = {0};
    bool any = false;
    mms_status st = mms_selection_create(ms, &select, &out->selection, err);

    for (int i = 0; i < MMS_SELECT_COUNT && st == MMS_ERR_SELECT; i++)
        if (is_tolerant(i, *mms_select_at(&select, i), truth_of(value, "alone"))) {
            any = true;
            MMS_TRY(tolerate(ms, i, mms_select_at(&select, i), &kept[i], err));
            st = MMS_ERR_SELECT;
        }
    if (any)
        st = mms_selection_create(ms, &select, &out->selection, err);
    if (st == MMS_OK)
        out->channels = mms_selection_named_channels(out->selection, &out->nchannel);
done:
    for (int i = 0; i < MMS_SELECT_COUNT; i++)
        free(kept[i]);
    return st;
}

mms_status mms_flag_command_open(mms_flag_set *set, const mms_value *value,
                                 const mms_value *channels, mms_flag_command *out, char **problem,
                                 mms_error *err)
{
    mms_status st;

    *problem = NULL;
    *out = (mms_flag_command){.value = value, .mode = mode_of(mms_text_of(value, "mode"))};
    out->automatic = truth_of(value, "automatic");
    out->cuts_rows = !*mms_text_of(value, "spw") && !*mms_text_of(value, "correlation");
    out->cuts = mms_alloc(set->nwindow, sizeof *out->cuts);
    MMS_TRY(out->cuts ? MMS_OK : no_memory(err));
    out->timebin_s = truth_of(value, "timeavg") ? number_of(value, "timebin") : 0;
    if (looks_at_data(out)) {
        st = check_column(set, out, err);
        if (st == MMS_ERR_NOT_FOUND && lacks_corrected_alone(set, out)) { // as CASA 6.7.0
            *problem = mms_format("necessary CORRECTED_DATA column is not available");
            st = *problem ? MMS_OK : no_memory(err);
            goto done;
        }
        MMS_TRY(st);
        MMS_TRY(read_expression(out, err));
        if (!out->expression.given && !out->expression.all && !out->expression.wvr)
            *problem = check_products(set, mms_text_of(value, "correlation"));
    } else if (!out->automatic) {
        if (out->mode == MMS_FLAG_ANTINT) // CASA 6.7.0 asks for it
            MMS_TRY(check_column(set, out, err));
        *problem = check_selected_products(set, mms_text_of(value, "correlation"));
    }
    if (!*problem)
        *problem = read_mode(set, out);
    if (!out->automatic) // what selects nothing is told first
        MMS_TRY(channels ? mms_flag_found_channels(channels, out, err)
                         : select_rows(set->ms, value, out, err));
    if (!*problem && looks_at_data(out))
        MMS_TRY(read_averages(set, out, err));
done:
    return st;
}

void mms_flag_command_close(mms_flag_command *c, int64_t nwindow)
{
    for (int64_t i = 0; c->cuts && i < nwindow; i++) {
        free(c->cuts[i].channel);
        free(c->cuts[i].corr);
    }
    free(c->cuts);
    free(c->chanbins);
    free(c->mask);
    free(c->scans);
    free(c->found_channels);
    mms_selection_free(&c->selection);
    *c = (mms_flag_command){0};
}

bool mms_flag_command_needs_chunks(const mms_flag_command *c)
{
    switch (c->mode) {
    case MMS_FLAG_TFCROP:
    case MMS_FLAG_RFLAG:
    case MMS_FLAG_EXTEND:
    case MMS_FLAG_ANTINT:
    case MMS_FLAG_SHADOW:
        return true;
    default:
        return c->timebin_s > 0;
    }
}

bool mms_flag_command_writes(const mms_flag_command *c)
{
    return c->mode != MMS_FLAG_SUMMARY && !c->calculate;
}
