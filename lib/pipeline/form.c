/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file form.c  Forms: copies, and JSON at the border between processes. */
#include "form_priv.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"

enum { NARRAY = 4 };

static double **axis_array(mms_spectral_axis *axis, int i)
{
    double **const arrays[NARRAY] = {&axis->freq_hz, &axis->width_hz, &axis->resolution_hz,
                                     &axis->effective_bw_hz};
    return arrays[i];
}

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "spectral windows: out of memory");
}

static void end_window(mms_window *w)
{
    mms_axis_end(&w->axis);
    free(w->pieces);
    *w = (mms_window){0};
}

/** Room for an axis of nchan channels. */
static mms_status make_axis(mms_spectral_axis *axis, int64_t nchan, mms_error *err)
{
    double *values = mms_alloc(nchan * NARRAY, sizeof *values);

    if (!values)
        return out_of_memory(err);
    axis->nchan = nchan;
    for (int i = 0; i < NARRAY; i++)
        *axis_array(axis, i) = values + i * nchan;
    return MMS_OK;
}

void mms_axis_end(mms_spectral_axis *axis)
{
    free(axis->freq_hz);
    *axis = (mms_spectral_axis){0};
}

mms_status mms_axis_copy(const mms_spectral_axis *axis, mms_spectral_axis *out, mms_error *err)
{
    mms_spectral_axis copy = *axis;
    const mms_status st = make_axis(&copy, axis->nchan, err);

    for (int i = 0; st == MMS_OK && i < NARRAY; i++)
        memcpy(*axis_array(&copy, i), *axis_array((mms_spectral_axis *)axis, i),
               (size_t)axis->nchan * sizeof(double));
    *out = st == MMS_OK ? copy : (mms_spectral_axis){0};
    return st;
}

static mms_status set_pieces(mms_window *w, int64_t n, const int64_t *pieces, mms_error *err)
{
    int64_t *copy = mms_alloc(n, sizeof *copy);

    if (!copy)
        return out_of_memory(err);
    memcpy(copy, pieces, (size_t)n * sizeof *copy);
    free(w->pieces);
    w->pieces = copy;
    w->npiece = n;
    return MMS_OK;
}

mms_status mms_window_set_axis(mms_window *w, const mms_spectral_axis *axis, mms_error *err)
{
    mms_spectral_axis copy;
    mms_status st;

    MMS_TRY(mms_axis_copy(axis, &copy, err));
    mms_axis_end(&w->axis);
    w->axis = copy;
    MMS_TRY(set_pieces(w, 1, &axis->nchan, err));
done:
    return st;
}

mms_status mms_window_set_pieces(mms_window *w, int64_t nrange, const mms_channels *ranges,
                                 mms_error *err)
{
    int64_t *pieces = mms_alloc(nrange, sizeof *pieces);
    mms_status st = MMS_OK;

    if (!pieces)
        return out_of_memory(err);
    for (int64_t i = 0; i < nrange; i++)
        pieces[i] = 1 + (ranges[i].last - ranges[i].first) / ranges[i].step;
    if (nrange)
        st = set_pieces(w, nrange, pieces, err);
    free(pieces);
    return st;
}

mms_status mms_form_create(int64_t nwindow, int64_t nddid, mms_form *out, mms_error *err)
{
    *out = (mms_form){.nwindow = nwindow, .nddid = nddid};
    out->windows = mms_alloc(nwindow, sizeof *out->windows);
    out->window_of = mms_alloc(nddid, sizeof *out->window_of);
    if (!out->windows || !out->window_of) {
        mms_form_end(out);
        return out_of_memory(err);
    }
    for (int64_t d = 0; d < nddid; d++)
        out->window_of[d] = -1;
    return MMS_OK;
}

static void end_names(char **names)
{
    for (char **name = names; name && *name; name++)
        free(*name);
    free(names);
}

mms_status mms_form_set_followers(mms_form *form, int64_t n, const char *const *names,
                                  mms_error *err)
{
    char **copy = mms_alloc(n + 1, sizeof *copy);

    for (int64_t i = 0; copy && i < n; i++) {
        copy[i] = strdup(names[i]);
        if (!copy[i]) {
            end_names(copy);
            copy = NULL;
        }
    }
    if (!copy)
        return out_of_memory(err);
    end_names(form->followers);
    form->followers = copy;
    return MMS_OK;
}

