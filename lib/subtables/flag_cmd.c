/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file flag_cmd.c  Flag commands in an output's window ids and channels (parallel-tasks 2.12). */
#include "flag_cmd.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ms/spw_expr_priv.h"
#include "tables/tables_priv.h"

/** What became of a window of the input. */
typedef struct target {
    int32_t id;        /**< in the output, -1: not selected */
    int32_t nselected; /**< channels before averaging */
    int32_t nchan;     /**< channels of the output */
    int32_t *to;       /**< [channels of the input]: channel of the output, -1: none */
} target;

struct mms_flag_cmd_map {
    char *spw; /**< the selection's expression, blanks trimmed, "*" for all */
    bool averages, new_grids;
    mms_windows windows;
    target *targets; /**< [windows.n] */
};

/** Where the spw part of a command stands, quotes included, and its value. */
typedef struct part {
    const char *begin, *end;
    char *value;
} part;

/** The channel ranges that an expression names, in its order. */
typedef struct named {
    int64_t n, capacity;
    mms_channels *ranges;
    mms_text problem, warnings;
} named;

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "FLAG_CMD: out of memory");
}

static char *trimmed(const char *begin, const char *end)
{
    while (begin < end && isspace((unsigned char)*begin))
        begin++;
    while (end > begin && isspace((unsigned char)end[-1]))
        end--;
    return strndup(begin, (size_t)(end - begin));
}

static bool is_all(const char *spw)
{
    return !*spw || !strcmp(spw, "*");
}

/* ---- the map ------------------------------------------------------------------------------- */

/** Number the channels of one range from the target's end on; a bin never crosses ranges. */
static void number_range(target *t, mms_channels range, int32_t bin)
{
    const int32_t nbin = (1 + (range.last - range.first) / range.step) / bin;

    for (int32_t i = 0; i < nbin * bin; i++)
        t->to[range.first + i * range.step] = t->nchan + i / bin;
    t->nchan += nbin;
}

static int32_t count_channels(int64_t n, const mms_channels *ranges, int32_t spw)
{
    int32_t count = 0;

    for (int64_t i = 0; i < n; i++)
        if (ranges[i].spw == spw)
            count += 1 + (ranges[i].last - ranges[i].first) / ranges[i].step;
    return count;
}

static mms_status map_window(mms_flag_cmd_map *map, int32_t spw, int32_t id, int64_t bin,
                             const mms_selection *selection, mms_error *err)
{
    const int32_t nchan = map->windows.windows[spw].nchan;
    const mms_channels all = {spw, 0, nchan - 1, 1};
    target *t = &map->targets[spw];
    int64_t n;
    const mms_channels *ranges = mms_selection_channels(selection, &n);

    t->to = mms_alloc(nchan, sizeof *t->to);
    if (!t->to)
        return no_memory(err);
    for (int32_t c = 0; c < nchan; c++)
        t->to[c] = -1;
    t->id = id;
    t->nselected = n > 0 ? count_channels(n, ranges, spw) : nchan;
    const int32_t width = (int32_t)(bin < t->nselected ? bin : t->nselected);
    if (width > 0 && n == 0)
        number_range(t, all, width);
    for (int64_t i = 0; width > 0 && i < n; i++)
        if (ranges[i].spw == spw)
            number_range(t, ranges[i], width);
    assert(t->nchan <= t->nselected); // a bin has a channel at least
    return MMS_OK;
}

static mms_status map_windows(mms_flag_cmd_map *map, const mms_flag_cmd_request *request,
                              mms_error *err)
{
    const mms_ids spws = mms_selection_spws(request->selection);
    const int64_t n = spws.given ? spws.n : map->windows.n;
    mms_status st = MMS_OK;

    if (request->nbin > 1 && request->nbin != n)
        return mms_fail(err, MMS_ERR_ARG, "Number of chanbin is different from the number of spw");
    for (int64_t i = 0; i < n && st == MMS_OK; i++) {
        const int32_t spw = spws.given ? spws.ids[i] : (int32_t)i;
        const int64_t bin = request->nbin == 0 ? 1 : request->bins[request->nbin > 1 ? i : 0];
        const int32_t id = request->keep_ids ? spw : (int32_t)i;
        if (bin < 1)
            return mms_fail(err, MMS_ERR_ARG, "channel bin %lld is not a number of channels",
                            (long long)bin);
        map->averages = map->averages || bin > 1;
        st = map_window(map, spw, id, bin, request->selection, err);
    }
    return st;
}

