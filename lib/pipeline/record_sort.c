/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file record_sort.c  Sort records of one size: runs in a file, merged while they are read. */
#include "record_sort_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"

enum { LEAST_PIECE = 64 << 10 /* bytes of a run that are read at once */, LEAST_RECORDS = 64 };

/** Sorted records in the file, and a piece of them in memory while runs are merged. */
typedef struct run {
    int64_t at, left; /**< in the file: its byte, records not yet read */
    uint8_t *piece;
    int64_t n, used; /**< of piece */
} run;

struct mms_record_sort {
    char *near;
    FILE *file;  /**< NULL until memory is full */
    int64_t end; /**< bytes of the file */
    size_t size;
    mms_record_compare *compare;
    void *ctx;
    int64_t memory, count;
    uint8_t *records; /**< those that are in no run */
    int64_t n, capacity, next;
    run *runs;
    int64_t nrun, run_capacity;
    int64_t *heap, nheap; /**< runs that are merged, the one with the least record on top */
    int64_t piece;        /**< records of a piece */
};

mms_status mms_nameless_file(const char *near, FILE **out, mms_error *err)
{
    char *path = mms_format("%s.XXXXXX", near);
    const int fd = path ? mkstemp(path) : -1;
    mms_status st = MMS_OK;

    *out = NULL;
    if (fd < 0 || unlink(path) != 0 || !(*out = fdopen(fd, "w+")))
        st = mms_fail_errno(err, errno, "%s: can't make a file beside it", near);
    if (st != MMS_OK && fd >= 0)
        close(fd);
    free(path);
    return st;
}

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "sort: out of memory");
}

/** Half of the memory takes records: qsort_r may copy them all. */
mms_status mms_record_sort_create(const char *near, size_t size, mms_record_compare *compare,
                                  void *ctx, int64_t memory, mms_record_sort **out, mms_error *err)
{
    mms_record_sort *s = calloc(1, sizeof *s);

    *out = s;
    if (!s)
        return out_of_memory(err);
    s->near = strdup(near);
    s->size = size;
    s->compare = compare;
    s->ctx = ctx;
    s->memory = memory;
    s->capacity = memory / 2 / (int64_t)size;
    s->capacity = s->capacity < LEAST_RECORDS ? LEAST_RECORDS : s->capacity;
    s->records = malloc((size_t)s->capacity * size); // pages that are not used are not there
    if (s->near && s->records)
        return MMS_OK;
    mms_record_sort_free(out);
    return out_of_memory(err);
}

void mms_record_sort_free(mms_record_sort **sort)
{
    mms_record_sort *s = *sort;

    *sort = NULL;
    if (!s)
        return;
    for (int64_t i = 0; i < s->nrun; i++)
        free(s->runs[i].piece);
    if (s->file)
        fclose(s->file);
    free(s->runs);
    free(s->heap);
    free(s->records);
    free(s->near);
    free(s);
}

int64_t mms_record_sort_count(const mms_record_sort *sort)
{
    return sort->count;
}

int64_t mms_record_sort_nrun(const mms_record_sort *sort)
{
    return sort->nrun;
}

/* ---- runs -------------------------------------------------------------------------------------*/

/** Write n records at the end of the file. */
static mms_status append(mms_record_sort *s, int64_t n, const uint8_t *records, mms_error *err)
{
    const size_t bytes = (size_t)n * s->size;
    mms_status st;

    if (!s->file)
        MMS_TRY(mms_nameless_file(s->near, &s->file, err));
    if (fseeko(s->file, s->end, SEEK_SET) != 0 || fwrite(records, 1, bytes, s->file) != bytes ||
        fflush(s->file) != 0)
        MMS_TRY(mms_fail_errno(err, errno, "%s: sort", s->near));
    s->end += (int64_t)bytes;
    return MMS_OK;
done:
    return st;
}

static mms_status add_run(mms_record_sort *s, run r, mms_error *err)
{
    const mms_status st = mms_grow(&s->runs, &s->run_capacity, s->nrun + 1, sizeof r, err);

    if (st == MMS_OK)
        s->runs[s->nrun++] = r;
    return st;
}

static void sort_memory(mms_record_sort *s)
{
    qsort_r(s->records, (size_t)s->n, s->size, s->compare, s->ctx);
}

/** The records in memory become a run. */
static mms_status spill(mms_record_sort *s, mms_error *err)
{
    const run r = {.at = s->end, .left = s->n};
    mms_status st;

    sort_memory(s);
    MMS_TRY(append(s, s->n, s->records, err));
    MMS_TRY(add_run(s, r, err));
    s->n = 0;
done:
    return st;
}

mms_status mms_record_sort_add(mms_record_sort *s, const void *record, mms_error *err)
{
    const mms_status st = s->n == s->capacity ? spill(s, err) : MMS_OK;

    if (st != MMS_OK)
        return st;
    memcpy(s->records + (size_t)s->n++ * s->size, record, s->size);
    s->count++;
    return MMS_OK;
}

