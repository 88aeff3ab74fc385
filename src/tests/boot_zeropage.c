// SPDX-License-Identifier: Apache-2.0
// What Linux is told in the zero page, and the state it is entered in.
#include "src/base/platform.h"
#include "src/boot/handover.h"
#include "src/tests/boot_fixture.h"

#include <asm/bootparam.h>
#include <criterion/criterion.h>
#include <string.h>

#define E820_RAM      1
#define E820_RESERVED 2

static const struct boot_params *params(const struct guest_memory *mem)
{
    return guest_memory_at(mem, PLATFORM_ZERO_PAGE_GPA,
                           sizeof(struct boot_params));
}

static const struct boot_e820_entry *find_e820(const struct boot_params *bp,
                                               uint64_t gpa)
{
    for (size_t i = 0; i < bp->e820_entries; i++) {
        const struct boot_e820_entry *e = &bp->e820_table[i];
        if (gpa >= e->addr && gpa - e->addr < e->size)
            return e;
    }
    return NULL;
}

static void assert_e820(const struct boot_params *bp, uint64_t from,
                        uint64_t to, uint32_t type)
{
    const struct boot_e820_entry *e = find_e820(bp, from);
    cr_assert(e, "0x%llx is in no entry", (unsigned long long)from);
    cr_assert_eq(e->addr, from);
    cr_assert_eq(e->addr + e->size, to);
    cr_assert_eq(e->type, type);
}

static void assert_sorted(const struct boot_params *bp)
{
    for (size_t i = 1; i < bp->e820_entries; i++) {
        const struct boot_e820_entry *a = &bp->e820_table[i - 1];
        cr_assert_leq(a->addr + a->size, bp->e820_table[i].addr);
    }
}

Test(boot_zeropage, memory_map)
{
    struct small_elf elf = small_elf();
    struct guest_memory mem;
    load_bytes(&elf, sizeof(elf), &mem);
    const struct boot_params *bp = params(&mem);
    assert_sorted(bp);
    assert_e820(bp, 0, 0x9fc00, E820_RAM);
    assert_e820(bp, 0x9fc00, 0xa0000, E820_RESERVED);
    assert_e820(bp, 0xe0000, 0x100000, E820_RESERVED);
    assert_e820(bp, 0x100000, 16 * MIB, E820_RAM);
    assert_e820(bp, 0xfffbc000, 0xfffc0000, E820_RESERVED);
    cr_assert_null(find_e820(bp, 0xa0000));
    cr_assert_null(find_e820(bp, 16 * MIB));
    guest_memory_unmap(&mem);
}

Test(boot_zeropage, memory_map_above_4_gib)
{
    const uint64_t size = UINT64_C(5) << 30;
    struct guest_memory mem;
    struct error err;
    cr_assert_eq(guest_memory_map(&mem, size, &err), 0, "%s", err.text);
    struct kernel_plan plan = {.start = MIB, .end = 2 * MIB};
    struct handover request = {
        .plan = &plan, .ram = ram_shape(size), .cmdline = ""};
    cr_assert_eq(zeropage_write(&request, &mem, &err), 0);
    const struct boot_params *bp = params(&mem);
    assert_sorted(bp);
    assert_e820(bp, 0x100000, 0xC0000000, E820_RAM);
    assert_e820(bp, 0x100000000, 0x180000000, E820_RAM);
    cr_assert_null(find_e820(bp, 0xC0000000));
    guest_memory_unmap(&mem);
}

Test(boot_zeropage, fields_for_an_elf_kernel)
{
    struct small_elf elf = small_elf();
    struct guest_memory mem;
    struct boot_state s = load_bytes(&elf, sizeof(elf), &mem);
    const struct boot_params *bp = params(&mem);
    cr_assert_eq(bp->hdr.boot_flag, 0xaa55);
    cr_assert_eq(memcmp(&bp->hdr.header, "HdrS", 4), 0);
    cr_assert_eq(bp->hdr.type_of_loader, 0xff);
    cr_assert(bp->hdr.loadflags & LOADED_HIGH);
    cr_assert_eq(bp->hdr.cmd_line_ptr, PLATFORM_CMDLINE_GPA);
    cr_assert_str_eq(guest_memory_at(&mem, bp->hdr.cmd_line_ptr, 32),
                     "console=ttyS0");
    cr_assert_eq(bp->hdr.ramdisk_image, 0);
    cr_assert_eq(bp->hdr.ramdisk_size, 0);
    cr_assert_eq(bp->acpi_rsdp_addr, s.rsdp_gpa);
    cr_assert_eq(bp->screen_info.orig_video_isVGA, 0);
    cr_assert_eq(bp->screen_info.orig_video_lines, 0);
    cr_assert_eq(bp->efi_info.efi_loader_signature, 0);
    cr_assert_eq(bp->sentinel, 0);
    guest_memory_unmap(&mem);
}

