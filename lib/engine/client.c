/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file client.c  Hands units out, first come first served, and collects the answers. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lanes_priv.h"
#include "engine_priv.h"
#include "journal.h"
#include "tell_priv.h"

/* How long killed workers may take to be gone, and how often a waiting run looks up. */
static const int64_t kill_limit_ns = 10000000000;
static const struct timespec tick = {.tv_nsec = 200000000};
static const int64_t note_interval_ns = 2000000000, snapshot_interval_ns = 5000000000;

struct mms_engine {
    char *scope, *program, *status_file; /* status_file NULL: none */
    mms_unit_kind *kinds; /* which this process runs itself; NULL: workers run the units */
    bool progress;
    int nworkers;
    uint64_t last_request;
    int retries;
    double worker_timeout_s, time_left_s;
    double limit_s, stall_s; /* of a unit; 0: none */
    struct away *away;       /* of each worker */
    int64_t next_look_ns;
    mms_engine_rules rules;
    mms_value *again;             /* units that were tried again, for the run's summary */
    mms_journal *journal;         /* of the output that the runs make; NULL: none */
    mms_journal *const *journals; /* instead, by unit: the runs make several outputs */
    mms_hub hub;
};

/* Whether a worker is there, also between runs. */
struct away {
    mms_pulse pulse;
    uint64_t late; /* request that was given to another since; 0: none */
    bool killed;   /* by us, for it was stopped: what answers then is its successor */
};

/* What a worker has in hand. */
struct hand {
    int64_t unit; /* -1: nothing */
    uint64_t request;
    double done; /* part of it, 0..1 */
    int64_t begin_ns;
    bool lost;       /* its worker was stopped too long, and is killed */
    const char *why; /* we have ended it; NULL: we have not */
};

struct run {
    mms_engine *engine;
    const char *kind;
    int64_t nunits, next; /* next: place in order */
    int64_t nfailed;
    int64_t *order; /* of handing out: the largest first */
    mms_tries tries;
    int64_t nobody_since_ns; /* since when no worker could be asked; 0: some can */
    bool alone;              /* the unit that runs is to have the memory */
    const char *const *names;
    mms_value *const *units;
    mms_answer *answers;
    struct hand *hands;
    int running;
    int64_t kill_ns; /* when what still runs is killed, once the run has failed */
    double bytes_answered;
    double bytes_worked, seconds_worked; /* of units that were done in this run */
    int64_t next_note_ns, next_snapshot_ns;
    bool snapshot_failed;
    mms_progress progress;
    bool drains; /* stopped, but what runs may finish */
    mms_status st;
    mms_error *err;
};

/* ---- open, close ---- */

/* Local workers, or under MPI one a rank; a rank 0 with four others or more only hands out. */
static mms_status set_workers(mms_engine *engine, int wanted, mms_error *err)
{
    const mms_world *const world = mms_world_get();
    int nlocal = engine->kinds ? 1 : wanted ? wanted : mms_pool_most(mms_usable_cores());
    mms_status st;

    engine->nworkers = nlocal;
    if (world->module && !engine->kinds) {
        nlocal = world->size < 5;
        engine->nworkers = world->size - 1 + nlocal;
        if (wanted)
            mms_log(MMS_LOG_INFO, engine->scope,
                    "-j %d is ignored under MPI: the ranks make %d workers", wanted,
                    engine->nworkers);
    }
    engine->hub.module = engine->kinds ? NULL : world->module;
    engine->away = mms_alloc(engine->nworkers, sizeof *engine->away);
    if (!engine->away)
        return mms_fail(err, MMS_ERR_MEM, "engine: out of memory");
    MMS_TRY(mms_pool_create(nlocal, engine->program, engine->kinds, &engine->hub.pool, err));
    if (engine->hub.spares)
        mms_pool_keep_spares(engine->hub.pool);
done:
    return st;
}

static mms_unit_kind *copy_kinds(const mms_unit_kind *kinds)
{
    mms_unit_kind *copy;
    int64_t n = 0;

    while (kinds[n].name)
        n++;
    copy = mms_alloc(n + 1, sizeof *copy);
    if (copy)
        memcpy(copy, kinds, (size_t)n * sizeof *copy);
    return copy;
}

/* Who runs the units: this process, workers of a program that was named, or this program again. */
static mms_status check_program(const mms_engine_opts *opts, mms_error *err)
{
    if (opts->in_process)
        return opts->kinds ? MMS_OK
                           : mms_fail(err, MMS_ERR_ARG,
                                      "engine: units can't run in this process "
                                      "without mms_engine_opts.kinds");
    if (opts->program || !mms_engine_needs_program())
        return MMS_OK;
    return mms_fail(err, MMS_ERR_ARG,
                    "engine: this program can't be a worker, for it does not call "
                    "mms_engine_serve() first in main: call it, name a program that does in "
                    "mms_engine_opts.program, or set in_process");
}

static mms_status set_up(mms_engine *engine, const mms_engine_opts *opts, mms_error *err)
{
    engine->scope = strdup(opts->scope);
    engine->program = opts->program ? strdup(opts->program) : NULL;
    engine->status_file =
        opts->status_file && *opts->status_file ? strdup(opts->status_file) : NULL;
    engine->kinds = opts->in_process ? copy_kinds(opts->kinds) : NULL;
    engine->progress = opts->progress;
    engine->hub.spares = opts->spares;
    engine->retries = opts->retries;
    engine->worker_timeout_s = opts->worker_timeout_s;
    engine->time_left_s = opts->time_left_s;
    engine->limit_s = opts->limit_s;
    engine->stall_s = opts->stall_s;
    mms_world_set_limit(opts->worker_timeout_s);
    engine->again = json_array();
    if (!engine->scope || (opts->program && !engine->program) ||
        (opts->in_process && !engine->kinds))
        return mms_fail(err, MMS_ERR_MEM, "engine: out of memory");
    return set_workers(engine, opts->workers, err);
}

