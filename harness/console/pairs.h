// SPDX-License-Identifier: Apache-2.0
// Finding any of many literals in one pass over a text, at about a byte for
// each clock cycle. For harness/console only.
#pragma once

#include "harness/console/literal.h"

#include <stdint.h>

// One literal, under two neighbouring bytes of it that are rare in console
// text. A caseless one is there once for each case of the two.
struct pair_node {
    struct literal literal;
    bool caseless;
    size_t at;    // where in the literal the two bytes are
    uint64_t bit; // what a find of it says
    uint8_t next; // the next node with these two bytes
};

// Filled once, then immutable. table maps two bytes, as they lie in memory, to
// the first node under them, for nearly all of them none (0).
struct pairs {
    uint8_t table[65536];
    size_t n; // nodes[1..n]
    struct pair_node nodes[256];
};

// Adds a literal of two bytes or more; false when there is no more room.
bool pairs_add(struct pairs *p, const struct literal *l, bool caseless,
               uint64_t bit);

// The first place at or after text[from] that is within one of the literals, or
// len when there is none; *bits says which. Go on at the place after it.
size_t pairs_find(const struct pairs *p, const char *text, size_t len,
                  size_t from, uint64_t *bits);
