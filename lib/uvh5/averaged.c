/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file averaged.c  A file of averages in the client: its keys, and units of about the same size.
 */
#include "averaged_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files_priv.h"
#include "orders_priv.h"

mms_status mms_uvh5_averaged_name(const char *file, mms_uvh5_averaged *a, mms_error *err)
{
    *a = (mms_uvh5_averaged){.set = mms_format("%s.averaged.ms", file),
                             .keys = mms_format("%s.keys", file),
                             .places = mms_format("%s.places", file),
                             .list = mms_format("%s.keys/units.json", file)};
    return a->set && a->keys && a->places && a->list
               ? MMS_OK
               : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", file);
}

void mms_uvh5_averaged_end(mms_uvh5_averaged *a)
{
    free(a->set);
    free(a->keys);
    free(a->places);
    free(a->list);
    *a = (mms_uvh5_averaged){0};
}

mms_status mms_uvh5_averaged_remove(const mms_uvh5_averaged *a, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_remove_tree(a->list, err)); // by which a run that goes on knows that all is there
    MMS_TRY(mms_remove_tree(a->set, err));
    MMS_TRY(mms_remove_tree(a->keys, err));
    MMS_TRY(mms_remove_tree(a->places, err));
done:
    return st;
}

mms_status mms_uvh5_averaged_make(const mms_uvh5_averaged *a, const mms_uvh5_request *r,
                                  const mms_host *host, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_uvh5_averaged_remove(a, err));
    MMS_TRY(mms_make_folder(a->keys, err));
    MMS_TRY(mms_uvh5_average_to(r, host, a->set, a->keys, err));
done:
    return st;
}

mms_status mms_uvh5_averaged_describe(const mms_uvh5_averaged *a, mms_value *result, mms_error *err)
{
    mms_value *orders = NULL, *order;
    int64_t rows = 0, made = 0;
    size_t i;
    const mms_status st = mms_part_orders_read(a->keys, &orders, err);

    json_array_foreach(orders, i, order)
    {
        rows += mms_part_order_rows(order);
        made += mms_part_order_made(order);
    }
    json_object_set_new(result, "rows", json_integer(rows));
    json_object_set_new(result, "rows_averaged", json_integer(made));
    mms_value_free(&orders);
    return st;
}

/** Write n flags that are set from an offset on. */
static mms_status write_flags(const char *path, int fd, int64_t offset, int64_t n, mms_error *err)
{
    enum { PIECE = 1 << 20 };
    uint8_t *const ones = mms_alloc(PIECE, 1);
    mms_status st = ones ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);

    if (ones)
        memset(ones, 1, PIECE);
    for (int64_t done = 0; st == MMS_OK && done < n; done += PIECE) {
        if (mms_pwrite_all(fd, ones, n - done < PIECE ? n - done : PIECE, offset + done) < 0)
            st = mms_fail_errno(err, errno, "%s", path);
        if (st == MMS_OK)
            st = mms_check_stop(err);
    }
    free(ones);
    return st;
}

mms_status mms_uvh5_averaged_fill(const mms_uvh5 *u, const char *file, int64_t offset,
                                  mms_error *err)
{
    const int fd = u->absent ? open(file, O_WRONLY | O_CLOEXEC) : -1;
    mms_status st;

    if (!u->absent)
        return MMS_OK;
    st = fd < 0 ? mms_fail_errno(err, errno, "%s", file)
                : write_flags(file, fd, offset, u->nblt * u->nfreq * u->npol, err);
    if (fd >= 0)
        close(fd);
    return st;
}

/* ---- units ------------------------------------------------------------------------------------*/

/** The baseline-time of each row of the set. */
static mms_status write_places(const mms_uvh5_averaged *a, const mms_uvh5 *u, mms_error *err)
{
    enum { BATCH = 1 << 16 };
    int64_t *const places = mms_spill_alloc(u->nrow, sizeof *places);
    int fd = -1;
    mms_status st;

    MMS_TRY(places ? mms_remove_tree(a->places, err) : mms_uvh5_no_memory(u, err));
    for (int64_t i = 0; i < u->nrow; i++) {
        if (u->rows[i].row < 0 || u->rows[i].row >= u->nrow)
            MMS_TRY(mms_fail(err, MMS_ERR_INTERNAL, "%s: not all of its rows", a->set));
        places[u->rows[i].row] = u->rows[i].blt;
        mms_uvh5_rest(u, i);
    }
    MMS_TRY(mms_create_file(a->places, &fd, err));
    for (int64_t at = 0; at < u->nrow; at += BATCH) {
        const int64_t n = u->nrow - at < BATCH ? u->nrow - at : BATCH;
        MMS_TRY(mms_write_all(fd, places + at, n * (int64_t)sizeof *places, a->places, err));
        mms_spill_rest(places);
    }
done:
    if (fd >= 0)
        close(fd);
    mms_spill_free(places);
    return st;
}

/** How the rows of a part are cut. */
typedef struct cut {
    mms_value *order; /**< borrowed */
    int64_t first, made, n;
    char **files; /**< [n], and NULL */
    char *label;
} cut;

static mms_status plan_cut(const mms_uvh5_averaged *a, int64_t part, mms_value *order, int64_t n,
                           cut *c, mms_error *err)
{
    c->order = order;
    c->n = n < 1 ? 1 : n > c->made ? c->made : n;
    c->label = mms_format("rows of averages, part %" PRId64, part);
    c->files = mms_alloc(c->n + 1, sizeof(char *));
    if (!c->label || !c->files)
        return mms_fail(err, MMS_ERR_MEM, "averages: out of memory");
    for (int64_t i = 0; i < c->n; i++) {
        c->files[i] = mms_format("%s/%" PRId64 ".rows.%" PRId64, a->keys, part, i);
        if (!c->files[i])
            return mms_fail(err, MMS_ERR_MEM, "averages: out of memory");
    }
    return MMS_OK;
}

