/* SPDX-License-Identifier: LGPL-2.1-or-later */
/** @file manpage.c  Writes a manual page: the parameters from the table of a task, the rest from
 *  docs/man.
 *
 *  usage: multims-manpage NAME VERSION [FILE.md ...] > PAGE
 *
 *  NAME is a verb, its alias, a command of the program, or multims for the page of the program.  Of
 * Markdown it knows headings, paragraphs, lists, indented examples, `code`, **strong** and links.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "multims/task.h"

/* Where a page stands in its text */
struct place {
    bool broken; /* a blank line was read: the next text begins a paragraph */
    bool item;   /* in an item of a list */
    bool literal;
};

/* What troff needs for a character that it would take as its own or print as a typographic one, so
 * that examples can be pasted; NULL for the others */
static const char *escape_of(char c)
{
    switch (c) {
    case '\\':
        return "\\e";
    case '-':
        return "\\-";
    case '\'':
        return "\\(aq";
    case '`':
        return "\\(ga";
    case '^':
        return "\\(ha";
    case '~':
        return "\\(ti";
    default:
        return NULL;
    }
}

/* Write n characters; at the line's beginning if begins */
static void put_text(const char *text, size_t n, bool begins)
{
    if (begins && n && *text == '.')
        fputs("\\&", stdout);
    for (size_t i = 0; i < n; i++) {
        const char *const escape = escape_of(text[i]);
        if (escape)
            fputs(escape, stdout);
        else
            putchar(text[i]);
    }
}

static void put_bold(const char *text, size_t n)
{
    fputs("\\fB", stdout);
    put_text(text, n, false);
    fputs("\\fP", stdout);
}

/* Write a bold text that ends with mark; return what follows, NULL if it does not end */
static const char *put_marked(const char *text, const char *mark)
{
    const char *const end = strstr(text, mark);

    if (end)
        put_bold(text, (size_t)(end - text));
    return end ? end + strlen(mark) : NULL;
}

/* Write the words of a link: [words](address); NULL if it is none */
static const char *put_link(const char *text)
{
    const char *const end = strstr(text, "](");
    const char *const close = end ? strchr(end, ')') : NULL;

    if (close)
        put_text(text, (size_t)(end - text), false);
    return close ? close + 1 : NULL;
}

/* Write a line of a paragraph */
static void put_line(const char *line)
{
    for (const char *s = line; *s;) {
        const char *next = !strncmp(s, "**", 2) ? put_marked(s + 2, "**")
                           : *s == '`'          ? put_marked(s + 1, "`")
                           : *s == '['          ? put_link(s + 1)
                                                : NULL;
        if (!next) {
            put_text(s, 1, s == line);
            next = s + 1;
        }
        s = next;
    }
    putchar('\n');
}

static void put_heading(const char *macro, const char *title)
{
    printf("%s \"", macro);
    for (const char *s = title; *s; s++) {
        const char c = strcmp(macro, ".SH") != 0 ? *s : (char)toupper((unsigned char)*s);
        put_text(&c, 1, false);
    }
    fputs("\"\n", stdout);
}

static void end_literal(struct place *at)
{
    if (at->literal)
        fputs(".EE\n.RE\n", stdout);
    at->literal = false;
}

static void put_literal(struct place *at, const char *line)
{
    if (!at->literal)
        fputs(".PP\n.RS 4\n.EX\n", stdout);
    else if (at->broken)
        putchar('\n');
    at->literal = true;
    put_text(line, strlen(line), true);
    putchar('\n');
}

static void put_prose(struct place *at, const char *line)
{
    const bool bullet = !strncmp(line, "* ", 2);

    end_literal(at);
    if (bullet)
        fputs(".IP \\(bu 2\n", stdout);
    else if (at->broken)
        fputs(".PP\n", stdout);
    at->item = bullet || (at->item && !at->broken);
    put_line(line + (bullet ? 2 : 0) + strspn(line + (bullet ? 2 : 0), " "));
}

