/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file places.c  Where the files are that the library starts or loads while it runs. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine_priv.h"

/* From the folder of the library, or of the program when it is linked statically: beside it, then
 * the places of an installation.  A static library can be in programs anywhere, so it knows those
 * whole. */
static const char *const places[] = {".", MULTIMS_PLACES};

static char *join(const char *folder, const char *place, const char *name)
{
    return *place == '/' ? mms_format("%s/%s", place, name)
                         : mms_format("%s/%s/%s", folder, place, name);
}

char *mms_engine_find(const char *name)
{
    const char *const given = getenv(MMS_PLACE_VARIABLE);
    char *folder = NULL, *path = NULL;
    Dl_info info;

    if (given && *given)
        return mms_format("%s/%s", given, name);
    if (dladdr(places, &info))
        folder = mms_path_dir(info.dli_fname);
    for (int64_t i = 0; folder && i < MMS_COUNT_OF(places); i++) {
        free(path);
        path = join(folder, places[i], name);
        if (path && !access(path, R_OK))
            break;
    }
    free(folder);
    return path;
}

mms_status mms_worker_program(char **out, mms_error *err)
{
    *out = mms_engine_find("multims-worker");
    if (!*out)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    if (!access(*out, X_OK))
        return MMS_OK;
    (void)mms_fail(err, MMS_ERR_NOT_FOUND,
                   "%s, the program of workers, is not there: " MMS_PLACE_VARIABLE
                   " names the folder that has it",
                   *out);
    free(*out);
    *out = NULL;
    return MMS_ERR_NOT_FOUND;
}
