/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fuzz_uvh5_header.c  UVH5 files, as strangers may have written them.
 *
 *  Input: the file.  A header that is accepted has ids, counts and places that rows may use; values
 *  are read or refused, whatever stands in their chunks and their index. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "multims/log.h"
#include "uvh5/cubes_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_header(const mms_uvh5_in *in)
{
    int64_t channels = 0;

    demand(in->nblt > 0 && in->nfreq > 0 && in->npol > 0 && in->npol <= MMS_UVH5_MAX_POL);
    for (int64_t w = 0; w < in->nspw; w++) {
        demand(in->spans[w].first >= 0 && in->spans[w].first + in->spans[w].count <= in->nfreq);
        channels += in->spans[w].count;
    }
    demand(channels == in->nfreq);
    for (int64_t i = 0; i < in->nblt; i++) {
        demand(in->ant1[i] >= 0 && in->ant1[i] < in->nrow_ant);
        demand(in->ant2[i] >= 0 && in->ant2[i] < in->nrow_ant);
        demand(in->field[i] >= 0 && in->field[i] < in->nfield);
    }
    for (int64_t i = 0; i < in->nant; i++)
        demand(in->number[i] >= 0 && in->number[i] < in->nrow_ant);
}

/** Values of the first baseline-times, all channels and then a window. */
static void read_values(mms_uvh5_in *in)
{
    enum { MOST = 1 << 18 };
    const int64_t cell = in->nfreq * in->npol, n = in->nblt < 16 ? in->nblt : 16;
    const int64_t values = n * cell;
    mms_uvh5_cubes *cubes = NULL;

    if (cell > MOST || values > MOST || in->nspw * n > MOST)
        return;
    mms_uvh5_slab s = {.n = n, .count = in->nfreq};
    uint8_t *const present = malloc((size_t)(n * in->nspw));
    s.vis = malloc((size_t)values * sizeof *s.vis);
    s.nsamples = malloc((size_t)values * sizeof *s.nsamples);
    s.flags = malloc((size_t)values);
    s.scratch = malloc((size_t)(values * in->flag_bytes));
    demand(present && s.vis && s.nsamples && s.flags && s.scratch);
    in->memory = 16 << 20;
    if (mms_uvh5_cubes_open(in, &cubes, NULL) == MMS_OK) {
        if (mms_uvh5_cubes_read(cubes, &s, NULL) == MMS_OK)
            for (int64_t i = 0; i < values; i++)
                demand(s.flags[i] <= 1);
        s.first = in->spans[0].first;
        s.count = in->spans[0].count;
        s.blt = in->nblt - n;
        (void)!mms_uvh5_cubes_read(cubes, &s, NULL);
        (void)!mms_uvh5_cubes_find_present(cubes, 0, n, present, NULL);
    }
    mms_uvh5_cubes_close(&cubes);
    free(present);
    free(s.vis);
    free(s.nsamples);
    free(s.flags);
    free(s.scratch);
}

static char path[4096];
static int64_t taken;

/** The test looks for this: a fuzzer whose files are all refused finds nothing. */
static void say_taken(void)
{
    unlink(path);
    printf("uvh5: %" PRId64 " files were taken\n", taken);
}

/** The file of all inputs; HDF5 1.10 opens none without a name. */
static int open_file(void)
{
    const char *const tmp = getenv("TMPDIR");

    snprintf(path, sizeof path, "%s/multims-fuzz-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    const int fd = mkstemp(path);
    demand(fd >= 0 && !atexit(say_taken));
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static int fd = -1;
    mms_uvh5_in in = {0};

    mms_log_limit(MMS_LOG_ERROR);
    if (fd < 0)
        fd = open_file();
    demand(!ftruncate(fd, 0) && pwrite(fd, bytes, size, 0) == (ssize_t)size);
    const mms_status st = mms_uvh5_in_open(path, &in, NULL);
    if (st == MMS_ERR_UNSUPPORTED && !in.hdf5)
        printf("without HDF5: nothing is read\n");
    if (st == MMS_OK) {
        check_header(&in);
        read_values(&in);
        taken++;
    }
    mms_uvh5_in_end(&in);
    return 0;
}
