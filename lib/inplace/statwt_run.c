/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file statwt_run.c  Weights from scatter over the parts of a set: the client's side.
 *
 *  Parts that share a chunk are one unit; what it finds goes to a file, and from it into the parts.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base_priv.h"
#include "groups_priv.h"
#include "ms/columns.h"
#include "ms/model.h"
#include "ms/ms_meta.h"
#include "ms/select_value.h"
#include "multims/log.h"
#include "orders_priv.h"
#include "plan_priv.h"
#include "statwt_priv.h"
#include "tables/measures_priv.h"

enum { MOST_COLUMNS = 8 };

typedef struct running {
    const mms_statwt_request *q;
    mms_ms *ms;
    mms_statwt_order order; /**< of all units */
    mms_value *select, *spectra;
    mms_value *writes, *adds;
    int64_t *group, *selected; /**< [members]; selected: rows */
    bool binned;               /**< chanbin is given: spectra are written */
    mms_undo *undo;
} running;

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "statwt: out of memory");
}

/* ---- bins of times and channels ---------------------------------------------------------------*/

/** Find whether a text is a whole number; *number is 0 if not. */
static bool is_whole(const char *text, int64_t *number)
{
    char *end;
    const long long value = strtoll(text, &end, 10);
    const bool whole = end != text && !*end;

    *number = whole ? value : 0;
    return whole;
}

/** A number of things, or a quantity: either above 0. */
static mms_status read_width(const char *name, const char *text, const char *unit, const char *what,
                             int64_t *number, double *width, mms_error *err)
{
    mms_error why = {0};
    bool good;

    *number = 0;
    *width = 0;
    if (is_whole(text, number))
        good = *number > 0;
    else
        good = mms_quantity_parse(text, unit, false, width, &why) == MMS_OK && *width > 0;
    return good ? MMS_OK
                : mms_fail(err, MMS_ERR_ARG, "parameter %s: %s is not %s, above 0%s%s", name, text,
                           what, *why.msg ? ": " : "", why.msg);
}

/** timebin and chanbin as numbers, into the order of all units. */
static mms_status read_bins(running *r, mms_error *err)
{
    int64_t stamps, channels = 0;
    double seconds, width = 0;
    mms_status st;

    MMS_TRY(read_width("timebin", r->q->timebin, "s", "a number of times, or a time such as 30s",
                       &stamps, &seconds, err));
    r->binned = strcasecmp(r->q->chanbin, "spw") != 0;
    if (r->binned)
        MMS_TRY(read_width("chanbin", r->q->chanbin, "Hz",
                           "spw, a number of channels, or a width such as 2MHz", &channels, &width,
                           err));
    r->order.time = (mms_statwt_time){r->q->asked.slides, stamps, seconds};
    r->order.channels = channels;
    r->order.width = width;
done:
    return st;
}

/* ---- columns ----------------------------------------------------------------------------------*/

static bool has_column(const running *r, const char *name)
{
    return mms_ms_find_column(r->ms, name) != NULL;
}

/** Whether some row has a cell of a column. */
static mms_status has_cells(running *r, const char *name, bool *has, mms_error *err)
{
    const mms_rows all = {0, mms_ms_nrow(r->ms)};
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st = MMS_OK;

    *has = false;
    if (has_column(r, name) && all.count > 0)
        st = mms_ms_shapes(r->ms, name, 1, &all, &runs, &nrun, err);
    for (int64_t i = 0; i < nrun; i++)
        *has = *has || runs[i].ndim == 2;
    free(runs);
    return st;
}

static mms_status add_write(running *r, const char *column, const char *spectrum, mms_error *err)
{
    bool has;
    const mms_status st = has_cells(r, spectrum, &has, err);

    json_array_append_new(r->writes, json_string(column));
    if (has || r->binned)
        json_array_append_new(r->writes, json_string(spectrum));
    if (r->binned && !has_column(r, spectrum))
        json_array_append_new(r->adds, json_string(spectrum));
    return st;
}

