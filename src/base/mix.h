// SPDX-License-Identifier: Apache-2.0
// Numbers that look like chance and are none: what a seed stands for.
#pragma once

#include <stdint.h>

// The which-th number of a seed: any change of either changes about half of its
// bits (the finalizer of SplitMix64; Steele, Lea and Flood 2014).
static inline uint64_t mix64(uint64_t seed, uint64_t which)
{
    uint64_t z = seed + (which + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}
