/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file read.c  Files that others made: what is in them, and values in the types that are wanted.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chunks_priv.h"

enum { MOST_NAMES = 1 << 20, MOST_TEXT = 1 << 26 };

/** HDF5 names both lengths of a file that is cut short. */
static herr_t find_lengths(unsigned n, const H5E_error2_t *entry, void *lengths)
{
    unsigned long long *const l = lengths;
    const char *const have = entry->desc ? strstr(entry->desc, "truncated file: eof = ") : NULL;
    const char *const stored = have ? strstr(have, "stored_eof = ") : NULL;

    (void)n;
    if (stored && sscanf(have + 22, "%llu", &l[0]) == 1)
        (void)sscanf(stored + 13, "%llu", &l[1]);
    return 0;
}

static mms_status refuse_open(const char *path, mms_error *err)
{
    unsigned long long lengths[2] = {0, 0};

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, find_lengths, lengths);
    if (lengths[1] == 0)
        return mms_h5_fail(path, NULL, err);
    H5Eclear2(H5E_DEFAULT);
    return mms_fail(err, MMS_ERR_TABLE, "%s is truncated: %llu bytes expected, %llu there", path,
                    lengths[1], lengths[0]);
}

static mms_status open_file(const char *path, unsigned how, mms_h5 **out, mms_error *err)
{
    mms_h5 *file = calloc(1, sizeof *file);
    htri_t known;

    *out = NULL;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    mms_lzf_register();
    errno = 0;
    if (file)
        file->path = strdup(path);
    if (!file || !file->path) {
        free(file);
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    }
    known = H5Fis_hdf5(path);
    file->id = known > 0 ? H5Fopen(path, how, H5P_DEFAULT) : H5I_INVALID_HID;
    if (file->id < 0) {
        const mms_status st = known == 0
                                  ? mms_fail(err, MMS_ERR_TABLE, "%s is not an HDF5 file", path)
                                  : refuse_open(path, err);
        H5Eclear2(H5E_DEFAULT);
        free(file->path);
        free(file);
        return st;
    }
    *out = file;
    return MMS_OK;
}

mms_status mms_h5_open(const char *path, mms_h5 **out, mms_error *err)
{
    return open_file(path, H5F_ACC_RDONLY, out, err);
}

void mms_h5_limit(mms_h5 *file, int64_t bytes)
{
    file->cache_bytes = bytes < MMS_H5_CACHE ? bytes : MMS_H5_CACHE;
}

mms_status mms_h5_reopen(const char *path, mms_h5 **out, mms_error *err)
{
    return open_file(path, H5F_ACC_RDWR, out, err);
}

bool mms_h5_has(mms_h5 *file, const char *name)
{
    char part[512];
    const size_t n = strlen(name);

    for (size_t i = 1; i <= n && i < sizeof part; i++) {
        if (name[i] != '/' && name[i] != '\0')
            continue;
        memcpy(part, name, i);
        part[i] = '\0';
        if (H5Lexists(file->id, part, H5P_DEFAULT) <= 0 ||
            H5Oexists_by_name(file->id, part, H5P_DEFAULT) <= 0) {
            H5Eclear2(H5E_DEFAULT);
            return false;
        }
    }
    return n < sizeof part;
}

static bool is_complex(hid_t type)
{
    if (H5Tget_nmembers(type) != 2)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        char *const name = H5Tget_member_name(type, i);
        const H5T_class_t kind = H5Tget_member_class(type, i);
        const bool good = name && (!strcmp(name, "r") || !strcmp(name, "i")) &&
                          (kind == H5T_FLOAT || kind == H5T_INTEGER);
        H5free_memory(name);
        if (!good)
            return false;
    }
    return true;
}

static mms_h5_type kind_of(hid_t type)
{
    switch (H5Tget_class(type)) {
    case H5T_FLOAT:
        return MMS_H5_DOUBLE;
    case H5T_INTEGER:
        return MMS_H5_INT64;
    case H5T_ENUM:
        return MMS_H5_BOOL;
    case H5T_STRING:
        return MMS_H5_TEXT;
    case H5T_COMPOUND:
        return is_complex(type) ? MMS_H5_COMPLEX : MMS_H5_OTHER;
    default:
        return MMS_H5_OTHER;
    }
}

