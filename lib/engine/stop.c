/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file stop.c  SIGINT, SIGTERM, SIGUSR1 and SIGUSR2: noted here, acted upon where the work is. */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#include "engine_priv.h"
#include "stop.h"

/* Signal handlers have nothing else to write to. */
static volatile sig_atomic_t stop_signal;
static volatile time_t stop_second;
static volatile sig_atomic_t is_asked;

static time_t now_second(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* A second one, later than the copies that timeout(1) and mpirun send, ends the process at once:
 * the user doesn't want to wait for the clean-up. */
static void note(int signal_number)
{
    if (!stop_signal || (stop_signal == SIGUSR1 && signal_number != SIGUSR1)) {
        stop_signal = signal_number;
        stop_second = now_second();
    } else if (signal_number != SIGUSR1 && now_second() > stop_second + 1) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
}

static void note_question(int signal_number)
{
    (void)signal_number;
    is_asked = 1;
}

static void handle(int signal_number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

static const int stops[] = {SIGINT, SIGTERM, SIGUSR1};

void mms_stop_catch_question(void)
{
    handle(SIGUSR2, note_question);
}

void mms_stop_catch(void)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(stops); i++)
        handle(stops[i], note);
    mms_stop_catch_question();
}

void mms_stop_block(sigset_t *before)
{
    sigset_t caught;

    sigemptyset(&caught);
    for (int64_t i = 0; i < MMS_COUNT_OF(stops); i++)
        sigaddset(&caught, stops[i]);
    sigaddset(&caught, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &caught, before);
}

bool mms_stop_is_asked(void)
{
    const bool asked = is_asked;

    is_asked = 0;
    return asked;
}

int mms_stop_signal(void)
{
    return stop_signal;
}

bool mms_stop_at_once(void)
{
    return stop_signal && stop_signal != SIGUSR1;
}

mms_status mms_check_stop(mms_error *err)
{
    const int signal = mms_stop_signal();
    return signal ? mms_fail(err, MMS_ERR_STOPPED, "stopped by signal %d", signal) : MMS_OK;
}
