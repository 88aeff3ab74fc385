// SPDX-License-Identifier: Apache-2.0
// The frequency of this host's time stamp counter, which the rig's kernel
// can't measure reliably inside an emulator. Called by launch.c.
#pragma once

#include <stdint.h>

// Two clocks read together.
struct tsc_sample {
    uint64_t ns; // CLOCK_MONOTONIC_RAW
    uint64_t ticks;
};

struct tsc_sample tsc_now(void);

// kHz, from the ticks since an earlier sample; waits until that is long
// enough ago for a few parts in a million.
unsigned tsc_khz(const struct tsc_sample *from);
