// SPDX-License-Identifier: Apache-2.0
// What the tests of the symbols room share: a memory made of pieces, files, and
// a writer of kallsyms tables in each layout that kernels have had.
#pragma once

#include "harness/symbols/symbols.h"

#include <stddef.h>
#include <stdint.h>

// ---- Memory -----------------------------------------------------------------

#define PIECES_MAX 32

// Not owning the bytes.
struct pieces {
    size_t n;
    struct {
        uint64_t address;
        const void *bytes;
        size_t len;
    } list[PIECES_MAX];
};

void pieces_add(struct pieces *p, uint64_t address, const void *bytes,
                size_t len);
struct ksyms_memory pieces_memory(struct pieces *p);

// ---- Files ------------------------------------------------------------------

// A temporary file of these bytes; the path is good until the next call.
const char *temp_file(const void *bytes, size_t len);

// ---- kallsyms ---------------------------------------------------------------

struct source_symbol {
    uint64_t address;
    const char *text; // its type and its name: "Tpanic"
};

enum kallsyms_layout {
    LAYOUT_OLD,        // offsets in front, u32 markers
    LAYOUT_MARKERS_64, // the same, u64 markers and count
    LAYOUT_ADDRESSES,  // u64 addresses in front
    LAYOUT_SEQS,       // 6.2 and 6.3: seqs behind the markers
    LAYOUT_NEW,        // since 6.4: offsets behind the tokens
    LAYOUT_UNSIGNED,   // since 6.15: unsigned offsets
    LAYOUTS,
};

struct image {
    uint8_t *bytes; // heap
    size_t len, cap;
};

// Appends tables for symbols that ascend by address; base is the first address
// of the kernel's half among them.
void kallsyms_write(struct image *out, enum kallsyms_layout layout,
                    const struct source_symbol *symbols, size_t n,
                    uint64_t base);
void image_free(struct image *i);
void image_pad(struct image *i, size_t align);
void image_put(struct image *i, const void *bytes, size_t len);
void image_number(struct image *i, uint64_t value, size_t width);

uint64_t next_random(uint64_t *state); // xorshift64*
