/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file uv_expr.c  Numbers in expressions, and what uvrange expressions mean. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "spw_expr_priv.h"

static const char *skip_digits(const char *p)
{
    while (isdigit((unsigned char)*p))
        p++;
    return p;
}

const char *mms_number_end(const char *text)
{
    const char *digits = text + (*text == '+' || *text == '-');
    const char *end = skip_digits(digits);
    bool any = end > digits;

    if (*end == '.') {
        const char *fraction = end + 1;
        end = skip_digits(fraction);
        any = any || end > fraction;
    }
    if (!any)
        return text;
    if (*end == 'e' || *end == 'E') {
        const char *exponent = end + 1 + (end[1] == '+' || end[1] == '-');
        if (isdigit((unsigned char)*exponent))
            end = skip_digits(exponent);
    }
    return end;
}

/** One item of a uvrange list. */
typedef struct uv_item {
    const char *whole, *start; /**< the list, the item in it */
    int length;
    double value;
} uv_item;

static mms_status uv_refused(const uv_item *i, const char *why, mms_error *err)
{
    if (i->start == i->whole && !i->whole[i->length]) // it stands in front already
        return mms_fail(err, MMS_ERR_SELECT, "%s", why);
    return mms_fail(err, MMS_ERR_SELECT, "\"%.*s\": %s", i->length, i->start, why);
}

/** Write "value unit : percent %" as the symmetric range that is meant. */
static void write_percent(mms_text *out, double value, const char *unit, int unit_length,
                          double percent)
{
    const double low = fmax(value * (1 - percent / 100), 0);
    mms_text_add(out, "%.17g~%.17g%.*s", low, value * (1 + percent / 100), unit_length, unit);
}

static const char *after_blanks(const char *p)
{
    return p + strspn(p, " \t\n");
}

/** Read what follows the first number of an item.  MSSelection gets as it is what it reads rightly
 * or refuses. */
static mms_status read_uv_item(const uv_item *i, const char *rest, mms_text *out, mms_error *err)
{
    const char *end = i->start + i->length;
    const char *unit = rest = after_blanks(rest);

    if (*rest == '~') {
        const char *second = after_blanks(rest + 1);
        if (mms_number_end(second) > second && strtod(second, NULL) < i->value)
            return uv_refused(i, "the lower limit is above the upper one", err);
        mms_text_add(out, "%.*s", i->length, i->start);
        return MMS_OK;
    }
    while (isalpha((unsigned char)*rest))
        rest++;
    const int unit_length = (int)(rest - unit);
    rest = after_blanks(rest);
    if (rest >= end)
        return uv_refused(i, "a single value selects nothing definite; give a range or :p%", err);
    const char *percent = after_blanks(rest + 1);
    const char *percent_end = mms_number_end(percent);
    if (*rest == ':' && percent_end > percent && *after_blanks(percent_end) == '%')
        write_percent(out, i->value, unit, unit_length, strtod(percent, NULL));
    else
        mms_text_add(out, "%.*s", i->length, i->start);
    return MMS_OK;
}

mms_status mms_uvrange_read(const char *text, char **out, mms_error *err)
{
    mms_text result = {0};
    const char *at = text;
    mms_status st = MMS_OK;

    *out = NULL;
    while (st == MMS_OK) {
        uv_item i = {.whole = text, .start = at, .length = (int)strcspn(at, ",")};
        const char *first = after_blanks(at), *rest = mms_number_end(first);
        if (at > text)
            mms_text_add(&result, ",");
        if (rest == first) {
            mms_text_add(&result, "%.*s", i.length, i.start);
        } else {
            i.value = strtod(first, NULL);
            st = read_uv_item(&i, rest, &result, err);
        }
        at += i.length;
        if (*at++ == '\0')
            break;
    }
    if (st == MMS_OK && result.failed)
        st = mms_fail(err, MMS_ERR_MEM, "uvrange: out of memory");
    if (st != MMS_OK)
        free(result.text);
    else
        *out = result.text;
    return st;
}
