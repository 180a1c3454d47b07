/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CLIENT_LOG_PRIV_H
#define MULTIMS_CLIENT_LOG_PRIV_H
/** @file client_log_priv.h  The log files of a client and its servers, in the form of CASA's (spec
 *  job-engine 1.12). */

#include "multims/client.h"
#include "multims/log.h"

typedef struct mms_client_log mms_client_log;

/** Open the file of opts->log, if there is one, for what is added; without one lines of servers go
 *  to mms_log() alone.  Errors: ARG no such mode; IO, MEM. */
MMS_CHECKED mms_status mms_client_log_open(const mms_client_opts *opts, int nservers,
                                           mms_client_log **out, mms_error *err);
void mms_client_log_close(mms_client_log **log);
/** Whether there are files. */
bool mms_client_log_is_kept(const mms_client_log *log);

/** The priority of what client and servers say of themselves.  Errors: ARG no such level. */
MMS_CHECKED mms_status mms_client_log_set_level(mms_client_log *log, const char *level,
                                                mms_error *err);
/** Texts whose lines are dropped; n 0: none.  Errors: MEM. */
MMS_CHECKED mms_status mms_client_log_set_filters(mms_client_log *log, int64_t n,
                                                  const char *const *texts, mms_error *err);

/** Who a server is: its file is named after that.  Copied. */
void mms_client_log_know(mms_client_log *log, int server, const char *host, int64_t pid);

/** Say what the client (server 0) or a server does, in files alone; failed: as SEVERE. */
void mms_client_log_say(mms_client_log *log, int server, bool failed, const char *function,
                        const char *fmt, ...) MMS_PRINTF(5, 6);
/** Say what the client does or has seen, also by mms_log(). */
void mms_client_log_tell(mms_client_log *log, mms_level level, const char *function,
                         const char *fmt, ...) MMS_PRINTF(4, 5);
/** Pass on a line of a server's unit. */
void mms_client_log_line(mms_client_log *log, int server, mms_level level, const char *scope,
                         const char *text);

#endif
