// SPDX-License-Identifier: Apache-2.0
// What `compare` and `gate` say of their verdicts, whatever they were made
// from: terminal, JSON, Markdown, exit code. Private to the command.
#pragma once

#include "harness/cli/options.h"
#include "harness/history/compare_report.h"

#include <stdbool.h>
#include <stdio.h>

// One comparison of two sides, of one scenario or several. Strings are
// borrowed.
struct telling {
    const struct options *o;
    const char *base, *head; // names of the sides
    struct compare_options how;
    const char *warning; // on noise, or ""

    // What came out so far.
    bool broken, open, unmeasured;

    struct told_file {
        FILE *f; // NULL: not wanted
        char *bytes;
        size_t len;
    } json, summary;
};

// The options of the comparison. -EINVAL when a report can't be written.
int telling_begin(struct telling *t, const struct options *o,
                  struct error *err);

// Adds a scenario's verdicts.
void telling_case(struct telling *t, const char *scenario,
                  const struct compared_mark *marks, size_t nmarks);

// Writes the files, prints the gate's word unless the comparison has no end,
// and returns the exit code.
int telling_end(struct telling *t, bool interrupted);
