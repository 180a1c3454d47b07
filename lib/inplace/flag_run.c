/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flag_run.c  Flag commands over the parts of a set: the client's side.
 *
 *  Parts that share a chunk, where a command needs chunks, are one unit; else each is its own. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/base_priv.h"
#include "flag_priv.h"
#include "groups_priv.h"
#include "ms/columns.h"
#include "ms/rows.h"
#include "multims/log.h"
#include "orders_priv.h"
#include "plan_priv.h"

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "flagdata: out of memory");
}

/** A run in the client. */
typedef struct running {
    const mms_flag_request *q;
    mms_ms *ms;
    mms_flag_set set;
    mms_value *commands; /**< those that can be used */
    bool alone;          /**< one command was asked for: its rows are those of the run */
    bool chunks, combinescans, writes;
    bool joins; /**< a command looks at several baselines at once */
    double ntime_s;
    int64_t *group;       /**< [nmember]: the first member of those that are done together */
    mms_flag_found found; /**< of the one command; nothing: the workers find it */
    mms_undo *undo;
} running;

/* ---- checks -----------------------------------------------------------------------------------*/

static const char *mode_of(const mms_value *command)
{
    return json_string_value(json_object_get(command, "mode"));
}

/** What a command asks of the run. */
static void note_needs(running *r, const mms_flag_command *c)
{
    const double ntime = json_number_value(json_object_get(c->value, "ntime"));

    r->chunks = r->chunks || mms_flag_command_needs_chunks(c);
    r->writes = r->writes || mms_flag_command_writes(c);
    r->joins = r->joins || c->mode == MMS_FLAG_RFLAG || c->mode == MMS_FLAG_ANTINT ||
               c->mode == MMS_FLAG_SHADOW;
    if (c->automatic || c->mode < MMS_FLAG_TFCROP)
        return;
    r->ntime_s = ntime > r->ntime_s ? ntime : r->ntime_s;
    r->combinescans = r->combinescans || json_is_true(json_object_get(c->value, "combinescans"));
}

static void refuse_agent(const mms_value *command, int64_t number, bool list, const char *why)
{
    char *mode = strdup(mode_of(command));

    if (mode && *mode)
        mode[0] = (char)(mode[0] - 'a' + 'A');
    if (list)
        mms_log(MMS_LOG_WARN, "flagdata", "Cannot create agent %s_%" PRId64 ": %s",
                mode ? mode : "", number, why);
    else
        mms_log(MMS_LOG_WARN, "flagdata", "Cannot create agent %s: %s", mode ? mode : "", why);
    free(mode);
}

/** Find the rows of the one command, where a worker can be told, or whether there are any. */
static mms_status find_rows(running *r, const mms_flag_command *c, bool *any, mms_error *err)
{
    mms_status st;

    if (!mms_flag_can_find(r->ms, c))
        return mms_rows_any(r->ms, c->selection, any, err);
    st = mms_flag_find(r->ms, c, &r->found, err);
    *any = r->found.nrow > 0;
    return st;
}

/** Look at one command; in a list one that can't be used is left out.
 *  @param[out] kept  false where the set lacks its column */
static mms_status check_command(running *r, const mms_value *value, int64_t number, bool alone,
                                bool *kept, mms_error *err)
{
    mms_flag_command c = {0};
    char *problem = NULL;
    bool any = true;
    mms_error why = {0};
    mms_status st = mms_flag_command_open(&r->set, value, NULL, &c, &problem, &why);

    *kept = st != MMS_ERR_NOT_FOUND;
    if ((st == MMS_ERR_SELECT || st == MMS_ERR_NOT_FOUND) && !alone) {
        refuse_agent(value, number, true, why.msg);
        st = MMS_OK;
    } else if (st != MMS_OK) {
        mms_fail(err, st, "%s", why.msg);
    } else if (problem) {
        refuse_agent(value, number, !alone, problem);
    } else if (c.increment && !alone && number > 0) {
        mms_log(MMS_LOG_WARN, "flagdata",
                "Cannot have quackincrement=True in list mode. Agent quack will be ignored!");
    } else {
        if (alone && !c.automatic)
            st = find_rows(r, &c, &any, err);
        if (st == MMS_OK && !any)
            st = mms_fail(err, MMS_ERR_EMPTY,
                          "MSSelectionNullSelection : The selected table has zero rows.");
        note_needs(r, &c);
        json_array_append(r->commands, (mms_value *)value);
    }
    free(problem);
    mms_flag_command_close(&c, r->set.nwindow);
    return st;
}

