/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file windows.c  Spectral windows and polarizations: where a row's values stand in the file. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "uvh5_priv.h"

mms_status mms_uvh5_open_table(mms_uvh5 *u, const char *name, mms_table **out, mms_error *err)
{
    const char *const path = mms_ms_subtable(u->ms, name);

    *out = NULL;
    if (!path)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no sub-table %s", mms_ms_path(u->ms), name);
    return mms_table_open(path, MMS_TABLE_READ, out, err);
}

/** Number the numbers of nested lists; out takes as many as it has room for. */
static int64_t take_numbers(const mms_value *value, int64_t room, double *out)
{
    int64_t n = 0;
    size_t i;
    mms_value *item;

    if (!json_is_array(value)) {
        if (room > 0)
            *out = mms_value_double(value);
        return 1;
    }
    json_array_foreach(value, i, item) n += take_numbers(item, room - n, out + n);
    return n;
}

mms_status mms_uvh5_cell_doubles(mms_table *table, const char *column, int64_t row, int64_t n,
                                 double *out, mms_error *err)
{
    mms_value *value = NULL;
    mms_status st = mms_table_get_cell(table, column, row, &value, err);

    if (st == MMS_OK) {
        const int64_t found = json_is_null(value) ? 0 : take_numbers(value, n, out);
        if (found != n)
            st = mms_fail(err, MMS_ERR_SHAPE,
                          "%s: %s of row %" PRId64 " has %" PRId64 " numbers, not %" PRId64,
                          mms_table_path(table), column, row, found, n);
    }
    mms_value_free(&value);
    return st;
}

mms_status mms_uvh5_cell_text(mms_table *table, const char *column, int64_t row, char **out,
                              mms_error *err)
{
    mms_value *value = NULL;
    mms_status st = MMS_OK;

    *out = NULL;
    if (mms_table_find_column(table, column))
        st = mms_table_get_cell(table, column, row, &value, err);
    if (st == MMS_OK) {
        const char *const text = json_string_value(value);
        *out = strdup(text ? text : "");
        if (!*out)
            st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", column);
    }
    mms_value_free(&value);
    return st;
}

static int32_t window_of(const mms_uvh5 *u, int32_t spw)
{
    for (int64_t i = 0; i < u->nwindow; i++)
        if (u->windows[i].spw == spw)
            return (int32_t)i;
    return -1;
}

/** Add windows of used data descriptions, ascending. */
static mms_status add_windows(mms_uvh5 *u, mms_error *err)
{
    int64_t n = 0;

    for (int64_t d = 0; d < u->meta.ndd; d++)
        n += u->dds[d].used;
    u->windows = mms_alloc(n, sizeof *u->windows);
    if (!u->windows)
        return mms_uvh5_no_memory(u, err);
    for (int64_t d = 0; d < u->meta.ndd; d++) {
        const int32_t spw = u->meta.dds[d].spw;
        if (!u->dds[d].used || window_of(u, spw) >= 0)
            continue;
        int64_t at = u->nwindow++;
        for (; at > 0 && u->windows[at - 1].spw > spw; at--)
            u->windows[at] = u->windows[at - 1];
        u->windows[at] = (mms_uvh5_window){.spw = spw, .id = spw, .nchan = u->meta.dds[d].nchan};
    }
    for (int64_t d = 0; d < u->meta.ndd; d++)
        if (u->dds[d].used) {
            u->dds[d].window = window_of(u, u->meta.dds[d].spw);
            assert(u->dds[d].window >= 0);
        }
    return MMS_OK;
}

