// SPDX-License-Identifier: Apache-2.0
// Telling live kernel messages from printed ones by their clock alone.
#include "harness/console/kclock.h"
#include "harness/console/kmsg.h"

#include "src/base/clock.h"

#include <criterion/criterion.h>

// The machine starts here, its kernel's clock half a second later. A message
// takes 5 ms to the console.
#define START (1000 * NS_PER_S)
#define ZERO  (START + NS_PER_S / 2)
#define TOOK  (5 * NS_PER_MS)

// A live message with the clock ms takes the console at this time.
static uint64_t due(uint64_t ms)
{
    return ZERO + ms * NS_PER_MS + TOOK;
}

// One in a line of its own, a while after the byte before it.
static struct kclock_place place(uint64_t clock_ms, uint64_t ns)
{
    return (struct kclock_place){.clock_us = clock_ms * 1000,
                                 .ns = ns,
                                 .before_ns = ns - NS_PER_S,
                                 .above = KCLOCK_LIVE};
}

static enum kclock_answer ask(const struct kclock *c, struct kclock_place p)
{
    struct kclock copy = *c;
    return kclock_judge(&copy, &p);
}

// It is judged, and taken as the console takes it: 50 bytes in 5 ms.
static enum kclock_answer hear(struct kclock *c, struct kclock_place p)
{
    enum kclock_answer answer = kclock_judge(c, &p);
    if (answer == KCLOCK_LIVE) {
        kclock_live(c, &p);
        kclock_end(c, p.ns, p.ns + 5 * NS_PER_MS, 50);
    }
    return answer;
}

// A kernel that shows all it says has booted for ten seconds.
static struct kclock booted(void)
{
    struct kclock c = {.started_ns = START};
    struct kclock_place p = place(0, due(0));
    p.first = true;
    cr_assert_eq(hear(&c, p), KCLOCK_LIVE);
    for (uint64_t ms = 500; ms <= 10000; ms += 500) {
        p = place(ms, due(ms));
        p.follows = true;
        cr_assert_eq(hear(&c, p), KCLOCK_LIVE, "%llu ms",
                     (unsigned long long)ms);
    }
    cr_assert(c.steady && !c.hides);
    cr_assert_eq(c.byte_ns, NS_PER_MS / 10);
    return c;
}

// One that was booted with `quiet`: its first message comes behind a prompt.
static struct kclock hidden(void)
{
    struct kclock c = {.started_ns = START};
    struct kclock_place p = place(10000, due(10000));
    kclock_live(&c, &p);
    kclock_end(&c, p.ns, p.ns + 5 * NS_PER_MS, 50);
    p = place(12000, due(12000));
    kclock_live(&c, &p);
    kclock_end(&c, p.ns, p.ns + 5 * NS_PER_MS, 50);
    cr_assert(c.steady && c.hides);
    return c;
}

Test(kclock, the_order_decides_where_all_are_shown)
{
    struct kclock c = booted();
    for (uint64_t ms = 0; ms < 10000; ms += 100)
        cr_expect_eq(ask(&c, place(ms, due(20000))), KCLOCK_PRINTED);
    cr_expect_eq(ask(&c, place(20000, due(20000))), KCLOCK_LIVE);
    // The last one once more, as dmesg's last line is.
    cr_expect_eq(ask(&c, place(10000, due(20000))), KCLOCK_PRINTED);
}

Test(kclock, the_offset_decides_where_the_order_does_not)
{
    struct kclock c = booted();
    // Newer than the last one, yet older than now: a log that a program reads.
    cr_expect_eq(ask(&c, place(10500, due(20000))), KCLOCK_PRINTED);
    cr_expect_eq(ask(&c, place(19000, due(20000))), KCLOCK_EITHER);
    // Ahead of the time: of another boot.
    cr_expect_eq(ask(&c, place(99000, due(20000))), KCLOCK_PRINTED);
}

Test(kclock, a_hidden_message_is_newer_and_late)
{
    struct kclock c = hidden();
    cr_expect_eq(ask(&c, place(14000, due(14000))), KCLOCK_LIVE);
    cr_expect_eq(ask(&c, place(14000, due(14100))), KCLOCK_EITHER);
    cr_expect_eq(ask(&c, place(14000, due(18000))), KCLOCK_PRINTED);
}

Test(kclock, lines_of_one_message_and_two_processors)
{
    struct kclock c = booted();
    uint64_t ns = c.end_ns;
    struct kclock_place p = place(10000, ns);
    p.follows = true;
    cr_expect_eq(ask(&c, p), KCLOCK_LIVE, "the same clock, at once");
    p = place(9995, ns + NS_PER_MS);
    p.follows = true;
    cr_expect_eq(ask(&c, p), KCLOCK_LIVE, "5 ms out of order");
    p.follows = false;
    cr_expect_eq(ask(&c, p), KCLOCK_PRINTED, "not behind a live one");
    p = place(9900, ns + NS_PER_MS);
    p.follows = true;
    cr_expect_eq(ask(&c, p), KCLOCK_PRINTED, "100 ms out of order");
}

// A queue is printed late, and leaves no time between its messages.
Test(kclock, a_queue)
{
    struct kclock c = hidden();
    uint64_t ms = 15000;
    struct kclock_place p = place(ms, due(ms));
    cr_assert_eq(hear(&c, p), KCLOCK_LIVE);
    for (unsigned i = 0; i < 1000; i++) {
        p = place(++ms, c.end_ns);
        p.follows = true;
        cr_assert_eq(hear(&c, p), KCLOCK_LIVE, "message %u", i);
    }
    // When it is over the clock is what it was.
    cr_expect_eq(ask(&c, place(30000, due(30000))), KCLOCK_LIVE);
}

