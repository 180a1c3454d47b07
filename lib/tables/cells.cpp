// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file cells.cpp  Single cells and keywords as JSON. */
#include <casacore/casa/OS/Path.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableAttr.h>
#include <casacore/tables/Tables/TableColumn.h>

#include <cinttypes>
#include <cmath>
#include <memory>

#include "json.hpp"

using casacore::Array;
using casacore::RecordInterface;
using casacore::String;
using casacore::TableColumn;

struct mms_table_links {
    std::string folder;             // where the keywords' tables stand
    casacore::TableRecord keywords; // their tables are closed
};

namespace mms
{

json_t *to_json(casacore::Double v)
{
    if (std::isfinite(v))
        return json_real(v);
    return mms_text_value(std::isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
}

json_t *to_json(const casacore::DComplex &v)
{
    json_t *pair = json_array();
    json_array_append_new(pair, to_json(v.real()));
    json_array_append_new(pair, to_json(v.imag()));
    return pair;
}

json_t *to_json(const String &v)
{
    return mms_text_value(v.c_str());
}

void from_json(const json_t *j, casacore::Double &v)
{
    if (json_is_boolean(j))
        v = json_is_true(j);
    else if (json_is_string(j))
        v = std::stod(json_string_value(j));
    else if (json_is_number(j))
        v = json_number_value(j);
    else
        throw casacore::AipsError("not a number");
}

void from_json(const json_t *j, casacore::DComplex &v)
{
    casacore::Double re, im;
    from_json(json_array_get(j, 0), re);
    from_json(json_array_get(j, 1), im);
    v = casacore::DComplex(re, im);
}

void from_json(const json_t *j, String &v)
{
    if (!json_is_string(j))
        throw casacore::AipsError("not a text");
    v = json_string_value(j);
}

casacore::IPosition json_shape(const json_t *j, bool complex)
{
    std::vector<casacore::Int64> sizes;
    for (const json_t *at = j; json_is_array(at); at = json_array_get(at, 0)) {
        sizes.push_back(static_cast<casacore::Int64>(json_array_size(at)));
        if (sizes.back() == 0)
            break;
    }
    if (complex && !sizes.empty())
        sizes.pop_back(); // the innermost pair is one number
    casacore::IPosition shape(sizes.size());
    for (size_t i = 0; i < sizes.size(); i++)
        shape[i] = sizes[sizes.size() - 1 - i];
    return shape;
}

template <typename T>
static json_t *cell_json(mms_table *t, const mms_column *c, casacore::rownr_t row)
{
    if (c->scalar)
        return to_json(casacore::ScalarColumn<T>(t->table, c->name)(row));
    return to_json(casacore::ArrayColumn<T>(t->table, c->name)(row));
}

template <typename T>
static void put_cell(mms_table *t, const mms_column *c, casacore::rownr_t row, const json_t *value)
{
    if (c->scalar) {
        T v;
        from_json(value, v);
        casacore::ScalarColumn<T>(t->table, c->name).put(row, v);
        return;
    }
    Array<T> array = array_from_json<T>(value);
    casacore::ArrayColumn<T> column(t->table, c->name);
    if (array.empty() && column.isDefined(row)) { // JSON's empty list has lost the inner axes
        casacore::IPosition shape = column.shape(row);
        shape[shape.nelements() - 1] = 0;
        array.reference(Array<T>(shape));
    }
    column.put(row, array);
}

template <typename T>
static json_t *field_array(const RecordInterface &record, casacore::uInt i)
{
    Array<T> array;
    record.get(i, array);
    return to_json(array);
}

template <typename T>
static json_t *field_scalar(const RecordInterface &record, casacore::uInt i)
{
    T value;
    record.get(i, value);
    return to_json(value);
}

static json_t *record_json(const casacore::TableRecord &record);

static json_t *field_json(const casacore::TableRecord &record, casacore::uInt i)
{
    const casacore::DataType type = record.dataType(i);
    json_t *out = nullptr;

    if (type == casacore::TpTable)
        return mms_text_value(("Table: " + record.tableAttributes(i).name()).c_str());
    if (type == casacore::TpRecord)
        return record_json(record.subRecord(i));
    const mms_dtype dtype = dtype_of(type);
    const bool array = casacore::isArray(type);
    if (dtype == MMS_DT_STRING)
        return array ? field_array<String>(record, i) : field_scalar<String>(record, i);
    with_type(dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (!std::is_same<T, casacore::uShort>::value) // records have none
            out = array ? field_array<T>(record, i) : field_scalar<T>(record, i);
    });
    return out ? out : json_null();
}

static json_t *record_json(const casacore::TableRecord &record)
{
    json_t *object = json_object();
    for (casacore::uInt i = 0; i < record.nfields(); i++)
        json_object_set_new_nocheck(object, record.name(i).c_str(), field_json(record, i));
    return object;
}

static void define_list(casacore::TableRecord &record, const String &name, const json_t *list)
{
    const json_t *first = json_array_get(list, 0);
    while (json_is_array(first))
        first = json_array_get(first, 0);
    if (json_is_string(first))
        record.define(name, array_from_json<String>(list));
    else if (json_is_integer(first))
        record.define(name, array_from_json<casacore::Int>(list));
    else
        record.define(name, array_from_json<casacore::Double>(list));
}

void define(casacore::TableRecord &record, const String &name, const json_t *value)
{
    if (json_is_string(value))
        record.define(name, String(json_string_value(value)));
    else if (json_is_boolean(value))
        record.define(name, casacore::Bool(json_is_true(value)));
    else if (json_is_integer(value) &&
             json_integer_value(value) == int32_t(json_integer_value(value)))
        record.define(name, static_cast<casacore::Int>(json_integer_value(value)));
    else if (json_is_integer(value))
        record.define(name, static_cast<casacore::Int64>(json_integer_value(value)));
    else if (json_is_real(value))
        record.define(name, json_real_value(value));
    else if (json_is_array(value))
        define_list(record, name, value);
    else if (json_is_object(value)) {
        casacore::TableRecord inner;
        const char *key;
        json_t *member;
        json_object_foreach(const_cast<json_t *>(value), key, member) define(inner, key, member);
        record.defineRecord(name, inner);
    }
}

static casacore::TableRecord &keywords_of(mms_table *t, const char *column)
{
    if (!column)
        return t->table.rwKeywordSet();
    return TableColumn(t->table, column).rwKeywordSet();
}

} // namespace mms

