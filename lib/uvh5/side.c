/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file side.c  UVH5 files, and an MS as it would be exported, in one form to compare. */
#include "side_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"

static mms_status no_memory(const mms_uvh5_side *s, mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", s->path);
}

bool mms_uvh5_is_file(const char *path)
{
    static const char signature[] = "\211HDF\r\n\032\n";
    char found[8] = "";
    FILE *const file = fopen(path, "rbe");
    const bool is = file && fread(found, 1, 8, file) == 8 && !memcmp(found, signature, 8);

    if (file)
        fclose(file);
    return is;
}

static mms_status make_room(mms_uvh5_side *s, mms_error *err)
{
    s->ant1 = mms_alloc(s->nblt, sizeof *s->ant1);
    s->ant2 = mms_alloc(s->nblt, sizeof *s->ant2);
    s->centre = mms_alloc(s->nblt, sizeof *s->centre);
    s->scan = mms_alloc(s->nblt, sizeof *s->scan);
    s->window = mms_alloc(s->nfreq, sizeof *s->window);
    s->setup = mms_alloc(s->nfreq, sizeof *s->setup);
    s->stations = mms_alloc(s->nstation, sizeof *s->stations);
    s->centres = mms_alloc(s->ncentre, sizeof *s->centres);
    return s->ant1 && s->ant2 && s->centre && s->scan && s->window && s->setup && s->stations &&
                   s->centres
               ? MMS_OK
               : no_memory(s, err);
}

static const char *text_at(const mms_value *list, int64_t i)
{
    const char *const text = json_string_value(json_array_get(list, (size_t)i));

    return text ? text : "";
}

/* ---- a file -----------------------------------------------------------------------------------*/

static void fill_file_header(mms_uvh5_side *s)
{
    const mms_uvh5_in *const in = &s->in;

    for (int64_t i = 0; i < s->nstation; i++) {
        mms_uvh5_station *const t = &s->stations[i];
        *t = (mms_uvh5_station){.number = in->number[i],
                                .name = text_at(in->names, i),
                                .mount = in->mounts ? text_at(in->mounts, i) : NULL,
                                .dish_m = in->dish_m ? in->dish_m[i] : 0};
        memcpy(t->itrf_m, in->position_m + 3 * i, sizeof t->itrf_m);
    }
    for (int64_t i = 0; i < s->ncentre; i++) {
        const mms_uvh5_source *const f = &in->fields[i];
        s->centres[i] = (mms_uvh5_centre){f->id, f->name, f->frame, f->epoch, f->lon, f->lat};
    }
    for (int64_t w = 0; w < in->nspw; w++)
        for (int64_t c = 0; c < in->spans[w].count; c++) {
            s->window[in->spans[w].first + c] = in->spans[w].id;
            s->setup[in->spans[w].first + c] = in->spans[w].setup;
        }
    for (int32_t p = 0; in->setups[0] && p < in->nsetup; p++)
        (void)mms_uvh5_pol_code(in->setups[p], &s->codes[p]);
    for (int64_t p = 0; !in->setups[0] && p < in->npol; p++)
        (void)mms_uvh5_pol_code(in->corr[p], &s->codes[in->from[p]]);
    s->telescope = in->telescope ? json_string_value(in->telescope) : "";
}

mms_status mms_uvh5_side_file(mms_uvh5_side *s, const char *path, mms_error *err)
{
    mms_uvh5_in *const in = &s->in;
    mms_status st;

    s->path = path;
    MMS_TRY(mms_uvh5_in_open(path, in, err));
    MMS_TRY(mms_uvh5_cubes_open(in, &s->cubes, err));
    s->is_ours = in->hdf5->has(in->file, "multims/version");
    s->nblt = in->nblt;
    s->nfreq = in->nfreq;
    s->npol = in->setups[0] ? in->nsetup : in->npol;
    s->nstation = in->nant;
    s->ncentre = in->nfield;
    s->jd = in->time_jd;
    s->uvw_m = in->uvw_m;
    s->exposure_s = in->exposure_s;
    s->freq_hz = in->freq_hz;
    s->width_hz = in->width_hz;
    MMS_TRY(make_room(s, err));
    fill_file_header(s);
    memcpy(s->ant1, in->ant1, (size_t)s->nblt * sizeof *s->ant1);
    memcpy(s->ant2, in->ant2, (size_t)s->nblt * sizeof *s->ant2);
    for (int64_t i = 0; i < s->nblt; i++)
        s->centre[i] = in->fields[in->field[i]].id;
    memcpy(s->scan, in->scan, (size_t)s->nblt * sizeof *s->scan);
done:
    return st;
}

