// SPDX-License-Identifier: Apache-2.0
// One scenario file and what its `matrix` statements make of it: a case for
// each element of their product. Private to the command.
#pragma once

#include "harness/scenario/scenario.h"

#include <stdio.h>

// A file has at most so many cases.
#define CASES_MAX 4096

// One case; without a `matrix` it is the whole file. Owned by its list;
// case_free frees it when it was taken out.
struct test_case {
    struct scenario *scenario;
    char *label; // "[kernel=a,mode=b]", made of A-Z a-z 0-9 . _ - + ; or ""
    // With the values, as they are, of axes that it doesn't name; of all axes
    // when another case of the file would have the same.
    char *title;
    size_t nsets;
    struct override *sets; // its values; strings are the scenario's
};

struct case_list {
    size_t count;
    struct test_case *list;
};

// What was told about files so far.
struct tally {
    size_t errors, warnings;
};

// Reads a file with what the command line sets, a value of an axis there
// leaving only that one, and again for each further case. What is wrong is
// written to log; the same of several cases once. 0, or -EINVAL when anything
// is wrong.
int cases_read(struct case_list *out, const char *path,
               const struct override *sets, size_t nsets, FILE *log,
               struct tally *tally);
void case_free(struct test_case *c);
void case_list_free(struct case_list *list);
