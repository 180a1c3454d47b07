/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_unit.c  One part of each in a worker: tokens, a copy if asked, the program, its end.
 */
#include "each_priv.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/blackbox_priv.h"
#include "base/files_priv.h"
#include "base/walk_priv.h"
#include "engine/program.h"

/* ---- a copy that replaces the part ---- */

char *mms_each_copy_path(const char *vis)
{
    char *const real = realpath(vis, NULL);
    char *const dir = mms_path_dir(real ? real : vis);
    char *const base = mms_path_base(real ? real : vis);
    char *const path = dir && base ? mms_format("%s/.%s.mms-each-copy", dir, base) : NULL;

    free(real);
    free(dir);
    free(base);
    return path;
}

struct copy {
    const char *from, *to;
};

/* Links stay links: those of sub-tables lead to the first part. */
static mms_status copy_one(void *ctx, const mms_walked *met, mms_error *err)
{
    const struct copy *const c = ctx;
    char *const to = mms_format("%s%s", c->to, met->path + strlen(c->from));
    char *text = NULL;
    mms_status st = MMS_OK;

    assert(!strncmp(met->path, c->from, strlen(c->from))); /* a walk goes down from it */
    if (!to)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    if (met->kind == MMS_WALK_FOLDER)
        st = mms_make_folder(to, err);
    else if (met->kind == MMS_WALK_FILE)
        st = mms_copy_file(met->path, to, err);
    else if (met->kind == MMS_WALK_OTHER)
        st = mms_fail(err, MMS_ERR_UNSUPPORTED, "%s is %s", met->path,
                      mms_kind_of_file(met->info->st_mode));
    else if (met->kind == MMS_WALK_LINK)
        st = mms_read_link(met->path, &text, err);
    if (st == MMS_OK && text && symlink(text, to))
        st = mms_fail_errno(err, errno, "%s", to);
    free(text);
    free(to);
    return st;
}

static mms_status make_copy(const char *vis, const char *copy, mms_error *err)
{
    struct copy c = {vis, copy};
    int64_t bytes, room;
    mms_status st;

    MMS_TRY(mms_remove_tree(copy, err)); /* of a run that was killed */
    MMS_TRY(mms_tree_bytes(vis, &bytes, err));
    MMS_TRY(mms_disk_free(copy, &room, err));
    if (bytes > room)
        return mms_fail(err, MMS_ERR_SPACE,
                        "staged: a copy takes %" PRId64 " bytes, %" PRId64 " are free", bytes,
                        room);
    st = mms_walk(vis, 0, copy_one, &c, err);
done:
    return st;
}

/* Put the copy where the part is, in one step where the file system can. */
static mms_status swap(const char *copy, const char *vis, mms_error *err)
{
    char *old = NULL;
    mms_status st = MMS_OK;

    if (!renameat2(AT_FDCWD, copy, AT_FDCWD, vis, RENAME_EXCHANGE))
        return mms_remove_tree(copy, err);
    old = mms_format("%s-old", copy);
    if (!old)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    MMS_TRY(mms_remove_tree(old, err)); /* of a run that was killed: the part is in its place */
    if (rename(vis, old))
        MMS_TRY(mms_fail_errno(err, errno, "%s", vis));
    if (rename(copy, vis)) {
        st = mms_fail_errno(err, errno, "%s", vis);
        (void)!rename(old, vis);
        goto done;
    }
    st = mms_remove_tree(old, err);
done:
    free(old);
    return st;
}

/* ---- the run ---- */

struct unit {
    mms_job *job;
    mms_each_order order;
    const char *vis, *name;
    char *part;                          /* staged: the part itself, where vis may be a link */
    char *copy, *tmpdir, *output, *made; /* output: NULL without; made: where it is made */
    char *note;
    int held; /* the note's descriptor; -1: there is none */
    char index[24], threads[24], host[256], server[24], memory[24], attempt[24];
};

static void take_line(void *ctx, int stream, const char *text)
{
    mms_job_line(((const struct unit *)ctx)->job, stream, text);
}

