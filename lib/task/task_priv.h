/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TASK_PRIV_H
#define MULTIMS_TASK_PRIV_H
/** @file task_priv.h  What the tasks share: the parameters that many have, and the list of tasks.
 */

#include <jansson.h>

#include "base/base_priv.h"
#include "multims/log.h"
#include "multims/select.h"
#include "multims/task.h"

/** Input and output of a task that writes a new set. */
struct mms_io {
    const char *vis, *outputvis;
};

/** vis: struct_type has a `const char *` there. */
#define MMS_PARAM_VIS(struct_type, member)                      \
    {                                                           \
        "vis", MMS_PATH, offsetof(struct_type, member),         \
            .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL, \
            .doc = "Input MeasurementSet or Multi-MS",          \
    }

/** vis and outputvis, and what is said where that is empty: struct_type has a `struct mms_io`
 *  called member. */
#define MMS_PARAMS_IO_SAYING(struct_type, member, text)                          \
    MMS_PARAM_VIS(struct_type, member.vis),                                      \
    {                                                                            \
        "outputvis", MMS_PATH, offsetof(struct_type, member.outputvis),          \
            .empty = (text), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL, \
            .doc = "Output; must not exist",                                     \
    }
#define MMS_PARAMS_IO(struct_type, member) MMS_PARAMS_IO_SAYING(struct_type, member, NULL)

/** One selection parameter: struct_type has a `const char *` there. */
#define MMS_PARAM_SELECT(key, struct_type, member, bits, text)                           \
    {                                                                                    \
        key, MMS_SELECTION, offsetof(struct_type, member), .doc = text, .flags = (bits), \
    }

/** taql alone: CASA declares it after the hidden parameters. */
#define MMS_PARAM_TAQL(struct_type, member)                               \
    MMS_PARAM_SELECT("taql", struct_type, member.taql, MMS_PARAM_LITERAL, \
                     "Condition on the main table's rows in TaQL, e.g. SCAN_NUMBER IN [1,3]")

#define MMS_PARAM_FIELD(struct_type, member)                                \
    MMS_PARAM_SELECT("field", struct_type, member.field, MMS_PARAM_LITERAL, \
                     "Fields by id, name or pattern, e.g. 0,3C*")
#define MMS_PARAM_SPW(struct_type, member)                              \
    MMS_PARAM_SELECT("spw", struct_type, member.spw, MMS_PARAM_LITERAL, \
                     "Spectral windows and channels, e.g. 0:5~20,2")
#define MMS_PARAM_SCAN(struct_type, member) \
    MMS_PARAM_SELECT("scan", struct_type, member.scan, 0, "Scan numbers, e.g. 1,4~7,>20")
#define MMS_PARAM_ANTENNA(struct_type, member)                                  \
    MMS_PARAM_SELECT("antenna", struct_type, member.antenna, MMS_PARAM_LITERAL, \
                     "Antennas and baselines, e.g. DA41&DV02 or !ea03")
#define MMS_PARAM_CORRELATION(struct_type, member)                                    \
    MMS_PARAM_SELECT("correlation", struct_type, member.correlation, MMS_PARAM_WORDS, \
                     "Correlations, e.g. XX,YY")
#define MMS_PARAM_TIMERANGE(struct_type, member)                    \
    MMS_PARAM_SELECT("timerange", struct_type, member.timerange, 0, \
                     "Times, e.g. 2011/05/28/10:30:00~11:00:00 or >10:36:00")
#define MMS_PARAM_INTENT(struct_type, member)                                 \
    MMS_PARAM_SELECT("intent", struct_type, member.intent, MMS_PARAM_LITERAL, \
                     "Scan intents by name or pattern, e.g. *BANDPASS*")
#define MMS_PARAM_ARRAY(struct_type, member) \
    MMS_PARAM_SELECT("array", struct_type, member.array, 0, "Array (sub-array) ids")
#define MMS_PARAM_UVRANGE(struct_type, member)                  \
    MMS_PARAM_SELECT("uvrange", struct_type, member.uvrange, 0, \
                     "Baseline lengths in the uv plane, e.g. 0~500m or >2klambda")
#define MMS_PARAM_OBSERVATION(struct_type, member) \
    MMS_PARAM_SELECT("observation", struct_type, member.observation, 0, "Observation ids")
#define MMS_PARAM_FEED(struct_type, member) \
    MMS_PARAM_SELECT("feed", struct_type, member.feed, 0, "Feed ids, with the grammar of antenna")

/** The selection without taql, in CASA's order: struct_type has an mms_select called member. */
#define MMS_PARAMS_SELECT_CASA(struct_type, member)                                           \
    MMS_PARAM_FIELD(struct_type, member), MMS_PARAM_SPW(struct_type, member),                 \
        MMS_PARAM_SCAN(struct_type, member), MMS_PARAM_ANTENNA(struct_type, member),          \
        MMS_PARAM_CORRELATION(struct_type, member), MMS_PARAM_TIMERANGE(struct_type, member), \
        MMS_PARAM_INTENT(struct_type, member), MMS_PARAM_ARRAY(struct_type, member),          \
        MMS_PARAM_UVRANGE(struct_type, member), MMS_PARAM_OBSERVATION(struct_type, member),   \
        MMS_PARAM_FEED(struct_type, member)