mms_status mms_engine_open(const mms_engine_opts *opts, mms_engine **out, mms_error *err)
{
    mms_engine_opts all = MMS_ENGINE_OPTS_INIT;
    mms_status st;

    *out = NULL;
    if (opts)
        memcpy(&all, opts, opts->size < sizeof all ? opts->size : sizeof all);
    if (all.workers < 0)
        return mms_fail(err, MMS_ERR_ARG, "number of workers %d is negative", all.workers);
    if (mms_wants_inline())
        all.in_process = true;
    if (!all.kinds)
        all.kinds = mms_served_kinds();
    MMS_TRY(mms_engine_check_host(err));
    MMS_TRY(check_program(&all, err));
    *out = mms_alloc(1, sizeof **out);
    st = *out ? set_up(*out, &all, err) : mms_fail(err, MMS_ERR_MEM, "engine: out of memory");
done:
    if (st != MMS_OK)
        mms_engine_close(out);
    return st;
}

void mms_engine_set_rules(mms_engine *engine, const mms_engine_rules *rules)
{
    mms_engine_rules all = MMS_ENGINE_RULES_INIT;

    memcpy(&all, rules, rules->size < sizeof all ? rules->size : sizeof all);
    engine->rules = all;
}

void mms_engine_set_journal(mms_engine *engine, mms_journal *journal)
{
    engine->journal = journal;
    engine->journals = NULL;
}

mms_journal *mms_engine_journal(const mms_engine *engine)
{
    return engine->journal;
}

void mms_engine_set_journals(mms_engine *engine, mms_journal *const *by_unit)
{
    engine->journal = NULL;
    engine->journals = by_unit;
}

const mms_value *mms_engine_tried_again(const mms_engine *engine)
{
    return engine->again;
}

int mms_engine_workers(const mms_engine *engine)
{
    return engine->nworkers;
}

/* Cores for each of so many units under MPI: a rank's, as if all ranks of a machine shared them, or
 * those that the launcher gave each rank. */
static int rank_cores(const mms_engine *engine, int64_t nunits)
{
    const int cores = mms_usable_cores();
    const int64_t local = mms_launch_local(mms_world_get()->size);
    const int64_t busy = (nunits * local + engine->nworkers - 1) / engine->nworkers;
    const int64_t shared = cores / (busy < 1 ? 1 : busy < local ? busy : local);
    const int64_t own = mms_launch_cores() < cores ? mms_launch_cores() : cores;

    return (int)(shared > own ? shared : own);
}

int mms_engine_threads(const mms_engine *engine, int64_t nunits)
{
    if (nunits < 1)
        return 1;
    if (engine->hub.module) {
        const int cores = rank_cores(engine, nunits);
        return cores > 1 ? cores : 1;
    }
    return nunits >= engine->nworkers ? 1 : engine->nworkers / (int)nunits;
}

void mms_engine_close(mms_engine **engine)
{
    if (!*engine)
        return;
    mms_pool_free(&(*engine)->hub.pool);
    mms_value_free(&(*engine)->again);
    free((*engine)->away);
    free((*engine)->kinds);
    free((*engine)->program);
    free((*engine)->status_file);
    free((*engine)->scope);
    free(*engine);
    *engine = NULL;
}

/* ---- workers of the pool come first, then those of the ranks but our own ---- */

static bool is_local(const mms_engine *engine, int worker)
{
    return mms_hub_is_local(&engine->hub, worker);
}

static int rank_of(const mms_engine *engine, int worker)
{
    return mms_hub_rank_of(&engine->hub, worker);
}

int mms_engine_worker_of_peer(const mms_engine *engine, int peer)
{
    return is_local(engine, peer) ? peer : peer - 1;
}

mms_status mms_engine_send(mms_engine *engine, int worker, mms_message message, mms_error *err)
{
    if (is_local(engine, worker))
        return mms_pool_send(engine->hub.pool, worker, message, err);
    return engine->hub.module->send(rank_of(engine, worker), message.data, message.size, err);
}

void mms_engine_signal(mms_engine *engine, int worker, uint64_t request, int signal_number)
{
    mms_message message;

    if (is_local(engine, worker))
        mms_pool_kill(engine->hub.pool, worker, request, signal_number);
    else if (mms_frame_encode(MMS_FRAME_CANCEL, request,
                              json_pack("{s:i}", "signal", signal_number), &message,
                              NULL) == MMS_OK)
        (void)!engine->hub.module->send(rank_of(engine, worker), message.data, message.size, NULL);
}

mms_hub *mms_engine_hub(mms_engine *engine)
{
    return &engine->hub;
}

pid_t mms_engine_pid(const mms_engine *engine, int worker)
{
    return is_local(engine, worker) ? mms_pool_pid(engine->hub.pool, worker) : -1;
}

/* ---- failures ---- */

