/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file failures.c  Failures that many files of this folder share. */
#include "import_priv.h"

mms_status mms_uvh5_in_memory(const mms_uvh5_in *in, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", in->path);
}

mms_status mms_uvh5_no_memory(const mms_uvh5 *u, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", u->asked->uvh5file);
}
