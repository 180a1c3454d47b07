/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file select.c  A selection of an MS or Multi-MS: expressions to ids, channels and rows. */
#include "multims/select.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "ms_priv.h"
#include "select_flagged.h"
#include "select_flagged_priv.h"
#include "select_has_priv.h"
#include "select_memo_priv.h"
#include "select_plain_priv.h"
#include "select_value.h"
#include "spw_expr_priv.h"
#include "tables/select_priv.h"
#include "tables/tables_priv.h"

/** A list of ids of its own. */
typedef struct id_list {
    bool given;
    int64_t n;
    int32_t *ids;
} id_list;

/** An expression by its key. */
static const struct {
    const char *key;
    size_t offset;
} expressions[] = {
    {"field", offsetof(mms_select, field)},
    {"spw", offsetof(mms_select, spw)},
    {"scan", offsetof(mms_select, scan)},
    {"antenna", offsetof(mms_select, antenna)},
    {"correlation", offsetof(mms_select, correlation)},
    {"timerange", offsetof(mms_select, timerange)},
    {"intent", offsetof(mms_select, intent)},
    {"array", offsetof(mms_select, array)},
    {"uvrange", offsetof(mms_select, uvrange)},
    {"observation", offsetof(mms_select, observation)},
    {"feed", offsetof(mms_select, feed)},
    {"taql", offsetof(mms_select, taql)},
};

struct mms_selection {
    mms_ms *ms;
    bool all;
    char *texts[MMS_COUNT_OF(expressions)]; /**< as given, NULL where blank */
    mms_select parsed;                      /**< what MSSelection gets */
    char *spw, *uvrange, *field, *antenna;  /**< rewritten members of parsed */
    char *scan, *array, *observation;
    bool is_plain; /**< MSSelection is not asked */
    mms_select_plain plain;
    bool by_ids;
    mms_select_memo memo;
    mms_selector *selector; /**< of one member */
    int64_t member;
    mms_windows windows; /**< read when spw is given */
    id_list spws, ddids, fields, observations, arrays, states, antennas;
    int64_t ncorr, nchannel, nnamed, ntime;
    int32_t *corr_pols, *corr_products; /**< [ncorr], sorted */
    mms_channels *channels, *named;
    double *times;   /**< [ntime][3] as MSSelection resolved them */
    double *limits;  /**< [ntime][2] */
    id_list dropped; /**< DDs whose rows are left out */
    bool drops_flagged, has_flagged;
};

static mms_status no_memory(mms_error *err)
{
    return mms_fail(err, MMS_ERR_MEM, "selection: out of memory");
}

const char *mms_select_name(int i)
{
    return expressions[i].key;
}

const char **mms_select_at(mms_select *select, int i)
{
    return (const char **)(void *)((char *)select + expressions[i].offset);
}

mms_value *mms_select_value(const mms_select *select)
{
    mms_value *value = json_object();
    mms_select copy = *select;

    for (int i = 0; i < MMS_SELECT_COUNT; i++) {
        const char *text = *mms_select_at(&copy, i);
        if (text && *text)
            json_object_set_new_nocheck(value, mms_select_name(i), mms_text_value(text));
    }
    return value;
}

mms_select mms_select_of(const mms_value *value)
{
    mms_select select = {0};

    for (int i = 0; i < MMS_SELECT_COUNT; i++)
        *mms_select_at(&select, i) = json_string_value(json_object_get(value, mms_select_name(i)));
    return select;
}

static mms_status copy_texts(mms_selection *s, const mms_select *select, mms_error *err)
{
    mms_select given = *select;

    s->all = true;
    for (int i = 0; i < MMS_COUNT_OF(expressions); i++) {
        const char *text = *mms_select_at(&given, i);
        if (!text || !text[strspn(text, " \t\n")])
            continue;
        s->all = false;
        s->texts[i] = strdup(text);
        if (!s->texts[i])
            return no_memory(err);
        *mms_select_at(&s->parsed, i) = s->texts[i];
    }
    return MMS_OK;
}

