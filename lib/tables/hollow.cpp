/** @file hollow.cpp  Which managers of a new table get stand-ins, and what table.dat says of them.
 */
#include "hollow.hpp"

#include <casacore/casa/Containers/Block.h>
#include <casacore/casa/Containers/BlockIO.h>
#include <casacore/casa/IO/AipsIO.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/StorageOption.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <algorithm>

using casacore::Record;
using casacore::String;
using casacore::Vector;

namespace
{

/** Whether new tables keep each manager in its own files: casarc's table.storage may say no. */
bool has_own_files()
{
    casacore::StorageOption option;
    option.fillOption();
    return option.option() == casacore::StorageOption::SepFile;
}

/** Whether the stand-in can take the place of a tiled manager: the caller will know the axes. */
bool has_known_cells(const Record &manager, const casacore::TableDesc &desc)
{
    bool axes = false;

    for (const String &name : Vector<String>(manager.asArrayString("COLUMNS"))) {
        const casacore::ColumnDesc &column = desc.columnDesc(name);
        if (!column.isArray() || mms_dtype_size(mms::dtype_of(column.dataType())) == 0)
            return false;
        axes = axes || (column.ndim() > 0 && column.ndim() <= MMS_MAX_DIM);
    }
    return axes;
}

/** Whether a stand-in takes the place of a manager; the layout of its buckets, if it has any. */
bool can_be_hollow(const Record &manager, const casacore::TableDesc &desc, int64_t,
                   mms::bucket_layout &)
{
    const String type = manager.asString("TYPE");

    return (type == "TiledShapeStMan" || type == "TiledColumnStMan") &&
           has_known_cells(manager, desc);
}

} // namespace

casacore::Bool mms::hollow_manager::flush(casacore::AipsIO &dat, casacore::Bool)
{
    if (type_p == "StandardStMan") {
        casacore::Block<casacore::uInt> offsets(layout_p.offsets.size()), maps(offsets.nelements());
        std::copy(layout_p.offsets.begin(), layout_p.offsets.end(), offsets.begin());
        std::fill(maps.begin(), maps.end(), 0);
        dat.putstart("SSM", 2);
        dat << name_p;
        casacore::putBlock(dat, offsets, static_cast<casacore::Int>(offsets.nelements()));
        casacore::putBlock(dat, maps, static_cast<casacore::Int>(maps.nelements()));
        dat.putend();
    } else if (type_p == "IncrementalStMan") {
        dat.putstart("ISM", 3);
        dat << name_p;
        dat.putend();
    }
    return false;
}

void mms::bind_hollow(casacore::SetupNewTable &setup, const casacore::TableDesc &desc,
                      const Record &managers, int64_t nrow)
{
    if (!has_own_files()) {
        setup.bindCreate(managers);
        return;
    }
    for (casacore::uInt i = 0; i < managers.nfields(); i++) {
        const Record manager = managers.subRecord(i);
        bucket_layout layout;
        if (!can_be_hollow(manager, desc, nrow, layout)) {
            Record one;
            one.defineRecord(managers.name(i), manager);
            setup.bindCreate(one);
            continue;
        }
        const Record spec = manager.isDefined("SPEC") ? manager.subRecord("SPEC") : Record();
        const hollow_manager stand_in(manager.asString("TYPE"), manager.asString("NAME"), spec,
                                      layout);
        for (const String &name : Vector<String>(manager.asArrayString("COLUMNS")))
            setup.bindColumn(name, stand_in);
    }
}
