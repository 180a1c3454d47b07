/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_against.c  Every selected row of the source is in the set, once and unchanged. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "against_priv.h"

static const struct {
    const char *word, *column;
} data_columns[] = {{"data", "DATA"},
                    {"corrected", "CORRECTED_DATA"},
                    {"model", "MODEL_DATA"},
                    {"float_data", "FLOAT_DATA"},
                    {"lag_data", "LAG_DATA"}};

/** Return the name that a column of the source has in the set; NULL when it is not written. */
static const char *written_name(const char *datacolumn, const char *column)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(data_columns); i++) {
        if (strcmp(data_columns[i].column, column) || !strcasecmp(datacolumn, "all"))
            continue;
        if (!mms_list_has(datacolumn, data_columns[i].word))
            return NULL;
        return !strcasecmp(datacolumn, "corrected") || !strcasecmp(datacolumn, "model") ? "DATA"
                                                                                        : column;
    }
    return column;
}

/** Values that a renamed data column brings with it (design D19). */
static void find_derived(mms_against *a)
{
    a->rules.sigma = !strcasecmp(a->request.datacolumn, "corrected");
    a->rules.weight = !strcasecmp(a->request.datacolumn, "data") &&
                      mms_ms_find_column(a->source, "CORRECTED_DATA");
    if ((a->rules.sigma || a->rules.weight) && a->v->piece.tables)
        mms_log(MMS_LOG_INFO, "verify", "datacolumn=%s: %s expected", a->request.datacolumn,
                a->rules.sigma ? "SIGMA = 1/sqrt(WEIGHT)" : "WEIGHT = 1/SIGMA^2");
}

/** SOURCE_IDs are renumbered in the order in which the kept fields refer to them. */
static mms_status rank_sources(mms_against *a, mms_error *err)
{
    const mms_ids fields = mms_selection_fields(a->selection);
    const char *const path = mms_ms_subtable(a->source, "FIELD");
    mms_table *table = NULL;
    int32_t *ids = NULL, *order = NULL;
    mms_ids sources = {.given = true};
    mms_status st = MMS_OK;

    if (!fields.given || !path)
        return MMS_OK;
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    if (!mms_table_find_column(table, "SOURCE_ID"))
        goto done;
    MMS_TRY(mms_table_get_ints(table, "SOURCE_ID", &ids, err));
    order = mms_alloc(fields.n, sizeof *order);
    MMS_TRY(order ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "sources: out of memory"));
    for (int64_t i = 0; i < fields.n; i++) {
        const int32_t id = ids[fields.ids[i]];
        bool known = id < 0;
        for (int64_t k = 0; k < sources.n; k++)
            known = known || order[k] == id;
        if (!known)
            order[sources.n++] = id;
    }
    sources.ids = order;
    MMS_TRY(mms_rank_make(sources, &a->rules.ranks[MMS_KIND_SOURCE], err));
done:
    mms_table_drop(&table);
    free(ids);
    free(order);
    return st;
}

static mms_status make_ranks(mms_against *a, mms_error *err)
{
    mms_rank *const ranks = a->rules.ranks;
    mms_selection *const s = a->selection;
    mms_status st;

    MMS_TRY(mms_rank_make(mms_selection_ddids(s), &ranks[MMS_KIND_DD], err));
    MMS_TRY(mms_rank_make(mms_selection_spws(s), &ranks[MMS_KIND_SPW], err));
    MMS_TRY(mms_rank_make(mms_selection_fields(s), &ranks[MMS_KIND_FIELD], err));
    MMS_TRY(mms_rank_make(mms_selection_antennas(s), &ranks[MMS_KIND_ANTENNA], err));
    MMS_TRY(mms_rank_make(mms_selection_observations(s), &ranks[MMS_KIND_OBSERVATION], err));
    MMS_TRY(mms_rank_make(mms_selection_arrays(s), &ranks[MMS_KIND_ARRAY], err));
    MMS_TRY(mms_rank_make(mms_selection_states(s), &ranks[MMS_KIND_STATE], err));
    MMS_TRY(rank_sources(a, err));
done:
    return st;
}

