/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file ms.c  An MS or a Multi-MS as one run of rows over its members. */
#include "multims/ms.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "base/limits_priv.h"
#include "columns.h"
#include "direct_priv.h"
#include "mms/concat_priv.h"
#include "ms_priv.h"
#include "rowlist_priv.h"
#include "scalars_priv.h"

enum { MANY_ROWS = 1 << 22, PROOFS = 32 };

typedef struct member_entry {
    char *path;
    mms_rows rows;
} member_entry;

/** A kind of new tables that was compared with what casacore reads, and the most rows of one. */
typedef struct proof {
    uint64_t kind;
    int64_t nrow;
} proof;

/** A member that is open. */
typedef struct open_member {
    struct open_member *next;
    int64_t number;
    mms_table *table;
    mms_direct *tiles; /**< NULL until they are asked for */
    mms_scalars *scalars;
    int users;
} open_member;

struct mms_ms {
    char *path, *axis;
    bool multi;
    int64_t nrow, nmember;
    member_entry *members;
    mms_table *first; /**< member 0: columns and keywords */
    bool no_tiles;    /**< casacore reads all columns */
    bool made;        /**< by us, just now */
    bool seen;        /**< members are opened when they are read: they were looked at before */
    int most_open;    /**< members at once, beside the first */
    bool uneven;      /**< members may lack columns of the first */
    mms_value *subtables, *missing;
    int nproof;
    proof proofs[PROOFS]; /**< kinds beyond that are compared each time */
    pthread_mutex_t lock; /**< of what follows */
    open_member *open;
    int nopen;
};

/** Table kind and axis; a concatenated table that is no Multi-MS is refused. */
static mms_status read_kind(mms_ms *ms, mms_table_dat *dat, mms_error *err)
{
    mms_info info = {0};
    mms_status st = mms_table_dat_read(ms->path, dat, err);

    if (st != MMS_OK)
        return st;
    st = mms_info_read(ms->path, &info, err);
    if (st == MMS_ERR_NOT_FOUND)
        st = MMS_OK; // table.info is not needed to read a table
    if (st != MMS_OK)
        return st;
    const bool marked = info.subtype && !strcmp(info.subtype, "CONCATENATED");
    ms->multi = dat->kind == MMS_KIND_CONCAT && marked;
    ms->axis = ms->multi ? mms_info_axis(&info) : strdup("");
    mms_info_free(&info);
    if (dat->kind == MMS_KIND_CONCAT && !marked)
        return mms_fail(err, MMS_ERR_TABLE, "%s: concatenated table, not a Multi-MS", ms->path);
    if (marked && !ms->multi)
        mms_log(MMS_LOG_WARN, "ms", "%s is marked as CONCATENATED but is one plain table",
                ms->path);
    return ms->axis ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", ms->path);
}

/** A member has the columns of the first, with the same types (multi-ms 1.8). */
static mms_status check_columns(const mms_ms *ms, const mms_table *table, mms_error *err)
{
    const int64_t n = mms_table_ncolumn(ms->first);

    for (int64_t i = 0; i < n; i++) {
        const mms_column *want = mms_table_column(ms->first, i);
        const mms_column *have = mms_table_find_column(table, want->name);
        if (!have && ms->uneven)
            continue;
        if (!have || have->dtype != want->dtype || have->scalar != want->scalar)
            return mms_fail(
                err, MMS_ERR_TABLE, "%s: column %s is not as in the first member (%s; %s there)",
                mms_table_path(table), want->name, have ? mms_dtype_name(have->dtype) : "missing",
                mms_dtype_name(want->dtype));
    }
    for (int64_t i = 0;
         !ms->uneven && mms_table_ncolumn(table) != n && i < mms_table_ncolumn(table); i++) {
        const char *name = mms_table_column(table, i)->name;
        if (!mms_table_find_column(ms->first, name))
            return mms_fail(err, MMS_ERR_TABLE, "%s: column %s, which the first member lacks",
                            mms_table_path(table), name);
    }
    return MMS_OK;
}

/** Members that stay open, beside those in use and the first. */
enum { MOST_OPEN = 8, OTHER_TABLES = 3 }; // the first, an output, a sub-table

