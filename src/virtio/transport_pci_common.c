// SPDX-License-Identifier: Apache-2.0
// The common configuration. See transport_pci_common.h; sections are those of
// virtio 1.2.
#include "src/virtio/transport_pci_common.h"

enum { // 4.1.4.3: the common configuration, by offset
    DEVICE_FEATURE_SELECT = 0x00,
    DEVICE_FEATURE = 0x04,
    DRIVER_FEATURE_SELECT = 0x08,
    DRIVER_FEATURE = 0x0c,
    CONFIG_VECTOR = 0x10,
    NUM_QUEUES = 0x12,
    STATUS = 0x14,
    GENERATION = 0x15,
    QUEUE_SELECT = 0x16,
    QUEUE_SIZE = 0x18,
    QUEUE_VECTOR = 0x1a,
    QUEUE_ENABLE = 0x1c,
    QUEUE_NOTIFY_OFF = 0x1e,
    QUEUE_DESC = 0x20,
    QUEUE_DRIVER = 0x28,
    QUEUE_DEVICE = 0x30,
};

void virtio_pci_forget(struct virtio_pci *t)
{
    t->isr = 0;
    virtio_pci_update_intx(t);
    t->feature_select = t->driver_feature_select = 0;
    t->queue_select = 0;
    t->config_vector = VIRTIO_PCI_NO_VECTOR;
    for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
        t->queue_vectors[i] = VIRTIO_PCI_NO_VECTOR;
}

static bool queue_is_there(const struct virtio_pci *t)
{
    return t->queue_select < t->device->ops->nqueues;
}

// The 64-bit register at offset, half by half.
static uint64_t *queue_address(struct virtio_pci *t, uint64_t offset)
{
    struct virtq_setup *s = &t->device->setups[t->queue_select];
    switch (offset & ~UINT64_C(7)) {
    case QUEUE_DESC:
        return &s->descriptors;
    case QUEUE_DRIVER:
        return &s->driver;
    case QUEUE_DEVICE:
        return &s->device;
    default:
        return NULL;
    }
}

static uint64_t read_queue(struct virtio_pci *t, uint64_t offset)
{
    const struct virtio_device *dev = t->device;
    unsigned q = t->queue_select;
    // 4.1.4.3.1: size 0 says that there is no such queue.
    if (!queue_is_there(t))
        return 0;
    switch (offset) {
    case QUEUE_SIZE:
        return dev->setups[q].size;
    case QUEUE_VECTOR:
        return t->queue_vectors[q];
    case QUEUE_ENABLE:
        return dev->enabled[q];
    case QUEUE_NOTIFY_OFF:
        return q;
    default: {
        const uint64_t *address = queue_address(t, offset);
        return address ? *address >> (8 * (offset & 7)) : 0;
    }
    }
}

uint64_t virtio_pci_common_read(struct virtio_pci *t, uint64_t offset)
{
    const struct virtio_device *dev = t->device;
    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        return t->feature_select;
    case DEVICE_FEATURE:
        return t->feature_select < 2 ? dev->offered >> (32 * t->feature_select)
                                     : 0;
    case DRIVER_FEATURE_SELECT:
        return t->driver_feature_select;
    case DRIVER_FEATURE:
        return t->driver_feature_select < 2
                   ? dev->features >> (32 * t->driver_feature_select)
                   : 0;
    case CONFIG_VECTOR:
        return t->config_vector;
    case NUM_QUEUES:
        return dev->ops->nqueues;
    case STATUS:
        return dev->status;
    case GENERATION:
        return dev->generation;
    case QUEUE_SELECT:
        return t->queue_select;
    default:
        return read_queue(t, offset);
    }
}

// A vector that isn't there reads back as none (4.1.4.3.1).
static uint16_t vector_of(const struct virtio_pci *t, uint64_t value)
{
    return value < t->msix.count ? (uint16_t)value : VIRTIO_PCI_NO_VECTOR;
}

static void write_address(struct virtio_pci *t, uint64_t offset, unsigned width,
                          uint64_t value)
{
    uint64_t *address = queue_address(t, offset);
    unsigned shift = 8 * (offset & 4);
    if (!address || t->device->enabled[t->queue_select])
        return;
    if (width == 8)
        *address = value;
    else if (width == 4)
        *address = (*address & ~(UINT64_C(0xffffffff) << shift)) |
                   (value & 0xffffffff) << shift;
}

static void write_queue(struct virtio_pci *t, uint64_t offset, unsigned width,
                        uint64_t value)
{
    struct virtio_device *dev = t->device;
    unsigned q = t->queue_select;
    if (!queue_is_there(t))
        return;
    switch (offset) {
    case QUEUE_SIZE:
        if (!dev->enabled[q])
            dev->setups[q].size = (uint16_t)value;
        break;
    case QUEUE_VECTOR:
        t->queue_vectors[q] = vector_of(t, value);
        break;
    case QUEUE_ENABLE:
        if (value == 1)
            virtio_enable_queue(dev, q);
        break;
    default:
        write_address(t, offset, width, value);
        break;
    }
}

void virtio_pci_common_write(struct virtio_pci *t, uint64_t offset,
                             unsigned width, uint64_t value)
{
    switch (offset) {
    case DEVICE_FEATURE_SELECT:
        t->feature_select = (uint32_t)value;
        break;
    case DRIVER_FEATURE_SELECT:
        t->driver_feature_select = (uint32_t)value;
        break;
    case DRIVER_FEATURE:
        virtio_set_features(t->device, t->driver_feature_select,
                            (uint32_t)value);
        break;
    case CONFIG_VECTOR:
        t->config_vector = vector_of(t, value);
        break;
    case STATUS:
        virtio_set_status(t->device, (uint8_t)value);
        if (!(uint8_t)value)
            virtio_pci_forget(t);
        break;
    case QUEUE_SELECT:
        t->queue_select = (uint16_t)value;
        break;
    default:
        write_queue(t, offset, width, value);
        break;
    }
}
