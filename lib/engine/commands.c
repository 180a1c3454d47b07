/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file commands.c  Commands pushed to servers, and their responses (spec job-engine 1.6 to 1.11).
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "client_log_priv.h"
#include "engine_priv.h"
#include "entry_priv.h"
#include "events_priv.h"
#include "multims/client.h"
#include "program.h"
#include "queue_priv.h"
#include "tell_priv.h"

static const struct timespec tick = {.tv_nsec = 100000000};
static const int64_t second_ns = 1000000000;

struct server {
    int64_t entry; /* -1: free */
    mms_pulse pulse;
    mms_value *state; /* what text commands have left: variables, folder, …; NULL: nothing yet */
    char host[256];   /* "" not known yet */
    int64_t pid;      /* of a rank */
    int64_t ndone, nfailed;
    double cpu_s;         /* of its commands */
    int64_t max_rss_kib;  /* of its worker, when the last one ended */
    char last_error[200]; /* "": none has failed */
};

struct mms_client {
    mms_client_state state;
    uint64_t era; /* which client of this process it is: ranks may yet answer the one before */
    mms_engine *engine; /* NULL: it was stopped */
    int nservers;
    double frozen_s;
    int64_t most_queued;
    mms_status (*mode)(const char *text, const char **mode, mms_error *err);
    struct server *servers;
    mms_entry *entries; /* entry of id is entries[id - 1] */
    int64_t n, capacity;
    mms_value *parameters;         /* those of the last push that had some, for the next */
    mms_kept *kept;                /* the same, as entries have it */
    mms_kept_room store;           /* of responses */
    mms_queue *queue;              /* of the entries that are MMS_QUEUED */
    int64_t first_done, last_done; /* ids of what has ended and mms_client_next() has not told */
    int64_t ndone;
    int64_t next_look_ns, next_limits_ns;
    mms_client_log *log;
    mms_take_partial *partial; /* NULL: nobody wants them */
    void *ctx;
    mms_wake *wake; /* NULL: nobody waits with poll(2) */
};

/* ---- open, close ---- */

static mms_status turn(mms_client *client, const struct timespec *wait, mms_error *err);

/* Local servers are here; ranks tell with their first answer to a ping. */
static bool knows_hosts(const mms_client *client)
{
    for (int s = 0; s < client->nservers; s++)
        if (!*client->servers[s].host)
            return false;
    return true;
}

/* At most two seconds: a rank may be stopped. */
static void learn_hosts(mms_client *client)
{
    mms_error ignored;

    for (int i = 0; i < 20 && !knows_hosts(client); i++)
        (void)!turn(client, &tick, &ignored);
}

/* Tell the queue whether a server can have a command, where that may have changed: to ask all of
 * them each turn takes long where they are many. */
static void note_free(mms_client *client, int server)
{
    const struct server *const s = &client->servers[server - 1];

    mms_queue_set_free(client->queue, server,
                       s->entry < 0 && !s->pulse.timed_out && !s->pulse.since_ns);
}

/* The banner of a process of an MPI job: of the client, server 0, or a server. */
static void log_banner(mms_client *client, int server, const char *host, int rank)
{
    const mms_mpi_module *const module = mms_engine_hub(client->engine)->module;
    const char *version, *library;

    if (!module || !module->tell)
        return;
    module->tell(&version, &library);
    mms_client_log_say(client->log, server, false, "open",
                       "MPI Enabled at host %s with rank %d as %s using MPI version %s from %s "
                       "implementation",
                       host, rank, server ? "MPIServer" : "MPIClient", version, library);
}

/* A server is known, or has another process than before. */
static void know_place(mms_client *client, int number, const char *host, int64_t pid)
{
    struct server *const s = &client->servers[number - 1];

    if (s->pid == pid && *s->host)
        return;
    s->pid = pid;
    if (host != s->host)
        snprintf(s->host, sizeof s->host, "%s", host);
    mms_client_log_know(client->log, number, host, pid);
    if (!pid)
        return;
    if (!mms_hub_is_local(mms_engine_hub(client->engine), number - 1)) {
        log_banner(client, number, host,
                   mms_hub_rank_of(mms_engine_hub(client->engine), number - 1));
        mms_client_log_say(client->log, number, false, "open", "Starting services...");
    }
    mms_client_log_say(client->log, 0, false, "open",
                       "Server with rank %d started at %s with PID %" PRId64, number, host, pid);
}

static void name_servers(mms_client *client)
{
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    log_banner(client, 0, host, 0);
    for (int s = 0; s < client->nservers; s++) {
        if (mms_engine_pid(client->engine, s) < 0)
            continue;
        know_place(client, s + 1, host, 0);
    }
}

/* Ranks are asked where they are; local servers are known. */
static void log_start(mms_client *client)
{
    mms_client_log_say(client->log, 0, false, "open",
                       "Sending start service signal to all servers");
    learn_hosts(client);
    if (knows_hosts(client))
        mms_client_log_say(client->log, 0, false, "open",
                           "Received response from all servers to start service signal");
}

static uint64_t eras; /* clients that there were */