/** Each window has one polarization: the others are padding, as they are in the file of the MS.
 *  From the end, where values are moved to the places of others that have moved. */
static void spread(const mms_uvh5_side *s, int64_t n)
{
    const mms_uvh5_values *const v = &s->values;

    for (int64_t from = n * s->nfreq; from-- > 0;) {
        const float re = v->vis[from][0], im = v->vis[from][1], samples = v->nsamples[from];
        const uint8_t flag = v->flags[from];
        for (int64_t p = 0, to = from * s->npol; p < s->npol; p++, to++) {
            const bool is = p == s->setup[from % s->nfreq];
            v->vis[to][0] = is ? re : 0;
            v->vis[to][1] = is ? im : 0;
            v->nsamples[to] = is ? samples : 0;
            v->flags[to] = is ? flag : 1;
        }
    }
}

static mms_status make_values(mms_uvh5_side *s, int64_t n, mms_error *err)
{
    const int64_t cells = n * s->nfreq * s->npol;
    mms_uvh5_values *const v = &s->values;

    if (v->n < n) {
        free(v->vis);
        free(v->nsamples);
        free(v->flags);
        v->vis = mms_alloc(cells, sizeof *v->vis);
        v->nsamples = mms_alloc(cells, sizeof *v->nsamples);
        v->flags = mms_alloc(cells, 1);
        v->n = n;
    }
    return v->vis && v->nsamples && v->flags ? MMS_OK : no_memory(s, err);
}

static mms_status read_file(mms_uvh5_side *s, int64_t n, const int64_t *list, mms_error *err)
{
    const int64_t cell = s->nfreq * s->in.npol;
    uint8_t *const scratch = mms_alloc(n * cell, (size_t)s->in.flag_bytes);
    const mms_uvh5_values *const v = &s->values;
    int64_t run = 0;
    mms_status st;

    MMS_TRY(make_values(s, n, err));
    MMS_TRY(scratch ? MMS_OK : no_memory(s, err));
    for (int64_t at = 0; at < n; at += run) {
        for (run = 1; at + run < n && list[at + run] == list[at] + run;)
            run++;
        const mms_uvh5_slab slab = {.blt = list[at],
                                    .n = run,
                                    .count = s->nfreq,
                                    .vis = v->vis + at * cell,
                                    .nsamples = v->nsamples + at * cell,
                                    .flags = v->flags + at * cell,
                                    .scratch = scratch};
        MMS_TRY(mms_uvh5_cubes_read(s->cubes, &slab, err));
    }
    if (s->in.setups[0])
        spread(s, n);
done:
    free(scratch);
    return st;
}

/* ---- an MS ------------------------------------------------------------------------------------*/

static void fill_ms_header(mms_uvh5_side *s)
{
    const mms_uvh5 *const u = &s->plan;
    const mms_uvh5_antennas *const a = &u->antennas;
    int64_t n = 0;

    for (int64_t i = 0; i < s->nstation; i++) {
        mms_uvh5_station *const t = &s->stations[i];
        *t = (mms_uvh5_station){.number = a->number[i],
                                .name = text_at(a->names, i),
                                .mount = a->has_mount ? text_at(a->mounts, i) : NULL,
                                .dish_m = a->has_dish ? a->dish_m[i] : 0};
        memcpy(t->itrf_m, a->position_m + 3 * a->number[i], sizeof t->itrf_m);
    }
    for (int64_t i = 0; i < u->nfield; i++) {
        const mms_uvh5_field *const f = &u->fields[i];
        if (f->used)
            s->centres[n++] = (mms_uvh5_centre){f->id, f->name, f->frame, f->epoch, f->lon, f->lat};
    }
    memcpy(s->window, u->channel_id, (size_t)s->nfreq * sizeof *s->window);
    memcpy(s->codes, u->pols, (size_t)s->npol * sizeof *s->codes);
    for (int64_t i = 0; i < s->nblt; i++) {
        const mms_uvh5_blt *const b = &u->blts[i];
        s->ant1[i] = b->ant1;
        s->ant2[i] = b->ant2;
        s->centre[i] = u->fields[b->field].id;
        s->scan[i] = b->scan;
    }
    s->telescope = u->telescope;
}

