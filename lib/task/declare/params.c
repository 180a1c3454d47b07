/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file params.c  One parameter: its text, its typed value, its place in the task's struct. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "params_priv.h"
#include "python_priv.h"

const mms_param mms_run_params[] = {
    {"workers", MMS_COUNT, offsetof(mms_run_options, workers), .init = "auto", .allowed = "1..4096",
     .flags = MMS_PARAM_RUN,
     .doc = "Local worker processes; auto is one for each usable core. Under mpirun or srun the "
            "ranks are the workers"},
    {"workerretries", MMS_INT, offsetof(mms_run_options, workerretries), .init = "1",
     .allowed = "0..100", .flags = MMS_PARAM_RUN,
     .doc = "How often a part is made again when its worker was killed or is stopped, or memory "
            "was short; one that another program has locked three times, if not 0"},
    {"workertimeout", MMS_SECONDS, offsetof(mms_run_options, workertimeout), .init = "30",
     .allowed = "0..", .flags = MMS_PARAM_RUN, .unit = "s",
     .doc = "How long a worker or rank may be stopped before its part is given to another"},
    {"timeleft", MMS_SECONDS, offsetof(mms_run_options, timeleft), .init = "0", .allowed = "0..",
     .flags = MMS_PARAM_RUN, .unit = "s",
     .doc = "How long before the time limit SIGUSR1 comes: what will not be done by then is ended "
            "at once; 0: as SLURM_JOB_END_TIME says, else all that runs is waited for"},
    {"timelimit", MMS_SECONDS, offsetof(mms_run_options, timelimit), .init = "0", .allowed = "0..",
     .flags = MMS_PARAM_RUN, .unit = "s",
     .doc = "Time after which a part, or a command, is ended and has failed; 0: none"},
    {"stalllimit", MMS_SECONDS, offsetof(mms_run_options, stalllimit), .init = "0",
     .allowed = "0..", .flags = MMS_PARAM_RUN, .unit = "s",
     .doc = "The same where it does nothing for so long, at least 0.1 s: no processor time, no "
            "I/O; 0: none"},
    {"statusfile", MMS_PATH, offsetof(mms_run_options, statusfile), .flags = MMS_PARAM_RUN,
     .doc = "File that tells how the run stands, replaced every 5 s: JSON, NAME.prom as Prometheus "
            "reads it"},
    {"jobdir", MMS_PATH, offsetof(mms_run_options, jobdir), .flags = MMS_PARAM_RUN,
     .doc = "Folder for the journal and summary.json of the run, which then stay, instead of "
            "OUTPUT.multims, which goes when the output is complete"},
    {"json", MMS_BOOL, offsetof(mms_run_options, json), .flags = MMS_PARAM_RUN,
     .doc = "Write the result to standard output as JSON"},
    {"params", MMS_PATH, offsetof(mms_run_options, params), .flags = MMS_PARAM_RUN,
     .doc =
         "File with parameters, - for standard input: JSON, a pasted call, or name = value as in "
         "CASA's .last files; words on the command line win"},
    {"quiet", MMS_BOOL, offsetof(mms_run_options, quiet), .flags = MMS_PARAM_RUN,
     .doc = "Print warnings and errors only, no result unless --json asks for it"},
    {"verbose", MMS_REPEAT, offsetof(mms_run_options, verbose), .flags = MMS_PARAM_RUN,
     .doc = "Say more, also of checks that passed; twice: say everything"},
    {"log", MMS_PATH, offsetof(mms_run_options, log), .flags = MMS_PARAM_RUN,
     .doc = "File to which the log is appended, with times; NAME.jsonl: as JSON, an object a line"},
    {"help", MMS_BOOL, offsetof(mms_run_options, help), .flags = MMS_PARAM_RUN,
     .doc = "Print this text"},
    {0},
};

static const struct {
    char letter;
    const char *name;
} letters[] = {{'j', "workers"}, {'q', "quiet"}, {'v', "verbose"}, {'h', "help"}};

const mms_param *mms_shared_params(void)
{
    return mms_run_params;
}

char mms_param_letter(const mms_param *p)
{
    const mms_param *const last = mms_run_params + MMS_COUNT_OF(mms_run_params) - 1;

    for (int64_t i = 0; i < MMS_COUNT_OF(letters); i++)
        if (p >= mms_run_params && p < last && !strcmp(p->name, letters[i].name))
            return letters[i].letter;
    return '\0';
}

