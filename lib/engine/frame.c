/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file frame.c  Frames: a header of 32 bytes, little-endian, and JSON (spec job-engine 3.4). */
#include <endian.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes_priv.h"
#include "engine_priv.h"

enum { MINOR_VERSION = 0, READ_SIZE = 1 << 16, KEPT_SIZE = 1 << 20 };
static const char magic[4] = {'M', 'M', 'S', '1'};
static const uint64_t max_body = (uint64_t)1 << 30;
/* How long the system may be short of buffers. */
static const int64_t send_limit_ns = 10000000000;

/* Offsets in the header; where the specification counts attempts and attachments stands how many of
 * the body's bytes are a text behind the JSON. */
enum { AT_TYPE = 4, AT_MINOR = 6, AT_REQUEST = 8, AT_BESIDE = 16, AT_BODY = 24 };

static void put16(char *at, uint16_t value)
{
    value = htole16(value);
    memcpy(at, &value, sizeof value);
}

static void put64(char *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof value);
}

static uint64_t get64(const char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return le64toh(value);
}

mms_frame_type mms_frame_type_of(const char *data)
{
    uint16_t value;
    memcpy(&value, data + AT_TYPE, sizeof value);
    return (mms_frame_type)le16toh(value);
}

uint64_t mms_frame_request_of(const char *data)
{
    return get64(data + AT_REQUEST);
}

static mms_status encode_text(mms_frame_type type, uint64_t request, const char *text,
                              const char *beside, mms_message *out, mms_error *err)
{
    const size_t njson = strlen(text), nbeside = beside ? strlen(beside) : 0, n = njson + nbeside;

    if (n > max_body)
        return mms_fail(err, MMS_ERR_RANGE, "a message of %zu bytes, more than 1 GiB", n);
    out->size = MMS_FRAME_HEADER + n;
    out->data = malloc(out->size);
    if (!out->data)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for a message of %zu bytes", n);
    memcpy(out->data, magic, sizeof magic);
    put16(out->data + AT_TYPE, (uint16_t)type);
    put16(out->data + AT_MINOR, MINOR_VERSION);
    put64(out->data + AT_REQUEST, request);
    put64(out->data + AT_BESIDE, nbeside);
    put64(out->data + AT_BODY, n);
    memcpy(out->data + MMS_FRAME_HEADER, text, njson);
    if (nbeside)
        memcpy(out->data + MMS_FRAME_HEADER + njson, beside, nbeside);
    return MMS_OK;
}

mms_status mms_frame_encode(mms_frame_type type, uint64_t request, mms_value *body,
                            mms_message *out, mms_error *err)
{
    return mms_frame_encode_with(type, request, body, NULL, out, err);
}

mms_status mms_frame_encode_with(mms_frame_type type, uint64_t request, mms_value *body,
                                 const char *beside, mms_message *out, mms_error *err)
{
    char *text = body ? mms_value_text(body, 0) : NULL;
    mms_status st;

    *out = (mms_message){0};
    st = text ? encode_text(type, request, text, beside, out, err)
              : mms_fail(err, MMS_ERR_INTERNAL, "a message that is no JSON");
    free(text);
    json_decref(body);
    return st;
}

mms_status mms_frame_decode(const char *data, size_t size, mms_frame *frame, mms_error *err)
{
    const uint64_t nbeside = get64(data + AT_BESIDE);
    json_error_t where;

    *frame = (mms_frame){.type = mms_frame_type_of(data), .request = mms_frame_request_of(data)};
    if (nbeside > size - MMS_FRAME_HEADER)
        return mms_fail(err, MMS_ERR_WORKER, "broke the protocol: a text beyond the body");
    frame->nbeside = (size_t)nbeside;
    frame->beside = data + size - nbeside;
    frame->body = mms_value_load(data + MMS_FRAME_HEADER, size - MMS_FRAME_HEADER - frame->nbeside,
                                 JSON_DECODE_ANY | JSON_ALLOW_NUL, &where);
    if (!frame->body)
        return mms_fail(err, MMS_ERR_WORKER, "broke the protocol: %s", where.text);
    return MMS_OK;
}

bool mms_send_again(int errnum, int64_t *give_up_ns)
{
    const struct timespec nap = {.tv_nsec = 1000000};
    const int64_t now = mms_now_ns();

    if (errnum != ENOBUFS && errnum != ENOMEM)
        return false;
    if (!*give_up_ns)
        *give_up_ns = now + send_limit_ns;
    nanosleep(&nap, NULL);
    return now < *give_up_ns;
}

/* Size of the message at data; 0 while its header is incomplete. */
static mms_status message_size(const char *data, size_t have, size_t *size, mms_error *err)
{
    *size = 0;
    if (have < MMS_FRAME_HEADER)
        return MMS_OK;
    const uint64_t body = get64(data + AT_BODY);
    if (memcmp(data, magic, sizeof magic) || body > max_body)
        return mms_fail(err, MMS_ERR_WORKER, "broke the protocol: no frame");
    *size = MMS_FRAME_HEADER + (size_t)body;
    return MMS_OK;
}

/* For some more, or all of the message that has begun: to grow again and again may be to copy. */
static int64_t room_for(const mms_inbox *inbox)
{
    const int64_t some = inbox->end + READ_SIZE;
    size_t all;

    return message_size(inbox->data, (size_t)inbox->end, &all, NULL) == MMS_OK &&
                   (int64_t)all > some
               ? (int64_t)all
               : some;
}

ssize_t mms_inbox_read(mms_inbox *inbox, int fd)
{
    ssize_t n;

    if (inbox->first > 0) {
        memmove(inbox->data, inbox->data + inbox->first, (size_t)(inbox->end - inbox->first));
        inbox->end -= inbox->first;
        inbox->first = 0;
    }
    if (!inbox->end && inbox->capacity > KEPT_SIZE) { /* of a large message that is done with */
        free(inbox->data);
        *inbox = (mms_inbox){0};
    }
    if (mms_grow(&inbox->data, &inbox->capacity, room_for(inbox), 1, NULL) != MMS_OK) {
        errno = ENOMEM;
        return -1;
    }
    n = read(fd, inbox->data + inbox->end, (size_t)(inbox->capacity - inbox->end));
    if (n > 0)
        inbox->end += n;
    return n;
}

char **mms_inbox_whole(mms_inbox *inbox)
{
    return inbox->first == inbox->end && inbox->end > KEPT_SIZE ? &inbox->data : NULL;
}

mms_status mms_inbox_next(mms_inbox *inbox, const char **data, size_t *size, mms_error *err)
{
    const size_t have = (size_t)(inbox->end - inbox->first);
    const mms_status st = message_size(inbox->data + inbox->first, have, size, err);

    *data = NULL;
    if (st == MMS_OK && *size && have >= *size) {
        *data = inbox->data + inbox->first;
        inbox->first += (int64_t)*size;
    }
    return st;
}
