/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file simulate_layout.c  The storage managers of a simulated main table. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ms/columns.h"
#include "simulate_priv.h"

static const int64_t TILE_BYTES = 1 << 20;

/* Managers by the kind of column.  A group that ends in '*' is one manager for each column. */
static const struct layout {
    const char *name;
    struct choice {
        const char *type, *group;
    } of[SIM_PLACE + 1];
} layouts[] = {
    {"casa",
     {[SIM_SLOW] = {"IncrementalStMan", "*"},
      [SIM_FAST] = {"StandardStMan", "*"},
      [SIM_VIS] = {"TiledShapeStMan", "Tiled*"},
      [SIM_FLAG] = {"TiledShapeStMan", "Tiled*"},
      [SIM_WEIGHT] = {"TiledShapeStMan", "Tiled*"},
      [SIM_SPECTRUM] = {"TiledShapeStMan", "Tiled*"},
      [SIM_PLACE] = {"TiledColumnStMan", "Tiled*"}}},
    {"tiledcolumn",
     {[SIM_SLOW] = {"IncrementalStMan", "Slow"},
      [SIM_FAST] = {"StandardStMan", "Fast"},
      [SIM_VIS] = {"TiledColumnStMan", "Tiled*"},
      [SIM_FLAG] = {"TiledColumnStMan", "Tiled*"},
      [SIM_WEIGHT] = {"TiledColumnStMan", "Tiled*"},
      [SIM_SPECTRUM] = {"TiledColumnStMan", "Tiled*"},
      [SIM_PLACE] = {"TiledColumnStMan", "Tiled*"}}},
    {"standard",
     {[SIM_SLOW] = {"IncrementalStMan", "Slow"},
      [SIM_FAST] = {"StandardStMan", "Rest"},
      [SIM_VIS] = {"StandardStMan", "Rest"},
      [SIM_FLAG] = {"StandardStMan", "Rest"},
      [SIM_WEIGHT] = {"StandardStMan", "Rest"},
      [SIM_SPECTRUM] = {"StandardStMan", "Rest"},
      [SIM_PLACE] = {"StandardStMan", "Rest"}}},
    {"shared",
     {[SIM_SLOW] = {"IncrementalStMan", "Slow"},
      [SIM_FAST] = {"StandardStMan", "Fast"},
      [SIM_VIS] = {"TiledShapeStMan", "TiledVis"},
      [SIM_FLAG] = {"TiledShapeStMan", "TiledVis"},
      [SIM_WEIGHT] = {"TiledShapeStMan", "TiledWeights"},
      [SIM_SPECTRUM] = {"TiledShapeStMan", "TiledVis"},
      [SIM_PLACE] = {"TiledColumnStMan", "TiledUVW"}}},
    {"cell",
     {[SIM_SLOW] = {"IncrementalStMan", "Slow"},
      [SIM_FAST] = {"StandardStMan", "Fast"},
      [SIM_VIS] = {"TiledCellStMan", "Tiled*"},
      [SIM_FLAG] = {"TiledCellStMan", "Tiled*"},
      [SIM_WEIGHT] = {"StandardStMan", "Fast"},
      [SIM_SPECTRUM] = {"TiledCellStMan", "Tiled*"},
      [SIM_PLACE] = {"TiledColumnStMan", "TiledUVW"}}},
    {"aipsio",
     {[SIM_SLOW] = {"StManAipsIO", "Aips"},
      [SIM_FAST] = {"StManAipsIO", "Aips"},
      [SIM_VIS] = {"StManAipsIO", "Aips"},
      [SIM_FLAG] = {"StManAipsIO", "Aips"},
      [SIM_WEIGHT] = {"StManAipsIO", "Aips"},
      [SIM_SPECTRUM] = {"StManAipsIO", "Aips"},
      [SIM_PLACE] = {"StManAipsIO", "Aips"}}},
};

