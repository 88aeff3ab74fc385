// SPDX-License-Identifier: Apache-2.0
// Waiting: patterns, events, deadlines, fail patterns, and what is said when
// they go wrong.
#include "harness/tests/runner_fake.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct result_mark *mark(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->nmarks; i++) {
        if (!strcmp(r->marks[i].name, name))
            return &r->marks[i];
    }
    return NULL;
}

Test(expect, passes_and_marks)
{
    struct result r;
    RUN("expect /Welcome to (?<os>\\w+)/ mark hello\n"
        "check os == \"Alpine\"\nlog \"it is ${os}\"\n",
        &r, {.after_ms = 0, .event = EVENT(TOYVMM_EVENT_STARTED)},
        {.after_ms = 100, .prints = "[    0.000000] Linux version 6.1\r\n"},
        {.after_ms = 900, .prints = "Run /init as init process\r\n"},
        {.after_ms = 500, .event = EVENT(TOYVMM_EVENT_USERSPACE)},
        {.after_ms = 500, .prints = "Welcome to Alp"},
        {.after_ms = 10, .prints = "ine Linux\r\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    static const char *const names[] = {
        "process_start", "first_kvm_run", "first_byte", "kernel_banner",
        "init_started",  "userspace",     "hello"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        cr_expect(mark(&r, names[i]), "%s", names[i]);
    cr_expect_eq(mark(&r, "hello")->wall_ns, 2010 * NS_PER_MS);
    cr_expect_eq(r.nnotes, 1);
    cr_expect_str_eq(r.notes[0].text, "it is Alpine");
    cr_expect_eq(memcmp(r.consoles[0].bytes, "[    0.000000] Linux", 20), 0);
    result_free(&r);
}

Test(expect, timeout_tells_what_was_seen)
{
    struct result r;
    RUN("expect /login: $/ within 2s\n", &r,
        {.after_ms = 500, .prints = "booting\r\n(none) logi"});
    EXPECT_FAILURE(r, "timeout", "/login: $/ did not come within 2 s");
    cr_expect_str_eq(r.where, "t.tc:3:1");
    cr_expect(strstr(result_section(&r, "console"), "(none) logi"));
    cr_expect(strstr(result_section(&r, "console"), "   0.500  booting"));
    cr_expect_eq(r.duration_ns, 2 * NS_PER_S);
    result_free(&r);
}

Test(expect, deadlines_stretch)
{
    struct result r;
    const struct script_line script[] = {{.after_ms = 7000, .prints = "late"}};
    struct fake_options slow = {.scale = 4};
    fake_run("expect /late/ within 2s\n", script, 1, &slow, &r);
    cr_expect_eq(r.verdict, VERDICT_PASSED);
    result_free(&r);
    fake_run("expect /late/ within 2s\n", script, 1, NULL, &r);
    EXPECT_FAILURE(r, "timeout", "within 2 s");
    result_free(&r);
}

Test(expect, the_scenario_has_a_deadline_too)
{
    struct result r;
    RUN("timeout 3s\nexpect /a/ within 20s\n", &r,
        {.after_ms = 100, .prints = "b"});
    EXPECT_FAILURE(r, "timeout", "the scenario's timeout of 3 s");
    cr_expect_eq(r.duration_ns, 3 * NS_PER_S);
    result_free(&r);
}

Test(expect, an_end_of_the_machine_ends_a_wait)
{
    struct result r;
    RUN("expect /never comes/\n", &r, {.after_ms = 10, .prints = "x\r\n"},
        {.after_ms = 5, .event = EVENT(TOYVMM_EVENT_RESET)});
    EXPECT_FAILURE(r, "reset", "the guest reset");
    cr_expect_eq(r.duration_ns, 15 * NS_PER_MS);
    result_free(&r);

    RUN("expect /never comes/\n", &r,
        {.after_ms = 5, .event = EVENT(TOYVMM_EVENT_TRIPLE_FAULT)});
    EXPECT_FAILURE(r, "triple-fault", "triple fault");
    result_free(&r);

    RUN("expect /x/\n", &r,
        {.after_ms = 5, .event = EVENT(TOYVMM_EVENT_INTERNAL_ERROR)});
    cr_expect_eq(r.verdict, VERDICT_ERROR);
    result_free(&r);
}

Test(expect, text_before_the_end_still_matches)
{
    struct result r;
    RUN("expect /bye$/\nexpect reset\n", &r, {.after_ms = 10, .prints = "bye"},
        {.after_ms = 1, .event = EVENT(TOYVMM_EVENT_RESET)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
}

Test(expect, nothing_follows_an_expected_end)
{
    struct result r;
    RUN("expect poweroff\nexpect /x/\n", &r,
        {.after_ms = 1, .event = EVENT(TOYVMM_EVENT_POWEROFF)});
    EXPECT_FAILURE(r, "poweroff", "the machine has ended");
    result_free(&r);
}

#define PANIC                                                                  \
    "[    1.200000] Kernel panic - not syncing: Attempted to kill init! "      \
    "exitcode=0x00000100\r\n"

Test(expect, a_panic_is_the_reason_and_not_its_reset)
{
    struct result r;
    RUN("expect /login/\n", &r, {.after_ms = 10, .prints = PANIC},
        {.after_ms = 30, .event = EVENT(TOYVMM_EVENT_RESET)});
    EXPECT_FAILURE(r, "init-killed",
                   "kernel panic: Attempted to kill init! exitcode=0x0100");
    result_free(&r);
}

Test(expect, a_panic_in_pieces_is_told_whole)
{
    struct result r;
    RUN("expect /login/\n", &r,
        {.after_ms = 10,
         .prints = "[    1.200000] Kernel panic - not syncing: A"},
        {.after_ms = 10, .prints = "aaargh\r\n"},
        {.after_ms = 10, .prints = "[    1.300000] Call Trace:\r\n"});
    EXPECT_FAILURE(r, "panic", "kernel panic: Aaaargh");
    cr_expect(strstr(r.consoles[0].bytes, "Call Trace"));
    result_free(&r);
}

Test(expect, an_expected_panic_with_its_oops)
{
    struct result r;
    RUN("expect panic within 5s\nexpect reset\n", &r,
        {.after_ms = 10,
         .prints = "[    1.100000] BUG: kernel NULL pointer dereference\r\n"
                   "[    1.100000] Oops: 0002 [#1]\r\n" PANIC},
        {.after_ms = 1,
         .prints =
             "[    1.300000] ---[ end Kernel panic - not syncing: x ]---\r\n"},
        {.after_ms = 30, .event = EVENT(TOYVMM_EVENT_RESET)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
}

Test(fails, in_a_line_that_never_ends)
{
    struct result r;
    RUN("fail /disk full/\nexpect /x$/ within 9s\n", &r,
        {.after_ms = 10, .prints = "the disk full"});
    cr_expect_str_eq(r.kind ? r.kind : "none", "fail-pattern");
    cr_expect_lt(r.duration_ns, 2 * NS_PER_S, "not after the time-out");
    result_free(&r);
}

Test(fails, in_the_last_line_of_a_machine)
{
    struct result r;
    RUN("fail /disk full/\nexpect poweroff\n", &r,
        {.after_ms = 10, .prints = "the disk full"},
        {.after_ms = 1, .event = EVENT(TOYVMM_EVENT_POWEROFF)});
    cr_expect_str_eq(r.kind ? r.kind : "none", "fail-pattern");
    result_free(&r);
}

Test(expect, fail_and_allow)
{
    struct result r;
    RUN("fail /disk (full|gone)/ \"no disk\"\nexpect /x$/\n", &r,
        {.after_ms = 10, .prints = "the disk gone away\r\nx"});
    EXPECT_FAILURE(r, "fail-pattern", "no disk: \"the disk gone away\"");
    cr_expect_str_eq(r.where, "t.tc:3:1");
    result_free(&r);

    RUN("fail /disk/\nallow /disk is fine/\nallow oops\nexpect /x$/\n", &r,
        {.after_ms = 10,
         .prints = "the disk is fine\r\nOops: 0000 [#1] SMP\r\nx"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
}

Test(expect, a_match_before_a_failure_counts)
{
    struct result r;
    RUN("fail /bad/\nexpect /good/ mark seen\nexpect /more/\n", &r,
        {.after_ms = 10, .prints = "good\r\n"},
        {.after_ms = 10, .prints = "bad\r\nmore\r\n"});
    EXPECT_FAILURE(r, "fail-pattern", "bad");
    cr_expect(mark(&r, "seen"));
    result_free(&r);
}

Test(expect, secrets_are_masked)
{
    struct result r;
    RUN("send \"hunter2\" secret\nexpect /done/ within 1s\n", &r,
        {.typed = "hunter2\r", .prints = "hunter2\r\nhunt"});
    EXPECT_FAILURE(r, "timeout", "done");
    cr_expect_null(strstr(r.consoles[0].bytes, "hunter2"));
    cr_expect_null(strstr(result_section(&r, "console"), "hunter2"));
    cr_expect(strstr(r.consoles[0].bytes, "*******"));
    result_free(&r);
}

Test(expect, checks_go_on_and_fail_at_the_end)
{
    struct result r;
    RUN("expect /(?<n>\\d+) (?<w>\\w+)$/\ncheck n > 10\ncheck w has /z/\n"
        "check w lacks /b/\ncheck n == 7\nlog \"still here\"\n",
        &r, {.after_ms = 10, .prints = "7 abc"});
    EXPECT_FAILURE(r, "check", "n");
    size_t failed = 0;
    for (size_t i = 0; i < r.nnotes; i++)
        failed += r.notes[i].failed;
    cr_expect_eq(failed, 3);
    cr_expect_str_eq(r.notes[r.nnotes - 1].text, "still here");
    cr_expect_str_eq(r.where, "t.tc:4:1");
    result_free(&r);
}

Test(expect, marks_are_not_judged_on_the_rig)
{
    struct result r;
    const struct script_line script[] = {{.after_ms = 5000, .prints = "up"}};
    struct fake_options rig = {.scale = 4, .unjudged_marks = true};
    fake_run("expect /up/ mark up\ncheck mark up < 1s\n", script, 1, &rig, &r);
    cr_expect_eq(r.verdict, VERDICT_PASSED);
    cr_expect(strstr(r.notes[0].text, "it was 5 s, not judged on the rig"));
    result_free(&r);
    fake_run("expect /up/ mark up\ncheck mark up < 1s\n", script, 1, NULL, &r);
    EXPECT_FAILURE(r, "check", "it was 5 s");
    result_free(&r);
}
