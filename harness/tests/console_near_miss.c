// SPDX-License-Identifier: Apache-2.0
// What came nearest to a pattern: partial matches anywhere, similar text, both
// views, and hostile text within bounds.
#include "harness/console/near_miss.h"

#include "harness/console/near_internal.h"
#include "harness/tests/console_util.h"

#include <stdlib.h>
#include <string.h>

static struct matcher *m;

static void set_up(void)
{
    struct error err;
    m = matcher_new(&(struct matcher_options){0}, &err);
    cr_assert(m);
}

static void tear_down(void)
{
    matcher_free(m);
}

TestSuite(console_near_miss, .init = set_up, .fini = tear_down, .timeout = 900);

static bool near(const char *source, unsigned flags, struct near_miss *miss)
{
    struct pattern *p = must_compile(source, flags);
    bool found = matcher_near_miss(m, p, 1, miss);
    // What is wanted points into the pattern: keep it for the caller.
    static char kept[256];
    if (found) {
        cr_assert_lt(miss->wanted.len, sizeof kept);
        memcpy(kept, miss->wanted.text, miss->wanted.len);
        miss->wanted.text = kept;
    }
    pattern_free(p);
    return found;
}

static void expect(const char *source, bool partial, const char *text,
                   const char *wanted)
{
    struct near_miss miss;
    cr_assert(near(source, 0, &miss), "/%s/", source);
    cr_expect_eq(miss.partial, partial, "/%s/", source);
    cr_expect(is(miss.text, text), "/%s/: \"%.*s\"", source, (int)miss.text.len,
              miss.text.text);
    cr_expect(is(miss.wanted, wanted), "/%s/: \"%.*s\"", source,
              (int)miss.wanted.len, miss.wanted.text);
}

Test(console_near_miss, at_the_end)
{
    feed_text(m, "boot\nWelcome to Alpine Linux 3", 7);
    struct near_miss miss;
    cr_assert(near("Welcome to Alpine Linux (\\d+)\\.(\\d+)", 0, &miss));
    cr_expect(miss.partial);
    cr_expect(miss.at_end);
    cr_expect(is(miss.text, "Welcome to Alpine Linux 3"));
    cr_expect(is(miss.line, "Welcome to Alpine Linux 3"));
    cr_expect(is(miss.wanted, "\\.(\\d+)"));
    cr_expect_eq(miss.ns, 7);
}

Test(console_near_miss, anywhere)
{
    feed_text(m, "one\nversion 3.x ready\n", 1);
    feed_text(m, "and then a thousand other lines\nversion\n", 2);
    struct near_miss miss;
    cr_assert(near("version \\d\\.\\d ready", 0, &miss));
    cr_expect(miss.partial);
    cr_expect_not(miss.at_end);
    cr_expect(is(miss.text, "version 3."));
    cr_expect(is(miss.line, "version 3.x ready"));
    cr_expect(is(miss.wanted, "\\d ready"));
    cr_expect_eq(miss.ns, 1);
}

Test(console_near_miss, the_last_of_equals)
{
    feed_text(m, "login; \n", 1);
    feed_text(m, "login, \n", 2);
    struct near_miss miss;
    cr_assert(near("login: $", 0, &miss));
    cr_expect_eq(miss.ns, 2);
}

Test(console_near_miss, items_count_not_bytes)
{
    // `.*` matches all of any line, which is worth no more than a letter.
    feed_text(m,
              "a very long line that has nothing in it at all\n"
              "x login; \n",
              1);
    expect(".*login: $", true, "x login", ": $");
    // Nor does a far branch count for what lies before it in the pattern.
    expect("(?:one long branch|x lo)GIN", true, "x lo", "GIN");
}

Test(console_near_miss, branches_and_repeats)
{
    feed_text(m, "aaab foo bar ba\nq\n", 1);
    expect("foo bar baz|qx", true, "foo bar ba", "z|qx");
    expect("a+c| foo barn", true, " foo bar", "n");
    expect("(?:a)+b foo bard", true, "aaab foo bar", "d");
    expect("(?<=b )foo baz", true, "foo ba", "z");
}

