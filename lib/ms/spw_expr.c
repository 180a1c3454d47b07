/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file spw_expr.c  A small tokeniser for spw expressions; it evaluates no rows. */
#include "spw_expr_priv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/select_priv.h"

/** A number as MSSelection's scanner reads it, with an optional frequency unit. */
typedef struct number {
    double value;  /**< in Hz with a unit */
    bool whole;    /**< written as an integer >= 0 */
    double factor; /**< of the unit, 0 without */
    const char *text;
    int length;
} number;

/** One item of a list: a value (last == first) or a range with a step. */
typedef struct item {
    number first, last, step;
    bool range, has_step, no_range; /**< no_range: "^step" alone */
} item;

/** How far the expression is read, and what it has given. */
typedef struct reader {
    const char *at;
    const mms_windows *all;
    mms_spw_expr *out;
    int64_t capacity;
    int32_t *ids; /**< windows of the current spec */
    int64_t nid, nlist;
    item *items; /**< channels of the current spec */
    int64_t nitem, item_capacity;
    mms_text canonical;
    bool special; /**< a form that MSSelection has no word for was used */
    bool foreign; /**< MSSelection is to say what this is */
    mms_error *err;
} reader;

static void skip_blanks(reader *r)
{
    while (isspace((unsigned char)*r->at))
        r->at++;
}

static bool take(reader *r, const char *word)
{
    skip_blanks(r);
    if (strncmp(r->at, word, strlen(word)) != 0)
        return false;
    r->at += strlen(word);
    return true;
}

/** Leave the rest to MSSelection; MMS_OK, so that the callers return at once. */
static mms_status leave(reader *r, const char *refusal)
{
    r->foreign = true;
    if (refusal && !r->out->refusal)
        r->out->refusal = strdup(refusal);
    return MMS_OK;
}

/** Return the factor of the frequency unit at r, 0 when there is none. */
static double take_unit(reader *r)
{
    static const char prefixes[] = "kmgt";
    static const double factors[] = {1e3, 1e6, 1e9, 1e12};
    const char *start = r->at;
    double factor = 1;

    skip_blanks(r);
    const char *prefix = *r->at ? strchr(prefixes, tolower((unsigned char)*r->at)) : NULL;
    if (prefix) {
        factor = factors[prefix - prefixes];
        r->at++;
    }
    if (strncasecmp(r->at, "Hz", 2) == 0) {
        r->at += 2;
        return factor;
    }
    r->at = start;
    return 0;
}

static bool take_number(reader *r, number *n)
{
    skip_blanks(r);
    const char *end = mms_number_end(r->at);
    if (end == r->at)
        return false;
    n->text = r->at;
    n->length = (int)(end - r->at);
    n->value = strtod(r->at, NULL);
    n->whole = n->value >= 0 && n->value < INT32_MAX && n->value == floor(n->value) &&
               !memchr(n->text, '.', (size_t)n->length) && *n->text != '-';
    r->at = end;
    n->factor = take_unit(r);
    if (n->factor > 0)
        n->value *= n->factor;
    return true;
}

static bool has_unit(const number *n)
{
    return n->factor > 0;
}

/** Read "a", "a~b", "a~b^step" or "^step"; false when it is none of these. */
static bool take_item(reader *r, item *i)
{
    *i = (item){0};
    if (take(r, "^")) {
        i->no_range = i->has_step = true;
        return take_number(r, &i->step);
    }
    if (!take_number(r, &i->first))
        return false;
    i->last = i->first;
    if (!take(r, "~"))
        return true;
    i->range = true;
    if (!take_number(r, &i->last))
        return false;
    if (!has_unit(&i->first) && has_unit(&i->last)) { // one unit at the end serves both
        i->first.factor = i->last.factor;
        i->first.value *= i->first.factor;
    }
    i->has_step = take(r, "^");
    return !i->has_step || take_number(r, &i->step);
}

static mms_status malformed(reader *r, const char *what, const number *n)
{
    return mms_fail(r->err, MMS_ERR_SELECT, "malformed %s \"%.*s\": an integer %s is wanted", what,
                    n->length, n->text, strcmp(what, "step") ? ">= 0" : ">= 1");
}

