/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file standard.c  StandardStMan: header, map of rows, values. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/elements_priv.h"
#include "bucket_priv.h"

/* ---- the places of the columns ----------------------------------------------------------------*/

/** Read the manager's part of table.dat at p->s; false when it is of another manager. */
static bool take_places(parser *p, int64_t *places[2])
{
    mms_stream *s = &p->s;
    bool fine = mms_stream_magic(s) && mms_stream_object(s, "SSM") == 2 && !s->bad &&
                mms_stream_is(s, p->b->name);

    places[0] = places[1] = NULL;
    for (int i = 0; fine && i < 2; i++) {
        const size_t at = s->at;
        (void)mms_stream_object(s, "Block");
        fine = (int64_t)mms_stream_number(s, 4) == p->b->ncolumn && !s->bad;
        s->at = at;
        fine = fine && parse_block(p, p->b->ncolumn, 4, &places[i], NULL) == MMS_OK;
    }
    if (!fine) {
        free(places[0]);
        free(places[1]);
    }
    return fine;
}

/** Keep offsets and maps of the columns; false when others were found before. */
static bool keep_places(mms_buckets *b, int64_t *places[2], bool again)
{
    bool same = true;

    for (int64_t i = 0; i < b->ncolumn; i++) {
        bucket_column *c = &b->columns[i];
        same = same && (!again || (c->offset == places[0][i] && c->map == places[1][i]));
        c->offset = places[0][i];
        c->map = places[1][i];
    }
    free(places[0]);
    free(places[1]);
    return same;
}

mms_status standard_places(mms_buckets *b, const uint8_t *bytes, size_t size, const char *path,
                           mms_error *err)
{
    static const uint8_t magic[] = {0xbe, 0xbe, 0xbe, 0xbe};
    parser p = {.b = b, .path = path};
    const uint8_t *at = bytes, *end = bytes + size;
    int64_t *places[2];
    bool found = false;

    for (; (at = memmem(at, (size_t)(end - at), magic, sizeof magic)); at++) {
        p.s = (mms_stream){.bytes = bytes, .size = size, .at = (size_t)(at - bytes)};
        if (!take_places(&p, places))
            continue;
        if (!keep_places(b, places, found))
            return unknown(&p, "two managers of one name", err);
        found = true;
    }
    return found ? MMS_OK : unknown(&p, "the places of its columns", err);
}

/* ---- the file ---------------------------------------------------------------------------------*/

/** What the header says of the map of rows. */
typedef struct index_head {
    int64_t nbucket, first, offset; /**< offset: where it begins in its only bucket, or 0 */
    int64_t bytes, nmap;
} index_head;

static mms_status parse_header(parser *p, index_head *head, mms_error *err)
{
    mms_stream *s = &p->s;
    mms_buckets *b = p->b;

    if (!mms_stream_magic(s))
        return broken(p, "it does not begin as casacore's files do", err);
    const uint64_t version = mms_stream_object(s, "StandardStMan");
    if (s->bad)
        return broken(p, "it is of another storage manager, or byte order", err);
    if (version < 1 || version > 3)
        return unknown(p, "a version that is not known", err);
    const bool big = version < 3 || mms_stream_number(s, 1) != 0;
    if (big != b->big_endian)
        return broken(p, "its byte order is not the table's", err);
    b->bucket_bytes = (int64_t)mms_stream_number(s, 4);
    b->nbucket = (int64_t)mms_stream_number(s, 4);
    (void)mms_stream_number(s, 4); // size of casacore's cache
    (void)mms_stream_number(s, 8); // free buckets
    head->nbucket = (int64_t)mms_stream_number(s, 4);
    head->first = (int64_t)mms_stream_number(s, 4);
    head->offset = version < 2 ? 0 : (int64_t)mms_stream_number(s, 4);
    (void)mms_stream_number(s, 4); // last bucket of texts
    head->bytes = (int64_t)mms_stream_number(s, 4);
    head->nmap = (int64_t)mms_stream_number(s, 4);
    return check_size(p, err);
}

