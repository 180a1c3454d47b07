/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file pixels.c  Elements between tiles and memory. */
#include <string.h>

#include "base/elements_priv.h"
#include "cube_priv.h"

const pixel *pixel_of(mms_dtype dtype)
{
    static const pixel all[] = {
        [MMS_DT_BOOL] = {0, 1, 1, 1},         [MMS_DT_UCHAR] = {2, 1, 8, 1},
        [MMS_DT_SHORT] = {3, 2, 16, 2},       [MMS_DT_USHORT] = {4, 2, 16, 2},
        [MMS_DT_INT] = {5, 4, 32, 4},         [MMS_DT_UINT] = {6, 4, 32, 4},
        [MMS_DT_INT64] = {29, 8, 64, 8},      [MMS_DT_FLOAT] = {7, 4, 32, 4},
        [MMS_DT_DOUBLE] = {8, 8, 64, 8},      [MMS_DT_COMPLEX] = {9, 8, 64, 4},
        [MMS_DT_DCOMPLEX] = {10, 16, 128, 8},
    };
    return dtype <= MMS_DT_DCOMPLEX ? &all[dtype] : NULL;
}

/** At most eight bits from bit first of in on; no byte behind them is read. */
static unsigned few_bits(const uint8_t *in, int64_t first, int64_t n)
{
    const unsigned low = (unsigned)in[first / 8] >> first % 8;
    const unsigned high = first % 8 + n > 8 ? (unsigned)in[first / 8 + 1] << (8 - first % 8) : 0;
    return (low | high) & ((1u << n) - 1);
}

static void or_byte(uint8_t *byte, unsigned bits)
{
    __atomic_fetch_or(byte, (uint8_t)bits, __ATOMIC_RELAXED);
}

void move_bits(const uint8_t *in, int64_t first, int64_t n, uint8_t *bytes, int64_t at)
{
    const int64_t room = -at & 7, head = room < n ? room : n;
    uint8_t *out = bytes + at / 8;
    int64_t i = head;

    if (head)
        or_byte(out++, few_bits(in, first, head) << (at & 7));
    const uint8_t *from = in + (first + i) / 8;
    const int64_t shift = (first + i) % 8;
    if (shift == 0) {
        memcpy(out, from, (size_t)(n - i) / 8);
        out += (n - i) / 8;
        i += (n - i) / 8 * 8;
    }
    for (; shift && i + 64 <= n; i += 64, from += 8, out += 8) {
        uint64_t v;
        memcpy(&v, from, 8);
        v = v >> shift | (uint64_t)from[8] << (64 - shift);
        memcpy(out, &v, 8);
    }
    for (; i + 8 <= n; i += 8)
        *out++ = (uint8_t)few_bits(in, first + i, 8);
    if (i < n)
        or_byte(out, few_bits(in, first + i, n - i));
}

void unpack_pixels(const mms_tiles *t, const pixel *p, const uint8_t *bytes, int64_t first,
                   int64_t n, uint8_t *out)
{
    if (p->bits == 1)
        mms_unpack_bits(bytes, first, n, out);
    else if (t->swap && p->word > 1)
        mms_swap_copy(p->word, bytes + first * p->size, n * p->size, out);
    else if (out != bytes + first * p->size)
        memcpy(out, bytes + first * p->size, (size_t)(n * p->size));
}

void pack_pixels(const mms_tiles *t, const pixel *p, const uint8_t *in, int64_t n, uint8_t *bytes,
                 int64_t first)
{
    if (p->bits == 1)
        mms_pack_bits(in, n, bytes, first);
    else if (t->swap && p->word > 1)
        mms_swap_copy(p->word, in, n * p->size, bytes + first * p->size);
    else
        memcpy(bytes + first * p->size, in, (size_t)(n * p->size));
}
