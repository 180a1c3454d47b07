/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file share.c  Where rows of an output lie so that its file can share blocks with the input's.
 *
 *  A file system shares whole blocks, so a run of rows must begin at the same place in a block in
 *  both files.  The first run of a cube gets it by the place where the cube begins in its file;
 *  others by rows before them that no row of the table uses, gaps, while these stay few. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "cube_priv.h"

/** Of the bytes of rows one part in SHARE_COST may be gaps. */
enum { SHARE_COST = 50 };

/** Rows that are left free before a row of the output. */
typedef struct gap {
    int64_t row, count;
} gap;

struct shared_cube {
    cube shape; /**< cell and tile: the input's */
    const pixel *pixel;
    bool swap, linear, able;
    int64_t row_bytes;    /**< about, where tiles cut cells */
    int64_t unit, period; /**< rows that stay together, and rows after which blocks repeat */
    int64_t unit_bytes;
    int64_t origin; /**< row of the input's cube that the first place of the output's stands for */
    int64_t at;     /**< where the output's tiles begin in its file */
    int64_t nrow;   /**< places that are taken, or left free */
    int64_t credit; /**< bytes that gaps may still cost */
    struct shared_cube *next;
};

struct mms_tiles_share {
    int64_t block;
    bool gaps; /**< the output's rows may be anywhere */
    bool given_up;
    shared_cube *cubes;
    int64_t ngap, capacity, used; /**< used: gaps whose rows were defined */
    gap *list;
    int64_t bytes;
};

bool mms_tiles_has_gaps(const mms_tiles *t)
{
    return t->by_span;
}

mms_status mms_tiles_share_create(int64_t block, bool gaps, mms_tiles_share **out, mms_error *err)
{
    mms_tiles_share *s = *out = calloc(1, sizeof *s);

    if (!s)
        return mms_fail(err, MMS_ERR_MEM, "shared blocks: out of memory");
    s->block = block;
    s->gaps = gaps;
    return MMS_OK;
}

void mms_tiles_share_free(mms_tiles_share **share)
{
    mms_tiles_share *s = *share;

    *share = NULL;
    while (s && s->cubes) {
        shared_cube *c = s->cubes;
        s->cubes = c->next;
        free(c);
    }
    if (s)
        free(s->list);
    free(s);
}

int64_t mms_tiles_share_bytes(const mms_tiles_share *s)
{
    return s && !s->given_up ? s->bytes : 0;
}

void mms_tiles_share_give_up(mms_tiles_share *s)
{
    s->given_up = true;
}

static int64_t gcd(int64_t a, int64_t b)
{
    return b ? gcd(b, a % b) : a;
}

static shared_cube *find_shape(const mms_tiles_share *s, const cube *c)
{
    shared_cube *sc = s->cubes;

    while (sc &&
           (sc->shape.ndim != c->ndim || memcmp(sc->shape.cell, c->cell, sizeof c->cell) != 0))
        sc = sc->next;
    return sc;
}

/** Whether rows of both cubes are the same bytes in the same order. */
static bool same_layout(const shared_cube *sc, const mms_tiles *t, const cube *c)
{
    const pixel *p = t->columns[0].pixel;
    const bool linear = is_linear(t, c, 0);

    return t->ncolumn == 1 && p == sc->pixel && (p->word == 1 || t->swap == sc->swap) &&
           linear == sc->linear &&
           (linear || (c->tile_rows == sc->shape.tile_rows &&
                       !memcmp(c->tile, sc->shape.tile, sizeof c->tile)));
}

static shared_cube *new_cube(mms_tiles_share *s, const mms_tiles *in, const cube *c)
{
    shared_cube *sc = calloc(1, sizeof *sc);

    if (!sc)
        return NULL;
    sc->shape = *c;
    sc->pixel = in->columns[0].pixel;
    sc->swap = in->swap;
    sc->linear = is_linear(in, c, 0);
    sc->able = in->ncolumn == 1 && (!sc->linear || has_byte_rows(in, c, 0));
    sc->unit = sc->linear ? 1 : c->tile_rows;
    sc->unit_bytes = sc->linear ? row_bits(in, c, 0) / 8 : c->slab_tiles * c->tile_bytes;
    if (sc->able)
        sc->period = sc->unit * (s->block / gcd(s->block, sc->unit_bytes));
    sc->row_bytes = sc->unit_bytes / sc->unit + 1;
    sc->next = s->cubes;
    return s->cubes = sc;
}

