/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file command_unit.c  Runs one command in a worker: statements, tasks, TaQL, programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command_priv.h"
#include "declare/python_priv.h"
#include "engine/text_order_priv.h"
#include "tables/taql.h"

/* A command on its way: what it sees and what it leaves. */
struct context {
    mms_value *variables, *parameters; /* objects; parameters hide variables */
    mms_value *settings;               /* of the server: command_settings.c */
    mms_value *plugins;                /* paths of those that it has loaded */
    mms_text_order order;
    char cls[16]; /* of its error */
};

static const char blanks[] = " \t\r\n";

static mms_status raise_class(struct context *c, const char *cls, mms_status st)
{
    snprintf(c->cls, sizeof c->cls, "%s", cls);
    return st;
}

/* ---- classes of errors ---- */

/* casacore says it in words, of version 3.5. */
static const char *class_of_taql(const char *text)
{
    static const char *const patterns[][2] = {{"Division by zero", "arithmetic"},
                                              {"division by zero", "arithmetic"},
                                              {MMS_COMMAND_PATH_NAME, "type"},
                                              {"unknown column (or keyword)", "name"},
                                              {"Update column", "name"},
                                              {"Illegal unit", "value"},
                                              {"Indexing can only", "type"},
                                              {"Shorthand", "name"},
                                              {"does not exist", "key"},
                                              {"TaQL function", "import"},
                                              {"hared library", "import"},
                                              {"Unknown function", "import"},
                                              {"nvalid operand", "type"},
                                              {"not numeric", "type"},
                                              {"data type", "type"},
                                              {"function argument", "type"},
                                              {"exceeds array shape", "index"},
                                              {"shapes", "value"},
                                              {"shape of operands", "value"},
                                              {"#indices", "index"},
                                              {"Slicer", "index"},
                                              {"index", "index"},
                                              {"unknown field", "key"},
                                              {"not defined", "key"},
                                              {"arse error", "syntax"}};

    const char *const table = strstr(text, "Table ");

    if (table && strstr(table, "does not exist"))
        return "notfound";
    for (int64_t i = 0; i < MMS_COUNT_OF(patterns); i++)
        if (strstr(text, patterns[i][0]))
            return patterns[i][1];
    return "internal";
}

/* As lib/task/declare says it. */
static bool is_wrong_type(const char *text)
{
    static const char *const words[] = {
        "unknown parameter", "Please specify",     " is not a text",       " is not a number",
        " is not a list",    " is not an integer", " is not true or false"};

    for (int64_t i = 0; i < MMS_COUNT_OF(words); i++)
        if (strstr(text, words[i]))
            return true;
    return false;
}

static const char *class_of_status(mms_status st, const char *text)
{
    switch (st) {
    case MMS_ERR_ARG:
        return is_wrong_type(text) ? "type" : "value";
    case MMS_ERR_NOT_FOUND:
        return "notfound";
    case MMS_ERR_EMPTY:
        return "nullselection";
    case MMS_ERR_SELECT:
        return "syntax";
    case MMS_ERR_SPACE:
        return "nospace";
    case MMS_ERR_LOCKED:
        return "lock";
    case MMS_ERR_MEM:
        return "memory";
    case MMS_ERR_EXISTS:
    case MMS_ERR_TABLE:
    case MMS_ERR_IO:
        return "io";
    case MMS_ERR_WORKER:
        return "crash";
    default:
        return "value";
    }
}

/* ---- values ---- */

static mms_status value_of(struct context *c, const char *text, mms_value **out, mms_error *err);

static mms_value *scope_of(const struct context *c)
{
    char host[256] = "", cwd[4096] = "";
    mms_value *const all = json_copy(c->variables);

    gethostname(host, sizeof host - 1);
    if (!getcwd(cwd, sizeof cwd))
        cwd[0] = '\0';
    json_object_set_new(all, "mms",
                        json_pack("{s:i, s:s, s:i, s:s, s:i, s:s}", "rank", (int)c->order.server,
                                  "host", host, "pid", (int)getpid(), "cwd", cwd, "threads",
                                  (int)mms_command_threads(c->settings), "version", mms_version()));
    json_object_update(all, c->parameters);
    return all;
}

/* An expression of one name is the variable, whatever it holds. */
static mms_value *variable_of(const struct context *c, const char *text)
{
    mms_value *const value = json_object_get(c->parameters, text);

    return value ? value : json_object_get(c->variables, text);
}

