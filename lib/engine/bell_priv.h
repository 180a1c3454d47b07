/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BELL_PRIV_H
#define MULTIMS_BELL_PRIV_H
/** @file bell_priv.h  Wakes a rank of this machine that sleeps between probes: a datagram beside
 * each message, which carries nothing.  A lost or forged one costs a probe. Source: spec
 * job-engine 3.7 (b) */

#include <stdbool.h>
#include <stdint.h>

typedef struct mms_bell {
    int fd;          /**< readable when somebody has rung; -1: there is none */
    uint64_t job[2]; /**< of the names of sockets, and what is sent; the same on all ranks */
} mms_bell;

/** Begin to hear; job: what the ranks of this job have in common.  Returns whether it can. */
bool mms_bell_open(mms_bell *bell, const uint64_t job[2], int rank);
/** Wake a rank.  Returns whether it is there, on this machine. */
bool mms_bell_ring(const mms_bell *bell, int rank);
/** Take what has rung.  Returns how many of our job did; -1: others alone. */
int mms_bell_heard(const mms_bell *bell);
void mms_bell_close(mms_bell *bell);

#endif
