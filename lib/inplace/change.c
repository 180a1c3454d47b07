/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file change.c  Verbs that change columns row by row: the client's side. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "change_priv.h"
#include "groups_priv.h"
#include "models_priv.h"
#include "ms/columns.h"
#include "ms/rows.h"
#include "multims/log.h"
#include "orders_priv.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "in-place work: out of memory");
}

/* ---- what is selected -------------------------------------------------------------------------*/

/** Keys of some rows. */
typedef struct keys {
    const int32_t *ddid, *field;
    const double *time_s;
} keys;

static mms_status check_keys(const mms_change *c, const keys *k, mms_rows rows, mms_error *err)
{
    for (int64_t i = 0; i < rows.count; i++) {
        if (k->ddid[i] < 0 || k->ddid[i] >= c->set.nwindow)
            return mms_fail(err, MMS_ERR_RANGE, "%s: row %" PRId64 ": DATA_DESC_ID %d has no row",
                            mms_ms_path(c->ms), rows.first + i, k->ddid[i]);
        if (k->field[i] < 0 || k->field[i] >= c->nfield)
            return mms_fail(err, MMS_ERR_RANGE, "%s: row %" PRId64 ": FIELD_ID %d has no row",
                            mms_ms_path(c->ms), rows.first + i, k->field[i]);
    }
    return MMS_OK;
}

static void count_rows(mms_change *c, const keys *k, const mms_row_chunk *chunk)
{
    for (int64_t i = 0; i < chunk->rows.count; i++) {
        const int64_t row = chunk->rows.first + i;
        c->rows_of[k->ddid[i]]++;
        if (!chunk->mask[i])
            continue;
        c->counts[k->field[i] * c->set.nwindow + k->ddid[i]]++;
        if (k->time_s[i] < c->first_s[k->field[i]])
            c->first_s[k->field[i]] = k->time_s[i];
        c->selected[chunk->member]++;
        c->nselected++;
        if (c->bits)
            c->bits[row >> 3] |= (uint8_t)(1 << (row & 7));
    }
}

static mms_status look_at_chunk(void *change, const mms_row_chunk *chunk, mms_error *err)
{
    const keys k = {chunk->cells[0], chunk->cells[1], chunk->cells[2]};
    const mms_status st = check_keys(change, &k, chunk->rows, err);

    if (st == MMS_OK)
        count_rows(change, &k, chunk);
    return st;
}

static mms_status look_at_rows(mms_change *c, mms_error *err)
{
    static const char *const columns[] = {MMS_COL_DATA_DESC_ID, MMS_COL_FIELD_ID, MMS_COL_TIME,
                                          NULL};
    const mms_row_pass_opts opts = {
        .selection = c->selection, .columns = columns, .unselected = true};

    return mms_rows_each(c->ms, &opts, look_at_chunk, c, err);
}

mms_status mms_change_open(const mms_change_request *how, const mms_select *select, mms_change *c,
                           mms_error *err)
{
    mms_status st;

    *c = (mms_change){0};
    MMS_TRY(mms_change_recover(how, !how->dryrun, &c->undo, err));
    MMS_TRY(mms_change_open_set(how, &c->ms, err));
    MMS_TRY(mms_flag_set_open(c->ms, &c->set, err));
    MMS_TRY(mms_selection_create(c->ms, select, &c->selection, err));
    c->nfield = (int64_t)json_array_size(c->set.fields);
    c->selected = mms_alloc(mms_ms_nmember(c->ms), sizeof *c->selected);
    c->counts = mms_alloc(c->nfield * c->set.nwindow, sizeof *c->counts);
    c->rows_of = mms_alloc(c->set.nwindow, sizeof *c->rows_of);
    c->first_s = mms_alloc(c->nfield, sizeof *c->first_s);
    MMS_TRY(c->selected && c->counts && c->rows_of && c->first_s ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < c->nfield; i++)
        c->first_s[i] = INFINITY;
    if (!mms_selection_is_all(c->selection))
        MMS_TRY((c->bits = mms_alloc(mms_ms_nrow(c->ms) / 8 + 1, 1)) ? MMS_OK : no_memory(err));
    MMS_TRY(look_at_rows(c, err));
    if (c->nselected == 0)
        st = mms_selection_refuse_empty(c->ms, select, err);
done:
    return st;
}

