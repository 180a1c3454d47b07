/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulate_main.c  The rows of a simulated main table, in blocks of one cell shape. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "simulate_priv.h"

enum { BLOCK_BYTES = 4 << 20, BLOCK_ROWS = 32768, MAX_COLUMNS = 32 };

struct writer {
    const struct sim *sim;
    mms_table *main;
    struct sim_row *rows; /* [BLOCK_ROWS] */
    mms_rows *changes;    /* [BLOCK_ROWS] */
    void *values;         /* of one column at a time */
    int64_t values_bytes;
    unsigned char last[MAX_COLUMNS][8]; /* scalars of the row before the block */
};

static mms_status init(struct writer *w, mms_error *err)
{
    int64_t most = 0;

    for (int32_t dd = 0; dd < w->sim->ndd; dd++) {
        const int64_t cell = sim_nchan(w->sim, dd) * sim_ncorr(w->sim, dd);
        most = cell > most ? cell : most;
    }
    /* a row may be larger than a block */
    w->values_bytes = most * 8 > BLOCK_BYTES ? most * 8 : BLOCK_BYTES;
    w->rows = mms_alloc(BLOCK_ROWS, sizeof *w->rows);
    w->changes = mms_alloc(BLOCK_ROWS, sizeof *w->changes);
    w->values = mms_alloc(w->values_bytes, 1);
    return w->rows && w->changes && w->values ? MMS_OK
                                              : mms_fail(err, MMS_ERR_MEM, "out of memory");
}

/* Collect rows of one cell shape from *next on; *more says whether *next is a row afterwards */
static int64_t collect(struct writer *w, struct sim_row *next, bool *more)
{
    const int64_t nchan = sim_nchan(w->sim, next->dd);
    const int32_t ncorr = sim_ncorr(w->sim, next->dd);
    const int64_t fit = w->values_bytes / (nchan * ncorr * 8);
    const int64_t most = fit < BLOCK_ROWS ? fit : BLOCK_ROWS;
    int64_t n = 0;

    assert(most > 0); /* init() made room for any row */
    do {
        w->rows[n++] = *next;
        *more = sim_next(w->sim, next);
    } while (*more && n < most && sim_nchan(w->sim, next->dd) == nchan &&
             sim_ncorr(w->sim, next->dd) == ncorr);
    return n;
}

/* An incremental manager repeats a value until the next one is put: put the changes only.
 * The values are moved to the front of the buffer. */
static mms_status put_changes(struct writer *w, const struct sim_column *c, int64_t n,
                              mms_error *err)
{
    const size_t size = mms_dtype_size(c->dtype);
    unsigned char *const last = w->last[c - sim_columns];
    unsigned char *const values = w->values;
    int64_t nchange = 0;

    assert(c - sim_columns < MAX_COLUMNS && size <= sizeof w->last[0]);
    for (int64_t r = 0; r < n; r++) {
        const unsigned char *const value = values + (size_t)r * size;
        if (w->rows[r].row && !memcmp(value, last, size))
            continue;
        memcpy(last, value, size);
        memmove(values + (size_t)nchange * size, value, size);
        w->changes[nchange++] = (mms_rows){w->rows[r].row, 1};
    }
    return nchange
               ? mms_table_put(w->main, c->name, nchange, w->changes, 0, NULL, nchange, values, err)
               : MMS_OK;
}

static mms_status put_column(struct writer *w, const struct sim_column *c, int64_t n,
                             mms_error *err)
{
    const int32_t dd = w->rows[0].dd;
    const mms_rows rows = {w->rows[0].row, n};
    const int64_t nchan = sim_nchan(w->sim, dd), ncorr = sim_ncorr(w->sim, dd);
    const int64_t shapes[][2] = {[SIM_SCALAR] = {0},
                                 [SIM_UVW] = {3},
                                 [SIM_CORR] = {ncorr},
                                 [SIM_CHAN_CORR] = {nchan, ncorr}};
    static const int32_t ndim[] = {
        [SIM_SCALAR] = 0, [SIM_UVW] = 1, [SIM_CORR] = 1, [SIM_CHAN_CORR] = 2};
    const char *const manager = mms_table_find_column(w->main, c->name)->manager;

    assert(n * sim_cell_size(w->sim, c, dd) * (int64_t)mms_dtype_size(c->dtype) <= w->values_bytes);
    c->fill(w->sim, n, w->rows, w->values);
    if (!strcmp(manager, "IncrementalStMan") && c->cell == SIM_SCALAR)
        return put_changes(w, c, n, err);
    return mms_table_put(w->main, c->name, 1, &rows, ndim[c->cell], shapes[c->cell],
                         n * sim_cell_size(w->sim, c, dd), w->values, err);
}

static mms_status put_block(struct writer *w, int64_t n, mms_error *err)
{
    const struct sim *const sim = w->sim;
    mms_status st;

    for (const struct sim_column *c = sim_columns; c->name; c++)
        if (sim_has_column(sim, c))
            MMS_TRY(put_column(w, c, n, err));
    st = sim->o.progress ? sim->o.progress(sim->o.progress_ctx, w->rows[0].row + n, sim->nrow, err)
                         : MMS_OK;
done:
    return st;
}

mms_status sim_write_main(const struct sim *sim, mms_table *main, mms_error *err)
{
    struct writer w = {.sim = sim, .main = main};
    struct sim_row next;
    bool more = sim_first(sim, &next);
    mms_status st;

    MMS_TRY(init(&w, err));
    MMS_TRY(mms_table_add_rows(main, sim->nrow, err));
    while (more) {
        const int64_t n = collect(&w, &next, &more);
        MMS_TRY(put_block(&w, n, err));
    }
    assert(next.row == sim->nrow); /* the table has no rows that nothing was put in */
done:
    free(w.rows);
    free(w.changes);
    free(w.values);
    return st;
}
