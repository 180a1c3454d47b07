/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file versions.c  Flag versions of an MS or Multi-MS, as CASA keeps them (in-place 2).
 *
 *  VIS.flagversions/FLAG_VERSION_LIST has a line "name : comment" for each table flags.NAME, whose
 *  rows are those of VIS in stored order. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "inplace.h"
#include "ms/columns.h"
#include "ms/ms_priv.h"
#include "multims/log.h"
#include "orders_priv.h"
#include "sink_priv.h"
#include "subtables/subtables.h"
#include "tables/tables_priv.h"

static const int64_t block_cells = 4 << 20;

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flag versions: out of memory");
}

/** VIS.flagversions, links resolved, and behind it prefix and name. */
static mms_status find_path(const char *vis, const char *prefix, const char *name, char **out,
                            mms_error *err)
{
    char *real = realpath(vis, NULL);

    *out = real ? mms_format("%s.flagversions%s%s", real, prefix, name) : NULL;
    if (!real)
        return mms_fail_errno(err, errno, "%s", vis);
    free(real);
    return *out ? MMS_OK : no_memory(err);
}

/* ---- the list ---------------------------------------------------------------------------------*/

static char *trimmed(const char *begin, const char *end)
{
    while (begin < end && *begin == ' ')
        begin++;
    while (end > begin && (end[-1] == ' ' || end[-1] == '\r'))
        end--;
    return begin < end ? strndup(begin, (size_t)(end - begin)) : strdup("");
}

static void add_line(mms_value *list, const char *line, const char *end)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));
    char *name = trimmed(line, colon ? colon : end);
    char *comment = colon ? trimmed(colon + 1, end) : strdup("");

    if (name && comment && *name)
        json_array_append_new(list,
                              json_pack("[oo]", mms_text_value(name), mms_text_value(comment)));
    free(name);
    free(comment);
}

mms_status mms_versions_read(const char *vis, mms_value **list, mms_error *err)
{
    char *path = NULL, *text = NULL;
    int fd = -1;
    int64_t bytes = 0;
    bool there = false;
    mms_status st;

    *list = json_array();
    MMS_TRY(find_path(vis, "/", "FLAG_VERSION_LIST", &path, err));
    MMS_TRY(mms_path_exists(path, &there, err));
    if (!there)
        goto done;
    MMS_TRY(mms_open_file(path, &fd, &bytes, err));
    text = calloc(1, (size_t)bytes + 1);
    MMS_TRY(text ? mms_read_all(fd, text, bytes, path, err) : no_memory(err));
    for (const char *line = text; *line;) {
        const char *end = line + strcspn(line, "\n");
        add_line(*list, line, end);
        line = *end ? end + 1 : end;
    }
done:
    if (fd >= 0)
        close(fd);
    free(path);
    free(text);
    return st;
}

static const char *version_name(const mms_value *list, size_t i)
{
    return json_string_value(json_array_get(json_array_get(list, i), 0));
}

/** Its place in the list, or -1. */
static int64_t find_version(const mms_value *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!strcmp(version_name(list, i), name))
            return (int64_t)i;
    return -1;
}

mms_status mms_version_find(const char *vis, const char *name, int64_t *table, mms_error *err)
{
    mms_value *list = NULL;
    char *path = NULL;
    struct stat info;
    mms_status st;

    *table = 0;
    MMS_TRY(mms_versions_read(vis, &list, err));
    MMS_TRY(find_path(vis, "/flags.", name, &path, err));
    if (find_version(list, name) >= 0 && stat(path, &info) == 0)
        *table = (int64_t)info.st_ino;
done:
    mms_value_free(&list);
    free(path);
    return st;
}

/** The list becomes the new one at once. */
static mms_status write_list(const char *vis, const mms_value *list, mms_error *err)
{
    char *path = NULL, *fresh = NULL;
    mms_text text = {0};
    mms_status st;

    mms_text_add(&text, "%s", "");
    for (size_t i = 0; i < json_array_size(list); i++)
        mms_text_add(&text, "%s : %s\n", version_name(list, i),
                     json_string_value(json_array_get(json_array_get(list, i), 1)));
    MMS_TRY(find_path(vis, "/", "FLAG_VERSION_LIST", &path, err));
    fresh = mms_format("%s.new", path);
    MMS_TRY(fresh && !text.failed ? MMS_OK : no_memory(err));
    MMS_TRY(mms_replace_file(fresh, text.text, (int64_t)text.length, err));
    if (rename(fresh, path))
        MMS_TRY(mms_fail_errno(err, errno, "%s", path));
done:
    free(path);
    free(fresh);
    free(text.text);
    return st;
}

