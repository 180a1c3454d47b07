/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file cases.c  The requests that are measured, and how they take turns on one set. */
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "bench_priv.h"
#include "multims/log.h"

enum { PATHS = 2, MOST_WORDS = 4 };
static const char *const path_names[PATHS] = {"columns", "tiles"};

/* A request to multims.  The time bin and the data column are added where they belong. */
static const struct request {
    const char *name, *verb;
    int64_t channels; /* needed */
    bool timebin;
    const char *words[MOST_WORDS];
    bool again; /* what it makes is there already */
} requests[] = {
    {"partition scan", "partition", 1, false, {"separationaxis=scan"}, false},
    {"partition spw", "partition", 1, false, {"separationaxis=spw"}, false},
    {"partition balanced", "partition", 1, false, {"separationaxis=balanced"}, false},
    {"partition auto", "partition", 1, false, {"separationaxis=auto"}, false},
    {"partition baseline", "partition", 1, false, {"separationaxis=baseline"}, false},
    {"split", "split", 1, false, {0}, false},
    {"split width=4", "split", 4, false, {"width=4"}, false},
    {"split timebin", "split", 1, true, {0}, false},
    {"split width=4 timebin", "split", 4, true, {"width=4"}, false},
    {"hanningsmooth", "hanningsmooth", 3, false, {0}, false},
    {"regrid BARY", "mstransform", 8, false, {"regridms=True", "outframe=BARY"}, false},
    {"cvel LSRK", "cvel", 8, false, {"mode=frequency", "outframe=LSRK"}, false},
    {"combinespws", "mstransform", 8, false, {"combinespws=True"}, false},
    {"nspw=4", "mstransform", 8, false, {"regridms=True", "nspw=4"}, false},
    {"exportuvh5", "exportuvh5", 1, false, {0}, false},
    {"importuvh5", "importuvh5", 1, false, {0}, false},
    {"flagdata summary", "flagdata", 1, false, {"mode=summary"}, false},
    {"flagdata manual", "flagdata", 1, false, {"mode=manual"}, false},
    {"flagdata antenna", "flagdata", 1, false, {"mode=manual", "antenna=0", "spw=0"}, false},
    {"flagdata clip", "flagdata", 1, false, {"mode=clip", "clipminmax=[6,14]"}, false},
    {"flagdata extend", "flagdata", 1, false, {"mode=extend"}, false},
    {"flagdata tfcrop", "flagdata", 8, false, {"mode=tfcrop"}, false},
    {"flagdata rflag", "flagdata", 1, false, {"mode=rflag"}, false},
    {"statwt", "statwt", 1, false, {"timebin=4"}, false},
    {"uvcontsub", "uvcontsub", 4, false, {"fitorder=1"}, false},
    {"setjy", "setjy", 1, false, {"standard=manual", "fluxdensity=2"}, false},
    {"applycal", "applycal", 1, false, {0}, false},
    {"applycal again", "applycal", 1, false, {0}, true},
};

/* One line of the result */
struct bench_case {
    const char *request, *path;
    int64_t workers;
    bool in_place;  /* changes a copy of the set, which is made before */
    bool again;     /* and it was run on that once */
    bool reads;     /* dd of each file; command is without the file's name */
    int64_t writes; /* number of the case of whose output dd writes as many bytes, -1: none */
    int64_t output; /* bytes of the last output */
    mms_words command;
    double *seconds; /* of the turns so far; then, sorted, of all */
    int64_t turns, peak_kib;
    uint64_t sum;
    char *error; /* why it failed, NULL: it has not */
};

/* All of a set */
struct cases {
    const mms_bench *bench;
    const char *vis;
    char *out, *log;
    char *uvh5;  /* the set as a UVH5 file, which importuvh5 reads */
    char *gains; /* the calibration table that applycal takes */
    int64_t bytes, count, capacity;
    struct bench_case *list; /* the first is cp -r */
};

