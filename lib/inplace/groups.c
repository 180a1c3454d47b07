/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file groups.c  Parts that share chunks; units. */
#include "groups_priv.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "ms/columns.h"
#include "ms/ms_meta.h"
#include "ms/rows.h"

static int64_t root(const int64_t *group, int64_t i)
{
    while (group[i] != i)
        i = group[i];
    return i;
}

/** Let two members be of one group, which the first of them names. */
static void join(int64_t *group, int64_t a, int64_t b)
{
    a = root(group, a);
    b = root(group, b);
    group[a > b ? a : b] = a > b ? b : a;
}

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "in-place work: out of memory");
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
        if (by_chunk(&meta.cells[i - 1], &meta.cells[i], &ids) == 0)
            join(group, meta.cells[i - 1].member, meta.cells[i].member);
    for (int64_t i = 0; i < nmember; i++)
        group[i] = root(group, i);
    assert(group[0] == 0); // each is named by the first of its members
done:
    mms_meta_free(&meta);
    return st;
}

/** Members of one group while their rows are gone over. */
typedef struct sharing {
    int64_t nantenna, member;
    int64_t *owners; /**< [nantenna][nantenna]: a member that has the baseline, and 1; 0: none */
    int64_t *group;
    bool odd; /**< there are other antennas */
} sharing;

static mms_status note_baselines(void *ctx, const mms_row_chunk *c, mms_error *err)
{
    sharing *const s = ctx;
    const int32_t *const a = c->cells[0], *const b = c->cells[1];

    (void)err;
    for (int64_t i = 0; i < c->rows.count; i++) {
        if (a[i] < 0 || b[i] < 0 || a[i] >= s->nantenna || b[i] >= s->nantenna) {
            s->odd = true;
            continue;
        }
        int64_t *const owner = &s->owners[a[i] * s->nantenna + b[i]];
        if (*owner && *owner != s->member + 1)
            join(s->group, *owner - 1, s->member);
        *owner = s->member + 1;
    }
    return MMS_OK;
}

/** Join those members of one group that share a baseline; where antennas are odd, all. */
static mms_status join_by_baselines(mms_ms *ms, const int64_t *group, int64_t first, sharing *s,
                                    mms_error *err)
{
    static const char *const columns[] = {MMS_COL_ANTENNA1, MMS_COL_ANTENNA2, NULL};
    const int64_t nmember = mms_ms_nmember(ms);
    mms_status st = MMS_OK;

    memset(s->owners, 0, (size_t)(s->nantenna * s->nantenna) * sizeof *s->owners);
    s->odd = false;
    for (s->member = first; s->member < nmember && st == MMS_OK; s->member++) {
        const mms_rows rows = mms_ms_member_rows(ms, s->member);
        const mms_row_pass_opts opts = {.columns = columns, .nrange = 1, .ranges = &rows};
        if (group[s->member] == first)
            st = mms_rows_each(ms, &opts, note_baselines, s, err);
    }
    for (int64_t i = first; s->odd && i < nmember; i++)
        if (group[i] == first)
            join(s->group, first, i);
    return st;
}

mms_status mms_group_by_baselines(mms_ms *ms, int64_t nantenna, int64_t *group, mms_error *err)
{
    const int64_t nmember = mms_ms_nmember(ms);
    int64_t *const size = mms_alloc(nmember, sizeof *size);
    sharing s = {.nantenna = nantenna,
                 .owners = mms_alloc(nantenna * nantenna, sizeof *s.owners),
                 .group = mms_alloc(nmember, sizeof *s.group)};
    mms_status st;

    MMS_TRY(size && s.owners && s.group ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < nmember; i++) {
        s.group[i] = i;
        size[group[i]]++;
    }
    for (int64_t i = 0; i < nmember; i++)
        if (size[i] > 1)
            MMS_TRY(join_by_baselines(ms, group, i, &s, err));
    for (int64_t i = 0; i < nmember; i++)
        group[i] = root(s.group, i);
done:
    free(size);
    free(s.owners);
    free(s.group);
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
