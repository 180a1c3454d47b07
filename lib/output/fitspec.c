/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fitspec.c  Which channels uvcontsub fits, by field and window: fitspec as spw:channels or
 *  as a dictionary (parallel-tasks 4.7). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "request_priv.h"
#include "subtables/subtables.h"

typedef struct fits {
    const mms_request *r;
    int64_t n, capacity;
    mms_continuum_window *windows;
} fits;

static mms_status out_of_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "fitspec: out of memory");
}

static const mms_form *form_of(const mms_request *r)
{
    return mms_pipeline_out(r->pipeline);
}

/** Channels of the input in the order of the output: index by i, or i itself where all stay. */
typedef struct channels {
    int64_t n;
    int32_t *list;
} channels;

/** Channels of a window of the output in the input. */
static int64_t window_nchan(const mms_request *r, int64_t window)
{
    int64_t nchan = 0;

    for (int64_t d = 0; d < r->meta.ndd; d++)
        if (r->meta.dds[d].spw == form_of(r)->windows[window].spw)
            nchan = r->meta.dds[d].nchan;
    return nchan;
}

static mms_status list_channels(const mms_request *r, const mms_selection *s, int64_t window,
                                channels *out, mms_error *err)
{
    const int32_t spw = form_of(r)->windows[window].spw;
    const int64_t nchan = window_nchan(r, window);
    const mms_status st = mms_channel_list(s, spw, nchan, &out->list, &out->n, err);
    if (st == MMS_OK && !out->n) {
        free(out->list);
        *out = (channels){nchan, NULL};
    }
    return st;
}

/** Refuse a window of which nothing is fitted, or more than is written. */
static mms_status check_marks(const mms_request *r, int64_t window, const char *marks, int64_t n,
                              int64_t nfitted, mms_error *err)
{
    const int32_t spw = form_of(r)->windows[window].spw;
    int64_t found = 0;

    for (int64_t i = 0; i < n; i++)
        found += marks[i] == '1';
    if (nfitted == 0 && !r->continuum.across_windows)
        return mms_fail(err, MMS_ERR_ARG, "no channel of SPW %" PRId32 " is left to fit", spw);
    if (found < nfitted)
        return mms_fail(err, MMS_ERR_UNSUPPORTED,
                        "%" PRId64 " channels of SPW %" PRId32
                        " are fitted but not written: select channels in a run of split afterwards",
                        nfitted - found, spw);
    return MMS_OK;
}

/** Mark the channels of a window that are selected in fit, whose ids are the input's. */
static mms_status mark(const mms_request *r, const mms_selection *fit, int64_t window, char **out,
                       mms_error *err)
{
    channels output = {0}, fitted = {0};
    char *marks = NULL, *all = NULL;
    int64_t nfitted = 0;
    mms_status st;

    *out = NULL;
    MMS_TRY(list_channels(r, r->selection, window, &output, err));
    MMS_TRY(list_channels(r, fit, window, &fitted, err));
    int64_t most = output.n;
    for (int64_t i = 0; i < output.n && output.list; i++)
        most = output.list[i] >= most ? output.list[i] + 1 : most;
    for (int64_t i = 0; i < fitted.n && fitted.list; i++)
        most = fitted.list[i] >= most ? fitted.list[i] + 1 : most;
    most = window_nchan(r, window) > most ? window_nchan(r, window) : most;
    all = mms_alloc(most + 1, 1);
    marks = mms_alloc(output.n + 1, 1);
    MMS_TRY(all && marks ? MMS_OK : out_of_memory(err));
    for (int64_t i = 0; i < fitted.n; i++)
        all[fitted.list ? fitted.list[i] : i] = 1;
    for (int64_t i = 0; i < window_nchan(r, window); i++) {
        all[i] = all[i] != r->continuum.excludes;
        nfitted += all[i];
    }
    for (int64_t i = 0; i < output.n; i++)
        marks[i] = all[output.list ? output.list[i] : i] ? '1' : '0';
    if (r->continuum.strict)
        MMS_TRY(check_marks(r, window, marks, output.n, nfitted, err));
    *out = marks;
    marks = NULL;
done:
    free(marks);
    free(all);
    free(output.list);
    free(fitted.list);
    return st;
}

/** Mark no channel: the window gets the polynomials of others. */
static mms_status mark_none(const mms_request *r, int64_t window, char **out, mms_error *err)
{
    channels output = {0};
    mms_status st;

    MMS_TRY(list_channels(r, r->selection, window, &output, err));
    *out = mms_alloc(output.n + 1, 1);
    MMS_TRY(*out ? MMS_OK : out_of_memory(err));
    memset(*out, '0', (size_t)output.n);
    (*out)[output.n] = 0;
done:
    free(output.list);
    return st;
}

static bool names(mms_ids ids, int32_t id)
{
    for (int64_t i = 0; i < ids.n; i++)
        if (ids.ids[i] == id)
            return true;
    return !ids.given;
}

