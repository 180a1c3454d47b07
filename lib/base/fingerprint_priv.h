/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FINGERPRINT_PRIV_H
#define MULTIMS_FINGERPRINT_PRIV_H
/** @file fingerprint_priv.h  What changes when a set is written to. */

#include "multims/base.h"
#include "multims/value.h"

/** Return a value that differs when a file below path was added, removed, grown, shrunk or written
 *  since; names, sizes and times are looked at, not contents.  Locks, which change when a table is
 *  only read, don't count.  NULL when path can't be read; a new reference. */
mms_value *mms_fingerprint(const char *path);

/** FNV-1a: continue a hash, which begins as MMS_HASH_BEGIN, with bytes. */
#define MMS_HASH_BEGIN UINT64_C(14695981039346656037)
uint64_t mms_hash_bytes(uint64_t hash, const void *bytes, size_t size);

/** CRC-32 (IEEE 802.3) of bytes. */
uint32_t mms_crc32(const void *bytes, size_t size);

#endif
