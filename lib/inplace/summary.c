/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file summary.c  Counts of flags by scan, field, antenna, … and the report (parallel-tasks 3.2).
 */
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "flag_priv.h"

enum { KINDS = 11 };

static const char *const kinds[KINDS] = {
    "",        "array",   "observation", "scan",        "spw",
    "field",   "antenna", "correlation", "spw:channel", "spw:correlation",
    "baseline"};
enum { TOTAL, ARRAY, OBSERVATION, SCAN, SPW, FIELD, ANTENNA, CORR, SPW_CHAN, SPW_CORR, BASELINE };
enum { ANTENNA_SCAN = KINDS };

/** One sum; CORR: first is a window, second one of its correlations. */
typedef struct leaf {
    int32_t group, kind, first, second; /**< group: the field, or -1 */
    double flagged, total;
    bool used;
} leaf;

struct mms_flag_counts {
    int64_t n, capacity; /**< capacity: a power of two */
    leaf *leaves;
    bool failed;
};

static uint64_t hash(int32_t group, int32_t kind, int32_t first, int32_t second)
{
    uint64_t h = 1469598103934665603U;
    const int32_t parts[4] = {group, kind, first, second};

    for (int i = 0; i < 4; i++)
        h = (h ^ (uint32_t)parts[i]) * 1099511628211U;
    return h ^ h >> 29;
}

static leaf *find(leaf *leaves, int64_t capacity, const leaf *key)
{
    uint64_t i = hash(key->group, key->kind, key->first, key->second);

    for (;; i++) {
        leaf *l = &leaves[i & (uint64_t)(capacity - 1)];
        if (!l->used || (l->group == key->group && l->kind == key->kind && l->first == key->first &&
                         l->second == key->second))
            return l;
    }
}

static bool grow(mms_flag_counts *c)
{
    const int64_t capacity = c->capacity ? 2 * c->capacity : 256;
    leaf *leaves = mms_alloc(capacity, sizeof *leaves);

    if (!leaves)
        return false;
    for (int64_t i = 0; i < c->capacity; i++)
        if (c->leaves[i].used)
            *find(leaves, capacity, &c->leaves[i]) = c->leaves[i];
    free(c->leaves);
    c->leaves = leaves;
    c->capacity = capacity;
    return true;
}

static void add(mms_flag_counts *c, int32_t group, int32_t kind, int32_t first, int32_t second,
                double flagged, double total)
{
    leaf key = {group, kind, first, second, 0, 0, true};
    leaf *l;

    if (2 * (c->n + 1) > c->capacity && !grow(c)) {
        c->failed = true;
        return;
    }
    l = find(c->leaves, c->capacity, &key);
    if (!l->used) {
        *l = key;
        c->n++;
    }
    l->flagged += flagged;
    l->total += total;
}

/** What of the report is wanted. */
typedef struct wanted {
    bool channels, corrs, baselines, fields;
} wanted;

static bool is_true(const mms_value *command, const char *key)
{
    return json_is_true(json_object_get(command, key));
}

/** What rows that follow each other have in common, and their sums: one addition for all. */
typedef struct run {
    int64_t nrow;
    int32_t group, array, observation, scan, field;
    double flagged, total, by_corr[8];
} run;

static bool is_of_run(const run *x, const mms_flag_rows *r, int64_t row)
{
    return x->nrow > 0 && x->array == r->array[row] && x->observation == r->observation[row] &&
           x->scan == r->scan[row] && x->field == r->field[row];
}

