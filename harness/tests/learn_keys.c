// SPDX-License-Identifier: Apache-2.0
// Keys that are no plain lines: line editors, programs that read single keys
// or paint the screen, what is typed ahead; ports, waits, ends.
#include "harness/tests/learn_util.h"

#include <stdlib.h>
#include <string.h>

#define PROMPT   "root@a:~# "
#define AT_SHELL "expect  /root@a:~# $/\n"

static void talk_is(bool hasty, const char *const *elements, const char *want)
{
    struct talk t = talk_begin();
    t.unquiet = hasty;
    talk_all(&t, elements);
    char *steps = talk_steps(&t);
    cr_expect_str_eq(steps, want, "%s--- instead of\n%s", steps, want);
    free(steps);
}

#define TALK(want, ...)                                                        \
    talk_is(false, (const char *const[]){__VA_ARGS__, NULL}, want)
// What is waited for stood there for too short a time: a guest would wait.
#define HASTY_TALK(want, ...)                                                  \
    talk_is(true, (const char *const[]){__VA_ARGS__, NULL}, want)

Test(learn_keys, completion)
{
    // bash: the rest of the word, and a blank.
    TALK(AT_SHELL "run     \"cat /etc/passwd\" status any\n", "<" PROMPT,
         ">cat", "<cat", "> /etc/pas", "< /etc/pas", ">\t", "<swd ", ">\r",
         "<\nroot:x\n" PROMPT);
    // Two of them: a list, and the line anew.
    TALK(AT_SHELL "run     \"ls /usr/lib\" status any\n", "<" PROMPT,
         ">ls /usr/l", "<ls /usr/l", ">\t", "<\x07", ">\t",
         "<\nlib/   local/\n" PROMPT "ls /usr/l", ">ib", "<ib", ">\r",
         "<\nx\n" PROMPT);
    // BusyBox's paints all of the line.
    TALK(AT_SHELL "run     \"cd /tmp/\" status any\n", "<" PROMPT "\x1b[6n",
         ">\x1b[1;11R", ">cd /t", "<cd /t", ">\t",
         "<\r" PROMPT "cd /tmp/\x1b[J", ">\r", "<\n" PROMPT);
}

Test(learn_keys, history)
{
    TALK(AT_SHELL "run     \"uname -a\" status any\n"
                  "run     \"uname -r\" status any\n",
         "<" PROMPT, "=uname -a", "<Linux\n" PROMPT, ">\x1b[A", "<uname -a",
         ">\x7f", "<\b \b", ">r", "<r", ">\r", "<\n6.1\n" PROMPT);
    // Ctrl-R
    TALK(AT_SHELL "run     \"uname -r\" status any\n", "<" PROMPT, ">\x12",
         "<\r\x1b[K(reverse-i-search)`': ", ">u",
         "<\b\b\bu': uname -r\b\b\b\b\b\b\b\b", ">\r",
         "<\r\x1b[K" PROMPT "uname -r\r\x1b[18C\n6.1\n" PROMPT);
    // Inserted in the middle of the line.
    TALK(AT_SHELL "run     \"lsx -a\" status any\n", "<" PROMPT, ">ls -a",
         "<ls -a", ">\x1b[D\x1b[D\x1b[D", "<\b\b\b", ">x", "<\x1b[1@x", ">\r",
         "<\n" PROMPT);
    // What is typed is longer than the terminal is wide.
    TALK(AT_SHELL
         "run     \"echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\" status any\n",
         "<" PROMPT, ">\x1b[A",
         "<echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaa \raaaaaaaaaaaaa",
         ">\x7f", "<\b\x1b[K", ">b", "<b", ">\r", "<\nx\n" PROMPT);
}

