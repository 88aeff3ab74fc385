// SPDX-License-Identifier: Apache-2.0
// CMOS memory and real-time clock (Motorola MC146818, at a PC's ports 0x70 and
// 0x71). Without one a Linux guest waits seconds for an update to end. It has
// the time and the memory; it interrupts nobody: the ACPI tables offer no clock
// to a driver.
#pragma once

#include "src/devices/bus.h"
#include "src/devices/cmos_time.h"
#include "src/devices/time_source.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

// Owned by who wires it; any thread may access the device, lock guards
// the fields after it.
//
// The clock is the time source's, moved by what the guest has set:
//     ticks   = now + phase_ns          nanoseconds; an update each 1e9
//     seconds = ticks / 1e9 + offset_s  since the Epoch
// While it stands (register B's SET, or the divider in reset), the time
// registers are plain bytes in ram; running, they are computed when read.
struct cmos {
    struct time_source utc;
    pthread_mutex_t lock;
    uint8_t index;          // of the register that port 0x71 is
    uint8_t ram[CMOS_SIZE]; // NVRAM, alarm, A, B, C; the time while it stands
    int64_t offset_s;
    uint64_t phase_ns; // below 1e9
    uint64_t seen;     // ticks up to which C's flags are computed
};

// utc tells nanoseconds since the Epoch, UTC. The chip starts as firmware
// leaves it: running, BCD, 24 hours, interrupts off, NVRAM (the shutdown status
// 0x0f included) zero.
void cmos_init(struct cmos *cmos, const struct time_source *utc);
void cmos_destroy(struct cmos *cmos);

// The device of two ports at base: index (bit 7, the NMI mask, is dropped; it
// reads as 0xff) and data. cmos outlives the bus.
//
// A time is never torn where a guest keeps the data sheet's rule: UIP is set
// for the 244 us before each update and at no other time, so it never sticks.
// Setting the time moves offset_s; the host's clock is not touched. Register
// C's flags, but for the alarm's, are computed when the guest looks at them,
// for one that polls. The alarm's bytes and B's interrupt enables are memory.
struct device cmos_device(struct cmos *cmos, uint64_t base);
