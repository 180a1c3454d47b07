/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file subtables.c  Sub-tables of an output from those of the input (multi-ms 1.7, 3.5). */
#include "subtables.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "base/tree_priv.h"
#include "mms/concat_priv.h"
#include "ms/columns.h"
#include "subtables_priv.h"

/** Columns that refer to selected things, in whatever table they are. */
static const struct {
    const char *column;
    mms_id_kind kind;
} id_columns[] = {
    {"SPECTRAL_WINDOW_ID", MMS_ID_SPW}, {MMS_COL_DATA_DESC_ID, MMS_ID_DDID},
    {MMS_COL_FIELD_ID, MMS_ID_FIELD},   {"SOURCE_ID", MMS_ID_SOURCE},
    {"ANTENNA_ID", MMS_ID_ANTENNA},     {MMS_COL_ANTENNA1, MMS_ID_ANTENNA},
    {MMS_COL_ANTENNA2, MMS_ID_ANTENNA}, {MMS_COL_OBSERVATION_ID, MMS_ID_OBSERVATION},
    {MMS_COL_STATE_ID, MMS_ID_STATE},   {MMS_COL_ARRAY_ID, MMS_ID_ARRAY},
};

/** The tables whose row numbers are ids: they lose the rows that are not selected and no others.
 */
static const struct id_table {
    const char *table;
    mms_id_kind kind; /**< MMS_ID_KINDS: nothing selects their rows */
} id_tables[] = {
    {"SPECTRAL_WINDOW", MMS_ID_SPW}, {"DATA_DESCRIPTION", MMS_ID_DDID},   {"FIELD", MMS_ID_FIELD},
    {"ANTENNA", MMS_ID_ANTENNA},     {"OBSERVATION", MMS_ID_OBSERVATION}, {"STATE", MMS_ID_STATE},
    {"POLARIZATION", MMS_ID_KINDS},  {"PROCESSOR", MMS_ID_KINDS},
};

/** A table that loses rows by its id columns and whose row numbers stand in others, such as
 *  LOFAR_ANTENNA_FIELD in ANTENNA_FIELD_ID. */
typedef struct row_reference {
    const char *table;
    int32_t *rows; /**< that stay */
    mms_id_set set;
} row_reference;

/** A request's selection as it concerns sub-tables. */
typedef struct subset {
    mms_ms *ms;
    const mms_selection *selection;
    const mms_subtables_opts *opts;
    mms_id_set sets[MMS_ID_KINDS];
    bool any;         /**< of the sets is given */
    int32_t *sources; /**< referenced SOURCE_IDs in order of first reference */
    int64_t nreference;
    row_reference *references;
} subset;

/** Rows as runs, for copying. */
static mms_rows *as_ranges(int64_t n, const int64_t *rows, int64_t *nrange)
{
    mms_rows *ranges = mms_alloc(n, sizeof *ranges);

    *nrange = 0;
    for (int64_t i = 0; ranges && i < n; i++) {
        mms_rows *last = *nrange ? &ranges[*nrange - 1] : NULL;
        if (last && last->first + last->count == rows[i])
            last->count++;
        else
            ranges[(*nrange)++] = (mms_rows){rows[i], 1};
    }
    return ranges;
}