void mms_change_close(mms_change *c)
{
    mms_undo_leave(&c->undo);
    mms_selection_free(&c->selection);
    mms_flag_set_close(&c->set);
    mms_ms_close(&c->ms);
    free(c->bits);
    free(c->selected);
    free(c->counts);
    free(c->rows_of);
    free(c->first_s);
    *c = (mms_change){0};
}

int64_t mms_change_values(const mms_change *c, bool all)
{
    int64_t n = 0;

    for (int64_t d = 0; d < c->set.nwindow; d++) {
        const int64_t cell = (int64_t)c->set.windows[d].nchan * c->set.windows[d].ncorr;
        int64_t rows = all ? c->rows_of[d] : 0;
        for (int64_t f = 0; f < c->nfield && !all; f++)
            rows += c->counts[f * c->set.nwindow + d];
        n += rows * cell;
    }
    return n;
}

/* ---- units ------------------------------------------------------------------------------------*/

/** Write which rows of a part are selected; *path is "" when all are, else to be ended with free().
 */
static mms_status write_mask(const mms_change *c, int64_t member, char **path, mms_error *err)
{
    const mms_rows rows = mms_ms_member_rows(c->ms, member);
    uint8_t *bits = NULL;
    mms_status st = MMS_OK;

    *path = c->selected[member] == rows.count
                ? strdup("")
                : mms_format("%s/rows-%" PRId64, mms_undo_folder(c->undo), member);
    if (!*path)
        return no_memory(err);
    if (!**path)
        return MMS_OK;
    bits = mms_alloc(rows.count / 8 + 1, 1);
    if (!bits)
        return no_memory(err);
    for (int64_t i = 0; i < rows.count; i++)
        if (mms_flag_bit(c->bits, rows.first + i))
            bits[i >> 3] |= (uint8_t)(1 << (i & 7));
    st = mms_write_file(*path, bits, rows.count / 8 + 1, err);
    free(bits);
    return st;
}

static mms_status add_unit(const mms_change *c, const mms_change_work *w, int64_t member,
                           mms_units *units, mms_error *err)
{
    const char *const part = mms_ms_member_path(c->ms, member);
    char *const source = w->ends_models ? mms_models_source(part) : NULL;
    mms_value *columns = json_array();
    char *mask = NULL;
    mms_status st = write_mask(c, member, &mask, err);

    for (const char *const *p = w->columns; *p; p++)
        json_array_append_new(columns, json_string(*p));
    if (st == MMS_OK)
        st = mms_units_add(
            units, part,
            mms_units_changing(
                mms_change_order_encode(&(mms_change_order){.part = part,
                                                            .rows = mask,
                                                            .lock = mms_undo_lock_path(c->undo),
                                                            .made = w->made,
                                                            .work = w->work,
                                                            .columns = columns,
                                                            .memory = w->how->memory,
                                                            .tiles = w->how->tiles,
                                                            .sync = w->how->sync,
                                                            .source = source,
                                                            .ends_models = w->ends_models}),
                json_pack("[oo*]", mms_text_value(part), source ? mms_text_value(source) : NULL)),
            err);
    free(source);
    mms_value_free(&columns);
    free(mask);
    return st;
}

/** Which parts have work: those with selected rows, and those that lack the column that is made. */
static void find_parts(const mms_change *c, const mms_change_work *w, bool *members,
                       int64_t *skipped)
{
    const bool now = w->made && !mms_ms_find_column(c->ms, w->made);
    mms_value *choice = mms_change_choose(w->how, json_boolean(now));
    const bool lacks = json_is_true(choice);

    mms_value_free(&choice);
    *skipped = 0;
    for (int64_t i = 0; i < mms_ms_nmember(c->ms); i++) {
        members[i] = c->selected[i] > 0 || lacks;
        *skipped += c->selected[i] == 0;
    }
}

