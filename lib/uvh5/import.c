/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file import.c  From a UVH5 file to a published MS, which one worker writes. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/files_priv.h"
#include "import_priv.h"

/** Room by 14 bytes a visibility (data, flag, weight spectrum), and scalars. */
static int64_t estimate(const mms_uvh5_in *in)
{
    return in->nblt * (in->nfreq * in->npol * 14 + in->nspw * 200) + (1 << 20);
}

/** uvw of a file may be those of antenna 1 - antenna 2: pyuvdata undoes that. */
static bool is_flipped(const mms_uvh5_in *in, int64_t n, const double *lst, const double *ra,
                       const double *dec, const double *pa)
{
    double plus = 0, minus = 0;
    double *const places = calloc((size_t)in->nrow_ant * 3, sizeof *places);

    for (int64_t i = 0; places && i < in->nant; i++)
        memcpy(places + 3 * in->number[i], in->position_m + 3 * i, 3 * sizeof *places);
    for (int64_t i = 0; places && i < n; i++) {
        const double *const p = places + 3 * in->ant1[i], *const q = places + 3 * in->ant2[i];
        const double d[3] = {q[0] - p[0], q[1] - p[1], q[2] - p[2]};
        const mms_uvh5_view view = {lst[i], ra[i], dec[i], pa[i]};
        double e[3];
        mms_uvh5_expected_uvw(d, in->geodetic[0], &view, e);
        for (int k = 0; k < 3; k++) {
            plus = fmax(plus, fabs(in->uvw_m[3 * i + k] - e[k]));
            minus = fmax(minus, fabs(in->uvw_m[3 * i + k] + e[k]));
        }
    }
    free(places);
    return places && plus > 1 && minus < 1;
}

static mms_status decide_sign(mms_uvh5_in *in, bool flipconj, mms_error *err)
{
    static const char *const names[] = {"Header/lst_array", "Header/phase_center_app_ra",
                                        "Header/phase_center_app_dec",
                                        "Header/phase_center_frame_pa"};
    double *lists[4] = {NULL};
    mms_status st = MMS_OK;

    in->conjugates = flipconj;
    for (int i = 0; i < 4; i++) {
        if (!in->hdf5->has(in->file, names[i]))
            goto done;
        MMS_TRY(mms_uvh5_in_numbers(in, names[i], MMS_H5_DOUBLE, in->nblt, &lists[i], err));
    }
    if (flipconj && is_flipped(in, in->nblt, lists[0], lists[1], lists[2], lists[3])) {
        in->conjugates = false;
        mms_log(MMS_LOG_WARN, "importuvh5",
                "%s: uvw are those of antenna 1 - antenna 2: uvw and data stay as they are",
                in->path);
    }
done:
    for (int i = 0; i < 4; i++)
        free(lists[i]);
    return st;
}

static mms_status open_input(const char *path, bool flipconj, mms_uvh5_in *in, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_uvh5_in_open(path, in, err));
    MMS_TRY(mms_uvh5_check_catalogue(in, false, err));
    MMS_TRY(decide_sign(in, flipconj, err));
done:
    return st;
}

/* ---- in the worker ----------------------------------------------------------------------------*/

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

    return put_keyword(main, "DATA", "QuantumUnits", json_pack("[s]", none ? "uncalib" : unit),
                       err);
}

static mms_status write_ms(mms_job *job, const char *path, bool keepabsent, mms_uvh5_in *in,
                           int64_t *nrow, mms_error *err)
{
    static const char *const optional[] = {"DATA", "WEIGHT_SPECTRUM", NULL};
    mms_table *main = NULL;
    mms_status st;

    MMS_TRY(mms_table_create_standard(path, "MAIN", optional, NULL, &main, err));
    MMS_TRY(put_keyword(main, NULL, "pyuvdata_flip_conj", json_boolean(in->conjugates), err));
    MMS_TRY(put_keyword(main, NULL, "pyuvdata_has_feed", json_false(), err));
    MMS_TRY(put_unit(in, main, err));
    MMS_TRY(mms_uvh5_write_tables(in, main, err));
    MMS_TRY(mms_uvh5_write_main(in, main, keepabsent, job, nrow, err));
    MMS_TRY(mms_table_close(&main, err));
done:
    mms_table_drop(&main);
    return st;
}

mms_status mms_uvh5_import_unit(mms_job *job, const mms_value *order, mms_value *answer,
                                mms_error *err)
{
    const char *const out = json_string_value(json_object_get(order, "out"));
    mms_uvh5_in in = {0};
    int64_t nrow = 0;
    mms_status st;

    MMS_TRY(open_input(json_string_value(json_object_get(order, "uvh5file")),
                       json_is_true(json_object_get(order, "flipconj")), &in, err));
    MMS_TRY(
        write_ms(job, out, json_is_true(json_object_get(order, "keepabsent")), &in, &nrow, err));
    MMS_TRY(mms_history_append(out, "importuvh5", json_object_get(order, "history"), err));
    json_object_set_new(answer, "rows", json_integer(nrow));
done:
    mms_uvh5_in_end(&in);
    return st;
}

/* ---- in the client ----------------------------------------------------------------------------*/

