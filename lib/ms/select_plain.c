/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file select_plain.c  Selections that are lists of numbers and names, as most are: MSSelection
 *  opens all sub-tables, and half of casacore is loaded for it.
 *
 *  What is not as plain, or is wrong, or is warned of, is MSSelection's.  Source: casacore's
 *  MSScanGram, MSFieldGram, MSFieldIndex, MSSpwParse, MSAntennaGram, MSAntennaParse. */
#include "select_plain_priv.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "members_priv.h"
#include "tables/tables_priv.h"

#define DIGITS  "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_" DIGITS
#define BLANKS  " \t\n"

/* ---- lists ------------------------------------------------------------------------------------*/

/** An item of a list: a number, two of them, or a name. */
typedef struct item {
    const char *text;
    size_t length;
    bool is_name, is_range;
    int32_t first, last;
} item;

static bool take_number(const char **at, int32_t *number)
{
    const size_t n = strspn(*at, DIGITS);

    if (n < 1 || n > 9)
        return false;
    *number = (int32_t)strtol(*at, NULL, 10);
    *at += n;
    return true;
}

/** Take the next item, whose names are of so many letters; *list is NULL behind the last one.
 *  False: it is something else. */
static bool take_item(const char **list, const char *letters, item *it)
{
    const char *const text = *list + strspn(*list, BLANKS), *const end = text + strcspn(text, ",");
    size_t length = (size_t)(end - text);
    const char *at = text;

    *list = *end ? end + 1 : NULL;
    while (length > 0 && strchr(BLANKS, text[length - 1]))
        length--;
    *it = (item){.text = text, .length = length};
    if (take_number(&at, &it->first)) {
        it->last = it->first;
        it->is_range = *at == '~';
        at += it->is_range;
        if (it->is_range && !take_number(&at, &it->last))
            return false;
        if (at == text + length)
            return it->first <= it->last;
    }
    it->is_name = length > 0 && strspn(text, letters) >= length && strspn(text, DIGITS) < length;
    return it->is_name;
}

static mms_plain_list *add_list(mms_select_plain *p, const char *column)
{
    mms_plain_list *const list = &p->lists[p->nlist++];

    list->columns[0] = column;
    return list;
}

static bool add_range(mms_plain_list *list, int32_t first, int32_t last)
{
    if (mms_grow(&list->ranges, &list->capacity, list->n + 1, sizeof *list->ranges, NULL) != MMS_OK)
        return false;
    list->ranges[list->n][0] = first;
    list->ranges[list->n++][1] = last;
    return true;
}

static bool holds(const mms_plain_list *list, int32_t id)
{
    for (int64_t i = 0; i < list->n; i++)
        if (id >= list->ranges[i][0] && id <= list->ranges[i][1])
            return true;
    return false;
}

/* ---- scans ------------------------------------------------------------------------------------*/

static bool read_scans(const char *text, mms_select_plain *p)
{
    mms_plain_list *const list = add_list(p, MMS_COL_SCAN_NUMBER);
    bool plain = true;
    item it;

    while (text && plain) {
        plain = take_item(&text, "", &it) && !(it.is_range && it.first == it.last) &&
                add_range(list, it.first, it.last);
    }
    return plain;
}

/* ---- names in sub-tables ----------------------------------------------------------------------*/

static mms_table *open_table(const mms_ms *ms, const char *name)
{
    const char *const path = mms_ms_subtable(ms, name);
    mms_table *table = NULL;

    return path && mms_table_open(path, MMS_TABLE_READ, &table, NULL) == MMS_OK ? table : NULL;
}

/** A column of texts as a JSON array, new reference; NULL: it can't be read. */
static mms_value *read_texts(mms_table *table, const char *column)
{
    mms_value *texts = json_array(), *text;

    for (int64_t i = 0; texts && i < mms_table_nrow(table); i++) {
        if (mms_table_get_cell(table, column, i, &text, NULL) != MMS_OK || !json_is_string(text) ||
            json_array_append(texts, text))
            mms_value_free(&texts);
        mms_value_free(&text);
    }
    return texts;
}

/** Whether a text without the blanks round it is word[length]. */
static bool is_text(const mms_value *text, const char *word, size_t length)
{
    const char *const all = json_string_value(text), *const begin = all + strspn(all, BLANKS);

    return !strncmp(begin, word, length) && !begin[length + strspn(begin + length, BLANKS)];
}

/* ---- fields -----------------------------------------------------------------------------------*/

static bool add_named_fields(const mms_value *names, const item *it, mms_plain_list *list)
{
    const int64_t before = list->n;
    size_t i;
    mms_value *name;

    json_array_foreach((mms_value *)names, i, name)
    {
        if (is_text(name, it->text, it->length) && !add_range(list, (int32_t)i, (int32_t)i))
            return false;
    }
    return list->n > before;
}