mms_status mms_table_pick_rows(const char *src, const char *dst, int64_t n, const int64_t *rows,
                               mms_table **out, mms_error *err)
{
    // Cuts change the shapes of these; CASA declares them free, others fixed.
    static const char *const cut[] = {"CHAN_FREQ",    "CHAN_WIDTH",   "EFFECTIVE_BW",
                                      "RESOLUTION",   "CORR_TYPE",    "CORR_PRODUCT",
                                      "ASSOC_SPW_ID", "ASSOC_NATURE", NULL};
    mms_table *in = NULL;
    int64_t nrange;
    mms_rows *ranges = as_ranges(n, rows, &nrange);
    mms_status st;

    *out = NULL;
    if (!ranges)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", src));
    MMS_TRY(mms_table_open(src, MMS_TABLE_READ, &in, err));
    const char *fixed[MMS_COUNT_OF(cut)] = {NULL};
    for (int64_t i = 0, k = 0; cut[i]; i++) {
        const mms_column *c = mms_table_find_column(in, cut[i]);
        if (c && c->fixed)
            fixed[k++] = cut[i];
    }
    const mms_table_like how = {.nrow = n, .max_tile_rows = n, .reshape = fixed, .small = true};
    MMS_TRY(mms_table_create_like(dst, in, &how, out, err));
    for (int64_t i = 0; i < mms_table_ncolumn(in); i++) {
        const char *name = mms_table_column(in, i)->name;
        MMS_TRY(mms_table_copy_cells(in, name, nrange, ranges, *out, name, 0, err));
    }
done:
    if (st != MMS_OK)
        mms_table_drop(out);
    mms_table_drop(&in);
    free(ranges);
    return st;
}

/** A row count that stands only in the lock file goes into table.dat too. */
static mms_status settle_rows(const char *path, mms_error *err)
{
    mms_table_dat dat;
    mms_table *table;
    char *lock = mms_format("%s/table.lock", path);
    bool locked = false;
    mms_status st = lock ? mms_path_exists(lock, &locked, err)
                         : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);

    free(lock);
    if (st != MMS_OK)
        return st;
    st = mms_table_dat_read(path, &dat, err);
    if (st != MMS_OK || !locked || dat.kind != MMS_KIND_PLAIN) {
        mms_table_dat_free(&dat);
        return st;
    }
    const int64_t stored = dat.nrow;
    mms_table_dat_free(&dat);
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    const int64_t nrow = mms_table_nrow(table);
    mms_table_drop(&table);
    if (nrow != stored) {
        MMS_TRY(mms_table_open(path, MMS_TABLE_UPDATE, &table, err));
        MMS_TRY(mms_table_close(&table, err));
    }
done:
    return st;
}

static mms_status copy_whole(const char *src, const char *dst, mms_error *err)
{
    const mms_status st = mms_copy_tree(src, dst, err);

    return st == MMS_OK ? settle_rows(dst, err) : st;
}

static const struct id_table *find_id_table(const char *table)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(id_tables); i++)
        if (!strcmp(id_tables[i].table, table))
            return &id_tables[i];
    return NULL;
}

static const mms_id_set *rows_of(const subset *s, const char *table)
{
    const struct id_table *t = find_id_table(table);
    return t && t->kind != MMS_ID_KINDS && s->sets[t->kind].given ? &s->sets[t->kind] : NULL;
}

/** Whether a column is the name and _ID. */
static bool is_id_of(const char *column, const char *name)
{
    const size_t n = strlen(name);
    return !strncmp(column, name, n) && !strcmp(column + n, "_ID");
}

/** Whether a column such as ANTENNA_FIELD_ID counts the rows of ANTENNA_FIELD or
 *  LOFAR_ANTENNA_FIELD. */
static bool counts_rows_of(const char *column, const char *table)
{
    return is_id_of(column, table) || (!strncmp(table, "LOFAR_", 6) && is_id_of(column, table + 6));
}

/** The ids that a column refers to, if the request changes them.  HISTORY tells of the input. */
static const mms_id_set *set_of(const subset *s, const char *table, const mms_column *column)
{
    if (!column->scalar || column->dtype != MMS_DT_INT || !strcmp(table, "HISTORY"))
        return NULL;
    for (int64_t i = 0; i < MMS_COUNT_OF(id_columns); i++)
        if (!strcmp(id_columns[i].column, column->name))
            return s->sets[id_columns[i].kind].given ? &s->sets[id_columns[i].kind] : NULL;
    for (int64_t i = 0; i < s->nreference; i++)
        if (counts_rows_of(column->name, s->references[i].table))
            return &s->references[i].set;
    return NULL;
}