static bool is_wanted(const char *only, const char *name)
{
    const char *end;

    for (const char *s = only; *s; s = *end ? end + 1 : end) {
        char word[64];
        end = s + strcspn(s, ",");
        snprintf(word, sizeof word, "%.*s", (int)(end - s), s);
        if (*word && strstr(name, word))
            return true;
    }
    return !*only;
}

mms_status mms_bench_check_only(const char *only, mms_error *err)
{
    mms_text names = {0};
    bool found = false;
    mms_status st;

    for (int64_t i = 0; i < MMS_COUNT_OF(requests); i++) {
        found = found || is_wanted(only, requests[i].name);
        mms_text_add(&names, "%s%s", i ? ", " : "", requests[i].name);
    }
    st = found ? MMS_OK
               : mms_fail(err, MMS_ERR_ARG, "parameter only: no request has %s in its name: %s",
                          only, names.failed ? "" : names.text);
    free(names.text);
    return st;
}

static mms_status add_case(struct cases *all, const char *request, const char *path,
                           int64_t workers, struct bench_case **out, mms_error *err)
{
    double *const seconds = mms_alloc(2 * all->bench->runs, sizeof *seconds);
    mms_status st;

    if (!seconds)
        return mms_fail(err, MMS_ERR_MEM, "bench: out of memory");
    st = mms_grow(&all->list, &all->capacity, all->count + 1, sizeof *all->list, err);
    if (st != MMS_OK) {
        free(seconds);
        return st;
    }
    *out = &all->list[all->count++];
    **out = (struct bench_case){
        .request = request, .path = path, .workers = workers, .writes = -1, .seconds = seconds};
    return MMS_OK;
}

static mms_status add_references(struct cases *all, mms_error *err)
{
    struct bench_case *c;
    mms_status st;

    MMS_TRY(add_case(all, "cp -r", "", 1, &c, err));
    for (int i = 0; i < 2; i++)
        mms_words_add(&c->command, "%s", (const char *[]){"cp", "-r"}[i]);
    mms_words_add(&c->command, "%s", all->vis);
    mms_words_add(&c->command, "%s", all->out);
    if (all->bench->cold) {
        MMS_TRY(add_case(all, "dd", "", 1, &c, err));
        c->reads = true;
    }
done:
    return st;
}

static bool is_import(const struct request *r)
{
    return !strcmp(r->verb, "importuvh5");
}

static bool is_calibration(const struct request *r)
{
    return !strcmp(r->verb, "applycal");
}

static void add_paths(const struct cases *all, const struct request *r, struct bench_case *c)
{
    const bool exports = !strcmp(r->verb, "exportuvh5");
    mms_words *const w = &c->command;

    mms_words_add(w, "vis=%s", c->in_place || is_import(r) ? all->out : all->vis);
    if (!c->in_place)
        mms_words_add(w, "%s=%s", exports || is_import(r) ? "uvh5file" : "outputvis",
                      is_import(r) ? all->uvh5 : all->out);
}

static void add_words(const struct cases *all, const struct request *r, bool tiles,
                      int64_t numsubms, struct bench_case *c)
{
    mms_words *const w = &c->command;

    c->in_place = all->bench->is_in_place(r->verb);
    c->again = r->again;
    mms_words_add(w, "multims");
    mms_words_add(w, "%s", r->verb);
    add_paths(all, r, c);
    if (all->bench->has_parameter(r->verb, "datacolumn"))
        mms_words_add(w, "datacolumn=%s", all->bench->datacolumn);
    for (int i = 0; i < MOST_WORDS && r->words[i]; i++)
        mms_words_add(w, "%s", r->words[i]);
    if (is_calibration(r))
        mms_words_add(w, "gaintable=%s", all->gains);
    if (r->timebin)
        mms_words_add(w, "timebin=%gs", all->bench->timebin_s);
    if (numsubms && all->bench->has_parameter(r->verb, "numsubms"))
        mms_words_add(w, "numsubms=%" PRId64, numsubms);
    if (all->bench->has_parameter(r->verb, "flagbackup"))
        mms_words_add(w, "flagbackup=False");
    if (!tiles && all->bench->has_parameter(r->verb, "tiles"))
        mms_words_add(w, "tiles=False");
    mms_words_add(w, "sync=%s", all->bench->sync ? "True" : "False");
    mms_words_add(w, "-j%" PRId64, c->workers);
    mms_words_add(w, "--quiet");
}

