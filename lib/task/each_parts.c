/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_parts.c  The parts that the task each runs over, and their outputs. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "check/contents.h"
#include "each_priv.h"
#include "output/request_priv.h"

/* Every MeasurementSet has antennas, or a link to them. */
static mms_status check_part(const char *part, mms_error *err)
{
    char *const table = mms_format("%s/ANTENNA", part);
    bool there;

    mms_each_mend(part);
    there = table && access(table, F_OK) == 0;

    free(table);
    return there ? MMS_OK : mms_fail(err, MMS_ERR_NOT_FOUND, "%s is not a MeasurementSet", part);
}

static mms_status add_parts(struct mms_each_work *w, const char *vis, int64_t *capacity,
                            mms_error *err)
{
    mms_value *set = NULL;
    mms_status st;

    if (access(vis, F_OK) && mms_is_absence(errno))
        return mms_fail(err, MMS_ERR_NOT_FOUND,
                        "Visibility data set not found - please verify the name (%s)", vis);
    st = mms_contents_parts(vis, &set, err);
    if (st == MMS_ERR_NOT_FOUND)
        return mms_wrap(err, st, "%s is not a MeasurementSet", vis);
    MMS_TRY(st);
    const mms_value *const parts = json_object_get(set, "parts");
    MMS_TRY(mms_grow(&w->paths, capacity, w->n + (int64_t)json_array_size(parts), sizeof *w->paths,
                     err));
    for (size_t i = 0; i < json_array_size(parts); i++) {
        const char *const part = json_string_value(json_array_get(parts, i));
        MMS_TRY(check_part(part, err));
        w->paths[w->n] = mms_path_absolute(part);
        if (!w->paths[w->n++])
            MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    }
done:
    mms_value_free(&set);
    return st;
}

static bool is_twice(char *const *texts, int64_t n, int64_t i)
{
    for (int64_t k = 0; k < n; k++)
        if (k != i && !strcmp(texts[k], texts[i]))
            return true;
    return false;
}

/* Names are the last components; whole paths where these are not enough. */
static mms_status name_parts(struct mms_each_work *w, mms_error *err)
{
    char **const bases = mms_alloc(w->n, sizeof *bases);
    bool good = bases && (w->names = mms_alloc(w->n, sizeof *w->names));

    for (int64_t i = 0; good && i < w->n; i++)
        good = (bases[i] = mms_path_base(w->paths[i]));
    for (int64_t i = 0; good && i < w->n; i++)
        good = (w->names[i] = strdup(is_twice(bases, w->n, i) ? w->paths[i] : bases[i]));
    for (int64_t i = 0; bases && i < w->n; i++)
        free(bases[i]);
    free(bases);
    return good ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");
}

mms_status mms_each_find_parts(struct mms_each_work *w, mms_error *err)
{
    int64_t capacity = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < w->p->vis.count; i++)
        MMS_TRY(add_parts(w, w->p->vis.values[i], &capacity, err));
    for (int64_t i = 0; i < w->n; i++)
        if (is_twice(w->paths, w->n, i))
            return mms_fail(err, MMS_ERR_ARG, "%s is named twice", w->paths[i]);
    st = name_parts(w, err);
done:
    return st;
}

/* Outputs in an input would be taken for something of it. */
static mms_status check_outside(const struct mms_each_work *w, const char *output, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < w->p->vis.count; i++) {
        st = mms_output_check_outside(w->p->vis.values[i], "outputvis", w->outputs, err);
        if (st == MMS_OK) /* the folder may be the input */
            st = mms_output_check_outside(w->p->vis.values[i], "outputvis", output, err);
    }
    return st;
}

/* Whole paths as names of files may be one and the same. */
static mms_status check_distinct(const struct mms_each_work *w, const char *output, int64_t part,
                                 mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && *w->names[part] == '/' && i < w->n; i++) {
        char *const other = i == part ? NULL : mms_each_output_path(w->outputs, w->names[i], false);
        if (other && !strcmp(other, output))
            st = mms_fail(err, MMS_ERR_ARG,
                          "parameter outputvis: %s would be the output of %s and of %s", output,
                          w->names[part], w->names[i]);
        free(other);
    }
    return st;
}

mms_status mms_each_make_outputs(struct mms_each_work *w, mms_error *err)
{
    struct stat info;
    char *output;
    mms_status st = MMS_OK;

    w->outputs = mms_path_absolute(w->p->outputvis);
    for (int64_t i = 0; st == MMS_OK && i < w->n; i++) {
        output = w->outputs ? mms_each_output_path(w->outputs, w->names[i], false) : NULL;
        st = output ? check_distinct(w, output, i, err)
                    : mms_fail(err, MMS_ERR_MEM, "out of memory");
        if (st == MMS_OK && i == 0)
            st = check_outside(w, output, err);
        free(output);
    }
    if (st != MMS_OK)
        return st;
    if (mkdir(w->outputs, 0777) && errno != EEXIST)
        return mms_fail_errno(err, errno, "%s", w->outputs);
    if (stat(w->outputs, &info) || !S_ISDIR(info.st_mode))
        return mms_fail(err, MMS_ERR_ARG, "parameter outputvis: %s is no folder", w->outputs);
    return mms_each_check_outputs(w->outputs, w->n, (const char *const *)w->names, w->p->resume,
                                  err);
}
