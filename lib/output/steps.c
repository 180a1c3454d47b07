/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file steps.c  The pipeline of a request: the form of the selected rows, and the steps. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/ids_priv.h"
#include "ms/columns.h"
#include "ms/ms_meta.h"
#include "pipeline/regrid_priv.h"
#include "request_priv.h"
#include "subtables/subtables.h"
#include "transform/regrid_priv.h"
#include "transform/spectral_priv.h"

static mms_status out_of_memory(const mms_request *r, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", r->vis);
}

static bool dd_is_selected(const mms_request *r, int32_t ddid)
{
    const mms_ids ddids = mms_selection_ddids(r->selection);
    bool found = !ddids.given;

    for (int64_t i = 0; !found && i < ddids.n; i++)
        found = ddids.ids[i] == ddid;
    return found;
}

/** Selected spws in the order of the request; ascending when there is none. */
static mms_status list_spws(const mms_request *r, int32_t **spws, int64_t *n, mms_error *err)
{
    const mms_ids given = mms_selection_spws(r->selection);
    mms_id_set all = {0};
    mms_status st = MMS_OK;

    for (int64_t d = 0; st == MMS_OK && !given.given && d < r->meta.ndd; d++)
        if (r->meta.dds[d].spw >= 0)
            st = mms_id_set_add(&all, r->meta.dds[d].spw, err);
    *n = given.given ? given.n : all.n;
    *spws = given.given ? mms_alloc(*n, sizeof **spws) : all.ids;
    if (st == MMS_OK && !*spws && *n > 0)
        st = out_of_memory(r, err);
    if (st == MMS_OK && given.given && given.n > 0)
        memcpy(*spws, given.ids, (size_t)given.n * sizeof **spws);
    return st;
}

static unsigned kinds_of(const mms_request *r)
{
    const char *word = r->datacolumn;
    const bool all = !strcmp(word, "all");
    const struct {
        const char *part;
        mms_data_kind kind;
    } parts[] = {{"corrected", MMS_KIND_CORRECTED},
                 {"model", MMS_KIND_MODEL},
                 {"float_data", MMS_KIND_FLOAT}};
    unsigned kinds = 0;

    for (int i = 0; all && i < MMS_MAX_KINDS; i++)
        if (mms_ms_find_column(r->ms, mms_kind_columns[i].column))
            kinds |= MMS_KIND_BIT(mms_kind_columns[i].kind);
    for (int64_t i = 0; i < MMS_COUNT_OF(parts); i++)
        if (strstr(word, parts[i].part))
            kinds |= MMS_KIND_BIT(parts[i].kind);
    if (!strncmp(word, "data", 4) || strstr(word, ",data"))
        kinds |= MMS_KIND_BIT(MMS_KIND_DATA);
    return kinds;
}

/** Whether WEIGHT_SPECTRUM exists: it has values in the first selected row (numerics 0.4). */
static mms_status has_spectrum(const mms_request *r, bool *there, mms_error *err)
{
    const mms_column *const column = mms_ms_find_column(r->ms, MMS_COL_WEIGHT_SPECTRUM);
    mms_rows row = {INT64_MAX, 1};
    mms_shape_run *runs;
    int64_t nrun;

    *there = false;
    if (!column)
        return MMS_OK;
    for (int64_t i = 0; i < r->meta.ncell; i++)
        if (r->meta.cells[i].first_row < row.first)
            row.first = r->meta.cells[i].first_row;
    const mms_status st = mms_ms_shapes(r->ms, MMS_COL_WEIGHT_SPECTRUM, 1, &row, &runs, &nrun, err);
    if (st != MMS_OK)
        return st;
    *there = nrun > 0 && mms_cell_values(column, runs[0].ndim, runs[0].shape) > 0;
    free(runs);
    return MMS_OK;
}

bool mms_request_transforms(const mms_request *r)
{
    return r->timebin_s > 0 || r->chanbin.count || r->hanning || r->regrid.on || r->combinespws ||
           r->continuum.on || r->phasecenter;
}

/** Refuse transformations that lack their data. */
static mms_status check_data(const mms_request *r, unsigned kinds, mms_error *err)
{
    static const char *const typed[] = {
        MMS_COL_FLAG,           MMS_COL_WEIGHT,    MMS_COL_SIGMA, MMS_COL_WEIGHT_SPECTRUM,
        MMS_COL_SIGMA_SPECTRUM, MMS_COL_UVW,       MMS_COL_DATA,  MMS_COL_CORRECTED_DATA,
        MMS_COL_MODEL_DATA,     MMS_COL_FLOAT_DATA};
    static const char *const averaged[] = {MMS_COL_INTERVAL, MMS_COL_EXPOSURE,
                                           MMS_COL_TIME_CENTROID, MMS_COL_FLAG_ROW};
    const bool makes_rows = r->timebin_s > 0 || mms_request_asks_one_window(r);
    mms_status st;

    if (!kinds && mms_request_transforms(r))
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "LAG_DATA is copied only, never transformed");
    st = mms_output_check_types(r->ms, MMS_COUNT_OF(typed), typed, err);
    return st == MMS_OK && makes_rows
               ? mms_output_check_types(r->ms, MMS_COUNT_OF(averaged), averaged, err)
               : st;
}