/* What importuvh5 reads, once; *skip: this was built without HDF5 */
static mms_status prepare_uvh5(const struct cases *all, const struct request *r, bool *skip,
                               mms_error *err)
{
    mms_words w = {0};
    mms_usage usage;
    mms_status st;

    *skip = strstr(r->verb, "uvh5") && !strcmp(MULTIMS_HDF5_NAME, "without HDF5");
    if (*skip || !is_import(r))
        return MMS_OK;
    mms_words_add(&w, "multims");
    mms_words_add(&w, "exportuvh5");
    mms_words_add(&w, "vis=%s", all->vis);
    mms_words_add(&w, "uvh5file=%s", all->uvh5);
    mms_words_add(&w, "datacolumn=%s", all->bench->datacolumn);
    mms_words_add(&w, "--quiet");
    st = mms_child_run(&w, all->log, &usage, err);
    mms_words_free(&w);
    return st;
}

/* What applycal reads, once */
static mms_status prepare_gains(const struct cases *all, const struct request *r, mms_error *err)
{
    bool there = false;
    mms_status st = MMS_OK;

    if (!is_calibration(r) || *all->bench->gaintable)
        return MMS_OK;
    st = mms_path_taken(all->gains, &there, err);
    return st == MMS_OK && !there ? all->bench->make_gains(all->vis, all->gains, err) : st;
}

/* What reading the input and writing as much as the request writes takes */
static mms_status add_floor(struct cases *all, const struct request *r, mms_error *err)
{
    const int64_t last = all->count - 1;
    struct bench_case *c;
    const mms_status st = add_case(all, r->name, "dd", 1, &c, err);

    if (st == MMS_OK) {
        c->reads = true;
        c->writes = last;
    }
    return st;
}

static mms_status add_request(struct cases *all, const struct request *r, int64_t numsubms,
                              mms_error *err)
{
    mms_status st = MMS_OK;

    for (int tiles = 0; tiles < PATHS; tiles++) {
        const bool wanted = *all->bench->paths == 'b' || *all->bench->paths == *path_names[tiles];
        const bool exists = !tiles || all->bench->has_parameter(r->verb, "tiles");
        for (int64_t i = 0; wanted && exists && i < all->bench->nworkers; i++) {
            struct bench_case *c;
            st = add_case(all, r->name, path_names[tiles], all->bench->workers[i], &c, err);
            if (st != MMS_OK)
                return st;
            add_words(all, r, tiles, numsubms, c);
        }
    }
    if (all->bench->floor && !all->list[all->count - 1].in_place)
        st = add_floor(all, r, err);
    return st;
}

static mms_status add_all(struct cases *all, int64_t channels, int64_t numsubms, mms_error *err)
{
    mms_status st;

    MMS_TRY(add_references(all, err));
    for (int64_t i = 0; i < MMS_COUNT_OF(requests); i++)
        if (is_wanted(all->bench->only, requests[i].name) &&
            (!channels || channels >= requests[i].channels)) {
            bool skip;
            MMS_TRY(prepare_uvh5(all, &requests[i], &skip, err));
            MMS_TRY(prepare_gains(all, &requests[i], err));
            if (!skip)
                MMS_TRY(add_request(all, &requests[i], numsubms, err));
        }
done:
    return st;
}

static mms_status remove_output(const struct cases *all, mms_error *err)
{
    char *const flags = mms_format("%s.flagversions", all->out);
    mms_status st = mms_remove_tree(all->out, err);

    if (st == MMS_OK)
        st = flags ? mms_remove_tree(flags, err)
                   : mms_fail(err, MMS_ERR_MEM, "bench: out of memory");
    free(flags);
    return st;
}

