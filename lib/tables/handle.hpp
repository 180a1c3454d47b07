// SPDX-License-Identifier: LGPL-2.1-or-later
#ifndef MULTIMS_TABLES_HANDLE_HPP
#define MULTIMS_TABLES_HANDLE_HPP
/** @file handle.hpp  The list of columns of a handle, for those who change it. */

#include "table.hpp"

namespace mms
{

/** Set the texts of the columns once their list is complete: they stay where they are. */
void point_to_texts(mms_table *t);

} // namespace mms

#endif