/** Averages go with few other commands: their flags would be looked at in the middle. */
static mms_status check_averages(const running *r, mms_error *err)
{
    const mms_value *commands = r->q->commands;

    for (size_t i = 0; i < json_array_size(commands); i++) {
        const mms_value *c = json_array_get(commands, i);
        if (!json_is_true(json_object_get(c, "timeavg")) &&
            !json_is_true(json_object_get(c, "channelavg")))
            continue;
        for (size_t k = 0; k < json_array_size(commands); k++) {
            const char *other = mode_of(json_array_get(commands, k));
            if (k != i && strcmp(other, "extend") != 0 && strcmp(other, "antint") != 0)
                return mms_fail(err, MMS_ERR_ARG,
                                "Cannot use %s mode with timeavg=True or channelavg=True and "
                                "additional modes other than extend, display, and antint: mode %s "
                                "is in the list",
                                mode_of(c), other);
        }
    }
    return MMS_OK;
}

static bool asks_for_report(const running *r)
{
    for (size_t i = 0; i < json_array_size(r->q->commands); i++)
        if (!strcmp(mode_of(json_array_get(r->q->commands, i)), "summary"))
            return true;
    return false;
}

static mms_status check_commands(running *r, mms_error *err)
{
    int64_t named = 0, number = 0;
    size_t i;
    mms_value *command;
    bool kept = true;
    mms_status st = MMS_OK;

    json_array_foreach((mms_value *)r->q->commands, i, command) named +=
        !json_is_true(json_object_get(command, "automatic"));
    r->alone = named == 1;
    r->commands = json_array();
    MMS_TRY(check_averages(r, err));
    json_array_foreach((mms_value *)r->q->commands, i, command)
    {
        if (!kept && json_is_true(json_object_get(command, "automatic")))
            continue; // what it stands behind could not be read
        MMS_TRY(check_command(r, command, number++, r->alone, &kept, err));
    }
    if (json_array_size(r->commands) == 0)
        mms_log(MMS_LOG_ERROR, "flagdata", "There is no agent to run in list");
    if (json_array_size(r->commands) == 0 && (named > 1 || asks_for_report(r)))
        st = mms_fail(err, MMS_ERR_ARG, "none of the commands can be done");
    else if (mms_ms_nrow(r->ms) == 0)
        st = mms_fail(err, MMS_ERR_EMPTY,
                      "%s has no rows (MSSelectionNullSelection : The selected table has zero "
                      "rows.)",
                      mms_ms_path(r->ms));
done:
    return st;
}

/* ---- which parts are done together ------------------------------------------------------------*/

static mms_status group_members(running *r, mms_error *err)
{
    const int64_t nmember = mms_ms_nmember(r->ms);
    const mms_chunk_ids ids = {.observation = true, .field = true, .scan = !r->combinescans};
    mms_status st = MMS_OK;

    r->group = mms_alloc(nmember, sizeof *r->group);
    if (!r->group)
        return no_memory(err);
    for (int64_t i = 0; i < nmember; i++)
        r->group[i] = i;
    if (r->chunks)
        MMS_TRY(mms_group_members(r->ms, ids, r->group, err));
    if (r->chunks && !r->joins && r->ntime_s <= 0) // else chunks begin with the first of all rows
        MMS_TRY(mms_group_by_baselines(r->ms, r->set.nantenna, r->group, err));
done:
    return st;
}

