/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file order_codec.c  Orders of units of in-place work, to and from JSON. */
#include <jansson.h>

#include "base/keys_priv.h"
#include "orders_priv.h"

const char *mms_inplace_step(const mms_value *order)
{
    return mms_keys_find_text(&(const mms_keys){.value = order}, "step");
}

const char *mms_inplace_lock(const mms_value *order)
{
    return mms_keys_find_text(&(const mms_keys){.value = order}, "lock");
}

bool mms_inplace_is_again(const mms_value *order)
{
    return mms_keys_find_truth(&(const mms_keys){.value = order}, "broken"); // the engine adds it
}

/** An order (NULL: no memory) that says what it is for. */
static mms_value *with_step(const char *step, mms_value *order)
{
    if (json_object_set_new(order, "step", json_string(step)))
        mms_value_free(&order);
    return order;
}

#define STEP_ENCODE(name, step, keys)                     \
    mms_value *name##_encode(const name *o)               \
    {                                                     \
        return with_step(step, mms_keys_encode(keys, o)); \
    }

/* ---- versions of flags ------------------------------------------------------------------------*/

#define SAVE(kind, member) MMS_KEY(mms_save_order, kind, member)

static const mms_key save_keys[] = {SAVE(MMS_KEY_TEXT, vis),
                                    SAVE(MMS_KEY_TEXT, version),
                                    SAVE(MMS_KEY_TEXT, comment),
                                    SAVE(MMS_KEY_INTEGER, table),
                                    {0}};

STEP_ENCODE(mms_save_order, "save", save_keys)
MMS_KEYS_DECODE(mms_save_order, save_keys, "flag version")

#define RESTORE(kind, member) MMS_KEY(mms_restore_order, kind, member)

static const mms_key restore_keys[] = {RESTORE(MMS_KEY_TEXT, set),
                                       RESTORE(MMS_KEY_TEXT, version),
                                       RESTORE(MMS_KEY_TEXT, merge),
                                       RESTORE(MMS_KEY_TEXT, lock),
                                       {0}};

/** What each part's unit has beside that. */
static const mms_key restored_keys[] = {
    RESTORE(MMS_KEY_TEXT, vis), RESTORE(MMS_KEY_INTEGER, first), {0}};

STEP_ENCODE(mms_restore_order, "restore", restore_keys)

mms_value *mms_restore_part_encode(const char *part, int64_t first)
{
    return json_pack("{s[o] sI}", "changes", mms_text_value(part), "first", (json_int_t)first);
}

mms_status mms_restore_order_decode(const mms_value *value, mms_restore_order *o, mms_error *err)
{
    mms_keys k = {.value = value};

    *o = (mms_restore_order){0};
    mms_keys_read(&k, restore_keys, o);
    mms_keys_read(&k, restored_keys, o);
    return mms_keys_end(&k, "flag version", err);
}

/* ---- columns, models --------------------------------------------------------------------------*/

#define CHANGE(kind, member) MMS_KEY(mms_change_order, kind, member)

static const mms_key change_keys[] = {CHANGE(MMS_KEY_TEXT, part),
                                      CHANGE(MMS_KEY_TEXT, rows),
                                      CHANGE(MMS_KEY_TEXT, lock),
                                      CHANGE(MMS_KEY_VALUE, work),
                                      CHANGE(MMS_KEY_TRUTH, tiles),
                                      CHANGE(MMS_KEY_TRUTH, sync),
                                      CHANGE(MMS_KEY_MAYBE, source),
                                      CHANGE(MMS_KEY_TRUTH, ends_models),
                                      CHANGE(MMS_KEY_INTEGER, memory),
                                      CHANGE(MMS_KEY_VALUE, columns),
                                      CHANGE(MMS_KEY_MAYBE, made),
                                      CHANGE(MMS_KEY_INTEGER, threads),
                                      {0}};

STEP_ENCODE(mms_change_order, "change", change_keys)
MMS_KEYS_DECODE(mms_change_order, change_keys, "columns")

static const mms_key setjy_keys[] = {MMS_KEY(mms_setjy_work, MMS_KEY_VALUE, models),
                                     MMS_KEY(mms_setjy_work, MMS_KEY_TRUTH, scalebychan),
                                     {0}};

