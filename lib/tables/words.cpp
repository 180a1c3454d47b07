// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file words.cpp  Quantities and patterns as casacore reads them, and the names of the MS
 *  definition, which tests compare with casacore's. */
#include <casacore/casa/Quanta/Quantum.h>
#include <casacore/casa/Quanta/UnitVal.h>
#include <casacore/casa/Utilities/Regex.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "column_names.hpp"
#include "guard.hpp"
#include "measures_priv.h"
#include "select_priv.h"
#include "tables_priv.h"

using casacore::Quantity;
using casacore::String;

namespace
{

/** Sub-tables. */
const char *const tables[] = {
    "ANTENNA",     "DATA_DESCRIPTION", "DOPPLER",     "FEED",     "FIELD",        "FLAG_CMD",
    "FREQ_OFFSET", "HISTORY",          "OBSERVATION", "POINTING", "POLARIZATION", "PROCESSOR",
    "SOURCE",      "SPECTRAL_WINDOW",  "STATE",       "SYSCAL",   "WEATHER"};

/** Columns of the main table; the last ones are those that nothing here has to do with. */
const char *const columns[] = {
#define COLUMN(name, type, axes, role, word, table) mms::column::name,
#include "base/columns.def"
#undef COLUMN
    "ANTENNA3",   "BASELINE_REF",   "FEED3",           "PHASE_ID",
    "PULSAR_BIN", "PULSAR_GATE_ID", "TIME_EXTRA_PREC", "UVW2"};

/** Values of CORR_TYPE from 1 on. */
const char *const products[] = {
    "I",         "Q",         "U",      "V",      "RR",      "RL",      "LR",       "LL",
    "XX",        "XY",        "YX",     "YY",     "RX",      "RY",      "LX",       "LY",
    "XR",        "XL",        "YR",     "YL",     "PP",      "PQ",      "QP",       "QQ",
    "RCircular", "LCircular", "Linear", "Ptotal", "Plinear", "PFtotal", "PFlinear", "Pangle"};

template <size_t N>
bool has(const char *const (&names)[N], const char *name)
{
    for (const char *known : names)
        if (!std::strcmp(known, name))
            return true;
    return false;
}

/** Read a quantity: a number, then a unit. */
bool read_quantity(const char *text, Quantity &out)
{
    char *end;

    std::strtod(text, &end);
    try {
        return end != text && Quantity::read(out, text);
    } catch (const casacore::AipsError &) {
        return false;
    }
}

} // namespace

bool mms_is_standard_table(const char *name)
{
    return has(tables, name);
}

bool mms_is_standard_column(const char *name)
{
    return has(columns, name);
}

const char *mms_correlation_name(int32_t type)
{
    return type >= 1 && type <= MMS_COUNT_OF(products) ? products[type - 1] : "?";
}

mms_status mms_quantity_parse(const char *text, const char *unit, bool bare, double *value,
                              mms_error *err)
{
    return mms::guard(err, "quantity", [&]() -> mms_status {
        Quantity q;

        if (!read_quantity(text, q))
            return mms_fail(err, MMS_ERR_ARG, "'%s' is no number with a unit such as '1.5%s'", text,
                            unit);
        if (q.getUnit().empty() && bare)
            q.setUnit(unit);
        if (!q.isConform(unit))
            return mms_fail(err, MMS_ERR_ARG, "'%s' is not in a unit such as %s", text, unit);
        *value = q.getValue(unit);
        if (!(std::fabs(*value) <
              std::numeric_limits<double>::max())) // casacore reads 1e400 as that
            return mms_fail(err, MMS_ERR_ARG, "'%s' is not a finite number", text);
        return MMS_OK;
    });
}

mms_status mms_text_matches(const char *text, const char *pattern, bool regex, bool *matches,
                            mms_error *err)
{
    *matches = false;
    try {
        const casacore::Regex re(regex ? String(pattern) : casacore::Regex::fromPattern(pattern));
        *matches = String(text).matches(re);
        return MMS_OK;
    } catch (const std::exception &e) {
        return mms_fail(err, MMS_ERR_SELECT, "%s: %s", pattern, mms::one_line(e.what()).c_str());
    }
}
