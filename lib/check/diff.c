/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file diff.c  Compares two MSs or Multi-MSs: parts, rows, columns, sub-tables. */
#include "multims/check.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "compare_priv.h"
#include "diff_priv.h"

/** A comparison under way. */
typedef struct ms_diff {
    mms_ms *a, *b;
    const mms_diff_opts *opts;
    mms_report report;
    mms_rowset rows_a, rows_b;
    mms_match match;
    bool matched; /**< rows are paired by match; else by their numbers */
    mms_compare compare;
    int64_t ncolumn;
    mms_column_pair *columns;
    mms_check *checks;
} ms_diff;

static void check_parts(ms_diff *d)
{
    const int64_t na = mms_ms_nmember(d->a), nb = mms_ms_nmember(d->b);
    const char *const axis_a = mms_ms_axis(d->a), *const axis_b = mms_ms_axis(d->b);
    mms_check check;

    mms_check_start(&check, &d->report, "parts");
    if (na != nb)
        mms_check_add(&check, NULL, "number: %" PRId64 " / %" PRId64, na, nb);
    for (int64_t i = 0; i < na && i < nb; i++) {
        const int64_t ra = mms_ms_member_rows(d->a, i).count;
        const int64_t rb = mms_ms_member_rows(d->b, i).count;
        if (ra != rb)
            mms_check_add(&check, json_pack("{s:I}", "part", (json_int_t)i),
                          "part %" PRId64 ": %" PRId64 " / %" PRId64 " rows", i, ra, rb);
    }
    mms_check_end(&check, MMS_OK, NULL);
    mms_check_start(&check, &d->report, "axis");
    if (strcmp(axis_a, axis_b))
        mms_check_add(&check, NULL, "\"%s\" / \"%s\"", axis_a, axis_b);
    mms_check_end(&check, MMS_OK, NULL);
}

static void check_row_count(ms_diff *d)
{
    const int64_t na = mms_ms_nrow(d->a), nb = mms_ms_nrow(d->b);
    char note[32];
    mms_check check;

    snprintf(note, sizeof note, "%" PRId64, na);
    mms_check_start(&check, &d->report, "rows");
    if (na != nb)
        mms_check_add(&check,
                      json_pack("{s:I, s:I}", "rows_a", (json_int_t)na, "rows_b", (json_int_t)nb),
                      "%" PRId64 " / %" PRId64, na, nb);
    mms_check_end(&check, MMS_OK, note);
}

/** Parse "RTOL" or "RTOL/ATOL". */
static bool parse_tolerance(char *text, double *rtol, double *atol)
{
    char *const slash = strchr(text, '/');

    *atol = 0;
    if (slash)
        *slash = '\0';
    return mms_parse_double(text, rtol) && *rtol >= 0 &&
           (!slash || (mms_parse_double(slash + 1, atol) && *atol >= 0));
}

/** Take one COLUMN=RTOL/ATOL. */
static mms_status set_tolerance(ms_diff *d, char *item, mms_error *err)
{
    char *const value = strchr(item, '=');
    double rtol, atol;

    if (value)
        *value = '\0';
    if (!value || !parse_tolerance(value + 1, &rtol, &atol))
        return mms_fail(err, MMS_ERR_ARG,
                        "tolerance: \"%s\": write COLUMN=RTOL or COLUMN=RTOL/ATOL", item);
    for (int64_t i = 0; i < d->ncolumn; i++)
        if (!strcasecmp(d->columns[i].name_a, item)) {
            d->columns[i].rtol = rtol;
            d->columns[i].atol = atol;
            return MMS_OK;
        }
    return mms_fail(err, MMS_ERR_ARG, "tolerance: %s is not a column that is compared", item);
}

static mms_status set_tolerances(ms_diff *d, mms_error *err)
{
    char *const list = strdup(d->opts->tolerance ? d->opts->tolerance : "");
    char *state = NULL;
    mms_status st = list ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "tolerance: out of memory");

    for (char *item = list ? strtok_r(list, ", ", &state) : NULL; item && st == MMS_OK;
         item = strtok_r(NULL, ", ", &state))
        st = set_tolerance(d, item, err);
    free(list);
    return st;
}

static bool is_wanted(const mms_diff_opts *opts, const char *name)
{
    return (!opts->columns || !*opts->columns || mms_list_has(opts->columns, name)) &&
           !mms_list_has(opts->skip, name);
}

