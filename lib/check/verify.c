/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify.c  Verifies a Multi-MS: reference, members, columns; what follows from them. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/files_priv.h"
#include "ms/columns.h"
#include "verify_priv.h"

static bool is_axis(const char *axis)
{
    static const char *const known[] = {"", "scan", "spw", "scan,spw", "baseline", "auto", "both"};

    for (int64_t i = 0; i < MMS_COUNT_OF(known); i++)
        if (!strcasecmp(axis, known[i])) // CASA writes the case that the user typed
            return true;
    return false;
}

/** table.dat and table.info of the reference say what they must (multi-ms 1.4, 1.8, 1.9). */
static mms_status check_reference(mms_verification *v, mms_error *err)
{
    mms_info info = {0};
    char *axis = NULL;
    mms_check check;
    mms_status st;

    mms_check_start(&check, &v->report, "table.info");
    st = mms_info_read(v->path, &info, err);
    if (st == MMS_ERR_NOT_FOUND) {
        mms_check_add(&check, NULL, "%s has no table.info", v->path);
        st = MMS_OK;
        goto done;
    }
    MMS_TRY(st);
    if (strcmp(info.type, "Measurement Set"))
        mms_check_add(&check, NULL, "Type is \"%s\", not \"Measurement Set\"", info.type);
    if (v->multi && strcmp(info.subtype, "CONCATENATED"))
        mms_check_add(&check, NULL, "SubType is \"%s\", not \"CONCATENATED\"", info.subtype);
    if (!v->multi && !strcmp(info.subtype, "CONCATENATED"))
        mms_check_add(&check, NULL, "SubType is \"CONCATENATED\", but this is one plain table");
    axis = mms_info_axis(&info);
    if (v->multi && axis && !is_axis(axis))
        mms_check_add(&check, NULL, "AxisType is \"%s\"", axis);
done:
    mms_check_end(&check, st, v->multi && axis && *axis ? axis : NULL);
    free(axis);
    mms_info_free(&info);
    return st;
}

