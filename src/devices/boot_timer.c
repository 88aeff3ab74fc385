// SPDX-License-Identifier: Apache-2.0
// The boot timer: hands each byte to its owner.
#include "src/devices/boot_timer.h"

static uint64_t timer_read(void *owner, const struct access *access,
                           uint64_t offset, unsigned width)
{
    (void)access;
    (void)owner;
    (void)offset;
    (void)width;
    return 0xff;
}

static void timer_write(void *owner, const struct access *access,
                        uint64_t offset, unsigned width, uint64_t value)
{
    (void)offset;
    (void)width;
    const struct boot_timer *timer = owner;
    if (timer->reached)
        timer->reached(timer->owner, access, (uint8_t)value);
}

struct device boot_timer_device(struct boot_timer *timer, uint64_t base)
{
    return (struct device){
        .base = base,
        .len = 1,
        .widths = BUS_BYTE,
        .name = "boot timer",
        .owner = timer,
        .read = timer_read,
        .write = timer_write,
    };
}
