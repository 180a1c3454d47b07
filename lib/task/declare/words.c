/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file words.c  The words behind a verb: options, name=value, paths, and what is pasted from
 * CASA, as one word or as the shell has cut it. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "args_priv.h"

/* A word without a name; after: "name=" stood before it, and it may be its value */
struct loose {
    const char *word;
    mms_slot *after;
    bool literal; /* behind "--" */
};

/* The words still to read, and those without a name */
struct words {
    const char *const *next, *const *end;
    struct loose *loose;
    int64_t nloose;
    mms_slot *after; /* of the "name=" that was read last, if nothing followed yet */
    bool options_ended;
};

static const char blanks[] = " \t\r\n";

static mms_status give_text(mms_args *args, mms_slot *slot, const char *text, mms_error *err)
{
    char *value;
    const mms_status st = mms_param_unquote(slot->param, text, &value, err);

    return st == MMS_OK ? mms_args_keep(args, slot, value, MMS_FROM_WORD, err) : st;
}

/* An option without a value: a boolean is true, a repeated one counts */
static mms_status give_bare(mms_args *args, mms_slot *slot, mms_error *err)
{
    int64_t n = 0;

    if (slot->param->type == MMS_BOOL)
        return give_text(args, slot, "True", err);
    if (slot->text)
        (void)mms_parse_int(slot->text, &n);
    slot->source = MMS_FROM_DEFAULT; /* said twice on purpose */
    return mms_args_keep(args, slot, mms_format("%lld", (long long)n + 1), MMS_FROM_WORD, err);
}

/* Take the value of a named option from the next word */
static mms_status give_next(mms_args *args, mms_slot *slot, struct words *words, mms_error *err)
{
    const char *const next = words->next < words->end ? *words->next : NULL;
    const bool truth = next && slot->param->type == MMS_BOOL && mms_param_is_truth(next);

    if (mms_param_is_bare(slot->param) && !truth)
        return give_bare(args, slot, err);
    if (!next || !strncmp(next, "--", 2))
        return mms_fail(err, MMS_ERR_ARG, "parameter %s: its value is missing", slot->param->name);
    words->next++;
    return give_text(args, slot, next, err);
}

/* The boolean that --no-NAME switches off, or NULL */
static mms_slot *find_negated(mms_args *args, const char *name, size_t length)
{
    mms_slot *slot;

    if (length < 3 || strncmp(name, "no", 2))
        return NULL;
    slot = mms_args_find(args, name + 2, length - 2);
    return slot && slot->param->type == MMS_BOOL ? slot : NULL;
}

static mms_status take_long(mms_args *args, const char *name, struct words *words, mms_error *err)
{
    const size_t length = strcspn(name, "=");
    mms_slot *slot = mms_args_find(args, name, length);

    if (slot && name[length])
        return give_text(args, slot, name + length + 1, err);
    if (slot)
        return give_next(args, slot, words, err);
    slot = find_negated(args, name, length);
    if (!slot)
        return mms_args_refuse(args, name, length, err);
    if (name[length])
        return mms_fail(err, MMS_ERR_ARG, "--%.*s takes no value", (int)length, name);
    return give_text(args, slot, "False", err);
}

/* "-j4", "-j 4", "-vv" */
static mms_status take_short(mms_args *args, const char *letters, struct words *words,
                             mms_error *err)
{
    mms_status st = MMS_OK;

    for (const char *s = letters; *s && st == MMS_OK; s++) {
        const mms_param *const p = mms_param_of_letter(*s);
        mms_slot *const slot = p ? mms_args_find(args, p->name, strlen(p->name)) : NULL;
        if (!slot)
            return mms_fail(err, MMS_ERR_ARG, "unknown option -%c: multims %s --help lists them",
                            *s, args->task->name);
        if (mms_param_is_bare(slot->param))
            st = give_bare(args, slot, err);
        else
            return s[1] ? give_text(args, slot, s + 1 + (s[1] == '='), err)
                        : give_next(args, slot, words, err);
    }
    return st;
}

