/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file listing.c  Reads what the members of a Multi-MS hold (multi-ms 4). */
#include "multims/check.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "disk_use_priv.h"
#include "mms/concat_priv.h"
#include "ms/columns.h"
#include "ms/meta_priv.h"
#include "ms/rows.h"

/* Rows of one scan with one DDID. */
struct scan_count {
    int32_t scan, ddid;
    int64_t rows;
};

/* A member's numbers, before they are written as JSON. */
struct member {
    mms_tally counts;
    int64_t ndd, nspw;
    int32_t *dd_spw, *spw_nchan;
};

static mms_status count_chunk(void *counts, const mms_row_chunk *chunk, mms_error *err)
{
    const int32_t *const scans = chunk->cells[0], *const ddids = chunk->cells[1];
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < chunk->rows.count; i++) {
        const int32_t key[2] = {scans[i], ddids[i]};
        struct scan_count *count;
        MMS_TRY(mms_tally_find(counts, key, &count, err));
        count->rows++;
    }
done:
    return st;
}

static mms_status count_rows(mms_ms *ms, mms_tally *counts, mms_error *err)
{
    static const char *const columns[] = {MMS_COL_SCAN_NUMBER, MMS_COL_DATA_DESC_ID, NULL};
    const mms_row_pass_opts opts = {.columns = columns};

    return mms_rows_each(ms, &opts, count_chunk, counts, err);
}

static int compare_counts(const void *a, const void *b)
{
    return mms_compare_keys(&((const struct scan_count *)a)->scan,
                            &((const struct scan_count *)b)->scan, 2);
}

static mms_status read_member(mms_ms *ms, struct member *m, mms_error *err)
{
    mms_status st;

    m->counts = (mms_tally){.size = sizeof(struct scan_count), .nkey = 2};
    MMS_TRY(count_rows(ms, &m->counts, err));
    MMS_TRY(mms_ms_read_subtable_ints(ms, "DATA_DESCRIPTION", "SPECTRAL_WINDOW_ID", &m->ndd,
                                      &m->dd_spw, err));
    MMS_TRY(
        mms_ms_read_subtable_ints(ms, "SPECTRAL_WINDOW", "NUM_CHAN", &m->nspw, &m->spw_nchan, err));
    if (m->counts.n > 1)
        qsort(m->counts.records, (size_t)m->counts.n, m->counts.size, compare_counts);
done:
    return st;
}

static void free_member(struct member *m)
{
    mms_tally_free(&m->counts);
    free(m->dd_spw);
    free(m->spw_nchan);
}

static mms_status check_ddid(const struct member *m, const struct scan_count *c, mms_error *err)
{
    if (c->ddid < 0 || c->ddid >= m->ndd)
        return mms_fail(err, MMS_ERR_RANGE,
                        "scan %d: DATA_DESC_ID %d, but DATA_DESCRIPTION has %" PRId64 " rows",
                        c->scan, c->ddid, m->ndd);
    if (m->dd_spw[c->ddid] < 0 || m->dd_spw[c->ddid] >= m->nspw)
        return mms_fail(err, MMS_ERR_RANGE,
                        "DATA_DESCRIPTION row %d: spw %d, but SPECTRAL_WINDOW has %" PRId64 " rows",
                        c->ddid, m->dd_spw[c->ddid], m->nspw);
    return MMS_OK;
}

static int compare_ids(const void *a, const void *b)
{
    return mms_compare_keys(a, b, 1);
}

/* {"nrows", "spwIds", "nchans", "dds"} of the n counts of one scan. */
static mms_status describe_scan(const struct member *m, int64_t n, const struct scan_count *counts,
                                mms_value **out, mms_error *err)
{
    json_t *dds = json_array(), *ids = json_array(), *nchans = json_array();
    int32_t *spws = mms_alloc(n, sizeof *spws);
    int64_t rows = 0;
    mms_status st = MMS_OK;

    if (!spws)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory for %" PRId64 " spws", n));
    for (int64_t i = 0; i < n; i++) {
        MMS_TRY(check_ddid(m, &counts[i], err));
        spws[i] = m->dd_spw[counts[i].ddid];
        rows += counts[i].rows;
        json_array_append_new(dds, json_pack("{si si sI}", "ddid", counts[i].ddid, "spw", spws[i],
                                             "nrows", (json_int_t)counts[i].rows));
    }
    qsort(spws, (size_t)n, sizeof *spws, compare_ids);
    for (int64_t i = 0; i < n; i++) {
        if (i > 0 && spws[i] == spws[i - 1])
            continue;
        json_array_append_new(ids, json_integer(spws[i]));
        json_array_append_new(nchans, json_integer(m->spw_nchan[spws[i]]));
    }
    *out = json_pack("{sI sO sO sO}", "nrows", (json_int_t)rows, "spwIds", ids, "nchans", nchans,
                     "dds", dds);
    if (!*out)
        st = mms_fail(err, MMS_ERR_MEM, "out of memory for scan %d", counts[0].scan);
done:
    free(spws);
    json_decref(nchans);
    json_decref(ids);
    json_decref(dds);
    return st;
}

