/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file describe.c  The plan of a request as JSON: parts, decision, stages, windows. */
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "pipeline/regrid_priv.h"
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

static int64_t channels_of(const mms_request *r, int64_t window)
{
    const mms_form *in = mms_pipeline_in(r->pipeline);

    for (int64_t d = r->meta.ndd - 1; d >= 0; d--)
        if (in->window_of[d] == window)
            return r->meta.dds[d].nchan;
    return 0;
}

/** The input's windows that a window of the output is made of, and how many channels they have. */
static mms_value *list_inputs(const mms_request *r, int64_t window, json_int_t *nchan)
{
    const mms_form *in = mms_pipeline_in(r->pipeline);
    const bool all = mms_request_new_windows(r) > 0;
    mms_value *list = json_array();

    *nchan = 0;
    for (int64_t i = 0; i < in->nwindow; i++)
        if (all || i == window) {
            json_array_append_new(list, json_integer(in->windows[i].spw));
            *nchan += channels_of(r, i);
        }
    return list;
}

static double velocity(double freq_hz, double restfreq_hz, bool optical)
{
    return MMS_LIGHT_SPEED_M_S * (optical ? restfreq_hz / freq_hz - 1 : 1 - freq_hz / restfreq_hz);
}

/** Add first and last channel, the width of the first, and the frame; velocities about a rest
 *  frequency (0: none). */
static void put_axis(mms_value *window, const mms_window *w, double rest_hz, bool optical)
{
    const mms_spectral_axis *axis = &w->axis;
    const char *const frame = mms_frame_name(w->frame);

    json_object_set_new(window, "frame", frame ? json_string(frame) : json_null());
    if (axis->nchan < 1)
        return;
    const double first = axis->freq_hz[0], last = axis->freq_hz[axis->nchan - 1];
    const double width = fabs(axis->width_hz[0]);
    json_object_set_new(window, "first_hz", mms_double_value(first));
    json_object_set_new(window, "last_hz", mms_double_value(last));
    json_object_set_new(window, "width_hz", mms_double_value(width));
    if (!(rest_hz > 0))
        return;
    json_object_set_new(window, "first_m_s", mms_double_value(velocity(first, rest_hz, optical)));
    json_object_set_new(window, "last_m_s", mms_double_value(velocity(last, rest_hz, optical)));
    json_object_set_new(window, "width_m_s",
                        mms_double_value(velocity(first - width / 2, rest_hz, optical) -
                                         velocity(first + width / 2, rest_hz, optical)));
}

/** The windows of the output, changed or not: id, input's ids, channels, their frequencies. */
static mms_status list_windows(const mms_request *r, mms_value **list, mms_error *err)
{
    const mms_form *out = mms_pipeline_out(r->pipeline);
    const bool velocities = r->regrid.on && *r->regrid.restfreq;
    double rest_hz = 0;
    mms_status st = MMS_OK;

    *list = json_array();
    if (velocities)
        MMS_TRY(mms_quantity_parse(r->regrid.restfreq, "Hz", false, &rest_hz, err));
    for (int64_t i = 0; i < out->nwindow; i++) {
        json_int_t nchan;
        mms_value *inputs = list_inputs(r, i, &nchan);
        mms_value *window =
            json_pack("{sI si so sI sI}", "spw", (json_int_t)mms_request_window_row(r, i), "from",
                      (int)out->windows[i].spw, "inputs", inputs, "channels_in", nchan, "channels",
                      (json_int_t)out->windows[i].axis.nchan);
        put_axis(window, &out->windows[i], rest_hz,
                 velocities && !strcasecmp(r->regrid.veltype, "optical"));
        json_array_append_new(*list, window);
    }
done:
    return st;
}

mms_status mms_request_describe(const mms_request *r, mms_value *result, mms_error *err)
{
    mms_value *plan = NULL, *decision = NULL, *windows = NULL;
    mms_status st;

    MMS_TRY(mms_plan_describe(r->plan, &plan, err));
    name_parts(r, json_object_get(plan, "parts"));
    json_object_set_new(result, "outputvis", mms_text_value(r->outputvis));
    json_object_set_new(result, "rows", json_integer(r->meta.nselected));
    json_object_set_new(result, "dropped", json_integer(mms_plan_ndropped(r->plan)));
    json_object_update(result, plan);
    if (mms_request_only_copies(r))
        goto done;
    MMS_TRY(mms_decision_describe(&r->decision, &decision, err));
    json_object_update(result, decision);
    json_object_set_new(result, "stages", mms_pipeline_describe(r->pipeline));
    MMS_TRY(list_windows(r, &windows, err));
    json_object_set(result, "spws", windows);
    json_object_set_new(result, "grids", json_boolean(r->regrid.on || mms_request_new_windows(r)));
    json_object_set(result, "windows", r->windows);
done:
    mms_value_free(&plan);
    mms_value_free(&windows);
    mms_value_free(&decision);
    return st;
}
