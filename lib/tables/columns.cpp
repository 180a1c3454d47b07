// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file columns.cpp  Blocks of cells between columns and caller's buffers. */
#include "column_names.hpp"
#include "standard.hpp"
#include "table.hpp"

#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableColumn.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <algorithm>
#include <cinttypes>
#include <cstdlib>
#include <cstring>

using casacore::Array;
using casacore::ArrayColumn;
using casacore::IPosition;
using casacore::RefRows;
using casacore::ScalarColumn;
using casacore::TableColumn;
using casacore::Vector;

namespace
{

mms_status wrong_size(const mms_table *t, const char *column, int64_t have, int64_t want,
                      mms_error *err)
{
    return mms_fail(err, MMS_ERR_SHAPE, "%s: %s: buffer holds %" PRId64 ", rows hold %" PRId64,
                    t->path.c_str(), column, have, want);
}

template <typename T>
void get_rows(const ArrayColumn<T> &column, const RefRows &rows, const IPosition &cell, T *data)
{
    for (const casacore::rownr_t row : rows.convert()) {
        Array<T> view(cell, data, casacore::SHARE);
        column.get(row, view);
        data += cell.product();
    }
}

template <typename T>
mms_status get_cells(mms_table *t, const mms_column *c, const RefRows &rows, int64_t n,
                     int64_t first, int64_t nvalue, T *data, mms_error *err)
{
    IPosition shape(1, n);
    if (c->scalar) {
        if (nvalue != n)
            return wrong_size(t, c->name, nvalue, n, err);
        Vector<T> view(shape, data, casacore::SHARE); // caller's memory, no copy
        const ScalarColumn<T> column(t->table, c->name);
        column.getColumnCells(rows, view);
        return MMS_OK;
    }
    const ArrayColumn<T> column(t->table, c->name);
    const IPosition cell = column.shape(static_cast<casacore::rownr_t>(first));
    if (cell.empty() && nvalue == 0) // an array without axes has no values
        return MMS_OK;
    shape = cell.concatenate(shape);
    if (shape.product() != nvalue)
        return wrong_size(t, c->name, nvalue, shape.product(), err);
    if (nvalue == 0)
        return MMS_OK;
    if (!std::strcmp(c->manager, "TiledCellStMan")) { // blocks: casacore 3.5 reads past the shape
        get_rows(column, rows, cell, data);
        return MMS_OK;
    }
    Array<T> view(shape, data, casacore::SHARE);
    column.getColumnCells(rows, view);
    return MMS_OK;
}

constexpr int64_t TILE_BYTES = 1048576; // multi-ms 1.12

bool is_data_or_flag(const std::string &name)
{
    return name == mms::column::FLAG || name == mms::column::DATA ||
           (name.size() > 5 && name.compare(name.size() - 5, 5, "_DATA") == 0);
}

/** The tile that was asked for, within the cell. */
IPosition wanted_tile(const mms_table *t, const mms_column *c, const IPosition &cell)
{
    if (t->tile[0] < 0)
        return mms::mosaic_tile(cell);
    const int64_t rows = mms::cap_tile_rows(t->tile[0], t->max_tile_rows, c->dtype == MMS_DT_BOOL);
    return IPosition(3, std::min<int64_t>(cell[0], t->tile[2]),
                     std::min<int64_t>(cell[1], t->tile[1]), rows);
}

} // namespace

IPosition mms::tile_for(const mms_table *t, const mms_column *c, const IPosition &cell)
{
    if (t->tile[0] != 0 && cell.nelements() == 2 && is_data_or_flag(c->name))
        return wanted_tile(t, c, cell);
    const auto list = t->tiles.find(c->name);
    if (list != t->tiles.end())
        for (const tile_choice &choice : list->second)
            if (choice.cell.isEqual(cell))
                return choice.tile;
    const auto bytes = static_cast<int64_t>(mms_dtype_size(c->dtype)) * cell.product();
    const int64_t rows = mms::cap_tile_rows(TILE_BYTES / std::max<int64_t>(bytes, 1),
                                            t->max_tile_rows, c->dtype == MMS_DT_BOOL);
    return cell.concatenate(IPosition(1, rows));
}