static void check_column_sets(ms_diff *d, mms_ms *has, mms_ms *lacks, const char *side,
                              mms_check *check)
{
    for (int64_t i = 0; i < mms_ms_ncolumn(has); i++) {
        const mms_column *const c = mms_ms_column(has, i);
        const mms_column *const other = mms_ms_find_column(lacks, c->name);
        if (!is_wanted(d->opts, c->name))
            continue;
        if (!other)
            mms_check_add(check, json_pack("{s:s, s:s}", "column", c->name, "only_in", side),
                          "%s only in %s", c->name, side);
        else if (has == d->a && other->dtype != c->dtype)
            mms_check_add(check, json_pack("{s:s}", "column", c->name), "%s: type %s / %s", c->name,
                          mms_dtype_name(c->dtype), mms_dtype_name(other->dtype));
    }
}

/** Names the user asked for that neither side has are findings too. */
static mms_status check_named_columns(ms_diff *d, mms_check *check, mms_error *err)
{
    char *const list = strdup(d->opts->columns ? d->opts->columns : "");
    char *state = NULL;

    if (!list)
        return mms_fail(err, MMS_ERR_MEM, "columns: out of memory");
    for (char *name = strtok_r(list, ", ", &state); name; name = strtok_r(NULL, ", ", &state)) {
        bool there = false;
        for (int64_t i = 0; i < mms_ms_ncolumn(d->a); i++)
            there = there || !strcasecmp(mms_ms_column(d->a, i)->name, name);
        for (int64_t i = 0; i < mms_ms_ncolumn(d->b); i++)
            there = there || !strcasecmp(mms_ms_column(d->b, i)->name, name);
        if (!there)
            mms_check_add(check, json_pack("{s:s}", "column", name), "%s is in neither", name);
    }
    free(list);
    return MMS_OK;
}

/** List the columns to compare and say which ones only one side has. */
static mms_status choose_columns(ms_diff *d, mms_error *err)
{
    const int64_t n = mms_ms_ncolumn(d->a);
    mms_check check;

    mms_check_start(&check, &d->report, "columns");
    check_column_sets(d, d->a, d->b, "A", &check);
    check_column_sets(d, d->b, d->a, "B", &check);
    const mms_status st = check_named_columns(d, &check, err);
    mms_check_end(&check, st, NULL);
    d->columns = mms_alloc(n, sizeof *d->columns);
    d->checks = mms_alloc(n, sizeof *d->checks);
    if (st != MMS_OK || !d->columns || !d->checks)
        return st != MMS_OK ? st : mms_fail(err, MMS_ERR_MEM, "columns: out of memory");
    for (int64_t i = 0; i < n; i++) {
        const mms_column *const c = mms_ms_column(d->a, i);
        const mms_column *const other = mms_ms_find_column(d->b, c->name);
        if (!other || other->dtype != c->dtype || !is_wanted(d->opts, c->name))
            continue;
        d->columns[d->ncolumn++] = (mms_column_pair){.name_a = c->name,
                                                     .name_b = other->name,
                                                     .dtype = c->dtype,
                                                     .rtol = d->opts->rtol,
                                                     .atol = d->opts->atol};
    }
    return set_tolerances(d, err);
}

static mms_status check_units(ms_diff *d, mms_error *err)
{
    mms_table *const ta = mms_rowset_first(&d->rows_a), *const tb = mms_rowset_first(&d->rows_b);
    mms_value *ua = NULL, *ub = NULL;
    mms_check check;
    mms_status st;

    mms_check_start(&check, &d->report, "units and measures");
    for (int64_t i = 0; i < d->ncolumn; i++) {
        const char *const name = d->columns[i].name_a;
        MMS_TRY(mms_column_units(ta, name, &ua, err));
        MMS_TRY(mms_column_units(tb, name, &ub, err));
        if (!json_equal(ua, ub)) {
            char *const text_a = mms_value_text(ua, 0), *const text_b = mms_value_text(ub, 0);
            mms_check_add(&check, json_pack("{s:s, s:O, s:O}", "column", name, "a", ua, "b", ub),
                          "%s: %s / %s", name, text_a, text_b);
            free(text_a);
            free(text_b);
        }
        mms_value_free(&ua);
        mms_value_free(&ub);
    }
done:
    mms_check_end(&check, st, NULL);
    mms_value_free(&ua);
    mms_value_free(&ub);
    return st;
}

/** Whether the rows of both sides have the same keys in the same order. */
static mms_status same_order(ms_diff *d, bool *same, mms_error *err)
{
    const mms_key_rows a = {.rows = &d->rows_a}, b = {.rows = &d->rows_b};
    uint64_t *const hash = mms_alloc(2 * MMS_KEY_CHUNK, sizeof *hash);
    const int64_t nrow = d->rows_a.nrow;
    mms_status st = MMS_OK;

    *same = nrow == d->rows_b.nrow;
    MMS_TRY(hash ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "row keys: out of memory"));
    for (int64_t first = 0; *same && first < nrow; first += MMS_KEY_CHUNK) {
        const int64_t left = nrow - first;
        const mms_rows rows = {first, left < MMS_KEY_CHUNK ? left : MMS_KEY_CHUNK};
        MMS_TRY(mms_hash_rows(&a, mms_main_keys, rows, hash, err));
        MMS_TRY(mms_hash_rows(&b, mms_main_keys, rows, hash + MMS_KEY_CHUNK, err));
        *same = !memcmp(hash, hash + MMS_KEY_CHUNK, (size_t)rows.count * sizeof *hash);
    }
