/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_words.c  The words of a program of each: tokens, where outputs go, folders for what
 *  it needs for a while. */
#include "each_priv.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/blackbox_priv.h"
#include "base/files_priv.h"
#include "engine/engine_priv.h"
#include "engine/program.h"

/* ---- tokens ---- */

static const char *const tokens[MMS_EACH_TOKENS] = {"vis",     "name",   "index",     "threads",
                                                    "host",    "tmpdir", "outputvis", "server",
                                                    "mem_mib", "attempt"};

/* The length of "{word}" at text, 0 when that is something else. */
static size_t token_length(const char *text)
{
    size_t n = 1;

    if (*text != '{')
        return 0;
    while (isalpha((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n > 1 && text[n] == '}' ? n + 1 : 0;
}

/* The number of the token at text, of that length; -1: it is none. */
static int token_at(const char *text, size_t length)
{
    for (int i = 0; i < MMS_EACH_TOKENS; i++)
        if (strlen(tokens[i]) == length - 2 && !memcmp(text + 1, tokens[i], length - 2))
            return i;
    return -1;
}

char *mms_each_expand(const char *word, const mms_each_values *values)
{
    mms_text text = {0};

    mms_text_add(&text, "%s", "");
    while (*word) {
        const size_t length = token_length(word);
        const int token = length ? token_at(word, length) : -1;
        if (word[0] == '{' && word[1] == '{') {
            mms_text_add(&text, "{");
            word += 2;
        } else if (token >= 0) {
            mms_text_add(&text, "%s", values->of[token]);
            word += length;
        } else {
            mms_text_add(&text, "%c", *word++);
        }
    }
    return text.text;
}

static mms_status check_word(const char *word, mms_error *err)
{
    while (*word) {
        const size_t length = token_length(word);
        if (word[0] == '{' && word[1] == '{') {
            word += 2;
        } else if (length && token_at(word, length) < 0) {
            return mms_fail(err, MMS_ERR_ARG,
                            "program: %.*s is not one of {vis} {name} {index} {threads} {host} "
                            "{tmpdir} {outputvis} {server} {mem_mib} {attempt}; write {{ for a "
                            "brace",
                            (int)length, word);
        } else {
            word++;
        }
    }
    return MMS_OK;
}

bool mms_each_has_tokens(const mms_texts *program)
{
    for (int64_t i = 0; i < program->count; i++)
        for (const char *s = strchr(program->values[i], '{'); s; s = strchr(s + 1, '{'))
            if (token_length(s) && token_at(s, token_length(s)) >= 0)
                return true;
    return false;
}

static bool has_token(const mms_texts *program, const char *token)
{
    for (int64_t i = 0; i < program->count; i++)
        for (const char *s = strstr(program->values[i], token); s; s = strstr(s + 1, token))
            if (s == program->values[i] || s[-1] != '{')
                return true;
    return false;
}

mms_status mms_each_check_program(const mms_texts *program, bool outputs, mms_error *err)
{
    const char *const name = program->values[0];
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < program->count; i++)
        MMS_TRY(check_word(program->values[i], err));
    if (has_token(program, "{outputvis}") != outputs)
        return mms_fail(err, MMS_ERR_ARG,
                        outputs ? "outputvis: no word of the program has {outputvis}"
                                : "program: {outputvis} needs --outputvis, the folder of outputs");
    if (!*name)
        return mms_fail(err, MMS_ERR_ARG, "program: its name is empty");
    if (!strchr(name, '{'))
        st = mms_program_check(name, err);
done:
    return st;
}

/* ---- outputs ---- */

/* Names of parts are whole paths where last components are not enough. */
char *mms_each_output_path(const char *folder, const char *name, bool made)
{
    char *const flat = strdup(*name == '/' ? name + 1 : name);
    char *path;

    for (char *c = flat; c && *c; c++)
        if (*c == '/')
            *c = '_';
    path = flat ? mms_format("%s/%s%s%s", folder, made ? "." : "", flat, made ? ".mms-each" : "")
                : NULL;
    free(flat);
    return path;
}

mms_status mms_each_check_outputs(const char *folder, int64_t n, const char *const *names,
                                  bool resumes, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && !resumes && i < n; i++) {
        char *const path = mms_each_output_path(folder, names[i], false);
        if (!path)
            st = mms_fail(err, MMS_ERR_MEM, "out of memory");
        else if (!access(path, F_OK))
            st = mms_fail(err, MMS_ERR_EXISTS, "Output '%s' already exists", path);
        free(path);
    }
    return st;
}

/* ---- folders of programs: named after the process that made them, so that what it has left can
 * be known ---- */

static const char *place_of_scratch(void)
{
    const char *const place = getenv("TMPDIR");

    return place && *place ? place : "/tmp";
}

/* Numbers of processes mean something on their host, in their name space. */
static void name_world(char *name, size_t size)
{
    char host[65] = "", space[64] = "";
    const ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);

    gethostname(host, sizeof host - 1);
    snprintf(name, size, "multims-each-%s-%s-", host, n > 5 ? strpbrk(space, "0123456789") : "0");
    for (char *c = name; *c; c++)
        if (*c == ']')
            memmove(c, c + 1, strlen(c));
}

mms_status mms_each_make_scratch(char **path, mms_error *err)
{
    char world[160];

    name_world(world, sizeof world);
    *path = mms_format("%s/%s%ld-XXXXXX", place_of_scratch(), world, (long)getpid());
    if (!*path)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    if (mkdtemp(*path)) {
        mms_blackbox_set_scratch(*path);
        return MMS_OK;
    }
    const int errnum = errno;
    free(*path);
    *path = NULL;
    return mms_fail_errno(err, errnum, "a folder in %s", place_of_scratch());
}

/* Whether a folder's worker is gone: "WORLDpid-XXXXXX" */
static bool is_left(const char *name, const char *world)
{
    const size_t n = strlen(world);
    char *end;
    const long pid = strncmp(name, world, n) != 0 ? 0 : strtol(name + n, &end, 10);

    const char state = pid > 0 && *end == '-' ? mms_process_state((pid_t)pid) : 'R';

    return !state || state == 'Z' || state == 'X';
}

void mms_each_remove_scratch(void)
{
    DIR *const folder = opendir(place_of_scratch());
    const struct dirent *entry;
    char world[160];
    mms_error ignored;

    name_world(world, sizeof world);
    while (folder && (entry = readdir(folder)))
        if (is_left(entry->d_name, world)) {
            char *const path = mms_format("%s/%s", place_of_scratch(), entry->d_name);
            if (path)
                (void)!mms_remove_tree(path, &ignored); /* another user's stays */
            free(path);
        }
    if (folder)
        closedir(folder);
}
