/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file input_rows.c  What a UVH5 file has of each baseline-time, checked: arrays that need not
 *  stay in memory. */
#include <inttypes.h>
#include <stdlib.h>

#include "import_priv.h"

enum { PIECE = 65536 };

static mms_status read_pieces(const mms_uvh5_in *in, const char *name, mms_h5_type type,
                              int64_t width, double *list, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t at = 0; st == MMS_OK && at < in->nblt; at += PIECE) {
        const int64_t n = in->nblt - at < PIECE ? in->nblt - at : PIECE;
        st = in->hdf5->read(in->file, name, type, at, n, 0, 0, 0, list + at * width, err);
        mms_spill_rest(list);
        if (st == MMS_OK)
            st = mms_check_stop(err);
    }
    return st;
}

/** A single number stands for all rows. */
static mms_status read_single(const mms_uvh5_in *in, const char *name, mms_h5_type type,
                              int64_t rows, double *list, mms_error *err)
{
    const mms_status st = in->hdf5->read(in->file, name, type, 0, rows, 0, 0, 0, list, err);

    for (int64_t i = 1; st == MMS_OK && i < in->nblt; i++) {
        list[i] = list[0];
        if (i % PIECE == 0)
            mms_spill_rest(list);
    }
    return st;
}

mms_status mms_uvh5_in_rows(const mms_uvh5_in *in, const char *name, mms_h5_type type,
                            int64_t width, void *out, mms_error *err)
{
    double **const list = out; // or int64_t **: both of 8 bytes
    mms_h5_item item;
    mms_status st = in->hdf5->look(in->file, name, &item, err);

    *list = NULL;
    if (st != MMS_OK)
        return st;
    const int64_t wide = item.ndim == 1 ? 1 : item.ndim == 2 ? item.shape[1] : 0;
    const bool single = width == 1 && (item.ndim == 0 || (item.ndim == 1 && item.shape[0] == 1));
    if ((item.type != MMS_H5_DOUBLE && item.type != MMS_H5_INT64) ||
        (!single && (item.shape[0] != in->nblt || wide != width)))
        return mms_fail(err, MMS_ERR_TABLE,
                        "%s: %s is not %" PRId64 " x %" PRId64 " numbers, as Nblts asks for",
                        in->path, name, in->nblt, width);
    *list = mms_spill_alloc(in->nblt * width, sizeof **list);
    if (!*list)
        return mms_uvh5_in_memory(in, err);
    return single ? read_single(in, name, type, item.ndim ? 1 : 0, *list, err)
                  : read_pieces(in, name, type, width, *list, err);
}

mms_status mms_uvh5_in_time(const mms_uvh5_in *in, int64_t row, double *jd, mms_error *err)
{
    mms_h5_item item;
    mms_status st = in->hdf5->look(in->file, "Header/time_array", &item, err);

    if (st != MMS_OK)
        return st;
    if ((item.type != MMS_H5_DOUBLE && item.type != MMS_H5_INT64) || item.ndim != 1 ||
        item.shape[0] != in->nblt)
        return mms_fail(err, MMS_ERR_TABLE, "%s: Header/time_array is not %" PRId64 " numbers",
                        in->path, in->nblt);
    return in->hdf5->read(in->file, "Header/time_array", MMS_H5_DOUBLE, row, 1, 0, 0, 0, jd, err);
}

void mms_uvh5_in_rest(const mms_uvh5_in *in, int64_t i)
{
    const void *const arrays[] = {in->time_jd, in->uvw_m, in->exposure_s, in->ant1,
                                  in->ant2,    in->field, in->scan};

    if (i % PIECE != 0)
        return;
    for (int64_t k = 0; k < MMS_COUNT_OF(arrays); k++)
        mms_spill_rest(arrays[k]);
}

void mms_uvh5_in_end_rows(mms_uvh5_in *in)
{
    const void *const arrays[] = {in->time_jd, in->uvw_m, in->exposure_s, in->ant1,
                                  in->ant2,    in->field, in->scan};

    for (int64_t k = 0; k < MMS_COUNT_OF(arrays); k++)
        mms_spill_free(arrays[k]);
}

