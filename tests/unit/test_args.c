/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_args.c  Arguments: every way to write a value, every refusal with its message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "task/declare/params_priv.h"

#define WORDS(...)                                                                        \
    (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)), (const char *[]) \
    {                                                                                     \
        __VA_ARGS__                                                                       \
    }

struct probe {
    struct mms_io io;
    struct mms_select select;
    const char *axis, *note;
    bool createmms, dryrun, later;
    int64_t numsubms, ddistart, memory, how;
    double gain, timebin_s;
    mms_ints width;
};

static const mms_param params[] = {
    MMS_PARAMS_IO(struct probe, io),
    {"createmms", MMS_BOOL, offsetof(struct probe, createmms), .init = "True"},
    {"separationaxis", MMS_CHOICE, offsetof(struct probe, axis), .init = "auto",
     .allowed = "auto scan data,model,corrected", .needs = "createmms"},
    {"numsubms", MMS_COUNT, offsetof(struct probe, numsubms), .needs = "createmms"},
    MMS_PARAMS_SELECT(struct probe, select),
    {"ddistart", MMS_INT, offsetof(struct probe, ddistart), .init = "-1", .allowed = "-1..9",
     .flags = MMS_PARAM_HIDDEN},
    {"gain", MMS_DOUBLE, offsetof(struct probe, gain), .init = "0.1"},
    {"timebin", MMS_SECONDS, offsetof(struct probe, timebin_s), .init = "0s", .unit = "s"},
    {"width", MMS_INTS, offsetof(struct probe, width), .init = "1", .doc = "Channels to one"},
    {"memory", MMS_BYTES, offsetof(struct probe, memory), .init = "512M", .allowed = "100B..1 TB",
     .flags = MMS_PARAM_RUN},
    {"dry_run", MMS_BOOL, offsetof(struct probe, dryrun), .flags = MMS_PARAM_RUN},
    {"note", MMS_STRING, offsetof(struct probe, note), .doc = "Free text"},
    {"later", MMS_BOOL, offsetof(struct probe, later), .flags = MMS_PARAM_MISSING},
    {"how", MMS_INT, offsetof(struct probe, how), .init = "1", .needs = "later",
     .flags = MMS_PARAM_MISSING},
    {0},
};

static const mms_task probe = {.name = "probe",
                               .summary = "takes arguments",
                               .params = params,
                               .params_size = sizeof(struct probe)};

struct words_probe {
    mms_texts vis, program;
    bool loud;
};

static const mms_param words_params[] = {
    {"vis", MMS_WORDS, offsetof(struct words_probe, vis),
     .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL},
    {"program", MMS_WORDS, offsetof(struct words_probe, program),
     .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL | MMS_PARAM_BEHIND, .empty = "which?"},
    {"loud", MMS_BOOL, offsetof(struct words_probe, loud), .doc = "Loud"},
    {0},
};

static const mms_task words_probe = {.name = "words_probe",
                                     .summary = "takes words",
                                     .params = words_params,
                                     .params_size = sizeof(struct words_probe)};

static char last_warning[512];

static void keep_warning(void *ctx, mms_level level, const char *scope, const char *text)
{
    (void)ctx;
    assert_int_equal(level, MMS_LOG_WARN);
    assert_string_equal(scope, "probe");
    snprintf(last_warning, sizeof last_warning, "%s", text);
}

static int forget_warning(void **state)
{
    (void)state;
    last_warning[0] = '\0';
    mms_log_to(keep_warning, NULL, MMS_LOG_WARN);
    return 0;
}

static mms_args *parse(int nwords, const char *const *words)
{
    mms_args *args;
    mms_error err = {.msg = ""};

    if (mms_args_parse(&probe, nwords, words, &args, &err) != MMS_OK)
        fail_msg("%s", err.msg);
    return args;
}

static void refuse(mms_status code, const char *message, int nwords, const char *const *words)
{
    mms_args *args = (mms_args *)&probe;
    mms_error err = {.msg = ""};

    assert_int_equal(mms_args_parse(&probe, nwords, words, &args, &err), code);
    assert_string_equal(err.msg, message);
    assert_int_equal(err.code, code);
    assert_null(args);
}

