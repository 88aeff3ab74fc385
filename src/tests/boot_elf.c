// SPDX-License-Identifier: Apache-2.0
// ELF vmlinux: what is loaded where, and what is refused.
#include "src/tests/boot_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

static bool filled(const struct guest_memory *mem, uint64_t gpa, size_t len,
                   uint8_t byte)
{
    const uint8_t *at = guest_memory_at(mem, gpa, len);
    for (size_t i = 0; i < len; i++)
        if (at[i] != byte)
            return false;
    return true;
}

static void refused(const struct small_elf *elf, const char *words,
                    const char *what)
{
    assert_bytes_refused(elf, sizeof(*elf), words, what);
}

Test(boot_elf, loads_segments_and_nothing_else)
{
    struct small_elf elf = small_elf();
    struct guest_memory mem;
    struct boot_state s = load_bytes(&elf, sizeof(elf), &mem);
    cr_assert_eq(s.kind, BOOT_IMAGE_ELF);
    cr_assert_eq(s.rip, ELF_TEXT_GPA + 0x10);
    cr_assert_eq(s.kernel_gpa, ELF_TEXT_GPA);
    cr_assert_eq(s.kernel_size, ELF_DATA_GPA + ELF_DATA_MEM - ELF_TEXT_GPA);
    cr_assert(filled(&mem, ELF_TEXT_GPA, ELF_TEXT_SIZE, ELF_TEXT_FILL));
    cr_assert(filled(&mem, ELF_TEXT_GPA + ELF_TEXT_SIZE,
                     ELF_DATA_GPA - ELF_TEXT_GPA - ELF_TEXT_SIZE, 0));
    cr_assert(filled(&mem, ELF_DATA_GPA, ELF_DATA_SIZE, ELF_DATA_FILL));
    cr_assert(filled(&mem, ELF_DATA_GPA + ELF_DATA_SIZE,
                     16 * MIB - ELF_DATA_GPA - ELF_DATA_SIZE, 0));
    guest_memory_unmap(&mem);
}

Test(boot_elf, segments_may_come_in_any_order)
{
    struct small_elf elf = small_elf();
    Elf64_Phdr first = elf.ph[0];
    elf.ph[0] = elf.ph[1];
    elf.ph[1] = first;
    struct guest_memory mem;
    struct boot_state s = load_bytes(&elf, sizeof(elf), &mem);
    cr_assert_eq(s.kernel_gpa, ELF_TEXT_GPA);
    cr_assert_eq(s.kernel_size, ELF_DATA_GPA + ELF_DATA_MEM - ELF_TEXT_GPA);
    guest_memory_unmap(&mem);
}

Test(boot_elf, virtual_entry_is_mapped_through_its_segment)
{
    struct small_elf elf = small_elf();
    elf.eh.e_entry = ELF_TEXT_VA + 0x20;
    struct guest_memory mem;
    cr_assert_eq(load_bytes(&elf, sizeof(elf), &mem).rip, ELF_TEXT_GPA + 0x20);
    guest_memory_unmap(&mem);
}

Test(boot_elf, position_independent_is_taken)
{
    struct small_elf elf = small_elf();
    elf.eh.e_type = ET_DYN;
    struct guest_memory mem;
    cr_assert_eq(load_bytes(&elf, sizeof(elf), &mem).rip, ELF_TEXT_GPA + 0x10);
    guest_memory_unmap(&mem);
}

Test(boot_elf, other_machines_are_named)
{
    static const struct {
        uint16_t machine;
        const char *words;
    } machines[] = {
        {EM_386, "32-bit x86"}, {EM_AARCH64, "ARM64"},
        {EM_RISCV, "RISC-V"},   {258, "LoongArch"},
        {EM_S390, "IBM Z"},     {4242, "another machine (machine 4242)"},
    };
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        struct small_elf elf = small_elf();
        elf.eh.e_machine = machines[i].machine;
        refused(&elf, machines[i].words, machines[i].words);
    }
}

Test(boot_elf, wrong_class_and_order)
{
    struct small_elf elf = small_elf();
    elf.eh.e_ident[EI_CLASS] = ELFCLASS32;
    refused(&elf, "no ELF program headers", "64-bit headers in a 32-bit file");
    elf = small_elf();
    elf.eh.e_ident[EI_DATA] = ELFDATA2MSB;
    refused(&elf, "big-endian", "big-endian");
}

Test(boot_elf, other_elf_types)
{
    struct small_elf elf = small_elf();
    elf.eh.e_type = ET_REL;
    refused(&elf, "object file or kernel module", "module");
    elf.eh.e_type = ET_CORE;
    refused(&elf, "core dump", "core");
    elf.eh.e_type = 0x1234;
    refused(&elf, "no ELF executable", "odd type");
    elf = small_elf();
    elf.ph[2].p_type = PT_INTERP;
    refused(&elf, "is a program that runs under Linux", "/bin/true");
}

Test(boot_elf, program_header_table)
{
    struct small_elf elf = small_elf();
    elf.eh.e_phnum = 0;
    refused(&elf, "no ELF program headers", "none");
    elf.eh.e_phnum = 0xffff;
    refused(&elf, "65535 ELF program headers", "too many");
    elf = small_elf();
    elf.eh.e_phentsize = 32;
    refused(&elf, "no ELF program headers", "entry size");
    elf = small_elf();
    elf.eh.e_phoff = sizeof(elf) - 8;
    refused(&elf, "truncated", "at the end");
    elf.eh.e_phoff = UINT64_MAX - 4;
    refused(&elf, "truncated", "wraps round");
    elf = small_elf();
    elf.ph[0].p_type = elf.ph[1].p_type = PT_NULL;
    refused(&elf, "nothing to load", "no PT_LOAD");
    elf = small_elf();
    elf.ph[0].p_filesz = elf.ph[1].p_filesz = 0;
    refused(&elf, "debug information alone", "vmlinux.debug");
}

