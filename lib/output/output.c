/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file output.c  Write a plan: staging, sub-tables, one unit a part, assembly, rename. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "ms/select_value.h"
#include "order_priv.h"
#include "pipeline/goodness_priv.h"
#include "request_priv.h"
#include "subtables/subtables.h"

/** An output while it is made. */
typedef struct making {
    mms_request *r;
    mms_stage *stage;
    mms_journal *journal;   /**< NULL: none is kept */
    int64_t nparts, nrow;   /**< nrow: of the finished parts */
    int64_t shared;         /**< bytes that are blocks of the input */
    int64_t *rows, *bytes;  /**< of each */
    char *path, *base;      /**< the output: absolute, as units run anywhere; its last component */
    char *folder, *tables;  /**< the output and its sub-tables, staged */
    char *attempts;         /**< where attempts write that may be given up */
    char **names, **labels; /**< of the members; for messages */
    char **files;           /**< lists of the parts' rows */
    mms_value *subtables, **units;
    mms_value *goodness; /**< what the parts' units found, or NULL */
    mms_value *orders;   /**< of r->keys, to be left there */
} making;

static mms_status out_of_memory(const making *m, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", m->r->outputvis);
}

static mms_status make_missing(const char *path, mms_error *err)
{
    mms_error why;
    const mms_status st = mms_make_folder(path, &why);

    return st == MMS_ERR_EXISTS || st == MMS_OK ? MMS_OK : mms_fail(err, st, "%s", why.msg);
}

/** The folders in the staging directory.  Of an earlier run parts and sub-tables stay. */
static mms_status make_folders(const making *m, mms_error *err)
{
    char *const tables = mms_format("%s.tables", m->base);
    const char *const staged[] = {"owner.json", m->base, tables, NULL};
    const char *const members[] = {"SUBMSS", NULL};
    char *const path = mms_format("%s/SUBMSS", m->folder);
    mms_status st;

    MMS_TRY(path && tables ? MMS_OK : out_of_memory(m, err));
    if (mms_journal_resumes(m->journal)) {
        MMS_TRY(mms_output_clear(mms_stage_path(m->stage), staged, err));
        if (m->r->multi)
            MMS_TRY(mms_output_clear(m->folder, members, err));
    }
    MMS_TRY(make_missing(m->tables, err));
    if (m->r->multi) {
        MMS_TRY(make_missing(m->folder, err));
        MMS_TRY(make_missing(path, err));
    }
done:
    free(tables);
    free(path);
    return st;
}

/** Names of everything, and the folders in the staging directory. */
static mms_status prepare(making *m, mms_error *err)
{
    const char *staged;
    mms_status st;

    m->path = mms_path_absolute(m->r->outputvis);
    MMS_TRY(m->path ? mms_output_open_stage(m->r->host, m->path, m->r->vis, &m->r->how, &m->stage,
                                            &m->journal, err)
                    : out_of_memory(m, err));
    *m->r->host->wrote = true;
    staged = mms_stage_path(m->stage);
    m->base = mms_path_base(m->r->outputvis);
    m->folder = m->base ? mms_format("%s/%s", staged, m->base) : NULL;
    m->tables = m->folder ? mms_format("%s.tables", m->folder) : NULL;
    m->attempts = m->folder ? mms_format("%s.attempts", m->folder) : NULL;
    m->names = mms_alloc(m->nparts, sizeof *m->names);
    m->labels = mms_alloc(m->nparts, sizeof *m->labels);
    m->files = mms_alloc(m->nparts, sizeof *m->files);
    m->units = mms_alloc(m->nparts, sizeof(mms_value *));
    m->rows = mms_alloc(2 * m->nparts, sizeof *m->rows);
    m->bytes = m->rows + m->nparts;
    if (!m->rows || !m->files || !m->folder || !m->tables || !m->attempts || !m->names ||
        !m->labels || !m->units)
        MMS_TRY(out_of_memory(m, err));
    for (int64_t i = 0; i < m->nparts; i++) {
        m->names[i] = m->r->multi ? mms_layout_member(m->r->layout, m->r->outputvis, i, m->nparts)
                                  : strdup(m->base);
        m->labels[i] = m->names[i] ? mms_format("sub-MS %s", m->names[i]) : NULL;
        m->files[i] = m->r->keys ? mms_format("%s/%" PRId64 ".rows", m->r->keys, i)
                                 : mms_format("%s.%" PRId64 ".rows", m->folder, i);
        if (!m->labels[i] || !m->files[i])
            MMS_TRY(out_of_memory(m, err));
    }
    MMS_TRY(make_folders(m, err));
done:
    return st;
}

