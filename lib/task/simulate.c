/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulate.c  The task simulate: an observation that was never made, for tests and
 * benchmarks. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "simulate_priv.h"

struct simulate {
    const char *outputvis, *correlations, *intents, *missing, *telescope, *order, *endian, *layout,
        *restfreq, *linevelocity, *lineframe, *linewidth;
    int64_t antennas, scans, firstscan, fields, spws, integrations, seed;
    mms_ints channels, tile;
    double interval_s, freq_hz, width_hz, flags, noise, lineflux;
    bool autocorrelations, data, model, corrected, floatdata, wtspectrum, sigmaspectrum;
    bool source, pointing, syscal, weather, sync, resume;
};

#define AT(member) offsetof(struct simulate, member)

static const mms_param params[] = {
    {"outputvis", MMS_PATH, AT(outputvis), .flags = MMS_PARAM_REQUIRED | MMS_PARAM_POSITIONAL,
     .doc = "MeasurementSet to make; must not exist"},
    {"antennas", MMS_INT, AT(antennas), .init = "8", .allowed = "1..", .doc = "Antennas"},
    {"autocorrelations", MMS_BOOL, AT(autocorrelations),
     .doc = "Rows of antennas with themselves too"},
    {"scans", MMS_INT, AT(scans), .init = "2", .allowed = "1..", .doc = "Scans"},
    {"firstscan", MMS_INT, AT(firstscan), .init = "1", .allowed = "0..1000000000",
     .doc = "Number of the first scan"},
    {"fields", MMS_INT, AT(fields), .init = "1", .allowed = "1..",
     .doc = "Fields; the scans take them in turn"},
    {"spws", MMS_INT, AT(spws), .init = "1", .allowed = "1..", .doc = "Spectral windows"},
    {"channels", MMS_INTS, AT(channels), .init = "64",
     .doc = "Channels: one number, or one for each spw"},
    {"correlations", MMS_STRING, AT(correlations), .init = "4",
     .doc = "1, 2, 4 or names, e.g. RR,LL; setups are separated by ; and each spw has a data "
            "description for each"},
    {"integrations", MMS_INT, AT(integrations), .init = "10", .allowed = "1..",
     .doc = "Integrations of a scan"},
    {"interval", MMS_SECONDS, AT(interval_s), .init = "10s", .unit = "s",
     .doc = "Length of an integration"},
    {"freq", MMS_DOUBLE, AT(freq_hz), .init = "1.4e9", .unit = "Hz",
     .doc = "Frequency of the first channel; the spws follow each other"},
    {"width", MMS_DOUBLE, AT(width_hz), .init = "1e6", .unit = "Hz", .doc = "Width of a channel"},
    {"telescope", MMS_CHOICE, AT(telescope), .init = "vla", .allowed = "vla alma",
     .doc = "Where the antennas stand"},
    {"intents", MMS_STRING, AT(intents), .init = "OBSERVE_TARGET#ON_SOURCE",
     .doc = "Intents, separated by ; the scans take them in turn"},
    {"missing", MMS_STRING, AT(missing),
     .doc = "Spws that have no rows in a scan: SCAN:SPW, e.g. 2:0,3:1"},
    {"order", MMS_CHOICE, AT(order), .init = "time", .allowed = "time spw",
     .doc = "Order of the rows: time as instruments write, or one data description after the "
            "other"},
    {"data", MMS_BOOL, AT(data), .init = "True", .doc = "Column DATA"},
    {"model", MMS_BOOL, AT(model), .doc = "Column MODEL_DATA"},
    {"corrected", MMS_BOOL, AT(corrected), .doc = "Column CORRECTED_DATA"},
    {"floatdata", MMS_BOOL, AT(floatdata), .doc = "Column FLOAT_DATA"},
    {"wtspectrum", MMS_BOOL, AT(wtspectrum), .doc = "Column WEIGHT_SPECTRUM"},
    {"sigmaspectrum", MMS_BOOL, AT(sigmaspectrum), .doc = "Column SIGMA_SPECTRUM"},
    {"flags", MMS_DOUBLE, AT(flags), .init = "0", .allowed = "0..1",
     .doc = "Fraction of flagged visibilities; half of them in rows flagged as a whole"},
    {"noise", MMS_DOUBLE, AT(noise), .init = "0", .allowed = "0..",
     .doc = "Half width of the noise on the real and imaginary parts of DATA; CORRECTED_DATA is "
            "twice DATA, MODEL_DATA its negative"},
    {"restfreq", MMS_STRING, AT(restfreq), .init = "",
     .doc =
         "Rest frequency of a spectral line, e.g. 1420.4058MHz: DATA is the line and noise; empty: "
         "no line"},
    {"linevelocity", MMS_STRING, AT(linevelocity), .init = "0km/s", .needs = "restfreq",
     .doc = "Its velocity, by the radio definition, e.g. -30km/s"},
    {"lineframe", MMS_CHOICE, AT(lineframe), .init = "lsrk",
     .allowed = "topo geo lsrk lsrd bary galacto lgroup cmb", .needs = "restfreq",
     .doc = "Frame in which it stays at that velocity"},
    {"linewidth", MMS_STRING, AT(linewidth), .init = "", .needs = "restfreq",
     .doc = "Its full width at half height, e.g. 20km/s; empty: four channels"},
    {"lineflux", MMS_DOUBLE, AT(lineflux), .init = "10", .needs = "restfreq", .doc = "Its height"},
    {"seed", MMS_INT, AT(seed), .init = "0", .doc = "Chooses flags, weights and noise"},
    {"source", MMS_BOOL, AT(source), .init = "True", .doc = "Sub-table SOURCE"},
    {"pointing", MMS_BOOL, AT(pointing), .doc = "Rows in POINTING"},
    {"syscal", MMS_BOOL, AT(syscal), .doc = "Sub-table SYSCAL"},
    {"weather", MMS_BOOL, AT(weather), .doc = "Sub-table WEATHER"},
    {"layout", MMS_CHOICE, AT(layout), .init = "casa",
     .allowed = "casa tiledcolumn standard shared cell aipsio",
     .doc = "Storage managers: as CASA writes them, fixed shapes, untiled, several columns in one "
            "tiled manager, a tiled array for each cell, or all in memory"},
    {"tile", MMS_INTS, AT(tile),
     .doc = "Rows of a tile, or its correlations, channels and rows; left out: 1 MiB"},
    {"endian", MMS_CHOICE, AT(endian), .init = "little", .allowed = "little big",
     .doc = "Byte order on disk"},
    {"sync", MMS_BOOL, AT(sync), .init = "True", .flags = MMS_PARAM_RUN,
     .doc = "Wait until the disk has everything; --no-sync leaves that out"},
    MMS_PARAM_SWITCH("resume", struct simulate, resume, "False",
                     "Begin anew where the same command was killed: it has one part"),
    {0},
};