/** The row of the output's SPECTRAL_WINDOW: the input's unless a selection renumbers them. */
int64_t mms_request_window_row(const mms_request *r, int64_t i)
{
    const bool renumbered = (r->reindex && mms_selection_spws(r->selection).given) ||
                            mms_pipeline_out(r->pipeline)->new_windows;
    return renumbered ? i : mms_pipeline_in(r->pipeline)->windows[i].spw;
}

/** FLAG_CMD wants a bin for each row of the output's SPECTRAL_WINDOW. */
static mms_status list_flag_bins(mms_request *r, mms_error *err)
{
    const mms_step *step = mms_pipeline_find(r->pipeline, "channel");
    const mms_form *form = mms_pipeline_in(r->pipeline);
    int64_t n = form->nwindow;
    mms_status st = MMS_OK;

    r->bins = json_array();
    if (!step)
        return MMS_OK;
    if (!mms_selection_spws(r->selection).given)
        st = mms_subtable_count(r->ms, "SPECTRAL_WINDOW", &n, err);
    for (int64_t row = 0; st == MMS_OK && row < n; row++)
        json_array_append_new(r->bins, json_integer(1));
    for (int64_t i = 0; st == MMS_OK && i < form->nwindow; i++) {
        const bool given = mms_selection_spws(r->selection).given;
        json_array_set_new(r->bins, (size_t)(given ? i : form->windows[i].spw),
                           json_integer(mms_channel_step_bin(step, i)));
    }
    return st;
}

/** Grids are laid over frequencies that rise or fall. */
static mms_status check_frequencies(const mms_request *r, int32_t spw,
                                    const mms_spectral_axis *axis, mms_error *err)
{
    bool falls;

    if (!r->regrid.on && !r->combinespws)
        return MMS_OK;
    return mms_check_window(spw, axis->nchan, axis->freq_hz, axis->width_hz, &falls, err);
}

/** The selected channels of a window; nothing else happens to them here. */
static mms_status select_channels(const mms_request *r, int32_t spw, mms_window *out,
                                  mms_error *err)
{
    mms_spectral_opts opts = MMS_SPECTRAL_OPTS_INIT;
    mms_spectral_axis axis;
    mms_spectral_plan *plan = NULL;
    int64_t n;
    const mms_channels *named = mms_selection_named_channels(r->selection, &n);
    mms_channels *ranges = mms_alloc(n, sizeof *ranges);
    mms_status st = mms_window_axis_read(r->ms, spw, &axis, err);

    if (st != MMS_OK || !ranges) {
        free(ranges);
        return st == MMS_OK ? out_of_memory(r, err) : st;
    }
    opts.spw = out->spw = spw;
    opts.ranges = ranges;
    for (int64_t i = 0; i < n; i++)
        if (named[i].spw == spw)
            ranges[opts.nrange++] = named[i];
    opts.numerics = r->numerics;
    out->direction = mms_axis_direction(&axis);
    MMS_TRY(mms_spectral_prepare(&axis, &opts, &plan, err));
    MMS_TRY(check_frequencies(r, spw, mms_spectral_axis_out(plan, &out->changed), err));
    MMS_TRY(mms_window_set_axis(out, mms_spectral_axis_out(plan, &out->changed), err));
    MMS_TRY(mms_window_set_pieces(out, opts.nrange, ranges, err));
done:
    mms_spectral_plan_free(&plan);
    mms_window_axis_free(&axis);
    free(ranges);
    return st == MMS_OK ? st : mms_wrap(err, st, "spw %" PRId32, spw);
}

/** What the selected rows look like before any step. */
static mms_status make_form(const mms_request *r, mms_form *form, mms_error *err)
{
    int32_t *spws = NULL;
    int64_t nspw;
    mms_status st;

    MMS_TRY(list_spws(r, &spws, &nspw, err));
    MMS_TRY(mms_form_create(nspw, r->meta.ndd, form, err));
    form->kinds = kinds_of(r);
    form->numerics = r->numerics;
    form->row_means = r->verb == MMS_DECIDE_UVCONTSUB || r->verb == MMS_DECIDE_PHASESHIFT;
    form->renamed = !strcmp(r->datacolumn, "corrected");
    MMS_TRY(check_data(r, form->kinds, err));
    MMS_TRY(has_spectrum(r, &form->weight_spectrum, err));
    MMS_TRY(mms_request_set_followers(r, form, err));
    form->out_spectra = form->weight_spectrum || r->usewtspectrum;
    for (int64_t i = 0; i < nspw; i++) {
        MMS_TRY(select_channels(r, spws[i], &form->windows[i], err));
        MMS_TRY(mms_window_frame_read(r->ms, spws[i], &form->windows[i].frame, err));
        for (int64_t d = 0; d < r->meta.ndd; d++)
            if (r->meta.dds[d].spw == spws[i] && dd_is_selected(r, (int32_t)d))
                form->window_of[d] = (int32_t)i;
    }
done:
    free(spws);
    return st;
}

