/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file stream.c  casacore's object files (AipsIO) in memory. */
#include "stream_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base_priv.h"
#include "files_priv.h"

static const uint64_t MAGIC = 0xbebebebe;

mms_status mms_read_file(const char *path, size_t most, uint8_t **bytes, size_t *size,
                         mms_error *err)
{
    int64_t length;
    int fd;
    mms_status st = mms_open_file(path, &fd, &length, err);

    *bytes = NULL;
    *size = 0;
    if (st != MMS_OK)
        return st;
    if ((uint64_t)length > most)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: too large", path));
    *bytes = malloc((size_t)length + 1);
    MMS_TRY(*bytes ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    MMS_TRY(mms_read_all(fd, *bytes, length, path, err));
    *size = (size_t)length;
done:
    close(fd);
    if (st != MMS_OK) {
        free(*bytes);
        *bytes = NULL;
    }
    return st;
}

uint64_t mms_stream_number(mms_stream *s, size_t width)
{
    uint64_t v = 0;

    if (s->bad || s->size - s->at < width) {
        s->bad = true;
        return 0;
    }
    for (size_t i = 0; i < width; i++)
        v = v << 8 | s->bytes[s->at + (s->little ? width - 1 - i : i)];
    s->at += width;
    return v;
}

char *mms_stream_text(mms_stream *s)
{
    const size_t length = mms_stream_number(s, 4);
    char *text;

    if (s->bad || s->size - s->at < length) {
        s->bad = true;
        return NULL;
    }
    text = strndup((const char *)s->bytes + s->at, length);
    s->at += length;
    return text;
}

bool mms_stream_is(mms_stream *s, const char *want)
{
    char *text = mms_stream_text(s);
    const bool same = text && !strcmp(text, want);
    free(text);
    return same;
}

uint64_t mms_stream_object(mms_stream *s, const char *type)
{
    mms_stream_number(s, 4);
    if (!mms_stream_is(s, type))
        s->bad = true;
    return mms_stream_number(s, 4);
}

bool mms_stream_magic(mms_stream *s)
{
    if (mms_stream_number(s, 4) != MAGIC)
        s->bad = true;
    return !s->bad;
}

size_t mms_stream_skip(mms_stream *s)
{
    const size_t start = s->at, length = mms_stream_number(s, 4);

    if (length < 4 || s->bad || s->size - start < length) {
        s->bad = true;
        return 0;
    }
    s->at = start + length;
    return length;
}

static uint8_t *more(mms_bytes *b, int64_t n)
{
    if (b->failed || mms_grow(&b->bytes, &b->capacity, b->size + n, 1, NULL) != MMS_OK) {
        b->failed = true;
        return NULL;
    }
    b->size += n;
    return b->bytes + b->size - n;
}

static void store(const mms_bytes *b, uint8_t *to, uint64_t value, int width)
{
    for (int i = 0; i < width; i++)
        to[b->little ? i : width - 1 - i] = (uint8_t)(value >> 8 * i);
}

void mms_bytes_number(mms_bytes *b, uint64_t value, int width)
{
    uint8_t *to = more(b, width);
    if (to)
        store(b, to, value, width);
}

void mms_bytes_add(mms_bytes *b, const void *bytes, int64_t n)
{
    uint8_t *to = more(b, n);
    if (to && n > 0)
        memcpy(to, bytes, (size_t)n);
}

void mms_bytes_text(mms_bytes *b, const char *text)
{
    const size_t n = strlen(text);
    mms_bytes_number(b, n, 4);
    mms_bytes_add(b, text, (int64_t)n);
}

void mms_bytes_magic(mms_bytes *b)
{
    mms_bytes_number(b, MAGIC, 4);
}

int64_t mms_bytes_begin(mms_bytes *b, const char *type, uint64_t version)
{
    const int64_t object = b->size;
    mms_bytes_number(b, 0, 4);
    mms_bytes_text(b, type);
    mms_bytes_number(b, version, 4);
    return object;
}

void mms_bytes_end(mms_bytes *b, int64_t object)
{
    if (!b->failed)
        store(b, b->bytes + object, (uint64_t)(b->size - object), 4);
}

mms_status mms_bytes_write(const mms_bytes *b, const char *path, mms_error *err)
{
    return b->failed ? mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path)
                     : mms_replace_file(path, b->bytes, b->size, err);
}
