/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file plugins.c  Tasks that others wrote, from shared objects (spec job-engine 2.11). */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "multims/parts.h"
#include "task_priv.h"

static const mms_task *added[MMS_MOST_PLUGIN_TASKS + 1];
static int nadded;

static void leave_out(const char *path, const char *why)
{
    fprintf(stderr, "multims: the plug-in %s is left out: %s\n", path, why);
}

static bool is_taken(const mms_task *task)
{
    for (int i = 0; i < nadded; i++)
        if (!strcmp(added[i]->name, task->name))
            return true;
    return mms_task_find_own(task->name) != NULL;
}

static void add_tasks(const char *path, const mms_plugin *plugin)
{
    for (const mms_task *const *t = plugin->tasks; *t; t++)
        if (is_taken(*t))
            leave_out(path, "a verb of that name is there already");
        else if (nadded < MMS_MOST_PLUGIN_TASKS)
            added[nadded++] = *t;
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
    void *file;
    const mms_plugin *plugin;

    if (!is_ours(path))
        return;
    file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    plugin = file ? dlsym(file, MMS_PLUGIN_SYMBOL) : NULL;
    if (!plugin)
        leave_out(path, file ? "it has no " MMS_PLUGIN_SYMBOL : dlerror());
    else if (plugin->abi != MMS_PLUGIN_ABI)
        leave_out(path, "it was built for another version of multims");
    else
        add_tasks(path, plugin);
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
