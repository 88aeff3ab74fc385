// SPDX-License-Identifier: Apache-2.0
// Several serial ports in one run: who looks where, what is typed where, and
// what a failure tells of them all.
#include "harness/tests/runner_fake.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct result_console *console(const struct result *r,
                                            unsigned port)
{
    for (size_t i = 0; i < r->nconsoles; i++) {
        if (r->consoles[i].port == port)
            return &r->consoles[i];
    }
    return NULL;
}

static const struct result_mark *mark(const struct result *r, const char *name)
{
    for (size_t i = 0; i < r->nmarks; i++) {
        if (!strcmp(r->marks[i].name, name))
            return &r->marks[i];
    }
    return NULL;
}

static void expect_text(const struct result *r, unsigned port, const char *text)
{
    const struct result_console *c = console(r, port);
    cr_assert(c, "no console of port %u", port);
    cr_expect_eq(c->len, strlen(text));
    cr_expect_arr_eq(c->bytes, text, strlen(text));
}

Test(ports, each_has_its_own_text)
{
    struct result r;
    RUN("expect /one/\nexpect on ttyS1 /first/\nexpect /two/\n"
        "expect on ttyS1 /second/\n",
        &r, {.prints = "one tw"}, {.prints = "first\nsec", .port = 1},
        {.after_ms = 5, .prints = "o\n"},
        {.after_ms = 5, .prints = "ond\n", .port = 1});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_eq(r.nconsoles, 2U);
    expect_text(&r, 0, "one two\n");
    expect_text(&r, 1, "first\nsecond\n");
    cr_assert(mark(&r, "first_byte"));
    result_free(&r);
}

Test(ports, a_match_on_one_port_consumes_nothing_of_another)
{
    struct result r;
    RUN("expect on ttyS1 /login:/\nexpect /early/\n", &r, {.prints = "early\n"},
        {.after_ms = 10, .prints = "login:", .port = 1});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
}

Test(ports, what_one_port_says_is_no_match_on_another)
{
    struct result r;
    RUN("expect /prompt/ within 1s\n", &r, {.prints = "prompt", .port = 1});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "timeout");
    cr_expect_eq(r.nconsoles, 2U, "ttyS0 is there though it said nothing");
    expect_text(&r, 0, "");
    result_free(&r);
}

Test(ports, the_chosen_one_holds_until_another_is_chosen)
{
    struct result r;
    RUN("send \"a\"\nconsole ttyS1\nsend \"b\"\n"
        "group \"g\" {\nconsole ttyS2\nsend \"c\"\n}\nsend \"d\"\n"
        "send on ttyS0 \"e\"\nsend \"f\"\nkey on ttyS3 ctrl-c\n"
        "key on ttyS3 break\n"
        "expect one on ttyS1 within 1s {\n/x/ { send \"g\" }\n}\nsend \"h\"\n",
        &r, {.prints = "x", .port = 1});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_str_eq(fake_typed_on(0), "a\re\r");
    cr_expect_str_eq(fake_typed_on(1), "b\r");
    cr_expect_str_eq(fake_typed_on(2), "c\rd\rf\rg\rh\r");
    cr_expect_str_eq(fake_typed_on(3), "\x03<break>");
    result_free(&r);
}

