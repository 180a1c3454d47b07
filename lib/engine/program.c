/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file program.c  Runs another program: environment, process group, lines, stop, end. */
#include "program.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "engine_priv.h"

/* How often it is looked whether a running program is to end. */
enum { LOOK_MS = 20, LONGEST_LINE = 65536 };

/* A stream of the program, from its pipe to lines. */
struct stream {
    int fd, number;
    char *line;
    size_t length, nlast;
    char last[4 * MMS_PROGRAM_TAIL]; /* lines, the last of which are told */
};

/* A program that runs. */
struct running {
    const mms_program *program;
    mms_program_end *end;
    struct stream streams[2];
    pid_t pid;
    int ended_fd;              /* can be read when the program has ended; -1: the kernel has none */
    int64_t begin_ns, kill_ns; /* kill_ns: when it is killed, once it was told to end */
    int64_t next_look_ns;      /* at its memory */
    bool killed;
    mms_still still;
};

/* Signal handlers have nothing else to write to. */
static volatile sig_atomic_t told_to_stop;

static void note(int signal_number)
{
    told_to_stop = signal_number;
}

/* ---- environment ---- */

/* By these an MPI program takes itself for a rank of our job (spec job-engine 2.12); Slurm's
 * allocation stays. */
static bool is_of_launcher(const char *variable)
{
    static const char *const begins[] = {"OMPI_",       "ORTE_",        "OPAL_",
                                         "PMIX_",       "PMI_",         "PRTE_",
                                         "MPI_LOCAL",   "MV2_COMM_",    "HYDRA_",
                                         "HYDI_",       "MPIR_",        "ALPS_APP_",
                                         "PALS_",       "SLURM_PROCID", "SLURM_LOCALID",
                                         "SLURM_STEP_", "SLURM_STEPID", "MULTIMS_TRANSPORT="};

    for (int64_t i = 0; i < MMS_COUNT_OF(begins); i++)
        if (!strncmp(variable, begins[i], strlen(begins[i])))
            return true;
    return false;
}

static bool is_set_again(const char *variable, const char *const *setting)
{
    const size_t length = strcspn(variable, "=") + 1;

    for (; *setting; setting++)
        if (!strncmp(variable, *setting, length))
            return true;
    return false;
}

/* Borrows the texts. */
static const char **make_environment(const char *const *setting)
{
    int64_t n = 0, added = 0;
    const char **all;

    while (environ[n])
        n++;
    while (setting[added])
        added++;
    all = mms_alloc(n + added + 1, sizeof *all);
    if (!all)
        return NULL;
    n = 0;
    for (char *const *v = environ; *v; v++)
        if (!is_of_launcher(*v) && !is_set_again(*v, setting))
            all[n++] = *v;
    memcpy(all + n, setting, (size_t)added * sizeof *all);
    return all;
}

/* ---- start ---- */

mms_status mms_program_check(const char *name, mms_error *err)
{
    const char *const list = getenv("PATH");
    char *const copy = strdup(list ? list : "/bin:/usr/bin");
    bool found = false;

    if (strchr(name, '/'))
        found = access(name, X_OK) == 0;
    else
        for (char *rest = copy, *folder; !found && (folder = strsep(&rest, ":"));) {
            char *const path = mms_format("%s/%s", *folder ? folder : ".", name);
            found = path && access(path, X_OK) == 0;
            free(path);
        }
    free(copy);
    if (found)
        return MMS_OK;
    if (strchr(name, '/'))
        return mms_fail_errno(err, errno, "program %s", name);
    return mms_fail(err, MMS_ERR_NOT_FOUND, "program %s: not found in PATH", name);
}

/* In the child: only calls that are safe after a fork. */
static void become(const mms_program *p, const char **environment, const int *streams, int report,
                   pid_t parent)
{
    const int nothing = open("/dev/null", O_RDONLY);
    struct sigaction action = {.sa_handler = SIG_DFL};
    struct rlimit memory;
    sigset_t none;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&none);
    for (int s = 1; s < NSIG; s++)
        (void)!sigaction(s, &action, NULL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (!getrlimit(RLIMIT_AS, &memory)) { /* a worker's bound is not meant for others */
        memory.rlim_cur = memory.rlim_max;
        (void)!setrlimit(RLIMIT_AS, &memory);
    }
    (void)!close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    if (p->keeps > 0)
        (void)fcntl(p->keeps, F_SETFD, 0);
    environ = (char **)environment;
    if (getppid() == parent && nothing >= 0 && dup2(nothing, 0) == 0 && dup2(streams[0], 1) == 1 &&
        dup2(streams[1], 2) == 2 && (!p->folder || chdir(p->folder) == 0))
        execvp(p->argv[0], (char *const *)p->argv);
    const int errnum = errno;
    (void)!write(report, &errnum, sizeof errnum);
    _exit(127);
}

