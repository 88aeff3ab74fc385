// SPDX-License-Identifier: Apache-2.0
// Whole scenarios on recorded consoles: login and run say the same however the
// bytes were cut into pieces, on quiet consoles and on noisy ones.
#include "harness/runner/runner.h"
#include "harness/scenario/scenario.h"
#include "harness/tests/kernel_time.h"
#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Lines of a noisy guest come so far apart; its bytes 10 us.
#define LINE_NS  (2 * NS_PER_MS)
#define PAUSE_NS (80 * NS_PER_MS)

static const struct dialogue {
    const char *file, *scenario;
    uint64_t line_ns; // a pause before each line
} dialogues[] = {
    {"noise-levels.raw",
     "login \"root\" password \"root\"\n"
     "run \"echo one; echo two\" as out\ncheck out == \"one\\ntwo\"\n",
     LINE_NS},
    {"noise-daemon.raw",
     "login \"root\" password \"root\"\n"
     "run \"echo one; echo two\" as out\ncheck out has /^one$/m\n"
     "check out has /^two$/m\ncheck status out == 0\n",
     LINE_NS},
    {"noise-sysrq.raw",
     "expect /^root$/m\nexpect /login\\[88\\]: root login/\nexpect /~# $/\n",
     PAUSE_NS},
    {"bash-readline.raw",
     "expect /root@\\(none\\):~# /\nexpect /^(?<word>abc\\S+) end$/m\n"
     "check word == \"abcXYZdef\"\nexpect /^red blink$/m\n"
     "expect /^pasted$/m\nexpect /^twice$/m\nexpect /^through bash$/m\n",
     PAUSE_NS},
    {"ash-progress.raw",
     "expect /100% \\|\\*+\\|\\s+292k/\nexpect /^.saved$|^'f' saved$/m\n"
     "expect /~?\\/?tmp# /\nexpect /^nul  nul$/m\n"
     "expect /^bad \\x{fffd}\\x{fffd} /m\nexpect /^after all of that$/m\n",
     PAUSE_NS},
};
#define DIALOGUES (sizeof dialogues / sizeof *dialogues)

static struct scenario *parse(const struct dialogue *d)
{
    struct diagnostics diags = {0};
    struct error err = {""};
    struct scenario *s = NULL;
    char *text = NULL;
    int len = asprintf(&text,
                       "test \"t\"\nkernel \"/k\"\nallow warning\n"
                       "timeout 60s\nstep-timeout 5s\n%s",
                       d->scenario);
    cr_assert_geq(len, 0);
    int code =
        scenario_parse("t.tc", text, (size_t)len, NULL, 0, &s, &diags, &err);
    cr_assert_eq(code, 0, "%s: %s", d->file,
                 diags.count ? diags.list[0].message : err.text);
    diagnostics_free(&diags);
    free(text);
    return s;
}

// A recording with its times.
struct stream {
    uint8_t *bytes;
    uint64_t *ns;
    size_t len;
};

static struct stream stream_of(const struct dialogue *d)
{
    char path[512];
    struct stream s = {calloc(1, 65536), calloc(65536, sizeof(uint64_t)), 0};
    cr_assert(s.bytes && s.ns);
    snprintf(path, sizeof path, TEST_SOURCE_DIR "/fixtures/consoles/%s",
             d->file);
    FILE *f = fopen(path, "rb");
    cr_assert_not_null(f, "%s", path);
    s.len = fread(s.bytes, 1, 65536, f);
    fclose(f);
    uint64_t ns = 1000 * NS_PER_S;
    struct kernel_time k = {0};
    for (size_t i = 0; i < s.len; i++) {
        const char *rest = (const char *)s.bytes + i;
        size_t used;
        // A kernel's message comes when its clock says.
        bool line = i && s.bytes[i - 1] == '\n' &&
                    kmsg_prefix(rest, s.len - i, &used) != KMSG_YES;
        ns += NS_PER_US * 10 + (line ? d->line_ns : 0);
        ns = kernel_time(&k, rest, s.len - i, ns);
        s.ns[i] = ns;
    }
    return s;
}

static void stream_free(struct stream *s)
{
    free(s->bytes);
    free(s->ns);
}

// ---- A console that gives a stream in pieces --------------------------------

struct played {
    struct console base; // first
    struct stream stream;
    size_t at;
    size_t cut, most; // no piece reaches over cut or is longer than most
    uint64_t now;
};