/* What a worker has in hand, for events. */
static mms_about about_of(const struct run *run, int worker)
{
    const struct hand *const hand = &run->hands[worker];
    mms_about about = {.worker = worker + 1};

    if (hand->unit >= 0) {
        about.unit = run->names[hand->unit];
        about.attempt = run->tries.of[hand->unit].attempt;
        about.request = (int64_t)hand->request;
    }
    return about;
}

static void signal_all(struct run *run, int signal_number)
{
    for (int w = 0; w < run->engine->nworkers; w++)
        if (run->hands[w].unit >= 0) {
            MMS_TELL(run->engine->scope, "cancel", about_of(run, w),
                     json_pack("{s:i}", "signal", signal_number));
            mms_engine_signal(run->engine, w, run->hands[w].request, signal_number);
        }
}

/* End what runs: at once, or after the time that the rules give it. */
static void cancel_all(struct run *run)
{
    const int grace_s = run->engine->rules.grace_s;

    if (run->kill_ns == INT64_MAX && grace_s) {
        run->kill_ns = mms_now_ns() + grace_s * (int64_t)1000000000;
        signal_all(run, SIGTERM);
    } else if (!grace_s) {
        run->kill_ns = mms_now_ns();
        signal_all(run, SIGKILL);
    }
}

/* The first failure ends the run; what it kills fails too and says nothing. */
static void fail_unit(struct run *run, int64_t unit)
{
    const mms_answer *const answer = &run->answers[unit];

    if (run->st != MMS_OK)
        return;
    if (answer->status == MMS_ERR_WORKER) // which says itself whose death it tells of
        run->st = mms_fail(run->err, answer->status, "%s: %s", run->names[unit], answer->error.msg);
    else
        run->st = mms_fail(run->err, answer->status, "%s: worker %d: %s", run->names[unit],
                           answer->worker, answer->error.msg);
    cancel_all(run);
}

/* What a unit counts in the progress: its bytes, or one. */
static double unit_bytes(const struct run *run, int64_t unit)
{
    const double bytes = (double)json_integer_value(json_object_get(run->units[unit], "bytes"));
    return bytes > 0 ? bytes : 1;
}

/* How long there is until the time limit; infinite where nobody knows. */
static double time_left_s(const struct run *run)
{
    const char *const end = getenv("SLURM_JOB_END_TIME");
    const double left = end ? atof(end) - mms_unix_s() : 0;

    if (run->engine->time_left_s > 0)
        return run->engine->time_left_s;
    return left > 0 ? left : INFINITY;
}

/* How long a unit that runs will take yet: as its progress says, else as the others took; 0 where
 * neither is known. */
static double needs_s(const struct run *run, const struct hand *hand)
{
    const double spent = (double)(mms_now_ns() - hand->begin_ns) / 1e9;
    double whole = 0;

    if (hand->done > 0.02)
        return spent * (1 - hand->done) / hand->done;
    if (run->bytes_worked > 0)
        whole = unit_bytes(run, hand->unit) * run->seconds_worked / run->bytes_worked;
    return whole > spent ? whole - spent : 0;
}

/* End the units that will not be done in time; returns how many there are. */
static int end_slow_units(struct run *run, double left_s)
{
    int n = 0;

    for (int w = 0; w < run->engine->nworkers; w++) {
        const struct hand *const hand = &run->hands[w];
        if (hand->unit < 0 || needs_s(run, hand) <= left_s)
            continue;
        MMS_TELL(run->engine->scope, "cancel", about_of(run, w),
                 json_pack("{s:i}", "signal", SIGKILL));
        mms_engine_signal(run->engine, w, hand->request, SIGKILL);
        n++;
    }
    return n;
}

/* Before a time limit those units may finish that will in time. */
static void drain(struct run *run)
{
    const double left_s = 0.9 * time_left_s(run); /* the rest is for the end of the run */
    int slow = 0;

    if (left_s < 1e9) {
        run->kill_ns = mms_now_ns() + (int64_t)(left_s * 1e9);
        slow = end_slow_units(run, left_s);
    }
    mms_log(MMS_LOG_WARN, run->engine->scope,
            "The time limit is near (SIGUSR1): %d units are waited for, no other is begun",
            run->running - slow);
    if (slow)
        mms_log(MMS_LOG_WARN, run->engine->scope,
                "%d units would not be done within %.0f s: they are ended", slow, left_s);
    run->st = mms_fail(run->err, MMS_ERR_STOPPED,
                       "stopped before a time limit (SIGUSR1), what ran has finished%s",
                       slow ? " but for what would have taken too long" : "");
}

/* Before a time limit what runs may finish; another signal ends that. */
static void stop_run(struct run *run)
{
    const int signal_number = mms_stop_signal();

    run->drains = !mms_stop_at_once();
    if (run->drains) {
        drain(run);
        return;
    }
    run->kill_ns = INT64_MAX;
    run->st = mms_fail(run->err, MMS_ERR_STOPPED, "stopped by signal %d (%s)", signal_number,
                       strsignal(signal_number));
    cancel_all(run);
}

/* ---- what arrives ---- */

static mms_journal *journal_of(const struct run *run, int64_t unit)
{
    return run->engine->journals ? run->engine->journals[unit] : run->engine->journal;
}