/* dd takes one file a process; those whose start would take longer than they are left out */
struct reading {
    const char *log;
    int64_t bytes;
    double seconds;
};

static mms_status read_file(void *ctx, const char *path, int64_t bytes, mms_error *err)
{
    struct reading *const r = ctx;
    mms_words w = {0};
    mms_usage usage;
    mms_status st;

    if (bytes < 1 << 16)
        return MMS_OK;
    mms_words_add(&w, "dd");
    mms_words_add(&w, "if=%s", path);
    mms_words_add(&w, "of=/dev/null");
    mms_words_add(&w, "bs=1M");
    st = mms_child_run(&w, r->log, &usage, err);
    if (st == MMS_OK)
        r->seconds += usage.seconds;
    mms_words_free(&w);
    return st;
}

static mms_status write_file(const struct cases *all, int64_t bytes, double *seconds,
                             mms_error *err)
{
    mms_words w = {0};
    mms_usage usage;
    mms_status st;

    mms_words_add(&w, "dd");
    mms_words_add(&w, "if=/dev/zero");
    mms_words_add(&w, "of=%s", all->out);
    mms_words_add(&w, "bs=1M");
    mms_words_add(&w, "iflag=count_bytes");
    mms_words_add(&w, "count=%" PRId64, bytes);
    st = mms_child_run(&w, all->log, &usage, err);
    if (st == MMS_OK)
        *seconds += usage.seconds;
    mms_words_free(&w);
    return st;
}

static mms_status measure(const struct cases *all, struct bench_case *c, mms_usage *usage,
                          mms_error *err)
{
    struct reading reading = {.log = all->log};
    mms_status st;
    double start;

    if (c->reads) {
        assert(c->writes < c - all->list); /* the request has its turn before */
        st = mms_tree_visit(all->vis, read_file, &reading, err);
        if (st == MMS_OK && c->writes >= 0)
            st = write_file(all, all->list[c->writes].output, &reading.seconds, err);
        *usage = (mms_usage){.seconds = reading.seconds};
        return st;
    }
    st = mms_child_run(&c->command, all->log, usage, err);
    if (!*c->path)
        usage->peak_kib = 0; /* a child's peak counts what this process had when it was started */
    if (st != MMS_OK || !all->bench->sync || *c->path)
        return st;
    start = mms_clock_s();
    st = mms_sync_disk(all->bench->folder, err);
    usage->seconds += mms_clock_s() - start;
    return st;
}

/* The other cases of a request and a path made the same output */
static mms_status check_sum(const struct cases *all, struct bench_case *c, mms_error *err)
{
    mms_status st;

    if (c->reads)
        return MMS_OK;
    st = mms_tiles_sum(all->out, &c->sum, err);
    for (const struct bench_case *other = all->list; st == MMS_OK && other < c; other++)
        if (!other->error && !strcmp(other->request, c->request) && other->path == c->path &&
            other->sum != c->sum)
            return mms_fail(err, MMS_ERR_DIFFERS,
                            "the output differs from that of %" PRId64 " workers", other->workers);
    return st;
}

/* A request that fails is a finding; only what ends the whole measurement is an error */
static mms_status note_failure(struct bench_case *c, mms_status st, const mms_error *err)
{
    if (st == MMS_OK || st == MMS_ERR_STOPPED || st == MMS_ERR_MEM)
        return st;
    c->error = mms_format("%s", err->msg);
    mms_log(MMS_LOG_WARN, "bench", "%s, %s, %" PRId64 " workers: %s", c->request, c->path,
            c->workers, err->msg);
    return c->error ? MMS_OK : MMS_ERR_MEM;
}

/* What is changed in place is a copy. */
static mms_status copy_set(const struct cases *all, mms_error *err)
{
    const struct bench_case *const copy = all->list;
    mms_usage usage;

    assert(!strcmp(copy->request, "cp -r"));
    return mms_child_run(&copy->command, all->log, &usage, err);
}

