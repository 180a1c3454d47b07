/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ENGINE_PRIV_H
#define MULTIMS_ENGINE_PRIV_H
/** @file engine_priv.h  Inside the engine: frames, the pool of worker processes, the hub that joins
 *  it with MPI, progress.
 *
 *  client.c ── hub.c ┬─ pool.c ── socketpair ── worker.c (runs the units)
 *                    └─ mpi.c ── another rank: server.c ── hub.c ── pool.c ── its worker */

#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

#include "base/base_priv.h"
#include "mpi_priv.h"
#include "multims/engine.h"

#define MMS_WORKER_FD_VARIABLE "MULTIMS_WORKER_FD"

/* ---- frames (spec job-engine 3.4): 32 bytes of header, JSON, perhaps a text behind it ---- */

enum { MMS_FRAME_HEADER = 32 };

typedef enum mms_frame_type {
    MMS_FRAME_COMMAND = 10,  /**< client to worker: {kind, request, level}; {memory}: bytes that it
                                  may take; {beside}: the member of
                                  value that is answered as a text if it is large, "": all of it */
    MMS_FRAME_CANCEL = 11,   /**< client to rank: {signal} for the worker that runs the request */
    MMS_FRAME_RESPONSE = 12, /**< worker to client: {status, message, value, print, usage: [pid,
                                  wall, user and system seconds, KiB at most, bytes read, written]}
                                  or {died, message, signal, killed, memory}: somebody killed it,
                                  for memory was short */
    MMS_FRAME_EVENT = 13,    /**< worker to client: {progress: [done, total]}, {log: [level, scope,
                                  text]}, {line: [stream, text]}, {partial: value} */
    MMS_FRAME_PING = 20,     /**< client to rank: is it there? {spares}: keep a warm worker; {use: 1
                                  or 2}: what has its worker used, or its program */
    MMS_FRAME_PONG = 21,     /**< rank to client: {stopped, host, pid, used}: whether its worker's
                                  process is; mms_worker_used() if that was asked for */
    MMS_FRAME_RENEW = 22,    /**< client to rank: the next command gets a worker of its own */
    MMS_FRAME_STOP = 50      /**< client to rank: end; answered with PONG of the same number */
} mms_frame_type;

/** A whole frame as it travels; whoever gets one by value frees data. */
typedef struct mms_message {
    char *data;
    size_t size;
} mms_message;

typedef struct mms_frame {
    mms_frame_type type;
    uint64_t request;
    mms_value *body;
    const char *beside; /**< beside[nbeside], inside what was decoded; nbeside 0: nothing */
    size_t nbeside;
} mms_frame;

/** Make a message of body, of which one reference is taken; NULL is an error of the caller's
 *  packing.  Errors: MEM, INTERNAL; RANGE beyond 1 GiB. */
MMS_CHECKED mms_status mms_frame_encode(mms_frame_type type, uint64_t request, mms_value *body,
                                        mms_message *out, mms_error *err);
/** The same with a text behind the JSON, which the one who gets it need not read at once. */
MMS_CHECKED mms_status mms_frame_encode_with(mms_frame_type type, uint64_t request, mms_value *body,
                                             const char *beside, mms_message *out, mms_error *err);
/** Read a message; the caller frees frame->body.  Errors: WORKER. */
MMS_CHECKED mms_status mms_frame_decode(const char *data, size_t size, mms_frame *frame,
                                        mms_error *err);
/** Type and request number of a message that mms_inbox_next() gave. */
mms_frame_type mms_frame_type_of(const char *data);
uint64_t mms_frame_request_of(const char *data);

/** Whether what send(2) failed with may pass: then it has slept a little, until *give_up_ns, which
 * is 0 at first. */
bool mms_send_again(int errnum, int64_t *give_up_ns);

/** Bytes read from a socket, until they are whole messages. */
typedef struct mms_inbox {
    char *data;
    int64_t first, end, capacity;
} mms_inbox;
/** Read once from fd.  Returns as read(2). */
ssize_t mms_inbox_read(mms_inbox *inbox, int fd);
/** The next whole message, valid until the next read: MMS_OK with *data NULL when there is none
 *  yet.  Errors: WORKER the bytes are no frame. */
MMS_CHECKED mms_status mms_inbox_next(mms_inbox *inbox, const char **data, size_t *size,
                                      mms_error *err);