extern "C" {

mms_status mms_table_get_cell(mms_table *table, const char *column, int64_t row, mms_value **out,
                              mms_error *err)
{
    *out = nullptr;
    const mms_rows one = {row, 1};
    return mms::guard_cells(err, table, column, 1, &one, [&]() -> mms_status {
        const mms_column *c;
        const mms_status st = mms::find(table, column, &c, err);
        if (st != MMS_OK)
            return st;
        if (row < 0 || row >= mms_table_nrow(table))
            return mms_fail(err, MMS_ERR_RANGE, "%s: %s: row %" PRId64, table->path.c_str(), column,
                            row);
        const auto at = static_cast<casacore::rownr_t>(row);
        if (!TableColumn(table->table, column).isDefined(at))
            *out = json_null();
        else if (c->dtype == MMS_DT_STRING)
            *out = mms::cell_json<String>(table, c, at);
        else if (c->dtype == MMS_DT_OTHER && c->scalar)
            *out = mms::record_json(
                casacore::ScalarColumn<casacore::TableRecord>(table->table, column)(at));
        else
            mms::with_type(c->dtype, [&](auto tag) {
                *out = mms::cell_json<typename decltype(tag)::type>(table, c, at);
            });
        return *out ? MMS_OK
                    : mms_fail(err, MMS_ERR_TABLE, "%s: %s: cells of type %s", table->path.c_str(),
                               column, mms_dtype_name(c->dtype));
    });
}

mms_status mms_table_put_cell(mms_table *table, const char *column, int64_t row,
                              const mms_value *value, mms_error *err)
{
    const mms_rows one = {row, 1};
    return mms::guard_cells(err, table, column, 1, &one, [&]() -> mms_status {
        const mms_column *c;
        const mms_status st = mms::find(table, column, &c, err);
        if (st != MMS_OK)
            return st;
        const auto at = static_cast<casacore::rownr_t>(row);
        if (c->dtype == MMS_DT_STRING) {
            mms::put_cell<String>(table, c, at, value);
            return MMS_OK;
        }
        const bool done = mms::with_type(c->dtype, [&](auto tag) {
            mms::put_cell<typename decltype(tag)::type>(table, c, at, value);
        });
        return done ? MMS_OK
                    : mms_fail(err, MMS_ERR_TABLE, "%s: %s: cells of type %s", table->path.c_str(),
                               column, mms_dtype_name(c->dtype));
    });
}

mms_status mms_table_keywords(mms_table *table, const char *column, mms_value **out, mms_error *err)
{
    *out = nullptr;
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        *out = mms::record_json(column ? TableColumn(table->table, column).keywordSet()
                                       : table->table.keywordSet());
        return MMS_OK;
    });
}

