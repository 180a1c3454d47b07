/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file export.c  From a request to a published UVH5 file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "averaged_priv.h"
#include "base/files_priv.h"
#include "blts_priv.h"
#include "export_priv.h"
#include "ms/columns.h"
#include "ms/ms_meta.h"
#include "ms/ms_priv.h"
#include "orders_priv.h"
#include "pack_priv.h"

enum {
    VALUE_BYTES = 13,     // a visibility with its flag and its number of samples
    CELL_BYTES = 5,       // the latter two
    HEADER_BYTES = 96,    // of a baseline-time
    MOST_ROWS = 256 << 10 // of a unit
};

struct mms_uvh5_making {
    mms_uvh5 plan, *u;
    const mms_uvh5_request *request;
    mms_uvh5_request averaged_request;
    mms_uvh5_averaged averaged;
    bool averages;
    mms_stage *stage;
    mms_journal *journal;
    mms_value *result;
    bool is_done; /**< nothing is to be written, or it was by an earlier run */
    int64_t nunits;
    char *path, *base, *file, *rows_file, *shared_file;
    char *cells; /**< as in mms_uvh5_export_order */
};
typedef mms_uvh5_making making;

static int64_t file_bytes(const mms_uvh5 *u)
{
    return u->nblt * u->nfreq * u->npol * VALUE_BYTES + u->nblt * HEADER_BYTES;
}

static mms_status check_output(const mms_uvh5_request *r, mms_error *err)
{
    struct stat info;
    bool taken;
    mms_status st;

    MMS_TRY(mms_output_check_outside(r->vis, "uvh5file", r->uvh5file, err));
    MMS_TRY(mms_path_taken(r->uvh5file, &taken, err));
    if (taken && !r->overwrite)
        MMS_TRY(mms_fail(err, MMS_ERR_EXISTS,
                         "Output file %s already exists - will not overwrite it.", r->uvh5file));
    if (taken && !lstat(r->uvh5file, &info) && S_ISDIR(info.st_mode))
        MMS_TRY(
            mms_fail(err, MMS_ERR_EXISTS, "%s is a folder: it is not overwritten", r->uvh5file));
done:
    return st;
}

/** Refuse keys of other types than the definition's: they are read into arrays of these. */
static mms_status check_key_types(const mms_uvh5 *u, mms_error *err)
{
    static const struct {
        const char *name;
        mms_dtype type;
    } keys[] = {{MMS_COL_TIME, MMS_DT_DOUBLE},      {MMS_COL_UVW, MMS_DT_DOUBLE},
                {MMS_COL_EXPOSURE, MMS_DT_DOUBLE},  {MMS_COL_ANTENNA1, MMS_DT_INT},
                {MMS_COL_ANTENNA2, MMS_DT_INT},     {MMS_COL_FIELD_ID, MMS_DT_INT},
                {MMS_COL_DATA_DESC_ID, MMS_DT_INT}, {MMS_COL_SCAN_NUMBER, MMS_DT_INT},
                {MMS_COL_ARRAY_ID, MMS_DT_INT},     {MMS_COL_OBSERVATION_ID, MMS_DT_INT},
                {MMS_COL_FLAG, MMS_DT_BOOL},        {MMS_COL_FLAG_ROW, MMS_DT_BOOL}};

    for (int64_t i = 0; i < MMS_COUNT_OF(keys); i++) {
        const mms_column *const c = mms_ms_find_column(u->ms, keys[i].name);
        if (!c && u->asked->source && keys[i].type == MMS_DT_BOOL)
            continue; // averages have their flags with their cells
        if (!c)
            return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no column %s", u->asked->vis,
                            keys[i].name);
        if (c->dtype != keys[i].type)
            return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: column %s is of type %s, not %s",
                            u->asked->vis, c->name, mms_dtype_name(c->dtype),
                            mms_dtype_name(keys[i].type));
    }
    return MMS_OK;
}