/** Take the list, from before it is read until it is written: others wait, where the disk has
 *  locks.  *fd: to be closed. */
static mms_status take_list(const char *vis, int *fd, mms_error *err)
{
    char *folder = NULL;
    mms_status st = find_path(vis, "", "", &folder, err);

    *fd = st == MMS_OK ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (*fd >= 0)
        (void)!TEMP_FAILURE_RETRY(flock(*fd, LOCK_EX));
    free(folder);
    return st;
}

static void leave_list(int fd)
{
    if (fd >= 0)
        close(fd);
}

mms_status mms_version_check_name(const char *name, mms_error *err)
{
    if (!*name || name[strspn(name, " ")] == '\0')
        return mms_fail(err, MMS_ERR_ARG, "Illegal empty versionname: '%s'", name);
    if (!mms_is_plain_name(name) || strpbrk(name, ":\n"))
        return mms_fail(err, MMS_ERR_ARG, "Illegal versionname: '%s'", name);
    return MMS_OK;
}

/* ---- saving, deleting, renaming ---------------------------------------------------------------*/

static mms_status rename_table(const char *vis, const char *from, const char *to, mms_error *err)
{
    char *old = NULL, *new = NULL;
    mms_status st;

    MMS_TRY(find_path(vis, "/flags.", from, &old, err));
    MMS_TRY(find_path(vis, "/flags.", to, &new, err));
    if (rename(old, new))
        MMS_TRY(mms_fail_errno(err, errno, "%s: cannot rename it to %s", old, to));
done:
    free(old);
    free(new);
    return st;
}

/** The name that a run said which was killed before the table had it, or one that no version and no
 *  table has: two may be set aside in a second. */
static mms_status name_aside(const char *vis, const mms_value *list, const char *name, char **aside,
                             mms_error *err)
{
    const long long now_s = time(NULL);
    const size_t n = strlen(name);
    const int64_t listed = (int64_t)json_array_size(list);
    mms_status st = MMS_OK;
    bool taken = true;

    for (int64_t k = 0; st == MMS_OK && taken; k++) {
        const char *said = k < listed ? version_name(list, (size_t)k) : NULL;
        char *path = NULL;
        if (said && (strncmp(said, name, n) != 0 || strncmp(said + n, ".old.", 5) != 0))
            continue;
        free(*aside);
        *aside = said ? strdup(said) : mms_format("%s.old.%lld", name, now_s + (k - listed));
        st = *aside ? find_path(vis, "/flags.", *aside, &path, err) : no_memory(err);
        if (st == MMS_OK)
            st = mms_path_exists(path, &taken, err);
        free(path);
    }
    return st;
}

/** List a new version; that which has its name is renamed, and the new one's comment becomes its
 *  own, as CASA.  Who was killed in the middle may have left a table that is not listed, or a line
 *  without one.  *aside: what the old one is called then; NULL: there is none. */
static mms_status list_new(const char *vis, mms_value *list, const char *name, const char *comment,
                           char **aside, mms_error *err)
{
    const int64_t i = find_version(list, name);
    char *path = NULL;
    bool there = false;
    mms_status st;

    MMS_TRY(find_path(vis, "/flags.", name, &path, err));
    MMS_TRY(mms_path_exists(path, &there, err));
    if (i >= 0)
        json_array_remove(list, (size_t)i);
    if (there)
        MMS_TRY(name_aside(vis, list, name, aside, err));
    if (there && find_version(list, *aside) < 0)
        json_array_insert_new(list, i < 0 ? json_array_size(list) : (size_t)i,
                              json_pack("[oo]", mms_text_value(*aside), mms_text_value(comment)));
    json_array_append_new(list, json_pack("[oo]", mms_text_value(name), mms_text_value(comment)));
done:
    free(path);
    return st;
}