/** Take over the open table of member i. */
static mms_status keep_open(mms_ms *ms, int64_t i, mms_table **table, mms_error *err)
{
    open_member *m = mms_alloc(1, sizeof *m);

    if (!m)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", ms->path);
    *m = (open_member){.next = ms->open, .number = i, .table = *table};
    *table = NULL;
    ms->open = m;
    ms->nopen += i > 0;
    return MMS_OK;
}

/** Open the table of member i. */
static mms_status open_table(const mms_ms *ms, int64_t i, mms_table **out, mms_error *err)
{
    const member_entry *const m = &ms->members[i];

    mms_log(MMS_LOG_TRACE, "ms", "open %s", m->path);
    return mms_table_open(m->path, MMS_TABLE_READ, out, err);
}

/** Count the rows of a member as its table.dat has them. */
static mms_status count_rows(member_entry *m, mms_error *err)
{
    mms_table_dat dat = {0};
    const mms_status st = mms_table_dat_read(m->path, &dat, err);

    m->rows.count = dat.nrow;
    mms_table_dat_free(&dat);
    return st;
}

/** A member that was not opened when its rows were counted. */
static mms_status check_made(const mms_ms *ms, int64_t i, const mms_table *table, mms_error *err)
{
    const int64_t want = ms->members[i].rows.count, have = mms_table_nrow(table);

    if (have != want)
        return mms_fail(err, MMS_ERR_INTERNAL,
                        "%s has %" PRId64 " rows, its table.dat says %" PRId64, ms->members[i].path,
                        have, want);
    return check_columns(ms, table, err);
}

/** Take the members and count their rows. */
static mms_status read_members(mms_ms *ms, const mms_table_dat *dat, mms_error *err)
{
    mms_table *table = NULL;
    mms_status st = MMS_OK;

    ms->nmember = ms->multi ? dat->nmember : 1;
    if (ms->nmember == 0)
        return mms_fail(err, MMS_ERR_TABLE, "There are no subMSs in input vis %s", ms->path);
    ms->members = mms_alloc(ms->nmember, sizeof *ms->members);
    if (!ms->members)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", ms->path);
    for (int64_t i = 0; i < ms->nmember; i++) {
        member_entry *m = &ms->members[i];
        m->path = strdup(ms->multi ? dat->members[i] : ms->path);
        MMS_TRY(m->path ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", ms->path));
        m->rows.first = ms->nrow;
        if (ms->seen && i > 0) // it is opened, and held against this, when it is read
            MMS_TRY(count_rows(m, err));
        else
            MMS_TRY(open_table(ms, i, &table, err));
        if (table)
            m->rows.count = mms_table_nrow(table);
        ms->nrow += m->rows.count;
        if (i == 0) {
            ms->first = table;
            table = NULL;
        }
        if (table)
            MMS_TRY(check_columns(ms, table, err));
        mms_table_drop(&table);
    }
done:
    mms_table_drop(&table);
    return ms->multi && st != MMS_OK ? mms_wrap(err, st, "%s", ms->path) : st;
}

static mms_status read_subtables(mms_ms *ms, mms_error *err)
{
    mms_value *missing, *path;
    const char *name;
    const mms_status st = mms_subtable_list(ms->first, &ms->subtables, &missing, err);

    if (st != MMS_OK)
        return st;
    json_object_del(ms->subtables, "SORTED_TABLE");
    json_object_del(missing, "SORTED_TABLE");
    ms->missing = json_array();
    json_object_foreach(missing, name, path)
        json_array_append_new(ms->missing, mms_text_value(name));
    json_decref(missing);
    return MMS_OK;
}

/** An MS has the columns and sub-tables without which nothing can be done. */
static mms_status check_is_ms(const mms_ms *ms, mms_error *err)
{
    static const char *const columns[] = {MMS_COL_TIME,     MMS_COL_ANTENNA1,
                                          MMS_COL_ANTENNA2, MMS_COL_DATA_DESC_ID,
                                          MMS_COL_FIELD_ID, MMS_COL_SCAN_NUMBER};
    static const char *const tables[] = {"ANTENNA", "DATA_DESCRIPTION", "FIELD", "POLARIZATION",
                                         "SPECTRAL_WINDOW"};

    for (int64_t i = 0; i < MMS_COUNT_OF(columns); i++)
        if (!mms_ms_find_column(ms, columns[i]))
            return mms_fail(err, MMS_ERR_TABLE, "%s is not a MeasurementSet: no column %s",
                            ms->path, columns[i]);
    for (int64_t i = 0; i < MMS_COUNT_OF(tables); i++)
        if (!mms_ms_subtable(ms, tables[i]))
            return mms_fail(err, MMS_ERR_TABLE, "%s is not a MeasurementSet: no sub-table %s",
                            ms->path, tables[i]);
    return MMS_OK;
}

/** Lists of rows may take more than other work has room for, as far as there are files for them. */
static void allow_memory(const mms_ms *ms)
{
    int64_t bytes = 0;

    if (ms->nrow < MANY_ROWS)
        return;
    for (int64_t i = 0; i < ms->nmember; i++)
        bytes += mms_folder_bytes(ms->members[i].path);
    mms_memory_allow(MMS_ROOM_SET, bytes);
}

/** What is known of members. */
typedef enum known {
    NOTHING,
    UNEVEN, /**< they may lack columns of the first */
    SEEN,   /**< the client of this unit has looked at them */
    MADE    /**< they were made by us, just now */
} known;

static mms_status open_ms(const char *path, known what, mms_ms **out, mms_error *err)
{
    mms_table_dat dat = {0};
    mms_ms *ms = calloc(1, sizeof *ms);
    bool there;
    mms_status st;

    *out = NULL;
    if (!ms || !(ms->path = mms_path_strip(path))) {
        free(ms);
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    }
    pthread_mutex_init(&ms->lock, NULL);
    ms->made = what == MADE;
    ms->seen = what >= SEEN;
    ms->uneven = what == UNEVEN;
    MMS_TRY(mms_path_exists(ms->path, &there, err));
    if (!there)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "Visibility data set not found - please verify the name. (%s)", path));
    MMS_TRY(read_kind(ms, &dat, err));
    MMS_TRY(read_members(ms, &dat, err));
    ms->most_open = mms_tables_allow(ms->members[0].path, MOST_OPEN, OTHER_TABLES, 1);
    MMS_TRY(read_subtables(ms, err));
    MMS_TRY(check_is_ms(ms, err));
    allow_memory(ms);
    *out = ms;
    ms = NULL;
