/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_DECIDE_H
#define MULTIMS_DECIDE_H
/** @file decide.h  Parallel over the sub-MSs, another Multi-MS, one MS, or refused; and why.
 *  No file is touched: what the input holds and what is asked in, the verdict out. */

#include "ms/meta.h"
#include "multims/base.h"
#include "multims/log.h"
#include "multims/value.h"
#include "plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The tasks whose output is an MS or a Multi-MS. */
typedef enum mms_deciding_task {
    MMS_DECIDE_MSTRANSFORM = 0,
    MMS_DECIDE_SPLIT,
    MMS_DECIDE_CVEL,
    MMS_DECIDE_HANNINGSMOOTH,
    MMS_DECIDE_UVCONTSUB,
    MMS_DECIDE_PHASESHIFT,
    MMS_DECIDE_PARTITION
} mms_deciding_task;

/** What the cells of mms_meta do not say of a member; selected rows only. */
typedef struct mms_member_extent {
    double start_s, end_s; /**< min(TIME - EXPOSURE/2), max(TIME + EXPOSURE/2), MJD seconds */
    int64_t nbaseline;
    const int64_t *baselines; /**< indices in mms_meta.baselines, each once */
} mms_member_extent;

/** What is asked of which input.  Only fields that a task has need to be set. */
typedef struct mms_question {
    uint32_t size;
    mms_deciding_task task;

    /* The input. */
    const mms_meta *meta;             /**< its selected rows */
    bool multi;                       /**< it is a Multi-MS */
    const char *axis_type;            /**< its AxisType, "" or NULL: none */
    const mms_member_extent *members; /**< members[meta->nmember]; needed for a Multi-MS with
                                           timeaverage, else NULL is enough */
    const char *const *member_names;  /**< for messages; NULL: numbers */

    /* The output. */
    bool createmms;           /**< mstransform, partition */
    bool keepmms;             /**< split, cvel, hanningsmooth */
    bool monolithic;          /**< mstransform: monolithic_processing, read a Multi-MS as one MS */
    const mms_plan_opts *out; /**< of createmms: axis, numsubms, order of spws; NULL: defaults */

    /* The transformations that look beyond a row. */
    bool combinespws, regridms;
    int64_t nspw;     /**< 1 or less: no separation */
    bool timeaverage; /**< in effect: asked for, and timebin_s > 0 */
    double timebin_s;
    bool across_scans, across_states, across_fields; /**< timespan, or combine of split */
} mms_question;
#define MMS_QUESTION_INIT                                                                          \
    {                                                                                              \
        sizeof(mms_question), MMS_DECIDE_MSTRANSFORM, NULL, false, NULL, NULL, NULL, false, false, \
            false, NULL, false, false, 0, false, 0, false, false, false                            \
    }

typedef enum mms_verdict {
    MMS_VERDICT_PARALLEL = 0, /**< one job a sub-MS: a Multi-MS of the same parts and axis */
    MMS_VERDICT_REPARTITION,  /**< the Multi-MS is read as one MS; a Multi-MS on axis */
    MMS_VERDICT_MS,           /**< one MS is written */
    MMS_VERDICT_CREATE,       /**< from an MS: a Multi-MS on axis */
    MMS_VERDICT_REFUSE
} mms_verdict;

typedef struct mms_decision_message {
    mms_level level;
    char text[512];
} mms_decision_message;

enum { MMS_DECISION_MESSAGES = 8 };

/** The answer; plain data, nothing to free. */
typedef struct mms_decision {
    mms_verdict verdict;
    char rule[4];          /**< row of the decision tables, for instance "M04"; "" where none is */
    mms_axis axis;         /**< of the plan: MEMBER, that of the output, or NONE for one MS */
    const char *axis_type; /**< AxisType of the output, "" for none; may be the question's text */
    char reason[512];      /**< in words */
    char refusal[1024];    /**< text of the error when refused, else "" */
    int32_t nmessage;
    mms_decision_message messages[MMS_DECISION_MESSAGES]; /**< in the order to be logged */
} mms_decision;

/** Decide what is done with a request, and say why.  A refusal is a verdict, not an error.
 *  @param[out] out  the decision
 *  Errors: EMPTY no row is selected; ARG members are missing; MEM.
 *  Source: docs/transforms.md */
MMS_CHECKED mms_status mms_decide(const mms_question *question, mms_decision *out, mms_error *err);

/** Log the messages under scope; returns ARG with the refusal in err when it is one. */
MMS_CHECKED mms_status mms_decision_log(const mms_decision *decision, const char *scope,
                                        mms_error *err);

/** Return "parallel", "re-partition", "one MS", "new Multi-MS" or "refused". */
const char *mms_verdict_name(mms_verdict verdict);

/** Describe as JSON {verdict, rule, axis, reason}; the caller frees it.  Errors: MEM. */
MMS_CHECKED mms_status mms_decision_describe(const mms_decision *decision, mms_value **out,
                                             mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
