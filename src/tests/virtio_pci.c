// SPDX-License-Identifier: Apache-2.0
// virtio over PCI, from the registers: a driver finds the parts, sets the
// entropy device up and takes bytes from it, by message and by INTx.
#include "src/tests/virtio_driver.h"
#include "src/virtio/rng.h"
#include "src/virtio/transport_pci.h"

#include <criterion/criterion.h>
#include <string.h>

#define WINDOW UINT64_C(0xe0000000)

enum {
    FEATURE_SELECT = 0,
    FEATURE = 4,
    DRIVER_SELECT = 8,
    DRIVER_FEATURE = 12,
    CONFIG_VECTOR = 16,
    STATUS = 20,
    QUEUE_SELECT = 22,
    QUEUE_SIZE = 24,
    QUEUE_VECTOR = 26,
    QUEUE_ENABLE = 28,
    QUEUE_DESC = 32,
    QUEUE_DRIVER = 40,
    QUEUE_DEVICE = 48
};

static const struct access nobody = {0};

struct fixture {
    struct driver d;
    struct pci_host host;
    struct virtio_rng rng;
    struct virtio_pci pci;
    struct bus pio, mmio;
    unsigned messages;
    uint32_t data;
    bool level;
};

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
    struct fixture *f = owner;
    (void)address;
    f->messages++;
    f->data = data;
}

static void set_level(void *owner, unsigned gsi, bool level)
{
    struct fixture *f = owner;
    (void)gsi;
    f->level = level;
}

static bool fill(void *buf, size_t len)
{
    memset(buf, 0xa5, len);
    return true;
}

static void set_up(struct fixture *f)
{
    const struct device reset = {.read = no_read, .write = no_write};
    const struct irq_line intx = {.set_level = set_level, .owner = f};
    const struct msi_sink sink = {send, f};
    struct error err = {""};
    memset(f, 0, sizeof *f);
    driver_init(&f->d, 8, false);
    bus_init(&f->pio);
    bus_init(&f->mmio);
    pci_host_init(&f->host, &reset, WINDOW, 0x100000);
    virtio_rng_init(&f->rng, &f->d.memory);
    f->rng.fill = fill;
    cr_assert_eq(
        virtio_pci_init(&f->pci, &f->rng.device, &f->host, &intx, &sink, &err),
        0, "%s", err.text);
    struct device ports = pci_host_ports(&f->host, 0xcf8);
    struct device memory = pci_host_memory(&f->host);
    cr_assert_eq(bus_add(&f->pio, &ports, NULL), 0);
    cr_assert_eq(bus_add(&f->mmio, &memory, NULL), 0);
}

static void tear_down(struct fixture *f)
{
    virtio_rng_destroy(&f->rng);
    virtio_pci_destroy(&f->pci);
    pci_host_destroy(&f->host);
    driver_free(&f->d);
}

static uint32_t get(struct fixture *f, unsigned offset, unsigned width)
{
    bus_write(&f->pio, &nobody, 0xcf8, 4, 0x80000800 | (offset & ~3U));
    return (uint32_t)bus_read(&f->pio, &nobody, 0xcfc + (offset & 3), width);
}

static void put(struct fixture *f, unsigned offset, unsigned width,
                uint32_t value)
{
    bus_write(&f->pio, &nobody, 0xcf8, 4, 0x80000800 | (offset & ~3U));
    bus_write(&f->pio, &nobody, 0xcfc + (offset & 3), width, value);
}

static uint64_t common(struct fixture *f, unsigned offset, unsigned width)
{
    return bus_read(&f->mmio, &nobody, WINDOW + VIRTIO_PCI_COMMON + offset,
                    width);
}

static void set_common(struct fixture *f, unsigned offset, unsigned width,
                       uint64_t value)
{
    bus_write(&f->mmio, &nobody, WINDOW + VIRTIO_PCI_COMMON + offset, width,
              value);
}

static unsigned find_part(struct fixture *f, uint8_t type)
{
    unsigned at = get(f, PCI_CAPABILITIES, 1);
    while (at && !(get(f, at, 1) == 9 && get(f, at + 3, 1) == type))
        at = get(f, at + 1, 1);
    return at;
}

