// SPDX-License-Identifier: Apache-2.0
// ACPI tables: found as kernels find them, sums right, contents as the
// platform map says, and understood by ACPICA's own disassembler.
#include "src/base/platform.h"
#include "src/boot/acpi.h"
#include "src/tests/boot_fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// Maps 1 MiB and writes the tables there.
static struct guest_memory tables(unsigned cpus)
{
    struct guest_memory mem;
    struct error err = {""};
    uint64_t rsdp = 0;
    cr_assert_eq(guest_memory_map(&mem, MIB, &err), 0);
    cr_assert_eq(acpi_write(&mem, cpus, 4, true, 0, &rsdp, &err), 0, "%s",
                 err.text);
    cr_assert_eq(rsdp, PLATFORM_BIOS_GPA);
    return mem;
}

static uint64_t read_le(const uint8_t *at, size_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, at, bytes);
    return value;
}

static const uint8_t *at_gpa(const struct guest_memory *mem, uint64_t gpa)
{
    const uint8_t *at = guest_memory_at(mem, gpa, 8);
    cr_assert(at, "0x%llx isn't RAM", (unsigned long long)gpa);
    cr_assert(gpa >= PLATFORM_BIOS_GPA &&
                  gpa < PLATFORM_BIOS_GPA + PLATFORM_BIOS_LEN,
              "0x%llx isn't reserved", (unsigned long long)gpa);
    return at;
}

// A table at gpa whose signature and sum are right.
static const uint8_t *table_at(const struct guest_memory *mem, uint64_t gpa,
                               const char *signature)
{
    const uint8_t *at = at_gpa(mem, gpa);
    cr_assert_eq(memcmp(at, signature, 4), 0, "%.4s", (const char *)at);
    uint64_t len = read_le(at + 4, 4);
    cr_assert(guest_memory_at(mem, gpa, len));
    cr_assert_eq(byte_sum(at, len), 0, "%s", signature);
    return at;
}

static const uint8_t *find_table(const struct guest_memory *mem,
                                 const char *signature)
{
    const uint8_t *rsdp = at_gpa(mem, PLATFORM_BIOS_GPA);
    const uint8_t *xsdt = table_at(mem, read_le(rsdp + 24, 8), "XSDT");
    size_t entries = (read_le(xsdt + 4, 4) - 36) / 8;
    for (size_t i = 0; i < entries; i++) {
        uint64_t gpa = read_le(xsdt + 36 + i * 8, 8);
        if (memcmp(at_gpa(mem, gpa), signature, 4) == 0)
            return table_at(mem, gpa, signature);
    }
    cr_assert(false, "no %s", signature);
    return NULL;
}

Test(boot_acpi, rsdp)
{
    struct guest_memory mem = tables(1);
    const uint8_t *rsdp = at_gpa(&mem, PLATFORM_BIOS_GPA);
    cr_assert_eq(memcmp(rsdp, "RSD PTR ", 8), 0);
    cr_assert_eq(rsdp[15], 2);
    cr_assert_eq(byte_sum(rsdp, 20), 0);
    cr_assert_eq(byte_sum(rsdp, 36), 0);
    guest_memory_unmap(&mem);
}

Test(boot_acpi, fadt_of_a_pc)
{
    struct guest_memory mem = tables(1);
    const uint8_t *fadt = find_table(&mem, "FACP");
    cr_assert_eq(read_le(fadt + 46, 2), PLATFORM_SCI_GSI);
    cr_assert_eq(read_le(fadt + 48, 4), 0, "no SMI command port");
    cr_assert_eq(read_le(fadt + 56, 4), PLATFORM_PM1A_EVT_PORT);
    cr_assert_eq(read_le(fadt + 64, 4), PLATFORM_PM1A_CNT_PORT);
    cr_assert_eq(read_le(fadt + 76, 4), PLATFORM_PM_TIMER_PORT);
    // No VGA, no RTC, no 8042, no other legacy devices.
    cr_assert_eq(read_le(fadt + 109, 2) & 0x27, 0x24);
    uint64_t flags = read_le(fadt + 112, 4);
    cr_assert(flags & 1U << 8, "a 32-bit PM timer");
    cr_assert_not(flags & 1U << 4, "the power button is fixed hardware");
    cr_assert(flags & 1U << 10, "reset register");
    cr_assert_not(flags & 1U << 20, "not hardware-reduced");
    cr_assert_eq(fadt[116], 1, "I/O port");
    cr_assert_eq(read_le(fadt + 120, 8), PLATFORM_RESET_PORT);
    cr_assert_eq(fadt[128], PLATFORM_RESET_VALUE);
    uint64_t facs = read_le(fadt + 36, 4);
    cr_assert_eq(facs % 64, 0);
    cr_assert_eq(memcmp(at_gpa(&mem, facs), "FACS", 4), 0);
    table_at(&mem, read_le(fadt + 140, 8), "DSDT");
    guest_memory_unmap(&mem);
}

