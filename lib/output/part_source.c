/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file part_source.c  What the parts of one request have in common, kept by a worker. */
#include "part_source_priv.h"

#include <stdlib.h>

#include "base/base_priv.h"
#include "ms/model.h"

static void end_source(void *source)
{
    mms_part_source *s = source;

    mms_pipeline_free(&s->pipeline);
    mms_subtable_set_close(&s->subtables);
    mms_ms_close(&s->ms);
    free(s);
}

/** The pipeline is in a file: the frequencies of all windows may be many. */
static mms_status read_pipeline(const char *path, mms_pipeline **out, mms_error *err)
{
    mms_value *value;
    mms_status st = *path ? mms_value_read(path, &value, err) : MMS_OK;

    if (!*path || st != MMS_OK)
        return st;
    st = mms_pipeline_decode(value, out, err);
    mms_value_free(&value);
    return st;
}

static mms_status open_source(const mms_part_order *o, mms_part_source **out, mms_error *err)
{
    mms_part_source *s = *out = mms_alloc(1, sizeof *s);
    bool is_virtual;
    mms_status st;

    MMS_TRY(s ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", o->vis));
    MMS_TRY(mms_ms_open(o->vis, &s->ms, err));
    if (o->models)
        MMS_TRY(mms_ms_use_model(s->ms, &is_virtual, err));
    MMS_TRY(mms_subtable_set_open(o->tables, o->subtables, &s->subtables, err));
    MMS_TRY(read_pipeline(o->pipeline, &s->pipeline, err));
    if (s->pipeline)
        MMS_TRY(mms_pipeline_open(s->pipeline, s->ms, err));
done:
    if (st != MMS_OK && s)
        end_source(s);
    return st;
}

mms_status mms_part_source_get(mms_job *job, const mms_part_order *order, mms_part_source **out,
                               mms_error *err)
{
    // The folder of the sub-tables is that of one run: no other input has its name.
    char *name = mms_format("%s\n%s", order->vis, order->tables);
    mms_status st = name ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", order->vis);

    *out = name ? mms_job_kept(job, name) : NULL;
    if (*out || !name)
        goto done;
    MMS_TRY(open_source(order, out, err));
    st = mms_job_keep(job, name, *out, end_source, err);
    if (st != MMS_OK)
        end_source(*out);
done:
    free(name);
    return st;
}
