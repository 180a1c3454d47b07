/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file place.c  Where an output shall be: whether it may, and has room there. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "base/tree_priv.h"
#include "request_priv.h"
#include "subtables/subtables.h"

mms_status mms_output_check_outside(const char *vis, const char *parameter, const char *outputvis,
                                    mms_error *err)
{
    char *dir = mms_path_dir(outputvis), *in = realpath(vis, NULL), *out = NULL;
    mms_status st = in ? MMS_OK : mms_fail_errno(err, errno, "%s", vis);

    MMS_TRY(st);
    MMS_TRY(dir ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", outputvis));
    out = realpath(dir, NULL);
    if (!out && !mms_is_absence(errno)) // one that is missing is named when it is needed
        MMS_TRY(mms_fail_errno(err, errno, "%s", dir));
    const size_t n = strlen(in);
    if (out && !strncmp(in, out, n) && (out[n] == '\0' || out[n] == '/'))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "parameter %s: %s lies inside the input %s", parameter,
                         outputvis, vis));
done:
    free(dir);
    free(in);
    free(out);
    return st;
}

mms_status mms_output_check_new(const char *vis, const char *outputvis, bool is_cvel,
                                mms_error *err)
{
    char *flags = mms_format("%s.flagversions", outputvis);
    bool taken;
    mms_status st;

    MMS_TRY(flags ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", outputvis));
    MMS_TRY(mms_path_taken(outputvis, &taken, err));
    if (taken)
        MMS_TRY(mms_fail(err, MMS_ERR_EXISTS, "Output MS %s already exists - will not overwrite%s.",
                         outputvis, is_cvel ? "" : " it"));
    MMS_TRY(mms_path_taken(flags, &taken, err));
    if (taken)
        MMS_TRY(mms_fail(err, MMS_ERR_EXISTS,
                         is_cvel
                             ? "The flagversions \"%s\" for the output MS already exist. Please "
                               "delete."
                             : "The flagversions %s for the output MS already exists. Please "
                               "delete it.",
                         flags));
    if (vis)
        MMS_TRY(mms_output_check_outside(vis, "outputvis", outputvis, err));
done:
    free(flags);
    return st;
}

/** Bytes of the sub-tables that every part gets, and of those that only the first has; those of
 * which rows are left out count nothing. */
static mms_status subtable_bytes(const mms_request *r, int64_t *each, int64_t *once, mms_error *err)
{
    mms_subtables_opts opts = MMS_SUBTABLES_OPTS_INIT;
    const char *name;
    mms_value *tables = NULL, *path;
    mms_status st;

    *each = *once = 0;
    opts.keep_ids = !r->reindex;
    opts.windows = r->windows;
    MMS_TRY(mms_subtables_whole(r->ms, r->selection, &opts, &tables, err));
    json_object_foreach(tables, name, path)
    {
        int64_t bytes;
        MMS_TRY(mms_tree_bytes(json_string_value(path), &bytes, err));
        *(mms_layout_is_link(r->layout, name) ? once : each) += bytes;
    }
done:
    mms_value_free(&tables);
    return st;
}

mms_status mms_output_check_space(const mms_request *r, mms_error *err)
{
    int64_t each, once, have, need;
    const int64_t nparts = mms_plan_nparts(r->plan);
    mms_status st = subtable_bytes(r, &each, &once, err);

    if (st == MMS_OK)
        st = mms_output_room(r->host, r->outputvis, &r->how, &have, err);
    if (st == MMS_OK)
        st = mms_output_least_bytes(r, &need, err);
    if (st != MMS_OK)
        return st;
    need += each * (nparts + 1) + 2 * once;
    need += (int64_t)(r->also * (double)need);
    if (need > have) { // what is shared takes no room
        int64_t shared;
        st = mms_output_shared_bytes(r, &shared, err);
        if (st != MMS_OK)
            return st;
        need -= shared;
    }
    if (need <= have)
        return MMS_OK;
    if (mms_output_averages_rows(r)) {
        mms_log(MMS_LOG_WARN, "output",
                "%s: the disk has %" PRId64 " MiB left; an average in time that leaves all rows "
                "would need %" PRId64 " MiB",
                r->outputvis, have >> 20, (need >> 20) + 1);
        return MMS_OK; // far fewer rows may be left
    }
    return mms_fail(err, MMS_ERR_SPACE,
                    "%s needs about %" PRId64 " MiB, the disk has %" PRId64 " MiB left",
                    r->outputvis, (need >> 20) + 1, have >> 20);
}