static mms_status prepare_turn(const struct cases *all, const struct bench_case *c, mms_error *err)
{
    mms_usage usage;
    mms_status st;

    MMS_TRY(remove_output(all, err));
    if (c->in_place)
        MMS_TRY(copy_set(all, err));
    if (c->again)
        MMS_TRY(mms_child_run(&c->command, all->log, &usage, err));
    /* so that none pays for the dirty pages of another */
    MMS_TRY(mms_sync_disk(all->bench->folder, err));
    if (all->bench->cold) {
        MMS_TRY(mms_sync_disk(all->vis, err)); /* which may be another disk */
        MMS_TRY(mms_cache_drop(all->vis, err));
    }
done:
    return st;
}

static mms_status take_turn(const struct cases *all, struct bench_case *c, mms_error *err)
{
    mms_usage usage = {0};
    mms_status st;

    if (c->error)
        return MMS_OK;
    st = prepare_turn(all, c, err);
    if (st != MMS_OK)
        return c->again ? note_failure(c, st, err) : st;
    st = measure(all, c, &usage, err);
    if (st == MMS_OK && !c->turns)
        st = check_sum(all, c, err);
    if (st == MMS_OK && all->bench->floor && !c->reads)
        st = mms_tree_bytes(all->out, &c->output, err);
    if (st != MMS_OK)
        return note_failure(c, st, err);
    assert(c->turns < all->bench->runs); /* behind them are the sorted ones */
    c->seconds[c->turns++] = usage.seconds;
    c->peak_kib = usage.peak_kib > c->peak_kib ? usage.peak_kib : c->peak_kib;
    mms_log(MMS_LOG_INFO, "bench", "turn %" PRId64 " of %" PRId64 ": %s%s%s, %" PRId64 ": %.3f s",
            c->turns, all->bench->runs, c->request, *c->path ? ", " : "", c->path, c->workers,
            usage.seconds);
    return MMS_OK;
}

static mms_status take_turns(const struct cases *all, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t turn = 0; turn < all->bench->runs; turn++)
        for (int64_t i = 0; i < all->count; i++)
            MMS_TRY(take_turn(all, &all->list[i], err));
    MMS_TRY(remove_output(all, err));
done:
    return st;
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The seconds of a case's turns from the least to the most; the last is at [turns - 1] */
static const double *sorted_turns(const struct bench_case *c)
{
    double *const sorted = c->seconds + c->turns;

    assert(c->turns > 0);
    memcpy(sorted, c->seconds, (size_t)c->turns * sizeof *sorted);
    qsort(sorted, (size_t)c->turns, sizeof *sorted, compare_doubles);
    return sorted;
}

static double median_turn(const struct bench_case *c)
{
    const double *const sorted = sorted_turns(c);
    return (sorted[(c->turns - 1) / 2] + sorted[c->turns / 2]) / 2;
}

static void describe_times(const struct cases *all, const struct bench_case *c, mms_value *value)
{
    const double middle = median_turn(c);
    mms_value *const turns = json_array();
    char sum[17] = "";

    for (int64_t i = 0; i < c->turns; i++)
        json_array_append_new(turns, json_real(c->seconds[i]));
    if (!c->reads)
        snprintf(sum, sizeof sum, "%016" PRIx64, c->sum);
    json_object_set_new(value, "turns_s", turns);
    json_object_set_new(value, "median_s", json_real(middle));
    json_object_set_new(value, "best_s", json_real(sorted_turns(c)[0]));
    json_object_set_new(value, "gb_s", json_real((double)all->bytes / middle * 1e-9));
    json_object_set_new(value, "x_cp", json_real(middle / median_turn(&all->list[0])));
    json_object_set_new(value, "peak_mib", json_real((double)c->peak_kib / 1024));
    json_object_set_new(value, "checksum", mms_text_value(sum));
}