static void defaults_are_typed_and_in_order(void **state)
{
    mms_args *args = parse(WORDS("in.ms", "out.mms"));
    const struct probe *p = mms_args_struct(args);
    char *text = mms_value_text(mms_args_values(args), 0);

    (void)state;
    assert_string_equal(
        text, "{\"vis\":\"in.ms\",\"outputvis\":\"out.mms\",\"createmms\":true,"
              "\"separationaxis\":\"auto\",\"numsubms\":\"auto\",\"field\":\"\",\"spw\":\"\","
              "\"scan\":\"\",\"antenna\":\"\",\"correlation\":\"\",\"timerange\":\"\","
              "\"intent\":\"\",\"array\":\"\",\"uvrange\":\"\",\"observation\":\"\","
              "\"feed\":\"\",\"taql\":\"\",\"ddistart\":-1,\"gain\":0.10000000000000001,"
              "\"timebin\":0.0,\"width\":[1],\"memory\":536870912,\"dry_run\":false,"
              "\"note\":\"\",\"later\":false,\"how\":1}");
    free(text);
    assert_string_equal(p->io.vis, "in.ms");
    assert_string_equal(p->select.taql, "");
    assert_string_equal(p->note, "");
    assert_true(p->createmms);
    assert_int_equal(p->numsubms, 0);
    assert_int_equal(p->ddistart, -1);
    assert_int_equal(p->memory, 512 << 20);
    assert_int_equal(p->width.count, 1);
    assert_int_equal(p->width.values[0], 1);
    assert_int_equal(mms_args_options(args)->workers, 0);
    assert_false(mms_args_options(args)->json);
    assert_string_equal(mms_args_options(args)->log, "");
    mms_args_free(&args);
    assert_null(args);
}

/* The same request in GNU's words, in CASA's, and in a JSON object */
static void three_forms_are_one_request(void **state)
{
    mms_args *gnu = parse(WORDS("in.ms/", "out.mms", "--separation-axis", "SCAN", "--numsubms=4",
                                "--spw", "0:5~20", "--no-createmms", "--dry-run", "--width", "2,3",
                                "--timebin", "1.5min"));
    mms_args *casa = parse(WORDS("vis='in.ms'", "outputvis=\"out.mms\"", "separationaxis='scan'",
                                 "numsubms=4", "spw='0:5~20'", "createmms=False", "dryrun=True",
                                 "width=[2, 3]", "timebin='90s'"));
    mms_args *json;
    mms_value *object =
        json_pack("{s:s, s:s, s:s, s:i, s:s, s:b, s:b, s:[i, i], s:i}", "vis", "in.ms", "outputvis",
                  "out.mms", "separationaxis", "Scan", "numsubms", 4, "spw", "0:5~20", "createmms",
                  0, "dry_run", 1, "width", 2, 3, "timebin", 90);
    const struct probe *p = mms_args_struct(gnu);

    (void)state;
    assert_int_equal(mms_args_from_value(&probe, object, &json, NULL), MMS_OK);
    assert_true(json_equal(mms_args_values(gnu), mms_args_values(casa)));
    assert_true(json_equal(mms_args_values(gnu), mms_args_values(json)));
    assert_true(json_equal(mms_args_given(gnu), mms_args_given(casa)));
    assert_true(json_equal(mms_args_given(gnu), mms_args_given(json)));
    assert_int_equal(json_object_size(mms_args_given(gnu)), 9);
    assert_string_equal(p->axis, "scan");
    assert_int_equal(p->numsubms, 4);
    assert_false(p->createmms);
    assert_true(p->dryrun);
    assert_int_equal(p->width.count, 2);
    assert_int_equal(p->width.values[1], 3);
    assert_float_equal(p->timebin_s, 90, 0);
    mms_args_free(&gnu);
    mms_args_free(&casa);
    mms_args_free(&json);
    mms_value_free(&object);
}

