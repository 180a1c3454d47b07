/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_time_average.c  Time bins and their sums (transform-numerics 5, 8, 9); Tnnn are its
 *  cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "base/base_priv.h"
#include "transform/spectra.h"

enum { MOST = 16, DATA = 1, CORRECTED = 2, MODEL = 4, FLOATS = 8 };

#define assert_near(got, want, most)                               \
    do {                                                           \
        const double g = (got), w = (want);                        \
        if (!(fabs(g - w) <= (most)) && !(isnan(g) && isnan(w)))   \
            fail_msg("line %d: %.17g, not %.17g", __LINE__, g, w); \
    } while (0)

/* ---- bins -------------------------------------------------------------------------------------*/

static mms_time_bins *make_bins(double timebin_s, unsigned timespan, mms_time_order order)
{
    mms_time_opts opts = MMS_TIME_OPTS_INIT;
    mms_time_bins *bins;

    opts.timebin_s = timebin_s;
    opts.timespan = timespan;
    opts.order = order;
    assert_int_equal(mms_time_bins_create(&opts, &bins, NULL), MMS_OK);
    return bins;
}

/** Bin of a row; the row opens it iff it has the next number. */
static int64_t bin_of(mms_time_bins *bins, mms_time_row row)
{
    const int64_t before = mms_time_bins_count(bins);
    mms_time_place place;
    mms_error err = {MMS_OK, ""};

    if (mms_time_bins_add(bins, &row, &place, &err) != MMS_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(place.opened, place.bin == before);
    return place.bin;
}

static int64_t nclosed(const mms_time_bins *bins)
{
    int64_t n;

    mms_time_bins_closed(bins, &n);
    return n;
}

/* T048, T049: bins start at their first row and end after 0.999 timebin. */
static void bins_are_anchored_on_their_first_row(void **state)
{
    const double guard[] = {0, 9.98, 9.991, 19}, gaps[] = {0, 4, 25, 29, 31};
    const int64_t guard_bin[] = {0, 0, 1, 1}, gaps_bin[] = {0, 0, 1, 1, 1};
    mms_time_bins *bins = make_bins(10, 0, MMS_BY_TIME);

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(bin_of(bins, (mms_time_row){.time_s = guard[i]}), guard_bin[i]);
    mms_time_bins_free(&bins);
    bins = make_bins(10, 0, MMS_BY_TIME);
    for (int i = 0; i < 5; i++)
        assert_int_equal(bin_of(bins, (mms_time_row){.time_s = gaps[i]}), gaps_bin[i]);
    mms_time_bins_free(&bins);
    mms_time_bins_free(&bins);
}

/* T057; off up to 1 mm. */
static void bins_end_where_the_baseline_has_turned(void **state)
{
    const double limits[] = {5, 0.0005, 0};
    const int64_t want[3][5] = {{0, 0, 1, 1, 2}, {0, 1, 2, 3, 4}, {0, 0, 0, 0, 0}};

    (void)state;
    for (int j = 0; j < 3; j++) {
        mms_time_opts opts = MMS_TIME_OPTS_INIT;
        mms_time_bins *bins;
        opts.timebin_s = 100;
        opts.max_uvw_m = limits[j];
        assert_int_equal(mms_time_bins_create(&opts, &bins, NULL), MMS_OK);
        for (int i = 0; i < 5; i++)
            assert_int_equal(bin_of(bins, (mms_time_row){.time_s = i, .uvw_m = {3 * i}}),
                             want[j][i]);
        mms_time_bins_free(&bins);
    }
}

/* T062: ids end bins unless timespan names them; DDID, array and observation always do. */
static void bins_cross_what_timespan_names(void **state)
{
    const unsigned spans[] = {0, MMS_TIMESPAN_SCAN, MMS_TIMESPAN_STATE, MMS_TIMESPAN_FIELD};

    (void)state;
    for (int i = 0; i < 4; i++) {
        mms_time_bins *bins = make_bins(10, spans[i], MMS_BY_TIME);
        assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 0}), 0);
        const bool scan = bin_of(bins, (mms_time_row){.time_s = 1, .scan = 1}) == 0;
        const bool of_state = bin_of(bins, (mms_time_row){.time_s = 1, .state = 1}) == 0;
        const bool field = bin_of(bins, (mms_time_row){.time_s = 1, .field = 1}) == 0;
        assert_int_equal(scan, i == 1);
        assert_int_equal(of_state, i == 2);
        assert_int_equal(field, i == 3);
        assert_int_not_equal(bin_of(bins, (mms_time_row){.time_s = 2, .ddid = 1}), 0);
        assert_int_not_equal(bin_of(bins, (mms_time_row){.time_s = 2, .array = 1}), 0);
        assert_int_not_equal(bin_of(bins, (mms_time_row){.time_s = 2, .observation = 1}), 0);
        assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 2}), 0); /* back in its chunk */
        mms_time_bins_free(&bins);
    }
}