/** Let workers cut the rows of all parts. */
static mms_status run_cuts(const mms_host *host, int64_t nparts, const cut *cuts,
                           mms_answer *answers, mms_error *err)
{
    mms_value **const units = mms_alloc(nparts, sizeof(mms_value *));
    const char **const labels = mms_alloc(nparts, sizeof *labels);
    const mms_engine_rules none = MMS_ENGINE_RULES_INIT;
    mms_engine_rules rules = none;
    mms_engine *engine;
    mms_status st;

    MMS_TRY(units && labels ? host->engine(host->ctx, &engine, err)
                            : mms_fail(err, MMS_ERR_MEM, "averages: out of memory"));
    for (int64_t i = 0; i < nparts; i++) {
        labels[i] = cuts[i].label;
        units[i] = mms_uvh5_averaged_order_encode(
            &(mms_uvh5_averaged_order){.step = "split",
                                       .shared = "",
                                       .places = "",
                                       .part = cuts[i].order,
                                       .files = (const char **)cuts[i].files,
                                       .n = cuts[i].n});
        MMS_TRY(units[i] ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "averages: out of memory"));
    }
    rules.repeatable = rules.in_shared = true; // each begins by removing its files
    mms_engine_set_rules(engine, &rules);
    st = mms_engine_run(engine, host->task, nparts, labels, units, answers, err);
    mms_engine_set_rules(engine, &none);
done:
    mms_values_free(nparts, units);
    free(labels);
    return st;
}

/** The units of one part, added to the list; name: bytes of a path. */
static mms_status add_units(const mms_uvh5_averaged *a, const cut *c, const char *name,
                            const char *shared, const mms_value *counts, mms_value *list,
                            mms_error *err)
{
    for (int64_t i = 0; i < c->n; i++) {
        const int64_t begin = c->made * i / c->n, end = c->made * (i + 1) / c->n;
        char *const label = mms_format("%s: averaged rows %" PRId64 "~%" PRId64, name,
                                       c->first + begin, c->first + end - 1);
        mms_value *part = mms_part_order_of_list(
            c->order, c->files[i], json_integer_value(json_array_get(counts, (size_t)i)));
        mms_value *const order =
            mms_uvh5_averaged_order_encode(&(mms_uvh5_averaged_order){.step = "values",
                                                                      .shared = shared,
                                                                      .places = a->places,
                                                                      .part = part,
                                                                      .first = c->first + begin,
                                                                      .n = end - begin});
        const bool listed = mms_uvh5_list_unit(list, label, order);
        mms_value_free(&part);
        free(label);
        if (!listed)
            return mms_fail(err, MMS_ERR_MEM, "averages: out of memory");
    }
    return MMS_OK;
}

/** Cut each part in the share that its rows have of all. */
static mms_status cut_parts(const mms_uvh5_averaged *a, const mms_uvh5 *u, int64_t wanted,
                            const mms_value *orders, int64_t nparts, cut *cuts, mms_error *err)
{
    int64_t first = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < nparts; i++) {
        mms_value *const order = json_array_get(orders, (size_t)i);
        cuts[i].first = first;
        cuts[i].made = mms_part_order_made(order);
        first += cuts[i].made;
        if (cuts[i].made < 1)
            return mms_fail(err, MMS_ERR_INTERNAL, "%s: a part without rows", a->set);
        const double share = (double)cuts[i].made / (double)u->nrow;
        st = plan_cut(a, i, order, (int64_t)(share * (double)wanted + 0.5), &cuts[i], err);
    }
    return st == MMS_OK && first != u->nrow
               ? mms_fail(err, MMS_ERR_INTERNAL, "%s: %" PRId64 " rows, not %" PRId64, a->set,
                          u->nrow, first)
               : st;
}

mms_status mms_uvh5_averaged_cut(const mms_uvh5_averaged *a, const mms_uvh5 *u, const char *name,
                                 const char *shared, int64_t wanted, mms_error *err)
{
    mms_value *orders = NULL, *list = json_array();
    mms_answer *answers = NULL;
    cut *cuts = NULL;
    int64_t nparts = 0;
    mms_status st;

    MMS_TRY(list ? write_places(a, u, err) : mms_uvh5_no_memory(u, err));
    MMS_TRY(mms_part_orders_read(a->keys, &orders, err));
    nparts = (int64_t)json_array_size(orders);
    cuts = mms_alloc(nparts, sizeof *cuts);
    answers = mms_alloc(nparts, sizeof *answers);
    MMS_TRY(cuts && answers ? cut_parts(a, u, wanted, orders, nparts, cuts, err)
                            : mms_uvh5_no_memory(u, err));
    MMS_TRY(run_cuts(u->host, nparts, cuts, answers, err));
    for (int64_t i = 0; i < nparts; i++)
        MMS_TRY(
            add_units(a, &cuts[i], name, shared, mms_uvh5_cut_decode(answers[i].value), list, err));
    MMS_TRY(mms_remove_tree(a->list, err));
    MMS_TRY(mms_value_write(list, a->list, err));
done:
    for (int64_t i = 0; cuts && i < nparts; i++) {
        for (int64_t k = 0; cuts[i].files && k < cuts[i].n; k++)
            free(cuts[i].files[k]);
        free(cuts[i].files);
        free(cuts[i].label);
    }
    if (answers)
        mms_answers_free(nparts, answers);
    free(answers);
    free(cuts);
    mms_value_free(&orders);
    mms_value_free(&list);
    return st;
}
