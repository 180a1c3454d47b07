/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file store.c  The way to the cells of a column: found, and proved, at its first use. */
#include "store_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "multims/log.h"

enum { SAMPLES = 8 };

/** What is known of a column: bits. */
enum { SHAPED = 1, PROVED = 2, REFUSED = 4 };

/** A manager: not tried, in use, or left to casacore. */
typedef struct manager {
    const mms_store_kind *kind;
    mms_store_manager is;
    bool tried;
    void *handle;   /**< NULL: casacore has it */
    uint8_t *known; /**< by column */
} manager;

struct mms_store {
    mms_table *table;
    int64_t n, capacity;
    manager *managers;
};

/** In the order in which they are asked; bit i of ways is that of kinds[i]. */
static const mms_store_kind *const kinds[] = {&mms_store_tiles, &mms_store_buckets};

static mms_status out_of_memory(const mms_table *table, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", mms_table_path(table));
}

/** Add the managers of a kind, those that are hollow or those that are not. */
static mms_status add_managers(mms_store *s, const mms_store_kind *kind, bool hollow,
                               mms_error *err)
{
    mms_store_manager *list = NULL;
    int64_t n = 0;
    mms_status st;

    MMS_TRY(kind->managers(s->table, &n, &list, err));
    for (int64_t i = 0; i < n; i++) {
        if (list[i].hollow != hollow)
            continue;
        MMS_TRY(mms_grow(&s->managers, &s->capacity, s->n + 1, sizeof *s->managers, err));
        s->managers[s->n++] = (manager){
            .kind = kind, .is = list[i], .known = mms_alloc(list[i].ncolumn, sizeof(uint8_t))};
        if (!s->managers[s->n - 1].known)
            MMS_TRY(out_of_memory(s->table, err));
    }
done:
    free(list);
    return st;
}

static mms_status list_managers(mms_table *table, unsigned ways, bool hollow, mms_store **out,
                                mms_error *err)
{
    mms_store *s = *out = mms_alloc(1, sizeof *s);
    mms_status st = s ? MMS_OK : out_of_memory(table, err);

    if (s)
        s->table = table;
    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(kinds); i++)
        if (ways & 1U << i)
            st = add_managers(s, kinds[i], hollow, err);
    if (st != MMS_OK)
        mms_store_close(out);
    return st;
}

mms_status mms_store_open(mms_table *table, unsigned ways, mms_store **out, mms_error *err)
{
    return list_managers(table, ways, false, out, err);
}

mms_status mms_store_create(mms_table *table, unsigned ways, const mms_store_new *how,
                            mms_store **out, mms_error *err)
{
    mms_status st = list_managers(table, ways, true, out, err);

    for (int64_t i = 0; st == MMS_OK && i < (*out)->n; i++) {
        manager *m = &(*out)->managers[i];
        m->tried = true;
        st = m->kind->create(table, m->is.what, how, &m->handle, err);
    }
    if (st != MMS_OK)
        mms_store_close(out);
    return st;
}

void mms_store_trust(mms_store *s)
{
    for (int64_t i = 0; i < s->n; i++)
        memset(s->managers[i].known, SHAPED | PROVED, (size_t)s->managers[i].is.ncolumn);
}

void mms_store_close(mms_store **store)
{
    mms_store *s = *store;

    *store = NULL;
    for (int64_t i = 0; s && i < s->n; i++) {
        if (s->managers[i].handle)
            s->managers[i].kind->drop(s->managers[i].handle);
        free(s->managers[i].known);
    }
    if (s)
        free(s->managers);
    free(s);
}

/* ---- the proof --------------------------------------------------------------------------------*/

static bool same_shape(const mms_shape_run *a, const mms_shape_run *b)
{
    return a->ndim == b->ndim &&
           (a->ndim <= 0 || !memcmp(a->shape, b->shape, (size_t)a->ndim * sizeof a->shape[0]));
}

/** Compare the shape of a row's cell with what casacore finds; *nvalue is what the cell holds. */
static mms_status compare_shape(const mms_stored *ours, const mms_stored *theirs,
                                const mms_column *c, int64_t row, bool *same, int64_t *nvalue,
                                mms_error *err)
{
    const mms_rows one = {row, 1};
    mms_shape_run *a = NULL, *b = NULL;
    int64_t n;
    mms_status st = MMS_OK;

    *same = true;
    *nvalue = 1;
    if (!ours->kind->shapes)
        return MMS_OK;
    MMS_TRY(ours->kind->shapes(ours, 1, &one, &a, &n, err));
    MMS_TRY(theirs->kind->shapes(theirs, 1, &one, &b, &n, err));
    *same = same_shape(a, b);
    *nvalue = a->ndim < 0 ? 0 : mms_cell_values(c, a->ndim, a->shape);
done:
    free(a);
    free(b);
    return st;
}

