/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file units.c  The units of an output, in a worker: its sub-tables, its parts, the finish. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "ms/block.h"
#include "ms/select_value.h"
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
static mms_status adapt_flag_cmd(mms_ms *ms, const mms_selection *selection, const mms_value *order,
                                 const char *folder, mms_error *err)
{
    mms_flag_cmd_request r = MMS_FLAG_CMD_REQUEST_INIT;
    const mms_value *bins = json_object_get(order, "bins");
    int64_t *list = mms_alloc((int64_t)json_array_size(bins), sizeof *list);
    char *path = mms_format("%s/FLAG_CMD", folder);
    mms_flag_cmd_map *map = NULL;
    mms_status st;

    MMS_TRY(list && path ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "FLAG_CMD: out of memory"));
    r.selection = selection;
    r.spw = json_string_value(json_object_get(json_object_get(order, "select"), "spw"));
    r.nbin = (int64_t)json_array_size(bins);
    r.bins = list;
    r.keep_ids = json_is_true(json_object_get(order, "keep_ids"));
    r.new_grids = json_is_true(json_object_get(order, "grids"));
    for (int64_t i = 0; i < r.nbin; i++)
        list[i] = json_integer_value(json_array_get(bins, (size_t)i));
    MMS_TRY(mms_flag_cmd_map_create(ms, &r, &map, err));
    MMS_TRY(mms_flag_cmd_adapt(path, map, err));
done:
    mms_flag_cmd_map_free(&map);
    free(list);
    free(path);
    return st;
}

static mms_status write_tables(const mms_value *order, mms_value *answer, mms_error *err)
{
    const mms_select select = mms_select_of(json_object_get(order, "select"));
    mms_ms *ms = NULL;
    mms_selection *selection = NULL;
    mms_subtables_opts opts = MMS_SUBTABLES_OPTS_INIT;
    mms_window_change change;
    const char *folder = json_string_value(json_object_get(order, "tables"));
    mms_value *names;
    mms_level level;
    mms_status st;

    if (json_is_true(json_object_get(order, "renew"))) {
        MMS_TRY(mms_remove_tree(folder, err));
        MMS_TRY(mms_make_folder(folder, err));
    }
    MMS_TRY(mms_ms_open(json_string_value(json_object_get(order, "vis")), &ms, err));
    level = mms_log_limit(MMS_LOG_ERROR); // the client has resolved it before, and has warned
    st = mms_output_select(ms, &select, &selection, err);
    mms_log_limit(level);
    MMS_TRY(st);
    opts.keep_ids = json_is_true(json_object_get(order, "keep_ids"));
    change.combined = json_is_true(json_object_get(order, "combined"));
    change.nspw = json_integer_value(json_object_get(order, "change"));
    change.ddistart = (int32_t)json_integer_value(json_object_get(order, "ddistart"));
    change.windows = json_object_get(order, "windows");
    opts.fields = json_object_get(order, "fields");
    opts.windows = change.nspw ? NULL : change.windows;
    opts.new_windows = change.nspw > 0;
    MMS_TRY(mms_subtables_write(ms, selection, &opts, folder, &names, err));
    json_object_set_new(answer, "names", names);
    if (change.nspw)
        MMS_TRY(mms_subtables_change_windows(folder, names, &change, err));
    if (json_object_get(order, "bins"))
        MMS_TRY(adapt_flag_cmd(ms, selection, order, folder, err));
done:
    mms_selection_free(&selection);
    mms_ms_close(&ms);
    return st;
}

/** Open the finished output as a reader does, and count its rows. */
static mms_status open_result(const char *path, int64_t nrow, mms_ms **ms, mms_error *err)
{
    const mms_status st = mms_ms_open_made(path, ms, err);

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

static mms_status finish(const mms_value *order, mms_error *err)
{
    const char *output = json_string_value(json_object_get(order, "output"));
    const char *flags = json_string_value(json_object_get(order, "flags"));
    mms_ms *ms = NULL;
    mms_status st;

    MMS_TRY(mms_history_append(json_string_value(json_object_get(order, "first")),
                               json_string_value(json_object_get(order, "origin")),
                               json_object_get(order, "history"), err));
    MMS_TRY(open_result(output, json_integer_value(json_object_get(order, "rows")), &ms, err));
    if (*flags) {
        mms_log(MMS_LOG_INFO, "partition", "Create a backup of the flags that are in the MMS");
        mms_log(MMS_LOG_DEBUG, "partition", "Saving current flags to partition_1");
        MMS_TRY(mms_flagversions_save(ms, flags, "partition_1",
                                      json_is_true(json_object_get(order, "tiles")), err));
    }
done:
    mms_ms_close(&ms);
    return st;
}

mms_status mms_output_unit(mms_job *job, const mms_value *order, mms_value *answer, mms_error *err)
{
    const char *step = json_string_value(json_object_get(order, "step"));

    if (!strcmp(step, "tables"))
        return write_tables(order, answer, err);
    if (!strcmp(step, "finish"))
        return finish(order, err);
    return mms_part_write(job, order, answer, err);
}
