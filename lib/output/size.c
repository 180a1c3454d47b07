/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file size.c  What an output will hold, before it is written: rows, bytes, and about how
 * long that takes. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "ms/ms_meta.h"
#include "pipeline/combine_plan_priv.h"
#include "pipeline/time_rows_priv.h"
#include "request_priv.h"
#include "subtables/subtables.h"
#include "transform/spectra.h"
#include "transform/transform.h"

/** Rates of one worker.  They are such that split of everything (2.4 s), by width=4 (1.6 s), by
 *  timebin (1.4 s) and hanningsmooth (3.5 s) of a simulated set of 1.3 GB in the page cache, -j 1
 *  --no-sync, come out within 30 %. */
static const double read_bytes_s = 1.5e9;      /**< cells of the input */
static const double write_bytes_s = 0.9e9;     /**< cells of the output */
static const double transform_bytes_s = 3.0e9; /**< cells of the input, in each stage */
static const double start_s = 0.2, part_s = 0.05;

/** Bytes of a row's cells by DDID: what is read, what is written. */
typedef struct row_bytes {
    int64_t in, out, disk; /**< disk: of out, what is certainly taken there */
    int32_t nchan, ncorr;  /**< of the output */
} row_bytes;

/** One part of the output. */
typedef struct part_size {
    int64_t rows, bytes_in, bytes_out;
} part_size;

typedef struct sizes {
    const mms_request *r;
    row_bytes *row; /**< by DDID */
    part_size *parts;
    int64_t nparts, stages, shared;
} sizes;

static mms_status out_of_memory(const mms_request *r, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->outputvis);
}

/* ---- a row ------------------------------------------------------------------------------------*/

/** Channels of a window after all steps. */
static bool find_window(const mms_pipeline *pipeline, int32_t ddid, int32_t *nchan)
{
    const mms_form *form = pipeline ? mms_pipeline_out(pipeline) : NULL;

    if (!form || form->window_of[ddid] < 0)
        return false;
    *nchan = (int32_t)form->windows[form->window_of[ddid]].axis.nchan;
    return true;
}

static mms_status find_shape(const mms_request *r, int32_t ddid, row_bytes *row, mms_error *err)
{
    const mms_dd *dd = &r->meta.dds[ddid];
    const mms_ids corrs = mms_selection_corrs(r->selection, dd->pol);
    int32_t *chans;
    int64_t nchan;
    mms_status st;

    row->ncorr = corrs.given ? (int32_t)corrs.n : dd->ncorr;
    if (find_window(r->pipeline, ddid, &row->nchan))
        return MMS_OK;
    st = mms_channel_list(r->selection, dd->spw, dd->nchan, &chans, &nchan, err);
    if (st != MMS_OK)
        return st;
    free(chans);
    row->nchan = nchan ? (int32_t)nchan : dd->nchan;
    return MMS_OK;
}

/** A cell of the input with the channels and correlations of the output. */
static int64_t cut_bytes(const mms_request *r, const char *column, const mms_dd *dd,
                         const row_bytes *row, int64_t bytes)
{
    const bool follows = mms_output_follows(r, column);

    if (follows || mms_column_has_channels(column))
        bytes = bytes / dd->nchan * row->nchan;
    if (follows || mms_column_has_correlations(column))
        bytes = bytes / dd->ncorr * row->ncorr;
    return bytes;
}

/** What a cell takes on the disk, whatever its neighbours are: flags are bits there, and
 *  IncrementalStMan stores what differs from the row before. */
static int64_t disk_bytes(const mms_column *c, int64_t bytes)
{
    if (!strcmp(c->manager, "IncrementalStMan"))
        return 0;
    return c->dtype == MMS_DT_BOOL ? bytes / 8 : bytes;
}

/** Measure the row that stands for its DDID. */
static mms_status measure_row(const mms_request *r, int32_t ddid, int64_t at, row_bytes *row,
                              mms_error *err)
{
    const mms_dd *dd = &r->meta.dds[ddid];
    const bool spectra = r->pipeline && mms_pipeline_out(r->pipeline)->out_spectra;
    const int64_t window = r->pipeline ? mms_pipeline_base(r->pipeline)->window_of[ddid] : -1;
    mms_status st;

    MMS_TRY(find_shape(r, ddid, row, err));
    for (int64_t i = 0; i < mms_ms_ncolumn(r->ms); i++) {
        const mms_column *c = mms_ms_column(r->ms, i);
        const bool written = mms_output_writes(r, c->name);
        int64_t bytes;
        if (!written && !(r->pipeline && mms_pipeline_reads(r->pipeline, c->name)))
            continue;
        MMS_TRY(mms_ms_cell_bytes(r->ms, c, at, &bytes, err));
        row->in += bytes;
        if (written && (!spectra || !mms_is_spectrum(c->name))) {
            const bool cleared = mms_output_clears(r, c, window);
            const int64_t cut = cleared ? 0 : cut_bytes(r, c->name, dd, row, bytes);
            row->out += cut;
            row->disk += disk_bytes(c, cut);
        }
    }
    if (spectra) {
        row->out += 2 * (int64_t)sizeof(float) * row->nchan * row->ncorr;
        row->disk += 2 * (int64_t)sizeof(float) * row->nchan * row->ncorr;
    }
    if (r->flagbackup)
        row->disk += (int64_t)row->nchan * row->ncorr / 8;
done:
    return st;
}

