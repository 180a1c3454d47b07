/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_COMMAND_PRIV_H
#define MULTIMS_COMMAND_PRIV_H
/** @file command_priv.h  The language of commands: statements, calls, expressions in TaQL. */

#include "task_priv.h"

#define MMS_COMMAND_UNIT "command"

/** Run one command in a worker (docs/driving.md). */
mms_unit_fn mms_command_unit;

/** Return where the text up to c at its top level ends, outside quotes and brackets: at c, or at
 * the end of text; NULL where a quote or bracket is not closed. */
const char *mms_command_find(const char *text, char c);

/** Return a copy of text with blanks in place of comments (# to the end of the line) and CR, which
 * the caller frees; NULL: out of memory. */
char *mms_command_plain(const char *text);

/** Return where the statement at the beginning of text ends: at ; or a line break, a TaQL command
 * at ; alone; NULL as mms_command_find().  text has no comments. */
const char *mms_command_end(const char *text);

/** The parts of a call NAME(ARGUMENTS) that is all of text, blanks aside. */
typedef struct mms_command_call {
    const char *name, *arguments;
    int nname, narguments;
} mms_command_call;
bool mms_command_is_call(const char *text, mms_command_call *call);

/** Whether a call's first argument is name=value, as TaQL has none: a verb, perhaps of a plug-in
 *  that its server has loaded. */
bool mms_command_has_named_argument(const mms_command_call *call);

/** Whether a call of that name is one of tasks and of what servers know themselves; else it is a
 * function of TaQL. */
bool mms_command_is_known(const char *name, int n);

/** An assignment: NAME = VALUE, NAME[INDEX] = VALUE, or PATH[INDEX] = VALUE. */
typedef struct mms_command_assignment {
    int nname;         /**< the name is at the beginning */
    int npath;         /**< so is the path whose element is set; nname: the variable's */
    const char *index; /**< NULL: to the variable itself */
    int nindex;
    const char *value;
} mms_command_assignment;
bool mms_command_is_assignment(const char *text, mms_command_assignment *a);

/** Whether text begins with a word of TaQL's commands: UPDATE, … */
bool mms_command_is_taql(const char *text);
/** The same of those that may change tables. */
bool mms_command_changes(const char *text);
/** Whether a query in text writes what it finds to a table (GIVING, INTO). */
bool mms_command_gives(const char *text);

/** Whether name is a function that says or tells what a server is to use: set_threads(n), … */
bool mms_command_is_setting(const char *name);
/** Call it.  settings: an object that stays with the server, {threads, memory_mib, cpus, …} of what
 *  is set.  Errors: SHAPE no number or text; RANGE. */
MMS_CHECKED mms_status mms_command_setting(mms_value *settings, const char *name,
                                           const mms_value *arguments, mms_value **out,
                                           mms_error *err);
/** How many threads programs and libraries that the server starts may use. */
int64_t mms_command_threads(const mms_value *settings);
/** Use what is set in this worker, which may be a new one. */
void mms_command_use_settings(mms_value *settings);

/** The length of the name at text; 0: there is none. */
int mms_command_name(const char *text);
/** Whether text has an integer beyond 64 bits. */
bool mms_command_has_too_large(const char *text);
/** The length of a path at text, a name with members and elements, a['k'][0]; 0: it is none. */
int mms_command_path(const char *text);
/** Find what a path holds, borrowed from scope, an object; NULL: TaQL may know it, as of a text.
 *  @param[out] cls  of the error.  Errors: ARG. */
MMS_CHECKED mms_status mms_command_follow(const char *text, int length, const mms_value *scope,
                                          mms_value **out, const char **cls, mms_error *err);
/** What the variables begin with that mms_command_resolve() makes. */
#define MMS_COMMAND_PATH_NAME "multims_path_"
/** text with its paths as variables that are added to scope, or where that is NULL, for its form
 *  alone, as their names; the caller frees *out, on failure, too.  Errors: as above; MEM. */
MMS_CHECKED mms_status mms_command_resolve(const char *text, mms_value *scope, char **out,
                                           const char **cls, mms_error *err);

#endif
