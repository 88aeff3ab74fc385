// SPDX-License-Identifier: Apache-2.0
// The word that was probably meant. Also for the command line's own files.
#pragma once

#include <stddef.h>

struct arena;

// Looks for the word nearest to the one given, while candidates are offered.
struct nearest {
    const char *word;
    size_t len;
    const char *best; // NULL: none is near
    unsigned distance;
};

struct nearest nearest_to(const char *word, size_t len);
// candidate is kept by reference when it is the best so far and near enough: a
// third of its letters may be wrong, swapped, missing or too many.
void nearest_offer(struct nearest *n, const char *candidate);
// "did you mean `best`?" in arena, or NULL.
const char *nearest_hint(const struct nearest *n, struct arena *arena);
