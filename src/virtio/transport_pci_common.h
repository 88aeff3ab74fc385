// SPDX-License-Identifier: Apache-2.0
// The common configuration structure of a virtio device over PCI (virtio 1.2,
// section 4.1.4.3): the registers by which a driver agrees on features, places
// queues and chooses vectors. For the files transport_pci*.c only, with the
// device's lock held.
#pragma once

#include "src/virtio/transport_pci.h"

#define VIRTIO_PCI_COMMON_LEN 0x38

// The registers at offset, which is below VIRTIO_PCI_COMMON_LEN. A register is
// read whole: who asks takes the low width bytes.
uint64_t virtio_pci_common_read(struct virtio_pci *t, uint64_t offset);
void virtio_pci_common_write(struct virtio_pci *t, uint64_t offset,
                             unsigned width, uint64_t value);

// What the transport remembers of its driver is as after a reset.
void virtio_pci_forget(struct virtio_pci *t);

// Of transport_pci_ways.c: the driver's state, a vector, the table of MSI-X or
// the BAR may have changed, and with it where events go.
void virtio_pci_update_ways(struct virtio_pci *t);

// Of transport_pci.c: tells INTA# what the ISR byte, MSI-X and the command
// register come to.
void virtio_pci_update_intx(struct virtio_pci *t);
