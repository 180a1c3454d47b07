// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file taql.cpp  Expressions and commands in TaQL. */
#include "taql.h"

#include <casacore/casa/Arrays/Array.h>
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

#include <algorithm>
#include <cmath>
#include <vector>

#include "guard.hpp"

using namespace casacore;

namespace
{

/* What a value is in TaQL; of those that are numbers a later one can hold an earlier one. */
enum class Kind { Nothing, Bool, Integer, Real, Complex, Text, Record };

/* A value's kind, and its shape if it is a list, lists in lists too: the outermost comes first. */
struct Form {
    Kind kind = Kind::Nothing;
    std::vector<size_t> shape;
};

/* {"$c": [re, im]}, as complex values come out. */
const json_t *complex_of(const json_t *value)
{
    const json_t *const pair =
        json_object_size(value) == 1 ? json_object_get(value, "$c") : nullptr;
    return json_array_size(pair) == 2 ? pair : nullptr;
}

/* {"$f": "nan"}, "inf" or "-inf": numbers that JSON has not; NULL: it is none. */
const json_t *not_finite(const json_t *value)
{
    const json_t *const text =
        json_object_size(value) == 1 ? json_object_get(value, "$f") : nullptr;
    const std::string word = json_is_string(text) ? json_string_value(text) : "";
    return word == "nan" || word == "inf" || word == "-inf" ? text : nullptr;
}

Kind kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_TRUE:
    case JSON_FALSE:
        return Kind::Bool;
    case JSON_INTEGER:
        return Kind::Integer;
    case JSON_REAL:
        return Kind::Real;
    case JSON_STRING:
        return Kind::Text;
    case JSON_OBJECT:
        return complex_of(value) ? Kind::Complex : not_finite(value) ? Kind::Real : Kind::Record;
    default:
        return Kind::Nothing;
    }
}

bool is_number(Kind kind)
{
    return kind == Kind::Integer || kind == Kind::Real || kind == Kind::Complex;
}

/* Elements that have nothing in common make no value, nor do records or no elements. */
Form form_of(const json_t *value)
{
    Form form;
    if (!json_is_array(value)) {
        form.kind = kind_of(value);
        return form;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const Form one = form_of(json_array_get(value, i));
        const bool fits =
            i == 0 || (one.shape == form.shape &&
                       (one.kind == form.kind || (is_number(one.kind) && is_number(form.kind))));
        if (!fits || one.kind == Kind::Nothing || one.kind == Kind::Record)
            return Form();
        form.shape = one.shape;
        form.kind = std::max(form.kind, one.kind);
    }
    form.shape.insert(form.shape.begin(), json_array_size(value));
    return form;
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
    const json_t *const text = not_finite(v);
    return mms_value_double(text ? text : v);
}
DComplex complex_number(const json_t *v)
{
    const json_t *const pair = complex_of(v);
    return pair ? DComplex(number(json_array_get(pair, 0)), number(json_array_get(pair, 1)))
                : DComplex(number(v), 0);
}
String text(const json_t *v)
{
    return json_string_value(v);
}

template <typename T, typename Get>
void append(std::vector<T> &all, const json_t *v, Get get)
{
    if (!json_is_array(v))
        all.push_back(get(v));
    for (size_t i = 0; i < json_array_size(v); i++)
        append(all, json_array_get(v, i), get);
}

/* casacore's first axis varies fastest, that of lists slowest. */
template <typename T, typename Get>
Array<T> elements(const json_t *list, const Form &form, Get get)
{
    IPosition shape(static_cast<unsigned>(form.shape.size()));
    for (size_t i = 0; i < form.shape.size(); i++)
        shape[form.shape.size() - 1 - i] = static_cast<ssize_t>(form.shape[i]);
    std::vector<T> all;
    append(all, list, get);
    Array<T> array(shape);
    std::copy(all.begin(), all.end(), array.cbegin());
    return array;
}

