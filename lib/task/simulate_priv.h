/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_SIMULATE_PRIV_H
#define MULTIMS_SIMULATE_PRIV_H
/** @file simulate_priv.h  Inside the task simulate. */

#include "multims/simulate.h"
#include "transform_priv.h"

/** Write the set, which gets its name when it is whole; result gains its bytes.  A journal is kept
 *  meanwhile, by which `multims resume` begins a killed run anew.  Errors: those of the disk, of
 *  mms_simulate() and of mms_journal_open(). */
MMS_CHECKED mms_status mms_simulate_write(mms_run *run, const char *outputvis, const mms_how *how,
                                          mms_simulate_opts *opts, mms_value *result,
                                          mms_error *err);

/** Whether it is there because a run was killed when it had named it; result is that run's then. */
bool mms_simulate_was_published(mms_run *run, const char *outputvis, mms_value *result);

#endif