static mms_status save(const char *vis, const char *name, const char *comment, mms_error *err)
{
    char *folder = NULL, *staged = NULL, *path = NULL, *aside = NULL;
    mms_value *list = NULL;
    mms_ms *ms = NULL;
    int fd = -1;
    mms_status st;

    MMS_TRY(find_path(vis, "", "", &folder, err));
    MMS_TRY(find_path(vis, "/.flags.new.", name, &staged, err));
    MMS_TRY(find_path(vis, "/flags.", name, &path, err));
    if (mkdir(folder, 0777) && errno != EEXIST)
        MMS_TRY(mms_fail_errno(err, errno, "%s", folder));
    MMS_TRY(mms_remove_tree(staged, err));
    MMS_TRY(mms_ms_open(vis, &ms, err));
    MMS_TRY(mms_flags_copy(ms, staged, true, err));
    MMS_TRY(take_list(vis, &fd, err));
    MMS_TRY(mms_versions_read(vis, &list, err));
    MMS_TRY(list_new(vis, list, name, comment, &aside, err));
    MMS_TRY(write_list(vis, list, err)); // before: by the new table others know that all is done
    if (aside) {
        mms_log(MMS_LOG_WARN, "flagmanager",
                "Version name '%s' already exist. Will rename it to %s", name, aside);
        MMS_TRY(rename_table(vis, name, aside, err));
    }
    if (rename(staged, path))
        MMS_TRY(mms_fail_errno(err, errno, "%s", path));
done:
    if (st != MMS_OK && staged)
        (void)!mms_remove_tree(staged, NULL);
    leave_list(fd);
    mms_ms_close(&ms);
    mms_value_free(&list);
    free(folder);
    free(staged);
    free(path);
    free(aside);
    return st;
}

mms_status mms_version_save(const mms_value *order, mms_error *err)
{
    mms_save_order o;
    int64_t table;
    mms_status st;

    MMS_TRY(mms_save_order_decode(order, &o, err));
    MMS_TRY(mms_version_check_name(o.version, err));
    MMS_TRY(mms_version_find(o.vis, o.version, &table, err));
    if (!table || table == o.table) // else an attempt had saved it before its worker was killed
        st = save(o.vis, o.version, o.comment, err);
done:
    return st;
}

void mms_version_drop_unsaved(const char *vis, const char *name)
{
    char *staged = NULL;

    if (find_path(vis, "/.flags.new.", name, &staged, NULL) == MMS_OK)
        (void)!mms_remove_tree(staged, NULL);
    free(staged);
}

mms_status mms_version_next(const char *vis, const char *prefix, char **name, mms_error *err)
{
    mms_value *list = NULL;
    mms_status st = mms_versions_read(vis, &list, err);

    *name = NULL;
    for (int i = 1; st == MMS_OK && i < INT_MAX; i++) {
        free(*name);
        *name = mms_format("%s_%d", prefix, i);
        if (!*name)
            st = no_memory(err);
        else if (find_version(list, *name) < 0)
            break;
    }
    mms_value_free(&list);
    return st;
}

mms_status mms_versions_begin(const char *vis, mms_error *err)
{
    char *folder = NULL, *path = NULL;
    bool there = true;
    int fd = -1;
    mms_status st;

    MMS_TRY(find_path(vis, "", "", &folder, err));
    MMS_TRY(find_path(vis, "/", "FLAG_VERSION_LIST", &path, err));
    if (mkdir(folder, 0777) && errno != EEXIST)
        MMS_TRY(mms_fail_errno(err, errno, "%s", folder));
    MMS_TRY(take_list(vis, &fd, err));
    MMS_TRY(mms_path_exists(path, &there, err));
    if (!there)
        MMS_TRY(mms_write_file(path, "", 0, err));
done:
    leave_list(fd);
    free(folder);
    free(path);
    return st;
}

mms_status mms_version_delete(const char *vis, const char *name, mms_error *err)
{
    char *path = NULL;
    mms_value *list = NULL;
    int64_t i;
    int fd = -1;
    mms_status st;

    MMS_TRY(mms_version_check_name(name, err));
    MMS_TRY(take_list(vis, &fd, err));
    MMS_TRY(mms_versions_read(vis, &list, err));
    if ((i = find_version(list, name)) < 0) {
        mms_log(MMS_LOG_WARN, "flagmanager", "Flag version %s does not exist", name);
        goto done;
    }
    mms_log(MMS_LOG_WARN, "flagmanager", "Deleting version: %s", name);
    MMS_TRY(find_path(vis, "/flags.", name, &path, err));
    json_array_remove(list, (size_t)i);
    MMS_TRY(write_list(vis, list, err));
    MMS_TRY(mms_remove_tree(path, err));
done:
    leave_list(fd);
    mms_value_free(&list);
    free(path);
    return st;
}