static void note_answer(const struct run *run, int worker, const mms_answer *answer,
                        const mms_value *print)
{
    const struct hand *const hand = &run->hands[worker];
    const int64_t unit = hand->unit;
    mms_journal *const journal = journal_of(run, unit);

    MMS_TELL(run->engine->scope, "response", about_of(run, worker),
             json_pack("{s:s, s:o, s:f}", "status", mms_status_name(answer->status), "message",
                       mms_text_value(answer->error.msg), "seconds",
                       (double)(mms_now_ns() - hand->begin_ns) * 1e-9));
    if (answer->status == MMS_ERR_EMPTY) /* which is found again as fast */
        mms_journal_add(journal, "empty",
                        json_pack("{s:o}", "unit", mms_text_value(run->names[unit])));
    else if (answer->status == MMS_OK)
        mms_journal_done(journal, run->names[unit], run->units[unit], answer->value, print,
                         answer->worker);
    else
        mms_journal_add(journal, answer->status == MMS_ERR_STOPPED ? "cancelled" : "failed",
                        json_pack("{s:o, s:o, s:i}", "unit", mms_text_value(run->names[unit]),
                                  "message", mms_text_value(answer->error.msg), "worker",
                                  answer->worker));
}

/* Try a unit once more, if that may help; why: what ended the attempt. */
static bool try_again(struct run *run, int64_t unit, int worker, bool alone, bool at_once,
                      const char *why)
{
    mms_engine *const engine = run->engine;
    const int attempt = run->tries.of[unit].attempt;

    if (!engine->rules.repeatable || run->st != MMS_OK ||
        !mms_tries_again(&run->tries, unit, alone, at_once))
        return false;
    mms_progress_clear(&run->progress);
    mms_log(MMS_LOG_WARN, engine->scope, "%s: worker %d %s: it is tried again%s (attempt %d of %d)",
            run->names[unit], worker + 1, why, alone ? ", alone" : "", attempt + 1,
            mms_tries_most(&run->tries, unit));
    mms_value *const record =
        json_pack("{s:o, s:i, s:i, s:o}", "unit", mms_text_value(run->names[unit]), "attempt",
                  attempt, "worker", worker + 1, "message", mms_text_value(why));
    json_array_append(engine->again, record);
    MMS_TELL(engine->scope, "retry", about_of(run, worker),
             json_pack("{s:o, s:b}", "message", mms_text_value(why), "alone", alone));
    mms_journal_add(journal_of(run, unit), "retry", record);
    return true;
}

/* The attempt is over, and was not the last. */
static bool ends_attempt(struct run *run, int worker, const mms_value *body, const char *text)
{
    const struct hand *const hand = &run->hands[worker];
    const json_int_t status = json_integer_value(json_object_get(body, "status"));
    const bool killed = json_is_true(json_object_get(body, "died")) &&
                        json_is_true(json_object_get(body, "killed"));
    const bool memory = json_is_true(json_object_get(body, "memory")) || status == MMS_ERR_MEM;

    run->tries.of[hand->unit].locked = status == MMS_ERR_LOCKED;
    if (hand->why || !(hand->lost || memory || killed || status == MMS_ERR_LOCKED))
        return false;
    return try_again(run, hand->unit, worker, memory, hand->lost,
                     hand->lost ? "was stopped for too long and is killed" : text);
}

static void let_go(struct run *run, int worker)
{
    mms_pulse_watch(&run->engine->away[worker].pulse, 0, false);
    run->hands[worker].unit = -1;
    run->running--;
    run->alone = false;
}

/* Read the outcome of a unit; *print: of what it wrote, a new reference or NULL. */
static void read_answer(struct run *run, int64_t unit, int worker, const mms_value *body,
                        mms_value **print)
{
    const char *const why = run->hands[worker].why;
    const char *const text = json_string_value(json_object_get(body, "message"));
    mms_answer *const answer = &run->answers[unit];

    answer->worker = worker + 1;
    *print = NULL;
    if (why && json_is_true(json_object_get(body, "died"))) {
        answer->status =
            mms_fail(&answer->error, MMS_ERR_WORKER, "worker %d was ended: %s", worker + 1, why);
        return;
    }
    if (json_is_true(json_object_get(body, "died"))) {
        answer->status =
            mms_fail(&answer->error, run->kill_ns != INT64_MAX ? MMS_ERR_STOPPED : MMS_ERR_WORKER,
                     "worker %d %s", worker + 1, text); // ended by us: it has not failed
        return;
    }
    answer->status = (mms_status)json_integer_value(json_object_get(body, "status"));
    answer->value = json_incref(json_object_get(body, "value"));
    if (answer->status == MMS_OK)
        answer->status = mms_tries_accept(&run->tries, unit, run->units[unit],
                                          journal_of(run, unit) ? print : NULL, &answer->error);
    else
        (void)mms_fail(&answer->error, answer->status, "%s", text ? text : "");
    if (!*print)
        *print = json_incref(json_object_get(body, "print"));
}

/* Whether one more failure does. */
static bool ends_run(struct run *run)
{
    const mms_engine_rules *const rules = &run->engine->rules;

    return ++run->nfailed == rules->threshold || !rules->keep_going;
}

/* What has killed one may kill another: from now on a warm one waits beside each. */
static void expect_deaths(mms_engine *engine)
{
    engine->hub.spares = true; // ranks hear of it with the next ping
    mms_pool_keep_spares(engine->hub.pool);
}