Test(boot_zeropage, initrd_above_4_gib)
{
    struct guest_memory mem;
    struct error err;
    cr_assert_eq(guest_memory_map(&mem, MIB, &err), 0);
    struct kernel_plan plan = {.start = MIB, .end = 2 * MIB};
    struct handover request = {.plan = &plan,
                               .ram = ram_shape(MIB),
                               .cmdline = "",
                               .initrd_gpa = 0x123456000,
                               .initrd_size = 0x1000007ff};
    cr_assert_eq(zeropage_write(&request, &mem, &err), 0);
    const struct boot_params *bp = params(&mem);
    cr_assert_eq(bp->hdr.ramdisk_image, 0x23456000);
    cr_assert_eq(bp->ext_ramdisk_image, 1);
    cr_assert_eq(bp->hdr.ramdisk_size, 0x7ff);
    cr_assert_eq(bp->ext_ramdisk_size, 1);
    guest_memory_unmap(&mem);
}

static void assert_seed(const struct guest_memory *mem, const uint8_t *bytes)
{
    uint64_t gpa = params(mem)->hdr.setup_data;
    const uint8_t *data = guest_memory_at(mem, gpa, 48);
    cr_assert(data);
    // struct setup_data: next, type SETUP_RNG_SEED, len.
    static const uint8_t head[16] = {[8] = 9, [12] = 32};
    cr_assert_eq(memcmp(data, head, sizeof(head)), 0);
    cr_assert_eq(memcmp(data + 16, bytes, 32), 0);
}

// Fresh bytes each time, unless the request has them.
Test(boot_zeropage, seed)
{
    struct small_elf elf = small_elf();
    struct mem_file file = mem_file(&elf, sizeof(elf));
    struct boot_request request = request_for(file.path);
    struct boot_seed seed;
    memset(seed.bytes, 0x5e, sizeof(seed.bytes));
    struct guest_memory mem;
    request.seed = &seed;
    load_ok(&request, &mem);
    assert_seed(&mem, seed.bytes);
    guest_memory_unmap(&mem);

    request.seed = NULL;
    struct guest_memory first;
    load_ok(&request, &first);
    load_ok(&request, &mem);
    const uint8_t *bytes =
        (const uint8_t *)guest_memory_at(&first, PLATFORM_SETUP_DATA_GPA, 48) +
        16;
    assert_seed(&first, bytes);
    const uint8_t *others =
        (const uint8_t *)guest_memory_at(&mem, PLATFORM_SETUP_DATA_GPA, 48) +
        16;
    cr_assert_neq(memcmp(bytes, others, 32), 0);
    guest_memory_unmap(&first);
    guest_memory_unmap(&mem);
    mem_file_close(&file);
}

// A header of before 2.09 has no field for it.
Test(boot_zeropage, no_seed_for_old_kernels)
{
    struct small_bzimage bz = small_bzimage();
    bz_header(&bz)->version = 0x208;
    struct guest_memory mem;
    load_bytes(&bz, sizeof(bz), &mem);
    cr_assert_eq(params(&mem)->hdr.setup_data, 0);
    guest_memory_unmap(&mem);
}

// Walks the page tables as the processor would.
static bool translate(const struct guest_memory *mem, uint64_t cr3, uint64_t va,
                      uint64_t *pa)
{
    uint64_t table = cr3;
    for (unsigned shift = 39; shift >= 21; shift -= 9) {
        uint64_t index = (va >> shift) & 511;
        const uint64_t *entry = guest_memory_at(mem, table + index * 8, 8);
        if (!entry || (*entry & 3) != 3)
            return false;
        if (*entry & 0x80) {
            uint64_t mask = (UINT64_C(1) << shift) - 1;
            *pa = (*entry & ~mask & UINT64_C(0xffffffffff000)) | (va & mask);
            return true;
        }
        table = *entry & UINT64_C(0xffffffffff000);
    }
    return false;
}