/* ---- merge ------------------------------------------------------------------------------------*/

/** Read the next piece of a run. */
static mms_status fill(mms_record_sort *s, run *r, mms_error *err)
{
    const int64_t n = r->left < s->piece ? r->left : s->piece;
    const size_t bytes = (size_t)n * s->size;

    if (fseeko(s->file, r->at, SEEK_SET) != 0 || fread(r->piece, 1, bytes, s->file) != bytes)
        return mms_fail_errno(err, errno ? errno : EIO, "%s: sort", s->near);
    r->at += (int64_t)bytes;
    r->left -= n;
    r->n = n;
    r->used = 0;
    return MMS_OK;
}

static const uint8_t *top_of(const mms_record_sort *s, int64_t i)
{
    const run *r = &s->runs[s->heap[i]];
    return r->piece + (size_t)r->used * s->size;
}

static bool is_less(const mms_record_sort *s, int64_t i, int64_t j)
{
    return s->compare(top_of(s, i), top_of(s, j), s->ctx) < 0;
}

static void sift_down(mms_record_sort *s, int64_t i)
{
    for (int64_t least = i;; i = least) {
        for (int64_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->nheap; child++)
            if (is_less(s, child, least))
                least = child;
        if (least == i)
            return;
        const int64_t moved = s->heap[i];
        s->heap[i] = s->heap[least];
        s->heap[least] = moved;
    }
}

/** Begin to merge the first n runs. */
static mms_status start_merge(mms_record_sort *s, int64_t n, mms_error *err)
{
    mms_status st = MMS_OK;

    s->piece = s->memory / (n + 1) / (int64_t)s->size;
    s->piece = s->piece < 1 ? 1 : s->piece;
    free(s->heap);
    s->heap = mms_alloc(n, sizeof *s->heap);
    MMS_TRY(s->heap ? MMS_OK : out_of_memory(err));
    s->nheap = 0;
    for (int64_t i = 0; i < n; i++) {
        s->runs[i].piece = malloc((size_t)s->piece * s->size);
        MMS_TRY(s->runs[i].piece ? MMS_OK : out_of_memory(err));
        MMS_TRY(fill(s, &s->runs[i], err));
        s->heap[s->nheap++] = i;
    }
    for (int64_t i = n / 2; i >= 0; i--)
        sift_down(s, i);
done:
    return st;
}

/** Copy the least record of the runs that are merged. */
static mms_status pop(mms_record_sort *s, void *record, mms_error *err)
{
    run *r = &s->runs[s->heap[0]];
    mms_status st = MMS_OK;

    memcpy(record, top_of(s, 0), s->size);
    r->used++;
    if (r->used == r->n && r->left > 0)
        st = fill(s, r, err);
    else if (r->used == r->n)
        s->heap[0] = s->heap[--s->nheap];
    if (st == MMS_OK && s->nheap > 0)
        sift_down(s, 0);
    return st;
}

/** Merge the first n runs into one at the end of the file. */
static mms_status merge_runs(mms_record_sort *s, int64_t n, mms_error *err)
{
    run merged = {.at = s->end};
    uint8_t *piece = NULL;
    mms_status st;

    MMS_TRY(start_merge(s, n, err));
    piece = malloc((size_t)s->piece * s->size);
    MMS_TRY(piece ? MMS_OK : out_of_memory(err));
    while (s->nheap > 0) {
        int64_t filled = 0;
        while (s->nheap > 0 && filled < s->piece)
            MMS_TRY(pop(s, piece + (size_t)filled++ * s->size, err));
        MMS_TRY(append(s, filled, piece, err));
        merged.left += filled;
    }
    for (int64_t i = 0; i < n; i++)
        free(s->runs[i].piece);
    s->nrun -= n;
    memmove(s->runs, s->runs + n, (size_t)s->nrun * sizeof *s->runs);
    MMS_TRY(add_run(s, merged, err));
done:
    free(piece);
    return st;
}

mms_status mms_record_sort_finish(mms_record_sort *s, mms_error *err)
{
    const int64_t fit = s->memory / LEAST_PIECE, most = fit < 2 ? 2 : fit;
    mms_status st = MMS_OK;

    if (s->nrun == 0) {
        sort_memory(s);
        return MMS_OK;
    }
    if (s->n > 0)
        MMS_TRY(spill(s, err));
    free(s->records);
    s->records = NULL;
    while (s->nrun > most)
        MMS_TRY(merge_runs(s, most, err));
    MMS_TRY(start_merge(s, s->nrun, err));
done:
    return st;
}

mms_status mms_record_sort_next(mms_record_sort *s, void *record, bool *end, mms_error *err)
{
    *end = s->nrun == 0 ? s->next == s->n : s->nheap == 0;
    if (*end)
        return MMS_OK;
    if (s->nrun > 0)
        return pop(s, record, err);
    memcpy(record, s->records + (size_t)s->next++ * s->size, s->size);
    return MMS_OK;
}
