// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file measures_data.hpp  How the files of measures share casacore's tables and its log. */
#ifndef MULTIMS_MEASURES_DATA_HPP
#define MULTIMS_MEASURES_DATA_HPP

#include <stdexcept>

#include "guard.hpp"

namespace mms
{

/** MULTIMS_MEASURES names what has no measures data. */
class bad_setting : public std::runtime_error
{
public:
    using std::runtime_error::runtime_error;
};

/** Tell casacore, once, where measures data are; throws bad_setting. */
void point_to_measures();

/** As long as one of these lives, lines of casacore's log are for debugging alone: what they say
 *  about measures data is said by mms_measures_words(). */
class quiet
{
public:
    quiet()
    {
        enter();
    }
    ~quiet()
    {
        leave();
    }
    static void enter();
    static void leave();
    quiet(const quiet &) = delete;
    quiet &operator=(const quiet &) = delete;
};

/** guard() for what needs measures data. */
template <typename Body>
mms_status measures_guard(mms_error *err, const char *what, Body &&body) noexcept
{
    return guard(err, what, [&]() -> mms_status {
        redirect_casacore_log();
        const quiet here;
        try {
            point_to_measures();
        } catch (const bad_setting &e) {
            return mms_fail(err, MMS_ERR_ARG, "%s", e.what());
        }
        return std::forward<Body>(body)();
    });
}

} // namespace mms

#endif