/** Numbers must be integers, or all have a unit.  Sets foreign where MSSelection has the words. */
static mms_status check_item(reader *r, const char *what, const item *i)
{
    const bool hz = has_unit(&i->first);

    if (!i->no_range && !hz && !i->first.whole)
        return malformed(r, what, &i->first);
    if (i->range && !has_unit(&i->last) && !i->last.whole)
        return malformed(r, what, &i->last);
    if (i->has_step && !has_unit(&i->step) && (!i->step.whole || i->step.value < 1))
        return malformed(r, "step", &i->step);
    if (i->range && hz != has_unit(&i->last))
        return leave(r, "both ends of a range need a unit");
    if (i->has_step && hz != has_unit(&i->step))
        return leave(r, "Range and step specifications not in the same units.");
    if (i->first.value > i->last.value)
        return leave(r, "Spw expression: Start of range greater than end of range");
    return MMS_OK;
}

/** Add a window to the spec, in the order of the expression, once. */
static mms_status add_id(reader *r, int64_t id)
{
    for (int64_t i = 0; i < r->nid; i++)
        if (r->ids[i] == id)
            return MMS_OK;
    const mms_status st = mms_grow(&r->ids, &r->nlist, r->nid + 1, sizeof *r->ids, r->err);
    if (st == MMS_OK)
        r->ids[r->nid++] = (int32_t)id;
    return st;
}

/** Whether the windows of a spec end here. */
static bool at_end_of_windows(reader *r)
{
    skip_blanks(r);
    return strchr(",:", *r->at) != NULL; // or the end of the text
}

static bool is_number(const char *name)
{
    return name[strspn(name, "0123456789")] == '\0';
}

/** Take the longest window name that stands here in full. */
static mms_status take_exact_name(reader *r, bool *found)
{
    const char *start = r->at, *name = NULL;
    size_t length = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < r->all->n; i++) {
        const char *candidate = r->all->windows[i].name;
        const size_t n = strlen(candidate);
        r->at = start + n;
        if (n > length && !is_number(candidate) && !strncmp(start, candidate, n) &&
            at_end_of_windows(r)) {
            name = candidate;
            length = n;
        }
    }
    r->at = start + length;
    *found = name != NULL;
    for (int64_t i = 0; name && i < r->all->n && st == MMS_OK; i++)
        if (!strcmp(r->all->windows[i].name, name))
            st = add_id(r, i);
    if (name &&
        strspn(name, "_#abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") < length)
        r->special = true;
    return st;
}

/** Take a pattern of length characters at r, followed by skip more. */
static mms_status take_pattern(reader *r, size_t length, size_t skip, bool regex)
{
    char *pattern = strndup(r->at, length);
    bool matches;
    mms_status st = pattern ? MMS_OK : mms_fail(r->err, MMS_ERR_MEM, "spw: out of memory");

    for (int64_t i = 0; i < r->all->n && st == MMS_OK; i++) {
        st = mms_text_matches(r->all->windows[i].name, pattern, regex, &matches, r->err);
        if (st == MMS_OK && matches)
            st = add_id(r, i);
    }
    free(pattern);
    r->at += length + skip;
    if (st == MMS_OK && r->nid == 0)
        return leave(r, "no window has such a name");
    r->special = r->special || regex;
    return st;
}

/** Take "pattern" or /regex/. */
static mms_status take_quoted(reader *r)
{
    const char quote = *r->at++;
    const char *end = strchr(r->at, quote);

    if (!end)
        return leave(r, "a quote is not closed");
    return take_pattern(r, (size_t)(end - r->at), 1, quote == '/');
}

/** Take an unquoted word: a shell pattern, or a name that no window has. */
static mms_status take_word(reader *r)
{
    const size_t length =
        strspn(r->at, "_#{}*?abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    const char *start = r->at;

    r->at += length;
    if (strcspn(start, "*?") >= length || !at_end_of_windows(r))
        return leave(r, NULL);
    r->at = start;
    return take_pattern(r, length, 0, false);
}

/** Take ">v", "<v" or the second half of "v<>w". */
static mms_status take_comparison(reader *r, const number *low, const number *high)
{
    const int64_t before = r->nid;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < r->all->n && st == MMS_OK; i++) {
        const bool hz = has_unit(low ? low : high);
        const double value = hz ? r->all->windows[i].ref_hz : (double)i;
        if ((!low || value > low->value) && (!high || value < high->value))
            st = add_id(r, i);
    }
    if (st == MMS_OK && r->nid == before)
        return leave(r, "no window is in that range");
    return st;
}

