/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file places.c  Where the files are that the library starts or loads while it runs. */
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "base_priv.h"
#include "files_priv.h"
#include "places_priv.h"

/* From the folder of the library, or of the program when it is linked statically: beside it, then
 * the places of an installation.  A static library can be in programs anywhere, so it knows those
 * whole. */
static const char *const places[] = {".", MULTIMS_PLACES};

static char *join(const char *folder, const char *place, const char *name)
{
    return *place == '/' ? mms_format("%s/%s", place, name)
                         : mms_format("%s/%s/%s", folder, place, name);
}

char *mms_place_find(const char *name)
{
    const char *const given = getenv(MMS_PLACE_VARIABLE);

    return given && *given ? mms_format("%s/%s", given, name) : mms_place_own(name);
}

char *mms_place_own(const char *name)
{
    char *folder = NULL, *path = NULL;
    Dl_info info;

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

mms_status mms_module_open(const mms_module *module, char *path, const void **out, mms_error *err)
{
    void *const file = path ? dlopen(path, module->flags) : NULL; // never closed
    const uint32_t *const table = file ? dlsym(file, module->symbol) : NULL;
    mms_status st = MMS_OK;

    if (!path)
        st = mms_fail(err, MMS_ERR_MEM, "out of memory");
    else if (!file && access(path, F_OK))
        st = mms_fail(err, module->absent, "%s%s is not there%s", module->before, path,
                      module->after);
    else if (!file)
        st = mms_fail(err, MMS_ERR_IO, "%s", dlerror());
    else if (!table || *table != module->size)
        st = mms_fail(err, MMS_ERR_IO, "%s belongs to another version", path);
    *out = st == MMS_OK ? table : NULL;
    free(path);
    return st;
}