/** Take out of casacore's text what it says twice: the expression, which stands in front, the
 * second sentence about it, the list of one; and the name of another parameter, whose grammar it
 * uses. */
static void tidy(const char *key, char *text)
{
    static const char again[] = " in string \"",
                      grammar[] = "Scan Expression: ", mark[] = " Expression: ";
    char *const at = strstr(text, again), *const first = strstr(text, mark);
    char *const end = at ? strchr(at + sizeof again - 1, '"') : NULL;
    if (strstr(text, "Negative shape shape")) { // all that casacore says of 5~2
        strcpy(text, "a range ends before it begins");
        return;
    }
    char *second = first ? strstr(first + 1, mark) : NULL;

    if (end)
        memmove(at, end + 1, strlen(end + 1) + 1);
    while (second && second > text && second[-1] != ' ')
        second--;
    if (second)
        *second = '\0';
    if (strcmp(key, "scan") && !strncmp(text, grammar, sizeof grammar - 1))
        memmove(text, text + sizeof grammar - 1, strlen(text + sizeof grammar - 1) + 1);
    for (size_t n = strlen(text); n > 0 && strchr(", ", text[n - 1]); n--)
        text[n - 1] = '\0';
}

/** Put key="expression" in front of the message, and behind it what could have been selected. */
static mms_status refused(const mms_selection *s, const char *key, mms_status st, mms_error *err)
{
    for (int i = 0; i < MMS_COUNT_OF(expressions) && err; i++) {
        if (!key || strcmp(key, expressions[i].key))
            continue;
        char *const has =
            st == MMS_ERR_SELECT && strcmp(key, "uvrange") ? mms_select_has(s->ms, key) : NULL;
        mms_error why = *err;
        tidy(key, why.msg);
        mms_fail(err, st, "%s=\"%s\": %s%s%s", key, s->texts[i], why.msg,
                 has ? "; the input has " : "", has ? has : "");
        free(has);
    }
    return st;
}

/** TaQL counts rows from its own table: make it those of the whole input. */
static char *shift_row_numbers(const char *taql, int64_t first)
{
    static const char *const names[] = {"rownumber", "rownr", "rowid"};
    mms_text out = {0};

    while (*taql) {
        size_t length = 0;
        for (int64_t i = 0; i < MMS_COUNT_OF(names) && length == 0; i++)
            if (!strncasecmp(taql, names[i], strlen(names[i])))
                length = strlen(names[i]);
        const char *open = taql + length + strspn(taql + length, " ");
        const char *close = *open == '(' ? open + 1 + strspn(open + 1, " ") : open;
        if (length > 0 && *open == '(' && *close == ')') {
            length = (size_t)(close + 1 - taql);
            mms_text_add(&out, "(%.*s+%" PRId64 ")", (int)length, taql, first);
        } else {
            length = 1;
            mms_text_add(&out, "%c", *taql);
        }
        taql += length;
    }
    return out.text;
}

/** Parse the selection for a member of the input and keep it open. */
static mms_status open_member(mms_selection *s, int64_t member, mms_error *err)
{
    const char *culprit = NULL;
    mms_select select = s->parsed;
    char *taql = NULL;
    mms_status st;

    if (s->selector && s->member == member)
        return MMS_OK;
    mms_selector_free(&s->selector);
    if (select.taql && member > 0) {
        taql = shift_row_numbers(select.taql, mms_ms_member_rows(s->ms, member).first);
        if (!taql)
            return no_memory(err);
        select.taql = taql;
    }
    st = mms_selector_open(mms_ms_member_path(s->ms, member), &select, &s->selector, &culprit, err);
    free(taql);
    if (st != MMS_OK)
        return refused(s, culprit, st, err);
    s->member = member;
    return s->ntime > 0 ? mms_selector_add_times(s->selector, s->ntime, s->times, err) : MMS_OK;
}

static void log_lines(char *lines)
{
    char *rest = NULL;
    for (char *line = lines ? strtok_r(lines, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest))
        mms_log(MMS_LOG_WARN, "select", "%s", line);
}

