// SPDX-License-Identifier: Apache-2.0
// Tests of the replay backend.
#include "harness/console/console.h"
#include "harness/tests/console_util.h"
#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct replay_item bytes(uint64_t ns, unsigned port, const char *text)
{
    return (struct replay_item){.kind = CONSOLE_BYTES,
                                .port = port,
                                .ns = ns,
                                .bytes = text,
                                .len = strlen(text)};
}

static struct replay_item event(uint64_t ns, enum toyvmm_event_kind kind)
{
    return (struct replay_item){
        .kind = CONSOLE_EVENT, .ns = ns, .event = {.kind = kind}};
}

static struct console_batch batch;

Test(console_replay, order_times_and_pieces)
{
    struct replay_item items[] = {
        event(5, TOYVMM_EVENT_STARTED),
        bytes(10, 0, "hello"),
        bytes(10, 1, ""),
        bytes(20, 1, "x"),
        event(30, TOYVMM_EVENT_RESET),
    };
    struct error err = {""};
    struct console *c = replay_console_new(items, 5, 2, &err);
    cr_assert_not_null(c);
    cr_expect_eq(console_now(c), 0);
    cr_assert_eq(console_read(c, &batch, 100, &err), 0);
    cr_expect_eq(batch.kind, CONSOLE_EVENT);
    cr_expect_eq(batch.event.kind, TOYVMM_EVENT_STARTED);
    cr_expect_eq(batch.event.ns, 5);
    cr_expect_eq(batch.now_ns, 5);
    // Nothing came until 9.
    cr_assert_eq(console_read(c, &batch, 9, &err), 0);
    cr_expect_eq(batch.kind, CONSOLE_TIMEOUT);
    cr_expect_eq(batch.now_ns, 9);
    static const char *const pieces[] = {"he", "ll", "o"};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(console_read(c, &batch, 10, &err), 0);
        cr_assert_eq(batch.kind, CONSOLE_BYTES);
        cr_expect_eq(batch.len, strlen(pieces[i]));
        cr_expect_eq(memcmp(batch.bytes, pieces[i], batch.len), 0);
        cr_expect_eq(batch.nstamps, 1);
        cr_expect_eq(batch.stamps[0].at, 0);
        cr_expect_eq(batch.stamps[0].ns, 10);
        cr_expect_eq(batch.now_ns, 10);
    }
    cr_assert_eq(console_read(c, &batch, CLOCK_NEVER, &err), 0);
    cr_expect_eq(batch.port, 1);
    console_interrupt(c);
    cr_expect_eq(console_read(c, &batch, CLOCK_NEVER, &err), -EINTR);
    cr_assert_eq(console_read(c, &batch, CLOCK_NEVER, &err), 0);
    cr_expect_eq(batch.event.kind, TOYVMM_EVENT_RESET);
    cr_expect_eq(console_now(c), 30);
    cr_assert_eq(console_read(c, &batch, 1000, &err), 0);
    cr_expect_eq(batch.kind, CONSOLE_TIMEOUT);
    cr_expect_eq(console_now(c), 1000);
    // The time never goes back.
    cr_assert_eq(console_read(c, &batch, 500, &err), 0);
    cr_expect_eq(batch.now_ns, 1000);
    cr_expect_eq(console_write(c, 0, "typed", 5, &err), 0);
    cr_expect_eq(console_write(c, TOYVMM_PORTS, "typed", 5, &err), -EINVAL);
    cr_expect_eq(console_unread(c, 0), 0);
    console_close(c);
    console_close(NULL);
}

Test(console_replay, long_items_are_cut_at_the_batch)
{
    size_t len = 3 * CONSOLE_BATCH + 7;
    char *text = malloc(len);
    memset(text, 'x', len);
    struct replay_item item = {
        .kind = CONSOLE_BYTES, .ns = 1, .bytes = text, .len = len};
    struct error err = {""};
    struct console *c = replay_console_new(&item, 1, 0, &err);
    free(text); // it was copied
    size_t total = 0;
    while (console_read(c, &batch, 2, &err) == 0 &&
           batch.kind == CONSOLE_BYTES) {
        cr_expect_leq(batch.len, CONSOLE_BATCH);
        total += batch.len;
    }
    cr_expect_eq(total, len);
    console_close(c);
}

Test(console_replay, wrong_items_are_refused)
{
    struct error err = {""};
    struct replay_item back[] = {bytes(2, 0, "a"), bytes(1, 0, "b")};
    cr_expect_null(replay_console_new(back, 2, 0, &err));
    cr_expect(strstr(err.text, "earlier"), "%s", err.text);
    struct replay_item port[] = {bytes(2, TOYVMM_PORTS, "a")};
    cr_expect_null(replay_console_new(port, 1, 0, &err));
    cr_expect(strstr(err.text, "no serial port"), "%s", err.text);
    struct replay_item kind[] = {{.kind = CONSOLE_TIMEOUT}};
    cr_expect_null(replay_console_new(kind, 1, 0, &err));
}

Test(console_replay, empty)
{
    struct error err = {""};
    struct console *c = replay_console_new(NULL, 0, 0, &err);
    cr_assert_not_null(c);
    cr_assert_eq(console_read(c, &batch, 7, &err), 0);
    cr_expect_eq(batch.kind, CONSOLE_TIMEOUT);
    cr_expect_eq(batch.now_ns, 7);
    console_close(c);
}
