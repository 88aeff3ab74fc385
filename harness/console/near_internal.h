// SPDX-License-Identifier: Apache-2.0
// The two searches for a near miss (near_miss.h), over finished text. For
// near_*.c only.
#pragma once

#include "harness/console/pattern_exec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What may still be spent, in units of a byte looked at. A search that runs
// out of it tells the best until then.
struct near_budget {
    uint64_t left;
};

// The best partial match: text[start, end), and at offset `item` of the
// pattern's source the item that did not match there.
struct near_partial {
    size_t items; // of the pattern that matched something
    size_t start, end;
    size_t item;
};

// line_start: whether text begins where a line does. False when nothing at all
// matched, or out of memory.
bool near_partial(const struct pattern *p, const char *text, size_t len,
                  bool line_start, struct near_budget *budget,
                  struct near_partial *out);

// The text that differs least from one of the pattern's literals.
struct near_similar {
    size_t start, end;
    size_t branch;    // which literal
    size_t different; // characters (bytes) changed, left out or put in
};

// False when the pattern has no literal, or nothing is near to one.
bool near_similar(const struct pattern *p, const char *text, size_t len,
                  struct near_budget *budget, struct near_similar *out);
