/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file combine.c  Rows of several windows as one row (transform-numerics 6.7). */
#include <string.h>

#include "base/base_priv.h"
#include "regrid_priv.h"

/** CASA's bound for a channel that is covered. */
static const double covered = 0.999999;

/** What is used of the shares of a channel, for one correlation. */
struct use {
    const mms_combination *c;
    const mms_combination_in *in;
    int64_t channel, corr;
    bool exact;
};

static bool has_row(const mms_combination_in *in, const mms_share *s)
{
    return in->flag[s->window] != NULL;
}

static bool is_good(const struct use *u, const mms_share *s)
{
    const uint8_t *flag = u->in->flag[s->window];

    return flag && !flag[s->channel * u->in->ncorr + u->corr];
}

/** Whether a share that is not whole counts: CASA drops those of a window where their number is odd
 *  beside a whole share, flagged or not. */
static bool counts(const struct use *u, const mms_share *first, const mms_share *end,
                   const mms_share *s)
{
    bool whole = false;
    int n = 0;

    if (u->exact || s->fraction >= 1)
        return true;
    for (const mms_share *t = first; t < end; t++) {
        whole = whole || (t->fraction >= 1 && has_row(u->in, t));
        n += t->window == s->window && t->fraction < 1 && is_good(u, t);
    }
    return n % 2 == 0 || !whole;
}

/** Sums over the shares of a channel. */
struct sums {
    double fraction;
    float weight[2], by_weight; /* by_weight: of fraction and weight, in exact numerics */
    float column[MMS_MAX_KINDS][2], weighted[MMS_MAX_KINDS][2];
};

static void add(const struct use *u, const mms_share *s, struct sums *sum)
{
    const mms_combination_in *in = u->in;
    const int64_t cell = s->channel * in->ncorr + u->corr;
    const float fraction = (float)s->fraction;
    const float weight = in->nweight ? fraction * in->weight[0][s->window][cell] : 0;

    sum->fraction += s->fraction;
    sum->by_weight += weight;
    for (int i = 0; i < in->nweight; i++)
        sum->weight[i] += fraction * in->weight[i][s->window][cell];
    for (int i = 0; i < in->ncolumn; i++)
        for (int part = 0; part < in->nfloat[i]; part++) {
            const float x = in->column[i][s->window][cell * in->nfloat[i] + part];
            sum->column[i][part] += fraction * x;
            if (u->exact)
                sum->weighted[i][part] += weight * x;
        }
}

static float quotient(float sum, double by)
{
    return by > 0 ? (float)((double)sum / by) : 0;
}

static void put(const struct use *u, const struct sums *sum, mms_combination_out *out)
{
    const mms_combination_in *in = u->in;
    const int64_t cell = u->channel * in->ncorr + u->corr;
    const bool weighted = u->exact && sum->by_weight > 0;

    out->flag[cell] = (uint8_t) !(sum->fraction >= covered);
    for (int i = 0; i < in->nweight; i++)
        out->weight[i][cell] = u->exact ? sum->weight[i] : quotient(sum->weight[i], sum->fraction);
    for (int i = 0; i < in->ncolumn; i++)
        for (int part = 0; part < in->nfloat[i]; part++)
            out->column[i][cell * in->nfloat[i] + part] =
                weighted ? quotient(sum->weighted[i][part], (double)sum->by_weight)
                         : quotient(sum->column[i][part], sum->fraction);
}

/** Combine one channel. */
static void mix_channel(struct use *u, mms_combination_out *out)
{
    const mms_share *first = u->c->share + u->c->first[u->channel];
    const mms_share *end = u->c->share + u->c->first[u->channel + 1];

    for (u->corr = 0; u->corr < u->in->ncorr; u->corr++) {
        struct sums sum = {0};
        for (const mms_share *s = first; s < end; s++)
            if (is_good(u, s) && counts(u, first, end, s))
                add(u, s, &sum);
        put(u, &sum, out);
    }
}

/* ---- channels that are one of a window
 * ---------------------------------------------------------*/

/** Count channels from j on that are whole channels of one window, in its order. */
static int64_t find_run(const mms_combination *c, int64_t j)
{
    const mms_share *s = c->share + c->first[j];
    int64_t n = 0;

    while (j + n < c->nchan && c->first[j + n + 1] == c->first[j + n] + 1 &&
           s[n].window == s[0].window && s[n].fraction >= 1 && s[n].channel == s[0].channel + n)
        n++;
    return n;
}

/** Copy cells of n channels; those that are flagged become 0. */
static void copy_cells(int64_t n, int nfloat, const float *from, const uint8_t *flag, float *to)
{
    memcpy(to, from, (size_t)(n * nfloat) * sizeof *to);
    for (int64_t i = 0; flag && i < n; i++)
        for (int part = 0; flag[i] && part < nfloat; part++)
            to[i * nfloat + part] = 0;
}

static void copy_run(const mms_combination *c, const mms_combination_in *in, int64_t j, int64_t n,
                     mms_combination_out *out)
{
    const mms_share *s = c->share + c->first[j];
    const int64_t cells = n * in->ncorr, at = j * in->ncorr, from = s->channel * in->ncorr;
    const uint8_t *flag = in->flag[s->window] + from;

    memcpy(out->flag + at, flag, (size_t)cells);
    flag = mms_flags_or_null(flag, cells);
    for (int i = 0; i < in->ncolumn; i++)
        copy_cells(cells, in->nfloat[i], in->column[i][s->window] + from * in->nfloat[i], flag,
                   out->column[i] + at * in->nfloat[i]);
    for (int i = 0; i < in->nweight; i++)
        copy_cells(cells, 1, in->weight[i][s->window] + from, flag, out->weight[i] + at);
}

static void empty_run(const mms_combination_in *in, int64_t j, int64_t n, mms_combination_out *out)
{
    const int64_t cells = n * in->ncorr, at = j * in->ncorr;

    memset(out->flag + at, 1, (size_t)cells);
    for (int i = 0; i < in->ncolumn; i++)
        memset(out->column[i] + at * in->nfloat[i], 0,
               (size_t)(cells * in->nfloat[i]) * sizeof(float));
    for (int i = 0; i < in->nweight; i++)
        memset(out->weight[i] + at, 0, (size_t)cells * sizeof(float));
}

mms_status mms_combination_apply(const mms_combination *combination, mms_numerics numerics,
                                 const mms_combination_in *in, mms_combination_out *out,
                                 mms_error *err)
{
    const mms_combination *c = combination;
    struct use u = {c, in, 0, 0, numerics == MMS_NUMERICS_EXACT};
    int32_t nrow = 0;

    for (int32_t w = 0; w < c->nwindow; w++)
        nrow += in->flag[w] != NULL;
    if (!nrow)
        return mms_fail(err, MMS_ERR_SHAPE, "combinespws: no row to combine");
    for (int64_t j = 0, n; j < c->nchan; j += n) {
        n = find_run(c, j);
        if (n && has_row(in, c->share + c->first[j])) {
            copy_run(c, in, j, n, out);
        } else if (n) {
            empty_run(in, j, n, out);
        } else {
            u.channel = j;
            mix_channel(&u, out);
            n = 1;
        }
    }
    return MMS_OK;
}