static mms_status look_space(const mms_h5 *file, const char *name, hid_t space, mms_h5_item *item,
                             mms_error *err)
{
    hsize_t shape[H5S_MAX_RANK];
    const int ndim = H5Sget_simple_extent_ndims(space);

    if (H5Sget_simple_extent_type(space) == H5S_NULL) {
        item->type = MMS_H5_NONE;
        return MMS_OK;
    }
    if (ndim < 0 || ndim > MMS_H5_DIM)
        return mms_fail(err, MMS_ERR_TABLE, "%s: %s has %d axes", file->path, name, ndim);
    item->ndim = ndim;
    H5Sget_simple_extent_dims(space, shape, NULL);
    for (int i = 0; i < ndim; i++) {
        if (shape[i] > INT32_MAX)
            return mms_fail(err, MMS_ERR_TABLE, "%s: %s has an axis of %llu", file->path, name,
                            (unsigned long long)shape[i]);
        item->shape[i] = (int64_t)shape[i];
    }
    return MMS_OK;
}

/** Refuse values and chunks of sizes that no file of visibilities has: HDF5 would make room for
 * them before it sees that they are not there. */
static mms_status check_sizes(const mms_h5 *file, const char *name, hid_t set, hid_t type,
                              mms_error *err)
{
    enum { MOST_VALUE = 4096, MOST_CHUNK = 1 << 30 };
    const hid_t how = H5Dget_create_plist(set);
    const size_t value = H5Tget_size(type);
    hsize_t chunk[H5S_MAX_RANK];
    const int n = H5Pget_layout(how) == H5D_CHUNKED ? H5Pget_chunk(how, H5S_MAX_RANK, chunk) : 0;
    double bytes = (double)value;
    mms_status st = MMS_OK;

    for (int i = 0; i < n; i++)
        bytes *= (double)chunk[i];
    if (value > MOST_VALUE && H5Tget_class(type) != H5T_STRING)
        st =
            mms_fail(err, MMS_ERR_TABLE, "%s: %s has values of %zu bytes", file->path, name, value);
    else if (n > 0 && bytes > MOST_CHUNK)
        st = mms_fail(err, MMS_ERR_TABLE, "%s: %s has chunks of %.0f bytes", file->path, name,
                      bytes);
    H5Pclose(how);
    return st;
}

/** Filters that this library cannot undo are told by name. */
static mms_status check_filters(const mms_h5 *file, const char *name, hid_t set, mms_error *err)
{
    const hid_t how = H5Dget_create_plist(set);
    const int n = H5Pget_nfilters(how);
    mms_status st = MMS_OK;

    for (int i = 0; st == MMS_OK && i < n; i++) {
        unsigned flags, config;
        size_t values = 0;
        char text[64] = "";
        const H5Z_filter_t id =
            H5Pget_filter2(how, (unsigned)i, &flags, &values, NULL, sizeof text, text, &config);
        text[strcspn(text, ";")] = '\0';
        if (H5Zfilter_avail(id) <= 0)
            st =
                mms_fail(err, MMS_ERR_UNSUPPORTED,
                         "%s: %s is compressed with filter %d (%s), which this HDF5 library cannot "
                         "undo; rewrite the file without it, or set HDF5_PLUGIN_PATH",
                         file->path, name, id, id == 32008 ? "bitshuffle" : text);
    }
    H5Pclose(how);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

mms_status mms_h5_look(mms_h5 *file, const char *name, mms_h5_item *item, mms_error *err)
{
    mms_status st = MMS_OK;

    errno = 0;
    *item = (mms_h5_item){.type = MMS_H5_OTHER};
    if (!mms_h5_has(file, name))
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s has no dataset %s: not a UVH5 file", file->path,
                        name);
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    const hid_t type = H5Dget_type(set), space = H5Dget_space(set);
    if (set < 0 || type < 0 || space < 0) {
        st = mms_h5_fail(file->path, name, err);
    } else {
        item->type = kind_of(type);
        item->width = (int64_t)H5Tget_size(type);
        st = look_space(file, name, space, item, err);
    }
    if (st == MMS_OK)
        st = check_sizes(file, name, set, type, err);
    if (st == MMS_OK)
        st = check_filters(file, name, set, err);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

hid_t mms_h5_memory_type(mms_h5_type wanted, hid_t stored)
{
    hid_t type;

    switch (wanted) {
    case MMS_H5_FLOAT:
        return H5Tcopy(H5T_NATIVE_FLOAT);
    case MMS_H5_DOUBLE:
        return H5Tcopy(H5T_NATIVE_DOUBLE);
    case MMS_H5_INT64:
        return H5Tcopy(H5T_NATIVE_INT64);
    case MMS_H5_COMPLEX:
        type = H5Tcreate(H5T_COMPOUND, 8);
        H5Tinsert(type, "r", 0, H5T_NATIVE_FLOAT);
        H5Tinsert(type, "i", 4, H5T_NATIVE_FLOAT);
        return type;
    default:
        return H5Tcopy(stored); // flags: any byte that is not 0
    }
}

/** Open a dataset, with bytes for chunks that HDF5 unpacks; 0: few. */
static hid_t open_with(const mms_h5 *file, const char *name, int64_t bytes)
{
    enum { NSLOT = 12421 };
    const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);

    if (bytes > 0)
        H5Pset_chunk_cache(access, NSLOT, (size_t)bytes, 1.0);
    const hid_t set = H5Dopen2(file->id, name, access);
    H5Pclose(access);
    return set;
}

