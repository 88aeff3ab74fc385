// SPDX-License-Identifier: Apache-2.0
// A console whose every input comes a moment late: where each run of a seed is
// the same run, another seed types at other moments. Used by the suite.
#pragma once

#include "harness/console/console.h"

// At most so late, ns.
#define DELAYED_MAX_NS UINT64_C(4000000)

// Hands on to another console, which it borrows. Lives where its owner puts it;
// one thread writes.
struct delayed_console {
    struct console base; // first
    struct console *console;
    uint64_t seed;
    uint64_t count; // of the inputs so far
};

// Fills d; &d->base is a console then. Closing it does nothing. Before each
// write and break the calling thread sleeps for a time that is the seed's, and
// the how-manieth input this is.
void delayed_console_init(struct delayed_console *d, struct console *console,
                          uint64_t seed);
