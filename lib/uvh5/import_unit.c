/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file import_unit.c  In a worker: the sub-tables of an import with an empty main table, and the
 *  parts. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "base/tree_priv.h"
#include "import_priv.h"
#include "ms/columns.h"
#include "ms/subtable_set_priv.h"
#include "orders_priv.h"
#include "output/order_priv.h"

/** uvw of a file may be those of antenna 1 - antenna 2: pyuvdata undoes that. */
static bool is_flipped(const mms_uvh5_in *in, int64_t n, const double *lst, const double *ra,
                       const double *dec, const double *pa)
{
    double plus = 0, minus = 0;
    double *const places = mms_uvh5_places(in);

    for (int64_t i = 0; places && i < n; i++) {
        mms_uvh5_in_rest(in, i);
        const mms_uvh5_view view = {lst[i], ra[i], dec[i], pa[i]};
        double e[3];
        mms_uvh5_uvw_of(in, places, i, &view, e);
        for (int k = 0; k < 3; k++) {
            plus = fmax(plus, fabs(in->uvw_m[3 * i + k] - e[k]));
            minus = fmax(minus, fabs(in->uvw_m[3 * i + k] + e[k]));
        }
    }
    free(places);
    return places && plus > 1 && minus < 1;
}

/** What is not projected looks at the zenith: right ascension is sidereal time. */
static mms_status read_views(const mms_uvh5_in *in, double *lists[4], bool *all, mms_error *err)
{
    static const char *const names[] = {"Header/lst_array", "Header/phase_center_app_ra",
                                        "Header/phase_center_app_dec",
                                        "Header/phase_center_frame_pa"};
    mms_status st;

    *all = in->hdf5->has(in->file, names[0]);
    if (!*all)
        return MMS_OK;
    MMS_TRY(mms_uvh5_in_rows(in, names[0], MMS_H5_DOUBLE, 1, &lists[0], err));
    for (int k = 1; k < 4; k++) {
        if (in->hdf5->has(in->file, names[k])) {
            MMS_TRY(mms_uvh5_in_rows(in, names[k], MMS_H5_DOUBLE, 1, &lists[k], err));
            continue;
        }
        lists[k] = mms_spill_alloc(in->nblt, sizeof(double));
        MMS_TRY(lists[k] ? MMS_OK : mms_uvh5_in_memory(in, err));
        for (int64_t i = 0; i < in->nblt; i++) {
            *all = *all && !strcmp(in->fields[in->field[i]].type, "unprojected");
            lists[k][i] = k == 1 ? lists[0][i] : k == 2 ? in->geodetic[1] : 0;
            mms_uvh5_in_rest(in, i);
        }
    }
done:
    return st;
}

/** uvw of the other sign, with data to match, are turned round before anything else. */
static mms_status decide_sign(mms_uvh5_in *in, bool flipconj, mms_error *err)
{
    double *lists[4] = {NULL};
    bool all;
    mms_status st;

    in->conjugates = flipconj;
    MMS_TRY(read_views(in, lists, &all, err));
    in->flipped =
        flipconj && all && is_flipped(in, in->nblt, lists[0], lists[1], lists[2], lists[3]);
    for (int64_t i = 0; in->flipped && i < 3 * in->nblt; i++) {
        in->uvw_m[i] = -in->uvw_m[i];
        mms_uvh5_in_rest(in, i);
    }
    if (in->flipped)
        mms_log(MMS_LOG_WARN, "importuvh5",
                "%s: uvw are those of antenna 1 - antenna 2: uvw and data stay as they are",
                in->path);
done:
    for (int i = 0; i < 4; i++)
        mms_spill_free(lists[i]);
    return st;
}

mms_status mms_uvh5_import_open(const char *path, bool flipconj, bool zenith, bool tells,
                                mms_uvh5_in *in, mms_error *err)
{
    const mms_level level = tells ? 0 : mms_log_limit(MMS_LOG_ERROR);
    mms_status st;

    MMS_TRY(mms_uvh5_in_open(path, in, err));
    MMS_TRY(mms_uvh5_check_catalogue(in, zenith, err));
    MMS_TRY(decide_sign(in, flipconj, err));
    if (zenith)
        MMS_TRY(mms_uvh5_to_zenith(in, err));
done:
    if (!tells)
        mms_log_limit(level);
    return st;
}

