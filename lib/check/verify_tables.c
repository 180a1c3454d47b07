/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file verify_tables.c  Sub-tables of a Multi-MS: keywords, links, copies (multi-ms 1.6, 1.7). */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "ms/ms_priv.h"
#include "verify_priv.h"

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

/** A keyword leads to no table: count the members of which that is so. */
static void count_absent(mms_verification *v, mms_member *m, const char *name, const char *path)
{
    mms_value *entry = json_object_get(v->absent, name);

    json_object_set_new_nocheck(m->absent, name, json_true());
    if (!entry) {
        entry = json_pack("[i, s, s]", 0, m->name,
                          lies_in(path, m->path) ? strrchr(path, '/') + 1 : path);
        json_object_set_new_nocheck(v->absent, name, entry);
    }
    json_array_set_new(entry, 0, json_integer(json_integer_value(json_array_get(entry, 0)) + 1));
}

mms_status mms_find_subtables(mms_verification *v, mms_member *m, mms_error *err)
{
    mms_value *missing, *path;
    const char *name;
    const mms_status st = mms_subtable_list(m->table, &m->subtables, &missing, err);

    if (st != MMS_OK)
        return st;
    json_object_del(m->subtables, "SORTED_TABLE");
    m->absent = json_object();
    json_object_foreach(missing, name, path) count_absent(v, m, name, json_string_value(path));
    mms_value_free(&missing);
    return MMS_OK;
}

