// SPDX-License-Identifier: Apache-2.0
// A thread that does something at a time that may be changed, unless it is
// stopped before. Private to the suite.
#pragma once

#include "src/base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

// Owned by who started it, and not moved.
struct watchdog {
    pthread_t thread;
    int fd; // an eventfd: the time was changed
    _Atomic uint64_t at_ns;
    atomic_bool stopped;
    void (*fire)(void *owner); // on the thread, once
    void *owner;
};

// Starts the thread; it fires at at_ns (CLOCK_MONOTONIC, or CLOCK_NEVER). It
// takes no signals. 0 or a negative errno.
int watchdog_start(struct watchdog *w, uint64_t at_ns,
                   void (*fire)(void *owner), void *owner, struct error *err);
// Another time. Any thread, and async-signal-safe.
void watchdog_set(struct watchdog *w, uint64_t at_ns);
// Puts another thread in its place, which is confined as the calling one is. As
// watchdog_start.
int watchdog_renew(struct watchdog *w, struct error *err);
// Ends the thread; waits for a fire that is under way.
void watchdog_stop(struct watchdog *w);
