// SPDX-License-Identifier: Apache-2.0
// Tests of the console's record: head and tail, what was left out, the last
// lines with their times.
#include "harness/console/record.h"
#include "harness/tests/console_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct console_record *fresh(size_t head, size_t tail)
{
    struct error err = {""};
    struct console_record *r = console_record_new(head, tail, &err);
    cr_assert_not_null(r);
    return r;
}

static void feed(struct console_record *r, const char *text, uint64_t ns)
{
    struct stamp s = {0, ns};
    console_record_feed(r, (const uint8_t *)text, strlen(text), &s, 1);
}

static void text_is(const struct console_record *r, const char *expected)
{
    size_t len = 0;
    char *text = console_record_text(r, &len);
    cr_assert_not_null(text);
    cr_expect_eq(len, strlen(expected));
    cr_expect_str_eq(text, expected);
    free(text);
}

Test(console_record, all_fits)
{
    struct console_record *r = fresh(0, 0);
    text_is(r, "");
    feed(r, "a\r\n", 1);
    feed(r, "b\033[m", 2);
    text_is(r, "a\r\nb\033[m");
    cr_expect_eq(console_record_total(r), 7);
    cr_expect_eq(console_record_elided(r), 0);
    console_record_free(r);
    console_record_free(NULL);
}

Test(console_record, middle_is_left_out)
{
    struct console_record *r = fresh(4, 6);
    feed(r, "0123456789", 1);
    text_is(r, "0123456789");
    feed(r, "abc", 2);
    text_is(r, "0123\n[... 3 bytes left out ...]\n789abc");
    feed(r, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 3);
    text_is(r, "0123\n[... 29 bytes left out ...]\nUVWXYZ");
    cr_expect_eq(console_record_total(r), 39);
    cr_expect_eq(console_record_elided(r), 29);
    console_record_free(r);
}

struct lines {
    char text[512];
};

static void take_line(void *owner, uint64_t ns, const char *text, size_t len)
{
    struct lines *l = owner;
    size_t n = strlen(l->text);
    snprintf(l->text + n, sizeof l->text - n, "%lu:%.*s|", (unsigned long)ns,
             (int)len, text);
}

static void tail_is(const struct console_record *r, size_t max,
                    const char *expected)
{
    struct lines l = {""};
    console_record_tail(r, max, take_line, &l);
    cr_expect_str_eq(l.text, expected);
}

Test(console_record, tail)
{
    struct console_record *r = fresh(8, 64);
    tail_is(r, 3, "");
    feed(r, "one\r\ntwo", 1 * MS);
    feed(r, "!\r\n\033[1mth", 5 * MS);
    feed(r, "ree\033[m\r\n", 9 * MS);
    feed(r, "# ", 20 * MS);
    tail_is(r, 0, "");
    tail_is(r, 1, "20000000:# |");
    tail_is(r, 2, "5000000:three|20000000:# |");
    tail_is(r, 9, "1000000:one|1000000:two!|5000000:three|20000000:# |");
    feed(r, "\r\n", 21 * MS);
    tail_is(r, 2, "5000000:three|20000000:# |");
    console_record_free(r);
}

// Per-byte stamps: the times of lines stay right while the tail slides.
Test(console_record, times_while_sliding)
{
    struct console_record *r = fresh(16, 200);
    for (uint64_t i = 0; i < 5000; i++) {
        char line[32];
        int n = snprintf(line, sizeof line, "line %lu\r\n", (unsigned long)i);
        for (int k = 0; k < n; k++) {
            char byte[2] = {line[k], '\0'};
            feed(r, byte, i * MS + (uint64_t)k);
        }
    }
    tail_is(r, 2, "4998000000:line 4998|4999000000:line 4999|");
    cr_expect_eq(console_record_total(r) - console_record_elided(r), 216);
    console_record_free(r);
}

// ---- Complete lines from an offset on ---------------------------------------

struct taken {
    char text[256];
    uint64_t last_ns;
};

static void take(void *owner, uint64_t ns, const char *text, size_t len)
{
    struct taken *t = owner;
    size_t n = strlen(t->text);
    snprintf(t->text + n, sizeof t->text - n, "%.*s|", (int)len, text);
    t->last_ns = ns;
}

// What the lines from *from on are; *from moves behind them.
static void lines_are(const struct console_record *r, uint64_t *from,
                      const char *expected)
{
    struct taken t = {.text = ""};
    *from = console_record_lines(r, *from, take, &t);
    cr_expect_str_eq(t.text, expected);
}

Test(console_record, lines_go_on_where_they_stopped)
{
    struct console_record *r = fresh(0, 0);
    uint64_t at = 0;
    lines_are(r, &at, "");
    feed(r, "one\r\ntw", 1000000);
    lines_are(r, &at, "one|");
    lines_are(r, &at, "");
    feed(r, "\033[1mo", 2000000);
    lines_are(r, &at, "");
    feed(r, "\n\nthree\n", 3000000);
    lines_are(r, &at, "two||three|");
    cr_expect_eq(at, console_record_end(r));
    console_record_free(r);
}

// A line may begin in the head and end in the tail.
Test(console_record, lines_cross_from_the_head_to_the_tail)
{
    for (size_t head = 1; head < 14; head++) {
        struct console_record *r = fresh(head, 100);
        uint64_t at = 0, again = 0;
        feed(r, "abc\nde", 1000000);
        lines_are(r, &at, "abc|");
        feed(r, "f\nghi\nj", 2000000);
        lines_are(r, &at, "def|ghi|");
        lines_are(r, &again, "abc|def|ghi|");
        cr_expect_eq(at, again);
        console_record_free(r);
    }
}

Test(console_record, lines_that_are_gone_are_skipped)
{
    struct console_record *r = fresh(4, 4);
    uint64_t at = 0, middle = 5;
    feed(r, "abc\n", 1000000);
    feed(r, "gone\n", 1000000);
    feed(r, "xy\nz", 1000000);
    lines_are(r, &middle, "xy|");
    lines_are(r, &at, "abc|xy|");
    cr_expect_eq(at, middle);
    console_record_free(r);
}
