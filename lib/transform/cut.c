/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cut.c  Renumber ids; keep some channels and correlations of cells. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "ms/columns.h"
#include "transform.h"

mms_status mms_renumber(mms_cells *ids, int64_t nrow, mms_id_map map, mms_error *err)
{
    int32_t *id = ids->data;

    for (int64_t i = 0; map.n && i < nrow; i++) {
        if (id[i] < 0)
            continue;
        if (id[i] >= map.n || map.to[id[i]] < 0)
            return mms_fail(err, MMS_ERR_INTERNAL, "%s %" PRId32 " is not selected but occurs",
                            ids->column->name, id[i]);
        id[i] = map.to[id[i]];
    }
    return MMS_OK;
}

static mms_column_axes axes_of(const char *column)
{
    const mms_column_info *const info = mms_column_info_find(column);

    return info ? info->axes : MMS_AXES_OTHER;
}

bool mms_column_has_channels(const char *column)
{
    const mms_column_axes axes = axes_of(column);

    return axes == MMS_AXES_CHAN_CORR || axes == MMS_AXES_CHAN;
}

bool mms_column_has_correlations(const char *column)
{
    const mms_column_axes axes = axes_of(column);

    return axes == MMS_AXES_CHAN_CORR || axes == MMS_AXES_CORR;
}

/** Where the channel and correlation axes of a cell are; -1 for none. */
static void find_axes(const mms_cells *cells, const mms_cut *cut, int32_t *chan, int32_t *corr)
{
    const char *name = cells->column->name;
    const int32_t last = cells->ndim - 1;

    if (cells->ndim == 2 && mms_names_have(cut->followers, name)) {
        *chan = 0;
        *corr = 1;
        return;
    }
    *corr = mms_column_has_correlations(name) ? last : -1;
    *chan = mms_column_has_channels(name) ? (*corr < 0 ? last : last - 1) : -1;
}

static mms_status check_axis(const mms_cells *cells, int32_t axis, int32_t want, const char *what,
                             mms_error *err)
{
    if (axis < 0 || cells->shape[axis] == want)
        return MMS_OK;
    return mms_fail(err, MMS_ERR_SHAPE, "%s: cells have %" PRId64 " %s, their window has %" PRId32,
                    cells->column->name, cells->shape[axis], what, want);
}

/** Keep entries of one axis: from[outer][length][inner bytes], front to back; to may be from when
 *  n <= length, as each outer entry is buffered first. */
static void keep(const uint8_t *from, uint8_t *to, int64_t outer, int64_t length, int64_t inner,
                 int64_t n, const int32_t *entries, uint8_t *buffer)
{
    for (int64_t o = 0; o < outer; o++, from += length * inner) {
        memcpy(buffer, from, (size_t)(length * inner));
        for (int64_t i = 0; i < n; i++, to += inner) {
            assert(entries[i] >= 0 && entries[i] < length);
            memcpy(to, buffer + entries[i] * inner, (size_t)inner);
        }
    }
}

static mms_status keep_axis(mms_cells *cells, int64_t nrow, int32_t axis, int64_t n,
                            const int32_t *entries, mms_arena *arena, mms_error *err)
{
    int64_t outer = nrow, inner = (int64_t)mms_dtype_size(cells->column->dtype);
    const int64_t length = cells->shape[axis];
    void *to = cells->data;

    assert(axis >= 0 && axis < cells->ndim);
    for (int32_t i = 0; i < cells->ndim; i++) {
        outer *= i < axis ? cells->shape[i] : 1;
        inner *= i > axis ? cells->shape[i] : 1;
    }
    if (n > length) // overlapping ranges repeat channels
        to = mms_arena_get(arena, outer * n, (size_t)inner);
    uint8_t *buffer = mms_alloc(length, (size_t)inner);
    if (!buffer || !to) {
        free(buffer);
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", cells->column->name);
    }
    keep(cells->data, to, outer, length, inner, n, entries, buffer);
    free(buffer);
    cells->data = to;
    cells->shape[axis] = n;
    cells->nvalue = 1;
    for (int32_t i = 0; i < cells->ndim; i++)
        cells->nvalue *= cells->shape[i];
    return MMS_OK;
}

/** Columns that no request calculates with, whose cells some programs leave in another shape when
 *  they change the window. */
static bool may_have_other_shape(const char *column)
{
    const mms_column_role role = mms_column_role_of(column);

    return role == MMS_ROLE_OPTIONAL || role == MMS_ROLE_OTHER_WEIGHTS;
}

static bool fits(const mms_cells *cells, int32_t axis, int32_t want)
{
    return axis < 0 || cells->shape[axis] == want;
}

mms_status mms_cut_cells(mms_cells *cells, int64_t nrow, const mms_cut *cut, mms_arena *arena,
                         mms_error *err)
{
    int32_t chan, corr;
    mms_status st;

    if (cells->ndim < 1 || cells->nvalue == 0)
        return MMS_OK;
    find_axes(cells, cut, &chan, &corr);
    if ((may_have_other_shape(cells->column->name) ||
         mms_names_have(cut->followers, cells->column->name)) &&
        !(fits(cells, chan, cut->nchan_in) && fits(cells, corr, cut->ncorr_in)))
        return MMS_OK; // they stay as they are
    if (!strcmp(cells->column->name, MMS_COL_LAG_DATA) && chan >= 0 &&
        cells->shape[chan] != cut->nchan_in)
        chan = -1; // lags that are no channels stay
    MMS_TRY(check_axis(cells, chan, cut->nchan_in, "channels", err));
    MMS_TRY(check_axis(cells, corr, cut->ncorr_in, "correlations", err));
    if (chan >= 0 && cut->nchan)
        MMS_TRY(keep_axis(cells, nrow, chan, cut->nchan, cut->chans, arena, err));
    if (corr >= 0 && cut->ncorr)
        MMS_TRY(keep_axis(cells, nrow, corr, cut->ncorr, cut->corrs, arena, err));
done:
    return st;
}
