// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file fill_tiled_data.cpp  fill_tiled_data TABLE COLUMN: give a column in TiledDataStMan its
 * cube, four values a row: row * 4 + place. */
#include <casacore/casa/Arrays/ArrayMath.h>
#include <casacore/tables/DataMan/TiledDataStManAccessor.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/Table.h>

#include <iostream>

int main(int argc, char **argv)
try {
    if (argc != 3)
        return 2;
    casacore::Table table(argv[1], casacore::Table::Update);
    const auto nrow = static_cast<casacore::Int64>(table.nrow());
    const casacore::String manager = table.tableDesc().columnDesc(argv[2]).dataManagerGroup();
    casacore::TiledDataStManAccessor accessor(table, manager);
    accessor.addHypercube(casacore::IPosition(2, 4, nrow), casacore::IPosition(2, 4, 7),
                          casacore::Record());
    casacore::ArrayColumn<casacore::Float> column(table, argv[2]);
    casacore::Vector<casacore::Float> cell(4);
    for (casacore::Int64 row = 0; row < nrow; row++) {
        casacore::indgen(cell, static_cast<casacore::Float>(row * 4));
        column.put(static_cast<casacore::rownr_t>(row), cell);
    }
    return 0;
} catch (const std::exception &e) {
    std::cerr << e.what() << '\n';
    return 1;
}
