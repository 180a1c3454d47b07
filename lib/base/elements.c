/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file elements.c  Elements between casacore's files and memory. */
#include "elements_priv.h"

#include <string.h>

void mms_swap_copy(int32_t word, const uint8_t *from, int64_t bytes, uint8_t *to)
{
    if (word == 2)
        for (int64_t i = 0; i < bytes; i += 2) {
            uint16_t v;
            memcpy(&v, from + i, 2);
            v = __builtin_bswap16(v);
            memcpy(to + i, &v, 2);
        }
    else if (word == 4)
        for (int64_t i = 0; i < bytes; i += 4) {
            uint32_t v;
            memcpy(&v, from + i, 4);
            v = __builtin_bswap32(v);
            memcpy(to + i, &v, 4);
        }
    else
        for (int64_t i = 0; i < bytes; i += 8) {
            uint64_t v;
            memcpy(&v, from + i, 8);
            v = __builtin_bswap64(v);
            memcpy(to + i, &v, 8);
        }
}

/** One bit of each byte of 0 and 1, the first byte's lowest. */
static uint8_t pack8(const uint8_t *in)
{
    uint64_t v;
    memcpy(&v, in, 8);
    return (uint8_t)((v & 0x0101010101010101u) * 0x0102040810204080u >> 56);
}

static void unpack8(uint8_t bits, uint8_t *out)
{
    const uint64_t v =
        ((bits & 0x7fu) * 0x02040810204081u & 0x0101010101010101u) | (uint64_t)(bits >> 7) << 56;
    memcpy(out, &v, 8);
}

static void unpack_few(unsigned bits, int64_t n, uint8_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = bits >> i & 1;
}

void mms_unpack_bits(const uint8_t *bytes, int64_t first, int64_t n, uint8_t *out)
{
    const int64_t room = -first & 7, head = room < n ? room : n;
    const uint8_t *in = bytes + first / 8;
    int64_t i = head;

    if (head)
        unpack_few((unsigned)*in++ >> first % 8, head, out);
    for (; i + 8 <= n; i += 8)
        unpack8(*in++, out + i);
    if (i < n)
        unpack_few(*in, n - i, out + i);
}

/** Add fewer than eight flags to a byte, from its bit shift on. */
static void add_bits(const uint8_t *in, int64_t n, uint8_t *byte, int64_t shift)
{
    unsigned bits = 0;

    for (int64_t i = 0; i < n; i++)
        bits |= (in[i] & 1u) << (shift + i);
    *byte = (uint8_t)(*byte | bits);
}

void mms_pack_bits(const uint8_t *in, int64_t n, uint8_t *bytes, int64_t first)
{
    const int64_t room = -first & 7, head = room < n ? room : n;
    uint8_t *out = bytes + first / 8;

    if (head)
        add_bits(in, head, out++, first & 7);
    int64_t i = head;
    for (; i + 8 <= n; i += 8)
        *out++ = pack8(in + i);
    if (i < n)
        add_bits(in + i, n - i, out, 0);
}
