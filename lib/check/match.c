/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file match.c  Finds the rows of two row sets that have equal keys, in 16 bytes a row. */
#include "match_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"

enum { KEY_BYTES = 8, DIGITS = 12, SMALL = 32 };
static const uint32_t NO_ROW = UINT32_MAX;

/** Byte level of (key, a), the most significant first. */
static unsigned digit(const mms_row_pair *p, int level)
{
    if (level < KEY_BYTES)
        return (unsigned)(p->key >> (8 * (KEY_BYTES - 1 - level))) & 255u;
    return (p->a >> (8 * (DIGITS - 1 - level))) & 255u;
}

static bool before(const mms_row_pair *p, const mms_row_pair *q)
{
    return p->key != q->key ? p->key < q->key : p->a < q->a;
}

static void insertion_sort(int64_t n, mms_row_pair *pairs)
{
    for (int64_t i = 1; i < n; i++) {
        const mms_row_pair moving = pairs[i];
        int64_t k = i;
        for (; k > 0 && before(&moving, &pairs[k - 1]); k--)
            pairs[k] = pairs[k - 1];
        pairs[k] = moving;
    }
}

/** Radix sort in place (American flag): a merge sort would need as much memory again. */
static void sort_level(int64_t n, mms_row_pair *pairs, int level)
{
    int64_t next[256] = {0}, end[256];

    if (n <= SMALL || level == DIGITS) {
        insertion_sort(level == DIGITS ? 0 : n, pairs);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        next[digit(&pairs[i], level)]++;
    for (int64_t d = 0, first = 0; d < 256; d++) {
        end[d] = first + next[d];
        next[d] = first;
        first = end[d];
    }
    for (int64_t d = 0; d < 256; d++)
        while (next[d] < end[d]) {
            const unsigned to = digit(&pairs[next[d]], level);
            const mms_row_pair moving = pairs[next[d]];
            pairs[next[d]] = pairs[next[to]];
            pairs[next[to]++] = moving;
        }
    for (int64_t d = 0, first = 0; d < 256; first = end[d++])
        sort_level(end[d] - first, pairs + first, level + 1);
}

void mms_sort_pairs(int64_t n, mms_row_pair *pairs)
{
    uint64_t unlike = 0; // bits of the key that are not the same everywhere
    bool sorted = true;
    int level = 0;

    for (int64_t i = 1; i < n; i++) {
        unlike |= pairs[i].key ^ pairs[0].key;
        sorted = sorted && !before(&pairs[i], &pairs[i - 1]);
    }
    while (level < KEY_BYTES && unlike >> (8 * (KEY_BYTES - 1 - level)) == 0)
        level++;
    if (!sorted)
        sort_level(n, pairs, level);
}

/** splitmix64's finalizer */
static uint64_t mix(uint64_t h)
{
    h ^= h >> 30;
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 27;
    h *= 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

/** Integers by value, floating point by its bits as double: equal keys of unlike types agree. */
static void widen(mms_dtype dtype, int64_t n, const void *data, int64_t *out)
{
#define MMS_WIDEN(type)                            \
    for (int64_t i = 0; i < n; i++)                \
        out[i] = (int64_t)((const type *)data)[i]; \
    break
    switch (dtype) {
    case MMS_DT_BOOL:
    case MMS_DT_UCHAR:
        MMS_WIDEN(uint8_t);
    case MMS_DT_SHORT:
        MMS_WIDEN(int16_t);
    case MMS_DT_USHORT:
        MMS_WIDEN(uint16_t);
    case MMS_DT_INT:
        MMS_WIDEN(int32_t);
    case MMS_DT_UINT:
        MMS_WIDEN(uint32_t);
    case MMS_DT_FLOAT:
        for (int64_t i = 0; i < n; i++) {
            const double wide = (double)((const float *)data)[i];
            memcpy(&out[i], &wide, sizeof wide);
        }
        break;
    default: /* 64 bits wide */
        memcpy(out, data, (size_t)n * sizeof *out);
        break;
    }
#undef MMS_WIDEN
}

/** A column that can be a key, or NULL. */
static const mms_column *find_key(const mms_rowset *rows, const char *name)
{
    const mms_column *column = mms_table_find_column(mms_rowset_first(rows), name);

    return column && column->scalar && column->dtype <= MMS_DT_DOUBLE ? column : NULL;
}

mms_status mms_hash_rows(const mms_key_rows *side, mms_keys keys, mms_rows rows, uint64_t *hash,
                         mms_error *err)
{
    const int64_t n = rows.count;
    int64_t *const at = mms_alloc(3 * n, sizeof *at);
    int64_t *const values = at + n, *const raw = at + 2 * n;
    mms_status st = MMS_OK;

    assert(n <= MMS_KEY_CHUNK); // of which the callers have arrays
    if (!at)
        return mms_fail(err, MMS_ERR_MEM, "row keys: out of memory");
    for (int64_t i = 0; i < n; i++) {
        at[i] = rows.first + i;
        hash[i] = 0;
    }
    for (int64_t k = 0; k < keys.n; k++) {
        const mms_column *column = find_key(side->rows, keys.names[k]);
        if (!column)
            continue;
        MMS_TRY(mms_rowset_read(side->rows, column->name, n, at, n, raw, err));
        widen(column->dtype, n, raw, values);
        if (side->map)
            side->map(side->ctx, column->name, n, values);
        for (int64_t i = 0; i < n; i++)
            hash[i] = mix(hash[i] + 0x9e3779b97f4a7c15u + (uint64_t)values[i]);
    }
done:
    free(at);
    return st;
}

/** The rows of a, by key.  bucket[65537] finds those with the upper 16 bits of a key. */
typedef struct index_a {
    mms_row_pair *entries;
    int64_t n, capacity;
    int64_t *bucket;
} index_a;

/** Calls take for each chunk of rows with their keys. */
typedef mms_status take_fn(void *ctx, mms_rows rows, const uint64_t *hash, const uint8_t *keep,
                           mms_error *err);

static mms_status each_chunk(const mms_key_rows *side, mms_keys keys, take_fn *take, void *ctx,
                             mms_error *err)
{
    uint64_t *const hash = mms_alloc(MMS_KEY_CHUNK, sizeof *hash);
    uint8_t *const keep = mms_alloc(MMS_KEY_CHUNK, 1);
    const int64_t nrow = side->rows->nrow;
    mms_status st = MMS_OK;

    MMS_TRY(hash && keep ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "row keys: out of memory"));
    memset(keep, 1, MMS_KEY_CHUNK);
    for (int64_t first = 0; first < nrow; first += MMS_KEY_CHUNK) {
        const int64_t left = nrow - first;
        const mms_rows rows = {first, left < MMS_KEY_CHUNK ? left : MMS_KEY_CHUNK};
        if (side->mask) {
            MMS_TRY(side->mask(side->ctx, rows, keep, err));
            if (!memchr(keep, 1, (size_t)rows.count))
                continue;
        }
        MMS_TRY(mms_hash_rows(side, keys, rows, hash, err));
        MMS_TRY(take(ctx, rows, hash, keep, err));
    }
done:
    free(hash);
    free(keep);
    return st;
}

static mms_status add_entries(void *ctx, mms_rows rows, const uint64_t *hash, const uint8_t *keep,
                              mms_error *err)
{
    index_a *const index = ctx;

    for (int64_t i = 0; i < rows.count; i++) {
        if (!keep[i])
            continue;
        const mms_status st =
            mms_grow(&index->entries, &index->capacity, index->n + 1, sizeof *index->entries, err);
        if (st != MMS_OK)
            return st;
        index->entries[index->n++] = (mms_row_pair){hash[i], (uint32_t)(rows.first + i), NO_ROW};
    }
    return MMS_OK;
}

static void fill_buckets(index_a *index)
{
    int64_t at = 0;

    for (int64_t d = 0; d <= 65536; d++) {
        while (at < index->n && (int64_t)(index->entries[at].key >> 48) < d)
            at++;
        index->bucket[d] = at;
    }
}

/** Return the first free entry with that key, or NULL.  Taken ones stand before free ones. */
static mms_row_pair *find_free(const index_a *index, uint64_t key)
{
    int64_t low = index->bucket[key >> 48];
    const int64_t end = index->bucket[(key >> 48) + 1];
    int64_t high = end;

    while (low < high) {
        const int64_t mid = low + (high - low) / 2;
        const mms_row_pair *const e = &index->entries[mid];
        if (e->key < key || (e->key == key && e->b != NO_ROW))
            low = mid + 1;
        else
            high = mid;
    }
    return low < end && index->entries[low].key == key ? &index->entries[low] : NULL;
}

static void add_lonely(mms_lonely *lonely, int64_t row)
{
    if (lonely->n < MMS_MATCH_SHOW)
        lonely->rows[lonely->n] = row;
    lonely->n++;
}

typedef struct match_b {
    index_a *index;
    mms_match *match;
} match_b;

static mms_status find_partners(void *ctx, mms_rows rows, const uint64_t *hash, const uint8_t *keep,
                                mms_error *err)
{
    const match_b *const m = ctx;

    (void)err;
    for (int64_t i = 0; i < rows.count; i++) {
        if (!keep[i])
            continue;
        mms_row_pair *const found = find_free(m->index, hash[i]);
        m->match->nb++;
        if (found)
            found->b = (uint32_t)(rows.first + i);
        else
            add_lonely(&m->match->only_b, rows.first + i);
    }
    return MMS_OK;
}

/** Keep the entries that have a partner, in the order of a. */
static void collect_pairs(index_a *index, mms_match *match)
{
    match->na = index->n;
    for (int64_t i = 0; i < index->n; i++)
        index->entries[i].key = index->entries[i].a;
    mms_sort_pairs(index->n, index->entries);
    for (int64_t i = 0; i < index->n; i++)
        if (index->entries[i].b == NO_ROW)
            add_lonely(&match->only_a, index->entries[i].a);
        else
            index->entries[match->npair++] = index->entries[i];
    assert(match->npair + match->only_a.n == match->na);
    assert(match->npair + match->only_b.n == match->nb); // no row of b has two partners
    match->pairs = index->entries;
    index->entries = NULL;
}

mms_status mms_match_rows(const mms_key_rows *a, const mms_key_rows *b, mms_keys keys,
                          mms_match *match, mms_error *err)
{
    index_a index = {0};
    match_b both = {&index, match};
    mms_status st;

    *match = (mms_match){0};
    if (a->rows->nrow >= NO_ROW || b->rows->nrow >= NO_ROW)
        return mms_fail(err, MMS_ERR_UNSUPPORTED,
                        "%s: %" PRId64 " rows are too many to be matched by their keys",
                        a->rows->path, a->rows->nrow);
    index.bucket = mms_alloc(65537, sizeof *index.bucket);
    MMS_TRY(index.bucket ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "row keys: out of memory"));
    /* as many as there will be when the sides agree: the index never grows then */
    MMS_TRY(mms_grow(&index.entries, &index.capacity, b->rows->nrow, sizeof *index.entries, err));
    MMS_TRY(each_chunk(a, keys, add_entries, &index, err));
    mms_sort_pairs(index.n, index.entries);
    fill_buckets(&index);
    MMS_TRY(each_chunk(b, keys, find_partners, &both, err));
    collect_pairs(&index, match);
done:
    free(index.entries);
    free(index.bucket);
    return st;
}

void mms_match_free(mms_match *match)
{
    free(match->pairs);
    *match = (mms_match){0};
}