/* A path that is all of text is what it holds, whatever that is; *out NULL: it is no such thing. */
static mms_status eval_path(struct context *c, const char *text, const mms_value *scope,
                            mms_value **out, mms_error *err)
{
    const int n = mms_command_path(text);
    const char *cls = "internal";
    mms_value *value = NULL;
    mms_status st = MMS_OK;

    *out = NULL;
    if (n && !text[n])
        st = mms_command_follow(text, n, scope, &value, &cls, err);
    if (st != MMS_OK)
        return raise_class(c, cls, st);
    *out = value ? json_incref(value) : NULL;
    return MMS_OK;
}

static mms_status eval_taql(struct context *c, const char *text, mms_value *scope, mms_value **out,
                            mms_error *err)
{
    const bool any = json_is_true(json_object_get(c->settings, "nonfinite"));
    const char *cls = "internal";
    char *expression = NULL;
    mms_error why = {0};
    mms_status st;

    if (mms_command_gives(text))
        return raise_class(c, "policy",
                           mms_fail(err, MMS_ERR_ARG, "an expression writes no table: %s", text));
    st = mms_command_resolve(text, scope, &expression, &cls, &why);
    if (st == MMS_OK) {
        st = mms_taql_eval(expression, scope, any, out, &why);
        cls = st == MMS_ERR_RANGE ? "arithmetic"
              : st == MMS_ERR_MEM ? "memory"
                                  : class_of_taql(why.msg);
        if (strstr(why.msg, MMS_COMMAND_PATH_NAME))
            (void)!mms_fail(&why, st, "%s: TaQL has no type for one of its members or elements",
                            text);
    }
    free(expression);
    if (st == MMS_OK)
        return st;
    st = mms_fail(err, st, "%s", why.msg);
    return raise_class(c, cls, st);
}

static mms_status eval_text(struct context *c, const char *text, mms_value **out, mms_error *err)
{
    mms_value *const scope = scope_of(c);
    mms_status st =
        scope ? eval_path(c, text, scope, out, err) : mms_fail(err, MMS_ERR_MEM, "out of memory");

    if (st == MMS_OK && !*out && !strcmp(text, "mms"))
        *out = json_incref(json_object_get(scope, text));
    if (st == MMS_OK && !*out)
        st = eval_taql(c, text, scope, out, err);
    json_decref(scope);
    return st;
}

/* ---- calls ---- */

static mms_status take_argument(struct context *c, const char *text, mms_value *arguments,
                                mms_error *err)
{
    mms_command_assignment a;
    mms_value *value = NULL;
    const bool named = mms_command_is_assignment(text, &a) && !a.index;
    char *const name = named ? strndup(text, (size_t)a.nname) : strdup("");
    mms_status st = value_of(c, named ? a.value : text, &value, err);

    if (st == MMS_OK && name && json_object_get(arguments, name))
        st = raise_class(c, "type",
                         mms_fail(err, MMS_ERR_ARG,
                                  "an argument is given twice, or without its name: %s", text));
    if (st == MMS_OK && name)
        json_object_set_new(arguments, name, json_incref(value));
    mms_value_free(&value);
    free(name);
    return st;
}

/* The arguments of a call; of one without, the command's parameters. */
static mms_status arguments_of(struct context *c, const mms_command_call *call, mms_value **out,
                               mms_error *err)
{
    char *const text = strndup(call->arguments, (size_t)call->narguments);
    const char *s = text ? text + strspn(text, blanks) : "";
    mms_status st = MMS_OK;

    *out = *s ? json_object() : json_copy(c->parameters);
    while (st == MMS_OK && *s) {
        const char *const end = mms_command_find(s, ',');
        char *const one = end ? strndup(s, (size_t)(end - s)) : NULL;
        st = one ? take_argument(c, one, *out, err)
                 : raise_class(c, "syntax", mms_fail(err, MMS_ERR_ARG, "%s: not closed", s));
        free(one);
        s = end && *end ? end + 1 + strspn(end + 1, blanks) : "";
    }
    free(text);
    return st;
}

