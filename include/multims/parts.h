/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PARTS_H
#define MULTIMS_PARTS_H
/** @file parts.h  A task over the parts of a Multi-MS in a few lines, and plug-ins that add tasks.
 *
 *  Source: docs/writing-a-task.md */

#include "multims/task.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How the parts' answers become one. */
typedef enum mms_consolidation {
    MMS_CONSOLIDATE_AUTO = 0, /**< booleans: AND, objects: MERGE, anything else: LIST */
    MMS_CONSOLIDATE_AND,      /**< true when all are; a part that says false is warned of */
    MMS_CONSOLIDATE_MERGE,    /**< objects: numbers add, arrays of one length element by element,
                                   objects again; of anything else the first part's stays, with a
                                   warning where another differs */
    MMS_CONSOLIDATE_LIST      /**< one after the other */
} mms_consolidation;

/** How the units of a set's parts are run. */
typedef struct mms_parts_opts {
    uint32_t size;
    mms_consolidation how;
    bool stop; /**< the first part that fails ends the others; else all are tried */
    /** The request of a unit more, for the whole set, an object to which "vis" is added: its answer
     * is the member "first" of the result.  NULL: there is none. */
    const mms_value *first;
    /** An array with an object for each part, in their order, whose members its request gets, too;
     * borrowed.  NULL: there are none. */
    const mms_value *each;
    int64_t threshold; /**< without stop: so many parts that fail end the others; 0: never */
    bool repeatable;   /**< units change nothing, or bring it back first: one whose worker is killed
                          is run again */
} mms_parts_opts;
#define MMS_PARTS_OPTS_INIT                                                       \
    {                                                                             \
        sizeof(mms_parts_opts), MMS_CONSOLIDATE_AUTO, false, NULL, NULL, 0, false \
    }

/** Run the unit of run's task over every part of vis, an MS or Multi-MS, in parallel, and join what
 *  they answer: member "ret" of an answer, or all of it.  A unit's request is a copy of request (an
 *  object, or NULL) with "vis", the part's absolute path, and "part", its number from 0.  Parts
 *  that answer EMPTY are left out; a part that fails does not end the others.  With --job-dir, or a
 *  parameter resume of the task, a journal is kept (docs/resuming.md): a run that goes on leaves
 *  out the parts that are done.  A task that calls this several times has the journal of one call
 *  at a time, which is not taken for another's: such a run begins anew.
 *  @param result  gets vis, ret, parts [name], empty [name], failures [{part, message}]; in the
 *                 order of the parts, whatever the number of workers
 *  Errors: NOT_FOUND no such set; EMPTY all parts are; DIFFERS some failed, result says which;
 *          STOPPED, IO, MEM. */
MMS_API MMS_CHECKED mms_status mms_parts_run(mms_run *run, const char *vis,
                                             const mms_value *request, mms_consolidation how,
                                             mms_value *result, mms_error *err);

/** The same with all policies.  Errors: as above; with stop, that of the part that failed. */
MMS_API MMS_CHECKED mms_status mms_parts_run_with(mms_run *run, const char *vis,
                                                  const mms_value *request,
                                                  const mms_parts_opts *opts, mms_value *result,
                                                  mms_error *err);

/** Join n answers, NULL for those to be left out; task is for warnings.  Returns a new value, null
 *  where there is nothing to join; NULL when out of memory. */
MMS_API mms_value *mms_consolidate(const char *task, int64_t n, mms_value *const *answers,
                                   const char *const *names, mms_consolidation how);

/** A plug-in: a shared object that exports `const mms_plugin mms_plugin_v1`.  MULTIMS_PLUGIN_PATH
 *  names plug-ins, or folders of them, separated by colons. */
typedef struct mms_plugin {
    uint32_t abi; /**< MMS_PLUGIN_ABI */
    const char *name, *version;
    const mms_task *const *tasks; /**< ended by NULL */
} mms_plugin;
#define MMS_PLUGIN_ABI    ((uint32_t)(0x10000 + sizeof(mms_task)))
#define MMS_PLUGIN_SYMBOL "mms_plugin_v1"

#ifdef __cplusplus
}
#endif
#endif
