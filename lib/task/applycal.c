/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file applycal.c  The task applycal (parallel-tasks 1.13, 3.4, 4.9; in-place 3). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "base/stream_priv.h"
#include "change_priv.h"
#include "flag_words_priv.h"

struct applycal {
    struct mms_change_words how;
    mms_select select;
    bool selectdata, docallib, parang, flagbackup;
    const char *callib, *gaintable, *gainfield, *interp, *spwmap, *calwt, *applymode;
};

#define AT(member) offsetof(struct applycal, member)

static const mms_param params[] = {
    MMS_PARAM_VIS(struct applycal, how.vis),
    MMS_PARAM_FIELD(struct applycal, select),
    MMS_PARAM_SPW(struct applycal, select),
    MMS_PARAM_INTENT(struct applycal, select),
    {"selectdata", MMS_BOOL, AT(selectdata), .init = "True",
     .doc = "False: timerange, uvrange, antenna, scan, observation, msselect don't count"},
    MMS_PARAM_TIMERANGE(struct applycal, select),
    MMS_PARAM_UVRANGE(struct applycal, select),
    MMS_PARAM_ANTENNA(struct applycal, select),
    MMS_PARAM_SCAN(struct applycal, select),
    MMS_PARAM_OBSERVATION(struct applycal, select),
    MMS_PARAM_SELECT("msselect", struct applycal, select.taql, MMS_PARAM_LITERAL,
                     "Condition on the main table's rows in TaQL, e.g. SCAN_NUMBER IN [1,3]"),
    {"docallib", MMS_BOOL, AT(docallib), .init = "False",
     .doc = "Take the tables from callib, else from gaintable"},
    {"callib", MMS_STRING, AT(callib), .init = "", .doc = "File with a line caltable='...' a table",
     .needs = "docallib"},
    {"gaintable", MMS_LITERAL, AT(gaintable), .init = "[]",
     .doc = "Calibration tables, e.g. [\"x.B\",\"x.G\"]"},
    {"gainfield", MMS_LITERAL, AT(gainfield), .init = "[]",
     .doc = "For each table the fields of its solutions, or nearest; empty: all"},
    {"interp", MMS_LITERAL, AT(interp), .init = "[]",
     .doc =
         "For each table \"time,freq\": nearest or linear, in freq nearestflag or linearflag too"},
    {"spwmap", MMS_LITERAL, AT(spwmap), .init = "[]",
     .doc = "For each table its window for each window of the set, e.g. [[0,0],[]]"},
    {"calwt", MMS_LITERAL, AT(calwt), .init = "[True]",
     .doc = "For each table whether weights are calibrated"},
    {"parang", MMS_BOOL, AT(parang), .init = "False", .doc = "Correct for the parallactic angle"},
    {"applymode", MMS_STRING, AT(applymode), .init = "",
     .doc = "calflag, calflagstrict, trial, flagonly, flagonlystrict or calonly; empty: calflag"},
    {"flagbackup", MMS_BOOL, AT(flagbackup), .init = "True",
     .doc = "Save the flags as version applycal_N before"},
    MMS_PARAMS_CHANGE(struct applycal, how, "data", "say what would be written and kept, "),
    {0},
};

/* ---- lists, one entry a table -----------------------------------------------------------------*/

/** A parameter as a list of texts: one text is a list of it; "" an empty one. */
static mms_status read_texts(const char *name, const char *text, mms_value **list, mms_error *err)
{
    mms_value *value = NULL;
    bool good;
    mms_status st = mms_flag_literal(text, &value, err);

    *list = NULL;
    if (st != MMS_OK)
        return st;
    if (json_is_array(value))
        *list = json_incref(value);
    else if (json_is_string(value) && !*json_string_value(value))
        *list = json_array();
    else
        *list = json_pack("[O]", value);
    good = true;
    for (size_t i = 0; i < json_array_size(*list); i++) {
        const mms_value *entry = json_array_get(*list, i);
        if (json_is_integer(entry))
            json_array_set_new(*list, i,
                               json_sprintf("%lld", (long long)json_integer_value(entry)));
        else
            good = good && json_is_string(entry);
    }
    mms_value_free(&value);
    if (!good)
        st = mms_fail(err, MMS_ERR_ARG, "parameter %s: %s is not a text, nor a list of texts", name,
                      text);
    return st;
}

