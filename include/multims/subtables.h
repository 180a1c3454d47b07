#ifndef MULTIMS_SUBTABLES_H
#define MULTIMS_SUBTABLES_H
/** @file subtables.h  The sub-tables of an output: written once, from the selection (design D20).
 */

#include "multims/select.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Write every sub-table of the request as folder/NAME: those of the input, reduced and renumbered
 *  by the selections that were given; tables that an MS must have and the input lacks, empty.
 *  Keywords whose tables are missing are reported once and left out.
 *  @param[out] names  JSON array of the names written; the caller frees it
 *  Errors: TABLE, SPACE, IO; SELECT when no FEED row is left.  Source: multi-ms 1.7, 3.5. */
MMS_API MMS_CHECKED mms_status mms_subtables_write(mms_ms *ms, const mms_selection *selection,
                                                   const char *folder, mms_value **names,
                                                   mms_error *err);

/** List the selected channels of a spw of nchan channels in the order of the output; *n is 0 when
 *  all are selected, in order.  The caller ends it with free().  Errors: MEM. */
MMS_API MMS_CHECKED mms_status mms_channel_list(const mms_selection *selection, int32_t spw,
                                                int64_t nchan, int32_t **channels, int64_t *n,
                                                mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
