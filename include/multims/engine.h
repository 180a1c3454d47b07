/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ENGINE_H
#define MULTIMS_ENGINE_H
/** @file engine.h  Hands units of work to worker processes, local or under MPI, and collects
 * answers.
 *
 *  A unit is a JSON request of a named kind.  A worker is the same program, started again with
 *  MULTIMS_WORKER_FD set, or another one that was named; it runs one unit at a time.  Answers stand
 * in the order of the units, whatever the number of workers.  Source: docs/design/architecture.md
 */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A client's engine: workers and how to reach them. */
typedef struct mms_engine mms_engine;

/** What a running unit sees of its worker. */
typedef struct mms_job mms_job;

/** Runs one unit in a worker.  answer is an empty object to fill. */
typedef mms_status mms_unit_fn(mms_job *job, const mms_value *request, mms_value *answer,
                               mms_error *err);

/** A kind of unit by name.  Lists end with {NULL, NULL}. */
typedef struct mms_unit_kind {
    const char *name;
    mms_unit_fn *run;
} mms_unit_kind;

/** One unit's outcome; value is owned by whoever owns the answer. */
typedef struct mms_answer {
    mms_status status;
    mms_error error;
    mms_value *value;
    int worker;
} mms_answer;

typedef struct mms_engine_opts {
    uint32_t size;
    int workers;   /**< local workers; 0: one for each usable core.  Under MPI the ranks decide */
    bool progress; /**< show progress on stderr: a bar on a terminal, else plain lines */
    const char *scope; /**< the task, for log lines */
    /** The workers' program, which calls mms_engine_serve() first in main.  NULL: this program,
     * which must have called it.  For units of tasks: mms_worker_program(). */
    const char *program;
    /** Run the units one after the other in the calling process: where no program can be started,
     * or one process is to be looked at.  A unit that crashes ends the process, and a stop signal
     * acts when the running unit ends.  MULTIMS_TRANSPORT=inline asks for it, too. */
    bool in_process;
    /** What the calling process runs then; NULL: the kinds that mms_engine_serve() got. */
    const mms_unit_kind *kinds;
    /** How often a unit of a repeatable run (mms_engine_rules) is tried again when its worker was
     * killed or is stopped, memory was short, or another program had a table locked.  At most a
     * tenth of a run's units, and three; those that were locked don't count. */
    int retries;
    double worker_timeout_s; /**< how long a worker may be stopped, or its rank silent */
    /** Workers are forked of a warm process from the start, which takes a millisecond; else from
     * the first death on. */
    bool spares;
    /** How long before a time limit SIGUSR1 comes: units that will not be done by then are ended
     * at once.  0: as SLURM_JOB_END_TIME says; where it says nothing, all that run are waited for.
     */
    double time_left_s;
    double limit_s; /**< after which a unit's worker is ended, and the unit has failed; 0: none */
    double stall_s; /**< the same while it takes no processor time, reads and writes nothing */
    /** A file that tells how runs stand, replaced every five seconds: JSON, NAME.prom for
     *  Prometheus.  NULL, "": none. */
    const char *status_file;
} mms_engine_opts;
#define MMS_ENGINE_OPTS_INIT                                                                     \
    {                                                                                            \
        sizeof(mms_engine_opts), 0, false, "engine", NULL, false, NULL, 1, 30.0, false, 0, 0, 0, \
            NULL                                                                                 \
    }

/** Takes what is to be said of a crash, without the program's name; returns the exit status. */
typedef int mms_report_crash(void *ctx, const char *text);

/** Go on in a child process that may crash on a damaged table; the calling process watches it,
 * passes signals on to it, and after a crash calls report with words that name the table, if it is
 * known, and removes what was staged.  Call it before mms_engine_serve() and before there are
 * threads, or leave it out.  Memory is bounded in the child (RLIMIT_AS; more than work needs).
 * SIGUSR2, by which runs are asked how they stand, ends no process from now on.
 *  @param[out] exit_status  with what the caller ends: the child's, or what report returned
 *  Returns true in the process that has watched, when the child has ended; false in the child, and
 *  where nothing is to be watched: in workers, other ranks than 0, with MULTIMS_TRANSPORT=inline.
 */
MMS_API bool mms_engine_watch(mms_report_crash *report, void *ctx, int *exit_status);

/** Become a worker or a server rank when this process was started as one, and serve until told to
 *  stop.  Call it first in main, before any output.  Under a launcher (a rank or size variable of
 *  Open MPI, PMIx, PMI, MVAPICH, ALPS or PALS is set, or MULTIMS_TRANSPORT=mpi) it starts MPI in
 * every rank; rank 0 gets false and goes on.  Otherwise, and with MULTIMS_TRANSPORT=local or
 * inline, MPI is not even loaded.
 *  @param      kinds        what workers can do; ends with {NULL, NULL}; stays the caller's
 *  @param[out] exit_status  with what the caller ends when it has served: 0, or 2 after a message
 *  on stderr when a launcher was found whose MPI can't be used, or is not ours
 *  Returns true when it has served: the caller ends with *exit_status. */
MMS_API bool mms_engine_serve(const mms_unit_kind *kinds, int *exit_status);

/** Let the server ranks end and shut MPI down; call it last in main, with the exit status that main
 *  returns.  Where ranks do not answer, or MPI fails, it does not return, but ends the job by
 *  MPI_Abort().  Does nothing without MPI. */
MMS_API void mms_engine_shutdown(int exit_status);

/** Make an engine; workers are started when the first unit needs them.  Not collective.
 *  @param[out] out  the engine; end it with mms_engine_close()
 *  Errors: ARG: also where this program can't be a worker and none was named; IO, MEM. */