/** Add the sums of a run of rows of one window. */
static void end_run(const mms_flag_work *w, mms_flag_counts *c, const wanted *what,
                    const mms_flag_cut *cut, const mms_flag_chunk *k, run *x)
{
    const int32_t spw = w->set.windows[k->ddid].spw, g = x->group;
    const double per_corr = (double)x->nrow * cut->nchan;

    if (x->nrow == 0)
        return;
    for (int32_t p = 0; p < k->ncorr; p++) {
        if (!cut->corr[p])
            continue;
        add(c, g, CORR, k->ddid, p, x->by_corr[p], per_corr);
        if (what->corrs)
            add(c, g, SPW_CORR, k->ddid, p, x->by_corr[p], per_corr);
    }
    add(c, g, TOTAL, 0, 0, x->flagged, x->total);
    add(c, g, ARRAY, x->array, 0, x->flagged, x->total);
    add(c, g, OBSERVATION, x->observation, 0, x->flagged, x->total);
    add(c, g, SCAN, x->scan, 0, x->flagged, x->total);
    add(c, g, SPW, spw, 0, x->flagged, x->total);
    add(c, g, FIELD, x->field, 0, x->flagged, x->total);
    *x = (run){0};
}

/** What rows of a run differ in. */
static void add_antennas(const mms_flag_work *w, mms_flag_counts *c, const wanted *what, int32_t g,
                         int64_t row, double flagged, double total)
{
    const mms_flag_rows *r = &w->rows;
    const int32_t a = r->antenna1[row], b = r->antenna2[row];

    add(c, g, ANTENNA, a, 0, flagged, total);
    if (b != a)
        add(c, g, ANTENNA, b, 0, flagged, total);
    if (!what->baselines)
        return;
    add(c, g, BASELINE, a, b, flagged, total);
    add(c, g, ANTENNA_SCAN, a, r->scan[row], flagged, total);
    if (b != a)
        add(c, g, ANTENNA_SCAN, b, r->scan[row], flagged, total);
}

/** The flags of the cells of one row by correlation. */
static void count_corrs(const mms_flag_cut *cut, const mms_flag_chunk *k, const uint8_t *flags,
                        int64_t by_corr[8])
{
    if (!memchr(flags, 1, (size_t)k->cell))
        return;
    for (int32_t p = 0; p < k->ncorr; p++)
        for (int32_t chan = 0; cut->corr[p] && chan < k->nchan; chan++)
            by_corr[p] += cut->channel[chan] & flags[(int64_t)chan * k->ncorr + p];
}

static void count_channels(mms_flag_counts *c, int32_t g, int32_t spw, const mms_flag_cut *cut,
                           const mms_flag_chunk *k, const uint8_t *flags)
{
    int32_t place = 0; // channels count within the selection, as in CASA

    for (int32_t chan = 0; chan < k->nchan; chan++) {
        double set = 0;
        for (int32_t p = 0; cut->channel[chan] && p < k->ncorr; p++)
            set += cut->corr[p] & flags[(int64_t)chan * k->ncorr + p];
        if (cut->channel[chan])
            add(c, g, SPW_CHAN, spw, place++, set, cut->ncorr);
    }
}

/** Count one row: what it shares with those before is added to the run. */
static void count_row(mms_flag_work *w, mms_flag_counts *c, const wanted *what,
                      const mms_flag_cut *cut, const mms_flag_chunk *k, int64_t i, run *x)
{
    const mms_flag_rows *r = &w->rows;
    const int64_t row = k->rows[i];
    const uint8_t *flags = k->flag + i * k->cell;
    const double total = (double)cut->nchan * cut->ncorr;
    int64_t by_corr[8] = {0}, flagged = 0;

    if (!is_of_run(x, r, row)) {
        end_run(w, c, what, cut, k, x);
        *x = (run){.group = what->fields ? r->field[row] : -1,
                   .array = r->array[row],
                   .observation = r->observation[row],
                   .scan = r->scan[row],
                   .field = r->field[row]};
    }
    if (what->channels)
        count_channels(c, x->group, w->set.windows[k->ddid].spw, cut, k, flags);
    count_corrs(cut, k, flags, by_corr);
    for (int32_t p = 0; p < k->ncorr; p++) {
        x->by_corr[p] += (double)by_corr[p];
        flagged += by_corr[p];
    }
    x->nrow++;
    x->flagged += (double)flagged;
    x->total += total;
    add_antennas(w, c, what, x->group, row, (double)flagged, total);
}

