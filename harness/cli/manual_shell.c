// SPDX-License-Identifier: Apache-2.0
// Completions for bash, zsh and fish. See manual.h.
#include "harness/cli/manual.h"
#include "harness/cli/options_internal.h"

#include <string.h>

// Whether a row's value is a file's name, or one of some words ("a|b|c").
static bool is_file(const struct row *row)
{
    return row->metavar && !strcmp(row->metavar, "FILE");
}

static bool is_words(const struct row *row)
{
    return row->metavar && strchr(row->metavar, '|') &&
           row->metavar[0] >= 'a' && row->metavar[0] <= 'z';
}

static void words(FILE *f, const char *list)
{
    for (; *list; list++)
        fputc(*list == '|' ? ' ' : *list, f);
}

static void names_of_commands(FILE *f)
{
    for (unsigned i = 0; i < COMMANDS; i++)
        fprintf(f, "%s%s", i ? " " : "", options_about((enum command)i)->name);
}

// ---- bash ------------------------------------------------------------------

static void bash_options(FILE *f, enum command command)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    fprintf(f, "    %s) options=\"", options_about(command)->name);
    for (size_t i = 0, n = 0; i < count; i++) {
        if (rows[i].commands & 1U << command)
            fprintf(f, "%s--%s", n++ ? " " : "", rows[i].name);
    }
    fputs("\" ;;\n", f);
}

// A case label for all options of a kind.
static void bash_case(FILE *f, bool (*is)(const struct row *row))
{
    size_t count;
    const struct row *rows = options_rows(&count);
    for (size_t i = 0, n = 0; i < count; i++) {
        if (is(&rows[i]))
            fprintf(f, "%s--%s", n++ ? "|" : "    ", rows[i].name);
    }
    fputs(")\n", f);
}

static bool is_other_value(const struct row *row)
{
    return row->metavar && !is_file(row) && !is_words(row);
}

int manual_bash(FILE *f)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    fputs("# bash completion for toyvmm-test\n"
          "_toyvmm_test()\n"
          "{\n"
          "    local cur prev words cword options command=run\n"
          "    _init_completion || return\n"
          "    case ${words[1]} in\n",
          f);
    for (unsigned i = 1; i < COMMANDS; i++)
        fprintf(f, "    %s) command=%s ;;\n",
                options_about((enum command)i)->name,
                options_about((enum command)i)->name);
    fputs("    esac\n    case $prev in\n", f);
    for (size_t i = 0; i < count; i++) {
        if (!is_words(&rows[i]))
            continue;
        fprintf(f, "    --%s)\n        mapfile -t COMPREPLY < <(compgen -W '",
                rows[i].name);
        words(f, rows[i].metavar);
        fputs("' -- \"$cur\")\n        return ;;\n", f);
    }
    bash_case(f, is_file);
    fputs("        _filedir\n        return ;;\n", f);
    bash_case(f, is_other_value);
    fputs("        return ;;\n    esac\n    case $command in\n", f);
    for (unsigned i = 0; i < COMMANDS; i++)
        bash_options(f, (enum command)i);
    fputs("    esac\n"
          "    if [[ $cur = -* ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- "
          "\"$cur\")\n"
          "        return\n"
          "    fi\n"
          "    _filedir\n"
          "    [ \"$cword\" != 1 ] || mapfile -t -O \"${#COMPREPLY[@]}\" "
          "COMPREPLY < <(\n        compgen -W '",
          f);
    names_of_commands(f);
    fputs("' -- \"$cur\")\n"
          "} &&\n"
          "    complete -F _toyvmm_test toyvmm-test\n",
          f);
    return ferror(f) != 0;
}

// ---- zsh -------------------------------------------------------------------

// Within single quotes, in which zsh's _arguments ends a part at ] and :.
static void zsh_text(FILE *f, const char *s)
{
    for (; *s; s++) {
        if (*s == '\'')
            fputs("'\\''", f);
        else if (strchr("[]:\\", *s))
            fprintf(f, "\\%c", *s);
        else if (*s != '`')
            fputc(*s, f);
    }
}

