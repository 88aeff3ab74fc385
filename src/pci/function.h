// SPDX-License-Identifier: Apache-2.0
// One function on a PCI bus: its configuration space, its capabilities and its
// memory BARs (PCI Local Bus Specification 3.0, chapter 6). It knows neither
// the bus nor the machine.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PCI_CONFIG_SIZE 256
#define PCI_BARS        6

// Where registers lie in configuration space (6.1).
enum pci_register {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_PROG_IF = 0x09,
    PCI_CLASS = 0x0a, // subclass, then base class
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR = 0x2c,
    PCI_SUBSYSTEM = 0x2e,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
    PCI_FIRST_CAPABILITY = 0x40,
};

enum {
    PCI_COMMAND_MEMORY = 0x0002,
    PCI_COMMAND_MASTER = 0x0004,
    PCI_COMMAND_NO_INTX = 0x0400,

    PCI_STATUS_INTX = 0x0008,
    PCI_STATUS_CAPABILITIES = 0x0010,
};

// A 32-bit memory BAR. at is the address that it answers at now, PCI_BAR_OFF
// when it answers nowhere: every vCPU thread reads it without a lock while
// another moves the BAR.
#define PCI_BAR_OFF UINT64_MAX
struct pci_bar {
    uint32_t size; // a power of two from 16 on; 0: there is none
    _Atomic uint64_t at;
};

// What a function does. Offsets lie in the BAR with all bytes of the access,
// width is 1, 2, 4 or 8. The two about memory run on any vCPU thread, at the
// same time on several; those about configuration under the host's lock, so
// that they must not call into the host.
struct pci_function_ops {
    uint64_t (*read)(void *owner, unsigned bar, uint64_t offset,
                     unsigned width);
    void (*write)(void *owner, unsigned bar, uint64_t offset, unsigned width,
                  uint64_t value);
    // Before configuration space is read, after it was written: [offset,
    // offset+width), width 1, 2 or 4. NULL: nothing to do.
    void (*before_read)(void *owner, unsigned offset, unsigned width);
    void (*after_write)(void *owner, unsigned offset, unsigned width);
};

// Owned by who puts it on a host, and never moved from then on. The host's lock
// guards all but bars[].at.
struct pci_function {
    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t writable[PCI_CONFIG_SIZE]; // the bits that the guest may change
    uint8_t next_capability;           // the first byte that is free
    uint8_t last_link;                 // where the next one's offset goes
    struct pci_bar bars[PCI_BARS];
    const struct pci_function_ops *ops;
    void *owner;
};

// What a function says of itself; class is base class and subclass.
struct pci_identity {
    uint16_t vendor, device;
    uint16_t subsystem_vendor, subsystem;
    uint16_t class;
    uint8_t revision;
    bool intx; // it has the interrupt pin INTA#
};

// A function of type 0 without BARs and capabilities, answering nowhere. ops is
// static; NULL for one that has configuration space only.
void pci_function_init(struct pci_function *f, const struct pci_identity *id,
                       const struct pci_function_ops *ops, void *owner);

// A memory BAR: number below PCI_BARS, size as in struct pci_bar, at as the
// firmware would have set it, a multiple of size.
void pci_function_add_bar(struct pci_function *f, unsigned number,
                          uint32_t size, uint32_t at);

// Adds a capability of len bytes (its id and link, two bytes, included) behind
// those that are there; returns its offset, 0 when there is no room. The body
// is zero and read-only: who calls fills it in.
uint8_t pci_function_add_capability(struct pci_function *f, uint8_t id,
                                    unsigned len);

// Little-endian registers of configuration space; width 1, 2 or 4, inside of
// it. pci_put also sets what the guest may not write.
uint32_t pci_get(const struct pci_function *f, unsigned offset, unsigned width);
void pci_put(struct pci_function *f, unsigned offset, unsigned width,
             uint32_t value);

// The guest's access to configuration space; offset+width is at most
// PCI_CONFIG_SIZE. Under the host's lock.
uint32_t pci_function_read(struct pci_function *f, unsigned offset,
                           unsigned width);
void pci_function_write(struct pci_function *f, unsigned offset, unsigned width,
                        uint32_t value);
