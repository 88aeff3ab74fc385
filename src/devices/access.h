// SPDX-License-Identifier: Apache-2.0
// Who touches a device, and when: what every access brings along.
#pragma once

#include <stdint.h>

// A plain value, valid for one VM exit. Several vCPUs may be in theirs at once.
struct access {
    uint64_t ns;   // CLOCK_MONOTONIC, when the guest was left
    unsigned vcpu; // the processor that left it, 0 and up
};
