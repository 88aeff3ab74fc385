// SPDX-License-Identifier: Apache-2.0
// Routes. See irq_routes.h.
#include "src/machine/irq_routes.h"

#include "src/base/platform.h"

#include <stdlib.h>

#define ISA_PINS 16 // that the two 8259A have, besides the I/O APIC
#define PIC_PINS 8
#define ENTRIES  (ISA_PINS + PLATFORM_IOAPIC_PINS + IRQ_ROUTES_MAX)

static void add_pin(struct kvm_irq_routing *t, unsigned gsi, unsigned chip,
                    unsigned pin)
{
    t->entries[t->nr++] = (struct kvm_irq_routing_entry){
        .gsi = gsi,
        .type = KVM_IRQ_ROUTING_IRQCHIP,
        .u.irqchip = {.irqchip = chip, .pin = pin},
    };
}

// The table is replaced as a whole; with the lock held.
static bool set_routes(const struct irq_routes *r)
{
    struct kvm_irq_routing *t = r->table;
    t->nr = 0;
    for (unsigned i = 0; i < PLATFORM_IOAPIC_PINS; i++) {
        add_pin(t, i, KVM_IRQCHIP_IOAPIC, i);
        if (i < ISA_PINS)
            add_pin(t, i,
                    i < PIC_PINS ? KVM_IRQCHIP_PIC_MASTER
                                 : KVM_IRQCHIP_PIC_SLAVE,
                    i % PIC_PINS);
    }
    for (unsigned i = 0; i < r->count; i++)
        t->entries[t->nr++] = (struct kvm_irq_routing_entry){
            .gsi = PLATFORM_IOAPIC_PINS + i,
            .type = KVM_IRQ_ROUTING_MSI,
            .u.msi =
                {
                    .address_lo = (uint32_t)r->routes[i].address,
                    .address_hi = (uint32_t)(r->routes[i].address >> 32),
                    .data = r->routes[i].data,
                },
        };
    return kvm_ioctl(r->vm->fd, KVM_SET_GSI_ROUTING, t) == 0;
}

static bool set_event(const struct irq_routes *r, unsigned index, int fd,
                      bool on)
{
    struct kvm_irqfd event = {
        .fd = (uint32_t)fd,
        .gsi = PLATFORM_IOAPIC_PINS + index,
        .flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
    };
    return kvm_ioctl(r->vm->fd, KVM_IRQFD, &event) == 0;
}

// A new line has a number from 1 on.
static bool give_line(struct irq_routes *r, unsigned *line)
{
    if (!*line && r->count < IRQ_ROUTES_MAX)
        *line = ++r->count;
    return *line != 0;
}

static bool connect(struct irq_routes *r, unsigned *line, int fd,
                    uint64_t address, uint32_t data)
{
    if (!give_line(r, line))
        return false;
    struct irq_route *route = &r->routes[*line - 1];
    route->address = address;
    route->data = data;
    bool good = set_routes(r);
    // A route that KVM refuses (a guest may write any address) is the old one.
    if (route->connected && !good)
        route->connected = !set_event(r, *line - 1, fd, false);
    else if (good && !route->connected)
        route->connected = set_event(r, *line - 1, fd, true);
    return route->connected;
}

static bool on_call(void *owner, unsigned *line, int fd, uint64_t address,
                    uint32_t data, bool on)
{
    struct irq_routes *r = owner;
    bool connected = false;
    pthread_mutex_lock(&r->lock);
    if (on)
        connected = connect(r, line, fd, address, data);
    else if (*line && r->routes[*line - 1].connected)
        r->routes[*line - 1].connected = !set_event(r, *line - 1, fd, false);
    pthread_mutex_unlock(&r->lock);
    return connected;
}

// Any value of two bytes: which queue it is says the place.
static bool on_kick(void *owner, int fd, uint64_t gpa, bool on)
{
    const struct irq_routes *r = owner;
    struct kvm_ioeventfd event = {
        .addr = gpa,
        .len = 2,
        .fd = fd,
        .flags = on ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
    };
    return kvm_ioctl(r->vm->fd, KVM_IOEVENTFD, &event) == 0;
}

bool irq_routes_init(struct irq_routes *r, const struct vm *vm)
{
    *r = (struct irq_routes){
        .vm = vm,
        .shortcuts = {.owner = r, .call = on_call, .kick = on_kick},
    };
    pthread_mutex_init(&r->lock, NULL);
    r->table =
        calloc(1, sizeof *r->table + ENTRIES * sizeof *r->table->entries);
    return r->table &&
           kvm_host_cap(&vm->host, KVM_CAP_IRQ_ROUTING) >= ENTRIES &&
           kvm_host_cap(&vm->host, KVM_CAP_IRQFD) > 0 &&
           kvm_host_cap(&vm->host, KVM_CAP_IOEVENTFD) > 0;
}

void irq_routes_destroy(struct irq_routes *r)
{
    pthread_mutex_destroy(&r->lock);
    free(r->table);
}
