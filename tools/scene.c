/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file scene.c  What this process is at, for the one that watches it and speaks after a crash. */
#include "scene.h"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#include "run_log.h"

struct scene *scene_get(void)
{
    static struct scene own, *scene;
    void *shared;

    if (scene)
        return scene;
    shared = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    scene = shared == MAP_FAILED ? &own : shared;
    return scene;
}

double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void scene_begin(const char *verb, const char *log)
{
    struct scene *const scene = scene_get();

    snprintf(scene->verb, sizeof scene->verb, "%s", verb);
    snprintf(scene->log, sizeof scene->log, "%s", log);
    scene->begin = seconds_now();
}

int scene_report_crash(void *ctx, const char *text)
{
    const struct scene *const scene = scene_get();
    const int status = scene->run.wrote ? EXIT_FAILED : EXIT_REFUSED;

    (void)ctx;
    fprintf(stderr, "multims%s%s: %s\n", *scene->verb ? " " : "", scene->verb, text);
    if (*scene->log)
        run_log_add_end(scene->log, status, seconds_now() - scene->begin, text);
    return status;
}
