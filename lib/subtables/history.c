/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file history.c  HISTORY rows and saved flags of a finished set (multi-ms 2.15, 3.6). */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "mms/layout.h"
#include "ms/block.h"
#include "ms/columns.h"
#include "subtables.h"
#include "tables/tables_priv.h"

static double now_mjd_s(void)
{
    return mms_unix_s() + 40587.0 * 86400.0; // 1970-01-01
}

/** Write one cell if the table has the column; value is used up. */
static mms_status put(mms_table *table, const char *column, int64_t row, mms_value *value,
                      mms_error *err)
{
    const bool there = mms_table_find_column(table, column) != NULL;
    const mms_status st = there ? mms_table_put_cell(table, column, row, value, err) : MMS_OK;
    mms_value_free(&value);
    return st;
}

static mms_status put_row(mms_table *t, int64_t row, double time, const char *origin,
                          const char *message, mms_error *err)
{
    mms_status st;

    MMS_TRY(put(t, MMS_COL_TIME, row, json_real(time), err));
    MMS_TRY(put(t, MMS_COL_OBSERVATION_ID, row, json_integer(-1), err));
    MMS_TRY(put(t, "MESSAGE", row, mms_text_value(message), err));
    MMS_TRY(put(t, "PRIORITY", row, json_string("INFO"), err));
    MMS_TRY(put(t, "ORIGIN", row, mms_text_value(origin), err));
    MMS_TRY(put(t, "OBJECT_ID", row, json_integer(0), err));
    MMS_TRY(put(t, "APPLICATION", row, json_string("ms"), err));
    MMS_TRY(put(t, "CLI_COMMAND", row, json_pack("[s]", ""), err));
    MMS_TRY(put(t, "APP_PARAMS", row, json_pack("[s]", ""), err));
done:
    return st;
}

mms_status mms_history_append(const char *path, bool staged, const char *origin,
                              const mms_value *messages, mms_error *err)
{
    char *table_path = mms_format("%s/HISTORY", path);
    mms_table *table = NULL;
    const double time = now_mjd_s();
    size_t i;
    mms_value *message;
    mms_status st;

    MMS_TRY(table_path ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    MMS_TRY(mms_table_open(table_path, staged ? MMS_TABLE_OWN : MMS_TABLE_UPDATE, &table, err));
    const int64_t first = mms_table_nrow(table);
    MMS_TRY(mms_table_add_rows(table, (int64_t)json_array_size(messages), err));
    json_array_foreach(messages, i, message)
        MMS_TRY(put_row(table, first + (int64_t)i, time, origin, json_string_value(message), err));
    MMS_TRY(mms_table_close(&table, err));
done:
    mms_table_drop(&table);
    free(table_path);
    return st;
}

/** All columns of ms but FLAG and FLAG_ROW, ended by NULL. */
static const char **all_but_flags(const mms_ms *ms)
{
    const char **skip = mms_alloc(mms_ms_ncolumn(ms) + 1, sizeof *skip);
    int64_t n = 0;

    for (int64_t i = 0; skip && i < mms_ms_ncolumn(ms); i++) {
        const char *name = mms_ms_column(ms, i)->name;
        if (strcmp(name, MMS_COL_FLAG) && strcmp(name, MMS_COL_FLAG_ROW))
            skip[n++] = name;
    }
    return skip;
}

static mms_status copy_flags(mms_ms *ms, const char *out, bool tiles, mms_error *err)
{
    const bool has_row_flags = mms_ms_find_column(ms, MMS_COL_FLAG_ROW);
    const char *const columns[] = {MMS_COL_FLAG, has_row_flags ? MMS_COL_FLAG_ROW : NULL, NULL};
    mms_reader_opts read = MMS_READER_OPTS_INIT;
    mms_writer_opts write = MMS_WRITER_OPTS_INIT;
    const char **skip = all_but_flags(ms);
    mms_reader *reader = NULL;
    mms_writer *writer = NULL;
    mms_block *block;
    mms_placed *placed = NULL;
    mms_status st;

    MMS_TRY(skip ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", out));
    read.columns = columns;
    write.nrow = mms_ms_nrow(ms);
    write.skip = skip;
    write.tiles = tiles;
    MMS_TRY(mms_reader_open(ms, &read, &reader, err));
    MMS_TRY(mms_writer_create(out, ms, &write, &writer, err));
    do {
        MMS_TRY(mms_reader_next(reader, &block, err));
        if (block)
            MMS_TRY(mms_writer_place(writer, block, 0, NULL, &placed, err));
        MMS_TRY(mms_writer_put(&placed, err));
    } while (block);
    MMS_TRY(mms_writer_close(&writer, err));
done:
    mms_writer_drop(&writer);
    mms_reader_close(&reader);
    free(skip);
    return st;
}

/** Type and SubType stay empty, as CASA writes them; the rows of each member are kept, so that a
 *  restore can refuse other parts. */
static mms_status describe_flags(const mms_ms *ms, const char *path, mms_error *err)
{
    mms_table *table = NULL;
    mms_value *keywords = NULL, *rows = json_array();
    const char *name;
    mms_value *value;
    mms_status st;

    MMS_TRY(mms_table_open(path, MMS_TABLE_OWN, &table, err));
    MMS_TRY(mms_table_keywords(table, NULL, &keywords, err));
    json_object_foreach(keywords, name, value) MMS_TRY(mms_table_remove_keyword(table, name, err));
    for (int64_t i = 0; i < mms_ms_nmember(ms); i++)
        json_array_append_new(rows, json_real((double)mms_ms_member_rows(ms, i).count));
    MMS_TRY(mms_table_set_keyword(table, NULL, "MEMBER_ROWS", rows, err));
    MMS_TRY(mms_table_set_info(table, "", "", "", err));
    MMS_TRY(mms_table_close(&table, err));
done:
    mms_value_free(&keywords);
    mms_value_free(&rows);
    mms_table_drop(&table);
    return st;
}

static mms_status write_list(const char *folder, const char *version, mms_error *err)
{
    const time_t now = time(NULL);
    char stamp[32];
    struct tm local;
    mms_status st;

    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
    char *path = mms_format("%s/FLAG_VERSION_LIST", folder);
    char *line = mms_format("%s : Flags autosave on %s\n", version, stamp);
    st = path && line ? mms_write_file(path, line, (int64_t)strlen(line), err)
                      : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder);
    free(line);
    free(path);
    return st;
}

mms_status mms_flags_copy(mms_ms *ms, const char *out, bool tiles, mms_error *err)
{
    mms_status st;

    mms_ms_use_tiles(ms, tiles);
    MMS_TRY(copy_flags(ms, out, tiles, err));
    MMS_TRY(describe_flags(ms, out, err));
done:
    return st;
}

mms_status mms_flagversions_save(mms_ms *ms, const char *folder, const char *version, bool tiles,
                                 mms_error *err)
{
    char *out = mms_format("%s/flags.%s", folder, version);
    mms_status st;

    MMS_TRY(out ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder));
    MMS_TRY(mms_make_folder(folder, err));
    MMS_TRY(mms_flags_copy(ms, out, tiles, err));
    MMS_TRY(write_list(folder, version, err));
done:
    free(out);
    return st;
}
