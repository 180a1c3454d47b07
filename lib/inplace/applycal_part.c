/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file applycal_part.c  Calibration of a part, in a worker (in-place 3.3). */
#include <assert.h>
#include <complex.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "cal_priv.h"
#include "ms/columns.h"
#include "orders_priv.h"
#include "tables/measures_priv.h"
#include "transform/statwt.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "applycal: out of memory");
}

/** An antenna's parameters of one table in the channels of a window. */
typedef struct made {
    bool known, none;
    const mms_cal_solution *from; /**< and the place in it: what it was made of */
    mms_cal_place place;
    int64_t room;
    mms_complex *values; /**< [nchan][2]: J, or D */
    uint8_t *flags;
    float weight[2];
} made;

/** A window as it is calibrated at one time in one field. */
typedef struct state {
    bool solved; /**< every table that is for the rows has solutions */
    bool stale;  /**< antennas are combined of other tables */
    bool linear;
    mms_cal_product products[8];
    mms_cal_window window;
    int32_t middle; /**< the channel whose frequency phases are for, of those that are chosen */
    mms_cal_row row;
    double time_s;
    uint8_t *passes;           /**< [tables]: it is not for this row */
    made *made;                /**< [tables][antennas] */
    mms_cal_antenna *antennas; /**< [antennas], into the following */
    mms_complex *gains, *leaks;
    uint8_t *flags, *leak_flags;
    uint8_t *chosen; /**< [nchan]; NULL: all channels are calibrated */
} state;

/** All that a thread needs; up to mounts the threads of a part share it. */
typedef struct work {
    mms_change_part *part;
    int64_t ntable;
    mms_cal_table **tables;
    mms_applycal_work asked;
    bool leakage;
    bool cuts; /**< channels are selected */
    mms_fields *fields;
    double *feed_rad; /**< [antennas]: angles of the feeds */
    char *mounts;     /**< [antennas]: 'a' alt-az, 'r' and 'l' Nasmyth, else 0 */
    state **states;   /**< [windows] */
    int64_t state_bytes;
    double *sky_rad, *parallactic_rad; /**< [antennas]: elevations and angles at a time */
    mms_complex *data, *kept; /**< room for blocks; kept: what channels that are not chosen keep */
    uint8_t *data_flags, *kept_flags, *which;
    float *sigma, *weight;
    float *spectrum, *sigmas; /**< WEIGHT_SPECTRUM, NULL: there is none; SIGMA_SPECTRUM */
    float *channel;           /**< [channels] of a row */
    uint8_t *has;             /**< of a row: HAS_WEIGHTS, HAS_SIGMAS */
    int64_t rooms[11];
    bool has_flags; /**< those of the block were read */
} work;

/** Spectra that a row has. */
enum { HAS_WEIGHTS = 1, HAS_SIGMAS = 2 };

/* ---- opening ----------------------------------------------------------------------------------*/

static mms_status open_tables(work *w, mms_error *err)
{
    const mms_value *list = w->asked.tables;
    mms_status st = MMS_OK;

    w->ntable = (int64_t)json_array_size(list);
    w->tables = mms_alloc(w->ntable, sizeof *w->tables);
    MMS_TRY(w->tables ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < w->ntable; i++) {
        MMS_TRY(mms_cal_table_open(json_array_get(list, (size_t)i), w->part->field_table,
                                   &w->tables[i], err));
        w->leakage = w->leakage || mms_cal_table_kind(w->tables[i]) == MMS_CAL_D;
        const mms_cal_use *use = mms_cal_table_use(w->tables[i]);
        w->part->observed = w->part->observed || !use->observations.all || !use->states.all;
    }
done:
    return st;
}

/** The angle of the feeds of each antenna: the first receptor of feed 0. */
static mms_status read_feeds(work *w, mms_error *err)
{
    mms_table *table = NULL;
    int32_t *antenna = NULL, *feed = NULL;
    mms_status st;

    MMS_TRY(w->part->feed_table ? mms_table_open(w->part->feed_table, MMS_TABLE_READ, &table, err)
                                : mms_fail(err, MMS_ERR_NOT_FOUND, "the set has no FEED"));
    MMS_TRY(mms_table_get_ints(table, "ANTENNA_ID", &antenna, err));
    MMS_TRY(mms_table_get_ints(table, "FEED_ID", &feed, err));
    for (int64_t i = mms_table_nrow(table) - 1; i >= 0; i--) {
        mms_value *angle = NULL;
        if (feed[i] != 0 || antenna[i] < 0 || antenna[i] >= w->part->set.nantenna)
            continue;
        MMS_TRY(mms_table_get_cell(table, "RECEPTOR_ANGLE", i, &angle, err));
        w->feed_rad[antenna[i]] = json_number_value(json_array_get(angle, 0));
        mms_value_free(&angle);
    }
done:
    mms_table_drop(&table);
    free(antenna);
    free(feed);
    return st;
}

