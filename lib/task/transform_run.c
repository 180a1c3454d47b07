/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file transform_run.c  The run of mstransform, split and hanningsmooth: decide, prepare the
 *  windows, plan, write. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "member_extents_priv.h"
#include "multims/decide.h"
#include "multims/ms_meta.h"
#include "multims/subtables.h"
#include "pipeline/pipeline_priv.h"
#include "transform/spectral_priv.h"
#include "transform_priv.h"

/** What one run works with. */
typedef struct work {
    const mms_transform *t;
    mms_run *run;
    mms_ms *ms;
    mms_select select; /**< with the condition of keepflags */
    char *taql;
    const char *datacolumn;
    unsigned timespan;
    bool adds_state; /**< to timespan, for ALMA */
    mms_selection *selection;
    mms_meta meta;
    mms_member_extent *extents; /**< of the input's members; NULL when the decision needs none */
    mms_decision decision;
    mms_plan *plan;
    int64_t nspw; /**< selected spws in the order of the request */
    int32_t *spws;
    mms_pipeline *pipeline;
    mms_value *windows, *flag_bins;
} work;

static mms_status out_of_memory(const work *w, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", w->t->vis);
}

static const struct {
    const char *name;
    unsigned bit;
} timespan_words[] = {
    {"scan", MMS_TIMESPAN_SCAN}, {"state", MMS_TIMESPAN_STATE}, {"field", MMS_TIMESPAN_FIELD}};

/** Take a comma list of scan, state, field in any case. */
static mms_status parse_timespan(work *w, mms_error *err)
{
    for (const char *at = w->t->timespan; *at;) {
        at += strspn(at, ", []");
        const size_t n = strcspn(at, ", []");
        unsigned bit = 0;
        for (int64_t i = 0; n && i < MMS_COUNT_OF(timespan_words) - w->t->no_field_span; i++)
            if (strlen(timespan_words[i].name) == n && !strncasecmp(at, timespan_words[i].name, n))
                bit = timespan_words[i].bit;
        if (n && !bit)
            return mms_fail(err, MMS_ERR_ARG, "parameter %s: %.*s is not one of scan, state%s",
                            w->t->timespan_name, (int)n, at, w->t->no_field_span ? "" : ", field");
        w->timespan |= bit;
        at += n;
    }
    return MMS_OK;
}

/** ALMA's states are sub-scans of 30 s: longer bins cross them (numerics 5.1). */
static mms_status add_alma_state(work *w, mms_error *err)
{
    char *telescope;
    mms_status st;

    if (!(w->t->timebin_s > 30) || (w->timespan & MMS_TIMESPAN_STATE))
        return MMS_OK;
    st = mms_ms_telescope(w->ms, &telescope, err);
    if (st == MMS_OK && strstr(telescope, "ALMA")) {
        mms_log(MMS_LOG_WARN, w->run->task->name,
                "Operating with ALMA data, automatically adding state to timespan ");
        mms_log(MMS_LOG_WARN, w->run->task->name,
                "In order to remove sub-scan boundaries which limit time average to 30s ");
        w->timespan |= MMS_TIMESPAN_STATE;
        w->adds_state = true;
    }
    free(telescope);
    return st;
}

static mms_status check_tileshape(const mms_transform *t, mms_error *err)
{
    if (t->tileshape.count == 1 && t->tileshape.values[0] != 0 && t->tileshape.values[0] != 1)
        return mms_fail(err, MMS_ERR_ARG,
                        "When tileshape has one element, it should be either 0 or 1.");
    if (t->tileshape.count != 0 && t->tileshape.count != 1 && t->tileshape.count != 3)
        return mms_fail(err, MMS_ERR_ARG, "Parameter tileshape must have 1 or 3 elements.");
    for (int64_t i = 0; t->tileshape.count == 3 && i < 3; i++)
        if (t->tileshape.values[i] < 1)
            return mms_fail(err, MMS_ERR_ARG, "parameter tileshape: %" PRId64 " is not a length",
                            t->tileshape.values[i]);
    return MMS_OK;
}