// As far as FEATURES_OK; whether the device agreed.
static bool negotiate(struct fixture *f, uint64_t features)
{
    put(f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
    set_common(f, STATUS, 1, 0);
    set_common(f, STATUS, 1, 3);
    for (unsigned i = 0; i < 2; i++) {
        set_common(f, DRIVER_SELECT, 4, i);
        set_common(f, DRIVER_FEATURE, 4, features >> (32 * i) & 0xffffffff);
    }
    set_common(f, STATUS, 1, 11);
    return common(f, STATUS, 1) & VIRTIO_FEATURES_OK;
}

static void enable_queue(struct fixture *f, uint64_t desc)
{
    set_common(f, QUEUE_SELECT, 2, 0);
    set_common(f, QUEUE_SIZE, 2, 8);
    set_common(f, QUEUE_DESC, 4, desc);
    set_common(f, QUEUE_DESC + 4, 4, 0);
    set_common(f, QUEUE_DRIVER, 4, DRIVER_AVAIL);
    set_common(f, QUEUE_DEVICE, 8, DRIVER_USED);
    set_common(f, QUEUE_ENABLE, 2, 1);
    set_common(f, STATUS, 1, 15);
}

static void ask(struct fixture *f, uint32_t len)
{
    driver_desc(&f->d, 0, DRIVER_BUFFERS, len, D_WRITE, 0);
    driver_offer(&f->d, 0);
    bus_write(&f->mmio, &nobody, WINDOW + VIRTIO_PCI_NOTIFY, 2, 0);
}

Test(virtio_pci, the_parts_are_named)
{
    struct fixture f;
    set_up(&f);
    cr_assert_eq(get(&f, 0, 4), 0x10441af4);
    cr_assert_eq(get(&f, PCI_REVISION, 1), 1);
    cr_assert_eq(get(&f, PCI_INTERRUPT_PIN, 1), 1);
    static const uint8_t types[] = {1, 2, 3, 5};
    static const uint32_t offsets[] = {VIRTIO_PCI_COMMON, VIRTIO_PCI_NOTIFY,
                                       VIRTIO_PCI_ISR, 0};
    for (size_t i = 0; i < 4; i++) {
        unsigned at = find_part(&f, types[i]);
        cr_assert_neq(at, 0, "type %u", types[i]);
        cr_assert_eq(get(&f, at + 8, 4), offsets[i]);
    }
    cr_assert_eq(find_part(&f, 4), 0, "it has no configuration");
    tear_down(&f);
}

Test(virtio_pci, bytes_come_with_a_message)
{
    struct fixture f;
    set_up(&f);
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    unsigned msix = f.pci.msix.capability;
    put(&f, msix + 2, 2, 0x8000);
    bus_write(&f.mmio, &nobody, WINDOW + VIRTIO_PCI_TABLE + 16, 8, 0xfee00000);
    bus_write(&f.mmio, &nobody, WINDOW + VIRTIO_PCI_TABLE + 24, 8, 0x41);
    set_common(&f, QUEUE_SELECT, 2, 0);
    set_common(&f, QUEUE_VECTOR, 2, 9);
    cr_assert_eq(common(&f, QUEUE_VECTOR, 2), 0xffff, "there is no such one");
    set_common(&f, QUEUE_VECTOR, 2, 1);
    cr_assert_eq(common(&f, QUEUE_VECTOR, 2), 1);
    enable_queue(&f, DRIVER_DESC);
    ask(&f, 64);
    uint32_t id, len;
    cr_assert_eq(driver_used_index(&f.d), 1);
    driver_used(&f.d, 0, &id, &len);
    cr_assert_eq(len, 64);
    const uint8_t *bytes = driver_at(&f.d, DRIVER_BUFFERS, 65);
    cr_assert(bytes[0] == 0xa5 && bytes[63] == 0xa5 && bytes[64] == 0);
    cr_assert_eq(f.messages, 1);
    cr_assert_eq(f.data, 0x41);
    cr_assert_not(f.level);
    // However much is asked for, an answer is short.
    ask(&f, 1 << 20);
    driver_used(&f.d, 1, &id, &len);
    cr_assert_eq(len, VIRTIO_RNG_MAX);
    // After a reset nothing is touched.
    set_common(&f, STATUS, 1, 0);
    cr_assert_eq(common(&f, STATUS, 1), 0);
    ask(&f, 64);
    cr_assert_eq(driver_used_index(&f.d), 2);
    tear_down(&f);
}

Test(virtio_pci, bytes_come_with_intx)
{
    struct fixture f;
    set_up(&f);
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    enable_queue(&f, DRIVER_DESC);
    ask(&f, 8);
    cr_assert(f.level);
    cr_assert(get(&f, PCI_STATUS, 2) & PCI_STATUS_INTX);
    put(&f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_NO_INTX);
    cr_assert_not(f.level);
    put(&f, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
    cr_assert(f.level);
    cr_assert_eq(bus_read(&f.mmio, &nobody, WINDOW + VIRTIO_PCI_ISR, 1), 1);
    cr_assert_not(f.level, "reading it acknowledges");
    cr_assert_eq(bus_read(&f.mmio, &nobody, WINDOW + VIRTIO_PCI_ISR, 1), 0);
    tear_down(&f);
}

Test(virtio_pci, features_that_can_not_be)
{
    struct fixture f;
    set_up(&f);
    cr_assert_not(negotiate(&f, 0), "a legacy driver");
    cr_assert_not(negotiate(&f, VIRTIO_F_VERSION_1 | 1));
    set_common(&f, STATUS, 1, 15);
    cr_assert_not(common(&f, STATUS, 1) & VIRTIO_DRIVER_OK);
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_INDEX));
    set_common(&f, DRIVER_FEATURE, 4, 0);
    cr_assert_eq(f.rng.device.features,
                 VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_INDEX, "they are settled");
    tear_down(&f);
}

