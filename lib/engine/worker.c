/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file worker.c  A worker: reads a frame, runs its unit, answers; one at a time. */
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine_priv.h"

/* What outlives a unit. */
struct kept {
    char *name;
    void *thing;
    mms_end_kept *end;
};

struct mms_job {
    int fd;
    uint64_t request;
    int64_t next_progress_ns;
    struct kept *kept;
};

static const int64_t progress_interval_ns = 250000000;

/* Nobody is left to answer when the socket is gone: the client has ended, so does the worker.
 * Several threads of a unit may log. */
static void send_message(int fd, mms_message message)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    size_t sent = 0;

    pthread_mutex_lock(&lock);
    while (sent < message.size) {
        const ssize_t n = send(fd, message.data + sent, message.size - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            _exit(1);
        if (n > 0)
            sent += (size_t)n;
    }
    pthread_mutex_unlock(&lock);
    free(message.data);
}

static void send_event(const mms_job *job, mms_value *body)
{
    mms_message message;

    if (mms_frame_encode(MMS_FRAME_EVENT, job->request, body, &message, NULL) == MMS_OK)
        send_message(job->fd, message);
}

static void send_log_line(void *ctx, mms_level level, const char *scope, const char *text)
{
    send_event(ctx, json_pack("{s:[i, o, o]}", "log", (int)level, mms_text_value(scope),
                              mms_text_value(text)));
}

void mms_job_progress(mms_job *job, int64_t done, int64_t total)
{
    const int64_t now = mms_now_ns();

    if (now < job->next_progress_ns)
        return;
    job->next_progress_ns = now + progress_interval_ns;
    send_event(job, json_pack("{s:[I, I]}", "progress", (json_int_t)done, (json_int_t)total));
}

static void end_kept(struct kept *kept)
{
    if (kept->thing)
        kept->end(kept->thing);
    free(kept->name);
    *kept = (struct kept){0};
}

void *mms_job_kept(const mms_job *job, const char *name)
{
    return job->kept->name && !strcmp(job->kept->name, name) ? job->kept->thing : NULL;
}

mms_status mms_job_keep(mms_job *job, const char *name, void *thing, mms_end_kept *end,
                        mms_error *err)
{
    end_kept(job->kept);
    job->kept->name = strdup(name);
    if (!job->kept->name)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", name);
    job->kept->thing = thing;
    job->kept->end = end;
    return MMS_OK;
}

static mms_status run_unit(mms_job *job, const mms_unit_kind *kinds, const mms_value *command,
                           mms_value *answer, mms_error *err)
{
    const char *const name = json_string_value(json_object_get(command, "kind"));

    for (; name && kinds->name; kinds++)
        if (!strcmp(kinds->name, name))
            return kinds->run(job, json_object_get(command, "request"), answer, err);
    return mms_fail(err, MMS_ERR_INTERNAL, "no such kind of work: %s", name ? name : "(none)");
}

static void answer_command(mms_job *job, const mms_unit_kind *kinds, const mms_value *command)
{
    const int level = (int)json_integer_value(json_object_get(command, "level"));
    mms_error err = {0};
    mms_message message;
    mms_value *answer = json_object();
    mms_status st;

    if (level >= 0)
        mms_log_to(send_log_line, job, (mms_level)level);
    st = run_unit(job, kinds, command, answer, &err);
    if (st != MMS_OK)
        end_kept(job->kept);
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    st = mms_frame_encode(MMS_FRAME_RESPONSE, job->request,
                          json_pack("{s:i, s:o, s:o}", "status", (int)st, "message",
                                    mms_text_value(err.msg), "value", answer),
                          &message, &err);
    if (st != MMS_OK && mms_frame_encode(MMS_FRAME_RESPONSE, job->request,
                                         json_pack("{s:i, s:o, s:{}}", "status", (int)st, "message",
                                                   mms_text_value(err.msg), "value"),
                                         &message, NULL) != MMS_OK)
        _exit(1);
    send_message(job->fd, message);
}

static void take_message(int fd, const mms_unit_kind *kinds, struct kept *kept, const char *data,
                         size_t size)
{
    mms_job job = {.fd = fd, .request = mms_frame_request_of(data), .kept = kept};
    mms_frame frame;

    if (mms_frame_type_of(data) != MMS_FRAME_COMMAND)
        return;
    if (mms_frame_decode(data, size, &frame, NULL) != MMS_OK)
        _exit(1);
    answer_command(&job, kinds, frame.body);
    mms_value_free(&frame.body);
}

/* A unit must not outlive its client: the next run takes the staging folder for abandoned.  The
 * client may have died before we asked for its signal. */
static void die_with_client(int fd)
{
    struct ucred client = {0};
    socklen_t size = sizeof client;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &client, &size) || client.pid != getppid())
        _exit(1);
}

void mms_worker_serve(int fd, const mms_unit_kind *kinds)
{
    mms_inbox inbox = {0};
    struct kept kept = {0};
    const char *data;
    size_t size;
    ssize_t n;

    die_with_client(fd);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGINT, SIG_IGN); /* of the terminal: the client decides */
    while ((n = mms_inbox_read(&inbox, fd)) > 0 || (n < 0 && errno == EINTR))
        while (mms_inbox_next(&inbox, &data, &size, NULL) == MMS_OK && data)
            take_message(fd, kinds, &kept, data, size);
    end_kept(&kept);
    free(inbox.data);
    close(fd);
}
