// SPDX-License-Identifier: Apache-2.0
// login, run and poweroff against scripted guests.
#include "harness/tests/runner_fake.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

#define EXPECT_FAILURE(r, a_kind, a_text)                                      \
    do {                                                                       \
        cr_expect_eq((r).verdict, VERDICT_FAILED);                             \
        cr_expect_str_eq((r).kind ? (r).kind : "none", a_kind);                \
        cr_expect((r).message &&strstr((r).message, a_text), "message: %s",    \
                  (r).message ? (r).message : "none");                         \
    } while (0)

#define LOGIN "login \"root\" password \"pw\"\n"

static size_t times(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)); text++)
        n++;
    return n;
}

Test(login, with_a_password)
{
    struct result r;
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "\r\nhost login: "},
        {.typed = "root\r", .prints = "root\r\n"},
        {.after_ms = 5, .prints = "Password: "},
        {.typed = "pw\r", .prints = "\r\nWelcome!\r\n"},
        {.after_ms = 500, .prints = "host:~# "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message,
                 result_section(&r, "console"));
    cr_expect_str_eq(fake_typed(), "root\rpw\r");
    result_free(&r);
}

Test(login, without_a_password_prompt)
{
    struct result r;
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "login: "},
        {.typed = "root\r", .prints = "root\r\n"},
        {.after_ms = 5, .prints = "# "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    cr_expect_str_eq(fake_typed(), "root\r");
    result_free(&r);
}

Test(login, refused_at_once)
{
    struct result r;
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\n"},
        {.after_ms = 1000, .prints = "Login incorrect\r\nlogin: "});
    EXPECT_FAILURE(r, "login",
                   "refused the login of \"root\": \"Login incorre");
    cr_expect_lt(r.duration_ns, 3 * NS_PER_S);
    result_free(&r);
}

// A greeting that speaks of refusals refuses nothing: a shell follows.
Test(login, words_of_a_refusal_in_a_greeting)
{
    static const char *const greetings[] = {
        "Login incorrect? Ask the help desk.\r\n",
        "After 5 failed attempts an account is locked for 10 minutes.\r\n",
        "Authentication failures since the last login: 0\r\n",
        "Last failed login: Sat May  3 10:00:00 on ttyS0\r\n",
        "-sh: /etc/profile: Permission denied\r\n",
        "How to login: ",
        "Do not tell your Password: ",
    };
    for (size_t i = 0; i < sizeof(greetings) / sizeof(*greetings); i++) {
        struct result r;
        RUN(LOGIN, &r, {.after_ms = 10, .prints = "login: "},
            {.typed = "root\r", .prints = "root\r\nPassword: "},
            {.typed = "pw\r", .prints = "\r\n"}, {.prints = greetings[i]},
            {.after_ms = 200, .prints = "see the manual\r\n"},
            {.after_ms = 2500, .prints = "# "});
        cr_expect_eq(r.verdict, VERDICT_PASSED, "%s: %s", greetings[i],
                     r.message);
        cr_expect_str_eq(fake_typed(), "root\rpw\r");
        result_free(&r);
        RUN("login \"root\"\n", &r, {.after_ms = 10, .prints = "login: "},
            {.typed = "root\r", .prints = "root\r\n"},
            {.prints = i < 5 ? greetings[i] : ""},
            {.after_ms = 2500, .prints = "# "});
        cr_expect_eq(r.verdict, VERDICT_PASSED, "%s: %s", greetings[i],
                     r.message);
        result_free(&r);
    }
}

