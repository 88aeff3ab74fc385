// SPDX-License-Identifier: Apache-2.0
// What a kernel image asks for, in one form for all formats: which bytes of
// the file go where, where it starts, what it takes. Made from headers alone;
// loading is then the same for all. Private to src/boot.
#pragma once

#include "src/boot/image.h"

#include <stdbool.h>

#define KERNEL_SEGMENTS_MAX 128

// The zero page keeps the setup header from 0x1f1 up to, at most, this offset.
#define SETUP_HEADER_OFFSET 0x1f1
#define SETUP_HEADER_END    0x290

struct kernel_segment {
    uint64_t offset;    // in the file
    uint64_t file_size; // bytes to load, may be 0
    uint64_t gpa;
    uint64_t mem_size; // >= file_size; the rest stays zero
};

// Plain value. All that the file alone can tell has been checked: segments lie
// in the file and where a kernel may lie, don't overlap, and hold the entry.
struct kernel_plan {
    enum boot_image_kind kind;
    enum boot_entry how;
    uint64_t entry;      // physical
    uint64_t start, end; // [start, end): what the kernel takes of memory
    size_t nsegments;
    struct kernel_segment segments[KERNEL_SEGMENTS_MAX];
    uint64_t cmdline_max; // bytes without the NUL
    uint64_t initrd_max;  // highest address that an initrd's byte may have
    bool initrd_above;    // ... but it copes with any address
    size_t setup_len;     // bytes of setup; 0 for all but a bzImage
    uint8_t setup[SETUP_HEADER_END - SETUP_HEADER_OFFSET];
    // bzImage: the compressed vmlinux in the file, for who wants to unpack it
    // on the host; 0, 0 when the header doesn't say.
    uint64_t payload_offset, payload_size;
    struct boot_notes notes;
};

// Reads an ELF file's headers and notes and finds out how it is entered.
// -EINVAL with a sentence that names what it is, for whatever can't be.
int elf_plan(const struct image *image, struct kernel_plan *plan,
             struct error *err);

// Reads a bzImage's setup header (boot.rst). -EINVAL with a sentence for one
// that can only start in real mode, and for truncated or damaged ones.
int bzimage_plan(const struct image *image, struct kernel_plan *plan,
                 struct error *err);

// Adds a segment; an empty one is nothing. What of it would lie where a PC has
// no RAM, at 640 KiB to 1 MiB, is left out, with a note. -EINVAL for one that
// is not all in the file, overlaps another or lies where no kernel may: over
// the boot data, or at 3 GiB and above.
int kernel_add_segment(const struct image *image, struct kernel_segment segment,
                       struct kernel_plan *plan, struct error *err);

// Loads the segments; mem must be large enough (layout_check_kernel).
int kernel_load(const struct kernel_plan *plan, const struct image *image,
                const struct guest_memory *mem, struct error *err);
