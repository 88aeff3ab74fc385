// SPDX-License-Identifier: Apache-2.0
// virtio over PCI. See transport_pci.h; sections are those of virtio 1.2.
#include "src/virtio/transport_pci.h"

#include "src/virtio/transport_pci_common.h"

#include <errno.h>
#include <string.h>

#define CAPABILITY_ID 0x09
#define BAR           0

enum { // 4.1.4: cfg_type
    TYPE_COMMON = 1,
    TYPE_NOTIFY = 2,
    TYPE_ISR = 3,
    TYPE_DEVICE = 4,
    TYPE_PCI = 5,
};

enum { // offsets in a capability
    CAP_LEN_FIELD = 2,
    CAP_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_LEN = 16,
    CAP_NOTIFY_MULTIPLIER = 16,
    CAP_NOTIFY_LEN = 20,
    CAP_DATA = 16, // of TYPE_PCI
    CAP_PCI_LEN = 20,
};

enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };

// ---- Interrupts ------------------------------------------------------------

void virtio_pci_update_intx(struct virtio_pci *t)
{
    bool level = t->isr && !t->no_intx && !msix_enabled(&t->msix);
    if (level == t->intx_level)
        return;
    t->intx_level = level;
    irq_line_set(&t->intx, level);
}

static void interrupt(struct virtio_pci *t, uint16_t vector, uint8_t isr)
{
    // 4.1.4.5: the ISR byte is for drivers without MSI-X alone.
    if (msix_enabled(&t->msix)) {
        if (vector != VIRTIO_PCI_NO_VECTOR)
            msix_raise(&t->msix, vector);
        return;
    }
    t->isr |= isr;
    virtio_pci_update_intx(t);
}

static void interrupt_queue(void *owner, unsigned queue)
{
    struct virtio_pci *t = owner;
    interrupt(t, t->queue_vectors[queue], ISR_QUEUE);
}

static void interrupt_config(void *owner)
{
    struct virtio_pci *t = owner;
    interrupt(t, t->config_vector, ISR_CONFIG);
}

// ---- The BAR ---------------------------------------------------------------

static uint64_t read_isr(struct virtio_pci *t)
{
    uint8_t isr = t->isr;
    t->isr = 0;
    virtio_pci_update_intx(t);
    return isr;
}

static uint64_t bar_read(void *owner, unsigned bar, uint64_t offset,
                         unsigned width)
{
    struct virtio_pci *t = owner;
    uint64_t part = offset & ~(uint64_t)(VIRTIO_PCI_PART - 1);
    uint64_t at = offset - part, value = 0;
    (void)bar;
    if (part == VIRTIO_PCI_TABLE)
        return msix_table_read(&t->msix, at, width);
    if (part == VIRTIO_PCI_PENDING)
        return msix_pending_read(&t->msix, at, width);
    pthread_mutex_lock(&t->device->lock);
    if (part == VIRTIO_PCI_COMMON)
        value = at < VIRTIO_PCI_COMMON_LEN ? virtio_pci_common_read(t, at) : 0;
    else if (part == VIRTIO_PCI_ISR)
        value = at == 0 ? read_isr(t) : 0;
    else if (part == VIRTIO_PCI_CONFIG)
        value = virtio_read_config(t->device, at, width);
    pthread_mutex_unlock(&t->device->lock);
    return value;
}