/** The column, and what must be of the standard's type in it. */
static mms_status check_columns(mms_uvh5 *u, mms_error *err)
{
    static const struct {
        const char *word, *column;
    } columns[] = {{"data", MMS_COL_DATA},
                   {"corrected", MMS_COL_CORRECTED_DATA},
                   {"model", MMS_COL_MODEL_DATA},
                   {"float_data", MMS_COL_FLOAT_DATA}};
    mms_status st;

    for (int64_t i = 0; i < MMS_COUNT_OF(columns); i++)
        if (!strcmp(columns[i].word, u->asked->datacolumn))
            u->column = columns[i].column;
    if (u->asked->source)
        return check_key_types(u, err);
    MMS_TRY(mms_output_check_columns(u->ms, u->asked->datacolumn, err));
    if (!mms_ms_find_column(u->ms, u->column))
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no column %s", u->asked->vis, u->column));
    const char *const typed[] = {u->column, MMS_COL_WEIGHT, MMS_COL_WEIGHT_SPECTRUM};
    MMS_TRY(mms_output_check_types(u->ms, MMS_COUNT_OF(typed), typed, err));
    MMS_TRY(check_key_types(u, err));
done:
    return st;
}

/** The unit of the data column, of the set that has it. */
static mms_status read_unit(mms_uvh5 *u, mms_error *err)
{
    mms_value *words = NULL;
    mms_ms *source = NULL;
    mms_status st;

    if (u->asked->source)
        MMS_TRY(mms_ms_open(u->asked->source, &source, err));
    MMS_TRY(
        mms_table_keywords(mms_ms_first_table(source ? source : u->ms), u->column, &words, err));
    const mms_value *unit = json_object_get(words, "QuantumUnits");
    if (json_is_array(unit))
        unit = json_array_get(unit, 0);
    if (json_is_string(unit)) {
        u->unit = strdup(json_string_value(unit));
        MMS_TRY(u->unit ? MMS_OK : mms_uvh5_no_memory(u, err));
    }
done:
    mms_ms_close(&source);
    mms_value_free(&words);
    return st;
}

/** Keywords of the main table and of the data column. */
static mms_status read_keywords(mms_uvh5 *u, mms_error *err)
{
    mms_value *words = NULL;
    mms_status st;

    MMS_TRY(mms_table_keywords(mms_ms_first_table(u->ms), NULL, &words, err));
    const mms_value *const flip = json_object_get(words, "pyuvdata_flip_conj");
    u->from_pyuvdata = u->has_flip = flip != NULL;
    u->flip_word = json_is_true(flip) || json_integer_value(flip) != 0;
    if (json_is_object(json_object_get(words, "pyuvdata_extra")))
        u->extra = json_incref(json_object_get(words, "pyuvdata_extra"));
    if (json_is_string(json_object_get(words, "pyuvdata_polconv")))
        u->convention = json_incref(json_object_get(words, "pyuvdata_polconv"));
    MMS_TRY(read_unit(u, err));
done:
    mms_value_free(&words);
    return st;
}

static mms_status select_rows(mms_uvh5 *u, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_output_select(u->ms, &u->asked->select, &u->selection, err));
    MMS_TRY(mms_meta_read(u->ms, u->selection, &u->meta, err));
    if (u->meta.nselected == 0)
        MMS_TRY(mms_selection_refuse_empty(u->ms, &u->asked->select, err));
done:
    return st;
}

mms_status mms_uvh5_plan(mms_uvh5 *u, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_hdf5_load(&u->hdf5, err));
    MMS_TRY(mms_ms_open(u->asked->vis, &u->ms, err));
    mms_ms_use_tiles(u->ms, u->asked->how.tiles);
    MMS_TRY(check_columns(u, err));
    MMS_TRY(read_keywords(u, err));
    MMS_TRY(select_rows(u, err));
    MMS_TRY(mms_uvh5_find_rows(u, err));
    MMS_TRY(mms_uvh5_find_windows(u, err));
    MMS_TRY(mms_uvh5_find_antennas(u, err));
    MMS_TRY(mms_uvh5_find_feeds(u, err));
    MMS_TRY(mms_uvh5_find_fields(u, err));
    MMS_TRY(mms_uvh5_find_baselines(u, err));
    MMS_TRY(mms_uvh5_find_sky(u, err));
    mms_uvh5_decide_sign(u);
done:
    return st;
}

