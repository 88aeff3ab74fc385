// SPDX-License-Identifier: Apache-2.0
// Loads a kernel into guest RAM (an ELF file, a bzImage or a multiboot image)
// with initrd, command line, what its boot protocol hands over, page tables,
// GDT, ACPI and MP tables. The machine room's one door to src/boot; knows
// nothing of KVM.
#pragma once

#include "src/base/error.h"
#include "src/base/guest_memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// xAPIC ids 0..254, and the I/O APIC takes the next one.
#define BOOT_CPUS_MAX 254

#define BOOT_SEED_LEN 32

// Guest memory sizes that are accepted at all, in bytes; the kernel at hand
// usually needs more than the least.
#define BOOT_MEMORY_MIN (UINT64_C(1) << 20)
#define BOOT_MEMORY_MAX (UINT64_C(1) << 40)

// Entropy for the guest (SETUP_RNG_SEED of the boot protocol).
struct boot_seed {
    uint8_t bytes[BOOT_SEED_LEN];
};

// What to boot. Borrowed for the length of the call; plain values and paths.
struct boot_request {
    const char *kernel;  // path
    const char *initrd;  // path, or NULL for none
    const char *cmdline; // NULL is ""
    uint64_t memory;     // bytes; boot_load takes the guest memory's size
    unsigned cpus;       // 1..BOOT_CPUS_MAX
    unsigned ports;      // UARTs, 0..PLATFORM_COM_COUNT
    bool pci;            // there is a PCI host bridge
    unsigned virtio;     // devices behind registers in memory, to
                         // PLATFORM_VIRTIO_MAX
    // What the guest's random generator is seeded with; NULL: fresh bytes from
    // the host's.
    const struct boot_seed *seed;
};

enum boot_image_kind {
    BOOT_IMAGE_ELF,
    BOOT_IMAGE_BZIMAGE,
    BOOT_IMAGE_FLAT, // a multiboot header says where it goes
};

// How a kernel is entered, by the texts that say so. README.md tells which file
// is entered how.
enum boot_entry {
    BOOT_ENTRY_LINUX64,   // boot.rst, "64-bit Boot Protocol"
    BOOT_ENTRY_LINUX32,   // boot.rst, "32-bit Boot Protocol"
    BOOT_ENTRY_PVH,       // Xen's docs/misc/pvh.pandoc
    BOOT_ENTRY_MULTIBOOT, // Multiboot Specification 0.6.96, section 3.2
};

// What is odd about the files, though they boot: sentences for the user. What
// doesn't fit is dropped.
#define BOOT_NOTES_MAX 6
struct boot_notes {
    size_t count;
    char text[BOOT_NOTES_MAX][256];
};

// A segment register with its hidden part (Intel SDM volume 3, 3.4.3); type and
// flags as in a descriptor (3.4.5).
struct boot_segment {
    uint64_t base;
    uint32_t limit; // in bytes, whatever granular says
    uint16_t selector;
    uint8_t type;
    bool present;
    bool code_or_data; // S; else a system segment
    bool long_mode;    // L
    bool big;          // D/B
    bool granular;     // G
};

struct boot_table {
    uint64_t base;
    uint16_t limit; // sizeof - 1
};

// All of vCPU 0's registers at the kernel's entry, and where things were put.
// All addresses are guest-physical; interrupts are off.
struct boot_state {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
    uint64_t cr0, cr2, cr3, cr4, efer;
    struct boot_segment cs, ds, es, fs, gs, ss, tr, ldt;
    struct boot_table gdt, idt;

    // For messages and diagnosis.
    enum boot_image_kind kind;
    enum boot_entry entry;
    uint64_t kernel_gpa, kernel_size; // with bss or init_size
    uint64_t initrd_gpa, initrd_size; // 0, 0 without an initrd
    uint64_t zero_page_gpa;           // 0 when it isn't entered as Linux
    uint64_t rsdp_gpa;
    struct boot_notes notes;
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
