/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file maps.c  Commands that look at the times and channels of a baseline at once: tfcrop, rflag,
 *  extend; and antint, which looks at all baselines of a time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "flag_priv.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

/** The rows of a chunk that a command selects, baseline by baseline, each in the order of time. */
typedef struct maps {
    int64_t n;
    int64_t *rows; /**< [n]: places in the chunk */
    int32_t nchan;
    int32_t *channels; /**< [nchan]: those that are selected */
} maps;

static int by_baseline(const void *a, const void *b, void *ctx)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    const int64_t *const *of = ctx;
    const int64_t *first = of[0], *second = of[1];

    if (first[x] != first[y])
        return first[x] < first[y] ? -1 : 1;
    if (second[x] != second[y])
        return second[x] < second[y] ? -1 : 1;
    return (x > y) - (x < y);
}

static void close_maps(maps *m)
{
    free(m->rows);
    free(m->channels);
    *m = (maps){0};
}

static mms_status open_maps(const mms_flag_work *w, const mms_flag_command *c,
                            const mms_flag_cut *cut, const mms_flag_chunk *k, maps *m,
                            mms_error *err)
{
    int64_t *antennas = mms_alloc(2 * k->nrow, sizeof *antennas);
    const int64_t *of[2] = {antennas, antennas + k->nrow};

    *m = (maps){.rows = mms_alloc(k->nrow, sizeof *m->rows),
                .channels = mms_alloc(k->nchan, sizeof *m->channels)};
    if (!antennas || !m->rows || !m->channels) {
        free(antennas);
        close_maps(m);
        return no_memory(err);
    }
    for (int64_t i = 0; i < k->nrow; i++) {
        antennas[i] = w->rows.antenna1[k->rows[i]];
        antennas[k->nrow + i] = w->rows.antenna2[k->rows[i]];
        if (mms_flag_bit(c->mask, k->rows[i]))
            m->rows[m->n++] = i;
    }
    for (int32_t i = 0; i < k->nchan; i++)
        if (cut->channel[i])
            m->channels[m->nchan++] = i;
    qsort_r(m->rows, (size_t)m->n, sizeof *m->rows, by_baseline, of);
    free(antennas);
    return MMS_OK;
}

/** Where the map that begins at first ends. */
static int64_t map_end(const mms_flag_work *w, const mms_flag_chunk *k, const maps *m,
                       int64_t first)
{
    const int64_t row = k->rows[m->rows[first]];
    int64_t end = first + 1;

    while (end < m->n && w->rows.antenna1[k->rows[m->rows[end]]] == w->rows.antenna1[row] &&
           w->rows.antenna2[k->rows[m->rows[end]]] == w->rows.antenna2[row])
        end++;
    return end;
}

/** The cell of a point of a map. */
static int64_t cell_at(const mms_flag_chunk *k, const maps *m, int64_t time, int32_t chan)
{
    return m->rows[time] * k->cell + (int64_t)m->channels[chan] * k->ncorr;
}

/** A map of products: [product][ntime][nchan], or of one after the other in the place of the first.
 */
typedef struct product_map {
    int64_t first, ntime;
    int64_t room;  /**< points of the longest map: from one product to the next */
    bool together; /**< the products are the correlations as they are stored: filled at once */
    mms_complex *values;
    float *numbers;
    uint8_t *before, *flags;
    mms_flag_middle *middles; /**< rflag: [product][row of maps] */
    bool has_middles;
} product_map;

static void close_map(product_map *p)
{
    free(p->values);
    free(p->numbers);
    free(p->before);
    free(p->flags);
    free(p->middles);
}

