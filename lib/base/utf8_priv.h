/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_UTF8_PRIV_H
#define MULTIMS_UTF8_PRIV_H
/** @file utf8_priv.h  Messages are UTF-8, whatever the names in them are. */

#include <stdarg.h>
#include <stddef.h>

#include "base_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { MMS_READABLE = 4096 };

/** Return the bytes of the UTF-8 character at text, which ends with a NUL; 0: it is none. */
size_t mms_utf8_character(const char *text);

/** Make a text of up to MMS_READABLE bytes UTF-8: bytes that are none become "\xE9"; what does not
 *  fit into text[size] any more is dropped. */
void mms_make_readable(char *text, size_t size);

/** Drop the character that the end of text[size] has cut. */
void mms_drop_cut(char *text, size_t size);

/** Write a message, in UTF-8, into text[size]. */
void mms_message(char *text, size_t size, const char *fmt, va_list args);

#ifdef __cplusplus
}
#endif
#endif
