// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file table.cpp  Open, close, rows and columns of one casacore table. */
#include "handle.hpp"

#include "base/files_priv.h"

#include <casacore/casa/version.h>
#include <casacore/tables/DataMan/TiledStManAccessor.h>
#include <casacore/tables/Tables/ColumnDesc.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableUtil.h>

#include <cinttypes>
#include <memory>
#include <set>

using casacore::IPosition;
using casacore::Table;

namespace mms
{

mms_dtype dtype_of(casacore::DataType type)
{
    switch (type) {
    case casacore::TpBool:
    case casacore::TpArrayBool:
        return MMS_DT_BOOL;
    case casacore::TpUChar:
    case casacore::TpArrayUChar:
        return MMS_DT_UCHAR;
    case casacore::TpShort:
    case casacore::TpArrayShort:
        return MMS_DT_SHORT;
    case casacore::TpUShort:
    case casacore::TpArrayUShort:
        return MMS_DT_USHORT;
    case casacore::TpInt:
    case casacore::TpArrayInt:
        return MMS_DT_INT;
    case casacore::TpUInt:
    case casacore::TpArrayUInt:
        return MMS_DT_UINT;
    case casacore::TpInt64:
    case casacore::TpArrayInt64:
        return MMS_DT_INT64;
    case casacore::TpFloat:
    case casacore::TpArrayFloat:
        return MMS_DT_FLOAT;
    case casacore::TpDouble:
    case casacore::TpArrayDouble:
        return MMS_DT_DOUBLE;
    case casacore::TpComplex:
    case casacore::TpArrayComplex:
        return MMS_DT_COMPLEX;
    case casacore::TpDComplex:
    case casacore::TpArrayDComplex:
        return MMS_DT_DCOMPLEX;
    case casacore::TpString:
    case casacore::TpArrayString:
        return MMS_DT_STRING;
    default:
        return MMS_DT_OTHER;
    }
}

int64_t cap_tile_rows(int64_t rows, int64_t cap, bool flags)
{
    if (cap > 0 && rows > cap)
        rows = flags ? (cap + 7) / 8 * 8 : cap;
    return rows > 0 ? rows : 1;
}

void c_order(const IPosition &shape, int64_t *out)
{
    for (size_t i = 0; i < shape.nelements(); i++)
        out[i] = shape[shape.nelements() - 1 - i];
}

IPosition casa_order(int32_t ndim, const int64_t *shape)
{
    IPosition out(static_cast<size_t>(ndim));
    for (int32_t i = 0; i < ndim; i++)
        out[static_cast<size_t>(i)] = shape[ndim - 1 - i];
    return out;
}

static void describe_column(const Table &table, const std::string &name, column_entry &entry)
{
    const casacore::ColumnDesc &desc = table.tableDesc().columnDesc(name);
    const IPosition &shape = desc.shape();

    entry.name = name;
    entry.info = mms_column();
    entry.info.dtype = desc.isScalar() || desc.isArray() ? dtype_of(desc.dataType()) : MMS_DT_OTHER;
    entry.info.scalar = desc.isScalar();
    entry.info.fixed = desc.isArray() && desc.isFixedShape() && shape.nelements() > 0 &&
                       shape.nelements() <= MMS_MAX_DIM;
    entry.info.ndim = desc.isArray() && desc.ndim() > 0 ? desc.ndim() : 0;
    if (entry.info.fixed)
        c_order(shape, entry.info.shape);
    const casacore::DataManager *manager = table.findDataManager(name, true);
    entry.manager = manager->dataManagerType();
    entry.group = manager->dataManagerName();
    entry.info.calculated = !manager->isStorageManager();
}

void point_to_texts(mms_table *t)
{
    for (column_entry &entry : t->columns) {
        entry.info.name = entry.name.c_str();
        entry.info.manager = entry.manager.c_str();
        entry.info.group = entry.group.c_str();
    }
}

mms_table *new_handle(const Table &table, const std::string &path, bool writable)
{
    auto t = std::make_unique<mms_table>();

    t->table = table;
    t->path = path;
    t->writable = writable;
    const casacore::Vector<casacore::String> names = table.tableDesc().columnNames();
    t->columns.resize(names.nelements());
    for (size_t i = 0; i < names.nelements(); i++)
        describe_column(table, names[i], t->columns[i]);
    point_to_texts(t.get());
    return t.release();
}

void add_entry(mms_table *t, const std::string &column)
{
    t->columns.emplace_back();
    describe_column(t->table, column, t->columns.back());
    point_to_texts(t);
    t->added.insert(column);
    t->managers.reset();
    t->knows_tiled = t->knows_bucketed = false;
    t->tiled.clear();
    t->tiled_columns.clear();
    t->bucketed.clear();
    t->bucketed_columns.clear();
}

std::string rows_text(int64_t nrange, const mms_rows *ranges)
{
    constexpr int64_t SHOWN = 3;
    std::string text;

    for (int64_t i = 0; i < nrange && i < SHOWN; i++) {
        const int64_t first = ranges[i].first, last = first + ranges[i].count - 1;
        text += (i ? "," : "") + std::to_string(first);
        if (last > first)
            text += "~" + std::to_string(last);
    }
    if (nrange > SHOWN)
        text += ",…," + std::to_string(ranges[nrange - 1].first + ranges[nrange - 1].count - 1);
    return (nrange == 1 && ranges[0].count == 1 ? "row " : "rows ") + text;
}

mms_status find(const mms_table *t, const char *column, const mms_column **info, mms_error *err)
{
    *info = mms_table_find_column(t, column);
    return *info ? MMS_OK
                 : mms_fail(err, MMS_ERR_NOT_FOUND, "%s: no column %s", t->path.c_str(), column);
}

mms_status ref_rows(const mms_table *t, const char *column, int64_t nrange, const mms_rows *ranges,
                    casacore::Vector<casacore::rownr_t> *slices, int64_t *n, mms_error *err)
{
    const int64_t nrow = mms_table_nrow(t);

    slices->resize(static_cast<size_t>(3 * nrange));
    *n = 0;
    for (int64_t i = 0; i < nrange; i++) {
        const mms_rows r = ranges[i];
        if (r.first < 0 || r.count < 1 || r.first > nrow - r.count)
            return mms_fail(err, MMS_ERR_RANGE,
                            "%s: %s: %" PRId64 " rows from %" PRId64 " of %" PRId64,
                            t->path.c_str(), column, r.count, r.first, nrow);
        const size_t at = static_cast<size_t>(3 * i);
        (*slices)[at] = static_cast<casacore::rownr_t>(r.first);
        (*slices)[at + 1] = static_cast<casacore::rownr_t>(r.first + r.count - 1);
        (*slices)[at + 2] = 1;
        *n += r.count;
    }
    return MMS_OK;
}

const casacore::Record &managers_of(mms_table *t)
{
    if (!t->managers)
        t->managers = std::make_unique<const casacore::Record>(t->table.dataManagerInfo());
    return *t->managers;
}

/** What casacore writes in table.info. */
static std::string info_text(const Table &table)
{
    const casacore::TableInfo &info = table.tableInfo();
    return "Type = " + info.type() + "\nSubType = " + info.subType() + "\n\n" + info.readme();
}

/** A table that casacore need not write when it lets go of it: table.dat has been flushed, and
 * nobody waits for a lock. */
class flushed : public Table
{
public:
    explicit flushed(const Table &table) : Table(table)
    {
        if (lockOptions().option() == casacore::TableLock::NoLocking)
            baseTabPtr_p->doNotWrite();
    }
};

} // namespace mms

