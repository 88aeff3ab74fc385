// SPDX-License-Identifier: Apache-2.0
// Tests of src/base/guest_memory.h: no gpa and length lead outside guest RAM.
#include "src/base/guest_memory.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

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