const mms_param *mms_param_of_letter(char letter)
{
    for (const mms_param *p = mms_run_params; p->name; p++)
        if (mms_param_letter(p) == letter)
            return p;
    return NULL;
}

bool mms_param_same_name(const char *a, size_t alength, const char *b)
{
    const char *const end = a + alength;

    for (;; a++, b++) {
        while (a < end && (*a == '-' || *a == '_'))
            a++;
        while (*b == '-' || *b == '_')
            b++;
        if (a == end || !*b)
            return a == end && !*b;
        if (*a != *b)
            return false;
    }
}

typedef mms_status parse_fn(const mms_param *p, const char *text, mms_value **value,
                            mms_error *err);

static parse_fn parse_string, parse_path, parse_selection, parse_choice, parse_bool, parse_integer,
    parse_repeat, parse_count, parse_real, parse_integers, parse_seconds, parse_bytes, parse_words;

/* What is known of a type */
static const struct type {
    parse_fn *parse;
    const char *init;        /* the default that a table may leave out */
    const char *name;        /* in the JSON description */
    const char *placeholder; /* in --help */
    const char *json;        /* what a JSON file gives */
} types[] = {
    [MMS_STRING] = {parse_string, "", "string", "TEXT", "a text"},
    [MMS_PATH] = {parse_path, "", "path", "PATH", "a text"},
    [MMS_SELECTION] = {parse_selection, "", "selection", "SELECTION",
                       "a text, a number or a list of these"},
    [MMS_CHOICE] = {parse_choice, "", "choice", "WORD", "a text"},
    [MMS_BOOL] = {parse_bool, "False", "bool", "True|False", "true or false"},
    [MMS_INT] = {parse_integer, "0", "int", "INTEGER", "an integer"},
    [MMS_COUNT] = {parse_count, "auto", "count", "N", "an integer or \"auto\""},
    [MMS_DOUBLE] = {parse_real, "0", "double", "NUMBER", "a number"},
    [MMS_INTS] = {parse_integers, "", "ints", "INTEGERS", "a list of integers"},
    [MMS_SECONDS] = {parse_seconds, "0", "seconds", "TIME", "a number or a text with its unit"},
    [MMS_BYTES] = {parse_bytes, "0", "bytes", "SIZE", "a number or a text with its unit"},
    [MMS_WORDS] = {parse_words, "", "words", "WORDS", "a text or a list of texts"},
    [MMS_REPEAT] = {parse_repeat, "0", "repeat", "COUNT", "an integer"},
    [MMS_LITERAL] = {parse_string, "", "literal", "VALUE", "a text, a number, a list or an object"},
};

static bool is_list(const mms_param *p)
{
    return p->type == MMS_SELECTION || p->type == MMS_INTS;
}

static mms_status refuse(const mms_param *p, const char *text, const char *why, mms_error *err)
{
    return mms_fail(err, MMS_ERR_ARG, "parameter %s: %s %s", p->name, *text ? text : "''", why);
}

static mms_status out_of_memory(const mms_param *p, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "parameter %s: out of memory", p->name);
}

/* Add a JSON text or number; false when it is neither, or a number where there must be none */
static bool add_scalar(const mms_param *p, const mms_value *value, mms_text *text)
{
    const bool numbers = p->type != MMS_PATH && p->type != MMS_CHOICE;
    /* 17 digits keep a double; in a text 0.1 should stay 0.1 */
    const size_t digits = p->type == MMS_SELECTION || p->type == MMS_STRING ? 15 : 17;
    char *number;

    if (json_is_string(value)) {
        mms_text_add(text, "%s", json_string_value(value));
        return true;
    }
    if (p->flags & MMS_PARAM_RECORD && json_is_object(value))
        number = json_dumps(value, 0);
    else if (!json_is_number(value) || !numbers)
        return false;
    else
        number = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(digits));
    mms_text_add(text, "%s", number ? number : "");
    free(number);
    return true;
}

static mms_status refuse_kind(const mms_param *p, const mms_value *value, mms_error *err)
{
    char *const shown = mms_value_text(value, 0);
    char why[96];

    snprintf(why, sizeof why, "is not %s", types[p->type].json);
    refuse(p, shown ? shown : "", why, err);
    free(shown);
    return MMS_ERR_ARG;
}