/* T063: each baseline has its own clock; a bin is closed when any row shows that it is due. */
static void baselines_close_apart(void **state)
{
    mms_time_bins *bins = make_bins(2, 0, MMS_BY_TIME);
    int64_t n;

    (void)state;
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 0, .antenna2 = 1}), 0);
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 1, .antenna2 = 1}), 0);
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 1.5, .antenna2 = 2}), 1);
    assert_int_equal(nclosed(bins), 0);
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 2, .antenna2 = 1}), 2);
    assert_int_equal(nclosed(bins), 1);
    assert_int_equal(mms_time_bins_closed(bins, &n)[0].bin, 0);
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 2.5, .antenna2 = 2}), 1);
    assert_int_equal(nclosed(bins), 0);
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 9, .antenna2 = 3}), 3);
    assert_int_equal(nclosed(bins), 2);
    assert_int_equal(mms_time_bins_closed(bins, &n)[0].bin, 1);
    assert_int_equal(mms_time_bins_closed(bins, &n)[1].bin, 2);
    mms_time_bins_finish(bins);
    assert_int_equal(nclosed(bins), 1);
    assert_int_equal(mms_time_bins_closed(bins, &n)[0].bin, 3);
    mms_time_bins_free(&bins);
}

/* Passes over a part: after finish TIME may fall, bins are counted on. */
static void rows_after_finish_begin_an_order_of_their_own(void **state)
{
    mms_time_bins *bins = make_bins(10, 0, MMS_BY_CHUNK);
    mms_time_place oldest;

    (void)state;
    assert_false(mms_time_bins_oldest(bins, &oldest));
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 50, .scan = 2, .antenna2 = 1}), 0);
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 50, .scan = 2, .antenna2 = 2}), 1);
    assert_true(mms_time_bins_oldest(bins, &oldest));
    assert_int_equal(oldest.bin, 0);
    mms_time_bins_finish(bins);
    assert_false(mms_time_bins_oldest(bins, &oldest));
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 10, .scan = 1, .antenna2 = 1}), 2);
    assert_int_equal(bin_of(bins, (mms_time_row){.time_s = 10, .scan = 1, .antenna2 = 1}), 2);
    assert_true(mms_time_bins_oldest(bins, &oldest));
    assert_int_equal(oldest.bin, 2);
    mms_time_bins_free(&bins);
}

/* Slots are those of the open bins: many bins, few slots, and none used twice at once. */
static void slots_are_used_again(void **state)
{
    enum { TIMES = 60, ANTENNAS = 30 };
    mms_time_bins *bins = make_bins(5, 0, MMS_BY_TIME);
    int64_t held[3 * ANTENNAS * ANTENNAS];

    (void)state;
    memset(held, -1, sizeof held);
    for (int t = 0; t < TIMES; t++)
        for (int32_t a = 0; a < ANTENNAS; a++)
            for (int32_t b = a + 1; b < ANTENNAS; b++) {
                const mms_time_row row = {.time_s = t, .antenna1 = a, .antenna2 = b};
                mms_time_place place;
                int64_t n;
                assert_int_equal(mms_time_bins_add(bins, &row, &place, NULL), MMS_OK);
                const mms_time_place *closed = mms_time_bins_closed(bins, &n);
                for (int64_t i = 0; i < n; i++) {
                    assert_int_equal(held[closed[i].slot], closed[i].bin);
                    held[closed[i].slot] = -1;
                }
                assert_true(place.slot < mms_time_bins_nslot(bins));
                if (place.opened)
                    assert_int_equal(held[place.slot], -1);
                held[place.slot] = place.bin;
            }
    assert_int_equal(mms_time_bins_count(bins), TIMES / 5 * ANTENNAS * (ANTENNAS - 1) / 2);
    assert_true(mms_time_bins_nslot(bins) <= ANTENNAS * ANTENNAS);
    mms_time_bins_free(&bins);
}

static int by_chunk(const void *a, const void *b)
{
    return mms_time_row_compare(a, b, 0);
}

