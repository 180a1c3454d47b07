/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file combine_grid.c  The channels of several windows as one (transform-numerics 6.7).
 *
 * Windows are added one after another in the order of their lowest channels. A channel that reaches
 * into one that is there is a share of it; at the upper end the last channel grows, or new ones
 * follow. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "regrid_priv.h"

/** A share in the list of its channel. */
struct entry {
    mms_share share;
    int64_t next; /* -1: the last */
};

struct channel {
    double freq, width;
    int64_t head, tail; /* entries; -1: none */
};

/** A window in rising order. */
struct window {
    int32_t place; /* in the caller's list */
    int32_t spw;
    int64_t nchan;
    bool falls, regular; /* regular: its edges rise with its channels */
    double *freq, *width;
};

struct build {
    int64_t nchannel, channel_capacity, nentry, entry_capacity;
    struct channel *channels;
    struct entry *entries;
    int32_t nwindow;
    struct window *windows;
};

static double bottom(double freq, double width)
{
    return freq - width / 2;
}

static double top(double freq, double width)
{
    return freq + width / 2;
}

/* ---- windows ----------------------------------------------------------------------------------*/

static mms_status check_windows(int32_t n, const mms_combine_window *w, mms_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        if (w[i].nchan != w[0].nchan)
            return mms_fail(err, MMS_ERR_ARG,
                            "Currently the option 'combinespws' is only supported when the number "
                            "of channels is the same for all the spw's selected. One of the SPWs "
                            "selected has %" PRId64
                            " channels, but another selected SPW has %" PRId64 " channels.",
                            w[0].nchan, w[i].nchan);
        if (w[i].frame != w[0].frame)
            return mms_fail(err, MMS_ERR_ARG,
                            "SPW %d cannot be combined with SPW %d. Non-matching ref. frame.",
                            (int)w[i].spw, (int)w[0].spw);
    }
    return MMS_OK;
}

static bool has_regular_edges(const struct window *w)
{
    for (int64_t k = 1; k < w->nchan; k++)
        if (bottom(w->freq[k], w->width[k]) < bottom(w->freq[k - 1], w->width[k - 1]) ||
            top(w->freq[k], w->width[k]) < top(w->freq[k - 1], w->width[k - 1]))
            return false;
    return true;
}

static mms_status take_window(struct window *w, int32_t place, const mms_combine_window *in,
                              mms_error *err)
{
    const int64_t n = in->nchan;
    const mms_status st = mms_check_window(in->spw, n, in->freq_hz, in->width_hz, &w->falls, err);

    if (st != MMS_OK)
        return st;
    w->place = place;
    w->spw = in->spw;
    w->nchan = n;
    w->freq = mms_alloc(n, sizeof *w->freq);
    w->width = mms_alloc(n, sizeof *w->width);
    if (!w->freq || !w->width)
        return mms_fail(err, MMS_ERR_MEM, "combinespws: out of memory");
    for (int64_t k = 0; k < n; k++) {
        const int64_t from = w->falls ? n - 1 - k : k;
        w->freq[k] = in->freq_hz[from];
        w->width[k] = fabs(in->width_hz[from]);
    }
    w->regular = has_regular_edges(w);
    return MMS_OK;
}

static int compare_windows(const void *a, const void *b)
{
    const struct window *x = a, *y = b;

    if (x->freq[0] != y->freq[0])
        return x->freq[0] < y->freq[0] ? -1 : 1;
    return x->spw < y->spw ? -1 : x->spw > y->spw;
}

static mms_status take_windows(struct build *b, int32_t n, const mms_combine_window *windows,
                               mms_error *err)
{
    mms_status st = MMS_OK;

    b->windows = mms_alloc(n, sizeof *b->windows);
    if (!b->windows)
        return mms_fail(err, MMS_ERR_MEM, "combinespws: out of memory");
    for (; st == MMS_OK && b->nwindow < n; b->nwindow++)
        st = take_window(&b->windows[b->nwindow], b->nwindow, &windows[b->nwindow], err);
    if (st == MMS_OK)
        qsort(b->windows, (size_t)n, sizeof *b->windows, compare_windows);
    return st;
}

/* ---- channels and shares ----------------------------------------------------------------------*/

/** Make an entry for channel k (rising order) of a window. */
static mms_status make_entry(struct build *b, const struct window *w, int64_t k, double fraction,
                             mms_error *err)
{
    const int64_t channel = w->falls ? w->nchan - 1 - k : k;
    const mms_status st =
        mms_grow(&b->entries, &b->entry_capacity, b->nentry + 1, sizeof *b->entries, err);

    if (st == MMS_OK)
        b->entries[b->nentry++] = (struct entry){{w->place, channel, fraction}, -1};
    return st;
}

