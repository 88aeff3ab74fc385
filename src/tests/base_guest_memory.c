// SPDX-License-Identifier: Apache-2.0
// Tests of src/base/guest_memory.h: no gpa and length lead outside guest RAM.
#include "src/base/guest_memory.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

Test(guest_memory, one_region_below_3_gib)
{
    struct guest_memory mem;
    struct error err;
    cr_assert_eq(guest_memory_map(&mem, 16 * MIB, &err), 0, "%s", err.text);
    cr_assert_eq(mem.nregions, 1);
    cr_assert_not_null(guest_memory_at(&mem, 0, 16 * MIB));
    cr_assert_null(guest_memory_at(&mem, 0, 16 * MIB + 1));
    cr_assert_not_null(guest_memory_at(&mem, 16 * MIB - 1, 1));
    cr_assert_null(guest_memory_at(&mem, 16 * MIB, 1));
    cr_assert_null(guest_memory_at(&mem, 16 * MIB - 1, 2));
    guest_memory_unmap(&mem);
    cr_assert_null(guest_memory_at(&mem, 0, 1));
}

Test(guest_memory, large_pages_are_possible)
{
    struct guest_memory mem;
    cr_assert_eq(guest_memory_map(&mem, 4 * GIB + MIB, NULL), 0);
    for (size_t i = 0; i < mem.nregions; i++)
        cr_assert_eq(((uintptr_t)mem.regions[i].hva ^ mem.regions[i].gpa) &
                         (2 * MIB - 1),
                     0, "region %zu", i);
    guest_memory_unmap(&mem);
}

Test(guest_memory, overflowing_ranges_are_refused)
{
    struct guest_memory mem;
    cr_assert_eq(guest_memory_map(&mem, MIB, NULL), 0);
    cr_assert_null(guest_memory_at(&mem, UINT64_MAX, 1));
    cr_assert_null(guest_memory_at(&mem, 1, UINT64_MAX));
    cr_assert_null(guest_memory_at(&mem, UINT64_MAX, UINT64_MAX));
    cr_assert_null(guest_memory_at(&mem, 0, 0), "length 0 is no range");
    guest_memory_unmap(&mem);
}

Test(guest_memory, continues_at_4_gib)
{
    struct guest_memory mem;
    struct error err;
    cr_assert_eq(guest_memory_map(&mem, 4 * GIB, &err), 0, "%s", err.text);
    cr_assert_eq(mem.nregions, 2);
    uint8_t *last_low = guest_memory_at(&mem, GUEST_LOW_RAM_END - 1, 1);
    uint8_t *first_high = guest_memory_at(&mem, GUEST_HIGH_RAM, 1);
    cr_assert_not_null(last_low);
    cr_assert_eq(first_high, last_low + 1);
    cr_assert_null(guest_memory_at(&mem, GUEST_LOW_RAM_END - 1, 2),
                   "a range never joins the two regions");
    cr_assert_null(guest_memory_at(&mem, GUEST_LOW_RAM_END, 1),
                   "the hole is not RAM");
    cr_assert_not_null(guest_memory_at(&mem, GUEST_HIGH_RAM, GIB));
    cr_assert_null(guest_memory_at(&mem, GUEST_HIGH_RAM, GIB + 1));
    guest_memory_unmap(&mem);
}

Test(guest_memory, sizes_out_of_range)
{
    struct guest_memory mem;
    struct error err;
    cr_assert_eq(guest_memory_map(&mem, 0, &err), -EINVAL);
    cr_assert_eq(guest_memory_map(&mem, MIB - 1, &err), -EINVAL);
    cr_assert_eq(guest_memory_map(&mem, 1025 * GIB, &err), -EINVAL);
    cr_assert_not_null(strstr(err.text, "1M to 1T"));
}

Test(guest_memory, write_is_all_or_nothing)
{
    struct guest_memory mem;
    cr_assert_eq(guest_memory_map(&mem, MIB, NULL), 0);
    cr_assert(guest_memory_write(&mem, MIB - 4, "abcd", 4));
    cr_assert_not(guest_memory_write(&mem, MIB - 3, "wxyz", 4));
    cr_assert_eq(memcmp(guest_memory_at(&mem, MIB - 4, 4), "abcd", 4), 0);
    guest_memory_unmap(&mem);
}

// At 3 GiB exactly there is nothing above the hole, a page more is there.
Test(guest_memory, the_edges_of_the_hole)
{
    static const struct {
        uint64_t size, high; // bytes above 4 GiB
    } cases[] = {{3 * GIB - 4096, 0},
                 {3 * GIB, 0},
                 {3 * GIB + 1, 4096},
                 {3 * GIB + 4096, 4096},
                 {16 * GIB, 13 * GIB}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guest_memory mem;
        struct error err;
        uint64_t high = cases[i].high;
        cr_assert_eq(guest_memory_map(&mem, cases[i].size, &err), 0, "%s",
                     err.text);
        cr_assert_eq(mem.nregions, high ? 2 : 1);
        // What a hostile guest would name: in the hole, over its edges, and
        // where an address and a length wrap.
        cr_assert_null(guest_memory_at(&mem, 3 * GIB, 1));
        cr_assert_null(guest_memory_at(&mem, 3 * GIB - 1, 2));
        cr_assert_null(guest_memory_at(&mem, 0xfee00000, 4));
        cr_assert_null(guest_memory_at(&mem, 4 * GIB - 1, 1));
        cr_assert_null(guest_memory_at(&mem, 4 * GIB - 1, 2));
        cr_assert_null(guest_memory_at(&mem, 2 * GIB, 3 * GIB));
        cr_assert_null(guest_memory_at(&mem, 4 * GIB + high, 1));
        cr_assert_null(guest_memory_at(&mem, 4 * GIB, high + 1));
        cr_assert_null(guest_memory_at(&mem, UINT64_MAX - 1, 4 * GIB));
        if (high) {
            uint8_t *last = guest_memory_at(&mem, 4 * GIB + high - 1, 1);
            cr_assert_not_null(last);
            *last = 1;
            cr_assert_eq(guest_memory_at(&mem, 4 * GIB, high), last - high + 1);
        }
        guest_memory_unmap(&mem);
    }
}

