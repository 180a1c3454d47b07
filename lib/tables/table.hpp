// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file table.hpp  What the parts of the shim share: the handle and the type dispatch. */
#ifndef MULTIMS_TABLE_HPP
#define MULTIMS_TABLE_HPP

#include <casacore/casa/Arrays/IPosition.h>
#include <casacore/casa/BasicSL/Complex.h>
#include <casacore/casa/BasicSL/String.h>
#include <casacore/casa/Containers/Record.h>
#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/Tables/RefRows.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/Table.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "guard.hpp"
#include "tables_priv.h"

/** Tile shapes of a column by cell shape, casacore's axis order. */
struct tile_choice {
    casacore::IPosition cell, tile;
};

struct column_entry {
    std::string name, manager, group;
    mms_column info;
};

/** A column that is left out, and why. */
struct unreadable_entry {
    std::string name, manager, why;
};

struct mms_table {
    casacore::Table table;
    std::string path;
    std::vector<column_entry> columns;
    std::vector<unreadable_entry> unreadable;
    bool writable = false;
    bool warned = false;         // of columns that create_like changes
    bool in_order = false;       // made by create_like: scalars are put once, in order of rows
    bool chooses_tiles = false;  // made by create_like: each new cell shape gets its tile from us
    std::set<std::string> added; // columns that came later: the same
    int64_t max_tile_rows = 0;
    int64_t tile[3] = {0, 0, 0};                                     // see mms_table_like
    std::map<std::string, std::vector<tile_choice>> tiles;           // by column
    std::map<std::string, std::vector<casacore::IPosition>> written; // cell shapes that have a tile
    std::unique_ptr<const casacore::Record> managers;                // see managers_of()
    bool knows_tiled = false;
    std::vector<mms_tiled> tiled; // see mms_table_tiled
    std::vector<std::vector<const mms_column *>> tiled_columns;
    bool knows_bucketed = false;
    std::vector<mms_bucketed> bucketed; // see mms_table_bucketed
    std::vector<std::vector<const mms_column *>> bucketed_columns;
};

namespace mms
{

template <typename T>
struct type_tag {
    using type = T;
};

/** Call body with the tag of a fixed-size element type; false for STRING and OTHER. */
template <typename Body>
bool with_type(mms_dtype dtype, Body &&body)
{
    switch (dtype) {
    case MMS_DT_BOOL:
        body(type_tag<casacore::Bool>());
        return true;
    case MMS_DT_UCHAR:
        body(type_tag<casacore::uChar>());
        return true;
    case MMS_DT_SHORT:
        body(type_tag<casacore::Short>());
        return true;
    case MMS_DT_USHORT:
        body(type_tag<casacore::uShort>());
        return true;
    case MMS_DT_INT:
        body(type_tag<casacore::Int>());
        return true;
    case MMS_DT_UINT:
        body(type_tag<casacore::uInt>());
        return true;
    case MMS_DT_INT64:
        body(type_tag<casacore::Int64>());
        return true;
    case MMS_DT_FLOAT:
        body(type_tag<casacore::Float>());
        return true;
    case MMS_DT_DOUBLE:
        body(type_tag<casacore::Double>());
        return true;
    case MMS_DT_COMPLEX:
        body(type_tag<casacore::Complex>());
        return true;
    case MMS_DT_DCOMPLEX:
        body(type_tag<casacore::DComplex>());
        return true;
    case MMS_DT_STRING:
    case MMS_DT_OTHER:
        break;
    }
    return false;
}

mms_dtype dtype_of(casacore::DataType type);

/** The tile that a table chooses for cells of a shape, casacore's axis order. */
casacore::IPosition tile_for(const mms_table *t, const mms_column *c,
                             const casacore::IPosition &cell);

/** Bind the columns of managers whose files the caller writes, for nrow rows, to managers that
 * write nothing; the others to what the record says. */
void bind_hollow(casacore::SetupNewTable &setup, const casacore::TableDesc &desc,
                 const casacore::Record &managers, int64_t nrow);

/** The manager type of each column as table.dat stores it; empty when it can't be read. */
std::map<std::string, std::string> stored_managers(const std::string &path,
                                                   const casacore::TableDesc &desc);

/** A path for casacore, which from now on means the file of that name, with all "$" and "~" in it.
 *  Within guard. */
std::string take_literally(const std::string &path);

/** Open a table; to read, nothing is created in its folder, not even a lock file.  Errors:
 *  NOT_FOUND; TABLE when there is no table, or a pipe where a file should be; IO when casacore has
 *  not seen what stands in the files; and what casacore throws. */
mms_status open_table(const char *path, mms_table_mode mode, casacore::Table *out, mms_error *err);

/** Hold the files of a table that casacore has closed against what it was to write: it does not
 *  notice that it can't write table.info, which is written again.  Errors: IO, SPACE. */
mms_status check_written(const std::string &path, int64_t rows, const std::string &info,
                         mms_error *err);

/** What casacore says of a table's managers, which it gathers each time that it is asked. */
const casacore::Record &managers_of(mms_table *t);

/** Wrap an open table in a handle with its column list. */
mms_table *new_handle(const casacore::Table &table, const std::string &path, bool writable);

/** Let the handle know a column that the table has got; what was asked of it before is void. */
void add_entry(mms_table *t, const std::string &column);

/** Whether a storage manager of the table has that name. */
bool has_manager(const mms_table *t, const std::string &name);

/** Cap the rows of a tile; of flags a multiple of 8, so that rows end at whole bytes. */
int64_t cap_tile_rows(int64_t rows, int64_t cap, bool flags);

/** C-order shape of a casacore shape. */
void c_order(const casacore::IPosition &shape, int64_t *out);
casacore::IPosition casa_order(int32_t ndim, const int64_t *shape);

mms_status find(const mms_table *t, const char *column, const mms_column **info, mms_error *err);

/** Columns of a manager, in the order of the description. */
std::vector<const mms_column *> columns_of(const mms_table *t,
                                           const casacore::DataManager *manager);

/** Check ranges against the rows and make them casacore's; *n is the number of rows. */
mms_status ref_rows(const mms_table *t, const char *column, int64_t nrange, const mms_rows *ranges,
                    casacore::Vector<casacore::rownr_t> *slices, int64_t *n, mms_error *err);

/** "row 7", "rows 0~255,300~310,…" */
std::string rows_text(int64_t nrange, const mms_rows *ranges);

/** Guard what is done with cells of a column: casacore's error gets their place in front. */
template <typename Body>
mms_status guard_cells(mms_error *err, const mms_table *t, const char *column, int64_t nrange,
                       const mms_rows *ranges, Body &&body) noexcept
{
    bool thrown = true;
    const mms_status st = guard(err, t->path.c_str(), [&]() -> mms_status {
        const mms_status inner = body();
        thrown = false; // what the body says by itself is complete
        return inner;
    });
    if (st == MMS_OK || !thrown || !err)
        return st;
    return guard(nullptr, t->path.c_str(), [&]() -> mms_status {
        const std::string why = std::string(err->msg).substr(t->path.size() + 2);
        return mms_fail(err, st, "%s: %s: %s: %s", t->path.c_str(), column,
                        rows_text(nrange, ranges).c_str(), why.c_str());
    });
}

} // namespace mms

#endif