static mms_status add_share(struct build *b, int64_t j, const struct window *w, int64_t k,
                            double fraction, mms_error *err)
{
    const mms_status st = make_entry(b, w, k, fraction, err);
    struct channel *c = &b->channels[j];

    if (st != MMS_OK)
        return st;
    if (c->head < 0)
        c->head = b->nentry - 1;
    else
        b->entries[c->tail].next = b->nentry - 1;
    c->tail = b->nentry - 1;
    return MMS_OK;
}

static mms_status add_channel(struct build *b, double freq, double width, const struct window *w,
                              int64_t k, mms_error *err)
{
    mms_status st =
        mms_grow(&b->channels, &b->channel_capacity, b->nchannel + 1, sizeof *b->channels, err);

    if (st == MMS_OK) {
        b->channels[b->nchannel++] = (struct channel){freq, width, -1, -1};
        st = add_share(b, b->nchannel - 1, w, k, 1, err);
    }
    return st;
}

/** Append the channels of a window from k on, whole. */
static mms_status append(struct build *b, const struct window *w, int64_t k, mms_error *err)
{
    mms_status st = MMS_OK;

    for (; st == MMS_OK && k < w->nchan; k++)
        st = add_channel(b, w->freq[k], w->width[k], w, k, err);
    return st;
}

/** Let the lowest channel begin where a channel of the window does that it begins in.
 *  @param[out] first  the first channel of the combination that is still to be compared */
static mms_status extend_below(struct build *b, const struct window *w, int64_t *first,
                               mms_error *err)
{
    struct channel *c = &b->channels[0];
    const double low = bottom(c->freq, c->width), high = top(c->freq, c->width);
    int64_t k = 0;

    *first = 0;
    while (k < w->nchan && !(low < top(w->freq[k], w->width[k])))
        k++;
    if (k == w->nchan || !(bottom(w->freq[k], w->width[k]) < low))
        return MMS_OK;
    const double from = bottom(w->freq[k], w->width[k]);
    const mms_status st = make_entry(b, w, k, 1, err);
    if (st != MMS_OK)
        return st;
    b->entries[b->nentry - 1].next = c->head;
    c->head = b->nentry - 1;
    c->freq = (from + high) / 2;
    c->width = high - from;
    *first = 1;
    return MMS_OK;
}

/** The fraction of channel k that lies in channel c. */
static double fraction_in(const struct channel *c, const struct window *w, int64_t k)
{
    const double low = bottom(c->freq, c->width), high = top(c->freq, c->width);
    const double from = bottom(w->freq[k], w->width[k]), to = top(w->freq[k], w->width[k]);

    if (low <= from && to <= high)
        return 1;
    if (from <= low && high <= to)
        return c->width / w->width[k];
    if (low <= from && from < high)
        return (high - from) / w->width[k];
    if (low < to && to <= high)
        return (to - low) / w->width[k];
    return 0;
}

/** Find the shares of a window in the channels that are there. */
static mms_status share_channels(struct build *b, const struct window *w, int64_t first,
                                 mms_error *err)
{
    int64_t start = 0;
    mms_status st = MMS_OK;

    for (int64_t j = first; st == MMS_OK && j < b->nchannel; j++) {
        const double low = bottom(b->channels[j].freq, b->channels[j].width);
        const double high = top(b->channels[j].freq, b->channels[j].width);
        while (w->regular && start < w->nchan && top(w->freq[start], w->width[start]) < low)
            start++;
        for (int64_t k = start; st == MMS_OK && k < w->nchan; k++) {
            if (w->regular && bottom(w->freq[k], w->width[k]) > high)
                break;
            const double fraction = fraction_in(&b->channels[j], w, k);
            if (fraction > 0)
                st = add_share(b, j, w, k, fraction, err);
        }
    }
    return st;
}

