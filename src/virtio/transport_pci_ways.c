// SPDX-License-Identifier: Apache-2.0
// Events that go past this process: each queue's kick lies at its place in the
// BAR, each queue's call is the message of its vector, as long as the driver
// runs, and the vector is not masked. What can't be had, or not now, goes the
// long way: the kick is an access, the call is the device's to answer.
#include "src/virtio/transport_pci_common.h"

static uint64_t kick_of(struct virtio_pci *t, unsigned queue)
{
    uint64_t bar =
        atomic_load_explicit(&t->function.bars[0].at, memory_order_relaxed);
    return virtio_runs(t->device) && t->device->enabled[queue] &&
                   bar != PCI_BAR_OFF
               ? bar + VIRTIO_PCI_NOTIFY +
                     (uint64_t)VIRTIO_PCI_NOTIFY_STRIDE * queue
               : PCI_BAR_OFF;
}

static void update_kick(struct virtio_pci *t, unsigned queue, int fd)
{
    const struct virtio_shortcuts *s = t->shortcuts;
    struct virtio_pci_way *way = &t->ways[queue];
    uint64_t at = kick_of(t, queue);
    if (at == way->kicked_at)
        return;
    if (way->kicked_at != PCI_BAR_OFF)
        s->kick(s->owner, fd, way->kicked_at, false);
    way->kicked_at = PCI_BAR_OFF;
    // Where the guest has put two BARs at one place the first one keeps it.
    if (at != PCI_BAR_OFF && s->kick(s->owner, fd, at, true))
        way->kicked_at = at;
}

static void update_call(struct virtio_pci *t, unsigned queue, int fd)
{
    const struct virtio_shortcuts *s = t->shortcuts;
    const struct virtio_ops *ops = t->device->ops;
    struct virtio_pci_way *way = &t->ways[queue];
    uint64_t address = 0;
    uint32_t data = 0;
    bool on = virtio_runs(t->device) && t->device->enabled[queue] &&
              msix_message(&t->msix, t->queue_vectors[queue], &address, &data);
    if (on == way->called &&
        (!on || (address == way->address && data == way->data)))
        return;
    // A signal in between is answered by either, or by both: an interrupt
    // without a cause is none's fault.
    bool called = s->call(s->owner, &way->line, fd, address, data, on) && on;
    if (called != way->called)
        ops->direct(t->device->owner, queue, called);
    way->called = called;
    way->address = address;
    way->data = data;
}

void virtio_pci_update_ways(struct virtio_pci *t)
{
    const struct virtio_ops *ops = t->device->ops;
    if (!t->shortcuts || !ops->events)
        return;
    for (unsigned i = 0; i < ops->nqueues; i++) {
        int kick, call;
        ops->events(t->device->owner, i, &kick, &call);
        update_call(t, i, call);
        update_kick(t, i, kick);
    }
}

void virtio_pci_take_shortcuts(struct virtio_pci *t,
                               const struct virtio_shortcuts *shortcuts)
{
    t->shortcuts = shortcuts;
    for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
        t->ways[i] = (struct virtio_pci_way){.kicked_at = PCI_BAR_OFF};
}