// One field of the second segment, and what is said of it.
static const struct {
    const char *what;
    size_t field;
    uint64_t value;
    const char *words;
} bad_segments[] = {
    {"huge file size", offsetof(Elf64_Phdr, p_filesz), UINT64_MAX, "truncated"},
    {"file size", offsetof(Elf64_Phdr, p_filesz), 0x101, "truncated"},
    {"huge offset", offsetof(Elf64_Phdr, p_offset), UINT64_MAX, "truncated"},
    {"signed offset", offsetof(Elf64_Phdr, p_offset), 1ULL << 63, "truncated"},
    {"huge memory", offsetof(Elf64_Phdr, p_memsz), UINT64_MAX, "below 3 GiB"},
    {"4 GiB", offsetof(Elf64_Phdr, p_memsz), 4096 * MIB, "below 3 GiB"},
    {"more than RAM", offsetof(Elf64_Phdr, p_memsz), 64 * MIB, "is too small"},
    {"at 0", offsetof(Elf64_Phdr, p_paddr), 0, "below 1 MiB"},
    {"zero page", offsetof(Elf64_Phdr, p_paddr), 0x7000, "below 1 MiB"},
    {"page tables", offsetof(Elf64_Phdr, p_paddr), 0x2ffff, "below 1 MiB"},
    {"over the EBDA", offsetof(Elf64_Phdr, p_paddr), 0x9d000, "below 1 MiB"},
    {"across 1 MiB", offsetof(Elf64_Phdr, p_paddr), 0xfffff, "overlap"},
    {"flash", offsetof(Elf64_Phdr, p_paddr), 0xfff00000, "is firmware"},
    {"wraps", offsetof(Elf64_Phdr, p_paddr), UINT64_MAX, "below 3 GiB"},
    {"virtual", offsetof(Elf64_Phdr, p_paddr), ELF_TEXT_VA, "below 3 GiB"},
    {"overlap", offsetof(Elf64_Phdr, p_paddr), ELF_TEXT_GPA + 0x2ff, "overlap"},
    {"swallows", offsetof(Elf64_Phdr, p_paddr), ELF_TEXT_GPA, "overlap"},
    {"last page", offsetof(Elf64_Phdr, p_paddr), 16 * MIB - 0x2fff,
     "too small"},
};

Test(boot_elf, bad_segments)
{
    for (size_t i = 0; i < sizeof(bad_segments) / sizeof(bad_segments[0]);
         i++) {
        struct small_elf elf = small_elf();
        memcpy((uint8_t *)&elf.ph[1] + bad_segments[i].field,
               &bad_segments[i].value, sizeof(uint64_t));
        refused(&elf, bad_segments[i].words, bad_segments[i].what);
    }
}

// What GRUB and QEMU load, too.
Test(boot_elf, odd_segments_are_loaded_and_noted)
{
    struct small_elf elf = small_elf();
    elf.ph[1].p_memsz = 0x10;
    assert_noted(&elf, sizeof(elf), "larger in the file", "small memory");
    elf.ph[1].p_memsz = 0;
    assert_noted(&elf, sizeof(elf), "larger in the file", "no memory");

    // A linker that puts the file's headers in front of a text at 1 MiB.
    elf = small_elf();
    elf.ph[0].p_paddr = 0xff000;
    elf.ph[0].p_vaddr = ELF_TEXT_VA - 0x1000;
    elf.ph[0].p_offset = 0;
    elf.ph[0].p_filesz = elf.ph[0].p_memsz = 0x1;
    elf.ph[2] = elf.ph[0];
    elf.ph[2].p_offset = offsetof(struct small_elf, text);
    elf.ph[2].p_paddr = ELF_TEXT_GPA;
    elf.ph[2].p_filesz = elf.ph[2].p_memsz = ELF_TEXT_SIZE;
    assert_noted(&elf, sizeof(elf), "1 bytes that it wants at 0xff000",
                 "headers below 1 MiB");
    elf.ph[0].p_paddr = 0x9f000 - 1;
    assert_noted(&elf, sizeof(elf), "says nothing of itself", "low RAM");

    // In one piece with the text: the text alone is loaded.
    elf = small_elf();
    elf.ph[0].p_paddr = ELF_TEXT_GPA - 0x10;
    struct guest_memory mem;
    struct boot_state s = load_bytes(&elf, sizeof(elf), &mem);
    cr_assert_eq(s.kernel_gpa, ELF_TEXT_GPA);
    cr_assert(filled(&mem, ELF_TEXT_GPA, ELF_TEXT_SIZE - 0x10, ELF_TEXT_FILL));
    guest_memory_unmap(&mem);
}

Test(boot_elf, ends_exactly_where_ram_ends)
{
    struct small_elf elf = small_elf();
    elf.ph[1].p_paddr = 16 * MIB - ELF_DATA_MEM;
    struct guest_memory mem;
    load_bytes(&elf, sizeof(elf), &mem);
    guest_memory_unmap(&mem);
}

Test(boot_elf, entry_outside)
{
    static const uint64_t entries[] = {
        0,
        ELF_TEXT_GPA - 1,
        ELF_TEXT_GPA + ELF_TEXT_SIZE,
        ELF_DATA_GPA + ELF_DATA_SIZE, // bss holds no code
        ELF_TEXT_VA + ELF_TEXT_SIZE,
        UINT64_MAX,
    };
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        struct small_elf elf = small_elf();
        elf.eh.e_entry = entries[i];
        refused(&elf, "lies in none of its segments", "entry");
    }
}