static mms_status describe_scans(const struct member *m, mms_value *scans, mms_error *err)
{
    const struct scan_count *counts = (const void *)m->counts.records;
    mms_status st = MMS_OK;

    for (int64_t i = 0, n; i < m->counts.n; i += n) {
        mms_value *scan = NULL;
        char key[16];
        for (n = 1; i + n < m->counts.n && counts[i + n].scan == counts[i].scan; n++)
            ;
        MMS_TRY(describe_scan(m, n, &counts[i], &scan, err));
        snprintf(key, sizeof key, "%" PRId32, counts[i].scan);
        json_object_set_new_nocheck(scans, key, scan);
    }
done:
    return st;
}

static mms_status list_member(const char *path, const char *axis, mms_value *members,
                              mms_error *err)
{
    json_t *scans = json_object(), *entry = NULL;
    char *name = mms_path_base(path), *size = NULL, key[24];
    struct member m = {0};
    mms_ms *ms = NULL;
    int64_t bytes;
    mms_status st;

    MMS_TRY(mms_ms_open(path, &ms, err));
    MMS_TRY(read_member(ms, &m, err));
    MMS_TRY(describe_scans(&m, scans, err));
    MMS_TRY(mms_disk_use(path, &bytes, err));
    size = mms_disk_use_text(bytes);
    entry = json_pack("{so ss sO sI sI}", "MS", mms_text_value(name), "size", size, "scanId", scans,
                      "bytes", (json_int_t)bytes, "nrow", (json_int_t)mms_ms_nrow(ms));
    if (!entry)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    if (*axis)
        json_object_set_new(entry, "axis", mms_text_value(axis));
    snprintf(key, sizeof key, "%zu", json_object_size(members));
    json_object_set_new_nocheck(members, key, entry);
done:
    mms_ms_close(&ms);
    free_member(&m);
    free(size);
    free(name);
    json_decref(scans);
    return st;
}

/* Finds out whether it is a Multi-MS, its axis and members, without opening one. */
static mms_status read_kind(const char *path, mms_table_dat *dat, mms_listing *out, mms_error *err)
{
    mms_info info = {0};
    mms_status st;

    MMS_TRY(mms_table_dat_read(path, dat, err));
    if (dat->kind == MMS_KIND_CONCAT) {
        MMS_TRY(mms_info_read(path, &info, err));
        out->multi = info.subtype && strcmp(info.subtype, "CONCATENATED") == 0;
    }
    out->axis = out->multi ? mms_info_axis(&info) : strdup("");
    if (out->axis && out->multi && !*out->axis) {
        free(out->axis);
        out->axis = strdup("unknown");
    }
    if (!out->axis)
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
done:
    mms_info_free(&info);
    return st;
}

static int compare_names(const void *a, const void *b)
{
    return strverscmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_scans(const mms_value *members)
{
    const char *key;
    json_t *entry;

    json_object_foreach((json_t *)members, key, entry)
    {
        if (json_object_size(json_object_get(entry, "scanId")) > 0)
            return true;
    }
    return false;
}

mms_status mms_listing_read(const char *path, mms_listing *out, mms_error *err)
{
    char *plain = mms_path_strip(path);
    mms_table_dat dat = {0};
    mms_status st;

    *out = (mms_listing){.members = json_object()};
    if (!plain || !out->members)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path));
    MMS_TRY(read_kind(plain, &dat, out, err));
    if (!out->multi) {
        MMS_TRY(list_member(plain, "", out->members, err));
    } else if (dat.nmember > 0) {
        qsort(dat.members, (size_t)dat.nmember, sizeof *dat.members, compare_names);
    }
    for (int64_t i = 0; out->multi && i < dat.nmember; i++)
        if ((st = list_member(dat.members[i], out->axis, out->members, err)) != MMS_OK) {
            mms_wrap(err, st, "Cannot get scan/spw information from subMS");
            goto done;
        }
    if (!has_scans(out->members))
        st =
            mms_fail(err, MMS_ERR_TABLE, "Error in processing dictionaries: %s has no rows", plain);
done:
    mms_table_dat_free(&dat);
    free(plain);
    if (st != MMS_OK)
        mms_listing_free(out);
    return st;
}

void mms_listing_free(mms_listing *listing)
{
    free(listing->axis);
    mms_value_free(&listing->members);
    *listing = (mms_listing){0};
}
