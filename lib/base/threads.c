/** @file threads.c  A few threads that share the rows of a block. */
#include "threads_priv.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base_priv.h"

typedef struct helper {
    mms_threads *threads;
    int number;
    pthread_t thread;
    mms_status st;
    mms_error err;
} helper;

struct mms_threads {
    int n;
    helper *helpers; /**< [n]; the first is the caller's own and has no thread */
    int started;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    int64_t turn; /**< counts pieces of work */
    int busy;
    bool stop;
    mms_share *share;
    void *ctx;
};

static void *help(void *argument)
{
    helper *h = argument;
    mms_threads *t = h->threads;
    int64_t turn = 0;

    pthread_mutex_lock(&t->lock);
    for (;;) {
        while (!t->stop && t->turn == turn)
            pthread_cond_wait(&t->work, &t->lock);
        if (t->stop)
            break;
        turn = t->turn;
        pthread_mutex_unlock(&t->lock);
        h->st = t->share(t->ctx, h->number, t->n, &h->err);
        pthread_mutex_lock(&t->lock);
        if (--t->busy == 0)
            pthread_cond_signal(&t->done);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/** Start one thread; signals are the caller's thread's. */
static int start_one(mms_threads *t)
{
    helper *h = &t->helpers[t->started];
    sigset_t all, before;

    h->threads = t;
    h->number = t->started;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int why = pthread_create(&h->thread, NULL, help, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why;
}

mms_status mms_threads_start(int n, mms_threads **out, mms_error *err)
{
    mms_threads *t = mms_alloc(1, sizeof *t);

    *out = NULL;
    if (!t || !(t->helpers = mms_alloc(n, sizeof *t->helpers))) {
        free(t);
        return mms_fail(err, MMS_ERR_MEM, "threads: out of memory");
    }
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->work, NULL);
    pthread_cond_init(&t->done, NULL);
    t->started = 1;
    while (t->started < n && start_one(t) == 0)
        t->started++;
    t->n = t->started; // where the system gives fewer, fewer do
    *out = t;
    return MMS_OK;
}

int mms_threads_count(const mms_threads *threads)
{
    return threads ? threads->n : 1;
}

mms_status mms_threads_run(mms_threads *threads, mms_share *share, void *ctx, mms_error *err)
{
    mms_threads *t = threads;

    if (!t || t->n == 1)
        return share(ctx, 0, 1, err);
    pthread_mutex_lock(&t->lock);
    t->share = share;
    t->ctx = ctx;
    t->busy = t->n - 1;
    t->turn++;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    t->helpers[0].st = share(ctx, 0, t->n, &t->helpers[0].err);
    pthread_mutex_lock(&t->lock);
    while (t->busy > 0)
        pthread_cond_wait(&t->done, &t->lock);
    pthread_mutex_unlock(&t->lock);
    for (int i = 0; i < t->n; i++)
        if (t->helpers[i].st != MMS_OK)
            return mms_fail(err, t->helpers[i].st, "%s", t->helpers[i].err.msg);
    return MMS_OK;
}

void mms_threads_stop(mms_threads **threads)
{
    mms_threads *t = *threads;

    *threads = NULL;
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    for (int i = 1; i < t->started; i++)
        pthread_join(t->helpers[i].thread, NULL);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->work);
    pthread_cond_destroy(&t->done);
    free(t->helpers);
    free(t);
}
