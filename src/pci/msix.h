// SPDX-License-Identifier: Apache-2.0
// MSI-X: a table of messages that are a function's interrupts (PCI Local Bus
// Specification 3.0, 6.8.2). The table and the pending bits lie in a BAR of
// the function, the control word in its configuration space.
#pragma once

#include "src/pci/function.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define MSIX_VECTORS_MAX 64
#define MSIX_ENTRY_LEN   16
#define MSIX_PBA_LEN     8 // one qword, for MSIX_VECTORS_MAX

// Who delivers a message: a write of data to address, which means a vector of
// a local APIC. Any thread, with the table's lock held: it must not call back.
struct msi_sink {
    void (*send)(void *owner, uint64_t address, uint32_t data);
    void *owner;
};

struct msix_entry {
    uint32_t address_low, address_high, data, control;
};

// Owned by its function's owner. lock guards the rest; any thread.
struct msix {
    pthread_mutex_t lock;
    struct msi_sink sink;
    unsigned count;     // vectors, 1..MSIX_VECTORS_MAX
    uint8_t capability; // its offset in configuration space
    bool enabled, masked;
    uint64_t pending; // a bit for each vector
    struct msix_entry table[MSIX_VECTORS_MAX];
};

// Adds the capability: count vectors, the table at table and the pending bits
// at pba, offsets in BAR number bar. False when configuration space is full.
bool msix_init(struct msix *msix, struct pci_function *f, unsigned count,
               unsigned bar, uint32_t table, uint32_t pba,
               const struct msi_sink *sink);
void msix_destroy(struct msix *msix);

// The function's configuration space was written: takes the control word.
void msix_config_written(struct msix *msix, const struct pci_function *f);

bool msix_enabled(struct msix *msix);

// Vector interrupts: its message is sent, or kept while it is masked. Nothing
// happens while MSI-X is off or when there is no such vector.
void msix_raise(struct msix *msix, unsigned vector);

// What vector would send now; false: nothing, as MSI-X is off, or it is masked,
// or there is no such vector.
bool msix_message(struct msix *msix, unsigned vector, uint64_t *address,
                  uint32_t *data);

// The guest's accesses to the table and the pending bits, dwords and qwords as
// 6.8.2 allows; others read 0 and write nothing. offset counts from the
// beginning of either.
uint64_t msix_table_read(struct msix *msix, uint64_t offset, unsigned width);
void msix_table_write(struct msix *msix, uint64_t offset, unsigned width,
                      uint64_t value);
uint64_t msix_pending_read(struct msix *msix, uint64_t offset, unsigned width);
