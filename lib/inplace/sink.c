/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file sink.c  One part whose cells are changed, and columns that it gets. */
#include "sink_priv.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "replace_priv.h"

enum { MOST_NEW = 8 };

/** How cells of a storage manager are changed: all in one way, as casacore keeps tiles in memory.
 */
typedef struct way {
    const char *group;
    bool tiles;
} way;

struct mms_sink {
    mms_table *table;
    mms_store *in, *out;  /**< of the columns that were there; of those that are new */
    mms_replace *replace; /**< columns that are written into new files; NULL: none */
    const char *const *add;
    const char *like;
    bool is_new[MOST_NEW]; /**< of add */
    int64_t nway, capacity;
    way *ways;
    pthread_mutex_t
        lock; /**< of what is found at the first use of a column, and of rows as written */
};

bool mms_sink_is_new(const mms_sink *s, const char *column)
{
    for (int i = 0; s->add && s->add[i]; i++)
        if (!strcmp(s->add[i], column))
            return s->is_new[i];
    return false;
}

static mms_status shapes_like(void *user, const char *column, mms_shape_run **runs, int64_t *nrun,
                              mms_error *err)
{
    mms_sink *s = user;
    const mms_rows all = {0, mms_table_nrow(s->table)};

    (void)column;
    return mms_sink_shapes(s, s->like, 1, &all, runs, nrun, err);
}

/** From here on table.dat has the new columns. */
static mms_status add_columns(mms_sink *s, const mms_sink_what *what, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int i = 0; what->add && what->add[i] && st == MMS_OK; i++) {
        if (i == MOST_NEW)
            return mms_fail(err, MMS_ERR_INTERNAL, "more than %d new columns", MOST_NEW);
        s->is_new[i] = !mms_table_find_column(s->table, what->add[i]);
        if (s->is_new[i])
            st = mms_table_add_column(s->table, what->add[i], what->tiles, err);
    }
    return st;
}

mms_status mms_sink_open(const mms_sink_what *what, mms_sink **out, mms_error *err)
{
    mms_sink *s = *out = mms_alloc(1, sizeof *s);
    const mms_store_new new_files = {.write_back = what->sync};
    mms_undo_takes_list takes = {0};
    mms_status st;

    if (!s)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", what->path);
    pthread_mutex_init(&s->lock, NULL);
    s->add = what->add;
    s->like = what->like;
    if (what->lock && *what->lock)
        MMS_TRY(mms_undo_takes(what->lock, what->path, &takes, err));
    MMS_TRY(mms_table_open(what->path, MMS_TABLE_UPDATE, &s->table, err));
    MMS_TRY(add_columns(s, what, err));
    MMS_TRY(mms_store_open(s->table, what->tiles ? MMS_WAY_TILES : 0, &s->in, err));
    if (takes.n > 0)
        MMS_TRY(mms_replace_open(s->table, s->in, &takes, what, &s->replace, err));
    if (what->tiles && what->add)
        MMS_TRY(mms_store_create(s->table, MMS_WAY_TILES, &new_files, &s->out, err));
    if (s->out && mms_table_nrow(s->table) > 0)
        MMS_TRY(mms_store_define(s->out, shapes_like, s, err));
done:
    mms_undo_free_takes(&takes);
    if (st != MMS_OK)
        mms_sink_drop(out);
    return st;
}

const mms_column *mms_sink_column(const mms_sink *s, const char *column)
{
    return mms_table_find_column(s->table, column);
}

int64_t mms_sink_nrow(const mms_sink *s)
{
    return mms_table_nrow(s->table);
}

/** The way to the cells that are there. */
static mms_status find_stored(mms_sink *s, const char *column, mms_stored *found, mms_error *err)
{
    mms_status st;

    pthread_mutex_lock(&s->lock);
    st = mms_store_find(s->in, column, MMS_WANT_CELLS, found, err);
    pthread_mutex_unlock(&s->lock);
    return st;
}

mms_status mms_sink_shapes(mms_sink *s, const char *column, int64_t nrange, const mms_rows *ranges,
                           mms_shape_run **runs, int64_t *nrun, mms_error *err)
{
    mms_stored found;
    mms_status st;

    MMS_TRY(find_stored(s, column, &found, err));
    MMS_TRY(found.kind->shapes(&found, nrange, ranges, runs, nrun, err));
done:
    return st;
}

