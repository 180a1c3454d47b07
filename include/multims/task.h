/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TASK_H
#define MULTIMS_TASK_H
/** @file task.h  A task: its name, its parameters, declared once, and its run function.
 *
 *  Command-line options, key=value words, JSON parameters, validation, --help and HISTORY rows all
 *  come from the table.  Source: docs/design/architecture.md, A verb */

#include <stdio.h>

#include "multims/base.h"
#include "multims/engine.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a parameter is written and where it goes in the task's struct. */
typedef enum mms_type {
    MMS_STRING,    /**< const char * */
    MMS_PATH,      /**< const char *, trailing slashes removed */
    MMS_SELECTION, /**< const char *; numbers and lists are accepted and joined by commas */
    MMS_CHOICE,    /**< const char *, lower case, one of the allowed words */
    MMS_BOOL,      /**< bool; True, False, true, false, 1, 0, yes, no */
    MMS_INT,       /**< int64_t */
    MMS_COUNT,     /**< int64_t; the word auto is 0, else >= 1 */
    MMS_DOUBLE,    /**< double */
    MMS_INTS,      /**< mms_ints */
    MMS_SECONDS,   /**< double; a number with an optional time unit */
    MMS_BYTES,     /**< int64_t; a number with an optional unit K M G T */
    MMS_WORDS,     /**< mms_texts; positional, it takes all words that stand together */
    MMS_REPEAT,    /**< int64_t; takes no value: how often the option stands */
    MMS_LITERAL    /**< const char *; a text, or a number, list or dictionary as it was written */
} mms_type;

enum {
    MMS_PARAM_REQUIRED = 1,   /**< must be given and not blank */
    MMS_PARAM_HIDDEN = 2,     /**< left out of --help */
    MMS_PARAM_RUN = 4,        /**< how to run, not what: left out of HISTORY */
    MMS_PARAM_POSITIONAL = 8, /**< may be given without its name, in declaration order */
    MMS_PARAM_LITERAL = 16,   /**< double quotes belong to the value: they mark a name pattern */
    MMS_PARAM_WORDS = 32,     /**< elements of a list are plain words: [xx,yy] is xx,yy */
    MMS_PARAM_MISSING = 64,   /**< known, but not in this version: refused unless at its default */
    MMS_PARAM_RECORD = 128,   /**< a text that may be a record, which goes on as JSON */
    MMS_PARAM_BEHIND = 256    /**< of MMS_WORDS: those behind "--" */
};

/** One parameter.  Tables end with an entry whose name is NULL. */
typedef struct mms_param {
    const char *name;
    mms_type type;
    size_t offset;       /**< of the value in the task's struct */
    const char *init;    /**< default, as text; NULL is "" */
    const char *allowed; /**< MMS_CHOICE: the words, separated by blanks; numbers: "MIN..MAX", where
                            either may be left out */
    const char *needs;   /**< the parameter that switches this one on */
    const char *unit;
    const char *doc;
    unsigned flags;
    const char *empty; /**< text where a required value is ""; NULL: "Please specify NAME." */
} mms_param;

typedef struct mms_task mms_task;

/** How to run, the same for every task. */
typedef struct mms_run_options {
    bool json, quiet, help;
    int64_t verbose;       /**< 0, 1: DEBUG, 2 and more: TRACE */
    int64_t workers;       /**< 0: usable cores */
    const char *log;       /**< file that takes the log too, or "" */
    const char *params;    /**< JSON file of parameters, or "" */
    int64_t workerretries; /**< as in mms_engine_opts, as is workertimeout */
    double workertimeout;
    const char *jobdir;           /**< folder for the journal, or "" */
    double timeleft;              /**< as in mms_engine_opts.time_left_s */
    double timelimit, stalllimit; /**< of a part or command, as limit_s and stall_s there */
    const char *statusfile;       /**< as status_file there, or "" */
} mms_run_options;

