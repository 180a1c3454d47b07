/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file utf8.c  Messages are UTF-8, whatever the names in them are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8_priv.h"

size_t mms_utf8_character(const char *text)
{
    const uint8_t *const s = (const uint8_t *)text;
    size_t n = s[0] < 0x80                   ? 1
               : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
               : (s[0] & 0xf0) == 0xe0       ? 3
               : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                             : 0;

    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    const bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    const bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    const bool beyond = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : n;
}

/** Write text into out[size] with "\\xE9" for bytes that are no UTF-8; what does not fit is
 * dropped.
 */
static void write_readable(const char *text, char *out, size_t size)
{
    size_t n = 0;

    while (*text) {
        const size_t length = mms_utf8_character(text);
        char piece[8];
        if (length)
            memcpy(piece, text, length);
        else
            snprintf(piece, sizeof piece, "\\x%02X", (unsigned)(uint8_t)*text);
        const size_t more = length ? length : 4;
        if (n + more >= size)
            break;
        memcpy(out + n, piece, more);
        n += more;
        text += length ? length : 1;
    }
    out[n] = '\0';
}

static bool is_readable(const char *text)
{
    size_t n = 1;

    for (; *text && n > 0; text += n)
        n = mms_utf8_character(text);
    return n > 0;
}

char *mms_readable(const char *text)
{
    const size_t size = 4 * strlen(text) + 1;
    char *out = is_readable(text) ? strdup(text) : malloc(size);

    if (out && !is_readable(text))
        write_readable(text, out, size);
    return out;
}

void mms_make_readable(char *text, size_t size)
{
    char out[MMS_READABLE];

    if (is_readable(text))
        return;
    write_readable(text, out, size < sizeof out ? size : sizeof out);
    strcpy(text, out);
}

void mms_drop_cut(char *text, size_t size)
{
    size_t n = strlen(text), k = 0;

    if (n + 1 < size)
        return;
    while (k < 3 && k < n && ((uint8_t)text[n - 1 - k] & 0xc0) == 0x80)
        k++;
    if (k < n && (uint8_t)text[n - 1 - k] >= 0xc0 && !mms_utf8_character(text + n - 1 - k))
        text[n - 1 - k] = '\0';
}

void mms_message(char *text, size_t size, const char *fmt, va_list args)
{
    vsnprintf(text, size, fmt, args);
    mms_drop_cut(text, size);
    mms_make_readable(text, size);
}
