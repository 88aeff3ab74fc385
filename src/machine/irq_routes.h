// SPDX-License-Identifier: Apache-2.0
// KVM's table of interrupt routes (KVM_SET_GSI_ROUTING, 4.52), of which this is
// the one owner: the pins of the interrupt controllers as KVM has them by
// itself, and behind them lines that are messages. With these, and with writes
// that KVM turns into events (4.59), what serves a device and its driver notify
// each other without this process. Private to src/machine.
#pragma once

#include "src/machine/vm.h"
#include "src/virtio/shortcut.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

// The lines that are messages: of 8 shares, with 2 queues each.
#define IRQ_ROUTES_MAX 16

// Owned by the PCI board, never moved; shortcuts points to it. Any thread; lock
// guards what follows it.
struct irq_routes {
    const struct vm *vm;
    struct virtio_shortcuts shortcuts;
    pthread_mutex_t lock;
    unsigned count; // lines that are given out, from PLATFORM_IOAPIC_PINS on
    struct irq_route {
        uint64_t address;
        uint32_t data;
        bool connected; // an event is
    } routes[IRQ_ROUTES_MAX];
    struct kvm_irq_routing *table; // room for what KVM is told
};

// False: this KVM lacks what they need, and they must not be used. Destroy it
// either way.
bool irq_routes_init(struct irq_routes *r, const struct vm *vm);
void irq_routes_destroy(struct irq_routes *r);
