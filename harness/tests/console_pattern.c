// SPDX-License-Identifier: Apache-2.0
// Tests of compiled patterns: errors with their place, names, searching
// finished text, limits, and the literals that are read off a pattern.
#include "harness/console/literal.h"
#include "harness/console/pairs.h"
#include "harness/tests/console_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(console_pattern, errors_say_what_and_where)
{
    static const struct {
        const char *source;
        size_t offset;
        const char *says;
    } cases[] = {
        {"abc(", 4, "parenthesis"},
        {"[z-a]", 3, "range"},
        {"a\\Cb", 3, "\\C"},
        {"*", 0, "quantifier"},
        {"\\x{110000}", 9, "too large"},
        {"(?<a>.)(?<a>.)", 12, "same name"},
        {"a\xff", 1, "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err = {""};
        size_t at = 99;
        struct pattern *p = pattern_compile(
            cases[i].source, strlen(cases[i].source), 0, &at, &err);
        cr_expect_null(p, "%s", cases[i].source);
        cr_expect_eq(at, cases[i].offset, "%s: %zu", cases[i].source, at);
        cr_expect(strstr(err.text, cases[i].says), "%s: %s", cases[i].source,
                  err.text);
    }
}

Test(console_pattern, too_many_groups)
{
    char source[32 * 3 + 1];
    for (size_t i = 0; i < sizeof source; i++) {
        source[i] = i < sizeof source - 1 ? "(a)"[i % 3] : '\0';
    }
    struct error err = {""};
    cr_expect_null(pattern_compile(source, strlen(source), 0, NULL, &err));
    cr_expect(strstr(err.text, "32 capture groups"), "%s", err.text);
    struct pattern *p = must_compile(source + 3, 0);
    pattern_free(p);
}

Test(console_pattern, names)
{
    struct pattern *p = must_compile("(?<os>\\w+) (x) (?<n>\\d+)", 0);
    unsigned group = 0;
    cr_assert_eq(pattern_names(p), 2);
    cr_expect_str_eq(pattern_name(p, 0, &group), "n");
    cr_expect_eq(group, 3);
    cr_expect_str_eq(pattern_name(p, 1, &group), "os");
    cr_expect_eq(group, 1);
    cr_expect_str_eq(pattern_source(p), "(?<os>\\w+) (x) (?<n>\\d+)");
    pattern_free(p);
    p = must_compile("plain", 0);
    cr_expect_eq(pattern_names(p), 0);
    pattern_free(p);
    pattern_free(NULL);
}

static size_t count(const char *source, unsigned flags, const char *text)
{
    struct pattern *p = must_compile(source, flags);
    struct error err = {""};
    size_t n = 0;
    size_t at = 0;
    size_t len = strlen(text);
    size_t start;
    size_t end;
    while (at <= len &&
           pattern_search(p, text, len, at, &start, &end, &err) == 1) {
        n++;
        at = end > start ? end : end + 1;
    }
    pattern_free(p);
    return n;
}

Test(console_pattern, search_finished_text)
{
    static const char listing[] =
        "total 4\ndrwx 2 root\n-rw- 1 root\nlrwx 1 root\n";
    cr_expect_eq(count("^[dl-].*$", PATTERN_MULTILINE, listing), 3);
    cr_expect_eq(count("^total \\d+", PATTERN_MULTILINE, listing), 1);
    cr_expect_eq(count("ROOT$", PATTERN_MULTILINE | PATTERN_CASELESS, listing),
                 3);
    // As many lines as there are newlines, not one more.
    cr_expect_eq(count("^", PATTERN_MULTILINE, listing), 4);
    cr_expect_eq(count("$", 0, "no newline"), 1);
    cr_expect_eq(count(" d r w x ", PATTERN_EXTENDED, listing), 1);
    cr_expect_eq(count("total.*root", 0, listing), 0);
    cr_expect_eq(count("total.*root", PATTERN_DOTALL, listing), 1);

    struct pattern *p = must_compile("a", 0);
    struct error err = {""};
    size_t start;
    size_t end;
    cr_expect_lt(pattern_search(p,
                                "\xff"
                                "a",
                                2, 0, &start, &end, &err),
                 0);
    cr_expect(strstr(err.text, "UTF-8"), "%s", err.text);
    cr_expect_eq(pattern_search(p, NULL, 0, 0, &start, &end, &err), 0);
    pattern_free(p);
}

Test(console_pattern, explosion_is_an_error)
{
    struct pattern *p = must_compile("^(a+)+$", 0);
    struct error err = {""};
    size_t start;
    size_t end;
    char text[101];
    memset(text, 'a', 100);
    text[99] = '!';
    text[100] = '\0';
    cr_expect_lt(pattern_search(p, text, 100, 0, &start, &end, &err), 0);
    cr_expect(strstr(err.text, "limit"), "%s", err.text);
    cr_expect(strstr(err.text, "^(a+)+$"), "%s", err.text);
    pattern_free(p);
}

// "a|b" for the literals a and b, "" for none.
static void literals_are(const char *source, unsigned flags,
                         const char *expected)
{
    struct literals l;
    char got[LITERAL_BRANCHES * (LITERAL_MAX + 1) + 1] = "";
    size_t n = 0;
    pattern_free(must_compile(source, flags));
    literals_of(&l, source, strlen(source), (flags & PATTERN_CASELESS) != 0,
                (flags & PATTERN_EXTENDED) != 0);
    for (size_t i = 0; i < l.n; i++) {
        n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s", i ? "|" : "",
                              (int)l.branch[i].len, l.branch[i].text);
    }
    cr_expect_str_eq(got, expected, "/%s/: \"%s\", not \"%s\"", source, got,
                     expected);
}

