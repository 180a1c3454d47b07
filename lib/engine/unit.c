/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file unit.c  Runs one unit: what it sees of its worker, its log lines, its answer. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fingerprint_priv.h"
#include "engine_priv.h"

/* What a process has used. */
typedef struct mms_use {
    int64_t at_ns, max_rss_kib, read_bytes, write_bytes;
    double user_s, system_s;
} mms_use;

struct mms_job {
    mms_runner *runner;
    mms_use begin;
    uint64_t request;
    int64_t next_progress_ns;
    int worker;
    int64_t memory;     /* bytes that it may take; 0: any */
    const char *beside; /* of the command; NULL: it wants none */
};

/* A result of so many bytes is read when somebody asks for it (job-engine 10, A106). */
enum { LARGE = 1 << 16 };

static const int64_t progress_interval_ns = 250000000;

static void send_event(const mms_job *job, mms_value *body)
{
    mms_message message;

    if (mms_frame_encode(MMS_FRAME_EVENT, job->request, body, &message, NULL) == MMS_OK)
        job->runner->emit(job->runner->ctx, message);
}

static void send_log_line(void *ctx, mms_level level, const char *scope, const char *text)
{
    send_event(ctx, json_pack("{s:[i, o, o]}", "log", (int)level, mms_text_value(scope),
                              mms_text_value(text)));
}

void mms_job_progress(mms_job *job, int64_t done, int64_t total)
{
    const int64_t now = mms_now_ns();

    if (now < job->next_progress_ns)
        return;
    job->next_progress_ns = now + progress_interval_ns;
    send_event(job, json_pack("{s:[I, I]}", "progress", (json_int_t)done, (json_int_t)total));
}

int mms_job_worker(const mms_job *job)
{
    return job->worker;
}

int64_t mms_job_memory(const mms_job *job)
{
    return job->memory;
}

void mms_job_line(mms_job *job, int stream, const char *text)
{
    send_event(job, json_pack("{s:[i, o]}", "line", stream, mms_text_value(text)));
}

mms_status mms_job_partial(mms_job *job, mms_value *value, mms_error *err)
{
    enum { MOST = 1 << 20 };
    mms_message message = {0};
    mms_status st;

    if (!value)
        return mms_fail(err, MMS_ERR_ARG, "a partial result has no value");
    MMS_TRY(mms_frame_encode(MMS_FRAME_EVENT, job->request, json_pack("{s:o}", "partial", value),
                             &message, err));
    if (message.size > MOST)
        MMS_TRY(mms_fail(err, MMS_ERR_RANGE, "a partial result of %zu bytes, more than 1 MiB",
                         message.size));
    job->runner->emit(job->runner->ctx, message);
    return MMS_OK;
done:
    free(message.data);
    return st;
}

void mms_runner_end(mms_runner *runner)
{
    if (runner->kept.thing)
        runner->kept.end(runner->kept.thing);
    free(runner->kept.name);
    memset(&runner->kept, 0, sizeof runner->kept);
}

void *mms_job_kept(const mms_job *job, const char *name)
{
    const mms_runner *const runner = job->runner;

    return runner->kept.name && !strcmp(runner->kept.name, name) ? runner->kept.thing : NULL;
}

mms_status mms_job_keep(mms_job *job, const char *name, void *thing, mms_end_kept *end,
                        mms_error *err)
{
    mms_runner_end(job->runner);
    job->runner->kept.name = strdup(name);
    if (!job->runner->kept.name)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", name);
    job->runner->kept.thing = thing;
    job->runner->kept.end = end;
    return MMS_OK;
}

static mms_unit_fn *find_kind(const mms_unit_kind *kinds, const char *name)
{
    for (const mms_unit_kind *k = kinds; k->name; k++)
        if (!strcmp(k->name, name))
            return k->run;
    return NULL;
}

static mms_status run_kind(mms_job *job, const mms_value *command, mms_value *answer,
                           mms_error *err)
{
    const char *const name = json_string_value(json_object_get(command, "kind"));
    mms_unit_fn *run = name ? find_kind(job->runner->kinds, name) : NULL;

    if (name && !run)
        run = find_kind(mms_engine_kinds, name);
    return run ? run(job, json_object_get(command, "request"), answer, err)
               : mms_fail(err, MMS_ERR_INTERNAL, "no such kind of work: %s",
                          name ? name : "(none)");
}

/* A program is looked after by who runs it; in the client's own process nothing is. */
static mms_status run_guarded(mms_job *job, const mms_value *command, mms_value *answer,
                              mms_error *err)
{
    const char *const name = json_string_value(json_object_get(command, "kind"));
    const bool own = job->runner->logs && name && strcmp(name, "program");
    mms_guard guard;
    mms_status st;

    job->memory = json_integer_value(json_object_get(command, "memory"));
    st = mms_guard_begin(&guard, own ? job->memory : 0, err);
    if (st == MMS_OK)
        st = run_kind(job, command, answer, err);
    mms_guard_end(&guard);
    return st;
}

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + 1e-6 * (double)time->tv_usec;
}

