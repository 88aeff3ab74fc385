// SPDX-License-Identifier: Apache-2.0
// What a vCPU had spent by when: a ring of readings, so that whoever finds out
// later that a moment mattered can still ask. Private to src/machine.
#pragma once

#include "src/toyvmm.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

// Reading a thread's CPU time is a system call, a quarter of the price of a
// byte on the console: so not every byte has one, but each has one that is no
// older than this.
#define SPENT_STEP_NS UINT64_C(100000)
#define SPENT_KEPT    4096

// The vCPU thread writes, any thread reads; lock guards all but due_ns, which
// is the vCPU thread's own. 300 KB, and 64 KB for each of several vCPUs, of
// which only what was used ever exists: so it comes from calloc.
struct spent {
    pthread_mutex_t lock;
    unsigned vcpus;
    uint64_t due_ns; // when the next reading is worth its price
    uint64_t count;  // of all readings; the last SPENT_KEPT are kept
    struct spent_reading {
        uint64_t ns;
        struct toyvmm_usage usage;
    } ring[SPENT_KEPT];
    // Of each reading the vCPUs' shares; with one vCPU it has no need of them,
    // and they are NULL.
    struct toyvmm_share *shares; // [SPENT_KEPT][vcpus]
};

// For 1 vCPU or more. NULL when out of memory. NULL is fine for spent_free.
struct spent *spent_new(unsigned vcpus);
void spent_free(struct spent *s);

// Whether ns is so long after the last reading that it wants its own.
static inline bool spent_is_due(const struct spent *s, uint64_t ns)
{
    return ns >= s->due_ns;
}

// A reading at ns, not before the last one; each has the vCPUs' shares of it.
void spent_add(struct spent *s, uint64_t ns, const struct toyvmm_usage *usage,
               const struct toyvmm_share *each);

// The last reading at or before ns; the oldest one that is kept when all are
// later. False when there is none that tells of ns: it is more than
// SPENT_STEP_NS after the last one. each may be NULL.
bool spent_find(struct spent *s, uint64_t ns, struct toyvmm_usage *out,
                struct toyvmm_share *each);
