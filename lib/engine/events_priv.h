/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_EVENTS_PRIV_H
#define MULTIMS_EVENTS_PRIV_H
/** @file events_priv.h  What wakes a program that waits for a client with poll(2). */

#include "multims/client.h"

typedef struct mms_wake mms_wake;

struct mms_event {
    mms_client *client; /**< NULL: closed */
    mms_wake *wake;
    mms_event *next;
    int all, set; /**< all: what wakes, and set, which is readable from then on */
    bool is_set;
    int64_t n, *ids;
};

struct mms_wake {
    int all, timer;
    int64_t interval_ns;
    mms_event *events;
};

/** Watch a descriptor with epoll; close one that is open. */
int mms_wake_add(int all, int fd);
void mms_wake_close_fd(int *fd);

/** Errors: IO, MEM. */
MMS_CHECKED mms_status mms_wake_open(mms_wake **out, mms_error *err);
/** Events that are left are never set. */
void mms_wake_close(mms_wake **wake);
/** The descriptor that is readable when there is something to do. */
int mms_wake_fd(const mms_wake *wake);
/** Wake for what arrives at a socket, again for one that is watched; a closed one is forgotten. */
void mms_wake_watch(mms_wake *wake, int fd);
/** Wake again and again, 0: not; call it when the client has been looked at. */
void mms_wake_tick(mms_wake *wake, int64_t interval_ns);
/** Whether all commands have ended, or their servers have timed out. */
typedef bool mms_have_ended(const mms_client *client, int64_t n, const int64_t *ids);
/** Set the events whose commands have ended. */
void mms_wake_look(mms_wake *wake, mms_client *client, mms_have_ended *have_ended);

/* ---- of the client ---- */

/** Its wake, made at the first call.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_client_wake(mms_client *client, mms_wake **out, mms_error *err);
/** Errors: ARG no such id. */
MMS_CHECKED mms_status mms_client_check_ids(const mms_client *client, int64_t n, const int64_t *ids,
                                            mms_error *err);
/** Whether all have ended, or their servers have timed out. */
bool mms_client_have_all(const mms_client *client, int64_t n, const int64_t *ids);

#endif