// The kernel's message, or another program's text, is not part of a line.
Test(learn_keys, cut_line)
{
    TALK(AT_SHELL "run     \"uname -a\" status any\n", "<" PROMPT, ">\x1b[A",
         "<uname", "<[    9.141592] usb 1-1: new\n", "< -a", ">\r",
         "<\nLinux\n" PROMPT);
    TALK(AT_SHELL "# What a line editor made of this was not to be seen.\n"
                  "key     up\n"
                  "key     enter\n" AT_SHELL,
         "<" PROMPT, ">\x1b[A", "<uname", "<\nsomebody: hello\n", ">\r",
         "<\nLinux\n" PROMPT);
}

Test(learn_keys, erased)
{
    TALK(AT_SHELL "run     \"ls \xc3\xa4\" status any\n", "<" PROMPT,
         ">rm \xc3\xa4\xc3\xb6", ">\x17", ">\x15", ">ls \xc3\xa4\xc3\xb6",
         ">\x08", "<ls \xc3\xa4", ">\r", "<\n" PROMPT);
    TALK(AT_SHELL "run     \"rm a\" status any\n", "<" PROMPT, ">rm foo bar",
         ">\x17", ">\x17", ">a", "<rm a", ">\r", "<\n" PROMPT);
}

Test(learn_keys, texts)
{
    TALK(AT_SHELL "run     \"echo \\\"\\\\$HOME\\\" \\${x} 'a'\" status any\n",
         "<" PROMPT, "=echo \"\\$HOME\" ${x} 'a'", "<\n" PROMPT);
    // A paste, framed by the terminal.
    TALK(AT_SHELL "run     \"id -u\" status any\n", "<" PROMPT,
         ">\x1b[200~id -u\x1b[201~", "<id -u", ">\r", "<\n0\n" PROMPT);
}

Test(learn_keys, single)
{
    TALK(AT_SHELL "send    \"menu\"\n"
                  "expect  /Choice: $/\n"
                  "type    \"2\"\n"
                  "expect  /Again\\? $/\n"
                  "type    \"n\"\n" AT_SHELL "run     \"id\" status any\n",
         "<" PROMPT, "=menu", "<1) a\n2) b\nChoice: ", ">2", "<2\nAgain? ",
         ">n", "<n\n" PROMPT, "=id", "<0\n" PROMPT);
    TALK(AT_SHELL "send    \"more x\"\n"
                  "expect  /--More--$/\n"
                  "type    \" \"\n"
                  "expect  /--More--$/\n"
                  "type    \"q\"\n" AT_SHELL,
         "<" PROMPT, "=more x", "<a\nb\n--More--", "> ",
         "<\r        \rc\nd\n--More--", ">q", "<\r        \r\n" PROMPT);
}

Test(learn_keys, painted)
{
    TALK(AT_SHELL "send    \"vi x\"\n"
                  "expect  idle 500ms\n"
                  "type    \"ihello\"\n"
                  "key     esc\n"
                  "expect  idle 500ms\n"
                  "type    \":w\"\n"
                  "key     enter\n"
                  "key     esc\n"
                  "expect  idle 500ms\n"
                  "type    \":q\"\n"
                  "key     enter\n" AT_SHELL "run     \"id\" status any\n",
         "<" PROMPT, "=vi x", "<\x1b[?1049h\x1b[H\x1b[J~\n~\n\x1b[24;1H- x 1/1",
         ">i", ">hello", "<\x1b[1;1Hhello", ">\x1b", "~900", "<\x1b[24;1H- x",
         ">:w\r", ">\x1b", ">:q\r", "<\x1b[?1049l\n" PROMPT, "=id",
         "<0\n" PROMPT);
    // A shell that clears the screen paints nothing.
    TALK(AT_SHELL "run     \"clear\" status any\n"
                  "run     \"id\" status any\n",
         "<" PROMPT, "=clear", "<\x1b[H\x1b[2J" PROMPT, "=id", "<0\n" PROMPT);
}

