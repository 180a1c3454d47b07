/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file exec_words.c  The commands of the task exec: words of the command line, lines or a list in
 * a file. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "exec_priv.h"

static mms_value *lines_of(const char *text)
{
    mms_value *const list = json_array();

    for (const char *s = text; *s; s += strcspn(s, "\n"), s += *s == '\n') {
        char *const line = strndup(s, strcspn(s, "\n"));
        const size_t blank = line ? strspn(line, " \t\r") : 0;
        if (line && line[blank] && line[blank] != '#')
            json_array_append_new(list, json_pack("{s:o}", "command", mms_text_value(line)));
        free(line);
    }
    return list;
}

/* ---- a list in JSON ---- */

static bool all_are(const mms_value *list, json_type type)
{
    bool are = json_is_array(list);

    for (size_t i = 0; are && i < json_array_size(list); i++)
        are = json_typeof(json_array_get(list, i)) == type;
    return are;
}

/* What is wrong with a member of a command; NULL: nothing is. */
static const char *wrong_with(const char *name, const mms_value *value)
{
    static const char *const names[] = {"command", "program", "parameters", "servers",
                                        "limit",   "block",   "memory",     NULL};

    if (!mms_names_have(names, name))
        return "is not known: command, program, parameters, servers, limit, memory, block";
    if (!strcmp(name, "command"))
        return json_is_string(value) ? NULL : "is no text";
    if (!strcmp(name, "program"))
        return json_array_size(value) && all_are(value, JSON_STRING) ? NULL : "is no list of words";
    if (!strcmp(name, "parameters"))
        return json_is_object(value) ? NULL : "is no object";
    if (!strcmp(name, "servers"))
        return all_are(value, JSON_INTEGER) ? NULL : "is no list of integers";
    if (!strcmp(name, "block"))
        return json_is_boolean(value) ? NULL : "is neither true nor false";
    if (!strcmp(name, "memory"))
        return json_is_integer(value) && json_integer_value(value) >= 0 ? NULL
                                                                        : "is no number of bytes";
    return json_is_number(value) && json_number_value(value) >= 0 ? NULL
                                                                  : "is no number of seconds";
}

static mms_status check_entry(const char *path, size_t number, const mms_value *entry,
                              mms_error *err)
{
    const char *name, *wrong;
    mms_value *value;
    int count = 0;

    if (!json_is_object(entry))
        return mms_fail(err, MMS_ERR_ARG, "%s: command %zu is neither a text nor an object", path,
                        number);
    json_object_foreach((mms_value *)entry, name, value)
    {
        wrong = wrong_with(name, value);
        if (wrong)
            return mms_fail(err, MMS_ERR_ARG, "%s: command %zu: %s %s", path, number, name, wrong);
        count += !strcmp(name, "command") || !strcmp(name, "program");
    }
    if (count != 1)
        return mms_fail(err, MMS_ERR_ARG, "%s: command %zu has neither or both of %s", path, number,
                        "command and program");
    return MMS_OK;
}

/* A text stands for an object with that command. */
static mms_status check_list(const char *path, mms_value *list, mms_error *err)
{
    mms_status st = MMS_OK;

    if (!json_is_array(list))
        return mms_fail(err, MMS_ERR_ARG, "%s: no list of commands", path);
    for (size_t i = 0; st == MMS_OK && i < json_array_size(list); i++) {
        mms_value *const entry = json_array_get(list, i);
        if (json_is_string(entry))
            json_array_set_new(list, i, json_pack("{s:O}", "command", entry));
        st = check_entry(path, i + 1, json_array_get(list, i), err);
    }
    return st;
}

static mms_status read_file(const char *path, mms_value **out, mms_error *err)
{
    int64_t size;
    char *text = NULL;
    int fd = -1;
    mms_status st;

    if (mms_value_read(path, out, NULL) == MMS_OK)
        return check_list(path, *out, err);
    MMS_TRY(mms_open_file(path, &fd, &size, err));
    text = mms_alloc(size + 1, 1);
    MMS_TRY(text ? mms_read_all(fd, text, size, path, err)
                 : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    if (memchr(text, '\0', (size_t)size))
        MMS_TRY(mms_fail(err, MMS_ERR_ARG, "%s: byte %zu is zero: a file of commands is text", path,
                         strlen(text)));
    if (text[strspn(text, " \t\r\n")] == '[')
        MMS_TRY(mms_value_parse(text, out, err)); // which says what is wrong with it
    mms_value_free(out);
    *out = lines_of(text);
done:
    free(text);
    if (fd >= 0)
        close(fd);
    return st;
}

mms_status mms_exec_commands(const char *file, const mms_texts *words, mms_value **out,
                             mms_error *err)
{
    mms_status st = MMS_OK;

    *out = NULL;
    if (*file)
        MMS_TRY(read_file(file, out, err));
    else
        *out = json_array();
    for (int64_t i = 0; i < words->count; i++)
        json_array_append_new(*out,
                              json_pack("{s:o}", "command", mms_text_value(words->values[i])));
    if (!json_array_size(*out))
        st = mms_fail(err, MMS_ERR_ARG, "no command: give one, or a file of them");
done:
    return st;
}

const char **mms_exec_argv(const mms_value *list)
{
    const size_t n = json_array_size(list);
    const char **const argv = mms_alloc((int64_t)n + 1, sizeof *argv);

    for (size_t i = 0; argv && i < n; i++)
        argv[i] = json_string_value(json_array_get(list, i));
    return argv;
}