static bool uses_times(const subset *s, const char *table)
{
    int64_t n;
    return !s->opts->keep_ids && !strcmp(table, "POINTING") &&
           mms_selection_times(s->selection, &n) && n > 0;
}

/** Whether cells of new windows would not fit as the table is. */
static bool must_be_reshaped(const subset *s, const mms_table *spectral_window)
{
    const mms_column *c = mms_table_find_column(spectral_window, "CHAN_FREQ");
    return s->opts->new_windows && c && c->fixed;
}

/** Whether the selection touches this table at all. */
static bool is_touched(const subset *s, const char *name, const mms_table *table)
{
    if (rows_of(s, name) || uses_times(s, name))
        return true;
    if (!strcmp(name, "SPECTRAL_WINDOW"))
        return json_array_size(s->opts->windows) > 0 || mms_selection_cuts_channels(s->selection) ||
               must_be_reshaped(s, table);
    if (!strcmp(name, "POLARIZATION"))
        return mms_selection_corrs(s->selection, 0).given;
    if (!strcmp(name, "FIELD") && json_array_size(s->opts->fields) > 0)
        return true;
    for (int64_t i = 0; i < mms_table_ncolumn(table); i++)
        if (set_of(s, name, mms_table_column(table, i)))
            return true;
    return false;
}

/** Unmark the rows whose time lies in no selected range. */
static mms_status drop_other_times(const subset *s, mms_table *table, uint8_t *keep, mms_error *err)
{
    int64_t n;
    const double *times = mms_selection_times(s->selection, &n);
    double *time;
    const mms_status st = mms_table_get_doubles(table, MMS_COL_TIME, &time, err);

    for (int64_t r = 0; st == MMS_OK && r < mms_table_nrow(table); r++) {
        bool inside = false;
        for (int64_t i = 0; i < n; i++)
            inside = inside || (times[2 * i] <= time[r] && time[r] <= times[2 * i + 1]);
        keep[r] = keep[r] && inside;
    }
    free(time);
    return st;
}

/** Unmark the rows whose ids are not selected. */
static mms_status drop_other_ids(const subset *s, const char *name, mms_table *table, uint8_t *keep,
                                 mms_error *err)
{
    for (int64_t i = 0; !find_id_table(name) && i < mms_table_ncolumn(table); i++) {
        const mms_column *column = mms_table_column(table, i);
        const mms_id_set *set = set_of(s, name, column);
        int32_t *ids;
        if (!set)
            continue;
        const mms_status st = mms_table_get_ints(table, column->name, &ids, err);
        if (st != MMS_OK)
            return st;
        for (int64_t r = 0; r < mms_table_nrow(table); r++)
            keep[r] = keep[r] && mms_id_set_map(set, ids[r]) != -2;
        free(ids);
    }
    return MMS_OK;
}

/** The rows of the input that stay, in the order of the output. */
static mms_status choose_rows(const subset *s, const char *name, mms_table *table, int64_t **rows,
                              int64_t *n, mms_error *err)
{
    const mms_id_set *own = rows_of(s, name);
    const int64_t nrow = mms_table_nrow(table);
    uint8_t *keep = mms_alloc(nrow, 1);
    mms_status st = MMS_OK;

    *n = 0;
    *rows = mms_alloc(own ? own->n : nrow, sizeof **rows);
    if (!keep || !*rows)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", name));
    memset(keep, 1, (size_t)nrow);
    MMS_TRY(drop_other_ids(s, name, table, keep, err));
    if (uses_times(s, name))
        MMS_TRY(drop_other_times(s, table, keep, err));
    for (int64_t i = 0; i < (own ? own->n : nrow); i++) {
        const int64_t row = own ? own->ids[i] : i;
        if (row >= nrow)
            MMS_TRY(mms_fail(err, MMS_ERR_RANGE, "%s has no row %" PRId64, name, row));
        if (keep[row])
            (*rows)[(*n)++] = row;
    }
done:
    free(keep);
    return st;
}