done:
    free(hash);
    return st;
}

/** Write "TIME 4.8e9 ANTENNA1 0 …" of one row. */
static mms_status key_text(mms_rowset *rows, int64_t row, mms_text *text, mms_error *err)
{
    const mms_table *table = mms_rowset_first(rows);
    mms_status st = MMS_OK;

    for (int64_t k = 0; k < mms_main_keys.n && st == MMS_OK; k++) {
        const char *const name = mms_main_keys.names[k];
        mms_value *value = NULL;
        if (!mms_table_find_column(table, name))
            continue;
        st = mms_rowset_cell(rows, name, row, &value, err);
        if (json_is_real(value))
            mms_text_add(text, " %s %.6f", name, json_real_value(value));
        else
            mms_text_add(text, " %s %" JSON_INTEGER_FORMAT, name, json_integer_value(value));
        mms_value_free(&value);
    }
    return st;
}

static mms_status report_lonely(mms_rowset *rows, const mms_lonely *lonely, const char *side,
                                mms_check *check, mms_error *err)
{
    for (int64_t i = 0; i < lonely->n; i++) {
        mms_text text = {0};
        if (i >= MMS_MATCH_SHOW || !mms_check_keeps(check)) {
            mms_check_skip(check);
            continue;
        }
        const mms_status st = key_text(rows, lonely->rows[i], &text, err);
        mms_check_add(check,
                      json_pack("{s:s, s:I}", "only_in", side, "row", (json_int_t)lonely->rows[i]),
                      "row %" PRId64 " of %s has no partner:%s", lonely->rows[i], side,
                      text.text ? text.text : "");
        free(text.text);
        if (st != MMS_OK)
            return st;
    }
    return MMS_OK;
}

/** Rows stand where they stood; where rows are lost the others still follow each other. */
static void check_order(ms_diff *d)
{
    const mms_match *const m = &d->match;
    const bool complete = m->only_a.n == 0 && m->only_b.n == 0;
    uint32_t last = 0;
    mms_check check;

    mms_check_start(&check, &d->report, "row order");
    for (int64_t i = 0; i < m->npair; i++) {
        const mms_row_pair *const p = &m->pairs[i];
        const bool moved = complete ? p->a != p->b : p->b < last;
        last = p->b;
        if (!moved)
            continue;
        if (!mms_check_keeps(&check))
            mms_check_skip(&check);
        else
            mms_check_add(
                &check,
                json_pack("{s:I, s:I}", "row_a", (json_int_t)p->a, "row_b", (json_int_t)p->b),
                "row %" PRIu32 " of A is row %" PRIu32 " of B", p->a, p->b);
    }
    mms_check_end(&check, MMS_OK, NULL);
}

/** Find out which row belongs to which. */
static mms_status pair_rows(ms_diff *d, mms_error *err)
{
    const mms_key_rows a = {.rows = &d->rows_a}, b = {.rows = &d->rows_b};
    mms_check check;
    mms_status st;
    bool same;

    mms_check_start(&check, &d->report, "row keys");
    MMS_TRY(same_order(d, &same, err));
    if (!same) {
        MMS_TRY(mms_match_rows(&a, &b, mms_main_keys, &d->match, err));
        d->matched = true;
        MMS_TRY(report_lonely(&d->rows_a, &d->match.only_a, "A", &check, err));
        MMS_TRY(report_lonely(&d->rows_b, &d->match.only_b, "B", &check, err));
    }
done:
    mms_check_end(&check, st, NULL);
    if (st == MMS_OK && !d->opts->ignore_order)
        check_order(d);
    return st;
}

static int64_t next_pairs(const ms_diff *d, int64_t first, int64_t *a, int64_t *b)
{
    const int64_t all = d->matched ? d->match.npair : d->rows_a.nrow;
    const int64_t n = all - first < MMS_COMPARE_ROWS ? all - first : MMS_COMPARE_ROWS;

    for (int64_t i = 0; i < n; i++) {
        a[i] = d->matched ? d->match.pairs[first + i].a : first + i;
        b[i] = d->matched ? d->match.pairs[first + i].b : first + i;
    }
    return n;
}

static void end_columns(ms_diff *d, mms_status st)
{
    for (int64_t i = 0; i < d->ncolumn; i++) {
        const mms_column_pair *const c = &d->columns[i];
        char note[80];
        snprintf(note, sizeof note, "%" PRId64 " rows, %" PRId64 " values differ", c->rows,
                 c->values);
        mms_check_end(&d->checks[i], st, c->rows ? note : NULL);
    }
}

