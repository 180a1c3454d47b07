/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flagmanager_report.c  The task flagmanager: its result as text. */
#include <string.h>

#include "flagmanager_priv.h"

static void print_plan(const mms_value *result, FILE *out)
{
    const char *vis = json_string_value(json_object_get(result, "vis"));
    const char *mode = json_string_value(json_object_get(result, "mode"));
    const char *version = json_string_value(json_object_get(result, "version"));
    const bool exists = json_is_true(json_object_get(result, "exists"));

    if (!strcmp(mode, "restore")) {
        mms_print_change(result, out);
    } else if (!strcmp(mode, "save")) {
        fprintf(out,
                "%s: flags of %" JSON_INTEGER_FORMAT
                " rows would be saved as version %s, %" JSON_INTEGER_FORMAT " bytes\n",
                vis, json_integer_value(json_object_get(result, "rows")), version,
                json_integer_value(json_object_get(result, "bytes")));
        if (exists)
            fprintf(out, "  the version of that name would become %s.old.SECONDS\n", version);
    } else if (!strcmp(mode, "rename")) {
        fprintf(out, "%s: version %s would become %s\n", vis,
                json_string_value(json_object_get(result, "oldname")), version);
    } else {
        fprintf(out, exists ? "%s: version %s would be removed\n" : "%s: there is no version %s\n",
                vis, version);
    }
}

void mms_version_print(const mms_value *result, FILE *out)
{
    const char *name;
    mms_value *v;

    if (json_object_get(result, "dryrun")) {
        print_plan(result, out);
    } else if (json_object_get(result, "MS")) {
        fprintf(out, "MS : %s\n\nmain : working copy in main table\n",
                json_string_value(json_object_get(result, "MS")));
        json_object_foreach((mms_value *)result, name, v)
        {
            if (json_is_object(v))
                fprintf(out, "%s : %s\n", json_string_value(json_object_get(v, "name")),
                        json_string_value(json_object_get(v, "comment")));
        }
    } else if (json_object_get(result, "cells")) {
        fprintf(out,
                "%" JSON_INTEGER_FORMAT " rows differ; flagged in %s alone: %" JSON_INTEGER_FORMAT
                ", in %s alone: %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
                "; FLAG_ROW differs in %" JSON_INTEGER_FORMAT " rows\n",
                json_integer_value(json_object_get(result, "rows")),
                json_string_value(json_object_get(result, "a")),
                json_integer_value(json_object_get(result, "only_a")),
                json_string_value(json_object_get(result, "b")),
                json_integer_value(json_object_get(result, "only_b")),
                json_integer_value(json_object_get(result, "cells")),
                json_integer_value(json_object_get(result, "flag_row")));
    }
}