// Before any live message.
Test(kclock, the_first)
{
    struct kclock c = {.started_ns = START};
    struct kclock_place p = place(9000, due(9000));
    cr_expect_eq(ask(&c, p), KCLOCK_EITHER);
    p.first = true;
    cr_expect_eq(ask(&c, p), KCLOCK_LIVE);
    cr_expect_eq(ask(&c, place(1000, due(60000))), KCLOCK_PRINTED, "old");
    cr_expect_eq(ask(&c, place(90000, due(1000))), KCLOCK_PRINTED,
                 "of another boot");
    p = place(9000, due(9000));
    p.above = KCLOCK_PRINTED;
    cr_expect_eq(ask(&c, p), KCLOCK_PRINTED, "the end of a log");
    c.started_ns = 0;
    cr_expect_eq(ask(&c, place(1000, due(60000))), KCLOCK_EITHER,
                 "nobody knows when the machine started");
}

// What stands in the line above belongs to it: a log ends with its newest line.
Test(kclock, the_end_of_a_log)
{
    struct kclock c = booted();
    struct kclock_place p = place(20000, due(20000));
    p.above = KCLOCK_PRINTED;
    cr_expect_eq(ask(&c, p), KCLOCK_EITHER);
    p.above = KCLOCK_EITHER;
    cr_expect_eq(ask(&c, p), KCLOCK_EITHER);
    p = place(19000, due(20000));
    p.above = KCLOCK_PRINTED;
    cr_expect_eq(ask(&c, p), KCLOCK_PRINTED);
}

// The guest slept, or kexec began a new kernel: messages that keep another time
// among themselves are live. One that a program prints in between is not.
Test(kclock, another_clock_is_learnt)
{
    struct kclock c = booted();
    uint64_t ns = due(100000);
    unsigned n = 0;
    uint64_t ms = 11000;
    for (; n < 20 && hear(&c, place(ms, ns)) != KCLOCK_LIVE; n++) {
        ms += 500;
        ns += 500 * NS_PER_MS;
    }
    cr_expect_eq(n, 3, "after %u messages", n);
    ms += 5000;
    ns += 5 * NS_PER_S;
    cr_expect_eq(ask(&c, place(ms, ns)), KCLOCK_LIVE);
    cr_expect_eq(ask(&c, place(9000, ns)), KCLOCK_PRINTED);
}

// A log that is printed without pauses never teaches it one.
Test(kclock, a_log_teaches_nothing)
{
    struct kclock c = booted();
    uint64_t ns = due(100000);
    for (uint64_t ms = 0; ms < 10000; ms += 10) {
        struct kclock_place p = place(ms, ns);
        p.before_ns = ns - NS_PER_MS / 10;
        p.above = ms ? KCLOCK_PRINTED : KCLOCK_LIVE;
        cr_assert_eq(hear(&c, p), KCLOCK_PRINTED, "%llu ms",
                     (unsigned long long)ms);
        ns += 5 * NS_PER_MS;
    }
    cr_expect_eq(ask(&c, place(120000, due(120000))), KCLOCK_LIVE);
}

// The clock is read from each form of a prefix, whichever way is the fast one;
// what begins like one and is none says so with what was seen of it.
Test(kclock, the_clock_in_a_prefix)
{
    static const struct {
        const char *text;
        enum kmsg answer;
        size_t used;
        uint64_t clock_us;
    } prefixes[] = {
        {"[    0.000000] Linux version 6.1", KMSG_YES, 15, 0},
        {"[    3.141592] random: crng init", KMSG_YES, 15, 3141592},
        {"[   12.000001] x: and some more.", KMSG_YES, 15, 12000001},
        {"[99999.999999] x: and some more.", KMSG_YES, 15, 99999999999},
        {"[10203.040506] x: and some more.", KMSG_YES, 15, 10203040506},
        {"[123456.654321] x", KMSG_YES, 16, 123456654321},
        {"[    3.141592] ", KMSG_YES, 15, 3141592},
        {"<6>[    3.141592] random: crng", KMSG_YES, 18, 3141592},
        {"[    3.141592][    T1] random: x", KMSG_YES, 23, 3141592},
        {"[M]  drivers/net/e1000_main.o: x", KMSG_NO, 2, 0},
        {"<https://example.org/> is a link", KMSG_NO, 2, 0},
        {"[ ok ] all that was to be tested", KMSG_NO, 3, 0},
        {"[    3.14159] random: crng init,", KMSG_NO, 13, 0},
        {"[    3.1415x2] random: crng init", KMSG_NO, 12, 0},
        {"[", KMSG_MAYBE, 0, 0},
        {"<", KMSG_MAYBE, 0, 0},
        {"[    3.141592]", KMSG_MAYBE, 0, 0},
        {"x[    3.141592] ", KMSG_NO, 1, 0},
    };
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        const char *text = prefixes[i].text;
        size_t used = 0;
        enum kmsg answer = kmsg_prefix(text, strlen(text), &used);
        cr_expect_eq(answer, prefixes[i].answer, "%s: %d", text, (int)answer);
        if (answer != KMSG_MAYBE)
            cr_expect_eq(used, prefixes[i].used, "%s: %zu", text, used);
        if (answer == KMSG_YES)
            cr_expect_eq(kmsg_clock_us(text, used), prefixes[i].clock_us, "%s",
                         text);
    }
}
