/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file server.c  What this process is: a client, a worker, or a rank that supervises a worker. */
#include <dlfcn.h>
#include <fcntl.h>
#include <jansson.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_priv.h"

/* MPI starts once in a process and ends once; so there is one world. */
static mms_world world = {.module = NULL, .rank = 0, .size = 1};

const mms_world *mms_world_get(void)
{
    return &world;
}

/* ---- a worker ---- */

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
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    mms_worker_serve((int)fd, kinds);
    return 0;
}

/* ---- a rank ---- */

struct server {
    mms_hub hub;
    bool stopped;
};

static void send_to_client(struct server *server, mms_message message)
{
    mms_error err;

    if (server->hub.module->send(0, message.data, message.size, &err) != MMS_OK)
        server->hub.module->abort(1); /* the client would wait for ever */
}

static void copy_message(const char *data, size_t size, mms_message *out)
{
    *out = (mms_message){.data = malloc(size), .size = size};
    if (!out->data)
        world.module->abort(1);
    memcpy(out->data, data, size);
}

static void give_to_worker(struct server *server, const char *data, size_t size)
{
    mms_message message;
    mms_error err;
    mms_status st;

    copy_message(data, size, &message);
    st = mms_pool_send(server->hub.pool, 0, message, &err);
    if (st == MMS_OK)
        return;
    if (mms_frame_encode(MMS_FRAME_RESPONSE, mms_frame_request_of(data),
                         json_pack("{s:i, s:o, s:{}}", "status", (int)st, "message",
                                   mms_text_value(err.msg), "value"),
                         &message, NULL) != MMS_OK)
        server->hub.module->abort(1);
    send_to_client(server, message);
}

static void serve_message(void *ctx, int peer, const char *data, size_t size)
{
    struct server *server = ctx;
    mms_message message;

    if (peer < mms_pool_slots(server->hub.pool)) {
        copy_message(data, size, &message);
        send_to_client(server, message);
        return;
    }
    switch (mms_frame_type_of(data)) {
    case MMS_FRAME_COMMAND:
        give_to_worker(server, data, size);
        break;
    case MMS_FRAME_CANCEL:
        mms_pool_kill(server->hub.pool, 0, mms_frame_request_of(data));
        break;
    case MMS_FRAME_STOP:
        server->stopped = true;
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
    if (mms_pool_create(1, &server.hub.pool, &err) != MMS_OK)
        world.module->abort(1);
    while (!server.stopped)
        mms_hub_wait(&server.hub, NULL, false, NULL, serve_message, &server);
    mms_pool_free(&server.hub.pool);
    world.module->finish();
    return 0;
}

/* ---- which of them ---- */

/* The module lies beside the library in the build tree, in multims/ beside it when installed. */
static void *open_module(mms_error *err)
{
    static const char *const places[] = {"", "multims/"};
    void *module = NULL;
    Dl_info info;

    if (!dladdr(&world, &info))
        return mms_fail(err, MMS_ERR_IO, "the library's own file is unknown"), NULL;
    for (int64_t i = 0; i < MMS_COUNT_OF(places) && !module; i++) {
        char *library = strdup(info.dli_fname);
        char *path =
            library ? mms_format("%s/%slibmultims-mpi.so", dirname(library), places[i]) : NULL;
        if (path && !(module = dlopen(path, RTLD_NOW | RTLD_GLOBAL)))
            (void)mms_fail(err, MMS_ERR_IO, "%s", dlerror());
        free(path);
        free(library);
    }
    return module;
}

static mms_status join_world(mms_error *err)
{
    void *const file = open_module(err);
    const mms_mpi_module *module = file ? dlsym(file, MMS_MPI_MODULE_SYMBOL) : NULL;

    if (!file)
        return err->code;
    if (!module || module->size != sizeof *module)
        return mms_fail(err, MMS_ERR_IO, "libmultims-mpi.so belongs to another version");
    signal(SIGPIPE, SIG_IGN); /* over TCP a write to a dead rank must not kill us */
    const mms_status st = module->start(&world.rank, &world.size, err);
    if (st == MMS_OK)
        world.module = module;
    return st;
}

static bool is_number_above_one(const char *variable)
{
    const char *const text = getenv(variable);
    int64_t n;
    return text && mms_parse_int(text, &n) && n > 1;
}

static bool wants_mpi(void)
{
    const char *const transport = getenv("MULTIMS_TRANSPORT");

    if (transport && *transport)
        return !strcmp(transport, "mpi");
    return getenv("PMIX_RANK") || getenv("OMPI_COMM_WORLD_RANK");
}

/* Without a way to know of each other, several copies would do the same work into one output. */
static bool are_several_copies(void)
{
    const char *const transport = getenv("MULTIMS_TRANSPORT");

    return !(transport && *transport) && is_number_above_one("SLURM_STEP_NUM_TASKS");
}

/* MPI was asked for and is not there: alone we go on without it. */
static bool refuse_without_mpi(const mms_error *err, int *exit_status)
{
    const bool alone = !is_number_above_one("OMPI_COMM_WORLD_SIZE") &&
                       !is_number_above_one("SLURM_STEP_NUM_TASKS") &&
                       (getenv("OMPI_COMM_WORLD_SIZE") || getenv("SLURM_STEP_NUM_TASKS"));

    fprintf(stderr, "multims: a launcher was found, but MPI can't be used: %s%s\n", err->msg,
            alone ? "; going on with local workers" : "");
    *exit_status = 2;
    return !alone;
}

bool mms_engine_serve(const mms_unit_kind *kinds, int *exit_status)
{
    const char *const worker_fd = getenv(MMS_WORKER_FD_VARIABLE);
    mms_error err = {0};

    *exit_status = 0;
    if (worker_fd) {
        *exit_status = serve_as_worker(worker_fd, kinds);
        return true;
    }
    if (wants_mpi()) {
        if (join_world(&err) != MMS_OK)
            return refuse_without_mpi(&err, exit_status);
        if (world.rank == 0)
            return false;
        *exit_status = serve_as_rank();
        return true;
    }
    if (!are_several_copies())
        return false;
    fprintf(stderr, "multims: started several times by srun without PMIx; use srun --mpi=pmix or "
                    "mpirun\n");
    *exit_status = 2;
    return true;
}

void mms_engine_shutdown(int exit_status)
{
    mms_message message;
    mms_error err;

    (void)exit_status;
    if (!world.module)
        return;
    for (int rank = 1; rank < world.size; rank++)
        if (mms_frame_encode(MMS_FRAME_STOP, 0, json_object(), &message, &err) != MMS_OK ||
            world.module->send(rank, message.data, message.size, &err) != MMS_OK)
            world.module->abort(exit_status ? exit_status : 1);
    world.module->finish();
    world.module = NULL;
}
