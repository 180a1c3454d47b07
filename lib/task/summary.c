/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file summary.c  What a run ends with: rows, bytes, seconds, rate. */
#include "task_priv.h"

/** The bytes that were written: of the whole, or of its parts. */
static double bytes_of(const mms_value *result)
{
    const mms_value *const whole = json_object_get(result, "bytes_out");
    double sum = 0;
    size_t i;
    mms_value *part;

    if (whole)
        return json_number_value(whole);
    json_array_foreach(json_object_get(result, "parts"), i, part)
    {
        const mms_value *const written = json_object_get(part, "bytes_out");
        sum += json_number_value(written ? written : json_object_get(part, "bytes"));
    }
    return sum;
}

char *mms_run_summary(const mms_value *result, double seconds)
{
    const bool written = json_object_get(result, "names") != NULL;
    const mms_value *const rows = json_object_get(result, written ? "rows_out" : "rows");
    const mms_value *const bytes = json_object_get(result, "bytes"); // of what simulate makes
    const double mb = (bytes ? json_number_value(bytes) : bytes_of(result)) / 1e6;
    const char *const path = json_string_value(json_object_get(result, "outputvis"));

    const double shared = json_number_value(json_object_get(result, "bytes_shared")) / 1e6;
    char note[64] = "";

    if (!path || !rows || (!written && !bytes))
        return NULL;
    if (shared > 0)
        snprintf(note, sizeof note, ", %.1f MB of them shared with the input", shared);
    return mms_format("%s: %" JSON_INTEGER_FORMAT " rows, %.1f MB in %.*f s, %.1f MB/s%s", path,
                      json_integer_value(rows), mb, seconds < 10 ? 2 : 1, seconds,
                      seconds > 0 ? mb / seconds : 0, note);
}
