/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file import.c  From a UVH5 file to a published MS or Multi-MS: what is asked, the plan,
 * staging, one unit a part. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files_priv.h"
#include "base/lanes_priv.h"
#include "cubes_priv.h"
#include "ms/ms_meta.h"
#include "orders_priv.h"
#include "output/order_priv.h"

/** An output while it is planned and made. */
typedef struct importing {
    const mms_uvh5_import_request *r;
    const mms_host *host;
    mms_uvh5_in in;
    uint8_t *present;        /**< [nblt][nspw] */
    int64_t ncell, *rows_of; /**< of each window */
    mms_uvh5_cell *cells;
    mms_meta meta;
    mms_plan *plan; /**< NULL: one MS */
    const char *axis_type;
    int64_t nparts;
    bool replaces; /**< there is an output, which is asked to go */
    mms_stage *stage;
    mms_journal *journal; /**< NULL: none is kept */
    bool is_done;         /**< an earlier run had published it */
    char *attempts;       /**< folder of what attempts of parts write */
    char *file, *path, *base, *folder, *like;
    char **names, **files;
    mms_value *subtables;
} importing;

static mms_status no_memory(const importing *m, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", m->r->vis);
}

/** Files of HERA before 2023 have Nbls = Nblts. */
static mms_status tell_counts(const mms_uvh5_in *in, mms_error *err)
{
    mms_uvh5_counts n;
    mms_status st;

    MMS_TRY(mms_uvh5_count(in, &n, err));
    const struct {
        const char *name;
        int64_t found;
        const char *what;
    } counts[] = {{"Nbls", n.baselines, "baselines"},
                  {"Ntimes", n.times, "times"},
                  {"Nants_data", n.antennas, "antennas with data"}};
    for (int64_t i = 0; i < MMS_COUNT_OF(counts); i++) {
        double told = (double)counts[i].found;
        char name[64];
        snprintf(name, sizeof name, "Header/%s", counts[i].name);
        if (in->hdf5->has(in->file, name))
            MMS_TRY(mms_uvh5_in_number(in, name, &told, err));
        if (told != (double)counts[i].found)
            mms_log(MMS_LOG_WARN, "importuvh5", "%s: %s is %g; there are %" PRId64 " %s", in->path,
                    counts[i].name, told, counts[i].found, counts[i].what);
    }
done:
    return st;
}

/** What a later version adds is not known here. */
static mms_status tell_version(const mms_uvh5_in *in, mms_error *err)
{
    mms_value *version = NULL;
    int major = 0, minor = 0;
    const mms_status st = mms_uvh5_in_text(in, "Header/version", &version, err);
    const char *const text = version ? json_string_value(version) : "";

    if (sscanf(text, "%d.%d", &major, &minor) >= 1 && (major > 1 || (major == 1 && minor > 2)))
        mms_log(MMS_LOG_WARN, "importuvh5", "%s is of version %s; 1.2 is the newest that is known",
                in->path, text);
    mms_value_free(&version);
    return st;
}

static void tell_lost(const mms_uvh5_in *in)
{
    mms_text names = {0};
    mms_value *name;
    size_t i;

    json_array_foreach(in->lost, i, name)
        mms_text_add(&names, "%s%s", i ? ", " : "", json_string_value(name));
    if (names.text)
        mms_log(MMS_LOG_WARN, "importuvh5", "%s: a MeasurementSet has no place for %s", in->path,
                names.text);
    free(names.text);
}

/* ---- the plan ---------------------------------------------------------------------------------*/

/** Only a set is replaced, and not the one that the input lies in. */
static mms_status check_old(const importing *m, mms_error *err)
{
    struct stat info;
    char *const table = mms_format("%s/table.dat", m->r->vis);
    mms_status st;

    MMS_TRY(table ? MMS_OK : no_memory(m, err));
    if (stat(m->r->vis, &info) || !S_ISDIR(info.st_mode) || stat(table, &info))
        MMS_TRY(mms_fail(err, MMS_ERR_EXISTS, "%s is no MeasurementSet: it is not overwritten",
                         m->r->vis));
    MMS_TRY(mms_output_check_outside(m->r->vis, "uvh5file", m->r->uvh5file, err));
done:
    free(table);
    return st;
}