static void take_answer(struct run *run, int worker, mms_value *body)
{
    const int64_t unit = run->hands[worker].unit;
    const char *const text = json_string_value(json_object_get(body, "message"));
    mms_answer *const answer = &run->answers[unit];
    mms_value *print;

    if (json_is_true(json_object_get(body, "died")))
        expect_deaths(run->engine);
    if (ends_attempt(run, worker, body, text ? text : "")) {
        let_go(run, worker);
        return;
    }
    read_answer(run, unit, worker, body, &print);
    note_answer(run, worker, answer, print);
    mms_value_free(&print);
    run->bytes_answered += unit_bytes(run, unit);
    if (answer->status == MMS_OK) {
        run->bytes_worked += unit_bytes(run, unit);
        run->seconds_worked += (double)(mms_now_ns() - run->hands[worker].begin_ns) / 1e9;
    }
    let_go(run, worker);
    run->progress.units_done++;
    if (answer->status != MMS_OK && answer->status != MMS_ERR_EMPTY && ends_run(run))
        fail_unit(run, unit);
}

static void take_event(struct run *run, int worker, mms_value *body)
{
    const char *scope, *text;
    json_int_t done, total;
    int level, stream;

    if (!json_unpack(body, "{s:[i, s, s]}", "log", &level, &scope, &text)) {
        mms_progress_clear(&run->progress);
        mms_tell_line((mms_level)level, scope, about_of(run, worker), "worker", text);
    } else if (!json_unpack(body, "{s:[I, I]}", "progress", &done, &total)) {
        run->hands[worker].done = total > 0 ? (double)done / (double)total : 0;
    } else if (run->engine->rules.line &&
               !json_unpack(body, "{s:[i, s]}", "line", &stream, &text)) {
        mms_progress_clear(&run->progress);
        run->engine->rules.line(run->engine->rules.ctx, run->hands[worker].unit, stream, text);
    }
}

/* The answer of a request that was given to another: the worker is free again, that is all. */
static void take_late(struct run *run, int worker, const char *data)
{
    uint64_t *const late = &run->engine->away[worker].late;

    if (!*late || mms_frame_request_of(data) != *late ||
        mms_frame_type_of(data) != MMS_FRAME_RESPONSE)
        return;
    *late = 0;
    mms_log(MMS_LOG_INFO, run->engine->scope,
            "worker %d has ended what was given to another meanwhile: it is not used", worker + 1);
    mms_journal_add(run->engine->journal, "superseded", json_pack("{s:i}", "worker", worker + 1));
}

static void take_message(void *ctx, int peer, const char *data, size_t size, char **whole)
{
    struct run *run = ctx;
    const int worker = mms_engine_worker_of_peer(run->engine, peer);
    mms_frame frame;
    mms_error err;

    (void)whole;
    mms_pulse_take(&run->engine->away[worker].pulse, data, size);
    if (mms_frame_request_of(data) != run->hands[worker].request || run->hands[worker].unit < 0) {
        take_late(run, worker, data);
        return;
    }
    if (mms_frame_decode(data, size, &frame, &err) != MMS_OK)
        frame.body = json_pack("{s:b, s:s}", "died", 1, "message", err.msg);
    if (frame.type == MMS_FRAME_RESPONSE)
        take_answer(run, worker, frame.body);
    else if (frame.type == MMS_FRAME_EVENT)
        take_event(run, worker, frame.body);
    mms_value_free(&frame.body);
}

/* ---- run ---- */

int mms_engine_log_level(void)
{
    int level = MMS_LOG_TRACE;

    while (level >= MMS_LOG_ERROR && !mms_log_wants((mms_level)level))
        level--;
    return level;
}

static mms_status send_unit(struct run *run, int worker, int64_t unit)
{
    const uint64_t request = ++run->engine->last_request;
    mms_value *asked;
    mms_message message;
    mms_status st;

    st = mms_tries_request(&run->tries, unit, run->units[unit], &asked, run->err);
    if (st == MMS_OK)
        st =
            mms_frame_encode(MMS_FRAME_COMMAND, request,
                             json_pack("{s:s, s:o, s:i, s:i, s:b}", "kind", run->kind, "request",
                                       asked, "level", mms_engine_log_level(), "worker", worker + 1,
                                       "print", journal_of(run, unit) && !run->tries.attempts),
                             &message, run->err);
    mms_journal_add(
        journal_of(run, unit), "dispatch",
        json_pack("{s:o, s:i}", "unit", mms_text_value(run->names[unit]), "worker", worker + 1));
    if (st == MMS_OK)
        st = mms_engine_send(run->engine, worker, message, run->err);
    if (st != MMS_OK)
        return mms_wrap(run->err, st, "%s", run->names[unit]);
    assert(run->hands[worker].unit < 0); // it had none
    run->hands[worker] = (struct hand){.unit = unit, .request = request, .begin_ns = mms_now_ns()};
    mms_pulse_watch(&run->engine->away[worker].pulse, run->engine->stall_s, false);
    run->running++;
    run->alone = run->tries.of[unit].alone;
    MMS_TELL(run->engine->scope, "dispatch", about_of(run, worker), NULL);
    return MMS_OK;
}

/* The place of the next unit that no earlier run has done; nunits: none. */
static int64_t next_unit(struct run *run)
{
    while (run->next < run->nunits && run->answers[run->order[run->next]].status == MMS_OK)
        run->next++;
    return run->next;
}

static bool can_be_asked(const struct run *run, int worker)
{
    const struct away *const away = &run->engine->away[worker];

    return run->hands[worker].unit < 0 && !away->late && !away->pulse.since_ns;
}

