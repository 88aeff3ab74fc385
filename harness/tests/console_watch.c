// SPDX-License-Identifier: Apache-2.0
// Tests of watches: what fires, when, on which line, and that the pieces do not
// matter.
#include "harness/tests/console_util.h"
#include "src/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 32

struct guard {
    struct watch *watch;
    struct pattern *patterns[MOST];
    size_t n;
};

static struct guard guard_of(const char *const *fails,
                             const char *const *allows)
{
    struct error err = {""};
    struct guard g = {.watch = watch_new(&err)};
    cr_assert_not_null(g.watch);
    for (; fails && *fails; fails++) {
        struct pattern *p = g.patterns[g.n++] = must_compile(*fails, 0);
        cr_assert_eq(watch_add_fail(g.watch, p, &err), 0);
    }
    for (; allows && *allows; allows++) {
        struct pattern *p = g.patterns[g.n++] = must_compile(*allows, 0);
        cr_assert_eq(watch_add_allow(g.watch, p, &err), 0);
    }
    return g;
}

static void guard_free(struct guard *g)
{
    watch_free(g->watch);
    for (size_t i = 0; i < g->n; i++) {
        pattern_free(g->patterns[i]);
    }
}

static bool feed(struct guard *g, const char *text, uint64_t ns,
                 struct watch_hit *hit)
{
    struct stamp s = {0, ns};
    return watch_feed(g->watch, (const uint8_t *)text, strlen(text), &s, 1,
                      hit);
}

static const char *const kernel[] = {
    "Kernel panic - not syncing", "BUG: ", "^Oops", "\\d{4}-\\d\\d$", NULL,
};

Test(console_watch, fires_at_the_end_of_the_line)
{
    struct guard g = guard_of(kernel, NULL);
    struct watch_hit hit;
    cr_expect_not(feed(&g, "booting\r\nok\r\n", 1, &hit));
    cr_expect_not(feed(&g, "[    1.000000] Kernel pan", 2, &hit));
    cr_expect_not(feed(&g, "ic - not syncing: VFS", 3, &hit));
    cr_expect(feed(&g, "\r\nnext", 4, &hit));
    cr_expect_eq(hit.index, 0);
    cr_expect_eq(hit.ns, 4);
    cr_expect_not(hit.limit);
    cr_expect_str_eq(hit.line,
                     "[    1.000000] Kernel panic - not syncing: VFS");
    cr_expect_not(feed(&g, "\n", 5, &hit));
    guard_free(&g);
}

Test(console_watch, first_line_and_first_pattern)
{
    struct guard g = guard_of(kernel, NULL);
    struct watch_hit hit;
    cr_expect(
        feed(&g, "a\nOops: BUG: x\nKernel panic - not syncing\n", 1, &hit));
    cr_expect_eq(hit.index, 1);
    cr_expect_str_eq(hit.line, "Oops: BUG: x");
    cr_expect(feed(&g, "not Oops\nOops\n", 2, &hit));
    cr_expect_eq(hit.index, 2);
    cr_expect_str_eq(hit.line, "Oops");
    guard_free(&g);
}

Test(console_watch, patterns_without_a_literal)
{
    struct guard g = guard_of(kernel, NULL);
    struct watch_hit hit;
    cr_expect_not(feed(&g, "2024-01-01\n", 1, &hit));
    cr_expect(feed(&g, "x\n2024-01\n", 2, &hit));
    cr_expect_eq(hit.index, 3);
    cr_expect_str_eq(hit.line, "2024-01");
    guard_free(&g);
}

Test(console_watch, allowed_lines_do_not_fire)
{
    static const char *const allows[] = {"BUG: harmless", "^known", NULL};
    struct guard g = guard_of(kernel, allows);
    struct watch_hit hit;
    cr_expect_not(watch_allowed(g.watch, &hit));
    cr_expect_not(feed(&g, "BUG: harmless\nknown BUG: x\n", 1, &hit));
    cr_expect(watch_allowed(g.watch, &hit));
    cr_expect_str_eq(hit.line, "known BUG: x");
    cr_expect(feed(&g, "un known BUG: y\n", 2, &hit));
    cr_expect_str_eq(hit.line, "un known BUG: y");
    cr_expect_not(watch_allowed(g.watch, &hit));
    // What would not fire was not kept back.
    cr_expect_not(feed(&g, "known\n", 3, &hit));
    cr_expect_not(watch_allowed(g.watch, &hit));
    guard_free(&g);
}

