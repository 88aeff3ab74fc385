// SPDX-License-Identifier: Apache-2.0
// The table of the options, and what is made of it.
#include "harness/cli/manual.h"
#include "harness/cli/options_internal.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *told(int (*print)(FILE *f))
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    cr_assert(f);
    cr_assert_eq(print(f), 0);
    cr_assert_eq(fclose(f), 0);
    return text;
}

static char *help_of(enum command command)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    cr_assert(f);
    cr_assert_eq(manual_help(f, command), 0);
    cr_assert_eq(fclose(f), 0);
    return text;
}

Test(manual, a_name_means_one_thing_in_a_command)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    cr_assert_gt(count, 60);
    for (size_t i = 0; i < count; i++) {
        const struct row *r = &rows[i];
        cr_expect(r->commands != 0, "--%s is for nobody", r->name);
        cr_expect(r->help && *r->help, "--%s has no help", r->name);
        bool bare = r->take == take_flag || r->take == take_more ||
                    r->take == take_action || r->take == take_show;
        cr_expect_eq(bare, r->metavar == NULL, "--%s", r->name);
        for (size_t j = 0; j < i; j++) {
            if (!(rows[j].commands & r->commands))
                continue;
            cr_expect(strcmp(rows[j].name, r->name) != 0, "--%s twice",
                      r->name);
            cr_expect(!r->letter || r->letter != rows[j].letter, "-%c twice",
                      r->letter);
        }
    }
}

// A row for its command, and for no other; no line that a terminal breaks.
Test(manual, help_has_what_a_command_has)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    for (unsigned c = 0; c < COMMANDS; c++) {
        char *help = help_of((enum command)c);
        for (size_t i = 0; i < count; i++) {
            char label[64];
            int n = snprintf(label, sizeof(label), "--%s%s%s", rows[i].name,
                             rows[i].metavar ? " " : "",
                             rows[i].metavar ? rows[i].metavar : "");
            if (!(rows[i].commands & 1U << c))
                continue;
            // A long one has its words on the next line.
            const char *at = help;
            while ((at = strstr(at, label)) && !strchr(" \n", at[n]))
                at += n;
            cr_expect(at, "%s of %s", label,
                      options_about((enum command)c)->name);
        }
        char *save = NULL;
        for (char *line = strtok_r(help, "\n", &save); line;
             line = strtok_r(NULL, "\n", &save))
            cr_expect_leq(strlen(line), 79, "%s", line);
        free(help);
    }
    char *merge = help_of(COMMAND_MERGE);
    cr_expect(strstr(merge, "--junit FILE"));
    cr_expect_not(strstr(merge, "--kernel"));
    free(merge);
}

Test(manual, a_command_s_own_json)
{
    struct options o;
    struct error err = {""};
    char *show[] = {(char[]){"t"}, (char[]){"--json"}, (char[]){"a.tvr"}, NULL};
    cr_assert_eq(options_parse(&o, COMMAND_SHOW, 3, show, &err), 0, "%s",
                 err.text);
    cr_expect_eq(o.show.format, SHOW_JSON);
    cr_expect_eq(o.show.port, -1);
    cr_expect_eq(o.npaths, 1);
    cr_expect_not(o.reports[REPORT_JSON]);
    options_free(&o);
    char *run[] = {(char[]){"t"}, (char[]){"--json"}, (char[]){"j"},
                   (char[]){"a.tc"}, NULL};
    cr_assert_eq(options_parse(&o, COMMAND_RUN, 4, run, &err), 0, "%s",
                 err.text);
    cr_expect_str_eq(o.reports[REPORT_JSON], "j");
    cr_expect_eq(o.npaths, 1);
    options_free(&o);
    char *raw[] = {(char[]){"t"}, (char[]){"--raw"}, (char[]){"a.tc"}, NULL};
    cr_expect_neq(options_parse(&o, COMMAND_RUN, 3, raw, &err), 0);
    cr_expect_str_eq(err.text,
                     "--raw is not for a run of scenarios, it is for: show");
    options_free(&o);
}

// No text of ours is a request or an escape of roff's.
Test(manual, the_page_is_roff)
{
    static const char *const requests[] = {
        ".TH ", ".SH ", ".SS ", ".TP", ".B ", ".BR ", ".br",
        ".nh",  ".hy",  ".ad",  ".PP", ".IP", NULL,
    };
    char *page = told(manual_man), *save = NULL;
    cr_expect(strstr(page, "\\fB\\-j\\fR, \\fB\\-\\-jobs\\fR \\fIN\\fR\n"));
    cr_expect(strstr(page, "\n.SS bisect\n"));
    for (char *line = strtok_r(page, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        bool known = line[0] != '.' && line[0] != '\'';
        for (size_t i = 0; !known && requests[i]; i++)
            known = !strncmp(line, requests[i], strlen(requests[i]));
        cr_expect(known, "%s", line);
        for (const char *c = strchr(line, '\\'); c; c = strchr(c + 2, '\\'))
            cr_assert(c[1] && strchr("fe-(", c[1]), "%s", line);
    }
    free(page);
}

static void has_tables(const char *page, const char *kind,
                       int (*print)(FILE *f))
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s", TEST_SOURCE_DIR, page);
    FILE *f = fopen(path, "r");
    cr_assert(f, "%s", path);
    char *text = NULL, *tables = told(print);
    size_t size = 0;
    cr_assert(getdelim(&text, &size, '\0', f) > 0);
    fclose(f);
    cr_expect(strstr(text, tables),
              "put the output of `toyvmm-test manual %s` into %s", kind, page);
    free(tables);
    free(text);
}

Test(manual, pages_have_these_tables)
{
    has_tables("README.md", "markdown", manual_markdown);
    has_tables("harness/cli/CONFIG.md", "config", manual_config);
}

// What may stand in the project's file is a default of a run; what is written
// from there is a path.
Test(manual, what_of_the_options_may_stand_in_a_file)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const struct row *r = &rows[i];
        if (!r->conf)
            continue;
        cr_expect(r->commands & 1U << COMMAND_RUN, "--%s", r->name);
        cr_expect(r->take != take_action && r->take != take_more, "--%s",
                  r->name);
        cr_expect(!(r->conf & CONF_BLOCK) || r->metavar, "--%s", r->name);
        cr_expect(!(r->conf & (CONF_READ | CONF_WRITTEN)) ||
                      r->take == take_text,
                  "--%s", r->name);
    }
    // Each file that a report or run writes is bounded by the file's folder.
    for (size_t i = 0; i < count; i++) {
        const char *file = rows[i].metavar;
        bool written = rows[i].group == GROUP_TOLD && file &&
                       (!strcmp(file, "FILE") || !strcmp(file, "DIR"));
        cr_expect(!written || !(rows[i].conf & CONF_DEFAULT) ||
                      rows[i].conf & CONF_WRITTEN,
                  "--%s", rows[i].name);
    }
}
