/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file ms.c  An MS or a Multi-MS as one run of rows over its members. */
#include "multims/ms.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "base/limits_priv.h"
#include "columns.h"
#include "members_priv.h"

enum { MANY_ROWS = 1 << 22, PROOFS = 32 };

/** A kind of new tables that was compared with what casacore reads, and the most rows of one. */
typedef struct proof {
    uint64_t kind;
    int64_t nrow;
} proof;

struct mms_ms {
    char *path, *axis;
    bool multi;
    mms_members members;
    mms_value *subtables, *missing;
    int nproof;
    proof proofs[PROOFS]; /**< kinds beyond that are compared each time */
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

static mms_status read_subtables(mms_ms *ms, mms_error *err)
{
    mms_value *missing, *path;
    const char *name;
    const mms_status st = mms_subtable_list(ms->members.first, &ms->subtables, &missing, err);

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

    if (ms->members.nrow < MANY_ROWS)
        return;
    for (int64_t i = 0; i < ms->members.n; i++)
        bytes += mms_folder_bytes(ms->members.list[i].path);
    mms_memory_allow(MMS_ROOM_SET, bytes);
}

static mms_status open_ms(const char *path, mms_known what, mms_ms **out, mms_error *err)
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
    MMS_TRY(mms_path_exists(ms->path, &there, err));
    if (!there)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "Visibility data set not found - please verify the name. (%s)", path));
    MMS_TRY(read_kind(ms, &dat, err));
    MMS_TRY(mms_members_open(&ms->members, ms->path, ms->multi, &dat, what, err));
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
    return open_ms(path, MMS_KNOWN_NOTHING, out, err);
}

mms_status mms_ms_open_uneven(const char *path, mms_ms **out, mms_error *err)
{
    return open_ms(path, MMS_KNOWN_UNEVEN, out, err);
}

mms_status mms_ms_open_seen(const char *path, mms_ms **out, mms_error *err)
{
    return open_ms(path, MMS_KNOWN_SEEN, out, err);
}

mms_status mms_ms_open_made(const char *path, mms_ms **out, mms_error *err)
{
    return open_ms(path, MMS_KNOWN_MADE, out, err);
}

void mms_ms_close(mms_ms **ms)
{
    mms_ms *m = *ms;

    *ms = NULL;
    if (!m)
        return;
    if (m->members.made.of)
        m->members.made.drop(m->members.made.of);
    mms_members_close(&m->members);
    mms_value_free(&m->subtables);
    mms_value_free(&m->missing);
    free(m->axis);
    free(m->path);
    free(m);
}

mms_members *mms_ms_members(mms_ms *ms)
{
    return &ms->members;
}

const mms_members *mms_ms_members_of(const mms_ms *ms)
{
    return &ms->members;
}

void mms_ms_use_tiles(mms_ms *ms, bool use)
{
    ms->members.by_casacore = !use;
}

mms_status mms_ms_drop_caches(mms_ms *ms, mms_error *err)
{
    return mms_members_drop_caches(&ms->members, err);
}

const char *mms_ms_path(const mms_ms *ms)
{
    return ms->path;
}

int64_t mms_ms_nrow(const mms_ms *ms)
{
    return ms->members.nrow;
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
    return ms->members.n;
}

const char *mms_ms_member_path(const mms_ms *ms, int64_t i)
{
    return ms->members.list[i].path;
}

mms_rows mms_ms_member_rows(const mms_ms *ms, int64_t i)
{
    return ms->members.list[i].rows;
}

int64_t mms_ms_ncolumn(const mms_ms *ms)
{
    const mms_made_column *made = &ms->members.made;

    return mms_table_ncolumn(ms->members.first) + (made->of && !made->replaces);
}

const mms_column *mms_ms_column(const mms_ms *ms, int64_t i)
{
    return i < mms_table_ncolumn(ms->members.first) ? mms_table_column(ms->members.first, i)
                                                    : &ms->members.made.column;
}

const mms_column *mms_ms_find_column(const mms_ms *ms, const char *name)
{
    const mms_made_column *made = &ms->members.made;

    return made->of && !strcmp(name, made->column.name)
               ? &made->column
               : mms_table_find_column(ms->members.first, name);
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
    MMS_TRY(defines_model(ms->members.first, has, err));
    if (path) {
        MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &source, err));
        MMS_TRY(defines_model(source, has, err));
    }
done:
    mms_table_drop(&source);
    return st;
}

mms_table *mms_ms_first_table(mms_ms *ms)
{
    return ms->members.first;
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