/** pyuvdata holds uvw of 0 to be autocorrelations', and all others not. */
static void tell_odd_uvw(const mms_uvh5 *u)
{
    int64_t crosses = 0, autos = 0;

    for (int64_t i = 0; i < u->nblt; i++) {
        const double *const p = u->uvw_m + 3 * i;
        const bool zero = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]) <= 1e-3;
        const bool is_auto = u->blts[i].ant1 == u->blts[i].ant2;
        crosses += zero && !is_auto;
        autos += !zero && is_auto;
        mms_uvh5_rest(u, i);
    }
    if (crosses)
        MMS_UVH5_TELL(u, MMS_LOG_WARN,
                      "%" PRId64
                      " cross-correlations have uvw 0: pyuvdata reads the file only with "
                      "run_check_acceptability=False",
                      crosses);
    if (autos)
        MMS_UVH5_TELL(u, MMS_LOG_WARN,
                      "%" PRId64
                      " auto-correlations have uvw other than 0: pyuvdata reads the file "
                      "only with run_check_acceptability=False",
                      autos);
}

static void describe(mms_uvh5 *u, mms_value *result)
{
    mms_value *const lost = json_array();
    const double values = (double)u->nblt * (double)u->nfreq * (double)u->npol;

    json_object_set_new(result, "outputvis", mms_text_value(u->asked->uvh5file));
    if (!u->asked->source)
        json_object_set_new(result, "rows", json_integer(u->nrow));
    json_object_set_new(result, "blts", json_integer(u->nblt));
    json_object_set_new(result, "channels", json_integer(u->nfreq));
    json_object_set_new(result, "polarizations", json_integer(u->npol));
    json_object_set_new(result, "windows", json_integer(u->nwindow));
    json_object_set_new(result, "bytes_out", json_integer(file_bytes(u)));
    json_object_set_new(result, "absent", json_real((double)u->absent / values));
    json_object_set_new(result, "negated", json_boolean(u->negate));
    json_object_set_new(result, "lst", json_boolean(u->has_earth));
    json_object_set_new(result, "site", mms_text_value(u->site_source));
    mms_uvh5_list_lost(u, lost);
    json_object_set_new(result, "lost", lost);
    if (u->absent)
        MMS_UVH5_TELL(u, MMS_LOG_INFO,
                      "%.1f %% of the file stands for cells that the MS doesn't have",
                      100 * (double)u->absent / values);
}

static mms_status check_space(const mms_uvh5 *u, mms_error *err)
{
    int64_t have;
    const int64_t header = u->nblt * HEADER_BYTES + (1 << 20); // is kept while what waits is packed
    const int64_t waits = u->asked->gzip ? u->nblt * u->nfreq * u->npol * CELL_BYTES + header : 0;
    const int64_t need =
        file_bytes(u) + waits + u->nrow * (int64_t)sizeof(mms_uvh5_place) + (1 << 20);
    const mms_status st = mms_output_room(u->host, u->asked->uvh5file, &u->asked->how, &have, err);

    if (st != MMS_OK || need <= have)
        return st;
    return mms_fail(err, MMS_ERR_SPACE,
                    "%s needs about %" PRId64 " MiB, the disk has %" PRId64 " MiB left",
                    u->asked->uvh5file, (need >> 20) + 1, have >> 20);
}

/* ---- writing ----------------------------------------------------------------------------------*/

/** The staging folder, and the names in it. */
static mms_status prepare(making *m, mms_error *err)
{
    const mms_uvh5 *const u = m->u;
    mms_status st;

    if (m->stage)
        return MMS_OK;
    m->path = mms_path_absolute(u->asked->uvh5file);
    MMS_TRY(m->path ? mms_output_open_stage(u->host, m->path, u->asked->vis, &u->asked->how,
                                            &m->stage, &m->journal, err)
                    : mms_uvh5_no_memory(u, err));
    m->base = mms_path_base(m->path);
    m->file = m->base ? mms_format("%s/%s", mms_stage_path(m->stage), m->base) : NULL;
    MMS_TRY(m->file ? MMS_OK : mms_uvh5_no_memory(u, err));
    m->rows_file = mms_format("%s.rows", m->file);
    m->shared_file = mms_format("%s.json", m->file);
    m->cells = u->asked->gzip ? mms_format("%s.cells", m->file) : strdup("");
    if (!m->rows_file || !m->shared_file || !m->cells)
        MMS_TRY(mms_uvh5_no_memory(u, err));
    if (m->averages)
        MMS_TRY(mms_uvh5_averaged_name(m->file, &m->averaged, err));
    MMS_TRY(mms_remove_tree(m->shared_file, err));
    MMS_TRY(mms_remove_tree(m->rows_file, err));
done:
    return st;
}

