// SPDX-License-Identifier: Apache-2.0
// Searches among simulated images of which it is known since when they are
// slow.
#include "harness/history/bisect.h"

#include "harness/history/random.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>

struct images {
    struct random_source random;
    size_t first_slow;
    double factor, noise, drift, host;
    size_t unfit; // this one does not boot; 0: all do
    int broken;   // boot fails
};

static int boot(void *owner, size_t index, double *value, struct error *err)
{
    struct images *m = owner;
    if (m->broken)
        return error_set(err, m->broken, "no machine");
    if (m->unfit && index == m->unfit)
        return 0;
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += (double)(random_next(&m->random) >> 11) / 9007199254740992.0;
    bool outlier = random_below(&m->random, 20) == 0;
    m->host *= 1 + m->drift;
    *value = 2.5 * m->host * (1 + m->noise * (sum - 6)) * (outlier ? 1.3 : 1) *
             (index >= m->first_slow ? m->factor : 1);
    return 0;
}

static int boot_exactly(void *owner, size_t index, double *value,
                        struct error *err)
{
    (void)err;
    const struct images *m = owner;
    if (!m->unfit || index != m->unfit)
        *value = 2.63e9 * (index >= m->first_slow ? m->factor : 1);
    return 0;
}

static struct bisect_result search(struct images *m, size_t n)
{
    const struct bisect_boots boots = {.owner = m, .boot = boot};
    struct bisect_result r;
    struct error err = {""};
    m->host = 1;
    cr_assert_eq(bisect_search(n, &boots, &bisect_defaults, &r, &err), 0, "%s",
                 err.text);
    return r;
}

Test(bisect, finds_every_first_slow_one)
{
    for (size_t first = 1; first < 16; first++) {
        struct images m = {.random = {first},
                           .first_slow = first,
                           .factor = 1.06,
                           .noise = 0.01,
                           .drift = 0.0005};
        struct bisect_result r = search(&m, 16);
        cr_assert_eq(r.status, BISECT_FOUND, "%zu", first);
        cr_expect_eq(r.first_slow, first);
        cr_expect_eq(r.last_good, first - 1);
        cr_expect(fabs(r.ratio - 1.06) < 0.02, "%g", r.ratio);
        cr_expect_lt(r.boots, 300, "%zu", r.boots);
    }
}

Test(bisect, a_large_change_costs_few_boots)
{
    struct images m = {
        .random = {7}, .first_slow = 700, .factor = 1.5, .noise = 0.01};
    struct bisect_result r = search(&m, 1000);
    cr_assert_eq(r.status, BISECT_FOUND);
    cr_expect(r.narrowed);
    cr_expect_eq(r.first_slow, 700);
    // Eleven questions, none of which needs more than the second look.
    cr_expect_leq(r.boots, 11 * 2 * 12, "%zu", r.boots);
}

Test(bisect, nothing_slow_is_said)
{
    struct images m = {
        .random = {8}, .first_slow = 100, .factor = 1, .noise = 0.005};
    struct bisect_result r = search(&m, 16);
    cr_expect_eq(r.status, BISECT_SAME);
}

Test(bisect, noise_is_admitted)
{
    struct images m = {
        .random = {9}, .first_slow = 5, .factor = 1.03, .noise = 0.3};
    struct bisect_result r = search(&m, 16);
    cr_expect_eq(r.status, BISECT_UNSURE);
    // Nothing was shown, so nothing lies between.
    cr_expect_not(r.narrowed);
    cr_expect_leq(r.boots, 2 * 64);
}

Test(bisect, an_image_that_does_not_boot_is_passed_over)
{
    struct images m = {.random = {10},
                       .first_slow = 6,
                       .factor = 1.1,
                       .noise = 0.01,
                       .unfit = 7}; // the first to be asked for
    struct bisect_result r = search(&m, 15);
    cr_expect_eq(r.status, BISECT_FOUND);
    cr_expect_eq(r.first_slow, 6);
    m.unfit = 14;
    cr_expect_eq(search(&m, 15).status, BISECT_ABSENT);
    // Next to the border it stays open which of the two it was.
    m.unfit = 6;
    r = search(&m, 15);
    cr_expect_eq(r.status, BISECT_FOUND);
    cr_expect_eq(r.last_good, 5);
    cr_expect_eq(r.first_slow, 7);
}

Test(bisect, errors_end_it)
{
    struct images m = {.random = {11}, .broken = -ENODEV};
    const struct bisect_boots boots = {.owner = &m, .boot = boot};
    struct bisect_result r;
    struct error err = {""};
    cr_expect_eq(bisect_search(4, &boots, &bisect_defaults, &r, &err), -ENODEV);
    cr_expect_eq(bisect_search(1, &boots, &bisect_defaults, &r, &err), -EINVAL);
}

// In the exact rig one boot of each is all that is wanted.
Test(bisect, exact_boots_are_made_once)
{
    struct bisect_options o = bisect_defaults;
    o.exact = true;
    o.min_effect = 0.0005;
    for (size_t first = 1; first < 17; first++) {
        struct images m = {
            .first_slow = first, .factor = 1.001, .host = 1, .unfit = 5};
        const struct bisect_boots boots = {.owner = &m, .boot = boot_exactly};
        struct bisect_result r;
        struct error err = {""};
        cr_assert_eq(bisect_search(17, &boots, &o, &r, &err), 0, "%s",
                     err.text);
        bool slow = first < 17;
        cr_assert_eq(r.status, slow ? BISECT_FOUND : BISECT_SAME);
        cr_expect(r.first_slow == first || (first == 5 && r.first_slow == 6),
                  "%zu: %zu", first, r.first_slow);
        cr_expect_leq(r.boots, 2 + 5, "%zu", r.boots);
        cr_expect(fabs(r.ratio - 1.001) < 1e-9);
    }
    struct images even = {.first_slow = 1, .factor = 1.0004};
    const struct bisect_boots boots = {.owner = &even, .boot = boot_exactly};
    struct bisect_result r;
    struct error err = {""};
    cr_assert_eq(bisect_search(9, &boots, &o, &r, &err), 0);
    cr_expect_eq(r.status, BISECT_SAME);
    cr_expect_eq(r.boots, 2);
    even.unfit = 8;
    cr_assert_eq(bisect_search(9, &boots, &o, &r, &err), 0);
    cr_expect_eq(r.status, BISECT_ABSENT);
}
