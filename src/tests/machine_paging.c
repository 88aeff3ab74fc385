// SPDX-License-Identifier: Apache-2.0
// The walk through page tables, on guest RAM alone: page sizes, levels, and
// tables that lie.
#include "src/machine/paging.h"

#include <criterion/criterion.h>
#include <string.h>

#define MEMORY (UINT64_C(4) << 20)
#define PG     (UINT64_C(1) << 31)
#define LA57   (UINT64_C(1) << 12)
#define LMA    (UINT64_C(1) << 10)

#define PRESENT UINT64_C(1)
#define LARGE   UINT64_C(0x80)
#define NX      (UINT64_C(1) << 63)

// Tables at 0x1000 (top), 0x2000, ...: what each test maps it puts there.
static struct guest_memory ram;
static struct toyvmm_regs regs;

static void set_up(void)
{
    cr_assert_eq(guest_memory_map(&ram, MEMORY, NULL), 0);
    regs = (struct toyvmm_regs){.cr0 = PG, .cr3 = 0x1000, .efer = LMA};
}

static void tear_down(void)
{
    guest_memory_unmap(&ram);
}

TestSuite(machine_paging, .init = set_up, .fini = tear_down);

static void entry(uint64_t table, uint64_t index, uint64_t value)
{
    cr_assert(guest_memory_write(&ram, table + index * 8, &value, 8));
}

static void check(uint64_t address, uint64_t physical, uint64_t left)
{
    uint64_t got = 0;
    uint64_t rest = 0;
    cr_assert(paging_translate(&ram, &regs, address, &got, &rest), "%#llx",
              (unsigned long long)address);
    cr_assert_eq(got, physical, "%#llx", (unsigned long long)got);
    cr_assert_eq(rest, left, "%#llx", (unsigned long long)rest);
}

static void check_none(uint64_t address)
{
    uint64_t got;
    uint64_t rest;
    cr_assert_not(paging_translate(&ram, &regs, address, &got, &rest));
}

Test(machine_paging, without_paging_one_to_one)
{
    regs.cr0 = 0;
    check(0x1234, 0x1234, 0x1000 - 0x234);
}

Test(machine_paging, three_page_sizes)
{
    // 0xffffffff80000000: index 511, 510, 0, 0.
    entry(0x1000, 511, 0x2000 | PRESENT);
    entry(0x2000, 510, 0x3000 | PRESENT);
    entry(0x2000, 511, (UINT64_C(1) << 30) | PRESENT | LARGE);
    entry(0x3000, 0, 0x4000 | PRESENT);
    entry(0x3000, 1, 0x200000 | PRESENT | LARGE | NX);
    entry(0x4000, 7, 0x5000 | PRESENT | LARGE); // PAT in a last level
    const uint64_t base = 0xffffffff80000000;
    check(base + 0x7123, 0x5123, 0x1000 - 0x123);
    check(base + 0x200000 + 0x12345, 0x212345, 0x200000 - 0x12345);
    check(base + 0x40000000 + 5, 0x40000005, 0x40000000 - 5);
    check_none(base + 0x8000);
    check_none(base + 0x400000);
}

Test(machine_paging, five_levels)
{
    regs.cr4 = LA57;
    entry(0x1000, 0x1ff, 0x2000 | PRESENT);
    entry(0x2000, 0, 0x3000 | PRESENT);
    entry(0x3000, 0, 0x200000 | PRESENT | LARGE);
    check(0xffff000000000010, 0x10, 0x40000000 - 0x10);
    // Canonical with five levels only.
    regs.cr4 = 0;
    check_none(0xffff000000000010);
}

Test(machine_paging, addresses_that_are_not_canonical)
{
    entry(0x1000, 256, 0x2000 | PRESENT);
    entry(0x2000, 0, PRESENT | LARGE);
    check(0xffff800000000000, 0, 0x40000000);
    check_none(0x0000800000000000);
    check_none(0xfffe800000000000);
}

Test(machine_paging, hostile_tables)
{
    // Into itself, for ever if it were followed so far.
    entry(0x1000, 0, 0x1000 | PRESENT);
    check(0, 0x1000, 0x1000);
    // Outside RAM, at its very end, and far beyond.
    entry(0x1000, 0, MEMORY | PRESENT);
    check_none(0);
    entry(0x1000, 0, UINT64_C(0x000ffffffffff000) | PRESENT);
    check_none(0);
    // A large page where the processor knows none.
    entry(0x1000, 0, 0x2000 | PRESENT | LARGE);
    check_none(0);
    // The root itself.
    regs.cr3 = UINT64_MAX;
    check_none(0);
    // 32-bit paging.
    regs.cr3 = 0x1000;
    regs.efer = 0;
    check_none(0);
}

Test(machine_paging, reading_over_pages)
{
    entry(0x1000, 0, 0x2000 | PRESENT);
    entry(0x2000, 0, 0x3000 | PRESENT);
    entry(0x3000, 0, 0x4000 | PRESENT);
    // Virtual pages 1 and 2 are physical 0x9000 and 0x7000; 3 is not RAM.
    entry(0x4000, 1, 0x9000 | PRESENT);
    entry(0x4000, 2, 0x7000 | PRESENT);
    entry(0x4000, 3, MEMORY | PRESENT);
    cr_assert(guest_memory_write(&ram, 0x9ffd, "abc", 3));
    cr_assert(guest_memory_write(&ram, 0x7000, "def", 3));
    char text[8] = "";
    cr_assert_eq(paging_read(&ram, &regs, 0x1ffd, text, 6), 6);
    cr_assert_str_eq(text, "abcdef");
    static char page[3 * 4096];
    cr_assert_eq(paging_read(&ram, &regs, 0x1ffd, page, sizeof page), 4096 + 3);
    cr_assert_eq(paging_read(&ram, &regs, 0x3000, page, 1), 0);
    cr_assert_eq(paging_read(&ram, &regs, 0x1000, page, 0), 0);
}

Test(machine_paging, a_large_page_may_reach_beyond_ram)
{
    entry(0x1000, 0, 0x2000 | PRESENT);
    entry(0x2000, 0, PRESENT | LARGE); // 1 GiB, of which 4 MiB are RAM
    static char page[2 * 4096];
    cr_assert_eq(paging_read(&ram, &regs, MEMORY - 4096, page, sizeof page),
                 4096);
}

Test(machine_paging, the_last_byte_of_all)
{
    entry(0x1000, 511, 0x2000 | PRESENT);
    entry(0x2000, 511, 0x3000 | PRESENT);
    entry(0x3000, 511, 0x200000 | PRESENT | LARGE);
    entry(0x1000, 0, 0x2000 | PRESENT); // what a wrapping address would find
    entry(0x2000, 0, PRESENT | LARGE);
    char text[16];
    cr_assert_eq(paging_read(&ram, &regs, UINT64_MAX - 3, text, 16), 4);
}
