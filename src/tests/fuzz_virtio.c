// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: a guest that makes any accesses to the PCI ports and to the
// BARs of an entropy device and a disk, with any bytes in its memory.
#include "src/virtio/blk.h"
#include "src/virtio/rng.h"
#include "src/virtio/transport_pci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY (UINT64_C(1) << 20)
#define WINDOW UINT64_C(0xe0000000)

static const struct access nobody = {0};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t no_read(void *owner, const struct access *access,
                        uint64_t offset, unsigned width)
{
    (void)owner, (void)access, (void)offset, (void)width;
    return 0;
}

static void no_write(void *owner, const struct access *access, uint64_t offset,
                     unsigned width, uint64_t value)
{
    (void)owner, (void)access, (void)offset, (void)width, (void)value;
}

static void send(void *owner, uint64_t address, uint32_t data)
{
    (void)owner, (void)address, (void)data;
}

struct machine {
    struct guest_memory memory;
    struct pci_host host;
    struct virtio_rng rng;
    struct virtio_blk blk;
    struct virtio_pci rng_pci, blk_pci;
    struct bus pio, mmio;
};

static void set_up(struct machine *m, int image)
{
    const struct device reset = {.read = no_read, .write = no_write};
    const struct irq_line intx = {0};
    const struct msi_sink sink = {.send = send};
    struct error err = {""};
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", image);
    const struct virtio_blk_setup disk = {.path = path};
    bus_init(&m->pio);
    bus_init(&m->mmio);
    pci_host_init(&m->host, &reset, WINDOW, 0x100000);
    virtio_rng_init(&m->rng, &m->memory);
    if (guest_memory_map(&m->memory, MEMORY, &err) ||
        virtio_blk_init(&m->blk, &disk, &m->memory, &err) ||
        virtio_pci_init(&m->rng_pci, &m->rng.device, &m->host, &intx, &sink,
                        &err) ||
        virtio_pci_init(&m->blk_pci, &m->blk.device, &m->host, &intx, &sink,
                        &err))
        abort();
    const struct device ports = pci_host_ports(&m->host, 0xcf8);
    const struct device memory = pci_host_memory(&m->host);
    if (bus_add(&m->pio, &ports, &err) || bus_add(&m->mmio, &memory, &err))
        abort();
}

// As a driver would begin: the devices answer, and are set up with a queue at
// the bottom of memory. What the input does comes on top.
static void begin(struct machine *m)
{
    for (unsigned slot = 1; slot <= 2; slot++) {
        uint64_t bar = WINDOW + (slot - 1) * VIRTIO_PCI_BAR_LEN;
        bus_write(&m->pio, &nobody, 0xcf8, 4, 0x80000004U | slot << 11);
        bus_write(&m->pio, &nobody, 0xcfc, 2, 6);
        bus_write(&m->mmio, &nobody, bar + 20, 1, 3);
        bus_write(&m->mmio, &nobody, bar + 8, 4, 1);
        bus_write(&m->mmio, &nobody, bar + 12, 4, 1);
        bus_write(&m->mmio, &nobody, bar + 8, 4, 0);
        bus_write(&m->mmio, &nobody, bar + 12, 4, VIRTIO_F_INDIRECT);
        bus_write(&m->mmio, &nobody, bar + 20, 1, 11);
        bus_write(&m->mmio, &nobody, bar + 24, 2, 8);
        bus_write(&m->mmio, &nobody, bar + 32, 8, 0x1000 * slot);
        bus_write(&m->mmio, &nobody, bar + 40, 8, 0x1000 * slot + 0x100);
        bus_write(&m->mmio, &nobody, bar + 48, 8, 0x1000 * slot + 0x200);
        bus_write(&m->mmio, &nobody, bar + 28, 2, 1);
        bus_write(&m->mmio, &nobody, bar + 20, 1, 15);
    }
}

// Eight bytes are a step: what, width, place, value.
static void step(struct machine *m, const uint8_t *d)
{
    static const unsigned widths[] = {1, 2, 4, 8};
    unsigned width = widths[d[0] >> 4 & 3];
    uint64_t place = d[1] | (uint64_t)d[2] << 8 | (uint64_t)d[3] << 16;
    uint32_t value;
    memcpy(&value, d + 4, 4);
    switch (d[0] & 7) {
    case 0:
        bus_write(&m->pio, &nobody, 0xcf8, 4, value);
        break;
    case 1:
        bus_write(&m->pio, &nobody, 0xcf8 + place % 8, width, value);
        break;
    case 2:
        (void)bus_read(&m->pio, &nobody, 0xcf8 + place % 8, width);
        break;
    case 3:
        bus_write(&m->mmio, &nobody, WINDOW + place % 0x10000, width, value);
        break;
    case 4:
        (void)bus_read(&m->mmio, &nobody, WINDOW + place % 0x10000, width);
        break;
    case 5: // a notification
        bus_write(&m->mmio, &nobody,
                  WINDOW + (place & 1) * VIRTIO_PCI_BAR_LEN + VIRTIO_PCI_NOTIFY,
                  2, 0);
        break;
    default:
        guest_memory_write(&m->memory, place % 0x4000, &value, 4);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct machine m;
    int image = memfd_create("disk", MFD_CLOEXEC);
    if (image < 0 || ftruncate(image, 65536))
        abort();
    set_up(&m, image);
    begin(&m);
    size_t rings = size < 0x800 ? size / 2 : 0x400;
    guest_memory_write(&m.memory, 0x1000, data, rings);
    guest_memory_write(&m.memory, 0x2000, data, rings);
    for (size_t at = rings; at + 8 <= size; at += 8)
        step(&m, data + at);
    virtio_blk_destroy(&m.blk);
    virtio_rng_destroy(&m.rng);
    virtio_pci_destroy(&m.rng_pci);
    virtio_pci_destroy(&m.blk_pci);
    pci_host_destroy(&m.host);
    guest_memory_unmap(&m.memory);
    close(image);
    return 0;
}
