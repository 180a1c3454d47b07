// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file open_table.cpp  Open a table: columns that can't be read are left out. */
#include "handle.hpp"

#include <casacore/casa/version.h>
#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <casacore/tables/Tables/TableUtil.h>

using casacore::Table;
using column_entry = decltype(mms_table::columns)::value_type;

namespace
{

/** Whether the first row's cell can be read; columns of the main table's standard are not tried: it
 *  is an error if they can't. */
bool is_readable(mms_table *t, const column_entry &column, std::string &why)
{
    mms_value *cell = nullptr;
    mms_error found = {};

    if (!column.info.calculated || t->table.nrow() == 0 ||
        mms_is_standard_column(column.name.c_str()))
        return true;
    const mms_status st = mms_table_get_cell(t, column.name.c_str(), 0, &cell, &found);
    mms_value_free(&cell);
    why = found.msg;
    return st == MMS_OK;
}

/** Leave out the columns that can't be read. */
void drop_unreadable(mms_table *t)
{
    std::vector<column_entry> kept;
    std::string why;

    for (const column_entry &column : t->columns)
        if (is_readable(t, column, why))
            kept.push_back(column);
        else
            t->unreadable.push_back({column.name, column.manager, why});
    if (!t->unreadable.empty()) {
        t->columns = kept;
        mms::point_to_texts(t);
    }
}

/** Whether casacore has a storage manager, or finds a library that brings it. */
bool has_manager(const casacore::String &type)
{
    try {
        casacore::DataManager::getCtor(type);
    } catch (const casacore::AipsError &) {
        return false;
    }
    return casacore::DataManager::isRegistered(type);
}

/** Name the columns whose storage manager this casacore does not have. */
std::string unknown_managers(const char *path)
{
    casacore::TableDesc desc;
    std::string text;

    casacore::TableUtil::getLayout(desc, mms::take_literally(path));
    std::map<std::string, std::string> stored = mms::stored_managers(path, desc);
    for (casacore::uInt i = 0; i < desc.ncolumn(); i++) {
        const casacore::String type =
            stored.empty() ? desc[i].dataManagerType() : casacore::String(stored[desc[i].name()]);
        if (!type.empty() && !has_manager(type))
            text += (text.empty() ? "" : ", ") + desc[i].name() + " (" + type + ")";
    }
    return text;
}

} // namespace

mms_status mms_table_open(const char *path, mms_table_mode mode, mms_table **out, mms_error *err)
{
    *out = nullptr;
    return mms::guard(err, path, [&]() -> mms_status {
        mms::redirect_casacore_log();
        try {
            Table table;
            const mms_status st = mms::open_table(path, mode, &table, err);
            if (st != MMS_OK)
                return st;
            *out = mms::new_handle(table, path, mode != MMS_TABLE_READ);
            drop_unreadable(*out);
        } catch (const casacore::AipsError &) {
            // DataManUnknownCtor, or what the search for a library of the manager's name throws
            const std::string unknown = unknown_managers(path);
            if (unknown.empty())
                throw;
            return mms_fail(err, MMS_ERR_UNSUPPORTED,
                            "%s: this casacore (%s) lacks the storage manager of column %s", path,
                            CASACORE_VERSION, unknown.c_str());
        }
        return MMS_OK;
    });
}
