/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file concat.c  table.dat and table.info of a reference MS (multi-ms 1.4, 1.5). */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/files_priv.h"
#include "base/stream_priv.h"
#include "concat_priv.h"

enum { MOST_BYTES = 64 << 20 };

static mms_status read_file(const char *path, const char *name, uint8_t **bytes, size_t *size,
                            mms_error *err)
{
    char *file = mms_format("%s/%s", path, name);
    const mms_status st = file ? mms_read_file(file, MOST_BYTES, bytes, size, err)
                               : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    free(file);
    return st;
}

/** "././x" is inside the table, "./x" beside it, anything else stands as it is. */
static char *expand(const char *name, const char *path)
{
    if (!strncmp(name, "././", 4))
        return mms_format("%s/%s", path, name + 4);
    if (!strncmp(name, "./", 2)) {
        char *dir = mms_path_dir(path);
        char *whole = dir ? mms_format("%s/%s", dir, name + 2) : NULL;
        free(dir);
        return whole;
    }
    return strdup(name);
}

static mms_status get_members(mms_stream *s, const char *path, mms_table_dat *dat, mms_error *err)
{
    int64_t capacity = 0;
    mms_status st;

    if (mms_stream_object(s, "ConcatTable") != 0 || s->bad)
        return mms_fail(err, MMS_ERR_TABLE, "%s/table.dat: unknown version of ConcatTable", path);
    const int64_t n = (int64_t)mms_stream_number(s, 4);
    for (int64_t i = 0; i < n && !s->bad; i++) {
        char *name = mms_stream_text(s);
        if (!name)
            break;
        st = mms_grow(&dat->members, &capacity, i + 1, sizeof *dat->members, err);
        if (st != MMS_OK) {
            free(name);
            return st;
        }
        dat->members[i] = expand(name, path);
        free(name);
        if (!dat->members[i])
            return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
        dat->nmember = i + 1;
    }
    return s->bad ? mms_fail(err, MMS_ERR_TABLE, "%s/table.dat ends early", path) : MMS_OK;
}

static mms_status get_table(mms_stream *s, const char *path, mms_table_dat *dat, mms_error *err)
{
    const uint64_t version = mms_stream_magic(s) ? mms_stream_object(s, "Table") : 0;
    if (s->bad)
        return mms_fail(err, MMS_ERR_TABLE, "%s/table.dat is not a table's", path);
    if (version < 1 || version > 3)
        return mms_fail(err, MMS_ERR_TABLE, "%s/table.dat: version %" PRIu64, path, version);
    dat->nrow = (int64_t)mms_stream_number(s, version == 3 ? 8 : 4);
    if (version > 1)
        mms_stream_number(s, 4); // byte order
    char *kind = mms_stream_text(s);
    if (!kind)
        return mms_fail(err, MMS_ERR_TABLE, "%s/table.dat ends early", path);
    dat->kind = !strcmp(kind, "PlainTable")    ? MMS_KIND_PLAIN
                : !strcmp(kind, "RefTable")    ? MMS_KIND_REF
                : !strcmp(kind, "ConcatTable") ? MMS_KIND_CONCAT
                                               : MMS_KIND_OTHER;
    free(kind);
    return dat->kind == MMS_KIND_CONCAT ? get_members(s, path, dat, err) : MMS_OK;
}

mms_status mms_table_dat_parse(const uint8_t *bytes, size_t size, const char *path,
                               mms_table_dat *dat, mms_error *err)
{
    mms_stream s = {.bytes = bytes, .size = size};
    mms_status st;

    *dat = (mms_table_dat){0};
    st = get_table(&s, path, dat, err);
    if (st != MMS_OK)
        mms_table_dat_free(dat);
    return st;
}

mms_status mms_table_dat_read(const char *path, mms_table_dat *dat, mms_error *err)
{
    uint8_t *bytes;
    size_t size;
    mms_status st = read_file(path, "table.dat", &bytes, &size, err);

    *dat = (mms_table_dat){0};
    if (st == MMS_OK)
        st = mms_table_dat_parse(bytes, size, path, dat, err);
    free(bytes);
    return st;
}

void mms_table_dat_free(mms_table_dat *dat)
{
    for (int64_t i = 0; i < dat->nmember; i++)
        free(dat->members[i]);
    free(dat->members);
    *dat = (mms_table_dat){0};
}

