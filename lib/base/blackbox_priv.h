/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BLACKBOX_PRIV_H
#define MULTIMS_BLACKBOX_PRIV_H
/** @file blackbox_priv.h  What a process was at, for the one that finds it dead.
 *
 *  It is memory of the process until mms_blackbox_use() names memory that another one sees. */

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mms_blackbox {
    char table[1024];   /**< the table that casacore has to do with, or had last; "": none */
    char words[512];    /**< what casacore said when it gave up; "": nothing */
    char reading[1024]; /**< a file that strangers made, while it is read; "": none */
    char stage[4096];   /**< the staging folder that the process has made; "": none */
    char journal[4096]; /**< the folder of its journal; "": none */
    char scratch[512];  /**< a folder that goes when the process has ended; "": none */
    int64_t memory;     /**< bytes of which it has taken more than it might; 0: it has not */
    int64_t ndone;      /**< how many parts are done by it: with some, what is left is kept */
    bool stays;         /**< the folder of its journal is the user's */
    int inside;         /**< > 0: it is in casacore */
    bool watched;       /**< a parent watches the process, and speaks for it */
    bool ended;         /**< the process ends by itself, and has said what there is to say */
    int status;         /**< with which exit status, then */
} mms_blackbox;

/** Return the box of this process, never NULL. */
mms_blackbox *mms_blackbox_get(void);

/** Record in box from now on, which outlives the process; NULL: in memory of its own. */
void mms_blackbox_use(mms_blackbox *box);

/** Between the two this process is in casacore, with a table or another thing of that name. */
void mms_blackbox_enter(const char *table);
void mms_blackbox_leave(void);

/** Record a file that is read, until it is "". */
void mms_blackbox_set_reading(const char *path);
void mms_blackbox_set_stage(const char *path);
const char *mms_blackbox_stage(void);
void mms_blackbox_set_scratch(const char *path);
/** stays: whatever the end. */
void mms_blackbox_set_journal(const char *folder, int64_t ndone, bool stays);

/** Whether a process for which waitpid() gave this status did it itself; else somebody, or a limit
 *  of the system, has ended it. */
bool mms_blackbox_is_crash(int status);

/** Return how a process ended that waitpid() gave this status for: "was killed by signal 11
 *  (Segmentation fault)", with what its box adds.  NULL when out of memory; end it with free(). */
char *mms_blackbox_tell(const mms_blackbox *box, int status);

#ifdef __cplusplus
}
#endif
#endif
