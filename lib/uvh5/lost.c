/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file lost.c  What a UVH5 file has that a MeasurementSet has no place for, and the other way. */
#include <string.h>

#include "export_priv.h"
#include "import_priv.h"
#include "ms/columns.h"

/* ---- in a file --------------------------------------------------------------------------------*/

/** Items of the header that an MS keeps, or that follow from what it keeps. */
static const char *const kept_items[] = {"version",
                                         "latitude",
                                         "longitude",
                                         "altitude",
                                         "telescope_frame",
                                         "telescope_name",
                                         "instrument",
                                         "history",
                                         "vis_units",
                                         "Nants_data",
                                         "Nants_telescope",
                                         "Nbls",
                                         "Nblts",
                                         "Nspws",
                                         "Nfreqs",
                                         "Npols",
                                         "Ntimes",
                                         "Nphase",
                                         "ant_1_array",
                                         "ant_2_array",
                                         "phase_center_id_array",
                                         "uvw_array",
                                         "time_array",
                                         "integration_time",
                                         "lst_array",
                                         "phase_center_app_ra",
                                         "phase_center_app_dec",
                                         "phase_center_frame_pa",
                                         "freq_array",
                                         "channel_width",
                                         "spw_array",
                                         "flex_spw",
                                         "flex_spw_id_array",
                                         "flex_spw_polarization_array",
                                         "polarization_array",
                                         "antenna_numbers",
                                         "antenna_names",
                                         "antenna_positions",
                                         "antenna_diameters",
                                         "mount_type",
                                         "Nfeeds",
                                         "feed_array",
                                         "feed_angle",
                                         "phase_center_catalog",
                                         "blts_are_rectangular",
                                         "time_axis_faster_than_bls",
                                         "blt_order",
                                         "pol_convention",
                                         "extra_keywords",
                                         "phase_type",
                                         "phase_center_ra",
                                         "phase_center_dec",
                                         "phase_center_epoch",
                                         "phase_center_frame",
                                         "object_name",
                                         "multi_phase_center",
                                         NULL};

mms_status mms_uvh5_find_lost(mms_uvh5_in *in, mms_error *err)
{
    mms_value *names = NULL, *instrument = NULL, *name;
    size_t i;
    mms_status st;

    MMS_TRY(in->hdf5->names(in->file, "Header", &names, err));
    json_array_foreach(names, i, name) if (!mms_names_have(kept_items, json_string_value(name)))
        json_array_append(in->lost, name);
    MMS_TRY(mms_uvh5_in_text(in, "Header/instrument", &instrument, err));
    if (instrument && in->telescope && !json_equal(instrument, in->telescope))
        json_array_append_new(in->lost, json_string("instrument"));
    if (in->wide)
        json_array_append_new(in->lost, json_string("half of the 16 bytes of visibilities"));
done:
    mms_value_free(&names);
    mms_value_free(&instrument);
    return st;
}

/* ---- in an MS ---------------------------------------------------------------------------------*/

static bool is_kept(const mms_uvh5 *u, const char *column)
{
    static const char *const kept[] = {MMS_COL_TIME,
                                       MMS_COL_ANTENNA1,
                                       MMS_COL_ANTENNA2,
                                       MMS_COL_UVW,
                                       MMS_COL_EXPOSURE,
                                       MMS_COL_FIELD_ID,
                                       MMS_COL_DATA_DESC_ID,
                                       MMS_COL_SCAN_NUMBER,
                                       MMS_COL_ARRAY_ID,
                                       MMS_COL_OBSERVATION_ID,
                                       MMS_COL_FLAG,
                                       MMS_COL_FLAG_ROW,
                                       MMS_COL_WEIGHT,
                                       MMS_COL_WEIGHT_SPECTRUM,
                                       NULL};

    return mms_names_have(kept, column) || !strcmp(column, u->column);
}

void mms_uvh5_list_lost(mms_uvh5 *u, mms_value *list)
{
    static const char *const kept[] = {"ANTENNA",      "DATA_DESCRIPTION", "FEED",
                                       "FIELD",        "HISTORY",          "OBSERVATION",
                                       "POLARIZATION", "SPECTRAL_WINDOW",  NULL};
    const mms_value *const tables = mms_ms_subtables(u->ms);
    mms_value *name;
    size_t i;

    for (int64_t c = 0; c < mms_ms_ncolumn(u->ms); c++)
        if (!is_kept(u, mms_ms_column(u->ms, c)->name))
            json_array_append_new(list, json_string(mms_ms_column(u->ms, c)->name));
    json_array_foreach((mms_value *)tables, i, name)
    {
        const char *const text = json_string_value(name);
        mms_table *table = NULL;
        if (mms_names_have(kept, text))
            continue;
        if (mms_uvh5_open_table(u, text, &table, NULL) == MMS_OK && mms_table_nrow(table) > 0)
            json_array_append(list, name);
        mms_table_drop(&table);
    }
}
