// SPDX-License-Identifier: Apache-2.0
// JUnit XML as Jenkins, GitLab and GitHub's reporters read it. One
// <testsuite> holds one scenario: Jenkins' schema has properties on suites
// only, and every scenario has properties of its own. Its first <testcase> is
// the scenario, the others are the tests that the guest ran; junit_names.h says
// how they are called. One that was run again has an element for each attempt
// that failed, as Maven's surefire writes them: <flakyFailure> in a testcase
// that passed in the end and has no <failure>, <rerunFailure> behind the
// <failure> of the last attempt. Whatever guests printed, parsers with
// libxml2's limits read it: no text or attribute of more than 10,000,000 bytes.
#pragma once

#include "harness/report/result.h"

#include <stdio.h>

// A run's results, in the order in which they shall be reported.
struct result_list {
    size_t count;
    const struct result *items;
};

// Writes the report. 0, -EIO or -ENOMEM.
int junit_print(FILE *f, const struct result_list *all);
