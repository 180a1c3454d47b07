/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file sets.c  The sets that are measured: one that is there, or one made for each shape and
 * size. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "bench_priv.h"
#include "multims/log.h"
#include "multims/simulate.h"

/* A kind of input.  The antennas become fewer for small sizes, then the integrations. */
static const struct shape {
    const char *name, *correlations;
    int64_t scans, spws, channels, numsubms;
} shapes[] = {
    {"plain", "4", 12, 4, 64, 0},
    {"parts", "4", 100, 1, 64, 100},
    {"channel", "4", 12, 4, 1, 0},
    {"spws", "2", 4, 64, 16, 0},
};
enum { MOST_ANTENNAS = 27, LEAST_ANTENNAS = 3, LEAST_INTEGRATIONS = 5, SECONDS = 10 };

/* The shape of a name with length characters */
static const struct shape *find_shape(const char *name, size_t length)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(shapes); i++)
        if (strlen(shapes[i].name) == length && !memcmp(shapes[i].name, name, length))
            return &shapes[i];
    return NULL;
}

mms_status mms_bench_check_shapes(const char *text, mms_error *err)
{
    const char *s = text;

    for (;; s++) {
        const size_t length = strcspn(s, ",");
        if (!find_shape(s, length))
            return mms_fail(err, MMS_ERR_ARG,
                            "parameter shapes: %.*s is not one of plain parts channel spws",
                            length ? (int)length : 2, length ? s : "''");
        s += length;
        if (!*s)
            return MMS_OK;
    }
}

/* Bytes of a row on disk: DATA, WEIGHT_SPECTRUM and FLAG; WEIGHT and SIGMA; UVW and ids */
static double row_bytes(const mms_simulate_opts *opts)
{
    const double correlations = strtod(opts->correlations, NULL);
    return (double)*opts->channels * correlations * (8 + 4 + 1. / 8) + 2 * 4 * correlations + 24 +
           12;
}

/* Rows of an integration of every scan */
static double integration_rows(const mms_simulate_opts *opts)
{
    return (double)(opts->antennas * (opts->antennas - 1) / 2 * opts->scans * opts->spws);
}

/* How many antennas and integrations make about that many bytes */
static mms_simulate_opts fit(const struct shape *shape, double bytes)
{
    mms_simulate_opts opts = MMS_SIMULATE_OPTS_INIT;
    double rows;

    opts.antennas = MOST_ANTENNAS;
    opts.scans = shape->scans;
    opts.spws = shape->spws;
    opts.nchannels = 1;
    opts.channels = &shape->channels;
    opts.correlations = shape->correlations;
    opts.wtspectrum = true;
    rows = bytes / row_bytes(&opts);
    while (opts.antennas > LEAST_ANTENNAS && LEAST_INTEGRATIONS * integration_rows(&opts) > rows)
        opts.antennas--;
    opts.integrations = (int64_t)fmax(LEAST_INTEGRATIONS, round(rows / integration_rows(&opts)));
    return opts;
}

static mms_status check_space(const mms_bench_sets *w, const mms_simulate_opts *opts,
                              mms_error *err)
{
    int64_t rows, bytes;
    mms_status st;

    MMS_TRY(mms_simulate_size(opts, &rows, &bytes, err));
    st = mms_disk_demand(w->scratch, 2 * bytes + bytes / 4 + (64 << 20), err); /* and an output */
done:
    return st;
}

static mms_status check_new(const char *path, mms_error *err)
{
    bool taken;
    const mms_status st = mms_path_taken(path, &taken, err);

    if (st != MMS_OK || !taken)
        return st;
    return mms_fail(err, MMS_ERR_EXISTS, "Output MS %s already exists - will not overwrite it.",
                    path);
}