/** A real MODEL_DATA is taken as it is; a virtual one would have to be computed.  Where there is
 *  none CASA writes ones if only SOURCE has the column for it; here the parameter has no effect. */
static mms_status check_model(const work *w, mms_error *err)
{
    const bool asked = !strcmp(w->datacolumn, "all") || strstr(w->datacolumn, "model");
    bool is_virtual, has_column;
    mms_status st;

    if (!w->t->realmodelcol || !asked || mms_ms_find_column(w->ms, "MODEL_DATA"))
        return MMS_OK;
    MMS_TRY(mms_ms_has_model(w->ms, &is_virtual, err));
    MMS_TRY(mms_ms_subtable_has(w->ms, "SOURCE", "SOURCE_MODEL", &has_column, err));
    if (is_virtual)
        return mms_fail(err, MMS_ERR_UNSUPPORTED,
                        "parameter realmodelcol: %s has a virtual model (SOURCE_MODEL); this "
                        "version can't compute visibilities from it",
                        w->t->vis);
    mms_log(MMS_LOG_WARN, w->run->task->name, "%s",
            has_column ? "Requested to make virtual MODEL_DATA column real but no model is set"
                       : "Requested to make virtual MODEL_DATA column real but SOURCE_MODEL column "
                         "is not present in SOURCE sub-table");
done:
    return st;
}

static mms_status check(work *w, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_output_check_new(w->t->vis, w->t->outputvis, err));
    MMS_TRY(check_tileshape(w->t, err));
    MMS_TRY(parse_timespan(w, err));
    MMS_TRY(add_alma_state(w, err));
    w->datacolumn = !strcmp(w->t->datacolumn, "corrected_data") ? "corrected" : w->t->datacolumn;
    if (w->t->data_for_corrected && !strcmp(w->datacolumn, "corrected") &&
        !mms_ms_find_column(w->ms, "CORRECTED_DATA")) {
        mms_log(MMS_LOG_WARN, w->run->task->name,
                "Input CORRECTED_DATA does not exist. Will use DATA");
        w->datacolumn = "data";
    }
    MMS_TRY(check_model(w, err));
    MMS_TRY(mms_output_check_columns(w->ms, w->datacolumn, err));
done:
    return st;
}

/** keepflags=False is a condition on rows. */
static mms_status make_select(work *w, mms_error *err)
{
    const char *taql = w->t->select.taql;

    w->select = w->t->select;
    if (w->t->keepflags)
        return MMS_OK;
    w->taql = taql && *taql ? mms_format("(%s) && !(FLAG_ROW || all(FLAG))", taql)
                            : strdup("!(FLAG_ROW || all(FLAG))");
    w->select.taql = w->taql;
    return w->taql ? MMS_OK : out_of_memory(w, err);
}

static mms_status refuse_empty(const work *w, mms_error *err)
{
    mms_status st;

    if (w->t->keepflags)
        return mms_selection_refuse_empty(w->ms, &w->t->select, err);
    st = mms_selection_refuse_empty(w->ms, &w->select, err);
    return err && strstr(err->msg, w->taql) // ours, which the user has not written
               ? mms_fail(
                     err, st,
                     "keepflags=False: all selected rows are flagged (MSSelectionNullSelection "
                     ": The selected table has zero rows.)")
               : st;
}

static mms_status read_meta(work *w, mms_error *err)
{
    mms_status st;

    MMS_TRY(make_select(w, err));
    MMS_TRY(mms_output_select(w->ms, &w->select, &w->selection, err));
    MMS_TRY(mms_meta_read(w->ms, w->selection, &w->meta, err));
    if (w->meta.nselected == 0)
        MMS_TRY(refuse_empty(w, err));
    MMS_TRY(mms_output_scale_bytes(w->selection, &w->meta, err));
done:
    return st;
}

/* ---- windows ----------------------------------------------------------------------------------*/

static bool dd_is_selected(const work *w, int32_t ddid)
{
    const mms_ids ddids = mms_selection_ddids(w->selection);
    bool found = !ddids.given;

    for (int64_t i = 0; !found && i < ddids.n; i++)
        found = ddids.ids[i] == ddid;
    return found;
}

