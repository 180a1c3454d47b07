/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_tables.c  Sub-tables of a Multi-MS: keywords, links, copies (multi-ms 1.6, 1.7). */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify_priv.h"

static bool is_table(const char *path)
{
    char *const file = mms_format("%s/table.dat", path);
    const bool there = file && access(file, F_OK) == 0;

    free(file);
    return there;
}

/** Whether the folder of path is that folder. */
static bool lies_in(const char *path, const char *folder)
{
    char *const parent = mms_path_dir(path);
    char *const a = parent ? realpath(parent, NULL) : NULL, *const b = realpath(folder, NULL);
    const bool same = a && b && !strcmp(a, b);

    free(parent);
    free(a);
    free(b);
    return same;
}

/** A keyword leads to no table. */
static void report_absent(mms_verification *v, mms_member *m, const char *name, const char *path)
{
    json_object_set_new(m->absent, name, json_true());
    json_object_set_new(v->absent, name, json_true());
    mms_check_add_member(&v->check_subtables, json_pack("{s:s}", "table", name), m->name,
                         "keyword %s, but there is no table %s", name,
                         lies_in(path, m->path) ? strrchr(path, '/') + 1 : path);
}

mms_status mms_find_subtables(mms_verification *v, mms_member *m, mms_error *err)
{
    mms_value *keywords = NULL, *value;
    const char *name;
    const mms_status st = mms_table_keywords(m->table, NULL, &keywords, err);

    if (st != MMS_OK)
        return st;
    m->subtables = json_object();
    m->absent = json_object();
    json_object_foreach(keywords, name, value)
    {
        const char *const text = json_string_value(value);
        if (!text || strncmp(text, "Table: ", 7))
            continue;
        const bool there = is_table(text + 7);
        if (there && strcmp(name, "SORTED_TABLE"))
            json_object_set_new(m->subtables, name, json_string(text + 7));
        else if (!there)
            report_absent(v, m, name, text + 7);
    }
    mms_value_free(&keywords);
    return m->subtables && m->absent ? MMS_OK
                                     : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", m->name);
}

