/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file row_lists.c  Sort the selected rows of the input into one list of runs a part. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/files_priv.h"
#include "ms/columns.h"
#include "ms/rowlist_priv.h"
#include "ms/rows.h"
#include "request_priv.h"

enum { SCAN, DDID, ANT1, ANT2, NKEY };
static const char *const columns[] = {MMS_COL_SCAN_NUMBER, MMS_COL_DATA_DESC_ID, MMS_COL_ANTENNA1,
                                      MMS_COL_ANTENNA2, NULL};

typedef struct sorting {
    const mms_request *r;
    mms_rowlist **lists; /**< of the parts */
} sorting;

/** Add the selected rows of a chunk to their parts' lists. */
static mms_status sort_chunk(void *ctx, const mms_row_chunk *c, mms_error *err)
{
    const sorting *s = ctx;
    const int32_t *k[NKEY];
    int64_t part = -1;
    mms_status st = MMS_OK;

    for (int i = 0; i < NKEY; i++)
        k[i] = c->cells[i];
    for (int64_t i = 0; st == MMS_OK && i < c->rows.count; i++) {
        if (!c->mask[i])
            continue;
        const mms_row_key key = {k[SCAN][i], k[DDID][i], k[ANT1][i], k[ANT2][i], c->member};
        const bool same = part >= 0 && i > 0 && c->mask[i - 1] && key.scan == k[SCAN][i - 1] &&
                          key.ddid == k[DDID][i - 1] && key.ant1 == k[ANT1][i - 1] &&
                          key.ant2 == k[ANT2][i - 1];
        if (!same)
            part = mms_plan_part_of(s->r->plan, &key);
        if (part < 0)
            return mms_fail(err, MMS_ERR_INTERNAL, "row %" PRId64 " belongs to no part",
                            c->rows.first + i);
        st = mms_rowlist_add(s->lists[part], (mms_rows){c->rows.first + i, 1}, err);
    }
    return st == MMS_OK ? mms_check_stop(err) : st;
}

static mms_status sort_all(const mms_request *r, mms_rowlist **lists, mms_error *err)
{
    const mms_row_pass_opts opts = {.selection = r->selection, .columns = columns};
    sorting s = {r, lists};

    return mms_rows_each(r->ms, &opts, sort_chunk, &s, err);
}

mms_status mms_sort_rows(const mms_request *r, const char *const *files, mms_error *err)
{
    const int64_t nparts = mms_plan_nparts(r->plan);
    mms_rowlist **lists = mms_alloc(nparts, sizeof(void *));
    mms_status st = lists ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis);

    for (int64_t i = 0; st == MMS_OK && i < nparts; i++)
        st = mms_rowlist_create(files[i], &lists[i], err);
    if (st == MMS_OK)
        st = sort_all(r, lists, err);
    for (int64_t i = 0; lists && i < nparts; i++) {
        const mms_status closed = mms_rowlist_close(&lists[i], st == MMS_OK ? err : NULL);
        st = st == MMS_OK ? closed : st;
    }
    free(lists);
    return st;
}

static mms_status visit_lists_in(const mms_request *r, const char *folder, mms_list_visit *visit,
                                 void *ctx, mms_error *err)
{
    const int64_t n = mms_plan_nparts(r->plan);
    char **files = mms_alloc(n, sizeof(char *));
    mms_status st = files ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis);

    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        if (!(files[i] = mms_format("%s/%" PRId64 ".rows", folder, i)))
            st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis);
    if (st == MMS_OK)
        st = mms_sort_rows(r, (const char *const *)files, err);
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        st = visit(ctx, i, files[i], err);
        if (st == MMS_OK)
            st = mms_check_stop(err);
    }
    for (int64_t i = 0; files && i < n; i++)
        free(files[i]);
    free(files);
    return st;
}

mms_status mms_output_visit_lists(const mms_request *r, mms_list_visit *visit, void *ctx,
                                  mms_error *err)
{
    const char *tmp = getenv("TMPDIR");
    char *folder = mms_format("%s/multims-plan-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    mms_status st;

    if (!folder || !mkdtemp(folder))
        st = mms_fail(err, MMS_ERR_IO, "%s: no scratch folder can be made",
                      folder ? folder : "/tmp");
    else {
        st = visit_lists_in(r, folder, visit, ctx, err);
        (void)!mms_remove_tree(folder, NULL);
    }
    free(folder);
    return st;
}