static mms_status describe(const struct cases *all, mms_value *set, mms_error *err)
{
    mms_value *const list = json_array();

    json_object_set_new(set, "cases", list);
    if (all->list[0].error) /* nothing to compare with */
        return mms_fail(err, MMS_ERR_IO, "%s", all->list[0].error);
    for (int64_t i = 0; i < all->count; i++) {
        const struct bench_case *const c = &all->list[i];
        mms_value *const value = json_pack("{s:s, s:s, s:I}", "request", c->request, "path",
                                           c->path, "workers", (json_int_t)c->workers);
        if (c->error)
            json_object_set_new(value, "error", mms_text_value(c->error));
        else
            describe_times(all, c, value);
        if (json_array_append_new(list, value))
            return mms_fail(err, MMS_ERR_MEM, "bench: out of memory");
    }
    return MMS_OK;
}

/* Run multims VERB and read its answer */
static mms_status ask(const struct cases *all, const char *verb, mms_value **answer,
                      mms_usage *usage, mms_error *err)
{
    mms_words w = {0};
    mms_status st;

    mms_words_add(&w, "multims");
    mms_words_add(&w, "%s", verb);
    if (strcmp(verb, "tasks"))
        mms_words_add(&w, "vis=%s", all->vis);
    mms_words_add(&w, "--json");
    MMS_TRY(mms_child_run(&w, all->log, usage, err));
    MMS_TRY(mms_value_read(all->log, answer, err));
done:
    mms_words_free(&w);
    return st;
}

/* What is known before the first turn */
static mms_status look(struct cases *all, mms_value *set, mms_error *err)
{
    mms_value *selected = NULL, *tasks = NULL;
    mms_usage usage;
    mms_status st;

    MMS_TRY(mms_tree_bytes(all->vis, &all->bytes, err));
    MMS_TRY(ask(all, "select", &selected, &usage, err));
    MMS_TRY(ask(all, "tasks", &tasks, &usage, err));
    json_object_set_new(set, "bytes", json_integer(all->bytes));
    json_object_set(set, "rows", json_object_get(selected, "rows"));
    json_object_set_new(set, "libraries_mib", json_real((double)usage.peak_kib / 1024));
done:
    mms_value_free(&tasks);
    mms_value_free(&selected);
    return st;
}

static void free_cases(struct cases *all)
{
    for (int64_t i = 0; i < all->count; i++) {
        mms_words_free(&all->list[i].command);
        free(all->list[i].seconds);
        free(all->list[i].error);
    }
    free(all->list);
    free(all->log);
    free(all->uvh5);
    free(all->gains);
    free(all->out);
}

mms_status mms_bench_set(const mms_bench *bench, const char *vis, int64_t channels,
                         int64_t numsubms, mms_value *set, mms_error *err)
{
    struct cases all = {.bench = bench, .vis = vis};
    mms_status st;

    all.out = mms_format("%s/out.ms", bench->folder);
    all.log = mms_format("%s/log", bench->folder);
    all.uvh5 = mms_format("%s/in.uvh5", bench->folder);
    all.gains = *bench->gaintable ? mms_format("%s", bench->gaintable)
                                  : mms_format("%s/gains.G", bench->folder);
    if (!all.out || !all.log || !all.uvh5 || !all.gains)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "bench: out of memory"));
    MMS_TRY(look(&all, set, err));
    MMS_TRY(mms_disk_demand(bench->folder, all.bytes + all.bytes / 4 + (64 << 20), err));
    MMS_TRY(add_all(&all, channels, numsubms, err));
    MMS_TRY(mms_sync_disk(bench->folder, err));
    MMS_TRY(mms_cache_fill(vis, err));
    MMS_TRY(take_turns(&all, err));
    MMS_TRY(describe(&all, set, err));
done:
    if (all.uvh5 && mms_remove_tree(all.uvh5, NULL) != MMS_OK)
        mms_log(MMS_LOG_WARN, "bench", "%s is left", all.uvh5);
    if (all.gains && !*bench->gaintable && mms_remove_tree(all.gains, NULL) != MMS_OK)
        mms_log(MMS_LOG_WARN, "bench", "%s is left", all.gains);
    free_cases(&all);
    return st;
}
