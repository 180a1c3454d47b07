/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file server.c  What this process is: a client, a worker, or a rank that supervises a worker. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/blackbox_priv.h"
#include "base/limits_priv.h"
#include "base/places_priv.h"
#include "engine_priv.h"
#include "stop.h"

/* MPI starts once in a process and ends once; so there is one world. */
static mms_world world = {.module = NULL, .rank = 0, .size = 1};
static const mms_unit_kind *served;

static bool is_worker;

bool mms_is_worker(void)
{
    return is_worker;
}

/* Ranks that are known not to answer. */
static int silent_ranks;

/* How long they may take to answer when the job ends. */
static double farewell_s = 30;

void mms_world_set_limit(double limit_s)
{
    farewell_s = limit_s < 5 ? 5 : limit_s;
}

/* Something that was asked of them is not done. */
static bool unanswered;

bool mms_rank_is_silent(void)
{
    return silent_ranks > 0;
}

void mms_world_note_silent(int change)
{
    silent_ranks += change;
}

void mms_world_note_unanswered(void)
{
    unanswered = true;
}

void mms_world_simulate(const mms_mpi_module *module, int size, const mms_unit_kind *kinds)
{
    world = (mms_world){.module = module, .rank = 0, .size = size};
    served = kinds;
    mms_now_simulate(module ? module->now : NULL);
}

const mms_world *mms_world_get(void)
{
    return &world;
}

const mms_unit_kind *mms_served_kinds(void)
{
    return served;
}

/* ---- a worker ---- */

/* Whoever started this worker reads in its box what it was at, should it die. */
static void open_box(void)
{
    struct stat info;
    void *box;

    if (fstat(MMS_WORKER_BOX_FD, &info) || !S_ISREG(info.st_mode) ||
        info.st_size != sizeof(mms_blackbox))
        return;
    box =
        mmap(NULL, sizeof(mms_blackbox), PROT_READ | PROT_WRITE, MAP_SHARED, MMS_WORKER_BOX_FD, 0);
    if (box != MAP_FAILED)
        mms_blackbox_use(box);
    close(MMS_WORKER_BOX_FD);
}

static int serve_as_worker(const char *number, const mms_unit_kind *kinds)
{
    struct stat info;
    int64_t fd;

    if (!mms_parse_int(number, &fd) || fd < 0 || fd > INT32_MAX || fstat((int)fd, &info) ||
        !S_ISSOCK(info.st_mode)) {
        fprintf(stderr, "multims: " MMS_WORKER_FD_VARIABLE "=%s is no socket of a worker\n",
                number);
        return 2;
    }
    unsetenv(MMS_WORKER_FD_VARIABLE);
    is_worker = true;
    mms_worker_fork((int)fd);
    open_box();
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    mms_worker_serve((int)fd, kinds);
    return 0;
}

/* ---- a rank ---- */

struct server {
    mms_hub hub;
    bool stopped;
};

/* What a rank can't pass on nobody else answers, and the client would wait for ever: so the whole
 * job ends.  Parts that are done stay done. */
static void end_job(const char *why)
{
    fprintf(stderr, "multims: rank %d: %s\n", world.rank, why);
    world.module->abort(1);
}

static void send_to_client(struct server *server, mms_message message)
{
    mms_error err;

    if (server->hub.module->send(0, message.data, message.size, &err) != MMS_OK)
        end_job(err.msg);
}

/* What arrived as something to be sent: as it is, or copied. */
static mms_message pass(const char *data, size_t size, char **whole)
{
    mms_message message = {.size = size};

    if (whole && *whole == data) {
        message.data = *whole;
        *whole = NULL;
        return message;
    }
    message.data = malloc(size);
    if (!message.data)
        end_job("out of memory");
    memcpy(message.data, data, size);
    return message;
}

