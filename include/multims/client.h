/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CLIENT_H
#define MULTIMS_CLIENT_H
/** @file client.h  Commands pushed to servers, and their responses, as CASA's mpi4casa has them.
 *
 *  A server is a worker, local or of a rank, numbered from 1.  It runs one command at a time, those
 *  that name it in the order in which they were pushed.  The program calls mms_engine_serve() first
 *  in main.  Source: docs/driving.md */

#include "multims/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A client and its servers.  One thread at a time. */
typedef struct mms_client mms_client;

/** Takes what a command has found so far (mms_job_partial()), before its response, inside a call of
 *  the client's; it calls none of them itself. */
typedef void mms_take_partial(void *ctx, int64_t id, const mms_value *value);

typedef struct mms_client_opts {
    uint32_t size;
    int servers;     /**< local servers; 0: one for each usable core.  Under MPI the ranks decide */
    double frozen_s; /**< how long a local server may be stopped before it counts as timed out */
    const char *program; /**< of workers, as in mms_engine_opts */
    /** Tells whether a text is an expression (*mode "eval") or statements ("exec"), ARG: neither;
     * NULL: there are no texts.  Where workers serve mms_task_units(): mms_command_mode. */
    mms_status (*mode)(const char *text, const char **mode, mms_error *err);
    /** A file for log lines in CASA's form, to which is added; NULL: what servers say goes to
     *  mms_log() alone.  log_mode: "unified" (or NULL) one file for all; "separated" one for each
     *  server, "LOG-server-N-host-HOST-pid-PID", beside the client's; "redirect" these, and all
     *  that servers say goes to mms_log() too, as otherwise only warnings and errors do. */
    const char *log, *log_mode;
    /** How much there is of what commands need (mms_command.needs): an object, any name to an
     * integer, as {"cores": 8, "memory": 32000, "disk": 2}; borrowed.  NULL: nothing is counted. */
    const mms_value *totals;
    mms_take_partial *partial; /**< NULL: they are counted and dropped */
    void *ctx;
    /** Responses beyond so many bytes of results are in a file without a name in TMPDIR until they
     * are asked for or forgotten. */
    int64_t kept_bytes;
    int64_t most_queued; /**< a push waits until fewer are queued */
    bool unstarted; /**< it is started by mms_client_start(), and refuses commands until then */
} mms_client_opts;
#define MMS_CLIENT_OPTS_INIT                                                        \
    {                                                                               \
        sizeof(mms_client_opts), 0, 30.0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
            (int64_t)1 << 30, 1000000, false                                        \
    }

/** A command: exactly one of kind, argv and text. */
typedef struct mms_command {
    uint32_t size;
    const char *kind; /**< a kind of unit that the workers serve; parameters are its request */
    const char *const *argv;     /**< a program and its words, ended by NULL; no shell reads them */
    const mms_value *parameters; /**< an object, borrowed; NULL: none */
    double limit_s;              /**< after which the command is ended; 0: none */
    /** An expression or statements, "a=3; a+1", or "push", which keeps parameters as variables;
     * what they set stays on the server.  Its parameters are variables of this command alone. */
    const char *text;
    const char *group; /**< a name that request and response bear; NULL: none */
    /** How much of mms_client_opts.totals it takes while it runs; it waits until that is there, and
     * is overtaken by a thousand others at most.  NULL: nothing. */
    const mms_value *needs;
    /** What it works on, as a sub-MS's path: of the servers that are free the one is preferred that
     * had this key last.  NULL: any. */
    const char *key;
    /** Key's server alone runs it, the one that had the key before or else the next in turn, from
     * its first such command on: what it keeps is there.  It waits for that server, and is refused
     * or answered "timeout" when that has timed out. */
    bool key_only;
    bool fresh; /**< run it in a process that has run nothing before; variables stay the server's */
    /** After which the command is ended, with class "stalled", while it takes no processor time,
     *  reads and writes nothing and sends nothing; that is seen up to half as long later.  0: none.
     */
    double stall_s;
    /** How many bytes of memory its process, or a program with all that it starts, may take: then
     * it is ended, with class "memory".  That is looked at a hundred, of programs twenty times a
     * second.  0: any. */
    int64_t memory;
} mms_command;
#define MMS_COMMAND_INIT                                                                         \
    {                                                                                            \
        sizeof(mms_command), NULL, NULL, NULL, 0.0, NULL, NULL, NULL, NULL, false, false, 0.0, 0 \
    }

