/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_REPORT_PRIV_H
#define MULTIMS_REPORT_PRIV_H
/** @file report_priv.h  Checks and what they found, collected as JSON for diff and verify. */

#include "base/base_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The checks of one run.  Start it with mms_report_start(). */
typedef struct mms_report {
    mms_value *checks;
    int64_t passed, failed;
    int64_t show;        /**< findings that are kept of each check; the others are counted */
    mms_value *warnings; /**< texts */
} mms_report;

/** One check: it passes unless something is found. */
typedef struct mms_check {
    mms_report *report;
    char *name;
    mms_value *findings;
    mms_value *members; /**< of mms_check_add_member(): {text: [members that it was found in, the
                             first, its finding or null]} */
    int64_t count;
} mms_check;

MMS_CHECKED mms_status mms_report_start(mms_report *report, int64_t show, mms_error *err);

/** Give the checks to result as "checks", "passed", "failed" and "warnings"; report is empty after
 *  it.
 *  @param st  of the comparison: what stopped it is returned, and is "stopped" in the result
 *  Errors: DIFFERS when a check failed; MEM. */
MMS_CHECKED mms_status mms_report_finish(mms_report *report, mms_status st, mms_value *result,
                                         mms_error *err);
/** Add the checks and warnings of a result; checks of one name become one. */
void mms_report_join(mms_report *report, const mms_value *result);

/** Forget the checks. */
void mms_report_drop(mms_report *report);

void mms_check_start(mms_check *check, mms_report *report, const char *fmt, ...) MMS_PRINTF(3, 4);

/** Return whether the next finding would be kept: texts need not be made for the others. */
bool mms_check_keeps(const mms_check *check);

/** Add a finding.  fields is an object for programs, or NULL; it is taken over. */
void mms_check_add(mms_check *check, mms_value *fields, const char *fmt, ...) MMS_PRINTF(3, 4);

/** Add a finding about one member of a set, as above.  The same text about another member is no
 * finding of its own: it is counted, "text: in 64 sub-MSs, x.0000.ms the first". */
void mms_check_add_member(mms_check *check, mms_value *fields, const char *member, const char *fmt,
                          ...) MMS_PRINTF(4, 5);

/** Say at once, in the log and in the result, what is worth a look and no failure. */
void mms_report_warn(mms_report *report, const char *fmt, ...) MMS_PRINTF(2, 3);

/** Count a finding that is not kept. */
void mms_check_skip(mms_check *check);

/** Put the check into its report, with a note for people, or NULL.
 *  @param st  of the check: one that was stopped tells only what it had found by then */
void mms_check_end(mms_check *check, mms_status st, const char *note);

#ifdef __cplusplus
}
#endif
#endif
