/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file same.c  Compares cells of two managers where they lie, without a copy. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cube_priv.h"

/** Bytes that are mapped at once. */
enum { WINDOW = 8 << 20 };

/** Bytes of a file in memory. */
typedef struct window {
    uint8_t *pages;
    size_t length;
    const uint8_t *bytes; /**< the first that was asked for */
} window;

/** Map bytes of a file that are there; false where that can't be done.  The pages are asked for at
 *  once: what the disk can't give, or what was cut off, is then no signal. */
static bool map_bytes(const tile_file *f, int64_t at, int64_t n, window *w)
{
    const int64_t skip = at % sysconf(_SC_PAGESIZE);

    w->length = (size_t)(skip + n);
    w->pages = mmap(NULL, w->length, PROT_READ, MAP_SHARED, f->fd, (off_t)(at - skip));
    if (w->pages == MAP_FAILED)
        return false;
    w->bytes = w->pages + skip;
    if (madvise(w->pages, w->length, MADV_POPULATE_READ) == 0)
        return true;
    munmap(w->pages, w->length);
    return false;
}

static bool same_bytes(const tile_file *a, int64_t at_a, const tile_file *b, int64_t at_b,
                       int64_t n)
{
    window wa, wb;
    bool same = false;

    if (!map_bytes(a, at_a, n, &wa))
        return false;
    if (map_bytes(b, at_b, n, &wb)) {
        same = !memcmp(wa.bytes, wb.bytes, (size_t)n);
        munmap(wb.pages, wb.length);
    }
    munmap(wa.pages, wa.length);
    return same;
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
        for (int64_t i = 0; i < n_a; i += WINDOW)
            if (!same_bytes(in_a.cube->file, at_a + i, in_b.cube->file, at_b + i,
                            n_a - i < WINDOW ? n_a - i : WINDOW))
                return false;
        done += in_b.count;
    }
    return true;
}