done:
    mms_table_dat_free(&dat);
    mms_ms_close(&ms);
    return st;
}

mms_status mms_ms_open(const char *path, mms_ms **out, mms_error *err)
{
    return open_ms(path, NOTHING, out, err);
}

mms_status mms_ms_open_uneven(const char *path, mms_ms **out, mms_error *err)
{
    return open_ms(path, UNEVEN, out, err);
}

mms_status mms_ms_open_seen(const char *path, mms_ms **out, mms_error *err)
{
    return open_ms(path, SEEN, out, err);
}

mms_status mms_ms_open_made(const char *path, mms_ms **out, mms_error *err)
{
    return open_ms(path, MADE, out, err);
}

/** Close the open members but the first, or that too. */
static void close_members(mms_ms *ms, bool first)
{
    open_member **link = &ms->open;

    while (*link) {
        open_member *m = *link;
        if (m->users > 0 || (m->number == 0 && !first)) {
            link = &m->next;
            continue;
        }
        *link = m->next;
        ms->nopen -= m->number > 0;
        mms_direct_close(&m->tiles);
        mms_scalars_close(&m->scalars);
        if (m->table != ms->first)
            mms_table_drop(&m->table);
        free(m);
    }
}

void mms_ms_close(mms_ms **ms)
{
    mms_ms *m = *ms;

    *ms = NULL;
    if (!m)
        return;
    close_members(m, true);
    pthread_mutex_destroy(&m->lock);
    mms_table_drop(&m->first);
    for (int64_t i = 0; m->members && i < m->nmember; i++)
        free(m->members[i].path);
    free(m->members);
    mms_value_free(&m->subtables);
    mms_value_free(&m->missing);
    free(m->axis);
    free(m->path);
    free(m);
}

