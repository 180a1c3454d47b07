/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PROGRAM_H
#define MULTIMS_PROGRAM_H
/** @file program.h  Runs another program in a worker: its own process group, its lines, its end.
 *
 *  The program gets an environment without the variables by which it would take itself for a rank
 *  of the running MPI job.  Source: docs/each.md */

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Takes a line of stream 1 or 2, without its end. */
typedef void mms_program_line(void *ctx, int stream, const char *text);

typedef struct mms_program {
    const char *const *argv;    /**< ends with NULL; no shell reads it */
    const char *folder;         /**< in which it runs */
    const char *const *setting; /**< "NAME=value" beside the environment; ends with NULL */
    int grace_s;                /**< from SIGTERM to SIGKILL when this process is to stop */
    double limit_s;             /**< after which it is ended; 0: none */
    double stall_s;             /**< the same, while it uses no processor time and no I/O */
    int64_t memory; /**< bytes, beyond which it is killed with all that it has started; 0: none */
    int keeps;      /**< a descriptor that it gets, too, as a lock lives with it; 0 or less: none */
    mms_program_line *line;
    void *ctx;
} mms_program;

enum { MMS_PROGRAM_TAIL = 8192, MMS_PROGRAM_GRACE_S = 5 };

/** How it ended. */
typedef struct mms_program_end {
    int exit_status;                /**< -1 when a signal ended it */
    int signal_number;              /**< 0: none */
    bool stopped;                   /**< since this process was told to stop */
    bool timed_out, stalled, large; /**< large: it took too much memory */
    double wall_s, user_s, system_s;
    int64_t max_rss_kib;
    char tail[2][MMS_PROGRAM_TAIL]; /**< the last lines of streams 1 and 2, each with its end */
} mms_program_end;

/** Run a program to its end.  What it has started and left behind is killed with it.
 *  Errors: NOT_FOUND no such program; IO it can't be run; MEM. */
MMS_CHECKED mms_status mms_program_run(const mms_program *program, mms_program_end *end,
                                       mms_error *err);

/** Write how it ended: exit, signal, seconds, cpu_seconds, max_rss_kib, stdout_tail, stderr_tail.
 */
void mms_program_tell(const mms_program_end *end, mms_value *answer);

/** Fail in words where it did not end well.
 *  Errors: WORKER another status than 0, a signal, a limit of program; STOPPED. */
MMS_CHECKED mms_status mms_program_judge(const mms_program *program, const mms_program_end *end,
                                         mms_error *err);

/** Check that a program can be found and run here, as execvp(3) does.  Errors: NOT_FOUND, IO. */
MMS_CHECKED mms_status mms_program_check(const char *name, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
