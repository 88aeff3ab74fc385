// SPDX-License-Identifier: Apache-2.0
// The header that makes a file a multiboot kernel (Multiboot Specification
// 0.6.96, section 3.1). Private to src/boot.
#pragma once

#include "src/boot/kernel.h"

struct multiboot_header {
    uint64_t offset; // in the file
    uint32_t flags;
    // When multiboot_has_addresses: where a file that is no ELF file, or
    // doesn't want to be taken as one, is loaded.
    uint32_t header_addr, load_addr, load_end_addr, bss_end_addr, entry_addr;
};

// Looks through the file's first 8 KiB. False when there is none.
bool multiboot_find(const struct image *image, struct multiboot_header *out);

bool multiboot_has_addresses(const struct multiboot_header *header);

// Whether there is a header of Multiboot 2 in the first 32 KiB. Only to name
// what can't be booted.
bool multiboot2_is_there(const struct image *image);

// What the header asks for and is not here becomes a note.
void multiboot_note_wishes(const struct image *image,
                           const struct multiboot_header *header,
                           struct kernel_plan *plan);

// Plans a kernel by the header's addresses; -EINVAL with a sentence when they
// contradict each other or the file.
int multiboot_plan(const struct image *image, struct kernel_plan *plan,
                   struct error *err);

// The same, for a header that was found; adds the segment and the entry.
int multiboot_plan_addresses(const struct image *image,
                             const struct multiboot_header *header,
                             struct kernel_plan *plan, struct error *err);

// What all plans for a multiboot entry have in common.
void multiboot_plan_limits(const struct image *image, struct kernel_plan *plan);
