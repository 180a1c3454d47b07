/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file arena.c  Memory that is taken in pieces and given back as a whole. */
#include "arena_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base_priv.h"

enum { MOST_IDLE = 16 };

struct mms_arena_piece {
    void *memory;
    int64_t bytes;
    int idle; /**< resets since it was in use; -1: in use */
};

static void reset(mms_arena *a, int most_idle)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < a->n; i++) {
        mms_arena_piece *p = &a->pieces[i];
        if (++p->idle > most_idle)
            free(p->memory);
        else
            a->pieces[kept++] = *p;
    }
    a->n = kept;
}

void mms_arena_reset(mms_arena *arena)
{
    reset(arena, MOST_IDLE);
}

void mms_arena_end(mms_arena *arena)
{
    reset(arena, -1);
    free(arena->pieces);
    *arena = (mms_arena){0};
}

/** Find the smallest free piece that is large enough, and not much too large. */
static mms_arena_piece *find(mms_arena *a, int64_t bytes)
{
    mms_arena_piece *best = NULL;

    for (int64_t i = 0; i < a->n; i++) {
        mms_arena_piece *p = &a->pieces[i];
        if (p->idle >= 0 && p->bytes >= bytes && p->bytes / 4 <= bytes &&
            (!best || p->bytes < best->bytes))
            best = p;
    }
    return best;
}

void *mms_arena_get(mms_arena *a, int64_t n, size_t size)
{
    int64_t bytes;
    mms_arena_piece *p;

    assert(n >= 0);
    if (__builtin_mul_overflow(n, (int64_t)size, &bytes) || bytes > INT64_MAX - 4096)
        return NULL;
    bytes = (bytes + 63) / 64 * 64 + 64;
    p = find(a, bytes);
    if (!p) {
        if (mms_grow(&a->pieces, &a->capacity, a->n + 1, sizeof *a->pieces, NULL) != MMS_OK)
            return NULL;
        p = &a->pieces[a->n];
        p->bytes = bytes;
        p->memory = aligned_alloc(64, (size_t)bytes);
        if (!p->memory)
            return NULL;
        a->n++;
    }
    p->idle = -1;
    return p->memory;
}

void *mms_arena_zeros(mms_arena *a, int64_t n, size_t size)
{
    void *memory = mms_arena_get(a, n, size);
    return memory ? memset(memory, 0, (size_t)n * size) : NULL;
}