static mms_status mask_rows(void *ctx, mms_rows rows, uint8_t *keep, mms_error *err)
{
    const mms_against *const a = ctx;

    return mms_selection_rows(a->selection, rows, keep, err);
}

static void map_key(void *ctx, const char *column, int64_t n, int64_t *values)
{
    const mms_against *const a = ctx;
    const mms_rank *const rank = mms_rules_rank(&a->rules, "", column);

    for (int64_t i = 0; rank && i < n; i++)
        values[i] = mms_rank_of(rank, values[i]);
}

/** Match the selected rows of the source with all rows of the set. */
static mms_status match_rows(mms_against *a, mms_error *err)
{
    const bool all = mms_selection_is_all(a->selection);
    const mms_key_rows source = {&a->source_rows, a, all ? NULL : mask_rows, map_key};
    const mms_key_rows set = {.rows = &a->set_rows};
    mms_check check;
    char note[80];
    mms_status st;

    mms_check_start(&check, &a->v->report, "rows of the source");
    st = mms_match_rows(&source, &set, mms_main_keys, &a->match, err);
    for (int64_t i = 0; i < a->match.only_a.n; i++) {
        if (i >= MMS_MATCH_SHOW || !mms_check_keeps(&check))
            mms_check_skip(&check);
        else
            mms_check_add(&check,
                          json_pack("{s:I}", "source_row", (json_int_t)a->match.only_a.rows[i]),
                          "row %" PRId64 " of the source is missing", a->match.only_a.rows[i]);
    }
    for (int64_t i = 0; i < a->match.only_b.n; i++) {
        if (i >= MMS_MATCH_SHOW || !mms_check_keeps(&check))
            mms_check_skip(&check);
        else
            mms_check_add(&check, json_pack("{s:I}", "row", (json_int_t)a->match.only_b.rows[i]),
                          "row %" PRId64 " is not a selected row of the source, or is there twice",
                          a->match.only_b.rows[i]);
    }
    snprintf(note, sizeof note, "%" PRId64 " selected, %" PRId64 " found", a->match.na,
             a->match.npair);
    mms_check_end(&check, st, note);
    return st;
}

/** The columns that are compared. */
typedef struct column_list {
    int64_t n;
    mms_column_pair *pairs;
    mms_check *checks;
} column_list;

/** Read a derived column from the one that it is derived of; spectra are asked for row by row. */
static void derive_from(const mms_against *a, mms_column_pair *pair)
{
    const char *const own = a->rules.sigma ? "SIGMA" : "WEIGHT";
    const char *const other = a->rules.sigma ? "WEIGHT" : "SIGMA";

    if ((!a->rules.sigma && !a->rules.weight) || !mms_ms_find_column(a->source, other))
        return;
    if (!strcmp(pair->name_b, own))
        pair->name_a = other;
    if (!strncmp(pair->name_b, own, strlen(own)))
        pair->rtol = 3e-7; // the last bit depends on the order of rounding
}

/** List the columns to compare; those that only one side has are findings. */
static mms_status list_columns(mms_against *a, column_list *list, mms_error *err)
{
    const int64_t n = mms_ms_ncolumn(a->source);
    mms_check check;

    list->pairs = mms_alloc(n, sizeof *list->pairs);
    list->checks = mms_alloc(n, sizeof *list->checks);
    if (!list->pairs || !list->checks)
        return mms_fail(err, MMS_ERR_MEM, "columns: out of memory");
    mms_check_start(&check, &a->v->report, "columns of the source");
    for (int64_t i = 0; i < n; i++) {
        const mms_column *const c = mms_ms_column(a->source, i);
        const char *const name = written_name(a->request.datacolumn, c->name);
        const mms_column *const other = name ? mms_ms_find_column(a->set, name) : NULL;
        if (!name)
            continue;
        if (!other || other->dtype != c->dtype) {
            mms_check_add(&check, json_pack("{s:s}", "column", name), "%s %s", name,
                          other ? "has another type" : "is missing");
            continue;
        }
        mms_column_pair *const pair = &list->pairs[list->n++];
        *pair = (mms_column_pair){.name_a = c->name, .name_b = other->name, .dtype = c->dtype};
        derive_from(a, pair);
    }
    for (int64_t i = 0; i < mms_ms_ncolumn(a->set); i++) {
        const char *const name = mms_ms_column(a->set, i)->name;
        bool known = false;
        for (int64_t k = 0; k < list->n; k++)
            known = known || !strcmp(list->pairs[k].name_b, name);
        if (!known && !mms_ms_find_column(a->source, name))
            mms_check_add(&check, json_pack("{s:s}", "column", name), "%s is not one of the source",
                          name);
    }
    mms_check_end(&check, MMS_OK, NULL);
    return MMS_OK;
}

