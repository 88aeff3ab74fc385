// SPDX-License-Identifier: Apache-2.0
// Follows one of the kernel's reports of its own trouble through the lines of a
// console, from the line that begins it to its last. Used by the runner only.
#pragma once

#include "harness/console/pattern.h"
#include "harness/scenario/scenario.h"

// The built-in fail patterns, compiled. Owned by the run; may be shared.
#define REPORT_KINDS_MAX 32
struct report_kinds {
    size_t n;
    struct pattern *patterns[REPORT_KINDS_MAX]; // of builtin_fail_at(i)
};

// 0 or a negative errno. report_kinds_free takes what is all zero as well.
int report_kinds_init(struct report_kinds *k, struct error *err);
void report_kinds_free(struct report_kinds *k);

// The kind of the report that a line begins: the first listed that matches, or
// NULL.
const struct builtin_fail *report_kind(const struct report_kinds *k,
                                       const char *line, size_t len);

// What the kernel says in a line: where its message begins (behind level, time
// and caller), and where what printk put before that does.
struct report_text {
    size_t prefix, message;
    bool stamped; // false: no telling whether the line is the kernel's
};
void report_text(const char *line, size_t len, struct report_text *out);

// Lines that stand before a report's first: a ruler of `=', or `cut here'.
bool report_is_ruler(const char *message, size_t len);
bool report_is_cut(const char *message, size_t len);

enum report_state {
    REPORT_OPEN,
    REPORT_ENDED, // its last line was there; some kinds have an afterword
    REPORT_OVER,
};

// Where in a report the lines have got to. A value: a copy may be tried on a
// line. kinds is borrowed.
struct report_scan {
    const struct report_kinds *kinds;
    const struct builtin_fail *kind; // what it began as, or a graver one since
    enum report_end end;             // an Oops within it has an end of its own
    bool stamped; // its lines have time stamps: one without is not the kernel's
    enum report_state state;
    unsigned strays; // since its last line
};

// A report of this kind begins with this line.
void report_begin(struct report_scan *s, const struct report_kinds *kinds,
                  const struct builtin_fail *kind, const char *line,
                  size_t len);

// What a later line is to the report.
enum report_line {
    REPORT_INSIDE,
    REPORT_MAYBE,   // the next lines decide: a ruler, a stray message
    REPORT_FOREIGN, // not the kernel's
    REPORT_GRAVER,  // a consequence begins: an Oops, a panic; s->kind is its
    REPORT_NEXT,    // something else: the report is over
};
enum report_line report_line(struct report_scan *s, const char *line,
                             size_t len);