enum { SPACE_MARGIN = 4 << 20 };

static mms_simulate_opts library_opts(const struct simulate *p)
{
    return (mms_simulate_opts){.size = sizeof(mms_simulate_opts),
                               .antennas = p->antennas,
                               .scans = p->scans,
                               .first_scan = p->firstscan,
                               .fields = p->fields,
                               .spws = p->spws,
                               .integrations = p->integrations,
                               .nchannels = p->channels.count,
                               .channels = p->channels.values,
                               .correlations = p->correlations,
                               .intents = p->intents,
                               .missing = p->missing,
                               .telescope = *p->telescope == 'a' ? "ALMA" : "VLA",
                               .interval_s = p->interval_s,
                               .start_freq_hz = p->freq_hz,
                               .chan_width_hz = p->width_hz,
                               .flags = p->flags,
                               .noise = p->noise,
                               .seed = p->seed,
                               .autocorrelations = p->autocorrelations,
                               .data = p->data,
                               .model = p->model,
                               .corrected = p->corrected,
                               .floatdata = p->floatdata,
                               .wtspectrum = p->wtspectrum,
                               .sigmaspectrum = p->sigmaspectrum,
                               .source = p->source,
                               .pointing = p->pointing,
                               .syscal = p->syscal,
                               .weather = p->weather,
                               .spw_order = *p->order == 's',
                               .layout = p->layout,
                               .ntile = p->tile.count,
                               .tile = p->tile.values,
                               .big_endian = *p->endian == 'b',
                               .restfreq = p->restfreq,
                               .line_velocity = p->linevelocity,
                               .line_frame = p->lineframe,
                               .line_width = p->linewidth,
                               .line_flux = p->lineflux};
}

static mms_status run(mms_run *run, const void *arg, mms_value *result, mms_error *err)
{
    const struct simulate *const p = arg;
    const mms_how how = {.sync = p->sync, .resume = p->resume};
    mms_simulate_opts opts = library_opts(p);
    int64_t rows, bytes;
    mms_status st;

    if (p->resume && mms_simulate_was_published(run, p->outputvis, result))
        return MMS_OK;
    MMS_TRY(mms_output_check_new(NULL, p->outputvis, false, err));
    MMS_TRY(mms_simulate_size(&opts, &rows, &bytes, err));
    MMS_TRY(mms_disk_demand(p->outputvis, bytes + bytes / 50 + SPACE_MARGIN, err));
    json_object_set_new(result, "outputvis", mms_text_value(p->outputvis));
    json_object_set_new(result, "rows", json_integer(rows));
    st = mms_simulate_write(run, p->outputvis, &how, &opts, result, err);
done:
    return st;
}

static void print(const mms_value *result, FILE *out)
{
    fprintf(out, "%s: %" JSON_INTEGER_FORMAT " rows, %.1f MB\n",
            json_string_value(json_object_get(result, "outputvis")),
            json_integer_value(json_object_get(result, "rows")),
            (double)json_integer_value(json_object_get(result, "bytes")) / 1e6);
}

const mms_task mms_task_simulate = {
    .name = "simulate",
    .summary = "make a MeasurementSet whose values tell their place",
    .details =
        "In row r, channel k and correlation c, with place = k * correlations + c:\n"
        "DATA is (r mod 2^24) + i place, MODEL_DATA its negative and CORRECTED_DATA its double;\n"
        "FLOAT_DATA is (r mod 2^12) * 2^12 + (place mod 2^12).  WEIGHT is 1 to 1.875,\n"
        "WEIGHT_SPECTRUM = WEIGHT * (1 + (k mod 4) / 4), SIGMA and SIGMA_SPECTRUM 1/sqrt of them.\n"
        "\n"
        "With restfreq DATA is a Gaussian line instead, real and the same in all correlations, "
        "where\n"
        "the telescope sees it: its frequency follows TIME and field as linevelocity in lineframe\n"
        "asks.  Needs casacore's measures data.\n"
        "\n"
        "The same parameters give the same bytes, but for some that casacore leaves unset in the\n"
        "layouts standard and aipsio.\n"
        "\n"
        "Examples:\n"
        "  multims simulate small.ms\n"
        "  multims simulate big.ms --antennas 27 --scans 8 --spws 4 --integrations 100 "
        "--wtspectrum\n"
        "  multims simulate hi.ms freq=1.419e9 width=1e4 channels=256 restfreq=1420.4058MHz \\\n"
        "      linevelocity=30km/s linewidth=20km/s noise=0.1",
    .params = params,
    .params_size = sizeof(struct simulate),
    .run = run,
    .print = print,
};
