/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_simulate.c  The simulator's requests, the order of its rows and its values. */
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "simulate/simulate_priv.h"

static mms_simulate_opts small(void)
{
    static const int64_t channels[] = {3};
    mms_simulate_opts o = MMS_SIMULATE_OPTS_INIT;

    o.antennas = 3;
    o.scans = 2;
    o.spws = 2;
    o.integrations = 2;
    o.nchannels = 1;
    o.channels = channels;
    o.correlations = "2";
    return o;
}

static void refused(const mms_simulate_opts *o, const char *message)
{
    struct sim sim;
    mms_error err;

    assert_int_equal(sim_init(&sim, o, &err), MMS_ERR_ARG);
    assert_string_equal(err.msg, message);
    sim_free(&sim);
}

static void rows_are_ordered_by_time(void **state)
{
    const mms_simulate_opts o = small();
    struct sim_row row;
    struct sim sim;
    int64_t n = 0;
    mms_error err;

    (void)state;
    assert_int_equal(sim_init(&sim, &o, &err), MMS_OK);
    assert_int_equal(sim.nrow, 2 * 2 * 2 * 3);
    for (bool more = sim_first(&sim, &row); more; more = sim_next(&sim, &row), n++) {
        assert_int_equal(row.row, n);
        assert_int_equal(row.baseline, n % 3);
        assert_int_equal(row.dd, n / 3 % 2);
        assert_int_equal(row.integration, n / 6 % 2);
        assert_int_equal(row.scan, n / 12);
    }
    assert_int_equal(n, sim.nrow);
    sim_free(&sim);
}

static void rows_are_ordered_by_spw(void **state)
{
    mms_simulate_opts o = small();
    struct sim_row row;
    struct sim sim;
    int64_t n = 0;
    mms_error err;

    (void)state;
    o.spw_order = true;
    assert_int_equal(sim_init(&sim, &o, &err), MMS_OK);
    for (bool more = sim_first(&sim, &row); more; more = sim_next(&sim, &row), n++) {
        assert_int_equal(row.row, n);
        assert_int_equal(row.integration, n / 3 % 2);
        assert_int_equal(row.scan, n / 6 % 2);
        assert_int_equal(row.dd, n / 12);
    }
    assert_int_equal(n, sim.nrow);
    sim_free(&sim);
}

static void missing_spws_have_no_rows(void **state)
{
    mms_simulate_opts o = small();
    struct sim_row row;
    struct sim sim;
    int64_t n = 0;
    mms_error err;

    (void)state;
    o.missing = "1:0,2:1";
    assert_int_equal(sim_init(&sim, &o, &err), MMS_OK);
    for (bool more = sim_first(&sim, &row); more; more = sim_next(&sim, &row), n++)
        assert_int_equal(row.dd, 1 - row.scan);
    assert_int_equal(n, 2 * 2 * 3);
    assert_int_equal(sim.nrow, n);
    sim_free(&sim);
}

static void everything_missing_is_an_empty_set(void **state)
{
    mms_simulate_opts o = small();
    struct sim_row row;
    struct sim sim;
    mms_error err;

    (void)state;
    o.missing = "1:0,2:1,1:1,2:0";
    assert_int_equal(sim_init(&sim, &o, &err), MMS_OK);
    assert_int_equal(sim.nrow, 0);
    assert_false(sim_first(&sim, &row));
    sim_free(&sim);
}

static void setups_give_data_descriptions(void **state)
{
    mms_simulate_opts o = small();
    struct sim sim;
    mms_error err;

    (void)state;
    o.correlations = "RR,LL;4;I";
    assert_int_equal(sim_init(&sim, &o, &err), MMS_OK);
    assert_int_equal(sim.ndd, 6);
    assert_int_equal(sim_ncorr(&sim, 3), 2);
    assert_int_equal(sim_ncorr(&sim, 4), 4);
    assert_int_equal(sim_ncorr(&sim, 5), 1);
    assert_int_equal(sim.setups[0].corr[1], 8);
    assert_int_equal(sim.setups[1].corr[3], 12);
    assert_false(sim_same_shape(&sim));
    sim_free(&sim);
}

