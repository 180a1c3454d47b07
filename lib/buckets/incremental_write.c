/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file incremental_write.c  IncrementalStMan: buckets of changes, then the map of rows, then the
 *  header. */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/elements_priv.h"
#include "write_priv.h"

/** Find the first of the values from i on that is not like value. */
static int64_t find_other(const uint8_t *data, int64_t i, int64_t n, int32_t size,
                          const uint8_t *value)
{
    if (size == 4) {
        uint32_t want, have;
        memcpy(&want, value, 4);
        for (; i < n; i++) {
            memcpy(&have, data + 4 * i, 4);
            if (have != want)
                break;
        }
    } else if (size == 8) {
        uint64_t want, have;
        memcpy(&want, value, 8);
        for (; i < n; i++) {
            memcpy(&have, data + 8 * i, 8);
            if (have != want)
                break;
        }
    } else {
        while (i < n && !memcmp(data + i * size, value, (size_t)size))
            i++;
    }
    return i;
}

mms_status incremental_put(mms_buckets_writer *w, int64_t column, mms_rows rows,
                           const uint8_t *data, mms_error *err)
{
    const int32_t size = w->b->columns[column].size;
    written_column *c = &w->columns[column];
    int64_t i = 0;

    while ((i = find_other(data, i, rows.count, size, c->last)) < rows.count) {
        const mms_status st =
            mms_grow(&c->changes, &c->change_capacity, c->nchange + 1, sizeof *c->changes, err);
        if (st != MMS_OK)
            return st;
        memcpy(c->last, data + i * size, (size_t)size);
        change *added = &c->changes[c->nchange++];
        added->row = rows.first + i++;
        memcpy(added->value, c->last, sizeof added->value);
    }
    return MMS_OK;
}

/** The next change of a column, if it is in this row. */
static const change *change_in(const written_column *c, int64_t row)
{
    return c->taken < c->nchange && c->changes[c->taken].row == row ? &c->changes[c->taken] : NULL;
}

/** Bytes of an entry, as casacore counts it: rows take 8 in its memory. */
static int64_t entry_bytes(const mms_buckets *b, int64_t column)
{
    return 12 + b->columns[column].size;
}

/** Add the current value of a column to the open bucket. */
static mms_status add_value(mms_buckets_writer *w, int64_t column, int64_t row, mms_error *err)
{
    const bucket_column *c = &w->b->columns[column];
    written_column *k = &w->columns[column];
    mms_status st =
        mms_grow(&k->entries, &k->entry_capacity, k->nentry + 1, sizeof *k->entries, err);

    if (st == MMS_OK)
        st = mms_grow(&w->bytes, &w->capacity, w->nbyte + c->size, 1, err);
    if (st != MMS_OK)
        return st;
    k->entries[k->nentry++] = (bucket_entry){row - w->first, w->nbyte};
    if (w->b->swap && c->word > 1)
        mms_swap_copy(c->word, k->current, c->size, w->bytes + w->nbyte);
    else
        memcpy(w->bytes + w->nbyte, k->current, (size_t)c->size); // a flag: the lowest bit of 8
    w->nbyte += c->size;
    w->used += entry_bytes(w->b, column);
    return MMS_OK;
}

/** Take the changes of a row; returns the bytes of their entries. */
static int64_t take_changes(mms_buckets_writer *w, int64_t row, bool *taken)
{
    int64_t bytes = 0;

    for (int64_t i = 0; i < w->b->ncolumn; i++) {
        written_column *c = &w->columns[i];
        const change *k = change_in(c, row);
        taken[i] = k;
        if (!k)
            continue;
        memcpy(c->current, k->value, sizeof c->current);
        c->taken++;
        bytes += entry_bytes(w->b, i);
    }
    return bytes;
}

/** Put the open bucket together: values, then rows and offsets of each column's. */
static mms_status write_bucket(mms_buckets_writer *w, mms_error *err)
{
    mms_buckets *b = w->b;
    mms_bytes out = {.little = !b->big_endian};
    mms_status st;

    mms_bytes_number(&out, (uint64_t)w->nbyte + 4, 4);
    mms_bytes_add(&out, w->bytes, w->nbyte);
    for (int64_t i = 0; i < b->ncolumn; i++) {
        written_column *c = &w->columns[i];
        mms_bytes_number(&out, (uint64_t)c->nentry, 4);
        for (int64_t k = 0; k < c->nentry; k++)
            mms_bytes_number(&out, (uint64_t)c->entries[k].row, 4);
        for (int64_t k = 0; k < c->nentry; k++)
            mms_bytes_number(&out, (uint64_t)c->entries[k].offset, 4);
        c->nentry = 0;
    }
    MMS_TRY(write_bytes(b, bucket_at(b, b->nbucket), &out, err));
    MMS_TRY(mms_grow(&w->firsts, &w->first_capacity, w->nfirst + 1, sizeof *w->firsts, err));
    w->firsts[w->nfirst++] = w->first;
    b->nbucket++;
    w->open = false;
done:
    return st;
}