static mms_status refuse(const char *name, const char *text, const char *wanted, mms_error *err)
{
    return mms_fail(err, MMS_ERR_ARG, "parameter %s: %s is not %s", name, text, wanted);
}

static bool is_ints(const mms_value *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!json_is_integer(json_array_get(list, i)))
            return false;
    return json_is_array(list);
}

/** spwmap as a list of lists: a flat list is that of the first table. */
static mms_status read_spwmap(const char *text, mms_value **list, mms_error *err)
{
    mms_value *value = NULL;
    bool good = true;
    mms_status st = mms_flag_literal(text, &value, err);

    *list = json_array();
    if (st != MMS_OK)
        return st;
    if (json_is_integer(value))
        json_array_append_new(*list, json_pack("[O]", value));
    else if (json_is_array(value) && json_array_size(value) > 0 && is_ints(value))
        json_array_append(*list, value);
    else if (json_is_array(value))
        json_array_extend(*list, value);
    else
        good = json_is_string(value) && !*json_string_value(value);
    for (size_t i = 0; i < json_array_size(*list); i++)
        good = good && is_ints(json_array_get(*list, i));
    mms_value_free(&value);
    return good ? MMS_OK
                : refuse("spwmap", text, "a list of windows, nor a list of such lists", err);
}

static mms_status read_calwt(const char *text, mms_value **list, mms_error *err)
{
    mms_value *value = NULL;
    bool good = true;
    mms_status st = mms_flag_literal(text, &value, err);

    *list = NULL;
    if (st != MMS_OK)
        return st;
    *list = json_is_array(value) ? json_incref(value) : json_pack("[O]", value);
    for (size_t i = 0; i < json_array_size(*list); i++)
        good = good && json_is_boolean(json_array_get(*list, i));
    mms_value_free(&value);
    return good ? MMS_OK : refuse("calwt", text, "True or False, nor a list of them", err);
}

static mms_status check_length(const char *name, const mms_value *list, size_t ntable,
                               mms_error *err)
{
    if (json_array_size(list) <= ntable || ntable == 0)
        return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG, "parameter %s has %zu entries, gaintable %zu", name,
                    json_array_size(list), ntable);
}

static const char *text_at(const mms_value *list, size_t i)
{
    const char *text = json_string_value(json_array_get(list, i));
    return text ? text : "";
}

/** What a table is used with: {"path", "interp", "calwt", "spwmap", "field"}. */
static mms_status make_uses(const struct applycal *p, mms_value *uses, mms_error *err)
{
    mms_value *tables = NULL, *fields = NULL, *interp = NULL, *spwmap = NULL, *calwt = NULL;
    size_t n;
    mms_status st;

    MMS_TRY(read_texts("gaintable", p->gaintable, &tables, err));
    MMS_TRY(read_texts("gainfield", p->gainfield, &fields, err));
    MMS_TRY(read_texts("interp", p->interp, &interp, err));
    MMS_TRY(read_spwmap(p->spwmap, &spwmap, err));
    MMS_TRY(read_calwt(p->calwt, &calwt, err));
    n = json_array_size(tables);
    MMS_TRY(check_length("gainfield", fields, n, err));
    MMS_TRY(check_length("interp", interp, n, err));
    MMS_TRY(check_length("spwmap", spwmap, n, err));
    MMS_TRY(check_length("calwt", calwt, n, err));
    for (size_t i = 0; i < n; i++) {
        const size_t ncalwt = json_array_size(calwt);
        const mms_value *weigh = json_array_get(calwt, i < ncalwt ? i : ncalwt - 1);
        mms_value *map = json_array_get(spwmap, i);
        char *path = mms_path_absolute(text_at(tables, i));
        json_array_append_new(
            uses,
            json_pack("{so ss sb so ss}", "path", mms_text_value(path ? path : ""), "interp",
                      text_at(interp, i), "calwt", ncalwt > 0 && json_is_true(weigh), "spwmap",
                      map ? json_incref(map) : json_array(), "field", text_at(fields, i)));
        free(path);
    }
done:
    mms_value_free(&tables);
    mms_value_free(&fields);
    mms_value_free(&interp);
    mms_value_free(&spwmap);
    mms_value_free(&calwt);
    return st;
}

