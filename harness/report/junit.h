// SPDX-License-Identifier: Apache-2.0
// JUnit XML as Jenkins, GitLab and GitHub's reporters read it. One
// <testsuite> holds one <testcase>: Jenkins' schema has properties on suites
// only, and every scenario has properties of its own.
#pragma once

#include "harness/report/result.h"

// A run's results, in the order in which they shall be reported.
struct result_list {
    size_t count;
    const struct result *items;
};

// Writes the report to path (see output_write). 0, or a negative errno.
int junit_write(const char *path, const struct result_list *results,
                struct error *err);