/* The text of a list of words: each ends with a character that no command has */
static const char word_end = '\x1e';

/* Add a word to the text of a list; false when it is none */
static bool add_word(const char *word, mms_text *text)
{
    if (!word || strchr(word, word_end))
        return false;
    mms_text_add(text, "%s%c", word, word_end);
    return true;
}

static mms_status words_text(const mms_param *p, const mms_value *value, char **text,
                             mms_error *err)
{
    mms_text joined = {0};
    bool good = true;

    mms_text_add(&joined, "%s", "");
    if (json_is_string(value))
        good = add_word(json_string_value(value), &joined);
    for (size_t i = 0; good && i < json_array_size(value); i++)
        good = add_word(json_string_value(json_array_get(value, i)), &joined);
    if (!good || !(json_is_string(value) || json_is_array(value))) {
        free(joined.text);
        return refuse_kind(p, value, err);
    }
    *text = joined.text;
    return joined.failed ? out_of_memory(p, err) : MMS_OK;
}

mms_status mms_param_text(const mms_param *p, const mms_value *value, char **text, mms_error *err)
{
    mms_text joined = {0};
    bool good;

    *text = NULL;
    if (p->type == MMS_WORDS)
        return words_text(p, value, text, err);
    if (p->type == MMS_LITERAL && !json_is_string(value)) {
        *text = mms_value_text(value, 0);
        return *text ? MMS_OK : out_of_memory(p, err);
    }
    if (json_is_array(value) && !is_list(p) && json_array_size(value) == 1)
        value = json_array_get(value, 0); /* vis=['a.ms'] */
    if (json_is_array(value) && is_list(p)) {
        good = true;
        mms_text_add(&joined, "%s", "");
        for (size_t i = 0; good && i < json_array_size(value); i++) {
            mms_text_add(&joined, "%s", i ? "," : "");
            good = add_scalar(p, json_array_get(value, i), &joined);
        }
    } else if (json_is_boolean(value)) {
        good = p->type == MMS_BOOL || p->type == MMS_REPEAT;
        mms_text_add(&joined, "%s", json_is_true(value) ? "True" : "False");
    } else {
        good = add_scalar(p, value, &joined);
    }
    if (!good) {
        free(joined.text);
        return refuse_kind(p, value, err);
    }
    *text = joined.text;
    return joined.failed ? out_of_memory(p, err) : MMS_OK;
}

/* Whether word is a list without the quotes of its elements, as a shell gives it: [a.ms], [XX,YY];
 * [ab]* and [0-9] are patterns */
static bool is_bare_list(const mms_param *p, const char *word)
{
    const size_t n = strlen(word);

    return n >= 2 && word[0] == '[' && word[n - 1] == ']' && strcspn(word + 1, "[]") == n - 2 &&
           (!is_list(p) || (p->flags & MMS_PARAM_WORDS) || strchr(word, ','));
}

/* "[a, b]" as "a,b" */
static char *bare_list_text(const char *word)
{
    char *const text = strndup(word + 1, strlen(word) - 2);
    char *to = text;

    for (const char *s = text; s && *s; s += 1 + (*s == ',' ? strspn(s + 1, " ") : 0))
        *to++ = *s;
    if (text)
        *to = '\0';
    return text;
}

/* Whether double quotes around word are a part of it: they mark a name pattern */
static bool keeps_quotes(const mms_param *p, const char *word)
{
    const size_t n = strlen(word);

    return (p->flags & MMS_PARAM_LITERAL) && n > 2 && word[0] == '"' && word[n - 1] == '"' &&
           !memchr(word + 1, '"', n - 2);
}

mms_status mms_param_join_words(const mms_param *p, int64_t n, const char *const *words,
                                char **text, mms_error *err)
{
    mms_text joined = {0};

    *text = NULL;
    mms_text_add(&joined, "%s", "");
    for (int64_t i = 0; i < n; i++)
        if (!add_word(words[i], &joined)) {
            free(joined.text);
            return refuse(p, "a word", "with the character 0x1e can't be taken", err);
        }
    *text = joined.text;
    return joined.failed ? out_of_memory(p, err) : MMS_OK;
}

