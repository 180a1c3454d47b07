/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file export_parts.c  A file for each part of a Multi-MS: as many at once as give all workers
 *  something to do.  What a failure leaves under a final name is complete, and a later run goes on
 *  behind it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files_priv.h"
#include "base/fingerprint_priv.h"
#include "export_priv.h"
#include "import_priv.h"
#include "multims/ms.h"

enum { MOST_PARTS = 32 };

/** out.0003.uvh5 of out.uvh5, as the parts of a Multi-MS are named. */
static char *part_name(const char *file, int64_t part)
{
    const char *const slash = strrchr(file, '/'), *const dot = strrchr(slash ? slash : file, '.');
    const int stem = dot && dot > file && dot[-1] != '/' ? (int)(dot - file) : (int)strlen(file);

    return mms_format("%.*s.%04" PRId64 "%s", stem, file, part, file + stem);
}

/** HISTORY texts of a part; new reference.  verify compares the file with that part. */
static mms_value *texts_of(const mms_host *host, int64_t part)
{
    mms_value *texts = json_copy((mms_value *)host->history);

    json_array_append_new(texts, json_sprintf("%-11s = %" PRId64, "part", part));
    return texts;
}

/** Whether a file's history ends with these texts: it was asked for as it is now. */
static bool was_asked(const mms_uvh5_in *in, const mms_value *texts)
{
    const char *const history = json_string_value(in->history);
    mms_text own = {0};
    mms_value *line;
    size_t i;
    bool same;

    json_array_foreach((mms_value *)texts, i, line)
        mms_text_add(&own, "\n%s", json_string_value(line));
    const size_t n = own.text ? strlen(own.text) : 0, all = history ? strlen(history) : 0;
    same = n > 0 && all >= n && !strcmp(history + all - n, own.text);
    free(own.text);
    return same;
}

/** Whether a part was written to since its file was made. */
static bool is_newer(const char *member, const char *name)
{
    mms_value *const now = mms_fingerprint(member);
    const json_int_t newest_ns = json_integer_value(json_object_get(now, "newest_ns"));
    struct stat s;
    const bool newer =
        !now || stat(name, &s) ||
        newest_ns > (json_int_t)s.st_mtim.tv_sec * 1000000000 + (json_int_t)s.st_mtim.tv_nsec;

    json_decref(now);
    return newer;
}

/** What is asked of a part. */
struct asked {
    const char *member, *name, *task;
    const mms_value *texts;
};

/** Take the file of a part that an earlier run made: one of ours; under its name it is complete.
 *  *stale: of another request, or of what the part was before. */
static mms_status take_earlier(const struct asked *a, bool *stale, mms_value *result,
                               mms_error *err)
{
    const char *const name = a->name;
    mms_uvh5_in in = {0};
    mms_error why;
    const bool ours = mms_uvh5_in_open_header(name, &in, &why) == MMS_OK &&
                      in.hdf5->has(in.file, "multims/version");
    mms_status st = MMS_OK;

    if (!ours)
        st =
            mms_fail(err, MMS_ERR_EXISTS,
                     "Output file %s already exists - will not overwrite it: no file of an earlier "
                     "run",
                     name);
    *stale = ours && (!was_asked(&in, a->texts) || is_newer(a->member, name));
    if (*stale)
        mms_log(MMS_LOG_WARN, a->task,
                "resume: %s is of another request, or its part was changed since: it is not kept",
                name);
    json_object_set_new(result, "outputvis", mms_text_value(name));
    json_object_set_new(result, "kept", json_true());
    json_object_set_new(result, "blts", json_integer(in.nblt));
    json_object_set_new(result, "rows_out", json_integer(in.nblt));
    mms_uvh5_in_end(&in);
    return st;
}

/** A run that was killed when it had named the file has left its journal. */
static mms_status end_earlier(const mms_uvh5_request *r, const mms_host *host,
                              const struct asked *a, mms_value *result, mms_error *err)
{
    bool was;

    return r->how.dryrun || *host->job_dir
               ? MMS_OK
               : mms_output_take_published(host, a->member, a->name, result, &was, err);
}

/** What is there stops a run before anything is written, unless it goes on with what it finds:
 *  there[n]; NULL where there is none, or it is to be made again. */
