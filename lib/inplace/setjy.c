/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file setjy.c  Models of calibrators in MODEL_DATA (in-place 4). */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "calibrate/calibrate.h"
#include "groups_priv.h"
#include "models_priv.h"
#include "ms/columns.h"
#include "ms/frames_priv.h"
#include "ms/ms_meta.h"
#include "multims/log.h"
#include "orders_priv.h"
#include "tables/measures_priv.h"

static const char *const columns[] = {MMS_COL_MODEL_DATA, NULL};

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "setjy: out of memory");
}

/* ---- the client -------------------------------------------------------------------------------*/

/** A run in the client. */
typedef struct running {
    const mms_setjy_request *q;
    mms_change change;
    double **freq_hz;
    int32_t *frames;   /**< of the windows */
    mms_value *models; /**< [[field, ddid, law], …]; virtual: see mms_table_change_models() */
    mms_meta meta;     /**< virtual: of the selected rows */
    mms_value *fluxes; /**< CASA's dictionary */
} running;

static const char *field_name(const running *r, int64_t field)
{
    return json_string_value(json_array_get(r->change.set.fields, (size_t)field));
}

/** Terms of a list of numbers from first on. */
static int64_t take_terms(const mms_value *list, size_t first, double *terms)
{
    int64_t n = 0;

    for (size_t i = first; i < json_array_size(list) && n < MMS_FLUX_TERMS; i++)
        terms[n++] = json_number_value(json_array_get(list, i));
    return n;
}

/** What fluxscale found for a field: the fit, else the flux density of a window. */
static bool find_fitted(const mms_value *entry, int32_t spw, mms_flux *flux)
{
    const double fit = json_number_value(json_object_get(entry, "fitFluxd"));
    const double reference = json_number_value(json_object_get(entry, "fitRefFreq"));
    char key[24];
    const mms_value *fluxd;

    *flux = (mms_flux){.reference_hz = reference > 0 ? reference : 1e9};
    if (fit > 0 && reference > 0) {
        flux->stokes_jy[0] = fit;
        flux->nterm = take_terms(json_object_get(entry, "spidx"), 1, flux->terms);
        return true;
    }
    snprintf(key, sizeof key, "%d", spw);
    fluxd = json_object_get(json_object_get(entry, key), "fluxd");
    (void)take_terms(fluxd, 0, flux->stokes_jy);
    return json_array_size(fluxd) == 4;
}

/** The law of a field in a window; *found is false where it gets no model. */
static void find_law(const running *r, int64_t field, int32_t spw, bool *found, mms_flux *flux)
{
    const char *standard = r->q->standard;
    char key[24];

    *found = true;
    if (!strcmp(standard, "manual")) {
        *flux = *r->q->manual;
        return;
    }
    if (!strcmp(standard, "fluxscale")) {
        snprintf(key, sizeof key, "%" PRId64, field);
        *found = find_fitted(json_object_get(r->q->fluxdict, key), spw, flux);
        return;
    }
    mms_flux_find(standard, field_name(r, field), r->change.first_s[field], found, flux);
    mms_flux_interpolate(standard, field_name(r, field), r->change.first_s[field],
                         r->q->interpolation, flux);
    *found = true; // a source that is not known has 1 Jy
}

/** The frequency at which all channels of a window are taken, or whose flux density is said. */
static double said_frequency(const running *r, int64_t ddid)
{
    const int32_t n = r->change.set.windows[ddid].nchan;
    const double *freq_hz = r->freq_hz[ddid];

    return r->q->scalebychan ? freq_hz[0] : (freq_hz[0] + freq_hz[n - 1]) / 2;
}

/** The frequency of the first channel as CASA moves it for a spectral index: to LSRK, at the
 * field's first row; as it is where that can't be found. */
