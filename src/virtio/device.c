// SPDX-License-Identifier: Apache-2.0
// What all virtio devices have in common. See device.h; sections are those of
// virtio 1.2.
#include "src/virtio/device.h"

#include <stdio.h>
#include <string.h>

#define RING_FEATURES                                                          \
    (VIRTIO_F_INDIRECT | VIRTIO_F_EVENT_INDEX | VIRTIO_F_VERSION_1 |           \
     VIRTIO_F_PACKED)

static void forget_queues(struct virtio_device *dev)
{
    for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++) {
        virtq_stop(&dev->queues[i]);
        dev->queues[i].fault = VIRTQ_FINE;
        dev->setups[i] = (struct virtq_setup){.size = VIRTQ_SIZE_MAX};
        dev->enabled[i] = false;
    }
}

void virtio_init(struct virtio_device *dev, const struct virtio_ops *ops,
                 void *owner, const struct guest_memory *memory,
                 uint64_t features)
{
    *dev = (struct virtio_device){
        .ops = ops,
        .owner = owner,
        .memory = memory,
        .offered = features | RING_FEATURES,
    };
    pthread_mutex_init(&dev->lock, NULL);
    forget_queues(dev);
}

void virtio_destroy(struct virtio_device *dev)
{
    pthread_mutex_destroy(&dev->lock);
}

static void reset(struct virtio_device *dev)
{
    // No kick comes through while it stops.
    dev->status &= (uint8_t)~VIRTIO_DRIVER_OK;
    if (dev->ops->stop)
        dev->ops->stop(dev->owner);
    forget_queues(dev);
    dev->features = 0;
    dev->status = 0;
}

// 6.1, 6.2: a driver of version 1, and nothing that was not offered.
static bool features_are_good(const struct virtio_device *dev)
{
    return !(dev->features & ~dev->offered) &&
           (dev->features & VIRTIO_F_VERSION_1);
}

void virtio_set_status(struct virtio_device *dev, uint8_t status)
{
    uint8_t before = dev->status;
    if (!status) {
        reset(dev);
        return;
    }
    // The driver neither takes back what it said nor sets NEEDS_RESET.
    status = (uint8_t)((status & ~VIRTIO_NEEDS_RESET) | before);
    if (!(before & VIRTIO_FEATURES_OK) && (status & VIRTIO_FEATURES_OK) &&
        !features_are_good(dev))
        status &= (uint8_t)~VIRTIO_FEATURES_OK;
    if (!(status & VIRTIO_FEATURES_OK))
        status &= (uint8_t)~VIRTIO_DRIVER_OK;
    dev->status = status;
    if (!(before & VIRTIO_DRIVER_OK) && (status & VIRTIO_DRIVER_OK) &&
        dev->ops->start)
        dev->ops->start(dev->owner, dev->features);
}

void virtio_set_features(struct virtio_device *dev, unsigned word,
                         uint32_t bits)
{
    if (word > 1 || (dev->status & VIRTIO_FEATURES_OK))
        return;
    unsigned shift = 32 * word;
    dev->features = (dev->features & ~(UINT64_C(0xffffffff) << shift)) |
                    (uint64_t)bits << shift;
}

bool virtio_runs(const struct virtio_device *dev)
{
    return (dev->status & VIRTIO_DRIVER_OK) &&
           !(dev->status & (VIRTIO_NEEDS_RESET | VIRTIO_FAILED));
}

void virtio_note(struct virtio_device *dev, const char *why)
{
    dev->refusals++;
    snprintf(dev->refusal, sizeof dev->refusal, "%s", why);
}

void virtio_refuse(struct virtio_device *dev, const char *why)
{
    virtio_note(dev, why);
    if (dev->status & VIRTIO_NEEDS_RESET)
        return;
    dev->status |= VIRTIO_NEEDS_RESET;
    if ((dev->status & VIRTIO_DRIVER_OK) && dev->interrupt.config)
        dev->interrupt.config(dev->interrupt.owner);
}

void virtio_enable_queue(struct virtio_device *dev, unsigned queue)
{
    struct virtq_setup *s = &dev->setups[queue];
    // 4.1.4.3.2: features first, each queue once.
    if (dev->enabled[queue] || !(dev->status & VIRTIO_FEATURES_OK))
        return;
    s->packed = dev->features & VIRTIO_F_PACKED;
    s->indirect = dev->features & VIRTIO_F_INDIRECT;
    s->event_index = dev->features & VIRTIO_F_EVENT_INDEX;
    dev->enabled[queue] = true;
    if (!virtq_start(&dev->queues[queue], dev->memory, s))
        virtio_refuse(dev, virtq_fault_text(dev->queues[queue].fault));
}

void virtio_disable_queue(struct virtio_device *dev, unsigned queue)
{
    bool was = dev->enabled[queue];
    virtq_stop(&dev->queues[queue]);
    dev->enabled[queue] = false;
    if (was && dev->ops->drop)
        dev->ops->drop(dev->owner, queue);
}

void virtio_kick(struct virtio_device *dev, unsigned queue)
{
    if (virtio_runs(dev) && queue < dev->ops->nqueues && dev->enabled[queue])
        dev->ops->kick(dev->owner, queue);
}

uint64_t virtio_read_config(struct virtio_device *dev, uint64_t offset,
                            unsigned width)
{
    size_t len = dev->ops->config_len;
    uint64_t value = 0;
    if (!dev->ops->config || offset >= len)
        return 0;
    size_t n = width < len - offset ? width : len - (size_t)offset;
    const uint8_t *config = dev->ops->config(dev->owner);
    memcpy(&value, config + offset, n);
    return value;
}

void virtio_write_config(struct virtio_device *dev, uint64_t offset,
                         unsigned width, uint64_t value)
{
    for (unsigned i = 0; i < width; i++)
        if (dev->ops->write_config && offset + i < dev->ops->config_len)
            dev->ops->write_config(dev->owner, (size_t)offset + i,
                                   (uint8_t)(value >> (8 * i)));
}

int virtio_pop(struct virtio_device *dev, unsigned queue,
               struct virtq_chain *chain)
{
    if (!virtio_runs(dev))
        return 0;
    int got = virtq_pop(&dev->queues[queue], chain);
    if (got < 0)
        virtio_refuse(dev, virtq_fault_text(dev->queues[queue].fault));
    return got;
}

void virtio_push(struct virtio_device *dev, unsigned queue,
                 const struct virtq_chain *chain, uint32_t written)
{
    virtq_push(&dev->queues[queue], chain, written);
}

void virtio_interrupt_queue(struct virtio_device *dev, unsigned queue)
{
    if (virtq_must_interrupt(&dev->queues[queue]) && dev->interrupt.queue)
        dev->interrupt.queue(dev->interrupt.owner, queue);
}

void virtio_config_changed(struct virtio_device *dev)
{
    dev->generation++;
    if (dev->interrupt.config && (dev->status & VIRTIO_DRIVER_OK))
        dev->interrupt.config(dev->interrupt.owner);
}
