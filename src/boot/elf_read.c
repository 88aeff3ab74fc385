// SPDX-License-Identifier: Apache-2.0
// ELF header and program headers; see elf.h.
#include "src/boot/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

static int refuse(const struct image *image, struct error *err,
                  const char *sentence)
{
    return error_set(err, -EINVAL, "kernel %s %s", image->path, sentence);
}

static const char *machine_name(uint16_t machine)
{
    static const struct {
        uint16_t machine;
        const char *name;
    } names[] = {
        {EM_386, "32-bit x86"},       {EM_AARCH64, "ARM64"},
        {EM_ARM, "32-bit ARM"},       {EM_RISCV, "RISC-V"},
        {EM_PPC64, "64-bit POWER"},   {EM_PPC, "32-bit PowerPC"},
        {EM_S390, "IBM Z (s390)"},    {EM_MIPS, "MIPS"},
        {EM_SPARCV9, "64-bit SPARC"}, {EM_IA_64, "Itanium"},
        {258, "LoongArch"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "another machine";
}

// The fields that lie at the same place in both classes.
static int check_ident(const struct image *image, const Elf32_Ehdr *eh,
                       struct error *err)
{
    // Big-endian ones are told by their byte order first, so that no name is
    // guessed wrongly.
    if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
        return refuse(image, err,
                      "is a big-endian ELF file: give a kernel for x86-64");
    bool is_64 = eh->e_ident[EI_CLASS] == ELFCLASS64;
    if (eh->e_machine != EM_X86_64 && (eh->e_machine != EM_386 || is_64))
        return error_set(err, -EINVAL,
                         "kernel %s is an ELF file for %s (machine %u): give "
                         "a kernel for x86-64",
                         image->path, machine_name(eh->e_machine),
                         eh->e_machine);
    if (!is_64 && eh->e_ident[EI_CLASS] != ELFCLASS32)
        return refuse(image, err,
                      "is damaged: it is no ELF file of 32 or 64 bits");
    if (eh->e_type == ET_REL)
        return refuse(image, err,
                      "is an object file or kernel module: give "
                      "the linked vmlinux");
    if (eh->e_type == ET_CORE)
        return refuse(image, err, "is a core dump: give a vmlinux");
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return refuse(image, err, "is no ELF executable: give a vmlinux");
    return 0;
}

struct table {
    uint64_t offset;
    uint64_t entry_size;
    uint64_t count;
};

static int check_table(const struct image *image, struct table table,
                       uint64_t wanted, struct error *err)
{
    if (table.entry_size != wanted || table.count == 0)
        return refuse(image, err,
                      "has no ELF program headers to load: give "
                      "the linked vmlinux");
    if (table.count > ELF_SEGMENTS_MAX)
        return error_set(err, -EINVAL,
                         "kernel %s has %llu ELF program headers, more than "
                         "any kernel: it is damaged, build or download it "
                         "again",
                         image->path, (unsigned long long)table.count);
    if (table.offset > image->size ||
        table.count * wanted > image->size - table.offset)
        return error_set(err, -EINVAL,
                         "kernel %s is truncated: its ELF program headers lie "
                         "at 0x%llx, but it has %llu bytes",
                         image->path, (unsigned long long)table.offset,
                         (unsigned long long)image->size);
    return 0;
}

// The two classes have the same fields, of another width and order.
#define SEGMENT(ph)                                                            \
    ((struct elf_segment){.type = (ph).p_type,                                 \
                          .offset = (ph).p_offset,                             \
                          .file_size = (ph).p_filesz,                          \
                          .virtual = (ph).p_vaddr,                             \
                          .physical = (ph).p_paddr,                            \
                          .mem_size = (ph).p_memsz,                            \
                          .align = (ph).p_align})
#define TABLE(eh) ((struct table){(eh).e_phoff, (eh).e_phentsize, (eh).e_phnum})

static int read_64(struct elf_file *elf, struct error *err)
{
    const struct image *image = elf->image;
    Elf64_Ehdr eh;
    if (image->head_len < sizeof(eh))
        return refuse(image, err, "is truncated: its ELF header isn't whole");
    memcpy(&eh, image->head, sizeof(eh));
    Elf64_Phdr phdrs[ELF_SEGMENTS_MAX];
    int rc = check_table(image, TABLE(eh), sizeof(phdrs[0]), err);
    if (rc == 0)
        rc = image_read(image, eh.e_phoff, phdrs, eh.e_phnum * sizeof(phdrs[0]),
                        err);
    if (rc < 0)
        return rc;
    elf->entry = eh.e_entry;
    elf->count = eh.e_phnum;
    for (size_t i = 0; i < elf->count; i++)
        elf->segments[i] = SEGMENT(phdrs[i]);
    return 0;
}

static int read_32(struct elf_file *elf, struct error *err)
{
    const struct image *image = elf->image;
    Elf32_Ehdr eh;
    memcpy(&eh, image->head, sizeof(eh));
    Elf32_Phdr phdrs[ELF_SEGMENTS_MAX];
    int rc = check_table(image, TABLE(eh), sizeof(phdrs[0]), err);
    if (rc == 0)
        rc = image_read(image, eh.e_phoff, phdrs, eh.e_phnum * sizeof(phdrs[0]),
                        err);
    if (rc < 0)
        return rc;
    elf->entry = eh.e_entry;
    elf->count = eh.e_phnum;
    for (size_t i = 0; i < elf->count; i++)
        elf->segments[i] = SEGMENT(phdrs[i]);
    return 0;
}

int elf_read_headers(const struct image *image, struct elf_file *elf,
                     struct error *err)
{
    *elf = (struct elf_file){.image = image};
    Elf32_Ehdr eh;
    if (image->head_len < sizeof(eh))
        return refuse(image, err, "is truncated: its ELF header isn't whole");
    memcpy(&eh, image->head, sizeof(eh));
    int rc = check_ident(image, &eh, err);
    if (rc < 0)
        return rc;
    elf->os = eh.e_ident[EI_OSABI];
    elf->is_64 = eh.e_ident[EI_CLASS] == ELFCLASS64;
    return elf->is_64 ? read_64(elf, err) : read_32(elf, err);
}
