// SPDX-License-Identifier: Apache-2.0
// Interrupt lines from devices to KVM's interrupt controllers. Devices share a
// GSI as ISA cards share a wire: it is high while any of them is. Private to
// src/machine.
#pragma once

#include "src/base/platform.h"
#include "src/devices/irq.h"
#include "src/machine/vm.h"

#include <pthread.h>
#include <stdint.h>

// Owned by the machine; the lines that irq_wire gives out point here. Any
// thread; lock orders the levels of one GSI on their way to KVM.
struct irq_wires {
    const struct vm *vm;
    pthread_mutex_t lock;
    unsigned high[PLATFORM_IOAPIC_PINS]; // how many lines of a GSI are high
};

void irq_wires_init(struct irq_wires *wires, const struct vm *vm);
void irq_wires_destroy(struct irq_wires *wires);

// A new line of gsi (below PLATFORM_IOAPIC_PINS), low.
struct irq_line irq_wire(struct irq_wires *wires, unsigned gsi);