static void end(making *m, mms_status st)
{
    mms_output_end_stage(m->r->host, st, m->r->how.keepscratch, &m->stage, &m->journal);
    for (int64_t i = 0; i < m->nparts; i++) {
        if (m->names)
            free(m->names[i]);
        if (m->labels)
            free(m->labels[i]);
        if (m->files)
            free(m->files[i]);
    }
    mms_values_free(m->nparts, m->units);
    free(m->names);
    free(m->rows);
    free(m->labels);
    free(m->files);
    free(m->path);
    free(m->base);
    free(m->folder);
    free(m->tables);
    free(m->attempts);
    mms_value_free(&m->subtables);
    mms_value_free(&m->goodness);
    mms_value_free(&m->orders);
}

/** What the parts' units have in common. */
typedef struct common {
    mms_value *shared;
    const char *pipeline; /**< file of it, or "" */
    const char **links;   /**< of all parts but the first */
    int threads;
} common;

/** What every unit has beside that. */
static mms_status make_unit(making *m, const common *c, int64_t i, mms_error *err)
{
    const mms_part *part = mms_plan_part(m->r->plan, i);
    char *out =
        m->r->multi ? mms_format("%s/SUBMSS/%s", m->folder, m->names[i]) : strdup(m->folder);
    const mms_part_order own = {.out = out,
                                .rows_file = m->files[i],
                                .nrow = part->rows,
                                .bytes = part->bytes,
                                .tables = m->tables,
                                .subtables = m->subtables,
                                .renew = mms_journal_resumes(m->journal),
                                .pipeline = c->pipeline,
                                .threads = c->threads,
                                .links = i > 0 ? c->links : NULL};

    m->units[i] = out ? mms_part_order_encode(c->shared, &own) : NULL;
    free(out);
    return m->units[i] ? MMS_OK : out_of_memory(m, err);
}

/** Write the pipeline beside the output, for all units. */
static mms_status write_pipeline(const making *m, const char *path, mms_error *err)
{
    mms_value *value;
    mms_status st = mms_pipeline_encode(m->r->pipeline, &value, err);

    if (st != MMS_OK)
        return st;
    st = mms_value_write(value, path, err);
    mms_value_free(&value);
    return st;
}

/** The sub-tables that members get as links. */
static const char **list_links(const making *m)
{
    const char **links = mms_alloc((int64_t)json_array_size(m->subtables) + 1, sizeof *links);
    int64_t n = 0;

    for (size_t i = 0; links && i < json_array_size(m->subtables); i++) {
        const char *const name = json_string_value(json_array_get(m->subtables, i));
        if (mms_layout_is_link(m->r->layout, name))
            links[n++] = name;
    }
    return links;
}

/** What a part's rows are made by when keys alone have been written. */
static mms_status note_order(making *m, const common *c, int64_t i, mms_error *err)
{
    const mms_part *const part = mms_plan_part(m->r->plan, i);
    mms_value *none = json_array();
    const mms_part_order own = {.out = "",
                                .rows_file = m->files[i],
                                .nrow = part->rows,
                                .bytes = part->bytes,
                                .tables = m->r->keys,
                                .subtables = none,
                                .pipeline = c->pipeline,
                                .threads = 1};
    mms_value *const order = mms_part_order_encode(c->shared, &own);

    mms_value_free(&none);
    return json_array_append_new(m->orders, order) ? out_of_memory(m, err) : MMS_OK;
}

