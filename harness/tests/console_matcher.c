// SPDX-License-Identifier: Apache-2.0
// Tests of the matcher: what wins, what `$` and `^` mean, what is consumed,
// kernel messages, times, near misses.
#include "harness/console/kmsg.h"
#include "harness/console/text.h"
#include "harness/tests/console_util.h"
#include "src/base/clock.h"

#include <string.h>

static struct matcher *fresh(size_t window)
{
    struct error err = {""};
    struct matcher_options options = {.window = window};
    struct matcher *m = matcher_new(&options, &err);
    cr_assert_not_null(m);
    return m;
}

// Looks for up to three patterns that are compiled for it.
static enum match_status look(struct matcher *m, uint64_t now_ns,
                              struct match *out, const char *a, const char *b,
                              const char *c)
{
    const char *const sources[] = {a, b, c};
    struct pattern *patterns[3];
    size_t n = 0;
    for (; n < 3 && sources[n]; n++) {
        patterns[n] = must_compile(sources[n], PATTERN_MULTILINE);
    }
    struct error err = {""};
    enum match_status status = matcher_look(
        m, (const struct pattern *const *)patterns, n, now_ns, out, &err);
    cr_assert_neq(status, MATCH_LIMIT, "%s", err.text);
    for (size_t i = 0; i < n; i++) {
        pattern_free(patterns[i]);
    }
    return status;
}

Test(console_matcher, earliest_in_the_stream_wins)
{
    struct matcher *m = fresh(0);
    struct match match;
    feed_text(m, "one two three\n", 5);
    cr_expect_eq(look(m, 5, &match, "three", "two", "one two"), MATCH_FOUND);
    // "two" and "one two" are decided by the same byte: the first listed wins.
    cr_expect_eq(match.index, 1);
    cr_expect(is(match.all, "two"));
    cr_expect(is(match.before, "one "));
    cr_expect_eq(look(m, 5, &match, "one", NULL, NULL), MATCH_PENDING);
    cr_expect_eq(look(m, 5, &match, "thr(e+)", NULL, NULL), MATCH_FOUND);
    cr_expect_eq(match.ngroups, 2);
    cr_expect(is(match.groups[1], "ee"));
    cr_expect(is(match.before, " "));
    cr_expect(is(matcher_pending(m), "\n"));
    matcher_free(m);
}

Test(console_matcher, greedy_end_waits_for_more_or_for_quiet)
{
    struct matcher *m = fresh(0);
    struct match match;
    feed_text(m, "Linux version 6.1.0", 100 * MS);
    cr_expect_eq(look(m, 100 * MS, &match, "version [\\d.]+", NULL, NULL),
                 MATCH_PENDING);
    cr_expect_eq(match.wake_ns, 150 * MS);
    feed_text(m, "-56 ", 101 * MS);
    cr_expect_eq(look(m, 101 * MS, &match, "version [\\d.]+", NULL, NULL),
                 MATCH_FOUND);
    cr_expect(is(match.all, "version 6.1.0"));
    cr_expect_eq(match.start_ns, 100 * MS);
    cr_expect_eq(match.end_ns, 100 * MS);
    cr_expect_eq(match.decided_ns, 101 * MS);

    cr_expect_eq(look(m, 101 * MS, &match, "\\d+ *", NULL, NULL),
                 MATCH_PENDING);
    cr_expect_eq(look(m, 150 * MS, &match, "\\d+ *", NULL, NULL),
                 MATCH_PENDING);
    cr_expect_eq(look(m, 151 * MS, &match, "\\d+ *", NULL, NULL), MATCH_FOUND);
    cr_expect(is(match.all, "56 "));
    cr_expect_eq(match.decided_ns, 151 * MS);
    matcher_free(m);
}

Test(console_matcher, dollar_is_a_prompt_and_not_a_character)
{
    struct matcher *m = fresh(0);
    struct match match;
    feed_text(m, "a # b\n", 10 * MS);
    feed_text(m, "~ # ", 11 * MS);
    cr_expect_eq(look(m, 11 * MS, &match, "# $", NULL, NULL), MATCH_PENDING);
    // The pause lies between bytes that come together: it counts as well.
    struct stream s = {0};
    stream_add(&s, "x # ", 4, 12 * MS);
    stream_add(&s, "y # ", 4, 90 * MS);
    stream_add(&s, "z", 1, 91 * MS);
    feed_matcher(m, &s, 0, s.len);
    cr_expect_eq(look(m, 91 * MS, &match, "# $", NULL, NULL), MATCH_FOUND);
    cr_expect(is(match.before, "a # b\n~ # x "));
    cr_expect_eq(match.decided_ns, 62 * MS);
    cr_expect_eq(look(m, 500 * MS, &match, "# $", NULL, NULL), MATCH_PENDING);
    cr_expect_eq(look(m, 500 * MS, &match, "z$", NULL, NULL), MATCH_FOUND);
    stream_free(&s);
    matcher_free(m);
}

