// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file create.cpp  New tables: like an existing one, or standard ones of the MS definition. */
#include <casacore/tables/DataMan/DataManInfo.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/SetupNewTab.h>

#include <algorithm>
#include <set>

#include "base/files_priv.h"
#include "column_names.hpp"
#include "json.hpp"
#include "standard.hpp"

using casacore::ColumnDesc;
using casacore::IPosition;
using casacore::Record;
using casacore::String;
using casacore::Table;
using casacore::TableDesc;
using casacore::Vector;

namespace
{

bool in_list(const char *const *list, const std::string &name)
{
    for (; list && *list; list++)
        if (name == *list)
            return true;
    return false;
}

/** The managers that we can write and that lose nothing. */
bool is_plain_manager(const std::string &type)
{
    static const std::set<std::string> plain = {"StandardStMan",   "IncrementalStMan",
                                                "TiledShapeStMan", "TiledColumnStMan",
                                                "TiledCellStMan",  "StManAipsIO"};
    return plain.count(type) != 0;
}

bool is_tiled(const std::string &type)
{
    return type.compare(0, 5, "Tiled") == 0;
}

/** A new table's description and manager record while they are worked on. */
struct layout {
    TableDesc desc;
    Record managers;
};

void remove_subtable_keywords(TableDesc &desc)
{
    casacore::TableRecord &keywords = desc.rwKeywordSet();
    for (casacore::Int i = static_cast<casacore::Int>(keywords.nfields()) - 1; i >= 0; i--)
        if (keywords.dataType(i) == casacore::TpTable)
            keywords.removeField(i);
}

/** Take columns out of the managers; managers that have none left go too. */
void remove_from_managers(layout &l, const std::set<std::string> &gone)
{
    Record kept;
    for (casacore::uInt i = 0; i < l.managers.nfields(); i++) {
        Record manager = l.managers.subRecord(i);
        std::vector<String> names;
        for (const String &name : Vector<String>(manager.asArrayString("COLUMNS")))
            if (!gone.count(name))
                names.push_back(name);
        if (names.empty())
            continue;
        manager.define("COLUMNS", Vector<String>(names));
        kept.defineRecord(l.managers.name(i), manager);
    }
    l.managers = kept;
}

/** Names of columns that need another manager than the input's. */
std::vector<std::string> columns_to_move(const layout &l, const char *const *reshape)
{
    std::vector<std::string> moved;
    for (casacore::uInt i = 0; i < l.managers.nfields(); i++) {
        const Record manager = l.managers.subRecord(i);
        const Vector<String> names(manager.asArrayString("COLUMNS"));
        for (const String &name : names)
            if (!is_plain_manager(manager.asString("TYPE")) || in_list(reshape, name))
                moved.push_back(name);
    }
    return moved;
}

Record new_manager(const String &type, const String &name, const String &column)
{
    Record manager;
    manager.define("TYPE", type);
    manager.define("NAME", name);
    manager.define("SPEC", Vector<casacore::Int>());
    manager.removeField("SPEC");
    manager.defineRecord("SPEC", Record());
    manager.define("COLUMNS", Vector<String>(1, column));
    return manager;
}

/** Let the description say how many axes the cells of a standard column have; false: not known. */
bool settle_axes(ColumnDesc &desc)
{
    if (desc.ndim() <= 0 && mms_is_standard_column(desc.name().c_str()))
        desc.setNdim(desc.name() == mms::column::FLAG_CATEGORY ? 3 : 2);
    return desc.ndim() > 0;
}

/** The default tile of a free-shaped column: rows of about 1 MiB once the first cell is known. */
IPosition default_tile(const ColumnDesc &desc)
{
    const auto ndim = static_cast<size_t>(desc.ndim());
    IPosition tile(ndim + 1, 1);
    tile[ndim] = 1024;
    return tile;
}

/** Take a column away from its manager and give it one of its own (multi-ms 1.12): tiles where all
 *  cells have so many axes. */
void give_own_manager(layout &l, const std::string &name, bool small)
{
    ColumnDesc &desc = l.desc.rwColumnDesc(name);
    remove_from_managers(l, {name});
    const bool array = !small && desc.isArray() &&
                       mms_dtype_size(mms::dtype_of(desc.dataType())) > 0 && settle_axes(desc);
    Record manager = new_manager(array ? "TiledShapeStMan" : "StandardStMan", "Own" + name, name);
    if (array) {
        Record spec;
        const IPosition tile = default_tile(desc);
        spec.define("DEFAULTTILESHAPE", tile.asVector());
        manager.defineRecord("SPEC", spec);
    }
    l.managers.defineRecord("*own" + name, manager);
}

/** Make a column free-shaped: its cells will have other shapes than the description says. */
void free_shape(TableDesc &desc, const std::string &name)
{
    ColumnDesc &column = desc.rwColumnDesc(name);
    if (!column.isArray() || !column.isFixedShape())
        return;
    const auto ndim = static_cast<casacore::uInt>(column.ndim());
    column.setOptions(column.options() & ~(ColumnDesc::FixedShape | ColumnDesc::Direct));
    column.setNdim(ndim); // removing the shape has removed its number of axes
}

void drop_columns(layout &l, const mms_table *src, const char *const *skip)
{
    std::set<std::string> gone;
    for (const String &name : l.desc.columnNames())
        if (in_list(skip, name))
            gone.insert(name);
    for (const unreadable_entry &u : src->unreadable)
        gone.insert(u.name);
    remove_from_managers(l, gone);
    for (const std::string &name : gone)
        l.desc.removeColumn(name);
}

/** Add optional main columns that are not there. */
void add_columns(layout &l, const char *const *add)
{
    for (; add && *add; add++) {
        if (l.desc.isColumn(*add))
            continue;
        mms::add_standard_column(l.desc, *add);
        give_own_manager(l, *add, false);
    }
}

/** Give a column another name; where it is calculated, and not in the description, that of a new
 *  one. */
void rename_column(layout &l, const char *from, const char *to)
{
    const char *const made[] = {to, nullptr};
    if (!l.desc.isColumn(from)) {
        add_columns(l, made);
        return;
    }
    l.desc.renameColumn(to, from);
    for (casacore::uInt i = 0; i < l.managers.nfields(); i++) {
        Record &manager = l.managers.rwSubRecord(i);
        Vector<String> names(manager.asArrayString("COLUMNS").copy());
        for (String &name : names)
            if (name == from)
                name = to;
        manager.define("COLUMNS", names);
    }
}

bool holds_flags(const layout &l, const Record &manager)
{
    const Vector<String> names(manager.asArrayString("COLUMNS"));
    return names.nelements() && l.desc.columnDesc(names[0]).dataType() == casacore::TpBool;
}

IPosition capped(IPosition tile, int64_t cap, bool flags)
{
    const size_t last = tile.nelements() - 1;
    tile[last] = mms::cap_tile_rows(tile[last], cap, flags);
    return tile;
}

/** Remember the tile of each cell shape of a manager's columns for the writer. */
void note_tiles(const layout &l, const Record &manager, const mms_table_like *how,
                std::map<std::string, std::vector<tile_choice>> &tiles)
{
    const Record spec = manager.subRecord("SPEC");
    if (manager.asString("TYPE") != "TiledShapeStMan" || !spec.isDefined("HYPERCUBES"))
        return;
    const Record cubes = spec.subRecord("HYPERCUBES");
    const Vector<String> names(manager.asArrayString("COLUMNS"));
    for (casacore::uInt i = 0; i < cubes.nfields(); i++) {
        const Record cube = cubes.subRecord(i);
        const IPosition cell(Vector<casacore::Int>(cube.toArrayInt("CellShape")));
        const IPosition tile(Vector<casacore::Int>(cube.toArrayInt("TileShape")));
        if (cell.nelements() == 0 || tile.nelements() != cell.nelements() + 1)
            continue;
        tiles[names[0]].push_back(
            {cell, capped(tile, how->max_tile_rows, holds_flags(l, manager))});
    }
}

void cap_default_tiles(layout &l, const mms_table_like *how,
                       std::map<std::string, std::vector<tile_choice>> &tiles)
{
    for (casacore::uInt i = 0; i < l.managers.nfields(); i++) {
        Record &manager = l.managers.rwSubRecord(i);
        // A TiledCellStMan's tile has no axis of rows.
        if (!is_tiled(manager.asString("TYPE")) || !manager.isDefined("SPEC") ||
            manager.asString("TYPE") == "TiledCellStMan")
            continue;
        note_tiles(l, manager, how, tiles);
        Record &spec = manager.rwSubRecord("SPEC");
        if (spec.isDefined("HYPERCUBES"))
            spec.removeField("HYPERCUBES");
        if (!spec.isDefined("DEFAULTTILESHAPE"))
            continue;
        const IPosition tile(Vector<casacore::Int>(spec.toArrayInt("DEFAULTTILESHAPE")));
        if (tile.nelements() > 0)
            spec.define("DEFAULTTILESHAPE",
                        capped(tile, how->max_tile_rows, holds_flags(l, manager)).asVector());
    }
}

void add_name(std::string &list, const std::string &name)
{
    list += (list.empty() ? "" : ", ") + name;
}

/** Say once of a table what does not go into its copies as it is, in a line a manager. */
void warn_moved(mms_table *src, const std::vector<std::string> &moved, const char *const *reshape)
{
    std::map<std::string, std::string> stored, calculated;

    if (src->warned)
        return;
    src->warned = true;
    for (const std::string &name : moved)
        if (!in_list(reshape, name)) {
            const mms_column *c = mms_table_find_column(src, name.c_str());
            const bool engine = c && c->calculated;
            add_name((engine ? calculated : stored)[c ? c->manager : "a virtual engine"], name);
        }
    for (const auto &m : stored)
        mms_log(MMS_LOG_WARN, "tables",
                "%s: %s: stored by %s, which is not written; written uncompressed",
                src->path.c_str(), m.second.c_str(), m.first.c_str());
    for (const auto &m : calculated)
        mms_log(MMS_LOG_WARN, "tables",
                "%s: %s: calculated by %s, which is not written; the values are", src->path.c_str(),
                m.second.c_str(), m.first.c_str());
    for (const unreadable_entry &u : src->unreadable)
        mms_log(MMS_LOG_WARN, "tables", "%s: %s, calculated by %s, is left out: %s",
                src->path.c_str(), u.name.c_str(), u.manager.c_str(), u.why.c_str());
}

layout layout_like(mms_table *src, const mms_table_like *how,
                   std::map<std::string, std::vector<tile_choice>> &tiles)
{
    layout l = {src->table.tableDesc(), mms::managers_of(src)};

    remove_subtable_keywords(l.desc);
    drop_columns(l, src, how->skip);
    casacore::DataManInfo::removeHypercolumns(l.desc);
    const std::vector<std::string> moved = columns_to_move(l, how->reshape);
    warn_moved(src, moved, how->reshape);
    for (const std::string &name : moved) {
        free_shape(l.desc, name);
        give_own_manager(l, name, how->small);
    }
    if (how->rename_from)
        rename_column(l, how->rename_from, how->rename_to);
    add_columns(l, how->add);
    cap_default_tiles(l, how, tiles);
    casacore::DataManInfo::makeUniqueNames(l.managers);
    return l;
}

mms_status refuse_existing(const char *path, mms_error *err)
{
    bool taken;
    const mms_status st = mms_path_taken(path, &taken, err);
    return st == MMS_OK && taken ? mms_fail(err, MMS_ERR_EXISTS, "%s exists already", path) : st;
}

Table make_table(const char *path, const layout &l, int64_t nrow,
                 Table::EndianFormat endian = Table::AipsrcEndian, bool hollow = false)
{
    casacore::SetupNewTable setup(mms::take_literally(path), l.desc, Table::New);
    if (hollow)
        mms::bind_hollow(setup, l.desc, l.managers, nrow);
    else
        setup.bindCreate(l.managers);
    // nobody else knows the table yet, and a lock file is synced each time it is written
    return Table(setup, casacore::TableLock(casacore::TableLock::NoLocking),
                 static_cast<casacore::rownr_t>(nrow), false, endian);
}

/** A list of lengths in C order as casacore's shape. */
IPosition list_shape(const json_t *list)
{
    const size_t n = json_array_size(list);
    IPosition shape(n);
    for (size_t i = 0; i < n; i++)
        shape[i] = json_integer_value(json_array_get(list, n - 1 - i));
    return shape;
}

/** One manager of create_standard's list as casacore's record. */
Record manager_record(const json_t *entry)
{
    Record manager, spec;
    const json_t *tile = json_object_get(entry, "tile");

    manager.define("TYPE", String(json_string_value(json_object_get(entry, "type"))));
    manager.define("NAME", String(json_string_value(json_object_get(entry, "name"))));
    if (tile)
        spec.define("DEFAULTTILESHAPE", list_shape(tile).asVector());
    manager.defineRecord("SPEC", spec);
    manager.define("COLUMNS",
                   Vector<String>(mms::array_from_json<String>(json_object_get(entry, "columns"))));
    return manager;
}

/** Give the columns of managers with a "cell" that fixed shape. */
void fix_shapes(TableDesc &desc, const mms_value *managers)
{
    for (size_t i = 0; i < json_array_size(managers); i++) {
        const json_t *entry = json_array_get(managers, i);
        const json_t *cell = json_object_get(entry, "cell");
        const json_t *columns = json_object_get(entry, "columns");
        for (size_t c = 0; cell && c < json_array_size(columns); c++) {
            ColumnDesc &column = desc.rwColumnDesc(json_string_value(json_array_get(columns, c)));
            if (column.isFixedShape())
                continue; // the standard has fixed it
            column.setShape(list_shape(cell));
            column.setOptions(ColumnDesc::Direct | ColumnDesc::FixedShape);
        }
    }
}

/** Whether a free-shaped tiled column has a tile that the caller chose. */
bool has_given_tiles(const mms_value *managers)
{
    for (size_t i = 0; i < json_array_size(managers); i++) {
        const json_t *entry = json_array_get(managers, i);
        const std::string type = json_string_value(json_object_get(entry, "type"));
        if (type == "TiledShapeStMan" && json_object_get(entry, "tile"))
            return true;
    }
    return false;
}

Record manager_list(const mms_value *managers)
{
    Record list;
    for (size_t i = 0; i < json_array_size(managers); i++)
        list.defineRecord("*" + String::toString(i + 1),
                          manager_record(json_array_get(managers, i)));
    return list;
}

} // namespace

