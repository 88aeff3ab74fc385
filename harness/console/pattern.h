// SPDX-License-Identifier: Apache-2.0
// A compiled PCRE2 pattern: UTF, JIT where the host allows it, with match,
// depth and heap limits so that no scenario hangs or exhausts the harness.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pattern_flags {
    PATTERN_CASELESS = 1 << 0,  // i
    PATTERN_MULTILINE = 1 << 1, // m
    PATTERN_DOTALL = 1 << 2,    // s
    PATTERN_EXTENDED = 1 << 3,  // x
};

// Immutable once made: may be shared by threads.
struct pattern;

// Compiles len bytes of UTF-8. On failure NULL, with PCRE2's sentence in err
// and *error_offset the byte of source where it failed (error_offset may be
// NULL). \C is refused, and more than 31 capture groups. `$` without m is the
// very end; "\n" and a lone "\r" end lines.
struct pattern *pattern_compile(const char *source, size_t len, unsigned flags,
                                size_t *error_offset, struct error *err);
// The same; *number is PCRE2's number of the error, 0 when another reason
// refuses the pattern.
struct pattern *pattern_compile_numbered(const char *source, size_t len,
                                         unsigned flags, size_t *error_offset,
                                         int *number, struct error *err);
void pattern_free(struct pattern *p); // NULL is fine

const char *pattern_source(const struct pattern *p); // NUL-terminated copy

// The named groups, for variables: index 0..pattern_names()-1 gives the name
// and the capture group's number.
size_t pattern_names(const struct pattern *p);
const char *pattern_name(const struct pattern *p, size_t index,
                         unsigned *group);

// Plain match over finished text, for checks: 1 found (start/end filled), 0
// not, negative on a limit or ill-formed UTF-8 (err says which). The text is
// checked when from is 0; a later search of the same text trusts that check,
// and from must not split a character. An empty match after the last newline is
// none, so that `^` and `$` with m are found once for each line.
int pattern_search(const struct pattern *p, const char *text, size_t len,
                   size_t from, size_t *start, size_t *end, struct error *err);
