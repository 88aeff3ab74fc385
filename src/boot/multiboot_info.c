// SPDX-License-Identifier: Apache-2.0
// What a multiboot kernel is told; see handover.h.
#include "src/boot/handover.h"

#include "src/base/platform.h"
#include "src/boot/memmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INFO_MEMORY  (1U << 0)
#define INFO_CMDLINE (1U << 2)
#define INFO_MODULES (1U << 3)
#define INFO_MEMMAP  (1U << 6)
#define INFO_LOADER  (1U << 9)

#define KIB 1024

struct info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper; // KiB from 0 and from 1 MiB on
    uint32_t boot_device, cmdline;
    uint32_t mods_count, mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr;
    uint32_t config_table, boot_loader_name, apm_table;
};

struct module {
    uint32_t start, end, string, reserved;
};

struct range {
    uint32_t size; // of what follows
    uint64_t address, length;
    uint32_t type;
} __attribute__((packed));

// All in one piece, at PLATFORM_BOOT_INFO_GPA.
struct piece {
    struct info info;
    struct module module;
    struct range ranges[MEMMAP_MAX];
    char loader[16];
    char module_string[4096]; // the initrd's path
};

_Static_assert(sizeof(struct piece) <= PLATFORM_BOOT_INFO_LEN, "it fits");

static uint32_t place(size_t offset)
{
    return (uint32_t)(PLATFORM_BOOT_INFO_GPA + offset);
}

static void fill_memory(struct piece *p, struct ram ram)
{
    const struct memmap map = memmap_make(ram);
    for (size_t i = 0; i < map.count; i++)
        p->ranges[i] = (struct range){
            .size = sizeof(struct range) - sizeof(uint32_t),
            .address = map.entries[i].from,
            .length = map.entries[i].to - map.entries[i].from,
            .type = map.entries[i].type,
        };
    p->info.mmap_addr = place(offsetof(struct piece, ranges));
    p->info.mmap_length = (uint32_t)(map.count * sizeof(struct range));
    p->info.mem_lower = (uint32_t)(PLATFORM_EBDA_GPA / KIB);
    if (ram.low_end > PLATFORM_HIGH_GPA)
        p->info.mem_upper = (uint32_t)((ram.low_end - PLATFORM_HIGH_GPA) / KIB);
}

static void fill_module(struct piece *p, const struct handover *handover)
{
    p->info.flags |= INFO_MODULES;
    p->info.mods_count = 1;
    p->info.mods_addr = place(offsetof(struct piece, module));
    p->module.start = (uint32_t)handover->initrd_gpa;
    p->module.end = (uint32_t)(handover->initrd_gpa + handover->initrd_size);
    p->module.string = place(offsetof(struct piece, module_string));
    snprintf(p->module_string, sizeof(p->module_string), "%s",
             handover->initrd_path);
}

// The program's name is the first word: kernels skip it.
static bool write_cmdline(const struct handover *handover,
                          const struct guest_memory *mem)
{
    uint64_t gpa = PLATFORM_CMDLINE_GPA;
    size_t path = strlen(handover->kernel_path);
    return guest_memory_write(mem, gpa, handover->kernel_path, path) &&
           guest_memory_write(mem, gpa + path, " ", 1) &&
           guest_memory_write(mem, gpa + path + 1, handover->cmdline,
                              strlen(handover->cmdline) + 1);
}

int multiboot_write(const struct handover *handover,
                    const struct guest_memory *mem, struct error *err)
{
    struct piece piece = {
        .info =
            {
                .flags = INFO_MEMORY | INFO_CMDLINE | INFO_MEMMAP | INFO_LOADER,
                .cmdline = (uint32_t)PLATFORM_CMDLINE_GPA,
                .boot_loader_name = place(offsetof(struct piece, loader)),
            },
        .loader = "toyvmm",
    };
    fill_memory(&piece, handover->ram);
    if (handover->initrd_size)
        fill_module(&piece, handover);
    if (!write_cmdline(handover, mem) ||
        !guest_memory_write(mem, PLATFORM_BOOT_INFO_GPA, &piece, sizeof(piece)))
        return error_set(err, -EINVAL,
                         "guest memory is too small for the boot data");
    return 0;
}