/** Open a bucket whose first row has the current values. */
static mms_status open_bucket(mms_buckets_writer *w, int64_t row, mms_error *err)
{
    mms_status st = MMS_OK;

    w->open = true;
    w->first = row;
    w->nbyte = 0;
    w->used = 4 + 4 * w->b->ncolumn;
    for (int64_t i = 0; st == MMS_OK && i < w->b->ncolumn; i++)
        st = add_value(w, i, row, err);
    return st;
}

/** Add the changes of a row, to another bucket if the open one is full. */
static mms_status add_row(mms_buckets_writer *w, int64_t row, bool *taken, mms_error *err)
{
    const int64_t bytes = take_changes(w, row, taken);
    mms_status st = MMS_OK;

    if (w->open && w->used + bytes > w->b->bucket_bytes)
        st = write_bucket(w, err);
    if (st == MMS_OK && !w->open)
        return open_bucket(w, row, err);
    for (int64_t i = 0; st == MMS_OK && i < w->b->ncolumn; i++)
        if (taken[i])
            st = add_value(w, i, row, err);
    return st;
}

/** The first row that has a change; most if there is none before. */
static int64_t next_row(const mms_buckets_writer *w, int64_t most)
{
    for (int64_t i = 0; i < w->b->ncolumn; i++) {
        const written_column *c = &w->columns[i];
        if (c->taken < c->nchange && c->changes[c->taken].row < most)
            most = c->changes[c->taken].row;
    }
    return most;
}

/** Forget the changes that were taken. */
static void drop_taken(written_column *c)
{
    c->nchange -= c->taken;
    if (c->nchange > 0)
        memmove(c->changes, c->changes + c->taken, (size_t)c->nchange * sizeof *c->changes);
    c->taken = 0;
}

mms_status incremental_advance(mms_buckets_writer *w, int64_t row, mms_error *err)
{
    bool *taken;
    mms_status st = MMS_OK;

    if (row == 0 && w->b->nrow > 0)
        return MMS_OK;
    taken = mms_alloc(w->b->ncolumn, sizeof *taken);
    if (!taken)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", w->b->path);
    if (!w->open)
        st = add_row(w, 0, taken, err);
    for (int64_t next; st == MMS_OK && (next = next_row(w, row)) < row;)
        st = add_row(w, next, taken, err);
    free(taken);
    for (int64_t i = 0; i < w->b->ncolumn; i++)
        drop_taken(&w->columns[i]);
    return st;
}

/** Write the map: first rows of the buckets and the number of rows, numbers of the buckets. */
static mms_status write_map(const mms_buckets_writer *w, mms_error *err)
{
    mms_bytes out = {.little = !w->b->big_endian};

    mms_bytes_magic(&out);
    const int64_t object = mms_bytes_begin(&out, "ISMIndex", 1);
    mms_bytes_number(&out, (uint64_t)w->nfirst, 4);
    int64_t block = mms_bytes_begin(&out, "Block", 1);
    mms_bytes_number(&out, (uint64_t)w->nfirst + 1, 4);
    for (int64_t i = 0; i < w->nfirst; i++)
        mms_bytes_number(&out, (uint64_t)w->firsts[i], 4);
    mms_bytes_number(&out, (uint64_t)w->b->nrow, 4);
    mms_bytes_end(&out, block);
    block = mms_bytes_begin(&out, "Block", 1);
    mms_bytes_number(&out, (uint64_t)w->nfirst, 4);
    for (int64_t i = 0; i < w->nfirst; i++)
        mms_bytes_number(&out, (uint64_t)i, 4);
    mms_bytes_end(&out, block);
    mms_bytes_end(&out, object);
    return write_bytes(w->b, bucket_at(w->b, w->b->nbucket), &out, err);
}

static mms_status write_header(const mms_buckets *b, mms_error *err)
{
    mms_bytes out = {.little = !b->big_endian};
    const int64_t object = begin_header(&out, b, "IncrementalStMan", 4);

    mms_bytes_number(&out, (uint64_t)b->bucket_bytes, 4);
    mms_bytes_number(&out, (uint64_t)b->nbucket, 4);
    mms_bytes_number(&out, 1, 4);          // buckets that casacore's cache holds
    mms_bytes_number(&out, 0, 4);          // numbers given to files of arrays
    mms_bytes_number(&out, 0, 4);          // free buckets
    mms_bytes_number(&out, UINT32_MAX, 4); // the first one: none
    mms_bytes_end(&out, object);
    return write_bytes(b, 0, &out, err);
}

mms_status incremental_finish(mms_buckets_writer *w, mms_error *err)
{
    mms_status st;

    MMS_TRY(incremental_advance(w, w->b->nrow, err));
    MMS_TRY(write_bucket(w, err));
    MMS_TRY(write_map(w, err));
    MMS_TRY(write_header(w->b, err));
done:
    return st;
}