static bool list_fields(mms_table *table, const mms_value *names, const char *text,
                        mms_select_plain *p)
{
    mms_plain_list *const list = add_list(p, MMS_COL_FIELD_ID);
    const int64_t n = mms_table_nrow(table);
    bool plain = true;
    item it;

    while (text && plain) {
        plain = take_item(&text, LETTERS "+-.", &it);
        if (plain && it.is_name)
            plain = names && add_named_fields(names, &it, list);
        else if (plain)
            plain = it.last < n && add_range(list, it.first, it.last);
    }
    for (int32_t i = 0; plain && i < n; i++)
        plain = !holds(list, i) || mms_id_set_add(&p->fields, i, NULL) == MMS_OK;
    return plain;
}

/** names: whether there are names that count for all rows. */
static bool read_fields(const mms_ms *ms, const char *text, bool names, mms_select_plain *p)
{
    mms_table *table = open_table(ms, "FIELD");
    mms_value *texts = table && names && mms_has_all_rows(table) ? read_texts(table, "NAME") : NULL;
    const bool plain = table && list_fields(table, texts, text, p);

    mms_value_free(&texts);
    mms_table_drop(&table);
    return plain;
}

/* ---- windows ----------------------------------------------------------------------------------*/

/** Add a window and its data descriptions, once. */
static bool add_window(int32_t spw, int64_t n, const int32_t *spw_of, mms_plain_list *list,
                       mms_select_plain *p)
{
    const int64_t before = p->nddid;

    for (int64_t i = 0; i < p->nspw; i++)
        if (p->spws[i] == spw)
            return true;
    p->spws[p->nspw++] = spw;
    for (int32_t i = 0; i < n; i++)
        if (spw_of[i] == spw) {
            if (!add_range(list, i, i))
                return false;
            p->ddids[p->nddid++] = i;
        }
    return p->nddid > before;
}

static bool read_windows(const mms_ms *ms, const mms_windows *windows, const mms_spw_expr *spw,
                         mms_select_plain *p)
{
    mms_plain_list *const list = add_list(p, MMS_COL_DATA_DESC_ID);
    mms_table *table = open_table(ms, "DATA_DESCRIPTION");
    int32_t *spw_of = NULL;
    bool plain = table && spw->resolved && !spw->refusal && windows->all_rows &&
                 mms_has_all_rows(table) &&
                 mms_table_get_ints(table, "SPECTRAL_WINDOW_ID", &spw_of, NULL) == MMS_OK;

    if (plain) {
        p->spws = mms_alloc(windows->n, sizeof *p->spws);
        p->ddids = mms_alloc(mms_table_nrow(table), sizeof *p->ddids);
        plain = p->spws && p->ddids;
    }
    for (int64_t i = 0; plain && i < spw->nchannel; i++)
        plain = spw->channels[i].spw < windows->n &&
                add_window(spw->channels[i].spw, mms_table_nrow(table), spw_of, list, p);
    free(spw_of);
    mms_table_drop(&table);
    return plain;
}

/* ---- antennas ---------------------------------------------------------------------------------*/

/** ANTENNA's names and stations. */
typedef struct antennas {
    int64_t n;
    mms_value *names, *stations;
} antennas;

/** Add the rows that have a text; *found is how many, and all but the first are left out where one
 *  alone is wanted. */
static bool add_same(const mms_value *texts, const char *word, size_t length, bool one,
                     mms_plain_list *list, int64_t *found)
{
    size_t i;
    mms_value *text;

    *found = 0;
    json_array_foreach((mms_value *)texts, i, text)
    {
        const char *const all = json_string_value(text);
        if (strlen(all) != length || strncmp(all, word, length) != 0)
            continue;
        if (!(one && *found) && !add_range(list, (int32_t)i, (int32_t)i))
            return false;
        ++*found;
    }
    return true;
}

/** Add the antennas of a name or, where there are none, of a station. */
static bool add_named(const antennas *a, const char *word, size_t length, bool one,
                      mms_plain_list *list, int64_t *found)
{
    return add_same(a->names, word, length, one, list, found) &&
           (*found || add_same(a->stations, word, length, one, list, found));
}

/** A number may be a name, which comes first. */
static bool add_numbered(const antennas *a, const item *it, mms_plain_list *list)
{
    bool plain = it->last < a->n;

    for (int32_t id = it->first; plain && id <= it->last; id++) {
        char number[16];
        const size_t length = (size_t)snprintf(number, sizeof number, "%d", id);
        int64_t found;
        plain = add_named(a, it->is_range ? number : it->text, it->is_range ? length : it->length,
                          true, list, &found) &&
                (found || add_range(list, id, id));
    }
    return plain;
}

