// SPDX-License-Identifier: Apache-2.0
// The table of the options, told: help, the manual page, the completions of
// shells, README's tables. Each writes to f and returns 0, or 1 when it can't.
// Private to the command.
#pragma once

#include "harness/cli/options.h"

#include <stdio.h>

// What --help prints of a command.
int manual_help(FILE *f, enum command command);

// toyvmm-test(1), for man.
int manual_man(FILE *f);

int manual_bash(FILE *f);
int manual_zsh(FILE *f);
int manual_fish(FILE *f);

// The tables between README's marks.
int manual_markdown(FILE *f);
// CONFIG.md's table: what may stand in toyvmm.conf.
int manual_config(FILE *f);

// What help and the manual page say of it.
extern const char manual_conf[];
// The names of the options that may stand there, by commas: all of them, or
// those of blocks. A heap string; NULL when out of memory.
char *manual_conf_names(bool blocks);
