/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulate_line.c  A spectral line that stays at its velocity in a frame, as the observatory
 * sees it: at another frequency in each integration and field. */
#include <math.h>
#include <string.h>

#include "simulate_priv.h"
#include "tables/measures_priv.h"

static const double LIGHT_M_S = 299792458.0;
/* Channels that a line takes whose width is not given */
static const double CHANNELS = 4;

static mms_status read_frame(const struct sim *sim, mms_freq_frame *frame, mms_error *err)
{
    const mms_status st = mms_frame_parse(sim->o.line_frame, frame, err);

    if (st != MMS_OK)
        return mms_wrap(err, st, "parameter lineframe");
    return *frame != MMS_FRAME_REST && *frame != MMS_FRAME_SOURCE
               ? MMS_OK
               : mms_fail(err, MMS_ERR_ARG, "parameter lineframe: no velocity is given in %s",
                          sim->o.line_frame);
}

static mms_status read_quantity(const char *name, const char *text, const char *unit, double most,
                                double *value, mms_error *err)
{
    const mms_status st = *text ? mms_quantity_parse(text, unit, false, value, err) : MMS_OK;

    if (st != MMS_OK)
        return mms_wrap(err, MMS_ERR_ARG, "parameter %s", name);
    return fabs(*value) < most
               ? MMS_OK
               : mms_fail(err, MMS_ERR_ARG, "parameter %s: %s is not below the velocity of light",
                          name, text);
}

mms_status sim_read_line(struct sim *sim, mms_error *err)
{
    const mms_simulate_opts *const o = &sim->o;
    mms_freq_frame frame;
    mms_status st;

    MMS_TRY(read_quantity("restfreq", o->restfreq, "Hz", INFINITY, &sim->line_rest_hz, err));
    MMS_TRY(read_quantity("linevelocity", o->line_velocity, "m/s", LIGHT_M_S, &sim->line_m_s, err));
    MMS_TRY(read_quantity("linewidth", o->line_width, "m/s", LIGHT_M_S, &sim->line_width_m_s, err));
    if (*o->restfreq && !(sim->line_rest_hz > 0))
        return mms_fail(err, MMS_ERR_ARG, "parameter restfreq: %s: a frequency must be positive",
                        o->restfreq);
    if (*o->line_width && !(sim->line_width_m_s > 0))
        return mms_fail(err, MMS_ERR_ARG, "parameter linewidth: %s: a width must be positive",
                        o->line_width);
    if (!isfinite(o->line_flux))
        return mms_fail(err, MMS_ERR_ARG, "parameter lineflux: not a finite number");
    MMS_TRY(read_frame(sim, &frame, err));
done:
    return st;
}

/* From where and when an integration is seen */
static mms_status look(const struct sim *sim, int32_t scan, int32_t integration,
                       mms_viewpoint *view, mms_error *err)
{
    double direction[2];
    mms_site site;
    mms_status st;

    sim_direction(scan % sim->nfield, direction);
    view->time_s = sim_time(sim, scan, integration);
    view->direction.lon_rad = direction[0];
    view->direction.lat_rad = direction[1];
    view->velocity_m_s = NAN;
    MMS_TRY(mms_direction_reference("J2000", &view->direction.reference, err));
    MMS_TRY(mms_site_find(sim->o.telescope, sim->nant, sim->position, &site, err));
    memcpy(view->itrf_m, site.itrf_m, sizeof view->itrf_m);
done:
    return st;
}

mms_status sim_find_line(struct sim *sim, mms_error *err)
{
    const int64_t n = (int64_t)sim->nscan * sim->nint;
    mms_freq_frame frame;
    mms_viewpoint view = {0};
    mms_frame_route route;
    mms_status st;

    if (sim->line_rest_hz == 0)
        return MMS_OK;
    MMS_TRY(read_frame(sim, &frame, err));
    sim->line_hz = mms_alloc(n, sizeof *sim->line_hz);
    MMS_TRY(sim->line_hz ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory"));
    for (int64_t i = 0; i < n; i++) {
        MMS_TRY(look(sim, (int32_t)(i / sim->nint), (int32_t)(i % sim->nint), &view, err));
        MMS_TRY(mms_frame_route_make(frame, &view, MMS_FRAME_TOPO, &view, true, &route, err));
        sim->line_hz[i] = sim->line_rest_hz * (1 - sim->line_m_s / LIGHT_M_S);
        for (int64_t s = 0; s < route.n; s++)
            sim->line_hz[i] *= route.factor[s];
    }
done:
    return st;
}

void sim_line(const struct sim *sim, const struct sim_row *row, int64_t nchan, float *out)
{
    const mms_simulate_opts *const o = &sim->o;
    const double seen_hz = sim->line_hz[(int64_t)row->scan * sim->nint + row->integration];
    const double first_hz = sim_start_freq_hz(sim, row->dd / sim->nsetup);
    const double width_hz = sim->line_width_m_s > 0 ? seen_hz * sim->line_width_m_s / LIGHT_M_S
                                                    : CHANNELS * fabs(o->chan_width_hz);

    for (int64_t k = 0; k < nchan; k++) {
        const double x = (first_hz + o->chan_width_hz * (double)k - seen_hz) / width_hz;
        out[k] = (float)(o->line_flux * exp(-4 * M_LN2 * x * x));
    }
}
