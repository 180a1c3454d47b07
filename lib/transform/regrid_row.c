/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file regrid_row.c  One row from an input window to an output grid: data, flags, and the weights
 *  that follow them (transform-numerics 0.6, 6.4, 6.5). */
#include <string.h>

#include "regrid_priv.h"

/** Flags of a spectrum, NULL where none is set, on the output grid. */
static void put_flags(const mms_interpolation *p, const mms_spectrum *in, const uint8_t *flag,
                      uint8_t *out, void *scratch)
{
    mms_interpolation_flags(p, 1, in->ncorr, flag, out, scratch);
}

static void put_weights(const mms_interpolation *p, const mms_spectrum *in, float scale,
                        mms_weight_source source, mms_spectrum *out, void *scratch)
{
    const int64_t n = out->nchan * out->ncorr;
    float *const weights = out->weights[source];

    mms_interpolation_values(p, 1, in->ncorr, 1, in->weights[source], in->weight_flag[source],
                             weights, scratch);
    for (int64_t i = 0; scale != 1 && i < n; i++)
        weights[i] *= scale;
    put_flags(p, in, in->weight_flag[source], out->weight_flag[source], scratch);
}

void mms_regrid_row(const mms_interpolation *interpolation, double weight_scale,
                    const mms_weight_choice *choice, const mms_spectrum *in, mms_spectrum *out,
                    void *scratch)
{
    const mms_interpolation *p = interpolation;

    for (int i = 0; i < in->ncolumn; i++)
        mms_interpolation_values(p, 1, in->ncorr, in->column[i].real ? 1 : 2, in->column[i].data,
                                 in->flag, out->column[i].data, scratch);
    put_flags(p, in, in->flag, out->flag, scratch);
    for (int source = 0; source < MMS_NSOURCE; source++)
        if (mms_weights_are_carried(choice, (mms_weight_source)source))
            put_weights(p, in, (float)weight_scale, (mms_weight_source)source, out, scratch);
}