/** The units write keys; their orders are left for the rows. */
static mms_status turn_to_keys(making *m, common *c, mms_error *err)
{
    mms_status st = MMS_OK;

    m->orders = json_array();
    for (int64_t i = 0; st == MMS_OK && i < m->nparts; i++)
        st = note_order(m, c, i, err);
    mms_value_free(&c->shared);
    return st == MMS_OK ? mms_part_order_make(m->r, true, &c->shared, err) : st;
}

static mms_status make_units(making *m, const mms_engine *engine, mms_error *err)
{
    char *path = mms_format("%s/pipeline.json", m->r->keys ? m->r->keys : mms_stage_path(m->stage));
    common c = {.pipeline = m->r->pipeline ? path : "",
                .links = list_links(m),
                .threads = mms_engine_threads(engine, m->nparts)};
    mms_status st;

    MMS_TRY(path && c.links ? MMS_OK : out_of_memory(m, err));
    MMS_TRY(mms_part_order_make(m->r, false, &c.shared, err));
    if (m->r->pipeline)
        MMS_TRY(write_pipeline(m, path, err));
    if (m->r->keys)
        MMS_TRY(turn_to_keys(m, &c, err));
    for (int64_t i = 0; i < m->nparts; i++)
        MMS_TRY(make_unit(m, &c, i, err));
done:
    mms_value_free(&c.shared);
    free(c.links);
    free(path);
    return st;
}

static mms_status get_engine(const making *m, mms_engine **out, mms_error *err)
{
    return m->r->host->engine(m->r->host->ctx, out, err);
}

/** Another attempt makes what it is for anew.  in_shared: it does so in the finished output. */
static void set_rules(const making *m, mms_engine *engine, bool in_shared)
{
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;

    rules.repeatable = true;
    rules.in_shared = in_shared;
    rules.attempts = m->attempts;
    mms_engine_set_rules(engine, &rules);
}

/** Rules end with what they are for: other units may follow on the same engine. */
static void end_rules(mms_engine *engine)
{
    const mms_engine_rules none = MMS_ENGINE_RULES_INIT;

    mms_engine_set_rules(engine, &none);
    mms_engine_set_journal(engine, NULL);
}

/** Run one unit alone, which is journalled unless it is the last.  *answer is NULL on failure.  The
 * client itself writes no table: casacore ends the process when the disk is full. */
static mms_status run_one(making *m, const char *label, bool last, mms_value *unit,
                          mms_value **answer, mms_error *err)
{
    mms_answer result = {0};
    mms_engine *engine;
    mms_status st;

    *answer = NULL;
    MMS_TRY(unit ? get_engine(m, &engine, err) : out_of_memory(m, err));
    set_rules(m, engine, last);
    mms_engine_set_journal(engine, last ? NULL : m->journal);
    st = mms_engine_run(engine, m->r->host->task, 1, &label, &unit, &result, err);
    if (st == MMS_OK) {
        *answer = result.value;
        result.value = NULL;
    }
    mms_answers_free(1, &result);
    end_rules(engine);
done:
    return st;
}

/** The first unit: the sub-tables of the request, which the parts get. */
static mms_status write_tables(making *m, mms_error *err)
{
    const bool combined = m->r->pipeline && mms_pipeline_out(m->r->pipeline)->combined;
    const int64_t nspw = mms_request_new_windows(m->r);
    const mms_tables_order order = {.vis = mms_ms_path(m->r->ms),
                                    .tables = m->tables,
                                    .renew = mms_journal_resumes(m->journal),
                                    .select = m->r->select,
                                    .keep_ids = !m->r->reindex,
                                    .new_grids = m->r->regrid.on || nspw > 0,
                                    .combined = combined,
                                    .windows = m->r->windows,
                                    .fields = m->r->fields,
                                    .nspw = nspw,
                                    .ddistart = m->r->ddistart > 0 ? (int32_t)m->r->ddistart : 0,
                                    .flag_bins = m->r->bins};
    mms_value *unit = mms_tables_order_encode(&order);
    mms_value *answer;
    const mms_status st = run_one(m, "sub-tables", false, unit, &answer, err);

    if (st == MMS_OK)
        m->subtables = json_incref(json_object_get(answer, "names"));
    mms_value_free(&answer);
    mms_value_free(&unit);
    return st;
}