/** Give long lists of ids an end, and names that are no words their quotes. */
static mms_status rewrite_ids(mms_selection *s, mms_error *err)
{
    const struct {
        const char **text;
        char **own;
        const char *column, *table;
    } lists[] = {{&s->parsed.scan, &s->scan, MMS_COL_SCAN_NUMBER, NULL},
                 {&s->parsed.array, &s->array, MMS_COL_ARRAY_ID, NULL},
                 {&s->parsed.observation, &s->observation, MMS_COL_OBSERVATION_ID, "OBSERVATION"}};
    mms_status st = MMS_OK;

    for (int64_t i = 0; i < MMS_COUNT_OF(lists); i++) {
        int64_t most;
        if (!*lists[i].text || !mms_id_expr_is_long(*lists[i].text))
            continue;
        MMS_TRY(mms_largest_id(s->ms, lists[i].column, lists[i].table, &most, err));
        MMS_TRY(mms_id_expr_read(*lists[i].text, most, lists[i].own, err));
        *lists[i].text = *lists[i].own;
    }
    if (s->parsed.antenna)
        MMS_TRY(mms_antenna_expr_read(s->ms, s->parsed.antenna, &s->antenna, err));
    if (s->antenna)
        s->parsed.antenna = s->antenna;
done:
    return st;
}

static mms_status read_spw(mms_selection *s, mms_spw_expr *spw, mms_error *err)
{
    mms_status st;

    MMS_TRY(mms_windows_read(s->ms, &s->windows, err));
    st = mms_spw_expr_read(s->parsed.spw, &s->windows, spw, err);
    MMS_TRY(st == MMS_OK ? st : refused(s, "spw", st, err));
    s->parsed.spw = s->spw = spw->text;
    spw->text = NULL;
done:
    return st;
}

/** Rewrite what MSSelection reads wrongly, and let it parse the first member. */
static mms_status parse(mms_selection *s, const mms_spw_expr *spw, mms_error *err)
{
    mms_status st = MMS_OK;

    if (s->parsed.uvrange) {
        st = mms_uvrange_read(s->parsed.uvrange, &s->uvrange, err);
        MMS_TRY(st == MMS_OK ? st : refused(s, "uvrange", st, err));
        s->parsed.uvrange = s->uvrange;
    }
    MMS_TRY(rewrite_ids(s, err));
    MMS_TRY(open_member(s, 0, err));
    if (spw->refusal)
        MMS_TRY(refused(s, "spw", mms_fail(err, MMS_ERR_SELECT, "%s", spw->refusal), err));
done:
    return st;
}

static bool has(int64_t n, const int32_t *ids, int32_t id)
{
    for (int64_t i = 0; i < n; i++)
        if (ids[i] == id)
            return true;
    return false;
}

static mms_status take_list(mms_selection *s, mms_selector_list which, id_list *list,
                            mms_error *err)
{
    const int32_t *ids = mms_selector_get(s->selector, which, &list->n);

    list->given = true;
    list->ids = mms_alloc(list->n, sizeof *list->ids);
    if (!list->ids)
        return no_memory(err);
    if (list->n > 0)
        memcpy(list->ids, ids, (size_t)list->n * sizeof *ids);
    return MMS_OK;
}

/** DDs in the order of their spws, restricted by the correlation selection. */
static mms_status take_ddids(mms_selection *s, mms_error *err)
{
    int64_t ncorr, kept = 0;
    const int32_t *corr = mms_selector_get(s->selector, MMS_LIST_CORR_DDIDS, &ncorr);
    mms_status st;

    if (!s->parsed.spw)
        return s->parsed.correlation ? take_list(s, MMS_LIST_CORR_DDIDS, &s->ddids, err) : MMS_OK;
    st = take_list(s, MMS_LIST_SPW_DDIDS, &s->ddids, err);
    if (st != MMS_OK || !s->parsed.correlation)
        return st;
    for (int64_t i = 0; i < s->ddids.n; i++)
        if (has(ncorr, corr, s->ddids.ids[i]))
            s->ddids.ids[kept++] = s->ddids.ids[i];
    s->ddids.n = kept;
    return MMS_OK;
}