static void selection_keeps_its_text(void **state)
{
    mms_args *args = parse(
        WORDS("a", "b", "field= 0 , 1 ", "antenna=\"12\"", "scan=\"1,2\"", "spw=[2,0]",
              "timerange=[10:36:00~10:36:10]", "intent=['*A*', \"b\"]", "taql='x'=='y'",
              "array=  ", "uvrange=[10.5, -1]", "feed=[]", "observation=[ab]*", "correlation="));
    const mms_select *s = &((const struct probe *)mms_args_struct(args))->select;

    (void)state;
    assert_string_equal(s->field, " 0 , 1 ");
    assert_string_equal(s->antenna, "\"12\""); /* a name pattern, not the id 12 */
    assert_string_equal(s->scan, "1,2");
    assert_string_equal(s->spw, "2,0");
    assert_string_equal(s->timerange, "[10:36:00~10:36:10]");
    assert_string_equal(s->intent, "*A*,b");
    assert_string_equal(s->taql, "'x'=='y'");
    assert_string_equal(s->array, "");
    assert_string_equal(s->uvrange, "10.5,-1");
    assert_string_equal(s->feed, "");
    assert_string_equal(s->observation, "[ab]*");
    assert_string_equal(s->correlation, "");
    mms_args_free(&args);
}

static void json_selection_takes_numbers_and_lists(void **state)
{
    mms_value *object =
        json_pack("{s:s, s:s, s:i, s:[i, i], s:f, s:[s, s], s:n}", "vis", "a", "outputvis", "b",
                  "scan", 4, "spw", 2, 0, "uvrange", 0.1, "correlation", "XX", "YY", "field");
    mms_args *args;
    const mms_select *s;

    (void)state;
    assert_int_equal(mms_args_from_value(&probe, object, &args, NULL), MMS_OK);
    s = &((const struct probe *)mms_args_struct(args))->select;
    assert_string_equal(s->scan, "4");
    assert_string_equal(s->spw, "2,0");
    assert_string_equal(s->uvrange, "0.1");
    assert_string_equal(s->correlation, "XX,YY");
    assert_string_equal(s->field, "");
    assert_null(json_object_get(mms_args_given(args), "field"));
    mms_args_free(&args);
    mms_value_free(&object);
}

static void json_of_another_kind_is_refused(void **state)
{
    static const struct {
        const char *object, *message;
    } cases[] = {
        {"{\"vis\": 5}", "parameter vis: 5 is not a text"},
        {"{\"field\": true}", "parameter field: true is not a text, a number or a list of these"},
        {"{\"scan\": [[1]]}", "parameter scan: [[1]] is not a text, a number or a list of these"},
        {"{\"vis\": \"a\", \"outputvis\": \"b\", \"numsubms\": 2.0}",
         "numsubms must be 'auto' or a positive integer, not 2.0"},
        {"{\"numsubms\": true}", "parameter numsubms: true is not an integer or \"auto\""},
        {"{\"outputviz\": \"b\"}", "unknown parameter outputviz: did you mean outputvis?"},
        {"[1]", "parameters must be a JSON object: {\"name\": value}"},
    };

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(cases); i++) {
        mms_value *object;
        mms_args *args;
        mms_error err;
        assert_int_equal(mms_value_parse(cases[i].object, &object, NULL), MMS_OK);
        assert_int_equal(mms_args_from_value(&probe, object, &args, &err), MMS_ERR_ARG);
        assert_string_equal(err.msg, cases[i].message);
        assert_null(args);
        mms_value_free(&object);
    }
}

static void booleans_have_many_forms(void **state)
{
    static const struct {
        const char *word;
        bool truth;
    } cases[] = {{"createmms=True", true}, {"createmms=false", false}, {"createmms=1", true},
                 {"createmms=no", false},  {"--createmms", true},      {"--no-createmms", false},
                 {"--createmms=0", false}, {"--no_create_mms", false}};
    mms_args *args;

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(cases); i++) {
        args = parse(WORDS("a", cases[i].word, "b"));
        assert_int_equal(((const struct probe *)mms_args_struct(args))->createmms, cases[i].truth);
        mms_args_free(&args);
    }
    args = parse(WORDS("--createmms", "False", "a", "b"));
    assert_false(((const struct probe *)mms_args_struct(args))->createmms);
    assert_string_equal(((const struct probe *)mms_args_struct(args))->io.vis, "a");
    mms_args_free(&args);
}

