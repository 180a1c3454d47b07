/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_CONCAT_PRIV_H
#define MULTIMS_CONCAT_PRIV_H
/** @file concat_priv.h  The table.dat and table.info of a reference MS, read and written as bytes.
 *
 *  Source: multi-ms 1.4, 1.5, 1.9. */

#include "base/base_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mms_table_kind {
    MMS_KIND_PLAIN = 0,
    MMS_KIND_REF,
    MMS_KIND_CONCAT,
    MMS_KIND_OTHER
} mms_table_kind;

/** What table.dat says. */
typedef struct mms_table_dat {
    mms_table_kind kind;
    int64_t nrow;    /**< as stored; may be behind a lock file's */
    int64_t nmember; /**< kind CONCAT */
    char **members;  /**< absolute, or relative to the working directory as path is */
} mms_table_dat;

/** Read the table.dat of the table at path; end dat with mms_table_dat_free().
 *  Errors: NOT_FOUND; TABLE naming the file. */
MMS_CHECKED mms_status mms_table_dat_read(const char *path, mms_table_dat *dat, mms_error *err);
/** The same of its bytes; path is that of the table. */
MMS_CHECKED mms_status mms_table_dat_parse(const uint8_t *bytes, size_t size, const char *path,
                                           mms_table_dat *dat, mms_error *err);
void mms_table_dat_free(mms_table_dat *dat);

/** Write the table.dat of a reference MS at path; names are those of the directories in SUBMSS.
 *  Errors: IO, SPACE, MEM. */
MMS_CHECKED mms_status mms_concat_write(const char *path, int64_t nrow, int64_t nmember,
                                        const char *const *names, mms_error *err);

/** What table.info says; end it with mms_table_info_free(). */
typedef struct mms_info {
    char *type, *subtype, *readme;
} mms_info;
MMS_CHECKED mms_status mms_info_read(const char *path, mms_info *info, mms_error *err);
MMS_CHECKED mms_status mms_info_parse(const uint8_t *bytes, size_t size, mms_info *info,
                                      mms_error *err);
void mms_info_free(mms_info *info);
/** Write table.info; readme ends with its own line breaks. */
MMS_CHECKED mms_status mms_info_write(const char *path, const mms_info *info, mms_error *err);

/** Return the axis of the readme's last line that starts with AxisType, trimmed, "" without one;
 *  the caller ends it with free(). */
char *mms_info_axis(const mms_info *info);

#ifdef __cplusplus
}
#endif
#endif
