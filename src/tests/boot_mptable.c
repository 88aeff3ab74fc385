// SPDX-License-Identifier: Apache-2.0
// The MP table, read back as a kernel reads it.
#include "src/base/platform.h"
#include "src/boot/mptable.h"
#include "src/tests/boot_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

// What a walk over the entries found.
struct found {
    unsigned processors, boot_processors, buses, ioapics, io, local;
    uint8_t ioapic_id;
    uint8_t pin_of[16]; // of ISA interrupts, 0xff for none
};

static const uint8_t *table(const struct guest_memory *mem)
{
    const uint8_t *fp = guest_memory_at(mem, PLATFORM_EBDA_GPA, 16);
    cr_assert_eq(memcmp(fp, "_MP_", 4), 0);
    cr_assert_eq(byte_sum(fp, 16), 0);
    cr_assert_eq(fp[9], 4);
    cr_assert_eq(fp[11], 0, "a table, not a default configuration");
    cr_assert_eq(fp[12], 0, "virtual wire mode");
    uint32_t gpa;
    memcpy(&gpa, fp + 4, 4);
    const uint8_t *at = guest_memory_at(mem, gpa, 44);
    cr_assert_eq(memcmp(at, "PCMP", 4), 0);
    return at;
}

static struct found walk(const uint8_t *at)
{
    struct found f = {0};
    memset(f.pin_of, 0xff, sizeof(f.pin_of));
    uint16_t len, entries;
    memcpy(&len, at + 4, 2);
    memcpy(&entries, at + 34, 2);
    cr_assert_eq(byte_sum(at, len), 0);
    const uint8_t *end = at + len;
    at += 44;
    for (; entries; entries--) {
        cr_assert_lt(at, end);
        size_t size = at[0] == 0 ? 20 : 8;
        if (at[0] == 0) {
            cr_assert_eq(at[1], f.processors);
            f.processors++;
            f.boot_processors += at[3] >> 1 & 1;
        } else if (at[0] == 1) {
            cr_assert_eq(memcmp(at + 2, "ISA   ", 6), 0);
            f.buses++;
        } else if (at[0] == 2) {
            f.ioapics++;
            f.ioapic_id = at[1];
        } else if (at[0] == 3) {
            cr_assert_eq(at[6], f.ioapic_id);
            cr_assert_lt(at[5], 16);
            f.pin_of[at[5]] = at[7];
            f.io++;
        } else {
            cr_assert_eq(at[0], 4);
            cr_assert_eq(at[1], at[7] ? 1 : 3, "LINT0 ExtINT, LINT1 NMI");
            f.local++;
        }
        at += size;
    }
    cr_assert_eq(at, end);
    return f;
}

Test(boot_mptable, entries)
{
    static const unsigned cpus[] = {1, 2, 16, BOOT_CPUS_MAX};
    for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
        struct guest_memory mem;
        struct error err;
        cr_assert_eq(guest_memory_map(&mem, MIB, &err), 0);
        cr_assert_eq(mptable_write(&mem, cpus[i], &err), 0);
        struct found f = walk(table(&mem));
        cr_assert_eq(f.processors, cpus[i]);
        cr_assert_eq(f.boot_processors, 1);
        cr_assert_eq(f.buses, 1);
        cr_assert_eq(f.ioapics, 1);
        cr_assert_eq(f.ioapic_id, cpus[i], "no processor's id");
        cr_assert_eq(f.local, 2);
        cr_assert_eq(f.pin_of[0], PLATFORM_PIT_GSI);
        cr_assert_eq(f.pin_of[2], 0xff, "the cascade is no interrupt");
        cr_assert_eq(f.pin_of[PLATFORM_COM1_GSI], PLATFORM_COM1_GSI);
        cr_assert_eq(f.pin_of[PLATFORM_COM2_GSI], PLATFORM_COM2_GSI);
        guest_memory_unmap(&mem);
    }
}