static void times_and_sizes_have_units(void **state)
{
    static const struct {
        const char *timebin, *memory;
        double seconds;
        int64_t bytes;
    } cases[] = {{"timebin=2", "memory=100", 2, 100},
                 {"timebin=500ms", "memory=1.5K", 0.5, 1536},
                 {"timebin=0.5 h", "memory=2MiB", 1800, 2 << 20},
                 {"timebin=1d", "memory=1gb", 86400, 1 << 30}};

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(cases); i++) {
        mms_args *args = parse(WORDS("a", "b", cases[i].timebin, cases[i].memory));
        const struct probe *p = mms_args_struct(args);
        assert_float_equal(p->timebin_s, cases[i].seconds, 0);
        assert_int_equal(p->memory, cases[i].bytes);
        mms_args_free(&args);
    }
}

static void shared_options_have_short_forms(void **state)
{
    mms_args *args = parse(WORDS("a", "-j4", "-vvq", "b", "--verbose", "--json", "--log", "x.log"));
    const mms_run_options *o = mms_args_options(args);

    (void)state;
    assert_int_equal(o->workers, 4);
    assert_int_equal(o->verbose, 3);
    assert_true(o->quiet);
    assert_true(o->json);
    assert_false(o->help);
    assert_string_equal(o->log, "x.log");
    assert_null(json_object_get(mms_args_values(args), "workers"));
    assert_null(json_object_get(mms_args_given(args), "workers"));
    mms_args_free(&args);
    args = parse(WORDS("-j", "2", "a", "b"));
    assert_int_equal(mms_args_options(args)->workers, 2);
    mms_args_free(&args);
}

static void words_without_a_name_fill_what_is_left(void **state)
{
    mms_args *args = parse(WORDS("vis=in.ms", "./a=b.ms"));
    const struct probe *p = mms_args_struct(args);

    (void)state;
    assert_string_equal(p->io.vis, "in.ms");
    assert_string_equal(p->io.outputvis, "./a=b.ms");
    mms_args_free(&args);
    args = parse(WORDS("--", "spw=1", "--json"));
    p = mms_args_struct(args);
    assert_string_equal(p->io.vis, "spw=1");
    assert_string_equal(p->io.outputvis, "--json");
    mms_args_free(&args);
}

static void help_needs_nothing_else(void **state)
{
    mms_args *args = parse(WORDS("numsubms=0", "--help"));

    (void)state;
    assert_true(mms_args_options(args)->help);
    mms_args_free(&args);
}

static void wrong_values_name_what_is_allowed(void **state)
{
    (void)state;
    refuse(MMS_ERR_ARG,
           "parameter separationaxis: foo is not one of auto scan data,model,corrected",
           WORDS("a", "b", "separationaxis=foo"));
    refuse(MMS_ERR_ARG, "parameter separationaxis: '' is not one of auto scan data,model,corrected",
           WORDS("a", "b", "separationaxis="));
    refuse(MMS_ERR_ARG, "numsubms must be 'auto' or a positive integer, not 0",
           WORDS("a", "b", "numsubms=0"));
    refuse(MMS_ERR_ARG, "numsubms must be 'auto' or a positive integer, not -1",
           WORDS("a", "b", "--numsubms", "-1"));
    refuse(MMS_ERR_ARG, "numsubms must be 'auto' or a positive integer, not abc",
           WORDS("a", "b", "numsubms='abc'"));
    refuse(MMS_ERR_ARG, "numsubms must be 'auto' or a positive integer, not 99999999999999999999",
           WORDS("a", "b", "numsubms=99999999999999999999"));
    refuse(MMS_ERR_ARG, "parameter createmms: maybe is not one of True False",
           WORDS("a", "b", "createmms=maybe"));
    refuse(MMS_ERR_ARG, "parameter ddistart: 1.5 is not an integer",
           WORDS("a", "b", "ddistart=1.5"));
    refuse(MMS_ERR_ARG, "parameter ddistart: 10 is more than 9", WORDS("a", "b", "ddistart=10"));
    refuse(MMS_ERR_ARG, "parameter ddistart: -2 is less than -1", WORDS("a", "b", "ddistart=-2"));
    refuse(MMS_ERR_ARG, "parameter memory: 99 is less than 100B", WORDS("a", "b", "memory=99"));
    refuse(MMS_ERR_ARG, "parameter memory: 1025G is more than 1 TB",
           WORDS("a", "b", "memory=1025G"));
    refuse(MMS_ERR_ARG, "parameter gain: nan is not a number", WORDS("a", "b", "gain=nan"));
    refuse(MMS_ERR_ARG, "parameter width: 1,x is not a list of integers",
           WORDS("a", "b", "width=1,x"));
    refuse(MMS_ERR_ARG,
           "parameter timebin: 3m is not a time: a number with one of us ms s min h d, or none (s)",
           WORDS("a", "b", "timebin=3m"));
    refuse(MMS_ERR_ARG,
           "parameter memory: -1 is not a size: a number with one of K M G T, or none (bytes)",
           WORDS("a", "b", "memory=-1"));
}