// A pause of exactly the settle time is one, whoever notices it.
Test(console_matcher, shortest_pause)
{
    for (uint64_t gap = 50 * MS - 1; gap <= 50 * MS; gap++) {
        struct matcher *at_once = fresh(0);
        struct matcher *waiting = fresh(0);
        struct match match;
        enum match_status expected =
            gap < 50 * MS ? MATCH_PENDING : MATCH_FOUND;
        feed_text(at_once, "# ", 1);
        feed_text(at_once, "x", 1 + gap);
        cr_expect_eq(look(at_once, 1 + gap, &match, "# $", NULL, NULL),
                     expected);
        feed_text(waiting, "# ", 1);
        cr_expect_eq(look(waiting, 1 + gap, &match, "# $", NULL, NULL),
                     expected);
        struct matcher *stamped = fresh(0);
        struct stream s = {0};
        stream_add(&s, "# ", 2, 1);
        stream_add(&s, "x", 1, 1 + gap);
        feed_matcher(stamped, &s, 0, s.len);
        cr_expect_eq(look(stamped, 1 + gap, &match, "# $", NULL, NULL),
                     expected);
        stream_free(&s);
        matcher_free(at_once);
        matcher_free(waiting);
        matcher_free(stamped);
    }
}

Test(console_matcher, anchors_at_the_start_of_a_wait)
{
    struct matcher *m = fresh(0);
    struct match match;
    feed_text(m, "sub total 4\ntotal 5\nx", 1);
    cr_expect_eq(look(m, 1, &match, "sub ", NULL, NULL), MATCH_FOUND);
    // In the middle of a line no line starts.
    cr_expect_eq(look(m, 1, &match, "^total \\d(?=\\n)", NULL, NULL),
                 MATCH_FOUND);
    cr_expect(is(match.all, "total 5"));
    matcher_free(m);

    m = fresh(0);
    feed_text(m, "sub total 4\n", 1);
    cr_expect_eq(look(m, 1, &match, "sub ", NULL, NULL), MATCH_FOUND);
    // Without m, ^ is where the wait starts.
    struct pattern *p = must_compile("^total", 0);
    struct error err = {""};
    cr_expect_eq(
        matcher_look(m, (const struct pattern *const *)&p, 1, 1, &match, &err),
        MATCH_FOUND);
    pattern_free(p);
    // What was consumed is out of sight of a lookbehind.
    cr_expect_eq(look(m, 1, &match, "(?<=total) 4", NULL, NULL), MATCH_PENDING);
    matcher_free(m);
}

Test(console_matcher, kernel_message_in_a_prompt)
{
    struct matcher *m = fresh(0);
    struct match match;
    feed_text(m, "\r\nhost login: [    3.141592] random: crng init done\r\n",
              7);
    cr_expect_eq(look(m, 7, &match, "login: $", NULL, NULL), MATCH_PENDING);
    cr_expect_eq(look(m, 60 * MS, &match, "login: $", NULL, NULL), MATCH_FOUND);
    cr_expect(match.lifted);
    cr_expect(is(match.before, "\nhost "));
    cr_expect(is(match.before_lifted, "\nhost "));
    // The message is still there for the next wait.
    cr_expect_eq(look(m, 60 * MS, &match, "random: .*\\n", NULL, NULL),
                 MATCH_FOUND);
    cr_expect_not(match.lifted);
    cr_expect(is(match.before, "[    3.141592] "));
    cr_expect(is(match.before_lifted, ""));
    matcher_free(m);
}

