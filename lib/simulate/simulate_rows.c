/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulate_rows.c  The rows of a simulated set in order: when, where and what cells. */
#include <assert.h>
#include <inttypes.h>

#include "simulate_priv.h"

/* MJD 57000, so that any two sets with the same parameters are the same */
static const double START_S = 57000.0 * 86400.0;
/* Integrations between two scans */
static const int32_t SCAN_GAP = 5;
static const double FIELD_RA_RAD = 1.0, FIELD_DEC_RAD = 0.5, FIELD_STEP_RAD = 0.02;

int64_t sim_nchan(const struct sim *sim, int32_t dd)
{
    assert(dd >= 0 && dd < sim->ndd);
    return sim->o.channels[sim->o.nchannels == 1 ? 0 : dd / sim->nsetup];
}

int32_t sim_ncorr(const struct sim *sim, int32_t dd)
{
    return sim->setups[dd % sim->nsetup].ncorr;
}

bool sim_same_shape(const struct sim *sim)
{
    for (int32_t dd = 1; dd < sim->ndd; dd++)
        if (sim_nchan(sim, dd) != sim_nchan(sim, 0) || sim_ncorr(sim, dd) != sim_ncorr(sim, 0))
            return false;
    return true;
}

bool sim_has_rows(const struct sim *sim, const struct sim_row *row)
{
    assert(row->scan < sim->nscan && row->dd < sim->ndd);
    return !sim->missing[(int64_t)row->scan * sim->nspw + row->dd / sim->nsetup];
}

/* Count up *value below limit; true when it went over and began again */
static bool carry(int32_t *value, int32_t limit)
{
    if (++*value < limit)
        return false;
    *value = 0;
    return true;
}

/* Step over (scan, integration, dd) in the order of the rows; false after the last */
static bool next_group(const struct sim *sim, struct sim_row *row)
{
    if (sim->o.spw_order)
        return !carry(&row->integration, sim->nint) || !carry(&row->scan, sim->nscan) ||
               !carry(&row->dd, sim->ndd);
    return !carry(&row->dd, sim->ndd) || !carry(&row->integration, sim->nint) ||
           !carry(&row->scan, sim->nscan);
}

static bool skip_missing(const struct sim *sim, struct sim_row *row)
{
    while (!sim_has_rows(sim, row))
        if (!next_group(sim, row))
            return false;
    return true;
}

bool sim_first(const struct sim *sim, struct sim_row *row)
{
    *row = (struct sim_row){0};
    return skip_missing(sim, row);
}

bool sim_next(const struct sim *sim, struct sim_row *row)
{
    row->row++;
    if (!carry(&row->baseline, sim->nbaseline))
        return true;
    return next_group(sim, row) && skip_missing(sim, row);
}

double sim_time(const struct sim *sim, int32_t scan, int32_t integration)
{
    const int64_t before = (int64_t)scan * (sim->nint + SCAN_GAP) + integration;

    return START_S + sim->o.interval_s * ((double)before + 0.5);
}

void sim_direction(int32_t field, double dir_rad[2])
{
    dir_rad[0] = FIELD_RA_RAD + FIELD_STEP_RAD * (field % 100);
    dir_rad[1] = FIELD_DEC_RAD + FIELD_STEP_RAD * (field / 100 % 50);
}

double sim_start_freq_hz(const struct sim *sim, int32_t spw)
{
    double channels = 0; /* of the spws below */

    for (int32_t i = 0; i < spw; i++)
        channels += (double)sim_nchan(sim, i * sim->nsetup);
    return sim->o.start_freq_hz + sim->o.chan_width_hz * channels;
}
