// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file bucketed.cpp  Managers that keep rows in buckets: StandardStMan, IncrementalStMan. */
#include <casacore/tables/Tables/StorageOption.h>

#include <algorithm>

#include "hollow.hpp"

namespace
{

void describe(mms_table *t, const column_entry &first, const casacore::DataManager *manager)
{
    mms_bucketed entry = {};

    t->bucketed_columns.push_back(mms::columns_of(t, manager));
    entry.type = first.manager.c_str();
    entry.name = first.group.c_str();
    entry.sequence = manager->sequenceNr();
    entry.big_endian = manager->asBigEndian();
    entry.ncolumn = static_cast<int64_t>(t->bucketed_columns.back().size());
    const auto *hollow = dynamic_cast<const mms::hollow_manager *>(manager);
    if (hollow) {
        entry.hollow = true;
        entry.bucket_bytes = hollow->layout().bytes;
        entry.bucket_rows = hollow->layout().rows;
        entry.offsets = hollow->layout().offsets.data();
    }
    t->bucketed.push_back(entry);
}

/** The managers of a table that stores its rows itself, in files of their own. */
void find_bucketed(mms_table *t)
{
    std::vector<const casacore::DataManager *> seen;

    if (t->table.storageOption().option() != casacore::StorageOption::SepFile)
        return;
    for (const column_entry &entry : t->columns) {
        const casacore::DataManager *manager = t->table.findDataManager(entry.name, true);
        const bool known = entry.manager == "StandardStMan" || entry.manager == "IncrementalStMan";
        if (!known || std::count(seen.begin(), seen.end(), manager) ||
            manager->table().tableName() != t->table.tableName())
            continue;
        seen.push_back(manager);
        describe(t, entry, manager);
    }
    for (size_t i = 0; i < t->bucketed.size(); i++)
        t->bucketed[i].columns = t->bucketed_columns[i].data();
}

} // namespace

extern "C" mms_status mms_table_bucketed(mms_table *table, int64_t *n, const mms_bucketed **list,
                                         mms_error *err)
{
    *n = 0;
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        if (!table->knows_bucketed)
            find_bucketed(table);
        table->knows_bucketed = true;
        *list = table->bucketed.data();
        *n = static_cast<int64_t>(table->bucketed.size());
        return MMS_OK;
    });
}
