/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file info.c  The task info: what is in a MeasurementSet or Multi-MS, its parts read in
 * parallel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "check/contents.h"
#include "multims/parts.h"
#include "task_priv.h"

struct info {
    const char *vis, *listfile;
};

static const mms_param params[] = {
    MMS_PARAM_VIS(struct info, vis),
    {"listfile", MMS_PATH, offsetof(struct info, listfile), .init = "",
     .doc = "Write all of it to this file, which must not exist, and print nothing"},
    {0},
};

/* Read a part, or the sub-tables of the whole set */
static mms_status unit(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    const char *const vis = json_string_value(json_object_get(request, "vis"));

    (void)job;
    if (!vis)
        return mms_fail(err, MMS_ERR_INTERNAL, "info: a unit names no set");
    return json_object_get(request, "part") ? mms_contents_rows(vis, answer, err)
                                            : mms_contents_tables(vis, answer, err);
}

/* Make one answer of those of the sub-tables and the parts */
static mms_status join(const mms_value *answers, mms_value *result, mms_error *err)
{
    const mms_value *const list = json_object_get(answers, "ret");
    const mms_value *const names = json_object_get(answers, "parts");
    const size_t n = json_array_size(list);
    const mms_value **const parts = mms_alloc((int64_t)n, sizeof *parts);
    mms_status st;

    if (!parts)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        parts[i] = json_array_get(list, i);
        json_object_set(json_array_get(list, i), "name", json_array_get(names, i));
    }
    st = mms_contents_join(json_object_get(answers, "first"), (int64_t)n, parts, result, err);
    free(parts);
    return st;
}

/* The sub-tables and all parts are read at once; what fails ends the others */
static mms_status read_all(mms_run *run, const char *vis, mms_value *result, mms_error *err)
{
    mms_parts_opts opts = MMS_PARTS_OPTS_INIT;
    mms_value *const answers = json_object(), *const first = json_object();
    mms_status st;

    opts.how = MMS_CONSOLIDATE_LIST;
    opts.stop = true;
    opts.repeatable = true;
    opts.first = first;
    st = mms_parts_run_with(run, vis, NULL, &opts, answers, err);
    if (st == MMS_OK)
        st = join(answers, result, err);
    json_decref(first);
    json_decref(answers);
    return st;
}

/* Write the text that -v prints */
static mms_status write_file(mms_run *run, const char *path, mms_value *result, mms_error *err)
{
    FILE *const file = fopen(path, "wxe");
    bool good;

    if (!file)
        return mms_fail_errno(err, errno, "%s", path);
    run->wrote = true;
    mms_contents_print(result, true, file);
    good = !ferror(file);
    if (fclose(file) || !good)
        return mms_fail_errno(err, errno, "%s", path);
    json_object_set_new(result, "listfile", mms_text_value(path));
    return MMS_OK;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct info *const p = arg;
    mms_value *set = NULL;
    mms_status st;

    if (access(p->vis, F_OK) && (errno == ENOENT || errno == ENOTDIR))
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "Visibility data set not found - please verify the name (%s)", p->vis));
    if (*p->listfile && access(p->listfile, F_OK) == 0)
        MMS_TRY(mms_fail(err, MMS_ERR_EXISTS, "Output file '%s' already exists", p->listfile));
    st = mms_contents_parts(p->vis, &set, err);
    if (st == MMS_ERR_NOT_FOUND)
        MMS_TRY(mms_wrap(err, st, "%s is not a MeasurementSet", p->vis));
    MMS_TRY(st);
    json_object_set_new(result, "vis", mms_text_value(p->vis));
    json_object_set(result, "kind", json_object_get(set, "kind"));
    json_object_set(result, "axis", json_object_get(set, "axis"));
    MMS_TRY(read_all(run, p->vis, result, err));
    if (*p->listfile)
        st = write_file(run, p->listfile, result, err);
done:
    mms_value_free(&set);
    return st;
}

static void print(const mms_value *result, FILE *out)
{
    if (!json_object_get(result, "listfile"))
        mms_contents_print(result, true, out);
}

static void print_screen(const mms_value *result, FILE *out)
{
    if (!json_object_get(result, "listfile"))
        mms_contents_print(result, false, out);
}

const mms_task mms_task_info = {
    .name = "info",
    .alias = "listobs",
    .summary = "show what is in a MeasurementSet or Multi-MS",
    .details =
        "Times, fields, scans, spectral windows, antennas, columns and sub-tables, on a screen;\n"
        "-v shows all of it, also what has no rows.  A Multi-MS is shown as a whole; for its\n"
        "parts see listpartition.\n"
        "\n"
        "Examples:\n"
        "  multims info obs.ms\n"
        "  multims info obs.mms -v\n"
        "  multims info obs.ms --json\n"
        "  multims info obs.ms listfile=obs.txt\n",
    .params = params,
    .params_size = sizeof(struct info),
    .run = run,
    .print = print,
    .print_line = print_screen,
    .unit = unit,
};
