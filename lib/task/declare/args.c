/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file args.c  The words after a verb, or a JSON object, to the struct of a task. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "params_priv.h"

enum source { FROM_DEFAULT = 0, FROM_FILE, FROM_WORD };

/* A parameter on its way from text to value */
struct slot {
    const mms_param *param;
    enum source source;
    char *text; /* NULL: the default */
    mms_value *value;
    int64_t *ints;
};

struct mms_args {
    const mms_task *task;
    void *params;
    mms_run_options options;
    mms_value *values, *given;
    int64_t nslot, nown; /* the task's own parameters come first, the shared ones follow */
    struct slot *slots;
};

/* The words still to read, and those without a name */
struct words {
    const char *const *next, *const *end;
    const char **loose;
    int64_t nloose;
    bool options_ended; /* "--" was read */
};

static int64_t count_params(const mms_param *params)
{
    int64_t n = 0;
    while (params[n].name)
        n++;
    return n;
}

static mms_status create(const mms_task *task, mms_args **out, mms_error *err)
{
    const int64_t nown = count_params(task->params), nshared = count_params(mms_run_params);
    mms_args *const args = mms_alloc(1, sizeof *args);

    *out = args;
    if (!args)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    args->task = task;
    args->nown = nown;
    args->params = mms_alloc(1, task->params_size);
    args->slots = mms_alloc(nown + nshared, sizeof *args->slots);
    args->values = json_object();
    args->given = json_object();
    if (!args->params || !args->slots || !args->values || !args->given)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    args->nslot = nown + nshared;
    for (int64_t i = 0; i < args->nslot; i++)
        args->slots[i].param = i < nown ? &task->params[i] : &mms_run_params[i - nown];
    return MMS_OK;
}

static struct slot *find_slot(mms_args *args, const char *name, size_t length)
{
    for (int64_t i = 0; i < args->nslot; i++)
        if (mms_param_same_name(name, length, args->slots[i].param->name))
            return &args->slots[i];
    return NULL;
}

static mms_status refuse_unknown(const mms_args *args, const char *name, size_t length,
                                 mms_error *err)
{
    const char **const names = mms_alloc(args->nslot + 1, sizeof *names);
    char *const word = strndup(name, length);
    const char *nearest = NULL;

    for (int64_t i = 0; names && i < args->nslot; i++)
        names[i] = args->slots[i].param->name;
    if (names && word)
        nearest = mms_word_nearest(word, names);
    if (nearest)
        mms_fail(err, MMS_ERR_ARG, "unknown parameter %s: did you mean %s?", word, nearest);
    else
        mms_fail(err, MMS_ERR_ARG, "unknown parameter %.*s: multims %s --help lists them",
                 length ? (int)length : 2, length ? name : "''", args->task->name);
    free(word);
    free(names);
    return MMS_ERR_ARG;
}

/* Keep text, which the slot owns from now on, NULL when memory is out */
static mms_status set_text(struct slot *slot, char *text, enum source source, mms_error *err)
{
    free(slot->text);
    slot->text = text;
    slot->source = source;
    return text ? MMS_OK
                : mms_fail(err, MMS_ERR_MEM, "parameter %s: out of memory", slot->param->name);
}

static mms_status give_word(mms_args *args, struct slot *slot, const char *word, mms_error *err)
{
    if (slot->source == FROM_WORD)
        mms_log(MMS_LOG_WARN, args->task->name, "parameter %s is given twice: %s is used",
                slot->param->name, *word ? word : "''");
    return set_text(slot, mms_param_unquote(slot->param, word), FROM_WORD, err);
}

/* An option without a value: a boolean is true, a repeated one counts */
static mms_status give_bare(mms_args *args, struct slot *slot, mms_error *err)
{
    int64_t n = 0;

    if (slot->param->type == MMS_BOOL)
        return give_word(args, slot, "True", err);
    if (slot->text)
        (void)mms_parse_int(slot->text, &n);
    return set_text(slot, mms_format("%lld", (long long)n + 1), FROM_WORD, err);
}

static bool is_bare(const struct slot *slot)
{
    return slot->param->type == MMS_BOOL || slot->param->type == MMS_REPEAT;
}

/* Take the value of a named option from the next word */
static mms_status give_next(mms_args *args, struct slot *slot, struct words *words, mms_error *err)
{
    const char *const next = words->next < words->end ? *words->next : NULL;
    const bool truth = next && (!strcasecmp(next, "true") || !strcasecmp(next, "false"));

    if (is_bare(slot) && !(slot->param->type == MMS_BOOL && truth))
        return give_bare(args, slot, err);
    if (!next || !strncmp(next, "--", 2))
        return mms_fail(err, MMS_ERR_ARG, "parameter %s: its value is missing", slot->param->name);
    words->next++;
    return give_word(args, slot, next, err);
}

