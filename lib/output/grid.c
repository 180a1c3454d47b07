/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file grid.c  The grids of a request that regrids: fixed once, by the client, for every part
 *  (transform-numerics 6; parallel-tasks 4.1, RULE of M12). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ms/columns.h"
#include "ms/rows.h"
#include "pipeline/regrid_priv.h"
#include "request_priv.h"
#include "subtables/subtables.h"

/** What is worked with. */
typedef struct gridding {
    mms_request *r;
    const mms_form *form; /**< before the step */
    mms_grid_opts opts;
    mms_regrid_opts regrid;
    mms_frames *frames; /**< NULL where the frame stays */
    mms_regrid_window *windows;
    int64_t *ratio; /**< by window, of the widths of its grid and its channels */
} gridding;

static mms_status out_of_memory(const gridding *g, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", g->r->vis);
}

/* ---- parameters -------------------------------------------------------------------------------*/

/** Find a word's place in a list ended by NULL. */
static mms_status find_word(const char *parameter, const char *word, const char *const *words,
                            int *at, mms_error *err)
{
    for (*at = 0; words[*at]; ++*at)
        if (!strcasecmp(words[*at], word))
            return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG, "parameter %s: unknown word %s", parameter, word);
}

/** Whether start or width was left to the mode's own choice. */
static bool is_unset(const char *text, const char *untouched)
{
    return !*text || !strcmp(text, untouched);
}

/** start or width of the modes channel and channel_b. */
static mms_status parse_channel(const char *parameter, const char *text, const char *untouched,
                                double *value, mms_error *err)
{
    int64_t number;

    if (!mms_parse_int(*text ? text : untouched, &number))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter %s: %s is not a number of channels (mode channel)", parameter,
                        text);
    *value = (double)number;
    return MMS_OK;
}

/** start or width of the modes frequency and velocity. */
static mms_status parse_quantity(const gridding *g, const char *parameter, const char *text,
                                 const char *untouched, double *value, mms_error *err)
{
    const bool velocity = g->opts.mode == MMS_GRID_VELOCITY;
    mms_error why = {MMS_OK, ""};

    if (is_unset(text, untouched))
        return MMS_OK;
    if (mms_quantity_parse(text, velocity ? "m/s" : "Hz", false, value, &why) == MMS_OK)
        return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG, "Parameter %s does not have valid %s units: %s", parameter,
                    velocity ? "velocity" : "frequency", text);
}

static mms_status parse_restfreq(gridding *g, const char *text, mms_error *err)
{
    const mms_status st = mms_quantity_parse(text, "Hz", false, &g->opts.restfreq_hz, err);

    if (st != MMS_OK)
        return mms_wrap(err, MMS_ERR_ARG, "parameter restfreq: %s", text);
    return g->opts.restfreq_hz > 0
               ? MMS_OK
               : mms_fail(err, MMS_ERR_ARG, "parameter restfreq: %s: a frequency must be positive",
                          text);
}

/** Numbers that are no grid.  CASA takes no channels for all, and no width for one that is not
 *  given. */
static mms_status check_counts(const gridding *g, mms_error *err)
{
    const mms_regrid_asked *asked = &g->r->regrid;

    if (asked->nchan < 1 && asked->nchan != -1)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter nchan: %" PRId64 ": at least 1 channel, or -1 for all that fit",
                        asked->nchan);
    if (asked->nspw < 1)
        return mms_fail(err, MMS_ERR_ARG, "parameter nspw: %" PRId64 ": at least 1 window",
                        asked->nspw);
    if (g->opts.width == 0)
        return mms_fail(err, MMS_ERR_ARG, "parameter width: %s: a channel needs a width%s",
                        asked->width,
                        g->opts.mode == MMS_GRID_FREQUENCY || g->opts.mode == MMS_GRID_VELOCITY
                            ? "; empty: that of the input"
                            : " of 1 channel or more, or of -1 or less");
    return MMS_OK;
}

