// SPDX-License-Identifier: Apache-2.0
// The keyboard controller (Intel 8042) of a machine without a keyboard, and
// system control port A: what is left of them is how a guest resets itself.
#pragma once

#include "src/devices/bus.h"
#include "src/devices/power.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

// Owned by who wires it; any thread may access the devices, lock guards the
// fields after it.
struct i8042 {
    struct power_control power;
    pthread_mutex_t lock;
    uint8_t control;   // the command byte: interrupt enables, port disables
    uint8_t output;    // the output port: bit 0 not reset, bit 1 A20
    uint8_t data;      // what port 0x60 reads as, while there is something
    uint8_t waiting;   // how often it can be read
    uint8_t expecting; // the command that the next write to 0x60 belongs to,
                       // or 0
};

// Only power->reset is used. A20 is on, as after any modern firmware, and can't
// be turned off for real: the guest sees its bit, not its effect.
void i8042_init(struct i8042 *kbc, const struct power_control *power);
void i8042_destroy(struct i8042 *kbc);

// Ports 0x60 (data) and 0x64 (command, status), a device for each because the
// ports between them are not the controller's. data_base is that of 0x60.
//
// After power-on the output buffer holds I8042_STALE bytes. A driver that
// empties it first, as Linux's i8042 does, gives up after 16 of them, in under
// a millisecond, and believes that no controller is there; it spends no second
// on waiting for a keyboard. One that goes on until the buffer is dry finds it
// so. A command drops what waits there and is answered, for who asks without
// emptying first; from then on the status tells of answers only. "Input buffer
// full" is never said, so that a guest which resets through the controller
// finds it ready: self test (0xaa) 0x55, command byte
// (0x20, 0x60), port tests (0xa9, 0xab) "clock line stuck low", that is,
// nothing plugged in, port disables and enables, output port (0xd0, 0xd1).
//
// Reset: the pulse commands 0xf0..0xff with bit 0 clear (0xfe), and 0xd1 with a
// value whose bit 0 is clear.
struct device i8042_data_device(struct i8042 *kbc, uint64_t data_base);
struct device i8042_command_device(struct i8042 *kbc, uint64_t command_base);

// More than Linux reads (I8042_BUFFER_SIZE, 16), and few.
#define I8042_STALE 32

// System control port A (0x92): a write with bit 0 set resets, bit 1 is A20,
// one and the same with the output port's.
struct device i8042_port_a_device(struct i8042 *kbc, uint64_t base);
