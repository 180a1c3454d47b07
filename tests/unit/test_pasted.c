/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file test_pasted.c  What is pasted from CASA: calls, arguments as a shell cuts them, values,
 *  scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "task/declare/args_priv.h"

#define WORDS(...)                                                                        \
    (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)), (const char *[]) \
    {                                                                                     \
        __VA_ARGS__                                                                       \
    }

static mms_args *parse(int nwords, const char *const *words)
{
    mms_args *args;
    mms_error err = {.msg = ""};

    if (mms_args_parse(mms_task_find("split"), nwords, words, &args, &err) != MMS_OK)
        fail_msg("%s: %s", words[0], err.msg);
    return args;
}

/* What was given, as JSON without blanks, in the order of the table */
static void gives(const char *want, int nwords, const char *const *words)
{
    mms_args *args = parse(nwords, words);
    mms_value *given = json_object();
    const char *name;
    mms_value *value;
    char *text;

    json_object_foreach((mms_value *)mms_args_values(args), name,
                        value) if (json_object_get(mms_args_given(args), name))
        json_object_set(given, name, value);
    text = mms_value_text(given, 0);
    assert_string_equal(text, want);
    free(text);
    mms_value_free(&given);
    mms_args_free(&args);
}

static void refuses(const char *message, int nwords, const char *const *words)
{
    mms_args *args;
    mms_error err = {.msg = ""};

    assert_int_equal(mms_args_parse(mms_task_find("split"), nwords, words, &args, &err),
                     MMS_ERR_ARG);
    assert_string_equal(err.msg, message);
}

#define AB "\"vis\":\"a.ms\",\"outputvis\":\"b.ms\""

static void a_call_is_one_word(void **state)
{
    (void)state;
    gives("{" AB "}", WORDS("split(vis='a.ms', outputvis='b.ms')"));
    gives("{" AB "}", WORDS("split(vis = \"a.ms\" , outputvis = 'b.ms',)"));
    gives("{" AB "}", WORDS(" casatasks.split2 (\n  vis=['a.ms'],  # the input, 'quoted'\n\n"
                            "  outputvis='b' \".ms\"\\\n,\n)\n;"));
    gives("{" AB "}", WORDS("result = split('a.ms', 'b.ms')"));
    gives("{" AB ",\"spw\":\"0:1~2\",\"width\":\"2,4\",\"timebin\":0.0}",
          WORDS("split('a.ms', spw='0:1~2', outputvis='b.ms', width=[2, 4], timebin='')"));
    gives("{" AB ",\"keepflags\":false,\"timebin\":20.0,\"dryrun\":true}",
          WORDS("split(vis='a.ms', outputvis='b.ms', keepflags=False, timebin='20s', scan=None)",
                "--dryrun"));
    gives("{" AB ",\"field\":\"3C273,3C286\",\"scan\":\"1,4\",\"antenna\":\"'DA 41'\"}",
          WORDS("split('a.ms', 'b.ms', field=['3C273', \"3C286\"], antenna=\"'DA 41'\","
                " scan=(1, 4))"));
}

static void words_behind_a_call_win(void **state)
{
    (void)state;
    gives("{" AB ",\"scan\":\"2\"}", WORDS("split('a.ms', 'b.ms', scan='1')", "scan=2"));
}

