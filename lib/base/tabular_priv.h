/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_TABULAR_PRIV_H
#define MULTIMS_TABULAR_PRIV_H
/** @file tabular_priv.h  Tables for people: columns as wide as their widest cell. */

#include <stdio.h>

#include "base_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MMS_TABULAR_COLUMNS = 12 };

/** Cells in the order of reading.  Start with {.ncolumn = n, .widths = {least of each}}. */
typedef struct mms_tabular {
    int ncolumn;
    int widths[MMS_TABULAR_COLUMNS]; /**< with the gap to the next column; the last has none */
    int64_t ncell, capacity;
    char **cells;
} mms_tabular;

/** Return how many columns of a terminal a text in UTF-8 takes, one a character. */
int mms_text_width(const char *text);

/** Add the next cell.  What is lost when memory runs out shows as an empty cell. */
void mms_tabular_add(mms_tabular *t, const char *fmt, ...) MMS_PRINTF(2, 3);

/** Print the lines, and end the table. */
void mms_tabular_print(mms_tabular *t, FILE *out);

#ifdef __cplusplus
}
#endif
#endif