static void describe(const mms_uvh5_in *in, const mms_uvh5_import_request *r, mms_value *result)
{
    json_object_set_new(result, "outputvis", mms_text_value(r->vis));
    json_object_set_new(result, "blts", json_integer(in->nblt));
    json_object_set_new(result, "channels", json_integer(in->nfreq));
    json_object_set_new(result, "polarizations", json_integer(in->npol));
    json_object_set_new(result, "windows", json_integer(in->nspw));
    json_object_set_new(result, "fields", json_integer(in->nfield));
    json_object_set_new(result, "negated", json_boolean(in->conjugates));
    json_object_set_new(result, "bytes_out", json_integer(estimate(in)));
}

/** Files of HERA before 2023 have Nbls = Nblts. */
static mms_status tell_counts(const mms_uvh5_in *in, mms_error *err)
{
    mms_uvh5_counts n;
    mms_status st;

    MMS_TRY(mms_uvh5_count(in, &n, err));
    const struct {
        const char *name;
        int64_t found;
        const char *what;
    } counts[] = {{"Nbls", n.baselines, "baselines"},
                  {"Ntimes", n.times, "times"},
                  {"Nants_data", n.antennas, "antennas with data"}};
    for (int64_t i = 0; i < MMS_COUNT_OF(counts); i++) {
        double told = (double)counts[i].found;
        char name[64];
        snprintf(name, sizeof name, "Header/%s", counts[i].name);
        if (in->hdf5->has(in->file, name))
            MMS_TRY(mms_uvh5_in_number(in, name, &told, err));
        if (told != (double)counts[i].found)
            mms_log(MMS_LOG_WARN, "importuvh5", "%s: %s is %g; there are %" PRId64 " %s", in->path,
                    counts[i].name, told, counts[i].found, counts[i].what);
    }
done:
    return st;
}

static mms_status look_at(const mms_uvh5_import_request *r, const mms_host *host, mms_value *result,
                          mms_error *err)
{
    mms_uvh5_in in = {0};
    int64_t have;
    bool there;
    mms_status st;

    (void)host;
    MMS_TRY(mms_path_exists(r->uvh5file, &there, err));
    if (!there)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND,
                         "Visibility data set not found - please verify the name. (%s)",
                         r->uvh5file));
    MMS_TRY(mms_output_check_new(NULL, r->vis, false, err));
    MMS_TRY(open_input(r->uvh5file, r->flipconj, &in, err));
    MMS_TRY(tell_counts(&in, err));
    describe(&in, r, result);
    MMS_TRY(mms_disk_free(r->vis, &have, err));
    if (estimate(&in) > have)
        MMS_TRY(mms_fail(err, MMS_ERR_SPACE,
                         "%s needs about %" PRId64 " MiB, the disk has %" PRId64 " MiB left",
                         r->vis, (estimate(&in) >> 20) + 1, have >> 20));
done:
    mms_uvh5_in_end(&in);
    return st;
}

static mms_status run_unit(const mms_uvh5_import_request *r, const mms_host *host, const char *out,
                           mms_value *result, mms_error *err)
{
    char *const file = mms_path_absolute(r->uvh5file);
    const char *const names[] = {r->vis};
    mms_engine *engine;
    mms_value *unit = NULL;
    mms_answer answer = {0};
    mms_status st;

    MMS_TRY(file ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory"));
    MMS_TRY(host->engine(host->ctx, &engine, err));
    unit = json_pack("{so so sb sb sO}", "uvh5file", mms_text_value(file), "out",
                     mms_text_value(out), "flipconj", (int)r->flipconj, "keepabsent",
                     (int)r->keepabsent, "history", host->history);
    MMS_TRY(unit ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory"));
    st = mms_engine_run(engine, host->task, 1, names, &unit, &answer, err);
    if (st == MMS_OK && answer.status != MMS_OK) { // EMPTY ends no run, but this one
        *err = answer.error;
        st = answer.status;
    }
    if (st == MMS_OK)
        json_object_set(result, "rows_out", json_object_get(answer.value, "rows"));
    mms_answers_free(1, &answer);
done:
    mms_value_free(&unit);
    free(file);
    return st;
}

static mms_status write_output(const mms_uvh5_import_request *r, const mms_host *host,
                               mms_value *result, mms_error *err)
{
    char *const path = mms_path_absolute(r->vis);
    char *const base = path ? mms_path_base(path) : NULL;
    char *inner = NULL;
    mms_stage *stage = NULL;
    mms_status st;

    MMS_TRY(base ? mms_stage_create(path, &stage, err) : mms_fail(err, MMS_ERR_MEM, "no memory"));
    *host->wrote = true;
    inner = mms_format("%s/%s", mms_stage_path(stage), base);
    MMS_TRY(inner ? run_unit(r, host, inner, result, err)
                  : mms_fail(err, MMS_ERR_MEM, "out of memory"));
    if (r->how.sync)
        MMS_TRY(mms_stage_sync(stage, err));
    MMS_TRY(mms_check_stop(err));
    MMS_TRY(mms_stage_publish(stage, base, path, err));
done:
    if (st != MMS_OK && stage)
        st = mms_output_name_full_disk(host->task, mms_stage_path(stage), st, err);
    mms_stage_remove(&stage);
    free(inner);
    free(base);
    free(path);
    return st;
}

mms_status mms_uvh5_import(const mms_uvh5_import_request *request, const mms_host *host,
                           mms_value *result, mms_error *err)
{
    mms_status st;

    MMS_TRY(look_at(request, host, result, err));
    if (!request->how.dryrun)
        MMS_TRY(write_output(request, host, result, err));
done:
    return st;
}