static mms_status check_paths(importing *m, mms_error *err)
{
    bool there;
    mms_status st;

    MMS_TRY(mms_path_exists(m->r->uvh5file, &there, err));
    if (!there)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "Visibility data set not found - please verify the name. (%s)",
                         m->r->uvh5file));
    MMS_TRY(mms_path_taken(m->r->vis, &m->replaces, err));
    m->replaces = m->replaces && m->r->overwrite;
    if (m->replaces)
        MMS_TRY(check_old(m, err));
    else
        MMS_TRY(mms_output_check_new(NULL, m->r->vis, false, err));
done:
    return st;
}

/** Ranges of baseline-times by several threads. */
typedef struct looking {
    const importing *m;
    mms_uvh5_cubes *cubes;
    int64_t next; /**< range that no thread has */
} looking;

static mms_status look_lane(void *ctx, mms_lanes *lanes, int number, int64_t *piece, mms_error *err)
{
    enum { RANGE = 4096 };
    looking *const l = ctx;
    const int64_t nblt = l->m->in.nblt, nspw = l->m->in.nspw;
    mms_status st = MMS_OK;

    (void)lanes;
    (void)number;
    while (st == MMS_OK) {
        *piece = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
        const int64_t first = *piece * RANGE;
        if (first >= nblt)
            break;
        st = mms_uvh5_cubes_find_present(l->cubes, first,
                                         nblt - first < RANGE ? nblt - first : RANGE,
                                         l->m->present + first * nspw, err);
        mms_spill_rest(l->m->present);
    }
    return st;
}

static mms_status find_present(importing *m, mms_error *err)
{
    mms_uvh5_in *const in = &m->in;
    looking l = {.m = m};
    mms_engine *engine;
    int threads = 1;
    mms_status st;

    m->present = mms_spill_alloc(in->nblt * in->nspw, 1);
    MMS_TRY(m->present ? MMS_OK : no_memory(m, err));
    memset(m->present, 1, (size_t)(in->nblt * in->nspw));
    if (m->r->keepabsent)
        return MMS_OK;
    MMS_TRY(mms_uvh5_cubes_open(in, &l.cubes, err));
    if (!m->r->how.dryrun && in->nblt * in->nfreq * in->npol > 1000000) {
        MMS_TRY(m->host->engine(m->host->ctx, &engine, err));
        threads = mms_engine_threads(engine, 1);
    }
    MMS_TRY(mms_lanes_run(threads, look_lane, &l, err));
done:
    mms_uvh5_cubes_close(&l.cubes);
    return st;
}

static mms_status cut(importing *m, mms_error *err)
{
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    mms_status st;

    m->nparts = 1;
    m->axis_type = "";
    if (!m->r->createmms)
        return MMS_OK;
    MMS_TRY(mms_plan_parse_axis(m->r->separationaxis, &opts.axis, err));
    opts.numsubms = m->r->numsubms;
    MMS_TRY(mms_uvh5_count_cells(&m->in, m->ncell, m->cells, &m->meta, err));
    MMS_TRY(mms_plan_create(&m->meta, &opts, &m->plan, err));
    m->nparts = mms_plan_nparts(m->plan);
    m->axis_type = mms_plan_axis_type(mms_plan_axis(m->plan));
done:
    return st;
}

static mms_status count_rows(importing *m, mms_error *err)
{
    const int64_t nspw = m->in.nspw;

    m->rows_of = mms_alloc(nspw, sizeof *m->rows_of);
    if (!m->rows_of)
        return no_memory(m, err);
    for (int64_t i = 0; i < m->in.nblt * nspw; i++)
        m->rows_of[i % nspw] += m->present[i];
    mms_spill_rest(m->present);
    return MMS_OK;
}