static mms_status read_mounts(work *w, mms_error *err)
{
    w->mounts = mms_alloc(w->part->set.nantenna, 1);
    if (!w->mounts)
        return no_memory(err);
    for (int64_t i = 0; i < w->part->set.nantenna; i++) {
        const char *mount = json_string_value(json_array_get(w->asked.mounts, (size_t)i));
        w->mounts[i] = mount ? *mount : 0;
    }
    return MMS_OK;
}

static bool needs_sky(const work *w)
{
    for (int64_t i = 0; i < w->ntable; i++)
        if (mms_cal_table_kind(w->tables[i]) == MMS_CAL_OPACITY)
            return true;
    return w->asked.parang;
}

static mms_status open_work(work *w, mms_error *err)
{
    const int64_t nantenna = w->part->set.nantenna;
    mms_status st;

    MMS_TRY(mms_applycal_work_decode(w->part->work, &w->asked, err));
    w->cuts = json_array_size(w->asked.channels) > 0;
    MMS_TRY(open_tables(w, err));
    w->feed_rad = mms_alloc(nantenna, sizeof *w->feed_rad);
    MMS_TRY(w->feed_rad ? MMS_OK : no_memory(err));
    if (needs_sky(w))
        MMS_TRY(mms_fields_open(w->part->field_table, &w->fields, err));
    if (w->asked.parang) {
        MMS_TRY(read_feeds(w, err));
        MMS_TRY(read_mounts(w, err));
    }
done:
    return st;
}

static void free_state(const work *w, state **state_of)
{
    state *s = *state_of;

    *state_of = NULL;
    if (!s)
        return;
    for (int64_t i = 0; s->made && i < w->ntable * w->part->set.nantenna; i++) {
        free(s->made[i].values);
        free(s->made[i].flags);
    }
    free(s->made);
    free(s->passes);
    free(s->antennas);
    free(s->gains);
    free(s->leaks);
    free(s->flags);
    free(s->leak_flags);
    free(s->chosen);
    free(s);
}

static void close_work(work *w)
{
    for (int64_t i = 0; w->tables && i < w->ntable; i++)
        mms_cal_table_close(&w->tables[i]);
    mms_fields_close(&w->fields);
    free(w->tables);
    free(w->feed_rad);
    free(w->mounts);
}

/** What a thread has of its own. */
static mms_status open_thread(const work *shared, work *w, mms_error *err)
{
    *w = *shared;
    w->states = mms_alloc(w->part->set.nwindow, sizeof *w->states);
    w->sky_rad = mms_alloc(w->part->set.nantenna, sizeof *w->sky_rad);
    w->parallactic_rad = mms_alloc(w->part->set.nantenna, sizeof *w->parallactic_rad);
    return w->states && w->sky_rad && w->parallactic_rad ? MMS_OK : no_memory(err);
}

static void close_thread(work *w)
{
    for (int64_t i = 0; w->states && i < w->part->set.nwindow; i++)
        free_state(w, &w->states[i]);
    free(w->states);
    free(w->sky_rad);
    free(w->parallactic_rad);
    free(w->data);
    free(w->kept);
    free(w->data_flags);
    free(w->kept_flags);
    free(w->which);
    free(w->sigma);
    free(w->weight);
    free(w->spectrum);
    free(w->sigmas);
    free(w->channel);
    free(w->has);
}

/* ---- one table's parameters of one antenna ----------------------------------------------------*/

/** A product of polarizations is good where |p|^2 of unflagged channels is: their mean. */
static void find_weights(const mms_cal_table *t, int64_t n, const mms_complex *values,
                         const uint8_t *flags, float weight[2])
{
    const int32_t npar = mms_cal_table_npar(t);

    for (int32_t p = 0; p < 2; p++) {
        const int32_t from = p < npar ? p : npar - 1;
        double sum = 0;
        int64_t count = 0;
        for (int64_t i = from; i < n; i += npar)
            if (!flags[i]) {
                const double a = cabsf(values[i]);
                sum += a * a;
                count++;
            }
        weight[p] = count > 0 ? (float)(sum / (double)count) : 1;
    }
}

/** The parameter of each channel and polarization from those of the table's channels. */
static mms_status spread(const work *w, const mms_cal_table *t, int32_t spw, int32_t ddid,
                         int64_t n, const mms_complex *values, const uint8_t *flags, made *m,
                         mms_error *err)
{
    const int32_t npar = mms_cal_table_npar(t), nchan = w->part->set.windows[ddid].nchan;
    const double *in_hz = NULL, *out_hz = w->part->freq_hz[ddid];
    const int64_t nin = n / npar;
    mms_complex *out = mms_alloc(nchan, sizeof *out);
    uint8_t *out_flags = mms_alloc(nchan, 1);
    mms_status st = out && out_flags ? MMS_OK : no_memory(err);

    (void)mms_cal_table_channels(t, mms_cal_table_spw(t, spw), &in_hz);
    for (int32_t p = 0; p < 2 && st == MMS_OK; p++) {
        const int32_t from = p < npar ? p : npar - 1;
        if (nin > 1)
            st = mms_cal_to_channels(nin, in_hz, values + from, flags + from, npar, nchan, out_hz,
                                     mms_cal_table_use(t)->freq, out, out_flags, err);
        for (int32_t k = 0; k < nchan && st == MMS_OK; k++) {
            m->values[2 * k + p] = nin > 1 ? out[k] : values[from];
            m->flags[2 * k + p] = nin > 1 ? out_flags[k] : flags[from];
        }
    }
    free(out);
    free(out_flags);
    return st;
}