mms_status mms_client_open(const mms_client_opts *opts, mms_client **out, mms_error *err)
{
    mms_client_opts all = MMS_CLIENT_OPTS_INIT;
    mms_engine_opts engine = MMS_ENGINE_OPTS_INIT;
    mms_client *client;
    mms_status st;

    *out = client = mms_alloc(1, sizeof *client);
    if (!client)
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    if (opts)
        memcpy(&all, opts, opts->size < sizeof all ? opts->size : sizeof all);
    client->store = (mms_kept_room){.limit = all.kept_bytes, .fd = -1};
    if (mms_is_worker() && !mms_wants_inline())
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "MPICommandClient can only be instantiated at master MPI process: this "
                         "one is a server's worker"));
    client->era = eras++;
    engine.workers = all.servers;
    engine.scope = "client";
    engine.program = all.program;
    engine.worker_timeout_s = all.frozen_s;
    engine.spares = true;
    MMS_TRY(mms_engine_open(&engine, &client->engine, err));
    client->nservers = mms_engine_workers(client->engine);
    client->frozen_s = all.frozen_s;
    client->most_queued = all.most_queued;
    client->mode = all.mode;
    client->partial = all.partial;
    client->ctx = all.ctx;
    client->servers = mms_alloc(client->nservers, sizeof *client->servers);
    if (!client->servers)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "client: out of memory"));
    MMS_TRY(mms_queue_open(client->nservers, all.totals, &client->queue, err));
    MMS_TRY(mms_client_log_open(&all, client->nservers, &client->log, err));
    for (int s = 0; s < client->nservers; s++) {
        client->servers[s].entry = -1;
        note_free(client, s + 1);
    }
    if (!all.unstarted)
        mms_client_start(client);
done:
    if (st != MMS_OK)
        mms_client_close(out);
    return st;
}

mms_client_state mms_client_get_state(const mms_client *client)
{
    return client->state;
}

/* Why it does nothing, as mpi4casa says it. */
static const char *tell_state(const mms_client *client)
{
    return client->state == MMS_CLIENT_STOPPED ? "MPICommandClient life cycle finalized"
                                               : "Services not started";
}

void mms_client_start(mms_client *client)
{
    if (client->state == MMS_CLIENT_STARTED) {
        mms_client_log_tell(client->log, MMS_LOG_DEBUG, "start", "Services already started");
        return;
    }
    if (client->state == MMS_CLIENT_STOPPED) {
        mms_client_log_tell(client->log, MMS_LOG_INFO, "start", "%s", tell_state(client));
        return;
    }
    client->state = MMS_CLIENT_STARTED;
    name_servers(client);
    if (mms_client_log_is_kept(client->log))
        log_start(client);
    mms_client_log_say(client->log, 0, false, "open", "All services started");
    MMS_TELL("client", "begin", (mms_about){0}, json_pack("{s:i}", "servers", client->nservers));
}

int mms_client_servers(const mms_client *client)
{
    return client->nservers;
}

/* The number by which servers know the command at a place. */
static uint64_t request_of(const mms_client *client, int64_t at)
{
    return client->era << 40 | ((uint64_t)at + 1);
}

/* The next one that mms_client_next() tells is the last of those that wait to be told. */
static void note_end(mms_client *client, int64_t id)
{
    if (client->first_done)
        client->entries[client->last_done - 1].next_done = id;
    else
        client->first_done = id;
    client->last_done = id;
}

/* How MPI will end, as mpi4casa says it. */
static void log_finalization(mms_client *c)
{
    mms_text lost = {0};

    for (int s = 0; c->servers && s < c->nservers; s++)
        if (c->servers[s].pulse.silent)
            mms_text_add(&lost, "%s%d", lost.length ? ", " : "",
                         mms_hub_rank_of(mms_engine_hub(c->engine), s));
    if (lost.text) {
        mms_client_log_say(c->log, 0, true, "close",
                           "MPIServers with rank [%s] are in timeout condition, skipping "
                           "MPI_Finalize()",
                           lost.text);
        mms_client_log_say(
            c->log, 0, true, "close",
            "Not possible to finalize gracefully... calling Aborting MPI environment");
    } else {
        mms_client_log_say(c->log, 0, false, "close", "Going to finalize MPI environment");
    }
    free(lost.text);
}

/* What nobody has answered is dropped, and said. */
static void log_unanswered(mms_client *c)
{
    for (int64_t i = 0; c->log && mms_client_log_is_kept(c->log) && i < c->n; i++) {
        mms_value *const record = c->entries[i].command && c->entries[i].state != MMS_DONE
                                      ? mms_entry_record(&c->entries[i], i + 1)
                                      : NULL;
        char *const text = record ? mms_value_text(record, 0) : NULL;
        if (text)
            mms_client_log_say(c->log, 0, true, "close",
                               "Aborting command request with id# %" PRId64 ": %s", i + 1, text);
        free(text);
        json_decref(record);
    }
}

/* What has not ended never will. */
static void drop_unanswered(mms_client *c)
{
    for (int64_t i = 0; i < c->n; i++) {
        mms_entry *const e = &c->entries[i];
        if (e->state == MMS_DONE)
            continue;
        if (e->state == MMS_SENT && c->servers[e->server - 1].pulse.silent)
            mms_world_note_unanswered();
        if (e->state == MMS_SENT) /* ranks live on */
            mms_engine_signal(c->engine, e->server - 1, request_of(c, i), SIGKILL);
        mms_queue_end(c->queue, i + 1, e->server);
        mms_entry_fail(e, MMS_ERR_STOPPED, "cancelled", "the client was stopped");
        if (e->state == MMS_SENT)
            c->servers[e->server - 1].entry = -1;
        e->status = "cancelled";
        e->stop_s = mms_unix_s();
        e->state = MMS_DONE;
        c->ndone++;
        note_end(c, i + 1);
    }
}

void mms_client_stop(mms_client *c)
{
    if (c->state != MMS_CLIENT_STARTED) {
        mms_client_log_tell(c->log, MMS_LOG_WARN, "stop", "%s", tell_state(c));
        return;
    }
    log_unanswered(c);
    if (mms_engine_hub(c->engine)->module)
        log_finalization(c);
    MMS_TELL("client", "end", (mms_about){0},
             json_pack("{s:I, s:I}", "commands", (json_int_t)c->n, "ended", (json_int_t)c->ndone));
    drop_unanswered(c);
    mms_engine_close(&c->engine);
    c->state = MMS_CLIENT_STOPPED;
    mms_client_log_say(c->log, 0, false, "close", "All services stopped");
}

