/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file statwt_words.c  The parameters of statwt as what is asked of every row
 * (transform-numerics 7.2).
 */
#include "statwt_priv.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/base_priv.h"
#include "flag_words_priv.h"

static mms_status read_combine(const char *text, mms_statwt_asked *out, mms_error *err)
{
    static const char *const words[] = {"scan", "field", "state", "corr"};
    bool *const members[] = {&out->scan, &out->field, &out->state, &out->corr};

    while (*(text += strspn(text, ", "))) {
        const size_t n = strcspn(text, ", ");
        bool known = false;
        for (int i = 0; i < 4; i++)
            if (strlen(words[i]) == n && !strncasecmp(words[i], text, n)) {
                *members[i] = known = true;
            }
        if (!known)
            return mms_fail(err, MMS_ERR_ARG,
                            "parameter combine: %.*s is not one of scan, field, state, corr",
                            (int)n, text);
        text += n;
    }
    return MMS_OK;
}

static mms_status read_algorithm(const char *text, mms_statwt_algorithm *out, mms_error *err)
{
    static const char *const words[] = {"classic", "chauvenet", "fit-half", "hinges-fences"};
    int found = -1, n = 0;

    for (int i = 0; i < 4; i++)
        if (*text && !strncasecmp(words[i], text, strlen(text))) {
            found = i;
            n++;
        }
    if (n != 1)
        return mms_fail(err, MMS_ERR_ARG,
                        "Unsupported value for 'statalg': parameter statalg: %s is not one of "
                        "classic, chauvenet, fit-half, hinges-fences, nor the beginning of one",
                        text);
    *out = (mms_statwt_algorithm)found;
    return MMS_OK;
}

static mms_status read_range(const char *text, mms_statwt_asked *out, mms_error *err)
{
    mms_value *range = NULL;
    mms_status st = MMS_OK;

    if (*text)
        st = mms_flag_value("wtrange", text, &range, err);
    const size_t n = json_array_size(range);
    const double low = json_number_value(json_array_get(range, 0));
    const double high = json_number_value(json_array_get(range, 1));
    const bool numbers = n == 2 && json_is_number(json_array_get(range, 0)) &&
                         json_is_number(json_array_get(range, 1));
    if (st == MMS_OK && *text && (!json_is_array(range) || n > 0) && !numbers)
        st = mms_fail(err, MMS_ERR_ARG,
                      "parameter wtrange: %s: Array specified in 'wtrange' must have exactly two "
                      "values",
                      text);
    else if (st == MMS_OK && numbers && (low < 0 || high < 0))
        st = mms_fail(err, MMS_ERR_ARG, "parameter wtrange: %s: weights are 0 or more", text);
    out->ranged = st == MMS_OK && numbers;
    out->low = fmin(low, high);
    out->high = fmax(low, high);
    mms_value_free(&range);
    return st;
}

static mms_statwt_center center_of(const char *word)
{
    return !strcmp(word, "mean")     ? MMS_STATWT_MEAN
           : !strcmp(word, "median") ? MMS_STATWT_MEDIAN
                                     : MMS_STATWT_ZERO;
}

mms_status mms_statwt_ask(const struct mms_statwt_words *p, mms_statwt_asked *out, mms_error *err)
{
    mms_status st;

    *out = (mms_statwt_asked){.how = {.minsamp = p->minsamp,
                                      .maxiter = p->maxiter,
                                      .fence = p->fence,
                                      .zscore = p->zscore,
                                      .center = center_of(p->center),
                                      .lside = p->lside},
                              .fitspw = p->fitspw,
                              .slides = p->slidetimebin,
                              .excludechans = p->excludechans,
                              .keeps_outside = strcmp(p->numerics, "exact") != 0};
    MMS_TRY(read_combine(p->combine, out, err));
    MMS_TRY(read_algorithm(p->statalg, &out->how.algorithm, err));
    MMS_TRY(read_range(p->wtrange, out, err));
    if (p->minsamp < 2)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "parameter minsamp: %lld: Minimum size of sample must be >= 2.",
                         (long long)p->minsamp));
done:
    return st;
}