static mms_status nap(struct context *c, const mms_value *seconds, mms_error *err)
{
    const double s = json_number_value(seconds);
    const struct timespec time = {.tv_sec = (time_t)s,
                                  .tv_nsec = (long)((s - (double)(time_t)s) * 1e9)};

    if (!json_is_number(seconds))
        return raise_class(c, "type", mms_fail(err, MMS_ERR_ARG, "sleep: seconds is no number"));
    if (s < 0 || s > 1e9)
        return raise_class(c, "value", mms_fail(err, MMS_ERR_ARG, "sleep: %g seconds", s));
    nanosleep(&time, NULL);
    return MMS_OK;
}

static const mms_value *argument(const mms_value *arguments, const char *name)
{
    const mms_value *const value = json_object_get(arguments, name);
    return value ? value : json_object_get(arguments, "");
}

static mms_status change_folder(struct context *c, const char *path, mms_error *err)
{
    if (path && !chdir(path))
        return MMS_OK;
    return raise_class(
        c, "notfound",
        mms_fail(err, MMS_ERR_NOT_FOUND, "chdir %s: %s", path ? path : "", strerror(errno)));
}

/* The server's next workers load it, too. */
static mms_status load_plugin(struct context *c, const char *name, mms_error *err)
{
    char *path = NULL;
    const mms_status st = name ? mms_plugin_load(name, &path, err)
                               : mms_fail(err, MMS_ERR_ARG, "load: plugin is no text");

    if (st == MMS_OK)
        json_object_set_new(c->plugins, path, json_true());
    free(path);
    return st == MMS_OK ? st : raise_class(c, name ? "import" : "type", st);
}

static mms_status run_setting(struct context *c, const char *name, const mms_value *arguments,
                              mms_value **out, mms_error *err)
{
    const mms_status st = mms_command_setting(c->settings, name, arguments, out, err);

    if (st == MMS_OK)
        return st;
    return raise_class(c, st == MMS_ERR_SHAPE ? "type" : "value", st);
}

/* Which argument a function of our own has; "": none. */
static const char *parameter_of(const char *name)
{
    static const char *const own[][2] = {{"sleep", "seconds"},
                                         {"exit", "status"},
                                         {"chdir", "path"},
                                         {"unset", "name"},
                                         {"load", "plugin"}};

    for (int64_t i = 0; i < MMS_COUNT_OF(own); i++)
        if (!strcmp(own[i][0], name))
            return own[i][1];
    return "";
}

static mms_status check_arguments(struct context *c, const char *name, const mms_value *arguments,
                                  mms_error *err)
{
    const char *const known = parameter_of(name);
    const char *given;
    mms_value *value;

    json_object_foreach((mms_value *)arguments, given, value)
    {
        if (*given ? strcmp(given, known) != 0 : !*known)
            return raise_class(c, "type",
                               mms_fail(err, MMS_ERR_ARG, "%s got an unexpected argument%s%s", name,
                                        *given ? ": " : "", given));
    }
    value = (mms_value *)argument(arguments, known);
    if (json_object_size(arguments) > 1)
        return raise_class(c, "type", mms_fail(err, MMS_ERR_ARG, "%s takes one argument", name));
    if ((!strcmp(known, "path") || !strcmp(known, "name")) && !json_is_string(value))
        return raise_class(c, "type", mms_fail(err, MMS_ERR_ARG, "%s: %s is no text", name, known));
    if (!strcmp(known, "status") && value && !json_is_integer(value))
        return raise_class(c, "type", mms_fail(err, MMS_ERR_ARG, "exit: status is no integer"));
    return MMS_OK;
}

/* The variables that a name is one of: the command's own hide the server's. */
static mms_value *owner_of(const struct context *c, const char *name)
{
    return json_object_get(c->parameters, name) ? c->parameters : c->variables;
}

/* One of the command alone would have gone by itself. */
static void unset(struct context *c, const char *name)
{
    mms_value *const owner = owner_of(c, name);

    if (owner == c->parameters)
        mms_log(MMS_LOG_WARN, "command",
                "Exception deleting parameter variable '%s' from global environment: the command "
                "has done it",
                name);
    json_object_del(owner, name);
}