/** The memory of a large message that was the last one, for who wants to keep it; NULL: it is
 * small, or more has been read. */
char **mms_inbox_whole(mms_inbox *inbox);

/* ---- units ---- */

/** Takes a message that a unit sends, and frees it. */
typedef void mms_emit(void *ctx, mms_message message);

/** Runs units in this process, one at a time.  Start with kinds, emit, ctx and logs; end it with
 *  mms_runner_end(). */
typedef struct mms_runner {
    const mms_unit_kind *kinds;
    mms_emit *emit;
    void *ctx;
    bool logs; /**< log lines are sent, too; otherwise they go where the process has them */
    struct {   /**< what outlives a unit */
        char *name;
        void *thing;
        mms_end_kept *end;
    } kept;
} mms_runner;
/** Run the unit of a message of type COMMAND, and send its answer.  Errors: WORKER no such message.
 */
MMS_CHECKED mms_status mms_runner_run(mms_runner *runner, const char *data, size_t size,
                                      mms_error *err);
void mms_runner_end(mms_runner *runner);

/** Return a value that differs when what a unit has made ("out", a path) or changed ("changes", a
 *  list of paths) was written to since; NULL: it says neither.  A new reference. */
mms_value *mms_unit_print(const mms_value *request);

/** What looks meanwhile whether this process takes more memory than it may, and ends it then. */
typedef struct mms_guard {
    int64_t limit; /**< bytes; 0: none */
    int end_fd;
    pthread_t thread;
} mms_guard;
/** Errors: IO. */
MMS_CHECKED mms_status mms_guard_begin(mms_guard *guard, int64_t limit, mms_error *err);
void mms_guard_end(mms_guard *guard);
/** The bytes of memory that a unit and what it starts may take; 0: any. */
int64_t mms_job_memory(const mms_job *job);

/* ---- worker ---- */

/** Beside its socket a worker inherits the memory of its blackbox. */
enum { MMS_WORKER_FD = 3, MMS_WORKER_BOX_FD = 4 };

/** The byte before descriptors of a new worker, which is no frame's first. */
enum { MMS_FORK = 'F' };

/** Make workers by fork until the first frame comes: it returns in each of them, too, which has
 * what was sent with the byte in place of fd, its output and its box. */
void mms_worker_fork(int fd);
/** Serve the socket fd until it ends. */
void mms_worker_serve(int fd, const mms_unit_kind *kinds);

/** The state of a process, a letter as in proc(5); 0 where it is gone. */
char mms_process_state(pid_t pid);
/** Kill all processes of a session but its leader.  Source: proc(5). */
void mms_session_kill(pid_t leader);
/** A number that changes when the processes that a worker has started work, in whatever session:
 * their processor time, in ticks, and bytes read and written. */
uint64_t mms_worker_used(pid_t worker, bool with_itself);
/** Private memory of a process, in bytes; and of those that a worker has started. */
int64_t mms_process_memory(int64_t pid);
int64_t mms_worker_memory(pid_t worker);
/** Kill and collect all children of this process, and theirs when it is their reaper. */
void mms_children_kill(void);

/* ---- pool: worker processes of this process ---- */

typedef struct mms_pool mms_pool;

/** Takes what arrives; peer is a slot of the pool, or nslots + rank.  whole: the memory in which
 * data stands, to be freed by the one who sets it to NULL; NULL: it can't be had. */
typedef void mms_deliver(void *ctx, int peer, const char *data, size_t size, char **whole);

/** How many of so many workers the limit of open files leaves room for, at least 1; it is raised
 *  as far as it may be. */
int mms_pool_most(int wanted);

/** Make a pool of slots whose workers run program, NULL: this one.  With kinds its one slot runs
 * units in this process, while mms_pool_wait() waits.  Both are borrowed. */
MMS_CHECKED mms_status mms_pool_create(int nslots, const char *program, const mms_unit_kind *kinds,
                                       mms_pool **out, mms_error *err);
int mms_pool_slots(const mms_pool *pool);
/** Keep a warm process beside the workers, of which they are forked: that takes a tenth of the time
 * of a start. */
void mms_pool_keep_spares(mms_pool *pool);
/** Let the worker of a slot, which has nothing in hand, end; a new one is made with the next
 * command. */
