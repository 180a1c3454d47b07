/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_LOG_PRIV_H
#define MULTIMS_LOG_PRIV_H
/** @file log_priv.h  A second place for log lines. */

#include "multims/log.h"

/** Give later lines up to level to this sink, too; NULL: to none. */
void mms_log_also(mms_log_sink *sink, void *ctx, mms_level level);

#endif
