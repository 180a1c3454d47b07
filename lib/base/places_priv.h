/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PLACES_PRIV_H
#define MULTIMS_PLACES_PRIV_H
/** @file places_priv.h  Where the files of this library are that it does not link: modules, and the
 *  program of workers. */

#include <stdint.h>

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MMS_PLACE_VARIABLE "MULTIMS_LIBEXEC"
/** Return the path of such a file, as a new text; where it was looked for last when it is nowhere.
 *  NULL when out of memory. */
char *mms_place_find(const char *name);
/** The same, wherever the environment says that these files are. */
char *mms_place_own(const char *name);

/** A module, whose table of calls begins with its size: library and module belong together. */
typedef struct mms_module {
    const char *symbol;         /**< of the table */
    uint32_t size;              /**< of the table */
    int flags;                  /**< of dlopen() */
    mms_status absent;          /**< the error where there is no such file */
    const char *before, *after; /**< what the error says around "PATH is not there" */
} mms_module;

/** Open a module for the rest of the process; path is freed.  *out is NULL on failure.
 *  Errors: MEM path is NULL; absent; IO it can't be loaded, or belongs to another version. */
MMS_CHECKED mms_status mms_module_open(const mms_module *module, char *path, const void **out,
                                       mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