static void give_to_worker(struct server *server, mms_message message)
{
    const uint64_t request = mms_frame_request_of(message.data);
    mms_error err;
    mms_status st;

    st = mms_pool_send(server->hub.pool, 0, message, &err);
    if (st == MMS_OK)
        return;
    if (mms_frame_encode(MMS_FRAME_RESPONSE, request,
                         json_pack("{s:i, s:o, s:{}}", "status", (int)st, "message",
                                   mms_text_value(err.msg), "value"),
                         &message, &err) != MMS_OK)
        end_job(err.msg);
    send_to_client(server, message);
}

static void cancel(struct server *server, const char *data, size_t size)
{
    mms_frame frame = {.body = NULL};
    int signal_number = SIGKILL;

    if (mms_frame_decode(data, size, &frame, NULL) == MMS_OK)
        (void)json_unpack(frame.body, "{s:i}", "signal", &signal_number);
    mms_pool_kill(server->hub.pool, 0, mms_frame_request_of(data), signal_number);
    mms_value_free(&frame.body);
}

/* use: 0 is not asked for, 1 the worker's and all that it has started, 2 the latter alone. */
static void answer_ping(struct server *server, uint64_t request, int use)
{
    const uint64_t used = use ? mms_worker_used(mms_pool_pid(server->hub.pool, 0), use == 1) : 0;
    char host[256] = "";
    mms_message message;

    gethostname(host, sizeof host - 1);
    if (mms_frame_encode(MMS_FRAME_PONG, request,
                         json_pack("{s:b, s:o, s:i, s:o*}", "stopped",
                                   mms_pool_is_stopped(server->hub.pool, 0), "host",
                                   mms_text_value(host), "pid", (int)getpid(), "used",
                                   use ? json_integer((json_int_t)used) : NULL),
                         &message, NULL) == MMS_OK)
        send_to_client(server, message);
}

/* A client of commands wants a warm worker beside ours. */
static void take_ping(struct server *server, const char *data, size_t size)
{
    mms_frame frame = {.body = NULL};
    int spares = 0, use = 0;

    if (mms_frame_decode(data, size, &frame, NULL) == MMS_OK)
        (void)json_unpack(frame.body, "{s:b, s:i}", "spares", &spares, "use", &use);
    if (spares)
        mms_pool_keep_spares(server->hub.pool);
    mms_value_free(&frame.body);
    answer_ping(server, mms_frame_request_of(data), use);
}

static void serve_message(void *ctx, int peer, const char *data, size_t size, char **whole)
{
    struct server *server = ctx;

    if (peer < mms_pool_slots(server->hub.pool)) {
        send_to_client(server, pass(data, size, whole));
        return;
    }
    switch (mms_frame_type_of(data)) {
    case MMS_FRAME_COMMAND:
        give_to_worker(server, pass(data, size, whole));
        break;
    case MMS_FRAME_CANCEL:
        cancel(server, data, size);
        break;
    case MMS_FRAME_PING:
        take_ping(server, data, size);
        break;
    case MMS_FRAME_RENEW:
        mms_pool_renew(server->hub.pool, 0);
        break;
    case MMS_FRAME_STOP:
        server->stopped = true;
        answer_ping(server, mms_frame_request_of(data), 0);
        break;
    default: /* later versions may say more */
        break;
    }
}

/* Stop signals are the client's business: mpirun sends them to all ranks. */
static int serve_as_rank(void)
{
    struct server server = {.hub.module = world.module};
    mms_error err;

    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    if (mms_pool_create(1, NULL, NULL, &server.hub.pool, &err) != MMS_OK)
        end_job(err.msg);
    while (!server.stopped)
        if (mms_hub_wait(&server.hub, NULL, false, NULL, serve_message, &server) < 0) {
            (void)mms_fail(&err, MMS_ERR_IO, "cannot wait for its worker: %s", strerror(errno));
            end_job(err.msg);
        }
    mms_pool_free(&server.hub.pool);
    world.module->finish();
    return 0;
}

/* ---- which of them ---- */

static const char *const local_advice =
    "MULTIMS_TRANSPORT=local lets each copy work alone, for a request of its own";

