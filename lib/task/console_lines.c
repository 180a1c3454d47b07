/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file console_lines.c  Lines for the console: of a terminal, edited where that can be, or of a
 *  pipe. */
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/places_priv.h"
#include "console_priv.h"
#include "engine/engine_priv.h"

struct mms_lines {
    const mms_edit_module *module; /* NULL: plain lines */
    void *editor;
    char *history;
    mms_edit_needs needs;
    bool shown;  /* prompts are */
    bool binary; /* the line has zero bytes */
    char buffer[4096];
    size_t first, end; /* of what is read and not yet taken */
};

/* ---- Ctrl-C ---- */

static volatile sig_atomic_t interrupted;

/* The process that watches this one sends what the terminal has sent already: copies don't count.
 */
static void note_interrupt(int signal_number)
{
    static int64_t last_ns;
    const int64_t now = mms_now_ns();

    (void)signal_number;
    if (!last_ns || now - last_ns > 100000000)
        interrupted = 1;
    last_ns = now;
}

bool mms_lines_interrupted(void)
{
    const bool was = interrupted;

    interrupted = 0;
    return was;
}

static mms_line_end wait_for_input(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    mms_line_end end = MMS_LINE_READ;
    sigset_t before;
    int n = -1;

    mms_stop_block(&before);
    while (n < 0 && end == MMS_LINE_READ) {
        if (mms_stop_signal())
            end = MMS_LINE_STOPPED;
        else if (mms_lines_interrupted())
            end = MMS_LINE_INTERRUPTED;
        else if ((n = ppoll(&in, 1, NULL, &before)) < 0 && errno != EINTR)
            end = MMS_LINE_LAST;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return end;
}

/* ---- plain lines ---- */

/* Take bytes up to the end of a line into text; whether it is whole. */
static bool take_bytes(mms_lines *l, mms_text *text)
{
    const char *const from = l->buffer + l->first;
    const char *const newline = memchr(from, '\n', l->end - l->first);
    const size_t n = newline ? (size_t)(newline - from) : l->end - l->first;

    l->binary = l->binary || memchr(from, '\0', n);
    mms_text_add(text, "%.*s", (int)n, from);
    l->first += n + (newline != NULL);
    return newline;
}

static mms_line_end read_plain(mms_lines *l, const char *prompt, char **out)
{
    mms_text text = {0};
    mms_line_end end = MMS_LINE_READ;

    if (l->shown)
        fputs(prompt, stdout);
    fflush(stdout);
    l->binary = false;
    while (!take_bytes(l, &text)) {
        end = wait_for_input();
        const ssize_t n = end == MMS_LINE_READ
                              ? TEMP_FAILURE_RETRY(read(STDIN_FILENO, l->buffer, sizeof l->buffer))
                              : 0;
        if (n < 0 && errno != EIO) /* that of a terminal that is gone is an end */
            end = MMS_LINE_FAILED;
        l->first = 0;
        l->end = n > 0 ? (size_t)n : 0;
        if (n <= 0)
            break;
    }
    if (end == MMS_LINE_READ && l->binary)
        end = MMS_LINE_BINARY;
    else if (end == MMS_LINE_READ && !l->end && !text.length) /* the last may have no newline */
        end = MMS_LINE_LAST;
    if (l->shown && end != MMS_LINE_READ && end != MMS_LINE_FAILED)
        fputc('\n', stdout);
    if (end == MMS_LINE_READ)
        *out = text.text ? text.text : strdup("");
    else
        free(text.text);
    return end;
}

/* ---- open, read, close ---- */

/* Without the module, or on a terminal that can't be edited, lines are plain. */
static void open_editor(mms_lines *l)
{
    static const mms_module edit = {MMS_EDIT_MODULE_SYMBOL,
                                    sizeof(mms_edit_module),
                                    RTLD_NOW | RTLD_LOCAL,
                                    MMS_ERR_NOT_FOUND,
                                    "",
                                    ""};
    const void *table;

    if (mms_module_open(&edit, mms_place_find("libmultims-edit.so"), &table, NULL) != MMS_OK)
        return;
    const mms_edit_module *const module = table;
    l->needs = (mms_edit_needs){wait_for_input, mms_console_complete, mms_choices_free, l->history};
    l->editor = module->open(&l->needs);
    l->module = l->editor ? module : NULL;
}

mms_status mms_lines_open(const char *history, mms_lines **out, mms_error *err)
{
    const struct sigaction action = {.sa_handler = note_interrupt, .sa_flags = SA_RESTART};
    mms_lines *const l = *out = mms_alloc(1, sizeof *l);

    if (l)
        l->history = strdup(history);
    if (!l || !l->history) {
        mms_lines_close(out);
        return mms_fail(err, MMS_ERR_MEM, "console: out of memory");
    }
    sigaction(SIGINT, &action, NULL);
    l->shown = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (l->shown)
        open_editor(l);
    return MMS_OK;
}

mms_line_end mms_lines_read(mms_lines *lines, const char *prompt, char **text)
{
    *text = NULL;
    return lines->module ? lines->module->read(lines->editor, prompt, text)
                         : read_plain(lines, prompt, text);
}

void mms_lines_close(mms_lines **lines)
{
    mms_lines *const l = *lines;

    *lines = NULL;
    if (!l)
        return;
    if (l->module)
        l->module->close(l->editor);
    free(l->history);
    free(l);
}
