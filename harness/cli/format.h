// SPDX-License-Identifier: Apache-2.0
// --format: the canonical layout of scenarios. Private to the command.
#pragma once

#include "harness/cli/options.h"

#include <stdio.h>

// Formats the files that the command line names (folders: all *.tc and *.tci
// below; none or "-": standard input). Without --write and --check the result
// goes to out; --write rewrites files that differ, at once or not at all, and
// names them; --check shows how they differ. What is wrong with files goes to
// log. Returns an exit code: EXIT_FAILED when --check found a difference,
// EXIT_WRONG when a file could not be read, parsed or written.
int format_run(const struct options *o, FILE *out, FILE *log);
