/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file rows.c  Which rows make a baseline-time, and in which order these stand. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "ms/rows.h"
#include "uvh5_priv.h"

enum { CHUNK = 65536, SORT_BYTES = 16 << 20 };

#define COMPARE(a, b) \
    if ((a) != (b))   \
    return (a) < (b) ? -1 : 1

/** By what a blt is, then data description and row. */
static int by_key(const void *first, const void *second, void *unused)
{
    const mms_uvh5_row *const a = first, *const b = second;

    (void)unused;
    COMPARE(a->time_s, b->time_s);
    COMPARE(a->ant1, b->ant1);
    COMPARE(a->ant2, b->ant2);
    COMPARE(a->field, b->field);
    COMPARE(a->nth, b->nth);
    COMPARE(a->ddid, b->ddid);
    COMPARE(a->row, b->row);
    return 0;
}

static int by_blt(const void *first, const void *second, void *unused)
{
    const mms_uvh5_row *const a = first, *const b = second;

    (void)unused;
    COMPARE(a->blt, b->blt);
    COMPARE(a->row, b->row);
    return 0;
}

static int by_row(const void *first, const void *second, void *unused)
{
    const mms_uvh5_blt *const a = first, *const b = second;

    (void)unused;
    COMPARE(a->first, b->first);
    return 0;
}

static int by_time_stamp(const void *first, const void *second, void *unused)
{
    const mms_uvh5_blt *const a = first, *const b = second;

    (void)unused;
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

/** The arrays of a sort, from rows and blts that were sorted before on. */
typedef struct sorting {
    mms_uvh5_row *rows;
    mms_uvh5_blt *blts;
    int64_t *places; /**< of blts before they are sorted */
    bool one;        /**< data description */
    int64_t nblt;
} sorting;

/** Called with each i of a pass over them. */
static void rest(const sorting *s, int64_t i)
{
    if (i % CHUNK != 0)
        return;
    mms_spill_rest(s->rows);
    mms_spill_rest(s->blts);
    mms_spill_rest(s->places);
}

mms_status mms_uvh5_sort(const void *whole, int64_t n, void *array, size_t size,
                         mms_record_compare *compare, mms_error *err)
{
    const char *const tmp = getenv("TMPDIR");
    char *const near = mms_format("%s/multims-sort", tmp && *tmp ? tmp : "/tmp");
    char *const records = array;
    mms_record_sort *sorted = NULL;
    bool end = false;
    mms_status st = MMS_OK;

    if (n * (int64_t)size * 2 <= SORT_BYTES) {
        qsort_r(array, (size_t)n, size, compare, NULL);
        goto done;
    }
    MMS_TRY(near ? mms_record_sort_create(near, size, compare, NULL, SORT_BYTES, &sorted, err)
                 : mms_fail(err, MMS_ERR_MEM, "%" PRId64 " rows: out of memory", n));
    for (int64_t i = 0; i < n; i++) {
        MMS_TRY(mms_record_sort_add(sorted, records + i * (int64_t)size, err));
        if (i % CHUNK == 0)
            mms_spill_rest(whole);
    }
    MMS_TRY(mms_record_sort_finish(sorted, err));
    for (int64_t i = 0; i < n; i++) {
        MMS_TRY(mms_record_sort_next(sorted, records + i * (int64_t)size, &end, err));
        if (i % CHUNK == 0)
            mms_spill_rest(whole);
    }
done:
    mms_record_sort_free(&sorted);
    free(near);
    return st;
}

/** Number the rows that one data description has of the same time, antennas and field. */
static mms_status number_repeats(const sorting *s, int64_t n, mms_uvh5_row *rows, mms_error *err)
{
    bool repeats = false;
    mms_status st;

    MMS_TRY(mms_uvh5_sort(s->rows, n, rows, sizeof *rows, by_key, err));
    for (int64_t i = 1; i < n; i++) {
        rest(s, i);
        if (!same_baseline(&rows[i], &rows[i - 1]) || rows[i].ddid != rows[i - 1].ddid)
            continue;
        rows[i].nth = rows[i - 1].nth + 1;
        repeats = true;
    }
    if (repeats)
        MMS_TRY(mms_uvh5_sort(s->rows, n, rows, sizeof *rows, by_key, err));
done:
    return st;
}

/** Make blts of rows that are sorted by key; returns how many. */
static int64_t make_blts(const sorting *s, int64_t n, mms_uvh5_row *rows, mms_uvh5_blt *blts)
{
    int64_t nblt = 0, stamp = 0; // the first blt of the time stamp

    for (int64_t i = 0; i < n; i++) {
        const mms_uvh5_row *const r = &rows[i];
        assert(i == 0 || r->time_s >= r[-1].time_s);
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
        rest(s, i);
    }
    for (int64_t i = 1; i < nblt; i++) {
        if (blts[i].time_s == blts[i - 1].time_s)
            blts[i].start = blts[i - 1].start;
        rest(s, i);
    }
    return nblt;
}

/** Sort n rows from at on, and add their blts. */
static mms_status sort_some(sorting *s, int64_t at, int64_t n, mms_error *err)
{
    mms_uvh5_row *const rows = s->rows + at;
    mms_uvh5_blt *const blts = s->blts + s->nblt;
    mms_status st;

    MMS_TRY(number_repeats(s, n, rows, err));
    const int64_t nblt = make_blts(s, n, rows, blts);
    rest(s, 0);
    MMS_TRY(mms_uvh5_sort(s->blts, nblt, blts, sizeof *blts, s->one ? by_row : by_time_stamp, err));
    for (int64_t i = 0; i < nblt; i++) {
        s->places[blts[i].place] = s->nblt + i;
        rest(s, i);
    }
    for (int64_t i = 0; i < n; i++) {
        rows[i].blt = s->places[rows[i].blt];
        rest(s, i);
    }
    MMS_TRY(mms_uvh5_sort(s->rows, n, rows, sizeof *rows, by_blt, err));
    s->nblt += nblt;
done:
    return st;
}

/** Whether the rows are of one data description, in the order of the set, and as time goes. */
static void look(sorting *s, int64_t n, bool *in_order, bool *in_time)
{
    s->one = *in_order = *in_time = true;
    for (int64_t i = 1; i < n; i++) {
        const mms_uvh5_row *const r = s->rows + i;
        s->one = s->one && r->ddid == s->rows[0].ddid;
        *in_order = *in_order && r->row > r[-1].row;
        *in_time = *in_time && r->time_s >= r[-1].time_s;
        rest(s, i);
    }
    *in_time = *in_time && *in_order;
}

/** Of one data description each row is a blt, and they stand as they are. */
static void keep_order(sorting *s, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        mms_uvh5_row *const r = s->rows + i;
        r->blt = i;
        s->blts[i] =
            (mms_uvh5_blt){r->time_s, r->row, r->row, i, r->ant1, r->ant2, r->field, r->scan};
        rest(s, i);
    }
    s->nblt = n;
}

