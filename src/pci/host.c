// SPDX-License-Identifier: Apache-2.0
// A PCI host bridge. See host.h; sections are those of the PCI Local Bus
// Specification 3.0.
#include "src/pci/host.h"

#include <errno.h>

// The generic host bridge that guests know from other hypervisors.
#define BRIDGE_VENDOR 0x1b36
#define BRIDGE_DEVICE 0x0008
#define BRIDGE_CLASS  0x0600

// 3.2.2.3.2: CONFIG_ADDRESS.
#define ADDRESS_ENABLE 0x80000000U

#define PORT_RESET 1
#define PORT_DATA  4

void pci_host_init(struct pci_host *host, const struct device *reset,
                   uint64_t window, uint64_t window_len)
{
    static const struct pci_identity bridge = {
        .vendor = BRIDGE_VENDOR,
        .device = BRIDGE_DEVICE,
        .class = BRIDGE_CLASS,
    };
    *host = (struct pci_host){
        .reset = *reset,
        .window = window,
        .window_len = window_len,
        .next_bar = window,
    };
    pthread_mutex_init(&host->lock, NULL);
    pci_function_init(&host->bridge, &bridge, NULL, NULL);
    host->slots[host->nslots++] = &host->bridge;
}

void pci_host_destroy(struct pci_host *host)
{
    pthread_mutex_destroy(&host->lock);
}

int pci_host_add(struct pci_host *host, struct pci_function *function,
                 struct error *err)
{
    if (host->nslots == PCI_SLOTS)
        return error_set(err, -ENOSPC, "no room for more than %d PCI devices",
                         PCI_SLOTS);
    host->slots[host->nslots] = function;
    return (int)host->nslots++;
}

uint32_t pci_host_place_bar(struct pci_host *host, uint32_t size)
{
    uint64_t at = (host->next_bar + size - 1) & ~((uint64_t)size - 1);
    if (at - host->window > host->window_len ||
        size > host->window_len - (at - host->window))
        return 0;
    host->next_bar = at + size;
    return (uint32_t)at;
}

// ---- Configuration space ---------------------------------------------------

static uint64_t ones(unsigned width)
{
    return UINT64_MAX >> (64 - 8 * width);
}

// The function that the address names, or NULL; *offset is its register.
static struct pci_function *addressed(const struct pci_host *host,
                                      uint64_t port, unsigned *offset)
{
    uint32_t address = host->address;
    unsigned bus = address >> 16 & 0xff, slot = address >> 11 & 0x1f;
    unsigned function = address >> 8 & 7;
    *offset = (address & 0xfc) + (unsigned)(port - PORT_DATA);
    if (!(address & ADDRESS_ENABLE) || bus || function || slot >= host->nslots)
        return NULL;
    return host->slots[slot];
}

static uint64_t ports_read(void *owner, const struct access *access,
                           uint64_t offset, unsigned width)
{
    struct pci_host *host = owner;
    uint64_t value = ones(width);
    if (offset == PORT_RESET && width == 1)
        return host->reset.read(host->reset.owner, access, 0, 1);
    pthread_mutex_lock(&host->lock);
    if (offset == 0 && width == 4) {
        value = host->address;
    } else if (offset >= PORT_DATA) {
        unsigned at;
        struct pci_function *f = addressed(host, offset, &at);
        if (f)
            value = pci_function_read(f, at, width);
    }
    pthread_mutex_unlock(&host->lock);
    return value;
}

static void ports_write(void *owner, const struct access *access,
                        uint64_t offset, unsigned width, uint64_t value)
{
    struct pci_host *host = owner;
    if (offset == PORT_RESET && width == 1) {
        host->reset.write(host->reset.owner, access, 0, 1, value);
        return;
    }
    pthread_mutex_lock(&host->lock);
    if (offset == 0 && width == 4) {
        // Bits 30..24 are reserved, bits 1..0 always 0.
        host->address = (uint32_t)value & 0x80fffffc;
    } else if (offset >= PORT_DATA) {
        unsigned at;
        struct pci_function *f = addressed(host, offset, &at);
        if (f)
            pci_function_write(f, at, width, (uint32_t)value);
    }
    pthread_mutex_unlock(&host->lock);
}

struct device pci_host_ports(struct pci_host *host, uint64_t base)
{
    return (struct device){
        .base = base,
        .len = PCI_PORTS_LEN,
        .widths = BUS_BYTE | BUS_WORD | BUS_DWORD,
        .name = "PCI configuration",
        .owner = host,
        .read = ports_read,
        .write = ports_write,
    };
}

// ---- Memory ----------------------------------------------------------------

// Who claims all of [address, address+width); *bar and *offset are where.
static const struct pci_function *find_bar(const struct pci_host *host,
                                           uint64_t address, unsigned width,
                                           unsigned *bar, uint64_t *offset)
{
    for (unsigned slot = 1; slot < host->nslots; slot++) {
        const struct pci_function *f = host->slots[slot];
        for (unsigned i = 0; i < PCI_BARS; i++) {
            const struct pci_bar *b = &f->bars[i];
            if (!b->size)
                continue;
            uint64_t at = atomic_load_explicit(&b->at, memory_order_relaxed);
            if (address < at || address - at >= b->size)
                continue;
            *bar = i;
            *offset = address - at;
            return width <= b->size - *offset ? f : NULL;
        }
    }
    return NULL;
}

static uint64_t memory_read(void *owner, const struct access *access,
                            uint64_t offset, unsigned width)
{
    (void)access;
    struct pci_host *host = owner;
    unsigned bar;
    uint64_t at;
    const struct pci_function *f =
        find_bar(host, host->window + offset, width, &bar, &at);
    return f ? f->ops->read(f->owner, bar, at, width) : ones(width);
}

static void memory_write(void *owner, const struct access *access,
                         uint64_t offset, unsigned width, uint64_t value)
{
    (void)access;
    struct pci_host *host = owner;
    unsigned bar;
    uint64_t at;
    const struct pci_function *f =
        find_bar(host, host->window + offset, width, &bar, &at);
    if (f)
        f->ops->write(f->owner, bar, at, width, value);
}

struct device pci_host_memory(struct pci_host *host)
{
    return (struct device){
        .base = host->window,
        .len = host->window_len,
        .widths = BUS_BYTE | BUS_WORD | BUS_DWORD | BUS_QWORD,
        .name = "PCI memory",
        .owner = host,
        .read = memory_read,
        .write = memory_write,
    };
}
