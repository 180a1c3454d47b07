/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_RUN_LOG_H
#define MULTIMS_RUN_LOG_H
/** @file run_log.h  Where log lines go: to the screen, and to the file of --log. */

#include <stdio.h>

#include "multims/log.h"
#include "multims/task.h"

struct run_log {
    mms_level screen; /* stderr has lines up to this level */
    FILE *file;       /* has all lines, with times; NULL: none */
    bool json;        /* lines are JSON: the file's name ends in .jsonl */
    const char *path;
    char failure[sizeof((mms_error *)0)->msg]; /* the error that ended the run, or "" */
    int nwords;                                /* of the command line */
    const char *const *words;
};

/* Send log lines where the options say; a file begins with the command line, the versions, the host
 * and the folder.  Errors: IO. */
MMS_CHECKED mms_status run_log_open(const mms_run_options *options, struct run_log *log,
                                    mms_error *err);

/* Open the file alone for a request that is not understood, if its words name one. */
void run_log_open_refused(struct run_log *log);

/* A sink of log lines; ctx is a struct run_log. */
void run_log_take(void *ctx, mms_level level, const char *scope, const char *text);

/* Add the end of a run whose process is gone to the file at path. */
void run_log_add_end(const char *path, int status, double seconds, const char *failure);

/* End the file, if there is one, with status and time, and the failure. */
void run_log_close(struct run_log *log, int status, double seconds);

#endif
