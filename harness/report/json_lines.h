// SPDX-License-Identifier: Apache-2.0
// A run as JSON lines, for programs. SCHEMA.md says what is in them.
#pragma once

#include "harness/report/reports.h"

// Raised when a field changes its meaning or goes; new ones don't count.
#define JSON_LINES_SCHEMA 1

// owner: a struct report_run. 0, or -EIO.
int json_lines_print(FILE *f, const void *owner);