static int64_t count_followers(const mms_form *form)
{
    int64_t n = 0;

    while (form->followers && form->followers[n])
        n++;
    return n;
}

void mms_form_take_windows(mms_form *form, mms_form *other)
{
    const mms_form old = *form;

    form->windows = other->windows;
    form->nwindow = other->nwindow;
    other->windows = old.windows;
    other->nwindow = old.nwindow;
}

void mms_form_keep_windows(mms_form *form, int64_t n)
{
    assert(n >= 0 && n <= form->nwindow);
    while (form->nwindow > n)
        end_window(&form->windows[--form->nwindow]);
}

void mms_form_end(mms_form *form)
{
    for (int64_t i = 0; form->windows && i < form->nwindow; i++)
        end_window(&form->windows[i]);
    free(form->windows);
    free(form->window_of);
    end_names(form->followers);
    *form = (mms_form){0};
}

static mms_status copy_window(const mms_window *from, mms_window *to, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_window_set_axis(to, &from->axis, err));
    MMS_TRY(set_pieces(to, from->npiece, from->pieces, err));
    to->spw = from->spw;
    to->direction = from->direction;
    to->frame = from->frame;
    to->changed = from->changed;
done:
    return st;
}

mms_status mms_form_copy(const mms_form *form, mms_form *out, mms_error *err)
{
    mms_form made = {0};
    mms_status st;

    MMS_TRY(mms_form_create(form->nwindow, form->nddid, &made, err));
    for (int64_t i = 0; i < form->nwindow; i++)
        MMS_TRY(copy_window(&form->windows[i], &made.windows[i], err));
    memcpy(made.window_of, form->window_of, (size_t)form->nddid * sizeof *made.window_of);
    MMS_TRY(mms_form_set_followers(&made, count_followers(form),
                                   (const char *const *)form->followers, err));
done:
    *out = st == MMS_OK ? *form : (mms_form){0};
    if (st != MMS_OK) {
        mms_form_end(&made);
        return st;
    }
    out->windows = made.windows;
    out->window_of = made.window_of;
    out->followers = made.followers;
    return st;
}

/* ---- codec ------------------------------------------------------------------------------------*/

mms_value *mms_axis_encode(const mms_spectral_axis *axis)
{
    mms_value *arrays = json_array();

    for (int i = 0; i < NARRAY; i++) {
        mms_value *array = json_array();
        for (int64_t k = 0; k < axis->nchan; k++)
            json_array_append_new(array,
                                  mms_double_value((*axis_array((mms_spectral_axis *)axis, i))[k]));
        json_array_append_new(arrays, array);
    }
    return json_pack("{so so so}", "arrays", arrays, "total_bandwidth",
                     mms_double_value(axis->total_bandwidth_hz), "ref_freq",
                     mms_double_value(axis->ref_freq_hz));
}

static mms_value *encode_window(const mms_window *w)
{
    return json_pack("{si so so si si sb}", "spw", (int)w->spw, "pieces",
                     mms_int64s_value(w->npiece, w->pieces), "axis", mms_axis_encode(&w->axis),
                     "direction", w->direction, "frame", (int)w->frame, "changed", (int)w->changed);
}

mms_status mms_form_encode(const mms_form *form, mms_value **out, mms_error *err)
{
    mms_value *windows = json_array(), *ddids = json_array(), *followers = json_array();

    for (int64_t i = 0; i < form->nwindow; i++)
        json_array_append_new(windows, encode_window(&form->windows[i]));
    for (int64_t d = 0; d < form->nddid; d++)
        json_array_append_new(ddids, json_integer(form->window_of[d]));
    for (int64_t i = 0; i < count_followers(form); i++)
        json_array_append_new(followers, mms_text_value(form->followers[i]));
    *out = json_pack("{si si sb sb sb sb sb sb sb so so so}", "kinds", (int)form->kinds, "numerics",
                     (int)form->numerics, "renamed", (int)form->renamed, "weight_spectrum",
                     (int)form->weight_spectrum, "out_spectra", (int)form->out_spectra, "row_means",
                     (int)form->row_means, "time_averaged", (int)form->time_averaged, "combined",
                     (int)form->combined, "new_windows", (int)form->new_windows, "windows", windows,
                     "window_of", ddids, "followers", followers);
    return *out ? MMS_OK : out_of_memory(err);
}

static mms_status unpack_failed(const char *what, const json_error_t *error, mms_error *err)
{
    return mms_fail(err, MMS_ERR_INTERNAL, "%s: %s", what, error->text);
}