Test(console_near_miss, an_item_is_wanted_with_its_groups)
{
    feed_text(m, "version 3.x\n", 1);
    expect("version 3\\.(\\d+) x", true, "version 3.", "(\\d+) x");
    expect("version 3\\.(?:(?<a>\\d+)) x", true, "version 3.",
           "(?:(?<a>\\d+)) x");
    expect("(version 3\\.\\d+) x", true, "version 3.", "\\d+) x");
    expect("version\\ 3\\.\\(\\d", true, "version 3.", "\\(\\d");
}

// Each step of a lazy repeat tries what follows it anew.
Test(console_near_miss, lazy_repeats)
{
    feed_text(m, "x lz!\nx abcdefghijkmno\n", 1);
    expect("x.*?lzz", true, "x lz", "z");
}

Test(console_near_miss, a_prompt_that_text_follows)
{
    feed_text(m, "host login: root\n", 1);
    expect("login: $", true, "login: ", "$");
}

Test(console_near_miss, similar)
{
    feed_text(m, "Plymouth log\nhost logni: \nlast\n", 1);
    expect("login: $", false, "logni: ", "login: ");
    struct near_miss miss;
    cr_assert(near("login: $", 0, &miss));
    cr_expect(is(miss.line, "host logni: "));
    // Left out, put in.
    feed_text(m, "Welcme to Alpine\nPasssword for root\n", 2);
    expect("Welcome to (\\S+)!", false, "Welcme to ", "Welcome to ");
    expect("(?:Password for r)!", false, "Passsword for r", "Password for r");
}

Test(console_near_miss, case_is_a_difference)
{
    feed_text(m, "HOST Login: \n", 1);
    expect("login: ", false, "Login: ", "login: ");
    struct near_miss miss;
    cr_assert(near("LOGIM: ", PATTERN_CASELESS, &miss));
    cr_expect(is(miss.text, "Login: ") || is(miss.text, "Logi"));
}

Test(console_near_miss, nothing_near)
{
    struct near_miss miss;
    cr_expect_not(near("login: $", 0, &miss));
    feed_text(m, "boot\nWelcome\n", 1);
    cr_expect_not(near("zzzz", 0, &miss));
    cr_expect_not(near("^$", 0, &miss));
    cr_expect_not(near("\\d{4}", 0, &miss));
    // A letter or two of many say nothing.
    cr_expect_not(near("bring up the network: done", 0, &miss));
}

Test(console_near_miss, without_kernel_messages)
{
    feed_text(m, "pass[    1.000000] m\nwo", 2);
    struct near_miss miss;
    cr_assert(near("password: ", 0, &miss));
    cr_expect(miss.partial);
    cr_expect(miss.at_end);
    cr_expect(miss.lifted);
    cr_expect(is(miss.text, "passwo"));
    cr_expect(is(miss.wanted, "rd: "));
}

Test(console_near_miss, only_what_was_not_consumed)
{
    feed_text(m, "version 3.x\nnext\n", 1);
    matcher_skip(m);
    feed_text(m, "other\n", 2);
    struct near_miss miss;
    cr_expect_not(near("version \\d\\.\\d", 0, &miss));
}

Test(console_near_miss, characters_of_several_bytes)
{
    feed_text(m,
              "gr\xc3\xb6\xc3\x9f"
              "er als \xe2\x82\xac 5\n",
              1);
    expect("gr\xc3\xb6\xc3\x9f"
           "er als \xe2\x82\xac 6",
           true,
           "gr\xc3\xb6\xc3\x9f"
           "er als \xe2\x82\xac ",
           "6");
}

// A megabyte without a newline, and patterns that are slow on it: it ends.
Test(console_near_miss, hostile)
{
    size_t len = (size_t)1 << 20;
    char *text = malloc(len + 1);
    cr_assert(text);
    memset(text, 'a', len);
    memcpy(text + len - 8, "aaaabbbb", 8);
    text[len] = '\0';
    feed_text(m, text, 1);
    static const char *const patterns[] = {
        "(a+)+c", "a*a*a*a*c",       ".*.*.*x",  "(?:a|aa)+$x",
        "a{3}c",  "[^x]*x",          "(a*)*bbx", "(?=(a+))x",
        "^.*$x",  "aaaabbbb(?<=c)d", "(?R)?ax",  "(*COMMIT)ax",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct near_miss miss;
        near(patterns[i], 0, &miss);
    }
    // What came last was looked at all the same.
    struct near_miss miss;
    cr_assert(near("aaaabbbbc", 0, &miss));
    cr_expect(is(miss.text, "aaaabbbb"));
    cr_expect_leq(miss.line.len, 400);
    free(text);
}

