/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file console_complete.c  What a word of the console may become: words of its own, verbs, their
 *  parameters, names of files. */
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "console_priv.h"

const char *const mms_console_words[] = {"commands", "exit",   "help", "quit",
                                         "servers",  "status", NULL};
const char *const mms_console_functions[] = {"sleep(",
                                             "getcwd(",
                                             "chdir(",
                                             "load(",
                                             "unset(",
                                             "exit(",
                                             "set_threads(",
                                             "get_threads(",
                                             "set_memory_total(",
                                             "set_memory_fraction(",
                                             "get_memory_total(",
                                             "set_ncpus(",
                                             "get_ncpus(",
                                             NULL};

struct found {
    char **words;
    int64_t n, capacity;
    const char *typed;
    size_t length;
};

void mms_choices_free(char **words)
{
    for (char **w = words; w && *w; w++)
        free(*w);
    free(words);
}

/* Takes word. */
static void add(struct found *f, char *word)
{
    if (!word || strncmp(word, f->typed, f->length) ||
        mms_grow(&f->words, &f->capacity, f->n + 2, sizeof *f->words, NULL) != MMS_OK) {
        free(word);
        return;
    }
    f->words[f->n++] = word;
    f->words[f->n] = NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- names of files, in a text ---- */

static bool is_folder(const char *folder, const char *name)
{
    char *const path = mms_format("%s%s", folder, name);
    struct stat info;
    const bool is = path && !stat(path, &info) && S_ISDIR(info.st_mode);

    free(path);
    return is;
}

static void add_files(struct found *f)
{
    const char *const typed = f->typed + f->length;
    const char *slash = typed;

    while (slash > f->typed && slash[-1] != '/')
        slash--;
    char *const folder = strndup(f->typed, (size_t)(slash - f->typed));
    DIR *const dir = folder ? opendir(*folder ? folder : ".") : NULL;
    const struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (*entry->d_name != '.' || *slash == '.')
            add(f, mms_format("%s%s%s", folder, entry->d_name,
                              is_folder(folder, entry->d_name) ? "/" : ""));
    if (dir)
        closedir(dir);
    free(folder);
}

/* ---- names ---- */

static void add_verbs(struct found *f, const char *bracket)
{
    for (const mms_task *const *t = mms_tasks(); *t; t++) {
        add(f, mms_format("%s%s", (*t)->name, bracket));
        if ((*t)->alias)
            add(f, mms_format("%s%s", (*t)->alias, bracket));
    }
}

static void add_names(struct found *f, bool first)
{
    add_verbs(f, "(");
    for (const char *const *word = mms_console_functions; *word; word++)
        add(f, strdup(*word));
    for (const char *const *word = mms_console_words; first && *word; word++)
        add(f, strdup(*word));
}

static void add_parameters(struct found *f, const mms_task *task)
{
    for (const mms_param *p = task->params; p->name; p++)
        if (!(p->flags & (MMS_PARAM_HIDDEN | MMS_PARAM_MISSING)))
            add(f, mms_format("%s=", p->name));
}

static bool is_of_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Where line stands at cursor: in a text, that of a quote; and in the brackets of which verb. */
struct place {
    const char *quote;
    const mms_task *task;
};

static const mms_task *task_before(const char *line, const char *open)
{
    const char *begin = open;

    while (begin > line && is_of_name(begin[-1]))
        begin--;
    char *const name = strndup(begin, (size_t)(open - begin));
    const mms_task *const task = name ? mms_task_find(name) : NULL;

    free(name);
    return task;
}

static struct place place_of(const char *line, const char *cursor)
{
    struct place p = {NULL, NULL};

    for (const char *s = line; s < cursor; s++) {
        if (p.quote) {
            if (*s == *p.quote)
                p.quote = NULL;
        } else if (*s == '\'' || *s == '"') {
            p.quote = s;
        } else if (*s == '(') {
            p.task = task_before(line, s);
        } else if (*s == ')') {
            p.task = NULL;
        }
    }
    return p;
}

char **mms_console_complete(const char *line, size_t cursor, size_t *begin)
{
    const char *const end = line + cursor;
    const struct place place = place_of(line, end);
    const char *from = place.quote ? place.quote + 1 : end;
    struct found f = {0};

    while (!place.quote && from > line && is_of_name(from[-1]))
        from--;
    const bool first = line + strspn(line, " \t") == from;
    f.typed = from;
    f.length = (size_t)(end - from);
    *begin = (size_t)(from - line);
    if (place.quote)
        add_files(&f);
    else if (place.task)
        add_parameters(&f, place.task);
    else if (!strncmp(line, "help ", 5))
        add_verbs(&f, "");
    else
        add_names(&f, first);
    if (!f.words)
        f.words = mms_alloc(1, sizeof *f.words);
    if (f.n > 1)
        qsort(f.words, (size_t)f.n, sizeof *f.words, compare);
    return f.words;
}
