// SPDX-License-Identifier: Apache-2.0
// run and poweroff against scripted guests, and what a capture holds.
#include "harness/tests/runner_fake.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

// The markers of the tests' nonce.
#define BEGIN(n)       "<000" #n "1234>\r\n"
#define END(n, status) "<000" #n "1234:" #status ">\r\n"

Test(run, captures_output_and_status)
{
    struct result r;
    RUN("run \"ls /\" as listing\nrun \"false\" status 1\n"
        "run \"x\" status any as x\ncheck listing == \"a\\nb\"\n"
        "check listing count /^\\w$/m == 2\ncheck status x == 127\n"
        "check status listing == 0\n",
        &r,
        {.typed = "'ls /'",
         .prints = "# echo \\<00011234\\>;command eval 'ls /';echo\r\n"},
        {.typed = "$?\\>", .prints = BEGIN(1) "a\r\nb" END(1, 0) "# "},
        {.typed = "'false'"},
        {.typed = "$?\\>", .prints = "echo\r\n" BEGIN(2) END(2, 1)},
        {.typed = "'x'"},
        {.typed = "$?\\>", .prints = BEGIN(3) "x: not found\r\n" END(3, 127)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message,
                 result_section(&r, "console"));
    cr_expect_null(strstr(fake_typed(), "<0000"), "typed markers stand apart");
    result_free(&r);
}

Test(run, lifts_kernel_messages_out_of_output)
{
    struct result r;
    RUN("run \"ls\" as out\ncheck out == \"abc\"\n", &r,
        {.typed = "$?\\>",
         .prints = BEGIN(1) "a[    9.123456] usb 1-1: gone\r\nbc\r\n"
                            "<0001[    9.222222] foo: bar\r\n"
                            "1234:0>\r\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message,
                 result_section(&r, "console"));
    result_free(&r);
}

Test(run, a_wrong_status_ends_the_scenario)
{
    struct result r;
    RUN("run \"ls /nope\"\nlog \"not reached\"\n", &r,
        {.typed = "$?\\>",
         .prints = BEGIN(1) "ls: /nope: No such file\r\n" END(1, 2)});
    EXPECT_FAILURE(r, "status",
                   "\"ls /nope\" ended with status 2 instead of 0");
    cr_expect_eq(r.nnotes, 0);
    cr_expect(strstr(result_section(&r, "console"), "No such file"));
    result_free(&r);
}

Test(run, a_command_that_never_ends)
{
    struct result r;
    RUN("run \"sleep 100\" within 3s\n", &r,
        {.typed = "$?\\>", .prints = BEGIN(1) "zzz"});
    EXPECT_FAILURE(r, "timeout",
                   "the end of the command \"sleep 100\" did not come within "
                   "3 s");
    result_free(&r);
}

Test(run, no_shell)
{
    struct result r;
    RUN("run \"true\" within 3s\n", &r, {.typed = "$?\\>", .prints = "hm"});
    EXPECT_FAILURE(r, "timeout", "the beginning of the command");
    result_free(&r);
}

Test(run, quotes_and_newlines_are_encoded)
{
    struct result r;
    RUN("run \"echo 'it' \\\\\\n\\tdone # really\"\n", &r,
        {.typed = "echo \\0047it\\0047 \\0134\\0012\\0011done # really"},
        {.typed = "$?\\>", .prints = BEGIN(1) END(1, 0)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message, fake_typed());
    result_free(&r);
}

Test(run, a_plain_command_stands_in_quotes)
{
    struct result r;
    RUN("run \"echo 'a \\\\ b'\"\n", &r,
        {.typed = ";command eval 'echo '\\''a \\ b'\\''';{ echo "},
        {.typed = "$?\\>", .prints = BEGIN(1) END(1, 0)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message, fake_typed());
    result_free(&r);
}

Test(run, a_long_command_goes_in_pieces)
{
    struct result r;
    char scenario[2000] = "run \"echo ";
    memset(scenario + 10, 'x', 900);
    memcpy(scenario + 910, "\"\n", 3);
    const struct script_line script[] = {
        {.typed = "_toyvmm='echo xxx"},
        {.typed = "1234\\>;} 2>&-", .prints = BEGIN(1)},
        {.typed = "_toyvmm=$_toyvmm'"},
        {.typed = "1234\\>;} 2>&-", .prints = BEGIN(1)},
        {.typed = "1234\\>;} 2>&-", .prints = BEGIN(1)},
        {.typed = "printf %b \"$_toyvmm\""},
        {.typed = "$?\\>", .prints = BEGIN(1) END(1, 0)},
    };
    fake_run(scenario, script, sizeof(script) / sizeof(script[0]), NULL, &r);
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message, fake_typed());
    size_t line = 0;
    for (const char *c = fake_typed(); *c; c++) {
        line = *c == '\r' ? 0 : line + 1;
        cr_assert_lt(line, 600);
    }
    result_free(&r);
}

Test(poweroff, asks_a_shell)
{
    struct result r;
    RUN("run \"true\"\npoweroff\n", &r,
        {.typed = "$?\\>", .prints = BEGIN(1) END(1, 0)},
        {.typed = "poweroff\r",
         .after_ms = 700,
         .event = EVENT(TOYVMM_EVENT_POWEROFF)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.nnotes, 0);
    result_free(&r);
}

Test(poweroff, ends_a_guest_that_does_not_listen)
{
    struct result r;
    RUN("run \"true\"\npoweroff\n", &r,
        {.typed = "$?\\>", .prints = BEGIN(1) END(1, 0)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect(strstr(r.notes[0].text, "was ended"));
    cr_expect(strstr(fake_typed(), "poweroff -f\r"));
    result_free(&r);
}

Test(poweroff, a_panic_on_the_way_is_a_failure)
{
    struct result r;
    RUN("run \"true\"\npoweroff\n", &r,
        {.typed = "$?\\>", .prints = BEGIN(1) END(1, 0)},
        {.typed = "poweroff\r",
         .prints = "[    5.000000] Kernel panic - not syncing: late\r\n"});
    EXPECT_FAILURE(r, "panic", "late");
    result_free(&r);
}

// ---- What a capture holds --------------------------------------------------

// What a program prints of the kernel's log is its output; what the kernel
// says meanwhile is not, and is counted.
Test(run, dmesg_is_output)
{
    struct result r;
    RUN("expect /sh# $/\nrun \"dmesg\" as log\nrun \"dmesg\" as all raw\n"
        "check log == \"[    0.000000] Linux version 6.1\\n"
        "[    1.000000] a: error\"\ncheck all has /eth0: up/\n",
        &r, {.prints = "[    0.000000] Linux version 6.1\r\n"},
        {.after_ms = 1000, .prints = "[    1.000000] a: error\r\nsh# "},
        {.typed = "$?\\>",
         .after_ms = 2000,
         .prints = BEGIN(1) "[    0.000000] Linux ver"
                            "[    3.100000] eth0: up\r\nsion 6.1\r\n"
                            "[    1.000000] a: error\r\n" END(1, 0)},
        {.typed = "$?\\>",
         .after_ms = 100,
         .prints = BEGIN(2) "x[    3.250000] eth0: up\r\ny\r\n" END(2, 0)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message,
                 result_section(&r, "output"));
    cr_expect_eq(r.nnotes, 1);
    cr_expect(r.nnotes && strstr(r.notes[0].text, "1 message of the kernel"));
    result_free(&r);
}

// On a quiet console it is the first that is seen of the kernel.
Test(run, dmesg_on_a_quiet_console)
{
    struct result r;
    RUN("expect /sh# $/\nrun \"dmesg\" as log\ncheck log count /\\n/ == 2\n",
        &r, {.event = EVENT(TOYVMM_EVENT_STARTED)},
        {.after_ms = 20000, .prints = "sh# "},
        {.typed = "$?\\>",
         .prints = BEGIN(1) "[    0.000000] Linux version 6.1\r\n"
                            "[    1.000000] Kernel panic - not syncing: old\r\n"
                            "[   19.900000] last\r\n" END(1, 0)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message,
                 result_section(&r, "output"));
    result_free(&r);
}

Test(run, a_live_panic_on_a_quiet_console_fires)
{
    struct result r;
    RUN("expect /sh# $/\nexpect /never/\n", &r,
        {.event = EVENT(TOYVMM_EVENT_STARTED)},
        {.after_ms = 20000, .prints = "sh# "},
        {.after_ms = 1000,
         .prints = "\r\n[   20.900000] sysrq: Trigger a crash\r\n"
                   "[   20.900100] Kernel panic - not syncing: live\r\n"});
    EXPECT_FAILURE(r, "panic", "live");
    result_free(&r);
}

// A log of an earlier boot, with what syslog puts in front.
Test(run, an_old_panic_does_not_fire)
{
    struct result r;
    RUN("fail /BUG: /\nexpect /sh# $/\nrun \"cat kern.log\" as log\n"
        "check log has /panic/\n",
        &r, {.prints = "[    0.000000] Linux version 6.1\r\n"},
        {.after_ms = 2000, .prints = "[    2.000000] up\r\nsh# "},
        {.typed = "$?\\>",
         .prints =
             BEGIN(1) "Jan  1 00:00:00 h kernel: [ 9999.000000] BUG: x\r\n"
                      "[    1.500000] Kernel panic - not syncing: old\r\n" END(
                          1, 0)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
}

// With a date in place of the kernel's clock it is a log's, too: where a
// command prints it. By itself it may be a daemon's that tells what is new; and
// a line of another program's, or without a date, is what it says.
Test(run, an_old_panic_with_a_date_does_not_fire)
{
    static const struct {
        const char *line;
        bool fires;
    } lines[] = {
        {"Nov 28 15:00:00 host kernel: Out of memory: old", false},
        {"Nov  8 15:00:00 host kernel: Out of memory: old", false},
        {"2026-11-28T15:00:00+01:00 host kernel: Out of memory: old", false},
        {"2026-11-28T15:00:00.123456Z h kernel: Out of memory: old", false},
        {"[Sat Nov 28 15:00:00 2026] Out of memory: old", false},
        {"kern  :err   : [Sat Nov  8 15:00:00 2026] Out of memory: old", false},
        {"2026-11-28T15:00:00,123456+00:00 Out of memory: old", false},
        {"Nov 28 15:00:00 host svc[12]: Out of memory: old", true},
        {"2026-11-28T15:00:00.123456Z h svc: Out of memory: old", true},
        {"[Sat Nov 28 15:00 2026] Out of memory: old", true},
        {"Out of memory: old", true},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct result r;
        char text[256];
        snprintf(text, sizeof(text), BEGIN(1) "%s\r\n" END(1, 0),
                 lines[i].line);
        RUN("fail /Out of memory/ \"mine\"\nexpect /sh# $/\n"
            "run \"log\" as log\ncheck log has /old/\n",
            &r, {.prints = "sh# "}, {.typed = "$?\\>", .prints = text});
        cr_expect_eq(r.verdict,
                     lines[i].fires ? VERDICT_FAILED : VERDICT_PASSED, "%s: %s",
                     lines[i].line, r.message);
        result_free(&r);
        RUN("fail /Out of memory/ \"mine\"\nexpect /sh# $/\n"
            "run \"true\"\nexpect /never/ within 3s\n",
            &r, {.prints = "sh# "},
            {.typed = "$?\\>", .prints = BEGIN(1) END(1, 0) "sh# "},
            {.after_ms = 1000, .prints = lines[i].line}, {.prints = "\r\n"});
        EXPECT_FAILURE(r, "fail-pattern", "Out of memory");
        result_free(&r);
    }
}
