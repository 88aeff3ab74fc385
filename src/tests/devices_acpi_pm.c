// SPDX-License-Identifier: Apache-2.0
// ACPI's fixed registers: power-off and reset in every way a guest has, the
// power button, the PM timer.
#include "src/base/clock.h"
#include "src/base/platform.h"
#include "src/devices/acpi_pm.h"

#include <criterion/criterion.h>
#include <string.h>

#define STATUS  PLATFORM_PM1A_EVT_PORT
#define ENABLE  (PLATFORM_PM1A_EVT_PORT + 2)
#define CONTROL PLATFORM_PM1A_CNT_PORT
#define TIMER   PLATFORM_PM_TIMER_PORT
#define SLEEP   PLATFORM_SLEEP_CONTROL_PORT
#define AWAKE   PLATFORM_SLEEP_STATUS_PORT
#define RESET   PLATFORM_RESET_PORT

static struct bus bus;
static const struct access guest;
static struct acpi_pm pm;
static uint64_t now;
static unsigned resets, poweroffs;
static bool sci;

static void check_unlocked(void)
{
    cr_assert_eq(pthread_mutex_trylock(&pm.lock), 0);
    pthread_mutex_unlock(&pm.lock);
}

static void on_reset(void *owner, const struct access *access, const char *how)
{
    (void)access;
    (void)owner;
    cr_assert(strstr(how, "0xcf9"));
    check_unlocked();
    resets++;
}

static void on_poweroff(void *owner, const struct access *access,
                        const char *how)
{
    (void)access;
    (void)owner;
    cr_assert(strstr(how, "S5"));
    check_unlocked();
    poweroffs++;
}

static void on_sci(void *owner, unsigned gsi, bool level)
{
    (void)owner;
    cr_assert_eq(gsi, (unsigned)PLATFORM_SCI_GSI);
    cr_assert_neq(level, sci);
    sci = level;
}

static uint64_t read_now(void *owner)
{
    return *(uint64_t *)owner;
}

static void setup(void)
{
    struct device devices[4];
    struct error err;
    now = 0;
    resets = poweroffs = 0;
    sci = false;
    acpi_pm_init(
        &pm,
        &(struct power_control){.reset = on_reset, .poweroff = on_poweroff},
        &(struct irq_line){.set_level = on_sci, .gsi = PLATFORM_SCI_GSI},
        &(struct time_source){.now_ns = read_now, .owner = &now});
    bus_init(&bus);
    devices[0] = acpi_pm1_device(&pm, PLATFORM_PM_PORT);
    devices[1] = acpi_pm_timer_device(&pm, TIMER);
    devices[2] = acpi_sleep_device(&pm, SLEEP);
    devices[3] = acpi_reset_device(&pm, RESET);
    for (size_t i = 0; i < 4; i++)
        cr_assert_eq(bus_add(&bus, &devices[i], &err), 0);
}

static void teardown(void)
{
    acpi_pm_destroy(&pm);
}

TestSuite(devices_acpi_pm, .init = setup, .fini = teardown);

static void outw(uint64_t port, unsigned value)
{
    bus_write(&bus, &guest, port, 2, value);
}

static unsigned inw(uint64_t port)
{
    return (unsigned)bus_read(&bus, &guest, port, 2);
}

static void outb(uint64_t port, unsigned value)
{
    bus_write(&bus, &guest, port, 1, value);
}

static unsigned inb(uint64_t port)
{
    return (unsigned)bus_read(&bus, &guest, port, 1);
}

// ---- Sleep -----------------------------------------------------------------

// As an OS does: the type first, then the type with the enable bit.
Test(devices_acpi_pm, s5_powers_off)
{
    unsigned type = PLATFORM_S5_SLP_TYP << ACPI_PM1_SLP_TYP_SHIFT;
    cr_assert_eq(inw(CONTROL), ACPI_PM1_SCI_EN, "in ACPI mode from the start");
    outw(CONTROL, ACPI_PM1_SCI_EN | type);
    cr_assert_eq(poweroffs, 0u);
    cr_assert_eq(inw(CONTROL), ACPI_PM1_SCI_EN | type);
    outw(CONTROL, ACPI_PM1_SCI_EN | type | ACPI_PM1_SLP_EN);
    cr_assert_eq(poweroffs, 1u);
    cr_assert_eq(inw(CONTROL) & ACPI_PM1_SLP_EN, 0u, "reads as zero");
}

Test(devices_acpi_pm, s5_by_a_byte_write)
{
    outb(CONTROL + 1, (PLATFORM_S5_SLP_TYP << 2) | 0x20);
    cr_assert_eq(poweroffs, 1u);
}

Test(devices_acpi_pm, other_sleep_types_wake_at_once)
{
    for (unsigned type = 0; type < 8; type++) {
        if (type == PLATFORM_S5_SLP_TYP)
            continue;
        outw(STATUS, 0xffff);
        outw(CONTROL, type << ACPI_PM1_SLP_TYP_SHIFT | ACPI_PM1_SLP_EN);
        cr_assert_eq(inw(STATUS), (unsigned)ACPI_PM1_WAK);
        outb(AWAKE, 0xff);
        outb(SLEEP, type << ACPI_SLEEP_TYP_SHIFT | ACPI_SLEEP_EN);
        cr_assert_eq(inb(AWAKE), (unsigned)ACPI_SLEEP_WAK);
    }
    cr_assert_eq(poweroffs, 0u);
}