// The words, and then a silence that Enter ends: with a prompt of the shell, or
// with one that only the shell's own answer can tell.
Test(login, a_shell_that_comes_late_after_the_words)
{
    struct result r;
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\nLogin failed: 3 since May\r\n"},
        {.typed = "\r", .prints = "\r\n"}, {.after_ms = 4000, .prints = "# "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\nLogin failed: 3\r\nbox \xce\xbb "},
        {.typed = "\r", .prints = "\r\nbox \xce\xbb "},
        {.typed = "echo \\<00011234\\>\r",
         .prints = "echo \\<00011234\\>\r\n<00011234>\r\nbox \xce\xbb "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
}

// ... a refusal is what a prompt, nothing at all, or the end follows.
Test(login, what_follows_the_words_makes_a_refusal)
{
    static const struct {
        const char *after; // the words
        const char *on_enter;
        int event;
    } ends[] = {
        {"\r\nWelcome to box\r\nbox login: ", NULL, 0},
        {"Password: ", NULL, 0},
        {"", NULL, 0},
        {"", "\r\n", 0},
        {"", "\r\nbox login: ", 0},
        {"", NULL, EVENT(TOYVMM_EVENT_POWEROFF)},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        struct result r;
        RUN(LOGIN, &r, {.after_ms = 10, .prints = "login: "},
            {.typed = "root\r", .prints = "root\r\nPassword: "},
            {.typed = "pw\r", .prints = "\r\nAccount is locked\r\n"},
            {.after_ms = 100, .prints = ends[i].after, .event = ends[i].event},
            {.typed = "\r", .prints = ends[i].on_enter});
        cr_expect_str_eq(r.kind ? r.kind : "none", "login", "%zu: %s", i,
                         r.message);
        cr_expect(r.message &&
                      strstr(r.message, "refused the login of \"root\": "
                                        "\"Account is locked\""),
                  "%zu: %s", i, r.message);
        cr_expect_null(strstr(fake_typed(), "echo"), "%zu", i);
        result_free(&r);
    }
}

// A refusal without a password asked for: the name is asked for again.
Test(login, a_name_that_is_refused)
{
    struct result r;
    static const char no[] = "root\r\nAccount expired\r\nbox login: ";
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "box login: "},
        {.typed = "root\r", .prints = no}, {.typed = "root\r", .prints = no},
        {.typed = "root\r", .prints = no});
    EXPECT_FAILURE(r, "login", "refused the login of \"root\": \"Account exp");
    result_free(&r);
    // The same words before the prompt, of a name that was only lost.
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "box login: "},
        {.typed = "root\r", .prints = no},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\n# "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
}

Test(login, a_password_prompt_in_the_guests_language)
{
    static const char *const prompts[] = {
        "Passwort: ", "Mot de passe : ", "Contrase\xc3\xb1\x61: ",
        "\xe5\xaf\x86\xe7\xa0\x81\xef\xbc\x9a"};
    for (size_t i = 0; i < sizeof(prompts) / sizeof(*prompts); i++) {
        struct result r;
        RUN(LOGIN, &r, {.after_ms = 10, .prints = "login: "},
            {.typed = "root\r", .prints = "root\r\n"}, {.prints = prompts[i]},
            {.typed = "pw\r", .prints = "\r\n# "});
        cr_expect_eq(r.verdict, VERDICT_PASSED, "%s: %s", prompts[i],
                     r.message);
        result_free(&r);
    }
}

Test(login, asked_for_a_password_that_nobody_gave)
{
    struct result r;
    RUN("login \"root\"\n", &r, {.after_ms = 10, .prints = "login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: "});
    EXPECT_FAILURE(r, "login", "the scenario gives none");
    result_free(&r);
}

Test(login, a_kernel_message_cuts_the_prompt)
{
    struct result r;
    RUN(LOGIN, &r,
        {.after_ms = 10,
         .prints = "host login: [    3.141592] random: crng init done\r\n"},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\nhost:~# "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message,
                 result_section(&r, "console"));
    result_free(&r);
}

Test(login, an_overwritten_prompt_is_nudged)
{
    struct result r;
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "garbage over the prompt\r\n"},
        {.typed = "\r", .prints = "\r\nhost login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\n# "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message,
                 result_section(&r, "console"));
    cr_expect_str_eq(fake_typed(), "\rroot\rpw\r");
    result_free(&r);
}

Test(login, a_name_that_was_dropped_is_typed_again)
{
    struct result r;
    RUN(LOGIN, &r, {.after_ms = 10, .prints = "host login: "},
        {.typed = "root\r\r", .prints = "\r\nhost login: "},
        {.typed = "root\r", .prints = "root\r\nPassword: "},
        {.typed = "pw\r", .prints = "\r\n# "});
    cr_expect_eq(r.verdict, VERDICT_PASSED, "%s\n%s", r.message,
                 result_section(&r, "console"));
    cr_expect_eq(times(fake_typed(), "root\r"), 2);
    result_free(&r);
}

Test(login, no_prompt)
{
    struct result r;
    RUN("step-timeout 9s\n" LOGIN, &r, {.after_ms = 10, .prints = "hm\r\n"});
    EXPECT_FAILURE(r, "timeout", "a login prompt did not come within 9 s");
    result_free(&r);
}

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
    const struct line script[] = {
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