static void zsh_option(FILE *f, const struct row *row)
{
    if (row->letter)
        fprintf(f, "            {-%c,--%s}'", row->letter, row->name);
    else
        fprintf(f, "            '--%s", row->name);
    fputc('[', f);
    zsh_text(f, row->help);
    fputc(']', f);
    if (row->metavar) {
        fputc(':', f);
        zsh_text(f, row->metavar);
        fputc(':', f);
    }
    if (is_file(row)) {
        fputs("_files", f);
    } else if (is_words(row)) {
        fputc('(', f);
        words(f, row->metavar);
        fputc(')', f);
    }
    fputs("' \\\n", f);
}

int manual_zsh(FILE *f)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    fputs("#compdef toyvmm-test\n"
          "_toyvmm_test() {\n"
          "    local command=run\n"
          "    local -a commands=(\n",
          f);
    for (unsigned i = 0; i < COMMANDS; i++) {
        fprintf(f, "        '%s:", options_about((enum command)i)->name);
        zsh_text(f, options_about((enum command)i)->summary);
        fputs("'\n", f);
    }
    fputs("    )\n"
          "    if (( CURRENT > 2 )) && "
          "(( ${commands[(I)${words[2]}:*]} )); then\n"
          "        command=$words[2]\n"
          "        words[2]=()\n"
          "        (( CURRENT-- ))\n"
          "    elif (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
          "        _describe command commands\n"
          "    fi\n"
          "    case $command in\n",
          f);
    for (unsigned c = 0; c < COMMANDS; c++) {
        fprintf(f, "    %s)\n        _arguments -s \\\n",
                options_about((enum command)c)->name);
        for (size_t i = 0; i < count; i++) {
            if (rows[i].commands & 1U << c)
                zsh_option(f, &rows[i]);
        }
        fputs("            '*:file:_files' ;;\n", f);
    }
    fputs("    esac\n}\n_toyvmm_test \"$@\"\n", f);
    return ferror(f) != 0;
}

// ---- fish ------------------------------------------------------------------

static void fish_text(FILE *f, const char *s)
{
    for (; *s; s++) {
        if (*s == '\'' || *s == '\\')
            fputc('\\', f);
        if (*s != '`')
            fputc(*s, f);
    }
}

static void fish_option(FILE *f, const struct row *row, enum command command)
{
    const char *name = options_about(command)->name;
    fputs("complete -c toyvmm-test -n '", f);
    if (command == COMMAND_RUN) {
        fputs("not __fish_seen_subcommand_from", f);
        for (unsigned i = 1; i < COMMANDS; i++)
            fprintf(f, " %s", options_about((enum command)i)->name);
    } else {
        fprintf(f, "__fish_seen_subcommand_from %s", name);
    }
    fprintf(f, "' -l %s", row->name);
    if (row->letter)
        fprintf(f, " -s %c", row->letter);
    if (row->metavar)
        fputs(is_file(row) ? " -r -F" : " -x", f);
    if (is_words(row)) {
        fputs(" -a '", f);
        words(f, row->metavar);
        fputc('\'', f);
    }
    fputs(" -d '", f);
    fish_text(f, row->help);
    fputs("'\n", f);
}

int manual_fish(FILE *f)
{
    size_t count;
    const struct row *rows = options_rows(&count);
    fputs("# fish completion for toyvmm-test\n", f);
    for (unsigned i = 0; i < COMMANDS; i++) {
        fprintf(f,
                "complete -c toyvmm-test -n __fish_use_subcommand -a %s -d '",
                options_about((enum command)i)->name);
        fish_text(f, options_about((enum command)i)->summary);
        fputs("'\n", f);
    }
    for (unsigned c = 0; c < COMMANDS; c++) {
        for (size_t i = 0; i < count; i++) {
            if (rows[i].commands & 1U << c)
                fish_option(f, &rows[i], (enum command)c);
        }
    }
    return ferror(f) != 0;
}
