// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file guard.hpp  The casacore border: exceptions become statuses. */
#ifndef MULTIMS_GUARD_HPP
#define MULTIMS_GUARD_HPP

#include <casacore/casa/Exceptions/Error.h>
#include <casacore/tables/DataMan/DataManError.h>
#include <casacore/tables/Tables/TableError.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "base/base_priv.h"
#include "base/blackbox_priv.h"
#include "base/files_priv.h"

namespace mms
{

/** casacore's texts as one line: its line breaks and runs of blanks become one blank. */
inline std::string one_line(const std::string &text)
{
    std::string line;
    for (const char c : text) {
        const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (!blank)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    while (!line.empty() && line.back() == ' ')
        line.pop_back();
    return line;
}

/** One thread at a time is in casacore: tables of one name share their files and caches. */
std::recursive_mutex &casacore_lock();

/** Says, while it lives, what casacore has to do with: for the one who finds the process dead. */
class in_casacore
{
public:
    explicit in_casacore(const char *what)
    {
        mms_blackbox_enter(what);
    }
    ~in_casacore()
    {
        mms_blackbox_leave();
    }
    in_casacore(const in_casacore &) = delete;
    in_casacore &operator=(const in_casacore &) = delete;
};

/** While it lives, casacore finds no value for the "$NAME" of paths that are taken literally. */
class literal_paths
{
public:
    literal_paths()
    {
        enter();
    }
    ~literal_paths()
    {
        leave();
    }
    static void enter();
    static void leave();
    literal_paths(const literal_paths &) = delete;
    literal_paths &operator=(const literal_paths &) = delete;
};

/** What casacore throws; it does not know that it could not write to a full disk, or could not read
 *  for a fault of the disk: errno does, if that was the last call that failed. */
inline mms_status failed(mms_error *err, const char *what, const std::string &text)
{
    const int errnum = errno;
    const std::unique_ptr<char, decltype(&std::free)> file(mms_unwritten_file(text.c_str()),
                                                           &std::free);

    const bool no_room = errnum == ENOSPC || errnum == EDQUOT;

    if (no_room || (file && mms_disk_is_full(file.get()))) {
        mms_log(MMS_LOG_WARN, "casacore", "%s", text.c_str());
        return mms_fail_errno(err, no_room ? errnum : ENOSPC, "%s",
                              file && *file ? file.get() : what);
    }
    if (text.find("lock on table") != std::string::npos &&
        text.find("could not be acquired") != std::string::npos)
        return mms_fail(err, MMS_ERR_LOCKED, "%s: %s", what, text.c_str());
    if (errnum == EIO || errnum == ESTALE) // no fault of the table's
        return mms_fail(err, MMS_ERR_IO, "%s: %s (%s)", what, text.c_str(), std::strerror(errnum));
    return mms_fail(err, MMS_ERR_TABLE, "%s: %s", what, text.c_str());
}

template <typename Body>
mms_status guard(mms_error *err, const char *what, Body &&body) noexcept
{
    const std::lock_guard<std::recursive_mutex> alone(casacore_lock());
    const in_casacore here(what);
    errno = 0;
    try {
        const literal_paths literal;
        return std::forward<Body>(body)();
    } catch (const std::bad_alloc &) {
        return mms_fail(err, MMS_ERR_MEM,
                        "%s: out of memory, or it is damaged and asks for more than there is",
                        what);
    } catch (const casacore::TableNoFile &e) {
        return mms_fail(err, MMS_ERR_NOT_FOUND, "%s: %s", what, one_line(e.what()).c_str());
    } catch (const casacore::DataManUnknownCtor &e) {
        return mms_fail(err, MMS_ERR_UNSUPPORTED, "%s: %s", what, one_line(e.what()).c_str());
    } catch (const casacore::AipsError &e) {
        return failed(err, what, one_line(e.what()));
    } catch (const std::exception &e) {
        return mms_fail(err, MMS_ERR_INTERNAL, "%s: %s", what, e.what());
    } catch (...) {
        return mms_fail(err, MMS_ERR_INTERNAL, "%s: unknown exception", what);
    }
}

/** Send casacore's log lines to mms_log from now on, and its last words where a watcher looks for
 *  them; later calls do nothing. */
void redirect_casacore_log();

/** Keeps casacore's log lines back while it lives; those that were not released are dropped: they
 *  say what the error says. */
class held_log
{
public:
    held_log()
    {
        hold();
    }
    ~held_log()
    {
        drop();
    }
    held_log(const held_log &) = delete;
    held_log &operator=(const held_log &) = delete;
    static void hold();
    static void drop();
    static void release();
};

} // namespace mms

#endif
