/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file exec_report.c  What the servers of exec have answered. */
#include <stdlib.h>

#include "exec_priv.h"

mms_status mms_exec_judge(const mms_value *responses, mms_error *err)
{
    int64_t failed = 0;
    mms_value *response;
    size_t i;

    json_array_foreach(responses, i, response)
    {
        const mms_value *const why = json_object_get(response, "error");
        if (json_is_true(json_object_get(response, "successful")))
            continue;
        if (!failed++)
            mms_fail(err, MMS_ERR_DIFFERS, "command %lld: %.900s",
                     (long long)json_integer_value(json_object_get(response, "id")),
                     json_string_value(json_object_get(why, "message")));
    }
    return failed ? MMS_ERR_DIFFERS : MMS_OK;
}

void mms_exec_print(const mms_value *result, FILE *out)
{
    mms_value *response;
    size_t i;

    json_array_foreach(json_object_get(result, "responses"), i, response)
    {
        const mms_value *const ret = json_object_get(response, "ret");
        const char *const traceback = json_string_value(json_object_get(response, "traceback"));
        const char *const tail = json_string_value(json_object_get(ret, "stdout_tail"));
        char *const text = json_is_null(ret) ? NULL : mms_value_text(ret, 0);
        fprintf(out, "%lld on server %d: %s\n",
                (long long)json_integer_value(json_object_get(response, "id")),
                (int)json_integer_value(json_object_get(response, "server")),
                traceback ? traceback
                : tail    ? tail
                : text    ? text
                          : "done");
        free(text);
    }
}