/* ---- cal library ------------------------------------------------------------------------------*/

/** The length of the word key=value at text: blanks within quotes and brackets belong to it. */
static size_t word_length(const char *text)
{
    char quote = 0;
    int depth = 0;
    size_t i;

    for (i = 0; text[i]; i++) {
        const char c = text[i];
        if (quote)
            quote = c == quote ? 0 : quote;
        else if (c == '\'' || c == '"')
            quote = c;
        else if (c == '[')
            depth++;
        else if (c == ']')
            depth--;
        else if (isspace((unsigned char)c) && depth <= 0)
            break;
    }
    return i;
}

/** A list of fields as gainfield says it. */
static mms_value *field_text(const mms_value *value)
{
    mms_text text = {0};
    mms_value *out;

    if (json_is_string(value))
        return json_incref((mms_value *)value);
    for (size_t i = 0; i < json_array_size(value); i++)
        mms_text_add(&text, "%s%lld", i ? "," : "",
                     (long long)json_integer_value(json_array_get(value, i)));
    out = mms_text_value(text.text ? text.text : "");
    free(text.text);
    return out;
}

/** Take one key of a line into what the table is used with; false: the value is of another kind. */
static bool take_key(const char *key, mms_value *value, mms_value *use, bool *known)
{
    *known = true;
    if (!strcmp(key, "caltable")) {
        char *path = json_is_string(value) ? mms_path_absolute(json_string_value(value)) : NULL;
        json_object_set_new(use, "path", mms_text_value(path ? path : ""));
        free(path);
        return json_is_string(value);
    }
    if (!strcmp(key, "tinterp") || !strcmp(key, "finterp"))
        return json_is_string(value) && !json_object_set(use, key, value);
    if (!strcmp(key, "calwt"))
        return json_is_boolean(value) && !json_object_set(use, key, value);
    if (!strcmp(key, "spwmap"))
        return is_ints(value) && !json_object_set(use, key, value);
    if (!strcmp(key, "fldmap"))
        return (json_is_string(value) || is_ints(value)) &&
               !json_object_set_new(use, "field", field_text(value));
    *known = false;
    return false;
}

static mms_status take_word(const char *file, int line, const char *word, size_t length,
                            mms_value *use, mms_error *err)
{
    char *text = strndup(word, length), *equals = text ? strchr(text, '=') : NULL;
    mms_value *value = NULL;
    bool known = true, good = equals != NULL;
    mms_status st = text ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "applycal: out of memory");

    if (equals) {
        *equals = 0;
        good = mms_flag_literal(equals + 1, &value, NULL) == MMS_OK &&
               take_key(text, value, use, &known);
    }
    if (st == MMS_OK && !known)
        st = mms_fail(err, MMS_ERR_ARG,
                      "parameter callib: %s, line %d: %s is not done here, but caltable, calwt, "
                      "tinterp, finterp, fldmap, spwmap",
                      file, line, text);
    else if (st == MMS_OK && !good)
        st = mms_fail(err, MMS_ERR_ARG, "parameter callib: %s, line %d: %.*s can't be read", file,
                      line, (int)length, word);
    mms_value_free(&value);
    free(text);
    return st;
}