static mms_status take_corrs(mms_selection *s, mms_error *err)
{
    int64_t n;
    const int32_t *pairs = mms_selector_get(s->selector, MMS_LIST_CORRS, &n);

    s->corr_pols = mms_alloc(n / 2, sizeof *s->corr_pols);
    s->corr_products = mms_alloc(n / 2, sizeof *s->corr_products);
    if (!s->corr_pols || !s->corr_products)
        return no_memory(err);
    for (; s->ncorr < n / 2; s->ncorr++) {
        s->corr_pols[s->ncorr] = pairs[2 * s->ncorr];
        s->corr_products[s->ncorr] = pairs[2 * s->ncorr + 1];
    }
    return MMS_OK;
}

/** The antennas that stay in ANTENNA; a negation keeps all. */
static mms_status take_antennas(mms_selection *s, mms_error *err)
{
    mms_table *table = NULL;
    mms_status st;

    if (strchr(s->parsed.antenna, '!'))
        return MMS_OK;
    MMS_TRY(mms_table_open(mms_ms_subtable(s->ms, "ANTENNA"), MMS_TABLE_READ, &table, err));
    MMS_TRY(take_list(s, MMS_LIST_ANTENNAS, &s->antennas, err));
    s->antennas.given = s->antennas.n < mms_table_nrow(table);
    if (!s->antennas.given)
        s->antennas.n = 0;
done:
    mms_table_drop(&table);
    return st;
}

static mms_status take_lists(mms_selection *s, mms_error *err)
{
    mms_status st;

    if (s->parsed.spw)
        MMS_TRY(take_list(s, MMS_LIST_SPWS, &s->spws, err));
    MMS_TRY(take_ddids(s, err));
    if (s->parsed.correlation)
        MMS_TRY(take_corrs(s, err));
    if (s->parsed.field)
        MMS_TRY(take_list(s, MMS_LIST_FIELDS, &s->fields, err));
    if (s->parsed.observation)
        MMS_TRY(take_list(s, MMS_LIST_OBSERVATIONS, &s->observations, err));
    if (s->parsed.array)
        MMS_TRY(take_list(s, MMS_LIST_ARRAYS, &s->arrays, err));
    if (s->parsed.intent)
        MMS_TRY(take_list(s, MMS_LIST_STATES, &s->states, err));
    if (s->parsed.antenna)
        MMS_TRY(take_antennas(s, err));
done:
    return st;
}

/** The ranges as named: ours where the tokeniser resolved them, else MSSelection's. */
static mms_status take_named(mms_selection *s, mms_spw_expr *spw, mms_error *err)
{
    const int32_t *list;
    int64_t n;

    if (spw->resolved) {
        s->named = spw->channels;
        s->nnamed = spw->nchannel;
        spw->channels = NULL;
        return MMS_OK;
    }
    list = mms_selector_get(s->selector, MMS_LIST_CHANNELS, &n);
    s->named = mms_alloc(n / 4, sizeof *s->named);
    if (!s->named)
        return no_memory(err);
    for (int64_t i = 0; i < n; i += 4)
        s->named[s->nnamed++] = (mms_channels){list[i], list[i + 1], list[i + 2], list[i + 3]};
    return MMS_OK;
}

static mms_status add_channel(mms_selection *s, int64_t *capacity, mms_channels named, int32_t c,
                              bool joins, mms_error *err)
{
    mms_status st = MMS_OK;

    if (joins)
        s->channels[s->nchannel - 1].last = c;
    else if ((st = mms_grow(&s->channels, capacity, s->nchannel + 1, sizeof *s->channels, err)) ==
             MMS_OK)
        s->channels[s->nchannel++] = (mms_channels){named.spw, c, c, named.step};
    return st;
}

static mms_status check_named(const mms_selection *s, mms_error *err)
{
    for (int64_t i = 0; i < s->nnamed; i++) {
        const mms_channels c = s->named[i];
        if (c.spw < 0 || c.spw >= s->windows.n || c.first < 0 || c.first > c.last || c.step < 1 ||
            c.last >= s->windows.windows[c.spw].nchan)
            return refused(s, "spw",
                           mms_fail(err, MMS_ERR_SELECT,
                                    "No valid SPW & Chan combination found for spw %d", c.spw),
                           err);
    }
    return MMS_OK;
}

