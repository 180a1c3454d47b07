/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file entry.c  What a client keeps of a command, and what it tells of it (spec job-engine 1.9,
 *  2.7, 2.8). */
#include "entry_priv.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes_priv.h"
#include "engine_priv.h"
#include "text_order_priv.h"

/* ---- make ---- */

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

mms_status mms_entry_make(const mms_command *command, const char *mode, int target,
                          mms_kept *parameters, mms_entry *out, mms_error *err)
{
    mms_text words = {0};

    *out = (mms_entry){.mode = mode,
                       .target = target,
                       .parameters = mms_kept_share(parameters),
                       .limit_s = command->limit_s,
                       .stall_s = command->stall_s,
                       .memory = command->memory,
                       .fresh = command->fresh,
                       .pushed_ns = mms_now_ns(),
                       .kill_ns = INT64_MAX,
                       .status = "holding queue",
                       .needs = command->needs ? json_deep_copy(command->needs) : NULL};
    if (command->argv) {
        out->program = program_request(command->argv, &words);
        out->command = words.text;
    } else {
        out->command = strdup(command->text ? command->text : command->kind);
    }
    out->group = command->group ? strdup(command->group) : NULL;
    if (out->command && (!command->argv || out->program) && (!command->needs || out->needs) &&
        (!command->group || out->group))
        return MMS_OK;
    mms_entry_free(out);
    return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
}

void mms_entry_free(mms_entry *e)
{
    mms_kept_free(&e->parameters);
    mms_kept_free(&e->value);
    mms_value_free(&e->program);
    mms_value_free(&e->needs);
    free(e->command);
    free(e->group);
    free(e->message);
    e->command = e->group = e->message = NULL;
}

static bool is_text(const mms_entry *e)
{
    return strcmp(e->mode, "task") && strcmp(e->mode, "program");
}

const char *mms_entry_beside(const mms_entry *e)
{
    return !e->program && is_text(e) ? "ret" : "";
}

const char *mms_entry_kind(const mms_entry *e)
{
    return e->program ? "program" : is_text(e) ? MMS_TEXT_UNIT : e->command;
}

mms_value *mms_entry_request(const mms_entry *e, const mms_value *state)
{
    mms_value *const parameters = e->parameters ? mms_kept_value(e->parameters) : json_object();
    const mms_text_order order = {e->command, e->mode, parameters, state, e->server};
    mms_value *value = NULL;

    if (!e->program && !is_text(e))
        return parameters;
    if (e->program)
        value = json_incref(e->program);
    else if (parameters)
        value = mms_text_order_encode(&order);
    json_decref(parameters);
    return value;
}

/* ---- failures ---- */

/* Classes of errors, and what CASA's scripts look for in the last line of a traceback. */
static const char *const classes[][2] = {
    {"import", "ImportError"},
    {"name", "NameError"},
    {"type", "TypeError"},
    {"index", "IndexError"},
    {"key", "KeyError"},
    {"value", "ValueError"},
    {"syntax", "SyntaxError"},
    {"io", "IOError"},
    {"notfound", "IOError"},
    {"nospace", "IOError"},
    {"lock", "IOError"},
    {"crash", "WorkerError"},
    {"killed", "WorkerError"},
    {"memory", "WorkerError"},
    {"timeout", "Timeout"},
    {"stalled", "Timeout"},
    {"internal", "EngineError"},
    {"cancelled", "EngineError"},
    {"permission", "IOError"},
    {"policy", "EngineError"},
    {"arithmetic", "ZeroDivisionError"},
    {"nullselection", "MSSelectionNullSelection"},
};

static const char *label_of(const char *class)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(classes); i++)
        if (!strcmp(classes[i][0], class))
            return classes[i][1];
    return "EngineError";
}

/* The name of a class as it is kept: one of ours. */
static const char *class_named(const char *name)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(classes); i++)
        if (!strcmp(classes[i][0], name))
            return classes[i][0];
    return "internal";
}

