/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file multims.c  The program: find the task, parse, run, print, end with a status (design D16).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "multims/engine.h"
#include "multims/log.h"
#include "multims/task.h"
#include "run_log.h"
#include "scene.h"

/* The command line, for the log */
static int command_count;
static const char *const *command_words;

/* Report err in the words of the user's command, once */
static void report(const char *verb, const mms_error *err, struct run_log *log)
{
    fprintf(stderr, "multims %s: %s\n", verb, err->msg);
    if (log)
        memcpy(log->failure, err->msg, sizeof log->failure);
}

/* Why standard output failed, 0: it has not */
static int output_errno;

static void flush_output(void)
{
    if (fflush(stdout) && !output_errno)
        output_errno = errno;
}

/* Close stdout; what could not be written there makes a good run a failed one, unless whoever read
 * it has had enough: "| head" */
static int finish_output(int status)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    const bool nobody_reads = poll(&out, 1, 0) == 1 && (out.revents & POLLERR);

    flush_output();
    if (!(ferror(stdout) | fclose(stdout)) || nobody_reads)
        return status;
    fprintf(stderr, "multims: standard output: %s\n",
            output_errno ? strerror(output_errno) : "write error");
    return status == EXIT_DONE ? EXIT_FAILED : status;
}

static int print_json(const mms_value *value)
{
    char *const text = value ? mms_value_text(value, 2) : NULL;

    if (!text) {
        fprintf(stderr, "multims: no memory for the result, or a text that is not UTF-8\n");
        return EXIT_FAILED;
    }
    printf("%s\n", text);
    free(text);
    return EXIT_DONE;
}

static bool is_empty_object(const mms_value *value)
{
    char *const text = mms_value_text(value, 0);
    const bool empty = text && !strcmp(text, "{}");

    free(text);
    return empty;
}

/* Print a result for people; names in it may be any bytes */
static int print_readable(void (*print)(const mms_value *result, FILE *out),
                          const mms_value *result)
{
    char *text = NULL, *readable = NULL;
    size_t size;
    FILE *const out = print ? open_memstream(&text, &size) : NULL;

    if (out) {
        print(result, out);
        if (fclose(out) == 0 && (readable = mms_readable(text)))
            fputs(readable, stdout);
        else
            fprintf(stderr, "multims: no memory for the result\n");
    }
    free(readable);
    free(text);
    return print && !readable ? EXIT_FAILED : EXIT_DONE;
}

/* Print what a run answers: findings are an answer, those before a comparison was stopped, too, and
 * what a task says of an empty selection */
static int print_result(const mms_run *run, bool verbose, mms_status st, const mms_value *result)
{
    const bool answered =
        st == MMS_OK || st == MMS_ERR_DIFFERS || (run->task->judges && !is_empty_object(result));
    const bool brief = st == MMS_OK && !verbose && run->task->print_line;

    if (run->json && (answered || (st == MMS_ERR_EMPTY && !is_empty_object(result))))
        return print_json(result);
    if (run->json || !answered || (run->quiet && !run->task->print_always))
        return EXIT_DONE;
    return print_readable(brief ? run->task->print_line : run->task->print, result);
}

/* The last line of a run that has written something */
static void print_summary(const char *verb, const mms_value *result, double seconds)
{
    char *const summary = mms_run_summary(result, seconds);

    flush_output(); // the line stands behind the result where both go to one place
    if (summary)
        mms_log(MMS_LOG_INFO, verb, "%s", summary);
    free(summary);
}

static int run_task(const mms_task *task, const mms_args *args, struct run_log *log)
{
    const mms_run_options *const options = mms_args_options(args);
    mms_run *const run = &scene_get()->run;
    mms_error err = {.msg = "failed without a message"};
    const double begin = seconds_now();
    mms_value *result = NULL;
    mms_status st;
    int status, printed;

    *run = (mms_run){.json = options->json, .quiet = options->quiet};
    scene_begin(task->name, options->log);
    if (!task->judges) // who writes nothing has nothing to clean up
        mms_stop_catch();
    st = mms_task_run(run, task, args, &result, &err);
    status = mms_run_exit_status(run, st);
    printed = print_result(run, options->verbose > 0, st, result);
    if (st != MMS_OK && (st != MMS_ERR_DIFFERS || (run->quiet && !run->json)))
        report(task->name, &err, log);
    else if (st == MMS_OK)
        print_summary(task->name, result, seconds_now() - begin);
    mms_value_free(&result);
    return status == EXIT_DONE ? printed : status;
}