/** Compare pairs of rows in every column. */
static mms_status compare_pairs(void *ctx, int64_t n, const int64_t *a, const int64_t *b,
                                mms_error *err)
{
    ms_diff *const d = ctx;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < d->ncolumn && st == MMS_OK; i++) {
        st = mms_compare_rows(&d->compare, &d->columns[i], n, a, b, err);
        if (st != MMS_OK)
            st = mms_wrap(err, st, "%s", d->columns[i].name_a);
    }
    return st;
}

static mms_status compare_columns(ms_diff *d, mms_error *err)
{
    int64_t *const rows = mms_alloc(2 * MMS_COMPARE_ROWS, sizeof *rows);
    int64_t *const a = rows, *const b = rows + MMS_COMPARE_ROWS;
    mms_status st = MMS_OK;
    int64_t n;

    for (int64_t i = 0; i < d->ncolumn; i++) {
        mms_check_start(&d->checks[i], &d->report, "%s", d->columns[i].name_a);
        d->columns[i].check = &d->checks[i];
    }
    MMS_TRY(rows ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "lists of rows: out of memory"));
    d->compare = (mms_compare){.a = &d->rows_a, .b = &d->rows_b, .threads = d->opts->threads};
    for (int64_t first = 0; (n = next_pairs(d, first, a, b)) > 0; first += n)
        MMS_TRY(mms_each_group(&d->compare, n, a, b, compare_pairs, d, err));
done:
    end_columns(d, st);
    mms_compare_free(&d->compare);
    free(rows);
    return st;
}

static bool wants_subtable(const mms_diff_opts *opts, const char *name)
{
    const bool all = !opts->subtables || !*opts->subtables;

    if (!strcmp(name, "HISTORY") && all)
        return opts->history;
    return all || mms_list_has(opts->subtables, name);
}

static void check_subtable_sets(ms_diff *d, mms_ms *has, mms_ms *lacks, const char *side,
                                mms_check *check)
{
    const char *name;
    mms_value *path;

    json_object_foreach((mms_value *)mms_ms_subtables(has), name,
                        path) if (wants_subtable(d->opts, name) && !mms_ms_subtable(lacks, name))
        mms_check_add(check, json_pack("{s:s, s:s}", "table", name, "only_in", side),
                      "%s only in %s", name, side);
}

static mms_status compare_subtables(ms_diff *d, mms_error *err)
{
    const char *name;
    mms_value *path;
    mms_check check;

    if (d->opts->subtables && !strcasecmp(d->opts->subtables, "none"))
        return MMS_OK;
    mms_check_start(&check, &d->report, "sub-tables");
    check_subtable_sets(d, d->a, d->b, "A", &check);
    check_subtable_sets(d, d->b, d->a, "B", &check);
    mms_check_end(&check, MMS_OK, NULL);
    json_object_foreach((mms_value *)mms_ms_subtables(d->a), name, path)
    {
        const char *const other = mms_ms_subtable(d->b, name);
        const mms_table_diff how = {.name = name,
                                    .ignore_order = d->opts->ignore_order,
                                    .rtol = d->opts->rtol,
                                    .atol = d->opts->atol};
        if (!other || !wants_subtable(d->opts, name))
            continue;
        mms_check_start(&check, &d->report, "%s", name);
        const mms_status st = mms_diff_tables(json_string_value(path), other, &how, &check, err);
        mms_check_end(&check, st, NULL);
        if (st != MMS_OK)
            return mms_wrap(err, st, "%s", name);
    }
    return MMS_OK;
}

mms_status mms_diff(mms_ms *a, mms_ms *b, const mms_diff_opts *opts, mms_value *result,
                    mms_error *err)
{
    ms_diff d = {.a = a, .b = b, .opts = opts};
    mms_status st;

    mms_rowset_of_ms(&d.rows_a, a);
    mms_rowset_of_ms(&d.rows_b, b);
    d.rows_a.direct = d.rows_b.direct = true;
    MMS_TRY(mms_report_start(&d.report, opts->show, err));
    if (opts->parts)
        check_parts(&d);
    check_row_count(&d);
    MMS_TRY(choose_columns(&d, err));
    MMS_TRY(check_units(&d, err));
    MMS_TRY(pair_rows(&d, err));
    MMS_TRY(compare_columns(&d, err));
    MMS_TRY(compare_subtables(&d, err));
done:
    st = mms_report_finish(&d.report, st, result, err);
    mms_match_free(&d.match);
    mms_rowset_close(&d.rows_a);
    mms_rowset_close(&d.rows_b);
    free(d.columns);
    free(d.checks);
    return st;
}