/** Whole blocks of rows of the input from a place on; of tiles, those in whole ones. */
static int64_t whole_blocks(const mms_tiles_share *s, const shared_cube *sc, const place *p)
{
    const int64_t first = (p->position + sc->unit - 1) / sc->unit;
    const int64_t end = (p->position + p->count) / sc->unit;
    const int64_t at = p->cube->at + first * sc->unit_bytes, n = (end - first) * sc->unit_bytes;
    const int64_t start = (at + s->block - 1) / s->block * s->block;
    const int64_t bytes = n > 0 ? (at + n) / s->block * s->block - start : 0;

    return bytes >= SHARE_BLOCKS * s->block ? bytes : 0;
}

/** Rows to leave free before the first run of a cube, or -1; decides where its tiles begin. */
static int64_t begin_cube(const mms_tiles_share *s, shared_cube *sc, const place *p)
{
    const int64_t lead = p->position % sc->unit;
    const bool pays = lead == 0 || (s->gaps && lead * sc->row_bytes <= sc->credit);

    if (!pays)
        return -1;
    sc->origin = p->position - lead;
    sc->at = (p->cube->at + sc->origin / sc->unit * sc->unit_bytes) % s->block;
    return lead;
}

/** Rows to leave free before a run; -1: it would not come to lie as in the input. */
static int64_t gap_before(const mms_tiles_share *s, const shared_cube *sc, const place *p)
{
    const int64_t at = sc->origin + sc->nrow;
    int64_t n = (p->position - at) % sc->period;

    n += n < 0 ? sc->period : 0;
    if (n && !s->gaps)
        return -1;
    return n * sc->row_bytes <= sc->credit ? n : -1;
}

static mms_status add_gap(mms_tiles_share *s, int64_t row, int64_t count, mms_error *err)
{
    const mms_status st = mms_grow(&s->list, &s->capacity, s->ngap + 1, sizeof *s->list, err);

    if (st == MMS_OK)
        s->list[s->ngap++] = (gap){row, count};
    return st;
}

/** Plan a run of rows of one cube. */
static mms_status add_place(mms_tiles_share *s, const mms_tiles *in, const place *p, int64_t row,
                            mms_error *err)
{
    shared_cube *sc = find_shape(s, p->cube);
    mms_status st = MMS_OK;

    if (!sc && !(sc = new_cube(s, in, p->cube)))
        return mms_fail(err, MMS_ERR_MEM, "shared blocks: out of memory");
    const bool same = same_layout(sc, in, p->cube) && (p->cube->at - sc->shape.at) % s->block == 0;
    const int64_t bytes = sc->able && same ? whole_blocks(s, sc, p) : 0;
    sc->credit += p->count * sc->row_bytes / SHARE_COST;
    const int64_t n = !bytes ? -1 : sc->nrow ? gap_before(s, sc, p) : begin_cube(s, sc, p);
    if (n >= 0)
        s->bytes += bytes;
    if (n > 0) {
        sc->credit -= n * sc->row_bytes;
        st = add_gap(s, row, n, err);
    }
    sc->nrow += (n > 0 ? n : 0) + p->count;
    return st;
}

mms_status mms_tiles_share_add(mms_tiles_share *s, const mms_tiles *in, mms_rows rows,
                               int64_t first, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t done = 0; st == MMS_OK && done < rows.count && !s->given_up;) {
        const place p = place_of(in, rows.first + done, rows.count - done);
        if (p.cube)
            st = add_place(s, in, &p, first + done, err);
        done += p.count;
    }
    return st;
}

mms_status mms_tiles_use_share(mms_tiles *t, mms_tiles_share **share, mms_error *err)
{
    mms_tiles_share_free(&t->plan);
    if (!(*share)->given_up)
        t->plan = *share;
    else
        mms_tiles_share_free(share);
    *share = NULL;
    return !t->by_span && t->ncube // the one cube is there from the start
               ? share_extent(t, t->cubes[0], share_begin(t, t->cubes[0]), err)
               : MMS_OK;
}

int64_t share_begin(const mms_tiles *t, cube *c)
{
    shared_cube *sc = t->plan ? find_shape(t->plan, c) : NULL;

    if (sc && !same_layout(sc, t, c))
        sc->able = false;
    c->at = sc && sc->able ? sc->at : 0;
    return sc && sc->able ? sc->nrow : 0;
}

int64_t share_gap(mms_tiles *t, const cube *c, mms_rows *rows)
{
    mms_tiles_share *const s = t->plan;
    int64_t n = 0;

    if (!s)
        return 0;
    const shared_cube *sc = find_shape(s, c);
    if (s->used < s->ngap && s->list[s->used].row == rows->first)
        n = s->list[s->used++].count;
    if (s->used < s->ngap && s->list[s->used].row < rows->first + rows->count)
        rows->count = s->list[s->used].row - rows->first;
    return sc && sc->able ? n : 0;
}

mms_status share_extent(const mms_tiles *t, const cube *c, int64_t rows, mms_error *err)
{
    return rows ? file_extend(t, c->file, cube_end(c, rows), err) : MMS_OK;
}
