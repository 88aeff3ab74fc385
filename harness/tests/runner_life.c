// SPDX-License-Identifier: Apache-2.0
// The machine's life as a scenario sees it: resets that are expected and
// commanded, the boot after them.
#include "harness/tests/runner_machine.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static size_t marks(const struct result *r, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < r->nmarks; i++)
        n += !strcmp(r->marks[i].name, name);
    return n;
}

Test(life, an_expected_reset_starts_anew)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect /one/\nexpect reset\nexpect /two/\n", &r,
           {.event = STARTED}, {.after_ms = 10, .prints = "one\n"},
           {.after_ms = 10, .event = RESET}, {.event = STARTED},
           {.after_ms = 20, .prints = "two\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.restarts, 1);
    cr_expect_eq(m.stops, 0);
    static const char *const once[] = {"first_kvm_run", "first_byte",
                                       "boot2_first_kvm_run",
                                       "boot2_first_byte", "reset"};
    for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
        cr_expect_eq(marks(&r, once[i]), 1U, "%s", once[i]);
    result_free(&r);
}

// Each of several vCPUs has its share of a mark, with the boots before; of one
// vCPU that is the sum, and is not told again.
Test(life, marks_have_the_vcpus_shares)
{
    struct counted_machine m = {0};
    struct result r;
    counted_seam.vcpus = 2;
    RUN_ON(&m, "mark a\nexpect reset\nexpect /two/\nmark b\n", &r,
           {.event = STARTED}, {.after_ms = 10, .event = RESET},
           {.event = STARTED}, {.after_ms = 20, .prints = "two\n"});
    const struct result_mark *a = result_mark(&r, "a");
    const struct result_mark *b = result_mark(&r, "b");
    cr_assert(a && b && a->nvcpus == 2 && b->nvcpus == 2);
    cr_expect(a->vcpus[0].cpu_ns == 900 && a->vcpus[0].exits == 7);
    cr_expect(a->vcpus[1].cpu_ns == 100 && a->vcpus[1].exits == 3);
    cr_expect(b->vcpus[0].cpu_ns == 1800 && b->vcpus[1].exits == 6);
    result_free(&r);
    counted_seam.vcpus = 0;
    RUN_ON(&m, "mark a\n", &r, {.event = STARTED});
    a = result_mark(&r, "a");
    cr_expect(a && a->exits == 10 && a->nvcpus == 0);
    result_free(&r);
}

Test(life, nothing_boots_after_the_last_step)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect reset\nlog \"over\"\nmark x\ncheck mark x < 10s\n", &r,
           {.event = STARTED}, {.after_ms = 10, .event = RESET});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.restarts, 0);
    result_free(&r);
}

Test(life, a_branch_starts_anew_as_well)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect one {\n/one/ { }\nreset { expect /two/ }\n}\n", &r,
           {.after_ms = 10, .event = RESET}, {.event = STARTED},
           {.prints = "two\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.restarts, 1);
    result_free(&r);
}

// As on a PC, whose board resets a processor that shut down.
Test(life, a_triple_fault_starts_anew)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect triple-fault\nexpect /two/\n", &r,
           {.after_ms = 10, .event = TRIPLE}, {.prints = "two\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.restarts, 1);
    result_free(&r);
}

Test(life, a_power_off_stays_off)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect poweroff\nexpect /two/\n", &r,
           {.after_ms = 10, .event = POWEROFF}, {.prints = "two\n"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect(strstr(r.message, "the machine has ended"), "%s", r.message);
    cr_expect_eq(m.restarts, 0);
    result_free(&r);

    // ... until `reset` is pressed.
    m = (struct counted_machine){0};
    RUN_ON(&m, "expect poweroff\nreset\nexpect /two/\n", &r,
           {.after_ms = 10, .event = POWEROFF}, {.prints = "two\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.restarts, 1);
    cr_expect_eq(m.stops, 0);
    result_free(&r);
}

Test(life, poweroff_after_a_reset_boots_nothing)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect reset\npoweroff\n", &r,
           {.after_ms = 10, .event = RESET});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.restarts, 0);
    result_free(&r);

    RUN_ON(&m, "expect reset\npoweroff\nexpect /x/\n", &r,
           {.after_ms = 10, .event = RESET}, {.prints = "x"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_eq(m.restarts, 0);
    result_free(&r);
}

// What the old boot still said is read, recorded and gone.
Test(life, reset_acts_at_once)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect /one/\nreset\nexpect /^prompt$/\n", &r,
           {.event = STARTED}, {.prints = "one and \x1b[3"},
           {.prints = "an old prompt"}, {.event = STOPPED}, {.event = STARTED},
           {.after_ms = 5, .prints = "prompt"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.stops, 1);
    cr_expect_eq(m.restarts, 1);
    cr_expect_eq(marks(&r, "reset"), 1U);
    cr_expect(memmem(r.consoles[0].bytes, r.consoles[0].len, "an old prompt",
                     13) != NULL);
    result_free(&r);
}

