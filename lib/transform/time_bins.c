/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file time_bins.c  Which rows are averaged to one (transform-numerics 5.2).
 *
 * Each baseline of each chunk has its own clock.  Open bins stand in a hash table by baseline and
 * chunk, and in a queue by age: TIME never falls, so those that are due are at its head. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "spectra.h"

enum { NKEY = 8, NCHUNK = 6 /* keys of the chunk come first */, FIRST_BUCKETS = 256 };

struct open_bin {
    int64_t bin;
    double start_s, uvw_m[3];
    int32_t key[NKEY];
    int64_t older, younger; /* slots, -1: none */
    int64_t next_in_bucket; /* slot, -1: none */
};

struct mms_time_bins {
    mms_time_opts opts;
    double longest_s;
    int64_t nrow, count; /* rows seen, bins opened */
    double last_time_s;
    int32_t last_key[NKEY];
    struct open_bin *slots;
    int64_t nslot, slot_capacity;
    int64_t oldest, youngest; /* slots, -1: none */
    int64_t *free_slots, nfree, free_capacity;
    int64_t *buckets, nbucket; /* a power of two of slots, -1: none */
    int64_t nopen;
    mms_time_place *closed;
    int64_t nclosed, closed_capacity;
};

/* ---- keys -------------------------------------------------------------------------------------*/

static void make_key(const mms_time_row *row, unsigned timespan, int32_t key[NKEY])
{
    key[0] = row->observation;
    key[1] = row->array;
    key[2] = timespan & MMS_TIMESPAN_SCAN ? 0 : row->scan;
    key[3] = timespan & MMS_TIMESPAN_STATE ? 0 : row->state;
    key[4] = timespan & MMS_TIMESPAN_FIELD ? 0 : row->field;
    key[5] = row->ddid;
    key[6] = row->antenna1;
    key[7] = row->antenna2;
}