mms_status mms_ms_drop_caches(mms_ms *ms, mms_error *err)
{
    mms_status st = mms_table_drop_caches(ms->first, err);

    for (open_member *m = ms->open; st == MMS_OK && m; m = m->next)
        st = mms_table_drop_caches(m->table, err);
    return st;
}

const char *mms_ms_path(const mms_ms *ms)
{
    return ms->path;
}

int64_t mms_ms_nrow(const mms_ms *ms)
{
    return ms->nrow;
}

bool mms_ms_is_multi(const mms_ms *ms)
{
    return ms->multi;
}

const char *mms_ms_axis(const mms_ms *ms)
{
    return ms->axis;
}

int64_t mms_ms_nmember(const mms_ms *ms)
{
    return ms->nmember;
}

const char *mms_ms_member_path(const mms_ms *ms, int64_t i)
{
    return ms->members[i].path;
}

mms_rows mms_ms_member_rows(const mms_ms *ms, int64_t i)
{
    return ms->members[i].rows;
}

int64_t mms_ms_ncolumn(const mms_ms *ms)
{
    return mms_table_ncolumn(ms->first);
}

const mms_column *mms_ms_column(const mms_ms *ms, int64_t i)
{
    return mms_table_column(ms->first, i);
}

const mms_column *mms_ms_find_column(const mms_ms *ms, const char *name)
{
    return mms_table_find_column(ms->first, name);
}

const char *mms_ms_subtable(const mms_ms *ms, const char *name)
{
    return json_string_value(json_object_get(ms->subtables, name));
}

const mms_value *mms_ms_subtables(const mms_ms *ms)
{
    return ms->subtables;
}

const mms_value *mms_ms_missing_subtables(const mms_ms *ms)
{
    return ms->missing;
}

mms_status mms_ms_telescope(const mms_ms *ms, char **name, mms_error *err)
{
    const char *path = mms_ms_subtable(ms, "OBSERVATION");
    mms_table *table = NULL;
    mms_value *cell = NULL;
    mms_status st = MMS_OK;

    *name = NULL;
    if (path)
        MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    if (table && mms_table_nrow(table) > 0)
        MMS_TRY(mms_table_get_cell(table, "TELESCOPE_NAME", 0, &cell, err));
    *name = strdup(json_is_string(cell) ? json_string_value(cell) : "");
    if (!*name)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", ms->path);
done:
    mms_value_free(&cell);
    mms_table_drop(&table);
    return st;
}

mms_status mms_ms_subtable_has(const mms_ms *ms, const char *subtable, const char *column,
                               bool *has, mms_error *err)
{
    const char *path = mms_ms_subtable(ms, subtable);
    mms_table *table;
    mms_status st;

    *has = false;
    if (!path)
        return MMS_OK;
    st = mms_table_open(path, MMS_TABLE_READ, &table, err);
    if (st == MMS_OK)
        *has = mms_table_find_column(table, column) != NULL;
    mms_table_drop(&table);
    return st;
}

/** Whether a table's keywords define a model. */
static mms_status defines_model(mms_table *table, bool *has, mms_error *err)
{
    static const char prefix[] = "definedmodel_field_";
    mms_value *keywords, *value;
    const char *name;
    const mms_status st = mms_table_keywords(table, NULL, &keywords, err);

    if (st != MMS_OK)
        return st;
    json_object_foreach(keywords, name, value) if (!strncmp(name, prefix, sizeof prefix - 1) &&
                                                   json_is_string(value)) *has =
        *has || json_object_get(keywords, json_string_value(value));
    mms_value_free(&keywords);
    return MMS_OK;
}

mms_status mms_ms_has_model(const mms_ms *ms, bool *has, mms_error *err)
{
    const char *path = mms_ms_subtable(ms, "SOURCE");
    mms_table *source = NULL;
    mms_status st;

    *has = false;
    MMS_TRY(defines_model(ms->first, has, err));
    if (path) {
        MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &source, err));
        MMS_TRY(defines_model(source, has, err));
    }
done:
    mms_table_drop(&source);
    return st;
}

