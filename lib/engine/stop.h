/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_ENGINE_STOP_H
#define MULTIMS_ENGINE_STOP_H
/** @file stop.h  Long work asks from time to time whether it is to end. */

#include "multims/base.h"

/** Errors: STOPPED once a stop signal has come. */
MMS_CHECKED mms_status mms_check_stop(mms_error *err);

/** Whether a rank does not answer: what it runs may go on when it is there again. */
bool mms_rank_is_silent(void);

#endif
