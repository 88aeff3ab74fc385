// SPDX-License-Identifier: Apache-2.0
// What `run` types, given to real shells of this host that trace what they do
// (set -x, set -v): none of the harness's own traces is between the markers.
#include "harness/tests/runner_fake.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The markers of the tests' nonce.
#define BEGIN(n)       "<000" #n "1234>\r\n"
#define END(n, status) "<000" #n "1234:" #status ">\r\n"

// A shell that reads what is typed as on a terminal: interactive, in a session
// of its own, without the settings of whoever runs the test. It says "here"
// when it is installed.
#define SHELL                                                                  \
    "command -v %.*s >/dev/null || exit 0; echo here; cd /tmp; env -i "        \
    "PATH=\"$PATH\" PS4='+ ' setsid -w %s <%s 2>&1"

// The shell's answer to its input; heap, or NULL when there is no such shell.
static char *answer(const char *shell, const char *typed)
{
    char name[] = "/tmp/tracing-XXXXXX";
    int fd = mkstemp(name);
    cr_assert_geq(fd, 0);
    FILE *f = fdopen(fd, "w");
    for (const char *at = typed; *at; at++)
        fputc(*at == '\r' ? '\n' : *at, f);
    fclose(f);
    char *command = NULL;
    cr_assert_geq(
        asprintf(&command, SHELL, (int)strcspn(shell, " "), shell, shell, name),
        0);
    FILE *out = popen(command, "r");
    cr_assert_not_null(out);
    char *text = calloc(1, 1 << 16);
    cr_assert_not_null(text);
    size_t len = fread(text, 1, (1 << 16) - 1, out);
    text[len] = '\0';
    pclose(out);
    remove(name);
    free(command);
    if (strncmp(text, "here\n", 5) == 0)
        return text;
    free(text);
    return NULL;
}

// The n-th command's output is as it must be, and so is its status.
static void captured(const char *text, const char *shell, unsigned n,
                     const char *output, unsigned status)
{
    char begin[32];
    char want[2048];
    snprintf(begin, sizeof(begin), "<000%u1234>\n", n);
    snprintf(want, sizeof(want), "%s%s<000%u1234:%u>\n", begin, output, n,
             status);
    const char *at = NULL; // a long command has several, the last one counts
    for (const char *next = text; (next = strstr(next, begin)); next++)
        at = next;
    cr_expect(at && strncmp(at, want, strlen(want)) == 0,
              "%s: command %u: want <%s>, got <%s>", shell, n, want, text);
}

static const char *const shells[] = {"bash --norc --noprofile -i",
                                     "bash --norc --noprofile --posix -i",
                                     "dash -i", "busybox ash -i"};
#define SHELLS (sizeof(shells) / sizeof(*shells))

// Whether the options that `echo "[$-]"` has shown have both of them.
static bool traces(const char *text)
{
    const char *at = strrchr(text, '[');
    size_t len = at ? strcspn(at, "]") : 0;
    return len && memchr(at, 'x', len) && memchr(at, 'v', len);
}

// Whatever form a command is typed in: plain, encoded, in pieces.
Test(tracing, is_not_in_a_capture)
{
    char longer[512];
    memset(longer, 'y', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    char scenario[2048];
    snprintf(scenario, sizeof(scenario),
             "run \"pwd; (exit 3)\" status 3\n"
             "run \"echo 'q  r'; echo two >&2\"\n"
             "run \"echo \xc3\xa4\\necho 'it'\"\nrun \"echo %s\"\n",
             longer);
    const struct script_line script[] = {
        {.typed = "$?\\>", .prints = BEGIN(1) END(1, 3)},
        {.typed = "$?\\>", .prints = BEGIN(2) END(2, 0)},
        {.typed = "$?\\>", .prints = BEGIN(3) END(3, 0)},
        {.typed = "1234\\>;} 2>&-", .prints = BEGIN(4)},
        {.typed = "1234\\>;} 2>&-", .prints = BEGIN(4)},
        {.typed = "$?\\>", .prints = BEGIN(4) END(4, 0)},
    };
    struct result r;
    fake_run(scenario, script, sizeof(script) / sizeof(*script), NULL, &r);
    cr_assert_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
    char typed[8192];
    snprintf(typed, sizeof(typed), "set -xv\r%secho \"[$-]\"\r", fake_typed());
    for (size_t i = 0; i < SHELLS; i++) {
        char *text = answer(shells[i], typed);
        if (!text)
            continue;
        char want[600];
        snprintf(want, sizeof(want), "%s\n", longer);
        captured(text, shells[i], 1, "/tmp\n", 3);
        captured(text, shells[i], 2, "q  r\ntwo\n", 0);
        captured(text, shells[i], 3, "\xc3\xa4\nit\n", 0);
        captured(text, shells[i], 4, want, 0);
        cr_expect(traces(text), "%s: it traces again", shells[i]);
        free(text);
    }
}

// Tracing that a `run` has set holds for what is typed, and not for the next.
Test(tracing, set_by_a_command)
{
    struct result r;
    RUN("run \"set -xv\"\nrun \"pwd\"\nrun \"echo a\"\n", &r,
        {.typed = "$?\\>", .prints = BEGIN(1) END(1, 0)},
        {.typed = "$?\\>", .prints = BEGIN(2) END(2, 0)},
        {.typed = "$?\\>", .prints = BEGIN(3) END(3, 0)});
    cr_assert_eq(r.verdict, VERDICT_PASSED, "%s", r.message);
    result_free(&r);
    char typed[8192];
    snprintf(typed, sizeof(typed), "%secho \"[$-]\"\r", fake_typed());
    for (size_t i = 0; i < SHELLS; i++) {
        char *text = answer(shells[i], typed);
        if (!text)
            continue;
        captured(text, shells[i], 2, "/tmp\n", 0);
        captured(text, shells[i], 3, "a\n", 0);
        cr_expect(traces(text), "%s: it traces again", shells[i]);
        free(text);
    }
}