static mms_status parse_numbers(gridding *g, mms_error *err)
{
    const mms_regrid_asked *asked = &g->r->regrid;
    const bool channels = g->opts.mode == MMS_GRID_CHANNEL || g->opts.mode == MMS_GRID_CHANNEL_B;
    mms_status st;

    if (channels) {
        MMS_TRY(parse_channel("start", asked->start, "0", &g->opts.start, err));
        MMS_TRY(parse_channel("width", asked->width, "1", &g->opts.width, err));
    } else {
        MMS_TRY(parse_quantity(g, "start", asked->start, "0", &g->opts.start, err));
        MMS_TRY(parse_quantity(g, "width", asked->width, "1", &g->opts.width, err));
    }
    MMS_TRY(check_counts(g, err));
    if (*asked->restfreq)
        MMS_TRY(parse_restfreq(g, asked->restfreq, err));
    if (g->opts.mode == MMS_GRID_VELOCITY && !*asked->restfreq)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "Parameter restfreq must be set when mode='velocity'"));
done:
    return st;
}

static mms_status parse(gridding *g, mms_error *err)
{
    static const char *const modes[] = {"channel", "channel_b", "frequency", "velocity", NULL};
    static const char *const methods[] = {"nearest", "linear", "cubic", "spline", "fftshift", NULL};
    static const char *const veltypes[] = {"radio", "optical", NULL};
    const mms_regrid_asked *asked = &g->r->regrid;
    int mode, method, veltype;
    mms_status st;

    g->opts = (mms_grid_opts)MMS_GRID_OPTS_INIT;
    g->regrid.method = MMS_LINEAR;
    g->regrid.numerics = g->r->numerics;
    if (!asked->on) // combined windows get a uniform grid
        return MMS_OK;
    MMS_TRY(find_word("mode", asked->mode, modes, &mode, err));
    MMS_TRY(find_word("interpolation", asked->interpolation, methods, &method, err));
    MMS_TRY(find_word("veltype", asked->veltype, veltypes, &veltype, err));
    g->opts.mode = (mms_grid_mode)mode;
    g->opts.optical = veltype == 1;
    g->opts.nchan = asked->nchan;
    g->opts.nspw = asked->nspw;
    g->opts.start_text = asked->start;
    g->opts.width_text = asked->width;
    g->regrid.method = (mms_interpolation_method)method;
    g->regrid.numerics = g->r->numerics;
    MMS_TRY(parse_numbers(g, err));
done:
    return st;
}

/* ---- frame ------------------------------------------------------------------------------------*/

/** The row whose time is the reference. */
typedef struct first_row {
    int64_t row; /**< -1: none yet */
    int32_t field;
    double time_s;
    bool earliest; /**< all rows are looked at */
    bool found;    /**< nothing more is to be looked at */
} first_row;

static mms_status look_for_first(void *ctx, const mms_row_chunk *c, mms_error *err)
{
    first_row *const f = ctx;
    const double *time_s = c->cells[0];
    const int32_t *field = c->cells[1];

    (void)err;
    for (int64_t i = 0; i < c->rows.count && !f->found; i++)
        if (c->mask[i] && (f->row < 0 || time_s[i] < f->time_s))
            *f = (first_row){c->rows.first + i, field[i], time_s[i], f->earliest, !f->earliest};
    return MMS_OK;
}

/** Find the first row that is selected, as CASA; of a Multi-MS the earliest one, whatever its
 *  parts. */
static mms_status find_first(const mms_request *r, first_row *f, mms_error *err)
{
    static const char *const columns[] = {MMS_COL_TIME, MMS_COL_FIELD_ID, NULL};
    const mms_row_pass_opts opts = {
        .selection = r->selection, .columns = columns, .enough = &f->found};

    *f = (first_row){.row = -1, .earliest = mms_ms_is_multi(r->ms)};
    return mms_rows_each(r->ms, &opts, look_for_first, f, err);
}

/** The phase centre of the frame change: a direction, a field, or that of the first row's field. */
static mms_status find_centre(gridding *g, mms_fields *fields, int32_t first_field, mms_error *err)
{
    const char *text = g->r->regrid.phasecenter;
    int64_t field = first_field;
    mms_status st;

    if (*text && !mms_parse_int(text, &field)) {
        MMS_TRY(mms_direction_parse(text, &g->regrid.frames.centre, err));
        return MMS_OK;
    }
    if (*text && (field < 0 || field >= mms_fields_count(fields)))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "%s: Selected FIELD_ID to determine phase center does not exist; there "
                         "are 0 to %" PRId64,
                         text, mms_fields_count(fields) - 1));
    MMS_TRY(mms_fields_direction(fields, (int32_t)field, g->regrid.frames.reference_s,
                                 &g->regrid.frames.centre, err));