// A line that does not end is judged when the guest is quiet: told by a tick,
// or by the stamps of what comes later.
Test(console_watch, unfinished_lines)
{
    struct guard g = guard_of(kernel, NULL);
    struct watch_hit hit;
    cr_expect_eq(watch_wake_ns(g.watch), CLOCK_NEVER);
    cr_expect_not(watch_tick(g.watch, 1000 * MS, &hit));
    cr_expect_not(feed(&g, "x\nBUG: at", 10 * MS, &hit));
    cr_expect_eq(watch_wake_ns(g.watch), 60 * MS);
    cr_expect_not(watch_tick(g.watch, 59 * MS, &hit));
    cr_expect(watch_tick(g.watch, 60 * MS, &hit));
    cr_expect_str_eq(hit.line, "BUG: at");
    cr_expect_eq(hit.ns, 10 * MS);
    cr_expect_eq(watch_wake_ns(g.watch), CLOCK_NEVER);
    cr_expect_not(watch_tick(g.watch, 90 * MS, &hit));
    // Once for each line.
    cr_expect_not(feed(&g, " once\n", 91 * MS, &hit));

    cr_expect_not(feed(&g, "BUG: b", 92 * MS, &hit));
    cr_expect(feed(&g, "c\n", 200 * MS, &hit));
    cr_expect_str_eq(hit.line, "BUG: b");
    cr_expect_not(feed(&g, "BUG: d", 201 * MS, &hit));
    cr_expect(watch_tick(g.watch, CLOCK_NEVER, &hit));
    guard_free(&g);
}

Test(console_watch, lines_cut_by_kernel_messages)
{
    static const char *const fails[] = {"Segmentation fault", "^random", NULL};
    struct guard g = guard_of(fails, NULL);
    struct watch_hit hit;
    cr_expect_not(feed(&g, "Segment[    1.000000] random: x\n", 1, &hit));
    cr_expect_not(
        feed(&g, "[    1.000001] more\nation [    1.000002] y\n", 2, &hit));
    cr_expect(feed(&g, "fault (core dumped)\n", 3, &hit));
    cr_expect_eq(hit.index, 0);
    cr_expect_str_eq(hit.line, "Segmentation fault (core dumped)");
    cr_expect_eq(hit.ns, 3);
    cr_expect_not(feed(&g, "fault\nation fault\n", 4, &hit));
    // Fired as received: not again when joined.
    cr_expect(feed(&g, "Segmentation fault[    1.000003] z\n", 5, &hit));
    cr_expect_not(feed(&g, "\n", 6, &hit));
    guard_free(&g);
}

Test(console_watch, long_lines_in_bounded_memory)
{
    static const char *const fails[] = {"BUG: deep", "x$", NULL};
    struct guard g = guard_of(fails, NULL);
    struct watch_hit hit;
    static char piece[4001];
    memset(piece, 'x', 4000);
    for (int i = 0; i < 2000; i++) {
        cr_assert_not(feed(&g, piece, 1, &hit));
    }
    bool fired = feed(&g, "BUG: de", 2, &hit);
    fired |= feed(&g, "ep", 3, &hit);
    for (int i = 0; i < 40 && !fired; i++) {
        fired |= feed(&g, piece, 4, &hit);
    }
    cr_expect(fired);
    cr_expect_eq(hit.index, 0);
    cr_expect_eq(strlen(hit.line), sizeof hit.line - 1);
    // The rest of the line, then a line that ends in x.
    cr_expect_not(feed(&g, "y\n", 5, &hit));
    cr_expect(feed(&g, "x\n", 6, &hit));
    cr_expect_eq(hit.index, 1);
    guard_free(&g);
}

// A piece of a long line is not the start of a line, nor its end.
Test(console_watch, anchors_in_long_lines)
{
    static const char *const fails[] = {"^xx", "xx$", NULL};
    struct guard g = guard_of(fails, NULL);
    struct watch_hit hit;
    static char piece[100001];
    memset(piece, 'x', 100000);
    cr_expect_not(feed(&g, "a", 1, &hit));
    cr_expect_not(feed(&g, piece, 1, &hit));
    cr_expect_not(feed(&g, piece, 1, &hit));
    cr_expect_not(feed(&g, "b\n", 1, &hit));
    cr_expect(feed(&g, "xxb\n", 1, &hit));
    cr_expect_eq(hit.index, 0);
    cr_expect(feed(&g, "axx\n", 1, &hit));
    cr_expect_eq(hit.index, 1);
    guard_free(&g);
}

Test(console_watch, line_after_a_long_line_that_fired)
{
    static const char *const fails[] = {"BUG: deep", NULL};
    struct guard g = guard_of(fails, NULL);
    struct watch_hit hit;
    static char piece[70001];
    memset(piece, 'x', 70000);
    cr_expect_not(feed(&g, "BUG: deep", 1, &hit));
    cr_expect(feed(&g, piece, 1, &hit));
    cr_expect_not(feed(&g, "rest of it\nok\n", 1, &hit));
    cr_expect_not(feed(&g, "BUG: deep", 1, &hit));
    cr_expect(feed(&g, piece, 1, &hit));
    cr_expect(feed(&g, "rest of it\nBUG: deep\n", 1, &hit));
    guard_free(&g);
}

