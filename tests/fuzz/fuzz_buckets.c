/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fuzz_buckets.c  Files of StandardStMan and IncrementalStMan, as strangers may have written
 *  them.
 *
 *  Input: eight bytes that stand for what the table says (number of the type, number of columns,
 *  their two types, byte order, rows in two bytes, bytes of the next part / 4), a part of
 * table.dat, then the manager's file. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buckets/bucket_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { KNOWN = 8, MOST_ROWS = 65536 };

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/** An accepted file gives values, or an error; the ends of its buckets are rows. */
static void read_columns(mms_buckets *b, const mms_buckets_what *what)
{
    static double data[2 * MOST_ROWS];
    const mms_rows all = {0, what->nrow}, last = {what->nrow - 1, 1};
    int64_t sampled[8];

    for (int64_t i = 0; what->nrow > 0 && i < what->ncolumn; i++) {
        demand(mms_buckets_find(b, what->columns[i].name) == i);
        (void)!mms_buckets_read(b, i, 1, &all, data, NULL);
        (void)!mms_buckets_read(b, i, 1, &last, data, NULL);
        for (int64_t k = mms_buckets_samples(b, i, 8, sampled) - 1; k >= 0; k--)
            demand(sampled[k] >= 0 && sampled[k] < what->nrow);
    }
}

/** A file without a name that holds the bytes; -1 where there are none. */
static int hold(const uint8_t *bytes, size_t size)
{
    const int fd = memfd_create("buckets", MFD_CLOEXEC);

    if (fd >= 0)
        demand(write(fd, bytes, size) == (ssize_t)size);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mms_buckets *b;

    if (size < KNOWN || size < KNOWN + (size_t)bytes[7] * 4)
        return 0;
    const mms_buckets_column columns[2] = {{"A", (mms_dtype)(bytes[2] % MMS_DT_STRING), true},
                                           {"B", (mms_dtype)(bytes[3] % MMS_DT_STRING), true}};
    const mms_buckets_what what = {.table = "table",
                                   .type = bytes[0] % 2 ? "IncrementalStMan" : "StandardStMan",
                                   .name = "M",
                                   .nrow = bytes[5] * 256 + bytes[6],
                                   .big_endian = bytes[4] & 1,
                                   .ncolumn = 1 + bytes[1] % 2,
                                   .columns = columns};
    const uint8_t *file = bytes + KNOWN + bytes[7] * 4;
    if (buckets_new(&what, &b, NULL) != MMS_OK)
        return 0;
    b->fd = hold(file, size - (size_t)(file - bytes));
    if (b->fd >= 0 && (b->incremental || standard_places(b, bytes + KNOWN, (size_t)bytes[7] * 4,
                                                         "table.dat", NULL) == MMS_OK)) {
        const mms_status st = b->incremental ? incremental_parse(b, NULL) : standard_parse(b, NULL);
        if (st == MMS_OK)
            read_columns(b, &what);
    }
    mms_buckets_close(&b);
    return 0;
}