/** Copy what a chain of buckets holds; each has the number of the next at 4. */
static mms_status follow_chain(const parser *p, const index_head *head, uint8_t *bucket,
                               uint8_t *bytes, mms_error *err)
{
    enum { CHAIN = 8 };
    const mms_buckets *b = p->b;
    const int64_t room = b->bucket_bytes - CHAIN;
    int64_t next = head->first, left = head->bytes;

    for (int64_t i = 0; i < head->nbucket && left > 0; i++) {
        const int64_t n = left < room ? left : room;
        if (next >= b->nbucket)
            return broken(p, "buckets of its row map", err);
        const mms_status st = bucket_read_file(b, bucket_at(b, next), CHAIN + n, bucket, err);
        if (st != MMS_OK)
            return st;
        mms_stream s = {.bytes = bucket, .size = CHAIN, .at = 4}; // big-endian in all tables
        next = (int64_t)mms_stream_number(&s, 4);
        memcpy(bytes, bucket + CHAIN, (size_t)n);
        bytes += n;
        left -= n;
    }
    return left > 0 ? broken(p, "size of its row map", err) : MMS_OK;
}

/** The bytes of the map of rows: in a part of one bucket, or in some. */
static mms_status gather_index(const parser *p, const index_head *head, uint8_t *bytes,
                               mms_error *err)
{
    const mms_buckets *b = p->b;
    mms_status st;

    if (head->offset > 0) {
        if (head->nbucket != 1 || head->offset > b->bucket_bytes - head->bytes ||
            head->first >= b->nbucket)
            return broken(p, "place of its row map", err);
        return bucket_read_file(b, bucket_at(b, head->first) + head->offset, head->bytes, bytes,
                                err);
    }
    uint8_t *bucket = malloc((size_t)b->bucket_bytes);
    st = bucket ? follow_chain(p, head, bucket, bytes, err)
                : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", p->path);
    free(bucket);
    return st;
}

/** Turn the last rows of the buckets into first ones. */
static mms_status set_first(const parser *p, row_map *map, mms_error *err)
{
    int64_t first = 0;

    if (p->b->nrow != (map->n ? map->first[map->n - 1] + 1 : 0))
        return broken(p, "its rows are not the table's", err);
    for (int64_t i = 0; i < map->n; i++) {
        const int64_t last = map->first[i];
        map->first[i] = first;
        first = last + 1;
    }
    return check_map(p, map, err);
}

static mms_status parse_map(parser *p, row_map *map, mms_error *err)
{
    mms_stream *s = &p->s;
    mms_status st;

    if (!mms_stream_magic(s))
        return broken(p, "a row map", err);
    const uint64_t version = mms_stream_object(s, "SSMIndex");
    if (s->bad)
        return broken(p, "a row map", err);
    if (version < 1 || version > 2)
        return unknown(p, "a version of its row maps that is not known", err);
    map->n = (int64_t)mms_stream_number(s, 4);
    map->bucket_rows = (int64_t)mms_stream_number(s, 4);
    (void)mms_stream_number(s, 4); // number of columns
    (void)mms_stream_skip(s);      // free space
    if (s->bad || map->bucket_rows < 1)
        return broken(p, "a row map", err);
    MMS_TRY(parse_block(p, map->n, version == 1 ? 4 : 8, &map->first, err));
    MMS_TRY(parse_block(p, map->n, 4, &map->bucket, err));
    MMS_TRY(set_first(p, map, err));
done:
    return st;
}

/** A bucket has room for the values of its columns. */
static mms_status check_places(const parser *p, mms_error *err)
{
    const mms_buckets *b = p->b;

    for (int64_t i = 0; i < b->ncolumn; i++) {
        const bucket_column *c = &b->columns[i];
        if (!c->usable)
            continue;
        if (c->map >= b->nmap)
            return broken(p, "row map of a column", err);
        const int64_t rows = b->maps[c->map].bucket_rows;
        const int64_t bytes = c->bits ? (rows + 7) / 8 : rows * c->size;
        if (c->offset > b->bucket_bytes - bytes)
            return broken(p, "place of a column", err);
    }
    return MMS_OK;
}

static mms_status parse_maps(parser *p, const index_head *head, mms_error *err)
{
    enum { LEAST_MAP = 64 };
    mms_buckets *b = p->b;

    if (head->nmap < 1 || head->nmap > head->bytes / LEAST_MAP)
        return broken(p, "number of its row maps", err);
    b->maps = mms_alloc(head->nmap, sizeof *b->maps);
    if (!b->maps)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", p->path);
    while (b->nmap < head->nmap) {
        const mms_status st = parse_map(p, &b->maps[b->nmap++], err);
        if (st != MMS_OK)
            return st;
    }
    return check_places(p, err);
}

