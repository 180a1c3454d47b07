/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file judge.c  Two UVH5 files, or a file and the MS that it was made from or became: headers,
 *  which baseline-times there are, and in workers their values. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "multims/check.h"
#include "orders_priv.h"
#include "side_priv.h"

typedef struct judging {
    const mms_uvh5_judged *asked;
    const mms_host *host;
    mms_report report;
    mms_uvh5_side a, b;
    int64_t *to, *from; /**< [a.nblt]: of b; [b.nblt]: of a */
} judging;

/** The column that the file says, if the set has it: one that was imported has it as DATA. */
static mms_status find_column(const mms_uvh5_in *in, const char *vis, const char **word,
                              mms_error *err)
{
    static const char *const columns[][2] = {{MMS_COL_CORRECTED_DATA, "corrected"},
                                             {MMS_COL_MODEL_DATA, "model"},
                                             {MMS_COL_FLOAT_DATA, "float_data"}};
    mms_value *column = NULL;
    mms_ms *ms = NULL;
    mms_status st;

    *word = "data";
    MMS_TRY(mms_uvh5_in_text(in, "Header/extra_keywords/DATA_COL", &column, err));
    if (!column)
        return MMS_OK;
    MMS_TRY(mms_ms_open(vis, &ms, err));
    for (int64_t i = 0; i < MMS_COUNT_OF(columns); i++)
        if (!strcmp(columns[i][0], json_string_value(column)) &&
            mms_ms_find_column(ms, columns[i][0]))
            *word = columns[i][1];
done:
    mms_value_free(&column);
    mms_ms_close(&ms);
    return st;
}

mms_status mms_uvh5_open_sides(const mms_uvh5_judged *judged, const mms_host *host,
                               mms_uvh5_side *a, mms_uvh5_side *b, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_uvh5_side_file(b, judged->file, err));
    if (judged->other) {
        MMS_TRY(mms_uvh5_side_file(a, judged->other, err));
        return MMS_OK;
    }
    a->asked = *judged->against;
    if (!*a->asked.datacolumn)
        MMS_TRY(find_column(&b->in, a->asked.vis, &a->asked.datacolumn, err));
    a->path = a->asked.vis;
    if (judged->from_history)
        MMS_TRY(mms_uvh5_take_asked(a, b, err));
    MMS_TRY(mms_uvh5_side_ms(a, &a->asked, host, err));
done:
    return st;
}

/* ---- headers ----------------------------------------------------------------------------------*/

static void check_frequencies(judging *j)
{
    const mms_uvh5_side *const a = &j->a, *const b = &j->b;
    mms_check check;

    mms_check_start(&check, &j->report, "frequencies");
    if (a->nfreq != b->nfreq)
        mms_check_add(&check, NULL, "%s has %" PRId64 " channels, %s %" PRId64, a->path, a->nfreq,
                      b->path, b->nfreq);
    for (int64_t c = 0; a->nfreq == b->nfreq && c < a->nfreq; c++) {
        if (a->window[c] != b->window[c])
            mms_check_add(&check, NULL,
                          "channel %" PRId64 ": spectral window %" PRId64 ", %" PRId64, c,
                          a->window[c], b->window[c]);
        if (a->freq_hz[c] != b->freq_hz[c])
            mms_check_add(&check, NULL, "channel %" PRId64 ": freq_array %.17g, %.17g", c,
                          a->freq_hz[c], b->freq_hz[c]);
        if (a->width_hz[c] != b->width_hz[c])
            mms_check_add(&check, NULL, "channel %" PRId64 ": channel_width %.17g, %.17g", c,
                          a->width_hz[c], b->width_hz[c]);
    }
    mms_check_end(&check, MMS_OK, NULL);
}

/** Polarizations may stand in another order. */
static void check_polarizations(judging *j)
{
    const mms_uvh5_side *const a = &j->a, *const b = &j->b;
    mms_check check;

    mms_check_start(&check, &j->report, "polarizations");
    if (a->npol != b->npol)
        mms_check_add(&check, NULL, "%s has %" PRId64 " polarizations, %s %" PRId64, a->path,
                      a->npol, b->path, b->npol);
    for (int64_t p = 0; p < a->npol; p++) {
        int64_t q = 0;
        while (q < b->npol && b->codes[q] != a->codes[p])
            q++;
        if (q == b->npol)
            mms_check_add(&check, NULL, "%s is not in %s", mms_uvh5_pol_name(a->codes[p]), b->path);
    }
    mms_check_end(&check, MMS_OK, NULL);
}