static mms_status run_own(struct context *c, const char *name, const mms_value *arguments,
                          mms_value **out, mms_error *err)
{
    char cwd[4096];
    const char *text;
    const mms_status st = check_arguments(c, name, arguments, err);

    if (st != MMS_OK)
        return st;
    *out = json_null();
    if (!strcmp(name, "sleep"))
        return nap(c, argument(arguments, "seconds"), err);
    if (!strcmp(name, "exit"))
        _exit((int)json_integer_value(argument(arguments, "status")));
    if (!strcmp(name, "getcwd")) {
        *out = mms_text_value(getcwd(cwd, sizeof cwd) ? cwd : "");
        return MMS_OK;
    }
    if (!strcmp(name, "chdir"))
        return change_folder(c, json_string_value(argument(arguments, "path")), err);
    text = json_string_value(argument(arguments, "name"));
    if (!strcmp(name, "unset")) {
        unset(c, text ? text : "");
        return MMS_OK;
    }
    return load_plugin(c, json_string_value(argument(arguments, "plugin")), err);
}

/* What a server may use is what its verbs may, unless the call says otherwise. */
static void add_memory(const struct context *c, const char *name, mms_value *arguments)
{
    const mms_value *const mib = json_object_get(c->settings, "memory_mib");

    if (mib && mms_task_has_parameter(name, "memory") && !json_object_get(arguments, "memory"))
        json_object_set_new(arguments, "memory", json_integer(json_integer_value(mib) * (1 << 20)));
}

/* A task's units run in this worker: a crash costs the command. */
static mms_status run_task(struct context *c, const char *name, mms_value *arguments,
                           mms_value **out, mms_error *err)
{
    char *const text = mms_value_text(arguments, 0);
    mms_error why = {0};
    mms_status st;

    if (json_object_get(arguments, "")) {
        free(text);
        return raise_class(c, "type",
                           mms_fail(err, MMS_ERR_ARG, "%s: an argument has no name", name));
    }
    setenv("MULTIMS_TRANSPORT", "inline", 1);
    add_memory(c, name, arguments);
    st = text ? mms_task_call(name, text, out, &why) : mms_fail(&why, MMS_ERR_MEM, "out of memory");
    free(text);
    if (st == MMS_OK || st == MMS_ERR_DIFFERS)
        return MMS_OK;
    st = mms_fail(err, st, "%s", why.msg);
    return raise_class(c, class_of_status(st, why.msg), st);
}

static mms_status call_it(struct context *c, const mms_command_call *call, mms_value **out,
                          mms_error *err)
{
    char *const name = strndup(call->name, (size_t)call->nname);
    mms_value *arguments = NULL;
    mms_status st =
        name ? arguments_of(c, call, &arguments, err) : mms_fail(err, MMS_ERR_MEM, "out of memory");

    if (st == MMS_OK)
        st = mms_task_find(name)            ? run_task(c, name, arguments, out, err)
             : mms_command_is_setting(name) ? run_setting(c, name, arguments, out, err)
                                            : run_own(c, name, arguments, out, err);
    mms_value_free(&arguments);
    free(name);
    return st;
}

/* A list whose elements are expressions; one of several kinds is no value of TaQL. */
static mms_status list_of(struct context *c, const char *text, mms_value **out, mms_error *err)
{
    mms_value *value = NULL;
    mms_status st = MMS_OK;

    *out = json_array();
    for (const char *s = text + strspn(text, blanks); st == MMS_OK && *s;) {
        const char *const end = mms_command_find(s, ',');
        char *const one = end ? strndup(s, (size_t)(end - s)) : NULL;
        st = one ? value_of(c, one, &value, err)
                 : raise_class(c, "syntax", mms_fail(err, MMS_ERR_ARG, "%s: not closed", s));
        if (st == MMS_OK)
            json_array_append_new(*out, value);
        free(one);
        s = end && *end ? end + 1 + strspn(end + 1, blanks) : "";
    }
    return st;
}

/* "[…]" that is all of text */
static bool is_list(const char *text)
{
    const char *const close = *text == '[' ? mms_command_find(text + 1, ']') : NULL;

    return close && *close == ']' && !close[1];
}

/* An object as JSON or Python write it; false: it is none. */
static bool record_of(struct context *c, const char *text, mms_value **out, mms_status *st,
                      mms_error *err)
{
    *st = MMS_OK;
    if (mms_value_parse(text, out, NULL) == MMS_OK)
        return true;
    if (mms_python_record(text, out, NULL) != MMS_OK)
        return false;
    if (mms_command_has_too_large(text)) {
        mms_value_free(out);
        *st = raise_class(c, "value",
                          mms_fail(err, MMS_ERR_ARG, "%s: too large for an integer", text));
    }
    return true;
}

