#ifndef MULTIMS_SCALARS_PRIV_H
#define MULTIMS_SCALARS_PRIV_H
/** @file scalars_priv.h  The scalar columns of one table that are read directly from buckets. */

#include "buckets/buckets_priv.h"
#include "tables/tables_priv.h"

typedef struct mms_scalars mms_scalars;

/** A column in a manager's buckets; buckets is NULL when casacore must be asked. */
typedef struct mms_scalars_column {
    mms_buckets *buckets;
    int64_t column;
} mms_scalars_column;

/** Prepare for the managers of an open table, which must live longer. */
MMS_CHECKED mms_status mms_scalars_open(mms_table *table, mms_scalars **out, mms_error *err);

/** Find a column.  At its first use the manager's header is read, and cells are compared with those
 *  that casacore reads; what is unknown or not the same is left to casacore, with a line in the
 * log. Errors: TABLE, IO: files that are broken or cut short. */
MMS_CHECKED mms_status mms_scalars_find(mms_scalars *scalars, const char *column,
                                        mms_scalars_column *found, mms_error *err);

void mms_scalars_close(mms_scalars **scalars);

#endif
