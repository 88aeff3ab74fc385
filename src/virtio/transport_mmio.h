// SPDX-License-Identifier: Apache-2.0
// A virtio device behind registers in memory (virtio 1.2, section 4.2, version
// 2): a page with the device's identity, its queues and its configuration, and
// one interrupt line. No legacy interface.
#pragma once

#include "src/devices/bus.h"
#include "src/devices/irq.h"
#include "src/virtio/device.h"

#define VIRTIO_MMIO_LEN    0x200U // of the registers; configuration from 0x100
#define VIRTIO_MMIO_CONFIG 0x100U

// Owned by who wires it and never moved. The device's lock guards all of it.
struct virtio_mmio {
    struct virtio_device *device;
    struct irq_line irq;
    uint32_t feature_select, driver_feature_select, queue_select;
    uint32_t isr;
};

// Makes the registers of device, which interrupts by irq.
void virtio_mmio_init(struct virtio_mmio *t, struct virtio_device *device,
                      const struct irq_line *irq);

// They answer at base, VIRTIO_MMIO_LEN bytes of them. Control registers are
// read and written as aligned dwords (4.2.2.2); any other access to them reads
// zero and writes nothing.
struct device virtio_mmio_device(struct virtio_mmio *t, uint64_t base);
