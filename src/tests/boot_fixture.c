// SPDX-License-Identifier: Apache-2.0
// See boot_fixture.h.
#include "src/tests/boot_fixture.h"

#include <asm/bootparam.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct mem_file mem_file(const void *bytes, size_t len)
{
    struct mem_file file;
    file.fd = memfd_create("boot-test", MFD_CLOEXEC);
    cr_assert(file.fd >= 0);
    cr_assert_eq(write(file.fd, bytes, len), (ssize_t)len);
    snprintf(file.path, sizeof(file.path), "/proc/self/fd/%d", file.fd);
    return file;
}

void mem_file_close(struct mem_file *file)
{
    close(file->fd);
    file->fd = -1;
}

struct small_elf small_elf(void)
{
    struct small_elf elf = {
        .eh = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
                           EV_CURRENT},
               .e_type = ET_EXEC,
               .e_machine = EM_X86_64,
               .e_version = EV_CURRENT,
               .e_entry = ELF_TEXT_GPA + 0x10,
               .e_phoff = offsetof(struct small_elf, ph),
               .e_ehsize = sizeof(Elf64_Ehdr),
               .e_phentsize = sizeof(Elf64_Phdr),
               .e_phnum = 3},
        .ph = {{.p_type = PT_LOAD,
                .p_offset = offsetof(struct small_elf, text),
                .p_vaddr = ELF_TEXT_VA,
                .p_paddr = ELF_TEXT_GPA,
                .p_filesz = ELF_TEXT_SIZE,
                .p_memsz = ELF_TEXT_SIZE},
               {.p_type = PT_LOAD,
                .p_offset = offsetof(struct small_elf, data),
                .p_vaddr = ELF_TEXT_VA + MIB,
                .p_paddr = ELF_DATA_GPA,
                .p_filesz = ELF_DATA_SIZE,
                .p_memsz = ELF_DATA_MEM},
               {.p_type = PT_NOTE,
                .p_offset = offsetof(struct small_elf, text),
                .p_filesz = 16}},
    };
    memset(elf.text, ELF_TEXT_FILL, sizeof(elf.text));
    memset(elf.data, ELF_DATA_FILL, sizeof(elf.data));
    return elf;
}

static struct marked_elf marked_elf(const void *eh, size_t eh_len,
                                    const void *ph, size_t ph_len)
{
    struct marked_elf elf = {.len = MARKED_NOTES};
    memcpy(elf.bytes, eh, eh_len);
    memcpy(elf.bytes + eh_len, ph, ph_len);
    memset(elf.bytes + MARKED_TEXT, ELF_TEXT_FILL, MARKED_NOTES - MARKED_TEXT);
    return elf;
}

// The same fields in both classes.
#define MARKED_HEADER(class, its_machine, type)                                \
    {                                                                          \
        .e_ident = {0x7f, 'E', 'L', 'F', (class), ELFDATA2LSB, EV_CURRENT},    \
        .e_type = ET_EXEC, .e_machine = (its_machine),                         \
        .e_version = EV_CURRENT, .e_entry = MARKED_ENTRY,                      \
        .e_phoff = sizeof(type##_Ehdr), .e_ehsize = sizeof(type##_Ehdr),       \
        .e_phentsize = sizeof(type##_Phdr), .e_phnum = 2                       \
    }
#define MARKED_SEGMENTS                                                        \
    {                                                                          \
        {.p_type = PT_LOAD,                                                    \
         .p_offset = MARKED_TEXT,                                              \
         .p_vaddr = MARKED_GPA,                                                \
         .p_paddr = MARKED_GPA,                                                \
         .p_filesz = MARKED_NOTES - MARKED_TEXT,                               \
         .p_memsz = MARKED_NOTES - MARKED_TEXT},                               \
        {                                                                      \
            .p_type = PT_NOTE, .p_offset = MARKED_NOTES, .p_align = 4          \
        }                                                                      \
    }

struct marked_elf marked_elf_64(void)
{
    const Elf64_Ehdr eh = MARKED_HEADER(ELFCLASS64, EM_X86_64, Elf64);
    const Elf64_Phdr ph[] = MARKED_SEGMENTS;
    return marked_elf(&eh, sizeof(eh), ph, sizeof(ph));
}

struct marked_elf marked_elf_32(void)
{
    const Elf32_Ehdr eh = MARKED_HEADER(ELFCLASS32, EM_386, Elf32);
    const Elf32_Phdr ph[] = MARKED_SEGMENTS;
    return marked_elf(&eh, sizeof(eh), ph, sizeof(ph));
}

static void append(struct marked_elf *elf, const void *bytes, size_t len)
{
    size_t padded = (len + 3) & ~(size_t)3;
    cr_assert_leq(elf->len + padded, sizeof(elf->bytes));
    memcpy(elf->bytes + elf->len, bytes, len);
    elf->len += padded;
}

void marked_elf_note(struct marked_elf *elf, const char *owner, uint32_t type,
                     const void *desc, size_t len)
{
    const Elf64_Nhdr nh = {(uint32_t)strlen(owner) + 1, (uint32_t)len, type};
    append(elf, &nh, sizeof(nh));
    append(elf, owner, nh.n_namesz);
    append(elf, desc, len);
    uint32_t size = (uint32_t)(elf->len - MARKED_NOTES);
    size_t at = elf->bytes[EI_CLASS] == ELFCLASS64
                    ? sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr) +
                          offsetof(Elf64_Phdr, p_filesz)
                    : sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr) +
                          offsetof(Elf32_Phdr, p_filesz);
    memcpy(elf->bytes + at, &size, sizeof(size));
}

