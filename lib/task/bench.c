/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file bench.c  The task bench: how fast the verbs are here, beside cp -r. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "base/limits_priv.h"
#include "bench_priv.h"
#include "engine/stage.h"
#include "multims/simulate.h"
#include "output/request_priv.h"
#include "task_priv.h"

struct bench {
    const char *scratch, *vis, *shapes, *only, *paths, *datacolumn, *csv, *svg, *label;
    mms_ints sizes, numworkers;
    int64_t runs;
    double timebin_s;
    bool cold, sync, floor, keep;
};

#define AT(member) offsetof(struct bench, member)

static const mms_param params[] = {
    {"scratch", MMS_PATH, AT(scratch), .init = ".", .flags = MMS_PARAM_POSITIONAL,
     .doc = "Folder on the disk to measure, with room for the input and one output"},
    {"vis", MMS_PATH, AT(vis),
     .doc = "MeasurementSet to measure with, only read; left out: one is made for each shape and "
            "size"},
    {"sizes", MMS_INTS, AT(sizes), .init = "2400", .unit = "MB",
     .doc = "Sizes of the sets that are made"},
    {"shapes", MMS_STRING, AT(shapes), .init = "plain", .flags = MMS_PARAM_WORDS,
     .doc = "What they are like: plain (12 scans, 4 spws, 64 channels, 4 correlations), parts (100 "
            "scans and as many parts), channel (one channel), spws (64 spws)"},
    {"only", MMS_STRING, AT(only), .flags = MMS_PARAM_WORDS,
     .doc = "Requests whose names have one of these words, e.g. partition,split width"},
    {"paths", MMS_CHOICE, AT(paths), .init = "both", .allowed = "both columns tiles",
     .doc = "Ways to the data, where there are two: casacore's columns, tile files directly"},
    {"numworkers", MMS_INTS, AT(numworkers), .init = "1,2",
     .doc = "Numbers of workers; -j N alone means N"},
    {"runs", MMS_INT, AT(runs), .init = "5", .allowed = "1..1000",
     .doc = "Turns; the median counts"},
    {"datacolumn", MMS_CHOICE, AT(datacolumn), .init = "data",
     .allowed = "all data corrected model float_data", .doc = "Data columns of the requests"},
    {"timebin", MMS_SECONDS, AT(timebin_s), .init = "50s", .unit = "s",
     .doc = "Time bin of the averages; integrations of the sets that are made take 10 s"},
    {"cold", MMS_BOOL, AT(cold),
     .doc = "Drop the input from the page cache before each turn, and measure dd too"},
    {"sync", MMS_BOOL, AT(sync),
     .doc = "Count the time until the disk has everything, for cp -r too; without it nobody syncs"},
    {"floor", MMS_BOOL, AT(floor),
     .doc = "For each request a line, path dd: the time in which dd reads the input and writes as "
            "many bytes as the output has"},
    {"keep", MMS_BOOL, AT(keep), .doc = "Keep the sets that were made, as SCRATCH/SHAPE-MB.ms"},
    {"csv", MMS_PATH, AT(csv), .doc = "File for the result as CSV"},
    {"svg", MMS_PATH, AT(svg), .doc = "File for the result as a chart"},
    {"label", MMS_STRING, AT(label),
     .doc = "First column of the CSV, e.g. a commit; left out: this version"},
    {0},
};

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
static const int64_t most_megabytes = 10000000;

/* The run: parameters, and the hidden folder in which all happens */
struct work {
    const struct bench *p;
    mms_bench bench;
    int64_t only_workers; /* of -j */
    mms_stage *stage;
    char *scratch, *vis, *log; /* absolute, so that no command takes them for an option */
    mms_value *sets;
    bool failed; /* a request failed */
};

/* The shape of a name with length characters */
static const struct shape *find_shape(const char *name, size_t length)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(shapes); i++)
        if (strlen(shapes[i].name) == length && !memcmp(shapes[i].name, name, length))
            return &shapes[i];
    return NULL;
}

static mms_status check_list(const char *name, mms_ints list, int64_t most, mms_error *err)
{
    if (!list.count)
        return mms_fail(err, MMS_ERR_ARG, "parameter %s: the list is empty", name);
    for (int64_t i = 0; i < list.count; i++)
        if (list.values[i] < 1 || list.values[i] > most)
            return mms_fail(err, MMS_ERR_ARG, "parameter %s: %" PRId64 " is not 1 to %" PRId64,
                            name, list.values[i], most);
    return MMS_OK;
}

