// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file measures_module.cpp  The module's one symbol, and the library's state as seen from it. */
#include "measures_module.hpp"

#include <cstdarg>

#include "base/utf8_priv.h"
#include "measures_data.hpp"
#include "table.hpp"

static const mms::border *library;

static void join(const mms::border &given)
{
    library = &given;
}

extern "C" {
__attribute__((visibility("default"))) extern const mms::measures_module mms_measures_module_calls;
const mms::measures_module mms_measures_module_calls = {sizeof(mms::measures_module),
                                                        sizeof(mms::border),
                                                        MULTIMS_VERSION,
                                                        join,
#define STATUS(name, parameters, arguments, otherwise) name,
#include "measures_calls.def"
#undef STATUS
                                                        mms_direction_name,
                                                        mms_fields_close,
                                                        mms_fields_count,
                                                        mms_selector_free,
                                                        mms_selector_get,
                                                        mms::make_standard_desc,
                                                        mms::add_standard_column,
                                                        mms::mosaic_tile};
}

std::recursive_mutex &mms::casacore_lock()
{
    return library->lock();
}

void mms::literal_paths::enter()
{
    library->enter_literal();
}

void mms::literal_paths::leave()
{
    library->leave_literal();
}

void mms::redirect_casacore_log()
{
    library->redirect_log();
}

void mms::quiet::enter()
{
    library->enter_quiet();
}

void mms::quiet::leave()
{
    library->leave_quiet();
}

void mms::held_log::hold()
{
    library->hold_log();
}

void mms::held_log::drop()
{
    library->drop_log();
}

void mms::held_log::release()
{
    library->release_log();
}

mms_status mms::open_table(const char *path, mms_table_mode mode, casacore::Table *out,
                           mms_error *err)
{
    return library->open_table(path, mode, out, err);
}

extern "C" {

void mms_blackbox_enter(const char *table)
{
    library->enter(table);
}

void mms_blackbox_leave(void)
{
    library->leave();
}

void mms_log(mms_level level, const char *scope, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    mms_message(text, sizeof text, fmt, args);
    va_end(args);
    library->log(level, scope, text);
}

bool mms_disk_is_full(const char *path)
{
    return library->disk_is_full(path);
}

char *mms_unwritten_file(const char *message)
{
    return library->unwritten_file(message);
}

mms_status mms_path_exists(const char *path, bool *there, mms_error *err)
{
    return library->path_exists(path, there, err);
}

mms_value *mms_text_value(const char *text)
{
    return library->text_value(text);
}

} // extern "C"
