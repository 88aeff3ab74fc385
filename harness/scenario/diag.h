// SPDX-License-Identifier: Apache-2.0
// Collects what is wrong with a scenario, and finds the word that was probably
// meant. For harness/scenario only.
#pragma once

#include "harness/scenario/arena.h"
#include "harness/scenario/scenario.h"
#include "harness/scenario/source.h"

#include <stdarg.h>

// Beyond these a file is not a scenario with mistakes but no scenario.
#define DIAG_MAX_ERRORS   100
#define DIAG_MAX_WARNINGS 100

// One file's diagnostics while they are collected. Lives on the stack of
// scenario_parse; all its strings are in arena.
struct diag {
    struct arena *arena;
    const char *path;             // of the scenario
    const struct source *sources; // the files read so far, newest first
    struct list items;            // struct diagnostic
    size_t errors, warnings;
    struct source_pos
        overflow; // the first error that had no room; line 0: none
};

// Adds an error (or a warning) about width columns at pos. pos.line 0: about
// the scenario as a whole. hint may be NULL; strings are copied. What was said
// of the same place already, in a file used twice, is not said again.
void diag_error(struct diag *d, struct source_pos pos, unsigned width,
                const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void diag_warning(struct diag *d, struct source_pos pos, unsigned width,
                  const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
void diag_add(struct diag *d, enum severity severity, struct source_pos pos,
              unsigned width, const char *hint, const char *fmt, va_list args)
    __attribute__((format(printf, 6, 0)));

// True when no more errors are taken: there is no point in reading on.
bool diag_full(const struct diag *d);

// Sorts by position, as if each `use` were the file, and hands the list over.
// The arena goes along.
void diag_finish(struct diag *d, struct diagnostics *out);

// ---- Words that are near
// -----------------------------------------------------

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
