/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_BYTES_PRIV_H
#define MULTIMS_BYTES_PRIV_H
/** @file bytes_priv.h  Texts that may be no UTF-8: paths, and what foreign tables hold. */

#include <jansson.h>

#include "base_priv.h"

/** Parse JSON in which bytes that are no UTF-8 are \udcXX, as mms_value_text() writes them.
 *  @param flags  of jansson */
mms_value *mms_value_load(const char *text, size_t size, size_t flags, json_error_t *where);

#endif