mms_status mms_flag_count(mms_flag_work *w, mms_flag_command *c, mms_flag_counts **to,
                          const mms_flag_chunk *chunk, mms_error *err)
{
    const wanted what = {is_true(c->value, "spwchan"), is_true(c->value, "spwcorr"),
                         is_true(c->value, "basecnt"), is_true(c->value, "fieldcnt")};
    run x = {0};
    mms_flag_cut *cut;
    mms_status st = mms_flag_command_cut(&w->set, c, chunk->ddid, &cut, err);

    if (st != MMS_OK || cut->nchan == 0 || cut->ncorr == 0)
        return st;
    if (!*to && !(*to = mms_alloc(1, sizeof **to)))
        return mms_fail(err, MMS_ERR_MEM, "summary: out of memory");
    for (int64_t i = 0; i < chunk->nrow; i++)
        if (mms_flag_bit(c->mask, chunk->rows[i]))
            count_row(w, *to, &what, cut, chunk, i, &x);
    end_run(w, *to, &what, cut, chunk, &x);
    return (*to)->failed ? mms_fail(err, MMS_ERR_MEM, "summary: out of memory") : MMS_OK;
}

void mms_flag_counts_free(mms_flag_counts **counts)
{
    if (*counts)
        free((*counts)->leaves);
    free(*counts);
    *counts = NULL;
}

mms_status mms_flag_counts_take(mms_flag_counts **into, mms_flag_counts **from, mms_error *err)
{
    const mms_flag_counts *const c = *from;

    if (!*into) {
        *into = *from;
        *from = NULL;
    }
    for (int64_t i = 0; *from && i < c->capacity; i++) {
        const leaf *l = &c->leaves[i];
        if (l->used)
            add(*into, l->group, l->kind, l->first, l->second, l->flagged, l->total);
    }
    mms_flag_counts_free(from);
    return *into && (*into)->failed ? mms_fail(err, MMS_ERR_MEM, "summary: out of memory") : MMS_OK;
}

/* ---- as JSON ----------------------------------------------------------------------------------*/

static const char *name_of(const mms_value *names, int32_t i)
{
    const char *name = i < 0 ? NULL : json_string_value(json_array_get(names, (size_t)i));
    return name ? name : "";
}

static char *leaf_name(const mms_flag_set *set, const leaf *l)
{
    switch (l->kind) {
    case FIELD:
        return strdup(name_of(set->fields, l->first));
    case ANTENNA:
        return strdup(name_of(set->antennas, l->first));
    case CORR:
        return strdup(set->windows[l->first].names[l->second]);
    case SPW_CHAN:
        return mms_format("%d:%d", l->first, l->second);
    case SPW_CORR:
        return mms_format("%d:%s", set->windows[l->first].spw,
                          set->windows[l->first].names[l->second]);
    case BASELINE:
        return mms_format("%s&&%s", name_of(set->antennas, l->first),
                          name_of(set->antennas, l->second));
    case ANTENNA_SCAN:
        return mms_format("%s:%d", name_of(set->antennas, l->first), l->second);
    default:
        return mms_format("%d", l->first);
    }
}

/** The member of an object, made where it is missing; borrowed. */
static mms_value *inner(mms_value *object, const char *key)
{
    mms_value *found = json_object_get(object, key);

    if (!found && !json_object_set_new_nocheck(object, key, json_object()))
        found = json_object_get(object, key);
    return found;
}

static void add_leaf(mms_value *to, double flagged, double total)
{
    const double f = json_number_value(json_object_get(to, "flagged"));
    const double t = json_number_value(json_object_get(to, "total"));

    json_object_set_new(to, "flagged", json_real(f + flagged));
    json_object_set_new(to, "total", json_real(t + total));
}