static mms_status measure_rows(sizes *s, mms_error *err)
{
    const mms_meta *meta = &s->r->meta;
    mms_status st = MMS_OK;

    s->row = mms_alloc(meta->ndd, sizeof *s->row);
    if (!s->row)
        return out_of_memory(s->r, err);
    for (int64_t i = 0; st == MMS_OK && i < meta->ncell; i++) {
        const mms_cell *cell = &meta->cells[i];
        if (s->row[cell->ddid].in == 0)
            st = measure_row(s->r, cell->ddid, cell->first_row, &s->row[cell->ddid], err);
    }
    return st;
}

/* ---- rows that stay rows ----------------------------------------------------------------------*/

/** Bytes of the cells of meta in their parts; on the axis baseline, which cuts cells, those of all
 *  by the rows of a part. */
static void add_cells(sizes *s)
{
    const mms_meta *meta = &s->r->meta;
    const bool cut = mms_plan_axis(s->r->plan) == MMS_AXIS_BASELINE;
    part_size all = {0};

    for (int64_t i = 0; i < meta->ncell; i++) {
        const mms_cell *c = &meta->cells[i];
        const mms_row_key key = {c->scan, c->ddid, 0, 0, c->member};
        const int64_t part = cut ? -1
                             : mms_plan_axis(s->r->plan) == MMS_AXIS_NONE
                                 ? 0
                                 : mms_plan_part_of(s->r->plan, &key);
        part_size *to = part < 0 ? &all : &s->parts[part];
        to->bytes_in += c->rows * s->row[c->ddid].in;
        to->bytes_out += c->rows * s->row[c->ddid].out;
    }
    for (int64_t i = 0; i < s->nparts; i++) {
        s->parts[i].rows = mms_plan_part(s->r->plan, i)->rows;
        const double share = (double)s->parts[i].rows / (double)meta->nselected;
        s->parts[i].bytes_in += (int64_t)(share * (double)all.bytes_in);
        s->parts[i].bytes_out += (int64_t)(share * (double)all.bytes_out);
    }
}

mms_status mms_output_least_bytes(const mms_request *r, int64_t *bytes, mms_error *err)
{
    sizes s = {.r = r};
    const mms_status st = measure_rows(&s, err);

    *bytes = 0;
    for (int64_t i = 0; st == MMS_OK && i < r->meta.ncell; i++)
        *bytes += r->meta.cells[i].rows * s.row[r->meta.cells[i].ddid].disk;
    free(s.row);
    return st;
}

/* ---- rows that are averaged -------------------------------------------------------------------*/

/** Counts the bins of a part. */
typedef struct bin_counter {
    const sizes *sizes;
    mms_time_bins *bins;
    part_size *part;
} bin_counter;

static mms_status count_bin(void *ctx, const mms_time_input *in, mms_error *err)
{
    bin_counter *c = ctx;
    mms_time_place place;
    const mms_status st = mms_time_bins_add(c->bins, &in->key, &place, err);

    if (st == MMS_OK && place.opened) {
        c->part->rows++;
        c->part->bytes_out += c->sizes->row[in->key.ddid].out;
    }
    return st;
}

/** The bins that the worker will make of the same rows. */
static mms_status count_bins(const sizes *s, const char *rows_file, part_size *part, mms_error *err)
{
    mms_time_opts opts = *mms_time_step_opts(mms_pipeline_find(s->r->pipeline, "time"));
    bin_counter c = {.sizes = s, .part = part};
    mms_time_rows rows;
    mms_status st;

    MMS_TRY(
        mms_time_rows_open(s->r->ms, rows_file, opts.timespan, s->r->how.memory / 8, &rows, err));
    opts.order = rows.order;
    MMS_TRY(mms_time_bins_create(&opts, &c.bins, err));
    part->rows = part->bytes_out = 0;
    MMS_TRY(mms_time_rows_each(&rows, count_bin, &c, err));
done:
    mms_time_rows_close(&rows);
    mms_time_bins_free(&c.bins);
    return st;
}

/** The rows that the worker will make of those of several windows.  A combined row's bytes stand
 * for each of them. */
static mms_status count_combined(const sizes *s, const char *rows_file, part_size *part,
                                 mms_error *err)
{
    const mms_combine_plan_opts opts = {s->r->ms, rows_file, s->r->how.memory / 8, INT64_MAX};
    mms_combine_plan plan = {0};
    const mms_status st = mms_combine_plan_make(&opts, &plan, err);

    if (st == MMS_OK && plan.nrow > 0) {
        part->bytes_out =
            (int64_t)((double)part->bytes_out * (double)plan.nout / (double)plan.nrow);
        part->rows = plan.nout;
    }
    mms_combine_plan_end(&plan);
    return st;
}

