/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_bell.c  Bells of ranks: who hears which, and what is forged or too much. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/bell_priv.h"
#include "engine/engine_priv.h"

static uint64_t job[2];

static void set_job(uint64_t word)
{
    job[0] = (uint64_t)getpid();
    job[1] = word;
}

static bool is_readable(const mms_bell *bell)
{
    struct pollfd fd = {.fd = bell->fd, .events = POLLIN};

    return poll(&fd, 1, 0) == 1;
}

static void ringing_is_heard_once(void **state)
{
    mms_bell zero, one;

    (void)state;
    set_job(5);
    assert_true(mms_bell_open(&zero, job, 0) && mms_bell_open(&one, job, 1));
    assert_false(mms_bell_heard(&zero) || is_readable(&zero));
    assert_true(mms_bell_ring(&one, 0) && mms_bell_ring(&one, 0));
    assert_true(is_readable(&zero) && !is_readable(&one));
    assert_int_equal(mms_bell_heard(&zero), 2);
    assert_false(mms_bell_heard(&zero) || is_readable(&zero));
    mms_bell_close(&zero);
    assert_int_equal(zero.fd, -1);
    assert_false(mms_bell_ring(&one, 0)); /* nobody is there */
    assert_false(mms_bell_heard(&zero) || mms_bell_ring(&zero, 1));
    mms_bell_close(&one);
}

static void a_rank_that_does_not_look_holds_nobody_up(void **state)
{
    mms_bell zero, one;

    (void)state;
    set_job(6);
    assert_true(mms_bell_open(&zero, job, 0) && mms_bell_open(&one, job, 1));
    for (int i = 0; i < 100000; i++)
        assert_true(mms_bell_ring(&one, 0));
    assert_true(mms_bell_heard(&zero) > 0);
    assert_int_equal(mms_bell_heard(&zero), 0);
    mms_bell_close(&zero);
    mms_bell_close(&one);
}

static void a_name_is_taken_once(void **state)
{
    mms_bell first, second;

    (void)state;
    set_job(7);
    assert_true(mms_bell_open(&first, job, 3));
    assert_false(mms_bell_open(&second, job, 3));
    assert_int_equal(second.fd, -1);
    mms_bell_close(&first);
}

/* What others send is taken and wakes, but is not heard (A108, A113). */
static void what_is_forged_is_not_heard(void **state)
{
    mms_bell mine, other;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    char words[64];

    (void)state;
    set_job(8);
    assert_true(mms_bell_open(&mine, job, 0));
    set_job(9);
    assert_true(mms_bell_open(&other, job, 1));
    assert_true(mms_bell_ring(&other, 0)); /* of the same name, of another job */
    assert_int_equal(mms_bell_heard(&mine), -1);
    const int n = snprintf(name.sun_path + 1, 90, "multims-%llx-0", (unsigned long long)job[0]);
    for (size_t size = 0; size <= sizeof words; size += 4) {
        assert_true(sendto(other.fd, words, size, 0, (const struct sockaddr *)&name,
                           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) ==
                    (ssize_t)size);
        assert_true(is_readable(&mine));
        assert_int_equal(mms_bell_heard(&mine), -1);
        assert_false(is_readable(&mine));
    }
    mms_bell_close(&mine);
    mms_bell_close(&other);
}

/* ---- a hub whose bell others ring ---- */

static mms_bell hubs;
static int looks, rings;

static int hubs_bell(void)
{
    return hubs.fd;
}

static int hubs_heard(void)
{
    const int heard = mms_bell_heard(&hubs);

    looks++;
    rings += heard > 0 ? heard : 0;
    return heard;
}

static mms_status nothing_arrives(int *rank, char **data, size_t *size, mms_error *err)
{
    (void)rank, (void)size, (void)err;
    *data = NULL;
    return MMS_OK;
}

static bool nothing_pending(void)
{
    return false;
}

static void take_nothing(void *ctx, int peer, const char *data, size_t size, char **whole)
{
    (void)ctx, (void)peer, (void)data, (void)size, (void)whole;
}

/* A process that rings without end, under the name of another rank, in words of another job. */
static pid_t begin_flood(void)
{
    const pid_t pid = fork();
    mms_bell other;

    assert_true(pid >= 0);
    if (pid)
        return pid;
    job[1]++;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!mms_bell_open(&other, job, 1))
        _exit(1);
    for (;;)
        (void)mms_bell_ring(&other, 0);
}

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* However often others ring, a rank looks some thousand times a second, and hears its own (A108).
 */
static void a_flood_does_not_keep_it_awake(void **state)
{
    const mms_mpi_module module = {.size = sizeof module,
                                   .receive = nothing_arrives,
                                   .pending = nothing_pending,
                                   .bell = hubs_bell,
                                   .heard = hubs_heard};
    mms_hub hub = {.module = &module};
    const struct timespec part = {.tv_nsec = 250000000};
    mms_bell mine;
    pid_t flood;

    (void)state;
    set_job(10);
    assert_true(mms_bell_open(&hubs, job, 0) && mms_bell_open(&mine, job, 2));
    assert_int_equal(mms_pool_create(1, NULL, NULL, &hub.pool, NULL), MMS_OK);
    flood = begin_flood();
    const double begin = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < 2; i++)
        assert_int_equal(mms_hub_wait(&hub, &part, false, NULL, take_nothing, NULL), 0);
    const double passed = seconds(CLOCK_MONOTONIC) - begin;
    print_message("%d looks, %.1f %% of a core\n", looks,
                  100 * (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) / passed);
    assert_true(looks >= 2 && looks < 2000 * passed + 10 && !rings);
    kill(flood, SIGKILL);
    assert_int_equal(waitpid(flood, NULL, 0), flood);
    (void)mms_bell_heard(&hubs);
    assert_true(mms_bell_ring(&mine, 0));
    assert_int_equal(mms_hub_wait(&hub, &part, false, NULL, take_nothing, NULL), 0);
    assert_int_equal(rings, 1);
    mms_pool_free(&hub.pool);
    mms_bell_close(&hubs);
    mms_bell_close(&mine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ringing_is_heard_once),
        cmocka_unit_test(a_rank_that_does_not_look_holds_nobody_up),
        cmocka_unit_test(a_name_is_taken_once),
        cmocka_unit_test(what_is_forged_is_not_heard),
        cmocka_unit_test(a_flood_does_not_keep_it_awake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
