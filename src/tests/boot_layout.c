// SPDX-License-Identifier: Apache-2.0
// Memory sizes, the initrd's place and the command line: what fits, what
// doesn't, and what is said then.
#include "src/boot/layout.h"
#include "src/tests/boot_fixture.h"

#include <asm/bootparam.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GIB (UINT64_C(1) << 30)

static void memory_refused(uint64_t memory, uint64_t host, const char *words)
{
    struct error err = {""};
    cr_assert_eq(layout_check_memory(memory, host, &err), -EINVAL);
    cr_assert(strstr(err.text, words), "%s", err.text);
}

Test(boot_layout, memory_out_of_range)
{
    memory_refused(0, UINT64_MAX, "memory is 0");
    memory_refused(1, UINT64_MAX, "memory 1 bytes is out of range: 1M to 1T");
    memory_refused(MIB - 4096, UINT64_MAX, "1020K is out of range");
    memory_refused(1024 * GIB + 4096, UINT64_MAX, "out of range: 1M to 1T");
    memory_refused(UINT64_MAX, UINT64_MAX, "out of range");
}

Test(boot_layout, memory_that_the_host_lacks)
{
    struct error err = {""};
    memory_refused(1024 * GIB, 8 * GIB,
                   "memory 1T is more than twice the 8192M");
    cr_assert_eq(layout_check_memory(16 * GIB, 8 * GIB, &err), 0);
    memory_refused(17 * GIB, 8 * GIB, "17G");
}

// The whole way round, with a kernel that is fine.
Test(boot_layout, memory_through_the_front_door)
{
    struct small_elf elf = small_elf();
    struct mem_file kernel = mem_file(&elf, sizeof(elf));
    struct boot_request request = request_for(kernel.path);
    request.memory = 0;
    assert_refused(&request, -EINVAL, "memory is 0", "0");
    request.memory = MIB;
    assert_refused(&request, -EINVAL, "memory 1M is too small: kernel", "1M");
    assert_refused(&request, -EINVAL, "use memory 16M or more", "1M");
    request.memory = UINT64_MAX;
    assert_refused(&request, -EINVAL, "out of range", "all");
}

Test(boot_layout, cpus_out_of_range)
{
    struct small_elf elf = small_elf();
    struct mem_file kernel = mem_file(&elf, sizeof(elf));
    struct boot_request request = request_for(kernel.path);
    request.cpus = 0;
    assert_refused(&request, -EINVAL, "0 CPUs are out of range", "0");
    request.cpus = BOOT_CPUS_MAX + 1;
    assert_refused(&request, -EINVAL, "255 CPUs", "255");
}

// ram_shape must say what guest_memory_map does.
Test(boot_layout, ram_is_as_it_is_mapped)
{
    static const uint64_t sizes[] = {MIB,
                                     16 * MIB + 1,
                                     GUEST_LOW_RAM_END,
                                     GUEST_LOW_RAM_END + 1,
                                     GUEST_LOW_RAM_END + 4096,
                                     4 * GIB,
                                     16 * GIB,
                                     64 * GIB};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct guest_memory mem;
        struct error err;
        cr_assert_eq(guest_memory_map(&mem, sizes[i], &err), 0, "%s", err.text);
        struct ram ram = ram_shape(sizes[i]);
        cr_assert_eq(ram.low_end, mem.regions[0].gpa + mem.regions[0].size);
        uint64_t high =
            mem.nregions == 2 ? mem.regions[1].gpa + mem.regions[1].size : 0;
        cr_assert_eq(ram.high_end, high);
        guest_memory_unmap(&mem);
    }
}

static const struct {
    const char *what;
    uint64_t end; // of the kernel
    uint64_t max;
    bool above;
    uint64_t memory, size;
    uint64_t gpa; // 0: refused
    const char *words;
} places[] = {
    {"top of RAM", 4 * MIB, GIB, false, 64 * MIB, MIB, 63 * MIB, NULL},
    {"page-aligned", 4 * MIB, GIB, false, 64 * MIB, MIB + 1, 63 * MIB - 4096,
     NULL},
    {"below the limit", 4 * MIB, 0x7fffffff, false, 3 * GIB, MIB, 0x7ff00000,
     NULL},
    {"odd limit", 4 * MIB, 0x37fffffe, false, 2 * GIB, MIB, 0x37eff000, NULL},
    {"exactly", 4 * MIB, GIB, false, 64 * MIB, 60 * MIB, 4 * MIB, NULL},
    {"one byte more", 4 * MIB, GIB, false, 64 * MIB, 60 * MIB + 1, 0,
     "memory 64M is too small: initrd x of 61M doesn't fit beside the kernel, "
     "which ends at 4M; use memory 128M or more"},
    {"kernel not at a page", 4 * MIB + 1, GIB, false, 64 * MIB, 60 * MIB - 1, 0,
     "is too small"},
    {"above the limit when it may", 4 * MIB, 64 * MIB - 1, true, 256 * MIB,
     100 * MIB, 156 * MIB, NULL},
    {"not when it mayn't", 4 * MIB, 64 * MIB - 1, false, 256 * MIB, 100 * MIB,
     0, "this kernel takes 60M at most, below address 0x3ffffff"},
    {"above 4 GiB", 64 * MIB, 0x7fffffff, true, 8 * GIB, 4 * GIB, 5 * GIB,
     NULL},
    {"not even there", 64 * MIB, 0x7fffffff, true, 8 * GIB, 6 * GIB, 0,
     "memory 8G is too small"},
    {"limit below the kernel", 64 * MIB, MIB, false, 128 * MIB, 1, 0,
     "takes none at most"},
    {"limit 0", 4 * MIB, 0, false, 128 * MIB, 1, 0, "takes none"},
    {"no limit", 4 * MIB, UINT64_MAX, false, 64 * MIB, MIB, 63 * MIB, NULL},
    {"gigantic", 4 * MIB, GIB, true, 64 * MIB, UINT64_MAX, 0, "too large"},
};