// Walks the MADT's entries: processors, I/O APICs, overrides, NMIs by type.
static void count_madt(const uint8_t *madt, unsigned counts[16])
{
    size_t len = (size_t)read_le(madt + 4, 4);
    size_t at = 44;
    while (at < len) {
        cr_assert_lt(madt[at], 16);
        cr_assert_geq(madt[at + 1], 2);
        counts[madt[at]]++;
        if (madt[at] == 0) {
            cr_assert_eq(madt[at + 3], counts[0] - 1, "APIC ids count up");
            cr_assert_eq(read_le(madt + at + 4, 4), 1, "enabled");
        }
        if (madt[at] == 1)
            cr_assert_eq(read_le(madt + at + 4, 4), PLATFORM_IOAPIC_GPA);
        if (madt[at] == 4)
            cr_assert_eq(madt[at + 5], 1, "NMIs come in at LINT1");
        at += madt[at + 1];
    }
    cr_assert_eq(at, len);
}

Test(boot_acpi, madt_counts_processors)
{
    static const unsigned cpus[] = {1, 2, 64, BOOT_CPUS_MAX};
    for (size_t i = 0; i < sizeof(cpus) / sizeof(cpus[0]); i++) {
        struct guest_memory mem = tables(cpus[i]);
        const uint8_t *madt = find_table(&mem, "APIC");
        cr_assert_eq(read_le(madt + 36, 4), PLATFORM_LAPIC_GPA);
        unsigned counts[16] = {0};
        count_madt(madt, counts);
        cr_assert_eq(counts[0], cpus[i]);
        cr_assert_eq(counts[1], 1);
        cr_assert_eq(counts[4], 1);
        guest_memory_unmap(&mem);
    }
}

Test(boot_acpi, tables_keep_out_of_the_mp_table)
{
    struct guest_memory mem = tables(BOOT_CPUS_MAX);
    const uint8_t *at = guest_memory_at(&mem, 0, MIB);
    for (uint64_t gpa = 0; gpa < MIB; gpa++)
        if (gpa < PLATFORM_BIOS_GPA || gpa >= PLATFORM_BIOS_GPA + 0x10000)
            cr_assert_eq(at[gpa], 0, "0x%llx", (unsigned long long)gpa);
    guest_memory_unmap(&mem);
}

// Runs argv silently; its exit status, -1 when it can't be started.
static int run(const char *const argv[])
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    char *args[8] = {NULL};
    for (size_t i = 0; i < 7 && argv[i]; i++)
        cr_assert(args[i] = strdup(argv[i]));
    pid_t pid;
    int status = -1;
    int rc = posix_spawnp(&pid, args[0], &actions, NULL, args, environ);
    if (rc == 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status))
        status = WEXITSTATUS(status);
    for (size_t i = 0; args[i]; i++)
        free(args[i]);
    posix_spawn_file_actions_destroy(&actions);
    return rc ? -1 : status;
}

static void skip_without_iasl(void)
{
    if (run((const char *const[]){"iasl", "-v", NULL}) != 0)
        cr_skip_test("iasl is not installed (Debian package acpica-tools)");
}