/** Compare n values of a row's cell with what casacore reads. */
static mms_status compare_cell(const mms_stored *ours, const mms_stored *theirs, int64_t row,
                               int64_t n, size_t size, bool *same, mms_error *err)
{
    const mms_rows one = {row, 1};
    uint8_t *cells = mms_alloc(2 * n, size);
    mms_status st;

    MMS_TRY(cells ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", ours->name));
    MMS_TRY(ours->kind->read(ours, 1, &one, n, cells, err));
    MMS_TRY(theirs->kind->read(theirs, 1, &one, n, cells + (size_t)n * size, err));
    *same = !memcmp(cells, cells + (size_t)n * size, (size_t)n * size);
done:
    free(cells);
    return st;
}

/** Compare shapes of cells, which takes casacore little, or cells, for which it reads. */
static mms_status prove(const mms_store *s, const manager *m, int64_t k, bool cells, mms_error *err)
{
    const mms_column *c = m->is.columns[k];
    const mms_stored ours = {m->kind, m->handle, k, c->name};
    const mms_stored theirs = mms_stored_in_table(s->table, c->name);
    int64_t rows[SAMPLES], nvalue;
    const int64_t n = m->kind->samples(&ours, SAMPLES, rows);
    bool same = true;
    mms_status st = MMS_OK;

    for (int64_t i = 0; same && i < n; i++) {
        MMS_TRY(compare_shape(&ours, &theirs, c, rows[i], &same, &nvalue, err));
        if (same && cells && nvalue > 0)
            MMS_TRY(compare_cell(&ours, &theirs, rows[i], nvalue, mms_dtype_size(c->dtype), &same,
                                 err));
        if (!same)
            mms_log(MMS_LOG_WARN, "ms",
                    "%s: %s: row %" PRId64 " of its %s is not what casacore reads; the column "
                    "is read through casacore",
                    mms_table_path(s->table), c->name, rows[i], m->kind->files);
    }
    m->known[k] |= (uint8_t)(!same ? SHAPED | PROVED | REFUSED : cells ? SHAPED | PROVED : SHAPED);
done:
    return st;
}

/* ---- columns ----------------------------------------------------------------------------------*/

/** Use a manager for the first time. */
static mms_status try_manager(const mms_store *s, manager *m, mms_error *err)
{
    mms_error why = {0};
    const mms_status st = m->kind->open(s->table, m->is.what, &m->handle, &why);

    m->tried = true;
    if (st == MMS_ERR_UNSUPPORTED)
        mms_log(MMS_LOG_INFO, "ms", "%s: %s is read through casacore: %s", mms_table_path(s->table),
                m->is.columns[0]->name, why.msg);
    else if (st != MMS_OK)
        return mms_fail(err, st, "%s", why.msg);
    return MMS_OK;
}

/** The manager of a column that can be had directly; NULL: none. */
static manager *find_manager(const mms_store *s, const char *column, int64_t *k)
{
    for (int64_t i = 0; s && i < s->n; i++) {
        manager *m = &s->managers[i];
        for (*k = 0; *k < m->is.ncolumn; ++*k)
            if (!strcmp(m->is.columns[*k]->name, column))
                return m->kind->holds(m->is.columns[*k]) ? m : NULL;
    }
    return NULL;
}

mms_status mms_store_find(mms_store *s, const char *column, mms_store_want want, mms_stored *found,
                          mms_error *err)
{
    const bool cells = want == MMS_WANT_CELLS;
    int64_t k;
    manager *m = find_manager(s, column, &k);
    mms_status st = MMS_OK;

    *found = mms_stored_in_table(s->table, column);
    if (!m || want == MMS_WANT_CASACORE || (!cells && !m->kind->shapes))
        return MMS_OK;
    if (!m->tried)
        MMS_TRY(try_manager(s, m, err));
    if (m->handle && !m->is.hollow && !(m->known[k] & (cells ? PROVED : SHAPED)))
        MMS_TRY(prove(s, m, k, cells, err));
    if (m->handle && !(m->known[k] & REFUSED))
        *found = (mms_stored){m->kind, m->handle, k, m->is.columns[k]->name};
done:
    return st;
}

/* ---- new tables -------------------------------------------------------------------------------*/

mms_status mms_store_define(mms_store *s, mms_store_shapes *shapes, void *user, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < s->n; i++) {
        const manager *m = &s->managers[i];
        mms_shape_run *runs = NULL;
        int64_t nrun;
        if (!m->kind->define)
            continue;
        st = shapes(user, m->is.columns[0]->name, &runs, &nrun, err);
        if (st == MMS_OK)
            st = m->kind->define(m->handle, nrun, runs, err);
        free(runs);
    }
    return st;
}

mms_status mms_store_advance(mms_store *s, int64_t row, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < s->n; i++)
        if (s->managers[i].kind->advance)
            st = s->managers[i].kind->advance(s->managers[i].handle, row, err);
    return st;
}

uint64_t mms_store_layout(const mms_store *s)
{
    uint64_t sum = 0; // managers come in any order

    for (int64_t i = 0; i < s->n; i++)
        if (s->managers[i].kind->layout)
            sum += s->managers[i].kind->layout(s->managers[i].handle);
    return sum;
}

int64_t mms_store_shared(const mms_store *s)
{
    int64_t bytes = 0;

    for (int64_t i = 0; i < s->n; i++)
        if (s->managers[i].kind->shared)
            bytes += s->managers[i].kind->shared(s->managers[i].handle);
    return bytes;
}

mms_status mms_store_finish(mms_store **store, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; *store && st == MMS_OK && i < (*store)->n; i++)
        if ((*store)->managers[i].handle)
            st = (*store)->managers[i].kind->finish((*store)->managers[i].handle, err);
    mms_store_close(store);
    return st;
}

mms_status mms_store_check(mms_table *table, mms_error *err)
{
    mms_store *s;
    mms_status st;

    MMS_TRY(mms_store_open(table, MMS_WAYS_ALL, &s, err));
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t k = 0; k < s->managers[i].is.ncolumn; k++) {
            const manager *m = &s->managers[i];
            mms_stored found;
            MMS_TRY(mms_store_find(s, m->is.columns[k]->name, MMS_WANT_CELLS, &found, err));
            if (found.kind != m->kind && m->kind->holds(m->is.columns[k]))
                MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "%s: %s: casacore reads other cells",
                                 mms_table_path(table), found.name));
        }
done:
    mms_store_close(&s);
    return st;
}