/** Take each channel once: of a later range what earlier ranges of its window left. */
static mms_status take_channels(mms_selection *s, mms_error *err)
{
    int64_t capacity = 0;
    uint8_t **taken = mms_alloc(s->windows.n, sizeof *taken);
    mms_status st = taken ? MMS_OK : no_memory(err);

    for (int64_t i = 0; i < s->nnamed && st == MMS_OK; i++) {
        const mms_channels r = s->named[i];
        if (!taken[r.spw])
            taken[r.spw] = mms_alloc(s->windows.windows[r.spw].nchan, 1);
        if (!taken[r.spw])
            st = no_memory(err);
        bool joins = false;
        for (int32_t c = r.first; c <= r.last && st == MMS_OK; c += r.step) {
            const bool again = taken[r.spw][c];
            if (!again)
                st = add_channel(s, &capacity, r, c, joins, err);
            taken[r.spw][c] = 1;
            joins = !again;
        }
    }
    for (int64_t i = 0; taken && i < s->windows.n; i++)
        free(taken[i]);
    free(taken);
    return st;
}

/** Say which named windows no DD refers to. */
static void warn_unused_windows(const mms_selection *s)
{
    mms_text list = {0};

    for (int64_t i = 0; i < s->nnamed; i++) {
        const int32_t spw = s->named[i].spw;
        const bool again = i > 0 && s->named[i - 1].spw == spw;
        if (!again && !has(s->spws.n, s->spws.ids, spw))
            mms_text_add(&list, "%s%d", list.length ? ", " : "", spw);
    }
    if (list.text)
        mms_log(MMS_LOG_WARN, "select",
                "Selected input spw(s) %s were not found in DATA_DESCRIPTION and are being "
                "excluded.",
                list.text);
    free(list.text);
}

/** Find the row that completes times: of all members, with all other selections. */
static mms_status reference_row(mms_selection *s, int64_t *row, mms_error *err)
{
    mms_status st = MMS_OK;

    *row = -1;
    for (int64_t m = 0; m < mms_ms_nmember(s->ms) && *row < 0 && st == MMS_OK; m++)
        if ((st = open_member(s, m, err)) == MMS_OK)
            st = mms_selector_reference_row(s->selector, row, err);
    for (int64_t m = 0; m < mms_ms_nmember(s->ms) && *row < 0 && st == MMS_OK; m++)
        if (mms_ms_member_rows(s->ms, m).count > 0) {
            st = open_member(s, m, err);
            *row = 0;
        }
    return st;
}

static mms_status resolve_times(mms_selection *s, mms_error *err)
{
    int64_t row, n = 0;
    double *times = NULL;
    mms_status st;

    MMS_TRY(reference_row(s, &row, err));
    if (row < 0)
        return MMS_OK; // no row at all: nothing to select from
    st = mms_selector_resolve_times(s->selector, row, s->parsed.timerange, &times, &n, err);
    MMS_TRY(st == MMS_OK ? st : refused(s, "timerange", st, err));
    s->times = times;
    s->ntime = n;
    s->limits = mms_alloc(2 * n, sizeof *s->limits);
    if (!s->limits)
        return no_memory(err);
    for (int64_t i = 0; i < n; i++) {
        // MSSelection's open ranges have no edges.
        const bool open = times[3 * i] == 0 || times[3 * i + 1] > 1e300;
        const double edge = open ? 0 : times[3 * i + 2];
        s->limits[2 * i] = times[3 * i] - edge;
        s->limits[2 * i + 1] = times[3 * i + 1] + edge;
    }
    MMS_TRY(mms_selector_add_times(s->selector, n, times, err));
    char *warnings = mms_timerange_warnings(s->parsed.timerange, n, times);
    log_lines(warnings);
    free(warnings);
done:
    return st;
}