/* The names that CASA gives (multi-ms 1.12) */
static const char *group_word(const char *column)
{
    static const char *const words[] = {MMS_COL_ARRAY_ID,
                                        "Array_ID",
                                        MMS_COL_FLAG,
                                        "Flag",
                                        MMS_COL_FLAG_CATEGORY,
                                        "FlagCategory",
                                        MMS_COL_WEIGHT,
                                        "Wgt",
                                        MMS_COL_SIGMA,
                                        "Sigma",
                                        MMS_COL_WEIGHT_SPECTRUM,
                                        "WgtSpectrum",
                                        MMS_COL_SIGMA_SPECTRUM,
                                        "SigmaSpectrum",
                                        NULL};

    for (const char *const *w = words; *w; w += 2)
        if (!strcmp(*w, column))
            return w[1];
    return column;
}

static char *group_name(const char *pattern, const char *column)
{
    const size_t n = strcspn(pattern, "*");

    return mms_format("%.*s%s", (int)n, pattern, pattern[n] ? group_word(column) : "");
}

static const struct layout *find_layout(const char *name)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(layouts); i++)
        if (!strcmp(layouts[i].name, name))
            return &layouts[i];
    return NULL;
}

/* Add column to the manager of that name, which is made when it is not there yet */
static mms_value *join_manager(mms_value *list, const char *type, const char *group,
                               const char *column)
{
    mms_value *manager = NULL, *made;
    size_t i;

    json_array_foreach(
        list, i, manager) if (!strcmp(json_string_value(json_object_get(manager, "name")), group))
    {
        json_array_append_new(json_object_get(manager, "columns"), json_string(column));
        return manager;
    }
    made = json_pack("{s:s, s:s, s:[s]}", "type", type, "name", group, "columns", column);
    json_array_append_new(list, made);
    return made;
}

/* Cell of a DD's column, C order, as JSON */
static mms_value *cell_shape(const struct sim *sim, const struct sim_column *c, int32_t dd)
{
    if (c->cell == SIM_UVW)
        return json_pack("[i]", 3);
    if (c->cell == SIM_CORR)
        return json_pack("[i]", (int)sim_ncorr(sim, dd));
    return json_pack("[I,i]", (json_int_t)sim_nchan(sim, dd), (int)sim_ncorr(sim, dd));
}

/* Rows of a tile of TILE_BYTES, as many as the table has; flags end at whole bytes */
static int64_t tile_rows(const struct sim *sim, const struct sim_column *c)
{
    const int64_t cell = sim_cell_size(sim, c, 0) * (int64_t)mms_dtype_size(c->dtype);
    const int64_t fit = TILE_BYTES / cell;
    const int64_t rows = fit < sim->nrow ? fit : sim->nrow;

    return rows < 8 ? 8 : rows / 8 * 8;
}

/* The tile that the user asked for, or one of TILE_BYTES.  Rows stand first. */
static mms_value *tile_shape(const struct sim *sim, const struct sim_column *c)
{
    const int64_t *const given = sim->o.tile;
    const int64_t n = sim->o.ntile;
    const int64_t rows = n ? given[n - 1] : tile_rows(sim, c);
    const int64_t ncorr = n == 3 ? given[0] : sim_ncorr(sim, 0);
    const int64_t nchan = n == 3 ? given[1] : sim_nchan(sim, 0);

    if (c->cell == SIM_UVW)
        return json_pack("[I,i]", (json_int_t)rows, 3);
    if (c->cell == SIM_CORR)
        return json_pack("[I,I]", (json_int_t)rows, (json_int_t)ncorr);
    return json_pack("[I,I,I]", (json_int_t)rows, (json_int_t)nchan, (json_int_t)ncorr);
}

/* A tile that holds any cell: casacore 3.5 fails to put several cells of more than one tile */
static mms_value *cell_tile(const struct sim *sim)
{
    int64_t nchan = 1;
    int32_t ncorr = 1;

    for (int32_t dd = 0; dd < sim->ndd; dd++) {
        nchan = sim_nchan(sim, dd) > nchan ? sim_nchan(sim, dd) : nchan;
        ncorr = sim_ncorr(sim, dd) > ncorr ? sim_ncorr(sim, dd) : ncorr;
    }
    return json_pack("[I,i]", (json_int_t)nchan, (int)ncorr);
}

