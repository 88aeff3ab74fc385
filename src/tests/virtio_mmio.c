// SPDX-License-Identifier: Apache-2.0
// virtio behind registers in memory: a driver sets the entropy device up and
// takes bytes from it; accesses and drivers that are wrong.
#include "src/tests/virtio_driver.h"
#include "src/virtio/balloon.h"
#include "src/virtio/rng.h"
#include "src/virtio/transport_mmio.h"

#include <criterion/criterion.h>
#include <string.h>

#define BASE UINT64_C(0xd8000000)

enum {
    MAGIC = 0x00,
    VERSION = 0x04,
    ID = 0x08,
    FEATURES = 0x10,
    FEATURES_SELECT = 0x14,
    DRIVER = 0x20,
    DRIVER_SELECT = 0x24,
    QUEUE_SELECT = 0x30,
    QUEUE_MAX = 0x34,
    QUEUE_SIZE = 0x38,
    QUEUE_READY = 0x44,
    NOTIFY = 0x50,
    ISR = 0x60,
    ACK = 0x64,
    STATUS = 0x70,
    QUEUE_DESC = 0x80,
    QUEUE_DRIVER = 0x90,
    QUEUE_DEVICE = 0xa0,
    SHM_LEN = 0xb0,
    GENERATION = 0xfc,
    CONFIG = 0x100,
};

static const struct access nobody = {0};

struct fixture {
    struct driver d;
    struct virtio_rng rng;
    struct virtio_mmio t;
    struct bus mmio;
    bool level;
    unsigned changes;
};

static void set_level(void *owner, unsigned gsi, bool level)
{
    struct fixture *f = owner;
    (void)gsi;
    f->level = level;
    f->changes++;
}

static bool fill(void *buf, size_t len)
{
    memset(buf, 0xa5, len);
    return true;
}

static void set_up(struct fixture *f)
{
    const struct irq_line irq = {.set_level = set_level, .owner = f};
    memset(f, 0, sizeof *f);
    driver_init(&f->d, 8, false);
    bus_init(&f->mmio);
    virtio_rng_init(&f->rng, &f->d.memory);
    f->rng.fill = fill;
    virtio_mmio_init(&f->t, &f->rng.device, &irq);
    const struct device registers = virtio_mmio_device(&f->t, BASE);
    cr_assert_eq(bus_add(&f->mmio, &registers, NULL), 0);
}

static void tear_down(struct fixture *f)
{
    virtio_rng_destroy(&f->rng);
    driver_free(&f->d);
}

static uint32_t get(struct fixture *f, unsigned offset)
{
    return (uint32_t)bus_read(&f->mmio, &nobody, BASE + offset, 4);
}

static void put(struct fixture *f, unsigned offset, uint32_t value)
{
    bus_write(&f->mmio, &nobody, BASE + offset, 4, value);
}

static bool negotiate(struct fixture *f, uint64_t features)
{
    put(f, STATUS, 0);
    put(f, STATUS, 3);
    for (unsigned i = 0; i < 2; i++) {
        put(f, DRIVER_SELECT, i);
        put(f, DRIVER, (uint32_t)(features >> (32 * i)));
    }
    put(f, STATUS, 11);
    return get(f, STATUS) & VIRTIO_FEATURES_OK;
}

static void enable_queue(struct fixture *f, uint64_t desc)
{
    put(f, QUEUE_SELECT, 0);
    cr_assert_eq(get(f, QUEUE_MAX), VIRTQ_SIZE_MAX);
    cr_assert_eq(get(f, QUEUE_READY), 0U);
    put(f, QUEUE_SIZE, 8);
    put(f, QUEUE_DESC, (uint32_t)desc);
    put(f, QUEUE_DESC + 4, (uint32_t)(desc >> 32));
    put(f, QUEUE_DRIVER, DRIVER_AVAIL);
    put(f, QUEUE_DRIVER + 4, 0);
    put(f, QUEUE_DEVICE, DRIVER_USED);
    put(f, QUEUE_DEVICE + 4, 0);
    put(f, QUEUE_READY, 1);
    put(f, STATUS, 15);
}

static void ask(struct fixture *f, uint32_t len)
{
    driver_desc(&f->d, 0, DRIVER_BUFFERS, len, D_WRITE, 0);
    driver_offer(&f->d, 0);
    put(f, NOTIFY, 0);
}

Test(virtio_mmio, what_it_is)
{
    struct fixture f;
    set_up(&f);
    cr_assert_eq(get(&f, MAGIC), 0x74726976U);
    cr_assert_eq(get(&f, VERSION), 2U);
    cr_assert_eq(get(&f, ID), (uint32_t)VIRTIO_ID_RNG);
    put(&f, FEATURES_SELECT, 1);
    cr_assert_eq(get(&f, FEATURES),
                 (uint32_t)((VIRTIO_F_VERSION_1 | VIRTIO_F_PACKED) >> 32));
    put(&f, FEATURES_SELECT, 2);
    cr_assert_eq(get(&f, FEATURES), 0U);
    put(&f, QUEUE_SELECT, 1);
    cr_assert_eq(get(&f, QUEUE_MAX), 0U, "it has one queue");
    cr_assert_eq(get(&f, SHM_LEN), UINT32_MAX, "it has no shared memory");
    cr_assert_eq(get(&f, CONFIG), 0U, "nor a configuration");
    tear_down(&f);
}

