// SPDX-License-Identifier: Apache-2.0
// Cases of which fewer have room at a time: one class after the other.
#include "harness/suite/beside.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What the rounds saw: "3:ab " for two cases of which three may run at a time.
struct rounds {
    char seen[128];
    char fails;     // the case of this name
    char interrupt; // in the round of this one
};

static int run_round(void *owner, const struct plan *plan, unsigned jobs,
                     struct suite_run *out, struct error *err)
{
    struct rounds *r = owner;
    size_t len = strlen(r->seen);
    (void)err;
    *out = (struct suite_run){
        .results = calloc(plan->ncases + 1, sizeof(*out->results)),
        .count = plan->ncases};
    len += (size_t)snprintf(r->seen + len, sizeof(r->seen) - len, "%u:", jobs);
    for (size_t i = 0; i < plan->ncases; i++) {
        char name = *plan->cases[i].name;
        result_init(&out->results[i]);
        out->results[i].verdict =
            name == r->fails ? VERDICT_FAILED : VERDICT_PASSED;
        result_set(&out->results[i].title, "%c", name);
        out->interrupted |= name == r->interrupt;
        r->seen[len++] = name;
    }
    snprintf(r->seen + len, sizeof(r->seen) - len, " ");
    return 0;
}

static void run(struct rounds *r, bool fail_fast, struct suite_run *out)
{
    struct plan_case cases[] = {
        {.path = "a", .suite = "t", .name = "a", .beside = 1},
        {.path = "b", .suite = "t", .name = "b", .beside = 4},
        {.path = "c", .suite = "t", .name = "c", .beside = 2},
        {.path = "d", .suite = "t", .name = "d", .beside = 4},
        {.path = "e", .suite = "t", .name = "e", .beside = 1},
    };
    const struct plan plan = {
        .fail_fast = fail_fast, .ncases = 5, .cases = cases};
    struct error err = {""};
    cr_assert_eq(suite_by_room(&plan, 9, run_round, r, out, &err), 0);
    cr_assert_eq(out->count, 5);
}

Test(beside, one_class_after_the_other)
{
    struct rounds r = {.seen = ""};
    struct suite_run out;
    run(&r, false, &out);
    cr_expect_str_eq(r.seen, "4:bd 2:c 1:ae ");
    for (size_t i = 0; i < 5; i++) {
        cr_expect_eq(*out.results[i].title, "abcde"[i]);
        cr_expect_eq(out.results[i].verdict, VERDICT_PASSED);
    }
    suite_run_free(&out);
}

Test(beside, a_failure_and_fail_fast)
{
    struct rounds r = {.fails = 'c'};
    struct suite_run out;
    run(&r, true, &out);
    cr_expect_str_eq(r.seen, "4:bd 2:c ");
    cr_expect_eq(out.results[0].verdict, VERDICT_UNRUN);
    cr_expect_eq(out.results[2].verdict, VERDICT_FAILED);
    cr_expect_eq(out.results[4].verdict, VERDICT_UNRUN);
    suite_run_free(&out);
}

Test(beside, an_interruption)
{
    struct rounds r = {.interrupt = 'd'};
    struct suite_run out;
    run(&r, false, &out);
    cr_expect_str_eq(r.seen, "4:bd ");
    cr_expect(out.interrupted);
    cr_expect_eq(out.results[2].verdict, VERDICT_ERROR);
    cr_expect_str_eq(out.results[0].kind, "interrupted");
    suite_run_free(&out);
}

// Nobody knows of room: the jobs that were asked for.
Test(beside, one_class)
{
    struct plan_case cases[] = {
        {.path = "a", .suite = "t", .name = "a"},
        {.path = "b", .suite = "t", .name = "b"},
    };
    const struct plan plan = {.ncases = 2, .cases = cases};
    struct rounds r = {.seen = ""};
    struct suite_run out;
    struct error err = {""};
    cr_assert_eq(suite_by_room(&plan, 9, run_round, &r, &out, &err), 0);
    cr_expect_str_eq(r.seen, "9:ab ");
    suite_run_free(&out);
}
