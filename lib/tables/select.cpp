/** @file select.cpp  MSSelection on one MS: parse, list ids, evaluate rows. */
#include <casacore/casa/Utilities/Regex.h>
#include <casacore/ms/MSSel/MSSelection.h>
#include <casacore/ms/MeasurementSets/MeasurementSet.h>
#include <casacore/tables/TaQL/ExprNode.h>
#include <casacore/tables/Tables/ScalarColumn.h>
#include <casacore/tables/Tables/SetupNewTab.h>
#include <casacore/tables/Tables/TableAttr.h>
#include <casacore/tables/Tables/TableRecord.h>

#include <algorithm>
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "select_priv.h"
#include "table.hpp"

using casacore::Matrix;
using casacore::MeasurementSet;
using casacore::MSSelection;
using casacore::String;
using casacore::Table;
using casacore::TableExprNode;
using casacore::Vector;

typedef std::vector<int32_t> id_list;

struct mms_selector {
    std::string path;
    Table main;
    std::vector<Table> subtables; // open as long as casacore shares them with the MS
    std::unique_ptr<MeasurementSet> ms;
    TableExprNode node;
    id_list lists[MMS_LIST_COUNT];
};

namespace
{

/** A key of a request and the sub-tables that its expression is looked up in. */
struct expression {
    const char *key;
    const char *mms_select::*text;
    casacore::Bool (MSSelection::*set)(const String &);
    std::vector<const char *> needs;
};

const std::vector<expression> &expressions()
{
    static const std::vector<expression> all = {
        {"field", &mms_select::field, &MSSelection::setFieldExpr, {"FIELD"}},
        {"spw",
         &mms_select::spw,
         &MSSelection::setSpwExpr,
         {"SPECTRAL_WINDOW", "DATA_DESCRIPTION"}},
        {"scan", &mms_select::scan, &MSSelection::setScanExpr, {}},
        {"antenna", &mms_select::antenna, &MSSelection::setAntennaExpr, {"ANTENNA"}},
        {"correlation",
         &mms_select::correlation,
         &MSSelection::setPolnExpr,
         {"POLARIZATION", "SPECTRAL_WINDOW", "DATA_DESCRIPTION"}},
        {"intent", &mms_select::intent, &MSSelection::setStateExpr, {"STATE"}},
        {"array", &mms_select::array, &MSSelection::setArrayExpr, {}},
        {"uvrange",
         &mms_select::uvrange,
         &MSSelection::setUvDistExpr,
         {"SPECTRAL_WINDOW", "DATA_DESCRIPTION"}},
        {"observation",
         &mms_select::observation,
         &MSSelection::setObservationExpr,
         {"OBSERVATION"}},
        {"feed", &mms_select::feed, &MSSelection::setFeedExpr, {"FEED"}},
        {"taql", &mms_select::taql, &MSSelection::setTaQLExpr, {}},
    };
    return all;
}

bool given(const char *text)
{
    return text && text[std::strspn(text, " \t\n")];
}

/** A standard sub-table of an MS, and an empty one for where it is missing. */
struct standard_table {
    const char *name;
    bool required;
    Table (*empty)();
};

template <typename SubTable>
Table empty_table()
{
    casacore::SetupNewTable setup("", SubTable::requiredTableDesc(), Table::Scratch);
    return Table(setup, Table::Memory, 0);
}

const std::vector<standard_table> &standard_tables()
{
    static const std::vector<standard_table> all = {
        {"ANTENNA", true, empty_table<casacore::MSAntenna>},
        {"DATA_DESCRIPTION", true, empty_table<casacore::MSDataDescription>},
        {"DOPPLER", false, nullptr},
        {"FEED", true, empty_table<casacore::MSFeed>},
        {"FIELD", true, empty_table<casacore::MSField>},
        {"FLAG_CMD", true, empty_table<casacore::MSFlagCmd>},
        {"FREQ_OFFSET", false, nullptr},
        {"HISTORY", true, empty_table<casacore::MSHistory>},
        {"OBSERVATION", true, empty_table<casacore::MSObservation>},
        {"POINTING", true, empty_table<casacore::MSPointing>},
        {"POLARIZATION", true, empty_table<casacore::MSPolarization>},
        {"PROCESSOR", true, empty_table<casacore::MSProcessor>},
        {"SOURCE", false, nullptr},
        {"SPECTRAL_WINDOW", true, empty_table<casacore::MSSpectralWindow>},
        {"STATE", true, empty_table<casacore::MSState>},
        {"SYSCAL", false, nullptr},
        {"WEATHER", false, nullptr},
    };
    return all;
}

/** Open the standard sub-tables that are there, so that class MeasurementSet finds them in
 * casacore's table cache and does not open them with a lock of its own. */
std::set<std::string> open_subtables(mms_selector &s)
{
    std::set<std::string> found;

    for (const standard_table &t : standard_tables()) {
        if (!s.main.keywordSet().isDefined(t.name))
            continue;
        const std::string path = s.main.keywordSet().tableAttributes(t.name).name();
        if (!Table::isReadable(path))
            continue;
        s.subtables.emplace_back(path, mms::read_lock(path), Table::Old);
        found.insert(t.name);
    }
    return found;
}

/** The main table as class MeasurementSet accepts it: required sub-tables that are missing on disk
 * are empty ones in memory, missing optional ones are not mentioned. */
Table complete(const Table &main, const std::set<std::string> &found)
{
    Table shell = main;
    bool whole = true;

    for (const standard_table &t : standard_tables()) {
        const bool mentioned = main.keywordSet().isDefined(t.name);
        if (found.count(t.name) || (!mentioned && !t.required))
            continue;
        if (whole) // a concatenation of one table has keywords of its own, in memory
            shell = Table(casacore::Block<Table>(1, main));
        whole = false;
        // rwKeywordSet() refuses because the concatenated table is read-only.
        auto &keywords = const_cast<casacore::TableRecord &>(shell.keywordSet());
        if (mentioned)
            keywords.removeField(t.name);
        if (t.required)
            keywords.defineTable(t.name, t.empty());
    }
    return shell;
}

mms_status check_needs(const std::string &path, const mms_select *select,
                       const std::set<std::string> &found, mms_error *err)
{
    for (const expression &e : expressions())
        for (const char *table : e.needs)
            if (given(select->*e.text) && !found.count(table))
                return mms_fail(err, MMS_ERR_NOT_FOUND,
                                "%s: sub-table %s, which the selection %s=\"%s\" needs, is missing",
                                path.c_str(), table, e.key, select->*e.text);
    return MMS_OK;
}

template <typename Ids>
id_list each_once(const Ids &ids)
{
    id_list out;
    for (const auto id : ids)
        if (std::find(out.begin(), out.end(), id) == out.end())
            out.push_back(id);
    return out;
}

template <typename Ids>
id_list ascending(const Ids &ids)
{
    std::set<int32_t> sorted;
    for (const auto id : ids)
        sorted.insert(id);
    return id_list(sorted.begin(), sorted.end());
}

/** Ids that name a row of a table of nrow rows; MSSelection lists what was written, up to 1000. */
id_list rows_only(id_list ids, casacore::rownr_t nrow)
{
    ids.erase(std::remove_if(ids.begin(), ids.end(),
                             [nrow](int32_t id) {
                                 return id < 0 || static_cast<casacore::rownr_t>(id) >= nrow;
                             }),
              ids.end());
    return ids;
}

void list_ids(mms_selector &s, const mms_select *select, MSSelection &m)
{
    if (given(select->spw)) {
        s.lists[MMS_LIST_SPWS] = each_once(m.getSpwList());
        s.lists[MMS_LIST_SPW_DDIDS] = each_once(m.getSPWDDIDList());
        const Matrix<casacore::Int> channels = m.getChanList(nullptr, 1);
        for (ssize_t i = 0; i < channels.shape()[0]; i++)
            for (ssize_t k = 0; k < 4; k++)
                s.lists[MMS_LIST_CHANNELS].push_back(channels(i, k));
    }
    if (given(select->correlation)) {
        s.lists[MMS_LIST_CORR_DDIDS] = ascending(m.getDDIDList());
        for (const auto &setup : m.getCorrMap())
            for (const int32_t product : ascending(setup.second[0])) {
                s.lists[MMS_LIST_CORRS].push_back(setup.first);
                s.lists[MMS_LIST_CORRS].push_back(product);
            }
    }
    if (given(select->field))
        s.lists[MMS_LIST_FIELDS] = ascending(m.getFieldList());
    if (given(select->observation))
        s.lists[MMS_LIST_OBSERVATIONS] =
            rows_only(ascending(m.getObservationList()), s.ms->observation().nrow());
    if (given(select->array))
        s.lists[MMS_LIST_ARRAYS] = ascending(m.getSubArrayList());
    if (given(select->intent))
        s.lists[MMS_LIST_STATES] =
            rows_only(ascending(m.getStateObsModeList()), s.ms->state().nrow());
    if (given(select->antenna))
        s.lists[MMS_LIST_ANTENNAS] =
            rows_only(ascending(m.getBaselineList()), s.ms->antenna().nrow());
}

/** Parse the expressions for which wanted says so. */
template <typename Wanted>
TableExprNode parse(MSSelection &m, const MeasurementSet &ms, const mms_select *select,
                    Wanted &&wanted)
{
    for (const expression &e : expressions())
        if (given(select->*e.text) && wanted(e))
            (m.*e.set)(select->*e.text);
    return m.toTableExprNode(&ms);
}

/** Find the expression that casacore refuses when it stands alone. */
const char *find_culprit(const MeasurementSet &ms, const mms_select *select)
{
    for (const expression &e : expressions()) {
        if (!given(select->*e.text))
            continue;
        try {
            MSSelection alone;
            parse(alone, ms, select, [&e](const expression &x) { return &x == &e; });
        } catch (const std::exception &) {
            return e.key;
        }
    }
    return nullptr;
}

mms_status refused(mms_error *err, const std::exception &e)
{
    return mms_fail(err, MMS_ERR_SELECT, "%s", mms::one_line(e.what()).c_str());
}

mms_status parse_all(mms_selector &s, const mms_select *select, const char **culprit,
                     mms_error *err)
{
    MSSelection m;
    try {
        s.node = parse(m, *s.ms, select, [](const expression &) { return true; });
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &e) {
        const mms_status st = refused(err, e);
        *culprit = find_culprit(*s.ms, select);
        return st;
    }
    list_ids(s, select, m);
    return MMS_OK;
}

/** TIME within one line of MSSelection's time list; its forms differ in their limits. */
TableExprNode time_node(const Table &main, double low, double high, double edge)
{
    const TableExprNode time = main.col("TIME");

    if (high == std::numeric_limits<double>::max())
        return time >= low;
    if (low == 0)
        return time <= high;
    if (edge == 0)
        return time >= low && time <= high;
    if (low == high)
        return abs(time - low) <= edge;
    return (time > low || abs(time - low) < edge) && (time < high || abs(time - high) < edge);
}

bool selected(const TableExprNode &node, casacore::rownr_t row)
{
    casacore::Bool value = true;
    if (!node.isNull())
        node.get(casacore::TableExprId(row), value);
    return value;
}

} // namespace

