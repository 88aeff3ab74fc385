// SPDX-License-Identifier: Apache-2.0
// A kernel's report that the scenario allows: its later lines fire nothing,
// whatever pattern they match. Used by the runner only.
#pragma once

#include "harness/diagnosis/diagnosis.h"

#include <stdint.h>

// One port's. All zero: no such report. One thread.
struct allowed_report {
    bool active;
    bool first; // the line that began it has not ended
    struct report_scan scan;
    uint64_t last_ns; // when its last line came
    size_t lines;
    size_t len; // of the unfinished line, cut
    char line[512];
};

// The line, of that kind, was allowed. kinds is borrowed.
void allowed_begin(struct allowed_report *a, const struct report_kinds *kinds,
                   const struct builtin_fail *kind, const char *line,
                   uint64_t ns);

// Takes what the port printed at ns, at most up to a newline: from the rest of
// the line that began it on.
void allowed_feed(struct allowed_report *a, const uint8_t *bytes, size_t len,
                  uint64_t ns);

// Does this line, which came at ns, belong to the report? A graver one that
// follows from it does not.
bool allowed_covers(const struct allowed_report *a, const char *line,
                    uint64_t ns);
