// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file select.cpp  MSSelection on one MS: parse, list ids, evaluate rows. */
#include <casacore/casa/BasicSL/Constants.h>
#include <casacore/ms/MSSel/MSSelection.h>
#include <casacore/ms/MeasurementSets/MeasurementSet.h>
#include <casacore/tables/DataMan/ForwardCol.h>
#include <casacore/tables/TaQL/ExprNode.h>
#include <casacore/tables/Tables/ArrColDesc.h>
#include <casacore/tables/Tables/ArrayColumn.h>
#include <casacore/tables/Tables/ScaColDesc.h>
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

#include "base/files_priv.h"
#include "column_names.hpp"
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

/** Baselines in the plane of the sky from low to high, in metres or wavelengths. */
struct uv_range {
    double low, high;
    bool metres;
};

struct mms_selector {
    std::string path;
    Table main;
    std::vector<Table> subtables; // open as long as casacore shares them with the MS
    std::unique_ptr<MeasurementSet> ms;
    TableExprNode node, uv, others; // all, uvrange alone, all but uvrange
    std::vector<uv_range> ranges;   // what uv means; empty: casacore is asked row by row
    std::vector<double> lambda_m;   // by DDID
    bool uv_proved = false;
    id_list lists[MMS_LIST_COUNT];
};

