/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file mpi.c  The module libmultims-mpi.so: messages between ranks.  The only file with mpi.h. */
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

/* A message of some size goes in pieces, TAG_PIECE but for the last: to receive one takes a moment,
 * and what others send meanwhile is not held up (spec job-engine 10, A106). */
enum { TAG_FRAME = 1, TAG_PIECE = 2, PIECE = 1 << 20, SMALL = 1 << 16 };
/* Open MPI looks at its queue first and makes progress afterwards: one probe would see a message
 * only at the next wake-up (spec job-engine 3.3). */
enum { PROBES = 4 };

struct sending {
    struct sending *next;
    char *data;
    int n, sent; /* pieces */
    MPI_Request requests[];
};

/* A piece that has been taken from MPI's queue. */
struct piece {
    struct piece *next;
    MPI_Message message;
    MPI_Request request;
    int rank, size;
    bool is_last, begun;
};

/* The message of a rank that arrives, piece by piece; data NULL: none. */
struct whole {
    char *data;
    size_t size;
};

/* MPI itself is one a process; this is our part of it. */
static struct {
    MPI_Comm comm;
    struct sending *sendings;
    mms_bell bell;
    struct piece *pieces; /* in their order */
    struct whole *wholes; /* of each rank */
    int narriving;        /* wholes that have begun */
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
    state.wholes = calloc((size_t)*world_size, sizeof *state.wholes);
    if (!state.wholes)
        MMS_TRY(mms_fail(err, MMS_ERR_MEM, "out of memory"));
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

/* Begin to send all pieces of a message. */
static mms_status begin_sending(struct sending *sending, int rank, size_t size, mms_error *err)
{
    mms_status st = MMS_OK;

    for (size_t at = 0; at < size && st == MMS_OK; at += PIECE) {
        const bool is_last = size - at <= PIECE;
        st = check(MPI_Isend(sending->data + at, is_last ? (int)(size - at) : PIECE, MPI_BYTE, rank,
                             is_last ? TAG_FRAME : TAG_PIECE, state.comm,
                             &sending->requests[sending->n]),
                   "MPI_Isend", err);
        sending->n += st == MMS_OK;
    }
    return st;
}

static mms_status send_message(int rank, char *data, size_t size, mms_error *err)
{
    const size_t n = (size + PIECE - 1) / PIECE;
    struct sending *const sending = malloc(sizeof *sending + n * sizeof *sending->requests);
    mms_status st;

    if (!sending) {
        free(data);
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    }
    *sending = (struct sending){.next = state.sendings, .data = data};
    state.sendings = sending; /* also what could be sent of one that fails: MPI has it */
    st = begin_sending(sending, rank, size, err);
    (void)mms_bell_ring(&state.bell, rank);
    return st;
}

static mms_status free_sent(mms_error *err)
{
    struct sending **link = &state.sendings;
    mms_status st;

    while (*link) {
        struct sending *const sending = *link;
        for (int sent = 1; sent && sending->sent < sending->n; sending->sent += sent) {
            st = check(MPI_Test(&sending->requests[sending->sent], &sent, MPI_STATUS_IGNORE),
                       "MPI_Test", err);
            if (st != MMS_OK)
                return st;
        }
        if (sending->sent == sending->n) {
            *link = sending->next;
            free(sending->data);
            free(sending);
        } else {
            link = &sending->next;
        }
    }
    return MMS_OK;
}

/* ---- receive ---- */

/* Whether no other piece of its rank comes before a piece: they are received in their order. */
static bool is_first(const struct piece *piece)
{
    const struct piece *p = state.pieces;

    while (p->rank != piece->rank)
        p = p->next;
    return p == piece;
}

/* Take the next piece from MPI's queue, if there is one. */
static mms_status match(struct piece **out, mms_error *err)
{
    struct piece **link = &state.pieces;
    MPI_Message message;
    MPI_Status status;
    mms_status st = MMS_OK;
    int found = 0, size;

    *out = NULL;
    for (int i = 0; i < PROBES && !found && st == MMS_OK; i++)
        st = check(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, state.comm, &found, &message, &status),
                   "MPI_Improbe", err);
    if (st != MMS_OK || !found)
        return st;
    MMS_TRY(check(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count", err));
    while (*link)
        link = &(*link)->next;
    *link = *out = malloc(sizeof **out);
    if (!*out)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for a message");
    **out = (struct piece){.message = message,
                           .rank = status.MPI_SOURCE,
                           .size = size,
                           .is_last = status.MPI_TAG == TAG_FRAME};
done:
    return st;
}

/* Receive a piece behind the others of its message. */
static mms_status begin(struct piece *piece, mms_error *err)
{
    struct whole *const whole = &state.wholes[piece->rank];
    char *const grown = realloc(whole->data, whole->size + (size_t)piece->size);

    piece->begun = true;
    if (!grown)
        return mms_fail(err, MMS_ERR_MEM, "out of memory for a message of %zu bytes and more",
                        whole->size + (size_t)piece->size);
    state.narriving += !whole->data;
    whole->data = grown;
    return check(
        MPI_Imrecv(grown + whole->size, piece->size, MPI_BYTE, &piece->message, &piece->request),
        "MPI_Imrecv", err);
}

/* Small messages are received when they come, of large ones a piece at a time: first of those that
 * have begun, but a rank that is stopped meanwhile holds up no other. */
static mms_status begin_pieces(mms_error *err)
{
    struct piece *piece, *large = NULL;
    mms_status st;

    do {
        MMS_TRY(match(&piece, err));
        if (piece && piece->is_last && piece->size <= SMALL && is_first(piece))
            return begin(piece, err);
    } while (piece);
    for (piece = state.pieces; piece; piece = piece->next)
        if (!piece->begun && is_first(piece) &&
            (!large || (!state.wholes[large->rank].data && state.wholes[piece->rank].data)))
            large = piece;
    if (large)
        st = begin(large, err);
done:
    return st;
}

static void take_whole(struct piece *piece, char **data, size_t *size)
{
    struct whole *const whole = &state.wholes[piece->rank];

    whole->size += (size_t)piece->size;
    if (!piece->is_last)
        return;
    *data = whole->data;
    *size = whole->size;
    *whole = (struct whole){0};
    state.narriving--;
}

static mms_status receive(int *rank, char **data, size_t *size, mms_error *err)
{
    int complete = 0;
    mms_status st;

    *data = NULL;
    MMS_TRY(free_sent(err));
    MMS_TRY(begin_pieces(err));
    for (struct piece **link = &state.pieces, *piece; (piece = *link) && !*data;) {
        if (piece->begun)
            MMS_TRY(
                check(MPI_Test(&piece->request, &complete, MPI_STATUS_IGNORE), "MPI_Test", err));
        if (!piece->begun || !complete) {
            link = &piece->next;
            continue;
        }
        take_whole(piece, data, size);
        *rank = piece->rank;
        *link = piece->next;
        free(piece);
    }
done:
    return st;
}

static bool pending(void)
{
    return state.sendings || state.pieces || state.narriving;
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