/** Selected spws in the order of the request; ascending when there is none. */
static mms_status list_spws(work *w, mms_error *err)
{
    const mms_ids given = mms_selection_spws(w->selection);
    int32_t most = -1;

    for (int64_t d = 0; d < w->meta.ndd; d++)
        most = w->meta.dds[d].spw > most ? w->meta.dds[d].spw : most;
    w->spws = mms_alloc(given.given ? given.n : (int64_t)most + 1, sizeof *w->spws);
    if (!w->spws)
        return out_of_memory(w, err);
    for (int64_t i = 0; given.given && i < given.n; i++)
        w->spws[w->nspw++] = given.ids[i];
    for (int32_t spw = 0; !given.given && spw <= most; spw++)
        for (int64_t d = 0; d < w->meta.ndd; d++)
            if (w->meta.dds[d].spw == spw) {
                w->spws[w->nspw++] = spw;
                break;
            }
    return MMS_OK;
}

static unsigned kinds_of(const work *w)
{
    const char *word = w->datacolumn;
    const bool all = !strcmp(word, "all");
    const struct {
        const char *part;
        mms_data_kind kind;
    } parts[] = {{"corrected", MMS_KIND_CORRECTED},
                 {"model", MMS_KIND_MODEL},
                 {"float_data", MMS_KIND_FLOAT}};
    unsigned kinds = 0;

    for (int i = 0; all && i < MMS_MAX_KINDS; i++)
        if (mms_ms_find_column(w->ms, mms_kind_columns[i].column))
            kinds |= MMS_KIND_BIT(mms_kind_columns[i].kind);
    for (int64_t i = 0; i < MMS_COUNT_OF(parts); i++)
        if (strstr(word, parts[i].part))
            kinds |= MMS_KIND_BIT(parts[i].kind);
    if (!strncmp(word, "data", 4) || strstr(word, ",data"))
        kinds |= MMS_KIND_BIT(MMS_KIND_DATA);
    return kinds;
}

/** Whether WEIGHT_SPECTRUM exists: it is defined in the first selected row (numerics 0.4). */
static mms_status has_spectrum(const work *w, bool *there, mms_error *err)
{
    mms_rows row = {INT64_MAX, 1};
    mms_shape_run *runs;
    int64_t nrun;

    *there = false;
    if (!mms_ms_find_column(w->ms, "WEIGHT_SPECTRUM"))
        return MMS_OK;
    for (int64_t i = 0; i < w->meta.ncell; i++)
        if (w->meta.cells[i].first_row < row.first)
            row.first = w->meta.cells[i].first_row;
    const mms_status st = mms_ms_shapes(w->ms, "WEIGHT_SPECTRUM", 1, &row, &runs, &nrun, err);
    if (st != MMS_OK)
        return st;
    *there = nrun > 0 && runs[0].ndim > 0;
    free(runs);
    return MMS_OK;
}

/** Refuse transformations that lack their data. */
static mms_status check_data(const work *w, unsigned kinds, mms_error *err)
{
    static const char *const typed[] = {"FLAG",           "WEIGHT",    "SIGMA", "WEIGHT_SPECTRUM",
                                        "SIGMA_SPECTRUM", "UVW",       "DATA",  "CORRECTED_DATA",
                                        "MODEL_DATA",     "FLOAT_DATA"};

    if (!kinds && (w->t->chanbin.count || w->t->hanning || w->t->timebin_s > 0))
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "LAG_DATA is copied only, never transformed");
    return mms_output_check_types(w->ms, MMS_COUNT_OF(typed), typed, err);
}

/** The row of the output's SPECTRAL_WINDOW: the input's unless a selection renumbers them. */
static int64_t window_row(const work *w, int64_t i)
{
    return w->t->reindex && mms_selection_spws(w->selection).given ? i : w->spws[i];
}