static void what_a_shell_leaves_of_a_call_is_understood(void **state)
{
    (void)state;
    gives("{" AB ",\"scan\":\"1\"}", WORDS("vis=a.ms,", "outputvis=b.ms,", "scan=1,"));
    gives("{" AB ",\"scan\":\"1\"}", WORDS("vis='a.ms',", "outputvis='b.ms' ,", "scan='1'"));
    gives("{" AB ",\"scan\":\"1\"}",
          WORDS("vis", "=", "a.ms,", "outputvis", "=b.ms", ",", "scan=", "1"));
    gives("{" AB "}", WORDS("vis=", "a.ms,", "outputvis=", "b.ms"));
    gives("{" AB "}", WORDS("a.ms,", "b.ms,"));
    gives("{" AB "}", WORDS("'a.ms',", "\"b.ms\""));
    gives("{" AB ",\"spw\":\"\"}", WORDS("spw=", "a.ms", "b.ms"));
    gives("{" AB ",\"spw\":\"\"}", WORDS("spw=,", "a.ms", "b.ms"));
    gives("{" AB "}", WORDS("vis=[a.ms]", "outputvis=['b.ms'],"));
    gives("{" AB ",\"correlation\":\"XX,YY\",\"width\":\"2,4\"}",
          WORDS("vis=[a.ms],", "outputvis=b.ms", "width=[2,", "4],", "correlation=[XX,YY]"));
    gives("{" AB ",\"field\":\"3C273,3C286\"}", WORDS("a.ms", "b.ms", "field=[3C273,", "3C286],"));
    gives("{" AB ",\"scan\":\"1\"}", WORDS("vis='a.ms', outputvis='b.ms', scan='1'"));
    gives("{" AB ",\"scan\":\"1\"}", WORDS("\n  vis = 'a.ms',\n  outputvis = 'b.ms',", "scan = 1"));
    gives("{" AB ",\"spw\":\"0,1\"}", WORDS("a.ms", "b.ms", "spw=0,1,"));
    gives("{" AB ",\"timebin\":0.0}", WORDS("a.ms", "b.ms", "timebin=''"));
}

static void what_is_no_call_stays_as_it_is(void **state)
{
    (void)state;
    gives("{\"vis\":\"obs(1).ms\",\"outputvis\":\"b,c.ms\"}", WORDS("obs(1).ms", "b,c.ms"));
    gives("{\"vis\":\"a,\",\"outputvis\":\"b,\"}", WORDS("--vis=a,", "--", "b,"));
    gives("{" AB ",\"observation\":\"[ab]*\",\"taql\":\"mscal.azel()[1]>0\"}",
          WORDS("a.ms", "b.ms", "observation=[ab]*", "taql=mscal.azel()[1]>0"));
    gives("{" AB ",\"antenna\":\"\\\"12\\\"\"}", WORDS("a.ms", "b.ms", "antenna=\"12\""));
    gives("{" AB ",\"keepflags\":false}", WORDS("--keepflags", "no", "a.ms", "b.ms"));
    gives("{" AB ",\"keepflags\":true}", WORDS("--keepflags", "On", "a.ms", "b.ms"));
}

static void a_path_may_have_an_equals_sign(void **state)
{
    char folder[] = "day=XXXXXX", path[32];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/b.ms", folder);
    mms_args *args = parse(WORDS("a.ms", path));
    assert_string_equal(json_string_value(json_object_get(mms_args_values(args), "outputvis")),
                        path);
    mms_args_free(&args);
    rmdir(folder);
    refuses("unknown parameter day: multims split --help lists them", WORDS("a.ms", "day=1/b.ms"));
}

static void calls_that_cannot_be_read_are_refused(void **state)
{
    (void)state;
    refuses("parameter vis: myms: is a name: write the value that it has, texts in quotes",
            WORDS("split(vis=myms, outputvis='b.ms')"));
    refuses("line 2: outputvis='b.ms': a comma is missing",
            WORDS("split(vis='a.ms'\n outputvis='b.ms')"));
    refuses("the end: the call has no closing )", WORDS("split(vis='a.ms', outputvis='b.ms'"));
    refuses("parameter outputvis: 'b.ms: the text has no end",
            WORDS("split(vis='a.ms', outputvis='b.ms)"));
    refuses("parameter width: [2: the list has no end", WORDS("split('a.ms', 'b.ms', width=[2, 3"));
    refuses("split(: stands behind the call", WORDS("split('a.ms', 'b.ms') split()"));
    refuses("parameter vis is given twice", WORDS("split(vis='a', outputvis='b', vis='a')"));
    refuses("'b': a value needs its parameter, as in name=value", WORDS("split(vis='a', 'b')"));
    refuses("unknown parameter ouputvis: did you mean outputvis?",
            WORDS("split(vis='a', ouputvis='b')"));
    refuses("this is a call of partition, not of split",
            WORDS("partition(vis='a.ms', outputvis='b.ms')"));
    refuses("parameter vis: [\"a.ms\",\"b.ms\"] is not a text",
            WORDS("split(vis=['a.ms', 'b.ms'], outputvis='c.ms')"));
    refuses("parameter outputvis: [a,b] is a list: one path is taken",
            WORDS("vis=a.ms", "outputvis=[a,b]"));
    refuses("parameter outputvis: b.ms: is a name: write the value that it has, texts in quotes",
            WORDS("outputvis=b.ms, vis=a.ms"));
    refuses("Please specify vis.", WORDS("split()"));
}

