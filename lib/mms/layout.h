/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_LAYOUT_H
#define MULTIMS_LAYOUT_H
/** @file layout.h  Putting a Multi-MS together: names, links, reference table, HISTORY, flags. */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How sub-MSs are named and which sub-tables are links. */
typedef struct mms_layout {
    bool full_names; /**< the whole name of the output; else without its extension */
    bool linked;     /**< all sub-tables but SOURCE and HISTORY are links; else POINTING, SYSCAL */
} mms_layout;

/** Return the name of member index of nmember, for instance "x.0003.ms"; the caller frees it. */
char *mms_layout_member(mms_layout layout, const char *output, int64_t index, int64_t nmember);

/** Return whether sub-table name is a link in the members after the first. */
bool mms_layout_is_link(mms_layout layout, const char *name);

/** Make the folder with finished members in folder/SUBMSS a Multi-MS: links, table.dat, table.info.
 *  @param axis       AxisType, "" for none
 *  @param subtables  JSON array of the sub-tables of each member
 *  Errors: IO, SPACE, MEM.  Source: docs/format.md */
MMS_CHECKED mms_status mms_layout_assemble(const char *folder, mms_layout layout, int64_t nrow,
                                           int64_t nmember, const char *const *names,
                                           const char *axis, const mms_value *subtables,
                                           mms_error *err);

/** Append rows to the HISTORY of the MS at path, which nobody else knows where it is staged: one
 * for each text of messages. */
MMS_CHECKED mms_status mms_history_append(const char *path, bool staged, const char *origin,
                                          const mms_value *messages, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