static mms_status take_side(reader *r)
{
    const bool greater = *r->at++ == '>';
    number n;

    if (!take_number(r, &n))
        return leave(r, NULL);
    if (!has_unit(&n) && !n.whole)
        return malformed(r, "spw", &n);
    return take_comparison(r, greater ? &n : NULL, greater ? NULL : &n);
}

static double centre_hz(const mms_window *w)
{
    return (w->freq_hz[0] + w->freq_hz[w->nchan - 1]) / 2;
}

static double max_width_hz(const mms_window *w)
{
    double width = w->width_hz[0]; // signed, as MSSelection takes it
    for (int32_t c = 1; c < w->nchan; c++)
        width = fmax(width, w->width_hz[c]);
    return width;
}

/** Whether a window's centre lies in a frequency range, or near one of its steps. */
static bool window_in_range(const mms_window *w, const item *i)
{
    const double centre = centre_hz(w), width = max_width_hz(w);

    if (i->first.value == i->last.value)
        return fabs(centre - i->first.value) < width;
    if (!i->has_step)
        return centre >= i->first.value && centre <= i->last.value;
    const double steps = floor((i->last.value - i->first.value) / i->step.value);
    const double nearest = fmin(fmax(round((centre - i->first.value) / i->step.value), 0), steps);
    return fabs(i->first.value + nearest * i->step.value - centre) < width;
}

static mms_status add_frequency(reader *r, const item *i)
{
    bool found = false;
    mms_status st = MMS_OK;

    for (int64_t w = 0; w < r->all->n && st == MMS_OK; w++) {
        if (r->all->windows[w].nchan < 1 || !window_in_range(&r->all->windows[w], i))
            continue;
        found = true;
        st = add_id(r, w);
        if (i->first.value == i->last.value)
            break; // the first window that is near
    }
    if (st == MMS_OK && !found)
        return leave(r, "No matching SPW found for the frequency");
    return st;
}

/** Take an id, or the window that an id beyond the table names. */
static mms_status add_window(reader *r, int64_t id)
{
    char name[24];

    if (id < r->all->n)
        return add_id(r, id);
    snprintf(name, sizeof name, "%lld", (long long)id);
    for (int64_t i = 0; i < r->all->n; i++)
        if (!strcmp(r->all->windows[i].name, name))
            return add_id(r, i);
    return leave(r, "no such window");
}

static mms_status add_index_range(reader *r, const item *i)
{
    const int64_t step = i->has_step ? (int64_t)i->step.value : 1;
    mms_status st = MMS_OK;

    if (i->last.value > 1e6) // MSSelection would make a list of all
        return mms_fail(r->err, MMS_ERR_SELECT, "Spw Expression: No match found for %.0f",
                        i->last.value);
    for (int64_t id = (int64_t)i->first.value; id <= (int64_t)i->last.value; id += step)
        if ((st = add_window(r, id)) != MMS_OK || r->foreign)
            break;
    return st;
}

/** Take ids, ranges and frequencies joined by ';', or "v<>w". */
static mms_status take_numbers(reader *r)
{
    mms_status st;
    int64_t n = 0;
    item i;

    do {
        if (!take_item(r, &i))
            return leave(r, NULL);
        if (!i.range && !i.no_range && take(r, "<>")) {
            if (n > 0 || !take_number(r, &i.last) || has_unit(&i.last) != has_unit(&i.first))
                return leave(r, "\"<>\" needs two numbers of one kind");
            st = check_item(r, "spw", &(item){.first = i.last, .last = i.last});
            return st == MMS_OK && !r->foreign ? take_comparison(r, &i.first, &i.last) : st;
        }
        st = check_item(r, "spw", &i);
        if (st != MMS_OK || r->foreign)
            return st;
        if (i.no_range || (i.has_step && !i.range))
            return leave(r, NULL);
        st = has_unit(&i.first) ? add_frequency(r, &i) : add_index_range(r, &i);
        n++;
    } while (st == MMS_OK && !r->foreign && take(r, ";"));
    return st;
}