static bool list_antennas(const antennas *a, const char *text, bool names, mms_select_plain *p)
{
    mms_plain_list *const list = add_list(p, MMS_COL_ANTENNA1);
    int64_t found = 0;
    bool plain = a->n > 1;
    item it;

    list->columns[1] = MMS_COL_ANTENNA2;
    if (strpbrk(text, ",~")) // may be a name as a whole
        plain = plain && add_same(a->names, text, strlen(text), false, list, &found) && !found;
    while (text && plain) {
        plain = take_item(&text, LETTERS, &it);
        if (plain && it.is_name) // "12A" is a length without a unit of lengths
            plain = names && !strchr(DIGITS, *it.text) &&
                    add_named(a, it.text, it.length, false, list, &found) && found;
        else if (plain)
            plain = add_numbered(a, &it, list);
    }
    return plain;
}

static bool has_number(const mms_value *texts)
{
    size_t i;
    mms_value *text;

    json_array_foreach((mms_value *)texts, i, text)
    {
        const char *const all = json_string_value(text);
        if (*all && !all[strspn(all, DIGITS)])
            return true;
    }
    return false;
}

static bool read_antennas(const mms_ms *ms, const char *text, bool names, mms_select_plain *p)
{
    mms_table *table = open_table(ms, "ANTENNA");
    antennas a = {0};
    bool plain = table;

    if (plain) {
        a.n = mms_table_nrow(table);
        a.names = read_texts(table, "NAME");
        a.stations = read_texts(table, "STATION");
        plain = a.names && a.stations &&
                (names || (!has_number(a.names) && !has_number(a.stations))) &&
                list_antennas(&a, text, names, p);
    }
    mms_value_free(&a.names);
    mms_value_free(&a.stations);
    mms_table_drop(&table);
    return plain;
}

/* ---- the selection ----------------------------------------------------------------------------*/

/** Whether the columns that decide are as in the standard. */
static bool has_columns(const mms_ms *ms, const mms_select_plain *p)
{
    for (int64_t i = 0; i < p->nlist; i++)
        for (int k = 0; k < 2 && p->lists[i].columns[k]; k++) {
            const mms_column *const c = mms_ms_find_column(ms, p->lists[i].columns[k]);
            if (!c || !c->scalar || c->dtype != MMS_DT_INT)
                return false;
        }
    return true;
}

static bool has_others(const mms_select *s)
{
    return s->correlation || s->timerange || s->intent || s->array || s->uvrange ||
           s->observation || s->feed || s->taql;
}

bool mms_select_plain_open(mms_ms *ms, const mms_select *s, const mms_windows *windows,
                           const mms_spw_expr *spw, mms_select_plain *p)
{
    // each part has names of its own, which need not be those of the others
    const bool names = mms_ms_nmember(ms) == 1;
    bool plain = !mms_ms_members_of(ms)->by_casacore && !has_others(s);

    *p = (mms_select_plain){0};
    plain = plain && (!s->scan || read_scans(s->scan, p));
    plain = plain && (!s->field || read_fields(ms, s->field, names, p));
    plain = plain && (!s->spw || read_windows(ms, windows, spw, p));
    plain = plain && (!s->antenna || read_antennas(ms, s->antenna, names, p));
    plain = plain && p->nlist > 0 && has_columns(ms, p);
    if (!plain)
        mms_select_plain_free(p);
    return plain;
}

void mms_select_plain_free(mms_select_plain *p)
{
    for (int64_t i = 0; i < p->nlist; i++)
        free(p->lists[i].ranges);
    free(p->fields.ids);
    free(p->spws);
    free(p->ddids);
    *p = (mms_select_plain){0};
}

/* ---- rows -------------------------------------------------------------------------------------*/

static void mask_ids(const mms_plain_list *list, int64_t n, const int32_t *ids, uint8_t *mask)
{
    bool in = false;

    for (int64_t i = 0; i < n; i++) {
        if (i == 0 || ids[i] != ids[i - 1])
            in = holds(list, ids[i]);
        mask[i] &= in;
    }
}

static void mask_pairs(const mms_plain_list *list, int64_t n, const int32_t *a, const int32_t *b,
                       uint8_t *mask)
{
    for (int64_t i = 0; i < n; i++)
        mask[i] &= a[i] != b[i] && (holds(list, a[i]) || holds(list, b[i]));
}

mms_status mms_select_plain_rows(const mms_select_plain *p, mms_ms *ms, mms_rows rows,
                                 uint8_t *mask, mms_error *err)
{
    const int64_t n = rows.count;
    int32_t *const ids = mms_alloc(2 * n, sizeof *ids);
    mms_status st;

    MMS_TRY(ids ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "selection: out of memory"));
    for (int64_t i = 0; i < p->nlist && memchr(mask, 1, (size_t)n); i++) {
        const mms_plain_list *const list = &p->lists[i];
        MMS_TRY(mms_ms_read(ms, list->columns[0], 1, &rows, n, ids, err));
        if (!list->columns[1]) {
            mask_ids(list, n, ids, mask);
            continue;
        }
        MMS_TRY(mms_ms_read(ms, list->columns[1], 1, &rows, n, ids + n, err));
        mask_pairs(list, n, ids, ids + n, mask);
    }
done:
    free(ids);
    return st;
}