/** One run of a task: what the driver gives it. */
typedef struct mms_run {
    const mms_task *task;
    const mms_value *params; /**< all parameters of the task, typed, in declaration order */
    const mms_value *given;  /**< the names the user gave: {name: true} */
    int workers;             /**< 0: usable cores */
    int retries;             /**< as in mms_engine_opts */
    double worker_timeout_s; /**< the same */
    double time_left_s;      /**< the same */
    const char *job_dir;     /**< folder for the journal; NULL or "": beside the output */
    mms_value *summary;      /**< what the journal's end tells of the run; NULL: nobody asks */
    bool json, quiet;
    mms_engine *engine; /**< NULL until mms_run_engine() */
    bool wrote;         /**< set once anything was written: failures then exit 1, not 2 */
    bool resume;        /**< go on with the run in job_dir, whatever the task's parameters say */
    int64_t passes;     /**< mms_parts_run() was called so often */
    double limit_s, stall_s; /**< as in mms_engine_opts */
    const char *status_file; /**< the same */
    bool small; /**< units take less than the start of a worker: the watched process does them */
} mms_run;

struct mms_task {
    const char *name, *summary;
    const char *alias;   /**< another name that finds it; NULL: none */
    const char *details; /**< end of --help: notes and examples; NULL: none */
    const mms_param *params;
    size_t params_size; /**< of the struct that the offsets refer to */
    /** Do the work; result is an empty object to fill. */
    mms_status (*run)(mms_run *run, const void *params, mms_value *result, mms_error *err);
    /** Print result for people; NULL prints nothing. */
    void (*print)(const mms_value *result, FILE *out);
    /** Print it in one line where nothing was found and --verbose was not asked for; NULL: as
     *  print. */
    void (*print_line)(const mms_value *result, FILE *out);
    bool print_always; /**< --quiet too: what a measurement of minutes gives is not dropped */
    bool judges;   /**< compares: what stops it, whatever that is, is no finding; what was found by
                      then is printed */
    bool in_place; /**< changes its input, and first mends what a killed run has left of it; other
                      tasks refuse such an input */
    /** Run one unit in a worker; NULL when the task has none. */
    mms_unit_fn *unit;
};

/** Return the tasks, ended by NULL, in the order of lib/task/tasks.def. */
MMS_API const mms_task *const *mms_tasks(void);

/** Return the task of that name or alias, or NULL. */
MMS_API const mms_task *mms_task_find(const char *name);

/** Return the name of the task that a pasted call names: "split" of "casatasks.split(vis=…)", also
 * behind "result =", of length *length; NULL when text does not begin like a call.  It points into
 *  text. */
MMS_API const char *mms_task_call_name(const char *text, size_t *length);

/** Return the kinds of unit that the tasks run in workers, for mms_engine_serve(): one for each
 * task with a unit function, by the task's name, and "call", whose request is {"task": name,
 * "parameters": {…}} and whose answer is the task's result: a verb as a command of
 * multims/client.h.  The caller ends it with free(); NULL when out of
 *  memory. */
MMS_API MMS_CHECKED mms_unit_kind *mms_task_units(void);

/** Tell whether a command's text is an expression ("eval") or statements ("exec"), as
 *  mms_client_opts.mode.  Errors: ARG neither.  Source: docs/driving.md */
MMS_API MMS_CHECKED mms_status mms_command_mode(const char *text, const char **mode,
                                                mms_error *err);

/** Return the one of words[] (ended by NULL) that word was probably meant to be, or NULL. */
MMS_API const char *mms_word_nearest(const char *word, const char *const *words);

/** Return what this is and what it was built with: "multims 0.1.0 (casacore 3.5.0, …)". */
MMS_API const char *mms_build_info(void);

/** Return what a run ends with, "out.mms: 9600 rows, 23.4 MB in 1.2 s, 19.5 MB/s", from its result;
 *  NULL when nothing was written.  The caller ends it with free(). */
MMS_API char *mms_run_summary(const mms_value *result, double seconds);

/** Return the exit status of a run that ended with st (docs/library.md). */
MMS_API int mms_run_exit_status(const mms_run *run, mms_status st);

/** Make the engine of a run if it has none; the driver closes it.  Errors: as mms_engine_open. */
MMS_API MMS_CHECKED mms_status mms_run_engine(mms_run *run, mms_error *err);

