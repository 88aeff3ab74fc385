// SPDX-License-Identifier: Apache-2.0
// Cases that are not run: no process is started for them, and they are in the
// results with their reason.
#include "harness/suite/suite.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct plan_case skipped[] = {
    {.path = "t/a.tc",
     .suite = "t",
     .name = "a[k=1]",
     .title = "A [k=1]",
     .nsets = 1,
     .sets = (struct override[]){{"k", "1"}},
     .skip = "needs net; there is none",
     .skip_where = "t/a.tc:3:7"},
    {.path = "t/b.tc", .suite = "t", .name = "b", .skip = "for a reason"},
};

static void check(const struct suite_run *run)
{
    const struct result *r = run->results;
    cr_assert_eq(run->count, 2);
    cr_expect_not(run->interrupted);
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(r[i].verdict, VERDICT_SKIPPED);
        cr_expect_str_eq(r[i].path, skipped[i].path);
        cr_expect_str_eq(r[i].suite, "t");
        cr_expect_str_eq(r[i].message, skipped[i].skip);
        cr_expect_null(r[i].guest);
        cr_expect_gt(r[i].started_unix_ns, 0U);
    }
    cr_expect_str_eq(r[0].title, "A [k=1]");
    cr_expect_str_eq(r[1].title, "b");
    cr_expect_str_eq(r[0].where, "t/a.tc:3:7");
    cr_expect_null(r[1].where);
    cr_assert_eq(r[0].nproperties, 1);
    cr_expect_str_eq(r[0].properties[0].name, "matrix.k");
    cr_expect_str_eq(r[0].properties[0].value, "1");
}

Test(skip, all_of_a_plan)
{
    struct plan plan = {.timeout_scale = 1, .ncases = 2, .cases = skipped};
    struct suite_run run;
    struct error err = {""};
    // No folder for it can be made: it needs none.
    setenv("TMPDIR", "/no/such", 1);
    for (int here = 0; here < 2; here++) {
        cr_assert_eq(suite_run(&plan, 1, here, &run, &err), 0, "%s", err.text);
        check(&run);
        suite_run_free(&run);
    }
}

// A case whose scenario can't be read has a result with its names, too.
Test(skip, beside_one_that_runs)
{
    struct plan_case cases[] = {
        skipped[1],
        {.path = "/no/such.tc",
         .suite = "t",
         .name = "c[k=2]",
         .title = "C [k=2]",
         .nsets = 1,
         .sets = (struct override[]){{"k", "2"}}},
    };
    struct plan plan = {.accelerator = "kvm", .ncases = 2, .cases = cases};
    struct suite_run run;
    struct error err = {""};
    cr_assert_eq(suite_run(&plan, 1, true, &run, &err), 0, "%s", err.text);
    cr_expect_eq(run.results[0].verdict, VERDICT_SKIPPED);
    cr_expect_eq(run.results[1].verdict, VERDICT_ERROR);
    cr_expect_str_eq(run.results[1].title, "C [k=2]");
    cr_expect_str_eq(run.results[1].kind, "scenario");
    cr_expect_str_eq(run.results[1].accelerator, "kvm");
    suite_run_free(&run);
}