Test(ports, login_and_run_on_the_second)
{
    struct result r;
    RUN("console ttyS1\nlogin \"root\"\nrun \"id\" as out\n"
        "check out == \"uid=0\"\npoweroff\n",
        &r, {.prints = "kernel messages\n"},
        {.after_ms = 5, .prints = "login: ", .port = 1},
        {.typed = "root\r", .prints = "root\r\n# ", .port = 1},
        {.typed = "\r", .prints = "[    3.100000] beside it\n"},
        {.prints = "echo\r\n<00011234>\r\nuid=0\r\n<00011234:0>\r\n# ",
         .port = 1},
        {.typed = "poweroff\r", .event = EVENT(TOYVMM_EVENT_POWEROFF)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_str_empty(fake_typed_on(0));
    cr_assert(mark(&r, "shell_prompt"));
    result_free(&r);
}

// `poweroff` goes where a shell is.
Test(ports, poweroff_finds_the_shell)
{
    struct result r;
    RUN("login on ttyS1 \"root\"\nexpect /done/\npoweroff\n", &r,
        {.prints = "login: ", .port = 1},
        {.typed = "root\r", .prints = "root\r\n# ", .port = 1},
        {.after_ms = 100, .prints = "done\n"},
        {.typed = "poweroff\r", .event = EVENT(TOYVMM_EVENT_POWEROFF)});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_str_empty(fake_typed_on(0));
    result_free(&r);
}

Test(ports, fail_patterns_watch_all_of_them)
{
    struct result r;
    RUN("fail /segfault/ \"a crash\"\nexpect on ttyS1 /never/\n", &r,
        {.prints = "quiet\n", .port = 1},
        {.after_ms = 100, .prints = "x: segfault at 0\n", .port = 2});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "fail-pattern");
    cr_expect(strstr(r.message, "a crash: \"x: segfault at 0\""), "%s",
              r.message);
    result_free(&r);

    // The rest of a line that fired before its end is that port's.
    RUN("fail /segfault/ \"a crash\"\nexpect on ttyS1 /never/\n", &r,
        {.prints = "x: segfault at", .port = 2}, {.prints = "beside\n"},
        {.after_ms = 60, .prints = " 0 ip 5\n", .port = 2});
    cr_expect(strstr(r.message, "a crash: \"x: segfault at 0 ip 5\""), "%s",
              r.message);
    result_free(&r);

    RUN("expect on ttyS1 /never/\n", &r,
        {.after_ms = 1,
         .prints = "[    1.000000] Kernel panic - not syncing: x\n"},
        {.after_ms = 2000, .prints = "later"});
    cr_expect_str_eq(r.kind, "panic", "%s", r.kind);
    result_free(&r);
}

// On another port than the one that is looked at, time decides.
Test(ports, what_came_first_counts)
{
    struct result r;
    RUN("fail /bad/\nexpect on ttyS1 /good/\n", &r,
        {.prints = "good\n", .port = 1}, {.after_ms = 1, .prints = "bad\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
    // The prompt has settled 50 ms after its last byte, before the line came.
    RUN("fail /bad/\nexpect on ttyS1 /# $/\n", &r, {.prints = "# ", .port = 1},
        {.after_ms = 60, .prints = "bad\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
    // And not yet after 40.
    RUN("fail /bad/\nexpect on ttyS1 /# $/\n", &r, {.prints = "# ", .port = 1},
        {.after_ms = 40, .prints = "bad\n"});
    cr_expect_str_eq(r.kind ? r.kind : "passed", "fail-pattern");
    result_free(&r);
}

Test(ports, never_watches_a_port_that_speaks_later)
{
    struct result r;
    RUN("never /oops/ {\nexpect /end/\n}\n", &r, {.prints = "begin\n"},
        {.after_ms = 10, .prints = "oops\n", .port = 3},
        {.after_ms = 10, .prints = "end\n"});
    cr_expect_str_eq(r.kind ? r.kind : "passed", "fail-pattern");
    result_free(&r);
}

Test(ports, idle_is_the_chosen_ports)
{
    struct result r;
    RUN("expect on ttyS1 idle 1s\nexpect /tick 3/\n", &r,
        {.prints = "a", .port = 1}, {.after_ms = 400, .prints = "tick 1\n"},
        {.after_ms = 400, .prints = "tick 2\n"},
        {.after_ms = 400, .prints = "tick 3\n"});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
}

Test(ports, line_marks_are_stamped_once)
{
    struct result r;
    RUN("expect on ttyS1 /end/\n", &r,
        {.after_ms = 10, .prints = "[    0.000000] Linux version 6.1\n"},
        {.after_ms = 10,
         .prints = "[    0.000000] Linux version 6.1\n",
         .port = 1},
        {.after_ms = 10, .prints = "end", .port = 1});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    size_t n = 0;
    for (size_t i = 0; i < r.nmarks; i++)
        n += !strcmp(r.marks[i].name, "kernel_banner");
    cr_expect_eq(n, 1U);
    cr_assert(mark(&r, "kernel_banner"));
    cr_expect_eq(mark(&r, "kernel_banner")->wall_ns, 10 * NS_PER_MS);
    result_free(&r);
}

// The last lines of all ports in the order in which they came.
Test(ports, the_tail_is_interleaved)
{
    struct result r;
    RUN("expect /never/ within 1s\n", &r, {.prints = "one\n"},
        {.after_ms = 10, .prints = "two\n", .port = 1},
        {.after_ms = 10, .prints = "three\n"},
        {.after_ms = 10, .prints = "four\nfive\n", .port = 1});
    const char *tail = result_section(&r, "console");
    cr_assert(tail);
    const char *at = tail;
    static const char *const lines[] = {"one",   "ttyS1", "two",
                                        "three", "four",  "five"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        at = strstr(at, lines[i]);
        cr_assert(at, "%s is not in its place:\n%s", lines[i], tail);
    }
    result_free(&r);
}

Test(ports, one_port_alone_is_not_named)
{
    struct result r;
    RUN("expect /never/ within 1s\n", &r, {.prints = "one\n"});
    const char *tail = result_section(&r, "console");
    cr_assert(tail);
    cr_expect_not(strstr(tail, "ttyS"), "%s", tail);
    result_free(&r);
}

// Pieces cut anywhere between ports change nothing.
Test(ports, cuts_change_nothing)
{
    static const char whole[] = "[    1.0] a\nlogin: ";
    for (size_t cut = 1; cut + 1 < sizeof(whole); cut++) {
        char first[32] = "";
        memcpy(first, whole, cut);
        struct result r;
        RUN("expect on ttyS1 /login: $/ mark it\n", &r,
            {.prints = first, .port = 1}, {.prints = "noise\n"},
            {.prints = whole + cut, .port = 1}, {.prints = "more"});
        cr_expect_eq(r.verdict, VERDICT_PASSED, "cut %zu: %s", cut, r.message);
        expect_text(&r, 1, whole);
        expect_text(&r, 0, "noise\nmore");
        result_free(&r);
    }
}