void mms_pool_renew(mms_pool *pool, int slot);
/** Send a COMMAND to a slot, whose worker is started when there is none.  message is freed. */
MMS_CHECKED mms_status mms_pool_send(mms_pool *pool, int slot, mms_message message, mms_error *err);
/** Send a signal to a slot's worker if it runs this request.  After SIGKILL it is answered as
 * {died, message, …}, and all that the worker had started is killed. */
void mms_pool_kill(mms_pool *pool, int slot, uint64_t request, int signal_number);
/** Wait for workers, at most for timeout (NULL: for ever) with signals as in mask, and deliver what
 *  they sent.  Returns how many messages were delivered; -1 with errno when it can't wait: then it
 *  never will. */
int mms_pool_wait(mms_pool *pool, const struct timespec *timeout, const sigset_t *mask,
                  mms_deliver *deliver, void *ctx);
/** End waits when something can be read from fd, too; -1: from workers alone. */
void mms_pool_listen(mms_pool *pool, int fd);
/** The socket of a slot's worker; -1: there is none. */
int mms_pool_socket(const mms_pool *pool, int slot);
/** The process of a slot's worker; 0: there is none. */
pid_t mms_pool_pid(const mms_pool *pool, int slot);
/** Whether the process of a slot's worker is stopped. */
bool mms_pool_is_stopped(const mms_pool *pool, int slot);
/** End all workers; *pool is set to NULL. */
void mms_pool_free(mms_pool **pool);

/* ---- the launcher and the other ranks ---- */

/** The launcher that started this process; name NULL: none. */
typedef struct mms_launch {
    const char *name, *variable; /**< variable: by which it was known */
    unsigned mpi;                /**< which MPIs can work under it: MMS_MPI_… */
    int64_t rank, size;          /**< -1: it does not tell */
} mms_launch;
mms_launch mms_launch_find(void);

/** Number of ranks of the job on this machine, as the launcher says; else all of size. */
int64_t mms_launch_local(int64_t size);
/** Cores that the launcher has given each rank, 1 where it does not say. */
int64_t mms_launch_cores(void);

/** The MPI world that this process is in; module is NULL when it is in none. */
typedef struct mms_world {
    const mms_mpi_module *module;
    int rank, size;
} mms_world;
const mms_world *mms_world_get(void);
/** Take module for the ranks of a world from now on: for tests, in place of mms_engine_serve(). */
void mms_world_simulate(const mms_mpi_module *module, int size, const mms_unit_kind *kinds);

/** The kinds that mms_engine_serve() got; NULL: it was not called, so this program is no worker. */
const mms_unit_kind *mms_served_kinds(void);
/** Whether this process is a worker. */
bool mms_is_worker(void);
/** Whether MULTIMS_TRANSPORT=inline asks for units in the calling process. */
bool mms_wants_inline(void);
/** Refuse to work in a process that did not call mms_engine_serve() and is one of several copies,
 * or was started to be a worker.  Errors: ARG. */
MMS_CHECKED mms_status mms_engine_check_host(mms_error *err);

/* ---- staging folders ---- */

/** Remove the staging folder of a process that is gone; its workers may be about to end. */
void mms_stage_remove_left(const char *path);
/** Who we are, for those that find what we left: {output, host, boot, pid_namespace, pid, started};
 *  NULL: out of memory. */
mms_value *mms_stage_owner(const char *output);
/** Remove the staging folder at path if it is one of output and its process is gone; nothing
 *  happens where it is not there.  Errors: ARG the process lives, or it is no such folder; IO. */
MMS_CHECKED mms_status mms_stage_remove_other(const char *output, const char *path, mms_error *err);

/* ---- hub: the pool, and MPI if there is any ---- */

typedef struct mms_hub {
    mms_pool *pool;
    const mms_mpi_module *module;
    int64_t last_ns;  /**< when something last arrived */
    int64_t sleep_ns; /**< how long the last sleep between probes was */
    bool spares;      /**< ranks keep warm workers, too */
    bool is_deaf;     /**< others than our ranks ring the bell: it is not waited for */
} mms_hub;
/** What can be read when a rank has sent something; -1: they have to be asked again and again. */
int mms_hub_bell(const mms_hub *hub);
/** busy: an answer is awaited.  Otherwise as mms_pool_wait(). */
int mms_hub_wait(mms_hub *hub, const struct timespec *timeout, bool busy, const sigset_t *mask,
                 mms_deliver *deliver, void *ctx);

