// SPDX-License-Identifier: Apache-2.0
// Cases that are run again: how often, which, and what becomes of the attempts
// before. Rounds are replays of recorded runs, whose recording is another one
// the second time.
#include "harness/suite/attempts.h"
#include "harness/suite/recording.h"
#include "harness/tests/suite_attempts_util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// What the rounds saw, and what they shall do.
struct rounds {
    unsigned count;
    size_t ncases[8];
    unsigned passes_from; // the round in which recordings are good; 0: never
    bool interrupted;     // in the second one
    int code;             // of the second one
};

static int run_round(void *owner, const struct plan *plan,
                     struct suite_run *out, struct error *err)
{
    struct rounds *r = owner;
    r->ncases[r->count++] = plan->ncases;
    for (size_t i = 0; i < plan->ncases; i++)
        if (r->count == r->passes_from)
            put_recording(RECORDINGS "secret.tvr", plan->cases[i].replay);
    if (r->count == 2 && r->code) {
        *out = (struct suite_run){0};
        return error_set(err, r->code, "no round");
    }
    int code = suite_run(plan, 1, true, out, err);
    out->interrupted = r->count == 2 && r->interrupted;
    return code;
}

TestSuite(attempts, .init = attempts_begin, .fini = attempts_end);

// The recording a.tvr does not do what the scenario wants, b.tvr does.
static int run_with(struct rounds *r, const struct suite_policy *policy,
                    struct suite_run *out)
{
    struct plan_case cases[] = {
        {.path = RECORDINGS "secret.tc",
         .suite = "t",
         .name = "a",
         .replay = "a.tvr"},
        {.path = RECORDINGS "secret.tc",
         .suite = "t",
         .name = "b",
         .replay = "b.tvr"},
        {.path = "/no/such.tc", .suite = "t", .name = "c", .replay = "a.tvr"},
    };
    struct plan plan = {.timeout_scale = 4,
                        .accelerator = "replay",
                        .ncases = 3,
                        .cases = cases};
    struct error err = {""};
    return suite_attempts(&plan, policy, run_round, r, out, &err);
}

static int run(struct rounds *r, unsigned retries, struct suite_run *out)
{
    const struct suite_policy policy = {.retries = retries};
    return run_with(r, &policy, out);
}

static void check_others(const struct suite_run *run)
{
    cr_assert_eq(run->count, 3);
    cr_expect_eq(run->results[1].verdict, VERDICT_PASSED);
    cr_expect_null(result_property(&run->results[1], "attempt"));
    cr_expect_eq(run->results[1].nattempts, 0);
    // That the scenario can't be read is no word on the guest.
    cr_expect_eq(run->results[2].verdict, VERDICT_ERROR);
    cr_expect_eq(run->results[2].nattempts, 0);
}

// A round in which no case passes.
static void fail_all(const struct plan *plan, struct suite_run *out)
{
    *out = (struct suite_run){.results =
                                  calloc(plan->ncases, sizeof(*out->results)),
                              .count = plan->ncases};
    cr_assert_not_null(out->results);
    for (size_t i = 0; i < plan->ncases; i++) {
        out->results[i].verdict = VERDICT_FAILED;
        result_set(&out->results[i].path, "%s", plan->cases[i].path);
    }
}

static int all_fail(void *owner, const struct plan *plan, struct suite_run *out,
                    struct error *err)
{
    struct rounds *r = owner;
    (void)err;
    r->count++;
    fail_all(plan, out);
    return 0;
}

// A deadline that is given from outside takes the place of the scenario's.
Test(attempts, a_deadline_of_its_own)
{
    struct plan_case one = {.path = RECORDINGS "timeout.tc",
                            .suite = "t",
                            .name = "a",
                            .replay = "a.tvr",
                            .timeout_ns = 4000000};
    const struct plan plan = {.timeout_scale = 1,
                              .accelerator = "replay",
                              .ncases = 1,
                              .cases = &one};
    struct suite_run out;
    struct error err = {""};
    cr_assert_eq(suite_run(&plan, 1, true, &out, &err), 0);
    cr_expect_eq(out.results[0].verdict, VERDICT_FAILED);
    cr_expect(strstr(out.results[0].message,
                     "the scenario's timeout of 16 ms passed"),
              "%s", out.results[0].message);
    suite_run_free(&out);
}

Test(attempts, without_retries_there_is_one)
{
    struct rounds r = {0};
    struct suite_run out;
    cr_assert_eq(run(&r, 0, &out), 0);
    cr_expect_eq(r.count, 1);
    cr_expect_eq(out.results[0].verdict, VERDICT_FAILED);
    cr_expect_null(result_property(&out.results[0], "attempt"));
    check_others(&out);
    suite_run_free(&out);
}