/** The rows of all units, by blt. */
static mms_status write_rows(const making *m, mms_error *err)
{
    enum { BATCH = 32768 };
    const mms_uvh5 *const u = m->u;
    mms_uvh5_place *const places = mms_alloc(BATCH, sizeof *places);
    int fd = -1;
    mms_status st;

    MMS_TRY(places ? MMS_OK : mms_uvh5_no_memory(u, err));
    MMS_TRY(mms_create_file(m->rows_file, &fd, err));
    for (int64_t done = 0; done < u->nrow; done += BATCH) {
        const int64_t n = u->nrow - done < BATCH ? u->nrow - done : BATCH;
        for (int64_t i = 0; i < n; i++) {
            const mms_uvh5_row *const r = &u->rows[done + i];
            places[i] = (mms_uvh5_place){r->row, r->blt, r->ddid};
        }
        MMS_TRY(mms_write_all(fd, places, n * (int64_t)sizeof *places, m->rows_file, err));
        mms_uvh5_rest(u, 0);
    }
done:
    if (fd >= 0)
        close(fd);
    free(places);
    return st;
}

/** What all units need. */
static mms_status write_shared(const making *m, mms_error *err)
{
    mms_value *shared = mms_uvh5_shared(m->u, m->file, m->cells);
    const mms_status st =
        shared ? mms_value_write(shared, m->shared_file, err) : mms_uvh5_no_memory(m->u, err);

    mms_value_free(&shared);
    return st;
}

/** In memory room is pages, which take their time: workers take them as they write. */
static bool is_in_memory(int fd)
{
    struct statfs info;

    return !fstatfs(fd, &info) && info.f_type == TMPFS_MAGIC;
}

static mms_status take_room(const char *path, int64_t bytes, int how, mms_error *err)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC | how, 0666);
    bool good = fd >= 0;
    mms_status st = MMS_OK;

    if (good && is_in_memory(fd))
        good = !how || !ftruncate(fd, (off_t)bytes);
    else if (good && fallocate(fd, how ? 0 : FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes))
        good = errno != ENOSPC && errno != EDQUOT && (!how || !ftruncate(fd, (off_t)bytes));
    if (!good)
        st = mms_fail_errno(err, errno, "%s", path);
    if (fd >= 0)
        close(fd);
    return st;
}

/** Ask for the room of files that are sparse, so that a full disk is met here. */
static mms_status reserve(const making *m, mms_error *err)
{
    const mms_uvh5 *const u = m->u;
    const int64_t values = u->nblt * u->nfreq * u->npol;
    const bool waits = *m->cells;
    mms_status st;

    MMS_TRY(take_room(m->file, waits ? u->offsets[0] + values * 8 : u->offsets[2] + values * 4, 0,
                      err));
    if (waits)
        MMS_TRY(take_room(m->cells, mms_uvh5_cells_offset(values, 2) + values * 4, O_CREAT, err));
done:
    return st;
}

static int64_t count_units(const mms_uvh5 *u, const mms_engine *engine)
{
    const int64_t wanted = 64 << 20, bytes = file_bytes(u);
    const int64_t by_rows = u->nrow / MOST_ROWS + 1; // their places are in a worker's memory
    int64_t n = bytes / wanted + 1 > by_rows ? bytes / wanted + 1 : by_rows;
    const int64_t beside = u->asked->beside > 1 ? u->asked->beside : 1; // other files at once
    const int64_t least = (mms_engine_workers(engine) + beside - 1) / beside;

    if (n < least && bytes > (1 << 20))
        n = least;
    return n < u->nblt ? n : u->nblt;
}

static mms_value *make_unit(const making *m, int64_t first, int64_t end)
{
    const mms_uvh5 *const u = m->u;
    const int64_t row = mms_uvh5_first_row(u, first), rows = mms_uvh5_first_row(u, end) - row;

    return mms_uvh5_blts_order_encode(
        &(mms_uvh5_blts_order){.shared = m->shared_file,
                               .rows_file = m->rows_file,
                               .first_blt = first,
                               .nblt = end - first,
                               .first_row = row,
                               .nrow = rows,
                               .bytes = (end - first) * u->nfreq * u->npol * VALUE_BYTES});
}