/** Open member i. */
static mms_status open_number(mms_ms *ms, int64_t i, open_member **out, mms_error *err)
{
    open_member *m = ms->open;
    mms_status st = MMS_OK;

    while (m && m->number != i)
        m = m->next;
    *out = m;
    if (m)
        return MMS_OK;
    if (i > 0 && ms->nopen >= ms->most_open)
        close_members(ms, false);
    mms_table *table = ms->first;
    if (i > 0)
        MMS_TRY(open_table(ms, i, &table, err));
    if (i > 0 && ms->seen)
        MMS_TRY(check_made(ms, i, table, err));
    MMS_TRY(keep_open(ms, i, &table, err));
    *out = ms->open;
done:
    if (st != MMS_OK && i > 0)
        mms_table_drop(&table);
    return st;
}

/** A column of a member while it is used. */
typedef struct source {
    open_member *member;
    mms_direct_column tiles; /**< NULL: casacore must be asked */
    mms_scalars_column scalars;
} source;

/** Find a scalar column in the buckets of an open member. */
static mms_status find_buckets(mms_ms *ms, const char *column, source *s, mms_error *err)
{
    const mms_column *c = mms_ms_find_column(ms, column);
    mms_status st = MMS_OK;

    if (!c || !c->scalar)
        return MMS_OK;
    if (!s->member->scalars)
        st = mms_scalars_open(s->member->table, &s->member->scalars, err);
    return st == MMS_OK ? mms_scalars_find(s->member->scalars, column, &s->scalars, err) : st;
}

/** What a column is wanted for, and so in which ways. */
typedef enum purpose {
    BY_CASACORE, /**< in no other */
    SHAPES,      /**< of cells in tiles */
    CELLS        /**< wherever they are */
} purpose;

/** Find a column of member i, which stays open until it is released. */
static mms_status use_column(mms_ms *ms, int64_t i, const char *column, purpose what, source *out,
                             mms_error *err)
{
    mms_status st;

    *out = (source){NULL, {NULL, -1}, {NULL, -1}};
    pthread_mutex_lock(&ms->lock);
    MMS_TRY(open_number(ms, i, &out->member, err));
    out->member->users++;
    if (what == BY_CASACORE || ms->no_tiles)
        goto done;
    if (!out->member->tiles) {
        MMS_TRY(mms_direct_open(out->member->table, &out->member->tiles, err));
        if (ms->made)
            mms_direct_trust(out->member->tiles);
    }
    MMS_TRY((what == SHAPES ? mms_direct_find_shapes : mms_direct_find)(out->member->tiles, column,
                                                                        &out->tiles, err));
    MMS_TRY(find_buckets(ms, column, out, err));
done:
    pthread_mutex_unlock(&ms->lock);
    return st;
}

static void release(mms_ms *ms, source *s)
{
    if (!s->member)
        return;
    pthread_mutex_lock(&ms->lock);
    s->member->users--;
    pthread_mutex_unlock(&ms->lock);
    s->member = NULL;
}

mms_status mms_ms_find_tiles(mms_ms *ms, const char *column, mms_direct_column *found,
                             mms_error *err)
{
    source from;
    mms_status st;

    *found = (mms_direct_column){NULL, -1};
    if (ms->nmember != 1)
        return MMS_OK;
    st = use_column(ms, 0, column, CELLS, &from, err);
    *found = from.tiles;
    release(ms, &from);
    return st;
}

void mms_ms_use_tiles(mms_ms *ms, bool use)
{
    ms->no_tiles = !use;
}

static int64_t member_of(const mms_ms *ms, int64_t row)
{
    int64_t low = 0, high = ms->nmember - 1;
    while (low < high) {
        const int64_t mid = low + (high - low + 1) / 2;
        if (ms->members[mid].rows.first <= row)
            low = mid;
        else
            high = mid - 1;
    }
    while (ms->members[low].rows.count == 0 && low + 1 < ms->nmember)
        low++;
    return low;
}

