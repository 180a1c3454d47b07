/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fuzz_frames.c  What a worker may send: frames cut anywhere, and bytes that are none.
 *
 *  Input: how many bytes arrive at once, then the bytes. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* What was understood is sent and understood again */
static void check(const mms_frame *frame)
{
    char *const beside = strndup(frame->beside, frame->nbeside);
    mms_message message;
    mms_frame again;
    mms_error err;

    demand(beside != NULL);
    if (mms_frame_encode_with(frame->type, frame->request, json_incref(frame->body), beside,
                              &message, &err) == MMS_OK) {
        demand(mms_frame_decode(message.data, message.size, &again, &err) == MMS_OK);
        demand(again.type == frame->type && again.request == frame->request);
        demand(json_equal(again.body, frame->body));
        demand(again.nbeside == strlen(beside) && !memcmp(again.beside, beside, again.nbeside));
        mms_value_free(&again.body);
        free(message.data);
    }
    free(beside);
}

static bool take(mms_inbox *inbox)
{
    const char *data;
    size_t size;
    mms_frame frame;
    mms_error err;
    mms_status st;

    while ((st = mms_inbox_next(inbox, &data, &size, &err)) == MMS_OK && data) {
        demand(size >= MMS_FRAME_HEADER);
        if (mms_frame_decode(data, size, &frame, &err) == MMS_OK)
            check(&frame);
        else
            demand(err.code == MMS_ERR_WORKER && !frame.body);
        mms_value_free(&frame.body);
    }
    demand(st == MMS_OK || err.code == MMS_ERR_WORKER);
    return st == MMS_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    mms_inbox inbox = {0};
    int ends[2];

    if (size < 2)
        return 0;
    const size_t most = (size_t)bytes[0] + 1;
    demand(!pipe(ends));
    for (size_t at = 1; at < size; at += most) {
        const size_t n = size - at < most ? size - at : most;
        demand(write(ends[1], bytes + at, n) == (ssize_t)n);
        demand(mms_inbox_read(&inbox, ends[0]) == (ssize_t)n);
        if (!take(&inbox))
            break;
    }
    close(ends[0]);
    close(ends[1]);
    free(inbox.data);
    return 0;
}
