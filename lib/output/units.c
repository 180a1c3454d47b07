/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file units.c  The units of an output, in a worker: its sub-tables, its parts, the finish. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "ms/block.h"
#include "order_priv.h"
#include "request_priv.h"
#include "subtables/flag_cmd.h"
#include "subtables/subtables.h"

mms_status mms_output_select(mms_ms *ms, const mms_select *select, mms_selection **out,
                             mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_selection_create(ms, select, out, err));
    MMS_TRY(mms_selection_check_corrs(*out, err));
    MMS_TRY(mms_selection_drop_channelless(*out, err));
done:
    return st;
}

/** FLAG_CMD speaks of the windows and channels of the output. */
static mms_status adapt_flag_cmd(mms_ms *ms, const mms_selection *selection,
                                 const mms_tables_order *order, mms_error *err)
{
    mms_flag_cmd_request r = MMS_FLAG_CMD_REQUEST_INIT;
    char *path = mms_format("%s/FLAG_CMD", order->tables);
    mms_flag_cmd_map *map = NULL;
    mms_status st;

    MMS_TRY(path ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "FLAG_CMD: out of memory"));
    r.selection = selection;
    r.spw = order->select.spw;
    r.nbin = order->nbin;
    r.bins = order->bins;
    r.keep_ids = order->keep_ids;
    r.new_grids = order->new_grids;
    MMS_TRY(mms_flag_cmd_map_create(ms, &r, &map, err));
    MMS_TRY(mms_flag_cmd_adapt(path, map, err));
done:
    mms_flag_cmd_map_free(&map);
    free(path);
    return st;
}

/** Resolve the selection again: the client has warned of what it found. */
static mms_status select_silently(mms_ms *ms, const mms_select *select, mms_selection **out,
                                  mms_error *err)
{
    const mms_level level = mms_log_limit(MMS_LOG_ERROR);
    const mms_status st = mms_output_select(ms, select, out, err);

    mms_log_limit(level);
    return st;
}

static mms_status write_tables(const mms_tables_order *order, mms_value *answer, mms_error *err)
{
    const mms_window_change change = {.combined = order->combined,
                                      .nspw = order->nspw,
                                      .ddistart = order->ddistart,
                                      .windows = order->windows};
    mms_ms *ms = NULL;
    mms_selection *selection = NULL;
    mms_subtables_opts opts = MMS_SUBTABLES_OPTS_INIT;
    mms_value *names;
    mms_status st;

    if (order->renew) {
        MMS_TRY(mms_remove_tree(order->tables, err));
        MMS_TRY(mms_make_folder(order->tables, err));
    }
    MMS_TRY(mms_ms_open(order->vis, &ms, err));
    MMS_TRY(select_silently(ms, &order->select, &selection, err));
    opts.keep_ids = order->keep_ids;
    opts.fields = order->fields;
    opts.windows = order->nspw ? NULL : order->windows;
    opts.new_windows = order->nspw > 0;
    MMS_TRY(mms_subtables_write(ms, selection, &opts, order->tables, &names, err));
    json_object_set_new(answer, "names", names);
    if (order->nspw)
        MMS_TRY(mms_subtables_change_windows(order->tables, names, &change, err));
    if (order->flag_bins)
        MMS_TRY(adapt_flag_cmd(ms, selection, order, err));
done:
    mms_selection_free(&selection);
    mms_ms_close(&ms);
    return st;
}

/** Open the finished output as a reader does, and count its rows.  Where all are to be read parts
 * are opened then, once. */
static mms_status open_result(const char *path, int64_t nrow, bool read, mms_ms **ms,
                              mms_error *err)
{
    const mms_status st = read ? mms_ms_open_made(path, ms, err) : mms_ms_open(path, ms, err);

    if (st != MMS_OK)
        return st;
    const int64_t found = mms_ms_nrow(*ms);
    const size_t missing = json_array_size(mms_ms_missing_subtables(*ms));
    if (found != nrow)
        return mms_fail(err, MMS_ERR_INTERNAL, "%s has %" PRId64 " rows, %" PRId64 " are selected",
                        path, found, nrow);
    if (missing)
        return mms_fail(err, MMS_ERR_INTERNAL, "%s: %zu sub-tables are missing", path, missing);
    return MMS_OK;
}

/** again: what an attempt that was broken off has added goes first. */
static mms_status finish(const mms_finish_order *order, bool again, mms_error *err)
{
    mms_ms *ms = NULL;
    mms_status st;

    if (again)
        MMS_TRY(mms_output_restore_history(order->first, order->tables, err));
    if (again && *order->flags)
        MMS_TRY(mms_remove_tree(order->flags, err));
    MMS_TRY(mms_history_append(order->first, true, order->origin, order->history, err));
    MMS_TRY(open_result(order->output, order->nrow, *order->flags != 0, &ms, err));
    if (*order->flags) {
        mms_log(MMS_LOG_INFO, "partition", "Create a backup of the flags that are in the MMS");
        mms_log(MMS_LOG_DEBUG, "partition", "Saving current flags to partition_1");
        MMS_TRY(mms_flagversions_save(ms, order->flags, "partition_1", order->tiles, err));
    }
done:
    mms_ms_close(&ms);
    return st;
}

mms_status mms_output_unit(mms_job *job, const mms_value *order, mms_value *answer, mms_error *err)
{
    const char *step = mms_order_step(order);
    mms_tables_order tables = {0};
    mms_finish_order last;
    mms_status st;

    if (!strcmp(step, "tables")) {
        st = mms_tables_order_decode(order, &tables, err);
        st = st == MMS_OK ? write_tables(&tables, answer, err) : st;
        free(tables.bins);
        return st;
    }
    if (strcmp(step, "finish"))
        return mms_part_write(job, order, answer, err);
    st = mms_finish_order_decode(order, &last, err);
    return st == MMS_OK ? finish(&last, mms_order_is_again(order), err) : st;
}