mms_status mms_flag_cmd_map_create(const mms_ms *ms, const mms_flag_cmd_request *request,
                                   mms_flag_cmd_map **out, mms_error *err)
{
    const char *spw = request->spw ? request->spw : "";
    mms_flag_cmd_map *map = calloc(1, sizeof *map);
    mms_status st;

    *out = NULL;
    if (!map)
        return no_memory(err);
    map->spw = trimmed(spw, spw + strlen(spw));
    if (map->spw && !*map->spw) {
        free(map->spw);
        map->spw = strdup("*");
    }
    MMS_TRY(map->spw ? MMS_OK : no_memory(err));
    map->new_grids = request->new_grids;
    MMS_TRY(mms_windows_read(ms, &map->windows, err));
    map->targets = mms_alloc(map->windows.n, sizeof *map->targets);
    MMS_TRY(map->targets ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < map->windows.n; i++)
        map->targets[i].id = -1;
    MMS_TRY(map_windows(map, request, err));
    *out = map;
    map = NULL;
done:
    mms_flag_cmd_map_free(&map);
    return st;
}

void mms_flag_cmd_map_free(mms_flag_cmd_map **map)
{
    mms_flag_cmd_map *m = *map;

    *map = NULL;
    if (!m)
        return;
    for (int64_t i = 0; m->targets && i < m->windows.n; i++)
        free(m->targets[i].to);
    free(m->targets);
    mms_windows_free(&m->windows);
    free(m->spw);
    free(m);
}

/* ---- one command --------------------------------------------------------------------------- */

/** Take the value after "spw=": quoted, or up to the next blank. */
static mms_status take_value(const char *value, part *p, mms_error *err)
{
    const bool quoted = *value == '\'' || *value == '"';
    const char *end = quoted ? strchr(value + 1, *value) : NULL;

    p->end = end ? end + 1 : value + strcspn(value, " \t\r\n");
    p->value = trimmed(value + quoted, end ? end : p->end);
    return p->value ? MMS_OK : no_memory(err);
}

/** Return what follows "spw =" at text, or NULL when something else stands there. */
static const char *after_spw(const char *text)
{
    if (strncmp(text, "spw", 3) != 0)
        return NULL;
    text += 3 + strspn(text + 3, " \t");
    return *text == '=' ? text + 1 + strspn(text + 1, " \t") : NULL;
}

/** Find the spw part of a command, outside other quoted texts; value is NULL when it has none. */
static mms_status find_spw(const char *command, part *p, mms_error *err)
{
    bool starts = true;

    *p = (part){0};
    for (const char *at = command; *at; at++) {
        const char *value = starts ? after_spw(at) : NULL;
        if (value) {
            p->begin = at;
            return take_value(value, p, err);
        }
        const char *close = *at == '\'' || *at == '"' ? strchr(at + 1, *at) : NULL;
        at = close ? close : at;
        starts = isspace((unsigned char)*at) || *at == ',';
    }
    return MMS_OK;
}

/** Add each line that is not there yet. */
static void add_lines(mms_text *to, const char *lines)
{
    for (const char *end; lines && (end = strchr(lines, '\n')); lines = end + 1) {
        char *line = strndup(lines, (size_t)(end + 1 - lines));
        if (!line || !to->text || !strstr(to->text, line))
            mms_text_add(to, "%s", line ? line : "");
        free(line);
    }
}

static mms_status add_ranges(named *to, const mms_spw_expr *e, mms_error *err)
{
    const mms_status st =
        mms_grow(&to->ranges, &to->capacity, to->n + e->nchannel, sizeof *to->ranges, err);

    if (st != MMS_OK)
        return st;
    if (e->nchannel > 0)
        memcpy(to->ranges + to->n, e->channels, (size_t)e->nchannel * sizeof *e->channels);
    to->n += e->nchannel;
    return MMS_OK;
}