Test(virtio_pci, a_bad_driver_must_reset)
{
    struct fixture f;
    set_up(&f);
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    enable_queue(&f, DRIVER_DESC);
    driver_desc(&f.d, 0, 0xfee00000, 64, D_WRITE, 0);
    driver_offer(&f.d, 0);
    bus_write(&f.mmio, &nobody, WINDOW + VIRTIO_PCI_NOTIFY, 2, 0);
    cr_assert(common(&f, STATUS, 1) & VIRTIO_NEEDS_RESET);
    cr_assert_eq(f.rng.device.refusals, 1);
    cr_assert_str_eq(f.rng.device.refusal, virtq_fault_text(VIRTQ_BAD_BUFFER));
    cr_assert(f.level, "a change of configuration");
    bus_write(&f.mmio, &nobody, WINDOW + VIRTIO_PCI_NOTIFY, 2, 0);
    cr_assert_eq(f.rng.device.refusals, 1);
    // A reset, and all is well; a ring that isn't in RAM is refused as well.
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    enable_queue(&f, UINT64_C(0xfffffff0));
    cr_assert(common(&f, STATUS, 1) & VIRTIO_NEEDS_RESET);
    cr_assert_eq(f.rng.device.refusals, 2);
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    driver_set_index(&f.d, 0);
    enable_queue(&f, DRIVER_DESC);
    ask(&f, 8);
    cr_assert_eq(driver_used_index(&f.d), 1);
    tear_down(&f);
}

// 4.1.4.9: the BAR through configuration space.
Test(virtio_pci, the_window_in_configuration_space)
{
    struct fixture f;
    set_up(&f);
    unsigned at = find_part(&f, 5);
    put(&f, at + 8, 4, VIRTIO_PCI_COMMON + STATUS);
    put(&f, at + 12, 4, 1);
    put(&f, at + 16, 4, 3);
    cr_assert_eq(f.rng.device.status, 3);
    cr_assert_eq(get(&f, at + 16, 1), 3);
    static const struct {
        uint32_t offset, length;
    } bad[] = {{VIRTIO_PCI_BAR_LEN, 1},
               {VIRTIO_PCI_BAR_LEN - 2, 4},
               {UINT32_MAX, 4},
               {STATUS, 0},
               {STATUS, 3},
               {1, 4}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put(&f, at + 8, 4, bad[i].offset);
        put(&f, at + 12, 4, bad[i].length);
        put(&f, at + 16, 4, 0);
        cr_assert_eq(f.rng.device.status, 3, "number %zu", i);
    }
    tear_down(&f);
}
