/** @file concat.c  table.dat and table.info of a reference MS (multi-ms 1.4, 1.5). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "concat_priv.h"

/** A big-endian stream in memory. */
typedef struct stream {
    const uint8_t *bytes;
    size_t size, at;
    bool bad;
} stream;

static uint64_t get_number(stream *s, size_t width)
{
    uint64_t v = 0;

    if (s->bad || s->size - s->at < width) {
        s->bad = true;
        return 0;
    }
    for (size_t i = 0; i < width; i++)
        v = v << 8 | s->bytes[s->at++];
    return v;
}

static char *get_text(stream *s)
{
    const size_t length = get_number(s, 4);
    char *text;

    if (s->bad || s->size - s->at < length) {
        s->bad = true;
        return NULL;
    }
    text = strndup((const char *)s->bytes + s->at, length);
    s->at += length;
    return text;
}

static bool next_is(stream *s, const char *want)
{
    char *text = get_text(s);
    const bool same = text && !strcmp(text, want);
    free(text);
    return same;
}

static mms_status read_file(const char *path, const char *name, uint8_t **bytes, size_t *size,
                            mms_error *err)
{
    char *file = mms_format("%s/%s", path, name);
    FILE *in = file ? fopen(file, "re") : NULL;
    mms_status st = MMS_OK;
    const size_t most = 64u << 20;

    *bytes = NULL;
    if (!file)
        return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    if (!in) {
        st = mms_fail(err, errno == ENOENT ? MMS_ERR_NOT_FOUND : MMS_ERR_IO, "%s: %s", file,
                      strerror(errno));
        free(file);
        return st;
    }
    *size = 0;
    for (size_t capacity = 0;;) {
        if (*size == capacity) {
            uint8_t *grown = realloc(*bytes, capacity = capacity ? 2 * capacity : 16384);
            if (!grown || capacity > most) {
                st = mms_fail(err, MMS_ERR_MEM, "%s: too large", file);
                *bytes = grown ? grown : *bytes;
                break;
            }
            *bytes = grown;
        }
        const size_t got = fread(*bytes + *size, 1, capacity - *size, in);
        *size += got;
        if (got == 0)
            break;
    }
    if (st == MMS_OK && ferror(in))
        st = mms_fail(err, MMS_ERR_IO, "%s: %s", file, strerror(errno));
    fclose(in);
    free(file);
    if (st != MMS_OK) {
        free(*bytes);
        *bytes = NULL;
    }
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

static mms_status get_members(stream *s, const char *path, mms_table_dat *dat, mms_error *err)
{
    int64_t capacity = 0;
    mms_status st;

    get_number(s, 4); // object length
    if (!next_is(s, "ConcatTable") || get_number(s, 4) != 0)
        return mms_fail(err, MMS_ERR_TABLE, "%s/table.dat: unknown version of ConcatTable", path);
    const int64_t n = (int64_t)get_number(s, 4);
    for (int64_t i = 0; i < n && !s->bad; i++) {
        char *name = get_text(s);
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

static mms_status get_table(stream *s, const char *path, mms_table_dat *dat, mms_error *err)
{
    if (get_number(s, 4) != 0xbebebebe || get_number(s, 4) == 0 || !next_is(s, "Table"))
        return mms_fail(err, MMS_ERR_TABLE, "%s/table.dat is not a table's", path);
    const uint64_t version = get_number(s, 4);
    if (version < 1 || version > 3)
        return mms_fail(err, MMS_ERR_TABLE, "%s/table.dat: version %" PRIu64, path, version);
    dat->nrow = (int64_t)get_number(s, version == 3 ? 8 : 4);
    if (version > 1)
        get_number(s, 4); // byte order
    char *kind = get_text(s);
    if (!kind)
        return mms_fail(err, MMS_ERR_TABLE, "%s/table.dat ends early", path);
    dat->kind = !strcmp(kind, "PlainTable")    ? MMS_KIND_PLAIN
                : !strcmp(kind, "RefTable")    ? MMS_KIND_REF
                : !strcmp(kind, "ConcatTable") ? MMS_KIND_CONCAT
                                               : MMS_KIND_OTHER;
    free(kind);
    return dat->kind == MMS_KIND_CONCAT ? get_members(s, path, dat, err) : MMS_OK;
}

mms_status mms_table_dat_read(const char *path, mms_table_dat *dat, mms_error *err)
{
    uint8_t *bytes;
    stream s = {0};
    mms_status st;

    *dat = (mms_table_dat){0};
    st = read_file(path, "table.dat", &bytes, &s.size, err);
    if (st != MMS_OK)
        return st;
    s.bytes = bytes;
    st = get_table(&s, path, dat, err);
    free(bytes);
    if (st != MMS_OK)
        mms_table_dat_free(dat);
    return st;
}

void mms_table_dat_free(mms_table_dat *dat)
{
    for (int64_t i = 0; i < dat->nmember; i++)
        free(dat->members[i]);
    free(dat->members);
    *dat = (mms_table_dat){0};
}

static void put_number(FILE *out, uint64_t v, int width)
{
    while (width-- > 0)
        fputc((int)(v >> 8 * width & 0xff), out);
}

static void put_text(FILE *out, const char *text)
{
    put_number(out, strlen(text), 4);
    fputs(text, out);
}

/** Length of the nested object, its length field included. */
static uint64_t nested_length(int64_t nmember, const char *const *names)
{
    uint64_t n = 4 + 4 + strlen("ConcatTable") + 4 + 4 + (4 + 4 + strlen("Block") + 4 + 4);
    for (int64_t i = 0; i < nmember; i++)
        n += 4 + strlen("././SUBMSS/") + strlen(names[i]);
    return n;
}

static void put_concat(FILE *out, int64_t nrow, int64_t nmember, const char *const *names)
{
    const bool wide = nrow > INT32_MAX;
    const uint64_t nested = nested_length(nmember, names);
    const uint64_t head =
        4 + 4 + strlen("Table") + 4 + (wide ? 8 : 4) + 4 + 4 + strlen("ConcatTable");

    put_number(out, 0xbebebebe, 4);
    put_number(out, head + nested, 4);
    put_text(out, "Table");
    put_number(out, wide ? 3 : 2, 4);
    put_number(out, (uint64_t)nrow, wide ? 8 : 4);
    put_number(out, 0, 4);
    put_text(out, "ConcatTable");
    put_number(out, nested, 4);
    put_text(out, "ConcatTable");
    put_number(out, 0, 4);
    put_number(out, (uint64_t)nmember, 4);
    for (int64_t i = 0; i < nmember; i++) {
        put_number(out, strlen("././SUBMSS/") + strlen(names[i]), 4);
        fprintf(out, "././SUBMSS/%s", names[i]);
    }
    put_number(out, 21, 4);
    put_text(out, "Block");
    put_number(out, 1, 4);
    put_number(out, 0, 4);
}

static mms_status finish(FILE *out, const char *file, mms_error *err)
{
    const bool bad = ferror(out) != 0;
    if (fclose(out) == 0 && !bad)
        return MMS_OK;
    return mms_fail(err, errno == ENOSPC ? MMS_ERR_SPACE : MMS_ERR_IO, "%s: %s", file,
                    strerror(errno));
}

static mms_status create(const char *path, const char *name, char **file, FILE **out,
                         mms_error *err)
{
    *file = mms_format("%s/%s", path, name);
    *out = *file ? fopen(*file, "we") : NULL;
    if (*out)
        return MMS_OK;
    const mms_status st = *file ? mms_fail(err, MMS_ERR_IO, "%s: %s", *file, strerror(errno))
                                : mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
    free(*file);
    return st;
}

mms_status mms_concat_write(const char *path, int64_t nrow, int64_t nmember,
                            const char *const *names, mms_error *err)
{
    char *file;
    FILE *out;
    mms_status st = create(path, "table.dat", &file, &out, err);

    if (st != MMS_OK)
        return st;
    put_concat(out, nrow, nmember, names);
    st = finish(out, file, err);
    free(file);
    return st;
}

/** The rest of a line of table.info after its key. */
static char *after(const char *line, size_t length, size_t key)
{
    return length > key ? strndup(line + key, length - key) : strdup("");
}

mms_status mms_info_read(const char *path, mms_info *info, mms_error *err)
{
    uint8_t *bytes;
    size_t size;
    mms_status st = read_file(path, "table.info", &bytes, &size, err);

    *info = (mms_info){0};
    if (st != MMS_OK)
        return st;
    const char *at = (const char *)bytes, *end = at + size;
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
    free(bytes);
    if (info->type && info->subtype && info->readme)
        return MMS_OK;
    mms_info_free(info);
    return mms_fail(err, MMS_ERR_MEM, "%s: out of memory", path);
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
    char *file;
    FILE *out;
    mms_status st = create(path, "table.info", &file, &out, err);

    if (st != MMS_OK)
        return st;
    fprintf(out, "Type = %s\nSubType = %s\n\n%s", info->type, info->subtype, info->readme);
    st = finish(out, file, err);
    free(file);
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
