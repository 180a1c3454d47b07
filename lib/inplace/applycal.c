/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file applycal.c  Calibration of DATA into CORRECTED_DATA: the client's side (in-place 3). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base_priv.h"
#include "cal_priv.h"
#include "groups_priv.h"
#include "ms/columns.h"
#include "multims/log.h"
#include "orders_priv.h"
#include "subtables/subtables.h"

/** A run in the client. */
typedef struct running {
    const mms_applycal_request *q;
    mms_change change;
    mms_value *uses; /**< q->tables, with the rows that they are for */
    int64_t ntable;
    mms_cal_table **tables;
    bool correct, flag, strict, weigh, leakage;
    mms_value *mounts;
    const char *columns[5];
} running;

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "applycal: out of memory");
}

mms_status mms_cal_products(const mms_flag_window *w, mms_cal_product *products, bool *linear,
                            mms_error *err)
{
    static const char *const names[] = {"RR", "RL", "LR", "LL", "XX", "XY", "YX", "YY"};

    for (int32_t c = 0; c < w->ncorr; c++) {
        uint8_t i = 0;
        while (i < 8 && strcmp(names[i], w->names[c]) != 0)
            i++;
        if (i == 8)
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "window %d has the product %s: circular and linear ones can be "
                            "calibrated",
                            w->spw, w->names[c]);
        products[c] = (mms_cal_product){i / 2 % 2, i % 2};
        *linear = i >= 4;
    }
    return MMS_OK;
}

/* ---- checks -----------------------------------------------------------------------------------*/

static mms_status open_tables(running *r, mms_error *err)
{
    const mms_value *list = r->uses = json_deep_copy(r->q->tables);
    mms_status st;

    MMS_TRY(list ? mms_cal_lines_find(&r->change, r->uses, err) : no_memory(err));
    r->ntable = (int64_t)json_array_size(list);
    r->tables = mms_alloc(r->ntable, sizeof *r->tables);
    MMS_TRY(r->tables ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < r->ntable; i++) {
        MMS_TRY(mms_cal_table_open(json_array_get(list, (size_t)i), r->change.set.field_table,
                                   &r->tables[i], err));
        r->leakage = r->leakage || mms_cal_table_kind(r->tables[i]) == MMS_CAL_D;
        r->weigh = r->weigh || mms_cal_table_weighs(r->tables[i]);
    }
done:
    return st;
}

/** A map for windows that the set has not is one for another set. */
static mms_status check_maps(const running *r, mms_error *err)
{
    int64_t nspw = 0;
    mms_status st = mms_subtable_count(r->change.ms, "SPECTRAL_WINDOW", &nspw, err);

    for (int64_t i = 0; i < r->ntable && st == MMS_OK; i++) {
        const mms_cal_use *use = mms_cal_table_use(r->tables[i]);
        const int64_t n = use->lined ? 0 : use->nspwmap;
        if (n > nspw)
            st = mms_fail(err, MMS_ERR_ARG,
                          "parameter spwmap: Specified spwmap has more elements (%" PRId64
                          ") than the number of spectral windows in the MS (%" PRId64 ")",
                          n, nspw);
    }
    return st;
}

static void read_mode(running *r)
{
    const char *mode = r->q->applymode;

    r->correct = !*mode || !strncmp(mode, "cal", 3);
    r->flag = !*mode || strstr(mode, "flag");
    r->strict = strstr(mode, "strict");
}

static int64_t rows_of_window(const running *r, int64_t ddid)
{
    int64_t rows = 0;

    for (int64_t f = 0; f < r->change.nfield; f++)
        rows += r->change.counts[f * r->change.set.nwindow + ddid];
    return rows;
}