static void close_pair(const int *pair)
{
    close(pair[0]);
    close(pair[1]);
}

/* Fork; report is the pipe that tells why a program can't be run, and ends when it does. */
static mms_status begin(struct running *r, const char **environment, int (*pipes)[2], int *report,
                        mms_error *err)
{
    const pid_t parent = getpid();
    const int ends[2] = {pipes[0][1], pipes[1][1]};
    int errnum = 0;
    ssize_t n;

    r->pid = fork();
    if (r->pid == 0)
        become(r->program, environment, ends, report[1], parent);
    close(ends[0]);
    close(ends[1]);
    close(report[1]);
    if (r->pid < 0)
        return mms_fail_errno(err, errno, "%s", r->program->argv[0]);
    setpgid(r->pid, r->pid); /* whichever of us comes first */
    n = TEMP_FAILURE_RETRY(read(report[0], &errnum, sizeof errnum));
    if (n <= 0)
        return MMS_OK;
    (void)!TEMP_FAILURE_RETRY(waitpid(r->pid, NULL, 0));
    return mms_fail_errno(err, errnum, "program %s", r->program->argv[0]);
}

/* Make the pipes: two streams and the report. */
static mms_status make_pipes(int (*pipes)[2], mms_error *err)
{
    for (int i = 0; i < 3; i++)
        if (pipe2(pipes[i], O_CLOEXEC)) {
            const int errnum = errno;
            while (i--)
                close_pair(pipes[i]);
            return mms_fail_errno(err, errnum, "pipe");
        }
    for (int i = 0; i < 2; i++)
        fcntl(pipes[i][0], F_SETFL, O_NONBLOCK);
    return MMS_OK;
}

static mms_status start(struct running *r, mms_error *err)
{
    const char **environment = make_environment(r->program->setting);
    int pipes[3][2];
    mms_status st;

    if (!environment)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    st = make_pipes(pipes, err);
    if (st == MMS_OK) {
        st = begin(r, environment, pipes, pipes[2], err);
        close(pipes[2][0]);
        for (int i = 0; i < 2; i++) {
            r->streams[i].fd = pipes[i][0];
            r->streams[i].number = i + 1;
        }
    }
    free(environment);
    return st;
}

/* ---- lines ---- */

/* Add a line to the last ones; those before are dropped now and then, not with each. */
static void keep_line(struct stream *s)
{
    const size_t length = strnlen(s->line, MMS_PROGRAM_TAIL);

    if (s->nlast + length + 1 > sizeof s->last) {
        const size_t kept = s->nlast < MMS_PROGRAM_TAIL ? s->nlast : MMS_PROGRAM_TAIL;
        memmove(s->last, s->last + s->nlast - kept, kept);
        s->nlast = kept;
    }
    memcpy(s->last + s->nlast, s->line, length);
    s->last[s->nlast + length] = '\n';
    s->nlast += length + 1;
}

/* The last whole lines that fit; of one that is longer its end. */
static void tell_tail(const struct stream *s, char *tail)
{
    const size_t most = MMS_PROGRAM_TAIL - 1, n = s->nlast < most ? s->nlast : most;
    const char *const from = s->last + s->nlast - n;
    const char *const line = n < s->nlast ? memchr(from, '\n', n - 1) : NULL;
    const size_t skipped = line ? (size_t)(line - from) + 1 : 0;

    memcpy(tail, from + skipped, n - skipped);
    tail[n - skipped] = '\0';
}

static void end_line(struct running *r, struct stream *s)
{
    s->line[s->length] = '\0';
    s->length = 0;
    keep_line(s);
    r->program->line(r->program->ctx, s->number, s->line);
}

/* Read what is there; a program that draws a bar ends its lines with \r. */
static bool read_stream(struct running *r, struct stream *s)
{
    char text[4096];
    const ssize_t n = s->fd < 0 ? -1 : read(s->fd, text, sizeof text);

    if (!s->line && !(s->line = malloc(LONGEST_LINE + 1)))
        return false;
    for (ssize_t i = 0; i < n; i++) {
        const bool ends = text[i] == '\n' || text[i] == '\r';
        if (ends ? s->length > 0 || text[i] == '\n' : s->length == LONGEST_LINE)
            end_line(r, s);
        if (!ends && text[i])
            s->line[s->length++] = text[i];
    }
    if (n == 0) {
        close(s->fd);
        s->fd = -1;
    }
    return n > 0;
}

