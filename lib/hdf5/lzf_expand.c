/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file lzf_expand.c  A stream of LZF, expanded; knows nothing of HDF5.
 *  Source: LibLZF's format; the UVH5 files of public archives. */
#include "lzf_priv.h"

size_t mms_lzf_expand(const unsigned char *in, size_t n, unsigned char *out, size_t room)
{
    size_t i = 0, o = 0;

    while (i < n) {
        size_t length = in[i++];
        if (length < 32) { // literals
            length++;
            if (length > n - i || length > room - o)
                return 0;
            while (length--)
                out[o++] = in[i++];
            continue;
        }
        size_t back = (length & 31) << 8;
        length >>= 5;
        if (length == 7 && i < n)
            length += in[i++];
        if (i >= n)
            return 0;
        back += (size_t)in[i++] + 1;
        length += 2;
        if (back > o || length > room - o)
            return 0;
        for (; length--; o++)
            out[o] = out[o - back];
    }
    return o;
}