/** The units of averages, which were cut before. */
static mms_status take_units(const making *m, int64_t threads, mms_value **units, char **names,
                             mms_error *err)
{
    mms_value *list = NULL;
    mms_status st = mms_value_read(m->averaged.list, &list, err);

    if (st == MMS_OK && (int64_t)json_array_size(list) != m->nunits)
        st = mms_fail(err, MMS_ERR_INTERNAL, "%s: other units than were planned", m->averaged.list);
    for (int64_t i = 0; st == MMS_OK && i < m->nunits; i++) {
        const char *name;
        units[i] = json_incref(mms_uvh5_listed_unit(list, i, &name));
        mms_uvh5_averaged_order_set_threads(units[i], threads);
        names[i] = strdup(name);
        if (!units[i] || !names[i])
            st = mms_uvh5_no_memory(m->u, err);
    }
    mms_value_free(&list);
    return st;
}

/** The units of a file from its first on. */
static mms_status fill_units(const making *m, int64_t threads, mms_value **units, char **names,
                             mms_error *err)
{
    const mms_uvh5 *const u = m->u;
    const int64_t n = m->nunits;

    if (m->averages)
        return take_units(m, threads, units, names, err);
    for (int64_t i = 0; i < n; i++) {
        const int64_t first = u->nblt * i / n, end = u->nblt * (i + 1) / n;
        units[i] = make_unit(m, first, end);
        names[i] = mms_format("%s: baseline-times %" PRId64 "~%" PRId64, m->base, first, end - 1);
        if (!units[i] || !names[i])
            return mms_uvh5_no_memory(u, err);
    }
    mms_uvh5_rest(u, 0);
    return MMS_OK;
}

int64_t mms_uvh5_making_units(const mms_uvh5_making *m)
{
    return m->is_done ? 0 : m->nunits;
}

static mms_status run_units(int64_t n, making *const *files, const mms_host *host, int64_t nunits,
                            mms_error *err)
{
    mms_value **const units = mms_alloc(nunits, sizeof(void *));
    char **const names = mms_alloc(nunits, sizeof(void *));
    mms_answer *const answers = mms_alloc(nunits, sizeof *answers);
    mms_journal **const journals = mms_alloc(nunits, sizeof(void *));
    const mms_engine_rules none = MMS_ENGINE_RULES_INIT;
    mms_engine_rules rules = none;
    mms_engine *engine;
    int64_t at = 0;
    mms_status st;

    MMS_TRY(units && names && answers && journals ? host->engine(host->ctx, &engine, err)
                                                  : mms_fail(err, MMS_ERR_MEM, "no memory"));
    for (int64_t i = 0; i < n; at += mms_uvh5_making_units(files[i++])) {
        if (mms_uvh5_making_units(files[i]) > 0)
            MMS_TRY(fill_units(files[i], mms_engine_threads(engine, nunits), units + at, names + at,
                               err));
        for (int64_t k = 0; k < mms_uvh5_making_units(files[i]); k++)
            journals[at + k] = files[i]->journal;
    }
    rules.repeatable = rules.in_shared = true;
    mms_engine_set_rules(engine, &rules);
    mms_engine_set_journals(engine, journals);
    st =
        mms_engine_run(engine, host->task, nunits, (const char *const *)names, units, answers, err);
    mms_engine_set_journal(engine, NULL);
    mms_engine_set_rules(engine, &none);
    mms_answers_free(nunits, answers);
done:
    mms_values_free(nunits, units);
    for (int64_t i = 0; names && i < nunits; i++)
        free(names[i]);
    free(names);
    free(answers);
    free(journals);
    return st;
}

/** Bring what waits into compressed files, each by one worker, who begins with the file as it was
 * before (restore() in pack.c). */