/** Fit the windows that an expression names, for one field or (-1) for all. */
static mms_status add_fits(fits *f, const char *expression, int32_t field, int64_t order,
                           mms_error *err)
{
    const mms_select select = {.spw = expression};
    mms_selection *fit = NULL;
    mms_status st;

    MMS_TRY(mms_selection_create(f->r->ms, &select, &fit, err));
    for (int64_t i = 0; i < form_of(f->r)->nwindow; i++) {
        char *fitted;
        if (!names(mms_selection_spws(fit), form_of(f->r)->windows[i].spw)) {
            if (f->r->continuum.strict && !f->r->continuum.across_windows)
                MMS_TRY(mms_fail(err, MMS_ERR_ARG,
                                 "SPW %" PRId32
                                 " is not in it: combine must include 'spw' when the fit is being "
                                 "applied to spws outside fitspw",
                                 form_of(f->r)->windows[i].spw));
            if (!f->r->continuum.across_windows)
                continue;
            MMS_TRY(mark_none(f->r, i, &fitted, err));
        } else {
            MMS_TRY(mark(f->r, fit, i, &fitted, err));
        }
        st = mms_grow(&f->windows, &f->capacity, f->n + 1, sizeof *f->windows, err);
        if (st != MMS_OK)
            free(fitted);
        MMS_TRY(st);
        f->windows[f->n++] = (mms_continuum_window){i, field, order, fitted};
    }
done:
    mms_selection_free(&fit);
    return st == MMS_OK
               ? st
               : mms_wrap(err, st, "%s=\"%s\"",
                          f->r->continuum.fitspec_name ? f->r->continuum.fitspec_name : "fitspec",
                          expression);
}

/* ---- the dictionary ---------------------------------------------------------------------------*/

/** Take one id of a list such as "0, 2"; *at moves on, and is NULL after the last. */
static mms_status next_id(const char **at, const char *list, const char *what, int32_t *id,
                          mms_error *err)
{
    const size_t n = strcspn(*at, ",");
    const char *first = *at + strspn(*at, " ");
    char *end;

    errno = 0;
    const long value = strtol(first, &end, 10);
    end += strspn(end, " ");
    if (end == first || end != *at + n || value < 0 || value > INT32_MAX || errno)
        return mms_fail(err, MMS_ERR_ARG, "fitspec: Invalid %s index: %.*s (in %s)", what, (int)n,
                        *at, list);
    *id = (int32_t)value;
    *at = (*at)[n] ? *at + n + 1 : NULL;
    return MMS_OK;
}

static mms_status check_spws(const char *spws, mms_error *err)
{
    if (!spws[strspn(spws, " ")])
        return mms_fail(err, MMS_ERR_ARG, "fitspec: Unexpected empty SPW IDs string");
    if (strchr(spws, ':'))
        return mms_fail(err, MMS_ERR_ARG,
                        "fitspec: Unexpected spw:chan separator character ':' found in SPW: %s. "
                        "Not allowed in fitspec dictionaries",
                        spws);
    return MMS_OK;
}

/** {chan, fitorder} of one or more spws of a field; seen has an entry for each spw before. */
static mms_status add_spws(fits *f, const char *spws, const mms_value *value, int32_t field,
                           mms_value *seen, mms_error *err)
{
    const char *chan = json_string_value(json_object_get(value, "chan"));
    const mms_value *order = json_object_get(value, "fitorder");
    mms_status st = check_spws(spws, err);

    if (st == MMS_OK && !chan)
        st = mms_fail(err, MMS_ERR_ARG,
                      "fitspec: Error trying to get chan value in subdict for spw %s", spws);
    if (st == MMS_OK && !json_is_integer(order))
        st = mms_fail(err, MMS_ERR_ARG,
                      "fitspec: Error trying to get fitorder value in subdict for spw %s", spws);
    if (st == MMS_OK && json_integer_value(order) < 0)
        st = mms_fail(err, MMS_ERR_ARG,
                      "fitspec: Fit order cannot be negative. Value given: %" PRId64,
                      (int64_t)json_integer_value(order));
    for (const char *at = spws; st == MMS_OK && at;) {
        int32_t spw = 0;
        char key[16];
        st = next_id(&at, spws, "SPW", &spw, err);
        if (st != MMS_OK)
            break;
        snprintf(key, sizeof key, "%" PRId32, spw);
        if (json_object_get(seen, key))
            return mms_fail(err, MMS_ERR_ARG,
                            "Error in fitspec. SPW %s is given multiple times. Found for SPW "
                            "subdict '%s' and other subdicts(s).",
                            key, spws);
        json_object_set_new(seen, key, json_true());
        char *expression = mms_format("%s%s%s", key, *chan ? ":" : "", chan);
        st = expression ? add_fits(f, expression, field, json_integer_value(order), err)
                        : out_of_memory(err);
        free(expression);
    }
    return st;
}

/** Say which windows of a field no fit is for. */
static void warn_untouched(const fits *f, int32_t field, const mms_value *seen)
{
    for (int64_t i = 0; i < form_of(f->r)->nwindow; i++) {
        char key[16];
        snprintf(key, sizeof key, "%" PRId32, form_of(f->r)->windows[i].spw);
        if (!json_object_get(seen, key))
            mms_log(MMS_LOG_WARN, f->r->host->task,
                    "fitspec has no SPW %s for field %" PRId32 ": its data are copied unchanged",
                    key, field);
    }
}

