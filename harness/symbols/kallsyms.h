// SPDX-License-Identifier: Apache-2.0
// The kernel's own symbols in its read-only data, as scripts/kallsyms.c lays
// them out. For kallsyms*.c only.
#pragma once

#include "harness/symbols/table.h"

// There is no header and no pointer to the tables, so they are found by their
// contents. All are little-endian and aligned to 8:
//
//   up to 6.3:  offsets base num names markers [seqs] tokens index
//   since 6.4:  num names markers tokens index offsets base seqs
//
//   tokens   256 strings, each with its NUL; those of digits are the digits
//            themselves, as every kernel has names with each of them
//   index    256 x u16, where each begins
//   names    num times: a length (two bytes when above 127) and as many token
//            numbers; the text begins with the symbol's type
//   markers  where each 256th name begins: u32, before 4.20 u64
//   seqs     3 bytes for each symbol, since 6.2
//   offsets  num x s32: an address below 2 GiB, or base - 1 - offset where
//            it is negative; since 6.15 base + offset. Kernels that were built
//            so, and those before 4.6, have num x u64 addresses and no base.
//
// Each relation among them is checked: what passes is no accident.

// A copy of what lies around the tokens; offsets below count in it, and bytes
// [0, n) are valid. Its address is a multiple of 8.
struct kallsyms {
    const uint8_t *bytes;
    size_t n;
    size_t tokens, index; // found by kallsyms_tokens
    size_t num, names, markers;
    size_t count; // symbols
};

// Given where the token "0" of digits lies: finds tokens and index.
bool kallsyms_tokens(struct kallsyms *k, size_t digits);

// Finds num, names and markers in front of tokens. 0, -ENOENT, or -ETIMEDOUT by
// the patience of s.
int kallsyms_names(struct kallsyms *k, const struct ksyms *s,
                   struct error *err);

// Adds all symbols to the table. 0, -ENOENT when the addresses don't hold
// together, or what table_add returns.
int kallsyms_add(const struct kallsyms *k, struct ksyms *s, struct error *err);

static inline size_t kallsyms_align(size_t at)
{
    return (at + 7) & ~(size_t)7;
}

static inline uint64_t kallsyms_number(const struct kallsyms *k, size_t at,
                                       size_t width)
{
    uint64_t value = 0;
    for (size_t i = width; i > 0; i--)
        value = value << 8 | k->bytes[at + i - 1];
    return value;
}

// The length of a name at *at, which moves behind it. 0: there is none before
// end.
static inline size_t kallsyms_length(const struct kallsyms *k, size_t *at,
                                     size_t end)
{
    if (*at >= end)
        return 0;
    size_t len = k->bytes[(*at)++];
    if (len & 0x80) {
        if (*at >= end)
            return 0;
        len = (len & 0x7f) | (size_t)k->bytes[(*at)++] << 7;
    }
    return len <= end - *at ? len : 0;
}
