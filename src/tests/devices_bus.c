// SPDX-License-Identifier: Apache-2.0
// The address bus, and the two devices that are hardly more than a claim on it:
// the absorber and the boot timer.
#include "src/base/platform.h"
#include "src/devices/absorb.h"
#include "src/devices/boot_timer.h"
#include "src/devices/bus.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static const struct access now = {.ns = 7, .vcpu = 1};

// Eight bytes of memory that counts its accesses.
struct cells {
    uint8_t bytes[8];
    unsigned reads, writes, last_width, settles;
};

static uint64_t cells_read(void *owner, const struct access *access,
                           uint64_t offset, unsigned width)
{
    cr_assert_eq(access, &now);
    struct cells *cells = owner;
    uint64_t value = UINT64_MAX; // more than asked: the bus cuts it

    cr_assert_leq(offset + width, sizeof(cells->bytes));
    memcpy(&value, cells->bytes + offset, width);
    cells->reads++;
    cells->last_width = width;
    return value;
}

static void cells_write(void *owner, const struct access *access,
                        uint64_t offset, unsigned width, uint64_t value)
{
    cr_assert_eq(access, &now);
    struct cells *cells = owner;

    cr_assert_leq(offset + width, sizeof(cells->bytes));
    if (width < 8)
        cr_assert_eq(value >> (8 * width), 0u);
    memcpy(cells->bytes + offset, &value, width);
    cells->writes++;
    cells->last_width = width;
}

static void cells_settle(void *owner, const struct access *access)
{
    struct cells *cells = owner;
    cr_assert_eq(access, &now);
    cells->settles++;
}

static struct device cells_device(struct cells *cells, uint64_t base,
                                  uint64_t len, unsigned widths)
{
    return (struct device){.base = base,
                           .len = len,
                           .widths = widths,
                           .name = "cells",
                           .owner = cells,
                           .read = cells_read,
                           .write = cells_write,
                           .settle = cells_settle};
}

static struct bus bus;
static struct error err;

static int add(struct cells *cells, uint64_t base, uint64_t len,
               unsigned widths)
{
    struct device device = cells_device(cells, base, len, widths);
    return bus_add(&bus, &device, &err);
}

static void setup(void)
{
    bus_init(&bus);
}

TestSuite(devices_bus, .init = setup);

Test(devices_bus, registration_refuses_overlap)
{
    static const struct {
        uint64_t base, len;
        int result;
    } cases[] = {
        {0x100, 8, 0},
        {0x100, 8, -EEXIST},
        {0x107, 1, -EEXIST},
        {0xff, 2, -EEXIST},
        {0xf0, 64, -EEXIST},
        {0x102, 2, -EEXIST},
        {0x108, 8, 0},
        {0xf8, 8, 0},
        {0xfa, 0x20, -EEXIST},
        {0x104, 8, -EEXIST},
        {0, 1, 0},
        {UINT64_MAX, 1, 0},
        {UINT64_MAX, 2, -EINVAL},
        {0x500, 0, -EINVAL},
        {1, UINT64_MAX, -EEXIST},
    };
    struct cells cells = {.bytes = {0}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_assert_eq(add(&cells, cases[i].base, cases[i].len, BUS_BYTE),
                     cases[i].result, "case %zu", i);
    cr_assert_eq(bus.count, 5u);
}

Test(devices_bus, refusals_say_what_is_wrong)
{
    struct cells cells = {.bytes = {0}};
    struct device device = cells_device(&cells, 0x3f8, 8, BUS_WORD);
    cr_assert_eq(bus_add(&bus, &device, &err), -EINVAL, "no byte access");
    device.widths = BUS_BYTE;
    device.write = NULL;
    cr_assert_eq(bus_add(&bus, &device, &err), -EINVAL);

    cr_assert_eq(add(&cells, 0x3f8, 8, BUS_BYTE), 0);
    cr_assert_eq(add(&cells, 0x3fc, 8, BUS_BYTE), -EEXIST);
    cr_assert_str_eq(err.text, "cells at 0x3fc overlaps cells at 0x3f8");
}

#define STEP UINT64_C(16)

Test(devices_bus, a_full_bus_refuses)
{
    struct cells cells = {.bytes = {0}};
    for (uint64_t i = 0; i < BUS_MAX_DEVICES; i++)
        cr_assert_eq(add(&cells, (BUS_MAX_DEVICES - i) * STEP, 8, BUS_BYTE), 0);
    cr_assert_eq(add(&cells, 0x10000, 8, BUS_BYTE), -ENOSPC);
    for (uint64_t address = 0; address < (BUS_MAX_DEVICES + 2) * STEP;
         address++) {
        const struct device *found = bus_find(&bus, address);

        if (address >= STEP && address % STEP < 8 &&
            address < (BUS_MAX_DEVICES + 1) * STEP)
            cr_assert_eq(found->base, address & ~(STEP - 1));
        else
            cr_assert_null(found);
    }
}

Test(devices_bus, unclaimed_is_all_ones)
{
    cr_assert_eq(bus_read(&bus, &now, 0x2f8, 1), 0xffu);
    cr_assert_eq(bus_read(&bus, &now, 0xcfc, 4), 0xffffffffu);
    cr_assert_eq(bus_read(&bus, &now, UINT64_MAX, 8), UINT64_MAX);
    bus_write(&bus, &now, UINT64_MAX, 8, 1);
}

Test(devices_bus, whole_accesses_of_each_width)
{
    struct cells cells = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8}};
    add(&cells, 0x100, 8, BUS_BYTE | BUS_WORD | BUS_DWORD | BUS_QWORD);
    cr_assert_eq(bus_read(&bus, &now, 0x103, 1), 4u);
    cr_assert_eq(bus_read(&bus, &now, 0x102, 2), 0x0403u);
    cr_assert_eq(bus_read(&bus, &now, 0x101, 4), 0x05040302u);
    cr_assert_eq(bus_read(&bus, &now, 0x100, 8), 0x0807060504030201u);
    cr_assert_eq(cells.reads, 4u);
    bus_write(&bus, &now, 0x104, 2, 0xaabbccdd);
    cr_assert_eq(cells.writes, 1u);
    cr_assert_eq(bus_read(&bus, &now, 0x100, 8), 0x0807ccdd04030201u);
}