namespace
{

/** A key of a request, the sub-tables that its expression is looked up in, the ids it gives. */
struct expression {
    const char *key;
    const char *mms_select::*text;
    casacore::Bool (MSSelection::*set)(const String &);
    std::vector<const char *> needs;
    void (*list)(mms_selector &s, MSSelection &m);
};

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
mms_status open_subtables(mms_selector &s, std::set<std::string> *found, mms_error *err)
{
    for (const standard_table &t : standard_tables()) {
        if (!s.main.keywordSet().isDefined(t.name))
            continue;
        const std::string path = s.main.keywordSet().tableAttributes(t.name).name();
        bool there = false;
        Table table;
        mms_status st = mms_path_exists((path + "/table.dat").c_str(), &there, err);
        if (st == MMS_OK && there)
            st = mms::open_table(path.c_str(), MMS_TABLE_READ, &table, err);
        if (st != MMS_OK)
            return st;
        if (!there)
            continue;
        s.subtables.push_back(table);
        found->insert(t.name);
    }
    return MMS_OK;
}

/** Whether a main table has the columns that class MeasurementSet opens and some writers leave out.
 */
bool has_all_columns(const Table &main)
{
    return main.tableDesc().isColumn(mms::column::FLAG_CATEGORY) &&
           main.tableDesc().isColumn(mms::column::FLAG_ROW);
}

/** A table in memory whose columns are those of main, read through it; FLAG_CATEGORY without cells
 *  and FLAG_ROW without flags where they are missing. */
Table with_all_columns(const Table &main)
{
    casacore::TableDesc desc(main.tableDesc(), casacore::TableDesc::Scratch);
    for (const String &name : desc.hypercolumnNames())
        desc.removeHypercolumnDesc(name);
    if (!desc.isColumn(mms::column::FLAG_CATEGORY))
        desc.addColumn(casacore::ArrayColumnDesc<casacore::Bool>(mms::column::FLAG_CATEGORY, 3));
    if (!desc.isColumn(mms::column::FLAG_ROW))
        desc.addColumn(casacore::ScalarColumnDesc<casacore::Bool>(mms::column::FLAG_ROW));
    casacore::SetupNewTable setup("", desc, Table::Scratch);
    const casacore::ForwardColumnEngine engine(main, "main");
    for (const String &name : main.tableDesc().columnNames())
        setup.bindColumn(name, engine);
    Table table(setup, Table::Memory, main.nrow());
    table.rwKeywordSet() = main.keywordSet();
    return table;
}

/** The main table as class MeasurementSet accepts it: required sub-tables that are missing on disk
 * are empty ones in memory, missing optional ones are not mentioned, FLAG_ROW and FLAG_CATEGORY are
 * there, which has its keyword. */
Table complete(const Table &main, const std::set<std::string> &found)
{
    static const char keyword[] = "CATEGORY";
    const Table readable = has_all_columns(main) ? main : with_all_columns(main);
    // A concatenation of one table has keywords of its own, in memory; what it gives out for
    // writing is refused because the table in it is read-only.
    Table shell(casacore::Block<Table>(1, readable));
    auto &keywords = const_cast<casacore::TableRecord &>(shell.keywordSet());
    auto &desc = const_cast<casacore::TableDesc &>(shell.tableDesc());
    bool whole = has_all_columns(main);

    for (const standard_table &t : standard_tables()) {
        const bool mentioned = keywords.isDefined(t.name);
        if (found.count(t.name) || (!mentioned && !t.required))
            continue;
        whole = false;
        if (mentioned)
            keywords.removeField(t.name);
        if (t.required)
            keywords.defineTable(t.name, t.empty());
    }
    if (!desc[mms::column::FLAG_CATEGORY].keywordSet().isDefined(keyword)) {
        whole = false;
        desc.rwColumnDesc(mms::column::FLAG_CATEGORY)
            .rwKeywordSet()
            .define(keyword, Vector<String>());
    }
    return whole ? main : shell;
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

void list_windows(mms_selector &s, MSSelection &m)
{
    s.lists[MMS_LIST_SPWS] = each_once(m.getSpwList());
    s.lists[MMS_LIST_SPW_DDIDS] = each_once(m.getSPWDDIDList());
    const Matrix<casacore::Int> channels = m.getChanList(nullptr, 1);
    for (ssize_t i = 0; i < channels.shape()[0]; i++)
        for (ssize_t k = 0; k < 4; k++)
            s.lists[MMS_LIST_CHANNELS].push_back(channels(i, k));
}

void list_products(mms_selector &s, MSSelection &m)
{
    s.lists[MMS_LIST_CORR_DDIDS] = ascending(m.getDDIDList());
    for (const auto &setup : m.getCorrMap())
        for (const int32_t product : ascending(setup.second[0])) {
            s.lists[MMS_LIST_CORRS].push_back(setup.first);
            s.lists[MMS_LIST_CORRS].push_back(product);
        }
}

void list_fields(mms_selector &s, MSSelection &m)
{
    s.lists[MMS_LIST_FIELDS] = ascending(m.getFieldList());
}

void list_observations(mms_selector &s, MSSelection &m)
{
    s.lists[MMS_LIST_OBSERVATIONS] =
        rows_only(ascending(m.getObservationList()), s.ms->observation().nrow());
}

void list_arrays(mms_selector &s, MSSelection &m)
{
    s.lists[MMS_LIST_ARRAYS] = ascending(m.getSubArrayList());
}

void list_states(mms_selector &s, MSSelection &m)
{
    s.lists[MMS_LIST_STATES] = rows_only(ascending(m.getStateObsModeList()), s.ms->state().nrow());
}

void list_antennas(mms_selector &s, MSSelection &m)
{
    s.lists[MMS_LIST_ANTENNAS] = rows_only(ascending(m.getBaselineList()), s.ms->antenna().nrow());
}

void list_ranges(mms_selector &s, MSSelection &m)
{
    const Matrix<double> limits = m.getUVList();
    const Vector<casacore::Bool> metres = m.getUVUnitsList();
    const casacore::ScalarColumn<casacore::Int> window(s.ms->dataDescription(),
                                                       "SPECTRAL_WINDOW_ID");
    const casacore::ScalarColumn<double> frequency(s.ms->spectralWindow(), "REF_FREQUENCY");

    if (limits.shape()[1] != static_cast<ssize_t>(metres.nelements()))
        return;
    for (casacore::rownr_t i = 0; i < window.nrow(); i++)
        s.lambda_m.push_back(casacore::C::c / frequency(static_cast<casacore::rownr_t>(window(i))));
    for (ssize_t i = 0; i < limits.shape()[1]; i++)
        s.ranges.push_back({limits(0, i), limits(1, i), metres[static_cast<size_t>(i)]});
}

const std::vector<expression> &expressions()
{
    static const std::vector<expression> all = {
        {"field", &mms_select::field, &MSSelection::setFieldExpr, {"FIELD"}, list_fields},
        {"spw",
         &mms_select::spw,
         &MSSelection::setSpwExpr,
         {"SPECTRAL_WINDOW", "DATA_DESCRIPTION"},
         list_windows},
        {"scan", &mms_select::scan, &MSSelection::setScanExpr, {}, nullptr},
        {"antenna", &mms_select::antenna, &MSSelection::setAntennaExpr, {"ANTENNA"}, list_antennas},
        {"correlation",
         &mms_select::correlation,
         &MSSelection::setPolnExpr,
         {"POLARIZATION", "SPECTRAL_WINDOW", "DATA_DESCRIPTION"},
         list_products},
        {"intent", &mms_select::intent, &MSSelection::setStateExpr, {"STATE"}, list_states},
        {"array", &mms_select::array, &MSSelection::setArrayExpr, {}, list_arrays},
        {"uvrange",
         &mms_select::uvrange,
         &MSSelection::setUvDistExpr,
         {"SPECTRAL_WINDOW", "DATA_DESCRIPTION"},
         list_ranges},
        {"observation",
         &mms_select::observation,
         &MSSelection::setObservationExpr,
         {"OBSERVATION"},
         list_observations},
        {"feed", &mms_select::feed, &MSSelection::setFeedExpr, {"FEED"}, nullptr},
        {"taql", &mms_select::taql, &MSSelection::setTaQLExpr, {}, nullptr},
    };
    return all;
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

mms_status refused(mms_error *err, const std::exception &e)
{
    return mms_fail(err, MMS_ERR_SELECT, "%s", mms::one_line(e.what()).c_str());
}

TableExprNode both(const TableExprNode &a, const TableExprNode &b)
{
    return a.isNull() ? b : b.isNull() ? a : a && b;
}

/** Parse one expression alone, so that a refusal is known to be its own. */
mms_status parse(mms_selector &s, const expression &e, const char *text, mms_error *err)
{
    MSSelection m;
    (m.*e.set)(text);
    try {
        const TableExprNode node = m.toTableExprNode(s.ms.get());
        TableExprNode &kind = e.text == &mms_select::uvrange ? s.uv : s.others;
        kind = both(kind, node);
        s.node = both(s.node, node);
    } catch (const std::bad_alloc &) {
        throw;
    } catch (const std::exception &x) {
        return refused(err, x);
    }
    if (e.list)
        e.list(s, m);
    return MMS_OK;
}

mms_status parse_all(mms_selector &s, const mms_select *select, const char **culprit,
                     mms_error *err)
{
    for (const expression &e : expressions()) {
        if (!given(select->*e.text))
            continue;
        const mms_status st = parse(s, e, select->*e.text, err);
        if (st != MMS_OK) {
            *culprit = e.key;
            return st;
        }
    }
    return MMS_OK;
}

/** TIME within one line of MSSelection's time list; its forms differ in their limits. */
TableExprNode time_node(const Table &main, double low, double high, double edge)
{
    const TableExprNode time = main.col(mms::column::TIME);

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

/** Whether a range holds a squared distance; as MSSelection, which squares wavelengths' limits in
 *  single precision. */
bool holds(const mms_selector &s, const uv_range &r, double square, int32_t ddid)
{
    if (r.metres)
        return square >= r.low * r.low && square <= r.high * r.high;
    if (ddid < 0 || static_cast<size_t>(ddid) >= s.lambda_m.size())
        return false;
    const double lambda = s.lambda_m[static_cast<size_t>(ddid)];
    const auto low = static_cast<float>(r.low * lambda), high = static_cast<float>(r.high * lambda);
    return square >= static_cast<double>(low * low) && square <= static_cast<double>(high * high);
}

/** Clear the mask of rows beyond the ranges: uvw and DDIDs are read in blocks. */
void mask_ranges(const mms_selector &s, mms_rows rows, uint8_t *mask)
{
    const casacore::Slicer range(casacore::IPosition(1, static_cast<ssize_t>(rows.first)),
                                 casacore::IPosition(1, static_cast<ssize_t>(rows.count)));
    const Matrix<double> uvw =
        casacore::ArrayColumn<double>(s.main, mms::column::UVW).getColumnRange(range);
    const Vector<casacore::Int> ddid =
        casacore::ScalarColumn<casacore::Int>(s.main, mms::column::DATA_DESC_ID)
            .getColumnRange(range);

    for (ssize_t i = 0; i < static_cast<ssize_t>(rows.count); i++) {
        const double square = uvw(0, i) * uvw(0, i) + uvw(1, i) * uvw(1, i);
        bool any = false;
        for (size_t k = 0; mask[i] && !any && k < s.ranges.size(); k++)
            any = holds(s, s.ranges[k], square, ddid(i));
        mask[i] = mask[i] && any;
    }
}

/** Compare rows all over the table with what casacore's expression says of them. */
void prove_ranges(mms_selector &s)
{
    enum { SAMPLES = 64 };
    const auto nrow = static_cast<int64_t>(s.main.nrow());
    const casacore::ColumnDesc &uvw = s.main.tableDesc().columnDesc(mms::column::UVW);
    bool same = uvw.isFixedShape() && uvw.shape().isEqual(casacore::IPosition(1, 3));

    s.uv_proved = true;
    for (int64_t i = 0; same && i < SAMPLES && i < nrow; i++) {
        const int64_t row = nrow > SAMPLES ? i * (nrow / SAMPLES) : i;
        uint8_t mask = 1;
        mask_ranges(s, {row, 1}, &mask);
        same = mask == selected(s.uv, static_cast<casacore::rownr_t>(row));
    }
    if (!same)
        s.ranges.clear();
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
        std::set<std::string> found;
        mms_status st = mms::open_table(path, MMS_TABLE_READ, &s->main, err);
        if (st == MMS_OK)
            st = open_subtables(*s, &found, err);
        if (st == MMS_OK)
            st = check_needs(s->path, select, found, err);
        if (st != MMS_OK)
            return st;
        s->main = complete(s->main, found);
        s->ms = std::make_unique<MeasurementSet>(s->main);
        mms::held_log log;
        st = parse_all(*s, select, culprit, err);
        if (st != MMS_OK)
            return st;
        log.release();
        *out = s.release();
        return st;
    });
}

void mms_selector_free(mms_selector **selector)
{
    const std::unique_ptr<mms_selector> s(*selector);

    *selector = nullptr;
    if (s)
        (void)!mms::guard(nullptr, s->path.c_str(), [&]() -> mms_status {
            s->node = s->uv = s->others = TableExprNode();
            s->ms.reset();
            s->subtables.clear();
            s->main = Table();
            return MMS_OK;
        });
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
        const casacore::ScalarColumn<casacore::Bool> flag(s->main, mms::column::FLAG_ROW);
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
        s->node = both(s->node, any);
        s->others = both(s->others, any);
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
        if (!s->ranges.empty() && !s->uv_proved)
            prove_ranges(*s);
        const TableExprNode &node = s->ranges.empty() ? s->node : s->others;
        for (int64_t i = 0; i < rows.count; i++)
            mask[i] = selected(node, static_cast<casacore::rownr_t>(rows.first + i));
        if (!s->ranges.empty() && rows.count > 0)
            mask_ranges(*s, rows, mask);
        return MMS_OK;
    });
}
