// SPDX-License-Identifier: Apache-2.0
// Near misses as a failure prints them, and the step that it quotes.
#include "harness/tests/diagnosis_sections.h"

#include <stdio.h>

TestSuite(near_miss);

Test(near_miss, a_part_of_the_pattern)
{
    struct result r;
    RUN("expect /version (\\d+)\\.(\\d+) ready/ within 1s\n", &r,
        {.prints = "boot\r\nversion 3.x\tready\r\n"}, {.after_ms = 2000});
    has(&r, "near-miss",
        "/version (\\d+)\\.(\\d+) ready/ matched as far as \"version 3.\", "
        "then came \"x\tready\" where `(\\d+) ready` must follow:\n"
        "     0.000  version 3.x\tready\n"
        "            ~~~~~~~~~~^\n");
    result_free(&r);
}

Test(near_miss, a_slip)
{
    struct result r;
    RUN("expect /login: $/ within 1s\n", &r,
        {.prints = "gr\xc3\xbc\xc3\x9f logni: "}, {.after_ms = 2000});
    has(&r, "near-miss",
        "/login: $/ is nearest to this: expected \"login: \", saw \"logni: "
        "\":\n"
        "     0.000  gr\xc3\xbc\xc3\x9f logni: \n"
        "                 ^^^^^^^\n");
    result_free(&r);
}

Test(near_miss, text_that_follows)
{
    struct result r;
    RUN("expect /login: $/ within 1s\n", &r, {.prints = "login: root\r\n"},
        {.after_ms = 2000});
    has(&r, "near-miss", "then came \"root\" where `$` wants the text to end");
    has(&r, "near-miss", "would match without the `$`");
    result_free(&r);
}

Test(near_miss, the_text_ends)
{
    struct result r;
    RUN("expect /Welcome to Alpine/ within 1s\n", &r, {.prints = "Welcome t"},
        {.after_ms = 2000});
    has(&r, "near-miss",
        "as far as \"Welcome t\", and the text ends there where `o Alpine` "
        "must follow");
    result_free(&r);
}

Test(near_miss, another_case)
{
    struct result r;
    RUN("expect /LOGIN: / within 1s\n", &r, {.prints = "login: "},
        {.after_ms = 2000});
    has(&r, "near-miss", "/LOGIN: / would match if case were ignored");
    result_free(&r);
}

// It matched, and was not quiet: that is the reason, and no other is told.
Test(near_miss, not_quiet)
{
    struct result r;
    RUN("expect /login: $/ within 1s\n", &r, {.prints = "login: old\r\n"},
        {.after_ms = 980, .prints = "host login: "}, {.after_ms = 2000});
    cr_expect_str_eq(r.kind ? r.kind : "none", "timeout");
    cr_expect_str_eq(section(&r, "near-miss"),
                     "/login: $/ matches what is there, but the text was quiet "
                     "for 20 ms only and not for 50 ms\n");
    result_free(&r);
    // The same of a guest that never pauses: each pause is too short.
    const struct script_line script[] = {{.prints = "x\r\n"},
                                         {.after_ms = 5000}};
    fake_run("expect /LOGIN: $|login: $/ within 1s\n", script, 2,
             &(struct fake_options){.noise = "\r\nlogin: ", .noise_ms = 30},
             &r);
    has(&r, "near-miss", "/LOGIN: $|login: $/ matches what is there, but ");
    has(&r, "near-miss", " only and not for 50 ms\n");
    lacks(&r, "near-miss", "would");
    lacks(&r, "near-miss", "before");
    result_free(&r);
}

