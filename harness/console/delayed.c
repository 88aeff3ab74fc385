// SPDX-License-Identifier: Apache-2.0
// See delayed.h.
#include "harness/console/delayed.h"

#include "src/base/mix.h"

#include <errno.h>
#include <time.h>

static struct delayed_console *of(struct console *c)
{
    return (struct delayed_console *)c;
}

static struct console *late(struct console *c)
{
    struct delayed_console *d = of(c);
    struct timespec left = {
        .tv_nsec = (long)(mix64(d->seed, d->count++) % DELAYED_MAX_NS)};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
    return d->console;
}

static int delayed_read(struct console *c, struct console_batch *out,
                        uint64_t deadline_ns, struct error *err)
{
    return console_read(of(c)->console, out, deadline_ns, err);
}

static int delayed_write(struct console *c, unsigned port, const void *bytes,
                         size_t len, struct error *err)
{
    return console_write(late(c), port, bytes, len, err);
}

static int delayed_write_secret(struct console *c, unsigned port,
                                const void *bytes, size_t len, bool echoed,
                                struct error *err)
{
    return console_write_secret(late(c), port, bytes, len, echoed, err);
}

static int delayed_break(struct console *c, unsigned port, struct error *err)
{
    return console_break(late(c), port, err);
}

static size_t delayed_unread(struct console *c, unsigned port)
{
    return console_unread(of(c)->console, port);
}

static uint64_t delayed_now(struct console *c)
{
    return console_now(of(c)->console);
}

static void delayed_interrupt(struct console *c)
{
    console_interrupt(of(c)->console);
}

static void delayed_close(struct console *c)
{
    (void)c;
}

void delayed_console_init(struct delayed_console *d, struct console *console,
                          uint64_t seed)
{
    static const struct console_ops ops = {
        .read = delayed_read,
        .write = delayed_write,
        .write_secret = delayed_write_secret,
        .serial_break = delayed_break,
        .unread = delayed_unread,
        .now = delayed_now,
        .interrupt = delayed_interrupt,
        .close = delayed_close,
    };
    *d = (struct delayed_console){
        .base = {.ops = &ops}, .console = console, .seed = seed};
}
