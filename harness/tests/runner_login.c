// SPDX-License-Identifier: Apache-2.0
// login against scripted guests.
#include "harness/tests/runner_fake.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <string.h>

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
