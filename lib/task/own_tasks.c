/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file own_tasks.c  The tasks of the house; tasks.c joins those of plug-ins to them. */
#include <string.h>

#include "task_priv.h"

#define TASK(name) &mms_task_##name,
const mms_task *const mms_tasks_own[MMS_OWN_TASKS + 1] = {
#include "tasks.def"
    NULL,
};
#undef TASK

const mms_task *mms_task_find_in(const mms_task *const *tasks, const char *name)
{
    for (const mms_task *const *t = tasks; *t; t++)
        if (!strcmp((*t)->name, name) || ((*t)->alias && !strcmp((*t)->alias, name)))
            return *t;
    return NULL;
}

const mms_task *mms_task_find_own(const char *name)
{
    return mms_task_find_in(mms_tasks_own, name);
}
