/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file mpi.c  The module libmultims-mpi.so: messages between ranks.  The only file with mpi.h. */
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "bell_priv.h"
#include "mpi_priv.h"

#ifdef OPEN_MPI
#define FAMILY MMS_MPI_OPEN
#else
#define FAMILY MMS_MPI_MPICH
#endif

enum { TAG_FRAME = 1 };
/* Open MPI looks at its queue first and makes progress afterwards: one probe would see a message
 * only at the next wake-up (spec job-engine 3.3). */
enum { PROBES = 4 };

struct sending {
    struct sending *next;
    MPI_Request request;
    char *data;
};

/* MPI itself is one a process; this is our part of it. */
static struct {
    MPI_Comm comm;
    struct sending *sendings;
    mms_bell bell;
    struct { /* the message that is arriving, data NULL: none */
        MPI_Request request;
        char *data;
        int rank, size;
    } arriving;
} state;

static mms_status check(int rc, const char *what, mms_error *err)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int n;

    if (rc == MPI_SUCCESS)
        return MMS_OK;
    MPI_Error_string(rc, text, &n);
    return mms_fail(err, MMS_ERR_IO, "%s: %s", what, text);
}

/* All ranks have bells, or none: each tries that of rank 0, which is on its machine or not. */
static mms_status hang_bells(int rank, mms_error *err)
{
    const char *const wanted = getenv("MULTIMS_DOORBELL");
    uint64_t job[2] = {0};
    int mine, all = 0;
    mms_status st;

    state.bell.fd = -1;
    mine = (!wanted || strcmp(wanted, "no")) &&
           (rank || getrandom(job, sizeof job, 0) == (ssize_t)sizeof job);
    MMS_TRY(check(MPI_Bcast(job, 2, MPI_UINT64_T, 0, state.comm), "MPI_Bcast", err));
    mine = mine && mms_bell_open(&state.bell, job, rank);
    MMS_TRY(check(MPI_Barrier(state.comm), "MPI_Barrier", err));
    mine = mine && (!rank || mms_bell_ring(&state.bell, 0));
    MMS_TRY(
        check(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, state.comm), "MPI_Allreduce", err));
done:
    if (st != MMS_OK || !all)
        mms_bell_close(&state.bell);
    return st;
}

static mms_status start(int *rank, int *world_size, mms_error *err)
{
    mms_status st;
    int level;

    MMS_TRY(check(MPI_Init_thread(NULL, NULL, MPI_THREAD_SINGLE, &level), "MPI_Init_thread", err));
    MMS_TRY(check(MPI_Comm_dup(MPI_COMM_WORLD, &state.comm), "MPI_Comm_dup", err));
    MMS_TRY(check(MPI_Comm_set_errhandler(state.comm, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler",
                  err));
    MMS_TRY(check(MPI_Comm_rank(state.comm, rank), "MPI_Comm_rank", err));
    MMS_TRY(check(MPI_Comm_size(state.comm, world_size), "MPI_Comm_size", err));
    MMS_TRY(hang_bells(*rank, err));
done:
    return st;
}

static void tell(const char **version, const char **library)
{
    static char number[16], name[MPI_MAX_LIBRARY_VERSION_STRING];
    int major = 0, minor = 0, n;

    MPI_Get_version(&major, &minor);
    MPI_Get_library_version(name, &n);
    name[strcspn(name, ",\n")] = '\0';
    snprintf(number, sizeof number, "%d.%d", major, minor);
    *version = number;
    *library = name;
}

static mms_status send_message(int rank, char *data, size_t size, mms_error *err)
{
    struct sending *sending = malloc(sizeof *sending);
    mms_status st = MMS_OK;

    if (!sending)
        st = mms_fail(err, MMS_ERR_MEM, "out of memory");
    else if (size > INT_MAX) /* the engine's limit is below */
        st = mms_fail(err, MMS_ERR_RANGE, "a message of %zu bytes", size);
    else
        st = check(
            MPI_Isend(data, (int)size, MPI_BYTE, rank, TAG_FRAME, state.comm, &sending->request),
            "MPI_Isend", err);
    if (st != MMS_OK) {
        free(sending);
        free(data);
        return st;
    }
    sending->data = data;
    sending->next = state.sendings;
    state.sendings = sending;
    (void)mms_bell_ring(&state.bell, rank);
    return MMS_OK;
}

static mms_status free_sent(mms_error *err)
{
    struct sending **link = &state.sendings;
    mms_status st;
    int sent;

    while (*link) {
        struct sending *const sending = *link;
        st = check(MPI_Test(&sending->request, &sent, MPI_STATUS_IGNORE), "MPI_Test", err);
        if (st != MMS_OK)
            return st;
        if (sent) {
            *link = sending->next;
            free(sending->data);
            free(sending);
        } else {
            link = &sending->next;
        }
    }
    return MMS_OK;
}

/* Take the next message from the queue, if there is one, and begin to receive it. */
static mms_status begin_arrival(mms_error *err)
{
    MPI_Message message;
    MPI_Status status;
    mms_status st = MMS_OK;
    int found = 0;

    for (int i = 0; i < PROBES && !found && st == MMS_OK; i++)
        st = check(MPI_Improbe(MPI_ANY_SOURCE, TAG_FRAME, state.comm, &found, &message, &status),
                   "MPI_Improbe", err);
    if (st != MMS_OK || !found)
        return st;
    MMS_TRY(check(MPI_Get_count(&status, MPI_BYTE, &state.arriving.size), "MPI_Get_count", err));
    state.arriving.rank = status.MPI_SOURCE;
    state.arriving.data = malloc((size_t)state.arriving.size);
    if (!state.arriving.data)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for a message of %d bytes",
                        state.arriving.size);
    st = check(MPI_Imrecv(state.arriving.data, state.arriving.size, MPI_BYTE, &message,
                          &state.arriving.request),
               "MPI_Imrecv", err);
done:
    return st;
}

static mms_status receive(int *rank, char **data, size_t *size, mms_error *err)
{
    int complete = 0;
    mms_status st;

    *data = NULL;
    MMS_TRY(free_sent(err));
    if (!state.arriving.data)
        MMS_TRY(begin_arrival(err));
    if (!state.arriving.data)
        return MMS_OK;
    MMS_TRY(
        check(MPI_Test(&state.arriving.request, &complete, MPI_STATUS_IGNORE), "MPI_Test", err));
    if (complete) {
        *rank = state.arriving.rank;
        *data = state.arriving.data;
        *size = (size_t)state.arriving.size;
        state.arriving.data = NULL;
    }
done:
    return st;
}

static bool pending(void)
{
    return state.sendings || state.arriving.data;
}

static int bell(void)
{
    return state.bell.fd;
}

static int heard(void)
{
    return mms_bell_heard(&state.bell);
}

static void finish(void)
{
    mms_bell_close(&state.bell);
    while (state.sendings && free_sent(NULL) == MMS_OK)
        continue;
    MPI_Comm_free(&state.comm);
    MPI_Finalize();
}

static void end_all(int exit_status)
{
    MPI_Abort(state.comm, exit_status);
    abort(); /* who called can't go on, should MPI come back */
}

__attribute__((visibility("default"))) extern const mms_mpi_module mms_mpi_module_calls;
const mms_mpi_module mms_mpi_module_calls = {.size = sizeof(mms_mpi_module),
                                             .family = FAMILY,
                                             .start = start,
                                             .tell = tell,
                                             .send = send_message,
                                             .receive = receive,
                                             .pending = pending,
                                             .bell = bell,
                                             .heard = heard,
                                             .finish = finish,
                                             .abort = end_all};