/** 'NONE', or fits by spw. */
static mms_status add_field(fits *f, const char *fields, const mms_value *value, int32_t field,
                            mms_error *err)
{
    const char *word = json_string_value(value), *spws;
    mms_value *seen = json_object(), *fit;
    mms_status st = MMS_OK;

    if (word && strcmp(word, "NONE"))
        st = mms_fail(err, MMS_ERR_ARG,
                      "Wrong value found in fitspec, field subdict for field: '%s', value: '%s'. "
                      "Only 'NONE' is accepted (= do not fit for any SPW).",
                      fields, word);
    else if (!word && !json_is_object(value))
        st = mms_fail(err, MMS_ERR_ARG, "fitspec: field '%s' needs NONE or a dictionary of SPWs",
                      fields);
    json_object_foreach((mms_value *)value, spws, fit) if (st == MMS_OK) st =
        add_spws(f, spws, fit, field, seen, err);
    if (st == MMS_OK && !word)
        warn_untouched(f, field, seen);
    mms_value_free(&seen);
    return st;
}

static mms_status add_dictionary(fits *f, const mms_value *dictionary, mms_error *err)
{
    mms_value *seen = json_object(), *value;
    const char *fields;
    int64_t nfield;
    mms_status st = mms_subtable_count(f->r->ms, "FIELD", &nfield, err);

    if (st == MMS_OK && !json_object_size(dictionary))
        st = mms_fail(err, MMS_ERR_ARG, "The dictionary 'fitspec' of fit specifications is empty!");
    json_object_foreach((mms_value *)dictionary, fields, value)
    {
        for (const char *at = fields; st == MMS_OK && at;) {
            int32_t field = 0;
            char key[16];
            st = next_id(&at, fields, "field", &field, err);
            if (st != MMS_OK)
                break;
            snprintf(key, sizeof key, "%" PRId32, field);
            if (field >= nfield)
                st = mms_fail(err, MMS_ERR_ARG,
                              "fitspec: Wrong field ID given: %s. This MeasurementSet has field "
                              "IDs between 0 and %" PRId64,
                              key, nfield - 1);
            else if (json_object_get(seen, key))
                st = mms_fail(err, MMS_ERR_ARG,
                              "Error in fitspec. Field %s is given multiple times. Found for field "
                              "subdict '%s' and other subdict(s).",
                              key, fields);
            else
                st = add_field(f, fields, value, field, err);
            json_object_set_new(seen, key, json_true());
        }
    }
    for (int64_t i = 0; st == MMS_OK && i < f->r->meta.ncell; i++) {
        char key[16];
        snprintf(key, sizeof key, "%" PRId32, f->r->meta.cells[i].field);
        if (json_object_get(seen, key))
            continue;
        mms_log(MMS_LOG_WARN, f->r->host->task,
                "fitspec has no field %s: its data are copied unchanged", key);
        json_object_set_new(seen, key, json_true());
    }
    mms_value_free(&seen);
    return st;
}

/* ---- the step ---------------------------------------------------------------------------------*/

static mms_status parse(fits *f, mms_error *err)
{
    const char *text = f->r->continuum.fitspec;
    mms_value *dictionary;
    mms_status st;

    if (f->r->continuum.strict || text[strspn(text, " ")] != '{')
        return add_fits(f, text, -1, f->r->continuum.order, err);
    st = mms_value_parse(text, &dictionary, err);
    if (st != MMS_OK)
        return mms_wrap(err, st, "fitspec");
    st = add_dictionary(f, dictionary, err);
    mms_value_free(&dictionary);
    return st;
}

mms_status mms_request_add_continuum(mms_request *r, mms_error *err)
{
    const mms_continuum_asked *asked = &r->continuum;
    const mms_continuum_how how = {.niter = asked->niter,
                                   .keeps_fit = asked->keeps_fit,
                                   .writes_model = asked->writes_model,
                                   .plain = asked->strict,
                                   .across_windows = asked->across_windows,
                                   .across_scans = asked->across_scans,
                                   .solint_s = asked->solint_s};
    fits f = {.r = r};
    mms_step *step;
    mms_status st;

    if (!asked->on)
        return MMS_OK;
    if (mms_request_asks_one_window(r))
        return mms_fail(err, MMS_ERR_UNSUPPORTED,
                        "douvcontsub=True with windows that are combined or separated is not in "
                        "this version: run uvcontsub first");
    if (asked->order < 0)
        return mms_fail(err, MMS_ERR_ARG,
                        "fitorder: Fit order cannot be negative. Value given: %" PRId64,
                        asked->order);
    MMS_TRY(parse(&f, err));
    MMS_TRY(mms_continuum_step(&how, f.n, f.windows, &step, err));
    MMS_TRY(mms_pipeline_add(r->pipeline, step, err));
done:
    for (int64_t i = 0; i < f.n; i++)
        free((void *)f.windows[i].fitted);
    free(f.windows);
    return st;
}