static mms_status check_units(mms_against *a, const column_list *list, mms_error *err)
{
    mms_table *const ts = mms_rowset_first(&a->source_rows);
    mms_table *const tm = mms_rowset_first(&a->set_rows);
    mms_value *us = NULL, *um = NULL;
    mms_check check;
    mms_status st;

    mms_check_start(&check, &a->v->report, "units and measures of the source");
    for (int64_t i = 0; i < list->n; i++) {
        const char *const name = list->pairs[i].name_b;
        MMS_TRY(mms_column_units(ts, list->pairs[i].name_a, &us, err));
        MMS_TRY(mms_column_units(tm, name, &um, err));
        if (!json_equal(us, um))
            mms_check_add(&check, json_pack("{s:s, s:O, s:O}", "column", name, "a", us, "b", um),
                          "%s has other units or another measure", name);
        mms_value_free(&us);
        mms_value_free(&um);
    }
done:
    mms_check_end(&check, st, NULL);
    mms_value_free(&us);
    mms_value_free(&um);
    return st;
}

/** What is cut of each DDID of the source. */
typedef struct dd_cuts {
    int64_t ndd;
    int32_t *spw, *pol;
    int64_t nspw, npol;
    int32_t *nchan, *ncorr; /**< by spw and by pol */
} dd_cuts;

/** Read an integer column of a sub-table of the source, and its length. */
static mms_status read_ints(mms_against *a, const char *name, const char *column, int32_t **out,
                            int64_t *n, mms_error *err)
{
    const char *const path = mms_ms_subtable(a->source, name);
    mms_table *table = NULL;
    mms_status st;

    if (!path)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no sub-table %s", mms_ms_path(a->source),
                        name);
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    *n = mms_table_nrow(table);
    MMS_TRY(mms_table_get_ints(table, column, out, err));
done:
    mms_table_drop(&table);
    return st;
}

static mms_status read_dds(mms_against *a, dd_cuts *dds, mms_error *err)
{
    mms_status st;

    MMS_TRY(read_ints(a, "DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID", &dds->spw, &dds->ndd, err));
    MMS_TRY(read_ints(a, "DATA_DESCRIPTION", "POLARIZATION_ID", &dds->pol, &dds->ndd, err));
    MMS_TRY(read_ints(a, "SPECTRAL_WINDOW", "NUM_CHAN", &dds->nchan, &dds->nspw, err));
    MMS_TRY(read_ints(a, "POLARIZATION", "NUM_CORR", &dds->ncorr, &dds->npol, err));
done:
    return st;
}

/** Pairs that are compared together: pieces of a verification begin with such a block, so that
 *  findings come in one order whatever their number. */
enum { BLOCK_ROWS = MMS_COMPARE_ROWS };

/** Pairs of rows under comparison. */
typedef struct row_compare {
    mms_against *against;
    column_list *list;
    mms_compare compare;
    dd_cuts dds;
    int64_t a[MMS_COMPARE_ROWS], b[MMS_COMPARE_ROWS];
    int64_t some_a[MMS_COMPARE_ROWS], some_b[MMS_COMPARE_ROWS]; /**< of one DDID */
    int32_t ddid[MMS_COMPARE_ROWS];
    uint8_t source[MMS_COMPARE_ROWS]; /**< of a derived spectrum */
} row_compare;

