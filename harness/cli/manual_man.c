// SPDX-License-Identifier: Apache-2.0
// toyvmm-test(1), in the macros of man(7). See manual.h.
#include "harness/cli/manual.h"
#include "harness/cli/options_internal.h"

#include <stdlib.h>
#include <string.h>

// Text as roff wants it: no request, no escape, a minus that can be searched
// for; what stands in backquotes is bold.
static void text(FILE *f, const char *s)
{
    bool bold = false;
    for (; *s; s++) {
        if (*s == '`') {
            bold = !bold;
            fputs(bold ? "\\fB" : "\\fR", f);
        } else if (*s == '\\') {
            fputs("\\e", f);
        } else if (*s == '-') {
            fputs("\\-", f);
        } else if (*s == '\'') {
            fputs("\\(aq", f);
        } else {
            fputc(*s, f);
        }
    }
}

static void line(FILE *f, const char *macro, const char *s)
{
    fprintf(f, "%s", macro);
    text(f, s);
    fputc('\n', f);
}

static void option(FILE *f, const struct row *row)
{
    fputs(".TP\n", f);
    if (row->letter)
        fprintf(f, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", f);
    text(f, row->name);
    fputs("\\fR", f);
    if (row->metavar) {
        fputs(" \\fI", f);
        text(f, row->metavar);
        fputs("\\fR", f);
    }
    fputc('\n', f);
    line(f, "", row->help);
}

static void options_of(FILE *f, enum command command, bool grouped)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    for (unsigned g = 0; g < OPTION_GROUPS; g++) {
        bool titled = !grouped;
        for (size_t i = 0; i < count; i++) {
            bool everywhere = rows[i].commands == ~0U;
            if (rows[i].group != g || !(rows[i].commands & 1U << command) ||
                (everywhere && command != COMMAND_RUN))
                continue;
            if (!titled)
                line(f, ".SS ", options_group_title((enum option_group)g));
            titled = true;
            option(f, &rows[i]);
        }
    }
}

static void synopsis(FILE *f, const struct command_about *about)
{
    for (size_t i = 0; about->usage[i]; i++)
        line(f, i ? ".br\n" : "", about->usage[i]);
}

static void conf(FILE *f)
{
    char *all = manual_conf_names(false), *blocks = manual_conf_names(true);
    fputs(".SH FILES\n.TP\n.B toyvmm.conf\n", f);
    line(f, "", manual_conf);
    fputs(".IP\n", f);
    line(f, "For all scenarios: ", all ? all : "");
    fputs(".IP\n", f);
    line(f, "In a block: ", blocks ? blocks : "");
    free(all);
    free(blocks);
}

int manual_man(FILE *f)
{
    fprintf(f,
            ".TH TOYVMM\\-TEST 1 \"\" \"toyvmm %s\" \"User Commands\"\n"
            ".SH NAME\ntoyvmm\\-test \\- ",
            TOYVMM_VERSION);
    line(f, "", options_about(COMMAND_RUN)->summary);
    fputs(".SH SYNOPSIS\n.nh\n.ad l\n", f);
    for (unsigned i = 0; i < COMMANDS; i++) {
        fputs(i ? ".br\n" : "", f);
        synopsis(f, options_about((enum command)i));
    }
    fputs(".ad\n.hy\n.SH DESCRIPTION\n", f);
    line(f, "", options_about(COMMAND_RUN)->text);
    fputs(".SH OPTIONS\n", f);
    options_of(f, COMMAND_RUN, true);
    fputs(".SH COMMANDS\n", f);
    for (unsigned i = 1; i < COMMANDS; i++) {
        const struct command_about *about = options_about((enum command)i);
        line(f, ".SS ", about->name);
        line(f, "", about->text);
        options_of(f, (enum command)i, false);
    }
    fputs(".SH EXIT STATUS\n", f);
    line(f, "", help_exit_codes);
    fputs(".SH ENVIRONMENT\n", f);
    for (size_t i = 0; help_variables[i].name; i++) {
        line(f, ".TP\n.B ", help_variables[i].name);
        line(f, "", help_variables[i].help);
    }
    conf(f);
    fputs(".SH SEE ALSO\n"
          ".BR toyvmm\\-rig (1)\n"
          ".PP\n"
          "The scenario language: LANGUAGE.md in /usr/share/doc/toyvmm\\-test, "
          "where this is installed.\n",
          f);
    return ferror(f) != 0;
}
