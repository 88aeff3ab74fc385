// SPDX-License-Identifier: Apache-2.0
// What is learnt of a recorded console, of real shells on a pseudo-terminal,
// and of bytes that nobody has thought of.
#include "harness/tests/learn_util.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- A recorded console -----------------------------------------------------

// Behind the text `cue` a person types.
struct cue {
    const char *text;
    const char *typed;
};

#define ASH "(none):~# \x1b[6n"

static const struct cue cues[] = {
    {"late probe of a disk\r\n", "root\r"},
    {"Password: ", "root\r"},
    {"timekeeping watchdog hiccup\r\n", "ls -lat /\r"},
    {ASH, "ls --color=always /etc | head -20\r"},
    {ASH, "i=0; while [ $i -le 100 ]; do printf '\\r%3d%% [%-20s]' $i $(head "
          "-c $((i/5)) /dev/zero | tr '\\0' '#'); i=$((i+20)); done; echo\r"},
    {ASH, "\x1b[24;11Rprintf 'caf\\303\\251 \\342\\202\\254 \\377\\376 "
          "bad\\n'\r"},
    {ASH, "echo hel\x7f\x7f\x1b[24;11Rello\r"},
    {ASH, "poweroff\r"},
};

static uint8_t *read_console(const char *name, size_t *len)
{
    static uint8_t bytes[1 << 16];
    char path[512];
    snprintf(path, sizeof path, "%s/fixtures/consoles/%s", TEST_SOURCE_DIR,
             name);
    FILE *f = fopen(path, "rbe");
    cr_assert(f, "%s", path);
    *len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return bytes;
}

// The kernel's clock, where one of its messages begins: no byte comes before.
static void wait_for_clock(struct talk *t, const uint8_t *at, size_t len)
{
    char text[32];
    unsigned s, us;
    snprintf(text, sizeof text, "%.*s", (int)(len < 31 ? len : 31), at);
    if (sscanf(text, "[%u.%6u] ", &s, &us) != 2)
        return;
    uint64_t ns = s * UINT64_C(1000000000) + us * UINT64_C(1000) + 2 * LEARN_MS;
    t->ns = t->ns > ns ? t->ns : ns;
}

static bool ends_with(const uint8_t *bytes, size_t len, const char *text)
{
    size_t n = strlen(text);
    return len >= n && !memcmp(bytes + len - n, text, n);
}

Test(learn_recorded, alpine)
{
    size_t len, cue = 0;
    const uint8_t *bytes = read_console("alpine-login.raw", &len);
    struct talk t = talk_begin();
    for (size_t i = 0; i < len; i++) {
        wait_for_clock(&t, bytes + i, len - i);
        talk_print(&t, bytes + i, 1);
        t.ns += LEARN_MS / 100;
        if (cue == sizeof cues / sizeof *cues ||
            !ends_with(bytes, i + 1, cues[cue].text))
            continue;
        t.ns += 200 * LEARN_MS;
        learn_typed(t.learn, 0, cues[cue].typed, strlen(cues[cue].typed), t.ns);
        cue++;
    }
    cr_expect_eq(cue, sizeof cues / sizeof *cues);
    talk_take(&t, "!poweroff");
    char *steps = talk_steps(&t);
    cr_expect_str_eq(
        steps,
        "login   \"root\" password \"root\"\n"
        "run     \"ls -lat /\" status any\n"
        "run     \"ls --color=always /etc | head -20\" status any\n"
        "run     \"i=0; while [ $i -le 100 ]; do printf '\\\\r%3d%% [%-20s]' "
        "$i "
        "$(head -c $((i/5)) /dev/zero | tr '\\\\0' '#'); i=$((i+20)); done; "
        "echo\" status any\n"
        "run     \"printf 'caf\\\\303\\\\251 \\\\342\\\\202\\\\254 "
        "\\\\377\\\\376 "
        "bad\\\\n'\" status any\n"
        "run     \"echo hello\" status any\n"
        "expect  /\\(none\\):~# $/\n"
        "send    \"poweroff\"\n"
        "expect  poweroff within 410s\n",
        "%s", steps);
    free(steps);
}

