// SPDX-License-Identifier: Apache-2.0
// ACPI's fixed power registers. Power callbacks run after the unlock, so that
// their owner may look at the device.
#include "src/devices/acpi_pm.h"

#include "src/base/clock.h"
#include "src/base/platform.h"

#define PM1_EVENTS                                                             \
    (ACPI_PM1_TMR | ACPI_PM1_GBL | ACPI_PM1_PWRBTN | ACPI_PM1_SLPBTN |         \
     ACPI_PM1_RTC)
#define PM1_STATUS  (PM1_EVENTS | ACPI_PM1_WAK)
#define PM1_SLP_TYP (7 << ACPI_PM1_SLP_TYP_SHIFT)
#define PM1_BM_RLD  0x0002
#define PM1_CONTROL (PM1_SLP_TYP | PM1_BM_RLD)
#define SLEEP_TYP   (7 << ACPI_SLEEP_TYP_SHIFT)
#define RST_CPU     0x04
#define RESET_BITS  0x0e
#define TIMER_MSB   UINT32_C(0x80000000)

static uint32_t timer_value(const struct acpi_pm *pm)
{
    uint64_t ns = time_source_now(&pm->clock);
    // In two parts: nanoseconds times hertz exceed 64 bits in half an hour.
    return (uint32_t)(ns / NS_PER_S * PLATFORM_PM_TIMER_HZ +
                      ns % NS_PER_S * PLATFORM_PM_TIMER_HZ / NS_PER_S);
}

static void look_at_timer(struct acpi_pm *pm)
{
    bool msb = timer_value(pm) & TIMER_MSB;
    if (msb != pm->timer_msb)
        pm->pm1_status |= ACPI_PM1_TMR;
    pm->timer_msb = msb;
}

static void update_sci(struct acpi_pm *pm)
{
    bool level = pm->pm1_status & pm->pm1_enable & PM1_EVENTS;
    if (level == pm->sci_level)
        return;
    pm->sci_level = level;
    irq_line_set(&pm->sci, level);
}

static void power_off(struct acpi_pm *pm, const struct access *access,
                      const char *how)
{
    if (pm->power.poweroff)
        pm->power.poweroff(pm->power.owner, access, how);
}

// ---- PM1 -------------------------------------------------------------------

enum pm1_register { PM1A_STATUS, PM1A_ENABLE, PM1A_CONTROL, PM1_REGISTERS };

// The bus hands on single bytes; the registers are words.
static uint64_t pm1_read(void *owner, const struct access *access,
                         uint64_t offset, unsigned width)
{
    (void)access;
    (void)width;
    struct acpi_pm *pm = owner;
    unsigned shift = offset & 1 ? 8 : 0;
    uint16_t words[PM1_REGISTERS];
    pthread_mutex_lock(&pm->lock);
    look_at_timer(pm);
    update_sci(pm);
    words[PM1A_STATUS] = pm->pm1_status;
    words[PM1A_ENABLE] = pm->pm1_enable;
    words[PM1A_CONTROL] = pm->pm1_control | ACPI_PM1_SCI_EN;
    pthread_mutex_unlock(&pm->lock);
    return (words[offset / 2 % PM1_REGISTERS] >> shift) & 0xff;
}

// Replaces the byte of word that mask covers.
static uint16_t replace(uint16_t word, uint16_t mask, unsigned value)
{
    return (uint16_t)((word & ~mask) | (value & mask));
}

static void pm1_write(void *owner, const struct access *access, uint64_t offset,
                      unsigned width, uint64_t byte)
{
    (void)width;
    struct acpi_pm *pm = owner;
    unsigned shift = offset & 1 ? 8 : 0;
    uint16_t mask = (uint16_t)(0xff << shift);
    unsigned value = (unsigned)byte << shift;
    bool off = false;
    pthread_mutex_lock(&pm->lock);
    look_at_timer(pm);
    switch ((enum pm1_register)(offset / 2 % PM1_REGISTERS)) {
    case PM1A_STATUS:
        pm->pm1_status &= (uint16_t)~value;
        break;
    case PM1A_ENABLE:
        pm->pm1_enable = replace(pm->pm1_enable, mask, value) & PM1_EVENTS;
        break;
    case PM1A_CONTROL:
        pm->pm1_control = replace(pm->pm1_control, mask, value) & PM1_CONTROL;
        if (!(value & ACPI_PM1_SLP_EN))
            break;
        off = (pm->pm1_control & PM1_SLP_TYP) == PLATFORM_S5_SLP_TYP
                                                     << ACPI_PM1_SLP_TYP_SHIFT;
        if (!off)
            pm->pm1_status |= ACPI_PM1_WAK;
        break;
    case PM1_REGISTERS:
        break;
    }
    update_sci(pm);
    pthread_mutex_unlock(&pm->lock);

    if (off)
        power_off(pm, access, "ACPI S5");
}

// ---- PM timer --------------------------------------------------------------

static uint64_t timer_read(void *owner, const struct access *access,
                           uint64_t offset, unsigned width)
{
    (void)access;
    (void)width;
    struct acpi_pm *pm = owner;
    pthread_mutex_lock(&pm->lock);
    look_at_timer(pm);
    update_sci(pm);
    uint32_t value = timer_value(pm);
    pthread_mutex_unlock(&pm->lock);
    return value >> (8 * offset);
}