Test(boot_cpustate, first_4_gib_are_mapped_one_to_one)
{
    struct small_elf elf = small_elf();
    struct guest_memory mem;
    struct boot_state s = load_bytes(&elf, sizeof(elf), &mem);
    cr_assert(s.cr0 & 1, "protected mode");
    cr_assert(s.cr0 & 0x80000000, "paging");
    cr_assert_eq(s.cr4, 0x20);
    cr_assert_eq(s.efer, 0x500);
    uint64_t pa;
    for (uint64_t va = 0; va < UINT64_C(1) << 32; va += 0x1ff000) {
        cr_assert(translate(&mem, s.cr3, va, &pa));
        cr_assert_eq(pa, va);
    }
    cr_assert_not(translate(&mem, s.cr3, UINT64_C(1) << 32, &pa));
    cr_assert_not(translate(&mem, s.cr3, UINT64_C(1) << 39, &pa));
    guest_memory_unmap(&mem);
}

Test(boot_cpustate, segments_and_registers)
{
    struct small_bzimage bz = small_bzimage();
    struct guest_memory mem;
    struct boot_state s = load_bytes(&bz, sizeof(bz), &mem);
    cr_assert_eq(s.cs.selector, 0x10);
    cr_assert_eq(s.ds.selector, 0x18);
    cr_assert_geq(s.gdt.limit, 0x1f);
    const uint64_t *gdt = guest_memory_at(&mem, s.gdt.base, 32);
    cr_assert_eq(gdt[0], 0);
    cr_assert_eq(gdt[2] >> 40 & 0xff, 0x9b, "present, code, readable");
    cr_assert_eq(gdt[2] >> 53 & 3, 1, "64-bit");
    cr_assert_eq(gdt[3] >> 40 & 0xff, 0x93, "present, data, writable");
    cr_assert_eq(s.rsi, s.zero_page_gpa);
    cr_assert_eq(s.rflags, 2);
    cr_assert(guest_memory_at(&mem, s.rsp - 8, 8));
    guest_memory_unmap(&mem);
}

// A jump to f000:fff0 in real mode must end in a reset.
Test(boot_firmware, the_reset_vector_writes_to_the_reset_register)
{
    struct small_elf elf = small_elf();
    struct guest_memory mem;
    load_bytes(&elf, sizeof(elf), &mem);
    const uint8_t *code = guest_memory_at(&mem, 0xf0000 + 0xfff0, 10);
    uint16_t port = (uint16_t)(code[1] | code[2] << 8);
    cr_assert_eq(code[0], 0xba, "mov dx, imm16");
    cr_assert_eq(port, PLATFORM_RESET_PORT);
    cr_assert_eq(code[3], 0xb0, "mov al, imm8");
    cr_assert_eq(code[4], PLATFORM_RESET_VALUE);
    cr_assert_eq(code[5], 0xee, "out dx, al");
    guest_memory_unmap(&mem);
}

// Every vector leads to code that returns; a call is told that it failed.
Test(boot_firmware, bios_calls_fail)
{
    struct small_elf elf = small_elf();
    struct guest_memory mem;
    load_bytes(&elf, sizeof(elf), &mem);
    for (unsigned i = 0; i < 256; i++) {
        const uint16_t *vector = guest_memory_at(&mem, i * 4, 4);
        const uint8_t *code =
            guest_memory_at(&mem, (uint64_t)vector[1] * 16 + vector[0], 16);
        cr_assert(code);
        bool call = i >= 0x10 && (i < 0x70 || i > 0x77);
        cr_assert_eq(code[0] == 0xcf, !call, "vector 0x%x", i);
        if (call)
            cr_assert(memchr(code, 0xcf, 16), "iret");
    }
    guest_memory_unmap(&mem);
}

Test(boot_firmware, data_area)
{
    struct small_elf elf = small_elf();
    struct guest_memory mem;
    load_bytes(&elf, sizeof(elf), &mem);
    const uint8_t *at = guest_memory_at(&mem, 0x400, 0x100);
    static const uint8_t ports[] = {0xf8, 3, 0xf8, 2, 0xe8, 3, 0xe8, 2, 0, 0};
    cr_assert_eq(memcmp(at, ports, sizeof(ports)), 0);
    cr_assert_eq((at[0xe] | at[0xf] << 8) * 16, PLATFORM_EBDA_GPA);
    cr_assert_eq((at[0x13] | at[0x14] << 8) * 1024, PLATFORM_EBDA_GPA);
    guest_memory_unmap(&mem);
}