static mms_status value_of(struct context *c, const char *given, mms_value **out, mms_error *err)
{
    char *const text = strdup(given + strspn(given, blanks));
    size_t n = text ? strlen(text) : 0;
    mms_command_call call;
    mms_value *variable;
    mms_status st;

    while (n && strchr(blanks, text[n - 1]))
        text[--n] = '\0';
    variable = text ? variable_of(c, text) : NULL;
    *out = NULL;
    if (!n) {
        st = raise_class(c, "syntax", mms_fail(err, MMS_ERR_ARG, "a value is missing"));
    } else if (variable) {
        *out = json_incref(variable);
        st = MMS_OK;
    } else if (text && *text == '{' && record_of(c, text, out, &st, err)) {
    } else if (text && is_list(text)) {
        text[n - 1] = '\0';
        st = list_of(c, text + 1, out, err);
    } else if (text && (!strcmp(text, "True") || !strcmp(text, "False"))) {
        *out = json_boolean(*text == 'T');
        st = MMS_OK;
    } else if (text && mms_command_is_call(text, &call) &&
               mms_command_is_known(call.name, call.nname)) {
        st = call_it(c, &call, out, err);
    } else if (text && mms_command_is_call(text, &call) && mms_command_has_named_argument(&call)) {
        st = raise_class(c, "import",
                         mms_fail(err, MMS_ERR_NOT_FOUND,
                                  "%.*s: no verb, nor one of a plug-in of this server", call.nname,
                                  call.name));
    } else {
        st = eval_text(c, text ? text : "", out, err);
    }
    free(text);
    return st;
}

/* ---- statements ---- */

/* Values are copied, as from one command to the next: none is part of itself. */
static mms_value *own(mms_value *value)
{
    const bool shared = (json_is_array(value) || json_is_object(value)) && value->refcount > 1;

    return shared ? json_deep_copy(value) : json_incref(value);
}

/* Set the element index of what the beginning of text names. */
static mms_status set_element(struct context *c, const char *text, int npath, mms_value *owner,
                              const char *index, mms_value *value, mms_error *err)
{
    mms_value *key = NULL, *into = NULL;
    const char *cls = "internal";
    mms_status st = value_of(c, index, &key, err);

    if (st == MMS_OK) {
        st = mms_command_follow(text, npath, owner, &into, &cls, err);
        st = st == MMS_OK ? st : raise_class(c, cls, st);
    }
    const json_int_t i = json_integer_value(key), n = (json_int_t)json_array_size(into);
    if (st == MMS_OK && json_is_object(into) && json_is_string(key))
        json_object_set_new(into, json_string_value(key), own(value));
    else if (st == MMS_OK && !(json_is_array(into) && json_is_integer(key)))
        st = raise_class(c, json_is_array(into) ? "index" : "type",
                         mms_fail(err, MMS_ERR_ARG, "%.*s[%s] can't be set", npath, text, index));
    else if (st == MMS_OK && json_array_set_new(into, (size_t)(i < 0 ? i + n : i), own(value)))
        st = raise_class(c, "index",
                         mms_fail(err, MMS_ERR_RANGE, "%.*s[%s]: outside of its %lld elements",
                                  npath, text, index, (long long)n));
    mms_value_free(&key);
    return st;
}

static mms_status assign(struct context *c, const char *text, const mms_command_assignment *a,
                         mms_error *err)
{
    char *const name = strndup(text, (size_t)a->nname);
    char *const index = a->index ? strndup(a->index, (size_t)a->nindex) : NULL;
    mms_value *value = NULL;
    mms_status st = value_of(c, a->value, &value, err);

    if (st == MMS_OK && name && !strcmp(name, "mms"))
        st = raise_class(c, "type", mms_fail(err, MMS_ERR_ARG, "mms can't be changed"));
    if (st == MMS_OK && index)
        st = set_element(c, text, a->npath, owner_of(c, name), index, value, err);
    else if (st == MMS_OK)
        json_object_set_new(owner_of(c, name), name, own(value));
    mms_value_free(&value);
    free(index);
    free(name);
    return st;
}

