// SPDX-License-Identifier: Apache-2.0
// A recorded run and its replays are the same, field by field.
#include "harness/recording/typed.h"
#include "harness/tests/recording_util.h"

#include <string.h>

// Recorded, replayed, and replayed byte by byte. Byte by byte the run notices
// things at other moments than in the recorded pieces: no times then.
#define SAME(scenario, ...)                                                    \
    do {                                                                       \
        struct replayed r_ =                                                   \
            RECORD(own_file("same.tvr"), scenario, __VA_ARGS__);               \
        cr_assert_str_eq(r_.replayed, r_.recorded);                            \
        cr_assert_str_eq(r_.in_pieces, r_.recorded_coarse);                    \
        replayed_free(&r_);                                                    \
    } while (0)

static const struct script_line boot = {
    NULL, 100, "Linux version 6.1\r\nRun /init as init process\r\n", 0};
static const struct script_line prompt = {
    NULL, 400, "\r\nWelcome to Toy 3.1\r\nbox login: ", 0};

Test(recording_replay, login_and_commands)
{
    SAME("expect /Welcome to (?<os>[^\\r\\n]+)/\n"
         "log \"it is ${os}\"\n"
         "login \"root\" password \"pw\"\n"
         "run \"echo hi\" as out\n"
         "log \"said ${out}\"\n"
         "check out has /hi/\n"
         "check status out == 0\n"
         "mark configured\n",
         {NULL, 0, NULL, EVENT(TOYVMM_EVENT_STARTED)}, boot, prompt,
         {"root\r", 3, "root\r\n", 0}, {NULL, 20, "Password: ", 0},
         {"pw\r", 30, "\r\nbox:~# ", 0},
         {"<00011234:$?\\>\r", 2,
          "echo \\<00011234\\>;...\r\n<00011234>\r\nhi\r\n<00011234:0>\r\n", 0},
         {NULL, 5, "box:~# ", 0});
}

Test(recording_replay, a_wait_that_fails)
{
    SAME("step-timeout 2s\nexpect /login: $/\nexpect /it never comes/\n", boot,
         prompt);
}

Test(recording_replay, a_nudge)
{
    SAME("login \"root\"\n", boot, {NULL, 1, "garbled", 0},
         {"\r", 10, "\r\nbox login: ", 0}, {"root\r", 1, "root\r\n", 0},
         {NULL, 1, "# ", 0});
}

Test(recording_replay, a_break)
{
    SAME("key break\ntype \"h\"\nexpect /HELP/\n",
         {"<break>h", 1, "sysrq: HELP : loglevel(0-9)\r\n", 0});
}

// What is typed, as the sides of a comparison: '^' is a break.
static void type(struct typed *t, enum typed_side side, const char *what)
{
    for (; *what; what++) {
        const uint8_t byte = *what == '0' ? 0 : (uint8_t)*what;
        if (*what == '^')
            typed_break(t, side, 0, 1);
        else
            typed_add(t, side, 0, &byte, 1, false, 1);
    }
}

// Breaks are compared with those of then, in order with the bytes.
Test(recording_replay, a_break_that_differs)
{
    static const char *const others[] = {"h^", "h", "0h", "^^h", "^0h", ""};
    for (size_t i = 0; i <= sizeof(others) / sizeof(others[0]); i++) {
        struct typed t = {0};
        const char *now = i ? others[i - 1] : "^h";
        type(&t, TYPED_THEN, "^h");
        type(&t, TYPED_NOW, now);
        typed_finish(&t, false);
        cr_expect_eq(t.differs, i > 0, "%s", now);
        typed_free(&t);
    }
}

Test(recording_replay, a_machine_that_ends)
{
    SAME("expect /login: $/\n", boot,
         {NULL, 1, "[    1.0] reboot: Restarting system\r\n", 0},
         {NULL, 1, NULL, EVENT(TOYVMM_EVENT_RESET)});
    SAME("expect poweroff\nlog \"gone\"\n", boot,
         {NULL, 1, NULL, EVENT(TOYVMM_EVENT_POWEROFF)});
}

Test(recording_replay, a_kernel_that_dies)
{
    SAME(
        "expect /login: $/\n", boot,
        {NULL, 1,
         "[    2.5] Kernel panic - not syncing: Attempted to kill init! "
         "exitcode=0x00000100\r\n",
         0},
        {NULL, 1, "[    2.6] ---[ end Kernel panic - not syncing ]---\r\n", 0});
}

Test(recording_replay, branches_groups_idle)
{
    SAME("expect one { /login: $/ { log \"a\" } /# $/ { log \"b\" } }\n"
         "group \"g\" { send \"x\" \n expect idle 1s }\n"
         "expect one within 1s { /zz/ { } timeout { log \"none\" } }\n",
         {NULL, 1, "box login: ", 0}, {"x\r", 7, "x", 0});
}

Test(recording_replay, a_failed_check_and_unjudged_mark)
{
    SAME("expect /Welcome to (?<os>\\S+)/ mark hello\n"
         "check os == \"Other\"\n"
         "check mark hello < 10ms\n",
         boot, prompt);
}