static mms_status pack_files(int64_t n, making *const *files, const mms_host *host, mms_error *err)
{
    mms_value **const units = mms_alloc(n, sizeof(void *));
    const char **const names = mms_alloc(n, sizeof *names);
    mms_answer *const answers = mms_alloc(n, sizeof *answers);
    const mms_engine_rules none = MMS_ENGINE_RULES_INIT;
    mms_engine_rules rules = none;
    mms_engine *engine;
    int64_t count = 0;
    mms_status st;

    MMS_TRY(units && names && answers ? host->engine(host->ctx, &engine, err)
                                      : mms_fail(err, MMS_ERR_MEM, "no memory"));
    for (int64_t i = 0; i < n; i++) {
        if (mms_uvh5_making_units(files[i]) == 0 || !*files[i]->cells)
            continue;
        names[count] = files[i]->base;
        units[count] = mms_uvh5_averaged_order_encode(&(mms_uvh5_averaged_order){
            .step = "pack", .shared = files[i]->shared_file, .places = ""});
        MMS_TRY(units[count++] ? MMS_OK : mms_uvh5_no_memory(files[i]->u, err));
    }
    if (count > 0) {
        rules.repeatable = rules.in_shared = true;
        mms_engine_set_rules(engine, &rules);
        st = mms_engine_run(engine, host->task, count, names, units, answers, err);
        mms_engine_set_rules(engine, &none);
        mms_answers_free(count, answers);
    }
done:
    mms_values_free(count, units);
    free(names);
    free(answers);
    return st;
}

mms_status mms_uvh5_write_values(int64_t n, mms_uvh5_making *const *files, const mms_host *host,
                                 mms_error *err)
{
    int64_t nunits = 0;

    for (int64_t i = 0; i < n; i++)
        nunits += mms_uvh5_making_units(files[i]);
    const mms_status st = nunits > 0 ? run_units(n, files, host, nunits, err) : MMS_OK;
    return st == MMS_OK && nunits > 0 ? pack_files(n, files, host, err) : st;
}

/** Rename over what is there, if that is asked for. */
static mms_status publish(making *m, mms_error *err)
{
    const mms_uvh5_request *const r = m->u->asked;
    char *folder = NULL;
    mms_status st;

    if (r->how.sync)
        MMS_TRY(mms_stage_sync(m->stage, err));
    MMS_TRY(mms_check_stop(err));
    mms_journal_add(m->journal, "publishing", json_pack("{s:O}", "result", m->result));
    if (!r->overwrite)
        return mms_stage_publish(m->stage, m->base, m->path, err);
    if (rename(m->file, m->path))
        MMS_TRY(mms_fail_errno(err, errno, "%s: cannot rename %s to it", m->path, m->file));
    folder = mms_path_dir(m->path);
    MMS_TRY(folder ? MMS_OK : mms_uvh5_no_memory(m->u, err));
    if (r->how.sync)
        MMS_TRY(mms_sync_folder(folder, err));
done:
    free(folder);
    return st;
}

/** Whether an earlier run has come as far as to write values. */
static bool is_begun(making *m)
{
    const mms_value *const plan =
        mms_journal_resumes(m->journal) ? mms_journal_last(m->journal, "plan") : NULL;

    return mms_uvh5_file_plan_decode(plan, &m->nunits, m->u->offsets) && !access(m->file, F_OK) &&
           (!*m->cells || !access(m->cells, F_OK)) &&
           (!m->averages || !access(m->averaged.list, F_OK));
}

/** What waits beside a compressed file, and what packing keeps. */
static mms_status remove_cells(const making *m, mms_error *err)
{
    char *const saved = *m->cells ? mms_uvh5_saved_name(m->cells) : NULL;
    mms_status st;

    if (!*m->cells)
        return MMS_OK;
    MMS_TRY(saved ? mms_remove_tree(m->cells, err) : mms_uvh5_no_memory(m->u, err));
    MMS_TRY(mms_remove_tree(saved, err));
done:
    free(saved);
    return st;
}

/** Units for the rows of averages, which are as many as they turn out to be. */
static mms_status cut_averages(making *m, mms_error *err)
{
    mms_value *list = NULL;
    mms_status st;

    MMS_TRY(*m->cells ? mms_uvh5_averaged_fill(m->u, m->cells, 0, err)
                      : mms_uvh5_averaged_fill(m->u, m->file, m->u->offsets[1], err));
    MMS_TRY(mms_uvh5_averaged_cut(&m->averaged, m->u, m->base, m->shared_file, m->nunits, err));
    MMS_TRY(mms_value_read(m->averaged.list, &list, err));
    m->nunits = (int64_t)json_array_size(list);
done:
    mms_value_free(&list);
    return st;
}