extern "C" {

/** A table that was written without locks gets the file that others lock it by: nobody waits for
 * it, and nothing is to be read again.  An older one may tell another number of rows. */
static mms_status put_lock_file(const std::string &path, mms_error *err)
{
    static const char requests[260] = {};

    return mms_replace_file((path + "/table.lock").c_str(), requests, sizeof requests, err);
}

mms_status mms_table_close(mms_table **table, mms_error *err)
{
    if (!*table)
        return MMS_OK;
    const std::unique_ptr<mms_table> t(*table);
    *table = nullptr;
    return mms::guard(err, t->path.c_str(), [&]() -> mms_status {
        if (!t->writable) {
            t->table = Table();
            return MMS_OK;
        }
        t->table.rwKeywordSet(); // marks table.dat as changed, so that the row count is in it
        t->table.flush(false);   // whoever publishes the output syncs it as a whole
        mms::flushed{t->table};
        const int64_t rows = static_cast<int64_t>(t->table.nrow());
        const std::string info = mms::info_text(t->table);
        const bool locked = t->table.lockOptions().option() != casacore::TableLock::NoLocking;
        t->table = Table();
        const mms_status st = mms::check_written(t->path, rows, info, err);
        return st == MMS_OK && !locked ? put_lock_file(t->path, err) : st;
    });
}

void mms_table_drop(mms_table **table)
{
    (void)!mms_table_close(table, nullptr);
}

mms_status mms_table_drop_caches(mms_table *table, mms_error *err)
{
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        std::set<std::string> done;
        for (const column_entry &entry : table->columns)
            if (entry.manager.compare(0, 5, "Tiled") == 0 && done.insert(entry.group).second)
                casacore::ROTiledStManAccessor(table->table, entry.group).clearCaches();
        return MMS_OK;
    });
}

