// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file test_names.cpp  The names of the MS definition that stand in lib/tables are casacore's. */
#include <casacore/measures/Measures/Stokes.h>
#include <casacore/ms/MeasurementSets/MeasurementSet.h>

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

extern "C" {
#include <cmocka.h>
}

#include "tables/measures_priv.h"
#include "tables/select_priv.h"
#include "tables/tables_priv.h"

using casacore::MeasurementSet;

static void columns_are_those_of_casacore(void **)
{
    std::set<std::string> names;

    for (int i = 1; i <= MeasurementSet::NUMBER_PREDEFINED_COLUMNS; i++)
        names.insert(MeasurementSet::columnName(static_cast<MeasurementSet::PredefinedColumns>(i)));
    assert_true(names.count("DATA") && names.size() > 30);
    for (const std::string &name : names)
        assert_true(mms_is_standard_column(name.c_str()));
    for (const char *name : {"", "data", "EO_DATA", "NRAO_GBT_STATE_ID", "DATA2", "DAT"})
        assert_int_equal(mms_is_standard_column(name),
                         MeasurementSet::columnType(name) != MeasurementSet::UNDEFINED_COLUMN);
}

static void subtables_are_those_of_casacore(void **)
{
    std::set<std::string> names;

    for (int i = 1; i <= MeasurementSet::NUMBER_PREDEFINED_KEYWORDS; i++) {
        const std::string name =
            MeasurementSet::keywordName(static_cast<MeasurementSet::PredefinedKeywords>(i));
        if (MeasurementSet::keywordDataType(static_cast<MeasurementSet::PredefinedKeywords>(i)) ==
            casacore::TpTable)
            names.insert(name);
    }
    assert_true(names.count("ANTENNA") && names.size() > 12);
    for (const std::string &name : names)
        assert_int_equal(mms_is_standard_table(name.c_str()),
                         name != "CAL_TABLES" && name != "SORTED_TABLES");
    assert_false(mms_is_standard_table("SYSPOWER"));
}

static void products_are_those_of_casacore(void **)
{
    const auto names = casacore::Stokes::allNames(casacore::False);

    assert_int_equal(names.nelements(), 32);
    for (const casacore::String &name : names)
        assert_string_equal(mms_correlation_name(casacore::Stokes::type(name)), name.c_str());
    for (const int32_t type : {-1, 0, 33, 1000})
        assert_string_equal(mms_correlation_name(type), "?");
}

int main()
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_those_of_casacore),
        cmocka_unit_test(subtables_are_those_of_casacore),
        cmocka_unit_test(products_are_those_of_casacore),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
