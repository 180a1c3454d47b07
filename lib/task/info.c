/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file info.c  The task info: what is in a MeasurementSet or Multi-MS, its parts read in
 * parallel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "check/contents.h"
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

/* Read the sub-tables, or a part */
static mms_status unit(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    const char *const vis = json_string_value(json_object_get(request, "vis"));
    const char *const part = json_string_value(json_object_get(request, "part"));

    (void)job;
    if (part)
        return mms_contents_rows(part, answer, err);
    if (vis)
        return mms_contents_tables(vis, answer, err);
    return mms_fail(err, MMS_ERR_INTERNAL, "info: a unit names no set");
}

/* What a run works with: a unit for the sub-tables, then one for each part */
struct work {
    int64_t n;
    mms_value **units;
    char **names;
    mms_answer *answers;
};

static mms_status make_units(const char *vis, const mms_value *parts, struct work *w,
                             mms_error *err)
{
    const int64_t n = 1 + (int64_t)json_array_size(parts);
    bool good;

    w->units = mms_alloc(n, sizeof *w->units);
    w->names = mms_alloc(n, sizeof *w->names);
    w->answers = mms_alloc(n, sizeof *w->answers);
    good = w->units && w->names && w->answers;
    for (; good && w->n < n; w->n++) {
        mms_value *const part = w->n ? json_array_get(parts, (size_t)w->n - 1) : NULL;
        w->units[w->n] = json_pack("{s:o, s:O*}", "vis", mms_text_value(vis), "part", part);
        w->names[w->n] = part ? mms_path_base(json_string_value(part)) : strdup("sub-tables");
        good = w->units[w->n] && w->names[w->n];
    }
    return good ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");
}

static void free_work(struct work *w)
{
    mms_answers_free(w->answers ? w->n : 0, w->answers);
    for (int64_t i = 0; i < w->n; i++) {
        mms_value_free(&w->units[i]);
        free(w->names[i]);
    }
    free(w->units);
    free(w->names);
    free(w->answers);
}

static mms_status join(const struct work *w, mms_value *result, mms_error *err)
{
    const mms_value **const parts = mms_alloc(w->n, sizeof *parts);
    mms_status st;

    if (!parts)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    for (int64_t i = 1; i < w->n; i++) {
        parts[i - 1] = w->answers[i].value;
        json_object_set_new(w->answers[i].value, "name", mms_text_value(w->names[i]));
    }
    st = mms_contents_join(w->answers[0].value, w->n - 1, parts, result, err);
    free(parts);
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
    struct work w = {0};
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
    MMS_TRY(make_units(p->vis, json_object_get(set, "parts"), &w, err));
    MMS_TRY(mms_run_engine(run, err));
    MMS_TRY(mms_engine_run(run->engine, run->task->name, w.n, (const char *const *)w.names, w.units,
                           w.answers, err));
    MMS_TRY(join(&w, result, err));
    if (*p->listfile)
        st = write_file(run, p->listfile, result, err);
done:
    free_work(&w);
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
