/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file check.c  What a request is refused for before its rows are looked at. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ms/columns.h"
#include "ms/model.h"
#include "ms/ms_meta.h"
#include "request_priv.h"

static const struct {
    const char *name;
    unsigned bit;
} timespan_words[] = {
    {"scan", MMS_TIMESPAN_SCAN}, {"state", MMS_TIMESPAN_STATE}, {"field", MMS_TIMESPAN_FIELD}};

/** Take a comma list of scan, state, field in any case. */
static mms_status parse_timespan(mms_request *r, mms_error *err)
{
    for (const char *at = r->timespan; *at;) {
        at += strspn(at, ", []");
        const size_t n = strcspn(at, ", []");
        unsigned bit = 0;
        for (int64_t i = 0; n && i < MMS_COUNT_OF(timespan_words) - r->no_field_span; i++)
            if (strlen(timespan_words[i].name) == n && !strncasecmp(at, timespan_words[i].name, n))
                bit = timespan_words[i].bit;
        if (n && !bit)
            return mms_fail(err, MMS_ERR_ARG, "parameter %s: %.*s is not one of scan, state%s",
                            r->timespan_name, (int)n, at, r->no_field_span ? "" : ", field");
        r->spans |= bit;
        at += n;
    }
    return MMS_OK;
}

/** ALMA's states are sub-scans of 30 s: longer bins cross them (numerics 5.1). */
static mms_status add_alma_state(mms_request *r, mms_error *err)
{
    char *telescope;
    mms_status st;

    if (!(r->timebin_s > 30) || (r->spans & MMS_TIMESPAN_STATE))
        return MMS_OK;
    st = mms_ms_telescope(r->ms, &telescope, err);
    if (st == MMS_OK && strstr(telescope, "ALMA")) {
        mms_log(MMS_LOG_WARN, r->host->task,
                "Operating with ALMA data, automatically adding state to timespan ");
        mms_log(MMS_LOG_WARN, r->host->task,
                "In order to remove sub-scan boundaries which limit time average to 30s ");
        r->spans |= MMS_TIMESPAN_STATE;
        r->adds_state = true;
    }
    free(telescope);
    return st;
}

static mms_status check_tileshape(const mms_request *r, mms_error *err)
{
    if (r->tileshape.count == 1 && r->tileshape.values[0] != 0 && r->tileshape.values[0] != 1)
        return mms_fail(err, MMS_ERR_ARG,
                        "When tileshape has one element, it should be either 0 or 1.");
    if (r->tileshape.count != 0 && r->tileshape.count != 1 && r->tileshape.count != 3)
        return mms_fail(err, MMS_ERR_ARG, "Parameter tileshape must have 1 or 3 elements.");
    for (int64_t i = 0; r->tileshape.count == 3 && i < 3; i++)
        if (r->tileshape.values[i] < 1)
            return mms_fail(err, MMS_ERR_ARG, "parameter tileshape: %" PRId64 " is not a length",
                            r->tileshape.values[i]);
    return MMS_OK;
}

/** A virtual model is calculated, also where there is a MODEL_DATA.  Where there is none CASA
 * writes ones if only SOURCE has the column for it; here the parameter has no effect. */
static mms_status check_model(mms_request *r, mms_error *err)
{
    const bool asked = !strcmp(r->datacolumn, "all") || strstr(r->datacolumn, "model");
    bool has_column;
    mms_status st;

    if (!r->realmodelcol || !asked)
        return MMS_OK;
    MMS_TRY(mms_ms_use_model(r->ms, &r->is_virtual, err));
    if (r->is_virtual || mms_ms_find_column(r->ms, MMS_COL_MODEL_DATA))
        goto done;
    MMS_TRY(mms_ms_subtable_has(r->ms, "SOURCE", "SOURCE_MODEL", &has_column, err));
    mms_log(MMS_LOG_WARN, r->host->task, "%s",
            has_column ? "Requested to make virtual MODEL_DATA column real but no model is set"
                       : "Requested to make virtual MODEL_DATA column real but SOURCE_MODEL column "
                         "is not present in SOURCE sub-table");
done:
    return st;
}

/** Rows whose values are copied; weights follow a data column that changes its name. */
static mms_status check_copies(const mms_request *r, mms_error *err)
{
    static const char *const weights[] = {MMS_COL_WEIGHT, MMS_COL_SIGMA, MMS_COL_WEIGHT_SPECTRUM,
                                          MMS_COL_SIGMA_SPECTRUM};
    const mms_status st = mms_output_check_columns(r->ms, r->datacolumn, err);

    return st == MMS_OK && strcmp(r->datacolumn, "all")
               ? mms_output_check_types(r->ms, MMS_COUNT_OF(weights), weights, err)
               : st;
}

mms_status mms_request_check(mms_request *r, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_output_check_new(r->vis, r->outputvis, r->verb == MMS_DECIDE_CVEL, err));
    if (r->verb == MMS_DECIDE_PARTITION)
        return check_copies(r, err);
    MMS_TRY(check_tileshape(r, err));
    MMS_TRY(parse_timespan(r, err));
    MMS_TRY(add_alma_state(r, err));
    if (!strcmp(r->datacolumn, "corrected_data"))
        r->datacolumn = "corrected";
    if (r->data_for_corrected && !strcmp(r->datacolumn, "corrected") &&
        !mms_ms_find_column(r->ms, MMS_COL_CORRECTED_DATA)) {
        mms_log(MMS_LOG_WARN, r->host->task, "Input CORRECTED_DATA does not exist. Will use DATA");
        r->datacolumn = "data";
    }
    MMS_TRY(check_model(r, err));
    MMS_TRY(mms_output_check_columns(r->ms, r->datacolumn, err));
done:
    return st;
}
