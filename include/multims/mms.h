/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MMS_H
#define MULTIMS_MMS_H
/** @file mms.h  A Multi-MS as a whole: is it sound, does it hold what its source holds. */

#include "multims/select.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is verified. */
typedef struct mms_verify_opts {
    uint32_t size;
    const char *against;      /**< source of the partition; NULL or "": the structure alone */
    const mms_select *select; /**< the request's selection; NULL: everything */
    const char *datacolumn;   /**< the request's; NULL: "all" */
    bool from_history; /**< take selection and datacolumn from the last partition in HISTORY */
    int64_t show;      /**< findings that are kept of each check */
    bool tiles;        /**< read tile files directly, not through casacore */
} mms_verify_opts;
#define MMS_VERIFY_OPTS_INIT                                        \
    {                                                               \
        sizeof(mms_verify_opts), NULL, NULL, NULL, false, 10, false \
    }

/** Verify the Multi-MS or MS at path: members, columns, links, table.info, ids in range, equal
 *  sub-tables; and with opts->against that every selected row of the source is there once, equal in
 *  every column.  Memory is flat but for 16 bytes a row with a source.  Not collective.
 *  @param[out] result  an object that gets "checks", "passed" and "failed"
 *  Errors: DIFFERS with findings; NOT_FOUND, TABLE no table at path, or the source can't be read;
 *          SELECT, ARG for the request; MEM.  Source: docs/format.md
 */
MMS_API MMS_CHECKED mms_status mms_verify(const char *path, const mms_verify_opts *opts,
                                          mms_value *result, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
