// SPDX-License-Identifier: Apache-2.0
// The walk through a guest's page tables. See paging.h. Whatever stands in the
// tables is the guest's word: an entry leads at most one level down, and each
// is fetched through guest_memory_at.
#include "src/machine/paging.h"

#include <string.h>

#define CR0_PG   (UINT64_C(1) << 31)
#define CR4_LA57 (UINT64_C(1) << 12)
#define EFER_LMA (UINT64_C(1) << 10)

#define ENTRY_PRESENT UINT64_C(0x01)
#define ENTRY_LARGE   UINT64_C(0x80)
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)

#define PAGE_BITS  12
#define INDEX_BITS 9
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)
// Levels count from 1, whose entries map 4 KiB; 2 and 3 may map large pages.
#define LARGEST_LEAF 3

static unsigned shift_of(unsigned level)
{
    return PAGE_BITS + INDEX_BITS * (level - 1);
}

// The bits above the translated ones repeat the highest of these.
static bool is_canonical(uint64_t address, unsigned levels)
{
    uint64_t above = address >> (shift_of(levels + 1) - 1);
    return above == 0 || above == UINT64_MAX >> (shift_of(levels + 1) - 1);
}

static bool read_entry(const struct guest_memory *mem, uint64_t table,
                       uint64_t index, uint64_t *entry)
{
    const void *at =
        guest_memory_at(mem, table + index * sizeof *entry, sizeof *entry);
    if (at)
        memcpy(entry, at, sizeof *entry);
    return at && (*entry & ENTRY_PRESENT);
}

static void land(uint64_t address, uint64_t frame, unsigned shift,
                 uint64_t *physical, uint64_t *left)
{
    uint64_t mask = (UINT64_C(1) << shift) - 1;
    *physical = (frame & ~mask) | (address & mask);
    *left = mask + 1 - (address & mask);
}

bool paging_translate(const struct guest_memory *mem,
                      const struct toyvmm_regs *regs, uint64_t address,
                      uint64_t *physical, uint64_t *left)
{
    if (!(regs->cr0 & CR0_PG)) {
        land(address, address, PAGE_BITS, physical, left);
        return true;
    }
    unsigned levels = regs->cr4 & CR4_LA57 ? 5 : 4;
    if (!(regs->efer & EFER_LMA) || !is_canonical(address, levels))
        return false;
    uint64_t entry = regs->cr3;
    for (unsigned level = levels; level > 0; level--) {
        unsigned shift = shift_of(level);
        if (!read_entry(mem, entry & ENTRY_ADDRESS,
                        address >> shift & INDEX_MASK, &entry))
            return false;
        // In an entry for 4 KiB the bit means something else.
        if (level == 1 || !(entry & ENTRY_LARGE))
            continue;
        if (level > LARGEST_LEAF)
            return false;
        land(address, entry & ENTRY_ADDRESS, shift, physical, left);
        return true;
    }
    land(address, entry & ENTRY_ADDRESS, PAGE_BITS, physical, left);
    return true;
}

size_t paging_read(const struct guest_memory *mem,
                   const struct toyvmm_regs *regs, uint64_t address, void *to,
                   size_t len)
{
    size_t done = 0;
    uint64_t physical;
    uint64_t left;
    // The last page of all ends where the addresses do.
    while (done < len && address + done >= address &&
           paging_translate(mem, regs, address + done, &physical, &left)) {
        // A large page may reach beyond RAM; a small one is RAM or not.
        uint64_t n = (UINT64_C(1) << PAGE_BITS) -
                     (physical & ((UINT64_C(1) << PAGE_BITS) - 1));
        n = n < left ? n : left;
        n = n < len - done ? n : len - done;
        const void *from = guest_memory_at(mem, physical, n);
        if (!from)
            break;
        memcpy((uint8_t *)to + done, from, n);
        done += n;
    }
    return done;
}
