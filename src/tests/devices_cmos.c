// SPDX-License-Identifier: Apache-2.0
// CMOS memory and the real-time clock, with a clock that the test moves.
#include "src/base/clock.h"
#include "src/base/platform.h"
#include "src/devices/cmos.h"

#include <criterion/criterion.h>

// 2024-02-29 (a Thursday) 23:59:58 UTC
#define LEAP_DAY INT64_C(1709251198)

static struct bus bus;
static const struct access guest;
static struct cmos cmos;
static uint64_t now;

static uint64_t read_now(void *owner)
{
    return *(uint64_t *)owner;
}

static void setup(void)
{
    struct error err;
    now = (uint64_t)LEAP_DAY * NS_PER_S;
    cmos_init(&cmos, &(struct time_source){.now_ns = read_now, .owner = &now});
    bus_init(&bus);
    struct device device = cmos_device(&cmos, PLATFORM_CMOS_PORT);
    cr_assert_eq(bus_add(&bus, &device, &err), 0);
}

static void teardown(void)
{
    cmos_destroy(&cmos);
}

TestSuite(devices_cmos, .init = setup, .fini = teardown);

static unsigned in(unsigned index)
{
    bus_write(&bus, &guest, PLATFORM_CMOS_PORT, 1, index);
    return (unsigned)bus_read(&bus, &guest, PLATFORM_CMOS_PORT + 1, 1);
}

static void out(unsigned index, unsigned value)
{
    bus_write(&bus, &guest, PLATFORM_CMOS_PORT, 1, index);
    bus_write(&bus, &guest, PLATFORM_CMOS_PORT + 1, 1, value);
}

static void check_time(unsigned century, unsigned year, unsigned month,
                       unsigned day, unsigned hour, unsigned minute,
                       unsigned second)
{
    cr_assert_eq(in(CMOS_CENTURY), century);
    cr_assert_eq(in(CMOS_YEAR), year);
    cr_assert_eq(in(CMOS_MONTH), month);
    cr_assert_eq(in(CMOS_DAY), day);
    cr_assert_eq(in(CMOS_HOURS), hour);
    cr_assert_eq(in(CMOS_MINUTES), minute);
    cr_assert_eq(in(CMOS_SECONDS), second);
}

// As Linux sets it: SET, divider reset, bytes, SET off, divider on.
static void set_time_as_linux(const uint8_t bcd[7])
{
    static const uint8_t registers[] = {CMOS_CENTURY, CMOS_YEAR,  CMOS_MONTH,
                                        CMOS_DAY,     CMOS_HOURS, CMOS_MINUTES,
                                        CMOS_SECONDS};
    unsigned b = in(CMOS_B), a = in(CMOS_A);
    out(CMOS_B, b | CMOS_B_SET);
    out(CMOS_A, a | 0x70);
    for (size_t i = 0; i < 7; i++)
        out(registers[i], bcd[i]);
    out(CMOS_B, b);
    out(CMOS_A, a);
}

// ---- Reading the time ------------------------------------------------------

Test(devices_cmos, bcd_as_firmware_leaves_it)
{
    check_time(0x20, 0x24, 0x02, 0x29, 0x23, 0x59, 0x58);
    cr_assert_eq(in(CMOS_WEEKDAY), 5u);
    now += 2 * NS_PER_S;
    check_time(0x20, 0x24, 0x03, 0x01, 0x00, 0x00, 0x00);
    cr_assert_eq(in(CMOS_WEEKDAY), 6u);
}

Test(devices_cmos, formats)
{
    static const struct {
        uint8_t b, at_23, at_0, at_12;
    } cases[] = {
        {CMOS_B_24H, 0x23, 0x00, 0x12},
        {CMOS_B_24H | CMOS_B_BINARY, 23, 0, 12},
        {0, 0x91, 0x12, 0x92},
        {CMOS_B_BINARY, 0x80 | 11, 12, 0x80 | 12},
    };
    uint64_t start = now;

    for (size_t i = 0; i < 4; i++) {
        now = start;
        out(CMOS_B, cases[i].b);
        cr_assert_eq(in(CMOS_HOURS), cases[i].at_23);
        now = start + 2 * NS_PER_S;
        cr_assert_eq(in(CMOS_HOURS), cases[i].at_0);
        now += UINT64_C(12) * 3600 * NS_PER_S;
        cr_assert_eq(in(CMOS_HOURS), cases[i].at_12);
    }
    cr_assert_eq(in(CMOS_YEAR), 24u, "binary");
}

Test(devices_cmos, update_in_progress_never_sticks)
{
    unsigned set = 0;
    for (unsigned us = 0; us < 2000000; us += 61) {
        now = (uint64_t)LEAP_DAY * NS_PER_S + us * NS_PER_US;
        if (in(CMOS_A)&CMOS_A_UIP) {
            cr_assert_geq(us % 1000000, 1000000u - 244u);
            set++;
        }
    }
    cr_assert_gt(set, 0u, "it warns");
    cr_assert_lt(set, 12u);
}

// Linux's way to read: wait for no UIP, read, look again.
Test(devices_cmos, linux_reads_at_once)
{
    unsigned accesses = 0, second;
    do {
        second = in(CMOS_SECONDS);
        accesses++;
    } while ((in(CMOS_A)&CMOS_A_UIP) || second != in(CMOS_SECONDS));
    cr_assert_eq(accesses, 1u);
    cr_assert_eq(in(CMOS_D), (unsigned)CMOS_D_VALID);
    cr_assert(in(CMOS_B)&CMOS_B_24H);
}