MMS_API MMS_CHECKED mms_status mms_engine_open(const mms_engine_opts *opts, mms_engine **out,
                                               mms_error *err);

/** Return the launcher of MPI programs, or of several copies, that started this process, in words;
 * NULL where there is none. */
MMS_API const char *mms_engine_launcher(void);

/** Return whether the workers' program has to be named: this one did not call mms_engine_serve(),
 * and MULTIMS_TRANSPORT=inline was not set. */
MMS_API bool mms_engine_needs_program(void);

/** Return the path of the installed program multims-worker, which serves the units of all tasks, as
 * a new text to be ended with free().  MULTIMS_LIBEXEC names its folder where it was moved. Errors:
 * NOT_FOUND, MEM. */
MMS_API MMS_CHECKED mms_status mms_worker_program(char **out, mms_error *err);

/** Takes a line that a unit's program printed, without its end; stream is 1 or 2. */
typedef void mms_take_line(void *ctx, int64_t unit, int stream, const char *text);

/** How an engine treats its units. */
typedef struct mms_engine_rules {
    uint32_t size;
    bool keep_going; /**< a failed or crashed unit ends alone: its answer says so, and the run is OK
                      */
    int grace_s;     /**< a unit that is to end gets SIGTERM, and SIGKILL so many seconds later;
                          0: SIGKILL at once */
    mms_take_line *line; /**< NULL: lines are dropped */
    void *ctx;
    /** Units may be tried again: they change nothing but what is at their member "out", which is
     * removed before, or nothing at all. */
    bool repeatable;
    /** A folder beside the outputs.  Where a worker that does not answer can't be ended, attempts
     * write there, and what a good one has written is renamed to "out": so a late one changes
     * nothing.  Members of a unit that are equal to "out" name the place.  NULL: none. */
    const char *attempts;
    int64_t threshold; /**< with keep_going: so many failed units end the run all the same; 0: none
                        */
    /** With repeatable: units write into what others write to, the same bytes each time.  One whose
     * worker may be alive still is waited for. */
    bool in_shared;
} mms_engine_rules;
#define MMS_ENGINE_RULES_INIT                                                 \
    {                                                                         \
        sizeof(mms_engine_rules), false, 0, NULL, NULL, false, NULL, 0, false \
    }

/** Set the rules of the runs that follow; without them the first failure kills what runs. */
MMS_API void mms_engine_set_rules(mms_engine *engine, const mms_engine_rules *rules);

/** Return how many units can run at once. */
MMS_API int mms_engine_workers(const mms_engine *engine);

/** Return how many threads each of nunits may use so that few units leave no worker's core idle;
 *  under MPI the cores of this rank's affinity mask, shared with the ranks of the machine that have
 *  a unit. */
MMS_API int mms_engine_threads(const mms_engine *engine, int64_t nunits);

/** Run all units of one kind and wait for them.  After the first failure nothing more is handed out
 *  and the running units are killed; when it returns, none runs.  A unit that answers EMPTY has not
 *  failed: its answer says so.  A unit's integer member "bytes" is its share of the progress.
 *  @param names    names[nunits] for messages, for instance "sub-MS x.0003.ms"
 *  @param[out] answers  answers[nunits]; free them with mms_answers_free() whatever the status
 *  Errors: the first failed unit's, with its name in front; WORKER when one crashed; STOPPED. */
MMS_API MMS_CHECKED mms_status mms_engine_run(mms_engine *engine, const char *kind, int64_t nunits,
                                              const char *const *names, mms_value *const *units,
                                              mms_answer *answers, mms_error *err);

/** Free the values of answers[nunits]; the array itself is the caller's. */
MMS_API void mms_answers_free(int64_t nunits, mms_answer *answers);

/** End the workers.  *engine is set to NULL; NULL is accepted. */
MMS_API void mms_engine_close(mms_engine **engine);

/** Say how many bytes of the unit's work are done and how many there are.  At most a few calls a
 *  second travel. */
MMS_API void mms_job_progress(mms_job *job, int64_t done, int64_t total);

/** Return the number of the worker that a unit runs in, as the client counts them, from 1. */
MMS_API int mms_job_worker(const mms_job *job);

/** Send a line that the unit's program printed on its stream 1 or 2. */
MMS_API void mms_job_line(mms_job *job, int stream, const char *text);

/** Send what the unit has found so far: a client's mms_client_opts.partial gets it, in order,
 * before the response; runs drop it.  value is taken, also on failure. Errors: RANGE more than 1
 * MiB as text; ARG no value; MEM. */
MMS_API MMS_CHECKED mms_status mms_job_partial(mms_job *job, mms_value *value, mms_error *err);

/** Ends what a worker kept. */
typedef void mms_end_kept(void *thing);

/** Return what an earlier unit of this worker kept under a name, or NULL. */
MMS_API void *mms_job_kept(const mms_job *job, const char *name);

/** Keep thing for the worker's next units, until another is kept, a unit fails or the worker ends.
 *  On failure thing stays the caller's.  Errors: MEM. */
MMS_API MMS_CHECKED mms_status mms_job_keep(mms_job *job, const char *name, void *thing,
                                            mms_end_kept *end, mms_error *err);

/** Catch SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 from now on; mms_stop_signal() returns the one that
 * came, or 0. A second one, two seconds later or more, ends the process at once.  SIGUSR1 says that
 * a time limit comes near: units that run are waited for, others are not begun; the other two may
 * follow it. */
MMS_API void mms_stop_catch(void);
MMS_API int mms_stop_signal(void);

#ifdef __cplusplus
}
#endif
#endif
