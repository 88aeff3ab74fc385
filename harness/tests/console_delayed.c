// SPDX-License-Identifier: Apache-2.0
// Input that comes late by what a seed says.
#include "harness/console/delayed.h"
#include "src/base/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

// What was handed on, and when.
struct heard {
    struct console base; // first
    char what[64];
    uint64_t at_ns[8];
    size_t count;
};

static int note(struct console *c, const char *kind, unsigned port)
{
    struct heard *h = (struct heard *)c;
    size_t n = strlen(h->what);
    snprintf(h->what + n, sizeof(h->what) - n, "%s%u ", kind, port);
    h->at_ns[h->count++ % 8] = clock_now_ns();
    return 0;
}

static int heard_write(struct console *c, unsigned port, const void *bytes,
                       size_t len, struct error *err)
{
    (void)bytes, (void)len, (void)err;
    return note(c, "write", port);
}

static int heard_secret(struct console *c, unsigned port, const void *bytes,
                        size_t len, bool echoed, struct error *err)
{
    (void)bytes, (void)len, (void)err;
    return note(c, echoed ? "echoed" : "secret", port);
}

static int heard_break(struct console *c, unsigned port, struct error *err)
{
    (void)err;
    return note(c, "break", port);
}

static uint64_t heard_now(struct console *c)
{
    (void)c;
    return 42;
}

static const struct console_ops ops = {
    .write = heard_write,
    .write_secret = heard_secret,
    .serial_break = heard_break,
    .now = heard_now,
};

Test(delayed, all_input_is_handed_on_and_late)
{
    struct heard h = {.base = {.ops = &ops}};
    struct delayed_console d;
    delayed_console_init(&d, &h.base, 7);
    uint64_t began = clock_now_ns();
    cr_expect_eq(console_write(&d.base, 0, "x", 1, NULL), 0);
    cr_expect_eq(console_write_secret(&d.base, 1, "x", 1, true, NULL), 0);
    cr_expect_eq(console_write_secret(&d.base, 1, "x", 1, false, NULL), 0);
    cr_expect_eq(console_break(&d.base, 2, NULL), 0);
    cr_expect_str_eq(h.what, "write0 echoed1 secret1 break2 ");
    cr_expect_eq(console_now(&d.base), 42);
    console_close(&d.base);
    // Not one of this seed's first delays is shorter than 100 us.
    uint64_t before = began;
    for (size_t i = 0; i < h.count; i++) {
        cr_expect_gt(h.at_ns[i] - before, 100 * NS_PER_US, "%zu", i);
        before = h.at_ns[i];
    }
}