mms_status mms_table_set_keyword(mms_table *table, const char *column, const char *name,
                                 const mms_value *value, mms_error *err)
{
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        mms::define(mms::keywords_of(table, column), name, value);
        return MMS_OK;
    });
}

mms_status mms_table_remove_keyword(mms_table *table, const char *name, mms_error *err)
{
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        if (table->table.keywordSet().isDefined(name))
            table->table.rwKeywordSet().removeField(name);
        return MMS_OK;
    });
}

mms_status mms_table_link_subtable(mms_table *table, const char *name, const char *path,
                                   mms_error *err)
{
    return mms::guard(err, path, [&]() -> mms_status {
        casacore::Table sub;
        const mms_status st = mms::open_table(path, MMS_TABLE_READ, &sub, err);
        if (st != MMS_OK)
            return st;
        table->table.rwKeywordSet().defineTable(name, sub);
        return MMS_OK;
    });
}

mms_status mms_table_links_open(const char *folder, const mms_value *names, mms_table_links **out,
                                mms_error *err)
{
    *out = nullptr;
    return mms::guard(err, folder, [&]() -> mms_status {
        auto links = std::make_unique<mms_table_links>();
        links->folder = casacore::Path(mms::take_literally(folder)).absoluteName();
        for (size_t i = 0; i < json_array_size(names); i++) {
            const std::string name = json_string_value(json_array_get(names, i));
            const std::string path = std::string(folder) + "/" + name;
            casacore::Table sub;
            const mms_status st = mms::open_table(path.c_str(), MMS_TABLE_READ, &sub, err);
            if (st != MMS_OK)
                return st;
            links->keywords.defineTable(name, sub);
            links->keywords.closeTable(name);
        }
        *out = links.release();
        return MMS_OK;
    });
}

mms_status mms_table_link(mms_table *table, const mms_table_links *links, mms_error *err)
{
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        casacore::TableRecord keywords(links->keywords);
        keywords.renameTables(table->table.tableName(), links->folder);
        table->table.rwKeywordSet().merge(keywords, casacore::TableRecord::OverwriteDuplicates);
        return MMS_OK;
    });
}

void mms_table_links_free(mms_table_links **links)
{
    delete *links;
    *links = nullptr;
}

mms_status mms_table_info(mms_table *table, char **type, char **subtype, char **readme,
                          mms_error *err)
{
    const casacore::TableInfo &info = table->table.tableInfo();
    *type = mms_format("%s", info.type().c_str());
    *subtype = mms_format("%s", info.subType().c_str());
    *readme = mms_format("%s", info.readme().c_str());
    if (!*type || !*subtype || !*readme)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", table->path.c_str());
    return MMS_OK;
}

mms_status mms_table_set_info(mms_table *table, const char *type, const char *subtype,
                              const char *readme, mms_error *err)
{
    return mms::guard(err, table->path.c_str(), [&]() -> mms_status {
        casacore::TableInfo &info = table->table.tableInfo();
        info.setType(type);
        info.setSubType(subtype);
        info.readmeClear();
        if (*readme)
            info.readmeAddLine(readme);
        table->table.flushTableInfo();
        return MMS_OK;
    });
}

} // extern "C"
