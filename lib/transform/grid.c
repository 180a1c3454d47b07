/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file grid.c  Output channels of a regridded window (transform-numerics 6.3, 6.4, 6.8).
 *
 * Edges decide flags, so the arithmetic has the types of CASA's: what is made of frequencies,
 * widths and parameters alone is double; bandwidths, velocities and growing edges are long double.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "regrid_priv.h"

#define C0 MMS_LIGHT_SPEED_M_S

static const double not_given = -9e99;

/* ---- frequencies ------------------------------------------------------------------------------*/

void mms_shift_frequencies(int64_t nfactor, const double *factor, int64_t n, const double *in,
                           double *out)
{
    if (out != in)
        memmove(out, in, (size_t)n * sizeof *out);
    for (int64_t s = 0; s < nfactor; s++)
        for (int64_t i = 0; i < n; i++)
            out[i] *= factor[s];
}

void mms_shift_window(int64_t nfactor, const double *factor, int64_t nchan, const double *freq_hz,
                      const double *width_hz, double *freq_out_hz, double *width_out_hz)
{
    mms_shift_frequencies(nfactor, factor, nchan, freq_hz, freq_out_hz);
    for (int64_t k = 0; k < nchan; k++) {
        const double half = fabs(width_hz[k]) / 2;
        double edge[2] = {freq_hz[k] - half, freq_hz[k] + half};
        mms_shift_frequencies(nfactor, factor, nfactor ? 2 : 0, edge, edge);
        width_out_hz[k] = nfactor ? edge[1] - edge[0] : fabs(width_hz[k]);
    }
}

double mms_doppler_factor(double velocity_m_s)
{
    const double b = velocity_m_s / C0;

    return sqrt((1 - b) / (1 + b));
}

double mms_source_factor(double now_m_s, double reference_m_s, mms_numerics numerics)
{
    return mms_doppler_factor(numerics == MMS_NUMERICS_EXACT ? -now_m_s
                                                             : now_m_s - 2 * reference_m_s);
}

mms_status mms_check_window(int32_t spw, int64_t nchan, const double *freq_hz,
                            const double *width_hz, bool *falls, mms_error *err)
{
    if (nchan < 1)
        return mms_fail(err, MMS_ERR_RANGE, "SPECTRAL_WINDOW, SPW %d: no channels", (int)spw);
    *falls = freq_hz[nchan - 1] < freq_hz[0];
    for (int64_t k = 0; k < nchan; k++) {
        const double width = width_hz ? fabs(width_hz[k]) : 1;
        if (!isfinite(freq_hz[k]) || (width_hz && !(freq_hz[k] > 0)) || !isfinite(width) ||
            !(width > 0))
            return mms_fail(err, MMS_ERR_RANGE,
                            "SPECTRAL_WINDOW, SPW %d: channel %" PRId64
                            " has CHAN_FREQ %g Hz and CHAN_WIDTH %g Hz; both must be positive "
                            "numbers",
                            (int)spw, k, freq_hz[k], width);
        if (k && !(*falls ? freq_hz[k] < freq_hz[k - 1] : freq_hz[k] > freq_hz[k - 1]))
            return mms_fail(err, MMS_ERR_RANGE,
                            "SPECTRAL_WINDOW, SPW %d: CHAN_FREQ neither rises nor falls at "
                            "channels %" PRId64 " and %" PRId64 ": %.12g Hz, %.12g Hz",
                            (int)spw, k - 1, k, freq_hz[k - 1], freq_hz[k]);
    }
    return MMS_OK;
}

/* ---- the request over a band ------------------------------------------------------------------*/

/** The input window in rising order, and the request as it is worked on. */
struct work {
    const mms_grid_opts *opts;
    int64_t nchan, capacity, nwarning_capacity;
    double *freq, *width; /* [nchan] */
    bool descending, velocity;
    int64_t start;             /* mode channel; -1 else */
    double start_value;        /* Hz or m/s; not_given */
    double step;               /* |width|: channels, Hz or m/s; -1: not given */
    int64_t nout;              /* channels asked for, < 0: all that fit */
    bool from_end, from_start; /* start is the highest channel; centre stands for start's edge */
    double low, top;           /* edges of the band */
    long double centre, band, chan_width, wanted_band_centre, step_m_s;
    long double *edge[2]; /* lower, upper edges; [capacity] */
    int64_t first, count; /* edges in use: [first, first + count) */
    mms_grid *grid;
};

static double first_width(const struct work *w)
{
    return w->width[0];
}

