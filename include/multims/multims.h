/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MULTIMS_H
#define MULTIMS_MULTIMS_H
/** @file multims.h  All public headers. */

#include "multims/base.h"
#include "multims/client.h"
#include "multims/diff.h"
#include "multims/engine.h"
#include "multims/listing.h"
#include "multims/log.h"
#include "multims/mms.h"
#include "multims/ms.h"
#include "multims/parts.h"
#include "multims/select.h"
#include "multims/simulate.h"
#include "multims/task.h"
#include "multims/value.h"

#endif