/** Members stand inside, each with a name of its own. */
static mms_status check_member_paths(mms_verification *v, mms_error *err)
{
    mms_value *names = json_object();
    char *inside = mms_format("%s/SUBMSS", v->path);
    mms_status st = MMS_OK;

    MMS_TRY(names && inside ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", v->path));
    for (int64_t i = 0; i < v->nmember; i++) {
        char *const folder = mms_path_dir(v->members[i]), *const name =
                                                              mms_path_base(v->members[i]);
        if (folder && name && strcmp(folder, inside))
            mms_check_add(&v->check_members, NULL, "%s is not in %s", v->members[i], inside);
        if (folder && name && json_object_get(names, name))
            mms_check_add(&v->check_members, NULL, "%s is listed twice", name);
        if (folder && name)
            json_object_set_new_nocheck(names, name, json_true());
        st = folder && name ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", v->path);
        free(folder);
        free(name);
        MMS_TRY(st);
    }
done:
    free(inside);
    mms_value_free(&names);
    return st;
}

/** An MS has these columns, and is of version 2. */
static mms_status check_is_ms(mms_verification *v, const mms_member *m, mms_error *err)
{
    static const char *const required[] = {
        MMS_COL_ANTENNA1,      MMS_COL_ANTENNA2, MMS_COL_ARRAY_ID,       MMS_COL_DATA_DESC_ID,
        MMS_COL_EXPOSURE,      MMS_COL_FEED1,    MMS_COL_FEED2,          MMS_COL_FIELD_ID,
        MMS_COL_FLAG,          MMS_COL_INTERVAL, MMS_COL_OBSERVATION_ID, MMS_COL_PROCESSOR_ID,
        MMS_COL_SCAN_NUMBER,   MMS_COL_SIGMA,    MMS_COL_STATE_ID,       MMS_COL_TIME,
        MMS_COL_TIME_CENTROID, MMS_COL_UVW,      MMS_COL_WEIGHT};
    mms_value *keywords = NULL;
    const mms_status st = mms_table_keywords(m->table, NULL, &keywords, err);

    if (st != MMS_OK)
        return st;
    const double version = json_number_value(json_object_get(keywords, "MS_VERSION"));
    if (version < 2 || version >= 3)
        mms_check_add_member(&v->check_columns, NULL, m->name, "MS_VERSION is %g, not 2", version);
    for (int64_t i = 0; i < MMS_COUNT_OF(required); i++)
        if (!mms_table_find_column(m->table, required[i]) &&
            (m->index == 0 || !mms_table_find_column(v->first, required[i])))
            mms_check_add_member(&v->check_columns, NULL, m->name, "no column %s", required[i]);
    if (m->index == 0 && !mms_table_find_column(m->table, MMS_COL_FLAG_ROW))
        mms_report_warn(&v->report, "%s: no column FLAG_ROW: CASA does not open it", m->name);
    mms_value_free(&keywords);
    return MMS_OK;
}

/** Same columns of the same types in the same order as member 0 (multi-ms 1.8). */
static void check_same_columns(mms_verification *v, const mms_member *m)
{
    const int64_t n = mms_table_ncolumn(v->first), own = mms_table_ncolumn(m->table);

    for (int64_t i = 0; i < n; i++) {
        const mms_column *const want = mms_table_column(v->first, i);
        const mms_column *const have = mms_table_find_column(m->table, want->name);
        if (!have)
            mms_check_add_member(&v->check_columns, NULL, m->name,
                                 "no column %s, which the first member has", want->name);
        else if (have->dtype != want->dtype || have->scalar != want->scalar)
            mms_check_add_member(&v->check_columns, NULL, m->name,
                                 "%s is %s %s, in the first member %s %s", want->name,
                                 have->scalar ? "scalar" : "array", mms_dtype_name(have->dtype),
                                 want->scalar ? "scalar" : "array", mms_dtype_name(want->dtype));
        else if (own == n && strcmp(mms_table_column(m->table, i)->name, want->name))
            mms_check_add_member(&v->check_columns, NULL, m->name,
                                 "column %" PRId64 " is %s, not %s", i,
                                 mms_table_column(m->table, i)->name, want->name);
    }
    for (int64_t i = 0; i < own; i++)
        if (!mms_table_find_column(v->first, mms_table_column(m->table, i)->name))
            mms_check_add_member(&v->check_columns, NULL, m->name,
                                 "column %s, which the first member lacks",
                                 mms_table_column(m->table, i)->name);
}

/** casacore shows member 0's and ignores the others' silently. */
static mms_status check_column_keywords(mms_verification *v, const mms_member *m, mms_error *err)
{
    mms_value *want = NULL, *have = NULL;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < mms_table_ncolumn(v->first); i++) {
        const char *const name = mms_table_column(v->first, i)->name;
        if (!mms_table_find_column(m->table, name))
            continue;
        MMS_TRY(mms_table_keywords(v->first, name, &want, err));
        MMS_TRY(mms_table_keywords(m->table, name, &have, err));
        if (!json_equal(want, have)) {
            char *const a = mms_value_text(want, 0), *const b = mms_value_text(have, 0);
            mms_check_add_member(&v->check_keywords, json_pack("{s:s}", "column", name), m->name,
                                 "%s has %s, in the first member %s", name, b, a);
            free(a);
            free(b);
        }
        mms_value_free(&want);
        mms_value_free(&have);
    }
done:
    mms_value_free(&want);
    mms_value_free(&have);
    return st;
}

static mms_status check_member(mms_verification *v, const mms_member *m, mms_error *err)
{
    mms_status st;

    MMS_TRY(check_is_ms(v, m, err));
    if (m->index > 0) {
        check_same_columns(v, m);
        MMS_TRY(check_column_keywords(v, m, err));
    }
    MMS_TRY(mms_verify_subtables(v, m, err));
    MMS_TRY(mms_verify_ids(v, m, err));
done:
    return st == MMS_OK ? st : mms_wrap(err, st, "%s", m->name);
}