static mms_status renumber_ids(const subset *s, const char *name, mms_table *out, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < mms_table_ncolumn(out); i++) {
        const mms_column *column = mms_table_column(out, i);
        const mms_id_set *set = set_of(s, name, column);
        int32_t *ids;
        if (!set)
            continue;
        st = mms_table_get_ints(out, column->name, &ids, err);
        for (int64_t r = 0; st == MMS_OK && r < mms_table_nrow(out); r++) {
            const int32_t to = mms_id_set_map(set, ids[r]);
            ids[r] = to == -2 ? -1 : to;
        }
        if (st == MMS_OK)
            st = mms_table_put_ints(out, column->name, ids, err);
        free(ids);
    }
    return st;
}

/** Copy the ephemeris tables that stand in FIELD's folder. */
static mms_status copy_ephemerides(const char *src, const char *dst, mms_error *err)
{
    DIR *folder = opendir(src);
    const struct dirent *entry;
    mms_status st = MMS_OK;

    if (!folder)
        return mms_fail_errno(err, errno, "%s: cannot list", src);
    for (errno = 0; st == MMS_OK && (entry = readdir(folder)); errno = 0) {
        if (strncmp(entry->d_name, "EPHEM", 5))
            continue;
        char *from = mms_format("%s/%s", src, entry->d_name);
        char *to = mms_format("%s/%s", dst, entry->d_name);
        st = from && to ? mms_copy_tree(from, to, err)
                        : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", src);
        free(from);
        free(to);
    }
    if (st == MMS_OK && errno)
        st = mms_fail_errno(err, errno, "%s: cannot list", src);
    closedir(folder);
    return st;
}

static mms_status put_directions(mms_table *out, const mms_value *fields, mms_error *err)
{
    mms_status st = MMS_OK;
    size_t i;
    mms_value *field;

    json_array_foreach(fields, i, field) if (st == MMS_OK) st =
        mms_table_put_cell(out, "PHASE_DIR", json_integer_value(json_object_get(field, "row")),
                           json_object_get(field, "PHASE_DIR"), err);
    return st;
}

/** What the rows of a reduced table need besides new ids. */
static mms_status finish_table(const subset *s, const char *name, mms_table *out, mms_error *err)
{
    if (!strcmp(name, "SPECTRAL_WINDOW")) {
        const mms_status st =
            mms_subtable_cut_windows(out, s->selection, &s->sets[MMS_ID_SPW], err);
        return st == MMS_OK ? mms_subtable_put_windows(out, s->opts->windows, err) : st;
    }
    if (!strcmp(name, "POLARIZATION"))
        return mms_subtable_cut_polarizations(out, s->selection, err);
    if (!strcmp(name, "FIELD"))
        return put_directions(out, s->opts->fields, err);
    if (!strcmp(name, "FEED") && mms_table_nrow(out) == 0)
        return mms_fail(err, MMS_ERR_SELECT, "No feeds were selected.");
    return MMS_OK;
}

static mms_status reduce(const subset *s, const char *name, mms_table *in, const char *src,
                         const char *dst, mms_error *err)
{
    mms_table *out = NULL;
    int64_t *rows = NULL, n;
    mms_status st;

    const bool had_rows = mms_table_nrow(in) > 0;
    MMS_TRY(choose_rows(s, name, in, &rows, &n, err));
    MMS_TRY(mms_table_pick_rows(src, dst, n, rows, &out, err));
    MMS_TRY(renumber_ids(s, name, out, err));
    if (had_rows)
        MMS_TRY(finish_table(s, name, out, err));
    MMS_TRY(mms_table_close(&out, err));
    if (!strcmp(name, "FIELD"))
        MMS_TRY(copy_ephemerides(src, dst, err));
done:
    mms_table_drop(&out);
    free(rows);
    return st == MMS_OK ? st : mms_wrap(err, st, "sub-table %s", name);
}