Test(console_matcher, word_cut_by_kernel_messages)
{
    struct matcher *m = fresh(0);
    struct match match;
    feed_text(m, "log[    1.000000] one\n", 1);
    feed_text(m, "<6>[    1.000001][    T1] two\n", 2);
    cr_expect_eq(look(m, 2, &match, "login: ", NULL, NULL), MATCH_PENDING);
    feed_text(m, "in: ", 3);
    cr_expect_eq(look(m, 3, &match, "login: ", "in", NULL), MATCH_FOUND);
    // As received "in" was decided before "login: " was whole.
    cr_expect_eq(match.index, 1);
    cr_expect_not(match.lifted);
    cr_expect(is(match.before_lifted, "log"));
    matcher_free(m);

    m = fresh(0);
    feed_text(m, "log[    1.000000] one\nin: \n", 1);
    cr_expect_eq(look(m, 1, &match, "login: ", NULL, NULL), MATCH_FOUND);
    cr_expect(match.lifted);
    cr_expect(is(match.all, "login: "));
    cr_expect(is(matcher_pending(m), "\n"));
    matcher_free(m);
}

Test(console_matcher, groups_names_and_unset_groups)
{
    struct matcher *m = fresh(0);
    struct match match;
    feed_text(m, "Welcome to Alpine Linux 3.15\r\nKernel\n", 1);
    cr_expect_eq(
        look(m, 1, &match, "Welcome to (?<os>[^\\r\\n]+)(x)?(\\n)", NULL, NULL),
        MATCH_FOUND);
    cr_expect_eq(match.ngroups, 4);
    cr_expect(is(match.groups[1], "Alpine Linux 3.15"));
    cr_expect_null(match.groups[2].text);
    cr_expect(is(match.groups[3], "\n"));
    cr_expect(is(match.groups[0], "Welcome to Alpine Linux 3.15\n"));
    matcher_free(m);
}

// An attempt that has seen no character decides nothing: whether somebody
// looked before the text came makes no difference.
Test(console_matcher, nothing_is_decided_before_there_is_text)
{
    struct match match;
    for (int early = 0; early < 2; early++) {
        struct matcher *m = fresh(0);
        if (early)
            cr_expect_eq(look(m, 1, &match, "(?s).*", NULL, NULL),
                         MATCH_PENDING);
        feed_text(m, "a\n", 5);
        cr_expect_eq(look(m, 5, &match, "(?s).*", NULL, NULL), MATCH_PENDING);
        cr_assert_eq(look(m, 100 * MS, &match, "(?s).*", NULL, NULL),
                     MATCH_FOUND);
        cr_expect(is(match.all, "a\n"));
        // \K tells of a match at the end, but its characters were seen.
        feed_text(m, "K", 200 * MS);
        cr_expect_eq(look(m, 200 * MS, &match, "K\\K", NULL, NULL),
                     MATCH_FOUND);
        matcher_free(m);
    }
}

Test(console_matcher, odd_patterns_end)
{
    static const char *const odd[] = {
        "",          "x*",          "$",           "^",        "(?=a)",
        "(?!a)",     "(*ACCEPT)",   "a(*COMMIT)b", "a(*FAIL)", "(*F)",
        "(*PRUNE)a", "(*SKIP)a",    "a(*THEN)b|c", "\\Ka",     "(?:a(?R)?b)",
        "(a(?1)?b)", "\\X+",        "(?:)*+",      "(a*)*",    "(|a)+",
        "(?C1)a",    "\\G\\G",      "(?<=\\n)",    "(?<!b)$",  "a{0}",
        "\\N{U+61}", "[^\\n]*+\\z",
    };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct matcher *m = fresh(0);
        struct match match;
        feed_text(m, "ab\nb\xc3\xa9 a[    1.000000] a\naab", 1);
        for (int n = 0; n < 20; n++) {
            if (look(m, n > 10 ? 60 * MS : 1, &match, odd[i], "b$", NULL) ==
                MATCH_FOUND) {
                cr_expect_leq(match.index, 1);
                cr_expect_not_null(match.all.text);
            }
        }
        matcher_free(m);
    }
}

Test(console_matcher, skip_and_last)
{
    struct matcher *m = fresh(0);
    struct match match;
    cr_expect_eq(matcher_last_ns(m), 0);
    cr_expect_eq(matcher_pending(m).len, 0);
    cr_expect_eq(look(m, 99, &match, "$", NULL, NULL), MATCH_PENDING);
    cr_expect_eq(match.wake_ns, CLOCK_NEVER);
    feed_text(m, "old login: ", 3);
    cr_expect_eq(matcher_last_ns(m), 3);
    matcher_skip(m);
    cr_expect_eq(matcher_pending(m).len, 0);
    feed_text(m, "new", 4);
    cr_expect_eq(look(m, 60 * MS, &match, "login", NULL, NULL), MATCH_PENDING);
    cr_expect_eq(look(m, 60 * MS, &match, "new", NULL, NULL), MATCH_FOUND);
    cr_expect(is(match.before, ""));
    matcher_free(m);
}

