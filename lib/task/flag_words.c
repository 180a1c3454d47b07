/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flag_words.c  Flag commands as users write them (parallel-tasks 4.8, in-place 1.14). */
#include "flag_words_priv.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "declare/python_priv.h"
#include "multims/log.h"

/** A key of commands: the modes that have it ("": all), its types (t text, n number, i integer, b
 *  truth, l list, d dictionary), and its default. */
typedef struct key {
    const char *name, *modes, *types, *init;
} key;

#define AVERAGED "clip tfcrop rflag"
#define CHUNKED  "tfcrop rflag extend"

static const key keys[] = {
    {"field", "", "t", "''"},
    {"spw", "", "t", "''"},
    {"antenna", "", "t", "''"},
    {"timerange", "", "t", "''"},
    {"correlation", "", "t", "''"},
    {"scan", "", "t", "''"},
    {"intent", "", "t", "''"},
    {"array", "", "t", "''"},
    {"uvrange", "", "t", "''"},
    {"observation", "", "ti", "''"},
    {"feed", "", "t", "''"},
    {"reason", "", "t", "''"},
    {"autocorr", "manual", "b", "False"},
    {"datacolumn", "clip tfcrop rflag", "t", "'DATA'"},
    {"clipminmax", "clip", "l", "[]"},
    {"clipoutside", "clip", "b", "True"},
    {"clipzeros", "clip", "b", "False"},
    {"channelavg", AVERAGED, "b", "False"},
    {"chanbin", AVERAGED, "il", "1"},
    {"timeavg", AVERAGED, "b", "False"},
    {"timebin", AVERAGED, "t", "'0s'"},
    {"quackinterval", "quack", "n", "1.0"},
    {"quackmode", "quack", "t", "'beg'"},
    {"quackincrement", "quack", "b", "False"},
    {"tolerance", "shadow", "n", "0.0"},
    {"addantenna", "shadow", "td", "''"},
    {"lowerlimit", "elevation", "n", "0.0"},
    {"upperlimit", "elevation", "n", "90.0"},
    {"ntime", CHUNKED, "tn", "'scan'"},
    {"combinescans", CHUNKED, "b", "False"},
    {"timecutoff", "tfcrop", "n", "4.0"},
    {"freqcutoff", "tfcrop", "n", "3.0"},
    {"timefit", "tfcrop", "t", "'line'"},
    {"freqfit", "tfcrop", "t", "'poly'"},
    {"maxnpieces", "tfcrop", "i", "7"},
    {"flagdimension", "tfcrop", "t", "'freqtime'"},
    {"usewindowstats", "tfcrop", "t", "'none'"},
    {"halfwin", "tfcrop", "i", "1"},
    {"extendflags", "tfcrop rflag", "b", "True"},
    {"writeflags", "tfcrop rflag", "b", "True"},
    {"winsize", "rflag", "i", "3"},
    {"timedev", "rflag", "tnl", "[]"},
    {"freqdev", "rflag", "tnl", "[]"},
    {"timedevscale", "rflag", "n", "5.0"},
    {"freqdevscale", "rflag", "n", "5.0"},
    {"spectralmax", "rflag", "n", "1000000.0"},
    {"spectralmin", "rflag", "n", "0.0"},
    {"antint_ref_antenna", "antint", "t", "''"},
    {"minchanfrac", "antint", "n", "0.6"},
    {"verbose", "antint", "b", "False"},
    {"extendpols", "extend", "b", "True"},
    {"growtime", "extend", "n", "50.0"},
    {"growfreq", "extend", "n", "50.0"},
    {"growaround", "extend", "b", "False"},
    {"flagneartime", "extend", "b", "False"},
    {"flagnearfreq", "extend", "b", "False"},
    {"minrel", "summary", "n", "0.0"},
    {"maxrel", "summary", "n", "1.0"},
    {"minabs", "summary", "n", "0"},
    {"maxabs", "summary", "n", "-1"},
    {"spwchan", "summary", "b", "False"},
    {"spwcorr", "summary", "b", "False"},
    {"basecnt", "summary", "b", "False"},
    {"fieldcnt", "summary", "b", "False"},
    {"name", "summary", "t", "'Summary'"},
    {"mode", "", "t", "'manual'"},
};

static const char *const modes[] = {"manual", "unflag", "clip",   "quack",  "shadow",  "elevation",
                                    "tfcrop", "rflag",  "antint", "extend", "summary", NULL};