mms_status mms_sink_read(mms_sink *s, const char *column, int64_t nrange, const mms_rows *ranges,
                         int64_t nvalue, void *data, mms_error *err)
{
    mms_stored found;
    mms_status st;

    MMS_TRY(find_stored(s, column, &found, err));
    MMS_TRY(found.kind->read(&found, nrange, ranges, nvalue, data, err));
done:
    return st;
}

/** Choose how a column's manager is written, at its first use. */
static mms_status choose_way(mms_sink *s, const char *column, mms_stored *found, mms_error *err)
{
    const mms_column *c = mms_table_find_column(s->table, column);
    int64_t i = 0;
    bool tiles = false;
    mms_status st;

    MMS_TRY(mms_store_find(s->in, column, MMS_WANT_CELLS, found, err));
    while (c && i < s->nway && strcmp(s->ways[i].group, c->group) != 0)
        i++;
    if (c && i == s->nway) {
        if (found->kind->update)
            MMS_TRY(mms_sink_has_all_cells(s->table, found, &tiles, err));
        MMS_TRY(mms_grow(&s->ways, &s->capacity, s->nway + 1, sizeof *s->ways, err));
        s->ways[s->nway++] = (way){c->group, tiles};
    }
    if (c && s->ways[i].tiles && !found->kind->update)
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "%s: %s is in tiles with columns that are read otherwise: use tiles=False",
                         mms_table_path(s->table), column));
    if (c && !s->ways[i].tiles)
        *found = mms_stored_in_table(s->table, column);
done:
    return st;
}

/** Of a column that is new. */
static mms_status write_new(mms_sink *s, const char *column, int64_t nrange, const mms_rows *ranges,
                            int32_t ndim, const int64_t *shape, int64_t nvalue, const void *data,
                            mms_error *err)
{
    mms_stored found = mms_stored_in_table(s->table, column);
    mms_status st;

    if (s->out)
        MMS_TRY(mms_store_find(s->out, column, MMS_WANT_CELLS, &found, err));
    MMS_TRY(found.kind->put(&found, nrange, ranges, ndim, shape, nvalue, data, err));
done:
    return st;
}

mms_status mms_sink_write(mms_sink *s, const char *column, int64_t nrange, const mms_rows *ranges,
                          int32_t ndim, const int64_t *shape, int64_t nvalue, const void *data,
                          mms_error *err)
{
    mms_stored found;
    mms_status st = MMS_OK;

    assert(nrange == 0 || ranges[0].first >= 0);
    assert(nrange == 0 || ranges[nrange - 1].first + ranges[nrange - 1].count <= mms_sink_nrow(s));
    if (mms_sink_is_new(s, column))
        return write_new(s, column, nrange, ranges, ndim, shape, nvalue, data, err);
    pthread_mutex_lock(&s->lock);
    if (mms_replace_has(s->replace, column))
        found = mms_replace_note(s->replace, column, nrange, ranges);
    else
        st = choose_way(s, column, &found, err);
    pthread_mutex_unlock(&s->lock);
    MMS_TRY(st);
    st = found.kind->update
             ? found.kind->update(&found, nrange, ranges, nvalue, data, err)
             : found.kind->put(&found, nrange, ranges, ndim, shape, nvalue, data, err);
done:
    return st;
}

mms_status mms_sink_close(mms_sink **sink, mms_error *err)
{
    mms_sink *s = *sink;
    mms_status st;

    MMS_TRY(mms_store_finish(&s->out, err));
    MMS_TRY(mms_replace_finish(&s->replace, err));
    MMS_TRY(mms_store_finish(&s->in, err));
    MMS_TRY(mms_table_close(&s->table, err));
done:
    mms_sink_drop(sink);
    return st;
}

void mms_sink_drop(mms_sink **sink)
{
    mms_sink *s = *sink;

    *sink = NULL;
    if (!s)
        return;
    mms_store_close(&s->out);
    mms_replace_drop(&s->replace);
    mms_store_close(&s->in);
    mms_table_drop(&s->table);
    pthread_mutex_destroy(&s->lock);
    free(s->ways);
    free(s);
}
