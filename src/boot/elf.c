// SPDX-License-Identifier: Apache-2.0
// ELF vmlinux: header and program headers, checked (System V ABI, "Object
// Files" and "Program Loading"); see kernel.h.
#include "src/boot/kernel.h"

#include "src/base/platform.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

// Linux has five; a bound so that a damaged count costs nothing.
#define PHDRS_MAX 128

// x86's COMMAND_LINE_SIZE less the NUL; an ELF file doesn't tell.
#define ELF_CMDLINE_MAX 2047

// What loaders assume when a kernel tells no limit: below 2 GiB is known to
// work with every 64-bit kernel, and so is anywhere since 3.9.
#define ELF_INITRD_MAX UINT64_C(0x7fffffff)

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
        {EM_SPARCV9, "64-bit SPARC"}, {258, "LoongArch"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "another machine";
}

static int check_header(const struct image *image, const Elf64_Ehdr *eh,
                        struct error *err)
{
    // e_machine lies at the same place in 32-bit files; big-endian ones are
    // told by their byte order first, so that no name is guessed wrongly.
    if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
        return refuse(image, err,
                      "is a big-endian ELF file: give a kernel for x86-64");
    if (eh->e_machine != EM_X86_64)
        return error_set(err, -EINVAL,
                         "kernel %s is an ELF file for %s (machine %u): give "
                         "a kernel for x86-64",
                         image->path, machine_name(eh->e_machine),
                         eh->e_machine);
    if (eh->e_ident[EI_CLASS] != ELFCLASS64)
        return refuse(image, err,
                      "is a 32-bit ELF file: give a 64-bit vmlinux");
    if (eh->e_type == ET_REL)
        return refuse(image, err,
                      "is an object file or kernel module: give "
                      "the linked vmlinux");
    if (eh->e_type == ET_CORE)
        return refuse(image, err, "is a core dump: give a vmlinux");
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return refuse(image, err, "is no ELF executable: give a vmlinux");
    if (eh->e_phentsize != sizeof(Elf64_Phdr) || eh->e_phnum == 0)
        return refuse(image, err,
                      "has no ELF program headers to load: give "
                      "the linked vmlinux");
    if (eh->e_phnum > PHDRS_MAX)
        return error_set(err, -EINVAL,
                         "kernel %s has %u ELF program headers, more than any "
                         "kernel: it is damaged, build or download it again",
                         image->path, eh->e_phnum);
    uint64_t table = eh->e_phnum * sizeof(Elf64_Phdr);
    if (eh->e_phoff > image->size || table > image->size - eh->e_phoff)
        return error_set(err, -EINVAL,
                         "kernel %s is truncated: its ELF program headers lie "
                         "at 0x%llx, but it has %llu bytes",
                         image->path, (unsigned long long)eh->e_phoff,
                         (unsigned long long)image->size);
    return 0;
}

static int check_segment(const struct image *image, const Elf64_Phdr *ph,
                         const struct kernel_plan *plan, struct error *err)
{
    if (ph->p_offset > image->size || ph->p_filesz > image->size - ph->p_offset)
        return error_set(err, -EINVAL,
                         "kernel %s is truncated: a segment of %llu bytes at "
                         "offset 0x%llx is not all there in %llu bytes",
                         image->path, (unsigned long long)ph->p_filesz,
                         (unsigned long long)ph->p_offset,
                         (unsigned long long)image->size);
    if (ph->p_filesz > ph->p_memsz)
        return refuse(image, err,
                      "is damaged: a segment is larger in the "
                      "file than in memory");
    if (ph->p_paddr < PLATFORM_HIGH_GPA)
        return error_set(err, -EINVAL,
                         "kernel %s wants to be loaded at 0x%llx, below 1 MiB,"
                         " where the boot data lies: link it higher",
                         image->path, (unsigned long long)ph->p_paddr);
    if (ph->p_paddr >= GUEST_LOW_RAM_END ||
        ph->p_memsz > GUEST_LOW_RAM_END - ph->p_paddr)
        return error_set(err, -EINVAL,
                         "kernel %s wants %llu bytes at physical address "
                         "0x%llx, but must lie below 3 GiB: is it a kernel, "
                         "and whole?",
                         image->path, (unsigned long long)ph->p_memsz,
                         (unsigned long long)ph->p_paddr);
    for (size_t i = 0; i < plan->nsegments; i++) {
        const struct kernel_segment *s = &plan->segments[i];
        if (ph->p_paddr < s->gpa + s->mem_size &&
            s->gpa < ph->p_paddr + ph->p_memsz)
            return error_set(err, -EINVAL,
                             "kernel %s is damaged: segments at 0x%llx and "
                             "0x%llx overlap",
                             image->path, (unsigned long long)s->gpa,
                             (unsigned long long)ph->p_paddr);
    }
    return 0;
}

