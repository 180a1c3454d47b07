/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TABLES_COLUMN_NAMES_HPP
#define MULTIMS_TABLES_COLUMN_NAMES_HPP
/** @file column_names.hpp  Names of the main table's columns, from base/columns.def. */

namespace mms
{
namespace column
{
#define COLUMN(name, type, axes, role, word, table) inline constexpr char name[] = #name;
#include "base/columns.def"
#undef COLUMN
} // namespace column
} // namespace mms

#endif