namespace
{

/** Give the first cell of a new shape its tile, before casacore chooses one. */
template <typename T>
void choose_tile(mms_table *t, const mms_column *c, ArrayColumn<T> &column, casacore::rownr_t row,
                 const IPosition &cell)
{
    if ((!t->chooses_tiles && !t->added.count(c->name)) || c->fixed ||
        std::strcmp(c->manager, "TiledShapeStMan") != 0)
        return;
    std::vector<IPosition> &written = t->written[c->name];
    for (const IPosition &shape : written)
        if (shape.isEqual(cell))
            return;
    column.setShape(row, cell, mms::tile_for(t, c, cell));
    written.push_back(cell);
}

template <typename T>
void put_rows(ArrayColumn<T> &column, const RefRows &rows, const IPosition &cell, T *data)
{
    for (const casacore::rownr_t row : rows.convert()) {
        column.put(row, Array<T>(cell, data, casacore::SHARE));
        data += cell.product();
    }
}

/** In an incremental manager a value that is put behind all others holds for the rows that follow:
 *  those that only repeat it need not be put. */
template <typename T>
void put_changes(ScalarColumn<T> column, const RefRows &rows, const T *data)
{
    casacore::rownr_t i = 0;
    for (casacore::RefRowsSliceIter run(rows); !run.pastEnd(); run++)
        for (casacore::rownr_t row = run.sliceStart(); row <= run.sliceEnd(); row++, i++)
            if (row == run.sliceStart() || std::memcmp(&data[i], &data[i - 1], sizeof(T)))
                column.put(row, data[i]);
}

template <typename T>
mms_status put_cells(mms_table *t, const mms_column *c, const RefRows &rows, int64_t n,
                     int64_t first, const IPosition &cell, int64_t nvalue, const T *data,
                     mms_error *err)
{
    IPosition shape(1, n);
    if (!c->scalar)
        shape = cell.concatenate(shape);
    const int64_t want = !c->scalar && cell.empty() ? 0 : shape.product();
    if (want != nvalue)
        return wrong_size(t, c->name, nvalue, want, err);
    T *const buffer = const_cast<T *>(data); // lent for reading only
    if (c->scalar) {
        const Vector<T> view(shape, buffer, casacore::SHARE);
        ScalarColumn<T> column(t->table, c->name);
        if (t->in_order && !std::strcmp(c->manager, "IncrementalStMan"))
            put_changes(column, rows, data);
        else
            column.putColumnCells(rows, view);
        return MMS_OK;
    }
    if (nvalue == 0 && !std::strncmp(c->manager, "Tiled", 5))
        return MMS_OK; // tiled managers have no cells without values: they stay undefined
    ArrayColumn<T> column(t->table, c->name);
    // casacore 3.5 fails on blocks of small tiles, and has no block of cells without axes
    if (!std::strcmp(c->manager, "TiledCellStMan") || cell.empty()) {
        put_rows(column, rows, cell, buffer);
        return MMS_OK;
    }
    const Array<T> view(shape, buffer, casacore::SHARE);
    choose_tile(t, c, column, static_cast<casacore::rownr_t>(first), cell);
    column.putColumnCells(rows, view);
    return MMS_OK;
}

mms_status not_a_block(const mms_table *t, const mms_column *c, mms_error *err)
{
    return mms_fail(err, MMS_ERR_ARG, "%s: %s: a column of %s is not read in blocks",
                    t->path.c_str(), c->name, mms_dtype_name(c->dtype));
}

/** Shape of one cell; ndim -1 when undefined. */
void cell_shape(const TableColumn &column, casacore::rownr_t row, mms_shape_run &run)
{
    run.ndim = -1;
    if (!column.isDefined(row))
        return;
    const IPosition shape = column.shape(row);
    if (shape.nelements() > MMS_MAX_DIM)
        throw casacore::TableError(casacore::String("cell with more than 6 axes"));
    run.ndim = static_cast<int32_t>(shape.nelements());
    mms::c_order(shape, run.shape);
}

bool same_shape(const mms_shape_run &a, const mms_shape_run &b)
{
    return a.ndim == b.ndim &&
           (a.ndim <= 0 ||
            !std::memcmp(a.shape, b.shape, static_cast<size_t>(a.ndim) * sizeof a.shape[0]));
}

/** Join run to the last one when it continues it. */
void append_run(std::vector<mms_shape_run> &runs, const mms_shape_run &run)
{
    if (!runs.empty()) {
        mms_shape_run &last = runs.back();
        if (same_shape(last, run) && last.rows.first + last.rows.count == run.rows.first) {
            last.rows.count += run.rows.count;
            return;
        }
    }
    runs.push_back(run);
}

std::vector<mms_shape_run> find_runs(mms_table *t, const mms_column *c, int64_t nrange,
                                     const mms_rows *ranges)
{
    std::vector<mms_shape_run> runs;
    const TableColumn column(t->table, c->name);

    for (int64_t i = 0; i < nrange; i++) {
        mms_shape_run run = {};
        if (c->scalar || c->fixed) {
            run.rows = ranges[i];
            run.ndim = c->scalar ? 0 : c->ndim;
            std::memcpy(run.shape, c->shape, sizeof run.shape);
            append_run(runs, run);
            continue;
        }
        for (int64_t r = 0; r < ranges[i].count; r++) {
            run.rows = {ranges[i].first + r, 1};
            cell_shape(column, static_cast<casacore::rownr_t>(run.rows.first), run);
            append_run(runs, run);
        }
    }
    return runs;
}

/** TableColumn::put knows no records. */
void copy_record(const TableColumn &in, casacore::rownr_t from, TableColumn &out,
                 casacore::rownr_t to)
{
    casacore::TableRecord record;
    ScalarColumn<casacore::TableRecord>(in).get(from, record);
    ScalarColumn<casacore::TableRecord>(out).put(to, record);
}

/** Whether a cell that is defined holds any value; tiled managers have no others. */
bool has_values(const TableColumn &column, casacore::rownr_t row)
{
    const IPosition shape = column.shape(row);
    return !shape.empty() && shape.product() > 0;
}

/** Whole scalar column converted to double; false when its type is no number. */
template <typename T>
void convert_column(mms_table *t, const char *column, Vector<casacore::Double> &out)
{
    const Vector<T> in = ScalarColumn<T>(t->table, column).getColumn();
    out.resize(in.nelements());
    for (size_t i = 0; i < in.nelements(); i++)
        out[i] = static_cast<casacore::Double>(in[i]);
}

mms_status numbers(mms_table *t, const char *column, Vector<casacore::Double> &out, mms_error *err)
{
    const mms_column *c;
    const mms_status st = mms::find(t, column, &c, err);
    if (st != MMS_OK)
        return st;
    bool done = false;
    if (c->scalar)
        mms::with_type(c->dtype, [&](auto tag) {
            using T = typename decltype(tag)::type;
            if constexpr (std::is_arithmetic<T>::value) {
                convert_column<T>(t, column, out);
                done = true;
            }
        });
    return done ? MMS_OK
                : mms_fail(err, MMS_ERR_TABLE, "%s: %s is not a column of numbers", t->path.c_str(),
                           column);
}

/** A whole scalar column of numbers as values of one type, ended with free(). */
template <typename T>
mms_status numbers_as(mms_table *t, const char *column, T **values, mms_error *err)
{
    const mms_rows rows = {0, mms_table_nrow(t)};

    *values = nullptr;
    return mms::guard_cells(err, t, column, 1, &rows, [&]() -> mms_status {
        Vector<casacore::Double> all;
        const mms_status st = numbers(t, column, all, err);
        if (st != MMS_OK)
            return st;
        *values = static_cast<T *>(mms_alloc(mms_table_nrow(t), sizeof(T)));
        if (!*values)
            return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", t->path.c_str());
        for (size_t i = 0; i < all.nelements(); i++)
            (*values)[i] = static_cast<T>(all[i]);
        return MMS_OK;
    });
}

} // namespace