/* ---- units ------------------------------------------------------------------------------------*/

static mms_value *make_unit(const running *r, int64_t first)
{
    mms_value *const members = mms_group_value(r->ms, r->group, first);
    mms_value *const stage = mms_group_stage(r->undo, first);
    mms_value *const unit =
        mms_flag_order_encode(&(mms_flag_order){.vis = r->q->change.vis,
                                                .stage = json_string_value(stage),
                                                .lock = mms_undo_lock_path(r->undo),
                                                .members = members,
                                                .commands = r->commands,
                                                .rows = r->found.rows,
                                                .channels = r->found.channels,
                                                .ntime_s = r->ntime_s,
                                                .memory = r->q->change.memory,
                                                .alone = r->alone,
                                                .chunks = r->chunks,
                                                .combinescans = r->combinescans,
                                                .tiles = r->q->change.tiles});

    json_decref(members);
    json_decref(stage);
    return unit;
}

/** One answer into the result. */
static void gather(const running *r, const mms_value *answer, mms_value *counts, mms_value *rflag,
                   mms_value *result)
{
    static const char *const sums[] = {"rows", "changed_rows"};

    for (int i = 0; i < 2; i++)
        json_object_set_new(result, sums[i],
                            json_integer(json_integer_value(json_object_get(result, sums[i])) +
                                         json_integer_value(json_object_get(answer, sums[i]))));
    for (size_t i = 0; i < json_array_size(r->commands); i++) {
        const mms_value *c = json_array_get(json_object_get(answer, "counts"), i);
        if (json_is_object(c))
            mms_flag_counts_add(json_array_get(counts, i), c);
    }
    json_array_extend(rflag, json_object_get(answer, "rflag"));
}

/** What writes the staged rows of a group. */
static mms_value *make_write_unit(const running *r, int64_t first)
{
    mms_value *parts = json_array(), *changes = json_array();

    for (int64_t i = 0; i < mms_ms_nmember(r->ms); i++) {
        const mms_rows rows = mms_ms_member_rows(r->ms, i);
        const char *path = mms_ms_member_path(r->ms, i);
        if (r->group[i] != first)
            continue;
        json_array_append_new(parts, json_pack("[o, I, I]", mms_text_value(path),
                                               (json_int_t)rows.first, (json_int_t)rows.count));
        json_array_append_new(changes, mms_text_value(path));
    }
    mms_value *const stage = mms_group_stage(r->undo, first);
    mms_value *const unit =
        mms_flag_write_order_encode(&(mms_flag_write_order){.vis = r->q->change.vis,
                                                            .stage = json_string_value(stage),
                                                            .lock = mms_undo_lock_path(r->undo),
                                                            .parts = parts,
                                                            .tiles = r->q->change.tiles});

    json_decref(parts);
    json_decref(stage);
    return mms_units_changing(unit, changes);
}

/** Write what was staged: of the groups with a changed row, whose files are kept before.
 *  @param row_flags  whether FLAG_ROW of any has changed */
static mms_status write_parts(running *r, const bool *changed, bool row_flags, mms_error *err)
{
    const char *const columns[] = {MMS_COL_FLAG, row_flags ? MMS_COL_FLAG_ROW : NULL, NULL};
    const int64_t nmember = mms_ms_nmember(r->ms);
    bool *members = mms_alloc(nmember, sizeof *members);
    mms_units units;
    mms_status st;

    MMS_TRY(mms_units_open(nmember, &units, err));
    MMS_TRY(members ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < nmember; i++) {
        members[i] = changed[r->group[i]];
        if (r->group[i] == i && changed[i])
            MMS_TRY(mms_units_add_named(&units,
                                        mms_format("%s (flags)", mms_ms_member_path(r->ms, i)),
                                        make_write_unit(r, i), err));
    }
    MMS_TRY(mms_change_keep(&r->q->change, r->undo, r->ms, members, columns, err));
    if (units.n == 0)
        goto done;
    // a table that this process has open without a lock is not locked when it is opened to write
    mms_flag_set_close(&r->set);
    mms_ms_close(&r->ms);
    MMS_TRY(mms_units_run_noted(&units, &r->q->change, err));
done:
    mms_units_close(&units);
    free(members);
    return st;
}

