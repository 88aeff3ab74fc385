// SPDX-License-Identifier: Apache-2.0
// Random numbers that are the same on every machine, so that two people who
// compare the same runs read the same figures. Used by harness/history only.
#pragma once

#include <stddef.h>
#include <stdint.h>

// SplitMix64 (Steele, Lea, Flood 2014). Owned by one caller; any seed is good.
struct random_source {
    uint64_t state;
};

static inline uint64_t random_next(struct random_source *r)
{
    uint64_t z = (r->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

// 0 .. n-1, each as likely (Lemire 2019, without the division); n is at
// least 1.
static inline size_t random_below(struct random_source *r, size_t n)
{
    uint64_t low;
    uint64_t high;
    uint64_t reject = (uint64_t)-n % n;
    do {
        unsigned __int128 wide =
            (unsigned __int128)random_next(r) * (unsigned __int128)n;
        low = (uint64_t)wide;
        high = (uint64_t)(wide >> 64);
    } while (low < reject);
    return (size_t)high;
}
