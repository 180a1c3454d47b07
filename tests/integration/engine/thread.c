/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file thread.c  Preloaded by the tests: a library that starts a thread, as some of linear
 * algebra do.  Processes that have it are not forked: a fork would lack the thread. */
#include <pthread.h>
#include <unistd.h>

static void *wait_for_ever(void *nothing)
{
    for (;;)
        pause();
    return nothing;
}

static void __attribute__((constructor)) begin(void)
{
    pthread_t thread;

    pthread_create(&thread, NULL, wait_for_ever, NULL);
}