mms_status mms_selector_open(const char *path, const mms_select *select, mms_selector **out,
                             const char **culprit, mms_error *err)
{
    *out = nullptr;
    *culprit = nullptr;
    return mms::guard(err, path, [&]() -> mms_status {
        mms::redirect_casacore_log();
        auto s = std::make_unique<mms_selector>();
        s->path = path;
        s->main = Table(path, mms::read_lock(path), Table::Old);
        const std::set<std::string> found = open_subtables(*s);
        mms_status st = check_needs(s->path, select, found, err);
        if (st != MMS_OK)
            return st;
        s->main = complete(s->main, found);
        s->ms = std::make_unique<MeasurementSet>(s->main);
        st = parse_all(*s, select, culprit, err);
        if (st == MMS_OK)
            *out = s.release();
        return st;
    });
}

void mms_selector_free(mms_selector **selector)
{
    delete *selector;
    *selector = nullptr;
}

const int32_t *mms_selector_get(const mms_selector *s, mms_selector_list list, int64_t *n)
{
    *n = static_cast<int64_t>(s->lists[list].size());
    return s->lists[list].data();
}

mms_status mms_selector_reference_row(mms_selector *s, int64_t *row, mms_error *err)
{
    *row = -1;
    return mms::guard(err, s->path.c_str(), [&]() -> mms_status {
        const casacore::ScalarColumn<casacore::Bool> flag(s->main, "FLAG_ROW");
        for (casacore::rownr_t i = 0; i < s->main.nrow() && *row < 0; i++)
            if (s->node.isNull() ? !flag(i) : selected(s->node, i))
                *row = static_cast<int64_t>(i);
        return MMS_OK;
    });
}

