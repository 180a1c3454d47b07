/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flag_save.c  What flagdata leaves beside flags: its commands, and thresholds that rflag
 * found. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "flag_save_priv.h"
#include "flag_words_priv.h"
#include "multims/ms.h"

/** Whether there is a folder to write it in, before any flag is changed. */
static mms_status check_folder(const char *outfile, mms_error *err)
{
    char *folder = mms_path_dir(outfile);
    mms_status st = folder ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");

    if (st == MMS_OK && access(folder, W_OK))
        st = mms_fail_errno(err, errno, "parameter outfile: %s can't be written", outfile);
    free(folder);
    return st;
}

/** Whether the set has the table for them. */
static mms_status check_table(const char *vis, mms_error *err)
{
    mms_ms *ms = NULL;
    const char *path;
    mms_status st = mms_ms_open(vis, &ms, err);

    if (st != MMS_OK)
        return st;
    path = mms_ms_subtable(ms, "FLAG_CMD");
    if (!path)
        st = mms_fail(err, MMS_ERR_UNSUPPORTED,
                      "parameter savepars: %s has no table FLAG_CMD; give an outfile", vis);
    else if (access(path, W_OK))
        st = mms_fail_errno(err, errno, "parameter savepars: %s can't be changed", path);
    mms_ms_close(&ms);
    return st;
}

mms_status mms_flag_save_check(const char *vis, const struct mms_flag_saving *p, mms_error *err)
{
    bool there = false;
    mms_status st = MMS_OK;

    if (p->savepars && !*p->outfile)
        return check_table(vis, err);
    if (p->savepars && *p->outfile)
        st = check_folder(p->outfile, err);
    if (st == MMS_OK && p->savepars && *p->outfile)
        st = mms_path_exists(p->outfile, &there, err);
    if (st == MMS_OK && there && !p->overwrite)
        st = mms_fail(err, MMS_ERR_EXISTS,
                      "You have set overwrite to False. Remove %s before saving the flag commands",
                      p->outfile);
    return st;
}

static mms_status save_file(const struct mms_flag_saving *p, const mms_value *written,
                            mms_error *err)
{
    mms_text text = {0};
    mms_value *command;
    size_t i;
    mms_status st;

    json_array_foreach((mms_value *)written, i, command)
    {
        char *line = mms_flag_command_line(command, p->cmdreason, true);
        mms_text_add(&text, "%s\n", line ? line : "");
        free(line);
    }
    st = text.failed || !text.text
             ? mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory")
             : mms_replace_file(p->outfile, text.text, (int64_t)text.length, err);
    free(text.text);
    return st;
}

static void raise_letters(mms_value *command, const char *name)
{
    const char *text = json_string_value(json_object_get(command, name));
    char *copy = text ? strdup(text) : NULL;

    for (char *s = copy; s && *s; s++)
        *s = (char)toupper((unsigned char)*s);
    if (copy)
        json_object_set_new(command, name, mms_text_value(copy));
    free(copy);
}

/** Thresholds of rflag: those that were given, else those that were found. */
static void complete_thresholds(mms_value *command, const char *name, const mms_value *found)
{
    const mms_value *given = json_object_get(command, name);

    if (json_is_array(given) && json_array_size(given) == 0) {
        json_object_del(command, name);
        if (found)
            json_object_set(command, name, (mms_value *)found);
    }
}