done:
    return st == MMS_OK || !*text ? st : mms_wrap(err, MMS_ERR_ARG, "parameter phasecenter");
}

/** A phase centre without an effect may still be a slip of the pen. */
static mms_status check_centre(gridding *g, mms_error *err)
{
    const char *path = mms_ms_subtable(g->r->ms, "FIELD");
    mms_fields *fields = NULL;
    mms_status st;

    MMS_TRY(path ? MMS_OK : out_of_memory(g, err));
    MMS_TRY(mms_fields_open(path, &fields, err));
    MMS_TRY(find_centre(g, fields, 0, err));
done:
    mms_fields_close(&fields);
    return st;
}

/** The velocity of the first row's source at the reference time: of an ephemeris, or (in CASA there
 *  is no such way) of SOURCE, which leads to REST. */
static mms_status find_velocity(gridding *g, mms_fields *fields, int32_t field, mms_error *err)
{
    mms_frames_opts *f = &g->regrid.frames;
    bool moves = false;
    mms_status st = MMS_OK;

    if (f->outframe == MMS_FRAME_SOURCE) {
        MMS_TRY(mms_fields_moves(fields, field, &moves, err));
        if (moves)
            MMS_TRY(mms_fields_velocity(fields, field, f->reference_s, &f->velocity_m_s, err));
        else
            f->outframe = MMS_FRAME_REST;
    }
    if (f->outframe != MMS_FRAME_REST)
        goto done;
    MMS_TRY(mms_frames_sysvel(g->r->ms, fields, field, f->reference_s, &f->velocity_m_s, err));
    if (f->velocity_m_s == 0) // what writers put there who know none
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "field %" PRId32 " has no ephemeris, and its velocity in SOURCE (SYSVEL) "
                         "is 0 m/s: for a source at rest ask for LSRK",
                         field));
    mms_log(MMS_LOG_WARN, g->r->host->task,
            "outframe %s: the source of field %" PRId32
            " moves with %.9g km/s (LSRK), as SYSVEL of SOURCE has it",
            g->r->regrid.outframe, field, f->velocity_m_s / 1e3);
done:
    return st == MMS_OK
               ? st
               : mms_wrap(err, MMS_ERR_ARG, "parameter outframe: %s", g->r->regrid.outframe);
}

/** From where and when the output frame is seen. */
static mms_status find_viewpoint(gridding *g, mms_error *err)
{
    mms_frames_opts *f = &g->regrid.frames;
    const char *path = mms_ms_subtable(g->r->ms, "FIELD");
    mms_fields *fields = NULL;
    first_row first;
    mms_site site;
    mms_status st;

    MMS_TRY(path ? MMS_OK : out_of_memory(g, err));
    MMS_TRY(find_first(g->r, &first, err));
    MMS_TRY(mms_frames_site(g->r->ms, &site, err));
    memcpy(f->itrf_m, site.itrf_m, sizeof f->itrf_m);
    f->reference_s = first.time_s;
    f->numerics = g->r->numerics;
    MMS_TRY(mms_fields_open(path, &fields, err));
    MMS_TRY(find_centre(g, fields, first.field, err));
    MMS_TRY(find_velocity(g, fields, first.field, err));
    MMS_TRY(mms_frames_create(g->r->ms, f, &g->frames, err));
done:
    mms_fields_close(&fields);
    return st;
}

/** What measures data lack is said once, in words. */
static mms_status say_measures(const gridding *g, mms_error *err)
{
    const double t = g->regrid.frames.reference_s;
    mms_value *words = NULL, *word;
    size_t i;
    mms_status st = mms_measures_words(t, t, (mms_freq_frame)g->form->windows[0].frame,
                                       (mms_freq_frame)g->regrid.frames.outframe, &words, err);

    json_array_foreach(words, i, word)
        mms_log(MMS_LOG_WARN, g->r->host->task, "%s", json_string_value(word));
    mms_value_free(&words);
    return st;
}

