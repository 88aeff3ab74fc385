// SPDX-License-Identifier: Apache-2.0
// Change points of series whose changes are known.
#include "harness/history/changes.h"

#include "harness/history/random.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#define N 120

static double noise(struct random_source *r)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)(random_next(r) >> 11) / 9007199254740992.0;
    return sum - 6;
}

static void series(double *v, size_t n, uint64_t seed)
{
    struct random_source r = {seed};
    for (size_t i = 0; i < n; i++)
        v[i] = 2.5 * (1 + 0.01 * noise(&r));
}

static size_t find(const double *v, size_t n, struct change_point *out)
{
    struct change_point *found;
    size_t count;
    cr_assert_eq(changes_find(v, n, &change_defaults, &found, &count, NULL), 0);
    for (size_t i = 0; i < count && i < 8; i++)
        out[i] = found[i];
    free(found);
    return count;
}

Test(changes, two_steps_are_found_where_they_are)
{
    double v[N];
    struct change_point c[8];
    series(v, N, 1);
    for (size_t i = 40; i < N; i++)
        v[i] *= 1.05;
    for (size_t i = 90; i < N; i++)
        v[i] *= 0.9;
    cr_assert_eq(find(v, N, c), 2);
    cr_expect(c[0].at >= 39 && c[0].at <= 41, "%zu", c[0].at);
    cr_expect(c[1].at >= 89 && c[1].at <= 91, "%zu", c[1].at);
    cr_expect(fabs(c[0].after / c[0].before - 1.05) < 0.01);
    cr_expect(fabs(c[1].after / c[1].before - 0.9) < 0.01);
    cr_expect_leq(c[0].p, 0.01);
}

Test(changes, noise_is_no_change)
{
    unsigned seen = 0;
    for (uint64_t seed = 100; seed < 160; seed++) {
        double v[60];
        struct change_point c[8];
        series(v, 60, seed);
        seen += (unsigned)find(v, 60, c);
    }
    cr_expect_leq(seen, 2, "%u in 60 series", seen);
}

Test(changes, outliers_are_no_change)
{
    double v[N];
    struct change_point c[8];
    series(v, N, 2);
    for (size_t i = 7; i < N; i += 17)
        v[i] *= 3;
    cr_expect_eq(find(v, N, c), 0);
}

Test(changes, a_sure_but_tiny_change_does_not_count)
{
    double v[N];
    struct change_point c[8];
    series(v, N, 3);
    for (size_t i = 60; i < N; i++)
        v[i] *= 1.012;
    cr_expect_eq(find(v, N, c), 0);
}

// Noise of 6 %: medians of stretches differ by chance by more than the least
// effect, so it is the significance alone that holds here.
Test(changes, loud_noise_is_no_change)
{
    unsigned seen = 0;
    for (uint64_t seed = 300; seed < 340; seed++) {
        struct random_source r = {seed};
        struct change_point c[8];
        double v[40];
        for (size_t i = 0; i < 40; i++)
            v[i] = 2.5 * (1 + 0.06 * noise(&r));
        seen += (unsigned)find(v, 40, c);
    }
    cr_expect_leq(seen, 2, "%u in 40 series", seen);
}

Test(changes, short_series)
{
    double v[9];
    struct change_point c[8];
    series(v, 9, 4);
    for (size_t n = 0; n <= 9; n++)
        cr_expect_eq(find(v, n, c), 0);
}
