// SPDX-License-Identifier: Apache-2.0
// Order statistics, the bootstrap, the normal distribution. See stats.h.
#include "harness/history/stats.h"

#include "harness/history/random.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 2000
#define SEED      UINT64_C(0x746f79766d6d)

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

void stats_sort(double *values, size_t n)
{
    if (n > 1)
        qsort(values, n, sizeof(*values), ascending);
}

double stats_quantile(const double *sorted, size_t n, double q)
{
    double at = q * (double)(n - 1);
    size_t low = (size_t)at;
    if (low + 1 >= n)
        return sorted[n - 1];
    return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

double stats_median(double *values, size_t n)
{
    stats_sort(values, n);
    return stats_quantile(values, n, 0.5);
}

// The medians of RESAMPLES resamples. A resample of sorted values needs no
// sort: how often each was drawn says where its middle is.
static void resample_medians(const double *sorted, size_t n, size_t *drawn,
                             double *medians)
{
    struct random_source random = {SEED};
    size_t lower = (n - 1) / 2;
    size_t upper = n / 2;
    for (size_t r = 0; r < RESAMPLES; r++) {
        memset(drawn, 0, n * sizeof(*drawn));
        for (size_t i = 0; i < n; i++)
            drawn[random_below(&random, n)]++;
        double middle[2] = {0};
        size_t before = 0;
        for (size_t i = 0; i < n && before <= upper; i++) {
            if (before <= lower && lower < before + drawn[i])
                middle[0] = sorted[i];
            if (before <= upper && upper < before + drawn[i])
                middle[1] = sorted[i];
            before += drawn[i];
        }
        medians[r] = (middle[0] + middle[1]) / 2;
    }
    stats_sort(medians, RESAMPLES);
}

int stats_summarize(const double *values, size_t n, struct summary *out,
                    struct error *err)
{
    *out = (struct summary){.n = n};
    if (!n)
        return 0;
    double *sorted = calloc(n, sizeof(*sorted));
    size_t *drawn = calloc(n, sizeof(*drawn));
    double *medians = calloc(RESAMPLES, sizeof(*medians));
    int code = 0;
    if (sorted && drawn && medians) {
        memcpy(sorted, values, n * sizeof(*sorted));
        stats_sort(sorted, n);
        out->min = sorted[0];
        out->max = sorted[n - 1];
        out->p50 = stats_quantile(sorted, n, 0.5);
        out->p90 = stats_quantile(sorted, n, 0.9);
        out->p99 = stats_quantile(sorted, n, 0.99);
        resample_medians(sorted, n, drawn, medians);
        out->low = stats_quantile(medians, RESAMPLES, 0.025);
        out->high = stats_quantile(medians, RESAMPLES, 0.975);
        for (size_t i = 0; i < n; i++)
            sorted[i] = fabs(values[i] - out->p50);
        out->mad = stats_median(sorted, n);
    } else {
        code = error_set(err, -ENOMEM, "out of memory");
    }
    free(sorted);
    free(drawn);
    free(medians);
    return code;
}

// The finite sums for whole degrees of freedom (Abramowitz and Stegun 1964,
// 26.7.3 and 26.7.4).
double stats_student_beyond(double t, size_t df)
{
    double angle = atan(fabs(t) / sqrt((double)df));
    double c = cos(angle);
    bool odd = df % 2;
    double term = odd ? c : 1;
    double sum = df > 1 ? term : 0;
    for (size_t k = odd ? 2 : 1; k + 2 <= df; k += 2) {
        term *= c * c * (double)k / (double)(k + 1);
        sum += term;
    }
    double within = sin(angle) * sum;
    if (odd)
        within = (within + angle) * 2 / M_PI;
    return within < 1 ? 1 - within : 0;
}

double stats_student_quantile(double p, size_t df)
{
    double low = 0;
    double high = 1;
    while (stats_student_beyond(high, df) > p && high < 1e12)
        high *= 2;
    for (int i = 0; i < 80; i++) {
        double middle = (low + high) / 2;
        if (stats_student_beyond(middle, df) > p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double stats_normal_below(double z)
{
    return erfc(-z / sqrt(2.0)) / 2;
}

// By bisection: it is called a few times for a report, and can't go astray.
double stats_normal_quantile(double p)
{
    double low = -40;
    double high = 40;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (stats_normal_below(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}
