/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file module.c  The module libmultims-hdf5.so: its one symbol. */
#include "file_priv.h"

__attribute__((visibility("default"))) extern const mms_hdf5_module mms_hdf5_module_calls;
const mms_hdf5_module mms_hdf5_module_calls = {.size = sizeof(mms_hdf5_module),
                                               .create = mms_h5_create,
                                               .group = mms_h5_group,
                                               .put = mms_h5_put,
                                               .reopen = mms_h5_reopen,
                                               .write = mms_h5_write,
                                               .close = mms_h5_close,
                                               .open = mms_h5_open,
                                               .limit = mms_h5_limit,
                                               .has = mms_h5_has,
                                               .is_group = mms_h5_is_group,
                                               .look = mms_h5_look,
                                               .read = mms_h5_read,
                                               .probe = mms_h5_probe,
                                               .where = mms_h5_where,
                                               .texts = mms_h5_texts,
                                               .names = mms_h5_names,
                                               .sky = mms_sky_find,
                                               .zenith = mms_sky_zenith,
                                               .to_geodetic = mms_sky_to_geodetic,
                                               .from_geodetic = mms_sky_from_geodetic,
                                               .tai_to_utc = mms_sky_tai_to_utc};