static mms_status find_earlier(const mms_uvh5_request *r, const mms_host *host, mms_ms *ms,
                               mms_value **there, mms_error *err)
{
    const int64_t n = mms_ms_nmember(ms);
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && !r->overwrite && i < n; i++) {
        char *const name = part_name(r->uvh5file, i);
        bool taken = false;
        st = name ? mms_path_taken(name, &taken, err) : mms_fail(err, MMS_ERR_MEM, "no memory");
        if (st == MMS_OK && taken && r->how.resume) {
            mms_value *texts = texts_of(host, i);
            bool stale = false;
            const struct asked a = {mms_ms_member_path(ms, i), name, host->task, texts};
            there[i] = json_object();
            st = take_earlier(&a, &stale, there[i], err);
            if (stale)
                mms_value_free(&there[i]);
            else if (st == MMS_OK)
                st = end_earlier(r, host, &a, there[i], err);
            mms_value_free(&texts);
        } else if (st == MMS_OK && taken) {
            st = mms_fail(err, MMS_ERR_EXISTS,
                          "Output file %s already exists - will not overwrite it.", name);
        }
        free(name);
    }
    return st;
}

/** The file of a part. */
typedef struct part_file {
    mms_uvh5_request asked;
    mms_host host;
    mms_value *texts, *result;
    char *name;
    mms_uvh5_making *making; /**< NULL: it was there */
} part_file;

/** Files that are made at once. */
typedef struct batch {
    int64_t n, units;
    part_file parts[MOST_PARTS];
} batch;

static mms_status end_part(part_file *p, mms_status st, mms_error *err)
{
    st = mms_uvh5_end_making(&p->making, st, err);
    mms_value_free(&p->texts);
    mms_value_free(&p->result);
    free(p->name);
    return st;
}

/** A part without selected rows has no file: what is there under its name is not of this run. */
static void tell_left(const part_file *p)
{
    bool there = false;

    if (p->name && mms_path_taken(p->name, &there, NULL) == MMS_OK && there)
        mms_log(MMS_LOG_WARN, p->host.task,
                "%s: the part has no selected rows; the file that is there is of another request, "
                "and stays",
                p->name);
}

/** Take a part into the batch; one without selected rows has no file. */
static mms_status begin_part(batch *b, const mms_uvh5_request *request, const char *member,
                             int64_t number, const mms_host *host, mms_error *err)
{
    part_file *const p = &b->parts[b->n];
    bool stale = false; // there is a file that is not kept
    mms_status st;

    *p = (part_file){.asked = *request,
                     .host = *host,
                     .texts = texts_of(host, number),
                     .result = json_object(),
                     .name = part_name(request->uvh5file, number)};
    p->host.history = p->texts;
    if (p->name && request->how.resume && mms_path_taken(p->name, &stale, NULL) == MMS_OK)
        p->asked.overwrite = request->overwrite || stale;
    p->asked.vis = member;
    p->asked.uvh5file = p->name;
    st = p->name && p->result ? mms_uvh5_begin(&p->asked, &p->host, p->result, &p->making, err)
                              : mms_fail(err, MMS_ERR_MEM, "no memory");
    if (st == MMS_OK) {
        b->units += mms_uvh5_making_units(p->making);
        b->n++;
        return MMS_OK;
    }
    const bool skipped = st == MMS_ERR_EMPTY || st == MMS_ERR_SELECT;
    if (skipped)
        tell_left(p);
    st = end_part(p, st, err);
    return skipped ? MMS_OK : st;
}

/** Write the values of all, then publish them in order; done gets the results. */
static mms_status finish_batch(batch *b, const mms_host *host, mms_value *done, mms_error *err)
{
    mms_uvh5_making *files[MOST_PARTS];
    int64_t n = 0;
    mms_status st;

    for (int64_t i = 0; i < b->n; i++)
        if (b->parts[i].making)
            files[n++] = b->parts[i].making;
    st = mms_uvh5_write_values(n, files, host, err);
    for (int64_t i = 0; i < b->n; i++) {
        part_file *const p = &b->parts[i];
        if (st == MMS_OK && p->making)
            st = mms_uvh5_finish(p->making, err);
        if (st == MMS_OK)
            json_array_append(done, p->result);
        st = end_part(p, st, err);
    }
    b->n = b->units = 0;
    return st;
}

