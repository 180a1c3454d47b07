// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file lock.cpp  casacore's lock of a table whose files are changed without casacore. */
#include <casacore/casa/IO/LockFile.h>

#include "base/files_priv.h"
#include "guard.hpp"
#include "table.hpp"
#include "tables_priv.h"

struct mms_table_lock {
    explicit mms_table_lock(const std::string &name) : file(name)
    {
    }
    casacore::LockFile file;
};

extern "C" {

mms_status mms_table_lock_take(const char *path, int tries, mms_table_lock **out, mms_error *err)
{
    const std::string file = std::string(path) + "/table.lock";
    bool there = false;
    const mms_status st = mms_path_exists(file.c_str(), &there, err);

    *out = nullptr;
    if (st != MMS_OK || !there)
        return st;
    return mms::guard(err, path, [&]() -> mms_status {
        auto lock = std::make_unique<mms_table_lock>(mms::take_literally(file));
        if (!lock->file.acquire(casacore::FileLocker::Write, static_cast<casacore::uInt>(tries)))
            return mms_fail(err, MMS_ERR_LOCKED, "%s: another program has locked it", path);
        *out = lock.release();
        return MMS_OK;
    });
}

void mms_table_lock_leave(mms_table_lock **lock)
{
    const std::unique_ptr<mms_table_lock> held(*lock);
    *lock = nullptr;
    (void)!mms::guard(nullptr, "table.lock", [&]() -> mms_status {
        if (held)
            held->file.release();
        return MMS_OK;
    });
}

} // extern "C"
