/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file disk_use.c  Size of a folder on disk, as `du -hs` prints it (multi-ms 4.3). */
#include "disk_use_priv.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ms/tally_priv.h"

struct link_seen {
    int32_t key[4]; /* device and inode */
    bool seen;
};

/* Returns in *again whether this file was met before under another name. */
static mms_status check_link(mms_tally *links, const struct stat *s, bool *again, mms_error *err)
{
    const uint64_t ids[2] = {s->st_dev, s->st_ino};
    struct link_seen *link;
    int32_t key[4];
    mms_status st = MMS_OK;

    *again = false;
    if (s->st_nlink < 2 || S_ISDIR(s->st_mode))
        return MMS_OK;
    memcpy(key, ids, sizeof key);
    MMS_TRY(mms_tally_find(links, key, &link, err));
    *again = link->seen;
    link->seen = true;
done:
    return st;
}

static mms_status add_entry(const FTSENT *entry, mms_tally *links, int64_t *bytes, mms_error *err)
{
    enum { BLOCK = 512 };
    mms_status st = MMS_OK;
    bool again;

    switch (entry->fts_info) {
    case FTS_DP: // met before its content
        break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        mms_log(MMS_LOG_WARN, "size", "%s: %s", entry->fts_path, strerror(entry->fts_errno));
        break;
    default:
        MMS_TRY(check_link(links, entry->fts_statp, &again, err));
        if (!again)
            *bytes += (int64_t)entry->fts_statp->st_blocks * BLOCK;
    }
done:
    return st;
}

mms_status mms_disk_use(const char *path, int64_t *bytes, mms_error *err)
{
    mms_tally links = {.size = sizeof(struct link_seen), .nkey = 4};
    char *copy = strdup(path), *const roots[] = {copy, NULL};
    FTS *tree = copy ? fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL) : NULL;
    FTSENT *entry;
    mms_status st = MMS_OK;

    *bytes = 0;
    if (!tree)
        MMS_TRY(mms_fail(err, MMS_ERR_IO, "%s: %s", path, strerror(errno)));
    while ((entry = fts_read(tree)))
        MMS_TRY(add_entry(entry, &links, bytes, err));
done:
    if (tree)
        fts_close(tree);
    mms_tally_free(&links);
    free(copy);
    return st;
}

char *mms_disk_use_text(int64_t bytes)
{
    static const char units[] = " KMGTP";
    int64_t unit = 1, tenths, whole;
    int u = 0;

    if (bytes < 1024)
        return mms_format("%lld", (long long)bytes);
    while (units[u + 1] && bytes > unit * 1023) { // 1023.1K is rounded up to 1.0M
        unit *= 1024;
        u++;
    }
    tenths = bytes / unit * 10 + (bytes % unit * 10 + unit - 1) / unit;
    whole = (bytes + unit - 1) / unit;
    if (tenths < 100)
        return mms_format("%lld.%lld%c", (long long)(tenths / 10), (long long)(tenths % 10),
                          units[u]);
    return mms_format("%lld%c", (long long)whole, units[u]);
}
