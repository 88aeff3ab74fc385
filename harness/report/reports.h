// SPDX-License-Identifier: Apache-2.0
// The report files that a run can write: a table of formats, each of them a
// function from a run's results to a file. Used by the command line.
#pragma once

#include "harness/report/junit.h"

#include <stdio.h>

enum report_kind {
    REPORT_JUNIT,   // --junit
    REPORT_JSON,    // --json
    REPORT_TAP,     // --tap
    REPORT_HTML,    // --html
    REPORT_SUMMARY, // --summary: Markdown for a CI's page of the run
    REPORTS,
};

// A run that is over. Borrowed.
struct report_run {
    struct result_list results;
    const char *version;      // of this program
    const char *accelerator;  // "kvm", "rig", "replay"; NULL: nothing was run
    const char *config;       // the file with its defaults, or NULL
    uint64_t started_unix_ns; // when it began
    uint64_t duration_ns;
    bool interrupted;
    bool flaky_ok; // a flaky scenario does not fail the run
};

// The option's name without its dashes ("junit").
const char *report_name(enum report_kind kind);

// Writes the report to path ("-" is standard output; see output_write). 0, or
// a negative errno.
int report_write(enum report_kind kind, const char *path,
                 const struct report_run *run, struct error *err);