static void compare_station(mms_check *check, const mms_uvh5_station *a, const mms_uvh5_station *b)
{
    double off = 0;

    for (int k = 0; k < 3; k++)
        off = fmax(off, fabs(a->itrf_m[k] - b->itrf_m[k]));
    if (!(off < 1e-4))
        mms_check_add(check, NULL, "antenna %" PRId64 ": positions differ by %.3g m", a->number,
                      off);
    if (strcmp(a->name, b->name))
        mms_check_add(check, NULL, "antenna %" PRId64 ": name \"%s\", \"%s\"", a->number, a->name,
                      b->name);
    if (a->dish_m != b->dish_m)
        mms_check_add(check, NULL, "antenna %" PRId64 ": diameter %g, %g m", a->number, a->dish_m,
                      b->dish_m);
    if (a->mount && b->mount && strcmp(a->mount, b->mount))
        mms_check_add(check, NULL, "antenna %" PRId64 ": mount \"%s\", \"%s\"", a->number, a->mount,
                      b->mount);
}

static void check_antennas(judging *j)
{
    const mms_uvh5_side *const a = &j->a, *const b = &j->b;
    mms_check check;

    mms_check_start(&check, &j->report, "antennas");
    if (a->nstation != b->nstation)
        mms_check_add(&check, NULL, "%s has %" PRId64 " antennas, %s %" PRId64, a->path,
                      a->nstation, b->path, b->nstation);
    if (strcmp(a->telescope, b->telescope))
        mms_check_add(&check, NULL, "telescope \"%s\", \"%s\"", a->telescope, b->telescope);
    for (int64_t i = 0; i < a->nstation; i++) {
        int64_t k = i < b->nstation && b->stations[i].number == a->stations[i].number ? i : 0;
        while (k < b->nstation && b->stations[k].number != a->stations[i].number)
            k++;
        if (k == b->nstation)
            mms_check_add(&check, NULL, "antenna %" PRId64 " is not in %s", a->stations[i].number,
                          b->path);
        else
            compare_station(&check, &a->stations[i], &b->stations[k]);
    }
    mms_check_end(&check, MMS_OK, NULL);
}

static void check_centres(judging *j)
{
    const mms_uvh5_side *const a = &j->a, *const b = &j->b;
    mms_check check;

    mms_check_start(&check, &j->report, "phase centres");
    for (int64_t i = 0; i < a->ncentre; i++) {
        const mms_uvh5_centre *const c = &a->centres[i], *d = b->centres;
        while (d < b->centres + b->ncentre && d->id != c->id)
            d++;
        if (d == b->centres + b->ncentre)
            mms_check_add(&check, NULL, "phase centre %" PRId64 " (\"%s\") is not in %s", c->id,
                          c->name, b->path);
        else if (strcmp(c->name, d->name) || strcmp(c->frame, d->frame) || c->lon != d->lon ||
                 c->lat != d->lat)
            mms_check_add(&check, NULL,
                          "phase centre %" PRId64 ": \"%s\" %s %.17g %.17g, \"%s\" %s %.17g %.17g",
                          c->id, c->name, c->frame, c->lon, c->lat, d->name, d->frame, d->lon,
                          d->lat);
    }
    mms_check_end(&check, MMS_OK, NULL);
}

/* ---- rows -------------------------------------------------------------------------------------*/

static void add_lonely(mms_check *check, const mms_uvh5_side *s, int64_t i, const char *other)
{
    mms_check_add(check, NULL,
                  "baseline-time %" PRId64 " of %s (antennas %" PRId64 ", %" PRId64
                  ", JD %.9f) is not in %s",
                  i, s->path, s->ant1[i], s->ant2[i], s->jd[i], other);
}

