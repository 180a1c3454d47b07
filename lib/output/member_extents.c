/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file member_extents.c  Time range and baselines of each member (parallel-tasks 1.4, RULEs). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "member_extents_priv.h"
#include "ms/columns.h"

enum { CHUNK = 65536 };

struct pass {
    mms_ms *ms;
    mms_selection *selection;
    const mms_meta *meta;
    mms_rows rows;
    double *time_s, *exposure_s;
    int32_t *ant1, *ant2;
    uint8_t *mask;
    uint8_t *seen; /* seen[nbaseline], of one member */
    int64_t last;  /* baseline of the row before */
};

static mms_status create_pass(struct pass *p, mms_error *err)
{
    p->time_s = mms_alloc(CHUNK, sizeof *p->time_s);
    p->exposure_s = mms_alloc(CHUNK, sizeof *p->exposure_s);
    p->ant1 = mms_alloc(CHUNK, sizeof *p->ant1);
    p->ant2 = mms_alloc(CHUNK, sizeof *p->ant2);
    p->mask = mms_alloc(CHUNK, sizeof *p->mask);
    p->seen = mms_alloc(p->meta->nbaseline, sizeof *p->seen);
    if (!p->time_s || !p->exposure_s || !p->ant1 || !p->ant2 || !p->mask || !p->seen)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %d rows", CHUNK);
    return MMS_OK;
}

static void free_pass(struct pass *p)
{
    free(p->seen);
    free(p->mask);
    free(p->ant2);
    free(p->ant1);
    free(p->exposure_s);
    free(p->time_s);
}

static mms_status read_rows(struct pass *p, mms_error *err)
{
    const int64_t n = p->rows.count;
    mms_status st;

    MMS_TRY(mms_ms_read(p->ms, MMS_COL_TIME, 1, &p->rows, n, p->time_s, err));
    MMS_TRY(mms_ms_read(p->ms, MMS_COL_EXPOSURE, 1, &p->rows, n, p->exposure_s, err));
    MMS_TRY(mms_ms_read(p->ms, MMS_COL_ANTENNA1, 1, &p->rows, n, p->ant1, err));
    MMS_TRY(mms_ms_read(p->ms, MMS_COL_ANTENNA2, 1, &p->rows, n, p->ant2, err));
    if (!p->selection || mms_selection_is_all(p->selection))
        memset(p->mask, 1, (size_t)n);
    else
        MMS_TRY(mms_selection_rows(p->selection, p->rows, p->mask, err));
done:
    return st;
}

static int compare_baselines(const void *a, const void *b)
{
    const mms_baseline *x = a, *y = b;
    if (x->ant1 != y->ant1)
        return x->ant1 < y->ant1 ? -1 : 1;
    return (x->ant2 > y->ant2) - (x->ant2 < y->ant2);
}

/* Rows mostly run through the baselines in order, so the next one is looked at first. */
static int64_t find_baseline(const struct pass *p, int64_t row)
{
    const int32_t a = p->ant1[row], b = p->ant2[row];
    const mms_baseline key = {.ant1 = a < b ? a : b, .ant2 = a < b ? b : a};
    const int64_t next = p->last + 1 < p->meta->nbaseline ? p->last + 1 : 0;
    const mms_baseline *all = p->meta->baselines;

    if (compare_baselines(&all[next], &key) == 0)
        return next;
    const mms_baseline *found =
        bsearch(&key, all, (size_t)p->meta->nbaseline, sizeof *all, compare_baselines);
    return found - all; // meta lists the pairs of all rows
}

static void add_row(struct pass *p, int64_t row, mms_member_extent *extent, bool first)
{
    const double start_s = p->time_s[row] - p->exposure_s[row] / 2;
    const double end_s = p->time_s[row] + p->exposure_s[row] / 2;

    if (first || start_s < extent->start_s)
        extent->start_s = start_s;
    if (first || end_s > extent->end_s)
        extent->end_s = end_s;
    p->last = find_baseline(p, row);
    extent->nbaseline += !p->seen[p->last];
    p->seen[p->last] = 1;
}

static mms_status read_member(struct pass *p, int64_t member, mms_member_extent *extent,
                              mms_error *err)
{
    const mms_rows rows = mms_ms_member_rows(p->ms, member);
    mms_status st = MMS_OK;

    memset(p->seen, 0, (size_t)p->meta->nbaseline);
    for (int64_t done = 0; done < rows.count; done += p->rows.count) {
        p->rows.first = rows.first + done;
        p->rows.count = rows.count - done < CHUNK ? rows.count - done : CHUNK;
        MMS_TRY(read_rows(p, err));
        for (int64_t i = 0; i < p->rows.count; i++)
            if (p->mask[i])
                add_row(p, i, extent, extent->nbaseline == 0);
    }
done:
    return st;
}

/* Writes the baselines that the member has behind *list, which moves on. */
static void list_baselines(const struct pass *p, mms_member_extent *extent, int64_t **list)
{
    extent->baselines = *list;
    for (int64_t b = 0; b < p->meta->nbaseline; b++)
        if (p->seen[b])
            *(*list)++ = b;
}

mms_status mms_member_extents_read(mms_ms *ms, mms_selection *selection, const mms_meta *meta,
                                   mms_member_extent **out, mms_error *err)
{
    const size_t most = (size_t)meta->nbaseline * sizeof(int64_t);
    struct pass pass = {.ms = ms, .selection = selection, .meta = meta};
    int64_t *list;
    mms_status st;

    *out = mms_alloc(meta->nmember, sizeof **out + most);
    if (!*out)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " members", meta->nmember);
    list = (int64_t *)(void *)(*out + meta->nmember);
    MMS_TRY(create_pass(&pass, err));
    for (int64_t m = 0; m < meta->nmember; m++) {
        if (meta->member_rows[m] > 0)
            MMS_TRY(read_member(&pass, m, &(*out)[m], err));
        else
            memset(pass.seen, 0, (size_t)meta->nbaseline);
        list_baselines(&pass, &(*out)[m], &list);
    }
done:
    free_pass(&pass);
    if (st != MMS_OK) {
        free(*out);
        *out = NULL;
    }
    return st;
}
