// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file literal.cpp  Paths that casacore would change: it puts the values of environment variables
 * for
 *  "$NAME" and a home for "~" wherever it meets a path, for good and without a way to say no.  So
 * the variables that stand in our paths are out of the environment while casacore has to do. */
#include <casacore/casa/System/Aipsrc.h>

#include <unistd.h>

#include <cstdlib>
#include <map>
#include <set>

#include "table.hpp"

namespace
{

/** Used by one thread at a time: the one that is in casacore. */
struct variables {
    std::set<std::string> names; // that stand in paths
    std::map<std::string, std::string> hidden;
    int depth = 0;
};

variables &known()
{
    static variables all;
    return all;
}

void hide(const std::string &name)
{
    const char *value = std::getenv(name.c_str());

    if (!value)
        return;
    known().hidden[name] = value;
    unsetenv(name.c_str());
}

void add_name(const std::string &name)
{
    if (name.empty() || name.find('=') != std::string::npos || !known().names.insert(name).second)
        return;
    if (known().names.size() == 1) { // casacore's settings are read once, with all variables
        casacore::String none;
        casacore::Aipsrc::find(none, "multims.none");
    }
    hide(name);
}

/** What casacore may take for the name of a variable: the rest of the component, what stands in
 *  braces, and, whatever another version does, the word. */
void add_variables(const std::string &path)
{
    for (size_t at = path.find('$'); at != std::string::npos; at = path.find('$', at + 1)) {
        const std::string rest = path.substr(at + 1, path.find('/', at) - at - 1);
        const size_t brace = rest.find('}');
        size_t word = 0;
        while (word < rest.size() &&
               (std::isalnum(static_cast<unsigned char>(rest[word])) || rest[word] == '_'))
            word++;
        add_name(rest);
        add_name(rest.substr(0, word));
        if (rest[0] == '{' && brace != std::string::npos)
            add_name(rest.substr(1, brace - 1));
    }
}

std::string current_folder()
{
    char *const folder = getcwd(nullptr, 0);
    const std::string text = folder ? folder : "";
    std::free(folder);
    return text;
}

} // namespace

void mms::literal_paths::enter()
{
    if (known().depth++ == 0)
        for (const std::string &name : known().names)
            hide(name);
}

void mms::literal_paths::leave()
{
    if (--known().depth > 0)
        return;
    for (const auto &variable : known().hidden)
        setenv(variable.first.c_str(), variable.second.c_str(), 1);
    known().hidden.clear();
}

std::string mms::take_literally(const std::string &path)
{
    add_variables(path);
    if (path.empty() || path[0] == '/')
        return path;
    add_variables(current_folder());
    return path[0] == '~' ? "./" + path : path;
}
