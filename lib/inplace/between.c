/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file between.c  Flags between two passes over the rows of a chunk. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/elements_priv.h"
#include "flag_priv.h"

struct mms_flag_between {
    int64_t nrow, bytes; /**< bytes: of a row */
    int64_t *rows;       /**< [nrow]: ascending */
    uint8_t *bits;       /**< [nrow][bytes] */
};

static int by_place(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

mms_status mms_flag_between_open(int64_t nrow, const int64_t *rows, int64_t cell,
                                 mms_flag_between **out, mms_error *err)
{
    mms_flag_between *b = *out = mms_alloc(1, sizeof *b);

    if (!b)
        return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
    b->nrow = nrow;
    b->bytes = (cell + 7) / 8;
    b->rows = mms_alloc(nrow, sizeof *b->rows);
    b->bits = mms_spill_alloc(nrow, (size_t)b->bytes);
    if (!b->rows || !b->bits)
        return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
    memcpy(b->rows, rows, (size_t)nrow * sizeof *rows);
    qsort(b->rows, (size_t)nrow, sizeof *b->rows, by_place);
    return MMS_OK;
}

void mms_flag_between_close(mms_flag_between **between)
{
    mms_flag_between *b = *between;

    *between = NULL;
    if (!b)
        return;
    free(b->rows);
    mms_spill_free(b->bits);
    free(b);
}

static uint8_t *bits_of(const mms_flag_between *b, int64_t row)
{
    const int64_t *at = bsearch(&row, b->rows, (size_t)b->nrow, sizeof *b->rows, by_place);

    assert(at);
    return b->bits + (at - b->rows) * b->bytes;
}

void mms_flag_between_put(mms_flag_between *b, const mms_flag_chunk *k)
{
    for (int64_t i = 0; i < k->nrow; i++) {
        uint8_t *bits = bits_of(b, k->rows[i]);
        memset(bits, 0, (size_t)b->bytes);
        mms_pack_bits(k->flag + i * k->cell, k->cell, bits, 0);
    }
    mms_spill_rest(b->bits);
}

void mms_flag_between_take(const mms_flag_between *b, mms_flag_chunk *k)
{
    for (int64_t i = 0; i < k->nrow; i++)
        mms_unpack_bits(bits_of(b, k->rows[i]), 0, k->cell, k->flag + i * k->cell);
}