/** Make a client; workers are started when the first command needs them.
 *  @param[out] out  end it with mms_client_close(); NULL on failure
 *  Errors: ARG, IO, MEM. */
MMS_API MMS_CHECKED mms_status mms_client_open(const mms_client_opts *opts, mms_client **out,
                                               mms_error *err);

typedef enum mms_client_state {
    MMS_CLIENT_UNSTARTED = 0,
    MMS_CLIENT_STARTED = 1,
    MMS_CLIENT_STOPPED = 2
} mms_client_state;
/** Return where it is in its life; commands are taken while it is started. */
MMS_API mms_client_state mms_client_get_state(const mms_client *client);
/** Start what was opened unstarted; a second time, or when it was stopped, that is logged alone. */
MMS_API void mms_client_start(mms_client *client);
/** End the servers, once and for all: what is queued or runs is cancelled, and responses can still
 *  be got.  Unless it is started, that is warned of alone. */
MMS_API void mms_client_stop(mms_client *client);

/** Return how many servers there are; they are 1 … n. */
MMS_API int mms_client_servers(const mms_client *client);

/** Queue a command and return at once.
 *  @param targets   targets[n] servers, in whose order ids count up; n 0: the first that is free
 *  @param[out] ids  ids[n], or ids[1] where n is 0, from 1 on
 *  Errors: ARG no such server or one that has timed out (then nothing is queued), or what is no
 *          command, or the client is not started; MEM. */
MMS_API MMS_CHECKED mms_status mms_client_push(mms_client *client, const mms_command *command,
                                               int64_t n, const int *targets, int64_t *ids,
                                               mms_error *err);

/** Get the responses of ids[n], in their order: an array of objects with command, parameters, mode,
 *  id, server, status, successful, traceback, ret, command_start_time, command_stop_time; attempt,
 *  host, queue_s (how long it waited), partials (how many there were, if any), pid and usage
 *  {wall_s, cpu_user_s, cpu_sys_s, max_rss_kib, read_bytes, write_bytes} of its worker where it
 *  answered, exit of a program; and error {class,
 *  code, message, retryable, host, signal, value} where it failed.  Without block, what is pending
 * is left out.  A response stays. A command whose server has timed out is answered with status
 * "timeout" until the server recovers.
 *  @param      limit_s  how long to wait at most; negative: no limit
 *  @param[out] out      set with OK, and with WORKER, when the limit has passed; the caller frees
 * it Errors: ARG no such id; WORKER the limit has passed; STOPPED a stop signal; IO, MEM. */
MMS_API MMS_CHECKED mms_status mms_client_responses(mms_client *client, int64_t n,
                                                    const int64_t *ids, bool block, double limit_s,
                                                    mms_value **out, mms_error *err);

/** Say in the client's log of each of ids[n] that has not ended in which state it is, and which
 *  server has it. */
MMS_API void mms_client_tell_pending(mms_client *client, int64_t n, const int64_t *ids);

/** Push and wait: mms_client_push() and mms_client_responses() in one.  Errors: of both. */
MMS_API MMS_CHECKED mms_status mms_client_run(mms_client *client, const mms_command *command,
                                              int64_t n, const int *targets, mms_value **out,
                                              mms_error *err);

/** Cancel commands: queued ones at once, running ones by ending their worker, programs with time to
 *  end.  Those that have ended stay.  Errors: ARG no such id. */
MMS_API MMS_CHECKED mms_status mms_client_cancel(mms_client *client, int64_t n, const int64_t *ids,
                                                 mms_error *err);

/** Drop what is kept of commands that have ended; their ids are not known any more.
 *  Errors: ARG no such id, or one that has not ended (then nothing is dropped). */
