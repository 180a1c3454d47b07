// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file quanta.cpp  Directions of fields, places of telescopes. */
#include <casacore/casa/Quanta/MVAngle.h>
#include <casacore/casa/Quanta/MVDirection.h>
#include <casacore/casa/Quanta/MVPosition.h>
#include <casacore/casa/Quanta/Quantum.h>
#include <casacore/casa/Quanta/UnitVal.h>
#include <casacore/measures/Measures/MCDirection.h>
#include <casacore/measures/Measures/MCPosition.h>
#include <casacore/measures/Measures/MCRadialVelocity.h>
#include <casacore/measures/Measures/MDirection.h>
#include <casacore/measures/Measures/MEpoch.h>
#include <casacore/measures/Measures/MPosition.h>
#include <casacore/measures/Measures/MRadialVelocity.h>
#include <casacore/measures/Measures/MeasConvert.h>
#include <casacore/measures/Measures/MeasFrame.h>
#include <casacore/measures/Measures/MeasTable.h>
#include <casacore/ms/MeasurementSets/MSField.h>
#include <casacore/ms/MeasurementSets/MSFieldColumns.h>

#include <dirent.h>

#include <cerrno>
#include <cinttypes>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "base/files_priv.h"
#include "measures_data.hpp"
#include "measures_priv.h"
#include "table.hpp"

using casacore::MDirection;
using casacore::Quantity;
using casacore::String;

namespace
{

std::vector<std::string> words_of(const char *text)
{
    std::istringstream stream(text);
    std::vector<std::string> words;

    for (std::string word; stream >> word;)
        words.push_back(word);
    return words;
}

mms_status no_direction(const char *text, mms_error *err)
{
    return mms_fail(err, MMS_ERR_ARG,
                    "Cannot interpret phase center '%s': wanted is a frame, a longitude and a "
                    "latitude, such as 'J2000 19h30m00 -40d00m00' or 'ICRS 60deg 30deg', or a "
                    "body such as 'JUPITER'",
                    text);
}

/** Read an angle such as 30deg, 04h10m00s, 10:20:30; a number alone is none. */
bool read_angle(const std::string &text, double *rad)
{
    Quantity angle;
    char *end;

    std::strtod(text.c_str(), &end);
    if (!*end || !casacore::MVAngle::read(angle, text) || !angle.isConform("rad"))
        return false;
    *rad = angle.getValue("rad");
    return std::isfinite(*rad);
}

mms_direction direction_of(const MDirection &d)
{
    const casacore::MVDirection v = d.getValue();

    return {static_cast<int32_t>(d.getRef().getType()), v.getLong(), v.getLat()};
}

} // namespace

/* ---- directions -------------------------------------------------------------------------------*/

mms_status mms_direction_reference(const char *name, int32_t *reference, mms_error *err)
{
    return mms::guard(err, "direction", [&]() -> mms_status {
        MDirection::Types type;

        if (!MDirection::getType(type, name))
            return mms_fail(err, MMS_ERR_ARG, "direction frame '%s' is not known", name);
        *reference = static_cast<int32_t>(type);
        return MMS_OK;
    });
}

const char *mms_direction_name(int32_t reference)
{
    casacore::Int nall, nextra;
    const casacore::uInt *types;
    const String *const names = MDirection::allMyTypes(nall, nextra, types);

    for (casacore::Int i = 0; i < nall; i++)
        if (static_cast<int32_t>(types[i]) == reference)
            return names[i].c_str();
    return nullptr;
}

mms_status mms_direction_parse(const char *text, mms_direction *out, mms_error *err)
{
    *out = {};
    return mms::guard(err, "direction", [&]() -> mms_status {
        std::vector<std::string> words = words_of(text);
        MDirection::Types type = MDirection::J2000;

        if (words.size() == 1 || words.size() == 3) {
            if (!MDirection::getType(type, words[0]))
                return no_direction(text, err);
            words.erase(words.begin());
        }
        const bool body = type >= MDirection::MERCURY && type < MDirection::N_Planets;
        out->reference = static_cast<int32_t>(type);
        if (words.empty() && body)
            return MMS_OK;
        if (words.size() != 2 || !read_angle(words[0], &out->lon_rad) ||
            !read_angle(words[1], &out->lat_rad))
            return no_direction(text, err);
        if (std::fabs(out->lat_rad) > casacore::C::pi_2 * (1 + 1e-12))
            return mms_fail(err, MMS_ERR_ARG,
                            "Cannot interpret phase center '%s': a latitude of %g deg is not "
                            "between -90 and 90 deg",
                            text, out->lat_rad * 180 / casacore::C::pi);
        return MMS_OK;
    });
}