mms_status mms_axis_decode(mms_value *value, mms_spectral_axis *out, mms_error *err)
{
    mms_value *arrays, *total, *reference;
    json_error_t error;
    mms_status st;

    *out = (mms_spectral_axis){0};
    if (json_unpack_ex(value, &error, 0, "{so so so}", "arrays", &arrays, "total_bandwidth", &total,
                       "ref_freq", &reference) != 0)
        return unpack_failed("axis", &error, err);
    st = make_axis(out, (int64_t)json_array_size(json_array_get(arrays, 0)), err);
    for (int i = 0; st == MMS_OK && i < NARRAY; i++)
        for (int64_t k = 0; k < out->nchan; k++)
            (*axis_array(out, i))[k] =
                mms_value_double(json_array_get(json_array_get(arrays, (size_t)i), (size_t)k));
    out->total_bandwidth_hz = mms_value_double(total);
    out->ref_freq_hz = mms_value_double(reference);
    return st;
}

static mms_status decode_window(mms_value *value, mms_window *w, mms_error *err)
{
    mms_value *pieces, *axis;
    json_error_t error;
    int spw, direction, frame, changed;
    mms_status st;

    if (json_unpack_ex(value, &error, 0, "{si so so si si sb}", "spw", &spw, "pieces", &pieces,
                       "axis", &axis, "direction", &direction, "frame", &frame, "changed",
                       &changed) != 0)
        return unpack_failed("window", &error, err);
    MMS_TRY(mms_axis_decode(axis, &w->axis, err));
    w->spw = spw;
    w->direction = direction;
    w->frame = frame;
    w->changed = changed;
    w->npiece = (int64_t)json_array_size(pieces);
    w->pieces = mms_alloc(w->npiece, sizeof *w->pieces);
    MMS_TRY(w->pieces ? MMS_OK : out_of_memory(err));
    for (int64_t i = 0; i < w->npiece; i++)
        w->pieces[i] = json_integer_value(json_array_get(pieces, (size_t)i));
done:
    return st;
}

static mms_status decode_followers(const mms_value *list, mms_form *form, mms_error *err)
{
    const int64_t n = (int64_t)json_array_size(list);
    const char **names = mms_alloc(n, sizeof *names);
    mms_status st = names ? MMS_OK : out_of_memory(err);

    for (int64_t i = 0; names && i < n; i++)
        names[i] = json_string_value(json_array_get(list, (size_t)i));
    if (st == MMS_OK)
        st = mms_form_set_followers(form, n, names, err);
    free(names);
    return st;
}

mms_status mms_form_decode(const mms_value *value, mms_form *out, mms_error *err)
{
    mms_value *windows, *ddids, *followers;
    json_error_t error;
    int kinds, numerics, renamed, weight_spectrum, out_spectra, row_means, time_averaged, combined,
        new_windows;
    mms_status st;

    *out = (mms_form){0};
    if (json_unpack_ex((mms_value *)value, &error, 0, "{si si sb sb sb sb sb sb sb so so so}",
                       "kinds", &kinds, "numerics", &numerics, "renamed", &renamed,
                       "weight_spectrum", &weight_spectrum, "out_spectra", &out_spectra,
                       "row_means", &row_means, "time_averaged", &time_averaged, "combined",
                       &combined, "new_windows", &new_windows, "windows", &windows, "window_of",
                       &ddids, "followers", &followers) != 0)
        return unpack_failed("form", &error, err);
    MMS_TRY(mms_form_create((int64_t)json_array_size(windows), (int64_t)json_array_size(ddids), out,
                            err));
    out->kinds = (unsigned)kinds;
    out->numerics = (mms_numerics)numerics;
    out->renamed = renamed;
    out->weight_spectrum = weight_spectrum;
    out->out_spectra = out_spectra;
    out->row_means = row_means;
    out->time_averaged = time_averaged;
    out->combined = combined;
    out->new_windows = new_windows;
    for (int64_t i = 0; i < out->nwindow; i++)
        MMS_TRY(decode_window(json_array_get(windows, (size_t)i), &out->windows[i], err));
    for (int64_t d = 0; d < out->nddid; d++)
        out->window_of[d] = (int32_t)json_integer_value(json_array_get(ddids, (size_t)d));
    MMS_TRY(decode_followers(followers, out, err));
done:
    if (st != MMS_OK)
        mms_form_end(out);
    return st;
}
