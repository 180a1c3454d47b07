/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulate_values.c  The values of a simulated MS, column by column (simulate.h has the
 * formulas). */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "ms/columns.h"
#include "simulate_priv.h"

/* What random numbers are for: each purpose has its own */
enum purpose { FOR_ROW_FLAG = 1, FOR_FLAG, FOR_WEIGHT, FOR_NOISE };

static const int64_t PLACE_ROWS = 1 << 24, FLOAT_ROWS = 1 << 12;

/* The end of splitmix64: a number for a place, whatever the order of the calls */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t row_key(const struct sim *sim, enum purpose purpose, int64_t row)
{
    return mix(mix((uint64_t)sim->o.seed * 8 + purpose) + (uint64_t)row * 0x9e3779b97f4a7c15u);
}

static uint64_t draw(uint64_t key, int64_t index)
{
    return mix(key + (uint64_t)(index + 1) * 0x9e3779b97f4a7c15u);
}

/* From [0, 1) */
static double uniform(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

static int64_t cell_places(const struct sim *sim, int32_t dd)
{
    return sim_nchan(sim, dd) * sim_ncorr(sim, dd);
}

static void add_noise(const struct sim *sim, int64_t row, int64_t nplace, float factor, float *out)
{
    const uint64_t key = row_key(sim, FOR_NOISE, row);
    const double width = 2 * sim->o.noise;

    for (int64_t i = 0; i < 2 * nplace; i++)
        out[i] += factor * (float)(width * (uniform(draw(key, i)) - 0.5));
}

static void put_places(const struct sim *sim, const struct sim_row *row, float factor, float *out)
{
    const int64_t nplace = cell_places(sim, row->dd);
    const float real = factor * (float)(row->row % PLACE_ROWS);

    for (int64_t i = 0; i < nplace; i++) {
        out[2 * i] = real;
        out[2 * i + 1] = factor * (float)i;
    }
}

/* The line in all correlations; step floats from one value to the next.  out holds a cell: its
 * first nchan floats are room for the heights, and channels are spread from the last one down */
static void put_line(const struct sim *sim, const struct sim_row *row, float factor, int64_t step,
                     float *out)
{
    const int64_t nchan = sim_nchan(sim, row->dd), ncorr = sim_ncorr(sim, row->dd);

    sim_line(sim, row, nchan, out);
    for (int64_t k = nchan - 1; k >= 0; k--) {
        const float height = out[k];
        float *const channel = out + k * ncorr * step;
        for (int64_t i = 0; i < ncorr * step; i++)
            channel[i] = i % step ? 0 : factor * height;
    }
}

static void fill_vis(const struct sim *sim, int64_t n, const struct sim_row *rows, float factor,
                     float *out)
{
    for (int64_t r = 0; r < n; r++) {
        const int64_t nplace = cell_places(sim, rows[r].dd);
        if (sim->line_hz)
            put_line(sim, &rows[r], factor, 2, out);
        else
            put_places(sim, &rows[r], factor, out);
        if (sim->o.noise > 0)
            add_noise(sim, rows[r].row, nplace, factor, out);
        out += 2 * nplace;
    }
}

static void fill_data(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    fill_vis(sim, n, rows, 1, out);
}

static void fill_model(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    fill_vis(sim, n, rows, -1, out);
}

static void fill_corrected(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    fill_vis(sim, n, rows, 2, out);
}

static void fill_float(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    float *value = out;

    for (int64_t r = 0; r < n; r++) {
        const int64_t nplace = cell_places(sim, rows[r].dd);
        const int64_t base = rows[r].row % FLOAT_ROWS * FLOAT_ROWS;
        for (int64_t i = 0; i < nplace; i++)
            value[i] = (float)(base + i % FLOAT_ROWS);
        if (sim->line_hz)
            put_line(sim, &rows[r], 1, 1, value);
        value += nplace;
    }
}

/* Half of the flagged visibilities lie in rows flagged as a whole */
static bool is_row_flagged(const struct sim *sim, int64_t row)
{
    const double p = sim->o.flags;

    return p >= 1 || (p > 0 && uniform(row_key(sim, FOR_ROW_FLAG, row)) < p / 2);
}

static void fill_flag_row(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    unsigned char *const flag = out;

    for (int64_t r = 0; r < n; r++)
        flag[r] = is_row_flagged(sim, rows[r].row);
}

static void fill_flag(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    const double p = sim->o.flags < 1 ? sim->o.flags / 2 / (1 - sim->o.flags / 2) : 1;
    unsigned char *flag = out;

    for (int64_t r = 0; r < n; r++) {
        const int64_t nplace = cell_places(sim, rows[r].dd);
        const uint64_t key = row_key(sim, FOR_FLAG, rows[r].row);
        const bool whole = is_row_flagged(sim, rows[r].row);
        memset(flag, whole, (size_t)nplace);
        if (!whole && p > 0)
            for (int64_t i = 0; i < nplace; i++)
                flag[i] = uniform(draw(key, i)) < p;
        flag += nplace;
    }
}

static float weight(uint64_t key, int64_t corr)
{
    return 1 + (float)(draw(key, corr) & 7) / 8;
}

static float sigma_of(float weight)
{
    return 1 / sqrtf(weight);
}

static void fill_weight(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    float *value = out;

    for (int64_t r = 0; r < n; r++) {
        const int32_t ncorr = sim_ncorr(sim, rows[r].dd);
        const uint64_t key = row_key(sim, FOR_WEIGHT, rows[r].row);
        for (int32_t c = 0; c < ncorr; c++)
            *value++ = weight(key, c);
    }
}

static void fill_weight_spectrum(const struct sim *sim, int64_t n, const struct sim_row *rows,
                                 void *out)
{
    float *value = out;

    for (int64_t r = 0; r < n; r++) {
        const int64_t nchan = sim_nchan(sim, rows[r].dd);
        const int32_t ncorr = sim_ncorr(sim, rows[r].dd);
        const uint64_t key = row_key(sim, FOR_WEIGHT, rows[r].row);
        float of_corr[SIM_MAX_CORR];
        assert(ncorr <= SIM_MAX_CORR);
        for (int32_t c = 0; c < ncorr; c++)
            of_corr[c] = weight(key, c);
        for (int64_t k = 0; k < nchan; k++)
            for (int32_t c = 0; c < ncorr; c++)
                *value++ = of_corr[c] * (1 + (float)(k % 4) / 4);
    }
}

static void fill_sigma(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    float *const value = out;
    const int64_t count = n * sim_ncorr(sim, rows[0].dd);

    fill_weight(sim, n, rows, out);
    for (int64_t i = 0; i < count; i++)
        value[i] = sigma_of(value[i]);
}

static void fill_sigma_spectrum(const struct sim *sim, int64_t n, const struct sim_row *rows,
                                void *out)
{
    float *const value = out;
    const int64_t count = n * cell_places(sim, rows[0].dd);

    fill_weight_spectrum(sim, n, rows, out);
    for (int64_t i = 0; i < count; i++)
        value[i] = sigma_of(value[i]);
}

/* Sine and cosine of a field's Greenwich hour angle and declination */
struct pointing {
    double sin_h, cos_h, sin_d, cos_d;
};

/* The sidereal angle to the second is enough here */
static struct pointing point(const struct sim *sim, const struct sim_row *row)
{
    const double days = sim_time(sim, row->scan, row->integration) / 86400.0 - 51544.5;
    const double turns = 0.7790572732640 + 1.00273781191135448 * days;
    double dir[2], hour_angle;

    sim_direction(row->scan % sim->nfield, dir);
    hour_angle = 2 * M_PI * (turns - floor(turns)) - dir[0];
    return (struct pointing){sin(hour_angle), cos(hour_angle), sin(dir[1]), cos(dir[1])};
}

static void fill_uvw(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    double *uvw = out;
    struct pointing p = point(sim, &rows[0]);

    for (int64_t r = 0; r < n; r++, uvw += 3) {
        const struct sim_row *const row = &rows[r];
        const double *const from = sim->position + 3 * (int64_t)sim->ant1[row->baseline];
        const double *const to = sim->position + 3 * (int64_t)sim->ant2[row->baseline];
        const double x = to[0] - from[0], y = to[1] - from[1], z = to[2] - from[2];
        if (r && (row->scan != row[-1].scan || row->integration != row[-1].integration))
            p = point(sim, row);
        uvw[0] = p.sin_h * x + p.cos_h * y;
        uvw[1] = -p.sin_d * (p.cos_h * x - p.sin_h * y) + p.cos_d * z;
        uvw[2] = p.cos_d * (p.cos_h * x - p.sin_h * y) + p.sin_d * z;
    }
}

static void fill_time(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    double *const value = out;

    for (int64_t r = 0; r < n; r++)
        value[r] = sim_time(sim, rows[r].scan, rows[r].integration);
}

static void fill_interval(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    double *const value = out;

    (void)rows;
    for (int64_t r = 0; r < n; r++)
        value[r] = sim->o.interval_s;
}

static void fill_zero(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out)
{
    (void)sim, (void)rows;
    memset(out, 0, (size_t)n * sizeof(int32_t));
}

/* The other ids: an expression of the row */
#define FILL_ID(name, expression)                                                             \
    static void name(const struct sim *sim, int64_t n, const struct sim_row *rows, void *out) \
    {                                                                                         \
        int32_t *const id = out;                                                              \
                                                                                              \
        (void)sim;                                                                            \
        for (int64_t r = 0; r < n; r++) {                                                     \
            const struct sim_row *const row = &rows[r];                                       \
            id[r] = (int32_t)(expression);                                                    \
        }                                                                                     \
    }
FILL_ID(fill_ant1, sim->ant1[row->baseline])
FILL_ID(fill_ant2, sim->ant2[row->baseline])
FILL_ID(fill_dd, row->dd)
FILL_ID(fill_field, row->scan % sim->nfield)
FILL_ID(fill_scan, row->scan + sim->o.first_scan)
FILL_ID(fill_state, row->scan % sim->nstate)
#undef FILL_ID

#define ALWAYS    0
#define WHEN(key) offsetof(mms_simulate_opts, key)

const struct sim_column sim_columns[] = {
    {MMS_COL_TIME, SIM_SLOW, SIM_SCALAR, MMS_DT_DOUBLE, ALWAYS, fill_time},
    {MMS_COL_TIME_CENTROID, SIM_SLOW, SIM_SCALAR, MMS_DT_DOUBLE, ALWAYS, fill_time},
    {MMS_COL_INTERVAL, SIM_SLOW, SIM_SCALAR, MMS_DT_DOUBLE, ALWAYS, fill_interval},
    {MMS_COL_EXPOSURE, SIM_SLOW, SIM_SCALAR, MMS_DT_DOUBLE, ALWAYS, fill_interval},
    {MMS_COL_ARRAY_ID, SIM_SLOW, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_zero},
    {MMS_COL_FEED1, SIM_SLOW, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_zero},
    {MMS_COL_FEED2, SIM_SLOW, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_zero},
    {MMS_COL_OBSERVATION_ID, SIM_SLOW, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_zero},
    {MMS_COL_PROCESSOR_ID, SIM_SLOW, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_zero},
    {MMS_COL_FIELD_ID, SIM_SLOW, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_field},
    {MMS_COL_SCAN_NUMBER, SIM_SLOW, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_scan},
    {MMS_COL_STATE_ID, SIM_SLOW, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_state},
    {MMS_COL_ANTENNA1, SIM_FAST, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_ant1},
    {MMS_COL_ANTENNA2, SIM_FAST, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_ant2},
    {MMS_COL_DATA_DESC_ID, SIM_FAST, SIM_SCALAR, MMS_DT_INT, ALWAYS, fill_dd},
    {MMS_COL_FLAG_ROW, SIM_FAST, SIM_SCALAR, MMS_DT_BOOL, ALWAYS, fill_flag_row},
    {MMS_COL_UVW, SIM_PLACE, SIM_UVW, MMS_DT_DOUBLE, ALWAYS, fill_uvw},
    {MMS_COL_WEIGHT, SIM_WEIGHT, SIM_CORR, MMS_DT_FLOAT, ALWAYS, fill_weight},
    {MMS_COL_SIGMA, SIM_WEIGHT, SIM_CORR, MMS_DT_FLOAT, ALWAYS, fill_sigma},
    {MMS_COL_DATA, SIM_VIS, SIM_CHAN_CORR, MMS_DT_COMPLEX, WHEN(data), fill_data},
    {MMS_COL_MODEL_DATA, SIM_VIS, SIM_CHAN_CORR, MMS_DT_COMPLEX, WHEN(model), fill_model},
    {MMS_COL_CORRECTED_DATA, SIM_VIS, SIM_CHAN_CORR, MMS_DT_COMPLEX, WHEN(corrected),
     fill_corrected},
    {MMS_COL_FLOAT_DATA, SIM_VIS, SIM_CHAN_CORR, MMS_DT_FLOAT, WHEN(floatdata), fill_float},
    {MMS_COL_WEIGHT_SPECTRUM, SIM_SPECTRUM, SIM_CHAN_CORR, MMS_DT_FLOAT, WHEN(wtspectrum),
     fill_weight_spectrum},
    {MMS_COL_SIGMA_SPECTRUM, SIM_SPECTRUM, SIM_CHAN_CORR, MMS_DT_FLOAT, WHEN(sigmaspectrum),
     fill_sigma_spectrum},
    /* after the data: in a shared manager the first column chooses the tile */
    {MMS_COL_FLAG, SIM_FLAG, SIM_CHAN_CORR, MMS_DT_BOOL, ALWAYS, fill_flag},
    {0},
};

bool sim_has_column(const struct sim *sim, const struct sim_column *column)
{
    const size_t at = column->switch_offset;

    return !at || *(const bool *)((const char *)&sim->o + at);
}

int64_t sim_cell_size(const struct sim *sim, const struct sim_column *column, int32_t dd)
{
    switch (column->cell) {
    case SIM_UVW:
        return 3;
    case SIM_CORR:
        return sim_ncorr(sim, dd);
    case SIM_CHAN_CORR:
        return cell_places(sim, dd);
    case SIM_SCALAR:
        break;
    }
    return 1;
}
