// SPDX-License-Identifier: Apache-2.0
// A table of names, each with a number: what a scenario has defined so far.
// For harness/scenario only.
#pragma once

#include "harness/scenario/arena.h"
#include "harness/scenario/diag.h"

// The bits of the number, where it says what a name is: it may be several
// things at once.
enum symbol_kind {
    SYMBOL_VARIABLE = 1 << 0, // set, or a named group
    SYMBOL_CAPTURE = 1 << 1,  // run ... as
    SYMBOL_MARK = 1 << 2,
    SYMBOL_METRIC = 1 << 3,
    SYMBOL_PERHAPS = 1 << 4, // stands in a statement that failed
};

struct symbol {
    const char *name; // borrowed; lives as long as the arena
    unsigned bits;
};

// A hash table with open addressing; grows in its arena, frees nothing.
struct symbols {
    struct symbol *slots; // a power of two of them, name NULL is free
    size_t nslots, count;
};

// Sets bits, not 0, of a name's number.
void symbols_add(struct symbols *s, struct arena *arena, const char *name,
                 unsigned bits);
// The number of a name; 0: unknown.
unsigned symbols_find(const struct symbols *s, const char *name);
// Offers all names that have some of these bits.
void symbols_offer(const struct symbols *s, unsigned bits, struct nearest *n);
