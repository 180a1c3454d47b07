// SPDX-License-Identifier: LGPL-2.1-or-later
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
#include <set>

using casacore::Record;
using casacore::String;
using casacore::Vector;

namespace
{

constexpr int64_t BUCKET_BYTES = 32768, LEAST_BUCKET = 128, MOST_BUCKET = 1048576;
constexpr int64_t LEAST_ROWS = 8; // whole bytes of flags

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

/** Bits that each column takes in a row, in the description's order; empty when some are no scalars
 *  of numbers. */
std::vector<int64_t> scalar_bits(const Record &manager, const casacore::TableDesc &desc)
{
    const Vector<String> list(manager.asArrayString("COLUMNS"));
    const std::set<String> names(list.begin(), list.end());
    std::vector<int64_t> bits;

    for (casacore::uInt i = 0; i < desc.ncolumn(); i++) {
        const casacore::ColumnDesc &column = desc[i];
        if (!names.count(column.name()))
            continue;
        const mms_dtype dtype = mms::dtype_of(column.dataType());
        if (!column.isScalar() || mms_dtype_size(dtype) == 0)
            return {};
        bits.push_back(dtype == MMS_DT_BOOL ? 1 : 8 * static_cast<int64_t>(mms_dtype_size(dtype)));
    }
    return bits;
}

/** StandardStMan: as many rows as a bucket holds, or as there are. */
mms::bucket_layout standard_layout(const std::vector<int64_t> &bits, int64_t nrow)
{
    mms::bucket_layout layout;
    int64_t row = 0;

    for (const int64_t n : bits)
        row += n;
    layout.rows = BUCKET_BYTES * 8 / row / LEAST_ROWS * LEAST_ROWS;
    layout.rows = std::min(layout.rows, (nrow + LEAST_ROWS - 1) / LEAST_ROWS * LEAST_ROWS);
    layout.rows = std::max(layout.rows, LEAST_ROWS);
    for (const int64_t n : bits) {
        layout.offsets.push_back(layout.bytes);
        layout.bytes += layout.rows * n / 8;
    }
    layout.bytes = std::max(layout.bytes, LEAST_BUCKET);
    return layout;
}

/** IncrementalStMan: the input's buckets, where they have room for some values of each column. */
mms::bucket_layout incremental_layout(const std::vector<int64_t> &bits, const Record &spec)
{
    const auto least = static_cast<int64_t>(bits.size()) * 256;
    const int64_t asked = spec.isDefined("BUCKETSIZE") ? spec.asInt("BUCKETSIZE") : 0;
    mms::bucket_layout layout;

    layout.bytes = asked < least || asked > MOST_BUCKET ? std::max(least, BUCKET_BYTES) : asked;
    return layout;
}

/** Whether a stand-in takes the place of a manager; the layout of its buckets, if it has any. */
bool can_be_hollow(const Record &manager, const casacore::TableDesc &desc, int64_t nrow,
                   mms::bucket_layout &layout)
{
    const String type = manager.asString("TYPE");
    const Record spec = manager.isDefined("SPEC") ? manager.subRecord("SPEC") : Record();

    if (type == "TiledShapeStMan" || type == "TiledColumnStMan")
        return has_known_cells(manager, desc);
    if (type != "StandardStMan" && type != "IncrementalStMan")
        return false;
    const std::vector<int64_t> bits = scalar_bits(manager, desc);
    if (bits.empty())
        return false;
    layout = type == "StandardStMan" ? standard_layout(bits, nrow) : incremental_layout(bits, spec);
    return true;
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