static double lsrk_frequency(const running *r, int64_t field, int64_t ddid)
{
    const double first_hz = r->freq_hz[ddid][0];
    const mms_freq_frame from = (mms_freq_frame)r->frames[r->change.set.windows[ddid].spw];
    mms_viewpoint seen = {.time_s = r->change.first_s[field], .velocity_m_s = NAN};
    mms_fields *fields = NULL;
    mms_frame_route route = {0};
    double shifted_hz = first_hz;
    mms_site site;
    mms_status st;

    MMS_TRY(mms_fields_open(r->change.set.field_table, &fields, NULL));
    MMS_TRY(mms_fields_direction(fields, (int32_t)field, seen.time_s, &seen.direction, NULL));
    MMS_TRY(mms_frames_site(r->change.ms, &site, NULL));
    memcpy(seen.itrf_m, site.itrf_m, sizeof seen.itrf_m);
    MMS_TRY(mms_frame_route_make(from, &seen, MMS_FRAME_LSRK, &seen, false, &route, NULL));
    for (int64_t i = 0; i < route.n; i++)
        shifted_hz *= route.factor[i];
done:
    mms_fields_close(&fields);
    return st == MMS_OK ? shifted_hz : first_hz;
}

static bool is_moved(const running *r, const mms_flux *flux)
{
    return !strcmp(r->q->standard, "manual") && flux->nterm == 1 && flux->npol == 0 &&
           r->q->scalebychan && (flux->terms[0] < 0 || flux->terms[0] > 0);
}

static void say_flux(running *r, int64_t field, int64_t ddid, const mms_flux *flux)
{
    const int32_t spw = r->change.set.windows[ddid].spw;
    mms_value *of_field, *list = json_array();
    char name[24], key[24];
    double stokes[4];

    snprintf(name, sizeof name, "%" PRId64, field);
    snprintf(key, sizeof key, "%d", spw);
    of_field = json_object_get(r->fluxes, name);
    if (!of_field)
        json_object_set_new(r->fluxes, name, of_field = json_object());
    mms_flux_at(flux, is_moved(r, flux) ? lsrk_frequency(r, field, ddid) : said_frequency(r, ddid),
                stokes);
    for (int i = 0; i < 4; i++)
        json_array_append_new(list, json_real(stokes[i]));
    json_object_set_new(of_field, key, json_pack("{so}", "fluxd", list));
    json_object_set_new(of_field, "fieldName", mms_text_value(field_name(r, field)));
}

static bool is_known(const running *r, int64_t field)
{
    bool found = true;
    mms_flux flux;

    if (mms_flux_has_standard(r->q->standard))
        mms_flux_find(r->q->standard, field_name(r, field), r->change.first_s[field], &found,
                      &flux);
    return found;
}

static void warn_unknown(const running *r, int64_t field)
{
    if (!is_known(r, field))
        mms_log(MMS_LOG_ERROR, "setjy", "%s is not recognized by %s", field_name(r, field),
                r->q->standard);
}

static mms_status check_products(const running *r, int64_t ddid, mms_error *err)
{
    const mms_flag_window *w = &r->change.set.windows[ddid];
    const double none[4] = {0};
    mms_complex value;
    mms_status st = MMS_OK;

    for (int32_t i = 0; i < w->ncorr && st == MMS_OK; i++)
        st = mms_flux_product(w->names[i], none, &value, err);
    return st;
}

static mms_status read_frames(running *r, mms_error *err)
{
    const char *path = mms_ms_subtable(r->change.ms, "SPECTRAL_WINDOW");
    mms_table *table = NULL;
    mms_status st;

    MMS_TRY(path ? mms_table_open(path, MMS_TABLE_READ, &table, err)
                 : mms_fail(err, MMS_ERR_NOT_FOUND, "the set has no SPECTRAL_WINDOW"));
    MMS_TRY(mms_table_get_ints(table, "MEAS_FREQ_REF", &r->frames, err));
done:
    mms_table_drop(&table);
    return st;
}

static bool has_spw(const mms_value *spws, int32_t spw)
{
    for (size_t i = 0; i < json_array_size(spws); i++)
        if (json_integer_value(json_array_get(spws, i)) == spw)
            return true;
    return false;
}

/** The entry of a field that has a virtual model. */
static mms_value *virtual_entry(running *r, int64_t field)
{
    const size_t n = json_array_size(r->models);
    mms_value *last = n > 0 ? json_array_get(r->models, n - 1) : NULL;

    if (last && json_integer_value(json_object_get(last, "field")) == field)
        return last;
    last = json_pack("{sI s[] s[]}", "field", (json_int_t)field, "spws", "components");
    json_array_append_new(r->models, last);
    return last;
}

