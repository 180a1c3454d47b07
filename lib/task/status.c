/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file status.c  The task status: how far a run is, from its journal, while it works and after.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/journal.h"
#include "status_priv.h"

struct status {
    const char *job;
};

static const mms_param params[] = {
    {"job", MMS_PATH, offsetof(struct status, job),
     .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .empty = "Please specify which run: its output, or the folder OUTPUT.multims",
     .doc = "Output of the run, or the folder with its journal, OUTPUT.multims"},
    {0},
};

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct status *const p = arg;
    char *const folder = mms_journal_locate(p->job, NULL);
    mms_status st = MMS_OK;

    (void)run;
    if (folder) {
        st = mms_status_read(folder, result, err);
    } else if (!access(p->job, F_OK)) {
        json_object_set_new(result, "phase", json_string("complete"));
        json_object_set_new(result, "running", json_false());
    } else {
        st = mms_fail(err, MMS_ERR_NOT_FOUND, "%s: neither a run's output nor its journal is there",
                      p->job);
    }
    if (st == MMS_OK)
        json_object_set_new(result, "output", mms_text_value(p->job));
    free(folder);
    return st;
}

static void print_running(const mms_value *result, FILE *out)
{
    size_t i;
    mms_value *unit;

    json_array_foreach(json_object_get(result, "units_running"), i, unit) fprintf(
        out, "  %s: worker %lld, for %.1f s\n", json_string_value(json_object_get(unit, "unit")),
        (long long)json_integer_value(json_object_get(unit, "worker")),
        json_number_value(json_object_get(unit, "seconds")));
}

static void print_next(const char *output, const char *job, FILE *out)
{
    char *const made = mms_path_shell(output), *const folder = mms_path_shell(job);

    if (made && folder)
        fprintf(out, "multims resume %s goes on with it, multims clean %s removes it\n", made,
                folder);
    free(folder);
    free(made);
}

static void print(const mms_value *result, FILE *out)
{
    const char *const phase = json_string_value(json_object_get(result, "phase"));
    const char *const output = json_string_value(json_object_get(result, "output"));
    const mms_value *const left = json_object_get(result, "seconds_left");
    const char *unit;
    mms_value *message;

    fprintf(out, "%s: %s", output, phase);
    if (json_object_get(result, "units")) {
        fprintf(out, ", %s, %lld of %lld parts are done, %.0f %%",
                json_string_value(json_object_get(result, "task")),
                (long long)json_integer_value(json_object_get(result, "done")),
                (long long)json_integer_value(json_object_get(result, "units")),
                100 * json_number_value(json_object_get(result, "fraction")));
        if (left)
            fprintf(out, ", %.0f s to go", json_number_value(left));
    }
    fputc('\n', out);
    print_running(result, out);
    json_object_foreach(json_object_get(result, "failed"), unit, message)
        fprintf(out, "  %s failed: %s\n", unit, json_string_value(message));
    if (json_object_get(result, "next"))
        print_next(output, json_string_value(json_object_get(result, "job")), out);
}

const mms_task mms_task_status = {
    .name = "status",
    .summary = "show how far a run is, from another terminal",
    .params = params,
    .params_size = sizeof(struct status),
    .run = run,
    .print = print,
    .details = "Examples:\n"
               "  multims status out.mms\n"
               "  watch multims status out.mms.multims\n",
};
