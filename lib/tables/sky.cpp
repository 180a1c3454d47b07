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

mms_status mms_sky_elevation(const mms_direction *direction, const double itrf_m[3], double time_s,
                             double *elevation_rad, mms_error *err)
{
    return mms::measures_guard(err, "elevation", [&]() -> mms_status {
        const casacore::MeasFrame frame(epoch_of(time_s, MEpoch::UTC), place_of(itrf_m));
        const MDirection azel = MDirection::Convert(direction_of(*direction),
                                                    MDirection::Ref(MDirection::AZEL, frame))();

        *elevation_rad = azel.getValue().getLat();
        return MMS_OK;
    });
}

mms_status mms_sky_parallactic(const mms_direction *direction, const double itrf_m[3],
                               double time_s, double *angle_rad, mms_error *err)
{
    return mms::measures_guard(err, "parallactic angle", [&]() -> mms_status {
        const casacore::MeasFrame frame(epoch_of(time_s, MEpoch::UTC), place_of(itrf_m));
        const MDirection::Ref azel(MDirection::AZEL, frame);
        const MDirection pole(MVDirection(0, 0, 1), MDirection::Ref(MDirection::HADEC, frame));
        const MVDirection source = MDirection::Convert(direction_of(*direction), azel)().getValue();

        *angle_rad = source.positionAngle(MDirection::Convert(pole, azel)().getValue());
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
