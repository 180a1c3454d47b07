/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MULTIMS_H
#define MULTIMS_MULTIMS_H
/** @file multims.h  All public headers.
 *
 *  How the pieces make a program: task.h finds a verb and runs it with parameters in one call,
 *  mms_task_call("split", "vis=in.ms outputvis=out.ms width=4", &result, &err).  Its units run in
 * workers, which engine.h starts; client.h pushes single commands to such workers; parts.h runs a
 * function of yours over the parts of a Multi-MS.  ms.h opens and reads a set, select.h says which
 * rows of it a request selects, check.h judges it, simulate.h makes one to try with.  Values are
 * JSON (value.h), lines of the log go to a sink (log.h), and base.h says what all functions have in
 * common.  Source: docs/library.md */

#include "multims/base.h"
#include "multims/check.h"
#include "multims/client.h"
#include "multims/engine.h"
#include "multims/log.h"
#include "multims/ms.h"
#include "multims/parts.h"
#include "multims/select.h"
#include "multims/simulate.h"
#include "multims/task.h"
#include "multims/value.h"

#endif
