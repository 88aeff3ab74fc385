// SPDX-License-Identifier: Apache-2.0
// The plan survives its way to the worker processes.
#include "harness/suite/plan.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

Test(plan, is_the_same_after_save_and_load)
{
    struct override sets[] = {{.name = "a", .value = ""},
                              {.name = "b", .value = "x=y\nz"}};
    struct override values[] = {{"k", "1 2"}, {"mode", ""}};
    struct plan_case cases[] = {
        {.path = "t/a.tc", .suite = "t", .name = "a"},
        {.path = "/b.tc",
         .suite = ".",
         .name = "b",
         .title = "B [k=1 2]",
         .nsets = 2,
         .sets = values,
         .machine = {.kernel = "k", .cmdline = "+ a b", .memory = 1 << 28},
         .number = 3,
         .warmup = true,
         .side = "head",
         .known = "it hangs",
         .known_where = "f:3",
         .known_expired = true,
         .timeout_ns = 7000000001,
         .attempts = 4},
    };
    struct plan p = {
        .nsets = 2,
        .sets = sets,
        .timeout_scale = 4,
        .accelerator = "rig",
        .show_console = true,
        .verbosity = 2,
        .fail_fast = true,
        .attempt = 2,
        .attempts = 3,
        .ncases = 2,
        .cases = cases,
    };
    char path[] = "/tmp/toyvmm-plan-XXXXXX";
    struct error err = {""};
    close(mkstemp(path));
    cr_assert_eq(plan_save(&p, path, &err), 0, "%s", err.text);
    struct plan q;
    cr_assert_eq(plan_load(&q, path, &err), 0, "%s", err.text);
    cr_expect_null(q.cases[0].machine.kernel);
    cr_expect(q.cases[0].number == 0 && !q.cases[0].warmup);
    cr_expect_null(q.cases[0].side);
    cr_expect_str_eq(q.cases[1].machine.kernel, "k");
    cr_expect_null(q.cases[1].machine.initrd);
    cr_expect_eq(q.cases[1].machine.memory, 1U << 28);
    cr_expect_str_eq(q.cases[1].machine.cmdline, "+ a b");
    cr_expect(q.cases[1].number == 3 && q.cases[1].warmup);
    cr_expect_str_eq(q.cases[1].side, "head");
    cr_expect(!q.cases[0].known && !q.cases[0].known_expired);
    cr_expect_str_eq(q.cases[1].known, "it hangs");
    cr_expect_str_eq(q.cases[1].known_where, "f:3");
    cr_expect(q.cases[1].known_expired);
    cr_expect(!q.cases[0].timeout_ns && !q.cases[0].attempts);
    cr_expect_eq(q.cases[1].timeout_ns, 7000000001);
    cr_expect(plan_attempts(&q, 0) == 3 && plan_attempts(&q, 1) == 4);
    cr_expect_eq(q.nsets, 2);
    cr_expect_str_eq(q.sets[0].value, "");
    cr_expect_str_eq(q.sets[1].value, "x=y\nz");
    cr_expect_eq(q.timeout_scale, 4.0);
    cr_expect(q.fail_fast && q.attempt == 2 && q.attempts == 3);
    cr_expect(q.show_console && !q.judge_marks);
    cr_expect_eq(q.ncases, 2);
    cr_expect_null(q.cases[0].title);
    cr_expect_eq(q.cases[0].nsets, 0);
    cr_expect_str_eq(q.cases[1].suite, ".");
    cr_expect_str_eq(q.cases[1].title, "B [k=1 2]");
    cr_assert_eq(q.cases[1].nsets, 2);
    cr_expect_str_eq(q.cases[1].sets[0].value, "1 2");
    cr_expect_str_eq(q.cases[1].sets[1].name, "mode");
    cr_expect_str_eq(q.cases[1].sets[1].value, "");
    cr_expect_eq(plan_find(&q, ".", "b"), 1);
    cr_expect_eq(plan_find(&q, "t", "b"), 2);
    plan_free(&q);
    // A plan that was cut off is refused.
    cr_assert_eq(truncate(path, 30), 0);
    cr_expect_eq(plan_load(&q, path, &err), -EINVAL);
    unlink(path);
}
