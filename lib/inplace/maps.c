/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file maps.c  Commands that look at the times and channels of a baseline at once: tfcrop, rflag,
 *  extend; and antint, which looks at all baselines of a time. */
#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/lanes_priv.h"
#include "base/sort_priv.h"
#include "base/wide_priv.h"
#include "flag_priv.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

/** The rows of a chunk that a command selects, baseline by baseline, each in the order of time. */
typedef struct maps {
    int64_t n;
    int64_t *rows;        /**< [n]: places in the chunk */
    int64_t nmap, *first; /**< [nmap + 1]: places in rows */
    int32_t nchan;
    int32_t *channels; /**< [nchan]: those that are selected */
    bool whole;        /**< they follow each other */
} maps;

static void close_maps(maps *m)
{
    free(m->rows);
    free(m->first);
    free(m->channels);
    *m = (maps){0};
}

/** Baselines one after the other; in each rows stay in order. */
static mms_status sort_rows(const int32_t *antenna1, const int32_t *antenna2, maps *m,
                            mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_sort_places(m->n, m->rows, antenna2, err));
    MMS_TRY(mms_sort_places(m->n, m->rows, antenna1, err));
    for (int64_t i = 0; i < m->n; i++) {
        const int64_t row = m->rows[i], before = i > 0 ? m->rows[i - 1] : row;
        if (i == 0 || antenna1[row] != antenna1[before] || antenna2[row] != antenna2[before])
            m->first[m->nmap++] = i;
    }
    m->first[m->nmap] = m->n;
done:
    return st;
}

static mms_status open_maps(const mms_flag_work *w, const mms_flag_command *c,
                            const mms_flag_cut *cut, const mms_flag_chunk *k, maps *m,
                            mms_error *err)
{
    int32_t *antennas = mms_alloc(2 * k->nrow, sizeof *antennas);
    mms_status st;

    *m = (maps){.rows = mms_alloc(k->nrow, sizeof *m->rows),
                .first = mms_alloc(k->nrow + 1, sizeof *m->first),
                .channels = mms_alloc(k->nchan, sizeof *m->channels)};
    MMS_TRY(antennas && m->rows && m->first && m->channels ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < k->nrow; i++) {
        antennas[i] = w->rows.antenna1[k->rows[i]];
        antennas[k->nrow + i] = w->rows.antenna2[k->rows[i]];
        if (mms_flag_bit(c->mask, k->rows[i]))
            m->rows[m->n++] = i;
    }
    for (int32_t i = 0; i < k->nchan; i++)
        if (cut->channel[i])
            m->channels[m->nchan++] = i;
    m->whole = m->nchan == k->nchan;
    st = sort_rows(antennas, antennas + k->nrow, m, err);
done:
    free(antennas);
    return st;
}

/** The cell of a point of a map. */
static int64_t cell_at(const mms_flag_chunk *k, const maps *m, int64_t time, int32_t chan)
{
    return m->rows[time] * k->cell + (int64_t)m->channels[chan] * k->ncorr;
}

/** A map of products: [product][ntime][nchan]. */
typedef struct product_map {
    int64_t first, ntime;
    int64_t room;   /**< points of the longest map: from one product to the next */
    bool together;  /**< the products are the correlations as they are stored: filled at once */
    bool unflagged; /**< then: no flag is before, which is left as it was */
    bool wrote;     /**< flags of some map were changed */
    mms_complex *values;
    float *numbers, *crop; /**< tfcrop, and its room */
    double *scatter;       /**< rflag, where it sums */
    uint8_t *before, *flags;
    int64_t flag_room; /**< of flags, where they grow */
} product_map;

static void close_map(product_map *p)
{
    free(p->values);
    free(p->numbers);
    free(p->crop);
    free(p->scatter);
    free(p->before);
    free(p->flags);
}

/** Room for the longest map of n products; of none: not yet. */
static mms_status make_map(const mms_flag_chunk *k, const maps *m, const mms_flag_product *products,
                           int32_t n, product_map *p, mms_error *err)
{
    int64_t most = 0;

    for (int64_t i = 0; i < m->nmap; i++)
        if (m->first[i + 1] - m->first[i] > most)
            most = m->first[i + 1] - m->first[i];
    const int64_t room = most * m->nchan, all = n * room;
    *p = (product_map){.room = room,
                       .together = m->whole && mms_flag_all_stored(n, products, k->ncorr),
                       .values = mms_alloc(all, sizeof *p->values),
                       .before = mms_alloc(all, 1),
                       .flags = mms_alloc(all, 1)};
    return p->values && p->before && p->flags ? MMS_OK : no_memory(err);
}

