// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file measures_data.cpp  Where casacore's measures data are, and which epochs they cover. */
#include "measures_data.hpp"

#include <casacore/casa/Quanta/MVTime.h>
#include <casacore/casa/System/Aipsrc.h>
#include <casacore/casa/System/AppState.h>
#include <casacore/measures/Measures/MeasIERS.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/Table.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <jansson.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <list>
#include <string>
#include <vector>

#include "measures_priv.h"

using casacore::MeasIERS;
using casacore::Table;

namespace
{

const double day_s = 86400;

/** Folders that casacore's state names instead of its own search. */
class folders : public casacore::AppState
{
public:
    explicit folders(std::list<std::string> names) : names_(std::move(names))
    {
    }
    std::list<std::string> dataPath() const override
    {
        return names_;
    }
    bool initialized() const override
    {
        return true;
    }

private:
    std::list<std::string> names_;
};

bool is_folder(const std::string &path)
{
    struct stat info;

    return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

/** Whether a folder has measures data below it. */
bool has_data(const std::string &path)
{
    return is_folder(path + "/geodetic") || is_folder(path + "/ephemerides");
}

std::list<std::string> split(const std::string &text)
{
    std::list<std::string> items;
    size_t at = 0;

    while (at <= text.size()) {
        const size_t end = std::min(text.find(':', at), text.size());
        if (end > at)
            items.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return items;
}

/** What the user points to, then where packages put data; casacore's own search where there is
 *  nothing of that. */
std::list<std::string> data_folders()
{
    const char *const named = std::getenv("MULTIMS_MEASURES");
    std::list<std::string> found = split(named ? named : "");

    for (const std::string &path : found)
        if (!has_data(path))
            throw mms::bad_setting("MULTIMS_MEASURES: " + path +
                                   ": there is no folder geodetic or ephemerides in it");
    casacore::String own;
    if (casacore::Aipsrc::find(own, "measures.directory") && has_data(own))
        found.push_back(own);
    for (const char *path : {"/var/lib/casacore/data", "/usr/share/casacore/data"})
        if (has_data(path))
            found.push_back(path);
    return found;
}

/** Open a table of measures data; false where there is none. */
bool find_table(Table &table, const char *setting, const char *name)
{
    return MeasIERS::findTab(table, nullptr, setting, "geodetic", name);
}

/** The first and last day of a table of Earth orientation. */
void find_days(const char *setting, const char *name, double *first, double *last)
{
    Table table;

    *first = *last = std::numeric_limits<double>::quiet_NaN();
    if (!find_table(table, setting, name) || !table.keywordSet().isDefined("MJD0"))
        return;
    const double before = table.keywordSet().asDouble("MJD0");
    *first = before + 1;
    *last = before + static_cast<double>(table.nrow());
}

double date_of_leap_seconds()
{
    Table table;
    casacore::Quantity date;

    if (!find_table(table, "measures.tai_utc.directory", "TAI_UTC") ||
        !table.keywordSet().isDefined("VS_DATE") ||
        !casacore::MVTime::read(date, table.keywordSet().asString("VS_DATE")))
        return std::numeric_limits<double>::quiet_NaN();
    return casacore::MVTime(date).day();
}

std::string date(double mjd)
{
    const casacore::MVTime t(mjd);
    char text[32];

    std::snprintf(text, sizeof text, "%04d-%02u-%02u", t.year(), t.month(), t.monthday());
    return text;
}

/** Earth rotates by 465 m/s at the equator, and by 0.034 m/s less or more a second later. */
const char *const effect =
    "frequencies from or to TOPO may be off by 1e-10 (0.03 m/s) a second of it";

std::string leap_words(const mms_measures &m, double last)
{
    const double announced = 180; // IERS says half a year before whether there is one

    if (std::isnan(m.leap_date))
        return "There is no table of leap seconds (TAI_UTC): frequencies can't be converted from "
               "or "
               "to TOPO and GEO. Install casacore-data, or point MULTIMS_MEASURES to a folder with "
               "geodetic/TAI_UTC";
    if (last <= m.leap_date + announced)
        return "";
    return "The table of leap seconds (TAI_UTC) is of " + date(m.leap_date) + ", the data go to " +
           date(last) + ": a leap second since then is not known; " + effect;
}

/** Whether a day is in a range whose ends may be NaN. */
bool covers(double first, double last, double day)
{
    return day >= first && day < last;
}

std::string range_words(const char *what, double first, double last)
{
    return std::isnan(first) ? std::string()
                             : std::string(what) + " " + date(first) + " to " + date(last);
}

std::string earth_words(const mms_measures &m, double first, double last)
{
    const auto known = [&](double day) {
        return covers(m.earth_first, m.earth_last, day) ||
               covers(m.predict_first, m.predict_last, day);
    };
    const std::string measured = range_words("IERSeop97", m.earth_first, m.earth_last);
    const std::string predicted = range_words("IERSpredict", m.predict_first, m.predict_last);
    const std::string join = measured.empty() || predicted.empty() ? "" : ", ";

    if (known(first) && known(last))
        return "";
    if (measured.empty() && predicted.empty())
        return std::string("There are no tables of Earth orientation (IERSeop97, IERSpredict): UT1 "
                           "is taken as UTC, from which it differs by up to 0.9 s; ") +
               effect;
    return "Earth orientation is known for " + measured + join + predicted + ", the data are of " +
           date(first) + " to " + date(last) +
           ": outside UT1 is taken as UTC, from which it differs by up to 0.9 s; " + effect;
}

mms_status add_words(mms_value *list, const std::string &words, mms_error *err)
{
    if (words.empty() || json_array_append_new(list, mms_text_value(words.c_str())) == 0)
        return MMS_OK;
    return mms_fail(err, MMS_ERR_MEM, "measures data: out of memory");
}

bool read_day(const Table &table, int64_t row, double mjd, mms_earth_day *out)
{
    using column = casacore::ScalarColumn<double>;
    const auto r = static_cast<casacore::rownr_t>(row);

    if (row < 0 || r >= table.nrow() || column(table, "MJD")(r) != mjd)
        return false;
    *out = {column(table, "dUT1")(r), column(table, "x")(r), column(table, "y")(r)};
    return true;
}

/** Whether a table has a day and the next. */
bool read_days(const char *setting, const char *name, int64_t mjd, mms_earth_day *days)
{
    Table table;

    if (!find_table(table, setting, name) || !table.keywordSet().isDefined("MJD0"))
        return false;
    const auto row = mjd - static_cast<int64_t>(table.keywordSet().asDouble("MJD0")) - 1;
    return read_day(table, row, static_cast<double>(mjd), &days[0]) &&
           read_day(table, row + 1, static_cast<double>(mjd + 1), &days[1]);
}

void look(mms_measures *out)
{
    Table table;

    out->observatories = find_table(table, "measures.observatory.directory", "Observatories");
    out->leap_date = date_of_leap_seconds();
    find_days("measures.ierseop97.directory", "IERSeop97", &out->earth_first, &out->earth_last);
    find_days("measures.ierspredict.directory", "IERSpredict", &out->predict_first,
              &out->predict_last);
}

} // namespace

void mms::point_to_measures()
{
    static const bool done = [] {
        const std::list<std::string> names = data_folders();
        casacore::AppState *ours = names.empty() ? nullptr : new folders(names);
        if (ours)
            casacore::AppStateSource::initialize(ours); // takes it
        return true;
    }();
    (void)done;
}

mms_status mms_measures_find(mms_measures *out, mms_error *err)
{
    return mms::measures_guard(err, "measures data", [&]() -> mms_status {
        look(out);
        return MMS_OK;
    });
}

mms_status mms_earth_read(int64_t mjd, mms_earth_day days[2], bool *known, mms_error *err)
{
    return mms::measures_guard(err, "Earth orientation", [&]() -> mms_status {
        *known = read_days("measures.ierseop2000.directory", "IERSeop2000", mjd, days) ||
                 read_days("measures.ierseop97.directory", "IERSeop97", mjd, days) ||
                 read_days("measures.ierspredict.directory", "IERSpredict", mjd, days);
        return MMS_OK;
    });
}

mms_status mms_measures_words(double first_s, double last_s, mms_freq_frame from, mms_freq_frame to,
                              mms_value **out, mms_error *err)
{
    *out = nullptr;
    return mms::measures_guard(err, "measures data", [&]() -> mms_status {
        mms_value *list = json_array();
        mms_measures m;
        mms_status st = MMS_OK;

        if (!list)
            return mms_fail(err, MMS_ERR_MEM, "measures data: out of memory");
        *out = list;
        if (!mms_frame_needs_epoch(from, to))
            return MMS_OK;
        look(&m);
        st = add_words(list, leap_words(m, last_s / day_s), err);
        if (st == MMS_OK)
            st = add_words(list, earth_words(m, first_s / day_s, last_s / day_s), err);
        return st;
    });
}
