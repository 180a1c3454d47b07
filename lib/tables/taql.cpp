// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file taql.cpp  Expressions and commands in TaQL. */
#include "taql.h"

#include <casacore/casa/Arrays/Vector.h>
#include <casacore/tables/TaQL/ExprNode.h>
#include <casacore/tables/TaQL/ExprNodeRep.h>
#include <casacore/tables/TaQL/TaQLNode.h>
#include <casacore/tables/TaQL/TableParse.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/TableDesc.h>
#include <jansson.h>

#include <cmath>

#include "guard.hpp"

using namespace casacore;

namespace
{

/* What the elements of a list have in common, JSON_NULL: nothing. */
json_type kind_of(const json_t *value)
{
    if (!json_is_array(value))
        return json_is_false(value) ? JSON_TRUE : json_typeof(value);
    json_type all = JSON_NULL;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_type one = kind_of(json_array_get(value, i));
        if (json_is_array(json_array_get(value, i)))
            return JSON_NULL;
        if (i > 0 && one != all && !(one == JSON_INTEGER && all == JSON_REAL) &&
            !(one == JSON_REAL && all == JSON_INTEGER))
            return JSON_NULL;
        all = i > 0 && all == JSON_REAL ? all : one;
    }
    return all;
}

template <typename T, typename Get>
Vector<T> elements(const json_t *list, Get get)
{
    Vector<T> all(json_array_size(list));
    for (size_t i = 0; i < all.size(); i++)
        all[i] = get(json_array_get(list, i));
    return all;
}

Bool truth(const json_t *v)
{
    return json_is_true(v);
}
Int64 integer(const json_t *v)
{
    return json_integer_value(v);
}
Double number(const json_t *v)
{
    return json_number_value(v);
}
String text(const json_t *v)
{
    return json_string_value(v);
}

/* A record of keywords of an object; lists of mixed kinds and null are left out. */
void fill(RecordInterface &record, const json_t *object)
{
    const char *name;
    json_t *v;

    json_object_foreach(const_cast<json_t *>(object), name, v)
    {
        const bool list = json_is_array(v);
        switch (kind_of(v)) {
        case JSON_TRUE:
            list ? record.define(name, elements<Bool>(v, truth)) : record.define(name, truth(v));
            break;
        case JSON_INTEGER:
            list ? record.define(name, elements<Int64>(v, integer))
                 : record.define(name, integer(v));
            break;
        case JSON_REAL:
            list ? record.define(name, elements<Double>(v, number))
                 : record.define(name, number(v));
            break;
        case JSON_STRING:
            list ? record.define(name, elements<String>(v, text)) : record.define(name, text(v));
            break;
        case JSON_OBJECT:
            if (!list) {
                Record inner;
                fill(inner, v);
                record.defineRecord(name, inner);
            }
            break;
        default:
            break;
        }
    }
}

template <typename T>
void describe(TableDesc &desc, const char *name, bool list)
{
    if (list)
        desc.addColumn(ArrayColumnDesc<T>(name, 1));
    else
        desc.addColumn(ScalarColumnDesc<T>(name));
}

void describe(TableDesc &desc, const char *name, const json_t *v)
{
    const bool list = json_is_array(v);

    switch (kind_of(v)) {
    case JSON_TRUE:
        describe<Bool>(desc, name, list);
        break;
    case JSON_INTEGER:
        describe<Int64>(desc, name, list);
        break;
    case JSON_REAL:
        describe<Double>(desc, name, list);
        break;
    case JSON_STRING:
        describe<String>(desc, name, list);
        break;
    default:
        break;
    }
}

template <typename T, typename Get>
void put(Table &table, const char *name, const json_t *v, Get get)
{
    if (json_is_array(v))
        ArrayColumn<T>(table, name).put(0, elements<T>(v, get));
    else
        ScalarColumn<T>(table, name).put(0, get(v));
}

/* One row: a column for each variable, a keyword for each object. */
Table table_of(const json_t *variables)
{
    TableDesc desc("", "", TableDesc::Scratch);
    const char *name;
    json_t *v;

    json_object_foreach(const_cast<json_t *>(variables), name, v) describe(desc, name, v);
    SetupNewTable setup("", desc, Table::Scratch);
    Table table(setup, Table::Memory, 1);
    json_object_foreach(const_cast<json_t *>(variables), name, v)
    {
        const json_type kind = kind_of(v);
        if (json_is_object(v)) {
            Record inner;
            fill(inner, v);
            table.rwKeywordSet().defineRecord(name, inner);
        } else if (kind == JSON_TRUE) {
            put<Bool>(table, name, v, truth);
        } else if (kind == JSON_INTEGER) {
            put<Int64>(table, name, v, integer);
        } else if (kind == JSON_REAL) {
            put<Double>(table, name, v, number);
        } else if (kind == JSON_STRING) {
            put<String>(table, name, v, text);
        }
    }
    return table;
}

