/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_STREAM_PRIV_H
#define MULTIMS_STREAM_PRIV_H
/** @file stream_priv.h  casacore's object files (AipsIO): numbers, most big-endian, texts, nested
 *  objects. */

#include <stddef.h>

#include "multims/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that are read.  After a read past the end bad is set, and all reads give 0 or NULL. */
typedef struct mms_stream {
    const uint8_t *bytes;
    size_t size, at;
    bool bad;
    bool little; /**< of a storage manager that keeps the table's byte order, which is little */
} mms_stream;

/** Read the whole file at path, at most most bytes; *bytes is ended with free().
 *  Errors: NOT_FOUND, IO, MEM. */
MMS_CHECKED mms_status mms_read_file(const char *path, size_t most, uint8_t **bytes, size_t *size,
                                     mms_error *err);

/** Take a number of width bytes, or a text, ended with free(). */
uint64_t mms_stream_number(mms_stream *s, size_t width);
char *mms_stream_text(mms_stream *s);
/** Take a text and tell whether it is want. */
bool mms_stream_is(mms_stream *s, const char *want);
/** Take the head of an object of this type (length, type); returns its version, 0 and bad if it is
 *  another one.  The first object of a file is preceded by a magic number. */
uint64_t mms_stream_object(mms_stream *s, const char *type);
bool mms_stream_magic(mms_stream *s);
/** Skip an object; returns its length. */
size_t mms_stream_skip(mms_stream *s);

/** Bytes that are written; failed once memory was short.  Start with {0}, free bytes. */
typedef struct mms_bytes {
    uint8_t *bytes;
    int64_t size, capacity;
    bool failed;
    bool little; /**< as in mms_stream */
} mms_bytes;

void mms_bytes_number(mms_bytes *b, uint64_t value, int width);
void mms_bytes_add(mms_bytes *b, const void *bytes, int64_t n);
void mms_bytes_text(mms_bytes *b, const char *text);
void mms_bytes_magic(mms_bytes *b);
/** Begin an object; the result is given to its end, which fills in the length. */
int64_t mms_bytes_begin(mms_bytes *b, const char *type, uint64_t version);
void mms_bytes_end(mms_bytes *b, int64_t object);
/** Make the file at path of them.  Errors: SPACE, IO, MEM. */
MMS_CHECKED mms_status mms_bytes_write(const mms_bytes *b, const char *path, mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
