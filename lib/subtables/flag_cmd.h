/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_FLAG_CMD_H
#define MULTIMS_FLAG_CMD_H
/** @file flag_cmd.h  The commands of FLAG_CMD in the window ids and channels of an output. */

#include "multims/select.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Where each window and channel of an input is in the output. */
typedef struct mms_flag_cmd_map mms_flag_cmd_map;

/** What makes the output's windows. */
typedef struct mms_flag_cmd_request {
    uint32_t size;
    const mms_selection *selection; /**< with mms_selection_drop_channelless() done */
    const char *spw;                /**< its spw as the user gave it; NULL, "" and "*" are all */
    int64_t nbin;        /**< 0: no average; 1: one bin width; else one a window of the output */
    const int64_t *bins; /**< channels averaged to one; an incomplete bin of a range is dropped */
    bool keep_ids;       /**< windows keep their input ids (reindex=False) */
    bool new_grids;      /**< windows are regridded or combined: commands speak of others */
} mms_flag_cmd_request;
#define MMS_FLAG_CMD_REQUEST_INIT            \
    {                                        \
        .size = sizeof(mms_flag_cmd_request) \
    }

/** Find the output's places of the windows and channels of ms.  The request may end before the map.
 *  @param[out] out  the map, NULL on failure; end it with mms_flag_cmd_map_free()
 *  Errors: ARG a number of bins that fits no window; NOT_FOUND, TABLE, MEM. */
MMS_CHECKED mms_status mms_flag_cmd_map_create(const mms_ms *ms,
                                               const mms_flag_cmd_request *request,
                                               mms_flag_cmd_map **out, mms_error *err);
void mms_flag_cmd_map_free(mms_flag_cmd_map **map);

/** A command of the input as the output has it; texts are owned, end them with
 *  mms_flag_cmd_answer_free(). */
typedef struct mms_flag_cmd_answer {
    char *text;     /**< the command; "" when it applies to nothing in the output */
    char *problem;  /**< why a command or a part of it is gone, or NULL */
    char *warnings; /**< about its channels, each line ended by a line break, or NULL */
} mms_flag_cmd_answer;

/** Rewrite the spw part of one command; a command without one stays as it is.
 *  @param[out] answer  empty on failure
 *  Errors: MEM.  Source: docs/format.md */
MMS_CHECKED mms_status mms_flag_cmd_rewrite(const mms_flag_cmd_map *map, const char *command,
                                            mms_flag_cmd_answer *answer, mms_error *err);
void mms_flag_cmd_answer_free(mms_flag_cmd_answer *answer);

/** Rewrite COMMAND of the FLAG_CMD table at path, unless all channels are kept one by one or the
 *  first command names no window by number.  Where there are new grids the commands that name
 * windows are counted in a warning.  What is said goes to the log. Errors: NOT_FOUND, TABLE, MEM.
 * Source: docs/format.md */
MMS_CHECKED mms_status mms_flag_cmd_adapt(const char *path, const mms_flag_cmd_map *map,
                                          mms_error *err);

#ifdef __cplusplus
}
#endif
#endif
