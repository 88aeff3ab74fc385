// SPDX-License-Identifier: Apache-2.0
// Which protocol a file is entered by, what it is told then, and what is
// refused because no protocol enters it.
#include "src/base/platform.h"
#include "src/tests/boot_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static uint64_t read_le(const struct guest_memory *mem, uint64_t gpa,
                        size_t bytes)
{
    uint64_t value = 0;
    const void *at = guest_memory_at(mem, gpa, bytes);
    cr_assert(at, "0x%llx isn't RAM", (unsigned long long)gpa);
    memcpy(&value, at, bytes);
    return value;
}

static enum boot_entry entry_of(const struct marked_elf *elf)
{
    struct guest_memory mem;
    struct boot_state s = load_bytes(elf->bytes, elf->len, &mem);
    guest_memory_unmap(&mem);
    return s.entry;
}

static void refused(const struct marked_elf *elf, const char *words)
{
    assert_bytes_refused(elf->bytes, elf->len, words, words);
}

// ---- Which way in ----------------------------------------------------------

Test(boot_entries, linux_is_entered_as_linux_whatever_else_it_offers)
{
    struct marked_elf elf = marked_elf_64();
    marked_elf_pvh(&elf);
    marked_elf_note(&elf, "Linux", 0x100, "salt", 5);
    marked_elf_multiboot(&elf, MARKED_TEXT + 0x100, 3, NULL);
    cr_assert_eq(entry_of(&elf), BOOT_ENTRY_LINUX64);
    assert_noted(elf.bytes, elf.len, NULL, "a good one");

    elf = marked_elf_64();
    marked_elf_note(&elf, "Xen", NOTE_GUEST_OS, "linux", 6);
    marked_elf_pvh(&elf);
    cr_assert_eq(entry_of(&elf), BOOT_ENTRY_LINUX64);

    // Old ones have no note but their banner.
    elf = marked_elf_64();
    memcpy(elf.bytes + MARKED_TEXT + 0x80, "Linux version 3.16.0 (", 22);
    cr_assert_eq(entry_of(&elf), BOOT_ENTRY_LINUX64);
    assert_noted(elf.bytes, elf.len, NULL, "a good one");
}

Test(boot_entries, a_pvh_note_comes_before_a_multiboot_header)
{
    for (unsigned i = 0; i < 2; i++) {
        struct marked_elf elf = i ? marked_elf_32() : marked_elf_64();
        marked_elf_multiboot(&elf, MARKED_TEXT + 0x100, 3, NULL);
        cr_assert_eq(entry_of(&elf), BOOT_ENTRY_MULTIBOOT);
        marked_elf_pvh(&elf);
        cr_assert_eq(entry_of(&elf), BOOT_ENTRY_PVH);
        assert_noted(elf.bytes, elf.len, NULL, "a good one");
    }
}

Test(boot_entries, a_64_bit_file_that_says_nothing_is_noted)
{
    struct marked_elf elf = marked_elf_64();
    marked_elf_note(&elf, "GNU", 3, "build-id", 8);
    cr_assert_eq(entry_of(&elf), BOOT_ENTRY_LINUX64);
    assert_noted(elf.bytes, elf.len, "says nothing of itself", "unknown");
}

Test(boot_entries, what_is_something_else_is_refused_by_name)
{
    static const struct {
        const char *text, *words;
    } texts[] = {
        {"U-Boot 2023.01 (", "is a U-Boot"},
        {"\x88\x8b\x4c\xdf\x30\xdd\xb1\xc7\x7b\xf0\x94\xa1\x83\xe8\x82\x0a",
         "Limine boot protocol"},
        // Multiboot 2, i386, 16 bytes, and the sum.
        {"\xd6\x50\x52\xe8\x00\x00\x00\x00\x10\x00\x00\x00\x1a\xaf\xad\x17",
         "Multiboot 2 only"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct marked_elf elf = marked_elf_64();
        memcpy(elf.bytes + MARKED_TEXT + 0x80, texts[i].text, 16);
        refused(&elf, texts[i].words);
        elf = marked_elf_32();
        memcpy(elf.bytes + MARKED_TEXT + 0x80, texts[i].text, 16);
        refused(&elf, texts[i].words);
    }
    struct marked_elf elf = marked_elf_32();
    refused(&elf, "32-bit ELF file with neither");
    memcpy(elf.bytes + MARKED_TEXT + 0x80, "Linux version 6.1.0", 19);
    refused(&elf, "is a 32-bit Linux vmlinux");
    elf = marked_elf_32();
    marked_elf_note(&elf, "Linux", 0x100, "salt", 5);
    refused(&elf, "is a 32-bit Linux vmlinux");
}

Test(boot_entries, other_systems_are_named)
{
    static const struct {
        uint8_t os;
        const char *owner, *words;
    } systems[] = {
        {9, NULL, "FreeBSD"},       {2, NULL, "NetBSD"},
        {12, NULL, "OpenBSD"},      {0, "FreeBSD", "FreeBSD"},
        {0, "NetBSD", "NetBSD"},    {0, "OpenBSD", "OpenBSD"},
        {0, "DragonFly", "Dragon"},
    };
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
        struct marked_elf elf = marked_elf_64();
        elf.bytes[EI_OSABI] = systems[i].os;
        if (systems[i].owner)
            marked_elf_note(&elf, systems[i].owner, 1, "\1\0\0\0", 4);
        refused(&elf, systems[i].words);
        // One that has the note can be started.
        marked_elf_pvh(&elf);
        cr_assert_eq(entry_of(&elf), BOOT_ENTRY_PVH);
    }
}

