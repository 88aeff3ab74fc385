// SPDX-License-Identifier: Apache-2.0
// The live backend: the sink of a machine, seen as a console (console.h).
#include "harness/console/live.h"

#include "src/base/clock.h"

#include <errno.h>
#include <stdlib.h>

static void tell_room(struct live_console *lc)
{
    pthread_mutex_lock(&lc->attached);
    if (lc->calls.room) {
        lc->calls.room(lc->machine);
    }
    pthread_mutex_unlock(&lc->attached);
}

static int live_read(struct console *c, struct console_batch *out,
                     uint64_t deadline_ns, struct error *err)
{
    struct live_console *lc = (struct live_console *)c;
    int code = output_read(&lc->output, out, deadline_ns, err);
    if (code == 0 && output_has_room(&lc->output)) {
        tell_room(lc);
    }
    return code;
}

static void tell_input(struct live_console *lc, unsigned port)
{
    pthread_mutex_lock(&lc->attached);
    if (lc->calls.ready) {
        lc->calls.ready(lc->machine, port);
    }
    pthread_mutex_unlock(&lc->attached);
}

static int live_write(struct console *c, unsigned port, const void *bytes,
                      size_t len, struct error *err)
{
    struct live_console *lc = (struct live_console *)c;
    if (port >= TOYVMM_PORTS) {
        return error_set(err, -EINVAL, "no serial port %u", port);
    }
    int code = input_put(&lc->input, port, bytes, len, err);
    if (code == 0 && len > 0) {
        tell_input(lc, port);
    }
    return code;
}

static int live_break(struct console *c, unsigned port, struct error *err)
{
    struct live_console *lc = (struct live_console *)c;
    if (port >= TOYVMM_PORTS) {
        return error_set(err, -EINVAL, "no serial port %u", port);
    }
    int code = input_put_break(&lc->input, port, err);
    if (code == 0) {
        tell_input(lc, port);
    }
    return code;
}

static size_t live_unread(struct console *c, unsigned port)
{
    struct live_console *lc = (struct live_console *)c;
    return port < TOYVMM_PORTS ? input_count(&lc->input, port) : 0;
}

static uint64_t live_now(struct console *c)
{
    (void)c;
    return clock_now_ns();
}

static void live_interrupt(struct console *c)
{
    output_interrupt(&((struct live_console *)c)->output);
}

static void live_close(struct console *c)
{
    struct live_console *lc = (struct live_console *)c;
    output_free(&lc->output);
    input_free(&lc->input);
    pthread_mutex_destroy(&lc->attached);
    free(lc);
}

static const struct console_ops live_ops = {
    .read = live_read,
    .write = live_write,
    .serial_break = live_break,
    .unread = live_unread,
    .now = live_now,
    .interrupt = live_interrupt,
    .close = live_close,
};

struct live_console *live_console_new(struct error *err)
{
    struct live_console *lc = calloc(1, sizeof *lc);
    if (!lc) {
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    lc->base.ops = &live_ops;
    if (output_init(&lc->output, err) < 0) {
        free(lc);
        return NULL;
    }
    if (input_init(&lc->input, err) < 0) {
        output_free(&lc->output);
        free(lc);
        return NULL;
    }
    pthread_mutex_init(&lc->attached, NULL);
    return lc;
}

static bool sink_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                    uint64_t ns)
{
    return output_bytes(&((struct live_console *)owner)->output, port, bytes, n,
                        ns);
}

static size_t sink_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    struct live_console *lc = owner;
    return port < TOYVMM_PORTS ? input_take(&lc->input, port, bytes, max) : 0;
}

static void sink_event(void *owner, const struct toyvmm_event *event)
{
    output_event(&((struct live_console *)owner)->output, event);
}

struct toyvmm_sink live_console_sink(struct live_console *lc)
{
    return (struct toyvmm_sink){lc, sink_tx, sink_rx, sink_event};
}

void live_console_connect(struct live_console *lc,
                          const struct live_calls *calls, void *machine)
{
    pthread_mutex_lock(&lc->attached);
    lc->calls = calls ? *calls : (struct live_calls){NULL, NULL};
    lc->machine = machine;
    pthread_mutex_unlock(&lc->attached);
    // Typed before there was a machine.
    for (unsigned port = 0; calls && port < TOYVMM_PORTS; port++) {
        if (input_count(&lc->input, port)) {
            tell_input(lc, port);
        }
    }
}

void live_console_forget_input(struct live_console *lc)
{
    input_forget(&lc->input);
}

struct console *live_console_base(struct live_console *lc)
{
    return &lc->base;
}

uint64_t live_console_dropped(struct live_console *lc)
{
    pthread_mutex_lock(&lc->output.lock);
    uint64_t n = lc->output.dropped;
    pthread_mutex_unlock(&lc->output.lock);
    return n;
}