/** The file with its header, or that of the run that is gone on with: its units are as many as they
 * were, with whatever workers. */
static mms_status make_file(making *m, const mms_engine *engine, mms_error *err)
{
    mms_uvh5 *const u = m->u;
    mms_status st;

    if (is_begun(m))
        return MMS_OK;
    mms_journal_forget(m->journal);
    MMS_TRY(mms_remove_tree(m->file, err));
    MMS_TRY(remove_cells(m, err));
    MMS_TRY(mms_uvh5_write_header(u, m->file, err));
    MMS_TRY(reserve(m, err));
    m->nunits = count_units(u, engine);
    if (m->averages)
        MMS_TRY(cut_averages(m, err));
    mms_journal_add(m->journal, "plan", mms_uvh5_file_plan_encode(m->nunits, u->offsets));
done:
    return st;
}

static void close_input(mms_uvh5 *u)
{
    mms_selection_free(&u->selection);
    mms_ms_close(&u->ms);
}

/** The file without its values, and what units need. */
static mms_status stage_file(making *m, mms_error *err)
{
    mms_uvh5 *const u = m->u;
    mms_engine *engine;
    mms_status st;

    MMS_TRY(u->host->engine(u->host->ctx, &engine, err));
    MMS_TRY(prepare(m, err));
    *u->host->wrote = true;
    MMS_TRY(make_file(m, engine, err));
    if (!m->averages)
        MMS_TRY(write_rows(m, err));
    MMS_TRY(write_shared(m, err));
    MMS_TRY(mms_check_stop(err));
    close_input(u);
done:
    return st;
}

static void end_making(making *m, mms_status st)
{
    mms_output_end_stage(m->u->host, st, m->u->asked->how.keepscratch, &m->stage, &m->journal);
    free(m->path);
    free(m->base);
    free(m->file);
    free(m->rows_file);
    free(m->shared_file);
    free(m->cells);
    mms_uvh5_averaged_end(&m->averaged);
}

static void end_antennas(mms_uvh5_antennas *a)
{
    free(a->position_m);
    free(a->number);
    free(a->relative_m);
    free(a->dish_m);
    mms_value_free(&a->names);
    mms_value_free(&a->mounts);
}

static void end_field(mms_uvh5_field *f)
{
    free(f->name);
    free(f->times_jd);
    free(f->lons);
    free(f->lats);
}

void mms_uvh5_end(mms_uvh5 *u)
{
    mms_value_free(&u->extra);
    mms_value_free(&u->convention);
    mms_value_free(&u->feeds);
    free(u->feed_angle);
    close_input(u);
    mms_meta_free(&u->meta);
    for (int64_t i = 0; i < u->nwindow; i++)
        free(u->windows[i].chosen);
    for (int64_t i = 0; u->fields && i < u->nfield; i++)
        end_field(&u->fields[i]);
    end_antennas(&u->antennas);
    mms_spill_free(u->rows);
    mms_spill_free(u->blts);
    free(u->windows);
    free(u->dds);
    free(u->freq_hz);
    free(u->width_hz);
    free(u->channel_id);
    free(u->fields);
    free(u->telescope);
    free(u->observer);
    mms_spill_free(u->jd);
    mms_spill_free(u->uvw_m);
    mms_spill_free(u->exposure_s);
    mms_spill_free(u->lst);
    free(u->unit);
}

/** The input first: an output lies inside something that is there. */
static mms_status check_both(const mms_uvh5_request *r, mms_error *err)
{
    bool there;
    mms_status st;

    MMS_TRY(mms_path_exists(r->vis, &there, err));
    if (!there)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "Visibility data set not found - please verify the name. (%s)", r->vis));
    MMS_TRY(check_output(r, err));
done:
    return st;
}

/** What an export of the input itself is refused for is refused before anything is averaged. */
static mms_status try_plan(const mms_uvh5_request *request, const mms_host *host, bool sample,
                           mms_error *err)
{
    mms_uvh5 u = {.asked = request, .host = host, .silent = true, .sample = sample};
    const mms_status st = mms_uvh5_plan(&u, err);

    mms_uvh5_end(&u);
    return st;
}

