/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_listing.c  Sizes as du prints them (multi-ms 4.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "check/disk_use_priv.h"

static void expect(int64_t bytes, const char *wanted)
{
    char *text = mms_disk_use_text(bytes);
    assert_string_equal(text, wanted);
    free(text);
}

static void sizes_are_rounded_up(void **state)
{
    const int64_t k = 1024;
    (void)state;
    expect(0, "0");
    expect(512, "512");
    expect(1023, "1023");
    expect(1024, "1.0K");
    expect(1025, "1.1K");
    expect(9 * k + 921, "9.9K"); /* 9.8994 */
    expect(9 * k + 922, "10K");  /* 9.9004 */
    expect(1023 * k, "1023K");
    expect(1023 * k + 1, "1.0M");
    expect(1028 * k, "1.1M");
    expect(7936 * k, "7.8M");
    expect(10188 * k, "10M");
    expect(10244 * k, "11M");
    expect(5 * k * k * k * k, "5.0T");
    expect(2000 * k * k * k * k * k, "2000P");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_are_rounded_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
