/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ENTRY_PRIV_H
#define MULTIMS_ENTRY_PRIV_H
/** @file entry_priv.h  A command that was pushed, what it is asked and what came of it.  Kept
 * small: a client may have a million of them (spec job-engine 9.1, P10 and P11). */

#include "kept_priv.h"
#include "multims/client.h"

/** The kind of unit that runs texts. */
#define MMS_TEXT_UNIT "command"

typedef enum mms_entry_state { MMS_QUEUED, MMS_SENT, MMS_DONE } mms_entry_state;

/** What a command took, as its worker counted it. */
typedef struct mms_usage {
    int64_t pid; /**< of the worker; 0: it did not tell */
    double wall_s, user_s, system_s;
    int64_t max_rss_kib, read_bytes, write_bytes; /**< bytes from and to disks */
} mms_usage;

typedef struct mms_entry {
    mms_entry_state state;
    int target, server;    /**< 0: any; not yet given to one */
    const char *mode;      /**< eval, exec, push, task, program */
    char *command, *group; /**< command NULL: forgotten; group NULL: none */
    mms_kept *parameters;  /**< NULL: none */
    mms_value *program;    /**< its words and folder; NULL: it is none */
    mms_value *needs;      /**< of what is counted; NULL: nothing */
    double limit_s, stall_s;
    int64_t memory; /**< bytes that it may take; 0: any */
    bool fresh;
    int npartials;
    int64_t pushed_ns, sent_ns, kill_ns; /**< kill_ns: when SIGKILL follows SIGTERM */
    const char *ended_for;               /**< why we end it: an error's class; NULL: we don't */
    int64_t next_done;                   /**< id of the one that ended after it; 0: none yet */
    double start_s, stop_s;              /**< since 1970; 0: not yet */
    const char *status;
    /* what came of it; class NULL: it was successful */
    const char *class;
    mms_status code;
    int signal_number;
    char *message;
    mms_kept *value; /**< ret, or what failed had to tell; NULL: nothing */
    mms_usage usage;
} mms_entry;

/** Make the entry of a command; parameters and needs are shared.  Errors: MEM. */
MMS_CHECKED mms_status mms_entry_make(const mms_command *command, const char *mode, int target,
                                      mms_kept *parameters, mms_entry *out, mms_error *err);
/** Free what an entry holds; a queue may still hold its needs until mms_queue_end(). */
void mms_entry_free(mms_entry *e);
/** The kind of unit that it is. */
const char *mms_entry_kind(const mms_entry *e);
/** What its unit gets, a new value; state: what texts left on the server, NULL: nothing. */
mms_value *mms_entry_request(const mms_entry *e, const mms_value *state);

/** Note a failure: the class is named after st unless it is given. */
void mms_entry_fail(mms_entry *e, mms_status st, const char *class, const char *message);
/** The member of its answer that may come beside it; "": all. */
const char *mms_entry_beside(const mms_entry *e);
/** Note the answer of its unit; text: its message, of one that died with the server in front;
 *  large: what came beside it, NULL: nothing. */
void mms_entry_take(mms_entry *e, const mms_value *body, const char *text, mms_kept *large);
/** The last lines of a failure as people and scripts read them; the caller frees it. */
char *mms_entry_traceback(const mms_entry *e);

/** What is known of a command, and its response, as new values.  host: its server's, "" unknown. */
mms_value *mms_entry_record(const mms_entry *e, int64_t id);
mms_value *mms_entry_response(const mms_entry *e, int64_t id, const char *host);

#endif
