// SPDX-License-Identifier: Apache-2.0
// --explain: what a run would do, resolved and in words. Private to the
// command.
#pragma once

#include "harness/cli/selection.h"

#include <stdio.h>

// Writes for each selected file: the machine, deadlines, variables and where
// their values come from, cases, needs, what fails it, and each step. Of a file
// with several cases the first is explained, the others are named. Nothing
// boots, and no guest is built or downloaded. Returns an exit code: EXIT_WRONG
// when a machine can't be had for what the scenario says.
int explain_run(const struct options *o, const struct selection *s, FILE *f);