static long double velocity_of(const struct work *w, long double freq)
{
    const long double rest = w->opts->restfreq_hz;

    return w->opts->optical ? (long double)C0 * (rest / freq - 1)
                            : (long double)C0 * (1 - freq / rest);
}

static long double frequency_of(const struct work *w, long double velocity)
{
    const long double rest = w->opts->restfreq_hz;

    return w->opts->optical ? rest / (1 + velocity / (long double)C0)
                            : rest * (1 - velocity / (long double)C0);
}

static mms_status warn(struct work *w, mms_error *err, char *text)
{
    mms_grid *grid = w->grid;
    const mms_status st = text ? mms_grow(&grid->warnings, &w->nwarning_capacity,
                                          grid->nwarning + 1, sizeof *grid->warnings, err)
                               : mms_fail(err, MMS_ERR_MEM, "grid: out of memory");
    if (st == MMS_OK)
        grid->warnings[grid->nwarning++] = text;
    else
        free(text);
    return st;
}

/** Copy the window in rising order. */
static mms_status take_window(struct work *w, int64_t nchan, const double *freq,
                              const double *width, mms_error *err)
{
    const mms_status st = mms_check_window(w->opts->spw, nchan, freq, width, &w->descending, err);
    if (st != MMS_OK)
        return st;
    w->nchan = nchan;
    w->freq = mms_alloc(nchan, sizeof *w->freq);
    w->width = mms_alloc(nchan, sizeof *w->width);
    w->grid = mms_alloc(1, sizeof *w->grid);
    if (!w->freq || !w->width || !w->grid)
        return mms_fail(err, MMS_ERR_MEM, "grid: out of memory");
    for (int64_t k = 0; k < nchan; k++) {
        const int64_t from = w->descending ? nchan - 1 - k : k;
        w->freq[k] = freq[from];
        w->width[k] = width[from];
    }
    w->low = w->freq[0] - w->width[0] / 2;
    w->top = w->freq[nchan - 1] + w->width[nchan - 1] / 2;
    return MMS_OK;
}

/* ---- what is asked for ------------------------------------------------------------------------*/

/** The most output channels of a request, far beyond what any instrument has. */
enum { MAX_CHANNELS = 1 << 24 };

enum { TEXT_SIZE = 64 };

/** A value as it was written, else as a number. */
static const char *say(char text[TEXT_SIZE], const char *written, double value, const char *unit)
{
    if (written && *written)
        return written;
    snprintf(text, TEXT_SIZE, "%.12g%s", value, unit);
    return text;
}

static const char *say_start(char text[TEXT_SIZE], const mms_grid_opts *o)
{
    const char *const unit = o->mode == MMS_GRID_FREQUENCY  ? " Hz"
                             : o->mode == MMS_GRID_VELOCITY ? " m/s"
                                                            : "";
    return say(text, o->start_text, o->start, unit);
}

static mms_status check_request(const mms_grid_opts *o, mms_error *err)
{
    char text[TEXT_SIZE], other[TEXT_SIZE];
    const bool counts = o->mode == MMS_GRID_CHANNEL || o->mode == MMS_GRID_CHANNEL_B;

    if (isinf(o->start) || isinf(o->width))
        return mms_fail(err, MMS_ERR_ARG, "parameter %s: not a finite number",
                        isinf(o->start) ? "start" : "width");
    if (o->mode == MMS_GRID_VELOCITY && !(o->restfreq_hz > 0 && isfinite(o->restfreq_hz)))
        return mms_fail(err, MMS_ERR_ARG, "Parameter restfreq must be set when mode='velocity'");
    if (o->nspw < 1)
        return mms_fail(err, MMS_ERR_ARG, "parameter nspw: %" PRId64 ": at least 1 window",
                        o->nspw);
    if (o->nchan > MAX_CHANNELS || o->nspw > MAX_CHANNELS ||
        (o->nchan > 0 && o->nchan * o->nspw > MAX_CHANNELS))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter nchan: %" PRId64 " in nspw=%" PRId64
                        " windows: at most %d channels",
                        o->nchan, o->nspw, (int)MAX_CHANNELS);
    if (counts && (fabs(o->start) > MAX_CHANNELS || fabs(o->width) > MAX_CHANNELS))
        return mms_fail(err, MMS_ERR_ARG, "parameter start: %s, width: %s: not numbers of channels",
                        say_start(text, o), say(other, o->width_text, o->width, ""));
    if (o->mode == MMS_GRID_FREQUENCY && o->start <= 0)
        return mms_fail(err, MMS_ERR_ARG, "parameter start: %s: a frequency must be positive",
                        say_start(text, o));
    if (o->mode == MMS_GRID_VELOCITY && !isnan(o->start) && !(fabs(o->start) < C0))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter start: %s: a velocity must be below that of light",
                        say_start(text, o));
    return MMS_OK;
}