/** Members after the first get ids, so that casacore's warnings come once. */
static mms_status use_field_ids(mms_selection *s, mms_error *err)
{
    mms_text list = {0};

    for (int64_t i = 0; i < s->fields.n; i++)
        mms_text_add(&list, "%s%d", i > 0 ? "," : "", s->fields.ids[i]);
    if (list.failed)
        return no_memory(err);
    s->field = list.text;
    if (s->field)
        s->parsed.field = s->field;
    return MMS_OK;
}

/** Take the lists of a plain selection, of which MSSelection says that all antennas stay. */
static void take_plain(mms_selection *s)
{
    mms_select_plain *const p = &s->plain;

    if (s->parsed.field)
        s->fields = (id_list){true, p->fields.n, p->fields.ids};
    if (s->parsed.spw) {
        s->spws = (id_list){true, p->nspw, p->spws};
        s->ddids = (id_list){true, p->nddid, p->ddids};
    }
    p->fields.ids = p->spws = p->ddids = NULL;
}

/** Find what expressions mean. */
static mms_status resolve(mms_selection *s, mms_spw_expr *spw, mms_error *err)
{
    mms_status st = MMS_OK;

    if (s->parsed.spw)
        MMS_TRY(read_spw(s, spw, err));
    s->is_plain = mms_select_plain_open(s->ms, &s->parsed, &s->windows, spw, &s->plain);
    if (s->is_plain) {
        take_plain(s);
    } else {
        MMS_TRY(parse(s, spw, err));
        MMS_TRY(take_lists(s, err));
        s->by_ids = mms_select_memo_open(s->ms, &s->parsed, &s->memo);
    }
    if (spw->resolved)
        log_lines(spw->warnings.text);
done:
    return st;
}

mms_status mms_selection_create(mms_ms *ms, const mms_select *select, mms_selection **out,
                                mms_error *err)
{
    mms_selection *s = calloc(1, sizeof *s);
    mms_spw_expr spw = {0};
    mms_status st;

    *out = NULL;
    if (!s)
        return no_memory(err);
    s->ms = ms;
    MMS_TRY(mms_ms_check_counts(ms, err));
    MMS_TRY(copy_texts(s, select, err));
    if (!s->all) {
        MMS_TRY(resolve(s, &spw, err));
        if (s->parsed.spw) {
            MMS_TRY(take_named(s, &spw, err));
            MMS_TRY(check_named(s, err));
            MMS_TRY(take_channels(s, err));
            warn_unused_windows(s);
        }
        MMS_TRY(use_field_ids(s, err));
        if (s->parsed.timerange)
            MMS_TRY(resolve_times(s, err));
    }
    *out = s;
    s = NULL;
done:
    mms_spw_expr_free(&spw);
    mms_selection_free(&s);
    return st;
}

void mms_selection_free(mms_selection **selection)
{
    mms_selection *s = *selection;

    *selection = NULL;
    if (!s)
        return;
    mms_select_memo_free(&s->memo);
    mms_select_plain_free(&s->plain);
    mms_selector_free(&s->selector);
    mms_windows_free(&s->windows);
    for (int64_t i = 0; i < MMS_COUNT_OF(expressions); i++)
        free(s->texts[i]);
    id_list *const lists[] = {&s->spws,   &s->ddids,  &s->fields,   &s->observations,
                              &s->arrays, &s->states, &s->antennas, &s->dropped};
    for (int64_t i = 0; i < MMS_COUNT_OF(lists); i++)
        free(lists[i]->ids);
    void *const owned[] = {s->spw,   s->uvrange,     s->field,     s->antenna,       s->scan,
                           s->array, s->observation, s->corr_pols, s->corr_products, s->channels,
                           s->named, s->times,       s->limits};
    for (int64_t i = 0; i < MMS_COUNT_OF(owned); i++)
        free(owned[i]);
    free(s);
}

bool mms_selection_is_all(const mms_selection *s)
{
    return s->all && !s->drops_flagged;
}

void mms_selection_drop_flagged(mms_selection *s)
{
    s->drops_flagged = true;
}

bool mms_selection_has_flagged(const mms_selection *s)
{
    return s->has_flagged;
}