/* Lines indented by two blanks are an example, unless they go on with an item */
static void convert_line(struct place *at, const char *line)
{
    const size_t indent = strspn(line, " ");
    const size_t depth = strspn(line, "#");
    const bool goes_on = at->item && !at->broken;

    if (!line[indent]) {
        at->broken = true;
        return;
    }
    if (depth || !strcmp(line, "Examples:")) {
        end_literal(at);
        at->item = false;
        put_heading(depth == 3 ? ".SS" : ".SH", depth ? line + depth + 1 : "Examples");
    } else if (indent >= 4 || (indent >= 2 && !goes_on)) {
        put_literal(at, line + (indent < 4 ? 2 : 4));
    } else {
        put_prose(at, line);
    }
    at->broken = false;
}

/* Convert text, up to the first heading of level 2 if only_head; return the rest */
static char *convert(char *text, bool only_head)
{
    struct place at = {.broken = true};
    char *line = text;

    while (line && *line && !(only_head && !strncmp(line, "## ", 3))) {
        char *const end = strchr(line, '\n');
        if (end)
            *end = '\0';
        convert_line(&at, line);
        line = end ? end + 1 : NULL;
    }
    end_literal(&at);
    return line;
}

static void put_param(const mms_param *p)
{
    const char letter = mms_param_letter(p);
    const bool bare = mms_param_is_bare(p);
    char *const words = mms_param_describe(p);

    fputs(".TP\n", stdout);
    if (letter)
        printf("\\fB\\-%c\\fP, ", letter);
    printf("\\fB\\-\\-%s", mms_param_is_on(p) ? "[no\\-]" : "");
    put_text(p->name, strlen(p->name), false);
    printf("\\fP%s%s%s\n", bare ? "" : " \\fI", bare ? "" : mms_param_placeholder(p),
           bare ? "" : "\\fP");
    put_text(words ? words : "", words ? strlen(words) : 0, true);
    putchar('\n');
    free(words);
}

static void put_params(const mms_param *params, unsigned flags)
{
    for (const mms_param *p = params; p->name; p++)
        if (!(p->flags & MMS_PARAM_HIDDEN) && (p->flags & MMS_PARAM_RUN) == flags)
            put_param(p);
}

static void put_synopsis(const mms_task *task)
{
    put_heading(".SH", "Synopsis");
    for (int named = 0; named < 2; named++) {
        printf("%s\\fBmultims %s\\fP", named ? ".br\n" : "", task->name);
        for (const mms_param *p = task->params; p->name; p++) {
            const bool optional = !(p->flags & MMS_PARAM_REQUIRED);
            if (p->flags & MMS_PARAM_POSITIONAL)
                printf(" %s%s%s%s\\fI%s\\fP%s%s", optional ? "[" : "",
                       !named && (p->flags & MMS_PARAM_BEHIND) ? "\\-\\- " : "",
                       named ? p->name : "", named ? "=" : "", p->name,
                       !named && p->type == MMS_WORDS ? " ..." : "", optional ? "]" : "");
        }
        printf(" [%s ...]\n", named ? "\\fIname\\fP=\\fIvalue\\fP" : "\\-\\-\\fIname value\\fP");
    }
    if (task->alias)
        printf(".PP\n\\fB%s\\fP is another name of this verb.\n", task->alias);
}

/* The page's first lines; name as in "multims-split" */
static void put_title(const char *verb, const char *version, const char *summary)
{
    printf(".\\\" Made from the tables of multims and from docs/man: do not edit\n.TH MULTIMS");
    for (const char *s = verb; *s; s++)
        printf("%s%c", s == verb ? "\\-" : "", toupper((unsigned char)*s));
    printf(" 1 \"\" \"multims %s\" \"multims\"\n", version);
    put_heading(".SH", "Name");
    printf("multims%s%s \\- ", *verb ? "\\-" : "", verb);
    put_text(summary, strlen(summary), false);
    putchar('\n');
}

static void put_task(const mms_task *task, const char *version, char *text)
{
    char *const details = task->details ? strdup(task->details) : NULL;
    char *rest;

    put_title(task->name, version, task->summary);
    put_synopsis(task);
    put_heading(".SH", "Description");
    if (!*text || *text == '#')
        printf("\\fBmultims %s\\fP: %s.\n", task->name, task->summary);
    rest = convert(text, true);
    put_heading(".SH", "Parameters");
    fputs("Each may also be written \\fIname\\fP=\\fIvalue\\fP, as in a CASA script.\n", stdout);
    put_params(task->params, 0);
    put_heading(".SH", "How to run");
    put_params(task->params, MMS_PARAM_RUN);
    put_params(mms_shared_params(), MMS_PARAM_RUN);
    convert(rest, false);
    if (details && strncmp(details, "Examples:", 9) != 0)
        put_heading(".SH", "Notes");
    convert(details, false);
    free(details);
}