/** Room for the longest map of n products; nmiddle: those whose middles are kept. */
static mms_status make_map(const mms_flag_work *w, const mms_flag_chunk *k, const maps *m,
                           const mms_flag_product *products, int32_t n, int32_t nmiddle,
                           product_map *p, mms_error *err)
{
    const bool together = m->nchan == k->nchan && mms_flag_all_stored(n, products, k->ncorr);
    int64_t most = 0;

    for (int64_t first = 0, end; first < m->n; first = end) {
        end = map_end(w, k, m, first);
        most = end - first > most ? end - first : most;
    }
    const int64_t room = most * m->nchan, all = together ? n * room : room;
    *p = (product_map){.room = room,
                       .together = together,
                       .values = mms_alloc(all, sizeof *p->values),
                       .numbers = mms_alloc(room, sizeof *p->numbers),
                       .before = mms_alloc(all, 1),
                       .flags = mms_alloc(all, 1),
                       .middles = mms_alloc(nmiddle * m->n, sizeof *p->middles)};
    return p->values && p->numbers && p->before && p->flags && p->middles ? MMS_OK : no_memory(err);
}

/** A product counts as flagged when any that it is made of is. */
static uint8_t is_flagged(const mms_flag_product *product, const uint8_t *cell)
{
    return cell[product->first] | (product->second < 0 ? 0 : cell[product->second]);
}

/** One correlation of the flags of a row. */
static void fill_flags(const mms_flag_chunk *k, const uint8_t *row, int32_t stored, uint8_t *to)
{
    const int32_t step = k->ncorr;

    if (!memchr(row, 1, (size_t)k->cell))
        memset(to, 0, (size_t)k->nchan);
    else
        for (int32_t c = 0; c < k->nchan; c++)
            to[c] = row[(int64_t)c * step + stored];
}

/** One time of a map of a product that is stored, of all channels. */
static void fill_stored(const mms_flag_chunk *k, int64_t row, int32_t stored, int64_t at,
                        product_map *p)
{
    const mms_complex *vis = k->vis + row * k->cell + stored;
    mms_complex *values = p->values + at;
    const int32_t nchan = k->nchan;
    const int64_t step = k->ncorr;

    for (int32_t c = 0; c < nchan; c++)
        values[c] = vis[c * step];
    fill_flags(k, k->before + row * k->cell, stored, p->before + at);
    fill_flags(k, k->flag + row * k->cell, stored, p->flags + at);
}

static void fill_any(const mms_flag_chunk *k, const maps *m, const mms_flag_product *product,
                     int64_t time, int64_t at, product_map *p)
{
    for (int32_t c = 0; c < m->nchan; c++, at++) {
        const int64_t cell = cell_at(k, m, time, c);
        p->values[at] = mms_flag_product_value(product, k->vis + cell);
        p->before[at] = is_flagged(product, k->before + cell);
        p->flags[at] = is_flagged(product, k->flag + cell);
    }
}

/** n correlations of each channel to n arrays that are room apart. */
static inline __attribute__((always_inline)) void part_values(int64_t nchan, int n,
                                                              const mms_complex *restrict vis,
                                                              int64_t room,
                                                              mms_complex *restrict to)
{
    for (int64_t c = 0; c < nchan; c++)
        for (int i = 0; i < n; i++)
            to[i * room + c] = vis[c * n + i];
}

/** The flags of n correlations of a row to n arrays that are room apart. */
static void part_flags(const mms_flag_chunk *k, const uint8_t *row, int64_t room, uint8_t *to)
{
    const bool any = memchr(row, 1, (size_t)k->cell) != NULL;

    for (int32_t i = 0; i < k->ncorr; i++, to += room)
        if (any)
            for (int32_t c = 0; c < k->nchan; c++)
                to[c] = row[(int64_t)c * k->ncorr + i];
        else
            memset(to, 0, (size_t)k->nchan);
}

