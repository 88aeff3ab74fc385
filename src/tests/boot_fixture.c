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
