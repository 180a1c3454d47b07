// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file standard.hpp  What casacore's class MeasurementSet knows of tables.  Within guard. */
#ifndef MULTIMS_STANDARD_HPP
#define MULTIMS_STANDARD_HPP

#include <casacore/casa/Arrays/IPosition.h>
#include <casacore/tables/Tables/TableDesc.h>

#include <memory>

namespace mms
{

/** Describe a table of the MS definition: see mms_table_create_standard().  NULL: there is none of
 *  that kind. */
std::unique_ptr<casacore::TableDesc> make_standard_desc(const char *kind,
                                                        const char *const *optional);

/** Add an optional column of the main table, its arrays with an axis of channels and one of
 *  correlations. */
void add_standard_column(casacore::TableDesc &desc, const char *name);

/** The tile of casacore's layout for mosaics. */
casacore::IPosition mosaic_tile(const casacore::IPosition &cell);

} // namespace mms

#endif
