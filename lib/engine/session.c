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

/* Call a function for each process of this machine but ours. */
static void each_process(void (*act)(void *ctx, const struct process *p), void *ctx)
{
    DIR *const folder = opendir("/proc");
    const struct dirent *entry;
    int64_t pid;

    while (folder && (entry = readdir(folder)))
        if (mms_parse_int(entry->d_name, &pid) && pid != getpid()) {
            const struct process p = look_up(pid);
            act(ctx, &p);
        }
    if (folder)
        closedir(folder);
}

/* ---- killing ---- */

struct those {
    pid_t leader, of_parent; /* 0: none */
    int count;
};

static void kill_one(void *ctx, const struct process *p)
{
    struct those *const those = ctx;

    if (p->pid == those->leader || !((those->leader && p->session == those->leader) ||
                                     (those->of_parent && p->parent == those->of_parent)))
        return;
    kill((pid_t)p->pid, SIGKILL);
    those->count++;
}

/* Kill the processes of a session, or the children of a parent, where that is not 0; returns how
 * many there were. */
static int kill_those(pid_t leader, pid_t of_parent)
{
    struct those those = {leader, of_parent, 0};

    each_process(kill_one, &those);
    return those.count;
}

/* ---- looking ---- */

struct use {
    pid_t leader;
    bool with_leader;
    uint64_t sum;
};

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

static void add_use(void *ctx, const struct process *p)
{
    struct use *const use = ctx;

    if (p->session == use->leader && (use->with_leader || p->pid != use->leader))
        use->sum += p->ticks + bytes_of(p->pid);
}

uint64_t mms_session_used(pid_t leader, bool with_leader)
{
    struct use use = {leader, with_leader, 0};

    if (leader > 0)
        each_process(add_use, &use);
    return use.sum;
}

static void add_memory(void *ctx, const struct process *p)
{
    struct use *const use = ctx;

    if (p->session == use->leader && p->pid != use->leader)
        use->sum += (uint64_t)mms_process_memory(p->pid);
}

int64_t mms_session_memory(pid_t leader)
{
    struct use use = {leader, false, 0};

    each_process(add_memory, &use);
    return (int64_t)use.sum;
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
