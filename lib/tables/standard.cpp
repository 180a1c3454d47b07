// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file standard.cpp  Descriptions of the MS definition's tables. */
#include "standard.hpp"

#include <casacore/ms/MeasurementSets.h>
#include <casacore/ms/MeasurementSets/MSTileLayout.h>
#include <casacore/ms/MeasurementSets/MeasurementSet.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ScaColDesc.h>

#include <map>
#include <string>

using casacore::ColumnDesc;
using casacore::IPosition;
using casacore::MeasurementSet;
using casacore::String;
using casacore::TableDesc;

namespace
{

/** Columns that others than the definition of the MeasurementSet know. */
bool add_other(TableDesc &desc, const String &name)
{
    if (name == "TELESCOPE_LOCATION") { // of pyuvdata, in OBSERVATION
        desc.addColumn(casacore::ArrayColumnDesc<double>(
            name, "", IPosition(1, 3), ColumnDesc::Direct | ColumnDesc::FixedShape));
        return true;
    }
    if (name != "PhaseDir_Ref" && name != "DelayDir_Ref" && name != "RefDir_Ref")
        return false;
    desc.addColumn(casacore::ScalarColumnDesc<casacore::Int>(name)); // of CASA, in FIELD
    return true;
}

/** Description of a standard table with optional columns, by the name of its kind. */
template <typename Ms>
TableDesc standard_desc(const char *const *optional)
{
    TableDesc desc = Ms::requiredTableDesc();
    for (; optional && *optional; optional++)
        if (!add_other(desc, *optional))
            Ms::addColumnToDesc(desc, Ms::columnType(*optional));
    return desc;
}

/** The main table: optional array columns have an axis of channels and one of correlations. */
TableDesc main_desc(const char *const *optional)
{
    TableDesc desc = standard_desc<MeasurementSet>(optional);
    for (; optional && *optional; optional++) {
        ColumnDesc &column = desc.rwColumnDesc(*optional);
        if (column.isArray() && column.ndim() <= 0)
            column.setNdim(2);
    }
    return desc;
}

using desc_maker = TableDesc (*)(const char *const *);

desc_maker find_maker(const std::string &kind)
{
    static const std::map<std::string, desc_maker> makers = {
        {"MAIN", main_desc},
        {"ANTENNA", standard_desc<casacore::MSAntenna>},
        {"DATA_DESCRIPTION", standard_desc<casacore::MSDataDescription>},
        {"FEED", standard_desc<casacore::MSFeed>},
        {"FIELD", standard_desc<casacore::MSField>},
        {"FLAG_CMD", standard_desc<casacore::MSFlagCmd>},
        {"HISTORY", standard_desc<casacore::MSHistory>},
        {"OBSERVATION", standard_desc<casacore::MSObservation>},
        {"POINTING", standard_desc<casacore::MSPointing>},
        {"POLARIZATION", standard_desc<casacore::MSPolarization>},
        {"PROCESSOR", standard_desc<casacore::MSProcessor>},
        {"SOURCE", standard_desc<casacore::MSSource>},
        {"SPECTRAL_WINDOW", standard_desc<casacore::MSSpectralWindow>},
        {"STATE", standard_desc<casacore::MSState>},
        {"SYSCAL", standard_desc<casacore::MSSysCal>},
        {"WEATHER", standard_desc<casacore::MSWeather>}};
    const auto found = makers.find(kind);
    return found == makers.end() ? nullptr : found->second;
}

} // namespace

std::unique_ptr<TableDesc> mms::make_standard_desc(const char *kind, const char *const *optional)
{
    const desc_maker make = find_maker(kind);

    return make ? std::make_unique<TableDesc>(make(optional)) : nullptr;
}

void mms::add_standard_column(TableDesc &desc, const char *name)
{
    MeasurementSet::addColumnToDesc(desc, MeasurementSet::columnType(name), 2);
}

IPosition mms::mosaic_tile(const IPosition &cell)
{
    return casacore::MSTileLayout::tileShape(cell, casacore::MSTileLayout::FastMosaic,
                                             String("ALMA"));
}
