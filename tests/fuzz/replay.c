/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file replay.c  Runs a fuzz target over the files that are named, without a fuzzer. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/stream_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        mms_error err;
        uint8_t *bytes;
        size_t size;
        if (mms_read_file(argv[i], 1 << 24, &bytes, &size, &err) != MMS_OK) {
            fprintf(stderr, "%s\n", err.msg);
            return 1;
        }
        LLVMFuzzerTestOneInput(bytes, size);
        free(bytes);
    }
    printf("%d inputs\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