mms_status mms_uvh5_side_ms(mms_uvh5_side *s, const mms_uvh5_request *asked, const mms_host *host,
                            mms_error *err)
{
    mms_uvh5 *const u = &s->plan;
    mms_status st;

    s->path = asked->vis;
    s->is_ms = true;
    u->asked = asked;
    u->host = host;
    MMS_TRY(mms_uvh5_plan(u, err));
    s->nblt = u->nblt;
    s->nfreq = u->nfreq;
    s->npol = u->npol;
    s->nstation = u->antennas.n;
    for (int64_t i = 0; i < u->nfield; i++)
        s->ncentre += u->fields[i].used;
    s->jd = u->jd;
    s->uvw_m = u->uvw_m;
    s->exposure_s = u->exposure_s;
    s->freq_hz = u->freq_hz;
    s->width_hz = u->width_hz;
    MMS_TRY(make_room(s, err));
    fill_ms_header(s);
    s->shared = mms_uvh5_shared(u, "", "");
    MMS_TRY(s->shared ? mms_uvh5_reader_open(s->shared, &s->reader, err) : no_memory(s, err));
done:
    return st;
}

/** Baseline-times from first to last, of which those of the list stay. */
static mms_status read_ms(mms_uvh5_side *s, int64_t n, const int64_t *list, mms_error *err)
{
    const mms_uvh5 *const u = &s->plan;
    const int64_t begin = mms_uvh5_first_row(u, list[0]);
    const int64_t end = mms_uvh5_first_row(u, list[n - 1] + 1);
    mms_uvh5_place *const places = mms_alloc(end - begin, sizeof *places);
    const mms_uvh5_values *values;
    int64_t nplace = 0, k = 0;
    mms_status st;

    MMS_TRY(places ? MMS_OK : no_memory(s, err));
    for (int64_t i = begin; i < end; i++) {
        while (list[k] < u->rows[i].blt)
            k++;
        assert(k < n);
        if (list[k] == u->rows[i].blt)
            places[nplace++] = (mms_uvh5_place){u->rows[i].row, k, u->rows[i].ddid};
    }
    MMS_TRY(mms_uvh5_reader_take(s->reader, 0, n, nplace, places, &values, err));
    s->values = *values;
done:
    free(places);
    return st;
}

/* ---- both -------------------------------------------------------------------------------------*/

mms_status mms_uvh5_side_read(mms_uvh5_side *s, int64_t n, const int64_t *list, mms_error *err)
{
    for (int64_t i = 0; i < n; i++)
        assert(list[i] > (i ? list[i - 1] : -1) && list[i] < s->nblt);
    if (n == 0)
        return MMS_OK;
    return s->is_ms ? read_ms(s, n, list, err) : read_file(s, n, list, err);
}

void mms_uvh5_side_end(mms_uvh5_side *s)
{
    if (!s->is_ms) {
        free(s->values.vis);
        free(s->values.nsamples);
        free(s->values.flags);
    }
    mms_uvh5_cubes_close(&s->cubes);
    mms_uvh5_reader_close(&s->reader);
    mms_value_free(&s->shared);
    mms_value_free(&s->settings);
    free(s->member);
    if (s->is_ms)
        mms_uvh5_end(&s->plan);
    else
        mms_uvh5_in_end(&s->in);
    free(s->ant1);
    free(s->ant2);
    free(s->centre);
    free(s->scan);
    free(s->window);
    free(s->setup);
    free(s->stations);
    free(s->centres);
}