/** WEIGHT belongs to CORRECTED_DATA where it is there, SIGMA to DATA. */
static mms_status choose_columns(running *r, mms_error *err)
{
    const char *name = r->q->datacolumn;
    const bool data = !strcmp(name, "data") || !strcmp(name, "residual_data");
    const bool residual = !strncmp(name, "residual", 8);
    bool is_virtual;
    const mms_value *noted = mms_change_choice(&r->q->change);
    mms_status st = MMS_OK;

    if (noted) {
        r->writes = json_incref(json_object_get(noted, "writes"));
        r->adds = json_incref(json_object_get(noted, "adds"));
        return MMS_OK;
    }
    if (!data && !has_column(r, MMS_COL_CORRECTED_DATA))
        return mms_fail(err, MMS_ERR_NOT_FOUND,
                        "datacolumn=\"%s\": StatWtTVI requires the MS to have a CORRECTED_DATA "
                        "column. This MS does not. Say datacolumn=data to use DATA",
                        name);
    if (data && !has_column(r, MMS_COL_DATA))
        return mms_fail(err, MMS_ERR_NOT_FOUND, "datacolumn=\"%s\": %s has no column DATA", name,
                        r->q->change.vis);
    r->writes = json_array();
    r->adds = json_array();
    if (!data || !has_column(r, MMS_COL_CORRECTED_DATA))
        st = add_write(r, MMS_COL_WEIGHT, MMS_COL_WEIGHT_SPECTRUM, err);
    if (st == MMS_OK && data)
        st = add_write(r, MMS_COL_SIGMA, MMS_COL_SIGMA_SPECTRUM, err);
    if (st == MMS_OK && residual)
        st = mms_ms_use_model(r->ms, &is_virtual, err);
    if (residual && !has_column(r, MMS_COL_MODEL_DATA))
        mms_log(MMS_LOG_INFO, "statwt", "%s has no MODEL_DATA: the model is taken as 0",
                r->q->change.vis);
    json_array_append_new(r->writes, json_string(MMS_COL_FLAG));
    json_array_append_new(r->writes, json_string(MMS_COL_FLAG_ROW));
    return st;
}

/* ---- rows -------------------------------------------------------------------------------------*/

/** Count the selected rows of each part. */
static mms_status count_rows(running *r, int64_t *rows, mms_error *err)
{
    mms_selection *selection = NULL;
    mms_meta meta = {0};
    mms_status st;

    *rows = 0;
    MMS_TRY(mms_selection_create(r->ms, &r->q->select, &selection, err));
    if (mms_selection_cuts_channels(selection))
        mms_log(MMS_LOG_WARN, "statwt",
                "spw=\"%s\": channels are not selected here, whole rows are; fitspw names the "
                "channels that weights are computed from",
                r->q->select.spw);
    MMS_TRY(mms_meta_read(r->ms, selection, &meta, err));
    r->selected = mms_alloc(meta.nmember, sizeof *r->selected);
    MMS_TRY(r->selected ? MMS_OK : no_memory(err));
    memcpy(r->selected, meta.member_rows, (size_t)meta.nmember * sizeof *r->selected);
    *rows = meta.nselected;
    if (*rows == 0)
        MMS_TRY(mms_selection_refuse_empty(r->ms, &r->q->select, err));
done:
    mms_meta_free(&meta);
    mms_selection_free(&selection);
    return st;
}

static mms_status group(running *r, mms_error *err)
{
    const mms_chunk_ids ids = {.scan = !r->q->asked.scan, .field = !r->q->asked.field};

    r->group = mms_alloc(mms_ms_nmember(r->ms), sizeof *r->group);
    return r->group ? mms_group_members(r->ms, ids, r->group, err) : no_memory(err);
}

/* ---- units ------------------------------------------------------------------------------------*/

/** What every unit that weighs takes. */
static void complete_order(running *r)
{
    static const char *const names[][2] = {{"corrected", "CORRECTED"},
                                           {"data", MMS_COL_DATA},
                                           {"residual", "RESIDUAL"},
                                           {"residual_data", "RESIDUAL_DATA"}};
    mms_statwt_order *order = &r->order;

    for (int i = 0; i < 4; i++)
        if (!strcmp(names[i][0], r->q->datacolumn))
            order->column = names[i][1];
    order->asked = r->q->asked;
    order->spectra = r->spectra =
        json_pack("[s s*]", MMS_COL_WEIGHT_SPECTRUM,
                  strstr(r->q->datacolumn, "data") ? MMS_COL_SIGMA_SPECTRUM : NULL);
    order->vis = r->q->change.vis;
    order->select = r->select = mms_select_value(&r->q->select);
    order->binned = r->binned;
    order->tiles = r->q->change.tiles;
    order->memory = r->q->change.memory;
}

static mms_value *make_unit(const running *r, int64_t first)
{
    mms_value *members = mms_group_value(r->ms, r->group, first);
    mms_value *stage = mms_group_stage(r->undo, first);
    mms_statwt_order order = r->order;

    order.members = members;
    order.stage = json_string_value(stage);
    order.lock = mms_undo_lock_path(r->undo);
    mms_value *const unit = mms_statwt_order_encode(&order);
    mms_value_free(&members);
    mms_value_free(&stage);
    return unit;
}

static bool is_group_selected(const running *r, int64_t first)
{
    for (int64_t i = 0; i < mms_ms_nmember(r->ms); i++)
        if (r->group[i] == first && r->selected[i] > 0)
            return true;
    return false;
}

