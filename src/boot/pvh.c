// SPDX-License-Identifier: Apache-2.0
// What a kernel that is entered by PVH is told; see handover.h.
#include "src/boot/handover.h"

#include "src/base/platform.h"
#include "src/boot/memmap.h"

#include <errno.h>
#include <string.h>

#define START_MAGIC   0x336ec578
#define START_VERSION 1

struct start_info {
    uint32_t magic, version, flags, nr_modules;
    uint64_t modlist, cmdline, rsdp, memmap;
    uint32_t memmap_entries, reserved;
};

struct start_module {
    uint64_t gpa, size, cmdline, reserved;
};

struct start_range {
    uint64_t address, size;
    uint32_t type, reserved;
};

// All in one piece, at PLATFORM_BOOT_INFO_GPA.
struct start {
    struct start_info info;
    struct start_module module;
    struct start_range ranges[MEMMAP_MAX];
};

_Static_assert(sizeof(struct start_info) == 56, "start_info.h");
_Static_assert(sizeof(struct start_module) == 32, "start_info.h");
_Static_assert(sizeof(struct start_range) == 24, "start_info.h");
_Static_assert(sizeof(struct start) <= PLATFORM_BOOT_INFO_LEN, "it fits");

int pvh_write(const struct handover *handover, const struct guest_memory *mem,
              struct error *err)
{
    const uint64_t gpa = PLATFORM_BOOT_INFO_GPA;
    const struct memmap map = memmap_make(handover->ram);
    struct start start = {
        .info =
            {
                .magic = START_MAGIC,
                .version = START_VERSION,
                .cmdline = PLATFORM_CMDLINE_GPA,
                .rsdp = handover->rsdp_gpa,
                .memmap = gpa + offsetof(struct start, ranges),
                .memmap_entries = (uint32_t)map.count,
            },
    };
    if (handover->initrd_size) {
        start.info.nr_modules = 1;
        start.info.modlist = gpa + offsetof(struct start, module);
        start.module.gpa = handover->initrd_gpa;
        start.module.size = handover->initrd_size;
    }
    for (size_t i = 0; i < map.count; i++)
        start.ranges[i] = (struct start_range){
            .address = map.entries[i].from,
            .size = map.entries[i].to - map.entries[i].from,
            .type = map.entries[i].type,
        };
    if (!guest_memory_write(mem, PLATFORM_CMDLINE_GPA, handover->cmdline,
                            strlen(handover->cmdline) + 1) ||
        !guest_memory_write(mem, gpa, &start, sizeof(start)))
        return error_set(err, -EINVAL,
                         "guest memory is too small for the boot data");
    return 0;
}