static int compare_chunks(const int32_t a[NKEY], const int32_t b[NKEY])
{
    for (int i = 0; i < NCHUNK; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

int mms_time_row_compare(const mms_time_row *a, const mms_time_row *b, unsigned timespan)
{
    int32_t key_a[NKEY], key_b[NKEY];

    make_key(a, timespan, key_a);
    make_key(b, timespan, key_b);
    const int chunks = compare_chunks(key_a, key_b);
    return chunks ? chunks : (a->time_s > b->time_s) - (a->time_s < b->time_s);
}

/** A bucket of a key (FNV-1a over its words). */
static int64_t bucket_of(const mms_time_bins *bins, const int32_t key[NKEY])
{
    uint64_t hash = 14695981039346656037u;

    for (int i = 0; i < NKEY; i++)
        hash = (hash ^ (uint32_t)key[i]) * 1099511628211u;
    return (int64_t)((hash ^ hash >> 32) & (uint64_t)(bins->nbucket - 1));
}

/* ---- the table of open bins -------------------------------------------------------------------*/

static int64_t find_slot(const mms_time_bins *bins, const int32_t key[NKEY])
{
    int64_t slot = bins->buckets[bucket_of(bins, key)];

    assert(bins->nopen <= bins->nslot);

    while (slot >= 0 && memcmp(bins->slots[slot].key, key, sizeof bins->slots[slot].key) != 0)
        slot = bins->slots[slot].next_in_bucket;
    return slot;
}

static void put_in_bucket(mms_time_bins *bins, int64_t slot)
{
    int64_t *bucket = &bins->buckets[bucket_of(bins, bins->slots[slot].key)];

    bins->slots[slot].next_in_bucket = *bucket;
    *bucket = slot;
}

static void take_from_bucket(mms_time_bins *bins, int64_t slot)
{
    int64_t *link = &bins->buckets[bucket_of(bins, bins->slots[slot].key)];

    assert(slot >= 0 && slot < bins->nslot);
    while (*link != slot)
        link = &bins->slots[*link].next_in_bucket;
    *link = bins->slots[slot].next_in_bucket;
}

static mms_status grow_buckets(mms_time_bins *bins, mms_error *err)
{
    const int64_t n = bins->nbucket ? 2 * bins->nbucket : FIRST_BUCKETS;
    int64_t *buckets = mms_alloc(n, sizeof *buckets);

    if (!buckets)
        return mms_fail(err, MMS_ERR_MEM, "time bins: out of memory");
    for (int64_t i = 0; i < n; i++)
        buckets[i] = -1;
    free(bins->buckets);
    bins->buckets = buckets;
    bins->nbucket = n;
    for (int64_t slot = bins->oldest; slot >= 0; slot = bins->slots[slot].younger)
        put_in_bucket(bins, slot);
    return MMS_OK;
}

/** Make room for one more open bin, also among the free and the closed: closing can't fail. */
static mms_status reserve(mms_time_bins *bins, mms_error *err)
{
    mms_status st = MMS_OK;

    if (bins->nopen >= bins->nbucket)
        MMS_TRY(grow_buckets(bins, err));
    if (bins->nfree)
        goto done;
    MMS_TRY(
        mms_grow(&bins->slots, &bins->slot_capacity, bins->nslot + 1, sizeof *bins->slots, err));
    MMS_TRY(mms_grow(&bins->free_slots, &bins->free_capacity, bins->nslot + 1,
                     sizeof *bins->free_slots, err));
    MMS_TRY(mms_grow(&bins->closed, &bins->closed_capacity, bins->nslot + 1, sizeof *bins->closed,
                     err));
done:
    return st;
}

static void set_older(mms_time_bins *bins, int64_t slot, int64_t older)
{
    *(slot >= 0 ? &bins->slots[slot].older : &bins->youngest) = older;
}

static void set_younger(mms_time_bins *bins, int64_t slot, int64_t younger)
{
    *(slot >= 0 ? &bins->slots[slot].younger : &bins->oldest) = younger;
}

static void close_slot(mms_time_bins *bins, int64_t slot)
{
    const struct open_bin *open = &bins->slots[slot];

    take_from_bucket(bins, slot);
    set_younger(bins, open->older, open->younger);
    set_older(bins, open->younger, open->older);
    assert(bins->nopen > 0 && bins->nclosed < bins->closed_capacity); // reserve() made room
    bins->nopen--;
    bins->closed[bins->nclosed++] = (mms_time_place){open->bin, slot, false};
}

static mms_status open_slot(mms_time_bins *bins, const mms_time_row *row, const int32_t key[NKEY],
                            int64_t *slot, mms_error *err)
{
    const mms_status st = reserve(bins, err);

    if (st != MMS_OK)
        return st;
    *slot = bins->nfree ? bins->free_slots[--bins->nfree] : bins->nslot++;
    struct open_bin *open = &bins->slots[*slot];
    *open = (struct open_bin){.bin = bins->count++, .start_s = row->time_s, .younger = -1};
    memcpy(open->uvw_m, row->uvw_m, sizeof open->uvw_m);
    memcpy(open->key, key, sizeof open->key);
    open->older = bins->youngest;
    set_younger(bins, open->older, *slot);
    bins->youngest = *slot;
    bins->nopen++;
    put_in_bucket(bins, *slot);
    return MMS_OK;
}

/* ---- rows -------------------------------------------------------------------------------------*/

mms_status mms_time_bins_create(const mms_time_opts *opts, mms_time_bins **out, mms_error *err)
{
    mms_time_bins *bins;

    *out = NULL;
    if (!(opts->timebin_s > 0))
        return mms_fail(err, MMS_ERR_ARG, "timebin %g s is not positive", opts->timebin_s);
    bins = mms_alloc(1, sizeof *bins);
    if (!bins)
        return mms_fail(err, MMS_ERR_MEM, "time bins: out of memory");
    bins->opts = *opts;
    bins->longest_s = 0.999 * opts->timebin_s;
    bins->oldest = bins->youngest = -1;
    *out = bins;
    return MMS_OK;
}

void mms_time_bins_free(mms_time_bins **bins)
{
    if (!*bins)
        return;
    free((*bins)->slots);
    free((*bins)->free_slots);
    free((*bins)->buckets);
    free((*bins)->closed);
    free(*bins);
    *bins = NULL;
}

/** Slots of bins closed by the call before this one are free from now on. */
static void forget_closed(mms_time_bins *bins)
{
    for (int64_t i = 0; i < bins->nclosed; i++)
        bins->free_slots[bins->nfree++] = bins->closed[i].slot;
    bins->nclosed = 0;
}

static mms_status check_order(const mms_time_bins *bins, const mms_time_row *row, int chunks,
                              mms_error *err)
{
    if (bins->nrow && bins->opts.order == MMS_BY_CHUNK && chunks > 0)
        return mms_fail(err, MMS_ERR_RANGE,
                        "time bins: row %" PRId64 " (scan %d, DDID %d) is not sorted by chunk",
                        bins->nrow, (int)row->scan, (int)row->ddid);
    const bool new_chunk = bins->opts.order == MMS_BY_CHUNK && chunks < 0;
    if (bins->nrow && !new_chunk && row->time_s < bins->last_time_s)
        return mms_fail(err, MMS_ERR_RANGE,
                        "time bins: TIME falls from %.3f to %.3f s at row %" PRId64,
                        bins->last_time_s, row->time_s, bins->nrow);
    return MMS_OK;
}

static bool is_too_far(const mms_time_bins *bins, const struct open_bin *open,
                       const mms_time_row *row)
{
    const double limit = bins->opts.max_uvw_m;
    double squared = 0;

    for (int i = 0; i < 3; i++)
        squared += (row->uvw_m[i] - open->uvw_m[i]) * (row->uvw_m[i] - open->uvw_m[i]);
    return limit > 0 && squared > limit * limit;
}

/** Close the bins whose clock has run out, for whichever baseline the row is. */
static void close_due(mms_time_bins *bins, double time_s)
{
    while (bins->oldest >= 0 && time_s - bins->slots[bins->oldest].start_s > bins->longest_s)
        close_slot(bins, bins->oldest);
}

static void close_all(mms_time_bins *bins)
{
    while (bins->oldest >= 0)
        close_slot(bins, bins->oldest);
}

mms_status mms_time_bins_add(mms_time_bins *bins, const mms_time_row *row, mms_time_place *place,
                             mms_error *err)
{
    int32_t key[NKEY];
    int64_t slot;
    mms_status st = MMS_OK;

    make_key(row, bins->opts.timespan, key);
    const int chunks = compare_chunks(bins->last_key, key);
    MMS_TRY(check_order(bins, row, chunks, err));
    forget_closed(bins);
    if (bins->opts.order == MMS_BY_CHUNK && chunks < 0)
        close_all(bins);
    close_due(bins, row->time_s);
    slot = bins->nbucket ? find_slot(bins, key) : -1;
    if (slot >= 0 && is_too_far(bins, &bins->slots[slot], row)) {
        close_slot(bins, slot);
        slot = -1;
    }
    place->opened = slot < 0;
    if (place->opened)
        MMS_TRY(open_slot(bins, row, key, &slot, err));
    place->slot = slot;
    place->bin = bins->slots[slot].bin;
    bins->last_time_s = row->time_s;
    memcpy(bins->last_key, key, sizeof key);
    bins->nrow++;
done:
    return st;
}

void mms_time_bins_finish(mms_time_bins *bins)
{
    forget_closed(bins);
    close_all(bins);
    bins->nrow = 0;
}

bool mms_time_bins_oldest(const mms_time_bins *bins, mms_time_place *place)
{
    if (bins->oldest < 0)
        return false;
    *place = (mms_time_place){bins->slots[bins->oldest].bin, bins->oldest, false};
    return true;
}

const mms_time_place *mms_time_bins_closed(const mms_time_bins *bins, int64_t *n)
{
    *n = bins->nclosed;
    return bins->closed;
}

int64_t mms_time_bins_count(const mms_time_bins *bins)
{
    return bins->count;
}

int64_t mms_time_bins_nslot(const mms_time_bins *bins)
{
    return bins->nslot;
}