/** Leakages mix the hands, angles those of linear feeds. */
static mms_status check_windows(const running *r, mms_error *err)
{
    for (int64_t d = 0; d < r->change.set.nwindow; d++) {
        const mms_flag_window *w = &r->change.set.windows[d];
        mms_cal_product p[8];
        bool linear = false;
        if (rows_of_window(r, d) == 0)
            continue;
        const mms_status st = mms_cal_products(w, p, &linear, err);
        if (st != MMS_OK)
            return st;
        const bool full =
            w->ncorr == 4 && !p[0].p && !p[0].q && !p[1].p && p[1].q && p[2].p && !p[2].q;
        if (!full && (r->leakage || (r->q->parang && linear)))
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "window %d has not all four products: %s can't be applied", w->spw,
                            r->leakage ? "D tables" : "parang=True");
    }
    return MMS_OK;
}

static bool is_solved(const running *r, int64_t field, int32_t spw)
{
    const mms_cal_row row = {-1, (int32_t)field, -1, spw};

    for (int64_t t = 0; t < r->ntable; t++)
        if (mms_cal_table_covers(r->tables[t], &row) &&
            !mms_cal_table_has(r->tables[t], spw, (int32_t)field))
            return false;
    return true;
}

/** Say which windows have no solutions. */
static void warn_unsolved(const running *r)
{
    mms_text text = {0};

    for (int64_t d = 0; d < r->change.set.nwindow; d++) {
        const int32_t spw = r->change.set.windows[d].spw;
        bool solved = true;
        for (int64_t f = 0; f < r->change.nfield; f++)
            if (r->change.counts[f * r->change.set.nwindow + d] > 0)
                solved = solved && is_solved(r, f, spw);
        if (!solved)
            mms_text_add(&text, "%s%d", text.text ? "," : "", spw);
    }
    if (text.text)
        mms_log(MMS_LOG_WARN, "applycal",
                "Spectral window(s) %s could not be corrected due to missing (pre-)calibration in "
                "one or more of the specified tables. Please check your results carefully!",
                text.text);
    free(text.text);
}

static mms_status check_column(const running *r, const char *name, mms_dtype dtype, bool needed,
                               mms_error *err)
{
    const mms_column *c = mms_ms_find_column(r->change.ms, name);

    if (!c && needed)
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s has no column %s", mms_ms_path(r->change.ms),
                        name);
    if (c && c->dtype != dtype)
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: %s holds %s, not %s",
                        mms_ms_path(r->change.ms), name, mms_dtype_name(c->dtype),
                        mms_dtype_name(dtype));
    return MMS_OK;
}

static mms_status choose_columns(running *r, mms_error *err)
{
    int n = 0;
    mms_status st;

    MMS_TRY(check_column(r, MMS_COL_DATA, MMS_DT_COMPLEX, true, err));
    MMS_TRY(check_column(r, MMS_COL_CORRECTED_DATA, MMS_DT_COMPLEX, false, err));
    MMS_TRY(check_column(r, MMS_COL_FLAG, MMS_DT_BOOL, true, err));
    MMS_TRY(check_column(r, MMS_COL_SIGMA, MMS_DT_FLOAT, r->weigh, err));
    MMS_TRY(check_column(r, MMS_COL_WEIGHT, MMS_DT_FLOAT, r->weigh, err));
    MMS_TRY(check_column(r, MMS_COL_WEIGHT_SPECTRUM, MMS_DT_FLOAT, false, err));
    MMS_TRY(check_column(r, MMS_COL_SIGMA_SPECTRUM, MMS_DT_FLOAT, false, err));
    r->weigh = r->weigh && r->correct;
    if (r->correct)
        r->columns[n++] = MMS_COL_CORRECTED_DATA;
    if (r->flag)
        r->columns[n++] = MMS_COL_FLAG;
    if (r->weigh)
        r->columns[n++] = MMS_COL_WEIGHT;
    if (r->weigh && mms_ms_find_column(r->change.ms, MMS_COL_WEIGHT_SPECTRUM))
        r->columns[n++] = MMS_COL_WEIGHT_SPECTRUM;
done:
    return st;
}

