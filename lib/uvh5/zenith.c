/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file zenith.c  Unprojected visibilities, phased to the zenith at the first time. */
#include "import_priv.h"

mms_status mms_uvh5_to_zenith(mms_uvh5_in *in, mms_error *err)
{
    (void)in;
    (void)err;
    return MMS_OK;
}
