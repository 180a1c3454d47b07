/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file lanes.c  Threads that work on one sequence of pieces, each on one piece at a time. */
#include "lanes_priv.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base_priv.h"
#include "limits_priv.h"

/** Its stack, and the heap that the C library sets aside for it. */
static const int64_t bytes_of_thread = (int64_t)160 << 20;

typedef struct runner {
    mms_lanes *lanes;
    int number;
    pthread_t thread;
    int64_t piece; /**< that failed */
    mms_status st;
    mms_error err;
} runner;

struct mms_lanes {
    mms_lane *lane;
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    int n;
    int64_t turn;   /**< the piece whose turn it is */
    int64_t result; /**< likewise */
    int64_t failed; /**< the first that failed, or INT64_MAX */
    /* work that is shared in this turn */
    mms_lane_share *share;
    void *share_ctx;
    int nshare, next, running;
};

static void *run(void *argument)
{
    runner *r = argument;
    mms_lanes *l = r->lanes;

    r->st = l->lane(l->ctx, l, r->number, &r->piece, &r->err);
    if (r->st != MMS_OK) {
        pthread_mutex_lock(&l->lock);
        l->failed = r->piece < l->failed ? r->piece : l->failed;
        pthread_cond_broadcast(&l->moved);
        pthread_mutex_unlock(&l->lock);
    }
    return NULL;
}

/** Start a thread; signals are the caller's thread's. */
static bool start(runner *r)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int why = pthread_create(&r->thread, NULL, run, r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why == 0;
}

mms_status mms_lanes_run(int n, mms_lane *lane, void *ctx, mms_error *err)
{
    mms_lanes l = {.lane = lane, .ctx = ctx, .n = n, .failed = INT64_MAX};
    runner *runners = mms_alloc(n, sizeof *runners);
    int started = 1;
    mms_status st = MMS_OK;

    assert(n >= 1);
    if (!runners)
        return mms_fail(err, MMS_ERR_MEM, "threads: out of memory");
    mms_memory_allow(MMS_ROOM_THREADS, n * bytes_of_thread);
    pthread_mutex_init(&l.lock, NULL);
    pthread_cond_init(&l.moved, NULL);
    for (int i = 0; i < n; i++)
        runners[i] = (runner){.lanes = &l, .number = i};
    while (started < n && start(&runners[started]))
        started++;
    (void)run(&runners[0]);
    for (int i = 1; i < started; i++)
        pthread_join(runners[i].thread, NULL);
    for (int i = 0; i < started; i++)
        if (runners[i].st != MMS_OK && runners[i].piece == l.failed)
            st = mms_fail(err, runners[i].st, "%s", runners[i].err.msg);
    pthread_cond_destroy(&l.moved);
    pthread_mutex_destroy(&l.lock);
    free(runners);
    return st;
}

/** Take a share, with the lock held before and after. */
static void take_share(mms_lanes *l)
{
    const int i = l->next++;

    assert(i < l->nshare);
    l->running++;
    pthread_mutex_unlock(&l->lock);
    l->share(l->share_ctx, i, l->nshare);
    pthread_mutex_lock(&l->lock);
    if (--l->running == 0 && l->next == l->nshare)
        pthread_cond_broadcast(&l->moved);
}

static bool wait_for(mms_lanes *l, int64_t piece, const int64_t *now, int64_t number)
{
    pthread_mutex_lock(&l->lock);
    while (piece < l->failed && *now != number)
        if (l->next < l->nshare)
            take_share(l);
        else
            pthread_cond_wait(&l->moved, &l->lock);
    const bool begun = piece < l->failed;
    pthread_mutex_unlock(&l->lock);
    return begun;
}

static void advance(mms_lanes *l, int64_t *now)
{
    pthread_mutex_lock(&l->lock);
    ++*now;
    pthread_cond_broadcast(&l->moved);
    pthread_mutex_unlock(&l->lock);
}

bool mms_lanes_begin_turn(mms_lanes *l, int64_t piece)
{
    return wait_for(l, piece, &l->turn, piece);
}

void mms_lanes_end_turn(mms_lanes *l)
{
    advance(l, &l->turn);
}

bool mms_lanes_begin_result(mms_lanes *l, int64_t piece, int64_t result)
{
    return !l || wait_for(l, piece, &l->result, result);
}

void mms_lanes_end_result(mms_lanes *l)
{
    if (l)
        advance(l, &l->result);
}

int mms_lanes_count(const mms_lanes *lanes)
{
    return lanes ? lanes->n : 1;
}

void mms_lanes_share(mms_lanes *l, int n, mms_lane_share *share, void *ctx)
{
    if (!l) {
        for (int i = 0; i < n; i++)
            share(ctx, i, n);
        return;
    }
    pthread_mutex_lock(&l->lock);
    assert(l->next == l->nshare && l->running == 0); // one piece of work at a time is shared
    l->share = share;
    l->share_ctx = ctx;
    l->next = 0;
    l->nshare = n;
    pthread_cond_broadcast(&l->moved);
    while (l->next < l->nshare)
        take_share(l);
    while (l->running > 0)
        pthread_cond_wait(&l->moved, &l->lock);
    pthread_mutex_unlock(&l->lock);
}
