/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file console.c  The task console: commands for servers, typed one after the other. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "command_priv.h"
#include "console_priv.h"

struct console {
    mms_ints servers;
    const char *history;
    double servertimeout;
};

#define AT(member) offsetof(struct console, member)
static const mms_param params[] = {
    {"servers", MMS_INTS, AT(servers), .init = "1",
     .doc = "Servers that run each command at first, from 1; the command servers changes them"},
    {"history", MMS_PATH, AT(history), .flags = MMS_PARAM_RUN,
     .doc =
         "File that keeps the lines of a terminal; default: .multims_history in the home folder; "
         "none: no file"},
    {"servertimeout", MMS_SECONDS, AT(servertimeout), .init = "30", .allowed = "0..", .unit = "s",
     .flags = MMS_PARAM_RUN,
     .doc = "How long a local server may be stopped before it has timed out"},
    {0},
};

/* ---- the session ---- */

static mms_status serve(mms_session *s, mms_lines *lines, mms_error *err)
{
    mms_status st = MMS_OK;

    while (st == MMS_OK && !s->ended) {
        char *line;
        const mms_line_end end = mms_lines_read(lines, "multims> ", &line);
        const char *const text = line ? line + strspn(line, " \t\r") : "";
        size_t n = line ? strlen(line) : 0;
        while (n && strchr(" \t\r", line[n - 1]))
            line[--n] = '\0';
        s->ended = end == MMS_LINE_LAST;
        if (end == MMS_LINE_STOPPED)
            st = mms_fail(err, MMS_ERR_STOPPED, "stopped by signal %d", mms_stop_signal());
        else if (end == MMS_LINE_FAILED)
            st = mms_fail_errno(err, errno, "standard input");
        else if (end == MMS_LINE_BINARY)
            fprintf(s->out, "A line with zero bytes is no command, it is rejected\n");
        else if (end == MMS_LINE_READ && *text && *text != '#' && !mms_session_word(s, text))
            st = mms_session_run(s, text, err);
        fflush(s->out);
        free(line);
    }
    return st;
}

static char *history_of(const struct console *p)
{
    const char *const home = getenv("HOME");

    if (*p->history)
        return strdup(strcmp(p->history, "none") != 0 ? p->history : "");
    return home && *home ? mms_format("%s/.multims_history", home) : strdup("");
}

static mms_status open_session(mms_run *run, const struct console *p, mms_session *s,
                               mms_error *err)
{
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    mms_text list = {0};
    mms_status st;

    opts.servers = run->workers;
    opts.frozen_s = p->servertimeout;
    opts.mode = mms_command_mode;
    MMS_TRY(mms_client_open(&opts, &s->client, err));
    const int n = mms_client_servers(s->client);
    s->targets = mms_alloc(n, sizeof *s->targets);
    s->ids = mms_alloc(n, sizeof *s->ids);
    s->responses = json_array();
    for (int64_t i = 0; i < p->servers.count; i++)
        mms_text_add(&list, "%" PRId64 " ", (int64_t)p->servers.values[i]);
    st = s->targets && s->ids && s->responses
             ? mms_session_choose(s, list.text ? list.text : "1", err)
             : mms_fail(err, MMS_ERR_MEM, "out of memory");
done:
    free(list.text);
    return st;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct console *const p = arg;
    mms_session s = {
        .limit_s = run->limit_s, .stall_s = run->stall_s, .out = run->json ? stderr : stdout};
    char *const history = history_of(p);
    mms_lines *lines = NULL;
    mms_status st;

    MMS_TRY(history ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory"));
    MMS_TRY(open_session(run, p, &s, err));
    MMS_TRY(mms_lines_open(history, &lines, err));
    st = serve(&s, lines, err);
    json_object_set(result, "responses", s.responses);
done:
    mms_lines_close(&lines);
    mms_client_close(&s.client);
    mms_value_free(&s.responses);
    free(s.targets);
    free(s.ids);
    free(history);
    return st;
}

const mms_task mms_task_console = {
    .name = "console",
    .summary = "type commands for servers, with line editing and completion",
    .details =
        "The language is that of exec.  The tab key completes verbs, their parameters and\n"
        "names of files; lines are kept from session to session.  A command that fails does\n"
        "not end the console; help lists its own words.\n"
        "\n"
        "Examples:\n"
        "  multims console -j 4\n"
        "  echo 'n=3; n*n' | multims console\n",
    .params = params,
    .params_size = sizeof(struct console),
    .run = run,
};