MMS_KEYS_ENCODE(mms_setjy_work, setjy_keys)
MMS_KEYS_DECODE(mms_setjy_work, setjy_keys, "models")

#define APPLYCAL(kind, member) MMS_KEY(mms_applycal_work, kind, member)

static const mms_key applycal_keys[] = {APPLYCAL(MMS_KEY_VALUE, tables),
                                        APPLYCAL(MMS_KEY_VALUE, mounts),
                                        APPLYCAL(MMS_KEY_VALUE, channels),
                                        APPLYCAL(MMS_KEY_TRUTH, parang),
                                        APPLYCAL(MMS_KEY_TRUTH, correct),
                                        APPLYCAL(MMS_KEY_TRUTH, flag),
                                        APPLYCAL(MMS_KEY_TRUTH, strict),
                                        APPLYCAL(MMS_KEY_TRUTH, weigh),
                                        {0}};

MMS_KEYS_ENCODE(mms_applycal_work, applycal_keys)
MMS_KEYS_DECODE(mms_applycal_work, applycal_keys, "calibration")

#define MODELS(kind, member) MMS_KEY(mms_models_order, kind, member)

static const mms_key models_keys[] = {
    MODELS(MMS_KEY_TEXT, lock), MODELS(MMS_KEY_VALUE, parts), MODELS(MMS_KEY_VALUE, models), {0}};

STEP_ENCODE(mms_models_order, "models", models_keys)
MMS_KEYS_DECODE(mms_models_order, models_keys, "virtual models")

static const mms_key model_keys[] = {MMS_KEY(mms_model_tables, MMS_KEY_TEXT, main),
                                     MMS_KEY(mms_model_tables, MMS_KEY_MAYBE, source),
                                     MMS_KEY(mms_model_tables, MMS_KEY_MAYBE, field),
                                     {0}};

MMS_KEYS_ENCODE(mms_model_tables, model_keys)
MMS_KEYS_DECODE(mms_model_tables, model_keys, "virtual models")

/* ---- flags ------------------------------------------------------------------------------------*/

#define FLAG(kind, member) MMS_KEY(mms_flag_order, kind, member)

static const mms_key flag_keys[] = {FLAG(MMS_KEY_TEXT, vis),
                                    FLAG(MMS_KEY_VALUE, members),
                                    FLAG(MMS_KEY_VALUE, commands),
                                    FLAG(MMS_KEY_MAYBE, rows),
                                    FLAG(MMS_KEY_VALUE, channels),
                                    FLAG(MMS_KEY_TRUTH, alone),
                                    FLAG(MMS_KEY_TEXT, stage),
                                    FLAG(MMS_KEY_TRUTH, chunks),
                                    FLAG(MMS_KEY_TRUTH, combinescans),
                                    FLAG(MMS_KEY_NUMBER, ntime_s),
                                    FLAG(MMS_KEY_INTEGER, memory),
                                    FLAG(MMS_KEY_TEXT, lock),
                                    FLAG(MMS_KEY_TRUTH, tiles),
                                    FLAG(MMS_KEY_INTEGER, threads),
                                    {0}};

STEP_ENCODE(mms_flag_order, "flag", flag_keys)
MMS_KEYS_DECODE(mms_flag_order, flag_keys, "flags")

#define WRITE(kind, member) MMS_KEY(mms_flag_write_order, kind, member)

static const mms_key flag_write_keys[] = {WRITE(MMS_KEY_TEXT, vis),    WRITE(MMS_KEY_TEXT, stage),
                                          WRITE(MMS_KEY_VALUE, parts), WRITE(MMS_KEY_TEXT, lock),
                                          WRITE(MMS_KEY_TRUTH, tiles), {0}};

STEP_ENCODE(mms_flag_write_order, "write", flag_write_keys)
MMS_KEYS_DECODE(mms_flag_write_order, flag_write_keys, "flags")

#define COMMANDS(kind, member) MMS_KEY(mms_commands_order, kind, member)

static const mms_key commands_keys[] = {COMMANDS(MMS_KEY_TEXT, vis),
                                        COMMANDS(MMS_KEY_TEXT, lock),
                                        COMMANDS(MMS_KEY_VALUE, rows),
                                        COMMANDS(MMS_KEY_TRUTH, applied),
                                        {0}};