static int64_t count_ones(const uint8_t *mask, int64_t n)
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++)
        count += mask[i] != 0;
    return count;
}

static mms_status mask_flagged(mms_selection *s, mms_rows rows, uint8_t *mask, mms_error *err)
{
    const int64_t before = count_ones(mask, rows.count);
    const mms_status st = mms_mask_flagged(s->ms, rows, mask, err);

    s->has_flagged = s->has_flagged || count_ones(mask, rows.count) < before;
    return st;
}

/** Clear the mask of rows whose DD was dropped. */
static mms_status mask_dropped(mms_selection *s, mms_rows rows, uint8_t *mask, mms_error *err)
{
    int32_t *ddids = mms_alloc(rows.count, sizeof *ddids);
    mms_status st;

    if (!ddids)
        return no_memory(err);
    st = mms_ms_read(s->ms, MMS_COL_DATA_DESC_ID, 1, &rows, rows.count, ddids, err);
    for (int64_t i = 0; i < rows.count && st == MMS_OK; i++)
        if (mask[i] && has(s->dropped.n, s->dropped.ids, ddids[i]))
            mask[i] = 0;
    free(ddids);
    return st;
}

static mms_status mask_members(mms_selection *s, mms_rows rows, uint8_t *mask, mms_error *err)
{
    mms_status st = MMS_OK;

    if (s->is_plain)
        return mms_select_plain_rows(&s->plain, s->ms, rows, mask, err);
    for (int64_t m = 0; m < mms_ms_nmember(s->ms) && st == MMS_OK; m++) {
        const mms_rows has_rows = mms_ms_member_rows(s->ms, m);
        const int64_t first = rows.first > has_rows.first ? rows.first : has_rows.first;
        const int64_t end_rows = rows.first + rows.count, end_has = has_rows.first + has_rows.count;
        const int64_t end = end_rows < end_has ? end_rows : end_has;
        if (first >= end)
            continue;
        const mms_rows own = {first, end - first};
        uint8_t *const of_own = mask + (first - rows.first);
        st = open_member(s, m, err);
        if (st == MMS_OK && s->by_ids)
            st = mms_select_memo_rows(&s->memo, s->ms, m, s->selector, own, of_own, err);
        else if (st == MMS_OK)
            st = mms_selector_rows(s->selector, (mms_rows){first - has_rows.first, own.count},
                                   of_own, err);
    }
    return st;
}

mms_status mms_selection_rows(mms_selection *s, mms_rows rows, uint8_t *mask, mms_error *err)
{
    const int64_t nrow = mms_ms_nrow(s->ms);
    mms_status st;

    if (rows.first < 0 || rows.count < 0 || rows.first > nrow - rows.count)
        return mms_fail(err, MMS_ERR_RANGE, "%s: %" PRId64 " rows from %" PRId64 " of %" PRId64,
                        mms_ms_path(s->ms), rows.count, rows.first, nrow);
    memset(mask, 1, (size_t)rows.count);
    st = s->all ? MMS_OK : mask_members(s, rows, mask, err);
    if (st == MMS_OK && !s->all && s->dropped.n > 0 && rows.count > 0)
        st = mask_dropped(s, rows, mask, err);
    if (st == MMS_OK && s->drops_flagged && rows.count > 0)
        st = mask_flagged(s, rows, mask, err);
    return st;
}

static mms_ids borrow(const id_list *list)
{
    return (mms_ids){list->given, list->n, list->ids};
}

mms_ids mms_selection_spws(const mms_selection *s)
{
    return borrow(&s->spws);
}

mms_ids mms_selection_ddids(const mms_selection *s)
{
    return borrow(&s->ddids);
}

mms_ids mms_selection_fields(const mms_selection *s)
{
    return borrow(&s->fields);
}

mms_ids mms_selection_observations(const mms_selection *s)
{
    return borrow(&s->observations);
}

mms_ids mms_selection_arrays(const mms_selection *s)
{
    return borrow(&s->arrays);
}

mms_ids mms_selection_states(const mms_selection *s)
{
    return borrow(&s->states);
}

