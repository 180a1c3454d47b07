/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file watch.c  The program in two processes: one works, and may crash on a damaged table; its
 *  parent speaks for it then.
 *
 *  casacore ends the process, or reads where there is nothing, on tables that are damaged; and what
 *  is looked at before there are workers is looked at by the client.  The second process costs
 * three milliseconds, a worker ten or more. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/blackbox_priv.h"
#include "base/files_priv.h"
#include "engine_priv.h"
#include "journal_priv.h"

/* What is passed on to the child.  A terminal sends it to both, so the child may get it twice. */
static const int passed_on[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
                                SIGUSR1, SIGUSR2, SIGTSTP, SIGCONT};

static volatile sig_atomic_t child;

static void pass_on(int number)
{
    const int before = errno;

    kill((pid_t)child, number);
    if (number == SIGTSTP)
        raise(SIGSTOP);
    errno = before;
}

static sigset_t passed_set(void)
{
    sigset_t set;

    sigemptyset(&set);
    for (int64_t i = 0; i < MMS_COUNT_OF(passed_on); i++)
        sigaddset(&set, passed_on[i]);
    return set;
}

/* nohup's ignored SIGHUP stays ignored. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART}, old;

    sigemptyset(&action.sa_mask);
    for (int64_t i = 0; i < MMS_COUNT_OF(passed_on); i++)
        if (passed_on[i] == SIGINT || passed_on[i] == SIGTERM ||
            (!sigaction(passed_on[i], NULL, &old) && old.sa_handler != SIG_IGN))
            sigaction(passed_on[i], &action, NULL);
}

/* A rank that supervises, a worker, and whoever wants one process, have no watcher. */
static bool wants_watcher(void)
{
    return !getenv(MMS_WORKER_FD_VARIABLE) && !mms_wants_inline() && mms_launch_find().rank <= 0;
}

static void go_on(mms_blackbox *box, pid_t watcher, const sigset_t *mask)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != watcher)
        _exit(1);
    box->watched = true;
    mms_blackbox_use(box);
    sigprocmask(SIG_SETMASK, mask, NULL);
}

/* ---- when the child has ended ---- */

static char *tell_crash(const mms_blackbox *box, int status)
{
    const bool known = box->inside > 0 && *box->table;
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (!known || !number) {
        char *const end = mms_blackbox_tell(box, status);
        char *const text = end ? mms_format("the working process %s", end) : NULL;
        free(end);
        return text;
    }
    if (!mms_blackbox_is_crash(status))
        return mms_format("%s: the process that reads it was killed by signal %d (%s): by "
                          "somebody, or because %s",
                          box->table, number, strsignal(number),
                          number == SIGKILL ? "memory was short" : "of a limit");
    return mms_format("%s: casacore crashed on it (signal %d, %s%s%s): the table is damaged, or "
                      "casacore can't read it",
                      box->table, number, strsignal(number), *box->words ? ": " : "", box->words);
}

/* Whether a run can be gone on with: parts that are done stay done, a journal stays that the user
 * names a folder for; and somebody killed it, which is no reason not to do the same again. */
static bool is_kept(const mms_blackbox *box, int number)
{
    char *const path = mms_format("%s/" MMS_JOURNAL_FILE, box->journal);
    const bool kept = box->ndone > 0 || ((box->stays || number == SIGKILL) && *box->journal &&
                                         path && !access(path, F_OK));

    free(path);
    return kept;
}

/* Remove a journal and its folder, unless that was there before. */
static void remove_journal(const char *folder)
{
    mms_journal_view view = {0};
    const mms_value *begin = NULL;

    if (mms_journal_read(folder, &view, NULL) == MMS_OK)
        begin = mms_journal_record(view.records, "begin");
    mms_journal_clear(folder, json_is_true(json_object_get(begin, "found")), "watch");
    mms_value_free(&view.records);
}

static char *tell_kept(const mms_blackbox *box, char *text)
{
    char *const journal = mms_path_shell(box->journal);
    char *const all = text && journal
                          ? mms_format("%s; %lld parts are done: multims resume %s goes on", text,
                                       (long long)box->ndone, journal)
                          : NULL;

    free(journal);
    free(text);
    return all;
}

/* End as the child did: who waits for us sees by which signal. */
static void end_by(int number)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

static int judge(const mms_blackbox *box, int status, mms_report_crash *report, void *ctx)
{
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    char *text;
    int code;

    if (box->ended)
        return number ? box->status : WEXITSTATUS(status);
    if (number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT ||
        number == SIGUSR1 || number == SIGUSR2)
        end_by(number);
    text = tell_crash(box, status);
    if (!box->ndone && *box->stage)
        mms_stage_remove_left(box->stage);
    if (is_kept(box, number))
        text = tell_kept(box, text);
    else if (*box->journal)
        remove_journal(box->journal);
    code = report(ctx, text ? text : "crashed");
    free(text);
    return code;
}

bool mms_engine_watch(mms_report_crash *report, void *ctx, int *exit_status)
{
    const sigset_t passed = passed_set();
    const pid_t self = getpid();
    mms_blackbox *box = MAP_FAILED;
    sigset_t before;
    int status = 0;
    pid_t pid = -1;

    mms_stop_catch_question();
    if (!wants_watcher())
        return false;
    box = mmap(NULL, sizeof *box, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (box == MAP_FAILED)
        return false;
    sigprocmask(SIG_BLOCK, &passed, &before);
    signal(SIGCHLD, SIG_DFL); /* ignored by who started us, there would be no status */
    pid = fork();
    if (pid == 0) {
        go_on(box, self, &before);
        return false;
    }
    child = pid;
    if (pid > 0)
        catch_signals();
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid > 0 && TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid)
        *exit_status = judge(box, status, report, ctx);
    munmap(box, sizeof *box);
    return pid > 0;
}