int64_t mms_ms_together(const mms_ms *ms, int64_t nrange, const mms_rows *ranges)
{
    int64_t all = 0, together = 0, end = 0;

    for (int64_t i = 0; i < nrange; i++) {
        const mms_rows r = ranges[i];
        if (i > 0 && r.first < ranges[i - 1].first) // they would be opened again and again
            end = ms->nrow;
        if (i == 0) {
            const int64_t last = member_of(ms, r.first) + ms->most_open - 1;
            const mms_rows has = ms->members[last < ms->nmember ? last : ms->nmember - 1].rows;
            end = has.first + has.count;
        }
        const int64_t room = end - r.first;
        together += room <= 0 ? 0 : room < r.count ? room : r.count;
        all += r.count;
    }
    return end == ms->nrow ? all : together;
}

/** Walks ranges in pieces that lie in one member each. */
typedef struct piece_walk {
    const mms_ms *ms;
    const mms_rows *ranges;
    int64_t nrange, range, done; /**< next range, rows of it that were given out */
} piece_walk;

/** Take the next pieces of one member, at most most; local[] are its own rows. */
static int64_t next_pieces(piece_walk *w, int64_t most, mms_rows *local, int64_t *member,
                           int64_t *nrow)
{
    int64_t n = 0;

    *nrow = 0;
    while (w->range < w->nrange && n < most) {
        const mms_rows r = w->ranges[w->range];
        const int64_t first = r.first + w->done;
        const int64_t m = member_of(w->ms, first);
        const mms_rows has = w->ms->members[m].rows;
        if (n > 0 && m != *member)
            break;
        *member = m;
        const int64_t left = r.count - w->done, room = has.first + has.count - first;
        const int64_t count = left < room ? left : room;
        local[n++] = (mms_rows){first - has.first, count};
        *nrow += count;
        w->done += count;
        if (w->done == r.count) {
            w->range++;
            w->done = 0;
        }
    }
    return n;
}

static mms_status check_ranges(const mms_ms *ms, const char *column, int64_t nrange,
                               const mms_rows *ranges, int64_t *nrow, mms_error *err)
{
    *nrow = 0;
    for (int64_t i = 0; i < nrange; i++) {
        const mms_rows r = ranges[i];
        if (r.first < 0 || r.count < 1 || r.first > ms->nrow - r.count)
            return mms_fail(err, MMS_ERR_RANGE,
                            "%s: %s: %" PRId64 " rows from %" PRId64 " of %" PRId64, ms->path,
                            column, r.count, r.first, ms->nrow);
        *nrow += r.count;
    }
    return MMS_OK;
}

enum { PIECES = 1024 };