/* ---- the sub-tables ---------------------------------------------------------------------------*/

static mms_status put_keyword(mms_table *table, const char *column, const char *name,
                              mms_value *value, mms_error *err)
{
    const mms_status st = mms_table_set_keyword(table, column, name, value, err);

    json_decref(value);
    return st;
}

/** "uncalib" in any case stands for no unit known. */
static mms_status put_unit(const mms_uvh5_in *in, mms_table *main, mms_error *err)
{
    const char *const unit = in->unit ? json_string_value(in->unit) : "uncalib";
    const bool none = !strcasecmp(unit, "uncalib");

    return put_keyword(main, MMS_COL_DATA, "QuantumUnits",
                       json_pack("[s]", none ? "uncalib" : unit), err);
}

static mms_status put_keywords(const mms_uvh5_in *in, mms_table *main, mms_error *err)
{
    mms_status st;

    MMS_TRY(put_keyword(main, NULL, "pyuvdata_flip_conj", json_boolean(in->conjugates), err));
    MMS_TRY(put_keyword(main, NULL, "pyuvdata_has_feed", json_boolean(in->feeds != NULL), err));
    if (json_object_size(in->extra) > 0)
        MMS_TRY(mms_table_set_keyword(main, NULL, "pyuvdata_extra", in->extra, err));
    if (in->convention)
        MMS_TRY(mms_table_set_keyword(main, NULL, "pyuvdata_polconv", in->convention, err));
    MMS_TRY(put_unit(in, main, err));
done:
    return st;
}

/** Managers as CASA has them, scalars together. */
static mms_value *managers(void)
{
    return json_pack(
        "[{ss ss s[ssssssssss]} {ss ss s[ssssss]} {ss ss s[s]} {ss ss s[s]} {ss ss s[s]} "
        "{ss ss s[s]} {ss ss s[s]} {ss ss s[s]} {ss ss s[s] s[i] s[ii]}]",
        "type", "IncrementalStMan", "name", "ISMData", "columns", MMS_COL_ARRAY_ID,
        MMS_COL_EXPOSURE, MMS_COL_FEED1, MMS_COL_FEED2, MMS_COL_FIELD_ID, MMS_COL_INTERVAL,
        MMS_COL_OBSERVATION_ID, MMS_COL_PROCESSOR_ID, MMS_COL_SCAN_NUMBER, MMS_COL_STATE_ID, "type",
        "StandardStMan", "name", "SSMData", "columns", MMS_COL_ANTENNA1, MMS_COL_ANTENNA2,
        MMS_COL_DATA_DESC_ID, MMS_COL_FLAG_ROW, MMS_COL_TIME, MMS_COL_TIME_CENTROID, "type",
        "TiledShapeStMan", "name", "TiledDATA", "columns", MMS_COL_DATA, "type", "TiledShapeStMan",
        "name", "TiledFlag", "columns", MMS_COL_FLAG, "type", "TiledShapeStMan", "name",
        "TiledWgtSpectrum", "columns", MMS_COL_WEIGHT_SPECTRUM, "type", "TiledShapeStMan", "name",
        "TiledWgt", "columns", MMS_COL_WEIGHT, "type", "TiledShapeStMan", "name", "TiledSigma",
        "columns", MMS_COL_SIGMA, "type", "TiledShapeStMan", "name", "TiledFlagCategory", "columns",
        MMS_COL_FLAG_CATEGORY, "type", "TiledColumnStMan", "name", "TiledUVW", "columns",
        MMS_COL_UVW, "cell", 3, "tile", 4096, 3);
}