// A directory for iasl's output, the current one until the test ends.
static void enter_scratch(char dir[32])
{
    snprintf(dir, 32, "/tmp/boot-acpi-XXXXXX");
    cr_assert(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
}

static void remove_scratch(const char *dir)
{
    cr_assert_eq(run((const char *const[]){"rm", "-r", dir, NULL}), 0);
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    FILE *file = fopen(name, "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes, 1, len, file), len);
    cr_assert_eq(fclose(file), 0);
}

static size_t read_file(const char *name, uint8_t *bytes, size_t size)
{
    FILE *file = fopen(name, "rb");
    cr_assert(file, "%s", name);
    size_t len = fread(bytes, 1, size, file);
    fclose(file);
    return len;
}

// Disassembled and compiled again, every table must be what it was; what
// compilers write about themselves into the header is left out.
static void assert_survives_iasl(const uint8_t *table)
{
    size_t len = (size_t)read_le(table + 4, 4);
    write_file("table.dat", table, len);
    cr_assert_eq(run((const char *const[]){"iasl", "-d", "table.dat", NULL}), 0,
                 "%.4s can't be disassembled", (const char *)table);
    cr_assert_eq(run((const char *const[]){"iasl", "-we", "-p", "again",
                                           "table.dsl", NULL}),
                 0, "%.4s can't be compiled again", (const char *)table);
    uint8_t again[4096];
    cr_assert_eq(read_file("again.aml", again, sizeof(again)), len, "%.4s",
                 (const char *)table);
    cr_assert_eq(memcmp(again + 36, table + 36, len - 36), 0, "%.4s differs",
                 (const char *)table);
}

Test(boot_acpi, iasl_reads_and_writes_the_same_tables)
{
    skip_without_iasl();
    char dir[32];
    enter_scratch(dir);
    struct guest_memory mem = tables(2);
    const uint8_t *fadt = find_table(&mem, "FACP");
    assert_survives_iasl(fadt);
    assert_survives_iasl(find_table(&mem, "APIC"));
    assert_survives_iasl(table_at(&mem, read_le(fadt + 140, 8), "DSDT"));
    guest_memory_unmap(&mem);
    remove_scratch(dir);
}

// What the DSDT means, in the words of the disassembler.
Test(boot_acpi, dsdt_names_four_uarts)
{
    skip_without_iasl();
    char dir[32];
    enter_scratch(dir);
    uint8_t dsdt[DSDT_MAX];
    size_t len = dsdt_build(4, true, 0, dsdt, sizeof(dsdt));
    cr_assert_gt(len, 36);
    write_file("dsdt.dat", dsdt, len);
    cr_assert_eq(run((const char *const[]){"iasl", "-d", "dsdt.dat", NULL}), 0);
    char text[16384] = "";
    read_file("dsdt.dsl", (uint8_t *)text, sizeof(text) - 1);
    static const char *const words[] = {
        "Name (_S5, Package (0x04)",
        "Scope (_SB)",
        "Device (COM1)",
        "Device (COM4)",
        "\"PNP0501\"",
        "0x03F8,",
        "0x02F8,",
        "0x03E8,",
        "0x02E8,",
        "ActiveHigh, Shared",
        "0x00000004,",
        "0x00000003,",
        "Device (PCI0)",
        "\"PNP0A03\"",
        "WordBusNumber",
        "0xE7FFFFFF,",
        "0x001FFFFF,",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cr_assert(strstr(text, words[i]), "no %s in:\n%s", words[i], text);
    remove_scratch(dir);
}

Test(boot_acpi, dsdt_names_as_many_uarts_as_there_are)
{
    static const char *const names[] = {"COM1", "COM2", "COM3", "COM4"};
    for (unsigned n = 0; n <= 4; n++) {
        uint8_t dsdt[DSDT_MAX];
        size_t len = dsdt_build(n, true, 0, dsdt, sizeof(dsdt));
        cr_assert_eq(byte_sum(dsdt, len), 0);
        for (unsigned i = 0; i < 4; i++)
            cr_assert_eq(memmem(dsdt, len, names[i], 4) != NULL, i < n);
    }
}

Test(boot_acpi, pci_is_named_where_it_is)
{
    uint8_t dsdt[DSDT_MAX];
    size_t len = dsdt_build(1, false, 0, dsdt, sizeof(dsdt));
    cr_assert_null(memmem(dsdt, len, "PCI0", 4));
    len = dsdt_build(1, true, 0, dsdt, sizeof(dsdt));
    cr_assert_not_null(memmem(dsdt, len, "PCI0", 4));
}

Test(boot_acpi, virtio_is_named_where_it_lies_in_memory)
{
    uint8_t dsdt[DSDT_MAX];
    size_t len = dsdt_build(4, false, PLATFORM_VIRTIO_MAX, dsdt, sizeof(dsdt));
    cr_assert_eq(byte_sum(dsdt, len), 0);
    cr_assert_not_null(memmem(dsdt, len, "VI00", 4));
    cr_assert_not_null(memmem(dsdt, len, "VI31", 4));
    cr_assert_not_null(memmem(dsdt, len, "_HID\x0dLNRO0005", 14));
    // The second one: a page at 0xd8001000, and GSI 17, level-triggered.
    cr_assert_not_null(memmem(dsdt, len,
                              "\x86\x09\0\1\0\x10\0\xd8\0\x10\0\0"
                              "\x89\6\0\x09\1\x11\0\0\0\x79",
                              22));
    len = dsdt_build(4, true, 0, dsdt, sizeof(dsdt));
    cr_assert_null(memmem(dsdt, len, "VI00", 4));
}

Test(boot_acpi, virtio_is_what_the_disassembler_reads)
{
    skip_without_iasl();
    char dir[32];
    enter_scratch(dir);
    uint8_t dsdt[DSDT_MAX];
    size_t len = dsdt_build(1, false, 2, dsdt, sizeof(dsdt));
    write_file("dsdt.dat", dsdt, len);
    cr_assert_eq(run((const char *const[]){"iasl", "-d", "dsdt.dat", NULL}), 0);
    char text[16384] = "";
    read_file("dsdt.dsl", (uint8_t *)text, sizeof(text) - 1);
    static const char *const words[] = {
        "Name (_HID, \"LNRO0005\")", "Memory32Fixed (ReadWrite,", "0xD8001000,",
        "Interrupt (ResourceConsumer, Level, ActiveHigh, Shared",
        "0x00000011,"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        cr_assert(strstr(text, words[i]), "no %s in:\n%s", words[i], text);
    remove_scratch(dir);
}

Test(boot_acpi, dsdt_that_doesnt_fit)
{
    uint8_t dsdt[DSDT_MAX];
    size_t len = dsdt_build(4, true, 0, dsdt, sizeof(dsdt));
    cr_assert_eq(byte_sum(dsdt, len), 0);
    for (size_t size = 0; size < len; size++)
        cr_assert_eq(dsdt_build(4, true, 0, dsdt, size), 0, "%zu bytes", size);
    cr_assert_eq(dsdt_build(4, true, 0, dsdt, len), len);
}
