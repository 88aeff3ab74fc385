// SPDX-License-Identifier: Apache-2.0
// The keyboard controller: every way to reset, and a probe that ends at once.
#include "src/base/platform.h"
#include "src/devices/i8042.h"

#include <criterion/criterion.h>
#include <string.h>

#define DATA    PLATFORM_I8042_DATA_PORT
#define COMMAND PLATFORM_I8042_COMMAND_PORT
#define PORT_A  PLATFORM_PORT_A

static struct bus bus;
static const struct access now;
static struct i8042 kbc;
static unsigned resets;
static const char *how_last;

// The lock is free: an owner may look at the device from its callback.
static void on_reset(void *owner, const struct access *access, const char *how)
{
    (void)access;
    cr_assert_eq(owner, &resets);
    cr_assert_eq(pthread_mutex_trylock(&kbc.lock), 0);
    pthread_mutex_unlock(&kbc.lock);
    resets++;
    how_last = how;
}

static void setup(void)
{
    struct device devices[3];
    struct error err;
    resets = 0;
    i8042_init(&kbc,
               &(struct power_control){.owner = &resets, .reset = on_reset});
    bus_init(&bus);
    devices[0] = i8042_data_device(&kbc, DATA);
    devices[1] = i8042_command_device(&kbc, COMMAND);
    devices[2] = i8042_port_a_device(&kbc, PORT_A);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(bus_add(&bus, &devices[i], &err), 0);
}

static void teardown(void)
{
    i8042_destroy(&kbc);
}

TestSuite(devices_i8042, .init = setup, .fini = teardown);

static void out(uint64_t port, unsigned value)
{
    bus_write(&bus, &now, port, 1, value);
}

static unsigned in(uint64_t port)
{
    return (unsigned)bus_read(&bus, &now, port, 1);
}

static unsigned ask(unsigned command)
{
    out(COMMAND, command);
    return in(DATA);
}

// Linux empties the output buffer, and takes 16 bytes that don't end for the
// sign of an absent controller.
Test(devices_i8042, linux_finds_no_controller)
{
    unsigned reads = 0;
    while (in(COMMAND)&0x01 && reads <= 16) {
        in(DATA);
        reads++;
    }
    cr_assert_gt(reads, 16u);
}

// A guest that empties it until it is empty, however it came to look.
Test(devices_i8042, the_output_buffer_runs_dry)
{
    unsigned reads = 0;
    while ((in(COMMAND)&0x01) != 0 && reads < 1000) {
        in(DATA);
        reads++;
    }
    cr_assert_eq(reads, I8042_STALE);
    out(COMMAND, 0xaa);
    cr_assert((in(COMMAND)&0x01) != 0);
    cr_assert_eq(in(DATA), 0x55u);
    cr_assert_eq(in(COMMAND)&0x01, 0u);
    cr_assert_eq(in(DATA), 0xffu);
}

Test(devices_i8042, a_command_drops_what_waited)
{
    out(COMMAND, 0xad);
    cr_assert_eq(in(COMMAND)&0x01, 0u);
    out(COMMAND, 0x20);
    out(COMMAND, 0xd2);
    out(DATA, 0x1c);
    cr_assert_eq(in(DATA), 0x1cu, "as if the keyboard had sent it");
    cr_assert_eq(in(COMMAND)&0x01, 0u);
}

// Before the pulse command, Linux waits for an empty input buffer.
Test(devices_i8042, linux_resets_without_waiting)
{
    cr_assert_eq(in(COMMAND)&0x02, 0u);
    out(COMMAND, 0xfe);
    cr_assert_eq(resets, 1u);
    cr_assert(strstr(how_last, "keyboard controller"));
}

Test(devices_i8042, pulse_commands)
{
    for (unsigned command = 0xf0; command <= 0xff; command++) {
        resets = 0;
        out(COMMAND, command);
        cr_assert_eq(resets, command & 1 ? 0u : 1u, "command 0x%x", command);
    }
}

Test(devices_i8042, no_other_command_resets)
{
    for (unsigned command = 0; command < 0xf0; command++) {
        out(COMMAND, command);
        out(DATA, 0x01 | command);
    }
    for (unsigned value = 0; value < 256; value++)
        out(DATA, value);
    cr_assert_eq(resets, 0u);
}

Test(devices_i8042, output_port)
{
    cr_assert_eq(ask(0xd0), 0x03u);
    out(COMMAND, 0xd1);
    out(DATA, 0xdf);
    cr_assert_eq(resets, 0u);
    cr_assert_eq(ask(0xd0), 0xdfu);
    out(COMMAND, 0xd1);
    out(DATA, 0xde);
    cr_assert_eq(resets, 1u);
    out(DATA, 0xde);
    cr_assert_eq(resets, 1u, "one byte belongs to the command");
}

Test(devices_i8042, a_command_in_between_takes_its_place)
{
    out(COMMAND, 0xd1);
    out(COMMAND, 0x60);
    out(DATA, 0x30);
    cr_assert_eq(resets, 0u);
    cr_assert_eq(ask(0x20), 0x30u);
}

Test(devices_i8042, answers)
{
    cr_assert_eq(ask(0xaa), 0x55u);
    cr_assert_eq(ask(0xab), 0x01u);
    cr_assert_eq(ask(0xa9), 0x01u);
    cr_assert_eq(in(DATA), 0xffu, "an answer is read once");

    out(COMMAND, 0xae);
    out(COMMAND, 0xa8);
    cr_assert_eq(ask(0x20) & 0x30, 0u);
    out(COMMAND, 0xad);
    cr_assert_eq(ask(0x20) & 0x30, 0x10u);
    out(COMMAND, 0xa7);
    cr_assert_eq(ask(0x20) & 0x30, 0x30u);
}

Test(devices_i8042, port_a)
{
    cr_assert_eq(in(PORT_A), 0x02u, "A20 is on");
    out(PORT_A, 0x00);
    cr_assert_eq(in(PORT_A), 0x00u);
    cr_assert_eq(ask(0xd0) & 0x02, 0u, "the same line");
    out(PORT_A, 0x02);
    cr_assert_eq(resets, 0u);
    out(PORT_A, 0x03);
    cr_assert_eq(resets, 1u);
    cr_assert(strstr(how_last, "0x92"));
    cr_assert_eq(in(PORT_A), 0x02u, "the reset bit does not stay");
}

Test(devices_i8042, an_owner_without_callbacks)
{
    kbc.power = (struct power_control){0};
    out(COMMAND, 0xfe);
    out(PORT_A, 0x01);
    cr_assert_eq(resets, 0u);
}
