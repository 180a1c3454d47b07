/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file chunks.c  Datasets in chunks: a chunk is read as it is stored by one thread at a time, and
 *  unpacked by the thread that asks for it, in no more memory than it takes. */
#include "chunks_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unpack_priv.h"

enum { NSLOT = 4096 };

pthread_mutex_t mms_h5_lock = PTHREAD_MUTEX_INITIALIZER;

/** A chunk that is unpacked, or being so. */
typedef struct chunk {
    int64_t number;                     /**< in the dataset, the last axis fastest */
    struct chunk *next, *older, *newer; /**< next: in its slot */
    int64_t bytes;
    int users;
    bool is_ready;
    unsigned char *values;
} chunk;

struct mms_h5_chunks {
    const mms_h5 *file;
    char *name;
    hid_t set, stored, wanted;
    bool same;           /**< as they are stored values are wanted */
    int64_t size;        /**< bytes of a value as it is wanted */
    int64_t stored_size; /**< as it is stored */
    mms_filters filters;
    hsize_t shape[MMS_H5_DIM], chunk[MMS_H5_DIM],
        grid[MMS_H5_DIM]; /**< first axes of 1 are added */
    int first;            /**< axis of the dataset's first */
    int64_t nvalue;       /**< of a chunk */
    unsigned char *fill;  /**< a value that was never written */
    int64_t room, used;   /**< bytes that chunks may take, and take */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    chunk *slots[NSLOT], *oldest, *newest;
};

typedef mms_h5_chunks chunks;

/* ---- what a dataset is ------------------------------------------------------------------------*/

/** false: HDF5 must undo one of them. */
static bool find_filters(hid_t how, mms_filters *f)
{
    f->n = H5Pget_nfilters(how);
    if (f->n < 0 || f->n > MMS_UNPACK_FILTERS)
        return false;
    for (int i = 0; i < f->n; i++) {
        unsigned flags, config, values[16] = {0};
        size_t n = sizeof values / sizeof *values;
        f->list[i].id = H5Pget_filter2(how, (unsigned)i, &flags, &n, values, 0, NULL, &config);
        f->list[i].size = n > 0 ? values[0] : 0;
        if (!mms_unpack_knows(f->list[i].id))
            return false;
    }
    return true;
}

static bool find_fill(hid_t how, chunks *c, bool varies)
{
    H5D_fill_value_t kind;

    c->fill = calloc(1, (size_t)c->stored_size);
    return c->fill && (varies || (H5Pfill_value_defined(how, &kind) >= 0 &&
                                  (kind == H5D_FILL_VALUE_UNDEFINED ||
                                   H5Pget_fill_value(how, c->stored, c->fill) >= 0)));
}

/** Of a text of free length a chunk has its length and where it is. */
static int64_t stored_bytes(const mms_h5 *file, hid_t stored, bool varies)
{
    const hid_t how = varies ? H5Fget_create_plist(file->id) : H5I_INVALID_HID;
    size_t address = 0, size = 0;

    if (!varies)
        return (int64_t)H5Tget_size(stored);
    H5Pget_sizes(how, &address, &size);
    H5Pclose(how);
    return (int64_t)address + 8;
}

static bool find_shape(hid_t how, hid_t space, chunks *c)
{
    const int ndim = H5Sget_simple_extent_ndims(space);
    unsigned odd = 0; // chunks at edges that filters leave as they are are not told by their masks

    c->first = MMS_H5_DIM - ndim;
    if (ndim < 1 || ndim > MMS_H5_DIM || H5Pget_layout(how) != H5D_CHUNKED ||
        H5Pget_chunk(how, ndim, c->chunk + c->first) != ndim ||
        H5Sget_simple_extent_dims(space, c->shape + c->first, NULL) != ndim ||
        H5Pget_chunk_opts(how, &odd) < 0 || odd)
        return false;
    c->nvalue = 1;
    for (int i = 0; i < MMS_H5_DIM; i++) {
        if (i < c->first)
            c->shape[i] = c->chunk[i] = 1;
        c->grid[i] = (c->shape[i] + c->chunk[i] - 1) / c->chunk[i];
        c->nvalue *= (int64_t)c->chunk[i];
    }
    return true;
}

