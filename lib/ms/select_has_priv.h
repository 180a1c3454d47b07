/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SELECT_HAS_PRIV_H
#define MULTIMS_SELECT_HAS_PRIV_H
/** @file select_has_priv.h  What an input has, for the refusal of a selection. */

#include "base/base_priv.h"
#include "multims/select.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Return what of an input the parameter called key selects from: "scans 1~9"; the caller ends it
 *  with free().  NULL when that can't be said or read. */
char *mms_select_has(mms_ms *ms, const char *key);

#ifdef __cplusplus
}
#endif
#endif