/** FLAG_CMD wants a bin for each row of the output's SPECTRAL_WINDOW. */
static mms_status list_flag_bins(work *w, mms_error *err)
{
    const mms_step *step = mms_pipeline_find(w->pipeline, "channel");
    int64_t n = w->nspw;
    mms_status st = MMS_OK;

    w->flag_bins = json_array();
    if (!step)
        return MMS_OK;
    if (!mms_selection_spws(w->selection).given)
        st = mms_window_count(w->ms, &n, err);
    for (int64_t row = 0; st == MMS_OK && row < n; row++)
        json_array_append_new(w->flag_bins, json_integer(1));
    for (int64_t i = 0; st == MMS_OK && i < w->nspw; i++) {
        const bool given = mms_selection_spws(w->selection).given;
        json_array_set_new(w->flag_bins, (size_t)(given ? i : w->spws[i]),
                           json_integer(mms_channel_step_bin(step, i)));
    }
    return st;
}

/** The selected channels of a window; nothing else happens to them here. */
static mms_status select_channels(work *w, int32_t spw, mms_window *out, mms_error *err)
{
    mms_spectral_opts opts = MMS_SPECTRAL_OPTS_INIT;
    mms_spectral_axis axis;
    mms_spectral_plan *plan = NULL;
    int64_t n;
    const mms_channels *named = mms_selection_named_channels(w->selection, &n);
    mms_channels *ranges = mms_alloc(n, sizeof *ranges);
    mms_status st = mms_window_axis_read(w->ms, spw, &axis, err);

    if (st != MMS_OK || !ranges) {
        free(ranges);
        return st == MMS_OK ? out_of_memory(w, err) : st;
    }
    opts.spw = out->spw = spw;
    opts.ranges = ranges;
    for (int64_t i = 0; i < n; i++)
        if (named[i].spw == spw)
            ranges[opts.nrange++] = named[i];
    opts.numerics = w->t->exact ? MMS_NUMERICS_EXACT : MMS_NUMERICS_CASA;
    out->direction = mms_axis_direction(&axis);
    MMS_TRY(mms_spectral_prepare(&axis, &opts, &plan, err));
    MMS_TRY(mms_window_set_axis(out, mms_spectral_axis_out(plan, &out->changed), err));
    MMS_TRY(mms_window_set_pieces(out, opts.nrange, ranges, err));
done:
    mms_spectral_plan_free(&plan);
    mms_window_axis_free(&axis);
    free(ranges);
    return st == MMS_OK ? st : mms_wrap(err, st, "spw %" PRId32, spw);
}

/** What the selected rows look like before any step. */
static mms_status make_form(work *w, mms_form *form, mms_error *err)
{
    mms_status st;

    MMS_TRY(list_spws(w, err));
    MMS_TRY(mms_form_create(w->nspw, w->meta.ndd, form, err));
    form->kinds = kinds_of(w);
    form->numerics = w->t->exact ? MMS_NUMERICS_EXACT : MMS_NUMERICS_CASA;
    form->renamed = !strcmp(w->datacolumn, "corrected");
    MMS_TRY(check_data(w, form->kinds, err));
    MMS_TRY(has_spectrum(w, &form->weight_spectrum, err));
    form->out_spectra = form->weight_spectrum || w->t->usewtspectrum;
    for (int64_t i = 0; i < w->nspw; i++) {
        MMS_TRY(select_channels(w, w->spws[i], &form->windows[i], err));
        for (int64_t d = 0; d < w->meta.ndd; d++)
            if (w->meta.dds[d].spw == w->spws[i] && dd_is_selected(w, (int32_t)d))
                form->window_of[d] = (int32_t)i;
    }
done:
    return st;
}