static mms_complex turn(double angle)
{
    return (float)cos(angle) + (float)sin(angle) * (mms_complex)_Complex_I;
}

/** Delays in ns become phases about the middle channel of the table's window. */
static void turn_delays(const work *w, const mms_cal_table *t, int32_t spw, int32_t ddid, made *m)
{
    const double *freq_hz = NULL, *out_hz = w->part->freq_hz[ddid];
    const int64_t n = mms_cal_table_channels(t, mms_cal_table_spw(t, spw), &freq_hz);
    const double centre_hz = freq_hz[n / 2];

    for (int32_t k = 0; k < w->part->set.windows[ddid].nchan; k++)
        for (int p = 0; p < 2; p++) {
            mms_complex *v = &m->values[2 * k + p];
            *v = turn(2 * M_PI * crealf(*v) * (out_hz[k] - centre_hz) / 1e9);
        }
}

static mms_status make_room(const work *w, int32_t ddid, made *m, mms_error *err)
{
    const int64_t n = 2 * (int64_t)w->part->set.windows[ddid].nchan;

    if (m->values)
        return MMS_OK;
    m->values = mms_alloc(n, sizeof *m->values);
    m->flags = mms_alloc(n, 1);
    return m->values && m->flags ? MMS_OK : no_memory(err);
}

static void make_none(const work *w, int32_t ddid, made *m)
{
    memset(m->flags, 1, 2 * (size_t)w->part->set.windows[ddid].nchan);
    m->weight[0] = m->weight[1] = 1;
    m->none = true;
}

/** By which a table's phases are multiplied in a window of the set. */
static double phase_ratio(const work *w, const mms_cal_table *t, int32_t spw, int32_t ddid)
{
    const double *from_hz = NULL, *to_hz = w->part->freq_hz[ddid];
    const int64_t n = mms_cal_table_channels(t, mms_cal_table_spw(t, spw), &from_hz);

    return mms_cal_table_use(t)->phase_delay ? to_hz[w->states[ddid]->middle] / from_hz[n / 2] : 1;
}

/** Parameters at a time, in the table's channels, then in the window's. */
static mms_status interpolate(const work *w, const mms_cal_table *t, int32_t spw, int32_t ddid,
                              made *m, mms_error *err)
{
    const double *freq_hz;
    const int64_t nchan = mms_cal_table_channels(t, mms_cal_table_spw(t, spw), &freq_hz);
    const int64_t most = nchan * mms_cal_table_npar(t);
    const int64_t n = mms_cal_table_values(t, m->from);
    mms_complex *values = mms_alloc(most > n ? most : n, sizeof *values);
    uint8_t *flags = mms_alloc(most > n ? most : n, 1);
    mms_status st = values && flags ? MMS_OK : no_memory(err);

    if (st == MMS_OK) {
        mms_cal_at(m->from, &m->place, n, mms_cal_table_is_real(t), phase_ratio(w, t, spw, ddid),
                   values, flags);
        find_weights(t, n, values, flags, m->weight);
        st = spread(w, t, spw, ddid, n, values, flags, m, err);
    }
    if (st == MMS_OK && mms_cal_table_kind(t) == MMS_CAL_K)
        turn_delays(w, t, spw, ddid, m);
    free(values);
    free(flags);
    return st;
}

static bool same_place(const mms_cal_place *a, const mms_cal_place *b)
{
    return a->before == b->before && a->after == b->after && !(a->share < b->share) &&
           !(a->share > b->share);
}

/** Make the parameters of an antenna at a time, unless they are as they were.  *changed: they are
 *  not. */
static mms_status make_antenna(const work *w, const mms_cal_table *t, int32_t ddid, int32_t field,
                               double time_s, int32_t antenna, made *m, bool *changed,
                               mms_error *err)
{
    const int32_t spw = w->part->set.windows[ddid].spw;
    const mms_cal_solution *solutions;
    const int64_t n = mms_cal_table_find(t, spw, field, antenna, &solutions);
    mms_cal_place place = {0, 0, 0};
    mms_status st = make_room(w, ddid, m, err);

    if (st != MMS_OK)
        return st;
    if (n > 0)
        place = mms_cal_find_time(n, solutions, time_s, mms_cal_table_use(t)->nearest);
    *changed = !m->known || m->none != (n == 0) || (n > 0 && m->from != solutions) ||
               !same_place(&m->place, &place);
    if (!*changed)
        return MMS_OK;
    m->known = true;
    m->none = false;
    m->from = solutions;
    m->place = place;
    if (n > 0)
        return interpolate(w, t, spw, ddid, m, err);
    make_none(w, ddid, m);
    return MMS_OK;
}