Test(console_pattern, literals)
{
    literals_are("login: $", 0, "login: ");
    literals_are("^total \\d+ files", 0, " files");
    literals_are("ab?c*d", 0, "d");
    literals_are("abc?", 0, "ab");
    literals_are("abcd{0,2}", 0, "abc");
    literals_are("ab{2}cde", 0, "cde");
    literals_are("a{b", 0, "a{b");
    literals_are("caf\xc3\xa9?", 0, "caf");
    literals_are("abc|de", 0, "abc|de");
    literals_are("abc|", 0, "");
    literals_are("(abc)?", 0, "");
    literals_are("(abc)*d", 0, "d");
    literals_are("(abc)+d", 0, "abc");
    literals_are("(?:abc|xyz+)d", 0, "abc|xyz");
    literals_are("(?<n>abc|x(?:y|zz))", 0, "abc|x");
    literals_are("(?'n'abc)", 0, "abc");
    literals_are("(?>abc)", 0, "abc");
    literals_are("(?!abc)d", 0, "d");
    literals_are("(?=abc)d(?<=xyz)", 0, "d");
    literals_are("(a)\\1(?1)b", 0, "b");
    literals_are("[abc]]x[^]]y", 0, "]x");
    literals_are("[[:alpha:]]x[[:]y", 0, "y");
    literals_are("\\[ *\\d+\\] oops", 0, "] oops");
    literals_are("a\\nb\\x41bcd", 0, "");
    literals_are("a\\nb\\tc", 0, "a\nb\tc");
    literals_are("(?m)^BUG: ", 0, "BUG: ");
    literals_are("(?ms:BUG: )", 0, "BUG: ");
    literals_are("(?i)bug", 0, "");
    literals_are("a(?i:bug)", 0, "");
    literals_are("(?-m)bug", 0, "");
    literals_are("(?#x)bug", 0, "");
    literals_are("(*ANY)bug", 0, "");
    literals_are("\\Qa|b\\E", 0, "");
    literals_are("[\\c]]x", 0, "");
    literals_are("WarNing: x", PATTERN_CASELESS, "warning: x");
    literals_are("usk", PATTERN_CASELESS, "u");
    literals_are("a b # c", PATTERN_EXTENDED, "");
    literals_are("(?(?=a)b|c)d", 0, "d");
    literals_are("", 0, "");
    literals_are("0123456789012345678901234567890123456789", 0,
                 "01234567890123456789012345678901");
}

Test(console_pattern, literals_find)
{
    struct literals l;
    literals_of(&l, "abc|xy", 6, false, false);
    cr_expect_eq(literals_find(&l, "..xy.abc", 8), 2);
    cr_expect_eq(literals_find(&l, "..abcxy", 7), 2);
    cr_expect_eq(literals_find(&l, "..ab", 4), 4);
    cr_expect_eq(literals_find(&l, "", 0), 0);
}

// The pass over the text finds the same literals as looking for each.
Test(console_pattern, pairs_find_what_is_there)
{
    static const char *const words[] = {"ab",    "abc", "Kernel", "b[",
                                        "panic", "BUG", "aa",     "c"};
    enum { WORDS = sizeof words / sizeof *words };
    struct pairs *p = calloc(1, sizeof *p);
    struct literal l;
    for (size_t i = 0; i < WORDS; i++) {
        l.len = strlen(words[i]);
        memcpy(l.text, words[i], l.len);
        bool caseless = i == 4;
        cr_expect_eq(pairs_add(p, &l, caseless, UINT64_C(1) << i), l.len > 1);
    }
    uint64_t random = 99;
    for (int round = 0; round < 20000; round++) {
        char text[40] = "";
        size_t len = 0;
        while (len < 30) {
            static const char *const parts[] = {
                "a", "b", "c", "[", "Kernel", "PANIC", "Pan", "ic", "BUG"};
            const char *part = parts[below(&random, 9)];
            len += (size_t)snprintf(text + len, sizeof text - len, "%s", part);
        }
        uint64_t expected = 0;
        for (size_t i = 0; i + 1 < WORDS; i++) {
            for (size_t at = 0; at + strlen(words[i]) <= len; at++) {
                int differs = (i == 4 ? strncasecmp : strncmp)(
                    text + at, words[i], strlen(words[i]));
                expected |= differs ? 0 : UINT64_C(1) << i;
            }
        }
        uint64_t got = 0;
        uint64_t bits = 0;
        for (size_t at = 0; (at = pairs_find(p, text, len, at, &bits)) < len;
             at++) {
            got |= bits;
        }
        cr_assert_eq(got, expected, "%.*s: %lx", (int)len, text,
                     (unsigned long)(got ^ expected));
    }
    free(p);
}
