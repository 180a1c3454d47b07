/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file lzf.c  The filter LZF (32000), to read: what h5py compresses with.
 *  Source: LibLZF's format; the UVH5 files of public archives. */
#include <stdlib.h>

#include "file_priv.h"
#include "lzf_priv.h"

enum { LZF_ID = 32000, MOST_BYTES = 1 << 28 };

static bool damaged; // HDF5 runs one thread at a time

bool mms_lzf_was_damaged(void)
{
    const bool was = damaged;

    damaged = false;
    return was;
}

/** cd_values[2] is what a chunk holds; of texts of free length it may be half of it, or not there.
 */
static size_t expand_chunk(unsigned flags, size_t n, const unsigned values[], size_t bytes,
                           size_t *room, void **buffer)
{
    enum { MOST_GROWTH = 90 }; // 264 bytes by three
    const size_t wanted = n > 2 ? values[2] : 0;
    const size_t most = wanted ? 2 * wanted : MOST_GROWTH * bytes;

    if (!(flags & H5Z_FLAG_REVERSE) || !most || most > MOST_BYTES)
        return 0;
    unsigned char *const out = malloc(most);
    if (!out)
        return 0;
    const size_t have = mms_lzf_expand(*buffer, bytes, out, most);
    if (have == 0 || (wanted && have != wanted && have != most)) {
        damaged = true;
        free(out);
        return 0;
    }
    H5free_memory(*buffer);
    *buffer = out;
    *room = most;
    return have;
}

void mms_lzf_register(void)
{
    static const H5Z_class2_t lzf = {H5Z_CLASS_T_VERS, LZF_ID, 0, 1, "lzf", NULL, NULL,
                                     expand_chunk};

    (void)H5Zregister(&lzf);
}
