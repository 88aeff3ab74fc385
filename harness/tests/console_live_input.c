// SPDX-License-Identifier: Apache-2.0
// Tests of the live backend's input without a machine: what is typed, when the
// machine takes it. Also to be run with -DTOYVMM_SANITIZE=thread.
#include "harness/console/live.h"
#include "harness/tests/console_util.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

Test(console_live, input)
{
    struct error err = {""};
    struct live_console *lc = live_fresh();
    struct console *c = live_console_base(lc);
    struct toyvmm_sink sink = live_console_sink(lc);
    uint8_t bytes[16];
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), 0);
    cr_expect_eq(console_write(c, 0, "0123456789abcdefXYZ", 19, &err), 0);
    cr_expect_eq(console_write(c, 1, "other", 5, &err), 0);
    cr_expect_eq(console_write(c, 1, "", 0, &err), 0);
    cr_expect_eq(console_unread(c, 0), 19);
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), 16);
    cr_expect_eq(memcmp(bytes, "0123456789abcdef", 16), 0);
    cr_expect_eq(console_unread(c, 0), 3);
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 2), 2);
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 2), 1);
    cr_expect_eq(bytes[0], 'Z');
    cr_expect_eq(sink.rx(sink.owner, 1, bytes, 16), 5);
    cr_expect_eq(console_write(c, TOYVMM_PORTS, "x", 1, &err), -EINVAL);
    cr_expect_eq(console_unread(c, 99), 0);
    cr_expect_eq(sink.rx(sink.owner, 99, bytes, 16), 0);
    console_close(c);
}

// A break comes where it was queued, and the bytes around it wait for it.
Test(console_live, breaks_in_order)
{
    struct error err = {""};
    struct live_console *lc = live_fresh();
    struct console *c = live_console_base(lc);
    struct toyvmm_sink sink = live_console_sink(lc);
    uint8_t bytes[16];
    cr_expect_eq(console_write(c, 0, "ab", 2, &err), 0);
    cr_expect_eq(console_break(c, 0, &err), 0);
    cr_expect_eq(console_break(c, 0, &err), 0);
    cr_expect_eq(console_write(c, 0, "h", 1, &err), 0);
    cr_expect_eq(console_break(c, 0, &err), 0);
    cr_expect_eq(console_unread(c, 0), 6);
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), 2);
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), TOYVMM_RX_BREAK);
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), TOYVMM_RX_BREAK);
    cr_expect_eq(sink.rx(sink.owner, 1, bytes, 16), 0, "the other port's none");
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), 1);
    cr_expect_eq(bytes[0], 'h');
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), TOYVMM_RX_BREAK);
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), 0);
    cr_expect_eq(console_break(c, TOYVMM_PORTS, &err), -EINVAL);

    for (unsigned i = 0; i < INPUT_BREAKS; i++) {
        cr_expect_eq(console_break(c, 0, &err), 0);
    }
    cr_expect_eq(console_break(c, 0, &err), -ENOSPC);
    live_console_forget_input(lc);
    cr_expect_eq(console_unread(c, 0), 0);
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), 0);
    console_close(c);
}

Test(console_live, input_is_bounded)
{
    struct error err = {""};
    struct live_console *lc = live_fresh();
    struct console *c = live_console_base(lc);
    char *mega = calloc(1, INPUT_MAX + 1);
    cr_expect_eq(console_write(c, 0, mega, INPUT_MAX + 1, &err), -ENOSPC);
    cr_expect_eq(console_unread(c, 0), 0);
    cr_expect_eq(console_write(c, 0, mega, INPUT_MAX, &err), 0);
    cr_expect_eq(console_write(c, 0, "x", 1, &err), -ENOSPC);
    cr_expect_eq(console_write(c, 1, "x", 1, &err), 0);
    struct toyvmm_sink sink = live_console_sink(lc);
    uint8_t bytes[16];
    cr_expect_eq(sink.rx(sink.owner, 0, bytes, 16), 16);
    cr_expect_eq(console_write(c, 0, "0123456789abcdef", 16, &err), 0);
    free(mega);
    console_close(c);
}

// A machine that takes its input inside the announcement, as it may.
struct taker {
    struct live_console *lc;
    char got[4][64];
    size_t n[4];
    unsigned calls;
};

static void take_all(void *machine, unsigned port)
{
    struct taker *t = machine;
    struct toyvmm_sink sink = live_console_sink(t->lc);
    uint8_t byte;
    t->calls++;
    while (sink.rx(sink.owner, port, &byte, 1) == 1) {
        t->got[port][t->n[port]++] = (char)byte;
    }
}

Test(console_live, input_before_and_after_attaching)
{
    struct error err = {""};
    struct taker t = {.lc = live_fresh()};
    struct console *c = live_console_base(t.lc);
    console_write(c, 0, "early ", 6, &err);
    console_write(c, 2, "two", 3, &err);
    const struct live_calls calls = {.ready = take_all};
    live_console_connect(t.lc, &calls, &t);
    cr_expect_eq(t.calls, 2);
    cr_expect_str_eq(t.got[2], "two");
    console_write(c, 0, "late", 4, &err);
    cr_expect_str_eq(t.got[0], "early late");
    live_console_connect(t.lc, NULL, NULL);
    console_write(c, 0, "!", 1, &err);
    cr_expect_eq(t.calls, 3);
    cr_expect_eq(console_unread(c, 0), 1);
    console_close(c);
}

enum { TYPED = 200000 };

static void *type(void *arg)
{
    struct live_console *lc = arg;
    struct error err = {""};
    for (size_t i = 0; i < TYPED; i++) {
        uint8_t byte = (uint8_t)i;
        while (console_write(live_console_base(lc), 3, &byte, 1, &err) ==
               -ENOSPC) {
        }
    }
    return NULL;
}

Test(console_live, typed_on_another_thread, .timeout = 900)
{
    struct live_console *lc = live_fresh();
    struct toyvmm_sink sink = live_console_sink(lc);
    pthread_t typist;
    cr_assert_eq(pthread_create(&typist, NULL, type, lc), 0);
    uint8_t bytes[16];
    for (size_t i = 0; i < TYPED;) {
        size_t n = sink.rx(sink.owner, 3, bytes, 1 + i % 16);
        for (size_t k = 0; k < n; k++, i++) {
            cr_assert_eq(bytes[k], (uint8_t)i);
        }
    }
    pthread_join(typist, NULL);
    cr_expect_eq(console_unread(live_console_base(lc), 3), 0);
    console_close(live_console_base(lc));
}