/** Padding of all windows is no row of an MS. */
static mms_status is_padding(mms_uvh5_side *s, int64_t i, bool *is, mms_error *err)
{
    const mms_status st = mms_uvh5_side_read(s, 1, &i, err);

    *is = true;
    for (int64_t k = 0; st == MMS_OK && k < s->nfreq * s->npol; k++)
        *is = *is && s->values.flags[k] && s->values.vis[k][0] == 0 && s->values.vis[k][1] == 0;
    return st;
}

static mms_status check_rows(judging *j, mms_error *err)
{
    mms_check check;
    mms_status st;

    j->to = mms_alloc(j->a.nblt, sizeof *j->to);
    j->from = mms_alloc(j->b.nblt, sizeof *j->from);
    if (!j->to || !j->from)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", j->b.path);
    mms_check_start(&check, &j->report, "rows");
    MMS_TRY(mms_uvh5_match(&j->a, &j->b, j->to, err));
    for (int64_t i = 0; i < j->b.nblt; i++)
        j->from[i] = -1;
    for (int64_t i = 0; i < j->a.nblt; i++)
        if (j->to[i] >= 0)
            j->from[j->to[i]] = i;
        else
            add_lonely(&check, &j->a, i, j->b.path);
    for (int64_t i = 0; i < j->b.nblt; i++) {
        bool padding = false;
        if (j->from[i] < 0 && j->a.is_ms)
            MMS_TRY(is_padding(&j->b, i, &padding, err));
        if (j->from[i] < 0 && !padding)
            add_lonely(&check, &j->b, i, j->a.path);
    }
done:
    mms_check_end(&check, st, NULL);
    return st;
}

/** Times that a JD cannot hold may come back by one step of it. */
static bool same_time(const judging *j, int64_t i, int64_t k)
{
    if (j->a.jd[i] == j->b.jd[k])
        return true;
    return j->a.is_ms && j->a.plan.blts[i].time_s == mms_uvh5_time_s(j->b.jd[k]);
}

static void check_numbers(judging *j)
{
    const mms_uvh5_side *const a = &j->a, *const b = &j->b;
    mms_check times, exposures, uvws, scans;

    mms_check_start(&times, &j->report, "times");
    mms_check_start(&exposures, &j->report, "integration_time");
    mms_check_start(&uvws, &j->report, "uvw");
    mms_check_start(&scans, &j->report, "scans");
    for (int64_t i = 0; i < a->nblt; i++) {
        const int64_t k = j->to[i];
        if (k < 0)
            continue;
        const double *const p = a->uvw_m + 3 * i, *const q = b->uvw_m + 3 * k;
        if (!same_time(j, i, k))
            mms_check_add(&times, NULL, "baseline-time %" PRId64 ": JD %.17g, %.17g", k, a->jd[i],
                          b->jd[k]);
        if (a->exposure_s[i] != b->exposure_s[k])
            mms_check_add(&exposures, NULL, "baseline-time %" PRId64 ": %.17g, %.17g s", k,
                          a->exposure_s[i], b->exposure_s[k]);
        if (p[0] != q[0] || p[1] != q[1] || p[2] != q[2])
            mms_check_add(&uvws, NULL,
                          "baseline-time %" PRId64 ": (%.9g, %.9g, %.9g), (%.9g, %.9g, %.9g) m%s",
                          k, p[0], p[1], p[2], q[0], q[1], q[2],
                          p[0] == -q[0] && p[1] == -q[1] ? ": the other sign" : "");
        if (a->scan[i] != b->scan[k] && (!a->is_ms || b->is_ours))
            mms_check_add(&scans, NULL, "baseline-time %" PRId64 ": %" PRId64 ", %" PRId64, k,
                          a->scan[i], b->scan[k]);
    }
    mms_check_end(&times, MMS_OK, NULL);
    mms_check_end(&exposures, MMS_OK, NULL);
    mms_check_end(&uvws, MMS_OK, NULL);
    mms_check_end(&scans, MMS_OK, NULL);
}

/* ---- values, in workers -----------------------------------------------------------------------*/

