/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file dtype.c  Element types of columns: names and sizes, as all ways to cells have them. */
#include "base_priv.h"

size_t mms_dtype_size(mms_dtype dtype)
{
    static const size_t sizes[] = {1, 1, 2, 2, 4, 4, 8, 4, 8, 8, 16, 0, 0};

    return sizes[dtype];
}

const char *mms_dtype_name(mms_dtype dtype)
{
    static const char *const names[] = {"bool",     "uchar",  "short", "ushort", "int",
                                        "uint",     "int64",  "float", "double", "complex",
                                        "dcomplex", "string", "other"};
    return names[dtype];
}

int64_t mms_cell_values(const mms_column *column, int32_t ndim, const int64_t *shape)
{
    int64_t n = ndim > 0 || (ndim == 0 && column->scalar);

    for (int32_t i = 0; i < ndim; i++)
        n *= shape[i];
    return n;
}