static mms_status make_set(const mms_bench_sets *w, const mms_simulate_opts *opts, const char *vis,
                           mms_error *err)
{
    mms_words words = {0};
    mms_usage usage;
    mms_status st;

    mms_words_add(&words, "multims");
    mms_words_add(&words, "simulate");
    mms_words_add(&words, "outputvis=%s", vis);
    mms_words_add(&words, "antennas=%" PRId64, opts->antennas);
    mms_words_add(&words, "scans=%" PRId64, opts->scans);
    mms_words_add(&words, "spws=%" PRId64, opts->spws);
    mms_words_add(&words, "channels=%" PRId64, *opts->channels);
    mms_words_add(&words, "correlations=%s", opts->correlations);
    mms_words_add(&words, "integrations=%" PRId64, opts->integrations);
    mms_words_add(&words, "interval=%ds", SECONDS);
    mms_words_add(&words, "wtspectrum=%s", opts->wtspectrum ? "True" : "False");
    mms_words_add(&words, "sync=False");
    st = mms_child_run(&words, w->bench->log, &usage, err);
    mms_words_free(&words);
    return st;
}

static void note_failed(mms_bench_sets *w, const mms_value *set)
{
    size_t i;
    mms_value *one;

    json_array_foreach(json_object_get(set, "cases"), i, one) if (json_object_get(one, "error"))
        w->failed = true;
}

/* Measure with the set at vis and add what was found to the result */
static mms_status measure(mms_bench_sets *w, const char *name, const char *vis,
                          const struct shape *shape, mms_error *err)
{
    mms_value *const set = json_pack("{s:s}", "set", name);
    mms_status st;

    if (!set || json_array_append_new(w->sets, set))
        return mms_fail(err, MMS_ERR_MEM, "bench: out of memory");
    st = mms_bench_set(w->bench, vis, shape ? shape->channels : 0, shape ? shape->numsubms : 0, set,
                       err);
    note_failed(w, set);
    return st == MMS_OK ? st : mms_wrap(err, st, "%s", name);
}

static mms_status make_and_measure(mms_bench_sets *w, const struct shape *shape, int64_t megabytes,
                                   mms_error *err)
{
    char *const name = mms_format("%s-%" PRId64, shape->name, megabytes);
    char *const inner = mms_format("%s.ms", name ? name : "");
    char *const vis = mms_format("%s/%s", mms_stage_path(w->stage), inner ? inner : "");
    char *const kept = mms_format("%s/%s", w->scratch, inner ? inner : "");
    mms_simulate_opts opts;
    mms_status st;

    if (!name || !inner || !vis || !kept)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "bench: out of memory"));
    opts = fit(shape, (double)megabytes * 1e6);
    MMS_TRY(check_space(w, &opts, err));
    if (w->keep)
        MMS_TRY(check_new(kept, err));
    mms_log(MMS_LOG_INFO, "bench", "making %s", name);
    MMS_TRY(make_set(w, &opts, vis, err));
    MMS_TRY(measure(w, name, vis, shape, err));
    if (w->keep)
        MMS_TRY(mms_stage_publish(w->stage, inner, kept, err));
    MMS_TRY(mms_remove_tree(vis, err));
done:
    free(kept);
    free(vis);
    free(inner);
    free(name);
    return st;
}

mms_status mms_bench_measure(mms_bench_sets *w, mms_error *err)
{
    mms_status st = MMS_OK;

    if (w->vis)
        return measure(w, w->name, w->vis, NULL, err);
    for (const char *s = w->shapes; *s && st == MMS_OK; s += *s == ',') {
        const size_t length = strcspn(s, ",");
        for (int64_t i = 0; i < w->nsize && st == MMS_OK; i++)
            st = make_and_measure(w, find_shape(s, length), w->sizes_mb[i], err);
        s += length;
    }
    return st;
}

mms_status mms_bench_check_list(const char *name, int64_t n, const int64_t *values, int64_t most,
                                mms_error *err)
{
    if (!n)
        return mms_fail(err, MMS_ERR_ARG, "parameter %s: the list is empty", name);
    for (int64_t i = 0; i < n; i++)
        if (values[i] < 1 || values[i] > most)
            return mms_fail(err, MMS_ERR_ARG, "parameter %s: %" PRId64 " is not 1 to %" PRId64,
                            name, values[i], most);
    return MMS_OK;
}
