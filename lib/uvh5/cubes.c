/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cubes.c  The three datasets of Data, and which of their cells are padding. */
#include "cubes_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/blackbox_priv.h"
#include "base/files_priv.h"

enum { VIS, FLAG, SAMPLES, NCUBE };

struct mms_uvh5_cubes {
    mms_uvh5_in *in;
    int fd;
    bool ours;              /**< multims made the file: padding has no samples */
    int64_t offsets[NCUBE]; /**< -1: HDF5 is asked */
};

static const struct {
    const char *name;
    mms_h5_type type;
    int64_t size;
} sets[NCUBE] = {{"Data/visdata", MMS_H5_COMPLEX, 8},
                 {"Data/flags", MMS_H5_BOOL, 1},
                 {"Data/nsamples", MMS_H5_FLOAT, 4}};

mms_status mms_uvh5_cubes_probe(const mms_uvh5_in *in, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int k = 0; st == MMS_OK && k < NCUBE; k++)
        st = in->hdf5->probe(in->file, sets[k].name, err);
    return st;
}

/** What each thread has had for chunks must not stay its own. */
static void give_back_chunks(void)
{
#ifdef M_MMAP_THRESHOLD
    enum { LARGE = 256 << 10 };
    mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}

mms_status mms_uvh5_cubes_open(mms_uvh5_in *in, mms_uvh5_cubes **out, mms_error *err)
{
    mms_uvh5_cubes *const c = *out = mms_alloc(1, sizeof *c);
    mms_status st;

    MMS_TRY(c ? MMS_OK : mms_uvh5_in_memory(in, err));
    *c = (mms_uvh5_cubes){.in = in, .fd = open(in->path, O_RDONLY | O_CLOEXEC)};
    c->ours = in->hdf5->has(in->file, "multims/version");
    mms_blackbox_set_reading(in->path);
    if (in->memory > 0)
        in->hdf5->limit(in->file, in->memory / 2 / NCUBE);
    if (c->fd < 0)
        MMS_TRY(mms_fail_errno(err, errno, "%s", in->path));
    for (int k = 0; k < NCUBE; k++) {
        MMS_TRY(in->hdf5->where(in->file, sets[k].name, sets[k].type, &c->offsets[k], err));
        if (c->offsets[k] < 0)
            give_back_chunks();
    }
done:
    if (st != MMS_OK)
        mms_uvh5_cubes_close(out);
    return st;
}

void mms_uvh5_cubes_close(mms_uvh5_cubes **cubes)
{
    mms_uvh5_cubes *const c = *cubes;

    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    mms_blackbox_set_reading("");
    free(c);
    *cubes = NULL;
}

static mms_status read_at(const mms_uvh5_cubes *c, void *to, int64_t bytes, int64_t offset,
                          mms_error *err)
{
    const int64_t got = mms_pread_all(c->fd, to, bytes, offset);

    if (got < 0)
        return mms_fail_errno(err, errno, "%s", c->in->path);
    if (got < bytes)
        return mms_fail(err, MMS_ERR_IO, "%s became shorter while it was read", c->in->path);
    return MMS_OK;
}

/** Whole baseline-times at once, a part of their channels one by one. */
static mms_status read_direct(const mms_uvh5_cubes *c, int k, const mms_uvh5_slab *s, void *to,
                              mms_error *err)
{
    const mms_uvh5_in *const in = c->in;
    const int64_t cell = in->npol * sets[k].size, row = in->nfreq * cell;
    mms_status st = MMS_OK;

    assert(s->first >= 0 && s->first + s->count <= in->nfreq); // else those of the next row
    if (s->count == in->nfreq)
        return read_at(c, to, s->n * row, c->offsets[k] + s->blt * row, err);
    for (int64_t i = 0; st == MMS_OK && i < s->n; i++)
        st = read_at(c, (char *)to + i * s->count * cell, s->count * cell,
                     c->offsets[k] + (s->blt + i) * row + s->first * cell, err);
    return st;
}

static mms_status read_cube(mms_uvh5_cubes *c, int k, const mms_uvh5_slab *s, void *to,
                            mms_error *err)
{
    mms_uvh5_in *const in = c->in;
    const int axis = in->old_shape ? 2 : 1;

    if (c->offsets[k] >= 0)
        return read_direct(c, k, s, to, err);
    return in->hdf5->read(in->file, sets[k].name, sets[k].type, s->blt, s->n, axis, s->first,
                          s->count, to, err);
}

/** Any byte of a flag that is not 0 sets it. */
static void reduce_flags(const mms_uvh5_in *in, int64_t n, const uint8_t *stored, uint8_t *out)
{
    const int64_t bytes = in->flag_bytes;

    for (int64_t i = 0; i < n; i++) {
        uint8_t any = 0;
        for (int64_t b = 0; b < bytes; b++)
            any |= stored[i * bytes + b];
        out[i] = any != 0;
    }
}