Test(attempts, one_that_passes_later_is_flaky)
{
    struct rounds r = {.passes_from = 3};
    struct suite_run out;
    cr_assert_eq(run(&r, 5, &out), 0);
    cr_assert_eq(r.count, 3);
    cr_expect(r.ncases[0] == 3 && r.ncases[1] == 1 && r.ncases[2] == 1);
    const struct result *a = &out.results[0];
    cr_expect_eq(a->verdict, VERDICT_FLAKY);
    cr_expect_null(a->message);
    cr_expect_str_eq(result_property(a, "attempt"), "3 of 6");
    cr_assert_eq(a->nattempts, 2);
    cr_expect_eq(a->attempts[0].verdict, VERDICT_FAILED);
    cr_expect_str_eq(result_property(&a->attempts[0], "attempt"), "1 of 6");
    cr_expect_not_null(a->attempts[1].message);
    // Its marks are of the attempt that counts.
    cr_expect_not_null(result_mark(a, "shell_prompt"));
    check_others(&out);
    suite_run_free(&out);
}

Test(attempts, one_that_never_passes_has_failed)
{
    struct rounds r = {0};
    struct suite_run out;
    cr_assert_eq(run(&r, 2, &out), 0);
    cr_expect_eq(r.count, 3);
    cr_expect_eq(out.results[0].verdict, VERDICT_FAILED);
    cr_expect_eq(out.results[0].nattempts, 2);
    check_others(&out);
    suite_run_free(&out);
}

Test(attempts, end_with_an_interruption)
{
    struct rounds r = {.interrupted = true};
    struct suite_run out;
    cr_assert_eq(run(&r, 5, &out), 0);
    cr_expect_eq(r.count, 2);
    cr_expect(out.interrupted);
    suite_run_free(&out);
}

// What was known stays known.
Test(attempts, end_with_a_round_that_can_not_begin)
{
    struct rounds r = {.code = -EIO};
    struct suite_run out;
    cr_assert_eq(run(&r, 5, &out), -EIO);
    cr_expect_eq(out.results[0].verdict, VERDICT_FAILED);
    cr_expect_not_null(out.results[0].message);
    check_others(&out);
    suite_run_free(&out);
}

// Two that fail: the plan says how often each one runs, whatever is usual.
Test(attempts, each_case_its_own_number)
{
    struct plan_case cases[] = {
        {.path = "a.tc", .suite = "t", .name = "a", .attempts = 1},
        {.path = "b.tc", .suite = "t", .name = "b", .attempts = 4},
        {.path = "c.tc", .suite = "t", .name = "c"},
    };
    for (unsigned retries = 0; retries < 3; retries++) {
        const struct plan plan = {.ncases = 3, .cases = cases};
        const struct suite_policy policy = {.retries = retries};
        struct rounds r = {0};
        struct suite_run out;
        struct error err = {""};
        cr_assert_eq(suite_attempts(&plan, &policy, all_fail, &r, &out, &err),
                     0);
        cr_expect_eq(r.count, 4);
        cr_expect_eq(out.results[0].nattempts, 0);
        cr_expect_eq(out.results[1].nattempts, 3);
        cr_expect_eq(out.results[2].nattempts, retries);
        suite_run_free(&out);
    }
}

// ---- --known-failures -------------------------------------------------------

// One case that fails and one that passes, of which something is known.
static void run_known(bool expired, struct suite_run *out)
{
    const char *path = RECORDINGS "secret.tc", *known = "it hangs (ann)";
    struct plan_case cases[] = {
        {.path = path, .suite = "t", .name = "a", .replay = "a.tvr"},
        {.path = path, .suite = "t", .name = "b", .replay = "b.tvr"},
        {.path = "/no/such.tc", .suite = "t", .name = "c", .replay = "a.tvr"},
    };
    for (size_t i = 0; i < 3; i++) {
        cases[i].known = known;
        cases[i].known_where = "known:7";
        cases[i].known_expired = expired;
    }
    struct plan plan = {.timeout_scale = 4,
                        .accelerator = "replay",
                        .ncases = 3,
                        .cases = cases};
    const struct suite_policy policy = {.retries = 1};
    struct rounds r = {0};
    struct error err = {""};
    cr_assert_eq(suite_attempts(&plan, &policy, run_round, &r, out, &err), 0);
    // What is known is not run again.
    cr_expect_eq(r.count, expired ? 2 : 1);
}

static const struct result_note *last_note(const struct result *r)
{
    return &r->notes[r->nnotes - 1];
}

Test(attempts, known_failures_fail_and_others_are_fixed)
{
    struct suite_run out;
    run_known(false, &out);
    const struct result *r = out.results;
    cr_expect_eq(r[0].verdict, VERDICT_KNOWN);
    cr_expect_not_null(r[0].message);
    cr_expect_str_eq(last_note(&r[0])->text, "a known failure: it hangs (ann)");
    cr_expect_str_eq(last_note(&r[0])->where, "known:7");
    cr_expect_eq(r[1].verdict, VERDICT_FIXED);
    cr_expect_str_eq(r[1].where, "known:7");
    cr_expect(strstr(r[1].message, "it hangs (ann); take the line out"));
    cr_expect_str_eq(result_property(&r[1], "known"), "it hangs (ann)");
    cr_expect_null(result_property(&r[1], "attempt"));
    // What can't be judged is nothing that was expected.
    cr_expect_eq(r[2].verdict, VERDICT_ERROR);
    suite_run_free(&out);
}