/* Two scans that interleave: sorted by chunk they make the same bins as by TIME. */
static void chunks_make_the_same_bins(void **state)
{
    mms_time_row rows[12];
    double start_by_time[2][12], start_by_chunk[2][12];

    (void)state;
    for (int pass = 0; pass < 2; pass++) {
        mms_time_bins *bins = make_bins(3, 0, pass ? MMS_BY_CHUNK : MMS_BY_TIME);
        double first[12];
        for (int i = 0; !pass && i < 12; i++)
            rows[i] = (mms_time_row){.time_s = i, .scan = i % 2};
        if (pass)
            qsort(rows, 12, sizeof *rows, by_chunk);
        for (int i = 0; i < 12; i++) {
            const int64_t before = mms_time_bins_count(bins), bin = bin_of(bins, rows[i]);
            if (bin == before)
                first[bin] = rows[i].time_s;
            (pass ? start_by_chunk : start_by_time)[rows[i].scan][(int)rows[i].time_s] = first[bin];
        }
        assert_int_equal(mms_time_bins_count(bins), 6);
        mms_time_bins_free(&bins);
    }
    for (int i = 0; i < 12; i++)
        assert_near(start_by_chunk[i % 2][i], start_by_time[i % 2][i], 0);
}

static void unsorted_rows_are_refused(void **state)
{
    const mms_time_row late = {.time_s = 5, .scan = 2}, early = {.time_s = 4, .scan = 2},
                       other = {.time_s = 4, .scan = 3}, before = {.time_s = 9, .scan = 1};
    mms_time_opts opts = MMS_TIME_OPTS_INIT;
    mms_time_bins *bins = make_bins(10, 0, MMS_BY_TIME);
    mms_time_place place;
    mms_error err;

    (void)state;
    assert_int_equal(bin_of(bins, late), 0);
    assert_int_equal(mms_time_bins_add(bins, &early, &place, &err), MMS_ERR_RANGE);
    assert_string_equal(err.msg, "time bins: TIME falls from 5.000 to 4.000 s at row 1");
    mms_time_bins_free(&bins);
    bins = make_bins(10, 0, MMS_BY_CHUNK);
    assert_int_equal(bin_of(bins, late), 0);
    assert_int_equal(mms_time_bins_add(bins, &early, &place, &err), MMS_ERR_RANGE);
    assert_int_equal(bin_of(bins, other), 1);
    assert_int_equal(nclosed(bins), 1);
    assert_int_equal(mms_time_bins_add(bins, &before, &place, &err), MMS_ERR_RANGE);
    assert_string_equal(err.msg, "time bins: row 2 (scan 1, DDID 0) is not sorted by chunk");
    mms_time_bins_free(&bins);
    assert_int_equal(mms_time_bins_create(&opts, &bins, &err), MMS_ERR_ARG);
    assert_null(bins);
}

/* ---- sums -------------------------------------------------------------------------------------*/

/** Rows of one bin, [row][chan][corr], and the row they make. */
struct bin {
    unsigned kinds;
    mms_numerics numerics;
    int64_t nrow, nchan, ncorr;
    bool spectra;
    float data[2][MOST]; /* of the first two columns, real parts */
    const char *flags;
    float weight[MOST], sigma[MOST], weights[MOST], sigmas[MOST];
    double time[MOST], centroid[MOST], exposure_s, uvw[MOST][3];
};

struct averaged {
    mms_complex data[2][MOST];
    uint8_t flag[MOST];
    float weight[MOST], sigma[MOST], weights[MOST], sigmas[MOST];
    mms_time_scalars s;
};

/** A bin of rows 1 s apart. */
static struct bin rows_of(unsigned kinds, int64_t nrow, int64_t nchan)
{
    struct bin b = {.kinds = kinds, .nrow = nrow, .nchan = nchan, .ncorr = 1, .exposure_s = 1};

    for (int i = 0; i < MOST; i++) {
        b.weight[i] = b.sigma[i] = b.weights[i] = b.sigmas[i] = 1;
        b.time[i] = b.centroid[i] = i;
    }
    return b;
}

static void add_columns(mms_spectra *s, unsigned kinds, mms_complex data[2][MOST])
{
    for (int kind = 0; kind < MMS_MAX_KINDS; kind++)
        if (kinds & MMS_KIND_BIT(kind)) {
            s->column[s->ncolumn] =
                (mms_spectra_column){(mms_data_kind)kind, kind == MMS_KIND_FLOAT, data[s->ncolumn]};
            s->ncolumn++;
        }
}

