/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file time.c  The step that averages rows in time (transform-numerics 5). */
#include <jansson.h>
#include <stdlib.h>

#include "base/base_priv.h"
#include "row_stage_priv.h"

typedef struct time_step {
    mms_step step;
    mms_time_opts opts;
    bool adds_state;
} time_step;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "time average: out of memory");
}

mms_status mms_time_step(const mms_time_opts *opts, bool adds_state, mms_step **out, mms_error *err)
{
    time_step *t = mms_alloc(1, sizeof *t);

    *out = NULL;
    if (!t)
        return out_of_memory(err);
    *t = (time_step){{&mms_step_time}, *opts, adds_state};
    *out = &t->step;
    return MMS_OK;
}

const mms_time_opts *mms_time_step_opts(const mms_step *step)
{
    return &((const time_step *)step)->opts;
}

static void end(mms_step *step)
{
    free(step);
}

static mms_status prepare(mms_step *step, const mms_form *in, mms_form *out, mms_notes *notes,
                          mms_error *err)
{
    (void)step;
    (void)in;
    (void)notes;
    (void)err;
    out->time_averaged = true;
    return MMS_OK;
}

static mms_status encode(const mms_step *step, mms_value **out, mms_error *err)
{
    const mms_time_opts *o = mms_time_step_opts(step);

    *out = json_pack("{sf si sf}", "timebin_s", o->timebin_s, "timespan", (int)o->timespan,
                     "max_uvw_m", o->max_uvw_m);
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status decode(const mms_value *value, mms_step **out, mms_error *err)
{
    mms_time_opts opts = MMS_TIME_OPTS_INIT;
    json_error_t error;
    int timespan;

    *out = NULL;
    if (json_unpack_ex((mms_value *)value, &error, 0, "{sF si sF}", "timebin_s", &opts.timebin_s,
                       "timespan", &timespan, "max_uvw_m", &opts.max_uvw_m) != 0)
        return mms_fail(err, MMS_ERR_INTERNAL, "step time: %s", error.text);
    opts.timespan = (unsigned)timespan;
    return mms_time_step(&opts, false, out, err);
}

static char *describe(const mms_step *step)
{
    static const char *const spans[] = {"scan", "state", "field"};
    const time_step *t = (const time_step *)step;
    mms_text text = {0};
    int n = 0;

    mms_text_add(&text, "time average of %g s", t->opts.timebin_s);
    for (unsigned i = 0; i < MMS_COUNT_OF(spans); i++)
        if (t->opts.timespan & (1u << i))
            mms_text_add(&text, "%s%s", n++ ? "," : " across ", spans[i]);
    if (t->adds_state)
        mms_text_add(&text, " (state is added: sub-scans of ALMA)");
    return text.text;
}

static mms_status open_rows(const mms_step *step, const mms_row_stage_opts *opts,
                            mms_row_stage **out, mms_error *err)
{
    return mms_time_stage_open(opts, mms_time_step_opts(step), out, err);
}

const mms_step_kind mms_step_time = {.name = "time",
                                     .prepare = prepare,
                                     .encode = encode,
                                     .decode = decode,
                                     .close = end,
                                     .describe = describe,
                                     .open_rows = open_rows};