json_t *json_of(Bool v)
{
    return json_boolean(v);
}
json_t *json_of(Int64 v)
{
    return json_integer(v);
}
json_t *json_of(Double v)
{
    return mms_double_value(v);
}
json_t *json_of(const DComplex &v)
{
    return json_pack("{s:[o, o]}", "$c", mms_double_value(v.real()), mms_double_value(v.imag()));
}
json_t *json_of(const String &v)
{
    return mms_text_value(v.c_str());
}

template <typename T>
json_t *list_of(const Array<T> &array)
{
    if (array.ndim() <= 1) {
        json_t *const list = json_array();
        for (const T &element : array)
            json_array_append_new(list, json_of(element));
        return list;
    }
    json_t *const list = json_array(); // the last axis varies slowest
    const ssize_t n = array.shape()[array.ndim() - 1];
    for (ssize_t i = 0; i < n; i++)
        json_array_append_new(list, list_of(Array<T>(array[static_cast<size_t>(i)])));
    return list;
}

TableExprNodeRep &rep_of(const TableExprNode &node)
{
    return *const_cast<TableExprNodeRep *>(node.getNodeRep()); // evaluation is no const there
}

json_t *scalar_of(const TableExprNode &node, const TableExprId &row)
{
    switch (rep_of(node).dataType()) {
    case TableExprNodeRep::NTBool:
        return json_of(rep_of(node).getBool(row));
    case TableExprNodeRep::NTInt:
        return json_of(rep_of(node).getInt(row));
    case TableExprNodeRep::NTComplex:
        return json_of(rep_of(node).getDComplex(row));
    case TableExprNodeRep::NTString:
        return json_of(rep_of(node).getString(row));
    default:
        return json_of(rep_of(node).getDouble(row));
    }
}

json_t *array_of(const TableExprNode &node, const TableExprId &row)
{
    switch (rep_of(node).dataType()) {
    case TableExprNodeRep::NTBool:
        return list_of(rep_of(node).getArrayBool(row).array());
    case TableExprNodeRep::NTInt:
        return list_of(rep_of(node).getArrayInt(row).array());
    case TableExprNodeRep::NTComplex:
        return list_of(rep_of(node).getArrayDComplex(row).array());
    case TableExprNodeRep::NTString:
        return list_of(rep_of(node).getArrayString(row).array());
    default:
        return list_of(rep_of(node).getArrayDouble(row).array());
    }
}

} // namespace

mms_status mms_taql_eval(const char *expression, const mms_value *variables, mms_value **out,
                         mms_error *err)
{
    bool finite = true;
    *out = nullptr;
    const mms_status st = mms::guard(err, "TaQL", [&] {
        const Table table = table_of(variables);
        const std::string command =
            std::string("using style python CALC ") + expression + " FROM $1";
        TableExprNode node = tableCommand(command, std::vector<const Table *>{&table}).node();
        const TableExprId row(0);
        finite = !node.isScalar() || rep_of(node).dataType() != TableExprNodeRep::NTDouble ||
                 std::isfinite(rep_of(node).getDouble(row));
        *out = node.isScalar() ? scalar_of(node, row) : array_of(node, row);
        return MMS_OK;
    });
    if (st == MMS_OK && !*out)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    if (st == MMS_OK && !finite) {
        mms_value_free(out);
        return mms_fail(err, MMS_ERR_RANGE, "%s is not finite: a division by zero?", expression);
    }
    return st;
}

mms_status mms_taql_check(const char *expression, mms_error *err)
{
    return mms::guard(err, "TaQL", [&] {
        (void)TaQLNode::parse(std::string("using style python CALC ") + expression);
        return MMS_OK;
    });
}

mms_status mms_taql_run(const char *command, mms_error *err)
{
    return mms::guard(err, "TaQL", [&] {
        (void)tableCommand(std::string("using style python ") + command);
        return MMS_OK;
    });
}
