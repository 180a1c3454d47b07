/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ELEMENTS_PRIV_H
#define MULTIMS_ELEMENTS_PRIV_H
/** @file elements_priv.h  Elements between casacore's files and memory: byte order, and flags of
 * one bit. */

#include <stdint.h>

/** Copy words of 2, 4 or 8 bytes, each turned around. */
void mms_swap_copy(int32_t word, const uint8_t *from, int64_t bytes, uint8_t *to);

/** Copy n bits, from bit first on, to bytes of 0 and 1, and back: to bits that are 0.  A byte's
 * lowest bit comes first. */
void mms_unpack_bits(const uint8_t *bytes, int64_t first, int64_t n, uint8_t *out);
void mms_pack_bits(const uint8_t *in, int64_t n, uint8_t *bytes, int64_t first);

#endif