bool mms_table_is_in_use(const mms_table *table)
{
    bool used = true;
    const mms_status st = mms::guard(nullptr, table->path.c_str(), [&]() -> mms_status {
        used = table->table.isMultiUsed();
        return MMS_OK;
    });
    return st != MMS_OK || used;
}

const char *mms_table_path(const mms_table *table)
{
    return table->path.c_str();
}

int64_t mms_table_nrow(const mms_table *table)
{
    return static_cast<int64_t>(table->table.nrow());
}

mms_status mms_table_add_rows(mms_table *table, int64_t count, mms_error *err)
{
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        if (count > 0)
            table->table.addRow(static_cast<casacore::rownr_t>(count));
        return MMS_OK;
    });
}

mms_status mms_table_remove_rows(mms_table *table, int64_t n, const int64_t *rows, mms_error *err)
{
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        casacore::Vector<casacore::rownr_t> list(static_cast<size_t>(n));
        for (int64_t i = 0; i < n; i++)
            list[static_cast<size_t>(i)] = static_cast<casacore::rownr_t>(rows[i]);
        if (n > 0)
            table->table.removeRow(casacore::RowNumbers(list));
        return MMS_OK;
    });
}

int64_t mms_table_nunreadable(const mms_table *table)
{
    return static_cast<int64_t>(table->unreadable.size());
}

mms_unreadable mms_table_unreadable(const mms_table *table, int64_t i)
{
    const unreadable_entry &u = table->unreadable[static_cast<size_t>(i)];
    return {u.name.c_str(), u.manager.c_str(), u.why.c_str()};
}

int64_t mms_table_ncolumn(const mms_table *table)
{
    return static_cast<int64_t>(table->columns.size());
}

const mms_column *mms_table_column(const mms_table *table, int64_t i)
{
    return &table->columns[static_cast<size_t>(i)].info;
}

const mms_column *mms_table_find_column(const mms_table *table, const char *name)
{
    for (const column_entry &entry : table->columns)
        if (entry.name == name)
            return &entry.info;
    return nullptr;
}

const char *mms_table_library_version(void)
{
    return CASACORE_VERSION;
}

} // extern "C"