/* ---- units that are tried again (spec job-engine 5.3, 5.4) ---- */

/** What is known of a unit beside its answer. */
typedef struct mms_try {
    int attempt;           /**< of the last that was begun, from 1; 0: none */
    bool waits;            /**< to be begun again */
    bool alone;            /**< memory was short: nothing else runs beside it */
    bool locked;           /**< by another program, when it was tried last */
    bool broken;           /**< an attempt ended otherwise, and may have begun to change things */
    int64_t not_before_ns; /**< of the next attempt */
} mms_try;

typedef struct mms_tries {
    int64_t n, nwaiting;
    int64_t budget;       /**< how many more attempts the run has */
    int most;             /**< attempts a unit */
    const char *attempts; /**< folder of what attempts write; NULL: they write to "out" */
    mms_try *of;          /**< of[n] */
} mms_tries;

/** Begin with n units that may be tried again retries times each.  Errors: MEM. */
MMS_CHECKED mms_status mms_tries_begin(mms_tries *t, int64_t n, int retries, const char *attempts,
                                       mms_error *err);
void mms_tries_end(mms_tries *t);
/** How many attempts a unit may have. */
int mms_tries_most(const mms_tries *t, int64_t unit);
/** Whether a unit may be tried once more; then it waits for that. */
bool mms_tries_again(mms_tries *t, int64_t unit, bool alone, bool at_once);
/** The unit that waits and is due, or -1. */
int64_t mms_tries_due(const mms_tries *t, bool nothing_runs);
/** What the next attempt of a unit is asked, a new reference; it counts as begun.  Errors: MEM, IO
 */
MMS_CHECKED mms_status mms_tries_request(mms_tries *t, int64_t unit, const mms_value *asked,
                                         mms_value **out, mms_error *err);
/** Put what the attempt of a unit has written where the unit was to write it.
 *  @param[out] print  unless NULL: of what is there now, where it was moved.  Errors: MEM, IO. */
MMS_CHECKED mms_status mms_tries_accept(const mms_tries *t, int64_t unit, const mms_value *asked,
                                        mms_value **print, mms_error *err);

/* ---- progress of a run ---- */

typedef struct mms_progress {
    const char *scope;
    bool shown, terminal, drawn;
    int64_t begin_ns, next_ns;
    int64_t units, units_done;
    double bytes, bytes_done; /**< units count as bytes when they don't tell theirs */
    double bytes_before;      /**< done by an earlier run: they say nothing of the rate */
} mms_progress;
void mms_progress_begin(mms_progress *p, const char *scope, bool shown, int64_t units,
                        double bytes);
/** Show the state if it is time to. */
void mms_progress_show(mms_progress *p);
/** Take the bar off the terminal, before a log line and at the end. */
void mms_progress_clear(mms_progress *p);

/* ---- whether something goes on (spec job-engine 2.10) ---- */

/** Samples of what it has used, a fourth of the limit apart, so that one is not enough: who looks
 *  may have been busy itself.  Starts as {limit_s}; 0: it is not looked at. */
typedef struct mms_still {
    double limit_s;
    uint64_t used;
    int64_t next_ns, still_ns; /**< when the next sample is due; how long it has used nothing */
} mms_still;
bool mms_still_wants(const mms_still *still);
/** used: as of mms_worker_used(). */
void mms_still_take(mms_still *still, uint64_t used);
/** Whether it has used nothing for the limit. */
bool mms_still_is(const mms_still *still);

/* ---- workers of an engine, from 0: those of the pool come first ---- */

/** Whether a worker is there, as the one sees it who waits for its answer.  Starts as {0}. */
typedef struct mms_pulse {
    bool timed_out;
    bool silent;       /**< its rank does not answer: what it runs can't be ended */
    bool pinged;       /**< a ping waits for its answer */
    bool is_stopped;   /**< its rank says so of its worker */
    int64_t since_ns;  /**< when it was first seen to be stopped or silent; 0: it is there */
    int64_t ping_ns;   /**< when the last one was sent */
    int64_t pong_ns;   /**< when something came that answers it; 0: nothing yet */
    int64_t silent_ns; /**< how long we have listened for the answer */
    mms_still still;   /**< of what it runs */
    bool program;      /**< which is a program: the worker itself does not count */
} mms_pulse;

