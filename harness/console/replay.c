// SPDX-License-Identifier: Apache-2.0
// The replay backend: a console that plays what was recorded, at the recorded
// times, without waiting for them (console.h).
#include "harness/console/console.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// Owned by its reader; only `interrupted` and now_ns are touched by others.
struct replay {
    struct console base;
    struct replay_item *items; // bytes point into `bytes`
    size_t n, next;
    size_t taken; // bytes of items[next] that were read
    size_t max_piece;
    uint8_t *bytes;
    atomic_bool interrupted;
    _Atomic uint64_t now_ns;
};

static void read_bytes(struct replay *r, const struct replay_item *item,
                       struct console_batch *out)
{
    size_t n = item->len - r->taken;
    n = n < CONSOLE_BATCH ? n : CONSOLE_BATCH;
    n = r->max_piece && n > r->max_piece ? r->max_piece : n;
    out->kind = CONSOLE_BYTES;
    out->port = item->port;
    out->len = n;
    out->nstamps = 1;
    out->stamps[0] = (struct stamp){0, item->ns};
    memcpy(out->bytes, (const uint8_t *)item->bytes + r->taken, n);
    r->taken += n;
    if (r->taken == item->len) {
        r->taken = 0;
        r->next++;
    }
}

static int replay_read(struct console *c, struct console_batch *out,
                       uint64_t deadline_ns, struct error *err)
{
    struct replay *r = (struct replay *)c;
    out->len = 0;
    out->nstamps = 0;
    if (atomic_exchange(&r->interrupted, false)) {
        return error_set(err, -EINTR, "interrupted");
    }
    uint64_t now = atomic_load(&r->now_ns);
    if (r->next == r->n || r->items[r->next].ns > deadline_ns) {
        out->kind = CONSOLE_TIMEOUT;
        now = now > deadline_ns ? now : deadline_ns;
    } else {
        const struct replay_item *item = &r->items[r->next];
        now = now > item->ns ? now : item->ns;
        if (item->kind == CONSOLE_BYTES) {
            read_bytes(r, item, out);
        } else {
            out->kind = CONSOLE_EVENT;
            out->event = item->event;
            r->next++;
        }
    }
    out->now_ns = now;
    atomic_store(&r->now_ns, now);
    return 0;
}

static int replay_write(struct console *c, unsigned port, const void *bytes,
                        size_t len, struct error *err)
{
    (void)c;
    (void)bytes;
    (void)len;
    return port < TOYVMM_PORTS
               ? 0
               : error_set(err, -EINVAL, "no serial port %u", port);
}

static int replay_break(struct console *c, unsigned port, struct error *err)
{
    return replay_write(c, port, "", 0, err);
}

static size_t replay_unread(struct console *c, unsigned port)
{
    (void)c;
    (void)port;
    return 0;
}

static uint64_t replay_now(struct console *c)
{
    return atomic_load(&((struct replay *)c)->now_ns);
}

static void replay_interrupt(struct console *c)
{
    atomic_store(&((struct replay *)c)->interrupted, true);
}

static void replay_close(struct console *c)
{
    struct replay *r = (struct replay *)c;
    free(r->items);
    free(r->bytes);
    free(r);
}

static const struct console_ops replay_ops = {
    .read = replay_read,
    .write = replay_write,
    .serial_break = replay_break,
    .unread = replay_unread,
    .now = replay_now,
    .interrupt = replay_interrupt,
    .close = replay_close,
};

static int check_items(const struct replay_item *items, size_t n, size_t *total,
                       struct error *err)
{
    *total = 0;
    for (size_t i = 0; i < n; i++) {
        if (items[i].port >= TOYVMM_PORTS) {
            return error_set(err, -EINVAL, "item %zu: no serial port %u", i,
                             items[i].port);
        }
        if (i && items[i].ns < items[i - 1].ns) {
            return error_set(err, -EINVAL,
                             "item %zu is earlier than the one before it", i);
        }
        if (items[i].kind != CONSOLE_BYTES && items[i].kind != CONSOLE_EVENT) {
            return error_set(err, -EINVAL,
                             "item %zu is neither bytes nor an event", i);
        }
        *total += items[i].kind == CONSOLE_BYTES ? items[i].len : 0;
    }
    return 0;
}

struct console *replay_console_new(const struct replay_item *items, size_t n,
                                   size_t max_piece, struct error *err)
{
    size_t total;
    if (check_items(items, n, &total, err) < 0) {
        return NULL;
    }
    struct replay *r = calloc(1, sizeof *r);
    struct replay_item *copy = malloc((n + 1) * sizeof *copy);
    uint8_t *bytes = malloc(total + 1);
    if (!r || !copy || !bytes) {
        free(r);
        free(copy);
        free(bytes);
        error_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    *r = (struct replay){.base = {&replay_ops},
                         .items = copy,
                         .max_piece = max_piece,
                         .bytes = bytes};
    for (size_t i = 0; i < n; i++) {
        struct replay_item item = items[i];
        if (item.kind == CONSOLE_BYTES) {
            if (item.len == 0) {
                continue;
            }
            memcpy(bytes, item.bytes, item.len);
            item.bytes = bytes;
            bytes += item.len;
        } else {
            item.event.ns = item.ns;
        }
        copy[r->n++] = item;
    }
    return &r->base;
}
