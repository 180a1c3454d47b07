/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file select_memo.c  Which rows are selected, by their ids: casacore, which takes long for each
 *  row, is asked once for all rows that have the same. */
#include "select_memo_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"

/** The columns that an expression looks at; none: not ids alone. */
static const struct {
    size_t offset;
    const char *columns[2];
} deciders[] = {{offsetof(mms_select, field), {MMS_COL_FIELD_ID}},
                {offsetof(mms_select, spw), {MMS_COL_DATA_DESC_ID}},
                {offsetof(mms_select, correlation), {MMS_COL_DATA_DESC_ID}},
                {offsetof(mms_select, scan), {MMS_COL_SCAN_NUMBER}},
                {offsetof(mms_select, antenna), {MMS_COL_ANTENNA1, MMS_COL_ANTENNA2}},
                {offsetof(mms_select, intent), {MMS_COL_STATE_ID}},
                {offsetof(mms_select, array), {MMS_COL_ARRAY_ID}},
                {offsetof(mms_select, observation), {MMS_COL_OBSERVATION_ID}},
                {offsetof(mms_select, feed), {MMS_COL_FEED1, MMS_COL_FEED2}},
                {offsetof(mms_select, timerange), {NULL}},
                {offsetof(mms_select, uvrange), {NULL}},
                {offsetof(mms_select, taql), {NULL}}};

static const char *text_at(const mms_select *select, size_t offset)
{
    const char *text;

    memcpy(&text, (const char *)select + offset, sizeof text);
    return text;
}

static void add_column(mms_select_memo *m, const char *column)
{
    for (int64_t i = 0; i < m->ncolumn; i++)
        if (!strcmp(m->columns[i], column))
            return;
    assert(m->ncolumn < MMS_MEMO_COLUMNS);
    m->columns[m->ncolumn++] = column;
}

bool mms_select_memo_open(const mms_ms *ms, const mms_select *select, mms_select_memo *m)
{
    bool can = true;

    *m = (mms_select_memo){.member = -1};
    for (int64_t i = 0; i < MMS_COUNT_OF(deciders); i++) {
        if (!text_at(select, deciders[i].offset))
            continue;
        can = can && deciders[i].columns[0];
        for (int k = 0; k < 2 && deciders[i].columns[k]; k++)
            add_column(m, deciders[i].columns[k]);
    }
    for (int64_t i = 0; i < m->ncolumn; i++) {
        const mms_column *column = mms_ms_find_column(ms, m->columns[i]);
        can = can && column && column->scalar && column->dtype == MMS_DT_INT;
    }
    return can && m->ncolumn > 0;
}

void mms_select_memo_free(mms_select_memo *m)
{
    free(m->ids);
    free(m->said);
    *m = (mms_select_memo){0};
}

/** Where ids are, or where they would be. */
static int64_t find(const mms_select_memo *m, const int32_t *ids)
{
    const size_t size = (size_t)m->ncolumn * sizeof *ids;
    uint64_t at = 0;

    for (int64_t i = 0; i < m->ncolumn; i++)
        at = (at ^ (uint32_t)ids[i]) * UINT64_C(0x9e3779b97f4a7c15);
    for (at ^= at >> 32;; at++) {
        const int64_t i = (int64_t)(at & (uint64_t)(m->capacity - 1));
        if (!m->said[i] || !memcmp(m->ids + i * m->ncolumn, ids, size))
            return i;
    }
}

static void put(mms_select_memo *m, int64_t at, const int32_t *ids, uint8_t said)
{
    memcpy(m->ids + at * m->ncolumn, ids, (size_t)m->ncolumn * sizeof *ids);
    m->said[at] = said;
    m->n++;
}

/** Make it at most half full with one more. */
static mms_status make_room(mms_select_memo *m, mms_error *err)
{
    enum { FIRST = 4096 };
    mms_select_memo old = *m;

    if (2 * (m->n + 1) <= m->capacity)
        return MMS_OK;
    m->capacity = m->capacity ? 2 * m->capacity : FIRST;
    m->n = 0;
    m->ids = mms_alloc(m->capacity * m->ncolumn, sizeof *m->ids);
    m->said = mms_alloc(m->capacity, 1);
    for (int64_t i = 0; m->ids && m->said && i < old.capacity; i++)
        if (old.said[i])
            put(m, find(m, old.ids + i * m->ncolumn), old.ids + i * m->ncolumn, old.said[i]);
    free(old.ids);
    free(old.said);
    return m->ids && m->said ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "selection: out of memory");
}

/** cells: of each column. */
static mms_status mask_rows(mms_select_memo *m, mms_selector *selector, mms_rows rows,
                            const int32_t *cells, uint8_t *mask, mms_error *err)
{
    int32_t ids[MMS_MEMO_COLUMNS];
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < rows.count && st == MMS_OK; i++) {
        for (int64_t c = 0; c < m->ncolumn; c++)
            ids[c] = cells[c * rows.count + i];
        MMS_TRY(make_room(m, err));
        const int64_t at = find(m, ids);
        if (!m->said[at]) {
            uint8_t one = 0;
            MMS_TRY(mms_selector_rows(selector, (mms_rows){rows.first + i, 1}, &one, err));
            put(m, at, ids, one ? 2 : 1);
        }
        mask[i] = m->said[at] == 2;
    }
done:
    return st;
}

mms_status mms_select_memo_rows(mms_select_memo *m, mms_ms *ms, int64_t member,
                                mms_selector *selector, mms_rows rows, uint8_t *mask,
                                mms_error *err)
{
    enum { LEAST = 4096 }; // fewer are not worth reading their ids
    const int64_t first = mms_ms_member_rows(ms, member).first;
    const mms_rows own = {rows.first - first, rows.count};
    int32_t *cells = NULL;
    mms_status st = MMS_OK;

    if (rows.count < LEAST)
        return mms_selector_rows(selector, own, mask, err);
    if (m->member != member && m->capacity > 0) {
        memset(m->said, 0, (size_t)m->capacity);
        m->n = 0;
    }
    m->member = member;
    cells = mms_alloc(m->ncolumn * rows.count, sizeof *cells);
    MMS_TRY(cells ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "selection: out of memory"));
    for (int64_t i = 0; i < m->ncolumn; i++)
        MMS_TRY(mms_ms_read(ms, m->columns[i], 1, &rows, rows.count, cells + i * rows.count, err));
    st = mask_rows(m, selector, own, cells, mask, err);
done:
    free(cells);
    return st;
}