/** A component for a field in a window. */
static mms_status add_virtual(running *r, int64_t field, int64_t ddid, const mms_flux *flux,
                              mms_error *err)
{
    const mms_flag_window *w = &r->change.set.windows[ddid];
    mms_value *entry = virtual_entry(r, field), *spws = json_object_get(entry, "spws");
    mms_value *rows = NULL, *component = NULL;
    mms_fields *fields = NULL;
    mms_direction direction;
    mms_status st = MMS_OK;

    if (has_spw(spws, w->spw))
        return MMS_OK; // of another polarization setup
    MMS_TRY(mms_fields_open(r->change.set.field_table, &fields, err));
    MMS_TRY(
        mms_fields_direction(fields, (int32_t)field, r->change.first_s[field], &direction, err));
    rows = mms_model_rows(&r->meta, (int32_t)field, w->spw);
    component = mms_model_component(flux, w, r->freq_hz[ddid], r->frames[w->spw],
                                    !r->q->scalebychan, &direction, rows);
    MMS_TRY(rows && component ? MMS_OK : no_memory(err));
    json_array_append_new(spws, json_integer(w->spw));
    json_array_append(json_object_get(entry, "components"), component);
done:
    mms_value_free(&rows);
    mms_value_free(&component);
    mms_fields_close(&fields);
    return st;
}

static mms_status add_model(running *r, int64_t field, int64_t ddid, const mms_flux *flux,
                            mms_error *err)
{
    if (r->q->is_virtual) // without one a field has 1 Jy
        return is_known(r, field) ? add_virtual(r, field, ddid, flux, err) : MMS_OK;
    json_array_append_new(
        r->models, json_pack("[IIo]", (json_int_t)field, (json_int_t)ddid, mms_flux_encode(flux)));
    return MMS_OK;
}

static mms_status find_models(running *r, mms_error *err)
{
    const mms_change *c = &r->change;
    int64_t nfield = 0;
    mms_status st = MMS_OK;

    for (int64_t f = 0; f < c->nfield; f++) {
        int64_t rows = 0;
        for (int64_t d = 0; d < c->set.nwindow; d++) {
            bool found = false;
            mms_flux flux;
            if (c->counts[f * c->set.nwindow + d] == 0)
                continue;
            rows += c->counts[f * c->set.nwindow + d];
            find_law(r, f, c->set.windows[d].spw, &found, &flux);
            if (!found)
                continue;
            MMS_TRY(check_products(r, d, err));
            say_flux(r, f, d, &flux);
            MMS_TRY(add_model(r, f, d, &flux, err));
        }
        if (rows > 0)
            warn_unknown(r, f);
        nfield += rows > 0;
    }
    if (json_array_size(r->models) == 0)
        MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                         "No field was found in fluxdict for the given data selection"));
    if (nfield > 1 && !strcmp(r->q->standard, "manual"))
        mms_log(MMS_LOG_WARN, "setjy",
                "setjy is applying a single fluxdensity to multiple fields!");
done:
    return st;
}

static mms_status check_set(const running *r, mms_error *err)
{
    const mms_column *model = mms_ms_find_column(r->change.ms, columns[0]);

    if (r->q->is_virtual)
        return MMS_OK;
    if (!mms_ms_find_column(r->change.ms, MMS_COL_DATA) &&
        !mms_ms_find_column(r->change.ms, MMS_COL_FLOAT_DATA))
        return mms_fail(err, MMS_ERR_UNSUPPORTED,
                        "%s has no column DATA or FLOAT_DATA, which says the shape of MODEL_DATA",
                        mms_ms_path(r->change.ms));
    if (model && model->dtype != MMS_DT_COMPLEX)
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: MODEL_DATA holds %s, not complex numbers",
                        mms_ms_path(r->change.ms), mms_dtype_name(model->dtype));
    return MMS_OK;
}

/** What can be wrong without looking at the set. */
static mms_status read_reffreq(const mms_setjy_request *q, mms_error *err)
{
    double *reference_hz = &q->manual->reference_hz;

    if (strcmp(q->standard, "manual") != 0 ||
        (mms_quantity_parse(q->reffreq, "Hz", false, reference_hz, NULL) == MMS_OK &&
         *reference_hz > 0))
        return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG,
                    "parameter reffreq: %s is not a frequency above 0, such as 1.4GHz", q->reffreq);
}

/** A virtual model knows rows by scan and state. */
static void say_whole_scans(const mms_setjy_request *q)
{
    if (q->is_virtual && q->select.timerange && *q->select.timerange)
        mms_log(MMS_LOG_WARN, "setjy",
                "usescratch=False: a virtual model is one of whole scans: timerange=%s selects "
                "those that it touches",
                q->select.timerange);
}

