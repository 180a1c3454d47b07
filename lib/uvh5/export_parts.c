/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file export_parts.c  A file for each part of a Multi-MS, one after the other by all workers;
 * what a failure leaves under a final name is complete, and a later run goes on behind it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "import_priv.h"
#include "multims/ms.h"

/** out.0003.uvh5 of out.uvh5, as the parts of a Multi-MS are named. */
static char *part_name(const char *file, int64_t part)
{
    const char *const slash = strrchr(file, '/'), *const dot = strrchr(slash ? slash : file, '.');
    const int stem = dot && dot > file && dot[-1] != '/' ? (int)(dot - file) : (int)strlen(file);

    return mms_format("%.*s.%04" PRId64 "%s", stem, file, part, file + stem);
}

/** Take the file of a part that an earlier run made: one of ours; under its name it is complete. */
static mms_status take_earlier(const char *name, mms_value *result, mms_error *err)
{
    mms_uvh5_in in = {0};
    mms_error why;
    const bool ours = mms_uvh5_in_open_header(name, &in, &why) == MMS_OK &&
                      in.hdf5->has(in.file, "multims/version");
    mms_status st = MMS_OK;

    if (!ours)
        st =
            mms_fail(err, MMS_ERR_EXISTS,
                     "Output file %s already exists - will not overwrite it: no file of an earlier "
                     "run",
                     name);
    json_object_set_new(result, "outputvis", mms_text_value(name));
    json_object_set_new(result, "kept", json_true());
    json_object_set_new(result, "blts", json_integer(in.nblt));
    json_object_set_new(result, "rows_out", json_integer(in.nblt));
    mms_uvh5_in_end(&in);
    return st;
}

/** What is there stops a run before anything is written, unless it goes on with what it finds:
 *  there[n]. */
static mms_status find_earlier(const mms_uvh5_request *r, int64_t n, mms_value **there,
                               mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && !r->overwrite && i < n; i++) {
        char *const name = part_name(r->uvh5file, i);
        bool taken = false;
        st = name ? mms_path_taken(name, &taken, err) : mms_fail(err, MMS_ERR_MEM, "no memory");
        if (st == MMS_OK && taken && r->how.resume) {
            there[i] = json_object();
            st = take_earlier(name, there[i], err);
        } else if (st == MMS_OK && taken) {
            st = mms_fail(err, MMS_ERR_EXISTS,
                          "Output file %s already exists - will not overwrite it.", name);
        }
        free(name);
    }
    return st;
}

static mms_status export_part(const mms_uvh5_request *request, const char *member, int64_t part,
                              const mms_host *host, mms_value *parts, mms_error *err)
{
    char *const name = part_name(request->uvh5file, part);
    mms_value *result = json_object();
    mms_uvh5_request one = *request;
    mms_host inner = *host;
    mms_value *texts = json_copy((mms_value *)host->history);
    mms_status st;

    json_array_append_new(texts, json_sprintf("%-11s = %" PRId64, "part", part));
    inner.history = texts; // verify compares the file with that part
    one.vis = member;
    one.uvh5file = name;
    one.how.resume = request->how.resume && !request->gzip && !mms_uvh5_averages(request);
    st = name && result ? mms_uvh5_export(&one, &inner, result, err)
                        : mms_fail(err, MMS_ERR_MEM, "no memory");
    if (st == MMS_OK)
        json_array_append(parts, result);
    mms_value_free(&texts);
    mms_value_free(&result);
    free(name);
    // a part without selected rows has no file
    return st == MMS_ERR_EMPTY || st == MMS_ERR_SELECT ? MMS_OK : st;
}

static void sum_parts(const mms_value *parts, mms_value *result)
{
    static const char *const counts[] = {"rows", "blts", "rows_out", "bytes_out"};

    for (int64_t k = 0; k < MMS_COUNT_OF(counts); k++) {
        json_int_t sum = 0;
        size_t i;
        mms_value *part;
        json_array_foreach(parts, i, part) sum +=
            json_integer_value(json_object_get(part, counts[k]));
        json_object_set_new(result, counts[k], json_integer(sum));
    }
}

/** Of a run that failed: what it made stays. */
static void tell_done(const mms_uvh5_request *r, const mms_host *host, const mms_value *parts,
                      int64_t n)
{
    const size_t done = json_array_size(parts);

    if (done && !r->how.dryrun)
        mms_log(MMS_LOG_WARN, host->task,
                "files of %zu of %" PRId64 " parts are complete, up to %s; resume=True makes the "
                "others",
                done, n, mms_text_of(json_array_get(parts, done - 1), "outputvis"));
}

mms_status mms_uvh5_export_parts(const mms_uvh5_request *request, const mms_host *host,
                                 mms_value *result, mms_error *err)
{
    mms_value *parts = json_array(), **there = NULL;
    mms_ms *ms = NULL;
    int64_t n = 0;
    mms_status st;

    MMS_TRY(mms_ms_open(request->vis, &ms, err));
    n = mms_ms_nmember(ms);
    there = mms_alloc(n, sizeof(mms_value *));
    MMS_TRY(there ? find_earlier(request, n, there, err) : mms_fail(err, MMS_ERR_MEM, "no memory"));
    for (int64_t i = 0; i < n; i++)
        if (there[i])
            json_array_append(parts, there[i]);
        else
            MMS_TRY(export_part(request, mms_ms_member_path(ms, i), i, host, parts, err));
    if (json_array_size(parts) == 0)
        MMS_TRY(mms_fail(err, MMS_ERR_EMPTY, "no part has selected rows"));
    json_object_set_new(result, "outputvis", mms_text_value(request->uvh5file));
    json_object_set(result, "parts", parts);
    sum_parts(parts, result);
done:
    if (st != MMS_OK)
        tell_done(request, host, parts, n);
    for (int64_t i = 0; there && i < n; i++)
        mms_value_free(&there[i]);
    free(there);
    mms_value_free(&parts);
    mms_ms_close(&ms);
    return st;
}