static void log_advice(const making *m, const mms_engine *engine)
{
    int64_t suitable;
    char *const advice = mms_output_parts_advice(m->r, engine, &suitable);

    if (advice)
        mms_log(MMS_LOG_INFO, m->r->host->task, "%s", advice);
    free(advice);
}

static mms_status run_units(making *m, mms_error *err)
{
    mms_answer *answers = mms_alloc(m->nparts, sizeof *answers);
    mms_engine *engine;
    mms_status st;

    MMS_TRY(answers ? MMS_OK : out_of_memory(m, err));
    MMS_TRY(get_engine(m, &engine, err));
    if (m->nparts > 1 && m->nparts % mms_engine_workers(engine))
        log_advice(m, engine);
    if (!mms_journal_resumes(m->journal))
        mms_journal_add(m->journal, "plan", json_pack("{s:I}", "units", (json_int_t)m->nparts));
    set_rules(m, engine, false);
    mms_engine_set_journal(engine, m->journal);
    st = mms_engine_run(engine, m->r->host->task, m->nparts, (const char *const *)m->labels,
                        m->units, answers, err);
    end_rules(engine);
    for (int64_t i = 0; st == MMS_OK && i < m->nparts; i++) {
        const mms_part_answer said = mms_part_answer_decode(answers[i].value);
        m->rows[i] = said.rows;
        m->bytes[i] = said.bytes;
        m->shared += said.shared;
        m->nrow += said.rows;
        if (!m->goodness && said.goodness)
            m->goodness = json_array();
        json_array_extend(m->goodness, (mms_value *)said.goodness);
    }
    mms_answers_free(m->nparts, answers);
    if (st == MMS_OK && !mms_output_averages_rows(m->r) && m->nrow != m->r->meta.nselected)
        st = mms_fail(err, MMS_ERR_INTERNAL,
                      "%" PRId64 " rows were written, %" PRId64 " are selected", m->nrow,
                      m->r->meta.nselected);
done:
    free(answers);
    return st;
}

/** Leave the orders, with the rows that were made of each. */
static mms_status leave_orders(const making *m, mms_error *err)
{
    char *const path = mms_format("%s/parts.json", m->r->keys);
    mms_status st = path ? MMS_OK : out_of_memory(m, err);

    for (int64_t i = 0; i < m->nparts; i++)
        mms_part_order_set_made(json_array_get(m->orders, (size_t)i), m->rows[i]);
    if (st == MMS_OK)
        st = mms_value_write(m->orders, path, err);
    free(path);
    return st;
}

/** The last unit: what is written with casacore into the assembled output. */
static mms_status finish(making *m, mms_error *err)
{
    char *flags = mms_format("%s.flagversions", m->folder);
    char *first =
        m->r->multi ? mms_format("%s/SUBMSS/%s", m->folder, m->names[0]) : strdup(m->folder);
    mms_value *unit, *answer;
    mms_status st;

    unit = flags && first
               ? mms_finish_order_encode(&(mms_finish_order){.output = m->folder,
                                                             .first = first,
                                                             .tables = m->tables,
                                                             .origin = m->r->host->task,
                                                             .history = m->r->host->history,
                                                             .nrow = m->nrow,
                                                             .flags = m->r->flagbackup ? flags : "",
                                                             .tiles = m->r->how.tiles})
               : NULL;
    st = run_one(m, "the finished output", true, unit, &answer, err);
    mms_value_free(&answer);
    mms_value_free(&unit);
    free(flags);
    free(first);
    return st;
}

/** A run that was broken off here may have added rows to the first part's HISTORY. */
static mms_status undo_finish(const making *m, mms_error *err)
{
    char *const first =
        m->r->multi ? mms_format("%s/SUBMSS/%s", m->folder, m->names[0]) : strdup(m->folder);
    mms_status st = first ? MMS_OK : out_of_memory(m, err);

    if (st == MMS_OK && !access(first, F_OK)) {
        st = mms_output_restore_history(first, m->tables, err);
        mms_journal_renew(m->journal, m->labels[0], first);
    }
    free(first);
    return st;
}