/* text without the comma that follows an argument of a call, and the blanks before it; the caller
 * ends it with free() */
static char *drop_comma(const char *text)
{
    size_t n = strlen(text);

    while (n && strchr(blanks, text[n - 1]))
        n--;
    if (!n || text[n - 1] != ',')
        return strdup(text);
    for (n--; n && strchr(blanks, text[n - 1]); n--)
        ;
    return strndup(text, n);
}

static int brackets_open(const char *text)
{
    int n = 0;

    for (; *text; text++)
        n += (*text == '[') - (*text == ']');
    return n;
}

/* Put together a list that the shell has cut at its blanks: "[2," "4]"; text alone if it is none */
static char *join_list(struct words *words, const char *text)
{
    const char *const *last = words->next;
    mms_text joined = {0};

    mms_text_add(&joined, "%s", text);
    while (*text == '[' && brackets_open(joined.text ? joined.text : "") > 0 && last < words->end)
        mms_text_add(&joined, " %s", *last++);
    if (*text != '[' || !joined.text || brackets_open(joined.text) != 0) {
        free(joined.text);
        return strdup(text);
    }
    words->next = last;
    return joined.text;
}

/* Give a value that stands behind "name=".  A comma that other words follow belongs to a call; the
 * last one does where no value ends in a comma. */
