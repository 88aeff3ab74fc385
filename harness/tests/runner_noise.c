// SPDX-License-Identifier: Apache-2.0
// login, run and expect where the kernel, or another program on the same
// terminal, prints without a pause.
#include "harness/tests/runner_fake.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define LOGIN "login \"root\" password \"pw\"\n"

// The markers of the tests' nonce.
#define BEGIN(n)       "<000" #n "1234>\r\n"
#define END(n, status) "<000" #n "1234:" #status ">\r\n"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct fake_options kernel = {
    .noise = "[    9.123456] usb 1-1: new device number 1\r\n", .noise_ms = 4};
static const struct fake_options daemon_noise = {
    .noise = "daemon: I am here\r\n", .noise_ms = 4};

static void expect_passed(const struct result *r)
{
    cr_expect_eq(r->verdict, VERDICT_PASSED, "%s\n%s\ntyped %s", r->message,
                 result_section(r, "console"), fake_typed());
}

Test(noise, login_while_the_kernel_prints)
{
    struct result r;
    static const struct script_line script[] = {
        {.after_ms = 101, .prints = "\r\nhost lo"},
        {.after_ms = 3, .prints = "gin: "},
        {.typed = "root\r", .after_ms = 7, .prints = "ro"},
        {.after_ms = 7, .prints = "ot\r\n"},
        {.after_ms = 5, .prints = "Passw"},
        {.after_ms = 9, .prints = "ord: "},
        {.typed = "pw\r", .after_ms = 30, .prints = "\r\n"},
        {.after_ms = 500, .prints = "host:~# "},
    };
    fake_run(LOGIN, script, COUNT(script), &kernel, &r);
    expect_passed(&r);
    cr_expect_str_eq(fake_typed(), "root\rpw\r");
    cr_expect_lt(r.duration_ns, 3 * NS_PER_S, "no patience was needed");
    result_free(&r);
}

Test(noise, a_prompt_is_nudged_while_the_kernel_prints)
{
    struct result r;
    static const struct script_line script[] = {
        {.after_ms = 10, .prints = "garbage over the prompt\r\n"},
        {.typed = "\r", .prints = "\r\nhost login: "},
        {.typed = "root\r\r", .prints = "\r\nhost login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\ngarbage over this one\r\n"},
        {.typed = "\r", .prints = "\r\n# "},
    };
    fake_run(LOGIN, script, COUNT(script), &kernel, &r);
    expect_passed(&r);
    cr_expect_str_eq(fake_typed(), "\rroot\r\rroot\rpw\r\r");
    result_free(&r);
}

// No prompt is ever the last that was printed.
Test(noise, login_while_a_program_prints)
{
    struct result r;
    static const struct script_line script[] = {
        {.after_ms = 101, .prints = "\r\nhost login: "},
        {.typed = "root\r", .prints = "ro"},
        {.after_ms = 6, .prints = "ot\r\n"},
        {.after_ms = 5, .prints = "Password: "},
        {.typed = "pw\r", .prints = "\r\nWelcome!\r\nhost:~# "},
        {.typed = "echo \\<00011234\\>\r", .prints = "echo \\<00011234\\>\r\n"},
        {.after_ms = 20, .prints = BEGIN(1) "host:~# "},
    };
    fake_run(LOGIN, script, COUNT(script), &daemon_noise, &r);
    expect_passed(&r);
    cr_expect_str_eq(fake_typed(), "root\rpw\recho \\<00011234\\>\r");
    result_free(&r);
}

Test(noise, a_refusal_is_seen_while_a_program_prints)
{
    struct result r;
    static const struct script_line script[] = {
        {.after_ms = 101, .prints = "\r\nhost login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\n"},
        {.after_ms = 3000, .prints = "Login incorrect\r\nhost login: "},
        // The question for a shell is a user's name here.
        {.typed = "echo \\<00011234\\>\r", .prints = "echo \\<00011234\\>\r\n"},
        {.after_ms = 7, .prints = "Password: "},
    };
    fake_run(LOGIN, script, COUNT(script), &daemon_noise, &r);
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "login", "%s", r.message);
    cr_expect_lt(r.duration_ns, 5 * NS_PER_S);
    result_free(&r);
}

// Nothing but the password is typed into a password prompt, seen or not.
Test(noise, an_overwritten_password_prompt)
{
    struct result r;
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "host login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: cron: a job\r\n"},
        {.typed = "pw\r", .prints = "\r\n# "});
    expect_passed(&r);
    cr_expect_str_eq(fake_typed(), "root\rpw\r");
    result_free(&r);
}

Test(noise, a_shell_whose_prompt_is_odd_is_asked)
{
    struct result r;
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "host login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\nroot@host \xe2\x9e\x9c  "},
        {.typed = "\r", .prints = "\r\nroot@host \xe2\x9e\x9c  "},
        {.typed = "echo \\<00011234\\>\r",
         .prints =
             "echo \\<00011234\\>\r\n" BEGIN(1) "root@host \xe2\x9e\x9c "});
    expect_passed(&r);
    result_free(&r);
}

// One whose prompt the scenario describes may be no shell.
Test(noise, a_described_prompt_is_never_asked)
{
    struct result r;
    RUN("step-timeout 30s\nlogin \"root\" prompt /nothing> $/\n", &r,
        {.after_ms = 10, .prints = "host login: "},
        {.typed = "root\r", .prints = "root\r\nrouter> "});
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_null(strstr(fake_typed(), "echo"));
    result_free(&r);
}

Test(noise, expect_and_run_while_the_kernel_prints)
{
    struct result r;
    static const struct script_line script[] = {
        {.after_ms = 50, .prints = "~ # "},
        {.typed = "$?\\>", .after_ms = 9, .prints = "<0001"},
        {.after_ms = 9, .prints = "1234>\r\na"},
        {.after_ms = 9, .prints = "b\r\n" END(1, 0) "~ "},
        {.after_ms = 9, .prints = "# "},
    };
    fake_run("expect /~ # $/ within 5s\nrun \"x\" as out\n"
             "check out == \"ab\"\nexpect /# $/ within 5s\n",
             script, COUNT(script), &kernel, &r);
    expect_passed(&r);
    result_free(&r);
}

// More of it than the matcher keeps: between the markers, and of the command's
// own output.
#define LONG_LINES 60000
static void run_long(const char *scenario, const char *line, struct result *r)
{
    struct script_line *script = calloc(LONG_LINES + 3, sizeof *script);
    cr_assert_not_null(script);
    script[0] =
        (struct script_line){.typed = "$?\\>", .prints = BEGIN(1) "first "};
    for (size_t i = 1; i <= LONG_LINES; i++) {
        script[i].prints = line;
    }
    script[LONG_LINES + 1].prints = "last\r\n";
    script[LONG_LINES + 2].prints = END(1, 0);
    fake_run(scenario, script, LONG_LINES + 3, NULL, r);
    free(script);
}

Test(noise, a_flood_of_messages_drops_no_output, .timeout = 900)
{
    struct result r;
    run_long("run \"x\" as out\ncheck out == \"first last\"\n", kernel.noise,
             &r);
    expect_passed(&r);
    result_free(&r);
}

Test(noise, output_above_the_window, .timeout = 900)
{
    struct result r;
    run_long("run \"x\"\n", "a line of the command's own output\r\n", &r);
    expect_passed(&r);
    result_free(&r);
    run_long("run \"x\" as out\n", "a line of the command's own output\r\n",
             &r);
    cr_expect_eq(r.verdict, VERDICT_FAILED);
    cr_expect_str_eq(r.kind, "overflow");
    result_free(&r);
}
