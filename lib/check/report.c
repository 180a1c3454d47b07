/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file report.c  Checks and what they found, collected as JSON for diff and verify. */
#include "report_priv.h"

#include "base/utf8_priv.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "multims/check.h"
#include "multims/log.h"

mms_status mms_report_start(mms_report *report, int64_t show, mms_error *err)
{
    *report = (mms_report){.checks = json_array(), .warnings = json_array(), .show = show};
    return report->checks && report->warnings ? MMS_OK
                                              : mms_fail(err, MMS_ERR_MEM, "report: out of memory");
}

/** "2 of 40 checks failed: DATA, rows" */
static mms_status fail_with_names(const mms_value *checks, int64_t failed, mms_error *err)
{
    enum { SHOWN = 5 };
    mms_text names = {0};
    int64_t n = 0;
    size_t i;
    mms_value *check;

    json_array_foreach(checks, i,
                       check) if (!json_is_true(json_object_get(check, "passed")) && n++ < SHOWN)
        mms_text_add(&names, "%s%s", n > 1 ? ", " : "",
                     json_string_value(json_object_get(check, "check")));
    const mms_status st =
        mms_fail(err, MMS_ERR_DIFFERS, "%" PRId64 " of %zu checks failed: %s%s", failed,
                 json_array_size(checks), names.text ? names.text : "", n > SHOWN ? ", …" : "");
    free(names.text);
    return st;
}

/** Add a check of another report to that of the same name, whose findings come before. */
static void join_check(mms_report *report, const mms_value *more)
{
    const mms_value *const name = json_object_get(more, "check");
    const mms_value *finding;
    mms_value *check = NULL;
    size_t i;

    for (i = 0; i < json_array_size(report->checks) && !check; i++)
        if (json_equal(json_object_get(json_array_get(report->checks, i), "check"), name))
            check = json_array_get(report->checks, i);
    if (!check) {
        json_array_append_new(report->checks, json_deep_copy(more));
        return;
    }
    const json_int_t n = json_integer_value(json_object_get(check, "count")) +
                         json_integer_value(json_object_get(more, "count"));
    mms_value *const findings = json_object_get(check, "findings");
    json_array_foreach(json_object_get(more, "findings"), i, finding)
    {
        if ((int64_t)json_array_size(findings) < report->show)
            json_array_append(findings, (mms_value *)finding);
    }
    json_object_set_new(check, "count", json_integer(n));
    json_object_set_new(check, "passed", json_boolean(n == 0));
}

void mms_report_join(mms_report *report, const mms_value *result)
{
    const mms_value *check;
    size_t i;

    json_array_foreach(json_object_get(result, "checks"), i, check) join_check(report, check);
    json_array_extend(report->warnings, json_object_get(result, "warnings"));
    report->failed = 0;
    json_array_foreach(report->checks, i, check) report->failed +=
        !json_is_true(json_object_get(check, "passed"));
    report->passed = (int64_t)json_array_size(report->checks) - report->failed;
}

mms_status mms_report_finish(mms_report *report, mms_status st, mms_value *result, mms_error *err)
{
    const int64_t passed = report->passed, failed = report->failed;
    mms_value *const checks = report->checks, *const warnings = report->warnings;

    report->checks = report->warnings = NULL;
    if (!checks)
        return st; // it had not begun
    if (json_object_set_new(result, "warnings", warnings) ||
        json_object_set_new(result, "checks", checks) ||
        json_object_set_new(result, "passed", json_integer(passed)) ||
        json_object_set_new(result, "failed", json_integer(failed)))
        return st != MMS_OK ? st : mms_fail(err, MMS_ERR_MEM, "report: out of memory");
    if (st != MMS_OK) {
        json_object_set_new(result, "stopped", mms_text_value(err ? err->msg : ""));
        return st;
    }
    return failed ? fail_with_names(checks, failed, err) : MMS_OK;
}

void mms_report_drop(mms_report *report)
{
    mms_value_free(&report->checks);
    mms_value_free(&report->warnings);
}

void mms_check_start(mms_check *check, mms_report *report, const char *fmt, ...)
{
    mms_text name = {0};
    char text[256];
    va_list args;

    va_start(args, fmt);
    mms_message(text, sizeof text, fmt, args);
    va_end(args);
    mms_text_add(&name, "%s", text);
    *check = (mms_check){
        .report = report, .name = name.text, .findings = json_array(), .members = json_object()};
}

bool mms_check_keeps(const mms_check *check)
{
    return check->count < check->report->show;
}

void mms_check_add(mms_check *check, mms_value *fields, const char *fmt, ...)
{
    mms_value *finding = fields ? fields : json_object();
    char text[1024];
    va_list args;

    if (mms_check_keeps(check)) {
        va_start(args, fmt);
        mms_message(text, sizeof text, fmt, args);
        va_end(args);
        json_object_set_new(finding, "text", mms_text_value(text));
        json_array_append(check->findings, finding);
    }
    mms_value_free(&finding);
    check->count++;
}

