/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file load.c  Opens the module of HDF5 when it is needed. */
#include <dlfcn.h>

#include "base/places_priv.h"
#include "hdf5_priv.h"

mms_status mms_hdf5_load(const mms_hdf5_module **out, mms_error *err)
{
    static const mms_module hdf5 = {MMS_HDF5_MODULE_SYMBOL,
                                    sizeof(mms_hdf5_module),
                                    RTLD_NOW | RTLD_LOCAL,
                                    MMS_ERR_UNSUPPORTED,
                                    "UVH5 needs HDF5 and liberfa, and ",
                                    " (this is multims " MULTIMS_HDF5_NAME
                                    "): build it with libhdf5-dev and liberfa-dev"};
    const void *table;
    const mms_status st = mms_module_open(&hdf5, mms_place_find("libmultims-hdf5.so"), &table, err);

    *out = table;
    return st;
}