void mms_client_close(mms_client **client)
{
    mms_client *const c = *client;

    *client = NULL;
    if (!c)
        return;
    if (c->state == MMS_CLIENT_STARTED)
        mms_client_stop(c);
    mms_engine_close(&c->engine);
    mms_client_log_close(&c->log);
    mms_wake_close(&c->wake);
    mms_queue_close(&c->queue);
    for (int64_t i = 0; i < c->n; i++)
        mms_entry_free(&c->entries[i]);
    for (int s = 0; c->servers && s < c->nservers; s++)
        mms_value_free(&c->servers[s].state);
    mms_value_free(&c->parameters);
    mms_kept_free(&c->kept);
    mms_kept_room_close(&c->store);
    free(c->entries);
    free(c->servers);
    free(c);
}

/* ---- answers ---- */

static mms_about about_of(const mms_client *client, const mms_entry *e)
{
    return (mms_about){.request = e - client->entries + 1, .worker = e->server};
}

/* What a command's end is in the logs of client and server. */
static void log_end(mms_client *client, const mms_entry *e, const char *traceback)
{
    const int64_t id = e - client->entries + 1;

    if (!e->server)
        return;
    if (traceback)
        mms_client_log_say(client->log, e->server, true, e->mode,
                           "Exception executing command request via %s: %s", e->mode, traceback);
    mms_client_log_say(client->log, e->server, false, e->mode,
                       "Command request with id %" PRId64
                       " successfully processed in %s mode, sending back response ...",
                       id, e->mode);
    if (traceback)
        mms_client_log_say(client->log, 0, true, "response",
                           "Command request with id %" PRId64
                           " failed in server n# %d with traceback %s",
                           id, e->server, traceback);
    else
        mms_client_log_say(client->log, 0, false, "response",
                           "Command request with id %" PRId64
                           " successfully handled by server n# %d",
                           id, e->server);
}

static void count_end(struct server *server, const mms_entry *e)
{
    server->ndone++;
    server->nfailed += e->class != NULL;
    server->cpu_s += e->usage.user_s + e->usage.system_s;
    if (e->usage.pid)
        server->max_rss_kib = e->usage.max_rss_kib;
    if (e->class)
        snprintf(server->last_error, sizeof server->last_error, "%s: %s", e->class, e->message);
}

/* It has ended, well or not: its server is free, what it asked for is not needed any more. */
static void finish(mms_client *client, mms_entry *e, const char *status)
{
    const int64_t id = e - client->entries + 1;
    char *const traceback =
        e->class && mms_client_log_is_kept(client->log) ? mms_entry_traceback(e) : NULL;

    log_end(client, e, traceback);
    free(traceback);
    if (e->server && client->servers[e->server - 1].entry == id - 1) {
        client->servers[e->server - 1].entry = -1;
        mms_pulse_watch(&client->servers[e->server - 1].pulse, 0, false);
        note_free(client, e->server);
    }
    e->status = status;
    e->stop_s = mms_unix_s();
    e->state = MMS_DONE;
    if (e->server)
        count_end(&client->servers[e->server - 1], e);
    MMS_TELL("client", "response", about_of(client, e),
             json_pack("{s:s, s:s*, s:f}", "status", status, "class", e->class, "seconds",
                       e->start_s > 0 ? e->stop_s - e->start_s : 0.0));
    mms_queue_end(client->queue, id, e->server);
    mms_value_free(&e->needs);
    mms_value_free(&e->program);
    client->ndone++;
    note_end(client, id);
}

/* What a text leaves on its server is kept whatever it was. */
static void take_state(mms_client *client, const mms_entry *e, const mms_value *value)
{
    struct server *const server = &client->servers[e->server - 1];
    mms_value *const left = json_object_get(value, "state");

    if (!left || strcmp(mms_entry_kind(e), MMS_TEXT_UNIT))
        return;
    mms_value_free(&server->state);
    server->state = json_incref(left);
}

/* A large result stays where it has arrived, unread. */
static mms_kept *keep_beside(const mms_frame *frame, char **whole)
{
    mms_kept *const kept = whole ? mms_kept_take(whole, frame->beside, frame->nbeside) : NULL;

    return kept ? kept : mms_kept_make_text(frame->beside, frame->nbeside);
}

static void take_answer(mms_client *client, mms_entry *e, const mms_frame *frame, char **whole)
{
    const mms_value *const body = frame->body;
    const char *const text = mms_text_of(body, "message");
    const bool died = json_is_true(json_object_get(body, "died"));
    char *const how = died ? mms_format("server %d %s", e->server, text) : NULL;
    mms_kept *large = frame->nbeside ? keep_beside(frame, whole) : NULL;

    mms_entry_take(e, body, how ? how : text, large);
    if (frame->nbeside && !large)
        mms_entry_fail(e, MMS_ERR_MEM, NULL, "client: out of memory for a result");
    mms_kept_free(&large);
    mms_kept_put(&e->value, &client->store);
    take_state(client, e, json_object_get(body, "value"));
    if (died)
        mms_log(MMS_LOG_WARN, "client", "server %d %s; another takes its place", e->server, text);
    finish(client, e, "response received");
    free(how);
}

/* A rank says where it is with the first answer to a ping. */
static void take_place(mms_client *client, int number, const char *data, size_t size)
{
    mms_frame frame;

    if (mms_frame_type_of(data) != MMS_FRAME_PONG ||
        mms_frame_decode(data, size, &frame, NULL) != MMS_OK)
        return;
    know_place(client, number, mms_text_of(frame.body, "host"),
               json_integer_value(json_object_get(frame.body, "pid")));
    mms_value_free(&frame.body);
}