mms_status mms_param_unquote(const mms_param *p, const char *word, char **text, mms_error *err)
{
    mms_value *value = NULL;
    mms_status st = MMS_OK;

    *text = NULL;
    if (p->type == MMS_LITERAL && *word && strchr("[({", *word)) {
        *text = strdup(word);
    } else if (*word && strchr("[('\"", *word) && !keeps_quotes(p, word) &&
               mms_python_value(word, &value, NULL) == MMS_OK) {
        st = mms_param_text(p, value, text, err);
    } else if (p->type == MMS_WORDS) {
        return mms_param_join_words(p, 1, &word, text, err);
    } else if (is_bare_list(p, word)) {
        if (p->type == MMS_PATH && strchr(word, ','))
            return refuse(p, word, "is a list: one path is taken", err);
        *text = bare_list_text(word);
    } else {
        *text = strdup(word);
    }
    mms_value_free(&value);
    return st != MMS_OK || *text ? st : out_of_memory(p, err);
}

/* Make the value of text[length], whatever its bytes: a path may be no UTF-8 */
static mms_status make_text(const mms_param *p, const char *text, size_t length, mms_value **value,
                            mms_error *err)
{
    *value = json_stringn_nocheck(text, length);
    return *value ? MMS_OK : out_of_memory(p, err);
}