/* Do something with a value as what it is. */
template <typename Do>
void as_kind(Kind kind, Do &&act)
{
    switch (kind) {
    case Kind::Bool:
        act(Bool(), truth);
        break;
    case Kind::Integer:
        act(Int64(), integer);
        break;
    case Kind::Real:
        act(Double(), number);
        break;
    case Kind::Complex:
        act(DComplex(), complex_number);
        break;
    case Kind::Text:
        act(String(), text);
        break;
    default:
        break;
    }
}

/* A record of keywords of an object; lists of mixed kinds and null are left out. */
void fill(RecordInterface &record, const json_t *object)
{
    const char *name;
    json_t *v;

    json_object_foreach(const_cast<json_t *>(object), name, v)
    {
        const Form form = form_of(v);
        if (form.kind == Kind::Record) {
            Record inner;
            fill(inner, v);
            record.defineRecord(name, inner);
            continue;
        }
        as_kind(form.kind, [&](auto kind, auto get) {
            if (json_is_array(v))
                record.define(name, elements<decltype(kind)>(v, form, get));
            else
                record.define(name, get(v));
        });
    }
}

void describe(TableDesc &desc, const char *name, const Form &form)
{
    as_kind(form.kind, [&](auto kind, auto) {
        if (form.shape.empty())
            desc.addColumn(ScalarColumnDesc<decltype(kind)>(name));
        else
            desc.addColumn(
                ArrayColumnDesc<decltype(kind)>(name, static_cast<Int>(form.shape.size())));
    });
}

void put(Table &table, const char *name, const json_t *v)
{
    const Form form = form_of(v);
    as_kind(form.kind, [&](auto kind, auto get) {
        if (form.shape.empty())
            ScalarColumn<decltype(kind)>(table, name).put(0, get(v));
        else
            ArrayColumn<decltype(kind)>(table, name).put(0, elements<decltype(kind)>(v, form, get));
    });
}

/* One row: a column for each variable, a keyword for each object. */
Table table_of(const json_t *variables)
{
    TableDesc desc("", "", TableDesc::Scratch);
    const char *name;
    json_t *v;

    json_object_foreach(const_cast<json_t *>(variables), name, v) describe(desc, name, form_of(v));
    SetupNewTable setup("", desc, Table::Scratch);
    Table table(setup, Table::Memory, 1);
    json_object_foreach(const_cast<json_t *>(variables), name, v)
    {
        if (kind_of(v) == Kind::Record) {
            Record inner;
            fill(inner, v);
            table.rwKeywordSet().defineRecord(name, inner);
        } else {
            put(table, name, v);
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
    json_t *const value = mms_double_value(v);
    return std::isfinite(v) ? value : json_pack("{s:o}", "$f", value);
}
json_t *json_of(const DComplex &v)
{
    return json_pack("{s:[o, o]}", "$c", json_of(v.real()), json_of(v.imag()));
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

/** Where a command is repeated in what casacore says of it, that is left out; of what is long then,
 *  the middle: what is wrong stands at an end. */
std::string without(const std::string &command, std::string text)
{
    const std::string repeated = "Error in TaQL command: '" + command + "'";
    const size_t at = text.find(repeated);
    if (at != std::string::npos)
        text.erase(0, std::min(text.find_first_not_of(" \n", at + repeated.size()), text.size()));
    if (text.size() > 800)
        text.replace(400, text.size() - 700, " … ");
    return text;
}

} // namespace

mms_status mms_taql_eval(const char *expression, const mms_value *variables, bool any,
                         mms_value **out, mms_error *err)
{
    bool finite = true;
    *out = nullptr;
    const mms_status st = mms::guard(err, "TaQL", [&] {
        const Table table = table_of(variables);
        const std::string command =
            std::string("using style python CALC ") + expression + " FROM $1";
        const auto parse = [&] {
            try {
                return tableCommand(command, std::vector<const Table *>{&table}).node();
            } catch (const AipsError &e) {
                throw AipsError(without(command, e.what()));
            }
        };
        TableExprNode node = parse();
        const TableExprId row(0);
        finite = any || !node.isScalar() || rep_of(node).dataType() != TableExprNodeRep::NTDouble ||
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
