/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file groups.c  Parts that share chunks; units. */
#include "groups_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "ms/ms_meta.h"

static int64_t root(const int64_t *group, int64_t i)
{
    while (group[i] != i)
        i = group[i];
    return i;
}

static int by_chunk(const void *a, const void *b, void *ctx)
{
    const mms_chunk_ids *ids = ctx;
    const mms_cell *x = a, *y = b;
    const int32_t left[] = {ids->observation ? x->observation : 0, x->array,
                            ids->field ? x->field : 0, x->ddid, ids->scan ? x->scan : 0};
    const int32_t right[] = {ids->observation ? y->observation : 0, y->array,
                             ids->field ? y->field : 0, y->ddid, ids->scan ? y->scan : 0};

    for (int i = 0; i < 5; i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}

mms_status mms_group_members(mms_ms *ms, mms_chunk_ids ids, int64_t *group, mms_error *err)
{
    const int64_t nmember = mms_ms_nmember(ms);
    mms_meta meta = {0};
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < nmember; i++)
        group[i] = i;
    if (nmember == 1)
        return MMS_OK;
    MMS_TRY(mms_meta_read(ms, NULL, &meta, err));
    qsort_r(meta.cells, (size_t)meta.ncell, sizeof *meta.cells, by_chunk, &ids);
    for (int64_t i = 1; i < meta.ncell; i++)
        if (by_chunk(&meta.cells[i - 1], &meta.cells[i], &ids) == 0) {
            const int64_t a = root(group, meta.cells[i - 1].member);
            const int64_t b = root(group, meta.cells[i].member);
            group[a > b ? a : b] = a > b ? b : a;
        }
    for (int64_t i = 0; i < nmember; i++)
        group[i] = root(group, i);
    assert(group[0] == 0); // each is named by the first of its members
done:
    mms_meta_free(&meta);
    return st;
}

mms_value *mms_group_value(mms_ms *ms, const int64_t *group, int64_t first)
{
    mms_value *members = json_array();

    for (int64_t i = 0; i < mms_ms_nmember(ms); i++)
        if (group[i] == first)
            json_array_append_new(members, json_integer(i));
    return members;
}

mms_value *mms_group_stage(const mms_undo *undo, int64_t first)
{
    char *path = undo ? mms_format("%s/stage-%" PRId64, mms_undo_folder(undo), first) : strdup("");
    mms_value *value = path ? mms_text_value(path) : NULL;

    free(path);
    return value;
}

/* ---- units ------------------------------------------------------------------------------------*/

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "in-place work: out of memory");
}

mms_status mms_units_open(int64_t most, mms_units *u, mms_error *err)
{
    *u = (mms_units){.units = mms_alloc(most, sizeof *u->units),
                     .names = mms_alloc(most, sizeof *u->names),
                     .answers = mms_alloc(most, sizeof *u->answers),
                     .own_names = mms_alloc(most, sizeof *u->own_names)};
    return u->units && u->names && u->answers && u->own_names ? MMS_OK : no_memory(err);
}

void mms_units_close(mms_units *u)
{
    if (u->answers)
        mms_answers_free(u->n, u->answers);
    mms_values_free(u->n, u->units);
    for (int64_t i = 0; i < u->n && u->own_names; i++)
        free(u->own_names[i]);
    free(u->own_names);
    free(u->names);
    free(u->answers);
    *u = (mms_units){0};
}

mms_status mms_units_add(mms_units *u, const char *name, mms_value *unit, mms_error *err)
{
    if (!unit)
        return no_memory(err);
    u->names[u->n] = name;
    u->units[u->n++] = unit;
    return MMS_OK;
}

mms_value *mms_units_changing(mms_value *unit, mms_value *paths)
{
    if (unit)
        json_object_set_new(unit, "changes", paths);
    else
        json_decref(paths);
    return unit;
}

mms_status mms_units_add_named(mms_units *u, char *name, mms_value *unit, mms_error *err)
{
    u->own_names[u->n] = name;
    if (name)
        return mms_units_add(u, name, unit, err);
    mms_value_free(&unit);
    return no_memory(err);
}

/** A unit whose worker was killed is begun again: what it changes comes back before
 * (mms_undo_hold). */
mms_status mms_units_run(mms_units *u, const mms_change_request *how, mms_error *err)
{
    const mms_engine_rules none = MMS_ENGINE_RULES_INIT;
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
    mms_engine *engine = how->engine(how->ctx, err);
    mms_status st;

    if (!engine)
        return err->code;
    for (int64_t i = 0; i < u->n; i++)
        json_object_set_new(u->units[i], "threads", json_integer(mms_engine_threads(engine, u->n)));
    rules.repeatable = rules.in_shared = true;
    mms_engine_set_rules(engine, &rules);
    st = mms_engine_run(engine, how->task, u->n, u->names, u->units, u->answers, err);
    mms_engine_set_rules(engine, &none);
    return st;
}