// ---- Real shells ------------------------------------------------------------

struct shell {
    pid_t pid;
    int fd;
    struct talk talk;
    char seen[1 << 14];
    size_t len;
};

static bool start_shell(struct shell *s, const char *const *argv)
{
    char program[256];
    snprintf(program, sizeof program, "command -v %s >/dev/null", argv[0]);
    if (system(program) != 0)
        return false;
    *s = (struct shell){.talk = talk_begin()};
    s->pid = forkpty(&s->fd, NULL, NULL, NULL);
    cr_assert_geq(s->pid, 0);
    if (!s->pid) {
        char *own[8] = {NULL};
        for (size_t i = 0; argv[i]; i++)
            own[i] = strdup(argv[i]);
        clearenv();
        setenv("PATH", "/usr/bin:/bin", 1);
        setenv("TERM", "vt100", 1);
        setenv("PS1", "me@box:\\w# ", 1);
        setenv("HOME", "/", 1);
        if (chdir("/") == 0)
            execvp(own[0], own);
        _exit(127);
    }
    return true;
}

// Reads until the shell has printed `text` at the end; what it asks the
// terminal for doesn't count.
static void await(struct shell *s, const char *text)
{
    static const char query[] = "\x1b[6n";
    for (;;) {
        uint8_t bytes[512];
        struct pollfd fd = {s->fd, POLLIN, 0};
        size_t len = s->len;
        if (ends_with((uint8_t *)s->seen, len, query))
            len -= sizeof query - 1;
        if (len && ends_with((uint8_t *)s->seen, len, text))
            break;
        cr_assert_eq(poll(&fd, 1, 60000), 1, "no `%s' in `%.*s'", text,
                     (int)s->len, s->seen);
        ssize_t n = read(s->fd, bytes, sizeof bytes);
        cr_assert_gt(n, 0, "no `%s' in `%.*s'", text, (int)s->len, s->seen);
        s->talk.ns += LEARN_MS;
        talk_print(&s->talk, bytes, (size_t)n);
        cr_assert_lt(s->len + (size_t)n, sizeof s->seen);
        memcpy(s->seen + s->len, bytes, (size_t)n);
        s->len += (size_t)n;
    }
    s->len = 0;
    s->talk.ns += 200 * LEARN_MS;
}

