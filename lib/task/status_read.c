/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file status_read.c  How far a run is, by the records of its journal. */
#include <stdlib.h>
#include <string.h>

#include "engine/journal.h"
#include "status_priv.h"

/** What the records say, one after the other. */
struct state {
    mms_value *running; /* {unit: its dispatch} */
    mms_value *failed;  /* {unit: message} */
    mms_value *done;    /* {unit: true} of parts */
    const mms_value *begin, *progress;
    const char *phase;
    int64_t units;
    double first_s, last_s, run_s; /* run_s: when the last run began */
};

static void take_unit(struct state *s, const char *event, const char *unit, const mms_value *record)
{
    json_object_del(s->running, unit);
    if (!strcmp(event, "dispatch")) {
        json_object_set(s->running, unit, (mms_value *)record);
        json_object_del(s->failed, unit);
    } else if (!strcmp(event, "failed")) {
        json_object_set(s->failed, unit, json_object_get(record, "message"));
    } else if (!strcmp(event, "undone")) {
        json_object_del(s->done, unit);
    } else if (!strcmp(event, "done") && !json_is_true(json_object_get(record, "aside"))) {
        json_object_set_new(s->done, unit, json_true());
    }
}

static void take_record(struct state *s, const mms_value *record)
{
    static const char *const phases[] = {"finishing", "publishing", "interrupted"};
    const char *const event = json_string_value(json_object_get(record, "ev"));
    const char *const unit = json_string_value(json_object_get(record, "unit"));

    if (!event)
        return;
    s->last_s = json_number_value(json_object_get(record, "t"));
    if (unit)
        take_unit(s, event, unit, record);
    for (int64_t i = 0; i < MMS_COUNT_OF(phases); i++)
        if (!strcmp(event, phases[i]))
            s->phase = phases[i];
    if (!strcmp(event, "begin")) {
        s->begin = record;
        s->first_s = s->last_s;
    } else if (!strcmp(event, "run")) {
        s->phase = "preparing";
        s->run_s = s->last_s;
        s->progress = NULL;
        json_object_clear(s->running);
    } else if (!strcmp(event, "plan")) {
        s->units = json_integer_value(json_object_get(record, "units"));
    } else if (!strcmp(event, "progress")) {
        s->progress = record;
    } else if (!strcmp(event, "end")) {
        s->phase = json_integer_value(json_object_get(record, "status")) ? "failed" : "complete";
    }
    if (unit && s->units && strcmp(s->phase, "interrupted") != 0)
        s->phase = "working";
}

/** How much is done, 0 to 1: in bytes where the run has told them. */
static double fraction_of(const struct state *s)
{
    const double bytes = json_number_value(json_object_get(s->progress, "bytes"));
    const double done = json_number_value(json_object_get(s->progress, "bytes_done"));
    const double units = s->units > 0 ? (double)json_object_size(s->done) / (double)s->units : 0;

    return bytes > 0 && done / bytes > units ? done / bytes : units;
}

static mms_value *list_running(const struct state *s)
{
    mms_value *const list = json_array();
    const char *unit;
    mms_value *record;

    json_object_foreach(s->running, unit, record) json_array_append_new(
        list, json_pack("{s:o, s:O?, s:f}", "unit", mms_text_value(unit), "worker",
                        json_object_get(record, "worker"), "seconds",
                        mms_unix_s() - json_number_value(json_object_get(record, "t"))));
    return list;
}

static void tell(const struct state *s, bool running, mms_value *result)
{
    const double fraction = fraction_of(s), spent = mms_unix_s() - s->run_s;
    const bool over = !strcmp(s->phase, "complete") || !strcmp(s->phase, "failed");
    const char *const how =
        running || over || !strcmp(s->phase, "interrupted") ? s->phase : "killed";

    json_object_set_new(result, "phase", json_string(how));
    json_object_set_new(result, "running", json_boolean(running));
    json_object_set(result, "task", json_object_get(s->begin, "task"));
    json_object_set(result, "request", json_object_get(s->begin, "request"));
    json_object_set_new(result, "units", json_integer(s->units));
    json_object_set_new(result, "done", json_integer((json_int_t)json_object_size(s->done)));
    json_object_set(result, "failed", s->failed);
    json_object_set_new(result, "fraction", json_real(fraction));
    json_object_set_new(result, "begun", json_real(s->first_s));
    json_object_set_new(result, "heard", json_real(s->last_s));
    if (running) {
        json_object_set_new(result, "units_running", list_running(s));
        json_object_set_new(result, "seconds", json_real(spent));
        if (fraction > 0.02 && spent > 1)
            json_object_set_new(result, "seconds_left",
                                json_real(spent * (1 - fraction) / fraction));
    } else if (!over) {
        json_object_set_new(result, "next", json_string("resume"));
    }
}

mms_status mms_status_read(const char *folder, mms_value *result, mms_error *err)
{
    struct state s = {.running = json_object(),
                      .failed = json_object(),
                      .done = json_object(),
                      .phase = "preparing"};
    mms_journal_view view = {0};
    mms_value *record;
    size_t i;
    mms_status st;

    MMS_TRY(mms_journal_read(folder, &view, err));
    json_array_foreach(view.records, i, record) take_record(&s, record);
    if (!s.begin && !view.running)
        MMS_TRY(mms_fail(err, MMS_ERR_NOT_FOUND, "%s: the journal does not say what was begun",
                         folder));
    json_object_set_new(result, "job", mms_text_value(folder));
    tell(&s, view.running, result);
done:
    mms_value_free(&view.records);
    json_decref(s.running);
    json_decref(s.failed);
    json_decref(s.done);
    return st;
}
