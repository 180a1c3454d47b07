/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file load.c  Opens the module of HDF5 when it is needed. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/places_priv.h"
#include "hdf5_priv.h"

mms_status mms_hdf5_load(const mms_hdf5_module **out, mms_error *err)
{
    char *const path = mms_place_find("libmultims-hdf5.so");
    void *const file = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL; // counted, never closed
    mms_status st = MMS_OK;

    *out = file ? dlsym(file, MMS_HDF5_MODULE_SYMBOL) : NULL;
    if (!path)
        st = mms_fail(err, MMS_ERR_MEM, "out of memory");
    else if (!file && access(path, F_OK))
        st = mms_fail(err, MMS_ERR_UNSUPPORTED,
                      "UVH5 needs HDF5 and liberfa, and %s is not there (this is multims "
                      "" MULTIMS_HDF5_NAME "): build it with libhdf5-dev and liberfa-dev",
                      path);
    else if (!file)
        st = mms_fail(err, MMS_ERR_IO, "%s", dlerror());
    else if (!*out || (*out)->size != sizeof **out)
        st = mms_fail(err, MMS_ERR_IO, "%s belongs to another version", path);
    if (st != MMS_OK)
        *out = NULL;
    free(path);
    return st;
}