/* What this process and the children that it has waited for took until now, and used at most. */
static mms_use use_until_now(void)
{
    enum { BLOCK = 512 }; // of ru_inblock, whatever the disk's are
    struct rusage own, children;

    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    return (mms_use){.at_ns = mms_now_ns(),
                     .user_s = seconds_of(&own.ru_utime) + seconds_of(&children.ru_utime),
                     .system_s = seconds_of(&own.ru_stime) + seconds_of(&children.ru_stime),
                     .max_rss_kib =
                         own.ru_maxrss > children.ru_maxrss ? own.ru_maxrss : children.ru_maxrss,
                     .read_bytes = BLOCK * ((int64_t)own.ru_inblock + children.ru_inblock),
                     .write_bytes = BLOCK * ((int64_t)own.ru_oublock + children.ru_oublock)};
}

static mms_value *tell_use(const mms_use *since)
{
    const mms_use now = use_until_now();

    return json_pack("[i, f, f, f, I, I, I]", (int)getpid(),
                     (double)(now.at_ns - since->at_ns) * 1e-9, now.user_s - since->user_s,
                     now.system_s - since->system_s, (json_int_t)now.max_rss_kib,
                     (json_int_t)(now.read_bytes - since->read_bytes),
                     (json_int_t)(now.write_bytes - since->write_bytes));
}

/* Take out of an answer what is large; returns its text, NULL: nothing is. */
static char *take_large(const mms_job *job, mms_value *answer)
{
    mms_value *const member =
        job->beside && *job->beside ? json_object_get(answer, job->beside) : answer;
    char *const text = job->beside && member ? mms_value_text(member, 0) : NULL;

    if (!text || strlen(text) < LARGE) {
        free(text);
        return NULL;
    }
    if (member == answer)
        json_object_clear(answer);
    else
        json_object_del(answer, job->beside);
    return text;
}

/* print: of what the unit wrote, or NULL; taken, as answer is. */
static mms_status encode_answer(const mms_job *job, mms_status st, const char *text,
                                mms_value *answer, mms_value *print, mms_message *message,
                                mms_error *err)
{
    char *const large = take_large(job, answer);
    const mms_status sent = mms_frame_encode_with(
        MMS_FRAME_RESPONSE, job->request,
        json_pack("{s:i, s:o, s:o, s:o*, s:o*}", "status", (int)st, "message", mms_text_value(text),
                  "value", answer, "print", print, "usage", tell_use(&job->begin)),
        large, message, err);

    free(large);
    return sent;
}

mms_value *mms_unit_print(const mms_value *request)
{
    const char *const out = json_string_value(json_object_get(request, "out"));
    const mms_value *const changes = json_object_get(request, "changes");
    mms_value *const prints = out || !changes ? NULL : json_array();

    if (out)
        return mms_fingerprint(out);
    for (size_t i = 0; i < json_array_size(changes); i++) {
        mms_value *const one = mms_fingerprint(json_string_value(json_array_get(changes, i)));
        json_array_append_new(prints, one ? one : json_null());
    }
    return prints;
}

/* What a journal notes of the unit's output, where one is kept. */
static mms_value *print_output(const mms_value *command)
{
    return json_is_true(json_object_get(command, "print"))
               ? mms_unit_print(json_object_get(command, "request"))
               : NULL;
}

/* What a server is told to use holds for whatever it runs (lib/task/command_settings.c). */
static void use_settings(const mms_value *settings)
{
    const mms_value *const threads = json_object_get(settings, "threads");
    char *const text = threads ? mms_value_text(threads, 0) : NULL;

    if (text)
        setenv("OMP_NUM_THREADS", text, 1);
    free(text);
}

static mms_status answer_command(mms_job *job, const mms_value *command, mms_error *err)
{
    const int level = (int)json_integer_value(json_object_get(command, "level"));
    mms_value *const answer = json_object();
    mms_error why = {0};
    mms_message message;
    mms_status st;

    job->worker = (int)json_integer_value(json_object_get(command, "worker"));
    job->beside = json_string_value(json_object_get(command, "beside"));
    if (job->runner->logs && level >= 0)
        mms_log_to(send_log_line, job, (mms_level)level);
    use_settings(json_object_get(command, "settings"));
    st = run_guarded(job, command, answer, &why);
    if (st != MMS_OK)
        mms_runner_end(job->runner);
    if (job->runner->logs)
        mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    st = encode_answer(job, st, why.msg, answer, st == MMS_OK ? print_output(command) : NULL,
                       &message, &why);
    if (st != MMS_OK)
        st = encode_answer(job, st, why.msg, json_object(), NULL, &message, err);
    if (st == MMS_OK)
        job->runner->emit(job->runner->ctx, message);
    return st;
}

mms_status mms_runner_run(mms_runner *runner, const char *data, size_t size, mms_error *err)
{
    mms_job job = {
        .runner = runner, .request = mms_frame_request_of(data), .begin = use_until_now()};
    mms_frame frame;
    mms_status st;

    st = mms_frame_decode(data, size, &frame, err);
    if (st == MMS_OK) {
        st = answer_command(&job, frame.body, err);
        mms_value_free(&frame.body);
    }
    return st;
}
