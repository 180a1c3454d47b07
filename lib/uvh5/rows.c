/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rows.c  Which rows make a baseline-time, and in which order these stand. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "uvh5_priv.h"

enum { CHUNK = 65536 };

/** The key columns of a chunk of rows, and which rows are selected. */
typedef struct key_chunk {
    double time[CHUNK];
    int32_t ant1[CHUNK], ant2[CHUNK], field[CHUNK], ddid[CHUNK], scan[CHUNK], array[CHUNK],
        observation[CHUNK];
    uint8_t mask[CHUNK];
} key_chunk;

#define COMPARE(a, b) \
    if ((a) != (b))   \
    return (a) < (b) ? -1 : 1

/** By what a blt is, then data description and row. */
static int by_key(const void *first, const void *second)
{
    const mms_uvh5_row *const a = first, *const b = second;

    COMPARE(a->time_s, b->time_s);
    COMPARE(a->ant1, b->ant1);
    COMPARE(a->ant2, b->ant2);
    COMPARE(a->field, b->field);
    COMPARE(a->nth, b->nth);
    COMPARE(a->ddid, b->ddid);
    COMPARE(a->row, b->row);
    return 0;
}

static int by_blt(const void *first, const void *second)
{
    const mms_uvh5_row *const a = first, *const b = second;

    COMPARE(a->blt, b->blt);
    COMPARE(a->row, b->row);
    return 0;
}

static int by_row(const void *first, const void *second)
{
    const mms_uvh5_blt *const a = first, *const b = second;

    COMPARE(a->first, b->first);
    return 0;
}

static int by_time_stamp(const void *first, const void *second)
{
    const mms_uvh5_blt *const a = first, *const b = second;

    COMPARE(a->start, b->start);
    COMPARE(a->ant1, b->ant1);
    COMPARE(a->ant2, b->ant2);
    COMPARE(a->first, b->first);
    return 0;
}

static bool same_baseline(const mms_uvh5_row *a, const mms_uvh5_row *b)
{
    return a->time_s == b->time_s && a->ant1 == b->ant1 && a->ant2 == b->ant2 &&
           a->field == b->field;
}

/** Number the rows that one data description has of the same time, antennas and field. */
static void number_repeats(int64_t n, mms_uvh5_row *rows)
{
    qsort(rows, (size_t)n, sizeof *rows, by_key);
    for (int64_t i = 1; i < n; i++)
        if (same_baseline(&rows[i], &rows[i - 1]) && rows[i].ddid == rows[i - 1].ddid)
            rows[i].nth = rows[i - 1].nth + 1;
    qsort(rows, (size_t)n, sizeof *rows, by_key);
}

/** Make blts of rows that are sorted by key; returns how many. */
static int64_t make_blts(int64_t n, mms_uvh5_row *rows, mms_uvh5_blt *blts)
{
    int64_t nblt = 0, stamp = 0; // the first blt of the time stamp

    for (int64_t i = 0; i < n; i++) {
        const mms_uvh5_row *const r = &rows[i];
        if (i == 0 || !same_baseline(r, r - 1) || r->nth != r[-1].nth) {
            if (i > 0 && r->time_s != r[-1].time_s)
                stamp = nblt;
            blts[nblt] = (mms_uvh5_blt){r->time_s, r->row,  r->row,   nblt,
                                        r->ant1,   r->ant2, r->field, r->scan};
            nblt++;
        }
        mms_uvh5_blt *const b = &blts[nblt - 1];
        if (r->row < b->first) {
            b->first = r->row;
            b->scan = r->scan;
        }
        if (r->row < blts[stamp].start)
            blts[stamp].start = r->row;
        rows[i].blt = nblt - 1;
    }
    for (int64_t i = 1; i < nblt; i++)
        if (blts[i].time_s == blts[i - 1].time_s)
            blts[i].start = blts[i - 1].start;
    return nblt;
}

static bool one_ddid(int64_t n, const mms_uvh5_row *rows)
{
    for (int64_t i = 1; i < n; i++)
        if (rows[i].ddid != rows[0].ddid)
            return false;
    return true;
}

