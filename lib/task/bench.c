/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file bench.c  The task bench: how fast the verbs are here, beside cp -r. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "base/limits_priv.h"
#include "bench/bench.h"
#include "inplace/inplace.h"
#include "multims/engine.h"
#include "task_priv.h"

struct bench {
    const char *scratch, *vis, *shapes, *only, *paths, *datacolumn, *csv, *svg, *label, *gaintable;
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
    {"gaintable", MMS_PATH, AT(gaintable),
     .doc = "Calibration table of applycal; left out: one of type G is made"},
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

enum { MOST_MEGABYTES = 10000000 };

/* The run: parameters, and the hidden folder in which all happens */
struct work {
    const struct bench *p;
    mms_bench bench;
    mms_bench_sets sets;
    int64_t only_workers; /* of -j */
    mms_stage *stage;
    char *scratch, *vis, *log; /* absolute, so that no command takes them for an option */
};

static mms_status check(const mms_run *run, const struct bench *p, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_bench_check_list("sizes", p->sizes.count, p->sizes.values, MOST_MEGABYTES, err));
    MMS_TRY(
        mms_bench_check_list("numworkers", p->numworkers.count, p->numworkers.values, 4096, err));
    MMS_TRY(mms_bench_check_shapes(p->shapes, err));
    MMS_TRY(mms_bench_check_only(p->only, err));
    if (*p->vis && (json_object_get(run->given, "sizes") || json_object_get(run->given, "shapes")))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "parameter vis: not with sizes or shapes, which are of sets to make"));
    if (mms_engine_launcher())
        MMS_TRY(mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "the workers are local processes: run it without a launcher"));
    MMS_TRY(mms_bench_check_file(p->csv, err));
    MMS_TRY(mms_bench_check_file(p->svg, err));
done:
    return st;
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
                           .floor = p->floor,
                           .has_parameter = mms_task_has_parameter,
                           .is_in_place = mms_task_is_in_place,
                           .gaintable = p->gaintable,
                           .make_gains = mms_cal_make};
    w->bench.log = w->log = mms_format("%s/log", w->bench.folder);
    w->sets = (mms_bench_sets){.bench = &w->bench,
                               .stage = w->stage,
                               .scratch = w->scratch,
                               .vis = w->vis,
                               .name = p->vis,
                               .shapes = p->shapes,
                               .sizes_mb = p->sizes.values,
                               .nsize = p->sizes.count,
                               .keep = p->keep,
                               .sets = json_array()};
    if (!w->log || !w->sets.sets)
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
    json_object_set_new(result, "label", mms_text_value(*p->label ? p->label : mms_version()));
    mms_bench_describe(&w.bench, result);
    MMS_TRY(mms_bench_measure(&w.sets, err));
    json_object_set(result, "sets", w.sets.sets);
    MMS_TRY(mms_bench_write(p->csv, result, mms_bench_csv, err));
    MMS_TRY(mms_bench_write(p->svg, result, mms_bench_svg, err));
    if (w.sets.failed) /* the log has said why; the rest of the result is printed */
        st = mms_fail(err, MMS_ERR_DIFFERS, "requests failed");
done:
    mms_stage_remove(&w.stage);
    mms_value_free(&w.sets.sets);
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
        "Examples:\n"
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
