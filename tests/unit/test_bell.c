/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_bell.c  Bells of ranks: who hears which, and what is forged or too much. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/bell_priv.h"

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
    assert_true(mms_bell_ring(&one, 0));
    assert_true(is_readable(&zero) && !is_readable(&one));
    assert_true(mms_bell_heard(&zero));
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
    assert_true(mms_bell_heard(&zero));
    assert_false(mms_bell_heard(&zero));
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
    assert_false(mms_bell_heard(&mine));
    const int n = snprintf(name.sun_path + 1, 90, "multims-%llx-0", (unsigned long long)job[0]);
    for (size_t size = 0; size <= sizeof words; size += 4) {
        assert_true(sendto(other.fd, words, size, 0, (const struct sockaddr *)&name,
                           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) ==
                    (ssize_t)size);
        assert_true(is_readable(&mine));
        assert_false(mms_bell_heard(&mine) || is_readable(&mine));
    }
    mms_bell_close(&mine);
    mms_bell_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ringing_is_heard_once),
        cmocka_unit_test(a_rank_that_does_not_look_holds_nobody_up),
        cmocka_unit_test(a_name_is_taken_once),
        cmocka_unit_test(what_is_forged_is_not_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