// Another pattern in the next look sees all that was not consumed.
Test(console_matcher, patterns_may_change_between_looks)
{
    struct matcher *m = fresh(0);
    struct match match;
    feed_text(m, "alpha beta ", 1);
    cr_expect_eq(look(m, 1, &match, "gamma", NULL, NULL), MATCH_PENDING);
    cr_expect_eq(look(m, 1, &match, "delta", "bet", NULL), MATCH_FOUND);
    cr_expect(is(match.before, "alpha "));
    matcher_free(m);
}

// The dialogue of a real login, for every way to cut the recording in two.
Test(console_matcher, recorded_login, .timeout = 900)
{
    static const struct {
        const char *source, *group;
        bool lifted;
    } steps[] = {
        {"Welcome to (?<os>[^\\r\\n]+)", "Alpine Linux 3.15", false},
        {"^(\\S+) login: $", "(none)", true},
        {"^Pass(word): $", "word", false},
        {"^(\\S+)# $", "(none):~", true},
        {"^total (\\d+)$", "0", false},
        {"^d.* (etc)$", "etc", false},
        {"^(\\S+)# $", "(none):~", false},
        {"\\b(100%) \\[#{20}\\]\\n", "100%", false},
        {"^(caf\\x{e9} \\x{20ac} \\x{fffd}\\x{fffd} bad)$",
         "caf\xc3\xa9 \xe2\x82\xac \xef\xbf\xbd\xef\xbf\xbd bad", false},
        {"^(hello)\\n", "hello", false},
        {"reboot: (Power down)", "Power down", false},
    };
    enum { STEPS = sizeof steps / sizeof *steps };
    struct pattern *patterns[STEPS];
    for (size_t i = 0; i < STEPS; i++) {
        patterns[i] = must_compile(steps[i].source, PATTERN_MULTILINE);
    }
    struct stream s = stream_recorded("alpine-login.raw", 0);
    // Where the guest waited for somebody to type, it was quiet.
    static const char *const typed[] = {"root\r\n", "ls -lat /\r\n",
                                        "ls --color", NULL};
    for (size_t i = 0; typed[i]; i++) {
        uint8_t *at = memmem(s.bytes, s.len, typed[i], strlen(typed[i]));
        cr_assert_not_null(at);
        for (size_t k = (size_t)(at - s.bytes); k < s.len; k++) {
            s.ns[k] += 100 * MS;
        }
    }
    // A message that cuts a prompt comes at once.
    for (size_t k = 1, line = 0; k < s.len; k++) {
        size_t used;
        line = s.bytes[k - 1] == '\n' ? k : line;
        for (size_t i = line; kmsg_prefix((const char *)s.bytes + k, s.len - k,
                                          &used) == KMSG_YES &&
                              i < k;
             i++) {
            s.ns[i] = s.ns[k];
        }
    }
    uint8_t *after = memmem(s.bytes, s.len, "Password: ", 10);
    cr_assert_not_null(after);
    for (size_t k = (size_t)(after - s.bytes) + 10; k < s.len; k++) {
        s.ns[k] += 100 * MS;
    }
    for (size_t cut = 0; cut <= s.len; cut++) {
        struct matcher *m = fresh(0);
        struct match match;
        struct error err = {""};
        size_t step = 0;
        for (int half = 0; half < 2; half++) {
            size_t to = half ? s.len : cut;
            feed_matcher(m, &s, half ? cut : 0, to);
            uint64_t now = to ? s.ns[to - 1] : 0;
            while (step < STEPS &&
                   matcher_look(m,
                                (const struct pattern *const *)&patterns[step],
                                1, half ? now + 1000 * MS : now, &match,
                                &err) == MATCH_FOUND) {
                cr_assert(is(match.groups[1], steps[step].group),
                          "cut %zu, step %zu: %.*s", cut, step,
                          (int)match.groups[1].len, match.groups[1].text);
                cr_assert_eq(match.lifted, steps[step].lifted,
                             "cut %zu, step %zu", cut, step);
                step++;
            }
        }
        cr_assert_eq(step, STEPS, "cut %zu: stopped at step %zu", cut, step);
        matcher_free(m);
    }
    for (size_t i = 0; i < STEPS; i++) {
        pattern_free(patterns[i]);
    }
    stream_free(&s);
}
