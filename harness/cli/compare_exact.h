// SPDX-License-Identifier: Apache-2.0
// `compare --exact` and `gate --exact`: each side is booted once with each of a
// few seeds. Private to the command.
#pragma once

#include "harness/cli/options.h"

// The command's exit code.
int compare_exactly(const struct options *o);

// What two results of one boot differ in, in a sentence without an end, into
// out: the first mark's CPU times, or how many bytes. Returns false, out "",
// when they are equal.
struct result;
#define COMPARE_DIFFERENCE 400
bool compare_difference(const struct result *a, const struct result *b,
                        char out[COMPARE_DIFFERENCE]);
