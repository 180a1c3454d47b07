/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file continuum_groups.c  Sums of rows sorted by group, solved group by group, found by row. */
#include "continuum_groups_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "record_sort_priv.h"

/* A record is a row's key and its sums, in the file of solutions its key and coefficients. */
struct mms_continuum_groups {
    mms_continuum_how how;
    int64_t nterm, nsum, ncoefficient; /**< doubles of a row with the most correlations */
    mms_record_sort *sort;
    uint8_t *record; /**< room for one */
    double *sums, *scratch;
    FILE *file;
    int64_t nrow;
    int64_t memory, step;     /**< bytes of the index; rows of the file from each of its keys on */
    mms_continuum_key *index; /**< [nindex] */
    int64_t nindex;
};

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "continuum: out of memory");
}

/* ---- order ------------------------------------------------------------------------------------*/

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

/** < 0, 0, > 0 by what rows of a group have in common. */
static int compare_groups(const mms_continuum_groups *g, const mms_continuum_key *a,
                          const mms_continuum_key *b)
{
    const int32_t *const x = &a->field, *const y = &b->field;

    for (int i = 0; i < 8; i++) {
        const bool free = (i == 1 && g->how.across_scans) || (i == 7 && g->how.across_windows);
        if (!free && x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    return 0;
}

static int compare_rows(const void *a, const void *b, void *ctx)
{
    const mms_continuum_groups *const g = ctx;
    const mms_continuum_key *const x = a, *const y = b;
    int order = compare_groups(g, x, y);

    order = order ? order : compare_numbers(x->time_s, y->time_s);
    order = order ? order : compare_numbers(x->window, y->window);
    return order ? order : compare_numbers(x->scan, y->scan);
}

/* ---- rows -------------------------------------------------------------------------------------*/

mms_status mms_continuum_groups_create(const char *near, int64_t memory, int64_t nterm,
                                       const mms_continuum_how *how, mms_continuum_groups **out,
                                       mms_error *err)
{
    mms_continuum_groups *g = *out = mms_alloc(1, sizeof *g);
    mms_status st;

    MMS_TRY(g ? MMS_OK : out_of_memory(err));
    *g = (mms_continuum_groups){.how = *how, .nterm = nterm, .memory = memory / 2};
    g->nsum = mms_continuum_nsum(nterm, MMS_CONTINUUM_CORRS);
    g->ncoefficient = 2 * nterm * MMS_CONTINUUM_CORRS;
    const size_t bytes = sizeof(mms_continuum_key) + (size_t)g->nsum * sizeof(double);
    g->record = mms_alloc((int64_t)bytes, 1);
    g->sums = mms_alloc(g->nsum + g->ncoefficient, sizeof(double));
    g->scratch = mms_alloc(nterm + 2, sizeof(double));
    MMS_TRY(g->record && g->sums && g->scratch ? MMS_OK : out_of_memory(err));
    memset(g->record, 0, bytes);
    MMS_TRY(mms_record_sort_create(near, bytes, compare_rows, g, memory, &g->sort, err));
    MMS_TRY(mms_nameless_file(near, &g->file, err));
done:
    if (st != MMS_OK)
        mms_continuum_groups_free(out);
    return st;
}

static int64_t solution_bytes(const mms_continuum_groups *g)
{
    return (int64_t)sizeof(mms_continuum_key) + g->ncoefficient * (int64_t)sizeof(double);
}

void mms_continuum_groups_free(mms_continuum_groups **groups)
{
    mms_continuum_groups *g = *groups;

    *groups = NULL;
    if (!g)
        return;
    mms_record_sort_free(&g->sort);
    if (g->file)
        fclose(g->file);
    free(g->index);
    free(g->record);
    free(g->sums);
    free(g->scratch);
    free(g);
}

mms_status mms_continuum_groups_add(mms_continuum_groups *g, const mms_continuum_key *key,
                                    const mms_continuum_terms *terms, const float *data,
                                    const uint8_t *flag, const float *weight, mms_error *err)
{
    if (key->ncorr > MMS_CONTINUUM_CORRS)
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "continuum: a row has %d correlations",
                        (int)key->ncorr);
    memcpy(g->record, key, sizeof *key);
    mms_continuum_sum_row(terms, key->ncorr, data, flag, weight, g->scratch,
                          (double *)(void *)(g->record + sizeof *key));
    return mms_record_sort_add(g->sort, g->record, err);
}

/* ---- groups -----------------------------------------------------------------------------------*/

static mms_status write_bytes(mms_continuum_groups *g, const void *bytes, int64_t n, mms_error *err)
{
    return fwrite(bytes, 1, (size_t)n, g->file) == (size_t)n
               ? MMS_OK
               : mms_fail_errno(err, errno, "continuum: the fits can't be written");
}

/** Whether a row belongs to the group that began with first. */
static bool belongs(const mms_continuum_groups *g, const mms_continuum_key *first,
                    const mms_continuum_key *key)
{
    const double after = key->time_s - first->time_s;

    return compare_groups(g, first, key) == 0 && (after == 0 || after < g->how.solint_s);
}

/** The rows of a group: their keys wait until its sums are complete. */
typedef struct members {
    mms_continuum_key *keys;
    int64_t n, capacity;
} members;

static mms_status close_group(mms_continuum_groups *g, members *m, mms_error *err)
{
    double *const coefficient = g->sums + g->nsum;
    mms_status st = MMS_OK;

    if (m->n)
        mms_continuum_solve_sums(g->nterm, m->keys[0].ncorr, g->sums, coefficient);
    for (int64_t i = 0; st == MMS_OK && i < m->n; i++) {
        st = write_bytes(g, &m->keys[i], (int64_t)sizeof *m->keys, err);
        if (st == MMS_OK)
            st = write_bytes(g, coefficient, g->ncoefficient * (int64_t)sizeof(double), err);
        if (g->nrow++ % g->step == 0)
            g->index[g->nindex++] = m->keys[i];
    }
    m->n = 0;
    memset(g->sums, 0, (size_t)g->nsum * sizeof(double));
    return st;
}

/** Room for as many of the keys as there is memory for. */
static mms_status make_index(mms_continuum_groups *g, mms_error *err)
{
    const int64_t n = mms_record_sort_count(g->sort), size = sizeof *g->index;

    g->step = n * size / (g->memory > size ? g->memory : size) + 1;
    g->index = mms_alloc(n / g->step + 1, sizeof *g->index);
    return g->index ? MMS_OK : out_of_memory(err);
}

mms_status mms_continuum_groups_solve(mms_continuum_groups *g, mms_error *err)
{
    const mms_continuum_key *const key = (const mms_continuum_key *)(void *)g->record;
    const double *const sums = (const double *)(void *)(g->record + sizeof *key);
    members m = {0};
    bool end;
    mms_status st;

    memset(g->sums, 0, (size_t)g->nsum * sizeof(double));
    MMS_TRY(make_index(g, err));
    MMS_TRY(mms_record_sort_finish(g->sort, err));
    for (;;) {
        MMS_TRY(mms_record_sort_next(g->sort, g->record, &end, err));
        if (end || (m.n && !belongs(g, &m.keys[0], key)))
            MMS_TRY(close_group(g, &m, err));
        if (end)
            break;
        MMS_TRY(mms_grow(&m.keys, &m.capacity, m.n + 1, sizeof *m.keys, err));
        m.keys[m.n++] = *key;
        mms_continuum_add_sums(g->nterm, key->ncorr, sums, g->scratch, g->sums);
    }
    mms_record_sort_free(&g->sort);
    if (fflush(g->file) != 0)
        MMS_TRY(mms_fail_errno(err, errno, "continuum: the fits can't be written"));
done:
    free(m.keys);
    return st;
}

/* ---- solutions --------------------------------------------------------------------------------*/

static mms_status read_bytes(const mms_continuum_groups *g, void *bytes, int64_t n, int64_t at,
                             mms_error *err)
{
    return mms_pread_all(fileno(g->file), bytes, n, at) == n
               ? MMS_OK
               : mms_fail_errno(err, errno ? errno : EIO, "continuum: the fits can't be read");
}

/** The last key of the index that is not behind the one that is sought; -1: there is none. */
static int64_t find_in_index(const mms_continuum_groups *g, const mms_continuum_key *key)
{
    int64_t low = -1, high = g->nindex;

    while (high - low > 1) {
        const int64_t mid = low + (high - low) / 2;
        if (compare_rows(&g->index[mid], key, (void *)g) <= 0)
            low = mid;
        else
            high = mid;
    }
    return low;
}

mms_status mms_continuum_groups_find(const mms_continuum_groups *g, const mms_continuum_key *key,
                                     double *coefficient, mms_error *err)
{
    const int64_t at = find_in_index(g, key), size = (int64_t)sizeof *key;
    int64_t low = at * g->step, high = low + g->step < g->nrow ? low + g->step : g->nrow;
    mms_continuum_key found;
    mms_status st;

    if (at < 0)
        return mms_fail(err, MMS_ERR_INTERNAL, "continuum: a row was not seen before");
    found = g->index[at];
    while (high - low > 1) {
        const int64_t mid = low + (high - low) / 2;
        mms_continuum_key middle;
        MMS_TRY(read_bytes(g, &middle, size, mid * solution_bytes(g), err));
        if (compare_rows(&middle, key, (void *)g) <= 0) {
            low = mid;
            found = middle;
        } else {
            high = mid;
        }
    }
    if (compare_rows(&found, key, (void *)g) != 0)
        MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "continuum: a row was not seen before"));
    MMS_TRY(read_bytes(g, coefficient, g->ncoefficient * (int64_t)sizeof *coefficient,
                       low * solution_bytes(g) + size, err));
done:
    return st;
}
