/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_PLACES_PRIV_H
#define MULTIMS_PLACES_PRIV_H
/** @file places_priv.h  Where the files of this library are that it does not link: modules, and the
 *  program of workers. */

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

#ifdef __cplusplus
}
#endif
#endif