/** Add what an expression names; understood is false, and the first problem kept, when it can't be
 *  read. */
static mms_status add_named(const mms_windows *windows, const char *text, named *to,
                            bool *understood, mms_error *err)
{
    mms_spw_expr e = {0};
    mms_error why = {0};
    mms_status st = mms_spw_expr_read(text, windows, &e, &why);

    *understood = st == MMS_OK && e.resolved;
    add_lines(&to->warnings, e.warnings.text);
    if (*understood)
        st = add_ranges(to, &e, err);
    else if (st != MMS_OK && st != MMS_ERR_SELECT)
        mms_fail(err, st, "%s", why.msg);
    else {
        st = MMS_OK;
        if (!to->problem.text)
            mms_text_add(&to->problem, "'%s': %s.", text,
                         *why.msg    ? why.msg
                         : e.refusal ? e.refusal
                                     : "it is not understood");
    }
    mms_spw_expr_free(&e);
    return st;
}

/** Read the windows and channels of a command; what is wrong in one item leaves the others. */
static mms_status read_named(const mms_windows *windows, const char *value, named *to,
                             mms_error *err)
{
    bool understood;
    mms_status st = add_named(windows, value, to, &understood, err);
    char *items, *rest = NULL;

    if (st != MMS_OK || understood || !strchr(value, ','))
        return st;
    items = strdup(value);
    if (!items)
        return no_memory(err);
    for (char *i = strtok_r(items, ",", &rest); i && st == MMS_OK; i = strtok_r(NULL, ",", &rest))
        st = add_named(windows, i, to, &understood, err);
    free(items);
    return st;
}

/** Write channels: "1~9^2" where one step serves all, else "0~2;4". */
static void write_channels(mms_text *to, int32_t n, const int32_t *channels)
{
    const int32_t step = n > 1 ? channels[1] - channels[0] : 1;
    bool even = true;

    for (int32_t i = 1; i < n; i++)
        assert(channels[i] > channels[i - 1]);
    for (int32_t i = 2; i < n; i++)
        even = even && channels[i] - channels[i - 1] == step;
    if (even && step > 1) {
        mms_text_add(to, "%d~%d^%d", channels[0], channels[n - 1], step);
        return;
    }
    for (int32_t i = 0, last; i < n; i = last + 1) {
        for (last = i; last + 1 < n && channels[last + 1] == channels[last] + 1;)
            last++;
        mms_text_add(to, "%s%d", i > 0 ? ";" : "", channels[i]);
        if (last > i)
            mms_text_add(to, "~%d", channels[last]);
    }
}

/** Add the part of one window, if any of the named channels is in the output. */
static mms_status add_window(const target *t, const named *names, int32_t spw, mms_text *to,
                             mms_error *err)
{
    bool *hit = mms_alloc(t->nchan, sizeof *hit);
    int32_t *channels = mms_alloc(t->nchan, sizeof *channels), n = 0;
    mms_status st = MMS_OK;

    MMS_TRY(hit && channels ? MMS_OK : no_memory(err));
    for (int64_t i = 0; i < names->n; i++) {
        const mms_channels r = names->ranges[i];
        for (int32_t c = r.first; r.spw == spw && c <= r.last; c += r.step)
            if (t->to[c] >= 0) {
                assert(t->to[c] < t->nchan);
                hit[t->to[c]] = true;
            }
    }
    for (int32_t c = 0; c < t->nchan; c++)
        if (hit[c])
            channels[n++] = c;
    if (n > 0)
        mms_text_add(to, "%s%d", to->length > 0 ? "," : "", t->id);
    if (n > 0 && n != t->nselected) { // averaged channels are written out, as CASA does
        mms_text_add(to, ":");
        write_channels(to, n, channels);
    }
done:
    free(hit);
    free(channels);
    return st;
}

static bool seen_before(const named *names, int64_t i)
{
    for (int64_t k = 0; k < i; k++)
        if (names->ranges[k].spw == names->ranges[i].spw)
            return true;
    return false;
}

