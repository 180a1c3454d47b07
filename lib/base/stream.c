/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file stream.c  casacore's object files (AipsIO) in memory. */
#include "stream_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base_priv.h"
#include "files_priv.h"

static const uint64_t MAGIC = 0xbebebebe;

mms_status mms_read_file(const char *path, size_t most, uint8_t **bytes, size_t *size,
                         mms_error *err)
{
    FILE *in = fopen(path, "re");
    mms_status st = MMS_OK;
    int64_t capacity = 0;

    *bytes = NULL;
    *size = 0;
    if (!in)
        return mms_fail_errno(err, errno, "%s", path);
    for (size_t got = 1; st == MMS_OK && got > 0; *size += got) {
        st = *size > most ? mms_fail(err, MMS_ERR_MEM, "%s: too large", path)
                          : mms_grow(bytes, &capacity, (int64_t)*size + 16384, 1, err);
        got = st == MMS_OK ? fread(*bytes + *size, 1, 16384, in) : 0;
    }
    if (st == MMS_OK && ferror(in))
        st = mms_fail_errno(err, errno, "%s", path);
    fclose(in);
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
    FILE *out;

    if (b->failed)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    out = fopen(path, "we");
    if (!out)
        return mms_fail_errno(err, errno, "%s", path);
    const bool all = fwrite(b->bytes, 1, (size_t)b->size, out) == (size_t)b->size;
    const int why = errno;
    if (fclose(out) == 0 && all)
        return MMS_OK;
    return mms_fail_errno(err, all ? errno : why, "%s", path);
}