/** The line of one table. */
static mms_status take_line(const char *file, int line, const char *text, mms_value *uses,
                            mms_error *err)
{
    mms_value *use = json_pack("{sb s[] ss}", "calwt", 1, "spwmap", "field", "");
    char *interp = NULL;
    mms_status st = MMS_OK;

    while (st == MMS_OK) {
        text += strspn(text, " \t\r");
        if (!*text || *text == '#')
            break;
        const size_t length = word_length(text);
        st = take_word(file, line, text, length, use, err);
        text += length;
    }
    if (st == MMS_OK && json_object_size(use) > 3 && !json_object_get(use, "path"))
        st =
            mms_fail(err, MMS_ERR_ARG, "parameter callib: %s, line %d has no caltable", file, line);
    if (st == MMS_OK && json_object_get(use, "path")) {
        const char *time = json_string_value(json_object_get(use, "tinterp"));
        const char *freq = json_string_value(json_object_get(use, "finterp"));
        interp = mms_format("%s,%s", time ? time : "", freq ? freq : "");
        json_object_set_new(use, "interp", mms_text_value(interp ? interp : ""));
        json_array_append(uses, use);
    }
    mms_value_free(&use);
    free(interp);
    return st;
}

static mms_status read_library(const char *path, mms_value *uses, mms_error *err)
{
    uint8_t *bytes = NULL;
    char *copy = NULL, *rest;
    size_t size = 0;
    bool there = false;
    int line = 0;
    mms_status st = MMS_OK;

    if (*path)
        MMS_TRY(mms_path_exists(path, &there, err));
    if (!there)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "parameter callib: Specified cal library file ('%s') does not exist!",
                         path));
    MMS_TRY(mms_read_file(path, 1 << 24, &bytes, &size, err));
    copy = strndup((const char *)bytes, size);
    MMS_TRY(copy ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "applycal: out of memory"));
    for (char *text = rest = copy; text && st == MMS_OK; text = rest) {
        rest = strchr(text, '\n');
        if (rest)
            *rest++ = 0;
        st = take_line(path, ++line, text, uses, err);
    }
done:
    free(bytes);
    free(copy);
    return st;
}

/* ---- the run ----------------------------------------------------------------------------------*/

static mms_status check_mode(const struct applycal *p, mms_error *err)
{
    static const char *const modes[] = {"",      "calflag",  "calflagstrict",  "calonly",
                                        "trial", "flagonly", "flagonlystrict", NULL};

    if (mms_names_have(modes, p->applymode))
        return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG,
                    "parameter applymode: %s is not one of calflag, calflagstrict, calonly, "
                    "flagonly, flagonlystrict, trial",
                    p->applymode);
}

static mms_select choose_selection(const struct applycal *p)
{
    mms_select s = p->select;

    if (!p->selectdata)
        s.timerange = s.uvrange = s.antenna = s.scan = s.observation = s.taql = "";
    return s;
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct applycal *p = arg;
    mms_value *uses = json_array();
    const mms_applycal_request q = {.change = mms_task_change(run, &p->how),
                                    .select = choose_selection(p),
                                    .tables = uses,
                                    .parang = p->parang,
                                    .flagbackup = p->flagbackup,
                                    .applymode =
                                        !strcmp(p->applymode, "calflag") ? "" : p->applymode};
    mms_status st;

    MMS_TRY(check_mode(p, err));
    MMS_TRY(p->docallib ? read_library(p->callib, uses, err) : make_uses(p, uses, err));
    MMS_TRY(mms_applycal_run(&q, &run->wrote, result, err));
    mms_task_note_change(run, p->how.vis, true);
done:
    mms_value_free(&uses);
    return st;
}

const mms_task mms_task_applycal = {
    .name = "applycal",
    .summary = "calibrate DATA of a MeasurementSet or Multi-MS into CORRECTED_DATA",
    .params = params,
    .params_size = sizeof(struct applycal),
    .in_place = true,
    .run = run,
    .print = mms_print_change,
    .unit = mms_applycal_unit,
    .details =
        "Tables of the types B, G, T, K, D, Df Jones and TOpac are applied, others refused.\n"
        "CORRECTED_DATA is made in every part where it is not there.  The flags as they\n"
        "were are saved as version applycal_N (flagmanager), unless flagbackup=False.  A\n"
        "run that is killed leaves nothing half done: the next run, or multims clean\n"
        "--restore, brings the old bytes back.\n\n"
        "Examples:\n"
        "  multims applycal x.mms --gaintable x.G\n"
        "  multims applycal vis=x.mms gaintable=['x.B','x.G'] interp=['nearest','linear'] "
        "calwt=False\n",
};