static const char *class_of(mms_status st)
{
    static const struct {
        mms_status st;
        const char *class;
    } names[] = {{MMS_ERR_ARG, "value"},
                 {MMS_ERR_RANGE, "value"},
                 {MMS_ERR_SHAPE, "value"},
                 {MMS_ERR_SELECT, "value"},
                 {MMS_ERR_NOT_FOUND, "notfound"},
                 {MMS_ERR_EXISTS, "io"},
                 {MMS_ERR_LOCKED, "lock"},
                 {MMS_ERR_IO, "io"},
                 {MMS_ERR_TABLE, "io"},
                 {MMS_ERR_SPACE, "nospace"},
                 {MMS_ERR_MEM, "memory"},
                 {MMS_ERR_WORKER, "crash"},
                 {MMS_ERR_EMPTY, "nullselection"},
                 {MMS_ERR_STOPPED, "cancelled"}};

    for (int64_t i = 0; i < MMS_COUNT_OF(names); i++)
        if (names[i].st == st)
            return names[i].class;
    return "internal";
}

void mms_entry_fail(mms_entry *e, mms_status st, const char *class, const char *message)
{
    e->code = st;
    e->class = class ? class_named(class) : class_of(st);
    e->message = strdup(message ? message : "");
}

/* An integer modulo 0 in an expression ends casacore's process. */
static bool is_division(const mms_entry *e)
{
    return is_text(e) && e->signal_number == 8;
}

/* The class of one whose worker died. */
static const char *death_of(const mms_entry *e, const mms_value *body)
{
    if (is_division(e))
        return "arithmetic";
    if (json_is_true(json_object_get(body, "memory")))
        return "memory";
    return json_is_true(json_object_get(body, "killed")) ? "killed" : "crash";
}

static void keep_value(mms_entry *e, const mms_value *value, mms_kept *large)
{
    e->value = large ? mms_kept_share(large) : value ? mms_kept_make(value) : NULL;
    if (value && !e->value)
        mms_entry_fail(e, MMS_ERR_MEM, NULL, "client: out of memory");
}

/* The answer of a text: a value, or an error that the language has a class for. */
static void take_text(mms_entry *e, const mms_value *value, mms_kept *large)
{
    const mms_value *const error = json_object_get(value, "error");

    if (error)
        mms_entry_fail(e, MMS_ERR_ARG, mms_text_of(error, "class"), mms_text_of(error, "message"));
    else
        keep_value(e, json_object_get(value, "ret"), large);
}

static void take_usage(mms_entry *e, const mms_value *body)
{
    mms_usage *const u = &e->usage;
    json_int_t pid = 0, rss = 0, in = 0, out = 0;

    if (json_unpack((mms_value *)body, "{s:[I, f, f, f, I, I, I]}", "usage", &pid, &u->wall_s,
                    &u->user_s, &u->system_s, &rss, &in, &out))
        return;
    u->pid = pid;
    u->max_rss_kib = rss;
    u->read_bytes = in;
    u->write_bytes = out;
}

/* What is said of a command that a limit has ended; the caller frees it.  NULL: none has. */
static char *limit_of(const mms_entry *e, const char *text)
{
    if (e->ended_for && !strcmp(e->ended_for, "timeout"))
        return mms_format("it took longer than its limit of %g s: %s", e->limit_s, text);
    if (e->ended_for && !strcmp(e->ended_for, "stalled"))
        return mms_format("nothing of it moved for %g s: %s", e->stall_s, text);
    return NULL;
}

void mms_entry_take(mms_entry *e, const mms_value *body, const char *text, mms_kept *large)
{
    const bool died = json_is_true(json_object_get(body, "died"));
    const mms_status st =
        died ? MMS_ERR_WORKER : (mms_status)json_integer_value(json_object_get(body, "status"));
    mms_value *const value = json_object_get(body, "value");

    e->signal_number =
        (int)json_integer_value(json_object_get(e->program ? value : body, "signal"));
    take_usage(e, body);
    if (st == MMS_OK && is_text(e)) {
        take_text(e, value, large);
        return;
    }
    if (json_object_size(value) || st == MMS_OK || large)
        keep_value(e, value, large);
    if (st != MMS_OK) {
        char *const limit = limit_of(e, text);
        mms_entry_fail(e, st,
                       e->ended_for ? e->ended_for
                       : died       ? death_of(e, body)
                                    : json_string_value(json_object_get(value, "class")),
                       limit ? limit : text);
        free(limit);
    }
}

