/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file describe.c  The plan of a request as JSON: parts, decision, stages, windows. */
#include <stdlib.h>

#include "request_priv.h"

/** The sub-MSs have names; one MS is the only part of itself. */
static void name_parts(const mms_request *r, mms_value *parts)
{
    size_t i;
    mms_value *part;

    json_array_foreach(parts, i, part)
    {
        char *name = r->multi ? mms_layout_member(r->layout, r->outputvis, (int64_t)i,
                                                  mms_plan_nparts(r->plan))
                              : mms_path_base(r->outputvis);
        json_object_set_new(part, "name", mms_text_value(name ? name : ""));
        free(name);
    }
}

/** The windows of the output, changed or not: id, input's id, channels. */
static mms_value *list_windows(const mms_request *r)
{
    const mms_form *out = mms_pipeline_out(r->pipeline);
    mms_value *list = json_array();

    for (int64_t i = 0; i < out->nwindow; i++) {
        json_int_t nchan = 0;
        for (int64_t d = 0; d < r->meta.ndd; d++)
            if (out->window_of[d] == i)
                nchan = r->meta.dds[d].nchan;
        json_array_append_new(list, json_pack("{sI si sI sI}", "spw",
                                              (json_int_t)mms_request_window_row(r, i), "from",
                                              (int)out->windows[i].spw, "channels_in", nchan,
                                              "channels", (json_int_t)out->windows[i].axis.nchan));
    }
    return list;
}

mms_status mms_request_describe(const mms_request *r, mms_value *result, mms_error *err)
{
    mms_value *plan = NULL, *decision = NULL;
    mms_status st;

    MMS_TRY(mms_plan_describe(r->plan, &plan, err));
    name_parts(r, json_object_get(plan, "parts"));
    json_object_set_new(result, "outputvis", mms_text_value(r->outputvis));
    json_object_set_new(result, "rows", json_integer(r->meta.nselected));
    json_object_set_new(result, "dropped", json_integer(mms_plan_ndropped(r->plan)));
    json_object_update(result, plan);
    if (!r->pipeline)
        goto done;
    MMS_TRY(mms_decision_describe(&r->decision, &decision, err));
    json_object_update(result, decision);
    json_object_set_new(result, "stages", mms_pipeline_describe(r->pipeline));
    json_object_set_new(result, "spws", list_windows(r));
    json_object_set(result, "windows", r->windows);
done:
    mms_value_free(&plan);
    mms_value_free(&decision);
    return st;
}