/** Whether who was killed in the middle has renamed the table, but not its line. */
static mms_status was_renamed(const char *vis, const char *from, const char *to, bool *was,
                              mms_error *err)
{
    char *old = NULL, *new = NULL;
    bool there = false;
    mms_status st;

    *was = false;
    MMS_TRY(find_path(vis, "/flags.", from, &old, err));
    MMS_TRY(find_path(vis, "/flags.", to, &new, err));
    MMS_TRY(mms_path_exists(old, &there, err));
    if (!there)
        st = mms_path_exists(new, was, err);
done:
    free(old);
    free(new);
    return st;
}

mms_status mms_version_rename(const char *vis, const char *from, const char *to,
                              const char *comment, mms_error *err)
{
    mms_value *list = NULL;
    bool was;
    int64_t i;
    int fd = -1;
    mms_status st;

    MMS_TRY(mms_version_check_name(to, err));
    MMS_TRY(take_list(vis, &fd, err));
    MMS_TRY(mms_versions_read(vis, &list, err));
    if ((i = find_version(list, from)) < 0)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "No such flagversions: %s", from));
    if (find_version(list, to) >= 0)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "Flagversions %s already exists!", to));
    mms_log(MMS_LOG_INFO, "flagmanager", "Rename flagversions \"%s\" to \"%s\"", from, to);
    MMS_TRY(was_renamed(vis, from, to, &was, err));
    if (!was)
        MMS_TRY(rename_table(vis, from, to, err));
    json_array_set_new(list, (size_t)i,
                       json_pack("[oo]", mms_text_value(to), mms_text_value(comment)));
    MMS_TRY(write_list(vis, list, err));
done:
    leave_list(fd);
    mms_value_free(&list);
    return st;
}

/* ---- restoring --------------------------------------------------------------------------------*/

static mms_status open_version(const char *vis, const char *name, mms_table **table, mms_error *err)
{
    char *path = NULL;
    bool there = false;
    mms_status st;

    *table = NULL;
    MMS_TRY(mms_version_check_name(name, err));
    MMS_TRY(find_path(vis, "/flags.", name, &path, err));
    MMS_TRY(mms_path_exists(path, &there, err));
    if (!there)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "Flag version %s does not exist", name));
    MMS_TRY(mms_table_open(path, MMS_TABLE_READ, table, err));
done:
    free(path);
    return st;
}

static mms_status check_members(const mms_ms *ms, const char *name, const mms_value *rows,
                                mms_error *err)
{
    bool same = (int64_t)json_array_size(rows) == mms_ms_nmember(ms);

    for (int64_t i = 0; same && i < mms_ms_nmember(ms); i++)
        same = (int64_t)json_number_value(json_array_get(rows, (size_t)i)) ==
               mms_ms_member_rows(ms, i).count;
    return same ? MMS_OK
                : mms_fail(err, MMS_ERR_SHAPE,
                           "Flag version %s was saved from a set with other parts than %s: its "
                           "rows stand in another order",
                           name, mms_ms_path(ms));
}

mms_status mms_version_check(mms_ms *ms, const char *name, mms_error *err)
{
    mms_table *table = NULL;
    mms_value *keywords = NULL;
    mms_status st;

    MMS_TRY(open_version(mms_ms_path(ms), name, &table, err));
    if (mms_table_nrow(table) != mms_ms_nrow(ms))
        MMS_TRY(mms_fail(err, MMS_ERR_SHAPE,
                         "Flag version %s has %" PRId64 " rows, %s has %" PRId64, name,
                         mms_table_nrow(table), mms_ms_path(ms), mms_ms_nrow(ms)));
    MMS_TRY(mms_table_keywords(table, NULL, &keywords, err));
    if (json_object_get(keywords, "MEMBER_ROWS"))
        MMS_TRY(check_members(ms, name, json_object_get(keywords, "MEMBER_ROWS"), err));
done:
    mms_value_free(&keywords);
    mms_table_drop(&table);
    return st;
}

/** Rows of one cell shape of a version and of a set. */
typedef struct pair {
    int64_t n, cell;
    uint8_t *a, *b, *rows_a, *rows_b;
} pair;