static mms_status open_module(const mms_mpi_module **module, mms_error *err)
{
    static const mms_module mpi = {MMS_MPI_MODULE_SYMBOL,
                                   sizeof(mms_mpi_module),
                                   RTLD_NOW | RTLD_GLOBAL,
                                   MMS_ERR_NOT_FOUND,
                                   "",
                                   " (this is multims " MULTIMS_MPI_NAME ")"};
    const void *table;
    const mms_status st = mms_module_open(&mpi, mms_place_find("libmultims-mpi.so"), &table, err);

    *module = table;
    return st;
}

/* Under the launcher of another MPI each process would be a world of its own. */
static mms_status check_launcher(const mms_launch *launch, bool fits, mms_error *err)
{
    if (fits)
        return MMS_OK;
    return mms_fail(
        err, MMS_ERR_UNSUPPORTED,
        "%s is set by %s, which does not start processes of " MULTIMS_MPI_NAME
        ", with which this is built: launch it with that MPI's mpirun, or build it with "
        "-DMPI_C_COMPILER=… of the launcher's MPI",
        launch->variable, launch->name);
}

static bool is_right_size(const mms_launch *launch)
{
    if (!launch->name)
        return true;
    return launch->size < 0 ? world.size > 1 || launch->rank <= 0 : world.size == launch->size;
}

/* A client that ends without mms_engine_shutdown() takes its ranks along in order. */
static void leave_world(int exit_status, void *pid)
{
    if (world.module && (pid_t)(intptr_t)pid == getpid()) // no child that we forked
        mms_engine_shutdown(exit_status);
}

static mms_status join_world(const mms_launch *launch, bool demanded, mms_error *err)
{
    const mms_mpi_module *module;
    mms_status st;

    st = open_module(&module, err);
    if (st == MMS_OK)
        st = check_launcher(launch, demanded || (launch->mpi & module->family), err);
    if (st != MMS_OK)
        return st;
    signal(SIGPIPE, SIG_IGN); /* over TCP a write to a dead rank must not kill us */
    MMS_TRY(module->start(&world.rank, &world.size, err));
    st = check_launcher(launch, is_right_size(launch), err);
    if (st == MMS_OK) {
        world.module = module;
    } else {
        module->finish();
        world.rank = 0;
        world.size = 1;
    }
done:
    return st;
}

/* MPI was asked for and is not there: alone we go on without it. */
static bool refuse_without_mpi(const mms_launch *launch, const mms_error *err, int *exit_status)
{
    const bool alone = launch->size == 1;

    fprintf(stderr, "multims: a launcher was found, but MPI can't be used: %s; %s\n", err->msg,
            alone ? "going on with local workers" : local_advice);
    *exit_status = 2;
    return !alone;
}

/* Several copies that know nothing of each other would do the same work into one output. */
static bool refuse_copies(const mms_launch *launch, int *exit_status)
{
    if (!launch->name || launch->mpi || launch->size <= 1)
        return false;
    fprintf(stderr, "multims: started several times by %s; use srun --mpi=pmix or mpirun; %s\n",
            launch->name, local_advice);
    *exit_status = 2;
    return true;
}

/* How this process is to work: MULTIMS_TRANSPORT. */
typedef enum transport { AS_LAUNCHED, LOCAL, INLINE, MPI, UNKNOWN } transport;

static transport wanted_transport(void)
{
    const char *const name = getenv("MULTIMS_TRANSPORT");

    if (!name || !*name)
        return AS_LAUNCHED;
    return !strcmp(name, "local")    ? LOCAL
           : !strcmp(name, "inline") ? INLINE
           : !strcmp(name, "mpi")    ? MPI
                                     : UNKNOWN;
}

bool mms_wants_inline(void)
{
    return wanted_transport() == INLINE;
}

bool mms_engine_needs_program(void)
{
    return !served && !mms_wants_inline();
}

/* From now on this process ends by itself; a watcher has nothing to say of it. */
static void end_watched(int exit_status)
{
    mms_blackbox_get()->status = exit_status;
    mms_blackbox_get()->ended = true;
}