static void hand_out(struct run *run)
{
    for (int w = 0; w < run->engine->nworkers && run->st == MMS_OK && !run->alone; w++) {
        const int64_t again = mms_tries_due(&run->tries, !run->running);
        if (again < 0 && next_unit(run) >= run->nunits)
            break;
        if (can_be_asked(run, w))
            run->st = send_unit(run, w, again >= 0 ? again : run->order[run->next++]);
    }
    if (run->st != MMS_OK)
        cancel_all(run);
}

/* ---- workers that are stopped, ranks that are silent ---- */

/* What a silent rank runs can't be ended: its unit goes to another, its answer will be late. */
static void give_away(struct run *run, int worker, double since_s)
{
    struct hand *const hand = &run->hands[worker];
    char why[80];

    snprintf(why, sizeof why, "does not answer for %.0f s", since_s);
    if (!try_again(run, hand->unit, worker, false, true, why))
        return;
    mms_engine_signal(run->engine, worker, hand->request, SIGKILL); // when it can read again
    run->engine->away[worker].late = hand->request;
    let_go(run, worker);
}

/* Whether what a worker that is away has in hand may be given to another. */
static bool is_repeatable(const struct run *run, int worker)
{
    const mms_engine_rules *const rules = &run->engine->rules;

    return rules->repeatable && !(rules->in_shared && run->engine->away[worker].pulse.silent);
}

static void lose_worker(struct run *run, int worker, double since_s)
{
    struct hand *const hand = &run->hands[worker];
    mms_tries *const tries = &run->tries;
    const bool can = hand->unit >= 0 && is_repeatable(run, worker) && tries->budget > 0 &&
                     tries->of[hand->unit].attempt < tries->most;

    if (!can) {
        mms_progress_clear(&run->progress);
        mms_log(MMS_LOG_WARN, run->engine->scope, "worker %d does not answer for %.0f s%s%s",
                worker + 1, since_s, hand->unit < 0 ? "" : ", it is waited for: ",
                hand->unit < 0 ? "" : run->names[hand->unit]);
    } else if (run->engine->away[worker].pulse.silent) {
        give_away(run, worker, since_s);
    } else {
        hand->lost = run->engine->away[worker].killed = true;
        mms_engine_signal(run->engine, worker, hand->request, SIGKILL);
    }
}

/* A unit that takes too long, or does nothing for too long, is ended. */
static void end_if_hung(struct run *run, int worker)
{
    struct hand *const hand = &run->hands[worker];
    const double limit_s = run->engine->limit_s;
    const char *why = NULL;

    if (hand->unit < 0 || hand->why)
        return;
    if (limit_s > 0 && (double)(mms_now_ns() - hand->begin_ns) > limit_s * 1e9)
        why = "its unit took longer than timelimit";
    else if (mms_still_is(&run->engine->away[worker].pulse.still))
        why = "its unit did nothing for as long as stalllimit says";
    hand->why = why;
    if (!why)
        return;
    MMS_TELL(run->engine->scope, "cancel", about_of(run, worker),
             json_pack("{s:s, s:i}", "message", why, "signal", SIGKILL));
    mms_engine_signal(run->engine, worker, hand->request, SIGKILL);
}

static void look_around(struct run *run)
{
    mms_engine *const engine = run->engine;
    const int64_t now = mms_now_ns();
    double since_s;

    if (now < engine->next_look_ns)
        return;
    engine->next_look_ns = now + tick.tv_nsec;
    for (int w = 0; w < engine->nworkers; w++) {
        struct away *const away = &engine->away[w];
        if (is_local(engine, w) && run->hands[w].unit < 0 && !away->pulse.since_ns)
            continue;
        end_if_hung(run, w);
        switch (mms_pulse_look(&away->pulse, &engine->hub, w, engine->worker_timeout_s,
                               tick.tv_nsec, &since_s)) {
        case MMS_PULSE_LOST:
            MMS_TELL(engine->scope, "timeout", about_of(run, w),
                     json_pack("{s:f}", "seconds", since_s));
            lose_worker(run, w, since_s);
            break;
        case MMS_PULSE_BACK:
            MMS_TELL(engine->scope, "recover", about_of(run, w),
                     json_pack("{s:f}", "seconds", since_s));
            if (!away->killed && (run->st == MMS_OK || run->drains))
                mms_log(MMS_LOG_WARN, engine->scope, "worker %d answers again after %.0f s", w + 1,
                        since_s);
            away->killed = false;
            break;
        default:
            break;
        }
    }
}

static bool somebody_is_there(const struct run *run)
{
    for (int w = 0; w < run->engine->nworkers; w++)
        if (!run->engine->away[w].pulse.timed_out)
            return true;
    return false;
}

/* A worker that is away and has a unit that may not be tried again is waited for if the user says
 * so, or if the unit can't be repeated and others are there. */
static bool is_at_work(const struct run *run, int worker)
{
    return run->hands[worker].unit >= 0 &&
           (!run->engine->away[worker].pulse.timed_out || !run->engine->retries ||
            (!is_repeatable(run, worker) && somebody_is_there(run)));
}

/* Whether units are left that nobody is at, and nobody can be asked to run, for longer than workers
 * may be away; all units have been begun where one can't be tried again. */
