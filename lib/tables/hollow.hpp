// SPDX-License-Identifier: LGPL-2.1-or-later
/** @file hollow.hpp  Stand-ins for managers of new tables whose files are written without casacore.
 */
#ifndef MULTIMS_HOLLOW_HPP
#define MULTIMS_HOLLOW_HPP

#include <casacore/tables/DataMan/DataManager.h>
#include <casacore/tables/DataMan/DataManagerColumn.h>

#include <memory>

#include "table.hpp"

namespace mms
{

/** How the buckets of a new manager are laid out; bytes 0: it has none. */
struct bucket_layout {
    int64_t bytes = 0, rows = 0;
    std::vector<int64_t> offsets; // StandardStMan: of its columns, in the description's order
};

class hollow_column : public casacore::DataManagerColumn
{
public:
    explicit hollow_column(int type) : type_p(type)
    {
    }
    int dataType() const override
    {
        return type_p;
    }

private:
    int type_p;

    void setShapeColumn(const casacore::IPosition &) override
    {
    }
};

/** Stands in table.dat for a manager.  casacore writes the type and the columns of it, and makes no
 *  file of it. */
class hollow_manager : public casacore::DataManager
{
public:
    hollow_manager(const casacore::String &type, const casacore::String &name,
                   const casacore::Record &spec, const bucket_layout &layout)
        : type_p(type), name_p(name), spec_p(spec), layout_p(layout)
    {
    }
    const bucket_layout &layout() const
    {
        return layout_p;
    }
    casacore::DataManager *clone() const override
    {
        return new hollow_manager(type_p, name_p, spec_p, layout_p);
    }
    casacore::String dataManagerType() const override
    {
        return type_p;
    }
    casacore::String dataManagerName() const override
    {
        return name_p;
    }
    casacore::Record dataManagerSpec() const override
    {
        return spec_p;
    }
    void deleteManager() override
    {
    }

private:
    casacore::String type_p, name_p;
    casacore::Record spec_p;
    bucket_layout layout_p;
    std::vector<std::unique_ptr<hollow_column>> columns_p;

    casacore::DataManagerColumn *make(int type)
    {
        columns_p.push_back(std::make_unique<hollow_column>(type));
        return columns_p.back().get();
    }
    casacore::DataManagerColumn *makeScalarColumn(const casacore::String &, int type,
                                                  const casacore::String &) override
    {
        return make(type);
    }
    casacore::DataManagerColumn *makeDirArrColumn(const casacore::String &, int type,
                                                  const casacore::String &) override
    {
        return make(type);
    }
    casacore::DataManagerColumn *makeIndArrColumn(const casacore::String &, int type,
                                                  const casacore::String &) override
    {
        return make(type);
    }
    casacore::Bool flush(casacore::AipsIO &dat, casacore::Bool) override;
    void create64(casacore::rownr_t) override
    {
    }
};

} // namespace mms

#endif
