// SPDX-License-Identifier: Apache-2.0
// From dialogues to steps, as a table.
#include "harness/tests/learn_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 40

struct dialogue {
    const char *name;
    const char *elements[MOST];
    const char *steps;
};

#define LOGIN                                                                  \
    "<\nWelcome\n(none) login: ", "=root", "<Password: ", "*pw",               \
        "<\nHello.\n(none):~# "

static const struct dialogue dialogues[] = {
    {"a login and a command",
     {LOGIN, "=ls -l /", "<bin  etc\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "run     \"ls -l /\" status any\n"},
    {"no password is asked for",
     {"<login: ", "=root", "<# ", "=id", "<uid=0\n# "},
     "login   \"root\"\n"
     "run     \"id\" status any\n"},
    {"an empty password",
     {"<login: ", "=root", "<Password: ", "*", "<# "},
     "login   \"root\" password \"\"\n"},
    {"a name in two pieces, mended with Backspace",
     {"<login: ", "=rooo\x7ft", "<Password: ", "*pwx\x7f", "<# "},
     "login   \"root\" password \"pw\"\n"},
    {"a kernel message behind the prompt",
     {"<login: ", "<[    3.141592] random: crng init done\n", "=root",
      "<Password: ", "<[    3.241592] eth0: up\n", "*pw", "<# "},
     "login   \"root\" password \"pw\"\n"},
    {"a kernel message within a command's line",
     {LOGIN, ">l", "<l[    9.141592] usb 1-1: new\n", "=s", "<bin\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "run     \"ls\" status any\n"},
    {"Enter alone is nothing",
     {"<login: ", "=", "<login: ", "=root", "<# ", "=", "<# ", "=id", "<0\n# "},
     "login   \"root\"\n"
     "run     \"id\" status any\n"},
    {"a login that is refused, and another",
     {"<login: ", "=root", "<Password: ", "*no", "<\nLogin incorrect\nlogin: ",
      "=root", "<Password: ", "*pw", "<# ", "=id", "<0\n# "},
     "# A login was refused here; it is left out.\n"
     "login   \"root\" password \"pw\"\n"
     "run     \"id\" status any\n"},
    {"a shell whose prompt `login` doesn't know",
     {"<login: ", "=ann", "<Password: ", "*pw", "<box => ", "=x",
      "<1\nbox => "},
     "login   \"ann\" password \"pw\"\n"
     "send    \"x\"\n"
     "expect  /box => $/\n"},
    {"a prompt of one's own",
     {"<login: ", "=ann", "<Password: ", "*pw", "<ann@box \xe2\x9d\xaf ", "=x",
      "<1\nann@box \xe2\x9d\xaf "},
     "login   \"ann\" password \"pw\" prompt /ann@box \xe2\x9d\xaf $/\n"
     "send    \"x\"\n"
     "expect  /ann@box \xe2\x9d\xaf $/\n"},
    {"a new password is asked for",
     {"<login: ", "=ann", "<Password: ", "*pw", "<New password: ", "*pw2",
      "<$ "},
     "expect  /login: $/\n"
     "send    \"ann\"\n"
     "expect  /Password: $/\n"
     "send    \"${secret}\" secret\n"
     "expect  /New password: $/\n"
     "send    \"${secret2}\" secret\n"
     "expect  /\\$ $/\n"},
    {"a shell at once",
     {"<booted\n~ # ", "=ls", "<bin\n~ # ", "=pwd", "</\n~ # "},
     "expect  /~ # $/\n"
     "run     \"ls\" status any\n"
     "run     \"pwd\" status any\n"},
    {"the folder in the prompt changes",
     {"<root@a:~# ", "=cd /tmp", "<root@a:/tmp# ", "=read x", "~200", "=1",
      "<root@a:/tmp# ", "=su ann", "<ann@a:/tmp$ "},
     "expect  /root@a:.*# $/\n"
     "run     \"cd /tmp\" status any\n"
     "expect  /root@a:.*# $/\n"
     "send    \"read x\"\n"
     "expect  /read x\\n$/\n"
     "send    \"1\"\n"
     "expect  /root@a:.*# $/\n"
     "send    \"su ann\"\n"
     "expect  m{ann@a:/tmp\\$ $}\n"},
    {"a clock in the prompt",
     {"<[10:01] # ", "=ls", "<bin\n[10:02] # ", "=pwd", "</\n[10:13] # "},
     "expect  /\\[10:\\d+\\] # $/\n"
     "run     \"ls\" status any\n"
     "run     \"pwd\" status any\n"},
    {"a program that asks",
     {LOGIN, "=setup", "<Name? [x] ", "=me", "<Really (y/n)? ", "=y",
      "<done\n(none):~# ", "=id", "<0\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "send    \"setup\"\n"
     "expect  /Name\\? \\[x\\] $/\n"
     "send    \"me\"\n"
     "expect  m{Really \\(y/n\\)\\? $}\n"
     "send    \"y\"\n"
     "expect  /\\(none\\):~# $/\n"
     "run     \"id\" status any\n"},
    {"a shell within the shell",
     {LOGIN, "=sh", "<(none):~# ", "=exit", "<(none):~# ", "=id",
      "<0\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "send    \"sh\"\n"
     "expect  /\\(none\\):~# $/\n"
     "send    \"exit\"\n"
     "expect  /\\(none\\):~# $/\n"
     "run     \"id\" status any\n"},
    {"behind `run` the prompt is waited for",
     {LOGIN, "=ls", "<bin\n(none):~# ", "=sh", "<$ "},
     "login   \"root\" password \"pw\"\n"
     "run     \"ls\" status any\n"
     "expect  /\\(none\\):~# $/\n"
     "send    \"sh\"\n"
     "expect  /\\$ $/\n"},
    {"another's secret, and the login's",
     {LOGIN, "=sudo id", "<[sudo] password for x: ", "*hush", "<0\n(none):~# ",
      "=sudo ls", "<Password: ", "*pw", "<0\n(none):~# ", "=sudo w",
      "<Password: ", "*hush", "<0\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "send    \"sudo id\"\n"
     "expect  /\\[sudo\\] password for x: $/\n"
     "send    \"${secret}\" secret\n"
     "expect  /\\(none\\):~# $/\n"
     "send    \"sudo ls\"\n"
     "expect  /Password: $/\n"
     "send    \"pw\" secret\n"
     "expect  /\\(none\\):~# $/\n"
     "send    \"sudo w\"\n"
     "expect  /Password: $/\n"
     "send    \"${secret}\" secret\n"
     "expect  /\\(none\\):~# $/\n"},
    {"a secret with stars, and one that no word announces",
     {"<PIN? ", ">1", "<*", ">2", "<*", ">\r", "<\nToken ", "*abc", "<\n# "},
     "expect  /PIN\\? $/\n"
     "send    \"${secret}\" secret\n"
     "expect  /Token $/\n"
     "send    \"${secret2}\" secret\n"
     "expect  /# $/\n"},
    {"a secret behind which no Enter is echoed",
     {LOGIN, "=read -s x", "<Token: ", ">abc", ">\r", "<got abc\n(none):~# ",
      "=read -s x", "<Token: ", ">abc", ">\r", "<(none):~# ", "=id",
      "<0\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "send    \"read -s x\"\n"
     "expect  /Token: $/\n"
     "send    \"${secret}\" secret\n"
     "expect  /\\(none\\):~# $/\n"
     "send    \"read -s x\"\n"
     "expect  /Token: $/\n"
     "send    \"${secret}\" secret\n"
     "expect  /\\(none\\):~# $/\n"
     "run     \"id\" status any\n"},
    {"a key behind which no line ends",
     {LOGIN, "=read -n 1 k", "<Key? ", ">y", "<y(none):~# ", "=id",
      "<0\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "send    \"read -n 1 k\"\n"
     "expect  /Key\\? $/\n"
     "type    \"y\"\n"
     "expect  /\\(none\\):~# $/\n"
     "run     \"id\" status any\n"},
    {"another port, and Enter behind that",
     {LOGIN, "=x &", "<(none):~# ", "@1", "=hello", "<hi\n", "@0", "=",
      "<(none):~# ", "=id", "<0\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "run     \"x &\" status any\n"
     "send    on ttyS1 \"hello\"\n"
     "run     \"id\" status any\n"},
    {"Ctrl-C ends a silent command",
     {LOGIN, "=sleep 100", "~3300", ">\x03", "<^C\n(none):~# ", "=id",
      "<0\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "send    \"sleep 100\"\n"
     "expect  /sleep 100\\n$/\n"
     "expect  idle 3s\n"
     "key     ctrl-c\n"
     "expect  /\\(none\\):~# $/\n"
     "run     \"id\" status any\n"},
    {"Ctrl-C ends one that prints",
     {LOGIN, "=ping a", "<64 bytes: seq=0 time=1.5 ms\n",
      "<64 bytes: seq=1 time=1.4 ms\n", "~2000", ">\x03", "<^C\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "send    \"ping a\"\n"
     "expect  /\\d+ bytes: seq=\\d+ time=\\d+\\.\\d+ ms\\n$/\n"
     "key     ctrl-c\n"
     "expect  /\\(none\\):~# $/\n"},
    {"a line that is given up",
     {LOGIN, ">rm", "<rm", ">\x03", "<^C\n(none):~# ", "=id", "<0\n(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "run     \"id\" status any\n"},
    {"Ctrl-D leaves",
     {LOGIN, ">\x04", "<exit\n(none) login: "},
     "login   \"root\" password \"pw\"\n"
     "key     ctrl-d\n"
     "expect  /\\(none\\) login: $/\n"},
    {"lines for a program, and Ctrl-D",
     {LOGIN, "=cat", "~200", "=one", "<one\n", ">\x04", "<(none):~# "},
     "login   \"root\" password \"pw\"\n"
     "send    \"cat\"\n"
     "expect  /cat\\n$/\n"
     "send    \"one\"\n"
     "expect  /one\\n$/\n"
     "key     ctrl-d\n"
     "expect  /\\(none\\):~# $/\n"},
};

Test(learn_dialogues, table)
{
    static const size_t pieces[] = {0, 1, 3};
    for (size_t i = 0; i < sizeof dialogues / sizeof *dialogues; i++) {
        const struct dialogue *d = &dialogues[i];
        for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
            struct talk t = talk_begin();
            t.piece = pieces[p];
            talk_all(&t, d->elements);
            char *steps = talk_steps(&t);
            cr_expect_str_eq(steps, d->steps, "%s:\n%s--- instead of\n%s",
                             d->name, steps, d->steps);
            free(steps);
        }
    }
}

// What is said of it, to whoever reads the file and to whoever calls.
Test(learn_dialogues, words)
{
    struct learn_summary told;
    struct talk t = talk_begin();
    talk_all(&t, (const char *const[]){LOGIN, "=ls", "<x\n(none):~# ",
                                       "=sudo w", "<Password: ", "*hush",
                                       "<x\n(none):~# ", NULL});
    char *text = talk_text(&t, &told);
    cr_expect_eq(told.steps, 7);
    cr_expect(told.has_password);
    cr_assert_eq(told.nsecrets, 1);
    cr_expect_str_eq(told.secrets[0], "secret");
    cr_expect(strstr(text, "# `status any`:"));
    cr_expect(strstr(text, "#     --set secret=...\n"));
    cr_expect(
        strstr(text, "# It holds a login's password.\nguest   busybox\n"));
    cr_expect(!strstr(text, "hush"));
    cr_expect(!strstr(text, "timeout"));
    learn_free(t.learn);
    free(text);

    t = talk_begin();
    talk_all(&t, (const char *const[]){"<x\n", "!poweroff", NULL});
    text = talk_text(&t, &told);
    cr_expect_eq(told.steps, 1);
    cr_expect(!told.has_password && !told.nsecrets);
    cr_expect(!strstr(text, "status any") && !strstr(text, "password"));
    learn_free(t.learn);
    free(text);
}

// What a kernel has reported fails no test that was learnt of it.
Test(learn_dialogues, trouble)
{
    struct learn_summary told;
    struct talk t = talk_begin();
    talk_all(&t, (const char *const[]){
                     LOGIN, "=modprobe a",
                     "+[    9.000001] WARNING: CPU: 0 PID: 7 at a.c:3 f+0x1\n",
                     "+[    9.000002] BUG: sleeping function in its report\n",
                     "<(none):~# ", "~3000", "=x",
                     "<[   15.000001] BUG: KASAN: use-after-free in f\t\n",
                     "<(none):~# ", NULL});
    char *text = talk_text(&t, &told);
    cr_expect_eq(told.nallowed, 2);
    cr_expect(strstr(text, "\nallow   warning\n"), "%s", text);
    cr_expect(strstr(text, "\nallow   kasan\n"), "%s", text);
    cr_expect(!strstr(text, "allow   bug"), "%s", text);
    cr_expect(strstr(text, "] BUG: KASAN: use-after-free in f\n"), "%s", text);
    learn_free(t.learn);
    free(text);
    // A program's words are none of the kernel's.
    t = talk_begin();
    talk_all(&t,
             (const char *const[]){"<WARNING: CPU: x\n# ", "=x", "<# ", NULL});
    text = talk_text(&t, &told);
    cr_expect_eq(told.nallowed, 0, "%s", text);
    learn_free(t.learn);
    free(text);
}

// A session without an end takes no more memory than its steps, which end.
Test(learn_dialogues, bounded)
{
    struct learn_summary told;
    struct talk t = talk_begin();
    char line[64];
    talk_take(&t, "<# ");
    for (int i = 0; i < 6000; i++) {
        snprintf(line, sizeof(line), "=cmd %d", i);
        talk_take(&t, line);
        talk_take(&t, "<x\n# ");
    }
    char *text = talk_text(&t, &told);
    cr_expect_eq(told.steps, 5000);
    cr_expect(strstr(text, "# More was typed than is learnt.\n"));
    cr_expect(strstr(text, "cmd 4998") && !strstr(text, "cmd 4999"));
    learn_free(t.learn);
    free(text);
}
