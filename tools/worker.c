/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file worker.c  multims-worker: works for programs that can't be their own workers, as Python.
 */
#include <stdio.h>
#include <stdlib.h>

#include "multims/engine.h"
#include "multims/task.h"

int main(void)
{
    mms_unit_kind *const kinds = mms_task_units();
    int status = 1;

    if (!kinds) {
        fprintf(stderr, "multims-worker: out of memory\n");
        return status;
    }
    if (!getenv("MULTIMS_WORKER_FD")) {
        fprintf(stderr,
                "multims-worker: libmultims starts this program; the one for you is multims\n");
        status = 2;
    } else if (!mms_engine_serve(kinds, &status)) {
        status = 2;
    }
    free(kinds);
    return status;
}
