/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_plan.c  The units of the task each, and the journal that notes which are done. */
#include <stdlib.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "each_priv.h"
#include "transform_priv.h"

mms_value *mms_each_list(const mms_texts *words)
{
    mms_value *const list = json_array();

    for (int64_t i = 0; i < words->count; i++)
        json_array_append_new(list, mms_text_value(words->values[i]));
    return list;
}

static mms_value *list_parts(const struct mms_each_work *w)
{
    const mms_texts parts = {w->n, (const char *const *)w->paths};

    return mms_each_list(&parts);
}

mms_status mms_each_open_journal(mms_run *run, struct mms_each_work *w, mms_error *err)
{
    char *const first = mms_path_absolute(w->p->vis.values[0]);
    mms_value *key = json_pack("{s:o, s:o, s:b, s:o*}", "program", mms_each_list(&w->words.texts),
                               "part", list_parts(w), "staged", w->p->staged, "outputs",
                               w->outputs ? mms_text_value(w->outputs) : NULL);
    mms_host host = mms_task_writing_host(run);
    mms_journal_opts opts = mms_host_journal(&host, first, key);
    mms_status st = key && first ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");

    opts.resume = w->p->resume;
    opts.strict = true;
    if (st == MMS_OK)
        st = mms_journal_open(&opts, &w->journal, err);
    if (st == MMS_OK && !mms_journal_resumes(w->journal))
        mms_journal_add(w->journal, "plan", json_pack("{s:I}", "units", (json_int_t)w->n));
    mms_task_host_free(&host);
    mms_value_free(&key);
    free(first);
    return st;
}

static mms_value *make_unit(const struct mms_each_work *w, int64_t part, const char *folder)
{
    mms_value *const codes = json_array();
    const int64_t most = mms_engine_workers(w->engine), sharing = w->n < most ? w->n : most;

    for (int64_t i = 0; i < w->p->okcodes.count; i++)
        json_array_append_new(codes, json_integer(w->p->okcodes.values[i]));
    mms_value *const program = mms_each_list(&w->words.texts);
    mms_value *const changes = json_pack("[o]", mms_text_value(w->paths[part]));
    const mms_each_order order = {.vis = w->paths[part],
                                  .changes = changes,
                                  .name = w->names[part],
                                  .folder = folder,
                                  .outputs = *w->p->outputvis ? w->outputs : NULL,
                                  .program = program,
                                  .okcodes = codes,
                                  .retries = w->p->retries,
                                  .sharing = sharing,
                                  .index = part,
                                  .threads = mms_engine_threads(w->engine, w->n),
                                  .limit_s = w->limit_s,
                                  .stall_s = w->stall_s,
                                  .staged = w->p->staged};
    mms_value *const unit = codes && program && changes ? mms_each_order_encode(&order) : NULL;

    json_decref(changes);
    json_decref(codes);
    json_decref(program);
    return unit;
}

mms_status mms_each_make_units(struct mms_each_work *w, mms_error *err)
{
    char *const folder = getcwd(NULL, 0);
    bool good;

    w->units = mms_alloc(w->n, sizeof *w->units);
    w->answers = mms_alloc(w->n, sizeof *w->answers);
    good = folder && w->units && w->answers;
    for (int64_t i = 0; good && i < w->n; i++)
        good = (w->units[i] = make_unit(w, i, folder));
    free(folder);
    return good ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");
}

void mms_each_free(struct mms_each_work *w)
{
    mms_answers_free(w->answers ? w->n : 0, w->answers);
    for (int64_t i = 0; i < w->n; i++) {
        free(w->paths[i]);
        if (w->names)
            free(w->names[i]);
    }
    mms_values_free(w->n, w->units);
    free(w->outputs);
    free(w->paths);
    free(w->names);
    free(w->answers);
}