/** The same where CASA's task has the first six only. */
#define MMS_PARAMS_SELECT_FEW(struct_type, member)                                  \
    MMS_PARAM_FIELD(struct_type, member), MMS_PARAM_SPW(struct_type, member),       \
        MMS_PARAM_SCAN(struct_type, member), MMS_PARAM_INTENT(struct_type, member), \
        MMS_PARAM_ARRAY(struct_type, member), MMS_PARAM_OBSERVATION(struct_type, member)
#define MMS_PARAMS_SELECT_MORE(struct_type, member)                                       \
    MMS_PARAM_ANTENNA(struct_type, member), MMS_PARAM_CORRELATION(struct_type, member),   \
        MMS_PARAM_TIMERANGE(struct_type, member), MMS_PARAM_UVRANGE(struct_type, member), \
        MMS_PARAM_FEED(struct_type, member)

/** The whole selection: struct_type has an mms_select called member. */
#define MMS_PARAMS_SELECT(struct_type, member) \
    MMS_PARAMS_SELECT_CASA(struct_type, member), MMS_PARAM_TAQL(struct_type, member)

/** What a worker may hold of the data (design D10): struct_type has an int64_t there. */
#define MMS_PARAM_MEMORY(struct_type, member)                            \
    {                                                                    \
        "memory", MMS_BYTES, offsetof(struct_type, member),              \
            .init = "512M", .allowed = "16M..", .flags = MMS_PARAM_RUN,  \
            .doc = "Memory that each worker may use for data, e.g. 64M", \
    }

/** A switch that does not matter to what is made: struct_type has a bool. */
#define MMS_PARAM_SWITCH(key, struct_type, member, initial, text)                     \
    {                                                                                 \
        key, MMS_BOOL, offsetof(struct_type, member), .init = (initial), .doc = text, \
                                                      .flags = MMS_PARAM_RUN,         \
    }

/** Which of the two ways to the array columns is taken (design D11): struct_type has a bool. */
#define MMS_PARAM_TILES(struct_type, member)                                            \
    MMS_PARAM_SWITCH("tiles", struct_type, member, "True",                              \
                     "Read and write tile files directly where their layout is known, " \
                     "instead of through casacore")

/** Go on with what another run has begun (docs/resuming.md): struct_type has a bool. */
#define MMS_PARAM_RESUME(struct_type, member)                                            \
    MMS_PARAM_SWITCH("resume", struct_type, member, "False",                             \
                     "Leave out the parts that the same command has done before it was " \
                     "stopped or killed")

/** Whether the output shares blocks with the input: struct_type has a bool. */
#define MMS_PARAM_SHARE(struct_type, member)                                                 \
    MMS_PARAM_SWITCH("share", struct_type, member, "True",                                   \
                     "Let the output share blocks with the input where the file system can " \
                     "(XFS, Btrfs): what stays the same takes no time and no room")

/** MMS_PARAM_TILES for verbs that judge what was written: casacore reads it unless told otherwise.
 */
#define MMS_PARAM_TILES_READ(struct_type, member)           \
    MMS_PARAM_SWITCH("tiles", struct_type, member, "False", \
                     "Read tile files directly: faster, but not independent of what wrote them")

/** Write summary.json of a run of status st where its journal has stayed. */
void mms_run_write_summary(const mms_run *run, mms_status st, const mms_error *err);

/** Do a task in a worker: the kind "call", whose request is {"task": name, "parameters": {…}}. */
mms_unit_fn mms_task_call_unit;

/** The tasks of plug-ins, ended by NULL; read at the first call. */
enum { MMS_MOST_PLUGIN_TASKS = 64 };
const mms_task *const *mms_plugin_tasks(void);
/** Load a plug-in by its path, or by NAME of NAME.so in a place of MULTIMS_PLUGIN_PATH or of an
 *  installation; one that is loaded stays.  Afterwards mms_task_find() finds its tasks.
 *  @param[out] path  its absolute path; the caller ends it with free(); NULL on failure
 *  Errors: NOT_FOUND, ARG it can't be taken, MEM. */
MMS_CHECKED mms_status mms_plugin_load(const char *name, char **path, mms_error *err);
/** As mms_task_find(), of those in tasks.def alone; of a list that ends with NULL. */
const mms_task *mms_task_find_own(const char *name);
const mms_task *mms_task_find_in(const mms_task *const *tasks, const char *name);

/** Whether a verb, by name, has a parameter; whether it changes data where they are. */
bool mms_task_has_parameter(const char *verb, const char *name);
bool mms_task_is_in_place(const char *verb);

#define TASK(name) extern const mms_task mms_task_##name;
#include "tasks.def"
#undef TASK

/** The tasks of the house, ended by NULL. */
#define TASK(name) +1
enum {
    MMS_OWN_TASKS = 0
#include "tasks.def"
};
#undef TASK
extern const mms_task *const mms_tasks_own[MMS_OWN_TASKS + 1];

#endif
