/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file session.c  Ends what a worker has started: the processes of its session, its children. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine_priv.h"

/* The session and the parent of a process; 0 where it is gone. */
static void look_up(const char *pid, int *session, int *parent)
{
    char path[288], text[512];
    const char *rest;
    FILE *file;
    size_t n;

    *session = *parent = 0;
    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if (!(file = fopen(path, "re")))
        return;
    n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    rest = strrchr(text, ')'); /* the name before it may hold anything */
    if (!rest || sscanf(rest + 1, " %*c %d %*d %d", parent, session) != 2)
        *session = *parent = 0;
}

/* Kill the processes of a session, or the children of a parent, where that is not 0; returns how
 * many there were. */
static int kill_those(pid_t leader, pid_t of_parent)
{
    DIR *const folder = opendir("/proc");
    const struct dirent *entry;
    int session, parent, count = 0;
    int64_t pid;

    while (folder && (entry = readdir(folder))) {
        if (!mms_parse_int(entry->d_name, &pid) || pid == leader || pid == getpid())
            continue;
        look_up(entry->d_name, &session, &parent);
        if ((leader && session == leader) || (of_parent && parent == of_parent)) {
            kill((pid_t)pid, SIGKILL);
            count++;
        }
    }
    if (folder)
        closedir(folder);
    return count;
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
