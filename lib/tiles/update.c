/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file update.c  Cells changed in tiles that are there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "cube_priv.h"

/** Files are opened for reading; the first change opens one anew, under the descriptor that others
 *  may be reading from. */
static mms_status reopen(const mms_tiles *t, tile_file *f, mms_error *err)
{
    char *const path = tiles_path(t, f->number);
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    mms_status st = path ? MMS_OK : tiles_no_memory(t, err);

    if (path && (fd < 0 || dup3(fd, f->fd, O_CLOEXEC) < 0))
        st = mms_fail_errno(err, errno, "%s", path);
    if (fd >= 0)
        close(fd);
    f->writable = st == MMS_OK;
    free(path);
    return st;
}

static mms_status make_writable(mms_tiles *t, tile_file *f, mms_error *err)
{
    mms_status st;

    pthread_mutex_lock(&t->lock);
    st = f->writable ? MMS_OK : reopen(t, f, err);
    pthread_mutex_unlock(&t->lock);
    return st;
}

/** Keep what the byte at an offset of the file holds before bit first, or from bit end on. */
static mms_status keep_bits(const mms_tiles *t, const cube *c, int64_t at, unsigned mask,
                            uint8_t *byte, mms_error *err)
{
    uint8_t old;
    const mms_status st = mask ? file_read(t, c->file, at, 1, &old, err) : MMS_OK;

    if (st == MMS_OK && mask)
        *byte |= (uint8_t)(old & mask);
    return st;
}

/** Give the ends of n bits, from bit first of bytes on, the bits that are beside them in the file,
 *  where bytes go to offset at.  They are 0. */
static mms_status keep_ends(const mms_tiles *t, const cube *c, int64_t at, int64_t first, int64_t n,
                            uint8_t *bytes, mms_error *err)
{
    const int64_t end = first + n, last = (end - 1) / 8;
    const unsigned before = (1u << first) - 1, behind = end % 8 ? 0xffu << end % 8 & 0xffu : 0;
    mms_status st = keep_bits(t, c, at, last == 0 ? before | behind : before, bytes, err);

    if (st == MMS_OK && last > 0)
        st = keep_bits(t, c, at + last, behind, bytes + last, err);
    return st;
}

/** Write n flags, from bit first of bytes on, whose other bits are 0, to offset at: what other rows
 *  have in the bytes at the ends stays, whoever changes that meanwhile. */
static mms_status write_between(mms_tiles *t, const cube *c, int64_t at, int64_t first, int64_t n,
                                uint8_t *bytes, mms_error *err)
{
    const bool shared = first || (first + n) % 8;
    mms_status st = MMS_OK;

    if (shared) {
        pthread_mutex_lock(&t->lock);
        st = keep_ends(t, c, at, first, n, bytes, err);
    }
    if (st == MMS_OK)
        st = file_write(t, c->file, at, (first + n + 7) / 8, bytes, err);
    if (shared)
        pthread_mutex_unlock(&t->lock);
    return st;
}

/** Change rows of a linear cube, which follow each other in the file. */
static mms_status update_linear(mms_tiles *t, int64_t column, const place *p, const uint8_t *in,
                                mms_error *err)
{
    const pixel *element = t->columns[column].pixel;
    const int64_t n = p->count * p->cube->nvalue, bit = p->position * row_bits(t, p->cube, column);
    const int64_t at = p->cube->at + bit / 8, first = bit % 8;
    const int64_t bytes = (first + n * element->bits + 7) / 8;
    uint8_t *packed;
    mms_status st;

    if (element->bits > 1 && !(t->swap && element->word > 1))
        return file_write(t, p->cube->file, at, bytes, in, err);
    packed = calloc(1, (size_t)bytes);
    if (!packed)
        return tiles_no_memory(t, err);
    pack_pixels(t, element, in, n, packed, first);
    st = element->bits == 1 ? write_between(t, p->cube, at, first, n, packed, err)
                            : file_write(t, p->cube->file, at, bytes, packed, err);
    free(packed);
    return st;
}

/** Change rows that lie in one slab: the same run of bits in each of its tiles. */
static mms_status update_slab(mms_tiles *t, int64_t column, cube *c, int64_t position,
                              int64_t count, const uint8_t *in, mms_error *err)
{
    const pixel *element = t->columns[column].pixel;
    const int64_t bit = position % c->tile_rows * c->tile_values * element->bits;
    const int64_t n = count * c->tile_values * element->bits, first = bit % 8;
    const int64_t bytes = (first + n + 7) / 8;
    const int64_t at = slab_at(t, c, column, position / c->tile_rows) + bit / 8;
    uint8_t *packed = calloc((size_t)c->slab_tiles, (size_t)bytes);
    mms_status st = packed ? MMS_OK : tiles_no_memory(t, err);

    if (st == MMS_OK)
        fill_tiles(t, element, c, in, count, packed, bytes, first / element->bits);
    for (int64_t i = 0; i < c->slab_tiles && st == MMS_OK; i++) {
        const int64_t to = at + i * c->tile_bytes;
        uint8_t *const from = packed + i * bytes;
        st = element->bits == 1 ? write_between(t, c, to, first, n, from, err)
                                : file_write(t, c->file, to, bytes, from, err);
    }
    free(packed);
    return st;
}

static mms_status update_place(mms_tiles *t, int64_t column, const place *p, const uint8_t *in,
                               mms_error *err)
{
    const mms_status st = make_writable(t, p->cube->file, err);

    if (st != MMS_OK)
        return st;
    return is_linear(t, p->cube, column) ? update_linear(t, column, p, in, err)
                                         : put_slabs(t, column, p, in, update_slab, err);
}

mms_status mms_tiles_update(mms_tiles *t, int64_t column, int64_t nrange, const mms_rows *ranges,
                            int64_t nvalue, const void *data, mms_error *err)
{
    return put_places(t, column, nrange, ranges, nvalue, data, update_place, err);
}