Test(devices_bus, other_widths_are_split)
{
    struct cells cells = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8}};
    add(&cells, 0x100, 8, BUS_BYTE | BUS_DWORD);
    for (unsigned width = 1; width <= 8; width++) {
        uint64_t mask =
            width == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;

        cells.reads = cells.writes = 0;
        cr_assert_eq(bus_read(&bus, &now, 0x100, width),
                     0x0807060504030201u & mask);
        cr_assert_eq(cells.reads, width == 4 ? 1 : width);
        bus_write(&bus, &now, 0x100, width, 0x0807060504030201u);
        cr_assert_eq(cells.writes, width == 4 ? 1 : width);
        cr_assert_eq(cells.last_width, width == 4 ? 4 : 1);
    }
}

Test(devices_bus, over_the_end_is_nobodys)
{
    struct cells low = {.bytes = {0}}, high = {.bytes = {0}};
    add(&low, 0x100, 8, BUS_BYTE | BUS_DWORD);
    add(&high, 0x108, 8, BUS_BYTE | BUS_DWORD);
    cr_assert_eq(bus_read(&bus, &now, 0x106, 4), 0xffffffffu);
    bus_write(&bus, &now, 0x106, 4, 0);
    cr_assert_eq(bus_read(&bus, &now, 0xfe, 4), 0xffffffffu);
    bus_write(&bus, &now, 0x10e, 4, 0);
    cr_assert_eq(low.reads + low.writes + high.reads + high.writes, 0u);
}

Test(devices_bus, widths_that_cannot_be)
{
    struct cells cells = {.bytes = {1}};
    add(&cells, 0x100, 8, BUS_BYTE);
    cr_assert_eq(bus_read(&bus, &now, 0x100, 0), 0u);
    cr_assert_eq(bus_read(&bus, &now, 0x100, 9), UINT64_MAX);
    bus_write(&bus, &now, 0x100, 0, 1);
    bus_write(&bus, &now, 0x100, 64, 1);
    bus_read_string(&bus, &now, 0x100, 9, 1, NULL);
    bus_write_string(&bus, &now, 0x100, 9, 1, NULL);
    cr_assert_eq(cells.reads + cells.writes, 0u);
}

Test(devices_bus, strings)
{
    struct cells cells = {.bytes = {0x11, 0x22, 0x33, 0x44}};
    uint8_t guest[12];
    static const uint8_t ones[8] = {0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff};
    add(&cells, 0x100, 8, BUS_BYTE | BUS_DWORD);
    for (unsigned width = 1; width <= 4; width *= 2) {
        bus_read_string(&bus, &now, 0x100, width, 3, guest);
        for (unsigned i = 0; i < 3; i++)
            cr_assert_arr_eq(guest + (size_t)i * width, cells.bytes, width);
    }
    bus_write_string(&bus, &now, 0x104, 1, 3, "xyz");
    cr_assert_eq(cells.bytes[4], 'z', "the port stays, the last one wins");
    cr_assert_eq(cells.bytes[5], 0);

    bus_read_string(&bus, &now, 0x200, 4, 2, guest);
    cr_assert_arr_eq(guest, ones, 8);
    bus_write_string(&bus, &now, 0x200, 4, 2, guest);
    bus_read_string(&bus, &now, 0x100, 1, 0, NULL);
}