static void bad_requests_are_refused(void **state)
{
    mms_simulate_opts o = small();

    (void)state;
    o.correlations = "XX,XY,YX,YY,RR";
    refused(&o, "parameter correlations: more than 4 in one setup");
    o = small();
    o.missing = "1:0;2";
    refused(&o, "parameter missing: 1:0;2 is not a list of SCAN:SPW");
    o.missing = "0:1";
    refused(&o, "parameter missing: no scan or spw 0:1");
    o = small();
    o.nchannels = 3;
    refused(&o, "parameter channels: 3 numbers for 2 spws; give one, or one for each");
    o = small();
    o.antennas = 1;
    refused(&o, "parameter antennas: one antenna has no rows without autocorrelations");
    o = small();
    o.layout = "heap";
    refused(&o, "parameter layout: heap is none of casa, tiledcolumn, standard, shared, cell, "
                "aipsio");
}

static sim_fill *fill_of(const char *column)
{
    const struct sim_column *c = sim_columns;

    while (strcmp(c->name, column))
        c++;
    return c->fill;
}

static void data_tell_their_place(void **state)
{
    const mms_simulate_opts o = small();
    const struct sim_row rows[2] = {{.row = 7}, {.row = (1 << 24) + 5}};
    float complex data[2 * 6], model[2 * 6], corrected[2 * 6];
    struct sim sim;
    mms_error err;

    (void)state;
    assert_int_equal(sim_init(&sim, &o, &err), MMS_OK);
    fill_of("DATA")(&sim, 2, rows, data);
    fill_of("MODEL_DATA")(&sim, 2, rows, model);
    fill_of("CORRECTED_DATA")(&sim, 2, rows, corrected);
    for (int i = 0; i < 12; i++) {
        assert_float_equal(crealf(data[i]), (i < 6 ? 7 : 5), 0);
        assert_float_equal(cimagf(data[i]), (i % 6), 0);
        assert_true(model[i] == -data[i]);
        assert_true(corrected[i] == 2 * data[i]);
    }
    sim_free(&sim);
}

static void values_do_not_depend_on_the_block(void **state)
{
    static const char *const columns[] = {"FLAG", "WEIGHT_SPECTRUM", "DATA", "SIGMA", "UVW"};
    mms_simulate_opts o = small();
    const struct sim_row rows[2] = {{.row = 7, .scan = 1}, {.row = 8, .scan = 1, .baseline = 2}};
    struct sim sim;
    mms_error err;

    (void)state;
    o.flags = 0.5;
    o.noise = 1;
    assert_int_equal(sim_init(&sim, &o, &err), MMS_OK);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        const struct sim_column *c = sim_columns;
        unsigned char both[256] = {0}, one[128] = {0};
        while (strcmp(c->name, columns[i]))
            c++;
        const size_t size = (size_t)sim_cell_size(&sim, c, 0) * mms_dtype_size(c->dtype);
        c->fill(&sim, 2, rows, both);
        c->fill(&sim, 1, rows + 1, one);
        assert_memory_equal(both + size, one, size);
    }
    sim_free(&sim);
}

static void the_size_counts_rows_and_bytes(void **state)
{
    const mms_simulate_opts o = small();
    int64_t rows, bytes, more;
    mms_simulate_opts large = o;
    mms_error err;

    (void)state;
    large.integrations = 2002;
    assert_int_equal(mms_simulate_size(&o, &rows, &bytes, &err), MMS_OK);
    assert_int_equal(rows, 24);
    assert_int_equal(mms_simulate_size(&large, &rows, &more, &err), MMS_OK);
    assert_int_equal(rows, 24 * 1001);
    /* DATA alone */
    assert_true(more - bytes > 24 * 1000 * 3 * 2 * 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_ordered_by_time),
        cmocka_unit_test(rows_are_ordered_by_spw),
        cmocka_unit_test(missing_spws_have_no_rows),
        cmocka_unit_test(everything_missing_is_an_empty_set),
        cmocka_unit_test(setups_give_data_descriptions),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(data_tell_their_place),
        cmocka_unit_test(values_do_not_depend_on_the_block),
        cmocka_unit_test(the_size_counts_rows_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