/** Find the keys of averages; what is exported is these from here on. */
static mms_status average(making *m, mms_error *err)
{
    mms_uvh5 *const u = m->u;
    mms_engine *engine;
    mms_status st;

    MMS_TRY(u->host->engine(u->host->ctx, &engine, err));
    MMS_TRY(prepare(m, err));
    if (!is_begun(m))
        MMS_TRY(mms_uvh5_averaged_make(&m->averaged, u->asked, u->host, err));
    MMS_TRY(mms_uvh5_averaged_describe(&m->averaged, m->result, err));
    m->averaged_request = mms_uvh5_of_averages(u->asked, m->averaged.set);
    u->asked = &m->averaged_request;
done:
    return st;
}

/** The plan; what is wrong with averages is wrong with the input, whose rows the user knows. */
static mms_status plan(const making *m, mms_error *err)
{
    mms_error why;
    mms_status st = mms_uvh5_plan(m->u, err);

    if (st == MMS_OK || !m->averages)
        return st;
    const mms_status of_input = try_plan(m->request, m->u->host, false, &why);
    if (of_input != MMS_OK) {
        st = of_input;
        *err = why;
    }
    return st;
}

static mms_status plan_and_stage(making *m, mms_error *err)
{
    mms_uvh5 *const u = m->u;
    mms_status st;

    MMS_TRY(plan(m, err));
    describe(u, m->result);
    tell_odd_uvw(u);
    MMS_TRY(check_space(u, err));
    m->is_done = u->asked->how.dryrun;
    if (!m->is_done)
        MMS_TRY(stage_file(m, err));
done:
    return st;
}

mms_status mms_uvh5_begin(const mms_uvh5_request *request, const mms_host *host, mms_value *result,
                          mms_uvh5_making **out, mms_error *err)
{
    making *const m = *out = mms_alloc(1, sizeof *m);
    mms_status st;

    MMS_TRY(m ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", request->uvh5file));
    *m = (making){.plan = {.asked = request, .host = host},
                  .request = request,
                  .result = json_incref(result)};
    m->u = &m->plan;
    if (request->how.resume && !request->how.dryrun && !request->overwrite)
        MMS_TRY(mms_output_take_published(host, request->vis, request->uvh5file, result,
                                          &m->is_done, err));
    if (m->is_done)
        return MMS_OK;
    MMS_TRY(check_both(request, err));
    m->averages = mms_uvh5_averages(request);
    if (m->averages)
        MMS_TRY(try_plan(request, host, true, err));
    if (m->averages && request->how.dryrun) {
        m->is_done = true;
        return mms_uvh5_estimate_average(request, host, result, err);
    }
    if (m->averages)
        MMS_TRY(average(m, err));
    MMS_TRY(plan_and_stage(m, err));
done:
    return st;
}

mms_status mms_uvh5_finish(mms_uvh5_making *m, mms_error *err)
{
    mms_status st;

    if (m->is_done)
        return MMS_OK;
    MMS_TRY(mms_uvh5_tell_autos(m->u, m->file, err));
    MMS_TRY(remove_cells(m, err));
    if (m->averages)
        MMS_TRY(mms_uvh5_averaged_remove(&m->averaged, err));
    MMS_TRY(publish(m, err));
    json_object_set_new(m->result, "names", json_pack("[o]", mms_text_value(m->base)));
    json_object_set_new(m->result, "rows_out", json_integer(m->u->nblt));
done:
    return st;
}

mms_status mms_uvh5_end_making(mms_uvh5_making **out, mms_status st, mms_error *err)
{
    mms_uvh5_making *const m = *out;

    *out = NULL;
    if (!m)
        return st;
    if (st != MMS_OK && m->stage)
        st = mms_output_name_full_disk(m->u->host->task, mms_stage_path(m->stage), st, err);
    end_making(m, st);
    mms_uvh5_end(m->u);
    mms_value_free(&m->result);
    free(m);
    return st;
}

mms_status mms_uvh5_export(const mms_uvh5_request *request, const mms_host *host, mms_value *result,
                           mms_error *err)
{
    mms_uvh5_making *m;
    mms_status st = mms_uvh5_begin(request, host, result, &m, err);

    if (st == MMS_OK)
        st = mms_uvh5_write_values(1, &m, host, err);
    if (st == MMS_OK)
        st = mms_uvh5_finish(m, err);
    return mms_uvh5_end_making(&m, st, err);
}
