/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file unknown.c  Columns that the definition of the MeasurementSet does not know, such as
 *  BITFLAG: those of one value a channel and correlation follow a selection, and lose their cells
 *  when channels or rows become others. */
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "ms/ms_meta.h"
#include "request_priv.h"
#include "transform/transform.h"

static mms_status out_of_memory(const mms_request *r, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->vis);
}

/** Array columns and texts of the definition. */
static bool is_defined(const char *column)
{
    static const char *const names[] = {MMS_COL_UVW, "UVW2", NULL};
    return mms_column_has_channels(column) || mms_column_has_correlations(column) ||
           mms_names_have(names, column);
}

static int compare_rows(const void *a, const void *b)
{
    const int64_t x = ((const mms_rows *)a)->first, y = ((const mms_rows *)b)->first;
    return (x > y) - (x < y);
}

/** A row of each scan, data description, field and so on, ascending. */
static mms_status list_samples(const mms_request *r, mms_rows **rows, mms_error *err)
{
    *rows = mms_alloc(r->meta.ncell, sizeof **rows);
    if (!*rows)
        return out_of_memory(r, err);
    for (int64_t i = 0; i < r->meta.ncell; i++)
        (*rows)[i] = (mms_rows){r->meta.cells[i].first_row, 1};
    qsort(*rows, (size_t)r->meta.ncell, sizeof **rows, compare_rows);
    return MMS_OK;
}

/** Shapes of a column in the samples, one each. */
static mms_status read_shapes(const mms_request *r, const mms_column *column, const mms_rows *rows,
                              mms_shape_run *shapes, mms_error *err)
{
    mms_shape_run *runs = NULL;
    int64_t nrun, n = 0;
    const mms_status st =
        mms_ms_shapes(r->ms, column->name, r->meta.ncell, rows, &runs, &nrun, err);

    for (int64_t i = 0; st == MMS_OK && i < nrun; i++)
        for (int64_t k = 0; k < runs[i].rows.count && n < r->meta.ncell; k++)
            shapes[n++] = runs[i];
    free(runs);
    return st;
}

static bool same_shape(const mms_shape_run *a, const mms_shape_run *b)
{
    return a->ndim == 2 && b->ndim == 2 && a->shape[0] == b->shape[0] && a->shape[1] == b->shape[1];
}

/** Find whether cells follow FLAG.  Cells of one shape where FLAG has several are something else,
 *  even if they look like some of FLAG. */
static void compare_shapes(int64_t n, const mms_shape_run *flag, const mms_shape_run *cells,
                           mms_unknown *out)
{
    const mms_shape_run *first = NULL;
    bool like_flag = false, unlike_flag = false, one_shape = true;

    for (int64_t i = 0; i < n; i++) {
        if (cells[i].ndim < 0 || flag[i].ndim < 0)
            continue;
        first = first ? first : &cells[i];
        like_flag = like_flag || same_shape(&cells[i], &flag[i]);
        unlike_flag = unlike_flag || !same_shape(&cells[i], &flag[i]);
        one_shape = one_shape && same_shape(&cells[i], first);
    }
    out->has_cells = first != NULL;
    out->follows = !first || (like_flag && !(one_shape && unlike_flag));
}

/** Look at a column.  Where no sample has a cell, those that there are will be looked at as they
 *  come. */
static mms_status look_at(const mms_request *r, const mms_rows *rows, const mms_shape_run *flag,
                          mms_unknown *out, mms_error *err)
{
    mms_shape_run *shapes = NULL;
    mms_status st;

    out->has_cells = true;
    if (out->column->scalar || out->column->dtype >= MMS_DT_STRING)
        return MMS_OK;
    shapes = mms_alloc(r->meta.ncell, sizeof *shapes);
    MMS_TRY(shapes ? MMS_OK : out_of_memory(r, err));
    MMS_TRY(read_shapes(r, out->column, rows, shapes, err));
    compare_shapes(r->meta.ncell, flag, shapes, out);
done:
    free(shapes);
    return st;
}