static int add_segment(const struct image *image, const Elf64_Phdr *ph,
                       struct kernel_plan *plan, struct error *err)
{
    int rc = check_segment(image, ph, plan, err);
    if (rc < 0)
        return rc;
    if (plan->nsegments == KERNEL_SEGMENTS_MAX)
        return refuse(image, err,
                      "has more segments than any kernel: it is "
                      "damaged");
    plan->segments[plan->nsegments++] = (struct kernel_segment){
        ph->p_offset, ph->p_filesz, ph->p_paddr, ph->p_memsz};
    uint64_t end = ph->p_paddr + ph->p_memsz;
    if (plan->nsegments == 1 || ph->p_paddr < plan->start)
        plan->start = ph->p_paddr;
    if (end > plan->end)
        plan->end = end;
    return 0;
}

static bool has_content(const struct kernel_plan *plan)
{
    for (size_t i = 0; i < plan->nsegments; i++)
        if (plan->segments[i].file_size)
            return true;
    return false;
}

// Linux's e_entry is the physical address of startup_64; other kernels give
// the virtual one, which its segment maps. Only bytes that come from the file
// can be code.
static bool find_entry(const Elf64_Phdr *phdrs, size_t n, uint64_t entry,
                       uint64_t *physical)
{
    for (size_t i = 0; i < n; i++) {
        const Elf64_Phdr *ph = &phdrs[i];
        if (ph->p_type == PT_LOAD && entry >= ph->p_paddr &&
            entry - ph->p_paddr < ph->p_filesz) {
            *physical = entry;
            return true;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const Elf64_Phdr *ph = &phdrs[i];
        if (ph->p_type == PT_LOAD && entry >= ph->p_vaddr &&
            entry - ph->p_vaddr < ph->p_filesz) {
            *physical = ph->p_paddr + (entry - ph->p_vaddr);
            return true;
        }
    }
    return false;
}

int elf_plan(const struct image *image, struct kernel_plan *plan,
             struct error *err)
{
    memset(plan, 0, sizeof(*plan));
    plan->kind = BOOT_IMAGE_ELF;
    plan->cmdline_max = ELF_CMDLINE_MAX;
    plan->initrd_max = ELF_INITRD_MAX;
    plan->initrd_above = true;

    Elf64_Ehdr eh;
    if (image->head_len < sizeof(eh))
        return refuse(image, err, "is truncated: its ELF header isn't whole");
    memcpy(&eh, image->head, sizeof(eh));
    int rc = check_header(image, &eh, err);
    if (rc < 0)
        return rc;

    Elf64_Phdr phdrs[PHDRS_MAX];
    rc = image_read(image, eh.e_phoff, phdrs, eh.e_phnum * sizeof(Elf64_Phdr),
                    err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < eh.e_phnum; i++) {
        if (phdrs[i].p_type == PT_INTERP)
            return refuse(image, err,
                          "is a program that runs under Linux, "
                          "not a kernel: give a vmlinux or a "
                          "bzImage");
        if (phdrs[i].p_type != PT_LOAD ||
            (!phdrs[i].p_memsz && !phdrs[i].p_filesz))
            continue;
        rc = add_segment(image, &phdrs[i], plan, err);
        if (rc < 0)
            return rc;
    }
    if (!has_content(plan))
        return refuse(image, err,
                      "has nothing to load: is it the file with "
                      "the debug information alone?");
    if (!find_entry(phdrs, eh.e_phnum, eh.e_entry, &plan->entry))
        return error_set(err, -EINVAL,
                         "kernel %s is damaged: its entry 0x%llx lies in none "
                         "of its segments",
                         image->path, (unsigned long long)eh.e_entry);
    return 0;
}