static mms_value *make_order(const judging *j, int64_t part, int64_t nparts)
{
    const mms_uvh5_judged *const q = j->asked;
    char *const file = mms_path_absolute(q->file);
    char *const other = mms_path_absolute(q->other ? q->other : j->a.asked.vis);
    mms_uvh5_judge_order o = {.file = file ? file : "",
                              .other = other ? other : "",
                              .is_ms = q->other == NULL,
                              .part = part,
                              .nparts = nparts,
                              .show = q->show,
                              .rtol = q->rtol,
                              .atol = q->atol};

    if (o.is_ms) {
        o.request = j->a.asked;
        o.request.how.tiles = q->against->how.tiles;
    }
    mms_value *const order = mms_uvh5_judge_order_encode(&o);
    free(file);
    free(other);
    return order;
}

static void merge_findings(mms_check *check, int64_t count, const mms_value *texts)
{
    const int64_t n = (int64_t)json_array_size(texts);

    for (int64_t i = 0; i < n; i++)
        mms_check_add(check, NULL, "%s", json_string_value(json_array_get(texts, (size_t)i)));
    for (int64_t i = n; i < count; i++)
        mms_check_skip(check);
}

static void merge_answers(judging *j, int64_t n, const mms_answer *answers)
{
    for (int k = 0; k < MMS_UVH5_NVALUES; k++) {
        mms_check check;
        mms_check_start(&check, &j->report, "%s", mms_uvh5_values_name(k));
        for (int64_t i = 0; i < n; i++) {
            const mms_value *texts;
            int64_t count;
            mms_uvh5_found_decode(answers[i].value, k, &count, &texts);
            merge_findings(&check, count, texts);
        }
        mms_check_end(&check, MMS_OK, NULL);
    }
}

static mms_status check_values(judging *j, mms_error *err)
{
    const double values = (double)j->b.nblt * (double)(j->b.nfreq * j->b.npol);
    mms_engine_rules rules = MMS_ENGINE_RULES_INIT;
    mms_engine *engine;
    mms_status st = j->host->engine(j->host->ctx, &engine, err);
    const int64_t most = st == MMS_OK ? mms_engine_workers(engine) : 1;
    const int64_t n = values > 1e5 ? most : 1;
    mms_value **const units = mms_alloc(n, sizeof(void *));
    const char **const names = mms_alloc(n, sizeof(void *));
    mms_answer *const answers = mms_alloc(n, sizeof *answers);

    if (st == MMS_OK && (!units || !names || !answers))
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", j->b.path);
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        names[i] = j->b.path;
        units[i] = make_order(j, i, n);
        if (!units[i])
            st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", j->b.path);
    }
    rules.repeatable = true;
    if (st == MMS_OK) {
        mms_engine_set_rules(engine, &rules);
        st = mms_engine_run(engine, j->host->task, n, names, units, answers, err);
        if (st == MMS_OK)
            merge_answers(j, n, answers);
        mms_answers_free(n, answers);
    }
    mms_values_free(n, units);
    free(names);
    free(answers);
    return st;
}

static mms_status compare(judging *j, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_uvh5_open_sides(j->asked, j->host, &j->a, &j->b, err));
    check_frequencies(j);
    check_polarizations(j);
    check_antennas(j);
    check_centres(j);
    MMS_TRY(check_rows(j, err));
    check_numbers(j);
    if (j->a.nfreq == j->b.nfreq)
        MMS_TRY(check_values(j, err));
done:
    return st;
}

mms_status mms_uvh5_judge(const mms_uvh5_judged *judged, const mms_host *host, mms_value *result,
                          mms_error *err)
{
    judging j = {.asked = judged, .host = host};
    mms_status st = mms_report_start(&j.report, judged->show, err);

    bool sound = true;
    if (st == MMS_OK && !judged->other)
        st = mms_uvh5_check_alone(judged, &j.report, &sound, err);
    if (st == MMS_OK && judged->other)
        st = mms_uvh5_in_try(judged->file, err);
    if (st == MMS_OK && judged->other)
        st = mms_uvh5_in_try(judged->other, err);
    if (st == MMS_OK && sound && (judged->other || judged->against))
        st = compare(&j, err);
    st = mms_report_finish(&j.report, st, result, err);
    mms_uvh5_side_end(&j.a);
    mms_uvh5_side_end(&j.b);
    free(j.to);
    free(j.from);
    return st;
}
