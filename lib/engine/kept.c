/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file kept.c  Values as text, in memory or in a file without a name. */
#include "kept_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes_priv.h"
#include "base/files_priv.h"

/* ---- make ---- */

mms_kept *mms_kept_make_text(const char *text, size_t n)
{
    mms_kept *const kept = malloc(sizeof *kept + n);

    if (kept) {
        *kept = (mms_kept){.users = 1, .size = n, .text = kept->own};
        memcpy(kept->own, text, n);
    }
    return kept;
}

mms_kept *mms_kept_make(const mms_value *value)
{
    char *const text = mms_value_text(value, 0);
    mms_kept *const kept = text ? mms_kept_make_text(text, strlen(text)) : NULL;

    free(text);
    return kept;
}

mms_kept *mms_kept_take(char **whole, const char *text, size_t n)
{
    mms_kept *const kept = malloc(sizeof *kept);

    if (kept) {
        *kept = (mms_kept){.users = 1, .size = n, .whole = *whole, .text = text};
        *whole = NULL;
    }
    return kept;
}

mms_kept *mms_kept_share(mms_kept *kept)
{
    if (kept)
        kept->users++;
    return kept;
}

mms_value *mms_kept_value(const mms_kept *kept)
{
    char *const read = kept && !kept->text ? malloc(kept->size) : NULL;
    const char *const text = kept && kept->text ? kept->text : read;
    mms_value *value = NULL;
    json_error_t ignored;

    if (text && (!read || mms_pread_all(kept->store->fd, read, (int64_t)kept->size, kept->at) ==
                              (int64_t)kept->size))
        value = mms_value_load(text, kept->size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &ignored);
    free(read);
    return value;
}

void mms_kept_free(mms_kept **out)
{
    mms_kept *const kept = *out;

    *out = NULL;
    if (!kept || --kept->users)
        return;
    if (kept->store && kept->text)
        kept->store->bytes -= (int64_t)kept->size;
    else if (kept->store)
        (void)fallocate(kept->store->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kept->at,
                        (off_t)kept->size);
    free(kept->whole);
    free(kept);
}

/* ---- where there are many ---- */

static bool write_out(mms_kept_room *store, const mms_kept *kept)
{
    int errnum = 0;

    if (store->fd < 0)
        store->fd = mms_scratch_file("multims-kept");
    if (store->fd < 0 || mms_pwrite_all(store->fd, kept->text, (int64_t)kept->size, store->end) !=
                             (int64_t)kept->size)
        errnum = errno;
    if (errnum && store->fd >= 0)
        (void)!ftruncate(store->fd, store->end); /* a full disk has its room back */
    if (errnum && !store->refused)
        mms_log(MMS_LOG_WARN, "client", "results stay in memory, as no file can have them: %s",
                strerror(errnum));
    store->refused = store->refused || errnum;
    return !errnum;
}

void mms_kept_put(mms_kept **out, mms_kept_room *store)
{
    mms_kept *const kept = *out;
    mms_kept *small;

    if (!kept)
        return;
    kept->store = store;
    if (store->bytes + (int64_t)kept->size <= store->limit || store->refused ||
        !write_out(store, kept)) {
        store->bytes += (int64_t)kept->size;
        return;
    }
    kept->at = store->end;
    kept->text = NULL;
    store->end += (int64_t)kept->size;
    free(kept->whole);
    kept->whole = NULL;
    small = realloc(kept, sizeof *kept); /* its own text is not needed any more */
    *out = small ? small : kept;
}

void mms_kept_room_close(mms_kept_room *store)
{
    if (store->fd >= 0)
        close(store->fd);
    store->fd = -1;
}
