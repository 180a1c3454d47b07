/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file file.c  Files and groups, and HDF5's errors as one line. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chunks_priv.h"

/** The innermost entry comes first. */
static herr_t take_first(unsigned n, const H5E_error2_t *entry, void *text)
{
    const char **const cause = text;

    (void)n;
    if (!*cause && entry->desc && *entry->desc)
        *cause = entry->desc;
    return 0;
}

/** What the system said, where HDF5 quotes it among times, addresses and line feeds; else the first
 * line.  Returns its length. */
static int shorten(const char **cause)
{
    static const char quote[] = "error message = '";
    const char *const said = strstr(*cause, quote);

    if (said)
        *cause = said + strlen(quote);
    return (int)strcspn(*cause, said ? "'\n" : "\n");
}

mms_status mms_h5_fail(const char *path, const char *name, mms_error *err)
{
    static const char full[] = "No space left on device";
    const bool is_full = errno == ENOSPC || errno == EDQUOT;
    const char *cause = NULL;

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &cause);
    if (!cause)
        cause = "HDF5 gives no reason";
    const int length = shorten(&cause);
    const mms_status st =
        is_full || !strncmp(cause, full, strlen(full)) ? MMS_ERR_SPACE : MMS_ERR_IO;
    (void)mms_fail(err, st, "%s: %s%s%.*s", path, name ? name : "", name ? ": " : "", length,
                   cause);
    H5Eclear2(H5E_DEFAULT);
    return st;
}

/** Files that any reader takes (superblock 0), and that are the same bytes whenever they are made.
 */
static hid_t make(const char *path)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS), how = H5Pcreate(H5P_FILE_CREATE);
    hid_t id = H5I_INVALID_HID;

    if (access >= 0 && how >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18) >= 0 &&
        H5Pset_obj_track_times(how, 0) >= 0)
        id = H5Fcreate(path, H5F_ACC_EXCL, how, access);
    H5Pclose(access);
    H5Pclose(how);
    return id;
}

mms_status mms_h5_create(const char *path, mms_h5 **out, mms_error *err)
{
    mms_h5 *file = calloc(1, sizeof *file);

    *out = NULL;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    errno = 0;
    if (file)
        file->path = strdup(path);
    if (!file || !file->path) {
        free(file);
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    }
    file->id = make(path);
    if (file->id < 0) {
        const mms_status st = mms_h5_fail(path, NULL, err);
        free(file->path);
        free(file);
        return st;
    }
    *out = file;
    return MMS_OK;
}

mms_status mms_h5_group(mms_h5 *file, const char *name, mms_error *err)
{
    const hid_t links = H5Pcreate(H5P_LINK_CREATE), how = H5Pcreate(H5P_GROUP_CREATE);
    hid_t group = H5I_INVALID_HID;
    mms_status st = MMS_OK;

    if (H5Pset_create_intermediate_group(links, 1) >= 0 && H5Pset_obj_track_times(how, 0) >= 0)
        group = H5Gcreate2(file->id, name, links, how, H5P_DEFAULT);
    if (group < 0 || H5Gclose(group) < 0)
        st = mms_h5_fail(file->path, name, err);
    H5Pclose(links);
    H5Pclose(how);
    return st;
}

mms_status mms_h5_close(mms_h5 **file, mms_error *err)
{
    mms_status st = MMS_OK;

    if (!*file)
        return MMS_OK;
    errno = 0;
    for (int i = 0; i < (*file)->nkept; i++) {
        mms_h5_chunks_close(&(*file)->kept[i].set.chunks);
        H5Dclose((*file)->kept[i].set.id);
    }
    if (H5Fclose((*file)->id) < 0)
        st = mms_h5_fail((*file)->path, NULL, err);
    free((*file)->path);
    free(*file);
    *file = NULL;
    return st;
}
