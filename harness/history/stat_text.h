// SPDX-License-Identifier: Apache-2.0
// The marks of a series of boots as a table of their distributions. Used by the
// command line.
#pragma once

#include "src/base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// One mark of one boot.
struct stat_sample {
    const char *mark;
    uint64_t wall_ns; // since process start
    uint64_t cpu_ns;  // of the vCPU threads
};

// Boots of one scenario (and side) whose times count.
struct stat_series {
    const char *title;
    size_t boots;   // that passed
    size_t failed;  // whose times don't count, for they were another boot's
    size_t warmups; // neither do theirs
    size_t nsamples;
    const struct stat_sample *samples; // of all boots, in any order
};

// A row for each mark in the order of their medians: how many boots have it,
// least, quantiles, median absolute deviation, 95 % bootstrap interval of the
// median; then the same of the CPU time at the last mark. Marks without any
// time (process_start) are left out. 0 or -ENOMEM.
int stat_table(FILE *f, const struct stat_series *s, struct error *err);

// How far the median is from being known, as a fraction of it: the width of its
// interval at the last mark; 0 with fewer than two boots. 0 or -ENOMEM.
int stat_unsure(const struct stat_series *s, double *out, struct error *err);
