/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file commands.c  Commands pushed to servers, and their responses (spec job-engine 1.6 to 1.11).
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "client_log_priv.h"
#include "engine_priv.h"
#include "events_priv.h"
#include "multims/client.h"
#include "program.h"
#include "queue_priv.h"

static const struct timespec tick = {.tv_nsec = 100000000};
static const int64_t second_ns = 1000000000;

/* The kind of unit that runs texts. */
#define MMS_TEXT_UNIT "command"

typedef enum state { QUEUED, SENT, DONE } state;

/* A command that was pushed. */
struct entry {
    state state;
    int target, server;  /* 0: any; not yet given to one */
    const char *kind;    /* of the unit: points into record or is static */
    mms_value *record;   /* command, parameters, mode, id, server, status */
    mms_value *request;  /* what the unit gets */
    mms_value *response; /* NULL until DONE */
    mms_value *needs;    /* of what is counted; NULL: nothing */
    double limit_s;
    bool fresh;
    int64_t sent_ns, kill_ns; /* kill_ns: when SIGKILL follows SIGTERM */
    const char *ended_for;    /* why we end it: an error's class; NULL: we don't */
    int64_t next_done;        /* id of the one that ended after it; 0: none yet */
};

struct server {
    int64_t entry; /* -1: free */
    mms_pulse pulse;
    mms_value *state; /* what text commands have left: variables, folder, …; NULL: nothing yet */
    char host[256];   /* "" not known yet */
    int64_t pid;      /* of a rank */
};

struct mms_client {
    mms_engine *engine;
    int nservers;
    double frozen_s;
    mms_status (*mode)(const char *text, const char **mode, mms_error *err);
    struct server *servers;
    struct entry *entries; /* entry of id is entries[id - 1] */
    int64_t n, capacity;
    mms_queue *queue;              /* of the entries that are QUEUED */
    int64_t first_done, last_done; /* ids of what has ended and mms_client_next() has not told */
    int64_t ndone;
    int64_t next_look_ns, next_limits_ns;
    mms_client_log *log;
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

static void name_servers(mms_client *client)
{
    for (int s = 0; s < client->nservers; s++) {
        client->servers[s].entry = -1;
        note_free(client, s + 1);
        if (mms_engine_pid(client->engine, s) < 0)
            continue;
        gethostname(client->servers[s].host, sizeof client->servers[s].host - 1);
        mms_client_log_know(client->log, s + 1, client->servers[s].host, 0);
    }
}

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
    if (mms_is_worker() && !mms_wants_inline())
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "MPICommandClient can only be instantiated at master MPI process: this "
                         "one is a server's worker"));
    engine.workers = all.servers;
    engine.scope = "client";
    engine.program = all.program;
    engine.worker_timeout_s = all.frozen_s;
    engine.spares = true;
    MMS_TRY(mms_engine_open(&engine, &client->engine, err));
    client->nservers = mms_engine_workers(client->engine);
    client->frozen_s = all.frozen_s;
    client->mode = all.mode;
    client->servers = mms_alloc(client->nservers, sizeof *client->servers);
    if (!client->servers)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "client: out of memory"));
    MMS_TRY(mms_queue_open(client->nservers, all.totals, &client->queue, err));
    MMS_TRY(mms_client_log_open(&all, client->nservers, &client->log, err));
    name_servers(client);
    if (mms_client_log_is_apart(client->log))
        learn_hosts(client);
    mms_client_log_say(client->log, 0, false, "open", "All services started");
done:
    if (st != MMS_OK)
        mms_client_close(out);
    return st;
}

int mms_client_servers(const mms_client *client)
{
    return client->nservers;
}