static mms_status write_virtual(running *r, bool *wrote, mms_value *result, mms_error *err)
{
    static const char *const none[] = {NULL};
    const mms_change_request *how = &r->q->change;
    const mms_change_work work = {.how = how, .columns = none};

    return how->dryrun ? mms_change_plan(&r->change, &work, result, err)
                       : mms_models_run(&r->change, how, r->models, wrote, result, err);
}

static mms_status write_columns(running *r, bool *wrote, mms_value *result, mms_error *err)
{
    const mms_setjy_request *q = r->q;
    mms_value *order = mms_setjy_work_encode(
        &(mms_setjy_work){.models = r->models, .scalebychan = q->scalebychan});
    const mms_change_work work = {.how = &q->change,
                                  .columns = columns,
                                  .made = columns[0],
                                  .work = order,
                                  .ends_models = true};
    mms_status st;

    MMS_TRY(order ? MMS_OK : no_memory(err));
    MMS_TRY(q->change.dryrun ? mms_change_plan(&r->change, &work, result, err)
                             : mms_change_run(&r->change, &work, wrote, result, err));
done:
    mms_value_free(&order);
    return st;
}

mms_status mms_setjy_run(const mms_setjy_request *q, bool *wrote, mms_value *result, mms_error *err)
{
    const mms_change_request *how = &q->change;
    running r = {.q = q, .models = json_array(), .fluxes = json_object()};
    mms_status st;

    MMS_TRY(read_reffreq(q, err));
    say_whole_scans(q);
    MMS_TRY(mms_change_open(how, &q->select, &r.change, err));
    if (mms_change_is_over(how, wrote, result))
        goto done;
    MMS_TRY(check_set(&r, err));
    MMS_TRY(mms_change_frequencies(r.change.ms, &r.change.set, &r.freq_hz, err));
    MMS_TRY(read_frames(&r, err));
    if (q->is_virtual)
        MMS_TRY(mms_meta_read(r.change.ms, r.change.selection, &r.meta, err));
    MMS_TRY(find_models(&r, err));
    json_object_set_new(
        r.fluxes, "format",
        json_string("{field Id: {spw Id: {fluxd: [I,Q,U,V] in Jy}, 'fieldName':field name }}"));
    json_object_set(result, "fluxes", r.fluxes);
    MMS_TRY(q->is_virtual ? write_virtual(&r, wrote, result, err)
                          : write_columns(&r, wrote, result, err));
done:
    mms_change_free_frequencies(&r.change.set, &r.freq_hz);
    mms_change_close(&r.change);
    mms_meta_free(&r.meta);
    free(r.frames);
    mms_value_free(&r.models);
    mms_value_free(&r.fluxes);
    return st;
}

/* ---- a part -----------------------------------------------------------------------------------*/

/** Room for a block of rows. */
typedef struct room {
    mms_complex *block;
    uint8_t *which;
    int64_t block_room, which_room;
} room;

/** The cells that rows get. */
typedef struct models {
    int64_t nfield;
    mms_complex **cells;    /**< [nfield][windows]: NULL: no model */
    mms_complex **defaults; /**< [windows] */
    bool is_new;
    room *rooms; /**< [threads] */
} models;

static mms_complex *make_default(const mms_flag_window *w)
{
    mms_complex *cell = mms_alloc((int64_t)w->nchan * w->ncorr, sizeof *cell);

    for (int64_t i = 0; cell && i < (int64_t)w->nchan * w->ncorr; i++)
        cell[i] = mms_flux_default(w->names[i % w->ncorr]);
    return cell;
}

static mms_status make_cell(const mms_change_part *p, int64_t ddid, const mms_flux *flux,
                            bool scalebychan, mms_complex **cell, mms_error *err)
{
    const mms_flag_window *w = &p->set.windows[ddid];
    const double *freq_hz = p->freq_hz[ddid];
    const double middle = (freq_hz[0] + freq_hz[w->nchan - 1]) / 2;
    const bool by_channel = scalebychan || mms_flux_has_index(flux);
    double stokes[4];
    mms_status st = MMS_OK;

    *cell = mms_alloc((int64_t)w->nchan * w->ncorr, sizeof **cell);
    if (!*cell)
        return no_memory(err);
    for (int32_t k = 0; k < w->nchan; k++) {
        mms_flux_at(flux, by_channel ? freq_hz[k] : middle, stokes);
        for (int32_t c = 0; c < w->ncorr && st == MMS_OK; c++)
            st = mms_flux_product(w->names[c], stokes, &(*cell)[(int64_t)k * w->ncorr + c], err);
    }
    return st;
}