Test(boot_entries, programs_are_no_kernels)
{
    struct marked_elf elf = marked_elf_64();
    marked_elf_note(&elf, "GNU", 1, "\0\0\0\0\3\0\0\0\2\0\0\0\0\0\0\0", 16);
    refused(&elf, "is a program that runs under Linux");
    elf = marked_elf_64();
    marked_elf_note(&elf, "Go", 4, "id", 2);
    refused(&elf, "is a program");
    elf = marked_elf_32();
    elf.bytes[sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr)] = PT_INTERP;
    refused(&elf, "is a program");
}

// ---- PVH -------------------------------------------------------------------

Test(boot_entries, pvh_entry_must_be_code)
{
    static const uint64_t entries[] = {0, MARKED_GPA - 1, MARKED_GPA + 0x200,
                                       UINT64_C(0x100000020) | MARKED_GPA};
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        struct marked_elf elf = marked_elf_64();
        marked_elf_note(&elf, "Xen", NOTE_PHYS32, &entries[i], 8);
        refused(&elf, "lies in none of its segments");
    }
    // A note of four bytes is as good, of fewer is none.
    struct marked_elf elf = marked_elf_32();
    const uint32_t entry = MARKED_GPA + 4;
    marked_elf_note(&elf, "Xen", NOTE_PHYS32, &entry, 3);
    refused(&elf, "neither a PVH note");
    marked_elf_note(&elf, "Xen", NOTE_PHYS32, &entry, 4);
    struct guest_memory mem;
    cr_assert_eq(load_bytes(elf.bytes, elf.len, &mem).rip, entry);
    guest_memory_unmap(&mem);
}

Test(boot_entries, pvh_start_info)
{
    struct marked_elf elf = marked_elf_64();
    marked_elf_pvh(&elf);
    struct mem_file kernel = mem_file(elf.bytes, elf.len);
    struct mem_file module = mem_file("\x7f"
                                      "ELF module",
                                      11);
    struct boot_request request = request_for(kernel.path);
    request.initrd = module.path; // a kernel's module may be one
    struct guest_memory mem;
    struct boot_state s = load_ok(&request, &mem);
    cr_assert_eq(s.rip, MARKED_GPA + 0x20);
    cr_assert_eq(s.zero_page_gpa, 0);
    const uint64_t info = s.rbx;
    cr_assert_eq(read_le(&mem, info, 4), 0x336ec578);
    cr_assert_eq(read_le(&mem, info + 4, 4), 1, "version");
    cr_assert_eq(read_le(&mem, info + 12, 4), 1, "modules");
    uint64_t list = read_le(&mem, info + 16, 8);
    uint64_t gpa = read_le(&mem, list, 8);
    cr_assert_eq(gpa, s.initrd_gpa);
    cr_assert_eq(read_le(&mem, list + 8, 8), 11);
    cr_assert_eq(memcmp(guest_memory_at(&mem, gpa, 11),
                        "\x7f"
                        "ELF module",
                        11),
                 0);
    cr_assert_str_eq(guest_memory_at(&mem, read_le(&mem, info + 24, 8), 16),
                     "console=ttyS0");
    cr_assert_eq(read_le(&mem, info + 32, 8), s.rsdp_gpa);
    uint64_t map = read_le(&mem, info + 40, 8);
    cr_assert_eq(read_le(&mem, info + 48, 4), 5);
    cr_assert_eq(read_le(&mem, map, 8), 0);
    cr_assert_eq(read_le(&mem, map + 8, 8), 0x9fc00);
    cr_assert_eq(read_le(&mem, map + 16, 4), 1, "RAM");
    cr_assert_eq(read_le(&mem, map + 24 + 16, 4), 2, "reserved");
    guest_memory_unmap(&mem);
    mem_file_close(&module);
    mem_file_close(&kernel);
}

