// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file sky.cpp  Where a direction stands above an antenna, and baselines as seen from it. */
#include <casacore/casa/Quanta/MVBaseline.h>
#include <casacore/casa/Quanta/MVDirection.h>
#include <casacore/casa/Quanta/MVPosition.h>
#include <casacore/measures/Measures/MBaseline.h>
#include <casacore/measures/Measures/MCBaseline.h>
#include <casacore/measures/Measures/MCDirection.h>
#include <casacore/measures/Measures/MDirection.h>
#include <casacore/measures/Measures/MEpoch.h>
#include <casacore/measures/Measures/MPosition.h>
#include <casacore/measures/Measures/MeasConvert.h>
#include <casacore/measures/Measures/MeasFrame.h>

#include <cmath>

#include "measures_data.hpp"
#include "measures_priv.h"

using casacore::MBaseline;
using casacore::MDirection;
using casacore::MEpoch;
using casacore::MPosition;
using casacore::MVBaseline;
using casacore::MVDirection;
using casacore::MVPosition;

namespace
{

const double day_s = 86400;

MEpoch epoch_of(double time_s, MEpoch::Types type)
{
    return MEpoch(casacore::MVEpoch(casacore::Quantity(time_s / day_s, "d")), type);
}

MPosition place_of(const double itrf_m[3])
{
    return MPosition(MVPosition(itrf_m[0], itrf_m[1], itrf_m[2]), MPosition::ITRF);
}

MDirection direction_of(const mms_direction &d)
{
    return MDirection(MVDirection(d.lon_rad, d.lat_rad),
                      static_cast<MDirection::Types>(d.reference));
}

} // namespace

/* A frame that goes from place to place keeps what depends on the time alone, which takes most of a
 * conversion; the results are the same bits as with a frame for each place. */

mms_status mms_sky_elevations(const mms_direction *direction, double time_s, int64_t n,
                              const double (*itrf_m)[3], double *elevation_rad, mms_error *err)
{
    return mms::measures_guard(err, "elevation", [&]() -> mms_status {
        if (n < 1)
            return MMS_OK;
        casacore::MeasFrame frame(epoch_of(time_s, MEpoch::UTC), place_of(itrf_m[0]));
        MDirection::Convert to_azel(direction_of(*direction),
                                    MDirection::Ref(MDirection::AZEL, frame));

        for (int64_t i = 0; i < n; i++) {
            frame.resetPosition(MVPosition(itrf_m[i][0], itrf_m[i][1], itrf_m[i][2]));
            elevation_rad[i] = to_azel().getValue().getLat();
        }
        return MMS_OK;
    });
}

mms_status mms_sky_parallactics(const mms_direction *direction, double time_s, int64_t n,
                                const double (*itrf_m)[3], double *angle_rad, mms_error *err)
{
    return mms::measures_guard(err, "parallactic angle", [&]() -> mms_status {
        if (n < 1)
            return MMS_OK;
        casacore::MeasFrame frame(epoch_of(time_s, MEpoch::UTC), place_of(itrf_m[0]));
        const MDirection::Ref azel(MDirection::AZEL, frame);
        MDirection::Convert source(direction_of(*direction), azel);
        MDirection::Convert pole(
            MDirection(MVDirection(0, 0, 1), MDirection::Ref(MDirection::HADEC, frame)), azel);

        for (int64_t i = 0; i < n; i++) {
            frame.resetPosition(MVPosition(itrf_m[i][0], itrf_m[i][1], itrf_m[i][2]));
            angle_rad[i] = source().getValue().positionAngle(pole().getValue());
        }
        return MMS_OK;
    });
}

mms_status mms_sky_baselines(const mms_direction *direction, double ut1_s, int64_t n,
                             const double (*itrf_m)[3], double (*uvw_m)[3], mms_error *err)
{
    return mms::measures_guard(err, "baselines", [&]() -> mms_status {
        if (n < 1)
            return MMS_OK;
        const MDirection to = direction_of(*direction);
        const casacore::MeasFrame frame(epoch_of(ut1_s, MEpoch::UT1), place_of(itrf_m[0]), to);
        const MVDirection source =
            MDirection::Convert(to, MDirection::Ref(MDirection::J2000, frame))().getValue();
        const double ra = source.getLong(), dec = source.getLat();
        MBaseline::Convert turn(MBaseline(MVBaseline(), MBaseline::Ref(MBaseline::ITRF, frame)),
                                MBaseline::Ref(MBaseline::J2000));

        for (int64_t i = 0; i < n; i++) {
            const double *const p = itrf_m[i];
            const casacore::Vector<casacore::Double> v =
                turn(MVBaseline(p[0] - itrf_m[0][0], p[1] - itrf_m[0][1], p[2] - itrf_m[0][2]))
                    .getValue()
                    .getValue();
            uvw_m[i][0] = -std::sin(ra) * v[0] + std::cos(ra) * v[1];
            uvw_m[i][1] =
                -std::sin(dec) * (std::cos(ra) * v[0] + std::sin(ra) * v[1]) + std::cos(dec) * v[2];
            uvw_m[i][2] =
                std::cos(dec) * (std::cos(ra) * v[0] + std::sin(ra) * v[1]) + std::sin(dec) * v[2];
        }
        return MMS_OK;
    });
}