static bool nobody_is_left(struct run *run)
{
    const bool begun = run->drains || (!run->tries.nwaiting && next_unit(run) >= run->nunits);
    const int64_t now = mms_now_ns();
    bool some = begun && !run->running;

    for (int w = 0; w < run->engine->nworkers && !some; w++)
        some = is_at_work(run, w) || (!begun && can_be_asked(run, w));
    if (some)
        run->nobody_since_ns = 0;
    else if (!run->nobody_since_ns)
        run->nobody_since_ns = now;
    return !some &&
           (double)(now - run->nobody_since_ns) > 2e9 * run->engine->worker_timeout_s + 1e9;
}

static bool is_over(struct run *run)
{
    if ((run->st == MMS_OK || run->drains) && nobody_is_left(run)) {
        if (run->st == MMS_OK)
            run->st = mms_fail(run->err, MMS_ERR_WORKER,
                               "no worker answers, and %" PRId64 " of %" PRId64
                               " units are not done (workertimeout is %g s)",
                               run->nunits - run->progress.units_done, run->nunits,
                               run->engine->worker_timeout_s);
        run->drains = false;
        cancel_all(run);
    }
    if (run->kill_ns < mms_now_ns() - kill_limit_ns)
        return true;
    return !run->running &&
           (run->st != MMS_OK || (!run->tries.nwaiting && next_unit(run) >= run->nunits));
}

static mms_value *progress_of(const struct run *run)
{
    return json_pack("{s:f, s:f, s:I, s:I}", "bytes_done", run->progress.bytes_done, "bytes",
                     run->progress.bytes, "units_done", (json_int_t)run->progress.units_done,
                     "units", (json_int_t)run->nunits);
}

/* For who looks into the journal, or the log, while the run goes on. */
static void note_progress(struct run *run)
{
    const int64_t now = mms_now_ns();

    if (now < run->next_note_ns)
        return;
    if (run->next_note_ns && run->engine->journal)
        mms_journal_add(run->engine->journal, "progress", progress_of(run));
    if (run->next_note_ns)
        MMS_TELL(run->engine->scope, "progress", (mms_about){0}, progress_of(run));
    run->next_note_ns = now + note_interval_ns;
}

/* Which workers have something in hand; returns how many. */
static int list_at_work(const struct run *run, int64_t now, mms_at_work *list)
{
    int n = 0;

    for (int w = 0; w < run->engine->nworkers; w++) {
        const struct hand *const hand = &run->hands[w];
        if (hand->unit >= 0)
            list[n++] = (mms_at_work){.worker = w + 1,
                                      .attempt = run->tries.of[hand->unit].attempt,
                                      .unit = run->names[hand->unit],
                                      .done = hand->done,
                                      .seconds = (double)(now - hand->begin_ns) * 1e-9,
                                      .timeout = run->engine->away[w].pulse.timed_out};
    }
    return n;
}

/* That it can't be written may pass, as on a full disk; it is said once. */
static void write_standing(struct run *run, const mms_standing *standing)
{
    const bool had_failed = run->snapshot_failed;
    mms_error err;

    run->next_snapshot_ns = mms_now_ns() + snapshot_interval_ns;
    run->snapshot_failed = mms_standing_write(standing, run->engine->status_file, &err) != MMS_OK;
    if (run->snapshot_failed && !had_failed)
        mms_log(MMS_LOG_WARN, run->engine->scope, "statusfile: %s", err.msg);
}

/* To who asks by SIGUSR2, and in the file. */
static void tell_standing(struct run *run, bool ended)
{
    const int64_t now = mms_now_ns();
    const mms_progress *const p = &run->progress;
    const bool asked = mms_stop_is_asked();
    const bool due = run->engine->status_file && (ended || now >= run->next_snapshot_ns);
    mms_at_work *const list = asked || due ? mms_alloc(run->engine->nworkers, sizeof *list) : NULL;
    mms_standing standing = {.verb = run->engine->scope,
                             .units = run->nunits,
                             .units_done = p->units_done,
                             .units_failed = run->nfailed,
                             .bytes = p->bytes,
                             .bytes_done = p->bytes_done,
                             .seconds = (double)(now - p->begin_ns) * 1e-9,
                             .workers = list};

    if (!list)
        return;
    standing.nworkers = list_at_work(run, now, list);
    mms_progress_clear(&run->progress);
    if (asked)
        mms_standing_log(&standing);
    if (due)
        write_standing(run, &standing);
    free(list);
}

static void show_progress(struct run *run)
{
    run->progress.bytes_done = run->bytes_answered;
    for (int w = 0; w < run->engine->nworkers; w++)
        if (run->hands[w].unit >= 0)
            run->progress.bytes_done += run->hands[w].done * unit_bytes(run, run->hands[w].unit);
    mms_progress_show(&run->progress);
    note_progress(run);
}

/* What runs is killed, and collected when the pool ends. */
static void give_up_waiting(struct run *run, int errnum)
{
    if (run->st == MMS_OK)
        run->st = mms_fail(run->err, MMS_ERR_IO, "cannot wait for workers: %s", strerror(errnum));
    cancel_all(run);
}

/* Signals come only while we wait (mask is theirs), so that none is lost before the wait. */
static void run_units(struct run *run, const sigset_t *mask)
{
    bool killed = false;

    for (;;) {
        if ((run->st == MMS_OK && mms_stop_signal()) || (run->drains && mms_stop_at_once()))
            stop_run(run);
        look_around(run);
        if (run->st == MMS_OK)
            hand_out(run);
        if (run->kill_ns < mms_now_ns() && !killed) {
            signal_all(run, SIGKILL);
            killed = true;
        }
        if (is_over(run))
            break;
        if (mms_hub_wait(&run->engine->hub, &tick, true, mask, take_message, run) < 0) {
            give_up_waiting(run, errno);
            break;
        }
        show_progress(run);
        tell_standing(run, false);
    }
    tell_standing(run, true);
    run->engine->next_look_ns = 0;
    look_around(run); // who came back with the last answer
    mms_progress_clear(&run->progress);
    if (run->running)
        mms_log(MMS_LOG_WARN, run->engine->scope, "%d killed workers are not gone yet",
                run->running);
}

