/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_pipeline.c  lib/pipeline: forms and steps before, between and after processes, on a
 *  block; with a trial step that this test's build adds to steps.def. */
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/arena_priv.h"
#include "base/base_priv.h"
#include "pipeline/pipeline_priv.h"

enum { NCHAN = 4, NROW = 2 };

static void must(mms_status st, const mms_error *err)
{
    if (st != MMS_OK)
        fail_msg("%s", err->msg);
}

/** Two windows of four channels; DDID 0 is of the second, DDID 2 of the first. */
static mms_form make_form(void)
{
    double freq[NCHAN] = {100, 110, 120, 130.5}, width[NCHAN] = {10, 10, 10, 11.25};
    const mms_spectral_axis axis = {NCHAN, freq, width, width, width, 41.25, 95};
    mms_form form;
    mms_error err;

    must(mms_form_create(2, 3, &form, &err), &err);
    for (int i = 0; i < 2; i++) {
        must(mms_window_set_axis(&form.windows[i], &axis, &err), &err);
        form.windows[i].spw = 7 + i;
        form.windows[i].direction = 1;
        form.windows[i].frame = 5;
    }
    form.window_of[0] = 1;
    form.window_of[2] = 0;
    form.kinds = MMS_KIND_BIT(MMS_KIND_DATA);
    must(mms_form_set_followers(&form, 1, (const char *const[]){"BITFLAG"}, &err), &err);
    return form;
}

static mms_pipeline *make_pipeline(int64_t bin, bool trial)
{
    mms_form form = make_form();
    mms_pipeline *p;
    mms_step *step;
    mms_error err;

    must(mms_pipeline_create(&form, &p, &err), &err);
    must(mms_channel_step(1, &bin, "chanbin", false, &step, &err), &err);
    must(mms_pipeline_add(p, step, &err), &err);
    if (trial) {
        must(mms_step_trial.decode(NULL, &step, &err), &err);
        must(mms_pipeline_add(p, step, &err), &err);
    }
    must(mms_weights_step(&step, &err), &err);
    must(mms_pipeline_add(p, step, &err), &err);
    return p;
}

/** Send it as the client does, and take it as a worker does. */
static mms_pipeline *send(mms_pipeline *p)
{
    mms_pipeline *taken;
    mms_value *value, *parsed;
    mms_error err;

    must(mms_pipeline_encode(p, &value, &err), &err);
    char *text = mms_value_text(value, 0);
    must(mms_value_parse(text, &parsed, &err), &err);
    must(mms_pipeline_decode(parsed, &taken, &err), &err);
    free(text);
    mms_value_free(&value);
    mms_value_free(&parsed);
    mms_pipeline_free(&p);
    return taken;
}

static mms_column columns[] = {{.name = "DATA", .dtype = MMS_DT_COMPLEX, .ndim = 2},
                               {.name = "FLAG", .dtype = MMS_DT_BOOL, .ndim = 2},
                               {.name = "WEIGHT", .dtype = MMS_DT_FLOAT, .ndim = 1},
                               {.name = "SIGMA", .dtype = MMS_DT_FLOAT, .ndim = 1}};

/** Rows of DDID 0 with data 1, 2, 3, 4 and 5, 6, 7, 8, SIGMA 1. */
static mms_block *make_block(mms_arena *arena)
{
    mms_block *b = mms_arena_zeros(arena, 1, sizeof *b);
    mms_group *g = mms_arena_zeros(arena, 1, sizeof *g);
    mms_complex *data = mms_arena_zeros(arena, NROW * NCHAN, sizeof *data);
    float *ones = mms_arena_zeros(arena, 2 * NROW, sizeof *ones);

    *b = (mms_block){.rows = {0, NROW}, .narray = 4, .ngroup = 1, .groups = g};
    *g = (mms_group){.ddid = 0, .nrow = NROW, .nrange = 1};
    g->rows = mms_arena_zeros(arena, 1, sizeof *g->rows);
    g->rows[0] = (mms_rows){0, NROW};
    g->arrays = mms_arena_zeros(arena, 4 + MMS_SPARE_ARRAYS, sizeof *g->arrays);
    for (int i = 0; i < NROW * NCHAN; i++)
        data[i] = (float)(i + 1);
    for (int i = 0; i < 2 * NROW; i++)
        ones[i] = 1;
    void *const values[4] = {data, mms_arena_zeros(arena, NROW * NCHAN, 1), ones, ones + NROW};
    for (int i = 0; i < 4; i++)
        g->arrays[i] = (mms_cells){&columns[i],
                                   columns[i].name,
                                   columns[i].ndim,
                                   {columns[i].ndim == 2 ? NCHAN : 1, 1},
                                   columns[i].ndim == 2 ? NCHAN : 1,
                                   values[i]};
    return b;
}