/** Room by 14 bytes a visibility (data, flag, weight spectrum), scalars, and the tables of parts.
 */
static int64_t estimate(const importing *m)
{
    int64_t bytes = m->nparts * (1 << 20);

    for (int64_t w = 0; w < m->in.nspw; w++)
        bytes += m->rows_of[w] * (m->in.spans[w].count * m->in.npol * 14 + 200);
    return bytes;
}

static void name_parts(const importing *m, const mms_value *parts)
{
    size_t i;
    mms_value *part;

    json_array_foreach(parts, i, part)
    {
        char *const name = mms_layout_member(m->r->layout, m->r->vis, (int64_t)i, m->nparts);
        json_object_set_new(part, "name", mms_text_value(name ? name : ""));
        free(name);
    }
}

static mms_status describe(const importing *m, mms_value *result, mms_error *err)
{
    const mms_uvh5_in *const in = &m->in;
    mms_value *plan = NULL;
    mms_status st = MMS_OK;

    json_object_set_new(result, "outputvis", mms_text_value(m->r->vis));
    json_object_set_new(result, "blts", json_integer(in->nblt));
    json_object_set_new(result, "rows", json_integer(m->ncell));
    json_object_set_new(result, "channels", json_integer(in->nfreq));
    json_object_set_new(result, "polarizations", json_integer(in->npol));
    json_object_set_new(result, "windows", json_integer(in->nspw));
    json_object_set_new(result, "fields", json_integer(in->nfield));
    json_object_set_new(result, "negated", json_boolean(in->conjugates && !in->flipped));
    json_object_set_new(result, "bytes_out", json_integer(estimate(m)));
    json_object_set_new(result, "axis_type", json_string(m->axis_type));
    json_object_set(result, "lost", in->lost);
    if (m->plan) {
        MMS_TRY(mms_plan_describe(m->plan, &plan, err));
        name_parts(m, json_object_get(plan, "parts"));
        json_object_set(result, "parts", json_object_get(plan, "parts"));
    }
done:
    mms_value_free(&plan);
    return st;
}

static mms_status plan(importing *m, mms_value *result, mms_error *err)
{
    int64_t have;
    mms_status st;

    MMS_TRY(check_paths(m, err));
    MMS_TRY(mms_uvh5_in_try(m->r->uvh5file, err));
    MMS_TRY(mms_uvh5_import_open(m->r->uvh5file, m->r->flipconj, m->r->zenith, true, &m->in, err));
    m->in.memory = m->r->how.memory;
    MMS_TRY(tell_counts(&m->in, err));
    MMS_TRY(tell_version(&m->in, err));
    tell_lost(&m->in);
    st = find_present(m, err);
    if (st == MMS_ERR_IO)
        *m->host->wrote = true; // values that can't be read are no wrong request
    MMS_TRY(st);
    MMS_TRY(count_rows(m, err));
    MMS_TRY(mms_uvh5_list_cells(&m->in, m->present, &m->ncell, &m->cells, err));
    MMS_TRY(cut(m, err));
    MMS_TRY(describe(m, result, err));
    MMS_TRY(mms_output_room(m->host, m->r->vis, &m->r->how, &have, err));
    const int64_t need = estimate(m) + m->ncell * (int64_t)sizeof(mms_uvh5_row_in);
    if (need > have)
        MMS_TRY(mms_fail(err, MMS_ERR_SPACE,
                         "%s needs about %" PRId64 " MiB, the disk has %" PRId64 " MiB left",
                         m->r->vis, (need >> 20) + 1, have >> 20));
done:
    return st;
}

/* ---- writing ----------------------------------------------------------------------------------*/