void marked_elf_pvh(struct marked_elf *elf)
{
    const uint64_t entry = MARKED_GPA + 0x20;
    marked_elf_note(elf, "Xen", NOTE_PHYS32, &entry, sizeof(entry));
}

void marked_elf_multiboot(struct marked_elf *elf, size_t at, uint32_t flags,
                          const uint32_t words[5])
{
    const uint32_t magic = 0x1badb002;
    const uint32_t header[] = {magic, flags, 0U - magic - flags};
    memcpy(elf->bytes + at, header, sizeof(header));
    if (words)
        memcpy(elf->bytes + at + sizeof(header), words, 5 * sizeof(*words));
}

struct small_bzimage small_bzimage(void)
{
    struct small_bzimage image = {0};
    struct setup_header header = {
        .setup_sects = BZ_SECTS,
        .syssize = BZ_BODY / 16,
        .boot_flag = 0xaa55,
        .jump = 0x6aeb, // the header ends at 0x202 + 0x6a
        .header = 0x53726448,
        .version = 0x20f,
        .loadflags = LOADED_HIGH,
        .code32_start = 0x100000,
        .initrd_addr_max = 0x7fffffff,
        .kernel_alignment = BZ_ALIGN,
        .relocatable_kernel = 1,
        .xloadflags = XLF_KERNEL_64,
        .cmdline_size = 2047,
        .payload_offset = 0x300,
        .payload_length = 0x400,
        .pref_address = BZ_PREF,
        .init_size = BZ_INIT_SIZE,
    };
    memcpy(bz_header(&image), &header, sizeof(header));
    memset(image.body, BZ_BODY_FILL, sizeof(image.body));
    return image;
}

struct setup_header *bz_header(struct small_bzimage *image)
{
    return (struct setup_header *)(image->setup + 0x1f1);
}

struct boot_request request_for(const char *kernel)
{
    return (struct boot_request){.kernel = kernel,
                                 .cmdline = "console=ttyS0",
                                 .memory = 16 * MIB,
                                 .cpus = 1,
                                 .ports = 4};
}

void assert_refused(const struct boot_request *request, int code,
                    const char *words, const char *what)
{
    struct error err = {""};
    int rc = boot_check(request, &err);
    cr_assert_eq(rc, code, "%s: boot_check gave %d: %s", what, rc, err.text);
    cr_assert(strstr(err.text, words), "%s: \"%s\" lacks \"%s\"", what,
              err.text, words);
    if (request->memory < MIB || request->memory > 64 * MIB)
        return;

    struct guest_memory mem;
    struct boot_state state = {.rip = 1};
    cr_assert_eq(guest_memory_map(&mem, request->memory, &err), 0);
    cr_assert_eq(boot_load(request, &mem, &state, &err), code, "%s", what);
    cr_assert(strstr(err.text, words), "%s: \"%s\" lacks \"%s\"", what,
              err.text, words);
    cr_assert_eq(state.rip, 1, "%s: out is written on success only", what);
    guest_memory_unmap(&mem);
}

void assert_bytes_refused(const void *bytes, size_t len, const char *words,
                          const char *what)
{
    struct mem_file file = mem_file(bytes, len);
    struct boot_request request = request_for(file.path);
    assert_refused(&request, -EINVAL, words, what);
    mem_file_close(&file);
}

struct boot_state load_ok(const struct boot_request *request,
                          struct guest_memory *mem)
{
    struct error err = {""};
    struct boot_state state = {0};
    int rc = boot_check(request, &err);
    cr_assert_eq(rc, 0, "boot_check: %s", err.text);
    cr_assert_eq(guest_memory_map(mem, request->memory, &err), 0, "%s",
                 err.text);
    rc = boot_load(request, mem, &state, &err);
    cr_assert_eq(rc, 0, "boot_load: %s", err.text);
    return state;
}

struct boot_state load_bytes(const void *bytes, size_t len,
                             struct guest_memory *mem)
{
    struct mem_file file = mem_file(bytes, len);
    struct boot_request request = request_for(file.path);
    struct boot_state state = load_ok(&request, mem);
    mem_file_close(&file);
    return state;
}

bool has_note(const struct boot_state *state, const char *words)
{
    for (size_t i = 0; i < state->notes.count; i++)
        if (strstr(state->notes.text[i], words))
            return true;
    return false;
}

void assert_noted(const void *bytes, size_t len, const char *words,
                  const char *what)
{
    struct guest_memory mem;
    struct boot_state s = load_bytes(bytes, len, &mem);
    if (words)
        cr_assert(has_note(&s, words), "%s: %zu notes, \"%s\"", what,
                  s.notes.count, s.notes.text[0]);
    else
        cr_assert_eq(s.notes.count, 0, "%s: %s", what, s.notes.text[0]);
    guest_memory_unmap(&mem);
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint8_t byte_sum(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint8_t sum = 0;
    while (len--)
        sum = (uint8_t)(sum + *at++);
    return sum;
}
