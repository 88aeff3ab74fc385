// SPDX-License-Identifier: Apache-2.0
// What verdicts are as an exit code, to a CI and to a bisection.
#include "harness/cli/cli.h"
#include "harness/cli/exact_run.h"
#include "harness/cli/exit_of.h"

#include <criterion/criterion.h>

Test(exit_of, each_verdict_beside_one_that_passed)
{
    static const int wanted[VERDICTS][2] = {
        // to a CI, to a bisection
        [VERDICT_PASSED] = {EXIT_PASSED, EXIT_PASSED},
        [VERDICT_FAILED] = {EXIT_FAILED, EXIT_FAILED},
        [VERDICT_ERROR] = {EXIT_FAILED, EXIT_UNABLE},
        [VERDICT_SKIPPED] = {EXIT_PASSED, EXIT_PASSED},
        [VERDICT_FLAKY] = {EXIT_FAILED, EXIT_FAILED},
        [VERDICT_UNRUN] = {EXIT_FAILED, EXIT_PASSED},
        [VERDICT_KNOWN] = {EXIT_PASSED, EXIT_PASSED},
        [VERDICT_FIXED] = {EXIT_FAILED, EXIT_FAILED},
    };
    for (int v = 0; v < VERDICTS; v++) {
        struct result r[2] = {{.verdict = VERDICT_PASSED},
                              {.verdict = (enum verdict)v}};
        const struct suite_run run = {.results = r, .count = 2};
        for (int bisect = 0; bisect < 2; bisect++)
            cr_expect_eq(exit_of(&run, bisect, false), wanted[v][bisect],
                         "%s %d", verdict_name((enum verdict)v), bisect);
        if (v == VERDICT_FLAKY)
            cr_expect_eq(exit_of(&run, false, true), EXIT_PASSED);
    }
}

Test(exit_of, what_nothing_is_known_of)
{
    char kind[] = EXACT_UNJUDGED;
    struct result r[2] = {{.verdict = VERDICT_ERROR, .kind = kind},
                          {.verdict = VERDICT_SKIPPED}};
    const struct suite_run run = {.results = r, .count = 2};
    cr_expect_eq(exit_of(&run, false, false), EXIT_UNABLE);
    // What did not run because of it says nothing either.
    r[1].verdict = VERDICT_UNRUN;
    cr_expect_eq(exit_of(&run, false, false), EXIT_UNABLE);
    r[1].verdict = VERDICT_FAILED;
    cr_expect_eq(exit_of(&run, false, false), EXIT_FAILED);
    // To a bisection, nothing that ran is no word.
    r[1].verdict = VERDICT_SKIPPED;
    cr_expect_eq(exit_of(&run, true, false), EXIT_UNABLE);
}
