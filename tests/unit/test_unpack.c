/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_unpack.c  Filters of HDF5 undone: what zlib makes, streams that grow, and damaged
 * ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "hdf5/unpack_priv.h"

enum { N = 1000 };

/** As the C library's rand_r, the same everywhere. */
static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static unsigned char *deflated(const unsigned char *data, size_t n, size_t *bytes)
{
    uLongf length = compressBound((uLong)n);
    unsigned char *const out = malloc(length);

    assert_non_null(out);
    assert_int_equal(compress(out, &length, data, (uLong)n), Z_OK);
    *bytes = length;
    return out;
}

static void values(unsigned char *data)
{
    for (int i = 0; i < N; i++)
        data[i] = (unsigned char)(i * i / 7);
}

/** Elements of 4 bytes, and 2 bytes that are none, shuffled and deflated. */
static void all_are_undone(void **state)
{
    const mms_filters filters = {2, {{2, 4}, {1, 0}}};
    unsigned char data[N], shuffled[N], *packed;
    const size_t whole = N - 2;
    size_t bytes;

    (void)state;
    values(data);
    for (size_t i = 0; i < whole; i++)
        shuffled[i < whole / 4 * 4 ? i % 4 * (whole / 4) + i / 4 : i] = data[i];
    packed = deflated(shuffled, whole, &bytes);
    assert_null(mms_unpack(&filters, 0, whole, &packed, &bytes));
    assert_int_equal(bytes, whole);
    assert_memory_equal(packed, data, whole);
    free(packed);
}

/** Sums that HDF5 1.10.8 has stored of "abcdefgh" and "abc". */
static void sums(void **state)
{
    static const struct {
        const char *text;
        unsigned char sum[4];
    } stored[] = {{"abcdefgh", {0x95, 0x91, 0xeb, 0xe1}}, {"abc", {0x62, 0xc4, 0xc5, 0x25}}};
    const mms_filters filters = {1, {{3, 0}}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        const size_t n = strlen(stored[i].text);
        for (int odd = 0; odd < 2; odd++) {
            size_t bytes = n + 4;
            unsigned char *data = malloc(bytes);
            assert_non_null(data);
            memcpy(data, stored[i].text, n);
            memcpy(data + n, stored[i].sum, 4);
            data[1] = (unsigned char)(data[1] ^ odd);
            const char *const wrong = mms_unpack(&filters, 0, n, &data, &bytes);
            if (odd)
                assert_string_equal(wrong, "checksum is wrong");
            else
                assert_null(wrong);
            free(data);
        }
    }
}

/** A filter whose bit is set was not applied. */
static void skipped(void **state)
{
    const mms_filters filters = {2, {{2, 4}, {1, 0}}};
    unsigned char *data = malloc(N);
    size_t bytes = N;

    (void)state;
    assert_non_null(data);
    values(data);
    assert_null(mms_unpack(&filters, 3, N, &data, &bytes));
    assert_int_equal(data[10], 100 / 7);
    free(data);
}

static void other_sizes(void **state)
{
    const mms_filters filters = {1, {{1, 0}}};
    static unsigned char zeros[1 << 20];

    (void)state;
    for (int large = 0; large < 2; large++) {
        size_t bytes;
        unsigned char *data = deflated(zeros, large ? sizeof zeros : N - 1, &bytes);
        assert_string_equal(mms_unpack(&filters, 0, N, &data, &bytes),
                            large ? "deflate stream is longer than its chunk"
                                  : "deflate stream is damaged");
        free(data);
    }
}

/** Under AddressSanitizer: buffers are of the exact size. */
static void random_streams(void **state)
{
    static const int ids[] = {1, 2, 3, 32000};
    uint32_t seed = 1;
    int good = 0;

    (void)state;
    for (int k = 0; k < 20000; k++) {
        mms_filters filters = {.n = 1 + (int)(next(&seed) % 3)};
        unsigned char raw[N], *data;
        size_t bytes;
        for (int i = 0; i < filters.n; i++) {
            filters.list[i].id = ids[next(&seed) % 4];
            filters.list[i].size = next(&seed) % 9;
        }
        values(raw);
        data = deflated(raw, 1 + next(&seed) % N, &bytes);
        for (uint32_t n = next(&seed) % 4; n > 0; n--)
            data[next(&seed) % bytes] = (unsigned char)next(&seed);
        good += !mms_unpack(&filters, 0, 1 + next(&seed) % N, &data, &bytes);
        free(data);
    }
    assert_true(good > 0 && good < 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_are_undone), cmocka_unit_test(sums),
        cmocka_unit_test(skipped),        cmocka_unit_test(other_sizes),
        cmocka_unit_test(random_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
