// SPDX-License-Identifier: Apache-2.0
// A PCI function's configuration space. See function.h; sections are those of
// the PCI Local Bus Specification 3.0.
#include "src/pci/function.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "registers are copied as they lie in memory");

uint32_t pci_get(const struct pci_function *f, unsigned offset, unsigned width)
{
    uint32_t value = 0;
    memcpy(&value, &f->config[offset], width);
    return value;
}

void pci_put(struct pci_function *f, unsigned offset, unsigned width,
             uint32_t value)
{
    memcpy(&f->config[offset], &value, width);
}

static void let_write(struct pci_function *f, unsigned offset, unsigned width,
                      uint32_t bits)
{
    memcpy(&f->writable[offset], &bits, width);
}

void pci_function_init(struct pci_function *f, const struct pci_identity *id,
                       const struct pci_function_ops *ops, void *owner)
{
    memset(f, 0, sizeof *f);
    f->ops = ops;
    f->owner = owner;
    f->next_capability = PCI_FIRST_CAPABILITY;
    f->last_link = PCI_CAPABILITIES;
    for (unsigned i = 0; i < PCI_BARS; i++)
        atomic_init(&f->bars[i].at, PCI_BAR_OFF);
    pci_put(f, PCI_VENDOR, 2, id->vendor);
    pci_put(f, PCI_DEVICE, 2, id->device);
    pci_put(f, PCI_SUBSYSTEM_VENDOR, 2, id->subsystem_vendor);
    pci_put(f, PCI_SUBSYSTEM, 2, id->subsystem);
    pci_put(f, PCI_CLASS, 2, id->class);
    pci_put(f, PCI_REVISION, 1, id->revision);
    pci_put(f, PCI_INTERRUPT_PIN, 1, id->intx);
    let_write(f, PCI_COMMAND, 2,
              PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_NO_INTX);
    let_write(f, PCI_INTERRUPT_LINE, 1, 0xff);
}

// 6.2.5: a BAR answers while memory decoding is on. A guest may put it
// anywhere, also where the host's window doesn't reach.
static void place_bars(struct pci_function *f)
{
    bool on = pci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY;
    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint64_t at = PCI_BAR_OFF;
        if (on && f->bars[i].size)
            at = pci_get(f, PCI_BAR0 + 4 * i, 4);
        atomic_store_explicit(&f->bars[i].at, at, memory_order_relaxed);
    }
}

void pci_function_add_bar(struct pci_function *f, unsigned number,
                          uint32_t size, uint32_t at)
{
    f->bars[number].size = size;
    pci_put(f, PCI_BAR0 + 4 * number, 4, at);
    // 6.2.5.1: how large it is, is told by the bits that can't be set.
    let_write(f, PCI_BAR0 + 4 * number, 4, ~(size - 1));
    place_bars(f);
}

uint8_t pci_function_add_capability(struct pci_function *f, uint8_t id,
                                    unsigned len)
{
    unsigned at = f->next_capability, end = (at + len + 3) & ~3U;
    if (end >= PCI_CONFIG_SIZE)
        return 0;
    f->config[at] = id;
    f->config[f->last_link] = (uint8_t)at;
    f->last_link = (uint8_t)(at + 1);
    f->next_capability = (uint8_t)end;
    pci_put(f, PCI_STATUS, 2,
            pci_get(f, PCI_STATUS, 2) | PCI_STATUS_CAPABILITIES);
    return (uint8_t)at;
}

uint32_t pci_function_read(struct pci_function *f, unsigned offset,
                           unsigned width)
{
    if (f->ops && f->ops->before_read)
        f->ops->before_read(f->owner, offset, width);
    return pci_get(f, offset, width);
}

void pci_function_write(struct pci_function *f, unsigned offset, unsigned width,
                        uint32_t value)
{
    uint32_t bits = 0;
    memcpy(&bits, &f->writable[offset], width);
    pci_put(f, offset, width,
            (pci_get(f, offset, width) & ~bits) | (value & bits));
    if (offset < PCI_BAR0 + 4 * PCI_BARS && offset + width > PCI_COMMAND)
        place_bars(f);
    if (f->ops && f->ops->after_write)
        f->ops->after_write(f->owner, offset, width);
}
