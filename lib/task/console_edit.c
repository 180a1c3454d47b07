/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file console_edit.c  The module libmultims-edit.so: lines edited with libedit. */
#include <assert.h>
#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "console_priv.h"

enum { KEPT_LINES = 1000 };

struct editor {
    EditLine *edit;
    History *history;
    const mms_edit_needs *needs;
    const char *prompt;
    mms_line_end end;
    struct termios before;
    bool is_known; /* how the terminal was */
};

static struct editor *editor_of(EditLine *edit)
{
    void *data = NULL;

    el_get(edit, EL_CLIENTDATA, &data);
    return data;
}

static char *prompt_of(EditLine *edit)
{
    return (char *)editor_of(edit)->prompt;
}

/* ---- keys ---- */

/* One character, of as many bytes as the locale has for it. */
static int read_character(wchar_t *c)
{
    mbstate_t state = {0};
    char byte;

    for (int i = 0; i < 8; i++) {
        if (TEMP_FAILURE_RETRY(read(STDIN_FILENO, &byte, 1)) != 1)
            return 0;
        const size_t n = mbrtowc(c, &byte, 1, &state);
        if (n == (size_t)-1)
            break;
        if (n != (size_t)-2)
            return 1;
    }
    *c = L'?';
    return 1;
}

/* After a signal the line is ended for the editor, and does not count for us. */
static int get_character(EditLine *edit, wchar_t *c)
{
    struct editor *const e = editor_of(edit);

    e->end = e->needs->wait();
    if (e->end == MMS_LINE_READ)
        return read_character(c);
    if (e->end == MMS_LINE_INTERRUPTED)
        fputs("^C", stdout);
    *c = L'\n';
    return 1;
}

/* ---- completion ---- */

static size_t common_length(char *const *words)
{
    size_t n = strlen(words[0]);

    for (char *const *w = words + 1; *w; w++) {
        size_t k = 0;
        while (k < n && (*w)[k] == words[0][k])
            k++;
        n = k;
    }
    return n;
}

static void list_words(char *const *words)
{
    fputc('\n', stdout);
    for (char *const *w = words; *w; w++)
        printf("%s%s", *w, w[1] ? "  " : "\n");
    fflush(stdout);
}

static unsigned char complete(EditLine *edit, int key)
{
    const struct editor *const e = editor_of(edit);
    const LineInfo *const line = el_line(edit);
    const size_t cursor = (size_t)(line->cursor - line->buffer);
    char *const text = strndup(line->buffer, (size_t)(line->lastchar - line->buffer));
    unsigned char done = CC_ERROR;
    size_t begin = 0;
    char **const words = text ? e->needs->complete(text, cursor, &begin) : NULL;

    (void)key;
    if (words && words[0]) {
        assert(begin <= cursor);
        const size_t typed = cursor - begin, n = common_length(words);
        if (n > typed) {
            words[0][n] = '\0';
            done = el_insertstr(edit, words[0] + typed) ? CC_ERROR : CC_REFRESH;
        } else if (words[1]) {
            list_words(words);
            done = CC_REDISPLAY;
        }
    }
    if (words)
        e->needs->free_words(words);
    free(text);
    return done;
}

/* ---- open, read, close ---- */

/* libedit shows the prompt first and takes characters as they come then: a Ctrl-D between is lost
 * where the terminal waits for lines.  So it doesn't from the beginning to the end. */
static void take_characters(const struct editor *e)
{
    struct termios mode = e->before;

    mode.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    mode.c_cc[VMIN] = 1;
    mode.c_cc[VTIME] = 0;
    if (e->is_known)
        tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

static void close_editor(void *editor)
{
    struct editor *const e = editor;

    if (e->history)
        history_end(e->history);
    if (e->edit)
        el_end(e->edit);
    if (e->is_known)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &e->before);
    free(e);
}

static void *open_editor(const mms_edit_needs *needs)
{
    struct editor *const e = calloc(1, sizeof *e);
    HistEvent event;

    if (!e)
        return NULL;
    setlocale(LC_CTYPE, "");
    e->is_known = !tcgetattr(STDIN_FILENO, &e->before);
    e->needs = needs;
    e->edit = el_init("multims", stdin, stdout, stderr);
    e->history = history_init();
    if (!e->edit || !e->history) {
        close_editor(e);
        return NULL;
    }
    history(e->history, &event, H_SETSIZE, KEPT_LINES);
    history(e->history, &event, H_SETUNIQUE, 1);
    if (*needs->history)
        history(e->history, &event, H_LOAD, needs->history);
    el_set(e->edit, EL_CLIENTDATA, e);
    el_set(e->edit, EL_PROMPT, prompt_of);
    el_set(e->edit, EL_EDITOR, "emacs");
    el_set(e->edit, EL_HIST, history, e->history);
    el_set(e->edit, EL_GETCFN, get_character);
    el_set(e->edit, EL_ADDFN, "multims-complete", "complete the word", complete);
    el_set(e->edit, EL_BIND, "^I", "multims-complete", NULL);
    el_set(e->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(e->edit, NULL);
    return e;
}

static void keep(const struct editor *e, const char *line)
{
    HistEvent event;

    if (line[strspn(line, " \t\n")] == '\0')
        return;
    history(e->history, &event, H_ENTER, line);
    if (*e->needs->history) /* at once: who kills the console has it, too */
        history(e->history, &event, H_SAVE, e->needs->history);
}

static mms_line_end read_line(void *editor, const char *prompt, char **text)
{
    struct editor *const e = editor;
    const char *line;
    int n = 0;

    *text = NULL;
    e->prompt = prompt;
    e->end = MMS_LINE_READ;
    el_resize(e->edit);
    take_characters(e);
    line = el_gets(e->edit, &n);
    take_characters(e);
    if (e->end != MMS_LINE_READ)
        return e->end;
    if (!line || n <= 0) {
        fputc('\n', stdout);
        return MMS_LINE_LAST;
    }
    keep(e, line);
    *text = strndup(line, strcspn(line, "\n"));
    return *text ? MMS_LINE_READ : MMS_LINE_LAST;
}

__attribute__((visibility("default"))) extern const mms_edit_module mms_edit_module_calls;
const mms_edit_module mms_edit_module_calls = {
    .size = sizeof(mms_edit_module), .open = open_editor, .read = read_line, .close = close_editor};
