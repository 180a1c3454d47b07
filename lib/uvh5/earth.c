/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file earth.c  Orientation of the Earth: casacore's tables, or a file of the IERS.
 *  Source: the IERS's description of finals2000A. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "uvh5_priv.h"

static const double ARCSEC_RAD = 4.848136811095359935899141e-6;

/** A number in columns, counted from 0; false: there is none. */
static bool number_at(const char *line, size_t first, size_t n, double *out)
{
    char text[32], *end;

    if (strlen(line) < first + n || n >= sizeof text)
        return false;
    memcpy(text, line + first, n);
    text[n] = '\0';
    *out = strtod(text, &end);
    while (*end == ' ')
        end++;
    return *end == '\0' && strspn(text, " ") < n && isfinite(*out);
}

/** Add a line: MJD, pole and UT1 - UTC.  Days behind the predictions have no values. */
static mms_status take_line(mms_uvh5_earth *e, const char *line, bool *more)
{
    enum { MOST_DAYS = 100000 };
    mms_earth_day day;
    double mjd;

    if (!number_at(line, 7, 8, &mjd) || mjd != floor(mjd) || e->n >= MOST_DAYS ||
        (e->n && mjd != (double)(e->first + e->n)))
        return MMS_ERR_ARG;
    *more = number_at(line, 18, 9, &day.x_arcsec) && number_at(line, 37, 9, &day.y_arcsec) &&
            number_at(line, 58, 10, &day.dut1_s);
    if (!*more)
        return MMS_OK;
    if (e->n == 0)
        e->first = (int64_t)mjd;
    e->table[e->n++] = day;
    return MMS_OK;
}

static mms_status read_table(const char *path, mms_uvh5_earth *e, mms_error *err)
{
    enum { MOST_DAYS = 100000 };
    FILE *const file = fopen(path, "re");
    char line[512];
    bool more = true;
    mms_status st = MMS_OK;

    if (!file)
        return mms_fail(err, MMS_ERR_NOT_FOUND, "eop=%s: not found", path);
    e->table = mms_alloc(MOST_DAYS + 1, sizeof *e->table);
    if (!e->table)
        st = mms_fail(err, MMS_ERR_MEM, "eop=%s: out of memory", path);
    for (int64_t n = 1; st == MMS_OK && more && fgets(line, sizeof line, file); n++) {
        line[strcspn(line, "\r\n")] = '\0';
        st = take_line(e, line, &more);
        if (st != MMS_OK)
            (void)!mms_fail(err, st, "eop=%s: line %" PRId64 " is not an IERS finals2000A line",
                            path, n);
    }
    if (st == MMS_OK && e->n == 0)
        st = mms_fail(err, MMS_ERR_ARG, "eop=%s: line 1 is not an IERS finals2000A line", path);
    fclose(file);
    return st;
}

mms_status mms_uvh5_earth_open(const char *eop, mms_uvh5_earth *e, mms_error *err)
{
    *e = (mms_uvh5_earth){0};
    if (!strcmp(eop, "auto") || !strcmp(eop, "none"))
        return MMS_OK;
    return read_table(eop, e, err);
}

void mms_uvh5_earth_close(mms_uvh5_earth *e)
{
    free(e->table);
    e->table = NULL;
}

mms_status mms_uvh5_earth_day(mms_uvh5_earth *e, double jd, mms_error *err)
{
    const int64_t mjd = (int64_t)floor(jd - 2400000.5);

    if (e->valid && e->mjd == mjd)
        return MMS_OK;
    e->mjd = mjd;
    e->valid = true;
    e->known = false;
    if (!e->table)
        return mms_earth_read(mjd, e->days, &e->known, err);
    e->known = mjd >= e->first && mjd + 1 < e->first + e->n;
    if (e->known)
        memcpy(e->days, e->table + (mjd - e->first), sizeof e->days);
    return MMS_OK;
}

mms_status mms_uvh5_orient(mms_uvh5_earth *e, mms_sky *sky, mms_error *err)
{
    const mms_status st = mms_uvh5_earth_day(e, sky->jd, err);
    const double part = sky->jd - 2400000.5 - (double)e->mjd;
    const mms_earth_day *const d = e->days;

    if (st != MMS_OK || !e->known)
        return st;
    sky->dut1_s = mms_uvh5_dut1(d[0].dut1_s, d[1].dut1_s, part);
    sky->xp = (d[0].x_arcsec + (d[1].x_arcsec - d[0].x_arcsec) * part) * ARCSEC_RAD;
    sky->yp = (d[0].y_arcsec + (d[1].y_arcsec - d[0].y_arcsec) * part) * ARCSEC_RAD;
    return MMS_OK;
}
