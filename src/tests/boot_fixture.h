// SPDX-License-Identifier: Apache-2.0
// What the tests of src/boot share: files that exist in memory only, small
// synthetic kernels to be spoilt, and short ways to load and to be refused.
#pragma once

#include "src/base/guest_memory.h"
#include "src/boot/boot.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIB (UINT64_C(1) << 20)

// A regular file with a path but no directory entry.
struct mem_file {
    int fd;
    char path[32];
};

struct mem_file mem_file(const void *bytes, size_t len);
void mem_file_close(struct mem_file *file);

// A vmlinux in small: text at 1 MiB (virtual 0xffffffff81000000), data with
// bss at 2 MiB, a note. Ends with the data's last byte.
#define ELF_TEXT_GPA  UINT64_C(0x100000)
#define ELF_TEXT_VA   UINT64_C(0xffffffff81000000)
#define ELF_DATA_GPA  UINT64_C(0x200000)
#define ELF_DATA_MEM  UINT64_C(0x3000)
#define ELF_TEXT_SIZE 0x300
#define ELF_DATA_SIZE 0x100
#define ELF_TEXT_FILL 0x90
#define ELF_DATA_FILL 0xdd

struct small_elf {
    Elf64_Ehdr eh;
    Elf64_Phdr ph[3];
    uint8_t text[ELF_TEXT_SIZE];
    uint8_t data[ELF_DATA_SIZE];
} __attribute__((packed));

struct small_elf small_elf(void);

// A kernel of one segment in small, that says of itself what it is told to: 512
// bytes of nop at 1 MiB, entry at its byte 0x10, and a PT_NOTE.
#define MARKED_GPA    UINT64_C(0x100000)
#define MARKED_TEXT   0x200 // in the file
#define MARKED_NOTES  0x400
#define MARKED_ENTRY  (MARKED_GPA + 0x10)
#define NOTE_PHYS32   18 // XEN_ELFNOTE_PHYS32_ENTRY
#define NOTE_GUEST_OS 6  // XEN_ELFNOTE_GUEST_OS

struct marked_elf {
    size_t len; // grows with the notes
    uint8_t bytes[0x800];
};

struct marked_elf marked_elf_64(void);
struct marked_elf marked_elf_32(void);
void marked_elf_note(struct marked_elf *elf, const char *owner, uint32_t type,
                     const void *desc, size_t len);
// XEN_ELFNOTE_PHYS32_ENTRY with MARKED_GPA + 0x20.
void marked_elf_pvh(struct marked_elf *elf);
// A multiboot header at this place in the file; words are the addresses, NULL
// for none.
void marked_elf_multiboot(struct marked_elf *elf, size_t at, uint32_t flags,
                          const uint32_t words[5]);

// A bzImage in small: relocatable, prefers 2 MiB, protocol 2.15.
#define BZ_SECTS     3
#define BZ_BODY      0x800
#define BZ_BODY_FILL 0xb2
#define BZ_PREF      UINT64_C(0x200000)
#define BZ_ALIGN     0x200000U
#define BZ_INIT_SIZE 0x10000U

struct small_bzimage {
    uint8_t setup[(BZ_SECTS + 1) * 512];
    uint8_t body[BZ_BODY];
} __attribute__((packed));

struct small_bzimage small_bzimage(void);

// The setup header's place in it, to be changed. Unaligned.
struct setup_header *bz_header(struct small_bzimage *image);

// Boots this kernel alone, "console=ttyS0", one CPU, 16 MiB.
struct boot_request request_for(const char *kernel);

// boot_check and boot_load must both refuse with code and a sentence that
// holds words; what names the case in the failure message.
void assert_refused(const struct boot_request *request, int code,
                    const char *words, const char *what);
void assert_bytes_refused(const void *bytes, size_t len, const char *words,
                          const char *what);

// Loads into fresh guest memory, which the caller unmaps; fails the test when
// that is refused.
struct boot_state load_ok(const struct boot_request *request,
                          struct guest_memory *mem);
struct boot_state load_bytes(const void *bytes, size_t len,
                             struct guest_memory *mem);

// One of the state's notes holds words.
bool has_note(const struct boot_state *state, const char *words);

// Loads and unloads: there must be such a note (or, words NULL, none at all).
void assert_noted(const void *bytes, size_t len, const char *words,
                  const char *what);

// Deterministic random numbers (splitmix64).
uint64_t random_next(uint64_t *state);

// The sum of len bytes of guest memory, modulo 256.
uint8_t byte_sum(const void *bytes, size_t len);
