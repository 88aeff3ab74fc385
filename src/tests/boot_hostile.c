// SPDX-License-Identifier: Apache-2.0
// Images that were cut or had bits flipped: each is loaded soundly or refused
// with a sentence, and nothing is touched that isn't the guest's.
#include "src/base/platform.h"
#include "src/tests/boot_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 4000

// slack: so many bytes less are not yet a cut.
static void assert_every_cut_is_refused(const void *bytes, size_t len,
                                        size_t slack)
{
    struct mem_file file = mem_file(bytes, len);
    struct boot_request request = request_for(file.path);
    struct guest_memory mem;
    struct boot_state state;
    struct error err;
    cr_assert_eq(guest_memory_map(&mem, request.memory, &err), 0);
    cr_assert_eq(boot_load(&request, &mem, &state, &err), 0, "%s", err.text);
    for (size_t cut = len - slack; cut-- > 0;) {
        cr_assert_eq(ftruncate(file.fd, (off_t)cut), 0);
        err.text[0] = '\0';
        cr_assert_eq(boot_load(&request, &mem, &state, &err), -EINVAL,
                     "cut to %zu bytes: %s", cut, err.text);
        cr_assert_neq(err.text[0], '\0');
    }
    mem_file_close(&file);
    guest_memory_unmap(&mem);
}

Test(boot_hostile, truncated_elf)
{
    struct small_elf elf = small_elf();
    assert_every_cut_is_refused(&elf, sizeof(elf), 0);
}

Test(boot_hostile, truncated_bzimage)
{
    struct small_bzimage bz = small_bzimage();
    assert_every_cut_is_refused(&bz, sizeof(bz), 15);
}

// Spoils up to four bytes of [from, to) in each round. Half of the new values
// are the extremes that break arithmetic.
static void spoil(uint8_t *bytes, size_t from, size_t to, uint64_t *seed)
{
    static const uint8_t extremes[] = {0x00, 0xff, 0x7f, 0x80};
    uint64_t n = 1 + random_next(seed) % 4;
    while (n--) {
        uint64_t r = random_next(seed);
        size_t at = from + (size_t)(r >> 8) % (to - from);
        bytes[at] = r & 0x80 ? extremes[r & 3] : (uint8_t)(r >> 48);
    }
}

static void assert_spoilt_ones_do_no_harm(const void *bytes, size_t len,
                                          size_t from, size_t to)
{
    uint8_t copy[4096];
    cr_assert_leq(len, sizeof(copy));
    struct mem_file file = mem_file(bytes, len);
    struct boot_request request = request_for(file.path);
    struct guest_memory mem;
    struct boot_state state;
    struct error err;
    cr_assert_eq(guest_memory_map(&mem, request.memory, &err), 0);
    uint64_t seed = 42;
    unsigned loaded = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        memcpy(copy, bytes, len);
        spoil(copy, from, to, &seed);
        cr_assert_eq(pwrite(file.fd, copy, len, 0), (ssize_t)len);
        err.text[0] = '\0';
        int rc = boot_load(&request, &mem, &state, &err);
        if (rc < 0) {
            cr_assert_eq(rc, -EINVAL, "round %u: %s", i, err.text);
            cr_assert_neq(err.text[0], '\0', "round %u", i);
            continue;
        }
        loaded++;
        cr_assert_geq(state.rip, state.kernel_gpa, "round %u", i);
        cr_assert_lt(state.rip - state.kernel_gpa, state.kernel_size);
        cr_assert_geq(state.kernel_gpa, PLATFORM_BOOT_DATA_END, "round %u", i);
        cr_assert(guest_memory_at(&mem, state.kernel_gpa, state.kernel_size),
                  "round %u", i);
    }
    // Neither of the two answers is the only one that was tried.
    cr_assert_gt(loaded, 0);
    cr_assert_lt(loaded, ROUNDS);
    mem_file_close(&file);
    guest_memory_unmap(&mem);
}

Test(boot_hostile, spoilt_elf)
{
    struct small_elf elf = small_elf();
    assert_spoilt_ones_do_no_harm(&elf, sizeof(elf), 0,
                                  offsetof(struct small_elf, text));
}

Test(boot_hostile, spoilt_bzimage)
{
    struct small_bzimage bz = small_bzimage();
    assert_spoilt_ones_do_no_harm(&bz, sizeof(bz), 0x1f1, 0x270);
}

Test(boot_hostile, spoilt_pvh_and_multiboot)
{
    static const uint32_t words[] = {MARKED_GPA + 0x100, MARKED_GPA, 0, 0,
                                     MARKED_GPA + 0x10};
    struct marked_elf elf = marked_elf_64();
    marked_elf_pvh(&elf);
    assert_spoilt_ones_do_no_harm(elf.bytes, elf.len, 0, 0xb0);
    assert_spoilt_ones_do_no_harm(elf.bytes, elf.len, MARKED_NOTES, elf.len);
    elf = marked_elf_32();
    marked_elf_multiboot(&elf, MARKED_TEXT + 0x100, 0x10003, words);
    assert_spoilt_ones_do_no_harm(elf.bytes, elf.len, 0, 0x80);
    assert_spoilt_ones_do_no_harm(elf.bytes, elf.len, MARKED_TEXT + 0x10c,
                                  MARKED_TEXT + 0x120);
}

Test(boot_hostile, random_bytes)
{
    static const uint8_t elf_magic[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    static const uint8_t setup_magic[] = {'H', 'd', 'r', 'S'};
    uint64_t seed = 7;
    for (unsigned i = 0; i < 200; i++) {
        uint8_t bytes[2048];
        for (size_t k = 0; k < sizeof(bytes); k++)
            bytes[k] = (uint8_t)random_next(&seed);
        // Every other one gets past the magic numbers.
        if (i % 4 == 1)
            memcpy(bytes, elf_magic, sizeof(elf_magic));
        if (i % 4 == 3)
            memcpy(bytes + 0x202, setup_magic, sizeof(setup_magic));
        size_t len = 1 + (size_t)(random_next(&seed) % sizeof(bytes));
        assert_bytes_refused(bytes, len, "kernel /proc/self/fd/", "noise");
    }
}

// A file that shrinks between the check and the load.
Test(boot_hostile, file_that_shrinks)
{
    struct small_elf elf = small_elf();
    struct mem_file file = mem_file(&elf, sizeof(elf));
    struct boot_request request = request_for(file.path);
    struct error err;
    cr_assert_eq(boot_check(&request, &err), 0);
    cr_assert_eq(ftruncate(file.fd, sizeof(elf) - 1), 0);
    assert_refused(&request, -EINVAL, "truncated", "shrunk");
}
