/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file products.c  Correlation expressions, and the numbers that they take (in-place 1.1). */
#include <assert.h>
#include <complex.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/wide_priv.h"
#include "flag.h"

enum { XX, YY, XY, YX, RR, LL, LR, RL, STOKES_I, STOKES_Q, STOKES_U, STOKES_V };

static const char *const names[MMS_FLAG_PRODUCTS] = {"XX", "YY", "XY", "YX", "RR", "LL",
                                                     "LR", "RL", "I",  "Q",  "U",  "V"};

static bool is_word(const char *word, size_t n, const char *name)
{
    return strlen(name) == n && !strncasecmp(word, name, n);
}

static bool take_operator(const char *word, size_t n, mms_flag_expression *out)
{
    static const char *const words[] = {"ABS", "REAL", "IMAG", "ARG", "NORM"};

    for (int i = 0; i < 5; i++)
        if (is_word(word, n, words[i])) {
            out->operation = (mms_flag_operator)i;
            out->given = true;
            return true;
        }
    return false;
}

static bool take_product(const char *word, size_t n, mms_flag_expression *out)
{
    if (is_word(word, n, "ALL"))
        return out->all = true;
    if (is_word(word, n, "WVR"))
        return out->wvr = true;
    for (int i = 0; i < MMS_FLAG_PRODUCTS; i++)
        if (is_word(word, n, names[i]))
            return out->product[i] = true;
    return false;
}

mms_status mms_flag_expression_read(const char *text, mms_flag_expression *out, mms_error *err)
{
    static const char separators[] = "_, ;";
    bool first = true, named = false;

    *out = (mms_flag_expression){0};
    for (const char *word = text + strspn(text, separators); *word; first = false) {
        const size_t n = strcspn(word, separators);
        const bool operation = first && take_operator(word, n, out);
        if (!operation && !take_product(word, n, out))
            return mms_fail(err, MMS_ERR_ARG,
                            "correlation \"%s\": \"%.*s\" is neither ABS, REAL, IMAG, ARG, NORM "
                            "nor a product",
                            text, (int)n, word);
        named = named || !operation;
        word += n + strspn(word + n, separators);
    }
    if (out->given && !named)
        return mms_fail(err, MMS_ERR_ARG, "correlation \"%s\": Unknown polarization requested",
                        text);
    out->all = out->all || !named;
    return MMS_OK;
}

static int32_t find(int32_t ncorr, const char *const *have, const char *name)
{
    for (int32_t i = 0; i < ncorr; i++)
        if (!strcmp(have[i], name))
            return i;
    return -1;
}

/** Make a product of two stored ones; false when they are not there. */
static bool combine(int32_t ncorr, const char *const *have, const char *first, const char *second,
                    int32_t sign, bool turned, mms_flag_product *out)
{
    *out = (mms_flag_product){find(ncorr, have, first), find(ncorr, have, second), sign, turned};
    return out->first >= 0 && out->second >= 0;
}

/** Signs of Q, U, V are CASA's: thresholds are tuned to them. */
static bool find_product(int product, int32_t ncorr, const char *const *have, mms_flag_product *out)
{
    static const struct {
        const char *first, *second;
        int32_t sign;
        bool turned;
    } linear[] = {{"XX", "YY", 1, false},
                  {"XX", "YY", -1, false},
                  {"XY", "YX", -1, false},
                  {"XY", "YX", -1, true}},
      circular[] = {{"RR", "LL", 1, false},
                    {"RL", "LR", -1, false},
                    {"RL", "LR", -1, true},
                    {"RR", "LL", -1, true}};
    const int k = product - STOKES_I;

    *out = (mms_flag_product){find(ncorr, have, names[product]), -1, 1, false};
    if (out->first >= 0)
        return true;
    return k >= 0 && (combine(ncorr, have, linear[k].first, linear[k].second, linear[k].sign,
                              linear[k].turned, out) ||
                      combine(ncorr, have, circular[k].first, circular[k].second, circular[k].sign,
                              circular[k].turned, out));
}

int32_t mms_flag_expression_products(const mms_flag_expression *e, int32_t ncorr,
                                     const char *const *have, mms_flag_product *products)
{
    const int32_t total = find(ncorr, have, "I");
    int32_t n = 0;

    if (total >= 0 || e->wvr) { // total power and radiometers: on demand alone
        if (total >= 0 && e->wvr)
            products[n++] = (mms_flag_product){total, -1, 1, false};
        return n;
    }
    if (e->all) {
        for (int32_t i = 0; i < ncorr; i++)
            products[n++] = (mms_flag_product){i, -1, 1, false};
        return n;
    }
    for (int i = 0, first = 1; i < MMS_FLAG_PRODUCTS; i++) {
        if (!e->product[i])
            continue;
        if (find_product(i, ncorr, have, &products[n]))
            n++;
        else if (first)
            return 0;
        first = 0;
    }
    assert(n <= ncorr + MMS_FLAG_PRODUCTS);
    return n;
}

/** v over i; parts are moved, not multiplied, so that infinities stay what they are. */
static mms_complex turn_back(mms_complex v)
{
    const float parts[2] = {cimagf(v), -crealf(v)};

    memcpy(&v, parts, sizeof v);
    return v;
}

mms_complex mms_flag_product_value(const mms_flag_product *p, const mms_complex *vis)
{
    mms_complex v = vis[p->first];

    assert(p->first >= 0 && p->first != p->second);
    if (p->second < 0)
        return v;
    v = (v + (float)p->sign * vis[p->second]) / 2.0F;
    return p->turned ? turn_back(v) : v;
}

/** As hypotf(), whose result is that of double precision, too. */
static float magnitude(float re, float im)
{
    const double square = (double)re * (double)re + (double)im * (double)im;

    return isfinite(square) ? (float)sqrt(square) : hypotf(re, im);
}

float mms_flag_number(mms_flag_operator operation, mms_complex value)
{
    const float re = crealf(value), im = cimagf(value);

    switch (operation) {
    case MMS_FLAG_REAL:
        return re;
    case MMS_FLAG_IMAG:
        return im;
    case MMS_FLAG_ARG:
        return atan2f(im, re);
    case MMS_FLAG_NORM:
        return re * re + im * im;
    default:
        return magnitude(re, im);
    }
}

/** The absolute values; how many of them are finite. */
MMS_WIDEST static int64_t find_sizes(int64_t n, const float *parts, float *numbers)
{
    int64_t finite = 0;

    for (int64_t i = 0; i < n; i++) {
        const double re = (double)parts[2 * i], im = (double)parts[2 * i + 1];
        numbers[i] = (float)sqrt(re * re + im * im);
        finite += numbers[i] <= FLT_MAX;
    }
    return finite;
}

void mms_flag_numbers(mms_flag_operator operation, int64_t n, const mms_complex *values,
                      float *numbers)
{
    const bool sizes = operation == MMS_FLAG_ABS;
    const int64_t finite = sizes ? find_sizes(n, (const float *)values, numbers) : 0;

    for (int64_t i = 0; i < n && finite < n; i++)
        numbers[i] = mms_flag_number(operation, values[i]);
}

bool mms_flag_all_stored(int32_t n, const mms_flag_product *products, int32_t ncorr)
{
    bool all = n == ncorr;

    for (int32_t i = 0; i < n && all; i++)
        all = products[i].first == i && products[i].second < 0;
    return all;
}