/* The words with values in place of the tokens; NULL: no memory. */
static char **make_argv(const struct unit *u)
{
    const mms_each_values values = {{u->copy ? u->copy : u->vis, u->name, u->index, u->threads,
                                     u->host, u->tmpdir, u->made, u->server, u->memory,
                                     u->attempt}};
    const mms_value *const words = u->order.program;
    const size_t n = json_array_size(words);
    char **const argv = mms_alloc((int64_t)n + 1, sizeof *argv);

    for (size_t i = 0; argv && i < n; i++) {
        argv[i] = mms_each_expand(json_string_value(json_array_get(words, i)), &values);
        if (!argv[i]) {
            while (i--)
                free(argv[i]);
            free(argv);
            return NULL;
        }
    }
    return argv;
}

static void free_argv(char **argv)
{
    for (char **word = argv; argv && *word; word++)
        free(*word);
    free(argv);
}

/* An exit status that counts as good. */
static bool is_good(const mms_value *codes, const mms_program_end *end)
{
    const bool ended = end->stopped || end->timed_out || end->stalled; /* by us */

    for (size_t i = 0; !ended && i < json_array_size(codes); i++)
        if (!end->signal_number && end->exit_status == json_integer_value(json_array_get(codes, i)))
            return true;
    return false;
}

static mms_status judge(const mms_value *codes, const mms_program *program,
                        const mms_program_end *end, mms_error *err)
{
    const mms_status st = is_good(codes, end) ? MMS_OK : mms_program_judge(program, end, err);

    if (st != MMS_OK || is_good(codes, end))
        return st;
    return mms_fail(err, MMS_ERR_WORKER, "%s ended with exit status 0, which is none of okcodes",
                    program->argv[0]);
}

static mms_status run_program(const struct unit *u, mms_value *answer, mms_error *err)
{
    char *const part = mms_format("MULTIMS_UNIT=%s", u->copy ? u->copy : u->vis);
    char *const tmp = mms_format("TMPDIR=%s", u->tmpdir);
    char *const omp =
        getenv("OMP_NUM_THREADS") ? NULL : mms_format("OMP_NUM_THREADS=%s", u->threads);
    char *const server = mms_format("MULTIMS_SERVER=%s", u->server);
    const char *const setting[] = {part, tmp, server, omp, NULL};
    mms_program_end *const end = mms_alloc(1, sizeof *end);
    char **const argv = make_argv(u);
    const mms_program program = {
        .argv = (const char *const *)argv,
        .folder = u->order.folder,
        .setting = setting,
        .grace_s = MMS_PROGRAM_GRACE_S,
        .limit_s = u->order.limit_s,
        .stall_s = u->order.stall_s,
        .keeps = u->held,
        .line = take_line,
        .ctx = (void *)u,
    };
    mms_status st;

    if (!part || !tmp || !server || !end || !argv)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    MMS_TRY(mms_program_run(&program, end, err));
    mms_program_tell(end, answer);
    json_object_set_new(answer, "host", mms_text_value(u->host));
    st = judge(u->order.okcodes, &program, end, err);
done:
    free(server);
    free_argv(argv);
    free(end);
    free(omp);
    free(tmp);
    free(part);
    return st;
}

/* What was made becomes the part's output. */
static mms_status publish(const struct unit *u, mms_error *err)
{
    if (access(u->made, F_OK))
        return mms_fail(err, MMS_ERR_NOT_FOUND,
                        "the program ended well, but made no output: %s is not there", u->made);
    if (mms_rename_new(u->made, u->output))
        return mms_fail_errno(err, errno, "%s", u->output);
    return MMS_OK;
}

static mms_status run_once(struct unit *u, mms_value *answer, mms_error *err)
{
    const bool staged = u->order.staged;
    mms_status st;

    MMS_TRY(mms_each_make_scratch(&u->tmpdir, err));
    if (u->made)
        MMS_TRY(mms_remove_tree(u->made, err)); /* of one that was killed */
    if (staged)
        MMS_TRY(make_copy(u->part, u->copy, err));
    MMS_TRY(run_program(u, answer, err));
    if (u->note)
        MMS_TRY(mms_each_note(u->held, u->note, u->copy, u->made, answer, err));
    if (u->made)
        MMS_TRY(publish(u, err));
    if (staged)
        st = swap(u->copy, u->part, err);
done:
    return st;
}