static void press(struct shell *s, const char *keys)
{
    s->talk.ns += 10 * LEARN_MS;
    learn_typed(s->talk.learn, 0, keys, strlen(keys), s->talk.ns);
    cr_assert_eq(write(s->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

static void end_shell(struct shell *s, const char *want)
{
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    close(s->fd);
    char *steps = talk_steps(&s->talk);
    cr_expect_str_eq(steps, want, "%s", steps);
    free(steps);
}

// What a shell paints behind a line that it has painted anew, and for a
// Backspace.
struct editor {
    const char *const *argv;
    const char *completed, *erased, *painted;
    bool searches; // Ctrl-R
};

#define TWO "echo one two"

static void use_editor(const struct editor *e)
{
    struct shell s;
    if (!start_shell(&s, e->argv))
        cr_skip_test("%s is not installed", e->argv[0]);
    await(&s, "me@box:/# ");
    press(&s, "cd /etc/ske");
    await(&s, "ske");
    press(&s, "\t");
    await(&s, e->completed);
    press(&s, "\r");
    await(&s, "skel# ");
    press(&s, "echo onee");
    await(&s, "onee");
    press(&s, "\x7f");
    await(&s, e->erased);
    press(&s, " two\r");
    await(&s, "skel# ");
    // The line before with another word at its end, and that one with an x in
    // its middle.
    press(&s, "\x1b[A");
    await(&s, *e->painted ? TWO "\x1b[J" : TWO);
    press(&s, "\x17six\r");
    await(&s, "skel# ");
    press(&s, "\x1b[A\x1b[A\x01\x06\x06\x06\x06\x06x\r");
    await(&s, "skel# ");
    press(&s, e->searches ? "\x12six\r" : "echo one six\r");
    await(&s, "skel# ");
    end_shell(&s, "expect  m{me@box:/.*# $}\n"
                  "run     \"cd /etc/skel/\" status any\n"
                  "run     \"echo one two\" status any\n"
                  "run     \"echo one six\" status any\n"
                  "run     \"echo xone two\" status any\n"
                  "run     \"echo one six\" status any\n");
}

Test(learn_recorded, readline)
{
    static const char *const argv[] = {"bash", "--norc", "--noprofile", "-i",
                                       NULL};
    use_editor(&(struct editor){argv, "l/", "\b \b", "", true});
}

Test(learn_recorded, busybox)
{
    static const char *const argv[] = {"busybox", "ash", "-i", NULL};
    use_editor(
        &(struct editor){argv, "skel/\x1b[J", "\b\x1b[J", "\x1b[J", false});
}

// ---- Anything ---------------------------------------------------------------

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

// Pieces of what matters, so that chance gets somewhere.
static const char *const printed[] = {
    "# ",
    "$ ",
    "login: ",
    "Password: ",
    "\r\n",
    "\r",
    "\n",
    "\x1b[H",
    "\x1b[J",
    "\x1b[?1049h",
    "\b \b",
    "x",
    "*",
    "[    5.123456] usb: new\n",
    "\x1b[1@",
    "\x1b[999P",
    "\x1b[9A",
    "\xe2\x9d\xaf ",
    "\xff",
    "${x}",
    "/{}()[]\\$",
    "--More--",
    "Login incorrect\r\n",
    "\x1b[80C",
    "\t",
    "Kernel panic - not syncing: x\r\n",
};
static const char *const typed[] = {
    "\r",        "\r",       "ls",        "root",      "\x7f",
    "\x17",      "\x15",     "\x03",      "\x04",      "\t",
    "\x1b[A",    "\x1b",     "\x1b[1;2R", "echo $?\r", "exit\r",
    "\"\\${x}'", "\xe2\x9d", "\xff",      "\x1b]0;",   "\x1a",
};

static void say_anything(struct talk *t, uint64_t *state)
{
    uint64_t r = next_random(state);
    const char *text = printed[(r >> 8) % (sizeof printed / sizeof *printed)];
    const char *keys = typed[(r >> 16) % (sizeof typed / sizeof *typed)];
    t->port = (r >> 24) % 16 ? t->port : (unsigned)((r >> 32) % 7);
    t->ns += (r >> 40) % 4 ? LEARN_MS : 900 * LEARN_MS;
    if (r % 8 < 4)
        talk_print(t, text, strlen(text));
    else if (r % 8 < 7)
        learn_typed(t->learn, t->port, keys, strlen(keys), t->ns);
    else
        learn_expect(t->learn, t->port);
}

// Whatever comes, what is written is a scenario, or there are no steps.
Test(learn_recorded, anything)
{
    uint64_t state = 1;
    for (int i = 0; i < 2000; i++) {
        struct learn_summary told;
        struct talk t = talk_begin();
        t.unquiet = true;
        for (int n = 0; n < 60; n++)
            say_anything(&t, &state);
        if (i % 3 == 0)
            talk_take(&t, "!reset");
        char *text = talk_text(&t, &told);
        free(text);
        learn_free(t.learn);
    }
}

// A line is longer than all that is kept, and so is what is typed.
Test(learn_recorded, too_long)
{
    struct talk t = talk_begin();
    talk_take(&t, "<# ");
    for (int i = 0; i < 30000; i++)
        learn_typed(t.learn, 0, "x", 1, t.ns);
    for (int i = 0; i < 30000; i++)
        talk_print(&t, "x", 1);
    learn_typed(t.learn, 0, "\r", 1, t.ns);
    talk_take(&t, "<\n# ");
    char *steps = talk_steps(&t);
    cr_expect_str_eq(steps,
                     "expect  /# $/\n"
                     "# What was typed here was too long to be learnt.\n"
                     "expect  /# $/\n",
                     "%s", steps);
    free(steps);
}