extern "C" {

mms_status mms_table_create_like(const char *path, mms_table *src, const mms_table_like *how,
                                 mms_table **out, mms_error *err)
{
    *out = nullptr;
    return mms::guard(err, path, [&]() -> mms_status {
        const mms_status st = refuse_existing(path, err);
        if (st != MMS_OK)
            return st;
        std::map<std::string, std::vector<tile_choice>> tiles;
        const layout l = layout_like(src, how, tiles);
        const bool hollow = how->hollow && how->nrow <= INT32_MAX; // as we write files
        Table table = make_table(path, l, how->nrow, Table::AipsrcEndian, hollow);
        table.tableInfo() = src->table.tableInfo();
        *out = mms::new_handle(table, path, true);
        (*out)->tiles = tiles;
        (*out)->in_order = !how->small;
        (*out)->chooses_tiles = true;
        (*out)->max_tile_rows = how->max_tile_rows;
        std::copy(how->tile, how->tile + 3, (*out)->tile);
        return MMS_OK;
    });
}

mms_status mms_table_create_standard(const char *path, const char *kind,
                                     const char *const *optional, const mms_value *managers,
                                     mms_table **out, mms_error *err)
{
    const mms_table_standard what = {kind, optional, managers, 0, false};
    return mms_table_create_standard_as(path, &what, out, err);
}

mms_status mms_table_create_standard_as(const char *path, const mms_table_standard *what,
                                        mms_table **out, mms_error *err)
{
    *out = nullptr;
    return mms::guard(err, path, [&]() -> mms_status {
        const std::unique_ptr<TableDesc> desc = mms::make_standard_desc(what->kind, what->optional);
        if (!desc)
            return mms_fail(err, MMS_ERR_ARG, "%s: no standard table is called %s", path,
                            what->kind);
        const mms_status st = refuse_existing(path, err);
        if (st != MMS_OK)
            return st;
        mms::redirect_casacore_log();
        layout l = {*desc, manager_list(what->managers)};
        fix_shapes(l.desc, what->managers);
        Table table =
            make_table(path, l, 0, what->big_endian ? Table::BigEndian : Table::AipsrcEndian);
        if (!std::strcmp(what->kind, "MAIN")) {
            table.tableInfo().setType("Measurement Set");
            table.tableInfo().setSubType("UVFITS");
            table.tableInfo().readmeAddLine(
                "This is a MeasurementSet Table holding measurements from a Telescope");
        }
        *out = mms::new_handle(table, path, true);
        (*out)->chooses_tiles = what->managers && !has_given_tiles(what->managers);
        (*out)->max_tile_rows = what->max_tile_rows;
        return MMS_OK;
    });
}

} // extern "C"
