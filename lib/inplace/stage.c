/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file stage.c  Changed rows in a file, and from it into the parts. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/elements_priv.h"
#include "base/files_priv.h"
#include "flag_priv.h"
#include "ms/columns.h"
#include "sink_priv.h"

enum { BLOCK = 1 << 20 };

struct mms_flag_stage {
    FILE *file;
    char *path;
    uint8_t *record; /**< header and bits of a row */
    int64_t capacity;
};

/** What stands before the bits of a row. */
typedef struct header {
    int64_t row;
    int32_t nchan, ncorr;
} header;

static int64_t cell_of(const header *h)
{
    return h->nchan == 0 ? 1 : (int64_t)h->nchan * h->ncorr;
}

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

mms_status mms_flag_stage_open(const char *path, mms_flag_stage **out, mms_error *err)
{
    mms_flag_stage *s = *out = mms_alloc(1, sizeof *s);

    if (!s || !(s->path = strdup(path)))
        return no_memory(err);
    s->file = fopen(path, "we");
    return s->file ? MMS_OK : mms_fail_errno(err, errno, "%s", path);
}

mms_status mms_flag_stage_add(mms_flag_stage *s, int64_t row, int32_t nchan, int32_t ncorr,
                              const uint8_t *flags, mms_error *err)
{
    const header h = {row, nchan, ncorr};
    const int64_t cell = cell_of(&h), bytes = (cell + 7) / 8;
    const size_t all = sizeof h + (size_t)bytes;
    const mms_status st = mms_grow(&s->record, &s->capacity, (int64_t)all, 1, err);

    if (st != MMS_OK)
        return st;
    memcpy(s->record, &h, sizeof h);
    memset(s->record + sizeof h, 0, (size_t)bytes);
    mms_pack_bits(flags, cell, s->record + sizeof h, 0);
    if (fwrite_unlocked(s->record, 1, all, s->file) != all)
        return mms_fail_errno(err, errno, "%s", s->path);
    return MMS_OK;
}

mms_status mms_flag_stage_close(mms_flag_stage **stage, mms_error *err)
{
    mms_flag_stage *s = *stage;
    mms_status st = MMS_OK;

    *stage = NULL;
    if (!s)
        return MMS_OK;
    if (s->file && fclose(s->file))
        st = mms_fail_errno(err, errno, "%s", s->path);
    free(s->path);
    free(s->record);
    free(s);
    return st;
}

/* ---- into the parts ---------------------------------------------------------------------------*/

/** Rows that follow each other in one part and have one shape. */
typedef struct pending {
    mms_sink *sink;
    bool tiles;
    int64_t base, end; /**< rows of the set that the part has */
    header first;
    int64_t count, room;
    uint8_t *flags;
} pending;

static mms_status put_pending(pending *p, mms_error *err)
{
    const int64_t shape[2] = {p->first.nchan, p->first.ncorr};
    const mms_rows rows = {p->first.row - p->base, p->count};
    const bool scalar = p->first.nchan == 0;
    mms_status st = MMS_OK;

    assert(p->count == 0 || (rows.first >= 0 && p->first.row + p->count <= p->end));
    if (p->count > 0)
        st = mms_sink_write(p->sink, scalar ? MMS_COL_FLAG_ROW : MMS_COL_FLAG, 1, &rows,
                            scalar ? 0 : 2, scalar ? NULL : shape, p->count * cell_of(&p->first),
                            p->flags, err);
    p->count = 0;
    return st;
}

/** Close the table that is written, and open that of a row. */
static mms_status change_part(pending *p, const mms_value *parts, int64_t row, mms_error *err)
{
    mms_value *part = NULL;
    size_t i;
    mms_status st = MMS_OK;

    if (p->sink)
        st = mms_sink_close(&p->sink, err);
    json_array_foreach((mms_value *)parts, i, part)
    {
        p->base = json_integer_value(json_array_get(part, 1));
        p->end = p->base + json_integer_value(json_array_get(part, 2));
        if (st != MMS_OK || (row >= p->base && row < p->end))
            break;
    }
    if (st == MMS_OK && (row < p->base || row >= p->end))
        st = mms_fail(err, MMS_ERR_INTERNAL, "row %" PRId64 " is in no part", row);
    const mms_sink_what what = {.path = json_string_value(json_array_get(part, 0)),
                                .tiles = p->tiles};
    if (st == MMS_OK)
        st = mms_sink_open(&what, &p->sink, err);
    return st;
}

static bool follows(const pending *p, const header *h)
{
    return p->count > 0 && h->row == p->first.row + p->count && h->nchan == p->first.nchan &&
           h->ncorr == p->first.ncorr && h->row < p->end && p->count * cell_of(h) < BLOCK;
}

static mms_status take_row(pending *p, const header *h, const uint8_t *bits, const mms_value *parts,
                           mms_error *err)
{
    const int64_t cell = cell_of(h);
    mms_status st;

    if (!follows(p, h)) {
        MMS_TRY(put_pending(p, err));
        if (!p->sink || h->row < p->base || h->row >= p->end)
            MMS_TRY(change_part(p, parts, h->row, err));
        p->first = *h;
    }
    MMS_TRY(mms_grow(&p->flags, &p->room, (p->count + 1) * cell, 1, err));
    mms_unpack_bits(bits, 0, cell, p->flags + p->count * cell);
    p->count++;
done:
    return st;
}

static mms_status write_rows(mms_job *job, FILE *file, const char *path, int64_t size,
                             const mms_value *parts, pending *p, mms_error *err)
{
    uint8_t *bits = NULL;
    int64_t capacity = 0, done = 0, told = 0;
    header h;
    mms_status st = MMS_OK;

    // in brackets, so that it is no macro, which converts numbers
    while (st == MMS_OK && (fread_unlocked)(&h, sizeof h, 1, file) == 1) {
        const int64_t bytes = (cell_of(&h) + 7) / 8;
        st = mms_grow(&bits, &capacity, bytes, 1, err);
        if (st == MMS_OK && (fread_unlocked)(bits, 1, (size_t)bytes, file) != (size_t)bytes)
            st = mms_fail(err, MMS_ERR_IO, "%s is cut short", path);
        if (st == MMS_OK)
            st = take_row(p, &h, bits, parts, err);
        done += (int64_t)sizeof h + bytes;
        if (done - told < BLOCK / 8)
            continue;
        mms_job_progress(job, done, size);
        told = done;
    }
    if (st == MMS_OK && ferror(file))
        st = mms_fail_errno(err, errno, "%s", path);
    free(bits);
    return st;
}

mms_status mms_flag_stage_write(mms_job *job, const char *path, const mms_value *parts, bool tiles,
                                mms_error *err)
{
    FILE *file = fopen(path, "re");
    pending p = {.tiles = tiles};
    int64_t size = 0;
    mms_status st;

    MMS_TRY(file ? MMS_OK : mms_fail_errno(err, errno, "%s", path));
    MMS_TRY(mms_tree_bytes(path, &size, err));
    MMS_TRY(write_rows(job, file, path, size, parts, &p, err));
    MMS_TRY(put_pending(&p, err));
    if (p.sink)
        MMS_TRY(mms_sink_close(&p.sink, err));
done:
    mms_sink_drop(&p.sink);
    free(p.flags);
    if (file)
        fclose(file);
    return st;
}