// Xen's docs/misc/pvh.pandoc, to the letter.
Test(boot_entries, pvh_registers)
{
    struct marked_elf elf = marked_elf_64();
    marked_elf_pvh(&elf);
    struct guest_memory mem;
    struct boot_state s = load_bytes(elf.bytes, elf.len, &mem);
    const struct boot_segment *data[] = {&s.ds, &s.es, &s.ss, &s.fs, &s.gs};
    cr_assert_eq(s.cr0 & ~UINT64_C(0x10), 1, "PE alone; ET can't be cleared");
    cr_assert_eq(s.cr3 | s.cr4 | s.efer, 0);
    cr_assert_eq(s.rflags, 2, "VM, IF and TF are clear");
    cr_assert_eq(s.cs.base, 0);
    cr_assert_eq(s.cs.limit, 0xffffffff);
    cr_assert_eq(s.cs.type, 0xb, "execute, read");
    cr_assert(s.cs.present && s.cs.big && s.cs.code_or_data);
    cr_assert_not(s.cs.long_mode);
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) {
        cr_assert_eq(data[i]->base, 0);
        cr_assert_eq(data[i]->limit, 0xffffffff);
        cr_assert_eq(data[i]->type, 3, "read, write");
        cr_assert(data[i]->present && data[i]->big);
    }
    cr_assert_eq(s.tr.base, 0);
    cr_assert_eq(s.tr.limit, 0x67);
    cr_assert_eq(s.tr.type, 0xb, "a 32-bit TSS, active");
    // What reloads the selectors gets the same.
    uint64_t code = read_le(&mem, s.gdt.base + s.cs.selector, 8);
    cr_assert_eq(code >> 40 & 0xff, 0x9b);
    cr_assert_eq(code >> 52 & 0xf, 0xc, "G, D/B, no L");
    guest_memory_unmap(&mem);
}

// ---- Multiboot -------------------------------------------------------------

Test(boot_entries, multiboot_information)
{
    struct marked_elf elf = marked_elf_32();
    marked_elf_multiboot(&elf, MARKED_TEXT, 3, NULL);
    struct mem_file kernel = mem_file(elf.bytes, elf.len);
    struct mem_file module = mem_file("MODULE", 6);
    struct boot_request request = request_for(kernel.path);
    request.initrd = module.path;
    struct guest_memory mem;
    struct boot_state s = load_ok(&request, &mem);
    cr_assert_eq(s.entry, BOOT_ENTRY_MULTIBOOT);
    cr_assert_eq(s.rip, MARKED_ENTRY);
    cr_assert_eq(s.rax, 0x2badb002);
    cr_assert_eq(s.cr0, 0x11);
    const uint64_t info = s.rbx;
    cr_assert_eq(read_le(&mem, info, 4), 0x24d, "flags");
    cr_assert_eq(read_le(&mem, info + 4, 4), 639, "KiB below 1 MiB");
    cr_assert_eq(read_le(&mem, info + 8, 4), UINT64_C(15) * 1024, "KiB above");
    // A program's name comes first, as in argv.
    char line[64];
    snprintf(line, sizeof(line), "%s console=ttyS0", kernel.path);
    cr_assert_str_eq(guest_memory_at(&mem, read_le(&mem, info + 16, 4), 64),
                     line);
    cr_assert_eq(read_le(&mem, info + 20, 4), 1, "modules");
    uint64_t list = read_le(&mem, info + 24, 4);
    uint64_t start = read_le(&mem, list, 4);
    cr_assert_eq(start % 4096, 0);
    cr_assert_eq(read_le(&mem, list + 4, 4) - start, 6);
    cr_assert_eq(memcmp(guest_memory_at(&mem, start, 6), "MODULE", 6), 0);
    cr_assert_str_eq(guest_memory_at(&mem, read_le(&mem, list + 8, 4), 32),
                     module.path);
    cr_assert_eq(read_le(&mem, info + 44, 4), UINT64_C(5) * 24, "memory map");
    uint64_t map = read_le(&mem, info + 48, 4);
    cr_assert_eq(read_le(&mem, map, 4), 20);
    cr_assert_eq(read_le(&mem, map + 4 + 8, 8), 0x9fc00);
    cr_assert_eq(read_le(&mem, map + 4 + 16, 4), 1);
    cr_assert_str_eq(guest_memory_at(&mem, read_le(&mem, info + 64, 4), 8),
                     "toyvmm");
    guest_memory_unmap(&mem);
    mem_file_close(&module);
    mem_file_close(&kernel);
}

