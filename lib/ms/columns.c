/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file columns.c  The columns of a MeasurementSet, from columns.def. */
#include "columns.h"

#include <string.h>

#define COLUMN(name, type, axes, role, word, table) const char MMS_COL_##name[] = #name;
#include "base/columns.def"
#undef COLUMN

static const mms_column_info infos[] = {
#define COLUMN(name, type, axes, role, word, table) \
    {MMS_COL_##name, MMS_DT_##type, MMS_AXES_##axes, MMS_ROLE_##role, word, table},
#include "base/columns.def"
#undef COLUMN
};

const mms_column_info *mms_column_info_find(const char *name)
{
    for (int64_t i = 0; i < MMS_COUNT_OF(infos); i++)
        if (!strcmp(infos[i].name, name))
            return &infos[i];
    return NULL;
}

const mms_column_info *mms_column_info_next(const mms_column_info *info)
{
    if (!info)
        return infos;
    return info + 1 < infos + MMS_COUNT_OF(infos) ? info + 1 : NULL;
}

mms_column_role mms_column_role_of(const char *name)
{
    const mms_column_info *const info = mms_column_info_find(name);

    return info ? info->role : MMS_ROLE_OTHER;
}
