// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: a guest that makes any accesses to the PCI ports, to the
// BARs of an entropy device, a disk, a console and a balloon, and to the
// registers of another entropy device in memory, with any bytes in its memory.
#include "src/virtio/balloon.h"
#include "src/virtio/blk.h"
#include "src/virtio/console.h"
#include "src/virtio/rng.h"
#include "src/virtio/transport_mmio.h"
#include "src/virtio/transport_pci.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY (UINT64_C(1) << 20)
#define WINDOW UINT64_C(0xe0000000)
#define SLOTS  4
#define BARS   (SLOTS * (uint64_t)VIRTIO_PCI_BAR_LEN)
// Behind the BARs, so that a step reaches them as well.
#define REGISTERS (WINDOW + 0x100000)

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
    struct virtio_console con;
    struct virtio_balloon balloon;
    struct virtio_rng other;
    struct virtio_mmio registers;
    struct virtio_pci rng_pci, blk_pci, con_pci, balloon_pci;
    uint8_t typed; // what the console's peer has
    struct bus pio, mmio;
};

static void con_tx(void *owner, unsigned port, const uint8_t *bytes, size_t n,
                   uint64_t ns)
{
    (void)owner, (void)bytes, (void)ns;
    if (port >= VIRTIO_CONSOLE_PORTS || !n || n > VIRTIO_CONSOLE_PIECE)
        abort();
}

static bool con_is_full(void *owner)
{
    struct machine *m = owner;
    return m->typed & 1;
}

static size_t con_rx(void *owner, unsigned port, uint8_t *bytes, size_t max)
{
    struct machine *m = owner;
    if (port >= VIRTIO_CONSOLE_PORTS || max < 1 || max > 16)
        abort();
    if (!m->typed)
        return 0;
    bytes[0] = m->typed--;
    return 1;
}

static void set_up(struct machine *m, int image)
{
    static const char *const names[] = {"one", "two"};
    const struct virtio_console_peer peer = {m, con_tx, con_is_full, con_rx};
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
    virtio_rng_init(&m->other, &m->memory);
    virtio_console_init(&m->con, names, 2, &peer, &m->memory);
    virtio_balloon_init(&m->balloon, &m->memory);
    virtio_mmio_init(&m->registers, &m->other.device, &intx);
    if (guest_memory_map(&m->memory, MEMORY, &err) ||
        virtio_blk_init(&m->blk, &disk, &m->memory, &err) ||
        virtio_pci_init(&m->rng_pci, &m->rng.device, &m->host, &intx, &sink,
                        &err) ||
        virtio_pci_init(&m->blk_pci, &m->blk.device, &m->host, &intx, &sink,
                        &err) ||
        virtio_pci_init(&m->con_pci, &m->con.device, &m->host, &intx, &sink,
                        &err) ||
        virtio_pci_init(&m->balloon_pci, &m->balloon.device, &m->host, &intx,
                        &sink, &err))
        abort();
    const struct device registers =
        virtio_mmio_device(&m->registers, REGISTERS);
    const struct device ports = pci_host_ports(&m->host, 0xcf8);
    const struct device memory = pci_host_memory(&m->host);
    if (bus_add(&m->pio, &ports, &err) || bus_add(&m->mmio, &memory, &err) ||
        bus_add(&m->mmio, &registers, &err))
        abort();
}

static void begin_queue(struct machine *m, uint64_t bar, unsigned queue,
                        uint64_t at)
{
    bus_write(&m->mmio, &nobody, bar + 22, 2, queue);
    bus_write(&m->mmio, &nobody, bar + 24, 2, 8);
    bus_write(&m->mmio, &nobody, bar + 32, 8, at);
    bus_write(&m->mmio, &nobody, bar + 40, 8, at + 0x100);
    bus_write(&m->mmio, &nobody, bar + 48, 8, at + 0x200);
    bus_write(&m->mmio, &nobody, bar + 28, 2, 1);
}

// As a driver would begin: the devices answer, and are set up with queues at
// the bottom of memory. What the input does comes on top.
static void begin(struct machine *m)
{
    for (unsigned slot = 1; slot <= SLOTS; slot++) {
        uint64_t bar = WINDOW + (slot - UINT64_C(1)) * VIRTIO_PCI_BAR_LEN;
        bus_write(&m->pio, &nobody, 0xcf8, 4, 0x80000004U | slot << 11);
        bus_write(&m->pio, &nobody, 0xcfc, 2, 6);
        bus_write(&m->mmio, &nobody, bar + 20, 1, 3);
        bus_write(&m->mmio, &nobody, bar + 8, 4, 1);
        bus_write(&m->mmio, &nobody, bar + 12, 4, 1);
        bus_write(&m->mmio, &nobody, bar + 8, 4, 0);
        bus_write(&m->mmio, &nobody, bar + 12, 4, VIRTIO_F_INDIRECT);
        bus_write(&m->mmio, &nobody, bar + 20, 1, 11);
        for (unsigned q = 0; q < (slot > 2 ? 3U : 1U); q++)
            begin_queue(m, bar, q,
                        UINT64_C(0x1000) * slot + UINT64_C(0x400) * q);
        bus_write(&m->mmio, &nobody, bar + 20, 1, 15);
    }
}

// An address in the BARs or among the registers.
static uint64_t where(uint64_t place)
{
    return place & 0x800000 ? REGISTERS + place % VIRTIO_MMIO_LEN
                            : WINDOW + place % BARS;
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
        bus_write(&m->mmio, &nobody, where(place), width, value);
        break;
    case 4:
        (void)bus_read(&m->mmio, &nobody, where(place), width);
        break;
    case 5: // a notification
        bus_write(&m->mmio, &nobody,
                  WINDOW + place % SLOTS * VIRTIO_PCI_BAR_LEN +
                      VIRTIO_PCI_NOTIFY + UINT64_C(4) * (value % 4),
                  2, 0);
        break;
    case 6: // the console's peer
        m->typed = (uint8_t)value;
        virtio_console_input_ready(&m->con, (unsigned)place);
        (void)virtio_console_goes_on(&m->con);
        break;
    default:
        guest_memory_write(&m->memory, place % 0x5000, &value, 4);
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
    guest_memory_write(&m.memory, 0x3000, data, rings);
    guest_memory_write(&m.memory, 0x4000, data, rings);
    m.typed = 0;
    for (size_t at = rings; at + 8 <= size; at += 8)
        step(&m, data + at);
    virtio_blk_destroy(&m.blk);
    virtio_rng_destroy(&m.rng);
    virtio_pci_destroy(&m.rng_pci);
    virtio_pci_destroy(&m.blk_pci);
    virtio_console_destroy(&m.con);
    virtio_pci_destroy(&m.con_pci);
    virtio_balloon_destroy(&m.balloon);
    virtio_pci_destroy(&m.balloon_pci);
    virtio_rng_destroy(&m.other);
    pci_host_destroy(&m.host);
    guest_memory_unmap(&m.memory);
    close(image);
    return 0;
}