mms_status standard_parse(mms_buckets *b, mms_error *err)
{
    uint8_t start[BUCKETS_AT], *index = NULL;
    parser p = {.b = b, .path = b->path};
    index_head head = {0};
    mms_status st;

    MMS_TRY(bucket_read_file(b, 0, sizeof start, start, err));
    p.s = (mms_stream){.bytes = start, .size = sizeof start, .little = !b->big_endian};
    MMS_TRY(parse_header(&p, &head, err));
    if (head.bytes > MOST_INDEX || head.nbucket > b->nbucket)
        MMS_TRY(broken(&p, "size of its row map", err));
    index = malloc((size_t)head.bytes + 1);
    if (!index)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", b->path));
    MMS_TRY(gather_index(&p, &head, index, err));
    p.s = (mms_stream){.bytes = index, .size = (size_t)head.bytes, .little = !b->big_endian};
    MMS_TRY(parse_maps(&p, &head, err));
done:
    free(index);
    return st;
}

/* ---- values -----------------------------------------------------------------------------------*/

/** Runs of values that lie closer than this are read at once; less than malloc() maps. */
enum { GAP = 4096, AT_ONCE = 64 << 10 };

/** Values of one bucket that were asked for and are not read. */
typedef struct values {
    int64_t at, bit, count; /**< byte of the first one, its bit there, and their number */
} values;

typedef struct reading {
    const mms_buckets *b;
    const bucket_column *c;
    uint8_t *out; /**< where the next value goes */
    uint8_t *scratch;
    int64_t capacity;
    int64_t first, end; /**< bytes of the file that are waiting */
    int64_t nwaiting, waiting_capacity;
    values *waiting;
} reading;

static int64_t value_bytes(const reading *r, const values *v)
{
    return r->c->bits ? (v->bit + v->count + 7) / 8 : v->count * r->c->size;
}

static void take_values(const reading *r, const values *v, const uint8_t *bytes)
{
    if (r->c->bits)
        mms_unpack_bits(bytes, v->bit, v->count, r->out);
    else if (r->b->swap && r->c->word > 1)
        mms_swap_copy(r->c->word, bytes, v->count * r->c->size, r->out);
    else
        memcpy(r->out, bytes, (size_t)(v->count * r->c->size));
}

static mms_status flush(reading *r, mms_error *err)
{
    mms_status st = MMS_OK;

    if (r->nwaiting == 0)
        return MMS_OK;
    MMS_TRY(mms_grow(&r->scratch, &r->capacity, r->end - r->first, 1, err));
    MMS_TRY(bucket_read_file(r->b, r->first, r->end - r->first, r->scratch, err));
    for (int64_t i = 0; i < r->nwaiting; i++) {
        take_values(r, &r->waiting[i], r->scratch + (r->waiting[i].at - r->first));
        r->out += r->waiting[i].count * r->c->size;
    }
    r->nwaiting = 0;
done:
    return st;
}

/** Take count rows of a bucket: they are read with those that follow closely. */
static mms_status take_rows(reading *r, int64_t bucket, int64_t row, int64_t count, mms_error *err)
{
    const int64_t at = bucket_at(r->b, bucket) + r->c->offset;
    const values v = {r->c->bits ? at + row / 8 : at + row * r->c->size, row % 8, count};
    const int64_t end = v.at + value_bytes(r, &v);
    mms_status st;

    if (r->nwaiting && (v.at < r->end - 1 || v.at - r->end > GAP || end - r->first > AT_ONCE))
        MMS_TRY(flush(r, err));
    MMS_TRY(mms_grow(&r->waiting, &r->waiting_capacity, r->nwaiting + 1, sizeof v, err));
    if (r->nwaiting == 0)
        r->first = v.at;
    r->end = end;
    r->waiting[r->nwaiting++] = v;
done:
    return st;
}

mms_status standard_read(const mms_buckets *b, const bucket_column *c, int64_t nrange,
                         const mms_rows *ranges, uint8_t *out, mms_error *err)
{
    const row_map *map = &b->maps[c->map];
    reading r = {.b = b, .c = c, .out = out};
    int64_t entry = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < nrange; i++) {
        const int64_t end = ranges[i].first + ranges[i].count;
        for (int64_t row = ranges[i].first; row < end;) {
            entry = map_find(b, map, row, entry);
            const int64_t stop = map_end(b, map, entry) < end ? map_end(b, map, entry) : end;
            MMS_TRY(take_rows(&r, map->bucket[entry], row - map->first[entry], stop - row, err));
            row = stop;
        }
    }
    MMS_TRY(flush(&r, err));
done:
    free(r.scratch);
    free(r.waiting);
    return st;
}
