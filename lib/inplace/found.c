/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file found.c  What the client has found that a command selects: a worker that is told does not
 *  load what parses selections, nor evaluate one again. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "flag_priv.h"
#include "ms/rows.h"

enum { MOST_ROWS = 1 << 20 };

static const char digits[] = "0123456789abcdef";

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

bool mms_flag_can_find(const mms_ms *ms, const mms_flag_command *c)
{
    // quack goes over the rows of all parts once more
    return mms_ms_nmember(ms) == 1 && mms_ms_nrow(ms) <= MOST_ROWS && c->mode != MMS_FLAG_QUACK &&
           !mms_selection_is_all(c->selection);
}

/** Rows that are found. */
typedef struct marking {
    uint8_t *bits;
    int64_t n;
} marking;

static mms_status mark(void *ctx, const mms_row_chunk *c, mms_error *err)
{
    marking *const m = ctx;

    (void)err;
    for (int64_t i = 0; i < c->rows.count; i++)
        if (c->mask[i]) {
            const int64_t row = c->rows.first + i;
            m->bits[row >> 3] |= (uint8_t)(1 << (row & 7));
            m->n++;
        }
    return MMS_OK;
}

static mms_value *channels_of(const mms_flag_command *c)
{
    mms_value *list = json_array();

    for (int64_t i = 0; i < c->nchannel; i++)
        json_array_append_new(list, json_pack("[iii]", c->channels[i].spw, c->channels[i].first,
                                              c->channels[i].last));
    return list;
}

mms_status mms_flag_find(mms_ms *ms, const mms_flag_command *c, mms_flag_found *found,
                         mms_error *err)
{
    static const char *const none[] = {NULL};
    const mms_row_pass_opts opts = {.selection = c->selection, .columns = none};
    const int64_t bytes = mms_ms_nrow(ms) / 8 + 1;
    marking m = {mms_alloc(bytes, 1), 0};
    mms_status st;

    found->rows = mms_alloc(2 * bytes + 1, 1);
    found->channels = channels_of(c);
    MMS_TRY(m.bits && found->rows && found->channels ? MMS_OK : no_memory(err));
    MMS_TRY(mms_rows_each(ms, &opts, mark, &m, err));
    found->nrow = m.n;
    for (int64_t i = 0; i < bytes; i++) {
        found->rows[2 * i] = digits[m.bits[i] >> 4];
        found->rows[2 * i + 1] = digits[m.bits[i] & 15];
    }
done:
    free(m.bits);
    return st;
}

void mms_flag_free_found(mms_flag_found *found)
{
    free(found->rows);
    mms_value_free(&found->channels);
}

static unsigned number_of(char digit)
{
    const char *const at = digit ? strchr(digits, digit) : NULL;

    return at ? (unsigned)(at - digits) : 0;
}

mms_status mms_flag_found_rows(const char *rows, int64_t nrow, uint8_t **bits, mms_error *err)
{
    const int64_t bytes = nrow / 8 + 1;

    *bits = mms_alloc(bytes, 1);
    if (!*bits)
        return no_memory(err);
    if ((int64_t)strlen(rows) != 2 * bytes)
        return mms_fail(err, MMS_ERR_INTERNAL, "the rows that were found are not those of the set");
    for (int64_t i = 0; i < bytes; i++)
        (*bits)[i] = (uint8_t)(number_of(rows[2 * i]) << 4 | number_of(rows[2 * i + 1]));
    return MMS_OK;
}

mms_status mms_flag_found_channels(const mms_value *list, mms_flag_command *c, mms_error *err)
{
    const int64_t n = (int64_t)json_array_size(list);

    c->found_channels = mms_alloc(n, sizeof *c->found_channels);
    if (!c->found_channels)
        return no_memory(err);
    for (int64_t i = 0; i < n; i++) {
        const mms_value *range = json_array_get(list, (size_t)i);
        c->found_channels[i] =
            (mms_channels){(int32_t)json_integer_value(json_array_get(range, 0)),
                           (int32_t)json_integer_value(json_array_get(range, 1)),
                           (int32_t)json_integer_value(json_array_get(range, 2)), 1};
    }
    c->channels = c->found_channels;
    c->nchannel = n;
    return MMS_OK;
}
