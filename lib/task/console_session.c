/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file console_session.c  What a line of the console does: a word of its own, or a command for
 *  servers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "console_priv.h"

static const char about[] =
    "A line is a command for the servers, as multims exec has it:\n"
    "  1+1   n=3; m=n*n   info(vis='in.ms')   UPDATE in.ms SET FLAG_ROW=F\n"
    "Variables stay on their servers.  Ctrl-C ends the command that runs, Ctrl-D the console.\n"
    "\n"
    "  help [VERB]        this, or the parameters of a verb\n"
    "  servers [1,2|all]  which servers run the next commands\n"
    "  status             what the servers do\n"
    "  commands           all commands so far\n"
    "  quit               end the console, as exit and Ctrl-D do\n";

/* ---- which servers ---- */

static mms_status set_all(mms_session *s)
{
    s->ntarget = mms_client_servers(s->client);
    for (int64_t i = 0; i < s->ntarget; i++)
        s->targets[i] = (int)i + 1;
    return MMS_OK;
}

mms_status mms_session_choose(mms_session *s, const char *text, mms_error *err)
{
    static const char between[] = ", \t[]";
    const int most = mms_client_servers(s->client);
    int *const targets = mms_alloc(most, sizeof *targets);
    char *const words = strdup(text);
    char *next = NULL;
    int64_t n = 0, number;
    mms_status st = targets && words ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");

    for (char *word = words ? strtok_r(words, between, &next) : NULL; word && st == MMS_OK;
         word = strtok_r(NULL, between, &next)) {
        if (!mms_parse_int(word, &number))
            st = mms_fail(err, MMS_ERR_ARG, "servers: %s is no number, as in servers 1,2", word);
        else if (number < 1 || number > most)
            st = mms_fail(err, MMS_ERR_ARG, "Server #%s does not exist: they are 1 to %d", word,
                          most);
        else if (n == most)
            st = mms_fail(err, MMS_ERR_ARG, "servers: there are only %d", most);
        else
            targets[n++] = (int)number;
    }
    if (st == MMS_OK && n) {
        memcpy(s->targets, targets, (size_t)n * sizeof *targets);
        s->ntarget = n;
    }
    free(words);
    free(targets);
    return st;
}

static void tell_servers(const mms_session *s)
{
    fprintf(s->out, "servers ");
    for (int64_t i = 0; i < s->ntarget; i++)
        fprintf(s->out, "%s%d", i ? "," : "", s->targets[i]);
    fprintf(s->out, " of %d\n", mms_client_servers(s->client));
}

/* ---- words of the console ---- */

static void tell_help(const mms_session *s, const char *verb)
{
    const mms_task *const task = *verb ? mms_task_find(verb) : NULL;

    if (task) {
        mms_task_help(task, s->out);
        return;
    }
    if (*verb)
        fprintf(s->out, "There is no verb %s.\n\n", verb);
    fputs(about, s->out);
    if (*verb)
        return;
    fprintf(s->out, "\nVerbs:\n");
    for (const mms_task *const *t = mms_tasks(); *t; t++)
        fprintf(s->out, "  %-16s %s\n", (*t)->name, (*t)->summary);
}

static void tell_status(const mms_session *s)
{
    mms_value *const all = mms_client_status(s->client);
    mms_value *server;
    size_t i;

    json_array_foreach(all, i, server)
    {
        const char *const command = json_string_value(json_object_get(server, "command"));
        fprintf(s->out, "server %" PRId64 ": %s%s%s\n",
                (int64_t)json_integer_value(json_object_get(server, "rank")),
                json_is_true(json_object_get(server, "timeout")) ? "timeout"
                : json_is_true(json_object_get(server, "busy"))  ? "busy"
                                                                 : "free",
                command ? ": " : "", command ? command : "");
    }
    json_decref(all);
}

static void tell_commands(const mms_session *s)
{
    char *const table = mms_client_table(s->client);

    fputs(table ? table : "", s->out);
    free(table);
}

bool mms_session_word(mms_session *s, const char *line)
{
    char word[16] = "";
    const int n = (int)strcspn(line, " \t");
    const char *const rest = line + n + strspn(line + n, " \t");
    mms_error err;

    if (n < (int)sizeof word)
        memcpy(word, line, (size_t)n);
    if (!mms_names_have(mms_console_words, word) || *rest == '=' ||
        (*rest && strcmp(word, "help") != 0 && strcmp(word, "servers") != 0))
        return false;
    if (!strcmp(word, "quit") || !strcmp(word, "exit")) {
        s->ended = true;
    } else if (!strcmp(word, "help")) {
        tell_help(s, rest);
    } else if (!strcmp(word, "status")) {
        tell_status(s);
    } else if (!strcmp(word, "commands")) {
        tell_commands(s);
    } else {
        const mms_status st = !strcmp(rest, "all") ? set_all(s) : mms_session_choose(s, rest, &err);
        if (st != MMS_OK)
            fprintf(s->out, "%s\n", err.msg);
        else
            tell_servers(s);
    }
    return true;
}

/* ---- commands ---- */

static void tell_response(const mms_session *s, const mms_value *response)
{
    const mms_value *const ret = json_object_get(response, "ret");
    const char *const traceback = json_string_value(json_object_get(response, "traceback"));
    const char *const last = traceback ? strrchr(traceback, '\n') : NULL;
    char *const text = json_is_null(ret) ? NULL : mms_value_text(ret, 0);
    char *const readable = traceback ? mms_readable(last ? last + 1 : traceback) : NULL;

    if (s->ntarget > 1 && (readable || text))
        fprintf(s->out, "server %" PRId64 ": ",
                (int64_t)json_integer_value(json_object_get(response, "server")));
    if (readable || text)
        fprintf(s->out, "%s\n", readable ? readable : text);
    free(readable);
    free(text);
}

/* Wait for the responses of ids; Ctrl-C cancels what has none. */
static mms_status wait_for(mms_session *s, mms_value **responses, mms_error *err)
{
    static const double step_s = 0.1;
    mms_status st;

    for (;;) {
        st = mms_client_responses(s->client, s->ntarget, s->ids, true, step_s, responses, err);
        if (st != MMS_ERR_WORKER || (int64_t)json_array_size(*responses) == s->ntarget)
            return st == MMS_ERR_WORKER ? MMS_OK : st;
        mms_value_free(responses);
        if (!mms_lines_interrupted())
            continue;
        fprintf(s->out, "cancelled\n");
        st = mms_client_cancel(s->client, s->ntarget, s->ids, err);
        if (st != MMS_OK)
            return st;
    }
}

mms_status mms_session_run(mms_session *s, const char *line, mms_error *err)
{
    mms_command command = MMS_COMMAND_INIT;
    mms_value *responses = NULL, *response;
    mms_status st;
    size_t i;

    command.text = line;
    command.limit_s = s->limit_s;
    command.stall_s = s->stall_s;
    (void)mms_lines_interrupted(); /* what came before the command is not for it */
    st = mms_client_push(s->client, &command, s->ntarget, s->targets, s->ids, err);
    if (st == MMS_ERR_ARG) {
        char *const readable = mms_readable(err->msg);
        fprintf(s->out, "%s\n", readable ? readable : "");
        free(readable);
        return MMS_OK;
    }
    MMS_TRY(st);
    MMS_TRY(wait_for(s, &responses, err));
    json_array_foreach(responses, i, response) tell_response(s, response);
    json_array_extend(s->responses, responses);
done:
    mms_value_free(&responses);
    return st;
}
