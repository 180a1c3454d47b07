/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SELECT_VALUE_H
#define MULTIMS_SELECT_VALUE_H
/** @file select_value.h  A selection on its way to a worker. */

#include "multims/select.h"
#include "multims/value.h"

/** The expressions that are given, by parameter name; new reference. */
mms_value *mms_select_value(const mms_select *select);

/** The selection of such a value, whose texts are borrowed. */
mms_select mms_select_of(const mms_value *value);

#endif
