// SPDX-License-Identifier: Apache-2.0
// An ELF file's headers (System V ABI, "Object Files" and "Program Loading"),
// 32-bit and 64-bit in one form, and what its notes say. Private to src/boot.
#pragma once

#include "src/boot/kernel.h"

// Linux has five; a bound so that a damaged count costs nothing.
#define ELF_SEGMENTS_MAX 128

struct elf_segment {
    uint32_t type; // PT_LOAD, PT_NOTE, ...
    uint64_t offset, file_size;
    uint64_t virtual, physical, mem_size;
    uint64_t align;
};

// Plain value, made by elf_read_headers from the file; nothing in it is checked
// but what elf_read_headers says.
struct elf_file {
    const struct image *image; // borrowed
    bool is_64;
    uint8_t os; // EI_OSABI
    uint64_t entry;
    size_t count;
    struct elf_segment segments[ELF_SEGMENTS_MAX];
};

// Reads both headers. -EINVAL with a sentence for what is no little-endian x86
// ELF executable, or not whole.
int elf_read_headers(const struct image *image, struct elf_file *elf,
                     struct error *err);

// What the file says of itself, in its notes and segments.
struct elf_marks {
    bool linux_kernel;  // a note that only Linux kernels have
    bool program;       // needs an operating system under it
    const char *system; // for which it was built, NULL when it doesn't say
    bool pvh;           // XEN_ELFNOTE_PHYS32_ENTRY is there
    uint64_t pvh_entry;
};

// A damaged note ends its segment's, silently. Errors as image_read.
int elf_read_marks(const struct elf_file *elf, struct elf_marks *marks,
                   struct error *err);

// Whether one of the texts that give it away is in what the file loads. Slow
// (a second for gigabytes): only for files that say nothing.
struct elf_texts {
    bool linux_kernel, u_boot, limine;
};
int elf_read_texts(const struct elf_file *elf, struct elf_texts *texts,
                   struct error *err);
