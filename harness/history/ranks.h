// SPDX-License-Identifier: Apache-2.0
// The rank statistics under a comparison, prepared once for each mark so that
// ten thousand shuffles are sums. Used by compare.c and causes.c only.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// One mark of all runs, base's first, then head's; block[i] is where run i
// belongs: 0 for all, or neighbours in time when the sides were interleaved.
// rank[i] is its midrank among all that have the mark, after each block's
// median was taken off (aligned ranks: Hodges and Lehmann 1962), so that a
// machine that grows slower from block to block is no change.
struct ranks {
    size_t n, nblocks;
    const size_t *block; // borrowed
    double *rank;
    double *aligned;     // the value without its block's median
    bool *has;           // the run has the mark
    struct rank_block {  // of the ranks in a block:
        size_t count;    // how many,
        double mean;     // their mean
        double variance; // and variance (1/n)
        double sum;      // scratch of ranks_z
        size_t heads;
    } * blocks;
};

// values: n logarithms (NAN: missing); heap in out, freed by ranks_free. False
// when out of memory.
bool ranks_make(const double *values, const size_t *block, size_t n,
                size_t nblocks, struct ranks *out);
void ranks_free(struct ranks *r);

// Wilcoxon's rank sum for the runs with head[i], standardised by its mean and
// variance when the labels are shuffled within blocks (van Elteren's frame);
// 0 when nothing varies.
double ranks_z(struct ranks *r, const bool *head);

// How far head lies above base, in logarithms: the median of all differences
// (Hodges and Lehmann 1963) and an interval at z standard deviations of the
// rank sum, from order statistics of the differences.
struct shift {
    double middle, low, high;
    double dominance; // -1..1: Cliff's delta
};
// False when out of memory. Without NANs; nb, nh at least 1.
bool shift_make(const double *base, size_t nb, const double *head, size_t nh,
                double z, struct shift *out);
