/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file exportuvh5_parts.c  The task exportuvh5, a file for each part of a Multi-MS. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "exportuvh5_priv.h"
#include "multims/ms.h"

/** out.0003.uvh5 of out.uvh5, as the parts of a Multi-MS are named. */
static char *part_name(const char *file, int64_t part)
{
    const char *const slash = strrchr(file, '/'), *const dot = strrchr(slash ? slash : file, '.');
    const int stem = dot && dot > file && dot[-1] != '/' ? (int)(dot - file) : (int)strlen(file);

    return mms_format("%.*s.%04" PRId64 "%s", stem, file, part, file + stem);
}

/** One file that an earlier run left, or another's, stops it before anything is written. */
static mms_status check_names(const mms_uvh5_request *request, int64_t n, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && !request->overwrite && i < n; i++) {
        char *const name = part_name(request->uvh5file, i);
        bool taken = false;
        st = name ? mms_path_taken(name, &taken, err) : mms_fail(err, MMS_ERR_MEM, "no memory");
        if (st == MMS_OK && taken)
            st = mms_fail(err, MMS_ERR_EXISTS,
                          "Output file %s already exists - will not overwrite it.", name);
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
    mms_status st;

    one.vis = member;
    one.uvh5file = name;
    st = name && result ? mms_uvh5_export(&one, host, result, err)
                        : mms_fail(err, MMS_ERR_MEM, "no memory");
    if (st == MMS_ERR_EMPTY || st == MMS_ERR_SELECT) { // a part without selected rows has no file
        mms_value_free(&result);
        free(name);
        return MMS_OK;
    }
    if (st == MMS_OK)
        json_array_append(parts, result);
    mms_value_free(&result);
    free(name);
    return st;
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

mms_status mms_exportuvh5_parts(const mms_uvh5_request *request, const mms_host *host,
                                mms_value *result, mms_error *err)
{
    mms_value *parts = json_array();
    mms_ms *ms = NULL;
    mms_status st;

    MMS_TRY(mms_ms_open(request->vis, &ms, err));
    const int64_t n = mms_ms_nmember(ms);
    MMS_TRY(check_names(request, n, err));
    for (int64_t i = 0; i < n; i++)
        MMS_TRY(export_part(request, mms_ms_member_path(ms, i), i, host, parts, err));
    if (json_array_size(parts) == 0)
        MMS_TRY(mms_fail(err, MMS_ERR_EMPTY, "no part has selected rows"));
    json_object_set_new(result, "outputvis", mms_text_value(request->uvh5file));
    json_object_set(result, "parts", parts);
    sum_parts(parts, result);
done:
    mms_value_free(&parts);
    mms_ms_close(&ms);
    return st;
}