static void put_program(const char *version, char *text)
{
    char *rest;

    put_title("", version, "cut MeasurementSets into Multi-MeasurementSets, in parallel");
    put_heading(".SH", "Synopsis");
    fputs("\\fBmultims\\fP \\fIverb\\fP [parameters]\n", stdout);
    put_heading(".SH", "Description");
    rest = convert(text, true);
    put_heading(".SH", "Verbs");
    for (const mms_task *const *t = mms_tasks(); *t; t++) {
        printf(".TP\n\\fBmultims\\-%s\\fP(1)\n", (*t)->name);
        put_text((*t)->summary, strlen((*t)->summary), true);
        printf("%s%s\n", (*t)->alias ? "; also called " : "", (*t)->alias ? (*t)->alias : "");
    }
    for (int i = 0; i < NCOMMANDS; i++) {
        fputs(".TP\n\\fB", stdout);
        put_text(commands[i].usage, strlen(commands[i].usage), true);
        printf("\\fP\n%s\n", commands[i].summary);
    }
    convert(rest, false);
}

static const struct command *find_command(const char *name)
{
    for (int i = 0; i < NCOMMANDS; i++)
        if (!strcmp(name, commands[i].name))
            return &commands[i];
    return NULL;
}

static void put_command(const struct command *c, const char *version, char *text)
{
    char *const details = strdup(c->details);
    char *rest;

    put_title(c->name, version, c->summary);
    put_heading(".SH", "Synopsis");
    fputs("\\fBmultims\\fP ", stdout);
    put_text(c->usage, strlen(c->usage), false);
    putchar('\n');
    put_heading(".SH", "Description");
    rest = convert(text, true);
    convert(details, false);
    convert(rest, false);
    free(details);
}

static void put_see_also(const char *own)
{
    put_heading(".SH", "See also");
    fputs(*own ? "\\fBmultims\\fP(1)" : "", stdout);
    for (const mms_task *const *t = mms_tasks(); *t; t++)
        if (strcmp((*t)->name, own) != 0)
            printf("%s\\fBmultims\\-%s\\fP(1)", *own || t != mms_tasks() ? ", " : "", (*t)->name);
    putchar('\n');
}

/* The files one after the other, a blank line between them; NULL when one cannot be read */
static char *read_files(int n, char **paths)
{
    char *all = strdup("");

    for (int i = 0; i < n && all; i++) {
        FILE *const file = fopen(paths[i], "r");
        char *text = NULL, *joined = NULL;
        size_t size = 0;
        if (file && getdelim(&text, &size, '\0', file) >= 0 &&
            asprintf(&joined, "%s%s\n", all, text) < 0)
            joined = NULL;
        if (!joined)
            perror(paths[i]);
        if (file)
            fclose(file);
        free(text);
        free(all);
        all = joined;
    }
    return all;
}

int main(int argc, char **argv)
{
    const char *const name = argc > 2 ? argv[1] : "";
    const bool program = !strcmp(name, "multims");
    const mms_task *const task = mms_task_find(name);
    const struct command *const command = find_command(name);
    char *text;

    if (!task && !program && !command) {
        fprintf(stderr, "usage: multims-manpage VERB|multims VERSION [FILE.md ...] > PAGE\n");
        return 2;
    }
    if (task && strcmp(task->name, name) != 0) { /* an alias: the page is that of the verb */
        printf(".so man1/multims-%s.1\n", task->name);
        return fclose(stdout) ? 1 : 0;
    }
    text = read_files(argc - 3, argv + 3);
    if (!text)
        return 1;
    if (program)
        put_program(argv[2], text);
    else if (command)
        put_command(command, argv[2], text);
    else
        put_task(task, argv[2], text);
    put_see_also(program ? "" : name);
    free(text);
    return fclose(stdout) ? 1 : 0;
}
