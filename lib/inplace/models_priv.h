/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef MULTIMS_MODELS_PRIV_H
#define MULTIMS_MODELS_PRIV_H
/** @file models_priv.h  Virtual models: lists of components that stand for MODEL_DATA, which CASA
 *  keeps in SOURCE, each part of a Multi-MS a copy of its own. */

#include "calibrate/calibrate.h"
#include "change_priv.h"
#include "ms/meta.h"
#include "tables/measures_priv.h"

/** Where the selected rows of a field and window are: JSON [[field, spw, scan, state], …], each
 * once, ascending.  Returns NULL when out of memory. */
mms_value *mms_model_rows(const mms_meta *meta, int32_t field, int32_t spw);

/** Make the record of a component, a point in a direction, for a window.
 *  @param constant  the flux density of the middle frequency in all channels
 *  @param rows      as above
 *  Returns NULL when out of memory. */
mms_value *mms_model_component(const mms_flux *flux, const mms_flag_window *window,
                               const double *freq_hz, int32_t frame, bool constant,
                               const mms_direction *direction, const mms_value *rows);

/** Return the SOURCE of a part where it is the part's own, as a new text; NULL: it is another's, or
 *  there is none. */
char *mms_models_source(const char *part);

/** Take away all models of a part; source may be NULL.  Nothing is written where there are none.
 *  Errors: those of mms_table_change_models(). */
MMS_CHECKED mms_status mms_models_clear(const mms_model_tables *tables, mms_error *err);

/** Find whether a part of a set has virtual models.  Errors: TABLE, MEM. */
MMS_CHECKED mms_status mms_models_find(mms_ms *ms, bool *found, mms_error *err);

/** Keep the files in which models are, before mms_undo_keep(). */
MMS_CHECKED mms_status mms_models_keep(mms_undo *undo, mms_ms *ms, mms_error *err);

/** Write models into all parts of a set whose undo has begun, or with models NULL take away all:
 *  see mms_table_change_models(). */
MMS_CHECKED mms_status mms_models_change(mms_ms *ms, const mms_undo *undo,
                                         const mms_change_request *how, const mms_value *models,
                                         mms_error *err);

/** Write models, with an undo of its own; result gains what mms_change_run() says.
 *  @param[out] wrote  set before anything is written */
MMS_CHECKED mms_status mms_models_run(mms_change *c, const mms_change_request *how,
                                      const mms_value *models, bool *wrote, mms_value *result,
                                      mms_error *err);

/** The unit, whose order's "step" is "models". */
MMS_CHECKED mms_status mms_models_unit(const mms_value *order, mms_error *err);

#endif