/** Translate a command's windows in its order; spw stays empty when none of it is in the output. */
static mms_status translate(const mms_flag_cmd_map *map, const char *value, named *names,
                            mms_text *spw, mms_error *err)
{
    bool selected = false;
    mms_status st;

    MMS_TRY(read_named(&map->windows, value, names, err));
    for (int64_t i = 0; i < names->n; i++) {
        const target *t = &map->targets[names->ranges[i].spw];
        if (t->id < 0 || seen_before(names, i))
            continue;
        selected = true;
        MMS_TRY(add_window(t, names, names->ranges[i].spw, spw, err));
    }
    if (selected && !spw->length && !names->problem.text)
        mms_text_add(&names->problem, "'%s' does not overlap '%s'.", value, map->spw);
    if (spw->failed || names->problem.failed || names->warnings.failed)
        st = no_memory(err);
done:
    return st;
}

/** Return the command without its spw part. */
static char *without(const char *command, const part *p)
{
    char *before = trimmed(command, p->begin), *after = trimmed(p->end, p->end + strlen(p->end));
    char *text =
        before && after ? mms_format("%s%s%s", before, *before && *after ? " " : "", after) : NULL;
    free(before);
    free(after);
    return text;
}

static mms_status replace(const mms_flag_cmd_map *map, const char *command, const part *p,
                          mms_flag_cmd_answer *answer, mms_error *err)
{
    mms_text spw = {0};
    named names = {0};
    mms_status st;

    MMS_TRY(translate(map, p->value, &names, &spw, err));
    answer->text = spw.length ? mms_format("%.*sspw='%s'%s", (int)(p->begin - command), command,
                                           spw.text, p->end)
                              : strdup("");
    MMS_TRY(answer->text ? MMS_OK : no_memory(err));
    answer->problem = names.problem.text;
    answer->warnings = names.warnings.text;
    names.problem.text = names.warnings.text = NULL;
done:
    free(names.ranges);
    free(names.problem.text);
    free(names.warnings.text);
    free(spw.text);
    return st;
}

mms_status mms_flag_cmd_rewrite(const mms_flag_cmd_map *map, const char *command,
                                mms_flag_cmd_answer *answer, mms_error *err)
{
    part p;
    mms_status st;

    *answer = (mms_flag_cmd_answer){0};
    MMS_TRY(find_spw(command, &p, err));
    const bool all = p.value && is_all(p.value);
    if (all || (p.value && !strcmp(p.value, map->spw))) {
        answer->text = without(command, &p);
        MMS_TRY(answer->text ? MMS_OK : no_memory(err));
        if (*answer->text)
            goto done;
        mms_flag_cmd_answer_free(answer); // nothing else in it: "" would mean it is void
    }
    if (p.value && !all)
        MMS_TRY(replace(map, command, &p, answer, err));
    else if (!(answer->text = strdup(command)))
        st = no_memory(err);
done:
    free(p.value);
    return st;
}

void mms_flag_cmd_answer_free(mms_flag_cmd_answer *answer)
{
    free(answer->text);
    free(answer->problem);
    free(answer->warnings);
    *answer = (mms_flag_cmd_answer){0};
}

/* ---- the table ----------------------------------------------------------------------------- */

static mms_status read_command(mms_table *table, int64_t row, char **command, mms_error *err)
{
    mms_value *cell = NULL;
    const mms_status st = mms_table_get_cell(table, "COMMAND", row, &cell, err);

    *command = st == MMS_OK ? strdup(json_is_string(cell) ? json_string_value(cell) : "") : NULL;
    mms_value_free(&cell);
    return st != MMS_OK || *command ? st : no_memory(err);
}

/** Whether the first command tells that windows are named by number: as CASA decides it. */
static mms_status names_by_number(mms_table *table, bool *numbers, mms_error *err)
{
    char *command = NULL;
    part p = {0};
    mms_status st;

    *numbers = false;
    MMS_TRY(read_command(table, 0, &command, err));
    MMS_TRY(find_spw(command, &p, err));
    *numbers = p.value && *p.value;
    for (const char *c = p.value; *numbers && *c; c++)
        *numbers = !isalpha((unsigned char)*c);
done:
    free(command);
    free(p.value);
    return st;
}

