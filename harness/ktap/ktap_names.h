// SPDX-License-Identifier: Apache-2.0
// Makes names unique: "a", "a", "a (2)" become "a", "a (2)", "a (2) (2)".
// Used by the KTAP reader only.
#pragma once

#include <stddef.h>

// An all-zero one is empty.
struct ktap_names {
    struct ktap_name {
        char *text;
        size_t uses; // the number to try next is one more
    } * slots;       // a hash table with open addressing
    size_t count, nslots;
};

// The name, or with " (2)" and so on behind it: none that was given before. A
// heap string, or NULL when out of memory.
char *ktap_unique(struct ktap_names *names, const char *name);
void ktap_names_free(struct ktap_names *names);