static mms_status make_names(importing *m, mms_error *err)
{
    m->names = mms_alloc(m->nparts, sizeof *m->names);
    m->files = mms_alloc(m->nparts, sizeof *m->files);
    if (!m->names || !m->files)
        return no_memory(m, err);
    for (int64_t i = 0; i < m->nparts; i++) {
        m->names[i] =
            m->plan ? mms_layout_member(m->r->layout, m->r->vis, i, m->nparts) : strdup(m->base);
        m->files[i] = mms_format("%s.%" PRId64 ".cells", m->folder, i);
        if (!m->names[i] || !m->files[i])
            return no_memory(m, err);
    }
    return MMS_OK;
}

/** Of what an earlier run has staged the parts stay. */
static mms_status clear_left(const importing *m, mms_error *err)
{
    const char *const staged[] = {"owner.json", m->base, NULL}, *const members[] = {"SUBMSS", NULL};
    mms_status st = mms_output_clear(mms_stage_path(m->stage), staged, err);

    if (st == MMS_OK && m->plan)
        st = mms_output_clear(m->folder, members, err);
    return st;
}

static mms_status make_missing(const char *path, mms_error *err)
{
    mms_error why;
    const mms_status st = mms_make_folder(path, &why);

    return st == MMS_ERR_EXISTS || st == MMS_OK ? MMS_OK : mms_fail(err, st, "%s", why.msg);
}

static mms_status prepare(importing *m, mms_error *err)
{
    char *members = NULL;
    mms_status st;

    m->file = mms_path_absolute(m->r->uvh5file);
    m->path = mms_path_absolute(m->r->vis);
    m->base = m->path ? mms_path_base(m->path) : NULL;
    MMS_TRY(m->file && m->base ? mms_output_open_stage(m->host, m->path, m->file, &m->r->how,
                                                       &m->stage, &m->journal, err)
                               : no_memory(m, err));
    *m->host->wrote = true;
    m->folder = mms_format("%s/%s", mms_stage_path(m->stage), m->base);
    m->like = m->folder ? mms_format("%s.like", m->folder) : NULL;
    m->attempts = m->folder ? mms_format("%s.attempts", m->folder) : NULL;
    MMS_TRY(m->like && m->attempts ? make_names(m, err) : no_memory(m, err));
    if (mms_journal_resumes(m->journal))
        MMS_TRY(clear_left(m, err));
    if (m->plan) {
        members = mms_format("%s/SUBMSS", m->folder);
        MMS_TRY(make_missing(m->folder, err));
        MMS_TRY(members ? make_missing(members, err) : no_memory(m, err));
    }
    m->subtables = mms_uvh5_table_names(&m->in);
    MMS_TRY(mms_uvh5_write_cells(&m->in, m->ncell, m->cells, m->plan, m->nparts, m->files, err));
done:
    free(members);
    return st;
}

static mms_uvh5_import_order order_of(const importing *m, const char *step)
{
    return (mms_uvh5_import_order){.step = step,
                                   .uvh5file = m->file,
                                   .like = m->like,
                                   .flipconj = m->r->flipconj,
                                   .zenith = m->r->zenith,
                                   .sync = m->r->how.sync,
                                   .subtables = m->subtables};
}

static mms_value *make_unit(const importing *m, const char *step)
{
    const mms_uvh5_import_order order = order_of(m, step);

    return mms_uvh5_import_order_encode(&order);
}

static mms_value *make_part(const importing *m, int64_t i, int threads)
{
    mms_uvh5_import_order order = order_of(m, "part");
    char *const out =
        m->plan ? mms_format("%s/SUBMSS/%s", m->folder, m->names[i]) : strdup(m->folder);
    const char **const links = mms_alloc((int64_t)json_array_size(m->subtables) + 1, sizeof *links);
    mms_value *unit = NULL, *name;
    int64_t n = 0;
    size_t k;

    json_array_foreach(m->subtables, k, name)
    {
        const char *const text = json_string_value(name);
        if (links && i > 0 && mms_layout_is_link(m->r->layout, text))
            links[n++] = text;
    }
    order.links = links;
    order.cells = m->files[i];
    order.out = out;
    order.threads = threads;
    order.memory = m->r->how.memory;
    order.flipped = m->in.flipped;
    order.renew = true;
    if (out && links)
        unit = mms_uvh5_import_order_encode(&order);
    free(links);
    free(out);
    return unit;
}

