/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file plugins.c  Tasks that others wrote, from shared objects (spec job-engine 2.11). */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/places_priv.h"
#include "multims/parts.h"
#include "task_priv.h"

static const mms_task *added[MMS_MOST_PLUGIN_TASKS + 1];
static int nadded;

static mms_status find_plugin(const char *path, const mms_plugin **out, mms_error *err)
{
    struct stat info;
    void *file;

    if (stat(path, &info) || info.st_mode & (S_IWGRP | S_IWOTH))
        return mms_fail(err, MMS_ERR_ARG, "it is not there, or others may write to it");
    file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    *out = file ? dlsym(file, MMS_PLUGIN_SYMBOL) : NULL;
    if (!*out)
        return mms_fail(err, MMS_ERR_ARG, "%s", file ? "it has no " MMS_PLUGIN_SYMBOL : dlerror());
    if ((*out)->abi != MMS_PLUGIN_ABI)
        return mms_fail(err, MMS_ERR_ARG, "it was built for another version of multims");
    return MMS_OK;
}

static const mms_task *find_added(const char *name)
{
    for (int i = 0; i < nadded; i++)
        if (!strcmp(added[i]->name, name))
            return added[i];
    return NULL;
}

/* One that is there already, from the same plug-in, stays. */
static mms_status add_tasks(const mms_plugin *plugin, mms_error *err)
{
    mms_status st = MMS_OK;

    for (const mms_task *const *t = plugin->tasks; *t; t++) {
        const mms_task *const there = find_added((*t)->name);
        if (there == *t)
            continue;
        if (there || mms_task_find_own((*t)->name))
            st = mms_fail(err, MMS_ERR_ARG, "a verb of that name is there already");
        else if (nadded < MMS_MOST_PLUGIN_TASKS)
            added[nadded++] = *t;
    }
    return st;
}

static mms_status load_file(const char *path, mms_error *err)
{
    const mms_plugin *plugin = NULL;
    const mms_status st = find_plugin(path, &plugin, err);

    return st == MMS_OK ? add_tasks(plugin, err) : st;
}

static void leave_out(const char *path, const char *why)
{
    fprintf(stderr, "multims: the plug-in %s is left out: %s\n", path, why);
}

/* What others may write may be anything. */
static bool is_ours(const char *path)
{
    struct stat info;

    if (stat(path, &info) || info.st_mode & (S_IWGRP | S_IWOTH)) {
        leave_out(path, "it is not there, or others may write to it");
        return false;
    }
    return true;
}

static void load(const char *path)
{
    mms_error err;

    if (load_file(path, &err) != MMS_OK)
        leave_out(path, err.msg);
}

static int is_object(const struct dirent *entry)
{
    const size_t n = strlen(entry->d_name);

    return n > 3 && !strcmp(entry->d_name + n - 3, ".so");
}

static void load_place(const char *place)
{
    struct dirent **list = NULL;
    const int n = scandir(place, &list, is_object, alphasort);
    const bool good = n >= 0 && is_ours(place);

    if (n < 0)
        load(place);
    for (int i = 0; i < n; i++) {
        char *const path = mms_format("%s/%s", place, list[i]->d_name);
        if (path && good)
            load(path);
        free(path);
        free(list[i]);
    }
    free(list);
}

const mms_task *const *mms_plugin_tasks(void)
{
    static bool loaded;
    char *const places =
        loaded || !getenv("MULTIMS_PLUGIN_PATH") ? NULL : strdup(getenv("MULTIMS_PLUGIN_PATH"));
    char *next = NULL;

    loaded = true;
    for (char *place = places ? strtok_r(places, ":", &next) : NULL; place;
         place = strtok_r(NULL, ":", &next))
        load_place(place);
    free(places);
    return added;
}

/* ---- by name ---- */

/* The file of a plug-in in a place: the place itself, or NAME.so in it; NULL: not there. */
static char *file_in(const char *place, const char *name)
{
    char *const base = mms_path_base(place);
    char *const file = mms_format("%s.so", name);
    char *path = NULL;

    if (base && file && !strcmp(base, file))
        path = strdup(place);
    else if (file)
        path = mms_format("%s/%s", place, file);
    if (path && access(path, R_OK)) {
        free(path);
        path = NULL;
    }
    free(file);
    free(base);
    return path;
}

/* The places of MULTIMS_PLUGIN_PATH, then the folder of an installation. */
static char *find_file(const char *name)
{
    const char *const given = getenv("MULTIMS_PLUGIN_PATH");
    char *const places = given ? strdup(given) : NULL;
    char *next = NULL, *path = NULL;

    for (char *place = places ? strtok_r(places, ":", &next) : NULL; place && !path;
         place = strtok_r(NULL, ":", &next))
        path = file_in(place, name);
    if (!path) {
        char *const folder = mms_place_find("plugins");
        path = folder ? file_in(folder, name) : NULL;
        free(folder);
    }
    free(places);
    return path;
}

mms_status mms_plugin_load(const char *name, char **path, mms_error *err)
{
    mms_error why;
    mms_status st;

    *path = strchr(name, '/') ? mms_path_absolute(name) : find_file(name);
    if (!*path)
        return mms_fail(err, MMS_ERR_NOT_FOUND,
                        "no plug-in %s: neither a path nor %s.so in MULTIMS_PLUGIN_PATH", name,
                        name);
    st = load_file(*path, &why);
    if (st == MMS_OK)
        return st;
    free(*path);
    *path = NULL;
    return mms_fail(err, st, "plug-in %s: %s", name, why.msg);
}