/* Names of files are bytes: only what is printed must be UTF-8 */
static void texts_may_be_any_bytes(void **state)
{
    mms_args *args = parse(WORDS("caf\xe9/in.ms", "b", "note='\xff'"));
    const struct probe *p = mms_args_struct(args);
    char *text = mms_value_text(mms_args_values(args), 0);

    (void)state;
    assert_string_equal(p->io.vis, "caf\xe9/in.ms");
    assert_non_null(strstr(text, "\"vis\":\"caf\\udce9/in.ms\""));
    assert_non_null(strstr(text, "\"note\":\"\\udcff\""));
    free(text);
    mms_args_free(&args);
    refuse(MMS_ERR_ARG, "unexpected word n\\xFF=1: a value needs its parameter, as in name=value",
           WORDS("a", "b", "n\xff=1"));
}

static void wrong_words_are_named(void **state)
{
    (void)state;
    refuse(MMS_ERR_ARG, "Please specify vis.", WORDS("--json"));
    refuse(MMS_ERR_ARG, "Please specify outputvis.", WORDS("a"));
    refuse(MMS_ERR_ARG, "Please specify outputvis.", WORDS("a", "outputvis=  "));
    refuse(MMS_ERR_ARG, "unknown parameter sepaxis: did you mean separationaxis?",
           WORDS("a", "b", "sepaxis=scan"));
    refuse(MMS_ERR_ARG, "unknown parameter feild: did you mean field?",
           WORDS("a", "b", "--feild", "0"));
    refuse(MMS_ERR_ARG, "unknown parameter zzzz: multims probe --help lists them",
           WORDS("a", "b", "--zzzz"));
    refuse(MMS_ERR_ARG, "unknown parameter '': multims probe --help lists them",
           WORDS("a", "b", "--=5"));
    refuse(MMS_ERR_ARG, "unknown parameter no-field: did you mean field?",
           WORDS("a", "b", "--no-field"));
    refuse(MMS_ERR_ARG, "--no-createmms takes no value", WORDS("a", "b", "--no-createmms=1"));
    refuse(MMS_ERR_ARG, "unknown option -x: multims probe --help lists them",
           WORDS("a", "b", "-x"));
    refuse(MMS_ERR_ARG, "parameter spw: its value is missing", WORDS("a", "b", "--spw"));
    refuse(MMS_ERR_ARG, "parameter spw: its value is missing", WORDS("a", "b", "--spw", "--json"));
    refuse(MMS_ERR_ARG, "unexpected word c: a value needs its parameter, as in name=value",
           WORDS("a", "b", "c"));
}

static void what_this_version_lacks_is_refused_unless_it_is_off(void **state)
{
    mms_args *args = parse(WORDS("a", "b", "later=False", "how=1"));

    (void)state;
    mms_args_free(&args);
    args = parse(WORDS("a", "b", "how=2"));
    assert_string_equal(last_warning, "parameter how has no effect: later is off or empty");
    mms_args_free(&args);
    refuse(MMS_ERR_UNSUPPORTED, "parameter later: not in this version",
           WORDS("a", "b", "later=True"));
}

