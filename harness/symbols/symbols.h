// SPDX-License-Identifier: Apache-2.0
// Names for a guest kernel's addresses, where it was loaded, and a walk through
// its stack. Used by the runner, for failure reports. Files and guest memory
// are hostile input; a table, once made, is plain data.
#pragma once

#include "src/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The guest's memory by virtual address: copies up to len bytes until the
// first that can't be read, returns how many.
struct ksyms_memory {
    void *owner;
    size_t (*read)(void *owner, uint64_t address, void *to, size_t len);
};

// How long a search may take: asked now and then, it is given up once `over`
// says so.
struct ksyms_patience {
    void *owner;
    bool (*over)(void *owner);
};

// ---- A table ----------------------------------------------------------------

struct ksyms; // owned by its maker, used by one thread

// Reads the symbols of a file: an ELF vmlinux with a symbol table, or without
// one but with the kernel's own (kallsyms) inside; a System.map; a copy of
// /proc/kallsyms. NULL with a sentence in err when it is none of these, or
// damaged, or when patience (NULL: endless) was over. The addresses are those
// of the file until ksyms_fit.
struct ksyms *ksyms_load(const char *path,
                         const struct ksyms_patience *patience,
                         struct error *err);

// Reads the symbols that a Linux kernel carries with it (CONFIG_KALLSYMS; of
// stock kernels all do) from its memory. They are where the kernel is:
// ksyms_fit is not needed. NULL with a sentence in err when there are none, or
// when patience (NULL: endless) was over.
struct ksyms *ksyms_of_kernel(const struct ksyms_memory *memory,
                              const struct ksyms_patience *patience,
                              struct error *err);

void ksyms_free(struct ksyms *s); // NULL is fine

size_t ksyms_count(const struct ksyms *s);

// The address of a symbol by name. False when there is none.
bool ksyms_address(const struct ksyms *s, const char *name, uint64_t *address);

struct ksym {
    const char *name; // of the function, owned by the table
    uint64_t offset;  // of the address in it
    uint64_t size;    // up to the next symbol
};

// The function that an address lies in. False when it lies in none.
bool ksyms_find(const struct ksyms *s, uint64_t address, struct ksym *out);

// ---- Where the kernel was loaded --------------------------------------------

// What the kernel has told the processor about itself.
struct ksyms_cpu {
    uint64_t lstar; // MSR 0xc0000082, 0: unknown
    uint64_t idt_base;
    uint16_t idt_limit;
};

enum ksyms_fit {
    KSYMS_FIT,     // the table has the guest's addresses now
    KSYMS_UNKNOWN, // the kernel has not told enough (yet)
    KSYMS_MISFIT,  // it told, and this is another kernel's table
};

// Finds out by how much address space randomization moved the kernel, by
// comparing the handlers that the processor was told of with the symbols of
// the same name, and moves the table. At least two must agree; *moved gets by
// how much.
enum ksyms_fit ksyms_fit(struct ksyms *s, const struct ksyms_memory *memory,
                         const struct ksyms_cpu *cpu, int64_t *moved);

// ---- The stack --------------------------------------------------------------

struct ksyms_frame {
    uint64_t address; // a return address, or where an exception came
    bool sure;        // by tables or frame pointers; else merely found there
    bool exact;       // the instruction itself, not the one after a call
};

struct ksyms_regs {
    uint64_t rip, rsp, rbp;
};

// The callers of rip, the last one first: up to max. Exact by the kernel's own
// unwind tables (ORC) or its chain of frame pointers, through interrupted
// contexts too. Of a kernel that has neither: what is on the stack and can only
// be a return address, in a function and behind a call instruction; such
// addresses may be left from calls that are over.
size_t ksyms_stack(const struct ksyms *s, const struct ksyms_memory *memory,
                   const struct ksyms_regs *regs, struct ksyms_frame *frames,
                   size_t max);