Test(learn_keys, typed_ahead)
{
    // A shell reads it when the command has ended.
    TALK(AT_SHELL "run     \"sleep 5\" status any\n"
                  "run     \"ls\" status any\n"
                  "run     \"id\" status any\n",
         "<" PROMPT, "=sleep 5", "~1000", "=ls", "<" PROMPT "ls\nbin\n" PROMPT,
         "=id", "<0\n" PROMPT);
    // Two of them, in the middle of what is printed.
    TALK(AT_SHELL "run     \"make\" status any\n"
                  "run     \"ls\" status any\n"
                  "run     \"pwd\" status any\n",
         "<" PROMPT, "=make", "+cc", ">ls\rpwd\r",
         "<ls\npwd\n  x\n" PROMPT "ls\nbin\n" PROMPT "pwd\n/root\n" PROMPT);
    // A program reads it.
    TALK(AT_SHELL "send    \"read a b\"\n"
                  "expect  /read a b\\n$/\n"
                  "send    \"one\"\n" AT_SHELL "run     \"id\" status any\n",
         "<" PROMPT, "=read a b", "~300", "=one", "<" PROMPT, "=id",
         "<0\n" PROMPT);
    // ... at once, when it has just asked: a secret stays one.
    HASTY_TALK(AT_SHELL "send    \"ask\"\n"
                        "expect  /Token: $/\n"
                        "send    \"${secret}\" secret\n" AT_SHELL,
               "<" PROMPT, "=ask", "+Token: ", "*abc", "<got abc\n" PROMPT);
    HASTY_TALK(AT_SHELL "send    \"ask\"\n"
                        "expect  /Name: $/\n"
                        "send    \"abc\"\n" AT_SHELL,
               "<" PROMPT, "=ask", "+Name: ", "=abc", "<got abc\n" PROMPT);
    // ... before the Enter of what has started it was echoed.
    HASTY_TALK(AT_SHELL "send    \"ask\"\n"
                        "expect  /ask\\n/\n"
                        "send    \"abc\"\n" AT_SHELL,
               "<" PROMPT, ">ask", "+ask", ">\r", ">abc\r", "+\nabc\n",
               "<got abc\n" PROMPT);
    // ... while it prints.
    TALK(AT_SHELL "send    \"ask\"\n"
                  "expect  /one\\n/\n"
                  "send    \"y\"\n" AT_SHELL,
         "<" PROMPT, "=ask", "+one\ntw", ">y", "+yo\n", ">\r",
         "<\nthree\n" PROMPT);
    // The machine ends of it.
    TALK(AT_SHELL "run     \"sleep 5\" status any\n" AT_SHELL
                  "send    \"poweroff\"\n"
                  "expect  poweroff\n",
         "<" PROMPT, "=sleep 5", "~1000", "=poweroff",
         "<" PROMPT "poweroff\n" PROMPT, "!poweroff");
    // ... unseen, without a prompt.
    TALK(AT_SHELL "send    \"read -s x\"\n"
                  "expect  /read -s x\\n$/\n"
                  "send    \"${secret}\" secret\n" AT_SHELL,
         "<" PROMPT, "=read -s x", "~300", "*one", "<" PROMPT);
}

Test(learn_keys, ports)
{
    TALK("login   \"root\"\n"
         "send    \"read a </dev/ttyS1\"\n"
         "expect  on ttyS1 /Say: $/\n"
         "send    on ttyS1 \"hello\"\n"
         "expect  /# $/\n"
         "run     \"id\" status any\n"
         "expect  on ttyS1 /\\$ $/\n"
         "run     on ttyS1 \"x\" status any\n",
         "<login: ", "=root", "<# ", "=read a </dev/ttyS1", "@1",
         "<Say: ", "=hello", "<thanks\n", "@0", "<# ", "=id", "<0\n# ", "@1",
         "<$ ", "=x", "<1\n$ ");
}