static mms_status check_shapes(const char *text, mms_error *err)
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

/* A result that can't be written is no good after an hour */
static mms_status check_file(const char *path, mms_error *err)
{
    FILE *const file = *path ? fopen(path, "ae") : NULL;

    if (*path && !file)
        return mms_fail_errno(err, errno, "%s: cannot write", path);
    if (file)
        fclose(file);
    return MMS_OK;
}

static mms_status check(const mms_run *run, const struct bench *p, mms_error *err)
{
    mms_status st;

    MMS_TRY(check_list("sizes", p->sizes, most_megabytes, err));
    MMS_TRY(check_list("numworkers", p->numworkers, 4096, err));
    MMS_TRY(check_shapes(p->shapes, err));
    MMS_TRY(mms_bench_check_only(p->only, err));
    if (*p->vis && (json_object_get(run->given, "sizes") || json_object_get(run->given, "shapes")))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "parameter vis: not with sizes or shapes, which are of sets to make"));
    if (mms_engine_launcher())
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "the workers are local processes: run it without a launcher"));
    MMS_TRY(check_file(p->csv, err));
    MMS_TRY(check_file(p->svg, err));
done:
    return st;
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

static mms_status check_space(const struct work *w, const mms_simulate_opts *opts, mms_error *err)
{
    int64_t rows, bytes, available, needed;
    mms_status st;

    MMS_TRY(mms_simulate_size(opts, &rows, &bytes, err));
    MMS_TRY(mms_disk_free(w->p->scratch, &available, err));
    needed = 2 * bytes + bytes / 4 + (64 << 20); /* the set and an output */
    if (available < needed)
        st = mms_fail(err, MMS_ERR_SPACE, "%s: needs about %.1f MB and the disk has %.1f MB left",
                      w->p->scratch, (double)needed / 1e6, (double)available / 1e6);
done:
    return st;
}

static mms_status make_set(const struct work *w, const mms_simulate_opts *opts, const char *vis,
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
    st = mms_child_run(&words, w->log, &usage, err);
    mms_words_free(&words);
    return st;
}

static void note_failed(struct work *w, const mms_value *set)
{
    size_t i;
    mms_value *one;

    json_array_foreach(json_object_get(set, "cases"), i, one) if (json_object_get(one, "error"))
        w->failed = true;
}

/* Measure with the set at vis and add what was found to the result */
static mms_status measure(struct work *w, const char *name, const char *vis,
                          const struct shape *shape, mms_error *err)
{
    mms_value *const set = json_pack("{s:s}", "set", name);
    mms_status st;

    if (!set || json_array_append_new(w->sets, set))
        return mms_fail(err, MMS_ERR_MEM, "bench: out of memory");
    st = mms_bench_set(&w->bench, vis, shape ? shape->channels : 0, shape ? shape->numsubms : 0,
                       set, err);
    note_failed(w, set);
    return st == MMS_OK ? st : mms_wrap(err, st, "%s", name);
}

static mms_status make_and_measure(struct work *w, const struct shape *shape, int64_t megabytes,
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
    if (w->p->keep)
        MMS_TRY(mms_output_check_new(NULL, kept, false, err));
    mms_log(MMS_LOG_INFO, "bench", "making %s", name);
    MMS_TRY(make_set(w, &opts, vis, err));
    MMS_TRY(measure(w, name, vis, shape, err));
    if (w->p->keep)
        MMS_TRY(mms_stage_publish(w->stage, inner, kept, err));
    MMS_TRY(mms_remove_tree(vis, err));
done:
    free(kept);
    free(vis);
    free(inner);
    free(name);
    return st;
}

static mms_status measure_all(struct work *w, mms_error *err)
{
    mms_status st = MMS_OK;

    if (w->vis)
        return measure(w, w->p->vis, w->vis, NULL, err);
    for (const char *s = w->p->shapes; *s && st == MMS_OK; s += *s == ',') {
        const size_t length = strcspn(s, ",");
        for (int64_t i = 0; i < w->p->sizes.count && st == MMS_OK; i++)
            st = make_and_measure(w, find_shape(s, length), w->p->sizes.values[i], err);
        s += length;
    }
    return st;
}

