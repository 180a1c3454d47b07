// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file measures_module.hpp  The module libmultims-measures.so: all that needs casacore's measures
 *  and its class MeasurementSet, whose libraries take as long to load as all others together.
 *
 *  Where the library is static the same objects are linked into it, and there is no module. */
#ifndef MULTIMS_MEASURES_MODULE_HPP
#define MULTIMS_MEASURES_MODULE_HPP

#include <casacore/tables/Tables/Table.h>

#include "base/base_priv.h"
#include "base/files_priv.h"
#include "guard.hpp"
#include "measures_priv.h"
#include "select_priv.h"
#include "standard.hpp"
#include "tables_priv.h"

namespace mms
{

/** The library's state, which the module uses: there is one lock, one log, one black box. */
struct border {
    std::recursive_mutex &(*lock)();
    void (*enter_literal)(), (*leave_literal)();
    void (*redirect_log)();
    void (*enter_quiet)(), (*leave_quiet)();
    void (*hold_log)(), (*drop_log)(), (*release_log)();
    mms_status (*open_table)(const char *path, mms_table_mode mode, casacore::Table *out,
                             mms_error *err);
    decltype(&::mms_blackbox_enter) enter;
    decltype(&::mms_blackbox_leave) leave;
    void (*log)(mms_level level, const char *scope, const char *text);
    decltype(&::mms_disk_is_full) disk_is_full;
    decltype(&::mms_unwritten_file) unwritten_file;
    decltype(&::mms_path_exists) path_exists;
    decltype(&::mms_text_value) text_value;
};

struct measures_module {
    uint32_t size, border_size; // of these structs: library and module belong together
    const char *version;
    void (*join)(const border &library);
#define STATUS(name, parameters, arguments, otherwise) decltype(&::name) name;
#include "measures_calls.def"
#undef STATUS
    decltype(&::mms_direction_name) direction_name;
    decltype(&::mms_fields_close) fields_close;
    decltype(&::mms_fields_count) fields_count;
    decltype(&::mms_selector_free) selector_free;
    decltype(&::mms_selector_get) selector_get;
    decltype(&mms::make_standard_desc) make_standard_desc;
    decltype(&mms::add_standard_column) add_standard_column;
    decltype(&mms::mosaic_tile) mosaic_tile;
};

} // namespace mms

#define MMS_MEASURES_SYMBOL "mms_measures_module_calls"

#endif