static const char trouble[] =
    "Error reading the input list. Make sure the syntax used in the list follows the rules given "
    "in the inline help of the task.";

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

static const key *find_key(const char *name)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(keys); i++)
        if (!strcmp(keys[i].name, name))
            return &keys[i];
    return NULL;
}

static bool has_mode(const key *k, const char *mode)
{
    const size_t n = strlen(mode);

    if (!*k->modes)
        return true;
    for (const char *m = k->modes; *m; m += strspn(m, " ")) {
        const size_t length = strcspn(m, " ");
        if (length == n && !memcmp(m, mode, n))
            return true;
        m += length;
    }
    return false;
}

/** The keys before "reason" are selections: without a value they select all. */
static bool is_selection(const key *k)
{
    return k < find_key("reason");
}

static bool has_type(const key *k, const mms_value *v)
{
    const bool number = strchr(k->types, 'n') != NULL;

    return (json_is_string(v) && strchr(k->types, 't')) ||
           (json_is_integer(v) && (number || strchr(k->types, 'i'))) ||
           (json_is_real(v) && number) || (json_is_boolean(v) && strchr(k->types, 'b')) ||
           (json_is_array(v) && strchr(k->types, 'l')) ||
           (json_is_object(v) && strchr(k->types, 'd'));
}

static char *types_text(const key *k)
{
    static const struct {
        char letter;
        const char *word;
    } words[] = {{'t', "str"},  {'n', "double"}, {'i', "int"},
                 {'b', "bool"}, {'l', "list"},   {'d', "dict"}};
    mms_text text = {0};

    for (int64_t i = 0; i < MMS_COUNT_OF(words); i++)
        if (strchr(k->types, words[i].letter))
            mms_text_add(&text, "%s%s", text.length ? ", " : "", words[i].word);
    return text.text;
}

mms_status mms_flag_literal(const char *text, mms_value **out, mms_error *err)
{
    *out = NULL;
    if (!*text || (mms_python_record(text, out, NULL) != MMS_OK &&
                   (!strchr("[{", *text) || mms_value_parse(text, out, NULL) != MMS_OK)))
        *out = mms_text_value(text);
    if (*out && json_is_string(*out) && strchr("[{", *text) && *text)
        return mms_fail(err, MMS_ERR_ARG,
                        "%s is not a list or dictionary: texts in it need quotes, and a shell "
                        "takes those away that stand in none",
                        text);
    return *out ? MMS_OK : no_memory(err);
}

mms_status mms_flag_value(const char *name, const char *text, mms_value **out, mms_error *err)
{
    const mms_status st = mms_flag_literal(text, out, err);

    return st == MMS_OK ? st : mms_wrap(err, st, "parameter %s", name);
}

/* ---- flagdata's own parameters ----------------------------------------------------------------*/

/** An empty text where a list is wanted is an empty list. */
static mms_value *fitting(const key *k, mms_value *v)
{
    if (json_is_string(v) && !*json_string_value(v) && strchr(k->types, 'l')) {
        mms_value_free(&v);
        return json_array();
    }
    for (size_t i = 0; !strcmp(k->types, "l") && i < json_array_size(v); i++)
        if (json_is_integer(json_array_get(v, i)))
            json_array_set_new(v, i, json_real(json_number_value(json_array_get(v, i))));
    if (json_is_integer(v) && strcmp(k->types, "n") == 0) {
        mms_value *real = json_real((double)json_integer_value(v));
        mms_value_free(&v);
        return real;
    }
    return v;
}

static mms_status take_parameter(const key *k, const mms_value *given, mms_value *command,
                                 mms_error *err)
{
    const char *text = json_string_value(given);
    mms_value *v = NULL;
    mms_status st = MMS_OK;

    if (text && strcmp(k->types, "t") != 0 && !is_selection(k))
        st = mms_flag_value(k->name, text, &v, err);
    else
        v = json_deep_copy(given);
    if (st == MMS_OK && v)
        v = fitting(k, v);
    if (st == MMS_OK && !v)
        st = no_memory(err);
    if (st == MMS_OK && !has_type(k, v)) {
        char *types = types_text(k);
        st = mms_fail(err, MMS_ERR_ARG, "parameter %s: %s is not of the types %s", k->name,
                      text ? text : "its value", types ? types : "");
        free(types);
    }
    if (st == MMS_OK && is_selection(k) && !*json_string_value(v))
        mms_value_free(&v);
    else if (st == MMS_OK)
        json_object_set(command, k->name, v);
    mms_value_free(&v);
    return st;
}