static mms_status give_key(mms_args *args, mms_slot *slot, const char *text, struct words *words,
                           mms_error *err)
{
    char *const whole = join_list(words, text);
    const bool comma = words->next < words->end ||
                       (slot->param->type != MMS_STRING && slot->param->type != MMS_LITERAL);
    char *const value = whole && comma ? drop_comma(whole) : whole;
    const mms_status st =
        value ? give_text(args, slot, value, err) : mms_fail(err, MMS_ERR_MEM, "out of memory");

    if (value != whole)
        free(value);
    free(whole);
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

/* Whether ", name =" with a parameter's name stands in a value: then it is several */
static bool holds_argument(mms_args *args, const char *value)
{
    for (const char *s = strchr(value, ','); s; s = strchr(s + 1, ',')) {
        const char *const name = s + 1 + strspn(s + 1, blanks);
        size_t n = 0;
        while (isalnum((unsigned char)name[n]) || name[n] == '_')
            n++;
        const char *const equals = name + n + strspn(name + n, blanks);
        if (n && equals[0] == '=' && equals[1] != '=' && mms_args_find(args, name, n))
            return true;
    }
    return false;
}

/* Take a word that is a call of the task, an error if it calls another one */
static mms_status take_call(mms_args *args, const char *word, bool *taken, mms_error *err)
{
    size_t length;
    const char *const name = mms_task_call_name(word, &length);
    char *const copy = name ? strndup(name, length) : NULL;
    const mms_task *const task = copy ? mms_task_find(copy) : NULL;
    const bool own = task == args->task || (copy && !strcmp(copy, args->task->name));
    mms_call call = {0};
    mms_status st = MMS_OK;

    *taken = own || task;
    if (own)
        MMS_TRY(mms_call_parse(word, &call, err));
    else if (task)
        MMS_TRY(
            mms_fail(err, MMS_ERR_ARG, "this is a call of %s, not of %s", copy, args->task->name));
    if (own)
        st = mms_args_give_call(args, &call, MMS_FROM_WORD, err);
done:
    mms_call_free(&call);
    free(copy);
    return st;
}

/* Take a word that is a list of arguments: several, or one with blanks about */
static mms_status take_arguments(mms_args *args, const char *word, bool *taken, mms_error *err)
{
    mms_call call = {0};
    mms_error why;
    mms_status st = mms_call_arguments(word, &call, &why);
    const size_t key = key_length(word);

    *taken = false;
    if (st == MMS_OK) {
        const size_t named = json_object_size(call.named);
        *taken = named && (!key || named + json_array_size(call.positional) > 1);
        if (*taken)
            st = mms_args_give_call(args, &call, MMS_FROM_WORD, err);
    } else if (key && holds_argument(args, word)) {
        st = mms_fail(err, MMS_ERR_ARG, "%s", why.msg);
    } else {
        st = MMS_OK; /* no Python: the shell may have taken its quotes */
    }
    mms_call_free(&call);
    return st;
}

static mms_status take_pasted(mms_args *args, const char *word, bool *taken, mms_error *err)
{
    const size_t key = key_length(word);
    mms_status st = MMS_OK;

    *taken = false;
    if (strchr(word, '(') && !(key && mms_args_find(args, word, key)))
        st = take_call(args, word, taken, err);
    if (st == MMS_OK && !*taken && strchr(word, '='))
        st = take_arguments(args, word, taken, err);
    return st;
}

/* The slot and value of "name = value" with blanks, in one word or several; NULL: it is none */
static mms_slot *find_spaced(mms_args *args, const char *word, struct words *words,
                             const char **value)
{
    const char *const name = word + strspn(word, blanks);
    const size_t n = strcspn(name, " \t\r\n=");
    const char *const next = words->next < words->end ? *words->next : "";
    const char *behind = name + n + strspn(name + n, blanks);
    mms_slot *const slot = n ? mms_args_find(args, name, n) : NULL;
    const bool ends = !*behind;

    behind = ends ? next : behind;
    if (!slot || behind[0] != '=' || behind[1] == '=')
        return NULL;
    words->next += ends;
    behind += 1 + strspn(behind + 1, blanks);
    if (!*behind && words->next < words->end)
        behind = *words->next++;
    *value = behind;
    return slot;
}

/* Whether a word of the form name=value is a path: what stands before its first slash, or all of
 * it, is there */
static bool is_path(const char *word)
{
    char *const folder = strndup(word, strcspn(word, "/"));
    const bool there = folder && access(folder, F_OK) == 0;

    free(folder);
    return there;
}

static void add_loose(struct words *words, const char *word)
{
    words->loose[words->nloose++] = (struct loose){word, words->after, words->options_ended};
    words->after = NULL;
}

static mms_status take_key(mms_args *args, const char *word, size_t length, struct words *words,
                           mms_error *err)
{
    mms_slot *const slot = mms_args_find(args, word, length);
    const char *value = word + length + 1;
    const char *const next = words->next < words->end ? *words->next : "";

    if (!slot && is_path(word)) {
        add_loose(words, word);
        return MMS_OK;
    }
    if (!slot)
        return mms_args_refuse(args, word, length, err);
    if (!*value && *next == '-' && isdigit((unsigned char)next[1]))
        value = *words->next++;
    words->after = *value ? NULL : slot;
    return give_key(args, slot, value, words, err);
}

static mms_status take_word(mms_args *args, const char *word, struct words *words, mms_error *err)
{
    const char *value;
    bool taken = false;
    mms_status st;

    if (words->options_ended) {
        add_loose(words, word);
        return MMS_OK;
    }
    if (word[0] == '-' && word[1]) {
        words->after = NULL;
        words->options_ended = !strcmp(word, "--");
        return words->options_ended ? MMS_OK
               : word[1] == '-'     ? take_long(args, word + 2, words, err)
                                    : take_short(args, word + 1, words, err);
    }
    taken = !strcmp(word, ",");
    st = taken ? MMS_OK : take_pasted(args, word, &taken, err);
    const size_t length = key_length(word);
    mms_slot *const slot = taken || length ? NULL : find_spaced(args, word, words, &value);
    if (taken || slot)
        words->after = NULL;
    if (st != MMS_OK || taken)
        return st;
    if (length)
        return take_key(args, word, length, words, err);
    if (slot)
        return give_key(args, slot, value, words, err);
    add_loose(words, word);
    return MMS_OK;
}

static bool is_free(const mms_slot *slot)
{
    return (slot->param->flags & MMS_PARAM_POSITIONAL) && slot->source != MMS_FROM_WORD;
}

/* Give a word to a positional parameter, as it stands or without quotes and a call's comma */
static mms_status give_loose(mms_args *args, mms_slot *slot, const struct loose *loose,
                             mms_error *err)
{
    const bool as_it_is = loose->literal || access(loose->word, F_OK) == 0;
    char *const text = as_it_is ? strdup(loose->word) : drop_comma(loose->word);
    mms_status st;

    if (as_it_is || !text)
        return mms_args_keep(args, slot, text, MMS_FROM_WORD, err);
    st = give_text(args, slot, text, err);
    free(text);
    return st;
}

/* Give the words behind "name=" to those, where they are needed there: nothing else can take them,
 * or the parameter must have a value */
static mms_status take_values(mms_args *args, struct words *words, mms_error *err)
{
    int64_t nfree = 0, kept = 0;
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < args->nown; i++)
        nfree += is_free(&args->slots[i]);
    const bool all = words->nloose > nfree;
    for (int64_t i = 0; i < words->nloose && st == MMS_OK; i++) {
        struct loose *const l = &words->loose[i];
        if (l->after && (all || (l->after->param->flags & MMS_PARAM_REQUIRED))) {
            l->after->source = MMS_FROM_DEFAULT; /* not twice: "name=" was half of it */
            st = give_key(args, l->after, l->word, &(struct words){0}, err);
        } else {
            words->loose[kept++] = *l;
        }
    }
    words->nloose = kept;
    return st;
}