static void bar_write(void *owner, unsigned bar, uint64_t offset,
                      unsigned width, uint64_t value)
{
    struct virtio_pci *t = owner;
    uint64_t part = offset & ~(uint64_t)(VIRTIO_PCI_PART - 1);
    uint64_t at = offset - part;
    (void)bar;
    if (part == VIRTIO_PCI_TABLE) {
        msix_table_write(&t->msix, at, width, value);
        pthread_mutex_lock(&t->device->lock);
        virtio_pci_update_ways(t);
        pthread_mutex_unlock(&t->device->lock);
        return;
    }
    pthread_mutex_lock(&t->device->lock);
    if (part == VIRTIO_PCI_COMMON && at < VIRTIO_PCI_COMMON_LEN) {
        virtio_pci_common_write(t, at, width, value);
        virtio_pci_update_ways(t);
    } else if (part == VIRTIO_PCI_CONFIG)
        virtio_write_config(t->device, at, width, value);
    else if (part == VIRTIO_PCI_NOTIFY)
        virtio_kick(t->device, (unsigned)(at / VIRTIO_PCI_NOTIFY_STRIDE));
    pthread_mutex_unlock(&t->device->lock);
}

// ---- Configuration space ---------------------------------------------------

// 4.1.4.9: the BAR can be reached through configuration space. False when the
// guest's window points elsewhere.
static bool window_target(struct virtio_pci *t, uint32_t *offset,
                          unsigned *width)
{
    const struct pci_function *f = &t->function;
    *offset = pci_get(f, t->window + CAP_OFFSET, 4);
    uint32_t length = pci_get(f, t->window + CAP_LENGTH, 4);
    *width = length;
    return pci_get(f, t->window + CAP_BAR, 1) == BAR &&
           (length == 1 || length == 2 || length == 4) &&
           *offset % length == 0 && *offset <= VIRTIO_PCI_BAR_LEN - length;
}

static bool touches_data(const struct virtio_pci *t, unsigned offset,
                         unsigned width)
{
    unsigned data = t->window + CAP_DATA;
    return offset < data + 4 && offset + width > data;
}

static void before_config_read(void *owner, unsigned offset, unsigned width)
{
    struct virtio_pci *t = owner;
    uint32_t at;
    unsigned len;
    if (offset <= PCI_STATUS && offset + width > PCI_STATUS) {
        pthread_mutex_lock(&t->device->lock);
        uint32_t status = pci_get(&t->function, PCI_STATUS, 2);
        pci_put(&t->function, PCI_STATUS, 2,
                t->isr ? status | PCI_STATUS_INTX
                       : status & ~(uint32_t)PCI_STATUS_INTX);
        pthread_mutex_unlock(&t->device->lock);
    }
    if (touches_data(t, offset, width) && window_target(t, &at, &len))
        pci_put(&t->function, t->window + CAP_DATA, 4,
                (uint32_t)bar_read(t, BAR, at, len));
}

static void after_config_write(void *owner, unsigned offset, unsigned width)
{
    struct virtio_pci *t = owner;
    uint32_t at;
    unsigned len;
    if (touches_data(t, offset, width) && window_target(t, &at, &len)) {
        uint32_t value = pci_get(&t->function, t->window + CAP_DATA, 4);
        bar_write(t, BAR, at, len,
                  value & (uint32_t)(UINT64_MAX >> (64 - 8 * len)));
    }
    msix_config_written(&t->msix, &t->function);
    pthread_mutex_lock(&t->device->lock);
    t->no_intx = pci_get(&t->function, PCI_COMMAND, 2) & PCI_COMMAND_NO_INTX;
    virtio_pci_update_intx(t);
    virtio_pci_update_ways(t);
    pthread_mutex_unlock(&t->device->lock);
}

static const struct pci_function_ops function_ops = {
    .read = bar_read,
    .write = bar_write,
    .before_read = before_config_read,
    .after_write = after_config_write,
};

// A vendor capability that names a part of the BAR; its offset, 0: no room.
static uint8_t add_part(struct pci_function *f, uint8_t type, unsigned cap_len,
                        uint32_t offset, uint32_t length)
{
    uint8_t at = pci_function_add_capability(f, CAPABILITY_ID, cap_len);
    if (!at)
        return 0;
    pci_put(f, at + CAP_LEN_FIELD, 1, cap_len);
    pci_put(f, at + CAP_TYPE, 1, type);
    pci_put(f, at + CAP_BAR, 1, BAR);
    pci_put(f, at + CAP_OFFSET, 4, offset);
    pci_put(f, at + CAP_LENGTH, 4, length);
    return at;
}