static mms_value *make_write_unit(const running *r, int64_t member)
{
    const mms_rows rows = mms_ms_member_rows(r->ms, member);
    mms_value *stage =
        mms_group_stage(is_group_selected(r, r->group[member]) ? r->undo : NULL, r->group[member]);
    mms_value *const unit = mms_weights_order_encode(
        &(mms_weights_order){.stage = json_string_value(stage),
                             .part = mms_ms_member_path(r->ms, member),
                             .lock = mms_undo_lock_path(r->undo),
                             .writes = r->writes,
                             .adds = r->adds,
                             .first = rows.first,
                             .count = rows.count,
                             .tiles = r->q->change.tiles,
                             .sync = r->q->change.sync,
                             .zero_sigma = r->order.asked.keeps_outside && !r->order.time.slides &&
                                           r->order.time.stamps == 0});

    json_decref(stage);
    return mms_units_changing(unit,
                              json_pack("[o]", mms_text_value(mms_ms_member_path(r->ms, member))));
}

/* ---- the answer -------------------------------------------------------------------------------*/

static int by_key(const void *a, const void *b)
{
    const mms_value *x = *(mms_value *const *)a, *y = *(mms_value *const *)b;

    for (size_t i = 0; i < 5; i++) {
        const json_int_t left = json_integer_value(json_array_get(x, i));
        const json_int_t right = json_integer_value(json_array_get(y, i));
        if (left != right)
            return left < right ? -1 : 1;
    }
    return 0;
}

/** Mean and variance of all weights, chunk by chunk in an order of their own: the answer does not
 *  depend on the parts. */
static mms_status gather(const mms_units *u, mms_value *result, mms_error *err)
{
    mms_statwt_sums sums = {0};
    mms_value *all = json_array(), **items;
    double newly = 0, flagged = 0, total = 0;
    json_int_t rows = 0;

    for (int64_t i = 0; i < u->n; i++) {
        const mms_value *answer = u->answers[i].value;
        json_array_extend(all, json_object_get(answer, "sums"));
        newly += json_number_value(json_object_get(answer, "newly"));
        flagged += json_number_value(json_object_get(answer, "flagged"));
        total += json_number_value(json_object_get(answer, "total"));
        rows += json_integer_value(json_object_get(answer, "rows"));
    }
    const int64_t n = (int64_t)json_array_size(all);
    items = mms_alloc(n, sizeof *items);
    for (int64_t i = 0; items && i < n; i++)
        items[i] = json_array_get(all, (size_t)i);
    if (items)
        qsort(items, (size_t)n, sizeof *items, by_key);
    for (int64_t i = 0; items && i < n; i++) {
        const mms_statwt_sums more = {mms_value_double(json_array_get(items[i], 5)),
                                      mms_value_double(json_array_get(items[i], 6)),
                                      mms_value_double(json_array_get(items[i], 7))};
        mms_statwt_sums_join(&sums, &more);
    }
    json_object_set_new(result, "mean", mms_double_value(sums.mean));
    json_object_set_new(result, "variance",
                        mms_double_value(sums.n > 1 ? sums.m2 / (sums.n - 1) : 0));
    mms_log(MMS_LOG_INFO, "statwt", "%" JSON_INTEGER_FORMAT " rows; %.0f values newly flagged",
            rows, newly);
    if (newly > 0 && newly + flagged >= total)
        mms_log(MMS_LOG_WARN, "statwt",
                "IT APPEARS THAT STATWT FLAGGED ALL THE DATA IN THE REQUESTED SELECTION THAT "
                "WASN'T ORIGINALLY FLAGGED");
    free(items);
    mms_value_free(&all);
    return items || n == 0 ? MMS_OK : no_memory(err);
}

/* ---- the run ----------------------------------------------------------------------------------*/

static mms_status weigh(running *r, mms_value *result, mms_error *err)
{
    mms_units u;
    mms_status st;

    MMS_TRY(mms_units_open(mms_ms_nmember(r->ms), &u, err));
    for (int64_t i = 0; i < mms_ms_nmember(r->ms); i++)
        if (r->group[i] == i && is_group_selected(r, i))
            MMS_TRY(mms_units_add(&u, mms_ms_member_path(r->ms, i), make_unit(r, i), err));
    MMS_TRY(r->undo ? mms_units_run_noted(&u, &r->q->change, err)
                    : mms_units_run(&u, &r->q->change, err));
    MMS_TRY(gather(&u, result, err));
done:
    mms_units_close(&u);
    return st;
}