Test(life, a_death_just_before_a_reset_is_no_secret)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect /one/\nreset\nexpect /two/\n", &r, {.prints = "one\n"},
           {.prints = "[    1.000000] Kernel panic - not syncing: x\n"},
           {.event = STOPPED}, {.prints = "two\n"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "panic");
    result_free(&r);

    m = (struct counted_machine){0};
    RUN_ON(&m, "expect /one/\nreset\nexpect /two/\n", &r, {.prints = "one\n"},
           {.event = TRIPLE}, {.prints = "two\n"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "triple-fault");
    cr_expect_eq(m.restarts, 0);
    result_free(&r);
}

Test(life, a_guest_that_resets_for_ever)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect reset\nlogin \"root\"\n", &r,
           {.after_ms = 5, .event = RESET}, {.event = STARTED},
           {.after_ms = 5, .event = RESET});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "reset");
    cr_expect_eq(m.restarts, 1);
    cr_expect_lt(r.duration_ns, NS_PER_S);
    result_free(&r);
}

// A loop of resets alone ends by the scenario's deadline.
Test(life, resets_are_bounded_by_the_deadline)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "timeout 10s\nrepeat 1000 {\nreset\nexpect idle 100ms\n}\n", &r,
           {.prints = ""});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "timeout");
    cr_expect_gt(m.restarts, 3);
    cr_expect_lt(m.restarts, 101);
    result_free(&r);
}

Test(life, a_machine_that_cannot_start_again)
{
    struct counted_machine m = {.restart_code = -ENOMEM};
    struct result r;
    RUN_ON(&m, "expect reset\nexpect /two/\n", &r, {.event = RESET});
    cr_expect_eq(r.verdict, VERDICT_ERROR);
    cr_expect_str_eq(r.kind, "machine");
    cr_expect(strstr(r.message, "no memory for a machine"), "%s", r.message);
    result_free(&r);
}

// All ports begin anew, and no shell listens any more.
Test(life, ports_begin_anew)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m,
           "login on ttyS1 \"root\"\nexpect reset\nexpect on ttyS1 /^new$/\n"
           "poweroff\n",
           &r, {.prints = "login: ", .port = 1},
           {.typed = "root\r", .prints = "root\r\n# ", .port = 1},
           {.after_ms = 100, .prints = "half a li", .port = 1},
           {.event = RESET}, {.prints = "new", .port = 1});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(m.stops, 1);
    cr_expect_not(strstr(fake_typed(), "poweroff"));
    result_free(&r);
}

Test(life, a_panic_counts_again_after_the_reset)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "expect panic\nexpect reset\nexpect /two/\n", &r,
           {.prints = "Kernel panic - not syncing: a\n"}, {.event = RESET},
           {.prints = "[    1.000000] Kernel panic - not syncing: b\n"},
           {.after_ms = 5000, .prints = "two\n"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "panic");
    result_free(&r);
}

Test(life, times_of_all_boots_add_up)
{
    struct counted_machine m = {0};
    struct result r;
    RUN_ON(&m, "mark a\nexpect reset\nexpect /two/\nmark b\n", &r,
           {.event = RESET}, {.prints = "two\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    uint64_t a = 0;
    uint64_t b = 0;
    for (size_t i = 0; i < r.nmarks; i++) {
        if (!strcmp(r.marks[i].name, "a"))
            a = r.marks[i].exits;
        if (!strcmp(r.marks[i].name, "b"))
            b = r.marks[i].exits;
    }
    cr_expect_eq(a, 10U);
    // 50 at the reset, and those since.
    cr_expect_eq(b, 60U);
    result_free(&r);
}

// A recording has no machine: its next boot follows its end.
Test(life, a_recording_goes_on)
{
    struct result r;
    RUN("expect /one/\nreset\nexpect /two/\nexpect reset\nexpect /three/\n", &r,
        {.prints = "one\n"}, {.after_ms = 30, .event = STOPPED},
        {.event = STARTED}, {.after_ms = 10, .prints = "two\n"},
        {.event = RESET}, {.event = STARTED}, {.prints = "three\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(marks(&r, "boot3_first_byte"), 1U);
    result_free(&r);
}
