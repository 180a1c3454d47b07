/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file bell.c  Datagrams between the ranks of a machine. */
#include "bell_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Who rings faster than we listen does not keep us at it. */
enum { MOST_RINGS = 1000 };

/* A name of Linux's own, which no file bears. */
static socklen_t name_socket(const mms_bell *bell, int rank, struct sockaddr_un *name)
{
    const int n = snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "multims-%" PRIx64 "-%d",
                           bell->job[0], rank);

    name->sun_family = AF_UNIX;
    name->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

bool mms_bell_open(mms_bell *bell, const uint64_t job[2], int rank)
{
    struct sockaddr_un name;

    memcpy(bell->job, job, sizeof bell->job);
    bell->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bell->fd < 0)
        return false;
    const socklen_t size = name_socket(bell, rank, &name);
    if (!bind(bell->fd, (const struct sockaddr *)&name, size))
        return true;
    mms_bell_close(bell);
    return false;
}

bool mms_bell_ring(const mms_bell *bell, int rank)
{
    struct sockaddr_un name;
    const socklen_t size = name_socket(bell, rank, &name);

    if (bell->fd < 0)
        return false;
    return sendto(bell->fd, &bell->job[1], sizeof bell->job[1], MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&name, size) > 0 ||
           errno == EAGAIN; /* it has been rung, and has not looked yet */
}

int mms_bell_heard(const mms_bell *bell)
{
    int heard = 0, others = 0;
    uint64_t word;
    ssize_t n;

    while (bell->fd >= 0 && heard + others < MOST_RINGS &&
           (n = recv(bell->fd, &word, sizeof word, MSG_DONTWAIT)) >= 0)
        ++*(n == sizeof word && word == bell->job[1] ? &heard : &others);
    return heard ? heard : -(others > 0);
}

void mms_bell_close(mms_bell *bell)
{
    if (bell->fd >= 0)
        close(bell->fd);
    bell->fd = -1;
}
