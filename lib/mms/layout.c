/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file layout.c  The directory of a Multi-MS: names, links, reference table (multi-ms 1). */
#include "layout.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "concat_priv.h"

/** Base of the members' names (multi-ms 1.2); new text. */
static char *member_base(mms_layout layout, const char *output)
{
    char *base = mms_path_base(output), *dot;

    if (!base)
        return NULL;
    dot = strrchr(base, '.');
    if (dot && (layout.full_names ? dot[1] == '\0' : dot != base))
        *dot = '\0';
    return base;
}

char *mms_layout_member(mms_layout layout, const char *output, int64_t index, int64_t nmember)
{
    char *base = member_base(layout, output), *name;
    int width = 4;

    assert(index >= 0 && index < nmember); // else the names differ in length
    for (int64_t most = 9999; nmember - 1 > most; most = most * 10 + 9)
        width++;
    name = base ? mms_format("%s.%0*" PRId64 ".ms", base, width, index) : NULL;
    free(base);
    return name;
}

bool mms_layout_is_link(mms_layout layout, const char *name)
{
    if (layout.linked)
        return strcmp(name, "SOURCE") && strcmp(name, "HISTORY");
    return !strcmp(name, "POINTING") || !strcmp(name, "SYSCAL");
}

/** Make path a link with this text, in place of a link that is there. */
static mms_status make_link(const char *text, const char *path, mms_error *err)
{
    if (unlink(path) != 0 && errno != ENOENT)
        return mms_fail_errno(err, errno, "%s", path);
    return symlink(text, path) == 0 ? MMS_OK : mms_fail_errno(err, errno, "%s", path);
}

static mms_status link_subtable(const char *folder, mms_layout layout, const char *const *names,
                                int64_t member, const char *table, mms_error *err)
{
    char *path, *text;
    mms_status st = MMS_OK;

    if (member > 0 && !mms_layout_is_link(layout, table))
        return MMS_OK;
    path = member < 0 ? mms_format("%s/%s", folder, table)
                      : mms_format("%s/SUBMSS/%s/%s", folder, names[member], table);
    text = member < 0 ? mms_format("SUBMSS/%s/%s", names[0], table)
                      : mms_format("../%s/%s", names[0], table);
    if (!path || !text)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder);
    else
        st = make_link(text, path, err);
    free(path);
    free(text);
    return st;
}

/** Links of the reference (member -1) and of the members after the first. */
static mms_status make_links(const char *folder, mms_layout layout, int64_t nmember,
                             const char *const *names, const mms_value *subtables, mms_error *err)
{
    size_t i;
    mms_value *name;

    for (int64_t m = -1; m < nmember; m++)
        json_array_foreach(subtables, i, name)
        {
            mms_status st;
            if (m == 0)
                continue;
            st = link_subtable(folder, layout, names, m, json_string_value(name), err);
            if (st != MMS_OK)
                return st;
        }
    return MMS_OK;
}

static mms_status write_info(const char *folder, int64_t nmember, const char *const *names,
                             const char *axis, mms_error *err)
{
    mms_info info = {0}, first = {0};
    mms_text readme = {0};
    char *path = mms_format("%s/SUBMSS/%s", folder, names[0]);
    mms_status st;

    MMS_TRY(path ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder));
    MMS_TRY(mms_info_read(path, &first, err));
    for (size_t n = strlen(first.readme); n && first.readme[n - 1] == '\n'; n--)
        first.readme[n - 1] = '\0';
    if (*axis)
        mms_text_add(&readme, "AxisType = %s\n", axis);
    if (*first.readme)
        mms_text_add(&readme, "%s\n", first.readme);
    mms_text_add(&readme, "Virtual concatenation of the following tables:\n");
    for (int64_t i = 0; i < nmember; i++)
        mms_text_add(&readme, "  SUBMSS/%s\n", names[i]);
    if (*axis)
        mms_text_add(&readme, "\n"); // CASA sets the whole readme anew when it writes an axis
    info.readme = readme.text;
    info.type = strdup("Measurement Set");
    info.subtype = strdup("CONCATENATED");
    MMS_TRY(info.readme && info.type && info.subtype
                ? MMS_OK
                : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder));
    MMS_TRY(mms_info_write(folder, &info, err));
done:
    free(path);
    mms_info_free(&first);
    mms_info_free(&info);
    return st;
}

mms_status mms_layout_assemble(const char *folder, mms_layout layout, int64_t nrow, int64_t nmember,
                               const char *const *names, const char *axis,
                               const mms_value *subtables, mms_error *err)
{
    mms_status st;

    MMS_TRY(make_links(folder, layout, nmember, names, subtables, err));
    MMS_TRY(mms_concat_write(folder, nrow, nmember, names, err));
    MMS_TRY(write_info(folder, nmember, names, axis, err));
done:
    return st;
}
