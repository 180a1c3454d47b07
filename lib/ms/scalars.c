/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file scalars.c  The scalar columns of one table that are read from, or written to, buckets
 *  directly. */
#include "scalars_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "multims/log.h"

enum { SAMPLES = 8 };

/** One manager: not tried, in use, or left to casacore. */
typedef struct manager {
    const mms_bucketed *what;
    bool tried;
    mms_buckets *buckets;
    bool *proved, *refused; /**< by column */
} manager;

struct mms_scalars {
    mms_table *table;
    int64_t n;
    manager *managers;
};

static mms_status out_of_memory(const mms_table *table, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(table));
}

mms_status mms_scalars_open(mms_table *table, mms_scalars **out, mms_error *err)
{
    mms_scalars *s = calloc(1, sizeof *s);
    const mms_bucketed *list;
    int64_t n;
    mms_status st;

    *out = NULL;
    if (!s)
        return out_of_memory(table, err);
    s->table = table;
    MMS_TRY(mms_table_bucketed(table, &n, &list, err));
    s->managers = mms_alloc(n, sizeof *s->managers);
    if (!s->managers)
        MMS_TRY(out_of_memory(table, err));
    while (s->n < n) {
        manager *m = &s->managers[s->n];
        m->what = &list[s->n++];
        m->proved = mms_alloc(m->what->ncolumn, sizeof *m->proved);
        m->refused = mms_alloc(m->what->ncolumn, sizeof *m->refused);
        if (!m->proved || !m->refused)
            MMS_TRY(out_of_memory(table, err));
    }
    *out = s;
    s = NULL;
done:
    mms_scalars_close(&s);
    return st;
}

void mms_scalars_close(mms_scalars **scalars)
{
    mms_scalars *s = *scalars;

    *scalars = NULL;
    if (!s)
        return;
    for (int64_t i = 0; i < s->n; i++) {
        mms_buckets_close(&s->managers[i].buckets);
        free(s->managers[i].proved);
        free(s->managers[i].refused);
    }
    free(s->managers);
    free(s);
}

/** Say to lib/buckets what the table says of a manager; columns is ended with free(), NULL when out
 * of memory. */
static mms_buckets_what describe(const mms_table *table, const mms_bucketed *k,
                                 mms_buckets_column **columns)
{
    *columns = mms_alloc(k->ncolumn, sizeof **columns);
    for (int64_t i = 0; *columns && i < k->ncolumn; i++) {
        const mms_column *c = k->columns[i];
        (*columns)[i] = (mms_buckets_column){c->name, c->dtype, c->scalar};
    }
    return (mms_buckets_what){.table = mms_table_path(table),
                              .type = k->type,
                              .name = k->name,
                              .sequence = k->sequence,
                              .nrow = mms_table_nrow(table),
                              .big_endian = k->big_endian,
                              .ncolumn = k->ncolumn,
                              .columns = *columns,
                              .bucket_bytes = k->bucket_bytes,
                              .bucket_rows = k->bucket_rows,
                              .offsets = k->offsets};
}

static mms_status open_buckets(const mms_scalars *s, manager *m, mms_error *err)
{
    mms_buckets_column *columns;
    const mms_buckets_what what = describe(s->table, m->what, &columns);
    const mms_status st =
        columns ? mms_buckets_open(&what, &m->buckets, err) : out_of_memory(s->table, err);

    free(columns);
    return st;
}

/** Use a manager for the first time. */
static mms_status try_manager(const mms_scalars *s, manager *m, mms_error *err)
{
    mms_error why = {0};
    const mms_status st = open_buckets(s, m, &why);

    m->tried = true;
    if (st == MMS_ERR_UNSUPPORTED)
        mms_log(MMS_LOG_INFO, "ms", "%s: %s is read through casacore: %s", mms_table_path(s->table),
                m->what->columns[0]->name, why.msg);
    else if (st != MMS_OK)
        return mms_fail(err, st, "%s", why.msg);
    return MMS_OK;
}

/** Compare some cells of a column with what casacore reads. */
static mms_status prove(const mms_scalars *s, manager *m, int64_t column, mms_error *err)
{
    const mms_column *c = m->what->columns[column];
    const size_t size = mms_dtype_size(c->dtype);
    int64_t rows[SAMPLES];
    const int64_t n = mms_buckets_samples(m->buckets, column, SAMPLES, rows);

    for (int64_t i = 0; !m->refused[column] && i < n; i++) {
        const mms_rows one = {rows[i], 1};
        uint8_t ours[16], theirs[16];
        mms_status st = mms_buckets_read(m->buckets, column, 1, &one, ours, err);
        if (st == MMS_OK)
            st = mms_table_get(s->table, c->name, 1, &one, 1, theirs, err);
        if (st != MMS_OK)
            return st;
        m->refused[column] = memcmp(ours, theirs, size);
        if (m->refused[column])
            mms_log(MMS_LOG_WARN, "ms",
                    "%s: %s: row %" PRId64 " of its buckets is not what casacore reads; the column "
                    "is read through casacore",
                    mms_table_path(s->table), c->name, rows[i]);
    }
    m->proved[column] = true;
    return MMS_OK;
}