static struct averaged average(struct bin *b)
{
    struct averaged out;
    mms_complex data[2][MOST] = {{0}};
    uint8_t flag[MOST] = {0};
    mms_time_average *average;
    mms_time_sums *sums;
    mms_spectra in = {.nrow = b->nrow,
                      .nchan = b->nchan,
                      .ncorr = b->ncorr,
                      .flag = flag,
                      .weight = b->weight,
                      .sigma = b->sigma,
                      .weight_spectrum = b->spectra ? b->weights : NULL,
                      .sigma_spectrum = b->spectra ? b->sigmas : NULL};
    mms_spectra made = {.nrow = 1,
                        .nchan = b->nchan,
                        .ncorr = b->ncorr,
                        .flag = out.flag,
                        .weight = out.weight,
                        .sigma = out.sigma,
                        .weight_spectrum = out.weights,
                        .sigma_spectrum = out.sigmas};

    for (int i = 0; i < MOST; i++)
        for (int j = 0; j < 2; j++)
            if (b->kinds == FLOATS)
                ((float *)data[j])[i] = b->data[j][i];
            else
                data[j][i] = b->data[j][i];
    for (int i = 0; b->flags && b->flags[i]; i++)
        flag[i] = b->flags[i] == 'T';
    add_columns(&in, b->kinds, data);
    add_columns(&made, b->kinds, out.data);
    assert_int_equal(
        mms_time_average_create(b->nchan, b->ncorr, b->kinds, b->numerics, &average, NULL), MMS_OK);
    assert_int_equal(mms_time_average_begin(average, &sums, NULL), MMS_OK);
    void *scratch = mms_alloc(mms_time_average_scratch(average), 1);
    for (int64_t r = 0; r < b->nrow; r++) {
        const mms_time_scalars s = {.time_s = b->time[r],
                                    .interval_s = 1,
                                    .exposure_s = b->exposure_s,
                                    .time_centroid_s = b->centroid[r],
                                    .uvw_m = {b->uvw[r][0], b->uvw[r][1], b->uvw[r][2]},
                                    .flagged = mms_row_is_flagged(&in, r)};
        mms_time_average_add(average, sums, &in, r, &s, scratch);
    }
    mms_time_average_mean(average, sums, &made, 0, &out.s);
    mms_time_average_drop(average, &sums);
    free(scratch);
    assert_null(sums);
    mms_time_average_free(&average);
    return out;
}

static double real(const struct averaged *a, int column, int cell)
{
    return (double)((const float *)&a->data[column][cell])[0];
}

static void set(float *to, int64_t n, const float *values)
{
    memcpy(to, values, (size_t)n * sizeof *to);
}

#define SET(to, ...) \
    set(to, MMS_COUNT_OF(((const float[]){__VA_ARGS__})), (const float[]){__VA_ARGS__})

/* T046, T047. */
static void samples_make_a_row(void **state)
{
    (void)state;
    for (int n = 9; n <= 10; n++) {
        struct bin b = rows_of(DATA, n, 1);
        for (int i = 0; i < n; i++) {
            b.data[0][i] = (float)(i + 1);
            b.time[i] = b.centroid[i] = 1000 + i;
        }
        const struct averaged a = average(&b);
        assert_near(a.s.time_s, 1000 + (n - 1) / 2.0, 0);
        assert_near(a.s.time_centroid_s, 1000 + (n - 1) / 2.0, 1e-9);
        assert_near(a.s.interval_s, n, 0);
        assert_near(a.s.exposure_s, n, 0);
        assert_near(real(&a, 0, 0), (n + 1) / 2.0, 1e-6);
        assert_near((double)a.weight[0], n, 0);
        assert_near((double)a.sigma[0], 1 / sqrt(n), 1e-7);
    }
}

/* A bin of one row is that row. */
static void one_sample_stays(void **state)
{
    struct bin b = rows_of(DATA, 1, 2);

    (void)state;
    SET(b.data[0], 3, 4);
    b.time[0] = 7;
    b.centroid[0] = 7.25;
    b.uvw[0][2] = 5;
    const struct averaged a = average(&b);
    assert_near(a.s.time_s, 7, 0);
    assert_near(a.s.interval_s, 1, 0);
    assert_near(a.s.time_centroid_s, 7.25, 0);
    assert_near(a.s.uvw_m[2], 5, 0);
    assert_near(real(&a, 0, 1), 4, 0);
    assert_false(a.s.flagged);
}

