// SPDX-License-Identifier: Apache-2.0
// A run in Markdown (GitHub flavoured) for a CI's page: GitHub's step summary,
// a merge request's note. Used by the table of reports.
#pragma once

#include <stdio.h>

// owner is a struct report_run. At most about 200 KB, whatever the guests
// printed: GitHub takes 1 MiB from a step. Returns 0 or a negative errno.
int summary_print(FILE *f, const void *owner);