mms_status mms_direction_convert(const mms_direction *direction, int32_t reference, double tdb_mjd,
                                 mms_direction *out, mms_error *err)
{
    return mms::guard(err, "direction", [&]() -> mms_status {
        MDirection::Ref given(static_cast<casacore::uInt>(direction->reference));
        if (!std::isnan(tdb_mjd))
            given.set(casacore::MeasFrame(
                casacore::MEpoch(casacore::MVEpoch(tdb_mjd), casacore::MEpoch::TDB)));
        const MDirection from(casacore::MVDirection(direction->lon_rad, direction->lat_rad), given);
        const MDirection to =
            MDirection::Convert(from, MDirection::Ref(static_cast<casacore::uInt>(reference)))();
        const casacore::Vector<casacore::Double> angles = to.getValue().get();
        *out = {reference, angles[0], angles[1]};
        return MMS_OK;
    });
}

struct mms_fields {
    std::string path;
    std::unique_ptr<casacore::MSField> table;
    std::unique_ptr<casacore::MSFieldColumns> columns;
    std::vector<casacore::Table> ephemerides; // open before casacore does, which would lock them
};

namespace
{

/** Open the ephemerides in the folder of FIELD, so that casacore finds them open. */
mms_status open_ephemerides(mms_fields *fields, mms_error *err)
{
    DIR *const folder = opendir(fields->path.c_str());
    const struct dirent *entry;
    mms_status st = MMS_OK;

    if (!folder)
        return mms_fail_errno(err, errno, "%s: cannot list", fields->path.c_str());
    for (errno = 0; st == MMS_OK && (entry = readdir(folder)); errno = 0) {
        const std::string path = fields->path + "/" + entry->d_name;
        bool there = false;
        if (std::strncmp(entry->d_name, "EPHEM", 5) != 0)
            continue;
        st = mms_path_exists((path + "/table.dat").c_str(), &there, err);
        if (st != MMS_OK || !there)
            continue;
        fields->ephemerides.emplace_back();
        st = mms::open_table(path.c_str(), MMS_TABLE_READ, &fields->ephemerides.back(), err);
    }
    if (st == MMS_OK && errno)
        st = mms_fail_errno(err, errno, "%s: cannot list", fields->path.c_str());
    closedir(folder);
    return st;
}

mms_status check_field(const mms_fields *fields, int32_t field, mms_error *err)
{
    if (field >= 0 && static_cast<casacore::rownr_t>(field) < fields->table->nrow())
        return MMS_OK;
    return mms_fail(err, MMS_ERR_RANGE, "%s: no field %d: there are %" PRIu64, fields->path.c_str(),
                    field, static_cast<uint64_t>(fields->table->nrow()));
}

} // namespace

mms_status mms_fields_open(const char *path, mms_fields **out, mms_error *err)
{
    *out = nullptr;
    return mms::measures_guard(err, path, [&]() -> mms_status {
        std::unique_ptr<mms_fields> fields(new mms_fields);
        casacore::Table table;
        mms_status st = mms::open_table(path, MMS_TABLE_READ, &table, err);

        fields->path = path;
        if (st == MMS_OK)
            st = open_ephemerides(fields.get(), err);
        if (st != MMS_OK)
            return st;
        fields->table.reset(new casacore::MSField(table));
        fields->columns.reset(new casacore::MSFieldColumns(*fields->table));
        *out = fields.release();
        return MMS_OK;
    });
}

void mms_fields_close(mms_fields **fields)
{
    mms_fields *const f = *fields;

    *fields = nullptr;
    (void)!mms::guard(nullptr, "fields", [&]() -> mms_status {
        delete f;
        return MMS_OK;
    });
}

int64_t mms_fields_count(const mms_fields *fields)
{
    return static_cast<int64_t>(fields->table->nrow());
}

mms_status mms_fields_direction(mms_fields *fields, int32_t field, double time_s,
                                mms_direction *out, mms_error *err)
{
    *out = {};
    return mms::measures_guard(err, fields->path.c_str(), [&]() -> mms_status {
        const mms_status st = check_field(fields, field, err);

        if (st == MMS_OK)
            *out = direction_of(
                fields->columns->phaseDirMeas(static_cast<casacore::rownr_t>(field), time_s));
        return st;
    });
}

mms_status mms_fields_moves(mms_fields *fields, int32_t field, bool *moves, mms_error *err)
{
    *moves = false;
    return mms::measures_guard(err, fields->path.c_str(), [&]() -> mms_status {
        const mms_status st = check_field(fields, field, err);

        if (st == MMS_OK)
            *moves = fields->columns->needInterTime(static_cast<casacore::rownr_t>(field));
        return st;
    });
}