static int64_t length_of(int32_t id, int64_t n, const int32_t *lengths)
{
    return id >= 0 && id < n ? lengths[id] : 0;
}

/** What a spectrum of a row is made of. */
typedef enum spectrum_source {
    ITSELF = 0, /**< it stays, or is not there */
    OTHER,      /**< the other spectrum */
    ROW,        /**< the row's WEIGHT */
    NSOURCE
} spectrum_source;

/** Whether rows of the source have cells in this column. */
static mms_status find_cells(mms_against *a, const char *column, int64_t n, const int64_t *rows,
                             uint8_t *has, mms_error *err)
{
    mms_shape_list list = {0};
    int32_t *const shapes = mms_alloc(n, sizeof *shapes);
    mms_status st = MMS_OK;

    memset(has, 0, (size_t)n);
    if (!shapes)
        return mms_fail(err, MMS_ERR_MEM, "cell shapes: out of memory");
    if (mms_ms_find_column(a->source, column))
        st = mms_rowset_shapes(&a->source_rows, column, n, rows, &list, shapes, err);
    for (int64_t i = 0; st == MMS_OK && list.shapes && i < n; i++)
        has[i] = mms_shape_elements(&list.shapes[shapes[i]]) > 0;
    free(list.shapes);
    free(shapes);
    return st;
}

/** Find the source of each row's spectrum: SIGMA_SPECTRUM of corrected data is made of WEIGHT where
 *  there is no WEIGHT_SPECTRUM; a WEIGHT_SPECTRUM without SIGMA_SPECTRUM stays. */
static mms_status find_sources(row_compare *r, const char *own, const char *other, int64_t n,
                               mms_error *err)
{
    uint8_t has_own[MMS_COMPARE_ROWS], has_other[MMS_COMPARE_ROWS];
    const spectrum_source alone = r->against->rules.sigma ? ROW : ITSELF;
    mms_status st;

    MMS_TRY(find_cells(r->against, own, n, r->some_a, has_own, err));
    MMS_TRY(find_cells(r->against, other, n, r->some_a, has_other, err));
    for (int64_t i = 0; i < n; i++)
        r->source[i] = (uint8_t)(!has_own[i] ? ITSELF : has_other[i] ? OTHER : alone);
done:
    return st;
}

/** Compare n pairs in a column; a derived spectrum by what its rows are made of. */
static mms_status compare_column(row_compare *r, mms_column_pair *pair, int64_t n, mms_error *err)
{
    mms_rules *const rules = &r->against->rules;
    const char *const own = rules->sigma ? "SIGMA_SPECTRUM" : "WEIGHT_SPECTRUM";
    const char *const other = rules->sigma ? "WEIGHT_SPECTRUM" : "SIGMA_SPECTRUM";
    int64_t a[MMS_COMPARE_ROWS], b[MMS_COMPARE_ROWS];
    mms_status st;

    if ((!rules->sigma && !rules->weight) || strcmp(pair->name_b, own))
        return mms_compare_rows(&r->compare, pair, n, r->some_a, r->some_b, err);
    MMS_TRY(find_sources(r, own, other, n, err));
    for (uint8_t source = ITSELF; source < NSOURCE; source++) {
        int64_t m = 0;
        for (int64_t i = 0; i < n; i++)
            if (r->source[i] == source) {
                a[m] = r->some_a[i];
                b[m++] = r->some_b[i];
            }
        pair->name_a = source == OTHER ? other : own;
        pair->row_a = source == ROW ? "WEIGHT" : NULL;
        rules->spectra_stay = source == ITSELF;
        if (m > 0)
            MMS_TRY(mms_compare_rows(&r->compare, pair, m, a, b, err));
    }
done:
    return st;
}

