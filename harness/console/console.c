// SPDX-License-Identifier: Apache-2.0
// The console's operations, handed to the backend (console.h).
#include "harness/console/console.h"

int console_read(struct console *c, struct console_batch *out,
                 uint64_t deadline_ns, struct error *err)
{
    return c->ops->read(c, out, deadline_ns, err);
}

int console_write(struct console *c, unsigned port, const void *bytes,
                  size_t len, struct error *err)
{
    return c->ops->write(c, port, bytes, len, err);
}

int console_write_secret(struct console *c, unsigned port, const void *bytes,
                         size_t len, bool echoed, struct error *err)
{
    return c->ops->write_secret
               ? c->ops->write_secret(c, port, bytes, len, echoed, err)
               : c->ops->write(c, port, bytes, len, err);
}

int console_break(struct console *c, unsigned port, struct error *err)
{
    return c->ops->serial_break(c, port, err);
}

size_t console_unread(struct console *c, unsigned port)
{
    return c->ops->unread(c, port);
}

uint64_t console_now(struct console *c)
{
    return c->ops->now(c);
}

void console_interrupt(struct console *c)
{
    c->ops->interrupt(c);
}

void console_close(struct console *c)
{
    if (c) {
        c->ops->close(c);
    }
}