static void log_new_lines(mms_text *said, const char *lines)
{
    const size_t before = said->length;

    add_lines(said, lines);
    for (const char *at = said->text ? said->text + before : "", *end; (end = strchr(at, '\n'));
         at = end + 1)
        mms_log(MMS_LOG_WARN, "flag_cmd", "%.*s", (int)(end - at), at);
}

static mms_status adapt_row(mms_table *table, int64_t row, const mms_flag_cmd_map *map,
                            mms_text *said, bool *changed, mms_error *err)
{
    mms_flag_cmd_answer answer = {0};
    char *command = NULL;
    mms_value *text = NULL;
    mms_status st;

    MMS_TRY(read_command(table, row, &command, err));
    MMS_TRY(mms_flag_cmd_rewrite(map, command, &answer, err));
    log_new_lines(said, answer.warnings);
    if (answer.problem)
        mms_log(MMS_LOG_WARN, "flag_cmd", "Error %s updating row %lld of FLAG_CMD", answer.problem,
                (long long)row);
    if (!strcmp(answer.text, command))
        goto done;
    *changed = true;
    text = mms_text_value(answer.text);
    MMS_TRY(text ? MMS_OK : no_memory(err));
    MMS_TRY(mms_table_put_cell(table, "COMMAND", row, text, err));
done:
    mms_value_free(&text);
    mms_flag_cmd_answer_free(&answer);
    free(command);
    return st;
}

static mms_status adapt_rows(mms_table *table, const mms_flag_cmd_map *map, mms_error *err)
{
    mms_text said = {0};
    bool numbers, changed = false;
    mms_status st;

    MMS_TRY(names_by_number(table, &numbers, err));
    if (!numbers)
        mms_log(MMS_LOG_DEBUG, "flag_cmd",
                "FLAG_CMD table contains spw selection by name. Will not update it!");
    for (int64_t row = 0; numbers && row < mms_table_nrow(table); row++)
        MMS_TRY(adapt_row(table, row, map, &said, &changed, err));
    if (changed)
        mms_log(MMS_LOG_INFO, "flag_cmd", "Updating FLAG_CMD");
done:
    free(said.text);
    return st;
}

/** Channels of other grids have no number of an input channel: as CASA does, commands stay. */
static mms_status warn_of_grids(mms_table *table, mms_error *err)
{
    const int64_t nrow = mms_table_nrow(table);
    int64_t n = 0;
    mms_status st = MMS_OK;

    for (int64_t row = 0; st == MMS_OK && row < nrow; row++) {
        char *command = NULL;
        part p = {0};
        st = read_command(table, row, &command, err);
        if (st == MMS_OK)
            st = find_spw(command, &p, err);
        n += p.value != NULL;
        free(command);
        free(p.value);
    }
    if (n)
        mms_log(MMS_LOG_WARN, "flag_cmd",
                "%" PRId64 " commands of FLAG_CMD name windows or channels of the input: those of "
                "the output are laid anew, do not apply them to it",
                n);
    return st;
}

mms_status mms_flag_cmd_adapt(const char *path, const mms_flag_cmd_map *map, mms_error *err)
{
    mms_table *table = NULL;
    mms_error why;
    mms_status st;

    if (is_all(map->spw) && !map->averages && !map->new_grids)
        return MMS_OK;
    MMS_TRY(mms_table_open(path, MMS_TABLE_UPDATE, &table, &why));
    if (mms_table_nrow(table) > 0 && (!is_all(map->spw) || map->averages))
        MMS_TRY(adapt_rows(table, map, &why));
    if (map->new_grids)
        MMS_TRY(warn_of_grids(table, &why));
    MMS_TRY(mms_table_close(&table, &why));
done:
    mms_table_drop(&table);
    return st == MMS_OK ? st : mms_fail(err, st, "*** Error '%s' updating FLAG_CMD", why.msg);
}