/* ---- the sky ----------------------------------------------------------------------------------*/

static mms_status find_angles(work *w, int32_t field, double time_s, state *s, mms_error *err)
{
    const int64_t n = w->part->set.nantenna;
    const double(*const itrf_m)[3] = (const double(*)[3])w->part->set.positions;
    mms_direction direction;
    mms_status st;

    MMS_TRY(mms_fields_direction(w->fields, field, time_s, &direction, err));
    MMS_TRY(mms_sky_elevations(&direction, time_s, n, itrf_m, w->sky_rad, err));
    if (!w->asked.parang)
        goto done;
    MMS_TRY(mms_sky_parallactics(&direction, time_s, n, itrf_m, w->parallactic_rad, err));
    for (int64_t i = 0; i < n; i++) {
        const char mount = w->mounts[i];
        s->antennas[i].angle_rad = w->feed_rad[i] + (mount ? w->parallactic_rad[i] : 0) +
                                   (mount == 'r'   ? w->sky_rad[i]
                                    : mount == 'l' ? -w->sky_rad[i]
                                                   : 0);
    }
done:
    return st;
}

/* ---- all tables -------------------------------------------------------------------------------*/

/** The factor of a table in channel and polarization i: J. */
static mms_complex factor_of(const work *w, const mms_cal_table *t, const made *m, int64_t i,
                             int64_t antenna)
{
    if (mms_cal_table_kind(t) != MMS_CAL_OPACITY)
        return m->values[i];
    return (float)exp(-crealf(m->values[i]) / (2 * sin(w->sky_rad[antenna])));
}

/** Opacities weigh by what they make of the elevation. */
static float weight_of(const work *w, const mms_cal_table *t, const made *m, int p, int64_t antenna)
{
    if (mms_cal_table_kind(t) != MMS_CAL_OPACITY)
        return m->weight[p];
    const double j = cabsf(factor_of(w, t, m, p, antenna));
    return m->flags[p] ? 1 : (float)(j * j);
}

static void add_table(const work *w, const mms_cal_table *t, const made *m, int64_t antenna,
                      int32_t nchan, mms_cal_antenna *a)
{
    const bool leak = mms_cal_table_kind(t) == MMS_CAL_D;

    for (int64_t i = 0; i < 2 * (int64_t)nchan; i++) {
        const mms_complex j = factor_of(w, t, m, i, antenna);
        const bool bad = m->flags[i] || (!leak && crealf(j) == 0 && cimagf(j) == 0);
        (leak ? a->leak_flags : a->flags)[i] |= bad;
        a->any_flag = a->any_flag || bad;
        if (bad)
            continue;
        if (leak)
            a->leak[i] += j;
        else
            a->gain[i] *= j;
    }
    if (mms_cal_table_weighs(t))
        for (int p = 0; p < 2; p++)
            a->weight[p] *= weight_of(w, t, m, p, antenna);
}

/** Gains [n/2][2] that are those of the channel before are not divided again. */
static void invert(int64_t n, mms_cal_antenna *a)
{
    mms_complex before[2] = {0};

    a->flat = true;
    for (int64_t i = 0; i < n; i++) {
        const mms_complex gain = a->gain[i];
        const bool same = i > 1 && !memcmp(&gain, &before[i % 2], sizeof gain);
        a->gain[i] = same ? a->gain[i - 2] : 1 / gain;
        before[i % 2] = gain;
        a->flat = a->flat && (same || i < 2);
    }
}

