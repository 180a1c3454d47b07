/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file calls.c  What users of mpi4casa's interface call, made of pushes and responses (spec
 *  job-engine 1.14). */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "multims/client.h"

/* ---- whether all went well ---- */

static void add_failure(mms_text *all, const mms_value *response)
{
    const char *const traceback = json_string_value(json_object_get(response, "traceback"));

    if (json_is_false(json_object_get(response, "successful")))
        mms_text_add(all, "%sException executing command in server %" PRId64 ": %s",
                     all->length ? "\n" : "",
                     (int64_t)json_integer_value(json_object_get(response, "server")),
                     traceback ? traceback : "no reason was given");
}

static mms_status check_responses(const mms_value *responses, mms_error *err)
{
    mms_text all = {0};
    mms_value *response;
    mms_status st = MMS_OK;
    size_t i;

    json_array_foreach(responses, i, response) add_failure(&all, response);
    if (all.length)
        st = mms_fail(err, MMS_ERR_WORKER, "%s", all.text);
    free(all.text);
    return st;
}

mms_status mms_client_check(mms_client *client, int64_t n, const int64_t *ids, bool *done,
                            mms_error *err)
{
    mms_value *responses = NULL;
    mms_status st;

    *done = false;
    MMS_TRY(mms_client_responses(client, n, ids, false, 0, &responses, err));
    *done = (int64_t)json_array_size(responses) == n;
    if (*done)
        st = check_responses(responses, err);
done:
    mms_value_free(&responses);
    return st;
}

/* ---- variables ---- */

/* Run a text on targets[n], n 0: on all servers; all have to succeed. */
static mms_status run_on(mms_client *client, const mms_command *command, int64_t n,
                         const int *targets, mms_value **responses, mms_error *err)
{
    const int nservers = mms_client_servers(client);
    int *const all = n ? NULL : mms_alloc(nservers, sizeof *all);
    mms_status st;

    *responses = NULL;
    if (!n && !all)
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    for (int s = 0; all && s < nservers; s++)
        all[s] = s + 1;
    st = mms_client_run(client, command, n ? n : nservers, n ? targets : all, responses, err);
    if (st == MMS_OK)
        st = check_responses(*responses, err);
    free(all);
    return st;
}

mms_status mms_client_set_vars(mms_client *client, const mms_value *variables, int64_t n,
                               const int *targets, mms_error *err)
{
    mms_command command = MMS_COMMAND_INIT;
    mms_value *responses;
    mms_status st;

    command.text = "push";
    command.parameters = variables;
    st = run_on(client, &command, n, targets, &responses, err);
    mms_value_free(&responses);
    return st;
}

mms_status mms_client_get_var(mms_client *client, const char *name, int64_t n, const int *targets,
                              mms_value **out, mms_error *err)
{
    mms_command command = MMS_COMMAND_INIT;
    mms_value *responses, *response;
    mms_status st;
    size_t i;

    *out = NULL;
    command.text = name;
    MMS_TRY(run_on(client, &command, n, targets, &responses, err));
    *out = json_object();
    json_array_foreach(responses, i, response)
    {
        char *const server = mms_value_text(json_object_get(response, "server"), 0);
        if (server)
            json_object_set(*out, server, json_object_get(response, "ret"));
        free(server);
    }
done:
    mms_value_free(&responses);
    return st;
}

/* ---- what servers use ---- */

/* Call function with a number on targets[n], n 0: on all servers. */
static mms_status set_number(mms_client *client, const char *function, double x, int64_t n,
                             const int *targets, mms_error *err)
{
    char *const text = mms_format("%s(%.17g)", function, x);
    mms_command command = MMS_COMMAND_INIT;
    mms_value *responses = NULL;
    mms_status st;

    if (!text)
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    command.text = text;
    st = run_on(client, &command, n, targets, &responses, err);
    mms_value_free(&responses);
    free(text);
    return st;
}

mms_status mms_client_set_threads(mms_client *client, int threads, int64_t n, const int *targets,
                                  mms_error *err)
{
    return set_number(client, "set_threads", threads, n, targets, err);
}

mms_status mms_client_set_memory_total(mms_client *client, double gib, int64_t n,
                                       const int *targets, mms_error *err)
{
    return set_number(client, "set_memory_total", gib, n, targets, err);
}

mms_status mms_client_set_memory_fraction(mms_client *client, double percent, int64_t n,
                                          const int *targets, mms_error *err)
{
    return set_number(client, "set_memory_fraction", percent, n, targets, err);
}

mms_status mms_client_set_ncpus(mms_client *client, int cpus, int64_t n, const int *targets,
                                mms_error *err)
{
    return set_number(client, "set_ncpus", cpus, n, targets, err);
}