static mms_status add_column(const struct sim *sim, const struct layout *layout, mms_value *list,
                             const struct sim_column *c, mms_error *err)
{
    const struct choice how = layout->of[c->kind];
    char *const group = group_name(how.group, c->name);
    mms_value *manager;

    if (!group)
        return mms_fail(err, MMS_ERR_MEM, "out of memory");
    manager = join_manager(list, how.type, group, c->name);
    if (!strcmp(how.type, "TiledColumnStMan")) {
        assert(c->cell == SIM_UVW || sim_same_shape(sim)); /* sim_check_layout() */
        json_object_set_new(manager, "cell", cell_shape(sim, c, 0));
        json_object_set_new(manager, "tile", tile_shape(sim, c));
    } else if (!strcmp(how.type, "TiledShapeStMan") && sim->o.ntile) {
        json_object_set_new(manager, "tile", tile_shape(sim, c));
    } else if (!strcmp(how.type, "TiledCellStMan")) {
        json_object_set_new(manager, "tile", cell_tile(sim));
    }
    free(group);
    return MMS_OK;
}

/* FLAG_CATEGORY is required and has no cells */
static void add_flag_category(const struct layout *layout, mms_value *list)
{
    if (layout == &layouts[0])
        join_manager(list, "TiledShapeStMan", "TiledFlagCategory", MMS_COL_FLAG_CATEGORY);
    else
        join_manager(list, layout->of[SIM_FAST].type, layout->of[SIM_FAST].group,
                     MMS_COL_FLAG_CATEGORY);
}

mms_status sim_check_layout(const struct sim *sim, mms_error *err)
{
    const struct layout *const layout = find_layout(sim->o.layout);

    if (!layout)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter layout: %s is none of casa, tiledcolumn, standard, shared, "
                        "cell, aipsio",
                        sim->o.layout);
    if (!strcmp(layout->of[SIM_VIS].type, "TiledColumnStMan") && !sim_same_shape(sim))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter layout: tiledcolumn needs the same number of channels and "
                        "correlations everywhere");
    if (sim->o.ntile != 0 && sim->o.ntile != 1 && sim->o.ntile != 3)
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter tile: give the rows, or correlations, channels and rows");
    if (sim->o.ntile && !strcmp(layout->of[SIM_VIS].type, "TiledCellStMan"))
        return mms_fail(err, MMS_ERR_ARG,
                        "parameter tile: the layout cell has a tile for each cell");
    for (int64_t i = 0; i < sim->o.ntile; i++)
        if (sim->o.tile[i] < 1 || sim->o.tile[i] > 100000000)
            return mms_fail(err, MMS_ERR_ARG, "parameter tile: not between 1 and 100000000");
    return MMS_OK;
}

mms_status sim_layout(const struct sim *sim, mms_value **managers, mms_error *err)
{
    const struct layout *const layout = find_layout(sim->o.layout);
    mms_status st = MMS_OK;

    assert(layout); /* sim_check_layout() */
    *managers = json_array();
    for (const struct sim_column *c = sim_columns; c->name; c++)
        if (sim_has_column(sim, c))
            MMS_TRY(add_column(sim, layout, *managers, c, err));
    add_flag_category(layout, *managers);
done:
    if (st != MMS_OK)
        mms_value_free(managers);
    return st;
}

int64_t sim_layout_slack(const struct sim *sim)
{
    const int64_t shapes = sim_same_shape(sim) ? 1 : sim->ndd;
    int64_t bytes = 0;

    for (const struct sim_column *c = sim_columns; c->name; c++) {
        const int64_t rows = sim->o.ntile ? sim->o.tile[sim->o.ntile - 1] : tile_rows(sim, c);
        const int64_t row = sim_cell_size(sim, c, 0) * (int64_t)mms_dtype_size(c->dtype);
        if (sim_has_column(sim, c) && c->cell != SIM_SCALAR)
            bytes += shapes * (rows < sim->nrow ? rows : sim->nrow) * row;
    }
    return bytes;
}
