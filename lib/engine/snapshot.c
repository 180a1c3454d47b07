/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file snapshot.c  How a run stands, for who asks or reads a file (spec job-engine 8.4). */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files_priv.h"
#include "engine_priv.h"

void mms_standing_log(const mms_standing *s)
{
    mms_log(MMS_LOG_INFO, s->verb,
            "%" PRId64 " of %" PRId64 " units are done, %" PRId64 " failed, after %.0f s",
            s->units_done, s->units, s->units_failed, s->seconds);
    for (int i = 0; i < s->nworkers; i++) {
        const mms_at_work *const w = &s->workers[i];
        mms_log(MMS_LOG_INFO, s->verb, "worker %d: %s, %.0f %% after %.0f s%s", w->worker, w->unit,
                100 * w->done, w->seconds, w->timeout ? ", does not answer" : "");
    }
}

static char *json_of(const mms_standing *s)
{
    mms_value *const workers = json_array();
    mms_value *all;
    char *text;

    for (int i = 0; i < s->nworkers; i++) {
        const mms_at_work *const w = &s->workers[i];
        json_array_append_new(workers, json_pack("{s:i, s:o, s:i, s:f, s:f, s:b}", "worker",
                                                 w->worker, "unit", mms_text_value(w->unit),
                                                 "attempt", w->attempt, "done", w->done, "seconds",
                                                 w->seconds, "timeout", (int)w->timeout));
    }
    all =
        json_pack("{s:s, s:f, s:f, s:I, s:I, s:I, s:f, s:f, s:o}", "verb", s->verb, "time",
                  mms_unix_s(), "seconds", s->seconds, "units", (json_int_t)s->units, "units_done",
                  (json_int_t)s->units_done, "units_failed", (json_int_t)s->units_failed, "bytes",
                  s->bytes, "bytes_done", s->bytes_done, "workers", workers);
    text = all ? mms_value_text(all, 2) : NULL;
    json_decref(all);
    return text;
}

/* As Prometheus reads it. */
static char *metrics_of(const mms_standing *s)
{
    const struct {
        const char *name;
        double value;
    } all[] = {{"units", (double)s->units},
               {"units_done", (double)s->units_done},
               {"units_failed", (double)s->units_failed},
               {"bytes", s->bytes},
               {"bytes_done", s->bytes_done},
               {"seconds", s->seconds},
               {"workers_busy", s->nworkers}};
    mms_text text = {0};

    for (int64_t i = 0; i < MMS_COUNT_OF(all); i++)
        mms_text_add(&text, "# TYPE multims_%s gauge\nmultims_%s{verb=\"%s\"} %.15g\n", all[i].name,
                     all[i].name, s->verb, all[i].value);
    return text.text;
}

static bool is_for_prometheus(const char *path)
{
    const char *const dot = strrchr(path, '.');

    return dot && !strcmp(dot, ".prom");
}

mms_status mms_standing_write(const mms_standing *s, const char *path, mms_error *err)
{
    struct stat info;

    if (!stat(path, &info) && !S_ISREG(info.st_mode)) /* /dev/null would be replaced */
        return mms_check_regular(path, info.st_mode, err);
    char *const text = is_for_prometheus(path) ? metrics_of(s) : json_of(s);
    char *const fresh = mms_format("%s.new", path);
    FILE *const file = fresh ? fopen(fresh, "we") : NULL;
    bool written = file && text && fputs(text, file) >= 0;

    written = file && !fclose(file) && written && !rename(fresh, path);
    const mms_status st = written ? MMS_OK : mms_fail_errno(err, errno, "%s", path);
    if (file && !written)
        remove(fresh);
    free(fresh);
    free(text);
    return st;
}
