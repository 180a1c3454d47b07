/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file each_unit.c  One part of each in a worker: tokens, a copy if asked, the program, its end.
 */
#include "each_priv.h"

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

/* ---- tokens ---- */

static const char *const tokens[] = {"vis", "name", "index", "threads", "host", "tmpdir"};
enum { NTOKENS = sizeof tokens / sizeof tokens[0] };

/* The values of the tokens, in their order. */
struct values {
    const char *of[NTOKENS];
};

/* The length of "{word}" at text, 0 when that is something else. */
static size_t token_length(const char *text)
{
    size_t n = 1;

    if (*text != '{')
        return 0;
    while (isalpha((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n > 1 && text[n] == '}' ? n + 1 : 0;
}

/* The number of the token at text, of that length; -1: it is none. */
static int token_at(const char *text, size_t length)
{
    for (int i = 0; i < NTOKENS; i++)
        if (strlen(tokens[i]) == length - 2 && !memcmp(text + 1, tokens[i], length - 2))
            return i;
    return -1;
}

/* Put values in a word's tokens; "{{vis}" and "{{" are what they say after the first brace. */
static char *expand(const char *word, const struct values *values)
{
    mms_text text = {0};

    mms_text_add(&text, "%s", "");
    while (*word) {
        const size_t length = token_length(word);
        const int token = length ? token_at(word, length) : -1;
        if (word[0] == '{' && word[1] == '{') {
            mms_text_add(&text, "{");
            word += 2;
        } else if (token >= 0) {
            mms_text_add(&text, "%s", values->of[token]);
            word += length;
        } else {
            mms_text_add(&text, "%c", *word++);
        }
    }
    return text.text;
}

static mms_status check_word(const char *word, mms_error *err)
{
    while (*word) {
        const size_t length = token_length(word);
        if (word[0] == '{' && word[1] == '{') {
            word += 2;
        } else if (length && token_at(word, length) < 0) {
            return mms_fail(err, MMS_ERR_ARG,
                            "program: %.*s is not one of {vis} {name} {index} {threads} {host} "
                            "{tmpdir}; write {{ for a brace",
                            (int)length, word);
        } else {
            word++;
        }
    }
    return MMS_OK;
}

mms_status mms_each_check_program(const mms_texts *program, mms_error *err)
{
    const char *const name = program->values[0];
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < program->count; i++)
        MMS_TRY(check_word(program->values[i], err));
    if (!*name)
        return mms_fail(err, MMS_ERR_ARG, "program: its name is empty");
    if (!strchr(name, '{'))
        st = mms_program_check(name, err);
done:
    return st;
}

/* ---- a copy that replaces the part ---- */

char *mms_each_copy_path(const char *vis)
{
    char *const dir = mms_path_dir(vis), *const base = mms_path_base(vis);
    char *const path = dir && base ? mms_format("%s/.%s.mms-each-copy", dir, base) : NULL;

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
    const mms_value *request;
    const char *vis, *name, *folder;
    char *copy, *tmpdir;
    char index[24], threads[24], host[256];
};

static void take_line(void *ctx, int stream, const char *text)
{
    mms_job_line(((const struct unit *)ctx)->job, stream, text);
}

/* The words with values in place of the tokens; NULL: no memory. */
static char **make_argv(const struct unit *u)
{
    const struct values values = {
        {u->copy ? u->copy : u->vis, u->name, u->index, u->threads, u->host, u->tmpdir}};
    const mms_value *const words = json_object_get(u->request, "program");
    const size_t n = json_array_size(words);
    char **const argv = mms_alloc((int64_t)n + 1, sizeof *argv);

    for (size_t i = 0; argv && i < n; i++) {
        argv[i] = expand(json_string_value(json_array_get(words, i)), &values);
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

static mms_status run_program(const struct unit *u, mms_value *answer, mms_error *err)
{
    char *const part = mms_format("MULTIMS_UNIT=%s", u->copy ? u->copy : u->vis);
    char *const tmp = mms_format("TMPDIR=%s", u->tmpdir);
    char *const omp =
        getenv("OMP_NUM_THREADS") ? NULL : mms_format("OMP_NUM_THREADS=%s", u->threads);
    const char *const setting[] = {part, tmp, omp, NULL};
    mms_program_end *const end = mms_alloc(1, sizeof *end);
    char **const argv = make_argv(u);
    const mms_program program = {
        .argv = (const char *const *)argv,
        .folder = u->folder,
        .setting = setting,
        .grace_s = MMS_PROGRAM_GRACE_S,
        .limit_s = json_number_value(json_object_get(u->request, "limit")),
        .line = take_line,
        .ctx = (void *)u,
    };
    mms_status st;

    if (!part || !tmp || !end || !argv)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
    MMS_TRY(mms_program_run(&program, end, err));
    mms_program_tell(end, answer);
    json_object_set_new(answer, "host", mms_text_value(u->host));
    st = mms_program_judge(argv[0], end, program.limit_s, err);
done:
    free_argv(argv);
    free(end);
    free(omp);
    free(tmp);
    free(part);
    return st;
}

static mms_status make_tmpdir(struct unit *u, mms_error *err)
{
    const char *const place = getenv("TMPDIR");

    u->tmpdir = mms_format("%s/multims-each-XXXXXX", place && *place ? place : "/tmp");
    if (!u->tmpdir)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    if (mkdtemp(u->tmpdir)) {
        mms_blackbox_set_scratch(u->tmpdir);
        return MMS_OK;
    }
    const int errnum = errno;
    free(u->tmpdir);
    u->tmpdir = NULL;
    return mms_fail_errno(err, errnum, "a folder in %s", place && *place ? place : "/tmp");
}

static mms_status run_unit(struct unit *u, mms_value *answer, mms_error *err)
{
    const bool staged = json_is_true(json_object_get(u->request, "staged"));
    mms_status st;

    MMS_TRY(make_tmpdir(u, err));
    if (staged) {
        u->copy = mms_each_copy_path(u->vis);
        MMS_TRY(u->copy ? make_copy(u->vis, u->copy, err)
                        : mms_fail(err, MMS_ERR_MEM, "out of memory"));
    }
    MMS_TRY(run_program(u, answer, err));
    if (staged)
        st = swap(u->copy, u->vis, err);
done:
    return st;
}

mms_status mms_each_unit(mms_job *job, const mms_value *request, mms_value *answer, mms_error *err)
{
    struct unit u = {
        .job = job,
        .request = request,
        .vis = json_string_value(json_object_get(request, "vis")),
        .name = json_string_value(json_object_get(request, "name")),
        .folder = json_string_value(json_object_get(request, "folder")),
    };
    mms_error ignored;
    mms_status st;

    if (!u.vis || !u.name)
        return mms_fail(err, MMS_ERR_INTERNAL, "each: a unit names no part");
    snprintf(u.index, sizeof u.index, "%lld",
             (long long)json_integer_value(json_object_get(request, "index")));
    snprintf(u.threads, sizeof u.threads, "%lld",
             (long long)json_integer_value(json_object_get(request, "threads")));
    gethostname(u.host, sizeof u.host - 1);
    st = run_unit(&u, answer, err);
    if (u.copy && st != MMS_OK)
        (void)!mms_remove_tree(u.copy, &ignored);
    if (u.tmpdir)
        (void)!mms_remove_tree(u.tmpdir, &ignored);
    mms_blackbox_set_scratch("");
    free(u.tmpdir);
    free(u.copy);
    return st;
}
