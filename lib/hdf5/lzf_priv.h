/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_LZF_PRIV_H
#define MULTIMS_LZF_PRIV_H
/** @file lzf_priv.h  The filter LZF, to read. */

#include <stddef.h>

/** Expand n bytes into out, which has room bytes.  Returns how many came out, 0: damaged. */
size_t mms_lzf_expand(const unsigned char *in, size_t n, unsigned char *out, size_t room);

#endif
