// SPDX-License-Identifier: Apache-2.0
// What a person reads while scenarios run: one line for each, a block that
// explains each failure, a summary. Plain lines, so that a log file reads as
// well as a terminal.
#pragma once

#include "harness/report/junit.h"
#include "harness/report/result.h"

#include <stdio.h>

// The line of one result, and why it did not pass. verbose adds the marks and
// notes of one that passed. Bytes of a guest come out as visible_text has
// them.
void terminal_result(FILE *f, const struct result *r, bool verbose);

// "3 scenarios: 2 passed, 1 failed in 12.3 s".
void terminal_summary(FILE *f, const struct result_list *all,
                      uint64_t duration_ns);