static void take_event(mms_client *client, int worker, mms_entry *e, mms_value *body)
{
    const mms_value *const partial = json_object_get(body, "partial");
    const char *scope, *text;
    int level;

    if (partial) {
        e->npartials++;
        MMS_TELL("client", "partial", about_of(client, e),
                 json_pack("{s:i}", "count", e->npartials));
        if (client->partial)
            client->partial(client->ctx, e - client->entries + 1, partial);
    } else if (!json_unpack(body, "{s:[i, s, s]}", "log", &level, &scope, &text)) {
        mms_client_log_line(client->log, worker + 1, (mms_level)level, scope, text);
    }
}

static void take_message(void *ctx, int peer, const char *data, size_t size, char **whole)
{
    mms_client *const client = ctx;
    const int worker = mms_engine_worker_of_peer(client->engine, peer);
    const int64_t at = client->servers[worker].entry;
    mms_frame frame;
    mms_error err;

    mms_pulse_take(&client->servers[worker].pulse, data, size);
    take_place(client, worker + 1, data, size);
    if (at < 0 || mms_frame_request_of(data) != request_of(client, at))
        return; /* of a command that was given up */
    if (mms_frame_decode(data, size, &frame, &err) != MMS_OK) {
        frame = (mms_frame){.type = MMS_FRAME_RESPONSE};
        frame.body = json_pack("{s:b, s:s}", "died", 1, "message", err.msg);
    }
    if (frame.type == MMS_FRAME_RESPONSE)
        take_answer(client, &client->entries[at], &frame, whole);
    else
        take_event(client, worker, &client->entries[at], frame.body);
    mms_value_free(&frame.body);
}

/* ---- hand out ---- */

/* What a command's way to its server is in the logs of both. */
static void log_sent(mms_client *client, const mms_entry *e)
{
    const int64_t id = e - client->entries + 1;
    const pid_t pid = mms_engine_pid(client->engine, e->server - 1);
    const char *const mode = e->mode, *const command = e->command;

    if (pid > 0)
        know_place(client, e->server, client->servers[e->server - 1].host, pid);
    mms_client_log_say(client->log, 0, false, "queue",
                       "Command request with id# %" PRId64 " sent to server n# %d", id, e->server);
    mms_client_log_say(client->log, e->server, false, mode, "Received command request msg: %s",
                       command);
    if (!strcmp(mode, "eval"))
        mms_client_log_say(client->log, e->server, false, mode,
                           "Going to evaluate command request with id# %" PRId64
                           " as an expression via eval: %s",
                           id, command);
    else if (!strcmp(mode, "exec"))
        mms_client_log_say(client->log, e->server, false, mode,
                           "Going to execute command request with id# %" PRId64
                           " as a statement via exec: %s",
                           id, command);
    else if (!strcmp(mode, "push"))
        mms_client_log_say(client->log, e->server, false, mode,
                           "Command request with id# %" PRId64 " is a push operation", id);
}

/* Log lines of a unit that somebody wants. */
static int level_of_lines(const mms_client *client)
{
    const int level = mms_engine_log_level();

    return mms_client_log_is_kept(client->log) && level < MMS_LOG_INFO ? MMS_LOG_INFO : level;
}

static void send_entry(mms_client *client, mms_entry *e, int server)
{
    mms_value *const state = client->servers[server - 1].state;
    const uint64_t request = request_of(client, e - client->entries);
    mms_message message;
    mms_error err;
    mms_status st;

    e->server = server;
    e->state = MMS_SENT;
    e->sent_ns = mms_now_ns();
    e->kill_ns = INT64_MAX;
    client->servers[server - 1].entry = e - client->entries;
    mms_pulse_watch(&client->servers[server - 1].pulse, e->stall_s, e->program);
    e->status = "request sent";
    e->start_s = mms_unix_s();
    st = mms_frame_encode(
        MMS_FRAME_COMMAND, request,
        json_pack("{s:s, s:o, s:i, s:i, s:I, s:O*, s:s}", "kind", mms_entry_kind(e), "request",
                  mms_entry_request(e, state), "level", level_of_lines(client), "worker", server,
                  "memory", (json_int_t)e->memory, "settings", json_object_get(state, "settings"),
                  "beside", mms_entry_beside(e)),
        &message, &err);
    if (st == MMS_OK && e->fresh)
        mms_hub_renew(mms_engine_hub(client->engine), server - 1);
    if (st == MMS_OK)
        st = mms_engine_send(client->engine, server - 1, message, &err);
    if (st == MMS_OK) {
        log_sent(client, e);
        MMS_TELL("client", "dispatch", about_of(client, e),
                 json_pack("{s:s, s:o}", "mode", e->mode, "command", mms_text_value(e->command)));
        return;
    }
    mms_entry_fail(e, st, NULL, err.msg);
    finish(client, e, "response received");
}

static void hand_out(mms_client *client)
{
    int64_t id;
    int server;

    while (mms_queue_next(client->queue, &id, &server))
        send_entry(client, &client->entries[id - 1], server);
}

/* ---- limits, servers that are stopped ---- */

/* End what runs, for a reason; programs get time. */
static void end_entry(mms_client *client, mms_entry *e, const char *why)
{
    const bool program = e->program;

    if (e->kill_ns != INT64_MAX)
        return;
    e->ended_for = why;
    MMS_TELL("client", "cancel", about_of(client, e), json_pack("{s:s}", "class", why));
    e->kill_ns = mms_now_ns() + (program ? (MMS_PROGRAM_GRACE_S + 1) * second_ns : 0);
    if (program)
        mms_engine_signal(client->engine, e->server - 1, request_of(client, e - client->entries),
                          SIGTERM);
}

/* Servers that have nothing to do are looked at less often: that is what an idle client costs. */
static int64_t between_looks(const mms_client *client)
{
    const double idle_ns = client->frozen_s < 2.5 ? client->frozen_s * 1e8 : 2.5e8;

    return client->ndone < client->n || idle_ns < (double)tick.tv_nsec ? tick.tv_nsec
                                                                       : (int64_t)idle_ns;
}