void mms_client_close(mms_client **client)
{
    mms_client *const c = *client;

    *client = NULL;
    if (!c)
        return;
    mms_engine_close(&c->engine);
    if (c->log)
        mms_client_log_say(c->log, 0, false, "close", "All services stopped");
    mms_client_log_close(&c->log);
    mms_wake_close(&c->wake);
    mms_queue_close(&c->queue);
    for (int64_t i = 0; i < c->n; i++) {
        if (c->entries[i].state == SENT && c->servers[c->entries[i].server - 1].pulse.silent)
            mms_world_note_unanswered();
        mms_value_free(&c->entries[i].record);
        mms_value_free(&c->entries[i].request);
        mms_value_free(&c->entries[i].response);
        mms_value_free(&c->entries[i].needs);
    }
    for (int s = 0; c->servers && s < c->nservers; s++)
        mms_value_free(&c->servers[s].state);
    free(c->entries);
    free(c->servers);
    free(c);
}

/* ---- answers ---- */

/* What CASA's scripts look for at the beginning of a traceback's last line, and our class. */
static void name_error(mms_status st, const char **label, const char **name)
{
    static const struct {
        mms_status st;
        const char *label, *name;
    } names[] = {
        {MMS_ERR_ARG, "ValueError", "value"},
        {MMS_ERR_RANGE, "ValueError", "value"},
        {MMS_ERR_SHAPE, "ValueError", "value"},
        {MMS_ERR_SELECT, "ValueError", "value"},
        {MMS_ERR_NOT_FOUND, "IOError", "notfound"},
        {MMS_ERR_EXISTS, "IOError", "io"},
        {MMS_ERR_IO, "IOError", "io"},
        {MMS_ERR_TABLE, "IOError", "io"},
        {MMS_ERR_SPACE, "IOError", "nospace"},
        {MMS_ERR_MEM, "MemoryError", "memory"},
        {MMS_ERR_EMPTY, "MSSelectionNullSelection", "nullselection"},
        {MMS_ERR_WORKER, "WorkerError", "crash"},
        {MMS_ERR_STOPPED, "EngineError", "cancelled"},
    };

    *label = "EngineError";
    *name = "internal";
    for (int64_t i = 0; i < MMS_COUNT_OF(names); i++)
        if (names[i].st == st) {
            *label = names[i].label;
            *name = names[i].name;
        }
}

/* The label of an error's class, as spec job-engine 2.8 has it. */
static const char *label_of(const char *name)
{
    static const char *const labels[][2] = {{"import", "ImportError"},
                                            {"name", "NameError"},
                                            {"arithmetic", "ZeroDivisionError"},
                                            {"type", "TypeError"},
                                            {"index", "IndexError"},
                                            {"key", "KeyError"},
                                            {"value", "ValueError"},
                                            {"syntax", "SyntaxError"},
                                            {"io", "IOError"},
                                            {"notfound", "IOError"},
                                            {"nospace", "IOError"},
                                            {"crash", "WorkerError"},
                                            {"timeout", "Timeout"},
                                            {"nullselection", "MSSelectionNullSelection"}};

    for (int64_t i = 0; i < MMS_COUNT_OF(labels); i++)
        if (!strcmp(labels[i][0], name))
            return labels[i][1];
    return "EngineError";
}