mms_status mms_flag_command_of(const mms_value *params, const char *mode, mms_value **out,
                               mms_error *err)
{
    mms_status st = MMS_OK;

    *out = json_object();
    for (int64_t i = 0; i < MMS_COUNT_OF(keys) && st == MMS_OK; i++) {
        const mms_value *given = json_object_get(params, keys[i].name);
        if (given && has_mode(&keys[i], mode) && strcmp(keys[i].name, "mode") != 0 &&
            strcmp(keys[i].name, "reason") != 0)
            st = take_parameter(&keys[i], given, *out, err);
    }
    json_object_set_new(*out, "mode", json_string(mode));
    return st;
}

/* ---- lists ------------------------------------------------------------------------------------*/

/** The end of a value: a blank outside quotes and brackets. */
static const char *value_end(const char *s)
{
    char quote = '\0';
    int depth = 0;

    for (; *s && (quote || depth > 0 || !isspace((unsigned char)*s)); s++) {
        if (quote && *s == '\\' && s[1])
            s++;
        else if (quote)
            quote = *s == quote ? '\0' : quote;
        else if (*s == '\'' || *s == '"')
            quote = *s;
        else
            depth += (strchr("([{", *s) != NULL) - (strchr(")]}", *s) != NULL);
    }
    return s;
}

static mms_status refuse_line(mms_error *err, int64_t row, char *why)
{
    mms_log(MMS_LOG_ERROR, "flagdata", "%s", why ? why : "out of memory");
    mms_fail(err, MMS_ERR_ARG, "%s Line %lld: %s", trouble, (long long)row + 1,
             why ? why : "out of memory");
    free(why);
    return MMS_ERR_ARG;
}

static mms_status add_value(mms_value *command, const char *name, const char *text, int64_t row,
                            mms_error *err)
{
    const key *k = find_key(name);
    mms_value *v = NULL;
    mms_status st;

    if (!k)
        return refuse_line(
            err, row,
            mms_format("Parameter '%s' in row=%lld is not a valid flagdata parameter", name,
                       (long long)row));
    if (json_object_get(command, name))
        return refuse_line(
            err, row,
            mms_format("Parameter '%s' in row=%lld is there twice", name, (long long)row));
    if (!strcmp(text, "true") || !strcmp(text, "false"))
        v = json_boolean(*text == 't');
    else if ((st = mms_flag_literal(text, &v, err)) != MMS_OK)
        return refuse_line(err, row, strdup(err->msg));
    if (!has_type(k, v)) {
        char *types = types_text(k);
        char *why = mms_format("Parameter %s=%s in row=%lld has wrong type.\nSupported types are: "
                               "%s.",
                               name, text, (long long)row, types ? types : "");
        free(types);
        mms_value_free(&v);
        return refuse_line(err, row, why);
    }
    json_object_set_new(command, name, v);
    return MMS_OK;
}

/** Read one line: key=value, blanks between. */
static mms_status read_line(const char *line, int64_t row, mms_value *command, mms_error *err)
{
    const char *s = line + strspn(line, " \t\r");
    mms_status st = MMS_OK;

    while (*s && st == MMS_OK) {
        const char *end = value_end(s), *equals = memchr(s, '=', (size_t)(end - s));
        char *name = strndup(s, (size_t)((equals ? equals : end) - s));
        char *text = equals ? strndup(equals + 1, (size_t)(end - equals - 1)) : strdup("");
        if (!name || !text)
            st = no_memory(err);
        else if (!equals)
            st = refuse_line(err, row,
                             mms_format("'%s' in row=%lld is not key=value", name, (long long)row));
        else
            st = add_value(command, name, text, row, err);
        free(name);
        free(text);
        s = end + strspn(end, " \t\r");
    }
    return st;
}

static bool is_mode(const char *word)
{
    for (const char *const *m = modes; *m; m++)
        if (!strcmp(*m, word))
            return true;
    return false;
}

static mms_status check_mode(mms_value *command, int64_t row, mms_error *err)
{
    const char *mode = json_string_value(json_object_get(command, "mode"));

    if (mode && !strcmp(mode, "manualflag"))
        json_object_set_new(command, "mode", json_string("manual"));
    else if (mode && !is_mode(mode))
        return refuse_line(err, row, mms_format("Mode %s is not valid or doesn't exist", mode));
    return MMS_OK;
}