Test(console_watch, limit_fires_and_says_so)
{
    static const char *const fails[] = {"^(a+)+$", NULL};
    struct guard g = guard_of(fails, NULL);
    struct watch_hit hit;
    cr_expect(feed(&g, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n",
                   1, &hit));
    cr_expect(hit.limit);
    guard_free(&g);
}

Test(console_watch, add_after_feed_is_refused)
{
    struct guard g = guard_of(kernel, NULL);
    struct watch_hit hit;
    struct error err = {""};
    feed(&g, "x", 1, &hit);
    cr_expect_lt(watch_add_fail(g.watch, g.patterns[0], &err), 0);
    cr_expect_lt(watch_add_allow(g.watch, g.patterns[0], &err), 0);
    guard_free(&g);
}

Test(console_watch, line_is_cut_at_a_character)
{
    static const char *const fails[] = {"BUG: ", NULL};
    struct guard g = guard_of(fails, NULL);
    struct watch_hit hit;
    char line[700] = "BUG: ";
    size_t n = strlen(line);
    for (int i = 0; i < 300; i++) {
        line[n++] = '\xc3';
        line[n++] = '\xa9';
    }
    line[n] = '\n';
    cr_expect(feed(&g, line, 1, &hit));
    cr_expect_eq(strlen(hit.line), 5 + 2 * 253);
    guard_free(&g);
}

// ---- Pieces do not matter --------------------------------------------------

// Every line that fires, as text. Fed line by line at most, as there is one hit
// for each feed.
static char *journal(const struct stream *s, size_t most, uint64_t *random)
{
    static const char *const fails[] = {
        "Ke",       "random: ", "[0-9]+%",   "^root", "a.*b",
        "login: $", "System",   "m:~# echo", NULL,
    };
    static const char *const allows[] = {"Debian", NULL};
    struct guard g = guard_of(fails, allows);
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    struct watch_hit hit;
    for (size_t at = 0; at < s->len;) {
        size_t n = 1 + below(random, most);
        n = n < s->len - at ? n : s->len - at;
        const uint8_t *newline = memchr(s->bytes + at, '\n', n);
        n = newline ? (size_t)(newline - s->bytes) + 1 - at : n;
        for (size_t i = at + 1; i < at + n; i++) {
            if (s->ns[i] - s->ns[i - 1] >= 50 * MS) {
                n = i - at;
            }
        }
        if (feed_watch(g.watch, s, at, at + n, &hit)) {
            fprintf(f, "%zu %lu %s\n", hit.index, (unsigned long)hit.ns,
                    hit.line);
        }
        at += n;
    }
    if (watch_tick(g.watch, CLOCK_NEVER, &hit)) {
        fprintf(f, "%zu %lu %s\n", hit.index, (unsigned long)hit.ns, hit.line);
    }
    fclose(f);
    guard_free(&g);
    return text;
}

Test(console_watch, pieces_do_not_matter)
{
    uint64_t random = 31337;
    for (size_t i = 0; recorded[i]; i++) {
        struct stream s = stream_recorded(recorded[i], 131);
        char *expected = journal(&s, 1, &random);
        cr_expect(i == 3 || strlen(expected) > 20, "%s", expected);
        for (int round = 0; round < 60; round++) {
            char *got = journal(&s, 1 + below(&random, 200), &random);
            cr_assert_str_eq(got, expected, "%s\n%s\n%s", recorded[i], got,
                             expected);
            free(got);
        }
        free(expected);
        stream_free(&s);
    }
}

// The first line that fires is the same when all comes at once.
Test(console_watch, first_hit_of_a_whole_recording)
{
    static const char *const fails[] = {"rpm|late probe", "Welcome", NULL};
    struct stream s = stream_recorded("alpine-login.raw", 0);
    for (size_t piece = 1; piece < s.len; piece = piece * 3 + 1) {
        struct guard g = guard_of(fails, NULL);
        struct watch_hit hit = {0};
        bool fired = false;
        for (size_t at = 0; at < s.len && !fired; at += piece) {
            size_t to = at + piece < s.len ? at + piece : s.len;
            fired = feed_watch(g.watch, &s, at, to, &hit);
        }
        cr_expect(fired);
        cr_expect_str_eq(hit.line, "Welcome to Alpine Linux 3.15");
        guard_free(&g);
    }
    stream_free(&s);
}
