/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_windows.c  What a cut makes of a SPECTRAL_WINDOW row beside its channels
 *  (multi-ms 3.5): counts, totals, associated windows. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "against_priv.h"

/** A row of the source and the row of the set that it became. */
typedef struct window_rows {
    mms_table *source, *set;
    int64_t from, to;
    bool whole; /**< as many channels as before */
    mms_check *check;
} window_rows;

static void report(const window_rows *w, const char *column, const mms_value *have,
                   const mms_value *want)
{
    char *const h = mms_value_text(have, 0), *const x = mms_value_text(want, 0);

    mms_check_add(w->check,
                  json_pack("{s:s, s:I, s:I}", "column", column, "row_a", (json_int_t)w->from,
                            "row_b", (json_int_t)w->to),
                  "%s of row %" PRId64 ": %s, not %s", column, w->to, h ? h : "?", x ? x : "?");
    free(h);
    free(x);
}

/** Check a number up to what the order of a sum leaves open; a window that keeps all its channels
 *  may keep the source's. */
static mms_status check_number(const window_rows *w, const char *column, double want,
                               mms_error *err)
{
    mms_value *have = NULL, *was = NULL, *number = json_real(want);
    mms_status st;

    MMS_TRY(mms_table_get_cell(w->set, column, w->to, &have, err));
    MMS_TRY(mms_table_get_cell(w->source, column, w->from, &was, err));
    if (!(fabs(json_number_value(have) - want) <= 1e-12 * fabs(want)) &&
        !(w->whole && json_equal(have, was)))
        report(w, column, have, number);
done:
    mms_value_free(&have);
    mms_value_free(&was);
    mms_value_free(&number);
    return st;
}

/** What describes the channels that are left. */
static mms_status check_totals(window_rows *w, int64_t nchan, mms_error *err)
{
    mms_value *freq = NULL, *width = NULL, *was = NULL;
    double total = 0;
    size_t i, n;
    mms_value *value;
    mms_status st;

    MMS_TRY(mms_table_get_cell(w->source, "NUM_CHAN", w->from, &was, err));
    w->whole = json_integer_value(was) == nchan;
    MMS_TRY(mms_table_get_cell(w->set, "CHAN_FREQ", w->to, &freq, err));
    MMS_TRY(mms_table_get_cell(w->set, "CHAN_WIDTH", w->to, &width, err));
    n = json_array_size(freq);
    json_array_foreach(width, i, value) total += fabs(json_number_value(value));
    MMS_TRY(check_number(w, "NUM_CHAN", (double)nchan, err));
    MMS_TRY(check_number(w, "TOTAL_BANDWIDTH", total, err));
    if (n > 0)
        MMS_TRY(check_number(w, "REF_FREQUENCY",
                             fmin(json_number_value(json_array_get(freq, 0)),
                                  json_number_value(json_array_get(freq, n - 1))),
                             err));
done:
    mms_value_free(&freq);
    mms_value_free(&width);
    mms_value_free(&was);
    return st;
}

static mms_status check_list(const window_rows *w, const char *column, const mms_value *want,
                             mms_error *err)
{
    mms_value *have = NULL;
    const mms_status st = mms_table_get_cell(w->set, column, w->to, &have, err);

    if (st == MMS_OK && !json_equal(have, want))
        report(w, column, have, want);
    mms_value_free(&have);
    return st;
}

/** Windows that are not selected leave the lists; the others have their new ids. */
static mms_status check_associations(const window_rows *w, const mms_rank *rank, mms_error *err)
{
    mms_value *ids = NULL, *natures = NULL, *id;
    mms_value *want_ids = json_array(), *want_natures = json_array();
    size_t i;
    mms_status st = MMS_OK;

    if (!mms_table_find_column(w->source, "ASSOC_SPW_ID") ||
        !mms_table_find_column(w->set, "ASSOC_SPW_ID"))
        goto done;
    MMS_TRY(mms_table_get_cell(w->source, "ASSOC_SPW_ID", w->from, &ids, err));
    if (mms_table_find_column(w->source, "ASSOC_NATURE"))
        MMS_TRY(mms_table_get_cell(w->source, "ASSOC_NATURE", w->from, &natures, err));
    if (!json_is_array(ids))
        goto done;
    json_array_foreach(ids, i, id)
    {
        const int64_t to = mms_rank_of(rank, json_integer_value(id));
        if (to == -2)
            continue;
        json_array_append_new(want_ids, json_integer(to));
        if (json_array_get(natures, i))
            json_array_append(want_natures, json_array_get(natures, i));
    }
    MMS_TRY(check_list(w, "ASSOC_SPW_ID", want_ids, err));
    if (json_is_array(natures) && mms_table_find_column(w->set, "ASSOC_NATURE"))
        MMS_TRY(check_list(w, "ASSOC_NATURE", want_natures, err));
done:
    mms_value_free(&ids);
    mms_value_free(&natures);
    mms_value_free(&want_ids);
    mms_value_free(&want_natures);
    return st;
}

mms_status mms_against_window(const mms_against *a, const char *source, int64_t from,
                              const char *set, int64_t to, mms_check *check, mms_error *err)
{
    window_rows w = {.from = from, .to = to, .check = check};
    mms_status st;

    MMS_TRY(mms_table_open(source, MMS_TABLE_READ, &w.source, err));
    MMS_TRY(mms_table_open(set, MMS_TABLE_READ, &w.set, err));
    if (a->rules.nchan)
        MMS_TRY(check_totals(&w, a->rules.nchan, err));
    MMS_TRY(check_associations(&w, &a->rules.ranks[MMS_KIND_SPW], err));
done:
    mms_table_drop(&w.source);
    mms_table_drop(&w.set);
    return st;
}