mms_status mms_request_find_unknown(mms_request *r, mms_error *err)
{
    const mms_column *flag = mms_ms_find_column(r->ms, MMS_COL_FLAG);
    const int64_t n = mms_ms_ncolumn(r->ms);
    mms_shape_run *shapes = NULL;
    mms_rows *rows = NULL;
    mms_status st;

    if (mms_request_only_copies(r) && !mms_request_cuts(r))
        return MMS_OK; // all cells stay
    shapes = mms_alloc(r->meta.ncell, sizeof *shapes);
    r->unknown = mms_alloc(n, sizeof *r->unknown);
    MMS_TRY(shapes && r->unknown ? MMS_OK : out_of_memory(r, err));
    MMS_TRY(list_samples(r, &rows, err));
    for (int64_t i = 0; flag && i < n; i++) {
        const mms_column *c = mms_ms_column(r->ms, i);
        if ((c->scalar && c->dtype < MMS_DT_STRING) || is_defined(c->name))
            continue;
        if (r->nunknown == 0)
            MMS_TRY(read_shapes(r, flag, rows, shapes, err));
        mms_unknown *u = &r->unknown[r->nunknown++];
        u->column = c;
        MMS_TRY(look_at(r, rows, shapes, u, err));
    }
done:
    free(shapes);
    free(rows);
    return st;
}

static const mms_unknown *find(const mms_request *r, const char *column)
{
    for (int64_t i = 0; i < r->nunknown; i++)
        if (!strcmp(r->unknown[i].column->name, column))
            return &r->unknown[i];
    return NULL;
}

bool mms_output_follows(const mms_request *r, const char *column)
{
    const mms_unknown *u = find(r, column);
    return u && u->follows;
}

mms_status mms_request_set_followers(const mms_request *r, mms_form *form, mms_error *err)
{
    const char **names = mms_alloc(r->nunknown, sizeof *names);
    int64_t n = 0;

    if (!names)
        return out_of_memory(r, err);
    for (int64_t i = 0; i < r->nunknown; i++)
        if (r->unknown[i].follows)
            names[n++] = r->unknown[i].column->name;
    const mms_status st = mms_form_set_followers(form, n, names, err);
    free(names);
    return st;
}

/** Whether rows, or the channels of this window (-1: of any), become others. */
static bool mixes(const mms_request *r, int64_t window)
{
    const int64_t n = mms_pipeline_base(r->pipeline)->nwindow;
    bool mixed = mms_pipeline_row_steps(r->pipeline) > 0;

    for (int64_t w = window < 0 ? 0 : window; !mixed && w < (window < 0 ? n : window + 1); w++)
        mixed = mms_pipeline_mixes(r->pipeline, w);
    return mixed;
}

bool mms_output_clears(const mms_request *r, const mms_column *column, int64_t window)
{
    const mms_column_role role = mms_column_role_of(column->name);
    const bool optional = role == MMS_ROLE_OPTIONAL || !strcmp(column->name, "UVW2");

    if (!r->pipeline || !mms_pipeline_base(r->pipeline)->kinds)
        return false;
    if (role == MMS_ROLE_OTHER_WEIGHTS)
        return mms_pipeline_row_steps(r->pipeline) > 0 || mms_pipeline_acts(r->pipeline, window);
    if (mms_output_follows(r, column->name))
        return mixes(r, window);
    return (find(r, column->name) || optional) && mms_pipeline_row_steps(r->pipeline) > 0 &&
           (!column->fixed || column->dtype >= MMS_DT_STRING);
}

void mms_output_tell_cleared(const mms_request *r)
{
    mms_level level = MMS_LOG_INFO;
    mms_text names = {0};
    int n = 0;

    for (int64_t i = 0; i < r->nunknown; i++) {
        const mms_unknown *u = &r->unknown[i];
        if (!u->has_cells || !mms_output_clears(r, u->column, -1))
            continue;
        mms_text_add(&names, "%s%s", n++ ? ", " : "", u->column->name);
        level = u->follows ? MMS_LOG_WARN : level;
    }
    if (n > 0)
        mms_log(level, r->host->task,
                "%s: the definition of the MeasurementSet does not know %s; what is averaged or "
                "regridded has no cells of %s",
                names.text ? names.text : "", n > 1 ? "these columns" : "this column",
                n > 1 ? "them" : "it");
    free(names.text);
}
