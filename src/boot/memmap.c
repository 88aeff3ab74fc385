// SPDX-License-Identifier: Apache-2.0
// See memmap.h.
#include "src/boot/memmap.h"

#include "src/base/platform.h"

#define PAGE UINT64_C(4096)

static void add(struct memmap *map, uint64_t from, uint64_t to, uint32_t type)
{
    map->entries[map->count++] = (struct memmap_entry){from, to, type};
}

struct memmap memmap_make(struct ram ram)
{
    struct memmap map = {.count = 0};
    add(&map, 0, PLATFORM_EBDA_GPA, MEMMAP_RAM);
    // MP floating pointer, then ACPI and MP tables. 0xa0000 to 0xe0000 is in
    // no entry: nothing is there.
    add(&map, PLATFORM_EBDA_GPA, PLATFORM_EBDA_GPA + PLATFORM_EBDA_LEN,
        MEMMAP_RESERVED);
    add(&map, PLATFORM_BIOS_GPA, PLATFORM_BIOS_GPA + PLATFORM_BIOS_LEN,
        MEMMAP_RESERVED);
    if (ram.low_end > PLATFORM_HIGH_GPA)
        add(&map, PLATFORM_HIGH_GPA, ram.low_end, MEMMAP_RAM);
    // KVM's own pages: no device may be put over them.
    add(&map, PLATFORM_KVM_IDENTITY_MAP_GPA, PLATFORM_KVM_TSS_GPA + 3 * PAGE,
        MEMMAP_RESERVED);
    if (ram.high_end)
        add(&map, GUEST_HIGH_RAM, ram.high_end, MEMMAP_RAM);
    return map;
}
