/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file fuzz_commands.c  Commands as strangers may write them: where statements, calls and
 *  assignments begin, and whether a text is one (docs/driving.md). */
#include <stdlib.h>
#include <string.h>

#include "task/command_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static bool is_inside(const char *text, const char *at)
{
    return at >= text && at <= text + strlen(text);
}

static void try_paths(const char *text)
{
    mms_value *scope = NULL;
    const char *cls = NULL;
    char *out;
    mms_error err;

    demand(mms_value_parse("{\"a\": {\"k\": [1, {\"x\": [2]}]}, \"b\": [[1, 2], [3, 4]]}", &scope,
                           NULL) == MMS_OK);
    demand((size_t)mms_command_path(text) <= strlen(text));
    demand(mms_command_resolve(text, scope, &out, &cls, &err) == MMS_OK || cls);
    free(out);
    demand(mms_command_resolve(text, NULL, &out, &cls, &err) == MMS_OK);
    free(out);
    mms_value_free(&scope);
}

static void try_statement(const char *text)
{
    mms_command_call call;
    mms_command_assignment a;

    if (mms_command_is_call(text, &call)) {
        demand(call.name == text && is_inside(text, call.arguments));
        demand(is_inside(text, call.arguments + call.narguments) && call.narguments >= 0);
        (void)mms_command_is_known(call.name, call.nname);
    }
    if (mms_command_is_assignment(text, &a)) {
        demand(a.nname > 0 && is_inside(text, a.value));
        demand(!a.index || is_inside(text, a.index + a.nindex));
    }
    (void)mms_command_is_taql(text);
    try_paths(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char ends[] = ";,=)";
    char *const text = strndup((const char *)bytes, size);
    const char *mode = NULL, *at;
    mms_error err;

    demand(text);
    mms_log_to(NULL, NULL, MMS_LOG_ERROR);
    if (mms_command_mode(text, &mode, &err) == MMS_OK)
        demand(!strcmp(mode, "eval") || !strcmp(mode, "exec"));
    for (const char *c = ends; *c; c++)
        if ((at = mms_command_find(text, *c)))
            demand(is_inside(text, at) && (!*at || *at == *c));
    try_statement(text);
    for (char *s = text; (s = strchr(s, ';')); s++)
        try_statement(s + 1);
    free(text);
    return 0;
}