/** CASA takes any start and moves it to the band.  What is near the band may be meant (and CASA's
 *  answers are known); a start at half as much again, or many bands away, is a slip of the pen or
 * of the unit. */
static mms_status check_start(const struct work *w, mms_error *err)
{
    const mms_grid_opts *o = w->opts;
    const double slack = 1.5, far = 20 * (w->top - w->low);
    char text[TEXT_SIZE];
    double freq = NAN;

    if (o->mode == MMS_GRID_CHANNEL && (o->start < 0 || o->start >= 2.0 * (double)w->nchan))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter start: %s: SPW %d has the channels 0 to %" PRId64,
                        say_start(text, o), (int)o->spw, w->nchan - 1);
    if (w->start_value > not_given && o->mode == MMS_GRID_FREQUENCY)
        freq = w->start_value;
    else if (w->start_value > not_given && o->mode == MMS_GRID_VELOCITY)
        freq = (double)frequency_of(w, w->start_value);
    if (freq > fmin(w->top * slack, w->top + far) || freq < fmax(w->low / slack, w->low - far))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter start: %s is %.12g Hz, outside SPW %d, which has %.12g to %.12g "
                        "Hz",
                        say_start(text, o), freq, (int)o->spw, w->low, w->top);
    return MMS_OK;
}

/** More than this many times the band is no grid that anybody wants. */
enum { MAX_BANDS = 10 };

static mms_status check_count(const struct work *w, long double span, mms_error *err)
{
    if (w->nout > 0 && span > MAX_BANDS * (long double)(w->top - w->low))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter nchan: %" PRId64
                        " channels are %.6Lg Hz wide, more than %d times SPW %d (%.6g Hz)",
                        w->nout, span, (int)MAX_BANDS, (int)w->opts->spw, w->top - w->low);
    return MMS_OK;
}

/** Turn the request around where the input was. */
static void take_request(struct work *w)
{
    const mms_grid_opts *o = w->opts;
    const bool negative = o->width < 0;

    w->velocity = o->mode == MMS_GRID_VELOCITY;
    w->start = o->mode == MMS_GRID_CHANNEL ? (isnan(o->start) ? 0 : (int64_t)o->start) : -1;
    w->start_value = isnan(o->start) ? not_given : o->start;
    w->step = isnan(o->width) || o->width == 0 ? -1 : fabs(o->width);
    if (o->mode == MMS_GRID_CHANNEL && isnan(o->width))
        w->step = 1;
    w->nout = o->nchan > 0 ? o->nchan * o->nspw : -1;
    w->from_end = w->velocity ? !negative : negative;
    w->from_start = true;
    if (w->descending && w->start >= 0) {
        w->start = w->nchan - 1 - w->start;
        w->from_end = !w->from_end;
    }
    w->centre = w->band = w->chan_width = w->step_m_s = -1;
}

/** Make the start of the first channel, or the end of the last one, the centre of the grid. */
static void shift_centre(struct work *w)
{
    if (w->from_start)
        w->centre += (w->from_end ? -w->band : w->band) / 2;
}

/* ---- centre, band and width by mode -----------------------------------------------------------*/

static mms_status ask_channel(struct work *w, mms_error *err)
{
    mms_status st = MMS_OK;

    if (w->step > 0)
        w->chan_width = w->step * first_width(w);
    if (w->start < 0 || w->start >= w->nchan) {
        w->start = 0;
        w->from_end = false;
        st = warn(w, err,
                  mms_format(" *** Parameter start exceeds total number of channels which is "
                             "%" PRId64 ". Set to 0.",
                             w->nchan));
    }
    w->centre = w->from_end ? w->freq[w->start] + w->width[w->start] / 2
                            : w->freq[w->start] - w->width[w->start] / 2;
    return st;
}

static void ask_frequency(struct work *w)
{
    const double width = w->step > 0 ? w->step : first_width(w);
    const double edge = w->from_end ? w->start_value + width / 2 : w->start_value - width / 2;

    if (w->step > 0)
        w->chan_width = w->step;
    w->centre = edge;
}

