// SPDX-License-Identifier: Apache-2.0
// Collects what is wrong with a scenario. For harness/scenario only.
#pragma once

#include "harness/scenario/arena.h"
#include "harness/scenario/nearest.h"
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
