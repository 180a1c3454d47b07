#ifndef MULTIMS_CHAIN_PRIV_H
#define MULTIMS_CHAIN_PRIV_H
/** @file chain_priv.h  The transformations of a part, in a worker.
 *
 *  As JSON: exact, kinds (MMS_KIND_BITs), rule (mms_weight_rule), in_spectrum (WEIGHT_SPECTRUM
 *  exists), out_spectra (both spectra are written), windows [{ddids, spw, nchan, ranges
 *  [[first, last, step]], chanbin, hanning}], time (see time_stage_priv.h; blocks are averaged
 *  before they come here); nchan and the channels are the input's. */

#include "multims/block.h"
#include "multims/spectra.h"
#include "task_priv.h"

/** The data columns of a block that are processed, by kind. */
typedef struct mms_kind_column {
    const char *column;
    mms_data_kind kind;
} mms_kind_column;
extern const mms_kind_column mms_kind_columns[MMS_MAX_KINDS];

/** See the cells of a group as spectra of the kinds, and (spectra) those of WEIGHT_SPECTRUM and
 *  SIGMA_SPECTRUM that are defined.
 *  Errors: TABLE a needed cell is undefined; SHAPE the columns disagree. */
MMS_CHECKED mms_status mms_group_spectra(const mms_block *block, const mms_group *group,
                                         unsigned kinds, bool spectra, mms_spectra *out,
                                         mms_error *err);

typedef struct mms_chain mms_chain;

/** Errors: those of mms_spectral_prepare(); MEM. */
MMS_CHECKED mms_status mms_chain_open(const mms_value *value, mms_chain **out, mms_error *err);
void mms_chain_close(mms_chain **chain);

/** Whether blocks must have an array column: the chain reads or changes it. */
bool mms_chain_needs(const mms_chain *chain, const char *column);

/** Transform a block whose groups have one DDID each and selected channels only: data, flags and
 *  weights change, spectra that the input lacks are added.  Memory comes from the reader.  Several
 * threads may transform a block each. Errors: TABLE a needed cell is undefined; SHAPE; MEM. */
MMS_CHECKED mms_status mms_chain_apply(const mms_chain *chain, mms_reader *reader, mms_block *block,
                                       mms_error *err);

#endif
