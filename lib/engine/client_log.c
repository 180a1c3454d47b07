/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file client_log.c  The log files of a client and its servers. */
#include "client_log_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "tell_priv.h"

/* unified: one file; separated: one for each server; redirect: these, and all on the terminal. */
typedef enum mode { UNIFIED, SEPARATED, REDIRECT } mode;

struct place {
    char host[256];
    int64_t pid;
    FILE *file; /* its own; NULL: not yet */
    bool refused;
};

struct mms_client_log {
    mode mode;
    char *path; /* NULL: no files */
    const char *level;
    int nservers;
    struct place *places; /* the client's, then those of the servers */
    char **filters;
    int64_t nfilters;
};

/* Names of levels, and what is written for them. */
static const char *const levels[][2] = {
    {"DEBUG", "DEBUG"},   {"DEBUG1", "DEBUG1"}, {"DEBUG2", "DEBUG2"}, {"NORMAL", "INFO"},
    {"NORMAL1", "INFO1"}, {"NORMAL2", "INFO2"}, {"NORMAL3", "INFO3"}, {"NORMAL4", "INFO4"},
    {"NORMAL5", "INFO5"}, {"INFO", "INFO"},     {"INFO1", "INFO1"},   {"INFO2", "INFO2"},
    {"INFO3", "INFO3"},   {"INFO4", "INFO4"},   {"INFO5", "INFO5"}};

static const char *const usual_filters[] = {"MSSelectionNullSelection", "non-existent spw"};

/* ---- open, close ---- */

static mms_status find_mode(const char *name, mode *out, mms_error *err)
{
    static const char *const names[] = {"unified", "separated", "redirect"};

    *out = UNIFIED;
    for (int i = 0; name && i < (int)MMS_COUNT_OF(names); i++)
        if (!strcmp(name, names[i])) {
            *out = (mode)i;
            return MMS_OK;
        }
    return name ? mms_fail(err, MMS_ERR_ARG,
                           "log mode %s is not known: unified, separated or redirect", name)
                : MMS_OK;
}

static void free_filters(mms_client_log *log)
{
    for (int64_t i = 0; i < log->nfilters; i++)
        free(log->filters[i]);
    free(log->filters);
    log->filters = NULL;
    log->nfilters = 0;
}

mms_status mms_client_log_set_filters(mms_client_log *log, int64_t n, const char *const *texts,
                                      mms_error *err)
{
    free_filters(log);
    log->filters = mms_alloc(n, sizeof *log->filters);
    for (int64_t i = 0; log->filters && i < n; i++)
        if ((log->filters[i] = strdup(texts[i])))
            log->nfilters = i + 1;
    return log->nfilters == n ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "client: out of memory");
}

mms_status mms_client_log_open(const mms_client_opts *opts, int nservers, mms_client_log **out,
                               mms_error *err)
{
    mms_client_log *const log = *out = mms_alloc(1, sizeof *log);
    mms_status st;

    if (!log)
        return mms_fail(err, MMS_ERR_MEM, "client: out of memory");
    log->nservers = nservers;
    log->level = "INFO";
    log->places = mms_alloc(nservers + 1, sizeof *log->places);
    log->path = opts->log ? strdup(opts->log) : NULL;
    if (!log->places || (opts->log && !log->path))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "client: out of memory"));
    MMS_TRY(find_mode(opts->log_mode, &log->mode, err));
    MMS_TRY(mms_client_log_set_filters(log, MMS_COUNT_OF(usual_filters), usual_filters, err));
    gethostname(log->places[0].host, sizeof log->places[0].host - 1);
    log->places[0].pid = getpid();
    if (log->path && !(log->places[0].file = fopen(log->path, "ae")))
        st = mms_fail_errno(err, errno, "%s", log->path);
done:
    if (st != MMS_OK)
        mms_client_log_close(out);
    return st;
}

void mms_client_log_close(mms_client_log **out)
{
    mms_client_log *const log = *out;

    *out = NULL;
    if (!log)
        return;
    for (int s = 0; log->places && s <= log->nservers; s++)
        if (log->places[s].file)
            fclose(log->places[s].file);
    free_filters(log);
    free(log->places);
    free(log->path);
    free(log);
}

bool mms_client_log_is_kept(const mms_client_log *log)
{
    return log->path;
}

