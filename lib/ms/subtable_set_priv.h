/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SUBTABLE_SET_PRIV_H
#define MULTIMS_SUBTABLE_SET_PRIV_H
/** @file subtable_set_priv.h  Finished sub-tables that many new main tables get. */

#include "block.h"

/** Sub-tables of a folder, read once. */
typedef struct mms_subtable_set mms_subtable_set;

/** Read the tables folder/NAME, names being a JSON array; small files are held in memory.
 *  Errors: NOT_FOUND, TABLE, IO, MEM. */
MMS_CHECKED mms_status mms_subtable_set_open(const char *folder, const mms_value *names,
                                             mms_subtable_set **out, mms_error *err);

/** Write the set's tables into the folder of writer's table and give it the keywords for them.
 *  @param links  names of which a link to the set's table is made instead, ended by NULL */
MMS_CHECKED mms_status mms_subtable_set_write(const mms_subtable_set *set, const char *const *links,
                                              mms_writer *writer, mms_error *err);

/** *set is set to NULL; NULL is accepted. */
void mms_subtable_set_close(mms_subtable_set **set);

#endif