/* ---- wait ---- */

static void end_group(struct running *r, int signal_number)
{
    kill(-r->pid, signal_number);
    kill(-r->pid, SIGCONT); /* one that is stopped would not hear it */
}

/* All processes are looked at for that: not too often. */
static bool is_too_large(struct running *r, int64_t now)
{
    static const int64_t apart_ns = 50000000;

    if (!r->program->memory || now < r->next_look_ns)
        return false;
    r->next_look_ns = now + apart_ns;
    return mms_worker_memory(getpid()) > r->program->memory;
}

/* Tell the program to end when we are told, or its time is over; kill it when it does not. */
static void end_if_due(struct running *r)
{
    const int64_t now = mms_now_ns();
    const double limit_s = r->program->limit_s;
    const bool late = limit_s > 0 && (double)(now - r->begin_ns) > limit_s * 1e9;
    const bool stopped = told_to_stop || mms_stop_at_once();

    if (mms_still_wants(&r->still))
        mms_still_take(&r->still, mms_worker_used(getpid(), false));
    if (r->kill_ns == INT64_MAX && (late || stopped || mms_still_is(&r->still))) {
        r->end->stopped = stopped;
        r->end->timed_out = late && !stopped;
        r->end->stalled = !late && !stopped;
        r->kill_ns = now + r->program->grace_s * (int64_t)1000000000;
        end_group(r, SIGTERM);
    }
    if (!r->killed && is_too_large(r, now)) {
        r->end->large = true;
        r->kill_ns = 0;
    }
    if (now > r->kill_ns && !r->killed) {
        end_group(r, SIGKILL);
        r->killed = true;
    }
}

