/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file members.c  The members of a set, and those of them that are open. */
#include "members_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/limits_priv.h"

/** Members that stay open, beside those in use and the first. */
enum { MOST_OPEN = 8 };

/** A member that is open. */
struct mms_open_member {
    mms_open_member *next;
    int64_t number;
    mms_table *table;
    mms_store *store; /**< NULL until it is asked for */
    int users;
};

/** A member has the columns of the first, with the same types (multi-ms 1.8). */
static mms_status check_columns(const mms_members *s, const mms_table *table, mms_error *err)
{
    const int64_t n = mms_table_ncolumn(s->first);
    const bool uneven = s->known == MMS_KNOWN_UNEVEN;

    for (int64_t i = 0; i < n; i++) {
        const mms_column *want = mms_table_column(s->first, i);
        const mms_column *have = mms_table_find_column(table, want->name);
        if (!have && uneven)
            continue;
        if (!have || have->dtype != want->dtype || have->scalar != want->scalar)
            return mms_fail(
                err, MMS_ERR_TABLE, "%s: column %s is not as in the first member (%s; %s there)",
                mms_table_path(table), want->name, have ? mms_dtype_name(have->dtype) : "missing",
                mms_dtype_name(want->dtype));
    }
    for (int64_t i = 0; !uneven && mms_table_ncolumn(table) != n && i < mms_table_ncolumn(table);
         i++) {
        const char *name = mms_table_column(table, i)->name;
        if (!mms_table_find_column(s->first, name))
            return mms_fail(err, MMS_ERR_TABLE, "%s: column %s, which the first member lacks",
                            mms_table_path(table), name);
    }
    return MMS_OK;
}

/** Open the table of member i. */
static mms_status open_table(const mms_members *s, int64_t i, mms_table **out, mms_error *err)
{
    const mms_member_entry *const m = &s->list[i];

    mms_log(MMS_LOG_TRACE, "ms", "open %s", m->path);
    return mms_table_open(m->path, MMS_TABLE_READ, out, err);
}

/** Count the rows of a member as its table.dat has them. */
static mms_status count_rows(mms_member_entry *m, mms_error *err)
{
    mms_table_dat dat = {0};
    const mms_status st = mms_table_dat_read(m->path, &dat, err);

    m->rows.count = dat.nrow;
    mms_table_dat_free(&dat);
    return st;
}

