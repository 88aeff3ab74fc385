// SPDX-License-Identifier: Apache-2.0
// The `ktap` statement: when it ends, what it leaves, and its verdicts.
#include "harness/tests/runner_fake.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOOD "TAP version 13\n1..2\nok 1 a\nok 2 b # SKIP why\n"

static size_t count(const struct result *r, enum verdict v)
{
    return result_count_tests(r, v);
}

Test(ktap_step, collects_the_tests)
{
    struct result r;
    RUN("ktap\n", &r, {.prints = "noise\n" GOOD});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_assert_eq(r.ntests, 2);
    cr_expect_str_eq(r.tests[0].name, "a");
    cr_expect_eq(r.tests[1].verdict, VERDICT_SKIPPED);
    cr_expect_str_eq(r.tests[1].message, "why");
    result_free(&r);
}

Test(ktap_step, ends_with_the_plan_and_leaves_the_rest)
{
    struct result r;
    RUN("ktap within 20s\nexpect /^after$/m within 1s\nexpect /login: /\n", &r,
        {.prints = GOOD "# trailing\n"}, {.prints = "after\nlogin: "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_lt(r.duration_ns, NS_PER_S);
    result_free(&r);
}

Test(ktap_step, begins_after_the_last_match)
{
    struct result r;
    RUN("expect /go\\n/\nktap\n", &r,
        {.prints = "TAP version 13\n1..1\nnot ok 1 old\ngo\n" GOOD});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 2);
    result_free(&r);
}

Test(ktap_step, a_failed_test_fails_the_scenario)
{
    struct result r;
    RUN("ktap\nlog \"never\"\n", &r,
        {.prints = "KTAP version 1\n1..6\nok 1 a\nnot ok 2 b\nnot ok 3 c\n"
                   "not ok 4 d\nnot ok 5 e\nok 6 f\n"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "ktap");
    cr_expect_str_eq(r.message, "4 of 6 kernel tests failed: b, c, d and 1 "
                                "more");
    cr_expect_not_null(result_section(&r, "step"));
    cr_expect_not_null(result_section(&r, "console"));
    cr_expect_eq(r.nnotes, 0);
    result_free(&r);
}

// Diagnostics and results behind the plan's last test belong to it, unless they
// come later.
Test(ktap_step, waits_for_what_follows_the_last_test)
{
    struct result r;
    RUN("ktap\n", &r, {.prints = "TAP version 13\n1..1\nok 1 a\n"},
        {.after_ms = 60, .prints = "not ok 2 b\n# about b\n"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_eq(count(&r, VERDICT_FAILED), 1);
    cr_expect_str_eq(r.tests[1].details, "about b\n");
    result_free(&r);

    RUN("ktap\n", &r, {.prints = "TAP version 13\n1..1\nok 1 a\n"},
        {.after_ms = 200, .prints = "not ok 2 b\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED);
    result_free(&r);
}

Test(ktap_step, two_documents_are_two_steps)
{
    struct result r;
    RUN("ktap\nktap\nktap\n", &r, {.prints = GOOD GOOD}, {.prints = GOOD});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_assert_eq(r.ntests, 6);
    cr_expect_str_eq(r.tests[2].name, "a (2)");
    cr_expect_str_eq(r.tests[4].name, "a (3)");
    result_free(&r);
}

// ---- Without a plan ---------------------------------------------------------

Test(ktap_step, silence_ends_what_has_no_plan)
{
    struct result r;
    RUN("ktap within 20s\n", &r, {.prints = "TAP version 13\nok 1 a\n"},
        {.after_ms = 1500, .prints = "ok 2 b\n"},
        {.after_ms = 2500, .prints = "ok 3 c\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 2);
    result_free(&r);
}

#define SUITE(name, number)                                                    \
    "[    3.100000]     # Subtest: " name "\n[    3.100001]     1..1\n"        \
    "[    3.100002]     ok 1 - a\n[    3.100003] ok " number " - " name "\n"

// KUnit's modules before 6.6: the suites are all there is.
Test(ktap_step, suites_without_a_document_end_in_silence)
{
    struct result r;
    RUN("ktap within 20s\nexpect /login: /\n", &r, {.prints = SUITE("s", "1")},
        {.after_ms = 1500, .prints = "Stopping network: OK\n" SUITE("t", "2")},
        {.after_ms = 2500, .prints = "login: "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 2);
    result_free(&r);
}

// Its tests are all there, its own result takes its time.
Test(ktap_step, a_suite_is_waited_for)
{
    struct result r;
    RUN("ktap within 20s\n", &r,
        {.prints = "[    3.100000]     # Subtest: s\n[    3.100001]     1..1\n"
                   "[    3.100002]     ok 1 - a\n"},
        {.after_ms = 5000, .prints = "[    8.100000] not ok 1 - s\n"});
    cr_expect_str_eq(r.message, "1 of 2 kernel tests failed: s");
    result_free(&r);
}

// What had seemed to be all was a subtest: no deadline has passed.
Test(ktap_step, what_follows_may_show_that_more_must_come)
{
    struct result r;
    RUN("ktap within 20s\n", &r,
        {.prints = "    1..1\n    ok 1 a\nok 1 s\nelse\n"},
        {.after_ms = 1000, .prints = "ok 2 t\n1..2\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 2);
    result_free(&r);

    RUN("ktap within 3s\n", &r,
        {.prints = "    1..1\n    ok 1 a\nok 1 s\nelse\n"});
    cr_expect_str_eq(r.message,
                     "the end of the kernel tests did not come within 3 s");
    result_free(&r);
}

Test(ktap_step, a_power_off_ends_what_has_no_plan)
{
    struct result r;
    RUN("ktap\nexpect poweroff\n", &r,
        {.prints = "TAP version 13\nok 1 a\nok 2 b"},
        {.event = EVENT(TOYVMM_EVENT_POWEROFF)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 2);
    result_free(&r);
}

Test(ktap_step, noise_does_not_hold_it_up_for_ever)
{
    struct fake_options o = {.scale = 1, .noise = "noise\n", .noise_ms = 100};
    const struct script_line script[] = {
        {.prints = "TAP version 13\nok 1 a\n"}};
    struct result r;
    fake_run("ktap within 5s\n", script, 1, &o, &r);
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 1);
    result_free(&r);
}

// ---- When it does not end ---------------------------------------------------

Test(ktap_step, no_output_is_a_failure)
{
    struct result r;
    RUN("ktap within 3s\n", &r, {.prints = "a kernel without tests\n"});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "timeout");
    cr_expect_str_eq(r.message, "kernel TAP output did not come within 3 s");
    cr_expect(strstr(result_section(&r, "console"), "without tests"));
    cr_expect_eq(r.ntests, 0);
    result_free(&r);
}

Test(ktap_step, a_test_that_hangs_is_named)
{
    struct result r;
    RUN("ktap within 3s\n", &r,
        {.prints = "KTAP version 1\n1..2\n    # Subtest: s\n    1..2\n"
                   "    ok 1 fine\n    # test_hang: initializing\n"});
    cr_expect_str_eq(r.kind, "timeout");
    cr_expect_str_eq(r.message,
                     "the end of the kernel tests did not come within 3 s");
    cr_assert_geq(r.ntests, 2);
    cr_expect_str_eq(r.tests[0].name, "s/fine");
    cr_expect_str_eq(r.tests[1].name, "s/test_hang");
    cr_expect_str_eq(r.tests[1].message, "it ran when the time was over");
    cr_expect_eq(r.tests[1].verdict, VERDICT_ERROR);
    result_free(&r);
}

Test(ktap_step, a_panic_names_the_test_that_ran)
{
    struct result r;
    RUN("ktap within 9s\n", &r,
        {.prints = "[    1.000000] KTAP version 1\n[    1.000000] 1..2\n"
                   "[    1.000000] ok 1 a\n"
                   "[    1.000000] # test_b: initializing\n"},
        {.after_ms = 100,
         .prints = "[    1.100000] Kernel panic - not syncing: b\n"},
        {.event = EVENT(TOYVMM_EVENT_RESET)});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "panic");
    cr_assert_geq(r.ntests, 2);
    cr_expect_str_eq(r.tests[1].name, "test_b");
    cr_expect(strstr(r.tests[1].message, "it ran when this came: "), "%s",
              r.tests[1].message);
    cr_expect(strstr(r.tests[1].message, r.message));
    result_free(&r);
}

Test(ktap_step, the_end_of_the_machine_names_the_test_that_ran)
{
    struct result r;
    RUN("ktap within 9s\n", &r,
        {.prints = "TAP version 13\n1..3\nok 1 a\nok 2 b"},
        {.event = EVENT(TOYVMM_EVENT_TRIPLE_FAULT)});
    cr_expect_str_eq(r.kind, "triple-fault");
    cr_assert_geq(r.ntests, 3);
    cr_expect_str_eq(r.tests[1].name, "b", "the unfinished line counts");
    cr_expect_str_eq(r.tests[2].name, "test 3");
    cr_expect_str_eq(r.tests[2].message, "it ran when the machine ended");
    result_free(&r);
}

Test(ktap_step, the_scenarios_own_deadline_holds)
{
    struct result r;
    RUN("timeout 2s\nktap within 9s\n", &r,
        {.prints = "TAP version 13\n1..3\n"
                   "ok 1 a\n"});
    cr_expect_str_eq(r.kind, "timeout");
    cr_expect(strstr(r.message, "the scenario's timeout of 2 s"), "%s",
              r.message);
    cr_expect_eq(count(&r, VERDICT_PASSED), 1);
    cr_expect_eq(count(&r, VERDICT_ERROR), 2);
    result_free(&r);
}

// A panic behind the last test is for the next step.
Test(ktap_step, an_expected_panic_may_follow)
{
    struct result r;
    RUN("ktap\nexpect panic\n", &r,
        {.prints = "[    1.000000] KTAP version 1\n[    1.000000] 1..1\n"
                   "[    1.000000] ok 1 a\n"
                   "[    1.000000] Kernel panic - not syncing: VFS: Unable to "
                   "mount root fs on unknown-block(0,0)\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 1);
    result_free(&r);
}

// ---- The kernel's log, printed ----------------------------------------------

// A program prints old messages while tests are read: they are its text.
Test(ktap_step, an_old_log_within_live_tests_is_text)
{
    struct result r;
    RUN("ktap\n", &r,
        {.prints = "[    0.000000] Linux version 6.1\r\n"
                   "[    0.000100] KTAP version 1\r\n[    0.000200] 1..2\r\n"
                   "[    0.000300] ok 1 a\r\n"},
        {.after_ms = 2000, .prints = "[    2.000000] loaded\r\nsh# dmesg\r\n"},
        {.after_ms = 10,
         .prints = "[    0.000100] KTAP version 1\r\n[    0.000200] 1..2\r\n"
                   "[    0.000300] ok 1 a\r\n[    1.000000] not ok 2 old\r\n"},
        {.after_ms = 490, .prints = "[    2.500000] ok 2 b\r\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_assert_eq(r.ntests, 2);
    cr_expect_str_eq(r.tests[1].name, "b");
    result_free(&r);
}

Test(ktap_step, an_old_log_within_a_programs_tests_is_text)
{
    struct result r;
    RUN("expect /sh# $/\nktap\n", &r,
        {.prints = "[    0.000000] Linux version 6.1\r\n"},
        {.after_ms = 2000, .prints = "[    2.000000] up\r\nsh# "},
        {.after_ms = 1000,
         .prints = "\r\nTAP version 13\r\n1..2\r\nok 1 a\r\n"
                   "[    0.500000] KTAP version 1\r\n"
                   "<6>[    0.600000] 1..1\r\n"
                   "Jan  1 h kernel: [    0.700000] not ok 1 old\r\n"
                   "[    0.700000] not ok 1 old\r\nok 2 b\r\n"
                   "[    0.800000] # old\r\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 2);
    result_free(&r);
}

// Where no other tests are, the log is what is to be read.
Test(ktap_step, a_log_by_itself_is_read)
{
    struct result r;
    RUN("expect /sh# $/\nktap\n", &r,
        {.prints = "[    0.000000] Linux version 6.1\r\n"},
        {.after_ms = 2000, .prints = "[    2.000000] up\r\nsh# "},
        {.after_ms = 1000,
         .prints = "dmesg\r\n[    0.500000] KTAP version 1\r\n"
                   "[    0.600000] 1..2\r\n[    0.700000] not ok 1 a\r\n"
                   "[    0.800000] ok 2 b\r\n"});
    cr_expect_str_eq(r.message ? r.message : "",
                     "1 of 2 kernel tests failed: a");
    cr_expect_eq(r.ntests, 2);
    result_free(&r);
}

// ---- Pieces -----------------------------------------------------------------

// However the bytes are cut, and whatever escapes are in them.
Test(ktap_step, every_split_gives_the_same)
{
    static const char text[] =
        "# \x1b[6nrun\r\r\nTAP version 13\r\n1..3\r\n\x1b[32mok\x1b[0m 1 - "
        "a\r\n"
        "not [    1.000000] x\r\nok 2 - \xc3\xa4\xff\r\n  ---\r\n  a: b\r\n"
        "  ...\r\nok 3 # SKIP c\r\n# end\r\n";
    for (size_t at = 0; at < sizeof(text); at++) {
        char first[sizeof(text)];
        snprintf(first, sizeof(first), "%.*s", (int)at, text);
        struct result r;
        RUN("ktap\n", &r, {.prints = first},
            {.after_ms = 10, .prints = text + at});
        cr_expect_str_eq(r.message, "1 of 3 kernel tests failed: "
                                    "\xc3\xa4\xef\xbf\xbd");
        cr_assert_eq(r.ntests, 3);
        cr_expect_str_eq(r.tests[1].details, "a: b\n");
        cr_expect_str_eq(r.tests[2].name, "c");
        result_free(&r);
    }
}

Test(ktap_step, a_line_may_be_very_long)
{
    char *text = NULL;
    cr_assert_geq(asprintf(&text, "%03000d", 0), 0);
    struct script_line script[40];
    size_t n = 0;
    script[n++] = (struct script_line){.prints = "TAP version 13\n1..2\n# "};
    while (n < 36)
        script[n++] = (struct script_line){.prints = text};
    script[n++] =
        (struct script_line){.prints = "ok 2 not here\nok 1 a\nok 2 b\n"};
    struct result r;
    fake_run("ktap\n", script, n, NULL, &r);
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 2);
    result_free(&r);
    free(text);
}

Test(ktap_step, reads_the_port_that_it_is_told)
{
    struct result r;
    RUN("ktap on ttyS1\n", &r, {.prints = "TAP version 13\n1..1\nnot ok 1 a\n"},
        {.prints = GOOD, .port = 1});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.ntests, 2);
    result_free(&r);
}
