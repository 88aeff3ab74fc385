// SPDX-License-Identifier: Apache-2.0
// Order statistics against values worked out by hand.
#include "harness/history/stats.h"

#include <criterion/criterion.h>
#include <math.h>

#define NEAR(a, b) cr_expect(fabs((a) - (b)) < 1e-9, "%.12g", (double)(a))

Test(stats, quantiles_lie_between_order_statistics)
{
    const double v[] = {1, 2, 3, 4};
    NEAR(stats_quantile(v, 4, 0), 1);
    NEAR(stats_quantile(v, 4, 0.5), 2.5);
    NEAR(stats_quantile(v, 4, 0.9), 3.7);
    NEAR(stats_quantile(v, 4, 1), 4);
    NEAR(stats_quantile(v, 1, 0.3), 1);
}

Test(stats, a_summary_shrugs_at_an_outlier)
{
    const double v[] = {5, 1, 2, 4, 1000};
    struct summary s;
    cr_assert_eq(stats_summarize(v, 5, &s, NULL), 0);
    cr_expect_eq(s.n, 5);
    NEAR(s.min, 1);
    NEAR(s.max, 1000);
    NEAR(s.p50, 4);
    NEAR(s.mad, 2); // of 1 3 2 0 996
    cr_expect_leq(s.low, s.p50);
    cr_expect_geq(s.high, s.p50);
}

Test(stats, nothing_and_one)
{
    struct summary s;
    cr_assert_eq(stats_summarize(NULL, 0, &s, NULL), 0);
    cr_expect_eq(s.n, 0);
    const double one = 7;
    cr_assert_eq(stats_summarize(&one, 1, &s, NULL), 0);
    NEAR(s.p50, 7);
    NEAR(s.low, 7);
    NEAR(s.high, 7);
    NEAR(s.mad, 0);
}

Test(stats, the_same_input_gives_the_same_interval)
{
    double v[40];
    for (int i = 0; i < 40; i++)
        v[i] = i * i % 37;
    struct summary a, b;
    cr_assert_eq(stats_summarize(v, 40, &a, NULL), 0);
    cr_assert_eq(stats_summarize(v, 40, &b, NULL), 0);
    NEAR(a.low, b.low);
    NEAR(a.high, b.high);
    cr_expect_lt(a.low, a.high);
}

// The bootstrap's interval of a median holds the true one about as often as it
// says: of 400 samples of 25, 95 % are 380; binomial noise is 4.4.
Test(stats, the_interval_covers_what_it_says)
{
    unsigned long long state = 1;
    int covered = 0;
    for (int trial = 0; trial < 400; trial++) {
        double v[25];
        for (int i = 0; i < 25; i++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            v[i] = -log(((double)(state >> 11) + 0.5) / 9007199254740992.0);
        }
        struct summary s;
        cr_assert_eq(stats_summarize(v, 25, &s, NULL), 0);
        covered += s.low <= log(2.0) && log(2.0) <= s.high;
    }
    cr_expect(covered >= 360 && covered <= 396, "%d of 400", covered);
}

Test(stats, the_normal_distribution)
{
    NEAR(stats_normal_below(0), 0.5);
    cr_expect(fabs(stats_normal_quantile(0.975) - 1.959963985) < 1e-8);
    cr_expect(fabs(stats_normal_quantile(0.01) + 2.326347874) < 1e-8);
}