mms_ids mms_selection_antennas(const mms_selection *s)
{
    return borrow(&s->antennas);
}

const mms_channels *mms_selection_channels(const mms_selection *s, int64_t *n)
{
    *n = s->nchannel;
    return s->channels;
}

const mms_channels *mms_selection_named_channels(const mms_selection *s, int64_t *n)
{
    *n = s->nnamed;
    return s->named;
}

bool mms_selection_cuts_channels(const mms_selection *s)
{
    for (int64_t i = 0; i < s->nnamed; i++) {
        const mms_channels c = s->named[i];
        if (c.first != 0 || c.last != s->windows.windows[c.spw].nchan - 1 || c.step != 1)
            return true;
    }
    return false;
}

mms_ids mms_selection_corrs(const mms_selection *s, int32_t pol)
{
    mms_ids kept = {.given = s->parsed.correlation != NULL};

    for (int64_t i = 0; i < s->ncorr; i++)
        if (s->corr_pols[i] == pol && kept.n++ == 0)
            kept.ids = &s->corr_products[i];
    return kept;
}

mms_status mms_selection_check_corrs(mms_selection *s, mms_error *err)
{
    mms_table *table = NULL;
    int32_t *ncorr = NULL;
    mms_status st = MMS_OK;

    if (!s->parsed.correlation)
        return MMS_OK;
    MMS_TRY(mms_table_open(mms_ms_subtable(s->ms, "POLARIZATION"), MMS_TABLE_READ, &table, err));
    MMS_TRY(mms_table_get_ints(table, "NUM_CORR", &ncorr, err));
    for (int32_t pol = 0; pol < mms_table_nrow(table); pol++)
        if (ncorr[pol] == 4 && mms_selection_corrs(s, pol).n == 3)
            MMS_TRY(refused(s, "correlation",
                            mms_fail(err, MMS_ERR_UNSUPPORTED,
                                     "Sorry, the requested correlation selection is not "
                                     "unsupported. Try selecting fewer or all of the "
                                     "correlations."),
                            err));
done:
    mms_table_drop(&table);
    free(ncorr);
    return st;
}

static bool has_channels(const mms_selection *s, int32_t spw)
{
    for (int64_t i = 0; i < s->nchannel; i++)
        if (s->channels[i].spw == spw)
            return true;
    return false;
}

/** Keep the DDs of windows that have channels. */
static mms_status drop_ddids(mms_selection *s, mms_error *err)
{
    mms_table *table = NULL;
    int32_t *spw_of = NULL;
    int64_t kept = 0;
    mms_status st;

    MMS_TRY(
        mms_table_open(mms_ms_subtable(s->ms, "DATA_DESCRIPTION"), MMS_TABLE_READ, &table, err));
    MMS_TRY(mms_table_get_ints(table, "SPECTRAL_WINDOW_ID", &spw_of, err));
    s->dropped.ids = mms_alloc(s->ddids.n, sizeof *s->dropped.ids);
    if (!s->dropped.ids)
        MMS_TRY(no_memory(err));
    for (int64_t i = 0; i < s->ddids.n; i++) {
        const int32_t dd = s->ddids.ids[i];
        if (has_channels(s, spw_of[dd]))
            s->ddids.ids[kept++] = dd;
        else
            s->dropped.ids[s->dropped.n++] = dd;
    }
    s->ddids.n = kept;
done:
    mms_table_drop(&table);
    free(spw_of);
    return st;
}

mms_status mms_selection_drop_channelless(mms_selection *s, mms_error *err)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < s->spws.n; i++) {
        const int32_t spw = s->spws.ids[i];
        if (has_channels(s, spw))
            s->spws.ids[kept++] = spw;
        else
            mms_log(MMS_LOG_INFO, "select", "spw %d has none of the selected channels; left out",
                    spw);
    }
    if (kept == s->spws.n)
        return MMS_OK;
    s->spws.n = kept;
    return drop_ddids(s, err);
}

const double *mms_selection_times(const mms_selection *s, int64_t *n)
{
    *n = s->ntime;
    return s->limits;
}
