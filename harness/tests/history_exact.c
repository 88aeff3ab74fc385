// SPDX-License-Identifier: Apache-2.0
// Comparisons by seeds: what is equal is said to be identical, what is longer
// is found, what another state alone would do is not.
#include "harness/history/exact_compare.h"

#include "harness/history/random.h"
#include "harness/history/stats.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>

#define MARKS 3
#define SEEDS 8

struct sides {
    double base[SEEDS * MARKS], head[SEEDS * MARKS];
    size_t seeds;
};

static double noise(struct random_source *r)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)(random_next(r) >> 11) / 9007199254740992.0;
    return sum - 6;
}

// Marks of 0.3, 2.6 and 2.63 s. The state of a seed is worth 0.005 %; another
// image's has nothing to do with it.
static void boots(struct sides *s, size_t seeds, uint64_t random,
                  const double *factor)
{
    static const double at[MARKS] = {294967978, 2625014277, 2629898621};
    struct random_source r = {random};
    s->seeds = seeds;
    for (size_t i = 0; i < seeds * MARKS; i++) {
        size_t m = i % MARKS;
        s->base[i] = floor(at[m] * (1 + 0.00005 * noise(&r)));
        s->head[i] = floor(at[m] * (1 + 0.00005 * noise(&r)) * factor[m]);
    }
}

static void judge(const struct sides *s, struct mark_comparison out[MARKS])
{
    struct error err = {""};
    const struct run_table base = {s->seeds, MARKS, s->base};
    const struct run_table head = {s->seeds, MARKS, s->head};
    cr_assert_eq(compare_exact(&base, &head, &exact_defaults, out, &err), 0,
                 "%s", err.text);
}

static const double same[MARKS] = {1, 1, 1};

Test(exact_compare, students_distribution)
{
    // Tables of any book.
    static const struct {
        size_t df;
        double t, p;
    } known[] = {{1, 12.7062, 0.05},   {2, 4.30265, 0.05},
                 {3, 3.18245, 0.05},   {3, 12.9240, 0.001},
                 {4, 2.77645, 0.05},   {6, 5.95882, 0.001},
                 {7, 3.49948, 0.01},   {30, 2.04227, 0.05},
                 {120, 1.97993, 0.05}, {1000, 2.58075, 0.01}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        double p = stats_student_beyond(-known[i].t, known[i].df);
        cr_expect(fabs(p / known[i].p - 1) < 1e-4, "%zu: %g", i, p);
        double t = stats_student_quantile(known[i].p, known[i].df);
        cr_expect(fabs(t / known[i].t - 1) < 1e-4, "%zu: %g", i, t);
    }
    cr_expect_eq(stats_student_beyond(0, 5), 1);
    cr_expect_lt(stats_student_beyond(1e9, 3), 1e-12);
}

Test(exact_compare, equal_numbers_are_identical)
{
    struct sides s;
    struct mark_comparison c[MARKS];
    boots(&s, 4, 1, same);
    for (size_t i = 0; i < 4 * MARKS; i++)
        s.head[i] = s.base[i];
    // No boot reached the first one.
    for (size_t i = 0; i < 4; i++)
        s.base[i * MARKS] = s.head[i * MARKS] = NAN;
    judge(&s, c);
    cr_expect_eq(c[0].change, CHANGE_ABSENT);
    cr_expect_eq(c[1].change, CHANGE_IDENTICAL);
    cr_expect_eq(c[1].ratio, 1);
    cr_expect_eq(c[1].base_n, 4);
    cr_expect_str_eq(change_name(c[2].change), "identical");
    // One nanosecond is enough not to be.
    s.head[2] += 1;
    judge(&s, c);
    cr_expect_eq(c[1].change, CHANGE_IDENTICAL);
    cr_expect_eq(c[2].change, CHANGE_SAME);
    // So is a boot without the mark.
    s.head[2] -= 1;
    s.head[2 + MARKS] = NAN;
    judge(&s, c);
    cr_expect_neq(c[2].change, CHANGE_IDENTICAL);
    cr_expect_eq(c[2].head_n, 3);
}

Test(exact_compare, one_seed_is_too_few_unless_it_is_equal)
{
    struct sides s;
    struct mark_comparison c[MARKS];
    boots(&s, 1, 2, (const double[]){2, 2, 2});
    s.head[0] = s.base[0];
    judge(&s, c);
    cr_expect_eq(c[0].change, CHANGE_IDENTICAL);
    cr_expect_eq(c[1].change, CHANGE_TOO_FEW);
    cr_expect_eq(c[1].needed, 2);
}