static void words_win_over_the_file(void **state)
{
    char path[] = "test_args_XXXXXX";
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    mms_args *args;
    const struct probe *p;
    char message[256];

    (void)state;
    fputs("{\"vis\": \"file.ms\", \"scan\": [1, 3], \"numsubms\": 4, \"json\": true}", file);
    fclose(file);
    args = parse(WORDS("word.ms", "--params", path, "outputvis=b", "scan=7"));
    p = mms_args_struct(args);
    assert_string_equal(p->io.vis, "word.ms");
    assert_string_equal(p->select.scan, "7");
    assert_int_equal(p->numsubms, 4);
    assert_true(mms_args_options(args)->json);
    assert_string_equal(last_warning, "");
    mms_args_free(&args);

    file = fopen(path, "w");
    fputs("{\"scan\": true}", file);
    fclose(file);
    snprintf(message, sizeof message,
             "%s: parameter scan: true is not a text, a number or a list of these", path);
    refuse(MMS_ERR_ARG, message, WORDS("a", "b", "--params", path));
    unlink(path);
    snprintf(message, sizeof message, "%s: No such file or directory", path);
    refuse(MMS_ERR_NOT_FOUND, message, WORDS("a", "b", "--params", path));
}

static void a_word_given_twice_is_warned_of(void **state)
{
    mms_args *args = parse(WORDS("a", "b", "spw=1", "--spw", "2"));

    (void)state;
    assert_string_equal(((const struct probe *)mms_args_struct(args))->select.spw, "2");
    assert_string_equal(last_warning, "parameter spw is given twice: 2 is used");
    mms_args_free(&args);
}

static void a_value_without_effect_is_warned_of(void **state)
{
    mms_args *args = parse(WORDS("a", "b", "createmms=False", "numsubms=auto"));

    (void)state;
    assert_string_equal(last_warning, ""); /* CASA's scripts spell defaults out */
    mms_args_free(&args);
    args = parse(WORDS("a", "b", "createmms=False", "numsubms=3"));
    assert_string_equal(last_warning,
                        "parameter numsubms has no effect: createmms is off or empty");
    mms_args_free(&args);
}

static void nearest_word_is_near(void **state)
{
    static const char *const verbs[] = {"partition", "listpartition", "verify", "diff", NULL};

    (void)state;
    assert_string_equal(mms_word_nearest("partiton", verbs), "partition");
    assert_string_equal(mms_word_nearest("lispartition", verbs), "listpartition");
    assert_string_equal(mms_word_nearest("verfiy", verbs), "verify");
    assert_string_equal(mms_word_nearest("lp", verbs), "listpartition");
    assert_null(mms_word_nearest("mstransform", verbs));
    assert_null(mms_word_nearest("x", verbs));
}

static void help_shows_each_parameter(void **state)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    mms_task_help(&probe, out);
    fclose(out);
    assert_non_null(strstr(text, "usage: multims probe VIS OUTPUTVIS [--name value ...]\n"));
    assert_non_null(strstr(text, "\n  --[no-]createmms         (default True)\n"));
    assert_non_null(strstr(text, "\n  --width INTEGERS         Channels to one (default 1)\n"));
    assert_non_null(strstr(text, "\n  -j, --workers N "));
    assert_null(strstr(text, "ddistart"));
    free(text);
}

static void description_has_types_and_defaults(void **state)
{
    mms_value *all = mms_task_describe(&probe), *param;

    (void)state;
    assert_string_equal(json_string_value(json_object_get(all, "name")), "probe");
    param = json_array_get(json_object_get(all, "params"), 3);
    assert_string_equal(json_string_value(json_object_get(param, "name")), "separationaxis");
    assert_string_equal(json_string_value(json_object_get(param, "type")), "choice");
    assert_string_equal(json_string_value(json_object_get(param, "default")), "auto");
    assert_int_equal(json_array_size(json_object_get(param, "allowed")), 3);
    assert_string_equal(json_string_value(json_object_get(param, "needs")), "createmms");
    mms_value_free(&all);
}