static bool is_kept(const mms_h5 *file, const char *name)
{
    return !strncmp(name, "Data/", 5) && file->nkept < MMS_H5_KEPT &&
           strlen(name) < sizeof file->kept[0].name;
}

/** *keeps: it stays open with the file. */
static mms_status open_set(mms_h5 *file, const char *name, mms_h5_type wanted, mms_h5_set *set,
                           bool *keeps, mms_error *err)
{
    int64_t cache = file->cache_bytes > 0 ? file->cache_bytes : MMS_H5_CACHE;
    mms_status st;

    for (int i = 0; i < file->nkept; i++)
        if (!strcmp(file->kept[i].name, name)) {
            *keeps = true;
            *set = file->kept[i].set;
            return MMS_OK;
        }
    *keeps = is_kept(file, name);
    cache = *keeps ? cache : 0;
    *set = (mms_h5_set){open_with(file, name, cache), NULL};
    st = set->id < 0 ? mms_h5_fail(file->path, name, err)
                     : mms_h5_chunks_open(file, name, set->id, wanted, cache, &set->chunks, err);
    if (st != MMS_OK)
        *keeps = false;
    if (!*keeps)
        return st;
    memcpy(file->kept[file->nkept].name, name, strlen(name) + 1);
    file->kept[file->nkept++].set = *set;
    return MMS_OK;
}

