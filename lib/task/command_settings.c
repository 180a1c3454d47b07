/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file command_settings.c  What a server is told to use: threads, memory, cores (spec job-engine
 *  1.13). */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command_priv.h"

static const char *const names[] = {
    "set_threads", "get_threads",         "set_memory_total", "get_memory_total", "set_ncpus",
    "get_ncpus",   "set_memory_fraction", "set_memory_unit",  "set_nonfinite",    "set_taql_write",
    NULL};

bool mms_command_is_setting(const char *name)
{
    return mms_names_have(names, name);
}

/* ---- what the machine has ---- */

static int64_t physical_kib(void)
{
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) >> 10;
}

static int64_t physical_cpus(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN);
}

/* ---- what is set ---- */

/* Programs that this worker starts see the threads; restored, what was there before. */
static void use_threads(mms_value *settings, int64_t threads)
{
    const char *const now = getenv("OMP_NUM_THREADS");
    char *const text = mms_format("%lld", (long long)threads);

    if (!json_object_get(settings, "before"))
        json_object_set_new(settings, "before", mms_text_value(now ? now : ""));
    if (text)
        setenv("OMP_NUM_THREADS", text, 1);
    free(text);
}

static void restore_threads(mms_value *settings)
{
    const char *const before = json_string_value(json_object_get(settings, "before"));

    if (before && *before)
        setenv("OMP_NUM_THREADS", before, 1);
    else if (before)
        unsetenv("OMP_NUM_THREADS");
    json_object_del(settings, "before");
}

void mms_command_use_settings(mms_value *settings)
{
    const mms_value *const threads = json_object_get(settings, "threads");

    if (threads)
        use_threads(settings, json_integer_value(threads));
}

int64_t mms_command_threads(const mms_value *settings)
{
    const mms_value *const threads = json_object_get(settings, "threads");
    const char *const env = getenv("OMP_NUM_THREADS");
    int64_t n;

    if (threads)
        return json_integer_value(threads);
    return env && mms_parse_int(env, &n) ? n : physical_cpus();
}

/* A number from least to most, or -1: what the machine has. */
static mms_status take_number(mms_value *settings, const char *key, const mms_value *value,
                              double least, double most, double factor, mms_error *err)
{
    const double x = json_number_value(value);

    if (!json_is_number(value))
        return mms_fail(err, MMS_ERR_SHAPE, "%s: no number is given", key);
    if (x == -1) {
        json_object_del(settings, key);
        return MMS_OK;
    }
    if (least >= 1 && factor <= 1 && x != floor(x))
        return mms_fail(err, MMS_ERR_SHAPE, "%s: %g is no integer", key, x);
    if (x < least || x > most)
        return mms_fail(err, MMS_ERR_RANGE, "%s: %g: %g to %g, or -1 for what the machine has", key,
                        x, least, most);
    json_object_set_new(settings, key, json_integer((json_int_t)(x * factor + 1e-6)));
    return MMS_OK;
}

/* A fraction is kept, too: casa's unit of it is another one. */
static mms_status set_memory(mms_value *settings, bool fraction, const mms_value *value,
                             mms_error *err)
{
    const double mib = fraction ? (double)physical_kib() / 1024 / 100 : 1024;
    const mms_status st = take_number(settings, "memory_mib", value, fraction ? 1 : 0.001,
                                      fraction ? 100 : 1e9, mib, err);

    if (st == MMS_OK)
        json_object_del(settings, "percent");
    if (st == MMS_OK && fraction && json_object_get(settings, "memory_mib"))
        json_object_set_new(settings, "percent", json_real(json_number_value(value)));
    return st;
}

/* One of two words: the second is kept as true. */
static mms_status take_word(mms_value *settings, const char *key, const mms_value *value,
                            const char *usual, const char *other, mms_error *err)
{
    const char *const word = json_string_value(value);

    if (!word)
        return mms_fail(err, MMS_ERR_SHAPE, "%s: no text is given", key);
    if (strcmp(word, usual) && strcmp(word, other))
        return mms_fail(err, MMS_ERR_RANGE, "%s: %s is not known: %s or %s", key, word, usual,
                        other);
    json_object_set_new(settings, key, json_boolean(!strcmp(word, other)));
    return MMS_OK;
}

/* What casa tells: MiB of a total that was set, KiB of all else (spec job-engine 1.13). */
static int64_t memory_of(const mms_value *settings, bool physical)
{
    const mms_value *const set = physical ? NULL : json_object_get(settings, "memory_mib");
    const mms_value *const percent = set ? json_object_get(settings, "percent") : NULL;
    const double kib = (double)physical_kib() * (percent ? json_number_value(percent) / 100 : 1);

    if (json_is_true(json_object_get(settings, "memory_unit")) && (!set || percent))
        return (int64_t)kib;
    return set ? json_integer_value(set) : physical_kib() >> 10;
}

static mms_status set(mms_value *settings, const char *name, const mms_value *value, mms_error *err)
{
    mms_status st;

    if (!strcmp(name, "set_memory_total") || !strcmp(name, "set_memory_fraction"))
        return set_memory(settings, !strcmp(name, "set_memory_fraction"), value, err);
    if (!strcmp(name, "set_memory_unit"))
        return take_word(settings, "memory_unit", value, "MiB", "casa", err);
    if (!strcmp(name, "set_nonfinite"))
        return take_word(settings, "nonfinite", value, "error", "keep", err);
    if (!strcmp(name, "set_taql_write"))
        return take_word(settings, "reads_only", value, "yes", "no", err);
    if (!strcmp(name, "set_ncpus"))
        return take_number(settings, "cpus", value, 1, 1e9, 1, err);
    st = take_number(settings, "threads", value, 1, 1e9, 1, err);
    if (st == MMS_OK && json_object_get(settings, "threads"))
        use_threads(settings, json_integer_value(json_object_get(settings, "threads")));
    else if (st == MMS_OK)
        restore_threads(settings);
    return st;
}

mms_status mms_command_setting(mms_value *settings, const char *name, const mms_value *arguments,
                               mms_value **out, mms_error *err)
{
    const char *const iter = json_object_iter_key(json_object_iter((mms_value *)arguments));
    const mms_value *const value = iter ? json_object_get(arguments, iter) : NULL;
    const bool physical = json_is_false(value);
    const mms_value *const cpus = json_object_get(settings, "cpus");
    const size_t most = strcmp(name, "get_threads") ? 1 : 0;
    mms_status st;

    *out = NULL;
    if (json_object_size(arguments) > most)
        return mms_fail(err, MMS_ERR_SHAPE, "%s got too many arguments", name);
    if (!strncmp(name, "set_", 4)) {
        *out = json_null();
        st = set(settings, name, value, err);
        return st == MMS_OK ? st : mms_wrap(err, st, "%s", name);
    }
    if (value && !json_is_boolean(value))
        return mms_fail(err, MMS_ERR_SHAPE, "%s: neither True nor False", name);
    if (!strcmp(name, "get_threads"))
        *out = json_integer(mms_command_threads(settings));
    else if (!strcmp(name, "get_memory_total"))
        *out = json_integer(memory_of(settings, physical));
    else
        *out = json_integer(cpus && !physical ? json_integer_value(cpus) : physical_cpus());
    return *out ? MMS_OK : mms_fail(err, MMS_ERR_MEM, "out of memory");
}