static void look_at_server(mms_client *client, int number)
{
    struct server *const s = &client->servers[number - 1];
    double since_s;

    switch (mms_pulse_look(&s->pulse, mms_engine_hub(client->engine), number - 1, client->frozen_s,
                           between_looks(client), &since_s)) {
    case MMS_PULSE_LOST:
        MMS_TELL("client", "timeout", (mms_about){.worker = number},
                 json_pack("{s:f}", "seconds", since_s));
        mms_log(MMS_LOG_ERROR, "client",
                "Ping status response from server %d not received in the last %.0fs. Setting its "
                "status to 'timeout'",
                number, since_s);
        mms_client_log_say(client->log, 0, true, "monitor",
                           "Ping status response from server %d not received in the last %.0fs. "
                           "Setting its status to 'timeout'",
                           number, since_s);
        break;
    case MMS_PULSE_BACK:
        MMS_TELL("client", "recover", (mms_about){.worker = number},
                 json_pack("{s:f}", "seconds", since_s));
        mms_client_log_tell(client->log, MMS_LOG_WARN, "monitor",
                            "Ping status response from server %d received after %.0fs", number,
                            since_s);
        break;
    default:
        break;
    }
    note_free(client, number);
}

static void look_around(mms_client *client)
{
    static const int64_t apart_ns = 1000000; /* a turn may be one answer of many servers */
    const int64_t now = mms_now_ns();

    if (now < client->next_limits_ns)
        return;
    client->next_limits_ns = now + apart_ns;
    for (int s = 1; s <= client->nservers; s++) {
        const int64_t at = client->servers[s - 1].entry;
        mms_entry *const e = at < 0 ? NULL : &client->entries[at];
        if (e && e->limit_s > 0 && (double)(now - e->sent_ns) > e->limit_s * 1e9)
            end_entry(client, e, "timeout");
        if (e && mms_still_is(&client->servers[s - 1].pulse.still))
            end_entry(client, e, "stalled");
        if (e && e->kill_ns <= now)
            mms_engine_signal(client->engine, s - 1, request_of(client, at), SIGKILL);
    }
    if (now < client->next_look_ns)
        return;
    client->next_look_ns = now + between_looks(client);
    for (int s = 1; s <= client->nservers; s++)
        look_at_server(client, s);
}

/* What is to be waited for from now on: sockets of workers, and time where that matters. */
static void set_wake(mms_client *client)
{
    static const int64_t probe_ns = 10000000;
    const mms_hub *const hub = mms_engine_hub(client->engine);
    const int bell = mms_hub_bell(hub);
    bool sockets = !hub->module || (bell >= 0 && !hub->module->pending());

    if (bell >= 0)
        mms_wake_watch(client->wake, bell);
    for (int i = 0; i < mms_pool_slots(hub->pool); i++) {
        const int fd = mms_pool_socket(hub->pool, i);
        if (fd >= 0)
            mms_wake_watch(client->wake, fd);
    }
    sockets = sockets && !mms_wants_inline();
    mms_wake_tick(client->wake, client->ndone == client->n ? 0 : sockets ? tick.tv_nsec : probe_ns);
    mms_wake_look(client->wake, client, mms_client_have_all);
}

mms_status mms_client_wake(mms_client *client, mms_wake **out, mms_error *err)
{
    const mms_status st = client->wake ? MMS_OK : mms_wake_open(&client->wake, err);

    *out = client->wake;
    if (st == MMS_OK && client->state == MMS_CLIENT_STARTED)
        set_wake(client);
    return st;
}

int mms_client_fd(mms_client *client)
{
    mms_wake *wake;
    mms_error ignored;

    return mms_client_wake(client, &wake, &ignored) == MMS_OK ? mms_wake_fd(wake) : -1;
}

/* For who asks by SIGUSR2. */
static void log_standing(const mms_client *client)
{
    mms_log(MMS_LOG_INFO, "client", "%" PRId64 " of %" PRId64 " commands have ended", client->ndone,
            client->n);
    for (int s = 0; s < client->nservers; s++)
        if (client->servers[s].entry >= 0)
            mms_log(MMS_LOG_INFO, "client", "server %d: command %" PRId64 ", %s", s + 1,
                    client->servers[s].entry + 1,
                    client->entries[client->servers[s].entry].command);
}

/* Hand out, wait for at most a moment, take what came. */
static mms_status turn(mms_client *client, const struct timespec *wait, mms_error *err)
{
    sigset_t before;
    int n, errnum;

    if (client->state != MMS_CLIENT_STARTED)
        return MMS_OK;
    look_around(client);
    hand_out(client);
    mms_stop_block(&before);
    n = mms_stop_signal() ? 0
                          : mms_hub_wait(mms_engine_hub(client->engine), wait, true, &before,
                                         take_message, client);
    errnum = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hand_out(client);
    if (mms_stop_is_asked())
        log_standing(client);
    if (client->wake)
        set_wake(client);
    return n < 0 ? mms_fail_errno(err, errnum, "cannot wait for servers") : MMS_OK;
}

void mms_client_poll(mms_client *client)
{
    static const struct timespec nothing = {0};
    mms_error ignored;

    (void)!turn(client, &nothing, &ignored);
}

/* ---- wait ---- */

static bool is_any_server_left(const mms_client *client)
{
    for (int s = 0; s < client->nservers; s++)
        if (!client->servers[s].pulse.timed_out)
            return true;
    return false;
}

typedef bool is_so(const mms_client *client, int64_t n, const int64_t *ids);

