// SPDX-License-Identifier: Apache-2.0
// The table of symbols, filled from text: System.map and /proc/kallsyms.
#include "harness/tests/symbols_util.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ksyms *load(const char *text, struct error *err)
{
    return ksyms_load(temp_file(text, strlen(text)), NULL, err);
}

static struct ksyms *must_load(const char *text)
{
    struct error err = {""};
    struct ksyms *s = load(text, &err);
    cr_assert(s, "%s", err.text);
    return s;
}

static void refused(const char *text, const char *why)
{
    struct error err = {""};
    cr_assert_null(load(text, &err));
    cr_expect(strstr(err.text, why), "%s", err.text);
}

static void expect(const struct ksyms *s, uint64_t address, const char *name,
                   uint64_t offset, uint64_t size)
{
    struct ksym at;
    cr_assert(ksyms_find(s, address, &at), "%#llx",
              (unsigned long long)address);
    cr_expect_str_eq(at.name, name);
    cr_expect_eq(at.offset, offset);
    cr_expect_eq(at.size, size);
}

static const char map[] = "0000000000000000 D __per_cpu_start\n"
                          "ffffffff81000000 T _text\n"
                          "ffffffff81000000 T startup_64\n"
                          "ffffffff81000030 t verify_cpu\n"
                          "ffffffff81000100 W __weak\n"
                          "ffffffff81000100 T strong\n"
                          "ffffffff81000100 t local\n"
                          "ffffffff81000200 T _etext\n"
                          "ffffffff82000000 R rodata\n"
                          "ffffffff83000000 T late\n";

Test(symbols_table, finds_functions)
{
    struct ksyms *s = must_load(map);
    cr_expect_eq(ksyms_count(s), 10);
    struct ksym at;
    expect(s, 0xffffffff81000000, "startup_64", 0, 0x30);
    expect(s, 0xffffffff8100002f, "startup_64", 0x2f, 0x30);
    expect(s, 0xffffffff81000030, "verify_cpu", 0, 0xd0);
    expect(s, 0xffffffff810001ff, "strong", 0xff, 0x100);
    // Behind the code, in data, before all, behind all.
    cr_expect_not(ksyms_find(s, 0xffffffff81000200, &at));
    cr_expect_not(ksyms_find(s, 0xffffffff82000010, &at));
    cr_expect_not(ksyms_find(s, 0x10, &at));
    expect(s, 0xffffffff83000fff, "late", 0xfff, 0x1000);
    cr_expect_not(ksyms_find(s, 0xffffffff83001000, &at));
    cr_expect_not(ksyms_find(s, UINT64_MAX, &at));
    ksyms_free(s);
}

Test(symbols_table, finds_addresses)
{
    struct ksyms *s = must_load(map);
    uint64_t address = 0;
    cr_assert(ksyms_address(s, "rodata", &address));
    cr_expect_eq(address, 0xffffffff82000000);
    cr_assert(ksyms_address(s, "local", &address));
    cr_expect_not(ksyms_address(s, "loca", &address));
    ksyms_free(s);
}

Test(symbols_table, text_that_is_none)
{
    refused("hello world\n", "line 1: not");
    refused("ffffffff81000000 T a\n\nxyz\n", "line 3: not");
    refused("ffffffff81000000 T\n", "line 1: not");
    refused("ffffffff81000000 T \n", "line 1: not");
    refused("fffffffff81000000 T a\n", "line 1: not");
    refused("ffffffff81000000 1 a\n", "line 1: not");
    refused("abc", "too short");
    refused("ffffffff81000000 D data\n", "names no function");
    refused("ffffffffffffffff B The real System.map is in the "
            "linux-image-<version>-dbg package\n",
            "placeholder");
}

Test(symbols_table, a_copy_of_proc_kallsyms)
{
    refused("0000000000000000 T _text\n0000000000000000 t x\n", "as root");
    struct ksyms *s = must_load("ffffffff81000000 T _text\n"
                                "ffffffffc0000000 t init\t[ext4]\n");
    cr_expect_eq(ksyms_count(s), 1);
    ksyms_free(s);
}

Test(symbols_table, files_that_are_none)
{
    struct error err = {""};
    cr_assert_null(ksyms_load("/nonexistent/vmlinux", NULL, &err));
    cr_expect(strstr(err.text, "/nonexistent/vmlinux"));
    cr_assert_null(ksyms_load("/", NULL, &err));
    cr_assert_null(ksyms_load("/dev/zero", NULL, &err));
    cr_expect(strstr(err.text, "no regular file"));
    static char image[0x300];
    memcpy(image + 0x202, "HdrS", 4);
    cr_assert_null(ksyms_load(temp_file(image, sizeof(image)), NULL, &err));
    cr_expect(strstr(err.text, "bzImage"));
}

// Against a search by hand, aliases and gaps included.
Test(symbols_table, random_tables)
{
    uint64_t state = 7;
    for (unsigned round = 0; round < 200; round++) {
        char text[8192] = "";
        uint64_t addresses[64];
        size_t n = 1 + next_random(&state) % 64;
        for (size_t i = 0; i < n; i++) {
            addresses[i] = 0xffffffff81000000 + next_random(&state) % 100 * 16;
            char line[64];
            snprintf(line, sizeof(line), "%llx T f%llx\n",
                     (unsigned long long)addresses[i],
                     (unsigned long long)addresses[i]);
            strcat(text, line);
        }
        struct ksyms *s = must_load(text);
        for (unsigned probe = 0; probe < 200; probe++) {
            uint64_t at = 0xffffffff80fffff8 + next_random(&state) % 1700;
            uint64_t best = 0;
            for (size_t i = 0; i < n; i++) {
                if (addresses[i] <= at && addresses[i] > best)
                    best = addresses[i];
            }
            struct ksym found;
            cr_assert_eq(ksyms_find(s, at, &found), best != 0);
            if (best)
                cr_assert_eq(found.offset, at - best);
        }
        ksyms_free(s);
    }
}