/** Let the combination grow at its upper end. */
static mms_status extend_above(struct build *b, const struct window *w, mms_error *err)
{
    const struct channel last = b->channels[b->nchannel - 1];
    const double end = top(last.freq, last.width);
    int64_t k = w->nchan - 1;
    mms_status st = MMS_OK;

    if (!(top(w->freq[k], w->width[k]) > end))
        return MMS_OK;
    while (k > 0 && bottom(w->freq[k], w->width[k]) > end)
        k--;
    const double from = bottom(w->freq[k], w->width[k]), to = top(w->freq[k], w->width[k]);
    if (!(from < end))
        return append(b, w, k, err); /* it only touches */
    if (!(end < to))
        return append(b, w, k + 1, err);
    if ((end - from) / w->width[k] > 0.01) {
        struct channel *c = &b->channels[b->nchannel - 1];
        const double low = bottom(last.freq, last.width);
        c->freq = (low + to) / 2;
        c->width = to - low;
        b->entries[c->tail].share.fraction = 1;
    } else {
        st = add_channel(b, (end + to) / 2, to - end, w, k, err);
    }
    return st == MMS_OK ? append(b, w, k + 1, err) : st;
}

static mms_status add_window(struct build *b, const struct window *w, mms_error *err)
{
    const struct channel *last = b->nchannel ? &b->channels[b->nchannel - 1] : NULL;
    const double start = bottom(w->freq[0], w->width[0]);
    int64_t first = 0;
    mms_status st = MMS_OK;

    if (!last || top(last->freq, last->width) < start)
        return append(b, w, 0, err);
    if (start < bottom(last->freq, last->width))
        MMS_TRY(extend_below(b, w, &first, err));
    MMS_TRY(share_channels(b, w, first, err));
    MMS_TRY(extend_above(b, w, err));
done:
    return st;
}

/* ---- result -----------------------------------------------------------------------------------*/

static mms_status allocate(const struct build *b, mms_combination *c, mms_error *err)
{
    c->nwindow = b->nwindow;
    c->nchan = b->nchannel;
    c->freq_hz = mms_alloc(b->nchannel, sizeof *c->freq_hz);
    c->width_hz = mms_alloc(b->nchannel, sizeof *c->width_hz);
    c->first = mms_alloc(b->nchannel + 1, sizeof *c->first);
    c->share = mms_alloc(b->nentry, sizeof *c->share);
    c->window_nchan = mms_alloc(b->nwindow, sizeof *c->window_nchan);
    if (!c->freq_hz || !c->width_hz || !c->first || !c->share || !c->window_nchan)
        return mms_fail(err, MMS_ERR_MEM, "combinespws: out of memory");
    return MMS_OK;
}

static void fill(const struct build *b, mms_combination *c)
{
    int64_t at = 0;

    for (int32_t i = 0; i < b->nwindow; i++)
        c->window_nchan[b->windows[i].place] = b->windows[i].nchan;
    for (int64_t j = 0; j < b->nchannel; j++) {
        c->freq_hz[j] = b->channels[j].freq;
        c->width_hz[j] = b->channels[j].width;
        c->first[j] = at;
        for (int64_t e = b->channels[j].head; e >= 0; e = b->entries[e].next)
            c->share[at++] = b->entries[e].share;
    }
    c->first[b->nchannel] = at;
}

mms_status mms_combination_make(int32_t nwindow, const mms_combine_window *windows,
                                mms_combination **out, mms_error *err)
{
    const mms_status st = check_windows(nwindow, windows, err);

    *out = NULL;
    return st == MMS_OK ? mms_combination_lay(nwindow, windows, out, err) : st;
}

mms_status mms_combination_lay(int32_t nwindow, const mms_combine_window *windows,
                               mms_combination **out, mms_error *err)
{
    struct build b = {0};
    mms_combination *c = NULL;
    mms_status st;

    *out = NULL;
    if (nwindow < 1)
        return mms_fail(err, MMS_ERR_ARG, "combinespws: no window");
    MMS_TRY(take_windows(&b, nwindow, windows, err));
    for (int32_t i = 0; i < nwindow; i++)
        MMS_TRY(add_window(&b, &b.windows[i], err));
    if (!(c = mms_alloc(1, sizeof *c)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "combinespws: out of memory"));
    MMS_TRY(allocate(&b, c, err));
    fill(&b, c);
    *out = c;
    c = NULL;
done:
    for (int32_t i = 0; i < b.nwindow; i++) {
        free(b.windows[i].freq);
        free(b.windows[i].width);
    }
    free(b.windows);
    free(b.channels);
    free(b.entries);
    mms_combination_free(&c);
    return st;
}

void mms_combination_free(mms_combination **combination)
{
    mms_combination *c = *combination;

    if (!c)
        return;
    free(c->freq_hz);
    free(c->width_hz);
    free(c->first);
    free(c->share);
    free(c->window_nchan);
    free(c);
    *combination = NULL;
}
