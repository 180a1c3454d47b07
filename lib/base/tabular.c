/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file tabular.c  Tables for people: columns as wide as their widest cell. */
#include "tabular_priv.h"

#include <stdlib.h>

enum { GAP = 2 };

int mms_text_width(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

void mms_tabular_add(mms_tabular *t, const char *fmt, ...)
{
    const int column = (int)(t->ncell % t->ncolumn);
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    if (mms_grow(&t->cells, &t->capacity, t->ncell + 1, sizeof *t->cells, NULL) != MMS_OK) {
        free(text);
        return;
    }
    t->cells[t->ncell++] = text;
    if (text && mms_text_width(text) + GAP > t->widths[column])
        t->widths[column] = mms_text_width(text) + GAP;
}

void mms_tabular_print(mms_tabular *t, FILE *out)
{
    for (int64_t i = 0; i < t->ncell; i++) {
        const int column = (int)(i % t->ncolumn);
        const bool last = column == t->ncolumn - 1;
        const char *const text = t->cells[i] ? t->cells[i] : "";
        fprintf(out, "%s%*s", text, last ? 0 : t->widths[column] - mms_text_width(text), "");
        if (last)
            fputc('\n', out);
        free(t->cells[i]);
    }
    free(t->cells);
    t->cells = NULL;
    t->ncell = t->capacity = 0;
}