/* T050; 5.3 [right]: TIME and INTERVAL begin with the first row that counts. */
static void good_rows_replace_flagged_ones(void **state)
{
    struct bin b = rows_of(DATA, 5, 1);

    (void)state;
    SET(b.data[0], 1, 2, 30, 50, 7);
    b.flags = "TTFFT";
    struct averaged a = average(&b);
    assert_near(a.s.time_s, 1.5, 0);
    assert_near(a.s.time_centroid_s, 2.5, 0);
    assert_near(a.s.interval_s, 4, 0);
    assert_near(a.s.exposure_s, 2, 0);
    assert_near(real(&a, 0, 0), 40, 0);
    assert_int_equal(a.flag[0], 0);
    assert_near((double)a.weight[0], 2, 0);
    b.numerics = MMS_NUMERICS_EXACT;
    a = average(&b);
    assert_near(a.s.time_s, 2.5, 0);
    assert_near(a.s.interval_s, 2, 0);
    assert_near(a.s.time_centroid_s, 2.5, 0);
    b.flags = "TTTFT";
    a = average(&b);
    assert_near(a.s.time_s, 3, 0);
    assert_near(a.s.interval_s, 1, 0);
}

/* T051, T217: the mean of flagged rows, flagged. */
static void flagged_rows_make_a_flagged_row(void **state)
{
    struct bin b = rows_of(DATA, 2, 1);

    (void)state;
    SET(b.data[0], 1, 3);
    SET(b.sigma, 1, 0.5f);
    b.flags = "TT";
    const struct averaged a = average(&b);
    assert_near(a.s.time_s, 0.5, 0);
    assert_near(a.s.time_centroid_s, 0.5, 0);
    assert_near(a.s.exposure_s, 2, 0);
    assert_near(real(&a, 0, 0), 2.6, 1e-6);
    assert_int_equal(a.flag[0], 1);
    assert_true(a.s.flagged);
    assert_near((double)a.weight[0], 5, 0);
    assert_near((double)a.sigma[0], 0.44721359, 1e-7);
}

/* T052. */
static void sigma_weighs_data(void **state)
{
    struct bin b = rows_of(DATA, 2, 1);

    (void)state;
    SET(b.data[0], 1, 5);
    SET(b.sigma, 1, 0.5f);
    const struct averaged a = average(&b);
    assert_near(a.s.time_centroid_s, 0.8, 1e-9);
    assert_near(real(&a, 0, 0), 4.2, 1e-6);
    assert_near((double)a.weight[0], 5, 0);
    assert_near((double)a.sigma[0], 0.44721359, 1e-7);
}

/* T053. */
static void weight_weighs_corrected_data(void **state)
{
    struct bin b = rows_of(CORRECTED, 2, 1);

    (void)state;
    SET(b.data[0], 1, 5);
    SET(b.weight, 1, 3);
    b.uvw[0][0] = 10;
    b.uvw[1][0] = 20;
    b.uvw[1][1] = 4;
    const struct averaged a = average(&b);
    assert_near(a.s.time_s, 0.5, 0);
    assert_near(a.s.time_centroid_s, 0.75, 1e-9);
    assert_near(a.s.uvw_m[0], 17.5, 1e-9);
    assert_near(a.s.uvw_m[1], 3, 1e-9);
    assert_near(real(&a, 0, 0), 4, 0);
    assert_near((double)a.weight[0], 4, 0);
    assert_near((double)a.sigma[0], 0.5, 0);
}

/* T054; 5.5, both modes: plain means without weight; 5.4 [right]: such cells are flagged. */
static void rows_without_weight_have_plain_means(void **state)
{
    struct bin b = rows_of(CORRECTED, 2, 1);

    (void)state;
    SET(b.data[0], 1, 5);
    SET(b.weight, 0, 0);
    b.time[1] = b.centroid[1] = 2;
    b.uvw[0][0] = 10;
    b.uvw[1][0] = 20;
    b.uvw[1][1] = 4;
    for (int exact = 0; exact < 2; exact++) {
        b.numerics = exact ? MMS_NUMERICS_EXACT : MMS_NUMERICS_CASA;
        const struct averaged a = average(&b);
        assert_near(a.s.uvw_m[0], 15, 0);
        assert_near(a.s.uvw_m[1], 2, 0);
        assert_near(a.s.time_centroid_s, 1, 0);
        assert_near(real(&a, 0, 0), 0, 0);
        assert_int_equal(a.flag[0], exact);
        assert_near((double)a.weight[0], 0, 0);
        assert_near((double)a.sigma[0], -1, 0);
    }
}