/** All correlations of a map at once: its rows are far from each other, and fetched once. */
static void fill_together(const mms_flag_chunk *k, const maps *m, product_map *p)
{
    int64_t at = 0;

    for (int64_t t = p->first; t < p->first + p->ntime; t++, at += k->nchan) {
        const int64_t cell = m->rows[t] * k->cell;
        if (k->ncorr == 4)
            part_values(k->nchan, 4, k->vis + cell, p->room, p->values + at);
        else if (k->ncorr == 2)
            part_values(k->nchan, 2, k->vis + cell, p->room, p->values + at);
        else
            part_values(k->nchan, k->ncorr, k->vis + cell, p->room, p->values + at);
        part_flags(k, k->before + cell, p->room, p->before + at);
        part_flags(k, k->flag + cell, p->room, p->flags + at);
    }
}

/** Begin with the map of the rows from first on. */
static void begin_map(const mms_flag_work *w, const mms_flag_chunk *k, const maps *m, int64_t first,
                      product_map *p)
{
    p->first = first;
    p->ntime = map_end(w, k, m, first) - first;
    if (p->together)
        fill_together(k, m, p);
}

/** A product of the map: [ntime][nchan]. */
typedef struct plane {
    const mms_flag_product *product;
    mms_complex *values;
    uint8_t *before, *flags;
} plane;

static plane take_plane(const mms_flag_chunk *k, const maps *m, const mms_flag_product *products,
                        int32_t i, product_map *p)
{
    const mms_flag_product *product = &products[i];
    const int64_t from = p->together ? i * p->room : 0;
    const bool stored = product->second < 0 && m->nchan == k->nchan;
    int64_t at = 0;

    for (int64_t t = p->first; !p->together && t < p->first + p->ntime; t++, at += m->nchan)
        if (stored)
            fill_stored(k, m->rows[t], product->first, at, p);
        else
            fill_any(k, m, product, t, at, p);
    return (plane){product, p->values + from, p->before + from, p->flags + from};
}

/** Flags go to what the product is made of; but those that were there stay as they are where only
 *  found ones are given. */
static void spread_map(mms_flag_chunk *k, const maps *m, const product_map *p, const plane *of,
                       bool found)
{
    for (int64_t t = 0, at = 0; t < p->ntime; t++) {
        at = t * m->nchan;
        if (!memchr(of->flags + at, 1, (size_t)m->nchan))
            continue;
        for (int32_t c = 0; c < m->nchan; c++, at++) {
            uint8_t *cell = k->flag + cell_at(k, m, p->first + t, c);
            if (!of->flags[at] || (found && is_flagged(of->product, cell)))
                continue;
            cell[of->product->first] = 1;
            if (of->product->second >= 0)
                cell[of->product->second] = 1;
        }
    }
}

/* ---- tfcrop -----------------------------------------------------------------------------------*/

static mms_status do_tfcrop(mms_flag_work *w, mms_flag_command *c, mms_flag_chunk *k, const maps *m,
                            const mms_flag_product *products, int32_t n, product_map *p,
                            mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t first = 0; first < m->n && st == MMS_OK; first += p->ntime) {
        begin_map(w, k, m, first, p);
        for (int32_t i = 0; i < n && st == MMS_OK; i++) {
            const plane of = take_plane(k, m, products, i, p);
            const int64_t npoint = p->ntime * m->nchan;
            if (!memchr(of.flags, 0, (size_t)npoint))
                continue; // nothing to look at
            mms_flag_numbers(c->expression.operation, npoint, of.values, p->numbers);
            st = mms_flag_tfcrop_map(&c->tfcrop, p->ntime, m->nchan, p->numbers, of.flags, err);
            spread_map(k, m, p, &of, false);
        }
    }
    return st;
}

/* ---- rflag ------------------------------------------------------------------------------------*/

/** A threshold that was given for a field and window, 0: none. */
static double given_threshold(const mms_flag_command *c, const char *key, int32_t field,
                              int32_t spw)
{
    const mms_value *given = json_object_get(c->value, key);
    double found = json_is_number(given) ? json_number_value(given) : 0;

    for (size_t i = 0; i < json_array_size(given); i++) {
        const mms_value *row = json_array_get(given, i);
        if (json_number_value(json_array_get(row, 0)) == field &&
            json_number_value(json_array_get(row, 1)) == spw)
            found = json_number_value(json_array_get(row, 2));
    }
    return found > 0 ? found : 0;
}

