/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SPAWN_PRIV_H
#define MULTIMS_SPAWN_PRIV_H
/** @file spawn_priv.h  The process of a worker, which a pool starts and ends. */

#include "base/blackbox_priv.h"
#include "engine_priv.h"

typedef struct mms_process {
    pid_t pid;         /**< 0: none */
    int fd;            /**< socket */
    int print;         /**< what it prints: nothing, unless something is wrong; -1: ended */
    mms_blackbox *box; /**< what it is at; NULL: not known */
} mms_process;

/** Start a worker; program NULL: this one.  Errors: IO. */
MMS_CHECKED mms_status mms_process_start(const char *program, mms_process *process, mms_error *err);
/** Let a worker that has run nothing make another by fork, whose parent is this process, too.
 *  Errors: UNSUPPORTED it can't, and is still a worker; WORKER it does not answer; IO. */
MMS_CHECKED mms_status mms_process_fork(const mms_process *from, mms_process *process,
                                        mms_error *err);
/** Whether it has ended; it is not collected. */
bool mms_process_has_ended(const mms_process *process);
/** End one that has nothing in hand, and collect it; nothing happens where there is none. */
void mms_process_kill(mms_process *process);
/** A worker that was killed can't remove its folder: whoever buries it does. */
void mms_process_free_box(mms_process *process);

#endif