/** The steps that are asked for (transform-numerics 2). */
static mms_status add_steps(work *w, mms_error *err)
{
    const mms_transform *t = w->t;
    mms_time_opts time = MMS_TIME_OPTS_INIT;
    mms_step *step;
    mms_status st;

    time.timebin_s = t->timebin_s;
    time.timespan = w->timespan;
    time.max_uvw_m = t->maxuvwdistance_m;
    if (t->timebin_s > 0) {
        MMS_TRY(mms_time_step(&time, w->adds_state, &step, err));
        MMS_TRY(mms_pipeline_add(w->pipeline, step, err));
    }
    if (t->chanbin.count) {
        MMS_TRY(mms_channel_step(t->chanbin.count, t->chanbin.values, t->chanbin_name, &step, err));
        MMS_TRY(mms_pipeline_add(w->pipeline, step, err));
    }
    if (t->hanning) {
        MMS_TRY(mms_hanning_step(t->smooth_spw, &step, err));
        MMS_TRY(mms_pipeline_add(w->pipeline, step, err));
    }
    MMS_TRY(mms_weights_step(&step, err));
    MMS_TRY(mms_pipeline_add(w->pipeline, step, err));
done:
    return st;
}

static mms_status make_pipeline(work *w, mms_error *err)
{
    mms_form form = {0};
    mms_status st;

    MMS_TRY(make_form(w, &form, err));
    MMS_TRY(mms_pipeline_create(&form, &w->pipeline, err));
    MMS_TRY(add_steps(w, err));
    const mms_notes *notes = mms_pipeline_notes(w->pipeline);
    for (int64_t i = 0; i < notes->n; i++)
        mms_log(MMS_LOG_WARN, w->run->task->name, "%s", notes->texts[i]);
    const mms_form *out = mms_pipeline_out(w->pipeline);
    w->windows = json_array();
    for (int64_t i = 0; i < w->nspw; i++)
        if (out->windows[i].changed)
            json_array_append_new(w->windows,
                                  mms_window_describe(window_row(w, i), &out->windows[i].axis));
    MMS_TRY(list_flag_bins(w, err));
done:
    mms_form_end(&form);
    return st;
}

/* ---- decision, plan, output -------------------------------------------------------------------*/

static mms_deciding_task deciding_task(const mms_run *run)
{
    if (!strcmp(run->task->name, "mstransform"))
        return MMS_DECIDE_MSTRANSFORM;
    return !strcmp(run->task->name, "split") ? MMS_DECIDE_SPLIT : MMS_DECIDE_HANNINGSMOOTH;
}

static mms_status decide(work *w, mms_plan_opts *opts, mms_error *err)
{
    mms_question q = MMS_QUESTION_INIT;
    const mms_ids spws = mms_selection_spws(w->selection);
    mms_status st;

    MMS_TRY(mms_plan_parse_axis(w->t->separationaxis, &opts->axis, err));
    opts->numsubms = w->t->numsubms;
    opts->nspw = spws.given ? spws.n : 0;
    opts->spws = spws.ids;
    opts->antennas_given = w->select.antenna && *w->select.antenna;
    q.task = deciding_task(w->run);
    q.meta = &w->meta;
    q.multi = mms_ms_is_multi(w->ms);
    q.axis_type = mms_ms_axis(w->ms);
    q.createmms = w->t->createmms;
    q.keepmms = w->t->keepmms;
    q.monolithic = w->t->monolithic;
    q.out = opts;
    q.timeaverage = w->t->timebin_s > 0;
    q.timebin_s = w->t->timebin_s;
    q.across_scans = w->timespan & MMS_TIMESPAN_SCAN;
    q.across_states = w->timespan & MMS_TIMESPAN_STATE;
    q.across_fields = w->timespan & MMS_TIMESPAN_FIELD;
    if (q.multi && q.timeaverage)
        MMS_TRY(mms_member_extents_read(w->ms, w->selection, &w->meta, &w->extents, err));
    q.members = w->extents;
    MMS_TRY(mms_decide(&q, &w->decision, err));
    MMS_TRY(mms_decision_log(&w->decision, w->run->task->name, err));
    mms_log(MMS_LOG_DEBUG, w->run->task->name, "%s", w->decision.reason);
    opts->axis = w->decision.axis;
    MMS_TRY(mms_plan_create(&w->meta, opts, &w->plan, err));
done:
    return st;
}

