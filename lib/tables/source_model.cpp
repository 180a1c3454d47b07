// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file source_model.cpp  Virtual models as CASA keeps them: records in SOURCE_MODEL of SOURCE, or
 *  where no source is known, in keywords of the main table. */
#include <casacore/casa/Arrays/Matrix.h>
#include <casacore/casa/Arrays/Vector.h>
#include <casacore/tables/Tables/ScaRecordColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/TableColumn.h>

#include <algorithm>

#include "json.hpp"
#include "multims/log.h"

using casacore::Int;
using casacore::String;
using casacore::TableRecord;

namespace
{

const char *const COLUMN = "SOURCE_MODEL";
const String DEFINED = "definedmodel_field_";

/** The tables of one MS that know models. */
struct model_tables {
    casacore::Table main, source, field;
    bool has_source = false; // with rows
};

mms_status open_tables(const mms_model_tables *paths, mms_table_mode mode, model_tables *out,
                       mms_error *err)
{
    mms_status st = mms::open_table(paths->main, mode, &out->main, err);
    if (st == MMS_OK && paths->source)
        st = mms::open_table(paths->source, mode, &out->source, err);
    if (st == MMS_OK && paths->field)
        st = mms::open_table(paths->field, MMS_TABLE_READ, &out->field, err);
    out->has_source = st == MMS_OK && paths->source && out->source.nrow() > 0;
    return st;
}

std::vector<String> defined_fields(const casacore::Table &table)
{
    std::vector<String> names;
    for (Int i = 0; i < static_cast<Int>(table.keywordSet().nfields()); i++)
        if (table.keywordSet().name(i).startsWith(DEFINED))
            names.push_back(table.keywordSet().name(i));
    return names;
}

void remove_keyword(casacore::Table &table, const String &name)
{
    if (table.keywordSet().isDefined(name))
        table.rwKeywordSet().removeField(name);
}

/** The row of SOURCE that a key points to; -1: none. */
casacore::Int64 row_of(const model_tables &t, const String &key)
{
    if (!t.has_source)
        return -1;
    const TableRecord &keywords = t.source.keywordSet();
    if (!keywords.isDefined(key) || keywords.dataType(key) != casacore::TpInt)
        return -1;
    const Int row = keywords.asInt(key);
    return row >= 0 && static_cast<casacore::rownr_t>(row) < t.source.nrow() ? row : -1;
}

TableRecord record_at(const model_tables &t, casacore::Int64 row)
{
    TableRecord record;
    if (row < 0 || !t.source.tableDesc().isColumn(COLUMN))
        return record;
    const auto at = static_cast<casacore::rownr_t>(row);
    if (casacore::TableColumn(t.source, COLUMN).isDefined(at))
        casacore::ScalarColumn<TableRecord>(t.source, COLUMN).get(at, record);
    return record;
}

/** Where a key's record is. */
TableRecord record_of(const model_tables &t, const String &key)
{
    if (row_of(t, key) >= 0)
        return record_at(t, row_of(t, key));
    if (t.main.keywordSet().isDefined(key) &&
        t.main.keywordSet().dataType(key) == casacore::TpRecord)
        return t.main.keywordSet().asRecord(key);
    return TableRecord();
}

void put_record(model_tables &t, casacore::Int64 row, const TableRecord &record)
{
    if (!t.source.tableDesc().isColumn(COLUMN))
        t.source.addColumn(casacore::ScalarRecordColumnDesc(COLUMN), true);
    casacore::ScalarColumn<TableRecord>(t.source, COLUMN)
        .put(static_cast<casacore::rownr_t>(row), record);
}

void remove_key(model_tables &t, const String &key)
{
    if (row_of(t, key) >= 0)
        put_record(t, row_of(t, key), TableRecord());
    if (t.has_source)
        remove_keyword(t.source, key);
    remove_keyword(t.main, key);
}

/** Whether a field other than the one that leaves still uses a key. */
bool is_used(const model_tables &t, const String &key)
{
    for (const casacore::Table *table : {&t.source, &t.main})
        if (!table->isNull())
            for (const String &name : defined_fields(*table))
                if (table->keywordSet().asString(name) == key)
                    return true;
    return false;
}

void clear_all(model_tables &t)
{
    for (casacore::Table *table : {&t.source, &t.main}) {
        if (table->isNull())
            continue;
        for (const String &name : defined_fields(*table)) {
            remove_key(t, table->keywordSet().asString(name));
            remove_keyword(*table, name);
        }
    }
}

/** Whether a combination of field, window, scan and state is one of those that are replaced. */
bool is_replaced(const casacore::Matrix<Int> &all, casacore::uInt row, Int field,
                 const std::vector<Int> &spws)
{
    return all(row, 0) == field && std::find(spws.begin(), spws.end(), all(row, 1)) != spws.end();
}

/** The combinations that a component list or image keeps; no rows: none. */
casacore::Matrix<Int> kept_combinations(const casacore::RecordInterface &entry, Int field,
                                        const std::vector<Int> &spws)
{
    const casacore::Matrix<Int> all = entry.asArrayInt("indexcombination");
    std::vector<casacore::uInt> rows;
    for (casacore::uInt row = 0; row < all.nrow(); row++)
        if (!is_replaced(all, row, field, spws))
            rows.push_back(row);
    casacore::Matrix<Int> kept(rows.size(), all.ncolumn());
    for (size_t i = 0; i < rows.size(); i++)
        kept.row(i) = all.row(rows[i]);
    return kept;
}

/** A record without what a field has in windows; the entries are numbered anew. */
TableRecord without(const TableRecord &record, Int field, const std::vector<Int> &spws)
{
    TableRecord out;
    Int count[2] = {0, 0};
    const char *const kinds[2] = {"cl_", "ft_"};
    for (Int i = 0; i < static_cast<Int>(record.nfields()); i++) {
        const int kind = record.name(i).startsWith("ft_") ? 1 : 0;
        if (!record.name(i).startsWith(kinds[kind]))
            continue;
        TableRecord entry = record.subRecord(i);
        const casacore::Matrix<Int> kept = kept_combinations(entry, field, spws);
        if (kept.nrow() == 0)
            continue;
        entry.define("indexcombination", kept);
        out.defineRecord(kinds[kind] + String::toString(count[kind]++), entry);
    }
    if (count[0] > 0)
        out.define("numcl", count[0]);
    if (count[1] > 0)
        out.define("numft", count[1]);
    if (count[0] + count[1] > 0)
        out.define("version", Int(2));
    return out;
}

/** The first row of the field's source, as CASA takes it; -1: there is none. */
casacore::Int64 source_row(const model_tables &t, Int field)
{
    if (!t.has_source || t.field.isNull() || !t.field.tableDesc().isColumn("SOURCE_ID"))
        return -1;
    const Int id =
        casacore::ScalarColumn<Int>(t.field, "SOURCE_ID")(static_cast<casacore::rownr_t>(field));
    if (id == -1)
        return -1;
    const casacore::ScalarColumn<Int> ids(t.source, "SOURCE_ID");
    for (casacore::rownr_t row = 0; row < t.source.nrow(); row++)
        if (ids(row) == id)
            return static_cast<casacore::Int64>(row);
    mms_log(MMS_LOG_WARN, "setjy",
            "field %d: SOURCE has no source %d: its model is kept with the first source", field,
            id);
    return 0;
}

bool is_old(const TableRecord &record)
{
    return record.nfields() > 0 && !record.isDefined("version");
}

void append(TableRecord &record, const json_t *components)
{
    Int n = record.isDefined("numcl") ? record.asInt("numcl") : 0;
    for (size_t i = 0; i < json_array_size(components); i++)
        mms::define(record, "cl_" + String::toString(n++), json_array_get(components, i));
    record.define("numcl", n);
    record.define("version", Int(2));
}

/** Give a field its components in place of what it has in their windows. */
mms_status put_model(model_tables &t, const char *main, const json_t *model, mms_error *err)
{
    const Int field = static_cast<Int>(json_integer_value(json_object_get(model, "field")));
    const json_t *list = json_object_get(model, "spws");
    std::vector<Int> spws;
    for (size_t i = 0; i < json_array_size(list); i++)
        spws.push_back(static_cast<Int>(json_integer_value(json_array_get(list, i))));
    const String defined = DEFINED + String::toString(field);
    const String key = "model_" + String::toString(field);
    const casacore::Int64 row = source_row(t, field);
    casacore::Table &home = row >= 0 ? t.source : t.main;
    // what is there of this field, or of one that has the same source
    TableRecord old = row >= 0 ? record_at(t, row) : record_of(t, key);
    if (is_old(old))
        return mms_fail(err, MMS_ERR_UNSUPPORTED,
                        "%s: the virtual model of field %d is of an older kind, which can't be "
                        "added to: clear it first, with CASA's delmod or usescratch=True",
                        main, field);
    for (casacore::Table *table : {&t.source, &t.main})
        if (!table->isNull() && table->keywordSet().isDefined(defined)) {
            const String before = table->keywordSet().asString(defined);
            remove_keyword(*table, defined);
            if ((before != key || table != &home) && !is_used(t, before))
                remove_key(t, before);
        }
    TableRecord record = without(old, field, spws);
    append(record, json_object_get(model, "components"));
    remove_keyword(home, key);
    if (row >= 0) {
        put_record(t, row, record);
        home.rwKeywordSet().define(key, static_cast<Int>(row));
    } else {
        home.rwKeywordSet().defineRecord(key, record);
    }
    home.rwKeywordSet().define(defined, key);
    return MMS_OK;
}

} // namespace

extern "C" {

mms_status mms_table_has_models(const mms_model_tables *paths, bool *found, mms_error *err)
{
    *found = false;
    return mms::guard(err, paths->main, [&]() -> mms_status {
        casacore::Table table;
        for (const char *path : {paths->source, paths->main}) {
            if (!path)
                continue;
            const mms_status st = mms::open_table(path, MMS_TABLE_READ, &table, err);
            if (st != MMS_OK)
                return st;
            *found = *found || !defined_fields(table).empty();
        }
        return MMS_OK;
    });
}

mms_status mms_table_change_models(const mms_model_tables *paths, const mms_value *models,
                                   mms_error *err)
{
    return mms::guard(err, paths->main, [&]() -> mms_status {
        model_tables t;
        mms_status st = open_tables(paths, MMS_TABLE_UPDATE, &t, err);
        if (st == MMS_OK && !models)
            clear_all(t);
        for (size_t i = 0; i < json_array_size(models) && st == MMS_OK; i++)
            st = put_model(t, paths->main, json_array_get(models, i), err);
        if (st == MMS_OK && t.has_source)
            t.source.flush(true);
        if (st == MMS_OK)
            t.main.flush(true);
        return st;
    });
}

} // extern "C"
