// SPDX-License-Identifier: Apache-2.0
// What grew, told to a person and to a program. Used by the reports of
// comparisons and trends.
#pragma once

#include "harness/history/causes.h"
#include "harness/report/json.h"

#include <stdio.h>

// Lines for a terminal, indented by so many blanks: a row for each cause with
// its share of the mark's growth, what no phase explains, and what one side
// alone has. At most CAUSES_SHOWN rows; how many more there are is said.
#define CAUSES_SHOWN 8
void causes_terminal(FILE *f, const struct causes *c, int indent);

// A table, folded, for a merge request.
void causes_markdown(FILE *f, const struct causes *c);

// One object in an array, times in nanoseconds.
void causes_json(struct json *j, const struct causes *c);
