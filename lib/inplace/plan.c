/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file plan.c  What a dry run says of flags and weights. */
#include "plan_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "ms/columns.h"
#include "ms/rows.h"

mms_status mms_planned_open(mms_flag_set *set, mms_planned *out, mms_error *err)
{
    *out = (mms_planned){.set = set,
                         .bits = mms_alloc(mms_ms_nrow(set->ms) / 8 + 1, 1),
                         .members = mms_alloc(mms_ms_nmember(set->ms), sizeof *out->members)};
    return out->bits && out->members ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");
}

void mms_planned_close(mms_planned *planned)
{
    free(planned->bits);
    free(planned->members);
}

static mms_status count(void *planned, const mms_row_chunk *chunk, mms_error *err)
{
    mms_planned *const p = planned;
    const int32_t *const ddid = chunk->cells[0];

    (void)err;
    for (int64_t i = 0; i < chunk->rows.count; i++) {
        const int64_t row = chunk->rows.first + i;
        const uint8_t bit = (uint8_t)(1 << (row & 7));
        if (!chunk->mask[i] || p->bits[row >> 3] & bit)
            continue;
        p->bits[row >> 3] |= bit;
        p->members[chunk->member] = true;
        p->nrow++;
        if (ddid[i] < 0 || ddid[i] >= p->set->nwindow)
            continue; // the run will say so
        const mms_flag_window *const w = &p->set->windows[ddid[i]];
        p->ncorr += w->ncorr;
        p->ncell += (int64_t)w->ncorr * w->nchan;
    }
    return MMS_OK;
}

mms_status mms_planned_add(mms_planned *planned, mms_selection *selection, mms_error *err)
{
    static const char *const columns[] = {MMS_COL_DATA_DESC_ID, NULL};
    const mms_row_pass_opts opts = {.selection = selection, .columns = columns};

    return mms_rows_each(planned->set->ms, &opts, count, planned, err);
}

static int64_t bytes_of(const mms_planned *p, const char *column)
{
    if (!strcmp(column, MMS_COL_FLAG))
        return p->ncell;
    if (!strcmp(column, MMS_COL_FLAG_ROW))
        return p->nrow;
    return 4 * (strstr(column, "_SPECTRUM") ? p->ncell : p->ncorr);
}

static bool has(const mms_value *names, const char *name)
{
    const mms_value *each;
    size_t i;

    json_array_foreach(names, i, each) if (!strcmp(json_string_value(each), name)) return true;
    return false;
}

mms_status mms_planned_tell(const mms_planned *p, const mms_value *columns, const mms_value *made,
                            const char *backup, mms_value *result, mms_error *err)
{
    const int64_t nmember = mms_ms_nmember(p->set->ms);
    mms_value *const kept = json_array(), *name;
    int64_t bytes = 0, skipped = 0;
    char *version = NULL;
    size_t i;
    mms_status st = MMS_OK;

    json_array_foreach((mms_value *)columns, i, name)
    {
        bytes += bytes_of(p, json_string_value(name));
        if (!has(made, json_string_value(name)))
            json_array_append(kept, name);
    }
    for (int64_t m = 0; m < nmember; m++)
        skipped += !p->members[m];
    if (backup)
        st = mms_version_next(mms_ms_path(p->set->ms), backup, &version, err);
    json_object_set_new(result, "rows", json_integer(p->nrow));
    json_object_set_new(result, "parts", json_integer(nmember));
    json_object_set_new(result, "skipped_parts", json_integer(skipped));
    json_object_set_new(result, "bytes", json_integer(bytes));
    json_object_set_new(result, "kept", kept);
    json_object_set_new(result, "flag_version", version ? mms_text_value(version) : json_null());
    json_object_set_new(result, "dryrun", json_true());
    free(version);
    return st;
}
