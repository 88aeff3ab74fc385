// SPDX-License-Identifier: Apache-2.0
// --acknowledged: the file of slow-downs that are known. Private to the
// command.
//
// A line for each: SCENARIO MARK COMMIT SIZE UNTIL OWNER REASON, blanks
// between; the reason is the rest of the line. SIZE is the most that is
// accepted, as 8% or 120ms; UNTIL the last day (UTC), YYYY-MM-DD, or - for
// ever. Empty lines and those that begin with # say nothing.
#pragma once

#include "harness/history/acknowledge.h"

#include <stdio.h>

// Reads the file; path NULL: nothing is acknowledged. All that is wrong with it
// is written to log; 0, or -EINVAL and a sentence. Free it either way.
int acknowledged_load(struct acknowledgements *a, const char *path, FILE *log,
                      struct error *err);
void acknowledged_free(struct acknowledgements *a);