/** A product counts as flagged when any that it is made of is. */
static uint8_t is_flagged(const mms_flag_product *product, const uint8_t *cell)
{
    return cell[product->first] | (product->second < 0 ? 0 : cell[product->second]);
}

/** The flags of a row at the channels of a map. */
static const uint8_t *flags_at(const mms_flag_chunk *k, const maps *m, const uint8_t *of,
                               int64_t row)
{
    return of + row * k->cell + (int64_t)m->channels[0] * k->ncorr;
}

/** One correlation of the flags of n channels. */
static void fill_flags(int32_t n, int32_t step, const uint8_t *row, int32_t stored, uint8_t *to)
{
    if (!memchr(row, 1, (size_t)n * (size_t)step))
        memset(to, 0, (size_t)n);
    else
        for (int32_t c = 0; c < n; c++)
            to[c] = row[(int64_t)c * step + stored];
}

/** One time of a map of a product that is stored, of channels that follow each other. */
static void fill_stored(const mms_flag_chunk *k, const maps *m, int64_t row, int32_t stored,
                        int64_t at, product_map *p)
{
    const int32_t nchan = m->nchan, step = k->ncorr;
    const mms_complex *vis = k->vis + row * k->cell + (int64_t)m->channels[0] * step + stored;
    mms_complex *values = p->values + at;

    for (int32_t c = 0; c < nchan; c++)
        values[c] = vis[(int64_t)c * step];
    fill_flags(nchan, step, flags_at(k, m, k->before, row), stored, p->before + at);
    fill_flags(nchan, step, flags_at(k, m, k->flag, row), stored, p->flags + at);
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

/** A complex number, to be moved. */
typedef uint64_t moved __attribute__((may_alias));

/** n correlations of each channel to n arrays that are room apart. */
static inline __attribute__((always_inline)) void part_values(int64_t nchan, int n,
                                                              const moved *restrict vis,
                                                              int64_t room, moved *restrict to)
{
    for (int64_t c = 0; c < nchan; c++)
        for (int i = 0; i < n; i++)
            to[i * room + c] = vis[c * n + i];
}

MMS_WIDE static void part_any(int64_t nchan, int n, const mms_complex *vis, int64_t room,
                              mms_complex *to)
{
    if (n == 4)
        part_values(nchan, 4, (const moved *)vis, room, (moved *)to);
    else if (n == 2)
        part_values(nchan, 2, (const moved *)vis, room, (moved *)to);
    else
        part_values(nchan, n, (const moved *)vis, room, (moved *)to);
}

/** The flags of a map and all correlations to arrays that are room apart; false: there are none,
 *  and the arrays are as they were. */
static bool part_flags(const mms_flag_chunk *k, const maps *m, const uint8_t *of,
                       const product_map *p, uint8_t *to)
{
    const int64_t cells = (int64_t)m->nchan * k->ncorr;
    bool any = false;

    for (int64_t t = p->first; t < p->first + p->ntime && !any; t++)
        any = memchr(flags_at(k, m, of, m->rows[t]), 1, (size_t)cells) != NULL;
    for (int64_t t = 0; any && t < p->ntime; t++)
        for (int32_t i = 0; i < k->ncorr; i++)
            fill_flags(m->nchan, k->ncorr, flags_at(k, m, of, m->rows[p->first + t]), i,
                       to + i * p->room + t * m->nchan);
    return any;
}

/** Let the caches fetch what will be read next. */
static void fetch(const void *data, size_t bytes)
{
    enum { LINE = 64 };

    for (size_t i = 0; i < bytes; i += LINE)
        __builtin_prefetch((const char *)data + i);
}

/** All correlations of a map at once: its rows are far from each other, and fetched once. */
static void fill_together(const mms_flag_chunk *k, const maps *m, product_map *p)
{
    const int64_t *const rows = m->rows + p->first;

    for (int64_t t = 0; t < p->ntime; t++) {
        if (p->first + t + 1 < m->n) // of the next map, too
            fetch(k->vis + rows[t + 1] * k->cell, (size_t)k->cell * sizeof *k->vis);
        part_any(m->nchan, k->ncorr, k->vis + rows[t] * k->cell, p->room, p->values + t * m->nchan);
    }
    p->unflagged = !k->any || !part_flags(k, m, k->before, p, p->before);
    if ((!k->any && !k->touched) || !part_flags(k, m, k->flag, p, p->flags))
        memset(p->flags, 0, (size_t)(k->ncorr * p->room));
}

/** Begin with map i. */
static void begin_map(const mms_flag_chunk *k, const maps *m, int64_t i, product_map *p)
{
    p->first = m->first[i];
    p->ntime = m->first[i + 1] - p->first;
    if (p->together)
        fill_together(k, m, p);
}

/** A product of the map: [ntime][nchan]. */
typedef struct plane {
    const mms_flag_product *product;
    mms_complex *values;
    uint8_t *before, *flags; /**< before: NULL without any */
} plane;

static plane take_plane(const mms_flag_chunk *k, const maps *m, const mms_flag_product *products,
                        int32_t i, product_map *p)
{
    const mms_flag_product *product = &products[i];
    const int64_t from = i * p->room;
    const bool stored = product->second < 0 && m->whole;
    int64_t at = from;

    for (int64_t t = p->first; !p->together && t < p->first + p->ntime; t++, at += m->nchan)
        if (stored)
            fill_stored(k, m, m->rows[t], product->first, at, p);
        else
            fill_any(k, m, product, t, at, p);
    return (plane){product, p->values + from, p->unflagged ? NULL : p->before + from,
                   p->flags + from};
}

/** Flags go to what the product is made of; but those that were there stay as they are where only
 *  found ones are given. */
static void spread_map(mms_flag_chunk *k, const maps *m, product_map *p, const plane *of,
                       bool found)
{
    for (int64_t t = 0, at = 0; t < p->ntime; t++) {
        at = t * m->nchan;
        if (!memchr(of->flags + at, 1, (size_t)m->nchan))
            continue;
        p->wrote = true;
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

/* ---- maps that are done beside each other -----------------------------------------------------*/

/** A command on the maps of a chunk. */
typedef struct job {
    const mms_flag_work *w;
    mms_flag_command *c;
    const mms_flag_cut *cut;
    mms_flag_chunk *k;
    const maps *m;
    int32_t n; /**< of products */
    const mms_flag_product *products;
    /* rflag */
    mms_flag_middle *middles; /**< [product][row of maps] */
    bool has_middles;
    mms_flag_sums sums;
    double thresholds[2];
    /** Do a map, with arrays of the lane's own. */
    mms_status (*map)(const struct job *j, int64_t map, product_map *p, mms_error *err);
    void (*in_turn)(struct job *j,
                    product_map *p); /**< then, in the order of maps; NULL: nothing */
    atomic_llong next;               /**< the map that is to be taken */
    atomic_bool wrote;               /**< flags were changed */
} job;

/** Take maps until there are none. */
static mms_status take_maps(void *ctx, mms_lanes *lanes, int number, int64_t *piece, mms_error *err)
{
    job *j = ctx;
    product_map p = {0};
    mms_status st;

    (void)number;
    *piece = 0;
    MMS_TRY(make_map(j->k, j->m, j->products, j->n, &p, err));
    while ((*piece = atomic_fetch_add(&j->next, 1)) < j->m->nmap) {
        MMS_TRY(j->map(j, *piece, &p, err));
        if (!j->in_turn)
            continue;
        if (!mms_lanes_begin_turn(lanes, *piece))
            break;
        j->in_turn(j, &p);
        mms_lanes_end_turn(lanes);
    }
done:
    if (p.wrote)
        atomic_store(&j->wrote, true);
    close_map(&p);
    return st;
}

/** No map touches another: as many threads as the worker has. */
static mms_status run_maps(job *j, mms_error *err)
{
    const int64_t most = j->m->nmap < j->w->threads ? j->m->nmap : j->w->threads;
    mms_status st;

    atomic_store(&j->next, 0);
    st = mms_lanes_run(most > 1 ? (int)most : 1, take_maps, j, err);
    j->k->touched = j->k->touched || atomic_load(&j->wrote);
    return st;
}

/* ---- tfcrop -----------------------------------------------------------------------------------*/

static mms_status make_crop(const job *j, product_map *p, mms_error *err)
{
    const int64_t most = p->room / j->m->nchan; // times

    p->numbers = mms_alloc(j->n * p->room, sizeof *p->numbers);
    p->crop = mms_alloc(mms_flag_tfcrop_room(&j->c->tfcrop, most, j->m->nchan), sizeof *p->crop);
    return p->numbers && p->crop ? MMS_OK : no_memory(err);
}

/** All products at once: those that are asked for together are the stored ones, or one. */
static mms_status crop_map(const job *j, int64_t map, product_map *p, mms_error *err)
{
    plane of[8 + MMS_FLAG_PRODUCTS];
    bool any = false;
    mms_status st = MMS_OK;

    if (!p->crop)
        MMS_TRY(make_crop(j, p, err));
    begin_map(j->k, j->m, map, p);
    const int64_t npoint = p->ntime * j->m->nchan;
    for (int32_t i = 0; i < j->n; i++) {
        of[i] = take_plane(j->k, j->m, j->products, i, p);
        any = any || memchr(of[i].flags, 0, (size_t)npoint);
    }
    for (int32_t i = 0; any && i < j->n; i++)
        mms_flag_numbers(j->c->expression.operation, npoint, of[i].values,
                         p->numbers + i * p->room);
    if (any) // there is something to look at
        mms_flag_tfcrop_maps(&j->c->tfcrop, j->n, p->ntime, j->m->nchan, p->room, p->numbers,
                             p->flags, p->crop);
    for (int32_t i = 0; any && i < j->n; i++)
        spread_map(j->k, j->m, p, &of[i], false);
done:
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
    return found < 0 ? DBL_MAX : found; // as CASA: nothing is beyond a negative one
}

static mms_value *numbers_value(int64_t n, const double *numbers)
{
    mms_value *list = json_array();

    for (int64_t i = 0; i < n; i++)
        json_array_append_new(list, mms_double_value(numbers[i]));
    return list;
}

/** Keep the sums of a chunk for the client, which adds those of all in an order of its own. */
static mms_status keep_sums(mms_flag_work *w, const mms_flag_command *c, const mms_flag_chunk *k,
                            const maps *m, const mms_flag_sums *sums, const double given[2],
                            mms_error *err)
{
    const mms_flag_rows *r = &w->rows;
    const int64_t row = w->chunk_row;
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
static mms_flag_middle *middles_of(const job *j, int32_t product, const product_map *p)
{
    return j->middles + product * j->m->n + p->first;
}

/** What thresholds are made of. */
static mms_status find_scatter(const job *j, int64_t map, product_map *p, mms_error *err)
{
    const int64_t nchan = j->m->nchan;
    mms_status st;

    begin_map(j->k, j->m, map, p);
    if (!p->scatter && !(p->scatter = mms_alloc(j->n * p->room, sizeof *p->scatter)))
        return no_memory(err);
    for (int32_t i = 0; i < j->n; i++) {
        const plane of = take_plane(j->k, j->m, j->products, i, p);
        mms_flag_middle *middles = middles_of(j, i, p);
        MMS_TRY(mms_flag_rflag_middles(p->ntime, nchan, of.values, of.before, middles, err));
        MMS_TRY(mms_flag_rflag_scatter(&j->c->rflag, p->ntime, nchan, of.values, of.before, middles,
                                       p->scatter + i * p->room, err));
    }
done:
    return st;
}

static void add_scatter(job *j, product_map *p)
{
    for (int32_t i = 0; i < j->n; i++) {
        const int64_t at = i * p->room;
        mms_flag_rflag_add(p->ntime, j->m->nchan, p->values + at,
                           p->unflagged ? NULL : p->before + at, p->scatter + at,
                           middles_of(j, i, p), &j->sums);
    }
}

/** Sums are taken in the order of the maps. */
static mms_status sum_products(job *j, mms_error *err)
{
    j->map = find_scatter;
    j->in_turn = add_scatter;
    j->has_middles = true;
    return run_maps(j, err);
}

/** Whether a map is worth a look: its sums may have told. */
static bool may_find(const job *j, int64_t map)
{
    const int64_t first = j->m->first[map], ntime = j->m->first[map + 1] - first;
    bool may = !j->has_middles;

    for (int32_t i = 0; i < j->n && !may; i++)
        may = mms_flag_rflag_finds(&j->c->rflag, j->thresholds[0], j->thresholds[1], ntime,
                                   j->middles + i * j->m->n + first);
    return may;
}

/** Flag a product; NULL turn: all of it. */
static mms_status flag_plane(const job *j, int32_t i, const mms_flag_turn *turn, product_map *p,
                             const plane *of, mms_error *err)
{
    const mms_status st = mms_flag_rflag_map(&j->c->rflag, j->thresholds[0], j->thresholds[1], turn,
                                             p->ntime, j->m->nchan, of->values, of->before,
                                             middles_of(j, i, p), of->flags, err);

    if (st == MMS_OK)
        spread_map(j->k, j->m, p, of, true);
    return st;
}

/** Whether products are made of one correlation. */
static bool share_parts(int32_t n, const mms_flag_product *products)
{
    uint32_t seen = 0;

    for (int32_t i = 0; i < n; i++) {
        const uint32_t first = 1U << products[i].first;
        const uint32_t both = first | (products[i].second < 0 ? 0 : 1U << products[i].second);
        if (seen & both)
            return true;
        seen |= both;
    }
    return false;
}

/** Products take turns at each time, as in CASA: what one has flagged the others leave alone. */
static mms_status flag_in_turns(const job *j, product_map *p, const plane *of, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t t = 0; t < p->ntime; t++)
        for (int k = 0; k < 2; k++) {
            const mms_flag_turn turn = {t, t + 1, k == 0, k == 1};
            for (int32_t i = 0; i < j->n && st == MMS_OK; i++)
                st = flag_plane(j, i, &turn, p, &of[i], err);
        }
    return st;
}

static mms_status flag_map(const job *j, int64_t map, product_map *p, mms_error *err)
{
    const bool shared = share_parts(j->n, j->products);
    plane of[8 + MMS_FLAG_PRODUCTS];
    mms_status st = MMS_OK;

    if (!may_find(j, map))
        return MMS_OK;
    begin_map(j->k, j->m, map, p);
    for (int32_t i = 0; i < j->n; i++) {
        of[i] = take_plane(j->k, j->m, j->products, i, p);
        if (!j->has_middles)
            MMS_TRY(mms_flag_rflag_middles(p->ntime, j->m->nchan, of[i].values, of[i].before,
                                           middles_of(j, i, p), err));
        if (!shared)
            MMS_TRY(flag_plane(j, i, NULL, p, &of[i], err));
    }
    if (shared)
        st = flag_in_turns(j, p, of, err);
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

mms_status mms_flag_sums_open(int64_t nchan, mms_flag_sums *sums, mms_error *err)
{
    double *numbers = mms_alloc(2 * nchan, sizeof *numbers);
    int64_t *counts = mms_alloc(2 * nchan, sizeof *counts);

    *sums = (mms_flag_sums){numbers, numbers + nchan, counts, counts + nchan};
    return numbers && counts ? MMS_OK : no_memory(err);
}

void mms_flag_sums_close(mms_flag_sums *sums)
{
    free(sums->time);
    free(sums->ntime);
    *sums = (mms_flag_sums){0};
}

/** Sum over the chunk, or add to the sums of its pieces, as far as thresholds or the user ask. */
static mms_status find_sums(mms_flag_work *w, job *j, mms_error *err)
{
    const bool pieces = j->c->sums.time != NULL;
    const bool asked = j->c->calculate || j->thresholds[0] <= 0 || j->thresholds[1] <= 0;
    mms_status st = MMS_OK;

    if (pieces)
        j->sums = j->c->sums;
    else
        MMS_TRY(mms_flag_sums_open(j->m->nchan, &j->sums, err));
    if (asked && (!pieces || w->sums_alone))
        st = sum_products(j, err);
done:
    return st;
}

static mms_status do_rflag(mms_flag_work *w, job *j, mms_error *err)
{
    mms_flag_command *c = j->c;
    const int32_t field = w->rows.field[j->k->rows[0]], spw = w->set.windows[j->k->ddid].spw;
    const int64_t nchan = j->m->nchan;
    double *t = j->thresholds;
    mms_status st;

    j->middles = mms_alloc(j->n * j->m->n, sizeof *j->middles);
    MMS_TRY(j->middles ? MMS_OK : no_memory(err));
    t[0] = given_threshold(c, "timedev", field, spw);
    t[1] = given_threshold(c, "freqdev", field, spw);
    MMS_TRY(find_sums(w, j, err));
    if (w->sums_alone)
        goto done;
    if (c->calculate) {
        const bool pieces = c->sums.time != NULL;
        if (!pieces || !c->said)
            st = keep_sums(w, c, j->k, j->m, &j->sums, t, err);
        if (pieces) // else other threads do chunks, too
            c->said = true;
        goto done;
    }
    if (t[0] <= 0)
        MMS_TRY(find_threshold(nchan, j->sums.time, j->sums.ntime, &t[0], err));
    if (t[1] <= 0)
        MMS_TRY(find_threshold(nchan, j->sums.freq, j->sums.nfreq, &t[1], err));
    t[0] *= c->timedevscale;
    t[1] *= c->freqdevscale;
    j->map = flag_map;
    j->in_turn = NULL;
    MMS_TRY(run_maps(j, err));
done:
    if (!c->sums.time)
        mms_flag_sums_close(&j->sums);
    free(j->middles);
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
    maps m = {0};
    job j = {.w = w, .c = c, .cut = cut, .k = k, .m = &m, .n = found, .products = products};
    mms_status st;

    if (found == 0)
        return MMS_OK;
    if (crops && !c->expression.all)
        j.n = 1;
    j.map = crop_map;
    MMS_TRY(open_maps(w, c, cut, k, &m, err));
    if (m.n == 0)
        goto done;
    MMS_TRY(mms_flag_chunk_values(w, k, c->column, err));
    st = crops ? run_maps(&j, err) : do_rflag(w, &j, err);
done:
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

/** A map and back, unless nothing of it is flagged; its flags are [ntime][nchan][ncorr]. */
static mms_status extend_map(const job *j, int64_t map, product_map *p, mms_error *err)
{
    const maps *m = j->m;
    mms_flag_chunk *k = j->k;
    const int64_t n = (int64_t)m->nchan * j->cut->ncorr, first = m->first[map];
    const int64_t end = m->first[map + 1];
    const bool whole = n == k->cell;
    bool any = false;
    mms_status st;

    for (int64_t t = first; t < end && !any; t++)
        any = memchr(k->flag + m->rows[t] * k->cell, 1, (size_t)k->cell) != NULL;
    if (!any)
        return MMS_OK;
    p->wrote = true;
    MMS_TRY(mms_grow(&p->flags, &p->flag_room, (end - first) * n, 1, err));
    for (int64_t t = first; t < end; t++)
        if (whole)
            memcpy(p->flags + (t - first) * n, k->flag + m->rows[t] * k->cell, (size_t)n);
        else
            exchange(k, m, j->cut, t, p->flags + (t - first) * n, false);
    MMS_TRY(
        mms_flag_extend_map(&j->c->extend, end - first, m->nchan, j->cut->ncorr, p->flags, err));
    for (int64_t t = first; t < end; t++)
        if (whole)
            memcpy(k->flag + m->rows[t] * k->cell, p->flags + (t - first) * n, (size_t)n);
        else
            exchange(k, m, j->cut, t, p->flags + (t - first) * n, true);
done:
    return st;
}

mms_status mms_flag_chunk_extend(mms_flag_work *w, mms_flag_command *c, const mms_flag_cut *cut,
                                 mms_flag_chunk *k, mms_error *err)
{
    maps m = {0};
    job j = {.w = w, .c = c, .cut = cut, .k = k, .m = &m, .map = extend_map};
    mms_status st;

    if (!k->any && !k->touched) // nothing to extend
        return MMS_OK;
    MMS_TRY(open_maps(w, c, cut, k, &m, err));
    MMS_TRY(run_maps(&j, err));
done:
    close_maps(&m);
    return st;
}

/* ---- antint -----------------------------------------------------------------------------------*/

static bool has_antenna(const mms_flag_work *w, int64_t row, int32_t antenna)
{
    const int32_t a = w->rows.antenna1[row], b = w->rows.antenna2[row];
    return a != b && (a == antenna || b == antenna);
}

/** Part of the channels that are flagged on all baselines of the antenna before the run; rows from
 *  first on have one time.  counts[nchan] is scratch. */
static double flagged_part(const mms_flag_work *w, const mms_flag_command *c,
                           const mms_flag_chunk *k, int64_t first, int64_t end, int64_t *counts)
{
    int64_t full = 0;

    memset(counts, 0, (size_t)k->nchan * sizeof *counts);
    for (int64_t i = first; i < end; i++) {
        if (!mms_flag_bit(c->mask, k->rows[i]) || !has_antenna(w, k->rows[i], c->ref_antenna))
            continue;
        for (int32_t chan = 0; chan < k->nchan; chan++)
            counts[chan] += memchr(k->before + i * k->cell + (int64_t)chan * k->ncorr, 1,
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
