/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_LOG_H
#define MULTIMS_LOG_H
/** @file log.h  Log lines: a level, a scope (task or module) and a text, given to one sink.
 *
 *  The library itself writes to no stream.  Lines of workers travel to the client and come out of
 * its sink. */

#include <stdio.h>

#include "multims/base.h"
#include "multims/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How much a line matters; a limit lets all above it through. */
typedef enum mms_level {
    MMS_LOG_ERROR = 0, /**< the run fails */
    MMS_LOG_WARN = 1,  /**< it goes on, but the user should know */
    MMS_LOG_INFO = 2,  /**< what a clean run says */
    MMS_LOG_DEBUG = 3, /**< decisions: ways to files, fallbacks */
    MMS_LOG_TRACE = 4  /**< single files and units */
} mms_level;

/** Takes one line, without a line break at its end. */
typedef void mms_log_sink(void *ctx, mms_level level, const char *scope, const char *text);

/** Give all later lines up to level to sink; NULL drops them.  One sink a process. */
MMS_API void mms_log_to(mms_log_sink *sink, void *ctx, mms_level level);

/** Take only lines up to level from now on; returns the level before. */
MMS_API mms_level mms_log_limit(mms_level level);

/** Return whether a line of this level would reach the sink. */
MMS_API bool mms_log_wants(mms_level level);

/** Log one line, without a line break.  scope is the task or the module, "partition".  Nothing is
 * formatted where the level is not wanted. */
MMS_API void mms_log(mms_level level, const char *scope, const char *fmt, ...) MMS_PRINTF(3, 4);

/** Takes what the engine does, "dispatch" or "response": an object with ev, and rank, role, req,
 * attempt, unit, kv where they belong to it. */
typedef void mms_event_sink(void *ctx, const char *scope, const mms_value *event);

/** Give events to sink, beside log lines; NULL drops them.  One sink a process. */
MMS_API void mms_log_events_to(mms_event_sink *sink, void *ctx);

/** Return whether somebody takes events. */
MMS_API bool mms_log_wants_events(void);

/** Pass on an event, which is taken. */
MMS_API void mms_log_event(const char *scope, mms_value *event);

/** Say what the lines that follow are of, members that mms_log_json() writes instead of the
 *  client's, until it is said anew; NULL: nothing.  Taken. */
MMS_API void mms_log_about(mms_value *members);

/** Return a text in UTF-8 for people: bytes that are none as "\\xE9".  What mms_log() and messages
 * of errors say is so already.  The caller ends it with free(); NULL when out of memory. */
MMS_API char *mms_readable(const char *text);

/** Write what a line of a log file begins with: "2026-01-31T12:00:00.000Z INFO partition: ", in
 *  UTC. */
MMS_API void mms_log_stamp(FILE *file, mms_level level, const char *scope);

/** Write an event as a line of JSON, with what mms_log_json() writes, and INFO as lvl. */
MMS_API void mms_log_json_event(FILE *file, const char *scope, const mms_value *event);

/** Write a line of a log file as JSON: t (in UTC, to the microsecond), lvl, rank, role, host, pid,
 * src (the scope), msg.  Nothing is written where memory is short.
 *  Source: docs/log.schema.json */
MMS_API void mms_log_json(FILE *file, mms_level level, const char *scope, const char *text);

/** Return "ERROR", "WARN", "INFO", "DEBUG" or "TRACE". */
MMS_API const char *mms_level_name(mms_level level);

#ifdef __cplusplus
}
#endif
#endif
