/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file setjy_report.c  The result of setjy: CASA's dictionary of flux densities, and as text. */
#include "setjy_priv.h"

#include "change_priv.h"

void mms_setjy_show(mms_value *result)
{
    mms_value *fluxes = json_incref(json_object_get(result, "fluxes"));

    if (!json_is_true(json_object_get(result, "dryrun"))) {
        json_object_clear(result);
        json_object_update(result, fluxes);
    }
    mms_value_free(&fluxes);
}

static void print_field(const char *id, const mms_value *field, FILE *out)
{
    const char *spw;
    mms_value *entry;

    json_object_foreach((mms_value *)field, spw, entry)
    {
        const mms_value *fluxd = json_object_get(entry, "fluxd");
        if (!fluxd)
            continue;
        fprintf(out, "field %s (%s) spw %s: ", id,
                json_string_value(json_object_get(field, "fieldName")), spw);
        for (size_t i = 0; i < json_array_size(fluxd); i++)
            fprintf(out, "%s%.5g", i ? ", " : "[I,Q,U,V] = [",
                    json_number_value(json_array_get(fluxd, i)));
        fprintf(out, "] Jy\n");
    }
}

void mms_setjy_print(const mms_value *result, FILE *out)
{
    const mms_value *fluxes = json_object_get(result, "fluxes");
    const char *id;
    mms_value *field;

    mms_print_change(result, out);
    json_object_foreach((mms_value *)(fluxes ? fluxes : result), id, field)
    {
        if (json_object_get(field, "fieldName"))
            print_field(id, field, out);
    }
}