static void combine(const work *w, state *s, int64_t antenna)
{
    const int64_t n = 2 * (int64_t)s->window.nchan;
    mms_cal_antenna *a = &s->antennas[antenna];

    assert(antenna >= 0 && antenna < w->part->set.nantenna);
    a->any_flag = false;
    a->weight[0] = a->weight[1] = 1;
    memset(a->flags, 0, (size_t)n);
    if (a->leak_flags)
        memset(a->leak_flags, 0, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        a->gain[i] = 1;
    if (a->leak)
        memset(a->leak, 0, (size_t)n * sizeof *a->leak);
    for (int64_t t = 0; t < w->ntable; t++)
        if (!s->passes[t])
            add_table(w, w->tables[t], &s->made[t * w->part->set.nantenna + antenna], antenna,
                      s->window.nchan, a);
    invert(n, a);
}

static int64_t bytes_of_state(const work *w, int32_t nchan)
{
    return w->part->set.nantenna * 2 * nchan * (9 * w->ntable + (w->leakage ? 18 : 9));
}

/** Of the chosen channels that in the middle. */
static int32_t middle_of(int32_t nchan, const uint8_t *chosen)
{
    int32_t n = 0, left;

    for (int32_t k = 0; k < nchan; k++)
        n += chosen[k];
    left = n / 2;
    for (int32_t k = 0; k < nchan; k++)
        if (chosen[k] && left-- == 0)
            return k;
    return nchan / 2;
}

/** Steps are ignored, as where flags are cut. */
static mms_status choose_channels(const work *w, const mms_flag_window *window, state *s,
                                  mms_error *err)
{
    const mms_value *range;
    size_t i;

    s->middle = window->nchan / 2;
    s->chosen = w->cuts ? mms_alloc(window->nchan, 1) : NULL;
    if (w->cuts && !s->chosen)
        return no_memory(err);
    json_array_foreach(w->asked.channels, i, range)
    {
        const json_int_t first = json_integer_value(json_array_get(range, 1));
        const json_int_t last = json_integer_value(json_array_get(range, 2));
        if (json_integer_value(json_array_get(range, 0)) == window->spw)
            for (json_int_t k = first; k <= last && k < window->nchan; k++)
                s->chosen[k] = 1;
    }
    if (w->cuts)
        s->middle = middle_of(window->nchan, s->chosen);
    return MMS_OK;
}

static mms_status make_state(work *w, int32_t ddid, mms_error *err)
{
    const mms_flag_window *window = &w->part->set.windows[ddid];
    const int64_t nantenna = w->part->set.nantenna, n = 2 * (int64_t)window->nchan;
    state *s = w->states[ddid] = mms_alloc(1, sizeof *s);
    mms_status st;

    MMS_TRY(s ? MMS_OK : no_memory(err));
    s->made = mms_alloc(w->ntable * nantenna, sizeof *s->made);
    s->passes = mms_alloc(w->ntable, 1);
    s->antennas = mms_alloc(nantenna, sizeof *s->antennas);
    s->gains = mms_alloc(nantenna * n, sizeof *s->gains);
    s->leaks = mms_alloc(w->leakage ? nantenna * n : 1, sizeof *s->leaks);
    s->flags = mms_alloc(nantenna * n, 1);
    s->leak_flags = mms_alloc(w->leakage ? nantenna * n : 1, 1);
    MMS_TRY(s->made && s->passes && s->antennas && s->gains && s->leaks && s->flags && s->leak_flags
                ? MMS_OK
                : no_memory(err));
    for (int64_t i = 0; i < nantenna; i++)
        s->antennas[i] = (mms_cal_antenna){.gain = s->gains + i * n,
                                           .leak = w->leakage ? s->leaks + i * n : NULL,
                                           .flags = s->flags + i * n,
                                           .leak_flags = w->leakage ? s->leak_flags + i * n : NULL};
    MMS_TRY(choose_channels(w, window, s, err));
    MMS_TRY(mms_cal_products(window, s->products, &s->linear, err));
    s->window = (mms_cal_window){window->nchan, window->ncorr,   s->products,
                                 w->leakage,    w->asked.parang, s->linear};
    s->row = (mms_cal_row){-1, -1, -1, -1};
    s->stale = true;
done:
    return st;
}

/** The state of a window; others go when there is no room. */
static mms_status find_state(work *w, int32_t ddid, state **found, mms_error *err)
{
    const int64_t bytes = bytes_of_state(w, w->part->set.windows[ddid].nchan);
    mms_status st = MMS_OK;

    if (!w->states[ddid]) {
        if (w->state_bytes + bytes > w->part->memory / 2 / w->part->threads) {
            for (int64_t i = 0; i < w->part->set.nwindow; i++)
                free_state(w, &w->states[i]);
            w->state_bytes = 0;
        }
        w->state_bytes += bytes;
        st = make_state(w, ddid, err);
    }
    *found = w->states[ddid];
    return st;
}

static bool same_row(const mms_cal_row *a, const mms_cal_row *b)
{
    return a->observation == b->observation && a->field == b->field && a->state == b->state;
}

/** Find which tables are for a row. */
static void choose_tables(const work *w, const mms_cal_row *row, state *s)
{
    bool leaks = false;

    if (same_row(&s->row, row))
        return;
    s->solved = true;
    for (int64_t t = 0; t < w->ntable; t++) {
        const bool passes = !mms_cal_table_covers(w->tables[t], row);
        s->stale = s->stale || passes != s->passes[t];
        s->passes[t] = passes;
        leaks = leaks || (!passes && mms_cal_table_kind(w->tables[t]) == MMS_CAL_D);
        s->solved = s->solved && (passes || mms_cal_table_has(w->tables[t], row->spw, row->field));
    }
    s->row = *row;
    s->window.leakage = leaks;
}

/** Bring a window's state to a row and time. */
static mms_status move_state(work *w, int32_t ddid, const mms_cal_row *row, double time_s, state *s,
                             mms_error *err)
{
    const int64_t nantenna = w->part->set.nantenna;
    const bool sky = w->fields != NULL;
    mms_status st = MMS_OK;

    choose_tables(w, row, s);
    s->time_s = time_s;
    if (!s->solved)
        return MMS_OK;
    if (sky)
        MMS_TRY(find_angles(w, row->field, time_s, s, err));
    for (int64_t i = 0; i < nantenna; i++) {
        bool changed = s->stale || sky, one = false;
        for (int64_t t = 0; t < w->ntable; t++) {
            if (s->passes[t])
                continue;
            MMS_TRY(make_antenna(w, w->tables[t], ddid, row->field, time_s, (int32_t)i,
                                 &s->made[t * nantenna + i], &one, err));
            changed = changed || one;
        }
        if (changed)
            combine(w, s, i);
    }
    s->stale = false;
done:
    return st;
}

/* ---- rows -------------------------------------------------------------------------------------*/

/** Keep what a block was before: channels that are not chosen go back to it. */
static mms_status keep_block(work *w, const mms_change_rows *r, mms_error *err)
{
    const int64_t n = r->rows.count * r->shape[0] * r->shape[1];
    mms_status st = MMS_OK;

    if (w->asked.correct) {
        MMS_TRY(mms_grow(&w->kept, &w->rooms[6], n, sizeof *w->kept, err));
        if (mms_sink_is_new(w->part->sink, MMS_COL_CORRECTED_DATA))
            memcpy(w->kept, w->data, (size_t)n * sizeof *w->kept);
        else
            MMS_TRY(
                mms_sink_read(w->part->sink, MMS_COL_CORRECTED_DATA, 1, &r->rows, n, w->kept, err));
    }
done:
    return st;
}

/** Read the flags of a block, at the first row that may change its own. */
static mms_status read_flags(work *w, const mms_change_rows *r, mms_error *err)
{
    const int64_t n = r->rows.count * r->shape[0] * r->shape[1];
    mms_status st = MMS_OK;

    if (w->has_flags)
        return MMS_OK;
    MMS_TRY(mms_grow(&w->data_flags, &w->rooms[2], n, 1, err));
    MMS_TRY(mms_sink_read(w->part->sink, MMS_COL_FLAG, 1, &r->rows, n, w->data_flags, err));
    if (w->cuts) {
        MMS_TRY(mms_grow(&w->kept_flags, &w->rooms[7], n, 1, err));
        memcpy(w->kept_flags, w->data_flags, (size_t)n);
    }
    w->has_flags = true;
done:
    return st;
}

/** Give the channels of a row that are not chosen what they had; return whether flags differ. */
static bool restore_row(work *w, const state *s, const mms_change_rows *r, int64_t i)
{
    const int64_t ncorr = r->shape[1], cell = r->shape[0] * ncorr;

    for (int64_t k = 0; k < r->shape[0]; k++) {
        const int64_t at = i * cell + k * ncorr;
        if (s->chosen[k])
            continue;
        if (w->asked.correct)
            memcpy(w->data + at, w->kept + at, (size_t)ncorr * sizeof *w->data);
        if (w->has_flags)
            memcpy(w->data_flags + at, w->kept_flags + at, (size_t)ncorr);
    }
    return w->has_flags &&
           memcmp(w->data_flags + i * cell, w->kept_flags + i * cell, (size_t)cell) != 0;
}

/** Read the cells of a column of spectra that are like those of the data, and note which rows have
 *  some. */
static mms_status read_spectra(work *w, const char *column, const mms_change_rows *r, uint8_t bit,
                               float *to, mms_error *err)
{
    const int64_t cell = r->shape[0] * r->shape[1];
    mms_shape_run *runs = NULL;
    int64_t nrun = 0;
    mms_status st;

    MMS_TRY(mms_sink_shapes(w->part->sink, column, 1, &r->rows, &runs, &nrun, err));
    for (int64_t i = 0; i < nrun; i++) {
        const mms_shape_run *run = &runs[i];
        const int64_t first = run->rows.first - r->rows.first;
        if (run->ndim != 2 || run->shape[0] != r->shape[0] || run->shape[1] != r->shape[1])
            continue;
        MMS_TRY(mms_sink_read(w->part->sink, column, 1, &run->rows, run->rows.count * cell,
                              to + first * cell, err));
        for (int64_t k = 0; k < run->rows.count; k++)
            w->has[first + k] |= bit;
    }
done:
    free(runs);
    return st;
}

/** Make room for spectra of weights, where the set has them, and read what they are made of. */
static mms_status open_spectra(work *w, const mms_change_rows *r, mms_error *err)
{
    const int64_t n = r->rows.count * r->shape[0] * r->shape[1];
    mms_sink *sink = w->part->sink;
    mms_status st = MMS_OK;

    if (!mms_sink_column(sink, MMS_COL_WEIGHT_SPECTRUM))
        return MMS_OK;
    MMS_TRY(mms_grow(&w->spectrum, &w->rooms[5], n, sizeof *w->spectrum, err));
    MMS_TRY(mms_grow(&w->has, &w->rooms[8], r->rows.count, 1, err));
    memset(w->has, 0, (size_t)r->rows.count);
    if (w->cuts)
        MMS_TRY(read_spectra(w, MMS_COL_WEIGHT_SPECTRUM, r, HAS_WEIGHTS, w->spectrum, err));
    if (!mms_sink_column(sink, MMS_COL_SIGMA_SPECTRUM))
        return MMS_OK;
    MMS_TRY(mms_grow(&w->sigmas, &w->rooms[9], n, sizeof *w->sigmas, err));
    MMS_TRY(mms_grow(&w->channel, &w->rooms[10], r->shape[0], sizeof *w->channel, err));
    st = read_spectra(w, MMS_COL_SIGMA_SPECTRUM, r, HAS_SIGMAS, w->sigmas, err);
done:
    return st;
}

static mms_status read_block(work *w, const mms_change_rows *r, mms_error *err)
{
    const int64_t n = r->rows.count, cell = r->shape[0] * r->shape[1];
    mms_sink *sink = w->part->sink;
    mms_status st;

    MMS_TRY(mms_grow(&w->which, &w->rooms[0], 3 * n, 1, err));
    if (w->asked.correct) {
        MMS_TRY(mms_grow(&w->data, &w->rooms[1], n * cell, sizeof *w->data, err));
        MMS_TRY(mms_sink_read(sink, MMS_COL_DATA, 1, &r->rows, n * cell, w->data, err));
    }
    w->has_flags = false;
    if (w->cuts)
        MMS_TRY(keep_block(w, r, err));
    if (w->asked.weigh) {
        MMS_TRY(mms_grow(&w->sigma, &w->rooms[3], n * r->shape[1], sizeof *w->sigma, err));
        MMS_TRY(mms_grow(&w->weight, &w->rooms[4], n * r->shape[1], sizeof *w->weight, err));
        MMS_TRY(mms_sink_read(sink, MMS_COL_SIGMA, 1, &r->rows, n * r->shape[1], w->sigma, err));
        MMS_TRY(open_spectra(w, r, err));
    }
done:
    return st;
}

static bool flag_all(int64_t n, uint8_t *flags)
{
    const bool changed = memchr(flags, 0, (size_t)n) != NULL;

    memset(flags, 1, (size_t)n);
    return changed;
}

/** Give all channels of a cell, or those that are chosen, the values of one. */
static void repeat(int64_t nchan, int64_t ncorr, const uint8_t *chosen, const float *values,
                   float *cell)
{
    for (int64_t k = 0; chosen && k < nchan; k++)
        if (chosen[k])
            memcpy(cell + k * ncorr, values, (size_t)ncorr * sizeof *cell);
    if (chosen)
        return;
    memcpy(cell, values, (size_t)ncorr * sizeof *cell);
    for (int64_t done = 1, n; done < nchan; done += n) {
        n = done < nchan - done ? done : nchan - done;
        memcpy(cell + done * ncorr, cell, (size_t)(n * ncorr) * sizeof *cell);
    }
}

/** The median; the lesser of the middle two, as casacore's of axes is.  Sorts values. */
static float lower_median(int64_t n, float *values)
{
    int64_t most = 0;

    if (n % 2 != 0 || n == 0)
        return mms_statwt_median(n, values);
    for (int64_t i = 1; i < n; i++)
        most = values[i] > values[most] ? i : most;
    values[most] = values[n - 1]; // without the greatest one it is the middle one
    return mms_statwt_median(n - 1, values);
}

static float weight_by(float sigma, const float gains[2])
{
    return (sigma > 0 ? 1 / (sigma * sigma) : 0) * gains[0] * gains[1];
}

/** The weights of row i in one correlation, by channel; that of the row is their median. */
static float weigh_channels(work *w, const state *s, const mms_change_rows *r, int64_t i, int64_t c,
                            const float gains[2])
{
    const int64_t nchan = r->shape[0], ncorr = r->shape[1];
    const bool keeps = s->chosen && w->has[i] & HAS_WEIGHTS;
    int64_t n = 0;

    for (int64_t k = 0; k < nchan; k++) {
        const int64_t at = (i * nchan + k) * ncorr + c;
        const bool chosen = !s->chosen || s->chosen[k];
        const float weight = weight_by(w->sigmas[at], gains);
        if (chosen || !keeps)
            w->spectrum[at] = weight;
        if (chosen)
            w->channel[n++] = weight;
    }
    return lower_median(n, w->channel);
}

/** The weights of row i: of SIGMA_SPECTRUM where there are spectra of both, else of SIGMA. */
static void weigh_row(work *w, const state *s, const mms_change_rows *r, int64_t i,
                      const mms_cal_antenna *a, const mms_cal_antenna *b)
{
    const int64_t nchan = r->shape[0], ncorr = r->shape[1];
    const uint8_t has = w->spectrum ? w->has[i] : 0;
    float *const weight = w->weight + i * ncorr;

    for (int64_t c = 0; c < ncorr; c++) {
        const float gains[2] = {a->weight[s->products[c].p], b->weight[s->products[c].q]};
        weight[c] = has & HAS_SIGMAS ? weigh_channels(w, s, r, i, c, gains)
                                     : weight_by(w->sigma[i * ncorr + c], gains);
    }
    if (w->spectrum && !(has & HAS_SIGMAS))
        repeat(nchan, ncorr, has & HAS_WEIGHTS ? s->chosen : NULL, weight,
               w->spectrum + i * nchan * ncorr);
}

/** Row i of a block; flagged: its flags have changed; weighed: its weights are new. */
static mms_status do_row(work *w, const state *s, const mms_change_rows *r, int64_t i,
                         uint8_t *flagged, uint8_t *weighed, mms_error *err)
{
    const int64_t cell = r->shape[0] * r->shape[1];
    const mms_cal_antenna *a = &s->antennas[r->antenna1[i]], *b = &s->antennas[r->antenna2[i]];
    const bool flags =
        w->asked.flag && (s->solved ? mms_cal_may_flag(&s->window, a, b) : w->asked.strict);
    mms_status st = MMS_OK;

    if (flags)
        MMS_TRY(read_flags(w, r, err));
    if (!s->solved) {
        *flagged = flags && flag_all(cell, w->data_flags + i * cell);
        return MMS_OK;
    }
    if (w->asked.correct)
        mms_cal_correct(&s->window, a, b, w->data + i * cell);
    if (flags)
        *flagged = mms_cal_flag(&s->window, a, b, w->data_flags + i * cell);
    *weighed = w->asked.weigh;
    if (w->asked.weigh)
        weigh_row(w, s, r, i, a, b);
done:
    return st;
}

static mms_status do_block(mms_change_part *p, void *user, const mms_change_rows *r, mms_error *err)
{
    work *w = (work *)user + r->thread;
    const int64_t n = r->rows.count;
    const bool is_new = mms_sink_is_new(p->sink, MMS_COL_CORRECTED_DATA);
    uint8_t *flagged, *weighed, *corrected;
    int64_t changed = 0;
    state *s = NULL;
    mms_status st;

    MMS_TRY(read_block(w, r, err));
    corrected = w->which;
    flagged = w->which + n;
    weighed = w->which + 2 * n;
    memset(w->which, 0, 3 * (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        corrected[i] = r->selected[i] || is_new;
        if (!r->selected[i])
            continue;
        MMS_TRY(find_state(w, r->ddid[i], &s, err));
        const mms_cal_row row = {r->observation[i], r->field[i], r->state[i],
                                 p->set.windows[r->ddid[i]].spw};
        if (!same_row(&s->row, &row) || s->time_s < r->time_s[i] || s->time_s > r->time_s[i])
            MMS_TRY(move_state(w, r->ddid[i], &row, r->time_s[i], s, err));
        corrected[i] = s->solved || is_new; // without solutions a row keeps what it has
        MMS_TRY(do_row(w, s, r, i, &flagged[i], &weighed[i], err));
        if (s->chosen)
            flagged[i] = restore_row(w, s, r, i);
        changed += (w->asked.correct && corrected[i]) || flagged[i];
    }
    p->changed_rows += changed;
    if (w->asked.correct)
        MMS_TRY(mms_change_write(p, MMS_COL_CORRECTED_DATA, r, corrected, 2, r->shape,
                                 sizeof *w->data, w->data, err));
    if (w->has_flags)
        MMS_TRY(mms_change_write(p, MMS_COL_FLAG, r, flagged, 2, r->shape, 1, w->data_flags, err));
    if (w->asked.weigh) {
        MMS_TRY(mms_change_write(p, MMS_COL_WEIGHT, r, weighed, 1, r->shape + 1, sizeof *w->weight,
                                 w->weight, err));
        if (w->spectrum)
            MMS_TRY(mms_change_write(p, MMS_COL_WEIGHT_SPECTRUM, r, weighed, 2, r->shape,
                                     sizeof *w->spectrum, w->spectrum, err));
    }
done:
    return st;
}

static mms_status do_part(mms_change_part *p, mms_error *err)
{
    work shared = {.part = p}, *threads = mms_alloc(p->threads, sizeof *threads);
    mms_status st;

    MMS_TRY(threads ? open_work(&shared, err) : no_memory(err));
    for (int64_t i = 0; i < p->threads; i++)
        MMS_TRY(open_thread(&shared, &threads[i], err));
    MMS_TRY(mms_change_each(p, MMS_COL_DATA, 20, do_block, threads, err));
done:
    for (int64_t i = 0; threads && i < p->threads; i++)
        close_thread(&threads[i]);
    free(threads);
    close_work(&shared);
    return st;
}

mms_status mms_applycal_unit(mms_job *job, const mms_value *order, mms_value *answer,
                             mms_error *err)
{
    return mms_change_unit(job, order, do_part, answer, err);
}
