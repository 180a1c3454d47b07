/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file attempts.c  Units that are tried again, and where each attempt writes. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files_priv.h"
#include "base/fingerprint_priv.h"
#include "engine_priv.h"

static const int64_t second_ns = 1000000000;

mms_status mms_tries_begin(mms_tries *t, int64_t n, int retries, const char *attempts,
                           mms_error *err)
{
    *t = (mms_tries){.n = n,
                     .budget = n / 10 + 3,
                     .most = retries + 1,
                     .attempts = attempts,
                     .of = mms_alloc(n, sizeof *t->of)};
    return t->of || n == 0 ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "engine: out of memory");
}

void mms_tries_end(mms_tries *t)
{
    free(t->of);
    t->of = NULL;
}

/* 1, 4, 16 s: what killed one may pass. */
static int64_t pause_ns(int attempt)
{
    int64_t pause = second_ns;

    for (int i = 1; i < attempt && i < 3; i++)
        pause *= 4;
    return pause;
}

/* Another program lets go of its lock sooner or later. */
int mms_tries_most(const mms_tries *t, int64_t unit)
{
    enum { LOCKED = 1 + 3 };

    return t->of[unit].locked && t->most > 1 && t->most < LOCKED ? LOCKED : t->most;
}

bool mms_tries_again(mms_tries *t, int64_t unit, bool alone, bool at_once)
{
    mms_try *const of = &t->of[unit];

    if (of->attempt >= mms_tries_most(t, unit) || (!of->locked && t->budget <= 0))
        return false;
    t->budget -= !of->locked; /* who locks a set locks all its parts */
    t->nwaiting++;
    of->broken = of->broken || !of->locked;
    of->waits = true;
    of->alone = alone;
    of->not_before_ns = at_once ? 0 : mms_now_ns() + pause_ns(of->attempt);
    return true;
}

int64_t mms_tries_due(const mms_tries *t, bool nothing_runs)
{
    const int64_t now = t->nwaiting ? mms_now_ns() : 0;

    for (int64_t i = 0; t->nwaiting && i < t->n; i++)
        if (t->of[i].waits && t->of[i].not_before_ns <= now && (nothing_runs || !t->of[i].alone))
            return i;
    return -1;
}

/* Where an attempt writes, as a new text: the output's name in a folder of all such attempts. */
static char *place(const mms_tries *t, int64_t unit, const char *out)
{
    char *const base = mms_path_base(out);
    char *const path = base ? mms_format("%s/%d/%s", t->attempts, t->of[unit].attempt, base) : NULL;

    free(base);
    return path;
}

static mms_status make_place(const mms_tries *t, const char *path, mms_error *err)
{
    char *const folder = mms_path_dir(path);
    const int failed = folder && ((mkdir(t->attempts, 0777) && errno != EEXIST) ||
                                  (mkdir(folder, 0777) && errno != EEXIST))
                           ? errno
                           : 0;

    free(folder);
    return !folder  ? mms_fail(err, MMS_ERR_MEM, "engine: out of memory")
           : failed ? mms_fail_errno(err, failed, "%s", t->attempts)
                    : MMS_OK;
}

/* A copy of what is asked in which all members that name the output name another place. */
static mms_value *move_output(const mms_value *asked, const char *out, const char *path)
{
    mms_value *const moved = json_copy((mms_value *)asked);
    const char *key;
    mms_value *value;

    json_object_foreach((mms_value *)asked, key, value)
    {
        if (json_is_string(value) && !strcmp(json_string_value(value), out))
            json_object_set_new(moved, key, mms_text_value(path));
    }
    return moved;
}

/* The unit finds nothing of an earlier attempt, and knows that it may not be the first. */
static mms_status clear_place(const mms_value *asked, const char *path, mms_value *request,
                              const mms_try *of, mms_error *err)
{
    /* of several tables the second may have been locked when the first was changed */
    const bool several = of->attempt > 1 && json_array_size(json_object_get(asked, "changes")) > 1;

    json_object_set_new(request, "attempt", json_integer(of->attempt));
    json_object_set_new(request, "broken", json_boolean(of->broken || several));
    if (json_object_get(asked, "renew"))
        json_object_set_new(request, "renew", json_true());
    else if (path && of->attempt > 1)
        return mms_remove_tree(path, err);
    return MMS_OK;
}

mms_status mms_tries_request(mms_tries *t, int64_t unit, const mms_value *asked, mms_value **out,
                             mms_error *err)
{
    const char *const path = json_string_value(json_object_get(asked, "out"));
    mms_try *const of = &t->of[unit];
    const bool moves = t->attempts && path;
    char *moved = NULL;
    mms_status st = MMS_OK;

    t->nwaiting -= of->waits;
    of->waits = false;
    of->locked = false;
    of->attempt++;
    if (!moves && of->attempt == 1) {
        *out = json_incref((mms_value *)asked);
        return MMS_OK;
    }
    *out = NULL;
    moved = moves ? place(t, unit, path) : NULL;
    if (moved)
        st = make_place(t, moved, err);
    if (st != MMS_OK) {
        free(moved);
        return st;
    }
    *out = moved ? move_output(asked, path, moved) : json_copy((mms_value *)asked);
    st = *out && (moved || !moves) ? clear_place(asked, moved ? moved : path, *out, of, err)
                                   : mms_fail(err, MMS_ERR_MEM, "engine: out of memory");
    free(moved);
    if (st != MMS_OK)
        mms_value_free(out);
    return st;
}

mms_status mms_tries_accept(const mms_tries *t, int64_t unit, const mms_value *asked,
                            mms_value **print, mms_error *err)
{
    const char *const path = json_string_value(json_object_get(asked, "out"));
    char *const moved = t->attempts && path ? place(t, unit, path) : NULL;
    mms_status st = MMS_OK;

    if (!t->attempts || !path)
        return MMS_OK;
    MMS_TRY(moved ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "engine: out of memory"));
    MMS_TRY(mms_remove_tree(path, err)); /* what a run that was killed has left there */
    if (rename(moved, path))
        MMS_TRY(mms_fail_errno(err, errno, "%s: cannot rename %s to it", path, moved));
    if (print)
        *print = mms_fingerprint(path);
done:
    free(moved);
    return st;
}
