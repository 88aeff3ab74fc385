// SPDX-License-Identifier: Apache-2.0
// --check: the files that scenarios name and that aren't there. Private to the
// command.
#pragma once

#include "harness/cli/selection.h"

#include <stdio.h>

// Writes a warning to log for each, once however many cases name it, and counts
// it in s->tally: a file may be built between the check and the run. 0 or a
// negative errno with err filled.
int check_files(const struct options *o, struct selection *s, FILE *log,
                struct error *err);