Test(devices_bus, absorber)
{
    struct device post = absorb_device(PLATFORM_POST_PORT, 1, "POST");
    cr_assert_eq(bus_add(&bus, &post, &err), 0);
    bus_write(&bus, &now, PLATFORM_POST_PORT, 1, 0x42);
    cr_assert_eq(bus_read(&bus, &now, PLATFORM_POST_PORT, 1), 0xffu);
}

static void remember(void *owner, const struct access *access, uint8_t value)
{
    cr_assert_eq(access, &now);
    unsigned *seen = owner;

    *seen = *seen * 1000 + value;
}

Test(devices_bus, boot_timer)
{
    unsigned seen = 0;
    struct boot_timer timer = {.owner = &seen, .reached = remember};
    struct device device = boot_timer_device(&timer, PLATFORM_BOOT_TIMER_PORT);
    cr_assert_eq(bus_add(&bus, &device, &err), 0);
    bus_write(&bus, &now, PLATFORM_BOOT_TIMER_PORT, 1,
              PLATFORM_BOOT_TIMER_VALUE);
    bus_write(&bus, &now, PLATFORM_BOOT_TIMER_PORT, 1, 7);
    bus_write(&bus, &now, PLATFORM_BOOT_TIMER_PORT, 2, 0x1234); // over its end
    cr_assert_eq(seen, 123007u);
    cr_assert_eq(bus_read(&bus, &now, PLATFORM_BOOT_TIMER_PORT, 1), 0xffu);
}

Test(devices_bus, one_boot_timer_at_two_addresses_of_memory)
{
    unsigned seen = 0;
    struct boot_timer timer = {.owner = &seen, .reached = remember};
    const uint64_t bases[] = {PLATFORM_BOOT_TIMER_GPA,
                              PLATFORM_BOOT_TIMER_OLD_GPA};
    for (size_t i = 0; i < 2; i++) {
        struct device device = boot_timer_device(&timer, bases[i]);
        cr_assert_eq(bus_add(&bus, &device, &err), 0);
    }
    bus_write(&bus, &now, bases[0], 1, PLATFORM_BOOT_TIMER_VALUE);
    bus_write(&bus, &now, bases[1], 1, 7);
    bus_write(&bus, &now, bases[0], 4,
              PLATFORM_BOOT_TIMER_VALUE); // over its end
    bus_write(&bus, &now, bases[1] + 1, 1, 8);
    cr_assert_eq(seen, 123007u);
    cr_assert_eq(bus_read(&bus, &now, bases[1], 1), 0xffu);
}

// However many accesses an exit makes, the device settles once after them; who
// has nothing to settle is not asked.
Test(devices_bus, an_exit_settles_once)
{
    struct cells cells = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8}};
    uint8_t bytes[3];
    bus_init(&bus);
    add(&cells, 0x100, 8, BUS_BYTE);
    bus_read(&bus, &now, 0x100, 4);
    cr_assert_eq(cells.settles, 1u);
    bus_write(&bus, &now, 0x100, 2, 0);
    cr_assert_eq(cells.settles, 2u);
    bus_read_string(&bus, &now, 0x102, 1, 3, bytes);
    cr_assert_eq(cells.settles, 3u);
    bus_write_string(&bus, &now, 0x102, 1, 3, bytes);
    cr_assert_eq(cells.settles, 4u);
    bus_read(&bus, &now, 0x200, 1);
    cr_assert_eq(cells.settles, 4u);

    struct device silent = cells_device(&cells, 0x300, 8, BUS_BYTE);
    silent.settle = NULL;
    cr_assert_eq(bus_add(&bus, &silent, &err), 0);
    bus_write(&bus, &now, 0x300, 1, 0);
    cr_assert_eq(cells.settles, 4u);
}

Test(devices_bus, a_device_is_taken_off)
{
    struct cells cells = {.reads = 0};
    struct bus own;
    struct device out;
    bus_init(&own);
    for (uint64_t base = 0x10; base < 0x40; base += 0x10) {
        const struct device device = {
            .base = base,
            .len = sizeof(cells.bytes),
            .widths = BUS_BYTE,
            .name = "cells",
            .owner = &cells,
            .read = cells_read,
            .write = cells_write,
        };
        cr_assert_eq(bus_add(&own, &device, NULL), 0);
    }
    cr_assert_not_null(bus_find(&own, 0x37));
    cr_assert_not(bus_remove(&own, 0x18, &out), "nobody's");
    cr_assert(bus_remove(&own, 0x23, &out));
    cr_assert_eq(out.base, 0x20);
    cr_assert_null(bus_find(&own, 0x23));
    cr_assert_eq(bus_find(&own, 0x17)->base, 0x10);
    cr_assert_eq(bus_find(&own, 0x30)->base, 0x30);
    cr_assert_eq(bus_add(&own, &out, NULL), 0);
}