/** A reason list takes commands whose reason equals one of it; "any" all. */
static bool is_asked_for(const mms_value *command, const mms_value *reason)
{
    const char *is = json_string_value(json_object_get(command, "reason"));
    const char *one = json_string_value(reason);
    mms_value *each;
    size_t i;

    if (one)
        return !strcmp(one, "any") || (is && !strcmp(one, is));
    json_array_foreach((mms_value *)reason, i, each)
    {
        if (is && json_is_string(each) && !strcmp(json_string_value(each), is))
            return true;
    }
    return false;
}

static mms_status complete(const mms_value *written, bool calculate, mms_value **out,
                           mms_error *err);

/* What is wrong with values is said with their line; they are completed when all lines are there.
 */
static mms_status check_line(const mms_value *command, int64_t row, mms_error *err)
{
    mms_value *whole = NULL;
    mms_status st = complete(command, false, &whole, err);

    mms_value_free(&whole);
    return st == MMS_OK || st == MMS_ERR_MEM ? st : refuse_line(err, row, strdup(err->msg));
}

static mms_status add_line(const char *line, int64_t row, const mms_value *reason, mms_value *out,
                           bool *any, mms_error *err)
{
    mms_value *command;
    mms_status st;

    line += strspn(line, " \t\r");
    if (!*line || *line == '#')
        return MMS_OK;
    *any = true;
    command = json_object();
    st = read_line(line, row, command, err);
    if (st == MMS_OK)
        st = check_mode(command, row, err);
    if (st == MMS_OK && is_asked_for(command, reason)) {
        st = check_line(command, row, err);
        json_array_append(out, command);
    }
    mms_value_free(&command);
    return st;
}

static mms_status add_file(const char *path, const mms_value *reason, mms_value *out, bool *any,
                           mms_error *err)
{
    char *text = NULL, *rest = NULL;
    int64_t bytes, row = 0;
    int fd = -1;
    mms_status st = mms_open_file(path, &fd, &bytes, err);

    if (st != MMS_OK)
        return mms_fail(err, MMS_ERR_NOT_FOUND,
                        "Unsupported input list of flag commands or input file does not exist: %s",
                        path);
    text = calloc(1, (size_t)bytes + 1);
    st = text ? mms_read_all(fd, text, bytes, path, err) : no_memory(err);
    for (char *line = text; line && st == MMS_OK; line = rest) {
        rest = strchr(line, '\n');
        if (rest)
            *rest++ = '\0';
        st = add_line(line, row++, reason, out, any, err);
    }
    if (st != MMS_OK)
        mms_wrap(err, st, "%s", path);
    close(fd);
    free(text);
    return st;
}

static mms_status add_source(const char *text, int64_t row, const mms_value *reason, mms_value *out,
                             bool *any, mms_error *err)
{
    bool there = false;
    const mms_status st = mms_path_exists(text, &there, err);

    if (st != MMS_OK || there || !strchr(text, '=')) {
        const char *s = text + strspn(text, " \t");
        return *s == '#' || !*s ? MMS_OK : add_file(text, reason, out, any, err);
    }
    return add_line(text, row, reason, out, any, err);
}

/* ---- tbuff ------------------------------------------------------------------------------------*/

/** Days since 1858-11-17 of a date. */
static int64_t days_of(int y, int m, int d)
{
    const int a = (14 - m) / 12, yy = y + 4800 - a, mm = m + 12 * a - 3;
    return d + (153 * mm + 2) / 5 + 365LL * yy + yy / 4 - yy / 100 + yy / 400 - 32045 - 2400001;
}

/** A time of a day, and the day where one is given. */
typedef struct instant {
    bool dated;
    double seconds;
} instant;

/** Read [Y/M/D/]h:m:s up to end; false: it is something else. */
static bool read_time(const char *text, const char *end, instant *out)
{
    int y, mo, d, h, mi, n = 0;
    double s;

    out->dated = sscanf(text, "%d/%d/%d/%n", &y, &mo, &d, &n) == 3 && n > 0;
    for (const char *at = text; !out->dated && at < end; at++)
        n = *at == '/' ? (int)(at + 1 - text) : n; // CASA takes no other dates
    const char *clock = text + (n > 0 ? n : 0);
    n = 0;
    if (sscanf(clock, "%d:%d:%lf%n", &h, &mi, &s, &n) != 3 || clock + n != end)
        return false;
    out->seconds = h * 3600 + mi * 60 + s;
    if (out->dated)
        out->seconds += (double)days_of(y, mo, d) * 86400;
    return true;
}

