// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file managers.cpp  Which storage manager holds which column, read from table.dat itself: the
 *  description's own word is what was asked for when the table was made. */
#include <casacore/tables/Tables/ColumnDesc.h>

#include <fstream>
#include <iterator>

#include "table.hpp"

namespace
{

uint32_t number_at(const std::string &bytes, size_t at)
{
    uint32_t v = 0;
    for (size_t i = 0; i < 4; i++)
        v = v << 8 | static_cast<unsigned char>(bytes[at + i]);
    return v;
}

std::string as_bytes(uint32_t v)
{
    return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8),
            static_cast<char>(v)};
}

/** Read n managers from at: name and sequence number each; false unless they end at end. */
bool read_list(const std::string &bytes, size_t at, size_t end,
               std::map<uint32_t, std::string> &list)
{
    if (at + 8 > end)
        return false;
    const uint32_t n = number_at(bytes, at + 4); // after the highest sequence number
    at += 8;
    for (uint32_t i = 0; i < n; i++) {
        const size_t length = at + 4 <= end ? number_at(bytes, at) : end;
        if (length > end || at + 8 + length > end)
            return false;
        list[number_at(bytes, at + 4 + length)] = bytes.substr(at + 4, length);
        at += 8 + length;
    }
    return at == end;
}

} // namespace

std::map<std::string, std::string> mms::stored_managers(const std::string &path,
                                                        const casacore::TableDesc &desc)
{
    std::ifstream file(path + "/table.dat", std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    std::map<std::string, uint32_t> sequence;
    std::map<uint32_t, std::string> list;
    std::map<std::string, std::string> found;
    size_t first = bytes.size();

    for (casacore::uInt i = 0; i < desc.ncolumn(); i++) {
        const std::string &name = desc[i].name();
        const std::string entry =
            as_bytes(2) + as_bytes(static_cast<uint32_t>(name.size())) + name + as_bytes(1);
        const size_t at = bytes.rfind(entry);
        if (at == std::string::npos || at + entry.size() + 4 > bytes.size())
            continue;
        sequence[name] = number_at(bytes, at + entry.size());
        first = std::min(first, at);
    }
    // The list begins with a negative version and the number of rows, of 4 or 8 bytes.
    const size_t start = bytes.rfind("\xff\xff\xff", first);
    if (start == std::string::npos ||
        !(read_list(bytes, start + 8, first, list) || read_list(bytes, start + 12, first, list)))
        return found;
    for (const auto &column : sequence)
        found[column.first] = list[column.second];
    return found;
}
