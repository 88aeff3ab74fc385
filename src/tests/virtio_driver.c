// SPDX-License-Identifier: Apache-2.0
// See virtio_driver.h.
#include "src/tests/virtio_driver.h"

#include <criterion/criterion.h>
#include <string.h>

void driver_init(struct driver *d, uint16_t size, bool packed)
{
    *d = (struct driver){
        .setup = {.size = size,
                  .descriptors = DRIVER_DESC,
                  .driver = DRIVER_AVAIL,
                  .device = DRIVER_USED,
                  .packed = packed},
        .wrap = true,
    };
    struct error err = {""};
    cr_assert_eq(guest_memory_map(&d->memory, DRIVER_MEMORY, &err), 0, "%s",
                 err.text);
}

void driver_free(struct driver *d)
{
    guest_memory_unmap(&d->memory);
}

void *driver_at(const struct driver *d, uint64_t gpa, uint64_t len)
{
    void *at = guest_memory_at(&d->memory, gpa, len);
    cr_assert_not_null(at);
    return at;
}

static void put(const struct driver *d, uint64_t gpa, uint64_t value,
                unsigned len)
{
    memcpy(driver_at(d, gpa, len), &value, len);
}

static uint64_t get(const struct driver *d, uint64_t gpa, unsigned len)
{
    uint64_t value = 0;
    memcpy(&value, driver_at(d, gpa, len), len);
    return value;
}

void driver_desc(struct driver *d, unsigned i, uint64_t gpa, uint32_t len,
                 uint16_t flags, uint16_t next)
{
    uint64_t at = d->setup.descriptors + 16 * (uint64_t)i;
    put(d, at, gpa, 8);
    put(d, at + 8, len, 4);
    put(d, at + 12, flags, 2);
    put(d, at + 14, next, 2);
}

void driver_set_index(struct driver *d, uint16_t index)
{
    d->next_avail = index;
    put(d, d->setup.driver + 2, index, 2);
}

uint16_t driver_index(const struct driver *d)
{
    return d->next_avail;
}

void driver_offer(struct driver *d, uint16_t head)
{
    unsigned slot = d->next_avail % d->setup.size;
    put(d, d->setup.driver + 4 + 2 * (uint64_t)slot, head, 2);
    driver_set_index(d, (uint16_t)(d->next_avail + 1));
}

void driver_set_used_event(struct driver *d, uint16_t index)
{
    put(d, d->setup.driver + 4 + 2 * (uint64_t)d->setup.size, index, 2);
}

uint16_t driver_used_index(const struct driver *d)
{
    return (uint16_t)get(d, d->setup.device + 2, 2);
}

void driver_used(const struct driver *d, unsigned slot, uint32_t *id,
                 uint32_t *len)
{
    uint64_t at = d->setup.device + 4 + 8 * (uint64_t)slot;
    *id = (uint32_t)get(d, at, 4);
    *len = (uint32_t)get(d, at + 4, 4);
}

void driver_put(struct driver *d, uint64_t gpa, uint32_t len, uint16_t id,
                uint16_t flags)
{
    uint64_t at = d->setup.descriptors + 16 * (uint64_t)d->next_avail;
    flags |= d->wrap ? D_AVAIL : D_USED;
    put(d, at, gpa, 8);
    put(d, at + 8, len, 4);
    put(d, at + 12, id, 2);
    put(d, at + 14, flags, 2);
    if (++d->next_avail == d->setup.size) {
        d->next_avail = 0;
        d->wrap = !d->wrap;
    }
}