/** A unit that begins by removing what an attempt has left. */
static mms_status run_one(importing *m, const char *label, mms_value *unit, mms_error *err)
{
    const mms_engine_rules none = MMS_ENGINE_RULES_INIT;
    mms_engine_rules rules = none;
    mms_answer answer = {0};
    mms_engine *engine;
    mms_status st;

    MMS_TRY(unit ? m->host->engine(m->host->ctx, &engine, err) : no_memory(m, err));
    rules.repeatable = rules.in_shared = true;
    mms_engine_set_rules(engine, &rules);
    st = mms_engine_run(engine, m->host->task, 1, &label, &unit, &answer, err);
    mms_engine_set_rules(engine, &none);
    mms_answers_free(1, &answer);
done:
    mms_value_free(&unit);
    return st;
}

static mms_status run_parts(importing *m, mms_value *result, mms_error *err)
{
    mms_value **const units = mms_alloc(m->nparts, sizeof(void *));
    mms_answer *const answers = mms_alloc(m->nparts, sizeof *answers);
    const mms_engine_rules none = MMS_ENGINE_RULES_INIT;
    mms_engine_rules rules = none;
    mms_engine *engine;
    int64_t rows = 0;
    mms_status st;

    MMS_TRY(units && answers ? m->host->engine(m->host->ctx, &engine, err) : no_memory(m, err));
    for (int64_t i = 0; i < m->nparts; i++) {
        units[i] = make_part(m, i, mms_engine_threads(engine, m->nparts));
        MMS_TRY(units[i] ? MMS_OK : no_memory(m, err));
    }
    if (!mms_journal_resumes(m->journal))
        mms_journal_add(m->journal, "plan", json_pack("{s:I}", "units", (json_int_t)m->nparts));
    rules.repeatable = true;
    rules.attempts = m->attempts;
    mms_engine_set_rules(engine, &rules);
    mms_engine_set_journal(engine, m->journal);
    st = mms_engine_run(engine, m->host->task, m->nparts, (const char *const *)m->names, units,
                        answers, err);
    mms_engine_set_journal(engine, NULL);
    mms_engine_set_rules(engine, &none);
    MMS_TRY(st);
    for (int64_t i = 0; i < m->nparts; i++)
        rows += mms_part_answer_decode(answers[i].value).rows;
    mms_answers_free(m->nparts, answers);
    if (rows != m->ncell)
        MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "%" PRId64 " rows were written, not %" PRId64, rows,
                         m->ncell));
    json_object_set_new(result, "rows_out", json_integer(rows));
done:
    mms_values_free(m->nparts, units);
    free(answers);
    return st;
}

static mms_status assemble(importing *m, mms_error *err)
{
    char *flags = mms_format("%s.flagversions", m->folder);
    char *first = m->plan ? mms_format("%s/SUBMSS/%s", m->folder, m->names[0]) : strdup(m->folder);
    mms_status st;

    MMS_TRY(flags && first ? MMS_OK : no_memory(m, err));
    if (m->plan)
        MMS_TRY(mms_layout_assemble(m->folder, m->r->layout, m->ncell, m->nparts,
                                    (const char *const *)m->names, m->axis_type, m->subtables,
                                    err));
    MMS_TRY(run_one(m, "the finished output",
                    mms_finish_order_encode(
                        &(mms_finish_order){.output = m->folder,
                                            .first = first,
                                            .tables = m->like,
                                            .origin = m->host->task,
                                            .history = m->host->history,
                                            .nrow = m->ncell,
                                            .flags = m->plan && m->r->flagbackup ? flags : "",
                                            .tiles = true}),
                    err));
done:
    free(flags);
    free(first);
    return st;
}