mms_status mms_client_log_set_level(mms_client_log *log, const char *level, mms_error *err)
{
    mms_text all = {0};
    mms_status st;

    for (int64_t i = 0; i < MMS_COUNT_OF(levels); i++)
        if (!strcmp(level, levels[i][0])) {
            log->level = levels[i][1];
            return MMS_OK;
        }
    for (int64_t i = 0; i < MMS_COUNT_OF(levels); i++)
        mms_text_add(&all, "%s%s", i ? ", " : "", levels[i][0]);
    st = mms_fail(err, MMS_ERR_ARG, "Unknown log level %s, recognized levels are: %s", level,
                  all.text ? all.text : "");
    free(all.text);
    return st;
}

void mms_client_log_know(mms_client_log *log, int server, const char *host, int64_t pid)
{
    struct place *const p = &log->places[server];

    if (host)
        snprintf(p->host, sizeof p->host, "%s", host);
    p->pid = pid;
}

/* ---- lines ---- */

/* The file of the client (server 0) or a server, opened when it is needed; NULL: none. */
static FILE *file_of(mms_client_log *log, int server)
{
    struct place *const p = &log->places[server];
    char *path;

    if (!log->path || !server || log->mode == UNIFIED)
        return log->places[0].file;
    if (p->file || p->refused)
        return p->file;
    path =
        mms_format("%s-server-%d-host-%s-pid-%lld", log->path, server, p->host, (long long)p->pid);
    p->file = path ? fopen(path, "ae") : NULL;
    p->refused = !p->file;
    if (p->refused)
        mms_log(MMS_LOG_WARN, "client", "%s: %s", path ? path : "log", strerror(errno));
    free(path);
    return p->file;
}

/* Lines below the default priority are for those who want to see more. */
static bool is_written(const char *priority)
{
    return !strcmp(priority, "SEVERE") || !strcmp(priority, "WARN") || !strcmp(priority, "INFO") ||
           mms_log_wants(MMS_LOG_DEBUG);
}

static bool is_filtered(const mms_client_log *log, const char *text)
{
    for (int64_t i = 0; i < log->nfilters; i++)
        if (strstr(text, log->filters[i]))
            return true;
    return false;
}

/* Time, priority, origin, text; each line of the text has its own, marked by + from the second on.
 */
static void put(mms_client_log *log, int server, const char *priority, const char *component,
                const char *function, const char *text)
{
    FILE *const file = is_written(priority) ? file_of(log, server) : NULL;
    const time_t now = time(NULL);
    const char *plus = "";
    char when[32], who[32];
    struct tm parts;

    if (!file)
        return;
    gmtime_r(&now, &parts);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &parts);
    snprintf(who, sizeof who, server ? "MPIServer-%d" : "MPIClient", server);
    do {
        const int n = (int)strcspn(text, "\n");
        fprintf(file, "%s\t%s\t%s::%s::multims@%s:%s%s\t%.*s\n", when, priority, component,
                function, log->places[server].host, who, plus, n, text);
        text += n + (text[n] == '\n');
        plus = "+";
    } while (*text);
    fflush(file);
}

void mms_client_log_say(mms_client_log *log, int server, bool failed, const char *function,
                        const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    if (!log->path)
        return;
    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n >= 0 && !is_filtered(log, text))
        put(log, server, failed ? "SEVERE" : log->level, server ? "server" : "client", function,
            text);
    free(n >= 0 ? text : NULL);
}

static const char *const priorities[] = {"SEVERE", "WARN", "INFO", "DEBUG", "DEBUG2"};

void mms_client_log_tell(mms_client_log *log, mms_level level, const char *function,
                         const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    int n;

    va_start(args, fmt);
    n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        return;
    mms_log(level, "client", "%s", text);
    put(log, 0, priorities[level], "client", function, text);
    free(text);
}

void mms_client_log_line(mms_client_log *log, int server, mms_level level, const char *scope,
                         const char *text)
{
    if (is_filtered(log, text))
        return;
    put(log, server, priorities[level], scope, "unit", text);
    if (!log->path || log->mode == REDIRECT || level <= MMS_LOG_WARN)
        mms_tell_line(level, scope, (mms_about){.worker = server}, "server", text);
}
