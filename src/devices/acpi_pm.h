// SPDX-License-Identifier: Apache-2.0
// The power registers that the ACPI tables name (ACPI 6.5 sections 4.8.3 and
// 4.8.4): PM1 events and control, PM timer, the hardware-reduced model's sleep
// registers, and the reset register (PCI reset control).
#pragma once

#include "src/devices/bus.h"
#include "src/devices/irq.h"
#include "src/devices/power.h"
#include "src/devices/time_source.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    ACPI_PM1_TMR = 0x0001, // status and enable bits
    ACPI_PM1_GBL = 0x0020,
    ACPI_PM1_PWRBTN = 0x0100,
    ACPI_PM1_SLPBTN = 0x0200,
    ACPI_PM1_RTC = 0x0400,
    ACPI_PM1_WAK = 0x8000, // status only

    ACPI_PM1_SCI_EN = 0x0001, // control bits
    ACPI_PM1_SLP_TYP_SHIFT = 10,
    ACPI_PM1_SLP_EN = 0x2000,

    ACPI_SLEEP_TYP_SHIFT = 2, // the hardware-reduced control register
    ACPI_SLEEP_EN = 0x20,
    ACPI_SLEEP_WAK = 0x80, // the hardware-reduced status register
};

// Owned by who wires it; any thread may access the devices or call the
// functions below, lock guards the fields after it.
struct acpi_pm {
    struct power_control power;
    struct irq_line sci;
    struct time_source clock;
    pthread_mutex_t lock;
    uint16_t pm1_status, pm1_enable, pm1_control;
    uint8_t sleep_control, sleep_status;
    uint8_t reset_control;
    bool timer_msb; // the PM timer's top bit when it was looked at last
    bool sci_level; // what the SCI was told last
};

// clock is any that never goes back; the PM timer shows it at 3.579545 MHz.
// sci is level-triggered, asserted while sci_level is true.
void acpi_pm_init(struct acpi_pm *pm, const struct power_control *power,
                  const struct irq_line *sci, const struct time_source *clock);
void acpi_pm_destroy(struct acpi_pm *pm);

// PM1a at base: status (2 bytes, a written 1 clears), enable (2), control (2).
// SCI_EN is always set: no SMI command port exists, ACPI mode is the only one.
// SLP_EN with SLP_TYP PLATFORM_S5_SLP_TYP powers off; with another type the
// guest is awake again at once (WAK_STS). TMR_STS is noticed when the block or
// the timer is accessed.
struct device acpi_pm1_device(struct acpi_pm *pm, uint64_t base);

// The PM timer: 32 bits, read-only, at base.
struct device acpi_pm_timer_device(struct acpi_pm *pm, uint64_t base);

// Sleep control at base, sleep status at base+1: the same, for tables that say
// hardware-reduced.
struct device acpi_sleep_device(struct acpi_pm *pm, uint64_t base);

// The reset control register: a write that raises bit 2 (RST_CPU) resets, hard
// (0x06), full (0x0e) or soft (0x04) alike. It claims its one byte only, so
// that PCI's configuration dword at 0xcf8 is not taken for it.
struct device acpi_reset_device(struct acpi_pm *pm, uint64_t base);

// The power button was pressed: sets PWRBTN_STS, raises the SCI if the guest
// enabled it. It asks the guest to power off; one that does not listen goes on.
void acpi_pm_press_power_button(struct acpi_pm *pm);

// Whether it listens: it has enabled the button's event.
bool acpi_pm_power_button_is_on(struct acpi_pm *pm);