/** SOURCE_IDs that the kept FIELD rows refer to, in order of first reference. */
static mms_status find_sources(subset *s, mms_error *err)
{
    const mms_id_set *fields = &s->sets[MMS_ID_FIELD];
    const char *path = mms_ms_subtable(s->ms, "FIELD");
    mms_table *table = NULL;
    int32_t *source = NULL;
    int64_t n = 0;
    mms_status st = MMS_OK;

    if (!fields->given || !path)
        return MMS_OK;
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, &table, err));
    MMS_TRY(mms_table_get_ints(table, "SOURCE_ID", &source, err));
    s->sources = mms_alloc(fields->n, sizeof *s->sources);
    if (!s->sources)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "SOURCE: out of memory"));
    for (int64_t i = 0; i < fields->n; i++) {
        const int32_t id = source[fields->ids[i]];
        int64_t j = 0;
        while (j < n && s->sources[j] != id)
            j++;
        if (id >= 0 && j == n)
            s->sources[n++] = id;
    }
    MMS_TRY(mms_id_set_make((mms_ids){true, n, s->sources}, &s->sets[MMS_ID_SOURCE], err));
done:
    free(source);
    mms_table_drop(&table);
    return st;
}

/* ---- row numbers of reduced tables in others --------------------------------------------------*/

/** Whether ids are the numbers of their rows. */
static mms_status is_numbered(mms_table *table, const char *column, bool *numbered, mms_error *err)
{
    int32_t *ids;
    const mms_status st = mms_table_get_ints(table, column, &ids, err);

    for (int64_t r = 0; st == MMS_OK && *numbered && r < mms_table_nrow(table); r++)
        *numbered = ids[r] == r;
    free(ids);
    return st;
}

/** Note the rows that stay of a table that others count the rows of.  Where it has a column of that
 *  name itself, which does not number its rows, that is a key, and keys stay. */
static mms_status add_reference(subset *s, const char *name, mms_table *table, mms_error *err)
{
    row_reference *ref = &s->references[s->nreference];
    int64_t *rows = NULL, n;
    bool numbered = true;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < mms_table_ncolumn(table); i++) {
        const mms_column *c = mms_table_column(table, i);
        if (c->scalar && c->dtype < MMS_DT_STRING && counts_rows_of(c->name, name))
            st = is_numbered(table, c->name, &numbered, err);
    }
    if (st != MMS_OK || !numbered)
        return st;
    MMS_TRY(choose_rows(s, name, table, &rows, &n, err));
    if (n == mms_table_nrow(table))
        goto done;
    ref->table = name;
    ref->rows = mms_alloc(n, sizeof *ref->rows);
    MMS_TRY(ref->rows ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", name));
    s->nreference++;
    for (int64_t i = 0; i < n; i++)
        ref->rows[i] = (int32_t)rows[i];
    MMS_TRY(mms_id_set_make((mms_ids){true, n, ref->rows}, &ref->set, err));
done:
    free(rows);
    return st;
}

/** Mark the tables whose rows a table's columns count. */
static void mark_counted(const mms_table *table, mms_value *counted)
{
    const char *name;
    mms_value *mark;

    for (int64_t i = 0; i < mms_table_ncolumn(table); i++)
        json_object_foreach(counted, name, mark)
        {
            if (counts_rows_of(mms_table_column(table, i)->name, name))
                json_object_set_new_nocheck(counted, name, json_true());
        }
}

/** Find the tables that lose rows and whose row numbers stand in others; FEED_ID and SOURCE_ID are
 *  keys. */