// The same on all seeds: a spread of nothing is no reason not to see it, nor to
// call a few instructions a change.
Test(exact_compare, a_shift_without_a_spread)
{
    struct sides s;
    struct mark_comparison c[MARKS];
    for (size_t i = 0; i < 3 * MARKS; i++)
        s.base[i] = s.head[i] = 1e9;
    s.seeds = 3;
    for (size_t i = 0; i < 3; i++) {
        s.head[i * MARKS] = 1e9 + 12;
        s.head[i * MARKS + 1] = 1.001e9;
        s.head[i * MARKS + 2] = 0.999e9;
    }
    judge(&s, c);
    cr_expect_eq(c[0].change, CHANGE_SAME);
    cr_expect_eq(c[1].change, CHANGE_SLOWER);
    cr_expect_eq(c[2].change, CHANGE_FASTER);
    cr_expect_eq(c[2].dominance, -1);
}

Test(exact_compare, rates_of_alarms_and_of_findings)
{
    struct sides s;
    struct mark_comparison c[MARKS];
    unsigned alarms = 0, found = 0, early = 0, inside = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        boots(&s, 4, i, same);
        judge(&s, c);
        for (size_t m = 0; m < MARKS; m++)
            alarms += c[m].change != CHANGE_SAME;
        // A tenth of a per cent, at the end.
        boots(&s, 4, i, (const double[]){1, 1, 1.001});
        judge(&s, c);
        found += c[2].change == CHANGE_SLOWER;
        early += c[1].change != CHANGE_SAME;
        inside += c[2].low <= 1.001 && 1.001 <= c[2].high;
    }
    cr_expect_eq(alarms, 0, "%u", alarms);
    cr_expect_eq(early, 0, "%u", early);
    cr_expect_geq(found, 998, "%u", found);
    // The interval of the better one of two tests is a little too narrow.
    cr_expect_geq(inside, 900, "%u", inside);
}

// An image that is a few bytes longer moved all seeds alike, by 0.035 %.
Test(exact_compare, another_length_is_no_change)
{
    struct sides s;
    struct mark_comparison c[MARKS];
    boots(&s, 5, 3, (const double[]){0.99965, 0.99965, 1.00035});
    judge(&s, c);
    for (size_t m = 0; m < MARKS; m++) {
        cr_expect_eq(c[m].change, CHANGE_SAME);
        cr_expect_leq(c[m].p_adjusted, 0.01, "%g", c[m].p_adjusted);
    }
}

// Half a millisecond in the first tenths of a second is what a huge page costs.
Test(exact_compare, a_change_needs_a_millisecond)
{
    struct sides s;
    struct mark_comparison c[MARKS];
    boots(&s, 4, 6, same);
    for (size_t i = 0; i < 4; i++) {
        s.base[i * MARKS] = s.base[i * MARKS + 1] = 3e8 + (double)i * 1e4;
        s.head[i * MARKS] = s.base[i * MARKS] + 9e5;
        s.head[i * MARKS + 1] = s.base[i * MARKS + 1] - 1.1e6;
    }
    judge(&s, c);
    cr_expect_eq(c[0].change, CHANGE_SAME);
    cr_expect(c[0].detectable > 0.003 && c[0].detectable < 0.004);
    cr_expect_eq(c[1].change, CHANGE_FASTER);
}

Test(exact_compare, a_wide_spread_asks_for_more_seeds)
{
    struct sides s;
    struct mark_comparison c[MARKS];
    boots(&s, 4, 4, same);
    for (size_t i = 0; i < 4; i++)
        s.head[i * MARKS + 2] *= 1 + 0.004 * (double)i;
    judge(&s, c);
    cr_expect_eq(c[2].change, CHANGE_TOO_FEW);
    cr_expect_gt(c[2].needed, 4);
    cr_expect_gt(c[2].detectable, 0.001);
}

// Holm: with three marks the smallest p counts three times, the next twice.
Test(exact_compare, marks_share_alpha)
{
    struct sides s;
    struct mark_comparison c[MARKS];
    boots(&s, 4, 5, (const double[]){1, 1.0003, 1.001});
    judge(&s, c);
    cr_expect(fabs(c[2].p_adjusted / (3 * c[2].p) - 1) < 1e-9);
    cr_expect(c[1].p_adjusted >= 2 * c[1].p * 0.999999);
    cr_expect_geq(c[1].p_adjusted, c[2].p_adjusted);
    cr_expect_geq(c[0].p_adjusted, c[1].p_adjusted);
}

Test(exact_compare, shapes_are_checked)
{
    struct error err = {""};
    struct mark_comparison c[MARKS];
    const double v[MARKS * 2] = {0};
    const struct run_table two = {2, MARKS, v}, one = {1, MARKS, v},
                           less = {2, 1, v};
    cr_expect_eq(compare_exact(&two, &one, &exact_defaults, c, &err), -EINVAL);
    cr_expect_eq(compare_exact(&two, &less, &exact_defaults, c, &err), -EINVAL);
    struct compare_options o = exact_defaults;
    o.alpha = 0;
    cr_expect_eq(compare_exact(&two, &two, &o, c, &err), -EINVAL);
}
