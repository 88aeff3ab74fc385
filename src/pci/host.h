// SPDX-License-Identifier: Apache-2.0
// A PCI host with one bus, bus 0: configuration mechanism #1 at I/O ports 0xcf8
// to 0xcff (PCI Local Bus Specification 3.0, 3.2.2.3.2), and the window of
// memory that BARs may lie in. It has a host bridge in slot 0; what the machine
// has besides takes the next slots.
#pragma once

#include "src/base/error.h"
#include "src/devices/bus.h"
#include "src/pci/function.h"

#include <pthread.h>
#include <stdint.h>

#define PCI_SLOTS     32
#define PCI_PORTS_LEN 8

// Owned by who wires it and never moved. Any thread may make accesses. lock
// guards address and the configuration spaces; an access to memory takes no
// lock, also while another vCPU moves a BAR.
struct pci_host {
    pthread_mutex_t lock;
    uint32_t address; // what was written to 0xcf8
    unsigned nslots;  // slots 0..nslots-1 hold a function
    struct pci_function *slots[PCI_SLOTS];
    struct pci_function bridge;
    struct device reset; // gets bytes at 0xcf9
    uint64_t window, window_len;
    _Atomic uint64_t next_bar; // the first free address of the window
};

// reset is the device of the byte at 0xcf9, whatever its base says (copied): a
// byte there is PCI's reset control register, not a part of the address that
// is written as a dword to 0xcf8. [window, window+window_len) lies below 4 GiB.
void pci_host_init(struct pci_host *host, const struct device *reset,
                   uint64_t window, uint64_t window_len);
void pci_host_destroy(struct pci_host *host);

// Puts a function in the next free slot, whose number is returned; -ENOSPC
// when all are taken. Before the first access. function outlives the host.
int pci_host_add(struct pci_host *host, struct pci_function *function,
                 struct error *err);

// Room in the window for a BAR of size bytes (a power of two), as firmware
// would give it; 0 when the window is full. Before the first access.
uint32_t pci_host_place_bar(struct pci_host *host, uint32_t size);

// The ports at base (8 of them), and the window's memory.
//  - A dword at 0xcf8 is the address; any other access to 0xcf8..0xcfb is
//    nobody's, but for the byte at 0xcf9.
//  - 0xcfc..0xcff is the data: bytes, words and dwords inside of it. Where no
//    function is, reads are all ones. Bus 0 and function 0 alone are there.
//  - Memory of the window that no BAR claims reads all ones. Of two BARs at
//    one address the one in the lower slot answers.
struct device pci_host_ports(struct pci_host *host, uint64_t base);
struct device pci_host_memory(struct pci_host *host);
