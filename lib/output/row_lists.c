/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file row_lists.c  Sort the selected rows of the input into one list of runs a part. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/files_priv.h"
#include "ms/columns.h"
#include "ms/rowlist_priv.h"
#include "request_priv.h"

enum { CHUNK = 65536 };

/** The key columns of a chunk of rows, and which rows are selected. */
typedef struct key_chunk {
    int32_t scan[CHUNK], ddid[CHUNK], ant1[CHUNK], ant2[CHUNK];
    uint8_t mask[CHUNK];
} key_chunk;

static mms_status read_keys(const mms_request *r, mms_rows rows, key_chunk *k, mms_error *err)
{
    mms_ms *ms = r->ms;
    mms_status st;

    MMS_TRY(mms_selection_rows(r->selection, rows, k->mask, err));
    MMS_TRY(mms_ms_read(ms, MMS_COL_SCAN_NUMBER, 1, &rows, rows.count, k->scan, err));
    MMS_TRY(mms_ms_read(ms, MMS_COL_DATA_DESC_ID, 1, &rows, rows.count, k->ddid, err));
    MMS_TRY(mms_ms_read(ms, MMS_COL_ANTENNA1, 1, &rows, rows.count, k->ant1, err));
    MMS_TRY(mms_ms_read(ms, MMS_COL_ANTENNA2, 1, &rows, rows.count, k->ant2, err));
done:
    return st;
}

/** Add the rows of one chunk, all of one member of the input, to their parts' lists. */
static mms_status sort_chunk(const mms_request *r, int64_t member, mms_rows rows,
                             const key_chunk *k, mms_rowlist **lists, mms_error *err)
{
    int64_t part = -1;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < rows.count; i++) {
        if (!k->mask[i])
            continue;
        const mms_row_key key = {k->scan[i], k->ddid[i], k->ant1[i], k->ant2[i], member};
        const bool same = part >= 0 && i > 0 && k->mask[i - 1] && key.scan == k->scan[i - 1] &&
                          key.ddid == k->ddid[i - 1] && key.ant1 == k->ant1[i - 1] &&
                          key.ant2 == k->ant2[i - 1];
        if (!same)
            part = mms_plan_part_of(r->plan, &key);
        if (part < 0)
            return mms_fail(err, MMS_ERR_INTERNAL, "row %" PRId64 " belongs to no part",
                            rows.first + i);
        st = mms_rowlist_add(lists[part], (mms_rows){rows.first + i, 1}, err);
    }
    return st;
}

static mms_status sort_member(const mms_request *r, int64_t member, key_chunk *k,
                              mms_rowlist **lists, mms_error *err)
{
    const mms_rows all = mms_ms_member_rows(r->ms, member);
    mms_status st = MMS_OK;

    for (int64_t done = 0; st == MMS_OK && done < all.count; done += CHUNK) {
        const int64_t left = all.count - done;
        const mms_rows rows = {all.first + done, left < CHUNK ? left : CHUNK};
        st = read_keys(r, rows, k, err);
        if (st == MMS_OK)
            st = sort_chunk(r, member, rows, k, lists, err);
        if (st == MMS_OK)
            st = mms_check_stop(err);
    }
    return st;
}

mms_status mms_sort_rows(const mms_request *r, const char *const *files, mms_error *err)
{
    const int64_t nparts = mms_plan_nparts(r->plan);
    key_chunk *k = mms_alloc(1, sizeof *k);
    mms_rowlist **lists = mms_alloc(nparts, sizeof(void *));
    mms_status st =
        k && lists ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis);

    for (int64_t i = 0; st == MMS_OK && i < nparts; i++)
        st = mms_rowlist_create(files[i], &lists[i], err);
    for (int64_t i = 0; st == MMS_OK && i < mms_ms_nmember(r->ms); i++)
        st = sort_member(r, i, k, lists, err);
    for (int64_t i = 0; lists && i < nparts; i++) {
        const mms_status closed = mms_rowlist_close(&lists[i], st == MMS_OK ? err : NULL);
        st = st == MMS_OK ? closed : st;
    }
    free(lists);
    free(k);
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
