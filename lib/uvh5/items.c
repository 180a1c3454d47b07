/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file items.c  Items of a UVH5 file by name: numbers and texts. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "import_priv.h"

static int64_t values_of(const mms_h5_item *item)
{
    int64_t n = 1;

    for (int i = 0; i < item->ndim; i++) {
        if (item->shape[i] && n > INT64_MAX / item->shape[i])
            return -1;
        n *= item->shape[i];
    }
    return n;
}

mms_status mms_uvh5_in_numbers(const mms_uvh5_in *in, const char *name, mms_h5_type type, int64_t n,
                               void *out, mms_error *err)
{
    double **const list = out; // or int64_t **: both of 8 bytes
    mms_h5_item item;
    mms_status st = in->hdf5->look(in->file, name, &item, err);

    *list = NULL;
    if (st != MMS_OK)
        return st;
    const int64_t have = values_of(&item);
    if ((item.type != MMS_H5_DOUBLE && item.type != MMS_H5_INT64) ||
        (have != n && !(have == 1 && item.ndim <= 1)))
        return mms_fail(err, MMS_ERR_TABLE,
                        "%s: %s has %" PRId64 " values; %" PRId64 " numbers are expected", in->path,
                        name, have, n);
    *list = mms_alloc(n, sizeof **list);
    if (!*list)
        return mms_uvh5_in_memory(in, err);
    const int64_t rows = item.ndim ? item.shape[0] : 1;
    st = in->hdf5->read(in->file, name, type, 0, rows, 0, 0, 0, *list, err);
    for (int64_t i = have; st == MMS_OK && i < n; i++)
        (*list)[i] = (*list)[0];
    return st;
}

mms_status mms_uvh5_in_finite(const mms_uvh5_in *in, const char *name, int64_t n, double **out,
                              mms_error *err)
{
    mms_status st = mms_uvh5_in_numbers(in, name, MMS_H5_DOUBLE, n, out, err);

    for (int64_t i = 0; st == MMS_OK && i < n; i++)
        if (!isfinite((*out)[i]))
            st = mms_fail(err, MMS_ERR_TABLE, "%s: value %" PRId64 " of %s is %g", in->path, i,
                          name, (*out)[i]);
    return st;
}

mms_status mms_uvh5_in_number(const mms_uvh5_in *in, const char *name, double *out, mms_error *err)
{
    double *list = NULL;
    const mms_status st = mms_uvh5_in_numbers(in, name, MMS_H5_DOUBLE, 1, &list, err);

    if (st == MMS_OK)
        *out = *list;
    free(list);
    return st;
}

mms_status mms_uvh5_in_text(const mms_uvh5_in *in, const char *name, mms_value **out,
                            mms_error *err)
{
    mms_value *list = NULL;
    mms_h5_item item;
    mms_status st;

    *out = NULL;
    if (!in->hdf5->has(in->file, name))
        return MMS_OK;
    MMS_TRY(in->hdf5->look(in->file, name, &item, err));
    if (item.type == MMS_H5_NONE)
        return MMS_OK;
    MMS_TRY(in->hdf5->texts(in->file, name, &list, err));
    *out = json_incref(json_array_get(list, 0));
done:
    mms_value_free(&list);
    return st;
}