static mms_status wait_for(mms_client *client, is_so *so, int64_t n, const int64_t *ids,
                           double limit_s, mms_error *err)
{
    const int64_t begin = mms_now_ns();
    mms_status st = MMS_OK;

    while (st == MMS_OK && !so(client, n, ids)) {
        if (mms_stop_signal())
            return mms_fail(err, MMS_ERR_STOPPED, "stopped by signal %d", mms_stop_signal());
        if (!is_any_server_left(client))
            return mms_fail(err, MMS_ERR_WORKER, "no server is left: all have timed out");
        if (limit_s >= 0 && (double)(mms_now_ns() - begin) > limit_s * 1e9)
            return mms_fail(err, MMS_ERR_WORKER, "no response within %g s", limit_s);
        st = turn(client, &tick, err);
    }
    return st;
}

/* ---- push ---- */

static mms_status check_targets(mms_client *client, int64_t n, const int *targets, mms_error *err)
{
    look_around(client);
    for (int64_t i = 0; i < n; i++) {
        if (targets[i] < 1 || targets[i] > client->nservers)
            return mms_fail(err, MMS_ERR_ARG, "Server #%d does not exist", targets[i]);
        if (client->servers[targets[i] - 1].pulse.timed_out)
            return mms_fail(err, MMS_ERR_ARG, "Server #%d has timed out", targets[i]);
    }
    return MMS_OK;
}

/* The first member that is no name of a variable; NULL: there is none. */
static const char *wrong_name(const mms_value *parameters)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    const char *name;
    mms_value *value;

    json_object_foreach((mms_value *)parameters, name, value)
    {
        if (!*name || name[strspn(name, letters)] || (*name >= '0' && *name <= '9'))
            return name;
    }
    return NULL;
}

static mms_status check_command(const mms_client *client, const mms_command *c, const char **mode,
                                mms_error *err)
{
    const bool program = c->argv && c->argv[0];

    if (!!c->kind + program + !!c->text != 1)
        return mms_fail(err, MMS_ERR_ARG,
                        "a command is a kind of unit, a program, or a text: one of them");
    if (c->text && !client->mode)
        return mms_fail(err, MMS_ERR_ARG,
                        "texts need mms_client_opts.mode, for instance mms_command_mode");
    if (c->parameters && !json_is_object(c->parameters))
        return mms_fail(err, MMS_ERR_ARG, "parameters of a command must be an object");
    if (c->argv && c->parameters)
        return mms_fail(err, MMS_ERR_ARG, "a program takes words, not parameters");
    if (c->text && wrong_name(c->parameters))
        return mms_fail(err, MMS_ERR_ARG, "a parameter of a text has no name that it can use: '%s'",
                        wrong_name(c->parameters));
    *mode = c->argv ? "program" : "task";
    if (c->text && !strcmp(c->text, "push"))
        *mode = "push";
    else if (c->text)
        return client->mode(c->text, mode, err);
    return MMS_OK;
}

/* Commands with the parameters of the last ones share them. */
static mms_status keep_parameters(mms_client *client, const mms_value *parameters, mms_error *err)
{
    if (!parameters || json_equal(client->parameters, parameters))
        return MMS_OK;
    mms_value_free(&client->parameters);
    mms_kept_free(&client->kept);
    client->kept = mms_kept_make(parameters);
    client->parameters = client->kept ? json_deep_copy(parameters) : NULL;
    return client->parameters ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "client: out of memory");
}

static mms_status push(mms_client *client, const mms_command *command, int64_t n,
                       const int *targets, int64_t *ids, mms_error *err)
{
    const int64_t before = client->n, count = n ? n : 1;
    const char *mode;
    mms_command all = MMS_COMMAND_INIT;
    int home;
    mms_status st;

    memcpy(&all, command, command->size < sizeof all ? command->size : sizeof all);
    MMS_TRY(check_command(client, &all, &mode, err));
    if (all.key && all.key_only && !n) {
        home = mms_queue_home(client->queue, all.key);
        if (!home)
            MMS_TRY(mms_fail(err, MMS_ERR_MEM, "client: out of memory"));
        targets = &home;
        n = 1;
    }
    MMS_TRY(check_targets(client, n, targets, err));
    MMS_TRY(mms_queue_check(client->queue, all.needs, err));
    MMS_TRY(mms_grow(&client->entries, &client->capacity, before + count, sizeof *client->entries,
                     err));
    MMS_TRY(keep_parameters(client, all.parameters, err));
    for (int64_t i = 0; i < count; i++) {
        mms_entry *const e = &client->entries[before + i];
        MMS_TRY(mms_entry_make(&all, mode, n ? targets[i] : 0, all.parameters ? client->kept : NULL,
                               e, err));
        st = mms_queue_add(client->queue, before + i + 1, e->target, e->needs, all.key, err);
        if (st != MMS_OK) {
            mms_entry_free(e);
            goto done;
        }
        ids[i] = ++client->n;
    }
    mms_client_poll(client);
done:
    for (; st != MMS_OK && client->n > before; client->n--) {
        mms_queue_end(client->queue, client->n, 0);
        mms_entry_free(&client->entries[client->n - 1]);
    }
    return st;
}

/* Fewer are queued than may be, with n more. */
static bool has_room(const mms_client *client, int64_t n, const int64_t *ids)
{
    const int64_t waiting = mms_queue_waiting(client->queue);

    (void)ids;
    return !waiting || waiting + n <= client->most_queued;
}

