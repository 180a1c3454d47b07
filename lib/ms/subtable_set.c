/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file subtable_set.c  Finished sub-tables that many new main tables get. */
#include "subtable_set_priv.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "base/tree_priv.h"
#include "ms_priv.h"

/** Bytes of files that a set holds: those of most sets, and little beside a block. */
static const int64_t most_held = 8 << 20;

struct mms_subtable_set {
    char *folder;
    int64_t n;
    char **names;
    mms_tree **trees;
    mms_table_links *keywords;
};

static mms_status read_tables(mms_subtable_set *s, const mms_value *names, mms_error *err)
{
    int64_t left = most_held;
    mms_status st = MMS_OK;

    for (size_t i = 0; st == MMS_OK && i < json_array_size(names); i++) {
        s->names[i] = mms_format("%s", json_string_value(json_array_get(names, i)));
        char *path = s->names[i] ? mms_format("%s/%s", s->folder, s->names[i]) : NULL;
        s->n++;
        st = path ? mms_tree_read(path, left, &s->trees[i], err)
                  : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", s->folder);
        if (st == MMS_OK)
            left -= mms_tree_held(s->trees[i]);
        free(path);
    }
    return st;
}

mms_status mms_subtable_set_open(const char *folder, const mms_value *names, mms_subtable_set **out,
                                 mms_error *err)
{
    const int64_t n = (int64_t)json_array_size(names);
    mms_subtable_set *s = *out = mms_alloc(1, sizeof *s);
    mms_status st;

    if (s) {
        s->folder = mms_format("%s", folder);
        s->names = mms_alloc(n, sizeof *s->names);
        s->trees = mms_alloc(n, sizeof(void *));
    }
    if (!s || !s->folder || !s->names || !s->trees)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder));
    MMS_TRY(read_tables(s, names, err));
    MMS_TRY(mms_table_links_open(folder, names, &s->keywords, err));
done:
    if (st != MMS_OK)
        mms_subtable_set_close(out);
    return st;
}

static bool in_list(const char *const *list, const char *name)
{
    while (*list && strcmp(*list, name))
        list++;
    return *list != NULL;
}

static mms_status write_link(const mms_subtable_set *s, const char *name, const char *dst,
                             mms_error *err)
{
    char *src = mms_format("%s/%s", s->folder, name);
    mms_status st = MMS_OK;

    if (!src)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", dst);
    else if (symlink(src, dst))
        st = mms_fail_errno(err, errno, "%s", dst);
    free(src);
    return st;
}

mms_status mms_subtable_set_write(const mms_subtable_set *set, const char *const *links,
                                  mms_writer *writer, mms_error *err)
{
    mms_table *table = mms_writer_table(writer);
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < set->n; i++) {
        const char *name = set->names[i];
        char *dst = mms_format("%s/%s", mms_table_path(table), name);
        if (!dst)
            st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", name);
        else
            st = in_list(links, name) ? write_link(set, name, dst, err)
                                      : mms_tree_write(set->trees[i], dst, err);
        free(dst);
    }
    return st == MMS_OK ? mms_table_link(table, set->keywords, err) : st;
}

void mms_subtable_set_close(mms_subtable_set **set)
{
    mms_subtable_set *s = *set;

    *set = NULL;
    for (int64_t i = 0; s && i < s->n; i++) {
        free(s->names[i]);
        mms_tree_free(&s->trees[i]);
    }
    if (s) {
        mms_table_links_free(&s->keywords);
        free(s->names);
        free(s->trees);
        free(s->folder);
    }
    free(s);
}
