// SPDX-License-Identifier: Apache-2.0
// Tests of what must stay bounded: the window, a long stream, patterns that
// explode, partial matches that never end.
#include "harness/tests/console_util.h"
#include "src/base/clock.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static enum match_status look(struct matcher *m, const struct pattern *p,
                              uint64_t now_ns, struct match *out,
                              struct error *err)
{
    return matcher_look(m, &p, 1, now_ns, out, err);
}

Test(console_limits, window_overflow_is_counted_and_seen)
{
    struct error err = {""};
    struct matcher *m =
        matcher_new(&(struct matcher_options){.window = 1000}, &err);
    struct pattern *p = must_compile("never there", 0);
    struct pattern *start = must_compile("^start|\\Astart", 0);
    struct match match;
    feed_text(m, "start ", 1);
    for (int i = 0; i < 1000; i++) {
        feed_text(m, "0123456789", 1);
        cr_assert_eq(look(m, p, 1, &match, &err), MATCH_PENDING);
    }
    struct text_span left = matcher_pending(m);
    cr_expect_geq(left.len, 1000);
    cr_expect_leq(left.len, 1300);
    cr_expect_eq(matcher_overflowed(m) + left.len, 10006);
    // What is left is not the start of anything.
    cr_expect_eq(look(m, start, 1, &match, &err), MATCH_PENDING);
    struct pattern *any = must_compile("^\\d", 0);
    cr_expect_eq(look(m, any, 1, &match, &err), MATCH_PENDING);
    struct pattern *last = must_compile("9$", 0);
    cr_expect_eq(look(m, last, 60 * MS, &match, &err), MATCH_FOUND);
    cr_expect_eq(matcher_overflowed(m), 0);
    pattern_free(p);
    pattern_free(start);
    pattern_free(any);
    pattern_free(last);
    matcher_free(m);
}

Test(console_limits, nobody_looks)
{
    struct error err = {""};
    struct matcher *m =
        matcher_new(&(struct matcher_options){.window = 1000}, &err);
    for (int i = 0; i < 10000; i++) {
        feed_text(m, "0123456789", 1);
    }
    cr_expect_leq(matcher_pending(m).len, 3000);
    cr_expect_eq(matcher_overflowed(m) + matcher_pending(m).len, 100000);
    matcher_free(m);
}