/** Compare n pairs of one DDID in every column. */
static mms_status compare_ddid(row_compare *r, int32_t ddid, int64_t n, mms_error *err)
{
    mms_rules *const rules = &r->against->rules;
    const mms_selection *const selection = r->against->selection;
    int32_t *chans = NULL;
    mms_status st = MMS_OK;

    if (ddid >= 0 && ddid < r->dds.ndd) {
        const mms_ids corrs = mms_selection_corrs(selection, r->dds.pol[ddid]);
        MMS_TRY(mms_kept_channels(selection, r->dds.spw[ddid], &chans, &rules->nchan, err));
        rules->chans = chans;
        rules->nchan_in = length_of(r->dds.spw[ddid], r->dds.nspw, r->dds.nchan);
        rules->ncorr_in = length_of(r->dds.pol[ddid], r->dds.npol, r->dds.ncorr);
        rules->ncorr = corrs.given ? corrs.n : 0;
        rules->corrs = corrs.ids;
    }
    for (int64_t i = 0; i < r->list->n; i++)
        MMS_TRY(compare_column(r, &r->list->pairs[i], n, err));
done:
    free(chans);
    return st;
}

/** Compare pairs of rows, those of each DDID together: they are cut alike. */
static mms_status compare_pairs(void *ctx, int64_t n, const int64_t *a, const int64_t *b,
                                mms_error *err)
{
    enum { DONE = INT32_MIN };
    row_compare *const r = ctx;
    const mms_selection *const s = r->against->selection;
    mms_status st =
        mms_rowset_read(&r->against->source_rows, "DATA_DESC_ID", n, a, n, r->ddid, err);

    if (!mms_selection_cuts_channels(s) && !mms_selection_corrs(s, 0).given)
        memset(r->ddid, 0, (size_t)n * sizeof r->ddid[0]); // nothing is cut
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        const int32_t ddid = r->ddid[i];
        int64_t m = 0;
        if (ddid == DONE)
            continue;
        for (int64_t k = i; k < n; k++)
            if (r->ddid[k] == ddid) {
                r->some_a[m] = a[k];
                r->some_b[m++] = b[k];
                r->ddid[k] = DONE;
            }
        st = compare_ddid(r, ddid, m, err);
    }
    return st;
}

static mms_status compare_rows(row_compare *r, mms_error *err)
{
    const mms_match *const match = &r->against->match;
    const mms_verify_piece piece = r->against->v->piece;
    const int64_t nblock = (match->npair + BLOCK_ROWS - 1) / BLOCK_ROWS;
    const int64_t end = nblock * (piece.number + 1) / piece.of;
    mms_status st = read_dds(r->against, &r->dds, err);

    for (int64_t block = nblock * piece.number / piece.of; st == MMS_OK && block < end; block++) {
        const int64_t first = block * BLOCK_ROWS, left = match->npair - first;
        const int64_t n = left < BLOCK_ROWS ? left : BLOCK_ROWS;
        for (int64_t i = 0; i < n; i++) {
            r->a[i] = match->pairs[first + i].a;
            r->b[i] = match->pairs[first + i].b;
        }
        st = mms_each_group(&r->compare, n, r->a, r->b, compare_pairs, r, err);
    }
    return st;
}

static mms_status compare_columns(mms_against *a, column_list *list, mms_error *err)
{
    const mms_expected expected = {&a->rules, mms_rules_changes, mms_rules_shape, mms_rules_cells};
    row_compare *const r = mms_alloc(1, sizeof *r);
    mms_status st;

    if (!r)
        return mms_fail(err, MMS_ERR_MEM, "lists of rows: out of memory");
    r->against = a;
    r->list = list;
    r->compare = (mms_compare){.a = &a->source_rows, .b = &a->set_rows, .expected = &expected};
    for (int64_t i = 0; i < list->n; i++) {
        mms_check_start(&list->checks[i], &a->v->report, "%s", list->pairs[i].name_b);
        list->pairs[i].check = &list->checks[i];
    }
    st = compare_rows(r, err);
    for (int64_t i = 0; i < list->n; i++)
        mms_check_end(&list->checks[i], st, NULL);
    mms_compare_free(&r->compare);
    free(r->dds.spw);
    free(r->dds.pol);
    free(r->dds.nchan);
    free(r->dds.ncorr);
    free(r);
    return st;
}

