/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fuzz_tiles_header.c  Headers of tiled storage managers, as strangers may have written
 * them.
 *
 *  Input: eight bytes that stand for what the table says (number of the type, number of columns,
 *  their two types, byte order, sequence number, rows high and low), then the header file. */
#include <stdio.h>
#include <stdlib.h>

#include "tiles/cube_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { KNOWN = 8 };

static const char *const types[] = {"TiledShapeStMan", "TiledColumnStMan", "TiledCellStMan"};

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/** An accepted header gives each row its place in a cube, or none. */
static void check_rows(const mms_tiles *t, const mms_tiles_what *what)
{
    const mms_rows all = {0, what->nrow};
    mms_shape_run *runs;
    int64_t nrun, row = 0, sampled[8];

    demand(mms_tiles_shapes(t, 0, 1, &all, &runs, &nrun, NULL) == MMS_OK);
    for (int64_t i = 0; i < nrun; row += runs[i++].rows.count)
        demand(runs[i].rows.first == row && runs[i].rows.count > 0 && runs[i].ndim >= -1 &&
               runs[i].ndim <= MMS_MAX_DIM);
    demand(row == what->nrow);
    free(runs);
    for (row = 0; row < what->nrow;) {
        const place p = place_of(t, row, what->nrow - row);
        demand(p.count > 0 && p.count <= what->nrow - row);
        demand(!p.cube || (p.position >= 0 && p.count <= p.cube->nrow - p.position));
        row += p.count;
    }
    for (int64_t i = mms_tiles_samples(t, 8, sampled) - 1; i >= 0; i--)
        demand(sampled[i] >= 0 && sampled[i] < what->nrow);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mms_tiles *t;

    if (size < KNOWN)
        return 0;
    const mms_tiles_column columns[2] = {
        {.name = "A", .dtype = (mms_dtype)(bytes[2] % MMS_DT_STRING)},
        {.name = "B", .dtype = (mms_dtype)(bytes[3] % MMS_DT_STRING)}};
    const mms_tiles_what what = {.table = "table",
                                 .type = types[bytes[0] % 3],
                                 .name = "",
                                 .sequence = bytes[5],
                                 .nrow = bytes[6] * 256 + bytes[7],
                                 .big_endian = bytes[4] & 1,
                                 .ncolumn = 1 + bytes[1] % 2,
                                 .columns = columns};
    if (tiles_new(&what, &t, NULL) != MMS_OK)
        return 0;
    if (header_parse(t, bytes + KNOWN, size - KNOWN, "table.f0", NULL) == MMS_OK)
        check_rows(t, &what);
    mms_tiles_drop(&t);
    return 0;
}