static mms_value *numbers_value(int64_t n, const double *numbers)
{
    mms_value *list = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(numbers[i]));
    return list;
}

/** Keep the sums of a chunk for the client, which adds those of all in an order of its own. */
static mms_status keep_sums(mms_flag_work *w, const mms_flag_command *c, const mms_flag_chunk *k,
                            const maps *m, const mms_flag_sums *sums, const double given[2],
                            mms_error *err)
{
    const mms_flag_rows *r = &w->rows;
    const int64_t row = k->rows[0];
    const double t = r->time_s[row];
    mms_value *key = json_pack("[iiiiif]", r->field[row], w->set.windows[k->ddid].spw,
                               r->observation[row], r->array[row], r->scan[row], t);
    mms_value *item = json_pack(
        "{so sf sb sf sb so so so so}", "key", key, "timedev", given[0], "timedev_for_all",
        json_is_number(json_object_get(c->value, "timedev")), "freqdev", given[1],
        "freqdev_for_all", json_is_number(json_object_get(c->value, "freqdev")), "time",
        numbers_value(m->nchan, sums->time), "ntime", mms_int64s_value(m->nchan, sums->ntime),
        "freq", numbers_value(m->nchan, sums->freq), "nfreq",
        mms_int64s_value(m->nchan, sums->nfreq));

    return item && !json_array_append_new(w->rflag, item) ? MMS_OK : no_memory(err);
}

/** Where the middles of a map and product are kept, between the sums and the flags. */
static mms_flag_middle *middles_of(const maps *m, int32_t product, const product_map *p)
{
    return p->middles + product * m->n + p->first;
}

static mms_status sum_products(mms_flag_work *w, mms_flag_command *c, mms_flag_chunk *k,
                               const maps *m, const mms_flag_product *products, int32_t n,
                               product_map *p, mms_flag_sums *sums, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t first = 0; first < m->n && st == MMS_OK; first += p->ntime) {
        begin_map(w, k, m, first, p);
        for (int32_t i = 0; i < n && st == MMS_OK; i++) {
            const plane of = take_plane(k, m, products, i, p);
            mms_flag_middle *middles = middles_of(m, i, p);
            MMS_TRY(mms_flag_rflag_middles(p->ntime, m->nchan, of.values, of.before, middles, err));
            MMS_TRY(mms_flag_rflag_sums(&c->rflag, p->ntime, m->nchan, of.values, of.before,
                                        middles, sums, err));
        }
    }
    p->has_middles = true;
done:
    return st;
}

static mms_status flag_products(mms_flag_work *w, mms_flag_command *c, mms_flag_chunk *k,
                                const maps *m, const mms_flag_product *products, int32_t n,
                                product_map *p, const double thresholds[2], mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t first = 0; first < m->n && st == MMS_OK; first += p->ntime) {
        begin_map(w, k, m, first, p);
        for (int32_t i = 0; i < n && st == MMS_OK; i++) {
            const plane of = take_plane(k, m, products, i, p);
            mms_flag_middle *middles = middles_of(m, i, p);
            if (!p->has_middles)
                MMS_TRY(
                    mms_flag_rflag_middles(p->ntime, m->nchan, of.values, of.before, middles, err));
            MMS_TRY(mms_flag_rflag_map(&c->rflag, thresholds[0], thresholds[1], p->ntime, m->nchan,
                                       of.values, of.before, middles, of.flags, err));
            spread_map(k, m, p, &of, true);
        }
    }
done:
    return st;
}

/** Where most channels have nothing to look at their median is 0: no threshold, nothing is beyond.
 */
static mms_status find_threshold(int64_t nchan, const double *sums, const int64_t *counts,
                                 double *threshold, mms_error *err)
{
    const mms_status st = mms_flag_rflag_threshold(nchan, sums, counts, threshold, err);

    if (st == MMS_OK && *threshold <= 0)
        *threshold = INFINITY;
    return st;
}