static mms_status find_references(subset *s, mms_error *err)
{
    mms_value *counted = json_object(), *mark;
    mms_table *table = NULL;
    const char *name;
    mms_status st;

    json_object_foreach((mms_value *)mms_ms_subtables(s->ms), name, mark)
    {
        if (!find_id_table(name) && strcmp(name, "FEED") && strcmp(name, "SOURCE"))
            json_object_set_new_nocheck(counted, name, json_false());
    }
    s->references = mms_alloc((int64_t)json_object_size(counted), sizeof *s->references);
    MMS_TRY(s->references ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "sub-tables: out of memory"));
    json_object_foreach((mms_value *)mms_ms_subtables(s->ms), name, mark)
    {
        MMS_TRY(mms_table_open(json_string_value(mark), MMS_TABLE_READ, &table, err));
        mark_counted(table, counted);
        mms_table_drop(&table);
    }
    json_object_foreach((mms_value *)mms_ms_subtables(s->ms), name, mark)
    {
        if (!json_is_true(json_object_get(counted, name)))
            continue;
        MMS_TRY(mms_table_open(json_string_value(mark), MMS_TABLE_READ, &table, err));
        MMS_TRY(add_reference(s, name, table, err));
        mms_table_drop(&table);
    }
done:
    mms_table_drop(&table);
    mms_value_free(&counted);
    return st;
}

static mms_status make_subset(mms_ms *ms, const mms_selection *sel, const mms_subtables_opts *opts,
                              subset *s, mms_error *err)
{
    const struct {
        mms_id_kind kind;
        mms_ids ids;
    } lists[] = {{MMS_ID_SPW, mms_selection_spws(sel)},
                 {MMS_ID_DDID, mms_selection_ddids(sel)},
                 {MMS_ID_FIELD, mms_selection_fields(sel)},
                 {MMS_ID_ANTENNA, mms_selection_antennas(sel)},
                 {MMS_ID_OBSERVATION, mms_selection_observations(sel)},
                 {MMS_ID_STATE, mms_selection_states(sel)},
                 {MMS_ID_ARRAY, mms_selection_arrays(sel)}};
    mms_status st;

    s->ms = ms;
    s->selection = sel;
    s->opts = opts;
    for (int64_t i = 0; i < MMS_COUNT_OF(lists); i++) {
        const mms_ids none = {false, 0, NULL};
        MMS_TRY(
            mms_id_set_make(opts->keep_ids ? none : lists[i].ids, &s->sets[lists[i].kind], err));
        s->any = s->any || s->sets[lists[i].kind].given;
    }
    MMS_TRY(find_sources(s, err));
    if (s->any)
        MMS_TRY(find_references(s, err));
done:
    return st;
}

static void free_subset(subset *s)
{
    for (int i = 0; i < MMS_ID_KINDS; i++)
        free(s->sets[i].to);
    for (int64_t i = 0; i < s->nreference; i++) {
        free(s->references[i].rows);
        free(s->references[i].set.to);
    }
    free(s->references);
    free(s->sources);
}

/** Open a table that the selection touches; *in is NULL for one that is copied as it is. */
static mms_status open_touched(const subset *s, const char *name, const char *src, mms_table **in,
                               mms_error *err)
{
    mms_status st = MMS_OK;

    *in = NULL;
    if (s->any || uses_times(s, name) || find_id_table(name))
        st = mms_table_open(src, MMS_TABLE_READ, in, err);
    if (*in && !is_touched(s, name, *in))
        mms_table_drop(in);
    return st;
}

static mms_status write_table(const subset *s, const char *name, const char *src, const char *dst,
                              mms_error *err)
{
    mms_table *in = NULL;
    mms_status st;

    MMS_TRY(open_touched(s, name, src, &in, err));
    if (in)
        MMS_TRY(reduce(s, name, in, src, dst, err));
    else
        MMS_TRY(copy_whole(src, dst, err));
done:
    mms_table_drop(&in);
    return st;
}

