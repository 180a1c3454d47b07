/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cal_make.c  A small calibration table, to measure and to try with. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/tree_priv.h"
#include "inplace.h"
#include "tables/tables_priv.h"
#include "tables/taql.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "calibration table: out of memory");
}

static mms_status count_rows(const char *vis, const char *name, int64_t *nrow, mms_error *err)
{
    char *path = mms_format("%s/%s", vis, name);
    mms_table *table = NULL;
    mms_status st;

    MMS_TRY(path ? mms_table_open(path, MMS_TABLE_READ, &table, err) : no_memory(err));
    *nrow = mms_table_nrow(table);
done:
    mms_table_drop(&table);
    free(path);
    return st;
}

/** Copy a sub-table, which may be a link. */
static mms_status copy_subtable(const char *vis, const char *name, const char *path, mms_error *err)
{
    char *linked = mms_format("%s/%s", vis, name), *to = mms_format("%s/%s", path, name);
    char *from = linked ? realpath(linked, NULL) : NULL;
    const mms_status st = from && to ? mms_copy_tree(from, to, err)
                                     : mms_fail(err, MMS_ERR_NOT_FOUND, "%s/%s", vis, name);

    free(linked);
    free(from);
    free(to);
    return st;
}

/** Run a command, and free it. */
static mms_status run(char *command, mms_error *err)
{
    const mms_status st = command ? mms_taql_run(command, err) : no_memory(err);

    free(command);
    return st;
}

mms_status mms_cal_make(const char *vis, const char *path, mms_error *err)
{
    int64_t nantenna = 0, nspw = 0;
    mms_status st;

    if (strchr(path, '\''))
        return mms_fail(err, MMS_ERR_ARG,
                        "%s: a calibration table can't be made where a path has "
                        "a quote",
                        path);
    MMS_TRY(count_rows(vis, "ANTENNA", &nantenna, err));
    MMS_TRY(count_rows(vis, "SPECTRAL_WINDOW", &nspw, err));
    MMS_TRY(run(mms_format("CREATE TABLE '%s' (TIME R8, INTERVAL R8, FIELD_ID I4, "
                           "SPECTRAL_WINDOW_ID I4, ANTENNA1 I4, ANTENNA2 I4, SCAN_NUMBER I4, "
                           "OBSERVATION_ID I4, CPARAM C4 [ndim=2], FLAG B [ndim=2]) LIMIT %" PRId64,
                           path, nantenna * nspw),
                err));
    MMS_TRY(
        run(mms_format("UPDATE '%s' SET TIME=5e9, INTERVAL=1, FIELD_ID=0, SCAN_NUMBER=0, "
                       "OBSERVATION_ID=0, ANTENNA1=rowid() %% %" PRId64 ", ANTENNA2=-1, "
                       "SPECTRAL_WINDOW_ID=rowid() // %" PRId64 ", "
                       "CPARAM=array(complex(1 + 0.01 * (rowid() %% 7), 0.02 * (rowid() %% 5)), "
                       "[1, 2]), FLAG=array(False, [1, 2])",
                       path, nantenna, nantenna),
            err));
    MMS_TRY(run(
        mms_format("ALTER TABLE '%s' SET KEYWORD VisCal='G Jones', ParType='Complex'", path), err));
    MMS_TRY(copy_subtable(vis, "SPECTRAL_WINDOW", path, err));
    MMS_TRY(copy_subtable(vis, "FIELD", path, err));
done:
    return st;
}
