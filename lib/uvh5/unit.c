/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file unit.c  In a worker: reads the rows of a range of blts and writes their values in place.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "averaged_priv.h"
#include "base/files_priv.h"
#include "blts_priv.h"
#include "orders_priv.h"
#include "output/order_priv.h"
#include "pack_priv.h"

enum { VISDATA, FLAGS, NSAMPLES };

/** A file, and where its values stand. */
typedef struct unit {
    const char *files[3];
    int64_t cell, offsets[3]; /**< cell: values of a blt */
    int fd, cells_fd, fds[3]; /**< cells_fd: of flags and nsamples that wait; else -1 */
} unit;

static mms_status write_blts(const unit *u, const mms_uvh5_values *v, mms_error *err)
{
    const void *const data[3] = {v->vis, v->flags, v->nsamples};
    static const int64_t sizes[3] = {8, 1, 4};

    for (int k = 0; k < 3; k++) {
        const int64_t bytes = v->n * u->cell * sizes[k];
        if (k == FLAGS && !memchr(data[k], 1, (size_t)bytes))
            continue; // what was never written reads as 0
        if (mms_pwrite_all(u->fds[k], data[k], bytes,
                           u->offsets[k] + v->first * u->cell * sizes[k]) < 0)
            return mms_fail_errno(err, errno, "%s", u->files[k]);
    }
    return MMS_OK;
}

static mms_status read_places(const char *path, int64_t first, int64_t n, mms_uvh5_place **out,
                              mms_error *err)
{
    mms_uvh5_place *const places = mms_alloc(n, sizeof *places);
    int64_t bytes;
    int fd;
    mms_status st = places ? mms_open_file(path, &fd, &bytes, err)
                           : mms_fail(err, MMS_ERR_MEM, "rows: out of memory");

    *out = places;
    if (st != MMS_OK)
        return st;
    if (lseek(fd, (off_t)(first * (int64_t)sizeof *places), SEEK_SET) < 0)
        st = mms_fail_errno(err, errno, "%s", path);
    if (st == MMS_OK)
        st = mms_read_all(fd, places, n * (int64_t)sizeof *places, path, err);
    close(fd);
    return st;
}

static mms_status take_all(mms_job *job, const mms_uvh5_blts_order *order, const unit *u,
                           mms_uvh5_reader *reader, mms_uvh5_place *places, mms_error *err)
{
    const int64_t begin = order->first_blt, nblt = order->nblt;
    const int64_t nplace = order->nrow, most = mms_uvh5_reader_most(reader, nblt);
    int64_t at = 0;
    mms_status st = MMS_OK;

    for (int64_t done = 0; done < nblt;) {
        const int64_t n = most < nblt - done ? most : nblt - done;
        const mms_uvh5_values *values;
        int64_t end = at;
        while (end < nplace && places[end].blt < begin + done + n)
            end++;
        MMS_TRY(mms_uvh5_reader_take(reader, begin + done, n, end - at, places + at, &values, err));
        MMS_TRY(write_blts(u, values, err));
        at = end;
        done += n;
        mms_job_progress(job, done * u->cell * 13, nblt * u->cell * 13);
    }
done:
    return st;
}

static mms_status open_unit(const mms_uvh5_export_order *order, unit *u, mms_error *err)
{
    const bool waits = *order->cells;

    u->cell = order->nfreq * order->npol;
    u->fd = open(order->file, O_WRONLY | O_CLOEXEC);
    if (u->fd < 0)
        return mms_fail_errno(err, errno, "%s", order->file);
    if (waits && (u->cells_fd = open(order->cells, O_WRONLY | O_CLOEXEC)) < 0)
        return mms_fail_errno(err, errno, "%s", order->cells);
    for (int k = 0; k < 3; k++) {
        const bool beside = waits && k > 0;
        u->files[k] = beside ? order->cells : order->file;
        u->fds[k] = beside ? u->cells_fd : u->fd;
        u->offsets[k] =
            beside ? mms_uvh5_cells_offset(order->nblt * u->cell, k) : order->offsets[k];
    }
    return MMS_OK;
}

/** The set that a file is made of, as a worker keeps it from unit to unit. */
typedef struct source {
    mms_value *shared;
    mms_uvh5_reader *reader;
} source;

static void end_source(void *thing)
{
    source *const s = thing;

    mms_uvh5_reader_close(&s->reader);
    mms_value_free(&s->shared);
    free(s);
}

/** shared: the name of a file, which is of one run. */
static mms_status get_source(mms_job *job, const char *shared, source **out, mms_error *err)
{
    source *s = mms_job_kept(job, shared);
    mms_status st = MMS_OK;

    if (!s) {
        s = mms_alloc(1, sizeof *s);
        MMS_TRY(s ? mms_value_read(shared, &s->shared, err)
                  : mms_fail(err, MMS_ERR_MEM, "rows: out of memory"));
        MMS_TRY(mms_uvh5_reader_open(s->shared, &s->reader, err));
        MMS_TRY(mms_job_keep(job, shared, s, end_source, err));
    }
    *out = s;
done:
    if (st != MMS_OK && s)
        end_source(s);
    return st;
}

mms_status mms_uvh5_export_unit(mms_job *job, const mms_value *order, mms_value *answer,
                                mms_error *err)
{
    static const char *const averaged[] = {"split", "values", "pack", NULL};
    mms_uvh5_blts_order o;
    source *from;
    mms_uvh5_place *places = NULL;
    unit u = {.fd = -1, .cells_fd = -1};
    mms_status st;

    if (mms_names_have(averaged, mms_order_step(order)))
        return mms_uvh5_averaged_unit(job, order, answer, err);
    if (*mms_order_step(order))
        return mms_output_unit(job, order, answer, err);
    MMS_TRY(mms_uvh5_blts_order_decode(order, &o, err));
    MMS_TRY(get_source(job, o.shared, &from, err));
    MMS_TRY(open_unit(mms_uvh5_reader_order(from->reader), &u, err));
    MMS_TRY(read_places(o.rows_file, o.first_row, o.nrow, &places, err));
    MMS_TRY(take_all(job, &o, &u, from->reader, places, err));
    json_object_set_new(answer, "rows", json_integer(o.nrow));
done:
    free(places);
    if (u.fd >= 0)
        close(u.fd);
    if (u.cells_fd >= 0)
        close(u.cells_fd);
    return st;
}
