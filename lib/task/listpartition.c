/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file listpartition.c  The task listpartition: what each sub-MS holds (multi-ms 4). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "multims/check.h"
#include "task_priv.h"

struct listpartition {
    const char *vis, *listfile;
    bool createdict;
};

static const mms_param params[] = {
    MMS_PARAM_VIS(struct listpartition, vis),
    {"createdict", MMS_BOOL, offsetof(struct listpartition, createdict), .init = "False",
     .doc = "Print the listing as JSON, as --json does, instead of the table"},
    {"listfile", MMS_STRING, offsetof(struct listpartition, listfile), .init = "",
     .doc = "Write the table to this file, which must not exist"},
    {0},
};

static mms_status check_files(const struct listpartition *p, mms_error *err)
{
    bool there, taken = false;
    mms_status st;

    MMS_TRY(mms_path_exists(p->vis, &there, err));
    if (!there)
        return mms_fail(err, MMS_ERR_NOT_FOUND,
                        "Visibility data set not found - please verify the name (%s)", p->vis);
    if (*p->listfile)
        MMS_TRY(mms_path_taken(p->listfile, &taken, err));
    if (taken)
        return mms_fail(err, MMS_ERR_EXISTS, "Output file '%s' already exists", p->listfile);
done:
    return st;
}

static mms_status write_file(mms_run *run, const char *path, const char *text, mms_error *err)
{
    int fd;
    mms_status st;

    mms_log(MMS_LOG_INFO, run->task->name, "Will save output to '%s'", path);
    MMS_TRY(mms_create_file(path, &fd, err));
    run->wrote = true;
    st = mms_write_all(fd, text, (int64_t)strlen(text), path, err);
    if (close(fd) && st == MMS_OK)
        st = mms_fail_errno(err, errno, "%s", path);
done:
    return st;
}

/* The result is the dictionary when it is asked for, else {"table": text}, or {} beside a file. */
static mms_status fill_result(const mms_run *run, const struct listpartition *p,
                              const mms_listing *listing, const char *table, mms_value *result,
                              mms_error *err)
{
    int failed = 0;

    if (run->json || p->createdict)
        failed = json_object_update(result, listing->members);
    else if (!*p->listfile)
        failed = json_object_set_new(result, "table", mms_text_value(table));
    return failed ? mms_fail(err, MMS_ERR_MEM, "out of memory for the listing") : MMS_OK;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct listpartition *p = arg;
    mms_listing listing = {0};
    char *table = NULL;
    mms_status st;

    MMS_TRY(check_files(p, err));
    MMS_TRY(mms_listing_read(p->vis, &listing, err));
    if (!(table = mms_listing_table(&listing)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for the listing"));
    if (*p->listfile)
        MMS_TRY(write_file(run, p->listfile, table, err));
    if (listing.multi)
        mms_log(MMS_LOG_INFO, run->task->name, "This is a Multi-MS with separation axis = %s",
                listing.axis);
    MMS_TRY(fill_result(run, p, &listing, table, result, err));
done:
    free(table);
    mms_listing_free(&listing);
    return st;
}

static void print(const mms_value *result, FILE *out)
{
    const char *table = json_string_value(json_object_get(result, "table"));

    if (table) {
        fputs(table, out);
    } else if (json_object_size(result) > 0) {
        char *const text = mms_value_text(result, 2);
        fputs(text ? text : "", out);
        free(text);
        fputc('\n', out);
    }
}

const mms_task mms_task_listpartition = {
    .name = "listpartition",
    .summary = "list the scans, spws, rows and size of each part of a Multi-MS",
    .details = "One line for each sub-MS and scan; a plain MS is listed too.  Size is what the\n"
               "sub-MS takes on disk, as `du -hs` counts it.\n"
               "\n"
               "Examples:\n"
               "  multims listpartition cal.mms\n"
               "  multims listpartition vis=cal.mms listfile=cal.txt\n"
               "  multims listpartition cal.mms --json\n",
    .params = params,
    .params_size = sizeof(struct listpartition),
    .run = run,
    .print = print,
};
