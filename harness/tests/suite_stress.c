// SPDX-License-Identifier: Apache-2.0
// Rounds until a failure: when they end, and what is told of them.
#include "harness/suite/stress.h"
#include "harness/tests/suite_attempts_util.h"

TestSuite(stress, .init = attempts_begin, .fini = attempts_end);

// A round passes until fails_in (0: all do).
struct stress_rounds {
    unsigned count, fails_in;
    bool interrupted;
};

static int stress_round(void *owner, const struct plan *plan,
                        struct suite_run *out, struct error *err)
{
    struct stress_rounds *r = owner;
    cr_expect(plan->fail_fast);
    r->count++;
    if (r->count == r->fails_in)
        put_recording(RECORDINGS "timeout.tvr", plan->cases[0].replay);
    int code = suite_run(plan, 1, true, out, err);
    out->interrupted = r->interrupted;
    return code;
}

static struct stress_told stress(struct stress_rounds *r,
                                 const struct stress_limit *limit,
                                 const char *skip, struct suite_run *out)
{
    struct plan_case cases[2] = {{.name = "a"}, {.name = "b"}};
    for (size_t i = 0; i < 2; i++) {
        cases[i].path = RECORDINGS "secret.tc";
        cases[i].suite = "t";
        cases[i].replay = "b.tvr";
        cases[i].skip = skip;
    }
    struct plan plan = {.timeout_scale = 4,
                        .accelerator = "replay",
                        .quiet_passed = true,
                        .ncases = 2,
                        .cases = cases};
    const struct suite_policy policy = {.retries = 0};
    struct stress_told told;
    struct error err = {""};
    cr_assert_eq(
        suite_stress(&plan, &policy, limit, stress_round, r, out, &told, &err),
        0);
    cr_expect_eq(told.rounds, r->count);
    return told;
}

Test(stress, ends_after_its_rounds)
{
    const struct stress_limit limit = {.rounds = 3};
    struct stress_rounds r = {0};
    struct suite_run out;
    struct stress_told told = stress(&r, &limit, NULL, &out);
    cr_expect(told.rounds == 3 && told.cases == 6 && !told.failed);
    cr_expect_str_eq(result_property(&out.results[1], STRESS_ROUND), "3");
    suite_run_free(&out);
}

Test(stress, ends_with_the_first_failure)
{
    const struct stress_limit limit = {.rounds = 1000};
    struct stress_rounds r = {.fails_in = 2};
    struct suite_run out;
    struct stress_told told = stress(&r, &limit, NULL, &out);
    cr_expect(told.rounds == 2 && told.cases == 3 && told.failed);
    cr_expect_eq(out.results[0].verdict, VERDICT_FAILED);
    cr_expect_str_eq(result_property(&out.results[0], STRESS_ROUND), "2");
    cr_expect_eq(out.results[1].verdict, VERDICT_UNRUN);
    suite_run_free(&out);
}

// One round is run however short the time is; an interruption ends it, and so
// does a plan in which nothing runs.
Test(stress, ends_otherwise)
{
    const struct stress_limit instant = {.ns = 1}, hour = {.ns = UINT64_MAX};
    struct stress_rounds r = {0};
    struct suite_run out;
    cr_expect_eq(stress(&r, &instant, NULL, &out).rounds, 1);
    suite_run_free(&out);
    r = (struct stress_rounds){.interrupted = true};
    cr_expect_eq(stress(&r, &hour, NULL, &out).rounds, 1);
    suite_run_free(&out);
    r = (struct stress_rounds){0};
    cr_expect_eq(stress(&r, &hour, "why", &out).cases, 0);
    suite_run_free(&out);
}