static void put_concat(mms_bytes *b, int64_t nrow, int64_t nmember, const char *const *names)
{
    const bool wide = nrow > INT32_MAX;

    mms_bytes_magic(b);
    const int64_t table = mms_bytes_begin(b, "Table", wide ? 3 : 2);
    mms_bytes_number(b, (uint64_t)nrow, wide ? 8 : 4);
    mms_bytes_number(b, 0, 4);
    mms_bytes_text(b, "ConcatTable");
    const int64_t concat = mms_bytes_begin(b, "ConcatTable", 0);
    mms_bytes_number(b, (uint64_t)nmember, 4);
    for (int64_t i = 0; i < nmember; i++) {
        char *name = mms_format("././SUBMSS/%s", names[i]);
        mms_bytes_text(b, name ? name : "");
        b->failed = b->failed || !name;
        free(name);
    }
    const int64_t block = mms_bytes_begin(b, "Block", 1);
    mms_bytes_number(b, 0, 4);
    mms_bytes_end(b, block);
    mms_bytes_end(b, concat);
    mms_bytes_end(b, table);
}

mms_status mms_concat_write(const char *path, int64_t nrow, int64_t nmember,
                            const char *const *names, mms_error *err)
{
    char *file = mms_format("%s/table.dat", path);
    mms_bytes b = {0};
    mms_status st;

    assert(nrow >= 0 && nmember > 0);
    put_concat(&b, nrow, nmember, names);
    st = file ? mms_bytes_write(&b, file, err)
              : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    free(b.bytes);
    free(file);
    return st;
}

/** The rest of a line of table.info after its key. */
static char *after(const char *line, size_t length, size_t key)
{
    return length > key ? strndup(line + key, length - key) : strdup("");
}

mms_status mms_info_parse(const uint8_t *bytes, size_t size, mms_info *info, mms_error *err)
{
    const char *at = (const char *)bytes, *end = at + size;

    *info = (mms_info){0};
    for (int line = 0; line < 3; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const size_t length = (size_t)((stop ? stop : end) - at);
        if (line == 0)
            info->type = after(at, length, strlen("Type = "));
        else if (line == 1)
            info->subtype = after(at, length, strlen("SubType = "));
        at = stop ? stop + 1 : end;
    }
    info->readme = strndup(at, (size_t)(end - at));
    if (info->type && info->subtype && info->readme)
        return MMS_OK;
    mms_info_free(info);
    return mms_fail(err, MMS_ERR_MEM, "table.info: out of memory");
}

mms_status mms_info_read(const char *path, mms_info *info, mms_error *err)
{
    uint8_t *bytes;
    size_t size;
    mms_status st = read_file(path, "table.info", &bytes, &size, err);

    *info = (mms_info){0};
    if (st == MMS_OK)
        st = mms_info_parse(bytes, size, info, err);
    free(bytes);
    return st;
}

void mms_info_free(mms_info *info)
{
    free(info->type);
    free(info->subtype);
    free(info->readme);
    *info = (mms_info){0};
}

mms_status mms_info_write(const char *path, const mms_info *info, mms_error *err)
{
    char *file = mms_format("%s/table.info", path);
    char *text =
        mms_format("Type = %s\nSubType = %s\n\n%s", info->type, info->subtype, info->readme);
    const mms_status st = file && text ? mms_replace_file(file, text, (int64_t)strlen(text), err)
                                       : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);

    free(file);
    free(text);
    return st;
}

char *mms_info_axis(const mms_info *info)
{
    const char *value = "";
    size_t length = 0;

    for (const char *line = info->readme; *line;) {
        const char *stop = strchrnul(line, '\n');
        const char *text = line + strspn(line, " \t");
        const char *equal = memchr(text, '=', text < stop ? (size_t)(stop - text) : 0);
        if (equal && !strncmp(text, "AxisType", strlen("AxisType"))) {
            value = equal + 1 + strspn(equal + 1, " \t");
            length = value < stop ? (size_t)(stop - value) : 0;
            while (length && strchr(" \t\r", value[length - 1]))
                length--;
        }
        line = *stop ? stop + 1 : stop;
    }
    return strndup(value, length);
}