mms_status mms_scalars_find(mms_scalars *s, const char *column, mms_scalars_column *found,
                            mms_error *err)
{
    mms_status st;

    *found = (mms_scalars_column){NULL, -1};
    for (int64_t i = 0; i < s->n; i++) {
        manager *m = &s->managers[i];
        int64_t k = 0;
        while (k < m->what->ncolumn && strcmp(m->what->columns[k]->name, column))
            k++;
        if (k == m->what->ncolumn)
            continue;
        if (!m->tried && !m->what->hollow)
            MMS_TRY(try_manager(s, m, err));
        if (!m->buckets || mms_buckets_find(m->buckets, column) < 0)
            break;
        if (!m->proved[k])
            MMS_TRY(prove(s, m, k, err));
        if (!m->refused[k])
            *found = (mms_scalars_column){m->buckets, k};
        break;
    }
    st = MMS_OK;
done:
    return st;
}

mms_status mms_scalars_check(mms_table *table, mms_error *err)
{
    mms_scalars *s = NULL;
    mms_status st;

    MMS_TRY(mms_scalars_open(table, &s, err));
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t k = 0; k < s->managers[i].what->ncolumn; k++) {
            const mms_column *c = s->managers[i].what->columns[k];
            mms_scalars_column found;
            MMS_TRY(mms_scalars_find(s, c->name, &found, err));
            if (!found.buckets && c->scalar && c->dtype < MMS_DT_STRING)
                MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "%s: %s: casacore reads other cells",
                                 mms_table_path(table), c->name));
        }
done:
    mms_scalars_close(&s);
    return st;
}

/* ---- writing ----------------------------------------------------------------------------------*/

struct mms_scalars_writer {
    mms_table *table;
    int64_t n;
    const mms_bucketed *managers;
    mms_buckets_writer **buckets; /**< of each manager; NULL: casacore writes it */
};

mms_status mms_scalars_create(mms_table *table, mms_scalars_writer **out, mms_error *err)
{
    mms_scalars_writer *w = calloc(1, sizeof *w);
    mms_status st;

    *out = NULL;
    if (!w)
        return out_of_memory(table, err);
    w->table = table;
    MMS_TRY(mms_table_bucketed(table, &w->n, &w->managers, err));
    w->buckets = mms_alloc(w->n, sizeof(mms_buckets_writer *));
    if (!w->buckets)
        MMS_TRY(out_of_memory(table, err));
    for (int64_t i = 0; i < w->n; i++) {
        mms_buckets_column *columns;
        if (!w->managers[i].hollow)
            continue;
        const mms_buckets_what what = describe(table, &w->managers[i], &columns);
        st = columns ? mms_buckets_create(&what, &w->buckets[i], err) : out_of_memory(table, err);
        free(columns);
        MMS_TRY(st);
    }
    *out = w;
    w = NULL;
done:
    mms_scalars_drop(&w);
    return st;
}

/** Find a column that is written; NULL if there is none. */
static mms_buckets_writer *find_written(const mms_scalars_writer *w, const char *column,
                                        int64_t *place)
{
    for (int64_t i = 0; w && i < w->n; i++)
        for (*place = 0; w->buckets[i] && *place < w->managers[i].ncolumn; ++*place)
            if (!strcmp(w->managers[i].columns[*place]->name, column))
                return w->buckets[i];
    return NULL;
}

bool mms_scalars_has(const mms_scalars_writer *w, const char *column)
{
    int64_t place;
    return find_written(w, column, &place);
}

mms_status mms_scalars_put(mms_scalars_writer *w, const char *column, mms_rows rows,
                           const void *data, mms_error *err)
{
    int64_t place = 0;
    mms_buckets_writer *b = find_written(w, column, &place);
    return mms_buckets_put(b, place, rows, data, err);
}

mms_status mms_scalars_advance(mms_scalars_writer *w, int64_t row, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; w && st == MMS_OK && i < w->n; i++)
        if (w->buckets[i])
            st = mms_buckets_advance(w->buckets[i], row, err);
    return st;
}

mms_status mms_scalars_finish(mms_scalars_writer **writer, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; *writer && st == MMS_OK && i < (*writer)->n; i++)
        st = mms_buckets_finish(&(*writer)->buckets[i], err);
    mms_scalars_drop(writer);
    return st;
}

void mms_scalars_drop(mms_scalars_writer **writer)
{
    mms_scalars_writer *w = *writer;

    *writer = NULL;
    if (!w)
        return;
    for (int64_t i = 0; w->buckets && i < w->n; i++)
        mms_buckets_drop(&w->buckets[i]);
    free(w->buckets);
    free(w);
}