/** Parts until there are units enough for all workers. */
static mms_status run_parts(const mms_uvh5_request *request, mms_ms *ms, mms_value *const *there,
                            const mms_host *host, mms_value *done, mms_error *err)
{
    const int64_t n = mms_ms_nmember(ms);
    mms_uvh5_request one = *request;
    mms_engine *engine;
    batch *const b = mms_alloc(1, sizeof *b);
    mms_status st;

    MMS_TRY(b ? host->engine(host->ctx, &engine, err) : mms_fail(err, MMS_ERR_MEM, "no memory"));
    one.beside = n;
    for (int64_t i = 0; i < n; i++) {
        if (there[i])
            b->parts[b->n++] = (part_file){.result = json_incref(there[i])};
        else
            st = begin_part(b, &one, mms_ms_member_path(ms, i), i, host, err);
        if (st != MMS_OK) // those before it are made all the same
            (void)!finish_batch(b, host, done, NULL);
        MMS_TRY(st);
        if (b->n == MOST_PARTS || b->units >= 2 * mms_engine_workers(engine))
            MMS_TRY(finish_batch(b, host, done, err));
    }
    MMS_TRY(finish_batch(b, host, done, err));
done:
    for (int64_t i = 0; b && i < b->n; i++)
        st = end_part(&b->parts[i], st, err);
    free(b);
    return st;
}

static void sum_parts(const mms_value *parts, mms_value *result)
{
    static const char *const counts[] = {"rows", "blts", "rows_out", "bytes_out"};

    for (int64_t k = 0; k < MMS_COUNT_OF(counts); k++) {
        json_int_t sum = 0;
        size_t i;
        mms_value *part;
        json_array_foreach(parts, i, part) sum +=
            json_integer_value(json_object_get(part, counts[k]));
        json_object_set_new(result, counts[k], json_integer(sum));
    }
}

/** Refuse a selection that the whole set refuses: its parts would seem to have no such rows. */
static mms_status check_selection(const mms_uvh5_request *r, mms_ms *ms, mms_error *err)
{
    mms_selection *selection = NULL;
    const mms_status st = mms_output_select(ms, &r->select, &selection, err);

    mms_selection_free(&selection);
    return st;
}

/** Of a run that failed: what it made stays. */
static void tell_done(const mms_uvh5_request *r, const mms_host *host, const mms_value *parts,
                      int64_t n)
{
    const size_t done = json_array_size(parts);

    if (done && !r->how.dryrun)
        mms_log(MMS_LOG_WARN, host->task,
                "files of %zu of %" PRId64 " parts are complete, up to %s; resume=True makes the "
                "others",
                done, n, mms_text_of(json_array_get(parts, done - 1), "outputvis"));
}

mms_status mms_uvh5_export_parts(const mms_uvh5_request *request, const mms_host *host,
                                 mms_value *result, mms_error *err)
{
    mms_value *parts = json_array(), **there = NULL;
    mms_ms *ms = NULL;
    int64_t n = 0;
    mms_status st;

    MMS_TRY(mms_ms_open(request->vis, &ms, err));
    MMS_TRY(check_selection(request, ms, err));
    n = mms_ms_nmember(ms);
    there = mms_alloc(n, sizeof(mms_value *));
    MMS_TRY(there ? find_earlier(request, host, ms, there, err)
                  : mms_fail(err, MMS_ERR_MEM, "no memory"));
    MMS_TRY(run_parts(request, ms, there, host, parts, err));
    if (json_array_size(parts) == 0)
        MMS_TRY(mms_selection_refuse_empty(ms, &request->select, err));
    json_object_set_new(result, "outputvis", mms_text_value(request->uvh5file));
    json_object_set(result, "parts", parts);
    sum_parts(parts, result);
done:
    if (st != MMS_OK)
        tell_done(request, host, parts, n);
    for (int64_t i = 0; there && i < n; i++)
        mms_value_free(&there[i]);
    free(there);
    mms_value_free(&parts);
    mms_ms_close(&ms);
    return st;
}
