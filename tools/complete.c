/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file complete.c  Writes the completion of a shell: what the tables of the tasks say, before the
 *  script that uses it.
 *
 *  usage: multims-complete bash|zsh|fish SCRIPT > COMPLETION */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "multims/task.h"

typedef void put_fn(const mms_task *, const mms_param *);

/* Call put for the visible parameters of a task, then for those of all tasks */
static void each_param(const mms_task *task, put_fn *put)
{
    const mms_param *const tables[] = {task->params, mms_shared_params()};

    for (int i = 0; i < 2; i++)
        for (const mms_param *p = tables[i]; p->name; p++)
            if (!(p->flags & MMS_PARAM_HIDDEN))
                put(task, p);
}

/* The words that a parameter takes, NULL where there are too many */
static const char *words_of(const mms_param *p)
{
    return p->type == MMS_CHOICE  ? p->allowed
           : p->type == MMS_BOOL  ? "True False"
           : p->type == MMS_COUNT ? "auto"
                                  : NULL;
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

static void put_lists(const char *function, const char *what, put_fn *put)
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
    const char *const words = words_of(p);

    if (words)
        printf("    %s:%s%s%s%s%s) echo \"%s\" ;;\n", task->name, p->name, task->alias ? "|" : "",
               task->alias ? task->alias : "", task->alias ? ":" : "", task->alias ? p->name : "",
               words);
}

/* What bash and zsh have in common: functions that print lists */
static void put_functions(void)
{
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
}

/* Write text in single quotes; fish takes a backslash before what ends them, zsh ends and begins */
static void put_quoted(const char *text, const char *quote)
{
    putchar('\'');
    for (const char *s = text; *s; s++)
        if (*s == '\'')
            fputs(quote, stdout);
        else if (*s == '\\' && quote[0] == '\\')
            fputs("\\\\", stdout);
        else
            putchar(*s);
    putchar('\'');
}

static void put_zsh_text(const mms_task *task, const mms_param *p)
{
    (void)task;
    printf(" %s ", p->name);
    put_quoted(p->doc ? p->doc : "", "'\\''");
}

/* What zsh shows beside the words: names and texts in turn */
static void put_zsh_texts(void)
{
    printf("_multims_summaries=(");
    for (const mms_task *const *t = mms_tasks(); *t; t++) {
        printf("\n    %s ", (*t)->name);
        put_quoted((*t)->summary, "'\\''");
        if ((*t)->alias)
            printf(" %s 'another name of %s'", (*t)->alias, (*t)->name);
    }
    for (int i = 0; i < NCOMMANDS; i++) {
        printf("\n    %s ", commands[i].name);
        put_quoted(commands[i].summary, "'\\''");
    }
    printf(")\n\n_multims_texts() # VERB: sets texts of its parameters\n{\n    case $1 in\n");
    for (const mms_task *const *t = mms_tasks(); *t; t++) {
        put_names(*t);
        printf(" texts=(");
        each_param(*t, put_zsh_text);
        printf(") ;;\n");
    }
    printf("    esac\n}\n\n");
}

static void put_fish_option(const mms_task *task, const mms_param *p)
{
    const char letter = mms_param_letter(p);
    const char *const words = words_of(p);

    printf("complete -c multims -n '__multims_uses %s%s%s' -l %s", task->name,
           task->alias ? " " : "", task->alias ? task->alias : "", p->name);
    if (letter)
        printf(" -s %c", letter);
    if (!mms_param_is_bare(p) && words)
        printf(" -x -a '%s'", words);
    else if (!mms_param_is_bare(p))
        printf(p->type == MMS_PATH ? " -r -F" : " -x");
    printf(" -d ");
    put_quoted(p->doc ? p->doc : "", "\\'");
    putchar('\n');
    if (mms_param_is_on(p))
        printf("complete -c multims -n '__multims_uses %s%s%s' -l no-%s\n", task->name,
               task->alias ? " " : "", task->alias ? task->alias : "", p->name);
}

static void put_fish_key(const mms_task *task, const mms_param *p)
{
    (void)task;
    if (p->flags & MMS_PARAM_RUN)
        return;
    printf(" '%s='\\t", p->name);
    put_quoted(p->doc ? p->doc : "", "\\'");
}

static void put_fish_values(const mms_task *task, const mms_param *p)
{
    const char *const words = words_of(p);

    if (!words)
        return;
    printf("        case '%s:%s'", task->name, p->name);
    if (task->alias)
        printf(" '%s:%s'", task->alias, p->name);
    printf("\n            printf '%%s\\n' %s\n", words);
}

static void put_fish(void)
{
    for (const mms_task *const *t = mms_tasks(); *t; t++) {
        printf("complete -c multims -f -n __multims_wants_verb -a %s -d ", (*t)->name);
        put_quoted((*t)->summary, "\\'");
        putchar('\n');
        if ((*t)->alias)
            printf("complete -c multims -f -n __multims_wants_verb -a %s -d 'another name of %s'\n",
                   (*t)->alias, (*t)->name);
        each_param(*t, put_fish_option);
    }
    for (int i = 0; i < NCOMMANDS; i++) {
        printf("complete -c multims -f -n __multims_wants_command -a %s -d ", commands[i].name);
        put_quoted(commands[i].summary, "\\'");
        putchar('\n');
    }
    printf("\nfunction __multims_keys --argument-names verb\n    switch $verb\n");
    for (const mms_task *const *t = mms_tasks(); *t; t++) {
        printf("        case %s %s\n            printf '%%s\\n'", (*t)->name,
               (*t)->alias ? (*t)->alias : "");
        each_param(*t, put_fish_key);
        putchar('\n');
    }
    printf("    end\nend\n\nfunction __multims_values --argument-names name\n    switch $name\n");
    for (const mms_task *const *t = mms_tasks(); *t; t++)
        each_param(*t, put_fish_values);
    printf("    end\nend\n\n");
}

int main(int argc, char **argv)
{
    FILE *const script = argc == 3 ? fopen(argv[2], "r") : NULL;
    const char *const shell = argc == 3 ? argv[1] : "";

    if (!script) {
        fprintf(stderr, "usage: multims-complete bash|zsh|fish SCRIPT > COMPLETION\n");
        return 2;
    }
    if (!strcmp(shell, "zsh"))
        printf("#compdef multims\n");
    printf("# %s completion of multims, made from its tables of parameters: do not edit\n\n",
           shell);
    if (!strcmp(shell, "fish"))
        put_fish();
    else
        put_functions();
    if (!strcmp(shell, "zsh"))
        put_zsh_texts();
    for (int c = getc(script); c != EOF; c = getc(script))
        putchar(c);
    fclose(script);
    return fclose(stdout) ? 1 : 0;
}
