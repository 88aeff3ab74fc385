// SPDX-License-Identifier: Apache-2.0
// Interrupt lines. See irq_wires.h.
#include "src/machine/irq_wires.h"

#include <assert.h>

static void set_level(void *owner, unsigned gsi, bool level)
{
    struct irq_wires *wires = owner;
    pthread_mutex_lock(&wires->lock);
    // A device tells changes only, so counting is an OR.
    unsigned before = wires->high[gsi];
    unsigned after = level ? before + 1 : before - 1;
    wires->high[gsi] = after;
    if (!before != !after)
        vm_irq_line(wires->vm, gsi, after != 0);
    pthread_mutex_unlock(&wires->lock);
}

void irq_wires_init(struct irq_wires *wires, const struct vm *vm)
{
    *wires = (struct irq_wires){.vm = vm};
    pthread_mutex_init(&wires->lock, NULL);
}

void irq_wires_destroy(struct irq_wires *wires)
{
    pthread_mutex_destroy(&wires->lock);
}

struct irq_line irq_wire(struct irq_wires *wires, unsigned gsi)
{
    assert(gsi < PLATFORM_IOAPIC_PINS);
    return (struct irq_line){
        .set_level = set_level,
        .owner = wires,
        .gsi = gsi,
    };
}
