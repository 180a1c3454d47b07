/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fingerprint.c  Whether a set is still what it was. */
#include "fingerprint_priv.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base_priv.h"
#include "files_priv.h"
#include "walk_priv.h"

struct print {
    size_t prefix;
    int64_t bytes, files, newest_ns;
    uint64_t sum; /* of the files' hashes: folders are read in any order */
};

uint64_t mms_hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *const at = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 1099511628211U; /* FNV-1a */
    return hash;
}

static mms_status add(void *ctx, const mms_walked *met, mms_error *err)
{
    struct print *const print = ctx;
    const int64_t ns = (int64_t)met->info->st_mtim.tv_sec * 1000000000 + met->info->st_mtim.tv_nsec;
    const int64_t facts[] = {(int64_t)met->info->st_size, ns};
    const char *const name = met->path + print->prefix;
    uint64_t hash = MMS_HASH_BEGIN;

    (void)err;
    if (met->kind != MMS_WALK_FILE || !strcmp(met->name, "table.lock"))
        return MMS_OK;
    hash = mms_hash_bytes(hash, name, strlen(name));
    print->sum += mms_hash_bytes(hash, facts, sizeof facts);
    print->bytes += facts[0];
    print->files++;
    if (ns > print->newest_ns)
        print->newest_ns = ns;
    return MMS_OK;
}

mms_value *mms_fingerprint(const char *path)
{
    struct print print = {.prefix = strlen(path)};
    char sum[24];

    if (mms_walk(path, MMS_WALK_FOLLOW | MMS_WALK_GONE, add, &print, NULL) != MMS_OK)
        return NULL;
    snprintf(sum, sizeof sum, "%016llx", (unsigned long long)print.sum);
    return json_pack("{s:I, s:I, s:I, s:s}", "files", (json_int_t)print.files, "bytes",
                     (json_int_t)print.bytes, "newest_ns", (json_int_t)print.newest_ns, "names",
                     sum);
}

uint32_t mms_crc32(const void *bytes, size_t size)
{
    static const uint32_t of_four_bits[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
                                              0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
                                              0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                              0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    const unsigned char *const at = bytes;
    uint32_t crc = 0xffffffffU;

    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        crc = (crc >> 4) ^ of_four_bits[crc & 15];
        crc = (crc >> 4) ^ of_four_bits[crc & 15];
    }
    return ~crc;
}
