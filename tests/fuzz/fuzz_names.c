/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fuzz_names.c  Names that stand in files of strangers and become paths.
 *
 *  Input: a letter and bytes.  K: the keyword of a sub-table; M: the table.dat of a Multi-MS, with
 *  the names of its members; I: a table.info; others: the path of an output. */
#include <stdlib.h>
#include <string.h>

#include "mms/concat_priv.h"
#include "mms/layout.h"
#include "ms/ms_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/** A name that is accepted is that of something directly in the folder, and nothing that stands
 * there already. */
static void try_keyword(const char *name)
{
    static const char *const own[] = {"table.dat", "table.info", "table.lock", "table.f0",
                                      "SUBMSS"};
    mms_error err;

    if (mms_subtable_check_name("set.ms", name, &err) != MMS_OK) {
        demand(err.code == MMS_ERR_TABLE && strstr(err.msg, "set.ms"));
        return;
    }
    char *const path = mms_format("set.ms/%s", name);
    char *const folder = mms_path_dir(path), *const base = mms_path_base(path);
    demand(path && folder && base && !strcmp(folder, "set.ms") && !strcmp(base, name));
    demand(*name && strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/'));
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        demand(strcmp(name, own[i]) != 0);
    free(path);
    free(folder);
    free(base);
}

static void try_members(const uint8_t *bytes, size_t size)
{
    mms_table_dat dat;

    if (mms_table_dat_parse(bytes, size, "a/set.mms", &dat, NULL) != MMS_OK)
        return;
    demand(dat.kind == MMS_KIND_CONCAT || dat.nmember == 0);
    for (int64_t i = 0; i < dat.nmember; i++)
        demand(dat.members[i] != NULL);
    mms_table_dat_free(&dat);
}

static void try_info(const uint8_t *bytes, size_t size)
{
    mms_info info;

    if (mms_info_parse(bytes, size, &info, NULL) != MMS_OK)
        return;
    char *const axis = mms_info_axis(&info);
    demand(axis && !strchr(axis, '\n') && (!*axis || strstr(info.readme, axis)));
    free(axis);
    mms_info_free(&info);
}

/** The name of a member is one of a folder in SUBMSS, whatever the output is called. */
static void try_output(const char *path)
{
    mms_layout layout = {0};

    for (int full = 0; full < 2; full++) {
        layout.full_names = full;
        char *const name = mms_layout_member(layout, *path ? path : "x", 3, 12345);
        demand(name && *name && (!strchr(name, '/') || !strcmp(name, "/.00003.ms")));
        free(name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *const text = size ? strndup((const char *)bytes + 1, size - 1) : NULL;

    if (!size)
        return 0;
    demand(text);
    if (bytes[0] == 'K')
        try_keyword(text);
    else if (bytes[0] == 'M')
        try_members(bytes + 1, size - 1);
    else if (bytes[0] == 'I')
        try_info(bytes + 1, size - 1);
    else
        try_output(text);
    free(text);
    return 0;
}
