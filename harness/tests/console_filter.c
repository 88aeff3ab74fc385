// SPDX-License-Identifier: Apache-2.0
// Tests of the text filter: what becomes of each kind of byte, and that the
// pieces in which bytes come do not matter.
#include "harness/console/filter.h"
#include "harness/tests/console_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(struct filter *f, struct text *t, const uint8_t *bytes,
                size_t len, uint64_t ns)
{
    struct stamp s = {0, ns};
    struct piece piece = {
        .bytes = bytes, .len = len, .stamps = &s, .stamps_end = &s + 1};
    filter_feed(f, t, &piece);
}

static void check(const char *bytes, size_t len, const char *expected)
{
    // Whole, and cut in two at each place.
    for (size_t cut = 0; cut <= len; cut++) {
        struct filter f;
        struct text t = {0};
        filter_init(&f);
        put(&f, &t, (const uint8_t *)bytes, cut, 1);
        put(&f, &t, (const uint8_t *)bytes + cut, len - cut, 1);
        struct text_span got = {t.buf ? text_at(&t, 0) : "", t.len};
        cr_expect(is(got, expected), "cut at %zu: \"%.*s\" is not \"%s\"", cut,
                  (int)got.len, got.text, expected);
        text_free(&t);
    }
}

#define CHECK(bytes, expected) check(bytes, sizeof(bytes) - 1, expected)

Test(console_filter, line_ends)
{
    CHECK("a\r\nb\nc\r\r\nd\r\r\r\n", "a\nb\nc\nd\n");
    CHECK("10%\r20%\r\r30%\n", "10%\r20%\r30%\n");
    CHECK("\r\r\nx\n\rlogin: ", "\nx\nlogin: ");
    CHECK("a\r\0\033[K\nb", "a\nb");
    CHECK("a\r\033[Kb\r", "a\rb");
    CHECK("\ra\r\xc3\xa9", "a\r\xc3\xa9");
}

Test(console_filter, control_characters)
{
    CHECK("a\0b\007c\177d\032e\013\014f\tg\bh\021\023", "abcdef\tg\bh");
}

Test(console_filter, utf8_is_repaired)
{
    CHECK("caf\xc3\xa9 \xf0\x9f\x90\xa7", "caf\xc3\xa9 \xf0\x9f\x90\xa7");
    CHECK("\xff|\xc3(|\xe2\x82(|\xc0\xaf|",
          "\xef\xbf\xbd|\xef\xbf\xbd(|\xef\xbf\xbd(|"
          "\xef\xbf\xbd\xef\xbf\xbd|");
    // A surrogate: three ill-formed parts. Beyond U+10FFFF: four.
    CHECK("\xed\xa0\x80.", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.");
    CHECK("\xf4\x90\x80\x80.",
          "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.");
    CHECK("\xf0\x9f\x90\xe2\x82\xac", "\xef\xbf\xbd\xe2\x82\xac");
    // What may still become a character is not text.
    CHECK("x\xe2\x82", "x");
    CHECK("\xe2\x82\033[m!", "\xef\xbf\xbd!");
    CHECK("\x9b"
          "31mx",
          "\xef\xbf\xbd"
          "31mx");
}

Test(console_filter, escapes_go)
{
    CHECK("\033[1;31mred\033[m \033[?2004h\033[6n# ", "red # ");
    CHECK("\033]0;title\007a\033]8;;http://x\033\\b", "ab");
    CHECK("\033Pq~\007~\033\\a\033_x\033\\b\033^x\033\\c\033Xx\033\\d", "abcd");
    CHECK("\033kbash\033\\$ ", "$ ");
    CHECK("\033(B\033)0\033%Ga\0337\0338\033=\033>\033Mb\033c", "ab");
    CHECK("\033]P0aabbccx\033]Ry", "xy");
    CHECK("a\033\033[31mb\033[3\030c\033[4\033[5md", "abcd");
    CHECK("\033]0;caf\xc3\xa9\007x", "x");
}

Test(console_filter, escape_never_swallows_the_log)
{
    CHECK("\033]0;no end\r\nnext\n", "\nnext\n");
    CHECK("\033[12;\nnext", "\nnext");
    CHECK("\033\nnext", "\nnext");
    CHECK("\033[0[    1.234567] kernel", "[    1.234567] kernel");

    size_t n = 100000;
    char *bytes = malloc(n);
    memset(bytes, '7', n);
    bytes[0] = '\033';
    bytes[1] = ']';
    struct filter f;
    struct text t = {0};
    filter_init(&f);
    put(&f, &t, (uint8_t *)bytes, n, 1);
    cr_expect_gt(t.len, n - 5000);
    text_free(&t);
    bytes[1] = '[';
    filter_init(&f);
    put(&f, &t, (uint8_t *)bytes, n, 1);
    cr_expect_gt(t.len, n - 300);
    text_free(&t);
    free(bytes);
}

// Every byte has the time at which it became text.
Test(console_filter, times)
{
    static const char bytes[] = "ab\r\nc\rd\xc3\xa9";
    struct filter f;
    struct text t = {0};
    filter_init(&f);
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        put(&f, &t, (const uint8_t *)bytes + i, 1, 100 + i);
    }
    // a b \n c \r d e9
    static const uint64_t expected[] = {100, 101, 103, 104, 106, 106, 108, 108};
    cr_assert_eq(t.len, 8);
    for (size_t i = 0; i < t.len; i++) {
        cr_expect_eq(text_ns(&t, i), expected[i], "byte %zu", i);
    }
    text_free(&t);
}

