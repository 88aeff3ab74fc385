// SPDX-License-Identifier: Apache-2.0
// The machine's memory map, in the e820 types that the zero page, PVH and
// multiboot all use. Private to src/boot.
#pragma once

#include "src/boot/layout.h"

#define MEMMAP_RAM      1
#define MEMMAP_RESERVED 2

#define MEMMAP_MAX 8

// [from, to), in the order of addresses, never overlapping.
struct memmap {
    size_t count;
    struct memmap_entry {
        uint64_t from, to;
        uint32_t type;
    } entries[MEMMAP_MAX];
};

struct memmap memmap_make(struct ram ram);