mms_status mms_uvh5_cubes_read(mms_uvh5_cubes *c, const mms_uvh5_slab *s, mms_error *err)
{
    const bool small = c->in->flag_bytes == 1;
    uint8_t *const stored = small ? s->flags : s->scratch;
    const int64_t n = s->n * s->count * c->in->npol;
    mms_status st;

    MMS_TRY(read_cube(c, VIS, s, s->vis, err));
    MMS_TRY(read_cube(c, FLAG, s, stored, err));
    if (small)
        for (int64_t i = 0; i < n; i++)
            s->flags[i] = s->flags[i] != 0;
    else
        reduce_flags(c->in, n, stored, s->flags);
    if (s->nsamples)
        MMS_TRY(read_cube(c, SAMPLES, s, s->nsamples, err));
done:
    return st;
}

/* ---- padding ----------------------------------------------------------------------------------*/

/** Rows of an MS may be flagged and 0 too, and have a weight. */
static bool is_padding(const mms_uvh5_slab *s, int64_t from, int64_t n)
{
    for (int64_t i = from; i < from + n; i++)
        if (s->vis[i][0] != 0 || s->vis[i][1] != 0 || !s->flags[i] ||
            (s->nsamples && s->nsamples[i] != 0))
            return false;
    return true;
}

static mms_status make_slab(const mms_uvh5_cubes *c, mms_uvh5_slab *s, mms_error *err)
{
    const mms_uvh5_in *const in = c->in;
    const int64_t values = s->n * s->count * in->npol;

    s->vis = mms_alloc(values, sizeof *s->vis);
    s->flags = mms_alloc(values, 1);
    s->scratch = mms_alloc(in->flag_bytes == 1 ? 1 : values, (size_t)in->flag_bytes);
    if (c->ours)
        s->nsamples = mms_alloc(values, sizeof *s->nsamples);
    return s->vis && s->flags && s->scratch && (s->nsamples || !c->ours)
               ? MMS_OK
               : mms_uvh5_in_memory(in, err);
}

static void free_slab(mms_uvh5_slab *s)
{
    free(s->vis);
    free(s->nsamples);
    free(s->flags);
    free(s->scratch);
}

/** A value of each window that is not 0 says enough; what has none is looked at. */
static mms_status look_at_middles(mms_uvh5_cubes *c, int64_t first, int64_t n, uint8_t *present,
                                  mms_error *err)
{
    const mms_uvh5_in *const in = c->in;
    const int64_t cell = in->npol * sets[VIS].size;
    float value[2];
    mms_status st = MMS_OK;

    memset(present, 0, (size_t)(n * in->nspw));
    if (c->offsets[VIS] < 0 || in->nfreq * in->npol / in->nspw <= 64)
        return MMS_OK;
    for (int64_t i = 0; st == MMS_OK && i < n * in->nspw; i++) {
        const mms_uvh5_span *const s = &in->spans[i % in->nspw];
        const int64_t blt = first + i / in->nspw, middle = s->first + s->count / 2;
        st = read_at(c, value, sizeof value,
                     c->offsets[VIS] + blt * in->nfreq * cell + middle * cell, err);
        present[i] = value[0] != 0 || value[1] != 0;
    }
    return st;
}

/** Read baseline-times that are not known to be there. */
static mms_status look_at_all(mms_uvh5_cubes *c, const mms_uvh5_slab *s, uint8_t *present,
                              mms_error *err)
{
    const mms_uvh5_in *const in = c->in;
    mms_status st;

    MMS_TRY(mms_uvh5_cubes_read(c, s, err));
    for (int64_t i = 0; i < s->n * in->nspw; i++) {
        const mms_uvh5_span *const span = &in->spans[i % in->nspw];
        const int64_t from = (i / in->nspw * in->nfreq + span->first) * in->npol;
        present[i] = !is_padding(s, from, span->count * in->npol);
    }
    MMS_TRY(mms_check_stop(err));
done:
    return st;
}

mms_status mms_uvh5_cubes_find_present(mms_uvh5_cubes *c, int64_t first, int64_t n,
                                       uint8_t *present, mms_error *err)
{
    mms_uvh5_in *const in = c->in;
    const int64_t most = (1 << 16) / (in->nfreq * in->npol) + 1, nspw = in->nspw;
    mms_uvh5_slab s = {.n = most < n ? most : n, .count = in->nfreq};
    mms_status st;

    MMS_TRY(make_slab(c, &s, err));
    MMS_TRY(look_at_middles(c, first, n, present, err));
    for (int64_t at = 0; at < n; at += s.n) {
        for (s.n = 0; at < n && !memchr(present + at * nspw, 0, (size_t)nspw);)
            at++;
        while (at + s.n < n && s.n < most && memchr(present + (at + s.n) * nspw, 0, (size_t)nspw))
            s.n++;
        s.blt = first + at;
        if (s.n > 0)
            MMS_TRY(look_at_all(c, &s, present + at * nspw, err));
    }
done:
    free_slab(&s);
    return st;
}
