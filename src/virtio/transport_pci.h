// SPDX-License-Identifier: Apache-2.0
// A virtio device as a PCI function (virtio 1.2, section 4.1): one BAR with the
// common configuration, the device's, notifications, the ISR byte and the
// MSI-X table. No legacy interface: a modern driver is needed.
#pragma once

#include "src/devices/irq.h"
#include "src/pci/host.h"
#include "src/pci/msix.h"
#include "src/virtio/device.h"
#include "src/virtio/shortcut.h"

#define VIRTIO_PCI_VENDOR    0x1af4
#define VIRTIO_PCI_DEVICE    0x1040 // and the device's id
#define VIRTIO_PCI_NO_VECTOR 0xffff

// The BAR. Each part has a page of its own.
enum {
    VIRTIO_PCI_COMMON = 0x0000,
    VIRTIO_PCI_ISR = 0x1000,
    VIRTIO_PCI_CONFIG = 0x2000,
    VIRTIO_PCI_NOTIFY = 0x3000, // four bytes for each queue
    VIRTIO_PCI_TABLE = 0x4000,
    VIRTIO_PCI_PENDING = 0x5000,
    VIRTIO_PCI_PART = 0x1000,
    VIRTIO_PCI_BAR_LEN = 0x8000,
    VIRTIO_PCI_NOTIFY_STRIDE = 4,
};

// Owned by who wires it and never moved. The device's lock guards what is
// behind msix.
struct virtio_pci {
    struct virtio_device *device;
    struct pci_function function;
    struct irq_line intx; // INTA#, used while MSI-X is off
    struct msix msix;
    uint8_t window; // the offset of the configuration access capability
    uint32_t feature_select, driver_feature_select;
    uint16_t queue_select;
    uint16_t config_vector, queue_vectors[VIRTIO_QUEUES_MAX];
    uint8_t isr;
    bool intx_level; // what INTA# was told
    bool no_intx;    // the command register says so
    // What the shortcuts were told of each queue.
    const struct virtio_shortcuts *shortcuts; // NULL: there are none
    struct virtio_pci_way {
        bool called; // its call is a message by itself: this one
        uint64_t address;
        uint32_t data;
        unsigned line;
        uint64_t kicked_at; // where its kick is; PCI_BAR_OFF: nowhere
    } ways[VIRTIO_QUEUES_MAX];
};

// Makes the function of device and puts it on host; intx and sink are how it
// interrupts. 0; -ENOSPC with a sentence when the bus or its window is full.
// Destroy it either way, before the device.
int virtio_pci_init(struct virtio_pci *t, struct virtio_device *device,
                    struct pci_host *host, const struct irq_line *intx,
                    const struct msi_sink *sink, struct error *err);
void virtio_pci_destroy(struct virtio_pci *t);

// From now on it uses these, while the driver runs: for a device with events.
// Before the first access; they outlive it.
void virtio_pci_take_shortcuts(struct virtio_pci *t,
                               const struct virtio_shortcuts *shortcuts);
