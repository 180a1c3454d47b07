/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulated_world.c  A transport to servers that are only simulated. */
#include "simulated_world.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A message that is under way to the client. */
struct event {
    double at;
    int64_t number; /* of equal times the first sent comes first */
    int rank;
    mms_frame_type type;
    uint64_t request;
};

struct sim_server {
    uint64_t request; /* which it has; 0: none */
    double frozen_until;
    uint64_t *got;
    int64_t ngot, capacity;
};

static struct {
    int nservers;
    double now, latency, work;
    sim_seconds *seconds;
    struct sim_server *servers; /* servers[rank] */
    struct event *heap;
    int64_t n, capacity, number, overlaps, messages;
    int running, most;
    bool repeats;
    mms_message answer, pong; /* of which only the request's number differs */
} sim;

double sim_chance(uint64_t n)
{
    n = (n + 1) * UINT64_C(0x9E3779B97F4A7C15);
    n ^= n >> 29;
    n *= UINT64_C(0xBF58476D1CE4E5B9);
    n ^= n >> 32;
    return (double)(n >> 11) * 0x1p-53;
}

static void need(bool holds)
{
    if (!holds)
        abort();
}

static bool is_before(const struct event *a, const struct event *b)
{
    return a->at < b->at || (a->at <= b->at && a->number < b->number);
}

static void swap(int64_t a, int64_t b)
{
    const struct event kept = sim.heap[a];
    sim.heap[a] = sim.heap[b];
    sim.heap[b] = kept;
}

static void add_event(double at, int rank, mms_frame_type type, uint64_t request)
{
    int64_t i = sim.n;

    need(mms_grow(&sim.heap, &sim.capacity, ++sim.n, sizeof *sim.heap, NULL) == MMS_OK);
    sim.heap[i] = (struct event){at, sim.number++, rank, type, request};
    for (; i > 0 && is_before(&sim.heap[i], &sim.heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap(i, (i - 1) / 2);
}

static struct event take_event(void)
{
    const struct event first = sim.heap[0];

    sim.heap[0] = sim.heap[--sim.n];
    for (int64_t i = 0;;) {
        int64_t least = i;
        for (int64_t child = 2 * i + 1; child <= 2 * i + 2 && child < sim.n; child++)
            if (is_before(&sim.heap[child], &sim.heap[least]))
                least = child;
        if (least == i)
            return first;
        swap(i, least);
        i = least;
    }
}

/* ---- the transport ---- */

static double answer_time(const struct sim_server *s, double at)
{
    return (at > s->frozen_until ? at : s->frozen_until) + sim.latency;
}

static mms_status take_from_client(int rank, char *data, size_t size, mms_error *err)
{
    struct sim_server *const s = &sim.servers[rank];
    const uint64_t request = mms_frame_request_of(data);
    const mms_frame_type type = mms_frame_type_of(data);

    (void)err;
    sim.messages++;
    if (type == MMS_FRAME_COMMAND) {
        const double seconds = sim.seconds(data, size);
        sim.overlaps += s->request != 0;
        s->request = request;
        sim.work += seconds;
        need(mms_grow(&s->got, &s->capacity, s->ngot + 1, sizeof *s->got, NULL) == MMS_OK);
        s->got[s->ngot++] = request;
        sim.most = ++sim.running > sim.most ? sim.running : sim.most;
        add_event(answer_time(s, sim.now + sim.latency + seconds), rank, MMS_FRAME_RESPONSE,
                  request);
        if (sim.repeats)
            add_event(answer_time(s, sim.now + sim.latency + seconds + 2 * sim_chance(request)),
                      rank, MMS_FRAME_RESPONSE, request);
    } else if (type == MMS_FRAME_PING || type == MMS_FRAME_STOP) {
        add_event(answer_time(s, sim.now + sim.latency), rank, MMS_FRAME_PONG, request);
    }
    free(data);
    return MMS_OK;
}

static mms_status give_to_client(int *rank, char **data, size_t *size, mms_error *err)
{
    mms_message *message;

    (void)err;
    *data = NULL;
    if (!sim.n || sim.heap[0].at > sim.now)
        return MMS_OK;
    const struct event e = take_event();
    sim.messages++;
    message = e.type == MMS_FRAME_PONG ? &sim.pong : &sim.answer;
    if (e.type == MMS_FRAME_RESPONSE && sim.servers[e.rank].request == e.request) {
        sim.servers[e.rank].request = 0;
        sim.running--;
    }
    *rank = e.rank;
    *size = message->size;
    *data = malloc(message->size);
    need(*data != NULL);
    memcpy(*data, message->data, message->size);
    memcpy(*data + 8, &e.request, sizeof e.request); /* frames are little-endian (3.4) */
    return MMS_OK;
}

static bool nothing_pending(void)
{
    return false;
}

static void finish(void)
{
}

static void end_all(int exit_status)
{
    (void)exit_status;
    abort();
}

static int64_t sim_now_ns(void)
{
    return (int64_t)(sim.now * 1e9);
}

static void pass(int64_t ns)
{
    const double most = sim.now + (double)ns * 1e-9;

    sim.now = sim.n && sim.heap[0].at < most ? sim.heap[0].at : most;
}

static const mms_mpi_module module = {.size = sizeof(mms_mpi_module),
                                      .send = take_from_client,
                                      .receive = give_to_client,
                                      .pending = nothing_pending,
                                      .finish = finish,
                                      .abort = end_all,
                                      .now = sim_now_ns,
                                      .pass = pass};

/* ---- for tests ---- */

static const mms_unit_kind none[] = {{NULL, NULL}};

void sim_begin(int nservers, double latency, sim_seconds *seconds)
{
    memset(&sim, 0, sizeof sim);
    sim.nservers = nservers;
    sim.latency = latency;
    sim.seconds = seconds;
    sim.servers = mms_alloc(nservers + 1, sizeof *sim.servers);
    need(sim.servers &&
         mms_frame_encode(
             MMS_FRAME_RESPONSE, 1,
             json_pack("{s:i, s:s, s:{s:i}}", "status", 0, "message", "", "value", "rows", 1),
             &sim.answer, NULL) == MMS_OK &&
         mms_frame_encode(MMS_FRAME_PONG, 1,
                          json_pack("{s:b, s:s, s:i}", "stopped", 0, "host", "simulated", "pid", 1),
                          &sim.pong, NULL) == MMS_OK);
    mms_world_simulate(&module, nservers + 1, none);
}

void sim_end(void)
{
    mms_world_simulate(NULL, 1, none);
    for (int s = 0; s <= sim.nservers; s++)
        free(sim.servers[s].got);
    free(sim.servers);
    free(sim.heap);
    free(sim.answer.data);
    free(sim.pong.data);
    memset(&sim, 0, sizeof sim);
}

double sim_now(void)
{
    return sim.now;
}

void sim_freeze(int server, double until)
{
    sim.servers[server].frozen_until = until;
}

void sim_repeat_answers(void)
{
    sim.repeats = true;
}

int64_t sim_overlaps(void)
{
    return sim.overlaps;
}

int64_t sim_messages(void)
{
    return sim.messages;
}

double sim_work(void)
{
    return sim.work;
}

int64_t sim_order(int server, const uint64_t **requests)
{
    *requests = sim.servers[server].got;
    return sim.servers[server].ngot;
}

int sim_most_at_once(void)
{
    const int most = sim.most;

    sim.most = sim.running;
    return most;
}