static mms_status make_models(const mms_change_part *p, models *m, mms_error *err)
{
    mms_setjy_work work;
    mms_value *entry;
    size_t i;
    mms_status st;

    MMS_TRY(mms_setjy_work_decode(p->work, &work, err));
    m->nfield = (int64_t)json_array_size(p->set.fields);
    m->cells = mms_alloc(m->nfield * p->set.nwindow, sizeof *m->cells);
    m->defaults = mms_alloc(p->set.nwindow, sizeof *m->defaults);
    m->rooms = mms_alloc(p->threads, sizeof *m->rooms);
    MMS_TRY(m->cells && m->defaults && m->rooms ? MMS_OK : no_memory(err));
    for (int64_t d = 0; d < p->set.nwindow; d++)
        MMS_TRY((m->defaults[d] = make_default(&p->set.windows[d])) ? MMS_OK : no_memory(err));
    json_array_foreach(work.models, i, entry)
    {
        const int64_t field = json_integer_value(json_array_get(entry, 0));
        const int64_t ddid = json_integer_value(json_array_get(entry, 1));
        mms_flux flux;
        mms_flux_decode(json_array_get(entry, 2), &flux);
        if (field < m->nfield && ddid < p->set.nwindow)
            MMS_TRY(make_cell(p, ddid, &flux, work.scalebychan,
                              &m->cells[field * p->set.nwindow + ddid], err));
    }
done:
    return st;
}

static void free_models(const mms_change_part *p, models *m)
{
    for (int64_t i = 0; m->cells && i < m->nfield * p->set.nwindow; i++)
        free(m->cells[i]);
    for (int64_t i = 0; m->defaults && i < p->set.nwindow; i++)
        free(m->defaults[i]);
    for (int64_t i = 0; m->rooms && i < p->threads; i++) {
        free(m->rooms[i].block);
        free(m->rooms[i].which);
    }
    free(m->cells);
    free(m->defaults);
    free(m->rooms);
}

static const mms_complex *model_of(const mms_change_part *p, const models *m,
                                   const mms_change_rows *r, int64_t i)
{
    if (!r->selected[i] || r->field[i] < 0 || r->field[i] >= m->nfield)
        return NULL;
    return m->cells[r->field[i] * p->set.nwindow + r->ddid[i]];
}

static mms_status write_block(mms_change_part *p, void *user, const mms_change_rows *r,
                              mms_error *err)
{
    const models *m = user;
    room *const to = &m->rooms[r->thread];
    const int64_t cell = r->shape[0] * r->shape[1], n = r->rows.count;
    int64_t changed = 0;
    mms_status st;

    MMS_TRY(mms_grow(&to->block, &to->block_room, n * cell, sizeof *to->block, err));
    MMS_TRY(mms_grow(&to->which, &to->which_room, n, 1, err));
    for (int64_t i = 0; i < n; i++) {
        const mms_complex *model = model_of(p, m, r, i);
        to->which[i] = model != NULL || m->is_new;
        changed += model != NULL;
        if (to->which[i])
            memcpy(to->block + i * cell, model ? model : m->defaults[r->ddid[i]],
                   (size_t)cell * sizeof *to->block);
    }
    p->changed_rows += changed;
    st = mms_change_write(p, columns[0], r, to->which, 2, r->shape, sizeof *to->block, to->block,
                          err);
done:
    return st;
}

static mms_status do_part(mms_change_part *p, mms_error *err)
{
    models m = {.is_new = mms_sink_is_new(p->sink, columns[0])};
    mms_status st;

    MMS_TRY(make_models(p, &m, err));
    MMS_TRY(mms_change_each(p, p->like, sizeof(mms_complex), write_block, &m, err));
done:
    free_models(p, &m);
    return st;
}

mms_status mms_setjy_unit(mms_job *job, const mms_value *order, mms_value *answer, mms_error *err)
{
    if (!strcmp(mms_text_of(order, "step"), "models"))
        return mms_models_unit(order, err);
    return mms_change_unit(job, order, do_part, answer, err);
}