static char *write_time(const instant *t, double later)
{
    const int64_t ms = llround((t->seconds + later) * 1000), day_ms = 86400000;
    const int64_t rest = ((ms % day_ms) + day_ms) % day_ms, day = (ms - rest) / day_ms;
    const int64_t jd = day + 2400001, a = jd + 32044, b = (4 * a + 3) / 146097;
    const int64_t c = a - 146097 * b / 4, d = (4 * c + 3) / 1461, e = c - 1461 * d / 4;
    const int64_t m = (5 * e + 2) / 153;
    char date[32] = "";

    if (t->dated)
        snprintf(date, sizeof date, "%04d/%02d/%02d/", (int)(100 * b + d - 4800 + m / 10),
                 (int)(m + 3 - 12 * (m / 10)), (int)(e - (153 * m + 2) / 5 + 1));
    return mms_format("%s%02d:%02d:%06.3f", date, (int)(rest / 3600000), (int)(rest / 60000 % 60),
                      (double)(rest % 60000) / 1000);
}

/** Widen t0~t1 by tbuff; other ranges stay as they are. */
static mms_status widen(mms_value *command, const double tbuff[2], mms_error *err)
{
    const char *range = json_string_value(json_object_get(command, "timerange"));
    const char *tilde = range ? strchr(range, '~') : NULL;
    instant from, to;

    if (!tilde)
        return MMS_OK;
    if (!read_time(range, tilde, &from) || !read_time(tilde + 1, tilde + strlen(tilde), &to))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter tbuff: timerange='%s' is not one range [Y/M/D/]h:m:s~h:m:s",
                        range);
    char *a = write_time(&from, -tbuff[0]), *b = write_time(&to, tbuff[1]);
    char *text = a && b ? mms_format("%s~%s", a, b) : NULL;
    if (text)
        json_object_set_new(command, "timerange", json_string(text));
    free(a);
    free(b);
    free(text);
    return text ? MMS_OK : no_memory(err);
}

/** Whether it is a list of numbers. */
static bool are_numbers(const mms_value *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_number(json_array_get(list, i)))
            return false;
    return json_is_array(list);
}

static mms_status read_tbuff(const char *text, double tbuff[2], mms_error *err)
{
    mms_value *v = NULL;
    mms_status st = mms_flag_value("tbuff", text, &v, err);

    if (st == MMS_OK && json_array_size(v) > 0 && json_array_size(v) <= 2 && are_numbers(v)) {
        tbuff[0] = json_number_value(json_array_get(v, 0));
        tbuff[1] = json_number_value(json_array_get(v, json_array_size(v) - 1));
    } else if (st == MMS_OK && json_is_number(v)) {
        tbuff[0] = tbuff[1] = json_number_value(v);
    } else if (st == MMS_OK && *text) {
        st = mms_fail(err, MMS_ERR_ARG, "parameter tbuff: %s is not a number or two", text);
    }
    mms_value_free(&v);
    return st;
}

mms_status mms_flag_list_read(const char *inpfile, const char *reason_text, const char *tbuff_text,
                              mms_value **out, mms_error *err)
{
    mms_value *sources = NULL, *reason = NULL, *each;
    double tbuff[2] = {0, 0};
    bool any = false;
    size_t i;
    mms_status st;

    *out = json_array();
    MMS_TRY(mms_flag_value("reason", reason_text, &reason, err));
    MMS_TRY(read_tbuff(tbuff_text, tbuff, err));
    if (*inpfile == '[')
        MMS_TRY(mms_flag_value("inpfile", inpfile, &sources, err));
    else
        sources = json_pack("[o]", mms_text_value(inpfile));
    json_array_foreach(sources, i, each)
    {
        if (!json_is_string(each))
            MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                             "Unsupported input list of flag commands or input "
                             "file does not exist"));
        MMS_TRY(add_source(json_string_value(each), (int64_t)i, reason, *out, &any, err));
    }
    if (!any)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "There are no valid commands in list"));
    if (json_array_size(*out) == 0)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "No input lines matching requested reason(s)"));
    json_array_foreach(*out, i, each) if (tbuff[0] != 0 || tbuff[1] != 0)
        MMS_TRY(widen(each, tbuff, err));
