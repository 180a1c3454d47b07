/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file select.c  The task select: what a selection picks, before anything is run (parallel-tasks
 * 5).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "ms/rows.h"
#include "select_priv.h"

struct select_params {
    const char *vis;
    mms_select select;
};

static const char *const columns[MMS_SELECT_NCOLUMN + 1] = {MMS_COL_DATA_DESC_ID, MMS_COL_FIELD_ID,
                                                            MMS_COL_SCAN_NUMBER,  MMS_COL_ANTENNA1,
                                                            MMS_COL_ANTENNA2,     NULL};
static const mms_param params[] = {
    MMS_PARAM_VIS(struct select_params, vis),
    MMS_PARAMS_SELECT(struct select_params, select),
    {0},
};

static void count_rows(const mms_row_chunk *c, struct mms_picked *p)
{
    for (int64_t i = 0; i < c->rows.count; i++) {
        const int64_t row = c->rows.first + i;
        if (!c->mask[i])
            continue;
        if (p->rows < MMS_SELECT_NFIRST)
            p->first[p->rows] = row;
        p->rows++;
        p->row_sum += row;
        p->last = row;
    }
}

static mms_status collect_ids(const mms_row_chunk *chunk, struct mms_picked *p, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int c = 0; c < MMS_SELECT_NCOLUMN && st == MMS_OK; c++) {
        const int32_t *ids = chunk->cells[c];
        int32_t last = -1;
        bool any = false;
        for (int64_t i = 0; i < chunk->rows.count && st == MMS_OK; i++) {
            if (!chunk->mask[i] || (any && ids[i] == last))
                continue;
            st = mms_id_set_add(&p->sets[c], ids[i], err);
            last = ids[i];
            any = true;
        }
    }
    return st;
}

static mms_status pick_chunk(void *picked, const mms_row_chunk *chunk, mms_error *err)
{
    count_rows(chunk, picked);
    return collect_ids(chunk, picked, err);
}

static mms_status pick(mms_ms *ms, mms_selection *selection, struct mms_picked *p, mms_error *err)
{
    const mms_row_pass_opts opts = {.selection = selection, .columns = columns};

    return mms_rows_each(ms, &opts, pick_chunk, p, err);
}

static mms_status run(mms_run *task_run, const void *arg, mms_value *result, mms_error *err)
{
    const struct select_params *p = arg;
    struct mms_picked picked = {0};
    mms_selection *selection = NULL;
    mms_ms *ms = NULL;
    mms_status st;

    (void)task_run;
    MMS_TRY(mms_ms_open(p->vis, &ms, err));
    MMS_TRY(mms_selection_create(ms, &p->select, &selection, err));
    MMS_TRY(pick(ms, selection, &picked, err));
    if (picked.rows == 0)
        MMS_TRY(mms_selection_refuse_empty(ms, &p->select, err));
    mms_select_report(&picked, selection, result);
done:
    for (int c = 0; c < MMS_SELECT_NCOLUMN; c++)
        free(picked.sets[c].ids);
    mms_selection_free(&selection);
    mms_ms_close(&ms);
    return st;
}

const mms_task mms_task_select = {
    .name = "select",
    .summary = "show what a selection picks: rows, ids, channels",
    .params = params,
    .params_size = sizeof(struct select_params),
    .run = run,
    .print = mms_select_print,
    .details = "Examples:\n"
               "  multims select obs.ms spw='0:5~20,1' antenna='0&1~3'\n"
               "  multims select obs.mms scan=1,3 --json\n",
};
