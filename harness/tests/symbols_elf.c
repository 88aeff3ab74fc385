// SPDX-License-Identifier: Apache-2.0
// ELF symbol tables, whole and damaged.
#include "harness/tests/symbols_util.h"

#include <criterion/criterion.h>
#include <elf.h>
#include <string.h>

// Sections: none, .text, .data, .symtab, .strtab.
#define SECTIONS 5

struct elf {
    Elf64_Ehdr header;
    Elf64_Shdr sections[SECTIONS];
    Elf64_Sym symbols[8];
    char names[64];
};

static struct elf whole(void)
{
    struct elf e = {
        .header =
            {
                .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
                            EV_CURRENT},
                .e_type = ET_EXEC,
                .e_machine = EM_X86_64,
                .e_shoff = sizeof(Elf64_Ehdr),
                .e_shentsize = sizeof(Elf64_Shdr),
                .e_shnum = SECTIONS,
            },
        .sections =
            {
                [1] = {.sh_type = SHT_PROGBITS,
                       .sh_flags = SHF_ALLOC | SHF_EXECINSTR},
                [2] = {.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC},
                [3] = {.sh_type = SHT_SYMTAB,
                       .sh_offset = offsetof(struct elf, symbols),
                       .sh_size = sizeof(e.symbols),
                       .sh_entsize = sizeof(Elf64_Sym),
                       .sh_link = 4},
                [4] = {.sh_type = SHT_STRTAB,
                       .sh_offset = offsetof(struct elf, names),
                       .sh_size = sizeof(e.names)},
            },
        .symbols =
            {
                [1] = {.st_name = 1,
                       .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                       .st_shndx = 1,
                       .st_value = 0xffffffff81000000},
                [2] = {.st_name = 7,
                       .st_info = ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE),
                       .st_shndx = 1,
                       .st_value = 0xffffffff81000100},
                [3] = {.st_name = 12,
                       .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
                       .st_shndx = 2,
                       .st_value = 0xffffffff81000200},
                // Not of the image: a constant, a file, another's.
                [4] = {.st_name = 1,
                       .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE),
                       .st_shndx = SHN_ABS,
                       .st_value = 0xffffffff81000001},
                [5] = {.st_name = 1,
                       .st_info = ELF64_ST_INFO(STB_LOCAL, STT_FILE),
                       .st_shndx = SHN_ABS},
                [6] = {.st_name = 1,
                       .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                       .st_shndx = SHN_UNDEF,
                       .st_value = 0xffffffff81000002},
            },
        .names = "\0first\0next\0datum",
    };
    return e;
}

static struct ksyms *load(const void *bytes, size_t len, struct error *err)
{
    return ksyms_load(temp_file(bytes, len), NULL, err);
}

Test(symbols_elf, a_symbol_table)
{
    struct elf e = whole();
    struct error err = {""};
    struct ksyms *s = load(&e, sizeof(e), &err);
    cr_assert(s, "%s", err.text);
    cr_expect_eq(ksyms_count(s), 3);
    struct ksym at;
    cr_assert(ksyms_find(s, 0xffffffff810000ff, &at));
    cr_expect_str_eq(at.name, "first");
    cr_assert(ksyms_find(s, 0xffffffff810001ff, &at));
    cr_expect_str_eq(at.name, "next");
    cr_expect_eq(at.size, 0x100);
    cr_expect_not(ksyms_find(s, 0xffffffff81000200, &at));
    ksyms_free(s);
}

static void refused(const struct elf *e, const char *why)
{
    struct error err = {""};
    cr_assert_null(load(e, sizeof(*e), &err));
    cr_expect(strstr(err.text, why), "%s", err.text);
}

Test(symbols_elf, headers_that_lie)
{
    struct elf e = whole();
    e.header.e_machine = EM_AARCH64;
    refused(&e, "x86-64");
    e = whole();
    e.header.e_type = ET_REL;
    refused(&e, "module");
    e = whole();
    e.header.e_shoff = UINT64_MAX - 10;
    refused(&e, "section headers");
    e = whole();
    e.sections[3].sh_link = SECTIONS;
    refused(&e, "header makes no sense");
    e = whole();
    e.sections[3].sh_entsize = 1;
    refused(&e, "header makes no sense");
    e = whole();
    e.sections[3].sh_size = UINT64_MAX / 2;
    refused(&e, "not whole");
    e = whole();
    e.sections[4].sh_offset = UINT64_MAX;
    refused(&e, "not whole");
    e = whole();
    e.symbols[1].st_name = sizeof(e.names);
    refused(&e, "name lies outside");
    e = whole();
    e.header.e_shnum = 0;
    refused(&e, "program headers");
    e = whole();
    e.sections[1].sh_flags = SHF_ALLOC;
    refused(&e, "names no function");
}

Test(symbols_elf, a_name_without_its_end)
{
    struct elf e = whole();
    memset(e.names, 'x', sizeof(e.names));
    struct error err;
    struct ksyms *s = load(&e, sizeof(e), &err);
    cr_assert(s);
    ksyms_free(s);
}

Test(symbols_elf, cut_off_anywhere)
{
    struct elf e = whole();
    struct error err;
    for (size_t len = 0; len < sizeof(e); len++) {
        struct ksyms *s = load(&e, len, &err);
        cr_assert(!s || len >= offsetof(struct elf, names) + 64);
        ksyms_free(s);
    }
}

Test(symbols_elf, each_byte_changed)
{
    struct error err;
    for (size_t i = 0; i < sizeof(struct elf); i++) {
        struct elf e = whole();
        ((uint8_t *)&e)[i] ^= 0xff;
        ksyms_free(load(&e, sizeof(e), &err));
    }
}