done:
    mms_value_free(&sources);
    mms_value_free(&reason);
    return st;
}

/* ---- completing -------------------------------------------------------------------------------*/

mms_status mms_flag_seconds(const char *name, const mms_value *v, double *seconds, mms_error *err)
{
    const char *text = json_string_value(v);

    *seconds = json_number_value(v);
    if (!text || !strcasecmp(text, "scan") || (!*text && !strcmp(name, "timebin")))
        return !text && *seconds <= 0 && !strcmp(name, "ntime")
                   ? mms_fail(err, MMS_ERR_ARG, "Parameter ntime cannot be < = 0")
                   : MMS_OK;
    if (!mms_parse_seconds(text, seconds))
        return mms_fail(err, MMS_ERR_ARG, "parameter %s: %s is not a time, for instance 30s", name,
                        text);
    return *seconds < 0 || (*seconds <= 0 && !strcmp(name, "ntime"))
               ? mms_fail(err, MMS_ERR_ARG, "Parameter %s cannot be < = 0", name)
               : MMS_OK;
}

static mms_status put_seconds(mms_value *command, const char *name, mms_error *err)
{
    double seconds = 0;
    const mms_value *v = json_object_get(command, name);
    const mms_status st = v ? mms_flag_seconds(name, v, &seconds, err) : MMS_OK;

    if (st == MMS_OK && v)
        json_object_set_new(command, name, json_real(seconds));
    return st;
}

static mms_status check_values(const mms_value *command, mms_error *err)
{
    const mms_value *limits = json_object_get(command, "clipminmax");
    const size_t n = json_array_size(limits);

    if (limits && n != 0 && n != 2)
        return mms_fail(err, MMS_ERR_ARG, "Error : clipminmax must be a list : [min,max]");
    for (size_t i = 0; i < n; i++)
        if (!json_is_number(json_array_get(limits, i)))
            return mms_fail(err, MMS_ERR_ARG, "Error : clipminmax must be a list : [min,max]");
    return MMS_OK;
}

/** Refuse a list of thresholds that has other than rows of three numbers. */
static mms_status check_thresholds(const mms_value *rows, mms_error *err)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const mms_value *row = json_array_get(rows, i);
        if (json_array_size(row) != 3 || !are_numbers(row))
            return mms_fail(err, MMS_ERR_ARG, "row %zu is not [field, spw, value]", i + 1);
    }
    return MMS_OK;
}

/** Replace the name of a file with thresholds by the rows in it; its last line counts. */
static mms_status read_thresholds(mms_value *command, const char *name, mms_error *err)
{
    const char *path = json_string_value(json_object_get(command, name));
    char *text = NULL, *key_text = NULL, *at = NULL;
    mms_value *rows = NULL;
    int64_t bytes = 0;
    int fd = -1;
    bool there = false;
    mms_status st = MMS_OK;

    if (!path)
        goto done;
    MMS_TRY(*path ? mms_path_exists(path, &there, err) : MMS_OK);
    if (there) {
        MMS_TRY(mms_open_file(path, &fd, &bytes, err));
        text = calloc(1, (size_t)bytes + 1);
        key_text = mms_format("'%s'", name);
        MMS_TRY(text && key_text ? mms_read_all(fd, text, bytes, path, err) : no_memory(err));
        for (char *next = text; (next = strstr(next, key_text)); next++)
            at = next + strlen(key_text);
    }
    if (at) {
        at += strspn(at, " :");
        at[strcspn(at, "\n}")] = '\0';
        MMS_TRY(mms_flag_literal(at, &rows, err));
    }
    json_object_set_new(command, name, rows ? rows : json_array());
done:
    if (fd >= 0)
        close(fd);
    free(text);
    free(key_text);
    if (st == MMS_OK)
        st = check_thresholds(json_object_get(command, name), err);
    return st == MMS_OK ? st : mms_wrap(err, st, "parameter %s", name);
}