static int played_read(struct console *c, struct console_batch *out,
                       uint64_t deadline, struct error *err)
{
    (void)err;
    struct played *p = (struct played *)c;
    const struct stream *s = &p->stream;
    out->kind = CONSOLE_TIMEOUT;
    out->port = 0;
    out->len = out->nstamps = 0;
    size_t most = p->most && p->most < CONSOLE_BATCH ? p->most : CONSOLE_BATCH;
    while (p->at < s->len && s->ns[p->at] <= deadline && out->len < most &&
           !(out->len && p->at == p->cut)) {
        out->kind = CONSOLE_BYTES;
        p->now = s->ns[p->at];
        out->stamps[out->nstamps++] =
            (struct stamp){(uint32_t)out->len, p->now};
        out->bytes[out->len++] = s->bytes[p->at++];
    }
    if (!out->len && deadline > p->now)
        p->now = deadline;
    out->now_ns = p->now;
    return 0;
}

static int played_write(struct console *c, unsigned port, const void *bytes,
                        size_t len, struct error *err)
{
    (void)c;
    (void)port;
    (void)bytes;
    (void)len;
    (void)err;
    return 0;
}

static size_t played_unread(struct console *c, unsigned port)
{
    (void)c;
    (void)port;
    return 0;
}

static uint64_t played_now(struct console *c)
{
    return ((struct played *)c)->now;
}

static const struct console_ops played_ops = {.read = played_read,
                                              .write = played_write,
                                              .unread = played_unread,
                                              .now = played_now};

// All that a result says, as text.
static char *play(const struct dialogue *d, const struct scenario *s,
                  size_t cut, size_t most)
{
    struct played p = {.base = {&played_ops},
                       .stream = stream_of(d),
                       .cut = cut,
                       .most = most};
    p.now = p.stream.ns[0];
    struct run_options o = {.scenario = s,
                            .console = &p.base,
                            .started_ns = p.now,
                            .timeout_scale = 1,
                            .judge_marks = true,
                            .nonce = 0x1234};
    struct result r;
    result_init(&r);
    cr_assert_eq(run_scenario(&o, &r), 0);
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    fprintf(f, "%s: %s at %s\n", verdict_name(r.verdict), r.message, r.where);
    for (size_t i = 0; i < r.nmarks; i++) {
        fprintf(f, "%s %lu\n", r.marks[i].name,
                (unsigned long)r.marks[i].wall_ns);
    }
    for (size_t i = 0; i < r.nnotes; i++) {
        fprintf(f, "%s %lu %s\n", r.notes[i].where,
                (unsigned long)r.notes[i].at_ns, r.notes[i].text);
    }
    if (r.verdict != VERDICT_PASSED) {
        fprintf(f, "%s\n", result_section(&r, "console"));
    }
    fclose(f);
    result_free(&r);
    stream_free(&p.stream);
    return text;
}

static void compare(const struct dialogue *d, const struct scenario *s,
                    const char *expected, size_t cut, size_t most)
{
    char *got = play(d, s, cut, most);
    cr_assert_str_eq(got, expected, "%s cut at %zu, pieces of %zu:\n%s\n%s",
                     d->file, cut, most, got, expected);
    free(got);
}

// A sanitizer makes each longer.
#ifdef __SANITIZE_ADDRESS__
#define CUT_STEP 31
#else
#define CUT_STEP 7
#endif

static void play_all_ways(const struct dialogue *d)
{
    struct scenario *s = parse(d);
    char *expected = play(d, s, 0, 0);
    cr_assert(strncmp(expected, "passed", 6) == 0, "%s: %s", d->file, expected);
    struct stream whole = stream_of(d);
    for (size_t most = 1; most <= 64; most *= 2)
        compare(d, s, expected, 0, most);
    // Every place in turn takes a minute: some of them, others each time that
    // the recording changes.
    for (size_t cut = 1 + whole.len % CUT_STEP; cut < whole.len;
         cut += CUT_STEP)
        compare(d, s, expected, cut, 0);
    stream_free(&whole);
    free(expected);
    scenario_free(s);
}

Test(recordings, say_the_same_in_any_pieces, .timeout = 900)
{
    for (size_t i = 0; i < DIALOGUES; i++) {
        play_all_ways(&dialogues[i]);
    }
}