Test(attempts, what_is_expired_is_an_ordinary_failure)
{
    struct suite_run out;
    run_known(true, &out);
    const struct result *r = out.results;
    cr_expect_eq(r[0].verdict, VERDICT_FAILED);
    cr_expect_str_eq(last_note(&r[0])->text,
                     "this was a known failure and is expired: it hangs (ann)");
    cr_expect_eq(r[1].verdict, VERDICT_PASSED);
    cr_expect_str_eq(last_note(&r[1])->where, "known:7");
    suite_run_free(&out);
}

// ---- --fail-fast ------------------------------------------------------------

static void check_unrun(const struct result *r)
{
    cr_expect_eq(r->verdict, VERDICT_UNRUN);
    cr_expect_str_eq(r->suite, "t");
    cr_expect_not_null(strstr(r->message, "not run: "));
    cr_expect_eq(r->nattempts, 0);
}

Test(attempts, fail_fast_runs_nothing_after_a_failure)
{
    const struct suite_policy policy = {.retries = 1, .fail_fast = true};
    struct rounds r = {0};
    struct suite_run out;
    cr_assert_eq(run_with(&r, &policy, &out), 0);
    // It has its second attempt nevertheless.
    cr_expect(r.count == 2 && r.ncases[1] == 1);
    cr_expect_eq(out.results[0].verdict, VERDICT_FAILED);
    check_unrun(&out.results[1]);
    check_unrun(&out.results[2]);
    suite_run_free(&out);
}

Test(attempts, fail_fast_stops_at_a_flaky_one)
{
    const struct suite_policy policy = {.retries = 1, .fail_fast = true};
    struct rounds r = {.passes_from = 2};
    struct suite_run out;
    cr_assert_eq(run_with(&r, &policy, &out), 0);
    cr_expect_eq(r.count, 2);
    cr_expect_eq(out.results[0].verdict, VERDICT_FLAKY);
    check_unrun(&out.results[1]);
    suite_run_free(&out);
}

Test(attempts, fail_fast_goes_on_after_a_flaky_one_that_is_forgiven)
{
    const struct suite_policy policy = {
        .retries = 1, .fail_fast = true, .flaky_ok = true};
    struct rounds r = {.passes_from = 2};
    struct suite_run out;
    cr_assert_eq(run_with(&r, &policy, &out), 0);
    cr_expect(r.count == 3 && r.ncases[2] == 2);
    cr_expect_eq(out.results[0].verdict, VERDICT_FLAKY);
    check_others(&out);
    suite_run_free(&out);
}

// Two fail beside each other; each has its second attempt, whatever becomes of
// the other one's.
static int two_fail(void *owner, const struct plan *plan, struct suite_run *out,
                    struct error *err)
{
    unsigned *rounds = owner;
    (void)err;
    cr_expect_eq(plan->fail_fast, *rounds == 0);
    ++*rounds;
    fail_all(plan, out);
    return 0;
}

Test(attempts, fail_fast_stops_no_second_attempt)
{
    struct plan_case cases[] = {{.path = "a.tc", .suite = "t", .name = "a"},
                                {.path = "b.tc", .suite = "t", .name = "b"}};
    const struct plan plan = {.ncases = 2, .cases = cases};
    const struct suite_policy policy = {.retries = 1, .fail_fast = true};
    struct suite_run out;
    struct error err = {""};
    unsigned rounds = 0;
    cr_assert_eq(suite_attempts(&plan, &policy, two_fail, &rounds, &out, &err),
                 0);
    cr_expect_eq(rounds, 2);
    cr_expect_eq(out.results[0].nattempts, 1);
    cr_expect_eq(out.results[1].nattempts, 1);
    suite_run_free(&out);
}

// ---- Recordings -------------------------------------------------------------

static void touch(const char *name)
{
    FILE *f = fopen(name, "we");
    cr_assert_not_null(f);
    fclose(f);
}

Test(attempts, recordings_are_put_aside)
{
    static const char *const made[] = {
        "x.tvr", "x.tvr.cast", "x.tvr.hvc0.cast", "x.tvr.old", "x.tvrs", "y"};
    static const char *const wanted[] = {"x.attempt2.tvr",
                                         "x.attempt2.tvr.cast",
                                         "x.attempt2.tvr.hvc0.cast",
                                         "x.tvr.old",
                                         "x.tvrs",
                                         "y.attempt1"};
    for (size_t i = 0; i < 6; i++)
        touch(made[i]);
    case_recording_put_aside(NULL, 1);
    case_recording_put_aside("no/such.tvr", 1);
    case_recording_put_aside("./x.tvr", 2);
    case_recording_put_aside("y", 1);
    for (size_t i = 0; i < 6; i++)
        cr_expect_eq(access(wanted[i], F_OK), 0, "%s", wanted[i]);
    cr_expect_neq(access("x.tvr", F_OK), 0);
}