static mms_status parse_string(const mms_param *p, const char *text, mms_value **value,
                               mms_error *err)
{
    return make_text(p, text, strlen(text), value, err);
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static mms_status parse_selection(const mms_param *p, const char *text, mms_value **value,
                                  mms_error *err)
{
    return make_text(p, text, is_blank(text) ? 0 : strlen(text), value, err);
}

static mms_status parse_path(const mms_param *p, const char *text, mms_value **value,
                             mms_error *err)
{
    mms_status st;
    char *path;

    if (is_blank(text))
        return make_text(p, "", 0, value, err);
    path = mms_path_strip(text);
    if (!path)
        return out_of_memory(p, err);
    st = make_text(p, path, strlen(path), value, err);
    free(path);
    return st;
}

static bool has_word(const char *words, const char *word)
{
    const size_t n = strlen(word);

    for (const char *w = words; *w; w += strspn(w, " ")) {
        const size_t length = strcspn(w, " ");
        if (length == n && !memcmp(w, word, n))
            return true;
        w += length;
    }
    return false;
}

static mms_status parse_choice(const mms_param *p, const char *text, mms_value **value,
                               mms_error *err)
{
    char word[64], why[512];
    size_t n = 0;

    for (const char *s = text; *s && n < sizeof word - 1; s++)
        if (!isspace((unsigned char)*s))
            word[n++] = (char)tolower((unsigned char)*s);
    word[n] = '\0';
    const bool may_be_blank = p->init && !*p->init;
    if (n ? has_word(p->allowed, word) : may_be_blank)
        return make_text(p, word, n, value, err);
    snprintf(why, sizeof why, "is not one of %s", p->allowed);
    return refuse(p, text, why, err);
}

/* 1 and 0 for what says true and false, -1 for other words */
static int truth_of(const char *word)
{
    static const char *const words[][2] = {
        {"False", "True"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};

    for (int64_t i = 0; i < MMS_COUNT_OF(words); i++)
        for (int truth = 0; truth < 2; truth++)
            if (!strcasecmp(word, words[i][truth]))
                return truth;
    return -1;
}

bool mms_param_is_truth(const char *word)
{
    return truth_of(word) >= 0;
}

static mms_status parse_bool(const mms_param *p, const char *text, mms_value **value,
                             mms_error *err)
{
    const int truth = truth_of(text);

    if (truth < 0)
        return refuse(p, text, "is not one of True False", err);
    *value = json_boolean(truth);
    return MMS_OK;
}

/* A unit and how many base units it has */
struct unit {
    const char *name;
    double factor;
};

static const struct unit byte_units[] = {{"B", 1},        {"K", 0x1p10},
                                         {"KB", 0x1p10},  {"KiB", 0x1p10},
                                         {"M", 0x1p20},   {"MB", 0x1p20},
                                         {"MiB", 0x1p20}, {"G", 0x1p30},
                                         {"GB", 0x1p30},  {"GiB", 0x1p30},
                                         {"T", 0x1p40},   {"TB", 0x1p40},
                                         {"TiB", 0x1p40}, {0}};

/* Parse a number with an optional unit; false when it is none */
static bool parse_quantity(const char *text, const struct unit *units, double *number)
{
    char *end;

    errno = 0;
    *number = strtod(text, &end);
    if (end == text || errno == ERANGE || !isfinite(*number))
        return false;
    end += strspn(end, " ");
    for (const struct unit *u = units; *end && u->name; u++)
        if (!strcasecmp(end, u->name)) {
            *number *= u->factor;
            return true;
        }
    return !*end;
}

/* One of the bounds in "MIN..MAX", written as the values are */
static double bound(const mms_param *p, const char *text, size_t length)
{
    char word[32];
    double number;

    snprintf(word, sizeof word, "%.*s", (int)length, text);
    return p->type == MMS_BYTES && parse_quantity(word, byte_units, &number) ? number
                                                                             : strtod(word, NULL);
}

/* Refuse a number outside "MIN..MAX" */
static mms_status check_range(const mms_param *p, double number, const char *text, mms_error *err)
{
    const char *const dots = p->allowed ? strstr(p->allowed, "..") : NULL;
    char why[128];

    if (!dots)
        return MMS_OK;
    const size_t length = (size_t)(dots - p->allowed);
    if (length && number < bound(p, p->allowed, length)) {
        snprintf(why, sizeof why, "is less than %.*s", (int)length, p->allowed);
        return refuse(p, text, why, err);
    }
    if (dots[2] && number > bound(p, dots + 2, strlen(dots + 2))) {
        snprintf(why, sizeof why, "is more than %s", dots + 2);
        return refuse(p, text, why, err);
    }
    return MMS_OK;
}

static mms_status make_integer(const mms_param *p, int64_t number, const char *text,
                               mms_value **value, mms_error *err)
{
    const mms_status st = check_range(p, (double)number, text, err);

    if (st != MMS_OK)
        return st;
    *value = json_integer(number);
    return *value ? MMS_OK : out_of_memory(p, err);
}

static mms_status make_real(const mms_param *p, double number, const char *text, mms_value **value,
                            mms_error *err)
{
    const mms_status st = check_range(p, number, text, err);

    if (st != MMS_OK)
        return st;
    *value = json_real(number);
    return *value ? MMS_OK : out_of_memory(p, err);
}

static mms_status parse_integer(const mms_param *p, const char *text, mms_value **value,
                                mms_error *err)
{
    int64_t number;

    if (!mms_parse_int(text, &number))
        return refuse(p, text, "is not an integer", err);
    return make_integer(p, number, text, value, err);
}

/* How often, or whether: verbose=True of CASA is once */
static mms_status parse_repeat(const mms_param *p, const char *text, mms_value **value,
                               mms_error *err)
{
    const int truth = truth_of(text);

    return truth < 0 ? parse_integer(p, text, value, err)
                     : make_integer(p, truth, text, value, err);
}

static mms_status parse_count(const mms_param *p, const char *text, mms_value **value,
                              mms_error *err)
{
    int64_t number;

    if (!strcasecmp(text, "auto"))
        return make_text(p, "auto", 4, value, err);
    if (!mms_parse_int(text, &number) || number < 1)
        return mms_fail(err, MMS_ERR_ARG, "%s must be 'auto' or a positive integer, not %s",
                        p->name, *text ? text : "''");
    return make_integer(p, number, text, value, err);
}

static mms_status parse_real(const mms_param *p, const char *text, mms_value **value,
                             mms_error *err)
{
    double number;

    if (!mms_parse_double(text, &number) || !isfinite(number))
        return refuse(p, text, "is not a number", err);
    return make_real(p, number, text, value, err);
}

static mms_status parse_integers(const mms_param *p, const char *text, mms_value **value,
                                 mms_error *err)
{
    mms_value *const list = json_array();
    const char *s = text;
    char *end;

    if (!list)
        return out_of_memory(p, err);
    while (!is_blank(s)) {
        errno = 0;
        const long long number = strtoll(s, &end, 10);
        end += strspn(end, " ");
        if (end == s || errno || (*end && *end != ',')) {
            json_decref(list);
            return refuse(p, text, "is not a list of integers", err);
        }
        json_array_append_new(list, json_integer(number));
        s = *end ? end + 1 : end;
    }
    *value = list;
    return MMS_OK;
}

static mms_status parse_words(const mms_param *p, const char *text, mms_value **value,
                              mms_error *err)
{
    mms_value *const list = json_array();
    const char *end;

    for (const char *s = text; list && (end = strchr(s, word_end)); s = end + 1)
        if (json_array_append_new(list, json_stringn_nocheck(s, (size_t)(end - s)))) {
            json_decref(list);
            return out_of_memory(p, err);
        }
    *value = list;
    return list ? MMS_OK : out_of_memory(p, err);
}

static mms_status parse_seconds(const mms_param *p, const char *text, mms_value **value,
                                mms_error *err)
{
    static const struct unit units[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"min", 60},
                                        {"h", 3600},  {"d", 86400}, {0}};
    double number;

    if (is_blank(text)) /* as CASA takes it */
        return make_real(p, 0, text, value, err);
    if (!parse_quantity(text, units, &number))
        return refuse(p, text, "is not a time: a number with one of us ms s min h d, or none (s)",
                      err);
    return make_real(p, number, text, value, err);
}

static mms_status parse_bytes(const mms_param *p, const char *text, mms_value **value,
                              mms_error *err)
{
    double number;

    if (!parse_quantity(text, byte_units, &number) || number < 0 || number >= 0x1p62)
        return refuse(p, text, "is not a size: a number with one of K M G T, or none (bytes)", err);
    return make_integer(p, (int64_t)number, text, value, err);
}

const char *mms_param_placeholder(const mms_param *p)
{
    return types[p->type].placeholder;
}

const char *mms_param_type_name(const mms_param *p)
{
    return types[p->type].name;
}

mms_status mms_param_value(const mms_param *p, const char *text, mms_value **value, mms_error *err)
{
    const struct type *const type = &types[p->type];

    *value = NULL;
    return type->parse(p, text ? text : p->init ? p->init : type->init, value, err);
}

static mms_status store_words(const mms_param *p, const mms_value *list, char *at, void **held,
                              mms_error *err)
{
    const int64_t n = (int64_t)json_array_size(list);
    const char **const words = mms_alloc(n, sizeof *words);
    const mms_texts stored = {n, words};

    if (!words)
        return out_of_memory(p, err);
    for (int64_t i = 0; i < n; i++)
        words[i] = json_string_value(json_array_get(list, (size_t)i));
    *held = words;
    memcpy(at, &stored, sizeof stored);
    return MMS_OK;
}

static mms_status store_integers(const mms_param *p, const mms_value *list, char *at, void **held,
                                 mms_error *err)
{
    const mms_ints stored = {(int64_t)json_array_size(list),
                             mms_alloc((int64_t)json_array_size(list), sizeof(int64_t))};
    int64_t *const numbers = (int64_t *)stored.values;

    if (!numbers)
        return out_of_memory(p, err);
    for (int64_t i = 0; i < stored.count; i++)
        numbers[i] = json_integer_value(json_array_get(list, (size_t)i));
    *held = numbers;
    memcpy(at, &stored, sizeof stored);
    return MMS_OK;
}

mms_status mms_param_store(const mms_param *p, const mms_value *value, void *base, void **held,
                           mms_error *err)
{
    char *const at = (char *)base + p->offset;
    const char *const text = json_string_value(value);
    const int64_t integer = json_integer_value(value); /* 0 for the text auto */
    const double real = json_real_value(value);
    const bool truth = json_is_true(value);

    switch (p->type) {
    case MMS_STRING:
    case MMS_LITERAL:
    case MMS_PATH:
    case MMS_SELECTION:
    case MMS_CHOICE:
        memcpy(at, &text, sizeof text);
        break;
    case MMS_BOOL:
        memcpy(at, &truth, sizeof truth);
        break;
    case MMS_INT:
    case MMS_COUNT:
    case MMS_BYTES:
    case MMS_REPEAT:
        memcpy(at, &integer, sizeof integer);
        break;
    case MMS_DOUBLE:
    case MMS_SECONDS:
        memcpy(at, &real, sizeof real);
        break;
    case MMS_INTS:
        return store_integers(p, value, at, held, err);
    case MMS_WORDS:
        return store_words(p, value, at, held, err);
    }
    return MMS_OK;
}