static bool is_fit(chunks *c, mms_h5_type wanted)
{
    const hid_t how = H5Dget_create_plist(c->set), space = H5Dget_space(c->set);
    bool fit, varies;

    c->stored = H5Dget_type(c->set);
    c->wanted = mms_h5_memory_type(wanted, c->stored);
    c->same = H5Tequal(c->stored, c->wanted) > 0;
    varies = H5Tis_variable_str(c->stored) > 0;
    c->stored_size = stored_bytes(c->file, c->stored, varies);
    c->size = c->same ? c->stored_size : (int64_t)H5Tget_size(c->wanted);
    fit = c->stored_size > 0 && find_shape(how, space, c) && find_filters(how, &c->filters) &&
          find_fill(how, c, varies);
    H5Sclose(space);
    H5Pclose(how);
    H5Eclear2(H5E_DEFAULT);
    return fit;
}

mms_status mms_h5_chunks_open(const mms_h5 *file, const char *name, hid_t set, mms_h5_type wanted,
                              int64_t room, mms_h5_chunks **out, mms_error *err)
{
    chunks *c = *out = calloc(1, sizeof *c);

    if (c)
        c->name = strdup(name);
    if (!c || !c->name) {
        free(c);
        *out = NULL;
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", file->path);
    }
    c->file = file;
    c->set = set;
    c->room = room;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    if (!is_fit(c, wanted))
        mms_h5_chunks_close(out);
    return MMS_OK;
}

void mms_h5_chunks_close(mms_h5_chunks **out)
{
    chunks *const c = *out;

    if (!c)
        return;
    for (chunk *k = c->oldest, *newer; k; k = newer) {
        newer = k->newer;
        free(k->values);
        free(k);
    }
    H5Tclose(c->wanted);
    H5Tclose(c->stored);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    free(c->fill);
    free(c->name);
    free(c);
    *out = NULL;
}

/* ---- a chunk is read --------------------------------------------------------------------------*/

static int64_t bytes_of(const chunks *c)
{
    return c->nvalue * (c->size > c->stored_size ? c->size : c->stored_size);
}

static mms_status fail(const chunks *c, const hsize_t *at, const char *why, mms_error *err)
{
    const int64_t from = (int64_t)(at[c->first] * c->chunk[c->first]);
    int64_t end = from + (int64_t)c->chunk[c->first];
    char rows[320];

    if (end > (int64_t)c->shape[c->first])
        end = (int64_t)c->shape[c->first];
    snprintf(rows, sizeof rows, "%s rows %" PRId64 "-%" PRId64, c->name, from, end - 1);
    return why ? mms_fail(err, MMS_ERR_IO, "%s: %s: %s", c->file->path, rows, why)
               : mms_h5_fail(c->file->path, rows, err);
}

/** Whether a chunk whose size is not known was never written, which takes longer to find out. */
static bool is_absent(const chunks *c, const hsize_t *offset)
{
    unsigned mask;
    haddr_t place = 0;
    hsize_t bytes;
    const bool absent = H5Dget_chunk_info_by_coord(c->set, offset, &mask, &place, &bytes) >= 0 &&
                        place == HADDR_UNDEF;

    if (absent)
        H5Eclear2(H5E_DEFAULT);
    return absent;
}

/** A chunk as it is stored; *bytes is 0 where it was never written.  With the lock. */
static mms_status read_stored(const chunks *c, const hsize_t *at, unsigned char **data,
                              size_t *bytes, unsigned *skipped, mms_error *err)
{
    const int64_t whole = c->nvalue * c->stored_size, most = whole + whole / 8 + 4096;
    hsize_t offset[MMS_H5_DIM], stored = 0;
    uint32_t mask = 0;

    for (int i = c->first; i < MMS_H5_DIM; i++)
        offset[i - c->first] = at[i] * c->chunk[i];
    *data = NULL;
    *bytes = 0;
    errno = 0;
    if (H5Dget_chunk_storage_size(c->set, offset, &stored) < 0 && !is_absent(c, offset))
        return fail(c, at, NULL, err);
    if (stored == 0)
        return MMS_OK;
    if (stored > (hsize_t)most)
        return fail(c, at, "chunk takes more in the file than its values", err);
    *data = malloc((size_t)stored);
    if (!*data)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", c->file->path);
    *bytes = (size_t)stored;
    if (H5Dread_chunk(c->set, H5P_DEFAULT, offset, &mask, *data) < 0)
        return fail(c, at, NULL, err);
    *skipped = mask;
    return MMS_OK;
}

