// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file add_column.cpp  Columns that a table gets when it has rows already. */
#include <casacore/tables/DataMan/TiledShapeStMan.h>
#include <casacore/tables/Tables/StorageOption.h>
#include <casacore/tables/Tables/TableDesc.h>

#include "hollow.hpp"
#include "standard.hpp"

using casacore::ColumnDesc;
using casacore::IPosition;
using casacore::String;

namespace
{

/** The standard's description, with an axis of channels and one of correlations. */
ColumnDesc standard_column(const char *name)
{
    casacore::TableDesc desc;

    mms::add_standard_column(desc, name);
    return desc.columnDesc(name);
}

/** A name that no manager has. */
String free_name(const mms_table *t, const std::string &column)
{
    std::string name = "Own" + column;

    for (int i = 1; mms::has_manager(t, name); i++)
        name = "Own" + column + "_" + std::to_string(i);
    return name;
}

bool can_be_hollow(const mms_table *t)
{
    return t->table.nrow() <= INT32_MAX &&
           t->table.storageOption().option() == casacore::StorageOption::SepFile;
}

} // namespace

bool mms::has_manager(const mms_table *t, const std::string &name)
{
    for (const column_entry &entry : t->columns)
        if (entry.group == name)
            return true;
    return false;
}

extern "C" mms_status mms_table_add_column(mms_table *table, const char *column, bool hollow,
                                           mms_error *err)
{
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        if (!mms_is_standard_column(column))
            return mms_fail(err, MMS_ERR_ARG, "%s: %s is no column of the MS definition",
                            table->path.c_str(), column);
        if (mms_table_find_column(table, column))
            return mms_fail(err, MMS_ERR_EXISTS, "%s has a column %s", table->path.c_str(), column);
        const ColumnDesc desc = standard_column(column);
        const IPosition tile(3, 1, 1, 1024); // each cell shape gets its own
        const String name = free_name(table, column);
        if (hollow && can_be_hollow(table)) {
            casacore::Record spec;
            spec.define("DEFAULTTILESHAPE", tile.asVector());
            table->table.addColumn(desc, mms::hollow_manager("TiledShapeStMan", name, spec, {}));
        } else {
            table->table.addColumn(desc, casacore::TiledShapeStMan(name, tile));
        }
        mms::add_entry(table, column);
        return MMS_OK;
    });
}
