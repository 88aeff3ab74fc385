// SPDX-License-Identifier: Apache-2.0
// The time of a replay: waits as long as the recorded run waited, or not at
// all, until it is interrupted. For tape.c only.
#pragma once

#include "src/base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

// One thread, but for pace_interrupt.
struct pace {
    double speed;      // 0: nobody waits
    uint64_t from_ns;  // this recorded time was
    uint64_t began_ns; // then, by our clock
    int fd;            // an eventfd
    atomic_bool interrupted;
};

// from_ns is now. 0 or a negative errno.
int pace_init(struct pace *p, double speed, uint64_t from_ns,
              struct error *err);
void pace_free(struct pace *p);

// Waits for the recorded time ns. 0, or -EINTR after pace_interrupt.
int pace_until(struct pace *p, uint64_t ns, struct error *err);

// Any thread, and async-signal-safe.
void pace_interrupt(struct pace *p);