/* T055. */
static void cells_count_apart(void **state)
{
    struct bin b = rows_of(CORRECTED, 2, 2);

    (void)state;
    b.spectra = true;
    SET(b.data[0], 1, 10, 3, 20);
    SET(b.weights, 1, 5, 1, 2);
    b.flags = "FTFF";
    const struct averaged a = average(&b);
    assert_near(real(&a, 0, 0), 2, 0);
    assert_near(real(&a, 0, 1), 20, 0);
    assert_int_equal(a.flag[0] + a.flag[1], 0);
    assert_near((double)a.weights[0], 2, 0);
    assert_near((double)a.weights[1], 2, 0);
    assert_near((double)a.weight[0], 2, 0);
    assert_near((double)a.sigma[0], 0.707106769, 1e-7);
}

/* T056. */
static void rows_start_afresh_with_the_first_good_one(void **state)
{
    const double uvw[] = {1, 2, 4};
    struct bin b = rows_of(CORRECTED, 3, 2);

    (void)state;
    SET(b.data[0], 1, 2, 3, 4, 5, 6);
    SET(b.weight, 1, 2, 2);
    b.flags = "TTTFFF";
    b.exposure_s = 2;
    for (int r = 0; r < 3; r++)
        b.uvw[r][0] = b.uvw[r][1] = b.uvw[r][2] = uvw[r];
    const struct averaged a = average(&b);
    assert_near(a.s.time_centroid_s, 1.5, 0);
    for (int i = 0; i < 3; i++)
        assert_near(a.s.uvw_m[i], 3, 0);
    assert_near(a.s.exposure_s, 4, 0);
    assert_near(real(&a, 0, 0), 5, 0);
    assert_near(real(&a, 0, 1), 5, 0);
    assert_near((double)a.weights[0], 2, 0);
    assert_near((double)a.weights[1], 4, 0);
    assert_near((double)a.weight[0], 3, 0);
}

/* T058. */
static void correlations_have_their_own_weights(void **state)
{
    struct bin b = rows_of(DATA, 2, 1);

    (void)state;
    b.ncorr = 2;
    SET(b.data[0], 1, 2, 3, 4);
    SET(b.sigma, 1, 2, 1, 2);
    b.centroid[1] = 1.5;
    const struct averaged a = average(&b);
    assert_near(a.s.time_centroid_s, 0.75, 1e-9);
    assert_near(real(&a, 0, 0), 2, 0);
    assert_near(real(&a, 0, 1), 3, 0);
    assert_near((double)a.weight[0], 2, 0);
    assert_near((double)a.weight[1], 0.5, 0);
    assert_near((double)a.sigma[0], 0.707106769, 1e-7);
    assert_near((double)a.sigma[1], 1.41421354, 1e-7);
}

/* T059; FLOAT_DATA becomes NaN (vector sigma-invalid-float), [right]: 0 and flagged. */
static void sigmas_that_mean_nothing_give_no_weight(void **state)
{
    struct bin b = rows_of(DATA, 2, 1);

    (void)state;
    SET(b.data[0], 1, 5);
    SET(b.sigma, 0, -1);
    b.uvw[1][0] = 8;
    struct averaged a = average(&b);
    assert_near(real(&a, 0, 0), 0, 0);
    assert_int_equal(a.flag[0], 0);
    assert_near((double)a.weight[0], 0, 0);
    assert_near((double)a.sigma[0], -1, 0);
    assert_near(a.s.uvw_m[0], 4, 0);
    b.kinds = FLOATS;
    a = average(&b);
    assert_near(real(&a, 0, 0), NAN, 0);
    assert_int_equal(a.flag[0], 0);
    assert_near(a.s.time_centroid_s, 0, 0);
    assert_near(a.s.uvw_m[0], 0, 0);
    b.numerics = MMS_NUMERICS_EXACT;
    a = average(&b);
    assert_near(real(&a, 0, 0), 0, 0);
    assert_int_equal(a.flag[0], 1);
    assert_near(a.s.time_centroid_s, 0.5, 0);
    assert_near(a.s.uvw_m[0], 4, 0);
}

