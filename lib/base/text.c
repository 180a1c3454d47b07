/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file text.c  Texts, paths and numbers in text. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_priv.h"
#include "utf8_priv.h"

static char *format_list(const char *fmt, va_list args)
{
    char *text = NULL;
    return vasprintf(&text, fmt, args) < 0 ? NULL : text;
}

char *mms_format(const char *fmt, ...)
{
    va_list args;
    char *text;

    va_start(args, fmt);
    text = format_list(fmt, args);
    va_end(args);
    return text;
}

void mms_text_add(mms_text *t, const char *fmt, ...)
{
    va_list args;
    char *piece, *grown;
    size_t length;

    if (t->failed)
        return;
    va_start(args, fmt);
    piece = format_list(fmt, args);
    va_end(args);
    length = piece ? strlen(piece) : 0;
    if (piece && t->length + length + 1 > t->capacity) {
        const size_t capacity = (t->length + length + 1) * 2;
        grown = realloc(t->text, capacity);
        if (grown) {
            t->text = grown;
            t->capacity = capacity;
        } else {
            free(piece);
            piece = NULL;
        }
    }
    if (!piece) {
        free(t->text);
        *t = (mms_text){.failed = true};
        return;
    }
    memcpy(t->text + t->length, piece, length + 1);
    t->length += length;
    free(piece);
}

bool mms_names_have(const char *const *names, const char *name)
{
    while (names && *names && strcmp(*names, name))
        names++;
    return names && *names;
}

bool mms_is_plain_name(const char *name)
{
    return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/') &&
           strlen(name) <= NAME_MAX;
}

char *mms_path_strip(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return strndup(path, n);
}

char *mms_path_base(const char *path)
{
    char *plain = mms_path_strip(path), *slash, *base;

    if (!plain)
        return NULL;
    slash = strrchr(plain, '/');
    base = strdup(slash && slash[1] ? slash + 1 : plain);
    free(plain);
    return base;
}

char *mms_path_dir(const char *path)
{
    char *plain = mms_path_strip(path), *slash;

    if (!plain)
        return NULL;
    slash = strrchr(plain, '/');
    if (!slash) {
        free(plain);
        return strdup(".");
    }
    slash[slash == plain ? 1 : 0] = '\0';
    return plain;
}

char *mms_path_absolute(const char *path)
{
    char *plain = mms_path_strip(path), *here, *whole;

    if (!plain || plain[0] == '/')
        return plain;
    here = getcwd(NULL, 0);
    whole = here ? mms_format("%s/%s", here, strncmp(plain, "./", 2) ? plain : plain + 2) : NULL;
    free(here);
    free(plain);
    return whole;
}

/** Whether a path would be taken for an option, or for the value of a parameter. */
static bool looks_like_option(const char *path)
{
    return *path == '-' || path[strcspn(path, "=/")] == '=';
}

/** In single quotes, of which each that the path has itself is written beside them. */
static void add_quoted(mms_text *word, const char *path)
{
    mms_text_add(word, "'");
    for (const char *end; (end = strchr(path, '\'')); path = end + 1)
        mms_text_add(word, "%.*s'\\''", (int)(end - path), path);
    mms_text_add(word, "%s'", path);
}

/** What can't be shown is written by printf. */
static void add_by_number(mms_text *word, const char *path, const char *plain)
{
    mms_text_add(word, "\"$(printf %%b '");
    for (; *path; path++)
        mms_text_add(word, strchr(plain, *path) ? "%c" : "\\0%03o", (unsigned char)*path);
    mms_text_add(word, "')\"");
}

char *mms_path_shell(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_@%+=:,./-";
    char *const whole = mms_format("%s%s", looks_like_option(path) ? "./" : "", path);
    char *const shown = whole ? mms_readable(whole) : NULL;
    mms_text word = {.failed = !shown};

    if (shown && strcmp(shown, whole) != 0)
        add_by_number(&word, whole, plain);
    else if (shown && (!*whole || whole[strspn(whole, plain)]))
        add_quoted(&word, whole);
    else if (shown)
        mms_text_add(&word, "%s", whole);
    free(shown);
    free(whole);
    return word.text;
}

static bool only_blanks(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return *text == '\0';
}

bool mms_parse_int(const char *text, int64_t *value)
{
    char *end;
    errno = 0;
    const long long v = strtoll(text, &end, 10);
    if (end == text || errno || !only_blanks(end))
        return false;
    *value = v;
    return true;
}

bool mms_parse_double(const char *text, double *value)
{
    char *end;
    errno = 0;
    const double v = strtod(text, &end);
    if (end == text || errno == ERANGE || !only_blanks(end))
        return false;
    *value = v;
    return true;
}

bool mms_parse_seconds(const char *text, double *value)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1}, {"s", 1}, {"min", 60}, {"h", 3600}, {"d", 86400}};
    char *end;
    const double number = strtod(text, &end);

    if (end == text)
        return false;
    end += strspn(end, " ");
    for (int64_t i = 0; i < MMS_COUNT_OF(units); i++)
        if (!strcmp(units[i].unit, end)) {
            *value = number * units[i].factor;
            return true;
        }
    return false;
}