Test(learn_keys, ends)
{
    TALK(AT_SHELL "send    \"poweroff\"\n"
                  "expect  poweroff\n",
         "<" PROMPT, "=poweroff", "<" PROMPT, "~9000", "!poweroff");
    TALK(AT_SHELL "send    \"reboot\"\n"
                  "expect  reset within 60s\n",
         "<" PROMPT, "=reboot", "~18000", "!reset");
    TALK("expect  poweroff\n", "<booted\n", "!poweroff");
    TALK(AT_SHELL "send    \"boom\"\n"
                  "expect  panic\n",
         "<" PROMPT, "=boom",
         "<[    9.141592] Kernel panic - not syncing: sysrq\n", "!reset");
    TALK("expect  triple-fault\n", "<x\n", "!triple-fault");
    TALK("expect  halt\n", "<x\n", "!halt");
    // Who leaves at once has seen the prompt, if there is one.
    TALK("expect  /login: $/\n", "<booted\nlogin: ");
    TALK("expect  /booted\\n$/\n", "<booted\n");
    TALK("", "~1");
    // A line without its Enter was not given to the guest.
    TALK(AT_SHELL, "<" PROMPT, ">rm -rf", "<rm -rf");
}

Test(learn_keys, waits)
{
    TALK("login   \"root\" within 70s\n"
         "run     \"make\" status any within 180s\n"
         "expect  /# $/\n"
         "send    \"sh\"\n"
         "expect  /\\$ $/ within 40s\n",
         "~21000", "<login: ", "=root", "<# ", "=make", "~59000", "<# ", "=sh",
         "~12000", "<$ ");
    struct learn_summary summary;
    struct talk t = talk_begin();
    talk_all(&t, (const char *const[]){"~200000", "<login: ", NULL});
    char *text = talk_text(&t, &summary);
    cr_expect(strstr(text, "\ntimeout 11m\n"), "%s", text);
    learn_free(t.learn);
    free(text);
}

Test(learn_keys, expected_lines)
{
    TALK("expect  /^Starting: 5 of 5$/m\n"
         "login   \"root\"\n"
         "run     \"uname -r\" status any as uname\n"
         "check   uname has /^6\\.1\\.0-9$/m\n"
         "run     \"uname\" status any as uname_2\n"
         "check   uname_2 has /^Linux$/m\n"
         "expect  /# $/\n"
         "send    \"menu\"\n"
         "expect  m{^1/2$}m\n"
         "expect  /Choice: $/\n"
         "send    \"q\"\n"
         "expect  /# $/\n",
         "<Starting: 5 of 5\n", "?Starting: 5 of 5", "<login: ", "=root", "<# ",
         "?", "=uname -r", "<6.1.0-9\n# ", "?6.1.0-9", "=uname", "<Linux\n# ",
         "?Linux", "=menu", "<1/2\nChoice: ", "?1/2", "=q", "<# ");
    // Blanks at its end; the same once more; one that begins anew.
    TALK("login   \"root\"\n"
         "run     \"x\" status any as x\n"
         "check   x has /^a 1  $/m\n"
         "check   x has /^100%$/m\n",
         "<login: ", "=root", "<# ", "=x", "<a 1  \n\n", "?a 1  ", "?a 1  ",
         "< 50%\r100%\n# ", "?100%");
    TALK("login   \"root\"\n"
         "# A line of the greeting is not expected: `login` reads over it.\n",
         "<login: ", "=root", "<Hello\n# ", "?Hello");
}

Test(learn_keys, asked_status)
{
    TALK(AT_SHELL "run     \"grep x y\" status 1\n"
                  "run     \"true\"\n"
                  "run     \"ls\" status any\n"
                  "run     \"echo $? $HOME\" status any\n",
         "<" PROMPT, "=grep x y", "<" PROMPT, "=echo $?", "<1\n" PROMPT,
         "=true", "<" PROMPT, "=echo $?", "<0\n" PROMPT, "=ls", "<" PROMPT,
         "=echo $? $HOME", "<0 /root\n" PROMPT);
}
