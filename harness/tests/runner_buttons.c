// SPDX-License-Identifier: Apache-2.0
// The machine's buttons, NMI and power, and ends that nobody expects.
#include "harness/tests/runner_machine.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(life, nmi_presses_the_button)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "nmi\nexpect /Uhhuh/\nnmi\n", &r,
           {.prints = "Uhhuh. NMI received for unknown reason 20\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.nmis, 2);
    result_free(&r);
}

Test(life, nmi_that_does_not_get_through)
{
    struct counted_machine m = {.nmi_code = -EBUSY};
    struct result r;
    RUN_ON(&m, "nmi\n", &r, {.prints = "x"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "nmi");
    cr_expect(strstr(r.message, "LINT1"), "%s", r.message);
    result_free(&r);

    // The end of the machine was not read yet: that is the reason.
    m.nmi_code = -ESRCH;
    RUN_ON(&m, "expect /x/\nnmi\n", &r, {.prints = "x"}, {.event = POWEROFF});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "poweroff");
    result_free(&r);
}

Test(life, power_button_is_pressed_and_the_run_goes_on)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "power button\nexpect poweroff\n", &r, {.prints = "x"},
           {.event = POWEROFF});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.powers, 1);
    result_free(&r);
    m.power_code = -EBUSY;
    RUN_ON(&m, "power button\n", &r, {.prints = "x"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "power-button");
    cr_expect(strstr(r.message, "nobody listens"), "%s", r.message);
    result_free(&r);
}

// A guest that listens is asked by its button; nothing is typed, and it is not
// ended by force.
Test(life, poweroff_presses_the_button_first)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "poweroff\n", &r, {.prints = "x"},
           {.after_ms = 100, .event = POWEROFF});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect(m.powers == 1 && m.stops == 0);
    cr_expect_str_eq(fake_typed(), "");
    result_free(&r);
    // Its kernel listens and nobody else: it is ended as ever.
    m = (struct counted_machine){0};
    RUN_ON(&m, "poweroff\n", &r, {.prints = "x"}, {.after_ms = 60000});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect(m.powers == 1 && m.stops == 1);
    result_free(&r);
    // Nobody listens: no time is lost.
    m = (struct counted_machine){.power_code = -EBUSY};
    RUN_ON(&m, "poweroff\n", &r, {.prints = "x"});
    cr_expect(m.powers == 1 && m.stops == 1);
    result_free(&r);
}

// Every end that nobody expects ends a wait at once, by its name.
Test(life, unexpected_ends_have_names)
{
    static const struct {
        int event;
        const char *kind;
        enum verdict verdict;
    } ends[] = {
        {RESET, "reset", VERDICT_FAILED},
        {POWEROFF, "poweroff", VERDICT_FAILED},
        {EVENT(TOYVMM_EVENT_HALT), "halt", VERDICT_FAILED},
        {TRIPLE, "triple-fault", VERDICT_FAILED},
        {EVENT(TOYVMM_EVENT_INTERNAL_ERROR), "internal-error", VERDICT_ERROR},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct result r;
        RUN("expect /never/ within 30s\n", &r,
            {.after_ms = 10, .event = ends[i].event});
        cr_expect_eq(r.verdict, ends[i].verdict);
        cr_expect_str_eq(r.kind ? r.kind : "passed", ends[i].kind);
        cr_expect_lt(r.duration_ns, NS_PER_S);
        result_free(&r);
    }
}