static long double start_velocity(struct work *w, double low_hz, double top_hz)
{
    const double width =
        w->step > 0 ? w->step : (double)(velocity_of(w, low_hz) - velocity_of(w, top_hz));
    const double edge = w->from_end ? w->start_value - width / 2 : w->start_value + width / 2;

    return edge;
}

static void ask_radio(struct work *w)
{
    const double f0 = w->freq[0], last = w->freq[w->nchan - 1], half = first_width(w) / 2;
    long double v;

    if (w->start_value > -C0) {
        v = start_velocity(w, f0 - half, f0 + half);
        w->centre = frequency_of(w, v);
    } else {
        w->centre = (f0 + last) / 2;
        v = velocity_of(w, w->centre);
        w->from_start = false;
    }
    if (w->nout > 0) {
        const long double width =
            w->step > 0 ? 2 * (frequency_of(w, v - w->step / 2) - w->centre) : first_width(w);
        if (w->step > 0)
            w->chan_width = width;
        w->band = (long double)w->nout * width;
        shift_centre(w);
        w->from_start = false;
    } else if (w->step > 0) {
        w->chan_width = 2 * (frequency_of(w, v - w->step / 2) - frequency_of(w, v));
    }
}

static void ask_optical(struct work *w)
{
    const double f0 = w->freq[0], w0 = first_width(w);
    const double last = w->freq[w->nchan - 1], last_width = w->width[w->nchan - 1];
    const long double default_step = fabsl(velocity_of(w, f0 - w0) - velocity_of(w, f0 + w0));
    const long double step = w->step > 0 ? w->step : default_step;
    long double v;

    if (w->start_value > -C0) {
        v = start_velocity(w, f0 - w0 / 2, f0 + w0 / 2);
        w->centre = frequency_of(w, v);
    } else {
        w->centre = (f0 - w0 + last + last_width) / 2;
        v = velocity_of(w, w->centre);
        w->from_start = false;
    }
    if (w->nout > 0) {
        const long double h = w->from_start ? 1.0L : 0.5L, n = w->nout;
        const long double reach = n * step * h;
        const long double far = w->from_start && !w->from_end ? v - reach : v + reach;
        w->band = fabsl(frequency_of(w, far) - w->centre) / h;
        if (w->from_start)
            v += w->from_end ? n * step / 2 : -n * step / 2;
        w->centre = frequency_of(w, v);
        w->from_start = false;
        w->nout = 0;
    }
    if (w->step > 0)
        w->chan_width = 2 * (frequency_of(w, v - w->step / 2) - frequency_of(w, v));
}

/* ---- fit into the band ------------------------------------------------------------------------*/

static long double quantised(const struct work *w, long double band)
{
    const long double width = w->chan_width > 0 ? w->chan_width : first_width(w);

    return w->opts->optical && w->velocity ? band : width * floorl((band + 0.01L * width) / width);
}

/** Move the centre into the band, but for less than 1 Hz above it. */
static mms_status clip_centre(struct work *w, mms_error *err)
{
    mms_status st = MMS_OK;
    const long double asked = w->centre;
    const long double nearest = asked < w->low ? w->low : asked > w->top ? w->top : asked;

    if (asked < 0) {
        w->centre = (w->low + w->top) / 2;
        w->from_start = false;
        return MMS_OK;
    }
    w->centre = asked > w->top && asked <= w->top + 1 ? asked : nearest;
    if (asked < nearest - 1)
        st = warn(w, err,
                  mms_format("*** Requested center of SPW %Lg Hz is smaller than minimum possible "
                             "value by %Lg Hz *** Reset to minimum possible value %Lg Hz",
                             asked, nearest - asked, nearest));
    else if (asked > nearest + 1)
        st = warn(w, err,
                  mms_format("*** Requested center of SPW %Lg Hz is too large by %Lg Hz *** Reset "
                             "to maximum possible value %Lg Hz",
                             asked, asked - nearest, nearest));
    return st;
}

/** Choose the band where no mode did. */
static void choose_band(struct work *w)
{
    const long double asked = w->wanted_band_centre;
    const long double width = w->chan_width > 0 ? w->chan_width : first_width(w);
    const long double whole = w->top - w->low;
    const int64_t last = w->nchan - 1;

    w->band = w->nout > 0 ? width * (long double)w->nout : quantised(w, whole);
    if (asked <= 0 || (w->start < 0 && w->start_value < -C0)) {
        w->centre = w->low + w->band / 2;
        w->from_start = false;
    } else if (w->nout < 0) {
        if (w->from_start)
            w->band = quantised(w, w->from_end ? w->centre - w->low : w->top - w->centre);
        else
            w->band = 2 * fminl(w->centre - w->freq[0] - w->width[0],
                                w->freq[last] + w->width[last] - w->centre);
    }
    shift_centre(w);
}