/** An order that does not depend on how many threads have counted. */
static int by_key(const void *a, const void *b)
{
    const leaf *const x = a, *const y = b;

    MMS_COMPARE(y->used, x->used);
    MMS_COMPARE(x->group, y->group);
    MMS_COMPARE(x->kind, y->kind);
    MMS_COMPARE(x->first, y->first);
    MMS_COMPARE(x->second, y->second);
    return 0;
}

mms_value *mms_flag_counts_value(const mms_flag_set *set, mms_flag_counts *counts)
{
    mms_value *all = json_object();

    if (counts && counts->n > 0)
        qsort(counts->leaves, (size_t)counts->capacity, sizeof *counts->leaves, by_key);
    for (int64_t i = 0; counts && i < counts->n; i++) {
        const leaf *const l = &counts->leaves[i];
        mms_value *group = inner(all, l->group < 0 ? "" : name_of(set->fields, l->group));
        char *name = leaf_name(set, l);
        if (l->kind == TOTAL)
            add_leaf(group, l->flagged, l->total);
        else if (name)
            add_leaf(inner(inner(group, l->kind < KINDS ? kinds[l->kind] : "antenna:scan"), name),
                     l->flagged, l->total);
        free(name);
    }
    return all;
}

void mms_flag_counts_add(mms_value *into, const mms_value *from)
{
    const char *key;
    mms_value *value;

    json_object_foreach((mms_value *)from, key, value)
    {
        if (json_is_object(value))
            mms_flag_counts_add(inner(into, key), value);
    }
    if (json_object_get(from, "total"))
        add_leaf(into, json_number_value(json_object_get(from, "flagged")),
                 json_number_value(json_object_get(from, "total")));
}

/** Whether a leaf passes minabs, maxabs, minrel, maxrel. */
static bool passes(const mms_value *command, const mms_value *leaf_value)
{
    const double flagged = json_number_value(json_object_get(leaf_value, "flagged"));
    const double total = json_number_value(json_object_get(leaf_value, "total"));
    const double part = total > 0 ? flagged / total : 0;
    const double maxabs = json_number_value(json_object_get(command, "maxabs"));

    return flagged >= json_number_value(json_object_get(command, "minabs")) &&
           (maxabs < 0 || flagged <= maxabs) &&
           part >= json_number_value(json_object_get(command, "minrel")) &&
           part <= json_number_value(json_object_get(command, "maxrel"));
}

static void filter(const mms_value *command, mms_value *node)
{
    const char *key;
    mms_value *value;
    void *next;

    json_object_foreach_safe(node, next, key, value)
    {
        const bool is_leaf = json_object_get(value, "total") && !json_object_get(value, "type");
        if (is_leaf && !passes(command, value))
            json_object_del(node, key);
        else if (!is_leaf && json_is_object(value)) // a field is whole, as in CASA
            filter(command, value);
    }
}

static void title(const mms_value *command, mms_value *report)
{
    json_object_set_new(report, "type", json_string("summary"));
    json_object_set(report, "name", json_object_get(command, "name"));
}

/** The counts, with those that there are of no data at all. */
static void add_nothing(const mms_value *command, mms_value *report, const mms_value *counts)
{
    add_leaf(report, 0, 0);
    if (is_true(command, "spwchan"))
        (void)inner(report, kinds[SPW_CHAN]);
    if (is_true(command, "spwcorr"))
        (void)inner(report, kinds[SPW_CORR]);
    if (is_true(command, "basecnt"))
        (void)inner(report, "antenna:scan");
    json_object_update(report, (mms_value *)counts);
}

mms_value *mms_flag_report(const mms_value *command, const mms_value *counts)
{
    mms_value *report = json_object();
    const bool by_field = is_true(command, "fieldcnt");

    if (by_field)
        json_object_update(report, (mms_value *)counts);
    else
        add_nothing(command, report, json_object_get(counts, ""));
    title(command, report);
    filter(command, report);
    return report;
}