static int parse_and_run(const mms_task *task, int nwords, const char *const *words)
{
    const double begin = seconds_now();
    struct run_log log = {.screen = MMS_LOG_INFO, .nwords = command_count, .words = command_words};
    mms_args *args = NULL;
    mms_error err;
    mms_status st;
    int status;

    mms_log_to(run_log_take, &log, log.screen);
    st = mms_args_parse(task, nwords, words, &args, &err);
    if (st == MMS_OK && mms_args_options(args)->help) {
        mms_task_help(task, stdout);
        mms_args_free(&args);
        return EXIT_DONE;
    }
    if (st == MMS_OK)
        st = run_log_open(mms_args_options(args), &log, &err);
    else
        run_log_open_refused(&log);
    if (st == MMS_OK) {
        status = run_task(task, args, &log);
    } else {
        report(task->name, &err, &log);
        status = mms_run_exit_status(NULL, st);
    }
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    run_log_close(&log, status, seconds_now() - begin);
    mms_args_free(&args);
    return status;
}

static void print_usage(FILE *out)
{
    fprintf(out, "multims: MeasurementSets cut into Multi-MeasurementSets, in parallel\n\n"
                 "usage: multims VERB [parameters]\n\nVerbs:\n");
    for (const mms_task *const *t = mms_tasks(); *t; t++)
        fprintf(out, "  %-16s %s\n", (*t)->name, (*t)->summary);
    for (const mms_task *const *t = mms_tasks(); *t; t++)
        if ((*t)->alias)
            fprintf(out, "  %-16s another name of %s\n", (*t)->alias, (*t)->name);
    for (int i = 0; i < NCOMMANDS; i++)
        fprintf(out, "  %-16s %s\n", commands[i].usage, commands[i].summary);
    fprintf(out, "\nmultims VERB --help   all parameters of a verb\n"
                 "multims --version     what this was built with\n");
}

/* Whether a word is a task of CASA that is no verb here */
static bool is_of_casa(const char *verb)
{
    const size_t n = strlen(verb);

    for (const char *s = casa_tasks; *s; s += strspn(s, " ")) {
        const size_t length = strcspn(s, " ");
        if (length == n && !memcmp(s, verb, n))
            return true;
        s += length;
    }
    return false;
}

/* The verb, alias, command or option that a word was probably meant to be, or NULL */
static const char *nearest_verb(const char *verb)
{
    enum { MOST = 256 };
    const char *names[2 * MOST + NCOMMANDS + 3];
    int n = 0;

    for (const mms_task *const *t = mms_tasks(); *t && n < 2 * MOST; t++) {
        names[n++] = (*t)->name;
        if ((*t)->alias)
            names[n++] = (*t)->alias;
    }
    for (int i = 0; i < NCOMMANDS; i++)
        names[n++] = commands[i].name;
    names[n++] = "--help";
    names[n++] = "--version";
    names[n] = NULL;
    return mms_word_nearest(verb, names);
}

/* Refuse a verb that nobody knows, and name the one that was probably meant; of a pasted call, its
 * name counts */
static int refuse_verb(const char *word)
{
    size_t length;
    const char *const called = mms_task_call_name(word, &length);
    char *const raw = called ? strndup(called, length) : strdup(word);
    char *const verb = raw ? mms_readable(raw) : NULL;
    const char *const nearest = verb ? nearest_verb(verb) : NULL;

    if (verb && is_of_casa(verb))
        fprintf(stderr, "multims: %s: this task of CASA is not in this version\n", verb);
    else if (nearest)
        fprintf(stderr, "multims: unknown verb %s: did you mean %s?\n", verb, nearest);
    else
        fprintf(stderr, "multims: unknown verb %s: multims help lists them\n", verb ? verb : "?");
    free(verb);
    free(raw);
    return EXIT_REFUSED;
}

/* The task that a word names, or calls as a CASA script does, or NULL; *call says which */
static const mms_task *find_task(const char *word, bool *call)
{
    const mms_task *task = mms_task_find(word);
    size_t length;
    const char *const called = task ? NULL : mms_task_call_name(word, &length);
    char *const name = called ? strndup(called, length) : NULL;

    *call = called;
    if (name)
        task = mms_task_find(name);
    free(name);
    return task;
}

static bool has_dryrun(const mms_task *task)
{
    for (const mms_param *p = task->params; p->name; p++)
        if (!strcmp(p->name, "dryrun"))
            return true;
    return false;
}

static const struct command *find_command(const char *word)
{
    for (int i = 0; i < NCOMMANDS; i++)
        if (!strcmp(word, commands[i].name))
            return &commands[i];
    return NULL;
}

static int help_command(const struct command *c)
{
    printf("multims %s: %s\n\nusage: multims %s\n", c->name, c->summary, c->usage);
    if (*c->details)
        printf("\n%s", c->details);
    if (strcmp(c->name, "plan") != 0)
        return EXIT_DONE;
    printf("\nVerbs that make a plan:\n");
    for (const mms_task *const *t = mms_tasks(); *t; t++)
        if (has_dryrun(*t))
            printf("  %-16s %s\n", (*t)->name, (*t)->summary);
    return EXIT_DONE;
}

