// SPDX-License-Identifier: Apache-2.0
// Comparisons of simulated boots: what changed is seen, what did not is not,
// whatever outliers, a drifting host and missing marks do.
#include "harness/history/compare.h"

#include "harness/history/random.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#define MARKS 4
#define RUNS  40

struct pair {
    double base[RUNS * MARKS], head[RUNS * MARKS];
    size_t runs;
};

static double noise(struct random_source *r)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)(random_next(r) >> 11) / 9007199254740992.0;
    return sum - 6; // near enough to normal
}

// Boots of 1 s with 1 % of noise that the marks share; mark m of head takes
// factor[m] as long. drift: the host slows down by so much with each boot.
static void boots(struct pair *p, size_t runs, uint64_t seed,
                  const double *factor, double drift)
{
    struct random_source r = {seed};
    p->runs = runs;
    double host = 1;
    for (size_t i = 0; i < 2 * runs; i++) {
        // base head head base: neither side is always the later one.
        bool head = (i + 1) / 2 % 2;
        double *row = (head ? p->head : p->base) + i / 2 * MARKS;
        double shared = host * (1 + 0.01 * noise(&r));
        for (size_t m = 0; m < MARKS; m++)
            row[m] = (double)(m + 1) / MARKS * shared *
                     (1 + 0.003 * noise(&r)) * (head ? factor[m] : 1);
        host *= 1 + drift;
    }
}

static void compare(const struct pair *p, bool interleaved,
                    struct mark_comparison out[MARKS])
{
    struct error err = {""};
    struct compare_options o = compare_defaults;
    o.interleaved = interleaved;
    o.shuffles = 4000;
    const struct run_table base = {p->runs, MARKS, p->base};
    const struct run_table head = {p->runs, MARKS, p->head};
    cr_assert_eq(compare_runs(&base, &head, &o, out, &err), 0, "%s", err.text);
}

static const double same[MARKS] = {1, 1, 1, 1};

Test(compare, a_slower_mark_is_found_and_only_it)
{
    static struct pair p;
    struct mark_comparison c[MARKS];
    boots(&p, 20, 1, (const double[]){1, 1, 1, 1.05}, 0);
    for (int interleaved = 0; interleaved < 2; interleaved++) {
        compare(&p, interleaved, c);
        cr_expect_eq(c[3].change, CHANGE_SLOWER);
        cr_expect(c[3].ratio > 1.04 && c[3].ratio < 1.06, "%g", c[3].ratio);
        cr_expect(c[3].low < 1.05 && 1.05 < c[3].high);
        cr_expect_leq(c[3].p_adjusted, 0.01);
        cr_expect_geq(c[3].p_adjusted, c[3].p);
        cr_expect_gt(c[3].dominance, 0.9);
        for (int m = 0; m < 3; m++) {
            cr_expect_eq(c[m].change, CHANGE_SAME, "%s",
                         change_name(c[m].change));
            cr_expect_leq(c[m].detectable, 0.05);
        }
    }
}

Test(compare, a_faster_mark_is_its_mirror)
{
    static struct pair p;
    struct mark_comparison c[MARKS];
    boots(&p, 20, 2, (const double[]){1, 0.9, 1, 1}, 0);
    compare(&p, true, c);
    cr_expect_eq(c[1].change, CHANGE_FASTER);
    cr_expect_lt(c[1].ratio, 0.92);
    cr_expect_lt(c[1].dominance, -0.9);
}

Test(compare, equal_boots_raise_no_alarm)
{
    static struct pair p;
    unsigned alarms = 0;
    for (uint64_t seed = 0; seed < 150; seed++) {
        struct mark_comparison c[MARKS];
        boots(&p, 12, 1000 + seed, same, 0.002);
        compare(&p, true, c);
        for (int m = 0; m < MARKS; m++)
            alarms +=
                c[m].change == CHANGE_SLOWER || c[m].change == CHANGE_FASTER;
    }
    // 1 % of 150 is 1.5; the seeds are fixed, so this can't flake.
    cr_expect_leq(alarms, 3);
}

