// SPDX-License-Identifier: Apache-2.0
// virtio behind registers in memory. See transport_mmio.h; sections are those
// of virtio 1.2.
#include "src/virtio/transport_mmio.h"

enum { // 4.2.2
    MAGIC = 0x000,
    VERSION = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SELECT = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SELECT = 0x024,
    QUEUE_SELECT = 0x030,
    QUEUE_SIZE_MAX = 0x034,
    QUEUE_SIZE = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DEVICE_LOW = 0x0a0,
    SHM_LEN_LOW = 0x0b0, // to 0x0bc: a region that isn't there is all ones
    SHM_END = 0x0c0,
    GENERATION = 0x0fc,
};

#define MAGIC_VALUE  0x74726976U // "virt"
#define VENDOR_VALUE 0x4d565954U // "TYVM"

enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };

// ---- Interrupts: with the lock held ----------------------------------------

static void set_isr(struct virtio_mmio *t, uint32_t isr)
{
    bool before = t->isr != 0;
    t->isr = isr;
    if (before != (isr != 0))
        irq_line_set(&t->irq, isr != 0);
}

static void interrupt_queue(void *owner, unsigned queue)
{
    struct virtio_mmio *t = owner;
    (void)queue;
    set_isr(t, t->isr | ISR_QUEUE);
}

static void interrupt_config(void *owner)
{
    struct virtio_mmio *t = owner;
    set_isr(t, t->isr | ISR_CONFIG);
}

// ---- Registers: with the lock held -----------------------------------------

// The half of an address that is written at this offset, of the selected queue.
static uint64_t *queue_address(struct virtio_mmio *t, uint64_t offset)
{
    struct virtio_device *dev = t->device;
    if (t->queue_select >= dev->ops->nqueues)
        return NULL;
    struct virtq_setup *s = &dev->setups[t->queue_select];
    switch (offset & ~UINT64_C(7)) {
    case QUEUE_DESC_LOW:
        return &s->descriptors;
    case QUEUE_DRIVER_LOW:
        return &s->driver;
    case QUEUE_DEVICE_LOW:
        return &s->device;
    default:
        return NULL;
    }
}

static uint32_t read_queue(const struct virtio_mmio *t, uint64_t offset)
{
    const struct virtio_device *dev = t->device;
    // 4.2.2.1: of a queue that isn't there the largest size is 0.
    if (t->queue_select >= dev->ops->nqueues)
        return 0;
    return offset == QUEUE_SIZE_MAX ? VIRTQ_SIZE_MAX
                                    : dev->enabled[t->queue_select];
}

static uint32_t read_register(const struct virtio_mmio *t, uint64_t offset)
{
    const struct virtio_device *dev = t->device;
    if (offset >= SHM_LEN_LOW && offset < SHM_END)
        return UINT32_MAX;
    switch (offset) {
    case MAGIC:
        return MAGIC_VALUE;
    case VERSION:
        return 2;
    case DEVICE_ID:
        return dev->ops->id;
    case VENDOR_ID:
        return VENDOR_VALUE;
    case DEVICE_FEATURES:
        return t->feature_select < 2
                   ? (uint32_t)(dev->offered >> (32 * t->feature_select))
                   : 0;
    case QUEUE_SIZE_MAX:
    case QUEUE_READY:
        return read_queue(t, offset);
    case INTERRUPT_STATUS:
        return t->isr;
    case STATUS:
        return dev->status;
    case GENERATION:
        return dev->generation;
    default:
        return 0;
    }
}

static void write_status(struct virtio_mmio *t, uint32_t value)
{
    virtio_set_status(t->device, (uint8_t)value);
    if ((uint8_t)value)
        return;
    t->feature_select = t->driver_feature_select = t->queue_select = 0;
    set_isr(t, 0);
}

static void write_queue(struct virtio_mmio *t, uint64_t offset, uint32_t value)
{
    struct virtio_device *dev = t->device;
    uint64_t *address = queue_address(t, offset);
    unsigned shift = 8 * (offset & 4);
    if (t->queue_select >= dev->ops->nqueues)
        return;
    if (offset == QUEUE_READY && !value) {
        virtio_disable_queue(dev, t->queue_select);
        return;
    }
    if (dev->enabled[t->queue_select])
        return;
    if (offset == QUEUE_SIZE)
        dev->setups[t->queue_select].size =
            value <= UINT16_MAX ? (uint16_t)value : 0;
    else if (offset == QUEUE_READY && value == 1)
        virtio_enable_queue(dev, t->queue_select);
    else if (address)
        *address = (*address & ~(UINT64_C(0xffffffff) << shift)) |
                   (uint64_t)value << shift;
}

static void write_register(struct virtio_mmio *t, uint64_t offset,
                           uint32_t value)
{
    switch (offset) {
    case DEVICE_FEATURES_SELECT:
        t->feature_select = value;
        break;
    case DRIVER_FEATURES:
        virtio_set_features(t->device, t->driver_feature_select, value);
        break;
    case DRIVER_FEATURES_SELECT:
        t->driver_feature_select = value;
        break;
    case QUEUE_SELECT:
        t->queue_select = value;
        break;
    case QUEUE_NOTIFY:
        virtio_kick(t->device, value);
        break;
    case INTERRUPT_ACK:
        set_isr(t, t->isr & ~value);
        break;
    case STATUS:
        write_status(t, value);
        break;
    default:
        write_queue(t, offset, value);
        break;
    }
}

// ---- The device on the bus -------------------------------------------------

static uint64_t mmio_read(void *owner, const struct access *access,
                          uint64_t offset, unsigned width)
{
    struct virtio_mmio *t = owner;
    uint64_t value = 0;
    (void)access;
    pthread_mutex_lock(&t->device->lock);
    if (offset >= VIRTIO_MMIO_CONFIG)
        value =
            virtio_read_config(t->device, offset - VIRTIO_MMIO_CONFIG, width);
    else if (width == 4 && offset % 4 == 0)
        value = read_register(t, offset);
    pthread_mutex_unlock(&t->device->lock);
    return value;
}

static void mmio_write(void *owner, const struct access *access,
                       uint64_t offset, unsigned width, uint64_t value)
{
    struct virtio_mmio *t = owner;
    (void)access;
    pthread_mutex_lock(&t->device->lock);
    if (offset >= VIRTIO_MMIO_CONFIG)
        virtio_write_config(t->device, offset - VIRTIO_MMIO_CONFIG, width,
                            value);
    else if (width == 4 && offset % 4 == 0)
        write_register(t, offset, (uint32_t)value);
    pthread_mutex_unlock(&t->device->lock);
}

void virtio_mmio_init(struct virtio_mmio *t, struct virtio_device *device,
                      const struct irq_line *irq)
{
    *t = (struct virtio_mmio){.device = device, .irq = *irq};
    device->interrupt = (struct virtio_interrupt){
        .queue = interrupt_queue,
        .config = interrupt_config,
        .owner = t,
    };
}

struct device virtio_mmio_device(struct virtio_mmio *t, uint64_t base)
{
    return (struct device){
        .base = base,
        .len = VIRTIO_MMIO_LEN,
        .widths = BUS_BYTE | BUS_WORD | BUS_DWORD | BUS_QWORD,
        .name = t->device->ops->name,
        .owner = t,
        .read = mmio_read,
        .write = mmio_write,
    };
}