/* The run and its units, for who reads the log. */
static void tell_begin(const struct run *run)
{
    const char *const scope = run->engine->scope;

    MMS_TELL(scope, "begin", (mms_about){0},
             json_pack("{s:s, s:I, s:f, s:i}", "kind", run->kind, "units", (json_int_t)run->nunits,
                       "bytes", run->progress.bytes, "workers", run->engine->nworkers));
    for (int64_t i = 0; mms_log_wants_events() && i < run->nunits; i++)
        MMS_TELL(scope, "plan", (mms_about){.unit = run->names[i]},
                 json_pack("{s:f, s:b}", "bytes", unit_bytes(run, i), "done",
                           run->answers[i].status == MMS_OK));
}

static void run_with_signals_blocked(struct run *run)
{
    sigset_t before;

    tell_begin(run);
    mms_stop_block(&before);
    run_units(run, &before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    MMS_TELL(
        run->engine->scope, "end", (mms_about){0},
        json_pack("{s:s, s:o}", "status", mms_status_name(run->st), "progress", progress_of(run)));
}

/* Each journal is told of its units, which stand together. */
static void plan_journals(const struct run *run)
{
    for (int64_t first = 0, end; first < run->nunits; first = end) {
        mms_journal *const journal = journal_of(run, first);
        for (end = first + 1; end < run->nunits && journal_of(run, end) == journal;)
            end++;
        mms_journal_plan(journal, end - first, run->names + first, run->units + first);
    }
}

/* What an earlier run has done is answered as it was then. */
static void take_done(struct run *run)
{
    for (int64_t i = 0; i < run->nunits; i++) {
        mms_value *const answer =
            mms_journal_find(journal_of(run, i), run->names[i], run->units[i]);
        if (!answer)
            continue;
        run->answers[i] = (mms_answer){.status = MMS_OK, .value = answer};
        run->bytes_answered += unit_bytes(run, i);
        run->progress.bytes_before += unit_bytes(run, i);
        run->progress.units_done++;
        mms_journal_add(journal_of(run, i), "skipped",
                        json_pack("{s:o}", "unit", mms_text_value(run->names[i])));
    }
}

struct ranked {
    double bytes;
    int64_t unit;
};

static int by_size(const void *a, const void *b)
{
    const struct ranked *const x = a, *const y = b;

    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

/* The largest first, so that none begins when the others are about to end; of equal ones as they
 * came.  Source: spec job-engine 4.1 */
static mms_status order_units(struct run *run, mms_error *err)
{
    struct ranked *const ranked = mms_alloc(run->nunits, sizeof *ranked);

    run->order = mms_alloc(run->nunits, sizeof *run->order);
    if (run->nunits && (!ranked || !run->order)) {
        free(ranked);
        return mms_fail(err, MMS_ERR_MEM, "engine: out of memory");
    }
    for (int64_t i = 0; i < run->nunits; i++)
        ranked[i] = (struct ranked){.bytes = unit_bytes(run, i), .unit = i};
    if (run->nunits)
        qsort(ranked, (size_t)run->nunits, sizeof *ranked, by_size);
    for (int64_t i = 0; i < run->nunits; i++)
        run->order[i] = ranked[i].unit;
    free(ranked);
    return MMS_OK;
}

mms_status mms_engine_run(mms_engine *engine, const char *kind, int64_t nunits,
                          const char *const *names, mms_value *const *units, mms_answer *answers,
                          mms_error *err)
{
    struct run run = {.engine = engine,
                      .kind = kind,
                      .nunits = nunits,
                      .names = names,
                      .units = units,
                      .answers = answers,
                      .kill_ns = INT64_MAX,
                      .err = err};
    const char *const attempts = engine->hub.module ? engine->rules.attempts : NULL;
    double bytes = 0;

    for (int64_t i = 0; i < nunits; i++) {
        answers[i] = (mms_answer){.status = MMS_ERR_STOPPED};
        bytes += unit_bytes(&run, i);
    }
    run.hands = mms_alloc(engine->nworkers, sizeof *run.hands);
    if (!run.hands)
        return mms_fail(err, MMS_ERR_MEM, "engine: out of memory");
    run.st = order_units(&run, err);
    if (run.st == MMS_OK)
        run.st = mms_tries_begin(&run.tries, nunits, engine->retries, attempts, err);
    for (int w = 0; w < engine->nworkers; w++)
        run.hands[w].unit = -1;
    if (run.st == MMS_OK) {
        mms_progress_begin(&run.progress, engine->scope, engine->progress, nunits, bytes);
        plan_journals(&run);
        take_done(&run);
        run_with_signals_blocked(&run);
    }
    mms_tries_end(&run.tries);
    free(run.order);
    free(run.hands);
    return run.st;
}

void mms_answers_free(int64_t nunits, mms_answer *answers)
{
    for (int64_t i = 0; i < nunits; i++)
        mms_value_free(&answers[i].value);
}