static uint64_t hash(const struct text *t)
{
    uint64_t h = 14695981039346656037u;
    for (uint64_t i = t->base; i < text_end(t); i++) {
        h = (h ^ (uint8_t)*text_at(t, i)) * 1099511628211u;
        h = (h ^ text_ns(t, i)) * 1099511628211u;
    }
    return h;
}

static struct text filtered(const struct stream *s, size_t piece_max,
                            uint64_t *random)
{
    struct filter f;
    struct text t = {0};
    struct stamp *stamps = malloc((s->len + 1) * sizeof *stamps);
    filter_init(&f);
    for (size_t i = 0; i < s->len; i++) {
        stamps[i] = (struct stamp){(uint32_t)i, s->ns[i]};
    }
    for (size_t at = 0; at < s->len;) {
        size_t n = 1 + below(random, piece_max);
        n = n < s->len - at ? n : s->len - at;
        struct piece piece = {.bytes = s->bytes + at,
                              .len = n,
                              .base = at,
                              .stamps = stamps + at,
                              .stamps_end = stamps + at + n};
        filter_feed(&f, &t, &piece);
        at += n;
    }
    free(stamps);
    return t;
}

Test(console_filter, pieces_do_not_matter)
{
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; recorded[i]; i++) {
        struct stream s = stream_recorded(recorded[i], 0);
        struct text byte_by_byte = filtered(&s, 1, &random);
        for (int round = 0; round < 50; round++) {
            struct text t = filtered(&s, 1 + below(&random, 300), &random);
            cr_assert_eq(hash(&t), hash(&byte_by_byte), "%s", recorded[i]);
            text_free(&t);
        }
        text_free(&byte_by_byte);
        stream_free(&s);
    }
}

Test(console_filter, random_bytes_give_valid_utf8_without_controls)
{
    uint64_t random = 20240229;
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++) {
            // Much of what matters, some of everything.
            static const char often[] = "\033[];m\r\n\\P\xe2\x82\xac\xf0\x9f";
            bytes[i] =
                (uint8_t)(below(&random, 2) ? (uint8_t)often[below(&random, 15)]
                                            : (uint8_t)below(&random, 256));
        }
        struct filter f;
        struct text t = {0};
        filter_init(&f);
        put(&f, &t, bytes, sizeof bytes, 1);
        struct pattern *p = must_compile("[\\x00-\\x07\\x0b\\x0c\\x0e-\\x1f"
                                         "\\x7f]|\\r\\n|\\r\\r",
                                         0);
        size_t start;
        size_t end;
        struct error err = {""};
        int found = pattern_search(p, t.buf ? text_at(&t, 0) : "", t.len, 0,
                                   &start, &end, &err);
        cr_assert_eq(found, 0, "%s", err.text);
        pattern_free(p);
        text_free(&t);
    }
}
