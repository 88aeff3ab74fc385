// SPDX-License-Identifier: Apache-2.0
// CMOS memory and real-time clock: registers and flags. The static functions
// run under the device's lock.
#include "src/devices/cmos.h"

#include "src/base/clock.h"

#define INDEX_BITS     0x7f
#define DATA_PORT      1
#define UPDATE_WARNING (244 * NS_PER_US)
#define DIVIDER_HZ     32768

static bool divider_reset(const struct cmos *cmos)
{
    return (cmos->ram[CMOS_A] & CMOS_A_DIVIDER_RESET) == CMOS_A_DIVIDER_RESET;
}

static bool standing(const struct cmos *cmos)
{
    return (cmos->ram[CMOS_B] & CMOS_B_SET) || divider_reset(cmos);
}

static uint64_t ticks_now(const struct cmos *cmos)
{
    return time_source_now(&cmos->utc) + cmos->phase_ns;
}

static int64_t seconds_at(const struct cmos *cmos, uint64_t ticks)
{
    return (int64_t)(ticks / NS_PER_S) + cmos->offset_s;
}

// ---- Flags -----------------------------------------------------------------

// Divider cycles (of 32768 a second) between two periodic flags, 0 for never.
// The two fastest rates of the table are those of 8 and 9 over again.
static uint64_t periodic_cycles(const struct cmos *cmos)
{
    unsigned rate = cmos->ram[CMOS_A] & CMOS_A_RATE;
    if (rate == 0 || divider_reset(cmos))
        return 0;
    return UINT64_C(1) << ((rate < 3 ? rate + 7 : rate) - 1);
}

static uint64_t cycles_at(uint64_t ticks)
{
    return ticks / NS_PER_S * DIVIDER_HZ +
           ticks % NS_PER_S * DIVIDER_HZ / NS_PER_S;
}

// Sets the flags of what happened since the last look.
static void catch_up(struct cmos *cmos)
{
    uint8_t *flags = &cmos->ram[CMOS_C];
    uint64_t now = ticks_now(cmos), before = cmos->seen;
    uint64_t updates = now / NS_PER_S - before / NS_PER_S;
    uint64_t period = periodic_cycles(cmos);
    cmos->seen = now;
    if (now <= before) // a host's clock may be set back
        return;
    if (period && cycles_at(now) / period != cycles_at(before) / period)
        *flags |= CMOS_C_PF;
    if (updates && !standing(cmos))
        *flags |= CMOS_C_UF;
}

// ---- Stopping and starting the clock ---------------------------------------

// The clock stands from here on: its registers become bytes in ram.
static void stop_clock(struct cmos *cmos)
{
    cmos_time_encode(cmos->ram, cmos->ram[CMOS_B],
                     seconds_at(cmos, ticks_now(cmos)));
}

// The clock runs from here on, from what ram says.
static void start_clock(struct cmos *cmos)
{
    int64_t seconds = cmos_time_decode(cmos->ram, cmos->ram[CMOS_B]);
    cmos->seen = ticks_now(cmos);
    cmos->offset_s = seconds - (int64_t)(cmos->seen / NS_PER_S);
}

// Out of reset, the divider takes half a second to the first update.
static void restart_divider(struct cmos *cmos)
{
    uint64_t fraction = time_source_now(&cmos->utc) % NS_PER_S;
    cmos->phase_ns = (NS_PER_S + NS_PER_S / 2 - fraction) % NS_PER_S;
    cmos->seen = ticks_now(cmos);
}

static void write_control(struct cmos *cmos, unsigned index, uint8_t value)
{
    bool stood = standing(cmos), held = divider_reset(cmos);
    catch_up(cmos);
    // Encoded before the write, in the format that held until now.
    if (!stood)
        stop_clock(cmos);
    cmos->ram[index] = value;
    bool stands = standing(cmos);
    if (held && !divider_reset(cmos))
        restart_divider(cmos);
    if (!stands && stood)
        start_clock(cmos);
}

// ---- Registers -------------------------------------------------------------

static void write_register(struct cmos *cmos, unsigned index, uint8_t value)
{
    bool runs = !standing(cmos);
    switch (index) {
    case CMOS_A:
        write_control(cmos, index, value & (uint8_t)~CMOS_A_UIP);
        return;
    case CMOS_B:
        write_control(cmos, index, value);
        return;
    case CMOS_C:
    case CMOS_D:
        return; // read-only
    default:
        break;
    }

    if (!cmos_is_time(index)) {
        cmos->ram[index] = value;
        return;
    }
    // A running clock takes a byte of its time as well, at once.
    if (runs)
        stop_clock(cmos);
    cmos->ram[index] = value;
    if (runs)
        start_clock(cmos);
}

static bool update_in_progress(const struct cmos *cmos)
{
    return !standing(cmos) &&
           ticks_now(cmos) % NS_PER_S >= NS_PER_S - UPDATE_WARNING;
}

static uint8_t read_register(struct cmos *cmos, unsigned index)
{
    if (cmos_is_time(index) && !standing(cmos))
        stop_clock(cmos); // only to have the bytes: ram is not the clock's
    uint8_t value = cmos->ram[index];
    if (index == CMOS_A && update_in_progress(cmos))
        value |= CMOS_A_UIP;
    if (index == CMOS_C) {
        catch_up(cmos);
        value = cmos->ram[CMOS_C];
        cmos->ram[CMOS_C] = 0;
    }
    return value;
}

static uint64_t cmos_read(void *owner, const struct access *access,
                          uint64_t offset, unsigned width)
{
    (void)access;
    (void)width;
    struct cmos *cmos = owner;
    uint8_t value = 0xff;
    pthread_mutex_lock(&cmos->lock);
    if (offset == DATA_PORT)
        value = read_register(cmos, cmos->index);
    pthread_mutex_unlock(&cmos->lock);
    return value;
}

static void cmos_write(void *owner, const struct access *access,
                       uint64_t offset, unsigned width, uint64_t value)
{
    (void)access;
    (void)width;
    struct cmos *cmos = owner;
    pthread_mutex_lock(&cmos->lock);
    if (offset == DATA_PORT)
        write_register(cmos, cmos->index, (uint8_t)value);
    else
        cmos->index = (uint8_t)(value & INDEX_BITS);
    pthread_mutex_unlock(&cmos->lock);
}

// ---- Public functions ------------------------------------------------------

void cmos_init(struct cmos *cmos, const struct time_source *utc)
{
    *cmos = (struct cmos){
        .utc = *utc,
        .ram =
            {[CMOS_A] = 0x26, [CMOS_B] = CMOS_B_24H, [CMOS_D] = CMOS_D_VALID},
    };
    cmos->seen = ticks_now(cmos);
    pthread_mutex_init(&cmos->lock, NULL);
}

void cmos_destroy(struct cmos *cmos)
{
    pthread_mutex_destroy(&cmos->lock);
}

struct device cmos_device(struct cmos *cmos, uint64_t base)
{
    return (struct device){
        .base = base,
        .len = 2,
        .widths = BUS_BYTE,
        .name = "CMOS and RTC",
        .owner = cmos,
        .read = cmos_read,
        .write = cmos_write,
    };
}