typedef enum mms_pulse_change { MMS_PULSE_SAME, MMS_PULSE_LOST, MMS_PULSE_BACK } mms_pulse_change;

/** Look at a worker, once every tick_ns: it times out when it is stopped, or its rank silent, for
 * limit_s.
 *  @param[out] since_s  how long it was away, with LOST and BACK */
mms_pulse_change mms_pulse_look(mms_pulse *pulse, mms_hub *hub, int worker, double limit_s,
                                int64_t tick_ns, double *since_s);
/** Look from now on whether what it runs works, for stalls of limit_s (0: no more). */
void mms_pulse_watch(mms_pulse *pulse, double limit_s, bool program);
/** Whatever comes from a worker's rank says that it is there. */
void mms_pulse_take(mms_pulse *pulse, const char *data, size_t size);

mms_hub *mms_engine_hub(mms_engine *engine);
/** The worker of a peer that mms_hub_wait() tells of. */
int mms_engine_worker_of_peer(const mms_engine *engine, int peer);
/** Send a COMMAND; message is freed. */
MMS_CHECKED mms_status mms_engine_send(mms_engine *engine, int worker, mms_message message,
                                       mms_error *err);
/** The next command of a worker is run by a process that has run none; it has nothing in hand. */
void mms_hub_renew(mms_hub *hub, int worker);
/** Send a signal to a worker if it runs this request. */
void mms_engine_signal(mms_engine *engine, int worker, uint64_t request, int signal_number);
/** The process of a local worker; 0: there is none; -1: the worker is a rank's. */
pid_t mms_engine_pid(const mms_engine *engine, int worker);
/** Workers of the pool come first, then those of the ranks but our own. */
bool mms_hub_is_local(const mms_hub *hub, int worker);
int mms_hub_rank_of(const mms_hub *hub, int worker);
/** Whether a local worker's process is stopped (SIGSTOP, a debugger). */
bool mms_hub_is_stopped(const mms_hub *hub, int worker);
/** Ask a rank whether it is there; false: the worker is local.  It answers with PONG.  use: as in
 * the frame; 0: it is not asked for that. */
bool mms_hub_ping(mms_hub *hub, int worker, int use);
/** Note that a rank does not answer (or does again): while one does not, MPI can't be ended in
 * order.
 */
void mms_world_note_silent(int change);
/** How long ranks may take to answer when the job ends; 30 s at first. */
void mms_world_set_limit(double limit_s);
/** Note that a rank that does not answer still has what it was asked: the job ends with a failure.
 */
void mms_world_note_unanswered(void);
/** Whether a signal came that ends what runs, not SIGUSR1, which lets it finish. */
bool mms_stop_at_once(void);
/** Whether SIGUSR2 came since it was last asked: somebody wants to know how things stand. */
bool mms_stop_is_asked(void);
/** Catch SIGUSR2 alone. */
void mms_stop_catch_question(void);
/** Block what mms_stop_catch() catches, for who lets it in where it waits; *before is the mask. */
void mms_stop_block(sigset_t *before);
/** How a run stands, and which workers are at work. */
typedef struct mms_at_work {
    int worker, attempt;
    const char *unit;
    double done, seconds; /**< done: 0 to 1 */
    bool timeout;
} mms_at_work;
typedef struct mms_standing {
    const char *verb;
    int64_t units, units_done, units_failed;
    double bytes, bytes_done, seconds;
    int nworkers;
    const mms_at_work *workers;
} mms_standing;
void mms_standing_log(const mms_standing *s);
/** Put it in place of a file: as JSON, in NAME.prom as text for Prometheus.  Errors: IO. */
MMS_CHECKED mms_status mms_standing_write(const mms_standing *s, const char *path, mms_error *err);
/** The level of log lines that are wanted here. */
int mms_engine_log_level(void);

/** Run a program: the kind "program", which every worker serves.
 *  request: {argv: [word], folder}; answer: as mms_program_tell(). */
mms_unit_fn mms_program_unit;

/** The kinds that every worker serves, ended by {NULL, NULL}. */
extern const mms_unit_kind mms_engine_kinds[];

int64_t mms_now_ns(void);
/** Take the time from now, for tests; NULL: from the clock. */
void mms_now_simulate(int64_t (*now)(void));

#endif