// ---- Setting the time ------------------------------------------------------

Test(devices_cmos, set_as_linux_does)
{
    static const uint8_t bcd[] = {0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59};
    now += 123 * NS_PER_MS;
    set_time_as_linux(bcd);
    check_time(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x59);
    now += NS_PER_S / 2 - 1;
    cr_assert_eq(in(CMOS_SECONDS), 0x59u);
    now += 1; // half a second after the divider's reset
    check_time(0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00);
    now += 3600 * NS_PER_S;
    cr_assert_eq(in(CMOS_HOURS), 0x01u);
}

Test(devices_cmos, stands_while_it_is_set)
{
    out(CMOS_B, CMOS_B_24H | CMOS_B_SET);
    now += 10 * NS_PER_S - 100 * NS_PER_US;
    check_time(0x20, 0x24, 0x02, 0x29, 0x23, 0x59, 0x58);
    cr_assert_eq(in(CMOS_A)&CMOS_A_UIP, 0u);
    out(CMOS_B, CMOS_B_24H);
    check_time(0x20, 0x24, 0x02, 0x29, 0x23, 0x59, 0x58);
}

Test(devices_cmos, a_byte_of_a_running_clock)
{
    out(CMOS_HOURS, 0x07);
    check_time(0x20, 0x24, 0x02, 0x29, 0x07, 0x59, 0x58);
    now += 2 * NS_PER_S;
    check_time(0x20, 0x24, 0x02, 0x29, 0x08, 0x00, 0x00);
}

Test(devices_cmos, nonsense_is_carried_over)
{
    static const uint8_t february_30[] = {0x20, 0x23, 0x02, 0x30,
                                          0x00, 0x00, 0x00};
    static const uint8_t ones[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t zeros[] = {0, 0, 0, 0, 0, 0, 0};
    set_time_as_linux(february_30);
    check_time(0x20, 0x23, 0x03, 0x02, 0x00, 0x00, 0x00);
    set_time_as_linux(ones);
    in(CMOS_YEAR);
    set_time_as_linux(zeros);
    in(CMOS_YEAR);
    set_time_as_linux(february_30);
    check_time(0x20, 0x23, 0x03, 0x02, 0x00, 0x00, 0x00);
}

Test(devices_cmos, every_day_survives_the_round_trip)
{
    uint8_t ram[CMOS_SIZE] = {0};
    for (unsigned b = 0; b < 8; b += 2)
        for (int64_t day = 0; day < INT64_C(366) * 130; day += 5) {
            int64_t seconds = day * 86400 + (day * 7919) % 86400;

            cmos_time_encode(ram, (uint8_t)b, seconds);
            cr_assert_eq(cmos_time_decode(ram, (uint8_t)b), seconds);
        }
}

// ---- Memory and registers --------------------------------------------------

Test(devices_cmos, nvram)
{
    for (unsigned i = 0x0e; i < CMOS_SIZE; i++)
        if (i != CMOS_CENTURY)
            out(i, i ^ 0x5a);
    for (unsigned i = 0x0e; i < CMOS_SIZE; i++)
        if (i != CMOS_CENTURY)
            cr_assert_eq(in(i | 0x80), i ^ 0x5a, "with the NMI mask");
    cr_assert_eq(bus_read(&bus, &guest, PLATFORM_CMOS_PORT, 1), 0xffu);
}

Test(devices_cmos, read_only_registers)
{
    out(CMOS_C, 0xff);
    out(CMOS_D, 0x00);
    out(CMOS_A, 0xa6);
    cr_assert_eq(in(CMOS_C), 0u);
    cr_assert_eq(in(CMOS_D), (unsigned)CMOS_D_VALID);
    cr_assert_eq(in(CMOS_A), 0x26u);
}

// ---- Flags -----------------------------------------------------------------

Test(devices_cmos, flags_for_a_guest_that_polls)
{
    out(CMOS_A, 0x20); // no periodic flag
    cr_assert_eq(in(CMOS_C), 0u);
    now += NS_PER_S;
    cr_assert_eq(in(CMOS_C), CMOS_C_UF);
    cr_assert_eq(in(CMOS_C), 0u, "ended by reading");
    out(CMOS_A, 0x2f); // twice a second
    now += 499 * NS_PER_MS;
    cr_assert_eq(in(CMOS_C), 0u);
    now += 2 * NS_PER_MS;
    cr_assert_eq(in(CMOS_C), CMOS_C_PF);
    now -= 10 * NS_PER_S; // the host's clock was set back
    cr_assert_eq(in(CMOS_C), 0u);
}

// The alarm's bytes and the interrupts' enables are kept for who reads them
// back; no flag says that an interrupt was made.
Test(devices_cmos, interrupts_are_none)
{
    static const unsigned alarm[] = {0x01, 0x03, 0x05};
    const unsigned enables = 0x70;
    for (size_t i = 0; i < sizeof alarm / sizeof *alarm; i++)
        out(alarm[i], 0xff); // each second
    out(CMOS_B, CMOS_B_24H | enables);
    cr_assert_eq(in(CMOS_B), CMOS_B_24H | enables);
    for (size_t i = 0; i < sizeof alarm / sizeof *alarm; i++)
        cr_assert_eq(in(alarm[i]), 0xffu);
    now += NS_PER_S;
    cr_assert_eq(in(CMOS_C), CMOS_C_UF | CMOS_C_PF);
}
