/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file exec.c  The task exec: commands for servers, from the command line or a file. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "command_priv.h"
#include "exec_priv.h"
#include "multims/client.h"

struct exec {
    mms_texts command;
    mms_ints servers;
    const char *file;
    bool block;
    int64_t memorylimit;
    double servertimeout;
    const char *serverlog, *logmode;
};

#define AT(member) offsetof(struct exec, member)
static const mms_param params[] = {
    {"command", MMS_WORDS, AT(command), .flags = MMS_PARAM_POSITIONAL | MMS_PARAM_BEHIND,
     .doc = "Commands behind --, a word for each: an expression, statements between ;, a call of a "
            "verb"},
    {"file", MMS_PATH, AT(file),
     .doc = "File of commands: one a line, or a JSON list of texts and of {command, program, "
            "parameters, servers, limit, memory, block}"},
    {"servers", MMS_INTS, AT(servers),
     .doc = "Servers that run each command, from 1; none: the first that is free"},
    {"block", MMS_BOOL, AT(block), .init = "True",
     .doc = "Wait for each command before the next; else all are pushed first"},
    {"memorylimit", MMS_BYTES, AT(memorylimit), .init = "0", .allowed = "0..",
     .doc = "Memory that a command may take, 500M or 2G, before it is ended; 0: any"},
    {"servertimeout", MMS_SECONDS, AT(servertimeout), .init = "30", .allowed = "0..", .unit = "s",
     .flags = MMS_PARAM_RUN,
     .doc = "How long a local server may be stopped before it has timed out"},
    {"serverlog", MMS_PATH, AT(serverlog), .flags = MMS_PARAM_RUN,
     .doc = "File for log lines of client and servers in CASA's form, to which is added"},
    {"logmode", MMS_CHOICE, AT(logmode), .init = "unified", .allowed = "unified separated redirect",
     .needs = "serverlog", .flags = MMS_PARAM_RUN,
     .doc = "unified: one file; separated: one for each server beside it; redirect: these, and all "
            "lines on the screen"},
    {0},
};

/* The requests of a run, in their order. */
struct work {
    const struct exec *p;
    double limit_s, stall_s;
    mms_client *client;
    int64_t *ids;
    int64_t n, capacity;
};

static int *targets_of(const struct exec *p, const mms_value *list, int64_t *n)
{
    int *targets;

    *n = list ? (int64_t)json_array_size(list) : p->servers.count;
    targets = mms_alloc(*n + 1, sizeof *targets);
    for (int64_t i = 0; targets && i < *n; i++)
        targets[i] = list ? (int)json_integer_value(json_array_get(list, (size_t)i))
                          : (int)p->servers.values[i];
    return targets;
}

/* What is wrong with a command is said before any of them runs. */
static mms_status check(const struct work *work, const mms_value *entry, mms_error *err)
{
    const char *const text = json_string_value(json_object_get(entry, "command"));
    const int n = mms_client_servers(work->client);
    int64_t ntarget;
    int *const targets = targets_of(work->p, json_object_get(entry, "servers"), &ntarget);
    const char *mode;
    mms_status st = MMS_OK;

    if (!targets)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    for (int64_t i = 0; st == MMS_OK && i < ntarget; i++)
        if (targets[i] < 1 || targets[i] > n)
            st = mms_fail(err, MMS_ERR_ARG, "Server #%d does not exist", targets[i]);
    if (st == MMS_OK && text && strcmp(text, "push"))
        st = mms_command_mode(text, &mode, err);
    free(targets);
    return st;
}

static mms_status push(struct work *work, const mms_value *entry, mms_error *err)
{
    const mms_value *const limit = json_object_get(entry, "limit");
    const mms_value *const memory = json_object_get(entry, "memory");
    const mms_value *const block = json_object_get(entry, "block");
    const mms_value *const program = json_object_get(entry, "program");
    mms_command command = MMS_COMMAND_INIT;
    mms_value *responses = NULL;
    int64_t n = 0, ntarget;
    int *const targets = targets_of(work->p, json_object_get(entry, "servers"), &ntarget);
    const char **const argv = mms_exec_argv(program);
    mms_status st;

    MMS_TRY(targets && argv ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory"));
    command.text = program ? NULL : json_string_value(json_object_get(entry, "command"));
    command.parameters = json_object_get(entry, "parameters");
    command.argv = program ? argv : NULL;
    command.stall_s = work->stall_s;
    command.memory = memory ? (int64_t)json_number_value(memory) : work->p->memorylimit;
    command.limit_s = limit ? json_number_value(limit) : work->limit_s;
    MMS_TRY(mms_grow(&work->ids, &work->capacity, work->n + ntarget + 1, sizeof *work->ids, err));
    MMS_TRY(mms_client_push(work->client, &command, ntarget, targets, work->ids + work->n, err));
    n = ntarget ? ntarget : 1;
    if (block ? json_is_true(block) : work->p->block)
        MMS_TRY(
            mms_client_responses(work->client, n, work->ids + work->n, true, -1, &responses, err));
    work->n += n;
done:
    mms_value_free(&responses);
    free(argv);
    free(targets);
    return st;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    struct work work = {.p = arg, .limit_s = run->limit_s, .stall_s = run->stall_s};
    mms_client_opts opts = MMS_CLIENT_OPTS_INIT;
    mms_value *commands = NULL, *responses = NULL, *entry;
    size_t i;
    mms_status st;

    MMS_TRY(mms_exec_commands(work.p->file, &work.p->command, &commands, err));
    opts.servers = run->workers;
    opts.frozen_s = work.p->servertimeout;
    opts.mode = mms_command_mode;
    opts.log = *work.p->serverlog ? work.p->serverlog : NULL;
    opts.log_mode = work.p->logmode;
    MMS_TRY(mms_client_open(&opts, &work.client, err));
    json_array_foreach(commands, i, entry) MMS_TRY(check(&work, entry, err));
    json_array_foreach(commands, i, entry) MMS_TRY(push(&work, entry, err));
    MMS_TRY(mms_client_responses(work.client, work.n, work.ids, true, -1, &responses, err));
    json_object_set(result, "responses", responses);
    json_object_set_new(result, "servers", mms_client_status(work.client));
    st = mms_exec_judge(responses, err);
done:
    mms_client_close(&work.client);
    mms_value_free(&responses);
    mms_value_free(&commands);
    free(work.ids);
    return st;
}

const mms_task mms_task_exec = {
    .name = "exec",
    .summary = "run commands on servers: expressions, verbs, programs",
    .details = "Servers are workers that keep their variables from command to command.\n"
               "\n"
               "Examples:\n"
               "  multims exec -- '1+1'\n"
               "  multims exec --servers 1 -- 'n=3' 'sqrt(n*n)'\n"
               "  multims exec --json -- \"info(vis='in.ms')\"\n"
               "  multims exec --file commands.txt -j 4 --no-block --json\n",
    .params = params,
    .params_size = sizeof(struct exec),
    .run = run,
    .print = mms_exec_print,
};