/** Mark the selected channels of a window and give them their place. */
static mms_status choose_channels(mms_uvh5 *u, mms_uvh5_window *w, mms_error *err)
{
    int64_t n;
    const mms_channels *const ranges = mms_selection_channels(u->selection, &n);

    w->chosen = mms_alloc(w->nchan, sizeof *w->chosen);
    if (!w->chosen)
        return mms_uvh5_no_memory(u, err);
    if (n == 0)
        memset(w->chosen, 1, (size_t)w->nchan);
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = ranges[i].first; ranges[i].spw == w->spw && c <= ranges[i].last;
             c += ranges[i].step)
            if (c >= 0 && c < w->nchan)
                w->chosen[c] = 1;
    w->first = u->nfreq;
    for (int64_t c = 0; c < w->nchan; c++)
        w->count += w->chosen[c];
    u->nfreq += w->count;
    return MMS_OK;
}

static mms_status read_window(mms_uvh5 *u, mms_table *table, mms_uvh5_window *w, mms_error *err)
{
    double *const cells = mms_alloc(2 * w->nchan, sizeof *cells);
    double *const widths = cells + w->nchan;
    double id;
    int64_t at = w->first;
    mms_status st;

    MMS_TRY(cells ? MMS_OK : mms_uvh5_no_memory(u, err));
    MMS_TRY(mms_uvh5_cell_doubles(table, "CHAN_FREQ", w->spw, w->nchan, cells, err));
    MMS_TRY(mms_uvh5_cell_doubles(table, "CHAN_WIDTH", w->spw, w->nchan, widths, err));
    if (u->from_pyuvdata && mms_table_find_column(table, "ASSOC_SPW_ID")) {
        MMS_TRY(mms_uvh5_cell_doubles(table, "ASSOC_SPW_ID", w->spw, 1, &id, err));
        w->id = (int64_t)id;
    }
    for (int64_t c = 0; c < w->nchan; c++)
        if (w->chosen[c]) {
            u->freq_hz[at] = cells[c];
            u->width_hz[at] = widths[c];
            u->channel_id[at++] = w->id;
        }
done:
    free(cells);
    return st;
}

static mms_status read_windows(mms_uvh5 *u, mms_error *err)
{
    mms_table *table = NULL;
    mms_status st;

    for (int64_t i = 0; i < u->nwindow; i++)
        MMS_TRY(choose_channels(u, &u->windows[i], err));
    u->freq_hz = mms_alloc(u->nfreq, sizeof *u->freq_hz);
    u->width_hz = mms_alloc(u->nfreq, sizeof *u->width_hz);
    u->channel_id = mms_alloc(u->nfreq, sizeof *u->channel_id);
    if (!u->freq_hz || !u->width_hz || !u->channel_id)
        MMS_TRY(mms_uvh5_no_memory(u, err));
    MMS_TRY(mms_uvh5_open_table(u, "SPECTRAL_WINDOW", &table, err));
    for (int64_t i = 0; i < u->nwindow; i++)
        MMS_TRY(read_window(u, table, &u->windows[i], err));
done:
    mms_table_drop(&table);
    return st;
}

static bool is_kept(const mms_uvh5 *u, int32_t pol, int32_t corr)
{
    const mms_ids kept = mms_selection_corrs(u->selection, pol);

    for (int64_t i = 0; i < kept.n; i++)
        if (kept.ids[i] == corr)
            return true;
    return !kept.given;
}

static mms_status read_codes(const mms_uvh5 *u, mms_table *table, mms_uvh5_dd *dd, mms_error *err)
{
    double types[MMS_UVH5_MAX_POL];
    mms_status st;

    if (dd->ncorr > MMS_UVH5_MAX_POL)
        return mms_fail(err, MMS_ERR_ARG, "polarization setup %d has %d correlations", dd->pol,
                        dd->ncorr);
    st = mms_uvh5_cell_doubles(table, "CORR_TYPE", dd->pol, dd->ncorr, types, err);
    for (int32_t k = 0; st == MMS_OK && k < dd->ncorr; k++) {
        if (!is_kept(u, dd->pol, k))
            continue;
        if (!mms_uvh5_pol_code((int32_t)types[k], &dd->codes[dd->nkept]))
            return mms_fail(err, MMS_ERR_ARG, "correlation type %d has no UVH5 code",
                            (int32_t)types[k]);
        dd->from[dd->nkept++] = k;
    }
    return st;
}