mms_status mms_fields_velocity(mms_fields *fields, int32_t field, double time_s,
                               double *velocity_m_s, mms_error *err)
{
    *velocity_m_s = 0;
    return mms::measures_guard(err, fields->path.c_str(), [&]() -> mms_status {
        const mms_status st = check_field(fields, field, err);
        if (st != MMS_OK)
            return st;
        const casacore::MRadialVelocity v =
            fields->columns->radVelMeas(static_cast<casacore::rownr_t>(field), time_s);
        const String type = casacore::MRadialVelocity::showType(v.getRef().getType());
        if (type != "GEO")
            return mms_fail(
                err, MMS_ERR_ARG,
                "Cannot perform radial velocity correction with ephemerides attached to "
                "first selected field %d of type %s. Type needs to be GEO.",
                field, type.c_str());
        *velocity_m_s = v.getValue().getValue();
        return MMS_OK;
    });
}

mms_status mms_velocity_lsrk(const char *reference, double velocity_m_s,
                             const mms_direction *direction, double *out_m_s, mms_error *err)
{
    using casacore::MRadialVelocity;
    MRadialVelocity::Types type = MRadialVelocity::LSRK;

    *out_m_s = velocity_m_s;
    const bool known = MRadialVelocity::getType(type, reference);
    if (!known || type == MRadialVelocity::TOPO || type == MRadialVelocity::GEO)
        return mms_fail(err, MMS_ERR_ARG,
                        "a systemic velocity with the reference %s is not known without a time and "
                        "a place; LSRK, LSRD, BARY and GALACTO are",
                        reference);
    return mms::measures_guard(err, "velocity", [&]() -> mms_status {
        const MDirection towards(casacore::MVDirection(direction->lon_rad, direction->lat_rad),
                                 static_cast<MDirection::Types>(direction->reference));
        const casacore::MeasFrame frame(towards);
        const MRadialVelocity in(casacore::MVRadialVelocity(velocity_m_s),
                                 MRadialVelocity::Ref(type, frame));
        *out_m_s =
            MRadialVelocity::Convert(in, MRadialVelocity::Ref(MRadialVelocity::LSRK, frame))()
                .getValue()
                .getValue();
        return MMS_OK;
    });
}

/* ---- places -----------------------------------------------------------------------------------*/

namespace
{

/** Look a telescope up; false where there is no table, too. */
bool find_observatory(const char *name, double itrf_m[3])
{
    casacore::MPosition place;

    try {
        if (!*name || !casacore::MeasTable::Observatory(place, name))
            return false;
        const casacore::MVPosition v =
            casacore::MPosition::Convert(place, casacore::MPosition::ITRF)().getValue();
        for (int i = 0; i < 3; i++)
            itrf_m[i] = v.getValue()(static_cast<casacore::uInt>(i));
        return true;
    } catch (const casacore::AipsError &) {
        return false;
    }
}

bool mean_place(int64_t n, const double *antenna_m, double itrf_m[3])
{
    int64_t count = 0;

    for (int i = 0; i < 3; i++)
        itrf_m[i] = 0;
    for (int64_t a = 0; a < n; a++) {
        const double *const p = antenna_m + 3 * a;
        if (!std::isfinite(p[0] + p[1] + p[2]) || (p[0] == 0 && p[1] == 0 && p[2] == 0))
            continue;
        for (int i = 0; i < 3; i++)
            itrf_m[i] += p[i];
        count++;
    }
    for (int i = 0; count && i < 3; i++)
        itrf_m[i] /= static_cast<double>(count);
    return count > 0;
}

} // namespace

mms_status mms_site_find(const char *telescope, int64_t n, const double *antenna_m, mms_site *out,
                         mms_error *err)
{
    *out = {};
    return mms::measures_guard(err, "observatories", [&]() -> mms_status {
        if (find_observatory(telescope, out->itrf_m))
            return MMS_OK;
        out->from_antennas = true;
        if (!mean_place(n, antenna_m, out->itrf_m))
            return mms_fail(
                err, MMS_ERR_ARG,
                "telescope '%s' is not among casacore's observatories, and none of %" PRId64
                " antennas has a position",
                telescope, n);
        const double radius = std::hypot(out->itrf_m[0], out->itrf_m[1], out->itrf_m[2]);
        if (radius < 6.3e6 || radius > 6.5e6)
            return mms_fail(
                err, MMS_ERR_ARG,
                "telescope '%s' is not among casacore's observatories, and its antennas "
                "are %.0f km from the centre of the Earth",
                telescope, radius / 1e3);
        return MMS_OK;
    });
}