/** Write the text of a finding about n members. */
static void set_member_text(mms_value *finding, const char *text, json_int_t n, const char *member)
{
    char *const whole = n == 1 ? mms_format("%s: %s", member, text)
                               : mms_format("%s: in %" JSON_INTEGER_FORMAT " sub-MSs, %s the first",
                                            text, n, member);

    json_object_set_new(finding, "text", mms_text_value(whole ? whole : (char[]){"out of memory"}));
    json_object_set_new(finding, "members", json_integer(n));
    free(whole);
}

/** Find what the text was found in before; [0, member, null] when it is new. */
static mms_value *find_members(mms_check *check, char *text, const char *member)
{
    mms_value *key = mms_text_value(text);
    mms_value *entry = json_object_get(check->members, json_string_value(key));

    if (!entry) {
        entry = json_pack("[i, s, n]", 0, member);
        json_object_set_new_nocheck(check->members, json_string_value(key), entry);
    }
    mms_value_free(&key);
    return entry;
}

void mms_check_add_member(mms_check *check, mms_value *fields, const char *member, const char *fmt,
                          ...)
{
    mms_value *finding = fields ? fields : json_object();
    char text[1024];
    va_list args;

    va_start(args, fmt);
    mms_message(text, sizeof text, fmt, args);
    va_end(args);
    mms_value *const entry = find_members(check, text, member);
    const json_int_t n = json_integer_value(json_array_get(entry, 0)) + 1;

    json_array_set_new(entry, 0, json_integer(n));
    if (n == 1 && mms_check_keeps(check)) {
        json_object_set_new(finding, "member", mms_text_value(member));
        json_array_append(check->findings, finding);
        json_array_set(entry, 2, finding);
    }
    mms_value_free(&finding);
    check->count += n == 1;
    if (json_is_object(json_array_get(entry, 2)))
        set_member_text(json_array_get(entry, 2), text, n,
                        json_string_value(json_array_get(entry, 1)));
}

void mms_report_warn(mms_report *report, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    mms_message(text, sizeof text, fmt, args);
    va_end(args);
    mms_log(MMS_LOG_WARN, "check", "%s", text);
    json_array_append_new(report->warnings, mms_text_value(text));
}

void mms_check_skip(mms_check *check)
{
    check->count++;
}

static void free_check(mms_check *check)
{
    mms_value_free(&check->findings);
    mms_value_free(&check->members);
    free(check->name);
    *check = (mms_check){0};
}

void mms_check_end(mms_check *check, mms_status st, const char *note)
{
    mms_report *const report = check->report;
    mms_value *entry;

    if (st != MMS_OK && check->count == 0) {
        free_check(check); // neither passed nor failed
        return;
    }
    entry = json_object();
    json_object_set_new(entry, "check", mms_text_value(check->name ? check->name : ""));
    json_object_set_new(entry, "passed", json_boolean(check->count == 0));
    if (note)
        json_object_set_new(entry, "note", mms_text_value(note));
    json_object_set_new(entry, "count", json_integer(check->count));
    json_object_set(entry, "findings", check->findings);
    json_array_append_new(report->checks, entry);
    if (check->count)
        report->failed++;
    else
        report->passed++;
    free_check(check);
}

static void print_check(const mms_value *check, FILE *out)
{
    const char *const name = json_string_value(json_object_get(check, "check"));
    const char *const note = json_string_value(json_object_get(check, "note"));
    const mms_value *const findings = json_object_get(check, "findings");
    const int64_t count = json_integer_value(json_object_get(check, "count"));
    const int64_t shown = (int64_t)json_array_size(findings);

    fprintf(out, "%s %s", count ? "FAIL" : "ok  ", name);
    fprintf(out, note ? " (%s)\n" : "\n", note);
    for (int64_t i = 0; i < shown; i++)
        fprintf(out, "     %s\n",
                json_string_value(json_object_get(json_array_get(findings, (size_t)i), "text")));
    if (count > shown)
        fprintf(out, "     … and %" PRId64 " more\n", count - shown);
}

void mms_report_print_line(const mms_value *result, FILE *out)
{
    const char *const a = json_string_value(json_object_get(result, "a"));
    const char *const b = json_string_value(json_object_get(result, "b"));
    const char *const vis = json_string_value(json_object_get(result, "vis"));
    const char *const against = json_string_value(json_object_get(result, "against"));
    const json_int_t n = json_integer_value(json_object_get(result, "passed"));

    if (a && b)
        fprintf(out, "%s and %s are equal: ", a, b);
    else if (against)
        fprintf(out, "%s is sound and holds what %s holds: ", vis, against);
    else
        fprintf(out, "%s is sound: ", vis ? vis : "the set");
    fprintf(out, "%" JSON_INTEGER_FORMAT " checks passed, 0 failed\n", n);
}

void mms_report_print(const mms_value *result, FILE *out)
{
    const mms_value *const checks = json_object_get(result, "checks");

    for (size_t i = 0; i < json_array_size(checks); i++)
        print_check(json_array_get(checks, i), out);
    fprintf(out, "%" PRId64 " checks passed, %" PRId64 " failed%s\n",
            (int64_t)json_integer_value(json_object_get(result, "passed")),
            (int64_t)json_integer_value(json_object_get(result, "failed")),
            json_object_get(result, "stopped") ? "; the others could not be made" : "");
}