mms_status mms_h5_probe(mms_h5 *file, const char *name, mms_error *err)
{
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    const hid_t how = H5Dget_create_plist(set), space = H5Dget_space(set);
    hsize_t n;
    mms_status st = MMS_OK;

    errno = 0;
    if (set < 0 || how < 0 || space < 0 ||
        (H5Pget_layout(how) == H5D_CHUNKED && H5Dget_num_chunks(set, space, &n) < 0))
        st = mms_h5_fail(file->path, name, err);
    H5Sclose(space);
    H5Pclose(how);
    H5Dclose(set);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

mms_status mms_h5_where(mms_h5 *file, const char *name, mms_h5_type wanted, int64_t *offset,
                        mms_error *err)
{
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    const hid_t stored = H5Dget_type(set), how = H5Dget_create_plist(set);
    const hid_t type = mms_h5_memory_type(wanted, stored);
    mms_status st = MMS_OK;

    *offset = -1;
    errno = 0;
    if (set < 0 || stored < 0 || how < 0 || type < 0) {
        st = mms_h5_fail(file->path, name, err);
    } else if (H5Pget_layout(how) == H5D_CONTIGUOUS && H5Pget_external_count(how) == 0 &&
               H5Tequal(stored, type) > 0 && (wanted != MMS_H5_BOOL || H5Tget_size(stored) == 1)) {
        const haddr_t at = H5Dget_offset(set);
        *offset = at == HADDR_UNDEF ? -1 : (int64_t)at;
    }
    H5Tclose(type);
    H5Tclose(stored);
    H5Pclose(how);
    H5Dclose(set);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

/** Name the rows; HDF5 only knows that some filter failed. */
static mms_status fail_rows(const mms_h5 *file, const char *name, int64_t from, int64_t count,
                            mms_error *err)
{
    char rows[128];

    snprintf(rows, sizeof rows, "%s rows %" PRId64 "-%" PRId64, name, from, from + count - 1);
    if (!mms_lzf_was_damaged())
        return mms_h5_fail(file->path, rows, err);
    H5Eclear2(H5E_DEFAULT);
    return mms_fail(err, MMS_ERR_IO, "%s: %s: LZF stream is damaged", file->path, rows);
}

/** What HDF5 reads itself, with the lock. */
static mms_status read_by_library(const mms_h5 *file, const char *name, hid_t set,
                                  mms_h5_type wanted, int ndim, const hsize_t *start,
                                  const hsize_t *length, void *data, mms_error *err)
{
    const hid_t stored = H5Dget_type(set), space = H5Dget_space(set);
    const hid_t type = mms_h5_memory_type(wanted, stored);
    hid_t memory = H5I_INVALID_HID;
    hsize_t total = 1;
    mms_status st = MMS_OK;

    errno = 0;
    for (int i = 0; i < ndim; i++)
        total *= length[i];
    memory = H5Screate_simple(1, &total, NULL);
    if (stored < 0 || type < 0 || memory < 0 ||
        (ndim > 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, length, NULL) < 0) ||
        H5Dread(set, type, memory, space, H5P_DEFAULT, data) < 0)
        st = fail_rows(file, name, ndim > 0 ? (int64_t)start[0] : 0,
                       ndim > 0 ? (int64_t)length[0] : 1, err);
    H5Sclose(memory);
    H5Tclose(type);
    H5Tclose(stored);
    H5Sclose(space);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

/** The shape of a dataset; *ndim is -1 where it has too many axes. */
static void find_shape(hid_t set, int *ndim, hsize_t *shape)
{
    const hid_t space = H5Dget_space(set);

    *ndim = H5Sget_simple_extent_ndims(space);
    if (*ndim > MMS_H5_DIM)
        *ndim = -1;
    if (*ndim > 0)
        H5Sget_simple_extent_dims(space, shape, NULL);
    H5Sclose(space);
}

static void close_set(mms_h5_set *set)
{
    pthread_mutex_lock(&mms_h5_lock);
    mms_h5_chunks_close(&set->chunks);
    H5Dclose(set->id);
    H5Eclear2(H5E_DEFAULT);
    pthread_mutex_unlock(&mms_h5_lock);
}

mms_status mms_h5_read(mms_h5 *file, const char *name, mms_h5_type wanted, int64_t from,
                       int64_t count, int axis, int64_t first, int64_t n, void *data,
                       mms_error *err)
{
    hsize_t start[MMS_H5_DIM] = {0}, length[MMS_H5_DIM] = {1, 1, 1, 1};
    mms_h5_set set;
    bool keeps;
    int ndim = -1;
    mms_status st;

    pthread_mutex_lock(&mms_h5_lock);
    st = open_set(file, name, wanted, &set, &keeps, err);
    if (st == MMS_OK)
        find_shape(set.id, &ndim, length);
    if (ndim > 0) {
        start[0] = (hsize_t)from;
        length[0] = (hsize_t)count;
    }
    if (ndim > axis && axis > 0) {
        start[axis] = (hsize_t)first;
        length[axis] = (hsize_t)n;
    }
    if (st == MMS_OK && ndim < 0)
        st = mms_h5_fail(file->path, name, err);
    if (st == MMS_OK && !set.chunks)
        st = read_by_library(file, name, set.id, wanted, ndim, start, length, data, err);
    pthread_mutex_unlock(&mms_h5_lock);
    if (st == MMS_OK && set.chunks)
        st = mms_h5_chunks_read(set.chunks, start, length, data, err);
    if (!keeps)
        close_set(&set);
    return st;
}

/** One text of width bytes, padded with 0 or blanks. */
static mms_value *padded(const char *text, size_t width)
{
    size_t n = strnlen(text, width);

    while (n > 0 && text[n - 1] == ' ')
        n--;
    mms_value *const value = json_stringn(text, n);
    return value ? value : json_string("?"); // no UTF-8
}

/** Texts as they are stored; of those in chunks all are unpacked, which HDF5 does without a bound.
 */
static mms_status read_stored_texts(const mms_h5 *file, const char *name, hid_t set, hid_t stored,
                                    int64_t n, char *buffer, mms_error *err)
{
    mms_h5_chunks *chunks = NULL;
    hsize_t start[MMS_H5_DIM] = {0}, length[MMS_H5_DIM];
    int ndim;
    mms_status st = mms_h5_chunks_open(file, name, set, MMS_H5_TEXT, 0, &chunks, err);

    find_shape(set, &ndim, length);
    if (chunks)
        st = mms_h5_chunks_read(chunks, start, length, buffer, err);
    if (st == MMS_OK && n > 0 && (!chunks || H5Tis_variable_str(stored) > 0) &&
        H5Dread(set, stored, H5S_ALL, H5S_ALL, H5P_DEFAULT, buffer) < 0)
        st = mms_h5_fail(file->path, name, err);
    mms_h5_chunks_close(&chunks);
    return st;
}

static mms_status read_texts(const mms_h5 *file, const char *name, hid_t set, hid_t stored,
                             hid_t space, mms_value *list, mms_error *err)
{
    const int64_t n = (int64_t)H5Sget_simple_extent_npoints(space);
    const bool varies = H5Tis_variable_str(stored) > 0;
    const size_t width = varies ? sizeof(char *) : H5Tget_size(stored);
    char *buffer = NULL;
    mms_status st;

    if (n < 0 || n > MOST_NAMES || width > MOST_TEXT || (size_t)n * width > MOST_TEXT)
        return mms_fail(err, MMS_ERR_TABLE,
                        "%s: %s has %" PRId64 " texts of %zu bytes, which is too much", file->path,
                        name, n, width);
    buffer = calloc((size_t)n + 1, width + (varies ? MMS_H5_PLACE : 0) + 1);
    st = buffer ? read_stored_texts(file, name, set, stored, n, buffer, err)
                : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", file->path);
    for (int64_t i = 0; st == MMS_OK && i < n; i++) {
        const char *text = buffer + (size_t)i * width;
        if (varies)
            memcpy(&text, buffer + (size_t)i * width, sizeof text);
        json_array_append_new(list,
                              text ? padded(text, varies ? strlen(text) : width) : json_string(""));
    }
    if (st == MMS_OK && varies && n > 0)
        H5Dvlen_reclaim(stored, space, H5P_DEFAULT, buffer);
    free(buffer);
    return st;
}

mms_status mms_h5_texts(mms_h5 *file, const char *name, mms_value **out, mms_error *err)
{
    const hid_t set = H5Dopen2(file->id, name, H5P_DEFAULT);
    const hid_t stored = H5Dget_type(set), space = H5Dget_space(set);
    mms_status st;

    errno = 0;
    *out = json_array();
    if (H5Tget_class(stored) != H5T_STRING)
        st = mms_fail(err, MMS_ERR_TABLE, "%s: %s is not text", file->path, name);
    else
        st = check_sizes(file, name, set, stored, err);
    if (st == MMS_OK)
        st = *out ? read_texts(file, name, set, stored, space, *out, err)
                  : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", file->path);
    if (st != MMS_OK) {
        json_decref(*out);
        *out = NULL;
    }
    H5Tclose(stored);
    H5Sclose(space);
    H5Dclose(set);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

static herr_t take_name(hid_t group, const char *name, const H5L_info_t *info, void *list)
{
    (void)group;
    (void)info;
    if (json_array_size(list) >= MOST_NAMES)
        return -1;
    json_array_append_new(list, json_string(name));
    return 0;
}

mms_status mms_h5_names(mms_h5 *file, const char *name, mms_value **out, mms_error *err)
{
    *out = json_array();
    errno = 0;
    if (H5Literate_by_name(file->id, name, H5_INDEX_NAME, H5_ITER_INC, NULL, take_name, *out,
                           H5P_DEFAULT) < 0) {
        json_decref(*out);
        *out = NULL;
        return mms_h5_fail(file->path, name, err);
    }
    return MMS_OK;
}

/** Opened, not asked for its sizes: HDF5 would walk all of its index, and 1.10 falls over damaged
 * ones.
 */
bool mms_h5_is_group(mms_h5 *file, const char *name)
{
    const hid_t group =
        mms_h5_has(file, name) ? H5Gopen2(file->id, name, H5P_DEFAULT) : H5I_INVALID_HID;
    const bool is = group >= 0;

    if (is)
        H5Gclose(group);
    H5Eclear2(H5E_DEFAULT);
    return is;
}