static mms_status choose_frame(gridding *g, mms_error *err)
{
    mms_freq_frame frame;
    bool moves = false;
    mms_status st;

    if (!g->r->regrid.on)
        return MMS_OK;
    if (!*g->r->regrid.outframe)
        return *g->r->regrid.phasecenter ? check_centre(g, err) : MMS_OK;
    MMS_TRY(mms_frame_parse(g->r->regrid.outframe, &frame, err));
    g->regrid.frames.outframe = (int32_t)frame;
    for (int64_t i = 0; i < g->form->nwindow; i++) {
        g->windows[i].moves = g->form->windows[i].frame != (int32_t)frame;
        moves = moves || g->windows[i].moves;
    }
    if (moves) {
        MMS_TRY(find_viewpoint(g, err));
        MMS_TRY(say_measures(g, err));
    } else if (*g->r->regrid.phasecenter) {
        MMS_TRY(check_centre(g, err));
    }
done:
    return st;
}

/* ---- grids ------------------------------------------------------------------------------------*/

static mms_status make_axis(const gridding *g, const mms_grid *grid, mms_spectral_axis *out,
                            mms_error *err)
{
    double *values = mms_alloc(4 * grid->nchan, sizeof *values);
    mms_spectral_axis axis = {.nchan = grid->nchan, .freq_hz = values};

    if (!values)
        return out_of_memory(g, err);
    axis.width_hz = values + grid->nchan;
    axis.resolution_hz = values + 2 * grid->nchan;
    axis.effective_bw_hz = values + 3 * grid->nchan;
    mms_grid_axis(grid, 0, false, g->r->numerics, &axis);
    *out = axis;
    return MMS_OK;
}

/** Whether channels were averaged before: then wide output channels are interpolated as others. */
static bool averages_channels(const gridding *g)
{
    return g->r->chanbin.count > 0;
}

/** CASA scales the sums of averaged channels by their number again, but not where windows are to be
 *  put together. */
static double weight_scale(const gridding *g, const mms_grid *grid, int64_t window)
{
    const mms_step *channel = mms_pipeline_find(g->r->pipeline, "channel");
    const bool twice =
        channel && g->r->numerics == MMS_NUMERICS_CASA && !mms_request_asks_one_window(g->r);

    if (!twice)
        return grid->weight_scale;
    const int64_t nchan = mms_pipeline_in(g->r->pipeline)->windows[window].axis.nchan;
    const int64_t bin = mms_channel_step_bin(channel, window);
    return grid->weight_scale * (double)(bin < nchan ? bin : nchan);
}

/** A grid may lie wholly beyond the input; CASA says nothing. */
static void warn_of_outside(const gridding *g, const mms_window *in, const double *freq,
                            const mms_grid *grid)
{
    const int64_t last = in->axis.nchan - 1;
    const double low = fmin(freq[0], freq[last]), top = fmax(freq[0], freq[last]);

    for (int64_t k = 0; k < grid->nchan; k++)
        if (grid->freq_hz[k] >= low && grid->freq_hz[k] <= top)
            return;
    mms_log(MMS_LOG_WARN, g->r->host->task,
            "SPW %d: the output channels, %.12g to %.12g Hz, are all outside %.12g to %.12g Hz: "
            "they will be flagged",
            (int)in->spw, grid->freq_hz[0], grid->freq_hz[grid->nchan - 1], low, top);
}

/** Lay the grid over a window of nchan channels, freq and width of which are scratch of its size.
 */
