/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_JOURNAL_PRIV_H
#define MULTIMS_JOURNAL_PRIV_H
/** @file journal_priv.h  Inside a journal. */

#include <stdio.h>

#include "journal.h"
#include "journal_sync_priv.h"

struct mms_journal {
    char *folder, *task;
    char *output; /* what is made, or changed */
    int fd;       /* journal.jsonl, locked: other runs see that it is in use */
    bool made;    /* there was none */
    bool stays;   /* the folder is the user's: it is kept, whatever the end */
    bool found;   /* the folder was there before: somebody's, who keeps it */
    bool resumes, broken, inner;
    bool over;          /* the last record is that of a run's end */
    mms_value *last;    /* {event: its last record} */
    mms_value *done;    /* {unit: its record} */
    mms_value *failed;  /* {unit: message} */
    mms_value *summary; /* what is told of the run at its end; NULL: nobody asks */
    int64_t ndone;      /* of done, parts */
    int64_t nth;        /* how many units were done, twice or not */
    mms_value *plan;    /* {unit: what is said of it} */
    FILE *log;          /* logs/run.log; NULL: it can't be written */
    mms_syncer *syncer; /* NULL: nothing is synced before the end */
};

/** End all that belongs to it but its folder. */
void mms_journal_free(mms_journal **journal);

/** Write what the run says into the folder, too. */
void mms_journal_begin_log(mms_journal *journal);
void mms_journal_end_log(mms_journal *journal);

/** Refuse a folder in which files of others have the names of ours; what was made there is removed.
 *  Errors: EXISTS. */
MMS_CHECKED mms_status mms_journal_refuse_foreign(const mms_journal *journal, mms_error *err);

/** Make a journal's folder, with an empty journal, unless it is there; *made becomes true where it
 *  was made.  Errors: IO, MEM. */
MMS_CHECKED mms_status mms_journal_make_folder(const char *folder, bool *made, mms_error *err);

/** Whether an empty folder is that of a run which was killed while it made or removed it. */
bool mms_journal_is_marked(const char *folder);

/** Remove what journals have in their folder, and the folder unless it is to stay, or is not empty
 *  then. */
void mms_journal_clear(const char *folder, bool stays, const char *task);

#endif
