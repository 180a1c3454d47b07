/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file run_log.c  Where log lines go: to the screen, and to the file of --log.
 */
#include "run_log.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void log_line(const struct run_log *log, mms_level level, const char *scope,
                     const char *text)
{
    if (log->json) {
        mms_log_json(log->file, level, scope, text);
    } else {
        mms_log_stamp(log->file, level, scope);
        fprintf(log->file, "%s\n", text);
    }
    fflush(log->file); /* a killed run leaves its last line */
}

/* A name that ends so asks for lines of JSON. */
static bool open_file(struct run_log *log, const char *path)
{
    static const char json[] = ".jsonl";
    const size_t n = strlen(path);

    log->path = path;
    log->json = n >= sizeof json && !strcmp(path + n - (sizeof json - 1), json);
    log->file = *path ? fopen(path, "ae") : NULL;
    return log->file;
}

void run_log_take(void *ctx, mms_level level, const char *scope, const char *text)
{
    const struct run_log *const log = ctx;

    if (level <= log->screen)
        fprintf(stderr, "%s %s: %s\n", mms_level_name(level), scope, text);
    if (log->file)
        log_line(log, level, scope, text);
}

static void take_event(void *ctx, const char *scope, const mms_value *event)
{
    const struct run_log *const log = ctx;

    mms_log_json_event(log->file, scope, event);
    fflush(log->file);
}

/* A word with bytes that are no UTF-8, as bash reads it: $'caf\xE9' */
static void write_bytes(const char *readable, const char *word, FILE *out)
{
    fputs("$'", out);
    for (; *word; word++, readable++) {
        if (*readable == *word) {
            fputs(*word == '\'' || *word == '\\' ? "\\" : "", out);
            fputc(*word, out);
        } else {
            fprintf(out, "%.4s", readable);
            readable += 3;
        }
    }
    fputc('\'', out);
}

/* The command as a shell reads it */
static void write_command(const struct run_log *log, FILE *out)
{
    for (int i = 0; i < log->nwords; i++) {
        const char *const word = log->words[i];
        char *const readable = mms_readable(word);
        const bool same = readable && !strcmp(readable, word);
        const bool plain = *word && !word[strcspn(word, " \t\n'\"\\$`!*?[](){}<>|;&~#")];
        fputs(i ? " " : "", out);
        if (readable && !same)
            write_bytes(readable, word, out);
        free(readable);
        if (plain && same)
            fputs(word, out);
        if (plain || !same)
            continue;
        fputc('\'', out);
        for (const char *s = word; *s; s++)
            if (*s == '\'')
                fputs("'\\''", out);
            else
                fputc(*s, out);
        fputc('\'', out);
    }
}

static void log_command(const struct run_log *log)
{
    char *text = NULL;
    size_t size;
    FILE *const out = open_memstream(&text, &size);

    if (!out)
        return;
    fputs("command: ", out);
    write_command(log, out);
    if (!fclose(out))
        log_line(log, MMS_LOG_INFO, "multims", text);
    free(text);
}

/* What a reader of the log wants to know first */
static void begin_log(const struct run_log *log)
{
    struct utsname host = {0};
    char *const here = getcwd(NULL, 0), *const folder = here ? mms_readable(here) : NULL;
    char text[PATH_MAX];

    log_command(log);
    log_line(log, MMS_LOG_INFO, "multims", mms_build_info());
    uname(&host);
    snprintf(text, sizeof text, "host: %.64s, %.64s %.64s, process %ld", host.nodename,
             host.sysname, host.release, (long)getpid());
    log_line(log, MMS_LOG_INFO, "multims", text);
    snprintf(text, sizeof text, "folder: %s", folder ? folder : "?");
    log_line(log, MMS_LOG_INFO, "multims", text);
    free(folder);
    free(here);
}

/* The file that --log FILE, --log=FILE or log=FILE names, or "" */
static const char *named_file(const struct run_log *log)
{
    const char *file = "";

    for (int i = 1; i < log->nwords && strcmp(log->words[i], "--"); i++) {
        const char *const word = log->words[i];
        if (!strcmp(word, "--log") && i + 1 < log->nwords)
            file = log->words[++i];
        else if (!strncmp(word, "--log=", 6))
            file = word + 6;
        else if (!strncmp(word, "log=", 4))
            file = word + 4;
    }
    return file;
}

void run_log_open_refused(struct run_log *log)
{
    if (open_file(log, named_file(log)))
        begin_log(log);
}

mms_status run_log_open(const mms_run_options *options, struct run_log *log, mms_error *err)
{
    const mms_level wanted = options->verbose > 1 ? MMS_LOG_TRACE
                             : options->verbose   ? MMS_LOG_DEBUG
                                                  : MMS_LOG_INFO;

    log->screen = options->quiet ? MMS_LOG_WARN : wanted;
    if (open_file(log, options->log))
        begin_log(log);
    else if (*options->log)
        return mms_fail(err, MMS_ERR_IO, "log %s: %s", options->log, strerror(errno));
    /* the file has at least DEBUG, for the report of a failure that nobody expected */
    mms_log_to(run_log_take, log, log->file && wanted < MMS_LOG_DEBUG ? MMS_LOG_DEBUG : wanted);
    if (log->file && log->json)
        mms_log_events_to(take_event, log);
    return MMS_OK;
}

void run_log_close(struct run_log *log, int status, double seconds)
{
    const bool failed = *log->failure;
    char text[sizeof log->failure + 64];

    snprintf(text, sizeof text, "status %d after %.3f s%s%s", status, seconds, failed ? ": " : "",
             log->failure);
    if (log->file)
        log_line(log, failed ? MMS_LOG_ERROR : MMS_LOG_INFO, "multims", text);
    mms_log_events_to(NULL, NULL);
    if (log->file && (ferror(log->file) | fclose(log->file)))
        fprintf(stderr, "WARN multims: the log %s is incomplete\n", log->path);
    log->file = NULL;
}

void run_log_add_end(const char *path, int status, double seconds, const char *failure)
{
    struct run_log log = {0};

    (void)open_file(&log, path);
    snprintf(log.failure, sizeof log.failure, "%s", failure);
    run_log_close(&log, status, seconds);
}
