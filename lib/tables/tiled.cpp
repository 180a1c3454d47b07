// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file tiled.cpp  Tiled storage managers: what their files hold. */
#include <casacore/tables/Tables/StorageOption.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <algorithm>
#include <memory>

#include "hollow.hpp"
#include "multims/log.h"

using casacore::IPosition;
using casacore::Record;
using casacore::String;
using casacore::Vector;

std::vector<const mms_column *> mms::columns_of(const mms_table *t,
                                                const casacore::DataManager *manager)
{
    std::vector<const mms_column *> columns;
    for (const column_entry &entry : t->columns)
        if (t->table.findDataManager(entry.name, true) == manager)
            columns.push_back(&entry.info);
    return columns;
}

namespace
{

bool is_known(const String &type)
{
    return type == "TiledShapeStMan" || type == "TiledColumnStMan" || type == "TiledCellStMan";
}

/** Nothing but data columns: order them as the hypercolumn's definition does, if there is one. */
bool order_columns(const mms_table *t, const String &name, std::vector<const mms_column *> &columns)
{
    const casacore::TableDesc &desc = t->table.tableDesc();
    Vector<String> data, coordinates, ids;

    for (const mms_column *c : columns)
        if (c->scalar || c->dtype >= MMS_DT_STRING)
            return false;
    if (!desc.isHypercolumn(name))
        return true;
    desc.hypercolumnDesc(name, data, coordinates, ids);
    if (ids.nelements() > 0 || data.nelements() != columns.size())
        return false;
    for (const String &coordinate : coordinates)
        if (desc.isColumn(coordinate))
            return false;
    const std::vector<std::string> names(data.begin(), data.end());
    const auto place = [&](const mms_column *c) {
        return std::find(names.begin(), names.end(), c->name) - names.begin();
    };
    std::stable_sort(columns.begin(), columns.end(),
                     [&](const mms_column *a, const mms_column *b) { return place(a) < place(b); });
    return true;
}

/** Tell whoever asks for much why a column's tiles are not read directly. */
void leave_to_casacore(const mms_table *t, const std::string &column, const char *why)
{
    mms_log(MMS_LOG_DEBUG, "tables", "%s: %s is read through casacore: %s", t->path.c_str(),
            column.c_str(), why);
}

void describe(mms_table *t, const casacore::DataManager *manager)
{
    std::vector<const mms_column *> columns = mms::columns_of(t, manager);
    const bool hollow = dynamic_cast<const mms::hollow_manager *>(manager) != nullptr;

    if (!order_columns(t, manager->dataManagerName(), columns))
        return leave_to_casacore(t, columns.front()->name,
                                 "its manager has ids or coordinates, too");
    mms_tiled entry = {};
    const column_entry &first =
        *std::find_if(t->columns.begin(), t->columns.end(),
                      [&](const column_entry &e) { return &e.info == columns.front(); });
    entry.type = first.manager.c_str();
    entry.name = first.group.c_str();
    entry.sequence = manager->sequenceNr();
    entry.big_endian = manager->asBigEndian();
    entry.hollow = hollow;
    for (const mms_column *c : columns)
        entry.ndim = std::max(entry.ndim, c->ndim);
    if (hollow) {
        const Record spec = manager->dataManagerSpec();
        const IPosition tile =
            spec.isDefined("DEFAULTTILESHAPE")
                ? IPosition(Vector<casacore::Int>(spec.toArrayInt("DEFAULTTILESHAPE")))
                : IPosition();
        if (tile.nelements() <= MMS_MAX_DIM + 1) {
            entry.ntile = static_cast<int32_t>(tile.nelements());
            mms::c_order(tile, entry.default_tile);
        }
    }
    entry.ncolumn = static_cast<int64_t>(columns.size());
    t->tiled_columns.push_back(columns);
    t->tiled.push_back(entry);
}

/** The managers of a table that stores its rows itself, in files of their own. */
void find_tiled(mms_table *t)
{
    std::vector<const casacore::DataManager *> seen;

    if (t->table.storageOption().option() != casacore::StorageOption::SepFile)
        return leave_to_casacore(t, "every column", "its managers share a file (MultiFile)");
    for (const column_entry &entry : t->columns) {
        const casacore::DataManager *manager = t->table.findDataManager(entry.name, true);
        if (entry.manager == "TiledDataStMan")
            leave_to_casacore(t, entry.name, "TiledDataStMan");
        if (!is_known(entry.manager) || std::count(seen.begin(), seen.end(), manager) ||
            manager->table().tableName() != t->table.tableName())
            continue;
        seen.push_back(manager);
        describe(t, manager);
    }
    for (size_t i = 0; i < t->tiled.size(); i++)
        t->tiled[i].columns = t->tiled_columns[i].data();
}

} // namespace

extern "C" {

mms_status mms_table_tiled(mms_table *table, int64_t *n, const mms_tiled **list, mms_error *err)
{
    *n = 0;
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        if (!table->knows_tiled)
            find_tiled(table);
        table->knows_tiled = true;
        *list = table->tiled.data();
        *n = static_cast<int64_t>(table->tiled.size());
        return MMS_OK;
    });
}

mms_status mms_table_tile(mms_table *table, const char *column, int32_t ndim, const int64_t *shape,
                          int64_t *tile, mms_error *err)
{
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        const mms_column *c;
        const mms_status st = mms::find(table, column, &c, err);
        if (st != MMS_OK)
            return st;
        const IPosition chosen = mms::tile_for(table, c, mms::casa_order(ndim, shape));
        if (chosen.nelements() != static_cast<size_t>(ndim) + 1)
            return mms_fail(err, MMS_ERR_SHAPE, "%s: %s: a tile of %zu axes for cells of %d",
                            table->path.c_str(), column, chosen.nelements(), ndim);
        mms::c_order(chosen, tile);
        return MMS_OK;
    });
}

} // extern "C"