static mms_status write_file(const char *path, const mms_value *result,
                             void (*write)(const mms_value *result, FILE *out), mms_error *err)
{
    FILE *const file = *path ? fopen(path, "we") : NULL;
    bool bad;

    if (!*path)
        return MMS_OK;
    if (!file)
        return mms_fail_errno(err, errno, "%s: cannot write", path);
    write(result, file);
    bad = ferror(file);
    if (fclose(file) || bad)
        return mms_fail_errno(err, errno, "%s: cannot write", path);
    return MMS_OK;
}

static void describe_run(const struct bench *p, mms_value *result)
{
    char host[256] = "";

    gethostname(host, sizeof host - 1);
    json_object_set_new(result, "label", mms_text_value(*p->label ? p->label : mms_version()));
    json_object_set_new(result, "machine", mms_text_value(host));
    json_object_set_new(result, "cpus", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    json_object_set_new(result, "runs", json_integer(p->runs));
    json_object_set_new(result, "cold", json_boolean(p->cold));
    json_object_set_new(result, "sync", json_boolean(p->sync));
}

static mms_status start(struct work *w, const mms_run *run, mms_error *err)
{
    const struct bench *const p = w->p;
    const bool alone = run->workers && !json_object_get(run->given, "numworkers");
    char *output = NULL;
    mms_status st;

    w->only_workers = run->workers;
    if (!(w->scratch = mms_path_absolute(p->scratch)) ||
        !(output = mms_format("%s/bench", w->scratch)))
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "bench: out of memory"));
    if (*p->vis && !(w->vis = realpath(p->vis, NULL)))
        MMS_TRY(mms_fail_errno(err, errno, "%s", p->vis));
    MMS_TRY(mms_stage_create(output, &w->stage, err));
    w->bench = (mms_bench){.folder = mms_stage_path(w->stage),
                           .only = p->only,
                           .paths = p->paths,
                           .datacolumn = p->datacolumn,
                           .timebin_s = p->timebin_s,
                           .runs = p->runs,
                           .nworkers = alone ? 1 : p->numworkers.count,
                           .workers = alone ? &w->only_workers : p->numworkers.values,
                           .cold = p->cold,
                           .sync = p->sync,
                           .floor = p->floor};
    w->log = mms_format("%s/log", w->bench.folder);
    w->sets = json_array();
    if (!w->log || !w->sets)
        st = mms_fail(err, MMS_ERR_MEM, "bench: out of memory");
done:
    free(output);
    return st;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct bench *const p = arg;
    struct work w = {.p = p};
    mms_status st;

    MMS_TRY(check(run, p, err));
    MMS_TRY(start(&w, run, err));
    mms_memory_allow(MMS_ROOM_BUDGET, INT64_MAX); // for the programs that are measured
    run->wrote = true;
    describe_run(p, result);
    MMS_TRY(measure_all(&w, err));
    json_object_set(result, "sets", w.sets);
    MMS_TRY(write_file(p->csv, result, mms_bench_csv, err));
    MMS_TRY(write_file(p->svg, result, mms_bench_svg, err));
    if (w.failed) /* the log has said why; the rest of the result is printed */
        st = mms_fail(err, MMS_ERR_DIFFERS, "requests failed");
done:
    mms_stage_remove(&w.stage);
    mms_value_free(&w.sets);
    free(w.log);
    free(w.vis);
    free(w.scratch);
    return st;
}

const mms_task mms_task_bench = {
    .name = "bench",
    .summary = "measure how fast the verbs are here, beside cp -r",
    .details =
        "The requests take turns on the same input; the median of the turns is what counts. Each\n"
        "runs as a process of its own, and its start is part of it. Before each turn the disk is\n"
        "synced, so that none pays for another's writes. The table has for each request, way to\n"
        "the data and number of workers: seconds, GB of the input a second, the ratio to cp -r,\n"
        "and the memory of the largest process.\n"
        "\n"
        "Exit status: 0 measured, 1 a request failed.\n"
        "\n"
        "  multims bench /scratch --sizes 200 --runs 3\n"
        "  multims bench /scratch --csv speed.csv --svg speed.svg\n"
        "  multims bench /scratch --shapes plain,parts,channel,spws --sizes 10,100,1000\n"
        "  multims bench /scratch --vis my.ms --cold --only partition",
    .params = params,
    .params_size = sizeof(struct bench),
    .run = run,
    .print = mms_bench_print,
    .print_always = true,
};
