// SPDX-License-Identifier: Apache-2.0
// The one clock of the project: CLOCK_MONOTONIC in nanoseconds, as uint64_t.
// Deadlines are absolute values of it; CLOCK_NEVER is "no deadline".
#pragma once

#include <stdint.h>
#include <time.h>

#define CLOCK_NEVER UINT64_MAX
#define NS_PER_US   UINT64_C(1000)
#define NS_PER_MS   UINT64_C(1000000)
#define NS_PER_S    UINT64_C(1000000000)

static inline uint64_t clock_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

// A clock of CPU time; 0 when its thread is gone.
static inline uint64_t clock_cpu_ns(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) < 0)
        return 0;
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

// The deadline that lies span_ns after start_ns, never wrapping round.
static inline uint64_t clock_after(uint64_t start_ns, uint64_t span_ns)
{
    return start_ns > CLOCK_NEVER - span_ns ? CLOCK_NEVER : start_ns + span_ns;
}
