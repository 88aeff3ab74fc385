// SPDX-License-Identifier: Apache-2.0
// The outline of a pattern as it is written: what is open in it, and what
// stands round its variables. For harness/scenario only.
#pragma once

#include "harness/scenario/arena.h"

#include <stdbool.h>

// Where a variable stands. Its value is put there as quoted text.
enum variable_place {
    PLACE_TEXT,       // where any text may stand, in a class too
    PLACE_RANGE_LOW,  // [${a}-z]
    PLACE_RANGE_HIGH, // [a-${z}]
    // Where its text would not be text:
    PLACE_CONSTRUCT, // \x{...}, (?...), (?<...>, [:...:]
    PLACE_ESCAPE,    // behind \1, \x4, \p: it would be read as their end
    PLACE_QUOTED,    // \Q...\E, where the quotes would show
    PLACE_COMMENT,   // which a value could end
};

// Points into the pattern.
struct pattern_scan {
    size_t nplaces; // its variables, in order
    const enum variable_place *places;
    const char *open_class; // the `[` that is never closed, or NULL
    const char *open_group; // the innermost such `(`, or NULL
    unsigned captures;
};

// Reads a pattern from behind its first delimiter up to the last one. Variables
// are those of the lexer: "${" that no backslash stands before. Syntax:
// pcre2pattern(3). What is wrong in the pattern doesn't matter here: PCRE2 says
// so.
void pattern_scan(struct arena *arena, const char *begin, const char *end,
                  bool extended, struct pattern_scan *out);