static void make_reports(const running *r, const mms_value *counts, mms_value *result)
{
    mms_value *reports = json_array(), *command;
    size_t i;

    json_array_foreach(r->commands, i, command)
    {
        if (!strcmp(mode_of(command), "summary"))
            json_array_append_new(reports, mms_flag_report(command, json_array_get(counts, i)));
    }
    json_object_set_new(result, "reports", reports);
}

/* ---- thresholds of rflag ----------------------------------------------------------------------*/

static int by_key(const void *a, const void *b)
{
    const mms_value *x = json_object_get(*(mms_value *const *)a, "key");
    const mms_value *y = json_object_get(*(mms_value *const *)b, "key");

    for (size_t i = 0; i < json_array_size(x); i++) {
        const double left = json_number_value(json_array_get(x, i));
        const double right = json_number_value(json_array_get(y, i));
        if (left < right || left > right)
            return left < right ? -1 : 1;
    }
    return 0;
}

static bool same_window(const mms_value *a, const mms_value *b)
{
    const mms_value *x = json_object_get(a, "key"), *y = json_object_get(b, "key");

    for (size_t i = 0; i < 2; i++)
        if (!json_equal(json_array_get(x, i), json_array_get(y, i)))
            return false;
    return true;
}

/** Add the row [field, spw, threshold] of items whose sums are of one field and window: the one
 *  that was given for them, none where one was given for all. */
static mms_status add_threshold(mms_value *const *items, int64_t n, const char *given,
                                const char *for_all, const char *sums_key, const char *counts_key,
                                mms_value *rows, mms_error *err)
{
    const int64_t nchan = (int64_t)json_array_size(json_object_get(items[0], sums_key));
    double *sums = mms_alloc(nchan, sizeof *sums);
    double threshold = json_number_value(json_object_get(items[0], given));
    int64_t *counts = mms_alloc(nchan, sizeof *counts);
    const mms_value *key = json_object_get(items[0], "key");
    mms_status st;

    MMS_TRY(sums && counts ? MMS_OK : no_memory(err));
    if (threshold > 0 && json_is_true(json_object_get(items[0], for_all)))
        goto done;
    for (int64_t i = 0; i < n; i++)
        for (int64_t c = 0; c < nchan; c++) {
            const size_t at = (size_t)c;
            sums[c] += mms_value_double(json_array_get(json_object_get(items[i], sums_key), at));
            counts[c] +=
                json_integer_value(json_array_get(json_object_get(items[i], counts_key), at));
        }
    if (threshold <= 0)
        MMS_TRY(mms_flag_rflag_threshold(nchan, sums, counts, &threshold, err));
    json_array_append_new(rows, json_pack("[fff]", json_number_value(json_array_get(key, 0)),
                                          json_number_value(json_array_get(key, 1)), threshold));
done:
    free(sums);
    free(counts);
    return st;
}

/** Sums of all chunks, added in an order of their own: the answer does not depend on the parts. */
static mms_status make_thresholds(const mms_value *rflag, mms_value *result, mms_error *err)
{
    const int64_t n = (int64_t)json_array_size(rflag);
    mms_value **items = mms_alloc(n, sizeof *items);
    mms_value *time = json_array(), *freq = json_array();
    mms_status st = items ? MMS_OK : no_memory(err);

    for (int64_t i = 0; items && i < n; i++)
        items[i] = json_array_get(rflag, (size_t)i);
    if (items)
        qsort(items, (size_t)n, sizeof(mms_value *), by_key);
    for (int64_t i = 0, end; i < n && st == MMS_OK; i = end) {
        for (end = i + 1; end < n && same_window(items[i], items[end]);)
            end++;
        st = add_threshold(items + i, end - i, "timedev", "timedev_for_all", "time", "ntime", time,
                           err);
        if (st == MMS_OK)
            st = add_threshold(items + i, end - i, "freqdev", "freqdev_for_all", "freq", "nfreq",
                               freq, err);
    }
    if (n > 0)
        json_object_set_new(result, "rflag",
                            json_pack("{sO sO}", "timedev", time, "freqdev", freq));
    mms_value_free(&time);
    mms_value_free(&freq);
    free(items);
    return st;
}