/** A set without rows, like which the parts are made. */
static mms_status write_like(const mms_uvh5_in *in, const char *path, mms_error *err)
{
    static const char *const optional[] = {MMS_COL_DATA, MMS_COL_WEIGHT_SPECTRUM, NULL};
    mms_value *layout = managers();
    mms_table *main = NULL;
    mms_status st;

    MMS_TRY(layout ? MMS_OK : mms_uvh5_in_memory(in, err));
    MMS_TRY(mms_table_create_standard(path, "MAIN", optional, layout, &main, err));
    MMS_TRY(put_keywords(in, main, err));
    MMS_TRY(mms_uvh5_write_tables(in, main, err));
    MMS_TRY(mms_table_close(&main, err));
done:
    mms_value_free(&layout);
    mms_table_drop(&main);
    return st;
}

/* ---- a part -----------------------------------------------------------------------------------*/

static mms_status add_subtables(const mms_uvh5_import_order *o, mms_writer *writer, mms_error *err)
{
    mms_subtable_set *set = NULL;
    mms_status st;

    MMS_TRY(mms_subtable_set_open(o->like, o->subtables, &set, err));
    MMS_TRY(mms_subtable_set_write(set, o->links, writer, err));
done:
    mms_subtable_set_close(&set);
    return st;
}

static mms_status write_part(mms_job *job, const mms_uvh5_import_order *o, mms_uvh5_in *in,
                             mms_value *answer, mms_error *err)
{
    mms_writer_opts opts = MMS_WRITER_OPTS_INIT;
    mms_writer *writer = NULL;
    mms_ms *like = NULL;
    int fd = -1;
    mms_status st;

    if (o->renew)
        MMS_TRY(mms_remove_tree(o->out, err));
    MMS_TRY(mms_open_file(o->cells, &fd, &opts.nrow, err));
    opts.nrow /= (int64_t)sizeof(mms_uvh5_row_in);
    MMS_TRY(mms_ms_open(o->like, &like, err));
    opts.sync = o->sync;
    MMS_TRY(mms_writer_create(o->out, like, &opts, &writer, err));
    MMS_TRY(add_subtables(o, writer, err));
    MMS_TRY(mms_uvh5_write_main(in, like, writer, fd, opts.nrow, (int)o->threads, job, err));
    MMS_TRY(mms_writer_close(&writer, err));
    json_object_set_new(answer, "rows", json_integer(opts.nrow));
done:
    mms_writer_drop(&writer);
    mms_ms_close(&like);
    if (fd >= 0)
        close(fd);
    return st;
}

/** The client has found out what rows need. */
static mms_status open_header(const mms_uvh5_import_order *o, mms_uvh5_in *in, mms_error *err)
{
    const mms_level level = mms_log_limit(MMS_LOG_ERROR);
    mms_status st;

    MMS_TRY(mms_uvh5_in_open_header(o->uvh5file, in, err));
    in->memory = o->memory;
    in->conjugates = o->flipconj;
    in->flipped = o->flipped;
    if (o->zenith)
        MMS_TRY(mms_uvh5_mark_turned(in, err));
done:
    mms_log_limit(level);
    return st;
}

mms_status mms_uvh5_import_unit(mms_job *job, const mms_value *order, mms_value *answer,
                                mms_error *err)
{
    mms_uvh5_import_order o = {0};
    mms_uvh5_in in = {0};
    mms_status st;

    if (!strcmp(mms_order_step(order), "finish"))
        return mms_output_unit(job, order, answer, err);
    MMS_TRY(mms_uvh5_import_order_decode(order, &o, err));
    if (!strcmp(o.step, "part")) {
        MMS_TRY(open_header(&o, &in, err));
        MMS_TRY(write_part(job, &o, &in, answer, err));
        goto done;
    }
    MMS_TRY(mms_uvh5_import_open(o.uvh5file, o.flipconj, o.zenith, false, &in, err));
    MMS_TRY(mms_remove_tree(o.like, err));
    MMS_TRY(write_like(&in, o.like, err));
done:
    free(o.links);
    mms_uvh5_in_end(&in);
    return st;
}
