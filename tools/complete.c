/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file complete.c  Writes the completion of bash: what the tables of the tasks say as functions,
 *  before the script that uses them.
 *
 *  usage: multims-complete SCRIPT > COMPLETION */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "multims/task.h"

/* Call put for the visible parameters of a task, then for those of all tasks */
static void each_param(const mms_task *task, void (*put)(const mms_task *, const mms_param *))
{
    const mms_param *const tables[] = {task->params, mms_shared_params()};

    for (int i = 0; i < 2; i++)
        for (const mms_param *p = tables[i]; p->name; p++)
            if (!(p->flags & MMS_PARAM_HIDDEN))
                put(task, p);
}

/* The pattern of a task in a case: its names */
static void put_names(const mms_task *task)
{
    printf("    %s%s%s)", task->name, task->alias ? "|" : "", task->alias ? task->alias : "");
}

static void put_option(const mms_task *task, const mms_param *p)
{
    (void)task;
    printf(" --%s", p->name);
    if (mms_param_is_on(p))
        printf(" --no-%s", p->name);
}

static void put_key(const mms_task *task, const mms_param *p)
{
    (void)task;
    if (!(p->flags & MMS_PARAM_RUN))
        printf(" %s=", p->name);
}

static void put_bare(const mms_task *task, const mms_param *p)
{
    (void)task;
    if (mms_param_is_bare(p))
        printf(" %s", p->name);
}

static void put_lists(const char *function, const char *what,
                      void (*put)(const mms_task *, const mms_param *))
{
    printf("%s() # VERB: %s\n{\n    case $1 in\n", function, what);
    for (const mms_task *const *t = mms_tasks(); *t; t++) {
        put_names(*t);
        printf(" echo \"");
        each_param(*t, put);
        printf("\" ;;\n");
    }
    printf("    esac\n}\n\n");
}

static void put_values(const mms_task *task, const mms_param *p)
{
    const char *const words = p->type == MMS_CHOICE  ? p->allowed
                              : p->type == MMS_BOOL  ? "True False"
                              : p->type == MMS_COUNT ? "auto"
                                                     : NULL;

    if (words)
        printf("    %s:%s%s%s%s%s) echo \"%s\" ;;\n", task->name, p->name, task->alias ? "|" : "",
               task->alias ? task->alias : "", task->alias ? ":" : "", task->alias ? p->name : "",
               words);
}

int main(int argc, char **argv)
{
    FILE *const script = argc == 2 ? fopen(argv[1], "r") : NULL;

    if (!script) {
        fprintf(stderr, "usage: multims-complete SCRIPT > COMPLETION\n");
        return 2;
    }
    printf("# bash completion of multims, made from its tables of parameters: do not edit\n\n");
    printf("_multims_verbs() { echo \"");
    for (const mms_task *const *t = mms_tasks(); *t; t++)
        printf("%s %s ", (*t)->name, (*t)->alias ? (*t)->alias : "");
    printf("\"; }\n\n_multims_commands() { echo \"");
    for (int i = 0; i < NCOMMANDS; i++)
        printf("%s ", commands[i].name);
    printf("--help --version\"; }\n\n");
    put_lists("_multims_options", "its options", put_option);
    put_lists("_multims_keys", "its words key=", put_key);
    put_lists("_multims_bare", "its options without a value", put_bare);
    printf("_multims_values() # VERB:PARAMETER: the words that it takes\n{\n    case $1 in\n");
    for (const mms_task *const *t = mms_tasks(); *t; t++)
        each_param(*t, put_values);
    printf("    esac\n}\n\n");
    for (int c = getc(script); c != EOF; c = getc(script))
        putchar(c);
    fclose(script);
    return fclose(stdout) ? 1 : 0;
}
