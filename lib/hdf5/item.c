/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file item.c  Datasets: types, room, values. */
#include <errno.h>

#include "file_priv.h"

/** What h5py takes for bool. */
static hid_t bool_type(void)
{
    const signed char no = 0, yes = 1;
    const hid_t type = H5Tenum_create(H5T_STD_I8LE);

    if (type >= 0 &&
        (H5Tenum_insert(type, "FALSE", &no) < 0 || H5Tenum_insert(type, "TRUE", &yes) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static hid_t complex_type(void)
{
    const hid_t type = H5Tcreate(H5T_COMPOUND, 8);

    if (type >= 0 && (H5Tinsert(type, "r", 0, H5T_IEEE_F32LE) < 0 ||
                      H5Tinsert(type, "i", 4, H5T_IEEE_F32LE) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static hid_t text_type(int64_t width)
{
    const hid_t type = H5Tcopy(H5T_C_S1);

    if (type >= 0 && (H5Tset_size(type, (size_t)(width > 0 ? width : 1)) < 0 ||
                      H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

/** The type in a file, which is also that in memory: what is written is little-endian. */
static hid_t type_of(const mms_h5_item *item)
{
    switch (item->type) {
    case MMS_H5_NONE:
    case MMS_H5_FLOAT:
        return H5Tcopy(H5T_IEEE_F32LE);
    case MMS_H5_DOUBLE:
        return H5Tcopy(H5T_IEEE_F64LE);
    case MMS_H5_INT:
        return H5Tcopy(H5T_STD_I32LE);
    case MMS_H5_INT64:
        return H5Tcopy(H5T_STD_I64LE);
    case MMS_H5_TEXT:
        return text_type(item->width);
    case MMS_H5_BOOL:
        return bool_type();
    case MMS_H5_COMPLEX:
        return complex_type();
    case MMS_H5_OTHER:
        break;
    }
    return H5I_INVALID_HID;
}

static hid_t space_of(const mms_h5_item *item)
{
    hsize_t shape[MMS_H5_DIM] = {0};

    if (item->type == MMS_H5_NONE)
        return H5Screate(H5S_NULL);
    if (item->ndim == 0)
        return H5Screate(H5S_SCALAR);
    for (int i = 0; i < item->ndim && i < MMS_H5_DIM; i++)
        shape[i] = (hsize_t)item->shape[i];
    return H5Screate_simple(item->ndim, shape, NULL);
}

/** In one piece, which is there at once and not filled: workers write it at its offset. */
static bool in_one_piece(hid_t how)
{
    return H5Pset_layout(how, H5D_CONTIGUOUS) >= 0 &&
           H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY) >= 0 &&
           H5Pset_fill_time(how, H5D_FILL_TIME_NEVER) >= 0;
}

static bool in_chunks(hid_t how, const mms_h5_item *item)
{
    hsize_t chunk[MMS_H5_DIM];

    for (int i = 0; i < item->ndim; i++)
        chunk[i] = (hsize_t)item->chunk[i];
    return H5Pset_chunk(how, item->ndim, chunk) >= 0 && H5Pset_shuffle(how) >= 0 &&
           H5Pset_deflate(how, 1) >= 0 && H5Pset_fill_time(how, H5D_FILL_TIME_NEVER) >= 0;
}

static hid_t layout(const mms_h5_item *item)
{
    const hid_t how = H5Pcreate(H5P_DATASET_CREATE);

    if (how >= 0 && (H5Pset_obj_track_times(how, 0) < 0 ||
                     !(item->chunk[0] ? in_chunks(how, item) : in_one_piece(how)))) {
        H5Pclose(how);
        return H5I_INVALID_HID;
    }
    return how;
}

mms_status mms_h5_put(mms_h5 *file, const char *name, const mms_h5_item *item, int64_t *offset,
                      mms_error *err)
{
    const hid_t type = type_of(item), space = space_of(item), how = layout(item);
    hid_t set = H5I_INVALID_HID;
    bool good = type >= 0 && space >= 0 && how >= 0;
    mms_status st = MMS_OK;

    errno = 0;
    if (good)
        set = H5Dcreate2(file->id, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    good = set >= 0;
    if (good && item->data)
        good = H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, item->data) >= 0;
    if (good && offset && item->chunk[0]) {
        *offset = -1;
    } else if (good && offset) {
        const haddr_t at = H5Dget_offset(set);
        good = at != HADDR_UNDEF;
        *offset = (int64_t)at;
    }
    if (!good)
        st = mms_h5_fail(file->path, name, err);
    H5Dclose(set);
    H5Pclose(how);
    H5Sclose(space);
    H5Tclose(type);
    return st;
}

mms_status mms_h5_write(mms_h5 *file, const char *name, int64_t from, int64_t count,
                        const void *data, mms_error *err)
{
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    const int ndim = H5Sget_simple_extent_ndims(space);
    hsize_t start[MMS_H5_DIM] = {0}, length[MMS_H5_DIM] = {0};
    hid_t memory = H5I_INVALID_HID;
    bool good = set >= 0 && type >= 0 && ndim > 0 && ndim <= MMS_H5_DIM;
    mms_status st = MMS_OK;

    errno = 0;
    if (good) {
        H5Sget_simple_extent_dims(space, length, NULL);
        start[0] = (hsize_t)from;
        length[0] = (hsize_t)count;
        memory = H5Screate_simple(ndim, length, NULL);
        good = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, length, NULL) >= 0 &&
               H5Dwrite(set, type, memory, space, H5P_DEFAULT, data) >= 0;
    }
    if (!good)
        st = mms_h5_fail(file->path, name, err);
    H5Sclose(memory);
    H5Sclose(space);
    H5Tclose(type);
    if (H5Dclose(set) < 0 && st == MMS_OK)
        st = mms_h5_fail(file->path, name, err);
    return st;
}
