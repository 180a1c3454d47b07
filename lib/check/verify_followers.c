/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_followers.c  Columns that no definition knows and that have one value a channel and
 *  correlation: a cut changes them as it does DATA. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "against_priv.h"
#include "ms/columns.h"

bool mms_is_main_column(const char *column)
{
    static const char *const names[] = {MMS_COL_DATA,
                                        MMS_COL_CORRECTED_DATA,
                                        MMS_COL_MODEL_DATA,
                                        MMS_COL_FLOAT_DATA,
                                        MMS_COL_LAG_DATA,
                                        MMS_COL_VIDEO_POINT,
                                        MMS_COL_FLAG,
                                        MMS_COL_FLAG_CATEGORY,
                                        MMS_COL_WEIGHT,
                                        MMS_COL_SIGMA,
                                        MMS_COL_WEIGHT_SPECTRUM,
                                        MMS_COL_SIGMA_SPECTRUM,
                                        MMS_COL_CORRECTED_WEIGHT_SPECTRUM,
                                        MMS_COL_IMAGING_WEIGHT,
                                        MMS_COL_UVW,
                                        "UVW2",
                                        NULL};
    return mms_names_have(names, column);
}

void mms_likeness_add(mms_likeness *likeness, const mms_shape *cell, int64_t nchan, int64_t ncorr)
{
    const bool like = cell->ndim == 2 && cell->size[0] == nchan && cell->size[1] == ncorr;

    if (mms_shape_elements(cell) == 0)
        return;
    if (!likeness->any)
        likeness->first = *cell;
    else if (cell->ndim != likeness->first.ndim ||
             memcmp(cell->size, likeness->first.size, (size_t)cell->ndim * sizeof cell->size[0]))
        likeness->several = true;
    likeness->any = true;
    likeness->like = likeness->like || like;
    likeness->unlike = likeness->unlike || !like;
}

bool mms_likeness_follows(const mms_likeness *likeness)
{
    return likeness->like && (likeness->several || !likeness->unlike);
}

/** Shapes of FLAG and of another column in rows of the source. */
typedef struct row_shapes {
    mms_shape_list flag, cell;
    int64_t rows[MMS_COMPARE_ROWS];
    int32_t of_flag[MMS_COMPARE_ROWS], of_cell[MMS_COMPARE_ROWS];
} row_shapes;

static mms_status look_at(mms_against *a, const char *column, row_shapes *s, mms_likeness *likeness,
                          mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t first = 0; first < a->match.npair; first += MMS_COMPARE_ROWS) {
        const int64_t left = a->match.npair - first;
        const int64_t n = left < MMS_COMPARE_ROWS ? left : MMS_COMPARE_ROWS;
        for (int64_t i = 0; i < n; i++)
            s->rows[i] = a->match.pairs[first + i].a;
        MMS_TRY(mms_rowset_shapes(&a->source_rows, MMS_COL_FLAG, n, s->rows, &s->flag, s->of_flag,
                                  err));
        MMS_TRY(mms_rowset_shapes(&a->source_rows, column, n, s->rows, &s->cell, s->of_cell, err));
        for (int64_t i = 0; i < n; i++) {
            const mms_shape *const flag = &s->flag.shapes[s->of_flag[i]];
            if (flag->ndim == 2)
                mms_likeness_add(likeness, &s->cell.shapes[s->of_cell[i]], flag->size[0],
                                 flag->size[1]);
        }
    }
done:
    return st;
}

mms_status mms_against_followers(mms_against *a, mms_error *err)
{
    row_shapes *s = NULL;
    mms_status st = MMS_OK;

    if ((!mms_selection_cuts_channels(a->selection) &&
         !mms_selection_corrs(a->selection, 0).given) ||
        !mms_ms_find_column(a->source, MMS_COL_FLAG))
        return MMS_OK;
    s = mms_alloc(1, sizeof *s);
    a->rules.followers = json_object();
    MMS_TRY(s && a->rules.followers ? MMS_OK
                                    : mms_fail(err, MMS_ERR_MEM, "columns: out of memory"));
    for (int64_t i = 0; i < mms_ms_ncolumn(a->source); i++) {
        const mms_column *const c = mms_ms_column(a->source, i);
        mms_likeness likeness = {0};
        if (c->scalar || c->dtype >= MMS_DT_STRING || mms_is_main_column(c->name))
            continue;
        MMS_TRY(look_at(a, c->name, s, &likeness, err));
        if (mms_likeness_follows(&likeness))
            json_object_set_new(a->rules.followers, c->name, json_true());
    }
done:
    if (s) {
        free(s->flag.shapes);
        free(s->cell.shapes);
    }
    free(s);
    return st;
}