static void values_are_those_of_python(void **state)
{
    static const struct {
        const char *text, *want;
    } good[] = {
        {"''", "\"\""},
        {" 'a\"b' ", "\"a\\\"b\""},
        {"\"it's\"", "\"it's\""},
        {"'it\\'s'", "\"it's\""},
        {"'a' 'b'\n\"c\"", "\"abc\""},
        {"'''a'b\n'''", "\"a'b\\n\""},
        {"'a\\\nb'", "\"ab\""},
        {"'\\\\\\t\\x41\\101\\u00e9\\U0001F52D\\d'", "\"\\\\\\tAA\xc3\xa9\xf0\x9f\x94\xad\\\\d\""},
        {"r'\\d\\''", "\"\\\\d\\\\'\""},
        {"u'a'", "\"a\""},
        {"'\xff\\udce9'", "\"\\udcff\\udce9\""}, // bytes of a path that is not UTF-8
        {"True", "true"},
        {"False", "false"},
        {"None", "null"},
        {"-12", "-12"},
        {"+1", "1"},
        {"1.5", "1.5"},
        {".5", "0.5"},
        {"5.", "5.0"},
        {"1e3", "1000.0"},
        {"9223372036854775808", "9.2233720368547758e18"},
        {"[]", "[]"},
        {"()", "[]"},
        {"(1)", "1"},
        {"(1,)", "[1]"},
        {"[1, 'a', [True, ], (2, 3)]", "[1,\"a\",[true],[2,3]]"},
        {"[ # the first\n 1 ]", "[1]"},
    };
    static const char *const bad[] = {
        "",          "'a",     "'a\nb'",
        "\"a'",      "'\\x4'", "'\\x00'",
        "'\\ud800'", "b'a'",   "f'a'",
        "true",      "a",      "1a",
        "1.2.3",     "0x10",   "--1",
        "1e999",     "1j",     "[1 2]",
        "[1,",       "[,]",    "(1,2]",
        "{'a':1}",   "1+1",    "'a'+'b'",
        "-",         "1 2",    "[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]"};

    (void)state;
    for (int64_t i = 0; i < MMS_COUNT_OF(good); i++) {
        mms_value *value;
        mms_error err = {.msg = ""};
        char *text;
        if (mms_python_value(good[i].text, &value, &err) != MMS_OK)
            fail_msg("%s: %s", good[i].text, err.msg);
        text = mms_value_text(value, 0);
        assert_string_equal(text, good[i].want);
        free(text);
        mms_value_free(&value);
    }
    for (int64_t i = 0; i < MMS_COUNT_OF(bad); i++) {
        mms_value *value;
        if (mms_python_value(bad[i], &value, NULL) != MMS_ERR_ARG)
            fail_msg("%s is taken", bad[i]);
        assert_null(value);
    }
}

