// SPDX-License-Identifier: Apache-2.0
// A device that does nothing, on purpose.
#include "src/devices/absorb.h"

static uint64_t absorb_read(void *owner, const struct access *access,
                            uint64_t offset, unsigned width)
{
    (void)access;
    (void)owner;
    (void)offset;
    (void)width;
    return UINT64_MAX;
}

static void absorb_write(void *owner, const struct access *access,
                         uint64_t offset, unsigned width, uint64_t value)
{
    (void)access;
    (void)owner;
    (void)offset;
    (void)width;
    (void)value;
}

struct device absorb_device(uint64_t base, uint64_t len, const char *name)
{
    return (struct device){
        .base = base,
        .len = len,
        .widths = BUS_BYTE | BUS_WORD | BUS_DWORD | BUS_QWORD,
        .name = name,
        .read = absorb_read,
        .write = absorb_write,
    };
}