/** Cut a band that a mode has chosen. */
static mms_status cut_band(struct work *w, mms_error *err)
{
    const long double slack = w->velocity && w->opts->optical ? first_width(w) : 1;
    mms_status st = MMS_OK;

    shift_centre(w);
    const bool above = w->centre + w->band / 2 > w->top + slack;
    if (!above && !(w->centre - w->band / 2 < w->low - slack))
        return MMS_OK;
    w->band = 2 * fminl(fabsl(w->top - w->centre), fabsl(w->centre - w->low));
    st = warn(w, err,
              mms_format(" *** Input spectral window exceeds %s end of original window. Adjusting "
                         "to max. possible value.",
                         above ? "upper" : "lower"));
    if (st == MMS_OK && w->band < first_width(w))
        st =
            mms_fail(err, MMS_ERR_ARG,
                     "parameters start, width, nchan: the grid has its centre at %.12Lg Hz, at the "
                     "edge of SPW %d (%.12g to %.12g Hz): no channel fits",
                     w->centre, (int)w->opts->spw, w->low, w->top);
    return st;
}

static mms_status too_narrow(const struct work *w, double smallest, mms_error *err)
{
    return mms_fail(err, MMS_ERR_ARG,
                    "calcChanFreqs failed, check input start and width parameters:  *** Requested "
                    "new channel width (%Lg Hz) is smaller than smallest original channel width "
                    "which is %g Hz (SPW %d)",
                    w->chan_width, smallest, (int)w->opts->spw);
}

static mms_status choose_width(struct work *w, mms_error *err)
{
    const double w0 = first_width(w);
    double smallest = w0;
    char text[TEXT_SIZE];
    mms_status st = MMS_OK;

    for (int64_t k = 1; k < w->nchan; k++)
        smallest = fmin(smallest, w->width[k]);
    if (w->chan_width <= 0) {
        w->chan_width = w0;
    } else if (w->chan_width > w->band) {
        w->chan_width = w->band;
        st = warn(
            w, err,
            mms_format(" *** Requested new channel width exceeds defined SPW width.     Creating "
                       "a single channel with the defined SPW width."));
    } else if (w->chan_width < w0) {
        if (w->chan_width < smallest - 1)
            return too_narrow(w, smallest, err);
        if (w->velocity)
            w->step_m_s = w->step;
    }
    if (st == MMS_OK && !(w->chan_width > 0))
        st = mms_fail(err, MMS_ERR_ARG,
                      "parameter width: %s: no output channel of that width fits into SPW %d from "
                      "the start on, which has %.12g to %.12g Hz",
                      say(text, w->opts->width_text, w->opts->width, ""), (int)w->opts->spw, w->low,
                      w->top);
    return st;
}

/* ---- edges ------------------------------------------------------------------------------------*/

/** Room for about n channels on either side of the first one. */
static mms_status make_edges(struct work *w, long double n, mms_error *err)
{
    if (!(n < MAX_CHANNELS))
        return mms_fail(err, MMS_ERR_ARG, "grid: %Lg channels are too many", n);
    w->capacity = 2 * (int64_t)n + 8;
    for (int i = 0; i < 2; i++)
        if (!(w->edge[i] = mms_alloc(w->capacity, sizeof *w->edge[i])))
            return mms_fail(err, MMS_ERR_MEM, "grid: out of memory");
    w->first = w->capacity / 2;
    return MMS_OK;
}

static mms_status put_above(struct work *w, long double low, long double high, mms_error *err)
{
    const int64_t at = w->first + w->count;

    if (at == w->capacity)
        return mms_fail(err, MMS_ERR_INTERNAL, "grid: more channels than fit into the band");
    w->edge[0][at] = low;
    w->edge[1][at] = high;
    w->count++;
    return MMS_OK;
}

static mms_status put_below(struct work *w, long double low, long double high, mms_error *err)
{
    if (w->first == 0)
        return mms_fail(err, MMS_ERR_INTERNAL, "grid: more channels than fit into the band");
    w->first--;
    w->edge[0][w->first] = low;
    w->edge[1][w->first] = high;
    w->count++;
    return MMS_OK;
}

static long double lowest(const struct work *w)
{
    return w->edge[0][w->first];
}

