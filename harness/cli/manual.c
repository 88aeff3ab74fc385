// SPDX-License-Identifier: Apache-2.0
// --help, and the command that prints the rest of the manual. See manual.h.
#include "harness/cli/manual.h"

#include "harness/cli/cli.h"
#include "harness/cli/commands.h"
#include "harness/cli/options_internal.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH  72 // of a line
#define INDENT 23 // of what is said of an option

// Prints text from column `at` on, further lines from `indent` on.
static void wrap(FILE *f, const char *text, size_t at, size_t indent)
{
    bool begun = false;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (begun && at + 1 + word > WIDTH) {
            fprintf(f, "\n%*s", (int)indent, "");
            at = indent;
        } else if (begun) {
            fputc(' ', f);
            at++;
        }
        fwrite(text, 1, word, f);
        at += word;
        begun = true;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', f);
}

static void help_option(FILE *f, const struct row *row)
{
    char label[64];
    char letter[8] = "";
    if (row->letter)
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    int length =
        snprintf(label, sizeof(label), "  %s--%s%s%s", letter, row->name,
                 row->metavar ? " " : "", row->metavar ? row->metavar : "");
    fputs(label, f);
    if (length > INDENT - 2)
        fprintf(f, "\n%*s", INDENT, "");
    else
        fprintf(f, "%*s", INDENT - length, "");
    wrap(f, row->help, INDENT, INDENT);
}

static void help_options(FILE *f, enum command command)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    for (unsigned g = 0; g < OPTION_GROUPS; g++) {
        bool titled = false;
        for (size_t i = 0; i < count; i++) {
            if (rows[i].group != g || !(rows[i].commands & 1U << command))
                continue;
            if (!titled)
                fprintf(f, "\n%s\n", options_group_title((enum option_group)g));
            titled = true;
            help_option(f, &rows[i]);
        }
    }
}

static void help_pair(FILE *f, const char *name, const char *text)
{
    int length = fprintf(f, "  %s", name);
    fprintf(f, "%*s", length < INDENT ? INDENT - length : 1, "");
    wrap(f, text, INDENT, INDENT);
}

const char manual_conf[] =
    "a project's defaults, a line for each option, without its dashes, and "
    "others for some scenarios: `for GLOB { ... }`. The nearest file is taken, "
    "in this folder or above, not above a repository. The command line wins.";

char *manual_conf_names(bool blocks)
{
    char *text = NULL;
    size_t count, size, n = 0;
    const struct row *rows = options_rows(&count);
    FILE *f = open_memstream(&text, &size);
    for (size_t i = 0; f && i < count; i++) {
        if (rows[i].conf & (blocks ? CONF_BLOCK : CONF_DEFAULT))
            fprintf(f, "%s%s", n++ ? ", " : "", rows[i].name);
    }
    if (f && !fclose(f))
        return text;
    free(text);
    return NULL;
}

static void help_conf(FILE *f)
{
    char *all = manual_conf_names(false), *blocks = manual_conf_names(true);
    fputs("\nProject file\n", f);
    help_pair(f, "toyvmm.conf", manual_conf);
    help_pair(f, "for all", all ? all : "");
    help_pair(f, "in a block", blocks ? blocks : "");
    free(all);
    free(blocks);
}

int manual_help(FILE *f, enum command command)
{
    const struct command_about *about = options_about(command);
    for (size_t i = 0; about->usage[i]; i++)
        fprintf(f, "%s%s\n", i ? "       " : "Usage: ", about->usage[i]);
    for (unsigned i = 1; i < COMMANDS && command == COMMAND_RUN; i++)
        fprintf(f, "       toyvmm-test %s ...\n",
                options_about((enum command)i)->name);
    fputc('\n', f);
    wrap(f, about->text, 0, 0);
    if (command == COMMAND_RUN) {
        fputs("\nCommands; each has a --help\n", f);
        for (unsigned i = 0; i < COMMANDS; i++)
            help_pair(f, options_about((enum command)i)->name,
                      options_about((enum command)i)->summary);
    }
    help_options(f, command);
    if (command == COMMAND_RUN) {
        fputs("\nEnvironment\n", f);
        for (size_t i = 0; help_variables[i].name; i++)
            help_pair(f, help_variables[i].name, help_variables[i].help);
        help_conf(f);
    }
    // Those of exec are its command's.
    if (command == COMMAND_EXEC)
        return ferror(f) != 0;
    fputs("\nExit status: ", f);
    wrap(f, help_exit_codes, strlen("Exit status: "), 0);
    return ferror(f) != 0;
}

int manual_main(const struct options *o, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*print)(FILE *f);
    } kinds[] = {
        {"man", manual_man},           {"bash", manual_bash},
        {"zsh", manual_zsh},           {"fish", manual_fish},
        {"markdown", manual_markdown}, {"config", manual_config},
    };
    (void)argc;
    (void)argv;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (o->npaths == 1 && !strcmp(o->paths[0], kinds[i].name))
            return kinds[i].print(stdout) ? EXIT_UNABLE : EXIT_PASSED;
    }
    fputs("toyvmm-test: manual takes one word: man, bash, zsh, fish, "
          "markdown or config\n",
          stderr);
    return EXIT_WRONG;
}
