/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_EACH_PRIV_H
#define MULTIMS_EACH_PRIV_H
/** @file each_priv.h  The task each: a part's run in a worker. */

#include "task_priv.h"

/** Run the program of a request over a part.
 *  request: {program: [word], vis, name, index, threads, folder, staged, limit}
 *  answer: {exit, signal, seconds, cpu_seconds, max_rss_kib, stdout_tail, stderr_tail, host}, also
 *  where the program failed.
 *  Errors: WORKER the program failed; STOPPED; NOT_FOUND, IO, SPACE, MEM. */
mms_status mms_each_unit(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err);

/** Refuse braces that are no token of those that a unit knows, and a program that is not there.
 *  Errors: ARG, NOT_FOUND, IO. */
MMS_CHECKED mms_status mms_each_check_program(const mms_texts *program, mms_error *err);

/** Return where the copy of a part is made with --staged; end it with free(), NULL: no memory. */
char *mms_each_copy_path(const char *vis);

#endif