static bool add_capabilities(struct virtio_pci *t, const struct msi_sink *sink)
{
    struct pci_function *f = &t->function;
    unsigned nqueues = t->device->ops->nqueues;
    // A vector for each queue and one for the configuration.
    bool good = msix_init(&t->msix, f, nqueues + 1, BAR, VIRTIO_PCI_TABLE,
                          VIRTIO_PCI_PENDING, sink);
    good &= add_part(f, TYPE_COMMON, CAP_LEN, VIRTIO_PCI_COMMON,
                     VIRTIO_PCI_COMMON_LEN) != 0;
    good &= add_part(f, TYPE_ISR, CAP_LEN, VIRTIO_PCI_ISR, 1) != 0;
    // A device without configuration still may be asked for it.
    size_t config_len = t->device->ops->config_len;
    if (config_len)
        good &= add_part(f, TYPE_DEVICE, CAP_LEN, VIRTIO_PCI_CONFIG,
                         (uint32_t)config_len) != 0;
    uint8_t notify = add_part(f, TYPE_NOTIFY, CAP_NOTIFY_LEN, VIRTIO_PCI_NOTIFY,
                              VIRTIO_PCI_NOTIFY_STRIDE * nqueues);
    t->window = add_part(f, TYPE_PCI, CAP_PCI_LEN, 0, 0);
    if (!good || !notify || !t->window)
        return false;
    pci_put(f, notify + CAP_NOTIFY_MULTIPLIER, 4, VIRTIO_PCI_NOTIFY_STRIDE);
    f->writable[t->window + CAP_BAR] = 0xff;
    memset(&f->writable[t->window + CAP_OFFSET], 0xff,
           CAP_PCI_LEN - CAP_OFFSET);
    return true;
}

static uint16_t class_of(uint32_t id)
{
    switch (id) {
    case VIRTIO_ID_NET:
        return 0x0200;
    case VIRTIO_ID_BLK:
        return 0x0180;
    case VIRTIO_ID_CONSOLE:
        return 0x0780;
    default:
        return 0x00ff;
    }
}

int virtio_pci_init(struct virtio_pci *t, struct virtio_device *device,
                    struct pci_host *host, const struct irq_line *intx,
                    const struct msi_sink *sink, struct error *err)
{
    const struct pci_identity identity = {
        .vendor = VIRTIO_PCI_VENDOR,
        .device = (uint16_t)(VIRTIO_PCI_DEVICE + device->ops->id),
        .subsystem_vendor = VIRTIO_PCI_VENDOR,
        .subsystem = VIRTIO_PCI_DEVICE,
        .class = class_of(device->ops->id),
        .revision = 1, // 4.1.2.1: no legacy interface
        .intx = true,
    };
    *t = (struct virtio_pci){.device = device, .intx = *intx};
    pci_function_init(&t->function, &identity, &function_ops, t);
    if (!add_capabilities(t, sink))
        return error_set(err, -ENOSPC, "%s: too many PCI capabilities",
                         device->ops->name);
    virtio_pci_forget(t);
    uint32_t bar = pci_host_place_bar(host, VIRTIO_PCI_BAR_LEN);
    if (!bar)
        return error_set(err, -ENOSPC, "%s: no room in the PCI window",
                         device->ops->name);
    pci_function_add_bar(&t->function, BAR, VIRTIO_PCI_BAR_LEN, bar);
    device->interrupt = (struct virtio_interrupt){
        .queue = interrupt_queue,
        .config = interrupt_config,
        .owner = t,
    };
    int slot = pci_host_add(host, &t->function, err);
    return slot < 0 ? slot : 0;
}

void virtio_pci_destroy(struct virtio_pci *t)
{
    msix_destroy(&t->msix);
}
