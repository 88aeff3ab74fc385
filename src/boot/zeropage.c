// SPDX-License-Identifier: Apache-2.0
// Fills the zero page; see handover.h.
#include "src/boot/handover.h"

#include "src/base/platform.h"
#include "src/boot/memmap.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>

#define LOADER_UNDEFINED 0xff // type_of_loader: none that has a number
#define BOOT_FLAG        0xaa55
#define HDRS             0x53726448 // "HdrS"
#define PROTOCOL         0x020f
#define ELF_ALIGNMENT    0x1000000

#define VERSION_SETUP_DATA 0x0209 // Linux 2.6.26
#define TYPE_RNG_SEED      9      // SETUP_RNG_SEED; Linux 6.0

_Static_assert(sizeof(struct boot_params) == 4096, "the zero page is a page");
_Static_assert(offsetof(struct boot_params, hdr) == SETUP_HEADER_OFFSET,
               "the setup header keeps its place in the file");

static void fill_e820(struct boot_params *bp, struct ram ram)
{
    const struct memmap map = memmap_make(ram);
    for (size_t i = 0; i < map.count; i++)
        bp->e820_table[i] = (struct boot_e820_entry){
            .addr = map.entries[i].from,
            .size = map.entries[i].to - map.entries[i].from,
            .type = map.entries[i].type,
        };
    bp->e820_entries = (uint8_t)map.count;
}

// A list of one: the seed. A kernel that doesn't know the type skips it.
static bool write_seed(const struct guest_memory *mem,
                       const struct boot_seed *seed, struct boot_params *bp)
{
    struct {
        uint64_t next;
        uint32_t type, len;
        struct boot_seed seed;
    } data = {.type = TYPE_RNG_SEED, .len = sizeof(*seed), .seed = *seed};
    _Static_assert(sizeof(data) == 16 + sizeof(*seed), "struct setup_data");
    bp->hdr.setup_data = PLATFORM_SETUP_DATA_GPA;
    return guest_memory_write(mem, PLATFORM_SETUP_DATA_GPA, &data,
                              sizeof(data));
}

// A bzImage brings its header; for an ELF kernel one is made up, as a loader
// that unpacked the bzImage would hand over.
static void fill_header(struct boot_params *bp, const struct kernel_plan *plan)
{
    if (plan->setup_len) {
        memcpy((uint8_t *)bp + SETUP_HEADER_OFFSET, plan->setup,
               plan->setup_len);
        return;
    }
    bp->hdr.boot_flag = BOOT_FLAG;
    bp->hdr.header = HDRS;
    bp->hdr.version = PROTOCOL;
    bp->hdr.loadflags = LOADED_HIGH;
    bp->hdr.kernel_alignment = ELF_ALIGNMENT;
    bp->hdr.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
    bp->hdr.cmdline_size = (uint32_t)plan->cmdline_max;
    bp->hdr.pref_address = plan->start;
    bp->hdr.init_size = (uint32_t)(plan->end - plan->start);
}

int zeropage_write(const struct handover *handover,
                   const struct guest_memory *mem, struct error *err)
{
    const struct kernel_plan *plan = handover->plan;
    struct boot_params bp = {0};
    fill_header(&bp, plan);
    bp.hdr.type_of_loader = LOADER_UNDEFINED;
    // No real-mode code will run: it has no heap there.
    bp.hdr.loadflags &= (uint8_t)~CAN_USE_HEAP;
    bp.hdr.heap_end_ptr = 0;
    bp.hdr.setup_data = 0;
    bp.hdr.code32_start =
        (uint32_t)(plan->how == BOOT_ENTRY_LINUX32 ? plan->entry : plan->start);
    bp.hdr.cmd_line_ptr = (uint32_t)PLATFORM_CMDLINE_GPA;
    bp.hdr.ramdisk_image = (uint32_t)handover->initrd_gpa;
    bp.hdr.ramdisk_size = (uint32_t)handover->initrd_size;
    bp.ext_ramdisk_image = (uint32_t)(handover->initrd_gpa >> 32);
    bp.ext_ramdisk_size = (uint32_t)(handover->initrd_size >> 32);
    bp.acpi_rsdp_addr = handover->rsdp_gpa;
    fill_e820(&bp, handover->ram);

    bool seeded = handover->seed && bp.hdr.version >= VERSION_SETUP_DATA;
    if ((seeded && !write_seed(mem, handover->seed, &bp)) ||
        !guest_memory_write(mem, PLATFORM_CMDLINE_GPA, handover->cmdline,
                            strlen(handover->cmdline) + 1) ||
        !guest_memory_write(mem, PLATFORM_ZERO_PAGE_GPA, &bp, sizeof(bp)))
        return error_set(err, -EINVAL,
                         "guest memory is too small for the boot data");
    return 0;
}
