/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SCENE_H
#define MULTIMS_SCENE_H
/** @file scene.h  What this process is at, for the one that watches it and speaks after a crash. */

#include "multims/task.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_REFUSED = 2, EXIT_EMPTY = 3, EXIT_LATER = 75 };

struct scene {
    char verb[64], log[4096]; /* log: path of its file; "": none */
    mms_run run;
    double begin;
};

/* The one scene of the program.  Ask for it before mms_engine_watch(), so that both processes have
 * the same. */
struct scene *scene_get(void);

/* Note the verb, and the file of its log. */
void scene_begin(const char *verb, const char *log);

/* Report a crash, in the log too: an mms_report_crash; ctx is not used. */
int scene_report_crash(void *ctx, const char *text);

double seconds_now(void);

#endif