/** One line "key = value" of a file of antennas into the antennas: name begins a new one. */
static mms_status read_antenna_line(char *line, mms_value *antennas, mms_value **last,
                                    mms_error *err)
{
    char *value = strchr(line, '='), *key_end = value, number[24];
    mms_value *read = NULL;
    mms_status st = MMS_OK;

    if (*line == '#' || strlen(line) <= 5) // CASA's rule for lines that don't count
        return MMS_OK;
    if (!value)
        return mms_fail(err, MMS_ERR_ARG, "\"%s\" is not key = value", line);
    for (value++; isspace((unsigned char)*value);)
        value++;
    while (key_end > line && isspace((unsigned char)key_end[-1]))
        key_end--;
    *key_end = '\0';
    if (!strcmp(line, "name")) {
        snprintf(number, sizeof number, "%zu", json_object_size(antennas));
        *last = json_object();
        json_object_set_new(antennas, number, *last);
        json_object_set_new(*last, "name", mms_text_value(value));
        return MMS_OK;
    }
    if (!*last)
        return mms_fail(err, MMS_ERR_ARG, "%s stands before the first name", line);
    st = mms_flag_literal(value, &read, err);
    if (st == MMS_OK)
        json_object_set_new(*last, line, read);
    return st;
}

static mms_status check_antennas(const mms_value *antennas, mms_error *err)
{
    const char *number;
    mms_value *antenna;

    json_object_foreach((mms_value *)antennas, number, antenna)
    {
        const mms_value *position = json_object_get(antenna, "position");
        bool good =
            json_is_number(json_object_get(antenna, "diameter")) && json_array_size(position) == 3;
        for (size_t i = 0; good && i < 3; i++)
            good = json_is_number(json_array_get(position, i));
        if (!good)
            return mms_fail(err, MMS_ERR_ARG,
                            "antenna %s needs a diameter in m and a position [x,y,z] in m", number);
    }
    return MMS_OK;
}

/** Replace the name of a file of antennas by what is in it. */
static mms_status read_antennas(mms_value *command, mms_error *err)
{
    const mms_value *given = json_object_get(command, "addantenna");
    const char *path = json_string_value(given);
    mms_value *antennas = NULL, *last = NULL;
    char *text = NULL, *rest = NULL;
    int64_t bytes = 0;
    int fd = -1;
    mms_status st = MMS_OK;

    if (!given || (path && !*path))
        return MMS_OK;
    if (path) {
        antennas = json_object();
        MMS_TRY(mms_open_file(path, &fd, &bytes, err));
        text = calloc(1, (size_t)bytes + 1);
        MMS_TRY(text ? mms_read_all(fd, text, bytes, path, err) : no_memory(err));
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
            MMS_TRY(read_antenna_line(line, antennas, &last, err));
        json_object_set(command, "addantenna", antennas);
    }
    MMS_TRY(check_antennas(json_object_get(command, "addantenna"), err));
done:
    if (fd >= 0)
        close(fd);
    free(text);
    mms_value_free(&antennas);
    return st == MMS_OK ? st : mms_wrap(err, st, "parameter addantenna");
}

static mms_status complete(const mms_value *written, bool calculate, mms_value **out,
                           mms_error *err)
{
    const char *mode = json_string_value(json_object_get(written, "mode"));
    mms_value *v;
    mms_status st = MMS_OK;

    mode = mode ? mode : "manual";
    *out = json_object();
    for (int64_t i = 0; i < MMS_COUNT_OF(keys); i++) {
        v = json_object_get(written, keys[i].name);
        if (v && (is_selection(&keys[i]) || has_mode(&keys[i], mode)))
            json_object_set(*out, keys[i].name, v);
        else if (has_mode(&keys[i], mode)) {
            MMS_TRY(mms_flag_literal(keys[i].init, &v, err));
            json_object_set_new(*out, keys[i].name, v);
        }
    }
    v = json_object_get(*out, "observation");
    if (json_is_integer(v)) {
        char *text = mms_format("%" JSON_INTEGER_FORMAT, json_integer_value(v));
        json_object_set_new(*out, "observation", json_string(text ? text : ""));
        free(text);
    }
    if (!strcmp(mode, "rflag") && calculate)
        json_object_set_new(*out, "calculate", json_true());
    MMS_TRY(check_values(*out, err));
    MMS_TRY(read_thresholds(*out, "timedev", err));
    MMS_TRY(read_thresholds(*out, "freqdev", err));
    MMS_TRY(read_antennas(*out, err));
    MMS_TRY(put_seconds(*out, "ntime", err));
    MMS_TRY(put_seconds(*out, "timebin", err));
done:
    return st;
}