MMS_API MMS_CHECKED mms_status mms_client_forget(mms_client *client, int64_t n, const int64_t *ids,
                                                 mms_error *err);

/** Wait for the next command that ends, each told once, in the order of their ends.
 *  @param      limit_s  as in mms_client_responses()
 *  @param[out] id       0: all that was pushed has been told, or was forgotten
 *  Errors: WORKER the limit has passed, or all servers have timed out; STOPPED; IO. */
MMS_API MMS_CHECKED mms_status mms_client_next(mms_client *client, double limit_s, int64_t *id,
                                               mms_error *err);

/** Wait until all of ids[n] have been sent to a server, or have ended.
 *  Errors: ARG no such id; WORKER the limit has passed; STOPPED; IO. */
MMS_API MMS_CHECKED mms_status mms_client_wait_sent(mms_client *client, int64_t n,
                                                    const int64_t *ids, double limit_s,
                                                    mms_error *err);

/** Look, without waiting, whether all of ids[n] have ended (*done), well or by a time-out.
 *  Errors: ARG no such id; WORKER they have ended and some failed: all tracebacks in one message.
 */
MMS_API MMS_CHECKED mms_status mms_client_check(mms_client *client, int64_t n, const int64_t *ids,
                                                bool *done, mms_error *err);

/** Set variables, the members of an object, on targets[n] servers; n 0: on all.  Texts know them.
 *  Errors: of mms_client_run(); WORKER a server failed. */
MMS_API MMS_CHECKED mms_status mms_client_set_vars(mms_client *client, const mms_value *variables,
                                                   int64_t n, const int *targets, mms_error *err);

/** Get a variable, or the value of any expression, from targets[n] servers; n 0: from all.
 *  @param[out] out  an object, server (as text) to value; the caller frees it; NULL on failure
 *  Errors: of mms_client_run(); WORKER a server failed. */
MMS_API MMS_CHECKED mms_status mms_client_get_var(mms_client *client, const char *name, int64_t n,
                                                  const int *targets, mms_value **out,
                                                  mms_error *err);

/** Tell servers what to use, targets[n], n 0: all.  threads: for programs and libraries that they
 *  start (OMP_NUM_THREADS); memory, in GiB or percent of the machine's: for the data of their
 * verbs; cpus: a number that they know.  It stays until it is set again; -1 is what the machine
 * has. Texts have the same: set_threads(n).  Errors: of mms_client_set_vars(). */
MMS_API MMS_CHECKED mms_status mms_client_set_threads(mms_client *client, int threads, int64_t n,
                                                      const int *targets, mms_error *err);
/** The same: how much memory, in GiB.  Errors: as above. */
MMS_API MMS_CHECKED mms_status mms_client_set_memory_total(mms_client *client, double gib,
                                                           int64_t n, const int *targets,
                                                           mms_error *err);
/** The same: which part of the memory, in percent.  Errors: as above. */
MMS_API MMS_CHECKED mms_status mms_client_set_memory_fraction(mms_client *client, double percent,
                                                              int64_t n, const int *targets,
                                                              mms_error *err);
/** The same: how many cores.  Errors: as above. */
MMS_API MMS_CHECKED mms_status mms_client_set_ncpus(mms_client *client, int cpus, int64_t n,
                                                    const int *targets, mms_error *err);

/** Get what servers use, or, where configured is false, what their machines have: memory in MiB.
 *  out as in mms_client_get_var().  Errors: as there. */
MMS_API MMS_CHECKED mms_status mms_client_get_threads(mms_client *client, int64_t n,
                                                      const int *targets, mms_value **out,
                                                      mms_error *err);
MMS_API MMS_CHECKED mms_status mms_client_get_memory_total(mms_client *client, bool configured,
                                                           int64_t n, const int *targets,
                                                           mms_value **out, mms_error *err);
MMS_API MMS_CHECKED mms_status mms_client_get_ncpus(mms_client *client, bool configured, int64_t n,
                                                    const int *targets, mms_value **out,
                                                    mms_error *err);