Test(devices_acpi_pm, s5_hardware_reduced)
{
    outb(SLEEP, PLATFORM_S5_SLP_TYP << ACPI_SLEEP_TYP_SHIFT);
    cr_assert_eq(poweroffs, 0u);
    outb(SLEEP, PLATFORM_S5_SLP_TYP << ACPI_SLEEP_TYP_SHIFT | ACPI_SLEEP_EN);
    cr_assert_eq(poweroffs, 1u);
    cr_assert_eq(inb(SLEEP), PLATFORM_S5_SLP_TYP << ACPI_SLEEP_TYP_SHIFT);
}

// ---- Events ----------------------------------------------------------------

Test(devices_acpi_pm, power_button)
{
    cr_expect(!acpi_pm_power_button_is_on(&pm));
    acpi_pm_press_power_button(&pm);
    cr_assert_not(sci, "nobody asked");
    outw(ENABLE, ACPI_PM1_PWRBTN);
    cr_assert(sci, "enabling raises what is pending");
    outw(STATUS, ACPI_PM1_SLPBTN);
    cr_assert(sci, "another event's bit");
    outw(STATUS, ACPI_PM1_PWRBTN);
    cr_assert_not(sci);
    cr_assert_eq(inw(STATUS), 0u);
    acpi_pm_press_power_button(&pm);
    cr_assert(sci);
    outw(ENABLE, 0);
    cr_assert_not(sci);
}

Test(devices_acpi_pm, reserved_bits_read_as_zero)
{
    outw(ENABLE, 0xffff);
    cr_assert_eq(inw(ENABLE), 0x0721u);
    outw(CONTROL, 0xffff & ~(unsigned)ACPI_PM1_SLP_EN);
    cr_assert_eq(inw(CONTROL), 0x1c03u);
    outw(CONTROL, 0);
    cr_assert_eq(inw(CONTROL), (unsigned)ACPI_PM1_SCI_EN);
    cr_assert_eq(bus_read(&bus, &guest, STATUS, 4), 0x07210000u, "a dword");
}

// ---- PM timer --------------------------------------------------------------

Test(devices_acpi_pm, timer_rate)
{
    cr_assert_eq(bus_read(&bus, &guest, TIMER, 4), 0u);
    now = NS_PER_S;
    cr_assert_eq(bus_read(&bus, &guest, TIMER, 4), 3579545u);
    now = NS_PER_S / 2;
    cr_assert_eq(bus_read(&bus, &guest, TIMER, 4), 3579545u / 2);
    bus_write(&bus, &guest, TIMER, 4, 0);
    cr_assert_eq(bus_read(&bus, &guest, TIMER, 4), 3579545u / 2, "read-only");
    cr_assert_eq(bus_read(&bus, &guest, TIMER + 2, 2), 3579545u / 2 >> 16);
    // Years of host uptime: exact, and 32 bits of it.
    now = 300000000 * NS_PER_S + NS_PER_S / 2;
    cr_assert_eq(bus_read(&bus, &guest, TIMER, 4),
                 (UINT64_C(300000000) * 3579545 + 3579545 / 2) & UINT32_MAX);
}

Test(devices_acpi_pm, timer_status)
{
    outw(ENABLE, ACPI_PM1_TMR);
    now = 599 * NS_PER_S; // the top bit changes after 599.9 s
    cr_assert_eq(inw(STATUS), 0u);
    now = 600 * NS_PER_S;
    bus_read(&bus, &guest, TIMER, 4);
    cr_assert(sci);
    cr_assert_eq(inw(STATUS), (unsigned)ACPI_PM1_TMR);
    outw(STATUS, ACPI_PM1_TMR);
    cr_assert_not(sci);
    now = 1200 * NS_PER_S; // and back
    cr_assert_eq(inw(STATUS), (unsigned)ACPI_PM1_TMR);
}

// ---- Reset -----------------------------------------------------------------

Test(devices_acpi_pm, reset_register)
{
    outb(RESET, PLATFORM_RESET_VALUE); // the FADT's way
    cr_assert_eq(resets, 1u);
    outb(RESET, 0x00);
    outb(RESET, 0x02); // PCI's way: the kind first
    cr_assert_eq(resets, 1u);
    cr_assert_eq(inb(RESET), 0x02u);
    outb(RESET, 0x06);
    cr_assert_eq(resets, 2u);
    outb(RESET, 0x0e);
    cr_assert_eq(resets, 2u, "the bit has to rise");
    outb(RESET, 0x0a);
    outb(RESET, 0x0e);
    cr_assert_eq(resets, 3u);
}

Test(devices_acpi_pm, pci_configuration_does_not_reset)
{
    bus_write(&bus, &guest, PLATFORM_PCI_CONFIG_PORT, 4, 0x80000600);
    bus_write(&bus, &guest, PLATFORM_PCI_CONFIG_PORT, 2, 0x0600);
    cr_assert_eq(bus_read(&bus, &guest, PLATFORM_PCI_CONFIG_PORT, 4),
                 0xffffffffu);
    cr_assert_eq(resets, 0u);
}