mms_status mms_flag_complete_saved(mms_value *command, const char *action, const mms_value *result,
                                   mms_error *err)
{
    const char *mode = json_string_value(json_object_get(command, "mode"));
    const bool rflag = !strcmp(mode, "rflag"), applies = !strcasecmp(action, "apply");
    const mms_value *ntime = json_object_get(command, "ntime");
    double seconds = 0;
    const mms_status st = ntime ? mms_flag_seconds("ntime", ntime, &seconds, err) : MMS_OK;

    if (st != MMS_OK)
        return st;
    if (rflag && !(seconds > 0))
        json_object_del(command, "ntime");
    else if (ntime)
        json_object_set_new(command, "ntime", json_real(seconds));
    raise_letters(command, "datacolumn");
    raise_letters(command, "correlation");
    if (!strcmp(mode, "antint"))
        json_object_set_new(command, "verbose", json_false());
    json_object_del(command, "writeflags");
    if (rflag && strcasecmp(action, "calculate") != 0)
        json_object_set_new(command, "writeflags", json_boolean(applies));
    if (rflag && !applies) {
        complete_thresholds(command, "timedev", json_object_get(result, "timedev"));
        complete_thresholds(command, "freqdev", json_object_get(result, "freqdev"));
    }
    return MMS_OK;
}

/** Rows for FLAG_CMD, which a worker writes. */
static mms_value *rows_to_save(const struct mms_flag_saving *p, const mms_value *written)
{
    mms_value *rows = json_array(), *command;
    size_t i;

    json_array_foreach((mms_value *)written, i, command)
    {
        const char *mode = json_string_value(json_object_get(command, "mode"));
        const char *own = json_string_value(json_object_get(command, "reason"));
        char *line;
        if (mode && !strcmp(mode, "summary")) {
            mms_log(MMS_LOG_WARN, "flagdata",
                    "Commands with mode='summary' are not allowed in the FLAG_CMD table");
            continue;
        }
        line = mms_flag_command_line(command, "", false);
        json_array_append_new(rows, mms_commands_row(line ? line : "", *p->cmdreason ? p->cmdreason
                                                                       : own         ? own
                                                                                     : ""));
        free(line);
    }
    return rows;
}

static mms_status save_table(mms_run *run, const struct mms_change_words *words,
                             const struct mms_flag_saving *p, const mms_value *written,
                             mms_error *err)
{
    struct mms_change_run made = {0};
    mms_change_request how = mms_task_change(run, words, NULL, &made);
    mms_value *rows = rows_to_save(p, written);
    mms_status st;

    how.job = NULL; // flags are done: nothing is gone on with
    how.note = NULL;
    run->wrote = true;
    st = mms_commands_run(&how, rows, p->applied, err);
    mms_value_free(&rows);
    mms_task_end_change(&made, st);
    return st;
}

mms_status mms_flag_save(mms_run *run, const struct mms_change_words *words,
                         const struct mms_flag_saving *p, const mms_value *written, mms_error *err)
{
    if (!p->savepars)
        return MMS_OK;
    if (!*p->outfile)
        return save_table(run, words, p, written, err);
    run->wrote = true;
    return save_file(p, written, err);
}

/** As Python writes it: as few digits as tell it from others. */
static void add_number(mms_text *to, double x)
{
    char text[40] = "";

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        const double back = strtod(text, NULL);
        if (!(back < x) && !(back > x))
            break;
    }
    mms_text_add(to, strpbrk(text, ".en") ? "%s" : "%s.0", text);
}

mms_status mms_flag_save_thresholds(const char *name, const char *path, const mms_value *rows,
                                    mms_error *err)
{
    double number;
    char *file = *path && *path != '[' && !mms_parse_double(path, &number)
                     ? strdup(path)
                     : mms_format("rflag_output_thresholds_%s0.txt", name);
    mms_text text = {0};
    mms_status st;

    mms_text_add(&text, "{'name':'Rflag','%s':[", name);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const mms_value *row = json_array_get(rows, i);
        mms_text_add(&text, "%s[%.1f,%.1f,", i ? "," : "",
                     json_number_value(json_array_get(row, 0)),
                     json_number_value(json_array_get(row, 1)));
        add_number(&text, json_number_value(json_array_get(row, 2)));
        mms_text_add(&text, "]");
    }
    mms_text_add(&text, "]}\n\n");
    st = text.failed || !file ? mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory")
                              : mms_replace_file(file, text.text, (int64_t)text.length, err);
    free(file);
    free(text.text);
    return st;
}