static mms_status fill_values(const chunks *c, unsigned char **values, mms_error *err)
{
    const size_t size = (size_t)c->stored_size;

    *values = malloc((size_t)(c->nvalue * c->stored_size));
    if (!*values)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", c->file->path);
    for (int64_t i = 0; i < c->nvalue; i++)
        memcpy(*values + (size_t)i * size, c->fill, size);
    return MMS_OK;
}

static mms_status convert(const chunks *c, const hsize_t *at, unsigned char **values,
                          mms_error *err)
{
    unsigned char *const all = realloc(*values, (size_t)bytes_of(c));
    void *const beside = malloc((size_t)(c->nvalue * c->size)); // of compounds
    mms_status st = MMS_OK;

    if (all)
        *values = all;
    if (!all || !beside) {
        free(beside);
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", c->file->path);
    }
    pthread_mutex_lock(&mms_h5_lock);
    if (H5Tconvert(c->stored, c->wanted, (size_t)c->nvalue, all, beside, H5P_DEFAULT) < 0)
        st = fail(c, at, NULL, err);
    pthread_mutex_unlock(&mms_h5_lock);
    free(beside);
    return st;
}

static mms_status load(const chunks *c, const hsize_t *at, unsigned char **values, mms_error *err)
{
    const size_t whole = (size_t)(c->nvalue * c->stored_size);
    unsigned skipped = 0;
    size_t bytes;
    mms_status st;

    pthread_mutex_lock(&mms_h5_lock);
    st = read_stored(c, at, values, &bytes, &skipped, err);
    pthread_mutex_unlock(&mms_h5_lock);
    if (st == MMS_OK && bytes == 0) {
        st = fill_values(c, values, err);
    } else if (st == MMS_OK) {
        const char *const wrong = mms_unpack(&c->filters, skipped, whole, values, &bytes);
        st = wrong ? fail(c, at, wrong, err) : MMS_OK;
    }
    if (st == MMS_OK && !c->same)
        st = convert(c, at, values, err);
    return st;
}

/* ---- chunks that are kept, with their lock ----------------------------------------------------*/

static chunk **slot_of(chunks *c, int64_t number)
{
    chunk **slot = &c->slots[(uint64_t)number % NSLOT];

    while (*slot && (*slot)->number != number)
        slot = &(*slot)->next;
    return slot;
}

static void unlink_age(chunks *c, chunk *k)
{
    *(k->older ? &k->older->newer : &c->oldest) = k->newer;
    *(k->newer ? &k->newer->older : &c->newest) = k->older;
}

static void make_newest(chunks *c, chunk *k)
{
    k->newer = NULL;
    k->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = k;
    c->newest = k;
}

static void forget(chunks *c, chunk *k)
{
    *slot_of(c, k->number) = k->next;
    unlink_age(c, k);
    c->used -= k->bytes;
    free(k->values);
    free(k);
}

/** Forget the oldest until there is room; one chunk may always be there. */
static bool make_room(chunks *c, int64_t bytes)
{
    for (chunk *k = c->oldest, *newer; k && c->used + bytes > c->room; k = newer) {
        newer = k->newer;
        if (k->users == 0)
            forget(c, k);
    }
    return c->used == 0 || c->used + bytes <= c->room;
}

static chunk *begin(chunks *c, int64_t number, int64_t bytes)
{
    chunk *const k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    *k = (chunk){.number = number, .bytes = bytes, .users = 1};
    *slot_of(c, number) = k;
    c->used += bytes;
    make_newest(c, k);
    return k;
}

static void finish(chunks *c, chunk *k, mms_status st)
{
    if (st == MMS_OK) {
        c->used += bytes_of(c) - k->bytes;
        k->bytes = bytes_of(c);
        k->is_ready = true;
    } else {
        forget(c, k);
    }
    pthread_cond_broadcast(&c->changed);
}