static void dictionaries_are_those_of_python(void **state)
{
    static const char *const bad[] = {"{'a'}", "{'a':}", "{'a':1 'b':2}", "{[1]:2}", "{'a':1"};
    mms_value *value;
    char *text;

    (void)state;
    assert_int_equal(mms_python_record("{'a': [1, 2], 0: {\"b\": True}, }", &value, NULL), MMS_OK);
    text = mms_value_text(value, 0);
    assert_string_equal(text, "{\"a\":[1,2],\"0\":{\"b\":true}}");
    free(text);
    mms_value_free(&value);
    for (int64_t i = 0; i < MMS_COUNT_OF(bad); i++)
        assert_int_equal(mms_python_record(bad[i], &value, NULL), MMS_ERR_ARG);
}

static const char last[] = "taskname           = \"split\"\n"
                           "vis                =  \"a.ms\"\n"
                           "outputvis          =  \"b.ms\"\n"
                           "keepmms            =  True\n"
                           "spw                =  \"\"\n"
                           "correlation        =  ['XX',\n 'YY']\r\n"
                           "width              =  [2, 4]; datacolumn = 'data'\n"
                           "timebin            =  \"0s\"\n"
                           "async              =  False\n"
                           "#split(vis=\"a.ms\",outputvis=\"b.ms\")\n";

/* Run body with the text in a file */
static void with_file(const char *text, void (*body)(const char *path))
{
    char path[] = "test_pasted_XXXXXX";
    FILE *const file = fdopen(mkstemp(path), "w");

    fputs(text, file);
    fclose(file);
    body(path);
    unlink(path);
}

static void read_last(const char *path)
{
    /* what is at its default was not asked for */
    gives("{" AB ",\"correlation\":\"XX,YY\",\"datacolumn\":\"data\",\"width\":\"2,4\"}",
          WORDS("--params", path));
    gives("{\"vis\":\"a.ms\",\"outputvis\":\"c.ms\",\"correlation\":\"XX,YY\","
          "\"datacolumn\":\"data\",\"width\":\"2,4\"}",
          WORDS("--params", path, "outputvis=c.ms"));
}

static void read_call(const char *path)
{
    gives("{" AB ",\"width\":\"4\",\"timebin\":0.0}", WORDS("--params", path));
}

static void read_json(const char *path)
{
    gives("{" AB ",\"width\":\"4\"}", WORDS("--params", path));
}

static void refuse_file(const char *path)
{
    mms_args *args;
    mms_error err;

    assert_int_equal(mms_args_parse(mms_task_find("split"), WORDS("--params", path), &args, &err),
                     MMS_ERR_ARG);
    assert_ptr_equal(strstr(err.msg, path), err.msg); /* it names the file */
}

static void files_hold_scripts_calls_or_json(void **state)
{
    (void)state;
    with_file(last, read_last);
    with_file("# made by hand\nsplit(vis='a.ms',\n  outputvis='b.ms', width=4, timebin='0s')\n",
              read_call);
    with_file("\xef\xbb\xbf{\"vis\": [\"a.ms\"], \"outputvis\": \"b.ms\", \"width\": 4}",
              read_json);
    with_file("taskname='partition'\nvis='a.ms'\noutputvis='b.ms'\n", refuse_file);
    with_file("vis='a.ms'\nouputvis='b.ms'\n", refuse_file);
    with_file("vis='a.ms' outputvis='b.ms'\n", refuse_file);
    with_file("vis='a.ms'\nsplit()\n", refuse_file);
    with_file("vis=a.ms\n", refuse_file);
    with_file("", refuse_file);
    with_file("{\"vis\": \"a.ms\"", refuse_file);
    with_file("[]", refuse_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_one_word),
        cmocka_unit_test(words_behind_a_call_win),
        cmocka_unit_test(what_a_shell_leaves_of_a_call_is_understood),
        cmocka_unit_test(what_is_no_call_stays_as_it_is),
        cmocka_unit_test(a_path_may_have_an_equals_sign),
        cmocka_unit_test(calls_that_cannot_be_read_are_refused),
        cmocka_unit_test(values_are_those_of_python),
        cmocka_unit_test(dictionaries_are_those_of_python),
        cmocka_unit_test(files_hold_scripts_calls_or_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