static size_t heap_in_use(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

// 100 MB between two matches, in memory for a few windows; stamped byte by byte
// for a part of it, and with escapes that leave no text.
Test(console_limits, long_streams_in_little_memory, .timeout = 900)
{
    struct error err = {""};
    struct matcher *m = matcher_new(NULL, &err);
    struct watch *w = watch_new(&err);
    struct pattern *first = must_compile("first", 0);
    struct pattern *p = must_compile("here it is: (\\d+)", 0);
    struct pattern *panic = must_compile("Kernel panic", 0);
    watch_add_fail(w, panic, &err);
    struct match match;
    struct watch_hit hit;
    feed_text(m, "first ", 1);
    cr_assert_eq(look(m, first, 1, &match, &err), MATCH_FOUND);
    static uint8_t piece[65536];
    static struct stamp stamps[65536];
    static const char line[] =
        "\033[1;34m[    1.234567] something\033[m happened here: 17\r\n"
        "\033[0m\033[1m\033[22m\033[m\033[K here it isn't\r\n";
    for (size_t i = 0; i < sizeof piece; i++) {
        piece[i] = (uint8_t)line[i % (sizeof line - 1)];
    }
    uint64_t ns = 1;
    for (int i = 0; i < 1600; i++) {
        size_t n = i % 16 ? 1 : sizeof piece;
        for (size_t k = 0; k < n; k++) {
            stamps[k] = (struct stamp){(uint32_t)k, ns++};
        }
        matcher_feed(m, piece, sizeof piece, stamps, n);
        cr_assert_not(watch_feed(w, piece, sizeof piece, stamps, n, &hit));
        cr_assert_eq(look(m, p, ns, &match, &err), MATCH_PENDING);
    }
    cr_expect_lt(heap_in_use(), (size_t)120 << 20);
    feed_text(m, "\nhere it is: 42\n", ns);
    cr_assert_eq(look(m, p, ns, &match, &err), MATCH_FOUND);
    cr_expect(is(match.groups[1], "42"));
    pattern_free(first);
    pattern_free(p);
    watch_free(w);
    pattern_free(panic);
    matcher_free(m);
}

// Nothing but escapes: nothing is kept.
Test(console_limits, escapes_alone)
{
    struct error err = {""};
    struct matcher *m = matcher_new(NULL, &err);
    struct pattern *p = must_compile("x", 0);
    struct match match;
    uint8_t piece[4096];
    struct stamp stamps[4096];
    for (size_t i = 0; i < sizeof piece; i++) {
        piece[i] = (uint8_t) "\033[m"[i % 3];
    }
    size_t before = heap_in_use();
    for (uint64_t i = 0; i < 3000; i++) {
        for (uint32_t k = 0; k < 4096; k++) {
            stamps[k] = (struct stamp){k, i * 4096 + k};
        }
        // 4095: the pattern of three bytes goes on.
        matcher_feed(m, piece, 4095, stamps, 4095);
        look(m, p, i * 4096 + 4095, &match, &err);
    }
    cr_expect_lt(heap_in_use() - before, (size_t)1 << 20);
    pattern_free(p);
    matcher_free(m);
}

Test(console_limits, hostile_osc)
{
    struct error err = {""};
    struct matcher *m = matcher_new(NULL, &err);
    struct pattern *p = must_compile("login: $", 0);
    struct match match;
    static uint8_t piece[65536];
    memset(piece, 'A', sizeof piece);
    struct stamp stamp = {0, 1};
    feed_text(m, "\033]0;", 1);
    for (int i = 0; i < 160; i++) {
        matcher_feed(m, piece, sizeof piece, &stamp, 1);
        cr_assert_eq(look(m, p, 1, &match, &err), MATCH_PENDING);
    }
    feed_text(m, "\r\nlogin: ", 1);
    cr_expect_eq(look(m, p, 60 * MS, &match, &err), MATCH_FOUND);
    pattern_free(p);
    matcher_free(m);
}

Test(console_limits, explosion_names_pattern_and_place)
{
    struct error err = {""};
    struct matcher *m = matcher_new(NULL, &err);
    struct pattern *p = must_compile("(a+)+$", 0);
    struct match match;
    feed_text(m, "prompt aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1);
    cr_expect_eq(look(m, p, 1, &match, &err), MATCH_PENDING);
    feed_text(m, "!", 2);
    cr_expect_eq(look(m, p, 2, &match, &err), MATCH_LIMIT);
    cr_expect(strstr(err.text, "(a+)+$"), "%s", err.text);
    cr_expect(strstr(err.text, "at byte 56"), "%s", err.text);
    cr_expect(strstr(err.text, "match limit"), "%s", err.text);
    // It is no worse the second time.
    cr_expect_eq(look(m, p, 2, &match, &err), MATCH_LIMIT);
    matcher_skip(m);
    feed_text(m, "ab", 3);
    cr_expect_eq(look(m, p, 60 * MS, &match, &err), MATCH_PENDING);
    pattern_free(p);
    matcher_free(m);
}

Test(console_limits, deep_recursion_is_an_error_or_a_match)
{
    struct error err = {""};
    struct matcher *m = matcher_new(NULL, &err);
    struct pattern *p = must_compile("^(?:\\((?R)?\\)|x)*z", 0);
    struct match match;
    for (int i = 0; i < 20000; i++) {
        feed_text(m, "((((((((((", 1);
    }
    feed_text(m, ")z", 1);
    cr_expect_neq(look(m, p, 60 * MS, &match, &err), MATCH_FOUND);
    pattern_free(p);
    matcher_free(m);
}

// A partial match that lasts for megabytes is not searched again for each
// piece: it lags, says so, and finds the same.
Test(console_limits, long_partial_match_lags, .timeout = 900)
{
    struct error err = {""};
    struct matcher *m = matcher_new(NULL, &err);
    struct pattern *p = must_compile("A[^Z]*[Z][^\\n]{3}", 0);
    struct match match;
    char piece[4097];
    memset(piece, 'x', 4096);
    piece[4096] = '\0';
    feed_text(m, "A", 1);
    size_t lagged = 0;
    for (uint64_t i = 0; i < 200; i++) {
        feed_text(m, piece, 2 + i);
        cr_assert_eq(look(m, p, 2 + i, &match, &err), MATCH_PENDING);
        lagged += match.wake_ns < 2 + i + 50 * MS;
    }
    cr_expect_gt(lagged, 100);
    feed_text(m, "Z12", 300);
    cr_expect_eq(look(m, p, 300, &match, &err), MATCH_PENDING);
    cr_expect_lt(match.wake_ns, 10 * MS);
    cr_expect_eq(look(m, p, match.wake_ns, &match, &err), MATCH_PENDING);
    feed_text(m, "34", 400);
    enum match_status status = look(m, p, 400, &match, &err);
    if (status == MATCH_PENDING) {
        status = look(m, p, match.wake_ns, &match, &err);
    }
    cr_expect_eq(status, MATCH_FOUND);
    cr_expect_eq(match.decided_ns, 400);
    cr_expect_eq(match.all.len, 1 + 200 * 4096 + 4);
    pattern_free(p);
    matcher_free(m);
}