// How much of it the host really holds, in KiB.
static unsigned long resident(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    cr_assert(f && fscanf(f, "%*u %lu", &pages) == 1);
    fclose(f);
    return pages * 4;
}

// A guest of 16 GiB costs what it touches.
Test(guest_memory, what_is_not_touched_is_not_there)
{
    static const enum guest_backing backings[] = {GUEST_BACKING_ANONYMOUS,
                                                  GUEST_BACKING_SHARED};
    for (size_t i = 0; i < 2; i++) {
        struct guest_memory mem;
        struct error err;
        unsigned long before = resident();
        cr_assert_eq(guest_memory_map_as(&mem, 16 * GIB, backings[i], &err), 0,
                     "%s", err.text);
        *(uint8_t *)guest_memory_at(&mem, 15 * GIB, 1) = 1;
        cr_expect_leq(resident(), before + 4096UL + 1024);
        cr_expect_eq(mem.fd >= 0, backings[i] == GUEST_BACKING_SHARED);
        guest_memory_unmap(&mem);
        cr_expect_eq(mem.fd, -1);
    }
}

// Whoever is given the memfd sees what the guest wrote, at the region's offset.
Test(guest_memory, shared_is_shared)
{
    struct guest_memory mem;
    struct error err;
    char seen[5] = "";
    cr_assert_eq(
        guest_memory_map_as(&mem, 3 * GIB + MIB, GUEST_BACKING_SHARED, &err), 0,
        "%s", err.text);
    cr_assert(guest_memory_write(&mem, 4 * GIB + 16, "above", 5));
    cr_assert_eq(pread(mem.fd, seen, 5, (off_t)(3 * GIB + 16)), 5);
    cr_expect_eq(memcmp(seen, "above", 5), 0);
    guest_memory_unmap(&mem);
}

// Huge pages are there, or the sentence says how to get them.
Test(guest_memory, huge_pages_or_their_cure)
{
    struct guest_memory mem;
    struct error err = {""};
    cr_assert_eq(guest_memory_map_as(&mem, 3 * MIB, GUEST_BACKING_HUGE, &err),
                 -EINVAL);
    cr_expect(strstr(err.text, "multiple of 2M"), "%s", err.text);
    int code = guest_memory_map_as(&mem, 64 * MIB, GUEST_BACKING_HUGE, &err);
    if (code == 0) {
        cr_expect(guest_memory_write(&mem, 64 * MIB - 1, "x", 1));
        guest_memory_unmap(&mem);
    } else {
        cr_expect(strstr(err.text, "leave out `huge`"), "%s", err.text);
    }
    // More than any host sets aside.
    code = guest_memory_map_as(&mem, 1024 * GIB, GUEST_BACKING_HUGE, &err);
    cr_expect(code == -ENOMEM || code == -ENOSYS);
    cr_expect(code == -ENOSYS || strstr(err.text, "nr_hugepages"), "%s",
              err.text);
    cr_expect_eq(mem.fd, -1);
}

// Whole pages of RAM, and nothing else, whatever is asked for.
Test(base_guest_memory, discards)
{
    static const enum guest_backing backings[] = {GUEST_BACKING_ANONYMOUS,
                                                  GUEST_BACKING_SHARED};
    for (size_t i = 0; i < 2; i++) {
        struct guest_memory mem;
        struct error err = {""};
        cr_assert_eq(guest_memory_map_as(&mem, 1 << 20, backings[i], &err), 0,
                     "%s", err.text);
        uint8_t *at = mem.regions[0].hva;
        memset(at, 7, 1 << 20);
        cr_expect_eq(guest_memory_discard(&mem, 4095, 4098), 4096U);
        cr_expect(at[4095] == 7 && at[4096] == 0 && at[8191] == 0 &&
                  at[8192] == 7);
        cr_expect_eq(guest_memory_discard(&mem, 0x3001, 0x1ffe), 0U);
        cr_expect_eq(guest_memory_discard(&mem, 0x3000, 0), 0U);
        cr_expect_eq(guest_memory_discard(&mem, 0x3000, 4095), 0U);
        cr_expect_eq(guest_memory_discard(&mem, 0xff000, 0x2000), 0U);
        cr_expect_eq(guest_memory_discard(&mem, UINT64_MAX - 4095, 8192), 0U);
        cr_expect_eq(guest_memory_discard(&mem, 0x3000, UINT64_MAX), 0U);
        cr_expect(at[0x3000] == 7 && at[0xff000] == 7);
        guest_memory_unmap(&mem);
    }
}