/** The windows of the output, changed or not: id, input's id, channels. */
static mms_value *list_windows(const work *w)
{
    const mms_form *out = mms_pipeline_out(w->pipeline);
    mms_value *list = json_array();

    for (int64_t i = 0; i < w->nspw; i++) {
        json_int_t nchan = 0;
        for (int64_t d = 0; d < w->meta.ndd; d++)
            if (out->window_of[d] == i)
                nchan = w->meta.dds[d].nchan;
        json_array_append_new(list, json_pack("{sI si sI sI}", "spw", (json_int_t)window_row(w, i),
                                              "from", (int)w->spws[i], "channels_in", nchan,
                                              "channels", (json_int_t)out->windows[i].axis.nchan));
    }
    return list;
}

static mms_status describe(const work *w, const mms_output *out, mms_value *result, mms_error *err)
{
    mms_value *decision = NULL;
    mms_status st;

    MMS_TRY(mms_output_describe(out, result, err));
    MMS_TRY(mms_decision_describe(&w->decision, &decision, err));
    json_object_update(result, decision);
    json_object_set_new(result, "stages", mms_pipeline_describe(w->pipeline));
    json_object_set_new(result, "spws", list_windows(w));
    json_object_set(result, "windows", w->windows);
done:
    mms_value_free(&decision);
    return st;
}

/** CASA's words to the writer's: [1] is the layout for mosaics, three numbers ncorr, nchan, nrow.
 */
static void set_tile(mms_ints shape, int64_t *tile)
{
    if (shape.count == 1 && shape.values[0] == 1)
        tile[0] = -1;
    for (int64_t i = 0; shape.count == 3 && i < 3; i++)
        tile[i] = shape.values[2 - i];
}

static mms_status write_output(work *w, mms_value *result, mms_error *err)
{
    const mms_transform *t = w->t;
    mms_output out = {
        .vis = t->vis,
        .outputvis = t->outputvis,
        .datacolumn = w->datacolumn,
        .multi = w->decision.verdict != MMS_VERDICT_MS,
        .axis = w->decision.axis_type,
        .memory = t->memory,
        .tiles = t->tiles,
        .sync = t->sync,
        .keep_scratch = t->keepscratch,
        .keep_ids = !t->reindex,
        .drops_lags = mms_ms_find_column(w->ms, "LAG_DATA") &&
                      (t->timebin_s > 0 || t->chanbin.count || t->hanning),
        .ddistart = t->ddistart > 0 ? (int32_t)t->ddistart : 0,
        .pipeline = w->pipeline,
        .windows = w->windows,
        .bins = w->flag_bins,
        .ms = w->ms,
        .select = &w->select,
        .selection = w->selection,
        .meta = &w->meta,
        .plan = w->plan,
    };
    mms_status st = describe(w, &out, result, err);

    set_tile(t->tileshape, out.tile);
    if (st == MMS_OK)
        st = mms_output_check_space(&out, err);
    if (st != MMS_OK)
        return st;
    return t->dryrun ? mms_output_estimate(w->run, &out, result, err)
                     : mms_output_write(w->run, &out, result, err);
}

static void end(work *w)
{
    mms_plan_free(&w->plan);
    mms_meta_free(&w->meta);
    mms_selection_free(&w->selection);
    mms_ms_close(&w->ms);
    mms_pipeline_free(&w->pipeline);
    mms_value_free(&w->windows);
    mms_value_free(&w->flag_bins);
    free(w->extents);
    free(w->taql);
    free(w->spws);
}

mms_status mms_transform_run(mms_run *run, const mms_transform *request, mms_value *result,
                             mms_error *err)
{
    work w = {.t = request, .run = run};
    mms_plan_opts opts = MMS_PLAN_OPTS_INIT;
    mms_status st;

    mms_stop_catch();
    MMS_TRY(mms_ms_open(request->vis, &w.ms, err));
    mms_ms_use_tiles(w.ms, request->tiles);
    MMS_TRY(check(&w, err));
    MMS_TRY(read_meta(&w, err));
    MMS_TRY(make_pipeline(&w, err));
    MMS_TRY(decide(&w, &opts, err));
    MMS_TRY(mms_check_stop(err));
    MMS_TRY(write_output(&w, result, err));
done:
    end(&w);
    return st;
}