mms_status mms_client_push(mms_client *client, const mms_command *command, int64_t n,
                           const int *targets, int64_t *ids, mms_error *err)
{
    mms_error why = {0};
    mms_status st;

    if (client->state != MMS_CLIENT_STARTED) {
        mms_client_log_tell(client->log, MMS_LOG_WARN, "push", "%s", tell_state(client));
        return mms_fail(err, MMS_ERR_ARG, "%s", tell_state(client));
    }
    if (n < 0 || (n && !targets))
        MMS_TRY(mms_fail(&why, MMS_ERR_ARG,
                         "a command has %" PRId64 " targets, which are not given", n));
    MMS_TRY(wait_for(client, has_room, n ? n : 1, NULL, -1, &why));
    st = push(client, command, n, targets, ids, &why);
done:
    if (st == MMS_OK)
        return st;
    mms_client_log_say(client->log, 0, true, "push", "%s", why.msg);
    return mms_fail(err, st, "%s", why.msg);
}

/* ---- responses ---- */

mms_status mms_client_check_ids(const mms_client *client, int64_t n, const int64_t *ids,
                                mms_error *err)
{
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 1 || ids[i] > client->n || !client->entries[ids[i] - 1].command)
            return mms_fail(err, MMS_ERR_ARG, "there is no command with id %" PRId64, ids[i]);
    return MMS_OK;
}

/* Whether the server that a command has, or waits for, has timed out. */
static bool is_timed_out(const mms_client *client, const mms_entry *e)
{
    const int server = e->server ? e->server : e->target;

    return e->state != MMS_DONE && server && client->servers[server - 1].pulse.timed_out;
}

/* The server's process, of a rank or a local worker. */
static int64_t pid_of(const mms_client *client, int server)
{
    const pid_t pid = client->engine ? mms_engine_pid(client->engine, server - 1) : 0;

    return pid < 0 ? client->servers[server - 1].pid : pid;
}

/* The answer in place of one whose server does not answer: it is not kept. */
static mms_value *tell_timeout(const mms_client *client, const mms_entry *e)
{
    const int server = e->server ? e->server : e->target;
    const struct server *const s = &client->servers[server - 1];
    char *const text =
        mms_format("Timeout of assigned server n# %d deployed at %s with PID %" PRId64, server,
                   s->host, pid_of(client, server));
    mms_entry instead = *e;
    mms_value *response;

    mms_client_log_say(client->log, 0, true, "responses",
                       "Command request with id# %" PRId64
                       " sent to server n# %d, but the server has timed out",
                       (int64_t)(e - client->entries) + 1, server);
    instead.status = "timeout";
    instead.start_s = 0;
    mms_entry_fail(&instead, MMS_ERR_WORKER, "timeout", text);
    response = mms_entry_response(&instead, e - client->entries + 1, s->host);
    free(instead.message);
    free(text);
    return response;
}

bool mms_client_have_all(const mms_client *client, int64_t n, const int64_t *ids)
{
    for (int64_t i = 0; i < n; i++) {
        const mms_entry *const e = &client->entries[ids[i] - 1];
        if (e->state != MMS_DONE && !is_timed_out(client, e))
            return false;
    }
    return true;
}

static bool were_sent(const mms_client *client, int64_t n, const int64_t *ids)
{
    for (int64_t i = 0; i < n; i++)
        if (client->entries[ids[i] - 1].state == MMS_QUEUED)
            return false;
    return true;
}

/* Something has ended, or nothing is left that could. */
static bool have_any(const mms_client *client, int64_t n, const int64_t *ids)
{
    (void)n, (void)ids;
    return client->first_done || client->ndone == client->n;
}

static mms_value *tell_response(const mms_client *client, const mms_entry *e)
{
    return mms_entry_response(e, e - client->entries + 1,
                              e->server ? client->servers[e->server - 1].host : "");
}

mms_status mms_client_responses(mms_client *client, int64_t n, const int64_t *ids, bool block,
                                double limit_s, mms_value **out, mms_error *err)
{
    mms_value *list;
    mms_status st;

    *out = NULL;
    MMS_TRY(mms_client_check_ids(client, n, ids, err));
    mms_client_poll(client);
    if (block)
        st = wait_for(client, mms_client_have_all, n, ids, limit_s, err);
    if (st != MMS_OK && st != MMS_ERR_WORKER)
        return st;
    *out = list = json_array();
    for (int64_t i = 0; list && i < n; i++) {
        const mms_entry *const e = &client->entries[ids[i] - 1];
        if (e->state == MMS_DONE)
            json_array_append_new(list, tell_response(client, e));
        else if (is_timed_out(client, e))
            json_array_append_new(list, tell_timeout(client, e));
    }
    if (!list)
        st = mms_fail(err, MMS_ERR_MEM, "client: out of memory");
done:
    return st;
}

void mms_client_tell_pending(mms_client *client, int64_t n, const int64_t *ids)
{
    for (int64_t i = 0; i < n; i++) {
        const mms_entry *const e =
            ids[i] < 1 || ids[i] > client->n ? NULL : &client->entries[ids[i] - 1];
        char server[16] = "None";
        if (!e || !e->command || e->state == MMS_DONE)
            continue;
        if (e->server || e->target)
            snprintf(server, sizeof server, "%d", e->server ? e->server : e->target);
        mms_client_log_say(client->log, 0, false, "responses",
                           "Command request with id# %" PRId64
                           " is in %s state assigned to server %s",
                           ids[i], e->status, server);
    }
}

mms_status mms_client_run(mms_client *client, const mms_command *command, int64_t n,
                          const int *targets, mms_value **out, mms_error *err)
{
    int64_t *const ids = mms_alloc(n ? n : 1, sizeof *ids);
    mms_status st;

    *out = NULL;
    if (!ids)
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    st = mms_client_push(client, command, n, targets, ids, err);
    if (st == MMS_OK)
        st = mms_client_responses(client, n ? n : 1, ids, true, -1, out, err);
    free(ids);
    return st;
}