static mms_status do_rflag(mms_flag_work *w, mms_flag_command *c, mms_flag_chunk *k, const maps *m,
                           const mms_flag_product *products, int32_t n, product_map *p,
                           mms_error *err)
{
    const int32_t field = w->rows.field[k->rows[0]], spw = w->set.windows[k->ddid].spw;
    double *sums = mms_alloc(2 * m->nchan, sizeof *sums);
    int64_t *counts = mms_alloc(2 * m->nchan, sizeof *counts);
    mms_flag_sums s = {sums, sums + m->nchan, counts, counts + m->nchan};
    double thresholds[2];
    mms_status st;

    MMS_TRY(sums && counts ? MMS_OK : no_memory(err));
    thresholds[0] = given_threshold(c, "timedev", field, spw);
    thresholds[1] = given_threshold(c, "freqdev", field, spw);
    if (c->calculate || thresholds[0] <= 0 || thresholds[1] <= 0)
        MMS_TRY(sum_products(w, c, k, m, products, n, p, &s, err));
    if (c->calculate) {
        st = keep_sums(w, c, k, m, &s, thresholds, err);
        goto done;
    }
    if (thresholds[0] <= 0)
        MMS_TRY(find_threshold(m->nchan, s.time, s.ntime, &thresholds[0], err));
    if (thresholds[1] <= 0)
        MMS_TRY(find_threshold(m->nchan, s.freq, s.nfreq, &thresholds[1], err));
    thresholds[0] *= c->timedevscale;
    thresholds[1] *= c->freqdevscale;
    MMS_TRY(flag_products(w, c, k, m, products, n, p, thresholds, err));
done:
    free(sums);
    free(counts);
    return st;
}

mms_status mms_flag_chunk_values_command(mms_flag_work *w, mms_flag_command *c,
                                         const mms_flag_cut *cut, mms_flag_chunk *k, mms_error *err)
{
    const mms_flag_window *window = &w->set.windows[k->ddid];
    mms_flag_product products[8 + MMS_FLAG_PRODUCTS];
    const int32_t found =
        mms_flag_expression_products(&c->expression, window->ncorr, window->names, products);
    const bool crops = c->mode == MMS_FLAG_TFCROP;
    const int32_t n = crops && !c->expression.all && found > 1 ? 1 : found;
    maps m = {0};
    product_map p = {0};
    mms_status st;

    if (n == 0)
        return MMS_OK;
    MMS_TRY(open_maps(w, c, cut, k, &m, err));
    if (m.n == 0)
        goto done;
    MMS_TRY(mms_flag_chunk_values(w, k, c->column, err));
    MMS_TRY(make_map(w, k, &m, products, n, crops ? 0 : n, &p, err));
    st = crops ? do_tfcrop(w, c, k, &m, products, n, &p, err)
               : do_rflag(w, c, k, &m, products, n, &p, err);
done:
    close_map(&p);
    close_maps(&m);
    return st;
}

/* ---- extend -----------------------------------------------------------------------------------*/

/** Take or give the selected points and correlations of one time: flags[nchan][ncorr]. */
static void exchange(mms_flag_chunk *k, const maps *m, const mms_flag_cut *cut, int64_t time,
                     uint8_t *flags, bool give)
{
    for (int32_t c = 0; c < m->nchan; c++) {
        uint8_t *cell = k->flag + cell_at(k, m, time, c);
        for (int32_t i = 0; i < k->ncorr; i++) {
            if (!cut->corr[i])
                continue;
            if (give)
                cell[i] = *flags;
            else
                *flags = cell[i];
            flags++;
        }
    }
}

