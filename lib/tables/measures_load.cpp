// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file measures_load.cpp  Opens the module of measures when one of its calls is needed, and
 * passes them on. */
#include <casacore/casa/Exceptions/Error.h>

#include <cstring>
#include <dlfcn.h>
#include <string>
#include <unistd.h>

#include "base/places_priv.h"
#include "measures_data.hpp"
#include "measures_module.hpp"
#include "table.hpp"

namespace
{

const char file_name[] = "libmultims-measures.so";

void log_text(mms_level level, const char *scope, const char *text)
{
    mms_log(level, scope, "%s", text);
}

const mms::border ours = {mms::casacore_lock,
                          mms::literal_paths::enter,
                          mms::literal_paths::leave,
                          mms::redirect_casacore_log,
                          mms::quiet::enter,
                          mms::quiet::leave,
                          mms::held_log::hold,
                          mms::held_log::drop,
                          mms::held_log::release,
                          mms::open_table,
                          mms_blackbox_enter,
                          mms_blackbox_leave,
                          log_text,
                          mms_disk_is_full,
                          mms_unwritten_file,
                          mms_path_exists,
                          mms_text_value};

struct opening {
    const mms::measures_module *module = nullptr;
    mms_status st = MMS_OK;
    mms_error why = {};
};

// Bound lazily: it brings libraries of 8,000 calls, of which a selection makes few.
const mms_module wanted = {MMS_MEASURES_SYMBOL,
                           sizeof(mms::measures_module),
                           RTLD_LAZY | RTLD_LOCAL,
                           MMS_ERR_IO,
                           "",
                           ": selections and measures need it, install it with the library"};

opening open_module()
{
    const std::lock_guard<std::recursive_mutex> alone(mms::casacore_lock());
    char *path = mms_place_find(file_name);
    if (path && access(path, R_OK) != 0) { // nothing goes without it
        std::free(path);
        path = mms_place_own(file_name);
    }
    const std::string place = path ? path : "";
    const void *table;
    opening o;

    o.st = mms_module_open(&wanted, path, &table, &o.why);
    o.module = static_cast<const mms::measures_module *>(table);
    if (o.module && (o.module->border_size != sizeof ours ||
                     std::strcmp(o.module->version, mms_version()) != 0)) {
        o.st = mms_fail(&o.why, MMS_ERR_IO, "%s belongs to another version", place.c_str());
        o.module = nullptr;
    }
    if (o.module)
        o.module->join(ours);
    return o;
}

const opening &opened()
{
    static const opening done = open_module();
    return done;
}

const mms::measures_module *find()
{
    return opened().module;
}

/** For what has no status of its own. */
const mms::measures_module &have()
{
    if (!find())
        throw casacore::AipsError(opened().why.msg);
    return *find();
}

} // namespace

#define STATUS(name, parameters, arguments, otherwise)             \
    mms_status name parameters                                     \
    {                                                              \
        if (find())                                                \
            return find()->name arguments;                         \
        otherwise;                                                 \
        return mms_fail(err, opened().st, "%s", opened().why.msg); \
    }
#include "measures_calls.def"
#undef STATUS

const char *mms_direction_name(int32_t reference)
{
    return find() ? find()->direction_name(reference) : nullptr;
}

/* Who has one of these has the module. */

void mms_fields_close(mms_fields **fields)
{
    if (*fields)
        find()->fields_close(fields);
}

int64_t mms_fields_count(const mms_fields *fields)
{
    return find()->fields_count(fields);
}

void mms_selector_free(mms_selector **selector)
{
    if (*selector)
        find()->selector_free(selector);
}

const int32_t *mms_selector_get(const mms_selector *s, mms_selector_list list, int64_t *n)
{
    return find()->selector_get(s, list, n);
}

std::unique_ptr<casacore::TableDesc> mms::make_standard_desc(const char *kind,
                                                             const char *const *optional)
{
    return have().make_standard_desc(kind, optional);
}

void mms::add_standard_column(casacore::TableDesc &desc, const char *name)
{
    have().add_standard_column(desc, name);
}

casacore::IPosition mms::mosaic_tile(const casacore::IPosition &cell)
{
    return have().mosaic_tile(cell);
}