// No ELF file at all: the header says where it goes.
Test(boot_entries, multiboot_addresses)
{
    // header, load, load end, bss end, entry
    static const uint32_t words[] = {0x200040, 0x200000, 0x200300, 0x201000,
                                     0x200100};
    struct marked_elf flat = {.len = 0x400};
    memset(flat.bytes + 0x80, 0x90, 0x380);
    marked_elf_multiboot(&flat, 0xc0, 0x10003, words);
    struct guest_memory mem;
    struct boot_state s = load_bytes(flat.bytes, flat.len, &mem);
    cr_assert_eq(s.kind, BOOT_IMAGE_FLAT);
    cr_assert_eq(s.rip, 0x200100);
    cr_assert_eq(s.kernel_gpa, 0x200000);
    cr_assert_eq(s.kernel_size, 0x1000);
    cr_assert_eq(read_le(&mem, 0x200040, 4), 0x1badb002);
    cr_assert_eq(read_le(&mem, 0x2002ff, 1), 0x90);
    cr_assert_eq(read_le(&mem, 0x200300, 1), 0);
    guest_memory_unmap(&mem);

    // In an ELF file they are there to be used in place of its own.
    struct marked_elf elf = marked_elf_64();
    marked_elf_multiboot(&elf, MARKED_TEXT, 0x10003,
                         (uint32_t[]){0x300000, 0x300000, 0, 0, 0x300020});
    s = load_bytes(elf.bytes, elf.len, &mem);
    cr_assert_eq(s.rip, 0x300020);
    cr_assert_eq(s.kernel_size, elf.len - MARKED_TEXT, "to the file's end");
    guest_memory_unmap(&mem);
}

Test(boot_entries, multiboot_addresses_that_contradict)
{
    static const struct {
        uint32_t words[5];
        const char *what, *says;
    } bad[] = {
        {{0x1fffff, 0x200000, 0, 0, 0x200100}, "header below", "the header"},
        {{0x200100, 0x200000, 0, 0, 0x200100}, "before the file", "the header"},
        {{0x200040, 0x200000, 0x200000, 0, 0x200000}, "empty", "ends before"},
        {{0x200040, 0x200000, 0, 0, 0x1fffff}, "entry low", "the entry"},
        {{0x200040, 0x200000, 0, 0, 0x200400}, "entry high", "the entry"},
        {{0x200040, 0x200000, 0x210000, 0, 0x200100}, "long", "truncated"},
        {{0x40, 0, 0, 0, 0x100}, "at 0", "below 1 MiB"},
        {{0xffff0040, 0xffff0000, 0, 0, 0xffff0100}, "high", "is firmware"},
        {{0xc0000040, 0xc0000000, 0, 0, 0xc0000100}, "3 GiB", "below 3 GiB"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct marked_elf flat = {.len = 0x400};
        marked_elf_multiboot(&flat, 0xc0, 0x10003, bad[i].words);
        assert_bytes_refused(flat.bytes, flat.len, bad[i].says, bad[i].what);
    }
}

Test(boot_entries, multiboot_header_is_looked_for_as_specified)
{
    // Its sum must be right, its place a multiple of 4.
    struct marked_elf elf = marked_elf_32();
    marked_elf_multiboot(&elf, MARKED_TEXT + 0x102, 3, NULL);
    refused(&elf, "neither a PVH note");
    elf = marked_elf_32();
    marked_elf_multiboot(&elf, MARKED_TEXT + 0x100, 3, NULL);
    elf.bytes[MARKED_TEXT + 0x108] ^= 1;
    refused(&elf, "neither a PVH note");
    // What it asks for and can't be had does not keep it from running.
    elf = marked_elf_32();
    marked_elf_multiboot(&elf, MARKED_TEXT + 0x100, 7, NULL);
    assert_noted(elf.bytes, elf.len, "video mode", "video");
    marked_elf_multiboot(&elf, MARKED_TEXT + 0x100, 0x83, NULL);
    assert_noted(elf.bytes, elf.len, "flags 0x80", "unknown");
}