static void forms_travel_whole(void **state)
{
    mms_form form = make_form(), back;
    mms_value *value, *parsed;
    mms_error err;

    (void)state;
    must(mms_form_encode(&form, &value, &err), &err);
    char *text = mms_value_text(value, 0);
    must(mms_value_parse(text, &parsed, &err), &err);
    must(mms_form_decode(parsed, &back, &err), &err);
    assert_int_equal(back.nwindow, 2);
    assert_int_equal(back.window_of[1], -1);
    assert_int_equal(back.windows[1].spw, 8);
    assert_int_equal(back.windows[1].frame, 5);
    assert_memory_equal(back.windows[1].axis.freq_hz, form.windows[1].axis.freq_hz,
                        NCHAN * sizeof(double));
    assert_true(back.windows[0].axis.total_bandwidth_hz == 41.25);
    assert_string_equal(back.followers[0], "BITFLAG");
    assert_null(back.followers[1]);
    mms_form_end(&back);
    json_object_del(parsed, "kinds");
    assert_int_equal(mms_form_decode(parsed, &back, &err), MMS_ERR_INTERNAL);
    assert_non_null(strstr(err.msg, "kinds"));
    free(text);
    mms_form_end(&form);
    mms_value_free(&value);
    mms_value_free(&parsed);
}

static void steps_have_their_order(void **state)
{
    mms_pipeline *p = make_pipeline(2, false);
    const int64_t bin = 2;
    mms_step *step;
    mms_error err;

    (void)state;
    must(mms_channel_step(1, &bin, "chanbin", false, &step, &err), &err);
    assert_int_equal(mms_pipeline_add(p, step, &err), MMS_ERR_INTERNAL);
    mms_pipeline_free(&p);
}

static void worker_prepares_what_the_client_prepared(void **state)
{
    mms_pipeline *p = make_pipeline(2, true);
    mms_value *words = mms_pipeline_describe(p);

    (void)state;
    assert_int_equal(mms_pipeline_out(p)->windows[1].axis.nchan, 2);
    assert_int_equal(mms_pipeline_notes(p)->n, 1);
    assert_string_equal(json_string_value(json_array_get(words, 0)), "channel average by 2");
    assert_string_equal(json_string_value(json_array_get(words, 1)), "data times two");
    mms_value_free(&words);
    p = send(p);
    assert_int_equal(mms_pipeline_out(p)->windows[0].axis.nchan, 2);
    assert_true(mms_pipeline_out(p)->windows[0].axis.freq_hz[0] == 105);
    assert_true(mms_pipeline_out(p)->windows[0].axis.freq_hz[1] == 125.25);
    mms_pipeline_free(&p);
}

static void a_trial_step_acts_between_the_others(void **state)
{
    mms_pipeline *p = send(make_pipeline(2, true));
    mms_arena arena = {0};
    mms_block *b = make_block(&arena);
    mms_error err;

    (void)state;
    must(mms_pipeline_apply(p, &arena, b, &err), &err);
    const mms_cells *data = mms_cells_find(b->groups[0].arrays, b->narray, "DATA");
    const mms_cells *weight = mms_cells_find(b->groups[0].arrays, b->narray, "WEIGHT");
    const float want[2 * NROW] = {3, 7, 11, 15}; // twice the means of 1, 2 and 3, 4 …
    assert_int_equal(data->shape[0], 2);
    for (int i = 0; i < 2 * NROW; i++)
        assert_true(crealf(((const mms_complex *)data->data)[i]) == want[i]);
    for (int i = 0; i < NROW; i++) // two channels of weight 1, by a quarter
        assert_true(((const float *)weight->data)[i] == 0.5f);
    mms_arena_end(&arena);
    mms_pipeline_free(&p);
}

/** The cut and what is derived from weights, made by the client and done by a worker. */
static void cells_are_cut_and_derived_as_they_enter(void **state)
{
    static const int32_t chans[] = {3, 1};
    const mms_cut cuts[3] = {{.nchan_in = NCHAN, .ncorr_in = 1, .nchan = 2, .chans = chans}};
    mms_form form = make_form();
    mms_arena arena = {0};
    mms_block *b = make_block(&arena);
    mms_pipeline *p;
    mms_step *step;
    mms_error err;

    (void)state;
    ((float *)b->groups[0].arrays[2].data)[1] = 0.25f;
    must(mms_pipeline_create(&form, &p, &err), &err);
    must(mms_cut_step(3, cuts, &step, &err), &err);
    must(mms_pipeline_add(p, step, &err), &err);
    must(mms_derive_step("sigma", &step, &err), &err);
    must(mms_pipeline_add(p, step, &err), &err);
    p = send(p);
    assert_true(mms_pipeline_needs(p, "DATA") && mms_pipeline_by_ddid(p));
    assert_true(mms_cut_step_cuts(mms_pipeline_find(p, "cut"), "FLAG"));
    assert_false(mms_cut_step_cuts(mms_pipeline_find(p, "cut"), "WEIGHT"));
    must(mms_pipeline_enter(p, &arena, b, &err), &err);
    const mms_cells *data = mms_cells_find(b->groups[0].arrays, b->narray, "DATA");
    const mms_cells *sigma = mms_cells_find(b->groups[0].arrays, b->narray, "SIGMA");
    const float want[2 * NROW] = {4, 2, 8, 6};
    assert_int_equal(data->shape[0], 2);
    for (int i = 0; i < 2 * NROW; i++)
        assert_true(crealf(((const mms_complex *)data->data)[i]) == want[i]);
    assert_true(((const float *)sigma->data)[0] == 1 && ((const float *)sigma->data)[1] == 2);
    mms_arena_end(&arena);
    mms_pipeline_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_travel_whole),
        cmocka_unit_test(steps_have_their_order),
        cmocka_unit_test(worker_prepares_what_the_client_prepared),
        cmocka_unit_test(cells_are_cut_and_derived_as_they_enter),
        cmocka_unit_test(a_trial_step_acts_between_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