static void free_pair(pair *p)
{
    free(p->a);
    free(p->b);
    free(p->rows_a);
    free(p->rows_b);
    *p = (pair){0};
}

static mms_status make_pair(int64_t n, int64_t cell, pair *p, mms_error *err)
{
    *p = (pair){
        n, cell, mms_alloc(n * cell, 1), mms_alloc(n * cell, 1), mms_alloc(n, 1), mms_alloc(n, 1)};
    return p->a && p->b && p->rows_a && p->rows_b ? MMS_OK : no_memory(err);
}

static void merge(const char *how, int64_t n, const uint8_t *from, uint8_t *to)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = !strcmp(how, "or")    ? to[i] | from[i]
                : !strcmp(how, "and") ? to[i] & from[i]
                                      : from[i];
}

/** Rows of one shape of a part, a block at a time; the part's rows are those from first on in the
 *  version. */
static mms_status restore_run(mms_ms *part, mms_table *version, mms_sink *out, int64_t first,
                              const mms_shape_run *run, const char *how, mms_error *err)
{
    const int64_t cell = run->ndim < 0 ? 0 : run->shape[0] * run->shape[1];
    const int64_t most = cell > 0 ? block_cells / cell + 1 : block_cells;
    pair p = {0};
    mms_status st = MMS_OK;

    for (int64_t at = 0; at < run->rows.count && cell > 0; at += most) {
        const int64_t left = run->rows.count - at;
        const mms_rows local = {run->rows.first + at, left < most ? left : most};
        const mms_rows rows = {local.first + first, local.count};
        MMS_TRY(make_pair(rows.count, cell, &p, err));
        MMS_TRY(mms_ms_read(part, MMS_COL_FLAG, 1, &local, rows.count * cell, p.b, err));
        MMS_TRY(mms_table_get(version, MMS_COL_FLAG, 1, &rows, rows.count * cell, p.a, err));
        merge(how, rows.count * cell, p.a, p.b);
        MMS_TRY(mms_sink_write(out, MMS_COL_FLAG, 1, &local, run->ndim, run->shape,
                               rows.count * cell, p.b, err));
        free_pair(&p);
    }
done:
    free_pair(&p);
    return st;
}

/** FLAG_ROW is read as a whole before it is written: its file may change its order then. */
static mms_status restore_rows(mms_ms *part, mms_table *version, mms_sink *out, int64_t first,
                               const char *how, mms_error *err)
{
    const mms_rows local = {0, mms_ms_nrow(part)}, rows = {first, local.count};
    pair p = {0};
    mms_status st;

    MMS_TRY(make_pair(rows.count, 0, &p, err));
    MMS_TRY(mms_ms_read(part, MMS_COL_FLAG_ROW, 1, &local, rows.count, p.rows_b, err));
    MMS_TRY(mms_table_get(version, MMS_COL_FLAG_ROW, 1, &rows, rows.count, p.rows_a, err));
    merge(how, rows.count, p.rows_a, p.rows_b);
    MMS_TRY(mms_sink_write(out, MMS_COL_FLAG_ROW, 1, &local, 0, NULL, rows.count, p.rows_b, err));
done:
    free_pair(&p);
    return st;
}

mms_status mms_version_restore(mms_job *job, const char *vis, const char *path, int64_t first,
                               const char *name, const char *how, mms_error *err)
{
    const mms_sink_what what = {.path = path, .tiles = true};
    mms_table *version = NULL;
    mms_sink *out = NULL;
    mms_ms *part = NULL;
    mms_shape_run *runs = NULL;
    mms_rows all = {0, 0};
    int64_t nrun = 0;
    mms_status st;

    MMS_TRY(open_version(vis, name, &version, err));
    MMS_TRY(mms_sink_open(&what, &out, err)); // first: casacore locks no table that is open
    MMS_TRY(mms_ms_open(path, &part, err));
    all.count = mms_ms_nrow(part);
    if (all.count > 0)
        MMS_TRY(mms_ms_shapes(part, MMS_COL_FLAG, 1, &all, &runs, &nrun, err));
    for (int64_t i = 0; i < nrun; i++) {
        MMS_TRY(restore_run(part, version, out, first, &runs[i], how, err));
        mms_job_progress(job, i + 1, nrun);
    }
    if (all.count > 0)
        MMS_TRY(restore_rows(part, version, out, first, how, err));
    MMS_TRY(mms_sink_close(&out, err));
done:
    mms_sink_drop(&out);
    mms_table_drop(&version);
    mms_ms_close(&part);
    free(runs);
    return st;
}

