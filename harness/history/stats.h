// SPDX-License-Identifier: Apache-2.0
// Figures that describe a list of measured times: order statistics, because
// boot times have a tail that a mean and a standard deviation drown in. Pure
// functions; any thread.
#pragma once

#include "src/base/error.h"

#include <stddef.h>
#include <stdint.h>

// Of n samples, in their unit.
struct summary {
    size_t n;
    double min, max;
    double p50, p90, p99;
    double mad;       // median absolute deviation from the median, unscaled
    double low, high; // 95 % bootstrap interval of the median
};

// Sorts ascending, in place. No value may be NaN.
void stats_sort(double *values, size_t n);

// The quantile q (0..1) of ascending values, n at least 1: between two order
// statistics linearly (Hyndman and Fan 1996, type 7).
double stats_quantile(const double *sorted, size_t n, double q);
// The median of values in any order, which it sorts.
double stats_median(double *values, size_t n);

// Summarises n finite values; n 0 gives zeroes. The interval is that of
// percentiles over 2,000 resamples (Efron and Tibshirani 1993, section 13.3)
// with a fixed seed: equal input, equal output. 0 or -ENOMEM.
int stats_summarize(const double *values, size_t n, struct summary *out,
                    struct error *err);

// P(|T| > t) of Student's distribution with df degrees of freedom, 1 or more,
// to about 1e-15; and the t >= 0 for which it is p, 0 < p < 1.
double stats_student_beyond(double t, size_t df);
double stats_student_quantile(double p, size_t df);

// P(Z <= z) of the standard normal, and its inverse for 0 < p < 1.
double stats_normal_below(double z);
double stats_normal_quantile(double p);
