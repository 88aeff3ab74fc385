// SPDX-License-Identifier: Apache-2.0
// The boot timer: one write-only byte with which a guest tells how far its boot
// has come, as under Firecracker: at PLATFORM_BOOT_TIMER_PORT, and in memory at
// PLATFORM_BOOT_TIMER_GPA and PLATFORM_BOOT_TIMER_OLD_GPA. The value
// PLATFORM_BOOT_TIMER_VALUE means that userspace was reached.
#pragma once

#include "src/devices/bus.h"

// Owned by who wires it; has no state of its own, so it needs no lock.
struct boot_timer {
    void *owner;
    // The guest wrote value: each time, on the vCPU thread that wrote. What
    // the values mean, and whether a second one counts, is the owner's affair.
    void (*reached)(void *owner, const struct access *access, uint8_t value);
};

// The device at base (one byte), for either bus; there may be several of one
// timer. It reads as 0xff, as if there were nothing. timer outlives the bus.
struct device boot_timer_device(struct boot_timer *timer, uint64_t base);