/* The boolean that --no-NAME switches off, or NULL */
static struct slot *find_negated(mms_args *args, const char *name, size_t length)
{
    struct slot *slot;

    if (length < 3 || strncmp(name, "no", 2))
        return NULL;
    slot = find_slot(args, name + 2, length - 2);
    return slot && slot->param->type == MMS_BOOL ? slot : NULL;
}

static mms_status take_long(mms_args *args, const char *name, struct words *words, mms_error *err)
{
    const size_t length = strcspn(name, "=");
    struct slot *slot = find_slot(args, name, length);

    if (slot && name[length])
        return give_word(args, slot, name + length + 1, err);
    if (slot)
        return give_next(args, slot, words, err);
    slot = find_negated(args, name, length);
    if (!slot)
        return refuse_unknown(args, name, length, err);
    if (name[length])
        return mms_fail(err, MMS_ERR_ARG, "--%.*s takes no value", (int)length, name);
    return give_word(args, slot, "False", err);
}

/* "-j4", "-j 4", "-vv" */
static mms_status take_short(mms_args *args, const char *letters, struct words *words,
                             mms_error *err)
{
    mms_status st = MMS_OK;

    for (const char *s = letters; *s && st == MMS_OK; s++) {
        const mms_param *const p = mms_param_of_letter(*s);
        struct slot *const slot = p ? find_slot(args, p->name, strlen(p->name)) : NULL;
        if (!slot)
            return mms_fail(err, MMS_ERR_ARG, "unknown option -%c: multims %s --help lists them",
                            *s, args->task->name);
        if (is_bare(slot))
            st = give_bare(args, slot, err);
        else
            return s[1] ? give_word(args, slot, s + 1 + (s[1] == '='), err)
                        : give_next(args, slot, words, err);
    }
    return st;
}

/* The length of the name in "name=value", 0 when the word is something else, like a path */
static size_t key_length(const char *word)
{
    size_t n = 0;

    while (isalnum((unsigned char)word[n]) || word[n] == '_' || word[n] == '-')
        n++;
    return word[n] == '=' && isalpha((unsigned char)word[0]) ? n : 0;
}

static mms_status take_word(mms_args *args, const char *word, struct words *words, mms_error *err)
{
    const size_t length = words->options_ended ? 0 : key_length(word);

    if (words->options_ended || (!length && (word[0] != '-' || !word[1]))) {
        words->loose[words->nloose++] = word;
        return MMS_OK;
    }
    if (!strcmp(word, "--")) {
        words->options_ended = true;
        return MMS_OK;
    }
    if (length) {
        struct slot *const slot = find_slot(args, word, length);
        return slot ? give_word(args, slot, word + length + 1, err)
                    : refuse_unknown(args, word, length, err);
    }
    return word[1] == '-' ? take_long(args, word + 2, words, err)
                          : take_short(args, word + 1, words, err);
}

/* Give the words without a name to the positional parameters that have no value yet */
static mms_status take_loose(mms_args *args, const struct words *words, mms_error *err)
{
    mms_status st = MMS_OK;
    int64_t used = 0;

    for (int64_t i = 0; i < args->nown && used < words->nloose && st == MMS_OK; i++) {
        struct slot *const slot = &args->slots[i];
        if ((slot->param->flags & MMS_PARAM_POSITIONAL) && slot->source != FROM_WORD)
            st = set_text(slot, strdup(words->loose[used++]), FROM_WORD, err);
    }
    if (st == MMS_OK && used < words->nloose)
        return mms_fail(err, MMS_ERR_ARG,
                        "unexpected word %s: a value needs its parameter, as in name=value",
                        words->loose[used]);
    return st;
}

static mms_status take_words(mms_args *args, int nwords, const char *const *words, mms_error *err)
{
    struct words w = {words, words + nwords, mms_alloc(nwords, sizeof *w.loose), 0, false};
    mms_status st = MMS_OK;

    if (!w.loose)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    while (w.next < w.end && st == MMS_OK)
        st = take_word(args, *w.next++, &w, err);
    if (st == MMS_OK)
        st = take_loose(args, &w, err);
    free(w.loose);
    return st;
}

/* Take what object gives and no word gave; null is the default */
static mms_status take_object(mms_args *args, const mms_value *object, enum source source,
                              mms_error *err)
{
    mms_status st = MMS_OK;
    const char *name;
    mms_value *value;
    char *text;

    if (!json_is_object(object))
        return mms_fail(err, MMS_ERR_ARG, "parameters must be a JSON object: {\"name\": value}");
    json_object_foreach((mms_value *)object, name, value)
    {
        struct slot *const slot = find_slot(args, name, strlen(name));
        if (!slot)
            return refuse_unknown(args, name, strlen(name), err);
        if (slot->source > source || json_is_null(value))
            continue;
        MMS_TRY(mms_param_text(slot->param, value, &text, err));
        MMS_TRY(set_text(slot, text, source, err));
    }
done:
    return st;
}