static mms_status take_windows(reader *r)
{
    bool found;
    mms_status st;

    r->nid = 0;
    skip_blanks(r);
    st = take_exact_name(r, &found);
    if (st != MMS_OK || found)
        return st;
    if (*r->at == '"' || *r->at == '/')
        st = take_quoted(r);
    else if (*r->at == '<' || *r->at == '>')
        st = take_side(r);
    else if (*r->at == ':')
        return leave(r, "a window is wanted before ':'; *:… means all");
    else if (*r->at && strchr("+-.^0123456789", *r->at))
        st = take_numbers(r);
    else
        st = take_word(r);
    if (st == MMS_OK && !r->foreign && !at_end_of_windows(r))
        return leave(r, NULL);
    return st;
}

static mms_status take_channels(reader *r)
{
    mms_status st;
    item i;

    do {
        if (!take_item(r, &i))
            return leave(r, NULL);
        st = check_item(r, "channel", &i);
        if (st == MMS_OK && !r->foreign)
            st = mms_grow(&r->items, &r->item_capacity, r->nitem + 1, sizeof *r->items, r->err);
        if (st != MMS_OK || r->foreign)
            return st;
        r->items[r->nitem++] = i;
    } while (take(r, ";"));
    skip_blanks(r);
    return *r->at && *r->at != ',' ? leave(r, NULL) : MMS_OK;
}

static void warn(reader *r, const char *line)
{
    mms_text *w = &r->out->warnings;
    if (!w->text || !strstr(w->text, line))
        mms_text_add(w, "%s\n", line);
}

/** The channel with the lowest frequency >= hz (upper false), or the highest <= hz; -1: none. */
static int32_t channel_at(const mms_window *w, double hz, bool upper)
{
    const bool ascending = w->freq_hz[0] <= w->freq_hz[w->nchan - 1];

    for (int32_t k = 0; k < w->nchan; k++) {
        const int32_t c = ascending != upper ? k : w->nchan - 1 - k;
        if (upper ? w->freq_hz[c] <= hz : w->freq_hz[c] >= hz)
            return c;
    }
    return -1;
}

/** Channels of a frequency range; false when there are none. */
static bool frequency_channels(reader *r, const mms_window *w, const item *i, mms_channels *c)
{
    const int32_t from = channel_at(w, i->first.value, false);
    const int32_t to = channel_at(w, i->last.value, true);
    const double width = max_width_hz(w);

    for (int32_t k = 1; k < w->nchan; k++)
        if (w->width_hz[k] != w->width_hz[0])
            warn(r, "Channel width across the band is not constant. Using the maximum of the "
                    "channel width range.");
    if (from < 0 || to < 0)
        return false;
    c->first = from < to ? from : to;
    c->last = from < to ? to : from;
    if (i->has_step && width != 0 && fabs(i->step.value / width) >= 1)
        c->step = (int32_t)fabs(i->step.value / width);
    return true;
}

/** Channels of an index range, clipped with a warning; false when there are none. */
static bool index_channels(reader *r, const mms_window *w, const item *i, mms_channels *c)
{
    const bool spot = i->first.value == i->last.value && !i->no_range;
    char line[160];

    c->first = i->no_range ? 0 : (int32_t)i->first.value;
    c->last = i->no_range ? w->nchan - 1 : (int32_t)i->last.value;
    if (i->has_step)
        c->step = (int32_t)i->step.value;
    if (c->last >= w->nchan) {
        snprintf(line, sizeof line,
                 "%s %d out of range for SPW %d (valid range 0~%d). Limiting it to be within the "
                 "available range.",
                 spot ? "Spot-channel" : "Channel", c->last, c->spw, w->nchan - 1);
        warn(r, line);
        c->last = w->nchan - 1;
    }
    return c->first <= c->last;
}