static mms_status run_statement(struct context *c, const char *text, mms_error *err)
{
    mms_command_assignment a;
    mms_value *value = NULL;
    mms_status st = MMS_OK;

    if (!*text)
        return MMS_OK;
    if (json_is_true(json_object_get(c->settings, "reads_only")) && mms_command_changes(text))
        return raise_class(c, "policy",
                           mms_fail(err, MMS_ERR_ARG, "set_taql_write('no') forbids %s", text));
    if (mms_command_is_taql(text)) {
        st = mms_taql_run(text, err);
        return st == MMS_OK ? st : raise_class(c, class_of_taql(err->msg), st);
    }
    if (mms_command_is_assignment(text, &a))
        return assign(c, text, &a, err);
    st = value_of(c, text, &value, err);
    mms_value_free(&value);
    return st;
}

static mms_status run_statements(struct context *c, const char *text, mms_error *err)
{
    mms_status st = MMS_OK;

    for (const char *s = text + strspn(text, blanks); st == MMS_OK && *s;) {
        const char *const end = mms_command_end(s);
        char *const one = end ? strndup(s, (size_t)(end - s)) : NULL;
        st = one ? run_statement(c, one, err)
                 : raise_class(c, "syntax", mms_fail(err, MMS_ERR_ARG, "%s: not closed", s));
        free(one);
        s = end && *end ? end + 1 + strspn(end + 1, blanks) : "";
    }
    return st;
}

/* ---- the unit ---- */

static mms_status run_text(struct context *c, mms_value **ret, mms_error *err)
{
    const char *const mode = c->order.mode;
    char *text;
    mms_status st;

    if (!strcmp(mode, "push"))
        return json_object_update(c->variables, c->parameters)
                   ? mms_fail(err, MMS_ERR_MEM, "out of memory")
                   : MMS_OK;
    text = mms_command_plain(c->order.command);
    if (!text)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    st = !strcmp(mode, "eval") ? value_of(c, text, ret, err) : run_statements(c, text, err);
    free(text);
    return st;
}

/* What stays on the server; NULL: what is there. */
static mms_value *state_of(const struct context *c)
{
    char *const cwd = getcwd(NULL, 0);
    mms_value *const state =
        c->variables && c->settings && c->plugins
            ? mms_text_state_encode(&(mms_text_state){c->variables, c->settings, c->plugins, cwd})
            : NULL;

    free(cwd);
    return state;
}

/* A copy of what was left, or an empty object. */
static mms_value *copy_of(const mms_value *left)
{
    return left ? json_deep_copy(left) : json_object();
}

/* Be what the server was when its last command ended, perhaps in another worker. */
static mms_status restore(struct context *c, const mms_value *request, mms_error *err)
{
    mms_text_state left = {0};
    mms_value *loaded;
    const char *path;
    mms_status st;

    MMS_TRY(mms_text_order_decode(request, &c->order, err));
    MMS_TRY(mms_text_state_decode(c->order.state, &left, err));
    c->variables = copy_of(left.variables);
    c->settings = copy_of(left.settings);
    c->plugins = copy_of(left.plugins);
    c->parameters = copy_of(c->order.parameters);
    if (!c->variables || !c->settings || !c->plugins || !c->parameters)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    mms_command_use_settings(c->settings);
    json_object_foreach(c->plugins, path, loaded)
    {
        char *again = NULL;
        (void)!mms_plugin_load(path, &again, NULL); /* a call of its verb says that it is missing */
        free(again);
    }
    if (left.cwd && chdir(left.cwd))
        return mms_fail(err, MMS_ERR_IO, "%s: %s", left.cwd, strerror(errno));
done:
    return st;
}

mms_status mms_command_unit(mms_job *job, const mms_value *request, mms_value *answer,
                            mms_error *err)
{
    struct context c = {.cls = "internal"};
    mms_value *ret = NULL;
    mms_error why = {0};
    mms_status st;

    (void)job, (void)err;
    st = restore(&c, request, &why);
    if (st == MMS_OK)
        st = run_text(&c, &ret, &why);
    mms_value *const state = state_of(&c);
    if (state)
        json_object_set_new(answer, "state", state);
    if (st == MMS_OK)
        json_object_set_new(answer, "ret", ret ? json_incref(ret) : json_null());
    else
        json_object_set_new(
            answer, "error",
            json_pack("{s:s, s:o}", "class", c.cls, "message", mms_text_value(why.msg)));
    mms_value_free(&ret);
    mms_value_free(&c.variables);
    mms_value_free(&c.settings);
    mms_value_free(&c.plugins);
    mms_value_free(&c.parameters);
    return MMS_OK;
}
