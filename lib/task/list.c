/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file list.c  The task list: what a UVH5 file holds. */
#include <math.h>

#include "base/files_priv.h"
#include "task_priv.h"
#include "uvh5/side_priv.h"

struct list {
    const char *uvh5file;
};

static const mms_param params[] = {
    {"uvh5file", MMS_PATH, offsetof(struct list, uvh5file),
     .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL, .doc = "UVH5 file"},
    {0},
};

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct list *const p = arg;
    bool there;
    mms_status st;

    (void)run;
    MMS_TRY(mms_path_exists(p->uvh5file, &there, err));
    if (!there)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "Visibility data set not found - please verify the name. (%s)",
                         p->uvh5file));
    if (!mms_uvh5_is_file(p->uvh5file))
        MMS_TRY(mms_fail(err, MMS_ERR_TABLE,
                         "%s is not an HDF5 file; sets are described by info and listpartition",
                         p->uvh5file));
    MMS_TRY(mms_uvh5_describe(p->uvh5file, result, err));
done:
    return st;
}

static double real(const mms_value *object, const char *name)
{
    return json_number_value(json_object_get(object, name));
}

static const char *text(const mms_value *object, const char *name)
{
    const char *const found = json_string_value(json_object_get(object, name));

    return found ? found : "";
}

static void print_windows(const mms_value *result, FILE *out)
{
    size_t i;
    mms_value *w;

    fprintf(out, "\n%8s %9s %14s %14s %12s\n", "spw", "channels", "first MHz", "last MHz",
            "width kHz");
    json_array_foreach(json_object_get(result, "windows"), i, w)
        fprintf(out, "%8.0f %9.0f %14.6f %14.6f %12.3f\n", real(w, "id"), real(w, "channels"),
                real(w, "first_hz") / 1e6, real(w, "last_hz") / 1e6, real(w, "width_hz") / 1e3);
}

static void print_centres(const mms_value *result, FILE *out)
{
    size_t i;
    mms_value *c;

    fprintf(out, "\n%8s  %-24s %-12s %-6s %12s %12s %9s\n", "id", "phase centre", "type", "frame",
            "lon deg", "lat deg", "rows");
    json_array_foreach(json_object_get(result, "phase_centers"), i, c)
        fprintf(out, "%8.0f  %-24s %-12s %-6s %12.6f %12.6f %9.0f\n", real(c, "id"),
                text(c, "name"), text(c, "type"), text(c, "frame"), real(c, "lon_rad") * 180 / M_PI,
                real(c, "lat_rad") * 180 / M_PI, real(c, "rows"));
}

static void print(const mms_value *result, FILE *out)
{
    size_t i;
    mms_value *name;

    fprintf(out, "%s: UVH5%s%s of %s, %.1f MB, %s\n", text(result, "file"),
            *text(result, "version") ? " " : "", text(result, "version"),
            *text(result, "telescope") ? text(result, "telescope") : "an unnamed telescope",
            real(result, "bytes") / 1e6, text(result, "vis_units"));
    fprintf(out,
            "%.0f baseline-times: %.0f times (JD %.6f to %.6f), %.0f baselines, %.0f of %.0f "
            "antennas\n",
            real(result, "blts"), real(result, "times"), real(result, "time_first_jd"),
            real(result, "time_last_jd"), real(result, "baselines"),
            real(result, "antennas_with_data"), real(result, "antennas"));
    fprintf(out, "%.0f channels; polarizations", real(result, "channels"));
    json_array_foreach(json_object_get(result, "polarizations"), i, name)
        fprintf(out, " %s", json_string_value(name));
    fprintf(out, "\n");
    print_windows(result, out);
    print_centres(result, out);
}

const mms_task mms_task_list = {
    .name = "list",
    .summary = "list what a UVH5 file holds",
    .params = params,
    .params_size = sizeof(struct list),
    .run = run,
    .print = print,
    .details = "Examples:\n"
               "  multims list in.uvh5\n"
               "  multims list in.uvh5 --json\n",
};