/** Look at one member; one that can't be opened or read is a finding. */
static mms_status visit_member(mms_verification *v, int64_t i, int64_t *nrow, mms_error *err)
{
    char *const name = mms_path_base(v->members[i]);
    mms_member m = {.index = i, .path = v->members[i], .name = name};
    mms_error found = {.msg = ""};
    mms_status st;

    MMS_TRY(name ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", v->path));
    MMS_TRY(mms_table_open(m.path, MMS_TABLE_READ, &m.table, &found));
    *nrow += mms_table_nrow(m.table);
    if (i == 0)
        MMS_TRY(mms_table_open(m.path, MMS_TABLE_READ, &v->first, &found));
    if (!v->first)
        goto done;
    MMS_TRY(mms_find_subtables(v, &m, &found));
    if (i == 0)
        v->subtables = json_incref(m.subtables);
    MMS_TRY(check_member(v, &m, &found));
done:
    if (st == MMS_ERR_NOT_FOUND || st == MMS_ERR_TABLE || st == MMS_ERR_RANGE ||
        st == MMS_ERR_SHAPE) {
        mms_check_add(&v->check_members, json_pack("{s:o}", "member", mms_text_value(name)), "%s",
                      found.msg);
        st = MMS_OK;
    }
    if (st != MMS_OK && found.msg[0] && err)
        *err = found;
    mms_table_drop(&m.table);
    mms_value_free(&m.subtables);
    mms_value_free(&m.absent);
    free(name);
    return st;
}

static void start_checks(mms_verification *v)
{
    mms_check_start(&v->check_members, &v->report, "members");
    mms_check_start(&v->check_columns, &v->report, "columns");
    mms_check_start(&v->check_keywords, &v->report, "column keywords");
    mms_check_start(&v->check_subtables, &v->report, "sub-tables");
    mms_check_start(&v->check_ids, &v->report, "ids");
    mms_check_start(&v->check_shapes, &v->report, "cell shapes");
}

static void end_checks(mms_verification *v, mms_status st, int64_t nrow)
{
    char note[120];
    const int length =
        snprintf(note, sizeof note, "%" PRId64 " with %" PRId64 " rows", v->nmember, nrow);
    if (nrow != v->dat.nrow) // readers count the rows of the members
        snprintf(note + length, sizeof note - (size_t)length, "; table.dat says %" PRId64,
                 v->dat.nrow);
    mms_check_end(&v->check_members, st, v->multi ? note : NULL);
    mms_check_end(&v->check_columns, st, NULL);
    mms_check_end(&v->check_keywords, st, NULL);
    mms_check_end(&v->check_subtables, st, NULL);
    mms_check_end(&v->check_ids, st, NULL);
    mms_check_end(&v->check_shapes, st, NULL);
}

static mms_status check_members(mms_verification *v, mms_error *err)
{
    mms_status st = MMS_OK;
    int64_t nrow = 0;

    start_checks(v);
    if (v->multi)
        MMS_TRY(check_member_paths(v, err));
    if (v->nmember == 0)
        mms_check_add(&v->check_members, NULL, "There are no subMSs in %s", v->path);
    for (int64_t i = 0; i < v->nmember; i++)
        MMS_TRY(visit_member(v, i, &nrow, err));
    mms_verify_end_subtables(v);
    if (v->subtables)
        MMS_TRY(mms_verify_subtable_ids(v, err));
done:
    end_checks(v, st, nrow);
    return st;
}

static mms_status open_set(mms_verification *v, mms_error *err)
{
    bool there;
    mms_status st = mms_path_exists(v->path, &there, err);

    if (st == MMS_OK && !there)
        return mms_fail(err, MMS_ERR_NOT_FOUND,
                        "Visibility data set not found - please verify the name. (%s)", v->path);
    if (st == MMS_OK)
        st = mms_table_dat_read(v->path, &v->dat, err);
    if (st != MMS_OK)
        return st;
    v->multi = v->dat.kind == MMS_KIND_CONCAT;
    v->nmember = v->multi ? v->dat.nmember : 1;
    v->members = v->multi ? v->dat.members : (char **)&v->path;
    return MMS_OK;
}

/** Check what the set is by itself. */
static mms_status check_set(mms_verification *v, mms_error *err)
{
    mms_status st;

    MMS_TRY(check_reference(v, err));
    MMS_TRY(check_members(v, err));
    if (v->multi && v->subtables)
        MMS_TRY(mms_verify_links(v, err));
done:
    return st;
}

mms_status mms_verify_make(const char *path, const mms_verify_opts *opts, mms_verify_piece piece,
                           mms_value *result, mms_error *err)
{
    mms_verification v = {.opts = opts, .piece = piece};
    char *const plain = mms_path_strip(path);
    mms_status st;

    v.path = plain;
    v.absent = json_object();
    v.additions = json_object();
    MMS_TRY(plain ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    MMS_TRY(open_set(&v, err));
    MMS_TRY(mms_report_start(&v.report, opts->show, err));
    if (piece.tables)
        MMS_TRY(check_set(&v, err));
    if (opts->against && *opts->against)
        MMS_TRY(mms_verify_against(&v, err));
done:
    st = mms_report_finish(&v.report, st, result, err);
    mms_value_free(&v.subtables);
    mms_value_free(&v.absent);
    mms_value_free(&v.additions);
    mms_table_drop(&v.first);
    mms_table_dat_free(&v.dat);
    free(plain);
    return st;
}

mms_status mms_verify(const char *path, const mms_verify_opts *opts, mms_value *result,
                      mms_error *err)
{
    return mms_verify_make(path, opts, (mms_verify_piece){true, true, 0, 1}, result, err);
}

int64_t mms_verify_pieces(const char *path, int64_t most)
{
    enum { LEAST_ROWS = 40000 };
    mms_table_dat dat = {0};
    const bool good = mms_table_dat_read(path, &dat, NULL) == MMS_OK;
    const int64_t n = good ? dat.nrow / LEAST_ROWS : 0;

    mms_table_dat_free(&dat);
    return n < 1 ? 1 : n < most ? n : most;
}