static void add_pol(mms_uvh5 *u, int32_t code)
{
    int64_t at = 0;

    while (at < u->npol && mms_uvh5_pol_before(u->pols[at], code, u->asked->casa_order))
        at++;
    if (at < u->npol && u->pols[at] == code)
        return;
    memmove(&u->pols[at + 1], &u->pols[at], (size_t)(u->npol - at) * sizeof u->pols[0]);
    u->pols[at] = code;
    u->npol++;
}

/** Refuse two data descriptions that would write the same values. */
static mms_status check_pair(const mms_uvh5 *u, int64_t d, int64_t e, mms_error *err)
{
    const mms_uvh5_dd *const a = &u->dds[d], *const b = &u->dds[e];

    if (!b->used || a->window != b->window)
        return MMS_OK;
    for (int32_t k = 0; k < a->nkept; k++)
        for (int32_t l = 0; l < b->nkept; l++)
            if (a->codes[k] == b->codes[l])
                return mms_fail(err, MMS_ERR_ARG,
                                "data descriptions %" PRId64 " and %" PRId64 " both hold "
                                "polarization %s of spectral window %d; select one with "
                                "correlation= or taql=",
                                d, e, mms_uvh5_pol_name(a->codes[k]), a->spw);
    return MMS_OK;
}

static mms_status read_polarizations(mms_uvh5 *u, mms_error *err)
{
    mms_table *table = NULL;
    mms_status st;

    MMS_TRY(mms_uvh5_open_table(u, "POLARIZATION", &table, err));
    for (int64_t d = 0; d < u->meta.ndd; d++)
        if (u->dds[d].used)
            MMS_TRY(read_codes(u, table, &u->dds[d], err));
    for (int64_t d = 0; d < u->meta.ndd; d++)
        for (int32_t k = 0; u->dds[d].used && k < u->dds[d].nkept; k++)
            add_pol(u, u->dds[d].codes[k]);
    for (int64_t d = 0; d < u->meta.ndd; d++)
        for (int64_t e = d + 1; u->dds[d].used && e < u->meta.ndd; e++)
            MMS_TRY(check_pair(u, d, e, err));
    for (int64_t d = 0; d < u->meta.ndd; d++)
        for (int32_t k = 0; k < u->dds[d].nkept; k++)
            for (int32_t p = 0; p < u->npol; p++)
                if (u->pols[p] == u->dds[d].codes[k])
                    u->dds[d].to[k] = p;
done:
    mms_table_drop(&table);
    return st;
}

mms_status mms_uvh5_find_windows(mms_uvh5 *u, mms_error *err)
{
    mms_status st;

    u->dds = mms_alloc(u->meta.ndd, sizeof *u->dds);
    MMS_TRY(u->dds ? MMS_OK : mms_uvh5_no_memory(u, err));
    for (int64_t i = 0; i < u->nrow; i++) {
        u->dds[u->rows[i].ddid].used = true;
        mms_uvh5_rest(u, i);
    }
    for (int64_t d = 0; d < u->meta.ndd; d++) {
        u->dds[d].spw = u->meta.dds[d].spw;
        u->dds[d].pol = u->meta.dds[d].pol;
        u->dds[d].ncorr = u->meta.dds[d].ncorr;
        u->nused_dd += u->dds[d].used;
    }
    MMS_TRY(add_windows(u, err));
    MMS_TRY(read_windows(u, err));
    MMS_TRY(read_polarizations(u, err));
    int64_t present = 0;
    for (int64_t i = 0; i < u->nrow; i++) {
        const mms_uvh5_dd *const dd = &u->dds[u->rows[i].ddid];
        present += u->windows[dd->window].count * dd->nkept;
        mms_uvh5_rest(u, i);
    }
    u->absent = u->nblt * u->nfreq * u->npol - present;
done:
    return st;
}
