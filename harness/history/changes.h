// SPDX-License-Identifier: Apache-2.0
// Where in a series of times did something change? E-Divisive (Matteson and
// James, "A Nonparametric Approach for Multiple Change Point Analysis of
// Multivariate Data", JASA 109, 2014): it supposes no distribution and no
// number of changes. Pure; any thread; the same input gives the same answer.
#pragma once

#include "src/base/error.h"

#include <stddef.h>

struct change_options {
    double alpha;      // chance to see a change where there is none: 0.01
    size_t least;      // values on each side of a change: 5
    double min_effect; // medians that differ by less don't count: 0.02
};

extern const struct change_options change_defaults;

struct change_point {
    size_t at;            // values[at] is the first one after the change
    double before, after; // medians of the stretches on its sides
    double p;             // by permutation
};

// Finds the changes in n values above 0, in their order; *out is a heap array,
// ascending. 0, or -ENOMEM. Time grows with the square of n: a thousand values
// take seconds.
int changes_find(const double *values, size_t n,
                 const struct change_options *options,
                 struct change_point **out, size_t *count, struct error *err);
