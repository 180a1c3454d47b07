/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file blackbox.c  What a process was at, for the one that finds it dead. */
#include "blackbox_priv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base_priv.h"

static mms_blackbox own;
static mms_blackbox *box = &own;

mms_blackbox *mms_blackbox_get(void)
{
    return box;
}

void mms_blackbox_use(mms_blackbox *other)
{
    box = other ? other : &own;
}

/* A path that is too long keeps its end, which says more. */
static void keep(char *to, size_t size, const char *text)
{
    const size_t n = strlen(text);

    memcpy(to, n < size ? text : text + n - size + 1, n < size ? n + 1 : size);
}

void mms_blackbox_enter(const char *table)
{
    if (box->inside++ == 0 || *table == '/')
        keep(box->table, sizeof box->table, table);
}

void mms_blackbox_leave(void)
{
    box->inside--;
}

void mms_blackbox_set_reading(const char *path)
{
    keep(box->reading, sizeof box->reading, path);
}

void mms_blackbox_set_stage(const char *path)
{
    if (strlen(path) < sizeof box->stage)
        keep(box->stage, sizeof box->stage, path);
}

const char *mms_blackbox_stage(void)
{
    return box->stage;
}

void mms_blackbox_set_scratch(const char *path)
{
    if (strlen(path) < sizeof box->scratch)
        keep(box->scratch, sizeof box->scratch, path);
}

void mms_blackbox_set_journal(const char *folder, int64_t ndone, bool stays)
{
    const bool fits = strlen(folder) < sizeof box->journal;

    box->ndone = fits ? ndone : 0;
    box->stays = stays;
    keep(box->journal, sizeof box->journal, fits ? folder : "");
}

static char *tell_end(int status)
{
    return WIFSIGNALED(status) ? mms_format("was killed by signal %d (%s)", WTERMSIG(status),
                                            strsignal(WTERMSIG(status)))
                               : mms_format("ended with exit status %d", WEXITSTATUS(status));
}

bool mms_blackbox_is_crash(int status)
{
    const int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    return number == SIGSEGV || number == SIGBUS || number == SIGABRT || number == SIGFPE ||
           number == SIGILL;
}

char *mms_blackbox_tell(const mms_blackbox *dead, int status)
{
    char *const end = dead->memory
                          ? mms_format("was ended, as it took more than %lld MiB of memory",
                                       (long long)(dead->memory >> 20))
                          : tell_end(status);
    char *all;

    if (end && *dead->reading && dead->inside <= 0 && mms_blackbox_is_crash(status)) {
        all = mms_format("%s while it read %s, which may be damaged", end, dead->reading);
        free(end);
        return all;
    }
    if (!end || !*dead->table || (dead->inside <= 0 && !mms_blackbox_is_crash(status)))
        return end;
    all = dead->inside > 0 ? mms_format("%s in casacore, at %s%s%s", end, dead->table,
                                        *dead->words ? ": " : "", dead->words)
                           : mms_format("%s; the last table was %s", end, dead->table);
    free(end);
    return all;
}
