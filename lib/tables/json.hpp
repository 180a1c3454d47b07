// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file json.hpp  casacore values as JSON and back. */
#ifndef MULTIMS_JSON_HPP
#define MULTIMS_JSON_HPP

#include <casacore/casa/Containers/Record.h>
#include <casacore/tables/Tables/TableRecord.h>
#include <jansson.h>

#include "table.hpp"

namespace mms
{

inline json_t *to_json(casacore::Bool v)
{
    return json_boolean(v);
}
inline json_t *to_json(casacore::uChar v)
{
    return json_integer(v);
}
inline json_t *to_json(casacore::Short v)
{
    return json_integer(v);
}
inline json_t *to_json(casacore::uShort v)
{
    return json_integer(v);
}
inline json_t *to_json(casacore::Int v)
{
    return json_integer(v);
}
inline json_t *to_json(casacore::uInt v)
{
    return json_integer(v);
}
inline json_t *to_json(casacore::Int64 v)
{
    return json_integer(v);
}
/** JSON has no NaN and no infinity: they become texts. */
json_t *to_json(casacore::Double v);
inline json_t *to_json(casacore::Float v)
{
    return to_json(static_cast<casacore::Double>(v));
}
json_t *to_json(const casacore::DComplex &v);
inline json_t *to_json(const casacore::Complex &v)
{
    return to_json(casacore::DComplex(v));
}
json_t *to_json(const casacore::String &v);

void from_json(const json_t *j, casacore::Double &v);
void from_json(const json_t *j, casacore::DComplex &v);
void from_json(const json_t *j, casacore::String &v);
template <typename T>
void from_json(const json_t *j, T &v)
{
    casacore::Double number;
    from_json(j, number);
    v = static_cast<T>(number);
}
inline void from_json(const json_t *j, casacore::Bool &v)
{
    v = json_is_true(j) || json_integer_value(j) != 0;
}
inline void from_json(const json_t *j, casacore::Complex &v)
{
    casacore::DComplex wide;
    from_json(j, wide);
    v = casacore::Complex(wide);
}

/** Nested lists, outermost axis first in C order (casacore's last axis). */
template <typename T>
json_t *nested_json(const T *data, const casacore::IPosition &shape, size_t axis)
{
    json_t *list = json_array();
    const casacore::IPosition inner = shape.getFirst(axis);
    const casacore::Int64 step = axis ? inner.product() : 1;
    for (casacore::Int64 i = 0; i < shape[axis]; i++)
        json_array_append_new(list, axis ? nested_json(data + i * step, shape, axis - 1)
                                         : to_json(data[i]));
    return list;
}

template <typename T>
json_t *to_json(const casacore::Array<T> &array)
{
    casacore::Bool deleted;
    const T *data = array.getStorage(deleted);
    json_t *list = array.ndim() ? nested_json(data, array.shape(), array.ndim() - 1) : json_array();
    array.freeStorage(data, deleted);
    return list;
}

/** Shape of nested lists in casacore's order; ends at the first empty list. */
casacore::IPosition json_shape(const json_t *j, bool complex);

template <typename T>
void flatten_json(const json_t *j, size_t depth, std::vector<T> &out)
{
    if (depth == 0) {
        T v;
        from_json(j, v);
        out.push_back(v);
        return;
    }
    for (size_t i = 0; i < json_array_size(j); i++)
        flatten_json(json_array_get(j, i), depth - 1, out);
}

/** Nested lists as an array; throws when they are ragged. */
template <typename T>
casacore::Array<T> array_from_json(const json_t *j)
{
    constexpr bool complex =
        std::is_same<T, casacore::Complex>::value || std::is_same<T, casacore::DComplex>::value;
    const casacore::IPosition shape = json_shape(j, complex);
    std::vector<T> flat;
    flatten_json(j, shape.nelements(), flat);
    if (static_cast<casacore::Int64>(flat.size()) != shape.product())
        throw casacore::AipsError("lists of unequal length");
    casacore::Array<T> array(shape);
    std::copy(flat.begin(), flat.end(), array.cbegin());
    return array;
}

/** Set a field of a record: integers are Int, or Int64 where they need it, lists arrays, objects
 * records. */
void define(casacore::TableRecord &record, const casacore::String &name, const json_t *value);

} // namespace mms

#endif
