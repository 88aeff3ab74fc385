// SPDX-License-Identifier: Apache-2.0
// See tsc.h.
#include "harness/rig/tsc.h"

#include "src/base/clock.h"

#include <x86intrin.h>

#define SPAN_NS (20 * NS_PER_MS)

struct tsc_sample tsc_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    return (struct tsc_sample){
        .ns = (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec,
        .ticks = __rdtsc(),
    };
}

unsigned tsc_khz(const struct tsc_sample *from)
{
    struct tsc_sample to = tsc_now();
    while (to.ns - from->ns < SPAN_NS) {
        struct timespec rest = {.tv_nsec = (long)NS_PER_MS};
        nanosleep(&rest, NULL);
        to = tsc_now();
    }
    double ns = (double)(to.ns - from->ns);
    return (unsigned)((double)(to.ticks - from->ticks) * 1e6 / ns + 0.5);
}