mms_status mms_client_cancel(mms_client *client, int64_t n, const int64_t *ids, mms_error *err)
{
    const mms_status st = mms_client_check_ids(client, n, ids, err);

    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        mms_entry *const e = &client->entries[ids[i] - 1];
        if (e->state == MMS_QUEUED) {
            mms_entry_fail(e, MMS_ERR_STOPPED, "cancelled", "cancelled");
            finish(client, e, "cancelled");
        } else if (e->state == MMS_SENT) {
            end_entry(client, e, "cancelled");
        }
    }
    if (st == MMS_OK)
        mms_client_poll(client);
    return st;
}

/* All has ended that can: what is left has a server that has timed out, or waits for it. */
static bool have_ended(const mms_client *client, int64_t n, const int64_t *ids)
{
    (void)n, (void)ids;
    for (int s = 0; client->ndone < client->n && s < client->nservers; s++) {
        const struct server *const server = &client->servers[s];
        if (!server->pulse.timed_out && (server->entry >= 0 || server->pulse.since_ns))
            return false;
    }
    return client->ndone == client->n || is_any_server_left(client);
}

mms_status mms_client_finish(mms_client *client, bool drain, double limit_s, mms_error *err)
{
    for (int64_t i = 0; !drain && i < client->n; i++) {
        mms_entry *const e = &client->entries[i];
        if (e->state != MMS_QUEUED)
            continue;
        mms_entry_fail(e, MMS_ERR_STOPPED, "cancelled", "cancelled");
        finish(client, e, "cancelled");
    }
    mms_client_poll(client);
    return wait_for(client, have_ended, 0, NULL, limit_s, err);
}

mms_status mms_client_forget(mms_client *client, int64_t n, const int64_t *ids, mms_error *err)
{
    mms_status st = mms_client_check_ids(client, n, ids, err);

    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        if (client->entries[ids[i] - 1].state != MMS_DONE)
            st =
                mms_fail(err, MMS_ERR_ARG, "the command with id %" PRId64 " has not ended", ids[i]);
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        mms_entry_free(&client->entries[ids[i] - 1]);
    }
    return st;
}

mms_status mms_client_next(mms_client *client, double limit_s, int64_t *id, mms_error *err)
{
    mms_status st;

    mms_client_poll(client);
    do {
        *id = 0;
        st = wait_for(client, have_any, 0, NULL, limit_s, err);
        if (st != MMS_OK || !client->first_done)
            return st;
        *id = client->first_done;
        client->first_done = client->entries[*id - 1].next_done;
    } while (!client->entries[*id - 1].command);
    return st;
}

mms_status mms_client_wait_sent(mms_client *client, int64_t n, const int64_t *ids, double limit_s,
                                mms_error *err)
{
    const mms_status st = mms_client_check_ids(client, n, ids, err);

    if (st != MMS_OK)
        return st;
    mms_client_poll(client);
    return wait_for(client, were_sent, n, ids, limit_s, err);
}

/* ---- tables ---- */

mms_status mms_client_set_log_level(mms_client *client, const char *level, mms_error *err)
{
    mms_error why = {0};
    const mms_status st = mms_client_log_set_level(client->log, level, &why);

    if (st == MMS_OK)
        return st;
    mms_log(MMS_LOG_WARN, "client", "%s", why.msg);
    return mms_fail(err, st, "%s", why.msg);
}

mms_status mms_client_set_log_filters(mms_client *client, int64_t n, const char *const *texts,
                                      mms_error *err)
{
    return mms_client_log_set_filters(client->log, n, texts, err);
}

/* A moment of our clock as seconds since 1970; null: there was none. */
static mms_value *time_of(int64_t at_ns)
{
    return at_ns ? json_real(mms_unix_s() - (double)(mms_now_ns() - at_ns) * 1e-9) : json_null();
}

static const char *tell_server(const mms_client *client, const struct server *s)
{
    if (client->state != MMS_CLIENT_STARTED)
        return client->state == MMS_CLIENT_STOPPED ? "stopped" : "starting";
    return s->pulse.timed_out ? "timeout" : s->entry >= 0 ? "busy" : "idle";
}

static mms_value *status_of(const mms_client *client, int number)
{
    const struct server *const s = &client->servers[number - 1];
    const mms_entry *const e = s->entry < 0 ? NULL : &client->entries[s->entry];

    return json_pack(
        "{s:i, s:o, s:I, s:b, s:o, s:o, s:b, s:o, s:o, s:b, s:s, s:o, s:I, s:I, s:f, s:f, s:o, "
        "s:s}",
        "rank", number, "processor", *s->host ? mms_text_value(s->host) : json_null(), "pid",
        (json_int_t)pid_of(client, number), "busy", e != NULL, "command",
        e ? mms_text_value(e->command) : json_null(), "command_start_time",
        e ? json_real(e->start_s) : json_null(), "pong_pending", s->pulse.pinged, "ping_time",
        s->pulse.pinged || s->pulse.pong_ns ? time_of(s->pulse.ping_ns) : json_null(), "pong_time",
        time_of(s->pulse.pong_ns), "timeout", s->pulse.timed_out, "state", tell_server(client, s),
        "request", e ? json_integer(s->entry + 1) : json_null(), "commands_done",
        (json_int_t)s->ndone, "commands_failed", (json_int_t)s->nfailed, "cpu_s", s->cpu_s,
        "rss_mib", (double)s->max_rss_kib / 1024, "last_error",
        *s->last_error ? mms_text_value(s->last_error) : json_null(), "version", mms_version());
}

mms_value *mms_client_status(mms_client *client)
{
    mms_value *const list = json_array();

    mms_client_poll(client);
    learn_hosts(client);
    for (int s = 1; s <= client->nservers; s++)
        json_array_append_new(list, status_of(client, s));
    return list;
}

mms_value *mms_client_commands(const mms_client *client)
{
    mms_value *const list = json_array();

    for (int64_t i = 0; i < client->n; i++)
        if (client->entries[i].command)
            json_array_append_new(list, mms_entry_record(&client->entries[i], i + 1));
    return list;
}
