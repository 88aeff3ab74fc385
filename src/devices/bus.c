// SPDX-License-Identifier: Apache-2.0
// The address bus: registration, look-up, and what becomes of odd accesses.
#include "src/devices/bus.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MAX_WIDTH 8

void bus_init(struct bus *bus)
{
    *bus = (struct bus){0};
}

// Index of the first device whose base lies above address.
static size_t upper_bound(const struct bus *bus, uint64_t address)
{
    size_t low = 0, high = bus->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (bus->devices[mid].base <= address)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int check_device(const struct device *device, struct error *err)
{
    const char *name = device->name ? device->name : "device";
    if (device->len == 0 || device->base > UINT64_MAX - (device->len - 1))
        return error_set(err, -EINVAL,
                         "%s: no address range of %" PRIu64
                         " bytes at 0x%" PRIx64,
                         name, device->len, device->base);
    if (!device->read || !device->write || !(device->widths & BUS_BYTE))
        return error_set(err, -EINVAL, "%s: a device must read and write bytes",
                         name);
    return 0;
}

int bus_add(struct bus *bus, const struct device *device, struct error *err)
{
    int code = check_device(device, err);
    if (code < 0)
        return code;
    uint64_t end = device->base + (device->len - 1); // inclusive
    size_t at = upper_bound(bus, device->base);
    const struct device *before = at > 0 ? &bus->devices[at - 1] : NULL;
    const struct device *after = at < bus->count ? &bus->devices[at] : NULL;
    const struct device *other = NULL;
    if (before && device->base - before->base < before->len)
        other = before;
    else if (after && after->base <= end)
        other = after;
    if (other)
        return error_set(err, -EEXIST,
                         "%s at 0x%" PRIx64 " overlaps %s at 0x%" PRIx64,
                         device->name ? device->name : "device", device->base,
                         other->name ? other->name : "device", other->base);
    if (bus->count == BUS_MAX_DEVICES)
        return error_set(err, -ENOSPC, "no room for more than %d devices",
                         BUS_MAX_DEVICES);

    memmove(&bus->devices[at + 1], &bus->devices[at],
            (bus->count - at) * sizeof bus->devices[0]);
    bus->devices[at] = *device;
    bus->count++;
    return 0;
}

static bool claims(const struct device *device, uint64_t address)
{
    return address >= device->base && address - device->base < device->len;
}

const struct device *bus_find(struct bus *bus, uint64_t address)
{
    size_t at = __atomic_load_n(&bus->last, __ATOMIC_RELAXED);
    if (at < bus->count && claims(&bus->devices[at], address))
        return &bus->devices[at];

    at = upper_bound(bus, address);
    if (at == 0 || !claims(&bus->devices[at - 1], address))
        return NULL;
    __atomic_store_n(&bus->last, at - 1, __ATOMIC_RELAXED);
    return &bus->devices[at - 1];
}

bool bus_remove(struct bus *bus, uint64_t address, struct device *out)
{
    const struct device *device = bus_find(bus, address);
    if (!device)
        return false;
    size_t at = (size_t)(device - bus->devices);
    *out = *device;
    bus->count--;
    memmove(&bus->devices[at], &bus->devices[at + 1],
            (bus->count - at) * sizeof(bus->devices[0]));
    bus->last = 0;
    return true;
}

// The device that holds all of the access, or NULL.
static const struct device *target(struct bus *bus, uint64_t address,
                                   unsigned width)
{
    if (width < 1 || width > MAX_WIDTH)
        return NULL;
    const struct device *device = bus_find(bus, address);
    if (!device || device->len - (address - device->base) < width)
        return NULL;
    return device;
}

static uint64_t width_mask(unsigned width)
{
    return width >= MAX_WIDTH ? UINT64_MAX : (UINT64_C(1) << (8 * width)) - 1;
}

// A width's value is its bit in widths; 3, 5, 6 and 7 are nobody's.
static bool takes(const struct device *device, unsigned width)
{
    return (width & (width - 1)) == 0 && (device->widths & width);
}

static uint64_t device_read(const struct device *device,
                            const struct access *access, uint64_t offset,
                            unsigned width)
{
    uint64_t value = 0;
    if (takes(device, width))
        return device->read(device->owner, access, offset, width) &
               width_mask(width);
    for (unsigned i = 0; i < width; i++) {
        uint64_t byte = device->read(device->owner, access, offset + i, 1);
        value |= (byte & 0xff) << (8 * i);
    }
    return value;
}

static void device_write(const struct device *device,
                         const struct access *access, uint64_t offset,
                         unsigned width, uint64_t value)
{
    if (takes(device, width)) {
        device->write(device->owner, access, offset, width,
                      value & width_mask(width));
        return;
    }
    for (unsigned i = 0; i < width; i++)
        device->write(device->owner, access, offset + i, 1,
                      (value >> (8 * i)) & 0xff);
}

static void settle(const struct device *device, const struct access *access)
{
    if (device && device->settle)
        device->settle(device->owner, access);
}

uint64_t bus_read(struct bus *bus, const struct access *access,
                  uint64_t address, unsigned width)
{
    uint64_t value = UINT64_MAX;
    bus_read_string(bus, access, address, width, 1, &value);
    return value & width_mask(width);
}

void bus_write(struct bus *bus, const struct access *access, uint64_t address,
               unsigned width, uint64_t value)
{
    bus_write_string(bus, access, address, width, 1, &value);
}

// x86 is little-endian, and so is every host that runs its guests in KVM.
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "values are copied as they lie in memory");

void bus_read_string(struct bus *bus, const struct access *access,
                     uint64_t address, unsigned width, size_t count, void *data)
{
    if (width > MAX_WIDTH)
        return;
    const struct device *device = target(bus, address, width);
    uint8_t *to = data;
    for (size_t i = 0; i < count; i++, to += width) {
        uint64_t value = UINT64_MAX;
        if (device)
            value = device_read(device, access, address - device->base, width);
        memcpy(to, &value, width);
    }
    settle(device, access);
}

void bus_write_string(struct bus *bus, const struct access *access,
                      uint64_t address, unsigned width, size_t count,
                      const void *data)
{
    const struct device *device = target(bus, address, width);
    const uint8_t *from = data;
    if (!device)
        return;
    for (size_t i = 0; i < count; i++, from += width) {
        uint64_t value = 0;
        memcpy(&value, from, width);
        device_write(device, access, address - device->base, width, value);
    }
    settle(device, access);
}
