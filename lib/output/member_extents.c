/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file member_extents.c  Time range and baselines of each member (parallel-tasks 1.4, RULEs). */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "member_extents_priv.h"
#include "ms/columns.h"
#include "ms/rows.h"

static const char *const columns[] = {MMS_COL_TIME, MMS_COL_EXPOSURE, MMS_COL_ANTENNA1,
                                      MMS_COL_ANTENNA2, NULL};

struct pass {
    const mms_meta *meta;
    const double *time_s, *exposure_s; /* of the chunk */
    const int32_t *ant1, *ant2;
    mms_member_extent *extents;
    uint8_t *seen; /* seen[nmember][nbaseline] */
    int64_t last;  /* baseline of the row before */
};

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
    assert(found); // meta lists the pairs of all rows
    return found - all;
}

static void add_row(struct pass *p, int64_t row, int64_t member)
{
    mms_member_extent *extent = &p->extents[member];
    const bool first = extent->nbaseline == 0;
    const double start_s = p->time_s[row] - p->exposure_s[row] / 2;
    const double end_s = p->time_s[row] + p->exposure_s[row] / 2;

    if (first || start_s < extent->start_s)
        extent->start_s = start_s;
    if (first || end_s > extent->end_s)
        extent->end_s = end_s;
    p->last = find_baseline(p, row);
    uint8_t *seen = &p->seen[member * p->meta->nbaseline + p->last];
    extent->nbaseline += !*seen;
    *seen = 1;
}

static mms_status add_chunk(void *pass, const mms_row_chunk *c, mms_error *err)
{
    struct pass *const p = pass;

    (void)err;
    p->time_s = c->cells[0];
    p->exposure_s = c->cells[1];
    p->ant1 = c->cells[2];
    p->ant2 = c->cells[3];
    for (int64_t i = 0; i < c->rows.count; i++)
        if (c->mask[i])
            add_row(p, i, c->member);
    return MMS_OK;
}

static mms_status read_rows(struct pass *p, mms_ms *ms, mms_selection *selection, mms_error *err)
{
    const mms_row_pass_opts opts = {.selection = selection, .columns = columns};

    return mms_rows_each(ms, &opts, add_chunk, p, err);
}

/* Writes the baselines of each member behind the extents. */
static void list_baselines(const struct pass *p)
{
    int64_t *list = (int64_t *)(void *)(p->extents + p->meta->nmember);
    const uint8_t *seen = p->seen;

    for (int64_t m = 0; m < p->meta->nmember; m++) {
        p->extents[m].baselines = list;
        for (int64_t b = 0; b < p->meta->nbaseline; b++)
            if (*seen++)
                *list++ = b;
    }
}

mms_status mms_member_extents_read(mms_ms *ms, mms_selection *selection, const mms_meta *meta,
                                   mms_member_extent **out, mms_error *err)
{
    const int64_t n = meta->nmember * meta->nbaseline;
    const size_t most = (size_t)meta->nbaseline * sizeof(int64_t);
    struct pass pass = {.meta = meta};
    mms_status st;

    pass.extents = *out = mms_alloc(meta->nmember, sizeof **out + most);
    pass.seen = mms_alloc(n, 1);
    if (!*out || !pass.seen)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " members", meta->nmember));
    MMS_TRY(read_rows(&pass, ms, selection, err));
    list_baselines(&pass);
done:
    free(pass.seen);
    if (st != MMS_OK) {
        free(*out);
        *out = NULL;
    }
    return st;
}
