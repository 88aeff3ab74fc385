// SPDX-License-Identifier: Apache-2.0
// Fills the zero page; see zeropage.h.
#include "src/boot/zeropage.h"

#include "src/base/platform.h"

#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>

#define E820_RAM      1
#define E820_RESERVED 2

#define LOADER_UNDEFINED 0xff // type_of_loader: none that has a number
#define BOOT_FLAG        0xaa55
#define HDRS             0x53726448 // "HdrS"
#define PROTOCOL         0x020f
#define ELF_ALIGNMENT    0x1000000

#define PAGE UINT64_C(4096)

_Static_assert(sizeof(struct boot_params) == 4096, "the zero page is a page");
_Static_assert(offsetof(struct boot_params, hdr) == SETUP_HEADER_OFFSET,
               "the setup header keeps its place in the file");

static void add_e820(struct boot_params *bp, uint64_t from, uint64_t to,
                     uint32_t type)
{
    bp->e820_table[bp->e820_entries++] =
        (struct boot_e820_entry){.addr = from, .size = to - from, .type = type};
}

static void fill_e820(struct boot_params *bp, struct ram ram)
{
    add_e820(bp, 0, PLATFORM_EBDA_GPA, E820_RAM);
    // MP floating pointer, then ACPI and MP tables. 0xa0000 to 0xe0000 is in
    // no entry: nothing is there.
    add_e820(bp, PLATFORM_EBDA_GPA, PLATFORM_EBDA_GPA + PLATFORM_EBDA_LEN,
             E820_RESERVED);
    add_e820(bp, PLATFORM_BIOS_GPA, PLATFORM_BIOS_GPA + PLATFORM_BIOS_LEN,
             E820_RESERVED);
    if (ram.low_end > PLATFORM_HIGH_GPA)
        add_e820(bp, PLATFORM_HIGH_GPA, ram.low_end, E820_RAM);
    // KVM's own pages: no device may be put over them.
    add_e820(bp, PLATFORM_KVM_IDENTITY_MAP_GPA, PLATFORM_KVM_TSS_GPA + 3 * PAGE,
             E820_RESERVED);
    if (ram.high_end)
        add_e820(bp, GUEST_HIGH_RAM, ram.high_end, E820_RAM);
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

int zeropage_write(const struct zeropage_request *request,
                   const struct guest_memory *mem, struct error *err)
{
    const struct kernel_plan *plan = request->plan;
    struct boot_params bp = {0};
    fill_header(&bp, plan);
    bp.hdr.type_of_loader = LOADER_UNDEFINED;
    // No real-mode code will run: it has no heap there.
    bp.hdr.loadflags &= (uint8_t)~CAN_USE_HEAP;
    bp.hdr.heap_end_ptr = 0;
    bp.hdr.setup_data = 0;
    bp.hdr.code32_start = (uint32_t)plan->start;
    bp.hdr.cmd_line_ptr = (uint32_t)PLATFORM_CMDLINE_GPA;
    bp.hdr.ramdisk_image = (uint32_t)request->initrd_gpa;
    bp.hdr.ramdisk_size = (uint32_t)request->initrd_size;
    bp.ext_ramdisk_image = (uint32_t)(request->initrd_gpa >> 32);
    bp.ext_ramdisk_size = (uint32_t)(request->initrd_size >> 32);
    bp.acpi_rsdp_addr = request->rsdp_gpa;
    fill_e820(&bp, request->ram);

    if (!guest_memory_write(mem, PLATFORM_CMDLINE_GPA, request->cmdline,
                            strlen(request->cmdline) + 1) ||
        !guest_memory_write(mem, PLATFORM_ZERO_PAGE_GPA, &bp, sizeof(bp)))
        return error_set(err, -EINVAL,
                         "guest memory is too small for the boot data");
    return 0;
}