/* Give a list the words that stand together: those behind "--", or those before it */
static mms_status give_words(mms_args *args, mms_slot *slot, const struct words *words,
                             int64_t *used, mms_error *err)
{
    const bool behind = slot->param->flags & MMS_PARAM_BEHIND;
    const char **const list = mms_alloc(words->nloose, sizeof *list);
    int64_t n = 0;
    char *text;
    mms_status st = MMS_OK;

    if (!list)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    while (*used < words->nloose && words->loose[*used].literal == behind)
        list[n++] = words->loose[(*used)++].word;
    if (n) {
        st = mms_param_join_words(slot->param, n, list, &text, err);
        if (st == MMS_OK)
            st = mms_args_keep(args, slot, text, MMS_FROM_WORD, err);
    }
    free(list);
    return st;
}

/* Give the words without a name to the positional parameters that have no value yet */
static mms_status take_loose(mms_args *args, const struct words *words, mms_error *err)
{
    mms_status st = MMS_OK;
    int64_t used = 0;

    for (int64_t i = 0; i < args->nown && used < words->nloose && st == MMS_OK; i++)
        if (is_free(&args->slots[i]) && args->slots[i].param->type == MMS_WORDS)
            st = give_words(args, &args->slots[i], words, &used, err);
        else if (is_free(&args->slots[i]))
            st = give_loose(args, &args->slots[i], &words->loose[used++], err);
    if (st == MMS_OK && used < words->nloose)
        return mms_fail(err, MMS_ERR_ARG,
                        "unexpected word %s: a value needs its parameter, as in name=value",
                        words->loose[used].word);
    return st;
}

mms_status mms_args_words(mms_args *args, int nwords, const char *const *words, mms_error *err)
{
    struct words w = {.next = words, .end = words + nwords};
    mms_status st = MMS_OK;

    w.loose = mms_alloc(nwords, sizeof *w.loose);
    if (!w.loose)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    while (w.next < w.end && st == MMS_OK)
        st = take_word(args, *w.next++, &w, err);
    assert(w.nloose <= nwords); /* of which there is room: a word is loose once */
    if (st == MMS_OK)
        st = take_values(args, &w, err);
    if (st == MMS_OK)
        st = take_loose(args, &w, err);
    free(w.loose);
    return st;
}