/** Parsed arguments of one task. */
typedef struct mms_args mms_args;

/** Do a task in one call: no progress is shown, log lines go where mms_log_to() sends them. Workers
 *  are started as mms_run_engine() says; they end with the call.  Signals are the
 *  caller's: after mms_stop_catch() they stop the run.
 *  @param      task     its name or alias: "partition"
 *  @param      request  its parameters: a JSON object, or words as on the command line, separated
 * by blanks: "vis=in.ms outputvis=out.mms spw='0:5~20' workers=2"
 *  @param[out] result   what the program prints with --json; the caller ends it with
 *                       mms_value_free(); NULL is accepted.  Set with OK and DIFFERS alone
 *  Errors: ARG naming the parameter; those of the task, with its name in front.
 *  Source: docs/library.md */
MMS_API MMS_CHECKED mms_status mms_task_call(const char *task, const char *request,
                                             mms_value **result, mms_error *err);

/** Run a task with parsed arguments and end its engine.  run holds how (json, quiet) and tells
 *  after it whether anything was written.
 *  @param[out] result  an object, set on failure too; the caller frees it
 *  Errors: those of the task. */
MMS_API MMS_CHECKED mms_status mms_task_run(mms_run *run, const mms_task *task,
                                            const mms_args *args, mms_value **result,
                                            mms_error *err);

/** Parse and validate the words after the verb: GNU options (--name value, --name=value,
 * --no-name), key=value words with or without Python quoting, positional parameters, a call of CASA
 * or its arguments as one word or as a shell cuts them, and --params FILE of JSON, a call or
 * assignments.  Words win over the file, later words over earlier ones.  In names '-' and '_' don't
 * count.  With --help nothing is validated and the struct is empty.
 *  @param[out] out  the arguments, NULL on failure; end it with mms_args_free()
 *  Errors: ARG naming the parameter, the value and what is allowed; NOT_FOUND, IO for the file. */
MMS_API MMS_CHECKED mms_status mms_args_parse(const mms_task *task, int nwords,
                                              const char *const *words, mms_args **out,
                                              mms_error *err);

/** The same from a JSON object of parameters.  Errors: ARG. */
MMS_API MMS_CHECKED mms_status mms_args_from_value(const mms_task *task, const mms_value *object,
                                                   mms_args **out, mms_error *err);

/** Return the filled struct that the task's offsets refer to; borrowed. */
MMS_API const void *mms_args_struct(const mms_args *args);

/** Return the options that every task has; borrowed. */
MMS_API const mms_run_options *mms_args_options(const mms_args *args);

/** Return {name: value} of all parameters of the task in declaration order; borrowed. */
MMS_API const mms_value *mms_args_values(const mms_args *args);

/** Return {name: true} of the parameters that were given; borrowed. */
MMS_API const mms_value *mms_args_given(const mms_args *args);

/** End it; NULL is accepted. */
MMS_API void mms_args_free(mms_args **args);

/** Return the parameters that every task has, ended by an entry without a name. */
MMS_API const mms_param *mms_shared_params(void);

/** Return the letter of a shared parameter, as in -j, or 0. */
MMS_API char mms_param_letter(const mms_param *p);

/** Return the word that stands for a value in help: "PATH". */
MMS_API const char *mms_param_placeholder(const mms_param *p);

/** Return whether the parameter is an option without a value: --name. */
MMS_API bool mms_param_is_bare(const mms_param *p);

/** Return whether the parameter is a boolean that is true unless --no-name is given. */
MMS_API bool mms_param_is_on(const mms_param *p);

/** Return what help says of the parameter: its text, unit, allowed values, default and need.  The
 *  caller ends it with free(); NULL when out of memory. */
MMS_API char *mms_param_describe(const mms_param *p);

/** Print --help of a task. */
MMS_API void mms_task_help(const mms_task *task, FILE *out);

/** Return the declaration of a task as JSON; the caller frees it. */
MMS_API mms_value *mms_task_describe(const mms_task *task);

/** Return {version, options, tasks}: the declarations of all; the caller frees it. */
MMS_API mms_value *mms_tasks_describe(void);

#ifdef __cplusplus
}
#endif
#endif
