// SPDX-License-Identifier: Apache-2.0
// What a kernel is told at its entry, whatever the boot protocol: each of the
// functions below writes it to its places in the platform map, in its own
// protocol's form. Private to src/boot.
#pragma once

#include "src/boot/kernel.h"
#include "src/boot/layout.h"

// Borrowed; checked by the layout room's functions.
struct handover {
    const struct kernel_plan *plan;
    struct ram ram;
    const char *cmdline;
    const char *kernel_path, *initrd_path; // the latter NULL for none
    uint64_t initrd_gpa, initrd_size;      // 0, 0 for none
    uint64_t rsdp_gpa;
    const struct boot_seed *seed; // NULL for none
};

// The zero page, struct boot_params (boot.rst; zero-page.rst), the command line
// and the seed.
int zeropage_write(const struct handover *handover,
                   const struct guest_memory *mem, struct error *err);

// struct hvm_start_info, version 1 (Xen's arch-x86/hvm/start_info.h): command
// line, memory map, RSDP, the initrd as the one module.
int pvh_write(const struct handover *handover, const struct guest_memory *mem,
              struct error *err);

// The boot information (Multiboot Specification 0.6.96, section 3.3): memory,
// memory map, the initrd as the one module, the loader's name, the command
// line behind the kernel's path, as GRUB Legacy and QEMU give it.
int multiboot_write(const struct handover *handover,
                    const struct guest_memory *mem, struct error *err);