/** Whether a group of parts begins with this one; a part without rows is alone, and left out. */
static bool is_unit(const running *r, int64_t member)
{
    return r->group[member] == member && mms_ms_member_rows(r->ms, member).count > 0;
}

static mms_status flag_parts(running *r, mms_value *result, mms_error *err)
{
    const int64_t nmember = mms_ms_nmember(r->ms);
    mms_value *counts = json_array(), *rflag = json_array();
    bool *changed = mms_alloc(nmember, sizeof *changed), row_flags = false;
    mms_units units;
    mms_status st;

    MMS_TRY(mms_units_open(nmember, &units, err));
    MMS_TRY(changed ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < nmember; i++)
        if (is_unit(r, i))
            MMS_TRY(mms_units_add(&units, mms_ms_member_path(r->ms, i), make_unit(r, i), err));
    for (size_t i = 0; i < json_array_size(r->commands); i++)
        json_array_append_new(counts, json_object());
    MMS_TRY(r->undo ? mms_units_run_noted(&units, &r->q->change, err)
                    : mms_units_run(&units, &r->q->change, err));
    for (int64_t i = 0, group = 0; i < units.n; i++, group++) {
        const mms_value *answer = units.answers[i].value;
        while (!is_unit(r, group))
            group++;
        gather(r, answer, counts, rflag, result);
        changed[group] = json_integer_value(json_object_get(answer, "changed_rows")) > 0;
        row_flags =
            row_flags || json_integer_value(json_object_get(answer, "changed_row_flags")) > 0;
    }
    if (r->undo)
        MMS_TRY(write_parts(r, changed, row_flags, err));
    make_reports(r, counts, result);
    json_object_set_new(result, "units", json_integer(units.n));
    MMS_TRY(make_thresholds(rflag, result, err));
done:
    mms_units_close(&units);
    mms_value_free(&counts);
    mms_value_free(&rflag);
    free(changed);
    return st;
}

/** Whether a worker would take longer to start than to do its work: the flags of a few rows, which
 *  are looked at one by one.  A backup is of all rows. */
static bool is_small(const running *r)
{
    enum { MOST = 1 << 25, VALUE = 10 }; // cells; what one costs where values are looked at
    const mms_change_job *const job = r->q->change.job;
    int64_t most = 1;

    if (!r->found.rows || r->chunks || r->q->backup || (job && job->opts.resume))
        return false;
    for (int64_t i = 0; i < r->set.nwindow; i++) {
        const int64_t cell = (int64_t)r->set.windows[i].nchan * r->set.windows[i].ncorr;
        most = cell > most ? cell : most;
    }
    if (strcmp(mode_of(json_array_get(r->commands, 0)), "manual") != 0)
        most *= VALUE;
    return r->found.nrow <= MOST / most;
}

