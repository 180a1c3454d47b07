/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MEMBERS_PRIV_H
#define MULTIMS_MEMBERS_PRIV_H
/** @file members_priv.h  The members of a set, and those of them that are open. */

#include <pthread.h>

#include "mms/concat_priv.h"
#include "ms_priv.h"

/** What is known of members. */
typedef enum mms_known {
    MMS_KNOWN_NOTHING,
    MMS_KNOWN_UNEVEN, /**< they may lack columns of the first */
    MMS_KNOWN_SEEN,   /**< the client of this unit has looked at them */
    MMS_KNOWN_MADE    /**< they were made by us, just now */
} mms_known;

typedef struct mms_member_entry {
    char *path;
    mms_rows rows;
} mms_member_entry;

typedef struct mms_open_member mms_open_member;

/** A column of the set that no member stores; of NULL: there is none. */
typedef struct mms_made_column {
    void *of;
    mms_column column;
    bool replaces; /**< members have one of that name, which is not seen */
    mms_stored (*cells)(void *of, int64_t member);
    void (*drop)(void *of);
} mms_made_column;

typedef struct mms_members {
    const char *path; /**< of the set */
    int64_t n, nrow;
    mms_member_entry *list;
    mms_table *first; /**< member 0: columns and keywords */
    mms_known known;
    mms_made_column made;
    bool by_casacore;     /**< who reads rows of the whole asks casacore alone */
    int most_open;        /**< at once, beside the first */
    pthread_mutex_t lock; /**< of what follows */
    mms_open_member *open;
    int nopen;
} mms_members;

/** Take the members that table.dat has, or the table itself, and count their rows; end them with
 *  mms_members_close() whatever the status.  Errors: those of opening tables. */
MMS_CHECKED mms_status mms_members_open(mms_members *members, const char *path, bool multi,
                                        const mms_table_dat *dat, mms_known known, mms_error *err);
void mms_members_close(mms_members *members);

/** Let so many members be open at once beside the first, as far as there are files for as many of
 *  other sets. */
void mms_members_allow(mms_members *members, int most, int sets);

/** Give back the memory that casacore's reading has taken.  Errors: TABLE. */
MMS_CHECKED mms_status mms_members_drop_caches(mms_members *members, mms_error *err);

/** Return the member that has a row. */
int64_t mms_members_of(const mms_members *members, int64_t row);

/** A column of a member while it is used. */
typedef struct mms_member_column {
    mms_open_member *member; /**< NULL: none */
    mms_table *table;
    mms_stored cells;
} mms_member_column;

/** Where all cells come through casacore: keep it for several calls, as mms_casacore_keep(). */
void mms_members_keep(const mms_members *members);
void mms_members_leave(const mms_members *members);

/** Find a column of member i, which stays open until it is released.  Several threads may. */
MMS_CHECKED mms_status mms_members_use(mms_members *members, int64_t i, const char *column,
                                       mms_store_want want, mms_member_column *out, mms_error *err);
void mms_members_release(mms_members *members, mms_member_column *column);

mms_members *mms_ms_members(mms_ms *ms);
const mms_members *mms_ms_members_of(const mms_ms *ms);

#endif