/* T060, T061, and MODEL with DATA: normalised ([right] of 5.4, both modes). */
static void columns_have_the_weights_that_belong_to_them(void **state)
{
    struct bin b = rows_of(MODEL, 2, 1);

    (void)state;
    SET(b.data[0], 2, 4);
    SET(b.weight, 1, 9);
    struct averaged a = average(&b);
    assert_near(real(&a, 0, 0), 3, 0);
    assert_near((double)a.weights[0], 2, 0);
    assert_near((double)a.weight[0], 2, 0);
    assert_near((double)a.sigma[0], 0.707106769, 1e-7);

    b.kinds = DATA | CORRECTED;
    SET(b.data[0], 1, 5);
    SET(b.data[1], 10, 20);
    SET(b.sigma, 1, 0.5f);
    SET(b.weight, 1, 3);
    a = average(&b);
    assert_near(real(&a, 0, 0), 4.2, 1e-6);
    assert_near(real(&a, 1, 0), 17.5, 1e-6);
    assert_near((double)a.weight[0], 4, 0);
    assert_near((double)a.sigma[0], 0.44721359, 1e-7);
    assert_near((double)a.sigmas[0], 0.44721359, 1e-7);

    b.kinds = DATA | MODEL;
    a = average(&b);
    assert_near(real(&a, 1, 0), 18, 1e-6);
}

/** Average both channels of a row that was averaged in time. */
static struct averaged average_channels(struct averaged *a, unsigned kind)
{
    double freq[] = {1, 2}, width[] = {1, 1};
    const mms_spectral_axis axis = {2, freq, width, width, width, 2, 1};
    mms_spectral_opts opts = MMS_SPECTRAL_OPTS_INIT;
    struct averaged next;
    mms_spectral_plan *plan;
    mms_spectra in = {.nrow = 1,
                      .nchan = 2,
                      .ncorr = 1,
                      .flag = a->flag,
                      .weight = a->weight,
                      .sigma = a->sigma,
                      .weight_spectrum = a->weights,
                      .sigma_spectrum = a->sigmas};
    mms_spectra out = {.nrow = 1,
                       .nchan = 1,
                       .ncorr = 1,
                       .flag = next.flag,
                       .weight = next.weight,
                       .sigma = next.sigma,
                       .weight_spectrum = next.weights,
                       .sigma_spectrum = next.sigmas};

    add_columns(&in, kind, a->data);
    add_columns(&out, kind, next.data);
    opts.chanbin = 2;
    opts.kinds = kind;
    opts.time_averaged = true;
    assert_int_equal(mms_spectral_prepare(&axis, &opts, &plan, NULL), MMS_OK);
    void *scratch = mms_alloc(mms_spectral_scratch(plan, 1), 1);
    assert_int_equal(mms_spectral_apply(plan, &in, &out, scratch, NULL), MMS_OK);
    free(scratch);
    mms_spectral_plan_free(&plan);
    return next;
}

/* T008; and what a channel average makes of the same row (0.6: W = N, for MODEL too). */
static void averaged_sigma_is_that_of_the_mean_weight(void **state)
{
    struct bin b = rows_of(CORRECTED, 1, 2);

    (void)state;
    b.spectra = true;
    SET(b.weights, 4, 5);
    SET(b.data[0], 9, 18);
    struct averaged a = average(&b);
    assert_near((double)a.weight[0], 4.5, 0);
    assert_near((double)a.sigma[0], 0.471404552, 1e-7);
    struct averaged next = average_channels(&a, CORRECTED);
    assert_near(real(&next, 0, 0), 14, 1e-6);
    assert_near((double)next.weights[0], 9, 0);
    assert_near((double)next.weight[0], 9, 0);
    assert_near((double)next.sigma[0], 1 / 3.0, 1e-7);

    b = rows_of(MODEL, 3, 2);
    SET(b.data[0], 1, 3, 1, 3, 1, 3);
    a = average(&b);
    next = average_channels(&a, MODEL);
    assert_near(real(&next, 0, 0), 2, 0);
    assert_near((double)next.weight[0], 6, 0);
}

/* A NaN that is not flagged stays in its cell; a flagged one is replaced (9). */
static void nan_stays_where_it_is(void **state)
{
    struct bin b = rows_of(DATA, 2, 2);

    (void)state;
    SET(b.data[0], NAN, NAN, 3, 4);
    b.flags = "FTFF";
    const struct averaged a = average(&b);
    assert_near(real(&a, 0, 0), NAN, 0);
    assert_near(real(&a, 0, 1), 4, 0);
}

/* Any history of flags of a cell gives the sums of 5.4 as its text has them, next to a cell with
 * another history. */