char *mms_entry_traceback(const mms_entry *e)
{
    return mms_format("Traceback (multims, innermost last):\n  at %s on server %d\n%s: %s",
                      e->command, e->server, label_of(e->class), e->message);
}

/* ---- what is told ---- */

mms_value *mms_entry_record(const mms_entry *e, int64_t id)
{
    return json_pack("{s:o, s:o, s:s, s:I, s:o, s:s, s:o*, s:o*}", "command",
                     mms_text_value(e->command), "parameters",
                     e->parameters ? mms_kept_value(e->parameters) : json_null(), "mode", e->mode,
                     "id", (json_int_t)id, "server",
                     e->server   ? json_integer(e->server)
                     : e->target ? json_integer(e->target)
                                 : json_null(),
                     "status", e->status, "group", e->group ? mms_text_value(e->group) : NULL,
                     "command_start_time", e->start_s > 0 ? json_real(e->start_s) : NULL);
}

/* Whether the same command may succeed if it is pushed again. */
static bool may_pass(const mms_entry *e)
{
    return !strcmp(e->class, "killed") || (!strcmp(e->class, "memory") && !e->memory) ||
           !strcmp(e->class, "lock");
}

static void add_error(const mms_entry *e, const char *host, mms_value *value, mms_value *response)
{
    mms_value *const error =
        json_pack("{s:s, s:s, s:o, s:b}", "class", e->class, "code", mms_status_name(e->code),
                  "message", mms_text_value(e->message), "retryable", may_pass(e));

    if (*host)
        json_object_set_new(error, "host", mms_text_value(host));
    if (e->signal_number)
        json_object_set_new(error, "signal", json_integer(e->signal_number));
    if (value)
        json_object_set(error, "value", value);
    json_object_set_new(response, "error", error);
}

static void add_usage(const mms_usage *u, mms_value *response)
{
    if (!u->pid)
        return;
    json_object_set_new(response, "pid", json_integer(u->pid));
    json_object_set_new(
        response, "usage",
        json_pack("{s:f, s:f, s:f, s:I, s:I, s:I}", "wall_s", u->wall_s, "cpu_user_s", u->user_s,
                  "cpu_sys_s", u->system_s, "max_rss_kib", (json_int_t)u->max_rss_kib, "read_bytes",
                  (json_int_t)u->read_bytes, "write_bytes", (json_int_t)u->write_bytes));
}

mms_value *mms_entry_response(const mms_entry *e, int64_t id, const char *host)
{
    mms_value *const response = mms_entry_record(e, id), *value = mms_kept_value(e->value);
    char *const traceback = e->class ? mms_entry_traceback(e) : NULL;

    json_object_set_new(response, "successful", json_boolean(!e->class));
    json_object_set_new(response, "traceback", traceback ? mms_text_value(traceback) : json_null());
    json_object_set_new(response, "ret", !e->class && value ? json_incref(value) : json_null());
    json_object_set_new(response, "attempt", json_integer(1));
    json_object_set_new(response, "host", *host ? mms_text_value(host) : json_null());
    if (e->stop_s > 0)
        json_object_set_new(response, "command_stop_time", json_real(e->stop_s));
    if (e->sent_ns)
        json_object_set_new(response, "queue_s",
                            json_real((double)(e->sent_ns - e->pushed_ns) * 1e-9));
    if (e->npartials)
        json_object_set_new(response, "partials", json_integer(e->npartials));
    if (!strcmp(e->mode, "program") && value)
        json_object_set(response, "exit", json_object_get(value, "exit"));
    add_usage(&e->usage, response);
    if (e->class)
        add_error(e, host, value, response);
    json_decref(value);
    free(traceback);
    return response;
}