static mms_status add_range(reader *r, mms_channels c)
{
    mms_spw_expr *out = r->out;

    for (int64_t i = 0; i < out->nchannel; i++)
        if (!memcmp(&out->channels[i], &c, sizeof c))
            return MMS_OK;
    const mms_status st =
        mms_grow(&out->channels, &r->capacity, out->nchannel + 1, sizeof c, r->err);
    if (st == MMS_OK)
        out->channels[out->nchannel++] = c;
    return st;
}

/** Add the channels of a spec in one window; *found says whether there are any. */
static mms_status add_window_channels(reader *r, int32_t id, bool *found)
{
    const mms_window *w = &r->all->windows[id];
    const char *separator = ":";
    mms_status st = MMS_OK;

    mms_text_add(&r->canonical, "%s%d", r->canonical.length ? "," : "", id);
    if (r->nitem == 0 && w->nchan > 0) {
        *found = true;
        st = add_range(r, (mms_channels){id, 0, w->nchan - 1, 1});
    }
    for (int64_t i = 0; i < r->nitem && st == MMS_OK && w->nchan > 0; i++) {
        mms_channels c = {id, 0, 0, 1};
        const bool hz = has_unit(&r->items[i].first);
        if (!(hz ? frequency_channels : index_channels)(r, w, &r->items[i], &c))
            continue;
        *found = true;
        mms_text_add(&r->canonical, "%s%d~%d^%d", separator, c.first, c.last, c.step);
        separator = ";";
        st = add_range(r, c);
    }
    return st;
}

static mms_status add_spec(reader *r)
{
    bool found = false;
    char line[64];
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < r->nid && st == MMS_OK; i++)
        st = add_window_channels(r, r->ids[i], &found);
    if (st != MMS_OK || found)
        return st;
    if (r->nitem > 0 && !has_unit(&r->items[0].first))
        return mms_fail(r->err, MMS_ERR_SELECT, "no named channel exists in spw %d%s", r->ids[0],
                        r->nid > 1 ? " or the others named" : "");
    for (int64_t i = 0; i < r->nid; i++) { // other specs may have channels
        snprintf(line, sizeof line, "Found no matching SPW(s) [%d]", r->ids[i]);
        warn(r, line);
    }
    return MMS_OK;
}

/** Read one spec and the comma after it; *more says whether another follows. */
static mms_status take_spec(reader *r, bool *more)
{
    mms_status st;

    r->nitem = 0;
    *more = false;
    MMS_TRY(take_windows(r));
    if (!r->foreign && take(r, ":"))
        MMS_TRY(take_channels(r));
    if (!r->foreign)
        MMS_TRY(add_spec(r));
    *more = !r->foreign && take(r, ",");
done:
    return st;
}

/** What MSSelection gets: the resolved text; or, where it is to say what is wrong, the text as
 * given, but for specs that it has no words for. */
static char *text_for_casacore(reader *r, const char *text, const char *spec, size_t length)
{
    if (!r->special && r->foreign)
        return strdup(text);
    if (r->canonical.failed)
        return NULL;
    if (!r->foreign)
        return strdup(r->canonical.text);
    return mms_format("%.*s%s%s", (int)length, length ? r->canonical.text : "", length ? "," : "",
                      spec);
}

mms_status mms_spw_expr_read(const char *text, const mms_windows *windows, mms_spw_expr *out,
                             mms_error *err)
{
    reader r = {.at = text, .all = windows, .out = out, .err = err};
    const char *spec;
    size_t length;
    bool more;
    mms_status st;

    *out = (mms_spw_expr){0};
    do {
        spec = r.at;
        length = r.canonical.length;
        MMS_TRY(take_spec(&r, &more));
    } while (more);
    if (!r.foreign && out->nchannel == 0)
        MMS_TRY(leave(&r, "No valid SPW & Chan combination found"));
    out->resolved = !r.foreign;
    out->text = text_for_casacore(&r, text, spec, length);
    if (!out->text)
        st = mms_fail(err, MMS_ERR_MEM, "spw: out of memory");
done:
    free(r.ids);
    free(r.items);
    free(r.canonical.text);
    if (st != MMS_OK)
        mms_spw_expr_free(out);
    return st;
}

void mms_spw_expr_free(mms_spw_expr *expr)
{
    free(expr->text);
    free(expr->refusal);
    free(expr->channels);
    free(expr->warnings.text);
    *expr = (mms_spw_expr){0};
}