/** Open both sides and resolve the request; *sound is false when the set can't be read as one. */
static mms_status open_sides(mms_against *a, bool *sound, mms_error *err)
{
    mms_error found;
    mms_check check;
    mms_status st;

    *sound = true;
    st = mms_ms_open(a->v->path, &a->set, &found);
    if (st == MMS_ERR_NOT_FOUND || st == MMS_ERR_TABLE) {
        mms_check_start(&check, &a->v->report, "rows of the source");
        mms_check_add(&check, NULL, "the set can't be read: %s", found.msg);
        mms_check_end(&check, MMS_OK, NULL);
        *sound = false;
        return MMS_OK;
    }
    MMS_TRY(st == MMS_OK ? st : mms_fail(err, st, "%s", found.msg));
    MMS_TRY(mms_ms_open(a->v->opts->against, &a->source, err));
    mms_ms_use_tiles(a->set, a->v->opts->tiles);
    mms_ms_use_tiles(a->source, a->v->opts->tiles);
    MMS_TRY(mms_request_find(a->v, mms_ms_subtable(a->set, "HISTORY"), &a->request, err));
    MMS_TRY(mms_selection_create(a->source, &a->request.select, &a->selection, err));
    MMS_TRY(mms_selection_drop_channelless(a->selection, err));
    MMS_TRY(make_ranks(a, err));
    find_derived(a);
    a->rules.table = "";
    mms_rowset_of_ms(&a->source_rows, a->source);
    mms_rowset_of_ms(&a->set_rows, a->set);
    a->source_rows.direct = true; // the set is judged as other programs read it, by casacore
done:
    return st == MMS_OK ? st : mms_wrap(err, st, "against %s", a->v->opts->against);
}

static void close_sides(mms_against *a)
{
    mms_match_free(&a->match);
    mms_rowset_close(&a->source_rows);
    mms_rowset_close(&a->set_rows);
    for (int i = 0; i < MMS_NKIND; i++)
        free(a->rules.ranks[i].of);
    for (int64_t i = 0; i < a->rules.nref; i++)
        free(a->rules.refs[i].rank.of);
    free(a->rules.refs);
    mms_value_free(&a->rules.followers);
    mms_selection_free(&a->selection);
    mms_value_free(&a->request.texts);
    mms_ms_close(&a->source);
    mms_ms_close(&a->set);
}

/** Check that the rows are there, with the same columns, and their cells. */
static mms_status check_rows(mms_against *a, mms_error *err)
{
    mms_verification *const v = a->v;
    column_list columns = {0};
    mms_status st;

    MMS_TRY(match_rows(a, err));
    MMS_TRY(list_columns(a, &columns, err));
    MMS_TRY(mms_against_followers(a, err));
    MMS_TRY(check_units(a, &columns, err));
    if (v->piece.number > 0) { // the first piece tells it
        mms_report_drop(&v->report);
        MMS_TRY(mms_report_start(&v->report, v->opts->show, err));
    }
    MMS_TRY(compare_columns(a, &columns, err));
done:
    free(columns.pairs);
    free(columns.checks);
    return st;
}

mms_status mms_verify_against(mms_verification *v, mms_error *err)
{
    mms_against a = {.v = v};
    mms_status st, tables = MMS_OK;
    mms_error found;
    bool sound;

    MMS_TRY(open_sides(&a, &sound, err));
    if (sound && v->piece.tables)
        tables = mms_against_subtables(&a, &found);
    a.rules.table = "";
    a.rules.nchan = a.rules.ncorr = 0;
    if (sound && v->piece.rows)
        st = check_rows(&a, err);
    if (tables != MMS_OK) // what stopped them is told after what was found in the rows
        st = mms_fail(err, tables, "%s", found.msg);
done:
    close_sides(&a);
    return st;
}
