// SPDX-License-Identifier: Apache-2.0
// Where two runs that should have been one began to differ: the first thing to
// know when they weren't. Private to the command.
#pragma once

#include "harness/report/result.h"

// One line, into out, on the earliest that a and b tell differently: a mark, a
// line of a console, the end. "" when it is none of these.
void exact_difference(const struct result *a, const struct result *b, char *out,
                      size_t size);