/** The extend behind tfcrop and rflag, with what of the command says how chunks are cut. */
static mms_value *automatic_extend(const mms_value *command)
{
    return json_pack("{ss sb sb sb sb sb sf sf sO sO}", "mode", "extend", "automatic", 1,
                     "extendpols", 1, "growaround", 0, "flagneartime", 0, "flagnearfreq", 0,
                     "growtime", 50.0, "growfreq", 80.0, "ntime", json_object_get(command, "ntime"),
                     "combinescans", json_object_get(command, "combinescans"));
}

/** Of tfcrop and rflag in a list CASA extends the flags of the first alone. */
static void add_extend(const mms_value *command, size_t line, bool *extended, mms_value *out)
{
    const mms_value *const wanted = json_object_get(command, "extendflags");

    if (!wanted)
        return;
    if (json_is_true(wanted) && *extended)
        mms_log(MMS_LOG_WARN, "flagdata",
                "command %zu: extendflags counts for the first tfcrop or rflag of a list alone, as "
                "in CASA; write mode='extend' behind it",
                line + 1);
    else if (json_is_true(wanted) && !json_object_get(command, "calculate"))
        json_array_append_new(out, automatic_extend(command));
    *extended = true;
}

mms_status mms_flag_commands_complete(const mms_value *written, bool list, bool calculate,
                                      mms_value **out, mms_error *err)
{
    mms_value *each, *command = NULL;
    size_t i;
    bool extended = false;
    mms_status st = MMS_OK;

    *out = json_array();
    json_array_foreach((mms_value *)written, i, each)
    {
        MMS_TRY(complete(each, calculate, &command, err));
        if (list && !json_object_get(each, "name") && json_object_get(command, "name")) {
            char name[40];
            snprintf(name, sizeof name, "Summary_%zu", i);
            json_object_set_new(command, "name", json_string(name));
        }
        if (list) // reports of lists are whole
            json_object_update_new(command, json_pack("{sf sf sf sf}", "minrel", 0.0, "maxrel", 1.0,
                                                      "minabs", 0.0, "maxabs", -1.0));
        json_array_append(*out, command);
        if (json_array_size(written) == 1)
            json_object_set_new(command, "alone", json_true());
        add_extend(command, i, &extended, *out);
        mms_value_free(&command);
    }
done:
    mms_value_free(&command);
    return st;
}

/* ---- saving -----------------------------------------------------------------------------------*/

static void add_python(mms_text *to, const mms_value *v);

static void add_python_members(mms_text *to, const mms_value *v)
{
    const char *name, *between = "{";
    mms_value *member;

    json_object_foreach((mms_value *)v, name, member)
    {
        mms_text_add(to, "%s'%s': ", between, name);
        add_python(to, member);
        between = ", ";
    }
    mms_text_add(to, "%s", json_object_size(v) > 0 ? "}" : "{}");
}

/** Write a value as Python prints it. */
static void add_python(mms_text *to, const mms_value *v)
{
    if (json_is_string(v)) {
        mms_text_add(to, "'%s'", json_string_value(v));
    } else if (json_is_boolean(v)) {
        mms_text_add(to, "%s", json_is_true(v) ? "True" : "False");
    } else if (json_is_array(v)) {
        mms_text_add(to, "[");
        for (size_t i = 0; i < json_array_size(v); i++) {
            mms_text_add(to, "%s", i ? ", " : "");
            add_python(to, json_array_get(v, i));
        }
        mms_text_add(to, "]");
    } else if (json_is_object(v)) {
        add_python_members(to, v);
    } else {
        char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        mms_text_add(to, "%s", text ? text : "");
        free(text);
    }
}

char *mms_flag_command_line(const mms_value *command, const char *reason, bool with_reason)
{
    const char *name, *own = json_string_value(json_object_get(command, "reason"));
    mms_text text = {0};
    mms_value *v;

    json_object_foreach((mms_value *)command, name, v)
    {
        if (!strcmp(name, "reason") || (json_is_string(v) && !*json_string_value(v)))
            continue;
        mms_text_add(&text, "%s%s=", text.length ? " " : "", name);
        add_python(&text, v);
    }
    reason = *reason ? reason : own ? own : "";
    if (with_reason && *reason)
        mms_text_add(&text, " reason='%s'", reason);
    return text.text;
}
