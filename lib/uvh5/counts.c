/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file counts.c  Times, baselines and antennas that there are in the rows of a file. */
#include <string.h>

#include "import_priv.h"

static mms_status see(mms_tally *tally, int32_t nkey, const int32_t *key, mms_error *err)
{
    void *record;

    tally->nkey = nkey;
    tally->size = (size_t)nkey * sizeof *key;
    return mms_tally_find(tally, key, &record, err);
}

mms_status mms_uvh5_count_row(mms_uvh5_counter *c, double jd, int64_t ant1, int64_t ant2,
                              mms_error *err)
{
    const int32_t pair[2] = {(int32_t)ant1, (int32_t)ant2};
    int32_t time[2];
    mms_status st;

    memcpy(time, &jd, sizeof time);
    MMS_TRY(see(&c->times, 2, time, err));
    MMS_TRY(see(&c->baselines, 2, pair, err));
    MMS_TRY(see(&c->antennas, 1, &pair[0], err));
    MMS_TRY(see(&c->antennas, 1, &pair[1], err));
done:
    return st;
}

mms_uvh5_counts mms_uvh5_counter_end(mms_uvh5_counter *c)
{
    const mms_uvh5_counts counts = {c->times.n, c->baselines.n, c->antennas.n};

    mms_tally_free(&c->times);
    mms_tally_free(&c->baselines);
    mms_tally_free(&c->antennas);
    return counts;
}

mms_status mms_uvh5_count(const mms_uvh5_in *in, mms_uvh5_counts *out, mms_error *err)
{
    mms_uvh5_counter counter = {0};
    mms_status st = MMS_OK;

    for (int64_t i = 0; st == MMS_OK && i < in->nblt; i++) {
        st = mms_uvh5_count_row(&counter, in->time_jd[i], in->ant1[i], in->ant2[i], err);
        mms_uvh5_in_rest(in, i);
    }
    *out = mms_uvh5_counter_end(&counter);
    return st;
}