static void every_flag_history_follows_the_text(void **state)
{
    enum { ROWS = 4 };

    (void)state;
    for (unsigned history = 0; history < 1u << ROWS; history++) {
        struct bin b = rows_of(DATA, ROWS, 2);
        char flags[2 * ROWS + 1] = "";
        bool flagged = true;
        float sum = 0, n = 0;
        for (int r = 0; r < ROWS; r++) {
            const bool flag = history >> r & 1;
            flags[2 * r] = "FT"[flag];
            flags[2 * r + 1] = "FT"[r == 1];
            b.data[0][2 * r] = (float)(1 << r);
            b.sigma[r] = r % 2 ? 0.5f : 1;
            const float w = r % 2 ? 4 : 1;
            if (flagged && !flag) {
                flagged = false;
                sum = b.data[0][2 * r] * w;
                n = w;
            } else if (flag == flagged) {
                sum += b.data[0][2 * r] * w;
                n += w;
            }
        }
        b.flags = flags;
        const struct averaged a = average(&b);
        assert_near(real(&a, 0, 0), (double)(sum / n), 0);
        assert_int_equal(a.flag[0], flagged);
        assert_near((double)a.weights[0], (double)n, 0);
        assert_near((double)a.weights[1], 6, 0);
    }
}

/* Sums that were used before start empty. */
static void sums_are_used_again(void **state)
{
    mms_complex data[2] = {5, 7}, made[1];
    uint8_t flag[2] = {1, 0}, made_flag[1];
    float ones[2] = {1, 1}, weight[1], sigma[1];
    const mms_spectra in = {2,    1,    1,    1,    {{MMS_KIND_DATA, false, data}},
                            flag, ones, ones, NULL, NULL};
    mms_spectra out = {1,         1,      1,     1,    {{MMS_KIND_DATA, false, made}},
                       made_flag, weight, sigma, NULL, NULL};
    mms_time_scalars scalars = {.time_s = 1, .interval_s = 2, .exposure_s = 3, .flagged = true};
    mms_time_average *average;
    mms_time_sums *sums, *first;

    (void)state;
    assert_int_equal(mms_time_average_create(1, 1, DATA, MMS_NUMERICS_CASA, &average, NULL),
                     MMS_OK);
    assert_int_equal(mms_time_average_begin(average, &first, NULL), MMS_OK);
    void *scratch = mms_alloc(mms_time_average_scratch(average), 1);
    sums = first;
    mms_time_average_add(average, sums, &in, 0, &scalars, scratch);
    mms_time_average_mean(average, sums, &out, 0, &scalars);
    mms_time_average_drop(average, &sums);
    assert_near((double)((float *)made)[0], 5, 0);
    assert_int_equal(made_flag[0], 1);
    assert_int_equal(mms_time_average_begin(average, &sums, NULL), MMS_OK);
    assert_ptr_equal(sums, first);
    scalars.flagged = false;
    mms_time_average_add(average, sums, &in, 1, &scalars, scratch);
    mms_time_average_mean(average, sums, &out, 0, &scalars);
    mms_time_average_drop(average, &sums);
    assert_near((double)((float *)made)[0], 7, 0);
    assert_int_equal(made_flag[0], 0);
    assert_near(scalars.exposure_s, 3, 0);
    free(scratch);
    mms_time_average_free(&average);
    assert_int_equal(mms_time_average_create(1, 1, 0, MMS_NUMERICS_CASA, &average, NULL),
                     MMS_ERR_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_are_anchored_on_their_first_row),
        cmocka_unit_test(bins_end_where_the_baseline_has_turned),
        cmocka_unit_test(bins_cross_what_timespan_names),
        cmocka_unit_test(baselines_close_apart),
        cmocka_unit_test(rows_after_finish_begin_an_order_of_their_own),
        cmocka_unit_test(slots_are_used_again),
        cmocka_unit_test(chunks_make_the_same_bins),
        cmocka_unit_test(unsorted_rows_are_refused),
        cmocka_unit_test(samples_make_a_row),
        cmocka_unit_test(one_sample_stays),
        cmocka_unit_test(good_rows_replace_flagged_ones),
        cmocka_unit_test(flagged_rows_make_a_flagged_row),
        cmocka_unit_test(sigma_weighs_data),
        cmocka_unit_test(weight_weighs_corrected_data),
        cmocka_unit_test(rows_without_weight_have_plain_means),
        cmocka_unit_test(cells_count_apart),
        cmocka_unit_test(rows_start_afresh_with_the_first_good_one),
        cmocka_unit_test(correlations_have_their_own_weights),
        cmocka_unit_test(sigmas_that_mean_nothing_give_no_weight),
        cmocka_unit_test(columns_have_the_weights_that_belong_to_them),
        cmocka_unit_test(averaged_sigma_is_that_of_the_mean_weight),
        cmocka_unit_test(nan_stays_where_it_is),
        cmocka_unit_test(every_flag_history_follows_the_text),
        cmocka_unit_test(sums_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
