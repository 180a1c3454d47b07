/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file same.c  Compares cells of two managers by the bytes of their files. */
#include <string.h>

#include "base/files_priv.h"
#include "cube_priv.h"

/** Bytes of each side that are read at once: both stay in the processor's cache. */
enum { WINDOW = 64 << 10 };

/** Compare n bytes; false, too, where they can't be read: another way reads them again, and says
 *  why.  They are not mapped: what another program cuts off meanwhile would be a signal. */
static bool same_bytes(const tile_file *a, int64_t at_a, const tile_file *b, int64_t at_b,
                       int64_t n)
{
    uint8_t in_a[WINDOW], in_b[WINDOW];

    for (int64_t done = 0; done < n; done += WINDOW) {
        const int64_t some = n - done < WINDOW ? n - done : WINDOW;
        if (mms_pread_all(a->fd, in_a, some, at_a + done) != some ||
            mms_pread_all(b->fd, in_b, some, at_b + done) != some ||
            memcmp(in_a, in_b, (size_t)some))
            return false;
    }
    return true;
}

/** Where a place lies in its file; false when it is not one run of whole bytes. */
static bool run_of(const mms_tiles *t, int64_t column, const place *p, int64_t *at, int64_t *n)
{
    if (!p->cube || !p->cube->file || !is_linear(t, p->cube, column))
        return false;
    const int64_t row = row_bits(t, p->cube, column);
    *at = p->cube->at + p->position * row / 8;
    *n = p->count * row / 8;
    return p->position * row % 8 == 0 && p->count * row % 8 == 0;
}

bool mms_tiles_same(const mms_tiles *a, int64_t column_a, mms_rows rows, const mms_tiles *b,
                    int64_t column_b, int64_t first_b)
{
    const pixel *const pa = a->columns[column_a].pixel, *const pb = b->columns[column_b].pixel;

    if (pa != pb || (a->swap != b->swap && pa->word > 1))
        return false;
    for (int64_t done = 0; done < rows.count;) {
        int64_t at_a, at_b, n_a, n_b;
        place in_a = place_of(a, rows.first + done, rows.count - done);
        place in_b = place_of(b, first_b + done, in_a.count);
        in_a.count = in_b.count;
        if (!run_of(a, column_a, &in_a, &at_a, &n_a) || !run_of(b, column_b, &in_b, &at_b, &n_b) ||
            in_a.cube->nvalue != in_b.cube->nvalue)
            return false;
        if (!same_bytes(in_a.cube->file, at_a, in_b.cube->file, at_b, n_a))
            return false;
        done += in_b.count;
    }
    return true;
}
