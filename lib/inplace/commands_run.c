/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file commands_run.c  Rows for FLAG_CMD: the client's side. */
#include <stdlib.h>

#include "base/base_priv.h"
#include "groups_priv.h"
#include "orders_priv.h"

/** Keep the table as it is, and have the rows added by a worker. */
static mms_status add_rows(const mms_change_request *how, mms_ms *ms, mms_undo *undo,
                           const char *table, const mms_commands_order *order, mms_error *err)
{
    const char *const none[] = {NULL};
    bool *const members = mms_alloc(mms_ms_nmember(ms), sizeof *members); // no part is changed
    mms_units units = {0};
    mms_status st;

    MMS_TRY(members ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "FLAG_CMD: out of memory"));
    MMS_TRY(mms_undo_keep_table(undo, table, true, err));
    MMS_TRY(mms_undo_keep(undo, ms, members, none, err));
    MMS_TRY(mms_units_open(1, &units, err));
    MMS_TRY(mms_units_add(&units, "FLAG_CMD",
                          mms_units_changing(mms_commands_order_encode(order),
                                             json_pack("[o]", mms_text_value(table))),
                          err));
    MMS_TRY(mms_units_run(&units, how, err));
done:
    mms_units_close(&units);
    free(members);
    return st;
}

mms_status mms_commands_run(const mms_change_request *how, const mms_value *rows, bool applied,
                            mms_error *err)
{
    mms_undo *undo = NULL;
    mms_ms *ms = NULL;
    mms_status st;

    MMS_TRY(mms_change_recover(how, true, &undo, err));
    MMS_TRY(mms_change_open_set(how, &ms, err));
    const char *const table = mms_ms_subtable(ms, "FLAG_CMD");
    if (!table)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND, "%s has no FLAG_CMD", how->vis));
    MMS_TRY(mms_change_take_undo(how, &undo, err));
    st = add_rows(
        how, ms, undo, table,
        &(mms_commands_order){
            .vis = how->vis, .lock = mms_undo_lock_path(undo), .rows = rows, .applied = applied},
        err);
    st = mms_change_end(how, ms, &undo, st, err);
done:
    mms_ms_close(&ms);
    return st;
}
