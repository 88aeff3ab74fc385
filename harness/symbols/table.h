// SPDX-License-Identifier: Apache-2.0
// The symbol table behind symbols.h and its readers. For harness/symbols only.
#pragma once

#include "harness/symbols/symbols.h"

#define KSYMS_NAME_MAX 512 // Linux: 511 and the NUL

struct ksym_entry {
    uint64_t address;
    uint32_t name; // offset in names
    uint8_t rank;  // of those at one address the lowest is shown
    bool text;     // a function's, or what counts as one
};

// Invariant, once finished: entries ascend by address, those of one address by
// rank; names[entry.name..] is NUL-terminated.
struct ksyms {
    struct ksym_entry *entries;
    size_t n, cap;
    char *names;
    size_t names_len, names_cap;
    uint64_t moved; // is added to every address, wrapping round
    const struct ksyms_patience *patience; // while it is read, or NULL
};

// NULL with err when out of memory.
struct ksyms *table_new(struct error *err);

// 0, or -ETIMEDOUT with a sentence when the search has to be given up. For each
// step of a search that takes long; it asks only now and then whether n, which
// counts the steps, makes it worthwhile.
#define TABLE_STEPS 1024
int table_check(const struct ksyms *s, size_t n, struct error *err);

// Adds a symbol; type is a letter as nm(1) prints it: t, T, w and W are
// functions. Names that are empty, too long or unprintable are left out, as are
// the compiler's own (".L..."). 0, -ENOMEM, -ETIMEDOUT, or -EINVAL for more
// symbols than any kernel has.
int table_add(struct ksyms *s, uint64_t address, char type, const char *name,
              size_t len, struct error *err);

// Sorts. -EINVAL with a sentence when it holds no function.
int table_finish(struct ksyms *s, const char *what, struct error *err);

// ---- Readers: all fill a table that is then finished ------------------------

// A part of an address space.
struct ksyms_range {
    uint64_t start, end;
};

// Looks for kallsyms in the ranges. 0, -ENOENT when there is none that holds
// together, -ENOMEM, -ETIMEDOUT.
int kallsyms_read(struct ksyms *s, const struct ksyms_memory *memory,
                  const struct ksyms_range *ranges, size_t n,
                  struct error *err);

// An ELF file, size bytes long. path is for the sentences.
int elf_read(struct ksyms *s, int fd, uint64_t size, const char *path,
             struct error *err);

// A System.map or kallsyms text.
int map_read(struct ksyms *s, const char *text, size_t len, const char *path,
             struct error *err);
