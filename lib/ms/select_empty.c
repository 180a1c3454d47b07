/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file select_empty.c  Why a selection has no rows: which expression has none of its own. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "multims/select.h"
#include "rows.h"
#include "select_has_priv.h"

/* CASA's words, which its users know. */
static const char null_selection[] = "MSSelectionNullSelection : The selected table has zero rows.";

static bool is_given(const char *text)
{
    return text && text[strspn(text, " \t\n")];
}

/** Whether any row is selected; true when that can't be found out. */
static bool has_rows(mms_ms *ms, const mms_select *select)
{
    const mms_level level = mms_log_limit(MMS_LOG_ERROR); // said before, for the whole selection
    mms_selection *s = NULL;
    bool any;

    if (mms_selection_create(ms, select, &s, NULL) != MMS_OK ||
        mms_rows_any(ms, s, &any, NULL) != MMS_OK)
        any = true;
    mms_selection_free(&s);
    mms_log_limit(level);
    return any;
}

/** The rows of the given expressions number i and j, which may be the same. */
static bool pair_has_rows(mms_ms *ms, mms_select *select, int i, int j)
{
    mms_select pair = {0};

    *mms_select_at(&pair, i) = *mms_select_at(select, i);
    *mms_select_at(&pair, j) = *mms_select_at(select, j);
    return has_rows(ms, &pair);
}

static mms_status refuse_one(mms_ms *ms, mms_select *select, int i, mms_error *err)
{
    const char *const key = mms_select_name(i), *const text = *mms_select_at(select, i);
    char *const has = mms_select_has(ms, key);

    if (!strcmp(key, "feed") && has)
        mms_fail(err, MMS_ERR_EMPTY,
                 "feed=\"%s\": no rows; the input has %s, and feed=\"0\" means pairs of different "
                 "feeds, 0&&& feed 0 with itself (%s)",
                 text, has, null_selection);
    else
        mms_fail(err, MMS_ERR_EMPTY, "%s=\"%s\": no rows%s%s (%s)", key, text,
                 has ? "; the input has " : "", has ? has : "", null_selection);
    free(has);
    return MMS_ERR_EMPTY;
}

mms_status mms_selection_refuse_empty(mms_ms *ms, const mms_select *select, mms_error *err)
{
    mms_select given = *select;
    mms_text list = {0};

    if (mms_ms_nrow(ms) == 0)
        return mms_fail(err, MMS_ERR_EMPTY, "%s has no rows (%s)", mms_ms_path(ms), null_selection);
    for (int i = 0; i < MMS_SELECT_COUNT; i++)
        if (is_given(*mms_select_at(&given, i)) && !pair_has_rows(ms, &given, i, i))
            return refuse_one(ms, &given, i, err);
    for (int i = 0; i < MMS_SELECT_COUNT; i++)
        for (int j = i + 1; j < MMS_SELECT_COUNT; j++)
            if (is_given(*mms_select_at(&given, i)) && is_given(*mms_select_at(&given, j)) &&
                !pair_has_rows(ms, &given, i, j))
                return mms_fail(err, MMS_ERR_EMPTY,
                                "%s=\"%s\" and %s=\"%s\": each has rows, but none in common (%s)",
                                mms_select_name(i), *mms_select_at(&given, i), mms_select_name(j),
                                *mms_select_at(&given, j), null_selection);
    for (int i = 0; i < MMS_SELECT_COUNT; i++)
        if (is_given(*mms_select_at(&given, i)))
            mms_text_add(&list, "%s%s=\"%s\"", list.length ? ", " : "", mms_select_name(i),
                         *mms_select_at(&given, i));
    mms_fail(err, MMS_ERR_EMPTY, "%s: no rows in common (%s)", list.text ? list.text : "selection",
             null_selection);
    free(list.text);
    return MMS_ERR_EMPTY;
}
