/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_QUEUE_PRIV_H
#define MULTIMS_QUEUE_PRIV_H
/** @file queue_priv.h  Which of the commands that wait is given to which of the servers that are
 * free (spec job-engine 1.7, 4).
 *
 *  Commands are numbered from 1, servers from 1.  What names a server waits for it, in the order of
 *  pushing; what names none goes to the last server that is free, or to that which had its key
 *  last.  Of all that could go, what was pushed first goes first.  A command that needs more of a
 *  thing than is left waits, and is overtaken at most MMS_QUEUE_BYPASS times. */

#include "multims/base.h"
#include "multims/value.h"

enum { MMS_QUEUE_BYPASS = 1000 };

typedef struct mms_queue mms_queue;

/** Make a queue.  totals: an object, name to how much there is of it, copied; NULL: nothing is
 *  counted.  Errors: ARG a total that is no positive integer; MEM. */
MMS_CHECKED mms_status mms_queue_open(int nservers, const mms_value *totals, mms_queue **out,
                                      mms_error *err);
void mms_queue_close(mms_queue **queue);

/** Refuse what needs more than there is, or what is not counted.  Errors: ARG. */
MMS_CHECKED mms_status mms_queue_check(const mms_queue *queue, const mms_value *needs,
                                       mms_error *err);
/** Add command id, which is higher than all before; target 0: any server.  needs: an object that
 *  stays until mms_queue_end(), or NULL; key: what it works on, copied, or NULL.  Errors: MEM. */
MMS_CHECKED mms_status mms_queue_add(mms_queue *queue, int64_t id, int target,
                                     const mms_value *needs, const char *key, mms_error *err);
/** The server of a key that has one for good: that which had it last, else the next in turn; 0: out
 * of memory. */
int mms_queue_home(mms_queue *queue, const char *key);
/** How many commands wait for a server. */
int64_t mms_queue_waiting(const mms_queue *queue);
/** A server is free, or not. */
void mms_queue_set_free(mms_queue *queue, int server, bool is_free);
/** Take what goes next, and its server, which is not free then; false: nothing can go. */
bool mms_queue_next(mms_queue *queue, int64_t *id, int *server);
/** A command has ended, on server (0: it still waited): what it needed is there again. */
void mms_queue_end(mms_queue *queue, int64_t id, int server);

#endif