static long double highest(const struct work *w)
{
    return w->edge[1][w->first + w->count - 1];
}

static mms_status grow_frequency(struct work *w, long double low, long double up, mms_error *err)
{
    const long double width = w->chan_width, slack = 0.01L * width;
    mms_status st = MMS_OK;

    while (st == MMS_OK && highest(w) + width <= up + slack)
        st = put_above(w, highest(w), highest(w) + width, err);
    while (st == MMS_OK && lowest(w) - width >= low - slack)
        st = put_below(w, lowest(w) - width, lowest(w), err);
    return st;
}

static mms_status grow_velocity(struct work *w, long double low, long double up, mms_error *err)
{
    const long double slack = 0.01L * w->chan_width;
    const long double step =
        w->step_m_s > 0 ? w->step_m_s : velocity_of(w, lowest(w)) - velocity_of(w, highest(w));
    mms_status st = MMS_OK;

    while (st == MMS_OK) {
        const long double v = velocity_of(w, highest(w)) - step, edge = frequency_of(w, v);
        if (!(v > velocity_of(w, up) - step / 10) || !(edge <= up + slack))
            break;
        st = put_above(w, highest(w), edge, err);
    }
    while (st == MMS_OK) {
        const long double v = velocity_of(w, lowest(w)) + step, edge = frequency_of(w, v);
        if (!(v < velocity_of(w, low) + step / 10) || !(edge >= low - slack))
            break;
        st = put_below(w, edge, lowest(w), err);
    }
    return st;
}

/** Fill the band from its centre. */
static mms_status lay_channels(struct work *w, mms_error *err)
{
    const long double width = w->chan_width, c = w->centre;
    const long double up = c + w->band / 2, low = c - w->band / 2;
    const long double n = floorl((w->band + 0.01L * width) / width);
    mms_status st;

    MMS_TRY(make_edges(w, w->velocity ? 2 * n + 8 : n, err));
    if (fmodl(n, 2) != 0)
        MMS_TRY(put_above(w, c - width / 2, c + width / 2, err));
    else
        MMS_TRY(put_above(w, c, c + width, err));
    st = w->velocity ? grow_velocity(w, low, up, err) : grow_frequency(w, low, up, err);
done:
    return st;
}

static mms_status make_by_value(struct work *w, mms_error *err)
{
    mms_status st = MMS_OK;

    switch (w->opts->mode) {
    case MMS_GRID_CHANNEL:
        MMS_TRY(ask_channel(w, err));
        break;
    case MMS_GRID_FREQUENCY:
        ask_frequency(w);
        break;
    default:
        if (w->opts->optical)
            ask_optical(w);
        else
            ask_radio(w);
    }
    w->wanted_band_centre = w->centre;
    MMS_TRY(clip_centre(w, err));
    if (w->band <= 0 || w->nout != 0)
        choose_band(w);
    else
        MMS_TRY(cut_band(w, err));
    MMS_TRY(check_count(w, w->band, err));
    MMS_TRY(choose_width(w, err));
    MMS_TRY(lay_channels(w, err));
done:
    return st;
}

/* ---- channel_b --------------------------------------------------------------------------------*/

/** A range of channels that becomes one. */
static void range_edges(const struct work *w, int64_t first, int64_t last, long double edge[2])
{
    edge[0] = w->freq[first] - w->width[first] / 2;
    edge[1] = w->freq[last] + w->width[last] / 2;
}

static mms_status warn_of_cut(struct work *w, mms_error *err, int64_t asked, int64_t band,
                              int64_t step)
{
    mms_status st = MMS_OK;

    if (asked > band)
        st = warn(w, err,
                  mms_format(" *** Requested output SPW width too large. *** Output SPW width set "
                             "to %" PRId64 " original channels",
                             band));
    if (st == MMS_OK && step > band)
        st = warn(w, err,
                  mms_format(" *** Requested output channel width too large. Adjusted to maximum "
                             "possible value."));
    return st;
}