mms_status mms_selector_resolve_times(mms_selector *s, int64_t row, const char *timerange,
                                      double **times, int64_t *n, mms_error *err)
{
    *times = nullptr;
    *n = 0;
    return mms::guard(err, s->path.c_str(), [&]() -> mms_status {
        // A table of that row alone: casacore then has no other row to take defaults from.
        const Vector<casacore::rownr_t> rows(1, static_cast<casacore::rownr_t>(row));
        const MeasurementSet one(s->main(rows));
        MSSelection m;
        m.setTimeExpr(timerange);
        try {
            m.toTableExprNode(&one);
        } catch (const std::exception &e) {
            return refused(err, e);
        }
        const Matrix<double> list = m.getTimeList();
        const auto count = static_cast<int64_t>(list.nelements());
        *times = static_cast<double *>(mms_alloc(count, sizeof **times));
        if (!*times)
            return mms_fail(err, MMS_ERR_MEM, "timerange: out of memory");
        std::copy(list.begin(), list.end(), *times);
        *n = count / 3;
        return MMS_OK;
    });
}

mms_status mms_selector_add_times(mms_selector *s, int64_t n, const double *times, mms_error *err)
{
    return mms::guard(err, s->path.c_str(), [&]() -> mms_status {
        TableExprNode any;
        for (int64_t i = 0; i < n; i++) {
            const double *t = times + 3 * i;
            const TableExprNode one = time_node(s->main, t[0], t[1], t[2]);
            any = any.isNull() ? one : any || one;
        }
        s->node = s->node.isNull() ? any : s->node && any;
        return MMS_OK;
    });
}

mms_status mms_selector_rows(mms_selector *s, mms_rows rows, uint8_t *mask, mms_error *err)
{
    return mms::guard(err, s->path.c_str(), [&]() -> mms_status {
        const auto nrow = static_cast<int64_t>(s->main.nrow());
        if (rows.first < 0 || rows.count < 0 || rows.first > nrow - rows.count)
            return mms_fail(err, MMS_ERR_RANGE, "%s: %" PRId64 " rows from %" PRId64 " of %" PRId64,
                            s->path.c_str(), rows.count, rows.first, nrow);
        for (int64_t i = 0; i < rows.count; i++)
            mask[i] = selected(s->node, static_cast<casacore::rownr_t>(rows.first + i));
        return MMS_OK;
    });
}

mms_status mms_text_matches(const char *text, const char *pattern, bool regex, bool *matches,
                            mms_error *err)
{
    *matches = false;
    try {
        const casacore::Regex re(regex ? String(pattern) : casacore::Regex::fromPattern(pattern));
        *matches = String(text).matches(re);
        return MMS_OK;
    } catch (const std::exception &e) {
        return mms_fail(err, MMS_ERR_SELECT, "%s: %s", pattern, mms::one_line(e.what()).c_str());
    }
}
