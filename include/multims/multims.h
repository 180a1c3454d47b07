/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MULTIMS_H
#define MULTIMS_MULTIMS_H
/** @file multims.h  All public headers. */

#include "multims/base.h"
#include "multims/block.h"
#include "multims/contents.h"
#include "multims/decide.h"
#include "multims/diff.h"
#include "multims/engine.h"
#include "multims/flag_cmd.h"
#include "multims/layout.h"
#include "multims/listing.h"
#include "multims/log.h"
#include "multims/meta.h"
#include "multims/mms.h"
#include "multims/ms.h"
#include "multims/ms_meta.h"
#include "multims/plan.h"
#include "multims/regrid.h"
#include "multims/select.h"
#include "multims/simulate.h"
#include "multims/spectra.h"
#include "multims/stage.h"
#include "multims/subtables.h"
#include "multims/task.h"
#include "multims/transform.h"
#include "multims/value.h"

#endif
