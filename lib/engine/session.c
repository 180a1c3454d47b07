/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file session.c  Ends what a worker has started: the processes of its session, its children. */
#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_priv.h"

/* Of a process: session 0 where it is gone. */
struct process {
    int64_t pid;
    int session, parent;
    uint64_t ticks; /* of processor time, with that of the children that it has waited for */
};

static struct process look_up(int64_t pid)
{
    struct process p = {.pid = pid};
    uint64_t ticks[4];
    char path[64], text[512];
    const char *rest;
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    if (!(file = fopen(path, "re")))
        return p;
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    rest = strrchr(text, ')'); /* the name before it may hold anything */
    if (!rest || sscanf(rest + 1,
                        " %*c %d %*d %d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                        " %" SCNu64 " %" SCNu64,
                        &p.parent, &p.session, &ticks[0], &ticks[1], &ticks[2], &ticks[3]) != 6)
        return (struct process){.pid = pid};
    p.ticks = ticks[0] + ticks[1] + ticks[2] + ticks[3];
    return p;
}

/* The processes of this machine but ours, by pid. */
struct crowd {
    struct process *of;
    int64_t n, capacity;
};

static int by_pid(const void *a, const void *b)
{
    const int64_t left = ((const struct process *)a)->pid, right = ((const struct process *)b)->pid;

    return (left > right) - (left < right);
}

static struct crowd look_around(void)
{
    DIR *const folder = opendir("/proc");
    const struct dirent *entry;
    struct crowd all = {0};
    int64_t pid;

    while (folder && (entry = readdir(folder)))
        if (mms_parse_int(entry->d_name, &pid) && pid != getpid() &&
            mms_grow(&all.of, &all.capacity, all.n + 1, sizeof *all.of, NULL) == MMS_OK)
            all.of[all.n++] = look_up(pid);
    if (folder)
        closedir(folder);
    if (all.n)
        qsort(all.of, (size_t)all.n, sizeof *all.of, by_pid);
    return all;
}

/* ---- killing ---- */

/* Kill the processes of a session, or the children of a parent, where that is not 0; returns how
 * many there were. */
static int kill_those(pid_t leader, pid_t of_parent)
{
    struct crowd all = look_around();
    int count = 0;

    for (int64_t i = 0; i < all.n; i++) {
        const struct process *const p = &all.of[i];
        if (p->pid == leader ||
            !((leader && p->session == leader) || (of_parent && p->parent == of_parent)))
            continue;
        kill((pid_t)p->pid, SIGKILL);
        count++;
    }
    free(all.of);
    return count;
}

/* ---- looking ---- */

/* Whether one is of a worker: in its session, or below it; what setsid(2) has left it stays below,
 * as a worker is the reaper of what its programs start. */
static bool is_of(const struct crowd *all, const struct process *p, pid_t worker)
{
    enum { DEEPEST = 100 }; /* they were not looked at all at once */

    for (int i = 0; p && i < DEEPEST; i++) {
        const struct process parent = {.pid = p->parent};
        if (p->session == worker || p->parent == worker)
            return true;
        p = all->n ? bsearch(&parent, all->of, (size_t)all->n, sizeof parent, by_pid) : NULL;
    }
    return false;
}

/* The sum of something over the processes of a worker. */
static uint64_t add_up(pid_t worker, bool with_itself, uint64_t (*get)(const struct process *p))
{
    struct crowd all = look_around();
    uint64_t sum = 0;

    for (int64_t i = 0; i < all.n; i++)
        if ((with_itself || all.of[i].pid != worker) && is_of(&all, &all.of[i], worker))
            sum += get(&all.of[i]);
    free(all.of);
    return sum;
}

/* Bytes that a process has read and written, wherever from and to. */
static uint64_t bytes_of(int64_t pid)
{
    char path[64];
    uint64_t in = 0, out = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%" PRId64 "/io", pid);
    if (!(file = fopen(path, "re")))
        return 0;
    if (fscanf(file, "rchar: %" SCNu64 " wchar: %" SCNu64, &in, &out) != 2)
        in = out = 0;
    fclose(file);
    return in + out;
}

static uint64_t use_of(const struct process *p)
{
    return p->ticks + bytes_of(p->pid);
}

uint64_t mms_worker_used(pid_t worker, bool with_itself)
{
    return worker > 0 ? add_up(worker, with_itself, use_of) : 0;
}

static uint64_t memory_of(const struct process *p)
{
    return (uint64_t)mms_process_memory(p->pid);
}

int64_t mms_worker_memory(pid_t worker)
{
    return (int64_t)add_up(worker, false, memory_of);
}

char mms_process_state(pid_t pid)
{
    char path[64], text[512];
    const char *rest;
    char state = '\0';
    FILE *file;
    size_t n;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    if (!(file = fopen(path, "re")))
        return '\0';
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    rest = strrchr(text, ')');
    return rest && sscanf(rest + 1, " %c", &state) == 1 ? state : '\0';
}

void mms_session_kill(pid_t leader)
{
    (void)kill_those(leader, 0);
}

void mms_children_kill(void)
{
    const struct timespec step = {.tv_nsec = 1000000};

    /* children of those that end become ours: again, until there are none */
    for (int tries = 0; tries < 1000; tries++) {
        while (waitpid(-1, NULL, WNOHANG) > 0)
            continue;
        if (waitpid(-1, NULL, WNOHANG) < 0 || !kill_those(0, getpid()))
            return;
        nanosleep(&step, NULL);
    }
}