static mms_status write_one(const subset *s, const char *name, const char *src, const char *folder,
                            mms_value *names, mms_error *err)
{
    char *dst = mms_format("%s/%s", folder, name);
    const mms_status st = dst ? write_table(s, name, src, dst, err)
                              : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", name);

    free(dst);
    if (st == MMS_OK)
        json_array_append_new(names, mms_text_value(name));
    return st;
}

/** Tables that every MS has; the input may lack them. */
static mms_status write_required(const subset *s, const char *folder, mms_value *names,
                                 mms_error *err)
{
    static const char *const required[] = {"FEED",     "FLAG_CMD",  "HISTORY", "OBSERVATION",
                                           "POINTING", "PROCESSOR", "STATE",   "SOURCE"};
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < MMS_COUNT_OF(required); i++) {
        mms_table *table = NULL;
        if (mms_ms_subtable(s->ms, required[i]))
            continue;
        char *path = mms_format("%s/%s", folder, required[i]);
        st = path ? mms_table_create_standard(path, required[i], NULL, NULL, &table, err)
                  : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", required[i]);
        if (st == MMS_OK)
            st = mms_table_close(&table, err);
        free(path);
        if (st == MMS_OK)
            json_array_append_new(names, mms_text_value(required[i]));
    }
    return st;
}

enum { MOST_NAMES = 4 };

/** Name the first of many: a set of ALMA has lost 64 at once. */
static void report_missing(const mms_ms *ms)
{
    const mms_value *missing = mms_ms_missing_subtables(ms);
    const size_t n = json_array_size(missing), shown = n > MOST_NAMES ? 1 : n;
    mms_text text = {0};
    size_t i;
    mms_value *name;

    if (n == 0)
        return;
    json_array_foreach(missing, i, name)
    {
        if (i < shown)
            mms_text_add(&text, "%s%s", i ? ", " : "", json_string_value(name));
        else
            mms_log(MMS_LOG_DEBUG, "mms", "%s: dropped, too: %s", mms_ms_path(ms),
                    json_string_value(name));
    }
    mms_log(MMS_LOG_WARN, "mms",
            "%s: %zu sub-table%s a keyword but no table on disk; the keyword%s dropped: %s%s",
            mms_ms_path(ms), n, n == 1 ? " has" : "s have", n == 1 ? " is" : "s are",
            text.text ? text.text : "", n > shown ? " and others (-v names them)" : "");
    free(text.text);
}

mms_status mms_subtables_whole(mms_ms *ms, const mms_selection *selection,
                               const mms_subtables_opts *opts, mms_value **tables, mms_error *err)
{
    subset s = {0};
    const char *name;
    mms_value *path;
    mms_status st;

    *tables = json_object();
    MMS_TRY(make_subset(ms, selection, opts, &s, err));
    json_object_foreach((mms_value *)mms_ms_subtables(ms), name, path)
    {
        mms_table *in;
        MMS_TRY(open_touched(&s, name, json_string_value(path), &in, err));
        if (!in && !strstr(name, "EPHEM"))
            json_object_set(*tables, name, path);
        mms_table_drop(&in);
    }
done:
    free_subset(&s);
    if (st != MMS_OK)
        mms_value_free(tables);
    return st;
}

mms_status mms_subtables_write(mms_ms *ms, const mms_selection *selection,
                               const mms_subtables_opts *opts, const char *folder,
                               mms_value **names, mms_error *err)
{
    subset s = {0};
    const char *name;
    mms_value *path;
    mms_status st;

    *names = json_array();
    report_missing(ms);
    MMS_TRY(make_subset(ms, selection, opts, &s, err));
    json_object_foreach((mms_value *)mms_ms_subtables(ms), name, path)
    {
        if (!strstr(name, "EPHEM"))
            MMS_TRY(write_one(&s, name, json_string_value(path), folder, *names, err));
    }
    MMS_TRY(write_required(&s, folder, *names, err));
done:
    free_subset(&s);
    if (st != MMS_OK)
        mms_value_free(names);
    return st;
}
