// SPDX-License-Identifier: Apache-2.0
// Is head slower than base? Two tables of runs are compared mark by mark:
// a permutation test of ranks, corrected for the number of marks, and the size
// of the change with its interval. Pure; any thread; nothing is random that a
// second call would not repeat.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// values[run * marks + mark], any unit, above 0. Anything else (NAN, 0) means
// that this run has no such mark.
struct run_table {
    size_t runs, marks;
    const double *values;
};

struct compare_options {
    double alpha;      // chance of any false alarm among all marks: 0.01
    double min_effect; // a change below this fraction is none: 0.02
    double floor;      // nor is one below this, in the values' unit: 0
    double target;     // a change that must be seen, as a fraction: 0.05;
    double power;      // and how surely: 0.95
    bool interleaved;  // run i of head came next to run i of base
    size_t shuffles;   // 0: 10,000
};

extern const struct compare_options compare_defaults;

enum change {
    CHANGE_SLOWER,
    CHANGE_FASTER,
    CHANGE_SAME,    // a change of `detectable` would have been seen
    CHANGE_TOO_FEW, // `needed` runs of each would tell; of a mark that one run
                    // has, at least so many
    CHANGE_ABSENT,  // no run of base or none of head has it
    CHANGE_IDENTICAL, // each run of head has exactly the time that base's run
                      // has (exact.h)
};

const char *change_name(enum change c); // "slower", ...

struct mark_comparison {
    enum change change;
    size_t base_n, head_n; // runs that have it
    double base, head;     // medians
    double ratio;          // head to base, Hodges-Lehmann; 1.05: 5 % slower
    double low, high;      // its 95 % interval
    double dominance;      // -1..1: how much oftener head is the slower one
                           // (Cliff's delta)
    double p;              // of this mark alone
    double p_adjusted;     // over all marks (Westfall and Young 1993, maxT)
    double detectable;     // smallest change that is seen with `power`
    size_t needed;         // runs of each side to see `target`
};

// Fills out[0..marks). base and head have the same marks, and when interleaved
// as many runs. 0, -EINVAL (shapes, options) or -ENOMEM.
//
// The test is Wilcoxon's rank sum, standardised, under shuffles of whole runs
// between the two sides: marks of one boot stay together, so that the
// correction knows how they depend on each other. Times are compared as ratios:
// their logarithms are ranked and averaged.
//
// Interleaved runs are compared within blocks of neighbours, so that a host
// that slows down or speeds up meanwhile is no change. Runs that lie apart in
// time carry such a drift as if it were one: prefer interleaving.
int compare_runs(const struct run_table *base, const struct run_table *head,
                 const struct compare_options *options,
                 struct mark_comparison *out, struct error *err);
