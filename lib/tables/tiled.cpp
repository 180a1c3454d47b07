/** @file tiled.cpp  Tiled storage managers: what their files hold, and stand-ins for new ones whose
 *  files are written without casacore. */
#include <casacore/tables/DataMan/DataManagerColumn.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/StorageOption.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <algorithm>
#include <memory>

#include "multims/log.h"
#include "table.hpp"

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

class hollow_column : public casacore::DataManagerColumn
{
public:
    explicit hollow_column(int type) : type_p(type)
    {
    }
    int dataType() const override
    {
        return type_p;
    }

private:
    int type_p;

    void setShapeColumn(const IPosition &) override
    {
    }
};

/** Stands in table.dat for a tiled manager.  casacore writes the type and the columns of it, and
 *  makes no cube, no tile and no file. */
class hollow_manager : public casacore::DataManager
{
public:
    hollow_manager(const String &type, const String &name, const Record &spec)
        : type_p(type), name_p(name), spec_p(spec)
    {
    }
    casacore::DataManager *clone() const override
    {
        return new hollow_manager(type_p, name_p, spec_p);
    }
    String dataManagerType() const override
    {
        return type_p;
    }
    String dataManagerName() const override
    {
        return name_p;
    }
    Record dataManagerSpec() const override
    {
        return spec_p;
    }
    void deleteManager() override
    {
    }

private:
    String type_p, name_p;
    Record spec_p;
    std::vector<std::unique_ptr<hollow_column>> columns_p;

    casacore::DataManagerColumn *make(int type)
    {
        columns_p.push_back(std::make_unique<hollow_column>(type));
        return columns_p.back().get();
    }
    casacore::DataManagerColumn *makeScalarColumn(const String &, int type, const String &) override
    {
        return make(type);
    }
    casacore::DataManagerColumn *makeDirArrColumn(const String &, int type, const String &) override
    {
        return make(type);
    }
    casacore::DataManagerColumn *makeIndArrColumn(const String &, int type, const String &) override
    {
        return make(type);
    }
    casacore::Bool flush(casacore::AipsIO &, casacore::Bool) override
    {
        return false;
    }
    void create64(casacore::rownr_t) override
    {
    }
};

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
    const bool hollow = dynamic_cast<const hollow_manager *>(manager) != nullptr;

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

/** Whether new tables keep each manager in its own files: casarc's table.storage may say no. */
bool has_own_files()
{
    casacore::StorageOption option;
    option.fillOption();
    return option.option() == casacore::StorageOption::SepFile;
}

/** Whether the stand-in can take the place of a manager: the caller will know the cells' axes. */
bool can_be_hollow(const Record &manager, const casacore::TableDesc &desc)
{
    const String type = manager.asString("TYPE");
    bool axes = false;

    if (type != "TiledShapeStMan" && type != "TiledColumnStMan")
        return false;
    for (const String &name : Vector<String>(manager.asArrayString("COLUMNS"))) {
        const casacore::ColumnDesc &column = desc.columnDesc(name);
        if (!column.isArray() || mms_dtype_size(mms::dtype_of(column.dataType())) == 0)
            return false;
        axes = axes || (column.ndim() > 0 && column.ndim() <= MMS_MAX_DIM);
    }
    return axes;
}

} // namespace

void mms::bind_hollow(casacore::SetupNewTable &setup, const casacore::TableDesc &desc,
                      const Record &managers)
{
    if (!has_own_files()) {
        setup.bindCreate(managers);
        return;
    }
    for (casacore::uInt i = 0; i < managers.nfields(); i++) {
        const Record manager = managers.subRecord(i);
        if (!can_be_hollow(manager, desc)) {
            Record one;
            one.defineRecord(managers.name(i), manager);
            setup.bindCreate(one);
            continue;
        }
        const Record spec = manager.isDefined("SPEC") ? manager.subRecord("SPEC") : Record();
        const hollow_manager stand_in(manager.asString("TYPE"), manager.asString("NAME"), spec);
        for (const String &name : Vector<String>(manager.asArrayString("COLUMNS")))
            setup.bindColumn(name, stand_in);
    }
}

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
