// SPDX-License-Identifier: Apache-2.0
// README's tables of commands and options, CONFIG.md's of what may stand in
// toyvmm.conf. See manual.h.
#include "harness/cli/manual.h"
#include "harness/cli/options_internal.h"

// A cell ends at a bar.
static void cell(FILE *f, const char *s)
{
    for (; *s; s++) {
        if (*s == '|')
            fputc('\\', f);
        fputc(*s, f);
    }
}

static void option(FILE *f, const struct row *row)
{
    fputs("| `", f);
    if (row->letter)
        fprintf(f, "-%c`, `", row->letter);
    fprintf(f, "--%s", row->name);
    if (row->metavar) {
        fputc(' ', f);
        cell(f, row->metavar);
    }
    fputs("` | ", f);
    cell(f, row->help);
    fputs(" |\n", f);
}

int manual_config(FILE *f)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    fputs("| option | in a block | what it is |\n| --- | --- | --- |\n", f);
    for (size_t i = 0; i < count; i++) {
        if (!(rows[i].conf & CONF_DEFAULT))
            continue;
        fprintf(f, "| `%s", rows[i].name);
        if (rows[i].metavar) {
            fputc(' ', f);
            cell(f, rows[i].metavar);
        }
        fprintf(f, "` | %s | ", rows[i].conf & CONF_BLOCK ? "yes" : "");
        cell(f, rows[i].help);
        if (rows[i].conf & CONF_READ)
            fputs("; seen from this file", f);
        if (rows[i].conf & CONF_WRITTEN)
            fputs("; below this file's folder", f);
        fputs(" |\n", f);
    }
    return ferror(f) != 0;
}

int manual_markdown(FILE *f)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    fputs("| command | |\n| --- | --- |\n", f);
    for (unsigned i = 0; i < COMMANDS; i++) {
        const struct command_about *about = options_about((enum command)i);
        fprintf(f, "| `%s` | %s |\n", about->name, about->summary);
    }
    fputs("\n| option of `run` | |\n| --- | --- |\n", f);
    for (unsigned g = 0; g < OPTION_GROUPS; g++) {
        for (size_t i = 0; i < count; i++) {
            if (rows[i].group == g && rows[i].commands & 1U << COMMAND_RUN)
                option(f, &rows[i]);
        }
    }
    return ferror(f) != 0;
}