extern "C" {

mms_status mms_table_get(mms_table *table, const char *column, int64_t nrange,
                         const mms_rows *ranges, int64_t nvalue, void *data, mms_error *err)
{
    return mms::guard_cells(err, table, column, nrange, ranges, [&]() -> mms_status {
        const mms_column *c;
        Vector<casacore::rownr_t> slices;
        int64_t n;
        mms_status st = mms::find(table, column, &c, err);
        if (st == MMS_OK)
            st = mms::ref_rows(table, column, nrange, ranges, &slices, &n, err);
        if (st != MMS_OK || n == 0)
            return st;
        const RefRows rows(slices, true);
        if (!mms::with_type(c->dtype, [&](auto tag) {
                using T = typename decltype(tag)::type;
                st = get_cells(table, c, rows, n, ranges[0].first, nvalue, static_cast<T *>(data),
                               err);
            }))
            return not_a_block(table, c, err);
        return st;
    });
}

mms_status mms_table_put(mms_table *table, const char *column, int64_t nrange,
                         const mms_rows *ranges, int32_t ndim, const int64_t *shape, int64_t nvalue,
                         const void *data, mms_error *err)
{
    return mms::guard_cells(err, table, column, nrange, ranges, [&]() -> mms_status {
        const mms_column *c;
        Vector<casacore::rownr_t> slices;
        int64_t n;
        mms_status st = mms::find(table, column, &c, err);
        if (st == MMS_OK)
            st = mms::ref_rows(table, column, nrange, ranges, &slices, &n, err);
        if (st != MMS_OK || n == 0)
            return st;
        const RefRows rows(slices, true);
        const IPosition cell = mms::casa_order(ndim, shape);
        if (!mms::with_type(c->dtype, [&](auto tag) {
                using T = typename decltype(tag)::type;
                st = put_cells(table, c, rows, n, ranges[0].first, cell, nvalue,
                               static_cast<const T *>(data), err);
            }))
            return not_a_block(table, c, err);
        return st;
    });
}

mms_status mms_table_shapes(mms_table *table, const char *column, int64_t nrange,
                            const mms_rows *ranges, mms_shape_run **runs, int64_t *nrun,
                            mms_error *err)
{
    *runs = nullptr;
    *nrun = 0;
    return mms::guard_cells(err, table, column, nrange, ranges, [&]() -> mms_status {
        const mms_column *c;
        Vector<casacore::rownr_t> slices;
        int64_t n;
        mms_status st = mms::find(table, column, &c, err);
        if (st == MMS_OK)
            st = mms::ref_rows(table, column, nrange, ranges, &slices, &n, err);
        if (st != MMS_OK)
            return st;
        const std::vector<mms_shape_run> found = find_runs(table, c, nrange, ranges);
        const size_t bytes = found.size() * sizeof(mms_shape_run);
        *runs = static_cast<mms_shape_run *>(std::malloc(bytes ? bytes : 1));
        if (!*runs)
            return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", table->path.c_str());
        if (bytes)
            std::memcpy(*runs, found.data(), bytes);
        *nrun = static_cast<int64_t>(found.size());
        return MMS_OK;
    });
}

mms_status mms_table_get_ints(mms_table *table, const char *column, int32_t **values,
                              mms_error *err)
{
    return numbers_as(table, column, values, err);
}

mms_status mms_table_get_doubles(mms_table *table, const char *column, double **values,
                                 mms_error *err)
{
    return numbers_as(table, column, values, err);
}

mms_status mms_table_put_ints(mms_table *table, const char *column, const int32_t *values,
                              mms_error *err)
{
    const mms_rows all = {0, mms_table_nrow(table)};
    return all.count ? mms_table_put(table, column, 1, &all, 0, nullptr, all.count, values, err)
                     : MMS_OK;
}

mms_status mms_table_copy_cells(mms_table *src, const char *src_column, int64_t nrange,
                                const mms_rows *ranges, mms_table *dst, const char *dst_column,
                                int64_t first, mms_error *err)
{
    return mms::guard_cells(err, src, src_column, nrange, ranges, [&]() -> mms_status {
        const mms_column *c;
        const mms_status st = mms::find(src, src_column, &c, err);
        if (st != MMS_OK)
            return st;
        const bool record = c->dtype == MMS_DT_OTHER && c->scalar;
        const mms_column *to_column = mms_table_find_column(dst, dst_column);
        const bool tiled = to_column && !std::strncmp(to_column->manager, "Tiled", 5);
        const TableColumn in(src->table, src_column);
        TableColumn out(dst->table, dst_column);
        casacore::rownr_t to = static_cast<casacore::rownr_t>(first);
        for (int64_t i = 0; i < nrange; i++)
            for (int64_t r = 0; r < ranges[i].count; r++, to++) {
                const casacore::rownr_t from = static_cast<casacore::rownr_t>(ranges[i].first + r);
                if (record)
                    copy_record(in, from, out, to);
                else if (in.isDefined(from) && (c->scalar || !tiled || has_values(in, from)))
                    out.put(to, in, from, false);
            }
        return MMS_OK;
    });
}

} // extern "C"