static mms_status take_file(mms_args *args, mms_error *err)
{
    const struct slot *const slot = find_slot(args, "params", strlen("params"));
    mms_value *object = NULL;
    char *path;
    mms_status st = MMS_OK;

    if (!slot->text || !*slot->text)
        return MMS_OK;
    path = strdup(slot->text); /* the file may name another one, which is not read */
    if (!path)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    MMS_TRY(mms_value_read(path, &object, err));
    st = take_object(args, object, FROM_FILE, err);
    if (st != MMS_OK)
        mms_wrap(err, st, "%s", path);
done:
    mms_value_free(&object);
    free(path);
    return st;
}

static bool is_empty(const mms_value *value)
{
    const char *const text = json_string_value(value);
    return text && text[strspn(text, " \t\r\n")] == '\0';
}

static mms_status fill_slot(mms_args *args, struct slot *slot, bool own, mms_error *err)
{
    const mms_param *const p = slot->param;
    mms_status st;

    MMS_TRY(mms_param_value(p, slot->text, &slot->value, err));
    if ((p->flags & MMS_PARAM_REQUIRED) && is_empty(slot->value))
        return mms_fail(err, MMS_ERR_ARG, "Please specify %s.", p->name);
    MMS_TRY(mms_param_store(p, slot->value, own ? args->params : (void *)&args->options,
                            &slot->ints, err));
    if (own && (json_object_set(args->values, p->name, slot->value) ||
                (slot->source && json_object_set_new(args->given, p->name, json_true()))))
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
done:
    return st;
}

static bool is_on(const mms_value *value)
{
    return !(json_is_false(value) || is_empty(value) ||
             (json_is_number(value) && json_number_value(value) == 0) ||
             (json_is_array(value) && !json_array_size(value)));
}

/* Warn of a value that has no effect because the parameter it needs is off */
static void check_needs(mms_args *args, const struct slot *slot)
{
    const struct slot *needed;
    mms_value *init = NULL;

    if (slot->source == FROM_DEFAULT || !slot->param->needs)
        return;
    needed = find_slot(args, slot->param->needs, strlen(slot->param->needs));
    if (needed && !is_on(needed->value) &&
        mms_param_value(slot->param, NULL, &init, NULL) == MMS_OK && !json_equal(init, slot->value))
        mms_log(MMS_LOG_WARN, args->task->name, "parameter %s has no effect: %s is off or empty",
                slot->param->name, needed->param->name);
    mms_value_free(&init);
}

static mms_status finish(mms_args *args, mms_error *err)
{
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < args->nslot; i++)
        MMS_TRY(fill_slot(args, &args->slots[i], i < args->nown, err));
    for (int64_t i = 0; i < args->nslot; i++)
        check_needs(args, &args->slots[i]);
done:
    return st;
}

static bool wants_help(mms_args *args)
{
    const struct slot *const slot = find_slot(args, "help", strlen("help"));
    return slot->text && !strcmp(slot->text, "True");
}

mms_status mms_args_parse(const mms_task *task, int nwords, const char *const *words,
                          mms_args **out, mms_error *err)
{
    mms_args *args = NULL;
    mms_status st;

    *out = NULL;
    MMS_TRY(create(task, &args, err));
    MMS_TRY(take_words(args, nwords, words, err));
    args->options.help = wants_help(args);
    if (!args->options.help) {
        MMS_TRY(take_file(args, err));
        MMS_TRY(finish(args, err));
    }
    *out = args;
    args = NULL;
done:
    mms_args_free(&args);
    return st;
}

mms_status mms_args_from_value(const mms_task *task, const mms_value *object, mms_args **out,
                               mms_error *err)
{
    mms_args *args = NULL;
    mms_status st;

    *out = NULL;
    MMS_TRY(create(task, &args, err));
    MMS_TRY(take_object(args, object, FROM_WORD, err));
    MMS_TRY(finish(args, err));
    *out = args;
    args = NULL;
done:
    mms_args_free(&args);
    return st;
}

const void *mms_args_struct(const mms_args *args)
{
    return args->params;
}

const mms_run_options *mms_args_options(const mms_args *args)
{
    return &args->options;
}

const mms_value *mms_args_values(const mms_args *args)
{
    return args->values;
}

const mms_value *mms_args_given(const mms_args *args)
{
    return args->given;
}

void mms_args_free(mms_args **args)
{
    mms_args *const a = *args;

    *args = NULL;
    if (!a)
        return;
    for (int64_t i = 0; i < a->nslot; i++) {
        free(a->slots[i].text);
        free(a->slots[i].ints);
        mms_value_free(&a->slots[i].value);
    }
    free(a->slots);
    mms_value_free(&a->values);
    mms_value_free(&a->given);
    free(a->params);
    free(a);
}