/* ---- comparing --------------------------------------------------------------------------------*/

typedef struct difference {
    int64_t cells, only_a, only_b, rows, flag_row;
} difference;

static void compare_rows(const pair *p, difference *d)
{
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t before = d->only_a + d->only_b;
        for (int64_t k = i * p->cell; k < (i + 1) * p->cell; k++) {
            d->only_a += p->a[k] > p->b[k];
            d->only_b += p->b[k] > p->a[k];
        }
        d->rows += d->only_a + d->only_b > before;
        d->flag_row += p->rows_a[i] != p->rows_b[i];
    }
    d->cells += p->n * p->cell;
}

/** version NULL: the set's own. */
static mms_status read_side(mms_ms *ms, mms_table *version, mms_rows rows, int64_t cell,
                            uint8_t *cells, uint8_t *flag_row, mms_error *err)
{
    const int64_t n = rows.count * cell;
    mms_status st;

    MMS_TRY(version ? mms_table_get(version, MMS_COL_FLAG_ROW, 1, &rows, rows.count, flag_row, err)
                    : mms_ms_read(ms, MMS_COL_FLAG_ROW, 1, &rows, rows.count, flag_row, err));
    if (n > 0)
        MMS_TRY(version ? mms_table_get(version, MMS_COL_FLAG, 1, &rows, n, cells, err)
                        : mms_ms_read(ms, MMS_COL_FLAG, 1, &rows, n, cells, err));
done:
    return st;
}

static mms_status compare_run(mms_ms *ms, mms_table *a, mms_table *b, const mms_shape_run *run,
                              difference *d, mms_error *err)
{
    const int64_t cell = run->ndim < 0 ? 0 : run->shape[0] * run->shape[1];
    const int64_t most = cell > 0 ? block_cells / cell + 1 : block_cells;
    pair p = {0};
    mms_status st = MMS_OK;

    for (int64_t at = 0; at < run->rows.count; at += most) {
        const int64_t left = run->rows.count - at;
        const mms_rows rows = {run->rows.first + at, left < most ? left : most};
        MMS_TRY(make_pair(rows.count, cell, &p, err));
        MMS_TRY(read_side(ms, a, rows, cell, p.a, p.rows_a, err));
        MMS_TRY(read_side(ms, b, rows, cell, p.b, p.rows_b, err));
        compare_rows(&p, d);
        free_pair(&p);
    }
done:
    free_pair(&p);
    return st;
}

static mms_status open_side(mms_ms *ms, const char *name, mms_table **table, mms_error *err)
{
    mms_status st;

    *table = NULL;
    if (!strcmp(name, "main"))
        return MMS_OK;
    MMS_TRY(mms_version_check(ms, name, err));
    MMS_TRY(open_version(mms_ms_path(ms), name, table, err));
done:
    return st;
}

mms_status mms_version_diff(mms_ms *ms, const char *a, const char *b, mms_value *result,
                            mms_error *err)
{
    const mms_rows all = {0, mms_ms_nrow(ms)};
    mms_table *first = NULL, *second = NULL;
    mms_shape_run *runs = NULL;
    difference d = {0};
    int64_t nrun = 0;
    mms_status st;

    MMS_TRY(open_side(ms, a, &first, err));
    MMS_TRY(open_side(ms, b, &second, err));
    MMS_TRY(mms_ms_shapes(ms, MMS_COL_FLAG, 1, &all, &runs, &nrun, err));
    for (int64_t i = 0; i < nrun; i++)
        MMS_TRY(compare_run(ms, first, second, &runs[i], &d, err));
    json_object_set_new(result, "cells", json_integer(d.cells));
    json_object_set_new(result, "only_a", json_integer(d.only_a));
    json_object_set_new(result, "only_b", json_integer(d.only_b));
    json_object_set_new(result, "rows", json_integer(d.rows));
    json_object_set_new(result, "flag_row", json_integer(d.flag_row));
done:
    mms_table_drop(&first);
    mms_table_drop(&second);
    free(runs);
    return st;
}