static void remove_left(struct unit *u, bool failed)
{
    mms_error ignored;

    if (u->copy && failed)
        (void)!mms_remove_tree(u->copy, &ignored);
    if (u->made && failed)
        (void)!mms_remove_tree(u->made, &ignored);
    if (u->tmpdir)
        (void)!mms_remove_tree(u->tmpdir, &ignored);
    mms_blackbox_set_scratch("");
    free(u->tmpdir);
    u->tmpdir = NULL;
}

/* A program that failed may do better the next time; one that was stopped is not wanted.  Each
 * worker that was killed counts as a try. */
static mms_status run_tries(struct unit *u, mms_value *answer, mms_error *err)
{
    const int64_t first = u->order.attempt;
    const int64_t most = first > 1 + u->order.retries ? first : 1 + u->order.retries;
    mms_status st = MMS_ERR_WORKER;

    for (int64_t i = first; st == MMS_ERR_WORKER && i <= most; i++) {
        if (i > first)
            mms_log(MMS_LOG_WARN, "each", "%s: try %lld of %lld, for %s", u->name, (long long)i,
                    (long long)most, err->msg);
        snprintf(u->attempt, sizeof u->attempt, "%lld", (long long)i);
        json_object_set_new(answer, "attempt", json_integer(i));
        st = run_once(u, answer, err);
        remove_left(u, st != MMS_OK);
    }
    return st;
}

void mms_each_mend(const char *vis)
{
    char *const copy = mms_each_copy_path(vis);
    char *const old = copy ? mms_format("%s-old", copy) : NULL;

    if (old && access(vis, F_OK) && !access(old, F_OK))
        (void)!rename(old, vis);
    free(old);
    free(copy);
}

static mms_status set_up(struct unit *u, mms_error *err)
{
    const char *const outputs = u->order.outputs;
    const int64_t sharing = u->order.sharing;
    const int64_t mib = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 20;

    snprintf(u->index, sizeof u->index, "%" PRId64, u->order.index);
    snprintf(u->threads, sizeof u->threads, "%" PRId64, u->order.threads);
    snprintf(u->server, sizeof u->server, "%d", mms_job_worker(u->job));
    snprintf(u->memory, sizeof u->memory, "%lld", (long long)(mib / (sharing > 0 ? sharing : 1)));
    gethostname(u->host, sizeof u->host - 1);
    if (u->order.staged)
        mms_each_mend(u->vis);
    if (u->order.staged && !(u->part = realpath(u->vis, NULL)))
        return mms_fail_errno(err, errno, "%s", u->vis);
    u->copy = u->part ? mms_each_copy_path(u->part) : NULL;
    u->output = outputs ? mms_each_output_path(outputs, u->name, false) : NULL;
    u->made = outputs ? mms_each_output_path(outputs, u->name, true) : NULL;
    u->note = u->copy || u->made ? mms_each_note_path(u->copy, u->made) : NULL;
    if ((u->part && !u->copy) || (outputs && (!u->output || !u->made)) ||
        ((u->part || outputs) && !u->note))
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    return MMS_OK;
}

static mms_status run_unless_done(struct unit *u, mms_value *answer, mms_error *err)
{
    bool was = false;
    mms_status st = MMS_OK;

    if (u->note)
        st = mms_each_hold_note(u->note, &u->held, err);
    if (st == MMS_OK && u->note)
        st = mms_each_was_done(u->note, u->part, u->output, u->made, &was, answer, err);
    if (st != MMS_OK || !was)
        return st == MMS_OK ? run_tries(u, answer, err) : st;
    mms_log(MMS_LOG_INFO, "each", "%s was done: its worker was killed before it could say so",
            u->name);
    char *const old = u->copy ? mms_format("%s-old", u->copy) : NULL;
    if (old)
        (void)!mms_remove_tree(old, NULL);
    free(old);
    remove_left(u, true);
    return MMS_OK;
}

mms_status mms_each_unit(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    struct unit u = {.job = job, .held = -1};
    mms_status st = mms_each_order_decode(request, &u.order, err);

    if (st != MMS_OK)
        return st;
    u.vis = u.order.vis;
    u.name = u.order.name;
    st = set_up(&u, err);
    if (st == MMS_OK)
        st = run_unless_done(&u, answer, err);
    if (u.held >= 0)
        close(u.held);
    free(u.note);
    free(u.part);
    free(u.made);
    free(u.output);
    free(u.copy);
    return st;
}