/** Give what client and servers say of themselves in the log files another priority: DEBUG, DEBUG1,
 *  DEBUG2, NORMAL, NORMAL1 to NORMAL5, INFO (the default), INFO1 to INFO5.  What is below INFO is
 *  written where debug lines are wanted.  Errors: ARG no such level, which is warned of, too. */
MMS_API MMS_CHECKED mms_status mms_client_set_log_level(mms_client *client, const char *level,
                                                        mms_error *err);

/** Drop log lines with any of texts[n]; at first "MSSelectionNullSelection" and "non-existent spw"
 *  are dropped.  n 0: none is.  Errors: MEM. */
MMS_API MMS_CHECKED mms_status mms_client_set_log_filters(mms_client *client, int64_t n,
                                                          const char *const *texts, mms_error *err);

/** Return a descriptor for poll(2), which is readable when mms_client_poll() has something to do,
 * and not for long after it was called; -1: there is none.  While commands run it is readable from
 * time to time in any case: limits are looked after, and messages of MPI.  It is closed with the
 * client. */
MMS_API int mms_client_fd(mms_client *client);

/** What is set when all commands of a list have ended, or their servers have timed out. */
typedef struct mms_event mms_event;

/** Make an event for ids[n], which may have ended already.
 *  @param[out] out  end it with mms_event_free(), before or after the client; NULL on failure
 *  Errors: ARG no such id; IO, MEM. */
MMS_API MMS_CHECKED mms_status mms_client_event(mms_client *client, int64_t n, const int64_t *ids,
                                                mms_event **out, mms_error *err);

/** Return its descriptor for poll(2): readable once it is set, and when mms_event_is_set() has to
 *  be asked, which does what the client has to do. */
MMS_API int mms_event_fd(const mms_event *event);

/** Tell, without waiting, whether it is set. */
MMS_API bool mms_event_is_set(mms_event *event);

/** Wait until it is set.  Errors: WORKER the limit has passed (negative: none), or the client is
 *  closed; STOPPED; IO. */
MMS_API MMS_CHECKED mms_status mms_event_wait(mms_event *event, double limit_s, mms_error *err);

/** End it; NULL is accepted. */
MMS_API void mms_event_free(mms_event **event);

/** Do what can be done without waiting for anything: hand out, take answers. */
MMS_API void mms_client_poll(mms_client *client);

/** Return the servers, an array of {rank, processor, pid, busy, command, command_start_time,
 *  pong_pending, ping_time, pong_time, timeout, state, request, commands_done, commands_failed,
 *  cpu_s, rss_mib, last_error, version}, as a new value; processor is the host, null while it is
 *  not known; pid 0 is a local server whose worker is not started; ping_time and pong_time are null
 *  for local servers, which are not pinged; state is "starting", "idle", "busy", "timeout" or
 *  "stopped", request the id of what runs; cpu_s is of all commands that have ended, rss_mib what
 *  the worker of the last one had at most.  NULL: out of memory. */
MMS_API mms_value *mms_client_status(mms_client *client);

/** Return all commands that were not forgotten, an array of {id, server, status, command, group …},
 * as a new value. */
MMS_API mms_value *mms_client_commands(const mms_client *client);

/** Return the commands as a table for people, one a line: first those that were sent, then those
 * that wait, have timed out, have ended.  The caller frees it; NULL: out of memory. */
MMS_API char *mms_client_table(mms_client *client);

/** Let commands end before mms_client_close(): those that run; those that are queued, too, where
 *  drain is true, else they are cancelled.  Responses stay.  What a server has that has timed out
 *  is not waited for.
 *  Errors: WORKER limit_s has passed (negative: none), or all servers have timed out; STOPPED; IO.
 */
MMS_API MMS_CHECKED mms_status mms_client_finish(mms_client *client, bool drain, double limit_s,
                                                 mms_error *err);

/** Stop it, and drop all responses.  *client is set to NULL; NULL is accepted. */
MMS_API void mms_client_close(mms_client **client);

#ifdef __cplusplus
}
#endif
#endif
