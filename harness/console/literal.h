// SPDX-License-Identifier: Apache-2.0
// What text a match of a pattern can't be without. Text that lacks it need not
// be searched, and a failure report compares lines with it. For
// harness/console only.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LITERAL_MAX      32
#define LITERAL_BRANCHES 24

struct literal {
    char text[LITERAL_MAX]; // UTF-8; lower case when the pattern is caseless
    size_t len;
};

// Each match of the pattern contains at least one of branch[0..n). n is 0 when
// that can't be told. A plain value.
struct literals {
    bool caseless;
    size_t n;
    struct literal branch[LITERAL_BRANCHES];
};

// Reads the literals off a pattern's source (which compiles, with PCRE2_UTF).
// Careful rather than clever: with anything unusual in it n is 0.
void literals_of(struct literals *out, const char *source, size_t len,
                 bool caseless, bool extended);

// The first place in text[0..len) where one of the literals begins, or len.
// Not for caseless literals, and n must not be 0.
size_t literals_find(const struct literals *l, const char *text, size_t len);