/* The response of a failed command. */
static mms_value *tell_failure(const struct entry *e, mms_status st, const char *ended_for,
                               const char *text, mms_value *ret)
{
    const char *label, *name;
    char *traceback;
    mms_value *response;

    name_error(st, &label, &name);
    if (ended_for) {
        name = ended_for;
        label = label_of(name);
    }
    traceback = mms_format("Traceback (multims, innermost last):\n  at %s on server %d\n%s: %s",
                           json_string_value(json_object_get(e->record, "command")), e->server,
                           label, text);
    response = json_pack("{s:b, s:o, s:n, s:{s:s, s:o}}", "successful", 0, "traceback",
                         mms_text_value(traceback ? traceback : text), "ret", "error", "class",
                         name, "message", mms_text_value(text));
    if (json_object_size(ret))
        json_object_set(json_object_get(response, "error"), "value", ret);
    free(traceback);
    return response;
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

/* What a command's end is in the logs of client and server. */
static void log_end(mms_client *client, const struct entry *e, const mms_value *response)
{
    const int64_t id = e - client->entries + 1;
    const char *const traceback = json_string_value(json_object_get(response, "traceback"));
    const char *const mode = json_string_value(json_object_get(e->record, "mode"));

    if (!e->server)
        return;
    if (traceback)
        mms_client_log_say(client->log, e->server, true, mode,
                           "Exception executing command request via %s: %s", mode, traceback);
    mms_client_log_say(client->log, e->server, false, mode,
                       "Command request with id %" PRId64
                       " successfully processed in %s mode, sending back response ...",
                       id, mode);
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

/* Store a response; it gets what was pushed, too. */
static void finish(mms_client *client, struct entry *e, mms_value *response, const char *status)
{
    log_end(client, e, response);
    if (e->server && client->servers[e->server - 1].entry == e - client->entries) {
        client->servers[e->server - 1].entry = -1;
        note_free(client, e->server);
    }
    json_object_set_new(e->record, "status", json_string(status));
    json_object_update_missing(response, e->record);
    json_object_set_new(response, "command_stop_time", json_real(mms_unix_s()));
    e->response = response;
    e->state = DONE;
    mms_queue_end(client->queue, e - client->entries + 1, e->server);
    mms_value_free(&e->needs);
    client->ndone++;
    note_end(client, e - client->entries + 1);
    mms_value_free(&e->request);
}

/* The answer of a text: a value, or an error that the language has a class for; what it leaves on
 * its server is kept whatever it was. */
static mms_value *take_text(mms_client *client, const struct entry *e, const mms_value *value)
{
    struct server *const server = &client->servers[e->server - 1];
    const mms_value *const error = json_object_get(value, "error");
    const char *const name = json_string_value(json_object_get(error, "class"));
    const char *const text = json_string_value(json_object_get(error, "message"));
    mms_value *const left = json_object_get(value, "state"), *ret = json_object_get(value, "ret");
    char *traceback;
    mms_value *response;

    if (left) {
        mms_value_free(&server->state);
        server->state = json_incref(left);
    }
    if (!name)
        return json_pack("{s:b, s:n, s:O}", "successful", 1, "traceback", "ret",
                         ret ? ret : json_null());
    traceback =
        mms_format("Traceback (multims, innermost last):\n  at command on server %d\n%s: %s",
                   e->server, label_of(name), text ? text : "");
    response = json_pack("{s:b, s:o, s:n, s:{s:s, s:o}}", "successful", 0, "traceback",
                         mms_text_value(traceback ? traceback : ""), "ret", "error", "class", name,
                         "message", mms_text_value(text ? text : ""));
    free(traceback);
    return response;
}

/* An integer modulo 0 in an expression ends casacore's process. */
static bool is_division(const struct entry *e, const char *text)
{
    return !strcmp(e->kind, MMS_TEXT_UNIT) && text && strstr(text, "killed by signal 8 ");
}

static void take_answer(mms_client *client, struct entry *e, const mms_value *body)
{
    const char *const text = json_string_value(json_object_get(body, "message"));
    mms_value *const value = json_object_get(body, "value");
    const bool died = json_is_true(json_object_get(body, "died"));
    const mms_status st =
        died ? MMS_ERR_WORKER : (mms_status)json_integer_value(json_object_get(body, "status"));
    char *const how = died ? mms_format("server %d %s", e->server, text ? text : "") : NULL;
    mms_value *response;

    if (st == MMS_OK && !strcmp(e->kind, MMS_TEXT_UNIT))
        response = take_text(client, e, value);
    else if (st == MMS_OK)
        response = json_pack("{s:b, s:n, s:O}", "successful", 1, "traceback", "ret", value);
    else
        response = tell_failure(e, st,
                                e->ended_for           ? e->ended_for
                                : is_division(e, text) ? "arithmetic"
                                                       : NULL,
                                how    ? how
                                : text ? text
                                       : "",
                                value);
    if (died)
        mms_log(MMS_LOG_WARN, "client", "server %d %s; another takes its place", e->server, text);
    finish(client, e, response, "response received");
    free(how);
}

/* A rank says where it is with the first answer to a ping. */
static void take_place(mms_client *client, int number, const char *data, size_t size)
{
    struct server *const s = &client->servers[number - 1];
    mms_frame frame;

    if (mms_frame_type_of(data) != MMS_FRAME_PONG ||
        mms_frame_decode(data, size, &frame, NULL) != MMS_OK)
        return;
    s->pid = json_integer_value(json_object_get(frame.body, "pid"));
    snprintf(s->host, sizeof s->host, "%s", mms_text_of(frame.body, "host"));
    mms_value_free(&frame.body);
    mms_client_log_know(client->log, number, s->host, s->pid);
}

static void take_message(void *ctx, int peer, const char *data, size_t size)
{
    mms_client *const client = ctx;
    const int worker = mms_engine_worker_of_peer(client->engine, peer);
    const int64_t at = client->servers[worker].entry;
    const char *scope, *text;
    mms_frame frame;
    mms_error err;
    int level;

    mms_pulse_take(&client->servers[worker].pulse, data, size);
    take_place(client, worker + 1, data, size);
    if (at < 0 || mms_frame_request_of(data) != (uint64_t)at + 1)
        return; /* of a command that was given up */
    if (mms_frame_decode(data, size, &frame, &err) != MMS_OK) {
        frame.type = MMS_FRAME_RESPONSE;
        frame.body = json_pack("{s:b, s:s}", "died", 1, "message", err.msg);
    }
    if (frame.type == MMS_FRAME_RESPONSE)
        take_answer(client, &client->entries[at], frame.body);
    else if (!json_unpack(frame.body, "{s:[i, s, s]}", "log", &level, &scope, &text))
        mms_client_log_line(client->log, worker + 1, (mms_level)level, scope, text);
    mms_value_free(&frame.body);
}

/* ---- hand out ---- */

/* What a command's way to its server is in the logs of both. */
static void log_sent(mms_client *client, const struct entry *e)
{
    const int64_t id = e - client->entries + 1;
    const pid_t pid = mms_engine_pid(client->engine, e->server - 1);
    const char *const mode = json_string_value(json_object_get(e->record, "mode"));
    const char *const command = json_string_value(json_object_get(e->record, "command"));

    if (pid > 0)
        mms_client_log_know(client->log, e->server, NULL, pid);
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

static void send_entry(mms_client *client, struct entry *e, int server)
{
    const mms_value *const settings =
        json_object_get(client->servers[server - 1].state, "settings");
    const uint64_t request = (uint64_t)(e - client->entries) + 1;
    mms_message message;
    mms_error err;
    mms_status st;

    e->server = server;
    e->state = SENT;
    e->sent_ns = mms_now_ns();
    e->kill_ns = INT64_MAX;
    client->servers[server - 1].entry = e - client->entries;
    json_object_set_new(e->record, "server", json_integer(server));
    json_object_set_new(e->record, "status", json_string("request sent"));
    json_object_set_new(e->record, "command_start_time", json_real(mms_unix_s()));
    if (!strcmp(e->kind, MMS_TEXT_UNIT)) {
        json_object_set_new(e->request, "server", json_integer(server));
        if (client->servers[server - 1].state)
            json_object_set(e->request, "state", client->servers[server - 1].state);
    }
    st = mms_frame_encode(MMS_FRAME_COMMAND, request,
                          json_pack("{s:s, s:O, s:i, s:i, s:O*}", "kind", e->kind, "request",
                                    e->request, "level", level_of_lines(client), "worker", server,
                                    "settings", settings),
                          &message, &err);
    if (st == MMS_OK && e->fresh)
        mms_hub_renew(mms_engine_hub(client->engine), server - 1);
    if (st == MMS_OK)
        st = mms_engine_send(client->engine, server - 1, message, &err);
    if (st == MMS_OK)
        log_sent(client, e);
    else
        finish(client, e, tell_failure(e, st, NULL, err.msg, NULL), "response received");
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
static void end_entry(mms_client *client, struct entry *e, const char *why)
{
    const bool program = !strcmp(e->kind, "program");

    if (e->kill_ns != INT64_MAX)
        return;
    e->ended_for = why;
    e->kill_ns = mms_now_ns() + (program ? (MMS_PROGRAM_GRACE_S + 1) * second_ns : 0);
    if (program)
        mms_engine_signal(client->engine, e->server - 1, (uint64_t)(e - client->entries) + 1,
                          SIGTERM);
}

static void look_at_server(mms_client *client, int number)
{
    struct server *const s = &client->servers[number - 1];
    double since_s;

    switch (mms_pulse_look(&s->pulse, mms_engine_hub(client->engine), number - 1, client->frozen_s,
                           tick.tv_nsec, &since_s)) {
    case MMS_PULSE_LOST:
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
        mms_log(MMS_LOG_WARN, "client", "Ping status response from server %d received after %.0fs",
                number, since_s);
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
        struct entry *const e = at < 0 ? NULL : &client->entries[at];
        if (e && e->limit_s > 0 && (double)(now - e->sent_ns) > e->limit_s * 1e9)
            end_entry(client, e, "timeout");
        if (e && e->kill_ns <= now)
            mms_engine_signal(client->engine, s - 1, (uint64_t)at + 1, SIGKILL);
    }
    if (now < client->next_look_ns)
        return;
    client->next_look_ns = now + tick.tv_nsec;
    for (int s = 1; s <= client->nservers; s++)
        look_at_server(client, s);
}

/* What is to be waited for from now on: sockets of workers, and time where that matters. */
static void set_wake(mms_client *client)
{
    static const int64_t probe_ns = 10000000;
    const mms_hub *const hub = mms_engine_hub(client->engine);
    bool sockets = !hub->module;

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
    if (st == MMS_OK)
        set_wake(client);
    return st;
}

int mms_client_fd(mms_client *client)
{
    mms_wake *wake;
    mms_error ignored;

    return mms_client_wake(client, &wake, &ignored) == MMS_OK ? mms_wake_fd(wake) : -1;
}

/* Hand out, wait for at most a moment, take what came. */
static mms_status turn(mms_client *client, const struct timespec *wait, mms_error *err)
{
    sigset_t stops, before;
    int n, errnum;

    look_around(client);
    hand_out(client);
    sigemptyset(&stops);
    sigaddset(&stops, SIGINT);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &stops, &before);
    n = mms_stop_signal() ? 0
                          : mms_hub_wait(mms_engine_hub(client->engine), wait, true, &before,
                                         take_message, client);
    errnum = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hand_out(client);
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

/* The request of a program: its words and this folder. */
static mms_value *program_request(const char *const *argv, mms_text *command)
{
    mms_value *const words = json_array();
    char *const folder = getcwd(NULL, 0);
    mms_value *request;

    for (; *argv; argv++) {
        json_array_append_new(words, mms_text_value(*argv));
        mms_text_add(command, "%s%s", command->length ? " " : "", *argv);
    }
    request =
        json_pack("{s:o, s:o*}", "argv", words, "folder", folder ? mms_text_value(folder) : NULL);
    free(folder);
    return request;
}

/* A text's unit gets it with its mode; parameters stay what they are. */
static mms_value *text_request(const mms_command *command, const char *mode)
{
    return json_pack("{s:o, s:s, s:o}", "command", mms_text_value(command->text), "mode", mode,
                     "parameters",
                     command->parameters ? json_deep_copy(command->parameters) : json_object());
}

static void free_entry(struct entry *e)
{
    mms_value_free(&e->request);
    mms_value_free(&e->record);
    mms_value_free(&e->needs);
}

static mms_status make_entry(const mms_command *command, const char *mode, int64_t id, int target,
                             struct entry *e, mms_error *err)
{
    const mms_value *const parameters = command->parameters;
    mms_text text = {0};

    *e = (struct entry){.target = target,
                        .limit_s = command->limit_s,
                        .fresh = command->fresh,
                        .kill_ns = INT64_MAX,
                        .needs = command->needs ? json_deep_copy(command->needs) : NULL};
    if (command->argv) {
        e->request = program_request(command->argv, &text);
        e->kind = "program";
    } else if (command->text) {
        e->request = text_request(command, mode);
        e->kind = MMS_TEXT_UNIT;
        mms_text_add(&text, "%s", command->text);
    } else {
        e->request = parameters ? json_deep_copy(parameters) : json_object();
        mms_text_add(&text, "%s", command->kind);
    }
    e->record = json_pack("{s:o, s:O?, s:s, s:I, s:o, s:s, s:o*}", "command",
                          mms_text_value(text.text ? text.text : ""), "parameters",
                          command->argv || !parameters ? NULL
                          : command->text              ? json_object_get(e->request, "parameters")
                                                       : e->request,
                          "mode", mode, "id", (json_int_t)id, "server",
                          target ? json_integer(target) : json_null(), "status", "holding queue",
                          "group", command->group ? mms_text_value(command->group) : NULL);
    free(text.text);
    if (!e->request || !e->record || (command->needs && !e->needs)) {
        free_entry(e);
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    }
    if (!e->kind)
        e->kind = json_string_value(json_object_get(e->record, "command"));
    return MMS_OK;
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
    *mode = c->argv ? "program" : "task";
    if (c->text && !strcmp(c->text, "push"))
        *mode = "push";
    else if (c->text)
        return client->mode(c->text, mode, err);
    return MMS_OK;
}

mms_status mms_client_push(mms_client *client, const mms_command *command, int64_t n,
                           const int *targets, int64_t *ids, mms_error *err)
{
    const int64_t before = client->n, count = n ? n : 1;
    const char *mode;
    mms_command all = MMS_COMMAND_INIT;
    mms_status st;

    memcpy(&all, command, command->size < sizeof all ? command->size : sizeof all);
    MMS_TRY(check_command(client, &all, &mode, err));
    MMS_TRY(check_targets(client, n, targets, err));
    MMS_TRY(mms_queue_check(client->queue, all.needs, err));
    MMS_TRY(mms_grow(&client->entries, &client->capacity, before + count, sizeof *client->entries,
                     err));
    for (int64_t i = 0; i < count; i++) {
        struct entry *const e = &client->entries[before + i];
        MMS_TRY(make_entry(&all, mode, before + i + 1, n ? targets[i] : 0, e, err));
        st = mms_queue_add(client->queue, before + i + 1, e->target, e->needs, all.key, err);
        if (st != MMS_OK) {
            free_entry(e);
            goto done;
        }
        ids[i] = ++client->n;
    }
    mms_client_poll(client);
done:
    for (; st != MMS_OK && client->n > before; client->n--) {
        mms_queue_end(client->queue, client->n, 0);
        free_entry(&client->entries[client->n - 1]);
    }
    return st;
}

/* ---- responses ---- */

mms_status mms_client_check_ids(const mms_client *client, int64_t n, const int64_t *ids,
                                mms_error *err)
{
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 1 || ids[i] > client->n || !client->entries[ids[i] - 1].record)
            return mms_fail(err, MMS_ERR_ARG, "there is no command with id %" PRId64, ids[i]);
    return MMS_OK;
}

/* Whether the server that a command has, or waits for, has timed out. */
static bool is_timed_out(const mms_client *client, const struct entry *e)
{
    const int server = e->server ? e->server : e->target;

    return e->state != DONE && server && client->servers[server - 1].pulse.timed_out;
}

/* The answer in place of one whose server does not answer: it is not kept. */
static mms_value *tell_timeout(const struct entry *e)
{
    const int server = e->server ? e->server : e->target;
    char *const text = mms_format("Timeout of assigned server n# %d", server);
    mms_value *const response =
        tell_failure(e, MMS_ERR_WORKER, "timeout", text ? text : "Timeout", NULL);

    free(text);
    json_object_update_missing(response, e->record);
    json_object_set_new(response, "status", json_string("timeout"));
    json_object_del(response, "command_start_time");
    return response;
}

bool mms_client_have_all(const mms_client *client, int64_t n, const int64_t *ids)
{
    for (int64_t i = 0; i < n; i++) {
        const struct entry *const e = &client->entries[ids[i] - 1];
        if (e->state != DONE && !is_timed_out(client, e))
            return false;
    }
    return true;
}

static bool is_any_server_left(const mms_client *client)
{
    for (int s = 0; s < client->nservers; s++)
        if (!client->servers[s].pulse.timed_out)
            return true;
    return false;
}

static bool were_sent(const mms_client *client, int64_t n, const int64_t *ids)
{
    for (int64_t i = 0; i < n; i++)
        if (client->entries[ids[i] - 1].state == QUEUED)
            return false;
    return true;
}

/* Something has ended, or nothing is left that could. */
static bool have_any(const mms_client *client, int64_t n, const int64_t *ids)
{
    (void)n, (void)ids;
    return client->first_done || client->ndone == client->n;
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
        const struct entry *const e = &client->entries[ids[i] - 1];
        if (e->state == DONE)
            json_array_append_new(list, json_deep_copy(e->response));
        else if (is_timed_out(client, e))
            json_array_append_new(list, tell_timeout(e));
    }
    if (!list)
        st = mms_fail(err, MMS_ERR_MEM, "client: out of memory");
done:
    return st;
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
        struct entry *const e = &client->entries[ids[i] - 1];
        if (e->state == QUEUED)
            finish(client, e, tell_failure(e, MMS_ERR_STOPPED, "cancelled", "cancelled", NULL),
                   "cancelled");
        else if (e->state == SENT)
            end_entry(client, e, "cancelled");
    }
    if (st == MMS_OK)
        mms_client_poll(client);
    return st;
}

mms_status mms_client_forget(mms_client *client, int64_t n, const int64_t *ids, mms_error *err)
{
    mms_status st = mms_client_check_ids(client, n, ids, err);

    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        if (client->entries[ids[i] - 1].state != DONE)
            st =
                mms_fail(err, MMS_ERR_ARG, "the command with id %" PRId64 " has not ended", ids[i]);
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        mms_value_free(&client->entries[ids[i] - 1].record);
        mms_value_free(&client->entries[ids[i] - 1].response);
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
    } while (!client->entries[*id - 1].record);
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

/* A new value: the server's process, of a rank or a local worker. */
static int64_t pid_of(const mms_client *client, int server)
{
    const pid_t pid = mms_engine_pid(client->engine, server - 1);

    return pid < 0 ? client->servers[server - 1].pid : pid;
}

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

mms_value *mms_client_status(mms_client *client)
{
    mms_value *const list = json_array();

    mms_client_poll(client);
    learn_hosts(client);
    for (int s = 1; s <= client->nservers; s++) {
        const struct server *const server = &client->servers[s - 1];
        const struct entry *const e = server->entry < 0 ? NULL : &client->entries[server->entry];
        json_array_append_new(
            list,
            json_pack("{s:i, s:o, s:I, s:b, s:O?, s:O?, s:b, s:b}", "rank", s, "processor",
                      *server->host ? mms_text_value(server->host) : json_null(), "pid",
                      (json_int_t)pid_of(client, s), "busy", e != NULL, "command",
                      e ? json_object_get(e->record, "command") : NULL, "command_start_time",
                      e ? json_object_get(e->record, "command_start_time") : NULL, "pong_pending",
                      server->pulse.pinged, "timeout", server->pulse.timed_out));
    }
    return list;
}

mms_value *mms_client_commands(const mms_client *client)
{
    mms_value *const list = json_array();

    for (int64_t i = 0; i < client->n; i++)
        if (client->entries[i].record)
            json_array_append_new(list, json_deep_copy(client->entries[i].record));
    return list;
}
