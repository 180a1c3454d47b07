/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file groups.c  Parts that share chunks, and the flag version before a run. */
#include "groups_priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "base/base_priv.h"
#include "ms/ms_meta.h"
#include "multims/log.h"

static int64_t root(const int64_t *group, int64_t i)
{
    while (group[i] != i)
        i = group[i];
    return i;
}

static int by_chunk(const void *a, const void *b, void *ctx)
{
    const mms_chunk_ids *ids = ctx;
    const mms_cell *x = a, *y = b;
    const int32_t left[] = {ids->observation ? x->observation : 0, x->array,
                            ids->field ? x->field : 0, x->ddid, ids->scan ? x->scan : 0};
    const int32_t right[] = {ids->observation ? y->observation : 0, y->array,
                             ids->field ? y->field : 0, y->ddid, ids->scan ? y->scan : 0};

    for (int i = 0; i < 5; i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}

mms_status mms_group_members(mms_ms *ms, mms_chunk_ids ids, int64_t *group, mms_error *err)
{
    const int64_t nmember = mms_ms_nmember(ms);
    mms_meta meta = {0};
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < nmember; i++)
        group[i] = i;
    if (nmember == 1)
        return MMS_OK;
    MMS_TRY(mms_meta_read(ms, NULL, &meta, err));
    qsort_r(meta.cells, (size_t)meta.ncell, sizeof *meta.cells, by_chunk, &ids);
    for (int64_t i = 1; i < meta.ncell; i++)
        if (by_chunk(&meta.cells[i - 1], &meta.cells[i], &ids) == 0) {
            const int64_t a = root(group, meta.cells[i - 1].member);
            const int64_t b = root(group, meta.cells[i].member);
            group[a > b ? a : b] = a > b ? b : a;
        }
    for (int64_t i = 0; i < nmember; i++)
        group[i] = root(group, i);
done:
    mms_meta_free(&meta);
    return st;
}

mms_status mms_backup_unit(const char *vis, const char *prefix, mms_value **unit, mms_error *err)
{
    const time_t now = time(NULL);
    char stamp[32], *name = NULL, comment[64];
    struct tm local;
    mms_status st;

    *unit = NULL;
    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
    snprintf(comment, sizeof comment, "Flags autosave on %s", stamp);
    MMS_TRY(mms_version_next(vis, prefix, &name, err));
    mms_log(MMS_LOG_INFO, prefix, "Backup original flags before applying new flags");
    mms_log(MMS_LOG_INFO, prefix, "Save current flagversions to %s", name);
    *unit = json_pack("{ss so so ss ss}", "step", "save", "vis", mms_text_value(vis), "version",
                      mms_text_value(name), "comment", comment, "lock", "");
    if (!*unit)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", prefix);
done:
    free(name);
    return st;
}
