/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cal_lines.c  Which rows of a set the lines of a cal library are for. */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/ids_priv.h"
#include "cal_priv.h"
#include "ms/columns.h"
#include "ms/rows.h"
#include "ms/select_value.h"
#include "multims/log.h"

enum { OBSERVATIONS, FIELDS, STATES, WINDOWS, NSET };

static const char *const columns[] = {MMS_COL_OBSERVATION_ID, MMS_COL_FIELD_ID, MMS_COL_STATE_ID,
                                      MMS_COL_DATA_DESC_ID, NULL};
static const char *const set_names[NSET] = {"observations", "fields", "states", "spws"};

/** Which ids the rows of a line have. */
typedef struct line {
    const mms_change *change;
    mms_id_set seen[NSET];
} line;

static mms_status add_row(line *l, const mms_row_chunk *chunk, int64_t i, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int k = 0; k < NSET && st == MMS_OK; k++) {
        const int32_t id = ((const int32_t *)chunk->cells[k])[i];
        const int32_t to = k == WINDOWS ? l->change->set.windows[id].spw : id;
        st = mms_id_set_add(&l->seen[k], to, err);
    }
    return st;
}

/** Of the rows of the run those of the line. */
static mms_status look_at_chunk(void *ctx, const mms_row_chunk *chunk, mms_error *err)
{
    line *l = ctx;
    const uint8_t *bits = l->change->bits;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < chunk->rows.count && st == MMS_OK; i++)
        if (chunk->mask[i] && (!bits || mms_flag_bit(bits, chunk->rows.first + i)))
            st = add_row(l, chunk, i, err);
    return st;
}

static mms_status look_at_rows(line *l, const mms_value *rows, mms_error *err)
{
    const mms_select select = mms_select_of(rows);
    mms_selection *selection = NULL;
    mms_status st;

    MMS_TRY(mms_selection_create(l->change->ms, &select, &selection, err));
    const mms_row_pass_opts opts = {.selection = selection, .columns = columns};
    MMS_TRY(mms_rows_each(l->change->ms, &opts, look_at_chunk, l, err));
done:
    mms_selection_free(&selection);
    return st;
}

/** Fields beyond a list fldmap are not mapped, so the line is not for them. */
static mms_value *fields_of(const line *l, const mms_value *rows, int64_t nmap)
{
    const bool chosen = json_object_get(rows, "field") != NULL;
    const int64_t n = chosen ? l->seen[FIELDS].n : l->change->nfield;
    mms_value *list = json_array();

    for (int64_t i = 0; i < n; i++) {
        const int64_t field = chosen ? l->seen[FIELDS].ids[i] : i;
        if (nmap == 0 || field < nmap)
            json_array_append_new(list, json_integer(field));
    }
    return list;
}

static mms_status find_line(const mms_change *change, mms_value *use, mms_error *err)
{
    const mms_value *rows = json_object_get(use, "rows");
    const int64_t nmap = (int64_t)json_array_size(json_object_get(use, "fldmap"));
    line l = {.change = change};
    mms_value *covers = json_object();
    mms_status st = MMS_OK;

    if (rows)
        MMS_TRY(mms_wrap(err, look_at_rows(&l, rows, err),
                         "parameter callib: line %" JSON_INTEGER_FORMAT,
                         json_integer_value(json_object_get(use, "line"))));
    if (rows && l.seen[WINDOWS].n == 0)
        mms_log(MMS_LOG_WARN, "applycal", "callib, line %" JSON_INTEGER_FORMAT ": it has no rows",
                json_integer_value(json_object_get(use, "line")));
    if (json_object_get(rows, "intent"))
        json_object_set_new(covers, set_names[STATES],
                            mms_int32s_value(l.seen[STATES].n, l.seen[STATES].ids));
    if (json_object_get(rows, "observation"))
        json_object_set_new(covers, set_names[OBSERVATIONS],
                            mms_int32s_value(l.seen[OBSERVATIONS].n, l.seen[OBSERVATIONS].ids));
    if (json_object_get(rows, "field") || nmap > 0)
        json_object_set_new(covers, set_names[FIELDS], fields_of(&l, rows, nmap));
    if (rows)
        json_object_set_new(covers, set_names[WINDOWS],
                            mms_int32s_value(l.seen[WINDOWS].n, l.seen[WINDOWS].ids));
    json_object_set(use, "covers", covers);
done:
    for (int k = 0; k < NSET; k++)
        free(l.seen[k].ids);
    mms_value_free(&covers);
    return st;
}

/** Whether lists of ids have one in common; NULL: all. */
static bool meet(const mms_value *a, const mms_value *b)
{
    for (size_t i = 0; a && b && i < json_array_size(a); i++)
        for (size_t k = 0; k < json_array_size(b); k++)
            if (json_equal(json_array_get(a, i), json_array_get(b, k)))
                return true;
    return !a || !b;
}

static mms_status check_pair(const mms_value *a, const mms_value *b, mms_error *err)
{
    const mms_value *x = json_object_get(a, "covers"), *y = json_object_get(b, "covers");
    const json_int_t one = json_integer_value(json_object_get(a, "line"));
    const json_int_t two = json_integer_value(json_object_get(b, "line"));
    bool all = one && two && !strcmp(mms_text_of(a, "path"), mms_text_of(b, "path"));

    for (int k = 0; k < NSET; k++)
        all = all && meet(json_object_get(x, set_names[k]), json_object_get(y, set_names[k]));
    return all ? mms_fail(err, MMS_ERR_ARG,
                          "parameter callib: lines %" JSON_INTEGER_FORMAT
                          " and %" JSON_INTEGER_FORMAT
                          " are both for some observation, field and window, with the same table",
                          one, two)
               : MMS_OK;
}

mms_status mms_cal_lines_find(const mms_change *change, mms_value *uses, mms_error *err)
{
    const size_t n = json_array_size(uses);
    mms_status st = MMS_OK;

    for (size_t i = 0; i < n && st == MMS_OK; i++) {
        st = find_line(change, json_array_get(uses, i), err);
        for (size_t k = 0; k < i && st == MMS_OK; k++)
            st = check_pair(json_array_get(uses, k), json_array_get(uses, i), err);
    }
    return st;
}