/** Find the range [*low, *high] of channels, its middle, and the channels averaged to one. */
static mms_status choose_channels(struct work *w, int64_t *low, int64_t *high, int64_t *middle,
                                  int64_t *bin, mms_error *err)
{
    const int64_t n = w->nchan, step = w->step > 0 ? (int64_t)w->step : 1;
    const double mid = (w->freq[0] + w->freq[n - 1]) / 2;
    int64_t centre = 0, band = w->nout > 0 ? w->nout * step : n;
    const int64_t asked = band;

    if (w->start_value > not_given) {
        centre = (int64_t)floor(w->start_value);
        if (centre < 0 || centre >= n)
            return mms_fail(err, MMS_ERR_ARG,
                            "calcChanFreqs failed, check input start and width parameters: SPW "
                            "start %" PRId64 " outside valid range which is 0 - %" PRId64 ".",
                            centre, n - 1);
        centre += w->from_end ? -(band / 2) : band / 2;
    } else {
        while (w->freq[centre] < mid)
            centre++;
    }
    if (centre - band / 2 < 0)
        band = 2 * centre + 1;
    if (n < centre + band / 2)
        band = 2 * (n - centre);
    *low = centre - band / 2;
    *high = *low + band - 1;
    if (*high == n && band > 1) /* CASA reads one past the end of uneven windows */
        (*high)--;
    if (band < 1 || *low < 0 || *high >= n)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameters start, width, nchan: %g, %g, %" PRId64
                        " leave no range of channels of SPW %d, which has 0 - %" PRId64,
                        w->opts->start, w->opts->width, w->opts->nchan, (int)w->opts->spw, n - 1);
    *bin = step < band ? step : band;
    *middle = (band / *bin) % 2 ? centre - *bin / 2 : centre;
    if (*bin == band)
        *middle = *low;
    return warn_of_cut(w, err, asked, band, step);
}

static mms_status warn_of_edge(struct work *w, mms_error *err, const char *which, int64_t n)
{
    return warn(w, err,
                mms_format(" *** %s edge of new SPW made only %" PRId64
                           " original channels wide to fit given total bandwidth.",
                           which, n));
}

static mms_status make_by_channels(struct work *w, mms_error *err)
{
    int64_t low = 0, high = 0, middle = 0, bin = 1;
    long double edge[2];
    mms_status st;

    MMS_TRY(choose_channels(w, &low, &high, &middle, &bin, err));
    MMS_TRY(make_edges(w, (long double)(high - low + 1), err));
    for (int64_t at = middle; at <= high; at += bin) {
        const int64_t last = at + bin - 1;
        range_edges(w, at, last < high ? last : high, edge);
        MMS_TRY(put_above(w, edge[0], edge[1], err));
        if (last > high)
            MMS_TRY(warn_of_edge(w, err, "Last channel at upper", high - at + 1));
    }
    for (int64_t at = middle - 1; at >= low; at -= bin) {
        const int64_t first = at - bin + 1;
        range_edges(w, first > low ? first : low, at, edge);
        MMS_TRY(put_below(w, edge[0], edge[1], err));
        if (first < low)
            MMS_TRY(warn_of_edge(w, err, "First channel at lower", at - low + 1));
    }
done:
    return st;
}

/* ---- result -----------------------------------------------------------------------------------*/

static mms_status take_edges(struct work *w, const double *width_in, mms_error *err)
{
    mms_grid *grid = w->grid;
    const int64_t n = w->count;

    grid->nchan = n;
    grid->freq_hz = mms_alloc(n, sizeof *grid->freq_hz);
    grid->width_hz = mms_alloc(n, sizeof *grid->width_hz);
    if (!grid->freq_hz || !grid->width_hz)
        return mms_fail(err, MMS_ERR_MEM, "grid: out of memory");
    for (int64_t i = 0; i < n; i++) {
        const int64_t from = w->first + (w->descending ? n - 1 - i : i);
        const double low = (double)w->edge[0][from], high = (double)w->edge[1][from];
        grid->freq_hz[i] = (low + high) / 2;
        grid->width_hz[i] = high - low;
    }
    grid->weight_scale = grid->width_hz[0] / width_in[w->descending ? w->nchan - 1 : 0];
    return MMS_OK;
}

mms_status mms_grid_make(int64_t nchan, const double *freq_hz, const double *width_hz,
                         const mms_grid_opts *opts, mms_grid **out, mms_error *err)
{
    struct work w = {.opts = opts};
    mms_status st;

    *out = NULL;
    MMS_TRY(check_request(opts, err));
    MMS_TRY(take_window(&w, nchan, freq_hz, width_hz, err));
    take_request(&w);
    MMS_TRY(check_start(&w, err));
    if (opts->mode == MMS_GRID_CHANNEL_B)
        MMS_TRY(make_by_channels(&w, err));
    else
        MMS_TRY(make_by_value(&w, err));
    MMS_TRY(take_edges(&w, width_hz, err));
    *out = w.grid;
    w.grid = NULL;
done:
    free(w.freq);
    free(w.width);
    free(w.edge[0]);
    free(w.edge[1]);
    mms_grid_free(&w.grid);
    return st;
}