/** From finished parts to a finished output, still staged. */
static mms_status assemble(making *m, mms_error *err)
{
    mms_status st;

    mms_journal_add(m->journal, "finishing", NULL);
    if (m->r->multi) {
        mms_log(MMS_LOG_INFO, m->r->host->task, "Finalizing MMS structure");
        MMS_TRY(mms_layout_assemble(m->folder, m->r->layout, m->nrow, m->nparts,
                                    (const char *const *)m->names, m->r->decision.axis_type,
                                    m->subtables, err));
    }
    MMS_TRY(finish(m, err));
done:
    return st;
}

/** What was written, beside what was planned. */
static void describe(const making *m, mms_value *result)
{
    mms_value *names = json_array(), *parts = json_object_get(result, "parts");
    int64_t bytes = 0;

    for (int64_t i = 0; i < m->nparts; i++) {
        mms_value *part = json_array_get(parts, (size_t)i);
        json_array_append_new(names, mms_text_value(m->names[i]));
        json_object_set_new(part, "rows_out", json_integer(m->rows[i]));
        json_object_set_new(part, "bytes_out", json_integer(m->bytes[i]));
        bytes += m->bytes[i];
    }
    json_object_set_new(result, "rows_out", json_integer(m->nrow));
    json_object_set_new(result, "bytes_out", json_integer(bytes));
    if (m->r->share > 0)
        json_object_set_new(result, "bytes_shared", json_integer(m->shared));
    json_object_set_new(result, "names", names);
    if (m->goodness)
        json_object_set_new(result, "goodness_of_fit", mms_goodness_report(m->goodness));
}

/** The output is renamed first: a kill between the two leaves a complete one. */
static mms_status publish(making *m, const mms_value *result, mms_error *err)
{
    char *flags = mms_format("%s.flagversions", m->base);
    char *flags_path = mms_format("%s.flagversions", m->path);
    mms_status st;

    MMS_TRY(flags && flags_path ? MMS_OK : out_of_memory(m, err));
    if (m->r->how.sync)
        MMS_TRY(mms_stage_sync(m->stage, err));
    MMS_TRY(mms_check_stop(err));
    mms_journal_add(m->journal, "publishing", json_pack("{s:O}", "result", result));
    MMS_TRY(mms_stage_publish(m->stage, m->base, m->path, err));
    if (m->r->flagbackup)
        MMS_TRY(mms_stage_publish(m->stage, flags, flags_path, err));
done:
    free(flags);
    free(flags_path);
    return st;
}

static mms_status write_all(making *m, mms_value *result, mms_error *err)
{
    mms_engine *engine;
    mms_status st;

    MMS_TRY(get_engine(m, &engine, err)); // or a refusal, before anything is written
    MMS_TRY(prepare(m, err));
    MMS_TRY(write_tables(m, err));
    MMS_TRY(mms_check_stop(err));
    MMS_TRY(make_units(m, engine, err));
    if (mms_journal_resumes(m->journal) && mms_journal_last(m->journal, "finishing"))
        MMS_TRY(undo_finish(m, err));
    MMS_TRY(mms_sort_rows(m->r, (const char *const *)m->files, err));
    MMS_TRY(mms_check_stop(err));
    MMS_TRY(run_units(m, err));
    if (m->r->keys)
        MMS_TRY(leave_orders(m, err));
    MMS_TRY(assemble(m, err));
    mms_request_close_input(m->r); // what a damaged one does to us comes before the output
    describe(m, result);
    MMS_TRY(publish(m, result, err));
done:
    return st;
}

mms_status mms_output_write(mms_request *r, mms_value *result, mms_error *err)
{
    making m = {.r = r, .nparts = mms_plan_nparts(r->plan)};
    mms_status st = write_all(&m, result, err);

    if (st != MMS_OK && m.stage)
        st = mms_output_name_full_disk(r->host->task, mms_stage_path(m.stage), st, err);
    end(&m, st);
    return st;
}