static mms_status lay_grid(gridding *g, int64_t i, double *freq, double *width, mms_error *err)
{
    const mms_window *in = &g->form->windows[i];
    mms_regrid_window *out = &g->windows[i];
    mms_frame_route route = {0};
    mms_grid *grid = NULL;
    bool wide;
    mms_status st;

    if (out->moves)
        MMS_TRY(mms_regrid_reference(g->frames, in->frame, &route, err) == MMS_OK
                    ? MMS_OK
                    : mms_wrap(err, err->code, "parameter outframe: %s: spw %d",
                               g->r->regrid.outframe, (int)in->spw));
    mms_shift_window(route.n, route.factor, in->axis.nchan, in->axis.freq_hz, in->axis.width_hz,
                     freq, width);
    g->opts.spw = in->spw;
    MMS_TRY(mms_grid_make(in->axis.nchan, freq, width, &g->opts, &grid, err));
    for (int64_t k = 0; k < grid->nwarning; k++)
        mms_log(MMS_LOG_WARN, g->r->host->task, "%s", grid->warnings[k]);
    MMS_TRY(mms_wide_ratio(in->axis.nchan, freq, width, grid, &g->ratio[i], &wide, err));
    warn_of_outside(g, in, freq, grid);
    out->wide = wide && !averages_channels(g);
    out->weight_scale = weight_scale(g, grid, i);
    MMS_TRY(make_axis(g, grid, &out->axis, err));
done:
    mms_grid_free(&grid);
    return st;
}

static mms_status lay_grids(gridding *g, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < g->form->nwindow; i++) {
        const int64_t nchan = g->form->windows[i].axis.nchan;
        double *values = mms_alloc(2 * nchan, sizeof *values);
        st = values ? lay_grid(g, i, values, values + nchan, err) : out_of_memory(g, err);
        free(values);
    }
    return st;
}

/** Channels that are averaged before wide output channels; 1 where they are not wide.  Return
 *  whether any are. */
static bool list_wide(gridding *g, int64_t *bins)
{
    bool any = false;

    for (int64_t i = 0; i < g->form->nwindow; i++) {
        mms_regrid_window *w = &g->windows[i];
        bins[i] = w->wide ? g->ratio[i] : 1;
        any = any || w->wide;
        w->weight_scale /= (double)bins[i];
        w->wide = false;
    }
    return any;
}

/** preaverage: the grid is that of the channels as they are. */
static mms_status average_before(gridding *g, mms_error *err)
{
    int64_t *bins = mms_alloc(g->form->nwindow, sizeof *bins);
    mms_status st;

    MMS_TRY(bins ? MMS_OK : out_of_memory(g, err));
    if (list_wide(g, bins)) {
        mms_log(
            MMS_LOG_WARN, g->r->host->task,
            "%s with regridms does not regrid properly for channel widths > or = 2 x the native "
            "channel width, when using channel pre-averaging. Please use clean or tclean for "
            "larger regridding. ",
            g->r->host->task);
        MMS_TRY(mms_request_add_channels(g->r, (mms_ints){g->form->nwindow, bins}, true, err));
    }
    MMS_TRY(mms_request_add_hanning(g->r, err));
done:
    free(bins);
    return st;
}

static mms_status add_steps(gridding *g, mms_error *err)
{
    const bool before = g->r->regrid.on && g->r->regrid.preaverage && !averages_channels(g);
    mms_step *step;
    mms_status st;

    MMS_TRY(mms_request_add_channels(g->r, g->r->chanbin, true, err));
    if (!before)
        MMS_TRY(mms_request_add_hanning(g->r, err));
    g->form = mms_pipeline_out(g->r->pipeline);
    MMS_TRY(choose_frame(g, err));
    MMS_TRY(lay_grids(g, err));
    if (before)
        MMS_TRY(average_before(g, err));
    MMS_TRY(mms_regrid_step(&g->regrid, g->form->nwindow, g->windows, &step, err));
    MMS_TRY(mms_pipeline_add(g->r->pipeline, step, err));
done:
    return st;
}

mms_status mms_request_add_regrid(mms_request *r, mms_error *err)
{
    gridding g = {.r = r, .form = mms_pipeline_out(r->pipeline)};
    const int64_t n = g.form->nwindow;
    mms_status st;

    g.windows = mms_alloc(n, sizeof *g.windows);
    g.ratio = mms_alloc(n, sizeof *g.ratio);
    MMS_TRY(g.windows && g.ratio ? MMS_OK : out_of_memory(&g, err));
    MMS_TRY(parse(&g, err));
    MMS_TRY(add_steps(&g, err));
done:
    for (int64_t i = 0; g.windows && i < n; i++)
        mms_axis_end(&g.windows[i].axis);
    free(g.windows);
    free(g.ratio);
    mms_frames_free(&g.frames);
    return st;
}