/** Flags that were saved of the set that goes are not those of the one that comes. */
static mms_status publish(importing *m, const mms_value *result, mms_error *err)
{
    char *flags = mms_format("%s.flagversions", m->base);
    char *flags_path = mms_format("%s.flagversions", m->path);
    char *old = mms_format("%s.old.flagversions", m->folder);
    mms_status st;

    MMS_TRY(flags && flags_path && old ? MMS_OK : no_memory(m, err));
    if (m->r->how.sync)
        MMS_TRY(mms_stage_sync(m->stage, err));
    MMS_TRY(mms_check_stop(err));
    mms_journal_add(m->journal, "publishing", json_pack("{s:O}", "result", result));
    MMS_TRY(m->replaces ? mms_stage_replace(m->stage, m->base, m->path, err)
                        : mms_stage_publish(m->stage, m->base, m->path, err));
    if (m->replaces)
        (void)rename(flags_path, old);
    if (m->plan && m->r->flagbackup)
        MMS_TRY(mms_stage_publish(m->stage, flags, flags_path, err));
done:
    free(flags);
    free(flags_path);
    free(old);
    return st;
}

static mms_status tell_names(const importing *m, mms_value *result, mms_error *err)
{
    mms_value *const names = json_array();

    for (int64_t i = 0; i < m->nparts; i++)
        json_array_append_new(names, mms_text_value(m->names[i]));
    return json_object_set_new(result, "names", names) ? no_memory(m, err) : MMS_OK;
}

static mms_status write_all(importing *m, mms_value *result, mms_error *err)
{
    mms_engine *engine;
    mms_value *tables;
    mms_status st;

    MMS_TRY(m->host->engine(m->host->ctx, &engine, err)); // or a refusal, before anything is made
    MMS_TRY(prepare(m, err));
    tables = make_unit(m, "tables");
    MMS_TRY(run_one(m, "sub-tables", tables, err));
    MMS_TRY(mms_check_stop(err));
    MMS_TRY(run_parts(m, result, err));
    mms_journal_add(m->journal, "finishing", NULL);
    MMS_TRY(assemble(m, err));
    MMS_TRY(tell_names(m, result, err));
    MMS_TRY(publish(m, result, err));
done:
    return st;
}

static mms_status write_output(importing *m, mms_value *result, mms_error *err)
{
    const mms_status st = write_all(m, result, err);

    if (st == MMS_OK || !m->stage)
        return st;
    return mms_output_name_full_disk(m->host->task, mms_stage_path(m->stage), st, err);
}

static void end(importing *m, mms_status st)
{
    (void)mms_output_end_stage(m->host, st, m->r->how.keepscratch, &m->stage, &m->journal);
    for (int64_t i = 0; i < m->nparts; i++) {
        if (m->names)
            free(m->names[i]);
        if (m->files)
            free(m->files[i]);
    }
    mms_plan_free(&m->plan);
    mms_meta_free(&m->meta);
    mms_value_free(&m->subtables);
    mms_uvh5_in_end(&m->in);
    free(m->names);
    free(m->files);
    mms_spill_free(m->present);
    mms_spill_free(m->cells);
    free(m->rows_of);
    free(m->file);
    free(m->path);
    free(m->base);
    free(m->folder);
    free(m->like);
    free(m->attempts);
}

mms_status mms_uvh5_import(const mms_uvh5_import_request *request, const mms_host *host,
                           mms_value *result, mms_error *err)
{
    importing m = {.r = request, .host = host};
    mms_status st;

    if (request->how.resume && !request->how.dryrun && !request->overwrite)
        MMS_TRY(mms_output_take_published(host, request->uvh5file, request->vis, result, &m.is_done,
                                          err));
    if (m.is_done)
        goto done;
    MMS_TRY(plan(&m, result, err));
    if (!request->how.dryrun)
        MMS_TRY(write_output(&m, result, err));
done:
    end(&m, st);
    return st;
}