static mms_status change_parts(mms_change *c, const mms_change_work *w, const bool *members,
                               mms_value *result, mms_error *err)
{
    const int64_t nmember = mms_ms_nmember(c->ms);
    mms_units units;
    int64_t rows = 0;
    bool models = false;
    mms_status st;

    MMS_TRY(mms_units_open(nmember, &units, err));
    if (w->ends_models)
        MMS_TRY(mms_models_find(c->ms, &models, err));
    for (int64_t i = 0; i < nmember; i++)
        if (members[i])
            MMS_TRY(add_unit(c, w, i, &units, err));
    if (models)
        MMS_TRY(mms_models_keep(c->undo, c->ms, err));
    MMS_TRY(mms_change_keep(w->how, c->undo, c->ms, members, w->columns, err));
    if (models) // first: what comes back for another attempt is as it was before the run
        MMS_TRY(mms_models_change(c->ms, c->undo, w->how, NULL, err));
    MMS_TRY(mms_units_run_noted(&units, w->how, err));
    for (int64_t i = 0; i < units.n; i++)
        rows += json_integer_value(json_object_get(units.answers[i].value, "changed_rows"));
    json_object_set_new(result, "changed_rows", json_integer(rows));
done:
    mms_units_close(&units);
    return st;
}

static void report_parts(const mms_change *c, int64_t skipped, mms_value *result)
{
    json_object_set_new(result, "vis", mms_text_value(mms_ms_path(c->ms)));
    json_object_set_new(result, "rows", json_integer(c->nselected));
    json_object_set_new(result, "parts", json_integer(mms_ms_nmember(c->ms)));
    json_object_set_new(result, "skipped_parts", json_integer(skipped));
}

mms_status mms_change_run(mms_change *c, const mms_change_work *w, bool *wrote, mms_value *result,
                          mms_error *err)
{
    bool *members = mms_alloc(mms_ms_nmember(c->ms), sizeof *members);
    char *version = NULL;
    int64_t skipped;
    mms_status st;

    MMS_TRY(members ? MMS_OK : no_memory(err));
    MMS_TRY(mms_undo_check(c->ms, err));
    MMS_TRY(mms_change_begin(w->how, err));
    *wrote = true;
    find_parts(c, w, members, &skipped);
    MMS_TRY(mms_change_take_undo(w->how, &c->undo, err)); // from here on no other run comes between
    if (w->backup)
        st = mms_backup_flags(w->how, w->backup, &version, err);
    if (st == MMS_OK)
        st = change_parts(c, w, members, result, err);
    st = mms_change_end(w->how, c->ms, &c->undo, st, err);
    report_parts(c, skipped, result);
    json_object_set_new(result, "flag_version", version ? mms_text_value(version) : json_null());
done:
    free(members);
    free(version);
    return st;
}

/* ---- the plan ---------------------------------------------------------------------------------*/

/** Bytes that are written of a column: in all rows of one that is made. */
static int64_t column_bytes(const mms_change *c, const char *name, bool made)
{
    const bool corrs = !strcmp(name, MMS_COL_WEIGHT);
    const int64_t size = strstr(name, "_DATA") ? 8 : !strcmp(name, MMS_COL_FLAG) ? 1 : 4;
    int64_t n = 0;

    if (!corrs)
        return size * mms_change_values(c, made);
    for (int64_t d = 0; d < c->set.nwindow; d++)
        for (int64_t f = 0; f < c->nfield; f++)
            n += c->counts[f * c->set.nwindow + d] * c->set.windows[d].ncorr;
    return size * n;
}

mms_status mms_change_plan(mms_change *c, const mms_change_work *w, mms_value *result,
                           mms_error *err)
{
    bool *members = mms_alloc(mms_ms_nmember(c->ms), sizeof *members);
    mms_value *columns = json_object(), *kept = json_array();
    char *version = NULL;
    int64_t skipped = 0, bytes = 0;
    mms_status st;

    MMS_TRY(members ? MMS_OK : no_memory(err));
    find_parts(c, w, members, &skipped);
    for (const char *const *p = w->columns; *p; p++) {
        const bool there = mms_ms_find_column(c->ms, *p) != NULL;
        json_object_set_new(columns, *p, json_string(there ? "changed" : "added"));
        if (there)
            json_array_append_new(kept, json_string(*p));
        bytes += column_bytes(c, *p, !there);
    }
    if (w->backup)
        MMS_TRY(mms_version_next(mms_ms_path(c->ms), w->backup, &version, err));
    report_parts(c, skipped, result);
    json_object_set(result, "columns", columns);
    json_object_set(result, "kept", kept);
    json_object_set_new(result, "bytes", json_integer(bytes));
    json_object_set_new(result, "flag_version", version ? mms_text_value(version) : json_null());
    json_object_set_new(result, "dryrun", json_true());
done:
    mms_value_free(&columns);
    mms_value_free(&kept);
    free(members);
    free(version);
    return st;
}