/** From here on something is written. */
static mms_status run_checked(running *r, bool *wrote, mms_value *result, mms_error *err)
{
    const bool writes = r->q->apply && r->writes;
    mms_status st = MMS_OK;

    if (writes)
        MMS_TRY(mms_undo_check(r->ms, err));
    if (writes)
        MMS_TRY(mms_change_begin(&r->q->change, err));
    *wrote = *wrote || writes;
    if (writes)
        MMS_TRY(mms_change_take_undo(&r->q->change, &r->undo, err));
    if (writes && r->q->backup) {
        mms_log(MMS_LOG_INFO, "flagdata", "Backup original flags before applying new flags");
        st = mms_backup_flags(&r->q->change, "flagdata", NULL, err);
    }
    if (st == MMS_OK)
        st = flag_parts(r, result, err);
    // where this process has changed the set, casacore writes table.dat when the last of it is
    // closed
    mms_flag_set_close(&r->set);
    mms_ms_close(&r->ms);
    if (writes)
        st = mms_change_end(&r->q->change, NULL, &r->undo, st, err);
done:
    return st;
}

/* ---- a dry run --------------------------------------------------------------------------------*/

/** Count the rows of a command that changes flags: of one that follows by itself all, but for those
 *  of the one command that it follows. */
static mms_status plan_command(running *r, const mms_value *value, mms_planned *planned,
                               mms_error *err)
{
    mms_flag_command c = {0};
    const mms_value *const first = json_array_get(r->commands, 0);
    const bool same = r->alone && !json_is_true(json_object_get(first, "automatic"));
    char *problem = NULL;
    mms_status st = mms_flag_command_open(&r->set, value, NULL, &c, &problem, err);

    if (st == MMS_OK && !problem && mms_flag_command_writes(&c) && !(c.automatic && same))
        st = mms_planned_add(planned, c.selection, err);
    free(problem);
    mms_flag_command_close(&c, r->set.nwindow);
    return st;
}

static mms_status plan(running *r, mms_value *result, mms_error *err)
{
    const bool writes = r->q->apply && r->writes;
    mms_value *columns =
        writes ? json_pack("[s, s]", MMS_COL_FLAG, MMS_COL_FLAG_ROW) : json_array();
    mms_planned planned;
    mms_value *command;
    size_t i;
    mms_status st;

    MMS_TRY(mms_planned_open(&r->set, &planned, err));
    json_array_foreach(r->commands, i, command) MMS_TRY(plan_command(r, command, &planned, err));
    MMS_TRY(mms_planned_tell(&planned, columns, NULL, writes && r->q->backup ? "flagdata" : NULL,
                             result, err));
    json_object_set_new(result, "columns", json_object());
    json_array_foreach(columns, i, command) json_object_set_new(
        json_object_get(result, "columns"), json_string_value(command), json_string("changed"));
done:
    mms_planned_close(&planned);
    mms_value_free(&columns);
    return st;
}

mms_status mms_flag_run(const mms_flag_request *q, bool *wrote, mms_value *result, mms_error *err)
{
    const char *vis = q->change.vis;
    running r = {.q = q};
    mms_status st;

    MMS_TRY(mms_change_recover(&q->change, !q->change.dryrun, &r.undo, err));
    if (mms_change_is_over(&q->change, wrote, result))
        goto done;
    MMS_TRY(mms_change_open_set(&q->change, &r.ms, err));
    MMS_TRY(mms_flag_set_open(r.ms, &r.set, err));
    MMS_TRY(check_commands(&r, err));
    json_object_set_new(result, "vis", mms_text_value(vis));
    json_object_set_new(result, "parts", json_integer(mms_ms_nmember(r.ms)));
    json_object_set_new(result, "commands", json_integer((json_int_t)json_array_size(r.commands)));
    if (q->change.dryrun)
        MMS_TRY(plan(&r, result, err));
    if (json_array_size(r.commands) == 0 || q->change.dryrun)
        goto done;
    MMS_TRY(group_members(&r, err));
    if (q->change.stay && is_small(&r))
        q->change.stay(q->change.ctx);
    MMS_TRY(run_checked(&r, wrote, result, err));
done:
    mms_undo_leave(&r.undo);
    mms_flag_set_close(&r.set);
    mms_ms_close(&r.ms);
    mms_value_free(&r.commands);
    mms_flag_free_found(&r.found);
    free(r.group);
    return st;
}