/** Take a member and count its rows; the first stays open. */
static mms_status take_member(mms_members *s, int64_t i, const char *path, mms_error *err)
{
    mms_member_entry *m = &s->list[i];
    mms_table *table = NULL;
    mms_status st;

    m->path = strdup(path);
    MMS_TRY(m->path ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", s->path));
    m->rows.first = s->nrow;
    if (s->known >= MMS_KNOWN_SEEN && i > 0) // it is held against this when it is read
        MMS_TRY(count_rows(m, err));
    else
        MMS_TRY(open_table(s, i, i > 0 ? &table : &s->first, err));
    if (i == 0 || table)
        m->rows.count = mms_table_nrow(i == 0 ? s->first : table);
    if (table)
        MMS_TRY(check_columns(s, table, err));
    s->nrow += m->rows.count;
done:
    mms_table_drop(&table);
    return st;
}

mms_status mms_members_open(mms_members *s, const char *path, bool multi, const mms_table_dat *dat,
                            mms_known known, mms_error *err)
{
    mms_status st = MMS_OK;

    *s = (mms_members){.path = path, .n = multi ? dat->nmember : 1, .known = known};
    pthread_mutex_init(&s->lock, NULL);
    if (s->n == 0)
        return mms_fail(err, MMS_ERR_TABLE, "There are no subMSs in input vis %s", path);
    s->list = mms_alloc(s->n, sizeof *s->list);
    if (!s->list)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    for (int64_t i = 0; st == MMS_OK && i < s->n; i++)
        st = take_member(s, i, multi ? dat->members[i] : path, err);
    if (st != MMS_OK)
        return multi ? mms_wrap(err, st, "%s", path) : st;
    mms_members_allow(s, MOST_OPEN, 1);
    return MMS_OK;
}

void mms_members_allow(mms_members *s, int most, int sets)
{
    enum { OTHERS = 3 }; // the first, an output, a sub-table

    s->most_open = mms_tables_allow(s->list[0].path, most, OTHERS, sets);
}

/** Close an open member. */
static void close_member(mms_members *s, mms_open_member **link)
{
    mms_open_member *m = *link;

    *link = m->next;
    s->nopen -= m->number > 0;
    mms_store_close(&m->store);
    if (m->table != s->first)
        mms_table_drop(&m->table);
    free(m);
}

/** Close the one that was not used for longest, if any is not used. */
static bool close_oldest(mms_members *s)
{
    mms_open_member **oldest = NULL;

    for (mms_open_member **link = &s->open; *link; link = &(*link)->next)
        if ((*link)->users == 0 && (*link)->number > 0)
            oldest = link; // those that were used last are first
    if (oldest)
        close_member(s, oldest);
    return oldest;
}

void mms_members_close(mms_members *s)
{
    if (!s->path)
        return; // it was not opened
    while (s->open)
        close_member(s, &s->open);
    pthread_mutex_destroy(&s->lock);
    mms_table_drop(&s->first);
    for (int64_t i = 0; s->list && i < s->n; i++)
        free(s->list[i].path);
    free(s->list);
    *s = (mms_members){0};
}

mms_status mms_members_drop_caches(mms_members *s, mms_error *err)
{
    mms_status st = mms_table_drop_caches(s->first, err);

    for (mms_open_member *m = s->open; st == MMS_OK && m; m = m->next)
        st = mms_table_drop_caches(m->table, err);
    return st;
}

int64_t mms_members_of(const mms_members *s, int64_t row)
{
    int64_t low = 0, high = s->n - 1;

    while (low < high) {
        const int64_t mid = low + (high - low + 1) / 2;
        if (s->list[mid].rows.first <= row)
            low = mid;
        else
            high = mid - 1;
    }
    while (s->list[low].rows.count == 0 && low + 1 < s->n)
        low++;
    return low;
}

/** A member that was not opened when its rows were counted. */
static mms_status check_seen(const mms_members *s, int64_t i, const mms_table *table,
                             mms_error *err)
{
    const int64_t want = s->list[i].rows.count, have = mms_table_nrow(table);

    if (have != want)
        return mms_fail(err, MMS_ERR_INTERNAL,
                        "%s has %" PRId64 " rows, its table.dat says %" PRId64, s->list[i].path,
                        have, want);
    return check_columns(s, table, err);
}

/** Find an open member, which becomes the first of the list; NULL: it is not open. */
static mms_open_member *find_open(mms_members *s, int64_t i)
{
    for (mms_open_member **link = &s->open; *link; link = &(*link)->next) {
        mms_open_member *m = *link;
        if (m->number != i)
            continue;
        *link = m->next;
        m->next = s->open;
        s->open = m;
        return m;
    }
    return NULL;
}

/** Find member i among those that are open, or open it. */
static mms_status open_member(mms_members *s, int64_t i, mms_open_member **out, mms_error *err)
{
    mms_table *table = NULL;
    mms_status st = MMS_OK;

    if ((*out = find_open(s, i)))
        return MMS_OK;
    while (i > 0 && s->nopen >= s->most_open && close_oldest(s))
        continue;
    if (i > 0)
        MMS_TRY(open_table(s, i, &table, err));
    if (i > 0 && s->known >= MMS_KNOWN_SEEN)
        MMS_TRY(check_seen(s, i, table, err));
    if (!(*out = mms_alloc(1, sizeof **out)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", s->path));
    **out = (mms_open_member){.next = s->open, .number = i, .table = i > 0 ? table : s->first};
    table = NULL;
    s->open = *out;
    s->nopen += i > 0;
done:
    mms_table_drop(&table);
    return st;
}

void mms_members_keep(const mms_members *s)
{
    if (s->by_casacore)
        mms_casacore_keep();
}

void mms_members_leave(const mms_members *s)
{
    if (s->by_casacore)
        mms_casacore_leave();
}

mms_status mms_members_use(mms_members *s, int64_t i, const char *column, mms_store_want want,
                           mms_member_column *out, mms_error *err)
{
    mms_open_member *m;
    mms_status st;

    *out = (mms_member_column){0};
    mms_members_keep(s); /* before the lock, as who reads a block has it */
    pthread_mutex_lock(&s->lock);
    MMS_TRY(open_member(s, i, &m, err));
    m->users++;
    *out = (mms_member_column){m, m->table, mms_stored_in_table(m->table, column)};
    if (want == MMS_WANT_CASACORE)
        goto done;
    if (!m->store) {
        MMS_TRY(mms_store_open(m->table, MMS_WAYS_ALL, &m->store, err));
        if (s->known == MMS_KNOWN_MADE)
            mms_store_trust(m->store);
    }
    MMS_TRY(mms_store_find(m->store, column, want, &out->cells, err));
done:
    pthread_mutex_unlock(&s->lock);
    mms_members_leave(s);
    return st;
}

void mms_members_release(mms_members *s, mms_member_column *column)
{
    if (!column->member)
        return;
    pthread_mutex_lock(&s->lock);
    column->member->users--;
    pthread_mutex_unlock(&s->lock);
    column->member = NULL;
}
