/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CONSOLE_PRIV_H
#define MULTIMS_CONSOLE_PRIV_H
/** @file console_priv.h  The task console: where its lines come from, and what a word may become.
 */

#include "multims/client.h"
#include "task_priv.h"

/* ---- a session ---- */

/** A console at work. */
typedef struct mms_session {
    double limit_s, stall_s; /**< of a command; 0: none */
    mms_client *client;
    int *targets;
    int64_t ntarget;
    int64_t *ids; /**< room for those of one command */
    mms_value *responses;
    FILE *out; /**< for people; with --json the result alone goes to stdout */
    bool ended;
} mms_session;

/** Choose the servers that text numbers, separated by commas or blanks; none: they stay.
 *  Errors: ARG, MEM. */
MMS_CHECKED mms_status mms_session_choose(mms_session *s, const char *text, mms_error *err);
/** Do what a word of the console says; false: the line is a command for servers. */
bool mms_session_word(mms_session *s, const char *line);
/** Run a command and tell what came of it.  Errors: what ends the console. */
MMS_CHECKED mms_status mms_session_run(mms_session *s, const char *line, mms_error *err);

/* ---- lines ---- */

/** What came of reading a line. */
typedef enum mms_line_end {
    MMS_LINE_READ,        /**< a line, perhaps an empty one */
    MMS_LINE_INTERRUPTED, /**< SIGINT: what was typed does not count */
    MMS_LINE_STOPPED,     /**< another stop signal */
    MMS_LINE_BINARY,      /**< a line with zero bytes */
    MMS_LINE_FAILED,      /**< it can't be read, errno says why */
    MMS_LINE_LAST         /**< end of file */
} mms_line_end;

typedef struct mms_lines mms_lines;

/** Read lines of standard input: with an editor where it and standard output are terminals and
 *  libedit is there, otherwise as they are, with a prompt on terminals alone.  SIGINT is caught
 *  from now on.
 *  @param history  file that keeps lines, of the editor's; "" none
 *  Errors: MEM. */
MMS_CHECKED mms_status mms_lines_open(const char *history, mms_lines **out, mms_error *err);
/** Read a line; the caller ends *text with free(), NULL unless it was READ. */
mms_line_end mms_lines_read(mms_lines *lines, const char *prompt, char **text);
/** Whether SIGINT has come since the last call. */
bool mms_lines_interrupted(void);
void mms_lines_close(mms_lines **lines);

/* ---- completion ---- */

/** Return what the word before cursor may become, whole words, sorted, ended by NULL; *begin is
 *  where it begins in line.  The caller ends it with mms_choices_free(); NULL: out of memory. */
char **mms_console_complete(const char *line, size_t cursor, size_t *begin);
void mms_choices_free(char **words);

/** Words of the console itself, ended by NULL, and functions that servers know, with "(". */
extern const char *const mms_console_words[], *const mms_console_functions[];

/* ---- the module libmultims-edit.so, which alone knows libedit ---- */

#define MMS_EDIT_MODULE_SYMBOL "mms_edit_module_calls"

/** What the editor asks of us. */
typedef struct mms_edit_needs {
    mms_line_end (*wait)(void); /**< until something can be read: READ */
    char **(*complete)(const char *line, size_t cursor, size_t *begin);
    void (*free_words)(char **words);
    const char *history; /**< "" none */
} mms_edit_needs;

typedef struct mms_edit_module {
    uint32_t size; /**< of this struct: library and module belong together */
    void *(*open)(const mms_edit_needs *needs); /**< needs are borrowed; NULL: it can't */
    mms_line_end (*read)(void *editor, const char *prompt, char **text);
    void (*close)(void *editor);
} mms_edit_module;

#endif
