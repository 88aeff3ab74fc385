// SPDX-License-Identifier: Apache-2.0
// Files that are what they are by a few bytes, for the tests of `init`.
#pragma once

#include "harness/cli/init.h"
#include "harness/tests/cli_files.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>

#define KERNEL_BYTES 16384

static inline void put_bytes(const char *name, const void *bytes, size_t len)
{
    FILE *f = fopen(name, "we");
    cr_assert_not_null(f, "%s", name);
    cr_assert_eq(fwrite(bytes, 1, len, f), len);
    cr_assert_eq(fclose(f), 0);
}

// A bzImage as short as one can be. age: so many seconds old.
static inline void put_bzimage(const char *name, const char *version, int age)
{
    uint8_t bytes[KERNEL_BYTES] = {0};
    const struct setup_header header = {
        .setup_sects = 3,
        .syssize = (KERNEL_BYTES - 4 * 512) / 16,
        .boot_flag = 0xaa55,
        .jump = 0x6aeb,
        .header = 0x53726448,
        .version = 0x20f,
        .kernel_version = 0x300,
        .loadflags = LOADED_HIGH,
        .code32_start = 0x100000,
        .initrd_addr_max = 0x7fffffff,
        .kernel_alignment = 0x200000,
        .relocatable_kernel = 1,
        .xloadflags = XLF_KERNEL_64,
        .cmdline_size = 2047,
        .pref_address = 0x1000000,
        .init_size = 0x100000,
    };
    const time_t now = time(NULL);
    const struct timespec times[2] = {{.tv_sec = now - age},
                                      {.tv_sec = now - age}};
    memcpy(bytes + 0x1f1, &header, sizeof(header));
    snprintf((char *)bytes + 0x500, 64, "%s (me@here) #1", version);
    put_bytes(name, bytes, sizeof(bytes));
    cr_assert_eq(utimensat(AT_FDCWD, name, times, 0), 0);
}

// An ELF kernel, or, without a banner, some program.
static inline void put_vmlinux(const char *name, const char *banner)
{
    uint8_t bytes[KERNEL_BYTES] = {0};
    const Elf64_Ehdr eh = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = 0x1000000,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 1};
    const Elf64_Phdr ph = {.p_type = PT_LOAD,
                           .p_offset = 4096,
                           .p_vaddr = 0x1000000,
                           .p_paddr = 0x1000000,
                           .p_filesz = 4096,
                           .p_memsz = 4096};
    memcpy(bytes, &eh, sizeof(eh));
    memcpy(bytes + sizeof(eh), &ph, sizeof(ph));
    strcpy((char *)bytes + 5000, banner);
    put_bytes(name, bytes, sizeof(bytes));
}

static inline void put_cpio(const char *name)
{
    char bytes[1024] = "070701";
    put_bytes(name, bytes, sizeof(bytes));
}

// A disk with a Linux partition, number 2.
static inline void put_mbr(const char *name)
{
    uint8_t bytes[4096] = {[510] = 0x55, [511] = 0xaa};
    bytes[446 + 4] = 0x82;
    bytes[446 + 12] = 9;
    bytes[446 + 16 + 4] = 0x83;
    bytes[446 + 16 + 12] = 5;
    put_bytes(name, bytes, sizeof(bytes));
}

static inline void run_shell(const char *command)
{
    cr_assert_eq(system(command), 0, "%s", command);
}
