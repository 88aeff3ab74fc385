// SPDX-License-Identifier: Apache-2.0
// What another thread may know of a run while it goes on: for a watchdog that
// has to tell what became of a run that does not end. Used by the runner, which
// keeps it true, and by the suite.
#pragma once

#include "harness/report/result.h"
#include "src/toyvmm.h"

#include <pthread.h>

struct run;

// Made before the run and outlives it. The lock is held by the run only while
// it changes what is told, never while it waits, searches, reads or writes;
// who takes it for good stops the run at its next step.
struct witness {
    pthread_mutex_t lock;
    const struct run *run; // NULL: none goes on
    // What a run that is over has left. From then on it is changed only under
    // the lock.
    struct result *finished;
    // The machine of the run, while it stands (NULL: it does not): may be
    // looked at by who holds the lock (toyvmm_observe).
    bool (*observe)(void *owner, unsigned vcpu, uint64_t within_ns,
                    struct toyvmm_observation *out);
    void *machine;
    unsigned vcpus; // that it has; 0 is 1
};

int witness_init(struct witness *w, struct error *err);
void witness_destroy(struct witness *w);

// NULL is fine.
void witness_lock(struct witness *w);
void witness_unlock(struct witness *w);
// Waits for the lock until deadline_ns (CLOCK_MONOTONIC); false when it is not
// to be had.
bool witness_try(struct witness *w, uint64_t deadline_ns);

// Puts what is known of the run into a result: its verdict, if it has one
// (out->kind is NULL else), what is known of why, what it and its guest were
// doing, and the consoles, without secrets. Looks at the machine, if that is
// not known, until deadline_ns (CLOCK_MONOTONIC). Under the lock. False when
// none goes on.
bool witness_tell(const struct witness *w, uint64_t deadline_ns,
                  struct result *out);