static bool combines(const mms_request *r)
{
    return mms_request_asks_one_window(r) && mms_pipeline_in(r->pipeline)->nwindow > 1;
}

/** Rows of several polarization set-ups can't become one. */
static mms_status check_polarizations(const mms_request *r, mms_error *err)
{
    const mms_form *in = mms_pipeline_in(r->pipeline);
    int64_t first = -1;

    for (int64_t d = 0; d < in->nddid; d++) {
        if (in->window_of[d] < 0)
            continue;
        first = first < 0 ? d : first;
        if (r->meta.dds[d].pol != r->meta.dds[first].pol)
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "spectral windows can't be combined: DATA_DESC_ID %" PRId64
                            " has POLARIZATION_ID %" PRId32 ", DATA_DESC_ID %" PRId64
                            " has %" PRId32 "; select those of one with spw or correlation",
                            first, r->meta.dds[first].pol, d, r->meta.dds[d].pol);
    }
    return MMS_OK;
}

/** The steps that are asked for (transform-numerics 2). */
static mms_status add_steps(mms_request *r, mms_error *err)
{
    mms_time_opts time = MMS_TIME_OPTS_INIT;
    mms_step *step;
    mms_status st;

    time.timebin_s = r->timebin_s;
    time.timespan = r->spans;
    time.max_uvw_m = r->maxuvwdistance_m;
    MMS_TRY(mms_request_add_cut(r, err));
    if (r->timebin_s > 0) {
        MMS_TRY(mms_time_step(&time, r->adds_state, &step, err));
        MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
    }
    MMS_TRY(mms_request_add_shift(r, err));
    MMS_TRY(mms_request_add_continuum(r, err));
    if (mms_request_asks_one_window(r) && !combines(r))
        mms_log(MMS_LOG_WARN, r->host->task, "There is only one selected SPW, no need to combine ");
    if (combines(r)) {
        MMS_TRY(check_polarizations(r, err));
        MMS_TRY(mms_combine_step(&step, err));
        MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
    }
    if (r->regrid.on || combines(r)) {
        MMS_TRY(mms_request_add_regrid(r, err));
    } else {
        MMS_TRY(mms_request_add_channels(r, r->chanbin, false, err));
        MMS_TRY(mms_request_add_hanning(r, err));
    }
    MMS_TRY(mms_weights_step(&step, err));
    MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
    if (r->regrid.on && r->regrid.nspw > 1) {
        MMS_TRY(mms_separate_step(r->regrid.nspw, &step, err));
        MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
    }
done:
    return st;
}

/** MEAS_FREQ_REF of a window that changes it, else -1.  CASA writes REST for GEO where it regrids.
 */
static int32_t new_frame(const mms_request *r, int64_t window)
{
    const bool combined = mms_pipeline_out(r->pipeline)->combined;
    const bool changed = mms_pipeline_out(r->pipeline)->new_windows;
    const int32_t in = mms_pipeline_in(r->pipeline)->windows[changed ? 0 : window].frame;
    const int32_t out = mms_pipeline_out(r->pipeline)->windows[window].frame;
    const bool casa = r->numerics == MMS_NUMERICS_CASA && r->regrid.on && !combined;
    const bool rest = out == MMS_FRAME_SOURCE || (out == MMS_FRAME_GEO && casa);

    return rest ? MMS_FRAME_REST : in == out ? -1 : out;
}

/** The steps, what they warn of, and what becomes of the windows. */
mms_status mms_request_add_steps(mms_request *r, mms_error *err)
{
    mms_form form = {0};
    mms_status st;

    MMS_TRY(make_form(r, &form, err));
    MMS_TRY(mms_pipeline_create(&form, &r->pipeline, err));
    MMS_TRY(add_steps(r, err));
    const mms_notes *notes = mms_pipeline_notes(r->pipeline);
    for (int64_t i = 0; i < notes->n; i++)
        mms_log(MMS_LOG_WARN, r->host->task, "%s", notes->texts[i]);
    mms_output_tell_cleared(r);
    const mms_form *out = mms_pipeline_out(r->pipeline);
    r->windows = json_array();
    for (int64_t i = 0; i < out->nwindow; i++)
        if (out->windows[i].changed)
            json_array_append_new(r->windows,
                                  mms_window_describe(mms_request_window_row(r, i),
                                                      &out->windows[i].axis, new_frame(r, i)));
    MMS_TRY(list_flag_bins(r, err));
done:
    mms_form_end(&form);
    return st;
}