/** Which way each antenna's feeds turn: a letter, "" where they don't. */
static mms_status read_mounts(running *r, mms_error *err)
{
    const char *path = mms_ms_subtable(r->change.ms, "ANTENNA");
    mms_table *table = NULL;
    mms_status st;

    r->mounts = json_array();
    if (!r->q->parang)
        return MMS_OK;
    if (!mms_ms_subtable(r->change.ms, "FEED"))
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "parameter parang: the set has no FEED");
    MMS_TRY(path ? mms_table_open(path, MMS_TABLE_READ, &table, err)
                 : mms_fail(err, MMS_ERR_NOT_FOUND, "the set has no ANTENNA"));
    for (int64_t i = 0; i < mms_table_nrow(table); i++) {
        mms_value *mount = NULL;
        MMS_TRY(mms_table_get_cell(table, "MOUNT", i, &mount, err));
        const char *text = json_is_string(mount) ? json_string_value(mount) : "";
        const char *letter = !strcasecmp(text, "alt-az") || !*text   ? "a"
                             : !strcasecmp(text, "alt-az+nasmyth-r") ? "r"
                             : !strcasecmp(text, "alt-az+nasmyth-l") ? "l"
                                                                     : "";
        json_array_append_new(r->mounts, json_string(letter));
        mms_value_free(&mount);
    }
done:
    mms_table_drop(&table);
    return st;
}

/* ---- the run ----------------------------------------------------------------------------------*/

static mms_status check(running *r, mms_error *err)
{
    mms_status st;

    read_mode(r);
    if (json_array_size(r->q->tables) == 0 && !r->q->parang)
        return mms_fail(err, MMS_ERR_ARG, "Nothing to Apply: gaintable is empty, parang is False");
    MMS_TRY(open_tables(r, err));
    MMS_TRY(check_maps(r, err));
    MMS_TRY(check_windows(r, err));
    MMS_TRY(choose_columns(r, err));
    MMS_TRY(read_mounts(r, err));
    warn_unsolved(r);
done:
    return st;
}

/** The channels that the selection names: [[spw, first, last], …]; none: all. */
static mms_value *channels_value(const running *r)
{
    int64_t n = 0;
    const mms_channels *ranges = mms_selection_named_channels(r->change.selection, &n);
    mms_value *list = json_array();

    if (!r->q->select.spw || !strchr(r->q->select.spw, ':'))
        n = 0; // whole windows
    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("[iii]", ranges[i].spw, ranges[i].first, ranges[i].last));
    return list;
}

static mms_status do_run(running *r, bool *wrote, mms_value *result, mms_error *err)
{
    const mms_change_request *how = &r->q->change;
    mms_value *const channels = channels_value(r);
    mms_value *order = !channels
                           ? NULL
                           : mms_applycal_work_encode(&(mms_applycal_work){.tables = r->uses,
                                                                           .mounts = r->mounts,
                                                                           .channels = channels,
                                                                           .parang = r->q->parang,
                                                                           .correct = r->correct,
                                                                           .flag = r->flag,
                                                                           .strict = r->strict,
                                                                           .weigh = r->weigh});
    const mms_change_work work = {.how = how,
                                  .columns = r->columns,
                                  .made = r->correct ? MMS_COL_CORRECTED_DATA : NULL,
                                  .work = order,
                                  .backup = r->q->flagbackup && r->flag ? "applycal" : NULL};
    const bool plan = how->dryrun || !r->columns[0];
    mms_status st = !order ? no_memory(err)
                    : plan ? mms_change_plan(&r->change, &work, result, err)
                           : mms_change_run(&r->change, &work, wrote, result, err);

    json_decref(channels);
    mms_value_free(&order);
    return st;
}

mms_status mms_applycal_run(const mms_applycal_request *q, bool *wrote, mms_value *result,
                            mms_error *err)
{
    running r = {.q = q};
    mms_status st;

    MMS_TRY(mms_change_open(&q->change, &q->select, &r.change, err));
    if (mms_change_is_over(&q->change, wrote, result))
        goto done;
    MMS_TRY(check(&r, err));
    MMS_TRY(do_run(&r, wrote, result, err));
done:
    for (int64_t i = 0; r.tables && i < r.ntable; i++)
        mms_cal_table_close(&r.tables[i]);
    free(r.tables);
    mms_value_free(&r.mounts);
    mms_value_free(&r.uses);
    mms_change_close(&r.change);
    return st;
}
