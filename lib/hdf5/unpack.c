/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file unpack.c  Filters of HDF5, undone in bounded memory.
 *  Source: HDF5's H5Zdeflate.c, H5Zshuffle.c, H5Zfletcher32.c; LibLZF's format. */
#include "unpack_priv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lzf_priv.h"

enum { DEFLATE = 1, SHUFFLE = 2, FLETCHER32 = 3, LZF = 32000 };
enum { SUM_BYTES = 4 };

static const char no_memory[] = "out of memory", odd_lzf[] = "LZF stream is damaged",
                  odd_deflate[] = "deflate stream is damaged";

typedef struct buffer {
    unsigned char *data;
    size_t n;
} buffer;

static void replace(buffer *b, unsigned char *data, size_t n)
{
    free(b->data);
    *b = (buffer){data, n};
}

static const char *undo_deflate(buffer *b, size_t room)
{
    z_stream z = {.next_in = b->data, .avail_in = (uInt)b->n, .avail_out = (uInt)room};
    unsigned char *const out = malloc(room);

    if (!out || inflateInit(&z) != Z_OK) {
        free(out);
        return no_memory;
    }
    z.next_out = out;
    const int end = inflate(&z, Z_FINISH);
    const size_t n = room - z.avail_out;
    inflateEnd(&z);
    if (end == Z_STREAM_END) {
        replace(b, out, n);
        return NULL;
    }
    free(out);
    return n == room ? "deflate stream is longer than its chunk" : odd_deflate;
}

static const char *undo_lzf(buffer *b, size_t room)
{
    unsigned char *const out = malloc(room);
    const size_t n = out ? mms_lzf_expand(b->data, b->n, out, room) : 0;

    if (n > 0) {
        replace(b, out, n);
        return NULL;
    }
    free(out);
    return out ? odd_lzf : no_memory;
}

/** First bytes of all elements stand first; what is left over stays at the end. */
static const char *undo_shuffle(buffer *b, size_t size)
{
    const size_t n = size > 0 ? b->n / size : 0;
    unsigned char *const out = malloc(b->n + 1);

    if (!out)
        return no_memory;
    for (size_t k = 0; k < size && n > 0; k++) {
        const unsigned char *const from = b->data + k * n;
        for (size_t i = 0; i < n; i++)
            out[i * size + k] = from[i];
    }
    memcpy(out + n * size, b->data + n * size, b->n - n * size);
    replace(b, out, b->n);
    return NULL;
}

static uint32_t fold(uint32_t sum)
{
    return (sum & 0xffff) + (sum >> 16);
}

/** Of words of two bytes, the first of which is the higher; a last byte alone is one. */
static uint32_t fletcher32(const unsigned char *data, size_t n)
{
    enum { BATCH = 360 }; // words that no sum overflows by
    uint32_t one = 0, two = 0;

    for (size_t at = 0; at < n;) {
        for (int k = 0; k < BATCH && at < n; k++, at += 2) {
            one += (uint32_t)data[at] << 8 | (at + 1 < n ? data[at + 1] : 0U);
            two += one;
        }
        one = fold(one);
        two = fold(two);
    }
    return fold(two) << 16 | fold(one);
}

static const char *undo_fletcher32(buffer *b)
{
    uint32_t sum = 0;

    if (b->n < SUM_BYTES)
        return "checksum is missing";
    b->n -= SUM_BYTES;
    for (int k = SUM_BYTES; k-- > 0;)
        sum = sum << 8 | b->data[b->n + (size_t)k];
    return sum == fletcher32(b->data, b->n) ? NULL : "checksum is wrong";
}

bool mms_unpack_knows(int id)
{
    return id == DEFLATE || id == SHUFFLE || id == FLETCHER32 || id == LZF;
}

static const char *undo(int id, size_t size, buffer *b, size_t room)
{
    switch (id) {
    case DEFLATE:
        return undo_deflate(b, room);
    case LZF:
        return undo_lzf(b, room);
    case SHUFFLE:
        return undo_shuffle(b, size);
    default:
        return undo_fletcher32(b);
    }
}

/** What is wrong with a chunk of another size than its dataset's. */
static const char *tell_size(const mms_filters *f)
{
    for (int i = 0; i < f->n; i++)
        if (f->list[i].id == LZF || f->list[i].id == DEFLATE)
            return f->list[i].id == LZF ? odd_lzf : odd_deflate;
    return "chunk is of another size than its dataset's";
}

const char *mms_unpack(const mms_filters *f, unsigned skipped, size_t whole, unsigned char **data,
                       size_t *bytes)
{
    const size_t room = whole + SUM_BYTES * MMS_UNPACK_FILTERS + 1; // more is too much
    buffer b = {*data, *bytes};
    const char *wrong = b.n > UINT32_MAX || room > UINT32_MAX ? "chunk is too large" : NULL;

    for (int i = f->n; !wrong && i-- > 0;)
        if (!(skipped >> i & 1))
            wrong = undo(f->list[i].id, f->list[i].size, &b, room);
    if (!wrong && b.n != whole)
        wrong = tell_size(f);
    *data = b.data;
    *bytes = b.n;
    return wrong;
}