mms_status mms_uvh5_sort_rows(int64_t n, mms_uvh5_row *rows, mms_uvh5_blt **out, int64_t *nblt,
                              mms_error *err)
{
    mms_uvh5_blt *const blts = mms_alloc(n, sizeof *blts);
    int64_t *const places = mms_alloc(n, sizeof *places);

    *out = blts;
    if (!blts || !places) {
        free(places);
        return mms_fail(err, MMS_ERR_MEM, "%" PRId64 " rows: out of memory", n);
    }
    number_repeats(n, rows);
    *nblt = make_blts(n, rows, blts);
    qsort(blts, (size_t)*nblt, sizeof *blts, one_ddid(n, rows) ? by_row : by_time_stamp);
    for (int64_t i = 0; i < *nblt; i++)
        places[blts[i].place] = i;
    for (int64_t i = 0; i < n; i++)
        rows[i].blt = places[rows[i].blt];
    qsort(rows, (size_t)n, sizeof *rows, by_blt);
    free(places);
    return MMS_OK;
}

static mms_status read_keys(mms_uvh5 *u, mms_rows rows, key_chunk *k, mms_error *err)
{
    const struct {
        const char *name;
        void *to;
    } columns[] = {{"TIME", k->time},         {"ANTENNA1", k->ant1},
                   {"ANTENNA2", k->ant2},     {"FIELD_ID", k->field},
                   {"DATA_DESC_ID", k->ddid}, {"SCAN_NUMBER", k->scan},
                   {"ARRAY_ID", k->array},    {"OBSERVATION_ID", k->observation}};
    mms_status st = mms_selection_rows(u->selection, rows, k->mask, err);

    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(columns); i++)
        st = mms_ms_read(u->ms, columns[i].name, 1, &rows, rows.count, columns[i].to, err);
    return st;
}

static mms_status check_ids(const mms_uvh5 *u, int64_t row, int32_t array, int32_t first,
                            int32_t ddid, mms_error *err)
{
    if (array != first)
        return mms_fail(err, MMS_ERR_ARG,
                        "rows of arrays %d, %d are selected; a UVH5 file holds one array: select "
                        "one with array=",
                        first, array);
    if (ddid < 0 || ddid >= u->meta.ndd)
        return mms_fail(err, MMS_ERR_RANGE, "%s: row %" PRId64 ": no data description %d",
                        mms_ms_path(u->ms), row, ddid);
    return MMS_OK;
}

static mms_status take_chunk(mms_uvh5 *u, mms_rows rows, const key_chunk *k, int32_t *array,
                             mms_error *err)
{
    for (int64_t i = 0; i < rows.count; i++) {
        if (!k->mask[i])
            continue;
        if (u->nrow == u->meta.nselected)
            return mms_fail(err, MMS_ERR_INTERNAL, "more rows than were counted");
        if (!isfinite(k->time[i]))
            return mms_fail(err, MMS_ERR_ARG, "%s: row %" PRId64 ": TIME is not finite",
                            mms_ms_path(u->ms), rows.first + i);
        if (u->nrow == 0) {
            *array = k->array[i];
            u->observation = k->observation[i];
        }
        const mms_status st = check_ids(u, rows.first + i, k->array[i], *array, k->ddid[i], err);
        if (st != MMS_OK)
            return st;
        u->rows[u->nrow++] = (mms_uvh5_row){.time_s = k->time[i],
                                            .row = rows.first + i,
                                            .ant1 = k->ant1[i],
                                            .ant2 = k->ant2[i],
                                            .field = k->field[i],
                                            .ddid = k->ddid[i],
                                            .scan = k->scan[i]};
    }
    return MMS_OK;
}

mms_status mms_uvh5_find_rows(mms_uvh5 *u, mms_error *err)
{
    key_chunk *const k = mms_alloc(1, sizeof *k);
    const int64_t n = mms_ms_nrow(u->ms);
    int32_t array = 0;
    mms_status st;

    u->rows = mms_alloc(u->meta.nselected, sizeof *u->rows);
    MMS_TRY(k && u->rows ? MMS_OK : mms_uvh5_no_memory(u, err));
    for (int64_t done = 0; done < n; done += CHUNK) {
        const mms_rows rows = {done, n - done < CHUNK ? n - done : CHUNK};
        MMS_TRY(read_keys(u, rows, k, err));
        MMS_TRY(take_chunk(u, rows, k, &array, err));
        MMS_TRY(mms_check_stop(err));
    }
    MMS_TRY(mms_uvh5_sort_rows(u->nrow, u->rows, &u->blts, &u->nblt, err));
done:
    free(k);
    return st;
}

int64_t mms_uvh5_first_row(const mms_uvh5 *u, int64_t blt)
{
    int64_t low = 0, high = u->nrow;

    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (u->rows[middle].blt < blt)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