/** A map and back, unless nothing of it is flagged; flags[ntime][nchan][ncorr]. */
static mms_status extend_map(const mms_flag_command *c, mms_flag_chunk *k, const maps *m,
                             const mms_flag_cut *cut, int64_t first, int64_t end, uint8_t *flags,
                             mms_error *err)
{
    const int64_t n = (int64_t)m->nchan * cut->ncorr;
    const bool whole = n == k->cell;
    bool any = false;
    mms_status st;

    for (int64_t t = first; t < end && !any; t++)
        any = memchr(k->flag + m->rows[t] * k->cell, 1, (size_t)k->cell) != NULL;
    if (!any)
        return MMS_OK;
    for (int64_t t = first; t < end; t++)
        if (whole)
            memcpy(flags + (t - first) * n, k->flag + m->rows[t] * k->cell, (size_t)n);
        else
            exchange(k, m, cut, t, flags + (t - first) * n, false);
    MMS_TRY(mms_flag_extend_map(&c->extend, end - first, m->nchan, cut->ncorr, flags, err));
    for (int64_t t = first; t < end; t++)
        if (whole)
            memcpy(k->flag + m->rows[t] * k->cell, flags + (t - first) * n, (size_t)n);
        else
            exchange(k, m, cut, t, flags + (t - first) * n, true);
done:
    return st;
}

mms_status mms_flag_chunk_extend(mms_flag_work *w, mms_flag_command *c, const mms_flag_cut *cut,
                                 mms_flag_chunk *k, mms_error *err)
{
    maps m = {0};
    uint8_t *flags = NULL;
    int64_t room = 0;
    mms_status st;

    MMS_TRY(open_maps(w, c, cut, k, &m, err));
    for (int64_t first = 0, end; first < m.n; first = end) {
        end = map_end(w, k, &m, first);
        MMS_TRY(mms_grow(&flags, &room, (end - first) * m.nchan * cut->ncorr, 1, err));
        MMS_TRY(extend_map(c, k, &m, cut, first, end, flags, err));
    }
done:
    free(flags);
    close_maps(&m);
    return st;
}

/* ---- antint -----------------------------------------------------------------------------------*/

static bool has_antenna(const mms_flag_work *w, int64_t row, int32_t antenna)
{
    const int32_t a = w->rows.antenna1[row], b = w->rows.antenna2[row];
    return a != b && (a == antenna || b == antenna);
}

/** Part of the channels that are flagged on all baselines of the antenna; rows from first on have
 *  one time.  counts[nchan] is scratch. */
static double flagged_part(const mms_flag_work *w, const mms_flag_command *c,
                           const mms_flag_chunk *k, int64_t first, int64_t end, int64_t *counts)
{
    int64_t full = 0;

    memset(counts, 0, (size_t)k->nchan * sizeof *counts);
    for (int64_t i = first; i < end; i++) {
        if (!mms_flag_bit(c->mask, k->rows[i]) || !has_antenna(w, k->rows[i], c->ref_antenna))
            continue;
        for (int32_t chan = 0; chan < k->nchan; chan++)
            counts[chan] += memchr(k->flag + i * k->cell + (int64_t)chan * k->ncorr, 1,
                                   (size_t)k->ncorr) != NULL;
    }
    for (int32_t chan = 0; chan < k->nchan; chan++)
        full += counts[chan] >= w->set.nantenna - 1;
    return (double)full / k->nchan;
}

mms_status mms_flag_chunk_antint(mms_flag_work *w, mms_flag_command *c, mms_flag_chunk *k,
                                 uint8_t *found, mms_error *err)
{
    int64_t *counts = mms_alloc(k->nchan, sizeof *counts);

    if (!counts)
        return no_memory(err);
    for (int64_t first = 0, end; first < k->nrow; first = end) {
        for (end = first + 1;
             end < k->nrow && w->rows.time_s[k->rows[end]] == w->rows.time_s[k->rows[first]];)
            end++;
        const double part = flagged_part(w, c, k, first, end, counts);
        const bool bad = k->nchan == 1 ? part > 0 : part > c->minchanfrac;
        memset(found + first, bad, (size_t)(end - first));
    }
    free(counts);
    return MMS_OK;
}