/* Run a verb with --dryrun, which stands behind all other options so that none undoes it */
static int run_dry(const mms_task *task, int nwords, const char *const *words)
{
    const char **const all = malloc(((size_t)nwords + 1) * sizeof *all);
    int n = 0, status;

    if (!all) {
        fprintf(stderr, "multims plan: out of memory\n");
        return EXIT_FAILED;
    }
    for (; n < nwords && strcmp(words[n], "--"); n++) /* no options behind "--" */
        all[n] = words[n];
    all[n] = "--dryrun=True";
    for (; n < nwords; n++)
        all[n + 1] = words[n];
    status = parse_and_run(task, nwords + 1, all);
    free(all);
    return status;
}

static bool is_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static int plan(int nwords, const char *const *words)
{
    bool call;
    const mms_task *const task = nwords ? find_task(words[0], &call) : NULL;

    if (task && has_dryrun(task))
        return run_dry(task, nwords - !call, words + !call);
    if (nwords && is_help(words[0]))
        return help_command(find_command("plan"));
    if (!nwords)
        fprintf(stderr, "multims plan: which verb? As in: multims plan split in.ms out.ms\n");
    else if (task)
        fprintf(stderr, "multims plan: %s has no dry run: it makes no plan\n", task->name);
    else
        return refuse_verb(words[0]);
    return EXIT_REFUSED;
}

static int help(int nwords, const char *const *words)
{
    const struct command *const command = nwords ? find_command(words[0]) : NULL;
    const mms_task *const task = nwords ? mms_task_find(words[0]) : NULL;
    const bool itself = command && !strcmp(command->name, "help");

    if (nwords > 1) {
        fprintf(stderr, "multims help: unexpected word %s: one verb is enough\n", words[1]);
        return EXIT_REFUSED;
    }
    if (nwords && !task && !command && !is_help(words[0]))
        return refuse_verb(words[0]);
    if (command && !itself)
        return help_command(command);
    if (task)
        mms_task_help(task, stdout);
    else
        print_usage(stdout);
    return EXIT_DONE;
}

static int list_tasks(int nwords, const char *const *words)
{
    mms_value *all;
    int status;

    if (nwords == 1 && is_help(words[0]))
        return help_command(find_command("tasks"));
    if (nwords > 1 || (nwords && strcmp(words[0], "--json"))) {
        fprintf(stderr, "multims tasks: unexpected word %s: only --json is known\n",
                words[nwords - 1]);
        return EXIT_REFUSED;
    }
    if (!nwords) {
        for (const mms_task *const *t = mms_tasks(); *t; t++)
            printf("%-16s %s\n", (*t)->name, (*t)->summary);
        return EXIT_DONE;
    }
    all = mms_tasks_describe();
    status = print_json(all);
    mms_value_free(&all);
    return status;
}

static int run_command(int nwords, const char *const *words)
{
    const char *const verb = nwords ? words[0] : "";
    bool call;
    const mms_task *const task = find_task(verb, &call);

    if (task) /* a call is read with the words behind it */
        return parse_and_run(task, nwords - !call, words + !call);
    if (!strcmp(verb, "plan"))
        return plan(nwords - 1, words + 1);
    if (!strcmp(verb, "tasks"))
        return list_tasks(nwords - 1, words + 1);
    if (!strcmp(verb, "help") || is_help(verb))
        return help(nwords - 1, words + 1);
    if (!strcmp(verb, "--version")) {
        printf("%s\n", mms_build_info());
        return EXIT_DONE;
    }
    if (nwords)
        return refuse_verb(verb);
    print_usage(stderr);
    return EXIT_REFUSED;
}

/* Whether tables may be read, so that the process is to be watched: not for --version */
static bool may_run_task(int argc, char **argv)
{
    const struct command *const command = argc > 1 ? find_command(argv[1]) : NULL;

    return argc > 1 && *argv[1] != '-' && (!command || !strcmp(command->name, "plan"));
}

int main(int argc, char **argv)
{
    mms_unit_kind *const kinds = mms_task_units();
    int status = EXIT_FAILED;

    command_count = argc;
    command_words = (const char *const *)argv;
    if (!kinds) {
        fprintf(stderr, "multims: out of memory\n");
        return EXIT_FAILED;
    }
    (void)scene_get();
    if (may_run_task(argc, argv) && mms_engine_watch(scene_report_crash, NULL, &status))
        _exit(status); /* the other process has done it all */
    if (!mms_engine_serve(kinds, &status)) {
        /* a closed pipe is then a failed write, of which finish_output() thinks little */
        signal(SIGPIPE, SIG_IGN);
        status = finish_output(run_command(argc - 1, (const char *const *)argv + 1));
        mms_engine_shutdown(status);
    }
    free(kinds);
    return status;
}
