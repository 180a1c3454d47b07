// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file measures.cpp  Frames of frequencies: the steps of a conversion as factors.
 *
 * casacore converts one frequency at a time. All it does is multiply by one factor a step, which
 * depends on epoch, place and direction only; here the factors are made from the same velocities,
 * in the same arithmetic, to be used for all channels. */
#include <casacore/casa/BasicSL/Constants.h>
#include <casacore/casa/Quanta/MVDirection.h>
#include <casacore/casa/Quanta/MVPosition.h>
#include <casacore/measures/Measures/Aberration.h>
#include <casacore/measures/Measures/MDirection.h>
#include <casacore/measures/Measures/MEpoch.h>
#include <casacore/measures/Measures/MFrequency.h>
#include <casacore/measures/Measures/MPosition.h>
#include <casacore/measures/Measures/MeasFrame.h>
#include <casacore/measures/Measures/MeasTable.h>

#include <cmath>
#include <limits>

#include "frames.hpp"
#include "measures_data.hpp"
#include "measures_priv.h"

using casacore::MeasFrame;
using casacore::MeasTable;
using casacore::MVDirection;
using casacore::MVPosition;

namespace
{

const double day_s = 86400;

/** A viewpoint as casacore's frame, made anew for each route: its caches depend on what was asked
 *  before. */
class scene
{
public:
    explicit scene(const mms_viewpoint &v)
    {
        const casacore::MEpoch epoch(casacore::MVEpoch(casacore::Quantity(v.time_s / day_s, "d")),
                                     casacore::MEpoch::UTC);
        const casacore::MPosition place(MVPosition(v.itrf_m[0], v.itrf_m[1], v.itrf_m[2]),
                                        casacore::MPosition::ITRF);
        const casacore::MDirection direction(
            MVDirection(v.direction.lon_rad, v.direction.lat_rad),
            static_cast<casacore::MDirection::Types>(v.direction.reference));
        frame_ = MeasFrame(epoch, place, direction);
    }
    MVDirection j2000() const
    {
        MVDirection d;
        frame_.getJ2000(d);
        return d;
    }
    MVDirection apparent() const
    {
        MVDirection d;
        frame_.getApp(d);
        return d;
    }
    /** Velocity of the place by Earth's rotation, in c. */
    MVPosition rotation() const
    {
        double last, radius, tdb, latitude;
        frame_.getLASTr(last);
        frame_.getRadius(radius);
        frame_.getTDB(tdb);
        frame_.getLat(latitude);
        MVPosition v(MVDirection(casacore::C::pi_2 + last, 0.0));
        v.readjust(MeasTable::diurnalAber(radius, tdb) * std::cos(latitude));
        return v;
    }
    double tdb() const
    {
        double day;
        frame_.getTDB(day);
        return day;
    }
    /** Velocity of Earth round the barycentre, in c. */
    MVPosition orbit() const
    {
        double tdb;
        frame_.getTDB(tdb);
        casacore::Aberration aberration(casacore::Aberration::STANDARD);
        return aberration(tdb);
    }

private:
    MeasFrame frame_;
};

/** The two ends of a conversion. */
struct ends {
    const mms_viewpoint &view_in, &view_out;
    scene in, out;
};

/** Bring casacore's caches into a state that depends on the two epochs alone.  For the whole
 * process it keeps the coefficients of aberration and nutation of 32 epochs, and takes those of any
 * of them within 53 minutes.  So the cache begins anew with each reference time (out), whose
 * coefficients are its own, as in CASA; any other epoch takes those of a fixed distance from it, of
 * which it is near to one.  UT1-UTC of the last epoch is kept for those within an hour: it is asked
 * for on another day. */
void settle_caches(const ends &e)
{
    static double reference = std::numeric_limits<double>::quiet_NaN(); // under casacore_lock()
    const double near = 1e-6, apart = 2 * near * (1 - near);
    const double days = (e.view_in.time_s - e.view_out.time_s) / day_s;
    const double steps = std::round(days / 36525 / apart);
    const auto keep = [&](double centuries) {
        MeasTable::mulAber(centuries, near);
        MeasTable::mulSC(centuries, near);
    };

    if (reference != e.view_out.time_s)
        for (int i = 0; i < 32; i++)
            keep(-50 - i);
    reference = e.view_out.time_s;
    MeasTable::dUT1(e.view_out.time_s / day_s - std::fabs(days) - 2);
    e.out.apparent();
    e.out.orbit();
    if (steps != 0)
        keep((e.out.tdb() - 51544.5) / 36525 + steps * apart);
}

double receding(double g)
{
    return std::sqrt((1 - g) / (1 + g));
}

double approaching(double g)
{
    return std::sqrt((1 + g) / (1 - g));
}

double velocity_along(const MVPosition &m_s, const MVDirection &direction)
{
    return (m_s * direction) / casacore::C::c;
}

/** Velocity of a frame to its parent, m/s; those of Earth and sources are not here. */
MVPosition frame_velocity(int32_t frame)
{
    switch (frame) {
    case MMS_FRAME_LSRK:
        return MVPosition(MeasTable::velocityLSRK(0));
    case MMS_FRAME_LSRD:
        return MVPosition(MeasTable::velocityLSR(0));
    case MMS_FRAME_GALACTO:
        return MVPosition(MeasTable::velocityLSRGal(0));
    case MMS_FRAME_LGROUP:
        return MVPosition(MeasTable::velocityLGROUP(0));
    default:
        return MVPosition(MeasTable::velocityCMB(0));
    }
}

/** From a frame to its parent. */
double up(const ends &e, int32_t frame)
{
    switch (frame) {
    case MMS_FRAME_REST:
        return receding(e.view_in.velocity_m_s / casacore::C::c);
    case MMS_FRAME_TOPO:
        return receding(e.in.rotation() * e.out.apparent());
    case MMS_FRAME_GEO:
        return receding(e.in.orbit() * e.out.j2000());
    default:
        return approaching(velocity_along(frame_velocity(frame), e.out.j2000()));
    }
}

/** From its parent to a frame. */
double down(const ends &e, int32_t frame)
{
    switch (frame) {
    case MMS_FRAME_REST:
        return approaching(e.view_out.velocity_m_s / casacore::C::c);
    case MMS_FRAME_TOPO:
        return approaching(e.out.rotation() * e.out.apparent());
    case MMS_FRAME_GEO:
        return approaching(e.out.orbit() * e.out.j2000());
    default:
        return receding(velocity_along(frame_velocity(frame), e.in.j2000()));
    }
}

mms_status check(int32_t from, const mms_viewpoint *in, int32_t to, const mms_viewpoint *out,
                 mms_error *err)
{
    for (const int32_t frame : {from, to})
        if (frame < 0 || frame >= MMS_FRAME_COUNT)
            return mms_fail(err, MMS_ERR_ARG, "frequency frame %d is not known", frame);
    const bool at_rest = (from == MMS_FRAME_REST && std::isnan(in->velocity_m_s)) ||
                         (to == MMS_FRAME_REST && std::isnan(out->velocity_m_s));
    if (from != to && at_rest)
        return mms_fail(err, MMS_ERR_ARG,
                        "frequencies from %s to %s need the radial velocity of the source",
                        mms_frame_name(from), mms_frame_name(to));
    return MMS_OK;
}

mms_status check_data(int32_t from, int32_t to, mms_error *err)
{
    mms_measures data;
    mms_status st = MMS_OK;

    if (!mms_frame_needs_epoch(static_cast<mms_freq_frame>(from), static_cast<mms_freq_frame>(to)))
        return MMS_OK;
    st = mms_measures_find(&data, err);
    if (st == MMS_OK && std::isnan(data.leap_date))
        st = mms_fail(err, MMS_ERR_NOT_FOUND,
                      "frequencies from %s to %s need casacore's table of leap seconds (TAI_UTC), "
                      "which is not here; install casacore-data, or point MULTIMS_MEASURES to a "
                      "folder with geodetic/TAI_UTC",
                      mms_frame_name(from), mms_frame_name(to));
    return st;
}

void fill_route(int32_t from, const mms_viewpoint &in, int32_t to, const mms_viewpoint &out,
                bool exact, mms_frame_route *route)
{
    mms_viewpoint far = out;
    if (exact)
        far.direction = in.direction;
    const ends e{in, far, scene(in), scene(far)};

    settle_caches(e);
    mms::walk_route(from, to, exact, [&](int32_t frame, bool to_parent) {
        route->factor[route->n++] = to_parent ? up(e, frame) : down(e, frame);
    });
}

} // namespace

mms_status mms_frame_route_make(mms_freq_frame from, const mms_viewpoint *in, mms_freq_frame to,
                                const mms_viewpoint *out, bool exact, mms_frame_route *route,
                                mms_error *err)
{
    const int32_t a = mms::without_source(from), b = mms::without_source(to);

    *route = {};
    return mms::measures_guard(err, "frequency frames", [&]() -> mms_status {
        mms_status st = check(a, in, b, out, err);

        if (st != MMS_OK || a == b)
            return st;
        static const bool has_leap_seconds = [] {
            mms_measures data;
            return mms_measures_find(&data, nullptr) == MMS_OK && !std::isnan(data.leap_date);
        }();
        if (!has_leap_seconds)
            st = check_data(a, b, err);
        if (st == MMS_OK)
            fill_route(a, *in, b, *out, exact, route);
        return st;
    });
}
