// SPDX-License-Identifier: Apache-2.0
// Does it fit? Guest memory against the host's, against the kernel and its
// initrd; where the initrd goes; the command line's length and bytes. Numbers
// only, no files and no guest memory. Private to src/boot.
#pragma once

#include "src/boot/kernel.h"

// Where RAM ends, as guest_memory_map lays out so many bytes; high_end is 0
// when nothing lies above 4 GiB.
struct ram {
    uint64_t low_end;
    uint64_t high_end;
};

struct ram ram_shape(uint64_t memory); // at most BOOT_MEMORY_MAX

// What the host can give at all: RAM and swap, in bytes.
uint64_t host_memory(void);

// memory: bytes of guest RAM that were asked for; host: host_memory(), or
// what a test says. -EINVAL for too little, too much, or more than twice what
// the host has: some overcommitment is usual, that is a slip.
int layout_check_memory(uint64_t memory, uint64_t host, struct error *err);

// The kernel's room lies in RAM. path is for the sentence.
int layout_check_kernel(const struct kernel_plan *plan, struct ram ram,
                        const char *path, struct error *err);

// Puts size bytes of initrd as high as the kernel allows, page-aligned, above
// the kernel's room; -EINVAL when there is no such place.
int layout_place_initrd(const struct kernel_plan *plan, struct ram ram,
                        uint64_t size, const char *path, uint64_t *gpa,
                        struct error *err);

// At most cmdline_max bytes. Control characters, which a kernel may take for
// blanks or for parts of a word, become a note.
int layout_check_cmdline(const char *cmdline, uint64_t cmdline_max,
                         struct boot_notes *notes, struct error *err);