// ---- Against a table of edit distances --------------------------------------

static size_t min3(size_t a, size_t b, size_t c)
{
    a = a < b ? a : b;
    return a < c ? a : c;
}

// The least distance of a literal to any part of a text, or (whole) to all.
static size_t distance(const char *l, size_t n, const char *text, size_t len,
                       bool whole)
{
    size_t column[LITERAL_MAX + 1];
    for (size_t i = 0; i <= n; i++) {
        column[i] = i;
    }
    size_t best = n;
    for (size_t j = 1; j <= len; j++) {
        size_t diagonal = column[0];
        column[0] = whole ? j : 0;
        for (size_t i = 1; i <= n; i++) {
            size_t above = column[i];
            column[i] = min3(diagonal + (l[i - 1] != text[j - 1]), above + 1,
                             column[i - 1] + 1);
            diagonal = above;
        }
        best = column[n] < best ? column[n] : best;
    }
    return whole ? column[n] : best;
}

Test(console_near_miss, similar_is_the_nearest)
{
    uint64_t state = 5;
    size_t found = 0;
    for (size_t round = 0; round < 20000; round++) {
        char literal[LITERAL_MAX + 1] = "";
        size_t n = 3 + below(&state, LITERAL_MAX - 3);
        for (size_t i = 0; i < n; i++) {
            literal[i] = (char)('a' + below(&state, 3));
        }
        char text[96];
        size_t len = below(&state, sizeof text);
        for (size_t i = 0; i < len; i++) {
            text[i] = (char)('a' + below(&state, 3));
        }
        struct pattern *p = must_compile(literal, 0);
        struct near_budget budget = {1000000};
        struct near_similar s = {0};
        size_t least = distance(literal, n, text, len, false);
        bool near = near_similar(p, text, len, &budget, &s);
        cr_assert_eq(near, least <= (n + 1) / 3 && len > 0);
        if (near) {
            found++;
            cr_assert_eq(s.different, least);
            cr_assert_leq(s.start, s.end);
            cr_assert_leq(s.end, len);
            cr_assert_eq(
                distance(literal, n, text + s.start, s.end - s.start, true),
                least);
        }
        pattern_free(p);
    }
    cr_assert_gt(found, 1000);
}

// ---- Patterns a little different --------------------------------------------

static bool varied(const char *source, unsigned flags, enum near_change change,
                   const char *text, const char *match)
{
    struct pattern *p = must_compile(source, flags);
    struct pattern *v = near_variant(p, change);
    size_t start = 0;
    size_t end = 0;
    bool found = v && near_last_match(v, text, strlen(text), &start, &end);
    if (found && match) {
        cr_expect(is((struct text_span){text + start, end - start}, match));
    }
    pattern_free(p);
    pattern_free(v);
    return found;
}

Test(console_near_miss, variants)
{
    const char *text = "Login: root\nPassword: \nlogin: x\n";
    cr_expect(varied("password", 0, NEAR_ANY_CASE, text, "Password"));
    cr_expect_not(
        varied("password", PATTERN_CASELESS, NEAR_ANY_CASE, text, NULL));
    cr_expect(varied("Login: $", 0, NEAR_WITHOUT_END, text, "Login: "));
    cr_expect(varied("Password: $", 0, NEAR_LINES, text, "Password: "));
    cr_expect_not(varied("Login: $", 0, NEAR_LINES, text, NULL));
    cr_expect(varied("^login: $", 0, NEAR_LINES_WITHOUT_END, text, "login: "));
    // No `$`, or one that is a letter.
    cr_expect_not(varied("Login: ", 0, NEAR_WITHOUT_END, text, NULL));
    cr_expect_not(varied("Login: \\$", 0, NEAR_WITHOUT_END, text, NULL));
    cr_expect_not(varied("Login: \\\\$", 0, NEAR_WITHOUT_END, text, NULL));
    // The last of several.
    cr_expect(varied("o(?<c>.)$", 0, NEAR_WITHOUT_END, text, "og"));
}