mms_status mms_uvh5_sort_rows(int64_t n, mms_uvh5_row *rows, mms_uvh5_blt **out, int64_t *nblt,
                              mms_error *err)
{
    sorting s = {.rows = rows,
                 .blts = mms_spill_alloc(n, sizeof *s.blts),
                 .places = mms_spill_alloc(n, sizeof *s.places)};
    bool in_order, in_time;
    mms_status st = MMS_OK;

    *out = s.blts;
    if (!s.blts || !s.places)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%" PRId64 " rows: out of memory", n));
    look(&s, n, &in_order, &in_time);
    if (s.one && in_order)
        keep_order(&s, n);
    for (int64_t at = s.nblt, end; at < n; at = end) {
        // time stamps that follow each other are sorted by themselves
        end = in_time && at + CHUNK < n ? at + CHUNK : n;
        while (end < n && rows[end].time_s == rows[end - 1].time_s)
            end++;
        MMS_TRY(sort_some(&s, at, end - at, err));
        rest(&s, 0);
    }
done:
    *nblt = s.nblt;
    mms_spill_free(s.places);
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

enum { ANT1, ANT2, FIELD, DDID, SCAN, ARRAY, OBSERVATION, NID };

typedef struct taking {
    mms_uvh5 *u;
    int32_t array; /**< of the first row */
} taking;

static mms_status take_rows(void *ctx, const mms_row_chunk *c, mms_error *err)
{
    taking *const t = ctx;
    mms_uvh5 *const u = t->u;
    const double *time = c->cells[NID];
    const int32_t *k[NID];

    for (int i = 0; i < NID; i++)
        k[i] = c->cells[i];
    for (int64_t i = 0; i < c->rows.count; i++) {
        if (!c->mask[i])
            continue;
        if (u->nrow == u->meta.nselected)
            return mms_fail(err, MMS_ERR_INTERNAL, "more rows than were counted");
        if (!isfinite(time[i]))
            return mms_fail(err, MMS_ERR_ARG, "%s: row %" PRId64 ": TIME is not finite",
                            mms_ms_path(u->ms), c->rows.first + i);
        if (u->nrow == 0) {
            t->array = k[ARRAY][i];
            u->observation = k[OBSERVATION][i];
        }
        const mms_status st =
            check_ids(u, c->rows.first + i, k[ARRAY][i], t->array, k[DDID][i], err);
        if (st != MMS_OK)
            return st;
        u->rows[u->nrow++] = (mms_uvh5_row){.time_s = time[i],
                                            .row = c->rows.first + i,
                                            .ant1 = k[ANT1][i],
                                            .ant2 = k[ANT2][i],
                                            .field = k[FIELD][i],
                                            .ddid = k[DDID][i],
                                            .scan = k[SCAN][i]};
    }
    return MMS_OK;
}

/** In the order of the numbers above. */
static const char *const columns[] = {MMS_COL_ANTENNA1,       MMS_COL_ANTENNA2,    MMS_COL_FIELD_ID,
                                      MMS_COL_DATA_DESC_ID,   MMS_COL_SCAN_NUMBER, MMS_COL_ARRAY_ID,
                                      MMS_COL_OBSERVATION_ID, MMS_COL_TIME,        NULL};

/** One row of each kind that the metadata tell apart. */
static mms_status take_sample(taking *t, mms_error *err)
{
    const mms_uvh5 *const u = t->u;
    mms_rows *const firsts = mms_alloc(u->meta.ncell, sizeof *firsts);
    const mms_row_pass_opts opts = {.columns = columns, .nrange = u->meta.ncell, .ranges = firsts};
    mms_status st;

    if (!firsts)
        return mms_uvh5_no_memory(u, err);
    for (int64_t i = 0; i < u->meta.ncell; i++)
        firsts[i] = (mms_rows){u->meta.cells[i].first_row, 1};
    st = mms_rows_each(u->ms, &opts, take_rows, t, err);
    free(firsts);
    return st;
}

static mms_status take_chunk(void *ctx, const mms_row_chunk *chunk, mms_error *err)
{
    taking *const t = ctx;
    const mms_status st = take_rows(ctx, chunk, err);

    mms_spill_rest(t->u->rows);
    return st == MMS_OK ? mms_check_stop(err) : st;
}

mms_status mms_uvh5_find_rows(mms_uvh5 *u, mms_error *err)
{
    const mms_row_pass_opts opts = {.selection = u->selection, .columns = columns};
    taking t = {.u = u};
    mms_status st;

    u->rows = mms_spill_alloc(u->sample ? u->meta.ncell : u->meta.nselected, sizeof *u->rows);
    MMS_TRY(u->rows ? MMS_OK : mms_uvh5_no_memory(u, err));
    MMS_TRY(u->sample ? take_sample(&t, err) : mms_rows_each(u->ms, &opts, take_chunk, &t, err));
    MMS_TRY(mms_uvh5_sort_rows(u->nrow, u->rows, &u->blts, &u->nblt, err));
done:
    return st;
}

void mms_uvh5_rest(const mms_uvh5 *u, int64_t i)
{
    const void *const arrays[] = {u->rows, u->blts, u->jd, u->uvw_m, u->exposure_s, u->lst};

    if (i % CHUNK != 0)
        return;
    for (int64_t k = 0; k < MMS_COUNT_OF(arrays); k++)
        mms_spill_rest(arrays[k]);
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
    mms_uvh5_rest(u, 0); // a page that is looked at brings others with it
    return low;
}