/* What no single request would show: a default that its own type refuses, a name used twice */
static void the_tables_of_all_tasks_are_sound(void **state)
{
    (void)state;
    for (const mms_task *const *t = mms_tasks(); *t; t++) {
        assert_ptr_equal(mms_task_find((*t)->name), *t);
        for (const mms_param *p = (*t)->params; p->name; p++) {
            mms_value *value;
            mms_error err = {.msg = ""};
            bool found = !p->needs;
            if (mms_param_value(p, NULL, &value, &err) != MMS_OK)
                fail_msg("%s: %s", (*t)->name, err.msg);
            mms_value_free(&value);
            for (const mms_param *q = mms_run_params; q->name; q++)
                assert_false(mms_param_same_name(p->name, strlen(p->name), q->name));
            for (const mms_param *q = (*t)->params; q->name; q++) {
                if (p != q)
                    assert_false(mms_param_same_name(p->name, strlen(p->name), q->name));
                found = found || !strcmp(p->needs, q->name);
            }
            assert_true(found);
            assert_true(p->offset < (*t)->params_size);
        }
    }
}

/* Parse words and write both lists as "a b | c d". */
static void lists_are(const char *want, int n, const char *const *words)
{
    const struct words_probe *p;
    char text[256] = "";
    mms_args *args;
    mms_error err;

    assert_int_equal(mms_args_parse(&words_probe, n, words, &args, &err), MMS_OK);
    p = mms_args_struct(args);
    for (int64_t i = 0; i < p->vis.count + p->program.count; i++) {
        const bool first = i < p->vis.count;
        strcat(strcat(text, first ? p->vis.values[i] : p->program.values[i - p->vis.count]), " ");
        strcat(text, i == p->vis.count - 1 ? "| " : "");
    }
    assert_string_equal(text, want);
    mms_args_free(&args);
}

static void words_before_and_behind_the_dashes_are_lists(void **state)
{
    mms_args *args;
    mms_error err;

    (void)state;
    lists_are("a b | c --d x=1 -- ", WORDS("a", "--loud", "b", "--", "c", "--d", "x=1", "--"));
    lists_are("a b | c ", WORDS("program=c", "vis=['a', 'b']"));
    lists_are("a | c  d ", WORDS("words_probe(vis='a', program=['c', '', 'd'])"));
    assert_int_equal(mms_args_parse(&words_probe, WORDS("a", "b"), &args, &err), MMS_ERR_ARG);
    assert_string_equal(err.msg, "which?");
    assert_int_equal(mms_args_parse(&words_probe, WORDS("--", "b"), &args, &err), MMS_ERR_ARG);
    assert_string_equal(err.msg, "Please specify vis.");
    assert_int_equal(mms_args_parse(&words_probe, WORDS("vis=[1]", "--", "b"), &args, &err),
                     MMS_ERR_ARG);
    assert_non_null(strstr(err.msg, "is not a text or a list of texts"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_are_typed_and_in_order, forget_warning),
        cmocka_unit_test_setup(three_forms_are_one_request, forget_warning),
        cmocka_unit_test_setup(selection_keeps_its_text, forget_warning),
        cmocka_unit_test_setup(json_selection_takes_numbers_and_lists, forget_warning),
        cmocka_unit_test_setup(texts_may_be_any_bytes, forget_warning),
        cmocka_unit_test_setup(json_of_another_kind_is_refused, forget_warning),
        cmocka_unit_test_setup(booleans_have_many_forms, forget_warning),
        cmocka_unit_test_setup(times_and_sizes_have_units, forget_warning),
        cmocka_unit_test_setup(shared_options_have_short_forms, forget_warning),
        cmocka_unit_test_setup(words_without_a_name_fill_what_is_left, forget_warning),
        cmocka_unit_test_setup(help_needs_nothing_else, forget_warning),
        cmocka_unit_test_setup(wrong_values_name_what_is_allowed, forget_warning),
        cmocka_unit_test_setup(wrong_words_are_named, forget_warning),
        cmocka_unit_test_setup(what_this_version_lacks_is_refused_unless_it_is_off, forget_warning),
        cmocka_unit_test_setup(words_win_over_the_file, forget_warning),
        cmocka_unit_test_setup(a_word_given_twice_is_warned_of, forget_warning),
        cmocka_unit_test_setup(a_value_without_effect_is_warned_of, forget_warning),
        cmocka_unit_test(words_before_and_behind_the_dashes_are_lists),
        cmocka_unit_test(nearest_word_is_near),
        cmocka_unit_test(help_shows_each_parameter),
        cmocka_unit_test(description_has_types_and_defaults),
        cmocka_unit_test(the_tables_of_all_tasks_are_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