static bool same_place(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

static bool same_stream(FILE *a, FILE *b)
{
    char block_a[16384], block_b[16384];
    size_t n;

    do {
        n = fread(block_a, 1, sizeof block_a, a);
        if (fread(block_b, 1, sizeof block_b, b) != n || memcmp(block_a, block_b, n))
            return false;
    } while (n > 0);
    return !ferror(a) && !ferror(b);
}

/** Whether two files have the same bytes. */
static bool same_file(const char *a, const char *b)
{
    FILE *const in_a = fopen(a, "re"), *const in_b = fopen(b, "re");
    const bool same = in_a && in_b && same_stream(in_a, in_b);

    if (in_a)
        fclose(in_a);
    if (in_b)
        fclose(in_b);
    return same;
}

/** Whether the tables' files are equal, byte by byte: then there is no need to read the cells. */
static bool same_files(const char *a, const char *b)
{
    DIR *const dir = opendir(a);
    bool same = dir != NULL;

    for (const struct dirent *e; same && (e = readdir(dir));) {
        if (strncmp(e->d_name, "table.", 6) || !strcmp(e->d_name, "table.lock"))
            continue;
        char *const file_a = mms_format("%s/%s", a, e->d_name);
        char *const file_b = mms_format("%s/%s", b, e->d_name);
        same = file_a && file_b && same_file(file_a, file_b);
        free(file_a);
        free(file_b);
    }
    if (dir)
        closedir(dir);
    return same;
}

/** Whether the sub-table stands in no definition and has no link in the reference, as those have
 * that a partition writes. */
static bool is_addition(const mms_verification *v, const char *name)
{
    char *const link = mms_format("%s/%s", v->path, name);
    struct stat info;
    const bool linked = link && lstat(link, &info) == 0 && S_ISLNK(info.st_mode);

    free(link);
    return v->multi && !linked && !mms_is_standard_table(name);
}

/** Count a member that has an addition. */
static void count_addition(mms_verification *v, const char *name)
{
    const json_int_t n = json_integer_value(json_object_get(v->additions, name));

    json_object_set_new(v->additions, name, json_integer(n + 1));
}

void mms_verify_additions(mms_verification *v)
{
    mms_text list = {0};
    const char *name;
    mms_value *n;

    json_object_foreach(v->additions, name, n)
        mms_text_add(&list, "%s %s (in %" JSON_INTEGER_FORMAT " of %" PRId64 " sub-MSs)",
                     list.length ? "," : "", name, json_integer_value(n), v->nmember);
    if (list.text)
        mms_report_warn(&v->report, "%s: sub-tables that another program has added:%s", v->path,
                        list.text);
    free(list.text);
}

/** A copy holds what member 0's table holds. */
static mms_status check_copy(mms_verification *v, const mms_member *m, const char *name,
                             const char *path, const char *first, mms_error *err)
{
    const mms_table_diff how = {.name = name};
    mms_report found = {0};
    mms_check check;
    mms_status st;

    if (same_place(path, first) || same_files(first, path))
        return MMS_OK;
    MMS_TRY(mms_report_start(&found, 1, err));
    mms_check_start(&check, &found, "%s", name);
    st = mms_diff_tables(first, path, &how, &check, err);
    if (check.count)
        mms_check_add_member(
            &v->check_subtables, json_pack("{s:s}", "table", name), m->name,
            "%s differs from the first member's: %s", name,
            json_string_value(json_object_get(json_array_get(check.findings, 0), "text")));
    mms_check_end(&check, st, NULL);
done:
    mms_report_drop(&found);
    return st;
}

/** One sub-table of a member: it is inside, and what the first member's is. */
static mms_status check_subtable(mms_verification *v, const mms_member *m, const char *name,
                                 const char *path, mms_error *err)
{
    const char *const first = json_string_value(json_object_get(v->subtables, name));
    const bool addition = is_addition(v, name);

    if (addition)
        count_addition(v, name);
    else if (!lies_in(path, m->path))
        mms_check_add_member(&v->check_subtables, json_pack("{s:s}", "table", name), m->name,
                             "%s is outside: %s", name, path);
    if (m->index == 0)
        return MMS_OK;
    if (!first && !addition && !json_object_get(v->absent, name))
        mms_check_add_member(&v->check_subtables, json_pack("{s:s}", "table", name), m->name,
                             "%s, which the first member lacks", name);
    return first && !addition && strcmp(name, "HISTORY") ? check_copy(v, m, name, path, first, err)
                                                         : MMS_OK;
}

mms_status mms_verify_subtables(mms_verification *v, const mms_member *m, mms_error *err)
{
    const char *name;
    mms_value *path;
    mms_value *keywords = NULL;
    mms_status st = mms_table_keywords(m->table, NULL, &keywords, err);

    if (st == MMS_OK && v->multi && json_object_get(keywords, "SORTED_TABLE"))
        mms_check_add_member(&v->check_subtables, NULL, m->name,
                             "keyword SORTED_TABLE, but its order no longer holds");
    mms_value_free(&keywords);
    json_object_foreach(m->subtables, name, path) if (st == MMS_OK) st =
        check_subtable(v, m, name, json_string_value(path), err);
    json_object_foreach(v->subtables, name, path) if (!json_object_get(m->subtables, name) &&
                                                      !json_object_get(m->absent, name) &&
                                                      !is_addition(v, name))
        mms_check_add_member(&v->check_subtables, json_pack("{s:s}", "table", name), m->name,
                             "no %s, which the first member has", name);
    return st;
}

/** Check that path is a link with this text, or where it may be, a folder. */
static void check_link(mms_check *check, const char *folder, const char *name, const char *want,
                       bool may_be_folder)
{
    char *const path = mms_format("%s/%s", folder, name);
    char text[PATH_MAX] = "";
    struct stat info;

    if (!path)
        return;
    const ssize_t n = readlink(path, text, sizeof text - 1);
    const bool nothing = n < 0 && lstat(path, &info) != 0;
    if (nothing && !may_be_folder) // a member that lacks it is a finding already
        mms_check_add(check, json_pack("{s:s}", "link", path), "%s: no link %s", path, want);
    else if (n < 0 && !may_be_folder)
        mms_check_add(check, json_pack("{s:s}", "link", path), "%s is no link to %s", path, want);
    else if (n >= 0 && strcmp(text, want))
        mms_check_add(check, json_pack("{s:s}", "link", path), "%s is a link to %s, not to %s",
                      path, text, want);
    else if (!nothing && !is_table(path))
        mms_check_add(check, json_pack("{s:s}", "link", path), "%s leads to no table", path);
    free(path);
}

/** Find links that lead nowhere besides those of sub-tables. */
static void check_dangling(const mms_verification *v, const char *folder, mms_check *check)
{
    DIR *const dir = opendir(folder);

    for (const struct dirent *e; dir && (e = readdir(dir));) {
        char *const path = mms_format("%s/%s", folder, e->d_name);
        struct stat info;
        const bool known =
            json_object_get(v->subtables, e->d_name) || json_object_get(v->absent, e->d_name);
        if (!known && path && stat(path, &info) != 0 && errno == ENOENT && lstat(path, &info) == 0)
            mms_check_add(check, json_pack("{s:s}", "link", path), "%s is a broken link", path);
        free(path);
    }
    if (dir)
        closedir(dir);
}

mms_status mms_verify_links(mms_verification *v, mms_error *err)
{
    char *const first = mms_path_base(v->members[0]);
    const char *name;
    mms_value *path;
    mms_check check;

    if (!first)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", v->path);
    mms_check_start(&check, &v->report, "links");
    json_object_foreach(v->subtables, name, path)
    {
        char *const top = mms_format("SUBMSS/%s/%s", first, name);
        char *const beside = mms_format("../%s/%s", first, name);
        const bool addition = json_object_get(v->additions, name) != NULL;
        if (!addition)
            check_link(&check, v->path, name, top ? top : "", false);
        for (int64_t i = 1; i < v->nmember && beside && !addition; i++)
            check_link(&check, v->members[i], name, beside, true);
        free(top);
        free(beside);
    }
    check_dangling(v, v->path, &check);
    for (int64_t i = 0; i < v->nmember; i++)
        check_dangling(v, v->members[i], &check);
    mms_check_end(&check, MMS_OK, NULL);
    free(first);
    return MMS_OK;
}