static mms_status check_times(const mms_uvh5_in *in, mms_error *err)
{
    for (int64_t i = 0; i < in->nblt; i++) {
        if (!(in->time_jd[i] > 2400000 && in->time_jd[i] < 2600000))
            return mms_fail(err, MMS_ERR_TABLE, "%s: row %" PRId64 ": time %g is no Julian date",
                            in->path, i, in->time_jd[i]);
        mms_uvh5_in_rest(in, i);
    }
    return MMS_OK;
}

/** Every antenna of a row must be known. */
static mms_status check_antennas(const mms_uvh5_in *in, mms_error *err)
{
    uint8_t *const known = calloc((size_t)in->nrow_ant, 1);
    mms_status st = known ? MMS_OK : mms_uvh5_in_memory(in, err);

    for (int64_t i = 0; known && i < in->nant; i++)
        known[in->number[i]] = 1;
    for (int64_t i = 0; st == MMS_OK && i < 2 * in->nblt; i++) {
        const int64_t a = i % 2 ? in->ant2[i / 2] : in->ant1[i / 2];
        if (a < 0 || a >= in->nrow_ant || !known[a])
            st = mms_fail(err, MMS_ERR_TABLE,
                          "%s: row %" PRId64 ": antenna %" PRId64 " is not in antenna_numbers",
                          in->path, i / 2, a);
        mms_uvh5_in_rest(in, i);
    }
    free(known);
    return st;
}

/** Ids of rows to rows of fields. */
static mms_status find_fields(mms_uvh5_in *in, mms_error *err)
{
    static const char ids[] = "Header/phase_center_id_array";
    int64_t f = 0;
    mms_status st;

    if (!in->has_catalogue) {
        in->field = mms_spill_alloc(in->nblt, sizeof *in->field);
        return in->field ? MMS_OK : mms_uvh5_in_memory(in, err);
    }
    MMS_TRY(mms_uvh5_in_rows(in, ids, MMS_H5_INT64, 1, &in->field, err));
    for (int64_t i = 0; i < in->nblt; i++) {
        if (f >= in->nfield || in->fields[f].id != in->field[i])
            for (f = 0; f < in->nfield && in->fields[f].id != in->field[i];)
                f++;
        if (f == in->nfield)
            MMS_TRY(mms_fail(err, MMS_ERR_TABLE,
                             "%s: row %" PRId64 ": phase centre %" PRId64
                             " is not in phase_center_catalog",
                             in->path, i, in->field[i]));
        in->field[i] = f;
        mms_uvh5_in_rest(in, i);
    }
done:
    return st;
}

/** That of a file of ours, else runs of one phase centre. */
static mms_status find_scans(mms_uvh5_in *in, mms_error *err)
{
    static const char numbers[] = "multims/scan_number";

    if (in->hdf5->has(in->file, numbers))
        return mms_uvh5_in_rows(in, numbers, MMS_H5_INT64, 1, &in->scan, err);
    in->scan = mms_spill_alloc(in->nblt, sizeof *in->scan);
    if (!in->scan)
        return mms_uvh5_in_memory(in, err);
    for (int64_t i = 0; i < in->nblt; i++) {
        in->scan[i] = i ? in->scan[i - 1] + (in->field[i] != in->field[i - 1]) : 1;
        mms_uvh5_in_rest(in, i);
    }
    return MMS_OK;
}

mms_status mms_uvh5_read_rows(mms_uvh5_in *in, mms_error *err)
{
    double first;
    mms_status st;

    MMS_TRY(mms_uvh5_in_time(in, 0, &first, err)); // before there is room for all
    MMS_TRY(mms_uvh5_in_rows(in, "Header/time_array", MMS_H5_DOUBLE, 1, &in->time_jd, err));
    MMS_TRY(check_times(in, err));
    MMS_TRY(
        mms_uvh5_in_rows(in, "Header/integration_time", MMS_H5_DOUBLE, 1, &in->exposure_s, err));
    MMS_TRY(mms_uvh5_in_rows(in, "Header/uvw_array", MMS_H5_DOUBLE, 3, &in->uvw_m, err));
    MMS_TRY(mms_uvh5_in_rows(in, "Header/ant_1_array", MMS_H5_INT64, 1, &in->ant1, err));
    MMS_TRY(mms_uvh5_in_rows(in, "Header/ant_2_array", MMS_H5_INT64, 1, &in->ant2, err));
    MMS_TRY(check_antennas(in, err));
    MMS_TRY(find_fields(in, err));
    MMS_TRY(find_scans(in, err));
done:
    return st;
}
