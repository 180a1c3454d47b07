/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_JOURNAL_PRIV_H
#define MULTIMS_JOURNAL_PRIV_H
/** @file journal_priv.h  Inside a journal. */

#include "journal.h"
#include "journal_sync_priv.h"

struct mms_journal {
    char *folder, *task;
    char *output; /* what is made, or changed */
    int fd;       /* journal.jsonl, locked: other runs see that it is in use */
    bool stays;   /* the folder is the user's: it is kept, whatever the end */
    bool resumes, broken;
    bool over;          /* the last record is that of a run's end */
    mms_value *last;    /* {event: its last record} */
    mms_value *done;    /* {unit: its record} */
    mms_value *failed;  /* {unit: message} */
    mms_value *summary; /* what is told of the run at its end; NULL: nobody asks */
    int64_t ndone;      /* of done, parts */
    int64_t nth;        /* how many units were done, twice or not */
    mms_syncer *syncer; /* NULL: nothing is synced before the end */
};

/** End all that belongs to it but its folder. */
void mms_journal_free(mms_journal **journal);

/** Remove what journals have in their folder, and the folder if it is empty then. */
void mms_journal_clear(const char *folder, const char *task);

#endif