Test(compare, a_drifting_host_is_no_change_when_interleaved)
{
    static struct pair p;
    struct mark_comparison c[MARKS];
    boots(&p, 20, 3, same, 0.01); // a third slower in the end
    compare(&p, true, c);
    for (int m = 0; m < MARKS; m++)
        cr_expect_neq(c[m].change, CHANGE_SLOWER);
    // The change is still seen behind the drift.
    boots(&p, 40, 4, (const double[]){1, 1, 1.1, 1}, 0.01);
    compare(&p, true, c);
    cr_expect_eq(c[2].change, CHANGE_SLOWER);
    // And is not blurred by it, although the host became twice as slow.
    cr_expect(c[2].low > 1.08 && c[2].high < 1.12, "%g to %g", c[2].low,
              c[2].high);
}

Test(compare, outliers_decide_nothing)
{
    static struct pair p;
    struct mark_comparison c[MARKS];
    boots(&p, 20, 5, same, 0);
    for (int m = 0; m < MARKS; m++) {
        p.head[3 * MARKS + m] *= 40;
        p.head[11 * MARKS + m] *= 3;
    }
    compare(&p, true, c);
    for (int m = 0; m < MARKS; m++)
        cr_expect_eq(c[m].change, CHANGE_SAME);
}

Test(compare, too_few_runs_say_how_many)
{
    static struct pair p;
    struct mark_comparison c[MARKS];
    boots(&p, 4, 6, (const double[]){1, 1, 1, 1.3}, 0);
    compare(&p, false, c);
    cr_expect_eq(c[3].change, CHANGE_TOO_FEW,
                 "no arrangement of 4 and 4 is rare enough for 4 marks");
    cr_expect_gt(c[3].needed, 4);
    cr_expect_lt(c[3].needed, 100);
}

Test(compare, a_mark_that_some_runs_lack)
{
    static struct pair p;
    struct mark_comparison c[MARKS];
    boots(&p, 20, 7, (const double[]){1, 1.2, 1, 1}, 0);
    for (size_t i = 0; i < 20; i += 3)
        p.base[i * MARKS + 1] = NAN;
    for (size_t i = 0; i < 20; i++)
        p.head[i * MARKS + 2] = 0;
    compare(&p, true, c);
    cr_expect_eq(c[1].base_n, 13);
    cr_expect_eq(c[1].head_n, 20);
    cr_expect_eq(c[1].change, CHANGE_SLOWER);
    cr_expect_eq(c[2].change, CHANGE_ABSENT);
}

Test(compare, marks_that_never_vary)
{
    struct pair p = {.runs = 15};
    struct mark_comparison c[MARKS];
    for (size_t i = 0; i < sizeof(p.base) / sizeof(p.base[0]); i++)
        p.base[i] = p.head[i] = 3;
    compare(&p, true, c);
    cr_expect_eq(c[0].change, CHANGE_SAME);
    cr_expect(c[0].p > 0.99);
    cr_expect(fabs(c[0].ratio - 1) < 1e-12);
    cr_expect(fabs(c[0].detectable) < 1e-12);
}

Test(compare, a_second_look_says_the_same)
{
    static struct pair p;
    struct mark_comparison a[MARKS], b[MARKS];
    boots(&p, 20, 8, (const double[]){1, 1, 1.03, 1}, 0);
    compare(&p, true, a);
    compare(&p, true, b);
    for (int m = 0; m < MARKS; m++) {
        cr_expect(!(a[m].p < b[m].p) && !(a[m].p > b[m].p));
        cr_expect_eq(a[m].needed, b[m].needed);
    }
}

Test(compare, what_makes_no_sense_is_refused)
{
    struct error err = {""};
    const double v[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const struct run_table four = {4, 2, v}, two = {2, 2, v}, none = {0, 2, v};
    const struct run_table wide = {2, 4, v};
    struct mark_comparison c[4];
    struct compare_options o = compare_defaults;
    cr_expect_eq(compare_runs(&four, &wide, &o, c, &err), -EINVAL);
    cr_expect_eq(compare_runs(&four, &none, &o, c, &err), -EINVAL);
    o.interleaved = true;
    cr_expect_eq(compare_runs(&four, &two, &o, c, &err), -EINVAL);
    o = compare_defaults;
    o.target = 0.01;
    cr_expect_eq(compare_runs(&four, &two, &o, c, &err), -EINVAL);
    cr_expect(*err.text);
}
