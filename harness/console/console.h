// SPDX-License-Identifier: Apache-2.0
// The console: the one seam between a guest and everything that reads it or
// types into it. Three backends (a live machine, a recorded console, a
// terminal) fill the same operations; the matcher can't tell them apart.
#pragma once

#include "src/base/error.h"
#include "src/toyvmm.h"

#include <stddef.h>
#include <stdint.h>

#define CONSOLE_BATCH 4096

// When the bytes from offset `at` on (up to the next stamp) were transmitted.
struct stamp {
    uint32_t at;
    uint64_t ns;
};

enum console_item {
    CONSOLE_TIMEOUT, // the deadline passed and nothing came
    CONSOLE_BYTES,
    CONSOLE_EVENT,
};

// One thing read from a console. Owned by the reader; bytes, stamps and event
// are valid until it is given to console_read again.
struct console_batch {
    enum console_item kind;
    unsigned port; // of the bytes
    size_t len;
    uint8_t bytes[CONSOLE_BATCH];
    size_t nstamps; // at least 1 when len > 0; stamps[0].at is 0
    struct stamp stamps[CONSOLE_BATCH];
    struct toyvmm_event event;
    // The console's time after this item: of bytes the last one's stamp, for
    // nothing is known of what came after it; of a timeout the deadline or
    // later. No later item has an earlier time.
    uint64_t now_ns;
};

struct console;

struct console_ops {
    int (*read)(struct console *c, struct console_batch *out,
                uint64_t deadline_ns, struct error *err);
    int (*write)(struct console *c, unsigned port, const void *bytes,
                 size_t len, struct error *err);
    // NULL: what is secret is written as all else.
    int (*write_secret)(struct console *c, unsigned port, const void *bytes,
                        size_t len, bool echoed, struct error *err);
    int (*serial_break)(struct console *c, unsigned port, struct error *err);
    size_t (*unread)(struct console *c, unsigned port);
    uint64_t (*now)(struct console *c);
    void (*interrupt)(struct console *c);
    void (*close)(struct console *c);
};

// Backends embed this as their first member.
struct console {
    const struct console_ops *ops;
};

// Waits until there are bytes of one port, or an event, or until the console's
// time reaches deadline_ns. Bytes and events come in the order in which the
// machine produced them; a batch never joins bytes from both sides of an event.
// What was stamped after deadline_ns has not come by then, even when it is
// there already: a late reader and a replay see the same. So "what is there
// now" is deadline_ns = console_now(c), and 0 never gives anything.
// 0, or a negative errno (-EINTR after console_interrupt). One reading thread.
int console_read(struct console *c, struct console_batch *out,
                 uint64_t deadline_ns, struct error *err);

// Queues bytes for the guest; never blocks, never loses: they are delivered as
// the guest's UART takes them. The queue holds 1 MiB; beyond it -ENOSPC and
// nothing of this call is queued. Any thread.
int console_write(struct console *c, unsigned port, const void *bytes,
                  size_t len, struct error *err);

// As console_write, of bytes that no recording of this console may show. With
// echoed, they are hidden in what the guest prints as well.
int console_write_secret(struct console *c, unsigned port, const void *bytes,
                         size_t len, bool echoed, struct error *err);

// Queues a serial break, in order with the bytes. The queue holds 64 of
// them; beyond that -ENOSPC. Any thread.
int console_break(struct console *c, unsigned port, struct error *err);

// How many queued bytes and breaks of port the guest's UART has not taken yet.
// A replay has none. Any thread.
size_t console_unread(struct console *c, unsigned port);

// The console's clock, ns: CLOCK_MONOTONIC, or a replay's recorded time.
uint64_t console_now(struct console *c);

// Makes the present or next console_read return -EINTR. Any thread, and
// async-signal-safe.
void console_interrupt(struct console *c);

// Frees the console; NULL is fine.
void console_close(struct console *c);

// ---- The live backend ------------------------------------------------------

struct live_console;

// A console for a machine that is made later. Give live_console_sink to
// toyvmm_create, then attach the machine, before it is started, so that
// typed input can reach it. The console must outlive the machine.
//
// A reader that falls behind: about 1 Mi bytes are kept for it (16 MiB), then
// the guest waits until half of them are read. Nothing is dropped, and no
// thread waits in here: toyvmm_stop and toyvmm_destroy can't deadlock, from
// whichever thread.
struct live_console *live_console_new(struct error *err);
struct toyvmm_sink live_console_sink(struct live_console *lc);
// Input that was written before is announced to vm. With vm NULL the machine
// is detached: when this returned, no call into it is under way or will be
// made. Needed before toyvmm_destroy if another thread may still write.
void live_console_attach(struct live_console *lc, struct toyvmm *vm);
// Drops what was typed and not taken by a guest. Any thread.
void live_console_forget_input(struct live_console *lc);
// The console that lc is. Closing it frees lc.
struct console *live_console_base(struct live_console *lc);
// Bytes dropped because there was no memory for them. Any thread.
uint64_t live_console_dropped(struct live_console *lc);

// ---- The replay backend ----------------------------------------------------

// A console that plays given bytes (with stamps) and events; memory is copied.
// Input written to it is dropped. In memory only: it is what tests feed.
struct replay_item {
    enum console_item kind; // CONSOLE_BYTES or CONSOLE_EVENT
    unsigned port;
    uint64_t ns;
    const void *bytes;
    size_t len;
    struct toyvmm_event event;
};
// max_piece cuts the bytes into reads of at most this many (0: as recorded).
// After the last item, reads time out at their deadline at once: the time
// jumps, nobody waits. -EINVAL for items out of order in time, or of no port.
struct console *replay_console_new(const struct replay_item *items, size_t n,
                                   size_t max_piece, struct error *err);