/** A row for FLAG_CMD. */
mms_value *mms_commands_row(const char *command, const char *reason)
{
    return json_pack("[oo]", mms_text_value(command), mms_text_value(reason));
}

STEP_ENCODE(mms_commands_order, "commands", commands_keys)
MMS_KEYS_DECODE(mms_commands_order, commands_keys, "FLAG_CMD")

/* ---- weights ----------------------------------------------------------------------------------*/

#define STATWT(kind, member) MMS_KEY(mms_statwt_order, kind, member)

static const mms_key statwt_keys[] = {STATWT(MMS_KEY_TEXT, vis),
                                      STATWT(MMS_KEY_TEXT, column),
                                      STATWT(MMS_KEY_TEXT, stage),
                                      STATWT(MMS_KEY_TEXT, lock),
                                      STATWT(MMS_KEY_VALUE, select),
                                      STATWT(MMS_KEY_VALUE, spectra),
                                      STATWT(MMS_KEY_VALUE, members),
                                      STATWT(MMS_KEY_INTEGER, channels),
                                      STATWT(MMS_KEY_INTEGER, memory),
                                      STATWT(MMS_KEY_INTEGER, threads),
                                      STATWT(MMS_KEY_NUMBER, width),
                                      STATWT(MMS_KEY_TRUTH, binned),
                                      STATWT(MMS_KEY_TRUTH, tiles),
                                      STATWT(MMS_KEY_TRUTH, time.slides),
                                      STATWT(MMS_KEY_INTEGER, time.stamps),
                                      STATWT(MMS_KEY_NUMBER, time.seconds),
                                      STATWT(MMS_KEY_TEXT, asked.fitspw),
                                      STATWT(MMS_KEY_NUMBER, asked.low),
                                      STATWT(MMS_KEY_NUMBER, asked.high),
                                      STATWT(MMS_KEY_TRUTH, asked.ranged),
                                      STATWT(MMS_KEY_TRUTH, asked.scan),
                                      STATWT(MMS_KEY_TRUTH, asked.state),
                                      STATWT(MMS_KEY_TRUTH, asked.field),
                                      STATWT(MMS_KEY_TRUTH, asked.corr),
                                      STATWT(MMS_KEY_TRUTH, asked.keeps_outside),
                                      STATWT(MMS_KEY_TRUTH, asked.excludechans),
                                      STATWT(MMS_KEY_INT32, asked.how.algorithm),
                                      STATWT(MMS_KEY_INTEGER, asked.how.minsamp),
                                      STATWT(MMS_KEY_NUMBER, asked.how.fence),
                                      STATWT(MMS_KEY_NUMBER, asked.how.zscore),
                                      STATWT(MMS_KEY_INTEGER, asked.how.maxiter),
                                      STATWT(MMS_KEY_INT32, asked.how.center),
                                      STATWT(MMS_KEY_TRUTH, asked.how.lside),
                                      {0}};

STEP_ENCODE(mms_statwt_order, "weigh", statwt_keys)
MMS_KEYS_DECODE(mms_statwt_order, statwt_keys, "weights")

#define WEIGHTS(kind, member) MMS_KEY(mms_weights_order, kind, member)

static const mms_key weights_keys[] = {WEIGHTS(MMS_KEY_TEXT, stage),
                                       WEIGHTS(MMS_KEY_TEXT, part),
                                       WEIGHTS(MMS_KEY_TEXT, lock),
                                       WEIGHTS(MMS_KEY_INTEGER, first),
                                       WEIGHTS(MMS_KEY_INTEGER, count),
                                       WEIGHTS(MMS_KEY_VALUE, writes),
                                       WEIGHTS(MMS_KEY_VALUE, adds),
                                       WEIGHTS(MMS_KEY_TRUTH, tiles),
                                       WEIGHTS(MMS_KEY_TRUTH, sync),
                                       WEIGHTS(MMS_KEY_TRUTH, zero_sigma),
                                       {0}};

STEP_ENCODE(mms_weights_order, "write_weights", weights_keys)
MMS_KEYS_DECODE(mms_weights_order, weights_keys, "weights")
