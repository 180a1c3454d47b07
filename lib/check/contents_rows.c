/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file contents_rows.c  One pass over the scalars of an MS that counts its rows. */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "contents.h"
#include "disk_use_priv.h"
#include "mms/concat_priv.h"
#include "ms/columns.h"
#include "ms/rows.h"
#include "ms/tally_priv.h"
#include "multims/ms.h"

enum { NKEY = 6, MOST_ANTENNAS = 1 << 20 };
enum { ANT1 = NKEY, ANT2, TIME, INTERVAL };

static const char *const columns[] = {MMS_COL_OBSERVATION_ID,
                                      MMS_COL_ARRAY_ID,
                                      MMS_COL_SCAN_NUMBER,
                                      MMS_COL_FIELD_ID,
                                      MMS_COL_STATE_ID,
                                      MMS_COL_DATA_DESC_ID,
                                      MMS_COL_ANTENNA1,
                                      MMS_COL_ANTENNA2,
                                      MMS_COL_TIME,
                                      MMS_COL_INTERVAL,
                                      NULL};

/* Rows that share all ids */
struct count {
    int32_t key[NKEY];
    int64_t rows;
    double begin, end, exposure;
};

struct pass {
    mms_ms *ms;
    mms_tally counts;
    int64_t nseen;
    bool *seen; /* antennas with rows */
};

static mms_status see_antenna(struct pass *p, int32_t id, mms_error *err)
{
    const int64_t was = p->nseen;
    mms_status st = MMS_OK;

    if (id < 0 || id >= MOST_ANTENNAS)
        return MMS_OK;
    if (id >= was) {
        MMS_TRY(mms_grow(&p->seen, &p->nseen, id + 1, sizeof *p->seen, err));
        memset(p->seen + was, 0, (size_t)(p->nseen - was) * sizeof *p->seen);
    }
    p->seen[id] = true;
done:
    return st;
}

static int32_t id_of(const mms_row_chunk *c, int column, int64_t row)
{
    return ((const int32_t *)c->cells[column])[row];
}

static mms_status count_row(struct pass *p, const mms_row_chunk *c, int64_t i, mms_error *err)
{
    const double time = ((const double *)c->cells[TIME])[i];
    const double interval = ((const double *)c->cells[INTERVAL])[i];
    const double half = isfinite(interval) ? interval / 2 : 0;
    struct count *count;
    int32_t key[NKEY];
    mms_status st;

    for (int k = 0; k < NKEY; k++)
        key[k] = id_of(c, k, i);
    MMS_TRY(mms_tally_find(&p->counts, key, &count, err));
    if (!count->rows || time - half < count->begin)
        count->begin = time - half;
    if (!count->rows || time + half > count->end)
        count->end = time + half;
    count->rows++;
    count->exposure += 2 * half;
    MMS_TRY(see_antenna(p, id_of(c, ANT1, i), err));
    MMS_TRY(see_antenna(p, id_of(c, ANT2, i), err));
done:
    return st;
}

static mms_status count_chunk(void *pass, const mms_row_chunk *chunk, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < chunk->rows.count; i++)
        st = count_row(pass, chunk, i, err);
    return st;
}

static mms_status count_rows(struct pass *p, mms_error *err)
{
    const mms_row_pass_opts opts = {.columns = columns, .lenient = true};

    return mms_rows_each(p->ms, &opts, count_chunk, p, err);
}

static void close_pass(struct pass *p)
{
    free(p->seen);
    mms_tally_free(&p->counts);
    mms_ms_close(&p->ms);
}

/* A time that JSON can hold */
static double number(double x)
{
    return isfinite(x) ? x : 0;
}

static bool put_counts(const struct pass *p, mms_value *out)
{
    mms_value *const counts = json_array(), *const ids = json_array();

    for (int64_t i = 0; i < p->counts.n; i++) {
        const struct count *const c = (const struct count *)p->counts.records + i;
        const int32_t *const k = c->key;
        json_array_append_new(counts,
                              json_pack("[i, i, i, i, i, i, I, f, f, f]", k[0], k[1], k[2], k[3],
                                        k[4], k[5], (json_int_t)c->rows, number(c->begin),
                                        number(c->end), number(c->exposure)));
    }
    for (int64_t i = 0; i < p->nseen; i++)
        if (p->seen[i])
            json_array_append_new(ids, json_integer(i));
    return !json_object_set_new(out, "counts", counts) &&
           !json_object_set_new(out, "antennas", ids);
}

mms_status mms_contents_rows(const char *path, mms_value *out, mms_error *err)
{
    struct pass p = {.counts = {.size = sizeof(struct count), .nkey = NKEY}};
    int64_t bytes;
    mms_status st;

    MMS_TRY(mms_ms_open(path, &p.ms, err));
    MMS_TRY(count_rows(&p, err));
    MMS_TRY(mms_disk_use(path, &bytes, err));
    if (!put_counts(&p, out) || json_object_set_new(out, "rows", json_integer(mms_ms_nrow(p.ms))) ||
        json_object_set_new(out, "bytes", json_integer(bytes)))
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
done:
    close_pass(&p);
    return st;
}

/* The members of a Multi-MS, in stored order, or the MS itself */
static mms_status list_parts(const char *path, const mms_table_dat *dat, bool multi,
                             mms_value *parts, mms_error *err)
{
    for (int64_t i = 0; i < (multi ? dat->nmember : 1); i++) {
        const char *const part = multi ? dat->members[i] : path;
        if (json_array_append_new(parts, mms_text_value(part)))
            return mms_fail(err, MMS_ERR_ARG, "%s: is not a path in UTF-8", part);
    }
    return MMS_OK;
}

mms_status mms_contents_parts(const char *path, mms_value **out, mms_error *err)
{
    mms_table_dat dat = {0};
    mms_info info = {0};
    mms_value *const parts = json_array();
    char *axis = NULL;
    bool multi = false;
    mms_status st;

    *out = NULL;
    MMS_TRY(mms_table_dat_read(path, &dat, err));
    if (dat.kind == MMS_KIND_CONCAT) {
        MMS_TRY(mms_info_read(path, &info, err));
        multi = info.subtype && !strcmp(info.subtype, "CONCATENATED");
    }
    axis = multi ? mms_info_axis(&info) : strdup("");
    MMS_TRY(list_parts(path, &dat, multi, parts, err));
    *out = json_pack("{s:s, s:o, s:O}", "kind", multi ? "Multi-MS" : "MS", "axis",
                     mms_text_value(axis ? axis : ""), "parts", parts);
    if (!*out)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
done:
    free(axis);
    json_decref(parts);
    mms_info_free(&info);
    mms_table_dat_free(&dat);
    return st;
}