Test(virtio_mmio, bytes_come_with_an_interrupt)
{
    struct fixture f;
    uint32_t id, len;
    set_up(&f);
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    enable_queue(&f, DRIVER_DESC);
    cr_assert_eq(get(&f, QUEUE_READY), 1U);
    ask(&f, 64);
    driver_used(&f.d, 0, &id, &len);
    cr_assert_eq(len, 64U);
    const uint8_t *bytes = driver_at(&f.d, DRIVER_BUFFERS, 64);
    cr_assert(bytes[0] == 0xa5 && bytes[63] == 0xa5);
    cr_assert(f.level);
    cr_assert_eq(get(&f, ISR), 1U);
    put(&f, ACK, 2);
    cr_assert(f.level, "that was another one");
    put(&f, ACK, 1);
    cr_assert_not(f.level);
    ask(&f, 64);
    ask(&f, 64);
    cr_assert_eq(f.changes, 3U, "a line that is up is not raised again");
    put(&f, STATUS, 0);
    cr_assert_not(f.level, "a reset takes the interrupt back");
    ask(&f, 64);
    cr_assert_eq(driver_used_index(&f.d), 3);
    tear_down(&f);
}

// Linux gives queues back so when a driver can't be set up.
Test(virtio_mmio, a_queue_that_is_taken_back)
{
    struct fixture f;
    set_up(&f);
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    enable_queue(&f, DRIVER_DESC);
    put(&f, QUEUE_READY, 0);
    cr_assert_eq(get(&f, QUEUE_READY), 0U);
    ask(&f, 64);
    cr_assert_eq(driver_used_index(&f.d), 0);
    tear_down(&f);
}

Test(virtio_mmio, a_bad_driver_must_reset)
{
    struct fixture f;
    set_up(&f);
    cr_assert_not(negotiate(&f, 0), "a legacy driver");
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    enable_queue(&f, DRIVER_DESC);
    driver_desc(&f.d, 0, 0xfee00000, 64, D_WRITE, 0);
    driver_offer(&f.d, 0);
    put(&f, NOTIFY, 0);
    cr_assert(get(&f, STATUS) & VIRTIO_NEEDS_RESET);
    cr_assert_eq(get(&f, ISR), 2U, "a change of configuration");
    cr_assert_str_eq(f.rng.device.refusal, virtq_fault_text(VIRTQ_BAD_BUFFER));
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    enable_queue(&f, UINT64_C(0xffffffff) << 32);
    cr_assert_str_eq(f.rng.device.refusal, virtq_fault_text(VIRTQ_BAD_RING));
    cr_assert(negotiate(&f, VIRTIO_F_VERSION_1));
    put(&f, QUEUE_SIZE, 0x10008);
    put(&f, QUEUE_READY, 1);
    cr_assert_str_eq(f.rng.device.refusal, virtq_fault_text(VIRTQ_BAD_SIZE));
    tear_down(&f);
}

// Anything else than an aligned dword is no register; what isn't there is not
// written.
Test(virtio_mmio, accesses_that_are_wrong)
{
    struct fixture f;
    set_up(&f);
    put(&f, STATUS, 3);
    bus_write(&f.mmio, &nobody, BASE + STATUS, 1, 0);
    bus_write(&f.mmio, &nobody, BASE + STATUS, 8, 0);
    bus_write(&f.mmio, &nobody, BASE + STATUS - 1, 4, 0);
    cr_assert_eq(get(&f, STATUS), 3U);
    cr_assert_eq(bus_read(&f.mmio, &nobody, BASE, 1), 0U);
    cr_assert_eq(bus_read(&f.mmio, &nobody, BASE + 2, 4), 0U);
    for (unsigned queue = 1; queue; queue <<= 1) {
        put(&f, QUEUE_SELECT, queue);
        put(&f, QUEUE_SIZE, 8);
        put(&f, QUEUE_DESC, 1);
        put(&f, QUEUE_READY, 1);
        put(&f, QUEUE_READY, 0);
        put(&f, NOTIFY, queue);
        cr_assert_eq(get(&f, QUEUE_READY), 0U);
    }
    for (unsigned offset = 0; offset < VIRTIO_MMIO_LEN + 8; offset++)
        for (unsigned width = 1; width <= 8; width++)
            (void)bus_read(&f.mmio, &nobody, BASE + offset, width);
    cr_assert_eq(f.rng.device.refusals, 0U);
    tear_down(&f);
}

Test(virtio_mmio, a_configuration)
{
    const struct irq_line none = {0};
    struct virtio_balloon balloon;
    struct fixture f;
    struct bus bus;
    set_up(&f);
    bus_init(&bus);
    virtio_balloon_init(&balloon, &f.d.memory);
    virtio_mmio_init(&f.t, &balloon.device, &none);
    const struct device registers = virtio_mmio_device(&f.t, BASE);
    cr_assert_eq(bus_add(&bus, &registers, NULL), 0);
    bus_write(&bus, &nobody, BASE + CONFIG + 4, 4, 0x01020304);
    cr_assert_eq(bus_read(&bus, &nobody, BASE + CONFIG + 4, 4), 0x01020304U);
    cr_assert_eq(bus_read(&bus, &nobody, BASE + CONFIG + 5, 1), 3U);
    cr_assert_eq(bus_read(&bus, &nobody, BASE + CONFIG + 16, 4), 0U);
    virtio_balloon_destroy(&balloon);
    tear_down(&f);
}