static void timer_write(void *owner, const struct access *access,
                        uint64_t offset, unsigned width, uint64_t value)
{
    (void)access;
    (void)owner;
    (void)offset;
    (void)width;
    (void)value;
}

// ---- Hardware-reduced sleep registers --------------------------------------

static uint64_t sleep_read(void *owner, const struct access *access,
                           uint64_t offset, unsigned width)
{
    (void)access;
    (void)width;
    struct acpi_pm *pm = owner;
    pthread_mutex_lock(&pm->lock);
    uint8_t value = offset == 0 ? pm->sleep_control : pm->sleep_status;
    pthread_mutex_unlock(&pm->lock);
    return value;
}

static void sleep_write(void *owner, const struct access *access,
                        uint64_t offset, unsigned width, uint64_t value)
{
    (void)width;
    struct acpi_pm *pm = owner;
    bool off = false;
    pthread_mutex_lock(&pm->lock);
    if (offset == 1) {
        pm->sleep_status &= (uint8_t)~value;
    } else {
        pm->sleep_control = (uint8_t)(value & SLEEP_TYP);
        off = (value & ACPI_SLEEP_EN) &&
              pm->sleep_control == PLATFORM_S5_SLP_TYP << ACPI_SLEEP_TYP_SHIFT;
        if ((value & ACPI_SLEEP_EN) && !off)
            pm->sleep_status |= ACPI_SLEEP_WAK;
    }
    pthread_mutex_unlock(&pm->lock);

    if (off)
        power_off(pm, access, "ACPI S5, sleep control register");
}

// ---- Reset -----------------------------------------------------------------

static uint64_t reset_read(void *owner, const struct access *access,
                           uint64_t offset, unsigned width)
{
    (void)access;
    (void)offset;
    (void)width;
    struct acpi_pm *pm = owner;
    pthread_mutex_lock(&pm->lock);
    uint8_t value = pm->reset_control;
    pthread_mutex_unlock(&pm->lock);
    return value;
}

static void reset_write(void *owner, const struct access *access,
                        uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    (void)width;
    struct acpi_pm *pm = owner;
    pthread_mutex_lock(&pm->lock);
    bool raised = value & ~(uint64_t)pm->reset_control & RST_CPU;
    pm->reset_control = (uint8_t)(value & RESET_BITS);
    pthread_mutex_unlock(&pm->lock);

    if (raised && pm->power.reset)
        pm->power.reset(pm->power.owner, access, "reset register 0xcf9");
}

// ---- Public functions ------------------------------------------------------

void acpi_pm_init(struct acpi_pm *pm, const struct power_control *power,
                  const struct irq_line *sci, const struct time_source *clock)
{
    *pm = (struct acpi_pm){.power = *power, .sci = *sci, .clock = *clock};
    pm->timer_msb = timer_value(pm) & TIMER_MSB;
    pthread_mutex_init(&pm->lock, NULL);
}

void acpi_pm_destroy(struct acpi_pm *pm)
{
    pthread_mutex_destroy(&pm->lock);
}

struct device acpi_pm1_device(struct acpi_pm *pm, uint64_t base)
{
    return (struct device){
        .base = base,
        .len = PLATFORM_PM1_EVT_LEN + PLATFORM_PM1_CNT_LEN,
        .widths = BUS_BYTE,
        .name = "ACPI PM1",
        .owner = pm,
        .read = pm1_read,
        .write = pm1_write,
    };
}

struct device acpi_pm_timer_device(struct acpi_pm *pm, uint64_t base)
{
    return (struct device){
        .base = base,
        .len = PLATFORM_PM_TIMER_LEN,
        .widths = BUS_BYTE | BUS_WORD | BUS_DWORD,
        .name = "ACPI PM timer",
        .owner = pm,
        .read = timer_read,
        .write = timer_write,
    };
}

struct device acpi_sleep_device(struct acpi_pm *pm, uint64_t base)
{
    return (struct device){
        .base = base,
        .len = 2,
        .widths = BUS_BYTE,
        .name = "ACPI sleep control",
        .owner = pm,
        .read = sleep_read,
        .write = sleep_write,
    };
}

struct device acpi_reset_device(struct acpi_pm *pm, uint64_t base)
{
    return (struct device){
        .base = base,
        .len = 1,
        .widths = BUS_BYTE,
        .name = "reset control",
        .owner = pm,
        .read = reset_read,
        .write = reset_write,
    };
}

void acpi_pm_press_power_button(struct acpi_pm *pm)
{
    pthread_mutex_lock(&pm->lock);
    pm->pm1_status |= ACPI_PM1_PWRBTN;
    update_sci(pm);
    pthread_mutex_unlock(&pm->lock);
}

bool acpi_pm_power_button_is_on(struct acpi_pm *pm)
{
    pthread_mutex_lock(&pm->lock);
    bool on = pm->pm1_enable & ACPI_PM1_PWRBTN;
    pthread_mutex_unlock(&pm->lock);
    return on;
}
