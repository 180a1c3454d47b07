/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MS_META_H
#define MULTIMS_MS_META_H
/** @file ms_meta.h  Counts the selected rows of an MS into the plain structs of meta.h. */

#include "meta.h"
#include "multims/base.h"
#include "multims/ms.h"
#include "multims/select.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Read the scalar columns of the main table once, in chunks, and count what is selected.
 *  Memory grows with the number of cells and time stamps, never with the rows.
 *  @param      selection  NULL: every row
 *  @param[out] out        the counts, zero on failure; end them with mms_meta_free()
 *  Errors: NOT_FOUND a column or sub-table is missing; RANGE a DDID, spw or polarization beyond its
 *          sub-table; TABLE; MEM.  A selection of no rows is no error. */
MMS_CHECKED mms_status mms_meta_read(mms_ms *ms, mms_selection *selection, mms_meta *out,
                                     mms_error *err);

/** Measure a row's cell of a column in memory: 0 where it is undefined, and for texts and records.
 *  Errors: those of mms_ms_shapes(). */
MMS_CHECKED mms_status mms_ms_cell_bytes(mms_ms *ms, const mms_column *column, int64_t row,
                                         int64_t *bytes, mms_error *err);

/** Free the arrays of meta and set it to zero. */
void mms_meta_free(mms_meta *meta);

#ifdef __cplusplus
}
#endif
#endif