Test(boot_layout, initrd_places)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct kernel_plan plan = {.start = 2 * MIB,
                                   .end = places[i].end,
                                   .initrd_max = places[i].max,
                                   .initrd_above = places[i].above};
        uint64_t gpa = 0;
        struct error err = {""};
        int rc = layout_place_initrd(&plan, ram_shape(places[i].memory),
                                     places[i].size, "x", &gpa, &err);
        const char *what = places[i].what;
        cr_assert_eq(rc, places[i].gpa ? 0 : -EINVAL, "%s: %s", what, err.text);
        if (rc == 0)
            cr_assert_eq(gpa, places[i].gpa, "%s: 0x%llx", what,
                         (unsigned long long)gpa);
        else
            cr_assert(strstr(err.text, places[i].words), "%s: %s", what,
                      err.text);
    }
}

static char *filled_text(size_t len)
{
    char *text = malloc(len + 1);
    cr_assert(text);
    memset(text, 'x', len);
    text[len] = '\0';
    return text;
}

Test(boot_layout, initrd_is_loaded_whole)
{
    enum { SIZE = 5000 };
    char *bytes = filled_text(SIZE);
    struct small_bzimage bz = small_bzimage();
    struct mem_file kernel = mem_file(&bz, sizeof(bz));
    struct mem_file initrd = mem_file(bytes, SIZE);
    struct boot_request request = request_for(kernel.path);
    request.initrd = initrd.path;
    struct guest_memory mem;
    struct boot_state s = load_ok(&request, &mem);
    cr_assert_eq(s.initrd_gpa, 16 * MIB - 8192);
    cr_assert_eq(s.initrd_size, SIZE);
    const uint8_t *at = guest_memory_at(&mem, s.initrd_gpa, 8192);
    cr_assert_eq(memcmp(at, bytes, SIZE), 0);
    cr_assert_eq(at[SIZE], 0);
    cr_assert_eq(at[-1], 0);
    guest_memory_unmap(&mem);
    free(bytes);
}

Test(boot_layout, initrd_larger_than_memory)
{
    struct small_elf elf = small_elf();
    struct mem_file kernel = mem_file(&elf, sizeof(elf));
    char *bytes = filled_text(20 * MIB);
    struct mem_file initrd = mem_file(bytes, 20 * MIB);
    struct boot_request request = request_for(kernel.path);
    request.initrd = initrd.path;
    assert_refused(&request, -EINVAL, "memory 16M is too small: initrd", "");
    assert_refused(&request, -EINVAL, "of 20M doesn't fit", "");
    assert_refused(&request, -EINVAL, "use memory 32M or more", "");
    request.memory = 32 * MIB;
    struct guest_memory mem;
    cr_assert_eq(load_ok(&request, &mem).initrd_gpa, 12 * MIB);
    guest_memory_unmap(&mem);
    free(bytes);
}

static void cmdline_is(const char *kernel, size_t len, const char *words)
{
    struct boot_request request = request_for(kernel);
    char *text = filled_text(len);
    request.cmdline = text;
    if (words) {
        assert_refused(&request, -EINVAL, words, "command line");
    } else {
        struct guest_memory mem;
        load_ok(&request, &mem);
        const char *at = guest_memory_at(&mem, 0x20000, len + 1);
        cr_assert_str_eq(at, text);
        guest_memory_unmap(&mem);
    }
    free(text);
}

Test(boot_layout, cmdline_length)
{
    struct small_elf elf = small_elf();
    struct mem_file a = mem_file(&elf, sizeof(elf));
    cmdline_is(a.path, 0, NULL);
    cmdline_is(a.path, 2047, NULL);
    cmdline_is(a.path, 2048, "2048 bytes, but this kernel takes 2047 at most");

    struct small_bzimage bz = small_bzimage();
    bz_header(&bz)->cmdline_size = 300;
    struct mem_file b = mem_file(&bz, sizeof(bz));
    cmdline_is(b.path, 300, NULL);
    cmdline_is(b.path, 301, "takes 300 at most");
    bz_header(&bz)->cmdline_size = 0;
    struct mem_file c = mem_file(&bz, sizeof(bz));
    cmdline_is(c.path, 255, NULL);
    cmdline_is(c.path, 256, "takes 255 at most");
    // However much the kernel takes, its room below 1 MiB ends.
    bz_header(&bz)->cmdline_size = UINT32_MAX;
    struct mem_file d = mem_file(&bz, sizeof(bz));
    cmdline_is(d.path, 65535, NULL);
    cmdline_is(d.path, 65536, "takes 65535 at most");
}

Test(boot_layout, cmdline_bytes)
{
    static const struct {
        const char *cmdline, *words;
    } lines[] = {
        {"console=ttyS0\nquiet", "newline (0x0a) at byte 14"},
        {"\x1b[0m", "control character (0x1b) at byte 1"},
        {"quiet\x7f", "(0x7f)"},
        {"a\tb=\"\xc3\xa9\"", NULL},
        {NULL, NULL},
    };
    struct small_elf elf = small_elf();
    struct mem_file kernel = mem_file(&elf, sizeof(elf));
    struct boot_request request = request_for(kernel.path);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct guest_memory mem;
        request.cmdline = lines[i].cmdline;
        struct boot_state s = load_ok(&request, &mem);
        const char *words = lines[i].words ? lines[i].words : "command line";
        cr_assert_eq(has_note(&s, words), lines[i].words != NULL, "%zu", i);
        guest_memory_unmap(&mem);
    }
}