mms_status mms_ms_read(mms_ms *ms, const char *column, int64_t nrange, const mms_rows *ranges,
                       int64_t nvalue, void *data, mms_error *err)
{
    mms_rows local[PIECES];
    piece_walk walk = {ms, ranges, nrange, 0, 0};
    int64_t total, rows, n, member = 0;
    const mms_column *c = mms_ms_find_column(ms, column);
    uint8_t *out = data;
    mms_status st;

    if (!c)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no column %s", ms->path, column);
    st = check_ranges(ms, column, nrange, ranges, &total, err);
    if (st != MMS_OK || total == 0)
        return st;
    if (nvalue % total)
        return mms_fail(err, MMS_ERR_SHAPE, "%s: %s: %" PRId64 " values for %" PRId64 " rows",
                        ms->path, column, nvalue, total);
    const int64_t cell = nvalue / total;
    while ((n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        source from;
        st = use_column(ms, member, column, CELLS, &from, err);
        if (st == MMS_OK && from.scalars.buckets && cell == 1)
            st = mms_buckets_read(from.scalars.buckets, from.scalars.column, n, local, out, err);
        else if (st == MMS_OK)
            st = from.tiles.tiles
                     ? mms_tiles_read(from.tiles.tiles, from.tiles.column, n, local, rows * cell,
                                      out, err)
                     : mms_table_get(from.member->table, column, n, local, rows * cell, out, err);
        release(ms, &from);
        if (st != MMS_OK)
            return st;
        out += (size_t)(rows * cell) * mms_dtype_size(c->dtype);
    }
    return MMS_OK;
}

static bool continues(const mms_shape_run *last, const mms_shape_run *next)
{
    return last->ndim == next->ndim && last->rows.first + last->rows.count == next->rows.first &&
           (last->ndim <= 0 ||
            !memcmp(last->shape, next->shape, (size_t)last->ndim * sizeof last->shape[0]));
}

mms_status mms_ms_shapes(mms_ms *ms, const char *column, int64_t nrange, const mms_rows *ranges,
                         mms_shape_run **runs, int64_t *nrun, mms_error *err)
{
    mms_rows local[PIECES];
    piece_walk walk = {ms, ranges, nrange, 0, 0};
    int64_t total, rows, n, member = 0, capacity = 0;
    mms_shape_run *found = NULL;
    source from = {NULL, {NULL, -1}, {NULL, -1}};
    mms_status st;

    *runs = NULL;
    *nrun = 0;
    MMS_TRY(check_ranges(ms, column, nrange, ranges, &total, err));
    while ((n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        int64_t nfound;
        MMS_TRY(use_column(ms, member, column, SHAPES, &from, err));
        MMS_TRY(from.tiles.tiles
                    ? mms_tiles_shapes(from.tiles.tiles, from.tiles.column, n, local, &found,
                                       &nfound, err)
                    : mms_table_shapes(from.member->table, column, n, local, &found, &nfound, err));
        release(ms, &from);
        for (int64_t i = 0; i < nfound; i++) {
            found[i].rows.first += ms->members[member].rows.first;
            if (*nrun > 0 && continues(&(*runs)[*nrun - 1], &found[i])) {
                (*runs)[*nrun - 1].rows.count += found[i].rows.count;
                continue;
            }
            MMS_TRY(mms_grow(runs, &capacity, *nrun + 1, sizeof **runs, err));
            (*runs)[(*nrun)++] = found[i];
        }
        free(found);
        found = NULL;
    }
done:
    release(ms, &from);
    free(found);
    if (st != MMS_OK) {
        free(*runs);
        *runs = NULL;
        *nrun = 0;
    }
    return st;
}

mms_table *mms_ms_first_table(mms_ms *ms)
{
    return ms->first;
}

bool mms_ms_has_proof(const mms_ms *ms, uint64_t kind, int64_t nrow)
{
    for (int i = 0; i < ms->nproof; i++)
        if (ms->proofs[i].kind == kind)
            return ms->proofs[i].nrow >= nrow;
    return false;
}

void mms_ms_note_proof(mms_ms *ms, uint64_t kind, int64_t nrow)
{
    int i = 0;

    while (i < ms->nproof && ms->proofs[i].kind != kind)
        i++;
    if (i == PROOFS)
        return;
    if (i == ms->nproof)
        ms->nproof++;
    ms->proofs[i] = (proof){kind, nrow};
}

mms_status mms_ms_copy_cells(mms_ms *ms, const char *column, int64_t nrange, const mms_rows *ranges,
                             mms_table *out, const char *out_column, int64_t first, mms_error *err)
{
    mms_rows local[PIECES];
    piece_walk walk = {ms, ranges, nrange, 0, 0};
    int64_t rows, n, member = 0;
    mms_status st = check_ranges(ms, column, nrange, ranges, &rows, err);

    while (st == MMS_OK && (n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        source from;
        st = use_column(ms, member, column, BY_CASACORE, &from, err);
        if (st == MMS_OK)
            st = mms_table_copy_cells(from.member->table, column, n, local, out, out_column, first,
                                      err);
        release(ms, &from);
        first += rows;
    }
    return st;
}

/** Copy cells of one shape through memory. */
static mms_status copy_cells(mms_ms *ms, const mms_column *c, const mms_shape_run *run,
                             mms_direct_column out, int64_t first, mms_error *err)
{
    enum { BATCH = 1 << 20 };
    const int64_t n = mms_cell_values(c, run->ndim, run->shape);
    mms_status st = MMS_OK;

    if (n == 0)
        return MMS_OK;
    const int64_t rows = BATCH / (n * (int64_t)mms_dtype_size(c->dtype)) + 1;
    void *buffer = mms_alloc(n * rows, mms_dtype_size(c->dtype));
    if (!buffer)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", ms->path);
    for (int64_t done = 0; st == MMS_OK && done < run->rows.count;) {
        const int64_t left = run->rows.count - done;
        const mms_rows from = {run->rows.first + done, left < rows ? left : rows};
        const mms_rows to = {first + done, from.count};
        st = mms_ms_read(ms, c->name, 1, &from, n * from.count, buffer, err);
        if (st == MMS_OK)
            st = mms_tiles_write(out.tiles, out.column, 1, &to, n * from.count, buffer, err);
        done += from.count;
    }
    free(buffer);
    return st;
}

/** Copy what casacore reads, run by run of equal shape. */
static mms_status copy_column(mms_ms *ms, const mms_column *c, int64_t nrange,
                              const mms_rows *ranges, mms_direct_column out, int64_t first,
                              mms_error *err)
{
    mms_shape_run *runs;
    int64_t nrun;
    mms_status st = mms_ms_shapes(ms, c->name, nrange, ranges, &runs, &nrun, err);

    for (int64_t i = 0; st == MMS_OK && i < nrun; i++) {
        st = copy_cells(ms, c, &runs[i], out, first, err);
        first += runs[i].rows.count;
    }
    free(runs);
    return st;
}

mms_status mms_ms_copy_to_tiles(mms_ms *ms, const char *column, int64_t nrange,
                                const mms_rows *ranges, mms_direct_column out, int64_t first,
                                mms_error *err)
{
    mms_rows local[PIECES];
    piece_walk walk = {ms, ranges, nrange, 0, 0};
    const mms_column *c = mms_ms_find_column(ms, column);
    int64_t rows, n, member = 0;
    mms_status st = check_ranges(ms, column, nrange, ranges, &rows, err);

    while (st == MMS_OK && (n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        source from;
        st = use_column(ms, member, column, CELLS, &from, err);
        if (st == MMS_OK && from.tiles.tiles)
            st = mms_tiles_copy(from.tiles.tiles, from.tiles.column, n, local, out.tiles,
                                out.column, first, err);
        for (int64_t i = 0; !from.tiles.tiles && i < n; i++)
            local[i].first += ms->members[member].rows.first;
        if (st == MMS_OK && !from.tiles.tiles)
            st = copy_column(ms, c, n, local, out, first, err);
        release(ms, &from);
        first += rows;
    }
    return st;
}

/** Plan the cells of one column for some rows, which become those of the output from first on. */
static mms_status plan_column(mms_ms *ms, const mms_shared_column *column, int64_t nrange,
                              const mms_rows *ranges, int64_t first, mms_error *err)
{
    mms_rows local[PIECES];
    piece_walk walk = {ms, ranges, nrange, 0, 0};
    int64_t rows, n, member = 0;
    mms_status st = MMS_OK;

    while (st == MMS_OK && (n = next_pieces(&walk, PIECES, local, &member, &rows)) > 0) {
        source from;
        st = use_column(ms, member, column->name, CELLS, &from, err);
        if (st == MMS_OK && !from.tiles.tiles)
            mms_tiles_share_give_up(column->plan);
        for (int64_t i = 0; st == MMS_OK && from.tiles.tiles && i < n; i++) {
            st = mms_tiles_share_add(column->plan, from.tiles.tiles, local[i], first, err);
            first += local[i].count;
        }
        release(ms, &from);
    }
    return st;
}

mms_status mms_ms_plan_sharing(mms_ms *ms, const char *rows_file, int64_t ncolumn,
                               const mms_shared_column *columns, mms_error *err)
{
    mms_rows ranges[PIECES];
    mms_rowlist *list;
    int64_t first = 0;
    mms_status st;

    MMS_TRY(mms_rowlist_open(rows_file, ms->nrow, &list, err));
    for (int64_t n = PIECES; n == PIECES;) {
        int64_t rows = 0;
        for (n = 0; n < PIECES; n++) {
            MMS_TRY(mms_rowlist_take(list, INT64_MAX, &ranges[n], err));
            if (ranges[n].count == 0)
                break;
            rows += ranges[n].count;
        }
        for (int64_t i = 0; n && i < ncolumn; i++)
            MMS_TRY(plan_column(ms, &columns[i], n, ranges, first, err));
        first += rows;
    }
done:
    (void)!mms_rowlist_close(&list, NULL);
    return st;
}
