// SPDX-License-Identifier: Apache-2.0
// Tests of the kernel message prefix and of the view without kernel messages.
#include "harness/console/kmsg.h"
#include "harness/console/lift.h"
#include "harness/tests/console_util.h"

#include <string.h>

Test(console_lift, prefix)
{
    static const struct {
        const char *text;
        enum kmsg kind;
        size_t used;
    } cases[] = {
        {"[    3.141592] x", KMSG_YES, 15},
        {"[12345.141592] x", KMSG_YES, 15},
        {"[123456.141592] x", KMSG_YES, 16},
        {"<6>[    3.141592] x", KMSG_YES, 18},
        {"<191>[    3.141592] x", KMSG_YES, 20},
        {"[    3.141592][    T1] x", KMSG_YES, 23},
        {"[    3.141592][  C123] x", KMSG_YES, 23},
        {"[    3.141592][T123456] x", KMSG_YES, 24},
        {"[    3.141592] ", KMSG_YES, 15},
        {"[    3.141592]", KMSG_MAYBE, 0},
        {"[    3.141592][", KMSG_MAYBE, 0},
        {"[    3.14", KMSG_MAYBE, 0},
        {"[", KMSG_MAYBE, 0},
        {"<", KMSG_MAYBE, 0},
        {"<6>", KMSG_MAYBE, 0},
        {"", KMSG_MAYBE, 0},
        {"[3.141592] x", KMSG_NO, 3},
        {"[ OK ]", KMSG_NO, 3},
        {"[     3.141592]", KMSG_NO, 6},
        {"[    31.41592]", KMSG_NO, 7},
        {"[    3.14159 ", KMSG_NO, 13},
        {"[    3.1415926]", KMSG_NO, 14},
        {"[    3.141592]x", KMSG_NO, 15},
        {"[    3.141592][   X1]", KMSG_NO, 19},
        {"[123456789012.000000] ", KMSG_NO, 13},
        {"<1234>", KMSG_NO, 5},
        {"<b>", KMSG_NO, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t used = 0;
        size_t len = strlen(cases[i].text);
        enum kmsg kind = kmsg_prefix(cases[i].text, len, &used);
        cr_expect_eq(kind, cases[i].kind, "%s", cases[i].text);
        if (kind != KMSG_MAYBE) {
            cr_expect_eq(used, cases[i].used, "%s: %zu", cases[i].text, used);
            // One byte less does not decide.
            cr_expect_eq(kmsg_prefix(cases[i].text, used - 1, &len), KMSG_MAYBE,
                         "%s", cases[i].text);
        }
    }
}

// Takes all; quiet moments are tested below.
static void take(struct lift *l, const struct text *t)
{
    struct lift_quiet q;
    while (lift_feed(l, t, &q)) {
    }
}

static void check(const char *received, const char *expected)
{
    size_t len = strlen(received);
    for (size_t cut = 0; cut <= len; cut++) {
        struct text t = {0};
        struct lift l = {0};
        text_append(&t, received, cut);
        take(&l, &t);
        text_append(&t, received + cut, len - cut);
        take(&l, &t);
        struct text_span got = {l.text.buf ? text_at(&l.text, 0) : "",
                                l.text.len};
        cr_expect(is(got, expected), "cut at %zu: \"%.*s\"", cut, (int)got.len,
                  got.text);
        lift_free(&l);
        text_free(&t);
    }
}

Test(console_lift, messages_are_lifted)
{
    check("login: [    3.141592] random: crng init done\nroot\n",
          "login: root\n");
    check("[    0.000000] one\n[    0.000001] two\nthree\n", "three\n");
    check("a[    0.000000] one\n[    0.000001] two\nb\n", "ab\n");
    check("a[    0.000000] one\nb<6>[    0.000001][    T1] two\nc", "abc");
    // As soon as the prefix is there.
    check("login: [    3.141592] rand", "login: ");
    check("login: [    3.14159", "login: ");
    check("login: [    3.14159x", "login: [    3.14159x");
    check("[ OK ] <b>[   [    1.000000] x\n <6>[    1.00", "[ OK ] <b>[    ");
    check("<6>[ab<[[[    1.000000] \n|", "<6>[ab<[[|");
}

// When each byte joined the view, and where it came from.
Test(console_lift, offsets)
{
    static const char received[] = "ab[  x[    1.000000] m\ncd";
    struct text t = {0};
    struct lift whole = {0};
    text_append(&t, received, sizeof received - 1);
    take(&whole, &t);
    for (uint64_t at = 0; at <= t.len; at++) {
        struct text part = {0};
        struct lift l = {0};
        text_append(&part, received, at);
        take(&l, &part);
        cr_expect_eq(lift_len(&whole, at), l.text.len, "at %lu",
                     (unsigned long)at);
        lift_free(&l);
        text_free(&part);
    }
    for (uint64_t off = 0; off < whole.text.len; off++) {
        uint64_t src = lift_source(&whole, off);
        cr_expect_eq(*text_at(&whole.text, off), *text_at(&t, src));
        cr_expect_eq(lift_from(&whole, src), off);
        uint64_t joined = lift_joined(&whole, off);
        cr_expect_gt(lift_len(&whole, joined), off);
        cr_expect_leq(lift_len(&whole, joined - 1), off);
    }
    cr_expect_eq(lift_from(&whole, 8), 6); // inside the message
    lift_free(&whole);
    text_free(&t);
}

// Text that arrives line by line; what is quiet then.
static void add(struct text *t, const char *text, uint64_t ms)
{
    text_stamp(t, text_end(t), ms * MS);
    text_append(t, text, strlen(text));
}

Test(console_lift, quiet_between_messages)
{
    struct text t = {0};
    struct lift l = {.settle_ns = 50 * MS};
    struct lift_quiet q;
    add(&t, "login: ", 0);
    cr_expect_not(lift_feed(&l, &t, &q));
    cr_expect_eq(lift_wake_ns(&l, &t), UINT64_MAX, "all of it is quiet first");
    add(&t, "[    1.000000] one", 10);
    add(&t, "\n", 26); // counts 1 ms
    cr_expect_not(lift_feed(&l, &t, &q));
    cr_expect_eq(lift_wake_ns(&l, &t), (26 + 49) * MS);
    add(&t, "[    1.000001] two\n", 56); // 31 of 50 ms
    cr_expect_not(lift_feed(&l, &t, &q));
    cr_expect_not(lift_tick(&l, &t, 74 * MS, &q));
    cr_expect(lift_tick(&l, &t, 75 * MS, &q));
    cr_expect_eq(q.at, text_end(&t));
    cr_expect_eq(q.ns, 75 * MS);
    cr_expect_not(lift_tick(&l, &t, 99 * MS, &q), "once is enough");
    add(&t, "[    1.000002] three\n[    1.000003] four\n", 200);
    cr_expect_not(lift_feed(&l, &t, &q), "still the same view");
    add(&t, "x[    1.000004] five\n", 201);
    add(&t, "y", 300);
    cr_expect(lift_feed(&l, &t, &q), "the view was longer, and quiet");
    cr_expect_eq(q.at, text_end(&t) - 1);
    cr_expect_eq(q.ns, 251 * MS);
    cr_expect_not(lift_feed(&l, &t, &q));
    lift_free(&l);
    text_free(&t);
}

// A dump that leaves no time between its messages is no quiet for sixteen times
// as long.
Test(console_lift, messages_without_a_pause)
{
    struct text t = {0};
    struct lift l = {.settle_ns = 50 * MS};
    struct lift_quiet q;
    uint64_t ms = 0;
    add(&t, "# ", ms);
    bool quiet = false;
    while (!quiet) {
        add(&t, "[    1.000000] task", ms);
        add(&t, "\n", ms += 8);
        quiet = lift_feed(&l, &t, &q);
        cr_assert_leq(ms, 800U);
    }
    cr_expect_eq(q.ns, 800 * MS);
    lift_free(&l);
    text_free(&t);
}