/** A part without selected rows gets the new columns, too: parts have the same. */
static mms_status write_parts(running *r, mms_error *err)
{
    const char *columns[MOST_COLUMNS] = {NULL};
    const int64_t nmember = mms_ms_nmember(r->ms);
    const bool adds = json_array_size(r->adds) > 0;
    bool *members = mms_alloc(nmember, sizeof *members);
    mms_units u;
    mms_status st;

    MMS_TRY(mms_units_open(nmember, &u, err));
    MMS_TRY(members ? MMS_OK : no_memory(err));
    for (size_t i = 0; i < json_array_size(r->writes) && i < MOST_COLUMNS - 1; i++)
        columns[i] = json_string_value(json_array_get(r->writes, i));
    for (int64_t i = 0; i < nmember; i++) {
        members[i] = adds || r->selected[i] > 0;
        if (members[i])
            MMS_TRY(mms_units_add_named(&u,
                                        mms_format("%s (weights)", mms_ms_member_path(r->ms, i)),
                                        make_write_unit(r, i), err));
    }
    MMS_TRY(mms_change_keep(&r->q->change, r->undo, r->ms, members, columns, err));
    MMS_TRY(mms_units_run_noted(&u, &r->q->change, err));
done:
    mms_units_close(&u);
    free(members);
    return st;
}

/** The columns are chosen by the set as it was before the first run. */
static void note_columns(running *r)
{
    mms_value *choice = mms_change_choose(
        &r->q->change, json_pack("{sO sO}", "writes", r->writes, "adds", r->adds));

    mms_value_free(&r->writes);
    mms_value_free(&r->adds);
    r->writes = json_incref(json_object_get(choice, "writes"));
    r->adds = json_incref(json_object_get(choice, "adds"));
    mms_value_free(&choice);
}

/** From here on something is written. */
static mms_status run_checked(running *r, bool *wrote, mms_value *result, mms_error *err)
{
    mms_status st;

    if (r->q->preview)
        return weigh(r, result, err);
    MMS_TRY(mms_undo_check(r->ms, err));
    MMS_TRY(mms_change_begin(&r->q->change, err));
    *wrote = true;
    note_columns(r);
    MMS_TRY(mms_change_take_undo(&r->q->change, &r->undo, err));
    if (r->q->backup) {
        mms_log(MMS_LOG_INFO, "statwt", "Backup original flags before applying new flags");
        st = mms_backup_flags(&r->q->change, "statwt", NULL, err);
    }
    if (st == MMS_OK)
        st = weigh(r, result, err);
    if (st == MMS_OK)
        st = write_parts(r, err);
    st = mms_change_end(&r->q->change, r->ms, &r->undo, st, err);
done:
    return st;
}

/** What a run would do. */
static mms_status describe(const running *r, mms_value *result, mms_error *err)
{
    const char *const backup = r->q->backup && !r->q->preview ? "statwt" : NULL;
    mms_selection *selection = NULL;
    mms_planned planned = {0};
    mms_flag_set set = {0};
    mms_status st;

    MMS_TRY(mms_flag_set_open(r->ms, &set, err));
    MMS_TRY(mms_planned_open(&set, &planned, err));
    MMS_TRY(mms_selection_create(r->ms, &r->q->select, &selection, err));
    MMS_TRY(mms_planned_add(&planned, selection, err));
    MMS_TRY(
        mms_planned_tell(&planned, r->q->preview ? NULL : r->writes, r->adds, backup, result, err));
    json_object_set_new(result, "vis", mms_text_value(r->q->change.vis));
    json_object_set(result, "columns", r->writes);
    json_object_set(result, "new_columns", r->adds);
done:
    mms_selection_free(&selection);
    mms_planned_close(&planned);
    mms_flag_set_close(&set);
    return st;
}

mms_status mms_statwt_run(const mms_statwt_request *q, bool *wrote, mms_value *result,
                          mms_error *err)
{
    running r = {.q = q};
    mms_statwt_setup setup = {0};
    int64_t rows;
    mms_status st;

    MMS_TRY(read_bins(&r, err));
    MMS_TRY(mms_change_recover(&q->change, !q->change.dryrun, &r.undo, err));
    if (mms_change_is_over(&q->change, wrote, result))
        goto done;
    MMS_TRY(mms_change_open_set(&q->change, &r.ms, err));
    MMS_TRY(choose_columns(&r, err));
    complete_order(&r);
    MMS_TRY(mms_statwt_setup_open(r.ms, &r.order, &setup, err)); // fitspw can be read
    MMS_TRY(count_rows(&r, &rows, err));
    if (q->change.dryrun) {
        st = describe(&r, result, err);
        goto done;
    }
    MMS_TRY(group(&r, err));
    MMS_TRY(run_checked(&r, wrote, result, err));
done:
    mms_undo_leave(&r.undo);
    mms_statwt_setup_close(&setup);
    mms_ms_close(&r.ms);
    mms_value_free(&r.select);
    mms_value_free(&r.spectra);
    mms_value_free(&r.writes);
    mms_value_free(&r.adds);
    free(r.group);
    free(r.selected);
    return st;
}
