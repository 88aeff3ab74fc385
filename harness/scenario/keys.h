// SPDX-License-Identifier: Apache-2.0
// The keys of `key NAME` and what a terminal sends for them. For
// harness/scenario only.
#pragma once

#include "harness/scenario/diag.h"

#include <stdbool.h>
#include <stddef.h>

struct key {
    const char *name;  // static, or in the arena
    const char *bytes; // what the guest gets; may be a NUL
    size_t len;
    bool serial_break; // no byte: a break on the serial port
};

// The key called name (len bytes): the words of the table, or ctrl- and one of
// a..z [ \ ] ^ _ @ ?. False when there is no such key.
bool key_find(const char *name, size_t len, struct arena *arena,
              struct key *out);
// Offers all names to a search for the nearest.
void key_offer_all(struct nearest *n, struct arena *arena);
