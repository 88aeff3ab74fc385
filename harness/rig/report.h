// SPDX-License-Identifier: Apache-2.0
// What the launcher says on stderr: failures with what QEMU and the rig's
// kernel said last, and with --verbose their console and a run's times.
#pragma once

#include "harness/rig/protocol.h"
#include "harness/rig/terminal.h"

#include <poll.h>

#define TAIL_SIZE 8192u

// The last bytes of a text.
struct tail {
    size_t len;
    char bytes[TAIL_SIZE];
};

struct report {
    const char *who; // "the rig", "the guest"
    bool verbose;
    const struct terminal *terminal; // raw: lines need a carriage return
    bool explained;                  // the failure needs no tails
    uint64_t begin;                  // CLOCK_MONOTONIC
    uint64_t last;
    int console;  // of the rig; -1: none or ended; not owned
    int messages; // of QEMU and virtiofsd, likewise
    struct tail console_tail;
    struct tail messages_tail;
};

void report_init(struct report *report, const char *who, bool verbose,
                 const struct terminal *terminal);

// Says on stderr, behind the name by which this program was called and a colon.
void report_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

// With --verbose: a step that is done, and when.
void report_step(struct report *report, const char *what);
void report_started(struct report *report, const struct frame_started *times);

// A sentence of the rig's init for the user.
void report_note(const struct report *report, const struct frame *frame);

// The two poll() entries for the console and the messages.
void report_prepare(const struct report *report, struct pollfd fds[2]);
void report_collect(struct report *report, const struct pollfd fds[2]);

// Why the rig failed, and the tails that explain it.
void report_failure(struct report *report, const struct error *err);