static void wait_for_output(struct running *r)
{
    struct pollfd fds[3] = {
        {r->streams[0].fd, POLLIN, 0}, {r->streams[1].fd, POLLIN, 0}, {r->ended_fd, POLLIN, 0}};

    (void)!poll(fds, 3, LOOK_MS);
    for (int i = 0; i < 2; i++)
        if (fds[i].revents)
            (void)read_stream(r, &r->streams[i]);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

static void wait_for_end(struct running *r)
{
    struct rusage used = {0};
    int status = 0;

    r->ended_fd = (int)syscall(SYS_pidfd_open, r->pid, 0);
    while (wait4(r->pid, &status, WNOHANG, &used) == 0) {
        wait_for_output(r);
        end_if_due(r);
    }
    if (r->ended_fd >= 0)
        close(r->ended_fd);
    r->end->wall_s = (double)(mms_now_ns() - r->begin_ns) * 1e-9;
    r->end->user_s = seconds(used.ru_utime);
    r->end->system_s = seconds(used.ru_stime);
    r->end->max_rss_kib = used.ru_maxrss;
    r->end->signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    r->end->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What it left behind is killed; the last lines are read. */
static void clean_up(struct running *r)
{
    int is_reaper = 0;

    kill(-r->pid, SIGKILL);
    if (!prctl(PR_GET_CHILD_SUBREAPER, &is_reaper) && is_reaper)
        mms_children_kill();
    for (int i = 0; i < 2; i++) {
        struct stream *const s = &r->streams[i];
        while (read_stream(r, s))
            continue;
        if (s->length)
            end_line(r, s);
        tell_tail(s, r->end->tail[i]);
        if (s->fd >= 0)
            close(s->fd);
        free(s->line);
    }
}

mms_status mms_program_run(const mms_program *program, mms_program_end *end, mms_error *err)
{
    struct running r = {.program = program,
                        .end = end,
                        .begin_ns = mms_now_ns(),
                        .kill_ns = INT64_MAX,
                        .still = {.limit_s = program->stall_s}};
    struct sigaction action = {.sa_handler = note}, before;
    mms_status st;

    memset(end, 0, sizeof *end);
    told_to_stop = 0;
    sigaction(SIGTERM, NULL, &before);
    if (before.sa_handler == SIG_DFL) /* a worker; others have mms_stop_catch() */
        sigaction(SIGTERM, &action, NULL);
    st = start(&r, err);
    if (st == MMS_OK) {
        wait_for_end(&r);
        clean_up(&r);
    } else if (r.pid > 0 || r.streams[0].number) {
        close(r.streams[0].fd);
        close(r.streams[1].fd);
    }
    sigaction(SIGTERM, &before, NULL);
    return st;
}

/* ---- how it ended ---- */

void mms_program_tell(const mms_program_end *end, mms_value *answer)
{
    json_object_set_new(answer, "exit", json_integer(end->exit_status));
    if (end->signal_number)
        json_object_set_new(answer, "signal", json_integer(end->signal_number));
    json_object_set_new(answer, "seconds", json_real(end->wall_s));
    json_object_set_new(answer, "cpu_seconds", json_real(end->user_s + end->system_s));
    json_object_set_new(answer, "max_rss_kib", json_integer(end->max_rss_kib));
    json_object_set_new(answer, "stdout_tail", mms_text_value(end->tail[0]));
    json_object_set_new(answer, "stderr_tail", mms_text_value(end->tail[1]));
}

/* The last line that says something, of stderr if it has any. */
static char *last_line(const mms_program_end *end)
{
    const char *const tail = *end->tail[1] ? end->tail[1] : end->tail[0];
    const char *last = NULL;

    for (const char *line = tail; *line; line += strcspn(line, "\n") + 1)
        for (const char *s = line; *s && *s != '\n'; s++)
            if (isalnum((unsigned char)*s))
                last = line;
    return last ? strndup(last, strcspn(last, "\n")) : NULL;
}

mms_status mms_program_judge(const mms_program *program, const mms_program_end *end, mms_error *err)
{
    const char *const name = program->argv[0];
    char *const line = last_line(end);
    const char *const colon = line ? ": " : "", *const text = line ? line : "";
    mms_status st = MMS_OK;

    if (end->stopped)
        st = mms_fail(err, MMS_ERR_STOPPED, "%s was stopped", name);
    else if (end->timed_out)
        st = mms_fail(err, MMS_ERR_WORKER, "%s was ended after the limit of %g s%s%s", name,
                      program->limit_s, colon, text);
    else if (end->stalled)
        st = mms_fail(err, MMS_ERR_WORKER, "%s was ended, as it has done nothing for %g s%s%s",
                      name, program->stall_s, colon, text);
    else if (end->large)
        st = mms_fail(err, MMS_ERR_WORKER,
                      "%s was ended, as it took more than %lld MiB of memory%s%s", name,
                      (long long)(program->memory >> 20), colon, text);
    else if (end->signal_number)
        st = mms_fail(err, MMS_ERR_WORKER, "%s was ended by signal %d (%s)%s%s", name,
                      end->signal_number, strsignal(end->signal_number), colon, text);
    else if (end->exit_status)
        st = mms_fail(err, MMS_ERR_WORKER, "%s ended with status %d%s%s", name, end->exit_status,
                      colon, text);
    free(line);
    return st;
}

/* ---- as a unit ---- */

/* The last lines are in the answer; who pushed the command does not read the others. */
static void drop_line(void *job, int stream, const char *text)
{
    (void)job, (void)stream, (void)text;
}

/* Whether a program is there and may not be run, as a folder. */
static bool is_forbidden(const char *name)
{
    struct stat info;

    return strchr(name, '/') && !stat(name, &info) && (S_ISDIR(info.st_mode) || access(name, X_OK));
}

mms_status mms_program_unit(mms_job *job, const mms_value *request, mms_value *answer,
                            mms_error *err)
{
    static const char *const nothing[] = {NULL};
    const mms_value *const words = json_object_get(request, "argv");
    const size_t n = json_array_size(words);
    const char **const argv = mms_alloc((int64_t)n + 1, sizeof *argv);
    mms_program_end *const end = mms_alloc(1, sizeof *end);
    const mms_program program = {
        .argv = argv,
        .folder = json_string_value(json_object_get(request, "folder")),
        .setting = nothing,
        .grace_s = MMS_PROGRAM_GRACE_S,
        .memory = mms_job_memory(job),
        .line = drop_line,
    };
    mms_status st;

    if (!argv || !end || !n)
        MMS_TRY(mms_fail(err, n ? MMS_ERR_MEM : MMS_ERR_ARG, "program: no words or no memory"));
    for (size_t i = 0; i < n; i++)
        argv[i] = json_string_value(json_array_get(words, i));
    st = mms_program_run(&program, end, err);
    if (st == MMS_ERR_IO && is_forbidden(argv[0]))
        json_object_set_new(answer, "class", json_string("permission"));
    MMS_TRY(st);
    mms_program_tell(end, answer);
    if (end->large)
        json_object_set_new(answer, "class", json_string("memory"));
    st = mms_program_judge(&program, end, err);
done:
    free(end);
    free(argv);
    return st;
}