void mms_grid_free(mms_grid **grid)
{
    mms_grid *g = *grid;

    if (!g)
        return;
    for (int64_t i = 0; i < g->nwarning; i++)
        free(g->warnings[i]);
    free(g->warnings);
    free(g->freq_hz);
    free(g->width_hz);
    free(g);
    *grid = NULL;
}

static double mean_width(const mms_grid *grid)
{
    double sum = 0;

    for (int64_t i = 0; i < grid->nchan; i++)
        sum += grid->width_hz[i];
    return sum / (double)grid->nchan;
}

mms_status mms_wide_ratio(int64_t nchan, const double *freq_hz, const double *width_hz,
                          const mms_grid *grid, int64_t *ratio, bool *wide, mms_error *err)
{
    const mms_grid_opts opts = MMS_GRID_OPTS_INIT;
    mms_grid *own = NULL;
    const mms_status st = mms_grid_make(nchan, freq_hz, width_hz, &opts, &own, err);

    if (st != MMS_OK)
        return st;
    *ratio = (int64_t)floor(mean_width(grid) / mean_width(own) + 0.001);
    *wide = *ratio >= 2 && 2 * *ratio <= nchan;
    mms_grid_free(&own);
    return MMS_OK;
}

/* ---- rows of SPECTRAL_WINDOW ------------------------------------------------------------------*/

static int64_t last_channels(int64_t nchan, int64_t nspw, int64_t *per_window)
{
    *per_window = nchan / nspw + (nchan % nspw != 0);
    return nchan - *per_window * (nspw - 1);
}

mms_status mms_separate(int64_t nchan, int64_t nspw, mms_separation *out, mms_error *err)
{
    int64_t n, fits = nspw < nchan ? nspw : nchan, of_fits;

    if (nspw < 1)
        return mms_fail(err, MMS_ERR_ARG, "parameter nspw: %" PRId64 ": at least 1 window", nspw);
    const int64_t last = last_channels(nchan, nspw, &n);
    if (last < 1) {
        while (fits > 1 && last_channels(nchan, fits, &of_fits) < 1)
            fits--;
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter nspw: %" PRId64 ": too many output spws: %" PRId64
                        " channels in windows of %" PRId64 " leave none for the last; %" PRId64
                        " windows are possible",
                        nspw, nchan, n, fits);
    }
    *out = (mms_separation){nspw, n, last};
    return MMS_OK;
}

int64_t mms_separation_count(const mms_separation *separation, int64_t window)
{
    return window == separation->nspw - 1 ? separation->last : separation->per_window;
}

int64_t mms_separation_first(const mms_separation *separation, int64_t window)
{
    return window * separation->per_window;
}

void mms_separate_cells(const mms_separation *separation, int64_t window, int64_t nrow,
                        int64_t nchan, int64_t bytes, const void *cells, void *out)
{
    const int64_t first = mms_separation_first(separation, window);
    const size_t size = (size_t)(mms_separation_count(separation, window) * bytes);

    for (int64_t r = 0; r < nrow; r++)
        memcpy((char *)out + (size_t)r * size, (const char *)cells + (r * nchan + first) * bytes,
               size);
}

void mms_grid_axis(const mms_grid *grid, int64_t first, bool separated, mms_numerics numerics,
                   mms_spectral_axis *axis)
{
    const int64_t n = axis->nchan, all = grid->nchan;
    const bool rising =
        grid->freq_hz[all - 1] > grid->freq_hz[0] || (all == 1 && numerics == MMS_NUMERICS_EXACT);

    axis->total_bandwidth_hz = 0;
    for (int64_t i = 0; i < n; i++) {
        const double width = grid->width_hz[first + i];
        axis->freq_hz[i] = grid->freq_hz[first + i];
        axis->width_hz[i] = rising ? width : -width;
        axis->resolution_hz[i] = axis->effective_bw_hz[i] = axis->width_hz[i];
    }
    if (n > 0)
        axis->total_bandwidth_hz = fabs(axis->freq_hz[n - 1] - axis->freq_hz[0]) +
                                   (fabs(axis->width_hz[0]) + fabs(axis->width_hz[n - 1])) / 2;
    if (separated && n > 0)
        axis->total_bandwidth_hz = grid->width_hz[first] * (double)n;
    axis->ref_freq_hz = n > 0 ? axis->freq_hz[0] : 0;
}
