// SPDX-License-Identifier: Apache-2.0
// MSI-X. See msix.h.
#include "src/pci/msix.h"

#include <string.h>

#define CAPABILITY_ID  0x11
#define CAPABILITY_LEN 12
#define CONTROL        2 // offsets in the capability
#define TABLE          4
#define PENDING        8

#define CONTROL_ENABLE 0x8000
#define CONTROL_MASK   0x4000
#define VECTOR_MASKED  1U

bool msix_init(struct msix *msix, struct pci_function *f, unsigned count,
               unsigned bar, uint32_t table, uint32_t pba,
               const struct msi_sink *sink)
{
    uint8_t at = pci_function_add_capability(f, CAPABILITY_ID, CAPABILITY_LEN);
    *msix = (struct msix){.sink = *sink, .count = count, .capability = at};
    pthread_mutex_init(&msix->lock, NULL);
    if (!at)
        return false;
    pci_put(f, at + CONTROL, 2, count - 1);
    pci_put(f, at + TABLE, 4, table | bar);
    pci_put(f, at + PENDING, 4, pba | bar);
    f->writable[at + CONTROL + 1] = (CONTROL_ENABLE | CONTROL_MASK) >> 8;
    // 6.8.2.9: every vector is masked after a reset.
    for (unsigned i = 0; i < count; i++)
        msix->table[i].control = VECTOR_MASKED;
    return true;
}

void msix_destroy(struct msix *msix)
{
    pthread_mutex_destroy(&msix->lock);
}

static bool can_send(const struct msix *msix, unsigned vector)
{
    return msix->enabled && !msix->masked &&
           !(msix->table[vector].control & VECTOR_MASKED);
}

static void send(struct msix *msix, unsigned vector)
{
    const struct msix_entry *e = &msix->table[vector];
    msix->pending &= ~(UINT64_C(1) << vector);
    msix->sink.send(msix->sink.owner,
                    (uint64_t)e->address_high << 32 | e->address_low, e->data);
}

static void send_pending(struct msix *msix)
{
    for (unsigned i = 0; msix->pending && i < msix->count; i++)
        if (msix->pending >> i & 1 && can_send(msix, i))
            send(msix, i);
}

void msix_config_written(struct msix *msix, const struct pci_function *f)
{
    uint32_t control = pci_get(f, msix->capability + CONTROL, 2);
    pthread_mutex_lock(&msix->lock);
    msix->enabled = control & CONTROL_ENABLE;
    msix->masked = control & CONTROL_MASK;
    send_pending(msix);
    pthread_mutex_unlock(&msix->lock);
}

bool msix_enabled(struct msix *msix)
{
    pthread_mutex_lock(&msix->lock);
    bool enabled = msix->enabled;
    pthread_mutex_unlock(&msix->lock);
    return enabled;
}

void msix_raise(struct msix *msix, unsigned vector)
{
    pthread_mutex_lock(&msix->lock);
    if (msix->enabled && vector < msix->count) {
        if (can_send(msix, vector))
            send(msix, vector);
        else
            msix->pending |= UINT64_C(1) << vector;
    }
    pthread_mutex_unlock(&msix->lock);
}

bool msix_message(struct msix *msix, unsigned vector, uint64_t *address,
                  uint32_t *data)
{
    pthread_mutex_lock(&msix->lock);
    bool open = vector < msix->count && can_send(msix, vector);
    if (open) {
        const struct msix_entry *e = &msix->table[vector];
        *address = (uint64_t)e->address_high << 32 | e->address_low;
        *data = e->data;
    }
    pthread_mutex_unlock(&msix->lock);
    return open;
}

// An access to the table that 6.8.2 allows: aligned dwords and qwords.
static bool is_table_access(const struct msix *msix, uint64_t offset,
                            unsigned width)
{
    return (width == 4 || width == 8) && offset % width == 0 &&
           offset < (uint64_t)msix->count * MSIX_ENTRY_LEN;
}

uint64_t msix_table_read(struct msix *msix, uint64_t offset, unsigned width)
{
    uint64_t value = 0;
    if (!is_table_access(msix, offset, width))
        return 0;
    pthread_mutex_lock(&msix->lock);
    memcpy(&value, (const uint8_t *)msix->table + offset, width);
    pthread_mutex_unlock(&msix->lock);
    return value;
}

void msix_table_write(struct msix *msix, uint64_t offset, unsigned width,
                      uint64_t value)
{
    if (!is_table_access(msix, offset, width))
        return;
    pthread_mutex_lock(&msix->lock);
    memcpy((uint8_t *)msix->table + offset, &value, width);
    struct msix_entry *e = &msix->table[offset / MSIX_ENTRY_LEN];
    e->address_low &= ~3U;
    e->control &= VECTOR_MASKED; // the rest is reserved
    send_pending(msix);
    pthread_mutex_unlock(&msix->lock);
}

uint64_t msix_pending_read(struct msix *msix, uint64_t offset, unsigned width)
{
    if ((width != 4 && width != 8) || offset % width || offset >= MSIX_PBA_LEN)
        return 0;
    pthread_mutex_lock(&msix->lock);
    uint64_t value = msix->pending >> (8 * offset);
    pthread_mutex_unlock(&msix->lock);
    return value;
}
