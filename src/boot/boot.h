// SPDX-License-Identifier: Apache-2.0
// Loads Linux into guest RAM: kernel (ELF vmlinux or bzImage), initrd, command
// line, zero page, page tables, GDT, ACPI and MP tables. The machine room's
// one door to src/boot; knows nothing of KVM.
#pragma once

#include "src/base/error.h"
#include "src/base/guest_memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// xAPIC ids 0..254, and the I/O APIC takes the next one.
#define BOOT_CPUS_MAX 254

// Guest memory sizes that are accepted at all, in bytes; the kernel at hand
// usually needs more than the least.
#define BOOT_MEMORY_MIN (UINT64_C(1) << 20)
#define BOOT_MEMORY_MAX (UINT64_C(1) << 40)

// Which hardware the tables describe.
enum boot_platform {
    // PM1a event and control block, PM timer, SCI, 8259 and 8254.
    BOOT_PLATFORM_PC,
    // Hardware-reduced ACPI (ACPI 6.5 section 4.1): sleep control and status
    // registers; the kernel touches neither 8259 nor 8254.
    BOOT_PLATFORM_REDUCED,
};

// What to boot. Borrowed for the length of the call; plain values and paths.
struct boot_request {
    const char *kernel;  // path: ELF vmlinux or bzImage, x86-64
    const char *initrd;  // path, or NULL for none
    const char *cmdline; // NULL is ""
    uint64_t memory;     // bytes; boot_load takes the guest memory's size
    unsigned cpus;       // 1..BOOT_CPUS_MAX
    unsigned ports;      // UARTs, 0..PLATFORM_COM_COUNT
    enum boot_platform platform;
};

enum boot_image_kind { BOOT_IMAGE_ELF, BOOT_IMAGE_BZIMAGE };

// vCPU 0's registers for the 64-bit boot protocol (Linux
// Documentation/arch/x86/boot.rst, "64-bit boot protocol"), and where things
// were put. All addresses are guest-physical. Every register that is not
// named is 0, interrupts are off.
struct boot_state {
    uint64_t rip;    // entry
    uint64_t rsi;    // zero page
    uint64_t rsp;    // a page of scratch stack; Linux doesn't use it
    uint64_t rflags; // 2: only the bit that is always set
    uint64_t cr0;    // PE, ET, NE, WP, PG
    uint64_t cr3;    // PML4, identity map of the first 4 GiB
    uint64_t cr4;    // PAE
    uint64_t efer;   // LME, LMA

    // Flat segments. The GDT holds the same descriptors: code is type 0xb,
    // S, P, L, G; data (ds, es, fs, gs, ss) is type 0x3, S, P, D/B, G; base 0,
    // limit 0xffffffff.
    uint64_t gdt_base;
    uint16_t gdt_limit;     // sizeof - 1
    uint16_t code_selector; // 0x10
    uint16_t data_selector; // 0x18

    // For messages and diagnosis.
    enum boot_image_kind kind;
    uint64_t kernel_gpa, kernel_size; // with bss or init_size
    uint64_t initrd_gpa, initrd_size; // 0, 0 without an initrd
    uint64_t zero_page_gpa;
    uint64_t rsdp_gpa;
};

// Opens and checks kernel, initrd, command line, memory size and CPU count
// against each other, with no guest memory; reads headers only. 0, or with a
// sentence in err: -EINVAL (what was given is wrong or doesn't fit), -ENOENT,
// -EACCES, -EISDIR, -EIO and what else opening and reading files returns.
// Any thread.
int boot_check(const struct boot_request *request, struct error *err);

// All that boot_check does, then loads everything into mem, which must be as
// guest_memory_map made it: zeroed, no byte of it written before. Each byte
// of the files is copied once, from the page cache to guest RAM. After a
// failure the contents of mem are unspecified; out is written on success
// only. Errors as boot_check. Any thread, no vCPU running.
int boot_load(const struct boot_request *request,
              const struct guest_memory *mem, struct boot_state *out,
              struct error *err);