Test(near_miss, consumed_before)
{
    struct result r;
    RUN("expect /second/\nexpect /host login: \\w+/ within 1s\n", &r,
        {.prints = "first\r\nhost login: root\r\n"},
        {.after_ms = 500, .prints = "second\r\n"}, {.after_ms = 2000});
    has(&r, "near-miss",
        "/host login: \\w+/ matched before this wait began, on line 2, at "
        "0.000 s: an earlier step has consumed that\n");
    result_free(&r);
    // What this wait has seen itself is not "before".
    RUN("expect /second/\nexpect /third$/ within 1s\n", &r,
        {.prints = "second\r\n"}, {.after_ms = 100, .prints = "third x\r\n"},
        {.after_ms = 2000});
    lacks(&r, "near-miss", "before");
    result_free(&r);
}

// A line that never was the end of the text did not match before; what would
// have is told.
Test(near_miss, a_line_before)
{
    struct result r;
    RUN("expect /second/\nexpect /host up$/ within 1s\n", &r,
        {.prints = "first\r\nhost up\r\n"},
        {.after_ms = 500, .prints = "second\r\n"}, {.after_ms = 2000});
    has(&r, "near-miss",
        "/host up$/ would have matched a line before this wait began, with "
        "flag m, on line 2, at 0.000 s: an earlier step has consumed that\n");
    lacks(&r, "near-miss", "/ matched before");
    result_free(&r);
    RUN("expect /second/\nexpect /host login: $/ within 1s\n", &r,
        {.prints = "first\r\nhost login: root\r\n"},
        {.after_ms = 500, .prints = "second\r\n"}, {.after_ms = 2000});
    has(&r, "near-miss",
        "/host login: $/ would have matched before this wait began, without "
        "the `$`, on line 2, at 0.000 s: an earlier step has consumed that\n");
    lacks(&r, "near-miss", "/ matched before");
    result_free(&r);
}

Test(near_miss, on_another_port)
{
    struct result r;
    RUN("expect /login: $/ within 1s\n", &r,
        {.prints = "host login: ", .port = 1}, {.after_ms = 2000});
    cr_expect_str_eq(section(&r, "near-miss"),
                     "/login: $/ matches on ttyS1, not on ttyS0\n");
    has(&r, "wait", "nothing was printed on ttyS0");
    result_free(&r);
}

// The harness's own patterns are not the scenario's.
Test(near_miss, of_a_login)
{
    struct result r;
    RUN("login \"root\" within 1s\n", &r, {.prints = "host Login; "},
        {.after_ms = 20000});
    has(&r, "near-miss", "a login prompt matched as far as \"Login\"");
    result_free(&r);
    RUN("login \"root\" within 5s\nrun \"x\" within 1s\n", &r,
        {.prints = "login: "}, {.typed = "root\r", .prints = "\r\n# "},
        {.after_ms = 200000});
    cr_expect_str_eq(r.kind, "timeout");
    cr_expect_str_eq(section(&r, "near-miss"), "");
    result_free(&r);
}

Test(near_miss, each_branch)
{
    struct result r;
    RUN("expect one within 1s {\n/Password; /{}\n/logon: /{}\n/zzzz/{}\n}\n",
        &r, {.prints = "login: root\r\nPassword: "}, {.after_ms = 2000});
    has(&r, "near-miss", "/Password; / is nearest to this");
    has(&r, "near-miss", "/logon: / is nearest to this");
    lacks(&r, "near-miss", "zzzz");
    result_free(&r);
}

// The step is shown as it was written: blanks in a pattern or a text count.
Test(step, is_quoted_as_written)
{
    struct result r;
    RUN("expect   /a   b \\t c/    within   1s\n", &r, {.prints = "a b"},
        {.after_ms = 2000});
    cr_expect_str_eq(section(&r, "step"), "| expect /a   b \\t c/ within 1s\n");
    result_free(&r);
    RUN("expect /m\\/  n/  within 1s # x  y\n", &r, {.after_ms = 2000});
    cr_expect_str_eq(section(&r, "step"), "| expect /m\\/  n/ within 1s\n");
    result_free(&r);
    RUN("run  \"echo  '  a'\"   within  1s\n", &r, {.after_ms = 5000});
    cr_expect_str_eq(section(&r, "step"), "| run \"echo  '  a'\" within 1s\n");
    result_free(&r);
}
