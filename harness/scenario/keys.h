// SPDX-License-Identifier: Apache-2.0
// The keys of `key NAME` and what a terminal sends for them. For
// harness/scenario and harness/learn.
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
// Room for the name of any key.
#define KEY_NAME_MAX 12

// The other way: which key other than a character sends what bytes[0..len)
// begins with. How many bytes that are, with the name in name; 0: none.
size_t key_name(const char *bytes, size_t len, char name[KEY_NAME_MAX]);
// Offers all names to a search for the nearest.
void key_offer_all(struct nearest *n, struct arena *arena);
