// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file logsink.cpp  casacore's log lines join ours. */
#include <casacore/casa/Logging/LogMessage.h>
#include <casacore/casa/Logging/LogSink.h>
#include <casacore/casa/Logging/LogSinkInterface.h>

#include "guard.hpp"

namespace
{

class sink : public casacore::LogSinkInterface
{
public:
    casacore::Bool postLocally(const casacore::LogMessage &message) override
    {
        const mms_level level = level_of(message.priority());
        mms_log(level, "casacore", "%s", mms::one_line(message.message()).c_str());
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

} // namespace

void mms::redirect_casacore_log()
{
    // A sink of casacore's lives as long as the process.
    static const bool done = [] {
        casacore::LogSinkInterface *ours = new sink;
        casacore::LogSink::globalSink(ours);
        return true;
    }();
    (void)done;
}