static bool serve_under(transport how, const mms_launch *launch, int *exit_status)
{
    mms_error err = {0};

    if (how == UNKNOWN) {
        fprintf(stderr, "multims: MULTIMS_TRANSPORT=%s is not known: local, inline or mpi\n",
                getenv("MULTIMS_TRANSPORT"));
        *exit_status = 2;
        return true;
    }
    if (how == LOCAL || how == INLINE)
        return false;
    if (how == AS_LAUNCHED && !launch->mpi)
        return refuse_copies(launch, exit_status);
    if (join_world(launch, how == MPI, &err) != MMS_OK)
        return refuse_without_mpi(launch, &err, exit_status);
    if (world.rank == 0) {
        on_exit(leave_world, (void *)(intptr_t)getpid());
        return false;
    }
    *exit_status = serve_as_rank();
    return true;
}

bool mms_engine_serve(const mms_unit_kind *kinds, int *exit_status)
{
    const char *const worker_fd = getenv(MMS_WORKER_FD_VARIABLE);
    const mms_launch launch = mms_launch_find();

    served = kinds;
    *exit_status = 0;
    if (worker_fd) {
        *exit_status = serve_as_worker(worker_fd, kinds);
        return true;
    }
    if (serve_under(wanted_transport(), &launch, exit_status)) {
        end_watched(*exit_status);
        return true;
    }
    if (mms_blackbox_get()->watched)
        mms_memory_bound(); /* MPI has taken what it needs */
    return false;
}

mms_status mms_engine_check_host(mms_error *err)
{
    const mms_launch launch = mms_launch_find();

    if (served)
        return MMS_OK;
    if (getenv(MMS_WORKER_FD_VARIABLE))
        return mms_fail(err, MMS_ERR_ARG,
                        "engine: this process was started to be a worker, but its program does not "
                        "call mms_engine_serve() first in main");
    if (wanted_transport() == LOCAL || mms_wants_inline() || !launch.name || launch.size == 1)
        return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG,
                    "engine: %s starts several copies of this program, which does not call "
                    "mms_engine_serve(): all would do the same work; %s",
                    launch.name, local_advice);
}

static void abort_silent(int nsilent, int exit_status)
{
    fprintf(stderr,
            "multims: %d ranks do not answer, skipping MPI_Finalize()\n"
            "multims: Not possible to finalize gracefully... calling Aborting MPI environment\n",
            nsilent);
    end_watched(exit_status);
    world.module->abort(exit_status ? exit_status
                                    : unanswered); // finalize would wait for them for ever
}

/* Number of the STOP frame and of its answer: pings have 0. */
static const uint64_t farewell = 1;

/* Answers to so many STOP frames; returns how many have not come in time. */
static int take_leave(int nranks, int exit_status)
{
    const struct timespec nap = {.tv_nsec = 200000};
    const int64_t begin_ns = mms_now_ns();
    int rank;
    size_t size;
    char *data;

    while (nranks > 0 && (double)(mms_now_ns() - begin_ns) < farewell_s * 1e9) {
        if (world.module->receive(&rank, &data, &size, NULL) != MMS_OK)
            world.module->abort(exit_status ? exit_status : 1);
        if (!data) {
            nanosleep(&nap, NULL);
            continue;
        }
        nranks -=
            mms_frame_type_of(data) == MMS_FRAME_PONG && mms_frame_request_of(data) == farewell;
        free(data);
    }
    return nranks;
}

void mms_engine_shutdown(int exit_status)
{
    mms_message message;
    mms_error err;
    int nsilent;

    if (world.module && silent_ranks > 0)
        abort_silent(silent_ranks, exit_status);
    for (int rank = 1; world.module && rank < world.size; rank++)
        if (mms_frame_encode(MMS_FRAME_STOP, farewell, json_object(), &message, &err) != MMS_OK ||
            world.module->send(rank, message.data, message.size, &err) != MMS_OK)
            world.module->abort(exit_status ? exit_status : 1);
    if (world.module && (nsilent = take_leave(world.size - 1, exit_status)) > 0)
        abort_silent(nsilent, exit_status);
    if (world.module)
        world.module->finish();
    world.module = NULL;
    end_watched(exit_status);
}
