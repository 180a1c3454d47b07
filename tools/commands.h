/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_COMMANDS_H
#define MULTIMS_COMMANDS_H
/** @file commands.h  What the program understands besides the verbs of the tasks. */

static const struct {
    const char *name, *usage, *summary;
} commands[] = {
    {"plan", "plan VERB ...", "print what a verb would do and why; write nothing"},
    {"help", "help [VERB]", "print this text, or that of a verb"},
    {"tasks", "tasks [--json]", "list the verbs and their parameters"},
};

enum { NCOMMANDS = sizeof commands / sizeof commands[0] };

#endif