/** Rows of a part after the steps that make one of several, or several of one. */
static mms_status count_rows(const sizes *s, const char *rows_file, part_size *part, mms_error *err)
{
    const mms_pipeline *const pipeline = s->r->pipeline;
    const int64_t each = mms_pipeline_rows_per_row(pipeline);
    mms_status st = MMS_OK;

    if (mms_pipeline_find(pipeline, "time"))
        st = count_bins(s, rows_file, part, err);
    else if (mms_pipeline_row_steps(pipeline))
        st = count_combined(s, rows_file, part, err);
    if (mms_pipeline_row_steps(pipeline) > 1) { // averaged rows of all windows, as if none lacked
        part->rows /= mms_pipeline_in(pipeline)->nwindow;
        part->bytes_out /= mms_pipeline_in(pipeline)->nwindow;
    }
    part->rows *= each;
    part->bytes_out *= each;
    return st;
}

static mms_status count_part(void *ctx, int64_t part, const char *file, mms_error *err)
{
    const sizes *s = ctx;
    return count_rows(s, file, &s->parts[part], err);
}

/* ---- time, and the answer ---------------------------------------------------------------------*/

/** The share of the bytes that are moved at all. */
static double moved_share(const sizes *s)
{
    int64_t all = 0;

    for (int64_t i = 0; i < s->nparts; i++)
        all += s->parts[i].bytes_out;
    return all > s->shared ? (double)(all - s->shared) / (double)all : 0;
}

static double part_seconds(const sizes *s, const part_size *p)
{
    return part_s +
           moved_share(s) *
               ((double)p->bytes_in / read_bytes_s + (double)p->bytes_out / write_bytes_s) +
           (double)s->stages * (double)p->bytes_in / transform_bytes_s;
}

/** The longest part, which may have several threads, or all of them on the workers, whichever takes
 *  longer. */
static double guess_seconds(const sizes *s, int workers, int threads)
{
    double sum = 0, longest = 0;

    assert(workers > 0 && threads > 0);
    for (int64_t i = 0; i < s->nparts; i++) {
        const double seconds = part_seconds(s, &s->parts[i]);
        sum += seconds;
        longest = seconds > longest ? seconds : longest;
    }
    longest /= threads;
    return start_s + (sum / workers > longest ? sum / workers : longest);
}

static void describe(const sizes *s, const mms_engine *engine, mms_value *result)
{
    const int workers = mms_engine_workers(engine);
    const double seconds = guess_seconds(s, workers, mms_engine_threads(engine, s->nparts));
    part_size all = {0};
    size_t i;
    mms_value *part;

    json_array_foreach(json_object_get(result, "parts"), i, part)
    {
        const part_size *p = &s->parts[i];
        json_object_set_new(part, "rows_out", json_integer(p->rows));
        json_object_set_new(part, "bytes_out", json_integer(p->bytes_out));
        all.rows += p->rows;
        all.bytes_in += p->bytes_in;
        all.bytes_out += p->bytes_out;
    }
    char *text =
        mms_format("about %.*f s with %d worker%s: a guess from %.1f MB to read, %.1f MB to "
                   "write and what a worker did on one machine, files in memory",
                   seconds < 10 ? 1 : 0, seconds, workers, workers > 1 ? "s" : "",
                   (double)all.bytes_in / 1e6, (double)all.bytes_out / 1e6);
    json_object_set_new(result, "rows_out", json_integer(all.rows));
    json_object_set_new(result, "bytes_in", json_integer(all.bytes_in));
    json_object_set_new(result, "bytes_out", json_integer(all.bytes_out));
    if (s->r->share > 0)
        json_object_set_new(result, "bytes_shared", json_integer(s->shared));
    json_object_set_new(result, "workers", json_integer(workers));
    json_object_set_new(result, "seconds", json_real(seconds));
    json_object_set_new(result, "estimate", mms_text_value(text ? text : ""));
    free(text);
}

static void describe_advice(const mms_request *r, const mms_engine *engine, mms_value *result)
{
    int64_t suitable;
    char *const advice = mms_output_parts_advice(r, engine, &suitable);

    json_object_set_new(result, "suitable", suitable ? json_integer(suitable) : json_null());
    json_object_set_new(result, "advice", mms_text_value(advice ? advice : ""));
    free(advice);
}

mms_status mms_output_estimate(const mms_request *r, mms_value *result, mms_error *err)
{
    sizes s = {.r = r,
               .nparts = mms_plan_nparts(r->plan),
               .stages = (int64_t)json_array_size(json_object_get(result, "stages"))};
    mms_engine *engine;
    mms_status st;

    s.parts = mms_alloc(s.nparts, sizeof *s.parts);
    MMS_TRY(s.parts ? MMS_OK : out_of_memory(r, err));
    MMS_TRY(measure_rows(&s, err));
    add_cells(&s);
    if (mms_output_averages_rows(r))
        MMS_TRY(mms_output_visit_lists(r, count_part, &s, err));
    MMS_TRY(mms_output_shared_bytes(r, &s.shared, err));
    MMS_TRY(r->host->engine(r->host->ctx, &engine, err));
    describe(&s, engine, result);
    describe_advice(r, engine, result);
done:
    free(s.parts);
    free(s.row);
    return st;
}