static bool same_place(const char *a, const char *b)
{
    struct stat sa, sb;

    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

/** Whether two open files of as many bytes have the same. */
static mms_status same_bytes(int fd_a, int fd_b, int64_t bytes, const char *a, const char *b,
                             bool *same, mms_error *err)
{
    enum { BLOCK = 64 << 10 };
    char *const blocks = malloc((size_t)2 * BLOCK);
    mms_status st = MMS_OK;

    if (!blocks)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", a);
    for (int64_t done = 0; *same && done < bytes; done += BLOCK) {
        const int64_t n = bytes - done < BLOCK ? bytes - done : BLOCK;
        MMS_TRY(mms_read_all(fd_a, blocks, n, a, err));
        MMS_TRY(mms_read_all(fd_b, blocks + BLOCK, n, b, err));
        *same = !memcmp(blocks, blocks + BLOCK, (size_t)n);
    }
done:
    free(blocks);
    return st;
}

/** Whether two files have the same bytes; b may be absent. */
static mms_status same_file(const char *a, const char *b, bool *same, mms_error *err)
{
    int fd_a, fd_b = -1;
    int64_t bytes_a, bytes_b;
    mms_status st = mms_open_file(a, &fd_a, &bytes_a, err);

    *same = false;
    if (st != MMS_OK)
        return st;
    MMS_TRY(mms_path_exists(b, same, err));
    if (*same) {
        MMS_TRY(mms_open_file(b, &fd_b, &bytes_b, err));
        *same = bytes_a == bytes_b;
        MMS_TRY(same_bytes(fd_a, fd_b, bytes_a, a, b, same, err));
    }
done:
    close(fd_a);
    if (fd_b >= 0)
        close(fd_b);
    return st;
}

/** Whether the tables' files are equal, byte by byte: then there is no need to read the cells. */
static mms_status same_files(const char *a, const char *b, bool *same, mms_error *err)
{
    DIR *const dir = opendir(a);
    const struct dirent *e;
    mms_status st = dir ? MMS_OK : mms_fail_errno(err, errno, "%s: cannot list", a);

    *same = true;
    for (errno = 0; st == MMS_OK && *same && (e = readdir(dir)); errno = 0) {
        if (strncmp(e->d_name, "table.", 6) || !strcmp(e->d_name, "table.lock"))
            continue;
        char *const file_a = mms_format("%s/%s", a, e->d_name);
        char *const file_b = mms_format("%s/%s", b, e->d_name);
        st = file_a && file_b ? same_file(file_a, file_b, same, err)
                              : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", a);
        free(file_a);
        free(file_b);
    }
    if (st == MMS_OK && *same && errno)
        st = mms_fail_errno(err, errno, "%s: cannot list", a);
    if (dir)
        closedir(dir);
    return st;
}

/** Whether the sub-table stands in no definition and has no link in the reference, as those have
 * that a partition writes. */
static mms_status find_addition(const mms_verification *v, const char *name, bool *addition,
                                mms_error *err)
{
    char *const link = mms_format("%s/%s", v->path, name);
    char *text = NULL;
    mms_status st = MMS_OK;

    *addition = v->multi && !mms_is_standard_table(name);
    if (*addition)
        st = link ? mms_read_link(link, &text, err)
                  : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", v->path);
    *addition = *addition && !text;
    free(text);
    free(link);
    return st;
}

/** Count a member that has an addition. */
static void count_addition(mms_verification *v, const char *name)
{
    const json_int_t n = json_integer_value(json_object_get(v->additions, name));

    json_object_set_new_nocheck(v->additions, name, json_integer(n + 1));
}

/** Whether the sub-tables of two entries of absent lack in as many members, from the same on. */
static bool lack_alike(const mms_value *a, const mms_value *b)
{
    return json_equal(json_array_get(a, 0), json_array_get(b, 0)) &&
           json_equal(json_array_get(a, 1), json_array_get(b, 1));
}

/** Write "keyword FEED, but there is no table FEED", or of many "64 sub-tables are not there:
 * keyword FEED, FIELD, …". */
static mms_value *list_absent(const mms_verification *v, const mms_value *like, const char *name,
                              mms_text *text)
{
    enum { FEW = 3 };
    mms_value *tables = json_array(), *entry;
    const char *other;
    size_t i;

    json_object_foreach(v->absent, other, entry) if (lack_alike(entry, like))
        json_array_append_new(tables, mms_text_value(other));
    if (json_array_size(tables) <= FEW) {
        mms_value_free(&tables);
        mms_text_add(text, "keyword %s, but there is no table %s", name,
                     json_string_value(json_array_get(like, 2)));
        return NULL;
    }
    mms_text_add(text, "%zu sub-tables are not there: ", json_array_size(tables));
    json_array_foreach(tables, i, entry) if (i < FEW)
        mms_text_add(text, "%s%s", i ? ", " : "keyword ", json_string_value(entry));
    mms_text_add(text, ", …");
    return tables;
}

/** The findings of absent: one for each sub-table, or for many that are absent together. */
static void report_absent(mms_verification *v)
{
    mms_value *said = json_object(), *entry;
    const char *name;

    json_object_foreach(v->absent, name, entry)
    {
        const json_int_t n = json_integer_value(json_array_get(entry, 0));
        const char *const member = json_string_value(json_array_get(entry, 1));
        mms_text text = {0};
        if (json_object_get(said, name))
            continue;
        mms_value *const tables = list_absent(v, entry, name, &text);
        mms_value *const fields =
            json_pack("{s:o, s:o, s:I, s:o*}", "table", mms_text_value(name), "member",
                      mms_text_value(member), "members", n, "tables", json_incref(tables));
        size_t i;
        mms_value *other;
        json_array_foreach(tables, i, other)
            json_object_set_new_nocheck(said, json_string_value(other), json_true());
        if (n == 1)
            mms_check_add(&v->check_subtables, fields, "%s: %s", member, text.text);
        else
            mms_check_add(&v->check_subtables, fields,
                          "%s: in %" JSON_INTEGER_FORMAT " sub-MSs, %s the first", text.text, n,
                          member);
        json_decref(tables);
        free(text.text);
    }
    mms_value_free(&said);
}

/** Warn of the additions. */
static void report_additions(mms_verification *v)
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

void mms_verify_end_subtables(mms_verification *v)
{
    report_absent(v);
    report_additions(v);
}

/** A copy holds what member 0's table holds. */
static mms_status check_copy(mms_verification *v, const mms_member *m, const char *name,
                             const char *path, const char *first, mms_error *err)
{
    const mms_table_diff how = {.name = name};
    mms_report found = {0};
    mms_check check;
    bool same = same_place(path, first);
    mms_status st = same ? MMS_OK : same_files(first, path, &same, err);

    if (st != MMS_OK || same)
        return st;
    MMS_TRY(mms_report_start(&found, 1, err));
    mms_check_start(&check, &found, "%s", name);
    st = mms_diff_tables(first, path, &how, &check, err);
    if (check.count)
        mms_check_add_member(
            &v->check_subtables, json_pack("{s:o}", "table", mms_text_value(name)), m->name,
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
    bool addition;
    const mms_status st = find_addition(v, name, &addition, err);

    if (st != MMS_OK)
        return st;
    if (addition)
        count_addition(v, name);
    else if (!lies_in(path, m->path))
        mms_check_add_member(&v->check_subtables, json_pack("{s:o}", "table", mms_text_value(name)),
                             m->name, "%s is outside: %s", name, path);
    if (m->index == 0)
        return MMS_OK;
    if (!first && !addition && !json_object_get(v->absent, name))
        mms_check_add_member(&v->check_subtables, json_pack("{s:o}", "table", mms_text_value(name)),
                             m->name, "%s, which the first member lacks", name);
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
    json_object_foreach(v->subtables, name, path)
    {
        bool addition = false;
        if (json_object_get(m->subtables, name) || json_object_get(m->absent, name))
            continue;
        if (st == MMS_OK)
            st = find_addition(v, name, &addition, err);
        if (st == MMS_OK && !addition)
            mms_check_add_member(&v->check_subtables,
                                 json_pack("{s:o}", "table", mms_text_value(name)), m->name,
                                 "no %s, which the first member has", name);
    }
    return st;
}

/** Say what is wrong with a link whose text is not what it should be. */
static void report_link(mms_check *check, const char *path, const char *text, bool taken,
                        const char *want)
{
    if (text)
        mms_check_add(check, json_pack("{s:o}", "link", mms_text_value(path)),
                      "%s is a link to %s, not to %s", path, text, want);
    else if (taken)
        mms_check_add(check, json_pack("{s:o}", "link", mms_text_value(path)),
                      "%s is no link to %s", path, want);
    else
        mms_check_add(check, json_pack("{s:o}", "link", mms_text_value(path)), "%s: no link %s",
                      path, want);
}

/** Check that path is a link with this text, or where it may be, a folder. */
static mms_status check_link(mms_check *check, const char *folder, const char *name,
                             const char *want, bool may_be_folder, mms_error *err)
{
    char *const path = mms_format("%s/%s", folder, name);
    char *const file = path ? mms_format("%s/table.dat", path) : NULL, *text = NULL;
    bool taken, table;
    mms_status st = file ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder);

    MMS_TRY(st);
    MMS_TRY(mms_path_taken(path, &taken, err));
    MMS_TRY(mms_read_link(path, &text, err));
    if (text ? strcmp(text, want) != 0 : !may_be_folder) // a member that lacks it: found already
        report_link(check, path, text, taken, want);
    else if (taken) {
        MMS_TRY(mms_path_exists(file, &table, err));
        if (!table)
            mms_check_add(check, json_pack("{s:o}", "link", mms_text_value(path)),
                          "%s leads to no table", path);
    }
done:
    free(text);
    free(file);
    free(path);
    return st;
}

static mms_status check_entry(const mms_verification *v, const char *path, const char *name,
                              mms_check *check, mms_error *err)
{
    bool there, taken;
    mms_status st = MMS_OK;

    if (json_object_get(v->subtables, name) || json_object_get(v->absent, name))
        return MMS_OK;
    MMS_TRY(mms_path_exists(path, &there, err));
    MMS_TRY(mms_path_taken(path, &taken, err));
    if (!there && taken)
        mms_check_add(check, json_pack("{s:o}", "link", mms_text_value(path)),
                      "%s is a broken link", path);
done:
    return st;
}

/** Find links that lead nowhere besides those of sub-tables. */
static mms_status check_dangling(const mms_verification *v, const char *folder, mms_check *check,
                                 mms_error *err)
{
    DIR *const dir = opendir(folder);
    const struct dirent *e;
    mms_status st = MMS_OK;

    if (!dir) // a member that is not there is a finding already
        return mms_is_absence(errno) ? MMS_OK
                                     : mms_fail_errno(err, errno, "%s: cannot list", folder);
    for (errno = 0; st == MMS_OK && (e = readdir(dir)); errno = 0) {
        char *const path = mms_format("%s/%s", folder, e->d_name);
        st = path ? check_entry(v, path, e->d_name, check, err)
                  : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", folder);
        free(path);
    }
    if (st == MMS_OK && errno)
        st = mms_fail_errno(err, errno, "%s: cannot list", folder);
    closedir(dir);
    return st;
}

mms_status mms_verify_links(mms_verification *v, mms_error *err)
{
    char *const first = mms_path_base(v->members[0]);
    const char *name;
    mms_value *path;
    mms_check check;
    mms_status st = MMS_OK;

    if (!first)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", v->path);
    mms_check_start(&check, &v->report, "links");
    json_object_foreach(v->subtables, name, path)
    {
        char *const top = mms_format("SUBMSS/%s/%s", first, name);
        char *const beside = mms_format("../%s/%s", first, name);
        const bool addition = json_object_get(v->additions, name) != NULL;
        if (st == MMS_OK && (!top || !beside))
            st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", v->path);
        if (st == MMS_OK && !addition)
            st = check_link(&check, v->path, name, top, false, err);
        for (int64_t i = 1; i < v->nmember && st == MMS_OK && !addition; i++)
            st = check_link(&check, v->members[i], name, beside, true, err);
        free(top);
        free(beside);
    }
    if (st == MMS_OK)
        st = check_dangling(v, v->path, &check, err);
    for (int64_t i = 0; i < v->nmember && st == MMS_OK; i++)
        st = check_dangling(v, v->members[i], &check, err);
    mms_check_end(&check, st, NULL);
    free(first);
    return st;
}
