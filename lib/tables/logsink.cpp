// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file logsink.cpp  casacore's log lines join ours. */
#include <casacore/casa/Logging/LogMessage.h>
#include <casacore/casa/Logging/LogSink.h>
#include <casacore/casa/Logging/LogSinkInterface.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "measures_data.hpp"
#include "reading_priv.h"

namespace
{

int quiet_scopes = 0; // under casacore_lock()

struct line {
    mms_level level;
    std::string text;
};

/** Lines of a held log; casacore_lock() guards them. */
struct {
    bool held;
    std::vector<line> lines;
} kept;

class sink : public casacore::LogSinkInterface
{
public:
    casacore::Bool postLocally(const casacore::LogMessage &message) override
    {
        const mms_level level = quiet_scopes ? MMS_LOG_DEBUG : level_of(message.priority());
        const std::string text = mms::one_line(message.message());
        if (kept.held)
            kept.lines.push_back({level, text});
        else
            mms_log(level, "casacore", "%s", text.c_str());
        return true;
    }
    casacore::String id() const override
    {
        return "multims";
    }

private:
    static mms_level level_of(casacore::LogMessage::Priority priority)
    {
        if (priority == casacore::LogMessage::SEVERE)
            return MMS_LOG_ERROR;
        if (priority == casacore::LogMessage::WARN)
            return MMS_LOG_WARN;
        return MMS_LOG_DEBUG;
    }
};

/** The process ends by an exception, most often of a destructor. */
void give_up()
{
    mms_blackbox *const box = mms_blackbox_get();

    try {
        if (std::current_exception())
            std::rethrow_exception(std::current_exception());
    } catch (const std::exception &e) {
        std::snprintf(box->words, sizeof box->words, "%s", mms::one_line(e.what()).c_str());
    } catch (...) {
        std::snprintf(box->words, sizeof box->words, "unknown exception");
    }
    std::abort();
}

} // namespace

std::recursive_mutex &mms::casacore_lock()
{
    static std::recursive_mutex lock;
    return lock;
}

void mms_casacore_keep(void)
{
    mms::casacore_lock().lock();
}

void mms_casacore_leave(void)
{
    mms::casacore_lock().unlock();
}

void mms::redirect_casacore_log()
{
    // A sink of casacore's lives as long as the process.
    static const bool done = [] {
        casacore::LogSinkInterface *ours = new sink;
        casacore::LogSink::globalSink(ours);
        if (mms_blackbox_get()->watched)
            std::set_terminate(give_up);
        return true;
    }();
    (void)done;
}

void mms::held_log::hold()
{
    kept.held = true;
}

void mms::held_log::drop()
{
    kept.held = false;
    kept.lines.clear();
}

void mms::held_log::release()
{
    for (const line &l : kept.lines)
        mms_log(l.level, "casacore", "%s", l.text.c_str());
    kept.lines.clear();
}

void mms::quiet::enter()
{
    quiet_scopes++;
}

void mms::quiet::leave()
{
    quiet_scopes--;
}