mms_status mms_client_get_threads(mms_client *client, int64_t n, const int *targets,
                                  mms_value **out, mms_error *err)
{
    return mms_client_get_var(client, "get_threads()", n, targets, out, err);
}

mms_status mms_client_get_memory_total(mms_client *client, bool configured, int64_t n,
                                       const int *targets, mms_value **out, mms_error *err)
{
    return mms_client_get_var(client, configured ? "get_memory_total()" : "get_memory_total(False)",
                              n, targets, out, err);
}

mms_status mms_client_get_ncpus(mms_client *client, bool configured, int64_t n, const int *targets,
                                mms_value **out, mms_error *err)
{
    return mms_client_get_var(client, configured ? "get_ncpus()" : "get_ncpus(False)", n, targets,
                              out, err);
}

/* ---- the table of commands ---- */

/* The words of a command's line, and where the line stands. */
struct line {
    const char *queue, *execution;
    double elapsed_s; /* negative: none */
};

enum { ORDERS = 4 };
static const char *const orders[ORDERS] = {"request sent", "holding queue", "timeout",
                                           "response received"};

static double seconds_of(const mms_value *record, const char *key)
{
    return json_number_value(json_object_get(record, key));
}

static struct line line_of(mms_client *client, const mms_value *record, mms_value **responses)
{
    const int64_t id = json_integer_value(json_object_get(record, "id"));
    struct line line = {json_string_value(json_object_get(record, "status")), "pending", -1};
    const mms_value *response, *ret;
    mms_error ignored;

    (void)!mms_client_responses(client, 1, &id, false, 0, responses, &ignored);
    response = json_array_get(*responses, 0);
    if (json_object_get(record, "command_start_time"))
        line.elapsed_s = mms_unix_s() - seconds_of(record, "command_start_time");
    if (!response)
        return line;
    ret = json_object_get(response, "ret");
    line.queue = json_string_value(json_object_get(response, "status"));
    if (!strcmp(line.queue, "timeout"))
        line.execution = "timeout";
    else if (json_is_false(json_object_get(response, "successful")))
        line.execution = "exception raised";
    else
        line.execution = json_is_true(ret)    ? "completed - True"
                         : json_is_false(ret) ? "completed - False"
                                              : "completed";
    if (json_object_get(response, "command_start_time"))
        line.elapsed_s =
            seconds_of(response, "command_stop_time") - seconds_of(response, "command_start_time");
    return line;
}

/* The host of a command's server, "None" where it has none or none is known yet. */
static const char *host_of(const mms_value *servers, const mms_value *record)
{
    const json_int_t server = json_integer_value(json_object_get(record, "server"));
    const mms_value *const entry = server ? json_array_get(servers, (size_t)server - 1) : NULL;
    const char *const host = json_string_value(json_object_get(entry, "processor"));

    return host ? host : "None";
}

static void add_line(mms_text *table, const mms_value *record, const struct line *line,
                     const char *host)
{
    char *const server = json_is_integer(json_object_get(record, "server"))
                             ? mms_value_text(json_object_get(record, "server"), 0)
                             : strdup("None");
    char *const elapsed = line->elapsed_s < 0 ? strdup("N/A") : mms_format("%.2f", line->elapsed_s);

    mms_text_add(table, "%-8" PRId64 "%-8s%-20s%-20s%-30s  %-18s%s\n",
                 (int64_t)json_integer_value(json_object_get(record, "id")), server ? server : "",
                 host, line->queue, mms_text_of(record, "command"), elapsed ? elapsed : "",
                 line->execution);
    free(elapsed);
    free(server);
}

/* Cancelled ones stand with those that are done. */
static int order_of(const char *status)
{
    int order = 0;

    while (order < ORDERS - 1 && strcmp(orders[order], status))
        order++;
    return order;
}

char *mms_client_table(mms_client *client)
{
    mms_value *const records = mms_client_commands(client);
    mms_value *const servers = mms_client_status(client);
    mms_text lines[ORDERS] = {{0}}, table = {0};
    mms_value *record;
    size_t i;

    mms_text_add(&table, "%-8s%-8s%-20s%-20s%-30s  %-18s%s\n", "JOB ID", "SERVER", "HOSTNAME",
                 "QUEUE STATUS", "COMMAND", "ELAPSED TIME (s)", "EXECUTION STATUS");
    json_array_foreach(records, i, record)
    {
        mms_value *responses = NULL;
        const struct line line = line_of(client, record, &responses);
        add_line(&lines[order_of(line.queue)], record, &line, host_of(servers, record));
        mms_value_free(&responses);
    }
    for (int order = 0; order < ORDERS; order++) {
        mms_text_add(&table, "%s", lines[order].text ? lines[order].text : "");
        free(lines[order].text);
    }
    json_decref(records);
    json_decref(servers);
    return table.text;
}