static mms_status take(chunks *c, const hsize_t *at, chunk **out, mms_error *err)
{
    const int64_t number =
        (int64_t)(((at[0] * c->grid[1] + at[1]) * c->grid[2] + at[2]) * c->grid[3] + at[3]);
    const int64_t loading = 3 * bytes_of(c); // as it is stored, between, unpacked
    chunk *k;
    mms_status st = MMS_OK;

    pthread_mutex_lock(&c->lock);
    while ((k = *slot_of(c, number)) ? !k->is_ready : !make_room(c, loading))
        pthread_cond_wait(&c->changed, &c->lock);
    if (k) {
        k->users++;
        unlink_age(c, k);
        make_newest(c, k);
    } else if (!(k = begin(c, number, loading))) {
        st = mms_fail(err, MMS_ERR_MEM, "%s: out of memory", c->file->path);
    } else {
        pthread_mutex_unlock(&c->lock);
        st = load(c, at, &k->values, err);
        pthread_mutex_lock(&c->lock);
        finish(c, k, st);
    }
    pthread_mutex_unlock(&c->lock);
    *out = st == MMS_OK ? k : NULL;
    return st;
}

static void give_back(chunks *c, chunk *k)
{
    pthread_mutex_lock(&c->lock);
    k->users--;
    (void)make_room(c, 0);
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
}

/* ---- boxes ------------------------------------------------------------------------------------*/

typedef struct box {
    hsize_t start[MMS_H5_DIM], length[MMS_H5_DIM];
} box;

/** What a chunk has of a box; data are all of the box. */
static void copy(const chunks *c, const hsize_t *at, const box *b, const unsigned char *values,
                 unsigned char *data)
{
    hsize_t from[MMS_H5_DIM], to[MMS_H5_DIM], n[MMS_H5_DIM];
    const size_t size = (size_t)c->size;

    for (int i = 0; i < MMS_H5_DIM; i++) {
        const hsize_t begin = at[i] * c->chunk[i], end = begin + c->chunk[i];
        const hsize_t lo = begin > b->start[i] ? begin : b->start[i];
        const hsize_t hi = end < b->start[i] + b->length[i] ? end : b->start[i] + b->length[i];
        from[i] = lo - begin;
        to[i] = lo - b->start[i];
        n[i] = hi - lo;
    }
    // the last axis alone, or with the one before where both sides have all of it
    const bool whole = n[3] == c->chunk[3] && n[3] == b->length[3];
    const hsize_t run = whole ? n[2] * n[3] : n[3], runs = whole ? 1 : n[2];
    for (hsize_t i = 0; i < n[0]; i++)
        for (hsize_t j = 0; j < n[1]; j++)
            for (hsize_t k = 0; k < runs; k++) {
                const hsize_t p =
                    (((from[0] + i) * c->chunk[1] + from[1] + j) * c->chunk[2] + from[2] + k) *
                        c->chunk[3] +
                    from[3];
                const hsize_t q =
                    (((to[0] + i) * b->length[1] + to[1] + j) * b->length[2] + to[2] + k) *
                        b->length[3] +
                    to[3];
                memcpy(data + q * size, values + p * size, run * size);
            }
}

/** The next chunk of a box from first to last; false: there is none. */
static bool advance(hsize_t *at, const hsize_t *first, const hsize_t *last)
{
    for (int i = MMS_H5_DIM; i-- > 0;) {
        if (at[i]++ < last[i])
            return true;
        at[i] = first[i];
    }
    return false;
}

mms_status mms_h5_chunks_read(mms_h5_chunks *c, const hsize_t *start, const hsize_t *length,
                              void *data, mms_error *err)
{
    hsize_t first[MMS_H5_DIM] = {0}, last[MMS_H5_DIM] = {0}, at[MMS_H5_DIM];
    box b = {{0}, {1, 1, 1, 1}};
    mms_status st;

    for (int i = c->first; i < MMS_H5_DIM; i++) {
        b.start[i] = start[i - c->first];
        b.length[i] = length[i - c->first];
        if (b.length[i] == 0)
            return MMS_OK;
        first[i] = b.start[i] / c->chunk[i];
        last[i] = (b.start[i] + b.length[i] - 1) / c->chunk[i];
    }
    memcpy(at, first, sizeof at);
    do {
        chunk *k;
        st = take(c, at, &k, err);
        if (st != MMS_OK)
            break;
        copy(c, at, &b, k->values, data);
        give_back(c, k);
    } while (advance(at, first, last));
    return st;
}
